"""Telephones, e-mail addresses and days, in any spelling: their places in a text, and their values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final, Generic, TypeVar

from domain.names.folding import fold

#: A telephone of North America: its area and its number, and the number alone.
WHOLE: Final = 10
LOCAL: Final = 7

#: Figures that stand near each other. A comma or a word between two of them parts them.
_FIGURES: Final = re.compile(r"\+?\(?\d(?:[\s.\-\u2010-\u2015\u2212()/·•_*~:]{0,4}\d){6,24}")
#: Not the last seven of a longer number: in another area they are another telephone.
_LOCAL: Final = re.compile(
    r"(?<!\d)(?<!\d\d\d[\s.\-)/])(?<!\d\d\d\)\s)(?<!\d\d\d\s-\s)\d{3}[\s.\-\u2010-\u2015]{0,3}\d{4}(?!\d)"
)
_ADDRESS: Final = re.compile(
    r"(?P<local>[\w.!#$%&'*/=?^`{|}~-]{1,64}(?:\+[\w.+-]{0,64})?)"
    r"(?:\s?@\s?|\s*[(\[<]\s*(?:at|à|a|arobase|arobas)\s*[)\]>]\s*|\s+(?:arobase|arobas)\s+)"
    r"(?P<domain>[\w-]{1,63}(?:(?:\.|\s*[(\[<]\s*(?:dot|point)\s*[)\]>]\s*|\s+(?:dot|point)\s+)[\w-]{1,63}){1,6})",
    re.IGNORECASE,
)
#: Without one of these nothing is an address, and most texts have none.
_AT: Final = re.compile(r"[@＠]|arobas|[(\[<]\s{0,4}(?:at|à|a)\s{0,4}[)\]>]", re.IGNORECASE)
_DOT: Final = re.compile(r"\s*[(\[<]?\s*(?:dot|point)\s*[)\]>]?\s*", re.IGNORECASE)

_MONTHS: Final = (
    ("janvier", "january"),
    ("fevrier", "february"),
    ("mars", "march"),
    ("avril", "april"),
    ("mai", "may"),
    ("juin", "june"),
    ("juillet", "july"),
    ("aout", "august"),
    ("septembre", "september"),
    ("octobre", "october"),
    ("novembre", "november"),
    ("decembre", "december"),
)
#: A month, or the beginning of one: "janv", "Sept", "aoû".
_MONTH: Final = r"[^\W\d_]{3,9}"
_BETWEEN: Final = r"[\s.,\-\u2010-\u2015/_]{0,3}"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d|['’]?\d\d)"
#: "5 mars 2009", "1er mars 2009", "5th of March, 2009", "le 5-mars-09".
_DAY_FIRST: Final = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})\s?(?:er|st|nd|rd|th|e|ème)?(?:\s+of)?{_BETWEEN}(?P<month>{_MONTH})\b{_BETWEEN}"
    rf"(?:of\s|de\s)?{_YEAR}(?!\d)",
    re.IGNORECASE,
)
#: "March 5, 2009", "Mar. 5th 2009", "mars 5 2009"; and no month with its year: "mars 2009".
_MONTH_FIRST: Final = re.compile(
    rf"\b(?P<month>{_MONTH}){_BETWEEN}(?:the\s)?(?P<day>\d{{1,2}})(?!\d)(?:er|st|nd|rd|th)?{_BETWEEN}{_YEAR}(?!\d)",
    re.IGNORECASE,
)
#: "2009 mars 5", "2009, March 5".
_YEAR_FIRST: Final = re.compile(
    rf"(?<!\d)(?P<year>(?:19|20)\d\d){_BETWEEN}(?P<month>{_MONTH}){_BETWEEN}(?P<day>\d{{1,2}})(?!\d)", re.IGNORECASE
)
#: "née le 5 mars", "her birthday is on March 5".
_BORN: Final = re.compile(
    r"\b(?:née?s?|naissance|anniversaire|fête|born|birth|birthday|ddn|dob)\b\W{1,3}(?:\w+\W{1,3}){0,4}?"
    rf"(?:(?P<day>\d{{1,2}})\s?(?:er|st|nd|rd|th)?(?:\sof)?\s(?P<month>{_MONTH})\b"
    rf"|(?P<month_first>{_MONTH})\.?\s(?P<day_last>\d{{1,2}})(?:st|nd|rd|th)?\b)",
    re.IGNORECASE,
)
_PART: Final = r"\s{0,2}[.\-\u2010-\u2015\u2212/_\s]\s{0,2}"
#: "2009-03-05", "05/03/2009", "5.3.09".
_FIGURED: Final = re.compile(rf"(?<!\d)(\d{{1,4}})({_PART})(\d{{1,2}})({_PART})(\d{{1,4}})(?!\d)")
_TOGETHER: Final = re.compile(r"(?<!\d)((?:19|20)\d{6}|\d{4}(?:19|20)\d\d)(?!\d)")
#: How a year of two figures is read: no one who is written of here was born before.
_FIRST_OF_LAST_CENTURY: Final = 35
_YEARS: Final = range(1900, 2100)


What = TypeVar("What")


@dataclass(frozen=True)
class TextMatch(Generic[What]):
    """Something found in a text, from its first letter to the one after its last."""

    what: What
    at: int
    end: int


def figures(text: str, least: int = WHOLE) -> Iterator[TextMatch[str]]:
    """Runs of ten figures and more near each other: a telephone may be among them, after a day or before another.

    Or of another least length: at least seven.
    """
    for found in _FIGURES.finditer(plain_figures(text)):
        digits = digits_of(found[0])
        if len(digits) >= least:
            yield TextMatch(digits, found.start(), found.end())


def local_numbers(text: str) -> Iterator[TextMatch[str]]:
    """Runs of seven figures, as a telephone is written without its area."""
    for found in _LOCAL.finditer(plain_figures(text)):
        yield TextMatch(digits_of(found[0]), found.start(), found.end())


def digits_of(text: str) -> str:
    """The figures of a text alone."""
    return "".join(letter for letter in plain_figures(text) if letter.isdigit())


def addresses(text: str) -> Iterator[TextMatch[str]]:
    """The e-mail addresses, in small letters, without the part behind a plus."""
    if not _AT.search(text):
        return
    for found in _ADDRESS.finditer(text if text.isascii() else "".join(map(_alike, text))):
        yield TextMatch(bare_address(f"{found['local']}@{_DOT.sub('.', found['domain'])}"), found.start(), found.end())


def bare_address(address: str) -> str:
    """An e-mail address in small letters, without the part behind a plus: both reach the same mailbox."""
    local, _, domain = "".join(address.split()).casefold().rpartition("@")
    return f"{local.partition('+')[0].strip('.')}@{domain.strip('.')}"


def days(text: str) -> Iterator[TextMatch[frozenset[date]]]:
    """Each day that is written with its year, with every date that it may mean: 5/3/2009 is in March or in May."""
    plain = plain_figures(text)
    for pattern in (_DAY_FIRST, _MONTH_FIRST, _YEAR_FIRST):
        for found in _each(pattern, plain):
            months = _months_of(found["month"])
            yield from _day(found, {(found["year"].strip("'’"), month, int(found["day"])) for month in months})
    for found in _each(_FIGURED, plain):
        first, _, second, _, third = found.groups()
        yield from _day(found, _readings(first, second, third))
    for found in _TOGETHER.finditer(plain):
        whole = found[0]
        yield from _day(
            found, {*_readings(whole[:4], whole[4:6], whole[6:]), *_readings(whole[:2], whole[2:4], whole[4:])}
        )


def birthdays(text: str) -> Iterator[TextMatch[frozenset[tuple[int, int]]]]:
    """Days without a year on which a text says that a person was born: month and day."""
    for found in _BORN.finditer(plain_figures(text)):
        day = int(found["day"] or found["day_last"])
        months = _months_of(found["month"] or found["month_first"])
        if months:
            yield TextMatch(frozenset((month, day) for month in months), found.start(), found.end())


def _each(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Every match, also where it begins within another: in "3 - 08/10/2011" the day begins at the second."""
    at = 0
    while found := pattern.search(text, at):
        yield found
        at = found.start() + 1


