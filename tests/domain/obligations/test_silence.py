"""Silence is nothing recorded yet, then a risk from a declared day, and never "on track", however long the period."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.declarations.checks.attestation import AttestationRule, StandingAttestation
from domain.declarations.checks.count import CountRule
from domain.declarations.checks.document import DocumentRule, StandingDocument
from domain.declarations.checks.watch import AskingTime, AtRisk, Silence, Watch, first_days_of, silence
from domain.declarations.checks.windows import BindingWindow, Window, windows
from domain.declared.reading import Bilingual
from domain.kernel.calendars import Calendar
from domain.kernel.spans import Span
from tests.domain.obligations import judged

DAY = timedelta(days=1)
CALENDAR = Calendar()
REPORT = DocumentRule(kind="annual-report", grace_days=30)
STATED = AttestationRule(statement=Bilingual(fr="Fait.", en="Done."), by="manager", grace_days=30)
REFERS = CountRule(of="referrals", at_least=1)
ALTERNATES = CountRule(of="alternates", committees=("steering",), at_least=1)


def over(first: date, last: date | None) -> Window:
    """A window over these days alone."""
    return Window(Span(first, last), (Span(first, last),), UUID(int=1))


def quiet(window: Window, *, since: date = date(2020, 1, 1), watch: Watch | None = None) -> Silence:
    """What silence says of a window, by the program's days."""
    watch = watch or Watch()
    return silence(window, REPORT.at_risk, watch, first_days_of(since, watch, CALENDAR))


@pytest.mark.parametrize(
    ("first", "last", "risk"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), date(2026, 10, 1)),  # a quarter of the year
        (date(2028, 1, 1), date(2028, 12, 31), date(2028, 10, 1)),  # of a leap year
        (date(2026, 7, 1), date(2026, 9, 30), date(2026, 8, 31)),  # thirty days
        (date(2026, 11, 2), date(2026, 12, 31), date(2026, 12, 2)),  # a year that the agreement began in
        (date(2028, 2, 1), date(2028, 2, 29), date(2028, 2, 15)),  # a month: its second half
        (date(2026, 12, 31), date(2026, 12, 31), date(2026, 12, 31)),  # a day
        (date(2026, 12, 30), date(2027, 1, 5), date(2027, 1, 2)),
    ],
)
def test_silence_turns_into_a_risk_a_quarter_of_the_period_before_its_last_day_and_thirty_days_at_least(
    first: date, last: date, risk: date
) -> None:
    assert AtRisk().from_day(first, last) == risk


spans = st.builds(
    lambda first, days: (first, first + timedelta(days=days)),
    st.dates(date(2024, 1, 1), date(2029, 12, 31)),
    st.integers(0, 800),
)


@given(spans, st.integers(0, 50), st.integers(0, 366))
def test_the_risk_begins_in_the_period_and_in_no_first_half_of_it(
    span: tuple[date, date], percent: int, at_least: int
) -> None:
    first, last = span
    risk = AtRisk(percent=percent, at_least_days=at_least).from_day(first, last)
    assert first <= risk <= last
    assert (risk - first).days >= ((last - first).days + 1) // 2
    if (last - first).days + 1 > 2 * at_least and percent < 50:
        assert (last - risk).days >= at_least, "nothing cuts a period that is long enough"


@given(spans, st.integers(-40, 900))
def test_silence_is_never_on_track_and_never_a_miss_before_the_last_day_for_proof(
    span: tuple[date, date], after: int
) -> None:
    window = over(*span)
    on = window.starts_on + timedelta(days=after)
    state = {
        "document": judged.documents(window, (), REPORT, [], on, silence=quiet(window)).state,
        "attestation": judged.attested(window, (), STATED, None, on, is_secretarys=False, silence=quiet(window)).state,
        "count": judged.counted(window, (), REFERS, {"referrals": 0}, on, silence=quiet(window)).state,
    }
    assert span[1] is not None
    risk = AtRisk().from_day(*span)
    for kind, found in state.items():
        last = span[1] if kind == "count" else span[1] + timedelta(days=30)
        if on < span[0]:
            assert found == "not_yet"
        elif on < risk:
            assert found == "nothing_recorded"
        else:
            assert found == ("at_risk" if on <= last else "missed")


