"""What whoever keeps the committees knows of their dates: as the lists showed them last, each for themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final

from simulation.visits import APPOINTMENTS, Visit

#: How far back and ahead their calendar reaches, and after how many days they look at it anew.
BACK: Final = timedelta(days=15)
AHEAD: Final = timedelta(days=30)
LOOKED_AT: Final = 3
#: In which states a meeting is not over.
NOT_OVER: Final = ("planned", "under_way")

Line = dict[str, Any]


def known_dates(me: Visit) -> list[Line]:
    """The meetings of these weeks, in their order; looked at anew once what is known is some days old."""
    kept = me.memory.get("dates")
    if kept is None or (me.today - date.fromisoformat(kept["seen"])).days >= LOOKED_AT:
        kept = _look(me)
    lines: list[Line] = kept["lines"]
    return lines


def forget_dates(me: Visit) -> None:
    """Dates were changed: they are to be looked at anew."""
    me.memory.pop("dates", None)


def _look(me: Visit) -> dict[str, Any]:
    since, until = me.today - BACK, me.today + AHEAD
    lines = meetings_between(me, since, until, limit=60)
    kept: dict[str, Any] = {"seen": me.today.isoformat(), "lines": lines}
    me.memory["dates"] = kept
    me.memory[APPOINTMENTS] = _appointments(lines, me.today)
    return kept


def _appointments(lines: Iterable[Line], today: date) -> dict[str, list[str]]:
    """At which hours a committee waits for its secretary, by the day."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line["state"] in NOT_OVER and day_of(line) >= today:
            found.setdefault(day_of(line).isoformat(), []).append(line["starts"][11:16])
    return found


def meetings_between(me: Visit, since: date, until: date, **asked: Any) -> list[Line]:
    """The meetings of these local days, as the list shows them."""
    days: dict[str, Any] = {"from": since.isoformat(), "to": until.isoformat()}
    return me.items("/meetings", **days, **asked)


def day_of(line: Line) -> date:
    """The local day of a meeting."""
    return date.fromisoformat(line["starts"][:10])


def moment_of(line: Line, name: str = "starts_at") -> datetime:
    """The moment at which a meeting begins."""
    return datetime.fromisoformat(line[name])


def in_days(me: Visit, first: int, last: int) -> list[Line]:
    """The planned meetings that are so many days ahead."""
    ahead = ((day_of(line) - me.today).days for line in known_dates(me))
    pairs = zip(known_dates(me), list(ahead), strict=True)
    return [line for line, days in pairs if first <= days <= last and line["state"] == "planned"]
