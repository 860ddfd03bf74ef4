"""How an obligation stands: said as soon as it is so, never a miss for what nobody recorded, each fact with its why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.declarations.checks.attendance import AttendanceRule, SeatAttendance
from domain.declarations.checks.attestation import AttestationRule, StandingAttestation
from domain.declarations.checks.count import CountRule
from domain.declarations.checks.document import DocumentRule, StandingDocument
from domain.declarations.checks.judging import PeriodFinding
from domain.declarations.checks.lateness import ServingTask
from domain.declarations.checks.tasks import TasksRule
from domain.declarations.checks.watch import AtRisk, Silence
from domain.declarations.checks.windows import Window
from domain.declared.reading import Bilingual
from domain.kernel.calendars import Calendar
from domain.kernel.spans import Span
from tests.domain.obligations import judged

DAY = timedelta(days=1)
YEAR = Window(Span(date(2026, 1, 1), date(2026, 12, 31)), (Span(date(2026, 1, 1), date(2026, 12, 31)),), UUID(int=1))
OPEN = Window(Span(date(2026, 1, 1), None), (Span(date(2026, 1, 1), None),), UUID(int=1))
#: A year of an agreement that has gone on for a while, and one without a last day.
QUIET, NO_END = Silence(AtRisk().from_day(date(2026, 1, 1), date(2026, 12, 31))), Silence()
#: Four meetings of the Steering Committee a year.
MEETINGS = [date(2026, month, 10) for month in (2, 5, 8, 11)]
RULE = AttendanceRule(committee="steering", at_most_absences=1)
OVER = date(2027, 1, 20)


def sat(*filled: str, on: date, rule: AttendanceRule = RULE, waived: Sequence[Span] = ()) -> PeriodFinding:
    """The year's meetings as their seat was filled; what is to come on `on` is planned."""
    sittings = [
        SeatAttendance(
            str(n), day, "cancelled" if how == "cancelled" else "held" if day <= on else "planned", how, quorate=True
        )
        for n, (day, how) in enumerate(zip(MEETINGS, filled, strict=True))
    ]
    return judged.attendance(YEAR, waived, rule, sittings, on, silence=QUIET)


@pytest.mark.parametrize(
    ("filled", "on", "state"),
    [
        (("present", "unrecorded", "unrecorded", "unrecorded"), date(2026, 3, 1), "on_track"),
        (("present", "alternate", "unrecorded", "unrecorded"), date(2026, 6, 1), "on_track"),
        (("present", "absent", "unrecorded", "unrecorded"), date(2026, 6, 1), "at_risk"),
        (("absent", "absent", "unrecorded", "unrecorded"), date(2026, 6, 1), "cannot_be_met"),
        (("present", "excused", "excused", "remote"), OVER, "met"),
        (("present", "present", "absent", "present"), OVER, "met"),
        (("present", "absent", "absent", "present"), OVER, "missed"),
        (("cancelled", "cancelled", "cancelled", "cancelled"), OVER, "no_occasion"),
        (("present", "cancelled", "absent", "cancelled"), OVER, "met"),
        (("present", "unrecorded", "unrecorded", "unrecorded"), date(2026, 5, 13), "on_track"),
        (("present", "unrecorded", "unrecorded", "unrecorded"), date(2026, 5, 21), "awaiting_record"),
        (("absent", "absent", "unrecorded", "unrecorded"), date(2026, 9, 10), "cannot_be_met"),
        (("absent", "cancelled", "unrecorded", "unrecorded"), date(2026, 6, 1), "at_risk"),
        (("absent", "cancelled", "absent", "unrecorded"), date(2026, 9, 10), "cannot_be_met"),
    ],
)
def test_a_seat_that_stays_empty_once_too_often_cannot_be_made_good(
    filled: tuple[str, ...], on: date, state: str
) -> None:
    assert sat(*filled, on=on).state == state


