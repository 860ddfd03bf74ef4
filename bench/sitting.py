"""A meeting that sits, followed on 25 devices: the CPU that they take of the web, and how soon they have what changed.

The web is served as it always is, by one process. The secretary acts every few seconds, which is more than anybody
types; what one page of the same meeting takes is measured beside it, so that the share can be told in pages a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlmodel import Session

from api.access.session import Installation
from bench.figures import Ratio, cpu_of, median, ms, table
from bench.ground import STAFF, Ground, now
from bench.processes import free_port, module, running, serves, wait_for
from bench.reading import cookie_of
from domain.kernel import local_day, only, run, scalars
from meetings import assembling, schedule
from meetings import running as sittings
from meetings.agenda_items import items_of
from meetings.committees import committee_of
from models.committee import Seat, SeatHolder
from models.follow_up import Assignment, FollowUp
from models.meeting import Meeting
from models.participant import Participant
from models.program import Person

DEVICES: Final = 25
CASES: Final = 40
#: So often the secretary acts.
EVERY: Final = 3.0


def measure(ground: Ground, folder: Path, *, seconds: float) -> Iterator[Ratio]:
    """Follow a meeting for so many seconds, first while nothing happens and then while its secretary acts."""
    port = free_port()
    environment = {
        "DATABASE_URL": ground.urls.app,
        "SPHERES_DATA": str(folder),
        "SPHERES_BASE_URL": f"http://127.0.0.1:{port}",
    }
    meeting_id, people = _sits(ground)
    installation = Installation(ground.engine, ground.letter_templates, f"http://127.0.0.1:{port}", demonstration=False)
    cookies = [cookie_of(installation, ground.program_id, one) for one in people]
    command = module("uvicorn", "--factory", "api.app:from_environment", "--port", str(port), "--log-level", "warning")
    with running(command, environment, folder / "sitting.log") as web:
        wait_for(serves(f"http://127.0.0.1:{port}/healthz"), "the web", web)
        room = _Room(ground, port, web.pid, meeting_id, cookies)
        page = asyncio.run(room.pages(20))
        quiet, acting, delays = asyncio.run(room.followed(seconds))
    rows = {
        "one page": (ms(page), "", ""),
        "nobody acts": (f"{quiet:.1%} of a core", "", ""),
        f"an act every {EVERY:.0f} s": (f"{acting:.1%} of a core", ms(median(delays)), ms(max(delays))),
    }
    print(table(f"12. A meeting followed on {DEVICES} devices", ("CPU of the web", "seen, p50", "seen, slowest"), rows))
    yield Ratio("sitting.share", acting, at_most=0.1)
    yield Ratio("sitting.quiet_share", quiet, at_most=0.05)
    yield Ratio("sitting.pages_a_second", acting / page, at_most=5)
    yield Ratio("sitting.seen_slowest", max(delays), at_most=2)


class _Room:
    """A meeting, and whoever follows it."""

    def __init__(self, ground: Ground, port: int, web: int, meeting_id: UUID, cookies: list[str]) -> None:
        self._ground, self._port, self._web, self._meeting = ground, port, web, meeting_id
        self._cookies = cookies
        self._seen: list[float] = []
        self._all_have_it = asyncio.Event()
        self._turn = 0

    async def pages(self, count: int) -> float:
        """The CPU of the web that one page of the meeting takes."""
        await self._get(self._cookies[0], "")
        begun = cpu_of([self._web])
        for _ in range(count):
            await self._get(self._cookies[0], "")
        return (cpu_of([self._web]) - begun) / count

    async def followed(self, seconds: float) -> tuple[float, float, list[float]]:
        """The share of a core while nobody acts and while somebody does; and how soon the last device saw each act."""
        followers = [asyncio.create_task(self._follow(cookie)) for cookie in self._cookies]
        await self._all_have_it.wait()
        quiet = await self._share(seconds)
        delays: list[float] = []
        share = asyncio.create_task(self._share(seconds))
        while not share.done():
            self._seen.clear()
            self._all_have_it.clear()
            acted = await asyncio.to_thread(self._act)
            await self._all_have_it.wait()
            delays.append(max(self._seen) - acted)
            await asyncio.sleep(max(0.0, EVERY - delays[-1]))
        for one in followers:
            one.cancel()
        return quiet, await share, delays

    async def _share(self, seconds: float) -> float:
        begun, used = time.monotonic(), cpu_of([self._web])
        await asyncio.sleep(seconds)
        return (cpu_of([self._web]) - used) / (time.monotonic() - begun)

    def _act(self) -> float:
        """The secretary comes to another item."""
        self._turn += 1
        with self._ground.session() as session:
            items = items_of(session, self._meeting)
            sittings.take_up(session, items[self._turn % 2].id, by=self._ground.coordinator, at=now())
            session.commit()
        return time.monotonic()

    async def _get(self, cookie: str, path: str) -> None:
        reader, writer = await self._ask(cookie, path, "text/html")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.partition(b"\r\n")[0], head
        await reader.read()
        writer.close()

    async def _follow(self, cookie: str) -> None:
        reader, writer = await self._ask(cookie, "/events", "text/event-stream")
        try:
            assert b" 200 " in (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0]
            while line := await reader.readline():
                if line.startswith(b"event: ") and line != b"event: here\n":
                    assert line == b"event: shown\n", line
                    self._seen.append(time.monotonic())
                    if len(self._seen) >= len(self._cookies):
                        self._all_have_it.set()
        finally:
            writer.close()

    async def _ask(self, cookie: str, path: str, accept: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        writer.write(
            f"GET /meetings/{self._meeting}/sitting{path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            f"Cookie: {cookie}\r\nAccept: {accept}\r\nAccept-Language: fr\r\nConnection: close\r\n\r\n".encode()
        )
        return reader, writer


def _sits(ground: Ground) -> tuple[UUID, list[UUID]]:
    """A clinic that sits today with its cases, and the people who sit in it."""
    with ground.session() as session:
        people = list(scalars(session, only(Person.id).where(Person.key.like("staff-%"))))[:DEVICES]  # type: ignore[attr-defined]
        assert len(people) == min(DEVICES, STAFF)
        committee = committee_of(session, "clinical")
        seats = list(scalars(session, only(Seat.id).where(Seat.committee_id == committee.id)))
        today = local_day(session, now())
        for place, person_id in enumerate(people):
            session.add(
                SeatHolder(
                    program_id=ground.program_id,
                    seat_id=seats[place % len(seats)],
                    person_id=person_id,
                    kind="alternate",
                    starts_on=today - timedelta(days=30),
                    recorded_at=now(),
                )
            )
        session.flush()
        _follow_some(session, ground, people)
        starts = now().astimezone(ZoneInfo(ground.time_zone)).replace(tzinfo=None, second=0, microsecond=0)
        schedule.plan_meetings(session, "clinical", [starts + timedelta(minutes=1)], by=ground.coordinator, at=now())
        meeting_id = run(session, only(Meeting.id).where(Meeting.committee_id == committee.id)).scalars().all()[-1]
        assembling.assemble(session, meeting_id, by=ground.coordinator, at=now())
        sittings.open_meeting(session, meeting_id, by=ground.coordinator, at=now())
        session.commit()
    return meeting_id, people


def _follow_some(session: Session, ground: Ground, people: list[UUID]) -> None:
    """Participants whom these people follow: rows alone, of whom nothing nominative is kept."""
    today, by = local_day(session, now()), ground.coordinator
    for place in range(CASES):
        participant_id, follow_up_id = uuid4(), uuid4()
        session.add(
            Participant(
                program_id=ground.program_id,
                id=participant_id,
                candidate_ref=f"C-{place:06d}".replace("0", "K").replace("1", "L"),
                number=f"#2020-{place + 1:02d}",
                state="admitted",
                languages=["fr"],
                admitted_on=today,
            )
        )
        session.flush()
        session.add(
            FollowUp(
                program_id=ground.program_id,
                id=follow_up_id,
                participant_id=participant_id,
                state="active",
                state_since=today,
                state_at=now(),
                state_by=by.person_id,
                state_as=by.role,
                active_since=today,
                active_at=now(),
                opened_on=today,
                opened_at=now(),
                opened_by=by.person_id,
            )
        )
        session.flush()
        session.add(
            Assignment(
                program_id=ground.program_id,
                follow_up_id=follow_up_id,
                person_id=people[place % len(people)],
                organization_id=ground.organizations[("en-marge", "anonyme", "codim", "ccsmtl")[place % 4]],
                kind="primary",
                starts_on=today,
                assigned_at=now(),
                assigned_by=by.person_id,
                assigned_as=by.role,
            )
        )
    session.flush()
