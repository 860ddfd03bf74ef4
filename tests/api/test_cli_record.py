"""`spheres verify` and `spheres keys`: what an operator is told of the record, and with which status."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.keys import FileSealKeys, make_seal_key
from tests.api.test_cli import Say, at, command
from tests.cast import OTHER_KEY, Cast
from tests.conftest import Database
from tests.sealing import head, seal_all, tamper, write_lines

__all__ = ["at", "command"]

PROGRAM = "greater-montreal"


@pytest.fixture
def sealed(cast: Cast, at: Callable[[Database], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """The cast's record under its seals, whose key the settings name."""
    file = tmp_path / "seal.json"
    monkeypatch.setenv("SPHERES_SEAL_KEY_FILE", str(file))
    make_seal_key(file)
    at(cast.database)
    for each in (cast, cast.other):
        seal_all(each, FileSealKeys(file))
    return cast


@pytest.mark.usefixtures("sealed")
def test_a_sound_record_is_said_to_be_sound_and_what_was_not_compared(command: Say) -> None:
    status, out, err = command("verify")
    assert (status, err) == (0, "")
    assert re.search(rf"{PROGRAM} – lines: \d+; seals: \d+; lines that wait for a seal: 0.", out)
    assert f"{OTHER_KEY} – " in out
    assert "take one from a letter, with --head" in out


def test_the_head_of_a_letter_is_compared(command: Say, sealed: Cast) -> None:
    last = head(sealed)
    status, out, _ = command("verify", "--program", PROGRAM, "--head", f"{last.number}:{last.signature[:24]}")
    assert (status, "compared: 1." in out) == (0, True)
    status, out, _ = command("verify", "--program", PROGRAM, "--head", f"{last.number + 1}:{last.signature}")
    assert status == 1
    assert f"the record ends at seal {last.number}. [head.cut_off]" in out


def test_lines_that_wait_are_counted(command: Say, sealed: Cast) -> None:
    write_lines(sealed, 3)
    assert "wait for a seal: 3." in command("verify", "--program", PROGRAM)[1]


@pytest.mark.parametrize(
    ("lang", "sentence"), [("en", "Under seal 1 lines were changed: {n}. [line.changed]"), ("fr", "[line.changed]")]
)
def test_a_changed_line_is_named_with_status_1(command: Say, sealed: Cast, lang: str, sentence: str) -> None:
    (line,) = tamper(
        sealed.database,
        "update event set actor_as = 'nobody' where n = (select min(n) from event where program_id = :here)"
        " returning n",
        here=sealed.program_id,
    )
    status, out, err = command("verify", lang=lang)
    assert (status, err) == (1, "")
    assert sentence.format(n=line) in out
    assert out.count("[line.changed]") == 1


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("typed", ["nonsense", "1:00"])
def test_a_head_that_is_none_is_refused(command: Say, typed: str) -> None:
    status, _, err = command("verify", "--program", PROGRAM, "--head", typed)
    assert (status, "[head.malformed]" in err) == (1, True)


def test_of_several_programs_a_head_must_say_which(command: Say, sealed: Cast) -> None:
    last = head(sealed)
    status, _, err = command("verify", "--head", f"{last.number}:{last.signature}")
    assert (status, PROGRAM in err) == (2, True)


@pytest.mark.usefixtures("sealed")
def test_without_the_key_the_signatures_cannot_be_checked_and_that_is_no_success(
    command: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPHERES_SEAL_KEY_FILE", str(tmp_path / "another.json"))
    status, _, err = command("verify")
    assert (status, "spheres keys init" in err) == (2, True)
    assert command("keys", "init")[0] == 0
    status, out, _ = command("verify")
    assert (status, "[key.missing]" in out) == (1, True)


def test_keys_are_made_once_and_rotated(command: Say, sealed: Cast, tmp_path: Path) -> None:
    file = tmp_path / "seal.json"
    before = FileSealKeys(file).current()
    status, out, _ = command("keys", "init")
    assert (status, "Nothing was changed" in out) == (0, True)
    status, out, _ = command("keys", "rotate")
    assert (status, FileSealKeys(file).current() in out) == (0, True)
    assert FileSealKeys(file).current() != before
    write_lines(sealed)
    seal_all(sealed, FileSealKeys(file))
    assert command("verify")[0] == 0
