"""Workbooks as people and as those who mean harm send them: read as cells, or refused in words."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import date

import pytest
from openpyxl import Workbook

from domain.files import ReadBook, ReadCell, reading_workbooks
from domain.follow_ups.workbook_reading import SheetReading, minutes_of, number_of, read_sheet, type_in, week_of
from domain.kernel.refusals import Refusal
from tests.refusing import refused

HEADS = ("Semaine du", "N de rencontres en personne", "Durée des rencontres", "Autres communications", "Besoin visé")


def book(*rows: tuple[object, ...], number: object = "#2019-02", names: tuple[str, ...] = ("J",)) -> Workbook:
    """A workbook in the guide's form, with the same rows on each of its sheets."""
    made = Workbook()
    made.remove(made.worksheets[0])
    for name in names:
        page = made.create_sheet(name)
        page.append(["Renseignement"])
        page.append(["ID du jeune", number])
        page.append([])
        page.append(HEADS)
        for row in rows:
            page.append(row)
    return made


def saved(made: Workbook) -> bytes:
    """Its file."""
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def rewritten(content: bytes, change: Callable[[str, bytes], bytes | None], more: Mapping[str, bytes] = {}) -> bytes:
    """A file with other parts: each as `change` makes it, None to leave it out, and some `more`."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = change(name, source.read(name))
            if part is not None:
                target.writestr(name, part)
        for name, part in more.items():
            target.writestr(name, part)
    return file.getvalue()


def with_part(name: str, part: bytes) -> bytes:
    """A workbook with one part more."""
    return rewritten(saved(book(PLAIN)), lambda _, one: one, {name: part})


def read(content: bytes) -> list[SheetReading]:
    """Every sheet that is not hidden, as it was read."""
    opened = ReadBook(content)
    return [read_sheet(opened.rows(sheet)) for sheet in opened.sheets if not sheet.is_hidden]


PLAIN = (date(2019, 11, 4), 2, 90, "tél, texto", "urgence")


def test_a_workbook_of_today_is_read_by_its_own_heads() -> None:
    (sheet,) = read(saved(book(PLAIN)))
    assert sheet.number == "#2019-02"
    (row,) = sheet.rows
    assert (row.row, row.week, row.faults) == (5, date(2019, 11, 4), ())
    assert row.said == {"met": 2, "minutes": 90, "communications": ("telephone", "text_message"), "need": "emergency"}


@pytest.mark.parametrize(
    ("typed", "week"),
    [
        ("2019-11-04", date(2019, 11, 4)),
        ("Semaine du 4 novembre 2019", date(2019, 11, 4)),
        ("du 4 au 10 novembre 2019", date(2019, 11, 4)),
        ("30 déc. au 5 janvier 2020", date(2019, 12, 30)),
        ("Week of Nov 4, 2019", date(2019, 11, 4)),
        ("25/11/2019", date(2019, 11, 25)),
        ("6 novembre 2019", date(2019, 11, 4)),
        ("3 novembre 2019", date(2019, 11, 4)),  # a Sunday, with which weeks begin for some
        ("3/11/2019", None),  # the third of November or the eleventh of March
        ("31 février 2019", None),
        ("bientôt", None),
        ("9" * 500, None),
    ],
)
def test_a_week_is_known_by_its_day_however_that_is_written_and_never_guessed(typed: str, week: date | None) -> None:
    if week is None:
        with refused("week.unclear"):
            week_of(ReadCell(typed))
    else:
        assert week_of(ReadCell(typed)) == week
        assert week_of(ReadCell(number=float((week - date(1899, 12, 30)).days))) == week


@pytest.mark.parametrize(
    ("cell", "minutes"),
    [
        *((ReadCell(typed), 90) for typed in ("1h30", "90", "1:30", "1 h 30 min", "90 min", "1,5 h", "1.5h")),
        (ReadCell(number=90.0), 90),
        (ReadCell(number=0.0625, look="time"), 90),
        (ReadCell("aucune"), 0),
        (ReadCell(number=1.5), None),  # minutes or hours
        (ReadCell("longtemps"), None),
    ],
)
def test_a_length_of_time_is_read_however_it_is_written(cell: ReadCell, minutes: int | None) -> None:
    if minutes is None:
        with refused("minutes.unclear"):
            minutes_of(cell)
    else:
        assert minutes_of(cell) == minutes


def test_a_number_that_a_spreadsheet_took_for_a_month_is_still_one() -> None:
    assert number_of(ReadCell(number=43497.0, look="day")) == "#2019-02"
    assert number_of(ReadCell("2019–2")) == "#2019-02"
    assert number_of(ReadCell("Amélie")) is None


def test_a_summary_says_its_type_where_it_begins_with_one() -> None:
    assert type_in("Clinique : elle va mieux") == "clinical"
    assert type_in("Legal - court") == "legal"
    assert type_in("Elle va mieux: oui") is None


def test_the_row_and_the_column_of_what_is_not_understood_are_said_and_never_what_was_typed() -> None:
    (sheet,) = read(saved(book((date(2019, 11, 4), "Amélie", 90, "pigeon Amélie", "amour"))))
    (row,) = sheet.rows
    assert [(row.row, fault.column) for fault in row.faults] == [(5, "B"), (5, "D"), (5, "E")]
    assert "Amélie" not in repr(row)


def test_rows_of_sums_and_of_zeros_below_the_table_are_passed_over() -> None:
    (sheet,) = read(saved(book(PLAIN, (None, 0, 0), ("Total", 2, 90), (date(2019, 11, 11),))))
    assert [(row.row, row.is_empty) for row in sheet.rows] == [(5, False), (8, True)]


def test_what_is_hidden_is_not_read_and_an_empty_sheet_has_nothing() -> None:
    made = book(PLAIN, names=("J", "J2"))
    made["J2"].sheet_state = "veryHidden"
    made.create_sheet("J3")
    (first, third) = read(saved(made))
    assert (len(first.rows), third.is_empty) == (1, True)


def test_of_a_formula_the_value_is_read_that_was_saved_and_nothing_is_computed() -> None:
    made = saved(book((date(2019, 11, 4), "=1+1", 90, None, None)))
    assert [fault.column for fault in read(made)[0].rows[0].faults] == ["B"]  # no value was saved
    with_value = rewritten(
        made,
        lambda _, part: (
            part.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>")
            .replace(b"<f>1+1</f><v/>", b"<f>1+1</f><v>2</v>")
            .replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
        ),
    )
    (sheet,) = read(with_value)
    assert sheet.rows[0].said["met"] == 2
    assert sheet.has_formulas


def test_two_sheets_of_one_name_which_no_spreadsheet_writes_are_told_apart_by_their_place() -> None:
    made = rewritten(saved(book(PLAIN, names=("J", "J2"))), lambda _, part: part.replace(b'name="J2"', b'name="J"'))
    assert [(sheet.position, sheet.name) for sheet in ReadBook(made).sheets] == [(1, "J"), (2, "J")]
    assert len(read(made)) == 2


def test_links_are_told_and_not_followed() -> None:
    made = rewritten(saved(book(PLAIN)), lambda _, part: part, {"xl/externalLinks/externalLink1.xml": b"<x/>"})
    assert ReadBook(made).has_links
    assert not ReadBook(saved(book(PLAIN))).has_links


def _with_macros(_: str, part: bytes) -> bytes:
    return part.replace(b"spreadsheetml.sheet.main+xml", b"sheet.macroEnabled.main+xml")


def _with_entities(name: str, part: bytes) -> bytes:
    if "sheet1" not in name:
        return part
    return b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>' + part.partition(b"?>")[2]


def _outside(name: str, part: bytes) -> bytes:
    if "sheet1" not in name:
        return part
    entity = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    return entity + part.partition(b"?>")[2].replace(b"Renseignement", b"&a;")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (rewritten(saved(book(PLAIN)), _with_macros), "workbook.macros"),
        (with_part("xl/vbaProject.bin", b"x"), "workbook.macros"),
        (rewritten(saved(book(PLAIN)), _with_entities), "workbook.damaged"),
        (rewritten(saved(book(PLAIN)), _outside), "workbook.damaged"),
        (rewritten(saved(book(PLAIN)), lambda _, part: part[: len(part) // 2]), "workbook.damaged"),
        (rewritten(saved(book(PLAIN)), lambda name, part: None if "sheet1" in name else part), "workbook.damaged"),
        (with_part("xl/media/a", bytes(60 * 1024 * 1024)), "workbook.too_large"),
        (with_part("xl/media/a", bytes(20 * 1024 * 1024)), "workbook.too_large"),
        (rewritten(saved(book(PLAIN)), lambda _, one: one, {f"a{n}": b"" for n in range(2_001)}), "workbook.too_large"),
        (b"PK\x03\x04" + bytes(reading_workbooks.LARGEST), "workbook.too_large"),
        (rewritten(saved(book(PLAIN)), lambda _, __: None, {"mimetype": b"oasis"}), "workbook.unknown_kind"),
        (b"semaine;n\n", "workbook.unknown_kind"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "workbook.locked"),
    ],
    ids=range(13),
)
def test_what_could_do_harm_or_is_no_workbook_is_refused(content: bytes, code: str) -> None:
    with refused(code):
        read(content)


def test_a_workbook_that_is_cut_anywhere_is_refused() -> None:
    content = saved(book(PLAIN))
    for length in range(0, len(content), 311):
        with pytest.raises(Refusal, match=r"^workbook\."):
            read(content[:length])


def test_a_part_that_says_it_is_small_is_read_no_further() -> None:
    made = bytearray(with_part("xl/sharedStrings.xml", b"<sst>" + b" " * 900_000 + b"</sst>"))
    at = made.rfind(b"PK\x01\x02")
    at = made.index(b"xl/sharedStrings.xml", at) - 46 if b"xl/sharedStrings.xml" in made[at:] else at
    made[at + 24 : at + 28] = (100).to_bytes(4, "little")  # the size that its entry tells
    with refused("workbook.damaged"):
        read(bytes(made))
