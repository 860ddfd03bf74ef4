"""The ports: what the program asks of the outside world, as Protocols that `adapters` fulfil.

Today the Mailer; the directory, the calendar transport and the key store come to stand beside it. A port
speaks in plain values and in outcomes that are data, never in the exceptions of a library, so that a rule
can decide about them.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

#: "550", "451 4.7.1", or one word of our own ("connect"). What a server wrote in prose may quote an
#: address or a subject line, so there is no room for it here.
_CODE = re.compile(r"[2-5][0-9]{2}( [245]\.[0-9]{1,3}\.[0-9]{1,3})?|[a-z][a-z0-9_]{0,19}")


def _no_prose(code: str) -> None:
    if not _CODE.fullmatch(code):
        msg = "an outcome carries a code, never a text"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The next server took the letter and answers for it. A bounce may still come, by mail."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The letter was not taken, and sending it again now would be refused again.

    `permanent`: this letter will never be taken (an unknown address, too large). Not permanent: our
    own account or settings were refused, so that no letter at all goes out until someone sees to it.
    Raises ValueError where `code` is not a code.
    """

    permanent: bool
    code: str

    def __post_init__(self) -> None:
        _no_prose(self.code)


@dataclass(frozen=True, slots=True)
class Later:
    """Not taken now (busy, greylisted, unreachable), and nothing was delivered: try again.

    `retry_after` is how long the server asked to be left alone, where it said so. Raises ValueError where
    `code` is not a code.
    """

    code: str
    retry_after: timedelta | None = None

    def __post_init__(self) -> None:
        _no_prose(self.code)


@dataclass(frozen=True, slots=True)
class Unknown:
    """The connection was lost after the letter's text began to leave: it may have arrived, or not.

    It is sent again with identical bytes (same Message-ID, same Date), so that a server that had taken it
    can tell that it is the same letter.
    """


Outcome = Accepted | Refused | Later | Unknown


class Mailer(Protocol):
    """Hands one finished letter to the mail of the outside world."""

    def send(self, *, to: str, message: bytes) -> Outcome:
        """Send `message`, the finished MIME bytes, to the one address `to`, and say what came of it.

        Blocks for as long as the server takes, up to the mailer's own time limit. Raises nothing
        that the outside world can cause: whatever goes wrong out there is an outcome.
        """
        ...
