"""Where no database was made, no command but `up` and `migrate` makes one: each says where it looked."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from sqlalchemy import NullPool, create_engine, text

from adapters.places import data_of
from adapters.postgres import EmbeddedPostgres
from api.cli import main
from api.cli.commands import app
from tests.cast import PROGRAM, ROOT
from tests.conftest import short_folder

PROTOCOL: Final = ROOT / "flows" / "onboarding" / "protocol.yaml"
#: What needs no database, beside those that make one.
NEEDS_NONE: Final = {
    *("up", "migrate", "doctor", "keys init", "mail test"),
    # Where copies go, and for which key, is asked first.
    *("backup key", "backup now", "restore --key"),
    *("program check", "protocol check", "protocol show", "protocol diff"),
}
#: What is typed where a command asks for it, by the name of what it asks.
TYPED: Final[Mapping[str, str]] = {"file": str(PROGRAM), "email": "me@agency.example"}
#: A key is looked for first: that it is missing is said too.
WITHOUT_KEYS: Final = {"keys rotate"}
#: A mail that could not be taken stays with the mail server.
TRY_AGAIN: Final = {"meeting receive": 75}
OURS: Final = ("SPHERES_", "DATABASE_", "PREFECT_", "SMTP_", "GRAPH_", "ENTRA_")


def commands(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    """Every command with what it cannot do without."""
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from commands(below, *words, name)
        return
    typed = list(words)
    for one in command.params:
        if one.required:
            value = TYPED.get(one.name, "x")
            typed += [value] if one.param_type_name == "argument" else [one.opts[0], value]
    yield tuple(typed)


EVERY: Final = [each for each in commands(typer.main.get_command(app)) if " ".join(each[:2]) not in NEEDS_NONE]
ASKING: Final = [each for each in EVERY if each[0] not in NEEDS_NONE]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that is not there, of an installation that has nothing else, and where one stands: an empty one."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("SPHERES_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def short_data(data: Path) -> Iterator[Path]:
    """A data folder whose path leaves room for a socket's name."""
    assert not data.exists()
    folder = short_folder()
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.mark.parametrize("asked", ASKING, ids=lambda asked: " ".join(asked[:2]))
def test_a_command_that_finds_no_database_says_so_and_leaves_no_trace(
    asked: tuple[str, ...], data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = " ".join(asked[:2])
    monkeypatch.setattr(sys, "argv", ["spheres", *asked])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Subject: ?\r\n\r\n")))
    for language, sentence in (("fr", "Il n’y a pas de base de données ici"), ("en", "There is no database here")):
        monkeypatch.setenv("SPHERES_LANG", language)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert ended.value.code == TRY_AGAIN.get(name, 2), said.err
        assert said.out == ""
        if name not in WITHOUT_KEYS | TRY_AGAIN.keys():
            assert said.err.startswith(sentence)
            assert "spheres migrate" in said.err
            assert len(said.err.splitlines()) == 1
        if name not in TRY_AGAIN:
            assert str(data) in said.err
        assert not data.exists()
        assert list(Path.cwd().iterdir()) == []


def test_every_command_is_asked_but_those_that_make_a_database_or_need_none() -> None:
    known = {" ".join(each[:2]) if each[0] in ("keys", "program", "protocol") else each[0] for each in EVERY}
    assert len(ASKING) > 8
    assert {"administrator", "verify", "keys sweep", "program load", "protocol plan"} <= known


@pytest.mark.parametrize("asked", [("migrate",), ("verify",), ("keys", "init"), ("up", "--demo")], ids=" ".join)
@pytest.mark.parametrize("place", ["a file/data", "x" * 300], ids=["below a file", "a name that no disk takes"])
def test_a_data_folder_that_cannot_be_is_one_sentence(
    asked: tuple[str, ...], place: str, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (data.parent / "a file").touch()
    monkeypatch.setenv("SPHERES_DATA", str(data.parent / place))
    monkeypatch.setattr(sys, "argv", ["spheres", *asked])
    main_ended(2)
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert str(data.parent / place) in said.err
    assert {one.name for one in data.parent.iterdir()} == {"a file", "here"}


def test_keys_are_made_without_a_database(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["spheres", "keys", "init"])
    main_ended(0)
    assert {one.name for one in data.iterdir()} == {"keys"}
    assert str(data / "keys") in capsys.readouterr().out


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    "asked",
    [("protocol", "check", str(PROTOCOL)), ("protocol", "diff", str(PROTOCOL), str(PROTOCOL)), ("--help",)],
    ids=lambda asked: " ".join(asked[:2]),
)
def test_what_needs_no_database_asks_for_none(
    asked: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["spheres", *asked])
    main_ended(0)
    assert {one.name for one in tmp_path.iterdir()} == {"here"}


def main_ended(status: int) -> None:
    """Run the command line, and see its status."""
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code or 0) == status


