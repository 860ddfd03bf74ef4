"""The person stays after all: a departure is called off, and what it had ended goes on; or it holds again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from domain.casework import assigning as outside
from domain.casework import cases
from domain.departure import accounts, drafts, gathering, giving_back, hand_over_letters, hand_overs, hiring, last_days
from domain.departure.current import PROTOCOL, hold_under_way, move_with_roles
from domain.departure.ending import end_a_role, end_departure
from domain.departure.unopened import NOTICE, roles_there, tells_its_end
from domain.holdings.holding import goes_on
from domain.holdings.roles import called, tells_of
from domain.kernel import program_calendar
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import (
    changes,
    col,
    every,
    first,
    in_program,
    inside,
    joins,
    of,
    only,
    replaced,
    run,
    same,
    scalar,
    scalars,
    select,
    surely,
)
from domain.kernel.scope import local_day
from domain.mail import notices
from domain.people import people
from domain.record import events
from domain.roles.locked_person import hold_person
from domain.roles.roles import never_began
from locales import N_, say
from models.casework import Case
from models.departure import Departure
from models.program import Organization, Role, Tenure
from models.record import Event

#: The step of the coordinator's task where somebody stays whose role another holds by now; its item is the case.
ROLE_TAKEN: Final = "departure.role_taken"


def call_off(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """The person stays after all: their roles end when they were to end before. What was handed over stays where it is.

    A role whose end is past by then goes on as it did before that end was written down. One of one holder that somebody
    else had or has until a known day is theirs again from the day after. What was offered and not answered is taken
    back, accounts that were said to be closed are theirs again, and what welcomed them goes on. So does what the
    departure took by itself (`giving_back`): seats and parts in follow-ups that nobody else was given, and what they
    act in. Access that ended needs a new invitation, and a seat that was given to another is theirs only once it is
    given back. A draft of a referral that was left to the coordination is its author's again (`drafts`). Roles that
    were moved since the engine looked count as they end by now: first the departure follows them.

    Raises Refusal where a person calls off their own departure, or would hold no role there by it, none that goes on
    beyond the notice, or none after its last day because somebody else holds theirs. Where they go on in another role,
    the coordinator has a task of the one that somebody else holds. The engine, which comes after a case was cancelled,
    does it all the same.
    """
    departure = gathering.departure_of(session, case_id)
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
    hold_person(session, whose)
    # As whoever appoints holds it: of two at once the second sees what the first did.
    run(session, only(Organization.id).where(Organization.id == place).with_for_update())
    departure = _as_its_roles_end(session, case_id, by=by, at=at)
    was_to_end, taken = _put_all_back(session, departure, today, by=by, at=at)
    if not by.is_system:
        if taken and not goes_on(session, whose, place, max(departure.last_day, today - timedelta(days=1))):
            raise _role_taken(session, taken[0], departure.last_day, at)
        if not _holds_a_role(session, whose, place, today):
            raise _nobody_stays(departure.last_day)
        if not goes_on(session, whose, place, today + NOTICE):
            raise _ends_soon(session, whose, place, today)
    for tenure_id in taken:
        _ask_who_holds(session, departure, tenure_id, by=by, at=at)
    run(
        session,
        changes(Departure)
        .where(Departure.id == departure.id)
        .values(
            called_off_at=at, ended_at=departure.ended_at, was_to_end=was_to_end, version=col(Departure.version) + 1
        ),
    )
    hand_overs.withdraw_all(session, case_id, by=by, at=at)
    if departure.ended_at is not None:
        hiring.welcome_again(session, whose, place, ended_at=departure.ended_at, by=by, at=at)
    accounts.stay_open(session, case_id, by=by, at=at)
    giving_back.give_back(session, departure, by=by, at=at)
    drafts.give_back(session, departure, by=by, at=at)
    events.write(session, "departure.called_off", "person", whose, by=by, at=at, case_id=case_id)


def _as_its_roles_end(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> Departure:
    """A held departure, once it hangs on the day on which its roles end by now.

    It says when its last day was over, where one was: what ended then is asked for by it.
    """
    before = gathering.departure_of(session, case_id)
    assert before is not None  # noqa: S101 - it is held
    move_with_roles(session, before, by=by, at=at)
    now = gathering.departure_of(session, case_id)
    assert now is not None  # noqa: S101 - it is held
    return replaced(now, ended_at=before.ended_at or _was_over_at(session, case_id))


def _was_over_at(session: Session, case_id: UUID) -> datetime | None:
    """When a last day was over, of a departure whose roles were prolonged since; not before it was taken up again."""
    row = run(
        session,
        only(Event.verb, Event.at)
        .where(Event.case_id == case_id, col(Event.verb).in_(["departure.last_day_over", "departure.taken_up_again"]))
        .order_by(col(Event.n).desc())
        .limit(1),
    ).first()
    return row.at if row is not None and row.verb == "departure.last_day_over" else None


def _cancelled_with(session: Session, case_id: UUID) -> list[UUID]:
    """The cases that a departure's cancelling touches besides its own: what welcomed the person goes on by it.

    And what welcomes whoever follows, which moves with a last day.
    """
    departure = gathering.departure_of(session, case_id)
    if departure is None:
        return []
    own = hiring.welcomed(session, departure.person_id, departure.organization_id)
    return [*own, *last_days.welcomes(session, case_id)]


cases.when_cancelled(PROTOCOL, together=_cancelled_with, do=call_off)


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
    """What whoever cancels is told where the person leaves so soon that a departure would open anew: prolong first."""
    day = scalars(
        session,
        select(func.max(col(surely(Tenure.ends_on)))).where(
            in_program(Tenure), Tenure.person_id == person_id, Tenure.organization_id == organization_id, ~never_began()
        ),
    ).one()
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
    """What whoever cancels is told where the role is somebody else's: which, from when, and what to do first."""
    others = (other.starts_on for other in _others_in(session, tenure_id, last_day))
    first_day = next(others, last_day + timedelta(days=1))
    title = called(session, tenure_id)
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
        role={"fr": title.fr, "en": title.en},
        first_day=first_day.isoformat(),
        day=last_day.isoformat(),
    )


