"""The verbs of a task: the only functions that change its state.

Each locks the case first (of several, in the order of their ids), then reads the task, and refuses or writes. It writes
the change, the tasks that it opens, its events, its letters and the wake-up of the engine, in one transaction that the
caller commits. Completing reads only the tasks that wait for this one, so it costs the same in a case of 25 steps and
of 400. Whether this person may ask is `api.access.permissions`; whether it may happen now, and by them, is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import case_letters, proofs, requests, scheduling
from domain.casework.approving import bar_to_approval, people_of
from domain.casework.lateness import is_this, keep_lateness
from domain.casework.locking import (
    LockedTask,
    TaskOutcome,
    act_called_off,
    change_task,
    fall_back,
    in_new_hands,
    lock_task,
    not_done,
    of_case,
    open_those_ready,
    refuse_ended,
    settle_task,
    titles,
    to_do_again,
    wake,
    write_task_event,
)
from domain.casework.proofs import BY_ITS_ACT, refuse_unless_so
from domain.endorsement import waits_for_it
from domain.kernel import (
    ENGINE,
    Actor,
    Refusal,
    col,
    every,
    is_text,
    joins,
    local_day,
    of,
    replaced,
    says_something,
    trimmed,
)
from domain.roles import responsibility, standing
from locales import N_
from models.casework import SETTLED, Task, TaskNeed
from models.lifecycles import TASK, NoSuchMove

LONGEST_NOTE = 4_000


def complete_task(
    session: Session,
    task_id: UUID,
    *,
    by: Actor,
    at: datetime,
    note: str = "",
    evidence: Sequence[proofs.GivenProof] = (),
    given: Mapping[str, object] | None = None,
    seen: int | None = None,
    in_its_act: bool = False,
) -> TaskOutcome:
    """Record that what the task asks was done. Where the step needs an approval, it then waits for it.

    `evidence` is added first; a step that asks for evidence is not done without it. `given` is what was filled in, by
    the id of each part that the step asks for: it is stored, and is what is approved. A step whose evidence is an act
    is completed by the verb that does the act, which says `in_its_act`, and never by a person who says that it was
    done. `seen` is the version that the person was looking at: if the task was changed since, nothing is written.
    Raises Refusal.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=seen)
    note = checked_note(note)
    _refuse_to_complete(session, held, note, by=by, in_its_act=in_its_act)
    filled_in = requests.checked(held.task.asks, given or {})
    for proof in evidence:
        proofs.add(session, held.task, held.case, proof, by=by, at=at)
    proofs.refuse_if_missing(session, held.task, given={proof.kind for proof in evidence})
    digest = requests.keep(session, held.task, filled_in, by=by, at=at) if filled_in else ""

    waits = held.task.approved_by_id is not None
    state = TASK.after(held.task.state, "submit" if waits else "complete")
    reminders: Mapping[str, object] = _ladder_of_approval(session, held) if waits else {"next_check": None}
    done = {"done_at": at, "done_by": by.person_id, "done_as": by.role, "done_for": by.acting_for}
    change_task(session, held, state=state, note=note, **done, **reminders)
    verb = "task.submitted" if waits else "task.done"
    request = {"request": digest} if digest else {}
    write_task_event(session, held, verb, step=held.task.step, item=held.task.item, has_note=bool(note), **request)
    if waits:
        handed_in = replaced(held.task, done_by=by.person_id, done_for=by.acting_for)
        case_letters.approval_asked(session, handed_in, by=by, at=at)
        wake(session, held)
        return TaskOutcome(held.id, state, held.case_id)
    return settle_task(session, held, state)


def _refuse_to_complete(session: Session, held: LockedTask, note: str, *, by: Actor, in_its_act: bool) -> None:
    """Raises Refusal where a task is not to be done now, or not by this one, or not in this way."""
    _refuse_unless_in_its_act(held, in_its_act=in_its_act)
    _refuse_unless_decided(session, held, in_its_act=in_its_act)
    if held.task.action and not by.is_system:
        raise Refusal("task.automatic", N_("This step is automatic, once the steps before it are done."))
    _refuse_unless_open(session, held)
    if held.case_id is None and waits_for_it(session, held.id):
        raise Refusal("decision.not_in_effect", N_("The decision that asks for this is not in effect: see its page."))
    if held.task.holding and not by.is_system:
        raise Refusal("holding.not_settled", N_("To settle this step, say who takes this over, or how it ends."))
    refuse_unless_so(session, held)
    if held.task.evidence == "note" and not says_something(note):
        raise Refusal("note.missing", N_("This step asks for a note: say in a few words what was done."))


