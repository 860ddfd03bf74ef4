"""People of the program's organizations: adding one, appointing them to a role, ending it, and their absences."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, TypedDict
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, true
from sqlmodel import Session

from domain.access import doors, sign_ins
from domain.kernel import (
    Actor,
    Order,
    Refusal,
    add_row,
    checked_spoken,
    col,
    first,
    hold_row,
    joins,
    lasts,
    local_day,
    of,
    only,
    program_of,
    replaced,
    rewrite,
    there_is,
)
from domain.mail import checked_address, notices
from domain.people import appointment_rows, calendar_readers, privacy_officers
from domain.record import events
from domain.roles import lock_person, never_began
from domain.terms import created_roles, creates_on
from domain.terms import days as agreement_days
from locales import N_
from models.agreement import AgreementRole
from models.casework import Case
from models.committee import Seat
from models.departure import Departure
from models.program import LANGUAGES, Organization, Person, Role, Tenure

LONGEST_NAME: Final = 80
LONGEST_PHONE: Final = 40
_DAY: Final = timedelta(days=1)
_UNKNOWN: Final = N_("There is no such person.")
_CHANGED: Final = N_(
    "This person’s entry was changed by someone else or in another window. Nothing was saved; look again."
)


def folded(text: str) -> str:
    """A key by which names sort without accents or case: "Éléonore" beside "Eleonore"."""
    plain = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


#: How lists of people are read.
BY_NAME: Final = Order(Person.sort_key, Person.id)


def named_like(part: str) -> ColumnElement[bool]:
    """The condition on a person that each word of `part` is in their name, with or without accents and capitals."""
    words = [folded(word) for word in part.split()]
    return and_(true(), *(col(Person.sort_key).contains(word, autoescape=True) for word in words))


class PersonWritten(TypedDict):
    """What is written of a new person."""

    given_name: str
    family_name: str
    email: str | None
    phone: str | None
    language: str
    spoken: Sequence[str]


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
    """Add a member of an organization's staff. One without an address gets no letters; the coordinator is told.

    `language` is that of the letters, `spoken` the codes of those that they speak, where given. `key` is a stable
    handle for files; one is made where none is given. Raises Refusal.
    """
    person_id = uuid4()
    given_name, family_name = _name(given_name), _name(family_name)
    _refuse_other_language(language)
    person = Person(
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
    )
    add_row(session, person)
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
    """Replace a person's name, addresses and language. `seen` is the version that was looked at.

    `language` is that of their letters, `spoken` the codes of those that they speak. `calendar` is how their calendar
    takes news (`domain.people.calendar_readers`). None leaves either as it is. Letters that wait keep the address under
    which they were written. The record tells which of these changed, not their values. Raises Refusal.

    Where the e-mail address changes, the old one is told, since the reader of the new one can ask for a way in. No link
    that was sent to the old one opens any more (`invitations.AFTER_A_NEW_ADDRESS`). The coordination does not change
    that of who answers for privacy.
    """
    held = _hold(session, person_id, seen)
    _refuse_other_language(language)
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
        privacy_officers.refuse_address(session, person_id, by=by, at=at)
        _leave_the_old_address(session, held, by=by, at=at)
    rewrite(session, Person, person_id, sort_key=folded(f"{family_name} {given_name}"), **values)
    events.write(session, "person.updated", "person", person_id, by=by, at=at, changed=changed)


def _hold(session: Session, person_id: UUID, seen: int | None) -> Person:
    """A person's row, held. Raises Refusal: unknown, or not as it was `seen`."""
    return hold_row(session, Person, person_id, seen, "person", _UNKNOWN, _CHANGED)


def _refuse_other_language(language: str) -> None:
    if language not in LANGUAGES:
        raise Refusal("person.language", N_("Letters are written in French or in English."))


def _leave_the_old_address(session: Session, held: Person, *, by: Actor, at: datetime) -> None:
    """Tell a locked person at their former address that it is no longer theirs, and shut the links sent there."""
    doors.shut(session, held.id)
    if held.email is None:
        return
    facts = _facts_to_alert(session, held.id, by=by, at=at)
    key = f"address:{held.id}:{notices.once_by(at)}"
    notices.write(session, "address_changed", to=held.id, key=key, facts=facts, at=at)


