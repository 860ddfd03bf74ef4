"""The partner’s statement as its director gets it: both forms and both languages say the same, numbered alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Final

import docx
import pytest
from pypdf import PdfReader
from sqlmodel import Session

from meetings.documents.content import Both
from meetings.documents.docx import as_docx
from meetings.documents.issuing import issue
from meetings.documents.layout import laid_out
from meetings.documents.pdf import as_pdf
from meetings.documents.statement import (
    ClausePeriod,
    ClauseYear,
    Days,
    DecisionAsked,
    DecisionOwed,
    PartnerStatement,
    PostYear,
    Printed,
    ResourceLine,
    SeatYear,
    SignedVersion,
    StatementEvidence,
)
from tests.agreeing import code_of
from tests.cast import Cast
from tests.meetings.documents.reading import alike, docx_text, pdf_tags, pdf_text
from tests.meetings.documents.test_issuing import know

FORMS: Final[dict[str, Callable[[Printed, str], bytes]]] = {"pdf": as_pdf, "docx": as_docx}
READ: Final[dict[str, Callable[[bytes], str]]] = {"pdf": pdf_text, "docx": docx_text}

YEAR: Final = Days(starts_on=date(2026, 7, 1), ends_on=date(2026, 12, 31))
MANAGER: Final = Both("Gestionnaire", "Manager")
STATEMENT: Final = PartnerStatement(
    program=Both("SPHÈRES – Grand Montréal", "SPHÈRES – Greater Montréal"),
    organization=Both("En Marge 12-17", "En Marge 12-17"),
    short_name="En Marge 12-17",
    year=2026,
    on=date(2027, 2, 3),
    is_final=True,
    covered=(YEAR,),
    versions=(
        SignedVersion(
            n=2, days=Days(starts_on=date(2026, 7, 1)), signed_by=("Corail Mica",), signed_on=date(2026, 6, 25)
        ),
    ),
    seats=(
        SeatYear(
            committee=Both("Comité directeur", "Steering Committee"),
            seat=Both("Siège d’En Marge", "Seat of En Marge"),
            principals=("Perle Obsidienne",),
            alternates=("Soufre Tungstène",),
            held=12,
            sat=7,
            alternate=2,
            excused=1,
            absent=1,
            unrecorded=1,
            not_counted=3,
        ),
    ),
    posts=(
        PostYear(
            role=Both("Intervenant·e", "Youth worker"),
            headcount=2,
            hours_a_week=32.5,
            holders=(("Émeraude Quartz", Days(starts_on=date(2026, 7, 1), ends_on=date(2026, 9, 13))),),
            promised_days=368,
            empty_days=293,
        ),
    ),
    clauses=(
        ClauseYear(
            clause="AG-M1",
            duty=Both("Siéger au Comité directeur.", "Sit on the Steering Committee."),
            owner=MANAGER,
            periods=(
                ClausePeriod(
                    days=YEAR,
                    state="missed",
                    found_on=date(2027, 1, 4),
                    numbers={"held": 12, "sat": 9, "absences": 2, "allowed": 1, "unrecorded": 0, "to_come": 0},
                    proofs=(
                        StatementEvidence(
                            kind="meeting",
                            what=Both("Comité directeur", "Steering Committee"),
                            on=date(2026, 9, 8),
                            counts=True,
                            why="absent",
                        ),
                    ),
                ),
            ),
        ),
        ClauseYear(
            clause="AG-X2.replacement",
            duty=Both("Remplacer vite qui part.", "Replace quickly whoever leaves."),
            owner=MANAGER,
            periods=(
                ClausePeriod(days=Days(starts_on=date(2026, 7, 1)), state="on_track", found_on=date(2026, 12, 31)),
            ),
        ),
    ),
    resources=(ResourceLine(kind="service", brings=Both("Hébergement à toute heure", "Shelter at any hour")),),
    owed=(
        DecisionOwed(
            number="CD-2026-014",
            decided_on=date(2026, 9, 8),
            text=Both("Nommer une suppléance.", "Name an alternate."),
            owner=Both("Gestionnaire, En Marge 12-17", "Manager, En Marge 12-17"),
            due_on=date(2026, 11, 2),
            state="done",
            closed_on=date(2026, 10, 30),
        ),
        DecisionOwed(
            number="CC-2026-101", decided_on=date(2026, 10, 7), owner=MANAGER, due_on=date(2026, 12, 1), state="open"
        ),
    ),
    asked=(
        DecisionAsked(
            number="CD-2026-015",
            decided_on=date(2026, 9, 8),
            text=Both("Tenir quatre rencontres.", "Hold four meetings."),
            said="endorsed",
        ),
    ),
    director="Corail Mica",
)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    with cast.session() as made:
        yield made


def body(form: str, language: str, content: PartnerStatement = STATEMENT) -> str:
    return READ[form](FORMS[form](content, language))


@pytest.mark.parametrize("form", FORMS)
def test_a_director_reads_every_figure_and_finds_where_to_sign(form: str) -> None:
    read = body(form, "fr")
    for part in (
        "Bilan annuel 2026",
        "du 1er juill. 2026 au 31 déc. 2026",
        "Perle Obsidienne",
        "3 rencontres non comptées",
        "368",
        "293",
        "80 %",
        "2 personnes · 32,5 h par semaine chacune",
        "Non respecté",
        "Présences : 9 sur 12; absences : 2, permises : 1",
        "Comité directeur, 8 sept. 2026 : absent·e",
        "Hébergement à toute heure",
        "CD-2026-014",
        "Une décision clinique : son texte reste au procès-verbal.",
        "L’appuie",
        "Nom de la direction Corail Mica",
    ):
        assert alike(part) in read, (part, read)
    assert "Provisoire" not in read


def test_both_languages_number_their_parts_alike_and_hold_the_same_figures() -> None:
    numbers = {}
    for language in ("fr", "en"):
        tags = pdf_tags(as_pdf(STATEMENT, language))
        heads = [text for tag, text in tags if tag == "/H2"]
        assert [head[:2] for head in heads] == ["1.", "2.", "3.", "4.", "5.", "6.", "7."]
        cells = [text for tag, text in tags if tag == "/TD"]
        # A decision's number, without the day that stands behind it in the reader's language.
        number = re.compile(r"[0-9]+$|[A-Z]{2}-[0-9]{4}-[0-9]+|[A-Z]{2}-[A-Z0-9]+")
        numbers[language] = [found[0] for text in cells if (found := number.match(text))]
    assert numbers["fr"] == numbers["en"]
    assert len(numbers["fr"]) > 10
    word = docx.Document(BytesIO(as_docx(STATEMENT, "en")))
    heads = [one.text for one in word.paragraphs if one.style is not None and one.style.name == "Heading 2"]
    assert [alike(head) for head in heads] == [text for tag, text in pdf_tags(as_pdf(STATEMENT, "en")) if tag == "/H2"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_both_forms_hold_the_same_cells_in_the_same_order(language: str) -> None:
    printed = [text for tag, text in pdf_tags(as_pdf(STATEMENT, language)) if tag == "/TD"]
    bands = {group.title for block in laid_out(STATEMENT, language).blocks for group in getattr(block, "groups", ())}
    word = docx.Document(BytesIO(as_docx(STATEMENT, language)))
    rows = [row for table in word.tables for row in table.rows[1:]]
    written = [alike(cell.text) for row in rows for cell in row.cells if row.cells[0].text not in bands]
    assert [re.sub(r"\s", "", text) for text in printed] == [re.sub(r"\s", "", text) for text in written]
    assert len(written) > 35


def test_the_pdf_is_tagged_in_its_language_and_says_nothing_of_who_made_it() -> None:
    reader = PdfReader(BytesIO(as_pdf(STATEMENT, "fr")))
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "fr-CA"  # type: ignore[index]
    assert root["/MarkInfo"]["/Marked"]  # type: ignore[index]
    meta = reader.metadata
    assert meta is not None
    assert meta.title == "Bilan annuel 2026 – En Marge 12-17"
    assert meta.author in (None, "")
    assert as_pdf(STATEMENT, "fr") == as_pdf(STATEMENT, "fr")


def test_a_year_that_is_not_over_says_that_it_is_provisional() -> None:
    open_year = replace(STATEMENT, is_final=False, on=date(2026, 11, 23))
    assert "Provisional: the year is not over, and this is how things stood on November 23, 2026." in body(
        "docx", "en", open_year
    )


def test_where_the_role_of_director_is_vacant_the_name_is_left_to_be_written() -> None:
    assert "Name of the director Signature Day" in body("docx", "en", replace(STATEMENT, director=""))


def test_a_resource_that_names_a_participant_keeps_the_statement_from_leaving(session: Session) -> None:
    know(session, "Éloïse Desruisseaux")
    naming = replace(STATEMENT, resources=(ResourceLine(kind="service", brings=Both("Chez Eloise Desruisseaux", "")),))

    def leave(content: PartnerStatement) -> object:
        return issue(session, content, "fr", committee="en-marge")

    assert code_of(lambda: leave(naming)) == "document.names"
    assert leave(STATEMENT)
