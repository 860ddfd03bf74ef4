"""The files of an export: its rows, its codebook, a data dictionary that REDCap reads, and all of it as a workbook.

The same rows and the same codebook make the same bytes. The codebook is kept with the export as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from domain.files import XLSX, Sheet, spreadsheets
from domain.research.fields import FIELDS, OF_PROGRAM
from domain.research.known import ResearchField, Value
from locales import LANGUAGES, N_, say

FileKind = Literal["data.csv", "codebook.csv", "redcap.csv", "workbook.xlsx"]
FILES: Final[Mapping[FileKind, str]] = {
    "data.csv": spreadsheets.TEXT_CSV,
    "codebook.csv": spreadsheets.TEXT_CSV,
    "redcap.csv": spreadsheets.TEXT_CSV,
    "workbook.xlsx": XLSX,
}

#: The column of the code of a person, in this study alone. REDCap takes the first one as what a record goes by.
CODE: Final = "code"
_LANGUAGES: Final = ("fr", "en")
#: The eighteen columns of a data dictionary, as REDCap names them.
REDCAP: Final = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)

#: A text in each language.
Texts = dict[str, str]
#: A word that a column may be, and what it says. In a list: a row of JSON forgets the order of what is named.
Choice = tuple[str, Texts]


@dataclass(frozen=True)
class Column:
    """One column of the rows, as the codebook tells it in both languages; `choices` are the words that it may be."""

    name: str
    kind: str
    title: Texts
    meaning: Texts
    how: Texts
    source: str
    choices: list[Choice]


@dataclass(frozen=True)
class Codebook:
    """What an export is, in both languages: the study, the rule, and each column."""

    title: Texts
    lines: list[Texts]
    columns: list[Column]


@dataclass(frozen=True)
class ExportRow:
    """One person as an export tells of them: their code, and a value by column."""

    code: str
    values: Mapping[str, Value]


def codebook_of(
    title: Texts, lines: Sequence[Texts], keys: Sequence[str], of_program: Mapping[str, list[Choice]]
) -> Codebook:
    """The codebook of an export of these fields; `of_program` has the words that the program's own file declares."""
    code = Column(
        CODE,
        "text",
        _both(N_("Code")),
        _both(N_("The code of the person in this study. It is another in every other study.")),
        _both(N_("Made by a key of this study, which nobody has outside the program.")),
        "FU-8",
        [],
    )
    fields = [FIELDS[key] for key in keys]
    return Codebook(title, [*lines], [code, *(column for one in fields for column in _columns(one, of_program))])


def _columns(one: ResearchField, of_program: Mapping[str, list[Choice]]) -> Iterator[Column]:
    choices = (
        of_program[one.key] if one.key in OF_PROGRAM else [(word, _both(said)) for word, said in one.words.items()]
    )
    how = _both(one.how, step=one.step)
    for name in one.columns:
        title = _both(one.title)
        if len(one.columns) > 1:
            end = N_("%(field)s: from") if name.endswith("_from") else N_("%(field)s: to")
            title = {language: say(language, end, field=title[language]) for language in _LANGUAGES}
        yield Column(name, one.kind, title, _both(one.meaning), how, one.source, choices)


def _both(msgid: str, **facts: object) -> Texts:
    return {language: say(language, msgid, **facts) for language in _LANGUAGES}


def file_of(kind: FileKind, codebook: Codebook, rows: Sequence[ExportRow], language: str) -> bytes:
    """One of the files of an export in "fr" or "en"."""
    return _MAKERS[kind](codebook, rows, language)


def _data(codebook: Codebook, rows: Sequence[ExportRow], _: str) -> bytes:
    names = [column.name for column in codebook.columns]
    return spreadsheets.as_csv(names, _cells(names, rows))


def _cells(names: Sequence[str], rows: Sequence[ExportRow]) -> list[list[Value]]:
    return [[row.code if name == CODE else row.values.get(name) for name in names] for row in rows]


def _codebook(codebook: Codebook, _: Sequence[ExportRow], language: str) -> bytes:
    return spreadsheets.as_csv(_heads(language), _told(codebook, language))


def _heads(language: str) -> list[str]:
    heads = (N_("Column"), N_("Title"), N_("Meaning"), N_("Type"), N_("Words"), N_("Source"), N_("How it is blurred"))
    return [say(language, head) for head in heads]


def _told(codebook: Codebook, language: str) -> list[list[str]]:
    return [
        [
            column.name,
            column.title[language],
            column.meaning[language],
            say(language, _KINDS[column.kind]),
            "; ".join(f"{word} = {said[language]}" for word, said in column.choices),
            column.source,
            column.how[language],
        ]
        for column in codebook.columns
    ]


_KINDS: Final[Mapping[str, str]] = {
    "text": N_("text"),
    "number": N_("number"),
    "month": N_("month, such as 2026-03"),
    "word": N_("word of a list"),
}


def _redcap(codebook: Codebook, _: Sequence[ExportRow], language: str) -> bytes:
    return spreadsheets.as_csv(REDCAP, (_dictionary_line(column, language) for column in codebook.columns))


def _dictionary_line(column: Column, language: str) -> list[str]:
    """A line of the dictionary: a number is checked as one, a word is chosen, anything else is text."""
    # What separates choices is no part of one.
    choices = " | ".join(f"{word}, {said[language].replace('|', '/')}" for word, said in column.choices)
    told = {
        "Variable / Field Name": column.name,
        "Form Name": "export",
        "Field Type": "radio" if choices else "text",
        "Field Label": column.title[language],
        "Choices, Calculations, OR Slider Labels": choices,
        "Field Note": f"{column.meaning[language]} {column.how[language]}",
        "Text Validation Type OR Show Slider Number": "integer" if column.kind == "number" else "",
        "Required Field?": "y" if column.name == CODE else "",
    }
    return [told.get(name, "") for name in REDCAP]


def _workbook(codebook: Codebook, rows: Sequence[ExportRow], language: str) -> bytes:
    title = codebook.title[language]
    names = [column.name for column in codebook.columns]
    cells = [["" if value is None else value for value in row] for row in _cells(names, rows)]
    lines = [line[language] for line in codebook.lines]
    sheets = (
        Sheet(say(language, N_("Data")), title, lines, names, cells),
        Sheet(say(language, N_("Codebook")), title, lines, _heads(language), _told(codebook, language)),
    )
    return spreadsheets.as_workbook(title, LANGUAGES[language].replace("_", "-"), sheets)


_MAKERS: Final[Mapping[FileKind, Callable[[Codebook, Sequence[ExportRow], str], bytes]]] = {
    "data.csv": _data,
    "codebook.csv": _codebook,
    "redcap.csv": _redcap,
    "workbook.xlsx": _workbook,
}
