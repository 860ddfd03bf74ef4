"""Two machines over one database: what one does the other does not, whichever sleeps, dies or has a wrong clock."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import make_url, select

from adapters.engine_settings import CLIENT
from domain.access import sign_ins
from models.access import BrowserSession
from models.base import table_of
from models.engine import Beat, EngineRun, RoundMark, WakeUp
from tests.casework import open_onboarding
from tests.cast import Cast
from tests.departing import leave, record_protocols
from tests.fakes.ledger import on_disk
from tests.flows.prefect_server import free_port
from tests.flows.support import SOON_SECONDS, carry_all, eventually, letters, means_of, seats, told
from tests.flows.test_worker import all_quiet, introduced, is_done, now

_beat, _mark, _run, _wake = table_of(Beat), table_of(RoundMark), table_of(EngineRun), table_of(WakeUp)

#: How long a lease lasts in a worker that is hurried, and a transaction in which nothing is said.
LEASE_SECONDS = 3.0


def hurried(cast: Cast) -> str:
    """The database as a hurried worker is told of it: it gives up a silent transaction as soon as a lease ends."""
    url = make_url(cast.database.url)
    option = f"-c idle_in_transaction_session_timeout={LEASE_SECONDS:.0f}s"
    return url.update_query_dict({"options": option}).render_as_string(hide_password=False)


@contextmanager
def machine(
    cast: Cast,
    data: Path,
    point: str = "none",
    file: Path | None = None,
    *,
    lease: float = LEASE_SECONDS,
    prefect: str = "",
    also: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of a machine with a data folder of its own, which halts at a point where a file is there."""
    data.mkdir(exist_ok=True)
    shared = data.parent
    if not (shared / "ledger").exists():
        on_disk(cast.database, shared)
    environment = {
        **os.environ,
        **CLIENT,
        "DATABASE_URL": hurried(cast) if lease else cast.database.url,
        "SPHERES_DATA": str(data),
        "SPHERES_LEDGER": str(shared / "ledger"),
        "SPHERES_SEAL_KEY_FILE": str(shared / "keys" / "seal.json"),
        "SPHERES_DEMO": "yes",
        "PREFECT_HOME": str(data / "prefect"),
        "PREFECT_API_URL": prefect or f"http://127.0.0.1:{free_port()}/api",
        **also,
    }
    halting = [sys.executable, "-m", "tests.flows.halting_process", point, str(file or data / "none"), str(lease)]
    running = subprocess.Popen(halting, env=environment)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGCONT)
            running.kill()
        running.wait()


def is_halted(process: subprocess.Popen[bytes]) -> bool:
    """Whether the kernel says that it is stopped."""
    status = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii")
    return status.rpartition(")")[2].split()[0] == "T"


def is_well(cast: Cast, since: datetime) -> int:
    """How many workers gave a sign of life since."""
    with cast.session() as session:
        return len(session.execute(select(_beat.c.process).where(_beat.c.at > since)).all())


def sent(*data: Path) -> Counter[bytes]:
    """The letters that left, from whichever machine, by their bytes."""
    return Counter(file.read_bytes() for folder in data for file in (folder / "mail").glob("*.eml"))


def marked(cast: Cast, key: str) -> bool:
    with cast.session() as session:
        return session.scalar(select(_mark.c.ran_at).where(_mark.c.key == key)) is not None


def digests(cast: Cast) -> Counter[UUID]:
    return Counter(letter["person_id"] for letter in letters(cast, "daily_digest"))


