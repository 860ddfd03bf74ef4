"""Each column that the product writes by name is one of its model: what the type check cannot tell of statements."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from bench.house import ROOT
from models.tables import metadata
from tests.models.written_columns import (
    Module,
    WrittenColumn,
    columns_of_models,
    modules,
    unknown_columns,
    written_columns,
)

#: What takes the rows of any model, and so says of none which columns it has: the module, and the column.
_OF_ANY_MODEL = {
    ("domain/admissions/joining.py", "id"),
    ("domain/admissions/joining.py", "participant_id"),
    ("domain/admissions/joining.py", "sealed"),
    ("domain/kernel/writing.py", "version"),
    ("domain/loading/comparison.py", "ends_on"),
}

_MODEL = """
class Base:
    id: UUID

class Task(Base, table=True):
    title: str
    due_on: date
"""
_WRITERS = """
from models import Task

def rewrite(session, model, row_id, **values):
    run(session, changes(model).where(model.id == row_id).values(**values))

_CHANGE = update(Task).where(one)

def change(session, held, *, why="", **values):
    run(session, _CHANGE, {**values, "seen": held.version})

def change_first(session, held, **values):
    change(session, held, **values)
"""
_CALLS = """
from models import Task as Step
from writers import rewrite, change_first
import writers

def f(session, row):
    this = changes(Step).where(Step.id == row.id)
    run(session, this.where(two).values(title="", gone=1))
    run(session, insert(table_of(Step)).values({"id": 1, "due": 2}).on_conflict_do_update(set_={"due_on": 3, "dew": 4}))
    rewrite(session, Step, row.id, title="", late=True)
    change_first(session, row, why="", due_on=None, over=5)
    writers.change(session, row, old=6)
    {"title": ""}.values()
"""


@cache
def product() -> list[Module]:
    return modules(ROOT)


@cache
def written() -> list[WrittenColumn]:
    return list(written_columns(product()))


def _read(*texts: str) -> list[Module]:
    names = ("models/task.py", "domain/writers.py", "domain/calls.py")
    return [Module(Path(name), ast.parse(text)) for name, text in zip(names, texts, strict=True)]


def test_each_column_that_is_written_by_name_is_one_of_its_model() -> None:
    columns = columns_of_models(product())
    assert [one for one in written() if one.model and one.name not in columns[one.model]] == []


def test_only_what_takes_any_model_does_not_say_whose_columns_it_writes() -> None:
    unsaid = {(one.path.relative_to(ROOT).as_posix(), one.name) for one in written() if one.model is None}
    assert unsaid == _OF_ANY_MODEL
    assert len(written()) > 100 * len(_OF_ANY_MODEL)


def test_the_columns_that_are_read_from_the_code_are_those_of_the_tables() -> None:
    read = columns_of_models(product())
    assert {frozenset(columns) for columns in read.values()} == {
        frozenset(table.columns.keys()) for table in metadata.sorted_tables
    }


def test_a_column_that_a_model_has_not_is_found_wherever_it_is_written_by_name() -> None:
    found = unknown_columns(_read(_MODEL, _WRITERS, _CALLS))
    assert sorted(one.name for one in found) == ["dew", "due", "gone", "late", "old", "over"]
    assert {one.model for one in found} == {"Task"}


def test_what_a_function_names_itself_is_no_column() -> None:
    named = {one.name for one in written_columns(_read(_MODEL, _WRITERS, _CALLS)) if one.path.name == "calls.py"}
    assert "why" not in named
    assert {"title", "id", "due_on"} <= named


def test_a_place_says_its_line() -> None:
    (one,) = unknown_columns(_read(_MODEL, _WRITERS, "from models import Task\nupdate(Task).values(\n    name=1,\n)\n"))
    assert one == WrittenColumn(Path("domain/calls.py"), 3, 3, "name", "Task")
