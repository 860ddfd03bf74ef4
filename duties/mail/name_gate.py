"""The gate before anything goes out: it reads all of a document or letter and stops it where it names somebody known.

It is the last look and not the rule: no document is made from names. It looks for who is on file in every usual
writing: each given name with each half of the family name, initials with either, a name alone, telephones, e-mail
addresses and birth dates; whatever the accents, case, hyphens, blanks, line ends and invisible characters. Where words
may mean somebody else, or nobody at all, the hit is not `sure`: that is asked about and not refused. It does not guess:
a nickname, a name with a letter wrong or one in a picture passes; so does a whole name that somebody of the staff or an
organization bears too, or that stands in their address, since it tells nobody apart, and a name that two of theirs make
only where they meet.

Who is known is for the layer above to say, which keeps them sealed: the stationery of a session has a function for it
(`duties.mail.notices.Stationery.known`). See docs/adr/0010.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from html import unescape
from io import BytesIO
from typing import Any, Final
from zipfile import ZipFile

from sqlmodel import Session

from duties.names import contacts
from duties.names.folding import WALL, Folded, Word
from duties.names.known import (
    Initials,
    Name,
    Someone,
    email_of,
    initials_of,
    is_another_name,
    is_title,
    names_of,
    phone_of,
)
from duties.names.lexicon import given_names, ordinary_words
from duties.names.ours import ours
from duties.refusals import Refusal
from locales import N_

Known = Callable[[Session], Iterable[Someone | str]]
"""Who may not be named in what leaves, in a session's program: somebody, or a whole name of theirs."""

#: What is said where no narrower place is known.
NAMES_SOMEONE: Final = N_("This names someone who may only be called by a number. It stays here: write the number.")

_PDF: Final = b"%PDF-"
_PACKAGE: Final = b"PK"
#: Where a session keeps what was read of the documents that go out in it.
_READ: Final = "documents_read"
#: And what the staff and the organizations are called, folded.
_OWN: Final = "names_of_ours"
_LARGEST_UNPACKED_BYTES: Final = 200_000_000
#: How many words before and after a name are shown to whoever is asked.
_AROUND: Final = 6
_LETTERS_AROUND: Final = 40
#: English verbs that are names too, and stand in every other sentence; and what they never stand behind.
_MODALS: Final = frozenset({"will", "may"})
_BEFORE_SOMEBODY: Final = frozenset(
    (
        WALL,
        *("about", "and", "at", "avec", "by", "chez", "d", "de", "des", "du", "et", "for", "from", "of", "on", "par"),
        *("pour", "que", "qu", "sur", "to", "with"),
    )
)
#: As many initials as anybody has.
_MOST_INITIALS: Final = 3


def nobody(_: Session) -> tuple[str, ...]:
    """Who is known in a program that has no participants in its database."""
    return ()


@dataclass(frozen=True)
class Hit:
    """Words that name somebody who is known, or that may (`sure`): as they stand, and a little of what is around them.

    For the eyes of those alone who may know who is on file. `means` tells two of the same text apart.
    """

    words: str
    around: str
    means: str
    sure: bool


