"""What a shell completes at the terminal, and which version this is: at once, and in any folder."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from api.cli.commands import app
from api.cli.completing import WORDS, lines_of
from tests.cast import ROOT

#: What takes the time that reading every command takes.
COSTLY = ("sqlalchemy", "babel", "adapters", "locales", "api.cli.commands")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where `spheres` is a command, and the data folder is one that is not there."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    command = bin_folder / "spheres"
    command.write_text(f"#!{sys.executable}\nfrom api.cli import main\n\nmain()\n", encoding="utf-8")
    command.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "SPHERES_DATA": str(tmp_path / "data"),
    }


def answered(environment: dict[str, str], *command: str, **more: str) -> str:
    """What a command writes, on its own."""
    done = subprocess.run(command, env=environment | more, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return done.stdout


def completed(environment: dict[str, str], line: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_SPHERES_COMPLETE": "complete_bash"}
    return answered(environment, "spheres", **asked).split()


def test_the_list_that_completes_is_that_of_the_commands() -> None:
    wanted = list(lines_of(typer.main.get_command(app)))
    assert WORDS.read_text(encoding="utf-8").splitlines() == wanted, "write it anew: python -m api.cli.completing"


@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("spheres pro", ["program", "protocol"]),
        ("spheres protocol s", ["show"]),
        ("spheres keys ", ["init", "rotate", "sweep"]),
        ("spheres up --", ["--demo", "--no-demo", "--join", "--help"]),
        ("spheres program load here.yaml --y", ["--yes"]),
        ("spheres demon", []),
    ],
)
def test_the_word_that_was_begun_is_completed(environment: dict[str, str], line: str, offered: list[str]) -> None:
    assert completed(environment, line) == offered
    assert not Path(environment["SPHERES_DATA"]).exists()


@pytest.mark.ci
def test_bash_itself_completes_by_the_script_that_it_is_given(environment: dict[str, str]) -> None:
    script = answered(environment, "spheres", _SPHERES_COMPLETE="source_bash")
    asking = f"{script}\nCOMP_WORDS=(spheres veri)\nCOMP_CWORD=1\n_spheres_completion spheres\necho ${{COMPREPLY[@]}}"
    assert answered(environment, "bash", "-c", asking) == "verify\n"


@pytest.mark.wide(8)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script_and_its_answer(environment: dict[str, str], shell: str) -> None:
    assert "_SPHERES_COMPLETE" in answered(environment, "spheres", _SPHERES_COMPLETE=f"source_{shell}")
    asked = {
        "_SPHERES_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "spheres veri",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": "spheres veri",
        "COMP_CWORD": "1",
    }
    assert "verify" in answered(environment, "spheres", **asked)


def test_nothing_that_takes_long_is_read_to_complete(environment: dict[str, str]) -> None:
    looking = f"""
import atexit, sys
from api.cli import main
atexit.register(lambda: print(*(name for name in {COSTLY!r} if name in sys.modules)))
main()
"""
    asked = {"COMP_WORDS": "spheres veri", "COMP_CWORD": "1", "_SPHERES_COMPLETE": "complete_bash"}
    assert answered(environment, sys.executable, "-c", looking, **asked).split() == ["verify"]


@pytest.mark.ci
def test_a_command_says_which_version_this_is_and_needs_nothing_for_it(environment: dict[str, str]) -> None:
    said = answered(environment, "spheres", "--version", SPHERES_PORT="wrong")
    assert said == f"spheres {version('spheres')}\n"
    assert not Path(environment["SPHERES_DATA"]).exists()
