"""The timed rounds: what each does, when it is due, and how Prefect schedules it.

Prefect's schedule is a hint. A round asks the database what is due since it was last done, so a lost, late or double
run changes nothing. Where Prefect does not start one in time, the worker does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from prefect import Flow
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import State
from prefect.client.schemas.schedules import CronSchedule
from prefect.states import Completed

from flows.ends import ended_in_trouble
from flows.engine import Means, at_hand, code_of, programs
from flows.marks import due_everywhere, is_done, mark_of
from flows.timetable import ROUNDS as ROUNDS  # noqa: PLC0414 - the engine finds them here
from flows.told import told
from flows.turns import Asked, Round, Stopped, never

_log = logging.getLogger(__name__)

#: The zone of schedules that follow no program's own.
EVERYWHERE: Final = "UTC"


def run_round(means: Means, key: str, ran_by: str, stopped: Asked = never) -> int:
    """Do a round in every program. Blocks; run it in a thread, which begins no other part once it is `stopped`.

    A failure in one program does not hold up the others; the first error is raised at the end.
    """
    found, failed = 0, None
    for program_id in programs(means):
        try:
            here = ROUNDS[key](means, program_id, ran_by, stopped)
            found += here
            told.info("a round was done in a program", extra={"program": program_id, "count": here})
        except Stopped:
            break
        except Exception as error:  # noqa: BLE001 - raised below, once every program had its turn
            _log.warning(
                "a round failed in a program", extra={"part": key, "program": program_id, "error": type(error).__name__}
            )
            told.warning("a round failed in a program", extra={"program": program_id, "code": code_of(error)})
            failed = failed or error
    if failed is not None:
        raise failed
    return found


def is_overdue(means: Means, key: str) -> bool:
    """Whether a round was due in some program for longer than its patience, and was not done."""
    asked = ROUNDS[key]
    if not asked.is_needed(means):
        return False
    at = means.clock()
    then = at - asked.patience
    for program_id in programs(means):
        with means.sessions(program_id) as session:
            due = asked.due_at(session, then)
            if due is not None and not is_done(mark_of(session, key), due, at):
                return True
    return False


# ------------------------------------------------------------------------------------------------------ Prefect's part


@cache
def round_flow(key: str) -> Flow[[], Any]:
    """The Prefect flow of a round. It has no parameters, and its state tells nothing but a count or a code."""

    async def rounded() -> State[None]:
        means = at_hand.get(None)
        if means is None:
            return ended_in_trouble("no_means")
        stopped = threading.Event()
        try:
            found = await asyncio.to_thread(run_round, means, key, "prefect", stopped.is_set)
        except asyncio.CancelledError:
            stopped.set()  # the thread ends the part that it is at, and begins no other
            raise
        except Exception as error:  # noqa: BLE001 - Prefect keeps the text of what it sees: it sees a code
            return ended_in_trouble(code_of(error))
        return Completed(name="Done", message=str(found))

    return Flow(rounded, name=key, persist_result=False, validate_parameters=False)


def schedules_of(declared: Round, zones: Sequence[str]) -> list[DeploymentScheduleCreate]:
    """One schedule a zone, each with a slug: one without would make the next deployment wipe the others.

    One that is due at the same moment everywhere has a single schedule.
    """
    return [
        DeploymentScheduleCreate(
            slug=f"{declared.key}-{zone.lower().replace('/', '-').replace('_', '-')}",
            schedule=CronSchedule(cron=declared.cron, timezone=zone),
            active=True,
        )
        for zone in ([EVERYWHERE] if declared.due is due_everywhere else zones)
    ]
