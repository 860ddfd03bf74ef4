"""Workbooks that people send (XLSX), read as plain cells: streamed, bounded, and nothing in them is ever run.

Of a formula the value is read that was saved with it. Links are not followed. Macros, other kinds of files, and what is
larger than any workbook of notes are refused in words.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal
from xml.parsers import expat

from domain.files.packages import WAYS_TO_PACK
from domain.kernel import Refusal
from locales import N_

#: No workbook of ours is nearly so large, packed or unpacked.
LARGEST: Final = 10 * 1024 * 1024
LARGEST_UNPACKED: Final = 48 * 1024 * 1024
MOST_PARTS: Final = 2_000
MOST_SHEETS: Final = 500
#: Nobody writes what shrinks so much: it is made to fill a memory. A sheet of blank cells shrinks to a hundredth.
MOST_SHRUNK: Final = 400
_SMALL: Final = 1024 * 1024
#: What stands further to the right is not read.
MOST_COLUMNS: Final = 60
MOST_ROWS: Final = 20_000
_CHUNK: Final = 64 * 1024
_MOST_FIGURES: Final = 400

_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOOK, _STRINGS, _STYLES = "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml"
_LINKS, _TYPES = "xl/_rels/workbook.xml.rels", "[Content_Types].xml"

#: How a number is shown: as it is, as a day, or as a time of day or a length of time.
Look = Literal["plain", "day", "time"]
_DAYS: Final = frozenset({14, 15, 16, 17, 22, *range(27, 37), *range(50, 59)})
_TIMES: Final = frozenset({18, 19, 20, 21, 45, 46, 47})
#: Of a format that somebody made, what is text within it.
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_PLACE: Final = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
#: The days from which workbooks count, and the one that the first of them counts though it never was.
_FROM_1900, _FROM_1904 = date(1899, 12, 30), date(1904, 1, 1)
_LAST_SERIAL: Final = 2_958_465  # 9999-12-31


@dataclass(frozen=True, slots=True)
class ReadCell:
    """One cell as it was saved: its words, or its number with how that is shown.

    `is_wrong` where the spreadsheet itself could not compute it, or saved no value with its formula.
    """

    text: str = ""
    number: float | None = None
    look: Look = "plain"
    is_formula: bool = False
    is_wrong: bool = False
    since: date = _FROM_1900

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return self.number is None and not self.text.strip() and not self.is_wrong

    @property
    def day(self) -> date | None:
        """The day that its number stands for, whether or not it is shown as one; None where it is no day."""
        if self.number is None or not 1 <= self.number <= _LAST_SERIAL - 1_500:
            return None
        return self.since + timedelta(days=int(self.number))


Row = Mapping[int, ReadCell]
"""The cells of a row that say something, by their column: 1 is A."""


@dataclass(frozen=True)
class ReadSheet:
    """A sheet: its place in the book (1 is the first), its name as it was given, and whether it is hidden."""

    position: int
    name: str
    is_hidden: bool
    part: str


def column_letters(column: int) -> str:
    """A column as people call it: 1 is A, 27 is AA."""
    letters = ""
    while column:
        column, left = divmod(column - 1, 26)
        letters = chr(ord("A") + left) + letters
    return letters


class ReadBook:
    """A workbook that was sent. Raises Refusal at what is none, or cannot be read without harm."""

    def __init__(self, content: bytes) -> None:
        self._package = _opened(content)
        names = {part.filename for part in self._package.infolist()}
        self.has_links = any(name.startswith("xl/externalLinks/") for name in names)
        self._since = _FROM_1900
        self._strings: list[str] = []
        self._looks: list[Look] = []
        self._rows_left = MOST_ROWS
        self.sheets = self._sheets(names)
        if _STYLES in names:
            self._looks = _read_looks(self._events(_STYLES))
        if _STRINGS in names:
            self._strings = _read_strings(self._events(_STRINGS))

    def rows(self, sheet: ReadSheet) -> Iterator[tuple[int, Row]]:
        """The rows of a sheet that say something, with their numbers, from the top. Raises Refusal."""
        for number, row in _read_rows(self._events(sheet.part), self._strings, self._looks, self._since):
            self._rows_left -= 1
            if self._rows_left < 0:
                raise Refusal("workbook.too_long", N_("This workbook has more than %(most)s rows."), most=MOST_ROWS)
            yield number, row

    def _sheets(self, names: set[str]) -> list[ReadSheet]:
        if not {_BOOK, _LINKS} <= names:
            raise _damaged()
        targets = self._targets()
        found: list[ReadSheet] = []
        for event, name, given in self._events(_BOOK):
            if (event, name) == ("start", "sheet"):
                found.append(_sheet(len(found) + 1, given, targets))
            elif name == "workbookPr" and given.get("date1904") in ("1", "true"):
                self._since = _FROM_1904
        return _with_cells(found, names)

    def _targets(self) -> dict[str, str]:
        """The part of each sheet with cells, by what refers to it."""
        found: dict[str, str] = {}
        for _, _, given in self._events(_LINKS):
            if given.get("Type", "").endswith("/worksheet") and given.get("TargetMode") != "External":
                place = posixpath.normpath(posixpath.join("/xl", given.get("Target", "")))
                found[given.get("Id", "")] = place.lstrip("/")
        return found

    def _events(self, part: str) -> Iterator[_Event]:
        return _events_of(self._package, part)


_Event = tuple[Literal["start", "end", "text"], str, dict[str, str]]
"""What stands in a part, in order: a tag that begins, with what it says; one that ends; or text, as the name."""


def _with_cells(found: list[ReadSheet], names: set[str]) -> list[ReadSheet]:
    """The sheets of a book that have cells, as a chart has none. Raises Refusal."""
    with_cells = [one for one in found if one.part]
    if not found or len(found) > MOST_SHEETS or not {one.part for one in with_cells} <= names:
        raise _damaged()
    return with_cells


def _sheet(position: int, given: Mapping[str, str], targets: Mapping[str, str]) -> ReadSheet:
    is_hidden = given.get("state", "visible") != "visible"
    return ReadSheet(position, given.get("name", ""), is_hidden, targets.get(given.get("id", ""), ""))


def _opened(content: bytes) -> zipfile.ZipFile:
    """The package of a workbook, whose parts were looked at and not read yet. Raises Refusal."""
    if len(content) > LARGEST:
        raise Refusal("workbook.too_large", N_("This file is larger than %(most)s MB."), most=LARGEST // (1024 * 1024))
    if content.startswith(_OLD_OFFICE):
        raise Refusal(
            "workbook.locked",
            N_(
                "This workbook is locked by a password, or is in the old format (.xls). Save it as .xlsx without a "
                "password and send it again."
            ),
        )
    if not content.startswith(_ZIP):
        raise _another_kind()
    try:
        package = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError):
        raise _damaged() from None
    _refuse_parts(package.infolist())
    for event, name, given in _events_of(package, _TYPES) if _TYPES in package.namelist() else ():
        if event == "start" and name in ("Default", "Override") and "macroEnabled" in given.get("ContentType", ""):
            raise _has_macros()
    return package


#: The parts in which a workbook has its macros.
_MACROS: Final = re.compile(r"vbaproject\.bin$|macrosheets/", re.IGNORECASE)


def _refuse_parts(parts: list[zipfile.ZipInfo]) -> None:
    """Refuse a package by what it says of its parts, before any is unpacked. Raises Refusal."""
    names = [part.filename for part in parts]
    if any(_MACROS.search(name) for name in names):
        raise _has_macros()
    if _BOOK not in names:
        raise _another_kind()
    if len(set(names)) != len(names) or not all(map(_is_plain, parts)):
        raise _damaged()
    if _is_too_large(parts):
        raise Refusal(
            "workbook.too_large", N_("Unpacked, this workbook is larger than any workbook of notes: it was not read.")
        )


def _is_too_large(parts: list[zipfile.ZipInfo]) -> bool:
    unpacked = sum(part.file_size for part in parts)
    return len(parts) > MOST_PARTS or unpacked > LARGEST_UNPACKED or any(map(_is_shrunk, parts))


def _is_plain(part: zipfile.ZipInfo) -> bool:
    """Whether a part is packed as an office packs it, and not locked."""
    return part.compress_type in WAYS_TO_PACK and not part.flag_bits & 1


def _is_shrunk(part: zipfile.ZipInfo) -> bool:
    return part.file_size > _SMALL and part.file_size > MOST_SHRUNK * max(1, part.compress_size)


def _events_of(package: zipfile.ZipFile, part: str) -> Iterator[_Event]:
    """What stands in a part, read piece by piece. Names are without their namespace. Raises Refusal."""
    waiting: list[_Event] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def begin(name: str, given: dict[str, str]) -> None:
        plain = {key.rpartition(" ")[2]: value for key, value in given.items()}
        waiting.append(("start", name.rpartition(" ")[2], plain))

    def refuse(*_: object) -> None:
        # A document type declares entities, which grow without end or reach for other files. No spreadsheet writes one.
        raise _damaged()

    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda name: waiting.append(("end", name.rpartition(" ")[2], {}))
    parser.CharacterDataHandler = lambda text: waiting.append(("text", text, {}))
    parser.StartDoctypeDeclHandler = refuse
    info = package.getinfo(part)
    try:
        with package.open(info) as opened:
            left = info.file_size + 1  # a part that lies about its size is read no further
            while left > 0 and (chunk := opened.read(min(_CHUNK, left))):
                left -= len(chunk)
                parser.Parse(chunk, False)
                yield from waiting
                waiting.clear()
            parser.Parse(b"", True)
            yield from waiting
    except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, LookupError):
        raise _damaged() from None


def _read_strings(events: Iterator[_Event]) -> list[str]:
    """The texts that cells share, in their order."""
    found: list[str] = []
    words = _Words()
    for event, name, _ in events:
        words.take(event, name)
        if event == "start" and name == "si":
            words.begin()
        elif event == "end" and name == "si":
            found.append(words.said)
    return found


class _Words:
    """Gathers the text of an item: its runs, without how they are spoken."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._takes = self._is_spoken = False

    def begin(self) -> None:
        """Forget what was gathered."""
        self._parts.clear()

    def take(self, event: str, name: str) -> None:
        """Look at what comes next."""
        if event == "text":
            if self._takes and not self._is_spoken:
                self._parts.append(name)
        elif name == "t":
            self._takes = event == "start"
        elif name == "rPh":
            self._is_spoken = event == "start"

    @property
    def said(self) -> str:
        """The text, with the letters that the form writes by their number."""
        return _plain("".join(self._parts))


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _read_looks(events: Iterator[_Event]) -> list[Look]:
    """How the numbers of each style are shown."""
    made: dict[int, str] = {}
    found: list[Look] = []
    within = False
    for event, name, given in events:
        if name == "cellXfs":
            within = event == "start"
        elif event == "start" and name == "numFmt":
            made[_whole(given.get("numFmtId"))] = given.get("formatCode", "")
        elif event == "start" and name == "xf" and within:
            number = _whole(given.get("numFmtId"))
            found.append(_look_of(number, made.get(number)))
    return found


