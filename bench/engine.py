"""From a person's change to the step that the program does by itself: the worker, with Prefect and without."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Final
from uuid import UUID

from adapters import engine_settings
from bench.figures import Cost, Ratio, cpu_of, memory_of, ms, table
from bench.ground import Ground, join, now
from bench.processes import free_port, module, running, serves, wait_for
from domain.casework import complete_task, open_case, undo_task
from domain.kernel import scalar, select
from models.casework import Task

#: A person does this one; the program then enrols the worker on the Clinical Committee, and taking it back undoes that.
BY_A_PERSON: Final = "introduce_program"
BY_ITSELF: Final = "enrol_on_clinical_committee"
GOAL_SECONDS: Final = 0.3
GOAL_SLOWEST_SECONDS: Final = 1.0
#: With so many at once none may wait longer than this for its effect.
AT_ONCE: Final = 8
GOAL_AT_ONCE_SECONDS: Final = 1.5
#: Of the worker and the engine's server together.
GOAL_IDLE: Final = 0.04
GOAL_MEMORY: Final = 300 * 1024 * 1024
#: After a rush the server still writes down what it was told of.
CALM_SECONDS: Final = 20.0
#: A new program's first rounds are made up for within this: they open cases, which are no part of what is measured.
FIRST_ROUNDS_SECONDS: Final = 70.0
_CALM: Final = """
    select 1 where not exists (select from wake_up where want > have)
    and not exists (select from notice where state = 'queued' and next_attempt_at <= now())
"""


def measure(ground: Ground, folder: Path, *, again: int, idle_seconds: float = 60.0) -> Iterator[Ratio]:
    """With a worker of its own: plainly, then by Prefect one at a time, eight at once, and with nothing to do."""
    with working(ground, folder, "", ""):
        plain = follow(ground, again=again)
    yield Ratio("follow.automatic_plain", plain.at(50) * 1000, at_most=GOAL_SECONDS * 1000, unit="ms")
    with ExitStack() as stack:
        server, url, word = stack.enter_context(served(ground, folder))
        worker = stack.enter_context(working(ground, folder, url, word))
        _wait_until_it_is_worked(ground, worker)
        _wait_until_it_is_calm(ground, worker, min(FIRST_ROUNDS_SECONDS, idle_seconds * 2))
        follow(ground, again=1)
        one = follow(ground, again=again)
        by_prefect = _share_by_prefect(ground)
        many = follow_at_once(ground, again=max(1, again // 3))
        processes = [worker.pid, server.pid]
        time.sleep(min(CALM_SECONDS, idle_seconds))
        idle, memory = idle_of(processes, idle_seconds), memory_of(processes)
    shown_at_once = (*shown(many), f"{_share_by_prefect(ground):.0%}")
    print(
        table(
            "5. From a change to the automatic step",
            ("p50", "p99", "slowest", "times", "by Prefect"),
            {
                "without Prefect": (*shown(plain), "0%"),
                "with it, one at a time": (*shown(one), f"{by_prefect:.0%}"),
                f"with it, {AT_ONCE} at once": shown_at_once,
            },
        )
    )
    yield Ratio("follow.by_prefect_p50", one.at(50) * 1000, at_most=GOAL_SECONDS * 1000, unit="ms")
    yield Ratio("follow.by_prefect_p99", one.at(99) * 1000, at_most=GOAL_SLOWEST_SECONDS * 1000, unit="ms")
    yield Ratio("follow.at_once_slowest", many.at(100) * 1000, at_most=GOAL_AT_ONCE_SECONDS * 1000, unit="ms")
    yield Ratio("follow.idle_cpu", idle * 100, at_most=GOAL_IDLE * 100, unit="% of a core")
    yield Ratio("follow.memory", memory / 1024**2, at_most=GOAL_MEMORY / 1024**2, unit="MB")


@contextmanager
def served(ground: Ground, folder: Path) -> Iterator[tuple[Popen[bytes], str, str]]:
    """Prefect's server as `spheres up` starts it: its process, its address and its word."""
    port, word, home = free_port(), f"spheres:{secrets.token_urlsafe(16)}", folder / "prefect"
    home.mkdir(exist_ok=True)
    url = f"http://127.0.0.1:{port}/api"
    environment = engine_settings.server_settings("127.0.0.1", port, ground.urls.prefect, home, word)
    with running(
        module("api.cli.engine_server", "127.0.0.1", str(port)), environment, folder / "prefect.log"
    ) as server:
        wait_for(serves(f"{url}/health"), "Prefect's server", server)
        yield server, url, word


@contextmanager
def working(ground: Ground, folder: Path, url: str, word: str) -> Iterator[Popen[bytes]]:
    """A worker of Prefect's server at this address; without one, it works plainly."""
    environment = {
        **engine_settings.client_settings(url, folder / "prefect", word),
        "DATABASE_URL": ground.urls.app,
        "SPHERES_DATA": str(folder),
        "SPHERES_DEMO": "yes",  # letters go into a folder
        "MALLOC_ARENA_MAX": "1",  # as `spheres up` has it
    }
    with running(module("flows.worker"), environment, folder / "worker.log") as worker:
        with ground.as_admin() as admin:
            wait_for(lambda: admin.execute("select 1 from beat").fetchone() is not None, "the worker", worker)
        yield worker


