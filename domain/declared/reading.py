"""Declared files: YAML that people write, read strictly, each complaint at its file, line and path."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from domain.declared.complaints import complaints
from domain.declared.guide_ids import GUIDE_IDS
from domain.declared.problems import DeclaredErrors, FileProblem, PathOf, Wrong, shown, written
from domain.declared.yaml_values import Reading
from locales import N_, pick

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

LARGEST_FILE_BYTES: Final = 1_000_000


@dataclass(frozen=True)
class Declared(Generic[M]):
    """A declared file that its grammar accepts, and the place of each of its parts.

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

    def problem(self, path: PathOf, sentence: str, /, **facts: str | int) -> FileProblem:
        """A complaint about `path`, for a check that sees more than the grammar does."""
        return FileProblem(self.file, self.line_of(path), written(path), sentence, facts)


class GrammarPart(BaseModel):
    """The base of a grammar's parts: nothing unknown, nothing changed later, no stray blanks."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)


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
    """A check of a list's field that it has no duplicates. Raises Wrong at the second."""
    for place, value in enumerate(values):
        if value in values[:place]:
            raise Wrong(N_("This stands here a second time."), at=(place,))
    return values


class Bilingual(GrammarPart):
    """A declared text in both languages; neither may be missing or blank."""

    fr: Text
    en: Text

    def in_language(self, language: str) -> str:
        """The text in "fr" or "en", typeset; any other language is a mistake of the caller, a ValueError."""
        return pick(language, self)


def load_declared(path: Path, grammar: type[M]) -> Declared[M]:
    """Read and check a declared file; raises DeclaredErrors with everything that is wrong in it."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise DeclaredErrors([FileProblem(str(path), 1, "", N_("This file cannot be opened."))]) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DeclaredErrors([FileProblem(str(path), line, "", N_("This file is not UTF-8 text."))]) from error
    return load_declared_text(text, str(path), grammar)


def load_declared_text(text: str, file_name: str, grammar: type[M]) -> Declared[M]:
    """Check a text as `file_name`; raises DeclaredErrors with everything that is wrong in it."""
    text = text.replace("\r\n", "\n")
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) > LARGEST_FILE_BYTES:
        raise DeclaredErrors([FileProblem(file_name, 1, "", N_("This file is too large."))])
    reading = Reading(file_name)
    data = reading.read(text)
    if reading.problems:
        raise DeclaredErrors(reading.problems)
    try:
        # Strict, as JSON: a day is written as a text, a tuple as a list, but "3" is no number and true no 1.
        value = grammar.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        problems = [
            FileProblem(file_name, _line_of(reading.lines, path), written(path), sentence, facts)
            for path, sentence, facts in complaints(error, grammar, data)
        ]
        raise DeclaredErrors(list({str(problem): problem for problem in problems}.values())) from error
    return Declared(file_name, text, hashlib.sha256(encoded).hexdigest(), value, reading.lines)


def _line_of(lines: Mapping[PathOf, int], path: PathOf) -> int:
    while path not in lines:
        path = path[:-1]
    return lines[path]
