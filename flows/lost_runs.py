"""Ends the runs that Prefect believes to be under way and are not: their worker is gone, or could not report the end.

Our database knows which workers live. What such a run was at is found again there: a case by its lease, a round by its
mark. So that no state of Prefect's is asked, only put right.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Crashed

from domain.casework import living
from domain.kernel import scalars, select
from flows.deployments import DEPLOYMENT, WORKER
from flows.engine import Means
from models.engine import Beat

#: A run that got its state more lately than this is left alone: its worker may not have given its first sign of life.
PATIENCE: Final = timedelta(seconds=45)
#: And one of this very worker, which may just begin or end it; clocks differ.
OWN_PATIENCE: Final = timedelta(minutes=3)
#: A state that lies further ahead was set before a clock was put back, and is no fresh one.
AHEAD: Final = timedelta(hours=1)
#: The code of a run that was ended so.
CODE: Final = "worker_gone"
MOST: Final = 200

_UNDER_WAY: Final = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


async def end_lost_runs(
    client: PrefectClient, *, me: str, mine: Collection[UUID], alive: Collection[str], at: datetime
) -> int:
    """End as Crashed what no living worker runs; how many. `mine` is what the worker named `me` has in hand."""
    found = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNDER_WAY))),
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[DEPLOYMENT])),
        limit=MOST,
    )
    lost = [run for run in found if run.id not in mine and _is_lost(run, me, alive, at)]
    for run in lost:
        await client.set_flow_run_state(run.id, Crashed(message=CODE), force=True)
    return len(lost)


def _is_lost(run: FlowRun, me: str, alive: Collection[str], at: datetime) -> bool:
    """Whether no worker that lives has it. One without a name was claimed by a worker that died at once."""
    workers = {tag.removeprefix(WORKER) for tag in run.tags if tag.startswith(WORKER)}
    if run.state is None:
        return False
    age = at - run.state.timestamp
    if -AHEAD < age < (OWN_PATIENCE if me in workers else PATIENCE):
        return False
    return not workers & (set(alive) - {me})


def living_workers(means: Means) -> set[str]:
    """The names of the workers that gave a sign of life lately."""
    with means.open_sessions() as session:
        return set(scalars(session, select(Beat.process).where(*living(means.clock()))))
