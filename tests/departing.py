"""What the tests of departures share: the protocol recorded in the cast's program, and people who do their part."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from functools import cache
from uuid import UUID, uuid4

from sqlalchemy import insert, select, text
from sqlmodel import Session

from domain.casework import versions
from domain.departure import departures, gathering, settling
from domain.equipment.inventory import serial_key
from domain.holdings.in_hand import holdings_of
from domain.kernel.actors import Actor
from domain.kernel.rows import col, every, first, of
from domain.kernel.scope import program_of
from domain.people import people, seat_holders
from flows.protocols import PROTOCOLS, read_protocol
from models.base import table_of
from models.casework import Account, Case, Task
from models.committee import Committee, Seat, SeatHolder
from models.equipment import Equipment, Loan
from models.program import Tenure
from tests.cast import AT, LOADING, TODAY, Cast

TASK, CASE, TENURE = table_of(Task), table_of(Case), table_of(Tenure)
SEAT, HOLDER, COMMITTEE = table_of(Seat), table_of(SeatHolder), table_of(Committee)
LOAN, EQUIPMENT, ACCOUNT = table_of(Loan), table_of(Equipment), table_of(Account)

#: A protocol of a file, which no test changes.
_protocol = cache(read_protocol)

#: Two weeks from the tests' today, a Monday.
LAST_DAY = TODAY + timedelta(days=14)


def record_protocols(cast: Cast) -> None:
    """Have the program know departures, recruitings and onboardings, as a load does."""
    with cast.session() as session:
        for key in ("departure", "recruiting"):
            versions.record_protocol(session, _protocol(PROTOCOLS[key].file), by=LOADING, at=AT)


def leave(
    cast: Cast,
    who: str,
    organization: str,
    *,
    last_day: date = LAST_DAY,
    planned: bool = True,
    by: Actor | None = None,
    at: datetime = AT,
) -> UUID:
    """Open somebody's departure, as the coordinator where nobody is named."""
    with cast.session() as session:
        return departures.open_departure(
            session,
            person_id=cast.people[who],
            organization_id=cast.organizations[organization],
            last_day=last_day,
            planned=planned,
            by=by or cast.actor("coordinator"),
            at=at,
        )


def lend(session: Session, person_id: UUID, serial: str, *, kind: str = "phone", at: datetime = AT) -> UUID:
    """Put a piece of equipment in somebody's hands, as before there were protocols."""
    here = program_of(session)
    thing = Equipment(program_id=here, kind=kind, serial=serial, serial_key=serial_key(serial))
    loan = Loan(program_id=here, equipment_id=thing.id, person_id=person_id, lent_at=at)
    session.execute(insert(EQUIPMENT).values(**thing.model_dump()))
    session.execute(insert(LOAN).values(**loan.model_dump()))
    return loan.id


def open_account(session: Session, person_id: UUID, user_name: str, *, at: datetime = AT) -> UUID:
    """An account that somebody has on the secure network."""
    account = uuid4()
    session.execute(
        insert(ACCOUNT).values(
            program_id=program_of(session),
            id=account,
            person_id=person_id,
            system="secure-network",
            user_name=user_name,
            opened_at=at,
        )
    )
    return account


def seat_somebody(
    session: Session,
    committee: str,
    organization_id: UUID,
    person_id: UUID,
    *,
    kind: str = "principal",
    starts_on: date = TODAY - timedelta(days=300),
) -> UUID:
    """Have somebody hold the seat of an organization on a committee since long ago, or from a day on; the seat's id."""
    seat_id = session.scalar(
        select(SEAT.c.id)
        .join(COMMITTEE, COMMITTEE.c.id == SEAT.c.committee_id)
        .where(
            SEAT.c.program_id == program_of(session),
            COMMITTEE.c.key == committee,
            SEAT.c.organization_id == organization_id,
        )
        .order_by(SEAT.c.key)
        .limit(1)
    )
    assert seat_id is not None, f"{committee} has no such seat"
    seat_holders.give_seat(session, seat_id, person_id, kind=kind, starts_on=starts_on, by=LOADING, at=AT)
    found: UUID = seat_id
    return found


def come_back(
    cast: Cast,
    who: str,
    organization: str,
    *,
    starts_on: date,
    ends_on: date | None = None,
    role: str = "youth_worker",
    at: datetime = AT,
) -> UUID:
    """Appoint somebody to a role, such as one who left or is to leave; the appointment's id."""
    with cast.session() as session:
        return people.appoint(
            session,
            person_id=cast.people[who],
            role=role,
            organization_id=cast.organizations[organization],
            starts_on=starts_on,
            ends_on=ends_on,
            by=cast.actor("coordinator"),
            at=at,
        )


def in_hand(cast: Cast, who: str, organization: str | None, at: datetime = AT) -> list[tuple[str, str]]:
    """What somebody has in hand, each by kind and by what it is called in English."""
    with cast.session() as session:
        place = cast.organizations[organization] if organization else None
        return [(one.kind, one.title.en) for one in holdings_of(session, cast.people[who], place, at)]


def asked(cast: Cast, case_id: UUID, step: str) -> list[Task]:
    """The tasks of one step of a case, as they stand."""
    with cast.session() as session:
        return every(session, of(Task).where(Task.case_id == case_id, Task.step == step).order_by(col(Task.title_en)))


def settle(
    cast: Cast,
    task_id: UUID,
    *,
    to: str | None = None,
    ended: str = "",
    note: str = "",
    by: Actor | None = None,
    at: datetime = AT,
) -> None:
    """Settle one thing, as the coordinator where nobody is named."""
    with cast.session() as session:
        settling.settle_holding(
            session,
            task_id,
            successor_id=cast.people[to] if to else None,
            ended_as=ended,
            note=note,
            by=by or cast.actor("coordinator"),
            at=at,
        )


def until_somebody_waits(session: Session) -> None:
    """Wait until another transaction waits for what this one, or another, has locked."""
    until = time.monotonic() + 10
    while not session.scalar(text("select count(*) from pg_locks where not granted")):
        assert time.monotonic() < until, "the other came through"
        time.sleep(0.01)


def left(cast: Cast, case_id: UUID, at: datetime = AT) -> list[str]:
    """What a departure has left, in English."""
    with cast.session() as session:
        case = first(session, of(Case).where(Case.id == case_id))
        assert case is not None
        return [thing.title.en for thing in gathering.left(session, case, at)]


def roles(cast: Cast, who: str) -> list[tuple[str, date | None]]:
    """Somebody's roles, each with its last day."""
    with cast.session() as session:
        rows = session.execute(
            select(TENURE.c.role, TENURE.c.ends_on)
            .where(TENURE.c.program_id == program_of(session), TENURE.c.person_id == cast.people[who])
            .order_by(TENURE.c.role)
        )
        return [(row.role, row.ends_on) for row in rows]
