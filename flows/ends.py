"""How a run ends that could not do what it was to do: its state tells the code, on every list of runs."""

from __future__ import annotations

from prefect.client.schemas.objects import State
from prefect.states import Failed


def ended_in_trouble(code: str) -> State[None]:
    """The state of such a run. A code is all that Prefect is told of an error."""
    return Failed(name=f"Trouble ({code})", message=code)