@dataclass(frozen=True)
class Gate:
    """Looks for whom it knows. One that knows nobody lets everything through, and reads nothing."""

    wanted: tuple[Name, ...]
    initials: tuple[Initials, ...] = ()
    phones: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    birth_dates: frozenset[date] = frozenset()
    own: tuple[str, ...] = ()  # the letters of what the staff and the organizations are called
    read: dict[bytes, _Read] = field(default_factory=dict, repr=False, compare=False)  # files, by their digest

    @classmethod
    def of(
        cls,
        known: Iterable[Someone | str],
        apart_from: Iterable[str] = (),
        *,
        folded: dict[str, Folded] | None = None,
    ) -> Gate:
        """For these people, and for whole names ("given family" or "family, given").

        Not for a whole name that one of the texts `apart_from` holds, nor where it begins or ends inside one of them:
        of two that stand side by side in a list, the end of one and the beginning of the other name nobody. A name
        alone that one of them holds too is asked about. `folded` keeps these texts folded, for the next gate.
        """
        everyone = tuple(dict.fromkeys(known))
        kept = {} if folded is None else folded
        apart = tuple(apart_from)
        theirs = [kept.get(text) or kept.setdefault(text, Folded.of([text])) for text in apart]
        told = frozenset(word.letters for text in theirs for word in text.words)
        wanted: dict[Name, None] = {}
        for one in everyone:
            names = tuple(names_of(one))
            # A text is one name in several orders: it is looked for in all of them, or in none.
            if isinstance(one, str) and any(_has(text, name) for text in theirs for name in names):
                continue
            for name in names:
                if name.alone:
                    wanted[replace(name, sure=False) if name.letters in told else name] = None
                elif isinstance(one, str) or not any(_has(text, name) for text in theirs):
                    wanted[name] = None
        people = [one for one in everyone if isinstance(one, Someone)]
        digits = {contacts.digits_of(text)[-contacts.WHOLE :] for text in apart}
        mailboxes = {contacts.bare_address(text) for text in apart if "@" in text}
        own = dict.fromkeys(text.letters.removesuffix(WALL) for text in theirs)
        return cls(
            tuple(wanted),
            tuple(dict.fromkeys(initials for one in people for initials in initials_of(one))),
            frozenset(phone for one in people if (phone := phone_of(one)) and phone not in digits),
            frozenset(email for one in people if (email := email_of(one)) and email not in mailboxes),
            frozenset(one.birth_date for one in people if one.birth_date is not None),
            tuple(letters for letters in own if letters),
        )

    @classmethod
    def here(cls, session: Session) -> Gate:
        """For those who are known in a session's program, but for names that its staff or its organizations bear.

        What people write of themselves, a telephone or an address too, is theirs to choose and stands in letters that
        they see leave: stopped there, it would tell them whether somebody of that name is known.
        """
        known = tuple(session.info["stationery"].known(session))
        if not known:
            return cls(())
        # What the staff and the organizations are called is the same for each letter of a session.
        folded = session.info.setdefault(_OWN, {})
        gate = cls.of(known, ours(session), folded=folded)
        # One document goes to many, in letters of one session: it is read through once, and looked through for each.
        return replace(gate, read=session.info.setdefault(_READ, {}))

    @property
    def knows_nobody(self) -> bool:
        """Whether there is nobody to look for."""
        return not (self.wanted or self.phones or self.emails or self.birth_dates)

    def stops(self, part: str | bytes) -> bool:
        """Whether a part names somebody: a text, a file's name, a whole PDF, DOCX or calendar file.

        Raises Refusal where it cannot be read.
        """
        return any(hit.sure for hit in self._hits(part))

    def hits(self, part: str | bytes) -> tuple[Hit, ...]:
        """Every place of a part that names somebody, or that may: for the eyes of who may know. Raises Refusal."""
        return tuple(dict.fromkeys(self._hits(part)))

    def refuse(self, parts: Iterable[str | bytes]) -> None:
        """Raises Refusal where a part names somebody. It never says whom."""
        if any(self.stops(part) for part in parts):
            raise Refusal("document.names", NAMES_SOMEONE)

    def _hits(self, part: str | bytes) -> Iterator[Hit]:
        if self.knows_nobody:
            return
        read = self._read(part)
        yield from self._names(read.folded)
        yield from self._with_initials(read.folded)
        for text in read.texts:
            yield from self._numbers(text)

    def _read(self, part: str | bytes) -> _Read:
        if isinstance(part, str):
            return _Read((part,))
        if not part.startswith((_PDF, _PACKAGE)):
            return _Read(tuple(_texts(part)))  # a calendar file is of one reader alone
        digest = hashlib.sha256(part).digest()
        if digest not in self.read:
            self.read[digest] = _Read(tuple(_texts(part)))
        return self.read[digest]

    # ------------------------------------------------------------------------------------------------------ names

    def _names(self, text: Folded) -> Iterator[Hit]:
        for name in self.wanted:
            for at, end in _places(text, name):
                if _is_of_two(text, at, end, self.own) or (name.alone and _is_within(text, at, end, self.own)):
                    continue
                if name.alone and _is_said_otherwise(text, at, end, name):
                    continue
                yield _hit(text, at, end, sure=name.sure and _is_sure(text, at, end, name))

    def _with_initials(self, text: Folded) -> Iterator[Hit]:
        for wanted in self.initials:
            for at, end in text.places(wanted.family):
                if at not in text.edges or end not in text.edges or _is_within(text, at, end, self.own):
                    continue
                for first, last, sure in _beside(text, text.edges[at], text.edges[end], wanted.initials):
                    yield _of_words(text, first, last, sure=sure)

    # ---------------------------------------------------------------------------------------------------- numbers

    @cached_property
    def _local(self) -> frozenset[str]:
        return frozenset(phone[-contacts.LOCAL :] for phone in self.phones)

    def _numbers(self, text: str) -> Iterator[Hit]:
        for run in contacts.figures(text) if self.phones else ():
            windows = (run.what[n : n + contacts.WHOLE] for n in range(len(run.what) - contacts.WHOLE + 1))
            if any(window in self.phones for window in windows):
                yield _in_text(text, run)
        yield from (_in_text(text, local) for local in contacts.local_numbers(text) if local.what in self._local)
        if self.emails:
            yield from (_in_text(text, found) for found in contacts.addresses(text) if found.what in self.emails)
        if self.birth_dates:
            yield from self._days(text)

    def _days(self, text: str) -> Iterator[Hit]:
        for day in contacts.days(text):
            if not self.birth_dates.isdisjoint(day.what):
                yield _in_text(text, day)
        for birthday in contacts.birthdays(text):
            if any((born.month, born.day) in birthday.what for born in self.birth_dates):
                yield replace(_in_text(text, birthday), sure=False)


