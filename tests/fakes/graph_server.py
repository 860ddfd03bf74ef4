"""A Microsoft Graph of the tests' own, over TLS on loopback: one mailbox, honest until a test bends it.

It stands on the directory of `tests.fakes.entra`, which gives its tokens. It behaves as the documents and what people
report of the real one say; nobody has held it against that.
"""

from __future__ import annotations

import binascii
import json
import re
import secrets
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.utils import getaddresses
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from adapters.graph_settings import GraphSettings
from tests.fakes.entra import CLIENT_ID, TENANT, FakeEntra, listening, over_tls

MAILBOX: Final = "Coordination@agency.example"
#: What the real one writes beside its codes; none of it may travel further.
PROSE: Final = "ErrorProse: Zoe Untel <zoe@untel.example> is over her quota"

#: How a call may be answered instead of honestly: a status with headings, or one of the words below.
Bent = tuple[int, Mapping[str, str]] | str
#: It is done, and the connection ends in the middle of the answer.
LOST: Final = "lost"
#: It is not done, and the answer is none that can be read.
GARBAGE: Final = "garbage"

_BY_ID: Final = re.compile(r"internetMessageId eq '([^']+)'")
_BY_HEADING: Final = re.compile(
    r"singleValueExtendedProperties/any\(p:p/id eq "
    r"'String \{00020386-0000-0000-C000-000000000046\} Name ([a-z-]+)' and p/value eq '([^']+)'\)"
)
_SINCE: Final = re.compile(r"receivedDateTime ge ([0-9TZ:-]+)")
_PAGE: Final = re.compile(r"odata\.maxpagesize=(\d+)")
_MOST_BYTES: Final = 4 << 20


@dataclass
class Kept:
    """A mail of the mailbox."""

    message: bytes
    received: datetime | None = None
    is_draft: bool = False
    id: str = field(default_factory=lambda: f"AAMk{uuid4().hex}/+=")
    message_id: str = ""
    to: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        head = message_from_bytes(self.message, policy=policy.default)
        self.message_id = self.message_id or str(head.get("Message-ID", ""))
        self.to = self.to or tuple(box for _, box in getaddresses([str(head.get("To", ""))]))

    def heading(self, name: str) -> str:
        return str(message_from_bytes(self.message, policy=policy.default).get(name, ""))


