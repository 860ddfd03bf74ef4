"""The worker itself, and a real Prefect server beside it: what happens when one of them dies, and how fast it goes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prefect.client.orchestration import get_client
from sqlalchemy import select, text, update

from adapters.addresses import conninfo_of
from adapters.engine_settings import CLIENT
from domain.casework import wakeups
from flows import incoming, rounds
from flows import worker as workers
from flows.by_prefect import ByPrefect
from flows.deployments import CASE_ID, Deployed, register
from flows.engine import Means
from flows.marks import due_everywhere
from flows.pool import POOL
from flows.rounds import run_round
from flows.worker import Worker
from models.base import table_of
from models.engine import Beat, EngineRun, RoundMark, WakeUp
from tests.api.application import ADDRESS, client_for
from tests.casework import WHOLE_ONBOARDING, approve, complete, open_onboarding, steps
from tests.cast import AT, Cast
from tests.fakes.ledger import on_disk
from tests.flows.prefect_server import PrefectServer, free_port, prefect_server
from tests.flows.support import (
    SOON_SECONDS,
    Clock,
    Mailbag,
    carry_all,
    case,
    eventually,
    letters,
    means_of,
    seats,
    task,
    told,
    within,
)
from tests.flows.worker_process import CANARY

__all__ = ["prefect_server"]

_run = table_of(EngineRun)
_wake = table_of(WakeUp)
_beat = table_of(Beat)
_mark = table_of(RoundMark)


def now() -> datetime:
    return datetime.now(UTC)


def introduced(cast: Cast, worker: str = "worker_em", organization: str = "en-marge") -> UUID:
    case_id = open_onboarding(cast, worker, organization, at=now())
    complete(cast, case_id, "introduce_program", at=now())
    return case_id


def is_done(cast: Cast, case_id: UUID, name: str = "send_contact_lists") -> bool:
    return bool(task(cast, case_id, name)["state"] == "done")


def runs(cast: Cast, case_id: UUID) -> list[Any]:
    with cast.session() as session:
        return list(session.execute(select(_run).where(_run.c.case_id == case_id).order_by(_run.c.ended_at)).all())


def all_quiet(cast: Cast) -> bool:
    with cast.session() as session:
        return not session.execute(select(_wake.c.case_id).where(_wake.c.want > _wake.c.have)).all()


# ----------------------------------------------------------------------------- inside this process, without Prefect


@pytest.mark.ci
def test_a_change_is_heard_and_carried_and_its_letters_leave(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "LOOK_AGAIN_SECONDS", SOON_SECONDS * 2.0)
    bag = Mailbag()
    means = means_of(cast, now, bag)

    def body(_: Worker) -> None:
        case_id = introduced(cast)
        eventually(lambda: is_done(cast, case_id))
        eventually(lambda: any(to == "worker.em@en-marge.example" for to, _ in bag.sent))
        eventually(lambda: all_quiet(cast))

    within(cast, means, body)
    assert len(seats(cast, "worker_em")) == 1


@pytest.mark.ci
def test_a_change_made_while_the_case_is_in_hand_does_not_wait_for_the_next_look(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "LOOK_AGAIN_SECONDS", SOON_SECONDS * 2.0)
    means = means_of(cast, now)
    slow = _slowly(monkeypatch, 0.5)

    def body(_: Worker) -> None:
        case_id = introduced(cast)
        eventually(lambda: slow)
        complete(cast, case_id, "plan_training", at=now())
        eventually(lambda: all_quiet(cast))

    within(cast, means, body)


@pytest.mark.ci
def test_a_change_that_nobody_heard_of_is_found_all_the_same(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "LOOK_AGAIN_SECONDS", 0.3)
    means = means_of(cast, now)

    def body(_: Worker) -> None:
        time.sleep(1)
        case_id = open_onboarding(cast, at=now())
        eventually(lambda: all_quiet(cast))
        # As after a failed carry: no notification comes when its time has come.
        with cast.session() as session:
            session.execute(update(_wake).values(want=_wake.c.want + 1, not_before=now()))
        eventually(lambda: all_quiet(cast))
        assert len(runs(cast, case_id)) == 2

    within(cast, means, body)


@pytest.mark.ci
def test_the_worker_gives_signs_of_life_and_signs_off(cast: Cast) -> None:
    means = means_of(cast, now)
    names = []

    def body(worker: Worker) -> None:
        names.append(worker.name)

        def beats() -> list[Any]:
            with cast.session() as session:
                return list(session.execute(select(_beat)).all())

        eventually(beats)
        (beat,) = beats()
        assert (beat.process, beat.prefect_up) == (worker.name, False)

    within(cast, means, body)
    with cast.session() as session:
        assert session.execute(select(_beat)).all() == []
    assert names


@pytest.mark.ci
def test_the_worker_goes_on_after_its_connections_were_cut(cast: Cast) -> None:
    means = means_of(cast, now)

    def body(_: Worker) -> None:
        first = introduced(cast)
        eventually(lambda: is_done(cast, first))
        with psycopg.connect(conninfo_of(cast.database.admin_url), autocommit=True) as admin:
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'spheres_app'")
        # The connections of this test were cut as well, and one that lay unused this long is replaced unseen.
        time.sleep(1.1)
        second = introduced(cast, "worker_codim", "codim")
        eventually(lambda: is_done(cast, second))

    within(cast, means, body)


@pytest.mark.ci
def test_a_carry_that_is_still_at_it_when_the_worker_stops_is_finished(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    means = means_of(cast, now)
    slow = _slowly(monkeypatch, 0.5)

    def body(_: Worker) -> None:
        introduced(cast)
        eventually(lambda: slow)

    within(cast, means, body)
    (case_id,) = _cases(cast)
    assert is_done(cast, case_id)


@pytest.mark.ci
def test_what_prefect_does_not_finish_as_all_is_stopped_is_carried_plainly_and_told_of_as_no_failure(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its server is told to end at the same moment, such as by what ends a whole service at once."""
    means = means_of(cast, now)
    stopped: list[UUID] = []

    async def never(by_prefect: ByPrefect) -> None:
        await by_prefect.stopping.wait()

    monkeypatch.setattr(ByPrefect, "work", never)
    monkeypatch.setattr(ByPrefect, "keep_asking", never)

    def body(worker: Worker) -> None:
        class Dying:
            """A client whose server ends at its first question."""

            async def create_flow_run_from_deployment(
                self, *_: object, parameters: dict[str, str], **__: object
            ) -> None:
                stopped.append(UUID(parameters[CASE_ID]))
                worker.stop()
                raise ConnectionError

        class OfIt:
            asking = Dying()
            woken = asyncio.Event()

        worker.prefect.seems_up = True
        worker.by_prefect._engine = OfIt()  # type: ignore[assignment]
        worker.by_prefect._deployed = Deployed({}, {"onboarding": UUID(int=1)}, [])
        introduced(cast)
        eventually(lambda: stopped)

    within(cast, means, body)
    assert [run.flow_run_id for run in runs(cast, stopped[0])] == [None]
    assert "Prefect failed" not in caplog.text


