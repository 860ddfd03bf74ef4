"""The timed rounds: what each does, when it is due, and how Prefect schedules it.

Prefect's schedule is a hint. A round asks the database what is due since it was last done, so a lost, late or double
run changes nothing. Where Prefect does not start one in time, the worker does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Any, Final
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound
from prefect.flow_engine import run_flow_async
from prefect.states import Cancelled, Completed, Failed

from domain.kernel import scalars, select
from flows import (
    agreement_ends,
    beginnings,
    contacts,
    endorsements,
    gatherings,
    incoming,
    obligations,
    reminders,
    retention,
    sealing,
    sweep,
)
from flows.engine import Means, code_of, programs
from flows.marks import due_everywhere, mark_of
from flows.turns import Round
from models.program import Program

_log = logging.getLogger(__name__)

#: The zone of schedules that follow no program's own.
ZONE: Final = "America/Toronto"

#: The name of each round's deployment.
DEPLOYMENT: Final = "spheres"


ROUNDS: Final[Mapping[str, Round]] = {
    one.key: one
    for one in (
        reminders.remind,
        beginnings.begin,
        obligations.judge,
        endorsements.ask,
        agreement_ends.warn,
        sealing.mail_heads,
        contacts.look,
        retention.look,
        gatherings.gather,
        incoming.take_in,
        sweep.sweep,
    )
}
"""The rounds by their keys."""


def run_round(means: Means, key: str, ran_by: str) -> int:
    """Do a round in every program. Blocks; run it in a thread.

    A failure in one program does not hold up the others; the first error is raised at the end.
    """
    found, failed = 0, None
    for program_id in programs(means):
        try:
            found += ROUNDS[key](means, program_id, ran_by)
        except Exception as error:  # noqa: BLE001 - raised below, once every program had its turn
            _log.warning(
                "a round failed in a program", extra={"part": key, "program": program_id, "error": type(error).__name__}
            )
            failed = failed or error
    if failed is not None:
        raise failed
    return found


def is_overdue(means: Means, key: str) -> bool:
    """Whether a round was due in some program for longer than its patience, and was not done."""
    asked = ROUNDS[key]
    if not asked.is_needed(means):
        return False
    then = means.clock() - asked.patience
    for program_id in programs(means):
        with means.sessions(program_id) as session:
            due = asked.due_at(session, then)
            done = mark_of(session, key)
            if due is not None and (done is None or done < due):
                return True
    return False


# ------------------------------------------------------------------------------------------------------ Prefect's part

#: With this a round that Prefect starts finds its means, in the context that called it.
_means: ContextVar[Means] = ContextVar("means")


@cache
def round_flow(key: str) -> Flow[[], Any]:
    """The Prefect flow of a round. It has no parameters, and its state tells nothing but a count or a code."""

    async def rounded() -> State[None]:
        means = _means.get(None)
        if means is None:
            return Failed(name="Trouble", message="no_means")
        try:
            found = await asyncio.to_thread(run_round, means, key, "prefect")
        except Exception as error:  # noqa: BLE001 - Prefect keeps the text of what it sees: it sees a code
            return Failed(name="Trouble", message=code_of(error))
        return Completed(name="Done", message=str(found))

    return Flow(rounded, name=key, persist_result=False, validate_parameters=False)


async def register(client: PrefectClient, means: Means) -> Mapping[UUID, str]:
    """Deploy every round that is needed with its schedules; returns the rounds' keys by deployment.

    A deployment that is right already is left alone: changing a schedule throws away the runs that it had planned.
    """
    zones = await asyncio.to_thread(_zones, means)
    deployed: dict[UUID, str] = {}
    for key, declared in ROUNDS.items():
        if not declared.is_needed(means):
            continue
        schedules = _schedules(declared, [ZONE] if declared.due is due_everywhere else zones)
        try:
            found = await client.read_deployment_by_name(f"{key}/{DEPLOYMENT}")
        except ObjectNotFound:
            found = None
        if found is not None and {(s.slug, _words(s.schedule)) for s in found.schedules} == {
            (s.slug, _words(s.schedule)) for s in schedules
        }:
            deployed[found.id] = key
            continue
        flow_id = await client.create_flow(round_flow(key))
        made = await client.create_deployment(flow_id, DEPLOYMENT, schedules=schedules, paused=False)
        deployed[made] = key
    return deployed


async def start_due(client: PrefectClient, means: Means, deployed: Mapping[UUID, str]) -> int:
    """Run in this process the rounds that Prefect has scheduled and that are due; returns how many.

    Of several runs of one round that piled up only the last is run: it does what all of them would.
    """
    runs = await client.get_scheduled_flow_runs_for_deployments(list(deployed), scheduled_before=means.clock())
    started = 0
    for deployment_id, key in deployed.items():
        mine = sorted((run for run in runs if run.deployment_id == deployment_id), key=_planned_at)
        for passed in mine[:-1]:
            await client.set_flow_run_state(
                passed.id, Cancelled(name="Skipped", message="a later run stands for it"), force=True
            )
        for run in mine[-1:]:
            token = _means.set(means)
            try:
                await run_flow_async(round_flow(key), flow_run=run, parameters={}, return_type="state")
            finally:
                _means.reset(token)
            started += 1
    return started


def _planned_at(run: FlowRun) -> float:
    moment = run.next_scheduled_start_time or run.expected_start_time
    return moment.timestamp() if moment else 0.0


def _zones(means: Means) -> Sequence[str]:
    with means.open_sessions() as session:
        return sorted({ZONE, *scalars(session, select(Program.time_zone))})


def _schedules(declared: Round, zones: Sequence[str]) -> list[DeploymentScheduleCreate]:
    """One schedule a zone, each with a slug: one without would make the next deployment wipe the others."""
    return [
        DeploymentScheduleCreate(
            slug=f"{declared.key}-{zone.lower().replace('/', '-').replace('_', '-')}",
            schedule=CronSchedule(cron=declared.cron, timezone=zone),
            active=True,
        )
        for zone in zones
    ]


def _words(schedule: object) -> tuple[str, str]:
    """A schedule in a form that compares."""
    return str(getattr(schedule, "cron", "")), str(getattr(schedule, "timezone", ""))