@dataclass(frozen=True)
class _Read:
    """What a part says, text by text."""

    texts: tuple[str, ...]

    @cached_property
    def folded(self) -> Folded:
        return Folded.of(self.texts)


# ------------------------------------------------------------------------------------------------------- places


def _has(text: Folded, name: Name) -> bool:
    return next(_places(text, name), None) is not None


def _places(text: Folded, name: Name) -> Iterator[tuple[int, int]]:
    for at, end in text.places(name.letters):
        # Jean Martineau is not Jean Martin: only a word that holds the whole name may go on around it.
        is_whole = at in text.edges and end in text.edges
        if is_whole and name.joined and not text.has_edge_within(at, end):
            is_whole = name.letters not in ordinary_words() and name.letters not in given_names()
        if is_whole or (name.inside and not text.has_edge_within(at, end)):
            yield at, end


def _is_of_two(text: Folded, at: int, end: int, own: Iterable[str]) -> bool:
    """Whether one of `own` stands over the beginning or the end of a place, and not wholly inside it."""
    return any(first < at < last or first < end < last for first, last in _ours(text, own))


def _is_within(text: Folded, at: int, end: int, own: Iterable[str]) -> bool:
    """Whether a place is part of what somebody of the staff, or an organization, is called."""
    return any(first <= at and end <= last for first, last in _ours(text, own))


def _ours(text: Folded, own: Iterable[str]) -> Iterator[tuple[int, int]]:
    for letters in own:
        for first, last in text.places(letters):
            if first in text.edges and last in text.edges:
                yield first, last


def _is_sure(text: Folded, at: int, end: int, name: Name) -> bool:
    """Whether a name can mean nobody else where it stands."""
    first, last = text.edges.get(at), text.edges.get(end)
    if first is None or last is None:
        return True
    words = text.words[first:last]
    if not name.alone:
        # "une claire fontaine" is no Claire Fontaine, and may be her.
        return len(words) == 1 or any(one.is_capitalized or one.letters not in ordinary_words() for one in words)
    before = text.words[first - 1] if first else None
    after = text.words[last] if last < len(text.words) else None
    is_anothers = (after is not None and _goes_on(words[-1]) and is_another_name(after)) or (
        before is not None and _goes_on(before) and is_another_name(before)
    )
    return not is_anothers


