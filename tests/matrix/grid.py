"""`expected.txt`: what each kind of asker is answered by each route, as a table that people read and review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from tests.matrix.asked import Route
from tests.matrix.askers import KINDS

EXPECTED: Final = Path(__file__).with_name("expected.txt")

_PLACE: Final = 10
_CELL: Final = 5

Cell = tuple[str, str, str]
"""A route, whose thing it is asked of, and the column of the asker."""
Grid = Mapping[Cell, str]

_HEAD: Final = """\
# Who is answered what, by every route, of whose things. Written by: python -m tests.matrix. Read what changed.
#
# 404    not theirs, or not there: the two look alike, and the record has a line
# 404r   nothing of that name for someone who may ask, or for a stranger: no refusal of anyone's to see
# door   led to the sign-in;  401 the same over JSON;  403 from elsewhere
# 409 and the like   theirs to ask for, and a rule refuses it now;  2xx and 303 done
#
# codim, anonyme, ccsmtl   things of three organizations of the askers' program;  elsewhere   of one of the other's
# absent   an id of nothing;  –   a route that names no thing
#
"""


@cache
def read() -> Grid:
    """What is expected, by route, place and column. Read once: it has forty thousand cells."""
    found: dict[Cell, str] = {}
    route = ""
    columns: list[str] = []
    for line in EXPECTED.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith(" " * _PLACE):
            columns = line.split()
        elif line.startswith("  "):
            place, *codes = line.split()
            found |= {(route, place, column): code for column, code in zip(columns, codes, strict=True)}
        else:
            route = line.rpartition("  ")[0].strip()
    return found


@cache
def actions() -> Mapping[str, str]:
    """The action that each route is expected to ask, by the route."""
    heads = [line.rpartition("  ") for line in EXPECTED.read_text(encoding="utf-8").splitlines()]
    return {route: action for route, _, action in heads if route and route[0].isupper()}


def write(grid: Grid, routes: Iterable[Route]) -> None:
    """Write what was answered, in the order of the routes' addresses."""
    EXPECTED.write_text("\n".join(_lines(grid, routes)) + "\n", encoding="utf-8")


def _lines(grid: Grid, routes: Iterable[Route]) -> Iterator[str]:
    yield _HEAD + "\n".join(f"# {kind.column}   {kind.means}" for kind in KINDS) + "\n"
    for route in sorted(routes, key=lambda one: (one.is_json, one.path, one.method)):
        yield f"{route}  {route.action}"
        yield " " * (_PLACE + 2) + "".join(f"{kind.column:<{_CELL}}" for kind in KINDS).rstrip()
        for place in route.places:
            codes = "".join(f"{grid[str(route), place, kind.column]:<{_CELL}}" for kind in KINDS)
            yield f"  {place:<{_PLACE}}{codes.rstrip()}"
        yield ""
