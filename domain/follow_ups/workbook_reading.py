"""The sheets of a workbook of progress notes, read as people filled them in: whose each is, and what each row says.

Reading is tolerant and never guesses. What can be read in two ways, or in none, is not understood, and is said by its
sheet, row and column. Nothing that was typed is in what is said of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from domain.files import ReadCell, Row, column_letters
from domain.follow_ups.week_row import CHOICES, WORDS
from domain.follow_ups.weeks import monday_of
from domain.follow_ups.workbook_form import HEADS_KNOWN, NOTHING, NUMBER, WEEK, codes_of, field_of, plain
from domain.kernel import Refusal, checked
from domain.participants import LONGEST_LINE, Said
from locales import N_


@dataclass(frozen=True)
class RowFault:
    """Why a cell was not understood: the column of its sheet, and a sentence with its facts."""

    column: str
    sentence: str
    facts: dict[str, str | int] = field(default_factory=dict)

    @classmethod
    def of(cls, column: str, refusal: Refusal) -> RowFault:
        """The fault that a rule finds."""
        facts = {name: fact for name, fact in refusal.facts.items() if isinstance(fact, str | int)}
        return cls(column, refusal.sentence, facts)


@dataclass(frozen=True)
class ReadWeek:
    """A row of a sheet: its number, its week, and what it says by the fields of `Week`, or why it says nothing."""

    row: int
    week: date | None = None
    said: Said = field(default_factory=dict)
    faults: tuple[RowFault, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it names a week and nothing of it."""
        return not self.faults and not any(self.said.values())


@dataclass
class SheetReading:
    """A sheet as it was read: the number in its box, the columns of its table by their fields, and its rows."""

    number: str | None = None
    columns: dict[str, int] = field(default_factory=dict)
    rows: list[ReadWeek] = field(default_factory=list)
    has_formulas: bool = False
    is_empty: bool = True

    def letters_of(self, field_name: str) -> str:
        """The column of a field, as people call it; "" where the sheet has none."""
        column = self.columns.get(field_name)
        return column_letters(column) if column is not None else ""


def read_sheet(rows: Iterable[tuple[int, Row]]) -> SheetReading:
    """What a sheet says. A row that says nothing is passed over."""
    found = SheetReading()
    box = _NumberBox()
    for number, row in rows:
        found.is_empty = False
        found.has_formulas = found.has_formulas or any(cell.is_formula for cell in row.values())
        if not found.columns:
            found.columns = _heads(row)
            box.look(row, anywhere=not found.columns)
            continue
        box.look(row, anywhere=False)
        read = _read_row(number, row, found)
        if read is not None:
            found.rows.append(read)
    found.number = box.number
    return found


def _heads(row: Row) -> dict[str, int]:
    """The columns of the table by their fields, where a row is the one of its heads; else none."""
    found: dict[str, int] = {}
    for column, cell in sorted(row.items()):
        name = field_of(cell.text) if cell.text else None
        if name is not None:
            found.setdefault(name, column)
    return found if WEEK in found and len(found) >= HEADS_KNOWN else {}


# ------------------------------------------------------------------------------------------------------ the number

_NUMBER: Final = re.compile(r"#?\s*((?:19|20)\d\d)\s*[-‐-―−]\s*(\d{1,4})")
#: What stands beside it; what is shorter may be somebody's words once the table has begun.
_LABELS: Final = frozenset({*NUMBER.spellings, "id du participant", "participant id", "no du jeune", "numero du jeune"})
_SHORT_LABELS: Final = frozenset({"id", "id jeune", "numero", "no", "number"})


