"""The two languages of a program: its words, and how days, hours, counts and delays are written in each.

Interface text is an English msgid; French stands in `fr/LC_MESSAGES/messages.po`, read into memory once.
This package imports nothing else of the project, so that every other one may speak through it.
"""

from __future__ import annotations

import gettext as _gettext
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal, TypeGuard
from zoneinfo import ZoneInfo

from babel import Locale, dates, lists, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Final[Mapping[str, str]] = {"fr": "fr_CA", "en": "en_CA"}
"""Each language that the program speaks, and the locale whose customs it follows."""

DEFAULT_LANGUAGE: Final = "fr"

ZONE: Final = ZoneInfo("America/Toronto")
"""The zone in which moments are shown where no program's is known."""

FOLDER: Final = Path(__file__).resolve().parent

DayStyle = Literal["full", "long", "medium", "short", "weekday", "month"]

_language: ContextVar[str] = ContextVar("language", default=DEFAULT_LANGUAGE)
#: The zone of what is being answered, in a list: a thread that finds out the program says so for the whole answer.
_zone: ContextVar[list[ZoneInfo] | None] = ContextVar("zone", default=None)


def N_(msgid: str) -> str:
    """Mark `msgid` for the catalogue where it is written, and return it untouched."""
    return msgid


def is_language(value: object) -> TypeGuard[str]:
    """Whether `value` is the code of a language that the program speaks."""
    return isinstance(value, str) and value in LANGUAGES


def current_language() -> str:
    """The language of the page or letter being written: "fr" or "en"."""
    return _language.get()


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Write in `lang` inside the block: a page in its reader's language, a letter in its recipient's.

    Raises ValueError for a language that the program does not speak.
    """
    _known(lang)
    token, zone = _language.set(lang), _zone.set([current_zone()])
    try:
        yield
    finally:
        _zone.reset(zone)
        _language.reset(token)


def current_zone() -> ZoneInfo:
    """The zone in which moments are shown."""
    zone = _zone.get()
    return ZONE if zone is None else zone[0]


def show_moments_in(zone: str) -> None:
    """Show moments in a program's zone until the block that speaks ends. Outside of such a block nothing is changed."""
    shown = _zone.get()
    if shown is not None:
        shown[0] = ZoneInfo(zone)


@cache
def catalogue(lang: str) -> _gettext.NullTranslations:
    """The translations of `lang`. English has no file: its words are the msgids themselves.

    Raises ValueError for a language that the program does not speak.
    """
    _known(lang)
    if lang == "en":
        return _gettext.NullTranslations()
    with po_file(lang).open("rb") as stream:
        messages = read_po(stream, locale=lang)
    for message in messages:
        if message.id:
            text = message.string or ""
            message.string = typeset(lang, text) if isinstance(text, str) else tuple(typeset(lang, one) for one in text)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return _gettext.GNUTranslations(compiled)


def po_file(lang: str) -> Path:
    """The file with the translations of `lang`."""
    return FOLDER / lang / "LC_MESSAGES" / "messages.po"


def typeset(lang: str, text: str) -> str:
    """`text` as `lang` sets it: in French, double punctuation stays with its word at the end of a line."""
    if lang != "fr":
        return text
    text = re.sub(r" (?=[:;?!](?:\s|$))", "\N{NO-BREAK SPACE}", text)
    return text.replace("« ", "«\N{NO-BREAK SPACE}").replace(" »", "\N{NO-BREAK SPACE}»")


@dataclass(frozen=True)
class Counted:
    """A number and its noun as one fact of a sentence: "1 seat", "3 seats". Both forms hold %(n)s.

    For a sentence that counts two things, or one whose words are chosen before its language is; `say_n` for all others.
    """

    singular: str
    plural: str
    n: int


def say(lang: str, msgid: str, **facts: object) -> str:
    """The sentence `msgid` in `lang`, each %(named)s fact written as that language writes it.

    A fact may be a word, a number, something `Counted`, a day or a moment, or a declared text in both languages.
    It is plain text: a page must still escape it.
    """
    return catalogue(lang).gettext(msgid) % _shown(lang, facts)


