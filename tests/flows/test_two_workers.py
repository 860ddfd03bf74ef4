"""Two workers on Prefect's pool: each round is one's alone, each change is carried once, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from sqlalchemy import select

from adapters.database import listen
from domain.casework import complete_task, wakeups
from domain.casework.cases import open_case
from flows import incoming, rounds, seats
from flows import worker as workers
from flows.deployments import DEPLOYMENT
from flows.worker import Worker
from models.base import table_of
from models.casework import Task
from models.engine import EngineRun, EngineSeat, RoundMark, WakeUp
from tests.cast import Cast
from tests.flows.prefect_server import PrefectServer, prefect_server
from tests.flows.support import SOON_SECONDS, carry_all, eventually, letters, means_of, told
from tests.flows.test_two_machines import machine, marked, sent
from tests.flows.test_worker import all_quiet, introduced, is_done, now, runs

__all__ = ["prefect_server"]

_run, _seat, _mark = table_of(EngineRun), table_of(EngineSeat), table_of(RoundMark)
_task, _wake = table_of(Task), table_of(WakeUp)

CASES, WAVES = 100, 6


def at_work(server: PrefectServer, since: object) -> int:
    """How many workers Prefect has heard of lately."""
    return len(server.rows("select name from worker where last_heartbeat_time > %s", since))


@pytest.mark.nightly
def test_of_two_workers_one_has_each_run_of_a_round_and_its_work_is_done_once(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    begun = now()
    with ExitStack() as machines:
        for name in ("one", "two"):
            machines.enter_context(machine(cast, tmp_path / name, lease=0, prefect=prefect_server.api_url))
        eventually(lambda: at_work(prefect_server, begun) == 2)

        async def all_due_twice() -> list[UUID]:
            async with get_client() as client:
                keys = [key for key in rounds.ROUNDS if key != incoming.KEY]  # there is no mailbox
                found = [await client.read_deployment_by_name(f"{key}/{DEPLOYMENT}") for key in keys]
                return [(await client.create_flow_run_from_deployment(one.id)).id for one in found * 2]

        with prefect_server.known():
            made = asyncio.run(all_due_twice())

        def states() -> list[str]:
            rows = prefect_server.rows("select state_type from flow_run where id = any(%s)", made)
            return [state for (state,) in rows]

        eventually(lambda: set(states()) <= {"COMPLETED", "CANCELLED"}, within=4 * SOON_SECONDS)
    began = prefect_server.rows(
        "select count(*) from flow_run_state where type = 'RUNNING' and flow_run_id = any(%s) group by flow_run_id",
        made,
    )
    assert {count for (count,) in began} == {1}, "no run was had by both"
    assert set(Counter(letter["person_id"] for letter in letters(cast, "daily_digest")).values()) <= {1}


@pytest.mark.nightly
def test_rounds_that_two_workers_find_late_at_once_are_done_once(cast: Cast, tmp_path: Path) -> None:
    """Without Prefect, each looks for what is overdue, and both find the same."""
    carry_all(means_of(cast, now))
    with machine(cast, tmp_path / "one"), machine(cast, tmp_path / "two"):
        eventually(lambda: all(marked(cast, key) for key in ("sweep", "remind", "obligations", "gatherings")))
    people = Counter((letter["person_id"], letter["template"]) for letter in letters(cast, "daily_digest"))
    assert set(people.values()) <= {1}


@pytest.mark.nightly
def test_a_worker_without_a_server_of_its_own_goes_to_that_of_another_machine_and_follows_it(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    elsewhere = PrefectServer(prefect_server.database_url, prefect_server.admin_url, prefect_server.home)

    def moved_to(server: PrefectServer) -> None:
        with cast.session() as session:
            seats.hold(session, server.api_url, at=now())

    def by_prefect(case_id: UUID) -> bool:
        """Not at the first time: the worker looks now and then where Prefect is."""
        wake(cast, [case_id])
        eventually(lambda: all_quiet(cast))
        return runs(cast, case_id)[-1].flow_run_id is not None

    try:
        with machine(cast, tmp_path / "one", "anywhere", lease=0):
            case_id = introduced(cast)
            eventually(lambda: is_done(cast, case_id))
            eventually(lambda: all_quiet(cast))
            assert runs(cast, case_id)[-1].flow_run_id is None, "nobody said where it is"
            moved_to(prefect_server)
            eventually(lambda: by_prefect(case_id))
            # Its machine dies, and meanwhile cases are carried plainly; another takes the seat.
            prefect_server.kill()
            second = introduced(cast, "worker_codim", "codim")
            eventually(lambda: is_done(cast, second))
            eventually(lambda: all_quiet(cast))
            assert runs(cast, second)[-1].flow_run_id is None
            elsewhere.start()
            moved_to(elsewhere)
            eventually(lambda: by_prefect(second))
    finally:
        elsewhere.kill()
        if prefect_server.process is None:
            prefect_server.start()
    with cast.session() as session:
        (seat,) = session.execute(select(_seat)).all()
    assert seat.address == elsewhere.api_url, "a worker beside no server says nothing of where it is"


@pytest.mark.ci
def test_the_worker_beside_the_server_says_where_it_is(cast: Cast, prefect_server: PrefectServer) -> None:
    means = means_of(cast, now)

    async def at_work_beside_it() -> None:
        worker = Worker(
            means,
            ears=lambda: listen(cast.database.url, wakeups.WAKE_CHANNEL),
            prefect_url=prefect_server.api_url,
            known_as="https://one.spheres.example:8443/api",
        )
        running = asyncio.create_task(worker.run())
        await asyncio.to_thread(eventually, addresses)
        worker.stop()
        await running

    def addresses() -> list[str]:
        with cast.session() as session:
            return list(session.scalars(select(_seat.c.address)))

    with prefect_server.known():
        asyncio.run(at_work_beside_it())
    assert addresses() == ["https://one.spheres.example:8443/api"]


# --------------------------------------------------------------------------------------------- waves of a hundred cases


def welcomed(cast: Cast, count: int) -> list[UUID]:
    """Onboardings of so many new people."""
    from bench.ground import join  # noqa: PLC0415  # the ground of measures has people to welcome

    cases = []
    for number in range(count):
        with cast.session() as session:
            place = cast.organizations["en-marge"]
            subject = join(session, f"subject-{number}", "youth_worker", place, now())
            by = cast.actor("coordinator")
            cases.append(open_case(session, "onboarding", subject_id=subject, organization_id=place, by=by, at=now()))
    return cases


def introduce(cast: Cast, cases: list[UUID]) -> None:
    """A person does their part in each of these cases, from which two acts of the engine follow."""
    for case_id in cases:
        with cast.session() as session:
            step = select(_task.c.id).where(_task.c.case_id == case_id, _task.c.step == "introduce_program")
            complete_task(session, session.execute(step).scalar_one(), by=cast.actor("coordinator"), at=now())


def wake(cast: Cast, cases: list[UUID]) -> None:
    for case_id in cases:
        with cast.session() as session:
            wakeups.wake(session, case_id, at=now())


@pytest.mark.nightly
def test_six_waves_of_a_hundred_cases_are_carried_once_by_two_workers_of_which_one_is_killed(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    cases = welcomed(cast, CASES)
    begun = now()
    with ExitStack() as machines:
        workers_at = [
            machines.enter_context(machine(cast, tmp_path / name, lease=0, prefect=prefect_server.api_url))
            for name in ("one", "two")
        ]
        eventually(lambda: at_work(prefect_server, begun) == 2)
        for wave in range(WAVES):
            introduce(cast, cases[wave::WAVES])
            wake(cast, cases)
            if wave == WAVES // 2:
                eventually(lambda: len({one.leased_by for one in in_hand(cast)}) == 2)
                workers_at[0].kill()
                killed_at, held = now(), in_hand(cast)
                ends = [one.leased_until - killed_at for one in held]
                assert max(ends) <= workers.LEASE + timedelta(seconds=5), "another has them by then"
            eventually(lambda: all_quiet(cast), within=5 * SOON_SECONDS)
        machines.enter_context(machine(cast, tmp_path / "three", lease=0, prefect=prefect_server.api_url))
        eventually(lambda: not unsent(cast), within=5 * SOON_SECONDS + 300)  # a letter's own lease is five minutes
        eventually(lambda: not left_running(prefect_server))
    done = Counter((event["case_id"], event["facts"]["step"]) for event in told(cast, "act.done"))
    steps = ("enrol_on_clinical_committee", "send_contact_lists")
    assert done == {(case_id, step): 1 for case_id in cases for step in steps}
    assert len(letters(cast, "contact_lists")) == len(told(cast, "seat.given")) == CASES
    assert told(cast, "act.trouble") == []
    copies = sent(*(tmp_path / name for name in ("one", "two", "three")))
    twice = [message for message, count in copies.items() if count > 1]
    assert len(twice) <= 1, "but for the letter that the killed one had sent and not noted"


def left_running(server: PrefectServer) -> list[tuple[Any, ...]]:
    """The runs of cases that Prefect holds to be at it, also of the worker that was killed."""
    return server.rows(
        "select id from flow_run where parameters->>'case_id' is not null"
        " and state_type in ('PENDING', 'RUNNING', 'CANCELLING')"
    )


def in_hand(cast: Cast) -> list[Any]:
    """The wake-ups that some worker has in hand."""
    with cast.session() as session:
        return list(session.execute(select(_wake).where(_wake.c.leased_until.is_not(None))).all())


def unsent(cast: Cast) -> int:
    return len([letter for letter in letters(cast, "contact_lists") if letter["state"] == "queued"])
