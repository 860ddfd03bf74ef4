"""Who answers for privacy is not settled by those they watch over: that they are away, or no longer in the role.

The privacy officer sees who read what. The coordinator reads the most, and keeps the register of incidents while no one
else can. Could the coordinator say that the officer is away, they would open that register to themselves, and choose
who looks at their readings. So the coordination settles none of this (docs/adr/0023): the officer does, or a manager of
their organization. No third way is needed. The officer can always say it themselves, and the coordinator can have a
manager named there, who counts as of the coordination for two weeks.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import Actor, Refusal, col, every, lasts, local_day, of, only, scalars, there_is
from domain.mail import notices
from domain.roles import (
    FOR_PRIVACY,
    SEES_EVERY_CASE,
    DayTenures,
    Link,
    deputies_of,
    never_began,
    standing,
    standings,
    takers,
)
from locales import N_
from models.program import Absence, Tenure
from models.record import Event

#: The role that watches over who reads what.
PRIVACY_OFFICER: Final = FOR_PRIVACY[0].role
#: The roles that sign and approve for an organization: who gave themselves one would be both sides of an agreement.
_SIGNS: Final = frozenset({"director", "manager", "second_representative"})
#: For so long after the coordination gave a person a role, they count as of the coordination here.
NAMED_LATELY: Final = timedelta(days=14)


def refuse_absence(session: Session, person_id: UUID, first: date, last: date, *, by: Actor, at: datetime) -> None:
    """Refuse the coordination to say whether one who answers for privacy on some of these days is away.

    Those are the privacy officer and who stands in for them: with these away, the coordinator would stand in.
    """
    if by.is_one_of(person_id) or person_id not in _answer_on(session, first, last):
        return
    said = N_(
        "The privacy officer, or the person who stands in for them, also looks at what the coordination "
        "reads. Their absence is recorded or cancelled by themselves, or by a manager of their organization "
        "who is not the coordinator."
    )
    _refuse_coordination(session, Refusal("absence.watched_over", said), by=by, at=at)


def refuse_deputy_of_own(
    session: Session, person_id: UUID, deputy_id: UUID | None, first: date, last: date, *, by: Actor
) -> None:
    """Refuse who records the privacy officer's absence to name themselves their deputy.

    So is the coordinator, of an absent person who signs or approves for an organization.
    """
    if deputy_id is None or deputy_id not in (by.person_id, by.acting_for):
        return
    if by.is_one_of(deputy_id) and person_id in _holders_on(session, PRIVACY_OFFICER, first, last):
        raise Refusal(
            "absence.names_oneself",
            N_("No one names themselves to stand in for the privacy officer: ask another person to record it."),
        )
    if by.role == SEES_EVERY_CASE and any(person_id in _holders_on(session, role, first, last) for role in _SIGNS):
        raise Refusal(
            "absence.names_coordinator",
            N_(
                "The coordinator does not name themselves to stand in for a person who signs or approves for an "
                "organization: ask another person to record it."
            ),
        )


def refuse_coordinator(session: Session, person_id: UUID, deputy_id: UUID, first: date, last: date) -> None:
    """Say of a deputy of the privacy officer who may not act for them that it is since they coordinate."""
    if person_id in _holders_on(session, PRIVACY_OFFICER, first, last) and deputy_id in _holders_on(
        session, SEES_EVERY_CASE, first, last
    ):
        raise Refusal(
            "absence.unfit_deputy",
            N_(
                "The coordinator does not stand in for the privacy officer, who also looks at what the coordination "
                "reads. Name a director, or no one: the coordinator then keeps the register of incidents only."
            ),
        )


def refuse_end(session: Session, tenure: Tenure, ends_on: date, *, by: Actor, at: datetime) -> None:
    """Refuse the coordination to end the privacy officer's role, or to end it sooner, whether or not a manager could.

    So is the role in which another stands in for them: without it the register of incidents falls to the coordinator.
    """
    if by.is_one_of(tenure.person_id) or (tenure.ends_on is not None and tenure.ends_on <= ends_on):
        return
    if tenure.role == PRIVACY_OFFICER:
        said = N_(
            "The privacy officer also looks at what the coordination reads. Their role ends when they say that "
            "they leave, or by a manager of their organization who is not the coordinator; where it has none, one "
            "is appointed first."
        )
    elif _stands_in_by(session, tenure, ends_on, at):
        said = N_(
            "This person stands in for the privacy officer, who also looks at what the coordination reads. "
            "Their role is ended by themselves, when they leave, or by a manager of their organization who is "
            "not the coordinator; or once they no longer stand in."
        )
    else:
        return
    _refuse_coordination(session, Refusal("tenure.watched_over", said), by=by, at=at)


def refuse_address(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Refuse the coordination to change the e-mail address of one who answers for privacy.

    Who reads at it comes in as them.
    """
    said = N_(
        "The privacy officer, or the person who stands in for them, also looks at what the coordination "
        "reads. Their e-mail address is changed by themselves, or by a manager of their organization who is "
        "not the coordinator."
    )
    if _answers_for_another(session, person_id, by=by, at=at):
        _refuse_coordination(session, Refusal("person.watched_over", said), by=by, at=at)


