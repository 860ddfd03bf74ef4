"""The command line: `spheres up`, and what an operator or an author of protocols does without a browser."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Final

from api.cli import stopping

#: `spheres up` as it is nearly always written: whether that asks for the demonstration, and whether it joins.
_UP: Final[dict[tuple[str, ...], tuple[bool | None, bool]]] = {
    ("up",): (None, False),
    ("up", "--demo"): (True, False),
    ("up", "--no-demo"): (False, False),
    ("up", "--join"): (None, True),
}


def main() -> None:
    """Run one command. What a rule refuses is a sentence and status 1; what a command needs and lacks is status 2."""
    _write_legibly()
    given = tuple(sys.argv[1:])
    if "_SPHERES_COMPLETE" in os.environ:
        from api.cli.completing import complete  # noqa: PLC0415  # each press of the key waits for it

        complete()
    if given in _UP:
        stopping.heed()
        # What is waited for begins at once: reading every command first takes two seconds, and twice the memory for
        # as long as it runs. `api.cli.up` says the same for whoever writes it another way.
        from api.cli.installation import main as stay  # noqa: PLC0415

        demo, join = _UP[given]
        stay(demo=demo, join=join)
    # The process that stays behind `spheres up` is of this package too, and reads none of the commands.
    from api.cli.commands import run  # noqa: PLC0415

    run()


def _write_legibly() -> None:
    """At a terminal, a letter that its alphabet lacks is replaced; what goes into a file is UTF-8, as we read it."""
    if not isinstance(sys.stdout, TextIOWrapper):
        return
    if sys.stdout.isatty():
        sys.stdout.reconfigure(errors="replace")
    else:
        sys.stdout.reconfigure(encoding="utf-8")
