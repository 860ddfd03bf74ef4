"""Files that are no proof: empty, of two bytes, not what their name says, locked by a password; and one that opens."""

from __future__ import annotations

import io
import zipfile
from typing import Final

from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from tests.agreeing import PDF


def locked(password: str) -> bytes:
    """A PDF that opens with a password, or without one where that is empty."""
    writer, written = PdfWriter(clone_from=PdfReader(io.BytesIO(PDF))), io.BytesIO()
    writer.encrypt(password, "celui du bureau", algorithm="RC4-128")
    writer.write(written)
    return written.getvalue()


def package(**parts: bytes) -> bytes:
    """A package of an office with these parts: `word` its words, `content` those of an open document."""
    names = {"word": "word/document.xml", "content": "content.xml", "manifest": "META-INF/manifest.xml"}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(names[name], content)
    return written.getvalue()


def blank_sheet(described: bytes = b"") -> bytes:
    """A PDF of one sheet with nothing on it; an editor describes such a one at some length."""
    writer, written = PdfWriter(), io.BytesIO()
    page = writer.add_blank_page(200, 200)
    if described:
        stream = DecodedStreamObject()
        stream.set_data(described)
        page[NameObject("/Contents")] = writer._add_object(stream)
    writer.write(written)
    return written.getvalue()


def picture(kind: str, size: tuple[int, int], colour: str) -> bytes:
    """A picture of one colour."""
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, kind)
    return written.getvalue()


#: A blank sheet as a word processor prints it: clipped, marked, and with a space for its words.
_PRINTED: Final = b"/P <</MCID 0>> BDC q 0 0 200 200 re W* n BT /F1 11 Tf 1 0 0 1 7 7 Tm 0 g [( )] TJ ET Q EMC"

#: As Word keeps a document behind a password: no package, but a file of compartments.
_COMPOUND: Final = (
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 64
)

LOCKED: Final = {
    "verrou.pdf": locked("un mot"),
    "verrou.docx": _COMPOUND,
    "verrou.xlsx": _COMPOUND,
    "verrou.odt": package(content=b"\x01\x02", manifest=b"<manifest:encryption-data/>"),
    "open.pdf": locked(""),
}

#: A name, its bytes, and the last part of the code by which it is refused.
UNREADABLE: Final = [
    ("bilan.pdf", b"", "empty"),
    ("bilan.txt", b"", "empty"),
    ("bilan.txt", b"ok", "empty"),
    ("bilan.txt", b" \n\t \n", "empty"),
    ("bilan.txt", b"-- .. --", "empty"),
    ("bilan.txt", "\u200b\u200b\u200b\u200b\ufeff".encode(), "empty"),
    ("bilan.txt", b"\x01\x02\x03\x04\x05", "empty"),
    ("bilan.pdf", blank_sheet(), "empty"),
    ("bilan.pdf", blank_sheet(_PRINTED), "empty"),
    ("bilan.png", picture("PNG", (1, 1), "black"), "empty"),
    ("bilan.jpg", picture("JPEG", (600, 800), "white"), "empty"),
    ("bilan.pdf", b"ok", "not_what_it_says"),
    ("bilan.pdf", b"%PDF-1.7\n%%EOF", "damaged"),
    ("bilan.docx", b"PK\x03\x04", "not_what_it_says"),
    ("bilan.docx", PDF, "not_what_it_says"),
    ("bilan.docx", package(word=b"<w:document><w:body><w:p/></w:body></w:document>"), "empty"),
    ("bilan.odt", package(content=b"<office:text><text:p/></office:text>"), "empty"),
    *[(name, content, "locked") for name, content in LOCKED.items() if name.startswith("verrou")],
]
