"""How a simulated person asks the program: by the routes of its JSON, as one who is signed in.

Most requests call the route's own function in this process, with the context that a sign-in gives, and in the order of
a request: the context, what is said, the function, what it touched, the commit. The others are whole requests through
the whole application, with a cookie of a real sign-in. Both give the same answer.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, cast
from urllib.parse import urlencode
from uuid import UUID

from fastapi import FastAPI, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.types import Message

from api.access import questions
from api.access.permissions import Asker, Forbidden, action_of, is_for_anyone
from api.access.session import SAFE_METHODS, Installation, RequestContext, context
from api.json import act_routes
from api.json.described import PREFIX
from api.json.idempotent_requests import IdempotentRequest, once_of
from api.web.answers import status_of
from domain.kernel import Refusal, local_day, remember
from domain.obligations import triggers
from domain.roles import standing
from simulation.journal import PAGE, Asked, Journal, SignedIn

HOST: Final = "127.0.0.1"
_UNPROCESSABLE: Final = 422
_NO_CONTENT: Final = 204
FAULT: Final = 500


class NothingShown(Exception):
    """An answer that was given again, to who sent the same once more: that it was done, and nothing else."""


@dataclass
class Answer:
    """What came of a request: its status, what was answered, and the code of a refusal.

    What an act in this process answers is read when somebody looks at it: mostly they see that it was done, and go on.
    `is_anew`: it was done by a route that does it once for each key, and not answered as before.
    """

    status: int
    shown: Any = None
    code: str = ""
    is_anew: bool = False
    is_again: bool = False
    later: Callable[[], Any] | None = field(default=None, repr=False, compare=False)

    @property
    def body(self) -> Any:
        """What was answered. Raises NothingShown where it is only said again that it was done."""
        if self.is_again:
            raise NothingShown
        if self.later is not None:
            self.shown, self.later = self.later(), None
        return self.shown

    @property
    def is_done(self) -> bool:
        """Whether it was done, or shown."""
        return self.status < 400

    def __getitem__(self, key: str) -> Any:
        return self.body[key]


@dataclass(frozen=True)
class _Called:
    """A route, and how its function is called."""

    method: str
    path: re.Pattern[str]
    route: APIRoute
    how: Callable[[RequestContext, Mapping[str, str], Any, Mapping[str, Any], str], dict[str, Any]]


class Desk:
    """One web process of a simulated installation, and everybody's way into it."""

    def __init__(
        self,
        app: FastAPI,
        installation: Installation,
        program_id: UUID,
        loop: asyncio.AbstractEventLoop,
        journal: Journal,
    ) -> None:
        self.app, self.installation, self.program_id, self._loop = app, installation, program_id, loop
        self._journal = journal
        routes = [one.original_route for one in iter_route_contexts(app.routes)]
        if not sum(put_off_telling(getattr(one, "endpoint", None)) for one in routes):
            msg = "no act keeps what it would answer: api.json.act_routes tells it otherwise now"
            raise LookupError(msg)

    # ------------------------------------------------------------------------------------------ within this process

    def ask(self, person_id: UUID, method: str, path: str, said: Any = None, *, key: str = "", **query: Any) -> Answer:
        """Ask as a person, in this process. Whatever the program itself fails by is raised."""
        called, parts = self._find(method, path)
        self._journal.note(Asked(self._now, person_id, "", method, path, said, query, key))
        questions.begin()
        with self.installation.of_program(self.program_id) as session:
            at = self.installation.clock()
            asker = Asker(person_id, standing(session, local_day(session, at)))
            if not asker.is_staff:
                return Answer(401)
            if method in SAFE_METHODS:
                remember(session)
            here = RequestContext(session, asker, at, self.installation)
            try:
                given = called.how(here, parts, said, query, key)
                putting_off = _PUT_OFF.set([])
                try:
                    answered = called.route.endpoint(**given)
                    put_off = _PUT_OFF.get()
                finally:
                    _PUT_OFF.reset(putting_off)
                action = action_of(called.route.endpoint)
                if action is None or not is_for_anyone(action):
                    questions.hold_that_asked(action or "")
                later = _told_later(session, put_off[0]) if put_off else None
                body = None if later else _told(answered)
                triggers.judge_touched(session, at=self.installation.clock())
                session.commit()
            except (Refusal, Forbidden, HTTPException, ValidationError) as refused:
                session.rollback()
                return _refused(refused)
        by_key = any(isinstance(one, IdempotentRequest) for one in given.values()) and not query.get("preview")
        is_again = isinstance(answered, Response) and "Idempotency-Replayed" in answered.headers
        is_anew = by_key and not isinstance(answered, Response)
        return Answer(called.route.status_code or 200, body, is_anew=is_anew, is_again=is_again, later=later)

    @cached_property
    def _routes(self) -> dict[tuple[str, int], list[_Called]]:
        found: dict[tuple[str, int], list[_Called]] = {}
        for one in iter_route_contexts(self.app.routes):
            route = one.original_route
            if not isinstance(route, APIRoute) or not route.path.startswith(PREFIX):
                continue
            pattern = re.compile(
                "".join(
                    f"(?P<{p[1:-1]}>[^/]+)" if p.startswith("{") else re.escape(p)
                    for p in re.split(r"({\w+})", route.path)
                )
            )
            for method in route.methods or ():
                found.setdefault((method, route.path.count("/")), []).append(
                    _Called(method, pattern, route, _how_called(route))
                )
        return found

    @property
    def _now(self) -> datetime:
        return self.installation.clock()

    def _find(self, method: str, path: str) -> tuple[_Called, Mapping[str, str]]:
        whole = PREFIX + path
        for called in self._routes.get((method, whole.count("/")), ()):
            if parts := called.path.fullmatch(whole):
                return called, parts.groupdict()
        msg = f"no route: {method} {whole}"
        raise LookupError(msg)

    # ------------------------------------------------------------------------------------------------- over the web

    def sign_in(self, person_id: UUID) -> str:
        """Begin a sign-in, as a browser does, and give its cookie: "" where it was refused."""
        self._journal.note(SignedIn(self._now, person_id))
        typed = {"program": str(self.program_id), "person": str(person_id)}
        _, headers, _ = self._send("POST", "/sign-in", urlencode(typed).encode(), form=True)
        return dict(headers).get(b"set-cookie", b"").decode().partition(";")[0]

    def sign_out(self, cookie: str) -> None:
        """End a sign-in by its cookie."""
        self._journal.note(SignedIn(self._now, None, cookie))
        self._send("POST", "/sign-out", b"", cookie=cookie, form=True)

    def send(
        self, cookie: str, method: str, path: str, said: Any = None, *, key: str = "", seen: str = "*", **query: Any
    ) -> Answer:
        """Send a whole request under a cookie."""
        self._journal.note(Asked(self._now, None, cookie, method, path, said, {**query, "seen": seen}, key))
        whole = f"{PREFIX}{path}" + (f"?{urlencode(query)}" if query else "")
        body = b"" if said is None else json.dumps(said, default=str).encode()
        status, _, answered = self._send(method, whole, body, cookie=cookie, key=key, seen=seen)
        told = json.loads(answered) if answered else None
        code = told.get("code", "") if status >= 400 and isinstance(told, dict) else ""
        return Answer(status, told, code)

    def page(self, cookie: str, path: str) -> Answer:
        """Ask for a page under a cookie: its text."""
        given = self.file(cookie, path)
        return Answer(given.status, given.body.decode())

    def file(self, cookie: str, path: str) -> Answer:
        """Ask for a file under a cookie: its bytes."""
        self._journal.note(Asked(self._now, None, cookie, PAGE, path, None, {}, ""))
        status, _, body = self._send("GET", path, b"", cookie=cookie)
        return Answer(status, body)

    def _send(
        self,
        method: str,
        address: str,
        body: bytes,
        *,
        cookie: str = "",
        key: str = "",
        seen: str = "",
        form: bool = False,
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        path, _, query = address.partition("?")
        kind = b"application/x-www-form-urlencoded" if form else b"application/json"
        headers = [(b"host", HOST.encode()), (b"content-type", kind), (b"content-length", str(len(body)).encode())]
        headers += [(b"cookie", cookie.encode())] if cookie else []
        headers += [(b"idempotency-key", key.encode())] if key else []
        headers += [(b"if-match", seen.encode())] if seen else []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": headers,
            "server": (HOST, 80),
            "client": (HOST, 1),
            "state": {},
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def take(message: Message) -> None:
            sent.append(message)

        self._loop.run_until_complete(self.app(scope, receive, take))
        answered = b"".join(one.get("body", b"") for one in sent[1:])
        return cast("int", sent[0]["status"]), sent[0]["headers"], answered


_How = Callable[[RequestContext, Mapping[str, str], Any, Mapping[str, Any], str], dict[str, Any]]


#: Where what acts would answer is kept, to be read when it is looked at; None where it is answered at once.
_PUT_OFF: Final[ContextVar[list[Callable[[], Any]] | None]] = ContextVar("put_off", default=None)


def put_off_telling(endpoint: Any) -> bool:
    """Have a declared act keep what it would answer where that is asked for, instead of reading it at once.

    Whether it does so.
    """
    if not hasattr(endpoint, "__act__"):
        return False
    reply = inspect.getclosurevars(endpoint).nonlocals["answer"]
    if reply.__module__ != act_routes.__name__:
        return False  # a page, or one that is foreseen: it acts in what it tells
    cells = dict(zip(reply.__code__.co_freevars, reply.__closure__ or (), strict=True))
    tell = cells["tell"].cell_contents if "tell" in cells else None
    if tell is None or hasattr(tell, "is_put_off"):
        return tell is not None

    def tell_later(*asked: Any) -> Any:
        kept = _PUT_OFF.get()
        if kept is None:
            return tell(*asked)
        kept.append(lambda: tell(*asked))
        return None

    tell_later.is_put_off = True  # type: ignore[attr-defined]
    cells["tell"].cell_contents = tell_later
    return True


def _told_later(session: Session, tell: Callable[[], Any]) -> Callable[[], Any]:
    """What tells what was answered, in a transaction of its own."""

    def told() -> Any:
        with session:
            shown = _told(tell())
            session.commit()
        return shown

    return told


def _how_called(route: APIRoute) -> _How:
    """How a route's function is called, worked out once from what it declares."""
    return _how_given(route, route.dependant)


def _how_given(route: APIRoute, dependant: Dependant) -> _How:
    """How a function is called that a route asks, from what it declares: the route's own, or one before it."""
    asked = inspect.signature(cast("Callable[..., Any]", dependant.call), eval_str=True).parameters
    depends = {str(one.name): _how_found(route, one) for one in dependant.dependencies}
    body = dependant.body_params[0] if dependant.body_params else None
    in_path = {one.name: TypeAdapter(asked[one.name].annotation) for one in dependant.path_params}
    in_query = {one.name: (one.alias, TypeAdapter(asked[one.name].annotation)) for one in dependant.query_params}
    response = dependant.response_param_name

    def how(
        here: RequestContext, parts: Mapping[str, str], said: Any, query: Mapping[str, Any], key: str
    ) -> dict[str, Any]:
        given: dict[str, Any] = {name: kind.validate_python(parts[name]) for name, kind in in_path.items()}
        given |= {
            name: kind.validate_python(query[alias]) for name, (alias, kind) in in_query.items() if alias in query
        }
        given |= {name: find(here, parts, said, query, key) for name, find in depends.items()}
        if body is not None:
            given[body.name] = TypeAdapter(asked[body.name].annotation).validate_python(said)
        if response:
            given[response] = Response()
        if "if_match" in asked:
            given["if_match"] = query.get("if_match", "*")
        return given

    return how


def _how_found(route: APIRoute, dependant: Dependant) -> Callable[..., Any]:
    """How that is found on which a function depends. What is not known here calls a function of its own."""
    call = cast("Callable[..., Any]", dependant.call)
    if call is context:
        return lambda here, *_: here
    if call is once_of:
        method = next(iter(route.methods or ()))
        return lambda here, _parts, _said, _query, key: IdempotentRequest(here, f"{method} {here.at.isoformat()}", key)
    how = _how_given(route, dependant)
    return lambda *asked: _come(call(**how(*asked)))


def _come(answered: Any) -> Any:
    """What a function answers, also one that could wait and does not."""
    if not inspect.iscoroutine(answered):
        return answered
    try:
        answered.send(None)
    except StopIteration as come:
        return come.value
    msg = "it waits for something: send it over the web"
    raise LookupError(msg)


def _told(answered: Any) -> Any:
    """What was answered, as JSON tells it."""
    if isinstance(answered, BaseModel):
        return answered.model_dump(mode="json", by_alias=True)
    if isinstance(answered, Response):
        body = bytes(answered.body)
        is_json = answered.media_type == "application/json" and body
        return json.loads(body) if is_json else None
    if isinstance(answered, list):
        return [_told(one) for one in answered]
    return answered


def _refused(refused: Exception) -> Answer:
    if isinstance(refused, Refusal):
        return Answer(status_of(refused), code=refused.code)
    if isinstance(refused, Forbidden):
        return Answer(404)
    if isinstance(refused, HTTPException):
        return Answer(refused.status_code)
    return Answer(_UNPROCESSABLE, code="malformed")
