"""With a table that allows everything, every denied cell of the API: `test_allowing.py` asks those of the pages."""

from __future__ import annotations

from typing import Any

import pytest

from api.access import permissions
from tests.matrix.asked import Route
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.test_allowing import ALL_ALLOWED, denied_by_the_table, hold_that_it_moves


@pytest.mark.nightly
def test_with_a_table_that_allows_everything_nearly_every_denied_cell_of_the_api_fails(
    runner: Runner, routes: list[Route], run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "TABLE", ALL_ALLOWED)
    cells = denied_by_the_table(route for route in routes if route.is_json)
    assert run(hold_that_it_moves(runner, cells)) > 8000
