"""Looks for words in bytes however they are wrapped: base64, quoted-printable, gzip, zip, pickles, hexadecimal, PDF."""

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

from pypdf import PdfReader

#: Wrapped in so many layers at most.
DEPTH = 3

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")


def found(words: Iterable[str], data: bytes | str) -> set[str]:
    """Those of the words that stand in the data, in whatever case, accents and wrapping."""
    wanted = {word: _folded(word) for word in words}
    there: set[str] = set()
    for text in _texts(data.encode() if isinstance(data, str) else data, DEPTH):
        folded = _folded(text)
        there |= {word for word, letters in wanted.items() if letters in folded}
    return there


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
    with suppress(OSError, ValueError, zlib.error, zipfile.BadZipFile):
        yield from _unpacked(data)


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


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())
