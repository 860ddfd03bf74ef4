"""The texts of a PDF: on its pages, and beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject, IndirectObject, StreamObject


def words_of(part: bytes) -> Iterator[str]:
    """Every text of a PDF: of each page, and whatever stands beside the pages. Raises one of many errors if damaged."""
    reader = PdfReader(BytesIO(part), strict=False)
    for page in reader.pages:
        yield page.extract_text()
    yield from _strings(reader.trailer)


def _strings(root: Any) -> Iterator[str]:
    """Every string of a PDF that is not painted: properties, outlines, other texts, links, and what XMP says."""
    waiting, seen = [root], set[tuple[int, int]]()
    while waiting:
        found = waiting.pop()
        if isinstance(found, IndirectObject):
            if (found.idnum, found.generation) not in seen:
                seen.add((found.idnum, found.generation))
                waiting.append(found.get_object())
        elif isinstance(found, DictionaryObject):
            yield from _metadata(found)
            waiting += map(found.raw_get, found)
        elif isinstance(found, ArrayObject):
            waiting += list(found)
        elif isinstance(found, ByteStringObject):
            yield bytes(found).decode("latin-1")
        elif isinstance(found, str):
            yield str(found)


def _metadata(found: DictionaryObject) -> Iterator[str]:
    """What XMP says, with its marks and without them, where this is such a part."""
    if isinstance(found, StreamObject) and found.get("/Type") == "/Metadata":
        text = found.get_data().decode("utf-8")
        yield unescape(text)
        yield unescape(re.sub(r"<[^>]*>", " ", text))
