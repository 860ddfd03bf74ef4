"""The contact lists that a youth worker gets: who sits on the three committees, and how to reach them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, and_, or_

from domain.kernel import (
    Actor,
    Language,
    Refusal,
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
    same,
    scalar,
    select,
    surely,
    title_of,
    value_of,
)
from domain.mail import notices
from flows.engine import DueAction
from locales import N_
from models.casework import Case
from models.committee import Committee, Seat, SeatHolder
from models.program import Organization, Person, Role

#: The guide's facts that name the three committees whose lists a worker gets, in the order of the letter.
CLINICAL: Final = "CM-C"
LISTED: Final = (CLINICAL, "CM-S", "CM-E")


def send_contact_lists(session: Session, act: DueAction, by: Actor, at: datetime) -> None:  # noqa: ARG001 - an action's shape
    """Write to the worker, in their language, who sits on the three committees today and how to reach them.

    Staff alone, as their seats are held on that day; a vacant seat is shown as such. The letter is written once in a
    case. Guide: ON-P02, ON-P03, ON-P04, ON-D07. Raises Refusal where the worker has no address: the step waits for one,
    and the coordinator sees that it does.
    """
    case = case_of(session, act)
    day = local_day(session, at)
    address = scalar(session, only(Person.email).where(Person.id == case.subject_id))
    if address is None:
        raise Refusal(
            "contact_lists.no_address",
            N_("This person has no e-mail address yet. The contact lists are sent once one is written."),
            source="ON-D07",
        )

    def facts(language: Language) -> dict[str, object]:
        return {"day": day, "committees": contact_lists(session, day, language), "path": f"/cases/{act.case_id}"}

    to, key = surely(case.subject_id), _letter_key(act)
    notices.write(session, "contact_lists", to=to, key=key, facts=facts, at=at, case_id=act.case_id)


def contact_lists_are_written(session: Session, act: DueAction, at: datetime) -> bool:  # noqa: ARG001 - an action's shape
    """Whether the letter was written."""
    return notices.is_written(session, _letter_key(act), surely(case_of(session, act).subject_id))


@dataclass(frozen=True)
class Sits:
    """A line of a contact list: who sits for an organization and how to reach them, or that the seat is vacant."""

    organization: str
    role: str
    vacant: bool
    alternate: bool
    name: str
    email: str
    phone: str


@dataclass(frozen=True)
class ContactList:
    """A committee with who sits on it, and the titles of those whose members sit on it too."""

    title: str
    and_those_of: Sequence[str]
    members: Sequence[Sits]


def contact_lists(session: Session, day: date, language: str) -> list[ContactList]:
    """The committees that a worker deals with and who sits on each on a local day, principals first."""
    committees = every(session, of(Committee))
    titles = {row.key: title_of(row, language) for row in committees}
    listed = sorted((row for row in committees if row.source in LISTED), key=lambda row: LISTED.index(row.source))
    members = _members(session, day, language)
    return [
        ContactList(titles[row.key], [titles[key] for key in row.derived_from], members.get(row.id, []))
        for row in listed
    ]


def _members(session: Session, day: date, language: str) -> dict[UUID, list[Sits]]:
    """Every seat of the program on a day by its committee: one line a holder, or one that says it is vacant."""
    held = and_(
        joins(SeatHolder.seat_id, Seat),
        col(SeatHolder.withdrawn_at).is_(None),
        col(SeatHolder.starts_on) <= day,
        lasts(SeatHolder, day),
    )
    rows = run(
        session,
        select(
            Seat.committee_id,
            Organization.short_name,
            title_of(Role, language),
            SeatHolder.kind,
            value_of(func.concat_ws(" ", col(Person.given_name), col(Person.family_name))),
            Person.email,
            Person.phone,
        )
        .select_from(Seat)
        .join(Organization, joins(Seat.organization_id, Organization))
        .join(Role, and_(same(Role, Seat), Role.key == Seat.role))
        .outerjoin(SeatHolder, held)
        .outerjoin(Person, joins(SeatHolder.person_id, Person))
        .where(in_program(Seat), or_(col(Seat.starts_on).is_(None), col(Seat.starts_on) <= day), lasts(Seat, day))
        .order_by(col(Organization.short_name), col(Seat.key), col(SeatHolder.kind).desc(), col(Person.sort_key)),
    )
    found: dict[UUID, list[Sits]] = defaultdict(list)
    for committee_id, organization, role, kind, name, email, phone in rows:
        line = Sits(organization, role, kind is None, kind == "alternate", name or "", email or "", phone or "")
        found[committee_id].append(line)
    return found


def _letter_key(act: DueAction) -> str:
    return f"contact_lists:{act.case_id}"


def case_of(session: Session, act: DueAction) -> Case:
    """The case that an act is of. Raises LookupError where there is none."""
    found = first(session, of(Case).where(Case.id == act.case_id))
    if found is None:
        msg = "an act names a case that does not exist"
        raise LookupError(msg)
    return found
