"""Studies at the windows: opened, asked, approved, downloaded, each by who may; and the measures with their paper."""

from __future__ import annotations

import base64
import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from domain.participants import research
from domain.people import seat_holders
from tests.api.application import client_for
from tests.api.json.window import Asker
from tests.api.pages.looking import text_of
from tests.cast import AT, TODAY, Arranged, Cast
from tests.departing import seat_somebody
from tests.following import in_force
from tests.meetings.documents.reading import pdf_text
from tests.researching import APPROVER, KEEPER, RECEIVER, THEN, several

OPENED: dict[str, Any] = {
    "title_fr": "Intensité du suivi",
    "title_en": "Intensity of the follow-up",
    "purpose_fr": "Décrire l’intensité.",
    "purpose_en": "Describe the intensity.",
    "ethics_body": "CER",
    "ethics_reference": "CER-1",
    "ethics_ends_on": "2027-06-30",
    "first_month": "2026-09",
    "last_month": "2027-12",
    "field": ["age", "entered", "meetings"],
}


@pytest.fixture
def five(cast: Cast, arranged: Arranged[list[UUID]]) -> list[UUID]:
    """Five people who consented to research."""
    return arranged(cast, _five)


def _five(cast: Cast) -> list[UUID]:
    in_force(cast)
    with cast.session() as session:
        return several(session, cast, 5)


def browser(cast: Cast, name: str) -> TestClient:
    return client_for(cast.database, cast.people[name], at=THEN)


def test_a_study_goes_from_its_form_to_the_file_of_its_recipient(cast: Cast, five: list[UUID]) -> None:
    keeper = browser(cast, KEEPER)
    answer = keeper.post("/studies", data={**OPENED, "once": "a" * 32})
    assert answer.status_code == 303, text_of(answer.text)
    here = answer.headers["location"]
    named = keeper.post(f"{here}/recipients", data={"person_id": str(cast.people[RECEIVER]), "once": "b" * 32})
    assert named.status_code == 303
    assert keeper.post(f"{here}/exports", data={"once": "c" * 32}).status_code == 303
    shown = keeper.get(here)
    assert "Waiting for approval" in text_of(shown.text)
    assert "/approval" not in shown.text, "who asked is not offered to approve"
    (export,) = set(re.findall(r"/study-exports/([0-9a-f-]{36})/", shown.text))
    assert keeper.post(f"/study-exports/{export}/approval", data={"seen": "1"}).status_code == 404

    approver = browser(cast, APPROVER)
    assert here in approver.get("/studies").text
    assert approver.post(f"/study-exports/{export}/approval", data={"seen": "1"}).status_code == 303
    assert f"/study-exports/{export}/fr/data.csv" not in approver.get(here).text
    assert approver.get(f"/study-exports/{export}/fr/data.csv").status_code == 404

    receiver = browser(cast, RECEIVER)
    page = receiver.get(here)
    for file in ("data.csv", "codebook.csv", "redcap.csv", "workbook.xlsx"):
        assert f"/study-exports/{export}/en/{file}" in page.text
        given = receiver.get(f"/study-exports/{export}/en/{file}")
        assert given.status_code == 200
        assert given.headers["content-disposition"].startswith('attachment; filename="study-1-export-1-en-')
    for language, why in (("en", "Describe the intensity."), ("fr", "Décrire l’intensité.")):
        book = receiver.get(f"/study-exports/{export}/{language}/workbook.xlsx").content
        first = [row[0] for row in load_workbook(io.BytesIO(book)).worksheets[0].iter_rows(values_only=True)]
        assert why in first, "a reader reads in their language why the fields were asked for"
        assert why in text_of(receiver.get(here, headers={"accept-language": language}).text)
    rows = list(
        csv.reader(io.StringIO(receiver.get(f"/study-exports/{export}/fr/data.csv").content.decode("utf-8-sig")))
    )
    assert rows[0] == ["code", "age_from", "age_to", "entered_from", "entered_to", "meetings"]
    assert len(rows) == 6
    assert "data.csv" in text_of(keeper.get(here).text), "who keeps the study sees who downloaded what"

    with cast.session() as session:
        research.withdraw_research_consent(session, five[0], by=cast.actor(KEEPER), at=THEN)
    gone = receiver.get(f"/study-exports/{export}/fr/data.csv")
    assert gone.status_code == 409
    listed = text_of(receiver.get(here).text)
    assert "Rows to remove" in listed
    assert all(row[0] in listed for row in rows[1:])
    assert keeper.post(f"{here}/end", data={"seen": "1"}).status_code == 409, "somebody still holds the rows"
    assert "Not confirmed" in text_of(approver.get(here).text)
    (removal,) = re.findall(r"/removals/([0-9a-f-]{36})/confirmation", receiver.get(here).text)
    assert "/removals/" not in approver.get(here).text, "who approves sees it, and confirms nothing"
    assert keeper.post(f"{here}/recipients/{cast.people[RECEIVER]}/removal").status_code == 303
    answer = receiver.post(f"{here}/removals/{removal}/confirmation")
    assert receiver.get(answer.headers["location"]).status_code == 200, "who did what was asked is not led to nothing"
    assert "Not confirmed" not in text_of(keeper.get(here).text)
    assert keeper.post(f"{here}/end", data={"seen": "1"}).status_code == 303
    assert "This study has ended" in text_of(keeper.get(here).text)


