"""What a person is given of their own file, on paper: part by part, each piece with its day, and in whole sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from locales import N_, show_day
from meetings.documents.content import Both
from meetings.documents.paper import Block, CellLine, Column, Heading, Paper, PaperNote, Speaker


class PaperFact(NamedTuple):
    """What one field says, with its label: `name` and `code` are for other systems. Of what people wrote, no code."""

    label: str
    said: str
    name: str
    code: Any = None


@dataclass(frozen=True)
class PaperPiece:
    """One piece: what it is, its local day, what is known in a few words, and what people wrote."""

    title: str
    on: date | None
    facts: tuple[PaperFact, ...] = ()
    words: tuple[PaperFact, ...] = ()
    kind: str = ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What is known in a few words, each with its label."""
        return [(one.label, one.said) for one in self.facts]


@dataclass(frozen=True)
class PaperPart:
    """A part of the paper. One that is `listed` is a table of days and sentences. What is `said` comes first."""

    title: str
    pieces: tuple[PaperPiece, ...]
    listed: bool = False
    note: str = ""
    said: tuple[str, ...] = ()

    def by_title(self) -> dict[str, list[PaperPiece]]:
        """The pieces of each title, in their order."""
        found: dict[str, list[PaperPiece]] = {}
        for one in self.pieces:
            found.setdefault(one.title, []).append(one)
        return found


@dataclass(frozen=True)
class PersonPaper:
    """A paper for one person, in their language: its title, the request's number, how the file is called, its parts."""

    program: Both
    language: str
    kind: str
    title: str
    number: int
    known_as: str
    on: date
    notes: tuple[str, ...]
    parts: tuple[PaperPart, ...]

    def said_day(self, piece: PaperPiece) -> str:
        """The day of a piece, in the person's language; "" where it has none."""
        return show_day(self.language, piece.on) if piece.on else ""


LISTED: Final = (Column(N_("Day"), 36), Column(N_("Who, what and why")))


def given(words: Speaker, content: PersonPaper) -> Paper:
    """The paper, laid out."""
    file_of = ((words.say(N_("File of")), content.known_as),) if content.known_as else ()
    facts = (
        *file_of,
        (words.say(N_("As of")), words.day(content.on)),
        (words.say(N_("The request")), words.say(N_("no. %(number)s"), number=content.number)),
    )
    notes = [PaperNote(words.prose(one)) for one in content.notes]
    blocks: list[Block] = [*notes, *(block for part in content.parts for block in _part(words, part))]
    # In the document's properties stands no number: they show where files are listed.
    return words.paper(content.title, content.program, content.title, "", facts, blocks)


def _part(words: Speaker, part: PaperPart) -> Iterator[Block]:
    yield Heading(words.prose(part.title))
    if part.note:
        yield PaperNote(words.prose(part.note), "quiet", keeps=True)
    yield from (PaperNote(words.prose(one)) for one in part.said)
    if part.listed:
        rows = [((CellLine(words.day(one.on, "long")),), (CellLine(words.prose(one.title)),)) for one in part.pieces]
        yield words.table(LISTED, rows)
        return
    for piece in part.pieces:
        day = f" – {words.day(piece.on, 'long')}" if piece.on else ""
        if piece.title:
            yield Heading(words.prose(piece.title) + day, 3)
        for one in piece.facts:
            yield PaperNote(words.say(N_("%(label)s: %(value)s"), label=one.label, value=words.of(one.said)))
        for one in piece.words:
            yield PaperNote(one.label, "strong", keeps=True)
            yield PaperNote(words.prose(one.said))
