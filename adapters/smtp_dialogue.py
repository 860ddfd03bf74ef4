"""One connection to an SMTP relay, in which every step ends in time, whatever the relay does.

smtplib limits how long one read may take, so that a relay that gives a byte a second holds it for ever. Here a whole
answer has a limit, and so has everything that is said for one letter.
"""

from __future__ import annotations

import io
import smtplib
import socket
import ssl
import time
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, Literal

from models.ports import Later, Outcome, Refused

#: The steps with a relay, in their order; where TLS comes at once, the greeting is after it.
Step = Literal["connect", "greeting", "tls", "sign_in", "sender", "recipient", "text"]

#: Why a dialogue cannot go on. "answer": the relay refused, and the outcome has its code.
Why = Literal[
    "name",
    "port",
    "unreachable",
    "silent",
    "hung_up",
    "not_offered",
    "certificate",
    "encryption",
    "password",
    "no_way",
    "answer",
]

#: How long a farewell may take: nothing depends on it.
GOODBYE_SECONDS: Final = 5.0
#: No relay says so much at once.
_MOST_OF_AN_ANSWER: Final = 1 << 16
_GREETS: Final = 220


class Stopped(Exception):
    """The dialogue cannot go on. Carries the reason, and the letter's outcome; the server's words stay behind.

    `before_text`: nothing of a letter was sent, and the connection is gone.
    """

    def __init__(self, why: Why, outcome: Outcome, *, before_text: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.outcome = outcome
        self.before_text = before_text


def unreached(why: Why) -> Stopped:
    """The relay cannot be spoken to now."""
    return Stopped(why, Later("connect"))


class Dialogue(smtplib.SMTP):
    """The connection and its limits, in seconds of `time.monotonic`.

    Each answer, handshake and line may take `patience`; nothing may go on after `ends_at`, which is set anew for each
    letter. Raises Stopped where the relay cannot be reached.
    """

    def __init__(self, host: str, port: int, *, ehlo_name: str, patience: float, ends_at: float) -> None:
        super().__init__(local_hostname=ehlo_name)  # without a host it does not connect yet
        self.ends_at = ends_at
        self._is_silent = False
        self._patience = patience
        self._named = host
        self._reader = _Reader()
        self._take(_connected(_addresses(host, port, self._left()), self._left()))

    @property
    def lost_by(self) -> Why:
        """Why the connection is gone."""
        return "silent" if self._is_silent else "hung_up"

    def greeted(self) -> None:
        """Hear the relay's greeting. Raises smtplib.SMTPConnectError where it is none."""
        code, text = self.getreply()
        if code != _GREETS:
            raise smtplib.SMTPConnectError(code, text)

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Go on under TLS. What the relay had said in clear is forgotten, also what was not asked for.

        Raises ssl.SSLError; TimeoutError where the handshake takes too long; another OSError where the relay hangs up.
        """
        assert self.sock is not None  # noqa: S101  # it is from the first line on
        self.sock.settimeout(self._left())  # of the whole handshake, however the bytes come
        self._take(context.wrap_socket(self.sock, server_hostname=self._named))
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def getreply(self) -> tuple[int, bytes]:
        """One whole answer. Raises smtplib.SMTPServerDisconnected, whose cause `lost_by` tells."""
        try:
            self._reader.expect(self._left())
            return super().getreply()
        except (TimeoutError, smtplib.SMTPServerDisconnected):
            self._is_silent = self._is_silent or self._reader.ran_out or self._left_now() <= 0
            self.close()
            raise smtplib.SMTPServerDisconnected from None

    def send(self, s: Any) -> None:
        """Say all of it, in the time of one answer. Raises smtplib.SMTPServerDisconnected."""
        self._say(s.encode("ascii") if isinstance(s, str) else bytes(s), self._patience)

    def say_text(self, text: bytes) -> None:
        """Say a letter's text, in what is left of its time. Raises smtplib.SMTPServerDisconnected."""
        self._say(text, self._left_now())

    def say_goodbye(self) -> None:
        """End the dialogue and the connection. Raises nothing."""
        self._patience = min(self._patience, GOODBYE_SECONDS)
        self.ends_at = time.monotonic() + self._patience
        try:
            self.quit()
        except (smtplib.SMTPException, OSError):
            pass
        finally:
            self.close()

    def _say(self, text: bytes, seconds: float) -> None:
        until = min(time.monotonic() + seconds, self.ends_at)
        rest = memoryview(text)
        try:
            while rest:
                if self.sock is None:
                    raise smtplib.SMTPServerDisconnected
                self.sock.settimeout(_positive(until - time.monotonic()))
                rest = rest[self.sock.send(rest) :]
        except OSError as error:  # smtplib's own errors are of this kind too
            self._is_silent = self._is_silent or isinstance(error, TimeoutError)
            self.close()
            raise smtplib.SMTPServerDisconnected from None

    def _take(self, sock: socket.socket) -> None:
        """Go on by this socket, with nothing heard from it yet."""
        self.sock = sock
        self._reader = _Reader(sock)
        self.file = io.BufferedReader(self._reader)

    def _left_now(self) -> float:
        return self.ends_at - time.monotonic()

    def _left(self) -> float:
        """How long the next step may take. Raises TimeoutError where no time is left."""
        return _positive(min(self._patience, self._left_now()))


class _Reader(io.RawIOBase):
    """Reads what a relay says, until the answer's time has run out."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        self._sock = sock
        self._until = 0.0
        self._more = 0
        self.ran_out = False

    def expect(self, seconds: float) -> None:
        """Begin to wait for an answer."""
        self._until = time.monotonic() + seconds
        self._more = _MOST_OF_AN_ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """What comes next. Raises TimeoutError; ConnectionError where the answer does not end."""
        assert self._sock is not None  # noqa: S101  # only what has a socket is read
        try:
            self._sock.settimeout(_positive(self._until - time.monotonic()))
            count = self._sock.recv_into(buffer)
        except TimeoutError:
            self.ran_out = True
            raise
        self._more -= count
        if self._more < 0:
            raise ConnectionError
        return count


def _positive(seconds: float) -> float:
    """A time that is left. Raises TimeoutError where none is: to a socket zero means something else."""
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _addresses(host: str, port: int, seconds: float) -> list[tuple[Any, ...]]:
    """The addresses of a host. The system's own look-up has no limit of ours: it is abandoned when time is up."""
    found: SimpleQueue[list[tuple[Any, ...]] | None] = SimpleQueue()

    def look_up() -> None:
        try:
            found.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError):  # the latter of what cannot be a name
            found.put(None)

    Thread(target=look_up, daemon=True).start()
    try:
        addresses = found.get(timeout=seconds)
    except Empty:
        raise unreached("name") from None
    if not addresses:
        raise unreached("name")
    return addresses


