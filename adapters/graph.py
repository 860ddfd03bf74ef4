"""One mailbox of ours through Microsoft Graph: one call at a time, as the application and as no person.

What an answer means for mail is decided elsewhere (`adapters.graph_mail`, `adapters.graph_inbox`). Here are the token,
the silence that the service asks for, and the bounds of what is read.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import httpx2
import msal  # type: ignore[import-untyped]  # it has no types
from msal.exceptions import MsalError  # type: ignore[import-untyped]  # the same

from adapters.environment import SettingsError
from adapters.for_msal import OUR_FAULT, ForMsal, NoTokens
from adapters.graph_settings import GraphSettings
from models.ports import Later, Refused, Unknown

_log = logging.getLogger(__name__)

#: A letter's answers, with a token and two look-ups, fit into the lease of `flows.post`.
_TIMEOUT: Final = httpx2.Timeout(30.0, connect=5.0)
#: A token is not used in its last minutes: a call under way would outlive it.
_SPARED: Final = timedelta(minutes=5)
_LONGEST_TOKEN: Final = timedelta(hours=24)
#: Where the service is too busy and does not say for how long.
_SOME_TIME: Final = timedelta(seconds=30)
#: It is not left alone for longer than this, whatever it says: someone waits for the mail.
_LONGEST_SILENCE: Final = timedelta(hours=1)
_HIGHEST: Final = 600
_DIGITS: Final = 9
#: Of an answer in JSON.
MOST_JSON: Final = 1 << 20
#: Errors from before anything of ours was said, so that nothing can have been done.
_NOT_REACHED: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
#: It may have been done all the same: the answer may come from something before the one who did it.
_NOT_KNOWN: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
)
#: We are not let in, or not to this mailbox.
_NOT_US: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Answer:
    """Graph's answer. `body` ends after as many bytes as were asked for; `is_cut` where there was more."""

    status: int
    body: bytes
    is_cut: bool = False

    @property
    def is_yes(self) -> bool:
        """Whether it did what was asked."""
        return HTTPStatus(200) <= self.status < HTTPStatus(300)

    @property
    def code(self) -> str:
        """The status, as an outcome says it."""
        return str(self.status) if HTTPStatus(200) <= self.status < _HIGHEST else "protocol"

    def told(self) -> Mapping[str, object] | None:
        """The JSON object that the answer is, None where it is none."""
        if self.is_cut:
            return None
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


