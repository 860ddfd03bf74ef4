"""ID tokens of a directory: its published keys, and whether a token tells the truth. MSAL checks none of it.

Nothing of a token is believed before its signature is. What is wrong with it becomes a code, and never a text: a token
holds names.
"""

from __future__ import annotations

import hmac
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx2
import jwt

from models.ports import Proven, ProviderUnavailable, Unproven

_log = logging.getLogger(__name__)

#: The only signature that Entra makes, and the only one believed: neither "none" nor a secret taken for a key.
_ALGORITHM: Final = "RS256"
_SMALLEST_KEY_BITS: Final = 2048
#: How far the directory's clock and ours may be apart.
_LEEWAY_SECONDS: Final = 60
#: How long published keys are believed without looking again. Entra changes them every few weeks.
_KEPT_SECONDS: Final = 24 * 3600
#: A token under an unknown key has the keys fetched again, at most so often: anyone can send such tokens.
_LOOK_AGAIN_SECONDS: Final = 60
#: How long one that did not answer is left alone: meanwhile no one waits for it, and no thread of the web is blocked.
_LEFT_ALONE_SECONDS: Final = 10
#: In the published issuer of a directory of several tenants, where the tenant of the token stands.
_ANY_TENANT: Final = "{tenantid}"

_REQUIRED: Final = ["exp", "iat", "iss", "aud", "sub", "tid", "oid", "nonce"]

_WRONG: Final[tuple[tuple[type[jwt.InvalidTokenError], str], ...]] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not_yet"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidSignatureError, "signature"),
    (jwt.InvalidAlgorithmError, "algorithm"),
    (jwt.MissingRequiredClaimError, "claims"),
)


class Unreachable(Exception):
    """The directory did not answer, or not with what it publishes. `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class _Key:
    """A published key, and for which issuer it signs (empty where it does not say)."""

    key: jwt.PyJWK
    issuer: str


@dataclass(frozen=True)
class PublishedKeys:
    """What a directory publishes of itself, as of a moment on this process's own clock."""

    issuer: str
    end_session: str
    keys: Mapping[str, _Key]
    fetched: float