def test_what_prefect_says_of_runs_that_are_broken_off_at_the_end_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    loggers = [logging.getLogger(name) for name in ("prefect.flow_runs", "prefect.task_runs")]
    try:
        workers._hush_prefect()
        for logger in loggers:
            logger.critical("Crash detected! Execution was cancelled by the runtime environment.")
    finally:
        for name in list(logging.root.manager.loggerDict):
            logging.getLogger(name).disabled = False
    assert caplog.text == ""


#: A worker that waits for its signal while Prefect holds the handler of SIGTERM, as it does while a flow runs.
_IN_A_FLOW = """
import os, signal, sys, threading
from prefect.utilities.engine import capture_sigterm
from flows import worker
stopped = threading.Event()
worker._at_a_signal(stopped.set)
with capture_sigterm():
    os.kill(os.getpid(), int(sys.argv[1]))
    print(stopped.wait(30))
"""


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_signal_that_stops_the_worker_is_not_taken_by_prefect(number: int, tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _IN_A_FLOW, str(int(number))],
        env={**os.environ, **CLIENT, "PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (said.returncode, said.stdout) == (0, b"True\n"), said.stderr.decode()


@pytest.mark.ci
def test_what_cannot_be_finished_in_time_is_given_back_at_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "FAREWELL_SECONDS", 0.2)
    means = means_of(cast, now)
    slow = _slowly(monkeypatch, 2.0)

    def body(_: Worker) -> None:
        introduced(cast)
        eventually(lambda: slow)

    within(cast, means, body)
    (case_id,) = _cases(cast)
    with cast.session() as session:
        left = session.execute(select(_wake).where(_wake.c.case_id == case_id)).one()
    assert (left.leased_until, left.leased_by, left.want > left.have) == (None, "", True)