class Graph:
    """One mailbox through Graph, with a token of the application's own (client credentials).

    One call at a time, as the service bounds the calls at once to a mailbox; safe to use from several threads. `clock`
    gives the seconds of the process. Raises SettingsError where the trusted certificates cannot be read.
    """

    def __init__(self, settings: GraphSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        trusted = settings.trusted()
        # No redirection is followed: our token would go along.
        self._http = httpx2.Client(timeout=_TIMEOUT, verify=True if trusted is None else trusted)
        self._tokens = _Tokens(settings, self._http, clock)
        self._clock = clock
        self._silent_until = float("-inf")
        self._lock = threading.RLock()
        self.mailbox = settings.mailbox.lower()
        self._users = f"{settings.url}/v1.0/users"
        self._own = self.address_of(settings.mailbox)

    def address(self, path: str) -> str:
        """The address of something of the mailbox."""
        return self._own + path

    def address_of(self, user: str, path: str = "") -> str:
        """The address of another user of the tenant, or of something of theirs."""
        return f"{self._users}/{quote(user, safe='@')}{path}"

    def is_own(self, address: object) -> bool:
        """Whether an address that came in an answer leads to the mailbox: our token goes nowhere else."""
        return isinstance(address, str) and address.startswith(f"{self._own}/") and address.isprintable()

    def ask(
        self,
        method: str,
        address: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most: int = MOST_JSON,
    ) -> Answer | Later | Refused | Unknown:
        """Ask for `address`; an Answer, whose content the caller judges.

        Later where nothing was done, Unknown where it is not known whether it was, Refused (not permanent) where we
        ourselves are refused. Raises nothing that the outside world can cause.
        """
        with self._lock:
            if (silence := self._silent_until - self._clock()) > 0:
                return Later("throttled", timedelta(seconds=silence))
            answer = self._with_token(method, address, body, headers or {}, most)
        if isinstance(answer, _Heard):
            return self._judged(answer)
        return answer

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _with_token(
        self, method: str, address: str, body: bytes | None, headers: Mapping[str, str], most: int
    ) -> _Heard | Later | Refused | Unknown:
        """One call, and another with a new token where the present one was not taken, which does nothing twice."""
        token = self._tokens.current()
        heard: _Heard | Later | Refused | Unknown
        if isinstance(token, str):
            heard = self._call(method, address, body, {**headers, "Authorization": f"Bearer {token}"}, most)
            if not isinstance(heard, _Heard) or heard.answer.status != HTTPStatus.UNAUTHORIZED:
                return heard
            self._tokens.forget()
            token = self._tokens.current()
        if isinstance(token, str):
            return self._call(method, address, body, {**headers, "Authorization": f"Bearer {token}"}, most)
        return token

    def _call(
        self, method: str, address: str, body: bytes | None, headers: Mapping[str, str], most: int
    ) -> _Heard | Later | Unknown:
        try:
            with self._http.stream(method, address, content=body, headers=dict(headers)) as response:
                content, is_cut = _bounded(response.iter_bytes(), most)
                return _Heard(Answer(response.status_code, content, is_cut), response.headers.get("Retry-After", ""))
        except _NOT_REACHED:
            return Later("connect")
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return Unknown()

    def _judged(self, heard: _Heard) -> Answer | Later | Refused | Unknown:
        status = heard.answer.status
        if status in _BUSY:
            silence = min(_silence_of(heard.retry_after) or _SOME_TIME, _LONGEST_SILENCE)
            self._silent_until = self._clock() + silence.total_seconds()
            return Later(str(status), silence)
        if status in _NOT_US:
            _log.error("Graph refuses us, or this mailbox to us", extra={"status": status})
            return Refused(permanent=False, code=str(status))
        return Unknown() if status in _NOT_KNOWN else heard.answer


@dataclass(frozen=True, slots=True)
class _Heard:
    answer: Answer
    retry_after: str


class _Tokens:
    """The token of the application, fetched when the last one ends or is not taken."""

    def __init__(self, settings: GraphSettings, http: httpx2.Client, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._token = ""
        self._until = float("-inf")
        #: What MSAL remembers of the directory between applications; no token is in it.
        self._remembered: dict[str, object] = {}

    def current(self) -> str | Later | Refused:
        """A token that is good for some minutes, or why there is none."""
        if self._token and self._clock() < self._until:
            return self._token
        try:
            found = self._application().acquire_token_for_client([f"{self._settings.url}/.default"])
        except SettingsError as gone:
            _log.error("no mail leaves: a setting cannot be used", extra={"code": gone.variable})
            return Refused(permanent=False, code="credential")
        except (httpx2.HTTPError, MsalError):
            return Later("connect")
        except Exception as stumbled:  # noqa: BLE001  # MSAL reads an answer with no care for its shape
            _log.warning("the directory's answer cannot be read", extra={"error": type(stumbled).__name__})
            return Later("connect")
        return self._kept(found)

    def forget(self) -> None:
        """Graph did not take the last one."""
        self._token = ""

    def _kept(self, found: object) -> str | Later | Refused:
        told: Mapping[str, object] = found if isinstance(found, dict) else {}
        if told.get("error") in OUR_FAULT:
            _log.error("the directory refuses our registration or its secret", extra={"code": told["error"]})
            return Refused(permanent=False, code="credential")
        token, lasts = told.get("access_token"), told.get("expires_in")
        if not (isinstance(token, str) and token.isascii() and token.isprintable() and token):
            return Later("connect")
        seconds = lasts if isinstance(lasts, int) and lasts > 0 else 0
        spared = min(_SPARED.total_seconds(), seconds / 2)
        self._token = token
        self._until = self._clock() + min(seconds, _LONGEST_TOKEN.total_seconds()) - spared
        return token

    def _application(self) -> msal.ConfidentialClientApplication:
        """An application for one token: the file of its secret may have changed since the last time."""
        return msal.ConfidentialClientApplication(
            self._settings.client_id,
            client_credential=self._settings.credential(),
            authority=f"{self._settings.authority}/{self._settings.tenant}",
            instance_discovery=False,  # the operator names the cloud; no other host is asked whether it is one
            http_client=ForMsal(self._http),
            http_cache=self._remembered,
            token_cache=NoTokens(),
        )


def _bounded(pieces: Iterable[bytes], most: int) -> tuple[bytes, bool]:
    """The first `most` bytes, and whether there were more; what comes after is not read."""
    read = bytearray()
    for piece in pieces:
        read += piece
        if len(read) > most:
            return bytes(read[:most]), True
    return bytes(read), False


def _silence_of(said: str) -> timedelta | None:
    """For how long to leave the service alone: so many seconds, or until a moment. None where it says neither."""
    said = said.strip()
    if said.isascii() and said.isdecimal():
        return timedelta(seconds=int(said[:_DIGITS]))
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(until - datetime.now(UTC), timedelta(seconds=1))
