"""My work: what is now for the reader to do or to approve, for themselves or for someone absent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Date, Uuid, bindparam, func

from api.access.permissions import Action, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.access.tasks import own_work
from api.pages.forms import Typed
from api.pages.frame import around, framed_pages, page
from api.pages.opening import may_open
from api.views import handed_over
from api.views.engine import engine_of
from api.views.tasks import TaskCase, TaskLine, cases_about, lines_of, names_of
from domain.agreements import agreements
from domain.casework import ASKED_OF_ENGINE, ASKED_OF_POST, EngineState, PostState, board, post_state, vacancies
from domain.departure import offers
from domain.kernel import Question, ask_ahead, built, col, in_program, only, scalar, scalars, select
from domain.roles import DayAbsence
from meetings import feeds
from meetings import unmatched_replies as strays
from models.casework import Case, Task
from models.program import Absence

router = framed_pages()

#: The most pressing first; the rest on further pages.
A_PAGE: Final = 50


_OWN_CASES: Final = built(
    only(Case.id)
    .where(col(Case.subject_id) == bindparam("person", type_=Uuid()), Case.state == "open")
    .order_by(col(Case.opened_at))
)
_LATE: Final = built(
    select(func.count()).select_from(Task).where(in_program(Task), board.is_late(bindparam("day", type_=Date())))
)


@router.get("/", name="work")
@asks(Action.SEE_MY_WORK)
def show_work(context: InContext, request: Request, after: UUID | None = None) -> HTMLResponse:
    """The reader's work today."""
    return work_page(context, request, Typed(), after=after)


def work_page(context: RequestContext, request: Request, typed: Typed, *, after: UUID | None = None) -> HTMLResponse:
    """The page; with `typed`, as a rule refused what was sent. With `after`, only what is less pressing than that."""
    require(Action.SEE_MY_WORK, to_program(context.asker))
    mine = board.counts_of(context.session, context.asker.standing, context.asker.person_id)
    hats = mine.hats
    part = own_work(context.session, context.asker, hats, most=A_PAGE, after=after)
    lines = lines_of(context, part.rows)
    given = to_program(context.asker)
    sees_board = is_allowed(Action.SEE_BOARD, given)
    keeps_strays = is_allowed(Action.KEEP_STRAYS, given)
    me = context.asker.person_id
    away = context.asker.standing.absences.get(me)
    ask_ahead(
        context.session,
        Question(_OWN_CASES, {"person": me}),
        board.asked_of_kept_back(hats),
        offers.asked_of_offers(me),
        agreements.asked_to_sign(me),
        handed_over.asked_of_handed_over(me),
        feeds.asked_of_voided(me, context.at),
        *((*ASKED_OF_ENGINE, *ASKED_OF_POST, Question[Any](_LATE, {"day": context.day})) if sees_board else ()),
        *((strays.ASKED_OF_WAITING,) if keeps_strays else ()),
    )
    return page(
        context,
        request,
        "work.html",
        typed=typed,
        counts=mine,
        total=mine.to_do + mine.to_approve,
        parts=around(part, after, "/"),
        groups=_groups(context, lines),
        own=_own_cases(context),
        kept_from=board.keeps_back(context.session, hats),
        offered=len(offers.offered_to(context.session, context.asker.person_id)),
        to_sign=agreements.to_sign(context.session, context.asker.person_id, context.day),
        was_handed=handed_over.was_handed_over_to(context.session, context.asker.person_id),
        wide=_wide(context) if sees_board else None,
        is_being_written=context.is_being_written,
        away=away,
        recorded_away_by=_recorded_away_by(context, away) if away else "",
        me=me,
        calendar_stopped=feeds.voided_on(context.session, me, at=context.at),
        strays=strays.count(context.session) if keeps_strays else 0,
        may_open=may_open(context),
        day=context.day,
        now=context.at,
    )


def _recorded_away_by(context: RequestContext, away: DayAbsence) -> str:
    """The name of who recorded the reader as away; "" where they did it themselves."""
    by = scalar(context.session, only(Absence.recorded_by).where(Absence.id == away.id))
    return names_of(context, {by})[by] if by not in (None, away.person_id) else ""


@dataclass(frozen=True)
class TaskGroup:
    """The tasks that stand under one heading; of those that are done for someone else, that one's absence."""

    key: str
    lines: Sequence[TaskLine]
    absence: DayAbsence | None = None


def _groups(context: RequestContext, lines: Sequence[TaskLine]) -> list[TaskGroup]:
    """The tasks under what they ask of the reader, each once: what is done for someone else stands apart."""
    found: dict[str | UUID | None, list[TaskLine]] = defaultdict(list)
    for line in lines:
        found[_key_of(line)].append(line)
    own = [TaskGroup(key, found.pop(key, [])) for key in ("late", "approve", "do")]
    absences = context.asker.standing.acting_for(context.asker.person_id)
    away = [TaskGroup("for", found.pop(absence.person_id, []), absence) for absence in absences]
    # A deputy's deputy acts for someone whose absence names another.
    placed = {line.id for group in (*own, *away) for line in group.lines}
    rest = [line for line in lines if line.id not in placed]
    return [*own, *away, *([TaskGroup("for", rest)] if rest else [])]


def _key_of(line: TaskLine) -> str | UUID | None:
    """What a task asks of the reader, or the person in whose place."""
    if line.for_whom is not None:
        return line.for_whom.id
    return "late" if line.is_late else {"submitted": "approve", "open": "do"}.get(line.task.state, "")


class OwnCase(NamedTuple):
    """An open case that is about the reader, and how far it is."""

    about: TaskCase
    progress: board.Progress


def _own_cases(context: RequestContext) -> list[OwnCase]:
    """The open cases that are about the reader, with how far each is."""
    ids: list[UUID] = list(scalars(context.session, _OWN_CASES, {"person": context.asker.person_id}))
    if not ids:
        return []
    progress, about = board.progress(context.session, ids, context.day), cases_about(context, ids)
    return [OwnCase(about[one], progress[one]) for one in ids]


class WideView(NamedTuple):
    """What a coordinator watches besides: the program's vacancies, what is late in it, its engine and its mail."""

    vacant: int
    late: int
    engine: EngineState
    mail: PostState


def _wide(context: RequestContext) -> WideView:
    return WideView(
        len(vacancies.find(context.session, context.asker.standing)),
        scalar(context.session, _LATE, {"day": context.day}) or 0,
        engine_of(context),
        post_state(context.session, context.at),
    )
