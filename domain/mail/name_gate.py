"""The gate before anything is sent: it reads all of a document or letter and stops it where it names a known person.

It is the last look and not the rule: no document is made from names. It looks for those on file in every usual spelling
(`domain.names.search`). Where words may mean another person, or no one at all, the hit is not `sure`: that is asked
about and not refused. A picture is not read. A whole name passes where one of the staff or an organization has it too,
or has it in their address, since it identifies no one. So does a name that only arises where two of theirs meet.

The layer above says who is known, and keeps them sealed: the stationery of a session has a function for it
(`domain.mail.notices.LetterTemplates.known`). See docs/adr/0010.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from io import BytesIO
from typing import Final
from zipfile import ZipFile

from sqlmodel import Session

from domain.kernel import Refusal
from domain.names import WALL, Folded, NamePlace, Search, Someone, TextWord, Written, ours
from locales import N_

Known = Callable[[Session], Iterable[Someone | str]]
"""Who may not be named in what leaves, in a session's program: somebody, or a whole name of theirs."""

#: The refusal where no narrower place is known.
NAMES_SOMEONE: Final = N_("This names someone who may be identified only by a number. It stays here: write the number.")

_PDF: Final = b"%PDF-"
_PACKAGE: Final = b"PK"
#: Where a session keeps its gate, and whom that is for.
_GATE: Final = "name_gate"
_LARGEST_UNPACKED_BYTES: Final = 200_000_000
#: How many words before and after a name are shown with the question.
_AROUND: Final = 6
_LETTERS_AROUND: Final = 40


def nobody(_: Session) -> tuple[str, ...]:
    """The known people of a program without participants in its database: none."""
    return ()


@dataclass(frozen=True)
class Hit:
    """Words that name a known person (`sure`), or may: as they stand, with a little of the text around them.

    Only for those who may know who is on file. `means` tells two of the same text apart.
    """

    words: str
    around: str
    means: str
    sure: bool


@dataclass(frozen=True)
class NameGate:
    """Looks for the people it knows. Without any, it lets everything through, and reads nothing."""

    search: Search
    read: dict[bytes, _Read] = field(default_factory=dict, repr=False, compare=False)  # files, by their digest
    passed: set[bytes] = field(default_factory=set, repr=False, compare=False)  # the digests of what it let through

    @classmethod
    def of(cls, known: Iterable[Someone | str], apart_from: Iterable[str] = ()) -> NameGate:
        """For these people, and for whole names, as `Search.of`: what is not sure is asked about."""
        return cls(Search.of(known, apart_from))

    @classmethod
    def here(cls, session: Session) -> NameGate:
        """For those who are known in a session's program, without names that its staff or organizations have.

        What people write of themselves, a telephone or an address too, is theirs to choose and stands in letters that
        they see sent. Stopped there, it would tell them whether a person of that name is known.
        """
        known = tuple(session.info["letter_templates"].known(session))
        # One document goes to many, in letters of one session: it is read once, and searched once.
        whom = (known, tuple(ours(session)) if known else ())
        if session.info.get(_GATE, ((), None))[0] != whom:
            session.info[_GATE] = (whom, cls.of(*whom))
        return session.info[_GATE][1]  # type: ignore[no-any-return]

    @property
    def knows_nobody(self) -> bool:
        """Whether there is no one to look for."""
        return self.search.knows_nobody

    def stops(self, part: str | bytes) -> bool:
        """Whether a part names a known person: a text, a file's name, a whole PDF, DOCX or calendar file.

        What goes to many in letters of one session is searched once. Raises Refusal where it cannot be read.
        """
        digest = hashlib.sha256(part.encode(errors="surrogatepass") if isinstance(part, str) else part).digest()
        if digest not in self.passed and not any(hit.sure for hit in self._hits(part)):
            self.passed.add(digest)
        return digest not in self.passed

    def hits(self, part: str | bytes) -> tuple[Hit, ...]:
        """Every place of a part that names a known person, or may: only for those who may know. Raises Refusal."""
        return tuple(dict.fromkeys(self._hits(part)))

    def refuse(self, parts: Iterable[str | bytes]) -> None:
        """Refuse parts that name a known person. The refusal never says who. Raises Refusal."""
        if any(self.stops(part) for part in parts):
            raise Refusal("document.names", NAMES_SOMEONE)

    def _hits(self, part: str | bytes) -> Iterator[Hit]:
        if self.knows_nobody:
            return
        read = self._read(part)
        for place in self.search.names_in(read.folded):
            yield _hit(read.folded, place)
        for text in read.texts:
            for written in self.search.numbers_in(text):
                yield _in_text(text, written)

    def _read(self, part: str | bytes) -> _Read:
        if isinstance(part, str):
            return _Read((part,))
        if not part.startswith((_PDF, _PACKAGE)):
            return _Read(tuple(_texts(part)))  # a calendar file is of one reader alone
        digest = hashlib.sha256(part).digest()
        if digest not in self.read:
            self.read[digest] = _Read(tuple(_texts(part)))
        return self.read[digest]


