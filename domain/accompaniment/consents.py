"""Consent (AD-R8, AD-R11): how each stands, and how it is withdrawn or narrowed by a word.

Each is to one purpose, with one partner or with the program, under one version of the text, and may end by a day. It is
given by signing a form (`consent_forms`), and a wider one by signing anew. Less takes no signature and no reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import asked_today, reviews, withdrawals, workers
from domain.accompaniment.questions import QuestionAbout
from domain.agreements import version_in_force
from domain.casework import ROLE_OF_WORKER, asking
from domain.kernel import (
    Actor,
    Refusal,
    changes,
    col,
    every,
    first,
    in_program,
    joins,
    lasts,
    local_day,
    of,
    only,
    run,
    select,
    there_is,
)
from domain.participants import change_participant, hold_participant, research, step_of
from domain.record import events
from domain.roles import standing
from domain.terms import circle_of, taken_back_since
from locales import N_
from models.consent import Consent
from models.program import Organization

#: The coordinator's task where no step of an admission asks for it.
STORE: Final = "consent.store"


@dataclass(frozen=True)
class KeptTick:
    """A consent that the person leaves ticked, and its last day: the same, or an earlier one."""

    consent_id: UUID
    ends_on: date | None


def narrow(
    session: Session,
    participant_id: UUID,
    kept: Sequence[KeptTick],
    *,
    no_research: bool = False,
    seen: int | None = None,
    by: Actor,
    at: datetime,
) -> None:
    """Leave of what a person agreed to what they leave ticked, at once and without a reason (AD-R11).

    What is no longer ticked is withdrawn. A last day may come earlier, and is never put off: more takes a signature.
    `no_research` withdraws the consent to research too, and says nothing where there is none: research is kept apart.

    Raises Refusal: the file is not in the version `seen`; a consent that does not stand, or twice; a last day that is
    later, or over; or nothing changes. Those concerned hear of it by a letter.
    """
    held = hold_participant(session, participant_id, seen=seen)
    today = local_day(session, at)
    standing = standing_of(session, participant_id, today)
    days = _days_kept(standing, kept)
    withdrawn = [row for row in standing if row.id not in days]
    narrowed = _narrowed(standing, days, today)
    if not (withdrawn or narrowed or no_research):
        raise Refusal("consent.nothing_changed", N_("Nothing was changed: each line is as it was."))
    for row, day in narrowed:
        _change(session, row, ends_on=day)
        _tell(session, "consent.narrowed", row, by=by, at=at, day=day)
    if narrowed:
        rows = [row for row, _ in narrowed]
        withdrawals.narrowed(session, rows, with_worker=not withdrawn, by=by, at=at)
    withdraw_all(session, participant_id, withdrawn, by=by, at=at)
    if no_research:
        research.withdraw_if_any(session, participant_id, by=by, at=at)
    change_participant(session, held)


def withdraw(session: Session, consent_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw one consent, where it was withdrawn before: in a file that is joined, or that a restore brought back.

    Raises Refusal: it was withdrawn or replaced already.
    """
    row = _hold(session, consent_id)
    if row.withdrawn_on is not None or row.replaced_at is not None:
        raise Refusal("consent.withdrawn", N_("This consent was already withdrawn or replaced."))
    withdraw_all(session, row.participant_id, [row], by=by, at=at)


def narrow_again(session: Session, consent_id: UUID, ends_on: date, *, by: Actor, at: datetime) -> None:
    """Have a consent that a restore brought back end on the day that the person had chosen. Raises Refusal."""
    row = _hold(session, consent_id)
    _change(session, row, ends_on=max(ends_on, row.signed_on))
    _tell(session, "consent.narrowed", row, by=by, at=at, day=ends_on)


def withdraw_all(session: Session, participant_id: UUID, rows: Sequence[Consent], *, by: Actor, at: datetime) -> None:
    """Withdraw consents that stand, of a person who is held. The worker and the coordinator are asked what follows.

    All of it is in this transaction, and the worker hears of it by one letter.
    """
    if not rows:
        return
    for row in rows:
        values = {"withdrawn_on": local_day(session, at), "withdrawn_at": at, "withdrawn_recorded_by": by.person_id}
        _change(session, row, **values)
        _tell(session, "consent.withdrawn", row, by=by, at=at)
    if any(row.purpose == "program" for row in rows):
        asking.no_more(session, STORE, participant_id, by=by, at=at)
    withdrawals.took_back(session, rows, by=by, at=at)
    reviews.keep(session, participant_id, by=by, at=at)
    asked_today.ask_who_has_them_now(session, participant_id, by=by, at=at)  # a deputy may be shut out as of now


def lapsed(session: Session, participant_id: UUID, purpose: str, day: date) -> bool:
    """Whether a consent was signed at some time, and none holds on that day."""
    known = any(row.purpose == purpose for row in consents_of(session, participant_id))
    return known and not stands(session, participant_id, purpose, day)


def stands(
    session: Session, participant_id: UUID, purpose: str, day: date, *, organization_id: UUID | None = None
) -> bool:
    """Whether a consent holds on a day: signed, not withdrawn, not ended. Every sharing asks this anew."""
    with_whom = col(Consent.organization_id).is_not_distinct_from(organization_id)
    held = (in_program(Consent), *_standing(participant_id), Consent.purpose == purpose, with_whom)
    days = col(Consent.signed_on) <= day, lasts(Consent, day)
    return there_is(session, select(Consent.id).where(*held, *days, ~taken_back_since()))


