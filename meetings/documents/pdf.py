"""Prints a document as PDF: tagged (PDF/UA-1), US Letter, in the fonts that come with Typst (Libertinus Serif).

Nothing in the file says who made it or when, and the same content gives the same bytes.
"""

from __future__ import annotations

import json
import threading
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import typst

from meetings.documents.layout import laid_out
from meetings.documents.paper import Bars, Block, Decided, Heading, Paper, PaperNote, PaperTable, Picture, Signing
from meetings.documents.person_paper import PersonPaper
from meetings.documents.statement import Printed

_TEMPLATE: Final = Path(__file__).with_name("paper.typ")
_LETTER: Final = Path(__file__).with_name("letter.typ")
_MISSING: Final = "\N{WHITE SQUARE}"
_BEYOND_LATIN: Final = "\u0250"
_MARKS: Final = "‘’“”–—…·•€"
#: A compiler keeps the arguments of its last run, so two threads may not share one at a time.
_ONE_AT_A_TIME: Final = threading.Lock()


def as_pdf(content: Printed | Paper | PersonPaper, language: str) -> bytes:
    """`content` in "fr" or "en", or a paper in any language, as a PDF.

    A letter that no font has is printed as an empty square. Raises Refusal where a text is missing in that language.
    """
    paper = _as_data(content if isinstance(content, Paper) else laid_out(content, language))
    try:
        return _printed(_with_texts(paper, _printable))
    except typst.TypstError:  # letters that print alone, and not beside each other
        return _printed(_with_texts(paper, _latin))


def not_printed(paper: Paper) -> list[str]:
    """The letters of a paper that its PDF would have as a square, or without their marks; none where it is whole."""
    data = _as_data(paper)
    found: dict[str, None] = {}

    def note(text: str) -> str:
        found.update(dict.fromkeys(one for one in _clusters(text) if _nearest(one) != one))
        return text

    def note_together(text: str) -> str:
        found.update(dict.fromkeys(one for one in text if _latin(one) != one))
        return text

    _with_texts(data, note)
    if not found:
        try:
            _printed(data)
        except typst.TypstError:  # letters that print alone, and not beside each other
            _with_texts(data, note_together)
    return list(found)


def _as_data(paper: Paper) -> dict[str, Any]:
    data = asdict(paper)
    for block, written in zip(paper.blocks, data["blocks"], strict=True):
        written["kind"] = _KINDS[type(block)]
    return data


#: How the template calls each kind of block.
_KINDS: Final[Mapping[type[Block], str]] = {
    Heading: "heading",
    PaperNote: "note",
    PaperTable: "table",
    Bars: "bars",
    Decided: "decided",
    Signing: "signing",
    Picture: "picture",
}


def _with_texts(part: Any, change: Callable[[str], str]) -> Any:
    """`part` of JSON with each of its texts changed."""
    if isinstance(part, str):
        return change(part)
    if isinstance(part, dict):
        return {key: _with_texts(value, change) for key, value in part.items()}
    return [_with_texts(value, change) for value in part] if isinstance(part, list | tuple) else part


def _printable(text: str) -> str:
    return text if text.isascii() and text.isprintable() else "".join(map(_nearest, _clusters(text)))


def _clusters(text: str) -> list[str]:
    """Each letter with its marks."""
    clusters: list[str] = []
    for letter in text:
        if not unicodedata.category(letter).startswith("M"):
            clusters.append(letter)
        elif clusters:  # a mark with no letter under it is left out
            clusters[-1] += letter
    return clusters


@lru_cache(maxsize=4096)  # people type them
def _nearest(cluster: str) -> str:
    """A letter with its marks, as far as the fonts have them: PDF/UA refuses a document with what they do not."""
    return next((tried for tried in (cluster, cluster[0]) if _has_glyphs(tried)), _MISSING)


def _has_glyphs(cluster: str) -> bool:
    if cluster.isascii():
        return _is_text(cluster)
    try:
        with _ONE_AT_A_TIME:
            _compiled(_LETTER, {"letter": cluster})
    except typst.TypstError:
        return False
    return True


def _is_text(letter: str) -> bool:
    return letter.isprintable() or letter in "\t\n\r"


def _latin(text: str) -> str:
    return "".join(
        letter if (letter < _BEYOND_LATIN or letter in _MARKS) and _is_text(letter) else _MISSING for letter in text
    )


def _printed(paper: Any) -> bytes:
    with _ONE_AT_A_TIME:
        return _compiled(_TEMPLATE, {"data": json.dumps(paper)})


def _compiled(template: Path, inputs: dict[str, str]) -> bytes:
    made = _compiler(template).compile(format="pdf", sys_inputs=inputs, pdf_standards=["ua-1"])
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one file")
    return made


@cache
def _compiler(template: Path) -> typst.Compiler:
    return typst.Compiler(str(template), ignore_system_fonts=True)
