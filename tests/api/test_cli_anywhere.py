"""The command line at a terminal of any zone, locale and alphabet, those that are not set or not known included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cast import ROOT, Cast
from tests.fakes.ledger import on_disk_beside

COMMAND = [sys.executable, "-m", "api.cli", "program", "export", "--program", "greater-montreal"]


def environment(cast: Cast, data: Path, terminal: dict[str, str]) -> dict[str, str]:
    """The least that a command needs, and what the terminal says of itself."""
    ours = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": cast.database.url}
    return {**ours, **on_disk_beside(cast.database, data), **terminal}


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    "terminal",
    [
        {},
        {"TZ": "Mars/Phobos", "LANG": "xx_YY"},
        {"TZ": "EST5EDT,M3.2.0", "LC_ALL": "xx_YY.UTF-8", "PYTHONIOENCODING": "latin-1"},
    ],
    ids=["nothing is set", "unknown", "half a zone, and an alphabet without our apostrophe"],
)
def test_a_command_works_whatever_zone_and_locale_are_said_to_be(
    cast: Cast, tmp_path: Path, terminal: dict[str, str]
) -> None:
    done = subprocess.run(COMMAND, env=environment(cast, tmp_path, terminal), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "L’Anonyme" in done.stdout.decode("utf-8"), "what goes elsewhere than to a terminal loses no letter"


@pytest.mark.ci
def test_a_terminal_of_another_alphabet_is_written_what_it_can_show(cast: Cast, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    latin = environment(cast, tmp_path, {"PYTHONIOENCODING": "latin-1"})
    with subprocess.Popen(COMMAND, env=latin, stdout=theirs, stderr=subprocess.PIPE) as done:
        os.close(theirs)
        said = b""
        try:
            while read := os.read(ours, 65_536):
                said += read
        except OSError:
            pass  # so ends a terminal on Linux
        assert done.stderr is not None
        assert done.stderr.read() == b""
    os.close(ours)
    assert done.returncode == 0
    assert "En Marge" in said.decode("latin-1")
    assert "L?Anonyme" in said.decode("latin-1")
