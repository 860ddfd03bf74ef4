"""How a run asks Prefect's server: without the questions whose answers are at hand.

Its server takes some ten milliseconds a request, and Prefect asks two of each run that tell us nothing: they are half
of what a person would wait for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import OrchestrationResult
from prefect.context import AsyncClientContext
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    temporary_settings,
)
from prefect.states import Cancelled

#: How long an answer may take that no person waits for.
PATIENT_SECONDS: Final = 30.0
#: The code of a run that an operator cancelled.
BY_HAND: Final = "by_hand"
#: What Prefect notes of each run that begins, of a flow that has neither versions nor retries.
_SAYS_NOTHING: Final = frozenset({"flow_version", "empirical_policy"})


class RunClient(PrefectClient):
    """The client of a worker. Of a run that it has at hand it reads nothing anew, and notes nothing that is empty."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at_hand: dict[UUID, FlowRun] = {}
        self._stopped: dict[UUID, bool] = {}

    @contextmanager
    def holding(self, run: FlowRun) -> Iterator[None]:
        """Have this run at hand inside the block: Prefect's engine writes each new state into it."""
        self._at_hand[run.id] = run
        try:
            yield
        finally:
            del self._at_hand[run.id]

    @asynccontextmanager
    async def stopping(self, run_id: UUID) -> AsyncIterator[None]:
        """Have a run end as cancelled by hand, that is stopped inside the block.

        Prefect's engine would say of one that it crashed; of one that does not end in time it says nothing.
        """
        self._stopped[run_id] = False
        try:
            yield
            if not self._stopped[run_id]:
                await self.set_flow_run_state(run_id, Cancelled(message=BY_HAND), force=True)
        finally:
            del self._stopped[run_id]

    async def set_flow_run_state(
        self, flow_run_id: UUID | str, state: State[Any], force: bool = False
    ) -> OrchestrationResult[Any]:
        """Set a run's state: where it is being stopped, that it was cancelled by hand."""
        run_id = UUID(str(flow_run_id))
        if run_id in self._stopped:
            self._stopped[run_id], state, force = True, Cancelled(message=BY_HAND), True
        return await super().set_flow_run_state(run_id, state, force=force)

    async def read_flow_run(self, flow_run_id: UUID) -> FlowRun:
        """The run as it is at hand, else as the server has it."""
        return self._at_hand.get(flow_run_id) or await super().read_flow_run(flow_run_id)

    async def update_flow_run(self, flow_run_id: UUID, *args: Any, **changes: Any) -> httpx.Response:
        """Change a run, but where that would note nothing."""
        if not args and flow_run_id in self._at_hand and changes.keys() <= _SAYS_NOTHING:
            return httpx.Response(HTTPStatus.NO_CONTENT)
        return await super().update_flow_run(flow_run_id, *args, **changes)


@asynccontextmanager
async def asking() -> AsyncIterator[RunClient]:
    """One client for all that is asked inside the block: a run that begins there opens no connection of its own.

    Nor does it give signs of life from a thread of its own: most are over before the first arrives, and the server then
    waits for another. The worker gives them for those that last.
    """
    context = AsyncClientContext()
    context.client = client = RunClient(PREFECT_API_URL.value(), auth_string=PREFECT_API_AUTH_STRING.value())
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        async with context:
            yield client


@asynccontextmanager
async def asking_patiently() -> AsyncIterator[PrefectClient]:
    """A client for what no person waits for, such as registering: a server that is busy answers in its own time."""
    settings = {"timeout": httpx.Timeout(PATIENT_SECONDS)}
    word = PREFECT_API_AUTH_STRING.value()
    async with PrefectClient(PREFECT_API_URL.value(), auth_string=word, httpx_settings=settings) as client:
        yield client
