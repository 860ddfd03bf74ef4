"""What the engine's tests share: a clock that is set by hand, the engine's means, and people who do their part."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from adapters.database import listen, open_session, program_session
from domain.casework import wakeups
from domain.casework.wakeups import Claim, claim
from domain.mail import delivery
from domain.mail.envelopes import Mailbox
from domain.mail.notices import LetterTemplates, stationery_for
from flows.carry import Carried, carry, plainly
from flows.engine import Means
from flows.protocols import letter_folders
from flows.worker import Worker
from models.base import table_of
from models.committee import SeatHolder
from models.outbox import Notice
from models.ports import Accepted, Outcome, SealKeys
from models.record import Event
from tests.casework import approve, case_row, complete, step, steps
from tests.cast import AT, KEYS, Cast
from tests.raw_rows import many

NOTICE, EVENT, HOLDER = table_of(Notice), table_of(Event), table_of(SeatHolder)


@dataclass
class Clock:
    """The tests' time: it moves when it is told to."""

    now: datetime = AT

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Mailbag:
    """A mailer that answers as it is told, first to last, then takes everything."""

    answers: list[Outcome] = field(default_factory=list)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    again: list[bool] = field(default_factory=list)

    def send(self, *, to: str, message: bytes, again: bool = False) -> Outcome:
        self.sent.append((to, message))
        self.again.append(again)
        return self.answers.pop(0) if self.answers else Accepted()


@cache
def paper() -> LetterTemplates:
    """The stationery of a worker: the common letters and those of the protocols."""
    return stationery_for(
        sender=Mailbox("spheres@program.example", "SPHÈRES"),
        base_url="https://spheres.example",
        folders=letter_folders(),
    )


def means_of(
    cast: Cast, clock: Callable[[], datetime], mailer: Mailbag | None = None, seal_keys: SealKeys | None = None
) -> Means:
    engine = cast.database.engine

    def sessions(program_id: UUID) -> Session:
        session = program_session(engine, program_id)
        session.info.update(letter_templates=paper(), keys=KEYS)
        return session

    return Means(sessions, lambda: open_session(engine), clock, mailer or Mailbag(), seal_keys)


def take(means: Means, worker: str = "test") -> Claim | None:
    """Take the next case that wants carrying."""
    with means.open_sessions() as session:
        taken = claim(session, worker=worker, at=means.clock(), lease=timedelta(seconds=120))
        session.commit()
    return taken


def carry_all(means: Means, *, most: int = 50) -> list[Carried]:
    """Carry whatever wants carrying, without Prefect, until nothing does."""
    done = []
    while (taken := take(means)) is not None:
        done.append(asyncio.run(carry(taken, means, plainly(means))))
        assert len(done) <= most, "the cases never come to rest"
    return done


def onboard(cast: Cast, means: Means, case_id: UUID, names: Iterable[str], *, at: datetime) -> None:
    """Do these steps as people do, approvals included, and let the engine follow each."""
    for name in names:
        with cast.session() as session:
            items = [item for (found, item) in steps(session, case_id) if found == name]
        for item in items:
            if complete(cast, case_id, name, item=item, at=at).state == "submitted":
                approver = "manager_la" if name == "request_petty_cash" else "manager_em"
                approve(cast, case_id, name, by=cast.actor(approver), at=at)
        carry_all(means)


def task(cast: Cast, case_id: UUID, name: str, item: str = "") -> dict[str, Any]:
    """One task of a case, as it stands now."""
    with cast.session() as session:
        return step(session, case_id, name, item)


def case(cast: Cast, case_id: UUID) -> dict[str, Any]:
    """A case as it stands now."""
    with cast.session() as session:
        return case_row(session, case_id)


def letters(cast: Cast, template: str) -> list[dict[str, Any]]:
    with cast.session() as session:
        return many(session, select(NOTICE).where(NOTICE.c.template == template).order_by(NOTICE.c.n))


def body(letter: dict[str, Any]) -> str:
    """The plain text of a letter, as its reader sees it, without breaks of lines."""
    message = message_from_bytes(letter["message"], policy=policy.default)
    part = message.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def told(cast: Cast, verb: str) -> list[dict[str, Any]]:
    with cast.session() as session:
        return many(session, select(EVENT).where(EVENT.c.verb == verb).order_by(EVENT.c.n))


def seats(cast: Cast, person: str) -> list[dict[str, Any]]:
    """What a person holds on committees, or held; not what was withdrawn."""
    with cast.session() as session:
        return many(
            session, select(HOLDER).where(HOLDER.c.person_id == cast.people[person], HOLDER.c.withdrawn_at.is_(None))
        )


#: How long what is to come may take on a slow machine.
SOON_SECONDS = 120


def eventually(true: Callable[[], Any], *, within: float = SOON_SECONDS) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


@asynccontextmanager
async def working(cast: Cast, means: Means, url: str = "") -> AsyncIterator[Worker]:
    channels = (wakeups.WAKE_CHANNEL, delivery.POST_CHANNEL)
    worker = Worker(means, ears=lambda: listen(cast.database.url, *channels), prefect_url=url)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running


def within(cast: Cast, means: Means, body: Callable[[Worker], None], url: str = "") -> None:
    """Run a test's body in a thread while the worker works."""

    async def both() -> None:
        async with working(cast, means, url) as worker:
            await asyncio.to_thread(body, worker)

    asyncio.run(both())
