"""The program's own address, to which a passkey is bound, as browsers name it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Site:
    """The host that a passkey is bound to, and the origin of the pages that may use it."""

    host: str
    origin: str


def site_of(base_url: str) -> Site | None:
    """The site of the address that people type; None where browsers bind no passkey to it: an IP address is no name.

    Over plain http browsers allow passkeys on this machine's own name alone, which is `localhost`.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        port = "" if parts.port in (None, _USUAL_PORTS.get(parts.scheme)) else f":{parts.port}"
        return Site(host, f"{parts.scheme}://{host}{port}") if host else None
    return None


#: A browser leaves these out when it names an origin.
_USUAL_PORTS: Final = {"http": 80, "https": 443}
