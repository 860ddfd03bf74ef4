"""A case that opens late asks neither for what is over nor for all the rest by Monday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.casework import cases, scheduling
from domain.declarations.planning import TIME_LEFT, due_days, meant_on
from domain.declarations.protocol import Protocol
from domain.kernel.calendars import Calendar
from flows.protocols import PROTOCOLS, read_protocol
from models.casework import Case
from tests.casework import steps
from tests.cast import AT, Cast
from tests.declared import record

CALENDAR = Calendar()
#: Those that begin by the quarter or the year, and their named days of 2027.
BY_PERIOD = {
    "compassion_fatigue": {"year_start": date(2027, 1, 1), "year_end": date(2027, 12, 31)},
    "communication_plan": {"year_start": date(2027, 1, 1), "year_end": date(2027, 12, 31)},
    "financial_report": {"quarter_end": date(2027, 3, 31)},
}


@cache
def protocol(key: str) -> Protocol:
    """A declared protocol, which no test changes."""
    return read_protocol(PROTOCOLS[key].file).value


def test_a_case_opened_in_november_asks_neither_for_the_quarters_that_are_over_nor_for_all_by_monday(
    cast: Cast,
) -> None:
    record(cast, "compassion_fatigue")
    with cast.session() as session:
        case_id = cases.open_case(
            session,
            "compassion_fatigue",
            organization_id=cast.organizations["en-marge"],
            period="2026",
            by=cast.actor("coordinator"),
            at=datetime(2026, 11, 13, 15, 0, tzinfo=UTC),
        )
        due = {name: row["due_on"] for (name, _), row in steps(session, case_id).items()}
        assert not {name for name in due if name.startswith("debrief_") and "fourth" not in name}
        assert due == {
            "plan_training": date(2026, 11, 27),
            "help_with_safety_plans": date(2026, 11, 27),
            "train_manager": date(2026, 12, 11),
            "train_workers": date(2026, 12, 11),
            "debrief_fourth_quarter": date(2026, 12, 21),
            "look_back": date(2027, 2, 1),
        }
        # Whatever has the days counted anew finds the same ones.
        assert scheduling.reschedule(session, case_id, at=AT) == 0
        case = session.get_one(Case, (cast.program_id, case_id))
        assert scheduling.meant_on(case, protocol("compassion_fatigue")) == date(2026, 1, 1)


@pytest.mark.ci
@pytest.mark.parametrize("key", BY_PERIOD)
@given(days=st.integers(-100, 500))
def test_every_step_of_a_late_case_has_its_time(key: str, days: int) -> None:
    one, anchors = protocol(key), BY_PERIOD[key]
    begins = meant_on(one, anchors)
    assert begins is not None
    opened = begins + timedelta(days=days)
    found = due_days(one, anchors, CALENDAR, opened_on=opened, meant_on=begins)
    on_time = due_days(one, anchors, CALENDAR, opened_on=begins, meant_on=begins)
    assert found.keys() == on_time.keys()
    for name, day in found.items():
        step = one.by_id[name]
        meant = CALENDAR.working_days_between(begins, day.meant) if day.meant > begins else 0
        left = CALENDAR.working_days_between(opened, day.due_on)
        assert day.due_on >= day.meant
        assert CALENDAR.is_working_day(day.due_on)
        if opened <= begins:
            assert (day.due_on, day.is_lapsed, day.is_short) == (on_time[name].due_on, False, False)
        elif step.lapses:
            assert day.is_lapsed == (day.meant < opened)
            assert day.is_lapsed or left >= min(meant, TIME_LEFT) or day.is_short
        else:
            assert left >= min(meant, TIME_LEFT)
            for need in one.waits_for(step):
                if need in found and not found[need].is_lapsed and found[need].due_on > found[need].meant:
                    assert day.due_on >= found[need].due_on


def test_the_days_of_an_agreements_end_stay_and_are_said_to_be_short() -> None:
    one = protocol("renewal")
    ends = date(2027, 6, 30)
    anchors = {
        name: ends if anchor.from_ == "agreement.ends_on" else ends - timedelta(days=90)
        for name, anchor in one.anchors.items()
        if anchor.from_ in ("agreement.ends_on", "agreement.notice_on")
    }
    begins = meant_on(one, anchors)
    assert begins is not None
    opened = ends - timedelta(days=5)
    found = due_days(one, anchors, CALENDAR, opened_on=opened, meant_on=begins)
    assert any(day.is_short for day in found.values())
    assert all(day.due_on == max(day.meant, CALENDAR.next_working_day(opened)) for day in found.values())
