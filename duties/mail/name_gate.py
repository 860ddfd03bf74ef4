"""The gate before anything goes out: it reads all of a document or letter and stops it where it names somebody known.

It is the last look and not the rule: no document is made from names. It looks for each name that it is given, in either
order, whatever the accents, case, hyphens, blanks and invisible characters. It does not guess: a nickname, a name
with a letter wrong or one in a picture passes; so does a name that somebody of the staff or an organization bears too,
or that stands in their address, since it tells nobody apart, and a name that two of theirs make only where they meet.

Whose names are known is for the layer above to say, which keeps them sealed: the stationery of a session has a function
for it (`duties.mail.notices.Stationery.known`). See docs/adr/0010.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from html import unescape
from io import BytesIO
from itertools import pairwise
from typing import Final
from zipfile import ZipFile

from sqlalchemy import select
from sqlmodel import Session

from duties.here import program_of
from duties.refusals import Refusal
from locales import N_
from models.base import table_of
from models.program import Organization, Person

_person = table_of(Person)
_organization = table_of(Organization)

Known = Callable[[Session], Iterable[str]]
"""The names that may not leave, in a session's program: "given family", or other words that tell who someone is."""

#: What is said where no narrower place is known.
NAMES_SOMEONE: Final = N_("This names someone who may only be called by a number. It stays here: write the number.")

#: From so many letters on, a name of several words is found inside a longer word too (a file name, an address).
_LONG_ENOUGH: Final = 8
#: The letters that no decomposition gives.
_PLAIN: Final = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"})
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_PDF: Final = b"%PDF-"
_PACKAGE: Final = b"PK"
#: Where a session keeps what was read of the documents that go out in it.
_READ: Final = "documents_read"
#: And what the staff and the organizations are called, folded.
_OWN: Final = "names_of_ours"
#: Stands between two texts, so that no name is put together from both: it is no letter and no figure.
_WALL: Final = "|"
_LARGEST_UNPACKED_BYTES: Final = 200_000_000


def nobody(_: Session) -> tuple[str, ...]:
    """The names of a program that has no participants in its database."""
    return ()


@dataclass(frozen=True)
class Gate:
    """Looks for the names that are known. One that knows nobody lets everything through, and reads nothing."""

    wanted: tuple[_Name, ...]
    own: tuple[str, ...] = ()  # the letters of what the staff and the organizations are called
    read: dict[bytes, _Folded] = field(default_factory=dict, repr=False, compare=False)  # files, by their digest

    @classmethod
    def of(
        cls, known: Iterable[str], apart_from: Iterable[str] = (), *, folded: dict[str, _Folded] | None = None
    ) -> Gate:
        """For whole names ("given family" or "family, given"), each found in any order of its halves.

        Not for a name that one of the texts `apart_from` holds, nor where it begins or ends inside one of them: of two
        that stand side by side in a list, the end of one and the beginning of the other name nobody. `folded` keeps
        these texts folded, for the next gate.
        """
        kept = {} if folded is None else folded
        ours = [kept.get(text) or kept.setdefault(text, _Folded.of([text])) for text in apart_from]
        wanted: dict[_Name, None] = {}
        for text in known:
            forms = tuple(_forms(text))
            if not any(own.names(form) for own in ours for form in forms):
                wanted |= dict.fromkeys(forms)
        own = dict.fromkeys(text.letters.removesuffix(_WALL) for text in ours)
        return cls(tuple(wanted), tuple(letters for letters in own if letters))

    @classmethod
    def here(cls, session: Session) -> Gate:
        """For those who are known in a session's program, but for names that its staff or its organizations bear.

        What people write of themselves, a telephone or an address too, is theirs to choose and stands in letters that
        they see leave: stopped there, it would tell them whether somebody of that name is known.
        """
        known = tuple(session.info["stationery"].known(session))
        if not known:
            return cls(())
        here = program_of(session)
        people = session.execute(
            select(_person.c.given_name, _person.c.family_name, _person.c.email, _person.c.phone).where(
                _person.c.program_id == here
            )
        )
        places = session.execute(
            select(_organization.c.name_fr, _organization.c.name_en, _organization.c.short_name).where(
                _organization.c.program_id == here
            )
        )
        own = [
            text
            for given, family, *contact in people
            for text in (f"{given} {family}", *(written for written in contact if written))
        ]
        # What the staff and the organizations are called is the same for each letter of a session.
        folded = session.info.setdefault(_OWN, {})
        gate = cls.of(known, [*own, *(name for row in places for name in row)], folded=folded)
        # One document goes to many, in letters of one session: it is read through once, and looked through for each.
        return replace(gate, read=session.info.setdefault(_READ, {}))

    def stops(self, part: str | bytes) -> bool:
        """Whether a part names somebody: a text, a file's name, a whole PDF, DOCX or calendar file.

        Raises Refusal where it cannot be read.
        """
        if not self.wanted:
            return False
        folded = self._folded(part)
        return any(folded.names(name, self.own) for name in self.wanted)

    def _folded(self, part: str | bytes) -> _Folded:
        if isinstance(part, str):
            return _Folded.of([part])
        if not part.startswith((_PDF, _PACKAGE)):
            return _Folded.of(_texts(part))  # a calendar file is of one reader alone
        digest = hashlib.sha256(part).digest()
        if digest not in self.read:
            self.read[digest] = _Folded.of(_texts(part))
        return self.read[digest]

    def refuse(self, parts: Iterable[str | bytes]) -> None:
        """Raises Refusal where a part names somebody. It never says whom."""
        if any(self.stops(part) for part in parts):
            raise Refusal("document.names", NAMES_SOMEONE)


