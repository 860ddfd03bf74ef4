"""Asks what follows when a known person is referred again: by number or reference, and never by a name.

The person's worker, or the one who is to meet them, reads the new referral. For each referral the coordinator decides
what its referrer hears, and when; they hear it as anybody does. See docs/adr/0013.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final, Protocol
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import withdrawals
from domain.accompaniment.questions import QuestionAbout
from domain.casework import asking
from domain.kernel import Actor, Refusal, first, local_day, of, only, scalar, surely, there_is
from domain.mail import coordination_chain, notices
from domain.participants import change_referral, checked_offers, known_as, still_needed
from domain.record import events
from domain.roles import HeldRole, Link, standing
from locales import N_
from models.follow_up import FollowUp
from models.program import Organization, Person
from models.referral import Referral

#: What the worker of a person referred again is asked.
AGAIN: Final = still_needed.AGAIN
#: What the coordinator is asked about the referrer of a known person, and how soon it is due, in working days.
ANSWER: Final = "referral.answer"
DAYS_TO_ANSWER: Final = 5
#: The coordinator's, where the referrer gets no letter from here: to tell them who makes contact.
TOLD_BY_COORDINATOR: Final = "admission.tell_referrer"
#: What of how a referral stands the coordinator can say to who referred somebody known.
NOTHING_MORE: Final = "nothing"
HEARS: Final = ("worker", "not_admitted", NOTHING_MORE)


def ask_to_read(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the worker who accompanies the person, or is to meet them, to read the new referral; again, nothing changes.

    Where there is no such worker, the coordinator reads it. Where the follow-up is over, the coordinator says whether
    it is resumed.
    """
    asked = _TAKE_UP if _is_over(session, participant_id) else _READ
    asked.ask(session, participant_id, worker=_who_reads(session, participant_id, at=at), by=by, at=at)


def ask_who_has_them_now(session: Session, *, by: Actor, at: datetime, only: UUID | None = None) -> int:
    """Ask the worker of today to read the new referral where the one who was asked no longer has the person.

    Returns how many changed. `only` looks at one participant alone.
    """
    return asking.ask_who_has_it_now(
        session,
        AGAIN,
        whose=partial(_who_reads, session, at=at),
        ask_anew=lambda participant_id, _: ask_to_read(session, participant_id, by=by, at=at),
        by=by,
        at=at,
        only=only,
    )


def ask_what_the_referrer_hears(session: Session, referral: Referral, *, by: Actor, at: datetime) -> None:
    """Ask the coordinator to decide what the writer of this referral hears of who makes contact (AD-R5).

    Each referral is asked about by itself: a second referrer is not forgotten while the first is not answered. No
    letter goes out automatically: sent now, before any committee decides, or naming the worker, it would tell that the
    person was known. They say when, and the letter is that of anybody (`say_to_who_referred`). `referral` is its row,
    with the `participant_id` of the person it is about.
    """
    asking.ask(
        session,
        ANSWER,
        referral.id,
        _ANSWER,
        chain=coordination_chain(session),
        working_days=DAYS_TO_ANSWER,
        by=by,
        at=at,
        subject=known_as(session, referral.participant_id),
        day=local_day(session, surely(referral.received_at)),
    )


def is_of_somebody_known(session: Session, referral_id: UUID) -> bool:
    """Whether a referral was joined to a known person's file: what its writer hears is the coordinator's to say."""
    return there_is(session, only(Referral.id).where(Referral.id == referral_id, Referral.state == "joined"))


