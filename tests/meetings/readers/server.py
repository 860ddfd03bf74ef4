"""The sixth reader: Radicale, a CalDAV server on loopback, written to and asked by caldav, a client of such servers.

Radicale takes files apart with vobject and unfolds series by itself.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final
from wsgiref.simple_server import WSGIRequestHandler, make_server

import caldav
from radicale import config
from radicale.app import Application

from tests.meetings.readers.in_python import forget_zones
from tests.meetings.readers.seen import Days, Seen, in_utc

#: What is kept on a server is a state, and nobody's message: the standard forbids METHOD there (RFC 4791, 4.1).
_METHOD: Final = re.compile(rb"^METHOD:[A-Z]+\r?\n", re.MULTILINE)

#: An event's lines, and its UID with the lines that go on with it.
_EVENT: Final = re.compile(rb"^BEGIN:VEVENT\r?\n.*?^END:VEVENT\r?\n", re.MULTILINE | re.DOTALL)
_UID: Final = re.compile(rb"^UID[:;](?:.|\r?\n[ \t])*", re.MULTILINE)

_number = count(1)


@dataclass(frozen=True)
class Server:
    """The server's address; as a reader it keeps each file in a calendar of its own and unfolds it itself."""

    address: str

    def read(self, files: Sequence[bytes], days: Days) -> list[tuple[Seen, ...]]:
        """What the server answers of each file when the client asks it for every single occurrence."""
        with caldav.DAVClient(self.address, username="reader", password="") as client:
            client.session.trust_env = False  # no proxy stands before loopback
            home = client.principal()  # type: ignore[no-untyped-call]
            return [self._kept(home, content, days) for content in files]

    def _kept(self, home: caldav.Principal, content: bytes, days: Days) -> tuple[Seen, ...]:
        forget_zones()
        calendar = home.make_calendar(f"calendar-{next(_number)}")
        for resource in _resources(content):
            calendar.save_event(resource.decode())
        since, until = days.wide
        found: list[caldav.Event] = calendar.search(
            event=True, start=since, end=until, expand="server", split_expanded=False
        )
        return days.of(
            Seen(in_utc(one.start), in_utc(one.end), str(one["summary"]))
            for kept in found
            for one in kept.icalendar_instance.events
            if one.get("status") != "CANCELLED"
        )


def _resources(content: bytes) -> Iterator[bytes]:
    """A file as a server keeps it: one resource for each UID, with everything that stands around the events."""
    around = _EVENT.sub(b"", _METHOD.sub(b"", content))
    before_end = around.rindex(b"END:VCALENDAR")
    events: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for event in _EVENT.findall(content):
        (uid,) = _UID.findall(event)
        events[uid].append(event)
    for of_one in events.values():
        yield around[:before_end] + b"".join(of_one) + around[before_end:]


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it inherits
        """Say nothing of each request."""


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """A server on a free port of loopback, which keeps everything in `folder` and is gone afterwards."""
    settings = config.load()
    settings.update(
        {
            "storage": {"filesystem_folder": str(folder), "_filesystem_fsync": "False"},
            "auth": {"type": "none", "delay": "0"},
            "rights": {"type": "owner_only"},
            "logging": {"level": "error"},
        },
        "the tests",
        privileged=True,
    )
    with make_server("127.0.0.1", 0, Application(settings), handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Server(f"http://127.0.0.1:{server.server_port}/")
        finally:
            server.shutdown()
            thread.join()
