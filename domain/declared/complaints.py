"""Turns pydantic's errors into paths of the file and sentences of our own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Final, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.declared.problems import PathOf, Wrong, nearest, shown
from domain.declared.yaml_values import Json
from locales import N_

Complaint = tuple[PathOf, str, Mapping[str, str | int]]
_Located = tuple[PathOf, ErrorDetails]


def complaints(error: ValidationError, grammar: type[BaseModel], data: Json) -> Iterator[Complaint]:
    """pydantic's errors as paths of the file and sentences of ours.

    Where a part may take several forms, pydantic complains once for each form. The nearest form is the one that the
    author meant, and the other complaints are dropped.
    """
    plain: list[_Located] = []
    forms: dict[PathOf, dict[str, list[_Located]]] = defaultdict(lambda: defaultdict(list))
    for detail in error.errors(include_url=False, include_input=False):
        path, form_at, form = _path_in(data, detail)
        if form_at is None:
            plain.append((path, detail))
        else:
            forms[form_at][form].append((path, detail))
    for form_at, branches in forms.items():
        meant: list[_Located] = min(branches.values(), key=lambda branch: _distance(branch, form_at))
        plain.extend(meant)
    for path, detail in plain:
        yield _complaint(path, detail, grammar)


def _distance(branch: Sequence[_Located], form_at: PathOf) -> tuple[bool, int]:
    """How far a value is from one form: first whether its kind is wrong, then how many complaints it has."""
    return any(path == form_at for path, _ in branch), len(branch)


def _path_in(data: Json, detail: ErrorDetails) -> tuple[PathOf, PathOf | None, str]:
    """The complaint's path in the file and, if it is about one form of several, where, and which form."""
    path: PathOf = ()
    form_at: PathOf | None = None
    form = ""
    here: Json = data
    parts, kind = detail["loc"], detail["type"]
    for place, part in enumerate(parts):
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and isinstance(part, int)):
            here, path = here[part], (*path, part)  # type: ignore[index]  # each in its own kind
        elif kind == "missing" and place == len(parts) - 1:
            path = (*path, part)
        elif part != "[key]" and form_at is None:
            form_at, form = path, str(part)
    return path, form_at, form


_SENTENCES: Final[dict[str, str]] = {
    "string_type": N_("A text is expected here. If it looks like a number or like true, put it in quotes."),
    "string_too_short": N_("A text is expected here, and it is empty."),
    "string_pattern_mismatch": N_(
        "A short name is expected here: small letters, digits, - and _, beginning with a letter."
    ),
    "int_type": N_("A whole number is expected here."),
    "int_from_float": N_("A whole number is expected here."),
    "float_type": N_("A number is expected here."),
    "bool_type": N_("true or false is expected here."),
    "date_type": N_("A day is expected here, written as 2026-12-07."),
    "date_parsing": N_("A day is expected here, written as 2026-12-07."),
    "date_from_datetime_parsing": N_("A day is expected here, written as 2026-12-07."),
    "time_type": N_("A time of day is expected here, written as 13:30."),
    "time_parsing": N_("A time of day is expected here, written as 13:30."),
    "literal_error": N_("One of these is expected here: %(expected)s."),
    "enum": N_("One of these is expected here: %(expected)s."),
    "greater_than_equal": N_("This number must be at least %(ge)s."),
    "greater_than": N_("This number must be more than %(gt)s."),
    "less_than_equal": N_("This number must be at most %(le)s."),
    "less_than": N_("This number must be less than %(lt)s."),
    "model_type": N_("Named values (key: value) are expected here."),
    "dict_type": N_("Named values (key: value) are expected here."),
    "list_type": N_("A list is expected here."),
    "tuple_type": N_("A list is expected here."),
    "too_short": N_("At least %(min_length)s must stand here."),
    "too_long": N_("At most %(max_length)s may stand here."),
    "string_too_long": N_("This text is too long: at most %(max_length)s characters."),
}


def _complaint(path: PathOf, detail: ErrorDetails, grammar: type[BaseModel]) -> Complaint:
    kind, context = detail["type"], detail.get("ctx", {})
    mistake = context.get("error")
    if isinstance(mistake, Wrong):
        return (*path, *mistake.at), mistake.sentence, mistake.facts
    if kind == "missing":
        return path, N_("“%(key)s” is missing."), {"key": str(path[-1])}
    if kind == "extra_forbidden":
        key = str(path[-1])
        near = nearest(key, sorted(_known_keys(grammar, path[:-1])))
        hint = {"nearest": near} if near else {}
        return path, N_("“%(key)s” has no meaning here."), {"key": shown(key), **hint}
    if kind in _SENTENCES:
        facts = {name: str(value) for name, value in context.items() if isinstance(value, str | int | float)}
        return path, _SENTENCES[kind], facts
    return path, N_("This does not fit here (%(kind)s)."), {"kind": kind}


def _known_keys(grammar: object, path: PathOf) -> set[str]:
    """The keys that the grammar knows for the part at `path`, whatever forms the part may take."""
    kinds: list[object] = [grammar]
    for part in path:
        kinds = [inner for kind in kinds for form in _forms(kind) for inner in _within(form, part)]
    return {key for kind in kinds for form in _forms(kind) if _is_model(form) for key in _fields(form)}


def _forms(kind: object) -> Iterator[object]:
    origin = get_origin(kind)
    if origin in (Annotated, Union, UnionType):
        for form in get_args(kind):
            yield from _forms(form)
    else:
        yield kind


def _within(form: object, part: str | int) -> Iterator[object]:
    """The kind of the value under `part` in one form: a model's field, a mapping's value, a list's item."""
    arguments = get_args(form)
    if _is_model(form):
        if part in (fields := _fields(form)):
            yield fields[str(part)]
    elif arguments and isinstance(part, int):
        yield arguments[0]
    elif len(arguments) > 1:
        yield arguments[1]


def _is_model(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _fields(model: type[BaseModel]) -> dict[str, object]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}
