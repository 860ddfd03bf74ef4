"""Sign-ins: how one begins and ends, which ones a person has, and what a sign-in keeps between its two halves.

A sign-in is a row that a cookie finds by its digest (`models.access.BrowserSession`). The record tells of its
beginning, its end and each refusal: by which means, and never by which token, address or passkey.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session, and_

from domain.access import voiding
from domain.kernel import (
    SIGN_IN,
    Actor,
    Refusal,
    add_row,
    changes,
    col,
    digest,
    in_program,
    only,
    program_of,
    put_row,
    run,
    scalar,
    scalars,
    select,
    tuples,
)
from domain.record import events
from domain.roles import lock_person
from locales import N_
from models.access import BrowserSession, SignInFlow
from models.ports import FlowKept

Means = Literal["demonstration", "entra", "passkey"]
Ending = Literal["signed_out", "ended_elsewhere", "left", "door_closed"]

#: A sign-in ends automatically after lying idle for this long, and at this age.
IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=10)


class NotLetIn(Refusal):
    """The refusal of a sign-in with what belongs to a person; only the record says why.

    Its catcher undoes what was begun, and calls `refused` in a transaction of its own.
    """

    def __init__(self, person_id: UUID, reason: str) -> None:
        super().__init__(
            "sign_in.refused",
            N_(
                "This did not let you in. Try again, use another way to sign in, or ask for a new link by e-mail. If "
                "none of these lets you in, ask the coordination."
            ),
        )
        self.person_id = person_id
        self.reason = reason


def begin(session: Session, person_id: UUID, *, means: Means, device: str, at: datetime) -> str:
    """Begin a sign-in of a person under a new token, which is returned and stored nowhere.

    `device` is what `device_of` says. The caller has checked that this person may sign in, after locking them. Raises
    NotLetIn for one whose access may have ended before a restore, until it is decided.
    """
    if voiding.is_kept_out(session, person_id, at=at):
        raise NotLetIn(person_id, "undecided")
    token = secrets.token_urlsafe(32)
    row = BrowserSession(
        token_digest=digest(session, token),
        program_id=program_of(session),
        person_id=person_id,
        means=means,
        device=device,
        signed_in_at=at,
        seen_at=at,
    )
    add_row(session, row)
    events.write(session, "sign_in.begun", "person", person_id, by=_themselves(person_id), at=at, means=means)
    return token


def refused(session: Session, person_id: UUID, *, means: Means, reason: str, at: datetime) -> None:
    """Record that a sign-in with what belongs to this person was refused. `reason` is a code.

    The caller commits; what the refused act itself did is undone before.
    """
    who = Actor.system(SIGN_IN)
    events.write(session, "sign_in.refused", "person", person_id, by=who, at=at, means=means, reason=reason)


class SignInShown(NamedTuple):
    """A sign-in as its person knows it."""

    id: UUID
    means: str
    device: str
    signed_in_at: datetime
    seen_at: datetime


def open_sign_ins(session: Session, person_id: UUID, *, at: datetime) -> list[SignInShown]:
    """A person's sign-ins that still hold, the one seen last first. Without digests: it opens nothing."""
    shown = select(
        BrowserSession.id,
        BrowserSession.means,
        BrowserSession.device,
        BrowserSession.signed_in_at,
        BrowserSession.seen_at,
    ).where(_are_open(person_id, at))
    return [SignInShown(*row) for row in tuples(session, shown.order_by(col(BrowserSession.seen_at).desc()))]


def sign_in_of(session: Session, token: str) -> UUID | None:
    """The id of this cookie's sign-in, to mark it in the list; None where it is none of this program's."""
    return scalar(session, only(BrowserSession.id).where(col(BrowserSession.token_digest) == digest(session, token)))


def end(session: Session, person_id: UUID, sign_in_id: UUID, *, by: Actor, at: datetime) -> None:
    """End one of a person's sign-ins, on any device: the next request with its cookie is a stranger's.

    Raises Refusal where the person has no such sign-in, or it has ended.
    """
    lock_person(session, person_id)
    ended = scalar(
        session,
        update(BrowserSession)
        .where(_are_open(person_id, at), col(BrowserSession.id) == sign_in_id)
        .values(ended_at=at, ended_as="ended_elsewhere")
        .returning(col(BrowserSession.means)),
    )
    if ended is None:
        raise Refusal("sign_in.unknown", N_("This sign-in has ended already."))
    _tell_of_end(session, person_id, [ended], "ended_elsewhere", 1, by=by, at=at)


def end_all(session: Session, person_id: UUID, *, reason: Ending, by: Actor, at: datetime) -> int:
    """End every sign-in of a person. Returns how many there were; where there was none, nothing is written."""
    ended = scalars(
        session,
        changes(BrowserSession)
        .where(BrowserSession.person_id == person_id, col(BrowserSession.ended_at).is_(None))
        .values(ended_at=at, ended_as=reason)
        .returning(col(BrowserSession.means)),
    ).all()
    if ended:
        means: list[str] = sorted(set(ended))
        _tell_of_end(session, person_id, means, reason, len(ended), by=by, at=at)
    return len(ended)


