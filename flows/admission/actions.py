"""What the engine does automatically in an admission: it tells the referrer who makes contact (AD-R5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, or_

from domain.accompaniment import TOLD_BY_COORDINATOR, referred_again
from domain.casework import assigning
from domain.kernel import SHAPE, Actor, Refusal, also, col, first, joins, local_day, of, only, same, scalar
from domain.mail import COORDINATION, notices
from domain.roles import standing
from flows.engine import DueAction, StepAction
from locales import N_, say
from models.casework import Case, Task
from models.outbox import Notice
from models.participant import CandidateWorker, Participant
from models.program import Person
from models.referral import Referral

#: The coordinator's task where the referrer has no account, and so gets no letter from here.
TELL: Final = TOLD_BY_COORDINATOR
_DAYS_TO_TELL: Final = timedelta(days=2)


def tell_referrer(session: Session, act: DueAction, by: Actor, at: datetime) -> None:
    """Give the referrer the contact details of the named worker: by letter, or through the coordinator.

    An outside professional came by a link and has no address here: the coordinator gets a task to tell them. The letter
    speaks of the candidate by the reference alone. Where another worker is named later, they are told again, and that
    it is another one. Raises Refusal: no one is named (any more).
    """
    row = _facts(session, act)
    if row is None:
        raise Refusal("admission.no_worker", N_("No worker is named yet to follow this person."), source="AD-R3")
    if _out_of_reach(session, row, at):
        if not _asked(session, act, row):
            by_link = _TELL_AGAIN if _heard_before(session, act) else _TELL
            asked = by_link if row.referred_by is None else _TELL_OURSELVES
            assigning.assign(
                session,
                TELL,
                str(act.case_id),
                title_fr=say("fr", asked, reference=row.reference),
                title_en=say("en", asked, reference=row.reference),
                chain=COORDINATION,
                due_on=local_day(session, at) + _DAYS_TO_TELL,
                by=by,
                at=at,
            )
        return
    again, key = _heard_before(session, act), _key(act, row)
    referred_again.tell_of_worker(
        session, row, row.worker_id, row.organization_id, key=key, again=again, case_id=act.case_id, at=at
    )


def referrer_is_told(session: Session, act: DueAction, at: datetime) -> bool:
    """Whether the letter is written, or the coordinator asked. Workers who referred them themselves need none."""
    row = _facts(session, act)
    if row is None:
        return False
    if _out_of_reach(session, row, at) and _asked(session, act, row):
        return True
    if row.referred_by is None:
        return False
    if row.referred_by == row.worker_id:
        return True
    has_address = scalar(session, only(Person.email).where(Person.id == row.referred_by))
    return notices.is_written(session, _key(act, row), row.referred_by) or has_address is None


_TELL = N_("Tell the person who referred %(reference)s by a link who makes contact with the candidate")
_TELL_AGAIN = N_(
    "Tell the person who referred %(reference)s by a link that someone else now makes contact with the candidate"
)

_TELL_OURSELVES = N_("The person who referred %(reference)s has left: see that the candidate hears who makes contact")


def _out_of_reach(session: Session, row: _Named, at: datetime) -> bool:
    """Whether no letter reaches the referrer: they came by a link, or hold nothing in the program any more."""
    return row.referred_by is None or row.referred_by not in standing(session, local_day(session, at)).live


def _key(act: DueAction, row: _Named) -> str:
    return f"worker_named:{act.case_id}:{row.id}"


def _asked(session: Session, act: DueAction, row: _Named) -> bool:
    """Whether the coordinator has to tell the referrer, or was asked to since this worker was named."""
    return _was_asked(session, act, or_(Task.state == "open", col(Task.opened_at) >= row.named_at))


def _heard_before(session: Session, act: DueAction) -> bool:
    """Whether the referrer had a letter about an earlier worker, or was told by the coordinator."""
    return _is_written(session, f"worker_named:{act.case_id}:") or _was_asked(session, act, col(Task.state) == "done")


def _is_written(session: Session, key: str) -> bool:
    found = scalar(session, only(Notice.id).where(col(Notice.key).startswith(key, autoescape=True)).limit(1))
    return found is not None


def _was_asked(session: Session, act: DueAction, condition: ColumnElement[bool]) -> bool:
    found = scalar(
        session, only(Task.id).where(Task.step == TELL, col(Task.item) == str(act.case_id), condition).limit(1)
    )
    return found is not None


class _Named(CandidateWorker):
    """The worker named to accompany a candidate, and the referral."""

    model_config = SHAPE
    reference: str = also(Referral.reference)  # by which who wrote it knows it, not the file it may have been joined to
    referred_by: UUID | None = also(Referral.referred_by)
    received_at: datetime | None = also(Referral.received_at)


def _facts(session: Session, act: DueAction) -> _Named | None:
    """The last referral and the named worker; None without a worker, or where it is over."""
    return first(
        session,
        of(_Named)
        .join(
            Case,
            same(Case, CandidateWorker)
            & (col(Case.participant_id) == col(CandidateWorker.participant_id))
            # Where the engine was away, the worker of the number's day is told late, and not never.
            & or_(col(CandidateWorker.ended_at).is_(None), CandidateWorker.ended_as == "admitted"),
        )
        .join(Participant, joins(Case.participant_id, Participant))
        .join(
            Referral,
            same(Referral, Case)
            & (col(Referral.participant_id) == col(Case.participant_id))
            & (col(Referral.state) == "triaged"),
        )
        .where(Case.id == act.case_id)
        .order_by(col(CandidateWorker.named_at).desc(), col(Referral.triaged_at).desc())
        .limit(1),
    )


ACTIONS: Final[Mapping[str, StepAction]] = {"tell_referrer": StepAction(tell_referrer, referrer_is_told)}
"""What a step of this protocol may name as its action."""
