"""Lays out the measures of how the program is carried out, in one language: each table, and its picture beside it."""

from __future__ import annotations

from typing import Final

from locales import N_
from meetings.documents.measures import FigureRow, FigureTable, MeasuresContent
from meetings.documents.paper import (
    Bars,
    Block,
    Cell,
    CellLine,
    Column,
    Group,
    Heading,
    Paper,
    PaperNote,
    PaperTable,
    Speaker,
)

_WIDTH: Final = 24
#: What is said of a figure that is not told.
NOT_TOLD: Final = N_("not told")
#: What is said of a table with none that is.
TOO_FEW: Final = N_(
    "Not told: too few people count so far. It takes at least %(few)s of one organization, or %(more)s of several."
)


def measures(words: Speaker, content: MeasuresContent) -> Paper:
    """The measures, with what a reader has to know first."""
    heading = words.say(N_("How the program is carried out"))
    blocks: list[Block] = [
        words.note(
            N_(
                "People count in whole groups of %(smallest)s, in the order in which they entered: no figure, and no "
                "difference of two of them, is of fewer. What would be is not told."
            ),
            smallest=content.smallest,
        )
    ]
    for table in content.tables:
        blocks += [Heading(words.of(table.title)), *_table(words, table, content.smallest)]
    period = words.of(content.said_period)
    facts = [(words.say(N_("Quarter")), period), (words.say(N_("As on record on")), words.day(content.on))]
    title = f"{heading} – {period}"
    return words.paper(title, content.program, heading, words.of(content.committee), facts, blocks)


def _table(words: Speaker, table: FigureTable, few: int) -> list[Block]:
    if table.says_nothing:
        return [words.note(TOO_FEW, "quiet", few=few, more=2 * few)]
    columns = (
        Column(words.of(table.of)),
        *(Column(words.of(column), _WIDTH, figures=True) for column in table.columns),
    )
    note = [PaperNote(words.of(table.note), "quiet", keeps=True)] if table.note else []
    rows = tuple(_row(words, row) for row in table.rows)
    return [*note, PaperTable(columns, (Group("", rows),)), *_bars(words, table)]


def _row(words: Speaker, row: FigureRow) -> tuple[Cell, ...]:
    name = CellLine(words.of(row.name), "strong" if row.is_total else "plain")
    return ((name,), *((_figure(words, figure),) for figure in row.figures))


def _bars(words: Speaker, table: FigureTable) -> list[Bars]:
    lasts = [(words.of(row.name), row.figures[-1]) for row in table.rows if table.drawn]
    bars = tuple((name, figure) for name, figure in lasts if figure is not None)
    return [Bars(words.of(table.title), bars)] if bars else []


def _figure(words: Speaker, figure: int | None) -> CellLine:
    return words.line(NOT_TOLD, "quiet") if figure is None else CellLine(str(figure))
