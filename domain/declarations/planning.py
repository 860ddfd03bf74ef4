"""What a protocol means on given days and in a given state: due days, which tasks open, gates, and examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from domain.declarations.protocol import Item, Protocol, Step
from domain.declared.problems import DeclaredErrors, PathOf, Problem, Wrong, nearest, shown
from domain.declared.reading import Bilingual, Declared, Key, Part, load_declared
from domain.kernel.calendars import Calendar, Closure
from locales import N_
from models.casework import LIVE, SETTLED
from models.lifecycles import TASK

TaskKey = tuple[str, str]
"""A task within its case: the step's id, and the item's id or ""."""


@dataclass(frozen=True)
class Planned:
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
    def key(self) -> TaskKey:
        """The task of the case that it plans."""
        return self.step.id, self.item.id if self.item else ""


#: A step of a case that opens late has at least this many working days, where its protocol means as many.
TIME_LEFT: Final = 10


@dataclass(frozen=True)
class Day:
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
) -> dict[str, Day]:
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
        self._found: dict[str, Day | None] = {}

    def all(self) -> dict[str, Day]:
        return {step.id: day for step in self._protocol.steps if (day := self._of(step)) is not None}

    def _of(self, step: Step) -> Day | None:
        if step.id not in self._found:
            self._found[step.id] = self._count(step)
        return self._found[step.id]

    def _count(self, step: Step) -> Day | None:
        if step.due is None or step.due.anchor not in self._anchors:
            return None
        meant = due_on(step, self._anchors[step.due.anchor], self._calendar)
        if self._opened is None:
            return Day(meant, meant)
        asked = max(meant, self._calendar.next_working_day(self._opened))
        if not self._is_late:
            return Day(asked, meant)
        soonest = self._soonest(step, meant)
        if step.lapses:
            return Day(asked, meant, is_lapsed=meant < self._opened, is_short=self._opened <= meant < soonest)
        if not self._moves:
            return Day(asked, meant, is_short=meant < soonest)
        return Day(max(asked, soonest), meant)

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
) -> list[Planned]:
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


def initial_states(protocol: Protocol) -> dict[TaskKey, str]:
    """The tasks of a case that has just been laid out, all planned."""
    return {(step.id, item.id if item else ""): TASK.initial for step in protocol.steps for item in instances(step)}


def ready(needs_states: Iterable[str]) -> bool:
    """Whether nothing holds a task up: all that it waits for is done or waived."""
    return all(state in SETTLED for state in needs_states)


def opened_by(protocol: Protocol, states: Mapping[TaskKey, str]) -> set[TaskKey]:
    """The planned tasks that open now. The answer depends on the state alone, not on how it came about."""
    by_step = _by_step(states)
    return {
        key for key, state in states.items() if state == TASK.initial and ready(_needs_states(protocol, key, by_step))
    }


def held_back(protocol: Protocol, states: Mapping[TaskKey, str]) -> set[TaskKey]:
    """The open or submitted tasks that wait again, because what they wait for was undone."""
    by_step = _by_step(states)
    return {key for key, state in states.items() if state in LIVE and not ready(_needs_states(protocol, key, by_step))}


def gate_waits_for(protocol: Protocol, gate: str, states: Mapping[TaskKey, str]) -> list[TaskKey]:
    """The tasks that keep a gate shut, in the protocol's order; empty where it is open.

    Raises KeyError for a gate that the protocol does not have.
    """
    steps = protocol.gates[gate].steps
    return [key for key, state in states.items() if key[0] in steps and state not in SETTLED]


def is_complete(protocol: Protocol, states: Mapping[TaskKey, str]) -> bool:
    """Whether the case closes: every required task is done or waived."""
    return all(state in SETTLED for (step, _), state in states.items() if protocol.by_id[step].required)


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
    step: Step,
    item: Item | None,
    anchors: Mapping[str, date],
    calendar: Calendar,
    day: Day | None,
) -> Planned:
    if step.due is None or day is None:
        return Planned(step, item, None)
    counted = _counted(step, anchors[step.due.anchor], calendar)
    french, english = (calendar.why_closed(counted, language) for language in ("fr", "en"))
    reason = Bilingual(fr=french, en=english) if french and english else None
    return Planned(
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


def _by_step(states: Mapping[TaskKey, str]) -> dict[str, dict[str, str]]:
    by_step: dict[str, dict[str, str]] = {}
    for (step, item), state in states.items():
        by_step.setdefault(step, {})[item] = state
    return by_step


def _needs_states(protocol: Protocol, key: TaskKey, by_step: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    """The states of every task that this one waits for.

    For a step done for the same thing it is that one; a step done for several others holds until the last.
    """
    step, item = key
    for need in protocol.waits_for(protocol.by_id[step]):
        states = by_step.get(need, {})
        yield from [states[item]] if item and item in states else states.values()


# The examples beside a protocol: what its author says should happen.


def _task_name(value: str) -> str:
    if not all(value.split("/", 1)):
        raise Wrong(N_("A task is named by its step, or by step/item."))
    return value


TaskName = Annotated[str, AfterValidator(_task_name)]
"""A step's id, or `step/item` for one task of a step that is done for each of several things."""