def _wait_until_it_is_worked(ground: Ground, worker: Popen[bytes]) -> None:
    with ground.as_admin() as admin:
        wait_for(lambda: admin.execute("select 1 from beat where prefect_up").fetchone() is not None, "Prefect", worker)


def _wait_until_it_is_calm(ground: Ground, worker: Popen[bytes], seconds: float) -> None:
    """Let the first rounds be done, the cases that they open be carried, and their letters be sent."""
    time.sleep(seconds)
    with ground.as_admin() as admin:
        wait_for(lambda: admin.execute(_CALM).fetchone() is not None, "calm", worker, every=1.0)


def idle_of(processes: Sequence[int], seconds: float) -> float:
    """What part of a core these use while nothing is asked of them."""
    used, begun = cpu_of(processes), time.perf_counter()
    time.sleep(seconds)
    return (cpu_of(processes) - used) / (time.perf_counter() - begun)


def shown(cost: Cost) -> tuple[str, str, str, str]:
    """One line of the table."""
    return ms(cost.at(50)), ms(cost.at(99)), ms(cost.at(100)), str(cost.operations)


def follow(ground: Ground, *, again: int) -> Cost:
    """Complete the person's step and wait for the program's, then take it back and wait for that too."""
    (case,) = _open(ground, 1)
    cost = Cost()
    for _ in range(again + 1):  # the first time, the worker reads the protocol and Prefect hears of the flow
        cost.seconds.append(_introduce(ground, [case])[0])
        time.sleep(0.3)  # the run that did it ends, and what follows from it is done
        _take_back(ground, [case])
        time.sleep(0.3)
    cost.seconds = cost.seconds[1:]
    return cost


def follow_at_once(ground: Ground, *, again: int) -> Cost:
    """The same of several cases that change at one moment: how long each waits."""
    cases = _open(ground, AT_ONCE)
    cost = Cost()
    for _ in range(again + 1):
        cost.seconds += _introduce(ground, cases)
        time.sleep(3.0)
        _take_back(ground, cases)
        time.sleep(3.0)
    cost.seconds = cost.seconds[len(cases) :]
    return cost


@dataclass(frozen=True)
class _Case:
    id: UUID
    by_a_person: UUID
    by_itself: UUID


def _open(ground: Ground, many: int) -> list[_Case]:
    at = now()
    place = ground.organizations["en-marge"]
    with ground.session() as session:
        opened = []
        for n in range(many):
            subject = join(session, f"subject-onboarded-{n}-{at:%H%M%S%f}", "youth_worker", place, at)
            opened.append(
                open_case(
                    session, "onboarding", subject_id=subject, organization_id=place, by=ground.coordinator, at=at
                )
            )
        session.commit()
    return [_Case(one, _step(ground, one, BY_A_PERSON), _step(ground, one, BY_ITSELF)) for one in opened]


def _introduce(ground: Ground, cases: Sequence[_Case]) -> list[float]:
    """Complete the person's step of each, and wait: the seconds from each one's change to its effect."""
    begun = {}
    for case in cases:
        with ground.session() as session:
            complete_task(session, case.by_a_person, by=ground.coordinator, at=now())
            session.commit()
        begun[case.by_itself] = time.perf_counter()
    ended = _wait(ground, list(begun), "done")
    return [ended[task] - begun[task] for task in begun]


def _take_back(ground: Ground, cases: Sequence[_Case]) -> None:
    for case in cases:
        with ground.session() as session:
            undo_task(session, case.by_a_person, by=ground.coordinator, at=now(), reason="Measure")
            session.commit()
    _wait(ground, [case.by_itself for case in cases], "undone")


def _step(ground: Ground, case_id: UUID, step: str) -> UUID:
    with ground.session() as session:
        found: UUID | None = scalar(
            session,
            select(Task.id).where(Task.program_id == ground.program_id, Task.case_id == case_id, Task.step == step),
        )
    assert found is not None, step
    return found


def _wait(ground: Ground, tasks: Sequence[UUID], act_state: str) -> dict[UUID, float]:
    """When each of these tasks was seen in a state of its act."""
    seen: dict[UUID, float] = {}
    with ground.as_admin() as admin:
        until = time.monotonic() + 60
        query = "select id from task where id = any(%s) and act_state = %s"
        while len(seen) < len(tasks):
            left = [task for task in tasks if task not in seen]
            for (task,) in admin.execute(query, (left, act_state)).fetchall():
                seen[task] = time.perf_counter()
            assert time.monotonic() < until, f"{len(left)} of the steps are not {act_state}"
            time.sleep(0.002)
    return seen


def _share_by_prefect(ground: Ground) -> float:
    """Which part of the last runs Prefect shows: the others were carried plainly."""
    with ground.as_admin() as admin:
        row = admin.execute(
            "select avg((flow_run_id is not null)::int) from (select flow_run_id from engine_run "
            "order by ended_at desc limit 30) as lately"
        ).fetchone()
    return float(row[0] or 0) if row else 0.0