def test_before_anything_was_held_nothing_is_recorded() -> None:
    assert sat(*["unrecorded"] * 4, on=date(2026, 1, 15)).state == "nothing_recorded"
    excused = sat("excused", "unrecorded", "unrecorded", "unrecorded", on=date(2026, 2, 11))
    assert excused.state == "on_track", "an excuse is on record"


def test_a_seat_of_which_nothing_is_recorded_is_at_risk_only_while_there_is_something_to_sit_at() -> None:
    cancelled = ("cancelled", "cancelled", "cancelled")
    for on, state in ((date(2026, 9, 30), "nothing_recorded"), (date(2026, 10, 1), "at_risk")):
        assert sat(*cancelled, "unrecorded", on=on).state == state
    assert sat(*cancelled, "cancelled", on=date(2026, 10, 1)).state == "nothing_recorded"


def test_an_excuse_counts_as_absence_where_the_rule_says_so() -> None:
    strict = AttendanceRule(committee="steering", at_most_absences=1, excused="absent")
    assert sat("excused", "excused", "present", "present", on=OVER, rule=strict).state == "missed"


def test_an_alternate_counts_for_nothing_where_the_rule_says_so() -> None:
    strict = AttendanceRule(committee="steering", at_most_absences=0, alternates="no")
    found = sat("alternate", "present", "present", "present", on=OVER, rule=strict)
    assert found.state == "missed"
    assert found.facts[0].why == "alternate_does_not_count"


def test_an_alternate_counts_up_to_the_cap_and_then_as_an_absence() -> None:
    capped = AttendanceRule(committee="steering", at_most_absences=1, alternates="cap", at_most_by_alternates=2)
    found = sat("alternate", "present", "alternate", "alternate", on=OVER, rule=capped)
    assert (found.state, found.numbers["sat"], found.numbers["absences"]) == ("met", 3, 1)
    assert [fact.why for fact in found.facts] == ["alternate", "present", "alternate", "alternate_too_often"]
    found = sat("alternate", "alternate", "alternate", "alternate", on=OVER, rule=capped)
    assert (found.state, found.numbers["absences"]) == ("missed", 2)
    for wrong in ({"alternates": "cap"}, {"at_most_by_alternates": 2}):
        with pytest.raises(ValidationError):
            AttendanceRule(committee="steering", at_most_absences=1, **wrong)


def test_a_meeting_adjourned_without_quorum_is_no_occasion_for_anyone() -> None:
    sittings = [
        SeatAttendance("1", MEETINGS[0], "held", "absent", quorate=False),
        SeatAttendance("2", MEETINGS[1], "held", "present"),
    ]
    found = judged.attendance(YEAR, (), RULE, sittings, OVER, silence=QUIET)
    assert (found.state, found.numbers["absences"]) == ("met", 0)
    assert [fact.why for fact in found.facts] == ["without_quorum", "present"]


def test_a_meeting_adjourned_without_quorum_counts_for_those_who_came_where_the_rule_says_so() -> None:
    """Whoever came has come; whoever did not misses nothing: no decision could be taken."""
    rule = AttendanceRule(
        committee="steering",
        at_most_absences=0,
        alternates="cap",
        at_most_by_alternates=1,
        without_quorum="counts_for_who_came",
    )
    how = ("present", "absent", "alternate", "alternate")
    sittings = [
        SeatAttendance(str(n), day, "held", one, quorate=False)
        for n, (day, one) in enumerate(zip(MEETINGS, how, strict=True))
    ]
    found = judged.attendance(YEAR, (), rule, sittings, OVER, silence=QUIET)
    assert (found.state, found.numbers["sat"], found.numbers["absences"]) == ("met", 2, 0)
    assert [(fact.counts, fact.why) for fact in found.facts] == [
        (True, "came_without_quorum"),
        (False, "without_quorum"),
        (True, "came_without_quorum"),
        (False, "without_quorum"),
    ]
    by_default = rule.model_copy(update={"without_quorum": None})
    assert judged.attendance(YEAR, (), by_default, sittings, OVER, silence=QUIET).state == "no_occasion"


