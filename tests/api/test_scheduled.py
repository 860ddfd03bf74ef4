"""Copies by schedule: one a day of all machines, what failed again, a trial each week; and the row of each."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from sqlalchemy import select

from adapters.backups.marked import put_mark
from adapters.postgres import DatabaseUrls
from adapters.settings import Settings
from api.cli.by_clock import AtATimeOfDay, EachMinute
from api.cli.installation import _processes
from models.backups import BackupRun
from models.base import table_of
from tests.api.test_cli_backup import House, house, lived, rows
from tests.cast import ROOT, Cast
from tests.sealing import tamper

__all__ = ["house", "lived"]

RUN = table_of(BackupRun)
URLS = DatabaseUrls(owner="", app="", prefect="", admin="")
SCHEDULED = [sys.executable, "-m", "api.cli.scheduled"]


@pytest.fixture
def nightly(house: House) -> House:
    house.set(SPHERES_BACKUP_AT="02:30", SPHERES_LANG="en")
    put_mark(house.to)
    return house


def run() -> tuple[int, str]:
    done = subprocess.run(SCHEDULED, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def runs(cast: Cast) -> list[tuple[str, str]]:
    asked = select(RUN.c.kind, RUN.c.code).order_by(RUN.c.ended_at)
    return [(kind, code) for kind, code in rows(cast.database.url, asked)]


@pytest.mark.nightly
def test_a_copy_that_is_due_is_made_once(nightly: House, lived: Cast) -> None:
    status, said = run()
    assert (status, "was made by schedule and verified" in said) == (0, True), said
    assert run() == (0, "")
    assert len(nightly.copies) == 1
    ((started, next_by),) = rows(lived.database.url, select(RUN.c.started_at, RUN.c.next_by))
    assert started < next_by, "by this it is seen that the next one is late"
    tamper(
        lived.database,
        "update backup_run set started_at = started_at - make_interval(days => :days),"
        " ended_at = ended_at - make_interval(days => :days)",
        days=2,
    )
    assert run()[0] == 0
    assert runs(lived) == [("backup", ""), ("backup", "")]


@pytest.mark.nightly
def test_one_that_fails_is_noted_and_tried_again(nightly: House, lived: Cast) -> None:
    nightly.to.rename(nightly.folder / "unmounted")
    status, said = run()
    assert (status, "A copy by schedule failed: The folder for copies is not there" in said) == (1, True), said
    (nightly.folder / "unmounted").rename(nightly.to)
    assert run()[0] == 0
    assert runs(lived) == [("backup", "no_place"), ("backup", "")]


@pytest.mark.nightly
def test_of_two_machines_at_once_one_makes_it(nightly: House, lived: Cast) -> None:
    other = {**os.environ, "SPHERES_DATA": str(nightly.folder / "other")}
    other |= {
        "SPHERES_SEAL_KEY_FILE": str(nightly.data / "keys" / "seal.json"),
        "SPHERES_PEOPLE_KEYS": str(nightly.data / "keys" / "people"),
    }
    both = [subprocess.Popen(SCHEDULED, cwd=ROOT, env=environment) for environment in (os.environ, other)]
    statuses = sorted(one.wait() for one in both)
    assert len(nightly.copies) == 1
    assert runs(lived) == [("backup", "")]
    assert statuses in ([0, 0], [0, 1])


@pytest.mark.nightly
def test_with_the_key_a_copy_is_tried_each_week(nightly: House, lived: Cast) -> None:
    nightly.set(SPHERES_DRILL_KEY_FILE=nightly.key)
    assert run()[0] == 0
    assert run()[0] == 0
    assert runs(lived) == [("backup", ""), ("drill", "")]


def test_what_runs_by_the_clock_is_started_where_it_is_set_alone(house: House) -> None:
    def clocked() -> list[type]:
        settings = Settings.from_env(os.environ)
        settings.data.mkdir(exist_ok=True)
        processes = _processes(settings, URLS, dict(os.environ))
        return [type(one) for one in processes if isinstance(one, (AtATimeOfDay, EachMinute))]

    assert clocked() == [AtATimeOfDay], "where copies lie, old keys go from them each day"
    house.set(SPHERES_BACKUP_AT="02:30")
    assert clocked() == [AtATimeOfDay]
    house.set(SPHERES_ARCHIVE=house.folder / "archive")
    assert clocked() == [EachMinute, AtATimeOfDay]
    for name in ("SPHERES_BACKUP_TO", "SPHERES_BACKUP_AT", "SPHERES_ARCHIVE"):
        house.environment.delenv(name)
    assert clocked() == []
