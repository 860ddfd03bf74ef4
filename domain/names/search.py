"""The search for known people, in every usual spelling: where a text names them, and how sure that is.

It looks for each given name with each half of the family name, initials with either, a name alone, telephones, e-mail
addresses and birth dates; whatever the accents, case, hyphens, blanks, line ends and invisible characters. Where words
may mean another person, or no one at all, the place is not `sure`. It does not guess: a nickname, or a name with a
letter wrong, passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Final

from domain.names import contacts
from domain.names.folding import WALL, Folded, TextWord
from domain.names.known import (
    Initials,
    Name,
    Someone,
    emails_of,
    initials_of,
    is_another_name,
    is_title,
    names_of,
    phones_of,
)
from domain.names.lexicon import given_names, ordinary_words

#: English verbs that are names too, and stand in every other sentence; and what they never stand behind.
_MODALS: Final = frozenset({"will", "may"})
_BEFORE_SOMEBODY: Final = frozenset(
    (
        WALL,
        *("about", "and", "at", "avec", "by", "chez", "d", "de", "des", "du", "et", "for", "from", "of", "on", "par"),
        *("pour", "que", "qu", "sur", "to", "with"),
    )
)
#: As many initials as anyone has.
_MOST_INITIALS: Final = 3


@dataclass(frozen=True)
class NamePlace:
    """Words that name a known person (`sure`), or may: from which word of a text to the one after the last.

    `means` is the letters that were found: it tells two of the same text apart.
    """

    first: int
    last: int
    means: str
    sure: bool


@dataclass(frozen=True)
class Written:
    """A known person's telephone, e-mail address or day, as `Place`, by the letters of its text."""

    found: contacts.TextMatch[Any]
    sure: bool = True


@dataclass(frozen=True)
class _Apart:
    """What the staff and the organizations are called, and how they are reached."""

    texts: tuple[str, ...]

    @cached_property
    def folded(self) -> tuple[Folded, ...]:
        return tuple(Folded.of([text]) for text in self.texts)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(word.letters for text in self.folded for word in text.words)

    @property
    def letters(self) -> tuple[str, ...]:
        own = dict.fromkeys(text.letters.removesuffix(WALL) for text in self.folded)
        return tuple(letters for letters in own if letters)

    @property
    def digits(self) -> set[str]:
        return {contacts.digits_of(text)[-contacts.WHOLE :] for text in self.texts}

    @property
    def mailboxes(self) -> set[str]:
        return {contacts.bare_address(text) for text in self.texts if "@" in text}

    def holds(self, name: Name) -> bool:
        """Whether one of them is called so."""
        return any(next(places_of(text, name), None) is not None for text in self.folded)


