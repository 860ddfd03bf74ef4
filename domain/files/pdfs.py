"""PDFs given as proof, without the metadata of the program that made them: author, dates, earlier drafts.

The pages are not touched. What is signed, locked or damaged is left as it is: written anew, a signature would say that
the document had been changed, and a damaged one might lose pages.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

_BEGINS: Final = b"%PDF-"
#: Stands in each signature, in words that no compression hides: it names the bytes that are signed.
_SIGNED: Final = b"/ByteRange"
#: Metadata beside the document, a page or a picture: XMP, an editor's own data, and dates.
_BESIDE: Final = ("/Metadata", "/PieceInfo", "/LastModified")
#: A larger one would take its sender longer than they wait: some ten thousand parts are read in a second.
MOST_PARTS: Final = 20_000


def bare(content: bytes) -> bytes:
    """A PDF without metadata; anything else, and one that cannot be written anew, as it is."""
    if not content.startswith(_BEGINS) or _SIGNED in content:
        return content
    try:
        return _bare(PdfReader(BytesIO(content))) or content
    except Exception:  # noqa: BLE001 - damaged in one of a hundred ways; it is kept as it was given
        return content


def _bare(reader: PdfReader) -> bytes | None:
    """The document with its pages and what belongs to them; None where it is locked or has too many parts."""
    parts = sum(len(table) for table in reader.xref.values()) + len(reader.xref_objStm)
    if reader.is_encrypted or parts > MOST_PARTS:
        return None
    _leave_out(reader.root_object)
    # Only what is reached from the root is taken over: no earlier draft, which an editor leaves in front of a later.
    writer = PdfWriter(clone_from=reader)
    writer.metadata = None
    written = BytesIO()
    writer.write(written)
    return written.getvalue()


def _leave_out(root: DictionaryObject) -> None:
    """Remove the metadata of anything that is reached from the root."""
    waiting: list[Any] = [root]
    seen = set[int]()
    while waiting:
        found = waiting.pop()
        if isinstance(found, IndirectObject):
            if found.idnum not in seen:
                seen.add(found.idnum)
                waiting.append(found.get_object())
        elif isinstance(found, DictionaryObject):
            for name in _BESIDE:
                found.pop(name, None)
            waiting += [found.raw_get(key) for key in found]
        elif isinstance(found, ArrayObject):
            waiting += list(found)
