"""The person stays after all: a departure is called off, and what it had ended goes on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import assigning, cases
from domain.departure import accounts, giving_back, last_days, offers, welcoming
from domain.departure.current import PROTOCOL, hold_under_way, move_with_roles
from domain.departure.departure_row import departure_of
from domain.departure.unopened import NOTICE
from domain.holdings import called, goes_on, last_day_at
from domain.kernel import Actor, Refusal, both, col, first, joins, local_day, of, only, replaced, rewrite, run, same
from domain.mail import notices
from domain.record import events
from domain.roles import lock_person
from locales import N_
from models.departure import Departure, HandOver
from models.lifecycles import CASE
from models.program import Organization, Role, Tenure
from models.record import Event

#: The step of the coordinator's task where a person stays whose role another holds by now; its item is the case.
ROLE_TAKEN: Final = "departure.role_taken"


def call_off(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Cancel a departure: the person's roles end when they were to end before. What was handed over stays where it is.

    A role whose former end is past by now goes on as before that end was recorded. A role with one holder that another
    had, or has until a known day, is theirs again from the day after. Unanswered offers are withdrawn, accounts
    recorded as closed are theirs again, and their onboarding goes on. So does what the departure took automatically
    (`giving_back`): seats and parts in follow-ups that no one else was given, and absences in which they deputize.
    Access that ended needs a new invitation, and a seat given to another is theirs only once it is given back. A draft
    of a referral left to the coordination is its author's again. Where roles were moved since the engine
    looked, the departure first follows them.

    Raises Refusal where a person cancels their own departure; or where they would then hold no role there, none that
    goes on beyond the notice, or none after the last day because another holds theirs. Where they go on in another
    role, the coordinator gets a task about the role that another holds. The engine, which comes after a case was
    cancelled, does it all the same.
    """
    departure = departure_of(session, case_id)
    if departure is None or departure.called_off_at is not None:
        return
    whose, place, today = departure.person_id, departure.organization_id, local_day(session, at)
    if whose in (by.person_id, by.acting_for):
        raise Refusal(
            "departure.own",
            N_("You cannot cancel your own departure, nor have it cancelled in your name: ask someone else who may."),
        )
    # In the order in which the engine holds them, which may look at the same moment.
    if hold_under_way(session, departure.id, ended_too=True) is None:
        return
    lock_person(session, whose)
    # In the order in which an appointment locks it: of two at once the second sees what the first did.
    run(session, only(Organization.id).where(Organization.id == place).with_for_update())
    departure = _as_its_roles_end(session, case_id, by=by, at=at)
    was_to_end, taken = giving_back.put_all_back(session, departure, today, by=by, at=at)
    if not by.is_system:
        _refuse_unless_they_stay(session, departure, taken, at)
    for tenure_id in taken:
        _ask_who_holds(session, departure, tenure_id, by=by, at=at)
    rewrite(session, Departure, departure.id, called_off_at=at, ended_at=departure.ended_at, was_to_end=was_to_end)
    offers.take_all_back(session, col(HandOver.case_id) == case_id, by=by, at=at)
    if departure.ended_at is not None:
        welcoming.welcome_again(session, whose, place, ended_at=departure.ended_at, by=by, at=at)
    accounts.stay_open(session, case_id, by=by, at=at)
    giving_back.give_back(session, departure, by=by, at=at)
    events.write(session, "departure.called_off", "person", whose, by=by, at=at, case_id=case_id)