class Expected(Part):
    """What an example expects. Only what is named is checked; `only_open` names every task that is open."""

    open: tuple[TaskName, ...] = ()
    only_open: tuple[TaskName, ...] | None = None
    waiting: tuple[TaskName, ...] = ()
    due: dict[TaskName, date] = Field(default_factory=dict)
    gates: dict[Key, Literal["open", "shut"]] = Field(default_factory=dict)
    complete: bool | None = None


class Example(Part):
    """A situation, and what an author expects of the protocol in it. Steps are first waived, then done in order."""

    title: Bilingual
    anchors: dict[Key, date]
    opened_on: date | None = None
    waived: tuple[TaskName, ...] = ()
    done: tuple[TaskName, ...] = ()
    expect: Expected


class ExampleClosure(Part):
    """Days on which the examples' program is closed, both inclusive."""

    first: date
    last: date
    reason: Bilingual


class Examples(Part):
    """An author's examples of a protocol, kept beside it."""

    protocol: Key
    closures: tuple[ExampleClosure, ...] = ()
    examples: tuple[Example, ...] = Field(min_length=1)


def check_examples(path: Path, protocol: Protocol) -> Declared[Examples]:
    """Run an author's examples; raises DeclaredErrors with each expectation that the protocol does not meet.

    They run on Québec's calendar, with the closures that the file itself names.
    """
    declared = load_declared(path, Examples)
    closures = tuple(Closure(c.first, c.last, c.reason) for c in declared.value.closures)
    run = _Run(declared, protocol, Calendar(closures=closures))
    if declared.value.protocol != protocol.protocol:
        run.say(("protocol",), N_("These are examples of another protocol."))
    for place in range(len(declared.value.examples)):
        run.example(place)
    if run.problems:
        raise DeclaredErrors(run.problems)
    return declared