def say_in_both(msgid: str, **facts: object) -> str:
    """The sentence `msgid` in both languages, one after the other: for what is written once and read in either."""
    return " – ".join(say(language, msgid, **facts) for language in LANGUAGES)


def say_n(lang: str, singular: str, plural: str, n: int, **facts: object) -> str:
    """As `say`, in the form that `lang` wants for `n`, which is itself the fact %(n)s.

    French counts 0 as one ("0 tâche"), English as many ("0 tasks").
    """
    return catalogue(lang).ngettext(singular, plural, n) % _shown(lang, {"n": n, **facts})


def gettext(msgid: str) -> str:
    """The current language's words for `msgid`, its %(named)s places left open: what templates call."""
    return catalogue(current_language()).gettext(msgid)


def ngettext(singular: str, plural: str, n: int) -> str:
    """As `gettext`, in the form that the current language wants for `n`."""
    return catalogue(current_language()).ngettext(singular, plural, n)


def pgettext(context: str, msgid: str) -> str:
    """As `gettext`, for a word that means two things: `context` says which."""
    return catalogue(current_language()).pgettext(context, msgid)


def npgettext(context: str, singular: str, plural: str, n: int) -> str:
    """As `ngettext`, for a word that means two things."""
    return catalogue(current_language()).npgettext(context, singular, plural, n)


def pick(lang: str, text: object) -> str:
    """A declared text in `lang`, typeset. `text` is {fr: …, en: …}, or an object with `fr` and `en`."""
    _known(lang)
    found = text[lang] if isinstance(text, Mapping) else getattr(text, lang)
    return typeset(lang, str(found))


def show_day(lang: str, day: date, style: DayStyle = "long") -> str:
    """A local day in words: "1er décembre 2026", "December 1, 2026".

    full adds the weekday; medium shortens the month; short is 2026-12-01 in both languages; weekday is
    "mar. 1er déc.", for lists within one year; month is "décembre 2026".
    """
    if isinstance(day, datetime):
        raise ValueError("a moment has a day only in a zone: use show_moment, or take its local date first")
    return _day_in_words(lang, day, style)


#: A page says the same few days over and over, and each takes longer to word than a line to write.
@lru_cache(maxsize=4096)
def _day_in_words(lang: str, day: date, style: DayStyle) -> str:
    if style == "month":
        return dates.format_skeleton("yMMMM", day, locale=_locale(lang))
    if style == "weekday":
        return _first_of_month(lang, day, dates.format_skeleton("MMMEd", day, locale=_locale(lang)))
    if style == "short":
        return day.isoformat()
    return _first_of_month(lang, day, dates.format_date(day, style, locale=_locale(lang)))


def show_weekday(lang: str, day: date) -> str:
    """The name of a day of the week: "lundi", "Monday"."""
    return dates.format_date(day, "EEEE", locale=_locale(lang))


_TIED: Final = "\N{NO-BREAK SPACE}"


def show_clock(lang: str, at: time | datetime) -> str:
    """An hour: "9 h 30", "14 h", "9:30 a.m.", "2:00 p.m.". A moment is shown in the current zone, a wall time as it is.

    French as the Office québécois de la langue française writes it, never torn at the end of a line, where CLDR has
    "09 h 30" and "14 h 00".
    """
    if isinstance(at, datetime):
        at = _aware(at).astimezone(current_zone()).time()
    if lang == "fr":
        return f"{at.hour}{_TIED}h{_TIED}{at.minute:02d}" if at.minute else f"{at.hour}{_TIED}h"
    written = dates.format_time(at, "short", locale=_locale(lang))
    return written.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{NO-BREAK SPACE}", " ")


def show_length(lang: str, minutes: int) -> str:
    """How long something takes: "45 minutes", "2 h", "2 h 30 min", never torn at the end of a line."""
    hours, left = divmod(minutes, 60)
    if not hours:
        return say_n(lang, "%(n)s minute", "%(n)s minutes", left)
    return f"{hours}{_TIED}h" + (f"{_TIED}{left}{_TIED}min" if left else "")


