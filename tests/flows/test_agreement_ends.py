"""The round of agreements that end: each warning once, to whom it concerns, and a word once one has lapsed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from domain.agreements.succession import begin, renew
from domain.agreements.terminations import end_version
from domain.people.people import end_tenure
from domain.terms.days import without_successor
from flows import agreement_ends, rounds
from models.base import table_of
from models.program import Tenure
from tests.agreeing import agreement_of, in_force, last_version, second_director, signed_on
from tests.cast import AT, TODAY, Cast
from tests.flows.support import Clock, body, letters, means_of, told

DAY = timedelta(days=1)
#: A Wednesday; 90 days before it is New Year’s Eve, which is not worked, 60 a Saturday, 30 a Monday.
LAST = date(2027, 3, 31)
CONCERNED = ("coordinator", "director_em", "manager_em")


def morning(day: date) -> datetime:
    """8:00 in Montréal, of a day in winter or, from 14 March on, in summer."""
    return datetime(day.year, day.month, day.day, 13 if day < date(2027, 3, 14) else 12, tzinfo=UTC)


def ends(cast: Cast, last: date = LAST) -> None:
    with cast.session() as session:
        in_force(session, cast, until=last)


def run_each_day(cast: Cast, first: date, last: date) -> None:
    clock = Clock(morning(first))
    means = means_of(cast, clock)
    while clock.now.date() <= last:
        clock.now = morning(clock.now.date())
        agreement_ends.warn(means, cast.program_id, "worker")
        clock.pass_by(days=1)


def rungs(cast: Cast) -> list[tuple[date, int]]:
    return [(line["at"].date(), line["facts"]["rung"]) for line in told(cast, "agreement.running_out")]


@pytest.mark.ci
def test_each_rung_warns_once_on_its_day_or_the_first_working_day_after_it(cast: Cast) -> None:
    ends(cast)
    run_each_day(cast, TODAY, LAST)
    assert rungs(cast) == [(date(2027, 1, 4), 90), (date(2027, 2, 1), 60), (date(2027, 3, 1), 30)]
    assert told(cast, "agreement.lapsed") == []


@pytest.mark.ci
def test_the_coordinator_and_the_partners_manager_and_director_are_warned_and_nobody_else(cast: Cast) -> None:
    ends(cast)
    run_each_day(cast, LAST - 30 * DAY, LAST - 20 * DAY)
    found = letters(cast, "agreement_running_out")
    assert {letter["person_id"] for letter in found} == {cast.people[name] for name in CONCERNED}
    assert len(found) == 3
    assert "31 mars 2027" in body(found[0])
    assert "30\N{NO-BREAK SPACE}jours" in found[0]["subject"]


@pytest.mark.ci
def test_a_last_day_that_is_settled_late_is_warned_of_by_its_nearest_rung_alone(cast: Cast) -> None:
    ends(cast, TODAY + 45 * DAY)
    run_each_day(cast, TODAY, TODAY + 3 * DAY)
    assert [rung for _, rung in rungs(cast)] == [60]
    assert "45" in letters(cast, "agreement_running_out")[0]["subject"]


@pytest.mark.ci
def test_it_is_warned_until_another_version_is_set_to_begin_and_not_once_it_is_only_signed(cast: Cast) -> None:
    ends(cast)
    with cast.session() as session:
        version = renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
    run_each_day(cast, LAST - 90 * DAY, LAST - 86 * DAY)
    assert [rung for _, rung in rungs(cast)] == [90]  # a draft does not follow
    with cast.session() as session:
        signed_on(session, cast, version, day=TODAY, filed=True)
    run_each_day(cast, LAST - 60 * DAY, LAST - 50 * DAY)
    assert [rung for _, rung in rungs(cast)] == [90, 60]
    with cast.session() as session:
        begin(session, version, starts_on=LAST + DAY, by=cast.actor("coordinator"), at=AT)
    run_each_day(cast, LAST - 30 * DAY, LAST + 5 * DAY)
    assert [rung for _, rung in rungs(cast)] == [90, 60]
    assert told(cast, "agreement.lapsed") == []


@pytest.mark.ci
def test_a_lapse_is_told_once_on_the_day_after_the_last_one_also_where_the_next_is_only_signed(cast: Cast) -> None:
    ends(cast)
    with cast.session() as session:
        version = renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
        signed_on(session, cast, version, day=TODAY, filed=True)
    run_each_day(cast, LAST, LAST)
    assert told(cast, "agreement.lapsed") == []
    run_each_day(cast, LAST + DAY, LAST + 40 * DAY)
    (line,) = told(cast, "agreement.lapsed")
    assert line["at"].date() == LAST + DAY
    found = letters(cast, "agreement_lapsed")
    assert {letter["person_id"] for letter in found} == {cast.people[name] for name in CONCERNED}
    assert "Ce qui est en cours continue" in body(found[0])


def test_an_agreement_without_a_last_day_and_one_of_another_program_warn_of_nothing(cast: Cast) -> None:
    with cast.session() as session:
        in_force(session, cast)
    with cast.other.session() as session:
        assert without_successor(session, LAST) == []
    run_each_day(cast, TODAY, TODAY + 5 * DAY)
    assert rungs(cast) == []


def test_the_round_is_due_at_eight_on_working_days_and_twice_is_once(cast: Cast) -> None:
    ends(cast, TODAY + 20 * DAY)
    clock = Clock(morning(TODAY + DAY) - timedelta(minutes=1))
    means = means_of(cast, clock)
    assert agreement_ends.warn(means, cast.program_id, "worker") == 0
    clock.pass_by(minutes=1)
    assert [agreement_ends.warn(means, cast.program_id, by) for by in ("prefect", "worker")] == [1, 0]
    assert not rounds.is_overdue(means, agreement_ends.warn.key)
    clock.pass_by(days=1, minutes=16)
    assert rounds.is_overdue(means, agreement_ends.warn.key)


def test_where_nobody_is_left_to_write_to_the_record_still_tells(cast: Cast) -> None:
    ends(cast, TODAY + 20 * DAY)
    tenure = table_of(Tenure)
    with cast.session() as session:
        for name in CONCERNED:
            for held in session.scalars(select(tenure.c.id).where(tenure.c.person_id == cast.people[name])).all():
                end_tenure(session, held, ends_on=TODAY, by=cast.actor("officer"), at=AT)
    run_each_day(cast, TODAY + DAY, TODAY + 3 * DAY)
    assert [rung for _, rung in rungs(cast)] == [30]
    assert letters(cast, "agreement_running_out") == []


@pytest.mark.parametrize("shift", [0, 1])
def test_the_day_is_the_local_one_on_both_sides_of_midnight(cast: Cast, shift: int) -> None:
    """23:30 in Montréal is the next day by UTC: the round counts days as people there do."""
    ends(cast, TODAY + (31 + shift) * DAY)
    clock = Clock(datetime(2026, 11, 25, 4, 30, tzinfo=UTC))  # Tuesday 24 November there
    agreement_ends.warn(means_of(cast, clock), cast.program_id, "worker")
    assert [rung for _, rung in rungs(cast)] == ([30] if shift == 0 else [60])


def test_what_waits_for_a_director_who_has_left_is_signed_on_the_working_day_after_their_last(cast: Cast) -> None:
    by, tenure = cast.actor("coordinator"), table_of(Tenure)
    with cast.session() as session:
        deputy, version = second_director(session, cast), last_version(session, cast)
        signed_on(session, cast, version, day=TODAY)
        held = session.scalars(select(tenure.c.id).where(tenure.c.person_id == deputy, tenure.c.role == "director"))
        end_tenure(session, held.one(), ends_on=TODAY, by=by, at=AT)
    run_each_day(cast, TODAY, TODAY)
    assert told(cast, "agreement.signed_by_all") == []
    run_each_day(cast, TODAY + DAY, TODAY + 3 * DAY)
    (line,) = told(cast, "agreement.signed_by_all")
    assert (line["subject_id"], line["facts"]) == (version, {"number": 1})


@pytest.mark.ci
def test_a_last_day_that_is_put_off_is_warned_of_anew(cast: Cast) -> None:
    ends(cast, TODAY + 20 * DAY)
    run_each_day(cast, TODAY, TODAY + DAY)
    with cast.session() as session:
        version = renew(session, agreement_of(session, cast), by=cast.actor("coordinator"), at=AT)
        signed_on(session, cast, version, day=TODAY, filed=True)
        begin(session, version, starts_on=TODAY + 21 * DAY, by=cast.actor("coordinator"), at=AT)
        end_version(session, version, ends_on=TODAY + 25 * DAY, by=cast.actor("coordinator"), at=AT)
    run_each_day(cast, TODAY + 21 * DAY, TODAY + 24 * DAY)
    assert [rung for _, rung in rungs(cast)] == [30, 30]