def _is_said_otherwise(text: Folded, at: int, end: int, name: Name) -> bool:
    """Whether letters that are a name alone are so plainly a word of the language that nobody is asked."""
    first, last = text.edges[at], text.edges[end]
    word = text.words[first]
    if last - first > 1:
        # "on dine" is no Ondine; one whose name is parted at a line's end is.
        words = text.words[first:last]
        is_parted = any(not _goes_on(one) or one.after == "-" for one in words[:-1])
        return not is_parted and any(one.letters in ordinary_words() for one in words)
    if word.is_capitalized:
        return False
    if name.capital or (name.is_family and name.letters in ordinary_words()):
        return True
    if name.letters not in _MODALS:
        return False
    before = text.words[first - 1].letters if first else WALL
    after = text.words[last] if last < len(text.words) else None
    goes_on = after is not None and after.letters in ordinary_words() and text.words[first].after == " "
    return goes_on and before not in _BEFORE_SOMEBODY


def _goes_on(word: Word) -> bool:
    """Whether the next word stands beside this one, with nothing but a blank or a hyphen between them."""
    return word.after in {" ", "-", "\N{NO-BREAK SPACE}", "\N{NON-BREAKING HYPHEN}"}


def _beside(text: Folded, first: int, last: int, wanted: frozenset[str]) -> Iterator[tuple[int, int, bool]]:
    """Initials that stand before a family name, or behind it: from which word to which, and whether it is sure."""
    for begin in range(max(0, first - _MOST_INITIALS), first):
        words = text.words[begin:first]
        if all(map(_is_initial, words)) and "".join(word.letters for word in words) in wanted:
            yield begin, last, _has_dot(words) and not is_title("".join(word.letters for word in words))
    for until in range(last + 1, min(len(text.words), last + _MOST_INITIALS) + 1):
        words = text.words[last:until]
        is_near = len(text.words[last - 1].after.strip()) <= 1 and "." not in text.words[last - 1].after
        if is_near and all(map(_is_initial, words)) and "".join(word.letters for word in words) in wanted:
            yield first, until, _has_dot(words)


def _is_initial(word: Word) -> bool:
    """Whether a word is one or two initials: "O", "o.", "JP"; and no letter that was left out of a word before it."""
    if not word.letters.isalpha() or "'" in word.after or "’" in word.after:
        return False
    is_large = word.written.isupper() and len(word.written) <= _MOST_INITIALS
    return (is_large and word.written != "À") or (len(word.written) == 1 and word.after.startswith("."))


def _has_dot(words: Iterable[Word]) -> bool:
    return any(word.after.startswith(".") for word in words)


# ------------------------------------------------------------------------------------------------------- what is shown


def _hit(text: Folded, at: int, end: int, *, sure: bool) -> Hit:
    first = max(number for edge, number in text.edges.items() if edge <= at)
    last = min(number for edge, number in text.edges.items() if edge >= end)
    return replace(_of_words(text, first, last, sure=sure), means=text.letters[at:end])


def _of_words(text: Folded, first: int, last: int, *, sure: bool) -> Hit:
    return Hit(
        _said(text.words[first:last]).strip(),
        _said(_within_walls(text.words, first, last)).strip(),
        "".join(word.letters for word in text.words[first:last]),
        sure,
    )


def _within_walls(words: tuple[Word, ...], first: int, last: int) -> tuple[Word, ...]:
    before, after = words[max(0, first - _AROUND) : first], words[last : last + _AROUND]
    walls = [place for place, word in enumerate(before, 1) if word.letters == WALL]
    end = next((place for place, word in enumerate(after) if word.letters == WALL), len(after))
    return (*before[walls[-1] if walls else 0 :], *words[first:last], *after[:end])


def _said(words: Iterable[Word]) -> str:
    return "".join(f"{word.written}{word.after}" for word in words)


def _in_text(text: str, found: contacts.Found[Any]) -> Hit:
    words = text[found.at : found.end]
    around = text[max(0, found.at - _LETTERS_AROUND) : found.end + _LETTERS_AROUND]
    return Hit(words, around.strip(), "".join(words.split()).casefold(), sure=True)


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