def say_to_who_referred(
    session: Session,
    referral_id: UUID,
    hears: str,
    *,
    worker_id: UUID | None = None,
    offers: Sequence[str] = (),
    by: Actor,
    at: datetime,
) -> None:
    """Say what the writer of a referral of a known person hears: as of anybody, and by the same letter.

    That a worker makes contact, who need not be the one who accompanies the person, and later that another does; that
    the person is not admitted, with what was offered instead; or nothing beyond what they see. Who came by a link, or
    has left, gets no letter of anybody: the coordinator calls them. Raises Refusal: it is not of a known person, they
    heard already that the person is not admitted, or no such worker is there.
    """
    joined = Referral.id == referral_id, Referral.state == "joined"
    held = first(session, of(Referral).where(*joined).with_for_update())
    if held is None:
        raise Refusal("referral.not_joined", N_("What this referrer hears follows by itself."))
    if hears not in HEARS:
        raise Refusal("referral.hears", N_("Choose what the referrer hears."))
    worker = _worker(session, hears, worker_id, at)
    if hears != NOTHING_MORE:
        if held.stands == "not_admitted":
            raise Refusal("referral.heard", N_("The referrer heard already that the person is not admitted."))
        offered = checked_offers(offers) if hears == "not_admitted" else []
        change_referral(session, held, stands=hears, offered=offered)
    asking.answered(session, ANSWER, referral_id, by=by, at=at)
    events.write(session, "referral.told", "referral", referral_id, by=by, at=at, hears=hears)
    if worker is not None and held.referred_by in standing(session, local_day(session, at)).live:
        key = f"worker_named:{referral_id}:{worker.person_id}"
        again, here = held.stands == "worker", worker.organization_id
        tell_of_worker(session, held, worker.person_id, here, key=key, again=again, at=at)


def _worker(session: Session, hears: str, worker_id: UUID | None, at: datetime) -> HeldRole | None:
    """The role of a worker of today, where the referrer hears of one. Raises Refusal."""
    if hears != "worker":
        if worker_id is None:
            return None
        why = N_("A worker is named only where the referrer hears that one makes contact.")
        raise Refusal("referral.no_worker", why)
    for one in standing(session, local_day(session, at)).holding("youth_worker"):
        if one.person_id == worker_id:
            return one
    raise Refusal("referral.which_worker", N_("Choose the worker who makes contact."), source="AD-R5")


class WrittenBy(Protocol):
    """A referral, as far as a letter to who wrote it speaks of it."""

    reference: str
    referred_by: UUID | None
    received_at: datetime | None


def tell_of_worker(
    session: Session,
    referral: WrittenBy,
    worker_id: UUID,
    organization_id: UUID,
    *,
    key: str,
    again: bool,
    case_id: UUID | None = None,
    at: datetime,
) -> None:
    """Write to who referred a person which worker makes contact (AD-R5), by the reference alone.

    To a worker who referred the person themselves, nothing. `again` where another was named to them before.
    """
    if referral.referred_by is None or referral.referred_by == worker_id:
        return
    worker = surely(first(session, of(Person).where(Person.id == worker_id)))
    place = surely(scalar(session, only(Organization.short_name).where(Organization.id == organization_id)))
    notices.write(
        session,
        notices.WORKER_NAMED,
        to=referral.referred_by,
        key=key,
        facts=lambda _: {
            "reference": referral.reference,
            "day": local_day(session, surely(referral.received_at)),
            "worker": f"{worker.given_name} {worker.family_name}",
            "organization": place,
            "phone": worker.phone,
            "email": worker.email,
            "again": again,
        },
        at=at,
        case_id=case_id,
    )


def _who_reads(session: Session, participant_id: UUID, *, at: datetime) -> Link | None:
    return None if _is_over(session, participant_id) else withdrawals.whose(session, participant_id, at=at)


def _is_over(session: Session, participant_id: UUID) -> bool:
    """Whether the person's follow-up has ended, so that no one accompanies them."""
    state = scalar(session, only(FollowUp.state).where(FollowUp.participant_id == participant_id))
    return state in still_needed.ENDED


_ANSWER: Final = N_(
    "%(subject)s was referred again (the referral of %(day)s): decide what the referrer is told of who makes contact, "
    "and when, without revealing that the person was known"
)
_READ: Final = QuestionAbout(AGAIN, N_("Read the new referral of %(subject)s"), 2, evidence="none")
_TAKE_UP: Final = QuestionAbout(
    AGAIN, N_("%(subject)s was referred again: resume the follow-up, or say why not"), 2, evidence="none"
)
