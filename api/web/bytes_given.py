"""The bytes of a document as JSON brings them."""

from __future__ import annotations

import base64
import binascii

from domain.kernel import Refusal
from locales import N_


def bytes_of(content: str) -> bytes:
    """What stands in base64. Raises Refusal."""
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("document.malformed", N_("The bytes of a document come in base64.")) from None
