"""Who goes together in exports: groups of at least so many, whose people are as alike as they can be in what is known.

Pure functions. A group is made by what another person may know alone, and by nothing that is measured: one who knows
the rule and all of that finds the same groups, and learns nothing of who is who in one. docs/adr/0029 says what is
guaranteed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from domain.research.fields import KNOWABLE
from domain.research.known import Known, ResearchField

#: The number of the rule by which groups are made and fields are blurred: each export says under which it was made.
RULE: Final = 2


def groups(people: Sequence[Known], smallest: int) -> list[list[int]]:
    """The places of people, in groups of `smallest` to one less than twice as many; none where they are fewer.

    No one is left out otherwise. Each is halved where its people differ most, until a half would be too small. Raises
    ValueError below 2.
    """
    if smallest < 2:  # noqa: PLR2004 - one alone is no group
        raise ValueError("a group has two people at least")
    return _halved(people, list(range(len(people))), smallest) if len(people) >= smallest else []


def _halved(people: Sequence[Known], those: list[int], smallest: int) -> list[list[int]]:
    if len(those) < 2 * smallest:
        return [those]
    by = max(KNOWABLE, key=lambda one: _apart(one, [people[place] for place in those]))
    values = {place: _in_order(by, people[place]) for place in those}
    ordered = sorted(those, key=lambda place: (values[place], place))
    cut = _between(ordered, values, smallest)
    return [*_halved(people, ordered[:cut], smallest), *_halved(people, ordered[cut:], smallest)]


def _between(ordered: Sequence[int], values: dict[int, tuple[int, str]], smallest: int) -> int:
    """Where to cut: nearest to the middle, and between two values where that leaves enough on both sides."""
    middle = len(ordered) // 2
    cuts = range(smallest, len(ordered) - smallest + 1)
    between = [cut for cut in cuts if values[ordered[cut - 1]] != values[ordered[cut]]]
    return min(between or [middle], key=lambda cut: (abs(cut - middle), cut))


def _apart(one: ResearchField, people: Sequence[Known]) -> float:
    """How far apart people are in a field: of numbers by what counts as far, of words by how many are of another."""
    values = [one.of(known) for known in people]
    if one.kind == "word":
        return 1 - Counter(values).most_common(1)[0][1] / len(values)
    numbers = [value for value in values if isinstance(value, int)]
    return (max(numbers) - min(numbers)) / (2 * one.wide) if numbers else 0


def _in_order(one: ResearchField, known: Known) -> tuple[int, str]:
    """A value as it is ordered among those of its field: what is not known first."""
    value = one.of(known)
    return (value, "") if isinstance(value, int) else (-1, value or "")
