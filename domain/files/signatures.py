"""A signature that was drawn on a screen: cut to its ink, on white, and nothing else of the picture kept."""

from __future__ import annotations

import io
from threading import Lock
from typing import Final

from domain.files.images import Blank, Broken

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
    # Read where something was given: as in `images`.
    from PIL import Image, ImageOps  # noqa: PLC0415

    with _one_at_a_time:
        try:
            with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
                if picture.width * picture.height > MOST_POINTS:
                    raise Broken
                seen = picture.convert("RGBA")
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, AttributeError):
            # The library has all these ways to say that a picture is cut off, or damaged.
            raise Broken from None
        paper = Image.new("RGBA", seen.size, "white")
        grey = Image.alpha_composite(paper, seen).convert("L")
        ink = grey.point(lambda light: 255 if light < _INK else 0)
        box = ink.getbbox()
        if box is None or box[2] - box[0] < LEAST_WIDTH or ink.histogram()[255] < LEAST_INK:
            raise Blank
        kept = ImageOps.expand(grey.crop(box), border=_MARGIN, fill=255)
        kept.thumbnail((_WIDEST, _WIDEST))
        file = io.BytesIO()
        kept.save(file, format="PNG", optimize=True)
        return file.getvalue()
