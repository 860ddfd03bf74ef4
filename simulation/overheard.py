"""What people are shown and sent, overheard as it leaves: no name without its line in the record, no letter to two.

The given names of the made-up young people are no words and nobody else's names. So whoever is shown one is shown who
somebody is, and a letter that has one has let it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final
from uuid import UUID

from domain.kernel import only, run
from models.record import Event
from simulation.keepers import Letter
from simulation.world import World
from simulation.young_people import GIVEN_NAMES

_NAMES: Final = re.compile("|".join(sorted(GIVEN_NAMES, key=len, reverse=True)))
#: Where people are shown what they themselves wrote of somebody, before it is anybody's file.
_OWN_WORDS: Final = ("/referrals", "/words")
#: Papers in a letter that are no text.
_TEXT: Final = ("text/plain", "text/html", "text/calendar")


@dataclass
class Overheard:
    """What was overheard in one life."""

    world: World
    _sent: dict[str, bool] = field(default_factory=dict)

    def shown(self, person_id: UUID, path: str, said: Any, shown: Any) -> Iterator[str]:
        """An answer that somebody is shown: each name in it that they did not write has a line of their reading."""
        names = set(_NAMES.findall(repr(shown)))
        if not names or path.startswith(_OWN_WORDS):
            return
        if names - set(_NAMES.findall(repr(said))) and not self._has_line(person_id, self.world.clock()):
            yield f"who somebody is was shown without a line in the record: {path.split('/')[1]}"

    def _has_line(self, person_id: UUID, at: datetime) -> bool:
        with self.world.session() as session:
            asked = only(Event.n).where(Event.actor_id == person_id, Event.at == at).limit(1)
            return run(session, asked).first() is not None

    def sent(self, letter: Letter, *, may_come_twice: bool) -> Iterator[str]:
        """A letter that came: to one person, without a name, and once unless something went wrong on the way."""
        message = message_from_bytes(letter.message, policy=policy.default)
        recipients = [one.addr_spec for name in ("to", "cc", "bcc") for one in _addresses(message, name)]
        if recipients != [letter.to]:
            yield "a letter has not one recipient"
        known = str(message["message-id"])
        if self._sent.get(known) is False and not may_come_twice:
            yield "a letter came twice, and nothing had gone wrong"
        self._sent[known] = may_come_twice
        if _NAMES.search(str(message["subject"])) or any(_NAMES.search(text) for text in _texts(message)):
            yield "a letter names a participant"


def _addresses(message: EmailMessage, name: str) -> Any:
    header = message[name]
    return () if header is None else header.addresses


def _texts(message: EmailMessage) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_type() in _TEXT:
            yield str(part.get_content())
