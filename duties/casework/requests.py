"""What somebody fills in as they hand a task in, such as the folders, the amount and the reason that are approved.

It is written once. Who approves sees it before they do; what is asked for otherwise is handed in and approved anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select
from sqlmodel import Session

from duties.actors import Actor
from duties.here import many, program_of
from duties.refusals import Refusal
from locales import N_, show_list, show_money
from models.base import table_of
from models.casework import Request

LONGEST_WORDS: Final = 2_000

#: A part of what a step asks, as the task keeps it: `duties.declarations.asked.Asked`, dumped.
Asks = Sequence[Mapping[str, Any]]
#: What was filled in, by the id of each part: words, an amount such as "120.50", a choice, or several of them.
Given = Mapping[str, str | list[str]]

_request = table_of(Request)

#: An amount as people type it: 1 200,50 or 1200.5, with a sign of dollars or without.
_AMOUNT: Final = re.compile(r"(?P<dollars>\d{1,9})(?:[.,](?P<cents>\d{1,2}))?")
_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[\s\u00a0\u202f](?=\d{3}(?!\d))")


def checked(asks: Asks, given: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """What was filled in, as it is kept: each part in the order of the step. Raises Refusal, which names the part.

    A part that is not required may be left out. Nothing is taken that the step does not ask for.
    """
    if set(given) - {part["id"] for part in asks}:
        raise Refusal("request.not_asked", N_("There is something here that this step does not ask for. Leave it out."))
    kept: dict[str, str | list[str]] = {}
    for part in asks:
        value: str | list[str] = _CHECKS[part["kind"]](part, given.get(part["id"], ""))
        if value:
            kept[part["id"]] = value
        elif part.get("required", True):
            raise Refusal("request.missing", N_("Something is missing here: %(part)s."), part=part["title"])
    return kept


def keep(session: Session, task: Mapping[str, Any], given: Given, *, by: Actor, at: datetime) -> str:
    """Keep what was filled in with a task that is held, as the newest, and return its digest."""
    digest = _digest(task["asks"], given)
    here = program_of(session)
    before = session.scalar(
        select(func.max(_request.c.n)).where(_request.c.program_id == here, _request.c.task_id == task["id"])
    )
    session.execute(
        insert(_request).values(
            program_id=here,
            id=uuid4(),
            task_id=task["id"],
            n=(before or 0) + 1,
            asked=task["asks"],
            given=dict(given),
            digest=digest,
            handed_in_at=at,
            handed_in_by=by.person_id,
        )
    )
    return digest


def newest(session: Session, task_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """What was filled in last for each of these tasks, where anything was. The database is asked once for all."""
    rows = many(
        session,
        select(_request)
        .where(_request.c.program_id == program_of(session), _request.c.task_id.in_(list(task_ids)))
        .order_by(_request.c.n),
    )
    return {row["task_id"]: row for row in rows}


def in_words(asked: Asks, given: Given, language: str, *, in_a_letter: bool = False) -> list[tuple[str, str]]:
    """What was filled in as people read it: what each part is called, and its value.

    A letter has what was chosen and amounts, and no words that somebody typed: those stand on the page.
    """
    return [
        (part["title"][language], _said(part, given[part["id"]], language))
        for part in asked
        if part["id"] in given and not (in_a_letter and part["kind"] == "words")
    ]


def _said(part: Mapping[str, Any], value: str | list[str], language: str) -> str:
    if part["kind"] == "amount":
        return show_money(language, Decimal(str(value)))
    titles = {one["id"]: one["title"][language] for one in part.get("choices", ())}
    if isinstance(value, list):
        return show_list(language, [titles[one] for one in value])
    return titles.get(value, value) if part["kind"] == "one" else value


def _words(part: Mapping[str, Any], value: Any) -> str:
    words = value.strip() if isinstance(value, str) else ""
    if len(words) > LONGEST_WORDS or "\x00" in words:
        raise Refusal(
            "request.too_long",
            N_("%(part)s: this is longer than %(most)s characters. Shorten it."),
            part=part["title"],
            most=LONGEST_WORDS,
        )
    return words


def _amount(part: Mapping[str, Any], value: Any) -> str:
    typed = _BETWEEN_DIGITS.sub("", str(value).strip().removeprefix("$").removesuffix("$").strip())
    if not typed:
        return ""
    found = _AMOUNT.fullmatch(typed)
    amount = (
        Decimal(f"{found['dollars']}.{(found['cents'] or '0').ljust(2, '0')}") if found and typed.isascii() else None
    )
    if amount is None or not 0 < amount <= part["at_most"]:
        raise Refusal(
            "request.amount.malformed",
            N_("%(part)s: write an amount in dollars, more than nothing and at most %(most)s, such as 120.50."),
            part=part["title"],
            most=part["at_most"],
        )
    return str(amount)


def _one(part: Mapping[str, Any], value: Any) -> str:
    if not value:
        return ""
    if not isinstance(value, str) or value not in _choices(part):
        raise _no_choice(part)
    return value


def _several(part: Mapping[str, Any], value: Any) -> list[str]:
    chosen = [one for one in ([value] if isinstance(value, str) else value) if one]
    if not set(chosen) <= set(_choices(part)):
        raise _no_choice(part)
    return [one for one in _choices(part) if one in chosen]


def _choices(part: Mapping[str, Any]) -> list[str]:
    return [one["id"] for one in part["choices"]]


def _no_choice(part: Mapping[str, Any]) -> Refusal:
    return Refusal("request.choice.malformed", N_("%(part)s: choose of the list."), part=part["title"])


def _digest(asked: Asks, given: Given) -> str:
    whole = json.dumps([list(asked), dict(given)], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()


_CHECKS: Final = {"words": _words, "amount": _amount, "one": _one, "several": _several}
