"""Photographs given as proof: upright, and without the metadata of a camera or a telephone.

A picture is read and written anew, so that place, time, owner and comments stay behind, and so does whatever follows
its end. Metadata also says how the camera was held: the picture is turned before that is lost.
"""

from __future__ import annotations

import io
from threading import Lock
from typing import TYPE_CHECKING, Final, Required, TypedDict

if TYPE_CHECKING:
    from PIL import Image

_PNG_BEGINS: Final = b"\x89PNG\r\n\x1a\n"
_JPEG_BEGINS: Final = b"\xff\xd8\xff"

#: What a telephone takes in the ten megabytes that are kept has fewer. A few bytes may claim to be a picture of a
#: thousand times that, which fills the memory of the machine that opens it.
MOST_POINTS: Final = 80_000_000

#: The metadata that says how a picture's points are meant.
_MEANT: Final = frozenset({"icc_profile", "transparency", "gamma"})

#: The library has all these ways to say that a picture is cut off, or damaged.
DAMAGED: Final = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, AttributeError)

# A large picture takes half a gigabyte while it is turned: one at a time in each process.
_one_at_a_time = Lock()


class Broken(ValueError):
    """This is no whole picture: it is cut off, or damaged."""


class Blank(ValueError):
    """Every point of this picture has one colour: nothing can be seen on it."""


class Enormous(Broken):
    """This picture, or a document's pictures together, claim more than `most` points."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most


def bare(content: bytes, *, upright: bool = True, shows: bool = False) -> bytes:
    """A PNG or a JPEG without metadata; anything else as it is. Raises Broken, or Enormous.

    It is `upright` as the photographer saw it; else it lies as it was stored, which a document around it may count on.
    Of a moving picture the first frame is kept. Where it has to show something (`shows`), raises Blank too.
    """
    if not content.startswith((_PNG_BEGINS, _JPEG_BEGINS)):
        return content
    # Read where something was given: it is six megabytes of every process otherwise.
    from PIL import Image, ImageOps  # noqa: PLC0415

    with _one_at_a_time:
        try:
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
                _refuse_enormous(picture)
                how = _as_it_was(picture)
                picture.load()
                if shows and _is_blank(picture):
                    raise Blank
                # Taken before it is turned, which forgets what stood beside it.
                beside = {name: picture.info[name] for name in _MEANT & picture.info.keys()}
                turned = ImageOps.exif_transpose(picture) if upright else picture
                return _written(turned, beside, how)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise Enormous(MOST_POINTS) from None
        except (Broken, Blank):
            raise
        except DAMAGED:
            raise Broken from None


def opened(content: bytes) -> Image.Image:
    """A PNG or a JPEG, opened and not yet read. Raises Enormous, or one of the ways to say that it is damaged."""
    from PIL import Image  # noqa: PLC0415  # as in `bare`

    try:
        return Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Enormous(MOST_POINTS) from None


def points(content: bytes) -> int:
    """How many points a PNG or a JPEG claims; 0 for anything else, and for what cannot be read."""
    if not content.startswith((_PNG_BEGINS, _JPEG_BEGINS)):
        return 0
    try:
        with opened(content) as picture:
            return picture.width * picture.height
    except Enormous:
        return MOST_POINTS + 1
    except DAMAGED:
        return 0


def _refuse_enormous(picture: Image.Image) -> None:
    if picture.width * picture.height > MOST_POINTS:
        raise Enormous(MOST_POINTS)


def _is_blank(picture: Image.Image) -> bool:
    """Whether no point of a picture differs from another, in any of its colours."""
    found = picture.getextrema()
    bands = [found] if picture.getbands() and not isinstance(found[0], tuple) else found
    return all(least == most for least, most in bands)  # type: ignore[misc]  # a pair for each of its colours


class _Writing(TypedDict, total=False):
    """How a picture is written, as the library takes it."""

    format: Required[str]
    qtables: object
    subsampling: int
    progressive: bool
    icc_profile: object


def _as_it_was(picture: Image.Image) -> _Writing:
    """How a picture was written, so that writing it anew changes as little of it as possible."""
    if picture.format == "PNG":
        return {"format": "PNG"}
    from PIL import JpegImagePlugin  # noqa: PLC0415  # as in `bare`

    assert isinstance(picture, JpegImagePlugin.JpegImageFile)  # noqa: S101 - only these two formats are opened
    return {
        "format": "JPEG",
        "qtables": picture.quantization,
        "subsampling": JpegImagePlugin.get_sampling(picture),
        "progressive": bool(picture.info.get("progressive")),
    }


def _written(picture: Image.Image, beside: dict[str, object], how: _Writing) -> bytes:
    picture.info.clear()
    picture.info.update(beside)
    file = io.BytesIO()
    if "icc_profile" in beside:
        how["icc_profile"] = beside["icc_profile"]
    picture.save(file, **how)
    return file.getvalue()