def takes_over(
    cast: Cast,
    tmp_path: Path,
    point: str,
    begin: Callable[[], None],
    is_over: Callable[[], bool],
    *,
    lease: float = LEASE_SECONDS,
    sleeps: float = 0.0,
) -> None:
    """Have one machine sleep at a point, another go on, and the first wake up afterwards and be well again."""
    one, two, file = tmp_path / "one", tmp_path / "two", tmp_path / "halts"
    file.touch()
    with machine(cast, one, point, file, lease=lease) as first:
        eventually(lambda: is_well(cast, datetime.min.replace(tzinfo=now().tzinfo)))
        begin()
        eventually(file.with_suffix(".here").exists)
        eventually(lambda: is_halted(first))
        with machine(cast, two, lease=lease) as second:
            eventually(is_over)
            eventually(lambda: all_quiet(cast))
            time.sleep(sleeps)
            first.send_signal(signal.SIGCONT)
            second.terminate()
            second.wait(SOON_SECONDS)
        # It is alone now, and all that it had in hand as it slept is behind it once it has carried another.
        last = introduced(cast, "worker_ccsmtl", "ccsmtl")
        eventually(lambda: is_done(cast, last))
        eventually(lambda: all_quiet(cast))
        eventually(lambda: set(sent(one, two)) >= {letter["message"] for letter in letters(cast, "contact_lists")})
        first.terminate()
        assert first.wait(SOON_SECONDS) == 0


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("acting", marks=pytest.mark.nightly),
        *(pytest.param(point, marks=pytest.mark.nightly) for point in ("act", "finish", "letter")),
    ],
)
def test_a_worker_that_slept_while_another_took_its_case_or_its_letter_does_nothing_twice(
    cast: Cast, tmp_path: Path, point: str
) -> None:
    cases: list[UUID] = []

    def is_over() -> bool:
        if point != "letter":  # else a letter that it had in hand besides stays its own for minutes
            return is_done(cast, cases[0])
        whose = {letter["message"] for letter in letters(cast, "contact_lists")}
        return is_done(cast, cases[0]) and whose <= set(sent(tmp_path / "one", tmp_path / "two"))

    takes_over(cast, tmp_path, point, lambda: cases.append(introduced(cast)), is_over)
    each_thing_is_done_once(cast, tmp_path, cases)


@pytest.mark.nightly
@pytest.mark.parametrize("point", ["acting", "letter"])
def test_with_leases_as_they_are_a_worker_that_slept_for_three_minutes_does_nothing_twice(
    cast: Cast, tmp_path: Path, point: str
) -> None:
    """The database gives up what it was in the middle of after a minute; a letter stays its own for five."""
    cases: list[UUID] = []
    begin = lambda: cases.append(introduced(cast))  # noqa: E731
    takes_over(cast, tmp_path, point, begin, lambda: is_done(cast, cases[0]), lease=0, sleeps=180)
    each_thing_is_done_once(cast, tmp_path, cases)


@pytest.mark.nightly
def test_a_worker_that_sleeps_with_the_lock_of_the_ledger_holds_up_no_case_and_letters_leave_once_it_goes_on(
    cast: Cast, tmp_path: Path
) -> None:
    one, two, file = tmp_path / "one", tmp_path / "two", tmp_path / "halts"
    with machine(cast, one, "ledger", file) as first:
        eventually(lambda: is_well(cast, datetime.min.replace(tzinfo=now().tzinfo)))
        file.touch()
        cases = [introduced(cast)]
        eventually(file.with_suffix(".here").exists)
        eventually(lambda: is_halted(first))
        with machine(cast, two):
            cases.append(introduced(cast, "worker_ccsmtl", "ccsmtl"))
            eventually(lambda: all(is_done(cast, case) for case in cases))
            first.send_signal(signal.SIGCONT)
            eventually(lambda: {letter["message"] for letter in letters(cast, "contact_lists")} <= set(sent(one, two)))
            eventually(lambda: all_quiet(cast))
    each_thing_is_done_once(cast, tmp_path, cases)


def each_thing_is_done_once(cast: Cast, tmp_path: Path, cases: list[UUID]) -> None:
    """Seats, events and letters of the one whose case was taken over, and of the one welcomed afterwards."""
    assert len(seats(cast, "worker_em")) == 1
    assert len([event for event in told(cast, "seat.given") if event["case_id"] == cases[0]]) <= 1
    acts = Counter((event["case_id"], event["facts"]["step"]) for event in told(cast, "act.done"))
    assert set(acts.values()) == {1}
    assert len(letters(cast, "contact_lists")) == 2, "one for each of the two who were welcomed"
    assert set(sent(tmp_path / "one", tmp_path / "two").values()) == {1}
    assert told(cast, "act.trouble") == []


