"""Writes `expected.txt`, as a test that only `python -m tests.matrix` runs: it needs the same world."""

from __future__ import annotations

from typing import Any

import pytest

from tests.matrix import grid
from tests.matrix.asked import Route
from tests.matrix.askers import KINDS
from tests.matrix.fixtures import Run
from tests.matrix.grid import Cell
from tests.matrix.runner import Runner
from tests.matrix.test_matrix import hold_one


def test_the_matrix_is_written(
    request: pytest.FixtureRequest, runner: Runner, routes: list[Route], run: Run[Any]
) -> None:
    """Of the routes that have one of the option's texts, between commas, in their name; the rows of others are kept."""
    wanted: str = request.config.getoption("--write-matrix")
    kept = grid.read() if grid.EXPECTED.exists() else {}

    wrong = []

    async def ask() -> dict[Cell, str]:
        found = {}
        for route in routes:
            for place in route.places:
                for kind in KINDS:
                    cell = (str(route), place, kind.column)
                    if any(one in str(route) for one in wanted.split(",")) or cell not in kept:
                        answer = await runner.ask(route, kind, place)
                        try:
                            hold_one(runner, route, place, kind, answer)
                        except AssertionError as broken:
                            wrong.append(str(broken))
                        found[cell] = answer.code
                    else:
                        found[cell] = kept[cell]
        return found

    grid.write(run(ask()), routes)
    assert wrong == [], "written, but these break a rule that holds of every answer:\n" + "\n".join(wrong)
