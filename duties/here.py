"""What a session knows of where it stands: its program, that program's local days, and how letters are written.

A session is opened for one program by the window or the worker (`adapters.database.program_session`), which
puts these into `session.info`; the database's policies read the same program from the transaction.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Executable
from sqlmodel import Session

from models.program import Program


def one(session: Session, statement: Executable) -> dict[str, Any] | None:
    """The first row that a statement finds, by its columns' names, or None."""
    row = session.execute(statement).mappings().first()
    return None if row is None else {str(name): value for name, value in row.items()}


def many(session: Session, statement: Executable) -> list[dict[str, Any]]:
    """Every row that a statement finds, by its columns' names."""
    return [{str(name): value for name, value in row.items()} for row in session.execute(statement).mappings()]


def program_of(session: Session) -> UUID:
    """The id of the program that this session works in. Raises KeyError for a session without one."""
    program_id: UUID = session.info["program_id"]
    return program_id


def program(session: Session) -> Program:
    """The program that this session works in."""
    found = session.get(Program, program_of(session))
    if found is None:
        msg = "the session's program does not exist"
        raise LookupError(msg)
    return found


def local_day(session: Session, at: datetime) -> date:
    """The day that it is in the program's own time zone at the moment `at`."""
    zone: str | None = session.info.get("time_zone")
    if zone is None:
        zone = session.info["time_zone"] = program(session).time_zone
    return at.astimezone(ZoneInfo(zone)).date()
