"""The workbook of notes through the windows: had, sent, looked at, saved and taken back; and by whom."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from io import BytesIO
from uuid import UUID
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from openpyxl import load_workbook
from sqlalchemy import select
from sqlmodel import Session

from domain.follow_ups import follow_ups, notes, workbook_export
from domain.follow_ups.week_row import Week
from domain.kernel import every
from models.base import table_of
from models.follow_up import FollowUp
from models.record import Event
from tests.api.application import client_for
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import SECOND, WORKER, bar, followed, in_force
from tests.noting import write_note

_event = table_of(Event)
WORDS = "Elle veut parler de son <b>logement</b>."
WEEK = timedelta(weeks=1)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


@pytest.fixture
def mine(cast: Cast) -> UUID:
    """A follow-up of the worker's with a note, beside one of another worker's."""
    with cast.session() as session:
        made = followed(session, cast)
        followed(session, cast, "#2026-02", worker=SECOND)
        write_note(session, made, TODAY, Week(met=1, minutes=45, summary=WORDS), by=cast.actor(WORKER), at=AT)
        return made


def readings(cast: Cast) -> list[tuple[str, str, str]]:
    """What the record says of workbooks that left: of which follow-up, on what ground, for what."""
    with cast.session() as session:
        rows = session.execute(select(_event).where(_event.c.verb == "exported").order_by(_event.c.n)).mappings()
        return [(row["subject_kind"], row["facts"]["ground"], row["facts"]["purpose"]) for row in rows]


def standing(session: Session, follow_up_id: UUID) -> Week:
    """What the note of this week says."""
    (row,) = every(session, follow_ups().where(FollowUp.id == follow_up_id))
    return notes.standing_weeks(session, row)[TODAY][1]


def sent(client: TestClient, content: bytes, name: str = "notes.xlsx") -> Response:
    """A workbook that somebody sends by the form."""
    return client.post("/caseload/imports", files={"content": (name, content, XLSX)})


def changed(content: bytes, **cells: str | int) -> bytes:
    """A workbook with other values in some cells of its first sheet."""
    book = load_workbook(BytesIO(content))
    for place, value in cells.items():
        book.worksheets[0][place] = value
    file = BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.usefixtures("mine")
def test_a_worker_has_their_own_workbook_and_each_participant_in_it_is_on_record(cast: Cast) -> None:
    answer = signed_in(cast, WORKER).get("/caseload/workbook.xlsx")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="notes-{TODAY.isoformat()}.xlsx"'
    book = load_workbook(BytesIO(answer.content))
    assert book.sheetnames == ["J"]
    assert book["J"]["B2"].value == "#2026-01"
    with ZipFile(BytesIO(answer.content)) as package:
        about = package.read("docProps/core.xml").decode()
    assert "creator" not in about
    assert "2026-01" not in about
    assert WORDS in {cell.value for row in book["J"].iter_rows() for cell in row}
    assert readings(cast) == [("follow_up", "part", "own_part")]


@pytest.mark.usefixtures("mine")
def test_the_coordinator_alone_has_the_workbook_of_all(cast: Cast) -> None:
    answer = signed_in(cast, "coordinator").get("/caseload/workbook.xlsx?of=all")
    assert load_workbook(BytesIO(answer.content)).sheetnames == ["J", "J2"]
    assert readings(cast) == [("follow_up", "role", "coordination")] * 2
    assert signed_in(cast, WORKER).get("/caseload/workbook.xlsx?of=all").status_code == 404
    for who in ("manager_ccsmtl", "privacy_officer", "administrator"):
        assert signed_in(cast, who).get("/caseload/workbook.xlsx").status_code == 404


def test_whom_a_participant_barred_has_no_sheet_of_them(cast: Cast, mine: UUID) -> None:
    with cast.session() as session:
        bar(session, cast, mine, cast.people["coordinator"])
    answer = signed_in(cast, "coordinator").get("/caseload/workbook.xlsx?of=all")
    assert load_workbook(BytesIO(answer.content))["J"]["B2"].value == "#2026-02"
    assert len(readings(cast)) == 1


@pytest.mark.usefixtures("mine")
def test_so_many_workbooks_leave_in_a_day_and_no_more(cast: Cast) -> None:
    for n in range(workbook_export.MOST_A_DAY):
        worker = client_for(cast.database, cast.people[WORKER], at=AT + n * timedelta(minutes=1))
        assert worker.get("/caseload/workbook.xlsx").status_code == 200
    stopped = client_for(cast.database, cast.people[WORKER], at=AT + timedelta(hours=1)).get("/caseload/workbook.xlsx")
    assert stopped.status_code == 429
    assert int(stopped.headers["retry-after"]) > 0
    tomorrow = client_for(cast.database, cast.people[WORKER], at=AT + timedelta(days=1, minutes=1))
    assert tomorrow.get("/caseload/workbook.xlsx").status_code == 200


def test_a_workbook_is_sent_looked_at_saved_and_taken_back(cast: Cast, mine: UUID) -> None:
    worker = signed_in(cast, WORKER)
    had = worker.get("/caseload/workbook.xlsx").content
    answer = sent(worker, changed(had, B10=2, C10="1h30", L10="Un autre résumé"))
    assert answer.status_code == 303
    here = answer.headers["location"]
    page = text_of(worker.get(here).text)
    assert "1 changed row" in page
    assert "meetings, minutes, summary" in page
    assert "logement" not in page
    assert "Un autre résumé" not in page
    with cast.session() as session:
        assert standing(session, mine).met == 1
    assert worker.post(f"{here}/saving", data={}).status_code == 303
    with cast.session() as session:
        assert standing(session, mine).minutes == 90
    assert worker.post(f"{here}/saving", data={}).status_code == 409
    assert worker.post(f"{here}/taking-back", data={}).status_code == 303
    with cast.session() as session:
        stood = standing(session, mine)
        assert (stood.minutes, stood.summary) == (45, WORDS)
    assert "Taken back" in text_of(worker.get(here).text)


@pytest.mark.usefixtures("mine")
def test_another_person_finds_no_workbook_that_was_sent_nor_saves_it(cast: Cast) -> None:
    worker = signed_in(cast, WORKER)
    here = sent(worker, changed(worker.get("/caseload/workbook.xlsx").content, B10=2)).headers["location"]
    for who in (SECOND, "coordinator", "privacy_officer"):
        other = signed_in(cast, who)
        assert other.get(here).status_code == 404
        assert other.get(f"/api/v1{here}").status_code == 404
        assert other.post(f"{here}/saving", data={}).status_code == 404
        assert other.post(f"{here}/taking-back", data={}).status_code == 404


@pytest.mark.usefixtures("mine")
def test_the_sheet_of_anothers_participant_is_said_as_one_that_is_of_nobody(cast: Cast) -> None:
    worker = signed_in(cast, WORKER)
    had = worker.get("/caseload/workbook.xlsx").content
    pages = []
    for number in ("#2026-02", "#2026-77"):
        page = worker.get(sent(worker, changed(had, B2=number)).headers["location"]).text
        pages.append(re.sub(r"[0-9a-f-]{36}|\d\d?:\d\d", "", page))
        assert "not of a participant whose notes you may write" in text_of(page)
        assert number not in page
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a;b;c", "This file is not an Excel workbook."),
        (b"", "This file is not an Excel workbook."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", "is in the old format (.xls)"),
        (b"PK\x03\x04", "This workbook is damaged"),
    ],
)
@pytest.mark.usefixtures("mine")
def test_what_is_no_workbook_is_refused_in_words(cast: Cast, content: bytes, said: str) -> None:
    answer = sent(signed_in(cast, WORKER), content)
    assert answer.status_code == 422
    assert said in text_of(answer.text)


@pytest.mark.usefixtures("mine")
def test_a_file_of_a_hundred_megabytes_is_refused_before_it_is_read(cast: Cast) -> None:
    worker = signed_in(cast, WORKER)
    answer = worker.post("/caseload/imports", content=b"", headers={"content-length": str(100 * 1024 * 1024)})
    assert answer.status_code == 413
    over = sent(worker, b"PK\x03\x04" + bytes(10 * 1024 * 1024))
    assert over.status_code == 413
    assert "larger than 10 MB" in text_of(over.text)


@pytest.mark.usefixtures("mine")
def test_the_same_is_done_over_json(cast: Cast) -> None:
    worker = signed_in(cast, WORKER)
    content = changed(worker.get("/caseload/workbook.xlsx").content, B10=2)
    made = worker.post("/api/v1/caseload/imports", json={"content": base64.b64encode(content).decode()})
    assert made.status_code == 201
    (sheet,) = made.json()["sheets"]
    assert [(row["row"], row["week"], row["kind"], row["changed"]) for row in sheet["rows"]] == [
        (10, TODAY.isoformat(), "changed", ["met"])
    ]
    here = made.headers["location"]
    assert worker.get(here).json() == made.json()
    assert worker.post(f"{here}/saving", json={}).json()["can_be_taken_back"] is True
    assert worker.post(f"{here}/taking-back", json=None).json()["sheets"][0]["rows"][0]["stays"] is False
