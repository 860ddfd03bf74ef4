"""What the engine notes for who runs the installation, and a case that they have tried again."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest
from sqlalchemy import select, update

from domain.casework import engine_state, tending, wakeups
from domain.kernel import Refusal
from flows.by_prefect import ByPrefect
from flows.worker import Worker
from models.base import table_of
from models.engine import Beat, EngineRun, WakeUp
from tests.casework import complete, open_onboarding
from tests.cast import AT, Cast
from tests.flows.support import Clock, carry_all, eventually, means_of, take, within
from tests.tending import hold_up, tries, wake_up_of

_run = table_of(EngineRun)
_beat = table_of(Beat)
_wake_up = table_of(WakeUp)


def now() -> datetime:
    return datetime.now(UTC)


def whys(cast: Cast) -> set[str]:
    with cast.session() as session:
        return set(session.scalars(select(_run.c.why_plain)))


def test_a_case_that_waits_for_its_next_try_is_taken_at_once_when_it_is_asked_for(cast: Cast) -> None:
    means, case_id = means_of(cast, lambda: AT), open_onboarding(cast)
    hold_up(cast, case_id, "error.OSError")
    assert take(means) is None
    with cast.session() as session:
        tending.try_again(session, case_id, by=cast.actor("administrator"), at=AT)
    claim = take(means)
    assert claim is not None
    assert claim.case_id == case_id
    with cast.session() as session:
        assert session.scalar(select(_wake_up.c.taken_at).where(_wake_up.c.case_id == case_id)) == AT


def test_who_acts_while_a_carry_fails_does_not_wait_for_what_failed_before(cast: Cast) -> None:
    clock = Clock()
    means, case_id = means_of(cast, clock), open_onboarding(cast)
    with cast.session() as session:
        session.execute(update(_wake_up).values(attempts=8))
    failing = take(means)
    assert failing is not None
    complete(cast, case_id, "introduce_program", at=clock.now)
    with means.transaction(cast.program_id) as session:
        assert wakeups.put_back(session, failing, trouble="error.OSError", at=clock.now)
    again = take(means)
    assert again is not None
    with means.transaction(cast.program_id) as session:
        assert wakeups.put_back(session, again, trouble="error.OSError", at=clock.now)
    assert take(means) is None, "no one acted since: it waits as long as it did before"


def test_a_case_that_is_asked_for_by_its_id_waits_since_then_and_not_since_it_was_carried_last(cast: Cast) -> None:
    """As by a run that is started by hand in Prefect's pages."""
    clock = Clock()
    means, case_id = means_of(cast, clock), open_onboarding(cast)
    carry_all(means)
    clock.pass_by(days=30)
    with means.transaction() as session:
        assert wakeups.wake_by_id(session, case_id, at=clock.now)
    with cast.session() as session:
        state = engine_state(session, clock.now)
    assert (state.waiting, state.waiting_since, state.is_behind) == (1, clock.now, False)
    asked = clock.now
    clock.pass_by(minutes=2)
    with means.transaction() as session:
        assert wakeups.wake_by_id(session, case_id, at=clock.now)
    with cast.session() as session:
        state = engine_state(session, clock.now)
    assert (state.waiting_since, state.is_behind) == (asked, True)


def test_a_case_in_hand_that_is_asked_for_again_is_carried_once_more_and_not_beside(cast: Cast) -> None:
    means, case_id = means_of(cast, lambda: AT), open_onboarding(cast)
    hold_up(cast, case_id)
    with cast.session() as session:
        tending.try_again(session, case_id, by=cast.actor("administrator"), at=AT)
    claim = take(means)
    assert claim is not None
    with cast.session() as session:
        # It is being tried: asking once more adds nothing.
        assert tending.try_again(session, case_id, by=cast.actor("administrator"), at=AT) == 0
    assert take(means) is None
    with means.transaction() as session:
        assert wakeups.acknowledge(session, claim, at=AT)
    with cast.session() as session, pytest.raises(Refusal):
        tending.try_again(session, case_id, by=cast.actor("administrator"), at=AT)


def test_two_who_ask_at_once_wake_each_case_once(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    hold_up(cast, case_id)
    before, _, _ = wake_up_of(cast, case_id)
    begin = threading.Barrier(2)

    def ask() -> None:
        with cast.session() as session:
            begin.wait()
            tending.try_all_again(session, "seat.none", by=cast.actor("administrator"), at=AT)

    both = [threading.Thread(target=ask) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    after, _, _ = wake_up_of(cast, case_id)
    assert after == before + 1
    assert [one for one, _, _ in tries(cast)] == [case_id]


@pytest.mark.ci
def test_what_is_carried_while_prefect_is_away_says_so_and_a_sign_of_life_says_since_when(cast: Cast) -> None:
    def body(_: Worker) -> None:
        open_onboarding(cast, at=now())
        eventually(lambda: whys(cast))

    begun = now()
    with_signs: list[datetime] = []

    def seen(worker: Worker) -> None:
        body(worker)
        with cast.session() as session:
            eventually(lambda: session.scalars(select(_beat.c.prefect_since)).all())
            with_signs.extend(session.scalars(select(_beat.c.prefect_since)))

    within(cast, means_of(cast, now), seen)
    assert whys(cast) == {"away"}
    assert all(begun <= one <= now() for one in with_signs)


@pytest.mark.ci
@pytest.mark.parametrize(("hurdle", "why"), [("place", "busy"), ("begin", "slow")])
def test_what_prefect_does_not_take_in_time_is_carried_plainly_and_says_why(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, hurdle: str, why: str
) -> None:
    over: list[UUID] = []

    def body(worker: Worker) -> None:
        async def has_no_place() -> bool:
            return False

        async def never_begins(_: object) -> None:
            await worker.stopping.wait()

        worker.prefect.seems_up = True
        monkeypatch.setattr(worker.by_prefect, "_run", never_begins)
        if hurdle == "place":
            monkeypatch.setattr(worker.by_prefect, "_has_place", has_no_place)
        worker.by_prefect._engine = SimpleNamespace(woken=asyncio.Event())  # type: ignore[assignment]
        over.append(open_onboarding(cast, at=now()))
        eventually(lambda: whys(cast))

    async def asks_no_server(by_prefect: ByPrefect) -> None:
        await by_prefect.stopping.wait()

    monkeypatch.setattr(ByPrefect, "work", asks_no_server)
    monkeypatch.setattr(ByPrefect, "keep_asking", asks_no_server)
    within(cast, means_of(cast, now), body)
    assert whys(cast) == {why}
