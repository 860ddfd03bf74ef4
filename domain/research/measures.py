"""How the program is carried out (ER-1), in figures that tell of no one: of people in whole blocks, in order of entry.

People count in blocks of so many, in the order in which their follow-ups were opened: of one organization, or of
several where each has too few. Who is in a block that is not full counts nowhere yet. A block never changes. So of any
two figures, of two quarters or of two organizations, what differs is whole blocks; and a share counts its people in
whole blocks too (docs/adr/0030).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median_low
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Period, col, every, of
from domain.research.facts import Months, known_of
from domain.research.known import Known, a_quarter
from domain.research.studies import rules_of
from models.follow_up import FollowUp

#: A share is told to the nearest of so many percent.
_PERCENT_STEP: Final = 5
_WEEK: Final = 7
#: In the place of an organization, what has blocks of several.
SEVERAL: Final = ""


@dataclass(frozen=True)
class Carried:
    """The people who count by the end of a period, by organization in the order of entry, each block whole."""

    smallest: int
    by_organization: Mapping[str, Sequence[Known]]

    @property
    def together(self) -> Sequence[Known]:
        """All who count somewhere: no one else is in any figure."""
        return [known for people in self.by_organization.values() for known in people]


def in_blocks(people: Iterable[Known], smallest: int) -> Carried:
    """Those who count, of people in the order of entry: in a block of their organization, or of several.

    Five of one organization who wait are a block of it. Where ten wait, the five who entered first are one of several
    organizations. No one who enters later changes a block.
    """
    waiting: list[Known] = []
    whole: dict[str, list[Known]] = defaultdict(list)
    for known in people:
        waiting.append(known)
        mine = [place for place, one in enumerate(waiting) if one.organization == known.organization]
        if len(mine) == smallest:
            whole[known.organization] += [waiting[place] for place in mine]
            waiting = [one for place, one in enumerate(waiting) if place not in mine]
        elif len(waiting) == 2 * smallest:
            whole[SEVERAL] += waiting[:smallest]
            del waiting[:smallest]
    return Carried(smallest, dict(sorted(whole.items())))


#: What a middle is of: the value of one person, or None where they have none, and to what it is rounded.
Measure = tuple[Callable[[Known], int | None], int]

MEASURES: Final[Mapping[str, Measure]] = {
    "to_first_meeting": (lambda known: _weeks(known.days_to_first_meeting), 1),
    "to_admission": (lambda known: _weeks(known.days_to_admission), 1),
    "months": (lambda known: known.months_followed, 1),
    "meetings": (lambda known: a_quarter(known.met, known.weeks), 1),
    "minutes": (lambda known: round(known.minutes / known.met) if known.met else None, 15),
    "in_touch": (lambda known: round(100 * known.weeks_in_touch / known.weeks) if known.weeks else None, 10),
}


def middle(people: Sequence[Known], measure: Measure, smallest: int) -> int | None:
    """The middle value of people, rounded; None where fewer than a block have one."""
    value, step = measure
    values = [found for found in map(value, people) if found is not None]
    return step * round(median_low(values) / step) if len(values) >= smallest else None


def share_of_people(people: Sequence[Known], is_so: Callable[[Known], bool], smallest: int) -> int | None:
    """Of how many it is so, in percent, counted in whole blocks: "at least". None below one block."""
    many = sum(map(is_so, people))
    many -= many % smallest
    return _percent(many, len(people)) if many else None


def share_of_things(people: Sequence[Known], count: Callable[[Known], int], of_all: int, smallest: int) -> int | None:
    """Of all their weeks or activities, how many are so, in percent; None where they are of fewer than a block."""
    counts = [count(known) for known in people]
    return _percent(sum(counts), of_all) if sum(n > 0 for n in counts) >= smallest and of_all else None


def _percent(part: int, whole: int) -> int:
    return _PERCENT_STEP * round(100 * part / whole / _PERCENT_STEP)


def _weeks(days: int | None) -> int | None:
    return None if days is None else round(days / _WEEK)


def carried_out(session: Session, period: Period) -> Carried:
    """Those who count by the end of a period, with what is known of them since the program began."""
    rows = every(
        session,
        of(FollowUp)
        .where(col(FollowUp.opened_on) <= period.ends_on)
        .order_by(col(FollowUp.opened_at), col(FollowUp.id)),
    )
    people: list[UUID] = [row.participant_id for row in rows]
    first = min((row.opened_on for row in rows), default=period.starts_on)
    months = Months(date(first.year, first.month, 1), date(period.ends_on.year, period.ends_on.month, 1))
    known = known_of(session, people, months, with_identity=False)
    return in_blocks((known[one] for one in people), rules_of(session).smallest_group)