def ran_by(cast: Cast, key: str) -> str | None:
    """Who ran a round last; None where nobody ever did."""
    with cast.session() as session:
        return session.scalar(select(_mark.c.ran_by).where(_mark.c.key == key))


def ran_at(cast: Cast, key: str) -> datetime | None:
    with cast.session() as session:
        return session.scalar(select(_mark.c.ran_at).where(_mark.c.key == key))


def sent_digests(cast: Cast, bag: Mailbag) -> dict[UUID, int]:
    """How often the digests left, by whom they are for."""
    left = [message for _, message in bag.sent]
    found: dict[UUID, int] = {}
    for letter in letters(cast, "daily_digest"):
        found[letter["person_id"]] = found.get(letter["person_id"], 0) + left.count(letter["message"])
    return found


def rungs(cast: Cast) -> list[tuple[UUID, int]]:
    return sorted((event["subject_id"], event["facts"]["rung"]) for event in told(cast, "task.reminded"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that looks for overdue rounds several times a second: the patience itself is in the rounds."""
    monkeypatch.setattr(workers, "OVERDUE_LOOK_SECONDS", 0.1)


@pytest.mark.ci
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("has_address", [False, True], ids=["without Prefect", "with Prefect away"])
def test_a_round_that_nobody_started_is_run_by_the_worker_once_its_patience_is_over(
    cast: Cast, has_address: bool
) -> None:
    bag, clock = Mailbag(), Clock()
    means = means_of(cast, clock, bag)
    open_onboarding(cast)
    carry_all(means)
    clock.now = AT + timedelta(hours=23, minutes=14)  # the next day, 8:14 in Montréal

    def body(_: Worker) -> None:
        # The sweep comes after the reminders in each look: they were looked at, and not yet overdue.
        eventually(lambda: ran_by(cast, "sweep") == "worker")
        assert ran_by(cast, "remind") is None
        clock.pass_by(minutes=1)
        eventually(lambda: ran_by(cast, "remind") == "worker")
        eventually(lambda: set(sent_digests(cast, bag).values()) == {1})

    within(cast, means, body, f"http://127.0.0.1:{free_port()}/api" if has_address else "")
    assert sent_digests(cast, bag) == {cast.people[name]: 1 for name in ("coordinator", "manager_em", "officer")}


@pytest.mark.ci
@pytest.mark.usefixtures("impatient")
def test_a_round_that_fails_holds_up_no_other_and_is_run_again_until_it_does_not(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, tries = Clock(AT + timedelta(minutes=31)), 0
    means = means_of(cast, clock)
    first = next(iter(rounds.ROUNDS))
    real = rounds.ROUNDS[first]

    def failing(*_: object) -> int:
        nonlocal tries
        tries += 1
        raise OSError

    fails = replace(real, parts=failing, due=lambda _, __, at: at, patience=timedelta(0))
    monkeypatch.setattr(rounds, "ROUNDS", {**rounds.ROUNDS, first: fails})

    def body(_: Worker) -> None:
        eventually(lambda: ran_by(cast, "sweep") == "worker")
        eventually(lambda: tries > 2)

    within(cast, means, body)


@pytest.mark.ci
@pytest.mark.usefixtures("impatient")
def test_rounds_that_prefect_makes_up_for_after_an_hour_away_tell_nobody_twice(cast: Cast) -> None:
    bag, clock = Mailbag(), Clock()
    means = means_of(cast, clock, bag)
    open_onboarding(cast)
    carry_all(means)
    clock.now = AT + timedelta(hours=23)  # the next day, 8:00 in Montréal

    def body(_: Worker) -> None:
        for _quarter in range(4):
            clock.pass_by(minutes=16)
            # The sweep that is done at this very hour was due after all those before.
            eventually(lambda: (at := ran_at(cast, "sweep")) is not None and clock.now - at < timedelta(minutes=30))
        eventually(lambda: ran_by(cast, "remind") == "worker")
        eventually(lambda: set(sent_digests(cast, bag).values()) == {1})
        before = rungs(cast)
        assert before
        # What Prefect had planned for eight o'clock, once it is back, and what the worker overtook.
        assert run_round(means, "remind", "prefect") == 0
        run_round(means, "sweep", "prefect")
        eventually(lambda: all_quiet(cast))
        assert rungs(cast) == before
        assert len(before) == len(set(before))

    within(cast, means, body, f"http://127.0.0.1:{free_port()}/api")
    assert ran_by(cast, "remind") == "worker"
    assert set(sent_digests(cast, bag).values()) == {1}


def _cases(cast: Cast) -> list[UUID]:
    with cast.session() as session:
        return list(session.scalars(select(_wake.c.case_id)))


def _slowly(monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[int]:
    """Have each act take its time; what is returned fills once one has begun."""
    begun: list[int] = []
    from flows import carry as carrying  # noqa: PLC0415 - the module, to put something in front of its function

    real = carrying._attempt

    def slow(means: Means, act: Any) -> str:
        begun.append(1)
        time.sleep(seconds)
        return real(means, act)

    monkeypatch.setattr(carrying, "_attempt", slow)
    return begun


# ------------------------------------------------------------------------------------------ as a process of its own


@contextmanager
def process(
    cast: Cast, tmp_path: Path, scenario: str = "plain", prefect: PrefectServer | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    on_disk(cast.database, tmp_path)
    environment = {
        **os.environ,
        **CLIENT,
        "DATABASE_URL": cast.database.url,
        "SPHERES_DATA": str(tmp_path),
        "SPHERES_DEMO": "yes",
        "PREFECT_HOME": str(prefect.home if prefect else tmp_path / "prefect"),
        "PREFECT_API_URL": prefect.api_url if prefect else f"http://127.0.0.1:{free_port()}/api",
    }
    command = [sys.executable, "-m", "tests.flows.worker_process", scenario, str(tmp_path / "gate")]
    running = subprocess.Popen(command, env=environment)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.wait()


@pytest.mark.ci
def test_the_worker_is_started_by_its_module_and_ends_at_a_signal(cast: Cast, tmp_path: Path) -> None:
    case_id = introduced(cast)
    on_disk(cast.database, tmp_path)
    environment = {
        **os.environ,
        "DATABASE_URL": cast.database.url,
        "SPHERES_DATA": str(tmp_path),
        "SPHERES_DEMO": "yes",
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "SPHERES_PREFECT_PORT": str(free_port()),
    }
    environment.pop("PREFECT_API_URL", None)
    running = subprocess.Popen([sys.executable, "-m", "flows.worker"], env=environment)
    try:
        eventually(lambda: is_done(cast, case_id))
        eventually(lambda: list((tmp_path / "mail").glob("*.eml")))
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
    finally:
        running.kill()
        running.wait()


@pytest.mark.ci
def test_without_a_database_the_worker_says_so_in_one_sentence(tmp_path: Path) -> None:
    ours = {"SPHERES_DATA": str(tmp_path), "SPHERES_LANG": "en", "PREFECT_HOME": str(tmp_path / "prefect")}
    environment = {**os.environ, **ours}
    environment.pop("DATABASE_URL", None)
    ended = subprocess.run(
        [sys.executable, "-m", "flows.worker"], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.strip() == "DATABASE_URL is needed by the worker; `spheres up` gives it."


@pytest.mark.ci
def test_a_worker_that_is_killed_inside_an_act_leaves_nothing_half_done_and_the_next_does_it_once(
    cast: Cast, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    case_id = introduced(cast)
    with process(cast, tmp_path, "dawdle") as first:
        eventually(gate.with_suffix(".here").exists)
        first.kill()
        first.wait()
    assert seats(cast, "worker_em") == []
    # Its lease runs on for a while; the test's time does not.
    with cast.session() as session:
        held = session.execute(select(_wake).where(_wake.c.case_id == case_id)).one()
        assert held.leased_by.startswith("worker-")
        session.execute(update(_wake).values(leased_until=now()))
    gate.unlink()
    with process(cast, tmp_path, "dawdle"):
        eventually(lambda: is_done(cast, case_id))
    assert len(seats(cast, "worker_em")) == 1
    assert len(told(cast, "seat.given")) == 1
    assert len(letters(cast, "contact_lists")) == 1


@pytest.mark.nightly
def test_a_lease_that_nobody_ends_by_hand_ends_by_itself(cast: Cast, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    case_id = introduced(cast)
    with process(cast, tmp_path, "dawdle") as first:
        eventually(gate.with_suffix(".here").exists)
        first.kill()
    gate.unlink()
    with process(cast, tmp_path, "dawdle"):
        eventually(lambda: is_done(cast, case_id), within=workers.LEASE.total_seconds() + SOON_SECONDS)


# -------------------------------------------------------------------------------------------------------- with Prefect


def is_worked(server: PrefectServer, cast: Cast) -> bool:
    """Whether a worker of this database, and not one of a test before it, works the pool."""
    with cast.session() as session:
        ours = set(session.scalars(select(_beat.c.process)))
    known = server.rows("select w.name from worker w join work_pool p on p.id = w.work_pool_id where p.name = %s", POOL)
    return bool(ours & {name for (name,) in known})


def flow_runs(server: PrefectServer, case_id: UUID) -> list[tuple[str, str, str, Any]]:
    return [
        row
        for row in server.rows(
            "select f.name, r.name, r.state_name, r.parameters from flow_run r join flow f on f.id = r.flow_id "
            "order by r.created"
        )
        if row[3] == {"case_id": str(case_id)}
    ]


@pytest.mark.nightly
def test_prefect_shows_each_run_by_its_protocol_and_each_act_by_its_step(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with process(cast, tmp_path, prefect=prefect_server):
        eventually(lambda: is_worked(prefect_server, cast))
        case_id = introduced(cast)
        eventually(lambda: is_done(cast, case_id))
        for name in WHOLE_ONBOARDING:
            with cast.session() as session:
                items = [item for (found, item), row in steps(session, case_id).items() if found == name and row]
            for item in items:
                if task(cast, case_id, name, item)["state"] == "done":
                    continue
                eventually(lambda name=name, item=item: task(cast, case_id, name, item)["state"] == "open")  # type: ignore[misc]
                if complete(cast, case_id, name, item=item, at=now()).state == "submitted":
                    approver = "manager_la" if name == "request_petty_cash" else "manager_em"
                    approve(cast, case_id, name, by=cast.actor(approver), at=now())
        assert case(cast, case_id)["state"] == "closed"
        eventually(lambda: all_quiet(cast))
        eventually(lambda: flow_runs(prefect_server, case_id)[-1][2] == "Closed")
    seen = flow_runs(prefect_server, case_id)
    assert {(flow, state) for flow, _, state, _ in seen[:-1]} <= {("onboarding", "Waiting"), ("onboarding", "Closed")}
    assert all(parameters == {"case_id": str(case_id)} for *_, parameters in seen)
    acts = prefect_server.rows(
        "select t.name, t.state_name from task_run t join flow_run r on r.id = t.flow_run_id "
        "where r.parameters->>'case_id' = %s order by t.start_time",
        str(case_id),
    )
    assert acts == [("enrol_on_clinical_committee", "Completed"), ("send_contact_lists", "Completed")]
    ours = [run for run in runs(cast, case_id) if run.flow_run_id]
    known = {row[0] for row in prefect_server.rows("select id from flow_run")}
    assert ours
    assert {run.flow_run_id for run in ours} <= known


@pytest.mark.nightly
def test_prefect_learns_nothing_of_what_an_error_quotes(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with process(cast, tmp_path, "quote", prefect=prefect_server):
        eventually(lambda: is_worked(prefect_server, cast))
        case_id = introduced(cast)
        eventually(lambda: any(run.trouble for run in runs(cast, case_id)))
        eventually(
            lambda: any(state == "Trouble (error.ValueError)" for _, _, state, _ in flow_runs(prefect_server, case_id))
        )

        def tries() -> list[tuple[Any, ...]]:
            return prefect_server.rows(
                "select t.run_count from task_run t join flow_run r on r.id = t.flow_run_id "
                "where r.parameters->>'case_id' = %s and t.state_type = 'FAILED'",
                str(case_id),
            )

        eventually(tries)
    assert tries()[0] == (3,), "an error is tried again within the run"
    written = prefect_server.everything()
    assert "error.ValueError" in written, "this looks where Prefect writes"
    people = ("Quartz", "Émeraude", "meraude", "worker.em@", "Améthyste", CANARY, "\\u00c9meraude")
    assert [name for name in people if name in written] == []


@pytest.mark.nightly
def test_with_prefect_away_people_work_on_and_afterwards_it_takes_over_again(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with process(cast, tmp_path, prefect=prefect_server):
        eventually(lambda: is_worked(prefect_server, cast))
        first = introduced(cast)
        eventually(lambda: is_done(cast, first))
        eventually(lambda: all_quiet(cast))
        prefect_server.kill()
        try:
            second = introduced(cast, "worker_codim", "codim")
            eventually(lambda: is_done(cast, second))
            eventually(lambda: all_quiet(cast))
            assert runs(cast, second)[-1].flow_run_id is None
        finally:
            prefect_server.start()
        third = introduced(cast, "worker_ccsmtl", "ccsmtl")
        eventually(lambda: is_done(cast, third))

        def by_prefect_again() -> bool:
            """The worker looks now and then whether Prefect is back: on a busy machine not at the first time."""
            with cast.session() as session:
                wakeups.wake(session, third, at=now())
            eventually(lambda: all_quiet(cast))
            return runs(cast, third)[-1].flow_run_id is not None

        eventually(by_prefect_again)


def approved_at_the_window(cast: Cast, case_id: UUID, name: str, who: str) -> None:
    """Somebody approves a step over JSON, and it is theirs to: the answer waits for no engine."""
    asked = task(cast, case_id, name)
    assert asked["state"] == "submitted"
    client = client_for(cast.database, cast.people[who], at=now())
    answer = client.post(
        f"/api/v1/tasks/{asked['id']}/approval",
        json={"note": "Oui."},
        headers={"If-Match": f'"{asked["version"]}"', "Origin": ADDRESS},
    )
    assert (answer.status_code, answer.json()["state"]) == (200, "done")


@pytest.mark.nightly
def test_a_manager_approves_while_prefect_is_dead_and_what_follows_is_done_without_it_or_once_it_is_back(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with process(cast, tmp_path, prefect=prefect_server):
        eventually(lambda: is_worked(prefect_server, cast))
        case_id = introduced(cast)
        for name in ("request_secure_access", "request_petty_cash"):
            complete(cast, case_id, name, at=now())
        for name in ("prepare_notebook_and_guide", "hand_over_notebook_and_guide", "confirm_notebook_and_guide"):
            complete(cast, case_id, name, at=now())
        eventually(lambda: is_done(cast, case_id))
        eventually(lambda: all_quiet(cast))
        assert runs(cast, case_id)[-1].flow_run_id is not None
        prefect_server.kill()
        try:
            approved_at_the_window(cast, case_id, "request_secure_access", "manager_em")
            assert task(cast, case_id, "open_secure_account")["state"] == "open", "in the same transaction"
            assert letters(cast, "gate_opened") == []
            complete(cast, case_id, "open_secure_account", by=cast.actor("it_contact"), at=now())
            # The gate is what the engine announces: it does so all the same, and by itself.
            eventually(lambda: letters(cast, "gate_opened"))
            eventually(lambda: all_quiet(cast))
            assert runs(cast, case_id)[-1].flow_run_id is None
        except BaseException:
            prefect_server.start()
            raise
    # With the worker gone too the approval is taken, and waits for whoever carries next.
    try:
        approved_at_the_window(cast, case_id, "request_petty_cash", "manager_la")
        assert task(cast, case_id, "give_petty_cash")["state"] == "open"
        assert not all_quiet(cast)
    finally:
        prefect_server.start()
    before = len(runs(cast, case_id))
    with process(cast, tmp_path, prefect=prefect_server):
        # The worker does not wait for Prefect: what it finds as it starts it carries plainly.
        eventually(lambda: len(runs(cast, case_id)) > before)
        eventually(lambda: all_quiet(cast))
    assert len(told(cast, "gate.opened")) == 1
    assert len(told(cast, "task.approved")) == 2
    people = [letter["person_id"] for letter in letters(cast, "gate_opened")]
    assert len(people) == len(set(people)) > 0, "each is told once"


@pytest.mark.nightly
def test_prefect_dying_in_the_middle_of_a_run_costs_nothing_and_doubles_nothing(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with process(cast, tmp_path, "dawdle", prefect=prefect_server):
        eventually(lambda: is_worked(prefect_server, cast))
        case_id = introduced(cast)
        eventually(gate.with_suffix(".here").exists)
        prefect_server.kill()
        try:
            gate.unlink()
            eventually(lambda: is_done(cast, case_id))
            eventually(lambda: all_quiet(cast))
        finally:
            prefect_server.start()
    assert len(seats(cast, "worker_em")) == 1
    assert len(letters(cast, "contact_lists")) == 1
    assert len(told(cast, "act.done")) == 2


@pytest.mark.nightly
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_prefect_runs_a_case_lets_the_case_finish_and_is_no_trouble_of_prefects(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer, number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with process(cast, tmp_path, "dawdle", prefect=prefect_server) as running:
        eventually(lambda: is_worked(prefect_server, cast))
        case_id = introduced(cast)
        eventually(gate.with_suffix(".here").exists)
        running.send_signal(number)
        time.sleep(0.3)
        gate.unlink()
        assert running.wait(SOON_SECONDS) == 0
    assert is_done(cast, case_id)
    assert flow_runs(prefect_server, case_id)[-1][2] != "Crashed"
    said = capfd.readouterr().err
    assert "Prefect failed" not in said
    assert "Traceback" not in said


@pytest.mark.ci
def test_a_round_that_prefect_has_scheduled_is_run_in_the_worker(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with process(cast, tmp_path, prefect=prefect_server):
        planned = (
            "select r.deployment_id from flow_run r join flow f on f.id = r.flow_id where f.name = 'sweep' "
            "and r.state_type = 'SCHEDULED' and r.auto_scheduled limit 1"
        )
        eventually(lambda: prefect_server.rows(planned))
        slugs = prefect_server.rows(
            "select f.name, s.slug from deployment_schedule s join deployment d on d.id = s.deployment_id "
            "join flow f on f.id = d.flow_id order by 1"
        )
        # All but the one that reads a mailbox: there is none here.
        zones = {key: "utc" if one.due is due_everywhere else "america-toronto" for key, one in rounds.ROUNDS.items()}
        assert slugs == [(key, f"{key}-{zones[key]}") for key in sorted(zones) if key != incoming.KEY]
        ((deployment,),) = prefect_server.rows(planned)

        async def is_due_now() -> UUID:
            async with get_client() as client:
                return (await client.create_flow_run_from_deployment(deployment)).id

        with prefect_server.known():
            run = asyncio.run(is_due_now())

        def state() -> str:
            return str(prefect_server.rows("select state_name from flow_run where id = %s", run)[0][0])

        eventually(lambda: state() in ("Done", "Skipped"))
    with cast.session() as session:
        assert session.execute(text("select ran_by from round_mark where key = 'sweep'")).scalar_one() == "prefect"


@pytest.mark.ci
def test_the_deployments_are_left_alone_when_they_are_right(prefect_server: PrefectServer, cast: Cast) -> None:
    means = means_of(cast, Clock())

    async def twice() -> tuple[Deployed, Deployed]:
        async with get_client() as client:
            return await register(client, means), await register(client, means)

    with prefect_server.known():
        before, after = asyncio.run(twice())
    assert before == after
    schedules = prefect_server.rows("select id, updated from deployment_schedule order by id")
    with prefect_server.known():
        asyncio.run(twice())
    assert prefect_server.rows("select id, updated from deployment_schedule order by id") == schedules