class _Run:
    """The examples of one file, and where they differ from what their author expects."""

    def __init__(self, declared: Declared[Examples], protocol: Protocol, calendar: Calendar) -> None:
        self.declared = declared
        self.protocol = protocol
        self.calendar = calendar
        self.problems: list[Problem] = []
        self._states: dict[TaskKey, str] = {}

    def say(self, path: PathOf, sentence: str, /, **facts: str | int) -> None:
        self.problems.append(self.declared.problem(path, sentence, **facts))

    def example(self, place: int) -> None:
        here: PathOf = ("examples", place)
        example = self.declared.value.examples[place]
        self._states = initial_states(self.protocol)
        for line in self._plan(example):
            if line.is_lapsed:
                del self._states[line.key]
        self._open()
        for position, name in enumerate(example.waived):
            self._settle_all((*here, "waived", position), name, "waived")
        for position, name in enumerate(example.done):
            self._settle_all((*here, "done", position), name, "done")
        self._compare_tasks((*here, "expect"), example.expect)
        for name in example.anchors:
            if name not in self.protocol.anchors:
                said = N_("This protocol has no anchor “%(name)s”.")
                self.say((*here, "anchors", name), said, name=shown(name))
        self._compare_days((*here, "expect", "due"), example)
        self._compare_gates((*here, "expect", "gates"), example.expect)

    def _settle_all(self, path: PathOf, name: str, state: Literal["waived", "done"]) -> None:
        """Waive or do the tasks of this name, and say which of them that cannot be done to."""
        for key in self._keys(path, name):
            if state == "waived" and self.protocol.by_id[key[0]].waive == "never":
                self.say(path, N_("“%(task)s” is never waived."), task=name)
            if state == "done" and self._states[key] != "open":
                self.say(path, N_("“%(task)s” is not open yet."), task=name)
            self._states[key] = state
            self._open()

    def _open(self) -> None:
        for key in opened_by(self.protocol, self._states):
            self._states[key] = TASK.after(self._states[key], "open")

    def _keys(self, path: PathOf, name: str) -> list[TaskKey]:
        step, _, item = name.partition("/")
        keys = [key for key in self._states if key[0] == step and item in ("", key[1])]
        if not keys:
            known = [*self.protocol.by_id, *("/".join(key) for key in self._states if key[1])]
            near = nearest(name, known)
            hint = {"nearest": near} if near else {}
            self.say(path, N_("This protocol has no task “%(task)s”."), task=shown(name), **hint)
        return keys

    def _compare_tasks(self, path: PathOf, expected: Expected) -> None:
        for field, names, state in (
            ("open", expected.open, "open"),
            ("waiting", expected.waiting, TASK.initial),
            ("only_open", expected.only_open or (), "open"),
        ):
            for position, name in enumerate(names):
                self._compare_state((*path, field, position), name, state)
        if expected.only_open is not None:
            self._say_others((*path, "only_open"), set(expected.only_open))
        complete = is_complete(self.protocol, self._states)
        if expected.complete is not None and expected.complete != complete:
            said = N_("The case would close here.") if complete else N_("The case would not close here.")
            self.say((*path, "complete"), said)

    def _say_others(self, path: PathOf, named: set[str]) -> None:
        """Say which tasks are open beside those that an example names."""
        for (step, item), state in self._states.items():
            if state == "open" and not named & {step, f"{step}/{item}"}:
                self.say(path, N_("“%(task)s” is open here too."), task=f"{step}/{item}" if item else step)

    def _compare_state(self, path: PathOf, name: str, expected: str) -> None:
        for key in self._keys(path, name):
            if self._states[key] != expected:
                facts = {"task": name, "state": self._states[key], "expected": expected}
                self.say(path, N_("“%(task)s” is %(state)s here, and not %(expected)s."), **facts)

    def _plan(self, example: Example) -> list[Planned]:
        anchors = {name: day for name, day in example.anchors.items() if name in self.protocol.anchors}
        begins = meant_on(self.protocol, anchors)
        return plan(self.protocol, anchors, self.calendar, opened_on=example.opened_on, meant_on=begins)

    def _compare_days(self, path: PathOf, example: Example) -> None:
        lines = [line for line in self._plan(example) if not line.is_lapsed]
        days = {line.key: line.due_on for line in lines}
        for name, expected in example.expect.due.items():
            for key in self._keys((*path, name), name):
                if days[key] != expected:
                    day = days[key]
                    facts = {"task": name, "due": day.isoformat() if day else "—", "expected": str(expected)}
                    self.say((*path, name), N_("“%(task)s” is due %(due)s here, and not %(expected)s."), **facts)

    def _compare_gates(self, path: PathOf, expected: Expected) -> None:
        for name, state in expected.gates.items():
            if name not in self.protocol.gates:
                self.say((*path, name), N_("This protocol has no gate “%(name)s”."), name=shown(name))
            elif (state == "open") == bool(waiting := gate_waits_for(self.protocol, name, self._states)):
                steps = ", ".join(dict.fromkeys(step for step, _ in waiting)) or "—"
                said = N_("The gate is not %(expected)s here; it waits for: %(steps)s.")
                self.say((*path, name), said, expected=state, steps=steps)
