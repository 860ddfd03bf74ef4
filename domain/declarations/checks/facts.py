"""The kinds of things on record that checks look at, and what was said of those that people give as proof."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_

from domain.declarations.checks.judging import GIVEN
from domain.kernel import col, only, same, tuples
from locales import N_
from models.casework import Task
from models.obligation import Acceptance


class Title(NamedTuple):
    """What something is called, in both languages."""

    fr: str
    en: str


def _no_titles(_: Session, __: Collection[UUID]) -> Mapping[str, Title]:
    return {}


@dataclass(frozen=True)
class KindOfFact:
    """What a fact is about.

    `page` is the part of the address under which its id is opened; `titles` reads what those with these ids are called.
    Of one that `is_number` the id names what was counted, a committee or a role, and its `why` is how many.
    """

    key: str
    word: str
    page: str = ""
    is_number: bool = False
    titles: Callable[[Session, Collection[UUID]], Mapping[str, Title]] = _no_titles


def _titles_of_tasks(session: Session, ids: Collection[UUID]) -> Mapping[str, Title]:
    rows = tuples(session, only(Task.id, Task.title_fr, Task.title_en).where(col(Task.id).in_(list(ids))))
    return {str(task_id): Title(fr, en or fr) for task_id, fr, en in rows}


MEETING: Final = KindOfFact("meeting", N_("Meeting"), page="meetings")
STEP: Final = KindOfFact("task", N_("Task"), page="tasks", titles=_titles_of_tasks)
DOCUMENT: Final = KindOfFact("document", N_("Document"))
STATEMENT: Final = KindOfFact("attestation", N_("Attestation"))
COUNT: Final = KindOfFact("count", N_("Count"), is_number=True)


#: The word on a proof, as `stands_of` joins it.
WORD: Final = aliased(Acceptance, name="word")
#: What a proof lacks by the word on it: any word, a new proof, or nothing.
LACKS_BY: Final[Mapping[str | None, str]] = {None: GIVEN, "returned": "returned", "accepted": "", "kept": ""}


def stands_of(proof: ColumnElement[Any], table: Any) -> ColumnElement[bool]:
    """The join from a proof to the word that stands on it."""
    return and_(same(WORD, table), proof == col(table.id), col(WORD.superseded_at).is_(None))