def show_moment(lang: str, at: datetime, style: DayStyle = "long") -> str:
    """A moment as the current zone's day and hour. Raises ValueError if `at` has no zone of its own."""
    local = _aware(at).astimezone(current_zone())
    day, hour = show_day(lang, local.date(), style), show_clock(lang, local.time())
    return catalogue(lang).gettext(N_("%(day)s at %(hour)s")) % {"day": day, "hour": hour}


def show_delay(lang: str, days: int, *, working: bool = False) -> str:
    """How far a due day is, counted in days from today: "in 3 working days", "today", "2 days late".

    Below zero it is late. Who counts (closed days, the program's zone) is the caller's business; `working`
    only says which kind of days were counted.
    """
    if days == 0:
        return say(lang, N_("today"))
    if days > 0 and working:
        return say_n(lang, "in %(n)s working day", "in %(n)s working days", days)
    if days > 0:
        return say_n(lang, "in %(n)s day", "in %(n)s days", days)
    if working:
        return say_n(lang, "%(n)s working day late", "%(n)s working days late", -days)
    return say_n(lang, "%(n)s day late", "%(n)s days late", -days)


def show_since(lang: str, at: datetime, now: datetime) -> str:
    """How long ago `at` was, in its largest unit: "il y a 5 minutes", "5 minutes ago"."""
    since = _aware(at) - _aware(now)
    return dates.format_timedelta(since, add_direction=True, locale=_locale(lang))


def show_number(lang: str, value: float | Decimal) -> str:
    """A number with the language's own separators: "1 234,5", "1,234.5"."""
    return numbers.format_decimal(value, locale=_locale(lang))


def show_money(lang: str, dollars: Decimal) -> str:
    """An amount in dollars and cents, as the language writes it."""
    return numbers.format_currency(dollars, "CAD", locale=_locale(lang))


def show_share(lang: str, part: float, whole: float) -> str:
    """`part` of `whole` as a whole percentage; "–" where the whole is nothing, since no share of nothing is true."""
    return numbers.format_percent(part / whole, locale=_locale(lang)) if whole else "–"


def show_list(lang: str, items: Iterable[str]) -> str:
    """Several things in one sentence: "a, b et c", "a, b and c"."""
    return lists.format_list([str(item) for item in items], locale=_locale(lang))


def _known(lang: str) -> None:
    if lang not in LANGUAGES:
        raise ValueError("a program speaks " + " and ".join(LANGUAGES))


@cache
def _locale(lang: str) -> Locale:
    _known(lang)
    return Locale.parse(LANGUAGES[lang])


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment must say in which zone it is")
    return at


def _first_of_month(lang: str, day: date, written: str) -> str:
    """French says the first of a month as an ordinal, which the CLDR patterns do not know."""
    if lang != "fr" or day.day != 1:
        return written
    return re.sub(r"(?<!\d)1(?= )", "1er", written, count=1)


_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _shown(lang: str, facts: Mapping[str, object]) -> dict[str, object]:
    return {name: _fact(lang, value) for name, value in facts.items()}


def _fact(lang: str, value: object) -> object:
    for kinds, show in _SHOWN_AS:
        if isinstance(value, kinds):
            return show(lang, value)
    return pick(lang, value) if hasattr(value, "fr") and hasattr(value, "en") else value


def _iso_day(lang: str, written: str) -> str:
    if not _ISO_DAY.fullmatch(written):
        return written
    try:
        return show_day(lang, date.fromisoformat(written))
    except ValueError:  # 2026-02-30 is no day: leave what stands there
        return written


#: How each kind of fact is written; the first that fits: a moment is a day too, and True a number.
_SHOWN_AS: Final[tuple[tuple[type | tuple[type, ...], Callable[[str, Any], object]], ...]] = (
    (datetime, show_moment),
    (date, show_day),
    (time, show_clock),
    # A refusal's facts also travel to machines, so a day among them is in ISO form.
    (str, _iso_day),
    (int, lambda _, value: value),  # a line, a year, a count: written without separators, also by %d
    (Counted, lambda lang, counted: say_n(lang, counted.singular, counted.plural, counted.n)),
    ((float, Decimal), show_number),
    (Mapping, pick),
)
