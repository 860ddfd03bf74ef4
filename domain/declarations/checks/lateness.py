"""What is to be done by a day: how many times it may be late, whatever it is. The base of the kinds that count so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from domain.declarations.checks.judging import Fact, Judging, PeriodFinding
from domain.declarations.checks.rule import CheckRule
from domain.kernel import Calendar
from locales import N_


@dataclass(frozen=True)
class ServingTask:
    """Something that is to be done by a day, such as a task: when it was due, and when it was done, if it was.

    `late_until` is the last day on which it was not done by this due day, where it was given another one since, or was
    called off after it: what was late stays late.
    """

    id: str
    due_on: date
    done_on: date | None = None
    called_off: bool = False
    late_until: date | None = None


class _Judged(NamedTuple):
    """A step, the rule of its due day, and whether it was late, in time or is to come."""

    step: ServingTask
    rule: LateRule
    why: str

    def as_fact(self, kind: str) -> Fact:
        """It as a fact: late or in time it counts, and neither way else."""
        return Fact(kind, self.step.id, self.step.due_on, self.why in ("late", "in_time"), self.why)


class LateRule(CheckRule):
    """How many times something may be done late in the period: what it is, a kind says by its first kind of fact."""

    late_after_working_days: Annotated[int, Field(ge=0)] = 0  # after the due date
    at_most_late: Annotated[int, Field(ge=0)]

    why: ClassVar[Mapping[str, str]] = {
        "late": N_("too late"),
        "in_time": N_("in time"),
        "to_come": N_("to come"),
        "waived": N_("waived that day"),
        "called_off": N_("waived or cancelled"),
    }
    adds_up: ClassVar[Mapping[str, str]] = {"in_time": N_("In time: %(in_time)s; late: %(late)s, allowed: %(allowed)s")}

    def judge(self, judging: Judging, steps: Sequence[ServingTask], calendar: Calendar) -> PeriodFinding:
        """How many of the steps due in the period were late by more than the rule's working days.

        One that is still open and not that late keeps the period open, over its end: work goes on over New Year.
        """
        judged = self._judged(judging, steps, calendar)
        facts = tuple(one.as_fact(self.facts[0].key) for one in judged)
        if judging.is_waived:
            return PeriodFinding("waived", {}, facts)
        whys = [one.why for one in judged]
        late, in_time, to_come = (whys.count(why) for why in ("late", "in_time", "to_come"))
        # The nth that is late is one too many where the last text allows fewer, and the text of its own day as well.
        limits = [max(self.at_most_late, one.rule.at_most_late) for one in judged if one.why == "late"]
        is_lost = any(nth > limit for nth, limit in enumerate(limits, start=1))
        state = judging.lost() if is_lost and judging.has_begun else self._state(judging, late, in_time, to_come)
        allowed = max(limits, default=self.at_most_late)
        return PeriodFinding(state, {"in_time": in_time, "late": late, "allowed": allowed, "to_come": to_come}, facts)

    def _judged(self, judging: Judging, steps: Sequence[ServingTask], calendar: Calendar) -> list[_Judged]:
        """What is of the window, each by the rule of its due day."""
        inside = [(step, judging.rule_of(step.due_on, self)) for step in steps if judging.window.holds(step.due_on)]
        return _each_once([_Judged(step, rule, rule.how(step, judging, calendar)) for step, rule in inside])

    def _state(self, judging: Judging, late: int, in_time: int, to_come: int) -> str:
        """How it stands where not too many were late."""
        if not judging.has_begun:
            return "not_yet"
        if judging.is_over and not to_come:
            return "met" if late + in_time else "no_occasion"
        if not late + in_time:
            return judging.silence.state(judging.on) if to_come else "nothing_recorded"
        return "at_risk" if late and late >= self.at_most_late else "on_track"

    def how(self, step: ServingTask, judging: Judging, calendar: Calendar) -> str:
        """Whether a step was late, in time, or is still to come; or why it counts neither way."""
        if judging.frees(step.due_on):
            return "waived"
        if step.called_off:
            return "called_off"
        grace = self.late_after_working_days
        last = calendar.add_working_days(step.due_on, grace) if grace else step.due_on
        if (step.done_on or step.late_until or judging.on) > last:
            return "late"
        return "to_come" if step.done_on is None else "in_time"


def _each_once(judged: Sequence[_Judged]) -> list[_Judged]:
    """Each task once, by the first day by which it was late, else as it stands now; in the order of the days."""
    found: dict[str, _Judged] = {}
    for one in sorted(judged, key=lambda one: (one.why != "late", one.step.late_until is not None, one.step.due_on)):
        if one.step.late_until is None or one.why == "late":
            found.setdefault(one.step.id, one)
    return sorted(found.values(), key=lambda one: (one.step.due_on, one.step.id))
