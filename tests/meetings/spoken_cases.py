"""A clinic that sits with cases before it: what a worker raises, and the item that the meeting is at."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.follow_ups import Issue, issues
from meetings import assembling, running
from meetings.agenda_items import items_of
from tests.cast import AT, Cast
from tests.following import SECOND, WORKER, followed
from tests.meetings.clinic import NOW, clinic_of, prepare_clinic

#: When the clinic was opened, and came to the first worker's cases.
BEGUN: Final = NOW - timedelta(minutes=2)
WORDS: Final = "Her rent is due and she speaks of going back."


def prepare_cases(cast: Cast) -> list[UUID]:
    """A clinic that sits, at the turn of the first of two workers, who raises something: the meeting and the cases."""
    prepare_clinic(cast)
    by = cast.actor("coordinator")
    with cast.session() as session:
        cases = [followed(session, cast), followed(session, cast, "#2026-02", worker=SECOND)]
        issues.raise_issue(session, cases[0], Issue(WORDS, urgent=True), by=cast.actor(WORKER), at=AT)
        here = clinic_of(session)
        assembling.assemble(session, here, by=by, at=AT)
        running.open_meeting(session, here, by=by, at=BEGUN)
        running.take_up(session, item_named(session, here, "CCSMTL"), by=by, at=BEGUN)
    return [here, *cases]


def item_named(session: Session, here: UUID, words: str) -> UUID:
    """The item of a meeting that has these words in its title."""
    return next(one.id for one in items_of(session, here) if words in one.title_en)
