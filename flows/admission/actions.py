"""What the engine does by itself in an admission: whoever referred is told who makes contact (AD-R5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import Session

from domain.casework import assigning
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, one, program_of
from domain.mail import notices
from domain.mail.notices import COORDINATION
from domain.roles.roles import standing
from flows.engine import Act, Action
from locales import N_, say
from models.base import refers, table_of
from models.casework import Case, Task
from models.outbox import Notice
from models.participant import CandidateWorker, Participant
from models.program import Organization, Person
from models.referral import Referral

#: The coordinator's task where whoever referred has no account, and so gets no letter from here.
TELL: Final = "admission.tell_referrer"
_DAYS_TO_TELL: Final = timedelta(days=2)

_case = table_of(Case)
_task = table_of(Task)
_notice = table_of(Notice)
_named = table_of(CandidateWorker)
_participant = table_of(Participant)
_person = table_of(Person)
_organization = table_of(Organization)
_referral = table_of(Referral)


def tell_referrer(session: Session, act: Act, by: Actor, at: datetime) -> None:
    """Give whoever referred the contact details of the worker who was named: by letter, or through the coordinator.

    An outside professional came by a link and has no address here: telling them is a task of the coordinator's.
    The letter speaks of the candidate by the reference alone. Where another is named later, they are told again, and
    that it is somebody else. Raises Refusal: nobody is named (any more).
    """
    row = _facts(session, act)
    if row is None:
        raise Refusal("admission.no_worker", N_("No worker is named yet to follow this person."), source="AD-R3")
    if _out_of_reach(session, row, at):
        if not _asked(session, act, row):
            by_link = _TELL_AGAIN if _heard_before(session, act) else _TELL
            asked = by_link if row["referred_by"] is None else _TELL_OURSELVES
            assigning.assign(
                session,
                TELL,
                str(act.case_id),
                title_fr=say("fr", asked, reference=row["candidate_ref"]),
                title_en=say("en", asked, reference=row["candidate_ref"]),
                chain=COORDINATION,
                due_on=local_day(session, at) + _DAYS_TO_TELL,
                by=by,
                at=at,
            )
        return
    if row["referred_by"] == row["worker_id"]:
        return
    again = _heard_before(session, act)
    notices.write(
        session,
        "worker_named",
        to=row["referred_by"],
        key=_key(act, row),
        facts=lambda _: {
            "reference": row["candidate_ref"],
            "day": local_day(session, row["received_at"]),
            "worker": f"{row['given_name']} {row['family_name']}",
            "organization": row["short_name"],
            "phone": row["phone"],
            "email": row["email"],
            "again": again,
        },
        at=at,
        case_id=act.case_id,
    )


def referrer_is_told(session: Session, act: Act, at: datetime) -> bool:
    """Whether the letter is written, or the coordinator asked; nobody has to tell a worker of themselves."""
    row = _facts(session, act)
    if row is None:
        return False
    if _out_of_reach(session, row, at) and _asked(session, act, row):
        return True
    if row["referred_by"] is None:
        return False
    if row["referred_by"] == row["worker_id"]:
        return True
    has_address = session.scalar(
        select(_person.c.email).where(_person.c.program_id == program_of(session), _person.c.id == row["referred_by"])
    )
    return _is_written(session, _key(act, row)) or has_address is None


_TELL = N_("Tell the person who referred %(reference)s by a link who makes contact with the candidate")
_TELL_AGAIN = N_(
    "Tell the person who referred %(reference)s by a link that someone else now makes contact with the candidate"
)

_TELL_OURSELVES = N_("The person who referred %(reference)s has left: see that the candidate hears who makes contact")


def _out_of_reach(session: Session, row: Mapping[str, Any], at: datetime) -> bool:
    """Whether no letter reaches whoever referred: they came by a link, or hold nothing in the program any more."""
    return row["referred_by"] is None or row["referred_by"] not in standing(session, local_day(session, at)).live


def _key(act: Act, row: Mapping[str, Any]) -> str:
    return f"worker_named:{act.case_id}:{row['named_id']}"


def _asked(session: Session, act: Act, row: Mapping[str, Any]) -> bool:
    """Whether the coordinator has to tell of who makes contact, or was asked to since this one was named."""
    return _was_asked(session, act, or_(_task.c.state == "open", _task.c.opened_at >= row["named_at"]))


def _heard_before(session: Session, act: Act) -> bool:
    """Whether whoever referred was written of somebody who was named before, or the coordinator told them."""
    return _is_written(session, f"worker_named:{act.case_id}:") or _was_asked(session, act, _task.c.state == "done")


def _is_written(session: Session, key: str) -> bool:
    found = session.scalar(
        select(_notice.c.id)
        .where(_notice.c.program_id == program_of(session), _notice.c.key.startswith(key, autoescape=True))
        .limit(1)
    )
    return found is not None


def _was_asked(session: Session, act: Act, condition: ColumnElement[bool]) -> bool:
    found = session.scalar(
        select(_task.c.id)
        .where(
            _task.c.program_id == program_of(session),
            _task.c.step == TELL,
            _task.c.item == str(act.case_id),
            condition,
        )
        .limit(1)
    )
    return found is not None


def _facts(session: Session, act: Act) -> dict[str, Any] | None:
    """Who referred last, who is named, and how to reach them; None where nobody is named, or the admission is over."""
    return one(
        session,
        select(
            _participant.c.candidate_ref,
            _referral.c.referred_by,
            _referral.c.received_at,
            _named.c.id.label("named_id"),
            _named.c.named_at,
            _named.c.worker_id,
            _person.c.given_name,
            _person.c.family_name,
            _person.c.phone,
            _person.c.email,
            _organization.c.short_name,
        )
        .select_from(_case)
        .join(_participant, refers(_case.c.participant_id, _participant))
        .join(
            _named,
            (_named.c.program_id == _case.c.program_id)
            & (_named.c.participant_id == _case.c.participant_id)
            # Where the engine was away, whoever the number was given with is told late, and not never.
            & or_(_named.c.ended_at.is_(None), _named.c.ended_as == "admitted"),
        )
        .join(_person, refers(_named.c.worker_id, _person))
        .join(_organization, refers(_named.c.organization_id, _organization))
        .join(
            _referral,
            (_referral.c.program_id == _case.c.program_id)
            & (_referral.c.participant_id == _case.c.participant_id)
            & (_referral.c.state == "triaged"),
        )
        .where(_case.c.program_id == program_of(session), _case.c.id == act.case_id)
        .order_by(_named.c.named_at.desc(), _referral.c.triaged_at.desc())
        .limit(1),
    )


ACTIONS: Final[Mapping[str, Action]] = {"tell_referrer": Action(tell_referrer, referrer_is_told)}
"""What a step of this protocol may name as its action."""
