"""How an obligation stands, from the facts of its period: pure functions, without clock and session.

Each takes the window, the rule, the facts and the local day as of which to judge. It gives the state and, fact by fact,
what counted and why. "Cannot be met" is said as soon as it is so, and not in January. What was not recorded is never a
partner's miss: the coordinator, who keeps the committees' records, is to record it. Where nothing is on record,
`Silence` says how it stands, and never that it is on track.

`rule` is the window's last text. With `rule_on`, the rule of the text of a day, each fact is judged by that of its own
day, and is one too many only where it is by both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from domain.declarations.program_agreements import AttendanceRule, AttestationRule, CountRule, DocumentRule, TasksRule
from domain.kernel.calendars import Calendar
from domain.kernel.spans import Span
from domain.obligations.silence import Silence
from domain.obligations.windows import Window

#: States that nothing can make good any more.
LOST: Final = frozenset({"missed", "cannot_be_met"})
#: The state of proof that was given, and of a period it would suffice for, until one who does not owe it accepts.
GIVEN: Final = "given"


@dataclass(frozen=True)
class Fact:
    """One thing on record that was looked at: what it is, of which local day, and whether it counts and why.

    `why` is a code of `WHY`; `id` opens it.
    """

    kind: str
    id: str
    on: date | None
    counts: bool
    why: str

    def as_json(self) -> dict[str, Any]:
        """The fact as it is stored."""
        return {
            "kind": self.kind,
            "id": self.id,
            "on": self.on.isoformat() if self.on else "",
            "counts": self.counts,
            "why": self.why,
        }


@dataclass(frozen=True)
class Found:
    """How a period stands: its state, the numbers and facts behind it, and the last day for proof, if it has one.

    `missing` are the ids of meetings with attendance that was not recorded in time.
    """

    state: str
    numbers: Mapping[str, int] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    due_on: date | None = None
    missing: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The finding as it is stored beside the state."""
        return {"numbers": dict(self.numbers), "facts": [fact.as_json() for fact in self.facts]}


@dataclass(frozen=True)
class Sitting:
    """A meeting of the committee and how the organization's seats on it were filled: the best of them.

    `quorate` is None while no one can tell, as for one under way; `filled` is "unrecorded" where nothing is on record
    of any seat.
    """

    id: str
    on: date
    state: str
    filled: str = "unrecorded"
    quorate: bool | None = None


@dataclass(frozen=True)
class Step:
    """A task that serves the clause: when it was due, and when it was done, if it was.

    `late_until` is the last day on which it was not done by this due day, where it was given another one since, or was
    cancelled after it. What was late stays late.
    """

    id: str
    due_on: date
    done_on: date | None = None
    called_off: bool = False
    late_until: date | None = None


@dataclass(frozen=True)
class Paper:
    """A document that stands: given for the clause itself, or in a task that serves it.

    It counts by the day that it speaks of. Where it comes from a procedure for a quarter or a year, it counts by one of
    these days: `counts_on`. `lacks` says why it does not count yet: a code of `WHY`, or "".
    """

    id: str
    effective_on: date
    kind: str = "document"
    counts_on: date | None = None
    lacks: str = ""

    def is_of(self, window: Window) -> bool:
        """Whether it is of this window, and of no other."""
        return window.holds(self.counts_on or self.effective_on)


@dataclass(frozen=True)
class Said:
    """The attestation that stands. `lacks` says why it does not count yet, as for a `Paper`."""

    id: str
    on: date
    held: bool
    lacks: str = ""

    @property
    def why(self) -> str:
        """The code of `WHY` that says what it is worth."""
        return "not_held" if not self.held else self.lacks or "held"


def attendance(
    window: Window,
    waived: Sequence[Span],
    rule: AttendanceRule,
    sittings: Sequence[Sitting],
    on: date,
    rule_on: Callable[[date], AttendanceRule] | None = None,
    *,
    silence: Silence,
) -> Found:
    """How often the seat stayed empty, of the meetings that were held with a quorum.

    An excused absence is neutral or counts, as the rule says. A cancelled meeting does not count, nor does one
    adjourned without quorum, unless the rule counts it for those who came. One not recorded within the days of grace is
    awaited from the coordinator. So is one for which no one can tell yet whether it had its quorum, before an empty
    seat counts.
    """
    judged = _Sat(rule, on, rule_on or (lambda _: rule))
    for sitting in sorted(sittings, key=lambda one: (one.on, one.id)):
        if window.holds(sitting.on):
            judged.take(sitting, is_waived=any(span.holds(sitting.on) for span in waived))
    if _is_waived(window, waived, on):
        return Found("waived", {}, tuple(judged.facts))
    numbers = {
        "held": judged.sat + judged.empty,
        "sat": judged.sat,
        "absences": judged.empty,
        "allowed": judged.allowed,
        "unrecorded": judged.open,
        "to_come": judged.to_come,
    }
    return Found(judged.state(window, silence), numbers, tuple(judged.facts), missing=tuple(judged.missing))


