"""What it means that nothing is on record of an obligation: pure values, without clock and session.

Silence is never "on track". It is "nothing recorded yet", then a risk from a declared day before the last one. In the
first days of an agreement it is neither a risk nor a miss, even where a period ends meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from domain.declarations.checks.watch import AtRisk, Watch
from domain.declarations.checks.windows import Window
from domain.kernel.calendars import Calendar

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Silence:
    """From which local day missing proof is a risk, and the last of the agreement's first days.

    `risk_from` is None where there is no last day: what is owed once, or at all times, under an agreement without end.
    """

    risk_from: date | None = None
    new_until: date | None = None

    def is_risk(self, on: date) -> bool:
        """Whether what is missing on a local day may come too late."""
        return self.risk_from is not None and on >= self.risk_from and not self.is_new(on)

    def is_new(self, on: date) -> bool:
        """Whether a local day is one of the agreement's first."""
        return self.new_until is not None and on <= self.new_until

    def state(self, on: date) -> str:
        """How an obligation without anything on record stands, before its last day."""
        return "at_risk" if self.is_risk(on) else "nothing_recorded"

    def had_no_time(self, window: Window) -> bool:
        """Whether a window ended within the agreement's first days: who had just signed misses nothing by it."""
        return window.ends_on is not None and self.is_new(window.ends_on)


def silence(window: Window, own: AtRisk | None, watch: Watch, new_until: date | None) -> Silence:
    """What silence says of a window: by the days that its rule has for its own, or else by the program's."""
    at_risk = own or watch.at_risk
    risk_from = None if window.ends_on is None else at_risk.from_day(window.starts_on, window.ends_on)
    return Silence(risk_from, new_until)


def first_days_of(since: date, watch: Watch, calendar: Calendar) -> date | None:
    """The last of the first days of an agreement that began on `since`; None where a program counts none."""
    return calendar.add_working_days(since - _DAY, watch.first_working_days) if watch.first_working_days else None
