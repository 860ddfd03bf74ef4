"""The word that Prefect's server asks for: made once, in a file that is readable by its owner alone.

Machines of one installation share it, as they share the keys. Of two that make it at once one does, and no one reads
half of it.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from adapters.key_files import put_first, write_beside
from locales import N_
from locales.told import Told

_SHORTEST: Final = 24


class NoWord(Told):
    """The file of the engine's word cannot be used."""


def word_of(file: Path) -> str:
    """The word, made where there is none yet. Raises NoWord."""
    try:
        if not file.exists():
            put_first(file, write_beside(file, f"spheres:{secrets.token_urlsafe(24)}".encode()))
        word = file.read_text(encoding="ascii", errors="replace").strip()
    except OSError as refused:
        reason = os.strerror(refused.errno) if refused.errno else type(refused).__name__
        raise NoWord(
            N_("The file of the engine's word cannot be used: %(file)s (%(reason)s)."), file=str(file), reason=reason
        ) from None
    if not word.startswith("spheres:") or len(word) < _SHORTEST:
        # An empty one would open the engine to everyone who reaches it.
        raise NoWord(
            N_("The file of the engine's word is damaged: %(file)s. Remove it, and start all machines again."),
            file=str(file),
        )
    return word
