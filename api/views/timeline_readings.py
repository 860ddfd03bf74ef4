"""How the things that lines of the record are about are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from api.access.session import RequestContext
from domain.kernel import AnySelect, col, in_program, joins, select, value_of

Reading = Callable[[RequestContext, set[UUID]], AnySelect]
"""What asks for the words of several things: the id of each, then what is said of it, its parts in order."""


def reading(table: Any, *said: Any, by: Sequence[tuple[Any, Any]] = ()) -> Reading:
    """What is called by these columns; a model among them stands for its title in the reader's language.

    `by` is the way to them: a column, and what it refers to.
    """

    def read(context: RequestContext, ids: set[UUID]) -> AnySelect:
        titled = (one if not isinstance(one, type) else _title(one, context.language) for one in said)
        asked: AnySelect = select(table.id, *titled).where(in_program(table), col(table.id).in_(ids))
        for column, other in by:
            asked = asked.join(other, joins(column, other))
        return asked

    return read


def _title(model: type, language: str) -> Any:
    return value_of(col(getattr(model, f"title_{language}")).label(model.__name__.lower()))
