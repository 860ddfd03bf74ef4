"""The pages of the register: what is typed is never lost, two who edit, the history, and files without a formula."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import select, update

from api.pages import incidents as register
from domain.people import absences
from domain.record import incident_versions
from locales import show_day
from models.base import table_of
from models.record import Event, Incident
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import AT, LOADING, TODAY, Cast

_event, _incident = table_of(Event), table_of(Incident)

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


@pytest.fixture
def officer(cast: Cast) -> TestClient:
    return client_for(cast.database, cast.people["privacy_officer"])


def form(cast: Cast, **more: str) -> dict[str, str]:
    return {
        "organization": str(cast.organizations["ccsmtl"]),
        "information": "Work notes, with first names",
        "circumstances": "A laptop was left on a train.",
        "known_on": TODAY.isoformat(),
        "happened_from": "",
        "happened_to": "",
        "people_concerned": "",
        "measures": "",
        **more,
    }


def enter(officer: TestClient, cast: Cast, **more: str) -> str:
    answer = officer.post("/privacy/incidents", data=form(cast, **more))
    assert answer.status_code == 303, text_of(answer.text)
    return str(answer.headers["location"])


def post(officer: TestClient, place: str, seen: int, **fields: str) -> Any:
    return officer.post(place, data={"seen": str(seen), **fields})


def test_an_empty_register_says_what_to_do(officer: TestClient) -> None:
    page = text_of(officer.get("/privacy/incidents").text)
    assert "No incident" in page
    assert "Enter an incident" in page


@pytest.mark.ci
def test_from_entering_to_closing(officer: TestClient, cast: Cast) -> None:
    place = enter(officer, cast, people_concerned="1 200")
    assert "1,200" in text_of(officer.get(place).text)
    closing = post(officer, f"{place}/closing", 1)
    assert closing.status_code == 409
    assert "Say first whether this incident carries a risk of serious harm." in text_of(closing.text)
    assert post(officer, f"{place}/assessment", 1, serious_risk="yes", risk_reasons="Minors.").status_code == 303
    assert post(officer, place, 2, **form(cast, measures="Wiped.")).status_code == 303
    told = {"commission_told_on": TODAY.isoformat(), "people_told_on": TODAY.isoformat(), "public_notice": ""}
    assert post(officer, f"{place}/telling", 3, **told).status_code == 303
    assert post(officer, f"{place}/closing", 4).status_code == 303
    page = text_of(officer.get(place).text)
    assert "it stays in the register." in page
    assert "Closed" in text_of(officer.get("/privacy/incidents").text)
    assert post(officer, f"{place}/reopening", 5).status_code == 303
    assert "Close this incident" in text_of(officer.get(place).text)


def test_what_stood_before_is_on_the_page(officer: TestClient, cast: Cast) -> None:
    place = enter(officer, cast)
    post(officer, place, 1, **form(cast, circumstances="It was stolen from a car."))
    page = text_of(officer.get(place).text)
    assert "Circumstances, before: A laptop was left on a train." in page
    assert "Cyanite Serpentine" in page


def test_the_day_since_which_it_is_known_changes_with_its_reason_on_the_page(officer: TestClient, cast: Cast) -> None:
    place = enter(officer, cast)
    earlier = form(cast, known_on=(TODAY - timedelta(days=1)).isoformat())
    refused = post(officer, place, 1, **earlier)
    assert refused.status_code == 422
    assert "say why this day changes" in text_of(refused.text)
    assert post(officer, place, 1, **earlier, known_on_reason="The finder called then.").status_code == 303
    page = text_of(officer.get(place).text)
    assert f"Known since, before: {show_day('en', TODAY)}" in page
    assert "Why the day it became known changed: The finder called then." in page
    api = f"/api/v1{place}"
    body = {key: value or None for key, value in form(cast).items() if key not in ("organization", "measures")}
    body["organization_id"] = str(cast.organizations["ccsmtl"])
    assert officer.put(api, json=body, headers={"If-Match": '"2"'}).status_code == 422
    body["known_on_reason"] = "It was the day after."
    changed = officer.put(api, json=body, headers={"If-Match": '"2"'})
    assert (changed.status_code, changed.json()["known_on"]) == (200, TODAY.isoformat())


def test_the_history_says_days_and_numbers_as_its_reader_writes_them(officer: TestClient, cast: Cast) -> None:
    place = enter(officer, cast, happened_from=TODAY.isoformat(), people_concerned="10000")
    told = {"commission_told_on": TODAY.isoformat()}
    post(officer, f"{place}/telling", 1, **told)
    days = {"known_on": TODAY - timedelta(days=2), "happened_from": TODAY - timedelta(days=3)}
    said = form(cast, people_concerned="2", **{name: day.isoformat() for name, day in days.items()})
    assert post(officer, place, 2, **said, known_on_reason="The finder called.").status_code == 303
    earlier = {"commission_told_on": (TODAY - timedelta(days=1)).isoformat(), "told_on_reason": "The receipt says so."}
    assert post(officer, f"{place}/telling", 3, **earlier).status_code == 303
    for language, number in (("fr", "10\N{NO-BREAK SPACE}000"), ("en", "10,000")):
        # Blanks are made one: what is looked at is that thousands are apart as the language has it.
        page = text_of(officer.get(f"{place}?lang={language}").text)
        history = page[page.index("Rien de ce qui" if language == "fr" else "Nothing that was written") :]
        assert history.count(show_day(language, TODAY)) >= 3
        assert number in history.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}") or "10 000" in history
        assert TODAY.isoformat() not in history
        assert "The receipt says so." in history


def test_a_day_on_which_the_commission_was_told_is_changed_with_a_reason_alone_and_never_removed(
    officer: TestClient, cast: Cast
) -> None:
    place = enter(officer, cast, known_on=(TODAY - timedelta(days=2)).isoformat())
    told, earlier = TODAY.isoformat(), (TODAY - timedelta(days=1)).isoformat()
    assert post(officer, f"{place}/telling", 1, commission_told_on=told, people_told_on="").status_code == 303
    emptied = post(officer, f"{place}/telling", 2, commission_told_on="", people_told_on="")
    assert emptied.status_code == 422
    assert "A day on which someone was told is not removed." in text_of(emptied.text)
    moved = {"commission_told_on": earlier, "people_told_on": ""}
    assert "say why it changes" in text_of(post(officer, f"{place}/telling", 2, **moved).text)
    assert post(officer, f"{place}/telling", 2, **moved, told_on_reason="The receipt says so.").status_code == 303
    page = text_of(officer.get(place).text)
    assert f"Commission told on, before: {show_day('en', TODAY)}" in page
    assert "Why the day on which someone was told changed: The receipt says so." in page


@pytest.mark.ci
def test_while_nobody_answers_for_privacy_the_coordinator_keeps_the_register_and_sees_no_reading(cast: Cast) -> None:
    asker = client_for(cast.database, cast.people["coordinator"])
    assert asker.get("/privacy/incidents").status_code == 404
    assert "/privacy" not in asker.get("/people").text
    with cast.session() as session:
        # Away, without anybody who acts for them: the place has a name, and nobody.
        absences.record_absence(
            session,
            person_id=cast.people["privacy_officer"],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=None,
            by=LOADING,
            at=AT,
        )
    place = enter(asker, cast)
    assert "A laptop was left on a train." in asker.get(place).text
    register = asker.get("/privacy/incidents").text
    assert 'href="/privacy/incidents"' in register
    assert 'href="/privacy"' not in register
    assert asker.get("/privacy/incidents/register.csv").status_code == 200
    for path in ("/privacy", "/privacy/refusals", "/api/v1/privacy/readings", "/api/v1/privacy/unusual-readings"):
        assert (path, asker.get(path).status_code) == (path, 404)
    for name in ("administrator", "officer", "director_ccsmtl"):
        assert client_for(cast.database, cast.people[name]).get("/privacy/incidents").status_code == 404
    assert (
        client_for(cast.database, cast.people["coordinator"], at=AT + timedelta(days=1)).get(place).status_code == 404
    )


def test_whoever_acts_for_the_privacy_officer_has_all_of_it_and_the_coordinator_nothing(cast: Cast) -> None:
    with cast.session() as session:
        absences.record_absence(
            session,
            person_id=cast.people["privacy_officer"],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=cast.people["director_ccsmtl"],
            by=LOADING,
            at=AT,
        )
    deputy = client_for(cast.database, cast.people["director_ccsmtl"])
    assert enter(deputy, cast)
    assert deputy.get("/privacy").status_code == 200
    assert client_for(cast.database, cast.people["coordinator"]).get("/privacy/incidents").status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("information", "", "Say what kinds of personal information"),
        ("known_on", "", "Enter a day."),
        ("known_on", "yesterday", "Write the day as year-month-day"),
        ("organization", "", "Choose the body that holds the information."),
        ("organization", "nonsense", "Choose from the list."),
        ("people_concerned", "many", "Enter a number of people"),
        ("people_concerned", "9" * 40, "Enter a number of people, at most 10,000,000, or leave it empty."),
        ("people_concerned", "99999999", "Enter a number of people, at most 10,000,000, or leave it empty."),
        ("measures", "x" * 10_001, "At most 10,000 characters may stand here."),
        ("happened_from", "2031-01-01", "This day is still to come."),
    ],
)
def test_a_refused_form_comes_back_with_all_that_was_typed(
    officer: TestClient, cast: Cast, field: str, value: str, sentence: str
) -> None:
    typed = form(cast, circumstances="Kept <b>as typed</b>.", **{field: value})
    answer = officer.post("/privacy/incidents", data=typed)
    assert answer.status_code == 422
    assert sentence in text_of(answer.text)
    assert "Kept &lt;b&gt;as typed&lt;/b&gt;." in answer.text
    assert "No incident" in text_of(officer.get("/privacy/incidents").text)


def test_the_second_of_two_is_told_and_keeps_what_they_typed(officer: TestClient, cast: Cast) -> None:
    place = enter(officer, cast)
    assert post(officer, place, 1, **form(cast, measures="First.")).status_code == 303
    second = post(officer, place, 1, **form(cast, measures="Second."))
    assert second.status_code == 412
    assert "This incident was changed by someone else" in text_of(second.text)
    assert ">\nSecond.</textarea>" in second.text
    assert "First." in officer.get(place).text


def test_an_assessment_without_an_answer_is_refused(officer: TestClient, cast: Cast) -> None:
    place = enter(officer, cast)
    answer = post(officer, f"{place}/assessment", 1, risk_reasons="Kept.")
    assert (answer.status_code, "Kept." in answer.text) == (422, True)


def test_only_the_privacy_officer_enters_or_changes_anything(officer: TestClient, cast: Cast) -> None:
    place = enter(officer, cast)
    for name in ("coordinator", "administrator", "director_ccsmtl"):
        other = client_for(cast.database, cast.people[name])
        assert other.post("/privacy/incidents", data=form(cast)).status_code == 404
        assert other.get(place).status_code == 404
        assert post(other, f"{place}/closing", 1).status_code == 404
        assert other.get("/privacy/incidents/new").status_code == 404


def test_the_other_programs_incident_is_not_there(officer: TestClient, cast: Cast) -> None:
    place = enter(officer, cast)
    other = client_for(cast.database, cast.other.people["coordinator"])
    assert other.get(place).status_code == 404


# The files.

FORMULAS = ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "＝1+1", '=HYPERLINK("http://x.example")', "|calc"]


@pytest.mark.parametrize("words", FORMULAS)
def test_no_cell_of_the_csv_is_a_formula(officer: TestClient, cast: Cast, words: str) -> None:
    enter(officer, cast, information=words, measures=f"first line\n{words}")
    answer = officer.get("/privacy/incidents/register.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="register.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    titles, row = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(titles) == len(row) == 15
    assert row[2] == f"'{words.strip()}"
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "＝")) for cell in row)


@pytest.mark.parametrize("name", ["register.csv", "register.xlsx"])
def test_a_file_says_when_an_incident_was_closed_in_the_programs_time_to_the_minute(cast: Cast, name: str) -> None:
    """At 22:05 in Montréal it is the next day in Greenwich."""
    late = AT.replace(hour=3, minute=5, second=59, microsecond=123456) + timedelta(days=1)
    officer = client_for(cast.database, cast.people["privacy_officer"], at=late)
    place = enter(officer, cast, measures="Wiped.")
    post(officer, f"{place}/assessment", 1, serious_risk="no", risk_reasons="It is encrypted.")
    assert post(officer, f"{place}/closing", 2).status_code == 303
    content = officer.get(f"/privacy/incidents/{name}").content
    if name == "register.csv":
        assert list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1][-1] == "2026-11-23 22:05"
    else:
        assert load_workbook(io.BytesIO(content)).worksheets[0]["O2"].value == "2026-11-23 22:05"


@pytest.mark.parametrize("words", FORMULAS)
@pytest.mark.parametrize("before", ["A ;", 'A; "', "A;\u00a0", "A\n", "A\t"])
def test_no_cell_of_the_csv_is_one_to_a_program_whose_tables_have_semicolons(
    officer: TestClient, cast: Cast, before: str, words: str
) -> None:
    """As in French: there the commas are letters, and quotes count only where they stand first."""
    enter(officer, cast, information=before + words)
    written = officer.get("/privacy/incidents/register.csv").content.decode("utf-8-sig")
    cells = [cell.strip(' "\u00a0') for line in re.split("[\r\n]", written) for cell in re.split("[;\t]", line)]
    assert len(cells) > 2
    assert not any(cell.startswith(("=", "+", "-", "@", "|", "＝")) for cell in cells)


def test_a_cell_of_the_workbook_is_a_text_a_number_or_a_day_and_never_a_formula(
    officer: TestClient, cast: Cast
) -> None:
    enter(officer, cast, information="=1+1", circumstances="Été & <tag> _x0041_ 🙂", people_concerned="3")
    answer = officer.get("/privacy/incidents/register.xlsx")
    assert answer.headers["content-disposition"] == 'attachment; filename="register.xlsx"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        assert book.testzip() is None
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314  # our own file
        everything = b"".join(book.read(name) for name in book.namelist())
    assert sheet.findall(".//m:f", NS) == []
    assert b"Serpentine" not in everything
    (_, row) = sheet.findall(".//m:row", NS)
    # By the letter of its column; what says nothing of its kind is a number.
    cells = {cell.get("r"): (cell.get("t", "n"), "".join(cell.itertext())) for cell in row.findall("m:c", NS)}
    assert cells["A2"] == ("n", "1")
    assert cells["C2"] == ("inlineStr", "=1+1")
    assert cells["D2"] == ("inlineStr", "Été & <tag> _x005F_x0041_ 🙂")
    assert cells["G2"] == ("n", "46349")  # 2026-11-23
    assert cells["H2"] == ("n", "3")
    made = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert [made[at].is_date for at in ("A2", "G2", "H2")] == [False, True, False]
    assert all(made[at].quotePrefix for at in ("C1", "C2", "D2"))
    assert made.freeze_panes == "A2"


@pytest.mark.parametrize("name", ["register.csv", "register.xlsx"])
def test_a_file_of_the_register_is_told_in_the_record(officer: TestClient, cast: Cast, name: str) -> None:
    enter(officer, cast)
    officer.get(f"/privacy/incidents/{name}")
    with cast.session() as session:
        (told,) = session.execute(select(_event).where(_event.c.verb == "exported")).all()
    assert (told.actor_id, told.facts["what"], told.facts["lines"]) == (cast.people["privacy_officer"], "incidents", 1)
    page = text_of(officer.get("/privacy").text)
    assert "Register of incidents, as a file (incidents in it: 1)" in page


def test_the_files_speak_french(cast: Cast, officer: TestClient) -> None:
    enter(officer, cast)
    answer = officer.get("/privacy/incidents/register.csv?lang=fr")
    assert "Renseignements personnels visés" in answer.content.decode("utf-8-sig")


def test_a_page_of_the_register_opens_the_words_of_what_it_shows_and_a_file_all(
    officer: TestClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in range(1, 7):
        enter(officer, cast, information=f"Notes of case {place}")
    with cast.session() as session:
        closed = {"closed_at": AT, "closed_by": cast.people["privacy_officer"]}
        session.execute(update(_incident).where(_incident.c.number.in_([1, 3, 4, 5, 6])).values(**closed))
    opened: list[int] = []
    open_one = incident_versions.opened

    def tell(session: Any, row: Any) -> Any:
        opened.append(row.number)
        return open_one(session, row)

    monkeypatch.setattr(incident_versions, "opened", tell)
    monkeypatch.setattr(register, "A_PAGE", 2)
    found, here = [], "/privacy/incidents"
    while here:
        opened.clear()
        text = officer.get(here).text
        found.append(list(opened))
        assert re.findall(r"Notes of case (\d)", text) == [str(number) for number in opened]
        (here,) = re.findall(r'href="(/privacy/incidents\?before=\d+)"', text) or [""]
    assert found == [[2, 6, 5], [4, 3], [1]]
    opened.clear()
    assert officer.get("/privacy/incidents/register.csv").text.count("Notes of case") == 6
    assert opened == [1, 2, 3, 4, 5, 6]
    read, before = [], 2**31 - 1
    while before:
        part = officer.get(f"/api/v1/privacy/incidents?limit=4&before={before}").json()
        read.append([one["number"] for one in part["items"]])
        before = part["older"]
    assert read == [[6, 5, 4, 3], [2, 1]]


def test_the_form_leads_to_the_page_and_not_to_the_window_of_programs(officer: TestClient) -> None:
    assert '<form class="form" method="post" action="/privacy/incidents">' in officer.get("/privacy/incidents/new").text