class Directory:
    """What one directory publishes, fetched when it is needed and kept for a day. Safe among threads.

    `address` is where it stands, tenant and version included; `expected_issuer` is what it must call itself.
    """

    def __init__(
        self, http: httpx2.Client, address: str, *, expected_issuer: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._address = address
        self._expected_issuer = expected_issuer
        self._clock = clock
        self._fetching = threading.Lock()
        self._kept: PublishedKeys | None = None
        self._failed: tuple[float, Unreachable] | None = None

    def published(self, *, older_than: float | None = None) -> PublishedKeys:
        """What it publishes; where `older_than` is the moment of what a caller holds already, something newer.

        Raises Unreachable.
        """
        kept = self._fresh(older_than)
        if kept is None:
            with self._fetching:
                kept = self._fresh(older_than)  # another thread may have waited for the same, and has it
                if kept is None:
                    kept = self._kept = self._asked()
        return kept

    def key(self, kid: str) -> tuple[PublishedKeys, _Key | None]:
        """The key that a token names, with what was published beside it; None where there is no such key.

        Raises Unreachable.
        """
        kept = self.published()
        if kid not in kept.keys and self._clock() - kept.fetched >= _LOOK_AGAIN_SECONDS:
            kept = self.published(older_than=kept.fetched)
        return kept, kept.keys.get(kid)

    def _fresh(self, older_than: float | None) -> PublishedKeys | None:
        kept = self._kept
        if kept is None or self._clock() - kept.fetched > _KEPT_SECONDS or kept.fetched == older_than:
            return None
        return kept

    def _asked(self) -> PublishedKeys:
        if self._failed is not None and self._clock() - self._failed[0] < _LEFT_ALONE_SECONDS:
            raise Unreachable(self._failed[1].code)
        try:
            found = self._fetch()
        except Unreachable as away:
            self._failed = self._clock(), away
            raise
        self._failed = None
        return found

    def _fetch(self) -> PublishedKeys:
        at = self._clock()
        about = self._get(f"{self._address}/.well-known/openid-configuration")
        place = about.get("jwks_uri")
        is_safe = isinstance(place, str) and place.startswith("https://")
        if about.get("issuer") != self._expected_issuer or not is_safe:
            raise Unreachable("answer")
        listed = self._get(str(place)).get("keys")
        if not isinstance(listed, list):
            raise Unreachable("answer")
        end = about.get("end_session_endpoint")
        if not isinstance(end, str) or not end.startswith("https://"):
            end = ""
        return PublishedKeys(self._expected_issuer, end, dict(filter(None, map(_usable, listed))), at)

    def _get(self, place: str) -> dict[str, object]:
        try:
            answer = self._http.get(place)
            answer.raise_for_status()
            body = answer.json()
        except httpx2.HTTPStatusError as refused:
            raise Unreachable("busy") from refused
        except (httpx2.HTTPError, httpx2.InvalidURL) as away:
            raise Unreachable("timeout" if isinstance(away, httpx2.TimeoutException) else "connect") from away
        except ValueError as unreadable:
            raise Unreachable("answer") from unreadable
        if not isinstance(body, dict):
            raise Unreachable("answer")
        return body


def prove(
    token: str, directory: Directory, *, audience: str, tenants: Collection[UUID], nonce: str
) -> Proven | Unproven | ProviderUnavailable:
    """The tenant's object that an ID token proves. Every condition of the directory's own rules is checked here.

    Signed with RS256 under a key that the directory publishes for this issuer; for us and no one else; now; by the
    issuer of the tenant that it names; that tenant on our list; answering the very sign-in that has this `nonce`.
    """
    try:
        kept, found = directory.key(str(jwt.get_unverified_header(token).get("kid", "")))
        if found is None:
            return Unproven("key")
        claims: dict[str, object] = jwt.decode(
            token,
            found.key,
            algorithms=[_ALGORITHM],
            audience=audience,
            leeway=_LEEWAY_SECONDS,
            # The issuer depends on the tenant, which is only believed from here on.
            options={"require": _REQUIRED, "strict_aud": True, "verify_iss": False},
        )
    except jwt.InvalidTokenError as wrong:
        return Unproven(next((code for kind, code in _WRONG if isinstance(wrong, kind)), "token"))
    except Unreachable as away:
        _log.warning("the directory's keys cannot be fetched", extra={"code": away.code})
        return ProviderUnavailable(away.code)
    return _proven(_Claims.of(claims), kept.issuer, found.issuer, tenants=tenants, nonce=nonce)


@dataclass(frozen=True)
class _Claims:
    """What a token says of who it is of and what it answers."""

    tid: str
    oid: object
    iss: object
    nonce: str

    @classmethod
    def of(cls, claims: Mapping[str, object]) -> _Claims:
        """Those of a token that has them all."""
        return cls(str(claims["tid"]), claims["oid"], claims["iss"], str(claims["nonce"]))


def _proven(
    claims: _Claims, issuer: str, signs_for: str, *, tenants: Collection[UUID], nonce: str
) -> Proven | Unproven:
    """Whom claims prove whose signature is good, made with a key that signs for an issuer; empty for any."""
    tenant, object_id = _uuid(claims.tid), _uuid(claims.oid)
    if tenant is None or object_id is None:
        return Unproven("claims")
    if tenant not in tenants:
        return Unproven("tenant")
    if claims.iss != issuer.replace(_ANY_TENANT, claims.tid):
        return Unproven("issuer")
    if signs_for and claims.iss != signs_for.replace(_ANY_TENANT, claims.tid):
        return Unproven("issuer")
    if not hmac.compare_digest(claims.nonce.encode(), nonce.encode()):
        return Unproven("nonce")
    return Proven(tenant, object_id)


def _usable(listed: Any) -> tuple[str, _Key] | None:
    """A published key by its name, where it is one of those that sign ID tokens; others are passed over."""
    if not isinstance(listed, dict) or listed.get("kty") != "RSA" or listed.get("use", "sig") != "sig":
        return None
    name, issuer = listed.get("kid"), listed.get("issuer", "")
    if not isinstance(name, str) or not isinstance(issuer, str) or listed.get("alg", _ALGORITHM) != _ALGORITHM:
        return None
    try:
        key = jwt.PyJWK(listed, algorithm=_ALGORITHM)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return (name, _Key(key, issuer)) if key.key.key_size >= _SMALLEST_KEY_BITS else None


def _uuid(claim: object) -> UUID | None:
    """A claim that is an id, written as the directory writes it: any other spelling is another's."""
    try:
        found = UUID(claim) if isinstance(claim, str) else None
    except ValueError:
        return None
    return found if found is not None and str(found) == claim else None