@pytest.mark.parametrize(("state", "quorate"), [("held", None), ("under_way", None)])
def test_a_seat_that_stayed_empty_counts_once_it_can_be_told_that_the_meeting_had_its_quorum(
    state: str, quorate: bool | None
) -> None:
    strict = AttendanceRule(committee="steering", at_most_absences=0)
    sittings = [SeatAttendance("1", MEETINGS[0], state, "absent", quorate=quorate)]
    found = [judged.attendance(YEAR, (), strict, sittings, MEETINGS[0] + days * DAY, silence=QUIET) for days in (0, 11)]
    assert [(one.state, one.numbers["absences"], one.missing) for one in found] == [
        ("nothing_recorded", 0, ()),
        ("awaiting_record", 0, ("1",)),
    ]
    known = [replace(one, state="held", quorate=True) for one in sittings]
    assert judged.attendance(YEAR, (), strict, known, MEETINGS[0], silence=QUIET).state == "cannot_be_met"


# ------------------------------------------------------------------------------------------- another text in mid-period


def since_july(before: AttendanceRule, after: AttendanceRule, *how: str, on: date = OVER) -> PeriodFinding:
    """The year's meetings by the text of July, each by that of its own day."""
    met = enumerate(zip(MEETINGS[: len(how)], how, strict=True))
    sittings = [SeatAttendance(str(n), day, "held", one, quorate=True) for n, (day, one) in met]
    return judged.attendance(
        YEAR, (), after, sittings, on, lambda day: before if day < date(2026, 7, 1) else after, silence=QUIET
    )


def test_what_the_text_of_its_day_allowed_loses_nothing_by_a_stricter_one() -> None:
    two, one = (AttendanceRule(committee="steering", at_most_absences=n) for n in (2, 1))
    on = date(2026, 7, 2)
    assert since_july(two, one, "absent", "absent", on=on).state == "at_risk"
    assert since_july(two, one, "absent", "absent", "present", "present").state == "met"
    assert since_july(two, one, "absent", "absent", "absent", "present").state == "missed", "one too many by either"
    assert since_july(two, one, "absent", "present", "absent", "present").state == "missed", "in August one is allowed"
    assert since_july(one, two, "absent", "absent", on=on).state == "at_risk", "the last text is the milder one"
    before = AttendanceRule(committee="steering", at_most_absences=0)
    after = before.model_copy(update={"excused": "absent"})
    assert since_july(before, after, "excused", "present", "present", "present").state == "met"
    assert since_july(before, after, "present", "present", "excused", "present").state == "missed"


def test_a_rule_that_says_nothing_of_a_quorum_reads_as_it_was_signed() -> None:
    assert "without_quorum" not in RULE.model_dump(mode="json", exclude_none=True)


def test_what_happens_on_waived_days_counts_neither_way() -> None:
    waived = [Span(date(2026, 2, 1), date(2026, 5, 31))]
    assert sat("absent", "absent", "present", "present", on=OVER, waived=waived).state == "met"
    # The waiver has ended: what comes after it counts.
    assert sat("absent", "absent", "absent", "absent", on=OVER, waived=waived).state == "missed"


def test_a_year_waived_whole_is_waived() -> None:
    assert sat("absent", "absent", "absent", "absent", on=OVER, waived=[Span(date(2025, 1, 1), OVER)]).state == "waived"


def test_a_record_that_comes_a_month_late_is_the_secretarys_delay_and_no_absence() -> None:
    late = sat("present", "unrecorded", "unrecorded", "unrecorded", on=date(2026, 6, 10))
    assert (late.state, late.missing) == ("awaiting_record", ("1",))
    assert sat("present", "present", "unrecorded", "unrecorded", on=date(2026, 6, 10)).state == "on_track"


