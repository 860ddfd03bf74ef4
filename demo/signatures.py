"""A signature as a finger draws it on a screen: that of nobody."""

from __future__ import annotations

import io
from functools import cache

from PIL import Image, ImageDraw

_STROKES = (
    (40, 150, 90, 60, 130, 140, 170, 70, 210, 150),
    (230, 140, 260, 110, 290, 145, 330, 105, 370, 140, 430, 120, 540, 150),
)


@cache
def signature_drawn() -> bytes:
    """The picture of it, as a canvas gives it."""
    picture = Image.new("RGBA", (600, 200), (0, 0, 0, 0))
    for stroke in _STROKES:
        ImageDraw.Draw(picture).line(stroke, fill=(16, 20, 24, 255), width=4)
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()
