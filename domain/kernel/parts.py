"""Lists that are read in parts, each of which begins after the last row of the part before.

A part is asked for by the id of that row, and begins at the row's place in the list's order, also where the row left
the list meanwhile. Were it asked for by how many rows to leave out, each row that leaves would hide another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Select,
    String,
    Uuid,
    bindparam,
    cast,
    func,
    literal_column,
    tuple_,
)
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Session, SQLModel

from domain.kernel.asking import Values
from domain.kernel.rows import every, in_program, select

R = TypeVar("R")
M = TypeVar("M", bound=SQLModel)

_MOST: Final = "most"


class Part(NamedTuple, Generic[R]):
    """A part of a list. `next` is the id after which the next part begins, as a text: "" where nothing follows."""

    rows: Sequence[R]
    next: str

    @classmethod
    def of(cls, rows: Sequence[R], most: int, name: Callable[[R], object] = attrgetter("id")) -> Part[R]:
        """`most` of these rows, of which one more was read where there is one."""
        return cls(rows[:most], str(name(rows[most - 1])) if len(rows) > most else "")

    @classmethod
    def among(
        cls, rows: Sequence[R], after: object, most: int, name: Callable[[R], object] = attrgetter("id")
    ) -> Part[R]:
        """`most` of a whole list that was read: after the row of this name, or where none has it, the first."""
        begins = next((place for place, row in enumerate(rows, start=1) if name(row) == after), 0)
        return cls.of(rows[begins : begins + most + 1], most, name)


class Order:
    """The order of a list, by columns of one model of which the last ones tell any two rows apart.

    None of them may be empty in a row of the list (`or_last`).
    """

    def __init__(self, *columns: Any, newest_first: bool = False) -> None:
        self._columns, self._falls = columns, newest_first
        self._model = columns[-1].class_
        self._before_all = [_end_of(column.type, last=newest_first) for column in columns]

    def of(self, asked: Select[M]) -> Select[M]:
        """The rows that a statement asks for in this order, as many as are given with it under the name `most`."""
        in_order = (column.desc() if self._falls else column.asc() for column in self._columns)
        return asked.order_by(*in_order).limit(bindparam(_MOST, type_=Integer()))

    def part(
        self, session: Session, asked: Select[M], *may_see: ColumnElement[bool] | bool, after: UUID | None, most: int
    ) -> Part[M]:
        """`most` rows of what is asked for, those after the row with the id `after`, or the first of all.

        They are the first as well where the program has no such row, or the reader may not see it: what `may_see` says.
        """
        return self.part_of(session, self.of(asked), *may_see, after=after, most=most)

    def part_of(
        self,
        session: Session,
        in_order: Select[M],
        *may_see: ColumnElement[bool] | bool,
        after: UUID | None,
        most: int,
        values: Values | None = None,
    ) -> Part[M]:
        """As `part`, of a statement that `of` made before, and its values."""
        if after is not None:
            in_order = in_order.where(self._is_after(after, *may_see))
        return Part.of(every(session, in_order, {**(values or {}), _MOST: most + 1}), most)

    def _is_after(self, row_id: UUID, *may_see: ColumnElement[bool] | bool) -> ColumnElement[bool]:
        """The condition on a row that it stands after the one with this id, wherever that one stands now."""
        its_own = select(*self._columns).where(in_program(self._model), self._model.id == row_id, *may_see).cte()
        # Where none is found, every row is after what is not there: an index of the order is of use either way. It is
        # of none behind the policies of a table where what is compared is more than a value that was found before.
        found = zip(its_own.c, self._before_all, strict=True)
        known = (func.coalesce(select(one).scalar_subquery(), before) for one, before in found)
        place = [select(one).scalar_subquery() for one in known]
        here, there = tuple_(*self._columns), tuple_(*place)
        return here < there if self._falls else here > there


def or_last(column: Any) -> ColumnElement[Any]:
    """A day or a moment by which a list is ordered, and which may be empty: such rows come last."""
    return func.coalesce(column, cast(literal_column("'infinity'"), column.type))


#: The least and the greatest value of the columns by which lists are ordered. No list begins with the last letter.
_ENDS: Final = (
    (DateTime, ("-infinity", "infinity")),
    (Date, ("-infinity", "infinity")),
    (Uuid, (UUID(int=0), UUID(int=2**128 - 1))),
    (BigInteger, (0, 2**63 - 1)),
    (Integer, (0, 2**31 - 1)),
    (String, ("",)),
)


def _end_of(kind: TypeEngine[Any], *, last: bool) -> ColumnElement[Any]:
    """The least value of a column of this type, or the `last` one. Raises IndexError where none is known."""
    plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    ends = [ends for known, ends in _ENDS if isinstance(plain, known)]
    return cast(literal_column(f"'{ends[0][last]}'"), plain)
