"""Looks for words in bytes however they are wrapped: base64, quoted-printable, gzip, zip, pickles, hexadecimal, PDF.

`found` takes apart what is whole: a letter, a document, an answer. `found_anywhere` searches what has neither beginning
nor end, such as the files of a database: each wrapping where it happens to lie.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import pickletools
import quopri
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache

from pypdf import PdfReader
from pypdf.errors import PyPdfError

#: Wrapped in so many layers at most.
DEPTH = 3

#: What packed data begins with: gzip, and zlib at each of its levels.
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
#: Of what is unpacked, so much is looked at.
_LARGEST = 1 << 24

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")


def found(words: Iterable[str], data: bytes | str) -> set[str]:
    """Those of the words that stand in the data, in whatever case, accents and wrapping."""
    wanted = {word: _folded_word(word) for word in words}
    there: set[str] = set()
    for text in _texts(data.encode() if isinstance(data, str) else data, DEPTH):
        folded = _folded(text)
        there |= {word for word, letters in wanted.items() if letters in folded}
    return there


def found_anywhere(words: Iterable[str], data: bytes) -> set[str]:
    """Those of the words that lie anywhere in the data, plain or wrapped, whatever lies around them.

    A word is ASCII, of eight letters or more. Every part that begins as gzip or zlib does is unpacked.
    """
    left, there = set(words), set[str]()
    for part in _packed_parts(data, DEPTH):
        there |= {word for word in left if any(shape in part for shape in _shapes(word))}
        left -= there
    return there


def _packed_parts(data: bytes, depth: int) -> Iterator[bytes]:
    yield data
    if depth == 0:
        return
    for sign in _PACKED.finditer(data):
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)  # either kind, by its sign
        with suppress(zlib.error):
            inner = unpacking.decompress(data[sign.start() :], _LARGEST)
            if inner:
                yield from _packed_parts(inner, depth - 1)


@cache
def _shapes(word: str) -> frozenset[bytes]:
    """The bytes that a word leaves: in each case and encoding, and within base64, where it begins at one of three."""
    found_as: set[bytes] = set()
    for text in (word, word.lower(), word.upper(), word.capitalize()):
        plain = text.encode("ascii")
        found_as |= {plain, text.encode("utf-16-le"), plain.hex().encode(), plain.hex().upper().encode()}
        for before in range(3):
            coded = base64.b64encode(bytes(before) + plain)
            # Of the first and the last group some bits are those of what stands beside the word.
            found_as.add(coded[(0, 2, 3)[before] : len(coded) - (0, 3, 2)[(before + len(plain)) % 3]])
    return frozenset(found_as)


def _texts(data: bytes, depth: int) -> Iterator[str]:
    yield data.decode("utf-8", errors="replace")
    yield data.decode("latin-1")
    if depth == 0:
        return
    for inner in _inside(data):
        if inner and inner != data:
            yield from _texts(inner, depth - 1)


def _inside(data: bytes) -> Iterator[bytes]:
    """What the bytes hold, unwrapped by each way that they may be wrapped in."""
    with suppress(OSError, ValueError, zlib.error, zipfile.BadZipFile, PyPdfError):
        yield from _unpacked(data)
    if data[:5] == b"%PDF-" or data[:4] == b"PK\x03\x04":
        return  # a document, whole: what reads as base64 between its parts is none
    if b"=" in data:
        yield quopri.decodestring(data)
    whole = re.sub(rb"\r?\n(?=[A-Za-z0-9+/=])", b"", data)
    for text in {data, whole}:
        for match in _BASE64.finditer(text):
            with_ends = match[0].replace(b"-", b"+").replace(b"_", b"/")
            try:
                yield base64.b64decode(with_ends + b"=" * (-len(with_ends) % 4))
            except (binascii.Error, ValueError):
                continue
    for match in _HEX.finditer(data):
        yield bytes.fromhex(match[0].decode("ascii"))


def _unpacked(data: bytes) -> Iterator[bytes]:
    """What a file of one of the kinds that begin with a sign of their own holds."""
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    elif data[:1] == b"\x78":
        yield zlib.decompress(data)
    elif data[:1] == b"\x80":
        yield "\n".join(str(argument) for _, argument, _ in pickletools.genops(data)).encode()
    elif data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            for member in package.infolist():
                text = package.read(member)
                yield member.filename.encode()
                yield text
                yield re.sub(rb"<[^>]*>", b"", text)  # a word that is cut into runs
    elif data[:5] == b"%PDF-":
        reader = PdfReader(io.BytesIO(data))
        yield "\n".join(page.extract_text() for page in reader.pages).encode()
        yield str(reader.metadata).encode()


#: What is no letter and no digit; accents too, once a letter is taken apart.
_NO_LETTER = re.compile(r"[\W_]+")


def _folded(text: str) -> str:
    folded = text.casefold()
    return _NO_LETTER.sub("", folded if folded.isascii() else unicodedata.normalize("NFKD", folded))


_folded_word = cache(_folded)
