"""Reviews consents with the person: from 14 on they are theirs to give, and at 18 where the form says so.

A consent that a holder of parental authority, or the tutor, gave for a child still holds on the 14th birthday. No
support is taken away by a date. From that day on the worker and the coordinator are asked to have the person sign it or
withdraw it. They are asked the same where a corrected birth date says that the signatory could not sign. No one else
hears of it, and no letter goes to a parent. A signature or a withdrawal ends the question. Where another birth date
says that it was asked too early, the coordinator says so.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import withdrawals
from domain.accompaniment.questions import QuestionAbout
from domain.casework import asking
from domain.kernel import Actor, Refusal, changes, col, every, lasts, local_day, of, only, run, same, scalar, scalars
from domain.participants import CONSENTS_ALONE, OF_AGE, ParticipantIdentity, identity_within, signers
from domain.record import events
from domain.roles import Link
from locales import N_
from models.consent import Consent
from models.participant import Participant

#: The worker's task: look at the consents again with the person. And the coordinator's: see that it is done.
REVIEW: Final = "consent.review"
REVIEWED: Final = "consent.reviewed"


def keep(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> int:
    """Ask about a person's consents that are due for review, and stop asking where none is. Returns how many are newly
    due.

    Repeating it changes nothing. What was found stays found: another birth date does not withdraw the question. While
    the person is neither being admitted nor followed, nothing is asked.
    """
    if not withdrawals.is_under_way(session, participant_id):
        ask_no_more(session, participant_id, by=by, at=at)
        return 0
    day = local_day(session, at)
    rows = _standing(session, participant_id, day)
    found = [row.id for row in _due(session, participant_id, rows, day) if row.review_since is None]
    if found:
        _mark(session, found, since=at)
        events.write(session, "consent.to_review", "participant", participant_id, by=by, at=at, consents=len(found))
    if not found and all(row.review_since is None for row in rows):
        for step in (REVIEW, REVIEWED):
            asking.answered(session, step, participant_id, by=by, at=at)
        return 0
    _ask(session, participant_id, by=by, at=at)
    return len(found)


def leave_as_signed(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Leave the consents as they were signed, since the birth date known now asks for no review.

    Raises Refusal: no review is asked, or by what is known, a signatory may not sign or the person now gives it.
    """
    day = local_day(session, at)
    rows = _standing(session, participant_id, day)
    waiting = [row.id for row in rows if row.review_since is not None]
    if not waiting or asked(session, participant_id) is None:
        raise Refusal("consent.no_review", N_("No review of these consents is requested."))
    if _due(session, participant_id, rows, day):
        raise Refusal(
            "consent.review_due",
            N_(
                "By the known age, these consents are now the person’s own to give, or the signatory could not sign. "
                "Have them signed again by the right person, or withdrawn."
            ),
            source="AD-R11",
        )
    _mark(session, waiting, since=None)
    for step in (REVIEW, REVIEWED):
        asking.answered(session, step, participant_id, by=by, at=at)
    events.write(session, "consent.left_as_signed", "participant", participant_id, by=by, at=at)


def ask_no_more(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Cancel the review of a person's consents until they are being admitted or followed again."""
    for step in (REVIEW, REVIEWED):
        asking.no_more(session, step, participant_id, by=by, at=at)


def asked(session: Session, participant_id: UUID) -> withdrawals.StillAsked | None:
    """Who is still asked to review the consents; None where no one is."""
    worker, coordinator = (bool(asking.open_ones(session, step, participant_id)) for step in (REVIEW, REVIEWED))
    return withdrawals.StillAsked(worker, coordinator) if worker or coordinator else None


def to_look_at(session: Session, day: date) -> list[UUID]:
    """The participants with a consent that holds on the day: those that the round reviews."""
    return list(
        scalars(
            session,
            only(Consent.participant_id)
            .distinct()
            .join(Participant, same(Participant, Consent) & (col(Participant.id) == col(Consent.participant_id)))
            .where(col(Participant.sealed).is_not(None), *_holds(day))
            .order_by(col(Consent.participant_id)),
        )
    )


def ask_who_has_it_now(session: Session, *, by: Actor, at: datetime, only: UUID | None = None) -> int:
    """Ask the worker of today to review where the one who was asked no longer has the person; returns how many changed.

    `only` looks at one person alone.
    """

    def ask_anew(participant_id: UUID, now: Link | None) -> None:
        if now is not None:
            _ask(session, participant_id, by=by, at=at)

    return asking.ask_who_has_it_now(
        session, REVIEW, whose=partial(withdrawals.whose, session, at=at), ask_anew=ask_anew, by=by, at=at, only=only
    )


def missed(session: Session, participant_id: UUID, day: date, *, before: datetime) -> list[UUID]:
    """The consents recorded before a moment that are due for review on a local day, and not yet marked so."""
    rows = [row for row in _standing(session, participant_id, day) if row.recorded_at < before]
    return [row.id for row in _due(session, participant_id, rows, day) if row.review_since is None]


def is_due(consent: Consent, who: ParticipantIdentity, day: date) -> bool:
    """Whether a consent that holds is due for review on a local day, by what is known of the person's age.

    Where the age cannot be told, the first day on which they may be of that age counts: the birth date is then found
    out.
    """
    then, now = who.age_as_of(consent.signed_on), who.age_as_of(day)
    if then is None or now is None:
        return False
    if consent.signed_by not in signers(then):
        return True
    is_theirs_now = consent.signed_by != "self" and then.most < CONSENTS_ALONE <= now.most
    return is_theirs_now or (consent.again_at_18 and then.least < OF_AGE <= now.most)


def _due(session: Session, participant_id: UUID, rows: list[Consent], day: date) -> list[Consent]:
    """Those of these consents that are due for review on the day."""
    sealed = scalar(session, only(Participant.sealed).where(Participant.id == participant_id))
    if not rows or sealed is None:
        return []
    who = identity_within(session, participant_id)
    return [row for row in rows if is_due(row, who, day)]


def _standing(session: Session, participant_id: UUID, day: date) -> list[Consent]:
    return every(
        session,
        of(Consent)
        .where(Consent.participant_id == participant_id, *_holds(day))
        .order_by(col(Consent.recorded_at), col(Consent.id)),
    )


def _holds(day: date) -> tuple[Any, ...]:
    return (col(Consent.withdrawn_on).is_(None), col(Consent.replaced_at).is_(None), lasts(Consent, day))


def _mark(session: Session, ids: list[UUID], *, since: datetime | None) -> None:
    run(
        session,
        changes(Consent).where(col(Consent.id).in_(ids)).values(review_since=since, version=col(Consent.version) + 1),
    )


def _ask(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    worker = withdrawals.whose(session, participant_id, at=at)
    _REVIEWED.ask(session, participant_id, by=by, at=at)
    if worker is not None:
        _REVIEW.ask(session, participant_id, worker=worker, by=by, at=at)


_REVIEW: Final = QuestionAbout(
    REVIEW, N_("Review the consents with %(subject)s: another person may have to sign now"), 10
)
_REVIEWED: Final = QuestionAbout(
    REVIEWED, N_("See that the consents of %(subject)s are reviewed: another person may have to sign now"), 15
)
