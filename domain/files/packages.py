"""Office documents given as proof (DOCX, XLSX, ODT), without the metadata of the program that made them.

Left out are who made and changed a document, when, with what and for which company, its thumbnail, where a photograph
in it was taken, and the names at comments and marked changes. The words stay, those of comments and deletions too. What
is signed, locked, damaged or very large is left as it is: written anew, a signature would say that the document had
been changed.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from typing import Final

from domain.files import images

_BEGINS: Final = b"PK\x03\x04"
#: What unpacks to more would take its sender longer than they wait.
LARGEST_UNPACKED: Final = 64 * 1024 * 1024
#: How the parts of an office's document are packed. By another way, some hundred bytes unpack to a gigabyte at one go.
WAYS_TO_PACK: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
#: A part in which a signature stands, and the mark of parts that a password locks.
_SIGNED: Final = ("_xmlsignatures/", "META-INF/documentsignatures.xml")
_LOCKED: Final = b"encryption-data"
_MANIFEST: Final = "META-INF/manifest.xml"
#: The day of every part: packages know none before it.
_NO_DAY: Final = (1980, 1, 1, 0, 0, 0)

_XML: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_OPEN: Final = b"http://schemas.openxmlformats.org/"
#: The parts that say of the document itself, as they are when they say nothing.
_EMPTY: Final[Mapping[str, bytes]] = {
    "docProps/core.xml": _XML
    + b'<cp:coreProperties xmlns:cp="'
    + _OPEN
    + b'package/2006/metadata/core-properties"></cp:coreProperties>',
    "docProps/app.xml": _XML
    + b'<Properties xmlns="'
    + _OPEN
    + b'officeDocument/2006/extended-properties"></Properties>',
    "docProps/custom.xml": _XML
    + b'<Properties xmlns="'
    + _OPEN
    + b'officeDocument/2006/custom-properties"></Properties>',
    "meta.xml": _XML
    + b'<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" office:version="1.2">'
    b"<office:meta></office:meta></office:document-meta>",
}
#: The picture in small that an editor keeps of the first page, perhaps of an earlier draft; and what leads to it.
_IN_SMALL: Final = re.compile(r"(docProps/thumbnail\.\w+|Thumbnails/.*)")
_LEADS: Final = re.compile(rb"<(?:Relationship|manifest:file-entry)\b[^<>]*+>")
#: A tag that may say who wrote a comment or changed a word, when, or in which folder a file was kept: these are sought
#: within tags, never within words. Nothing here or above is tried twice, so that a tag without an end costs no minutes.
_TELLS: Final = re.compile(rb"<(?>[^<>]*?(?:author|initials|displayName|userId|date|absPath))[^<>]*+>")
_WHO: Final = re.compile(rb"""(\s(?:\w+:)?(?:author|initials)=)("[^"]*"|'[^']*')""")
#: In a workbook those who comment are listed in parts of their own; elsewhere the same words name other things.
_LISTED: Final = re.compile(rb"""(\s(?:displayName|userId)=)("[^"]*"|'[^']*')""")
_WHEN: Final = re.compile(rb"""\s(?:w|w16du):(?:date|dateUtc)=("[^"]*"|'[^']*')""")
_WHERE: Final = re.compile(rb"""(<x15ac:absPath\b[^<>]*\surl=)("[^"]*"|'[^']*')""")
#: The same as words of their own, beside those of the document.
_NAMED: Final = re.compile(rb"<(dc:creator|meta:creator-initials|author)>[^<]*</\1>")
#: In the open format a change has its moment, or is none.
_MOMENT: Final = re.compile(rb"<dc:date>[^<]*</dc:date>")
_NO_MOMENT: Final = b"<dc:date>1980-01-01T00:00:00</dc:date>"

_IN_WORDS: Final = (".xml", ".rels")
#: How many points the pictures of one document may have in all: each is read and written anew.
MOST_POINTS: Final = 2 * images.MOST_POINTS


def bare(content: bytes) -> bytes:
    """An Office document without metadata; anything else, and what cannot be written anew, as it is.

    Raises `images.Enormous` where its pictures have more points in all than are read.
    """
    if not content.startswith(_BEGINS):
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return _bare(package) if _can_be_written_anew(package) else content
    except images.Enormous:
        raise
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, RuntimeError, zlib.error):
        return content


def _can_be_written_anew(package: zipfile.ZipFile) -> bool:
    names = package.namelist()
    if any(name.startswith(_SIGNED) for name in names) or len(set(names)) != len(names):
        return False
    parts = package.infolist()
    if sum(part.file_size for part in parts) > LARGEST_UNPACKED or not {p.compress_type for p in parts} <= WAYS_TO_PACK:
        return False
    return _MANIFEST not in names or _LOCKED not in _read(package, package.getinfo(_MANIFEST))


def _read(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """A part, up to its declared size: `package.read` would first unpack one that lies, up to two gigabytes."""
    with package.open(part) as opened:
        return opened.read(part.file_size + 1)


def _bare(package: zipfile.ZipFile) -> bytes:
    """The package with the same parts in the same order, which one of them is told by."""
    written, left = io.BytesIO(), MOST_POINTS
    with zipfile.ZipFile(written, "w") as anew:
        for part in package.infolist():
            if _IN_SMALL.fullmatch(part.filename):
                continue
            kept = zipfile.ZipInfo(part.filename, _NO_DAY)
            kept.compress_type = part.compress_type
            kept.external_attr = part.external_attr
            given = _read(package, part)
            if not part.filename.endswith(_IN_WORDS):
                left -= images.points(given)
            if left < 0:
                raise images.Enormous(MOST_POINTS)
            anew.writestr(kept, _part(part.filename, given))
    return written.getvalue()


def _part(name: str, content: bytes) -> bytes:
    if name in _EMPTY:
        return _EMPTY[name]
    if not name.endswith(_IN_WORDS):
        try:
            # As it lies: the document says itself how each of its pictures is turned.
            return images.bare(content, upright=False)
        except images.Enormous:
            raise
        except images.Broken:
            return content  # a picture that its own document may not need
    content = _LEADS.sub(lambda tag: b"" if b"humbnail" in tag[0] and tag[0].endswith(b"/>") else tag[0], content)
    content = _MOMENT.sub(_NO_MOMENT, _NAMED.sub(rb"<\1></\1>", content))
    who = (_WHO, _LISTED) if name.startswith("xl/persons/") else (_WHO,)
    return _TELLS.sub(lambda tag: _without(tag[0], who), content)


def _without(tag: bytes, who: tuple[re.Pattern[bytes], ...]) -> bytes:
    """A tag without the names of people, moments and folders."""
    for names in (*who, _WHERE):
        tag = names.sub(rb'\1""', tag)
    return _WHEN.sub(b"", tag)