def test_what_is_recorded_but_not_all_of_it_is_on_track_until_its_last_day_is_near() -> None:
    window = over(date(2026, 1, 1), date(2026, 12, 31))
    two = DocumentRule(kind="record", at_least=2)
    papers = [StandingDocument("1", date(2026, 3, 1))]
    days = {date(2026, 2, 1): "on_track", date(2026, 9, 30): "on_track", date(2026, 10, 1): "at_risk"}
    for on, state in days.items():
        assert judged.documents(window, (), two, papers, on, silence=quiet(window)).state == state
    of_last_year = [StandingDocument("1", date(2025, 12, 31))]
    found = judged.documents(window, (), two, of_last_year, date(2026, 2, 1), silence=quiet(window))
    assert found.state == "nothing_recorded", "a paper of another period says nothing of this one"
    not_held = StandingAttestation("1", date(2026, 2, 1), held=False)
    said = judged.attested(window, (), STATED, not_held, date(2026, 2, 2), is_secretarys=False, silence=quiet(window))
    assert said.state == "at_risk", "that it did not hold is no silence"


def test_an_obligation_may_say_otherwise_than_its_program() -> None:
    window = over(date(2026, 1, 1), date(2026, 12, 31))
    of_program = Watch(at_risk=AtRisk(percent=10, at_least_days=0))
    said = REPORT.model_copy(update={"at_risk": AtRisk(percent=50)})
    assert silence(window, REPORT.at_risk, of_program, None).risk_from == date(2026, 11, 25)
    assert silence(window, said.at_risk, of_program, None).risk_from == date(2026, 7, 2)
    assert "at_risk" not in REPORT.model_dump(mode="json", exclude_none=True), "what was signed reads as it was"


# ------------------------------------------------------------------------------------------------- once, and for good


def test_what_is_owed_once_is_a_risk_only_where_the_agreement_has_a_last_day() -> None:
    for ends_on, risk in ((None, None), (date(2027, 12, 31), date(2027, 7, 2))):
        days = Span(date(2026, 1, 1), ends_on)
        (window,) = windows([BindingWindow(days, UUID(int=1), "once")], until=date(2027, 11, 1))
        assert quiet(window).risk_from == risk
        found = judged.documents(window, (), REPORT, [], date(2027, 11, 1), silence=quiet(window))
        assert found.state == ("at_risk" if ends_on else "nothing_recorded")


# ---------------------------------------------------------------------------------------- a new agreement's first days


SIGNED = date(2026, 12, 14)  # a Monday; its twentieth working day is 13 January: Christmas and New Year are not worked


def test_in_the_first_days_of_an_agreement_nothing_that_lacks_is_a_miss() -> None:
    last = first_days_of(SIGNED, Watch(), CALENDAR)
    assert last == date(2027, 1, 12)
    open_, stub = over(SIGNED, None), over(SIGNED, date(2026, 12, 31))
    for on in (SIGNED, date(2026, 12, 31), date(2027, 1, 12)):
        found = judged.counted(open_, (), ALTERNATES, {"steering": 0}, on, silence=quiet(open_, since=SIGNED))
        assert found.state == "nothing_recorded"
        found = judged.documents(stub, (), DocumentRule(kind="record"), [], on, silence=quiet(stub, since=SIGNED))
        assert found.state == "nothing_recorded"
    after = date(2027, 1, 13)
    assert judged.counted(open_, (), ALTERNATES, {"steering": 0}, after, silence=quiet(open_, since=SIGNED)).state == (
        "missed"
    )
    for found in (
        judged.documents(stub, (), DocumentRule(kind="record"), [], after, silence=quiet(stub, since=SIGNED)),
        judged.counted(stub, (), REFERS, {"referrals": 0}, after, silence=quiet(stub, since=SIGNED)),
    ):
        assert found.state == "no_occasion", "a year of which only its first days were bound"


def test_a_new_clause_of_an_old_agreement_has_no_first_days() -> None:
    window = over(SIGNED, None)
    found = judged.counted(window, (), ALTERNATES, {"steering": 0}, SIGNED, silence=quiet(window))
    assert found.state == "missed"


@given(st.dates(date(2025, 1, 1), date(2028, 12, 31)), st.integers(0, 60))
def test_the_first_days_are_so_many_working_days(since: date, days: int) -> None:
    last = first_days_of(since, Watch(first_working_days=days), CALENDAR)
    if last is None:
        assert days == 0
    else:
        assert CALENDAR.is_working_day(last)
        assert CALENDAR.working_days_between(since - DAY, last) == days


# ----------------------------------------------------------------------------------------------------- what is declared


def test_people_are_asked_nearer_to_the_last_day_each_time_and_who_owes_it_first() -> None:
    assert [(one.working_days, one.to) for one in Watch().asked][:2] == [(60, ("owner",)), (20, ("owner", "director"))]
    for wrong in (
        [AskingTime(working_days=20, to=("owner",)), AskingTime(working_days=20, to=("director",))],
        [AskingTime(working_days=20, to=("director",))],
    ):
        with pytest.raises(ValidationError):
            Watch(asked=tuple(wrong))
    for days in (-1, 51):
        with pytest.raises(ValidationError):
            AtRisk(percent=days)
