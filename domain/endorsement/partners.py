"""What the partners that are asked say of a decision: endorsed, objected to, or pending still (GV-4).

Every partner that is asked endorses it, unless its agreement lets a majority of them suffice. A partner that signed no
such clause is outvoted by no one: its own word is needed, whatever the others' agreements say. No one frees themselves
of a clause: a partner freed by a decision brings it into effect neither alone nor by a majority. One whose waiver it
revokes neither stops nor delays it. Pure: no session and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final
from uuid import UUID

#: More than this part of the partners, or as much, is a majority of the name; the flag says whether as much suffices.
_ENOUGH: Final[Mapping[str, tuple[Fraction, bool]]] = {
    "more_than_half": (Fraction(1, 2), False),
    "two_thirds": (Fraction(2, 3), True),
    "three_quarters": (Fraction(3, 4), True),
}

#: A partner's stake in a decision: it is freed of a clause, or owes one again that it was freed of.
FREED: Final = "freed"
OWES_AGAIN: Final = "owes_again"


@dataclass(frozen=True, slots=True)
class PartnerWord:
    """What one partner says: models.minutes.ENDORSED_AS, on its agreement's terms (models.minutes.MAJORITIES, or "").

    `is_settled`: its objection was settled at a meeting. `is_partner`: its agreement is in force today. `stake`: FREED,
    OWES_AGAIN, or "" where it has no waiver at stake.
    """

    organization_id: UUID
    said: str = ""
    majority: str = ""
    is_settled: bool = False
    is_partner: bool = True
    stake: str = ""

    @property
    def objects(self) -> bool:
        """Whether it objects and that is not settled; also of a former partner, or where that stops nothing."""
        return self.said == "objected" and not self.is_settled

    @property
    def is_asked(self) -> bool:
        """Whether the decision may wait for a word of it, or has its word."""
        return self.is_partner and self.stake != OWES_AGAIN

    @property
    def is_for_it(self) -> bool:
        """Whether it endorses the decision, or had its objection settled."""
        return self.said == "endorsed" or self.is_settled

    @property
    def is_awaited(self) -> bool:
        """Whether the decision waits for a word of it."""
        return self.is_asked and self.said == ""


def outcome(words: Iterable[PartnerWord]) -> str:
    """The state of `models.lifecycles.ENDORSEMENT` that these words make: endorsed, objected or pending.

    A former partner is not waited for, and does not count among the partners; an objection of theirs stands until it is
    settled. One that would owe a clause again is not asked, and their objection stops nothing. Where no other partner
    was ever asked, or no agreement was in force, it is endorsed.
    """
    every = [one for one in words if one.stake != OWES_AGAIN]
    partners = [one for one in every if one.is_partner]
    by_majority = _is_majority(partners)
    if _is_stopped(every, by_majority=by_majority):
        return "objected"
    return "endorsed" if not every or _is_endorsed(every, partners, by_majority=by_majority) else "pending"


def _is_stopped(words: Iterable[PartnerWord], *, by_majority: bool) -> bool:
    """Whether a partner objects that no majority outvotes."""
    return any(one.objects and not (one.majority and by_majority) for one in words)


def _is_endorsed(words: Sequence[PartnerWord], partners: Sequence[PartnerWord], *, by_majority: bool) -> bool:
    """Whether no partner is waited for, and one is for it. The word of one freed by it counts only where all are."""
    if any(one.is_awaited for one in partners if not one.majority) or (_majorities(partners) and not by_majority):
        return False
    others = [one for one in words if one.stake != FREED] or words
    return any(one.is_for_it for one in others)


def _majorities(partners: Iterable[PartnerWord]) -> set[str]:
    """The majorities that the agreements of these partners name."""
    return {one.majority for one in partners if one.majority}


def _is_majority(partners: Sequence[PartnerWord]) -> bool:
    """Whether as many endorse it as the strictest of the agreements asks for; False where none lets a majority do.

    An objection that was settled counts neither for it nor against. Nor does a word of a partner freed by it: no seat
    of theirs makes its quorum either.
    """
    named = _majorities(partners)
    saying = [one for one in partners if not one.is_settled and one.stake != FREED]
    if not named or not saying:
        return bool(named) and not any(one.objects for one in partners)
    part = Fraction(sum(one.said == "endorsed" for one in saying), len(saying))
    return all(_suffices(part, _ENOUGH[name]) for name in named)


def _suffices(part: Fraction, enough: tuple[Fraction, bool]) -> bool:
    least, may_equal = enough
    return part > least or (may_equal and part == least)
