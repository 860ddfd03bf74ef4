"""What Prefect's server does by itself with our runs: the run of a worker that died does not stay Running.

Everything else that people must hear of is found in our own database, which is there where Prefect is not: a round
that failed, a worker that gives no sign of life.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows.pool import HEARTBEAT

#: Three signs of life, which come each half minute, may be missed.
SILENT_FOR: Final = timedelta(seconds=90)

LOST: Final = "A run whose worker is gone is ended"
#: The code of such a run.
LOST_CODE: Final = "lost_heartbeat"

_RUNS: Final = ResourceSpecification(root={"prefect.resource.id": "prefect.flow-run.*"})

AUTOMATIONS: Final = (
    AutomationCore(
        name=LOST,
        description=f"No sign of life for {int(SILENT_FOR.total_seconds())} seconds; the case goes to another worker.",
        trigger=EventTrigger(
            after={HEARTBEAT},
            # Whatever a run does is a sign of life, or its end: the event of an end bears the name of the state.
            expect={"prefect.flow-run.*"},
            match=_RUNS,
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENT_FOR,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, name="Crashed", message=LOST_CODE)],
    ),
)


async def make_automations(client: PrefectClient) -> None:
    """Make each that is not there, by its name: one that an operator changed or switched off is left alone."""
    there = {one.name for one in await client.read_automations()}
    for one in AUTOMATIONS:
        if one.name not in there:
            await client.create_automation(one)
            # Another worker may have looked at the same moment: both then keep the same one.
            made = await client.read_automations_by_name(one.name)
            for twice in sorted(found.id for found in made)[1:]:
                await client.delete_automation(twice)
