"""People of the program's organizations: adding one, appointing them to a role, ending it, and their absences."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Text, cast, insert, update
from sqlmodel import Session, and_, or_

from domain.access import doors, sign_ins
from domain.kernel.actors import Actor
from domain.kernel.languages import checked_spoken
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
    scalar,
    scalars,
    select,
)
from domain.kernel.scope import local_day, program_of
from domain.mail import notices
from domain.mail.envelopes import checked_address
from domain.people import calendar_readers
from domain.record import events
from domain.roles.entered_late import record_began, said_late
from domain.roles.locked_person import hold_person
from domain.roles.roles import never_began
from domain.terms import days as agreement_days
from domain.terms.agreed_roles import created_roles, creates_on
from locales import N_
from models.agreement import AgreementRole
from models.casework import Case
from models.committee import Seat
from models.departure import Departure
from models.program import LANGUAGES, Organization, Person, Role, Tenure

LONGEST_NAME = 80
LONGEST_PHONE = 40


def folded(text: str) -> str:
    """A key by which names sort without accents or case: "Éléonore" beside "Eleonore"."""
    plain = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def add_person(
    session: Session,
    *,
    given_name: str,
    family_name: str,
    email: str | None,
    language: str,
    by: Actor,
    at: datetime,
    phone: str | None = None,
    spoken: Sequence[str] = (),
    key: str | None = None,
) -> UUID:
    """Add a member of an organization's staff. Someone without an address gets no letters; the coordinator does.

    `language` is that of the letters, `spoken` the codes of those that they speak, where somebody says it.
    `key` is a stable handle for files; one is made where none is given. Raises Refusal.
    """
    person_id = uuid4()
    given_name, family_name = _name(given_name), _name(family_name)
    if language not in LANGUAGES:
        raise Refusal("person.language", N_("Letters are written in French or in English."))
    run(
        session,
        insert(Person).values(
            program_id=program_of(session),
            id=person_id,
            key=key or person_id.hex,
            given_name=given_name,
            family_name=family_name,
            sort_key=folded(f"{family_name} {given_name}"),
            email=_address(email),
            phone=_phone(phone),
            language=language,
            spoken=list(checked_spoken(spoken)),
            version=1,
        ),
    )
    events.write(session, "person.added", "person", person_id, by=by, at=at)
    return person_id


def update_person(
    session: Session,
    person_id: UUID,
    *,
    given_name: str,
    family_name: str,
    email: str | None,
    phone: str | None,
    language: str,
    spoken: Sequence[str] | None = None,
    calendar: str | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Write a person's name, addresses and language anew. `seen` is the version that was looked at.

    `language` is that of their letters, `spoken` the codes of those that they speak. `calendar` is how their calendar
    takes news (`domain.people.calendar_readers`). None leaves either as it is. Letters that wait keep the address under
    which they were written. The record tells which of these changed, and not into what. Raises Refusal.

    Where the e-mail address changes, the old one is told, since whoever reads the new one can ask for a way in; and no
    link that was sent to the old one opens any more (`invitations.AFTER_A_NEW_ADDRESS`).
    """
    held = first(session, of(Person).where(Person.id == person_id).with_for_update())
    if held is None:
        raise Refusal("person.unknown", N_("There is no such person."))
    if seen is not None and held.version != seen:
        raise Refusal(
            "person.changed",
            N_("This person’s entry was changed by someone else or in another window. Nothing was saved; look again."),
        )
    if language not in LANGUAGES:
        raise Refusal("person.language", N_("Letters are written in French or in English."))
    given_name, family_name = _name(given_name), _name(family_name)
    values = {
        "given_name": given_name,
        "family_name": family_name,
        "email": _address(email),
        "phone": _phone(phone),
        "language": language,
        "spoken": held.spoken if spoken is None else list(checked_spoken(spoken)),
    }
    changed = [name for name, value in values.items() if getattr(held, name) != value]
    if calendar is not None and calendar_readers.keep(session, person_id, calendar):
        changed.append("calendar")
    if not changed:
        return
    if "email" in changed:
        _leave_the_old_address(session, held, by=by, at=at)
    run(
        session,
        changes(Person)
        .where(Person.id == person_id)
        .values(sort_key=folded(f"{family_name} {given_name}"), version=held.version + 1, **values),
    )
    events.write(session, "person.updated", "person", person_id, by=by, at=at, changed=changed)


