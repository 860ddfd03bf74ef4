"""A signature that was drawn on a screen: cut to its ink, on white, and nothing else of the picture kept."""

from __future__ import annotations

import io
from threading import Lock
from typing import Final

from domain.files.images import DAMAGED, Blank, Broken, opened

_PNG_BEGINS: Final = b"\x89PNG\r\n\x1a\n"
#: A screen's canvas has fewer points; a picture of more is no signature that our page drew.
MOST_POINTS: Final = 4_000_000
#: Paper is lighter than this, ink darker. Fewer points of ink, or a narrower stroke, is a touch of the screen.
_INK: Final = 160
LEAST_INK: Final = 60
LEAST_WIDTH: Final = 24
#: As wide as it is kept: enough for paper.
_WIDEST: Final = 600
_MARGIN: Final = 6

_one_at_a_time = Lock()


def drawn(content: bytes) -> bytes:
    """The drawing as a PNG in grey. Raises Blank where next to nothing was drawn, and Broken where it is no PNG."""
    if not content.startswith(_PNG_BEGINS):
        raise Broken
    with _one_at_a_time:
        try:
            with opened(content) as picture:
                if picture.width * picture.height > MOST_POINTS:
                    raise Broken
                seen = picture.convert("RGBA")
        except DAMAGED:
            raise Broken from None
        paper = seen.copy()
        paper.paste("white", (0, 0, *seen.size))
        paper.alpha_composite(seen)
        grey = paper.convert("L")
        ink = grey.point(lambda light: 255 if light < _INK else 0)
        box = ink.getbbox()
        if box is None or box[2] - box[0] < LEAST_WIDTH or ink.histogram()[255] < LEAST_INK:
            raise Blank
        left, top, right, bottom = box
        width, height = grey.size
        around = (
            max(left - _MARGIN, 0),
            max(top - _MARGIN, 0),
            min(right + _MARGIN, width),
            min(bottom + _MARGIN, height),
        )
        kept = grey.crop(around)
        kept.thumbnail((_WIDEST, _WIDEST))
        file = io.BytesIO()
        kept.save(file, format="PNG", optimize=True)
        return file.getvalue()