@pytest.mark.ci
def test_migrate_makes_a_database_and_a_command_in_another_folder_finds_it(
    short_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPHERES_DATA", str(short_data))

    def done(*asked: str, within: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *asked],
            cwd=within,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SPHERES_LANG": "en"},
            capture_output=True,
            text=True,
            check=False,
        )

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert done("migrate", within=Path.cwd()).returncode == 0
    assert (short_data / "postgres" / "cluster").is_dir()
    asked = done("verify", within=elsewhere)
    assert asked.returncode == 2
    assert asked.stderr.splitlines()[-1] == "No program is loaded. Load one with: spheres program load FILE"
    assert list(elsewhere.iterdir()) == []


@pytest.mark.nightly
def test_an_embedded_database_of_a_trial_version_stays_and_one_is_told_which_folder_to_move_away(
    short_data: Path,
) -> None:
    environment = {**os.environ, "SPHERES_DATA": str(short_data), "PYTHONPATH": str(ROOT)}

    def done(*asked: str, **more: str) -> subprocess.CompletedProcess[str]:
        command, env = [sys.executable, "-m", *asked], environment | more
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    assert done("api.cli", "migrate").returncode == 0
    with EmbeddedPostgres(short_data / "postgres") as server:
        urls = server.urls()
        owner = create_engine(urls.owner, poolclass=NullPool)
        with owner.begin() as connection:
            connection.execute(text("update alembic_version set version_num = '0034'"))
        as_up_does = {"DATABASE_URL": urls.app, "DATABASE_OWNER_URL": urls.owner, "SPHERES_DEMO": "yes"}
        for sentence, tried in (
            ("A trial version", done("api.cli", "migrate", SPHERES_LANG="en")),
            ("Une version d’essai", done("api.cli.migrated", SPHERES_LANG="fr", **as_up_does)),
        ):
            assert tried.returncode == 2, tried.stderr
            (told,) = (line for line in tried.stderr.splitlines() if line.startswith(sentence))
            assert str(short_data) in told
            assert "DATABASE_URL" not in told
        with owner.connect() as connection:
            assert connection.scalar(text("select version_num from alembic_version")) == "0034"
    moved = short_data.rename(short_data.with_name("moved"))
    assert done("api.cli", "migrate").returncode == 0
    assert (moved / "postgres" / "cluster").is_dir()


def test_the_data_lie_beside_the_checkout_wherever_one_stands(
    data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert data_of({}) == ROOT / "data"
    monkeypatch.chdir(tmp_path)
    assert data_of({}) == ROOT / "data"
    assert data_of(os.environ) == data


def test_without_a_checkout_they_lie_among_the_data_of_the_users_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("adapters.places._ROOT", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_of({}) == tmp_path / ".local" / "share" / "spheres"
    assert data_of({"XDG_DATA_HOME": "/srv/data"}) == Path("/srv/data/spheres")
    assert data_of({"XDG_DATA_HOME": "here"}) == tmp_path / ".local" / "share" / "spheres"
