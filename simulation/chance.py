"""Everything that is left to chance in a simulated program, drawn from one number.

Who acts and how comes from named streams, so that one more draw in one of them changes no other. What the product draws
for itself (ids, tokens, data keys, nonces) comes from the operating system, which `drawn_from` replaces for a while.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import generator, utils
from hashlib import sha256
from threading import Lock, current_thread
from threading import enumerate as all_threads
from typing import Final

#: The bytes drawn at once: a digest is cut into them.
_BLOCK: Final = 1 << 16


@dataclass(frozen=True)
class Chance:
    """The source of all streams of one seed."""

    seed: int

    def stream(self, *name: object) -> random.Random:
        """The stream of this name, from its beginning."""
        said = "/".join(str(part) for part in (self.seed, *name))
        return random.Random(sha256(said.encode()).digest())  # noqa: S311 - repeatable on purpose


@contextmanager
def drawn_from(chance: random.Random) -> Iterator[None]:
    """Have the operating system's chance, as this process asks for it, come from a stream.

    One at a time in a process. No secret that is drawn meanwhile is one. A thread that was there before goes on with
    the system's own chance: a connection that somebody left open would take from the stream at moments of its own.
    """
    before = (os.urandom, vars(random)["_urandom"])
    os.urandom = vars(random)["_urandom"] = _bytes_of(chance, os.urandom)
    # By these the library of mail draws what names a letter and separates its parts.
    for library in (generator, utils):
        vars(library)["random"] = random.Random(chance.random())  # noqa: S311 - repeatable on purpose
    try:
        yield
    finally:
        os.urandom, vars(random)["_urandom"] = before
        vars(generator)["random"] = vars(utils)["random"] = random


def _bytes_of(chance: random.Random, real: Callable[[int], bytes]) -> Callable[[int], bytes]:
    lock, kept = Lock(), bytearray()
    others = {one for one in all_threads() if one is not current_thread()}

    def draw(size: int) -> bytes:
        # The database library names parts of its statements by chance, and keeps the statements: such a name is in no
        # row, and whether one is drawn depends on what this process did before.
        asks = sys._getframe(1).f_globals["__name__"]  # noqa: SLF001 - who asks
        if asks.startswith("sqlalchemy.") or current_thread() in others:
            return real(size)
        with lock:
            while len(kept) < size:
                kept.extend(chance.randbytes(_BLOCK))
            drawn = bytes(kept[:size])
            del kept[:size]
            return drawn

    return draw
