"""What a person fills in when handing a task in, such as the folders, the amount and the reason to approve.

It is written once, and the approver sees it first. A changed request is handed in and approved anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, insert
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.declarations import Asks, Given, checked
from domain.kernel import Actor, Question, built, col, every, in_program, of, program_of, run, scalar, select
from locales import show_list, show_money
from models.casework import Request, Task

__all__ = ["checked", "in_words", "keep", "newest"]


def keep(session: Session, task: Task, given: Given, *, by: Actor, at: datetime) -> str:
    """Store what was filled in with a locked task, as the newest, and return its digest."""
    digest = _digest(task.asks, given)
    here = program_of(session)
    before = scalar(session, select(func.max(col(Request.n))).where(in_program(Request), Request.task_id == task.id))
    run(
        session,
        insert(Request).values(
            program_id=here,
            id=uuid4(),
            task_id=task.id,
            n=(before or 0) + 1,
            asked=task.asks,
            given=dict(given),
            digest=digest,
            handed_in_at=at,
            handed_in_by=by.person_id,
        ),
    )
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


def _digest(asked: Asks, given: Given) -> str:
    whole = json.dumps([list(asked), dict(given)], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()
