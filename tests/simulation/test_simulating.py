"""A program is lived through from a seed: the same again from the same, and what fails is told so that it repeats."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from psycopg.errors import DeadlockDetected
from sqlalchemy.exc import OperationalError

import simulation.__main__
from simulation import engine, faults
from simulation.__main__ import main, told
from simulation.hands import Answer, Desk
from simulation.life import Life
from simulation.running import PROGRAM, Asked, known_kinds, live
from simulation.world import Server
from tests.conftest import Copies

ROOT = Path(__file__).resolve().parents[2]
#: A day of a seed takes a second or two; a shared machine is slow at times.
PATIENCE_SECONDS = 1500


@pytest.fixture(scope="module")
def server(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server(copies.urls, tmp_path_factory.mktemp("simulated"), names=f"tested_{os.getpid()}")


def simulate(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulation", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def drawn(count: int) -> list[int]:
    """Seeds that nobody drew before: from the commit that is tried, or from the sources where there is none."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    said = found.stdout.strip() or sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return [int(sha256(f"{said} {n}".encode()).hexdigest()[:7], 16) for n in range(count)]


def digest_of(done: subprocess.CompletedProcess[str]) -> str:
    found = re.search(r"^digest (\w{64})$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout + done.stderr
    return found[1]


@pytest.mark.nightly
def test_the_same_seed_gives_the_same_record_to_the_byte() -> None:
    one, other = (simulate("--seed", "5", "--days", "2", "--faults", "all", hash_seed=h) for h in ("1", "2"))
    assert digest_of(one) == digest_of(other)


@pytest.mark.nightly
def test_another_seed_gives_another_record() -> None:
    one, other = (simulate("--seed", seed, "--days", "2") for seed in ("5", "6"))
    assert digest_of(one) != digest_of(other)


@pytest.mark.ci
def test_three_seeds_that_nobody_drew_before_hold_every_promise_for_as_long_as_there_is_time() -> None:
    for seed in drawn(3):
        done = simulate("--seed", str(seed), "--years", "1", "--minutes", "0.3")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "begins",
    [
        pytest.param(date(2028, 2, 29), id="a leap day", marks=pytest.mark.nightly),
        pytest.param(date(2027, 1, 2), id="a Saturday", marks=pytest.mark.ci),
        pytest.param(date(2026, 12, 31), id="the last day of a year", marks=pytest.mark.nightly),
    ],
)
def test_a_year_may_begin_on_any_day(server: Server, begins: date) -> None:
    lived = live(server, Asked(11, 3, begins=begins))
    assert (lived.broken, lived.faults, lived.days) == ([], [], 3)


@pytest.mark.ci
def test_nobody_needs_to_be_there_but_the_coordination(server: Server) -> None:
    lived = live(server, Asked(12, 5, alone=True, begins=date(2027, 3, 1)))
    assert (lived.broken, lived.faults) == ([], [])


@pytest.mark.nightly
@pytest.mark.parametrize("participants", [0, 500])
def test_there_may_be_no_participant_or_five_hundred_a_year(server: Server, participants: int) -> None:
    lived = live(server, Asked(13, 3, participants_a_year=participants, begins=date(2027, 3, 1)))
    assert (lived.broken, lived.faults) == ([], [])


