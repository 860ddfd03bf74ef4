"""The six readers, ready to read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.meetings.readers import in_node
from tests.meetings.readers.server import served
from tests.meetings.readers.together import Readers


@pytest.fixture(scope="session")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    """The six readers. None is ever left out: what cannot be fetched or started fails."""
    folder = tmp_path_factory.mktemp("readers")
    node = in_node.install(folder / "node")
    with served(folder / "server") as server:
        yield Readers(node, server)
