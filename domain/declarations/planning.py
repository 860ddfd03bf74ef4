"""What a protocol means on given days: the due day of each step, and the plan of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from domain.declarations.protocol import Item, Protocol, Step
from domain.declared import Bilingual
from domain.kernel import Calendar


@dataclass(frozen=True)
class PlanLine:
    """One line of a plan.

    - `due_on` is the last day on which the task is on time, inclusive; None where it has no due day, or depends on a
      day that is not known yet.
    - `moved_from` is the day that it would have been, were that day worked, and `closed_reason` why it is not.
    - `before_opening` says that the day had gone by when the case opened: `due_on` is then the first day on which the
      task can be asked for.
    - `meant`, in a case that opens late, is the day that its protocol counts; `is_lapsed` says that it is not asked.
    - `is_short` says that fewer days are left than the protocol means, and that it stays so.
    """

    step: Step
    item: Item | None
    due_on: date | None
    moved_from: date | None = None
    closed_reason: Bilingual | None = None
    before_opening: bool = False
    meant: date | None = None
    is_lapsed: bool = False
    is_short: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """The task of the case that it plans: the step's id, and the item's id or ""."""
        return self.step.id, self.item.id if self.item else ""


#: A step of a case that opens late has at least this many working days, where its protocol means as many.
TIME_LEFT: Final = 10


@dataclass(frozen=True)
class PlannedDay:
    """The due day of a step in a case that was opened on a day, and the one that its protocol counts."""

    due_on: date
    meant: date
    is_lapsed: bool = False
    is_short: bool = False


def due_days(
    protocol: Protocol,
    anchors: Mapping[str, date],
    calendar: Calendar,
    *,
    opened_on: date | None = None,
    meant_on: date | None = None,
) -> dict[str, PlannedDay]:
    """The due day of each step whose anchor is known, in a case that opens on one day and was meant to on another.

    No one is late for a day that had gone by before they were asked: it becomes the first working day from then. In a
    case that begins by the quarter or the year and opens late, the days that are past or too near are moved. Each step
    has its time from the opening, or from the moved steps that it waits for: as long as the protocol means, or
    `TIME_LEFT`. What lapses is not moved: after its day it is not asked. The days of other cases are deadlines of their
    own, such as an arrival or an agreement's end. They stay, and are said to be short. Raises UnknownYear.
    """
    return _DueDays(protocol, anchors, calendar, opened_on, meant_on).all()


class _DueDays:
    """Due days, each computed once when it is asked for: one may be counted from others."""

    def __init__(
        self,
        protocol: Protocol,
        anchors: Mapping[str, date],
        calendar: Calendar,
        opened_on: date | None,
        meant_on: date | None,
    ) -> None:
        self._protocol, self._anchors, self._calendar = protocol, anchors, calendar
        self._opened, self._meant = opened_on, meant_on
        self._is_late = opened_on is not None and meant_on is not None and opened_on > meant_on
        self._moves = protocol.starts is not None and protocol.starts.each is not None
        self._found: dict[str, PlannedDay | None] = {}

    def all(self) -> dict[str, PlannedDay]:
        return {step.id: day for step in self._protocol.steps if (day := self._of(step)) is not None}

    def _of(self, step: Step) -> PlannedDay | None:
        if step.id not in self._found:
            self._found[step.id] = self._count(step)
        return self._found[step.id]

    def _count(self, step: Step) -> PlannedDay | None:
        if step.due is None or step.due.anchor not in self._anchors:
            return None
        meant = due_on(step, self._anchors[step.due.anchor], self._calendar)
        if self._opened is None:
            return PlannedDay(meant, meant)
        asked = max(meant, self._calendar.next_working_day(self._opened))
        if not self._is_late:
            return PlannedDay(asked, meant)
        soonest = self._soonest(step, meant)
        if step.lapses:
            return PlannedDay(asked, meant, is_lapsed=meant < self._opened, is_short=self._opened <= meant < soonest)
        if not self._moves:
            return PlannedDay(asked, meant, is_short=meant < soonest)
        return PlannedDay(max(asked, soonest), meant)

    def _soonest(self, step: Step, meant: date) -> date:
        """The day that leaves a step the time that its protocol means, from the opening or what it waits for."""
        assert self._opened is not None  # noqa: S101 - asked only of a case that opens late
        assert self._meant is not None  # noqa: S101
        waits = (self._of(self._protocol.by_id[name]) for name in self._protocol.waits_for(step))
        moved = [day.due_on for day in waits if day is not None and not day.is_lapsed and day.due_on > day.meant]
        begins = max([self._opened, *moved])
        time = self._calendar.working_days_between(self._meant, meant) if meant > self._meant else 0
        return self._calendar.add_working_days(begins, min(time, TIME_LEFT))


def due_on(step: Step, anchor: date, calendar: Calendar) -> date:
    """The last day on which `step` is on time, inclusive, as a local date; always a working day.

    Where the day counted from the anchor is closed, a step due before the anchor is due on the working day before, so
    that it is not late for what it prepares. A step due after it is due on the working day after. Raises ValueError for
    a step without a due day, UnknownYear where the calendar does not reach.
    """
    day = _counted(step, anchor, calendar)
    if _is_before(step):
        return calendar.previous_working_day(day)
    return calendar.next_working_day(day)


def plan(
    protocol: Protocol,
    anchors: Mapping[str, date],
    calendar: Calendar,
    *,
    opened_on: date | None = None,
    meant_on: date | None = None,
) -> list[PlanLine]:
    """Every task of a case with its due day, in the protocol's order, those that it does not ask among them.

    `anchors` are the known named days, `meant_on` the day on which its protocol means the case to begin. Steps done for
    what a person has in hand appear once, without an item. Raises UnknownYear.
    """
    days = due_days(protocol, anchors, calendar, opened_on=opened_on, meant_on=meant_on)
    return [
        _planned(step, item, anchors, calendar, days.get(step.id))
        for step in protocol.steps
        for item in instances(step) or (None,)
    ]


def instances(step: Step) -> tuple[Item | None, ...]:
    """What `step` is done for, a task each: (None,) for a step done once, () where only the case can tell."""
    if step.for_each is None:
        return (None,)
    return step.for_each.list_ or ()


def known_days(protocol: Protocol, days: Mapping[str, date]) -> dict[str, date]:
    """The anchors by name whose day is known, from `days` such as "worker.starts_on" or "step.KEY.done_on"."""
    return {name: days[anchor.from_] for name, anchor in protocol.anchors.items() if anchor.from_ in days}


def _is_before(step: Step) -> bool:
    return step.due is not None and step.due.before is not None


def _counted(step: Step, anchor: date, calendar: Calendar) -> date:
    """The day counted from the anchor, before a closed day moves it."""
    if step.due is None:
        msg = "this step has no due day"
        raise ValueError(msg)
    if step.due.counting == "calendar" or step.due.days == 0:
        return anchor + timedelta(days=step.due.offset)
    return calendar.add_working_days(anchor, step.due.offset)


def _planned(
    step: Step, item: Item | None, anchors: Mapping[str, date], calendar: Calendar, day: PlannedDay | None
) -> PlanLine:
    if step.due is None or day is None:
        return PlanLine(step, item, None)
    counted = _counted(step, anchors[step.due.anchor], calendar)
    french, english = (calendar.why_closed(counted, language) for language in ("fr", "en"))
    reason = Bilingual(fr=french, en=english) if french and english else None
    return PlanLine(
        step,
        item,
        day.due_on,
        moved_from=counted if reason else None,
        closed_reason=reason,
        before_opening=day.due_on > day.meant,
        meant=day.meant,
        is_lapsed=day.is_lapsed,
        is_short=day.is_short,
    )


def meant_on(protocol: Protocol, anchors: Mapping[str, date]) -> date | None:
    """The local day on which a case is meant to begin automatically, where its named days say it; None otherwise."""
    if protocol.starts is None:
        return None
    return protocol.starts.meant_on(
        {anchor.from_: anchors[name] for name, anchor in protocol.anchors.items() if name in anchors}
    )
