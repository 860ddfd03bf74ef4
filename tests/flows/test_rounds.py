"""The timed rounds: what was lost is found, what is old is thrown out, and who runs them when nobody does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, update
from sqlmodel import Session

from domain.access import sign_ins
from domain.kernel import Actor, Refusal
from domain.kernel.scope import program_of
from flows import rounds, timetable, turns, worker
from flows.engine import Means, at_hand
from flows.marks import mark_of, set_trouble
from flows.rounds import is_overdue, round_flow, run_round
from flows.sweep import sweep as sweep_once
from flows.turns import Turn, alone
from flows.worker import Worker
from locales import N_
from models.access import AnsweredRequest, BrowserSession
from models.base import table_of
from models.casework import Task
from models.engine import RoundMark, WakeUp
from models.invitation import StrayReply
from models.record import Event
from tests.casework import complete, open_onboarding
from tests.cast import AT, Cast
from tests.flows.support import Clock, carry_all, eventually, means_of, take, task, within

_wake = table_of(WakeUp)
_task = table_of(Task)
_mark = table_of(RoundMark)
_sign_in = table_of(BrowserSession)
_answered = table_of(AnsweredRequest)
_stray = table_of(StrayReply)
_event = table_of(Event)


def lose_the_wake_up(cast: Cast, case_id: UUID) -> None:
    """As if the wake-up of a change had never been written."""
    with cast.session() as session:
        session.execute(update(_wake).where(_wake.c.case_id == case_id).values(have=_wake.c.want))


def swept(cast: Cast, means: Means, clock: Clock) -> int:
    clock.pass_by(minutes=15)
    return sweep_once(means, cast.program_id, "worker")


def test_a_case_whose_wake_up_was_lost_is_carried_after_the_next_sweep(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = open_onboarding(cast)
    complete(cast, case_id, "introduce_program")
    lose_the_wake_up(cast, case_id)
    assert take(means) is None
    assert swept(cast, means, clock) == 1
    carry_all(means)
    assert task(cast, case_id, "enrol_on_clinical_committee")["state"] == "done"
    assert swept(cast, means, clock) == 0


def test_a_sweep_leaves_alone_what_is_on_the_list_in_hand_or_put_back(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = open_onboarding(cast)
    complete(cast, case_id, "introduce_program")
    with cast.session() as session:
        before = session.execute(select(_wake).where(_wake.c.case_id == case_id)).one()
    assert swept(cast, means, clock) == 0
    with cast.session() as session:
        assert session.execute(select(_wake).where(_wake.c.case_id == case_id)).one() == before


def test_the_same_sweep_twice_changes_nothing(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = open_onboarding(cast)
    complete(cast, case_id, "introduce_program")
    swept(cast, means, clock)
    lose_the_wake_up(cast, case_id)
    clock.pass_by(minutes=1)
    assert sweep_once(means, cast.program_id, "prefect") == 0


def test_what_a_sweep_throws_out_is_on_record_once(cast: Cast) -> None:
    clock = Clock()
    with cast.session() as session:
        sign_ins.begin(session, cast.people["officer"], means="passkey", device="", at=clock.now)
    clock.pass_by(days=31)
    for _ in range(2):
        swept(cast, means_of(cast, clock), clock)
    with cast.session() as session:
        told = session.scalars(select(_event.c.facts).where(_event.c.verb == "program.swept")).all()
    assert told == [{"requests": 0, "sign_ins": 1, "invitations": 0}]


def test_a_sweep_forgets_where_old_mails_came_from(cast: Cast) -> None:
    clock = Clock()
    with cast.session() as session:
        session.execute(
            insert(_stray).values(
                program_id=cast.program_id,
                id=uuid4(),
                digest="0" * 64,
                reason="no_calendar",
                from_address="mallory@elsewhere.example",
                claimed="",
                received_at=clock.now,
                outcome="",
                version=1,
            )
        )
    clock.pass_by(days=181)
    swept(cast, means_of(cast, clock), clock)
    with cast.session() as session:
        assert session.scalars(select(_stray.c.from_address)).all() == [""]


def test_what_a_rule_refused_is_tried_again_every_hour(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = open_onboarding(cast)
    with cast.session() as session:
        session.execute(
            update(_task)
            .where(_task.c.case_id == case_id, _task.c.step == "plan_training")
            .values(action="no_such_action", act_state="wanted")
        )
    carry_all(means)
    assert task(cast, case_id, "plan_training")["act_state"] == "stuck"
    woken = [swept(cast, means, clock) for _ in range(4)]
    assert woken == [0, 0, 0, 1]
    carry_all(means)
    assert [swept(cast, means, clock) for _ in range(3)] == [0, 0, 0]


def test_sign_ins_and_answered_requests_of_last_month_are_thrown_out_and_no_others(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    old, fresh = AT - timedelta(days=31), AT - timedelta(days=29)
    with cast.session() as session:
        for n, (seen, ended) in enumerate([(old, None), (old, old), (fresh, None), (old, fresh)]):
            session.execute(
                insert(_sign_in).values(
                    token_digest=f"{n:064x}",
                    program_id=cast.program_id,
                    person_id=cast.people["coordinator"],
                    signed_in_at=old,
                    seen_at=seen,
                    ended_at=ended,
                )
            )
        for n, answered in enumerate([old, fresh]):
            session.execute(
                insert(_answered).values(
                    program_id=cast.program_id,
                    person_id=cast.people["coordinator"],
                    route="POST /cases",
                    key=f"key-{n}",
                    digest="",
                    status=201,
                    location="",
                    answered_at=answered,
                )
            )
    swept(cast, means, clock)
    with cast.session() as session:
        assert session.scalars(select(_sign_in.c.token_digest).order_by(_sign_in.c.token_digest)).all() == [
            f"{2:064x}",
            f"{3:064x}",
        ]
        assert session.scalars(select(_answered.c.key)).all() == ["key-1"]


def test_a_round_that_fails_in_one_program_is_done_in_the_others_and_still_fails(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(AT + timedelta(minutes=15))
    means = means_of(cast, clock)
    real = rounds.ROUNDS["sweep"]

    def failing(session: Session, at: datetime) -> int:
        if program_of(session) == cast.program_id:
            raise ConnectionError
        assert real.whole is not None
        return real.whole(session, at)

    monkeypatch.setattr(rounds, "ROUNDS", {"sweep": replace(real, whole=failing)})
    with pytest.raises(ConnectionError):
        run_round(means, "sweep", "worker")
    with cast.other.session() as session:
        assert session.scalar(select(func.count()).select_from(_mark)) == 1
    with cast.session() as session:
        assert session.scalars(select(_mark.c.done_up_to)).all() == [None]


def marks(cast: Cast, key: str) -> tuple[object, ...]:
    """How far a round came, what it fails by, and since when."""
    with cast.session() as session:
        found = session.execute(select(_mark).where(_mark.c.key == key)).one()
    return found.done_up_to, found.trouble, found.troubled_since


def test_a_round_that_fails_is_in_trouble_since_it_first_did_until_it_is_done_and_done_is_not_forgotten(
    cast: Cast,
) -> None:
    clock = Clock(AT + timedelta(minutes=15))
    means = means_of(cast, clock)
    done = clock.now
    assert sweep_once(means, cast.program_id, "prefect") == 0
    assert marks(cast, "sweep") == (done, "", None)
    real = rounds.ROUNDS["sweep"]

    def failing(_: Session, __: datetime) -> int:
        raise ConnectionError("Émeraude Quartz is not there")

    clock.pass_by(minutes=15)
    failed = clock.now
    for _ in range(2):
        with pytest.raises(ConnectionError):
            replace(real, whole=failing)(means, cast.program_id, "prefect")
        assert marks(cast, "sweep") == (done, "error.ConnectionError", failed)
        clock.pass_by(minutes=1)
    sweep_once(means, cast.program_id, "worker")
    assert marks(cast, "sweep") == (clock.now, "", None)


def test_what_a_rule_refuses_a_whole_round_is_its_trouble_by_the_rules_own_code(cast: Cast) -> None:
    clock = Clock(AT + timedelta(minutes=15))

    def refusing(_: Session, __: datetime) -> int:
        raise Refusal("sweep.refused", N_("This e-mail address cannot be used."))

    with pytest.raises(Refusal):
        replace(rounds.ROUNDS["sweep"], whole=refusing)(means_of(cast, clock), cast.program_id, "worker")
    assert marks(cast, "sweep") == (None, "sweep.refused", clock.now)


def test_a_round_that_another_process_is_at_gets_no_trouble_from_one_that_only_waits(cast: Cast) -> None:
    clock = Clock(AT + timedelta(minutes=15))
    means = means_of(cast, clock)

    def failing(_: Session, __: datetime) -> int:
        raise ConnectionError

    with alone(means, cast.program_id, "sweep"):
        assert replace(rounds.ROUNDS["sweep"], whole=failing)(means, cast.program_id, "worker") == 0
    with cast.session() as session:
        assert session.scalar(select(func.count()).select_from(_mark)) == 0


def test_a_round_that_is_cancelled_by_hand_ends_after_the_part_that_it_is_at_and_is_done_anew_later(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect gives its place to another at once: what went on would be a second one beside it."""
    clock = Clock(AT + timedelta(minutes=15))
    means = means_of(cast, clock)
    done: list[int] = []
    began, may_end = threading.Event(), threading.Event()

    def parts(turn: Turn) -> int:
        def part(_: Session, number: int, *, by: Actor, at: datetime) -> int:
            assert (by, at) == (turn.by, turn.at)
            began.set()
            assert may_end.wait(60)
            done.append(number)
            return 1

        return turn.each(range(3), part)

    async def cancelled_in_its_first_part() -> None:
        at_hand.set(means)
        running = asyncio.create_task(round_flow("sweep").fn())
        assert await asyncio.to_thread(began.wait, 60)
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        may_end.set()

    declared = replace(rounds.ROUNDS["sweep"], whole=None, parts=parts)
    monkeypatch.setattr(rounds, "ROUNDS", {"sweep": declared})
    monkeypatch.setattr(rounds, "programs", lambda _: [cast.program_id, cast.other.program_id])
    asyncio.run(cancelled_in_its_first_part())  # which ends once its threads have
    assert done == [0]
    for one in (cast, cast.other):
        with one.session() as session:
            assert session.scalar(select(func.count()).select_from(_mark)) == 0, "neither done nor in trouble"
    assert run_round(means, "sweep", "worker") == 6
    assert done == [0, 0, 1, 2, 0, 1, 2]


