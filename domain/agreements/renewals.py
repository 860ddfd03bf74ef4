"""The steps of a renewal that an act on the agreement's next version completes: sent, signed by all, set to begin.

No one says of them that they are done. An act that came before its step opened completes it when it opens. An agreement
that is ended with notice is not renewed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import BY_ITS_ACT, cases, complete_task, scheduling, undo_task
from domain.declarations import CompletingAct
from domain.kernel import Actor, col, every, in_program, joins, of, only, run, scalars
from locales import N_, say_in_both
from models.agreement import AgreementVersion
from models.casework import Case, Task

#: The states of a later version by which each act is done, in the order in which they follow each other.
_DONE_IN: Final[Mapping[CompletingAct, frozenset[str]]] = {
    "agreement.sent": frozenset({"sent", "signed", "in_force", "ended"}),
    "agreement.signed": frozenset({"signed", "in_force", "ended"}),
    "agreement.started": frozenset({"in_force", "ended"}),
}

#: What the renewal's steps waited for before its file said so: cases under way keep the version with which they began.
_UNSAID: Final[Mapping[str, CompletingAct]] = {
    "send_new_version": "agreement.sent",
    "sign_new_version": "agreement.signed",
    "start_new_version": "agreement.started",
}


def follow_agreement(session: Session, agreement_id: UUID, *, by: Actor, at: datetime) -> None:
    """After a version of an agreement moved, move the open renewals of the versions before it."""
    cases = scalars(
        session,
        only(Case.id)
        .join(AgreementVersion, joins(Case.agreement_version_id, AgreementVersion))
        .where(Case.state == "open", AgreementVersion.agreement_id == agreement_id)
        .order_by(col(Case.id)),
    ).all()
    for case_id in cases:
        follow(session, case_id, by=by, at=at)


def follow(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Complete each open step of a renewal whose act was done, and reopen the one whose act was taken back.

    Any other case is left as it is, and so are the steps of a renewal that began when they were ticked by hand.
    """
    renewed = run(
        session,
        only(AgreementVersion.agreement_id, AgreementVersion.n, Case.protocol_version_id)
        .join(Case, joins(Case.agreement_version_id, AgreementVersion))
        .where(in_program(Case), Case.id == case_id, Case.state == "open")
        .with_for_update(of=Case),
    ).first()
    if renewed is None:
        return
    agreement_id, n, protocol_version_id = renewed
    later = only(AgreementVersion.state).where(
        AgreementVersion.agreement_id == agreement_id, col(AgreementVersion.n) > n
    )
    states = set(scalars(session, later))
    declared = scheduling.pinned_protocol(session, protocol_version_id).steps
    for act, done_in in _DONE_IN.items():
        steps = [step.id for step in declared if (step.act or _UNSAID.get(step.id)) == act]
        _follow_act(session, case_id, steps, is_done=not done_in.isdisjoint(states), by=by, at=at)


def _follow_act(
    session: Session, case_id: UUID, steps: Sequence[str], *, is_done: bool, by: Actor, at: datetime
) -> None:
    """Complete the open steps of an act that was done, or open again those of one that was taken back."""
    asked = of(Task).where(Task.case_id == case_id, col(Task.step).in_(steps), Task.evidence == BY_ITS_ACT)
    for task in every(session, asked):
        if task.state == "open" and is_done:
            complete_task(session, task.id, by=by, at=at, in_its_act=True)
        elif task.state == "done" and not is_done:
            undo_task(session, task.id, by=by, at=at, in_its_act=True)


def call_off(session: Session, version_id: UUID, *, last: date, by: Actor, at: datetime) -> None:
    """Cancel what is under way because a version was to end, for a partner who leaves on the local day `last`.

    The reason says so in both languages. Those who had work in it are told.
    """
    under_way = every(
        session, of(Case).where(Case.agreement_version_id == version_id, Case.state == "open").order_by(col(Case.id))
    )
    reason = say_in_both(_ENDED, last=last.isoformat())
    for case in under_way:
        starts = scheduling.pinned_protocol(session, case.protocol_version_id).starts
        if starts is not None and starts.before_end_of is not None:
            cases.cancel_case(session, case.id, by=by, at=at, reason=reason)


_ENDED: Final = N_("The agreement is not renewed: it was ended, and its last day is %(last)s.")
