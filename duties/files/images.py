"""Photographs given as proof, without what a camera or a telephone wrote beside the picture: place, time, owner.

The picture itself is not touched: parts that are no picture are left out, and so is whatever follows its end.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

_PNG_BEGINS: Final = b"\x89PNG\r\n\x1a\n"
#: Parts of a PNG without which it would look different; texts, times and EXIF are none of them.
_PNG_KEPT: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT bKGD pHYs cICP acTL fcTL fdAT".split(b" ")
)
_JPEG_BEGINS, _JPEG_ENDS, _SCAN = 0xD8, 0xD9, 0xDA
#: The application's parts and comments of a JPEG, of which three say how its colours are meant.
_JPEG_BESIDE: Final = frozenset({*range(0xE0, 0xF0), 0xFE})
_JPEG_KEPT: Final = ((0xE0, b"JFIF\x00"), (0xE2, b"ICC_PROFILE\x00"), (0xEE, b"Adobe"))
#: Where the letters of a scan end: a mark that is neither a filler nor a restart.
_AFTER_SCAN: Final = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")


#: The largest that a telephone takes have 200 million. A few bytes may say that they are a picture of a hundred times
#: that, which fills the memory of whoever opens it.
MOST_POINTS: Final = 300_000_000
#: Where a JPEG says how large it is: eight kinds of frame, and their differential ones.
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


class Broken(ValueError):
    """This is no whole picture: it is cut off, or damaged."""


class Enormous(Broken):
    """This picture says that it has more points than any camera's."""


def bare(content: bytes) -> bytes:
    """A PNG or a JPEG without what stands beside its picture; anything else as it is. Raises Broken, or Enormous."""
    try:
        if content.startswith(_PNG_BEGINS):
            return _bare_png(content)
        if content.startswith(b"\xff\xd8\xff"):
            return _bare_jpeg(content)
    except IndexError:
        raise Broken from None
    return content


def _bare_png(content: bytes) -> bytes:
    kept, at = [_PNG_BEGINS], len(_PNG_BEGINS)
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4])
        kind = content[at + 4 : at + 8]
        if end > len(content) or zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(content[end - 4 : end]):
            raise Broken
        if at == len(_PNG_BEGINS) and kind != b"IHDR":
            raise Broken
        if kind == b"IHDR":
            _refuse_enormous(content[at + 8 : at + 12], content[at + 12 : at + 16])
        if kind in _PNG_KEPT:
            kept.append(content[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    raise Broken


def _bare_jpeg(content: bytes) -> bytes:
    kept, at, seen_scan = [content[:2]], 2, False
    while True:
        if content[at] != 0xFF:  # noqa: PLR2004  # every part begins with it
            raise Broken
        while content[at] == 0xFF:  # noqa: PLR2004  # fillers
            at += 1
        mark = content[at]
        if mark == _JPEG_ENDS:
            if not seen_scan:
                raise Broken
            return b"".join([*kept, b"\xff\xd9"])
        size = content[at + 1] << 8 | content[at + 2]
        end = at + 1 + size
        if size < 2 or end > len(content) or mark == _JPEG_BEGINS:  # noqa: PLR2004  # a size counts itself
            raise Broken
        inside = content[at + 3 : end]
        if mark in _FRAMES:
            _refuse_enormous(inside[1:3], inside[3:5])
        if mark not in _JPEG_BESIDE or any(mark == one and inside.startswith(word) for one, word in _JPEG_KEPT):
            kept.append(b"\xff" + content[at:end])
        if mark == _SCAN:
            found = _AFTER_SCAN.search(content, end)
            if found is None:
                raise Broken
            kept.append(content[end : found.start()])
            end, seen_scan = found.start(), True
        at = end


def _refuse_enormous(height: bytes, width: bytes) -> None:
    if int.from_bytes(height) * int.from_bytes(width) > MOST_POINTS:
        raise Enormous