def test_a_round_that_hangs_keeps_others_from_it_for_as_long_as_a_round_may_take_and_no_longer(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on where it can after all: nothing of what it did is lost, and its end is an end."""
    monkeypatch.setattr(turns, "LONGEST_ROUND", timedelta(milliseconds=300))
    clock = Clock(AT + timedelta(minutes=15))
    means = means_of(cast, clock)
    with alone(means, cast.program_id, "sweep") as hung:
        assert hung

        def is_done() -> bool:
            sweep_once(means, cast.program_id, "worker")
            with cast.session() as session:
                return mark_of(session, "sweep") == clock.now

        eventually(is_done)
    assert timedelta(hours=2) > turns.LONGEST_ROUND


def test_a_round_that_is_needed_no_more_is_in_no_trouble(cast: Cast) -> None:
    """As where the mailbox that could not be read was taken out of the settings."""
    with cast.session() as session:
        set_trouble(session, "incoming", "error.ConnectionError", AT)
    assert run_round(means_of(cast, Clock()), "incoming", "worker") == 0
    assert marks(cast, "incoming") == (None, "", None)


@pytest.mark.ci
def test_a_round_that_hangs_as_it_is_made_up_for_holds_up_no_other_for_long(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    means, goes_on = means_of(cast, Clock()), threading.Event()
    begun: list[str] = []

    def make_up(_: object, key: str, ran_by: str, stopped: Callable[[], bool]) -> int:
        assert not stopped()
        begun.append(f"{key} {ran_by}")
        if key == "remind":
            goes_on.wait(60)
        return 0

    monkeypatch.setattr(worker, "OVERDUE_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(worker, "OVERDUE_ROUND_SECONDS", 0.2)
    monkeypatch.setattr(rounds, "is_overdue", lambda *_: True)
    monkeypatch.setattr(rounds, "run_round", make_up)

    def body(_: Worker) -> None:
        try:
            eventually(lambda: begun.count("sweep worker") > 1)
            assert begun.count("remind worker") == 1, "one that hangs is not begun beside itself"
        finally:
            goes_on.set()

    within(cast, means, body)


@pytest.mark.parametrize(
    ("key", "late"),
    [("remind", timedelta(days=1, hours=2)), ("sweep", timedelta(days=2, hours=1, minutes=45)), ("head", timedelta(0))],
)
def test_how_late_a_round_is_counts_from_the_first_time_that_it_missed(cast: Cast, key: str, late: timedelta) -> None:
    clock = Clock(AT - timedelta(hours=1))  # 8:00 in Montréal
    means = means_of(cast, clock)
    run_round(means, key, "prefect")
    with cast.session() as session:
        assert timetable.late_by(session, key, clock.now, mark_of(session, key)) == timedelta(0)
        assert timetable.late_by(session, key, clock.now + timedelta(days=2, hours=2), mark_of(session, key)) == late


def test_a_round_is_overdue_after_its_patience_and_not_once_it_was_done(cast: Cast) -> None:
    clock = Clock(AT - timedelta(hours=1))  # 8:00 in Montréal
    means = means_of(cast, clock)
    run_round(means, "remind", "prefect")
    clock.pass_by(days=1, minutes=14)
    assert not is_overdue(means, "remind")
    clock.pass_by(minutes=1)
    assert is_overdue(means, "remind")
    run_round(means, "remind", "worker")
    assert not is_overdue(means, "remind")
    with cast.session() as session:
        mark = session.execute(select(_mark).where(_mark.c.key == "remind")).one()
    assert (mark.done_up_to, mark.ran_by) == (clock.now, "worker")


def test_a_sweep_is_overdue_when_a_whole_interval_was_missed(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    run_round(means, "sweep", "prefect")
    clock.pass_by(minutes=29)
    assert not is_overdue(means, "sweep")
    clock.pass_by(minutes=1)
    assert is_overdue(means, "sweep")
