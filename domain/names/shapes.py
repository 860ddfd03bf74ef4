"""Points at what has the shape of a name, a telephone, an address or a date of birth, known or not.

Nothing here knows who is on file, nor asks: the same words are pointed at for everyone, so that the writer learns
nothing by it. It is an offer to write the number instead, and no rule: what is meant otherwise is kept as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from domain.names import contacts
from domain.names.folding import Word, fold, words_of
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
    works,
)
from domain.names.links import parts_of_links, without_links

Kind = Literal["name", "telephone", "email", "address", "birth_date"]

#: A civic number and a street. A civic number alone, or a street alone, is where no one person lives.
_STREET: Final = re.compile(
    r"(?<!\w)\d{1,5}(?:[- ]?[A-Da-d])?,?\s+(?:(?:rue|avenue|av\.|boulevard|boul\.|blvd|chemin|ch\.|place|rang|montée|"
    r"côte|allée|impasse|terrasse|croissant)\s+(?:de\s+la\s+|de\s+l[’']|des?\s+|du\s+)?\w+|"
    r"[A-ZÀ-Þ][\w’'-]+(?:\s+[A-ZÀ-Þ][\w’'-]+){0,2}\s+(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Boulevard|Blvd\.?|Drive|"
    r"Crescent|Lane|Place|Court)\b)",
    re.IGNORECASE,
)
#: An apartment shows that a person lives there; without one, or "lives at", the address may be an office.
_HOME: Final = re.compile(
    r"(?:\bapp(?:t|art|artement)?\b\.?|\bapt\b\.?|\bunit\b|#)\s?\d+|\b(?:habite|demeure|vit|loge|réside|domicile|chez\s+elle|"
    r"chez\s+lui|lives|living|stays|staying|resides|home\s+address)\b",
    re.IGNORECASE,
)
#: A street with one of these is where people work or meet.
_OFFICE: Final = re.compile(
    r"\b(?:bureau|local|salle|étage|suite|room|floor|office|porte|siège|head\s+office)\b", re.IGNORECASE
)
_POSTAL_CODE: Final = re.compile(r"\b[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]\s?\d[ABCEGHJ-NPRSTV-Z]\d\b", re.IGNORECASE)
_TELEPHONE: Final = re.compile(
    r"(?<![\w/-])(?:\+?1[\s.-]{0,2})?\(?[2-9]\d{2}\)?\s{0,2}[\s./\-\u2010-\u2015]?\s{0,2}[2-9]\d{2}"
    r"\s?[\s./\-\u2010-\u2015]?\s?\d{2}[\s./\-]?\d{2}(?![\w-])"
    # In pairs, as in France: of a Quebec area code alone, since other pairs are counts of people.
    r"|(?<![\w/.,-])(?<!\d\d\s)(?:1[\s.\-])?(?=26.3|35.4|36.7|41.8|43.8|45.0|46.8|51.4|57.9|58.1|81.9|87.3)"
    r"\d\d(?P<between>[\s./\-])\d\d(?:(?P=between)\d\d){3}(?![\w-]|\s\d)"
    r"|(?<![\w/.,-])(?<!\d\s)[2-9]\d{2}(?:-\d{4}|\s(?!(?:19|20)\d\d)\d{4})(?![\w-]|\s?[$%])"
)
#: Figures of a bill or a model, right before them.
_OF_A_PAPER: Final = re.compile(
    r"\b(?:facture|invoice|commande|order|contrat|contract|série|serial|modèle|model)\W{0,3}"
    r"(?:(?:n[o°]|numéro|number)\W{0,2})?\Z",
    re.IGNORECASE,
)
#: How old a participant may be at most, and at least: a day in those years may be a birth.
_OLDEST_YEARS: Final = 40
_YOUNGEST_YEARS: Final = 5
#: A day as a program writes it, which leaves nothing open.
_WHOLE_DAY: Final = re.compile(r"(?:19|20)\d\d([-/.])\d\d\1\d\d")
#: Words behind a place's name that are no one's family name: in "Jessica Park", it may be someone's.
_SURELY_BEHIND: Final = frozenset(
    "street avenue boulevard road school hospital station university college foundation shelter stadium".split()  # noqa: SIM905
)
#: Small words that stand between a place and its name.
_SMALL: Final = frozenset("de des du d la le les l of the".split())  # noqa: SIM905 - words of two languages
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
#: A word and what stands in quotation marks behind it.
_WORK: Final = re.compile(r"\b(?P<kind>[^\W\d_]{3,20}),?\s[«“\"][^»”\"]{2,80}[»”\"]")
#: Letters with figures among them, which are drawn at random or say a version.
_WITH_FIGURES: Final = re.compile(r"[^\W_]*\d[^\W_]*")
#: At most this many letters stand between two words of a name: ", " or ". ".
_NEAR: Final = 2
_SHORT: Final = 2
#: This many letters before the rest of a name are no word of their own: "N’deye", "LeShawn", "Jo-Annick".
_LONGEST_PREFIX: Final = 3
#: This many words before a name may say that it is a place's: "parc de la".
_PLACED_BEFORE: Final = 4
_ENDS_SENTENCE: Final = frozenset('.!?:;•–—\n"«»“”(|')


@dataclass(frozen=True)
class Shape:
    """Words of a text that have a shape, from the first letter to the one after the last."""

    kind: Kind
    at: int
    end: int


@dataclass(frozen=True)
class Ours:
    """The names and contacts of the staff and the organizations, word by word and whole."""

    names: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    digits: frozenset[str] = frozenset()
    mailboxes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Ours:
        """The names, telephones and e-mail addresses in these texts."""
        every = tuple(texts)
        parts = [[word.letters for word in words_of(text)] for text in every]
        # A name in two parts is one word where it stands in a text: "Grand’Ourse", "Clair-de-Lune".
        whole = {"".join(word.letters for word in words_of(one)) for text in every for one in text.split()}
        return cls(
            frozenset("".join(part) for part in parts),
            frozenset({word for part in parts for word in part} | whole),
            frozenset(digits[-contacts.WHOLE :] for text in every if (digits := contacts.digits_of(text))),
            frozenset(contacts.bare_address(text) for text in every if "@" in text),
        )


def shapes_in(text: str, ours: Ours, *, year: int) -> tuple[Shape, ...]:
    """The words of a text with the shape of something that identifies a person, in their order.

    What is `ours` is no participant's. `year` is the present one: by it a day may be a birth.
    """
    plain = _WORK.sub(_without_title, without_links(text))
    found = [
        *_contacts(plain, ours),
        *_births(plain, year),
        *_homes(plain),
        *_names(plain, ours),
        *_in_links(text, ours),
    ]
    chosen: list[Shape] = []
    for shape in sorted(found, key=lambda one: (one.at, -one.end)):
        if not chosen or shape.at >= chosen[-1].end:
            chosen.append(shape)
    return tuple(chosen)


# ------------------------------------------------------------------------------------------------------- contacts


def _contacts(text: str, ours: Ours) -> Iterator[Shape]:
    for found in _TELEPHONE.finditer(contacts.plain_figures(text)):
        digits = contacts.digits_of(found[0])
        is_of_a_paper = len(digits) == contacts.LOCAL and _OF_A_PAPER.search(text[: found.start()]) is not None
        if digits[-contacts.WHOLE :] not in ours.digits and not is_of_a_paper:
            yield Shape("telephone", found.start(), found.end())
    for address in contacts.addresses(text):
        if address.what not in ours.mailboxes and not _is_of_an_office(address.what):
            yield Shape("email", address.at, address.end)


def _is_of_an_office(address: str) -> bool:
    """Whether an address is one of an organization's office: info@, and the like."""
    return address.partition("@")[0] in {
        "info",
        "contact",
        "admin",
        "accueil",
        "reception",
        "support",
        "bureau",
        "office",
    }


