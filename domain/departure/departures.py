"""Somebody leaves: opening their departure, ending what they hold by days on the last one, and calling it off.

A departure is opened through here alone, whoever asks and by whichever window, so that its effects are always the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    Date,
    Table,
    Text,
    and_,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlmodel import Session

from domain.access import invitations
from domain.accompaniment import asked_today
from domain.casework import assigning as outside
from domain.casework import cases, scheduling, wakeups
from domain.casework.locked_case import hold_cases
from domain.departure import accounts, drafts, gathering, giving_back, hand_overs, hiring, last_days
from domain.follow_ups import assigning
from domain.holdings import by_name
from domain.holdings.holding import elsewhere, goes_on, left_on
from domain.holdings.in_hand import holdings_of
from domain.holdings.roles import called, tells_of
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, one, program, program_of
from domain.mail import notices
from domain.people import people, seat_holders
from domain.record import events
from domain.roles.locked_person import hold_person
from domain.roles.roles import never_began
from locales import N_, say
from models.access import BrowserSession, Door, Identity, Passkey
from models.base import refers, table_of
from models.casework import Case, ProtocolVersion
from models.committee import Seat, SeatHolder
from models.departure import Departure
from models.follow_up import Assignment
from models.invitation import CalendarFeed, Invitation, MeetingLink
from models.meeting import Meeting, MeetingGuest
from models.program import Organization, Person, Role, Tenure
from models.record import Event

#: The protocol by which a departure is seen to.
PROTOCOL: Final = "departure"

#: A role whose last day comes within so many days has its departure opened, so that there is time to hand over.
NOTICE: Final = timedelta(days=30)
#: One that ended longer ago, and whose end was written down longer ago, before anybody looked, is history.
LOOKS_BACK: Final = timedelta(days=7)

#: Who was to begin longer ago than this, and never came, would have been missed by then.
_MISSED_BY_THEN: Final = timedelta(days=92)

#: The step of the coordinator's task where somebody stays whose role another holds by now; its item is the case.
ROLE_TAKEN: Final = "departure.role_taken"

_departure = table_of(Departure)
_tenure = table_of(Tenure)
_person = table_of(Person)
_role = table_of(Role)
_organization = table_of(Organization)
_case = table_of(Case)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_assignment = table_of(Assignment)
_event = table_of(Event)
_feed = table_of(CalendarFeed)
_link = table_of(MeetingLink)
_invitation = table_of(Invitation)
_guest = table_of(MeetingGuest)
_door = table_of(Door)
_meeting = table_of(Meeting)
_protocol = table_of(ProtocolVersion)

#: By what somebody comes in or reads: each row is open until it has ended.
_WAYS_IN: Final = (table_of(BrowserSession), table_of(Passkey), table_of(Identity), _feed)


def open_departure(
    session: Session,
    *,
    person_id: UUID,
    organization_id: UUID,
    last_day: date,
    planned: bool,
    by: Actor,
    at: datetime,
) -> UUID:
    """Open the departure of a person from an organization, in whatever roles, and return its case's id.

    Their roles there end on the last day. Planned, it is today at the soonest. Else they have gone already: it is today
    or before, their roles are over with the day before today at the latest, and what opens a door is closed at once.
    A role that they were to take up later never begins; planned, that is for whoever holds none there yet, and one to
    which they come back stays theirs where what they hold is to be over before. Where all their roles are to be over
    sooner, or are, it is the day on which the last of them is. Everything that they have in hand is asked for. Whoever
    came back after their last day leaves once more by a departure of its own, while the first may still be open. Whose
    roles there ended long ago leaves by one all the same, where something of the organization is in their hands still.
    Raises Refusal.
    """
    _refuse_wrong_day(last_day, local_day(session, at), planned=planned)
    if not planned and by.is_one_of(person_id):
        raise Refusal("departure.gone_and_here", N_("A person who has already left cannot report it themselves."))
    _hold_leaver(session, person_id)
    return _open(session, person_id, organization_id, last_day, planned=planned, by=by, at=at)


def _hold_leaver(session: Session, person_id: UUID) -> None:
    """Hold somebody who is about to leave, after the cases in which they were offered something.

    As for whoever answers: else the two wait for ever.
    """
    hold_cases(session, hand_overs.offering_to(session, person_id))
    hold_person(session, person_id)


def _open(
    session: Session,
    person_id: UUID,
    organization_id: UUID,
    last_day: date,
    *,
    planned: bool,
    by: Actor,
    at: datetime,
    was: Mapping[UUID, date | None] | None = None,
) -> UUID:
    """Open the departure of a held person. `was` has the last days that roles had before they were ended just now."""
    today = local_day(session, at)
    roles = _not_seen_to(session, _roles_there(session, person_id, organization_id, at), person_id, organization_id)
    if not planned and not by.is_system:
        _refuse_unless_they_never_came(session, roles, last_day, today)
    if not roles:
        last_day = min(last_day, _left_long_ago(session, person_id, organization_id, at))
    begun = [role for role in roles if role["starts_on"] <= last_day]
    if planned and begun and len(begun) < len(roles):
        _refuse_unless_they_come_back(begun, last_day)
        roles = begun
    last_day = max((min(last_day, role["ends_on"] or last_day) for role in begun), default=last_day)
    departure_id = uuid4()
    ends = last_day if planned else min(last_day, today - timedelta(days=1))
    for role in roles:
        _end_role(session, role, max(ends, role["starts_on"]), by=by, at=at)
    case_id = cases.open_case(
        session, PROTOCOL, subject_id=person_id, organization_id=organization_id, last_day=last_day, by=by, at=at
    )
    session.execute(
        insert(_departure).values(
            **Departure(
                program_id=program_of(session),
                id=departure_id,
                case_id=case_id,
                person_id=person_id,
                organization_id=organization_id,
                last_day=ends,
                planned=planned,
                was_to_end={
                    str(role["id"]): ends and ends.isoformat()
                    for role in roles
                    for ends in [(was or {}).get(role["id"], role["ends_on"])]
                },
            ).model_dump()
        )
    )
    events.write(
        session,
        "departure.opened",
        "person",
        person_id,
        by=by,
        at=at,
        case_id=case_id,
        organization=str(organization_id),
        last_day=last_day.isoformat(),
        planned=planned,
    )
    gathering.gather(session, case_id, by=by, at=at)
    asked_today.pass_over_whom_they_barred(session, by=by, at=at)
    hand_overs.withdraw_from(session, person_id, by=by, at=at)
    end_departure(session, departure_id, by=by, at=at)  # where the day is past; else there is nothing to end yet
    case = session.get(Case, (program_of(session), case_id))
    assert case is not None  # noqa: S101 - it was opened a moment ago
    notices.case_opened(session, case, by=by, at=at)
    wakeups.wake(session, case_id, at=at)
    return case_id


def end_departure(session: Session, departure_id: UUID, *, by: Actor, at: datetime) -> bool:
    """On the day after the last: end the leaver's access and seats. Whether there was something to do; idempotent.

    What still welcomed them there ends too. Where they hold something elsewhere in the program, only what belongs to
    this organization ends. A seat that nobody took over passes to the organization's second representative meanwhile
    (CM-2R). Nothing of theirs is deleted, and what they did keeps their name.
    """
    departure = _hold_under_way(session, departure_id)
    if departure is None:
        return False
    departure = {**departure, "last_day": _follow_roles(session, departure, by=by, at=at)}
    if departure["last_day"] >= local_day(session, at):
        return False
    seats = _end_seats(session, departure, by=by, at=at)
    _end_parts(session, departure, by=by, at=at)
    hiring.see_off(session, departure["person_id"], departure["organization_id"], by=by, at=at)
    last_days.hand_on_deputizing(session, departure["case_id"], by=by, at=at)
    gone = not _stays(session, departure)
    if gone:
        _end_guest_invitations(session, departure, by=by, at=at)
        shut_out(session, departure["person_id"], by=by, at=at)
    session.execute(
        update(_departure)
        .where(_departure.c.program_id == program_of(session), _departure.c.id == departure_id)
        .values(ended_at=at, version=_departure.c.version + 1)
    )
    events.write(
        session,
        "departure.last_day_over",
        "person",
        departure["person_id"],
        by=by,
        at=at,
        case_id=departure["case_id"],
        seats=seats,
        access_ended=gone,
    )
    wakeups.wake(session, departure["case_id"], at=at)
    return True


def end_role(
    session: Session, tenure_id: UUID, *, ends_on: date, by: Actor, at: datetime, seen: int | None = None
) -> UUID | None:
    """End a role on a last day, inclusive, as `people.end_tenure`; where it is later, who follows in it begins later.

    One that is to begin after that day is taken back: its person never holds it. The seats that were to end with the
    role go on with it. A departure that hangs on it goes with it at the worker's next look. Where it is the last role
    that the person holds there, and its end is near or past, their departure opens in the same transaction: the id of
    its case, else None. Whoever then holds nothing, today or later, has no access any more, as on the day after a last
    day. Raises Refusal, also where the appointment has another version than the one that was `seen`, and where somebody
    would prolong their own role.
    """
    held = one(session, select(_tenure).where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id))
    if held is None:
        raise Refusal("tenure.unknown", N_("There is no such appointment."))
    person_id, place = held["person_id"], held["organization_id"]
    takes_back = max(ends_on, local_day(session, at)) < held["starts_on"]
    own = hiring.welcoming(session, person_id, place) if takes_back else []
    after = last_days.welcomes_after(session, tenure_id)
    hold_cases(session, [*hand_overs.offering_to(session, person_id), *after, *own])
    hold_person(session, person_id)
    if takes_back:
        return _take_back(session, held, by=by, at=at, seen=seen)
    before = _ends_on(session, tenure_id)
    if by.is_one_of(person_id) and before is not None and before < ends_on:
        raise Refusal("tenure.own", N_("You cannot prolong your own role: ask someone else to do it."))
    last_days.make_room(session, tenure_id, ends_on, by=by, at=at)
    last_days.keep_seats(session, tenure_id, ends_on, by=by, at=at)
    people.end_tenure(session, tenure_id, ends_on=ends_on, by=by, at=at, seen=seen)
    opened: UUID | None = None
    if any(row["organization_id"] == place for row in due_to_open(session, at, person_id)):
        was = {tenure_id: before}
        planned = ends_on >= local_day(session, at)
        opened = _open(session, person_id, place, ends_on, planned=planned, by=by, at=at, was=was)
    if left_open(session, at, person_id):
        shut_out(session, person_id, by=by, at=at)
    return opened


def _take_back(
    session: Session, tenure: Mapping[str, Any], *, by: Actor, at: datetime, seen: int | None
) -> UUID | None:
    """Have a role that is to begin never begin, and end what was to welcome its person to it.

    Whoever is to hold no role there then, and held one that nobody saw them leave or has something of the organization
    in hand, leaves it by a departure: the id of its case, else None.
    """
    person_id, place, today = tenure["person_id"], tenure["organization_id"], local_day(session, at)
    people.take_back(session, tenure["id"], by=by, at=at, seen=seen)
    notices.appointment_taken_back(session, tenure, by=by, at=at)
    hiring.recruit_anew(session, tenure, by=by, at=at)
    hiring.see_off(session, person_id, place, by=by, at=at)
    opened: UUID | None = None
    gone = {"person_id": person_id, "organization_id": place, "ends_on": today - timedelta(days=1)}
    unseen = [row["ends_on"] for row in due_to_open(session, at, person_id) if row["organization_id"] == place]
    # One that is open sees to what they leave; the worker opens the next, where there is one, once that is over.
    if unseen and not _is_leaving(session, person_id, place):
        opened = _open(session, person_id, place, max(unseen), planned=max(unseen) >= today, by=by, at=at)
    elif (
        not goes_on(session, person_id, place, gone["ends_on"])
        and not _is_leaving(session, person_id, place)
        and _left_something(session, gone, at)
    ):
        opened = _open(session, person_id, place, gone["ends_on"], planned=False, by=by, at=at)
    if left_open(session, at, person_id):
        shut_out(session, person_id, by=by, at=at)
    return opened


def shut_out(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """End at once all by which a person comes in or reads: sign-ins, passkeys, directory account, links, feeds.

    Raises Refusal where there is no such person.
    """
    here = program_of(session)
    invitations.end_access(session, person_id, by=by, at=at)
    feeds = session.execute(
        update(_feed)
        .where(_feed.c.program_id == here, _feed.c.person_id == person_id, _feed.c.ended_at.is_(None))
        .values(ended_at=at)
        .returning(_feed.c.id)
    ).scalars()
    for feed_id in feeds.all():
        events.write(session, "feed.ended", "calendar_feed", feed_id, by=by, at=at, person=str(person_id))
    mine = select(_invitation.c.id).where(_invitation.c.program_id == here, _invitation.c.person_id == person_id)
    session.execute(
        update(_link)
        .where(_link.c.program_id == here, _link.c.invitation_id.in_(mine), _link.c.ended_at.is_(None))
        .values(ended_at=at)
    )


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
    if departure is None or departure["called_off_at"] is not None:
        return
    whose, place, today = departure["person_id"], departure["organization_id"], local_day(session, at)
    if whose in (by.person_id, by.acting_for):
        raise Refusal(
            "departure.own",
            N_("You cannot cancel your own departure, nor have it cancelled in your name: ask someone else who may."),
        )
    # In the order in which the engine holds them, which may look at the same moment.
    if _hold_under_way(session, departure["id"], ended_too=True) is None:
        return
    hold_person(session, whose)
    # As whoever appoints holds it: of two at once the second sees what the first did.
    session.execute(
        select(_organization.c.id)
        .where(_organization.c.program_id == program_of(session), _organization.c.id == place)
        .with_for_update()
    )
    departure = _as_its_roles_end(session, case_id, by=by, at=at)
    was_to_end, taken = _put_all_back(session, departure, today, by=by, at=at)
    if not by.is_system:
        if taken and not goes_on(session, whose, place, max(departure["last_day"], today - timedelta(days=1))):
            raise _role_taken(session, taken[0], departure["last_day"], at)
        if not _holds_a_role(session, whose, place, today):
            raise _nobody_stays(departure["last_day"])
        if not goes_on(session, whose, place, today + NOTICE):
            raise _ends_soon(session, whose, place, today)
    for tenure_id in taken:
        _ask_who_holds(session, departure, tenure_id, by=by, at=at)
    session.execute(
        update(_departure)
        .where(_departure.c.program_id == program_of(session), _departure.c.id == departure["id"])
        .values(
            called_off_at=at,
            ended_at=departure["ended_at"],
            was_to_end=was_to_end,
            version=_departure.c.version + 1,
        )
    )
    hand_overs.withdraw_all(session, case_id, by=by, at=at)
    if departure["ended_at"] is not None:
        hiring.welcome_again(session, whose, place, ended_at=departure["ended_at"], by=by, at=at)
    accounts.stay_open(session, case_id, by=by, at=at)
    giving_back.give_back(session, departure, by=by, at=at)
    drafts.give_back(session, departure, by=by, at=at)
    events.write(session, "departure.called_off", "person", whose, by=by, at=at, case_id=case_id)


def _as_its_roles_end(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> dict[str, Any]:
    """A held departure, once it hangs on the day on which its roles end by now.

    It says when its last day was over, where one was: what ended then is asked for by it.
    """
    before = gathering.departure_of(session, case_id)
    assert before is not None  # noqa: S101 - it is held
    _follow_roles(session, before, by=by, at=at)
    now = gathering.departure_of(session, case_id)
    assert now is not None  # noqa: S101 - it is held
    return {**now, "ended_at": before["ended_at"] or _was_over_at(session, case_id)}


def _was_over_at(session: Session, case_id: UUID) -> datetime | None:
    """When a last day was over, of a departure whose roles were prolonged since; not before it was taken up again."""
    row = session.execute(
        select(_event.c.verb, _event.c.at)
        .where(
            _event.c.program_id == program_of(session),
            _event.c.case_id == case_id,
            _event.c.verb.in_(["departure.last_day_over", "departure.taken_up_again"]),
        )
        .order_by(_event.c.n.desc())
        .limit(1)
    ).first()
    return row.at if row is not None and row.verb == "departure.last_day_over" else None


def _cancelled_with(session: Session, case_id: UUID) -> list[UUID]:
    """The cases that a departure's cancelling touches besides its own: what welcomed the person goes on by it.

    And what welcomes whoever follows, which moves with a last day.
    """
    departure = gathering.departure_of(session, case_id)
    if departure is None:
        return []
    own = hiring.welcomed(session, departure["person_id"], departure["organization_id"])
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
    day: date = session.scalars(
        select(func.max(_tenure.c.ends_on)).where(
            _tenure.c.program_id == program_of(session),
            _tenure.c.person_id == person_id,
            _tenure.c.organization_id == organization_id,
            ~never_began(),
        )
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
    other = next(
        iter(_others_in(session, tenure_id, last_day)),
        {"starts_on": last_day + timedelta(days=1)},
    )
    title = called(session, tenure_id)
    if last_days.can_make_room(session, tenure_id, at):
        said = N_(
            "%(role)s: someone else was appointed to it from %(first_day)s on, and it has "
            "one holder. If you cancel, the person would hold no role there after %(day)s. "
            "First cancel that appointment, and the role is theirs again without a break. Or "
            "have this person’s role end later, which moves that first day. Or continue the "
            "departure."
        )
    elif other["starts_on"] > local_day(session, at):
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
        first_day=other["starts_on"].isoformat(),
        day=last_day.isoformat(),
    )


def _holds_a_role(session: Session, person_id: UUID, organization_id: UUID, today: date) -> bool:
    """Whether somebody holds a role at an organization today, or is to hold one."""
    return goes_on(session, person_id, organization_id, today - timedelta(days=1))


def _before_its_end(session: Session, tenure_id: UUID, ends_on: date) -> date | None:
    """The last day that a role had before it was written down that it ends on this one, which is past; else this one.

    None where it had no end.
    """
    was = session.execute(
        select(_event.c.facts["was"].astext.label("was"))
        .select_from(_tenure)
        .join(_event, _tells_its_end())
        .where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id, _tenure.c.ends_on == ends_on)
        .order_by(_event.c.n.desc())
        .limit(1)
    ).first()
    if was is None:
        return ends_on
    return date.fromisoformat(was.was) if was.was else None


def is_called_off(session: Session, case_id: UUID) -> bool:
    """Whether the departure that a case sees to was called off."""
    departure = gathering.departure_of(session, case_id)
    return departure is not None and departure["called_off_at"] is not None


def take_up_again(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """A departure that was called off holds again: the roles that are still held end on its last day, or yesterday.

    Where that day is over, so is all that ends with it, in the same transaction.
    """
    departure = gathering.departure_of(session, case_id)
    if departure is None or departure["called_off_at"] is None:
        return
    _move_case(session, departure, by=by, at=at)
    today = local_day(session, at)
    last_day = departure["last_day"]
    was_to_end = dict(departure["was_to_end"])
    ends = last_day if last_day >= today else today - timedelta(days=1)
    given = _given_since(session, departure)
    for role in _roles_there(session, departure["person_id"], departure["organization_id"], at):
        # Also a role that they were given when they were to stay; not one to which they come back after they left.
        is_theirs = str(role["id"]) in was_to_end or role["starts_on"] <= last_day
        if role["id"] in given and not is_theirs and role["starts_on"] > max(ends, today):
            people.take_back(session, role["id"], by=by, at=at)
            notices.appointment_taken_back(session, role, by=by, at=at)
        elif is_theirs or role["id"] in given:
            was_to_end.setdefault(str(role["id"]), role["ends_on"] and role["ends_on"].isoformat())
            _end_role(session, role, max(ends, role["starts_on"]), by=by, at=at)
    session.execute(
        update(_departure)
        .where(_departure.c.program_id == program_of(session), _departure.c.id == departure["id"])
        .values(called_off_at=None, ended_at=None, was_to_end=was_to_end, version=_departure.c.version + 1)
    )
    events.write(session, "departure.taken_up_again", "person", departure["person_id"], by=by, at=at, case_id=case_id)
    end_departure(session, departure["id"], by=by, at=at)


def _given_since(session: Session, departure: Mapping[str, Any]) -> frozenset[UUID]:
    """The roles that somebody was given at the organization since their departure was called off."""
    # In the place of another, by an agreement's next version.
    before = _tenure.alias("before")
    handed_on = (
        select(before.c.id)
        .where(
            before.c.program_id == _tenure.c.program_id,
            before.c.person_id == _tenure.c.person_id,
            before.c.organization_id == _tenure.c.organization_id,
            or_(before.c.ended_at == _event.c.at, before.c.taken_back_at == _event.c.at),
        )
        .exists()
    )
    rows = session.scalars(
        select(_tenure.c.id)
        .join(_event, tells_of(_tenure, "tenure.started"))
        .where(
            _event.c.facts["starts_on"].astext == func.to_char(_tenure.c.starts_on, "YYYY-MM-DD"),
            ~handed_on,
            _tenure.c.program_id == program_of(session),
            _tenure.c.person_id == departure["person_id"],
            _tenure.c.organization_id == departure["organization_id"],
            _tenure.c.starts_on >= local_day(session, departure["called_off_at"]),
            _event.c.at >= departure["called_off_at"],
        )
    )
    return frozenset(rows)


def _move_case(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Have the case of a departure hang on its last day, where that moved as it was cancelled."""
    hangs_on: Mapping[str, str] = session.scalars(
        select(_case.c.anchors).where(_case.c.program_id == program_of(session), _case.c.id == departure["case_id"])
    ).one()
    last_day: date = departure["last_day"]
    # Who has gone on the day itself has a case of that day, and roles until the day before.
    known = {last_day} if departure["planned"] else {last_day, last_day + timedelta(days=1)}
    if not {day.isoformat() for day in known} & set(hangs_on.values()):
        cases.move_last_day(session, departure["case_id"], last_day, by=by, at=at)


