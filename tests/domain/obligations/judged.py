"""Rules judged by facts that a test makes up, without a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from domain.declarations.checks.attendance import AttendanceRule, SeatAttendance
from domain.declarations.checks.attestation import AttestationRule, StandingAttestation
from domain.declarations.checks.count import CountRule
from domain.declarations.checks.document import DocumentRule, StandingDocument
from domain.declarations.checks.judging import Judging, PeriodFinding
from domain.declarations.checks.lateness import LateRule, ServingTask
from domain.declarations.checks.watch import Silence
from domain.declarations.checks.windows import Window
from domain.kernel.calendars import Calendar
from domain.kernel.spans import Span

Waived = Sequence[Span]
RuleOn = Callable[[date], Any]


def attendance(
    window: Window,
    waived: Waived,
    rule: AttendanceRule,
    sittings: Sequence[SeatAttendance],
    on: date,
    rule_on: RuleOn | None = None,
    *,
    silence: Silence,
) -> PeriodFinding:
    return rule.judge(Judging(window, on, silence, waived, rule_on), sittings)


def tasks(
    window: Window,
    waived: Waived,
    rule: LateRule,
    steps: Sequence[ServingTask],
    calendar: Calendar,
    on: date,
    rule_on: RuleOn | None = None,
    *,
    silence: Silence,
) -> PeriodFinding:
    return rule.judge(Judging(window, on, silence, waived, rule_on), steps, calendar)


def documents(
    window: Window,
    waived: Waived,
    rule: DocumentRule,
    papers: Sequence[StandingDocument],
    on: date,
    *,
    silence: Silence,
) -> PeriodFinding:
    return rule.judge(Judging(window, on, silence, waived), papers)


def attested(
    window: Window,
    waived: Waived,
    rule: AttestationRule,
    said: StandingAttestation | None,
    on: date,
    *,
    is_secretarys: bool,
    silence: Silence,
) -> PeriodFinding:
    return rule.judge(Judging(window, on, silence, waived), said, is_secretarys=is_secretarys)


def counted(
    window: Window,
    waived: Waived,
    rule: CountRule,
    counts: Mapping[str, int],
    on: date,
    *,
    silence: Silence,
    is_on_record: bool = True,
) -> PeriodFinding:
    return rule.judge(Judging(window, on, silence, waived), counts, is_on_record=is_on_record)
