"""With `--shuffle-rows` each statement that names no order is answered in one that changes: what relies on it fails.

Without an order PostgreSQL gives rows as they lie, which is nearly always as they were written, and not always.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Executable, Select, event, func


def pytest_addoption(parser: pytest.Parser) -> None:
    """The tests are the same, and slower."""
    parser.addoption("--shuffle-rows", action="store_true", help="give rows in any order where none is named")


@pytest.fixture(scope="session", autouse=True)
def rows_without_an_order(request: pytest.FixtureRequest) -> Iterator[None]:
    """Shuffles what every connection reads, where the option says so."""
    if not request.config.getoption("--shuffle-rows"):
        yield
        return
    event.listen(Engine, "before_execute", _shuffle, retval=True)
    yield
    event.remove(Engine, "before_execute", _shuffle)


def _shuffle(_: Connection, statement: Executable, many: Any, one: Any, __: Any) -> tuple[Executable, Any, Any]:
    return (shuffled(statement) if isinstance(statement, Select) else statement), many, one


def shuffled(statement: Select[Any]) -> Select[Any]:
    """The statement in a random order, where it has none and may have one."""
    ordered = (statement._order_by_clauses, statement._group_by_clauses, statement._distinct)
    return statement if any(ordered) else statement.order_by(func.random())
