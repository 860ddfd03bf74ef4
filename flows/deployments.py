"""What Prefect knows of us: a pool, the rounds on it with their schedules, and a deployment for each protocol.

Registering again changes nothing, so that a server with an empty database has all of it again within seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from prefect import Flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.flow_engine import run_flow_async

from domain.kernel import scalars, select
from flows.asking import RunClient
from flows.carry import protocol_flow
from flows.ends import ended_in_trouble
from flows.engine import Means, at_hand
from flows.pool import POOL, make_pool
from flows.protocols import PROTOCOLS
from flows.rounds import EVERYWHERE, ROUNDS, round_flow, schedules_of
from models.program import Program

_log = logging.getLogger(__name__)

#: The name of each deployment, after its flow's.
DEPLOYMENT: Final = "spheres"
#: Clocks of two machines that differ by more are no clocks.
MOST_EARLY: Final = timedelta(minutes=2)
#: The parameter of a protocol's flow.
CASE_ID: Final = "case_id"
#: What may be typed by hand to start a protocol, and for a round nothing: Prefect keeps all that it takes.
OF_A_CASE: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        CASE_ID: {
            "type": "string",
            "title": CASE_ID,
            "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
            "position": 0,
        }
    },
    "required": [CASE_ID],
    "additionalProperties": False,
}
OF_A_ROUND: Final[Mapping[str, Any]] = {"type": "object", "properties": {}, "additionalProperties": False}
#: Before the name of the worker, in the tag of each run that one has in hand.
WORKER: Final = "worker:"
#: The code of a run of a flow that is none of ours, or no longer.
UNKNOWN_FLOW: Final = "flow.unknown"
MOST: Final = 200

#: The flow of a deployment and its schedules: what must be there.
_Registered = tuple[UUID, frozenset[tuple[str, str, str]]]


@dataclass(frozen=True)
class Deployed:
    """What was registered: the flows by their ids, and the deployment of each protocol by its key.

    `zones` are those of the programs, by which the rounds were scheduled.
    """

    flows: Mapping[UUID, Flow[..., Any]]
    protocols: Mapping[str, UUID]
    zones: Sequence[str]
    registered: Collection[_Registered] = ()

    async def begin(self, client: RunClient, run: FlowRun, means: Means, worker: str) -> object:
        """Run the flow of a run that was claimed. What is typed by hand beside a case's id is left out."""
        at_hand.set(means)
        await _until_it_is_due(run, means)
        flow = self.flows.get(run.flow_id)
        if flow is None:
            return await client.set_flow_run_state(run.id, ended_in_trouble(UNKNOWN_FLOW), force=True)
        try:
            name = f"{flow.name} {self._when(run)}"
            await client.update_flow_run(run.id, name=name, tags=[*run.tags, f"{WORKER}{worker}"])
        except Exception as error:  # noqa: BLE001 - without its name and tag it is done all the same
            _log.warning("a run gets no name", extra={"error": type(error).__name__})
        is_case = flow.name in self.protocols
        parameters = {CASE_ID: str((run.parameters or {}).get(CASE_ID, ""))} if is_case else {}
        with client.holding(run):
            return await run_flow_async(flow, flow_run=run, parameters=parameters, return_type="state")

    def _when(self, run: FlowRun) -> str:
        """When a run was due, as the programs' clocks show it where they show the same."""
        zone = self.zones[0] if len(self.zones) == 1 else EVERYWHERE
        due = run.expected_start_time
        return f"{due.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}{'' if zone != EVERYWHERE else ' UTC'}" if due else ""

    async def stands(self, client: PrefectClient, means: Means) -> bool:
        """Whether all of it is there still, and scheduled by the programs' zones as they are now."""
        if await asyncio.to_thread(zones_of, means) != self.zones:
            return False
        return {_registered(one) for one in await _ours(client)} >= set(self.registered)


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
    names = {flow.id: flow.name for flow in await client.read_flows(limit=MOST)}
    there = {names.get(one.flow_id, ""): one for one in await _ours(client)}
    flows: dict[UUID, Flow[..., Any]] = {}
    protocols: dict[str, UUID] = {}
    registered: set[_Registered] = set()
    for one in _wanted(means, zones):
        made = await _deploy(client, one, there.pop(one.flow.name, None))
        flows[made.flow_id] = one.flow
        registered.add((made.flow_id, _scheduled(one.schedules)))
        if one.flow.name in PROTOCOLS:
            protocols[one.flow.name] = made.id
    for name, left in there.items():
        if name in ROUNDS:  # one that these means do not need
            await client.delete_deployment(left.id)
    return Deployed(flows, protocols, zones, registered)


def zones_of(means: Means) -> Sequence[str]:
    """The time zones of the programs, each once."""
    with means.open_sessions() as session:
        return sorted(set(scalars(session, select(Program.time_zone))))


@dataclass(frozen=True)
class _Wanted:
    flow: Flow[..., Any]
    tags: Sequence[str]
    typed: Mapping[str, Any]
    schedules: Sequence[DeploymentScheduleCreate] = ()


@dataclass(frozen=True)
class _Made:
    id: UUID
    flow_id: UUID


def _wanted(means: Means, zones: Sequence[str]) -> Iterator[_Wanted]:
    for key, declared in ROUNDS.items():
        if declared.is_needed(means):
            yield _Wanted(round_flow(key), ["round"], OF_A_ROUND, schedules_of(declared, zones))
    for key in PROTOCOLS:
        yield _Wanted(protocol_flow(key), ["protocol", f"protocol:{key}"], OF_A_CASE)


async def _ours(client: PrefectClient) -> list[DeploymentResponse]:
    """Our deployments on our pool."""
    ours = DeploymentFilter(name=DeploymentFilterName(any_=[DEPLOYMENT]))
    found = await client.read_deployments(deployment_filter=ours, limit=MOST)
    return [one for one in found if one.work_pool_name == POOL]


async def _deploy(client: PrefectClient, wanted: _Wanted, found: DeploymentResponse | None) -> _Made:
    """A deployment that is right already is left alone: changing a schedule throws away the runs that it planned."""
    if (
        found is not None
        and _scheduled(found.schedules) == _scheduled(wanted.schedules)
        and found.parameter_openapi_schema == wanted.typed
    ):
        return _Made(found.id, found.flow_id)
    flow_id = await client.create_flow(wanted.flow)
    made = await client.create_deployment(
        flow_id,
        DEPLOYMENT,
        schedules=list(wanted.schedules),
        tags=list(wanted.tags),
        work_pool_name=POOL,
        paused=False,
        parameter_openapi_schema=dict(wanted.typed),
        enforce_parameter_schema=True,
    )
    return _Made(made, flow_id)


def _registered(one: DeploymentResponse) -> _Registered:
    return one.flow_id, _scheduled(one.schedules)


def _scheduled(schedules: Sequence[Any]) -> frozenset[tuple[str, str, str]]:
    """Schedules in a form that compares."""
    return frozenset(
        (str(one.slug), str(getattr(one.schedule, "cron", "")), str(getattr(one.schedule, "timezone", "")))
        for one in schedules
    )
