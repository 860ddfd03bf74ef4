"""The headers that every answer carries, whatever made it: a page, the API, a file, a redirection, a fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What no page of ours uses, and so no page may. A passkey is asked for by our own pages alone.
_PERMISSIONS: Final = ", ".join(
    (
        *(
            f"{feature}=()"
            for feature in (
                "accelerometer",
                "autoplay",
                "bluetooth",
                "browsing-topics",
                "camera",
                "display-capture",
                "encrypted-media",
                "fullscreen",
                "geolocation",
                "gyroscope",
                "hid",
                "identity-credentials-get",
                "idle-detection",
                "local-fonts",
                "magnetometer",
                "microphone",
                "midi",
                "payment",
                "picture-in-picture",
                "screen-wake-lock",
                "serial",
                "usb",
                "web-share",
                "xr-spatial-tracking",
            )
        ),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    )
)

EVERYWHERE: Final[Mapping[str, str]] = {
    # What an answer does not say of itself: nothing is loaded, nothing runs, nothing is sent, nobody frames it. A page
    # brings a policy of its own (`api.web.rendering`).
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: a form of ours would then be sent with "Origin: null", by which an older browser is told apart.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": _PERMISSIONS,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Cache-Control": "no-store",
}
"""Each is put where the answer has none of that name."""

#: Two years, as the lists of browsers ask. Without the neighbours under the same name, which are not ours to speak for.
_OVER_TLS: Final = "max-age=63072000"

#: A file's address changes with its contents (`?v=`). Not for a year all the same: while an installation is brought up
#: to date, an old process may answer a new address.
_FILE_FOR: Final = "public, max-age=3600"
_FILE_ASKED_ANEW: Final = "public, no-cache"


class SecurityHeaders:
    """Puts the headers on each answer, around everything else: also what stands in for a fault has them.

    `is_https` says that people come over TLS, whatever the hop before us used; `files_under` is the path of the
    files that hold no one's data, and that browsers may keep.
    """

    def __init__(self, app: ASGIApp, *, is_https: bool, files_under: str = "/static/") -> None:
        self.app = app
        self.is_https = is_https
        self.files_under = files_under

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"].startswith(self.files_under) and message["status"] in _KEPT:
                    headers.setdefault("Cache-Control", _age_of(scope))
                for name, value in EVERYWHERE.items():
                    headers.setdefault(name, value)
                if self.is_https:
                    headers["Strict-Transport-Security"] = _OVER_TLS
            await send(message)

        await self.app(scope, receive, send_with_headers)


#: The whole file, a part of it, and that it has not changed.
_KEPT: Final = frozenset({200, 206, 304})


def _age_of(scope: Scope) -> str:
    """How long a file may be kept: a while where its address names its contents, else asked about each time."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return _FILE_FOR if "v" in query else _FILE_ASKED_ANEW