@dataclass(frozen=True)
class Search:
    """Looks for the people it knows. Without any, it finds nothing."""

    wanted: tuple[Name, ...] = ()
    initials: tuple[Initials, ...] = ()
    phones: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    birth_dates: frozenset[date] = frozenset()
    own: tuple[str, ...] = ()  # the letters of what the staff and the organizations are called

    @classmethod
    def of(cls, known: Iterable[Someone | str], apart_from: Iterable[str] = ()) -> Search:
        """A search for these people, and for whole names ("given family" or "family, given").

        Not for a whole name that one of the texts `apart_from` holds, nor where it begins or ends inside one of them.
        Where two stand side by side in a list, the end of one and the beginning of the other name no one. A name alone
        that one of them holds too is not sure.
        """
        everyone = tuple(dict.fromkeys(known))
        people = [one for one in everyone if isinstance(one, Someone)]
        apart = _Apart(tuple(apart_from))
        return cls(
            tuple(dict.fromkeys(name for one in everyone for name in _wanted_of(one, apart))),
            tuple(dict.fromkeys(initials for one in people for initials in initials_of(one))),
            frozenset().union(*map(phones_of, people)) - apart.digits,
            frozenset().union(*map(emails_of, people)) - apart.mailboxes,
            frozenset(one.birth_date for one in people if one.birth_date is not None),
            apart.letters,
        )

    @property
    def knows_nobody(self) -> bool:
        """Whether there is no one to look for."""
        return not (self.wanted or self.phones or self.emails or self.birth_dates)

    def names_in(self, text: Folded) -> Iterator[NamePlace]:
        """The places where a text names a known person."""
        yield from self._names(text)
        yield from self._with_initials(text)

    def _names(self, text: Folded) -> Iterator[NamePlace]:
        for name in self.wanted:
            for at, end in places_of(text, name):
                if _is_of_two(text, at, end, self.own) or (name.alone and _is_within(text, at, end, self.own)):
                    continue
                if name.alone and _is_said_otherwise(text, at, end, name):
                    continue
                yield _place(text, at, end, sure=name.sure and _is_sure(text, at, end, name))

    def _with_initials(self, text: Folded) -> Iterator[NamePlace]:
        for wanted in self.initials:
            for at, end in text.places(wanted.family):
                if at not in text.edges or end not in text.edges or _is_within(text, at, end, self.own):
                    continue
                for first, last, sure in _beside(text, text.edges[at], text.edges[end], wanted.initials):
                    yield NamePlace(first, last, _joined(text.words[first:last]), sure)

    @cached_property
    def _local(self) -> frozenset[str]:
        return frozenset(phone[-contacts.LOCAL :] for phone in self.phones)

    def numbers_in(self, text: str) -> Iterator[Written]:
        """The places where a text has a known person's contacts or birth date."""
        if self.phones:
            yield from self._telephones(text)
        if self.emails:
            yield from (Written(found) for found in contacts.addresses(text) if found.what in self.emails)
        if self.birth_dates:
            yield from self._days(text)

    def _telephones(self, text: str) -> Iterator[Written]:
        for run in contacts.figures(text):
            windows = (run.what[n : n + contacts.WHOLE] for n in range(len(run.what) - contacts.WHOLE + 1))
            if not self.phones.isdisjoint(windows):
                yield Written(run)
        yield from (Written(local) for local in contacts.local_numbers(text) if local.what in self._local)

    def _days(self, text: str) -> Iterator[Written]:
        for day in contacts.days(text):
            if not self.birth_dates.isdisjoint(day.what):
                yield Written(day)
        for birthday in contacts.birthdays(text):
            if any((born.month, born.day) in birthday.what for born in self.birth_dates):
                yield Written(birthday, sure=False)


# ------------------------------------------------------------------------------------------------------- places


def _place(text: Folded, at: int, end: int, *, sure: bool) -> NamePlace:
    return NamePlace(*text.words_over(at, end), text.letters[at:end], sure)


def _wanted_of(one: Someone | str, apart: _Apart) -> Iterator[Name]:
    """The names by which somebody is looked for."""
    names = tuple(names_of(one))
    if isinstance(one, str):
        # A text is one name in several orders: it is looked for in all of them, or in none.
        yield from () if any(map(apart.holds, names)) else names
        return
    for name in names:
        if name.alone:
            yield replace(name, sure=False) if name.letters in apart.words else name
        elif not apart.holds(name):
            yield name


def places_of(text: Folded, name: Name) -> Iterator[tuple[int, int]]:
    """The places where the letters of a name stand as one: from the first of them to the one after the last."""
    for at, end in text.places(name.letters):
        # Jean Martineau is not Jean Martin: only a word that holds the whole name may go on around it.
        is_whole = at in text.edges and end in text.edges
        if is_whole and name.joined and not text.has_edge_within(at, end):
            is_whole = name.letters not in ordinary_words() and name.letters not in given_names()
        if is_whole or (name.inside and not text.has_edge_within(at, end)):
            yield at, end


def _is_of_two(text: Folded, at: int, end: int, own: Iterable[str]) -> bool:
    """Whether one of `own` covers the beginning or the end of a place, and is not wholly inside it."""
    return any(first < at < last or first < end < last for first, last in _ours(text, own))


def _is_within(text: Folded, at: int, end: int, own: Iterable[str]) -> bool:
    """Whether a place is part of the name of one of the staff, or of an organization."""
    return any(first <= at and end <= last for first, last in _ours(text, own))


