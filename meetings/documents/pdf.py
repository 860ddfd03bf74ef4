"""Prints a document as PDF: tagged (PDF/UA-1), US Letter, in the fonts that come with Typst (Libertinus Serif).

Nothing in the file says who made it or when, and the same content gives the same bytes.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

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
    data = json.dumps(_as_data(laid_out(content, language)), ensure_ascii=False)
    data = "".join(letter if _is_printable(letter) else _MISSING for letter in data)
    with _ONE_AT_A_TIME:
        return _compiled(_TEMPLATE, {"data": data})


def _as_data(paper: Paper) -> dict[str, Any]:
    data = asdict(paper)
    for block, written in zip(paper.blocks, data["blocks"], strict=True):
        written["kind"] = type(block).__name__.lower()
    return data


@cache
def _is_printable(letter: str) -> bool:
    """Whether Typst's fonts have `letter`: PDF/UA refuses a document with one that they do not."""
    if letter.isascii():
        return True
    with _ONE_AT_A_TIME:
        try:
            _compiled(_LETTER, {"letter": letter})
        except typst.TypstError:
            return False
    return True


def _compiled(template: Path, inputs: dict[str, str]) -> bytes:
    made = _compiler(template).compile(format="pdf", sys_inputs=inputs, pdf_standards=["ua-1"])
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one file")
    return made


@cache
def _compiler(template: Path) -> typst.Compiler:
    return typst.Compiler(str(template), ignore_system_fonts=True)
