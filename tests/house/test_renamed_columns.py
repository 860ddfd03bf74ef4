"""A column with another name: of the places that read or write it, the checks name a share, which only grows.

Every column is renamed in a copy of the checkout: of twenty that were drawn, the share went up and down with each new
column, as another twenty were drawn. A place reads or writes one by attribute, by a string in brackets, or by keyword
where rows are made or written. Templates are not Python. The type check tells of what is read, and where a row is made;
that of written columns, of what a statement writes.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.house import NUMBERS, PRODUCT, ROOT
from tests.models.written_columns import modules, unknown_columns

#: So many columns are renamed at least.
FEWEST = 100
RENAMED = "_under_another_name"


@dataclass(frozen=True)
class Column:
    """A column of a model: the file and the line that name it, and the model's own name."""

    name: str
    model: str
    path: Path
    line: int


@dataclass(frozen=True)
class Place:
    """Where the product reads or writes a column: a check may name any line of the expression."""

    column: str
    path: str
    first: int
    last: int


def columns() -> list[Column]:
    """Columns whose names nothing else in the product has, so that every place with the name means the column."""
    found, elsewhere = [], Counter[str]()
    for path, tree in product():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                elsewhere[node.name] += 1
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value):
                elsewhere[node.attr] += 1
            elif isinstance(node, ast.ClassDef):
                is_model = any(word.arg == "table" for word in node.keywords)
                for part in node.body:
                    if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                        elsewhere[part.target.id] += 1
                        if is_model:
                            found.append(Column(part.target.id, node.name, path, part.lineno))
    return [column for column in found if elsewhere[column.name] == 1]


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def places(renamed: list[Column]) -> list[Place]:
    """Every place of the product that reads or writes one of these columns."""
    models = {column.name: column.model for column in renamed}
    return [
        Place(name, path.relative_to(ROOT).as_posix(), node.lineno, node.end_lineno or node.lineno)
        for path, tree in product()
        for node in ast.walk(tree)
        for name, node in _named(node, models)
    ]


def _named(node: ast.AST, models: dict[str, str]) -> Iterator[tuple[str, ast.expr | ast.keyword]]:
    """A row that is made is one place: of a column that it lacks the type check names the line where it begins."""
    if isinstance(node, ast.Attribute) and node.attr in models:
        yield node.attr, node
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in models:
        yield str(node.slice.value), node
    elif isinstance(node, ast.Call):
        writes = node.func.attr == "values" if isinstance(node.func, ast.Attribute) else False
        made = node.func.id if isinstance(node.func, ast.Name) else None
        for word in node.keywords:
            if word.arg in models and (writes or models[word.arg] == made):
                yield word.arg, word if writes else node


def product() -> list[tuple[Path, ast.Module]]:
    """Every Python file of the product, parsed, without the migrations."""
    files = [path for folder in PRODUCT for path in sorted((ROOT / folder).rglob("*.py"))]
    return [(path, ast.parse(path.read_text("utf-8"))) for path in files if "migrations" not in path.parts]


def told_with_other_names(renamed: list[Column], copy: Path) -> list[tuple[str, int, str]]:
    """What the checks say in a copy in which these columns have other names: file, line and sentence."""
    for folder in PRODUCT:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for column in renamed:
        path = copy / column.path.relative_to(ROOT)
        lines = path.read_text("utf-8").split("\n")
        lines[column.line - 1] = re.sub(
            rf"\b{column.name}:", f"{column.name}{RENAMED}:", lines[column.line - 1], count=1
        )
        path.write_text("\n".join(lines), "utf-8")
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--no-pretty", *PRODUCT]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    told = re.findall(r"(?m)^([^:\n]+):(\d+): error: (.*)$", done.stdout)
    written = unknown_columns(modules(copy))
    return [
        *((path, int(line), sentence) for path, line, sentence in told),
        *((one.path.relative_to(copy).as_posix(), one.line, f'no column "{one.name}"') for one in written),
    ]


@pytest.mark.nightly
def test_the_checks_name_the_places_of_a_renamed_column(tmp_path: Path) -> None:
    """Its ceiling is in numbers.toml, and comes down as rows are given types."""
    every = sorted(columns(), key=lambda column: (column.model, column.name))
    used = {place.column for place in places(every)}
    renamed = [column for column in every if column.name in used]
    told = told_with_other_names(renamed, tmp_path)
    asked = places(renamed)
    unseen = [place for place in asked if not any(_is_told(place, *one) for one in told)]
    for column in renamed:
        own = [place for place in asked if place.column == column.name]
        missed = [f"{place.path}:{place.first}" for place in unseen if place.column == column.name]
        print(f"{column.model}.{column.name}: {len(own) - len(missed)} of {len(own)} named; not {', '.join(missed)}")
    share = round(100 * len(unseen) / len(asked))
    print(f"{len(asked) - len(unseen)} of {len(asked)} places named: {share} in 100 are not")
    assert share <= tomllib.loads(NUMBERS.read_text("utf-8"))["renamed"]["unseen_in_100"]


def _is_told(place: Place, path: str, line: int, sentence: str) -> bool:
    return path == place.path and place.first <= line <= place.last and f'"{place.column}"' in sentence


def test_a_place_is_an_attribute_a_string_in_brackets_or_a_keyword_of_rows() -> None:
    text = "a.due\nb['due']\nTask(due=1)\nOther(due=1)\nupdate(t).values(due=2)\ndue = 3\nf(due=1)\n"
    found = [node.lineno for part in ast.walk(ast.parse(text)) for _, node in _named(part, {"due": "Task"})]
    assert sorted(found) == [1, 2, 3, 5]


def test_there_are_columns_to_rename_and_each_stands_where_it_is_said() -> None:
    found = columns()
    assert len(found) > FEWEST
    for column in found:
        assert f"{column.name}:" in column.path.read_text("utf-8").split("\n")[column.line - 1]
