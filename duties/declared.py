"""Declared files: YAML that people write, read strictly, each complaint at its file, line and path."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Generic, TypeGuard, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from duties.guide_ids import GUIDE_IDS
from locales import N_, say

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

PathOf = tuple[str | int, ...]
"""Where something stands in a declared file: keys, and places in lists counted from 0."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

LARGEST_FILE_BYTES: Final = 1_000_000
MOST_VALUES: Final = 50_000  # counted after `*alias` is expanded: a few lines may otherwise mean millions
DEEPEST: Final = 40  # which also ends an alias to what it stands in

# CBaseLoader is the same reader in C; a build without it has BaseLoader alone. Both leave every plain
# word a text: what `no`, `12:30` or 2026-12-07 mean is said by the grammar, never guessed by YAML 1.1.
_LOADER: Final[type[Any]] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_TEXT, _LIST, _MAPPING = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")
_WORDS: Final[dict[str, bool | None]] = {"": None, "~": None, "null": None, "true": True, "false": False}
# Controls, lone surrogates, and the marks that turn the direction of a line around.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class Wrong(ValueError):
    """Raised by a validator of a grammar: what is wrong, and, below the value checked, where (`at`)."""

    def __init__(self, sentence: str, /, *, at: PathOf = (), **facts: str | int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.at = at
        self.facts: Mapping[str, str | int] = facts


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a declared file; `sentence` is an English msgid with the named `facts`.

    A fact named `nearest` is the known name that the author most likely meant.
    """

    file: str
    line: int
    path: str
    sentence: str
    facts: Mapping[str, str | int] = field(default_factory=dict)

    def in_language(self, language: str) -> str:
        """What is wrong, and what was most likely meant, in "fr" or "en"; where it stands is not repeated."""
        said = say(language, self.sentence, **self.facts)
        if "nearest" in self.facts:
            said += " " + say(language, N_("Did you mean “%(nearest)s”?"), nearest=self.facts["nearest"])
        return said

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " + (f"{self.path}: " if self.path else "")
        return where + self.in_language("en")


class DeclaredErrors(Exception):
    """Everything wrong in a declared file, in the order of its lines. Nothing was loaded."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(frozen=True)
class Declared(Generic[M]):
    """A declared file that its grammar accepts, and where each part of it stands.

    `digest` is the SHA-256 of `text`, which has unix line ends whatever the checkout made of them.
    """

    file: str
    text: str
    digest: str
    value: M
    _lines: Mapping[PathOf, int]

    def line_of(self, path: PathOf) -> int:
        """The line, from 1, of `path`; for a part that is not written, of the nearest part around it."""
        return _line_of(self._lines, path)

    def problem(self, path: PathOf, sentence: str, /, **facts: str | int) -> Problem:
        """A complaint about `path`, for a check that sees more than the grammar does."""
        return Problem(self.file, self.line_of(path), written(path), sentence, facts)


class Part(BaseModel):
    """The base of a grammar's parts: nothing unknown, nothing changed later, no stray blanks."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _known_guide_id(value: str) -> str:
    if value not in GUIDE_IDS:
        raise Wrong(N_("The guide has no fact “%(id)s”."), id=shown(value))
    return value


Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,60}$")]
"""A name that other parts refer to: small letters, digits, - and _, beginning with a letter."""

GuideId = Annotated[str, AfterValidator(_known_guide_id)]
"""The id of a fact of the guide, such as ON-P05."""

Text = Annotated[str, Field(min_length=1)]
"""A text that says something."""


def each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    """A check of a list's field: nothing stands in it twice. Raises Wrong at the second."""
    for place, value in enumerate(values):
        if value in values[:place]:
            raise Wrong(N_("This stands here a second time."), at=(place,))
    return values


class Bilingual(Part):
    """A declared text in both languages; neither may be missing or blank."""

    fr: Text
    en: Text

    def in_language(self, language: str) -> str:
        """The text in "fr" or "en"; any other language is a mistake of the caller, a ValueError."""
        if language == "fr":
            return self.fr
        if language == "en":
            return self.en
        raise ValueError("a declared text is in fr and in en")


def load_declared(path: Path, grammar: type[M]) -> Declared[M]:
    """Read and check a declared file; raises DeclaredErrors with everything that is wrong in it."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise DeclaredErrors([Problem(str(path), 1, "", N_("This file cannot be opened."))]) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DeclaredErrors([Problem(str(path), line, "", N_("This file is not UTF-8 text."))]) from error
    return load_declared_text(text, str(path), grammar)


def load_declared_text(text: str, file_name: str, grammar: type[M]) -> Declared[M]:
    """Check a text as `file_name`; raises DeclaredErrors with everything that is wrong in it."""
    text = text.replace("\r\n", "\n")
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) > LARGEST_FILE_BYTES:
        raise DeclaredErrors([Problem(file_name, 1, "", N_("This file is too large."))])
    reading = _Reading(file_name)
    data = reading.read(text)
    if reading.problems:
        raise DeclaredErrors(reading.problems)
    try:
        # Strict, as JSON: a day is written as a text, a tuple as a list, but "3" is no number and true no 1.
        value = grammar.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        problems = [
            Problem(file_name, _line_of(reading.lines, path), written(path), sentence, facts)
            for path, sentence, facts in _complaints(error, grammar, data)
        ]
        raise DeclaredErrors(list({str(problem): problem for problem in problems}.values())) from error
    return Declared(file_name, text, hashlib.sha256(encoded).hexdigest(), value, reading.lines)


def written(path: PathOf) -> str:
    """A path as people read it: `steps[2].due.days`, places in lists counted from 0."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def shown(name: str) -> str:
    """A name that a file got wrong, fit to be repeated in a sentence; "…" where it is no name at all."""
    return name if re.fullmatch(r"[\w.:/-]{1,60}", name) else "…"


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that `name` most likely stands for, or ""."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return near[0] if near else ""


class _Reading:
    """One pass over a file's YAML: plain values, the line of each path, and what is wrong as YAML."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.lines: dict[PathOf, int] = {(): 1}
        self._values = 0

    def read(self, text: str) -> Json:
        try:
            root = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._say((), mark.line + 1 if mark else 1, N_("This cannot be read as YAML from here on."))
            return None
        except (yaml.YAMLError, RecursionError, UnicodeError):
            self._say((), 1, N_("This file cannot be read as YAML."))
            return None
        if root is None:
            self._say((), 1, N_("This file is empty."))
            return None
        return self._value(root, ())

    def _say(self, path: PathOf, line: int, sentence: str, /, **facts: str | int) -> None:
        self.problems.append(Problem(self.file, line, written(path), sentence, facts))

    def _value(self, node: yaml.Node, path: PathOf) -> Json:
        line: int = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self._values += 1
        if self._values > MOST_VALUES or len(path) > DEEPEST:
            if self._values <= MOST_VALUES + 1:  # said once; the rest of the file would say it again
                self._say(path, line, N_("This file holds too much: too many values, or parts within parts."))
            self._values = MOST_VALUES + 1
            return None
        if node.tag not in (_TEXT, _LIST, _MAPPING):
            self._say(path, line, N_("Tags (!) have no meaning in a declared file."))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, place)) for place, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)  # noqa: S101  the tag says so
        return self._scalar(node, path, line)

    def _mapping(self, node: yaml.MappingNode, path: PathOf) -> Json:
        mapping: dict[str, Json] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str):
                self._say(path, line, N_("A key must be a single word."))
                continue
            here = (*path, key)
            if key in mapping:
                self._say(
                    here,
                    line,
                    N_("This key stands here a second time; it is also at line %(first)d."),
                    first=self.lines[here],
                )
                continue
            self.lines[here] = line
            mapping[key] = self._value(value_node, here)
        return mapping

    def _scalar(self, node: yaml.ScalarNode, path: PathOf, line: int) -> Json:
        text: str = node.value
        if _UNPRINTABLE.search(text):
            self._say(path, line, N_("This text holds a character that cannot be printed."))
            return None
        if node.style:  # quoted, or a block: a text, whatever it looks like
            return text
        if text in _WORDS:
            return _WORDS[text]
        if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text):
            return int(text)
        if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}", text):
            return float(text)
        return text


def _line_of(lines: Mapping[PathOf, int], path: PathOf) -> int:
    while path not in lines:
        path = path[:-1]
    return lines[path]


Complaint = tuple[PathOf, str, Mapping[str, str | int]]
_Located = tuple[PathOf, ErrorDetails]


def _complaints(error: ValidationError, grammar: type[BaseModel], data: Json) -> Iterator[Complaint]:
    """pydantic's errors as paths of the file and sentences of ours.

    Where a part may take several forms, pydantic complains once for each form: the nearest form is the one that
    the author meant, and the others say nothing.
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
    """How far what is written is from one form: not this kind of value at all, then the complaints counted."""
    return any(path == form_at for path, _ in branch), len(branch)


def _path_in(data: Json, detail: ErrorDetails) -> tuple[PathOf, PathOf | None, str]:
    """The complaint's path in the file, and, if it is about one form of several, where, and which form."""
    path: PathOf = ()
    form_at: PathOf | None = None
    form = ""
    here: Json = data
    parts = detail["loc"]
    for place, part in enumerate(parts):
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and isinstance(part, int)):
            here, path = here[part], (*path, part)  # type: ignore[index]  # each in its own kind
        elif detail["type"] == "missing" and place == len(parts) - 1:
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
    """The kind of what stands under `part` in one form: a model's field, a mapping's value, a list's item."""
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
