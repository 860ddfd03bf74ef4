"""What the engine does by itself when a youth worker arrives: a seat on the Clinical Committee, contact lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Select, and_, func, insert, or_, select, update
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, one, program_of
from domain.mail import notices
from domain.people import seat_holders
from domain.record import events
from flows.engine import Act, Action
from locales import N_
from meetings import invitations
from meetings.committees import memberships
from models.base import table_of
from models.casework import Case
from models.committee import Committee, Seat, SeatHolder
from models.departure import Departure
from models.outbox import Notice
from models.program import Organization, Person, Role, Tenure
from models.record import Event

#: The guide's facts that name the three committees whose lists a worker gets, in the order of the letter.
CLINICAL: Final = "CM-C"
LISTED: Final = (CLINICAL, "CM-S", "CM-E")

WORKER: Final = "youth_worker"

_committee = table_of(Committee)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_person = table_of(Person)
_organization = table_of(Organization)
_role = table_of(Role)
_tenure = table_of(Tenure)
_notice = table_of(Notice)
_case = table_of(Case)
_event = table_of(Event)
_departure = table_of(Departure)


# ------------------------------------------------------------------------------------------- the Clinical Committee


def enrol_on_clinical_committee(session: Session, act: Act, by: Actor, at: datetime) -> None:
    """Give the worker the youth workers' seat of their organization on the Clinical Committee.

    From the day of arrival, or today where that has come, until the end of their role where it is known: as principal
    where nobody holds the seat on any of those days, else as alternate. Where the day of arrival moved since, the seat
    that this case gave begins on the new one. A seat that they hold otherwise stays as it is. Guide: ON-D06.
    The invitations to the meetings that this seat calls them to are written with it.
    Raises Refusal: the organization has no such seat, or the person does not hold the role there any more.
    """
    case = _case_of(session, act)
    today = local_day(session, at)
    # Held, so that of two who enrol on one seat at the same instant the second sees the first.
    seat_id = _seat_of(session, case["organization_id"], today, hold=True)
    if seat_id is None:
        raise Refusal(
            "seat.none", N_("This organization has no youth worker's seat on the Clinical Committee."), source=CLINICAL
        )
    holding = _theirs(session, act, case, seat_id, today)
    if holding is None:
        _end_earlier(session, case, seat_id, today, by, at)
        _give_seat(session, act, case, seat_id, by, at)
    elif holding["starts_on"] != _first_day(session, act, case, holding):
        _move_seat(session, act, case, holding, by, at)
    else:
        return
    _tell_of(session, seat_id, at)


def _tell_of(session: Session, seat_id: UUID, at: datetime) -> None:
    """Tell whom it concerns of the meetings of every committee that has this seat, of its own or from another."""
    has_it = [one.committee_id for one in memberships(session).values() if seat_id in {seat.id for seat in one.seats}]
    invitations.tell_all(session, at=at, committee_ids=has_it)


def _theirs(session: Session, act: Act, case: Mapping[str, Any], seat_id: UUID, today: date) -> dict[str, Any] | None:
    """The worker's holding of the seat: the one that this case gave, or one that they hold otherwise on arrival."""
    given = _live(session, seat_id, case["subject_id"], today, _given_by(act))
    arrives = max(today, _arrival(case) or today)
    return given or _live(session, seat_id, case["subject_id"], arrives, ~_ends_before(case, arrives).exists())


def _end_earlier(
    session: Session, case: Mapping[str, Any], seat_id: UUID, today: date, by: Actor, at: datetime
) -> None:
    """End what the worker holds of the seat from an earlier stay on its last day, as their departure will.

    Nobody holds a seat twice on a day: what is given from the arrival on has its place after it.
    """
    leaves = _ends_before(case, max(today, _arrival(case) or today))
    for holding in many(
        session,
        select(_holder, leaves.limit(1).scalar_subquery().label("last_day")).where(
            *_living(session, seat_id, case["subject_id"], today), leaves.exists()
        ),
    ):
        seat_holders.end_seat(session, holding, holding["last_day"], by=by, at=at)


def _ends_before(case: Mapping[str, Any], day: date) -> Select[Any]:
    """The last day before a local day on which a departure of the worker under way ends a holding of theirs."""
    return select(_departure.c.last_day).where(
        _departure.c.program_id == _holder.c.program_id,
        _departure.c.person_id == _holder.c.person_id,
        _departure.c.organization_id == case["organization_id"],
        _departure.c.called_off_at.is_(None),
        _departure.c.ended_at.is_(None),
        _departure.c.last_day >= _holder.c.starts_on,
        _departure.c.last_day < day,
    )


