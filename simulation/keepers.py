"""What lies outside the database of a simulated installation: the participants' keys and its outgoing mail.

All in memory. The keys are sealed by the cipher of the real store. The mail takes letters, or does as a fault tells it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.ports import Accepted, KeyGone, NotSealed, Outcome

_NONCE: Final = 12
#: The signature of a seal as a letter has it: another one each time, by the numbers that the server gave transactions.
_SIGNED: Final = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{8}){7}")


@dataclass
class PeopleKeys:
    """Data keys by their ids, and when each was made, by the simulated clock."""

    clock: Callable[[], datetime]
    marks: bytes
    keys: dict[UUID, bytes] = field(default_factory=dict, repr=False)
    made: dict[UUID, datetime] = field(default_factory=dict)

    def make(self, key_id: UUID) -> None:
        """Make a data key."""
        self.keys[key_id], self.made[key_id] = secrets.token_bytes(32), self.clock()

    def seal(self, key_id: UUID, clear: bytes, *, about: str) -> bytes:
        """Seal under a data key. Raises KeyGone."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._key(key_id)).encrypt(nonce, clear, about.encode())

    def open(self, key_id: UUID, sealed: bytes, *, about: str) -> bytes:
        """Open what was sealed. Raises KeyGone, NotSealed."""
        try:
            return AESGCM(self._key(key_id)).decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())
        except (InvalidTag, ValueError):
            raise NotSealed from None

    def digest(self, key_id: UUID, message: str) -> str:
        """A digest of a message under a data key. Raises KeyGone."""
        return hmac.new(self._key(key_id), message.encode(), hashlib.sha256).hexdigest()

    def mark(self, message: str) -> str:
        """A keyed digest of a message."""
        return hmac.new(self.marks, message.encode(), hashlib.sha256).hexdigest()[:32]

    def destroy(self, key_id: UUID) -> bool:
        """Destroy a data key; whether there was one."""
        return self.keys.pop(key_id, None) is not None

    def held(self, *, made_before: datetime) -> frozenset[UUID]:
        """The ids of the keys that were made before a moment."""
        return frozenset(key_id for key_id in self.keys if self.made[key_id] < made_before)

    def _key(self, key_id: UUID) -> bytes:
        try:
            return self.keys[key_id]
        except KeyError:
            raise KeyGone from None


@dataclass(frozen=True)
class SealKey:
    """The one key by which the record of a simulated program is sealed."""

    key: bytes = field(repr=False)

    def current(self) -> str:
        """Its id."""
        return "simulated"

    def sign(self, key_id: str, message: bytes) -> str | None:
        """The signature of a message; None under any other key."""
        return hmac.new(self.key, message, hashlib.sha256).hexdigest() if key_id == self.current() else None


@dataclass(frozen=True)
class Letter:
    """A letter as the mail server has it: when it came, to whom, and all of it."""

    at: datetime
    to: str
    message: bytes = field(repr=False)


@dataclass
class Post:
    """The mail server. It takes every letter, unless a fault `answers` otherwise, and keeps the newest ones.

    A fault gives the outcome, and whether the letter came all the same: a server may take a letter and say that it
    did not.
    """

    clock: Callable[[], datetime]
    letters: list[Letter] = field(default_factory=list)
    answers: Callable[[], tuple[Outcome, bool] | None] = lambda: None
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256, repr=False)

    def send(self, *, to: str, message: bytes, again: bool = False) -> Outcome:  # noqa: ARG002 - as the port has it
        """Take one letter."""
        outcome, comes = self.answers() or (Accepted(), True)
        if comes:
            self.letters.append(Letter(self.clock(), to, message))
            self._digest.update(
                to.encode() + b"\0" + _SIGNED.sub(b"", message.replace(b"=\r\n", b"").replace(b"=\n", b""))
            )
        return outcome

    def digest(self) -> str:
        """The digest of every letter that came, in their order."""
        return self._digest.hexdigest()
