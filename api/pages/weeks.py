"""Notes of weeks in rows: a week of one's own caseload, and the last ten weeks of one follow-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse

from api.access import follow_ups as access
from api.access.follow_ups import caseload_of, find_follow_up
from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import InContext, RequestContext, installation_of
from api.acts.declaring import On
from api.acts.follow_ups import NOTE, week_of
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.views.follow_ups import NOTE_FORM, STRIP
from api.views.sentences import sentence_of
from api.web.readers import day_or_none
from domain.follow_ups import WEEK, Followed, monday_of, notes, owed, strips, sunday_of, week_row
from domain.kernel import mark

router = framed_pages()

#: So many weeks of one follow-up stand in a row, the oldest first: as far back as a note may be written.
WEEKS_IN_A_ROW: Final = 10
#: What of the week before is a start for the next one. Satisfaction and words are said of one week alone.
AS_BEFORE: Final = ("met", "minutes", "communications", "why_none", "need", "activity_type")


@dataclass(frozen=True)
class RowOfWeek:
    """One row: a follow-up and a week, its note, the one of the week before, and its words where they are open."""

    row: Followed
    week: date
    note: notes.NoteLine | None
    before: notes.NoteLine | None
    opened: Mapping[str, str] | None
    is_missing: bool
    apart: str = ""  # why no note is asked for: on a break, or not active

    @property
    def form(self) -> str:
        """What its form is called."""
        return f"note-{self.row.id}-{self.week}"

    @property
    def is_complete(self) -> bool:
        """Whether its note says enough, and its writer said that it does."""
        return self.note is not None and self.note.is_complete

    @property
    def start(self) -> Mapping[str, object]:
        """What of the week before this one may begin with; nothing where that was not written, or this one is begun."""
        if self.before is None or self.note is not None:
            return {}
        return {name: getattr(self.before, name) or ("" if name in week_row.CHOICES else 0) for name in AS_BEFORE} | {
            "communications": list(self.before.communications)
        }


@router.get("/caseload/week", name="caseload_week")
@asks(Action.SEE_CASELOAD)
def show_week(
    context: InContext, request: Request, week: str = "", opened: UUID | None = None, start: UUID | None = None
) -> HTMLResponse:
    """The notes of one week of one's own caseload, in rows that are saved as one types.

    Of a week to come, or of too long ago, it says so and shows the present one. The words of a row that has some are
    `opened` one at a time, each on record. One row may `start` as its last week.
    """
    asked = monday_of(day_or_none(week) or context.day)
    return _week_page(context, request, asked, Typed(), opened=opened, start=start)


@router.get("/caseload/key", name="week_key")
@asks(Action.SEE_CASELOAD)
def show_key(context: InContext, request: Request) -> JSONResponse:
    """Under what a browser seals, until it is saved, what is typed: for this person and this sign-in alone.

    It follows from the cookie, of which the program keeps a digest: when the sign-in ends, it cannot be told again.
    """
    require(Action.SEE_CASELOAD, to_program(context.asker))
    return JSONResponse(_kept_under(context, request))


@router.get("/follow-ups/{follow_up_id}/weeks", name="follow_up_weeks")
@asks(Action.KEEP_FOLLOW_UP)
def show_weeks(
    context: InContext, request: Request, follow_up_id: UUID, opened: date | None = None, start: date | None = None
) -> HTMLResponse:
    """The last ten weeks of one follow-up, the oldest first: to catch up with what was not written."""
    return _weeks_page(context, request, follow_up_id, Typed(), opened=opened, start=start)


def _kept_under(context: RequestContext, request: Request) -> dict[str, str]:
    """The key of a sign-in, and whose it is."""
    token = request.cookies[installation_of(request).cookie]
    key = mark(context.session, "typed_in_browser", f"{token}|{context.asker.person_id}")
    return {"key": key, "person": str(context.asker.person_id)}


def _shown_week(context: RequestContext, asked: date) -> tuple[date, str]:
    """The week that is asked for; the present one, and why, where no note of that one may be written."""
    refused = notes.not_now(asked, context.day)
    return (asked, "") if refused is None else (monday_of(context.day), sentence_of(refused))


def _if_written_now(context: RequestContext, week: date) -> date | None:
    """A week of which notes may be written today; None where it is to come, or too long ago."""
    return week if notes.not_now(week, context.day) is None else None


def _week_page(
    context: RequestContext,
    request: Request,
    asked: date,
    typed: Typed,
    *,
    opened: UUID | None = None,
    start: UUID | None = None,
) -> HTMLResponse:
    require(Action.SEE_CASELOAD, to_program(context.asker))
    week, not_now = _shown_week(context, asked)
    theirs = [row for row, _ in caseload_of(context.session, context.asker) if row.opened_on <= sunday_of(week)]
    on_break = [row for row in theirs if row.state == "on_break"]
    shown = [(row, week) for row in theirs if row.state == "active"]
    rows = _rows(context, shown, {(opened, week)})
    drawn = strips.strips_of(context.session, [row for row, _ in shown], context.day)
    return page(
        context,
        request,
        "caseload_week.html",
        rows=[(one, drawn[one.row.id]) for one in rows],
        **_drawn(context, request, rows, _started(rows, typed, {(start, week)}), {(opened, week)})._asdict(),
        week=week,
        not_now=not_now,
        before=_if_written_now(context, week - WEEK),
        after=_if_written_now(context, week + WEEK),
        on_break=on_break,
        drawn=STRIP,
    )


def _weeks_page(
    context: RequestContext,
    request: Request,
    follow_up_id: UUID,
    typed: Typed,
    *,
    opened: date | None = None,
    start: date | None = None,
) -> HTMLResponse:
    row, given = find_follow_up(context.session, context.asker, follow_up_id)
    require(Action.KEEP_FOLLOW_UP, given)
    weeks = [one for one in strips.weeks_until(context.day, WEEKS_IN_A_ROW) if sunday_of(one) >= row.opened_on]
    rows = _rows(context, [(row, week) for week in weeks], {(follow_up_id, opened)})
    started = _started(rows, typed, {(follow_up_id, start)})
    return page(
        context,
        request,
        "follow_up_weeks.html",
        row=row,
        rows=rows,
        **_drawn(context, request, rows, started, {(follow_up_id, opened)})._asdict(),
    )


class _Grid(NamedTuple):
    """What rows are drawn with: what was typed in one, the one that stands open, and under what they are kept.

    What was typed may be for a week that has no row here, so `elsewhere`.
    """

    typed: Typed
    elsewhere: bool
    shown_open: str
    kept_under: dict[str, str]
    note_form: Mapping[str, object] = NOTE_FORM


def _drawn(
    context: RequestContext,
    request: Request,
    rows: Sequence[RowOfWeek],
    typed: Typed,
    opened: set[tuple[UUID | None, date | None]],
) -> _Grid:
    """What rows are drawn with.

    Open is the row in which something was typed, else the one that is asked for, else the first that is owed or begun.
    """

    def stands(one: RowOfWeek) -> tuple[bool, ...]:
        is_begun = not one.is_complete and not one.apart
        return one.form == typed.form, (one.row.id, one.week) in opened, one.is_missing, is_begun

    first = max(rows, key=stands, default=None)
    shown_open = first.form if first is not None and any(stands(first)) else ""
    elsewhere = typed.form not in ("", *(one.form for one in rows))
    return _Grid(_beside(rows, typed), elsewhere, shown_open, _kept_under(context, request))


def _rows(
    context: RequestContext, shown: Sequence[tuple[Followed, date]], opened: set[tuple[UUID | None, date | None]]
) -> list[RowOfWeek]:
    """The rows of these follow-ups and weeks. Those that are `opened` show their words, each reading on record."""
    if not shown:
        return []
    first = min(week for _, week in shown) - WEEK
    ids = {row.id for row, _ in shown}
    written = {(note.follow_up_id, note.week): note for note in notes.notes_of(context.session, ids, since=first)}
    missing = {(one.follow_up_id, one.week) for one in owed.missing(context.session, context.day)}
    apart = _apart(context, [row for row, _ in shown])
    return [
        RowOfWeek(
            row,
            week,
            note := written.get((row.id, week)),
            written.get((row.id, week - WEEK)),
            _words(context, row, note, is_opened=(row.id, week) in opened),
            (row.id, week) in missing,
            apart.get((row.id, week), ""),
        )
        for row, week in shown
    ]


def _apart(context: RequestContext, rows: Sequence[Followed]) -> dict[tuple[UUID, date], str]:
    """Why no note is asked for, by follow-up and week, as a message."""
    drawn = strips.strips_of(context.session, rows, context.day, weeks=WEEKS_IN_A_ROW)
    weeks = [(row_id, one) for row_id, strip in drawn.items() for one in strip.weeks]
    return {(row_id, one.week): strips.KINDS[one.kind][0] for row_id, one in weeks if one.kind in ("break", "apart")}


def _words(
    context: RequestContext, row: Followed, note: notes.NoteLine | None, *, is_opened: bool
) -> dict[str, str] | None:
    """The words of a row: none yet, or opened; None where they stay sealed."""
    if note is None or not note.has_words:
        return {}
    if not is_opened:
        return None
    _, _, words = access.read_note(context.session, context.asker, row.id, note.week, at=context.at)
    return words


def _started(rows: Sequence[RowOfWeek], typed: Typed, start: set[tuple[UUID | None, date | None]]) -> Typed:
    """A row that begins as the week before, as if it had been typed; nothing of it is saved yet."""
    for one in rows:
        if (one.row.id, one.week) in start and one.start:
            return Typed(one.form, None, one.start)
    return typed


def _beside(rows: Sequence[RowOfWeek], typed: Typed) -> Typed:
    """What was typed while someone else wrote the week: theirs where it says nothing, and the words of both."""
    one = next((one for one in rows if one.form == typed.form), None)
    if one is None or one.note is None or not _was_changed(typed):
        return typed
    return _with_theirs(one, one.note, typed)


def _with_theirs(one: RowOfWeek, note: notes.NoteLine, typed: Typed) -> Typed:
    theirs = {name: getattr(note, name) for name in ("met", "minutes", "communications", *week_row.CHOICES)}
    stands = {name: typed.get(one.form, name) or said or "" for name, said in theirs.items()}
    words = {name: week_row.of_both(said, typed.get(one.form, name), name) for name, said in (one.opened or {}).items()}
    return replace(typed, values={**typed.values, **stands, **words, "seen": note.version})


def _was_changed(typed: Typed) -> bool:
    return typed.refusal is not None and typed.refusal.code == "note.changed"


def _again(on: On[Followed], request: Request, typed: Typed) -> HTMLResponse:
    """The rows from which a note was sent, with what was typed in its own.

    Where someone else wrote the week meanwhile, theirs is shown beside it, and their words where words were typed.
    """
    follow_up_id, week = week_of(on)
    is_beside = _was_changed(typed) and typed.get(typed.form, "opened") == "yes"
    if typed.values.get("back") != "week":
        return _weeks_page(on.context, request, follow_up_id, typed, opened=week if is_beside else None)
    if follow_up_id not in {row.id for row, _ in caseload_of(on.session, on.context.asker)}:
        raise Forbidden
    opened = follow_up_id if is_beside else None
    return _week_page(on.context, request, week, typed, opened=opened)


act_pages(router, NOTE, _again)
