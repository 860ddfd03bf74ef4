"""Yearly statements at the windows: who is given them, and what a wrong address is answered."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from uuid import UUID

import pytest
from openpyxl import load_workbook

from tests.api.json.window import Asker
from tests.api.pages.looking import signed_in, text_of
from tests.cast import Arranged, Cast
from tests.domain.obligations.signed import hold, kept, put_in_force
from tests.meetings.documents.reading import docx_text, pdf_text
from tests.meetings.sitting import seat_everyone


@pytest.fixture
def owing(cast: Cast, arranged: Arranged[None]) -> UUID:
    """Every agreement in force, and one seat that stayed empty once; the organization whose it is."""
    arranged(cast, _owing)
    return cast.organizations["en-marge"]


def _owing(cast: Cast) -> None:
    with cast.session() as session:
        seat_everyone(session, cast)
        put_in_force(session, cast)
        filled = dict.fromkeys(("ccsmtl", "codim", "spvm", "marie-vincent", "anonyme"), "present")
        hold(session, cast, date(2026, 5, 12), {**filled, "en-marge": "absent"})
        kept(session)


@pytest.mark.ci
def test_the_page_of_a_partner_leads_to_its_statements_in_both_forms_and_languages(cast: Cast, owing: UUID) -> None:
    manager = signed_in(cast, "manager_em")
    shown = manager.get(f"/partners/{owing}")
    for language in ("fr", "en"):
        for form in ("pdf", "docx"):
            address = f"/partners/{owing}/statements/2026/{language}.{form}"
            assert address in shown.text
            file = manager.get(address)
            assert file.status_code == 200
            said = "bilan-annuel" if language == "fr" else "yearly-statement"
            assert file.headers["content-disposition"] == (f'attachment; filename="2026-11-23-en-marge-{said}.{form}"')
            read = (pdf_text if form == "pdf" else docx_text)(file.content)
            assert "Perle Obsidienne" in read
            assert "AG-M1" in read


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("coordinator", 200),
        ("manager_em", 200),
        ("director_em", 200),
        ("deputy", 404),  # works there, and answers for nothing of it
        ("manager_codim", 404),
        ("officer", 404),
        ("administrator", 404),
    ],
)
def test_only_those_who_answer_for_the_partner_and_the_coordinator_are_given_it(
    cast: Cast, owing: UUID, who: str, status: int
) -> None:
    asker = signed_in(cast, who)
    assert asker.get(f"/partners/{owing}/statements/2026/fr.pdf").status_code == status
    assert asker.get(f"/api/v1/partners/{owing}/statements/2026").status_code == status
    assert asker.get(f"/api/v1/partners/{owing}/statements").status_code == status
    page = asker.get(f"/partners/{owing}")
    assert ("/statements/2026/" in page.text) == (status == 200)


@pytest.mark.parametrize("year", [2027, 1899, 0, -3, 10**30])
def test_a_year_without_a_statement_is_refused_in_a_sentence(cast: Cast, owing: UUID, year: int) -> None:
    answer = signed_in(cast, "director_em").get(f"/partners/{owing}/statements/{year}/fr.pdf")
    assert answer.status_code == 409
    said = text_of(answer.text)
    assert ("has not begun" if year > 2026 else "No agreement of this organization was in force") in said


@pytest.mark.parametrize("path", ["2026/de.pdf", "2026/fr.xls", "deux-mille/fr.pdf"])
def test_another_language_form_or_year_is_no_address(cast: Cast, owing: UUID, path: str) -> None:
    assert signed_in(cast, "director_em").get(f"/partners/{owing}/statements/{path}").status_code in (404, 422)


@pytest.mark.usefixtures("owing")
def test_an_organization_of_another_program_is_not_there(cast: Cast) -> None:
    other = cast.other.organizations["en-marge"]
    assert signed_in(cast, "coordinator").get(f"/partners/{other}/statements/2026/fr.pdf").status_code == 404


def test_json_says_the_same_in_both_languages_at_once(cast: Cast, owing: UUID) -> None:
    asker = Asker(cast, "director_em")
    assert asker.get(f"/partners/{owing}/statements") == [2026]
    found = asker.get(f"/partners/{owing}/statements/2026")
    seats = {one["committee"]["en"]: (one["held"], one["absent"]) for one in found["seats"]}
    assert seats["Steering Committee"] == (1, 1)
    sit = next(one for one in found["clauses"] if one["clause"] == "AG-M1")
    assert (sit["duty"]["fr"], sit["duty"]["en"]) == ("Siéger au Comité directeur.", "Sit on the Steering Committee.")
    assert sit["periods"][0]["proofs"][0]["why"] == "absent"
    refused = asker.ask("GET", f"/partners/{owing}/statements/2027")
    assert (refused.status_code, refused.json()["code"]) == (409, "statement.to_come")


# ------------------------------------------------------------------------------------------------ for those who fund


@pytest.mark.usefixtures("owing")
@pytest.mark.ci
def test_only_the_coordinator_sees_what_leaves_and_lets_it_leave(cast: Cast) -> None:
    for who in ("manager_em", "director_em", "officer", "administrator", "privacy_officer", "researcher"):
        asker = signed_in(cast, who)
        assert "/statements" not in asker.get("/").text
        for path in ("", "/2026-Q3", "/2026-Q3/fr.xlsx"):
            assert asker.get(f"/statements{path}").status_code == 404
        assert asker.post("/statements/2026-Q3/release", data={"seen": ""}).status_code == 404
        assert asker.get("/api/v1/statements/2026-Q3").status_code == 404
    assert 'href="/statements"' in signed_in(cast, "coordinator").get("/").text


@pytest.mark.usefixtures("owing")
@pytest.mark.ci
def test_the_coordinator_looks_at_every_table_then_releases_it_and_only_then_is_there_a_file(cast: Cast) -> None:
    coordinator = signed_in(cast, "coordinator")
    listed = text_of(coordinator.get("/statements").text)
    assert "3rd quarter of 2026 To review" in listed
    assert "4th quarter" not in listed
    assert coordinator.get("/statements/2026-Q2/fr.xlsx").status_code == 409
    shown = coordinator.get("/statements/2026-Q2")
    assert "Meetings held and attended" in text_of(shown.text)
    seen = shown.text.partition('name="seen" value="')[2].partition('"')[0]
    old = coordinator.post("/statements/2026-Q2/release", data={"seen": "0" * 64})
    assert old.status_code == 412
    assert "have changed since you looked" in text_of(old.text)
    done = coordinator.post("/statements/2026-Q2/release", data={"seen": seen})
    assert done.headers["location"] == "/statements/2026-Q2"
    after = coordinator.get("/statements/2026-Q2")
    assert "Released on November 23, 2026" in text_of(after.text)
    assert 'name="seen"' not in after.text
    for language, name in (("fr", "bilan-du-programme"), ("en", "program-statement")):
        file = coordinator.get(f"/statements/2026-Q2/{language}.xlsx")
        assert file.headers["content-disposition"] == f'attachment; filename="2026-Q2-{name}.xlsx"'
        book = load_workbook(BytesIO(file.content))
        assert len(book.sheetnames) > 3
    assert "Statement of the program released to funders: 2nd quarter of 2026" in text_of(
        coordinator.get("/activity").text
    )


@pytest.mark.usefixtures("owing")
@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("2026", "is not over on November 23, 2026"),
        ("2031", "is not over"),
        ("1899", "Nothing is recorded for this period."),
        ("2026-Q9", "such as 2026, or of a quarter: 2026-Q3"),
        ("hier", "such as 2026, or of a quarter: 2026-Q3"),
    ],
)
def test_another_period_is_refused_in_a_sentence(cast: Cast, key: str, said: str) -> None:
    coordinator = signed_in(cast, "coordinator")
    for answer in (
        coordinator.get(f"/statements/{key}"),
        coordinator.get(f"/statements/{key}/fr.xlsx"),
        coordinator.post(f"/statements/{key}/release", data={"seen": ""}),
    ):
        assert answer.status_code == 409
        assert said in text_of(answer.text)


@pytest.mark.ci
@pytest.mark.usefixtures("owing")
def test_json_releases_what_was_read_and_gives_it_back(cast: Cast) -> None:
    asker = Asker(cast, "coordinator")
    assert [one["period"] for one in asker.get("/statements")["items"]] == ["2026-Q3", "2026-Q2", "2026-Q1"]
    read = asker.get("/statements/2026-Q2")
    assert read["released_at"] is None
    meetings = next(one for one in read["statement"]["tables"] if one["key"] == "meetings")
    assert meetings["rows"][0]["cells"][0] == 1
    left = asker.post("/statements/2026-Q2/release", {"digest": read["digest"]}, key="once")
    assert left["statement"] == read["statement"]
    again = asker.ask("POST", "/statements/2026-Q2/release", {"digest": read["digest"]})
    assert (again.status_code, again.json()["code"]) == (409, "statement.released_already")
    assert asker.get("/statements/2026-Q2")["released_at"] is not None
