"""Data keys in memory, sealed by the same cipher as the real ones; `broken` is a store that cannot be used."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.ports import KeyGone, NoKeys, NotSealed


@dataclass
class FakePeopleKeys:
    """Keys by their ids, with the moment at which each was made."""

    keys: dict[UUID, bytes] = field(default_factory=dict)
    made: dict[UUID, datetime] = field(default_factory=dict)
    broken: bool = False

    def make(self, key_id: UUID) -> None:
        self._refuse_if_broken()
        assert key_id not in self.keys, "never over another key"
        self.keys[key_id], self.made[key_id] = secrets.token_bytes(32), datetime.now(UTC)

    def seal(self, key_id: UUID, clear: bytes, *, about: str) -> bytes:
        nonce = secrets.token_bytes(12)
        return b"\x01" + nonce + AESGCM(self._key(key_id)).encrypt(nonce, clear, about.encode())

    def open(self, key_id: UUID, sealed: bytes, *, about: str) -> bytes:
        try:
            return AESGCM(self._key(key_id)).decrypt(sealed[1:13], sealed[13:], about.encode())
        except (InvalidTag, ValueError):
            raise NotSealed from None

    def digest(self, key_id: UUID, message: str) -> str:
        return hmac.new(self._key(key_id), message.encode(), hashlib.sha256).hexdigest()

    def mark(self, message: str) -> str:
        self._refuse_if_broken()
        return hmac.new(b"marks" * 8, message.encode(), hashlib.sha256).hexdigest()[:32]

    def destroy(self, key_id: UUID) -> bool:
        self._refuse_if_broken()
        return self.keys.pop(key_id, None) is not None

    def held(self, *, made_before: datetime) -> frozenset[UUID]:
        self._refuse_if_broken()
        return frozenset(key_id for key_id in self.keys if self.made[key_id] < made_before)

    def _key(self, key_id: UUID) -> bytes:
        self._refuse_if_broken()
        try:
            return self.keys[key_id]
        except KeyError:
            raise KeyGone from None

    def _refuse_if_broken(self) -> None:
        if self.broken:
            msg = "keys/master.json is missing: put it back; of a new installation, make it with: spheres keys init"
            raise NoKeys(msg)