def _leave_the_old_address(session: Session, held: Person, *, by: Actor, at: datetime) -> None:
    """Tell a held person, where they were reached until now, that they are not any more, and shut what leads in."""
    doors.shut(session, held.id)
    if held.email is None:
        return
    notices.write(
        session,
        "address_changed",
        to=held.id,
        key=f"address:{held.id}:{held.version}",
        facts=lambda language: {
            "by_name": notices.name_of(session, by, language),
            "on": local_day(session, at),
            "path": "/my-access",
        },
        at=at,
    )


def appoint(
    session: Session,
    *,
    person_id: UUID,
    role: str,
    organization_id: UUID,
    starts_on: date,
    by: Actor,
    at: datetime,
    ends_on: date | None = None,
) -> UUID:
    """Give a person a role at an organization from a local day, to another where its end is known (inclusive).

    The role is one that an agreement of the organization creates; an outside body, which has none, has the roles of
    its seats. How many people the agreement promises is no limit, so that a successor may overlap with the one who
    leaves. A role that they were to hold on one of these days and that never began is taken up again, in its row.
    Raises Refusal: unknown, an agreement that has lapsed by then, not in the agreement, the person holds it then
    already or leaves the organization later, it has a holder and may have only one, or whoever leaves would give it to
    themselves.
    """
    here = program_of(session)
    if ends_on is not None and ends_on < starts_on:
        raise Refusal("tenure.ends_first", N_("The last day comes before the first."))
    hold_person(session, person_id)
    _refuse_own_return(session, person_id, by)
    found = run(session, of(Role).where(Role.key == role)).first()
    if found is None:
        raise Refusal("role.unknown", N_("The program has no such role."))
    # The row is held, so that of two who appoint to one place at the same instant the second is told.
    organization = first(session, of(Organization).where(Organization.id == organization_id).with_for_update())
    if organization is None:
        raise Refusal("organization.unknown", N_("The program has no such organization."))
    if organization.ends_on is not None and (ends_on is None or ends_on > organization.ends_on):
        raise Refusal("organization.ended", N_("This organization is no longer part of the program on those days."))
    if role not in agreement_days.ALWAYS_GIVEN:
        agreement_days.refuse_if_lapsed(session, organization_id, starts_on)
    if not _is_created(session, role, organization, starts_on):
        raise Refusal(
            "role.not_in_agreement", N_("No agreement of this organization creates this role."), source="AG-X2"
        )
    wanted = Tenure(
        program_id=here,
        person_id=person_id,
        role=role,
        organization_id=organization_id,
        single_holder=found.single_holder,
        starts_on=starts_on,
        ends_on=ends_on,
        entered_late=_said_late(session, starts_on, ends_on, at=at),
    )
    before = _never_begun(session, wanted)
    tenure_id = wanted.id = before or wanted.id
    refuse_overlap(session, wanted)
    _refuse_while_leaving(session, wanted)
    if before is None:
        run(session, insert(Tenure).values(wanted.model_dump()))
    else:
        _take_up(session, wanted)
    events.write(
        session,
        "tenure.started",
        "person",
        person_id,
        by=by,
        at=at,
        role=role,
        organization=str(organization_id),
        starts_on=starts_on.isoformat(),
    )
    return tenure_id


