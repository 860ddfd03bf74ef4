"""The world of the matrix, made once a run, and a runner on a copy of it for each module that asks every route."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from tests.cast import Cast
from tests.conftest import Copies
from tests.matrix.asked import Route, routes_of
from tests.matrix.runner import Runner, the_world
from tests.matrix.world import World

T = TypeVar("T")

Run = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture(scope="session")
def the_world_template(copies: Copies, cast_template: tuple[str, Cast]) -> Iterator[tuple[str, World]]:
    """The world's database, and where its things are."""
    with the_world(copies, *cast_template) as made:
        yield made


@pytest.fixture(scope="module")
def runner(copies: Copies, the_world_template: tuple[str, World]) -> Iterator[Runner]:
    """Someone who asks, on a copy of the world."""
    asking = Runner(copies, *the_world_template)
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def routes(runner: Runner) -> list[Route]:
    """Every route of the application."""
    return list(routes_of(runner.app))


@pytest.fixture(scope="module")
def run() -> Iterator[Run[Any]]:
    """Runs something that asks, on one loop for the module: the application keeps what belongs to a loop."""
    with asyncio.Runner() as loop:
        yield loop.run
