"""Each room of the rules has one public face, its `__init__`: what others import stands there, and nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from bench.house import ROOT

ROOMS = sorted(path.parent.name for path in (ROOT / "domain").glob("*/__init__.py"))
#: What prints, reads PDF and writes workbooks and word processors' files.
LARGE = {"docx", "openpyxl", "pypdf", "prefect"}
CALLERS = ("api", "flows", "meetings", "domain", "demo", "simulation", "bench")


def imported() -> Iterator[tuple[Path, str, str, str]]:
    """Each name that a file imports from another room: the file, the room, the module within it or "", and the name."""
    for top in CALLERS:
        for path in sorted((ROOT / top).rglob("*.py")):
            here = path.relative_to(ROOT).parts
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("domain."):
                    continue
                _, room, *module = (node.module or "").split(".")
                if room in ROOMS and here[:2] != ("domain", room):
                    yield from ((path, room, ".".join(module), alias.name) for alias in node.names)


def faces() -> dict[str, set[str]]:
    """What each room shows of itself."""
    found: dict[str, set[str]] = {}
    for room in ROOMS:
        tree = ast.parse((ROOT / "domain" / room / "__init__.py").read_text("utf-8"))
        found[room] = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    return found


def test_a_room_is_entered_by_its_face_alone() -> None:
    past_it = {f"{path.relative_to(ROOT)}: domain.{room}.{module}" for path, room, module, _ in imported() if module}
    assert past_it == set()


def test_a_face_shows_what_others_use_and_nothing_more() -> None:
    used = defaultdict(set)
    for _, room, _, name in imported():
        used[room].add(name)
    assert {room: shown - used[room] for room, shown in faces().items() if shown - used[room]} == {}


def test_the_windows_are_loaded_without_what_few_requests_need() -> None:
    """A face that loads all of its room would undo an import that waits for its first use."""
    assert _loaded_with("api.app", LARGE) == ""


def test_the_process_that_stays_is_loaded_without_what_speaks_to_a_database() -> None:
    """It lives as long as the installation, and has others do what takes a large library."""
    assert _loaded_with("api.cli.installation", {"asyncio", "psycopg", "sqlalchemy", "typer"}) == ""


def _loaded_with(module: str, large: AbstractSet[str]) -> str:
    """Which of these large modules are loaded with a module."""
    code = f"import sys, {module}; print(*sorted({large!r} & sys.modules.keys()))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (loaded.returncode, loaded.stderr) == (0, "")
    return loaded.stdout.strip()
