"""Corrects a person's identity with what was learned after the referral, such as a birth date or another telephone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import reviews
from domain.admissions import triage
from domain.casework import asking
from domain.kernel import Actor, Refusal, col, local_day, only, scalars
from domain.participants import (
    ParticipantIdentity,
    Said,
    Who,
    change_participant,
    checked_identity,
    fields_of,
    hold_participant,
    identity_within,
    sealed_identity,
)
from domain.record import events
from locales import N_
from models.referral import Referral

#: The fields that may be corrected. An age is one as of today, only while the birth date is not known.
FIELDS: Final = tuple(one.name for one in fields_of(Who))


def correct_identity(
    session: Session, participant_id: UUID, changes: Said, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Replace what was referred by what is known now; fields that are not given stay.

    `changes` are some of FIELDS; a birth date is a local day, an age in years that of the local day of `at`. The
    identity is sealed and marked anew; the record says which fields changed, not their values. The age of a waiting
    referral is worked out again, and so is whether each signatory of a consent may sign. Raises Refusal: nothing to
    correct, a day, an age or an address that cannot be, an age beside a birth date that is known, or a file that is
    destroyed.
    """
    given = {name: value for name, value in changes.items() if name in FIELDS and value not in ("", None)}
    if not given:
        raise Refusal("identity.missing", N_("Correct at least one thing."))
    held = hold_participant(session, participant_id, seen=seen)
    if held.sealed is None:
        raise Refusal("keys.gone", N_("What was sealed here is destroyed, and can no longer be read."))
    before = identity_within(session, participant_id)
    after = _corrected(before, given, today=local_day(session, at))
    changed = _changed(before, after)
    if not changed:
        return
    change_participant(session, held, **sealed_identity(session, participant_id, after))
    events.write(
        session, "participant.corrected", "participant", participant_id, by=by, at=at, fields=", ".join(changed)
    )
    if {"birth_date", "age"} & set(changed):
        reviews.keep(session, participant_id, by=by, at=at)
        for referral_id in _waiting(session, participant_id):
            triage.find_age(session, referral_id, by=by, at=at)


def _corrected(before: ParticipantIdentity, given: Said, *, today: date) -> ParticipantIdentity:
    """Who a person is with what is known now: a birth date takes the place of an age. Raises Refusal."""
    says_age = "age" in given and "birth_date" not in given
    if says_age and before.birth_date is not None:
        raise Refusal("identity.age", N_("The birth date is known and gives the age: correct the birth date instead."))
    said = {**given, "age_on": today} if says_age else given
    after = checked_identity(replace(before, **said), today=today)
    return after if after.birth_date is None else replace(after, age=None, age_on=None)


def _changed(before: ParticipantIdentity, after: ParticipantIdentity) -> list[str]:
    was, now = before.to_json(), after.to_json()
    changed = {name for name in was if was[name] != now[name]}
    if "birth_date" in changed:
        changed -= {"age", "age_on"}  # which a birth date takes the place of
    if "age_on" in changed:
        changed.add("age")  # the same age, said of another day
    return [name for name in FIELDS if name in changed]


def _waiting(session: Session, participant_id: UUID) -> list[UUID]:
    """The referrals of which the age is found: to triage, or sent straight to a worker while findings are owed."""
    states = ["received", *(["triaged"] if asking.open_ones(session, triage.OWED, participant_id) else [])]
    theirs = Referral.participant_id == participant_id, col(Referral.state).in_(states)
    last = only(Referral.id).where(*theirs).order_by(col(Referral.received_at).desc())
    return list(scalars(session, last.limit(1)))
