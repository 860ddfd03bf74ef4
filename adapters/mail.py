"""Mail: the Mailer port over SMTP."""

import os
import re
import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from typing import Final

from adapters.environment import SettingsError, is_this_machine
from adapters.mail_addresses import ENVELOPE
from adapters.smtp_dialogue import Dialogue, Step, Stopped, refused, unreached
from adapters.smtp_settings import Encryption
from models.ports import Accepted, Later, Outcome, Refused, Unknown

#: A kept connection older than this is not trusted: many relays close theirs after a minute or so.
IDLE = 30.0
#: How long each step may take, and all that is said for one letter: the latter fits into the lease of `flows.post`.
ANSWER_SECONDS: Final = 30.0
LETTER_SECONDS: Final = 180.0

_OK = 250
_WILL_FORWARD = 251
_GO_AHEAD = 354
_READY_FOR_TLS = 220
_HANGS_UP = (421, -1)  # "closing the connection", and what smtplib makes of an answer that is none
_TOO_LARGE = (452, 552)  # the only answers to MAIL FROM that speak of the letter, not of us

_STATUS = re.compile(r"[2-5][0-9]{2}")
_ENHANCED = re.compile(rb"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_BARE_BREAK = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LONGEST_LINE = 998


class SmtpMailer:
    """Sends through one SMTP relay, one recipient a letter, on a connection kept from letter to letter.

    `encryption`: where it is demanded, the certificate is verified against `ca_file` or the system's authorities, and a
    relay that does not offer it gets nothing. A password is never sent in clear, save to this very machine. It is read
    anew at each connection; where `password` raises SettingsError the letter waits, with the code "password".
    `ehlo_name` is our name for ourselves, by default the domain of `envelope_from`, so that no host name of the machine
    leaves it. `timeout` and `letter_timeout`: seconds for each step, and for one letter as a whole. `begins` is told
    each step as it begins. Safe to call from several threads: one letter goes at a time. Raises ValueError where the
    settings contradict each other.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        envelope_from: str,
        username: str | None = None,
        password: Callable[[], str] | None = None,
        encryption: Encryption = "starttls",
        ca_file: str | os.PathLike[str] | None = None,
        timeout: float = ANSWER_SECONDS,
        letter_timeout: float = LETTER_SECONDS,
        ehlo_name: str | None = None,
        begins: Callable[[Step], None] = lambda _: None,
    ) -> None:
        if not ENVELOPE.fullmatch(envelope_from):
            msg = "the sender's address must be plain ASCII, such as avis@example.org"
            raise ValueError(msg)
        if (username is None) != (password is None):
            msg = "a user name and a password go together"
            raise ValueError(msg)
        if username is not None:
            _refuse_unsafe(username, encryption, host)
        self._host = host
        self._port = port
        self._credentials = None if username is None or password is None else (username, password)
        self._encryption = encryption
        self._tls = None if encryption == "none" else ssl.create_default_context(cafile=ca_file)
        self._envelope_from = envelope_from
        self._timeout = timeout
        self._letter_timeout = letter_timeout
        self._ehlo_name = ehlo_name or envelope_from.rpartition("@")[2]
        self._begins = begins
        self._connection: Dialogue | None = None
        self._used_at = 0.0
        self._lock = threading.Lock()

    def send(self, *, to: str, message: bytes, again: bool = False) -> Outcome:  # noqa: ARG002  # a relay tells nothing
        """Send one letter; see `Mailer.send`. Only identical bytes leave: nothing is added nor rewritten."""
        try:
            return self.attempt(to=to, message=message)
        except Stopped as stopped:
            return stopped.outcome

    def attempt(self, *, to: str, message: bytes) -> Outcome:
        """As `send`, but where the dialogue cannot go on it raises Stopped, which says why."""
        if not ENVELOPE.fullmatch(to):
            return Refused(permanent=True, code="address")
        if not _is_fit_to_send(message):
            return Refused(permanent=True, code="message")
        with self._lock:
            ends_at = time.monotonic() + self._letter_timeout
            kept = self._kept_connection()
            if kept is not None:
                kept.ends_at = ends_at
                try:
                    return self._deliver(kept, to, message)
                except Stopped as stopped:
                    if not stopped.before_text:
                        raise
                    # The relay had closed a connection that idled, or counts letters a connection. Nothing
                    # of this letter had left, so a fresh connection is not a second attempt.
            return self._deliver(self._connect(ends_at), to, message)

    def greet(self, seconds: float) -> None:
        """Connect, encrypt and sign in as for a letter, and say goodbye: none is sent. Raises Stopped."""
        with self._lock:
            self._connect(time.monotonic() + seconds)
        self.close()

    def close(self) -> None:
        """Say goodbye to the relay; the next letter opens a new connection. Call it when a batch ends."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.say_goodbye()

    def _kept_connection(self) -> Dialogue | None:
        if self._connection is not None and time.monotonic() - self._used_at > IDLE:
            self._drop()
        return self._connection

    def _connect(self, ends_at: float) -> Dialogue:
        """A connection that is greeted, encrypted and signed in. Raises Stopped."""
        # Before a word is said: a relay is not connected to in order to tell it nothing.
        password = self._read_password()
        self._begins("connect")
        try:
            connection = Dialogue(
                self._host, self._port, ehlo_name=self._ehlo_name, patience=self._timeout, ends_at=ends_at
            )
        except TimeoutError:  # an older connection had used up the letter's time
            raise unreached("silent") from None
        try:
            self._open(connection, password)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _read_password(self) -> str:
        if self._credentials is None:
            return ""
        try:
            password = self._credentials[1]()
        except SettingsError:
            raise refused("password", "password") from None
        if not (password and password.isascii()):
            raise refused("password", "password")
        return password

    def _open(self, connection: Dialogue, password: str) -> None:
        try:
            if self._encryption == "implicit":
                self._encrypt(connection)
            self._begins("greeting")
            connection.greeted()
            connection.ehlo_or_helo_if_needed()
            if self._encryption == "starttls":
                self._begins("tls")
                self._ask_for_tls(connection)
                connection.ehlo_or_helo_if_needed()
            if self._credentials is not None:
                self._begins("sign_in")
                connection.login(self._credentials[0], password)
        except smtplib.SMTPResponseException as answer:
            # Nothing of any letter was said yet: what is refused here is us, not the letter.
            code = _code(answer.smtp_code, answer.smtp_error)
            raise Stopped("answer", _refusal_of_ours(answer.smtp_code, code)) from None
        except smtplib.SMTPServerDisconnected:
            raise unreached(connection.lost_by) from None
        except smtplib.SMTPException:  # no way of signing in that both sides know
            raise refused("no_way", "sign_in") from None
        except TimeoutError:
            raise unreached("silent") from None
        except OSError:
            raise unreached("hung_up") from None

    def _ask_for_tls(self, connection: Dialogue) -> None:
        if not connection.has_extn("starttls"):
            raise refused("not_offered", "starttls")
        code, text = connection.docmd("STARTTLS")
        if code != _READY_FOR_TLS:
            raise smtplib.SMTPResponseException(code, text)
        self._encrypt(connection)

    def _encrypt(self, connection: Dialogue) -> None:
        assert self._tls is not None  # noqa: S101  # there is one wherever TLS is demanded
        if self._encryption == "implicit":
            self._begins("tls")
        try:
            connection.encrypt(self._tls)
        except ssl.SSLCertVerificationError:
            raise refused("certificate", "tls") from None
        except ssl.SSLError:
            raise refused("encryption", "tls") from None

    def _deliver(self, connection: Dialogue, to: str, message: bytes) -> Outcome:
        """One letter over an open connection. Raises Stopped, with `before_text` before DATA only."""
        self._used_at = time.monotonic()
        size_limit = connection.esmtp_features.get("size", "")
        if size_limit.isdecimal() and 0 < int(size_limit) < len(message):
            return Refused(permanent=True, code="size")
        refusal = self._announce(connection, to, len(message))
        if refusal is not None:
            return refusal
        try:
            connection.say_text(_quoted(message))
        except smtplib.SMTPException:
            # Its end never left this machine: no relay can take it for a letter.
            self._drop()
            raise unreached(connection.lost_by) from None
        try:
            code, text = connection.getreply()
        except (smtplib.SMTPException, OSError):
            # From here on the relay may have the whole letter although we hear nothing of it.
            self._drop()
            return Unknown()
        if code == -1:  # an answer that is no answer
            self._drop()
            return Unknown()
        if code == _OK:
            self._used_at = time.monotonic()
            return Accepted()
        return self._not_taken(code, text)

    def _announce(self, connection: Dialogue, to: str, size: int) -> Outcome | None:
        """Say all that comes before the text: the outcome where the relay does not go on. Raises Stopped."""
        sized = [f"size={size}"] if connection.has_extn("size") else []
        steps: tuple[tuple[Step, Callable[[], tuple[int, bytes]], tuple[int, ...]], ...] = (
            ("sender", lambda: connection.mail(self._envelope_from, sized), (_OK,)),
            ("recipient", lambda: connection.rcpt(to), (_OK, _WILL_FORWARD)),
            ("text", lambda: connection.docmd("DATA"), (_GO_AHEAD,)),
        )
        try:
            for step, say, yes in steps:
                self._begins(step)
                code, text = say()
                if code not in yes:
                    return self._not_taken(code, text, ours=step == "sender" and code not in _TOO_LARGE)
        except smtplib.SMTPException:
            self._drop()
            raise Stopped(connection.lost_by, Later("connect"), before_text=True) from None
        return None

    def _not_taken(self, code: int, text: bytes, *, ours: bool = False) -> Outcome:
        """The outcome of an answer other than yes, with the connection made ready for the next letter."""
        if code in _HANGS_UP:
            self._drop()
            raise Stopped("answer", Later(_code(code, text)), before_text=True)
        self._reset()
        answer = _code(code, text)
        if ours:
            return _refusal_of_ours(code, answer)
        return Refused(permanent=True, code=answer) if _is_final(code) else Later(answer)

    def _reset(self) -> None:
        try:
            if self._connection is not None:
                self._connection.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _refuse_unsafe(username: str, encryption: Encryption, host: str) -> None:
    """Raises ValueError where a user of the relay cannot be signed in as, or not without telling others how."""
    if not username.isascii():  # all that smtplib can say
        msg = "the relay's user name must be plain ASCII"
        raise ValueError(msg)
    if encryption == "none" and not is_this_machine(host):
        msg = "a password is not sent without TLS"
        raise ValueError(msg)


def _code(code: int, text: bytes | str) -> str:
    """The status and, where there is one, the enhanced status; the prose after them is left behind."""
    if not _STATUS.fullmatch(str(code)):
        return "protocol"
    prose = text.encode("utf-8", "replace") if isinstance(text, str) else text
    enhanced = _ENHANCED.match(prose)
    return f"{code} {enhanced[1].decode('ascii')}" if enhanced else str(code)


def _is_final(code: int) -> bool:
    return str(code).startswith("5")


def _refusal_of_ours(code: int, answer: str) -> Outcome:
    return Refused(permanent=False, code=answer) if _is_final(code) else Later(answer)


def _quoted(message: bytes) -> bytes:
    """The letter as it goes over the wire: lines that begin with a dot get a second one, then the end mark."""
    end = b"" if message.endswith(b"\r\n") else b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", message) + end + b".\r\n"


def _is_fit_to_send(message: bytes) -> bool:
    """Plain ASCII, CRLF alone (a lone CR or LF can end a letter early at some servers), no overlong line."""
    if not message.isascii() or b"\0" in message or _BARE_BREAK.search(message):
        return False
    return all(len(line) <= _LONGEST_LINE for line in message.split(b"\r\n"))
