"""Obligations as pages show them: the shape and the word of each state, and lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.declarations import clause_without_role, fact_of
from domain.obligations import WORST_FIRST, PeriodRead, wording
from locales import N_, typeset

#: What a state looks like, and the word for it.
STATES: Final[Mapping[str, tuple[str, str]]] = {
    state: (shape, wording.STATES[state])
    for state, shape in {
        "cannot_be_met": "stop",
        "missed": "stop",
        "at_risk": "late",
        "awaiting_record": "wait",
        "given": "ask",
        "nothing_recorded": "empty",
        "on_track": "half",
        "not_yet": "empty",
        "met": "full",
        "waived": "skip",
        "no_occasion": "skip",
    }.items()
}
#: The letters that stand in a cell, so that the table reads without its shapes and colours.
LETTERS: Final[Mapping[str, str]] = {
    "cannot_be_met": N_("X"),
    "missed": N_("N"),
    "at_risk": N_("R"),
    "awaiting_record": N_("A"),
    "given": N_("G"),
    "nothing_recorded": N_("…"),
    "on_track": N_("T"),
    "not_yet": N_("–"),
    "met": N_("M"),
    "waived": N_("W"),
    "no_occasion": N_("O"),
}
NEEDS_SOMETHING: Final = frozenset({"cannot_be_met", "missed", "at_risk", "awaiting_record"})
SETTLED: Final = frozenset({"met", "waived", "no_occasion", "missed"})


@dataclass(frozen=True)
class Cell:
    """How one partner stands by one clause: the worst of its periods that are shown, and how many these are."""

    state: str
    period_id: UUID
    several: int


def clause_of(row: PeriodRead) -> str:
    """The clause of a period, as the agreement numbers it, without the role that owes it."""
    return clause_without_role(row.key)


def text_of(row: PeriodRead, language: str) -> str:
    """What is owed, in a language."""
    return typeset(language, row.text_fr if language == "fr" else row.text_en)


def by_worst(rows: Sequence[PeriodRead]) -> list[PeriodRead]:
    """The rows with what needs something first, then by their last day."""
    far = "9999"
    return sorted(
        rows, key=lambda row: (WORST_FIRST.index(row.state), row.ends_on.isoformat() if row.ends_on else far, row.key)
    )


def grid(rows: Sequence[PeriodRead]) -> tuple[list[str], dict[UUID, dict[str, Cell]]]:
    """The clauses in the guide's order, and for each partner how it stands by each."""
    clauses = sorted({clause_of(row) for row in rows}, key=lambda one: (fact_of(one), one))
    found: dict[UUID, dict[str, list[PeriodRead]]] = {}
    for row in rows:
        found.setdefault(row.organization_id, {}).setdefault(clause_of(row), []).append(row)
    return clauses, {
        place: {
            clause: Cell(worst[0].state, worst[0].id, len(worst))
            for clause, several in of.items()
            for worst in [by_worst(several)]
        }
        for place, of in found.items()
    }