def consents_of(session: Session, participant_id: UUID) -> list[Consent]:
    """Every consent of a participant that was ever signed, the latest first."""
    return every(
        session,
        of(Consent)
        .where(Consent.participant_id == participant_id)
        .order_by(col(Consent.recorded_at).desc(), col(Consent.id)),
    )


def standing_of(session: Session, participant_id: UUID, day: date) -> list[Consent]:
    """The consents that hold on a local day or begin after it, in the order of a form."""
    return every(
        session,
        of(Consent)
        .outerjoin(Organization, joins(Consent.organization_id, Organization))
        .where(*_standing(participant_id), lasts(Consent, day))
        .order_by(col(Consent.purpose) != "program", col(Organization.short_name), col(Consent.purpose)),
    )


def workers_of(session: Session, participant_id: UUID, day: date) -> list[UUID]:
    """The workers who can have explained and signed a consent on a local day.

    Those ever named to the person or with a part in the follow-up come first; then any other youth worker of that day.
    """
    theirs = workers.ever_of(session, participant_id)
    staff = {tenure.person_id for tenure in standing(session, day).holding(ROLE_OF_WORKER)}
    return [*theirs, *sorted(staff - set(theirs))]


def partners_on(session: Session, day: date) -> list[tuple[UUID, str]]:
    """The partners with which a consent to share or refer can be signed on a local day, by name: id and short name."""
    rows = run(
        session,
        only(Organization.id, Organization.short_name)
        .where(Organization.kind != "outside")
        .order_by(col(Organization.short_name)),
    ).all()
    return [(row.id, row.short_name) for row in rows if version_in_force(session, row.id, day) is not None]


def partners_for(session: Session, participant_id: UUID, day: date) -> list[tuple[UUID, str]]:
    """The partners that a form of this person asks about: not the organization whose worker accompanies them."""
    homes = circle_of(session, participant_id, day).homes
    return [one for one in partners_on(session, day) if one[0] not in homes]


def ask_to_store(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the coordinator to store the form that was just signed, where no step of an admission asks for it."""
    asking.no_more(session, STORE, participant_id, by=by, at=at)  # of the form that this one replaced
    step = step_of(session, participant_id, "store_consent")
    if step is None or step.state not in ("planned", "open"):
        _STORE.ask(session, participant_id, by=by, at=at)


# ------------------------------------------------------------------------------------------------------------ below


_STORE: Final = QuestionAbout(STORE, N_("Store the form that %(subject)s signed again, the copy given"), 5)


def _days_kept(standing: Sequence[Consent], kept: Sequence[KeptTick]) -> dict[UUID, date | None]:
    """The last day of each consent that is kept. Raises Refusal where one does not stand, or is kept twice."""
    days = {one.consent_id: one.ends_on for one in kept}
    if len(days) < len(kept) or days.keys() - {row.id for row in standing}:
        raise Refusal(
            "consent.unknown", N_("A line was withdrawn or signed again meanwhile. Nothing was saved; look again.")
        )
    return days


def _narrowed(
    standing: Sequence[Consent], days: Mapping[UUID, date | None], today: date
) -> list[tuple[Consent, date | None]]:
    """Those that are kept until another day. Raises Refusal where that is no earlier one, or over."""
    narrowed = [(row, days[row.id]) for row in standing if row.id in days and days[row.id] != row.ends_on]
    for row, day in narrowed:
        _refuse_wider(row, day, today)
    return narrowed


def _refuse_wider(row: Consent, ends_on: date | None, today: date) -> None:
    """Refuse another last day of a consent that is no earlier one, or that is over. Raises Refusal."""
    if ends_on is None or (row.ends_on is not None and ends_on > row.ends_on):
        raise Refusal(
            "consent.wider",
            N_("A later last day, or none, takes a new signature. Have the form signed again."),
            source="AD-R11",
        )
    if ends_on < today:
        raise Refusal(
            "consent.day_over", N_("This last day is over. To stop it now, leave the line unticked."), source="AD-R11"
        )


def _tell(session: Session, verb: str, row: Consent, *, by: Actor, at: datetime, day: date | None = None) -> None:
    """Write the record's line about a consent: its purpose and partner, and its new last day where there is one."""
    place = str(row.organization_id) if row.organization_id else None
    new = {} if day is None else {"day": day.isoformat()}
    whose = row.participant_id
    events.write(
        session, verb, "participant", whose, by=by, at=at, purpose=row.purpose, organization=place, case_id=None, **new
    )


def _standing(participant_id: UUID) -> tuple[Any, ...]:
    return (
        col(Consent.participant_id) == participant_id,
        col(Consent.withdrawn_on).is_(None),
        col(Consent.replaced_at).is_(None),
    )


def _hold(session: Session, consent_id: UUID) -> Consent:
    """A consent, with its participant locked before it, as whoever signs does."""
    row = first(session, of(Consent).where(Consent.id == consent_id))
    if row is None:
        raise Refusal("consent.unknown", N_("There is no such consent."))
    hold_participant(session, row.participant_id)
    held = first(session, of(Consent).where(Consent.id == consent_id).with_for_update())
    return held or row


def _change(session: Session, row: Consent, **values: Any) -> None:
    run(session, changes(Consent).where(Consent.id == row.id).values(**values, version=row.version + 1))