def _births(text: str, year: int) -> Iterator[Shape]:
    years = range(year - _OLDEST_YEARS, year - _YOUNGEST_YEARS + 1)
    found_days = list(contacts.days(text))
    # "2026-11-30 10:00" is a day and an hour, and no 10th of November of the year 30.
    whole = [(one.at, one.end) for one in found_days if _WHOLE_DAY.fullmatch(text, one.at, one.end)]
    for found in found_days:
        if any(at < found.at < end for at, end in whole):
            continue
        if all(day.year in years for day in found.what):
            yield Shape("birth_date", found.at, found.end)
    for birthday in contacts.birthdays(text):
        yield Shape("birth_date", birthday.at, birthday.end)


def homes(address: str) -> Iterator[str]:
    """The streets with their numbers, and the postal codes, of a line that says where a person lives."""
    for pattern in (_STREET, _POSTAL_CODE):
        yield from (found[0] for found in pattern.finditer(address))


def _homes(text: str) -> Iterator[Shape]:
    for found in _STREET.finditer(text):
        line = text[max(0, found.start() - 60) : found.end() + 60]
        if _HOME.search(line):
            yield Shape("address", found.start(), found.end())
    for found in _POSTAL_CODE.finditer(text):
        line = text[max(0, found.start() - 90) : found.end()]
        if _STREET.search(line) and _OFFICE.search(line) and not _HOME.search(line):
            continue
        yield Shape("address", found.start(), found.end())


