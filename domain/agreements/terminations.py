"""Ending a version of an agreement, with notice or on its last day, and cancelling one that was to begin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session

from domain.agreements import letters, renewals
from domain.agreements.agreements import (
    directors_on,
    hold_version,
    in_force_before,
    not_now,
    refuse_two_in_force,
    signatures_of,
    state_after,
    version_in_force,
)
from domain.kernel import Actor, Refusal, col, every, in_program, joins, local_day, of, rewrite, scalar, select, surely
from domain.record import events
from domain.terms import PartnerVersion
from locales import N_
from models.agreement import AgreementVersion
from models.record import Event


def end_version(
    session: Session,
    version_id: UUID,
    *,
    ends_on: date,
    by: Actor,
    at: datetime,
    notice_on: date | None = None,
    shorter_agreed: bool = False,
    given_by: str = "",
    is_followed: bool = False,
    seen: int | None = None,
) -> None:
    """End a version in force on a last local day, inclusive, today or to come, or sooner than it was to end.

    `notice_on` is the local day on which one side gave the other notice: the "partner" or the "program", where
    `given_by` says it. The last day is then no sooner than the version's `notice_days` after it, unless both settled on
    a shorter one (`shorter_agreed`). Notice ends the partnership, and not only a version. Nothing is renewed, a renewal
    under way is cancelled, and what was to begin later does not. Notice given under a version that was to begin after
    that last day ends the one in force then. Where none is, nothing has begun that could end, no notice is owed, and
    the version does not begin. Without notice the record takes the day as it is. Where another version follows today
    (`is_followed`), it may be yesterday: a past day would free from what was owed since. Raises Refusal: not in force,
    over, a last day before its first or after the one that it was signed to, a past one, a day on which another version
    is in force, a later version that has begun, too short a notice, or one from before there was an agreement to end.
    """
    held = hold_version(session, version_id, seen=seen)
    state = state_after(held, "end")
    today = local_day(session, at)
    if notice_on is not None and ends_on < surely(held.starts_on):
        if _is_not_to_begin(session, held, ends_on, today):
            _never_begin(session, held, ends_on, notice_on, by=by, at=at)
            return
        held = in_force_before(session, held, ends_on)
        state = state_after(held, "end")
    _refuse_last_day(session, held, ends_on, today, is_followed=is_followed)
    later: list[AgreementVersion] = []
    if notice_on is not None:
        _refuse_notice(session, held, ends_on, notice_on, shorter_agreed=shorter_agreed, at=at)
        later = _to_begin_after(session, held, ends_on)
    if any(surely(one.starts_on) <= today for one in later):
        raise not_now("end")
    rewrite(session, AgreementVersion, held.id, state=state, ends_on=ends_on)
    events.write(
        session,
        "agreement.ended",
        "agreement_version",
        held.id,
        by=by,
        at=at,
        number=held.n,
        ends_on=ends_on.isoformat(),
        notice_on=notice_on.isoformat() if notice_on else None,
        shorter_agreed=shorter_agreed,
        given_by=_side(given_by),
    )
    if notice_on is not None:
        shorter = shorter_agreed and ends_on < notice_on + timedelta(days=held.notice_days)
        notice = letters.Notice(ends_on=ends_on, given_on=notice_on, given_by=_side(given_by), shorter_agreed=shorter)
        _end_partnership(session, held, notice, later, by=by, at=at)


def _side(given_by: str) -> str:
    """The side that gave notice, or "" where it is not said."""
    return given_by if given_by in ("partner", "program") else ""


def _end_partnership(
    session: Session,
    held: PartnerVersion,
    notice: letters.Notice,
    later: Sequence[AgreementVersion],
    *,
    by: Actor,
    at: datetime,
) -> None:
    """Tell of a partnership that ends by a notice, renew nothing of it, and have no later version begin."""
    told = _told_of(session, held, later, local_day(session, at))
    letters.to_end(session, held, told, notice, later, by=by, at=at)
    renewals.call_off(session, held.id, last=notice.ends_on, by=by, at=at)
    for one in later:
        call_off_version(session, one.id, last=notice.ends_on, by=by, at=at)


def _refuse_last_day(session: Session, held: PartnerVersion, ends_on: date, today: date, *, is_followed: bool) -> None:
    """Refuse to end one that is over, on a day before its first, or later than it was signed to. Raises Refusal.

    And on a past day, but on the last one that it already has, and where another version follows.
    """
    if held.state == "ended" and surely(held.ends_on) < today:
        raise not_now("end")
    if ends_on < surely(held.starts_on):
        raise Refusal("agreement.ends_first", N_("The last day comes before the first."))
    refuse_two_in_force(session, held, surely(held.starts_on), ends_on)
    if held.ends_on is not None and ends_on > held.ends_on:
        raise Refusal(
            "agreement.prolonged",
            N_(
                "The last day of this version is %(last)s. A later one would prolong it without a signature: draft the "
                "next version, and have it signed."
            ),
            last=held.ends_on.isoformat(),
        )
    if ends_on < min(today, held.ends_on or today) and not is_followed:
        raise Refusal(
            "agreement.ends_in_the_past",
            N_("An agreement ends today at the earliest: what was owed until now stays owed."),
        )


def _is_not_to_begin(session: Session, held: PartnerVersion, ends_on: date, today: date) -> bool:
    """Whether a version is to begin, today or later, after a last day on which none of its agreement is in force."""
    organization = held.organization_id
    by_then = [version_in_force(session, organization, day) for day in (today, ends_on)]
    return surely(held.starts_on) > today and ends_on >= today and not any(by_then)


def _never_begin(
    session: Session, held: PartnerVersion, ends_on: date, notice_on: date, *, by: Actor, at: datetime
) -> None:
    """Cancel what was to begin, and tell its directors: the partner leaves before their agreement begins."""
    _refuse_notice(session, held, ends_on, notice_on, shorter_agreed=True, at=at)
    later = _to_begin_after(session, held, ends_on)
    for version_id in (held.id, *(one.id for one in later)):
        call_off_version(session, version_id, last=ends_on, by=by, at=at)
    told = _told_of(session, held, [held, *later], local_day(session, at))
    letters.not_to_begin(session, held, told, by=by, at=at)


def _told_of(
    session: Session, held: PartnerVersion, not_to_begin: Iterable[AgreementVersion], today: date
) -> set[UUID]:
    """Those who direct an organization, and those who were told from which day on they signed what does not begin."""
    signed = {one.person_id for version in not_to_begin for one in signatures_of(session, version.id)}
    return directors_on(session, held.organization_id, today) | signed


def call_off_version(session: Session, version_id: UUID, *, last: date, by: Actor, at: datetime) -> None:
    """Cancel the beginning of a version, as its partner leaves on the local day `last`; it stays signed.

    It can be brought into force again where they change their mind. Raises Refusal: no first day, or one that has come.
    """
    held = hold_version(session, version_id)
    state = state_after(held, "call_off")
    starts_on = surely(held.starts_on)  # of one in force
    if starts_on <= local_day(session, at):
        raise not_now("call_off")
    rewrite(session, AgreementVersion, held.id, state=state, starts_on=None, ends_on=None)
    events.write(
        session,
        "agreement.called_off",
        "agreement_version",
        version_id,
        by=by,
        at=at,
        number=held.n,
        was=starts_on.isoformat(),
    )
    renewals.call_off(session, version_id, last=last, by=by, at=at)
    renewals.follow_agreement(session, held.agreement_id, by=by, at=at)


def is_given_notice() -> ColumnElement[bool]:
    """The condition on a version that one side ended it with notice, as the record of that act says."""
    return (
        select(Event.id)
        .where(
            joins(Event.subject_id, AgreementVersion),
            Event.verb == "agreement.ended",
            events.fact("notice_on").is_not(None),
        )
        .exists()
    )


class NoticeGiven(NamedTuple):
    """The local day on which one side gave notice, and which one: "partner", "program", or "" where no one said."""

    on: date
    by: str


def notice_given(session: Session, version_id: UUID) -> NoticeGiven | None:
    """The notice by which a version ends; None where none was given."""
    told = _told_by_record(session, version_id, "agreement.ended", "notice_on")
    return None if told is None else NoticeGiven(date.fromisoformat(told["notice_on"]), told.get("given_by") or "")


def called_off_from(session: Session, version_id: UUID) -> date | None:
    """The local day on which a version was to begin before its partner left; None where that was never cancelled."""
    told = _told_by_record(session, version_id, "agreement.called_off", "was")
    return None if told is None else date.fromisoformat(told["was"])


def _told_by_record(session: Session, version_id: UUID, verb: str, fact: str) -> Mapping[str, Any] | None:
    """What the record's last line of an act on a version tells, with this fact; None where there is none."""
    told: Mapping[str, Any] | None = scalar(
        session,
        select(Event.facts)
        .where(in_program(Event), Event.subject_id == version_id, Event.verb == verb, events.fact(fact).is_not(None))
        .order_by(col(Event.at).desc())
        .limit(1),
    )
    return told