@pytest.mark.usefixtures("five")
def test_who_approves_sees_what_they_approve_and_no_change_in_another_window_slips_in(cast: Cast) -> None:
    keeper, approver = browser(cast, KEEPER), browser(cast, APPROVER)
    here = keeper.post("/studies", data={**OPENED, "once": "a" * 32}).headers["location"]
    keeper.post(f"{here}/recipients", data={"person_id": str(cast.people[RECEIVER]), "once": "b" * 32})

    def ask(once: str) -> str:
        assert keeper.post(f"{here}/exports", data={"once": once * 32}).status_code == 303
        (found,) = set(re.findall(r"/study-exports/([0-9a-f-]{36})/approval", approver.get(here).text))
        return f"/study-exports/{found}"

    export = ask("c")
    said = text_of(approver.get(here).text)
    for seen in (
        "Who receives it Onyx Feldspath",
        "CER-1, until June 30, 2027",
        "Fields Age at admission, Month of entry",
    ):
        assert seen in said
    assert "Can answer today: Cyanite Serpentine" in text_of(keeper.get(here).text)
    later = {"ethics_reference": "CER-1", "ethics_ends_on": "2030-06-30", "seen": "1"}
    assert keeper.post(f"{here}/ethics", data=later).status_code == 303
    stale = approver.post(f"{export}/approval", data={"seen": "1"})
    assert stale.status_code == 412
    over_json = Asker(cast, APPROVER, at=THEN)
    assert over_json.ask("POST", f"{export}/approval", version=1).status_code == 412
    said = text_of(approver.get(here).text)
    assert "The study changed since this was asked for" in said
    assert "the ethics approval, until June 30, 2027, is renewed until June 30, 2030" in said
    assert "Opale Gneiss" in said
    assert f"{export}/approval" not in approver.get(here).text
    assert [one["verb"] for one in over_json.get(here)["changes"]] == ["study.ethics_renewed", "study.recipient_named"]

    anew = ask("d")
    after = datetime(2030, 7, 1, 15, tzinfo=UTC)
    late = client_for(cast.database, cast.people[APPROVER], at=after).get(here).text
    assert f"{anew}/approval" in approver.get(here).text
    assert f"{anew}/approval" not in late, "nobody is offered to approve what they would be refused"
    assert approver.post(f"{export}/approval", data={"seen": "1"}).status_code == 409
    assert approver.post(f"{anew}/approval", data={"seen": "1"}).status_code == 303
    keeper.post(f"{here}/recipients", data={"person_id": str(cast.people[KEEPER]), "once": "e" * 32})
    page = keeper.get(here).text
    assert "It was approved before you were named" in text_of(page)
    assert f"{anew}/en/data.csv" not in page
    assert keeper.get(f"{anew}/en/data.csv").status_code == 409

    keeper, receiver = (client_for(cast.database, cast.people[name], at=after) for name in (KEEPER, RECEIVER))
    assert "The ethics approval is over" in text_of(receiver.get(here).text)
    assert receiver.get(f"{anew}/en/data.csv").status_code == 409
    version = re.search(r'/ethics">.*?name="seen" value="(\d+)"', keeper.get(here).text, re.DOTALL)
    assert version
    renewed = {**later, "ethics_ends_on": "2031-06-30", "seen": version[1]}
    assert keeper.post(f"{here}/ethics", data=renewed).status_code == 303
    assert "It is given no more" in text_of(receiver.get(here).text), "nobody revives alone what another approved"
    assert receiver.get(f"{anew}/en/data.csv").status_code == 409


