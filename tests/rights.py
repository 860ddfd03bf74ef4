"""Somebody who asks about their own data: a participant of whom a note names others."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.follow_ups.week_row import Week
from tests.cast import AT, TODAY, Cast
from tests.following import WORKER, agreed, followed, known_as_somebody, row_of
from tests.noting import write_note
from tests.referring import ROMARIN, declare_admission, refer

#: Words of a note that name another participant, a friend, and a telephone.
SAID: Final = "Elle a vu Romarin Tilleul et sa cousine Églantine Rosier, 438 555-0188."


def written_of(cast: Cast) -> UUID:
    """Somebody who is followed under #2026-01, and of whom a note says this."""
    declare_admission(cast)
    refer(cast, ROMARIN)
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        participant_id: UUID = row_of(session, follow_up)["participant_id"]
        known_as_somebody(session, participant_id)
        monday, said = TODAY - timedelta(days=TODAY.weekday()), Week(met=1, minutes=45, summary=SAID)
        write_note(session, follow_up, monday, said, by=cast.actor(WORKER), at=AT)
    return participant_id
