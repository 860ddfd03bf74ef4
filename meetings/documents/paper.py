"""What a laid-out document is made of, in one language: both renderers print this and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Tone = Literal["plain", "strong", "quiet", "warning"]

_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
#: What belongs to the number before it, in either language.
_UNITS: Final = r"(?:h|min|p\.m\.|a\.m\.|%|\$)"


@dataclass(frozen=True)
class CellLine:
    """One line of a table's cell."""

    text: str
    tone: Tone = "plain"


Cell = tuple[CellLine, ...]


@dataclass(frozen=True)
class Heading:
    """A heading of level 2 or 3; the document's own is level 1."""

    text: str
    level: Literal[2, 3] = 2


@dataclass(frozen=True)
class PaperNote:
    """A paragraph. One that `keeps` stays on its page with what comes next."""

    text: str
    tone: Tone = "plain"
    keeps: bool = False


@dataclass(frozen=True)
class Column:
    """A column: its head, its width in millimetres (0 takes what is left), and whether figures end at its right."""

    title: str
    width_mm: int = 0
    figures: bool = False


@dataclass(frozen=True)
class Group:
    """Rows under a title of their own, or under none."""

    title: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class PaperTable:
    """A table whose head is repeated on every page."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Decided:
    """A decision, set off from what was said."""

    title: str
    text: str
    facts: tuple[CellLine, ...]


@dataclass(frozen=True)
class Signing:
    """A place to sign what is said: labels, each with what is known, or with a line to write on where that is empty."""

    text: str
    fields: tuple[tuple[str, str], ...]


Block = Heading | PaperNote | PaperTable | Decided | Signing


@dataclass(frozen=True)
class Paper:
    """A document in one language, ready to be printed; every text is set in that language's typography."""

    language: str
    title: str  # in the document's properties, and on every page after the first
    program: str
    heading: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    page_of: str  # with %(page)s and %(pages)s, which only the renderer knows
    blocks: tuple[Block, ...]


def typeset(language: str, text: str) -> str:
    """`text` with no-break spaces where a line must not end: before a unit and, in French, at double punctuation.

    Only blanks that are there are changed: an address, an hour or a code keeps its colon as it is.
    """
    text = re.sub(rf"(?<=\d) (?={_UNITS}(?!\w))", _NO_BREAK, text)
    if language != "fr":
        return text
    text = re.sub(rf"(?<=\d{_NO_BREAK}h) (?=\d\d\b)", _NO_BREAK, text)
    text = re.sub(r"[ \u202f](?=[:;?!»])", _NO_BREAK, text)
    return re.sub(r"«[ \u202f]", f"«{_NO_BREAK}", text)