def another_region(place: Path) -> Path:
    """The file of a region elsewhere: other partners, another time zone, a committee fewer, another day of sitting."""
    said = PROGRAM.read_text(encoding="utf-8")
    for number, key in enumerate(("ccsmtl", "codim", "spvm", "marie-vincent", "en-marge", "anonyme")):
        said = re.sub(rf"\b{key}\b", f"partner-{number}", said)
    file = yaml.safe_load(said)
    file["program"] |= {
        "key": "far-coast",
        "title": {"fr": "SPHÈRES – Côte lointaine", "en": "SPHÈRES – Far Coast"},
        "time_zone": "America/Halifax",
    }
    file["committees"]["clinical"]["rhythm"] |= {"weekday": "friday", "at": "13:15"}
    del file["committees"]["extended"]
    outside = [key for key, one in file["organizations"].items() if one["kind"] == "outside"]
    for key in outside:
        del file["organizations"][key]
    for number, one in enumerate(file["organizations"].values()):
        one |= {"name": f"Organisme {number} de la côte", "short_name": f"OC{number}"}
        one.pop("name_en", None)
    place.write_text(yaml.safe_dump(file, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return place


@pytest.mark.nightly
@pytest.mark.parametrize("days", [pytest.param(4, id="days"), pytest.param(60, id="months")])
def test_another_region_lives_by_its_own_file(server: Server, tmp_path: Path, days: int) -> None:
    region = another_region(tmp_path / "far-coast.yaml")
    lived = live(server, Asked(14, days, program=region, begins=date(2027, 3, 1)))
    assert (lived.broken, lived.faults, lived.days) == ([], [], days)


@pytest.mark.nightly
def test_what_went_wrong_on_the_last_day_is_looked_at_on_a_quiet_one_more(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "A_DAY", {**faults.A_DAY, "engine": 1.0})
    lived = live(server, Asked(15, 1, kinds=("engine",), begins=date(2027, 3, 1)))
    assert (lived.broken, lived.faults, lived.days) == ([], [], 2)
    assert lived.repeated == lived.asked


@pytest.mark.ci
def test_a_failure_of_the_engine_is_told_with_the_command_that_repeats_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OperationalError("select", {}, DeadlockDetected())

    monkeypatch.setitem(engine.LOOPS, "watch", fail)
    lived = live(server, Asked(16, 5, kinds=("database",), begins=date(2027, 3, 1)))
    assert (set(lived.faults), lived.days) == ({"watch failed: OperationalError"}, 1)
    assert "--seed 16 --days 1 --faults database" in told(lived)


@pytest.mark.ci
def test_a_request_that_the_database_ends_is_a_failure_and_is_not_asked_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Answer:
        raise OperationalError("select", {}, DeadlockDetected())

    monkeypatch.setattr(Desk, "ask", fail)
    lived = live(server, Asked(17, 5, kinds=("database", "races"), begins=date(2027, 3, 1)))
    assert lived.days == 1
    assert any(one.endswith("500 error.OperationalError") for one in lived.faults)


@pytest.mark.ci
def test_what_ends_the_run_itself_is_told_as_a_failure_of_that_seed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Life, "_visits", fail)
    lived = live(server, Asked(18, 5, begins=date(2027, 3, 1)))
    assert (lived.faults, lived.days) == (["the run ended in RuntimeError"], 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--days", "0"], "--days: a number from 1 to 18250, and not 0"),
        (["--days", "abc"], "--days: a number from 1 to 18250, and not abc"),
        (["--years", "0"], "--years: a number from 1 to 50, and not 0"),
        (["--workers", "-1"], "--workers: a number from 0 to 500, and not -1"),
        (["--participants-a-year", "10000000"], "--participants-a-year: a number from 0 to 2000"),
        (["--begins", "2028-02-30"], "--begins: a day from 2020-01-01 to 2100-01-01"),
        (["--begins", "9999-12-30"], "--begins: a day from 2020-01-01 to 2100-01-01"),
        (["--minutes", "nan"], "--minutes: a number of minutes, and not nan"),
        (["--minutes", "-1"], "--minutes: a number of minutes, and not -1"),
        (["--faults", "rain"], "no such fault: rain"),
        (["--program", "nowhere.yaml"], "--program: there is no such file: nowhere.yaml"),
        (["--page", "/nowhere/page.html"], "--page: no file can be written there: /nowhere/page.html"),
        (["--page", "/"], "--page: no file can be written there: /"),
    ],
)
def test_what_cannot_be_lived_through_is_refused_before_anything_begins(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("by", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_who_is_told_to_end_takes_the_database_along(
    by: signal.Signals, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers: list[str] = []

    @contextmanager
    def server_that_says_when_it_ends() -> Iterator[None]:
        try:
            yield
        finally:
            servers.append("ended")

    def live_until_told(*_: object, **__: object) -> None:
        os.kill(os.getpid(), by)
        time.sleep(60)

    monkeypatch.setattr(simulation.__main__, "server_of_ones_own", server_that_says_when_it_ends)
    monkeypatch.setattr(simulation.__main__, "live", live_until_told)
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ended = main(["--days", "2"])
    except SystemExit as told_to:
        ended = int(str(told_to.code))
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert (ended, servers) == (status, ["ended"])


def test_a_fault_is_named_by_what_there_is() -> None:
    assert known_kinds(["mail", "crash"]) == ("crash", "mail")
    with pytest.raises(ValueError, match="no such fault: rain"):
        known_kinds(["rain"])


def test_what_is_repeated_is_one_command() -> None:
    asked = Asked(7, 90, kinds=("crash", "mail"), workers=3, begins=date(2028, 2, 29), alone=True)
    assert asked.command() == (
        "python3 run.py simulate --seed 7 --days 90 --faults crash mail --workers 3 --begins 2028-02-29 --alone"
    )
