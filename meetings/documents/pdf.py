"""Prints a document as PDF: tagged (PDF/UA-1), US Letter, in the fonts that come with Typst (Libertinus Serif).

Nothing in the file says who made it or when, and the same content gives the same bytes.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import typst

from meetings.documents.content import Content
from meetings.documents.layout import laid_out
from meetings.documents.paper import Paper

_TEMPLATE: Final = Path(__file__).with_name("paper.typ")
_LETTER: Final = Path(__file__).with_name("letter.typ")
_MISSING: Final = "\N{WHITE SQUARE}"
#: A compiler keeps the arguments of its last run, so two threads may not share one at a time.
_ONE_AT_A_TIME: Final = threading.Lock()


def as_pdf(content: Content, language: str) -> bytes:
    """`content` in "fr" or "en" as a PDF. A letter that no font has is printed as an empty square.

    Raises Refusal where a text is missing in that language.
    """
    return _printed(laid_out(content, language), "pdf")[0]


def as_pictures(content: Content, language: str, *, dots_per_inch: int = 96) -> list[bytes]:
    """The pages of the same document as PNG."""
    return _printed(laid_out(content, language), "png", ppi=float(dots_per_inch))


def _printed(paper: Paper, form: Literal["pdf", "png"], ppi: float | None = None) -> list[bytes]:
    data = json.dumps(_as_data(paper), ensure_ascii=False)
    data = "".join(letter if _is_printable(letter) else _MISSING for letter in data)
    with _ONE_AT_A_TIME:
        made = _compiler(_TEMPLATE).compile(
            format=form, ppi=ppi, sys_inputs={"data": data}, pdf_standards=["ua-1"] if form == "pdf" else []
        )
    pages = made if isinstance(made, list) else [made]
    return [page for page in pages if page is not None]


def _as_data(paper: Paper) -> dict[str, Any]:
    data = asdict(paper)
    for block, written in zip(paper.blocks, data["blocks"], strict=True):
        written["kind"] = type(block).__name__.lower()
    return data


@cache
def _compiler(template: Path) -> typst.Compiler:
    return typst.Compiler(str(template), ignore_system_fonts=True)


@cache
def _is_printable(letter: str) -> bool:
    """Whether Typst's fonts have `letter`: PDF/UA refuses a document with one that they do not."""
    if letter.isascii():
        return True
    with _ONE_AT_A_TIME:
        try:
            _compiler(_LETTER).compile(format="pdf", sys_inputs={"letter": letter}, pdf_standards=["ua-1"])
        except typst.TypstError:
            return False
    return True
