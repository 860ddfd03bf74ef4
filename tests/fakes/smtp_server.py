"""A real SMTP server on loopback, which refuses, postpones, drops and dawdles as it is told."""

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

#: What some servers write beside their codes; none of it may travel further.
PROSE = "5.9.9 prose about Zoe Untel <zoe@untel.example>"

T = TypeVar("T")

PERSON = "nadia@example.org"


@dataclass(frozen=True)
class Received:
    """A letter that the server has, whether or not it said so."""

    to: str
    recipients: tuple[str, ...]
    sender: str
    message: bytes
    connection: int
    encrypted: bool
    signed_in: bool
    ehlo: str


class SmtpServer:
    """Accepts every letter, except where one of its answers says otherwise. Use it as a context manager.

    With `tls`, letters are taken encrypted alone: once it was asked for, or from the first byte where `at_once`.
    `rcpt` and `data` hold the answers still to be given, first to last, at that point of the dialogue; an answer
    is a line such as "451 4.7.1 later", or one of DROP (hang up without a word), or SLOW (say nothing for a
    while). When they are used up, the answer is yes.
    """

    DROP = "drop"
    SLOW = "slow"

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        at_once: bool = False,
        credentials: tuple[str, str] | None = None,
        size_limit: int = 33_554_432,
        letters_a_connection: int = 1_000,
    ) -> None:
        self.mail: list[str] = []
        self.rcpt: list[str] = []
        self.data: list[str] = []
        self.unknown: set[str] = set()
        self.received: list[Received] = []
        self.connections = 0
        self.sign_ins = 0
        self.port = 0
        self._tls = tls
        self._at_once = at_once
        self.credentials = credentials
        self._size_limit = size_limit
        self._letters_a_connection = letters_a_connection
        self._open: list[SMTP] = []
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = listening = self._wait_for(self._listen())
        self.port = listening.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._wait_for(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def hang_up(self) -> None:
        """Close every connection that is open, as a relay does with those that idle."""
        self._wait_for(self._hang_up())

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(self._dialogue, "127.0.0.1", 0, ssl=self._tls if self._at_once else None)

    async def _hang_up(self) -> None:
        for dialogue in self._open:
            _cut_off(dialogue)
        self._open.clear()
        await asyncio.sleep(0.01)

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._hang_up()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        for task in others:
            with suppress(asyncio.CancelledError):
                await task

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _dialogue(self) -> SMTP:
        self.connections += 1
        dialogue = SMTP(
            _Answers(self, self.connections),
            hostname="relay.test",
            ident="relay",
            data_size_limit=self._size_limit,
            tls_context=None if self._at_once else self._tls,
            require_starttls=self._tls is not None and not self._at_once,
            auth_required=self.credentials is not None and not self._at_once,  # it knows of no TLS but the asked for
            auth_require_tls=self._tls is not None and not self._at_once,
            authenticator=self._authenticate,
            loop=self._loop,
        )
        self._open.append(dialogue)
        return dialogue

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        self.sign_ins += 1
        if self.credentials is None or not isinstance(given, LoginPassword):
            return AuthResult(success=False, handled=False)
        name, password = (part.encode() for part in self.credentials)
        return AuthResult(success=(given.login, given.password) == (name, password), handled=False)


class _Answers:
    """What the server says to one connection."""

    def __init__(self, server: SmtpServer, connection: int) -> None:
        self._server = server
        self._connection = connection
        self._letters = 0

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self._letters += 1
        if self._letters > self._server._letters_a_connection:
            return "421 4.7.0 too many letters " + PROSE
        told = await self._told(self._server.mail, server)
        if told:
            return told
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self._server.unknown:
            return f"550 5.1.1 {address} unknown here"
        told = await self._told(self._server.rcpt, server)
        if told:
            return told
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        told = self._server.data.pop(0) if self._server.data else ""
        if not told or told in (SmtpServer.DROP, SmtpServer.SLOW):
            assert isinstance(envelope.content, bytes)
            assert envelope.mail_from is not None
            self._server.received.append(
                Received(
                    to=envelope.rcpt_tos[0],
                    recipients=tuple(envelope.rcpt_tos),
                    sender=envelope.mail_from,
                    message=envelope.content,
                    connection=self._connection,
                    encrypted=session.ssl is not None or self._server._at_once,
                    signed_in=session.authenticated is True,
                    ehlo=str(session.host_name),
                )
            )
        return await self._carry_out(told, server) or "250 ok"

    async def _told(self, answers: list[str], server: SMTP) -> str:
        return await self._carry_out(answers.pop(0) if answers else "", server)

    async def _carry_out(self, told: str, server: SMTP) -> str:
        if told == SmtpServer.DROP:
            _cut_off(server)
            return "250 to nobody"
        if told == SmtpServer.SLOW:
            await asyncio.sleep(3)
            return ""
        return told


def _cut_off(dialogue: SMTP) -> None:
    """End a connection without a word, as a cable does."""
    if isinstance(dialogue.transport, asyncio.WriteTransport):
        dialogue.transport.abort()
