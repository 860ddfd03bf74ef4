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
from sqlalchemy import select

from domain.people import absences
from models.base import table_of
from models.record import Event
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import AT, LOADING, TODAY, Cast

_event = table_of(Event)

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
    assert f"Known since, before: {TODAY.isoformat()}" in page
    assert "Why the day it became known changed: The finder called then." in page
    api = f"/api/v1{place}"
    body = {key: value or None for key, value in form(cast).items() if key not in ("organization", "measures")}
    body["organization_id"] = str(cast.organizations["ccsmtl"])
    assert officer.put(api, json=body, headers={"If-Match": '"2"'}).status_code == 422
    body["known_on_reason"] = "It was the day after."
    changed = officer.put(api, json=body, headers={"If-Match": '"2"'})
    assert (changed.status_code, changed.json()["known_on"]) == (200, TODAY.isoformat())


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
        ("people_concerned", "9" * 40, "Enter a number of people"),
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


def test_the_form_leads_to_the_page_and_not_to_the_window_of_programs(officer: TestClient) -> None:
    assert '<form class="form" method="post" action="/privacy/incidents">' in officer.get("/privacy/incidents/new").text
