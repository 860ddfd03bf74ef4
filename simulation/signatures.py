"""A signature on a screen, or the scan of one, as the people of a life sign: strokes that differ from nobody's."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw


def signature() -> bytes:
    """A picture with ink on it, as a canvas gives it, and small: a life signs hundreds of times."""
    picture = Image.new("RGBA", (120, 40), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line([(10, 30), (40, 8), (70, 32), (110, 14)], fill="black", width=3)
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()
