"""Words by which the shape of a name is recognized: common given names, and words that are no name, or not only one.

No one's name is listed because they are known: the lists are the same for everyone, in every program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from babel import Locale
from simplemma.strategies import StreamDictionaryFactory

from domain.names.folding import fold, words_of
from locales import LANGUAGES, catalogue


@cache
def given_names() -> frozenset[str]:
    """Given names in use in Québec, folded."""
    return _read("given_names")


@cache
def double_meaning() -> frozenset[str]:
    """Names that are words as well, folded: `Rose`, `Olive`, `Claire`, `Pierre`."""
    return _read("names_and_words")


@cache
def ordinary_words() -> frozenset[str]:
    """Words of French and English that name no one, folded: the program's own words, and those of minutes."""
    told = catalogue("fr")._catalog  # type: ignore[attr-defined]  # noqa: SLF001 - gettext shows its words no other way
    own: set[str] = set()
    for message, translated in told.items():
        for text in (message[0] if isinstance(message, tuple) else message, translated):
            own.update(word.letters for word in words_of(_NO_PLACE.sub(" ", str(text))))
    return frozenset(own | _read("ordinary") | _read("names_and_words") | proper_nouns())


@cache
def proper_nouns() -> frozenset[str]:
    """Months, days, places, languages, services and brands, folded: written with a capital, and no one's name."""
    told = (Locale(language) for language in LANGUAGES)
    named = {name for locale in told for name in (*locale.languages.values(), *locale.territories.values())}
    abroad = frozenset(word.letters for name in named for word in words_of(name) if len(word.letters) > _SHORT)
    return (abroad | _read("proper_nouns")) - (given_names() - double_meaning())


@cache
def nobodys() -> frozenset[str]:
    """What is written with a capital and begins no person's name, folded: places, laws, and titles before a name."""
    return (proper_nouns() - double_meaning()) | titles()


@cache
def borne() -> frozenset[str]:
    """Every given name of these lists, those too that are words, folded."""
    return given_names() | double_meaning()


@cache
def titles() -> frozenset[str]:
    """Titles before the name of a professional, folded."""
    return _read("titles")


@lru_cache(maxsize=4096)
def is_in_dictionary(written: str) -> bool:
    """Whether a word is in a French or English dictionary, in small letters, and is no common name.

    A dictionary holds some names, which no list of ours can hold all. It never says that a word is no one's family name
    behind a given one.
    """
    word = written.casefold().replace("’", "'").removesuffix("'s")
    if fold(word) in borne() or fold(word) in _read("names_in_dictionaries"):
        return False
    return any(dictionary.get(word) is not None for dictionary in _dictionaries())


@cache
def _dictionaries() -> tuple[Mapping[str, str], ...]:
    # Read from its compressed form, a dictionary takes 3 MB, where it would take 25 whole.
    factory = StreamDictionaryFactory()
    return tuple(factory.get_dictionary(language) for language in LANGUAGES)


def has_ending_of_words(written: str) -> bool:
    """Whether a word ends as only words of the two languages do, and so needs no list: "dépassements"."""
    return _WORDS_END.search(written[-_LONGEST_END:].casefold()) is not None and fold(written) not in borne()


@cache
def places() -> frozenset[str]:
    """Kinds of places, folded: the words behind them, or behind their "de", are the place's name."""
    return _read("places") | _read("english_places")


@cache
def things() -> frozenset[str]:
    """Kinds of things, folded: a name right behind them is the thing's, and behind "de" it may be its owner's."""
    return _read("things") | _read("english_things")


@cache
def english_places_and_things() -> frozenset[str]:
    """The English ones among these, folded. Their names stand before them, unless both have a capital: Lake Louise."""
    return (_read("english_places") | _read("english_things")) - _read("places") - _read("things")


@cache
def works() -> frozenset[str]:
    """Kinds of works with a title, folded: films, books, songs."""
    return _read("works")


@cache
def kinds_of_place() -> frozenset[str]:
    """Words between a place and its name that say its kind, folded: "centre sportif"."""
    return _read("kinds_of_place")


@cache
def behind_a_place() -> frozenset[str]:
    """What stands, with a capital, behind the name of a place or a thing, folded: "Atwater Market"."""
    return _read("behind_a_place")


@cache
def things_behind() -> frozenset[str]:
    """What stands, in small letters, behind the name of a thing, folded: "Lenovo laptops"."""
    return _read("things_behind")


@cache
def _read(name: str) -> frozenset[str]:
    words = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").split()
    # A compound is one word, as it is in a text: "Jean-Talon".
    return frozenset("".join(part.letters for part in words_of(word)) for word in words)


#: This many letters at the end of a word are enough to tell.
_LONGEST_END: Final = 12
#: Endings of which no given name of these lists, and next to no family name, has one; behind three letters at least.
_WORDS_END: Final = re.compile(
    r"[^\W\d_]{3}(?:tions?|sions?|ements?|ités|ities|ismes?|isms?|logies?|logy|[ai]bles?|ateurs?|atrices?|eurs|euses?|"
    r"iques|ives?|aient|eront|erait|issent|ées|ously|fully|ically|ants|aires|ures)\Z"
)
#: A word of at most this many letters in a country's name is an article or an initial.
_SHORT: Final = 2
_FOLDER: Final = Path(__file__).resolve().parent / "words"
#: A place that a sentence leaves open, and markup.
_NO_PLACE: Final = re.compile(r"%\(\w+\)s|<[^>]*>")
