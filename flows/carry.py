"""Takes one case as far as it can go now: the one body of every protocol, and the Prefect flow made from it.

A case is carried because something changed in it. Running again at any moment is harmless. The case's tasks say what is
to be done, each act looks before it acts, and nothing is remembered between two runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any, Final
from uuid import UUID, uuid4

from prefect import Flow, Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from domain.agreements import renewals
from domain.casework import Claim, acts, lock_task, wakeups
from domain.kernel import ENGINE, Actor, Refusal, col, first, of, only, run
from domain.obligations import OF_CASES, keep, touched_by_case
from flows import departing, protocols
from flows.agenda_points import put_on_agendas
from flows.ends import ended_in_trouble
from flows.engine import ActFailed, DueAction, Means, Perform, at_hand, code_of, in_hand
from flows.gates import announce_gates
from flows.shown import show_case
from flows.told import told
from models.base import table_of
from models.casework import Case
from models.casework import Task as TaskRow
from models.engine import EngineRun
from models.record import Event

_log = logging.getLogger(__name__)

#: A case that asks for more in one run may be going round in a circle; the rest waits a while for the next run.
MOST_ACTS: Final = 100

#: Within one run, an act that failed by an error is tried again after these seconds; a refusal is not.
RETRY_SECONDS: Final = (0.5, 2.0)

#: Why a case is put back whose run was cancelled by hand.
STOPPED: Final = "run.cancelled"

#: Another transaction kept the case for as long as a statement may take. The database gives up within a minute who
#: sleeps in one, so it passes: it is tried again, and no line of the record says it.
HELD: Final = "error.held"
_OF_LOCKS: Final = frozenset({"57014", "55P03", "40P01"})  # waited too long, not free, in a circle

BY_ENGINE: Final = Actor.system(ENGINE)

#: What the engine is asked. A stuck act is tried again whenever the case is carried.
_ASKED: Final = ("wanted", "stuck", "undo_wanted")


@dataclass(frozen=True)
class Carried:
    """How far a case came: `outcome` is waiting, closed, cancelled, trouble, or lost where another worker has it."""

    outcome: str
    acts: int = 0
    trouble: str = ""


async def carry(
    claim: Claim, means: Means, perform: Perform, *, flow_run_id: UUID | None = None, why_plain: str = ""
) -> Carried:
    """Do what the case asks of the engine, undoing first, until nothing more can be done; then record the run.

    An act that fails does not hold up the others; the case is then put back, to be tried again after a wait.
    `flow_run_id` is the Prefect run; where there is none, `why_plain` says why in a word. The last write acknowledges
    the wake-up.
    """
    started_at = means.clock()
    troubles: dict[UUID, str] = {}
    done = 0
    while done < MOST_ACTS:
        wanted = await asyncio.to_thread(_wanted, means, claim)
        left = [act for act in wanted if act.task_id not in troubles]
        if not left:
            break
        try:
            await perform(left[0])
        except ActFailed as failed:
            troubles[left[0].task_id] = failed.code
        else:
            done += 1
    else:
        _log.warning("a case asks for too much in one run", extra={"case": claim.case_id, "count": MOST_ACTS})
    shown = {"flow_run_id": flow_run_id, "why_plain": why_plain}
    carried = await asyncio.to_thread(_finish, means, claim, troubles, done, started_at, shown)
    hand = in_hand.get(None)
    if hand is not None:
        hand.outcome = carried.outcome
    return carried


async def perform_plainly(means: Means, act: DueAction) -> None:
    """Do one act, and note it, in one transaction. Raises ActFailed, which knows nothing of the error behind it."""
    code = await asyncio.to_thread(_attempt, means, act)
    if code:
        raise ActFailed(code)


def plainly(means: Means) -> Perform:
    """How acts are performed where Prefect is away."""

    async def perform(act: DueAction) -> None:
        await perform_plainly(means, act)

    return perform


# -------------------------------------------------------------------------------------------------- one act of a step


def _wanted(means: Means, claim: Claim) -> list[DueAction]:
    """What the case asks of the engine now: first what is to be undone, then in the protocol's order."""
    with means.sessions(claim.program_id) as session:
        rows = run(
            session,
            only(TaskRow.id, TaskRow.step, TaskRow.action, TaskRow.undo, TaskRow.act_state)
            .where(TaskRow.case_id == claim.case_id, col(TaskRow.act_state).in_(_ASKED))
            .order_by(col(TaskRow.act_state) != "undo_wanted", col(TaskRow.position), col(TaskRow.item)),
        ).all()
    return [
        DueAction(
            claim.program_id,
            claim.case_id,
            row.id,
            row.step,
            row.undo if row.act_state == "undo_wanted" else row.action,
            undo=row.act_state == "undo_wanted",
        )
        for row in rows
    ]