class _Sat:
    """The totals of the meetings of a window."""

    def __init__(self, rule: AttendanceRule, on: date, rule_on: Callable[[date], AttendanceRule]) -> None:
        self._rule, self._on, self._rule_on = rule, on, rule_on
        self.allowed, self.is_lost = rule.at_most_absences, False
        self.sat = self.empty = self.excused = self.open = self.to_come = self.by_alternates = 0
        self.facts: list[Fact] = []
        self.missing: list[str] = []

    def take(self, sitting: Sitting, *, is_waived: bool) -> None:
        counts, why = self._judge(sitting, is_waived=is_waived)
        self.facts.append(Fact("meeting", sitting.id, sitting.on, counts, why))

    def _judge(self, sitting: Sitting, *, is_waived: bool) -> tuple[bool, str]:
        if sitting.state == "cancelled":
            return False, "cancelled"
        if is_waived:
            return False, "waived"
        if sitting.on > self._on and sitting.state == "planned":
            self.to_come += 1
            return False, "to_come"
        if sitting.quorate is False:
            rule = self._rule_on(sitting.on)
            if rule.without_quorum == "counts_for_who_came" and self._sits(sitting, rule):
                self.sat += 1
                return True, "came_without_quorum"
            return False, "without_quorum"
        return self._filled(sitting)

    def _filled(self, sitting: Sitting) -> tuple[bool, str]:
        rule = self._rule_on(sitting.on)
        if self._sits(sitting, rule):
            self.sat += 1
            return True, sitting.filled
        if sitting.filled == "excused" and rule.excused == "neutral":
            self.excused += 1
            return False, "excused"
        if sitting.filled == "unrecorded" or sitting.quorate is None:
            self.open += 1
            if (self._on - sitting.on).days > rule.grace_days:
                self.missing.append(sitting.id)
                return False, "awaited"
            return False, "not_recorded_yet"
        self.empty += 1
        self.allowed = max(self.allowed, rule.at_most_absences)
        self.is_lost |= self.empty > max(self._rule.at_most_absences, rule.at_most_absences)
        if sitting.filled == "alternate":
            return True, "alternate_too_often" if rule.alternates == "cap" else "alternate_does_not_count"
        return True, sitting.filled

    def _sits(self, sitting: Sitting, rule: AttendanceRule) -> bool:
        """Whether the seat was filled by a person whose presence counts; an alternate uses up one of their times."""
        if sitting.filled == "alternate":
            return self._alternate_counts(rule)
        return sitting.filled in ("present", "remote")

    def _alternate_counts(self, rule: AttendanceRule) -> bool:
        """Whether an alternate who sat counts as the seat's presence: always, or the first so many times."""
        self.by_alternates += 1
        if rule.alternates != "cap":
            return rule.alternates == "count"
        return self.by_alternates <= (rule.at_most_by_alternates or 0)

    def state(self, window: Window, silence: Silence) -> str:
        allowed, is_over = self._rule.at_most_absences, _is_over(window, self._on)
        if window.starts_on > self._on:
            return "not_yet"
        if self.is_lost:
            return "missed" if is_over else "cannot_be_met"
        if self.missing:
            return "awaiting_record"
        if is_over:
            if self.open and self.empty + self.open > allowed:
                return "awaiting_record"
            return "met" if self.sat + self.empty + self.open else "no_occasion"
        if not self.sat + self.empty + self.excused:
            # Where no meeting is left, and none waits for its record, the silence is not the partner's.
            return silence.state(self._on) if self.open + self.to_come else "nothing_recorded"
        return "at_risk" if self.empty >= allowed and self.empty else "on_track"


