"""What a person fills in when handing a task in, such as the folders, the amount and the reason to approve.

It is written once, and the approver sees it first. A changed request is handed in and approved anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.declarations import AskedPart, Asks, Given, checked
from domain.kernel import Actor, Question, add_row, built, col, every, next_number, of, program_of
from locales import show_list, show_money
from models.casework import Request, Task

__all__ = ["checked", "in_words", "keep", "newest"]


def keep(session: Session, task: Task, given: Given, *, by: Actor, at: datetime) -> str:
    """Store what was filled in with a locked task, as the newest, and return its digest."""
    digest = _digest(task.asks, given)
    request = Request(
        program_id=program_of(session),
        task_id=task.id,
        n=next_number(session, Request.n, Request.task_id == task.id),
        asked=task.asks,
        given=dict(given),
        digest=digest,
        handed_in_at=at,
        handed_in_by=by.person_id,
    )
    add_row(session, request)
    return digest


def newest(session: Session, task_ids: Iterable[UUID]) -> dict[UUID, Request]:
    """What was last filled in for each of these tasks, where anything was. The database is asked once for all."""
    rows = every(session, *asked_of_newest(task_ids))
    return {row.task_id: row for row in rows}


def asked_of_newest(task_ids: Iterable[UUID]) -> Question[SelectOfScalar[Request]]:
    """What `newest` asks."""
    return Question(_NEWEST, {"tasks_filled_in": list(task_ids)})


_NEWEST: Final = built(
    of(Request)
    .where(col(Request.task_id) == any_(bindparam("tasks_filled_in", type_=ARRAY(Uuid()))))
    .order_by(col(Request.n))
)


def in_words(asked: Asks, given: Given, language: str, *, in_a_letter: bool = False) -> list[tuple[str, str]]:
    """What was filled in as people read it: what each part is called, and its value.

    A letter has choices and amounts, and no words that a person typed: those are on the page.
    """
    return [
        (part.title.in_language(language), _said(part, given[part.id], language))
        for part in map(AskedPart.model_validate, asked)
        if part.id in given and not (in_a_letter and part.kind == "words")
    ]


def _said(part: AskedPart, value: str | list[str], language: str) -> str:
    if part.kind == "amount":
        return show_money(language, Decimal(str(value)))
    titles = {choice.id: choice.title.in_language(language) for choice in part.choices}
    if isinstance(value, list):
        return show_list(language, [titles[one] for one in value])
    return titles.get(value, value)


def _digest(asked: Asks, given: Given) -> str:
    whole = json.dumps([list(asked), dict(given)], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()