def _connected(addresses: list[tuple[Any, ...]], seconds: float) -> socket.socket:
    """A connection to the first address that takes one; they share the time, so that one cannot use all of it."""
    until = time.monotonic() + seconds
    why: Why = "unreachable"
    for count, (family, kind, protocol, _, address) in enumerate(addresses):
        left = (until - time.monotonic()) / (len(addresses) - count)
        if left <= 0:
            break
        try:
            return _connected_to(address, socket.socket(family, kind, protocol), left)
        except ConnectionRefusedError:
            why = "port"
        except TimeoutError:
            why = "silent"
        except OSError:
            why = "unreachable"
    raise unreached(why)


def _connected_to(address: Any, sock: socket.socket, seconds: float) -> socket.socket:
    """The socket, connected. Raises OSError, and closes it."""
    try:
        sock.settimeout(seconds)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def refused(why: Why, code: str) -> Stopped:
    """The relay, or its settings, do not let any letter of ours out."""
    return Stopped(why, Refused(permanent=False, code=code))


def how_it_speaks(host: str, port: int, *, seconds: float = 5.0) -> Literal["clear", "tls", "neither"]:
    """Whether what listens there greets in clear or waits for TLS at once. Tells it nothing, and trusts nothing."""
    try:
        with _connected(_addresses(host, port, seconds), seconds) as sock:
            sock.settimeout(seconds)
            try:
                if sock.recv(1):
                    return "clear"
            except TimeoutError:
                pass
            curious = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            curious.check_hostname = False
            curious.verify_mode = ssl.CERT_NONE
            with curious.wrap_socket(sock, server_hostname=host):
                return "tls"
    except (Stopped, OSError, ValueError):
        return "neither"