def _as_its_roles_end(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> Departure:
    """The locked departure, after moving it to the day on which its roles end by now.

    Where its last day was over, the result says when: what ended then is found by that moment.
    """
    before = departure_of(session, case_id)
    assert before is not None  # noqa: S101 - it is held
    move_with_roles(session, before, by=by, at=at)
    now = departure_of(session, case_id)
    assert now is not None  # noqa: S101 - it is held
    return replaced(now, ended_at=before.ended_at or _was_over_at(session, case_id))


def _was_over_at(session: Session, case_id: UUID) -> datetime | None:
    """When the last day was over, of a departure with roles prolonged since; None if in force again after that."""
    verbs = ["departure.last_day_over", "departure.taken_up_again"]
    told = of(Event).where(Event.case_id == case_id, col(Event.verb).in_(verbs))
    row = first(session, told.order_by(col(Event.n).desc()).limit(1))
    return row.at if row is not None and row.verb == "departure.last_day_over" else None


def _cancelled_with(session: Session, case_id: UUID) -> list[UUID]:
    """The other cases that cancelling a departure touches: the person's own onboarding, which goes on.

    Also the onboardings of successors, which move with a last day.
    """
    departure = departure_of(session, case_id)
    if departure is None:
        return []
    own = welcoming.welcoming(session, departure.person_id, departure.organization_id, CASE.states)
    return [*own, *last_days.welcomes(session, of_case=case_id)]


cases.when_cancelled(PROTOCOL, together=_cancelled_with, do=call_off)


def _refuse_unless_they_stay(session: Session, departure: Departure, taken: list[UUID], at: datetime) -> None:
    """Refuse to call off a departure whose person would hold no role there, or none that goes on beyond the notice.

    `taken` are the roles that cannot be put back, since another person holds them.
    """
    whose, place, today = departure.person_id, departure.organization_id, local_day(session, at)
    yesterday = today - timedelta(days=1)
    if taken and not goes_on(session, whose, place, max(departure.last_day, yesterday)):
        raise _role_taken(session, taken[0], departure.last_day, at)
    if not goes_on(session, whose, place, yesterday):
        raise _nobody_stays(departure.last_day)
    if not goes_on(session, whose, place, today + NOTICE):
        raise _ends_soon(session, whose, place, today)


def _nobody_stays(last_day: date) -> Refusal:
    return Refusal(
        "departure.role_over",
        N_(
            "Their role there ended on %(day)s, as agreed. If you cancel, they would have no "
            "role, with all that they have in hand. First give them a role there again, from "
            "today on, or continue the departure."
        ),
        day=last_day.isoformat(),
    )


def _ends_soon(session: Session, person_id: UUID, organization_id: UUID, today: date) -> Refusal:
    """Refusal of a cancelling after which the person leaves so soon that a departure would open anew: prolong first."""
    day = last_day_at(session, person_id, organization_id) or today
    return Refusal(
        "departure.ends_soon",
        N_(
            "Their role there still ends on %(day)s, as agreed. If you cancel, no one would "
            "see to what they have in hand. First have that role end after %(until)s, or "
            "continue the departure."
        ),
        day=day.isoformat(),
        until=(today + NOTICE).isoformat(),
    )


def _role_taken(session: Session, tenure_id: UUID, last_day: date, at: datetime) -> Refusal:
    """Refusal of a cancelling where another has the role: which role, from when, and what to do first."""
    others = (other.starts_on for other in giving_back.others_in(session, tenure_id, last_day))
    first_day = next(others, last_day + timedelta(days=1))
    if last_days.can_make_room(session, tenure_id, at):
        said = N_(
            "%(role)s: someone else was appointed to it from %(first_day)s on, and it has "
            "one holder. If you cancel, the person would hold no role there after %(day)s. "
            "First cancel that appointment, and the role is theirs again without a break. Or "
            "have this person’s role end later, which moves that first day. Or continue the "
            "departure."
        )
    elif first_day > local_day(session, at):
        said = N_(
            "%(role)s: someone else was appointed to it from %(first_day)s on, and it has "
            "one holder. If you cancel, the person would hold no role there after %(day)s. "
            "First cancel that appointment, and the role is theirs again without a break. Or "
            "continue the departure."
        )
    else:
        said = N_(
            "%(role)s: someone else has held it since %(first_day)s, and it has one holder. "
            "If you cancel, the person would hold no role there after %(day)s. First end "
            "that appointment today: the role is theirs again from tomorrow on. Or continue "
            "the departure."
        )
    return Refusal(
        "departure.role_taken",
        said,
        role=called(session, tenure_id).model_dump(),
        first_day=first_day.isoformat(),
        day=last_day.isoformat(),
    )


def _ask_who_holds(session: Session, departure: Departure, tenure_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask a person to say who holds a role that was given to another before its holder stayed after all."""
    role = only(Role.title_fr, Role.title_en, Organization.short_name)
    fr, en, place = run(
        session,
        role.join(Tenure, same(Role, Tenure) & (col(Role.key) == col(Tenure.role)))
        .join(Organization, joins(Tenure.organization_id, Organization))
        .where(Tenure.id == tenure_id),
    ).one()
    title = both(_TAKEN, role={"fr": fr, "en": en}, place=place)
    item, chain = str(departure.case_id), notices.coordination_chain(session)
    task_id = assigning.assign_within(session, ROLE_TAKEN, item, title, chain, within=2, by=by, at=at)
    whose, case_id = departure.person_id, departure.case_id
    events.write(session, "departure.role_taken", "person", whose, by=by, at=at, case_id=case_id, task=str(task_id))


_TAKEN = N_(
    "Someone stays after all, and their role was given to another person: %(role)s, %(place)s. See who holds it."
)
