"""What Prefect knows of us: a pool, the rounds on it with their schedules, and a deployment for each protocol.

Registering again changes nothing, so that a server with an empty database has all of it again within seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.flow_engine import run_flow_async

from domain.kernel import scalars, select
from flows.carry import protocol_flow
from flows.engine import Means, at_hand
from flows.pool import POOL, make_pool
from flows.protocols import PROTOCOLS
from flows.rounds import ROUNDS, round_flow, schedules_of
from models.program import Program

#: The name of each deployment, after its flow's.
DEPLOYMENT: Final = "spheres"
#: Clocks of two machines that differ by more are no clocks.
MOST_EARLY: Final = timedelta(minutes=2)
#: The parameter of a protocol's flow.
CASE_ID: Final = "case_id"


@dataclass(frozen=True)
class Deployed:
    """What was registered: the flows by their ids, and the deployment of each protocol by its key.

    `zones` are those of the programs, by which the rounds were scheduled.
    """

    flows: Mapping[UUID, Flow[..., Any]]
    protocols: Mapping[str, UUID]
    zones: Sequence[str]

    async def begin(self, run: FlowRun, means: Means) -> object:
        """Run the flow of a run that was claimed. What is typed by hand beside a case's id is left out."""
        at_hand.set(means)
        await _until_it_is_due(run, means)
        flow = self.flows[run.flow_id]
        is_case = flow.name in self.protocols
        parameters = {CASE_ID: str((run.parameters or {}).get(CASE_ID, ""))} if is_case else {}
        return await run_flow_async(flow, flow_run=run, parameters=parameters, return_type="state")


async def _until_it_is_due(run: FlowRun, means: Means) -> None:
    """Wait where the clock of the machine that planned the run is ahead of ours: a round that is not due does nothing.

    It would then be late by as much as its patience.
    """
    if run.auto_scheduled and run.expected_start_time is not None:
        early = run.expected_start_time - means.clock()
        if timedelta(0) < early <= MOST_EARLY:
            await asyncio.sleep(early.total_seconds())


async def register(client: PrefectClient, means: Means) -> Deployed:
    """Make the pool and every deployment, each where it is not there or not as it should be."""
    await make_pool(client)
    zones = await asyncio.to_thread(zones_of, means)
    flows: dict[UUID, Flow[..., Any]] = {}
    protocols: dict[str, UUID] = {}
    for key, declared in ROUNDS.items():
        if declared.is_needed(means):
            flow = round_flow(key)
            made = await _deploy(client, flow, ["round"], schedules_of(declared, zones))
            flows[made.flow_id] = flow
    for key in PROTOCOLS:
        made = await _deploy(client, protocol_flow(key), ["protocol", f"protocol:{key}"], [])
        flows[made.flow_id] = protocol_flow(key)
        protocols[key] = made.id
    return Deployed(flows, protocols, zones)


def zones_of(means: Means) -> Sequence[str]:
    """The time zones of the programs, each once."""
    with means.open_sessions() as session:
        return sorted(set(scalars(session, select(Program.time_zone))))


@dataclass(frozen=True)
class _Made:
    id: UUID
    flow_id: UUID


async def _deploy(
    client: PrefectClient, flow: Flow[..., Any], tags: Sequence[str], schedules: Sequence[DeploymentScheduleCreate]
) -> _Made:
    """A deployment that is right already is left alone: changing a schedule throws away the runs that it planned."""
    try:
        found = await client.read_deployment_by_name(f"{flow.name}/{DEPLOYMENT}")
    except ObjectNotFound:
        found = None
    if found is not None and found.work_pool_name == POOL and _scheduled(found.schedules) == _scheduled(schedules):
        return _Made(found.id, found.flow_id)
    flow_id = await client.create_flow(flow)
    made = await client.create_deployment(
        flow_id,
        DEPLOYMENT,
        schedules=list(schedules),
        tags=list(tags),
        work_pool_name=POOL,
        paused=False,
        enforce_parameter_schema=False,
    )
    return _Made(made, flow_id)


def _scheduled(schedules: Sequence[Any]) -> set[tuple[str, str, str]]:
    """Schedules in a form that compares."""
    return {
        (str(one.slug), str(getattr(one.schedule, "cron", "")), str(getattr(one.schedule, "timezone", "")))
        for one in schedules
    }
