"""How the program is carried out, as a paper for the Joint Committee (ER-1, CM-J): figures that tell of nobody."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from meetings.documents.content import NOTHING, Both

_FROZEN: Final = ConfigDict(extra="forbid", defer_build=True)

Figure = Annotated[int, Field(ge=0)] | None
"""A number; or, as None, one that is not told."""


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class FigureRow:
    """What a row is of, and its figures, one for each column."""

    name: Both
    figures: tuple[Figure, ...]
    is_total: bool = False


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class FigureTable:
    """One table of figures; `of` names what its rows are. Where it is `drawn`, its last column is percents."""

    key: str
    title: Both
    of: Both
    note: Both = NOTHING
    columns: tuple[Both, ...]
    rows: tuple[FigureRow, ...]
    drawn: bool = False

    @property
    def says_nothing(self) -> bool:
        """Whether none of its figures can be told."""
        return all(figure is None for row in self.rows for figure in row.figures)


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class MeasuresContent:
    """The measures until the end of a quarter, as they stood on the local day `on`."""

    kind: Literal["measures"] = "measures"
    program: Both
    committee: Both
    period: str
    said_period: Both
    on: date
    smallest: Annotated[int, Field(ge=5)]
    tables: tuple[FigureTable, ...]
