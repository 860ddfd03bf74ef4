"""The columns that statements write by name, as `.values(due_on=…)`, read from the code: each with its model.

The type check knows a model's columns where a row is made, as in `Task(due_on=…)`; a statement takes any name, and so
do the functions that hand their keywords on to one, as `rewrite(session, Task, id, due_on=…)`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bench.house import PRODUCT

#: What begins a statement on the rows of a model, or stands for its table.
_OF_A_MODEL = {"changes", "removes", "update", "insert", "delete", "table_of"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef
#: What is assigned to each name, in a module or a function.
_Known = Mapping[str, list[ast.expr]]


@dataclass(frozen=True)
class WrittenColumn:
    """A place that writes a column by its name; `model` is None where the code does not say which."""

    path: Path
    line: int
    last: int
    name: str
    model: str | None


@dataclass(frozen=True)
class Writer:
    """A function that hands its keywords on: to the columns of a model, or of that in one of its parameters."""

    own: tuple[str, ...]
    model: str | None = None
    place: int | None = None


@dataclass
class Module:
    """A module of the product, with what its names stand for."""

    path: Path
    tree: ast.Module
    imported: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                self.imported |= {name.asname or name.name: name.name for name in node.names}

    def functions(self) -> list[_Function]:
        """Every function, those within others too."""
        return [node for node in ast.walk(self.tree) if isinstance(node, _FUNCTIONS)]

    @cached_property
    def known(self) -> _Known:
        """What is assigned to the names of the module itself."""
        return _assigned(*(node for node in self.tree.body if not isinstance(node, (*_FUNCTIONS, ast.ClassDef))))

    def scopes(self) -> Iterator[tuple[ast.stmt, _Known]]:
        """Each statement of the module, and each function that stands in no other, with what its names are."""
        left = [*self.tree.body]
        while left:
            node = left.pop()
            if isinstance(node, ast.ClassDef):
                left += node.body
            else:
                yield node, {**self.known, **_assigned(node)} if isinstance(node, _FUNCTIONS) else self.known


def modules(root: Path) -> list[Module]:
    """Every module of the product below a root but the migrations, parsed."""
    files = [path for folder in PRODUCT for path in sorted((root / folder).rglob("*.py"))]
    return [Module(path, ast.parse(path.read_text("utf-8"))) for path in files if "migrations" not in path.parts]


def columns_of_models(read: list[Module]) -> dict[str, set[str]]:
    """The columns of each model by its name, with those that it has from the classes it stands on."""
    parts = (node for module in read if module.path.parent.name == "models" for node in module.tree.body)
    classes = {node.name: node for node in parts if isinstance(node, ast.ClassDef)}

    def columns(name: str) -> set[str]:
        node = classes.get(name)
        if node is None:
            return set()
        own = {
            one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        }
        return own.union(*(columns(base.id) for base in node.bases if isinstance(base, ast.Name)))

    return {name: columns(name) for name, node in classes.items() if any(word.arg == "table" for word in node.keywords)}


def unknown_columns(read: list[Module]) -> list[WrittenColumn]:
    """The places that write by name what is no column of their model."""
    columns = columns_of_models(read)
    return [one for one in written_columns(read) if one.model is not None and one.name not in columns[one.model]]


def written_columns(read: list[Module]) -> Iterator[WrittenColumn]:
    """Each place that writes a column by its name in a statement, or by a function that hands its keywords on."""
    models = set(columns_of_models(read))
    writers = _writers(read, models)
    for module in read:
        for scope, known in module.scopes():
            for call in _calls_in(scope):
                model, names = _written_by(call, _Reader(module, known, models, writers))
                for name, node in names:
                    yield WrittenColumn(module.path, node.lineno, node.end_lineno or node.lineno, name, model)


@dataclass(frozen=True)
class _Reader:
    """What the names of a scope stand for."""

    module: Module
    known: _Known
    models: set[str]
    writers: Mapping[str, Writer]

    def model_of(self, part: ast.expr, deep: int = 9) -> str | None:
        """The model whose rows a statement is on, as far as the code says."""
        if isinstance(part, ast.Name):
            named = self.module.imported.get(part.id, part.id)
            assigned = self.known.get(part.id, []) if deep else []
            found = {named} if named in self.models else {self.model_of(one, deep - 1) for one in assigned}
            return found.pop() if len(found) == 1 else None
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            return self.model_of(part.func.value, deep)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.args:
            begins = self.module.imported.get(part.func.id, part.func.id) in _OF_A_MODEL
            return self.model_of(part.args[0], deep) if begins else None
        return None

    def writer(self, called: ast.expr) -> Writer | None:
        """The function that is called, where it hands its keywords on to columns."""
        if isinstance(called, ast.Name):
            own = self.writers.get(f"{self.module.path.stem}.{called.id}")
            return own or self.writers.get(self.module.imported.get(called.id, ""))
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            module = self.module.imported.get(called.value.id, called.value.id)
            return self.writers.get(f"{module}.{called.attr}")
        return None


def _written_by(call: ast.Call, reader: _Reader) -> tuple[str | None, list[tuple[str, ast.expr | ast.keyword]]]:
    """The names of columns that a call gives values to, and their model."""
    named = [(word.arg, word) for word in call.keywords if word.arg is not None]
    if _is_of_a_chain(call, "values"):
        listed = [key for given in call.args for key in _keys_of(given)]
    elif _is_of_a_chain(call, "on_conflict_do_update"):
        listed, named = [key for name, word in named if name == "set_" for key in _keys_of(word.value)], []
    else:
        writer = reader.writer(call.func)
        if writer is None:
            return None, []
        model = writer.model if writer.place is None else reader.model_of(call.args[writer.place])
        return model, [(name, word) for name, word in named if name not in writer.own]
    return reader.model_of(call), [*named, *listed]


def _is_of_a_chain(call: ast.Call, name: str) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == name


def _keys_of(given: ast.expr) -> list[tuple[str, ast.expr]]:
    keys = given.keys if isinstance(given, ast.Dict) else []
    return [(str(key.value), key) for key in keys if isinstance(key, ast.Constant)]


def _writers(read: list[Module], models: set[str]) -> dict[str, Writer]:
    """Every function that hands its keywords on to columns: by its module and name, and by its name where it is public.

    It is looked for until none is found any more, as one may hand on to another.
    """
    found: dict[str, Writer] = {}
    left = [(module, function) for module in read for function in module.functions() if function.args.kwarg]
    while True:
        more = {
            (module.path.stem, function.name): writer
            for module, function in left
            if f"{module.path.stem}.{function.name}" not in found
            and (
                writer := _as_writer(function, _Reader(module, {**module.known, **_assigned(function)}, models, found))
            )
        }
        if not more:
            return found
        for (module_name, name), writer in more.items():
            found[f"{module_name}.{name}"] = writer
            if not name.startswith("_"):
                found[name] = writer


def _as_writer(function: _Function, reader: _Reader) -> Writer | None:
    given = function.args
    places = [one.arg for one in (*given.posonlyargs, *given.args)]
    own = (*places, *(one.arg for one in given.kwonlyargs))
    for call in _calls_in(function):
        if given.kwarg is None or given.kwarg.arg not in _handed_on(call):
            continue
        if isinstance(call.func, ast.Name) and call.func.id == "run":
            return Writer(own, reader.model_of(call.args[1]))
        if _is_of_a_chain(call, "values"):
            model, root = reader.model_of(call), _root(call)
            return Writer(own, model, places.index(root) if model is None and root in places else None)
        writer = reader.writer(call.func)
        if writer is not None:
            model = writer.model if writer.place is None else reader.model_of(call.args[writer.place])
            return Writer((*own, *writer.own), model)
    return None


def _handed_on(call: ast.Call) -> set[str]:
    """The names whose parts a call gives on: as keywords, or in a mapping, as a statement takes its values."""
    mappings = [given for given in call.args if isinstance(given, ast.Dict)]
    parts = [word.value for word in call.keywords if word.arg is None]
    parts += [one for given in mappings for key, one in zip(given.keys, given.values, strict=True) if key is None]
    return {part.id for part in parts if isinstance(part, ast.Name)}


def _root(part: ast.expr) -> str:
    """What the statement of a chain begins with, such as `model` in `changes(model).where(…)`."""
    while isinstance(part, ast.Call):
        part = part.func.value if isinstance(part.func, ast.Attribute) else (*part.args, ast.Name(""))[0]
    return part.id if isinstance(part, ast.Name) else ""


def _calls_in(scope: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(scope) if isinstance(node, ast.Call)]


def _assigned(*scopes: ast.AST) -> dict[str, list[ast.expr]]:
    """What is assigned to each name."""
    found: dict[str, list[ast.expr]] = {}
    for node in (node for scope in scopes for node in ast.walk(scope)):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found
