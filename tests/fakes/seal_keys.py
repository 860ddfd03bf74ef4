"""Seal keys in memory, with more than one where a test rotates, or loses, one."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass
class FakeSealKeys:
    """Keys by their ids; the last one seals."""

    keys: dict[str, bytes] = field(default_factory=lambda: {"first": b"k" * 32})

    def current(self) -> str:
        return list(self.keys)[-1]

    def sign(self, key_id: str, message: bytes) -> str | None:
        key = self.keys.get(key_id)
        return None if key is None else hmac.new(key, message, hashlib.sha256).hexdigest()