def refuse_end_of_access(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Refuse the coordination to shut out one who answers for privacy."""
    said = N_(
        "The privacy officer, or the person who stands in for them, also looks at what the coordination "
        "reads. Their access is ended by an administrator who is not the coordinator."
    )
    if _answers_for_another(session, person_id, by=by, at=at):
        _refuse_coordination(session, Refusal("access.watched_over", said), by=by, at=at)


def to_alert(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> str:
    """The name of the privacy officer to whom a person tells what another changed of theirs; "" where there is none.

    The officer themselves, and who made the change, are not told it.
    """
    today = local_day(session, at)
    others = _holders_on(session, PRIVACY_OFFICER, today, today) - {person_id, by.person_id}
    return notices.person_of(session, min(others)).name if others else ""


def refuse_own_appointment(role: str, person_id: UUID, *, by: Actor) -> None:
    """Refuse who would give themselves, or the person they act for, a role that watches, signs or approves."""
    if person_id not in (by.person_id, by.acting_for):
        return
    if role in _SIGNS:
        raise Refusal(
            "tenure.own_signature",
            N_(
                "No one gives themselves a role that signs or approves for an organization: ask another person to "
                "appoint you."
            ),
        )
    if role == PRIVACY_OFFICER:
        raise Refusal(
            "tenure.own_watch",
            N_("No one gives themselves the role of privacy officer: ask another person to appoint you."),
        )


def _refuse_coordination(session: Session, refusal: Refusal, *, by: Actor, at: datetime) -> None:
    """Refuse the coordinators of today, under any hat, their deputies, and those to whom they just gave a role.

    Else the coordination would name a person, real or not, to do it. Raises `refusal`, or one of its own.
    """
    today = standing(session, local_day(session, at))
    holders = today.falls([Link(SEES_EVERY_CASE)]).holders
    people = {held.person_id for held in today.holding(SEES_EVERY_CASE)} | {holder.person_id for holder in holders}
    if by.role == SEES_EVERY_CASE or not people.isdisjoint({by.person_id, by.acting_for}):
        raise refusal
    named = only(Event.id).where(
        Event.verb == "tenure.started",
        col(Event.subject_id).in_([one for one in (by.person_id, by.acting_for) if one]),
        col(Event.at) > at - NAMED_LATELY,
        or_(Event.actor_as == SEES_EVERY_CASE, col(Event.actor_id).in_(people)),
    )
    if there_is(session, named):
        raise Refusal(
            "watch.named_lately",
            N_(
                "The coordination gave you a role less than %(most)s days ago. For so long, you settle nothing about "
                "the privacy officer, who also looks at what the coordination reads: ask another person."
            ),
            most=NAMED_LATELY.days,
        )


def refuse_coordinating(
    session: Session, role: str, person_id: UUID, first: date, last: date | None, *, by: Actor, at: datetime
) -> None:
    """Refuse the coordination to have who stands in for the privacy officer coordinate: they would no longer act."""
    if role != SEES_EVERY_CASE:
        return
    first, last = max(first, local_day(session, at)), last or date.max
    if person_id not in _deputies_on(session, first, last):
        return
    said = N_(
        "This person stands in for the privacy officer on some of these days. Who coordinates cannot: the privacy "
        "officer names another person first, or no one."
    )
    _refuse_coordination(session, Refusal("tenure.stands_in", said), by=by, at=at)


def tell_of_lost_deputy(session: Session, deputy_id: UUID, *, at: datetime) -> None:
    """Tell a privacy officer, away today or later, that their deputy can no longer act for them, and from which day."""
    today = local_day(session, at)
    for absence in every(session, _standing_in(deputy_id, today)):
        begins = max(absence.starts_on, today)
        days = [begins + timedelta(days=after) for after in range((absence.ends_on - begins).days + 1)]
        lost = next((day for day, there in standings(session, days).items() if _is_lost(there, absence)), None)
        if lost is not None:
            _tell_of_lost(session, absence, lost, at=at)


def _standing_in(deputy_id: UUID, today: date) -> SelectOfScalar[Absence]:
    """The absences, today or later, in which a person is the deputy."""
    return of(Absence).where(
        Absence.deputy_id == deputy_id, col(Absence.cancelled_at).is_(None), col(Absence.ends_on) >= today
    )


def _is_lost(there: DayTenures, absence: Absence) -> bool:
    """Whether the deputy of an absent privacy officer cannot act for them on a day."""
    deputy, held = absence.deputy_id, {one.role for one in there.roles_of(absence.person_id)}
    if deputy is None or PRIVACY_OFFICER not in held:
        return False
    return there.is_away(deputy) or not there.may_act_as(deputy, PRIVACY_OFFICER)


def _tell_of_lost(session: Session, absence: Absence, lost: date, *, at: datetime) -> None:
    of_absence = f"deputy_lost:{absence.id}:"
    if notices.written_to(session, of_absence):
        return
    notices.write(
        session,
        "deputy_lost",
        to=absence.person_id,
        key=f"{of_absence}{notices.once_by(at)}",
        facts=lambda _: {
            "deputy": notices.person_of(session, absence.deputy_id).name if absence.deputy_id else "",
            "on": lost,
            "ends_on": absence.ends_on,
            "path": f"/people/{absence.person_id}",
        },
        at=at,
    )


def _stands_in_by(session: Session, tenure: Tenure, ends_on: date, at: datetime) -> bool:
    """Whether a person acts for the privacy officer by a role on a day that it would no longer have, today or later."""
    if not takers.may_act_as(PRIVACY_OFFICER, {tenure.role}):
        return False
    after = max(ends_on + timedelta(days=1), local_day(session, at), tenure.starts_on)
    return tenure.person_id in _deputies_on(session, after, tenure.ends_on or date.max)


def _deputies_on(session: Session, first: date, last: date) -> set[UUID]:
    """Those who are named to act for the privacy officer on some of these days, and those who act for them in turn."""
    return deputies_of(session, _holders_on(session, PRIVACY_OFFICER, first, last), [(first, last)])


def _answers_for_another(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Whether a person answers for privacy, from today on, and the actor is another."""
    return not by.is_one_of(person_id) and person_id in _answer_on(session, local_day(session, at), date.max)


def _answer_on(session: Session, first: date, last: date) -> set[UUID]:
    """Those who hold the privacy officer's role on some of these days, and those named to stand in for them."""
    return _holders_on(session, PRIVACY_OFFICER, first, last) | _deputies_on(session, first, last)


def _holders_on(session: Session, role: str, first: date, last: date) -> set[UUID]:
    """Those who hold a role on some of these days."""
    held = only(Tenure.person_id).where(
        Tenure.role == role, col(Tenure.starts_on) <= last, lasts(Tenure, first), ~never_began()
    )
    return set(scalars(session, held))
