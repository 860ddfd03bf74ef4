"""What somebody said of a proof: the word that stands of it, as checks and pages read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import and_

from domain.declarations.checks.judging import GIVEN
from domain.kernel.rows import col, same
from models.obligation import Acceptance

#: The word on a proof, as `stands_of` joins it.
WORD: Final = aliased(Acceptance, name="word")
#: What a proof lacks by the word on it: any word, a new proof, or nothing.
LACKS_BY: Final[Mapping[str | None, str]] = {None: GIVEN, "returned": "returned", "accepted": "", "kept": ""}


def stands_of(proof: ColumnElement[Any], table: Any) -> ColumnElement[bool]:
    """The join from a proof to the word that stands on it."""
    return and_(same(WORD, table), proof == col(table.id), col(WORD.superseded_at).is_(None))