def _to_begin_after(session: Session, held: PartnerVersion, day: date) -> list[AgreementVersion]:
    """The versions of the same agreement whose first day is settled and comes after a local day, in order."""
    return every(
        session,
        of(AgreementVersion)
        .where(
            AgreementVersion.agreement_id == held.agreement_id,
            AgreementVersion.id != held.id,
            col(AgreementVersion.state).in_(["in_force", "ended"]),
            col(AgreementVersion.starts_on) > day,
        )
        .order_by(col(AgreementVersion.starts_on)),
    )


def _refuse_notice(
    session: Session, held: PartnerVersion, ends_on: date, notice_on: date, *, shorter_agreed: bool, at: datetime
) -> None:
    """Refuse a notice of a day to come, one from before there was an agreement to end, or too short a one."""
    today = local_day(session, at)
    if notice_on > today:
        raise Refusal("agreement.day_to_come", N_("Notice is recorded once it is given, not before."))
    since = _first_day_of_notice(session, held, today)
    if notice_on < since:
        raise Refusal(
            "agreement.notice_too_early",
            N_("Notice ends an agreement that is signed and in force: it was given on %(day)s at the earliest."),
            day=since.isoformat(),
        )
    soonest = notice_on + timedelta(days=held.notice_days)
    if ends_on < soonest and not shorter_agreed:
        raise Refusal(
            "agreement.short_notice",
            N_(
                "With the notice of this agreement (in days: %(days)s) the last day is "
                "%(soonest)s at the soonest. Say so if both sides agreed on an earlier one."
            ),
            days=held.notice_days,
            soonest=soonest.isoformat(),
        )


def _first_day_of_notice(session: Session, held: PartnerVersion, today: date) -> date:
    """The first local day on which notice can be given that ends a version.

    By then it was signed: who signs the next version after giving notice stays. And it was in force, or one was that it
    followed without a day between them. One that has not begun yet was only signed.
    """
    since = surely(held.starts_on)
    for before in _begun_before(session, held, since):
        if before.ends_on is None or before.ends_on + timedelta(days=1) >= since:
            since = surely(before.starts_on)
    signed = [one.signed_on for one in signatures_of(session, held.id)]
    return max([*signed, since] if since <= today else signed, default=since)


def _begun_before(session: Session, held: PartnerVersion, day: date) -> list[AgreementVersion]:
    """The versions of the same agreement that were in force before a local day, the last one first."""
    return every(
        session,
        of(AgreementVersion)
        .where(
            AgreementVersion.agreement_id == held.agreement_id,
            col(AgreementVersion.state).in_(["in_force", "ended"]),
            col(AgreementVersion.starts_on) < day,
        )
        .order_by(col(AgreementVersion.starts_on).desc()),
    )
