"""What MSAL works with: a client that speaks over TLS alone, and a cache that keeps no token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx2
import msal  # type: ignore[import-untyped]  # it has no types

#: Errors of the token's address that say that we, and not the person, are refused.
OUR_FAULT: Final = frozenset({"invalid_client", "unauthorized_client", "invalid_scope", "invalid_resource"})


class ForMsal:
    """The client as MSAL calls it: over TLS alone, for every address in a description. Our secret goes along."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    def get(self, url: str, **kwargs: Any) -> httpx2.Response:
        """Fetch something."""
        return self._http.get(_encrypted(url), **kwargs)

    def post(self, url: str, *, data: Mapping[str, object], **kwargs: Any) -> httpx2.Response:
        """Post a form. MSAL makes the proof of a certificate as bytes, which this client would write as Python does."""
        form = {name: value.decode() if isinstance(value, bytes) else value for name, value in data.items()}
        return self._http.post(_encrypted(url), data=form, **kwargs)

    def close(self) -> None:
        """Nothing: others use the client too."""


def _encrypted(url: str) -> str:
    if not url.startswith("https://"):
        raise httpx2.UnsupportedProtocol("the directory is spoken to over TLS alone")
    return url


class NoTokens(msal.TokenCache):  # type: ignore[misc]  # msal has no types
    """Keeps no token: the caller who asked for one has it, and MSAL hands out no older one."""

    def add(self, event: Mapping[str, object], now: float | None = None) -> None:
        """Nothing."""