class _NumberBox:
    """Looks for the participant's number: beside or below its label, or else alone in a cell above the table."""

    def __init__(self) -> None:
        self.number: str | None = None
        self._is_beside = False
        self._below: int | None = None

    def look(self, row: Row, *, anywhere: bool) -> None:
        """Look at the next row; `anywhere` while the table has not begun."""
        if self._is_beside:
            return
        cells = sorted(row.items())
        below = row.get(self._below or 0, ReadCell())
        labelled = self._beside(cells, _LABELS | _SHORT_LABELS if anywhere else _LABELS) or number_of(below)
        if labelled is not None:
            self.number, self._is_beside = labelled, True
        elif anywhere and self.number is None:
            self.number = next((one for _, cell in cells if (one := _number_in(cell.text))), None)

    def _beside(self, cells: list[tuple[int, ReadCell]], labels: frozenset[str]) -> str | None:
        """The number beside a label of a row, or behind its colon; where there is a label alone, it may be below."""
        for place, (column, cell) in enumerate(cells):
            before, _, after = cell.text.partition(":")
            if plain(before) not in labels:
                continue
            beside = [ReadCell(after)] if after.strip() else [other for _, other in cells[place + 1 :]]
            number = next((one for other in beside if (one := number_of(other))), None)
            if number is not None:
                return number
            self._below = column
        return None


def number_of(cell: ReadCell) -> str | None:
    """A participant's number, as the program writes it; also where a spreadsheet took 2019-02 for a month."""
    if cell.look == "day" and cell.day is not None and cell.day.day == 1:
        return f"#{cell.day.year}-{cell.day.month:02d}"
    return _number_in(cell.text)


def _number_in(text: str) -> str | None:
    found = _NUMBER.fullmatch(text.strip())
    return f"#{found[1]}-{int(found[2]):02d}" if found else None


# ------------------------------------------------------------------------------------------------------------ a row

_SUMS: Final = ("total", "totaux", "moyenne", "average", "somme", "sum")


def _read_row(number: int, row: Row, sheet: SheetReading) -> ReadWeek | None:
    """A row of the table; None where nothing of the form's is in it, or it is one of sums."""
    cells = {name: row[column] for name, column in sheet.columns.items() if column in row}
    if not cells or plain(cells.get(WEEK, ReadCell()).text).split(" ")[0] in _SUMS:
        return None
    faults: list[RowFault] = []
    read: Said = {}
    for name, column in sheet.columns.items():
        try:
            read[name] = _read_cell(name, cells.get(name, ReadCell()))
        except Refusal as refusal:
            faults.append(RowFault.of(column_letters(column), refusal))
    week = read.pop(WEEK, None)
    if WEEK not in cells and len(faults) == 1 and not any(read.values()):
        return None  # zeros that stand in every row, also below the last one
    return ReadWeek(number, week, read, tuple(faults))


def _read_cell(name: str, cell: ReadCell) -> object:
    if cell.is_wrong:
        raise Refusal("cell.wrong", N_("The spreadsheet has no value here: an error, or a formula without one."))
    return week_of(cell) if name == WEEK else _READERS[name](cell)


_MONTHS: Final[Mapping[str, int]] = {
    name: number
    for number, names in enumerate(
        (
            "janvier january janv jan",
            "fevrier february fevr fev feb",
            "mars march mar",
            "avril april avr apr",
            "mai may",
            "juin june jun",
            "juillet july juil jul",
            "aout august aug",
            "septembre september sept sep",
            "octobre october oct",
            "novembre november nov",
            "decembre december dec",
        ),
        1,
    )
    for name in names.split()
}
#: Days as `plain` makes them alike: 2026-03-02, with an hour or without; 25/11/2019.
_ISO: Final = re.compile(r"(\d{4}) (\d{1,2}) (\d{1,2})(?:[t ]\d\d \d\d.*)?")
_FIGURES: Final = re.compile(r"(\d{1,2}) (\d{1,2}) (\d{4})")
_BEFORE: Final = re.compile(
    r"^(?:(?:semaine|sem|week)\b)?\s*(?:(?:du|de|of|des)\b)?\s*(?:(?:lundi|monday|lun|mon|dimanche|sunday)\s)?"
)
#: 4 novembre 2019; du 4 au 10 novembre 2019; 28 octobre au 3 novembre 2019; and the English order.
_DAY_FIRST: Final = re.compile(
    r"(\d{1,2})(?:er)?(?: (?!(?:au|a|to|et)\b)([a-z]+))?(?: (\d{4}))?"
    r"(?: (?:au|a|to|et) \d{1,2}(?:er)? ([a-z]+)| (?:(?:au|a|to) )?\d{1,2})?"
    r"(?: ([a-z]+))?(?: (\d{4}))?"
)
_MONTH_FIRST: Final = re.compile(
    r"([a-z]+) (\d{1,2})(?:st|nd|rd|th)?(?:(?: to)? (?:([a-z]+) )?\d{1,2}(?:st|nd|rd|th)?)? (\d{4})"
)
_SUNDAY: Final = 6