@pytest.mark.usefixtures("five")
def test_what_a_form_of_a_study_lacks_is_said_and_what_was_typed_stays(cast: Cast) -> None:
    keeper = browser(cast, KEEPER)
    answer = keeper.post("/studies", data={**OPENED, "first_month": "septembre", "once": "d" * 32})
    assert answer.status_code in (409, 422)
    assert "2026-09" in text_of(answer.text)
    assert "Intensité du suivi" in answer.text
    assert 'value="meetings" checked' in answer.text


@pytest.mark.usefixtures("five")
def test_whoever_has_no_part_in_the_research_does_not_see_it(cast: Cast) -> None:
    study = browser(cast, KEEPER).post("/studies", data={**OPENED, "once": "e" * 32}).headers["location"]
    for name in ("coordinator", "worker_ccsmtl", "manager_em", "administrator"):
        asker = browser(cast, name)
        assert asker.get("/studies").status_code == 404
        assert asker.get(study).status_code == 404
        assert "/studies" not in asker.get("/").text
    receiver = browser(cast, RECEIVER)
    assert receiver.get("/studies").status_code == 200
    assert receiver.get(study).status_code == 404, "a researcher who is not named in it"


@pytest.mark.usefixtures("five")
def test_the_same_over_json(cast: Cast) -> None:
    keeper, approver, receiver = (Asker(cast, name, at=THEN) for name in (KEEPER, APPROVER, RECEIVER))
    body = {key: value for key, value in OPENED.items() if key != "field"} | {
        "first_month": "2026-09-01",
        "last_month": "2027-12-01",
        "fields": ["age", "risk"],
    }
    study = keeper.post("/studies", body, key="k" * 20)
    assert "risk" in [one["key"] for one in keeper.get("/research-fields")]
    keeper.post(f"/studies/{study['id']}/recipients", {"person_id": str(cast.people[RECEIVER])}, key="l" * 20)
    asked = keeper.post(f"/studies/{study['id']}/exports", key="m" * 20)["exports"][0]
    made = approver.post(f"/study-exports/{asked['id']}/approval", version=asked["version"])
    assert (made["state"], made["people"]) == ("made", 5)
    file = receiver.get(f"/study-exports/{asked['id']}/fr/codebook.csv")
    assert "age_from" in base64.b64decode(file["content"]).decode("utf-8-sig")
    assert keeper.ask("GET", f"/study-exports/{asked['id']}/fr/codebook.csv").status_code == 404
    (line,) = keeper.get(f"/studies/{study['id']}")["downloads"]
    assert line["what"] == "codebook.csv"
    ended = keeper.post(f"/studies/{study['id']}/end", version=study["version"])
    assert ended["ended_at"]
    assert receiver.ask("GET", f"/study-exports/{asked['id']}/fr/codebook.csv").status_code == 409


