"""The workbook of progress notes: what leaves is what comes back, in French and in English; and who may have it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from domain.files import workbooks
from domain.follow_ups import Followed, follow_ups, note_imports, notes, workbook_export
from domain.follow_ups.note_imports import ImportedBook, ImportedRow
from domain.follow_ups.week_row import Week
from domain.kernel import every
from domain.names import Ours
from models.follow_up import COMMUNICATIONS
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import WORKER, followed, in_force
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
    import_id = note_imports.preview(session, content, theirs(session), ours=OURS, by=by, at=at)
    book = note_imports.book_of(session, import_id)
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


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(said=st.lists(weeks(), min_size=1, max_size=4), language=st.sampled_from(["fr", "en"]))
def test_what_leaves_as_a_workbook_comes_back_the_same(cast: Cast, said: list[Week], language: str) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        for n, week in enumerate(said):
            notes.write_note(
                session, follow_up, TODAY + n * WEEK, week, unfinished=True, confirmed=True, by=by, at=LATER
            )
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
