"""The clock put back by a day: what it wrote ahead binds no one, so that nothing waits until it has caught up."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, StateType
from sqlalchemy import delete, insert, select, update

from domain.casework import engine_state, wakeups
from domain.participants import watching as patterns
from domain.record import events
from flows import lost_runs, post, rounds, timetable
from flows.deployments import WORKER
from flows.marks import mark_of, set_mark
from flows.reminders import BEGUN, FIRST_LOOK, KEY, _how_far
from flows.rounds import is_overdue, run_round
from flows.sweep import TRIED_AGAIN_AFTER
from flows.worker import Worker
from models.base import table_of
from models.engine import Beat, WakeUp
from models.ports import Later
from tests.casework import complete, open_onboarding
from tests.cast import AT, Cast
from tests.flows.support import Clock, Mailbag, eventually, means_of, take, within
from tests.flows.test_post import row, write

_wake, _beat = table_of(WakeUp), table_of(Beat)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("key", ["sweep", "gatherings", "contacts"])
def test_a_round_is_done_again_at_its_next_time_and_is_late_where_it_does_not_come(
    cast: Cast, clock: Clock, key: str
) -> None:
    means = means_of(cast, clock)
    run_round(means, key, "prefect")
    clock.now -= DAY
    with cast.session() as session:
        clock.now = timetable.next_due(session, key, clock.now) or clock.now
        due = clock.now
        clock.pass_by(minutes=16)
        assert timetable.late_by(session, key, clock.now, mark_of(session, key)) >= timedelta(minutes=1)
    assert is_overdue(means, key)
    run_round(means, key, "worker")
    with cast.session() as session:
        assert mark_of(session, key) == clock.now > due
        assert timetable.late_by(session, key, clock.now, mark_of(session, key)) == timedelta(0)
    assert not is_overdue(means, key)


def test_a_mark_of_a_process_that_reads_the_time_a_little_otherwise_is_believed(cast: Cast, clock: Clock) -> None:
    with cast.session() as session:
        set_mark(session, "sweep", clock.now + timedelta(seconds=90), "prefect")
        assert timetable.late_by(session, "sweep", clock.now, mark_of(session, "sweep")) == timedelta(0)


@pytest.mark.ci
def test_every_round_is_done_within_the_day_that_comes_twice(
    cast: Cast, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    means = means_of(cast, clock)
    monkeypatch.setattr(rounds, "programs", lambda _: [cast.program_id])
    needed = [key for key, one in rounds.ROUNDS.items() if one.is_needed(means)]
    clock.pass_by(days=2)  # between two days that are worked
    with cast.session() as session:
        for key in needed:
            set_mark(session, key, clock.now, "prefect")
    clock.now -= DAY
    ran: dict[str, int] = dict.fromkeys(needed, 0)
    for _ in range(8):
        clock.pass_by(hours=3)
        for key in needed:
            ran[key] += is_overdue(means, key)
            run_round(means, key, "prefect")
    with cast.session() as session:
        assert [key for key in needed if (mark_of(session, key) or clock.now) > clock.now] == []
    assert [key for key in needed if not ran[key]] == []


def test_a_case_in_the_hand_of_a_worker_that_died_is_carried_by_another_at_once(cast: Cast, clock: Clock) -> None:
    means = means_of(cast, clock)
    case_id = open_onboarding(cast)
    assert take(means, "dead") is not None
    clock.now -= DAY
    complete(cast, case_id, "introduce_program", at=clock.now)
    taken = take(means)
    assert taken is not None
    assert taken.case_id == case_id


def test_a_case_that_was_put_back_is_tried_again_at_once(cast: Cast, clock: Clock) -> None:
    means = means_of(cast, clock)
    open_onboarding(cast)
    taken = take(means)
    assert taken is not None
    with means.transaction(cast.program_id) as session:
        assert wakeups.put_back(session, taken, trouble="error.OSError", at=clock.now)
    assert take(means) is None
    clock.now -= DAY
    assert take(means) is not None


def test_leases_and_waits_of_now_are_kept(cast: Cast, clock: Clock) -> None:
    means = means_of(cast, clock)
    open_onboarding(cast)
    taken = take(means)
    assert taken is not None
    assert take(means, "another") is None
    with cast.session() as session:
        session.execute(update(_wake).values(attempts=9))
    with means.transaction(cast.program_id) as session:
        late = wakeups.Claim(taken.program_id, taken.case_id, taken.want, 9, taken.worker)
        assert wakeups.put_back(session, late, trouble="error.OSError", at=clock.now)
    clock.pass_by(seconds=wakeups.LONGEST_WAIT.total_seconds() - 1)
    assert take(means) is None
    clock.pass_by(seconds=1)
    assert take(means) is not None


def test_what_a_rule_refused_is_tried_again_by_the_next_sweep_and_is_no_trouble(
    cast: Cast, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    means = means_of(cast, clock)
    open_onboarding(cast)
    taken = take(means)
    assert taken is not None
    with means.transaction(cast.program_id) as session:
        wakeups.acknowledge(session, taken, at=clock.now, trouble="act.refused")
    clock.now -= DAY
    run_round(means, "sweep", "worker")
    assert take(means) is not None
    assert [one.getMessage() for one in caplog.records if one.name == "flows.sweep"] == []
    assert timedelta(hours=1) == TRIED_AGAIN_AFTER


def test_letters_that_wait_leave_at_once_and_a_retry_of_now_waits_as_its_ladder_says(cast: Cast, clock: Clock) -> None:
    bag = Mailbag([Later("greylisted")])
    means = means_of(cast, clock, bag)
    write(cast, means, "coordinator", "tried")
    assert post.deliver(means).attempts == 1
    write(cast, means, "manager_em", "never_tried")
    clock.now -= DAY
    bag.answers = [Later("greylisted")]
    assert post.deliver(means).attempts == 2
    states = {
        name: row(cast, key, name).state for key, name in (("tried", "coordinator"), ("never_tried", "manager_em"))
    }
    assert sorted(states.values()) == ["queued", "sent"]
    assert post.deliver(means).attempts == 0
    clock.pass_by(minutes=5)
    assert post.deliver(means).attempts == 1


def test_a_letter_that_a_server_asked_to_hold_for_a_day_is_held(cast: Cast, clock: Clock) -> None:
    means = means_of(cast, clock, Mailbag([Later("later", retry_after=DAY)]))
    write(cast, means, "coordinator", "a")
    post.deliver(means)
    clock.pass_by(hours=23, minutes=59)
    assert post.deliver(means).attempts == 0
    clock.pass_by(minutes=1)
    assert post.deliver(means).attempts == 1


def test_a_letter_in_the_hand_of_a_worker_that_died_leaves(
    cast: Cast, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    means = means_of(cast, clock)
    write(cast, means, "coordinator", "a")

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(post, "_write_down", killed)
    with pytest.raises(Killed):
        post.deliver(means)
    monkeypatch.undo()
    clock.now -= DAY
    assert post.deliver(means).attempts == 1


def beats(cast: Cast, name: str, at: datetime) -> None:
    with cast.session() as session:
        session.execute(delete(_beat).where(_beat.c.process == name))
        session.execute(insert(_beat).values(process=name, at=at, prefect_up=True))


def test_a_worker_that_died_is_not_taken_for_one_that_lives(cast: Cast, clock: Clock) -> None:
    means = means_of(cast, clock)
    beats(cast, "dead", clock.now)
    with cast.session() as session:
        assert not engine_state(session, clock.now).is_silent
        assert engine_state(session, clock.now - DAY).is_silent
    assert lost_runs.living_workers(means) == {"dead"}
    clock.now -= DAY
    assert lost_runs.living_workers(means) == set()


def test_a_worker_that_lives_takes_away_the_signs_of_those_that_gave_them_ahead(cast: Cast, clock: Clock) -> None:
    """So that what it sees of Prefect is shown, and not what one saw that is gone."""
    beats(cast, "dead", clock.now)
    clock.now -= DAY

    def names() -> list[str]:
        with cast.session() as session:
            return list(session.scalars(select(_beat.c.process)))

    def body(worker: Worker) -> None:
        eventually(lambda: names() == [worker.name])

    within(cast, means_of(cast, clock), body)


def run_since(moment: datetime) -> FlowRun:
    known: dict[str, Any] = {"type": StateType.RUNNING, "timestamp": moment}
    return SimpleNamespace(id=uuid4(), tags=[f"{WORKER}dead"], state=SimpleNamespace(**known))  # type: ignore[return-value]


def test_a_run_whose_worker_died_before_the_clock_was_put_back_is_ended(clock: Clock) -> None:
    def is_lost(age: timedelta) -> bool:
        return lost_runs._is_lost(run_since(clock.now - age), "me", ["me"], clock.now)

    assert is_lost(-DAY)
    assert is_lost(timedelta(minutes=1))
    assert not is_lost(timedelta(seconds=10))
    assert not is_lost(timedelta(seconds=-90)), "machines may differ by so much"


def test_reminders_begin_their_first_look_anew_and_one_broken_off_by_either_clock_is_found() -> None:
    done, hour = AT + DAY, timedelta(hours=1)
    assert _how_far(done, done - hour, AT) == (AT - FIRST_LOOK, None), "done to its end before the clock was put back"
    assert _how_far(done, done + hour, AT) == (AT - FIRST_LOOK, done + hour), "broken off before"
    assert _how_far(done, AT - hour, AT) == (AT - FIRST_LOOK, AT - hour), "broken off after"
    assert _how_far(AT - DAY, AT - DAY - hour, AT) == (AT - DAY, None)
    assert _how_far(AT - DAY, AT - hour, AT) == (AT - DAY, AT - hour)
    assert _how_far(None, None, AT) == (AT - FIRST_LOOK, None)
    assert (KEY, BEGUN) == ("remind", "remind.begun")


def test_a_letter_about_a_reader_of_a_time_to_come_keeps_none_back(cast: Cast) -> None:
    whose = cast.people["worker_codim"]
    with cast.session() as session:
        events.write(session, patterns.TOLD, "person", whose, by=patterns.BY_ROUNDS, at=AT, kinds=[], letters=1)
        assert patterns._heard_of(session, AT) == {whose: AT}
        assert patterns._heard_of(session, AT - DAY) == {}
