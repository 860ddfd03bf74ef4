"""A passkey's authenticator in software, which can be bent: it makes keys, signs challenges, and lies where it is told.

It does what a browser and its authenticator do together for the pages' script: it takes what the server asks, and gives
what the script sends back. A test with a real browser (tests/api/test_passkeys.py) holds it to the real thing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn import base64url_to_bytes
from webauthn.helpers import bytes_to_base64url

_PRESENT: Final = 0x01
_VERIFIED: Final = 0x04
_WITH_KEY: Final = 0x40


@dataclass
class Authenticator:
    """One passkey. `origin` is that of the page that the browser shows, `verifies` whether a finger is asked for."""

    origin: str
    host: str
    verifies: bool = True
    count: int = 0
    counts: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""

    def create(self, options: dict[str, Any]) -> str:
        """Make the passkey that the server asks for."""
        self.handle = base64url_to_bytes(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options["challenge"])
        numbers = self.key.public_key().public_numbers()
        public_key = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        )
        made = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + public_key
        attested = {"fmt": "none", "attStmt": {}, "authData": self._said(_WITH_KEY) + made}
        return self._answer({"clientDataJSON": client_data, "attestationObject": cbor2.dumps(attested)})

    def get(self, options: dict[str, Any]) -> str:
        """Sign the challenge of the server."""
        client_data = self._client_data("webauthn.get", options["challenge"])
        said = self._said(0)
        signature = self.key.sign(said + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": client_data,
                "authenticatorData": said,
                "signature": signature,
                "userHandle": self.handle,
            }
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _said(self, more: int) -> bytes:
        self.count += 1
        flags = _PRESENT | (_VERIFIED if self.verifies else 0) | more
        count = self.count if self.counts else 0
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _answer(self, response: dict[str, bytes]) -> str:
        written = bytes_to_base64url(self.credential)
        parts = {name: bytes_to_base64url(value) for name, value in response.items()}
        return json.dumps({"id": written, "rawId": written, "type": "public-key", "response": parts})
