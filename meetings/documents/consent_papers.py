"""The papers of a consent: the copy for who signed, what holds after a word of theirs, and the sheet in plain words.

They are in the participant's language, which may be none of the program's: every word comes from the consent's own
catalogue. Nothing in them names the participant. A drawn signature is a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from domain.kernel import Refusal
from domain.participants import (
    CURRENT,
    RESEARCH,
    ConsentLabels,
    ConsentText,
    TextPart,
    has_sheet,
    labels_of,
    languages_of,
    parts_of,
    sheet_of,
    shown_day,
    text_of,
)
from locales import N_
from meetings.documents.issuing import letters_missing
from meetings.documents.paper import Block, Heading, Paper, PaperNote, Picture


@dataclass(frozen=True)
class SignedCopy:
    """What a copy shows besides the text: what was ticked, by whom and when it was signed, and how."""

    ticked: Sequence[str]
    research: str  # the line of research, "" where the text has none
    agrees_to_research: bool
    explained_on: date
    signed_on: date
    signed_by: str
    worker: str
    drawing: bytes  # b"" where it was signed on paper


@dataclass(frozen=True)
class StandingLine:
    """A line that the person agreed to, since when, and on which day it was withdrawn; None while it holds."""

    words: str
    since: date
    stopped_on: date | None = None


def signed_copy(text: ConsentText, copy: SignedCopy, *, program: str) -> Paper:
    """The copy of a form for the person who signed it."""
    say, language = labels_of(text.language), text.language
    warning, parts = parts_of(text.text)
    facts = (
        (say.version.format(version=text.version), say.name),
        (say.explained_on, shown_day(language, copy.explained_on)),
        (say.signed_on, shown_day(language, copy.signed_on)),
        (say.signed_by, say.signers[copy.signed_by]),
        (say.worker, copy.worker),
    )
    blocks: list[Block] = [] if text.validated else [PaperNote(warning, "warning")]
    blocks += _read(parts)
    blocks.append(Heading(say.signed))
    blocks += [_answer(say, line, agrees=True) for line in copy.ticked]
    if copy.research:
        blocks.append(_answer(say, copy.research, agrees=copy.agrees_to_research))
    blocks.append(Heading(say.signature))
    if copy.drawing:
        blocks.append(Picture(tuple(copy.drawing), say.signature))
    blocks.append(PaperNote(say.drawn if copy.drawing else say.paper, "quiet"))
    return _paper(language, say.title, say.copy, facts, blocks, program=program)


def confirmation(language: str, lines: Sequence[StandingLine], day: date, *, program: str) -> Paper:
    """What holds of a person's consents on a day, and what has ended: for the person."""
    say = labels_of(language)
    blocks: list[Block] = [Heading(say.stands)]
    blocks += _lines(language, say, (one for one in lines if one.stopped_on is None))
    blocks.append(Heading(say.stopped))
    blocks += _lines(language, say, (one for one in lines if one.stopped_on is not None))
    blocks.append(PaperNote(say.any_time, "strong"))
    facts = ((say.as_of, shown_day(language, day)),)
    return _paper(language, say.confirmation, say.copy, facts, blocks, program=program)


def plain_sheet(language: str, *, program: str) -> Paper:
    """The sheet in plain words: one page."""
    say = labels_of(language)
    warning, parts = parts_of(sheet_of(language))
    blocks: list[Block] = [PaperNote(warning, "warning")] if warning.startswith("[") else []
    return _paper(language, say.sheet, parts[0].words, (), [*blocks, *_read(parts[1:], 2)], program=program)


def refuse_unprintable() -> None:
    """Refuse a language of the consent whose letters no font has: its papers would show squares. Raises Refusal."""
    for language, name in languages_of():
        found = dict.fromkeys(letter for paper in _every_paper(language) for letter in letters_missing(paper))
        if found:
            raise Refusal(
                "consent.no_letters",
                _NO_LETTERS,
                source="AD-R8",
                name=name,
                language=language,
                letters=" ".join([*found][:_SHOWN]) + (" …" if len(found) > _SHOWN else ""),
            )


def _every_paper(language: str) -> Iterator[Paper]:
    """Each paper of the consent in a language, with all that can stand on it."""
    text, say, day = text_of(CURRENT, language), labels_of(language), date.min
    lines = [text.line(purpose, "", day) for purpose in (*text.purposes, *([RESEARCH] if text.asks_research else []))]
    for signed_by in say.signers:
        copy = SignedCopy(
            lines,
            lines[0],
            agrees_to_research=True,
            explained_on=day,
            signed_on=day,
            signed_by=signed_by,
            worker="",
            drawing=b"",
        )
        yield signed_copy(text, copy, program="")
    # What stands beside a drawing is looked at too, wherever it is.
    yield confirmation(language, [StandingLine(one, day, day) for one in (*lines, say.drawn)], day, program="")
    yield confirmation(language, [], day, program="")
    if has_sheet(language):
        yield plain_sheet(language, program="")


#: So many letters are named; of a whole script, these say which.
_SHOWN: Final = 5
_NO_LETTERS: Final = N_(
    "The consent cannot be given in %(name)s (%(language)s): no font here has %(letters)s, and its "
    "papers would show squares. Take the files of this language out of consent_texts."
)


def _read(parts: Iterable[TextPart], level: Literal[2, 3] = 3) -> list[Block]:
    """What is explained of a text: without the lines to tick and the places to sign, which a copy has filled in."""
    blocks: list[Block] = []
    for part in parts:
        if part.kind == "title":
            blocks.append(Heading(part.words))
        elif part.kind == "section":
            blocks += [Heading(part.lines[0], level), PaperNote(part.words)]
        elif part.kind == "plain":
            blocks.append(PaperNote(part.words))
    return blocks


def _answer(say: ConsentLabels, line: str, *, agrees: bool) -> PaperNote:
    return PaperNote(f"{say.yes if agrees else say.no} – {line}", "strong" if agrees else "quiet")


def _lines(language: str, say: ConsentLabels, lines: Iterable[StandingLine]) -> list[Block]:
    found: list[Block] = []
    for one in lines:
        when = [say.since.format(day=shown_day(language, one.since))]
        if one.stopped_on is not None:
            when.append(say.ended.format(day=shown_day(language, one.stopped_on)))
        found.append(PaperNote(f"{one.words} ({'; '.join(when)})"))
    return found or [PaperNote(say.nothing, "quiet")]


def _paper(
    language: str,
    heading: str,
    subtitle: str,
    facts: Iterable[tuple[str, str]],
    blocks: Iterable[Block],
    *,
    program: str,
) -> Paper:
    page_of = labels_of(language).page_of.format(**_PAGES)
    return Paper(language, heading, program, heading, subtitle, tuple(facts), page_of, tuple(blocks))


#: What only the renderer knows, as the template looks for it.
_PAGES: Final[Mapping[str, str]] = {"page": "%(page)s", "pages": "%(pages)s"}