def follow_roles(session: Session, departure_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Have a departure hang on the day on which the roles end by now; whether that is another day than it was.

    One whose last day is over and whose roles were prolonged since ends once more, on the later day.
    """
    departure = _hold_under_way(session, departure_id, ended_too=True)
    return departure is not None and _follow_roles(session, departure, by=by, at=at) != departure["last_day"]


def to_move(session: Session) -> list[UUID]:
    """The departures that are seen to and whose roles end by now on another day than they hang on."""
    return [
        one_of["id"]
        for one_of in _under_way(session, ended_too=True)
        if _ends_by_roles(session, one_of) != one_of["last_day"]
    ]


def due_to_end(session: Session, at: datetime) -> list[UUID]:
    """The departures whose last day is past and that were not ended yet."""
    today = local_day(session, at)
    return [one_of["id"] for one_of in _under_way(session) if one_of["last_day"] < today]


def under_way(session: Session) -> list[UUID]:
    """The cases of departures that are open."""
    return list(
        session.scalars(
            select(_case.c.id)
            .where(_case.c.program_id == program_of(session), _case.c.gathers, _case.c.state == "open")
            .order_by(_case.c.id)
        )
    )


def due_to_open(session: Session, at: datetime, person_id: UUID | None = None) -> list[dict[str, Any]]:
    """Whose last role at an organization ends within the notice, and no departure of theirs knows of it.

    One that was called off knows of nothing: nobody is to leave by it. Of everyone, or of one person; nobody where the
    program has no protocol of departures.
    """
    here, today = program_of(session), local_day(session, at)
    if not _is_declared(session):
        return []
    known = (
        select(_departure.c.id)
        .join(_case, refers(_departure.c.case_id, _case))
        .where(
            _departure.c.program_id == _tenure.c.program_id,
            _departure.c.person_id == _tenure.c.person_id,
            _departure.c.organization_id == _tenure.c.organization_id,
            _departure.c.last_day >= _tenure.c.starts_on,
            # One that is over does not know of a role that was prolonged since.
            or_(
                _departure.c.ended_at.is_(None),
                _departure.c.last_day >= _tenure.c.ends_on,
                _case.c.state == "open",
            ),
            _departure.c.called_off_at.is_(None),
        )
        .exists()
    )
    other = _tenure.alias()
    goes_on = (
        select(other.c.id)
        .where(
            other.c.program_id == _tenure.c.program_id,
            other.c.person_id == _tenure.c.person_id,
            other.c.organization_id == _tenure.c.organization_id,
            other.c.taken_back_at.is_(None),
            or_(other.c.ends_on.is_(None), other.c.ends_on > _tenure.c.ends_on),
        )
        .exists()
    )
    return many(
        session,
        select(_tenure.c.person_id, _tenure.c.organization_id, _tenure.c.ends_on)
        .where(
            _tenure.c.program_id == here,
            _is_of_late(session, at),
            _tenure.c.ends_on <= today + NOTICE,
            ~known,
            ~goes_on,
            ~never_began(),
            *([] if person_id is None else [_tenure.c.person_id == person_id]),
        )
        .distinct()
        .order_by(_tenure.c.ends_on, _tenure.c.person_id),
    )


def left_behind(session: Session, at: datetime) -> list[dict[str, Any]]:
    """Who holds no role at an organization any more, and has something of it in hand that no open departure asks for.

    However long ago they left, and whatever became of their departure: each with their last day there, `ends_on`.
    """
    if not _is_declared(session):
        return []
    here, today = program_of(session), local_day(session, at)
    there = and_(
        _case.c.program_id == _tenure.c.program_id,
        _case.c.subject_id == _tenure.c.person_id,
        _case.c.organization_id == _tenure.c.organization_id,
    )
    asked = select(_case.c.id).where(there, _case.c.gathers, _case.c.state == "open").exists()
    last = func.max(func.coalesce(_tenure.c.ends_on, date.max))
    gone = many(
        session,
        select(_tenure.c.person_id, _tenure.c.organization_id, last.label("ends_on"))
        .where(_tenure.c.program_id == here, ~never_began(), by_name.has_something(_tenure.c.person_id, today), ~asked)
        .group_by(_tenure.c.person_id, _tenure.c.organization_id)
        .having(last < today)
        .order_by(last, _tenure.c.person_id),
    )
    return [one_of for one_of in gone if _left_something(session, one_of, at)]


def _left_something(session: Session, gone: Mapping[str, Any], at: datetime) -> bool:
    """Whether something of the organization is in the hands of who left it, and nobody said what becomes of it."""
    found = holdings_of(
        session,
        gone["person_id"],
        gone["organization_id"],
        at,
        kinds=by_name.KINDS,
        last_day=gone["ends_on"],
        known_on=local_day(session, at),
    )
    return bool(gathering.not_settled(session, gone["person_id"], found))


def left_open(session: Session, at: datetime, person_id: UUID | None = None) -> list[UUID]:
    """Who holds nothing, today or later, and can come in or read all the same: everyone, or one person.

    By a sign-in, a passkey, a directory account, an invitation that was answered or not, a private calendar address or
    a link. Roles end in more ways than by a departure, and each of them leads here.
    """
    here, today = program_of(session), local_day(session, at)

    def has(table: Table, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        mine = (table.c.program_id == _person.c.program_id, table.c.person_id == _person.c.id)
        return select(literal(1)).select_from(table).where(*mine, *where).exists()

    link = (
        select(_link.c.token_digest)
        .join(_invitation, refers(_link.c.invitation_id, _invitation))
        .where(
            _link.c.program_id == _person.c.program_id,
            _invitation.c.person_id == _person.c.id,
            _link.c.ended_at.is_(None),
            _link.c.expires_at > at,
        )
        .exists()
    )
    is_open = or_(*(has(table, table.c.ended_at.is_(None)) for table in _WAYS_IN), has(_door), link)
    holds = has(_tenure, or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= today), ~never_began())
    asked = select(_person.c.id).where(_person.c.program_id == here, ~holds, is_open)
    if person_id is not None:
        asked = asked.where(_person.c.id == person_id)
    # A guest from outside holds no role and never did: their links are how they answer.
    return list(session.scalars(asked.where(has(_tenure)).order_by(_person.c.id)))


def is_seen_to() -> ColumnElement[bool]:
    """The condition on a role that its person's departure from there is open: they do not leave it a second time.

    One whose last day is over sees to the roles that it ended, and not to those to which somebody came back.
    """
    over = and_(_departure.c.ended_at.is_not(None), _departure.c.called_off_at.is_(None))
    return (
        select(_departure.c.id)
        .join(_case, refers(_departure.c.case_id, _case))
        .where(
            _departure.c.program_id == _tenure.c.program_id,
            _departure.c.person_id == _tenure.c.person_id,
            _departure.c.organization_id == _tenure.c.organization_id,
            _case.c.state == "open",
            or_(~over, _departure.c.was_to_end.has_key(cast(_tenure.c.id, Text))),
        )
        .exists()
    )


# ---------------------------------------------------------------------------------------------------------- its parts


def _is_of_late(session: Session, at: datetime) -> ColumnElement[bool]:
    """The condition on a role that it is no history: held now or later, or until some days ago.

    Or until longer ago, where that was written down some days ago of a role that went on until then. Or where they
    were to come back by an appointment that was made before anybody would have asked, and taken back some days ago.
    """
    recent = local_day(session, at) - LOOKS_BACK
    was = _event.c.facts["was"].astext
    written_down = (
        select(_event.c.id)
        .where(
            _tells_its_end(),
            _event.c.at >= at - LOOKS_BACK,
            or_(was.is_(None), was >= recent.isoformat()),
        )
        .exists()
    )
    again = _tenure.alias("again")
    would_come_back = (
        select(again.c.id)
        .join(_event, tells_of(again, "tenure.started"))
        .where(
            again.c.program_id == _tenure.c.program_id,
            again.c.person_id == _tenure.c.person_id,
            again.c.organization_id == _tenure.c.organization_id,
            again.c.taken_back_at >= at - LOOKS_BACK,
            cast(_event.c.at, Date) <= _tenure.c.ends_on + LOOKS_BACK.days,
        )
        .exists()
    )
    return or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= recent, written_down, would_come_back)


def _tells_its_end() -> ColumnElement[bool]:
    """The condition on a line of the record that it tells that a role ends on the day on which it does."""
    return and_(
        tells_of(_tenure, "tenure.ended"),
        _event.c.facts["ends_on"].astext == func.to_char(_tenure.c.ends_on, "YYYY-MM-DD"),
    )


def _is_declared(session: Session) -> bool:
    """Whether the program has a protocol of departures."""
    found = select(_protocol.c.id).where(_protocol.c.program_id == program_of(session), _protocol.c.key == PROTOCOL)
    return session.scalar(found.limit(1)) is not None


def _ends_on(session: Session, tenure_id: UUID) -> date | None:
    return session.scalar(
        select(_tenure.c.ends_on).where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id)
    )


def _roles_there(session: Session, person_id: UUID, organization_id: UUID, at: datetime) -> list[dict[str, Any]]:
    """The roles that a person holds at an organization, today or later, or until lately; held."""
    return many(
        session,
        select(_tenure)
        .where(
            _tenure.c.program_id == program_of(session),
            _tenure.c.person_id == person_id,
            _tenure.c.organization_id == organization_id,
            _tenure.c.taken_back_at.is_(None),
            _is_of_late(session, at),
        )
        .order_by(_tenure.c.id)
        .with_for_update(),
    )


def _left_long_ago(session: Session, person_id: UUID, organization_id: UUID, at: datetime) -> date:
    """The last day of who left an organization long ago with something of it in hand. Raises Refusal: of nobody else.

    Of who was to begin there, and has something already, it is yesterday once no role is to begin any more.
    """
    last: date | None = session.scalar(
        select(func.max(_tenure.c.ends_on)).where(
            _tenure.c.program_id == program_of(session),
            _tenure.c.person_id == person_id,
            _tenure.c.organization_id == organization_id,
            ~never_began(),
        )
    )
    last = last or local_day(session, at) - timedelta(days=1)
    gone = {"person_id": person_id, "organization_id": organization_id, "ends_on": last}
    if not _left_something(session, gone, at):
        raise Refusal("departure.no_role", N_("This person holds no role at this organization."))
    return last


def _not_seen_to(
    session: Session, roles: list[dict[str, Any]], person_id: UUID, organization_id: UUID
) -> list[dict[str, Any]]:
    """Those of a held person's roles that no open departure sees to. Raises Refusal where one sees to all of them."""
    if not roles:
        if _is_leaving(session, person_id, organization_id):
            raise Refusal("case.already_open", cases.OPEN_FOR_A_PERSON)
        return []
    asked = select(_tenure.c.id).where(
        _tenure.c.program_id == program_of(session), _tenure.c.id.in_([role["id"] for role in roles]), ~is_seen_to()
    )
    free = set(session.scalars(asked))
    if not free:
        raise Refusal("case.already_open", cases.OPEN_FOR_A_PERSON)
    return [role for role in roles if role["id"] in free]


def _is_leaving(session: Session, person_id: UUID, organization_id: UUID) -> bool:
    """Whether a departure of theirs from there is open."""
    under_way = select(_case.c.id).where(
        _case.c.program_id == program_of(session),
        _case.c.subject_id == person_id,
        _case.c.organization_id == organization_id,
        _case.c.gathers,
        _case.c.state == "open",
    )
    return session.scalar(under_way.limit(1)) is not None


def _refuse_wrong_day(last_day: date, today: date, *, planned: bool) -> None:
    if planned and last_day < today:
        raise Refusal(
            "departure.day_is_past",
            N_("This day is past. If the person has already left, say so: their access ends at once."),
        )
    if not planned and last_day > today:
        raise Refusal(
            "departure.day_to_come", N_("If the person has already left, the last day is today at the latest.")
        )


def _refuse_unless_they_never_came(session: Session, roles: list[dict[str, Any]], last_day: date, today: date) -> None:
    """Refuse a last day before a role that began: it would say of all its days that nobody had them. Raises Refusal.

    Who was to begin some weeks ago, and has done nothing since, may never have come.
    """
    here = program_of(session)
    acted = (
        select(_event.c.id)
        .where(
            _event.c.program_id == here,
            _event.c.actor_id == _tenure.c.person_id,
            cast(func.timezone(program(session).time_zone, _event.c.at), Date) >= _tenure.c.starts_on,
        )
        .exists()
    )
    began = session.execute(
        select(_tenure.c.id, _tenure.c.starts_on)
        .where(
            _tenure.c.program_id == here,
            _tenure.c.id.in_([role["id"] for role in roles]),
            _tenure.c.starts_on > last_day,
            _tenure.c.starts_on < today,
            ~never_began(),
            or_(_tenure.c.starts_on < today - _MISSED_BY_THEN, acted),
        )
        .order_by(_tenure.c.starts_on.desc())
        .limit(1)
    ).first()
    if began is not None:
        title = called(session, began.id)
        raise Refusal(
            "departure.role_began",
            N_(
                "%(role)s: this person has held it since %(first_day)s, and this last day is "
                "earlier. Give that day at the soonest."
            ),
            role={"fr": title.fr, "en": title.en},
            first_day=began.starts_on.isoformat(),
        )


def _refuse_unless_they_come_back(begun: list[dict[str, Any]], last_day: date) -> None:
    """Refuse a last day before a role that somebody is to take up, unless all that they hold is over by it anyway."""
    if any(role["ends_on"] is None or role["ends_on"] > last_day for role in begun):
        raise Refusal(
            "departure.role_to_come",
            N_(
                "This person takes up a role there after that day: give a later last day. If "
                "they leave and come back, first record the end of their current roles."
            ),
        )


def _under_way(session: Session, *, ended_too: bool = False) -> list[dict[str, Any]]:
    """The departures that hold and were not ended yet, whenever their last day is.

    With `ended_too` also those whose last day is over while their case is open.
    """
    seen_to = [_departure.c.ended_at.is_(None)] + ([_case.c.state == "open"] if ended_too else [])
    return many(
        session,
        select(_departure)
        .join(_case, refers(_departure.c.case_id, _case))
        .where(
            _departure.c.program_id == program_of(session),
            or_(*seen_to),
            _departure.c.called_off_at.is_(None),
        )
        .order_by(_departure.c.id),
    )


def _hold_under_way(session: Session, departure_id: UUID, *, ended_too: bool = False) -> dict[str, Any] | None:
    """A departure, held after the cases that go with it; None where it does not hold.

    Nor where it was ended already, but with `ended_too`.
    """
    asked = select(_departure).where(_departure.c.program_id == program_of(session), _departure.c.id == departure_id)
    known = one(session, asked)
    if known is None:
        return None
    # As whoever cancels, closes or reopens the case holds it before the departure.
    own = hiring.welcoming(session, known["person_id"], known["organization_id"])
    hold_cases(session, [known["case_id"], *last_days.welcomes(session, known["case_id"]), *own])
    found = one(session, asked.with_for_update())
    if found is None or found["called_off_at"] is not None:
        return None
    return found if ended_too or found["ended_at"] is None else None


def _roles_of(session: Session, departure: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The roles that a departure ends, each with the day on which it ends by now; those that never began left out."""
    return many(
        session,
        select(_tenure.c.id, _tenure.c.ends_on).where(
            _tenure.c.program_id == program_of(session),
            _tenure.c.id.in_(_ended_by(departure)),
            _tenure.c.starts_on <= departure["last_day"],
            _tenure.c.taken_back_at.is_(None),
        ),
    )


def _ended_by(departure: Mapping[str, Any]) -> list[UUID]:
    return [UUID(role) for role in departure["was_to_end"]]


def _ends_by_roles(session: Session, departure: Mapping[str, Any]) -> date:
    """The last day of a departure as its roles end by now: somebody may have prolonged or shortened them since.

    A role that was to end sooner anyway says nothing of the others.
    """
    last_day: date = departure["last_day"]
    roles = _roles_of(session, departure)
    days = [role["ends_on"] for role in roles]
    if not roles or None in days:
        return last_day
    before = [departure["was_to_end"][str(role["id"])] for role in roles]
    foreseen = max(min(last_day, date.fromisoformat(day)) if day else last_day for day in before)
    ends: date = max(days)
    return last_day if ends == foreseen else ends


def _follow_roles(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> date:
    """Have a held departure hang on the day on which its roles end by now, which is returned.

    The case and its due days follow, and with them the seats that were passed on and who follows in a role.
    """
    last_day: date = departure["last_day"]
    ends = _ends_by_roles(session, departure)
    if ends == last_day:
        return last_day
    was_to_end: dict[str, str | None] = departure["was_to_end"]
    later = {
        str(role["id"]): role["ends_on"].isoformat()
        for role in _roles_of(session, departure)
        if (before := was_to_end[str(role["id"])]) and date.fromisoformat(before) < role["ends_on"]
    }
    session.execute(
        update(_departure)
        .where(_departure.c.program_id == program_of(session), _departure.c.id == departure["id"])
        .values(last_day=ends, ended_at=None, was_to_end={**was_to_end, **later}, version=_departure.c.version + 1)
    )
    cases.move_last_day(session, departure["case_id"], ends, by=by, at=at)
    last_days.follow(session, departure["case_id"], was=last_day, day=ends, by=by, at=at)
    return ends


def _end_role(session: Session, role: Mapping[str, Any], ends_on: date, *, by: Actor, at: datetime) -> None:
    if role["ends_on"] is not None and role["ends_on"] <= ends_on:
        return
    people.end_tenure(session, role["id"], ends_on=ends_on, by=by, at=at)


def _put_back(session: Session, tenure_id: UUID, ends_on: date | None, *, by: Actor, at: datetime) -> None:
    """Have a role end when it was to end before, where nobody else holds it since. Raises Refusal."""
    tenure = one(
        session,
        select(_tenure).where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id).with_for_update(),
    )
    if tenure is None or tenure["ends_on"] == ends_on or tenure["taken_back_at"] is not None:
        return
    # One that was never to begin may have ceased to be the only one of its role.
    alone = session.scalar(
        select(_role.c.single_holder).where(_role.c.program_id == program_of(session), _role.c.key == tenure["role"])
    )
    people.refuse_overlap(session, {**tenure, "ends_on": ends_on, "single_holder": alone})
    session.execute(
        update(_tenure)
        .where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id)
        .values(
            ends_on=ends_on,
            single_holder=alone,
            ended_by=None,
            ended_at=None,
            entered_late=people.gone_on_late(session, tenure, at=at),
            version=_tenure.c.version + 1,
        )
    )
    events.write(
        session,
        "tenure.goes_on",
        "person",
        tenure["person_id"],
        by=by,
        at=at,
        role=tenure["role"],
        organization=str(tenure["organization_id"]),
        ends_on=ends_on.isoformat() if ends_on else None,
    )


def _put_all_back(
    session: Session, departure: Mapping[str, Any], today: date, *, by: Actor, at: datetime
) -> tuple[dict[str, str | None], list[UUID]]:
    """Have every role that a departure ended go on: what is to be kept of their last days, and those that cannot."""
    was_to_end: dict[str, str | None] = dict(departure["was_to_end"])
    taken: list[UUID] = []
    for key, ends_on in departure["was_to_end"].items():
        tenure_id = UUID(key)
        day = date.fromisoformat(ends_on) if ends_on else None
        # One that was over before the last day had ended by itself: it is no part of what they leave.
        if day is not None and departure["last_day"] <= day < today:
            day = _before_its_end(session, tenure_id, day)
        try:
            with session.begin_nested():
                _put_back(session, tenure_id, day, by=by, at=at)
        except Refusal:
            if _is_theirs_again(session, tenure_id, departure["last_day"]):
                continue
            again = _give_anew(session, tenure_id, day, departure["last_day"], by=by, at=at)
            if again is None:
                taken.append(tenure_id)
            else:
                # Where the departure is taken up again, it ends this one too.
                was_to_end[str(again)] = day.isoformat() if day else None
    # One that was put back later on may be the same role as one that could not be.
    return was_to_end, [one_of for one_of in taken if not _is_theirs_again(session, one_of, departure["last_day"])]


def _is_theirs_again(session: Session, tenure_id: UUID, last_day: date) -> bool:
    """Whether the person of a role holds the same role there on another appointment, after a last day."""
    left, again = _tenure.alias(), _tenure
    found = (
        select(again.c.id)
        .join(left, and_(left.c.program_id == again.c.program_id, left.c.person_id == again.c.person_id))
        .where(
            left.c.program_id == program_of(session),
            left.c.id == tenure_id,
            again.c.id != tenure_id,
            again.c.role == left.c.role,
            again.c.organization_id == left.c.organization_id,
            or_(again.c.ends_on.is_(None), again.c.ends_on > last_day),
            ~never_began(),
        )
    )
    return session.scalar(found.limit(1)) is not None


def _others_in(session: Session, tenure_id: UUID, last_day: date) -> list[dict[str, Any]]:
    """Who else holds the role of an appointment after a last day, or is to: each with the days, the first one first."""
    left = _tenure.alias()
    return many(
        session,
        select(_tenure.c.person_id, _tenure.c.starts_on, _tenure.c.ends_on)
        .join(left, and_(left.c.program_id == _tenure.c.program_id, left.c.role == _tenure.c.role))
        .where(
            left.c.program_id == program_of(session),
            left.c.id == tenure_id,
            _tenure.c.organization_id == left.c.organization_id,
            _tenure.c.person_id != left.c.person_id,
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on > last_day),
            ~never_began(),
        )
        .order_by(_tenure.c.starts_on, _tenure.c.id),
    )


def _give_anew(
    session: Session, tenure_id: UUID, ends_on: date | None, last_day: date, *, by: Actor, at: datetime
) -> UUID | None:
    """Give a role again from the day after whoever else holds it; its id, or None where that is not at once.

    Somebody who was to begin has it on their first day at least: no appointment ends before it begins. None too where
    the role is over by then, or cannot be given to them any more.
    """
    day, today = timedelta(days=1), local_day(session, at)
    others = [one_of["ends_on"] for one_of in _others_in(session, tenure_id, last_day)]
    if not others or None in others:
        return None
    first = max([*others, last_day, today - day]) + day
    if first > max(last_day + 2 * day, today + day) or (ends_on is not None and ends_on < first):
        return None
    left = one(session, select(_tenure).where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id))
    assert left is not None  # noqa: S101 - the departure ended it
    try:
        with session.begin_nested():
            return people.appoint(
                session,
                person_id=left["person_id"],
                role=left["role"],
                organization_id=left["organization_id"],
                starts_on=first,
                ends_on=ends_on,
                by=by,
                at=at,
            )
    except Refusal:
        return None


def _ask_who_holds(session: Session, departure: Mapping[str, Any], tenure_id: UUID, *, by: Actor, at: datetime) -> None:
    """Somebody stays whose role was given to another meanwhile: a person sees which of them holds it."""
    row = session.execute(
        select(_role.c.title_fr, _role.c.title_en, _organization.c.short_name)
        .select_from(_tenure)
        .join(_role, (_role.c.program_id == _tenure.c.program_id) & (_role.c.key == _tenure.c.role))
        .join(_organization, refers(_tenure.c.organization_id, _organization))
        .where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id)
    ).one()
    titles = {
        language: say(language, _TAKEN, role={"fr": row.title_fr, "en": row.title_en}[language], place=row.short_name)
        for language in ("fr", "en")
    }
    task_id = outside.assign(
        session,
        ROLE_TAKEN,
        str(departure["case_id"]),
        title_fr=titles["fr"],
        title_en=titles["en"],
        chain=notices.coordination_chain(session),
        due_on=scheduling.calendar_of(session).add_working_days(local_day(session, at), 2),
        by=by,
        at=at,
    )
    events.write(
        session,
        "departure.role_taken",
        "person",
        departure["person_id"],
        by=by,
        at=at,
        case_id=departure["case_id"],
        task=str(task_id),
    )


_TAKEN = N_(
    "Someone stays after all, and their role was given to another person: %(role)s, %(place)s. See who holds it."
)


def _stays(session: Session, departure: Mapping[str, Any]) -> bool:
    """Whether the leaver holds a role elsewhere, or again, after their last day."""
    after = departure["last_day"] + timedelta(days=1)
    if elsewhere(session, departure["person_id"], departure["organization_id"], after):
        return True
    return _is_back(session, departure)


def _is_back(session: Session, departure: Mapping[str, Any]) -> bool:
    """Whether the leaver holds a role there again after their last day."""
    return goes_on(session, departure["person_id"], departure["organization_id"], departure["last_day"])


def _began_by_then(
    session: Session, departure: Mapping[str, Any], first_day: ColumnElement[date]
) -> ColumnElement[bool]:
    """The condition on a first day that what begins on it ends with a departure: not what they have once they are back.

    Nor what they are to have then: so it is with what they have in hand (`holding.Leaving`).
    """
    if not _is_back(session, departure):
        return true()
    known_at: datetime = session.scalars(
        select(_case.c.opened_at).where(_case.c.program_id == program_of(session), _case.c.id == departure["case_id"])
    ).one()
    return first_day <= left_on(departure["last_day"], local_day(session, known_at))


def _end_seats(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> int:
    """End the leaver's seats at the organization on their last day; have its second representative stand in.

    A seat that begins with a role to which they come back is theirs all the same.
    """
    here, last_day = program_of(session), departure["last_day"]
    rows = many(
        session,
        select(_holder, _seat.c.organization_id)
        .join(_seat, refers(_holder.c.seat_id, _seat))
        .where(
            _holder.c.program_id == here,
            _holder.c.person_id == departure["person_id"],
            _seat.c.organization_id == departure["organization_id"],
            _holder.c.withdrawn_at.is_(None),
            or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= last_day),
            _began_by_then(session, departure, _holder.c.starts_on),
        )
        .order_by(_holder.c.id)
        .with_for_update(of=_holder),
    )
    for row in rows:
        seat_holders.end_seat(session, row, last_day, by=by, at=at)
        if row["kind"] == "principal":
            seat_holders.second_stands_in(session, row, departure, by=by, at=at)
    return len(rows)


def _end_guest_invitations(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Take back the invitations without a seat to the meetings after the last day."""
    here = program_of(session)
    after = datetime.combine(departure["last_day"] + timedelta(days=1), time.min)
    to_come = select(_meeting.c.id).where(
        _meeting.c.program_id == here, _meeting.c.state == "planned", _meeting.c.starts >= after
    )
    taken_back = session.scalars(
        update(_guest)
        .where(
            _guest.c.program_id == here,
            _guest.c.person_id == departure["person_id"],
            _guest.c.withdrawn_at.is_(None),
            _guest.c.meeting_id.in_(to_come),
        )
        .values(withdrawn_at=at, withdrawn_by=by.role)
        .returning(_guest.c.meeting_id)
    ).all()
    for meeting_id in sorted(taken_back):
        events.write(
            session, "guest.withdrawn", "meeting", meeting_id, by=by, at=at, person=str(departure["person_id"])
        )


def _end_parts(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """End the leaver's parts in follow-ups: one that nobody took over is a vacancy that the coordinator sees.

    It stays in the departure's list, and what was offered of it stands, until somebody accepts it. DP-03
    """
    rows = session.execute(
        select(_assignment.c.id, _assignment.c.follow_up_id).where(
            _assignment.c.program_id == program_of(session),
            _assignment.c.person_id == departure["person_id"],
            _assignment.c.organization_id == departure["organization_id"],
            _assignment.c.withdrawn_at.is_(None),
            _assignment.c.ended_at.is_(None),
            _began_by_then(session, departure, _assignment.c.starts_on),
        )
    ).all()
    ids = {row.id for row in rows}
    for follow_up_id in sorted({row.follow_up_id for row in rows}):
        assigning.end_parts(session, follow_up_id, ids, by=by, at=at)
