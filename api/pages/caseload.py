"""The caseload: a worker's own follow-ups, this week's note first; for the coordinator, everyone's by worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.follow_ups import (
    ASKED_OF_EVERY_ONE,
    asked_of_caseload,
    caseload_of,
    ended_of,
    every_one,
    sees_every_one,
)
from api.access.permissions import Action, Relation, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.pages.frame import around, framed_pages, page
from api.views.follow_ups import BARS, INTENSITIES, KINDS, STRIP
from api.views.names import ASKED_OF_PLACES, places_by_id
from api.views.states import STATES
from api.views.tasks import names_of
from domain.accompaniment import breaks
from domain.follow_ups import WHY_NONE, Followed, assigning, gate, load, lost, notes, owed, self_reports, strips
from domain.kernel import ask_ahead
from domain.roles import asked_of_who_barred
from domain.terms import PRIMARY

router = framed_pages()

#: The strip of who is being lost begins before that: a quarter of a year.
WEEKS_OF_WHO_IS_LOST: Final = 13
#: So many of the follow-ups that ended stand on one page.
ENDED_SHOWN: Final = 20


@router.get("/caseload", name="caseload")
@asks(Action.SEE_CASELOAD)
def show_caseload(context: InContext, request: Request, after: UUID | None = None) -> HTMLResponse:
    """One's own follow-ups; the coordinator's page has everyone's, what is being lost, and those without a worker."""
    given = to_program(context.asker)
    require(Action.SEE_CASELOAD, given)
    oversees = sees_every_one(context.asker)
    ask_ahead(
        context.session,
        asked_of_caseload(context.asker),
        asked_of_who_barred(context.asker.person_id),
        *owed.asked_of_missing(context.day),
        *((ASKED_OF_EVERY_ONE, assigning.asked_on_day(context.day), ASKED_OF_PLACES) if oversees else ()),
    )
    mine = lines(context, caseload_of(context.session, context.asker))
    every = every_one(context.session, context.asker) if oversees else []
    shown = every if oversees else [line.row for line in mine]
    losing = lost.losing(context.session, context.day, follow_up_ids=[row.id for row in shown])
    overseen = _overseen(context, every) if oversees else _Overseen()
    ended = ended_of(context.session, context.asker, most=ENDED_SHOWN, after=after)
    return page(
        context,
        request,
        "caseload.html",
        mine=mine,
        ended=ended.rows,
        parts=around(ended, after, "/caseload", "#ended"),
        oversees=oversees,
        by_worker=overseen.by_worker,
        vacant=overseen.vacant,
        losing=losing,
        follows=Relation.FOLLOWS in given or bool(mine),
        due=self_reports.due_self_reports(context.session, context.day, among_rows=shown),
        strips=_strips(context, losing, shown),
        drawn=STRIP,
        states=STATES,
        why_none=WHY_NONE,
        kinds=KINDS,
        intensities=INTENSITIES,
        bars=BARS,
        who=overseen.who,
        day=context.day,
    )


def _strips(
    context: RequestContext, losing: Sequence[lost.Losing], shown: Sequence[Followed]
) -> dict[UUID, strips.Strip]:
    """The longer strips of the follow-ups that are losing contact."""
    ids = {one.follow_up_id for one in losing}
    return strips.strips_of(
        context.session, [row for row in shown if row.id in ids], context.day, weeks=WEEKS_OF_WHO_IS_LOST
    )


@dataclass(frozen=True)
class CaseloadLine:
    """A follow-up with its last weeks, and the week of which a note is wanted first, with what of it is written."""

    row: Followed
    part: str
    strip: strips.Strip
    to_write: date | None
    late: bool
    is_begun: bool
    returns_on: date | None