def tasks(
    window: Window,
    waived: Sequence[Span],
    rule: TasksRule,
    steps: Sequence[Step],
    calendar: Calendar,
    on: date,
    rule_on: Callable[[date], TasksRule] | None = None,
    *,
    silence: Silence,
) -> Found:
    """How many of the steps due in the period were late by more than the rule's working days.

    One that is still open and not that late keeps the period open, over its end: work goes on over New Year.
    """
    judged = _each_once(
        [
            (step, of_day, _how(step, waived, of_day, calendar, on))
            for step in steps
            if window.holds(step.due_on)
            for of_day in [rule_on(step.due_on) if rule_on else rule]
        ]
    )
    facts = tuple(Fact("task", step.id, step.due_on, why in ("late", "in_time"), why) for step, _, why in judged)
    late, in_time, open_ = (sum(fact.why == why for fact in facts) for why in ("late", "in_time", "to_come"))
    # The nth that is late is one too many where the last text allows fewer, and the text of its own day as well.
    limits = [max(rule.at_most_late, of_day.at_most_late) for _, of_day, why in judged if why == "late"]
    is_lost = any(nth > limit for nth, limit in enumerate(limits, start=1))
    numbers = {"in_time": in_time, "late": late, "allowed": max(limits, default=rule.at_most_late), "to_come": open_}
    if _is_waived(window, waived, on):
        return Found("waived", {}, facts)
    is_over = _is_over(window, on)
    if window.starts_on > on:
        state = "not_yet"
    elif is_lost:
        state = "missed" if is_over else "cannot_be_met"
    elif is_over and not open_:
        state = "met" if in_time + late else "no_occasion"
    elif not in_time + late:
        state = silence.state(on) if open_ else "nothing_recorded"
    else:
        state = "at_risk" if late and late >= rule.at_most_late else "on_track"
    return Found(state, numbers, facts)


_Judged = tuple[Step, TasksRule, str]


def _each_once(judged: Sequence[_Judged]) -> list[_Judged]:
    """Each task once, by the first day by which it was late, else as it stands now; in the order of the days."""
    found: dict[str, _Judged] = {}
    for one in sorted(judged, key=lambda one: (one[2] != "late", one[0].late_until is not None, one[0].due_on)):
        step, _, why = one
        if step.late_until is None or why == "late":
            found.setdefault(step.id, one)
    return sorted(found.values(), key=lambda one: (one[0].due_on, one[0].id))


def _how(step: Step, waived: Sequence[Span], rule: TasksRule, calendar: Calendar, on: date) -> str:
    """Whether a step was late, in time, or is still to come; or why it counts neither way."""
    if any(span.holds(step.due_on) for span in waived):
        return "waived"
    if step.called_off:
        return "called_off"
    grace = rule.late_after_working_days
    last = calendar.add_working_days(step.due_on, grace) if grace else step.due_on
    if (step.done_on or step.late_until or on) > last:
        return "late"
    return "to_come" if step.done_on is None else "in_time"


def documents(
    window: Window,
    waived: Sequence[Span],
    rule: DocumentRule,
    papers: Sequence[Paper],
    on: date,
    *,
    silence: Silence,
) -> Found:
    """Whether the period brought as many documents as it must, by the last day for them.

    A document counts by the day that it speaks of, or by the quarter or year of its procedure (`Paper`). One that
    arrives in the days of grace is not late.
    """
    facts = [_brought(window, paper) for paper in sorted(papers, key=lambda one: (one.effective_on, one.id))]
    brought, given = sum(fact.counts for fact in facts), sum(fact.why == GIVEN for fact in facts)
    due = _due(window, rule.grace_days)
    numbers = {"brought": brought, "wanted": rule.at_least, **({"given": given} if given else {})}
    known = any(fact.why != "other_period" for fact in facts)
    state = _by_day(
        window,
        waived,
        due,
        on,
        silence,
        done=brought >= rule.at_least,
        given=brought + given >= rule.at_least,
        is_on_record=known,
    )
    return Found(state, numbers, tuple(facts), due_on=due)


def _brought(window: Window, paper: Paper) -> Fact:
    why = "other_period" if not paper.is_of(window) else paper.lacks or "in_period"
    return Fact(paper.kind, paper.id, paper.effective_on, why == "in_period", why)


