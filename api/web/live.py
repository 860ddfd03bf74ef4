"""Parts of pages that are kept fresh while they are looked at, by server-sent events.

All who look at one thing share one reading of it. Once a second it is asked whether anything may have changed; only
then is it read, written once for all who see the same, and sent. A stream holds neither a connection of the database
nor a thread. Who may look is asked at each reading, by the same rule as at the door: where that says no, or nothing
more comes, the last event says so and the stream ends.

Nothing here counts as a sign of life: whether who watches may go on is what a feed says.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

_log = logging.getLogger("spheres.web")

#: The kind of an answer that goes on.
STREAM: Final = "text/event-stream"
#: So often it is asked whether anything may have changed.
LOOK_SECONDS: Final = 1.0
#: So often it is read anew whether or not anything rang: what ends by time alone, as a sign-in, writes no line.
AGAIN_SECONDS: Final = 10.0
#: So often a stream says that it lives: nothing between takes it for dead, and a page that hears nothing knows it is.
SIGN_SECONDS: Final = 20.0
#: So many streams one person has in one process. One more ends the oldest, which says so: were it silent, its browser
#: would come back by itself, and end the next.
MOST_STREAMS: Final = 6
#: How long a browser waits before it comes back, in milliseconds.
_RETRY: Final = "retry: 3000\n\n"


@dataclass(frozen=True)
class Shown:
    """What a reader is shown: a part of a page; whether it is the last that they are, and that only for this window."""

    html: str
    is_last: bool = False
    is_elsewhere: bool = False


class Feed(Protocol):
    """What is looked at. Both are called in a thread."""

    def rang(self) -> Hashable:
        """What differs whenever anything shown may have changed."""
        ...

    def show(self, readers: Collection[Any]) -> Mapping[Any, Shown]:
        """What each of these readers is shown now."""
        ...


@dataclass(eq=False)
class _Stream:
    reader: Hashable
    whose: Hashable
    crowded: str
    news: asyncio.Event = field(default_factory=asyncio.Event)
    shown: Shown | None = None
    is_over: bool = False
    begun: float = field(default_factory=time.monotonic)

    @property
    def is_ending(self) -> bool:
        """Whether it sends no more than what it has by now."""
        return self.is_over or (self.shown is not None and self.shown.is_last)

    def give(self, shown: Shown) -> None:
        """Have it send what is shown by now, unless that is what it sent last."""
        if shown != self.shown and not self.is_ending:
            self.shown = shown
            self.news.set()

    def give_way(self) -> None:
        """Have it say that its person follows in too many windows, and end."""
        self.give(Shown(self.crowded, is_last=True, is_elsewhere=True))

    def end(self) -> None:
        """Have it end without a word: its browser comes back by itself."""
        self.is_over = True
        self.news.set()


@dataclass(eq=False)
class _Topic:
    feed: Feed
    streams: set[_Stream] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    has_new: bool = False
    task: asyncio.Task[None] | None = None

    def join(self, stream: _Stream) -> None:
        self.streams.add(stream)
        self.has_new = True
        self.woken.set()

    def leave(self, stream: _Stream) -> None:
        self.streams.discard(stream)


class LivePages:
    """The streams of one process, by what they look at."""

    def __init__(self) -> None:
        self._topics: dict[Hashable, _Topic] = {}
        self._ends_with_process = False

    def answer(
        self, key: Hashable, feed: Feed, reader: Hashable, *, whose: Hashable, crowded: str
    ) -> StreamingResponse:
        """A stream of what `reader` is shown of `key`, by `feed` where it has no stream yet.

        `whose` it is counts their streams; `crowded` is shown where they open too many others.
        """
        # X-Accel-Buffering: a proxy that gathers an answer would hold this one for ever.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            self._events(key, feed, _Stream(reader, whose, crowded)), media_type=STREAM, headers=headers
        )

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return sum(len(topic.streams) for topic in self._topics.values())

    async def _events(self, key: Hashable, feed: Feed, stream: _Stream) -> AsyncIterator[str]:
        self._end_with_process()
        topic = self._topics.get(key)
        if topic is None:
            topic = self._topics[key] = _Topic(feed)
            topic.task = asyncio.create_task(self._keep(key, topic))
        self._make_room(stream.whose)
        topic.join(stream)
        try:
            yield _RETRY
            while True:
                if not await _within(stream.news, SIGN_SECONDS):
                    yield "event: here\ndata:\n\n"
                    continue
                stream.news.clear()
                # While it is sent, what comes after may be there already.
                shown = stream.shown
                if shown is not None:
                    yield event_of(shown)
                if stream.is_over or (shown is not None and shown.is_last):
                    return
        finally:
            topic.leave(stream)

    async def _keep(self, key: Hashable, topic: _Topic) -> None:
        """Look at one thing as long as anybody does."""
        rang, shown_at = None, 0.0
        try:
            while topic.streams:
                topic.woken.clear()
                try:
                    now = await run_in_threadpool(topic.feed.rang)
                    is_due = time.monotonic() - shown_at >= AGAIN_SECONDS
                    if now != rang or topic.has_new or is_due:
                        topic.has_new = False
                        await _show(topic)
                        rang, shown_at = now, time.monotonic()
                except Exception as error:  # noqa: BLE001 - the database may be restarting: it looks again
                    _log.warning("a live page cannot be read", extra={"error": type(error).__name__})
                if not topic.has_new:
                    await _within(topic.woken, LOOK_SECONDS)
        finally:
            del self._topics[key]

    def _make_room(self, whose: Hashable) -> None:
        every_one = (one for topic in self._topics.values() for one in topic.streams)
        theirs = [one for one in every_one if one.whose == whose and not one.is_ending]
        for one in sorted(theirs, key=lambda one: one.begun)[: max(0, len(theirs) + 1 - MOST_STREAMS)]:
            one.give_way()

    def _end_all(self) -> None:
        for topic in self._topics.values():
            for stream in topic.streams:
                stream.end()

    def _end_with_process(self) -> None:
        """Have a process that is told to stop end its streams: the server waits for answers, and these never end."""
        if self._ends_with_process or threading.current_thread() is not threading.main_thread():
            return
        self._ends_with_process = True
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)
            if callable(before):
                signal.signal(number, _first(lambda: loop.call_soon_threadsafe(self._end_all), before))


def _first(do: Callable[[], object], then: Callable[..., Any]) -> Callable[..., Any]:
    def handle(number: int, frame: Any) -> None:
        do()
        then(number, frame)

    return handle


async def _show(topic: _Topic) -> None:
    """Read it once for everybody who looks, and give each what they are shown."""
    streams = list(topic.streams)
    shown = await run_in_threadpool(topic.feed.show, {one.reader for one in streams})
    for one in streams:
        if one.reader in shown:
            one.give(shown[one.reader])


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it happens within so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
            return True
    return False


def event_of(shown: Shown) -> str:
    """What is shown as an event: each line of it is one of the event's, and an empty one ends it."""
    name = "elsewhere" if shown.is_elsewhere else "ended" if shown.is_last else "shown"
    lines = "\n".join(f"data: {line}" for line in shown.html.splitlines())
    return f"event: {name}\n{lines}\n\n"