def is_month(letters: str) -> bool:
    """Whether a folded word is the name of a month."""
    return any(letters in names for names in _MONTHS)


@cache
def _months_of(written: str) -> frozenset[int]:
    """Which months a word, or the beginning of one, may be: `jui` is June or July."""
    begun = fold(written)
    return frozenset(number for number, names in enumerate(_MONTHS, 1) if any(name.startswith(begun) for name in names))


def _readings(first: str, second: str, third: str) -> set[tuple[str, int, int]]:
    """The year, month and day that figures in these three places may mean."""
    readings = set()
    if len(first) != 3 and len(third) <= 2:  # noqa: PLR2004 - no year has three figures
        readings |= {(first, int(second), int(third)), (first, int(third), int(second))}
    if len(first) <= 2 and len(third) != 3:  # noqa: PLR2004
        readings |= {(third, int(second), int(first)), (third, int(first), int(second))}
    return {(year, *rest) for year, *rest in readings if len(year) in (2, 4)}  # type: ignore[misc]


def _day(found: re.Match[str], readings: set[tuple[str, int, int]]) -> Iterator[TextMatch[frozenset[date]]]:
    may_be = set()
    for year, month, day in readings:
        whole = int(year)
        if len(year) < 4:  # noqa: PLR2004
            whole += 1900 if whole > _FIRST_OF_LAST_CENTURY else 2000
        if whole not in _YEARS:
            continue
        try:
            may_be.add(date(whole, month, day))
        except ValueError:
            continue
    if may_be:
        yield TextMatch(frozenset(may_be), found.start(), found.end())


def plain_figures(text: str) -> str:
    """A text of the same length with every figure as 0 to 9, in any script, and every blank a plain one."""
    if text.isascii():
        return text
    return "".join(_plain_letter(letter) for letter in text)


@cache
def _alike(letter: str) -> str:
    """The single character that a character looks like, so that each stays in its place."""
    alike = unicodedata.normalize("NFKC", letter)
    return alike if len(alike) == 1 else letter


@cache
def _plain_letter(letter: str) -> str:
    if letter.isascii():
        return letter
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    if letter.isspace() or unicodedata.category(letter) == "Cf":
        return " "
    return {"（": "(", "）": ")", "＋": "+", "－": "-", "．": ".", "／": "/"}.get(letter, letter)