def attested(
    window: Window,
    waived: Sequence[Span],
    rule: AttestationRule,
    said: Said | None,
    on: date,
    *,
    is_secretarys: bool,
    silence: Silence,
) -> Found:
    """Whether the holder of the rule's role stated it, by the last day for it.

    `is_secretarys` says that the coordinator has to state it, of another's duty: it is then awaited.
    """
    due = _due(window, rule.grace_days)
    facts = () if said is None else (Fact("attestation", said.id, said.on, said.why == "held", said.why),)
    why = said.why if said is not None else ""
    known = said is not None
    state = _by_day(window, waived, due, on, silence, done=why == "held", given=why == GIVEN, is_on_record=known)
    if said is not None and not said.held and state not in ("waived", "not_yet"):
        state = "missed" if due is not None and on > due else "at_risk"
    elif said is None and state == "missed" and is_secretarys:
        state = "awaiting_record"
    return Found(state, {"said": int(said is not None)}, facts, due_on=due)


def counted(
    window: Window,
    waived: Sequence[Span],
    rule: CountRule,
    counts: Mapping[str, int],
    on: date,
    *,
    silence: Silence,
    is_on_record: bool = True,
) -> Found:
    """Whether the total in the program's records is enough, or little enough. `counts` are by what was counted.

    The smallest counts where the rule says at least, the largest where it says at most. `is_on_record` says whether
    there is anything of which there could be too much: a role that was never held yet was vacant on no day.
    """
    facts = tuple(Fact("count", key, None, True, str(n)) for key, n in sorted(counts.items()))
    if window.starts_on > on:
        return Found("not_yet", {}, facts)
    if _is_waived(window, waived, on):
        return Found("waived", {}, facts)
    if rule.at_least is not None:
        numbers = {"counted": min(counts.values()), "wanted": rule.at_least}
        return Found(_enough(window, numbers, on, silence, is_any=any(counts.values())), numbers, facts)
    numbers = {"counted": max(counts.values()), "allowed": rule.at_most or 0}
    return Found(_little_enough(window, numbers, on, silence, is_on_record=is_on_record), numbers, facts)


def _enough(window: Window, numbers: Mapping[str, int], on: date, silence: Silence, *, is_any: bool) -> str:
    """How a minimum count stands: by the last day of its period or, without one, at all times."""
    is_over, is_open = _is_over(window, on), window.period.ends_on is None
    if numbers["counted"] >= numbers["wanted"]:
        return "met" if is_over or not is_open else "on_track"
    if is_over:
        return "no_occasion" if silence.had_no_time(window) and not is_any else "missed"
    if is_open and not silence.is_new(on):
        return "missed"
    if silence.is_risk(on):
        return "at_risk"
    return "on_track" if is_any else "nothing_recorded"


def _little_enough(
    window: Window, numbers: Mapping[str, int], on: date, silence: Silence, *, is_on_record: bool
) -> str:
    """How a maximum count stands."""
    most, allowed = numbers["counted"], numbers["allowed"]
    is_over = _is_over(window, on)
    if most > allowed:
        return "missed" if is_over or window.period.ends_on is None else "cannot_be_met"
    if not is_on_record:
        return "no_occasion" if is_over else silence.state(on)
    if is_over:
        return "met"
    return "at_risk" if most and 4 * most >= 3 * allowed else "on_track"


def _due(window: Window, grace_days: int) -> date | None:
    return None if window.ends_on is None else window.ends_on + timedelta(days=grace_days)


def _is_waived(window: Window, waived: Sequence[Span], on: date) -> bool:
    """Whether no day of the window is left without the waived ones; of an open window, whether this day is waived."""
    if window.ends_on is None:
        return any(span.holds(on) for span in waived)
    return bool(waived) and not any(span.without(waived) for span in window.spans)


def _is_over(window: Window, on: date) -> bool:
    return window.ends_on is not None and on > window.ends_on


def _by_day(
    window: Window,
    waived: Sequence[Span],
    due: date | None,
    on: date,
    silence: Silence,
    *,
    done: bool,
    given: bool,
    is_on_record: bool,
) -> str:
    """How something stands that has to be there by a day.

    `given` says that it is there and waits to be accepted; `is_on_record`, that some of it is on record, if not all.
    """
    if done:
        return "met"
    if window.ends_on is not None and any(span.holds(window.ends_on) for span in waived):
        return "waived"
    if window.starts_on > on:
        return "not_yet"
    if given:
        return GIVEN
    if due is not None and on > due:
        if is_on_record or not silence.had_no_time(window):
            return "missed"
        return "nothing_recorded" if silence.is_new(on) else "no_occasion"
    if silence.is_risk(on):
        return "at_risk"
    return "on_track" if is_on_record else "nothing_recorded"