def refuse_overlap(session: Session, tenure: Tenure) -> None:
    """Refuse a tenure on days on which the person holds the role there, or another the role that only one may hold.

    `tenure` is the row as it is to be, the same tenure's row of before not counted. What another was to hold and never
    began keeps nobody from the role: of one holder, its row ceases to be the only one of its day. Raises Refusal.
    """
    overlaps = and_(Tenure.id != tenure.id, _on_days_of(tenure))
    is_held = or_(~never_began(), Tenure.person_id == tenure.person_id)
    for holder in scalars(session, select(Tenure.person_id).where(overlaps, is_held)):
        if holder == tenure.person_id:
            raise Refusal("tenure.held_already", N_("This person already holds that role there on those days."))
        if tenure.single_holder:
            raise Refusal(
                "tenure.one_holder",
                N_(
                    "This role has one holder at a time, and has one on those days. First end that "
                    "appointment before them, or cancel it if it has not begun."
                ),
            )
    if tenure.single_holder:
        run(
            session,
            update(Tenure)
            .where(overlaps, col(Tenure.single_holder), never_began())
            .values(single_holder=False, version=col(Tenure.version) + 1),
        )


def _on_days_of(tenure: Tenure) -> ColumnElement[bool]:
    """The condition on a row that it is of the same role at the same organization, on a day of this tenure.

    One that was taken back was for none of its days.
    """
    return and_(
        in_program(Tenure),
        col(Tenure.taken_back_at).is_(None),
        Tenure.role == tenure.role,
        Tenure.organization_id == tenure.organization_id,
        or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) >= tenure.starts_on),
        *([col(Tenure.starts_on) <= tenure.ends_on] if tenure.ends_on else []),
    )


def _never_begun(session: Session, wanted: Tenure) -> UUID | None:
    """The row of this role that the person was to hold there from a day of `wanted`, and never began; held."""
    found: UUID | None = scalar(
        session,
        select(Tenure.id)
        .where(_on_days_of(wanted), Tenure.person_id == wanted.person_id, never_began())
        .order_by(col(Tenure.starts_on))
        .limit(1)
        .with_for_update(),
    )
    return found


def _take_up(session: Session, wanted: Tenure) -> None:
    """Have a role that never began be held after all: what departure ended it says nothing of it any more.

    The person's days in a role are never on two rows, and no row is deleted.
    """
    key = str(wanted.id)
    run(
        session,
        changes(Departure)
        .where(Departure.person_id == wanted.person_id, inside(Departure.was_to_end).has_key(key))
        .values(was_to_end=col(Departure.was_to_end).op("-")(cast(key, Text)), version=col(Departure.version) + 1),
    )
    run(
        session,
        changes(Tenure)
        .where(Tenure.id == wanted.id)
        .values(
            single_holder=wanted.single_holder,
            starts_on=wanted.starts_on,
            ends_on=wanted.ends_on,
            entered_late=wanted.entered_late,
            ended_by=None,
            ended_at=None,
            version=col(Tenure.version) + 1,
        ),
    )


def _refuse_while_leaving(session: Session, tenure: Tenure) -> None:
    """Refuse a tenure that would outlast a departure of its person from its organization. Raises Refusal.

    A departure ends what was held there when it was opened: what is given meanwhile would go on without anybody having
    said that they stay.
    """
    leaving = only(Departure.id).where(
        Departure.person_id == tenure.person_id,
        Departure.organization_id == tenure.organization_id,
        col(Departure.called_off_at).is_(None),
        col(Departure.last_day) >= tenure.starts_on,
        *([col(Departure.last_day) < tenure.ends_on] if tenure.ends_on else []),
    )
    if scalar(session, leaving.limit(1)) is not None:
        raise Refusal(
            "tenure.leaves_meanwhile",
            N_("This person leaves this organization: cancel their departure, or begin after its last day."),
        )


def _refuse_own_return(session: Session, person_id: UUID, by: Actor) -> None:
    """Refuse a role that somebody who leaves would give to themselves: it would undo what others were told."""
    if person_id not in (by.person_id, by.acting_for):
        return
    leaving = (
        only(Departure.id)
        .join(Case, joins(Departure.case_id, Case))
        .where(Departure.person_id == person_id, col(Departure.called_off_at).is_(None), Case.state == "open")
    )
    if scalar(session, leaving.limit(1)) is not None:
        raise Refusal(
            "tenure.own_return",
            N_("You are leaving, and cannot give yourself a role: ask someone else to appoint you."),
        )


