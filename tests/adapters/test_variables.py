"""A variable that is misspelt stops the start, and the one that was meant is named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from adapters.environment import SettingsError
from adapters.settings import Settings
from adapters.variables import KNOWN
from api.cli import main
from locales.told import language_of_terminal
from tests.cast import PROGRAM, ROOT


class Noting(Mapping[str, str]):
    """An environment in which nothing is set, and that notes what is asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


#: Of the system and of the locale, and read beside ours.
NOT_OURS = {"XDG_DATA_HOME", "LC_ALL", "LC_MESSAGES", "LANG"}


def test_the_list_of_variables_is_what_is_read() -> None:
    env = Noting()
    Settings.from_env(env)
    language_of_terminal(env)
    assert env.asked - NOT_OURS == KNOWN


def test_no_other_variable_of_ours_is_read_past_the_settings() -> None:
    read = re.compile(r"""(?:environ(?:\.get)?[\[(]|getenv\()\s*f?["'](SPHERES_\w+|SMTP_\w+|GRAPH_\w+|ENTRA_\w+)""")
    for package in ("adapters", "api", "flows", "meetings", "domain", "models", "locales", "programs"):
        for path in (ROOT / package).rglob("*.py"):
            assert set(read.findall(path.read_text(encoding="utf-8"))) <= KNOWN, path


def test_the_list_of_variables_is_that_of_the_readme() -> None:
    part = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Configuration\n")[2].partition("\n## ")[0]
    told: set[str] = set()
    for row in part.splitlines():
        if row.startswith("| `"):
            told.update(re.findall(r"`([A-Z_]+)`", row.split(" | ")[0]))
    assert told == KNOWN


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("SPHERES_PROT", "SPHERES_PORT"),
        ("SPHERES_PORTS", "SPHERES_PORT"),
        ("SPHERES_port", "SPHERES_PORT"),
        ("SHPERES_PORT", "SPHERES_PORT"),
        ("SPHERE_PORT", "SPHERES_PORT"),
        ("SPHERES_LANGUAGE", "SPHERES_LANG"),
        ("SPHERES_SEAL_KEY", "SPHERES_SEAL_KEY_FILE"),
        ("SPHERES_DATABASE_URL", "DATABASE_URL"),
        ("SPHERES_SMTP_HOST", "SMTP_HOST"),
        ("SMTP_HSOT", "SMTP_HOST"),
        ("SMTP_PASSWORDFILE", "SMTP_PASSWORD_FILE"),
        ("GRAPH_TENNANT", "GRAPH_TENANT"),
        ("ENTRA_CLIENTID", "ENTRA_CLIENT_ID"),
        ("DATABASE_ULR", "DATABASE_URL"),
        ("DATABASE_OWNER_URI", "DATABASE_OWNER_URL"),
        ("PREFECT_DATABASE_URLS", "PREFECT_DATABASE_URL"),
        ("SPHERES_X", "README"),
    ],
)
def test_a_misspelt_variable_stops_the_start_and_the_nearest_is_named(given: str, meant: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({given: "s3cr3t"})
    for language in ("en", "fr"):
        said = refused.value.told_in(language)
        assert said.startswith(f"{given} ")
        assert meant in said.removeprefix(given)
        assert "s3cr3t" not in said


@pytest.mark.parametrize(
    "theirs",
    [
        *(
            "SMTP_SERVER",
            "SMTP_PASSWORD",
            "SMTP_USERNAME",
            "SMTP_DEBUG",
            "DATABASE_NAME",
            "TEST_DATABASE_URL",
            "HOSTNAME",
        ),
        *("PREFECT_API_DATABASE_CONNECTION_URL", "GRAPH_TOKEN", "PGHOST", "_SPHERES_COMPLETE", "HEMISPHERES"),
    ],
)
def test_what_other_programs_read_is_let_be(theirs: str) -> None:
    assert Settings.from_env({theirs: "x"}) == Settings.from_env({})


def test_what_is_nearly_one_of_ours_is_another_programs_where_ours_is_set_too() -> None:
    relay = {"SMTP_HOST": "localhost", "SMTP_FROM": "spheres@example.org"}
    assert Settings.from_env(relay | {"SMTP_HOSTS": "a,b"}) == Settings.from_env(relay)
    with pytest.raises(SettingsError):
        Settings.from_env({"SMTP_HOSTS": "a,b"})
    with pytest.raises(SettingsError):  # of ours each one counts
        Settings.from_env({"SPHERES_PORT": "8400", "SPHERES_PORTS": "8500"})


def test_an_empty_variable_counts_as_none_however_it_is_written() -> None:
    assert Settings.from_env({"SPHERES_PROT": " "}) == Settings.from_env({})


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in French, with a misspelt variable."""
    others = {name: value for name, value in os.environ.items() if name not in KNOWN}
    ours = {"SPHERES_LANG": "fr", "SPHERES_DATA": str(tmp_path / "data"), "SPHERES_PROT": "8500"}
    return {**others, **ours, "PYTHONPATH": str(ROOT)}


SENTENCE = "SPHERES_PROT n’est pas connu : vouliez-vous dire SPHERES_PORT?\n"


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    "command",
    [
        ("-m", "api.cli.installation"),
        ("-m", "api.cli.migrated"),
        ("-m", "flows.worker"),
        ("-c", "from api.app import from_environment; from_environment()"),
    ],
    ids=" ".join,
)
def test_every_process_tells_a_wrong_setting_in_the_language_of_the_terminal_and_makes_nothing(
    command: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.replace("\N{NO-BREAK SPACE}", " ") == SENTENCE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "asked",
    [("migrate",), ("program", "export"), ("keys", "init"), ("program", "load", str(PROGRAM)), ("verify",)],
    ids=lambda asked: asked[0],
)
def test_every_command_that_reads_settings_does_so_too(
    asked: tuple[str, ...],
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["spheres", *asked])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.replace("\N{NO-BREAK SPACE}", " ")) == (2, "", SENTENCE)
    assert list(tmp_path.iterdir()) == []
