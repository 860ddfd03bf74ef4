"""A part of the matrix that stands for all of it: every route lets some in and turns some away, of every kind of asker.

The whole matrix is asked at night.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from tests.matrix import grid
from tests.matrix.asked import Route
from tests.matrix.askers import KINDS, Kind
from tests.matrix.runner import DENIED

Cell = tuple[Route, str, Kind]
"""A route, whose things it is asked of, and the asker."""

SEVERAL: Final = 3
"""At least at so many routes each kind of asker is let in, and turned away at as many."""


def covering(
    routes: Sequence[Route], *, let_in: int, turned_away: int, among: Callable[[Cell], bool] = lambda _: True
) -> list[Cell]:
    """So many cells of each route that `expected.txt` lets in, and so many that it turns away, where there are any.

    Each time another asker: of those who were taken less than `SEVERAL` times the rarest, then the one of whose
    cells the smallest part was taken, at the place where they were asked the least. The same cells for the same routes,
    and only such as are `among` those to be taken.
    """
    known = grid.read()
    wanted = {False: let_in, True: turned_away}
    cells_of = {
        str(route): [cell for place in route.places for kind in KINDS if among(cell := (route, place, kind))]
        for route in routes
    }

    def is_denied(cell: Cell) -> bool:
        route, place, kind = cell
        return known[str(route), place, kind.column] in DENIED

    there = Counter((is_denied(cell), cell[2].column) for cells in cells_of.values() for cell in cells)
    taken: Counter[tuple[bool, str] | tuple[bool, str, str]] = Counter()
    chosen: list[Cell] = []

    def turn(cell: Cell) -> tuple[bool, float, float, int]:
        """How much the asker was taken so far, here and elsewhere: the least comes first."""
        asker = (is_denied(cell), cell[2].column)
        is_here = any(cell[0] is route and cell[2] is kind for route, _, kind in chosen[-let_in - turned_away :])
        rarest = there[asker] if taken[asker] < SEVERAL else math.inf
        return is_here, rarest, taken[asker] / there[asker], taken[*asker, cell[1]]

    for cells in cells_of.values():
        for denied, most in wanted.items():
            some = [cell for cell in cells if is_denied(cell) == denied]
            for _ in range(min(most, len(some))):
                cell = min(some, key=turn)
                _, place, kind = cell
                taken.update([(denied, kind.column), (denied, kind.column, place)])
                some.remove(cell)
                chosen.append(cell)
    return chosen