def _ours(text: Folded, own: Iterable[str]) -> Iterator[tuple[int, int]]:
    for letters in own:
        for first, last in text.places(letters):
            if first in text.edges and last in text.edges:
                yield first, last


def _is_sure(text: Folded, at: int, end: int, name: Name) -> bool:
    """Whether a name can mean no one else at this place."""
    first, last = text.edges.get(at), text.edges.get(end)
    if first is None or last is None:
        return True
    words = text.words[first:last]
    if not name.alone:
        return len(words) == 1 or not all(map(_is_plain, words))
    beside = [(words[-1], after) for after in text.words[last : last + 1]]
    beside += [(before, before) for before in text.words[max(0, first - 1) : first]]
    return not any(_goes_on(left) and is_another_name(other) for left, other in beside)


def _is_plain(word: TextWord) -> bool:
    """Whether a word may be one of the language: "une claire fontaine" is no Claire Fontaine, and may be her."""
    return not word.is_capitalized and word.letters in ordinary_words()


def are_words(words: Sequence[TextWord]) -> bool:
    """Whether the parts that make a name only together are words: "on dine" is no Ondine, "dine" on the line after
    "On-" is.
    """
    is_parted = any(not _goes_on(one) or one.after == "-" for one in words[:-1])
    return not is_parted and any(one.letters in ordinary_words() for one in words)


def _is_said_otherwise(text: Folded, at: int, end: int, name: Name) -> bool:
    """Whether letters that are a name alone are so plainly a word of the language that no one is asked."""
    first, last = text.edges[at], text.edges[end]
    word = text.words[first]
    if last - first > 1:
        return are_words(text.words[first:last])
    if word.is_capitalized:
        return False
    if name.capital or (name.is_family and name.letters in ordinary_words()):
        return True
    return name.letters in _MODALS and _is_a_modal(text, first)


def _is_a_modal(text: Folded, place: int) -> bool:
    """Whether "will" or "may" is the verb: an ordinary word follows, and nothing before it leads to somebody."""
    after = [word.letters for word in text.words[place + 1 : place + 2] if text.words[place].after == " "]
    before = text.words[place - 1].letters if place else WALL
    return not ordinary_words().isdisjoint(after) and before not in _BEFORE_SOMEBODY


def _goes_on(word: TextWord) -> bool:
    """Whether the next word is right beside this one, with nothing but a blank or a hyphen between them."""
    return word.after in {" ", "-", "\N{NO-BREAK SPACE}", "\N{NON-BREAKING HYPHEN}"}


def _beside(text: Folded, first: int, last: int, wanted: frozenset[str]) -> Iterator[tuple[int, int, bool]]:
    """Initials before or behind a family name: from which word to which, and whether it is sure."""
    for begin in range(max(0, first - _MOST_INITIALS), first):
        words = text.words[begin:first]
        if _are_initials(words, wanted):
            yield begin, last, _has_dot(words) and not is_title(_joined(words))
    between = text.words[last - 1].after
    if "." in between or len(between.strip()) > 1:
        return
    for until in range(last + 1, min(len(text.words), last + _MOST_INITIALS) + 1):
        words = text.words[last:until]
        if _are_initials(words, wanted):
            yield first, until, _has_dot(words)


def _are_initials(words: Sequence[TextWord], wanted: frozenset[str]) -> bool:
    return all(map(_is_initial, words)) and _joined(words) in wanted


def _joined(words: Iterable[TextWord]) -> str:
    return "".join(word.letters for word in words)


def _is_initial(word: TextWord) -> bool:
    """Whether a word is one or two initials: "O", "o.", "JP"; and no letter that was left out of a word before it."""
    if not word.letters.isalpha() or "'" in word.after or "’" in word.after:
        return False
    is_large = word.written.isupper() and len(word.written) <= _MOST_INITIALS
    return (is_large and word.written != "À") or (len(word.written) == 1 and word.after.startswith("."))


def _has_dot(words: Iterable[TextWord]) -> bool:
    return any(word.after.startswith(".") for word in words)
