"""The lines of a form that are ticked one by one, each with a last day beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TickedLines:
    """The lines that a form shows, those that are ticked, and what stands beside each, in the order of the lines."""

    lines: Sequence[str]
    ticked: Sequence[str]
    until: Sequence[str]

    def beside(self, line: str) -> str:
        """What stands beside a line: a last day, as it was typed."""
        return dict(zip(self.lines, self.until, strict=False)).get(line, "")
