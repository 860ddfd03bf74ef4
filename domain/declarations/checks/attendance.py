"""By attendance: how often the organization's seat on a committee stayed empty, of the meetings held with a quorum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field, model_validator

from domain.declarations.checks.facts import MEETING
from domain.declarations.checks.judging import Fact, Judging, PeriodFinding
from domain.declarations.checks.owed import PeriodOwed
from domain.declarations.checks.records import Records, grouped, stands
from domain.declarations.checks.rule import SIT, CheckRule, ProofDeadline
from domain.declarations.checks.seats import seats_on
from domain.declared import Key, PathOf, Wrong
from domain.kernel import col, joins, only, run
from locales import N_, say, say_n
from models.committee import Committee
from models.meeting import Meeting
from models.minutes import Attendance

#: Of an organization's seats on one committee the fullest counts, in this order.
_FULLEST: Final = ("present", "remote", "alternate", "excused", "unrecorded", "absent")


@dataclass(frozen=True)
class SeatAttendance:
    """A meeting of the committee and how the organization's seats on it were filled: the best of them.

    `quorate` is None while no one can tell, as for one under way; `filled` is "unrecorded" where nothing is on record
    of any seat.
    """

    id: str
    on: date
    state: str
    filled: str = "unrecorded"
    quorate: bool | None = None


class AttendanceRule(CheckRule):
    """How often the organization's seat on a committee may stay empty in the period, of the meetings held.

    An alternate's presence counts, or does not, or counts up to a cap: `at_most_by_alternates` meetings of the period,
    and any more as absences. A meeting that was adjourned without its quorum counts for no one or, with
    `without_quorum`, for those who came: no one is absent from it.
    """

    committee: Key
    at_most_absences: Annotated[int, Field(ge=0)]
    alternates: Literal["count", "cap", "no"] = "count"
    at_most_by_alternates: Annotated[int, Field(ge=1)] | None = None
    excused: Literal["neutral", "absent"] = "neutral"
    # Left out where it is not said: a rule that was signed before it could be said reads the same.
    without_quorum: Literal["counts_for_who_came"] | None = None
    grace_days: Annotated[int, Field(ge=0)] = 10  # for the secretary to record the attendance

    key = "attendance"
    words = N_("by attendance")
    facts = (MEETING,)
    why: ClassVar[Mapping[str, str]] = {
        "present": N_("present"),
        "remote": N_("present remotely"),
        "alternate": N_("by an alternate"),
        "alternate_does_not_count": N_("by an alternate, who does not count for this"),
        "alternate_too_often": N_("by an alternate, over the limit"),
        "excused": N_("excused"),
        "absent": N_("absent"),
        "cancelled": N_("cancelled"),
        "without_quorum": N_("adjourned without quorum"),
        "came_without_quorum": N_("came; adjourned without quorum"),
        "awaited": N_("not recorded: the coordination is asked to"),
        "not_recorded_yet": N_("not recorded yet"),
        "to_come": N_("to come"),
        "waived": N_("waived that day"),
    }
    adds_up: ClassVar[Mapping[str, str]] = {
        "held": N_("Sat: %(sat)s of %(held)s; absences: %(absences)s, allowed: %(allowed)s")
    }
    touched_by = frozenset(
        {
            "attendance.recorded",
            "attendance.corrected",
            "meeting.planned",
            "meeting.moved",
            "meeting.cancelled",
            "meeting.closed",
            "meeting.opened",
            "meeting.put_back",
            "season.planned",
        }
    )
    awaits_secretary = True
    needs_seat = True
    asks_by = SIT
    asks_in = frozenset({"nothing_recorded", "at_risk"})  # a seat that was sat on as it must be asks for nothing

    @model_validator(mode="after")
    def _capped(self) -> AttendanceRule:
        if (self.alternates == "cap") != (self.at_most_by_alternates is not None):
            raise Wrong(
                N_("A cap of alternates says at most how many meetings, and only a cap does."),
                at=("at_most_by_alternates",),
            )
        return self

    def committees_named(self) -> Iterator[tuple[PathOf, str]]:
        """The one on which the seat is."""
        yield ("committee",), self.committee

    def looks_at(self) -> str:
        """The meetings of its committee."""
        return self.committee

    def named_by(self, fact: Fact) -> str:  # noqa: ARG002 - each meeting is named alike
        """A meeting is named by its committee."""
        return self.committee

    def in_words(self, language: str, names: Mapping[str, str]) -> str:
        """At most so many absences, and what counts as one."""
        return "; ".join(self._words(language, names))

    def _words(self, language: str, names: Mapping[str, str]) -> Iterator[str]:
        yield say_n(
            language,
            "at most %(n)s absence from: %(committee)s",
            "at most %(n)s absences from: %(committee)s",
            self.at_most_absences,
            committee=names.get(self.committee, self.committee),
        )
        if self.alternates == "no":
            yield say(language, N_("an alternate does not count"))
        elif self.alternates == "cap":
            yield say_n(
                language,
                "by an alternate at most %(n)s time",
                "by an alternate at most %(n)s times",
                self.at_most_by_alternates or 0,
            )
        if self.without_quorum is not None:
            yield say(language, N_("a meeting without a quorum counts for those who came"))

    def found(self, period: PeriodOwed) -> PeriodFinding:
        """By the meetings of the committee and how the seat was filled at each."""
        sittings = self._sittings(period.records, period.one.organization_id, period.clause.owed_by)
        return self.judge(period.judging, sittings)

    def judge(self, judging: Judging, sittings: Sequence[SeatAttendance]) -> PeriodFinding:
        """How often the seat stayed empty, of the meetings that were held with a quorum.

        An excused absence is neutral or counts, as the rule says. A meeting that was cancelled is no occasion, nor is
        one adjourned without quorum, unless the rule has it count for those who came. One not recorded within the days
        of grace is awaited from the secretary; so is one of which nobody can tell yet whether it had its quorum, before
        a seat that stayed empty counts.
        """
        sat = _Sat(self, judging)
        for sitting in sorted(sittings, key=lambda one: (one.on, one.id)):
            if judging.window.holds(sitting.on):
                sat.take(sitting)
        if judging.is_waived:
            return PeriodFinding("waived", {}, tuple(sat.facts))
        return PeriodFinding(sat.state(), sat.numbers(), tuple(sat.facts), missing=tuple(sat.missing))

    def asks(self, period: PeriodOwed, found: PeriodFinding) -> ProofDeadline | None:
        """Asked of those who sit, while a meeting is to come that they can attend."""
        last = period.window.ends_on
        if last is None or not found.numbers.get("to_come"):
            return None
        return ProofDeadline(SIT, last, last, N_("Attend the meetings up to %(day)s, %(organization)s: %(what)s"))

    def _sittings(self, records: Records, organization_id: UUID, role: str) -> list[SeatAttendance]:
        """Every meeting of the committee, and how the seats of this role there were filled, of any role else.

        The seats that it takes from other committees are its own too. Of several, the fullest counts, once.
        """
        seats = seats_on(records, self.committee, organization_id)
        mine = [seat for seat in seats if seat.role == role] or seats
        filled = records.read(_filled)
        found = []
        for meeting in records.read(_meetings)[self.committee]:
            day = meeting.starts.date()
            there = [filled.get((meeting.id, seat.id), "unrecorded") for seat in mine if stands(seat, day)]
            if there:
                quorate = meeting.quorate if meeting.state == "held" else None
                fullest = min(there, key=_FULLEST.index)
                found.append(SeatAttendance(str(meeting.id), day, meeting.state, fullest, quorate))
        return found


def _meetings(records: Records) -> Mapping[str, list[Any]]:
    """The meetings of each committee, by their day."""
    rows = run(
        records.session,
        only(Meeting.id, Meeting.starts, Meeting.state, Meeting.quorate, Committee.key)
        .join(Committee, joins(Meeting.committee_id, Committee))
        .order_by(col(Meeting.starts_at)),
    )
    return grouped(rows, lambda row: row.key)


def _filled(records: Records) -> Mapping[tuple[UUID, UUID], str]:
    rows = run(records.session, only(Attendance.meeting_id, Attendance.seat_id, Attendance.state))
    return {(row.meeting_id, row.seat_id): row.state for row in rows}


@dataclass
class _Sat:
    """The totals of the meetings of a window."""

    rule: AttendanceRule
    judging: Judging
    allowed: int = 0
    is_lost: bool = False
    by_alternates: int = 0
    sat: int = 0
    empty: int = 0
    excused: int = 0
    open: int = 0
    to_come: int = 0
    facts: list[Fact] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.allowed = self.rule.at_most_absences

    def take(self, sitting: SeatAttendance) -> None:
        """Count a meeting, and keep what it counted as."""
        counts, why = self._judge(sitting)
        self.facts.append(Fact(MEETING.key, sitting.id, sitting.on, counts, why))

    def numbers(self) -> dict[str, int]:
        """What the state is said by."""
        return {
            "held": self.sat + self.empty,
            "sat": self.sat,
            "absences": self.empty,
            "allowed": self.allowed,
            "unrecorded": self.open,
            "to_come": self.to_come,
        }

    def _judge(self, sitting: SeatAttendance) -> tuple[bool, str]:
        if sitting.state == "cancelled":
            return False, "cancelled"
        if self.judging.frees(sitting.on):
            return False, "waived"
        if sitting.on > self.judging.on and sitting.state == "planned":
            self.to_come += 1
            return False, "to_come"
        rule = self.judging.rule_of(sitting.on, self.rule)
        if sitting.quorate is False:
            if rule.without_quorum == "counts_for_who_came" and self._sits(sitting, rule):
                self.sat += 1
                return True, "came_without_quorum"
            return False, "without_quorum"
        return self._filled(sitting, rule)

    def _filled(self, sitting: SeatAttendance, rule: AttendanceRule) -> tuple[bool, str]:
        if self._sits(sitting, rule):
            self.sat += 1
            return True, sitting.filled
        if sitting.filled == "excused" and rule.excused == "neutral":
            self.excused += 1
            return False, "excused"
        if sitting.filled == "unrecorded" or sitting.quorate is None:
            return False, self._unknown(sitting, rule)
        self.empty += 1
        self.allowed = max(self.allowed, rule.at_most_absences)
        self.is_lost |= self.empty > max(self.rule.at_most_absences, rule.at_most_absences)
        if sitting.filled == "alternate":
            return True, "alternate_too_often" if rule.alternates == "cap" else "alternate_does_not_count"
        return True, sitting.filled

    def _unknown(self, sitting: SeatAttendance, rule: AttendanceRule) -> str:
        """One of which nobody can tell yet how the seat was filled: awaited once its days of grace are over."""
        self.open += 1
        if (self.judging.on - sitting.on).days <= rule.grace_days:
            return "not_recorded_yet"
        self.missing.append(sitting.id)
        return "awaited"

    def _sits(self, sitting: SeatAttendance, rule: AttendanceRule) -> bool:
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

    def state(self) -> str:
        """How the window stands by what was counted."""
        if not self.judging.has_begun:
            return "not_yet"
        if self.is_lost:
            return self.judging.lost()
        if self.missing:
            return "awaiting_record"
        return self._when_over() if self.judging.is_over else self._under_way()

    def _when_over(self) -> str:
        if self.open and self.empty + self.open > self.rule.at_most_absences:
            return "awaiting_record"
        return "met" if self.sat + self.empty + self.open else "no_occasion"

    def _under_way(self) -> str:
        if not self.sat + self.empty + self.excused:
            # Where no meeting is left, and none waits for its record, the silence is not the partner's.
            is_any_left = self.open + self.to_come
            return self.judging.silence.state(self.judging.on) if is_any_left else "nothing_recorded"
        return "at_risk" if self.empty and self.empty >= self.rule.at_most_absences else "on_track"
