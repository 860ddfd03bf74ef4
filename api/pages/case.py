"""One case: its stages and tasks, its gates, what the engine did, its history, and what may be done to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Uuid, literal
from sqlmodel import and_

from api.access.cases import SeenCase, find_case, may_end
from api.access.permissions import Action, Forbidden, Given, asks, is_allowed
from api.access.session import InContext, RequestContext
from api.access.tasks import lines_of_case, shown_in
from api.acts.cases import CASE, Row
from api.acts.declaring import On
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page, see_other
from api.views.leaving import leaving_of
from api.views.tasks import TaskLine, cases_about, lines_of, names_of, page_of
from api.views.timeline import MINOR, NEWEST, TimelineLine, told
from domain.casework import board, cases, scheduling, versions
from domain.declarations import Protocol
from domain.declarations import Stage as DeclaredStage
from domain.departure import hand_overs_in_bulk
from domain.kernel import col, every, first, of, program_of, select
from domain.roles import task_is_open_to
from models.casework import LIVE, SETTLED, Case, Task
from models.engine import EngineRun, WakeUp
from models.record import Event

router = framed_pages()

#: How much of its history a case shows at first, and how much of all of it at once: the older lines follow.
FIRST_EVENTS: Final = 12
MOST_EVENTS: Final = 200
RUNS_SHOWN: Final = 4


@dataclass(frozen=True)
class CaseStage:
    """One part of the protocol in this case. `done` and `total` count the tasks that are asked for."""

    id: str
    title: str
    state: str
    done: int
    total: int
    lines: Sequence[TaskLine]
    is_current: bool


@dataclass(frozen=True)
class CaseGate:
    """What may begin only once certain steps are settled, and which of them are not."""

    title: str
    waits_for: Sequence[TaskLine]
    sources: Sequence[str]


@router.get("/cases/{case_id}", name="case")
@asks(Action.SEE_CASE)
def show_case(
    context: InContext,
    request: Request,
    case_id: UUID,
    history: str = "",
    before: Annotated[int | None, Query(ge=1, le=NEWEST)] = None,
) -> Response:
    """One case, as far as it is now. `before` is the number of a line of its whole history: the older ones follow.

    A departure has its own page, and one alone.
    """
    held = find_case(context.session, context.asker, case_id)
    if held.gathers:
        asked = f"?{request.url.query}" if request.url.query else ""
        return see_other(page_of(held) + asked)
    return case_page(context, request, case_id, Typed(), whole_history=history == "all", before=before)


def case_page(
    context: RequestContext,
    request: Request,
    case_id: UUID,
    typed: Typed,
    *,
    whole_history: bool = False,
    before: int | None = None,
    receipt: Sequence[hand_overs_in_bulk.BulkOffer] | None = None,
    done: bool = False,
) -> HTMLResponse:
    """The page of a case that the reader may see; with `typed`, as a rule refused what was sent. Raises Forbidden.

    Of a departure, `receipt` says which worker each follow-up would be offered to, or was where it is `done`.
    """
    held = find_case(context.session, context.asker, case_id)
    row = context.session.get(Case, (program_of(context.session), case_id), populate_existing=True)
    if row is None:
        raise Forbidden
    version = versions.pinned(context.session, held)
    protocol = scheduling.protocol_of(version)
    given = may_end(context.session, context.asker, held, "cancel" if held.state == "open" else "reopen")
    reads_notes = is_allowed(Action.READ_NOTES, given)
    shown = shown_in(context.session, context.asker, held, _tasks_of(context, case_id))
    lines = lines_of(context, shown, with_notes=reads_notes)
    about = cases_about(context, [case_id])[case_id]
    return page(
        context,
        request,
        "case.html",
        typed=typed,
        case=held,
        may_interview=is_allowed(Action.RECORD_INTERVIEW, given),
        about=about,
        version=version,
        progress=board.progress(context.session, [case_id], context.day)[case_id],
        stages=_stages(protocol, lines, context.language, was_cancelled=held.state == "cancelled"),
        gates=_gates(protocol, lines, context.language),
        unplaced=[line for line in lines if line.task.stage not in {stage.id for stage in protocol.stages}],
        facts=_facts(context, held, row, protocol, given),
        opened_by=names_of(context, [held.opened_by, held.ended_by]),
        offer=versions.newer_version(context.session, row, context.language),
        offers=_offers(
            held,
            given,
            lines,
            # Nobody cancels their own departure.
            ends_here=cases.may_be_cancelled(context.session, held)
            and not (held.gathers and held.subject_id == context.asker.person_id),
            goes_on_here=cases.may_be_reopened(context.session, held),
        ),
        engine=_engine(context, case_id),
        reads_notes=reads_notes,
        history=_history(context, held, whole=whole_history, before=before, with_notes=reads_notes),
        leaving=leaving_of(context, held, protocol, receipt=receipt, done=done),
        now=context.at,
    )


# What the page shows.


def _tasks_of(context: RequestContext, case_id: UUID) -> list[Task]:
    return every(
        context.session,
        of(Task)
        .where(Task.case_id == case_id, task_is_open_to(literal(context.asker.person_id, Uuid())))
        .order_by(col(Task.position), col(Task.item)),
    )


def _stages(protocol: Protocol, lines: Sequence[TaskLine], language: str, *, was_cancelled: bool) -> list[CaseStage]:
    """The protocol's stages in order; the current one is the first in which something is left.

    Of a case that was cancelled all that it asked for counts: what was done, of how many.
    """
    found = [_stage(stage, protocol, lines, language, was_cancelled=was_cancelled) for stage in protocol.stages]
    current = None if was_cancelled else next((stage for stage in found if stage.done < stage.total), None)
    return [replace(stage, is_current=stage is current) for stage in found]


def _stage(
    stage: DeclaredStage, protocol: Protocol, lines: Sequence[TaskLine], language: str, *, was_cancelled: bool
) -> CaseStage:
    mine = [line for line in lines if line.task.stage == stage.id]
    still = protocol.by_id if was_cancelled else ()
    asked = [line for line in mine if not line.is_called_off or line.task.step in still]
    left = [line for line in asked if line.task.state not in SETTLED]
    return CaseStage(
        id=stage.id,
        title=stage.title.in_language(language),
        state=_state_of(mine, asked, left, was_cancelled=was_cancelled),
        done=len(asked) - len(left),
        total=len(asked),
        lines=mine,
        is_current=False,
    )


def _state_of(
    mine: Sequence[TaskLine], asked: Sequence[TaskLine], left: Sequence[TaskLine], *, was_cancelled: bool
) -> str:
    """How far a stage is by its tasks: those that are asked for, and those that are left of them."""
    if mine and (not asked or (was_cancelled and left)):
        return "cancelled"
    if not left:
        return "done"
    begun = any(line.task.state in LIVE or line.is_settled for line in asked)
    return "in_progress" if begun else "planned"


def _gates(protocol: Protocol, lines: Sequence[TaskLine], language: str) -> list[CaseGate]:
    return [
        CaseGate(
            title=gate.title.in_language(language),
            waits_for=[
                line for line in lines if line.task.step in gate.steps and line.task.state not in ("done", "waived")
            ],
            sources=gate.source,
        )
        for gate in protocol.gates.values()
    ]


def _facts(
    context: RequestContext, held: SeenCase, row: Case, protocol: Protocol, given: Given
) -> list[tuple[str, str, date | None, bool]]:
    """The case's named days: key, title, day, and whether the reader may move it now."""
    days = scheduling.named_days(context.session, row, protocol)
    may_move = held.state == "open" and is_allowed(Action.MOVE_DAY, given)
    return [
        (
            key,
            anchor.title.in_language(context.language),
            days.get(key),
            may_move and anchor.from_ in ("worker.starts_on", "worker.ends_on"),
        )
        for key, anchor in protocol.anchors.items()
    ]