def lines(context: RequestContext, rows: list[tuple[Followed, str]]) -> list[CaseloadLine]:
    """Follow-ups, each with its part, as lines."""
    if not rows:
        return []
    weeks = strips.weeks_until(context.day, strips.SHOWN)
    of_row: dict[UUID, dict[date, notes.NoteLine]] = {row.id: {} for row, _ in rows}
    noted = notes.notes_of(context.session, list(of_row), since=weeks[0])
    for note in noted:
        of_row[note.follow_up_id][note.week] = note
    drawn = strips.strips_of(context.session, [row for row, _ in rows], context.day, noted=noted)
    missing: dict[UUID, list[date]] = defaultdict(list)
    for one in owed.missing(context.session, context.day):
        missing[one.follow_up_id].append(one.week)
    returns = _returns(context, rows)
    return [_line(row, part, drawn[row.id], of_row[row.id], missing[row.id], returns.get(row.id)) for row, part in rows]


def _returns(context: RequestContext, rows: list[tuple[Followed, str]]) -> dict[UUID, date]:
    """The day on which each that is on a break comes back."""
    on_break = [row.id for row, _ in rows if row.state == "on_break"]
    pauses = breaks.open_breaks(context.session, on_break) if on_break else {}
    return {one: pause.returns_on for one, pause in pauses.items()}


def _line(
    row: Followed,
    part: str,
    strip: strips.Strip,
    written: Mapping[date, notes.NoteLine],
    missing: list[date],
    returns_on: date | None,
) -> CaseloadLine:
    """A follow-up: its first week whose note is `missing` is asked for, else this week's until it is complete."""
    this_week = strip.weeks[-1].week
    this = written.get(this_week)
    is_to_write = row.state == "active" and (this is None or not this.is_complete)
    first = min([*missing, *([this_week] if is_to_write else [])], default=None)
    return CaseloadLine(
        row,
        part,
        strip=strip,
        to_write=first,
        late=first is not None and first < this_week,
        is_begun=first is not None and first in written,
        returns_on=returns_on,
    )


@dataclass(frozen=True)
class _Worker:
    """A worker with what they have in hand: each follow-up with their part in it."""

    load: load.Load
    name: str
    place: str
    percent: int
    waits_for: str
    follow_ups: list[tuple[Followed, str]]


@dataclass(frozen=True)
class _Overseen:
    """What the coordinator sees of everyone's follow-ups: each worker's, and those that have no worker."""

    by_worker: Sequence[_Worker] = ()
    vacant: Sequence[Followed] = ()

    @property
    def who(self) -> dict[UUID, str]:
        """The name of each follow-up's worker."""
        return {row.id: one.name for one in self.by_worker for row, part in one.follow_ups if part == PRIMARY}


def _overseen(context: RequestContext, every: list[Followed]) -> _Overseen:
    return _Overseen(_by_worker(context, every), _vacant(context, every))


def _by_worker(context: RequestContext, every: list[Followed]) -> list[_Worker]:
    """Each worker with what they have in hand, the one with most room first, and their follow-ups."""
    loads = load.loads(context.session, context.day)
    parts = assigning.on_day(context.session, context.day)
    rows = {row.id: row for row in every}
    names = names_of(context, [part.person_id for part in parts] + [one.person_id for one in loads])
    places = places_by_id(context)
    found = []
    for one in loads:
        own = [part for part in parts if part.person_id == one.person_id and part.follow_up_id in rows]
        found.append(
            _Worker(
                one,
                names.get(one.person_id, ""),
                places.get(one.organization_id, ""),
                percent=round(one.share * 100),
                waits_for=gate.listed(one.waits_for, context.language),
                follow_ups=[(rows[part.follow_up_id], part.kind) for part in own],
            )
        )
    return found


def _vacant(context: RequestContext, every: list[Followed]) -> list[Followed]:
    """The follow-ups, also those on a break, without a worker today who works in the program."""
    parts = assigning.on_day(context.session, context.day)
    have = {
        part.follow_up_id
        for part in parts
        if part.kind == PRIMARY and assigning.role_for(context.asker.standing, part.person_id, PRIMARY) is not None
    }
    return sorted(
        (row for row in every if row.state in ("active", "on_break") and row.id not in have),
        key=lambda row: (row.state_since, row.id),
    )