def approve_task(
    session: Session, task_id: UUID, *, by: Actor, at: datetime, note: str = "", seen: int | None = None
) -> TaskOutcome:
    """Approve what was done. Never one's own, nor what was done on one's behalf, in any role.

    Raises Refusal.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=seen)
    _refuse_unless_waiting(held)
    _refuse_own(session, held)
    state = TASK.after(held.task.state, "approve")
    change_task(session, held, state=state, reason=checked_note(note), **_settled(held))
    asked_for = requests.newest(session, [held.id]).get(held.id)
    request = {"request": asked_for.digest} if asked_for else {}
    write_task_event(session, held, "task.approved", step=held.task.step, item=held.task.item, **request)
    return settle_task(session, held, state)


def reject_task(
    session: Session, task_id: UUID, *, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> TaskOutcome:
    """Send back what was done, with the reason. It is open again, or the step that the protocol names.

    Raises Refusal, also where no reason is given.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=seen)
    _refuse_unless_waiting(held)
    _refuse_own(session, held)
    reason = needed_reason(reason)
    columns = {**_NOT_SETTLED, **to_do_again(session, held)}
    change_task(session, held, state=TASK.after(held.task.state, "reject"), reason=reason, **columns)
    write_task_event(session, held, "task.rejected", step=held.task.step, item=held.task.item)
    case_letters.rejected(session, held.task, by=by, at=at)
    if held.task.on_reject:
        _reopen_step(session, held, held.task.on_reject, reason)
    wake(session, held)
    return TaskOutcome(held.id, "open", held.case_id)


def undo_task(
    session: Session,
    task_id: UUID,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    seen: int | None = None,
    in_its_act: bool = False,
) -> TaskOutcome:
    """Undo a mistaken completion, submission or waiver. The record keeps that it was made.

    Steps that this one had opened wait again, and what the program did automatically because of it is undone by its
    declared undo. A step whose evidence is an act is undone by a verb of that act, which says `in_its_act`. Where
    people already did a later step, that one is undone first: Raises Refusal.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=seen)
    if held.task.action:
        raise Refusal("task.automatic", N_("This step is automatic, once the steps before it are done."))
    _refuse_unless_in_its_act(held, in_its_act=in_its_act)
    refuse_ended(held.case)
    if held.task.holding:
        raise Refusal(
            "holding.settled_for_good", N_("What was settled stays settled. Hand it over again where it is now.")
        )
    reason = checked_note(reason)
    move_to = _move(held, "undo")
    waits: dict[str, object] = {}
    if held.case_id is None and waits_for_it(session, held.id):
        # What a decision asked for is not to be done again before the decision is in effect.
        move_to = _move(held, "postpone")
        waits = {"opened_at": None, "next_check": None}
    fall_back(session, held)
    columns = {**_NOT_SETTLED, **to_do_again(session, held), **waits}
    change_task(session, held, state=move_to, reason=reason, **columns)
    proofs.withdraw_all(session, held.task, why="undone", by=by, at=at)
    write_task_event(session, held, "task.undone", step=held.task.step, item=held.task.item, was=held.task.state)
    opened = open_those_ready(session, held, [held.id]) if move_to == "planned" else ()
    wake(session, held)
    return TaskOutcome(held.id, "open" if opened else move_to, held.case_id, opened)


def waive_task(
    session: Session,
    task_id: UUID,
    *,
    by: Actor,
    at: datetime,
    reason: str,
    seen: int | None = None,
    in_its_act: bool = False,
) -> TaskOutcome:
    """Waive a step in this case, with a reason. Where the protocol says never, it is refused.

    A step whose evidence is an act is waived by the verb that takes its place, which says `in_its_act`. Raises Refusal.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=seen)
    reason = needed_reason(reason)
    _refuse_unless_in_its_act(held, in_its_act=in_its_act)
    if not held.task.waived_by:
        raise Refusal("task.never_waived", N_("The protocol does not allow this step to be waived."))
    refuse_ended(held.case)
    state = _move(held, "waive")
    keep_lateness(session, is_this(task_id), at=at)
    columns = {**_settled(held), **not_done(), **act_called_off(held.task)}
    change_task(session, held, state=state, reason=reason, **columns)
    write_task_event(session, held, "task.waived", step=held.task.step, item=held.task.item)
    return settle_task(session, held, state)