def week_of(cell: ReadCell) -> date:
    """The Monday of the week that a cell names by its first day, which is a Sunday for some. Raises Refusal."""
    if cell.is_empty:
        raise Refusal("week.missing", N_("The row says something, and names no week."))
    day = cell.day if cell.number is not None else _day_of(cell.text)
    if day is None:
        raise Refusal(
            "week.unclear", N_("This is no day, or could be two. Write the first day of the week as 2026-03-02.")
        )
    return monday_of(day + timedelta(days=1) if day.weekday() == _SUNDAY else day)


def _day_of(text: str) -> date | None:
    """A day in words or figures; None where it is none, or could be two."""
    said = plain(text.replace("–", " to ").replace("—", " to "))
    said = _BEFORE.sub("", said).strip()
    for read in (_in_iso, _in_figures, _day_first, _month_first):
        try:
            day = read(said)
        except ValueError:
            return None
        if day is not None:
            return day
    return None


def _in_iso(said: str) -> date | None:
    found = _ISO.fullmatch(said)
    return date(int(found[1]), int(found[2]), int(found[3])) if found else None


def _in_figures(said: str) -> date | None:
    """3/11/2019 is two days; 25/11/2019 and 11/25/2019 are one."""
    found = _FIGURES.fullmatch(said)
    if not found:
        return None
    days = set()
    for day, month in ((found[1], found[2]), (found[2], found[1])):
        if 1 <= int(month) <= 12:  # noqa: PLR2004 - months
            days.add(date(int(found[3]), int(month), int(day)))
    return days.pop() if len(days) == 1 else None


def _day_first(said: str) -> date | None:
    found = _DAY_FIRST.fullmatch(said)
    if not found:
        return None
    names = [_MONTHS.get(name, 0) for name in found.group(2, 4, 5) if name]
    year = found[3] or found[6]
    if not names or not all(names) or year is None:
        return None
    is_of_before = names[0] > names[-1] and found[3] is None
    return date(int(year) - is_of_before, names[0], int(found[1]))


def _month_first(said: str) -> date | None:
    found = _MONTH_FIRST.fullmatch(said)
    month = _MONTHS.get(found[1]) if found else None
    if not found or month is None:
        return None
    last = _MONTHS.get(found[3], month) if found[3] else month
    return date(int(found[4]) - (1 if month > last else 0), month, int(found[2]))


# ------------------------------------------------------------------------------------------------- what a cell says

_COUNT: Final = re.compile(r"(\d{1,4})(?: (?:fois|x|rencontres?|meetings?|times?))?")
_HOURS: Final = re.compile(
    r"(\d{1,3})(?:[.,](\d{1,2}))?\s*(?:h|hr|hrs|heures?|hours?)(?:\s*(?:et|and)?\s*(\d{1,2})\s*(?:m|min|mins|minutes?)?)?"
)
_MINUTES: Final = re.compile(r"(\d{1,5})\s*(?:m|min|mins|minutes?)?")
_MINUTES_OF_A_DAY: Final = 1_440
#: Of a day, a spreadsheet keeps a minute so exactly.
_ROUNDED: Final = 1e-6
_CLOCK: Final = re.compile(r"(\d{1,3}):(\d{2})(?::00)?")
_BETWEEN: Final = re.compile(r"[,;/+&\n|•]| et | and | ou | puis |\by\b(?=\s)")
_TIMES: Final = re.compile(r"\([^)]*\)|\bx ?\d+|\b\d+ ?x\b|\b\d+\b")


def _count(cell: ReadCell) -> int:
    if cell.number is not None and cell.number == int(cell.number) and cell.look == "plain" and cell.number >= 0:
        return int(cell.number)
    said = plain(cell.text)
    if cell.number is None and said in NOTHING:
        return 0
    found = _COUNT.fullmatch(said) if cell.number is None else None
    if found is None:
        raise Refusal("met.unclear", N_("This is no number of meetings. Write a whole number, such as 2."))
    return int(found[1])