def end_by_token(session: Session, token: str, *, at: datetime) -> str:
    """End the sign-in of this cookie, by its person, in the session of its program: a copy is then worthless.

    Returns the means by which it had begun, "" where there was none to end.
    """
    this = and_(in_program(BrowserSession), col(BrowserSession.token_digest) == digest(session, token))
    whose: UUID | None = scalar(session, select(BrowserSession.person_id).where(this))
    if whose is None:
        return ""
    lock_person(session, whose)
    means: str | None = scalar(
        session,
        update(BrowserSession)
        .where(this, col(BrowserSession.ended_at).is_(None))
        .values(ended_at=at, ended_as="signed_out")
        .returning(col(BrowserSession.means)),
    )
    if means is None:
        return ""
    _tell_of_end(session, whose, [means], "signed_out", 1, by=_themselves(whose), at=at)
    return means


# Between the two halves of a sign-in.


def keep(
    session: Session, cookie: str, kind: str, kept: Mapping[str, object], *, at: datetime, open_for: timedelta
) -> None:
    """Keep what the second half of a sign-in will need, under the browser's own cookie.

    A first half begun anew replaces the one before. `session` need not have a program.
    """
    flow = SignInFlow(cookie_digest=digest(session, cookie), kind=kind, kept=dict(kept), expires_at=at + open_for)
    put_row(session, flow)


def look(session: Session, cookie: str, kind: str, *, at: datetime) -> FlowKept | None:
    """What is kept for this browser, without taking it; None as in `take`."""
    return scalar(
        session,
        select(SignInFlow.kept).where(
            col(SignInFlow.cookie_digest) == digest(session, cookie),
            SignInFlow.kind == kind,
            col(SignInFlow.expires_at) > at,
        ),
    )


def take(session: Session, cookie: str, kind: str, *, at: datetime) -> FlowKept | None:
    """Take what was kept for this browser, once: of two that try, one gets it. None where nothing is left."""
    if not cookie:
        return None
    row = run(
        session,
        delete(SignInFlow)
        .where(col(SignInFlow.cookie_digest) == digest(session, cookie), col(SignInFlow.kind) == kind)
        .returning(col(SignInFlow.kept), col(SignInFlow.expires_at)),
    ).first()
    kept: FlowKept | None = None if row is None or row.expires_at <= at else row.kept
    return kept


# A browser's name for people.

_BROWSERS: Final = (
    # The order matters: nearly every browser says that it is also another.
    (re.compile(r"\bEdgA?/"), "Edge"),
    (re.compile(r"\bEdgiOS/"), "Edge"),
    (re.compile(r"\b(OPR|OPT|Opera)/"), "Opera"),
    (re.compile(r"\bSamsungBrowser/"), "Samsung Internet"),
    (re.compile(r"\b(Firefox|FxiOS)/"), "Firefox"),
    (re.compile(r"\b(Chrome|CriOS|HeadlessChrome)/"), "Chrome"),
    (re.compile(r"\bSafari/"), "Safari"),
)
_SYSTEMS: Final = (
    (re.compile(r"\biPhone\b"), "iPhone"),
    (re.compile(r"\biPad\b"), "iPad"),
    (re.compile(r"\bAndroid\b"), "Android"),
    (re.compile(r"\bWindows\b"), "Windows"),
    (re.compile(r"\bMac OS X\b|\bMacintosh\b"), "macOS"),
    (re.compile(r"\bCrOS\b"), "ChromeOS"),
    (re.compile(r"\bLinux\b"), "Linux"),
)
#: No browser's own words are longer than this before they name it; the rest is not looked at.
_LOOKED_AT: Final = 400


def device_of(agent: str) -> str:
    """A browser and its system by our names for them, from what it says of itself: "Firefox, Windows"; "" if unknown.

    Only names of these lists are ever stored: what a browser says of itself is a stranger's text.
    """
    agent = agent[:_LOOKED_AT]
    found = (next((name for sign, name in names if sign.search(agent)), "") for names in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in found if name)


def _tell_of_end(
    session: Session, person_id: UUID, means: list[str], reason: Ending, sign_ins: int, *, by: Actor, at: datetime
) -> None:
    events.write(
        session, "session.ended", "person", person_id, by=by, at=at, means=means, reason=reason, sign_ins=sign_ins
    )


def _are_open(person_id: UUID, at: datetime) -> ColumnElement[bool]:
    return and_(
        in_program(BrowserSession),
        BrowserSession.person_id == person_id,
        col(BrowserSession.ended_at).is_(None),
        # One that only watches a meeting still opens that page: its person sees it in their list, and may end it.
        func.greatest(BrowserSession.seen_at, BrowserSession.watched_at) > at - IDLE,
        col(BrowserSession.signed_in_at) > at - LONGEST,
    )


def _themselves(person_id: UUID) -> Actor:
    return Actor(role="", person_id=person_id)
