"""Links and random letters in a text: chance words in them do not count, and what a link spells out does.

Letters that were drawn at random (the token of a link, an id, a digest) hold a given name or a telephone by chance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

_LINK: Final = re.compile(r"\b(?:https?://|www\.)[^\s<>\"«»]+", re.IGNORECASE)
#: What ends the sentence around a link, and is no part of the link.
_AFTER: Final = ".,;:!?)]}’”'…"
#: The parts of a link, and of a name in one: "jessica-tremblay.pdf".
_PARTS: Final = re.compile(r"[^/?&=#;]+")
_RANDOM: Final = re.compile(r"[A-Za-z0-9_-]{16,}")
#: From a letter to a figure, from a figure to a letter, and from a small letter to a capital.
_TURNS: Final = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[a-z])(?=[A-Z])")
#: Words that are written together, with a day or a version behind them, turn no more often than this.
_FEW_TURNS: Final = 5
#: Among letters drawn at random, one in this many turns at least; a digest, which has no capitals, turns more often.
_LETTERS_A_TURN: Final = 6


@dataclass(frozen=True)
class LinkPart:
    """A part of a link, as it reads, and its place in the text. A `query` says something of what is asked."""

    said: str
    at: int
    end: int
    is_query: bool


def without_links(text: str) -> str:
    """A text of the same length in which links and random letters are replaced by strokes without meaning."""
    return _RANDOM.sub(_blank_random, _LINK.sub(_blank, text))


def parts_of_links(text: str) -> Iterator[LinkPart]:
    """The parts of each link behind its host, decoded: they hold what the link spells out."""
    for link in _LINK.finditer(text):
        end = link.start() + len(link[0].rstrip(_AFTER))
        host_end = _host_end(text, link.start(), end)
        asked = text.find("?", host_end, end)
        for part in _PARTS.finditer(text, host_end, end):
            if _RANDOM.fullmatch(part[0]) is None or not _is_random(part[0]):
                yield LinkPart(unquote_plus(part[0]), part.start(), part.end(), 0 <= asked < part.start())


def _host_end(text: str, at: int, end: int) -> int:
    begins = text.find("//", at, end)
    found = re.compile(r"[/?#]").search(text, begins + 2 if begins >= 0 else at, end)
    return found.start() if found else end


def _is_random(letters: str) -> bool:
    turns = sum(1 for _ in _TURNS.finditer(letters))
    return turns > max(_FEW_TURNS, len(letters) / _LETTERS_A_TURN)


def _blank(found: re.Match[str]) -> str:
    kept = found[0].rstrip(_AFTER)
    return "_" * len(kept) + found[0][len(kept) :]


def _blank_random(found: re.Match[str]) -> str:
    return "_" * len(found[0]) if _is_random(found[0]) else found[0]