def tell_access_ended(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Tell a person, once a day, that another ended their access, and who to turn to if that is not right."""
    if by.is_one_of(person_id):
        return
    of_today = f"access_ended:{person_id}:{local_day(session, at)}:"
    if notices.written_to(session, of_today):
        return
    facts = _facts_to_alert(session, person_id, by=by, at=at)
    key = f"{of_today}{notices.once_by(at)}"
    notices.write(session, "access_ended", to=person_id, key=key, facts=facts, at=at)


def _facts_to_alert(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> notices.Facts:
    """What a letter says of an act on a person's access: who did it, when, and who to alert where it is not right."""
    officer = privacy_officers.to_alert(session, person_id, by=by, at=at)
    return lambda language: {
        "by_name": notices.name_of(session, by, language),
        "on": local_day(session, at),
        "officer": officer,
        "path": "/my-access",
    }


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
    """Appoint a person to a role at an organization from a local day, to another where its end is known (inclusive).

    The role is one that an agreement of the organization creates; an outside body, which has none, has the roles of its
    seats. The number of people that the agreement promises is no limit, so that a successor may overlap with the
    leaver. A role that they were to hold on one of these days and that never began is taken up again, in its row.
    Raises Refusal: unknown; an agreement that has lapsed by then; not in the agreement; the person holds it then
    already or leaves the organization later; it has a holder and may have only one; or a leaver, or the next director,
    manager or privacy officer, would appoint themselves.
    """
    if ends_on is not None and ends_on < starts_on:
        raise _ends_first()
    lock_person(session, person_id)
    _refuse_own_return(session, person_id, by)
    privacy_officers.refuse_own_appointment(role, person_id, by=by)
    privacy_officers.refuse_coordinating(session, role, person_id, starts_on, ends_on, by=by, at=at)
    found = first(session, of(Role).where(Role.key == role))
    if found is None:
        raise Refusal("role.unknown", N_("The program has no such role."))
    organization = _hold_organization(session, organization_id, ends_on)
    if role not in agreement_days.ALWAYS_GIVEN:
        agreement_days.refuse_if_lapsed(session, organization_id, starts_on)
    if not _is_created(session, role, organization, starts_on):
        raise Refusal(
            "role.not_in_agreement", N_("No agreement of this organization creates this role."), source="AG-X2"
        )
    wanted = Tenure(
        program_id=program_of(session),
        person_id=person_id,
        role=role,
        organization_id=organization_id,
        single_holder=found.single_holder,
        starts_on=starts_on,
        ends_on=ends_on,
        entered_late=appointment_rows.said_late(session, starts_on, ends_on, at=at),
    )
    before = appointment_rows.never_begun(session, wanted)
    wanted.id = before or wanted.id
    appointment_rows.refuse_overlap(session, wanted)
    appointment_rows.refuse_while_leaving(session, wanted)
    if before is None:
        add_row(session, wanted)
    else:
        appointment_rows.take_up(session, wanted)
    appointment_rows.tell(session, wanted, "tenure.started", by=by, at=at, starts_on=starts_on.isoformat())
    return wanted.id


def _hold_organization(session: Session, organization_id: UUID, until: date | None) -> Organization:
    """The organization of an appointment, held. Raises Refusal: unknown, or no more part of the program then."""
    # The row is locked, so that of two who appoint to one place at the same instant the second is told.
    organization = first(session, of(Organization).where(Organization.id == organization_id).with_for_update())
    if organization is None:
        raise Refusal("organization.unknown", N_("The program has no such organization."))
    if organization.ends_on is not None and (until is None or until > organization.ends_on):
        raise Refusal("organization.ended", N_("This organization is no longer part of the program on those days."))
    return organization


def _refuse_own_return(session: Session, person_id: UUID, by: Actor) -> None:
    """Refuse a role that a leaver would give to themselves: it would undo what others were told."""
    if person_id not in (by.person_id, by.acting_for):
        return
    leaving = (
        only(Departure.id)
        .join(Case, joins(Departure.case_id, Case))
        .where(Departure.person_id == person_id, col(Departure.called_off_at).is_(None), Case.state == "open")
    )
    if there_is(session, leaving):
        raise Refusal(
            "tenure.own_return",
            N_("You are leaving, and cannot give yourself a role: ask someone else to appoint you."),
        )


def move_start(
    session: Session, tenure: Tenure, day: date, *, by: Actor, at: datetime, case_id: UUID | None = None
) -> None:
    """Move the start of a tenure, given as its row. Raises Refusal: it would be one too many on some day."""
    moved = replaced(tenure, starts_on=day)
    appointment_rows.refuse_overlap(session, moved)
    appointment_rows.refuse_while_leaving(session, moved)
    late = appointment_rows.said_late(session, day, tenure.starts_on - _DAY, at=at)
    rewrite(session, Tenure, tenure.id, starts_on=day, entered_late=[*tenure.entered_late, *late])
    days = {"was": tenure.starts_on.isoformat(), "starts_on": day.isoformat()}
    appointment_rows.tell(session, tenure, "tenure.moved", by=by, at=at, case_id=case_id, **days)


def end_tenure(
    session: Session, tenure_id: UUID, *, ends_on: date, by: Actor, at: datetime, seen: int | None = None
) -> UUID:
    """End a person's hold of a role on a last day, inclusive; returns their id. A former holder stays answerable.

    Open tasks follow the role: on the next day they are another's, or show as vacant. With the last role that a person
    holds, today or later, their sign-ins end and their invitations too. Raises Refusal, also where the appointment has
    another version than the one that was `seen`, or where a later end overlaps: they hold the role then already, or
    another holds a role that only one may hold.
    """
    held = appointment_rows.hold(session, tenure_id, seen)
    if ends_on < held.starts_on:
        raise _ends_first()
    if held.ends_on is not None and held.ends_on < ends_on:
        appointment_rows.refuse_overlap(session, replaced(held, ends_on=ends_on))
    late = appointment_rows.gone_on_late(session, held, at=at)
    rewrite(session, Tenure, tenure_id, ends_on=ends_on, entered_late=late, **_ended(by, at))
    was = held.ends_on.isoformat() if held.ends_on else None
    appointment_rows.tell(session, held, "tenure.ended", by=by, at=at, ends_on=ends_on.isoformat(), was=was)
    privacy_officers.tell_of_lost_deputy(session, held.person_id, at=at)
    _close_behind_who_left(session, held.person_id, by=by, at=at)
    return held.person_id


def take_back(session: Session, tenure_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Withdraw an appointment before its first day: its person never holds the role.

    A person who then holds nothing, today or later, loses access. Raises Refusal: unknown, begun, withdrawn already, or
    in another version than the one that was `seen`.
    """
    held = appointment_rows.hold(session, tenure_id, seen)
    today = local_day(session, at)
    if held.starts_on <= today:
        raise _ends_first()
    rewrite(session, Tenure, tenure_id, ends_on=today - _DAY, taken_back_at=at, **_ended(by, at))
    appointment_rows.tell(session, held, "tenure.taken_back", by=by, at=at, starts_on=held.starts_on.isoformat())
    privacy_officers.tell_of_lost_deputy(session, held.person_id, at=at)
    _close_behind_who_left(session, held.person_id, by=by, at=at)


def _ends_first() -> Refusal:
    return Refusal("tenure.ends_first", N_("The last day comes before the first."))


def _ended(by: Actor, at: datetime) -> dict[str, UUID | datetime | None]:
    """Who ended an appointment, and when: of one that the program ended by itself, neither."""
    return {"ended_by": by.person_id, "ended_at": at if by.person_id else None}


def _close_behind_who_left(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """End the sign-ins and shut the doors of a person who now holds nothing, today or later.

    Keeping them out does not depend on it: each request asks what its person holds. It makes the rows say so too.
    """
    holds = only(Tenure.id).where(Tenure.person_id == person_id, lasts(Tenure, local_day(session, at)), ~never_began())
    if not there_is(session, holds):
        doors.shut(session, person_id)
        sign_ins.end_all(session, person_id, reason="left", by=by, at=at)


def _is_created(session: Session, role: str, organization: Organization, day: date) -> bool:
    """Whether the organization's agreement text of that day creates the role.

    An outside body has no agreement: its roles are those of its seats.
    """
    if organization.kind == "outside":
        created = only(Seat.id).where(Seat.organization_id == organization.id, Seat.role == role, lasts(Seat, day))
        return there_is(session, created)
    asked = created_roles(col(AgreementRole.id)).where(
        AgreementRole.role == role, Organization.id == organization.id, creates_on(day)
    )
    return there_is(session, asked)
