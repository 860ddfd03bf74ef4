"""What an operator sees in Prefect's pages and asks of them by hand: runs, cases, automations, on a real server."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelling, Pending, Running, Scheduled
from sqlalchemy import select, update

from domain.casework import wakeups
from flows import automations, lost_runs
from flows.asking import asking
from flows.carry import STOPPED
from flows.deployments import CASE_ID, register
from flows.pool import POOL
from models.base import table_of
from models.engine import WakeUp
from models.program import Program
from tests.casework import complete
from tests.cast import Cast
from tests.flows.prefect_server import PrefectServer, prefect_server
from tests.flows.support import eventually, means_of, seats, told
from tests.flows.test_worker import all_quiet, flow_runs, introduced, is_done, is_worked, process, runs

__all__ = ["prefect_server"]

T = TypeVar("T")

_program, _wake = table_of(Program), table_of(WakeUp)


def now() -> datetime:
    return datetime.now(UTC)


def asked(server: PrefectServer, ask: Callable[[PrefectClient], Awaitable[T]]) -> T:
    """What a question of Prefect's client brings."""

    async def inside() -> T:
        async with get_client() as client:
            return await ask(client)

    with server.known():
        return asyncio.run(inside())


def deployment(server: PrefectServer, name: str) -> UUID:
    """The deployment of a round or a protocol, once it is there."""

    def found() -> list[tuple[Any, ...]]:
        return server.rows(
            "select d.id from deployment d join flow f on f.id = d.flow_id join work_queue q on q.id = d.work_queue_id "
            "join work_pool p on p.id = q.work_pool_id where f.name = %s and p.name = %s",
            name,
            POOL,
        )

    eventually(found)
    return UUID(str(found()[0][0]))


def started_by_hand(server: PrefectServer, name: str, **parameters: Any) -> UUID:
    """A run that an operator starts on Prefect's pages."""
    known = deployment(server, name)

    async def start(client: PrefectClient) -> FlowRun:
        return await client.create_flow_run_from_deployment(known, parameters=parameters, state=Scheduled())

    return asked(server, start).id


def state_of(server: PrefectServer, run_id: UUID) -> tuple[str, str]:
    """The name of a run's state, and the code with it."""
    ((name, message),) = server.rows(
        "select r.state_name, s.message from flow_run r join flow_run_state s on s.id = r.state_id where r.id = %s",
        run_id,
    )
    return str(name), str(message or "")


def ended(server: PrefectServer, run_id: UUID) -> tuple[str, str]:
    """How a run ended, once it did."""

    def has_ended() -> bool:
        return bool(
            server.rows(
                "select 1 from flow_run where id = %s "
                "and state_type in ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED')",
                run_id,
            )
        )

    eventually(has_ended)
    return state_of(server, run_id)