filled = st.sampled_from(["present", "remote", "alternate", "excused", "absent", "unrecorded", "cancelled"])


@given(st.tuples(filled, filled, filled, filled), st.integers(0, 3), st.dates(date(2026, 1, 1), date(2027, 3, 1)))
def test_what_cannot_be_met_is_never_met_afterwards_whatever_comes(
    how: tuple[str, str, str, str], allowed: int, on: date
) -> None:
    rule = AttendanceRule(committee="steering", at_most_absences=allowed)
    found = sat(*how, on=on, rule=rule)
    if found.state == "cannot_be_met":
        for later in (on, date(2026, 12, 31), OVER):
            best = tuple(one if day <= on else "present" for one, day in zip(how, MEETINGS, strict=True))
            assert sat(*best, on=max(on, later), rule=rule).state in ("cannot_be_met", "missed")
    if found.state in ("missed", "cannot_be_met"):
        assert sum(one == "absent" for one, day in zip(how, MEETINGS, strict=True) if day <= on) > allowed


@given(st.tuples(filled, filled, filled, filled), st.dates(date(2026, 1, 1), date(2027, 3, 1)))
def test_nothing_unrecorded_is_ever_an_absence(how: tuple[str, str, str, str], on: date) -> None:
    unrecorded = tuple("unrecorded" if one == "absent" else one for one in how)
    found = sat(*unrecorded, on=on)
    assert found.numbers.get("absences", 0) == 0
    assert found.state not in ("missed", "cannot_be_met")


# --------------------------------------------------------------------------------------------------------------- tasks

TASKS = TasksRule(protocols=("onboarding",), late_after_working_days=5, at_most_late=1)
CALENDAR = Calendar()


def done(*steps: ServingTask, on: date, waived: Sequence[Span] = ()) -> PeriodFinding:
    return judged.tasks(YEAR, waived, TASKS, steps, CALENDAR, on, silence=QUIET)


def test_a_task_is_late_only_after_the_working_days_that_the_rule_leaves() -> None:
    due = date(2026, 6, 22)  # 24 June is a holiday
    assert done(ServingTask("1", due, date(2026, 6, 30)), on=OVER).facts[0].why == "in_time"
    assert done(ServingTask("1", due, date(2026, 7, 3)), on=OVER).facts[0].why == "late"


def test_work_that_goes_on_over_new_year_keeps_its_period_open() -> None:
    step = ServingTask("1", date(2026, 12, 30))
    assert done(step, on=date(2027, 1, 4)).state == "at_risk", "nothing of the year is on record"
    assert done(ServingTask("1", date(2026, 12, 30), date(2027, 1, 4)), on=OVER).state == "met"
    assert done(step, on=OVER).facts[0].why == "late"


def test_tasks_late_too_often_are_said_at_once() -> None:
    steps = [ServingTask(str(n), date(2026, 3, 2 + n), date(2026, 5, 1)) for n in range(2)]
    assert done(*steps, on=date(2026, 5, 2)).state == "cannot_be_met"
    assert done(*steps[:1], on=date(2026, 5, 2)).state == "at_risk"
    assert done(*steps, on=OVER).state == "missed"
    assert done(on=OVER).state == "no_occasion"
    assert done(ServingTask("1", date(2026, 3, 2), called_off=True), on=OVER).state == "no_occasion"