def _offers(
    held: SeenCase, given: Given, lines: Sequence[TaskLine], *, ends_here: bool, goes_on_here: bool
) -> frozenset[str]:
    """What the reader may do to the case as it stands; the verbs ask again.

    `ends_here`: by cancelling it. `goes_on_here`: by reopening it.
    """
    left = [line for line in lines if line.task.required and not line.is_settled]
    now = {
        "cancel": (Action.CANCEL_CASE, held.state == "open" and ends_here),
        "reopen": (Action.REOPEN_CASE, held.state != "open" and goes_on_here),
        "close": (Action.CLOSE_CASE, held.state == "open" and not left),
        "version": (Action.TAKE_VERSION, held.state == "open"),
    }
    return frozenset(act for act, (action, may) in now.items() if may and is_allowed(action, given))


class CaseEngine(NamedTuple):
    """What the engine did in a case, the newest first, and the change that waits for it."""

    runs: list[EngineRun]
    waiting: WakeUp | None


def _engine(context: RequestContext, case_id: UUID) -> CaseEngine:
    runs = every(
        context.session,
        of(EngineRun)
        .where(EngineRun.case_id == case_id)
        .order_by(col(EngineRun.started_at).desc(), col(EngineRun.id))
        .limit(RUNS_SHOWN),
    )
    waiting = first(context.session, of(WakeUp).where(WakeUp.case_id == case_id, col(WakeUp.want) > col(WakeUp.have)))
    return CaseEngine(runs, waiting)


class CaseHistory(NamedTuple):
    """Lines of what happened in a case, and where all of it is, its older lines and its newest; "" where not apart."""

    lines: list[TimelineLine]
    whole: str
    older: str
    newest: str


def _history(
    context: RequestContext, held: SeenCase, *, whole: bool, before: int | None, with_notes: bool
) -> CaseHistory:
    """The newest lines of what happened; of the whole of it those before a line, with where the older ones are."""
    mine = lines_of_case(context.session, context.asker, held)
    if whole and before is not None:
        mine = and_(mine, col(Event.n) < before)
    if not whole:
        mine = and_(mine, col(Event.verb).not_in(MINOR))
    most = MOST_EVENTS if whole else FIRST_EVENTS
    rows = every(context.session, select(Event).where(mine).order_by(col(Event.n).desc()).limit(most + 1))
    all_of_it = f"{page_of(held)}?history=all"
    return CaseHistory(
        told(context, rows[:most], with_notes=with_notes),
        whole=all_of_it if not whole else "",
        older=f"{all_of_it}&before={rows[most - 1].n}" if whole and len(rows) > most else "",
        newest=all_of_it if whole and before is not None else "",
    )


# What the forms do.


def _after(on: On[Row], place: str) -> str:
    return place.replace(CASE.path.format(case_id=on.id), page_of(on.row))


act_pages(
    router,
    CASE,
    lambda on, request, typed: case_page(on.context, request, on.id, typed),
    after=_after,
    must_have_seen=True,
)
