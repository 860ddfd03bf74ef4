"""What `python -m tests.matrix` is told at the command line; what the tests share is in `tests.matrix.fixtures`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`python -m tests.matrix` writes the matrix through these."""
    parser.addoption("--write-matrix", action="store", default="", metavar="TEXT", help="write routes with TEXT")
