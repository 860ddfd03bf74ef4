"""A meeting that was held, for the tests of the pages on minutes and decisions: by the room of tests/meetings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from meetings import deciding, running
from models.agenda import AgendaItem
from models.agreement import Agreement, AgreementVersion
from models.base import table_of
from tests.cast import SINCE, Cast
from tests.meetings.meeting_room import MINUTE, NOW, PRESENT, arrange, items, opened

END: Final = NOW + 90 * MINUTE
DUE: Final = date(2027, 2, 1)

_item = table_of(AgendaItem)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)


@dataclass(frozen=True)
class Held:
    """The meeting, and what it decided: on management, on an item for the partners alone, and one that a role owes.

    The last one says that it takes back the one before.
    """

    meeting_id: UUID
    budget: UUID
    quiet: UUID
    owed: UUID


def hold(cast: Cast, *, typed: str = "") -> Held:
    """Hold the meeting of the Steering Committee and close it; `typed` stands in every text that people type."""
    with cast.session() as session:
        arrange(session, cast)
        in_force(session, cast, "codim", "en-marge", "ccsmtl")
        session.execute(update(_item).where(_item.c.title_fr == "Formation").values(audience="partners"))
        by = cast.actor("coordinator")
        here = opened(session, cast, *PRESENT)
        first, second, third = items(session)
        running.treat(
            session, third.id, "treated", note_fr=f"Entendu. {typed}", note_en=f"Heard. {typed}", by=by, at=NOW
        )
        budget = deciding.decide(
            session,
            here,
            first.id,
            text_fr=f"Le budget est adopté. {typed}",
            text_en=f"The budget is adopted. {typed}",
            kind="management",
            by=by,
            at=NOW,
        )
        quiet = deciding.decide(
            session,
            here,
            second.id,
            text_fr="On forme en mars.",
            text_en="Training is in March.",
            why_not_management=typed,
            by=by,
            at=NOW,
        )
        owed = deciding.decide(
            session,
            here,
            None,
            text_fr=f"Écrire aux bailleurs. {typed}",
            text_en=f"Write to the funders. {typed}",
            owner_role="administrative_officer",
            due_on=DUE,
            by=by,
            at=NOW,
        )
        running.close_meeting(session, here, carry_rest=True, by=by, at=END)
    return Held(here, budget, quiet, owed)


def in_force(session: Session, cast: Cast, *keys: str) -> None:
    """Have the agreements of these organizations be in force."""
    wanted = [cast.organizations[key] for key in keys]
    session.execute(
        update(_version)
        .where(
            _version.c.program_id == cast.program_id,
            _version.c.agreement_id.in_(select(_agreement.c.id).where(_agreement.c.organization_id.in_(wanted))),
        )
        .values(state="in_force", starts_on=SINCE)
    )
