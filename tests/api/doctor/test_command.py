"""`spheres doctor` as a command: what it says of a sound and a broken installation, its status, and its JSON."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.cli import main
from api.cli.checkup.finding import Check, Finding, Group, words
from api.cli.checkup.groups import GROUPS
from api.cli.checkup.house import House
from api.cli.doctor import examine, examined, gravest
from locales import LANGUAGES
from tests.api.doctor.houses import environment, house, running
from tests.api.doctor.test_engine import mark_all
from tests.cast import MEMBERS, Cast
from tests.tending import give_sign

#: Runs `spheres doctor` in an environment and gives its status, what it said, and what it said on the error channel.
Doctor = Callable[..., tuple[int, str, str]]


@pytest.fixture
def doctor(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs the command on a sound installation, but for the variables that are given."""

    def run(*options: str, **variables: object) -> tuple[int, str, str]:
        for name, value in environment(cast, tmp_path, **variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["spheres", "doctor", *options])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder below one, with its permissions and when it was last changed."""
    return {str(one): (one.stat().st_mode, one.stat().st_mtime_ns) for one in sorted(folder.rglob("*"))}


def test_of_a_sound_installation_nothing_is_wrong_and_nothing_is_changed(cast: Cast, tmp_path: Path) -> None:
    give_sign(cast)
    mark_all(cast)
    with running() as ports:
        environment(cast, tmp_path, **ports)
        before = files_of(tmp_path)
        found = examine(house(cast, tmp_path, **ports), GROUPS)
        assert files_of(tmp_path) == before
    wrong = {one.check.key: one.seen.told_in("en") for _, one in found if one.state == "wrong"}
    assert wrong == {}


def test_where_nothing_was_made_nothing_is_made_and_nothing_is_wrong(tmp_path: Path) -> None:
    data = tmp_path / "data"
    found = examined({"SPHERES_DATA": str(data), "SPHERES_PORT": "8499", "SPHERES_PREFECT_PORT": "8498"})
    assert {one.state for _, one in found if one.check.key.startswith(("keys", "walls", "clock"))} == {"not_asked"}
    assert not data.exists()


def test_what_is_wrong_is_the_status(doctor: Doctor, cast: Cast) -> None:
    status, said, _ = doctor(DATABASE_URL=cast.database.admin_url, DATABASE_OWNER_URL="")
    assert status == 1
    assert "[database.role]" in said
    assert "→" in said


def test_an_installation_that_is_stopped_is_told_without_a_fault(doctor: Doctor) -> None:
    status, said, err = doctor()
    assert (status, err) == (0, "")
    assert "not asked  The installation does not run here. [engine.runs, engine.server]" in said


@pytest.mark.ci
def test_for_a_timer_an_installation_that_does_not_run_is_wrong(doctor: Doctor) -> None:
    status, said, _ = doctor("--running")
    assert status == 1
    assert "WRONG      The installation does not run here. [engine.runs]" in said
    assert "spheres up" in said
    with running() as ports:
        _, said, _ = doctor("--running", **ports)
    assert "Its web answers. [engine.runs]" in said


@pytest.mark.parametrize("of_server", [True, False], ids=["own server", "embedded"])
def test_where_a_restore_was_cut_off_that_is_wrong_whatever_else_is_there(
    doctor: Doctor, tmp_path: Path, *, of_server: bool
) -> None:
    (tmp_path / "restoring").mkdir()
    none: dict[str, object] = dict.fromkeys(("DATABASE_URL", "DATABASE_OWNER_URL", "PREFECT_DATABASE_URL"))
    status, said, _ = doctor(**({} if of_server else none))
    assert status == 1
    assert "is at work, or was cut off" in said


def test_keys_and_a_ledger_without_their_database_are_wrong(doctor: Doctor) -> None:
    none: dict[str, object] = dict.fromkeys(("DATABASE_URL", "DATABASE_OWNER_URL", "PREFECT_DATABASE_URL"))
    status, said, _ = doctor(**none)
    assert status == 1
    assert "ledger.jsonl lies here, which belongs to one. [database.answers]" in said
    assert "spheres restore" in said


def test_a_setting_that_cannot_be_used_is_told_and_nothing_else_is_asked(doctor: Doctor) -> None:
    status, said, _ = doctor("--json", SPHERES_POTR="8400")
    told = {one["key"]: one for one in json.loads(said)["checks"]}
    assert status == 1
    assert "SPHERES_PORT" in told.pop("settings.read")["seen"]
    assert {one["state"] for one in told.values()} == {"not_asked"}


def test_the_answer_in_json_keeps_its_keys_and_says_everything_once(doctor: Doctor) -> None:
    status, said, _ = doctor("--json")
    answer = json.loads(said)
    assert status == 0
    assert answer.keys() == {"format", "at", "state", "checks"}
    assert [one["key"] for one in answer["checks"]] == [check.key for group in GROUPS for check in group.checks]
    assert {tuple(one) for one in answer["checks"]} == {("key", "group", "name", "state", "seen", "todo")}
    assert {one["state"] for one in answer["checks"]} <= {"ok", "warn", "wrong", "not_asked"}
    assert all(one["todo"] for one in answer["checks"] if one["state"] in ("warn", "wrong"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_speaks_the_language_of_the_terminal(doctor: Doctor, language: str) -> None:
    _, said, _ = doctor(SPHERES_LANG=language)
    assert ("Base de données" in said, "Database\n" in said) == (language == "fr", language == "en")


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_it_shows_no_word_no_password_and_no_person(doctor: Doctor, cast: Cast, options: tuple[str, ...]) -> None:
    away = cast.database.url.replace("spheres_app:", "spheres_app:canary-")
    for variables in ({}, {"DATABASE_URL": away}):
        _, said, err = doctor(*options, **variables)
        assert "canary" not in said + err
        assert [one.name for one in MEMBERS.values() if one.name in said + err] == []


# ------------------------------------------------------------------------------------------------ checks that misbehave

_ONE, _OTHER = Check("made_up.one", "One"), Check("made_up.other", "Other")


@pytest.fixture
def here(cast: Cast, tmp_path: Path) -> House:
    return house(cast, tmp_path)


def test_a_check_that_hangs_is_told_and_holds_up_no_other(here: House) -> None:
    over = threading.Event()

    def hang(_: House) -> Iterator[Finding]:
        yield _ONE.ok("well")
        over.wait()

    hung = Group("hung", "Hung", (_ONE, _OTHER), hang)
    quick = Group("quick", "Quick", (_ONE,), lambda _: iter([_ONE.ok("well")]))
    found = examine(here, [hung, quick], seconds=0.2)
    over.set()
    assert [(one.check, one.state) for _, one in found] == [(_ONE, "ok"), (_OTHER, "wrong"), (_ONE, "ok")]
    assert "No answer came" in found[1][1].seen.told_in("en")


def test_a_check_that_fails_is_told_by_the_kind_of_its_error_alone(here: House) -> None:
    def fail(_: House) -> Iterator[Finding]:
        yield _ONE.warn(words("look"), words("do"))
        raise LookupError("canary")

    found = examine(here, [Group("failing", "Failing", (_ONE, _OTHER), fail)])
    assert [one.state for _, one in found] == ["warn", "wrong"]
    assert found[1][1].seen.told_in("en") == "The check itself failed (LookupError)."


def test_the_gravest_state_counts() -> None:
    def of(*states: str) -> list[tuple[Group, Finding]]:
        made = {"ok": _ONE.ok("x"), "warn": _ONE.warn(words("x"), words("y")), "not_asked": _ONE.not_asked(words("x"))}
        return [(GROUPS[0], made[state]) for state in states]

    assert (gravest(of("ok", "warn", "not_asked")), gravest(of("ok"))) == ("warn", "ok")
