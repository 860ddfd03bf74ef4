"""Reading the YAML of a declared file: plain values, each with its line, and nothing that YAML would guess."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from domain.declared.problems import FileProblem, PathOf, written
from locales import N_

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MOST_VALUES: Final = 50_000  # counted after `*alias` is expanded: a few lines may otherwise mean millions
DEEPEST: Final = 40  # which also ends an alias to what it stands in

# CBaseLoader is the same reader in C; a build without it has BaseLoader alone. Both leave every plain
# word a text: what `no`, `12:30` or 2026-12-07 mean is said by the grammar, never guessed by YAML 1.1.
_LOADER: Final[type[Any]] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_TEXT, _LIST, _MAPPING = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")
_WORDS: Final[dict[str, bool | None]] = {"": None, "~": None, "null": None, "true": True, "false": False}
# Controls, lone surrogates, and the marks that turn the direction of a line around.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class Reading:
    """One pass over a file's YAML: plain values, the line of each path, and what is wrong as YAML."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[FileProblem] = []
        self.lines: dict[PathOf, int] = {(): 1}
        self._values = 0

    def read(self, text: str) -> Json:
        """The values of the text; None, and a problem, where it cannot be read."""
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
        self.problems.append(FileProblem(self.file, line, written(path), sentence, facts))

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
