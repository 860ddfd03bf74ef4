"""The process that stays behind `spheres up`: what it cannot prepare ends all that it started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.cast import ROOT, Cast
from tests.flows.prefect_server import free_port

pytestmark = pytest.mark.long


def test_a_demonstration_is_refused_beside_a_real_program_and_nothing_is_left_running(
    cast: Cast, tmp_path: Path
) -> None:
    ours = ("SPHERES_", "PREFECT_", "DATABASE_")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "SPHERES_DATA": str(tmp_path),
        "SPHERES_PORT": str(free_port()),
        "SPHERES_PREFECT_PORT": str(free_port()),
        "SPHERES_LANG": "en",
        "DATABASE_URL": cast.database.url,
        "DATABASE_OWNER_URL": cast.database.owner_url,
        "PREFECT_DATABASE_URL": "postgresql+asyncpg://nobody:x@/prefect?host=/nowhere",
    }
    before = {one.pid for one in psutil.process_iter()}
    command = [sys.executable, "-m", "api.cli", "up", "--demo"]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert b"This database holds a real program" in ended.stderr
    assert b"Traceback" not in ended.stderr
    left = [one for one in psutil.process_iter(["pid", "environ"]) if one.pid not in before]
    assert [one for one in left if (one.info["environ"] or {}).get("SPHERES_DATA") == str(tmp_path)] == []
