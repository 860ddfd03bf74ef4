"""The workbook of progress notes: what leaves is what comes back, in French and in English; and who may have it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from sqlmodel import Session

from domain.files import workbooks
from domain.follow_ups import Followed, follow_ups, imported_books, note_imports, note_previews, notes, workbook_export
from domain.follow_ups.imported_books import ImportedBook, ImportedRow
from domain.follow_ups.week_row import Week
from domain.kernel import every, of
from domain.names import Ours
from models.follow_up import COMMUNICATIONS, NoteImportSheet
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import SECOND, WORKER, followed, in_force
from tests.noting import write_note
from tests.refusing import refused

WEEK = timedelta(weeks=1)
LATER = AT + 8 * WEEK
OURS = Ours()


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


def theirs(session: Session) -> dict[str, Followed]:
    """Every follow-up, by number."""
    return {row.number: row for row in every(session, follow_ups())}


def exported(session: Session, cast: Cast, language: str = "fr", *, at: datetime = LATER) -> bytes:
    """The workbook of every follow-up."""
    by = cast.actor(WORKER)
    chosen = [workbook_export.Exported(row, by, "part", sees_risk=True) for _, row in sorted(theirs(session).items())]
    title, sheets = workbook_export.export(session, chosen, language=language, by=by, at=at)
    return workbooks.as_forms(title, f"{language}-CA", sheets)


def looked_at(session: Session, cast: Cast, content: bytes, *, at: datetime = LATER) -> ImportedBook:
    """A workbook that the worker of everyone sent, as it was looked at."""
    by = cast.actor(WORKER)
    import_id = note_previews.preview(session, content, theirs(session), ours=OURS, by=by, at=at)
    book = imported_books.book_of(session, import_id)
    assert book is not None
    return book


def save(
    session: Session,
    cast: Cast,
    book: ImportedBook,
    *,
    confirmed: bool = True,
    as_written: bool = True,
    at: datetime = LATER,
) -> None:
    """Save it, by the one who sent it."""
    by = cast.actor(WORKER)
    actors = {row.id: by for row in theirs(session).values()}
    note_imports.save(session, book.row.id, actors, confirmed=confirmed, as_written=as_written, by=by, at=at)


def back(session: Session, cast: Cast, book: ImportedBook, *, at: datetime = LATER) -> None:
    """Take it back, by the same."""
    by = cast.actor(WORKER)
    actors = {row.id: by for row in theirs(session).values()}
    note_imports.take_back(session, book.row.id, actors, by=by, at=at)


def rows_of(book: ImportedBook) -> list[ImportedRow]:
    """The rows that say something."""
    return [row for row in book.rows if row.kind != "empty"]


def standing(session: Session, follow_up: UUID) -> dict[date, Week]:
    """What the notes of a follow-up say."""
    row = next(one for one in theirs(session).values() if one.id == follow_up)
    return {week: said for week, (_, said) in notes.standing_weeks(session, row).items()}


_LETTERS = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" \n"), max_size=40).map(str.strip)
_LINES = _LETTERS.map(lambda words: " ".join(words.split()))


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    """Any week that can have been."""
    met = draw(st.integers(0, 5))
    why = None if met else draw(st.sampled_from([None, "not_scheduled", "no_news", "impossible", "withdrew", "other"]))
    satisfied = st.sampled_from([None, "dissatisfied", "somewhat_satisfied", "satisfied", "very_satisfied"])
    return Week(
        met=met,
        minutes=draw(st.integers(0, 240 * met)) if met else 0,
        communications=tuple(one for one in COMMUNICATIONS if draw(st.booleans())),
        why_none=why,
        why_other=draw(_LINES) if why == "other" else "",
        need=draw(st.sampled_from([None, "emergency", "stability", "participation", "recovery", "relationship"])),
        main_activity=draw(st.sampled_from(["=1+1", "-2", "@a", "+3", "_x000D_", "’", ""]) | _LINES),
        worker_satisfaction=draw(satisfied),
        participant_satisfaction=draw(satisfied),
        activity_type=draw(st.sampled_from([None, "medical", "sports", "clinical", "other"])),
        summary=draw(st.sampled_from(["Clinique : x", "Social - y"]) | _LETTERS),
        other_information=draw(_LETTERS),
        other_workers=draw(_LETTERS),
    )


@pytest.mark.ci
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(said=st.lists(weeks(), min_size=1, max_size=4), language=st.sampled_from(["fr", "en"]))
def test_what_leaves_as_a_workbook_comes_back_the_same(cast: Cast, said: list[Week], language: str) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        for n, week in enumerate(said):
            write_note(session, follow_up, TODAY + n * WEEK, week, unfinished=True, confirmed=True, by=by, at=LATER)
        before = {week: one for week, one in standing(session, follow_up).items() if one != Week()}
        content = exported(session, cast, language)
        same = looked_at(session, cast, content)
        assert [(row.week, row.kind) for row in rows_of(same)] == [(week, "same") for week in before]
        with refused("import.nothing"):
            save(session, cast, same)
        session.rollback()
    with cast.session() as session:
        follow_up = followed(session, cast)
        book = looked_at(session, cast, content)
        assert [(row.week, row.kind) for row in rows_of(book)] == [(week, "new") for week in before]
        if before:
            save(session, cast, book)
        assert standing(session, follow_up) == before
        session.rollback()


def filled(*sheets: tuple[str, Sequence[tuple[object, ...]]]) -> bytes:
    """A workbook as people keep it: a number and rows a sheet."""
    made = Workbook()
    made.remove(made.worksheets[0])
    for number, rows in sheets:
        page = made.create_sheet()
        page.append(["ID du jeune", number])
        page.append(["Semaine du", "N de rencontres", "Durée des rencontres", "Pourquoi", "Résumé"])
        for row in rows:
            page.append(row)
    file = BytesIO()
    made.save(file)
    return file.getvalue()


NUMBER = "#2026-01"


def test_what_cannot_be_is_said_by_row_and_column_and_then_nothing_is_saved(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        book = looked_at(
            session,
            cast,
            filled(
                (
                    NUMBER,
                    [
                        (TODAY, 1, 60, None, "Bien"),
                        (TODAY + timedelta(days=3), 1, 60),  # the same week
                        (TODAY - WEEK, 1, 60),  # before it began
                        (TODAY + 20 * WEEK, 1, 60),  # to come
                        (TODAY + WEEK, 1, 60, "pas de nouvelles"),
                        (TODAY + 2 * WEEK, 1, 1500),
                        (TODAY + 3 * WEEK, 1, 60, None, "x" * 4_001),
                        (TODAY + 4 * WEEK,),
                    ],
                )
            ),
        )
        kinds = [(row.row, row.kind, [fault.column for fault in row.faults]) for row in book.rows]
        assert kinds == [
            (3, "new", []),
            *((row, "fault", ["A"]) for row in (4, 5, 6)),
            (7, "fault", ["D"]),
            (8, "fault", ["C"]),
            (9, "fault", ["E"]),
            (10, "empty", []),
        ]
        with refused("import.not_understood"):
            save(session, cast, book)
        assert standing(session, follow_up) == {}


def test_four_hundred_minutes_are_asked_about_once_and_words_like_a_name_are_pointed_at(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        content = filled((NUMBER, [(TODAY, 1, 400, None, "Vu avec Marie-Ève Tremblay")]))
        book = looked_at(session, cast, content)
        (row,) = book.rows
        assert (row.is_long, row.shapes) == (True, ("E",))
        with refused("import.long"):
            save(session, cast, book, confirmed=False)
        with refused("import.shape"):
            save(session, cast, book, as_written=False)
        save(session, cast, book)
        assert standing(session, follow_up)[TODAY].minutes == 400
        assert {row.kind for row in looked_at(session, cast, content).rows} == {"same"}


def test_two_sheets_of_one_participant_are_a_fault_and_one_of_somebody_else_is_left_out(cast: Cast) -> None:
    rows: list[tuple[object, ...]] = [(TODAY, 1, 60)]
    with cast.session() as session:
        followed(session, cast)
        twice = looked_at(session, cast, filled((NUMBER, rows), (NUMBER, rows)))
        assert [(one.trouble, one.is_wrong) for one in twice.sheets] == [("", False), ("twice", True)]
        with refused("import.not_understood"):
            save(session, cast, twice)
        others = looked_at(session, cast, filled((NUMBER, rows), ("#2026-44", rows), ("", rows[:0]), ("", rows)))
        assert [one.trouble for one in others.sheets] == ["", "not_theirs", "empty", "no_number"]


def test_what_changed_since_it_was_looked_at_is_said_and_nothing_is_saved(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        book = looked_at(session, cast, filled((NUMBER, [(TODAY, 1, 60), (TODAY + WEEK, 2, 90)])))
        write_note(session, follow_up, TODAY + WEEK, Week(met=1, minutes=30), by=by, at=LATER)
        session.commit()
        with refused("import.changed"):
            save(session, cast, book)
        session.rollback()
        assert set(standing(session, follow_up)) == {TODAY + WEEK}


def test_who_may_no_longer_write_for_a_participant_saves_nothing(cast: Cast) -> None:
    with cast.session() as session:
        followed(session, cast)
        book = looked_at(session, cast, filled((NUMBER, [(TODAY, 1, 60)])))
        with refused("import.no_longer"):
            note_imports.save(
                session, book.row.id, {}, confirmed=True, as_written=True, by=cast.actor(WORKER), at=LATER
            )
        with refused("import.unknown"):
            note_imports.save(
                session, book.row.id, {}, confirmed=True, as_written=True, by=cast.actor(SECOND), at=LATER
            )


def test_what_was_saved_is_taken_back_whole_but_for_what_was_changed_since(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        stood = Week(met=1, minutes=30, summary="Avant", need="recovery")
        write_note(session, follow_up, TODAY, stood, by=by, at=AT)
        rows = [(TODAY, 2, 60, None, "Après"), (TODAY + WEEK, 1, 45), (TODAY + 2 * WEEK, 1, 50)]
        book = looked_at(session, cast, filled((NUMBER, rows)))
        with refused("import.not_back"):
            back(session, cast, book)
        save(session, cast, book)
        assert standing(session, follow_up)[TODAY] == replace(stood, met=2, minutes=60, summary="Après")
        mine = Week(met=3, minutes=99)
        write_note(session, follow_up, TODAY + 2 * WEEK, mine, by=by, at=LATER)
        back(session, cast, book)
        assert standing(session, follow_up) == {TODAY: stood, TODAY + WEEK: Week(), TODAY + 2 * WEEK: mine}
        first = notes.note_of(session, follow_up, TODAY)
        assert first is not None
        assert (first.is_complete, first.written_at) == (True, AT)
        after = imported_books.book_of(session, book.row.id)
        assert after is not None
        assert [row.stays for row in after.rows] == [False, False, True]
        with refused("import.not_back"):
            back(session, cast, book)
        # What is empty again is new to the next workbook.
        assert [row.kind for row in looked_at(session, cast, filled((NUMBER, rows))).rows] == [
            "changed",
            "new",
            "changed",
        ]


@pytest.mark.ci
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_taking_back_is_the_state_before_whatever_was_written_between(cast: Cast, data: st.DataObject) -> None:
    by, places = cast.actor(WORKER), [TODAY + n * WEEK for n in range(4)]
    stood = data.draw(st.dictionaries(st.sampled_from(places), weeks(), max_size=3))
    sent = data.draw(st.dictionaries(st.sampled_from(places), weeks(), min_size=1, max_size=4))
    between = data.draw(st.dictionaries(st.sampled_from(places), weeks(), max_size=2))
    with cast.session() as session:
        follow_up = followed(session, cast)

        def write(said: dict[date, Week]) -> None:
            for week, one in said.items():
                write_note(session, follow_up, week, one, unfinished=True, confirmed=True, by=by, at=LATER)

        write(sent)
        content = exported(session, cast)
        session.rollback()
    with cast.session() as session:
        follow_up = followed(session, cast)
        write(stood)
        before = standing(session, follow_up)
        book = looked_at(session, cast, content)
        written = {row.week for row in book.rows if row.is_written}
        assert not book.is_wrong
        if written:
            save(session, cast, book)
            write(between)
            now = standing(session, follow_up)
            back(session, cast, book)
            after = imported_books.book_of(session, book.row.id)
            assert after is not None
            assert {row.week for row in after.rows if row.stays} == written & set(between)
            expected = before | {week: now[week] for week in between}
            assert standing(session, follow_up) == {week: Week() for week in written if week} | expected
        session.rollback()


def test_a_workbook_waits_a_day_and_can_be_taken_back_for_a_week(cast: Cast) -> None:
    content = filled((NUMBER, [(TODAY, 1, 60)]))
    day = timedelta(days=1)
    with cast.session() as session:
        follow_up = followed(session, cast)
        late = looked_at(session, cast, content)
        with refused("import.over"):
            save(session, cast, late, at=LATER + day)
        assert note_imports.clear(session, at=LATER + day - timedelta(minutes=1)) == 0
        assert note_imports.clear(session, at=LATER + day) == 1
        assert sealed_of(session, late) == 0
        with refused("import.over"):
            save(session, cast, late)
        book = looked_at(session, cast, content)
        save(session, cast, book)
        with refused("import.over"):
            save(session, cast, book)
        assert sealed_of(session, book) == 1
        with refused("import.not_back"):
            back(session, cast, book, at=LATER + WEEK)
        assert note_imports.clear(session, at=LATER + WEEK) == 1
        assert sealed_of(session, book) == 0
        assert standing(session, follow_up)[TODAY].minutes == 60


def sealed_of(session: Session, book: ImportedBook) -> int:
    """How many sheets of a workbook still hold what was written."""
    kept = every(session, of(NoteImportSheet).where(NoteImportSheet.note_import_id == book.row.id))
    return sum(one.sealed is not None for one in kept)


def test_what_a_column_that_is_not_there_would_say_stays_as_it_is(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        stood = Week(met=1, minutes=30, need="recovery", other_workers="Jointe", worker_satisfaction="satisfied")
        write_note(session, follow_up, TODAY, stood, by=by, at=AT)
        save(session, cast, looked_at(session, cast, filled((NUMBER, [(TODAY, 2, 60)]))))
        assert standing(session, follow_up)[TODAY] == replace(stood, met=2, minutes=60)


def test_so_many_workbooks_are_looked_at_in_an_hour_and_no_more(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_previews, "MOST_AN_HOUR", 2)
    content = filled((NUMBER, [(TODAY, 1, 60)]))
    with cast.session() as session:
        followed(session, cast)
        looked_at(session, cast, content)
        looked_at(session, cast, content)
        with refused("import.too_many"):
            looked_at(session, cast, content)
        looked_at(session, cast, content, at=LATER + timedelta(hours=1))


def test_the_workbook_has_a_row_a_week_in_the_guides_form(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        said = Week(met=1, minutes=90, communications=("email",), need="stability", activity_type="legal")
        write_note(session, follow_up, TODAY + WEEK, said, by=by, at=LATER)
        page = load_workbook(BytesIO(exported(session, cast, "fr", at=AT + 2 * WEEK)))["J"]
    assert [page.cell(row, 1).value for row in (1, 2, 3, 8, 9)] == [
        "Renseignement",
        "ID du jeune",
        "Sexe",
        "Suivis",
        "Semaine du",
    ]
    weeks = [page.cell(row, 1).value for row in (10, 11, 12)]
    days = [one.date() for one in weeks if isinstance(one, datetime)]
    assert days == [TODAY, TODAY + WEEK, TODAY + 2 * WEEK]
    assert [page.cell(11, column).value for column in (2, 3, 4, 8, 11)] == [1, 90, "Courriel", "Stabilité", "Juridique"]
    assert page.cell(13, 1).value is None
    assert len(page.data_validations.dataValidation) == 5


@pytest.mark.ci
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not on this machine")
def test_libreoffice_opens_the_workbook_and_saves_what_comes_back_the_same(cast: Cast, tmp_path: Path) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        said = Week(met=1, minutes=90, summary="=1+1", main_activity="@a", need="stability", activity_type="legal")
        write_note(session, follow_up, TODAY, said, by=cast.actor(WORKER), at=LATER)
        given_out = tmp_path / "given" / "notes.xlsx"
        given_out.parent.mkdir()
        given_out.write_bytes(exported(session, cast))
        profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
        soffice = [str(shutil.which("soffice")), profile, "--headless"]
        convert = ["--convert-to", "xlsx", "--outdir", str(tmp_path), str(given_out)]
        subprocess.run([*soffice, *convert], check=True, timeout=120)
        again = looked_at(session, cast, (tmp_path / "notes.xlsx").read_bytes())
        assert [(row.week, row.kind) for row in rows_of(again)] == [(TODAY, "same")]


_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
#: The order in which the standard wants the parts of a sheet: a spreadsheet takes another one for damage.
_IN_ORDER = (
    *("sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData"),
    *("dataValidations", "pageMargins", "pageSetup"),
)


def test_the_parts_of_the_workbook_stand_as_the_standard_wants_them_and_none_is_a_formula(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        said = Week(met=1, minutes=90, summary="=1+1", main_activity="@a", need="stability")
        write_note(session, follow_up, TODAY, said, by=cast.actor(WORKER), at=LATER)
        content = exported(session, cast)
    with ZipFile(BytesIO(content)) as package:
        names = set(package.namelist())
        parts = {name: ET.fromstring(package.read(name)) for name in names if name.endswith(".xml")}  # noqa: S314 - our own
    assert not any("vba" in name or "external" in name.lower() for name in names)
    assert {place.lstrip("/") for one in parts["[Content_Types].xml"] if (place := one.get("PartName"))} <= names
    sheet = parts["xl/worksheets/sheet1.xml"]
    order = [_IN_ORDER.index(one.tag.removeprefix(_MAIN)) for one in sheet]
    assert order == sorted(order)
    assert not list(sheet.iter(f"{_MAIN}f"))
    places = [one.get("r") for one in sheet.iter(f"{_MAIN}c")]
    assert len(places) == len(set(places))
    rows = [int(one.get("r", "0")) for one in sheet.iter(f"{_MAIN}row")]
    assert rows == sorted(set(rows))
    kinds = {cell.get("t", "n") for cell in sheet.iter(f"{_MAIN}c")}
    assert kinds <= {"n", "d", "inlineStr"}
    menus = [one.findtext(f"{_MAIN}formula1") or "" for one in sheet.iter(f"{_MAIN}dataValidation")]
    assert menus
    assert all(menu[0] == menu[-1] == '"' and len(menu) <= 257 for menu in menus)
