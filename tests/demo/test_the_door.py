"""The demonstration comes with a checkout alone: the product is whole without it, and says so where it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.cast import ROOT

#: The variables that say where an installation is; a test's own say where it is not.
OURS = ("SPHERES_", "PREFECT_", "DATABASE_", "SMTP_", "ENTRA_", "GRAPH_")
#: Reads each process of the product; the checkout that this Python also knows is hidden from it.
READING = """
import importlib.util, pathlib, sys
sys.path = [one for one in sys.path if not (pathlib.Path(one) / "demo").is_dir()]
import api.app, api.cli.commands, api.cli.installation, api.cli.migrated, flows.worker
print(api.app.__file__, importlib.util.find_spec("demo"))
"""


def environment(tmp_path: Path, code: Path, **more: str) -> dict[str, str]:
    """What a command of the product's `code` is given, of an installation that has nothing yet."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, "PYTHONPATH": str(code), "SPHERES_DATA": str(tmp_path / "data"), **more}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel that was made from this checkout and unpacked."""
    made, folder = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("installed")
    building = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)]
    subprocess.run(building, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = made.iterdir()
    with ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


@pytest.mark.ci
def test_the_wheel_holds_the_product_alone(installed: Path) -> None:
    held = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert held == {"adapters", "api", "domain", "flows", "locales", "meetings", "models", "programs"}


@pytest.mark.ci
@pytest.mark.parametrize("asked", [("up", "--demo"), ("up",)], ids=" ".join)
@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "The demonstration comes with the source checkout only. Start without it: spheres up --no-demo\n"),
        ("fr", "La démonstration ne vient qu’avec le code source. Démarrez sans elle : spheres up --no-demo\n"),
    ],
)
def test_an_installed_product_says_where_the_demonstration_is_and_makes_nothing(
    installed: Path, tmp_path: Path, asked: tuple[str, ...], lang: str, said: str
) -> None:
    settings = environment(tmp_path, installed, SPHERES_LANG=lang, SPHERES_DEMO="yes")
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *asked], env=settings, cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout.decode()) == (2, "")
    assert done.stderr.decode().replace("\N{NO-BREAK SPACE}", " ") == said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.ci
def test_an_installed_product_reads_every_command_and_the_windows_without_it(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READING],
        env=environment(tmp_path, installed),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{installed / 'api' / 'app.py'} None\n"


@pytest.mark.ci
def test_without_a_database_the_process_of_the_demonstration_says_so_and_leaves_no_trace(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo"],
        env=environment(tmp_path, ROOT, SPHERES_LANG="en"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("There is no database here")
    assert list(tmp_path.iterdir()) == []
