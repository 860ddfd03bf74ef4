"""One more machine of an installation: what it shares, what it waits for, and that it makes nothing of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from adapters.settings import Settings
from api import cli
from tests.api.test_supervise import as_started, started_with

_OWN = {
    "DATABASE_URL": "postgresql://spheres_app:x@127.0.0.1/spheres",
    "PREFECT_DATABASE_URL": "postgresql://spheres_prefect:x@127.0.0.1/prefect",
}


@pytest.mark.ci
@pytest.mark.parametrize("missing", ["DATABASE_URL", "SPHERES_PEOPLE_KEYS", "SPHERES_SEAL_KEY_FILE", "SPHERES_LEDGER"])
def test_a_machine_joins_no_installation_with_which_it_shares_nothing(tmp_path: Path, missing: str) -> None:
    shared = {
        "SPHERES_PEOPLE_KEYS": str(tmp_path / "people"),
        "SPHERES_SEAL_KEY_FILE": str(tmp_path / "seal.json"),
        "SPHERES_LEDGER": str(tmp_path / "ledger"),
    }
    given = {name: value for name, value in {**_OWN, **shared}.items() if name != missing}
    if missing == "DATABASE_URL":
        given.pop("PREFECT_DATABASE_URL")
    said = started_with("--join", SPHERES_DATA=str(tmp_path / "data"), **given)
    assert (said.returncode, said.stdout) == (2, b"")
    (line,) = said.stderr.decode().splitlines()
    assert line.startswith(f"{missing} is needed with --join")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("given", [("up", "--join"), ("up", "--join", "--no-demo")])
def test_joining_is_asked_for_at_the_command_line(given: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []

    class Became(Exception):
        """The process is another by now."""

    def become(_: str, command: list[str], __: dict[str, str]) -> None:
        became.append(command)
        raise Became

    def stay(*, demo: bool | None, join: bool) -> None:
        assert demo is None
        became.append(["-m", "api.cli.installation", *(["--join"] if join else [])])
        raise Became

    monkeypatch.setattr(os, "execve", become)
    monkeypatch.setattr("api.cli.installation.main", stay)
    monkeypatch.setattr(sys, "argv", ["spheres", *given])
    with pytest.raises(Became):
        cli.main()
    assert became[0][-3:] == ["-m", "api.cli.installation", "--join"]


def test_the_engines_server_of_a_machine_that_joins_holds_up_nothing_while_it_waits_for_its_seat(
    tmp_path: Path,
) -> None:
    assert as_started({"SPHERES_DATA": str(tmp_path)}, join=True)["prefect"].may_wait
    assert not as_started({"SPHERES_DATA": str(tmp_path)})["prefect"].may_wait


def test_a_machine_that_joins_starts_nothing_before_it_has_seen_the_walls_the_keys_and_the_tables(
    tmp_path: Path,
) -> None:
    """Its web would else serve pages on tables of another version, for as long as it waits for them."""
    joined = as_started({"SPHERES_DATA": str(tmp_path), **_OWN}, join=True)
    assert {name for name, one in joined.items() if one.after == 0} == set()
    assert list(joined)[:3] == ["web", "prefect", "worker"]
    first = as_started({"SPHERES_DATA": str(tmp_path), **_OWN})
    assert first["web"].after == 0, "a person waits for the first page"


@pytest.mark.parametrize(
    ("settings", "here", "elsewhere"),
    [
        ({}, "http://127.0.0.1:8401/api", "http://127.0.0.1:8401/api"),
        ({"SPHERES_PREFECT_HOST": "10.0.0.5"}, "http://10.0.0.5:8401/api", "http://10.0.0.5:8401/api"),
        ({"SPHERES_PREFECT_HOST": "fd00::5"}, "http://[fd00::5]:8401/api", "http://[fd00::5]:8401/api"),
        (
            {"SPHERES_PREFECT_URL": "https://one.spheres.example:8443/"},
            "http://127.0.0.1:8401/api",
            "https://one.spheres.example:8443/api",
        ),
    ],
)
def test_the_engine_listens_at_one_address_and_is_known_to_other_machines_by_it_or_by_what_stands_before_it(
    tmp_path: Path, settings: dict[str, str], here: str, elsewhere: str
) -> None:
    read = Settings.from_env(settings)
    assert (read.engine_here, read.engine_from_elsewhere) == (here, elsewhere)
    processes = as_started({"SPHERES_DATA": str(tmp_path), **settings})
    assert processes["prefect"].ready == f"{here}/health"
    assert processes["prefect"].environment["PREFECT_SERVER_API_HOST"] == read.prefect_host
    assert processes["worker"].environment["PREFECT_API_URL"] == here
    assert read.prefect_host in processes["worker"].environment["no_proxy"]


def test_machines_that_share_their_keys_share_the_word_of_their_engine(tmp_path: Path) -> None:
    def word(data: str, **settings: str) -> str:
        return as_started({"SPHERES_DATA": str(tmp_path / data), **settings})["prefect"].environment[
            "PREFECT_SERVER_API_AUTH_STRING"
        ]

    for data in ("one", "two", "three"):
        (tmp_path / data).mkdir()
    keys = tmp_path / "keys"
    keys.mkdir()
    shared = word("one", SPHERES_PEOPLE_KEYS=str(keys))
    assert word("two", SPHERES_PEOPLE_KEYS=str(keys)) == shared
    assert word("three") == word("three") != shared
    assert (tmp_path / "three" / "prefect-auth").read_text() == word("three")