def minutes_of(cell: ReadCell) -> int:
    """A length of time in minutes: 90, 1:30, 1h30, 1 h 30 min, 90 min, 1,5 h. Raises Refusal."""
    found = _minutes_in_words(cell.text.strip().casefold()) if cell.number is None else _minutes_in_figures(cell)
    if found is None:
        raise Refusal("minutes.unclear", N_("This is no length of time. Write minutes, such as 90, or hours as 1h30."))
    return found


def _minutes_in_figures(cell: ReadCell) -> int | None:
    exact = (cell.number or 0) * (_MINUTES_OF_A_DAY if cell.look == "time" else 1)
    is_whole = abs(exact - round(exact)) <= _ROUNDED * max(1.0, exact)
    return round(exact) if exact >= 0 and is_whole and cell.look != "day" else None


def _minutes_in_words(said: str) -> int | None:
    if plain(said) in NOTHING:
        return 0
    if found := _CLOCK.fullmatch(said):
        return int(found[1]) * 60 + int(found[2])
    if found := _MINUTES.fullmatch(said):
        return int(found[1])
    found = _HOURS.fullmatch(said)
    if found is None or (found[2] and found[3]):
        return None
    return round(float(f"{found[1]}.{found[2] or 0}") * 60) + int(found[3] or 0)


def _communications(cell: ReadCell) -> tuple[str, ...]:
    """Each kind that is named, once: how often does not matter."""
    found: dict[str, None] = {}
    codes = codes_of("communications")
    for one in _BETWEEN.split(_words(cell)):
        said = plain(_TIMES.sub(" ", one))
        if said in NOTHING:
            continue
        if said not in codes:
            raise Refusal(
                "communications.unclear",
                N_("This is no known means of communication: telephone, text message, Messenger, e-mail, other."),
            )
        found[codes[said]] = None
    return tuple(found)


def _choice(name: str) -> Callable[[ReadCell], str | None]:
    def read(cell: ReadCell) -> str | None:
        words = _words(cell)
        codes, said = codes_of(name), plain(words)
        code = codes.get(said) or codes.get(plain(re.sub(r"\([^)]*\)", " ", words)))
        if code is None and said:
            raise Refusal(f"{name}.unclear", N_("This is no answer of the menu. Choose one of the menu’s answers."))
        return code

    return read


def _words(cell: ReadCell) -> str:
    """What was typed, also where it is a number or a day."""
    if cell.number is None:
        return cell.text
    if cell.look == "day" and cell.day is not None:
        return cell.day.isoformat()
    return str(int(cell.number)) if cell.number == int(cell.number) else str(cell.number)


def _line(cell: ReadCell) -> str:
    said = checked(_words(cell))
    if len(said) > LONGEST_LINE:
        raise Refusal("words.too_long", N_("This is longer than %(most)s characters. Shorten it."), most=LONGEST_LINE)
    return said


def _text(cell: ReadCell) -> str:
    return checked(_words(cell))


#: What reads each field of a week.
_READERS: Final[Mapping[str, Callable[[ReadCell], object]]] = {
    "met": _count,
    "minutes": minutes_of,
    "communications": _communications,
    **{name: _choice(name) for name in CHOICES},
    **dict.fromkeys(WORDS[:2], _line),
    **dict.fromkeys(WORDS[2:], _text),
}


def type_in(summary: str) -> str | None:
    """The type of activity with which a summary begins, as the guide asks; None where it begins otherwise."""
    first, between, _ = re.match(r"([^:.,;–—\n-]{0,40})(\s?[:.,;–—\n-])?(.*)", summary, re.DOTALL).groups()  # type: ignore[union-attr] # it fits anything
    return codes_of("activity_type").get(plain(first)) if between else None


def each(reading: SheetReading) -> Iterator[ReadWeek]:
    """The rows of a sheet; a summary that begins with its type of activity says that too, where no column does."""
    for one in reading.rows:
        summary = one.said.get("summary")
        if "activity_type" not in reading.columns and summary and (code := type_in(summary)) is not None:
            yield ReadWeek(one.row, one.week, {**one.said, "activity_type": code}, one.faults)
        else:
            yield one
