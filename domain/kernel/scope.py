"""What a session knows: its program, that program's local days, and how letters are written.

The window or the worker opens a session for one program (`adapters.database.program_session`), and puts these into
`session.info`. The database's policies read the same program from the transaction.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from models.program import Program


def program_of(session: Session) -> UUID:
    """The id of the program that this session works in. Raises KeyError for a session without one."""
    program_id: UUID = session.info["program_id"]
    return program_id


def program(session: Session) -> Program:
    """The program that this session works in."""
    known: Program | None = session.info.get(_AT_SIGN_IN)
    if known is not None:
        return known
    # Kept, since a session forgets what is not referenced: each letter and each day would ask for the program anew.
    found = session.get(Program, program_of(session))
    session.info["program"] = found
    if found is None:
        msg = "the session's program does not exist"
        raise LookupError(msg)
    return found


def know_program(session: Session, found: Program) -> None:
    """Have a session of a request that changes nothing know its program, which was read with who is signed in."""
    session.info[_AT_SIGN_IN] = found


_AT_SIGN_IN: Final = "program_at_sign_in"


def local_day(session: Session, at: datetime) -> date:
    """The day in the program's own time zone at the moment `at`."""
    return at.astimezone(_zone(session)).date()


def moments_of(session: Session, day: date) -> tuple[datetime, datetime]:
    """When a local day begins, and when the next one does: 23 or 25 hours later where the clocks change."""
    zone = _zone(session)
    return datetime.combine(day, time.min, zone), datetime.combine(day + timedelta(days=1), time.min, zone)


def _zone(session: Session) -> ZoneInfo:
    name: str | None = session.info.get("time_zone")
    if name is None:
        name = session.info["time_zone"] = program(session).time_zone
    return ZoneInfo(name)


def hosts_of(session: Session) -> list[UUID]:
    """The organizations that host the coordination of the session's program."""
    return [UUID(str(place)) for place in program(session).coordination.organizations]
