"""Parts of pages that are kept fresh: how many windows of one person are, and what the one too many says."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Hashable, Mapping
from typing import Any

from api.web.live import MOST_STREAMS, LivePages, Shown


class _Feed:
    """What changes when it is told to."""

    def __init__(self) -> None:
        self.words = "first"

    def rang(self) -> Hashable:
        """The words themselves."""
        return self.words

    def show(self, readers: Collection[Any]) -> Mapping[Any, Shown]:
        """The same to everybody."""
        return {one: Shown(self.words) for one in readers}


class _Window:
    """A stream as its browser reads it."""

    def __init__(self, live: LivePages, feed: _Feed, name: str, whose: str) -> None:
        answer = live.answer("meeting", feed, name, whose=whose, crowded="too many")
        self._parts = aiter(answer.body_iterator)
        self.is_over = False

    async def until(self, words: str) -> str:
        """Read on until an event has these words; that event."""
        async with asyncio.timeout(20):
            while words not in (part := str(await anext(self._parts))):
                pass
            return part

    async def goes_on(self) -> bool:
        """Whether anything more is sent."""
        async with asyncio.timeout(20):
            return await anext(self._parts, None) is not None


def test_one_window_too_many_of_a_person_stops_their_oldest_with_words_and_nobody_elses() -> None:
    async def follow() -> None:
        live, feed = LivePages(), _Feed()
        another = _Window(live, feed, "another", "police")
        await another.until("first")
        theirs = []
        for n in range(MOST_STREAMS + 1):
            # Each by a sign-in of its own, as on a device of its own.
            theirs.append(_Window(live, feed, f"window {n}", "worker"))
            await theirs[-1].until("first")
        said = await theirs[0].until("too many")
        assert said.startswith("event: elsewhere\n")
        assert not await theirs[0].goes_on()
        feed.words = "second"
        for one in (another, *theirs[1:]):
            assert (await one.until("second")).startswith("event: shown\n")
        assert live.streams == MOST_STREAMS + 1

    asyncio.run(follow())
