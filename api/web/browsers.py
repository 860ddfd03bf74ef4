"""Cookies of a browser without a sign-in: which one asked for a link, began a sign-in, or went to another site.

None lets anyone in. Only their digests are kept, and each is worth something together with what was kept for it.
"""

from __future__ import annotations

import secrets
from typing import Final, Literal

from fastapi import Request, Response

from api.access.session import Installation

#: A letter may take a while, and its link opens for a quarter of an hour.
_ASKED_SECONDS: Final = 3600
#: A referral that is begun by a link is gone on with on the same day; the browser may be somebody else's the next.
REFERRING_SECONDS: Final = 86_400
#: As long as a person may look for their telephone.
BEGUN_SECONDS: Final = 300
#: As long as somebody may take to sign in at the directory of their organization.
GONE_SECONDS: Final = 600

_SameSite = Literal["lax", "strict", "none"]


def asked_by(installation: Installation, request: Request) -> str:
    """The cookie of the browser that asked for a link; "" where it is another."""
    return request.cookies.get(_name(installation, "browser"), "")


def new_cookie() -> str:
    """A cookie that no browser has yet."""
    return secrets.token_urlsafe(32)


def mark_asking(installation: Installation, response: Response, cookie: str) -> None:
    """Mark the browser that asks for a link with a new cookie, anew each time.

    Lax: the link is opened from a page of mail, which is another site, and the cookie has to come with it.
    """
    _mark(installation, response, "browser", cookie, _ASKED_SECONDS, "lax")


def refers_by_link(installation: Installation, request: Request) -> str:
    """The cookie of the browser in which a referral was begun by a link; "" where it is another."""
    return request.cookies.get(_name(installation, "referral"), "")


def mark_referring(installation: Installation, response: Response, cookie: str) -> None:
    """Mark the browser in which a referral is begun by a link, and again with each save: for a day from the last one.

    Lax: the link is opened from a page of mail, which is another site, and the cookie has to come with it.
    """
    _mark(installation, response, "referral", cookie, REFERRING_SECONDS, "lax")


def begun_by(installation: Installation, request: Request) -> str:
    """The cookie of the browser that was asked for a passkey; "" where it is another."""
    return request.cookies.get(_name(installation, "flow"), "")


def mark_beginning(installation: Installation, response: Response, cookie: str) -> None:
    """Mark the browser that is asked for a passkey, anew each time. Both halves happen on our own pages."""
    _mark(installation, response, "flow", cookie, BEGUN_SECONDS, "strict")


def gone_from(installation: Installation, request: Request) -> str:
    """The cookie of the browser that went to a directory, and what it carries after a dot; "" where it is another."""
    return request.cookies.get(_name(installation, "entra"), "")


def mark_going(installation: Installation, response: Response, *, along: str = "") -> str:
    """Mark the browser that goes to a directory, anew each time; its cookie, which carries `along` after a dot.

    None: it comes back by a form that the directory's page posts, and that is another site. The name keeps it to this
    very host.
    """
    cookie = new_cookie() + (f".{along}" if along else "")
    _mark(installation, response, "entra", cookie, GONE_SECONDS, "none")
    return cookie


def forget_going(installation: Installation, response: Response) -> None:
    """Take back the cookie of the browser that went to a directory: it came back, whatever came of it."""
    _take(installation, response, "entra")


def forget(installation: Installation, response: Response) -> None:
    """Take every cookie of these back: they have served."""
    for what in ("browser", "flow", "entra"):
        _take(installation, response, what)


def _take(installation: Installation, response: Response, what: str) -> None:
    response.delete_cookie(_name(installation, what), path="/", secure=installation.is_https, httponly=True)


def _mark(
    installation: Installation, response: Response, what: str, cookie: str, seconds: int, same_site: _SameSite
) -> None:
    response.set_cookie(
        _name(installation, what),
        cookie,
        max_age=seconds,
        path="/",
        secure=installation.is_https,
        httponly=True,
        samesite=same_site,
    )


def _name(installation: Installation, what: str) -> str:
    """Over https a browser takes such a name only from this very host, so that no neighbour can plant one."""
    return f"__Host-spheres-{what}" if installation.is_https else f"spheres-{what}"
