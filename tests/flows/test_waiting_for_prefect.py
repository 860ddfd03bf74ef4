"""A person's act never waits for Prefect: not for a question to its server, and for no more than a moment in all."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from domain.casework import Claim
from flows.by_prefect import AT_ONCE, BEGIN_SECONDS, ByPrefect
from flows.health import Prefect
from tests.flows.support import SOON_SECONDS

#: What a person may wait for the effect is a second and a half. Half of it is for doing it, with eight at once.
MOST_SECONDS = 0.75


class Leaping(asyncio.SelectorEventLoop):
    """A loop in which nothing is waited for in truth: its clock leaps to when the next thing is due."""

    leapt = 0.0

    def time(self) -> float:
        return self.leapt

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.leapt = max(self.leapt, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class NeverBegins(ByPrefect):
    """A worker's dealings with a server that takes a run, and never has it begin."""

    async def _run(self, _: Any) -> None:
        await self.stopping.wait()


def dealings(prefect: Prefect, means: Any = None) -> NeverBegins:
    """As they are once the server has answered and taken the worker."""
    made = NeverBegins(prefect, means, "worker-1", asyncio.Event())
    made._engine = SimpleNamespace()  # type: ignore[assignment]
    prefect.seems_up = True
    return made


def claim() -> Claim:
    return Claim(uuid4(), uuid4(), 1, 1, "worker-1")


def test_of_eight_cases_at_once_none_waits_longer_for_a_server_that_answers_nothing_than_is_left_for_it() -> None:
    async def both() -> list[tuple[str, float]]:
        by_prefect = dealings(Prefect(""))
        loop = asyncio.get_running_loop()

        async def carried() -> tuple[str, float]:
            begun = loop.time()
            return await by_prefect.carry(claim()), loop.time() - begun

        told = list(await asyncio.gather(*(carried() for _ in range(8))))
        told.append(await carried())
        by_prefect.stopping.set()
        return told

    with asyncio.Runner(loop_factory=Leaping) as runner:
        told = runner.run(both())
    assert sorted(why for why, _ in told) == ["busy"] * (9 - AT_ONCE) + ["slow"] * AT_ONCE
    assert max(waited for _, waited in told) <= MOST_SECONDS
    assert told[-1] == ("busy", 0.0), "after one that was slow the next does not wait at all"


def test_the_wait_for_a_place_is_no_time_more_in_which_a_run_may_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    async def late() -> float:
        by_prefect = dealings(Prefect(""))
        loop = asyncio.get_running_loop()

        async def has_place_late() -> bool:
            await asyncio.sleep(BEGIN_SECONDS / 3)
            return True

        monkeypatch.setattr(by_prefect, "_has_place", has_place_late)
        assert await by_prefect.carry(claim()) == "slow"
        by_prefect.stopping.set()
        return loop.time()

    with asyncio.Runner(loop_factory=Leaping) as runner:
        assert runner.run(late()) <= MOST_SECONDS


def test_no_case_waits_for_a_question_to_a_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor for a name that is not found, which no timeout of a connection bounds."""
    asked, answered = threading.Event(), threading.Event()

    def hangs(_: Prefect) -> bool:
        asked.set()
        return answered.wait(SOON_SECONDS)

    monkeypatch.setattr(Prefect, "_finds", hangs)

    async def meanwhile() -> tuple[str, str, bool]:
        prefect = Prefect("http://127.0.0.1:9/api")
        by_prefect = dealings(prefect)
        asking = asyncio.create_task(by_prefect.keep_asking())
        assert await asyncio.to_thread(asked.wait, SOON_SECONDS)
        slow = await by_prefect.carry(claim())
        prefect.doubt()
        away = await by_prefect.carry(claim())
        is_open = not answered.is_set()
        answered.set()
        by_prefect.stopping.set()
        await asking
        assert not prefect.seems_up, "what failed a caller meanwhile is away, whatever it says of itself"
        return slow, away, is_open

    assert asyncio.run(meanwhile()) == ("slow", "away", True)


def test_a_server_is_asked_by_the_worker_itself_and_what_it_said_is_known_to_who_does_not_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Prefect, "_finds", lambda _: True)

    async def known() -> bool:
        by_prefect = dealings(prefect := Prefect("http://127.0.0.1:9/api"))
        prefect.seems_up = False
        assert not by_prefect.works
        asking = asyncio.create_task(by_prefect.keep_asking())
        await prefect.is_up()  # one question at a time: its own, or that of the other
        by_prefect.stopping.set()
        await asking
        return by_prefect.works

    assert asyncio.run(known())
