"""Whether enough sit for a decision to bind: a committee's declared rule, its seats of the day, and who sits on them.

Pure values: no session and no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.declarations import Quorum
from locales import N_, Counted, pick, say, say_n, show_list
from meetings.committees import CommitteeSeat
from models.committee import KeptQuorum
from models.minutes import QuorumStanding

#: How a seat is filled by somebody who takes part: at the table, from elsewhere, or in the principal's place.
SITTING: Final = frozenset({"present", "remote", "alternate"})


@dataclass(frozen=True, slots=True)
class Filled:
    """How one seat is filled, as models.minutes.ATTENDED says it, since when and until when; None: throughout."""

    seat_id: UUID
    state: str
    arrived_at: datetime | None = None
    left_at: datetime | None = None

    def sits(self, at: datetime) -> bool:
        """Whether a person sits there at that moment. One who leaves at that very moment does not."""
        has_come = self.arrived_at is None or self.arrived_at <= at
        return self.state in SITTING and has_come and not self.has_left(at)

    def has_left(self, at: datetime) -> bool:
        """Whether somebody who sat there had left by that moment."""
        return self.state in SITTING and self.left_at is not None and self.left_at <= at


def rule_of(declared: KeptQuorum) -> Quorum | None:
    """A committee's rule, from its column `quorum`; None where it declares none."""
    return Quorum.model_validate(declared) if declared else None


def standing(
    rule: Quorum | None, seats: Iterable[CommitteeSeat], attendance: Iterable[Filled], at: datetime
) -> QuorumStanding:
    """How a committee stands at the moment `at`, which is aware, with the seats that it has on that day.

    A seat counts once, however many sit for it, and only where it votes; a seat that must be filled need not vote.
    Of a derived committee `seats` are its own: those that it takes, and no others. Without a declared rule
    the quorum is always met.
    """
    of_day, attended = list({seat.id: seat for seat in seats}.values()), list(attendance)
    filled = _seats(of_day, attended, Filled.sits, at)
    left = _seats(of_day, attended, Filled.has_left, at)
    voting = [seat for seat in filled if seat.voting]
    organizations = len({seat.organization_id for seat in voting})
    seats_needed, organizations_needed, must = (rule.seats, rule.organizations, rule.must) if rule else (0, 0, ())
    missing = _missing(must, filled)
    return QuorumStanding(
        is_met=len(voting) >= seats_needed and organizations >= organizations_needed and not missing,
        is_declared=rule is not None,
        seats_present=len(voting),
        seats_needed=seats_needed,
        organizations_present=organizations,
        organizations_needed=organizations_needed,
        missing_must=missing,
        present=_named(filled),
        left=_named(left, but=filled),
    )


def _seats(
    of_day: Iterable[CommitteeSeat], attended: Iterable[Filled], is_so: Callable[[Filled, datetime], bool], at: datetime
) -> list[CommitteeSeat]:
    """The seats of the day that were filled by somebody of whom this is so at the moment."""
    found = {one.seat_id for one in attended if is_so(one, at)}
    return [seat for seat in of_day if seat.id in found]


def _named(seats: Iterable[CommitteeSeat], *, but: Collection[CommitteeSeat] = ()) -> tuple[str, ...]:
    return tuple(f"{seat.committee}.{seat.key}" for seat in seats if seat not in but)


def _missing(must: Iterable[str], filled: Iterable[CommitteeSeat]) -> tuple[str, ...]:
    keys = {seat.key for seat in filled}
    return tuple(key for key in must if key not in keys)


def rule_in_words(rule: Quorum | None, language: str, seats: Iterable[CommitteeSeat] = ()) -> str:
    """A committee's rule as a sentence for people, in "fr" or "en"; `seats` give the titles of those it names."""
    if rule is None:
        return say(language, N_("No quorum is declared for this committee: those present decide."))
    asked = [say_n(language, "%(n)s voting seat", "%(n)s voting seats", rule.seats)]
    if rule.organizations:
        asked.append(say_n(language, "%(n)s organization", "%(n)s organizations", rule.organizations))
    asked += _seats_in_words(rule.must, language, seats)
    return say(language, N_("At least, for a quorum: %(asked)s."), asked=show_list(language, asked))


def in_words(stood: QuorumStanding, language: str, seats: Iterable[CommitteeSeat] = ()) -> str:
    """A standing as one or two sentences for people, in "fr" or "en".

    `seats` give the titles of those that must be filled; one that is not among them is named by its key.
    """
    present = Counted("%(n)s voting seat", "%(n)s voting seats", stood.seats_present)
    if not stood.is_declared:
        return say(language, N_("No quorum is declared for this committee; %(seats)s filled."), seats=present)
    if stood.is_met and not stood.organizations_needed:
        return say(language, N_("Quorum: %(seats)s (%(needed)s needed)."), seats=present, needed=stood.seats_needed)
    if stood.is_met:
        said = N_("Quorum: %(seats)s (%(needed)s needed), of %(organizations)s (%(organizations_needed)s needed).")
        of_them = Counted("%(n)s organization", "%(n)s organizations", stood.organizations_present)
        needed = {"needed": stood.seats_needed, "organizations_needed": stood.organizations_needed}
        return say(language, said, seats=present, organizations=of_them, **needed)
    lacks = show_list(language, _lacks(stood, language, seats))
    return say(language, N_("No quorum. Missing: %(lacks)s."), lacks=lacks)


def _lacks(stood: QuorumStanding, language: str, named: Iterable[CommitteeSeat]) -> Iterator[str]:
    seats = stood.seats_needed - stood.seats_present
    if seats > 0:
        yield say_n(language, "%(n)s voting seat", "%(n)s voting seats", seats)
    organizations = stood.organizations_needed - stood.organizations_present
    if organizations > 0:
        yield say_n(language, "%(n)s organization", "%(n)s organizations", organizations)
    yield from _seats_in_words(stood.missing_must, language, named)


def _seats_in_words(keys: Iterable[str], language: str, seats: Iterable[CommitteeSeat]) -> Iterator[str]:
    """The seats of these keys by their titles; one of which none is given, by its key."""
    titles = {seat.key: pick(language, {"fr": seat.title_fr, "en": seat.title_en}) for seat in seats}
    for key in keys:
        yield say(language, N_("the seat “%(seat)s”"), seat=titles.get(key, key))