def _give_seat(session: Session, act: Act, case: Mapping[str, Any], seat_id: UUID, by: Actor, at: datetime) -> None:
    starts_on = max(local_day(session, at), _arrival(case) or date.min)
    ends_on = _end_of_role(session, case, starts_on)
    kind = "alternate" if _principal_else(session, seat_id, case["subject_id"], starts_on, ends_on) else "principal"
    session.execute(
        insert(_holder).values(
            program_id=program_of(session),
            id=uuid4(),
            seat_id=seat_id,
            person_id=case["subject_id"],
            kind=kind,
            starts_on=starts_on,
            ends_on=ends_on,
            recorded_at=at,
            version=1,
        )
    )
    events.write(
        session,
        "seat.given",
        "seat",
        seat_id,
        by=by,
        at=at,
        case_id=act.case_id,
        person=str(case["subject_id"]),
        kind=kind,
        starts_on=starts_on.isoformat(),
    )


def _move_seat(
    session: Session, act: Act, case: Mapping[str, Any], holding: Mapping[str, Any], by: Actor, at: datetime
) -> None:
    """Have the seat that this case gave begin on its first day of now, and end with the role that is held then."""
    starts_on = _first_day(session, act, case, holding)
    ends_on = _end_of_role(session, case, starts_on)
    other = _principal_else(session, holding["seat_id"], case["subject_id"], starts_on, ends_on)
    kind = "alternate" if other else holding["kind"]
    session.execute(
        update(_holder)
        .where(_holder.c.program_id == program_of(session), _holder.c.id == holding["id"])
        .values(starts_on=starts_on, ends_on=ends_on, kind=kind, version=_holder.c.version + 1)
    )
    events.write(
        session,
        "seat.moved",
        "seat",
        holding["seat_id"],
        by=by,
        at=at,
        case_id=act.case_id,
        person=str(case["subject_id"]),
        kind=kind,
        was=holding["starts_on"].isoformat(),
        starts_on=starts_on.isoformat(),
    )


def is_enrolled(session: Session, act: Act, at: datetime) -> bool:
    """Whether the worker holds that seat when they arrive, or today; where this case gave it, from its first day on."""
    case = _case_of(session, act)
    today = local_day(session, at)
    seat_id = _seat_of(session, case["organization_id"], today)
    holding = _theirs(session, act, case, seat_id, today) if seat_id is not None else None
    return holding is not None and holding["starts_on"] == _first_day(session, act, case, holding)


def withdraw_from_clinical_committee(session: Session, act: Act, by: Actor, at: datetime) -> None:
    """Take back the seat that this case gave: a holding that has begun ends yesterday, one that has not is withdrawn.

    A seat that the worker holds otherwise stays theirs.
    """
    case = _case_of(session, act)
    today = local_day(session, at)
    seat_id = _seat_of(session, case["organization_id"], today, hold=True)
    if seat_id is None or _live(session, seat_id, case["subject_id"], today, _given_by(act)) is None:
        return
    mine = and_(*_living(session, seat_id, case["subject_id"], today), _given_by(act))
    session.execute(
        update(_holder)
        .where(mine, _holder.c.starts_on < today)
        .values(ends_on=today - timedelta(days=1), version=_holder.c.version + 1)
    )
    session.execute(
        update(_holder).where(mine, _holder.c.starts_on >= today).values(withdrawn_at=at, version=_holder.c.version + 1)
    )
    events.write(
        session,
        "seat.withdrawn",
        "seat",
        seat_id,
        by=by,
        at=at,
        case_id=act.case_id,
        person=str(case["subject_id"]),
    )
    _tell_of(session, seat_id, at)


def is_withdrawn(session: Session, act: Act, at: datetime) -> bool:
    """Whether the worker holds that seat by this case neither today nor on a day to come."""
    case = _case_of(session, act)
    today = local_day(session, at)
    seat_id = _seat_of(session, case["organization_id"], today)
    return seat_id is None or _live(session, seat_id, case["subject_id"], today, _given_by(act)) is None


# ------------------------------------------------------------------------------------------------ the contact lists


