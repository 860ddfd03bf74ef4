"""The work pool of Prefect on which our flows run, and its worker, which runs them in its own warm process.

Prefect's own workers start a process or a container for each run. Ours are short and many, and need what the worker has
at hand. Of two workers one gets a run: Prefect grants the state Pending to the first that asks. A run may all the same
come twice, so that a round's mark and a case's wake-up stay the guard.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, NoReturn
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.states import Cancelled
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

_log = logging.getLogger(__name__)

#: The pool's name, and the type of it and of its workers.
POOL: Final = "spheres"
TYPE: Final = "spheres-engine"

#: How many runs a worker has at once: the rounds, one of a kind, and what was started by hand.
AT_ONCE: Final = 4
#: A look at the pool is one question to a server that answers one or two a second: it is woken, and looks rarely.
LOOK_SECONDS: Final = 5.0
BEAT_SECONDS: Final = 10
CANCELLED_LOOK_SECONDS: Final = 15.0
#: How long a run that was cancelled by hand may take to stop.
STOPPING_SECONDS: Final = 5.0

#: Runs the flow of a run that was claimed, to its end.
Begin = Callable[[FlowRun], Awaitable[object]]


class EngineResult(BaseWorkerResult):
    """That a run came to its end here; how, its state says."""


class EngineWorker(BaseWorker[BaseJobConfiguration, BaseVariables, EngineResult]):
    """The worker of our pool. Enter it as a context, then `work`; `woken` has it look at once."""

    type = TYPE
    job_configuration = BaseJobConfiguration
    job_configuration_variables = BaseVariables

    def __init__(self, name: str, begin: Begin) -> None:
        # Nothing is claimed ahead: a claim of a worker that died would wait for ever.
        super().__init__(POOL, name=name, limit=AT_ONCE, prefetch_seconds=0, heartbeat_interval_seconds=BEAT_SECONDS)
        self.begin = begin
        self.woken = asyncio.Event()
        self.running: dict[UUID, asyncio.Future[object]] = {}

    async def run(self, *_: Any, **__: Any) -> NoReturn:
        """Prefect's way to start an infrastructure. Ours has none: `_submit_run` runs the flow here."""
        raise NotImplementedError

    async def work(self, is_over: Callable[[], bool]) -> None:
        """Claim and run what is due, beat, and stop what was cancelled by hand, until `is_over`.

        Raises what Prefect's client raises where the server is gone.
        """
        await self._emit_worker_started_event()  # the base's own loop does
        loop = asyncio.get_running_loop()
        beat_at = stop_at = loop.time()
        while not is_over():
            self.woken.clear()
            await self.get_and_submit_flow_runs()
            now = loop.time()
            if now >= beat_at:
                beat_at = now + BEAT_SECONDS
                await self.sync_with_backend()
            if now >= stop_at:
                stop_at = now + CANCELLED_LOOK_SECONDS
                await self.stop_cancelled()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), LOOK_SECONDS)

    async def stop_cancelled(self) -> None:
        """Stop the runs of this worker that were cancelled by hand, and say that they are, so that their place is free.

        Prefect's own way does not stop what runs in the worker's process: such a run stays Cancelling for minutes.
        """
        if not self.running:
            return
        cancelling = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CANCELLING]))
        mine = FlowRunFilter(id=FlowRunFilterId(any_=list(self.running)), state=cancelling)
        for asked in await self.client.read_flow_runs(flow_run_filter=mine):
            running = self.running.get(asked.id)
            if running is not None:
                running.cancel()
                await asyncio.wait([running], timeout=STOPPING_SECONDS)
            await self.client.set_flow_run_state(asked.id, Cancelled(message="by_hand"), force=True)

    async def follow(self, run_id: UUID, running: Awaitable[object]) -> object:
        """Wait for what runs in this process; what it gives, or None where it was cancelled by hand meanwhile."""
        task = asyncio.ensure_future(running)
        self.running[run_id] = task
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
            self.running.pop(run_id, None)
        return None if task.cancelled() else task.result()

    def _ensure_worker_channel(self) -> None:
        super()._ensure_worker_channel()
        if self._worker_channel is not None:
            # No socket: the server prints a traceback for each that ends. It is told by plain requests instead.
            vars(self._worker_channel)["_websocket_started"] = True

    async def _get_scheduled_flow_runs(self) -> list[WorkerFlowRunResponse]:
        """What is due, as many as there are places: the base asks for 200 whole runs at each look."""
        places = int(self.limiter.available_tokens)
        if places <= 0:
            return []
        try:
            answer = await self.client.request(
                "POST",
                "/work_pools/{name}/get_scheduled_flow_runs",
                path_params={"name": POOL},
                json={"limit": places, "scheduled_before": datetime.now(UTC).isoformat()},
            )
        except ObjectNotFound:
            return []  # the pool is made with the deployments
        return WorkerFlowRunResponse.model_validate_list(answer.json())

    async def _submit_run(self, flow_run: FlowRun) -> None:
        """Claim a run and, where it is ours, run it here to its end."""
        try:
            if await self._propose_pending_state(flow_run):
                await self.follow(flow_run.id, self.begin(flow_run))
        except Exception as error:  # noqa: BLE001 - a code that fails is the flow's state: this is Prefect's trouble
            _log.warning("a run ended in trouble", extra={"error": type(error).__name__})
        finally:
            self._submitting_flow_run_ids.discard(flow_run.id)
            self._release_limit_slot(flow_run.id)
            self.woken.set()  # a place is free


async def make_pool(client: PrefectClient) -> None:
    """Make our pool where there is none: deployments name it, and Prefect refuses one that names a pool unknown."""
    template = EngineWorker.get_default_base_job_template()
    with suppress(ObjectAlreadyExists):
        await client.create_work_pool(WorkPoolCreate(name=POOL, type=TYPE, base_job_template=template))