@contextmanager
def at_work(
    server: PrefectServer, cast: Cast, tmp_path: Path, scenario: str = "plain"
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that works the pool, inside the block."""
    with process(cast, tmp_path, scenario, prefect=server) as running:
        eventually(lambda: is_worked(server, cast))
        yield running


# ------------------------------------------------------------------------------------------------ what is looked at


def said(server: PrefectServer, case_id: UUID) -> list[str]:
    """What the runs of a case said in words."""
    return [
        message
        for (message,) in server.rows(
            "select l.message from log l join flow_run r on r.id = l.flow_run_id "
            "where r.parameters->>'case_id' = %s order by l.timestamp",
            str(case_id),
        )
    ]


def shown(server: PrefectServer, case_id: UUID) -> list[tuple[str, list[dict[str, Any]]]]:
    """Each time that the pages showed a case: the description with the address, and the table of its steps."""
    found = server.rows("select description, data from artifact where key = %s order by created", f"case-{case_id}")
    return [(description, json.loads(data) if isinstance(data, str) else data) for description, data in found]


@pytest.mark.nightly
def test_a_case_is_shown_by_its_steps_with_the_address_of_its_page_and_its_runs_say_what_they_did_in_codes(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with process(cast, tmp_path, prefect=prefect_server):
        eventually(lambda: is_worked(prefect_server, cast))
        case_id = introduced(cast)
        eventually(lambda: is_done(cast, case_id))
        eventually(lambda: shown(prefect_server, case_id))
        eventually(lambda: len(said(prefect_server, case_id)) > 2)
        eventually(lambda: flow_runs(prefect_server, case_id)[-1][2] == "Waiting")
    description, table = shown(prefect_server, case_id)[-1]
    assert description == f"[{case_id}](http://localhost:8400/cases/{case_id})"
    assert {"step": "enrol_on_clinical_committee", "state": "done", "act": "done", "count": 1} in table
    assert {frozenset(row) for row in table} == {frozenset(("step", "state", "act", "count"))}
    lines = said(prefect_server, case_id)
    assert "worker: an act was done (enrol_on_clinical_committee, enrol_on_clinical_committee)" in lines
    assert "worker: the case was carried (waiting, 2)" in lines
    ((tags,),) = prefect_server.rows(
        "select tags from flow_run where parameters->>'case_id' = %s order by created limit 1", str(case_id)
    )
    assert {"protocol", "protocol:onboarding", f"program:{cast.program_id}"} < set(tags)


@pytest.mark.nightly
def test_a_case_that_did_not_change_is_not_shown_again(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with at_work(prefect_server, cast, tmp_path):
        case_id = introduced(cast)
        eventually(lambda: is_done(cast, case_id))
        eventually(lambda: shown(prefect_server, case_id))
        eventually(lambda: all_quiet(cast))
        eventually(lambda: flow_runs(prefect_server, case_id)[-1][2] == "Waiting")
        before = len(shown(prefect_server, case_id)), len(runs(cast, case_id))
        with cast.session() as session:
            wakeups.wake(session, case_id, at=now())
        eventually(lambda: len(runs(cast, case_id)) > before[1])
        eventually(lambda: flow_runs(prefect_server, case_id)[-1][2] == "Waiting")
        assert runs(cast, case_id)[-1].flow_run_id is not None
        assert len(shown(prefect_server, case_id)) == before[0]
        complete(cast, case_id, "plan_training", at=now())
        eventually(lambda: len(shown(prefect_server, case_id)) == before[0] + 1)


# ------------------------------------------------------------------------------------------------- started by hand


@pytest.mark.nightly
def test_what_is_started_by_hand_does_nothing_twice_and_says_by_a_code_what_was_wrong_with_it(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with at_work(prefect_server, cast, tmp_path):
        case_id, elsewhere = introduced(cast), introduced(cast.other)
        eventually(lambda: is_done(cast, case_id) and is_done(cast.other, elsewhere))
        eventually(lambda: all_quiet(cast))
        before = len(told(cast, "act.done"))

        def by_hand(name: str, **parameters: Any) -> tuple[str, str]:
            return ended(prefect_server, started_by_hand(prefect_server, name, **parameters))

        assert [by_hand("onboarding", case_id=str(case_id)) for _ in range(2)] == [("Asked", ""), ("Asked", "")]
        assert by_hand("onboarding", case_id=str(uuid4())) == ("Trouble (case.unknown)", "case.unknown")
        for typed in (
            {},
            {"case_id": "Émeraude Quartz"},
            {"case_id": [str(case_id)]},
            {"case_id": str(case_id), "more": "Émeraude Quartz"},
        ):
            with pytest.raises(PrefectHTTPStatusError, match="409"):
                started_by_hand(prefect_server, "onboarding", **typed)
        with pytest.raises(PrefectHTTPStatusError, match="409"):
            started_by_hand(prefect_server, "sweep", who="Émeraude Quartz")
        assert prefect_server.rows("select 1 from flow_run where parameters::text like '%%meraude%%'") == []
        assert by_hand("onboarding", case_id=str(elsewhere))[0] == "Asked"
        assert by_hand("departure", case_id=str(case_id))[0] == "Asked", "a case goes by its own protocol"
        rounds = [by_hand("sweep") for _ in range(2)]
        assert [name for name, _ in rounds] == ["Done", "Done"]
        eventually(lambda: all_quiet(cast))
        assert len(told(cast, "act.done")) == before
        assert len(seats(cast, "worker_em")) == 1
        assert prefect_server.rows("select 1 from flow_run where state_type in ('RUNNING', 'PENDING')") == []


@pytest.mark.nightly
def test_a_run_is_named_by_when_it_was_due_and_one_of_a_flow_that_is_not_ours_is_ended_by_a_code(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    async def foreign(client: PrefectClient) -> UUID:
        flow_id = await client.create_flow_from_name("not-ours")
        made = await client.create_deployment(flow_id, "elsewhere", work_pool_name=POOL)
        return (await client.create_flow_run_from_deployment(made, state=Scheduled())).id

    with at_work(prefect_server, cast, tmp_path):
        swept = started_by_hand(prefect_server, "sweep")
        ended(prefect_server, swept)
        ((name, tags, due),) = prefect_server.rows(
            "select name, tags, expected_start_time from flow_run where id = %s", swept
        )
        shown_due = due.astimezone(ZoneInfo("America/Toronto"))
        assert name == f"sweep {shown_due:%Y-%m-%d %H:%M}"
        assert "round" in tags
        assert any(tag.startswith("worker:worker-") for tag in tags)
        assert ended(prefect_server, asked(prefect_server, foreign)) == ("Trouble (flow.unknown)", "flow.unknown")


@pytest.mark.nightly
def test_a_run_that_is_cancelled_by_hand_stops_gives_its_place_back_and_its_case_is_carried_again(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with at_work(prefect_server, cast, tmp_path, "dawdle"):
        case_id = introduced(cast)
        eventually(gate.with_suffix(".here").exists)
        ((run_id,),) = prefect_server.rows(
            "select id from flow_run where parameters->>'case_id' = %s and state_type = 'RUNNING'", str(case_id)
        )

        async def cancel(client: PrefectClient) -> None:
            await client.set_flow_run_state(run_id, Cancelling())

        asked(prefect_server, cancel)
        assert ended(prefect_server, run_id) == ("Cancelled", "by_hand")

        def is_put_back() -> bool:
            with cast.session() as session:
                left = session.execute(select(_wake).where(_wake.c.case_id == case_id)).one()
            return (left.trouble, left.want > left.have) == (STOPPED, True)

        eventually(is_put_back)
        gate.unlink()
        eventually(lambda: is_done(cast, case_id))
        eventually(lambda: all_quiet(cast))
        assert [run.trouble for run in runs(cast, case_id)] == [""]
        # Its place is free: as many as there are places go by Prefect at once.
        others = [introduced(cast, "worker_codim", "codim"), introduced(cast, "worker_ccsmtl", "ccsmtl")]
        eventually(lambda: all(is_done(cast, one) for one in others))
        eventually(lambda: all_quiet(cast))
        assert all(runs(cast, one)[-1].flow_run_id for one in others)
    assert len(seats(cast, "worker_em")) == 1


@pytest.mark.nightly
def test_a_round_that_is_cancelled_by_hand_ends_after_the_part_that_it_is_at_and_another_does_it_whole(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with at_work(prefect_server, cast, tmp_path, "round"):
        cancelled = started_by_hand(prefect_server, "sweep")
        eventually(gate.with_suffix(".here").exists)

        async def cancel(client: PrefectClient) -> None:
            await client.set_flow_run_state(cancelled, Cancelling())

        asked(prefect_server, cancel)
        assert ended(prefect_server, cancelled) == ("Cancelled", "by_hand")
        gate.unlink()
        done = gate.with_suffix(".done")
        eventually(lambda: done.exists() and done.read_text())

        def is_done_whole() -> bool:
            assert ended(prefect_server, started_by_hand(prefect_server, "sweep"))[0] == "Done"
            return len(done.read_text()) > 1

        eventually(is_done_whole)  # not while the part of before still ends
    assert done.read_text() == "0" + "012" * 2, "of each of the two programs"


# ------------------------------------------------------------------------------------------------- what ends by itself


@pytest.mark.ci
def test_runs_that_no_living_worker_has_are_ended_and_no_others(cast: Cast, prefect_server: PrefectServer) -> None:
    means = means_of(cast, now)

    async def look() -> dict[str, tuple[str, str | None]]:
        async with asking() as client:
            deployed = await register(client, means)

            async def begun(case: str, *workers: str, state: Any) -> FlowRun:
                return await client.create_flow_run_from_deployment(
                    deployed.protocols["onboarding"],
                    parameters={CASE_ID: str(UUID(int=int(case)))},
                    state=state,
                    tags=[f"worker:{worker}" for worker in workers],
                )

            under_way = {
                "of another that lives": await begun("1", "alive", state=Running()),
                "of one that died": await begun("2", "dead", state=Running()),
                "of one that died while it was cancelled": await begun("3", "dead", state=Cancelling()),
                "claimed by one that died at once": await begun("4", state=Pending()),
                "in hand here": await begun("5", "me", state=Running()),
                "whose end was not reported": await begun("6", "me", state=Running()),
                "planned": await begun("7", state=Scheduled(scheduled_time=now() + timedelta(hours=1))),
            }
            known = {"me": "me", "mine": [under_way["in hand here"].id], "alive": {"alive", "me"}}
            may_be_begun = await lost_runs.end_lost_runs(client, at=now(), **known)  # type: ignore[arg-type]
            assert may_be_begun == 0
            await lost_runs.end_lost_runs(client, at=now() + lost_runs.OWN_PATIENCE, **known)  # type: ignore[arg-type]
            states = {}
            for what, run in under_way.items():
                state = (await client.read_flow_run(run.id)).state
                assert state is not None
                states[what] = (state.type.value, state.message)
                await client.delete_flow_run(run.id)
            return states

    with prefect_server.known():
        assert asyncio.run(look()) == {
            "of another that lives": ("RUNNING", None),
            "of one that died": ("CRASHED", lost_runs.CODE),
            "of one that died while it was cancelled": ("CRASHED", lost_runs.CODE),
            "claimed by one that died at once": ("CRASHED", lost_runs.CODE),
            "in hand here": ("RUNNING", None),
            "whose end was not reported": ("CRASHED", lost_runs.CODE),
            "planned": ("SCHEDULED", None),
        }


@pytest.mark.nightly
def test_the_run_of_a_worker_that_is_killed_is_ended_by_prefect_itself_and_its_case_is_carried_by_another(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with process(cast, tmp_path, "dawdle", prefect=prefect_server) as first:
        eventually(lambda: is_worked(prefect_server, cast))
        case_id = introduced(cast)
        eventually(gate.with_suffix(".here").exists)

        def beats() -> list[tuple[Any, ...]]:
            return prefect_server.rows(
                "select r.id from events e join flow_run r on e.resource_id = 'prefect.flow-run.' || r.id::text "
                "where e.event = 'prefect.flow-run.heartbeat' and r.parameters->>'case_id' = %s",
                str(case_id),
            )

        eventually(beats)
        first.kill()
        first.wait()
    # Without any worker of ours: it is Prefect that ends the run.
    assert ended(prefect_server, beats()[0][0]) == ("Crashed", automations.LOST_CODE)
    assert not is_done(cast, case_id, "enrol_on_clinical_committee")
    gate.unlink()
    with process(cast, tmp_path, "dawdle", prefect=prefect_server):
        eventually(lambda: is_done(cast, case_id))
    assert len(seats(cast, "worker_em")) == 1


@pytest.mark.nightly
def test_an_automation_is_made_once_and_one_that_an_operator_switched_off_stays_off(
    prefect_server: PrefectServer,
) -> None:
    async def twice_and_off(client: PrefectClient) -> list[tuple[str, bool]]:
        await asyncio.gather(*(automations.make_automations(client) for _ in range(3)))
        (made,) = await client.read_automations_by_name(automations.LOST)
        await client.pause_automation(made.id)
        await automations.make_automations(client)
        found = [(one.name, one.enabled) for one in await client.read_automations()]
        await client.resume_automation(made.id)
        return found

    assert asked(prefect_server, twice_and_off) == [(automations.LOST, False)]


# ------------------------------------------------------------------------------------------------ registered again


@pytest.mark.nightly
def test_a_programs_new_zone_and_a_deployment_that_was_removed_are_registered_under_a_running_worker(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    def zones() -> set[str]:
        return {
            slug
            for (slug,) in prefect_server.rows(
                "select s.slug from deployment_schedule s join deployment d on d.id = s.deployment_id "
                "join flow f on f.id = d.flow_id where f.name = 'remind'"
            )
        }

    with at_work(prefect_server, cast, tmp_path):
        eventually(lambda: zones() == {"remind-america-toronto"})
        with cast.session() as session:
            here = update(_program).where(_program.c.id == cast.program_id)
            session.execute(here.values(time_zone="Europe/Paris"))
        eventually(lambda: zones() == {"remind-america-toronto", "remind-europe-paris"})
        gone = deployment(prefect_server, "departure")

        async def remove(client: PrefectClient) -> None:
            await asyncio.gather(*(client.delete_automation(one.id) for one in await client.read_automations()))
            await client.delete_deployment(gone)

        asked(prefect_server, remove)
        eventually(lambda: deployment(prefect_server, "departure") != gone)
        eventually(lambda: prefect_server.rows("select 1 from automation where name = %s", automations.LOST))


@pytest.mark.nightly
def test_a_server_that_comes_back_with_an_empty_database_has_everything_again_and_takes_cases(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with at_work(prefect_server, cast, tmp_path):
        first = introduced(cast)
        eventually(lambda: is_done(cast, first))
        eventually(lambda: all_quiet(cast))
        before = deployment(prefect_server, "onboarding")
        prefect_server.kill()
        try:
            prefect_server.empty()
        finally:
            prefect_server.start()
        assert deployment(prefect_server, "onboarding") != before
        eventually(lambda: deployment(prefect_server, "sweep"))
        eventually(lambda: prefect_server.rows("select 1 from automation where name = %s", automations.LOST))
        eventually(lambda: is_worked(prefect_server, cast))

        def carried_by_prefect() -> bool:
            with cast.session() as session:
                wakeups.wake(session, first, at=now())
            eventually(lambda: all_quiet(cast))
            return runs(cast, first)[-1].flow_run_id is not None

        eventually(carried_by_prefect)
        eventually(lambda: shown(prefect_server, first))
    assert len(seats(cast, "worker_em")) == 1
