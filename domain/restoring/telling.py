"""The letter of a restore, to the privacy officer and the coordination: what is missing, and where they decide."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import changes, col, every, in_program, local_day, of, program, run, scalar, select
from domain.mail import coordination_chain, notices
from domain.roles import Link, standing
from models.ledger import Restoration, RestoredMatter

#: Where what had ended is decided.
PAGE = "/restored"


def tell(session: Session, *, at: datetime) -> int:
    """Write to those who answer for the program about each restore that they were not told of; how many letters.

    Whom no letter reaches sees it on their page.
    """
    letters = 0
    for row in every(session, of(Restoration).where(col(Restoration.told_at).is_(None)).with_for_update()):
        letters += sum(_write(session, row, person_id, at=at) for person_id in sorted(_concerned(session, at)))
        run(session, changes(Restoration).where(Restoration.id == row.id).values(told_at=at))
    return letters


def _write(session: Session, row: Restoration, person_id: UUID, *, at: datetime) -> bool:
    open_ones = col(RestoredMatter.decided_at).is_(None), RestoredMatter.epoch == row.epoch
    asked = select(func.count()).select_from(RestoredMatter).where(in_program(RestoredMatter), *open_ones)
    to_decide = scalar(session, asked) or 0
    return notices.write(
        session,
        "restored",
        to=person_id,
        key=f"restored:{row.epoch}",
        facts=lambda _: {**_days(session, row), "to_decide": to_decide, "path": PAGE},
        at=at,
    )


def _days(session: Session, row: Restoration) -> dict[str, object]:
    """When it was found, and from when to when something is missing, on the program's own clocks."""
    zone = ZoneInfo(program(session).time_zone)
    since, until = (one and one.astimezone(zone) for one in (row.missing_from, row.missing_to))
    return {
        "accepted": row.accepted,
        "on": local_day(session, row.found_at),
        "since": since and since.date(),
        "clock": since and f"{since:%H:%M}",
        "until": until and until.date(),
        "until_clock": until and f"{until:%H:%M}",
    }


def _concerned(session: Session, at: datetime) -> set[UUID]:
    """The privacy officers and the coordination, each where the role is held, with those who stand in."""
    today = standing(session, local_day(session, at))
    chains = [[Link("privacy_officer")], coordination_chain(session)]
    return {holder.person_id for chain in chains for holder in today.falls(chain).holders}