def _look_of(number: int, made: str | None) -> Look:
    if made is None:
        return "day" if number in _DAYS else "time" if number in _TIMES else "plain"
    letters = _LITERAL.sub("", made.partition(";")[0]).casefold().replace("am/pm", "").replace("a/p", "")
    if "general" in letters:
        return "plain"
    if set("yda") & set(letters) or "mmm" in letters:
        return "day"
    return "time" if set("hms") & set(letters) else "plain"


def _read_rows(
    events: Iterator[_Event], strings: list[str], looks: list[Look], since: date
) -> Iterator[tuple[int, Row]]:
    """The rows of a sheet that say something."""
    number = 0
    cells = _Cells(strings, looks, since)
    for event, name, given in events:
        if name != "row" or event == "text":
            cells.take(event, name, given)
        elif event == "start":
            number = _whole(given.get("r")) or number + 1
            cells.begin()
        elif cells.row:
            yield number, cells.row


class _Cells:
    """Gathers the cells of one row after another."""

    def __init__(self, strings: list[str], looks: list[Look], since: date) -> None:
        self._strings, self._looks, self._since = strings, looks, since
        self._words, self._value = _Words(), list[str]()
        self._given: Mapping[str, str] = {}
        self._has_formula = self._takes_value = False
        self._column = 0
        self.row: dict[int, ReadCell] = {}

    def begin(self) -> None:
        """Begin another row."""
        self._column, self.row = 0, {}

    def take(self, event: str, name: str, given: Mapping[str, str]) -> None:
        """Look at what comes next in the row."""
        self._words.take(event, name)
        if event == "text":
            if self._takes_value:
                self._value.append(name)
        elif name == "v":
            self._takes_value = event == "start"
        elif name == "f":
            self._has_formula = True
        elif name == "c":
            (self._begin_cell if event == "start" else self._end_cell)(given)

    def _begin_cell(self, given: Mapping[str, str]) -> None:
        self._given, self._has_formula = given, False
        self._words.begin()
        self._value.clear()
        self._column = _column_of(given.get("r", "")) or self._column + 1

    def _end_cell(self, _: Mapping[str, str]) -> None:
        cell = self._cell("".join(self._value))
        if not cell.is_empty and self._column <= MOST_COLUMNS:
            self.row[self._column] = cell

    def _cell(self, value: str) -> ReadCell:
        kind, has_formula = self._given.get("t", "n"), self._has_formula
        if kind == "e" or (has_formula and not value and kind != "str"):
            return ReadCell(is_formula=has_formula, is_wrong=True)
        if kind in ("n", "b"):
            return self._number(kind, value)
        text = self._words.said if kind == "inlineStr" else _plain(value)
        if kind == "s":
            at = _whole(value)
            text = self._strings[at] if value and at < len(self._strings) else ""
        return ReadCell(text, is_formula=has_formula)

    def _number(self, kind: str, value: str) -> ReadCell:
        number = _number(value)
        if number is None:
            return ReadCell(is_formula=self._has_formula, is_wrong=bool(value.strip()))
        if kind == "b":
            return ReadCell("1" if number else "0", is_formula=self._has_formula)
        style = _whole(self._given.get("s"))
        look = self._looks[style] if style < len(self._looks) else "plain"
        return ReadCell(number=number, look=look, is_formula=self._has_formula, since=self._since)


