"""A copy of the database that is put back after something ended: what the tests of deciding begin with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlmodel import Session

from domain.restored import deciding, matters
from models.ledger import RestoredMatter
from tests.cast import AT
from tests.restored import Installed

#: When something ended, after the copy was made; and when people look, after it was put back.
LATER, NOW = AT + timedelta(hours=1), AT + timedelta(days=1)

T = TypeVar("T")


@dataclass(frozen=True)
class CameBack(Generic[T]):
    """An installation of which a copy was put back, and what stood in it."""

    house: Installed
    thing: T

    def asked(self, ask: Callable[[Session], Any]) -> Any:
        """What a rule answers, of rows as they are now."""
        with self.house.session() as session:
            return ask(session)

    def waiting(self) -> list[RestoredMatter]:
        """What waits for a decision."""
        found: list[RestoredMatter] = self.asked(matters.waiting)
        return found

    def of(self, verb: str) -> RestoredMatter:
        """The one matter of this act."""
        (found,) = [one for one in self.waiting() if one.verb == verb]
        return found

    def again(self, verb: str, by: str = "coordinator", at: datetime = NOW) -> None:
        """Decide that it is done again."""
        matter = self.of(verb)
        with self.house.session() as session:
            deciding.done_again(session, matter.id, by=self.house.actor(by), at=at)

    def undone(self, verb: str, by: str = "coordinator", at: datetime = NOW) -> None:
        """Decide that it does not hold any more."""
        matter = self.of(verb)
        with self.house.session() as session:
            deciding.leave_undone(session, matter.id, reason="They changed their mind", by=self.house.actor(by), at=at)

    def noted(self, verb: str, by: str = "coordinator", at: datetime = NOW) -> None:
        """Decide that nothing is done here."""
        matter = self.of(verb)
        with self.house.session() as session:
            deciding.note(session, matter.id, by=self.house.actor(by), at=at)

    def decisions(self) -> dict[str, str]:
        """What was decided, by the act."""
        return {one.verb: one.decision for one in self.asked(matters.decided)}

    def record(self, verb: str) -> list[dict[str, Any]]:
        """The lines of the record with this verb."""
        return self.house.rows("select * from event where verb = :verb order by n", verb=verb)


def come_back(house: Installed, stood: Callable[[Session], T], ended: Callable[[Session, T], object]) -> CameBack[T]:
    """Have something stand, copy the database, end it, and put the copy back."""
    with house.session() as session:
        thing = stood(session)
    copy = house.copy()
    with house.session() as session:
        ended(session, thing)
    house.put_back(copy)
    house.start()
    return CameBack(house, thing)


def participant_of(session: Session, follow_up_id: UUID) -> UUID:
    """The participant of a follow-up."""
    from tests.following import row_of  # noqa: PLC0415

    found: UUID = row_of(session, follow_up_id)["participant_id"]
    return found