@dataclass(frozen=True)
class _Read:
    """What a part says, text by text."""

    texts: tuple[str, ...]

    @cached_property
    def folded(self) -> Folded:
        return Folded.of(self.texts)


# ------------------------------------------------------------------------------------------------------- what is shown


def _hit(text: Folded, place: NamePlace) -> Hit:
    return Hit(
        _said(text.words[place.first : place.last]).strip(),
        _said(_within_walls(text.words, place.first, place.last)).strip(),
        place.means,
        place.sure,
    )


def _within_walls(words: tuple[TextWord, ...], first: int, last: int) -> tuple[TextWord, ...]:
    before, after = words[max(0, first - _AROUND) : first], words[last : last + _AROUND]
    walls = [place for place, word in enumerate(before, 1) if word.letters == WALL]
    end = next((place for place, word in enumerate(after) if word.letters == WALL), len(after))
    return (*before[walls[-1] if walls else 0 :], *words[first:last], *after[:end])


def _said(words: Iterable[TextWord]) -> str:
    return "".join(f"{word.written}{word.after}" for word in words)


def _in_text(text: str, written: Written) -> Hit:
    at, end = written.found.at, written.found.end
    around = text[max(0, at - _LETTERS_AROUND) : end + _LETTERS_AROUND]
    return Hit(text[at:end], around.strip(), "".join(text[at:end].split()).casefold(), written.sure)


# -------------------------------------------------------------------------------------------------- what is read


def _texts(part: bytes) -> Iterator[str]:
    try:
        if part.startswith(_PDF):
            # Read where there is one: what reads PDFs is fourteen megabytes of every process otherwise.
            from domain.files import pdf_words  # noqa: PLC0415

            yield from pdf_words.words_of(part)
        elif part.startswith(_PACKAGE):
            yield from _of_package(part)
        else:
            yield from _of_text(part)
    except Exception:  # noqa: BLE001 - damaged in one of a hundred ways, with a message that may quote the document
        raise Refusal("document.unreadable", N_("This document cannot be read through. It stays here.")) from None


def _of_text(part: bytes) -> Iterator[str]:
    text = part.decode("utf-8")
    yield text
    yield re.sub(r"\r?\n[ \t]", "", text)  # a calendar file's lines are folded anywhere


def _of_package(part: bytes) -> Iterator[str]:
    with ZipFile(BytesIO(part)) as package:
        if sum(member.file_size for member in package.infolist()) > _LARGEST_UNPACKED_BYTES:
            raise ValueError("unpacks to too much")
        yield package.comment.decode("utf-8")
        for member in package.infolist():
            yield member.filename
            yield member.comment.decode("utf-8")
            text = package.read(member).decode("utf-8")
            yield unescape(text)  # values of attributes; a text that stands in one run
            # A word processor cuts a word into runs wherever it likes: the end of a paragraph or a cell parts words.
            parted = re.sub(r"</(?:w:p|si|c)>|<w:(?:br|tab|cr)\b[^>]*>", "\n", text)
            yield unescape(re.sub(r"<[^>]*>", "", parted))