def _attempt(means: Means, act: DueAction) -> str:
    """The code of what went wrong, or "". The error stays here: its text may quote what no one outside may see."""
    try:
        with means.transaction(act.program_id) as session:
            _do(session, act, means.clock())
    except (Refusal, ActFailed) as refusal:
        return refusal.code
    except Exception as error:  # noqa: BLE001 - whatever an action meets, the case goes on and people see a code
        _log.warning("an act failed", extra={"action": act.action, "case": act.case_id, "error": type(error).__name__})
        return code_of(error)
    return ""


def _do(session: Session, act: DueAction, at: datetime) -> None:
    """Do the act if it is still asked for, verify it, and note it. Raises Refusal, or ActFailed."""
    # The case is locked until the end: no one cancels the act between its doing and its note.
    try:
        held = lock_task(session, act.task_id, by=BY_ENGINE, at=at, seen=None)
    except OperationalError as error:
        raise ActFailed(HELD if getattr(error.orig, "sqlstate", None) in _OF_LOCKS else code_of(error)) from None
    if held.case is None or held.task.act_state not in (("undo_wanted",) if act.undo else ("wanted", "stuck")):
        return
    action = protocols.action(held.case.protocol, act.action)
    if action is None:
        raise ActFailed("action.unknown")
    if not action.is_done(session, act, at):
        action.do(session, act, BY_ENGINE, at)
        if not action.is_done(session, act, at):
            raise ActFailed("action.not_verified")
    acts.record_act(session, act.task_id, undone=act.undo, by=BY_ENGINE, at=at)


# -------------------------------------------------------------------------------------------------- the end of a run


def _finish(
    means: Means,
    claim: Claim,
    troubles: Mapping[UUID, str],
    done: int,
    started_at: datetime,
    shown: Mapping[str, UUID | str | None],
) -> Carried:
    """Write the run, the letters of a gate that opened and what went wrong; the acknowledgement comes last."""
    with means.transaction(claim.program_id) as session:
        at = means.clock()
        # Held, so that a gate is not announced twice, nor one that is being closed.
        case = first(session, of(Case).where(Case.id == claim.case_id).with_for_update())
        if case is None:
            msg = "a wake-up names a case that does not exist"
            raise LookupError(msg)
        if case.subject_kind == "agreement_version":
            renewals.follow(session, claim.case_id, by=BY_ENGINE, at=at)
        announce_gates(session, case, at=at)
        put_on_agendas(session, case, at=at)
        departing.follow(session, case, at=at)
        keep(session, kinds=OF_CASES, touched=partial(touched_by_case, session, claim.case_id), at=at)
        for task_id, code in troubles.items():
            if code != HELD:
                _tell_trouble(session, task_id, code, at)
        trouble = min(troubles.values(), key=_needs_people, default="")
        outcome = "trouble" if trouble else ("waiting" if case.state == "open" else case.state)
        run(
            session,
            insert(table_of(EngineRun)).values(
                program_id=claim.program_id,
                id=uuid4(),
                case_id=claim.case_id,
                started_at=started_at,
                ended_at=at,
                outcome=outcome,
                acts=done,
                trouble=trouble,
                **shown,
            ),
        )
        if trouble and not _needs_people(trouble):
            mine = wakeups.put_back(session, claim, trouble=trouble, at=at)
        else:
            mine = wakeups.acknowledge(session, claim, at=at, trouble=trouble, more=done >= MOST_ACTS)
        if not mine:
            session.rollback()
            return Carried("lost", done, trouble)
    return Carried(outcome, done, trouble)


def _tell_trouble(session: Session, task_id: UUID, code: str, at: datetime) -> None:
    """Record once what keeps the engine from a step: not again at each try with the same result."""
    last = first(
        session,
        of(Event)
        .where(Event.subject_id == task_id, Event.subject_kind == "task")
        .order_by(col(Event.n).desc())
        .limit(1),
    )
    if last is None or last.verb != "act.trouble" or last.facts.get("code") != code:
        acts.record_trouble(session, task_id, code=code, by=BY_ENGINE, at=at, needs_people=_needs_people(code))