def test_workers_and_managers_consent_to_the_research_and_only_those_are_listed_for_interviews(cast: Cast) -> None:
    keeper = client_for(cast.database, cast.people[KEEPER])
    worker = str(cast.people["worker_ccsmtl"])
    signed = {"person_id": worker, "signed_on": TODAY.isoformat(), "once": "f" * 32}
    assert "No one yet" in text_of(keeper.get("/staff-research-consents").text)
    assert keeper.post("/staff-research-consents", data=signed).status_code == 303
    assert keeper.post("/staff-research-consents", data={**signed, "once": "0" * 32}).status_code == 409
    outsider = {**signed, "person_id": str(cast.people["officer"]), "once": "1" * 32}
    assert keeper.post("/staff-research-consents", data=outsider).status_code == 409
    listed = text_of(keeper.get("/staff-research-consents").text)
    assert listed.index("Silex Marbre") < listed.index("Record a signed consent")
    assert keeper.post(f"/staff-research-consents/{worker}/withdrawal").status_code == 303
    before = {**signed, "signed_on": (TODAY - timedelta(days=1)).isoformat(), "once": "2" * 32}
    older = keeper.post("/staff-research-consents", data=before)
    assert older.status_code == 409
    assert "A new form is needed" in text_of(older.text), "a form from before the withdrawal brings nothing back"
    assert "No one yet" in text_of(keeper.get("/staff-research-consents").text)
    assert client_for(cast.database, cast.people["coordinator"]).get("/staff-research-consents").status_code == 404


@pytest.mark.usefixtures("five")
def test_the_measures_of_a_quarter_are_on_a_page_with_pictures_and_on_paper(cast: Cast) -> None:
    coordinator = browser(cast, "coordinator")
    assert "/measures/2026-Q4" in coordinator.get("/measures").text
    page = coordinator.get("/measures/2026-Q4")
    said = text_of(page.text)
    assert 'role="img"' in page.text
    assert "CCSMTL" in said
    assert "Active 100" in said
    for language in ("fr", "en"):
        paper = coordinator.get(f"/measures/2026-Q4/{language}.pdf")
        assert paper.status_code == 200
        assert paper.headers["content-disposition"].endswith('-2026-q4.pdf"'), "two quarters are two files in a folder"
        assert ("Active" if language == "en" else "Actif") in pdf_text(paper.content)
    shown = Asker(cast, RECEIVER, at=THEN).get("/measures/2026-Q4")
    assert [one["key"] for one in shown["tables"]] == ["recruited", "waits", "states", "weeks", "activities"]
    assert coordinator.get("/measures/2027-Q1").status_code == 409
    assert coordinator.get("/measures/2026").status_code == 409
    assert browser(cast, "worker_ccsmtl").get("/measures").status_code == 404


def test_who_sits_on_the_committee_that_measures_are_put_before_reads_them_as_long_as_they_sit(cast: Cast) -> None:
    member, link = browser(cast, "director_ccsmtl"), 'href="/measures"'
    assert member.get("/measures").status_code == 404
    with cast.session() as session:
        place, whom = cast.organizations["ccsmtl"], cast.people["director_ccsmtl"]
        seat = seat_somebody(session, "steering", place, whom)
    assert link in member.get("/committees/joint").text, "its members are those of the two others"
    assert link not in member.get("/committees/steering").text
    for path in ("/measures", "/measures/2026-Q4", "/measures/2026-Q4/fr.pdf"):
        assert member.get(path).status_code == 200
    assert member.get("/studies").status_code == 404
    with cast.session() as session:
        (held,) = seat_holders.holders_from(session, seat, TODAY)
        seat_holders.end_seat(session, held, TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)
    assert member.get("/measures").status_code == 404


def test_measures_of_four_people_are_not_told(cast: Cast) -> None:
    in_force(cast)
    with cast.session() as session:
        several(session, cast, 4)
    shown = Asker(cast, "coordinator", at=THEN).get("/measures/2026-Q4")
    figures = [
        figure
        for table in shown["tables"]
        for row in table["rows"]
        for figure in (row["figures"][1:] if table["key"] == "recruited" else row["figures"])
    ]
    assert set(figures) == {None}
    assert AT < THEN