class FakeGraph(FakeEntra):
    """The service, and the directory that lets one into it.

    `bent` holds for each place ("send", "find", "delta", "mail") the answers that are still to be given before it is
    honest again. `delivered` is what reached people; `calls` counts what was asked of each place.
    """

    def reset(self) -> None:
        """Honest again, with an empty mailbox."""
        super().reset()
        self.bent: dict[str, list[Bent]] = {}
        self.tokens: set[str] = set()
        self.delivered: list[bytes] = []
        self.sent: list[Kept] = []
        self.request_ids: list[str] = []
        #: What came into the inbox, in the order of its changes: a mail that changes stands there twice.
        self.changes: list[tuple[str, Kept]] = []
        self.generation = 1
        # How it lies.
        self.rewrites_ids = False
        self.forgets_headings = False
        self.knows_people_otherwise = False
        self.copies_late = False
        self.finds_nothing_at_first = False
        self.links_to = ""
        self.lasts: Any = 3600
        #: The users of the directory by name, and whether each is enabled.
        self.accounts: dict[str, bool] = {}
        self.revoked: list[str] = []
        self.may_disable = True
        self.forgets_to_disable = False

    def graph_settings(self, *, certificate: bool = False, mailbox: str = MAILBOX) -> GraphSettings:
        """The registration of an installation whose letters leave from here."""
        return GraphSettings(
            client_id=CLIENT_ID,
            tenant=str(TENANT),
            mailbox=mailbox,
            authority=self.authority,
            url=self.authority,
            secret_file=None if certificate else self.secret_file,
            certificate_file=self.certificate_file if certificate else None,
            ca_file=self.ca_file,
        )

    # ---------------------------------------------------------------------------------------- what a test makes of it

    def arrive(self, message: bytes, received: datetime) -> Kept:
        """A mail comes into the inbox."""
        kept = Kept(message, received)
        self.changes.append(("created", kept))
        return kept

    def touch(self, kept: Kept) -> None:
        """Somebody reads or flags a mail: it is told again, although only new ones were asked for."""
        self.changes.append(("updated", kept))

    def remove(self, kept: Kept) -> None:
        """Somebody deletes a mail, or moves it away."""
        self.changes.append(("removed", kept))

    def forget_places(self) -> None:
        """What was said of how far somebody had read means nothing any more."""
        self.generation += 1

    def app(self) -> FastAPI:
        """The addresses of the directory, and those of the mailbox."""
        app = super().app()

        @app.post("/v1.0/users/{user}/sendMail")
        async def send(user: str, request: Request) -> Response:
            body = await request.body()
            return self._reply("send", user, request, lambda: self._send(request, body))

        @app.patch("/v1.0/users/{user}")
        async def change(user: str, request: Request) -> Response:
            told = await request.json()
            return self._of_users("change", user, request, lambda: self._change(user, told))

        @app.get("/v1.0/users/{user}")
        def look(user: str, request: Request) -> Response:
            return self._of_users("look", user, request, lambda: self._look(user))

        @app.post("/v1.0/users/{user}/revokeSignInSessions")
        def revoke(user: str, request: Request) -> Response:
            return self._of_users("revoke", user, request, lambda: self._revoke(user))

        @app.get("/v1.0/users/{user}/messages")
        def find(user: str, request: Request) -> Response:
            return self._reply("find", user, request, lambda: self._find(request))

        @app.get("/v1.0/users/{user}/mailFolders/inbox/messages/delta")
        def delta(user: str, request: Request) -> Response:
            return self._reply("delta", user, request, lambda: self._delta(request))

        @app.get("/v1.0/users/{user}/messages/{kept:path}/$value")
        def mail(user: str, kept: str, request: Request) -> Response:
            return self._reply("mail", user, request, lambda: self._mail(request, kept))

        return app

    # ------------------------------------------------------------------------------------------------------ its answers

    def _reply(self, place: str, user: str, request: Request, honestly: Any) -> Response:
        self.calls[place] = self.calls.get(place, 0) + 1
        waiting = self.bent.get(place, [])
        bent = waiting.pop(0) if waiting else None
        if bent == GARBAGE:
            return Response("<html>Proxy</html>", 200, media_type="text/html")
        if isinstance(bent, tuple):
            return _wrong(bent[0], "ErrorOfSomeKind", bent[1])
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _wrong(401, "InvalidAuthenticationToken")
        if user.lower() != MAILBOX.lower():
            return _wrong(403, "ErrorAccessDenied")  # the application is let into one mailbox alone
        answer: Response = honestly()
        return StreamingResponse(_half(), answer.status_code, {"Content-Length": "100"}) if bent == LOST else answer

    def _of_users(self, place: str, user: str, request: Request, honestly: Any) -> Response:
        """As `_reply`, of the directory's users and not of a mailbox: where the registration has leave to."""
        self.calls[place] = self.calls.get(place, 0) + 1
        waiting = self.bent.get(place, [])
        if waiting:
            bent = waiting.pop(0)
            return _wrong(bent[0], "Request_Kind", bent[1]) if isinstance(bent, tuple) else Response("<html>", 200)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _wrong(401, "InvalidAuthenticationToken")
        if not self.may_disable:
            return _wrong(403, "Authorization_RequestDenied")
        answer: Response = honestly()
        return answer if user.lower() in self.accounts else _wrong(404, "Request_ResourceNotFound")

    def _change(self, user: str, told: Mapping[str, Any]) -> Response:
        if user.lower() in self.accounts and not self.forgets_to_disable:
            self.accounts[user.lower()] = bool(told["accountEnabled"])
        return Response(status_code=204)

    def _look(self, user: str) -> Response:
        return JSONResponse({"accountEnabled": self.accounts.get(user.lower())})

    def _revoke(self, user: str) -> Response:
        self.revoked.append(user.lower())
        return JSONResponse({"value": True})

    def _token(self, tenant: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form.get("grant_type") != "client_credentials":
            return super()._token(tenant, form)
        if not self._is_registered(tenant, form):
            return 401, {"error": "invalid_client", "error_description": f"AADSTS7000215: {PROSE}"}
        if tenant != str(TENANT) or form.get("scope") != f"{self.authority}/.default":
            return 400, {"error": "invalid_scope", "error_description": f"AADSTS70011: {PROSE}"}
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        return 200, {"token_type": "Bearer", "expires_in": self.lasts, "access_token": token}

    def _send(self, request: Request, body: bytes) -> Response:
        self.request_ids.append(request.headers.get("client-request-id", ""))
        if len(body) > _MOST_BYTES:
            return _wrong(413, "ErrorMessageSizeExceeded")
        try:
            message = b64decode(body, validate=True)
        except binascii.Error:
            return _wrong(400, "ErrorMimeContentInvalidBase64String")
        head = message_from_bytes(message, policy=policy.default)
        if request.headers.get("content-type") != "text/plain" or "To" not in head:
            return _wrong(400, "ErrorMimeContentInvalid")
        if [box.lower() for _, box in getaddresses([str(head["From"])])] != [MAILBOX.lower()]:
            return _wrong(403, "ErrorSendAsDenied")
        self.delivered.append(message)
        copy = Kept(message)
        if self.rewrites_ids:
            copy.message_id = f"<{uuid4()}@prod.outlook.example>"
        if self.knows_people_otherwise:
            copy.to = ("Untel.Zoe@untel.example",)
        self.sent.append(copy)
        return Response(status_code=202)

    def _find(self, request: Request) -> Response:
        which = request.query_params["$filter"]
        by_id, by_heading = _BY_ID.fullmatch(which), _BY_HEADING.fullmatch(which)
        kept = [] if self.copies_late else [*self.sent, *(one for _, one in self.changes)]
        if by_heading is not None:
            if self.forgets_headings:
                return _wrong(400, "ErrorInvalidProperty")
            found = [one for one in kept if one.heading(by_heading[1]) == by_heading[2]]
        elif by_id is not None:
            found = [one for one in kept if one.message_id == by_id[1]]
        else:
            return _wrong(400, "ErrorInvalidUrlQueryFilter")
        if self.finds_nothing_at_first and "$skip" not in request.query_params:
            link = f"{self._base('messages')}?$filter={quote(which)}&$skip=10"
            return JSONResponse({"value": [], "@odata.nextLink": link})
        return JSONResponse(
            {
                "value": [
                    {
                        "id": one.id,
                        "isDraft": one.is_draft,
                        "toRecipients": [{"emailAddress": {"name": PROSE, "address": box}} for box in one.to],
                    }
                    for one in found
                ]
            }
        )

    def _delta(self, request: Request) -> Response:
        prefers = request.headers.get("prefer", "")
        size = int(_found(_PAGE, prefers) or 10)
        asked = request.query_params
        place = asked.get("$skiptoken") or asked.get("$deltatoken")
        if place is None:
            assert asked["changeType"] == "created"
            since = datetime.fromisoformat(_found(_SINCE, asked["$filter"]))
            generation, at, text = self.generation, 0, since.isoformat()
        else:
            said, number, text = place.split("|")
            generation, at, since = int(said), int(number), datetime.fromisoformat(text)
        if generation != self.generation:
            return _wrong(410, "SyncStateNotFound")
        here = self.changes[at : at + size]
        more = at + size < len(self.changes)
        word = "$skiptoken" if more else "$deltatoken"
        link = (
            f"{self._base('mailFolders/inbox/messages/delta')}?{word}={quote(f'{generation}|{at + len(here)}|{text}')}"
        )
        rows = [
            {"id": one.id} | ({"@removed": {"reason": "deleted"}} if how == "removed" else {})
            for how, one in here
            if one.received is not None and one.received >= since
        ]
        return JSONResponse({"value": rows, "@odata.nextLink" if more else "@odata.deltaLink": link})

    def _mail(self, request: Request, wanted: str) -> Response:
        if 'IdType="ImmutableId"' not in request.headers.get("prefer", ""):
            return _wrong(404, "ErrorItemNotFound")  # ids of the other kind change with the folder
        gone = {one.id for how, one in self.changes if how == "removed"}
        found = next((one for _, one in self.changes if one.id == wanted and one.id not in gone), None)
        if found is None:
            return _wrong(404, "ErrorItemNotFound")
        return Response(found.message, media_type="text/plain")

    def _base(self, path: str) -> str:
        return f"{self.links_to or self.authority}/v1.0/users/{quote(MAILBOX, safe='@')}/{path}"


def _wrong(status: int, code: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        json.dumps({"error": {"code": code, "message": PROSE}}),
        status,
        dict(headers or {}),
        media_type="application/json",
    )


async def _half() -> AsyncIterator[bytes]:
    yield b"{"


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


@contextmanager
def serving_graph(folder: Path) -> Iterator[FakeGraph]:
    """The service on a free port of loopback, under a certificate that only its own CA vouches for."""
    fake = FakeGraph(folder)
    chain = folder / "server.pem"
    fake.ca.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(chain))
    with listening() as listener, over_tls(fake.app(), chain, listener) as address:
        fake.authority = address
        yield fake
