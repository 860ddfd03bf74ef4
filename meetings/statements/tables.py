"""Tables of counts as they leave the program, in both languages: plain data that is kept as it was when it left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from locales import N_, say
from meetings.documents.content import NOTHING, Both

_FROZEN: Final = ConfigDict(extra="forbid", defer_build=True)

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,60}$")]

Cell = Annotated[int, Field(ge=0)] | None
"""A count; or, as None, one that is hidden."""


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class CountColumn:
    """What a column counts."""

    key: Key
    name: Both


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class CountRow:
    """What a row is of, and its counts, one for each column."""

    key: Key
    name: Both
    cells: tuple[Cell, ...]
    is_total: bool = False


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class CountTable:
    """One table of counts. `of` names what its rows are."""

    key: Key
    title: Both
    of: Both
    note: Both = NOTHING
    columns: tuple[CountColumn, ...]
    rows: tuple[CountRow, ...]

    def __post_init__(self) -> None:
        """Refuses a row with more counts than columns, or fewer."""
        if any(len(row.cells) != len(self.columns) for row in self.rows):
            raise ValueError("a count stands in each column")

    @property
    def hides(self) -> bool:
        """Whether some count of it is hidden."""
        return any(cell is None for row in self.rows for cell in row.cells)


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class ProgramStatement:
    """The program's counts over a closed year or quarter, as they stood on the local day `on`."""

    kind: Literal["program_statement"] = "program_statement"
    program: Both
    period: Annotated[str, Field(pattern=r"^[1-9][0-9]{3}(-Q[1-4])?$")]
    starts_on: date
    ends_on: date
    on: date
    tables: tuple[CountTable, ...]


_STATEMENT: Final[TypeAdapter[ProgramStatement]] = TypeAdapter(ProgramStatement)


def as_json(statement: ProgramStatement) -> dict[str, Any]:
    """A statement as JSON's own kinds of value. `from_json` gives back its equal."""
    written: dict[str, Any] = _STATEMENT.dump_python(statement, mode="json")
    return written


def from_json(kept: Mapping[str, Any]) -> ProgramStatement:
    """What `as_json` wrote. Raises pydantic's ValidationError for anything else."""
    return _STATEMENT.validate_python(kept)


def both(msgid: str, **facts: object) -> Both:
    """A sentence of ours in both languages."""
    return Both(fr=say("fr", msgid, **facts), en=say("en", msgid, **facts))


@dataclass(frozen=True, kw_only=True)
class TableOf:
    """A table before it is counted, by its msgids: `of` names what its rows are, `counts` each column by its key."""

    key: str
    title: str
    of: str
    counts: Mapping[str, str]
    note: str = ""

    def row(self, key: str, name: Both, counted: Mapping[str, int]) -> CountRow:
        """A row of counts that may all be shown, in the order of the columns."""
        return CountRow(key=key, name=name, cells=tuple(counted.get(column, 0) for column in self.counts))

    def table(self, rows: Iterable[CountRow]) -> CountTable:
        """The table with these rows."""
        return CountTable(
            key=self.key,
            title=both(self.title),
            of=both(self.of),
            note=both(self.note) if self.note else NOTHING,
            columns=tuple(CountColumn(key=column, name=both(msgid)) for column, msgid in self.counts.items()),
            rows=tuple(rows),
        )

    def summed(self, rows: Sequence[CountRow]) -> CountTable:
        """The table with rows that may all be shown, and their sums below; without where there is only one row."""
        if len(rows) < 2:  # noqa: PLR2004 - one row is its own sum
            return self.table(rows)
        sums = (
            sum(cell for cell in column if isinstance(cell, int))
            for column in zip(*(one.cells for one in rows), strict=True)
        )
        total = CountRow(key="total", name=both(N_("Together")), cells=tuple(sums), is_total=True)
        return self.table([*rows, total])
