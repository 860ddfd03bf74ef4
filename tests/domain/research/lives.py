"""A program that is made up: people come, consent, change and withdraw, and two studies export them at several dates.

It makes groups by the program's own rule, and keeps what an attacker would know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from domain.follow_ups import CHOICE_WORDS
from domain.kernel import surely
from domain.participants import GENDERS
from domain.research.fields import FIELDS, told
from domain.research.grouping import groups
from domain.research.known import Known, SelfReported, Value, month_of

SMALLEST: Final = 5
RISKS: Final = ("red", "yellow", "green", "none")
_AREAS: Final = ("montreal", "laval", "longueuil", "nord", "sud")
_PLACES: Final = ("ccsmtl", "codim", "en-marge", "anonyme")

Row = dict[str, Value]


@dataclass(frozen=True)
class Export:
    """One export of a study: a row by the code of each person, whom the attacker does not see."""

    study: int
    rows: dict[str, Row]
    whose: dict[str, int]


@dataclass
class Life:
    """People by their place, the groups they are in, those that left, and the exports that were made."""

    people: list[Known] = field(default_factory=list)
    consenting: set[int] = field(default_factory=set)
    made: list[list[int]] = field(default_factory=list)
    left: set[int] = field(default_factory=set)
    exports: list[Export] = field(default_factory=list)

    @property
    def grouped(self) -> set[int]:
        """Everyone who is or was in a group."""
        return {place for group in self.made for place in group}

    def export(self, study: int, fields: Sequence[str]) -> Export:
        """Make groups of who waits, and an export of every group that is whole."""
        waiting = sorted(self.consenting - self.grouped)
        found = groups([self.people[place] for place in waiting], SMALLEST)
        self.made += [[waiting[place] for place in group] for group in found]
        rows: dict[str, Row] = {}
        whose: dict[str, int] = {}
        for n, group in enumerate(self.made):
            if n in self.left:
                continue
            known = [self.people[place] for place in group]
            for place in group:
                code = f"{study}-{hash((study, place, 'key')) & 0xFFFFFFFF:08x}"
                rows[code] = told([FIELDS[key] for key in fields], known, self.people[place])
                whose[code] = place
        made = Export(study, rows, whose)
        self.exports.append(made)
        return made

    def withdraw(self, place: int) -> None:
        """Somebody withdraws, and their group leaves."""
        self.consenting.discard(place)
        self.left |= {n for n, group in enumerate(self.made) if place in group}


def drawn(seed: int) -> Random:
    """The chance of a seed."""
    return Random(seed)  # noqa: S311 - the same each time, and no secret


def somebody(chance: Random, month: int) -> Known:
    """A person as chance has them, who entered in a month."""
    weeks = chance.randint(0, 40)
    met = chance.randint(0, weeks)
    return Known(
        age=chance.choice([None, *range(12, 25)]),
        gender=chance.choice(["", *GENDERS]),
        area=chance.choice(("", *_AREAS)),
        organization=chance.choice(_PLACES),
        entered=month,
        risk=chance.choice(RISKS),
        state="active",
        months_followed=chance.randint(0, 6),
        days_to_admission=chance.randint(0, 90),
        intensity=chance.choice(("light", "regular", "intense")),
        weeks=weeks,
        met=met,
        minutes=met * chance.randint(20, 120),
        weeks_in_touch=chance.randint(met, weeks) if weeks else 0,
        why_none={"no_news": weeks - met},
        said={
            column: {chance.choice(sorted(words)): chance.randint(1, weeks)} if weeks else {}
            for column, words in CHOICE_WORDS.items()
        },
        activities={"outing": chance.randint(0, 6)},
        times={1: SelfReported(month + 2, chance.choice(RISKS))} if chance.random() < 0.5 else {},
    )


def lived(chance: Random, steps: int) -> Life:
    """A life of so many quarters, with an export of one of two studies after each."""
    life = Life()
    asked = [chance.sample(sorted(FIELDS), chance.randint(3, len(FIELDS))) for _ in range(2)]
    for step in range(steps):
        month = month_of(2026, 1) + 3 * step
        life.people += [somebody(chance, month + chance.randint(0, 2)) for _ in range(chance.randint(0, 12))]
        _change(chance, life)
        new = set(range(len(life.people))) - life.consenting - life.grouped
        life.consenting |= {place for place in new if chance.random() < 0.7}
        for place in sorted(life.consenting):
            if chance.random() < 0.04:
                life.withdraw(place)
        study = chance.randrange(2)
        life.export(study, asked[study])
    return life


def _change(chance: Random, life: Life) -> None:
    for place, known in enumerate(life.people):
        if chance.random() < 0.2:
            state = chance.choice(("active", "on_break", "inactive", "completed"))
            reported = {n: SelfReported(surely(known.entered) + 2 + 6 * (n - 1), chance.choice(RISKS)) for n in (1, 2)}
            life.people[place] = replace(
                known, state=state, months_followed=(known.months_followed or 0) + 3, times=reported
            )


def fits(row: Row, known: Known) -> bool:
    """Whether a row may be of a person of whom all is known that somebody else may know.

    So is whether they filled in a questionnaire, though not what it says.
    """
    for one in FIELDS.values():
        if one.of_all and row.get(one.key) is not None and one.of(known) is None:
            return False
        if not one.knowable or one.columns[0] not in row:
            continue
        shown = told([one], [known], known)
        if one.kind == "word":
            may_be = row[one.key] in (None, shown[one.key])
        else:
            least, most = (row[column] for column in one.columns)
            value = shown[one.columns[0]]
            may_be = (
                value is None or least is None or (str(least).zfill(9) <= str(value).zfill(9) <= str(most).zfill(9))
            )
        if not may_be:
            return False
    return True


def pairs(life: Life) -> Iterator[tuple[Export, Export]]:
    """Every two exports of a life, the earlier first."""
    for n, later in enumerate(life.exports):
        for earlier in life.exports[:n]:
            yield earlier, later
