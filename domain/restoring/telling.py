"""The letter of a restore, to the privacy officer and the coordination: what is missing, and where they decide."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from domain.kernel import Language, changes, col, every, local_day, of, only, program, run, there_is
from domain.mail import coordination_chain, notices
from domain.roles import Link, standing
from locales import show_clock
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
    to_decide = there_is(session, only(RestoredMatter.id).where(*open_ones))
    return notices.write(
        session,
        "restored",
        to=person_id,
        key=f"restored:{row.epoch}",
        facts=lambda language: {**_days(session, row, language), "to_decide": to_decide, "path": PAGE},
        at=at,
    )


def _days(session: Session, row: Restoration, language: Language) -> dict[str, object]:
    """When it was found, and from when to when something is missing, on the program's own clocks."""
    zone = ZoneInfo(program(session).time_zone)
    since, until = (one and one.astimezone(zone) for one in (row.missing_from, row.missing_to))
    return {
        "accepted": row.accepted,
        "on": local_day(session, row.found_at),
        "since": since and since.date(),
        "clock": since and show_clock(language, since.time()),
        "until": until and until.date(),
        "until_clock": until and show_clock(language, until.time()),
    }


def _concerned(session: Session, at: datetime) -> set[UUID]:
    """The privacy officers and the coordination, each where the role is held, with those who stand in."""
    today = standing(session, local_day(session, at))
    chains = [[Link("privacy_officer")], coordination_chain(session)]
    return {holder.person_id for chain in chains for holder in today.falls(chain).holders}