def move_start(
    session: Session, tenure: Tenure, day: date, *, by: Actor, at: datetime, case_id: UUID | None = None
) -> None:
    """Have a tenure, given as its row, start on another day. Raises Refusal: it would be one too many on some day."""
    moved = replaced(tenure, starts_on=day)
    refuse_overlap(session, moved)
    _refuse_while_leaving(session, moved)
    run(
        session,
        changes(Tenure)
        .where(Tenure.id == tenure.id)
        .values(
            starts_on=day,
            entered_late=[*tenure.entered_late, *_said_late(session, day, tenure.starts_on - timedelta(days=1), at=at)],
            version=col(Tenure.version) + 1,
        ),
    )
    events.write(
        session,
        "tenure.moved",
        "person",
        tenure.person_id,
        by=by,
        at=at,
        case_id=case_id,
        role=tenure.role,
        organization=str(tenure.organization_id),
        was=tenure.starts_on.isoformat(),
        starts_on=day.isoformat(),
    )


def end_tenure(
    session: Session, tenure_id: UUID, *, ends_on: date, by: Actor, at: datetime, seen: int | None = None
) -> UUID:
    """End a person's hold of a role on a last day, inclusive; their id. Who held it before stays answerable.

    Open tasks follow the role: on the next day they are another's, or show as vacant. With the last role that a
    person holds, today or later, their sign-ins end and their invitations too. Raises Refusal, also where the
    appointment has another version than the one that was `seen`, and where an end is put off onto days on which they
    hold the role already, or another the role that only one may hold.
    """
    held = _hold(session, tenure_id, seen)
    if ends_on < held.starts_on:
        raise Refusal("tenure.ends_first", N_("The last day comes before the first."))
    if held.ends_on is not None and held.ends_on < ends_on:
        refuse_overlap(session, replaced(held, ends_on=ends_on))
    run(
        session,
        changes(Tenure)
        .where(Tenure.id == tenure_id)
        .values(
            ends_on=ends_on,
            ended_by=by.person_id,
            ended_at=at if by.person_id else None,
            entered_late=gone_on_late(session, held, at=at),
            version=held.version + 1,
        ),
    )
    events.write(
        session,
        "tenure.ended",
        "person",
        held.person_id,
        by=by,
        at=at,
        role=held.role,
        organization=str(held.organization_id),
        ends_on=ends_on.isoformat(),
        was=held.ends_on.isoformat() if held.ends_on else None,
    )
    _close_behind_who_left(session, held.person_id, by=by, at=at)
    whose: UUID = held.person_id
    return whose


