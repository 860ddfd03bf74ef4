"""Counts of participants that may leave the program: which are shown, so that no small one can be reckoned from others.

Pure functions. docs/adr/0012 has the rule and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: From 1 to this many people, a count tells of each of them.
SMALL: Final = 4
#: The least that a count is that is not small.
_LARGE: Final = SMALL + 1


@dataclass(frozen=True)
class Shares:
    """A total and its parts as they may be shown: None is a number that is not."""

    total: int | None
    parts: tuple[int | None, ...]


def shares(parts: Sequence[int]) -> Shares:
    """The parts of one cohort, each person in one part, and their sum, as far as they may be shown.

    A small total hides the whole table, its zeros too. Else the total is shown, and every small part is hidden; with
    them, in the order in which the parts stand, as many larger ones as it takes for each small part to be anything
    from 1 to 4 even to someone who knows which of the hidden ones are small. Where there are not enough, no part is
    shown. Raises ValueError below 0.
    """
    if any(n < 0 for n in parts):
        raise ValueError("nothing is counted below 0")
    total = sum(parts)
    nothing = (None,) * len(parts)
    if 0 < total <= SMALL:
        return Shares(None, nothing)
    small = {place for place, n in enumerate(parts) if 0 < n <= SMALL}
    if not small:
        return Shares(total, tuple(parts))
    hidden = _with_cover(parts, small)
    if hidden is None:
        return Shares(total, nothing)
    return Shares(total, tuple(None if place in hidden else n for place, n in enumerate(parts)))


def _with_cover(parts: Sequence[int], small: set[int]) -> set[int] | None:
    """The small parts, and the larger ones that are hidden beside them; None where they are not enough.

    What is hidden adds up to a number that anyone can reckon. `small` ones of it are from 1 to 4 each, the others 5 or
    more: a small one can be 4 where all that is left for the others is their least, and 1 where they take the rest.
    """
    larger = [place for place, n in enumerate(parts) if n >= _LARGE]
    hidden, left, count = set(small), sum(parts[place] for place in small), len(small)
    if not larger:
        # Nothing stands beside them that could take the rest: they must be able to take it themselves.
        return hidden if count - 1 + SMALL <= left <= SMALL * (count - 1) + 1 else None
    for beside, place in enumerate(larger, 1):
        hidden.add(place)
        left += parts[place]
        if left >= count - 1 + SMALL + _LARGE * beside:
            return hidden
    return None
