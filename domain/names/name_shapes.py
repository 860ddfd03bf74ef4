"""What has the shape of a name: runs of capitalized words, initials, and given names that many bear.

The lists of words are the same for everyone, and only what the staff and the organizations are called is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from domain.names import contacts
from domain.names.folding import TextWord, letters_of, words_of
from domain.names.lexicon import (
    behind_a_place,
    borne,
    double_meaning,
    english_places_and_things,
    given_names,
    has_ending_of_words,
    is_in_dictionary,
    kinds_of_place,
    nobodys,
    ordinary_words,
    places,
    proper_nouns,
    things,
    things_behind,
    titles,
)
from domain.names.our_names import Ours

#: Words behind a place's name that are no one's family name: in "Jessica Park", it may be someone's.
_SURELY_BEHIND: Final = frozenset(
    "street avenue boulevard road school hospital station university college foundation shelter stadium".split()  # noqa: SIM905
)
#: Small words that stand between a place and its name.
_SMALL: Final = frozenset("de des du d la le les l of the".split())  # noqa: SIM905 - words of two languages
#: The two that stand before an owner as well: "la maison de Jessica".
_OF_SOMEBODY: Final = (["de"], ["of"])
#: Small words within the name of a place, between hyphens.
_BETWEEN_HYPHENS: Final = frozenset("de des du la le les en sur sous aux the of on".split())  # noqa: SIM905
#: Small words within a family name.
_PARTICLES: Final = frozenset("de la le du des van der von den ben al el bin st ste saint sainte".split())  # noqa: SIM905
#: Articles: a word behind one is a thing or a place, and no one's name.
_ARTICLES: Final = frozenset("le la les l du des au aux un une the a an".split())  # noqa: SIM905
#: The French ones alone; and those of them that never stand before a person.
_FRENCH_ARTICLES: Final = _ARTICLES - frozenset({"the", "a", "an"})
_BEFORE_THINGS: Final = frozenset({"au", "aux", "du"})
#: An article or a pronoun that lost its vowel.
_ELIDED: Final = re.compile(r"(?:[dljmnstc]|qu|jusqu|lorsqu|puisqu)[’'](?=\w)", re.IGNORECASE)
#: The same in a title, before a small letter: "Bris D’équipement". N’dour and M’barek are names.
_TITLED: Final = re.compile(r"(?:[DLJST]|Qu)[’'][^\W\d_A-ZÀ-Þ]")
#: At most this many letters stand between two words of a name: ", " or ". ".
_NEAR: Final = 2
_SHORT: Final = 2
#: This many letters before the rest of a name are no word of their own: "N’deye", "LeShawn", "Jo-Annick".
_LONGEST_PREFIX: Final = 3
#: This many words before a name may say that it is a place's: "parc de la".
_PLACED_BEFORE: Final = 4
#: Behind so many words, particles among them, a family name has begun: "Ana de la Fontaine".
_FOLLOWS_WITHIN: Final = 4
_ENDS_SENTENCE: Final = frozenset('.!?:;•–—\n"«»“”(|')
_WRITTEN: Final = re.compile(r"[^\W\d_]+(?:[-\u2010\u2011’'][^\W\d_]+)*")

Span = tuple[int, int]


def names_in(text: str, ours: Ours) -> Iterator[Span]:
    """Where a text has what may be a name: from its first letter to the one after its last."""
    for run in _runs(list(_placed(text))):
        name = _name_in(run, ours)
        if name is not None:
            yield name


# ---------------------------------------------------------------------------------------------------------- words


@dataclass(frozen=True)
class _Placed:
    """A word with its place in its text."""

    word: TextWord
    at: int
    end: int
    begins: bool  # a sentence, or a text

    @property
    def letters(self) -> str:
        return self.word.letters

    @property
    def written(self) -> str:
        return self.word.written

    @property
    def is_before_a_blank(self) -> bool:
        return self.word.after[:1] == " "

    @property
    def is_capitalized(self) -> bool:
        return self.word.is_capitalized

    @property
    def is_acronym(self) -> bool:
        """Whether it is written in capitals alone, as SPVM is, or is several of these: STIs."""
        bare = self.written.removesuffix("s") if len(self.written) > _NEAR + 1 else self.written
        return bare.isupper() and len(bare) > 1

    @property
    def is_owner(self) -> bool:
        """Whether something is said to be theirs, in English."""
        return self.written.endswith(("'s", "’s"))

    @cached_property
    def parts(self) -> list[TextWord]:
        """The words that it is made of, between hyphens and capitals."""
        return words_of(self.written)

    @cached_property
    def is_given(self) -> bool:
        """Whether people are called so by their given name."""
        if self.letters in borne():
            return True
        if self.written.isalpha() and all(_is_ordinary(part.letters) for part in self.parts):  # PowerPoint
            return False
        return len(self.parts) > 1 and self.parts[0].letters in borne()

    @cached_property
    def is_a_word(self) -> bool:
        """Whether it is a word of the language as well, or a name only by its capital."""
        if _is_ordinary(self.letters) or self.letters in double_meaning():
            return True
        return has_ending_of_words(self.written) or is_in_dictionary(self.written)

    @property
    def is_clearly_given(self) -> bool:
        """Whether it is a given name and nothing else."""
        return self.is_given and not self.is_a_word

    @property
    def may_be_given(self) -> bool:
        """Whether it is a given name, or what stands for one."""
        return self.is_given or self.is_initial

    @property
    def is_initial(self) -> bool:
        is_letters = all(len(part.letters) == 1 for part in self.parts) and self.written.isupper()
        return is_letters and self.word.after[:1] == "."

    @property
    def is_unheard_of(self) -> bool:
        """Whether a word with a capital, in the middle of a sentence, is unknown to the language and the program."""
        parts = self.parts
        is_prefixed = len(parts) > 1 and len(parts[0].letters) <= _LONGEST_PREFIX
        if is_prefixed and parts[0].letters != "l":  # N’deye, LeShawn; L’Itinéraire is a newspaper
            parts = parts[1:]
        is_new = all(not _is_ordinary(part.letters) for part in parts) and not has_ending_of_words(self.written)
        is_told = self.is_capitalized and not self.is_acronym and len(self.letters) > _SHORT
        return is_new and is_told and not is_in_dictionary(self.written)


def _is_ordinary(letters: str) -> bool:
    words = ordinary_words()
    return letters in words or letters in behind_a_place() or letters.removesuffix("s") in words


def _placed(text: str) -> Iterator[_Placed]:
    end, before = 0, ""
    for found in _WRITTEN.finditer(text):
        begins = _begins_sentence(before, text[end : found.start()])
        written, at = found[0], found.start()
        elided = _ELIDED.match(written)
        if elided and (elided[0].islower() or begins or _TITLED.match(written)):  # "d’Ondine"; "D’Amours" is a name
            at += len(elided[0])
            written = written[len(elided[0]) :]
            begins = begins and elided[0].islower()
        letters = letters_of(written)
        if letters and not _is_of_a_serial(text, found):
            yield _Placed(TextWord(letters, written, text[found.end() : found.end() + 2]), at, found.end(), begins)
        end, before = found.end(), found[0]


def _begins_sentence(before: str, between: str) -> bool:
    """Whether a word begins a sentence or the text, by the word before it and what stands between them.

    "A. Roy" goes on, and so does "Roy, A. a dit": the full stop of an initial ends no sentence.
    """
    is_initial = len(before) == 1 and between.strip() == "."
    return not before or (not is_initial and not _ENDS_SENTENCE.isdisjoint(between))


def _is_of_a_serial(text: str, found: re.Match[str]) -> bool:
    """Whether letters are of a serial number or a model: capitals alone, and a figure right beside them."""
    beside = text[found.start() - 1 : found.start()] + text[found.end() : found.end() + 1]
    return found[0].isupper() and any(letter.isdigit() for letter in beside)


def _runs(words: Iterable[_Placed]) -> Iterator[list[_Placed]]:
    """Runs of words beside each other, with only a blank, a comma or the full stop of an initial between them."""
    run: list[_Placed] = []
    for word in words:
        if run and (word.begins or word.at - run[-1].end > _NEAR):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


# ---------------------------------------------------------------------------------------------------------- names


@dataclass(frozen=True)
class _Spot:
    """A word among those that it stands beside."""

    run: list[_Placed]
    place: int

    @property
    def word(self) -> _Placed:
        return self.run[self.place]

    @property
    def before(self) -> list[_Placed]:
        """The words before it that may say what it is the name of."""
        return self.run[max(0, self.place - _PLACED_BEFORE) : self.place]

    @property
    def next(self) -> _Placed | None:
        return self.run[self.place + 1] if self.place + 1 < len(self.run) else None

    @cached_property
    def follows(self) -> _Placed | None:
        """The word that would be the family name: the next one that is no particle."""
        behind = self.run[self.place + 1 : self.place + 1 + _FOLLOWS_WITHIN]
        return next((one for one in behind if one.letters not in _PARTICLES), None)

    def is_behind(self, words: frozenset[str]) -> bool:
        """Whether one of these words stands right before it."""
        return self.place > 0 and self.run[self.place - 1].letters in words

    @property
    def is_behind_article(self) -> bool:
        """Whether an article stands before it: "le Bunker", "the Ombudsman"."""
        return self.is_behind(_ARTICLES)

    @property
    def is_of_nobody(self) -> bool:
        """Whether it and the next word are together what something is called: "Tim Hortons"."""
        return self.next is not None and self.word.letters + self.next.letters in nobodys()

    @property
    def is_of_a_shop(self) -> bool:
        """Whether a "Chez" with a capital stands before it, in the middle of a sentence: "le café Chez Doris"."""
        before = self.run[self.place - 1] if self.place else None
        return before is not None and before.written == "Chez" and not before.begins

    @property
    def is_of_a_title(self) -> bool:
        """Whether it stands among others with a capital, as in the title of a law, a place or a film."""
        beside = [*self.run[max(0, self.place - 1) : self.place], *self.run[self.place + 1 : self.place + 2]]
        return any(one.is_capitalized and not one.begins for one in beside)


def _name_in(run: list[_Placed], ours: Ours) -> Span | None:
    """The first name among words that stand beside each other."""
    spots = (_Spot(run, place) for place in range(len(run)))
    for spot in spots:
        if spot.is_of_nobody:
            next(spots)
        elif not _is_otherwise_meant(spot):
            name = _whole_name(spot, ours) or _name_alone(spot, ours)
            if name is not None:
                return name
    return None


def _is_otherwise_meant(spot: _Spot) -> bool:
    """Whether no name begins here, by what stands around: a place, a thing, a shop, a professional."""
    if spot.next is not None and spot.next.letters in _SURELY_BEHIND and spot.next.is_capitalized:
        return True
    if not _may_begin(spot.word) or _is_behind_a_title_or_kind(spot):
        return True
    if spot.is_behind(_BEFORE_THINGS) or spot.is_of_a_shop:
        return True  # "au Tim de la rue Jarry"
    after = spot.follows
    return after is not None and any(makes_a_thing(spot, after) for makes_a_thing in _OF_THINGS)


def _whole_name(spot: _Spot, ours: Ours) -> Span | None:
    """A given and a family name, in either order. "Jessica’s Tremblay" is nobody: "Valentine’s Day"."""
    word, after = spot.word, spot.follows
    if after is None or word.is_owner or not _may_go_on(after):
        return None
    if word.letters in ours.words and after.letters in ours.words:
        return None
    # "Tilleul, Rose" and "King, O." too.
    is_turned = after.may_be_given and word.letters in double_meaning()
    return (word.at, after.end) if word.may_be_given or not word.is_a_word or is_turned else None


def _name_alone(spot: _Spot, ours: Ours) -> Span | None:
    """A given name by itself, or a word that nothing else explains."""
    word = spot.word
    if word.letters in ours.words or word.letters in ours.names:
        return None
    if word.is_clearly_given:
        return word.at, word.end
    is_alone = not word.begins and not spot.is_of_a_title and not spot.is_behind_article
    return (word.at, word.end) if is_alone and word.is_unheard_of else None


def _is_place_or_paper(spot: _Spot, after: _Placed) -> bool:
    """ "Henri-Bourassa station", "the Laurent report"."""
    word = spot.word
    is_behind = after is spot.next and after.letters in behind_a_place() and not word.is_owner
    return is_behind and (len(word.parts) > 1 or spot.is_behind_article)


def _is_brand(spot: _Spot, after: _Placed) -> bool:
    """ "Lenovo laptops"."""
    word = spot.word
    if after is not spot.next or not word.is_before_a_blank or word.is_owner:
        return False
    return after.letters in things_behind() and not after.is_capitalized and not word.is_given


def _is_french_title(spot: _Spot, _: _Placed) -> bool:
    """ "le Petit Prince", "un Bal de Neige"."""
    return spot.is_behind(_FRENCH_ARTICLES) and not spot.word.is_clearly_given


def _is_behind_the(spot: _Spot, after: _Placed) -> bool:
    """ "the Tim Hortons"."""
    word = spot.word
    if word.begins or not spot.is_behind_article or not word.is_before_a_blank:
        return False
    is_proper = after.letters in proper_nouns() and after.is_capitalized
    return is_proper or (word.is_a_word and not word.is_given)


def _is_company(spot: _Spot, after: _Placed) -> bool:
    """ "Cirque du Soleil"."""
    return spot.word.begins and after is not spot.next and not spot.word.is_given


#: What follows makes a thing or a place of a word in one of these ways.
_OF_THINGS: Final[tuple[Callable[[_Spot, _Placed], bool], ...]] = (
    _is_place_or_paper,
    _is_brand,
    _is_french_title,
    _is_behind_the,
    _is_company,
)


def _may_begin(word: _Placed) -> bool:
    """Whether a name may begin by this word: it is no title, no place and no thing."""
    if word.letters in titles() or (not word.is_initial and _is_known_otherwise(word.letters)):
        return False
    if _is_hyphened_place(word.parts):
        return False
    if word.written == "sam" and word.word.after[:1] == ".":
        return False  # a Saturday
    return word.is_capitalized or (word.letters in given_names() and not word.is_a_word)


def _is_known_otherwise(letters: str) -> bool:
    return letters in nobodys() or letters in places() or letters in things()


def _is_hyphened_place(parts: list[TextWord]) -> bool:
    """Saint-Jérôme, Côte-des-Neiges."""
    if len(parts) > 1 and parts[0].letters in places():
        return True
    return any(part.letters in _BETWEEN_HYPHENS and part.written.islower() for part in parts[1:-1])


def _is_behind_a_title_or_kind(spot: _Spot) -> bool:
    """Whether what stands before a word makes it the name of a professional, a place or a thing."""
    before = spot.before
    leading = [one for one in before if one.letters not in _SMALL]
    while leading and leading[-1].letters in kinds_of_place():
        leading.pop()
    if not leading:
        return False
    kind = leading[-1]
    between = [one.letters for one in before[before.index(kind) + 1 :]]
    return kind.letters in titles() or _is_called_after(kind, between, spot.word)


def _is_called_after(kind: _Placed, between: list[str], word: _Placed) -> bool:
    """Whether a word before another, with small ones between them, is what the other is the name of."""
    if word.is_clearly_given and between in _OF_SOMEBODY:
        return False  # "la maison de Jessica"
    if kind.letters in english_places_and_things() and not kind.is_capitalized:
        return False  # "the school Jessica goes to"
    return kind.letters in places() or (kind.letters in things() and between not in _OF_SOMEBODY)


def _may_go_on(word: _Placed) -> bool:
    """Whether a word with a capital may be the family name behind a given one, or an initial behind a family name."""
    if word.is_initial:
        return True
    if not word.is_capitalized or len(word.letters) == 1 or _is_month_before_a_day(word):
        return False
    if word.letters in behind_a_place() or word.letters in nobodys():
        return False
    return word.letters in double_meaning() or not (_is_short_acronym(word) or _is_of_the_language(word))


def _is_short_acronym(word: _Placed) -> bool:
    """ "Power BI"."""
    return word.is_acronym and len(word.letters) <= _LONGEST_PREFIX


def _is_of_the_language(word: _Placed) -> bool:
    return _is_ordinary(word.letters) or has_ending_of_words(word.written)


def _is_month_before_a_day(word: _Placed) -> bool:
    """ "Effective April 1"."""
    return contacts.is_month(word.letters) and word.word.after[1:2].isdigit()
