"""The steps of a renewal that an act on the agreement's next version completes: sent, signed by all, set to begin.

Nobody says of them that they are done. An act that came before its step had opened completes it once it opens. Of an
agreement that is ended with notice nothing is renewed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from domain.casework import cases, scheduling
from domain.casework.evidence import BY_ITS_ACT
from domain.casework.tasks import complete_task, undo_task
from domain.declarations.protocol import CompletingAct
from domain.kernel.actors import Actor
from domain.kernel.scope import many, one, program_of
from locales import N_, say_in_both
from models.agreement import AgreementVersion
from models.base import refers, table_of
from models.casework import Case, Task

_version = table_of(AgreementVersion)
_case = table_of(Case)
_task = table_of(Task)

#: The states of a later version by which each act is done, in the order in which they follow each other.
_DONE_IN: Final[Mapping[CompletingAct, frozenset[str]]] = {
    "agreement.sent": frozenset({"sent", "signed", "in_force", "ended"}),
    "agreement.signed": frozenset({"signed", "in_force", "ended"}),
    "agreement.started": frozenset({"in_force", "ended"}),
}

#: What the renewal's steps waited for before its file said so: cases under way go on by the version that they began by.
_UNSAID: Final[Mapping[str, CompletingAct]] = {
    "send_new_version": "agreement.sent",
    "sign_new_version": "agreement.signed",
    "start_new_version": "agreement.started",
}


def follow_agreement(session: Session, agreement_id: UUID, *, by: Actor, at: datetime) -> None:
    """After a version of an agreement moved: the open renewals of the versions before it move with it."""
    cases = session.scalars(
        select(_case.c.id)
        .join(_version, refers(_case.c.agreement_version_id, _version))
        .where(
            _case.c.program_id == program_of(session),
            _case.c.state == "open",
            _version.c.agreement_id == agreement_id,
        )
        .order_by(_case.c.id)
    ).all()
    for case_id in cases:
        follow(session, case_id, by=by, at=at)


def follow(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Complete each open step of a renewal whose act was done, and open again the one whose act was taken back.

    A case of anything else is left as it is, and so are the steps of one that began when they were ticked by hand.
    """
    here = program_of(session)
    renewed = one(
        session,
        select(_version.c.agreement_id, _version.c.n, _case.c.protocol_version_id)
        .join(_case, refers(_case.c.agreement_version_id, _version))
        .where(_case.c.program_id == here, _case.c.id == case_id, _case.c.state == "open")
        .with_for_update(of=_case),
    )
    if renewed is None:
        return
    later = set(
        session.scalars(
            select(_version.c.state).where(
                _version.c.program_id == here,
                _version.c.agreement_id == renewed["agreement_id"],
                _version.c.n > renewed["n"],
            )
        )
    )
    declared = scheduling.pinned_protocol(session, renewed["protocol_version_id"]).steps
    for act, states in _DONE_IN.items():
        for task in many(
            session,
            select(_task.c.id, _task.c.state).where(
                _task.c.program_id == here,
                _task.c.case_id == case_id,
                _task.c.step.in_([step.id for step in declared if (step.act or _UNSAID.get(step.id)) == act]),
                _task.c.evidence == BY_ITS_ACT,
            ),
        ):
            if task["state"] == "open" and later & states:
                complete_task(session, task["id"], by=by, at=at, in_its_act=True)
            elif task["state"] == "done" and not later & states:
                undo_task(session, task["id"], by=by, at=at, in_its_act=True)


def call_off(session: Session, version_id: UUID, *, last: date, by: Actor, at: datetime) -> None:
    """Cancel what is under way because a version was to end, of a partner who leaves on the local day `last`.

    The reason says so in both languages. Whoever had work in it is told.
    """
    here = program_of(session)
    under_way = many(
        session,
        select(_case.c.id, _case.c.protocol_version_id)
        .where(_case.c.program_id == here, _case.c.agreement_version_id == version_id, _case.c.state == "open")
        .order_by(_case.c.id),
    )
    reason = say_in_both(_ENDED, last=last.isoformat())
    for case in under_way:
        starts = scheduling.pinned_protocol(session, case["protocol_version_id"]).starts
        if starts is not None and starts.before_end_of is not None:
            cases.cancel_case(session, case["id"], by=by, at=at, reason=reason)


_ENDED: Final = N_("The agreement is not renewed: it was ended, and its last day is %(last)s.")