def test_what_was_late_stays_late_whatever_becomes_of_its_step() -> None:
    due, moved = date(2026, 3, 2), date(2026, 9, 1)
    late, within = (ServingTask("1", due, late_until=day) for day in (date(2026, 3, 16), date(2026, 3, 6)))
    called_off, again = ServingTask("1", due, called_off=True), ServingTask("1", moved, moved)
    on = date(2026, 10, 1)
    assert [fact.why for fact in done(called_off, late, on=on).facts] == ["late"]
    assert [fact.why for fact in done(called_off, within, on=on).facts] == ["called_off"], "the days left were not over"
    assert [(fact.on, fact.why) for fact in done(again, late, on=on).facts] == [(due, "late")], "once in a period"
    assert [(fact.on, fact.why) for fact in done(again, within, on=on).facts] == [(moved, "in_time")]
    assert done(replace(late, due_on=date(2025, 3, 2)), again, on=on).facts[0].why == "in_time", "of another year"
    freed = done(called_off, late, on=on, waived=[Span(due, due)])
    assert [fact.why for fact in freed.facts] == ["waived"], "a decision freed the partner of that day"


def test_a_task_that_was_in_time_by_the_text_of_its_day_is_not_late_by_a_stricter_one() -> None:
    strict = TASKS.model_copy(update={"late_after_working_days": 0, "at_most_late": 0})

    def on_day(day: date) -> TasksRule:
        return TASKS if day < date(2026, 7, 1) else strict

    for month, state in ((3, "met"), (8, "missed")):
        steps = [ServingTask("1", date(2026, month, 3), date(2026, month, 5))]
        assert judged.tasks(YEAR, (), strict, steps, CALENDAR, OVER, on_day, silence=QUIET).state == state
    late = [ServingTask("1", date(2026, 3, 3), date(2026, 4, 30))]  # one late one was allowed
    assert judged.tasks(YEAR, (), strict, late, CALENDAR, OVER, on_day, silence=QUIET).state == "met"


# ------------------------------------------------------------------------------------------- documents and attestations

REPORT = DocumentRule(kind="annual-report", at_least=1, grace_days=90)


@pytest.mark.parametrize(
    ("papers", "on", "state"),
    [
        ([], date(2026, 9, 30), "nothing_recorded"),
        ([], date(2026, 10, 1), "at_risk"),
        ([], date(2027, 3, 31), "at_risk"),
        ([], date(2027, 4, 1), "missed"),
        ([date(2026, 12, 31)], date(2027, 4, 1), "met"),
        ([date(2027, 1, 1)], date(2027, 4, 1), "missed"),
        ([date(2025, 12, 31)], date(2027, 4, 1), "missed"),
    ],
)
def test_a_document_counts_by_the_day_that_it_speaks_of(papers: list[date], on: date, state: str) -> None:
    found = judged.documents(
        YEAR, (), REPORT, [StandingDocument(str(n), day) for n, day in enumerate(papers)], on, silence=QUIET
    )
    assert (found.state, found.due_on) == (state, date(2027, 3, 31))


def test_what_is_owed_once_has_no_last_day() -> None:
    assert judged.documents(OPEN, (), REPORT, [], date(2030, 1, 1), silence=NO_END).state == "nothing_recorded"


STATED = AttestationRule(statement=Bilingual(fr="Fait.", en="Done."), by="manager", grace_days=30)


def test_what_was_not_stated_by_its_last_day_is_missed_unless_it_is_the_coordinators_to_state() -> None:
    on = date(2027, 1, 31)
    assert judged.attested(YEAR, (), STATED, None, on, is_secretarys=False, silence=QUIET).state == "missed"
    assert judged.attested(YEAR, (), STATED, None, on, is_secretarys=True, silence=QUIET).state == "awaiting_record"
    assert (
        judged.attested(YEAR, (), STATED, None, date(2027, 1, 30), is_secretarys=False, silence=QUIET).state
        == "at_risk"
    )


def test_a_statement_that_it_did_not_hold_is_a_miss_only_once_nothing_else_can_be_said() -> None:
    not_held = StandingAttestation("1", date(2026, 12, 1), held=False)
    assert (
        judged.attested(YEAR, (), STATED, not_held, date(2026, 12, 2), is_secretarys=False, silence=QUIET).state
        == "at_risk"
    )
    assert (
        judged.attested(YEAR, (), STATED, not_held, OVER + 30 * DAY, is_secretarys=True, silence=QUIET).state
        == "missed"
    )
    held = StandingAttestation("2", date(2027, 1, 5), held=True)
    assert judged.attested(YEAR, (), STATED, held, OVER, is_secretarys=False, silence=QUIET).state == "met"