# ------------------------------------------------------------------------------------------------------- names


@dataclass(frozen=True)
class _Name:
    """A name as its letters alone. A short one counts only as whole words: Rose is no part of "proposer"."""

    letters: str
    inside: bool  # it counts inside one longer word as well


def _forms(known: str) -> Iterator[_Name]:
    """The name in every order of its halves: "Ana Roy" is "Roy, Ana" too."""
    words = _words(known)
    inside = len(words) > 1 and sum(len(word) for word in words if word.isalpha()) >= _LONG_ENOUGH
    for cut in range(len(words)):
        yield _Name("".join(words[cut:] + words[:cut]), inside)


@dataclass(frozen=True)
class _Folded:
    """Texts as their letters and figures alone, a wall after each, and at which of them a word begins or ends."""

    letters: str
    edges: frozenset[int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> _Folded:
        words = [word for text in dict.fromkeys(texts) for word in (*_words(text), _WALL)]
        edges, at = {0}, 0
        for word in words:
            at += len(word)
            edges.add(at)
        return cls("".join(words), frozenset(edges))

    def names(self, name: _Name, own: Iterable[str] = ()) -> bool:
        for at, end in self._places(name.letters):
            # Jean Martineau is not Jean Martin: only a word that holds the whole name may go on around it.
            whole = at in self.edges and end in self.edges
            inside = name.inside and self.edges.isdisjoint(range(at + 1, end))
            if (whole or inside) and not self._is_of_two(at, end, own):
                return True
        return False

    def _is_of_two(self, at: int, end: int, own: Iterable[str]) -> bool:
        """Whether one of `own` stands over the beginning or the end of a place, and not wholly inside it."""
        return any(
            first < at < last or first < end < last
            for letters in own
            for first, last in self._places(letters)
            if first in self.edges and last in self.edges
        )

    def _places(self, letters: str) -> Iterator[tuple[int, int]]:
        at = self.letters.find(letters)
        while at >= 0:
            yield at, at + len(letters)
            at = self.letters.find(letters, at + 1)


def _words(text: str) -> list[str]:
    visible = "".join(letter for letter in text if letter.isascii() or unicodedata.category(letter) != "Cf")
    composed = unicodedata.normalize("NFC", visible)
    # A word that begins inside another by a capital ("agendaAnaRoy") is a word.
    parted = composed[:1] + "".join(
        f" {letter}" if letter.isupper() and before.islower() else letter for before, letter in pairwise(composed)
    )
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", parted).casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _WORD.findall(plain.translate(_PLAIN))


# -------------------------------------------------------------------------------------------------- what is read


def _texts(part: bytes) -> Iterator[str]:
    try:
        if part.startswith(_PDF):
            # Read where there is one: what reads PDFs is fourteen megabytes of every process otherwise.
            from duties.files.pdf_words import words_of  # noqa: PLC0415

            yield from words_of(part)
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
