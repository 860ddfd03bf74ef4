"""Mail: the Mailer port over SMTP, and over a folder of .eml files for the demonstration."""

import hashlib
import ipaddress
import os
import re
import smtplib
import ssl
import tempfile
import threading
import time
from contextlib import suppress
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path

from models.ports import Accepted, Later, Outcome, Refused, Unknown

#: A kept connection older than this is not trusted: many relays close theirs after a minute or so.
IDLE = 30.0

_OK = 250
_WILL_FORWARD = 251
_GO_AHEAD = 354
_HANGS_UP = (421, -1)  # "closing the connection", and what smtplib makes of an answer that is none
_TOO_LARGE = (452, 552)  # the only answers to MAIL FROM that speak of the letter, not of us

_STATUS = re.compile(r"[2-5][0-9]{2}")
_ENVELOPE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_ENHANCED = re.compile(rb"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_BARE_BREAK = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LONG_LINE = re.compile(rb"[^\r\n]{999}")


class _DialogueError(Exception):
    """The dialogue cannot go on. Carries the outcome; whatever the server wrote stays behind."""

    def __init__(self, outcome: Outcome, *, connection_lost: bool = False) -> None:
        super().__init__()
        self.outcome = outcome
        self.connection_lost = connection_lost


class SmtpMailer:
    """Sends through one SMTP relay, one recipient a letter, on a connection kept from letter to letter.

    `starttls`: demanded, with the certificate verified against `ca_file` or the system's authorities; a relay
    that does not offer it gets nothing. A password is never sent in clear, save to this very machine.
    `ehlo_name` is what we call ourselves, by default the domain of `envelope_from`, so that no host name of
    the machine leaves it. `timeout`: seconds for each answer. Safe to call from several threads: one letter
    goes at a time. Raises ValueError where the settings contradict each other.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        envelope_from: str,
        username: str | None = None,
        password: str | None = None,
        starttls: bool = True,
        ca_file: str | os.PathLike[str] | None = None,
        timeout: float = 30.0,
        ehlo_name: str | None = None,
    ) -> None:
        if not _ENVELOPE.fullmatch(envelope_from):
            msg = "the sender's address must be plain ASCII, such as avis@example.org"
            raise ValueError(msg)
        if (username is None) != (password is None):
            msg = "a user name and a password go together"
            raise ValueError(msg)
        if not f"{username}{password}".isascii():  # all that smtplib can say
            msg = "the relay's user name and password must be plain ASCII"
            raise ValueError(msg)
        if username is not None and not starttls and not _is_this_machine(host):
            msg = "a password is not sent without STARTTLS"
            raise ValueError(msg)
        self._host = host
        self._port = port
        self._credentials = None if username is None or password is None else (username, password)
        self._tls = ssl.create_default_context(cafile=ca_file) if starttls else None
        self._envelope_from = envelope_from
        self._timeout = timeout
        self._ehlo_name = ehlo_name or envelope_from.rpartition("@")[2]
        self._connection: smtplib.SMTP | None = None
        self._used_at = 0.0
        self._lock = threading.Lock()

    def send(self, *, to: str, message: bytes, again: bool = False) -> Outcome:  # noqa: ARG002  # a relay tells nothing
        """Send one letter; see `Mailer.send`. Only identical bytes leave: nothing is added nor rewritten."""
        if not _ENVELOPE.fullmatch(to):
            return Refused(permanent=True, code="address")
        if not _is_fit_to_send(message):
            return Refused(permanent=True, code="message")
        with self._lock:
            kept = self._kept_connection()
            if kept is not None:
                try:
                    return self._deliver(kept, to, message)
                except _DialogueError as ended:
                    if not ended.connection_lost:
                        return ended.outcome
                    # The relay had closed a connection that idled, or counts letters a connection. Nothing
                    # of this letter had left, so a fresh connection is not a second attempt.
            try:
                return self._deliver(self._connect(), to, message)
            except _DialogueError as ended:
                return ended.outcome

    def close(self) -> None:
        """Say goodbye to the relay; the next letter opens a new connection. Call it when a batch ends."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(smtplib.SMTPException, OSError):
                    connection.quit()
                connection.close()

    def _kept_connection(self) -> smtplib.SMTP | None:
        if self._connection is not None and time.monotonic() - self._used_at > IDLE:
            self._drop()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        """A connection that is greeted, encrypted and signed in. Raises _DialogueError."""
        try:
            connection = smtplib.SMTP(self._host, self._port, local_hostname=self._ehlo_name, timeout=self._timeout)
        except smtplib.SMTPResponseException as answer:
            raise _DialogueError(Later(_code(answer.smtp_code, answer.smtp_error))) from None
        except OSError:
            raise _DialogueError(Later("connect")) from None
        try:
            self._open(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _open(self, connection: smtplib.SMTP) -> None:
        try:
            connection.ehlo_or_helo_if_needed()
            if self._tls is not None:
                if not connection.has_extn("starttls"):
                    raise _DialogueError(Refused(permanent=False, code="starttls"))
                connection.starttls(context=self._tls)
                connection.ehlo_or_helo_if_needed()
            if self._credentials is not None:
                connection.login(*self._credentials)
        except smtplib.SMTPResponseException as answer:
            # Nothing of any letter was said yet: what is refused here is us, not the letter.
            code = _code(answer.smtp_code, answer.smtp_error)
            raise _DialogueError(_refusal_of_ours(answer.smtp_code, code)) from None
        except smtplib.SMTPServerDisconnected:
            raise _DialogueError(Later("connect")) from None
        except smtplib.SMTPException:  # no way of signing in that both sides know
            raise _DialogueError(Refused(permanent=False, code="sign_in")) from None
        except ssl.SSLError:
            raise _DialogueError(Refused(permanent=False, code="tls")) from None
        except OSError:
            raise _DialogueError(Later("connect")) from None

    def _deliver(self, connection: smtplib.SMTP, to: str, message: bytes) -> Outcome:
        """One letter over an open connection. Raises _DialogueError, with `connection_lost` before DATA only."""
        self._used_at = time.monotonic()
        size_limit = connection.esmtp_features.get("size", "")
        if size_limit.isdecimal() and 0 < int(size_limit) < len(message):
            return Refused(permanent=True, code="size")
        try:
            sized = [f"size={len(message)}"] if connection.has_extn("size") else []
            code, text = connection.mail(self._envelope_from, sized)
            if code != _OK:
                return self._not_taken(code, text, ours=code not in _TOO_LARGE)
            code, text = connection.rcpt(to)
            if code not in (_OK, _WILL_FORWARD):
                return self._not_taken(code, text)
            code, text = connection.docmd("DATA")
            if code != _GO_AHEAD:
                return self._not_taken(code, text)
        except smtplib.SMTPException:
            self._drop()
            raise _DialogueError(Later("connect"), connection_lost=True) from None
        try:
            connection.send(_quoted(message))
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

    def _not_taken(self, code: int, text: bytes, *, ours: bool = False) -> Outcome:
        """The outcome of an answer other than yes, with the connection made ready for the next letter."""
        if code in _HANGS_UP:
            self._drop()
            raise _DialogueError(Later(_code(code, text)), connection_lost=True)
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


class FolderMailer:
    """The demonstration's mail: each letter becomes a file of `folder` that any mail reader opens.

    The file is named after the letter's opaque Message-ID, so it tells nothing, and the same letter sent twice is one
    file. A file is there whole or not at all, even after a power cut.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, *, to: str, message: bytes, again: bool = False) -> Outcome:  # noqa: ARG002  # it is one file
        """Write one letter; see `Mailer.send`. The recipient stands in the letter itself."""
        if not _ENVELOPE.fullmatch(to):
            return Refused(permanent=True, code="address")
        name = _file_name(message)
        if name is None:
            return Refused(permanent=True, code="message")
        try:
            self._write(self._folder / name, message)
        except OSError:  # no room, no right: the letter waits
            return Later("folder")
        return Accepted()

    def _write(self, file: Path, message: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists():
            return
        descriptor, unfinished = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(message)
                out.flush()
                os.fsync(out.fileno())
            Path(unfinished).replace(file)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        _sync_folder(self._folder)


def _file_name(message: bytes) -> str | None:
    """NAME.eml from the Message-ID, or None where the letter has none."""
    # compat32: the header as it was written, not as a parser would mend it.
    message_id = BytesHeaderParser(policy=policy.compat32).parsebytes(message).get("Message-ID", "")
    local = str(message_id).strip().removeprefix("<").partition("@")[0]
    if not local:
        return None
    # Any other spelling (a slash, a dot, a very long one) is hashed: a letter never chooses its path.
    if not _SAFE_NAME.fullmatch(local):
        local = hashlib.sha256(str(message_id).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{local}.eml"


def _sync_folder(folder: Path) -> None:
    """Make a rename last. Windows cannot open a folder, and needs not."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
    return (
        message.isascii() and b"\0" not in message and not (_BARE_BREAK.search(message) or _LONG_LINE.search(message))
    )


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