def send_contact_lists(session: Session, act: Act, by: Actor, at: datetime) -> None:  # noqa: ARG001 - an action's shape
    """Write to the worker, in their language, who sits on the three committees today and how to reach them.

    Staff alone, as their seats are held on that day; a seat that nobody holds is shown as such. The letter is
    written once in a case. Guide: ON-P02, ON-P03, ON-P04, ON-D07.
    Raises Refusal where the worker has no address: the step waits for one, and the coordinator sees that it does.
    """
    case = _case_of(session, act)
    day = local_day(session, at)
    here = program_of(session)
    address = session.scalar(
        select(_person.c.email).where(_person.c.program_id == here, _person.c.id == case["subject_id"])
    )
    if address is None:
        raise Refusal(
            "contact_lists.no_address",
            N_("This person has no e-mail address yet. The contact lists are sent once one is written."),
            source="ON-D07",
        )

    def facts(language: notices.Language) -> Mapping[str, Any]:
        return {"day": day, "committees": contact_lists(session, day, language), "path": f"/cases/{act.case_id}"}

    notices.write(
        session, "contact_lists", to=case["subject_id"], key=_letter_key(act), facts=facts, at=at, case_id=act.case_id
    )


def contact_lists_are_written(session: Session, act: Act, at: datetime) -> bool:  # noqa: ARG001 - an action's shape
    """Whether the letter was written."""
    key = f"{_letter_key(act)}:{_case_of(session, act)['subject_id']}"
    found = session.scalar(
        select(_notice.c.id).where(_notice.c.program_id == program_of(session), _notice.c.key == key)
    )
    return found is not None


def contact_lists(session: Session, day: date, language: str) -> Sequence[Mapping[str, Any]]:
    """The committees that a worker deals with and who sits on each on a local day, principals first."""
    here = program_of(session)
    committees = many(session, select(_committee).where(_committee.c.program_id == here))
    titles = {row["key"]: row[f"title_{language}"] for row in committees}
    listed = sorted((row for row in committees if row["source"] in LISTED), key=lambda row: LISTED.index(row["source"]))
    members = _members(session, day, language)
    return [
        {
            "title": titles[row["key"]],
            "and_those_of": [titles[key] for key in row["derived_from"]],
            "members": members.get(row["id"], []),
        }
        for row in listed
    ]


def _members(session: Session, day: date, language: str) -> dict[UUID, list[dict[str, Any]]]:
    """Every seat of the program on a day by its committee: one line a holder, or one that says it is vacant."""
    here = program_of(session)
    held = and_(
        _holder.c.program_id == _seat.c.program_id,
        _holder.c.seat_id == _seat.c.id,
        _holder.c.withdrawn_at.is_(None),
        _holder.c.starts_on <= day,
        or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= day),
    )
    rows = many(
        session,
        select(
            _seat.c.committee_id,
            _organization.c.short_name.label("organization"),
            _role.c[f"title_{language}"].label("role"),
            _holder.c.kind,
            func.concat_ws(" ", _person.c.given_name, _person.c.family_name).label("name"),
            _person.c.email,
            _person.c.phone,
        )
        .select_from(_seat)
        .join(
            _organization,
            and_(_organization.c.program_id == _seat.c.program_id, _organization.c.id == _seat.c.organization_id),
        )
        .join(_role, and_(_role.c.program_id == _seat.c.program_id, _role.c.key == _seat.c.role))
        .outerjoin(_holder, held)
        .outerjoin(_person, and_(_person.c.program_id == _holder.c.program_id, _person.c.id == _holder.c.person_id))
        .where(
            _seat.c.program_id == here,
            or_(_seat.c.starts_on.is_(None), _seat.c.starts_on <= day),
            or_(_seat.c.ends_on.is_(None), _seat.c.ends_on >= day),
        )
        .order_by(_organization.c.short_name, _seat.c.key, _holder.c.kind.desc(), _person.c.sort_key),
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        line = {
            "organization": row["organization"],
            "role": row["role"],
            "vacant": row["kind"] is None,
            "alternate": row["kind"] == "alternate",
            "name": row["name"] or "",
            "email": row["email"] or "",
            "phone": row["phone"] or "",
        }
        found.setdefault(row["committee_id"], []).append(line)
    return found


def _letter_key(act: Act) -> str:
    return f"contact_lists:{act.case_id}"


# ------------------------------------------------------------------------------------------------------ what is read


def _case_of(session: Session, act: Act) -> dict[str, Any]:
    found = one(session, select(_case).where(_case.c.program_id == program_of(session), _case.c.id == act.case_id))
    if found is None:
        msg = "an act names a case that does not exist"
        raise LookupError(msg)
    return found


def _seat_of(session: Session, organization_id: UUID, day: date, *, hold: bool = False) -> UUID | None:
    """The youth workers' seat of an organization on the Clinical Committee, on a day or after it."""
    asked: Any = (
        select(_seat.c.id)
        .join(_committee, and_(_committee.c.program_id == _seat.c.program_id, _committee.c.id == _seat.c.committee_id))
        .where(
            _seat.c.program_id == program_of(session),
            _committee.c.source == CLINICAL,
            _seat.c.organization_id == organization_id,
            _seat.c.role == WORKER,
            or_(_seat.c.ends_on.is_(None), _seat.c.ends_on >= day),
        )
        .order_by(_seat.c.key)
        .limit(1)
    )
    found: UUID | None = session.scalar(asked.with_for_update(of=_seat) if hold else asked)
    return found


def _holding(session: Session, seat_id: UUID) -> tuple[Any, ...]:
    return (
        _holder.c.program_id == program_of(session),
        _holder.c.seat_id == seat_id,
        _holder.c.withdrawn_at.is_(None),
    )


def _living(session: Session, seat_id: UUID, person_id: UUID, day: date) -> tuple[Any, ...]:
    """Which holdings of a seat are a person's on a day or after it."""
    return (
        *_holding(session, seat_id),
        _holder.c.person_id == person_id,
        or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= day),
    )


