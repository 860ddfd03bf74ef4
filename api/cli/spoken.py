"""What is said at the terminal, in whose language, and how a command ends that cannot go on."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

from locales import N_, current_language, say

#: What counts as a yes at the terminal, whichever language it speaks; anything else is a no.
_YES: Final = frozenset({"y", "yes", "o", "oui"})
_YES_OR_NO: Final = N_("[y/N]:")


#: Where letters wait because nothing is set by which they would leave.
NO_MAIL: Final = N_(
    "No way of sending letters is set, so that all of them wait. Set SMTP_HOST and SMTP_FROM, or SPHERES_MAIL=graph;"
    " then try: spheres mail test ADDRESS"
)


class Ending(Exception):
    """The command cannot go on: a sentence for the terminal."""


def tell(msgid: str, **facts: object) -> None:
    """Write one sentence, in the terminal's language."""
    write(say(current_language(), msgid, **facts))


def tell_apart(msgid: str, **facts: object) -> None:
    """Write one sentence where errors are said, in the terminal's language: the output is another's."""
    write_apart(say(current_language(), msgid, **facts))


def write(text: str, *, end: str = "\n") -> None:
    """Write what is for the reader, at once: the process that stays reads no library of terminals for it."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def write_apart(text: str) -> None:
    """Write it where errors are said."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def is_agreed(msgid: str) -> bool:
    """Ask one question, in the terminal's language, and whether the answer is yes. No answer at all is a no."""
    language = current_language()
    write(f"{say(language, msgid)} {say(language, _YES_OR_NO)} ", end="")
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        write("")  # nobody pressed return: what comes next begins a line of its own
    return answer.strip().casefold() in _YES


def fail(text: str, status: int) -> NoReturn:
    """End the process: say why, where errors are said, and give back a status."""
    sys.stderr.write(text.rstrip("\n") + "\n")
    raise SystemExit(status)