def _without_title(found: re.Match[str]) -> str:
    """The match, with the title of a film, a book or a song blanked: "le film « Noémie dit oui »"."""
    return (
        found[0] if fold(found["kind"]) not in works() else found["kind"] + "_" * (len(found[0]) - len(found["kind"]))
    )


def _in_links(text: str, ours: Ours) -> Iterator[Shape]:
    """What a link spells out: a given name in a part of it, or a person's contacts in its query."""
    for part in parts_of_links(text):
        said = " ".join(word.written for word in words_of(_WITH_FIGURES.sub(" ", part.said))).title()
        if any(words_of(said[shape.at : shape.end])[0].letters in borne() for shape in _names(said, ours)):
            yield Shape("name", part.at, part.end)
        elif part.is_query and not part.said.strip().isdigit():
            yield from (Shape(shape.kind, part.at, part.end) for shape in _contacts(part.said, ours))


# ---------------------------------------------------------------------------------------------------------- names


@dataclass(frozen=True)
class _Placed:
    """A word with its place in its text."""

    word: Word
    at: int
    end: int
    begins: bool  # a sentence, or a text

    @property
    def letters(self) -> str:
        return self.word.letters

    @property
    def is_capitalized(self) -> bool:
        return self.word.is_capitalized

    @property
    def is_acronym(self) -> bool:
        """Whether it is written in capitals alone, as SPVM is, or is several of these: STIs."""
        bare = self.word.written.removesuffix("s") if len(self.word.written) > _NEAR + 1 else self.word.written
        return bare.isupper() and len(bare) > 1

    @property
    def is_owner(self) -> bool:
        """Whether something is said to be theirs, in English."""
        return self.word.written.endswith(("'s", "’s"))


_WRITTEN: Final = re.compile(r"[^\W\d_]+(?:[-\u2010\u2011’'][^\W\d_]+)*")


def _names(text: str, ours: Ours) -> Iterator[Shape]:
    """Names, as far as their shape shows: runs of capitalized words, initials, and common given names."""
    for run in _runs(list(_placed(text))):
        shape = _name_in(run, ours)
        if shape is not None:
            yield shape


def _placed(text: str) -> Iterator[_Placed]:
    end, before = 0, ""
    for found in _WRITTEN.finditer(text):
        between = text[end : found.start()]
        # "A. Roy" goes on, and so does "Roy, A. a dit": the full stop of an initial ends no sentence.
        is_initial = len(before) == 1 and between.strip() == "."
        begins = not before or (not is_initial and any(letter in _ENDS_SENTENCE for letter in between))
        written, at = found[0], found.start()
        elided = _ELIDED.match(written)
        if elided and (elided[0].islower() or begins or _TITLED.match(written)):  # "d’Ondine"; "D’Amours" is a name
            at += len(elided[0])
            written = written[len(elided[0]) :]
            begins = begins and elided[0].islower()
        letters = "".join(word.letters for word in words_of(written))
        if letters and not _is_of_a_serial(text, found):
            yield _Placed(Word(letters, written, text[found.end() : found.end() + 2]), at, found.end(), begins)
        end, before = found.end(), found[0]


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