def _live(session: Session, seat_id: UUID, person_id: UUID, day: date, *which: Any) -> dict[str, Any] | None:
    """A person's holding of a seat on a day or after it, the first `which`; None where they have none."""
    return one(
        session,
        select(_holder)
        .where(*_living(session, seat_id, person_id, day), *which)
        .order_by(_holder.c.starts_on)
        .limit(1),
    )


def _given_by(act: Act) -> Any:
    """Whether a holding was given by the case of an act, which the record of the giving tells."""
    return (
        select(_event.c.id)
        .where(
            _event.c.program_id == _holder.c.program_id,
            _event.c.case_id == act.case_id,
            _event.c.verb == "seat.given",
            _event.c.subject_id == _holder.c.seat_id,
            _event.c.at == _holder.c.recorded_at,
        )
        .exists()
    )


def _principal_else(session: Session, seat_id: UUID, person_id: UUID, first: date, last: date | None) -> bool:
    """Whether another holds the seat as principal on any of these days, both inclusive."""
    found = session.scalar(
        select(_holder.c.id)
        .where(
            *_holding(session, seat_id),
            _holder.c.kind == "principal",
            _holder.c.person_id != person_id,
            or_(_holder.c.ends_on.is_(None), _holder.c.ends_on >= first),
            *([_holder.c.starts_on <= last] if last else []),
        )
        .limit(1)
    )
    return found is not None


def _arrival(case: Mapping[str, Any]) -> date | None:
    given = case["anchors"].get("arrival")
    return date.fromisoformat(given) if given else None


def _first_day(session: Session, act: Act, case: Mapping[str, Any], holding: Mapping[str, Any]) -> date:
    """The day on which a holding should begin: the arrival, but not before the seat was given; or as it is.

    As it is where it was not given by this case.
    """
    arrival = _arrival(case)
    given = session.scalar(
        select(_holder.c.id).where(
            _holder.c.program_id == program_of(session), _holder.c.id == holding["id"], _given_by(act)
        )
    )
    first: date = holding["starts_on"]
    if given is None or arrival is None:
        return first
    return max(arrival, local_day(session, holding["recorded_at"]))


def _end_of_role(session: Session, case: Mapping[str, Any], day: date) -> date | None:
    """The known last day of the worker's role there, None where it has none. Raises Refusal where it is over."""
    found = session.execute(
        select(_tenure.c.ends_on)
        .where(
            _tenure.c.program_id == program_of(session),
            _tenure.c.person_id == case["subject_id"],
            _tenure.c.organization_id == case["organization_id"],
            _tenure.c.role == WORKER,
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= day),
        )
        .order_by(_tenure.c.starts_on)
        .limit(1)
    ).first()
    if found is None:
        raise Refusal("seat.role_is_over", N_("This person no longer holds the role whose seat this is."))
    end: date | None = found.ends_on
    return end


ACTIONS: Final[Mapping[str, Action]] = {
    "enrol_on_clinical_committee": Action(enrol_on_clinical_committee, is_enrolled),
    "withdraw_from_clinical_committee": Action(withdraw_from_clinical_committee, is_withdrawn),
    "send_contact_lists": Action(send_contact_lists, contact_lists_are_written),
}
"""What a step of this protocol may name as its action, or as its undo."""