@pytest.mark.nightly
def test_a_worker_that_slept_in_the_middle_of_a_round_tells_nobody_twice(cast: Cast, tmp_path: Path) -> None:
    open_onboarding(cast, at=now() - timedelta(days=1))
    carry_all(means_of(cast, now))
    # The database keeps the round for who sleeps: the other does all else meanwhile.
    takes_over(cast, tmp_path, "round", lambda: None, lambda: marked(cast, "sweep"))
    eventually(lambda: marked(cast, "remind"))
    assert set(digests(cast).values()) <= {1}
    assert set(sent(tmp_path / "one", tmp_path / "two").values()) <= {1}


@pytest.mark.nightly
def test_a_round_whose_worker_died_before_it_was_noted_is_done_by_another_which_tells_nobody_twice(
    cast: Cast, tmp_path: Path
) -> None:
    open_onboarding(cast, at=now() - timedelta(days=1))
    carry_all(means_of(cast, now))
    file = tmp_path / "halts"
    file.touch()
    with machine(cast, tmp_path / "one", "round", file) as first:
        eventually(file.with_suffix(".here").exists)
        before = digests(cast)
        with machine(cast, tmp_path / "two"):
            eventually(lambda: marked(cast, "sweep"))
            assert not marked(cast, "remind")
            first.kill()
            first.wait()
            eventually(lambda: marked(cast, "remind"))
    assert digests(cast) == before
    assert set(before.values()) <= {1}


@pytest.mark.nightly
def test_doors_that_a_worker_was_closing_as_it_slept_are_closed_by_another_and_once(cast: Cast, tmp_path: Path) -> None:
    record_protocols(cast)
    then = now() - timedelta(days=3)
    with cast.session() as session:
        sign_ins.begin(session, cast.people["worker_codim"], means="passkey", device="", at=then)
    leave(cast, "worker_codim", "codim", last_day=(now() - timedelta(days=2)).date(), at=then)
    sign_in = table_of(BrowserSession)

    def is_over() -> bool:
        with cast.session() as session:
            return session.execute(select(sign_in.c.id).where(sign_in.c.ended_at.is_(None))).all() == []

    takes_over(cast, tmp_path, "door", lambda: None, is_over)
    assert len(told(cast, "departure.last_day_over")) == 1


def lease_of(cast: Cast, case_id: UUID) -> Any:
    with cast.session() as session:
        return session.execute(select(_wake).where(_wake.c.case_id == case_id)).one()


def with_its_clock(wrong: str) -> dict[str, str]:
    """What has a process live by another time: as the program faketime would, but in this very process."""
    seen = subprocess.run(["faketime", "-m", "-f", wrong, "env"], capture_output=True, text=True, check=True).stdout
    told = dict(line.partition("=")[::2] for line in seen.splitlines())
    return {"LD_PRELOAD": told["LD_PRELOAD"], "FAKETIME": told["FAKETIME"], "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs the program faketime")
@pytest.mark.parametrize("wrong", ["+90s", "-90s"])
def test_a_machine_whose_clock_is_90_seconds_off_takes_no_case_that_another_has_in_hand(
    cast: Cast, tmp_path: Path, wrong: str
) -> None:
    """By its own clock each lease of the other has ended long ago, or its own last for a minute and a half more.

    Whichever of the two takes the case is slow with it, for longer than a lease lasts that nobody renews.
    """
    one, two = tmp_path / "one", tmp_path / "two"
    with machine(cast, one, "slow", lease=10), machine(cast, two, "slow", lease=10, also=with_its_clock(wrong)):
        eventually(lambda: is_well(cast, now() - timedelta(seconds=60)) == 2)
        case_id = introduced(cast)
        tries = set[int]()

        def is_over() -> bool:
            tries.add(lease_of(cast, case_id).attempts)
            return is_done(cast, case_id) and all_quiet(cast)

        eventually(is_over)
        with cast.session() as session:
            seen = session.execute(select(_beat.c.at)).scalars().all()
            ends = session.execute(select(_run.c.ended_at).where(_run.c.case_id == case_id)).scalars().all()
    assert tries <= {0, 1}, "nobody took what another had in hand"
    assert all(abs(at - now()) < timedelta(seconds=60) for at in [*seen, *ends]), "all by one clock"
    assert told(cast, "act.trouble") == []
