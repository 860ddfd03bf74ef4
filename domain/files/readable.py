"""Whether a file given as proof can be read: not locked, not damaged, and not empty.

Its contents are not judged here. A file that opens without a password is not locked, whatever else it forbids.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pypdf import PageObject

Why = Literal["", "locked", "damaged", "empty"]

#: How a file of an office begins that a password locks, and the part in which its content then stands.
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED_IN: Final = "EncryptedPackage".encode("utf-16-le")
#: The mark of the parts of an open document that a password locks, and where it stands.
_MANIFEST, _LOCKED_PART = "META-INF/manifest.xml", b"encryption-data"
#: The bit of a part of an archive that a password locks.
_LOCKED_BIT: Final = 0x1
#: The signs that a part of a package holds words or figures, pictures, or drawings.
_HOLDS: Final = re.compile(rb"<(?:\w+:)?(?:drawing|pict|object|image|chart)\b|<(?:\w+:)?[tv]\b[^<>]*+>\s*[^<\s]")
#: In the open format words stand in paragraphs of their own.
_WORDS: Final = re.compile(rb"<text:(?:p|h|span)\b[^<>]*+>\s*[^<\s]")
#: A text of fewer characters, as far as they can be seen, is no document; nor is one of dots and dashes alone.
LEAST_SEEN: Final = 4
#: What paints on a page of a PDF besides words: a line, a surface, a picture, or a form that holds some.
_PAINTS: Final = re.compile(rb"(?<![\w/.])(?:Do|sh|EI|[fFBbSs]|[fBb]\*)(?!\S)")
#: A page that is described at more length than this holds something.
_LONG_PAGE: Final = 1024 * 1024
#: How much of one part is read, so that a small file does not fill the machine.
_MOST_READ: Final = 32 * 1024 * 1024


def is_locked_office(content: bytes) -> bool:
    """Whether an Office document is locked by a password, so that its bytes are not those of its kind."""
    return content.startswith(_COMPOUND) and _LOCKED_IN in content


def why_unreadable(ending: str, content: bytes) -> Why:
    """Why a file with this ending, whose bytes are of its kind, cannot be read; "" where it can."""
    if ending == ".pdf":
        return _of_pdf(content)
    if ending in (".docx", ".xlsx", ".odt"):
        return _of_package(ending, content)
    if ending == ".txt":
        seen = [one for one in content.decode("utf-8") if one.isprintable() and not one.isspace()]
        return "" if len(seen) >= LEAST_SEEN and any(map(str.isalnum, seen)) else "empty"
    return ""


def _of_pdf(content: bytes) -> Why:
    # Read where something was given: what reads PDFs is fourteen megabytes of every process otherwise.
    from pypdf import PasswordType, PdfReader  # noqa: PLC0415

    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            return "locked"
        return "" if any(_shows_something(page) for page in reader.pages) else "empty"
    except Exception:  # noqa: BLE001 - damaged in one of a hundred ways, or locked in one that is not known
        return "damaged"


def _shows_something(page: PageObject) -> bool:
    """Whether a page shows words, lines or pictures, or has a field or a note: a blank sheet tells nothing."""
    if page.get("/Annots"):
        return True
    contents = page.get_contents()
    described = b"" if contents is None else contents.get_data()
    if len(described) > _LONG_PAGE or _PAINTS.search(described):
        return True
    return bool(described) and bool(page.extract_text().strip())


def _of_package(ending: str, content: bytes) -> Why:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if _is_locked(package):
                return "locked"
            telling = [name for name in package.namelist() if _TELLING[ending].fullmatch(name)]
            return "" if any(_holds_something(_part(package, name)) for name in telling) else "empty"
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, RuntimeError, zlib.error):
        return "damaged"


def _is_locked(package: zipfile.ZipFile) -> bool:
    if any(entry.flag_bits & _LOCKED_BIT for entry in package.infolist()):
        return True
    return _MANIFEST in package.namelist() and _LOCKED_PART in _part(package, _MANIFEST)


#: The parts of a package in which what it tells stands.
_TELLING: Final = {
    ".docx": re.compile(r"word/(?:document|header\d*|footer\d*)\.xml"),
    ".xlsx": re.compile(r"xl/(?:worksheets/\w+|drawings/\w+|charts/\w+)\.xml"),
    ".odt": re.compile(r"content\.xml"),
}


def _part(package: zipfile.ZipFile, name: str) -> bytes:
    with package.open(name) as part:
        return part.read(_MOST_READ)


def _holds_something(part: bytes) -> bool:
    return _HOLDS.search(part) is not None or _WORDS.search(part) is not None