def take_back(session: Session, tenure_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Take an appointment back whole, before its first day: its person never holds the role.

    Whoever then holds nothing, today or later, has no access any more. Raises Refusal: unknown, begun, taken back
    already, or in another version than the one that was `seen`.
    """
    held = _hold(session, tenure_id, seen)
    if held.starts_on <= local_day(session, at):
        raise Refusal("tenure.ends_first", N_("The last day comes before the first."))
    run(
        session,
        changes(Tenure)
        .where(Tenure.id == tenure_id)
        .values(
            ends_on=local_day(session, at) - timedelta(days=1),
            ended_by=by.person_id,
            ended_at=at if by.person_id else None,
            taken_back_at=at,
            version=held.version + 1,
        ),
    )
    events.write(
        session,
        "tenure.taken_back",
        "person",
        held.person_id,
        by=by,
        at=at,
        role=held.role,
        organization=str(held.organization_id),
        starts_on=held.starts_on.isoformat(),
    )
    _close_behind_who_left(session, held.person_id, by=by, at=at)


def _hold(session: Session, tenure_id: UUID, seen: int | None) -> Tenure:
    """An appointment's row, held after its person. Raises Refusal: unknown, taken back, or not as it was `seen`."""
    this = and_(in_program(Tenure), Tenure.id == tenure_id)
    whose: UUID | None = scalar(session, select(Tenure.person_id).where(this))
    if whose is None:
        raise Refusal("tenure.unknown", N_("There is no such appointment."))
    hold_person(session, whose)
    held = every(session, select(Tenure).where(this).with_for_update())[0]
    if seen is not None and held.version != seen:
        said = N_("This appointment was changed by someone else or in another window. Nothing was saved; look again.")
        raise Refusal("tenure.changed", said)
    if held.taken_back_at is not None:
        raise Refusal(
            "tenure.taken_back", N_("This appointment was cancelled before it began. Give the role again instead.")
        )
    return held


def gone_on_late(session: Session, tenure: Tenure, *, at: datetime) -> list[str]:
    """What a tenure keeps of days that were entered late, before its last day is written anew, to whichever day.

    Its end was on record from the day on which it was entered: from then on, or from the day after it, nobody was. So
    it stays for all of these days, in one step or in several, whatever is written of them now or later. Of one that
    never began the record said so of each of its days.
    """
    kept: list[str] = tenure.entered_late
    was: date | None = tenure.ends_on
    if was is None:
        return kept
    this = and_(in_program(Tenure), Tenure.id == tenure.id)
    if scalar(session, select(Tenure.id).where(this, never_began())) is not None:
        first = tenure.starts_on
        if tenure.ended_at is not None and local_day(session, tenure.ended_at) == local_day(session, at):
            return kept  # a slip that is mended on the same day: the record of no day says otherwise
    else:
        first = was + timedelta(days=1)
        if tenure.ended_at is not None:
            first = max(first, local_day(session, tenure.ended_at))
    return [*kept, *(days for days in _said_late(session, first, None, at=at) if days not in kept)]


def _said_late(session: Session, first: date, last: date | None, *, at: datetime) -> list[str]:
    """Of days in a role, those that the record had shown without it. None of before there was a record."""
    today = local_day(session, at)
    if first >= today:
        return []
    began = record_began(session)
    return [] if began is None else said_late(max(first, began), last, on=today)


def _close_behind_who_left(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """End the sign-ins and shut the doors of someone who now holds nothing, today or later.

    Nobody waits for this to be kept out: each request asks what its person holds. It is so that the rows say so too.
    """
    holds = or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) >= local_day(session, at))
    mine = and_(in_program(Tenure), Tenure.person_id == person_id, ~never_began())
    if scalar(session, select(Tenure.id).where(mine, holds).limit(1)) is None:
        doors.shut(session, person_id)
        sign_ins.end_all(session, person_id, reason="left", by=by, at=at)


def _address(email: str | None) -> str | None:
    return checked_address(email.strip()) if email and email.strip() else None


def _phone(phone: str | None) -> str | None:
    phone = " ".join((phone or "").split())
    if len(phone) > LONGEST_PHONE or not phone.isprintable():
        raise Refusal(
            "person.phone.too_long", N_("A telephone number has at most %(most)s characters."), most=LONGEST_PHONE
        )
    return phone or None


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Refusal("person.name", N_("A name has 1 to %(most)s printable characters."), most=LONGEST_NAME)
    return name


def _is_created(session: Session, role: str, organization: Organization, day: date) -> bool:
    """Whether the text of the organization's agreement that stands on the day creates the role.

    An outside body has no agreement: its roles are those of its seats.
    """
    if organization.kind == "outside":
        created = only(Seat.id).where(
            Seat.organization_id == organization.id,
            Seat.role == role,
            or_(col(Seat.ends_on).is_(None), col(Seat.ends_on) >= day),
        )
        return scalar(session, created.limit(1)) is not None
    asked = created_roles(col(AgreementRole.id)).where(
        AgreementRole.role == role, Organization.id == organization.id, creates_on(day)
    )
    return scalar(session, asked.limit(1)) is not None