def _number(text: str) -> float | None:
    """A number as a part writes it; None where it is none, or is no number that a day or a count has."""
    try:
        found = float(text) if len(text) <= _MOST_FIGURES else None
    except ValueError:
        return None
    return found if found is not None and abs(found) < 1e15 else None  # noqa: PLR2004 - and so neither nan nor infinite


def _whole(text: str | None) -> int:
    """A whole number of a part; 0 where it is none."""
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= 9 else 0  # noqa: PLR2004


def _column_of(place: str) -> int:
    """The column of a cell's place, such as 2 for B7; 0 where it says none."""
    found = _PLACE.fullmatch(place)
    column = 0
    for letter in found[1] if found else "":
        column = column * 26 + ord(letter) - ord("A") + 1
    return column


def _damaged() -> Refusal:
    return Refusal(
        "workbook.damaged", N_("This workbook is damaged, or holds what no spreadsheet writes: it was not read.")
    )


def _another_kind() -> Refusal:
    return Refusal(
        "workbook.unknown_kind", N_("This file is not an Excel workbook. Save it as .xlsx and send it again.")
    )


def _has_macros() -> Refusal:
    return Refusal(
        "workbook.macros", N_("This workbook holds macros. Save it as .xlsx, which holds none, and send it again.")
    )
