"""Records what was asked for and refused: a line for each, so bounded that no one can drown the record in them.

The line says who asked, for which action, and of which thing: its id only where it is this program's own. Nothing that
was typed is repeated. The line's subject is the one who asked, so that no page of the thing itself tells who tried to
see it. The privacy officer reads these lines.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Table, delete, literal
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.kernel import ROUNDS, Actor, col, in_program, only, program_of, run, scalars, select
from domain.record import events
from models.access import RateCount
from models.program import Person
from models.tables import metadata

#: This many refusals of one person are written line by line in each minute; the rest are counted.
LISTED: Final = 20

REFUSED: Final = "access.refused"
LEFT_OUT: Final = "access.refused_often"

#: Why: it is not theirs, or is not there; their sign-in had lapsed or was ended; they had left; or they had opened as
#: many files as they may.
Why = Literal["not_theirs", "lapsed", "ended", "left", "too_many"]

#: Things that a path names otherwise than their table is called.
TABLES: Final = {
    "sign_in": "browser_session",
    "letter": "notice",
    "version": "protocol_version",
    "feed": "calendar_feed",
    "guest": "person",
    "draft": "drafted_year",
    "item": "agenda_item",
    "period": "obligation_period",
    "document": "obligation_document",
    "proposal": "waiver_proposal",
    "file": "signed_file",
    "form": "consent_form",
    "link": "referral_link",
    "stray": "stray_reply",
    "matter": "restored_matter",
    "export": "study_export",
    "removal": "task",
}


def tell(
    session: Session, *, by: Actor, at: datetime, action: str, why: Why, kind: str = "", asked: UUID | None = None
) -> None:
    """Record that `by` was refused `action`, to a thing of `kind` with the id `asked` where it names one.

    In a transaction of its own, which the caller commits: what was refused is undone. The same statements run whether
    there is such a thing or not, so that the time it takes says nothing.
    """
    if by.person_id is None:
        msg = "a refusal is told of a person"
        raise ValueError(msg)
    asked = asked if _is_there(session, kind, asked) else None
    if _counted(session, by.person_id, at) > LISTED:
        return
    events.write(
        session,
        REFUSED,
        "person",
        by.person_id,
        by=by,
        at=at,
        action=action,
        why=why,
        kind=kind,
        asked=str(asked) if asked else None,
    )


def tell_left_out(session: Session, *, at: datetime, person_id: UUID | None = None) -> int:
    """Write, for each person and past minute with more refusals than are listed, how many were left out.

    For one person, or for everyone in the program; each once, by any process. Returns how many such lines there were.
    """
    whose = {_key(session, person_id): person_id} if person_id else _counted_before(session, at)
    if not whose:
        return 0
    ended = run(
        session,
        delete(RateCount)
        .where(col(RateCount.key).in_(whose), col(RateCount.starts_at) < _minute(at))
        .returning(col(RateCount.key), col(RateCount.starts_at), col(RateCount.tries)),
    ).all()
    often = [row for row in ended if row.tries > LISTED]
    for row in often:
        events.write(
            session,
            LEFT_OUT,
            "person",
            whose[row.key],
            by=Actor.system(ROUNDS),
            at=at,
            minute=row.starts_at.astimezone(UTC).isoformat(timespec="minutes"),
            left_out=row.tries - LISTED,
        )
    return len(often)


def table_for(kind: str) -> Table | None:
    """The table for the things of a kind, as a path names them; None where a path's word names no kind."""
    table = metadata.tables.get(TABLES.get(kind, kind))
    return table if table is not None and {"program_id", "id"} <= set(table.c.keys()) else None


def _is_there(session: Session, kind: str, asked: UUID | None) -> bool:
    table = table_for(kind)
    if table is None or asked is None:
        return False
    found = select(literal(1)).select_from(table).where(in_program(table), table.c.id == asked)
    return run(session, found).first() is not None


def _counted_before(session: Session, at: datetime) -> dict[str, UUID]:
    """The keys that may have counts of past minutes, each with its person.

    Looking for the key of everyone would grow with all who ever were here, and hardly anyone is ever refused anything.
    """
    kept = set(scalars(session, select(RateCount.key).where(col(RateCount.starts_at) < _minute(at))))
    if not kept:
        return {}
    everyone = scalars(session, only(Person.id))
    return {key: one for one in everyone if (key := _key(session, one)) in kept}


def _counted(session: Session, person_id: UUID, at: datetime) -> int:
    """The number of this person's refusal in its minute, counting from 1, across all processes."""
    tell_left_out(session, at=at, person_id=person_id)
    adding = insert(RateCount).values(key=_key(session, person_id), starts_at=_minute(at), tries=1)
    tries: int = run(
        session,
        adding.on_conflict_do_update(
            index_elements=["key", "starts_at"], set_={"tries": col(RateCount.tries) + 1}
        ).returning(col(RateCount.tries)),
    ).scalar_one()
    return tries


def _key(session: Session, person_id: UUID) -> str:
    return hashlib.sha256(f"refused:{program_of(session)}:{person_id}".encode()).hexdigest()


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
