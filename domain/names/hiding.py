"""Words about a person, shown without their identity: a blank replaces each of their names and contacts.

People write as they speak, and a name slips into a reason. What the search looks for is taken out everywhere, sure or
not, and each word of a name by itself too. Its case does not matter: Rose, Olive, Claire and Noël as well, where the
person has that name. Too much goes rather than too little. It knows neither nicknames nor any other person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from domain.names import contacts
from domain.names.folding import WALL, Folded, TextWord, letters_of, placed_words_of, words_of
from domain.names.known import Name, Someone, phones_of
from domain.names.search import Search, are_words, places_of
from domain.names.shapes import homes

#: The mark in place of what was taken out.
LEFT_OUT: Final = "[…]"
#: Words of names that are words of every sentence: taken out with the rest of a name, where they have a capital.
_SMALL: Final = frozenset(
    {
        *("a", "al", "au", "aux", "d", "da", "de", "del", "della", "des", "di", "do", "dos", "du", "e", "el"),
        *("l", "la", "las", "le", "les", "los", "mac", "mc", "of", "san", "st", "ste", "van", "von", "y"),
    }
)
#: How an extract ends.
_BREAKS_OFF: Final = "…"
#: A word of a name of so many letters is found inside a longer word too.
_LONG: Final = 6
#: Between two blanks: nothing that tells anything.
_NOTHING: Final = re.compile(r"[\s,'’.\-\u2010-\u2015]*")

Span = tuple[int, int]
Hides = Callable[[str], str]


def hides(who: Iterable[Someone], homes_of: Iterable[str] = ()) -> Hides:
    """A function that removes from a text what identifies these people, as each of their files says it.

    `homes_of` are the postal addresses. Its result is composed, and without invisible characters.
    """
    looked_for = _LookedFor.of(tuple(who), tuple(homes_of))

    def shown(text: str) -> str:
        text = visible(text)
        folded = Folded((*placed_words_of(text), TextWord(WALL, WALL)))
        spans = [*looked_for.in_words(folded), *looked_for.in_figures(text)]
        return blanked(text, [*spans, *_small_beside(text, folded, looked_for.small, spans)], LEFT_OUT)

    return shown


@dataclass(frozen=True)
class _LookedFor:
    """What says who somebody is: whole names, each word of them, telephones and where they live."""

    search: Search
    words: tuple[Name, ...]
    small: frozenset[str]
    local: frozenset[str]
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, people: tuple[Someone, ...], homes_of: tuple[str, ...]) -> _LookedFor:
        """What their files and their addresses say."""
        every = dict.fromkeys(chain.from_iterable(map(_words_of_names, people)))
        phones = frozenset().union(*map(phones_of, people))
        return cls(
            Search.of(people),
            tuple(name for name in every if not name.capital),
            frozenset(name.letters for name in every if name.capital),
            frozenset(phone[-contacts.LOCAL :] for phone in phones),
            tuple(dict.fromkeys(chain.from_iterable(map(_letters_of, homes_of)))),
        )

    def in_words(self, text: Folded) -> Iterator[Span]:
        """Where a text names them, or where they live."""
        yield from (_span(text, place.first, place.last) for place in self.search.names_in(text))
        for name in self.words:
            yield from (_span(text, *numbers) for numbers in _each_word(text, name))
        for letters in self.addresses:
            yield from (_span(text, *numbers) for numbers in whole_words(text, letters))

    def in_figures(self, text: str) -> Iterator[Span]:
        """Where a text says how they are reached, or when they were born."""
        yield from ((written.found.at, written.found.end) for written in self.search.numbers_in(text))
        yield from _telephones(text, self.local)


def visible(text: str) -> str:
    """A text composed, and without invisible characters: none of them may stand inside what is taken out."""
    return unicodedata.normalize("NFC", "".join(letter for letter in text if unicodedata.category(letter) != "Cf"))


def blanked(text: str, spans: Iterable[Span], blank: str) -> str:
    """A text with one blank for each of these places, and one for several beside each other."""
    joined: list[Span] = []
    for at, end in sorted(spans):
        if joined and (at <= joined[-1][1] or _NOTHING.fullmatch(text, joined[-1][1], at)):
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((at, end))
    for at, end in reversed(joined):
        # A bracket that opens inside is closed inside.
        is_open = text.count("(", at, end) > text.count(")", at, end) and text[end : end + 1] == ")"
        text = text[:at] + blank + text[end + is_open :]
    return text


def whole_words(text: Folded, letters: str) -> Iterator[Span]:
    """The words of a text that make these letters, from the first to the one after the last; none is cut."""
    for at, end in text.places(letters):
        if at in text.edges and end in text.edges:
            yield text.edges[at], text.edges[end]


def takes_out(words: Iterable[str]) -> Callable[[str, str], str]:
    """A function that puts a blank in place of these typed words or lines, however they are written.

    For words that people chose, whether they name a person or not. None is cut, and "on dine" is no "Ondine". Where an
    extract breaks off within them ("Jessica…"), what is left of them goes as well.
    """
    each = [[word.letters for word in words_of(typed)] for typed in words]
    wanted = [("".join(typed), len(typed)) for typed in each]

    def taken(text: str, blank: str) -> str:
        folded = Folded((*placed_words_of(text), TextWord(WALL, WALL)))
        spans = [
            _span(folded, first, last)
            for letters, count in wanted
            for first, last in whole_words(folded, letters)
            if last - first <= count or not are_words(folded.words[first:last])
        ]
        if text.rstrip().endswith(_BREAKS_OFF):
            spans += _cut_off(folded.words[:-1], each)
        return blanked(text, spans, blank)

    return taken


def _cut_off(there: Sequence[TextWord], wanted: Iterable[Sequence[str]]) -> Iterator[Span]:
    """The last words of a text that breaks off, where a wanted word begins like them."""
    for typed in wanted:
        for count in range(min(len(typed) - 1, len(there)), 0, -1):
            if [word.letters for word in there[-count:]] == list(typed[:count]):
                yield there[-count].at, there[-1].end
                break


def _words_of_names(one: Someone) -> Iterator[Name]:
    yield from _words_of(one.given_name)
    yield from _words_of(one.family_name)


def _words_of(name: str) -> Iterator[Name]:
    """Each word of a name; a small word in a longer name counts only with a capital."""
    words = [word.letters for word in words_of(name)]
    for letters in words:
        is_small = len(letters) == 1 or (letters in _SMALL and len(words) > 1)
        yield Name(letters, inside=len(letters) >= _LONG, alone=True, capital=is_small)


def _each_word(text: Folded, name: Name) -> Iterator[Span]:
    for at, end in text.places(name.letters) if name.inside else places_of(text, name):
        first, last = text.words_over(at, end)
        is_whole = at in text.edges and end in text.edges
        if last - first == 1 or (is_whole and not are_words(text.words[first:last])):
            yield first, last


def _small_beside(text: str, folded: Folded, small: frozenset[str], spans: Iterable[Span]) -> Iterator[Span]:
    """The small words of a name beside what is taken out: the De La of "De La Fontaine"."""
    ends, begins = {end for _, end in spans}, {at for at, _ in spans}
    left = [word for word in folded.words if word.letters in small and word.is_capitalized]
    for word in (*left, *reversed(left)):  # each from both sides, so that those behind one of them go too
        if _is_beside(text, word, begins, ends):
            begins.add(word.at)
            ends.add(word.end)
            yield word.at, word.end


def _is_beside(text: str, word: TextWord, begins: Iterable[int], ends: Iterable[int]) -> bool:
    """Whether a word stands right before one of the places that begin there, or behind one of those that end there."""
    is_before = any(_nothing_between(text, word.end, at) for at in begins)
    return is_before or any(_nothing_between(text, end, word.at) for end in ends)


def _nothing_between(text: str, end: int, at: int) -> bool:
    """Whether nothing that tells anything stands between one place and a later one."""
    return end <= at and _NOTHING.fullmatch(text, end, at) is not None


def _letters_of(address: str) -> Iterator[str]:
    """A postal address as its letters and figures: whole, its street and its postal code."""
    for part in (address, *homes(address)):
        letters = letters_of(part)
        if letters and not letters.isdigit():
            yield letters


def _telephones(text: str, local: frozenset[str]) -> Iterator[Span]:
    """The last figures of a telephone, with any figures before them: a wrong area still identifies its owner."""
    for run in contacts.figures(text, contacts.LOCAL) if local else ():
        if any(own in run.what for own in local):
            yield run.at, run.end


def _span(text: Folded, first: int, last: int) -> Span:
    return text.words[first].at, text.words[last - 1].end
