"""A part of the matrix that stands for all of it: every route lets some in and turns some away, of every kind of asker.

The whole matrix is asked at night.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from tests.matrix import grid
from tests.matrix.asked import Route
from tests.matrix.askers import KINDS, Kind
from tests.matrix.runner import DENIED

Cell = tuple[Route, str, Kind]
"""A route, whose things it is asked of, and the asker."""


def covering(
    routes: Iterable[Route], *, let_in: int, turned_away: int, among: Callable[[Cell], bool] = lambda _: True
) -> list[Cell]:
    """So many cells of each route that `expected.txt` lets in, and so many that it turns away, where there are any.

    Each time the asker who was taken the least so far, at the place at which they were asked the least: the same
    cells for the same routes. Only cells that are `among` those to be taken.
    """
    known = grid.read()
    wanted = {False: let_in, True: turned_away}
    taken: Counter[tuple[bool, str] | tuple[bool, str, str]] = Counter()
    chosen: list[Cell] = []

    def turn(cell: Cell) -> tuple[bool, int, int]:
        """Whether the asker is turned away, and how often they were taken so far: the least comes first."""
        route, place, kind = cell
        is_denied = known[str(route), place, kind.column] in DENIED
        return is_denied, taken[is_denied, kind.column], taken[is_denied, kind.column, place]

    for route in routes:
        left = [cell for place in route.places for kind in KINDS if among(cell := (route, place, kind))]
        for is_denied, most in wanted.items():
            some = [cell for cell in left if turn(cell)[0] == is_denied]
            for _ in range(min(most, len(some))):
                cell = min(some, key=turn)
                _, place, kind = cell
                taken.update([(is_denied, kind.column), (is_denied, kind.column, place)])
                some.remove(cell)
                chosen.append(cell)
    return chosen
