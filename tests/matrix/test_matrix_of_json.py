"""Every kind of asker at every route of the API, as `test_matrix.py` asks the pages. Apart: two cores share them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.matrix.asked import Route
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.test_matrix import cells_of, hold


@pytest.mark.nightly
def test_every_cell_of_the_api_is_answered_as_expected(runner: Runner, routes: list[Route], run: Run[Any]) -> None:
    asked = run(hold(runner, cells_of(route for route in routes if route.is_json)))
    assert asked > 4000