def _name_in(run: list[_Placed], ours: Ours) -> Shape | None:
    places = iter(enumerate(run))
    for place, word in places:
        if any(word.letters + beside.letters in nobodys() for beside in run[place + 1 : place + 2]):
            next(places)  # both are what one is called: "Tim Hortons"
            continue
        if any(behind.letters in _SURELY_BEHIND and behind.is_capitalized for behind in run[place + 1 : place + 2]):
            continue
        if not _may_begin(word, run[max(0, place - _PLACED_BEFORE) : place]):
            continue
        if _is_behind(_BEFORE_THINGS, run, place) or _is_of_a_shop(run, place):
            continue  # "au Tim de la rue Jarry"
        after = [one for one in run[place + 1 : place + 5] if one.letters not in _PARTICLES][:1]
        if after and _is_of_a_thing(word, after[0], run, place):
            continue
        # "Jessica’s Tremblay" is no one: "Valentine’s Day".
        follows = after[0] if after and _may_go_on(after[0]) and not word.is_owner else None
        if follows is not None and not (word.letters in ours.words and follows.letters in ours.words):
            may_be_given = _is_given(word) or _is_initial(word) or not _is_a_word(word)
            # "Tilleul, Rose" and "King, O." too.
            is_turned = (_is_given(follows) or _is_initial(follows)) and word.letters in double_meaning()
            if may_be_given or is_turned:
                return Shape("name", word.at, follows.end)
        if word.letters in ours.words or word.letters in ours.names:
            continue
        if _is_given(word) and not _is_a_word(word):
            return Shape("name", word.at, word.end)
        is_alone = not word.begins and not _is_of_a_title(run, place) and not _is_behind_article(run, place)
        if is_alone and _is_unheard_of(word):
            return Shape("name", word.at, word.end)
    return None


def _is_of_a_thing(word: _Placed, after: _Placed, run: list[_Placed], place: int) -> bool:
    """Whether what follows makes a word a thing or a place: a station, a report, a shop, a circus."""
    is_behind = after is run[place + 1] and after.letters in behind_a_place() and not word.is_owner
    if is_behind and (len(words_of(word.word.written)) > 1 or _is_behind_article(run, place)):
        return True  # "Henri-Bourassa station", "the Laurent report"
    is_directly_behind = after is run[place + 1] and word.word.after[:1] == " " and not word.is_owner
    if is_directly_behind and after.letters in things_behind() and not after.is_capitalized and not _is_given(word):
        return True  # "Lenovo laptops"
    is_clear = _is_given(word) and not _is_a_word(word)
    if _is_behind(_FRENCH_ARTICLES, run, place) and not is_clear:
        return True  # "le Petit Prince", "un Bal de Neige"
    if not word.begins and _is_behind_article(run, place):
        is_proper = after.letters in proper_nouns() and after.is_capitalized
        return word.word.after[:1] == " " and (
            is_proper or (_is_a_word(word) and not _is_given(word))
        )  # "the Tim Hortons"
    return word.begins and after is not run[place + 1] and not _is_given(word)  # "Cirque du Soleil"


def _is_of_a_title(run: list[_Placed], place: int) -> bool:
    """Whether a word stands among others with a capital, as in the title of a law, a place or a film."""
    beside = [one for one in run[max(0, place - 1) : place + 2] if one is not run[place]]
    return any(one.is_capitalized and not one.begins for one in beside)


def _is_behind_article(run: list[_Placed], place: int) -> bool:
    """Whether an article stands before a word: "le Bunker", "the Ombudsman"."""
    return _is_behind(_ARTICLES, run, place)


def _is_of_a_shop(run: list[_Placed], place: int) -> bool:
    """Whether a "Chez" with a capital stands before a word, in the middle of a sentence: "le café Chez Doris"."""
    return place > 0 and run[place - 1].word.written == "Chez" and not run[place - 1].begins


def _is_behind(words: frozenset[str], run: list[_Placed], place: int) -> bool:
    return place > 0 and run[place - 1].letters in words


