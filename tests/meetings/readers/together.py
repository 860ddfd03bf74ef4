"""The six readers together, and where they differ from what is expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.meetings.readers import in_node, in_python
from tests.meetings.readers.seen import Days, Seen
from tests.meetings.readers.server import Server


@dataclass(frozen=True)
class Readers:
    """All six: three in this process, two in Node, one behind a server."""

    node: Path
    server: Server

    def read(self, files: Sequence[bytes], days: Days) -> dict[str, list[tuple[Seen, ...]]]:
        """What each reader, by its name, shows of each file, in the files' order."""
        return {
            "recurring-ical-events": in_python.recurring_events(files, days),
            "ical": in_python.home_assistant(files, days),
            "vobject": in_python.vobjects(files, days),
            **in_node.both(self.node, files, days),
            "radicale": self.server.read(files, days),
        }

    def differing(self, expected: Sequence[tuple[bytes, Sequence[Seen]]], days: Days) -> dict[tuple[str, int], str]:
        """Which readers show of which file something else than what is expected of it, and what."""
        answers = self.read([content for content, _ in expected], days)
        return {
            (name, place): difference
            for name, shown in answers.items()
            for place, (_, wanted) in enumerate(expected)
            if (difference := _difference(days.of(wanted), shown[place]))
        }


def _difference(wanted: tuple[Seen, ...], shown: tuple[Seen, ...]) -> str:
    missing = [one for one in wanted if one not in shown]
    extra = [one for one in shown if one not in wanted]
    if missing or extra:
        return f"lacks {len(missing)} ({_brief(missing)}), adds {len(extra)} ({_brief(extra)})"
    return "" if len(wanted) == len(shown) else f"shows {len(shown)} for {len(wanted)}"


def _brief(seen: list[Seen]) -> str:
    return ", ".join(f"{one.starts:%Y-%m-%d %H:%M}/{one.ends:%H:%M} {one.title}" for one in seen[:3])
