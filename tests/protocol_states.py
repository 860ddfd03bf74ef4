"""What a protocol means in a given state, and the examples that its author keeps beside it: an oracle of the tests.

The states of a case are the product's own, in the database. Here they are a function of what is done, in a few lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from domain.declarations.planning import PlanLine, instances, meant_on, plan
from domain.declarations.protocol import Protocol
from domain.declared.problems import DeclaredErrors, FileProblem, PathOf, Wrong, nearest, shown
from domain.declared.reading import Bilingual, Declared, GrammarPart, Key, load_declared
from domain.kernel.calendars import Calendar, ClosedSpan
from models.casework import LIVE, SETTLED
from models.lifecycles import TASK

TaskKey = tuple[str, str]
"""A task within its case: the step's id, and the item's id or ""."""


def initial_states(protocol: Protocol) -> dict[TaskKey, str]:
    """The tasks of a case that has just been laid out, all planned."""
    return {(step.id, item.id if item else ""): TASK.initial for step in protocol.steps for item in instances(step)}


def ready(needs_states: Iterable[str]) -> bool:
    """Whether nothing holds a task up: all that it waits for is done or waived."""
    return all(state in SETTLED for state in needs_states)


def opened_by(protocol: Protocol, states: Mapping[TaskKey, str]) -> set[TaskKey]:
    """The planned tasks that open now. The answer rests on the state alone, not on the order it came about in."""
    by_step = _by_step(states)
    return {
        key for key, state in states.items() if state == TASK.initial and ready(_needs_states(protocol, key, by_step))
    }


def held_back(protocol: Protocol, states: Mapping[TaskKey, str]) -> set[TaskKey]:
    """The open or submitted tasks that something holds up again, because what they wait for was undone."""
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


def _by_step(states: Mapping[TaskKey, str]) -> dict[str, dict[str, str]]:
    by_step: dict[str, dict[str, str]] = {}
    for (step, item), state in states.items():
        by_step.setdefault(step, {})[item] = state
    return by_step


def _needs_states(protocol: Protocol, key: TaskKey, by_step: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    """The states of every task that this one waits for.

    Of a step done for the same thing it is that one; a step done for several others holds until the last.
    """
    step, item = key
    for need in protocol.waits_for(protocol.by_id[step]):
        states = by_step.get(need, {})
        yield from [states[item]] if item and item in states else states.values()


def _task_name(value: str) -> str:
    if not all(value.split("/", 1)):
        raise Wrong("A task is named by its step, or by step/item.")
    return value


TaskName = Annotated[str, AfterValidator(_task_name)]
"""A step's id, or `step/item` for one task of a step that is done for each of several things."""


class Expected(GrammarPart):
    """What should be so. Only what is named is looked at; `only_open` names every task that is open."""

    open: tuple[TaskName, ...] = ()
    only_open: tuple[TaskName, ...] | None = None
    waiting: tuple[TaskName, ...] = ()
    due: dict[TaskName, date] = Field(default_factory=dict)
    gates: dict[Key, Literal["open", "shut"]] = Field(default_factory=dict)
    complete: bool | None = None


class Example(GrammarPart):
    """A situation, and what an author expects of the protocol in it. Steps are waived first, then done in order."""

    title: Bilingual
    anchors: dict[Key, date]
    opened_on: date | None = None
    waived: tuple[TaskName, ...] = ()
    done: tuple[TaskName, ...] = ()
    expect: Expected


class ExampleClosure(GrammarPart):
    """Days on which the examples' program is closed, both inclusive."""

    first: date
    last: date
    reason: Bilingual


class Examples(GrammarPart):
    """An author's examples of a protocol, kept beside it."""

    protocol: Key
    closures: tuple[ExampleClosure, ...] = ()
    examples: tuple[Example, ...] = Field(min_length=1)


def check_examples(path: Path, protocol: Protocol) -> Declared[Examples]:
    """Run an author's examples; raises DeclaredErrors with each expectation that the protocol does not meet.

    They run on Québec's calendar, with the closures that the file itself names.
    """
    declared = load_declared(path, Examples)
    closures = tuple(ClosedSpan(c.first, c.last, c.reason) for c in declared.value.closures)
    run = _Run(declared, protocol, Calendar(closures=closures))
    if declared.value.protocol != protocol.protocol:
        run.say(("protocol",), ("These are examples of another protocol."))
    for place in range(len(declared.value.examples)):
        run.example(place)
    if run.problems:
        raise DeclaredErrors(run.problems)
    return declared


class _Run:
    """The examples of one file, and what they show to be otherwise than their author expects."""

    def __init__(self, declared: Declared[Examples], protocol: Protocol, calendar: Calendar) -> None:
        self.declared = declared
        self.protocol = protocol
        self.calendar = calendar
        self.problems: list[FileProblem] = []
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
                said = "This protocol has no anchor “%(name)s”."
                self.say((*here, "anchors", name), said, name=shown(name))
        self._compare_days((*here, "expect", "due"), example)
        self._compare_gates((*here, "expect", "gates"), example.expect)

    def _settle_all(self, path: PathOf, name: str, state: Literal["waived", "done"]) -> None:
        """Waive or do the tasks of this name, and say which of them that cannot be done to."""
        for key in self._keys(path, name):
            if state == "waived" and self.protocol.by_id[key[0]].waive == "never":
                self.say(path, ("“%(task)s” is never waived."), task=name)
            if state == "done" and self._states[key] != "open":
                self.say(path, ("“%(task)s” is not open yet."), task=name)
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
            self.say(path, ("This protocol has no task “%(task)s”."), task=shown(name), **hint)
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
            said = ("The case would close here.") if complete else ("The case would not close here.")
            self.say((*path, "complete"), said)

    def _say_others(self, path: PathOf, named: set[str]) -> None:
        """Say which tasks are open beside those that an example names."""
        for (step, item), state in self._states.items():
            if state == "open" and not named & {step, f"{step}/{item}"}:
                self.say(path, ("“%(task)s” is open here too."), task=f"{step}/{item}" if item else step)

    def _compare_state(self, path: PathOf, name: str, expected: str) -> None:
        for key in self._keys(path, name):
            if self._states[key] != expected:
                facts = {"task": name, "state": self._states[key], "expected": expected}
                self.say(path, ("“%(task)s” is %(state)s here, and not %(expected)s."), **facts)

    def _plan(self, example: Example) -> list[PlanLine]:
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
                    self.say((*path, name), ("“%(task)s” is due %(due)s here, and not %(expected)s."), **facts)

    def _compare_gates(self, path: PathOf, expected: Expected) -> None:
        for name, state in expected.gates.items():
            if name not in self.protocol.gates:
                self.say((*path, name), ("This protocol has no gate “%(name)s”."), name=shown(name))
            elif (state == "open") == bool(waiting := gate_waits_for(self.protocol, name, self._states)):
                steps = ", ".join(dict.fromkeys(step for step, _ in waiting)) or "—"
                said = "The gate is not %(expected)s here; it waits for: %(steps)s."
                self.say((*path, name), said, expected=state, steps=steps)
