"""What is filled in for a step: as people type it, and as it is stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from domain.declarations.asked import AskedPart
from domain.kernel import Refusal, is_text, says_something, trimmed
from locales import N_

LONGEST_WORDS: Final = 2_000

#: A part of what a step asks, as the task keeps it: `Asked`, dumped.
Asks = Sequence[Mapping[str, object]]
#: What was filled in, by the id of each part: words, an amount such as "120.50", a choice, or several of them.
Given = Mapping[str, str | list[str]]

#: An amount as people type it: 1 200,50 or 1200.5, with a sign of dollars or without.
_AMOUNT: Final = re.compile(r"(?P<dollars>\d{1,9})(?:[.,](?P<cents>\d{1,2}))?")
_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[\s\u00a0\u202f](?=\d{3}(?!\d))")


def checked(asks: Asks, given: Mapping[str, object]) -> dict[str, str | list[str]]:
    """What was filled in, as it is stored: each part in the order of the step. Raises Refusal, which names the part.

    A part that is not required may be left out. Nothing is taken that the step does not ask for.
    """
    parts = [AskedPart.model_validate(part) for part in asks]
    if set(given) - {part.id for part in parts}:
        raise Refusal("request.not_asked", N_("There is something here that this step does not ask for. Leave it out."))
    kept: dict[str, str | list[str]] = {}
    for part in parts:
        value = _CHECKS[part.kind](part, given.get(part.id, ""))
        if value:
            kept[part.id] = value
        elif part.required:
            raise Refusal("request.missing", N_("Something is missing here: %(part)s."), part=part.title.model_dump())
    return kept


def _words(part: AskedPart, value: Any) -> str:
    words = trimmed(value) if isinstance(value, str) and says_something(value) else ""
    if len(words) > LONGEST_WORDS or not is_text(words):
        raise Refusal(
            "request.too_long",
            N_("%(part)s: this is longer than %(most)s characters. Shorten it."),
            part=part.title.model_dump(),
            most=LONGEST_WORDS,
        )
    return words


def _amount(part: AskedPart, value: Any) -> str:
    typed = _BETWEEN_DIGITS.sub("", str(value).strip().removeprefix("$").removesuffix("$").strip())
    if not typed:
        return ""
    found = _AMOUNT.fullmatch(typed) if typed.isascii() else None
    amount = Decimal(f"{found['dollars']}.{(found['cents'] or '0').ljust(2, '0')}") if found else Decimal(0)
    if not 0 < amount <= (part.at_most or 0):
        raise Refusal(
            "request.amount.malformed",
            N_("%(part)s: write an amount in dollars, more than nothing and at most %(most)s, such as 120.50."),
            part=part.title.model_dump(),
            most=part.at_most or 0,
        )
    return str(amount)


def _one(part: AskedPart, value: Any) -> str:
    if not value:
        return ""
    if not isinstance(value, str) or value not in _choices(part):
        raise _no_choice(part)
    return value


def _several(part: AskedPart, value: Any) -> list[str]:
    chosen = [one for one in ([value] if isinstance(value, str) else value) if one]
    if not set(chosen) <= set(_choices(part)):
        raise _no_choice(part)
    return [one for one in _choices(part) if one in chosen]


def _choices(part: AskedPart) -> list[str]:
    return [one.id for one in part.choices]


def _no_choice(part: AskedPart) -> Refusal:
    return Refusal("request.choice.malformed", N_("%(part)s: choose of the list."), part=part.title.model_dump())


_CHECKS: Final[Mapping[str, Callable[[AskedPart, Any], str | list[str]]]] = {
    "words": _words,
    "amount": _amount,
    "one": _one,
    "several": _several,
}