def hand_back_task(
    session: Session, task_id: UUID, *, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> TaskOutcome:
    """Hand a task back, with a reason: it falls to the next of its chain, who is told.

    One who has it because a role before theirs is vacant hands it to the link behind their own. Raises Refusal, also
    where no one stands behind them in the chain today.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=seen)
    _refuse_unless_open(session, held)
    reason = needed_reason(reason)
    today = standing(session, local_day(session, at))
    rest = today.behind(case_letters.chain_of(session, held.task.owed_by_id), by.person_id)
    if not rest:
        raise Refusal(
            "task.nobody_behind",
            N_(
                "No one else can do this step today: it cannot be handed back. Record an absence "
                "with a deputy, or have someone else appointed to the role."
            ),
        )
    change_task(
        session,
        held,
        owed_by_id=responsibility(session, rest),
        handed_back_at=at,
        handed_back_by=by.person_id,
        given_again_at=None,
        given_again_by=None,
        reason=reason,
        **in_new_hands(session, held),
    )
    write_task_event(session, held, "task.handed_back", step=held.task.step, item=held.task.item)
    case_letters.handed_back(session, held.task, rest, by=by, at=at)
    wake(session, held)
    return TaskOutcome(held.id, "open", held.case_id)


def return_task(
    session: Session, task_id: UUID, *, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> TaskOutcome:
    """Reassign a handed-back task to the role that owes it under the protocol, with a word for it, and tell them.

    Raises Refusal, also where no word goes with it.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=seen)
    _refuse_unless_open(session, held)
    if held.task.handed_back_at is None:
        raise Refusal("task.not_handed_back", N_("This task was not handed back."))
    reason = needed_reason(reason)
    change_task(
        session,
        held,
        owed_by_id=held.task.declared_owed_by_id,
        handed_back_at=None,
        handed_back_by=None,
        given_again_at=at,
        given_again_by=by.person_id,
        reason=reason,
        **in_new_hands(session, held),
    )
    write_task_event(session, held, "task.returned", step=held.task.step, item=held.task.item)
    case_letters.given_again(session, held.task, by=by, at=at)
    wake(session, held)
    return TaskOutcome(held.id, "open", held.case_id)


def ask_again(session: Session, task_id: UUID, *, at: datetime) -> None:
    """Ask those on which it falls by now for the approval of what was handed in: their ladder starts today."""
    held = lock_task(session, task_id, by=Actor.system(ENGINE), at=at, seen=None)
    if held.task.state != "submitted":
        return
    change_task(session, held, **_ladder_of_approval(session, held))
    doer = Actor(held.task.done_as or "", held.task.done_by, acting_for=held.task.done_for)
    case_letters.approval_asked(session, held.task, by=doer, at=at)


# What the verbs check, read and write.


def _settled(held: LockedTask) -> dict[str, object]:
    """The columns of a task that is approved or waived now."""
    by = held.by
    return {"settled_at": held.at, "settled_by": by.person_id, "settled_as": by.role, "next_check": None}


_NOT_SETTLED: Final = {"settled_at": None, "settled_by": None, "settled_as": ""}


def _reopen_step(session: Session, held: LockedTask, step: str, reason: str) -> None:
    """Reopen the earlier step that a rejection names; this one waits for it again."""
    done = of(Task).where(of_case(held.case_id), Task.step == step, Task.state == "done")
    for other in every(session, done.order_by(col(Task.id))):
        undo_task(session, other.id, by=held.by, at=held.at, reason=reason)