def _needs_people(code: str) -> bool:
    """Whether a rule refused, so that trying again soon changes nothing. An error may pass."""
    return not code.startswith("error.")


# ------------------------------------------------------------------------------------------------------ Prefect's part


@cache
def protocol_flow(key: str) -> Flow[[str], Any]:
    """The Prefect flow of a protocol, by its key: one run carries one case.

    Prefect is given the case's opaque id, the names of steps, and codes. It ends as Completed, named Waiting or Closed
    (or Cancelled); as Failed, named Trouble (code), where an act could not be done.
    """

    async def carried(case_id: str) -> State[None]:
        return await _carried(case_id)

    return Flow(carried, name=key, description=None, persist_result=False, validate_parameters=False)


async def _carried(case_id: str) -> State[None]:
    hand = in_hand.get(None)
    if hand is None or str(hand.claim.case_id) != case_id:
        return await _asked_by_hand(case_id)
    if not hand.take("prefect"):
        return Completed(name="Skipped", message="carried_plainly")
    run = FlowRunContext.get()
    flow_run = run.flow_run if run is not None else None
    run_id = flow_run.id if flow_run is not None else None
    try:
        carried = await carry(hand.claim, hand.means, _by_prefect(hand.means), flow_run_id=run_id)
    except asyncio.CancelledError:
        hand.fault = STOPPED
        raise
    except Exception as error:  # noqa: BLE001 - Prefect keeps the text of what it sees: it sees a code
        hand.fault = code_of(error)
        return ended_in_trouble(hand.fault)
    if flow_run is not None:
        await show_case(hand.claim, hand.means, flow_run)
    return _ended(carried)


def _ended(carried: Carried) -> State[None]:
    """The state of a run that carried a case, which it says in words as well."""
    told.info("the case was carried", extra={"count": carried.acts, "code": carried.trouble or carried.outcome})
    if carried.trouble:
        return ended_in_trouble(carried.trouble)
    return Completed(name=carried.outcome.capitalize())


async def _asked_by_hand(case_id: str) -> State[None]:
    """Started from Prefect's own pages: a case is carried by who takes its wake-up, which is asked for here."""
    means = at_hand.get(None)
    if means is None:
        return ended_in_trouble("no_means")
    case = _id_in(case_id)
    try:
        known = case is not None and await asyncio.to_thread(_wake, means, case)
    except Exception as error:  # noqa: BLE001 - as above, such as where the database restarts
        _log.warning("a case is not asked for by hand", extra={"case": case, "error": type(error).__name__})
        return ended_in_trouble(code_of(error))
    return Completed(name="Asked") if known else ended_in_trouble("case.unknown")


def _id_in(typed: str) -> UUID | None:
    """The id that was typed, or None where it is none."""
    try:
        return UUID(typed)
    except ValueError:
        return None


def _wake(means: Means, case_id: UUID) -> bool:
    with means.transaction() as session:
        return wakeups.wake_by_id(session, case_id, at=means.clock())


#: The act that a Prefect task is about. It travels in the context and not as a parameter, which Prefect would keep.
_acting: ContextVar[tuple[Means, DueAction]] = ContextVar("acting")


def _by_prefect(means: Means) -> Perform:
    """Each act as a Prefect task, named after its step and tried again."""

    async def perform(act: DueAction) -> None:
        token = _acting.set((means, act))
        try:
            await _step_task(act.step)()
        finally:
            _acting.reset(token)

    return perform


@cache
def _step_task(step: str) -> Task[[], Any]:
    return Task(
        _act_in_hand,
        name=step,
        task_run_name=step,
        retries=len(RETRY_SECONDS),
        retry_delay_seconds=list(RETRY_SECONDS),
        retry_condition_fn=_is_worth_another_try,
        persist_result=False,
        cache_policy=NO_CACHE,
    )


async def _act_in_hand() -> None:
    means, act = _acting.get()
    try:
        await perform_plainly(means, act)
    except ActFailed as failed:
        told.warning("an act failed", extra={"part": act.step, "action": act.action, "code": failed.code})
        raise
    told.info("an act was done", extra={"part": act.step, "action": act.action})


def _is_worth_another_try(_prefect_task: object, _run: object, state: State[Any]) -> bool:
    """Whether another try makes sense: an error may pass in a moment; a refusal waits for people."""
    return isinstance(state.data, ActFailed) and not _needs_people(state.data.code)