def test_a_waiver_over_the_last_day_waives_what_is_due_on_it() -> None:
    waived = [Span(date(2026, 12, 1), date(2026, 12, 31))]
    assert judged.documents(YEAR, waived, REPORT, [], OVER, silence=QUIET).state == "waived"
    assert judged.attested(YEAR, waived, STATED, None, OVER, is_secretarys=False, silence=QUIET).state == "waived"


# -------------------------------------------------------------------------------------------------------------- counts


def test_alternates_are_owed_at_all_times() -> None:
    rule = CountRule(of="alternates", committees=("steering", "clinical"), at_least=1)
    on = date(2026, 6, 1)
    assert judged.counted(OPEN, (), rule, {"steering": 1, "clinical": 0}, on, silence=NO_END).state == "missed"
    assert judged.counted(OPEN, (), rule, {"steering": 1, "clinical": 2}, on, silence=NO_END).state == "on_track"


def test_one_referral_in_the_year_is_enough_and_none_is_told_near_its_end() -> None:
    rule = CountRule(of="referrals", at_least=1)
    none, some = {"referrals": 0}, {"referrals": 3}
    assert judged.counted(YEAR, (), rule, some, date(2026, 3, 1), silence=QUIET).state == "met"
    assert judged.counted(YEAR, (), rule, none, date(2026, 9, 30), silence=QUIET).state == "nothing_recorded"
    assert judged.counted(YEAR, (), rule, none, date(2026, 10, 1), silence=QUIET).state == "at_risk"
    assert judged.counted(YEAR, (), rule, none, OVER, silence=QUIET).state == "missed"


def test_a_role_vacant_too_long_cannot_be_made_good_in_its_year() -> None:
    rule = CountRule(of="vacant_working_days", roles=("youth_worker",), at_most=20)
    on = date(2026, 6, 1)
    assert judged.counted(YEAR, (), rule, {"youth_worker": 21}, on, silence=QUIET).state == "cannot_be_met"
    assert judged.counted(YEAR, (), rule, {"youth_worker": 15}, on, silence=QUIET).state == "at_risk"
    assert judged.counted(YEAR, (), rule, {"youth_worker": 0}, on, silence=QUIET).state == "on_track"
    assert judged.counted(YEAR, (), rule, {"youth_worker": 20}, OVER, silence=QUIET).state == "met"


def test_a_role_that_nobody_held_yet_was_vacant_on_no_day_and_nothing_is_recorded_of_it() -> None:
    rule = CountRule(of="vacant_working_days", roles=("manager", "youth_worker"), at_most=20)
    nobody = {"manager": 0, "youth_worker": 0}
    for on, state in ((date(2026, 6, 1), "nothing_recorded"), (OVER, "no_occasion")):
        assert judged.counted(YEAR, (), rule, nobody, on, silence=QUIET, is_on_record=False).state == state
        assert judged.counted(YEAR, (), rule, nobody, on, silence=QUIET, is_on_record=True).state != state


@pytest.mark.parametrize(
    ("stated_from", "first"), [("start", date(2026, 1, 1)), ("middle", date(2026, 7, 2)), ("end", date(2026, 12, 31))]
)
def test_that_it_held_can_be_stated_once_the_period_has_had_its_time(stated_from: str, first: date) -> None:
    rule = AttestationRule.model_validate(
        {"statement": {"fr": "Fait.", "en": "Done."}, "by": "manager", "stated_from": stated_from}
    )
    assert rule.from_day(YEAR.starts_on, YEAR.ends_on) == first
    assert rule.from_day(date(2026, 1, 1), None) == date(2026, 1, 1)
