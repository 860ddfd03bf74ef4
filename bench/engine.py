"""From a person's change to the step that the program does by itself: the worker, with Prefect and without."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from bench.figures import Cost, Ratio, ms, table
from bench.ground import Ground, join, now
from bench.processes import module, running, wait_for
from domain.casework import complete_task, open_case, undo_task
from domain.kernel import scalar, select
from models.casework import Task

#: A person does this one; the program then enrols the worker on the Clinical Committee, and taking it back undoes that.
BY_A_PERSON = "introduce_program"
BY_ITSELF = "enrol_on_clinical_committee"
GOAL_SECONDS = 0.3


def measure(ground: Ground, folder: Path, *, again: int) -> Iterator[Ratio]:
    """With a worker of its own, and no Prefect."""
    environment = {
        "DATABASE_URL": ground.urls.app,
        "SPHERES_DATA": str(folder),
        "SPHERES_DEMO": "yes",  # letters go into a folder
        "PREFECT_API_URL": "",
        "PREFECT_HOME": str(folder / "prefect"),
    }
    with running(module("flows.worker"), environment, folder / "worker.log") as worker:
        with ground.as_admin() as admin:
            wait_for(lambda: admin.execute("select 1 from beat").fetchone() is not None, "the worker", worker)
        cost = follow(ground, again=again)
    print(
        table("5. From a change to the automatic step", ("p50", "slowest", "times"), {"without Prefect": shown(cost)})
    )
    yield Ratio("follow.automatic_plain", cost.at(50) * 1000, at_most=GOAL_SECONDS * 1000, unit="ms")


def shown(cost: Cost) -> tuple[str, str, str]:
    """One line of the table."""
    return ms(cost.at(50)), ms(cost.at(100)), str(cost.operations)


def follow(ground: Ground, *, again: int) -> Cost:
    """Complete the person's step and wait for the program's, then take it back and wait for that too."""
    at = now()
    place = ground.organizations["en-marge"]
    with ground.session() as session:
        subject = join(session, f"subject-onboarded-{at:%H%M%S%f}", "youth_worker", place, at)
        case_id = open_case(
            session, "onboarding", subject_id=subject, organization_id=place, by=ground.coordinator, at=at
        )
        session.commit()
    cost = Cost()
    for _ in range(again + 1):  # the first time, the worker reads the protocol and Prefect hears of the flow
        with ground.session() as session:
            complete_task(session, _step(ground, case_id, BY_A_PERSON), by=ground.coordinator, at=now())
            session.commit()
        begun = time.perf_counter()
        _wait(ground, case_id, "done")
        cost.seconds.append(time.perf_counter() - begun)
        time.sleep(0.3)  # the run that did it ends, and what follows from it is done
        with ground.session() as session:
            undo_task(session, _step(ground, case_id, BY_A_PERSON), by=ground.coordinator, at=now(), reason="Measure")
            session.commit()
        _wait(ground, case_id, "undone")
        time.sleep(0.3)
    cost.seconds = cost.seconds[1:]
    return cost


def _step(ground: Ground, case_id: UUID, step: str) -> UUID:
    with ground.session() as session:
        found: UUID | None = scalar(
            session,
            select(Task.id).where(Task.program_id == ground.program_id, Task.case_id == case_id, Task.step == step),
        )
    assert found is not None, step
    return found


def _wait(ground: Ground, case_id: UUID, act_state: str) -> None:
    with ground.as_admin() as admin:
        until = time.monotonic() + 60
        query = "select act_state from task where case_id = %s and step = %s"
        while (row := admin.execute(query, (case_id, BY_ITSELF)).fetchone()) is None or row[0] != act_state:
            assert time.monotonic() < until, f"the step is {row and row[0]} and not {act_state}"
            time.sleep(0.002)