def _ladder_of_approval(session: Session, held: LockedTask) -> scheduling.Ladder:
    """The ladder of the approvers of a task, as columns: their own, from the day on which it is asked of them."""
    return scheduling.ladder_from(session, held.task, held.case, on=local_day(session, held.at), approval=True)


# The refusals, one each.


def _refuse_unless_in_its_act(held: LockedTask, *, in_its_act: bool) -> None:
    """Refuse a tick that would say that a consent was signed, or a number given, without the act itself."""
    if held.task.evidence == BY_ITS_ACT and not in_its_act:
        raise Refusal("task.by_its_act", N_("This step is completed by an act on its own page: do it there."))


def _refuse_unless_decided(session: Session, held: LockedTask, *, in_its_act: bool) -> None:
    """Refuse a step that a decision completes: its owner would say that the committee and the partners agreed."""
    if in_its_act or held.case is None:
        return
    step = scheduling.pinned_protocol(session, held.case.protocol_version_id).by_id.get(held.task.step)
    if step is not None and step.is_endorsed:
        raise Refusal(
            "task.by_decision",
            N_(
                "The committee decides this and the partners endorse it. It is done once the "
                "decision that answers it is in effect."
            ),
            source="GV-4",
        )


def _refuse_unless_open(session: Session, held: LockedTask) -> None:
    refuse_ended(held.case)
    state = held.task.state
    if state == "open":
        return
    if state == "planned" and held.case_id is None:
        raise Refusal(
            "task.rests_on_decision",
            N_("This depends on a decision that is not in effect yet: there is nothing to do before then."),
            source="GV-4",
        )
    if state == "planned":
        waits = _waits_for(session, held)
        raise Refusal(
            "task.blocked", N_("This step waits for others to be done first: %(steps)s."), steps=titles(waits)
        )
    raise Refusal("task.not_open", _NOT_OPEN[state])


def _refuse_unless_waiting(held: LockedTask) -> None:
    refuse_ended(held.case)
    if held.task.state != "submitted":
        raise Refusal("task.not_submitted", N_("Nothing waits for an approval here."))


def _refuse_own(session: Session, held: LockedTask) -> None:
    # Holders are read only where the protocol bars a role.
    bar = bar_to_approval(
        held.task, held.by, lambda link: people_of(standing(session, local_day(session, held.at)), link)
    )
    if bar is not None:
        raise bar


def _move(held: LockedTask, move: str) -> str:
    try:
        return TASK.after(held.task.state, move)
    except NoSuchMove:
        why = _NOT_NOW[held.task.state]  # on its own line: a literal inside a Refusal is taken for a msgid
        raise Refusal("task.not_now", why) from None


def _waits_for(session: Session, held: LockedTask) -> list[Task]:
    return every(
        session,
        of(Task)
        .join(TaskNeed, joins(TaskNeed.needs_id, Task))
        .where(TaskNeed.task_id == held.id, col(Task.state).not_in(SETTLED))
        .order_by(col(Task.position), col(Task.item)),
    )


def checked_note(note: str) -> str:
    """A note or a reason, trimmed. Raises Refusal where it is too long, or is not text."""
    note = trimmed(note)
    if len(note) > LONGEST_NOTE:
        raise Refusal(
            "note.too_long", N_("This note is longer than %(most)s characters. Shorten it."), most=LONGEST_NOTE
        )
    if not is_text(note):
        raise Refusal("note.not_text", N_("This note holds characters that are not text."))
    return note


def needed_reason(reason: str) -> str:
    """The reason that an act needs, trimmed. Raises Refusal where there is none, or it is too long."""
    reason = checked_note(reason)
    if not says_something(reason):
        raise Refusal("reason.missing", N_("Say why, in a few words."))
    return reason


_NOT_OPEN = {
    "submitted": N_("This was already done, and waits for an approval."),
    "done": N_("This task is already done."),
    "waived": N_("This task was waived."),
    "cancelled": N_("This task was cancelled with its case."),
}
_NOT_NOW = {
    "planned": N_("This step has not begun: there is nothing to take back."),
    "open": N_("This task is not done yet: there is nothing to take back."),
    **_NOT_OPEN,
}
