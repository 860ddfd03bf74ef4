"""Beside a ledger whose database is not here nothing is made: what was lost is brought back first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import make_url

from adapters.backups.dumps import is_empty
from adapters.database import make_engine, migrate
from adapters.keys import FileSealKeys, make_seal_key
from adapters.ledger import FileLedger, has_lines, make_ledger
from adapters.people_keys import make_people_keys
from adapters.settings import Settings
from api import app
from domain.restoring import refuse_another_epoch
from models.ports import LedgerNote
from tests.api.test_supervise import started_with
from tests.cast import AT, ROOT
from tests.conftest import Database

SENTENCE: Final = "Bring the database back first, with: spheres restore FOLDER --key FILE."
OURS: Final = ("SPHERES_", "DATABASE_", "PREFECT_")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set but what a test sets."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)


def lost(tmp_path: Path, place: str = "data/ledger") -> dict[str, str]:
    """What is left of an installation: its ledger alone, in the data folder or elsewhere."""
    ledger = tmp_path / place
    make_seal_key(tmp_path / "lost.json")
    make_ledger(ledger)
    FileLedger(ledger, FileSealKeys(tmp_path / "lost.json")).append([LedgerNote("opened", AT)])
    named = {} if place == "data/ledger" else {"SPHERES_LEDGER": str(ledger)}
    return {"SPHERES_DATA": str(tmp_path / "data"), **named}


def there(folder: Path) -> set[str]:
    return {str(one.relative_to(folder)) for one in folder.rglob("*")} if folder.exists() else set()


def own_server(database: Database) -> dict[str, str]:
    engine = make_url(database.owner_url).set(drivername="postgresql+asyncpg")
    return {
        "DATABASE_URL": database.url,
        "DATABASE_OWNER_URL": database.owner_url,
        "PREFECT_DATABASE_URL": engine.render_as_string(hide_password=False),
    }


def said(settings: dict[str, str], *command: str) -> tuple[int, str]:
    """The status of a command over these settings, and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, "SPHERES_LANG": "en", **settings},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def refused(status: int, told: str, tmp_path: Path, before: set[str]) -> None:
    """It ended with status 2 and one sentence, and nothing lies there that did not before."""
    assert (status, told.count("\n"), SENTENCE in told) == (2, 1, True), told
    assert "Nothing was made" in told
    assert there(tmp_path) == before


@pytest.mark.ci
@pytest.mark.parametrize("place", ["data/ledger", "elsewhere"])
@pytest.mark.parametrize("demo", ["yes", "no"])
def test_a_start_beside_a_ledger_without_its_database_makes_nothing(tmp_path: Path, place: str, demo: str) -> None:
    settings = lost(tmp_path, place)
    before = there(tmp_path)
    done = started_with(SPHERES_DEMO=demo, **settings)
    refused(done.returncode, (done.stdout + done.stderr).decode(), tmp_path, before)


@pytest.mark.nightly
def test_neither_do_migrate_and_keys_init_nor_is_it_another_matter_where_keys_lie_there(tmp_path: Path) -> None:
    settings = lost(tmp_path)
    for command in (["keys", "init"], ["migrate"]):
        refused(*said(settings, "api.cli", *command), tmp_path, there(tmp_path))
    make_seal_key(tmp_path / "data" / "keys" / "seal.json")
    refused(*said(settings, "api.cli", "migrate"), tmp_path, there(tmp_path))


@pytest.mark.ci
@pytest.mark.parametrize("how", ["up", "join", "migrate"])
def test_in_an_empty_database_of_a_server_of_ones_own_no_table_is_made(
    tmp_path: Path, empty_database: Database, how: str
) -> None:
    settings = {
        **lost(tmp_path, "elsewhere"),
        **own_server(empty_database),
        "SPHERES_SEAL_KEY_FILE": str(tmp_path / "keys" / "seal.json"),
        "SPHERES_PEOPLE_KEYS": str(tmp_path / "keys" / "people"),
    }
    before = there(tmp_path)
    if how == "migrate":
        status, told = said(settings, "api.cli", "migrate")
    else:
        done = started_with(*(["--join"] if how == "join" else []), **settings)
        status, told = done.returncode, (done.stdout + done.stderr).decode()
    refused(status, told, tmp_path, before)
    assert is_empty(empty_database.owner_url)


@pytest.mark.ci
def test_beside_tables_that_hold_nothing_no_keys_are_made_in_place_of_those_that_are_lost(
    tmp_path: Path, empty_database: Database
) -> None:
    settings = {**lost(tmp_path), **own_server(empty_database)}
    migrate(empty_database.owner_url)
    before = there(tmp_path)
    refused(*said(settings, "api.cli.migrated"), tmp_path, before)


def test_a_ledger_was_begun_where_a_whole_line_lies_there(tmp_path: Path) -> None:
    assert not has_lines(tmp_path / "nowhere")
    make_ledger(tmp_path)
    assert not has_lines(tmp_path)
    (tmp_path / "ledger.jsonl").write_bytes(b'{"n":1')
    assert not has_lines(tmp_path), "a crash cut it, and it was never acknowledged"
    (tmp_path / "ledger.jsonl").write_bytes(b"spoilt\n")
    assert has_lines(tmp_path), "what was written into it is for a person to look at"


@pytest.mark.ci
def test_the_web_waits_for_tables_that_are_yet_to_come_and_says_where_none_do(
    tmp_path: Path, empty_database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error that nothing caught would stand in the log of each first start."""
    monkeypatch.setattr(app, "FIRST_START_SECONDS", 0.5)
    monkeypatch.setenv("SPHERES_LANG", "en")
    settings = Settings.from_env({"SPHERES_DATA": str(tmp_path)})
    make_people_keys(tmp_path / "keys" / "people")
    engine = make_engine(
        empty_database.url,
        ledger=FileLedger(settings.ledger, FileSealKeys(settings.seal_keys)),
        agree=refuse_another_epoch,
    )
    try:
        with pytest.raises(SystemExit) as ended:
            app._refuse_a_restored(engine, settings)
    finally:
        engine.dispose()
    assert (ended.value.code, "is not up to date" in capsys.readouterr().err) == (2, True)