def _may_begin(word: _Placed, before: list[_Placed]) -> bool:
    """Whether a name may begin here: not the name of a professional behind a title, nor that of a place."""
    if word.letters in titles() or (not _is_initial(word) and (word.letters in nobodys() or _is_a_kind(word))):
        return False
    parts = words_of(word.word.written)
    if len(parts) > 1 and parts[0].letters in places():  # Saint-Jérôme
        return False
    if any(part.letters in _BETWEEN_HYPHENS and part.written.islower() for part in parts[1:-1]):  # Côte-des-Neiges
        return False
    if _is_behind_a_title_or_kind(word, before):
        return False
    if word.word.written == "sam" and word.word.after[:1] == ".":
        return False  # a Saturday
    return word.is_capitalized or (word.letters in given_names() and not _is_a_word(word))


def _is_a_kind(word: _Placed) -> bool:
    return word.letters in places() or word.letters in things()


def _is_behind_a_title_or_kind(word: _Placed, before: list[_Placed]) -> bool:
    """Whether what stands before a word makes it the name of a professional, a place or a thing."""
    leading = [one for one in before if one.letters not in _SMALL]
    while leading and leading[-1].letters in kinds_of_place():
        leading.pop()
    if not leading:
        return False
    kind, between = leading[-1], [one.letters for one in before[before.index(leading[-1]) + 1 :]]
    if kind.letters in titles():
        return True
    is_somebody = _is_given(word) and not _is_a_word(word)
    if is_somebody and between in (["de"], ["of"]):
        return False  # "la maison de Jessica"
    if kind.letters in english_places_and_things() and not kind.is_capitalized:
        return False  # "the school Jessica goes to"
    return kind.letters in places() or (kind.letters in things() and between not in (["de"], ["of"]))


def _may_go_on(word: _Placed) -> bool:
    """Whether a word with a capital may be the family name behind a given one, or an initial behind a family name."""
    if _is_initial(word):
        return True
    if contacts.is_month(word.letters) and word.word.after[1:2].isdigit():
        return False  # "Effective April 1"
    if word.is_acronym and len(word.letters) <= _LONGEST_PREFIX and word.letters not in double_meaning():
        return False  # "Power BI"
    is_family = not (_is_ordinary(word.letters) or has_ending_of_words(word.word.written))
    is_family = is_family or word.letters in double_meaning()
    is_place = word.letters in behind_a_place() or word.letters in nobodys()
    return is_family and not is_place and word.is_capitalized and len(word.letters) > 1


def _is_given(word: _Placed) -> bool:
    parts = words_of(word.word.written)
    if word.letters in borne():
        return True
    if word.word.written.isalpha() and all(_is_ordinary(part.letters) for part in parts):  # PowerPoint
        return False
    return len(parts) > 1 and parts[0].letters in borne()


def _is_ordinary(letters: str) -> bool:
    words = ordinary_words()
    return letters in words or letters in behind_a_place() or letters.removesuffix("s") in words


def _is_a_word(word: _Placed) -> bool:
    """Whether it is a word of the language as well, or a name only by its capital."""
    if _is_ordinary(word.letters) or word.letters in double_meaning():
        return True
    return has_ending_of_words(word.word.written) or is_in_dictionary(word.word.written)


def _is_initial(word: _Placed) -> bool:
    parts = words_of(word.word.written)
    return all(len(part.letters) == 1 for part in parts) and word.word.written.isupper() and word.word.after[:1] == "."


def _is_unheard_of(word: _Placed) -> bool:
    """Whether a word with a capital, in the middle of a sentence, is unknown to the language and the program."""
    parts = words_of(word.word.written)
    is_prefixed = len(parts) > 1 and len(parts[0].letters) <= _LONGEST_PREFIX
    if is_prefixed and parts[0].letters != "l":  # N’deye, LeShawn; L’Itinéraire is a newspaper
        del parts[0]
    is_new = all(not _is_ordinary(part.letters) for part in parts) and not has_ending_of_words(word.word.written)
    is_told = word.is_capitalized and not word.is_acronym and len(word.letters) > _SHORT
    return is_new and is_told and not is_in_dictionary(word.word.written)
