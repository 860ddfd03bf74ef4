"""Workbooks for people outside: what a name begins with makes no formula of it, and nothing says who made them."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from domain.files.spreadsheets import Sheet, as_csv
from domain.files.workbooks import as_table, as_workbook
from locales import show_moments_in, speaking


def sheet(*rows: tuple[str | int, ...], name: str = "Counts", totals: int = 0) -> Sheet:
    return Sheet(name=name, title="Title", lines=["Of a year"], heads=["What", "How many"], rows=rows, totals=totals)


@pytest.mark.parametrize("word", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "=cmd|' /C calc'!A0", "#REF!"])
def test_a_word_stays_a_word_whatever_it_begins_with(word: str) -> None:
    book = load_workbook(BytesIO(as_workbook("T", "fr-CA", [sheet((word, 3))])))
    cell = book["Counts"].cell(5, 1)
    assert (cell.value, cell.data_type) == (word, "s")
    assert cell.quotePrefix
    assert (book["Counts"].cell(5, 2).value, book["Counts"].cell(5, 2).data_type) == (3, "n")


@pytest.mark.ci
@given(st.text(max_size=40))
def test_any_word_can_be_written_and_none_is_a_formula(word: str) -> None:
    file = as_workbook(word, "en-CA", [sheet((word, 1), name=word), sheet((word, 2), name=word)])
    with ZipFile(BytesIO(file)) as package:
        parts = {name: package.read(name).decode() for name in package.namelist() if "worksheets/" in name}
    assert len(parts) == 2
    assert all("<f>" not in part for part in parts.values())


def test_sheets_of_one_name_are_told_apart_and_heads_stay_in_sight() -> None:
    file = as_workbook("T", "fr-CA", [sheet(("a", 1), name="Obligations: par [clause]" * 3) for _ in range(3)])
    book = load_workbook(BytesIO(file))
    assert len(set(book.sheetnames)) == 3
    assert all(len(name) <= 31 for name in book.sheetnames)
    assert book.worksheets[0].freeze_panes == "B5"


def test_the_file_tells_neither_who_made_it_nor_when_and_is_the_same_each_time() -> None:
    file = as_workbook("Bilan", "fr-CA", [sheet(("a", 1), ("b", 2), totals=1)])
    assert file == as_workbook("Bilan", "fr-CA", [sheet(("a", 1), ("b", 2), totals=1)])
    with ZipFile(BytesIO(file)) as package:
        core = package.read("docProps/core.xml").decode()
        assert {member.date_time for member in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert "openpyxl" not in core
    assert "2000-01-01T00:00:00Z" in core
    assert "Bilan" in core


def test_a_name_that_is_cut_ends_with_a_word_and_no_comma() -> None:
    file = as_workbook("T", "fr-CA", [sheet(("a", 1), name="Références reçues dans l’année, par état")])
    assert load_workbook(BytesIO(file)).sheetnames == ["Références reçues dans l’année"]


@pytest.mark.parametrize(("zone", "day", "hour"), [("America/Toronto", 30, "19:05"), ("Europe/Paris", 1, "01:05")])
def test_a_moment_has_the_day_that_it_had_where_the_program_is(zone: str, day: int, hour: str) -> None:
    evening = datetime(2026, 12, 1, 0, 5, 59, 7, tzinfo=UTC)
    with speaking("fr"):
        show_moments_in(zone)
        book = load_workbook(BytesIO(as_table("T", ["Fermé"], [[evening]])))
        written = as_csv(["Fermé"], [[evening]]).decode("utf-8-sig")
    there = datetime(2026, 12 if day == 1 else 11, day)  # noqa: DTZ001 - local
    assert book.worksheets[0].cell(2, 1).value == there
    assert written.splitlines()[1] == f'"{there.date()} {hour}"'
