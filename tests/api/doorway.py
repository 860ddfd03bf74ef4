"""At the door, as the tests come to it: letters with their links, and coming in by a fake authenticator's passkey."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email import message_from_bytes
from email.policy import SMTP
from typing import Final, TypeVar

from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlmodel import Session

from domain.access.invitations import invite
from domain.roles.deputies import lock_person
from models.base import table_of
from models.outbox import Notice
from models.record import Event
from tests.api.application import ADDRESS, nobody
from tests.cast import AT, Cast
from tests.fakes.authenticator import Authenticator

_notice = table_of(Notice)
_event = table_of(Event)

Answer = TypeVar("Answer")

HOST: Final = ADDRESS.removeprefix("http://")
LINK: Final = re.compile(r"/door/[A-Za-z0-9_-]{43}")


def authenticator() -> Authenticator:
    """A new passkey in a browser that shows our own pages."""
    return Authenticator(ADDRESS, HOST)


def letters(cast: Cast, name: str, template: str) -> list[str]:
    """The texts of the letters of one kind to one of the cast, the newest first."""
    with cast.session() as session:
        rows = session.execute(
            select(_notice.c.message)
            .where(_notice.c.person_id == cast.people[name], _notice.c.template == template)
            .order_by(_notice.c.n.desc())
        )
        return [text_of(row.message) for row in rows]


def text_of(message: bytes) -> str:
    """The plain text of a finished letter."""
    body = message_from_bytes(message, policy=SMTP).get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text


def link(cast: Cast, name: str, template: str) -> str:
    """The path of the link in the newest letter of one kind to one of the cast."""
    found = LINK.search(letters(cast, name, template)[0])
    assert found is not None, "the letter has no link"
    return found[0]


def invited(cast: Cast, name: str, *, by: str = "coordinator", at: datetime = AT) -> str:
    """Invite one of the cast; the path of the link."""
    with cast.session() as session:
        invite(session, cast.people[name], by=cast.actor(by), at=at)
    return link(cast, name, "invitation")


def ready_to_enrol(cast: Cast, name: str, *, at: datetime = AT) -> tuple[TestClient, str]:
    """A browser in which one of the cast accepted an invitation, and the path of the link that came next."""
    browser = nobody(cast.database, at=at)
    accepted = browser.post(invited(cast, name, at=at))
    assert accepted.status_code == 303, accepted.text
    return browser, link(cast, name, "enrolment")


def enrolled(cast: Cast, name: str, *, at: datetime = AT) -> tuple[TestClient, Authenticator]:
    """A browser in which one of the cast has just enrolled a passkey and is signed in, and the passkey."""
    browser, door = ready_to_enrol(cast, name, at=at)
    passkey = authenticator()
    answer = browser.post(f"{door}/passkey", data={"answer": passkey.create(browser.post(f"{door}/options").json())})
    assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text
    return browser, passkey


def come_in(browser: TestClient, passkey: Authenticator) -> int:
    """Sign in by a passkey; the status of the answer."""
    options = browser.post("/sign-in/passkey/options").json()
    return browser.post("/sign-in/passkey", data={"answer": passkey.get(options)}).status_code


def told(cast: Cast, verb: str) -> list[dict[str, object]]:
    """The facts of every line of the record with this verb, the oldest first."""
    with cast.session() as session:
        rows = session.execute(select(_event.c.facts).where(_event.c.verb == verb).order_by(_event.c.n))
        return [row.facts for row in rows]


def amid(
    cast: Cast, name: str, ending: Callable[[Session], object], come: Callable[[], Answer], *, done: bool = False
) -> Answer:
    """What one of the cast is answered who comes in while somebody ends their access, in a transaction of their own.

    They come when the end has begun, which is to hold them, or when all of it is `done` and not yet kept; and wait for
    it in the middle of coming in.
    """
    with ThreadPoolExecutor(1) as pool:
        with cast.session() as session:
            if done:
                ending(session)
            else:
                lock_person(session, cast.people[name])
            coming = pool.submit(come)
            until = time.monotonic() + 10
            while not session.scalar(_WAITING):
                assert time.monotonic() < until, "they did not wait"
                session.execute(text("select pg_stat_clear_snapshot()"))
                time.sleep(0.01)
            if not done:
                ending(session)
        return coming.result(20)


_WAITING: Final = text(
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
)
