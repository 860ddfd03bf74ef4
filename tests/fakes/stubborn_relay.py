"""A relay on loopback that speaks SMTP well up to one step, and there says nothing, drips, or stops listening."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import ExitStack, suppress
from typing import Any, Final, Literal, Self

#: Between two bytes of an answer that drips: far less than any limit of a test, so that no single read runs out.
_A_DROP: Final = 0.02
_GO_ON: Final = {"EHLO": "250-relay.test\r\n250-STARTTLS\r\n250 AUTH PLAIN", "AUTH": "235 ok", "DATA": "354 go on"}

Where = Literal["greeting", "EHLO", "STARTTLS", "handshake", "AUTH", "MAIL", "RCPT", "DATA", "body", "text", "QUIT", ""]
Manner = Literal["silent", "drips"]


class StubbornRelay:
    """Use it as a context manager. At `where` it is `manner` until the test ends; before, each answer takes `pause`.

    "handshake" is that of TLS; "body" means that a letter is not read, "text" that one that was read is not answered.
    With `tls` it can be asked for, or is there from the first byte where `at_once`.
    """

    def __init__(
        self,
        where: Where,
        manner: Manner = "silent",
        *,
        pause: float = 0.0,
        tls: ssl.SSLContext | None = None,
        at_once: bool = False,
    ) -> None:
        self.heard: list[str] = []
        self._where = where
        self._manner = manner
        self._pause = pause
        self._tls = tls
        self._at_once = at_once
        self._over = threading.Event()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that what is not read piles up
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(8)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            serving = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(serving)
            serving.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), ExitStack() as opened:
            opened.enter_context(connection)
            connection.settimeout(30)
            if self._at_once:
                connection = opened.enter_context(self._encrypted(connection))
            self._answer(connection, "greeting", "220 relay.test")
            self._talk(connection, opened)

    def _talk(self, connection: socket.socket, opened: ExitStack) -> None:
        lines = opened.enter_context(connection.makefile("rb"))
        while line := lines.readline():
            said = line.decode("latin-1").strip()
            self.heard.append(said)
            word = said.partition(" ")[0].upper()
            self._answer(connection, word, _GO_ON.get(word, "220 ok" if word == "STARTTLS" else "250 ok"))
            if word == "STARTTLS":
                connection = opened.enter_context(self._encrypted(connection))
                lines = opened.enter_context(connection.makefile("rb"))
            if word == "DATA":
                self._hold(connection, "body")
                while lines.readline() not in (b".\r\n", b""):
                    pass
                self._answer(connection, "text", "250 taken")
            if word == "QUIT":
                return

    def _encrypted(self, connection: socket.socket) -> socket.socket:
        # The beginning of a record of TLS, whose rest never comes whole.
        self._hold(connection, "handshake", b"\x16\x03\x03\x40\x00")
        assert self._tls is not None
        return self._tls.wrap_socket(connection, server_side=True)

    def _answer(self, connection: socket.socket, where: str, answer: str) -> None:
        self._hold(connection, where, b"250-")
        time.sleep(self._pause)
        connection.sendall(f"{answer}\r\n".encode())

    def _hold(self, connection: Any, where: str, begun: bytes = b"") -> None:
        """Where the relay turns stubborn, it stays so until the test ends."""
        if where != self._where:
            return
        if self._manner == "drips":
            connection.sendall(begun)
        while not self._over.wait(_A_DROP):
            if self._manner == "drips":
                connection.sendall(b"x")
        raise OSError