def _holds_a_role(session: Session, person_id: UUID, organization_id: UUID, today: date) -> bool:
    """Whether somebody holds a role at an organization today, or is to hold one."""
    return goes_on(session, person_id, organization_id, today - timedelta(days=1))


def _before_its_end(session: Session, tenure_id: UUID, ends_on: date) -> date | None:
    """The last day that a role had before it was written down that it ends on this one, which is past; else this one.

    None where it had no end.
    """
    was = run(
        session,
        select(inside(Event.facts)["was"].astext.label("was"))
        .select_from(Tenure)
        .join(Event, tells_its_end())
        .where(in_program(Tenure), Tenure.id == tenure_id, Tenure.ends_on == ends_on)
        .order_by(col(Event.n).desc())
        .limit(1),
    ).first()
    if was is None:
        return ends_on
    return date.fromisoformat(was.was) if was.was else None


def is_called_off(session: Session, case_id: UUID) -> bool:
    """Whether the departure that a case sees to was called off."""
    departure = gathering.departure_of(session, case_id)
    return departure is not None and departure.called_off_at is not None


def take_up_again(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """A departure that was called off holds again: the roles that are still held end on its last day, or yesterday.

    Where that day is over, so is all that ends with it, in the same transaction.
    """
    departure = gathering.departure_of(session, case_id)
    if departure is None or departure.called_off_at is None:
        return
    _move_case(session, departure, by=by, at=at)
    today = local_day(session, at)
    last_day = departure.last_day
    was_to_end = dict(departure.was_to_end)
    ends = last_day if last_day >= today else today - timedelta(days=1)
    given = _given_since(session, departure, departure.called_off_at)
    for role in roles_there(session, departure.person_id, departure.organization_id, at):
        # Also a role that they were given when they were to stay; not one to which they come back after they left.
        is_theirs = str(role.id) in was_to_end or role.starts_on <= last_day
        if role.id in given and not is_theirs and role.starts_on > max(ends, today):
            people.take_back(session, role.id, by=by, at=at)
            hand_over_letters.appointment_taken_back(session, role, by=by, at=at)
        elif is_theirs or role.id in given:
            was_to_end.setdefault(str(role.id), role.ends_on and role.ends_on.isoformat())
            end_a_role(session, role, max(ends, role.starts_on), by=by, at=at)
    run(
        session,
        changes(Departure)
        .where(Departure.id == departure.id)
        .values(called_off_at=None, ended_at=None, was_to_end=was_to_end, version=col(Departure.version) + 1),
    )
    events.write(session, "departure.taken_up_again", "person", departure.person_id, by=by, at=at, case_id=case_id)
    end_departure(session, departure.id, by=by, at=at)


def _given_since(session: Session, departure: Departure, since: datetime) -> frozenset[UUID]:
    """The roles that the leaver was given at the organization since their departure was called off."""
    # In the place of another, by an agreement's next version.
    before = aliased(Tenure, name="before")
    handed_on = (
        select(before.id)
        .where(
            same(before, Tenure),
            before.person_id == Tenure.person_id,
            before.organization_id == Tenure.organization_id,
            or_(before.ended_at == Event.at, before.taken_back_at == Event.at),
        )
        .exists()
    )
    rows = scalars(
        session,
        only(Tenure.id)
        .join(Event, tells_of(Tenure, "tenure.started"))
        .where(
            inside(Event.facts)["starts_on"].astext == func.to_char(col(Tenure.starts_on), "YYYY-MM-DD"),
            ~handed_on,
            Tenure.person_id == departure.person_id,
            Tenure.organization_id == departure.organization_id,
            col(Tenure.starts_on) >= local_day(session, since),
            col(Event.at) >= since,
        ),
    )
    return frozenset(rows)


def _move_case(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Have the case of a departure hang on its last day, where that moved as it was cancelled."""
    hangs_on: Mapping[str, str] = scalars(session, only(Case.anchors).where(Case.id == departure.case_id)).one()
    last_day: date = departure.last_day
    # Who has gone on the day itself has a case of that day, and roles until the day before.
    known = {last_day} if departure.planned else {last_day, last_day + timedelta(days=1)}
    if not {day.isoformat() for day in known} & set(hangs_on.values()):
        cases.move_last_day(session, departure.case_id, last_day, by=by, at=at)


def _put_back(session: Session, tenure_id: UUID, ends_on: date | None, *, by: Actor, at: datetime) -> None:
    """Have a role end when it was to end before, where nobody else holds it since. Raises Refusal."""
    tenure = first(session, of(Tenure).where(Tenure.id == tenure_id).with_for_update())
    if tenure is None or tenure.ends_on == ends_on or tenure.taken_back_at is not None:
        return
    # One that was never to begin may have ceased to be the only one of its role.
    alone = scalar(session, only(Role.single_holder).where(Role.key == tenure.role))
    people.refuse_overlap(session, replaced(tenure, ends_on=ends_on, single_holder=alone))
    run(
        session,
        changes(Tenure)
        .where(Tenure.id == tenure_id)
        .values(
            ends_on=ends_on,
            single_holder=alone,
            ended_by=None,
            ended_at=None,
            entered_late=people.gone_on_late(session, tenure, at=at),
            version=col(Tenure.version) + 1,
        ),
    )
    events.write(
        session,
        "tenure.goes_on",
        "person",
        tenure.person_id,
        by=by,
        at=at,
        role=tenure.role,
        organization=str(tenure.organization_id),
        ends_on=ends_on.isoformat() if ends_on else None,
    )


def _put_all_back(
    session: Session, departure: Departure, today: date, *, by: Actor, at: datetime
) -> tuple[dict[str, str | None], list[UUID]]:
    """Have every role that a departure ended go on: what is to be kept of their last days, and those that cannot."""
    was_to_end: dict[str, str | None] = dict(departure.was_to_end)
    taken: list[UUID] = []
    for key, ends_on in departure.was_to_end.items():
        tenure_id = UUID(key)
        day = date.fromisoformat(ends_on) if ends_on else None
        # One that was over before the last day had ended by itself: it is no part of what they leave.
        if day is not None and departure.last_day <= day < today:
            day = _before_its_end(session, tenure_id, day)
        try:
            with session.begin_nested():
                _put_back(session, tenure_id, day, by=by, at=at)
        except Refusal:
            if _is_theirs_again(session, tenure_id, departure.last_day):
                continue
            again = _give_anew(session, tenure_id, day, departure.last_day, by=by, at=at)
            if again is None:
                taken.append(tenure_id)
            else:
                # Where the departure is taken up again, it ends this one too.
                was_to_end[str(again)] = day.isoformat() if day else None
    # One that was put back later on may be the same role as one that could not be.
    return was_to_end, [one_of for one_of in taken if not _is_theirs_again(session, one_of, departure.last_day)]


def _is_theirs_again(session: Session, tenure_id: UUID, last_day: date) -> bool:
    """Whether the person of a role holds the same role there on another appointment, after a last day."""
    left, again = aliased(Tenure), Tenure
    found = (
        select(again.id)
        .join(left, and_(same(left, again), left.person_id == again.person_id))
        .where(
            in_program(left),
            left.id == tenure_id,
            again.id != tenure_id,
            again.role == left.role,
            again.organization_id == left.organization_id,
            or_(col(again.ends_on).is_(None), col(again.ends_on) > last_day),
            ~never_began(),
        )
    )
    return scalar(session, found.limit(1)) is not None


def _others_in(session: Session, tenure_id: UUID, last_day: date) -> list[Tenure]:
    """Who else holds the role of an appointment after a last day, or is to: each with the days, the first one first."""
    left = aliased(Tenure)
    return every(
        session,
        select(Tenure)
        .join(left, and_(same(left, Tenure), left.role == Tenure.role))
        .where(
            in_program(left),
            left.id == tenure_id,
            Tenure.organization_id == left.organization_id,
            Tenure.person_id != left.person_id,
            or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) > last_day),
            ~never_began(),
        )
        .order_by(col(Tenure.starts_on), col(Tenure.id)),
    )


def _give_anew(
    session: Session, tenure_id: UUID, ends_on: date | None, last_day: date, *, by: Actor, at: datetime
) -> UUID | None:
    """Give a role again from the day after whoever else holds it; its id, or None where that is not at once.

    Somebody who was to begin has it on their first day at least: no appointment ends before it begins. None too where
    the role is over by then, or cannot be given to them any more.
    """
    day, today = timedelta(days=1), local_day(session, at)
    others = _others_in(session, tenure_id, last_day)
    ends = [one_of.ends_on for one_of in others if one_of.ends_on is not None]
    if not others or len(ends) < len(others):
        return None
    begins = max([*ends, last_day, today - day]) + day
    if begins > max(last_day + 2 * day, today + day) or (ends_on is not None and ends_on < begins):
        return None
    left = first(session, of(Tenure).where(Tenure.id == tenure_id))
    assert left is not None  # noqa: S101 - the departure ended it
    try:
        with session.begin_nested():
            return people.appoint(
                session,
                person_id=left.person_id,
                role=left.role,
                organization_id=left.organization_id,
                starts_on=begins,
                ends_on=ends_on,
                by=by,
                at=at,
            )
    except Refusal:
        return None


def _ask_who_holds(session: Session, departure: Departure, tenure_id: UUID, *, by: Actor, at: datetime) -> None:
    """Somebody stays whose role was given to another meanwhile: a person sees which of them holds it."""
    row = run(
        session,
        select(Role.title_fr, Role.title_en, Organization.short_name)
        .select_from(Tenure)
        .join(Role, same(Role, Tenure) & (col(Role.key) == col(Tenure.role)))
        .join(Organization, joins(Tenure.organization_id, Organization))
        .where(in_program(Tenure), Tenure.id == tenure_id),
    ).one()
    titles = {
        language: say(language, _TAKEN, role={"fr": row.title_fr, "en": row.title_en}[language], place=row.short_name)
        for language in ("fr", "en")
    }
    task_id = outside.assign(
        session,
        ROLE_TAKEN,
        str(departure.case_id),
        title_fr=titles["fr"],
        title_en=titles["en"],
        chain=notices.coordination_chain(session),
        due_on=program_calendar.calendar_of(session).add_working_days(local_day(session, at), 2),
        by=by,
        at=at,
    )
    events.write(
        session,
        "departure.role_taken",
        "person",
        departure.person_id,
        by=by,
        at=at,
        case_id=departure.case_id,
        task=str(task_id),
    )


_TAKEN = N_(
    "Someone stays after all, and their role was given to another person: %(role)s, %(place)s. See who holds it."
)
