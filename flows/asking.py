"""How a run asks Prefect's server: without the questions whose answers are at hand.

Its server takes some ten milliseconds a request, and Prefect asks two of each run that tell us nothing: they are half
of what a person would wait for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.context import AsyncClientContext
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL

#: What Prefect notes of each run that begins, of a flow that has neither versions nor retries.
_SAYS_NOTHING = frozenset({"flow_version", "empirical_policy"})


class RunClient(PrefectClient):
    """The client of a worker. Of a run that it has at hand it reads nothing anew, and notes nothing that is empty."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at_hand: dict[UUID, FlowRun] = {}

    @contextmanager
    def holding(self, run: FlowRun) -> Iterator[None]:
        """Have this run at hand inside the block: Prefect's engine writes each new state into it."""
        self._at_hand[run.id] = run
        try:
            yield
        finally:
            del self._at_hand[run.id]

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
    """One client for all that is asked inside the block: a run that begins there opens no connection of its own."""
    context = AsyncClientContext()
    context.client = client = RunClient(PREFECT_API_URL.value(), auth_string=PREFECT_API_AUTH_STRING.value())
    async with context:
        yield client
