"""Points at words that people send, where they have the shape of a name, a telephone, an address or a birth date.

It stands before every route, pages and JSON alike, so that no form is forgotten: a field is words unless it is listed
as something else (`NO_WORDS`). It never asks who is on file, so the same words are answered alike for everyone, known
or not (`domain.names.shapes`). It is an offer: a writer who sends them again, and says so, has them saved as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

import anyio
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.request_rates import TooManyRequests
from api.access.session import SAFE_METHODS, Installation, installation_of, sign_in_by
from api.web.answers import Misfit, answer, in_names_of_ours, slow_down, wants_json
from api.web.rendering import render
from domain.names import Kind, Ours, Shape, ours, shapes_in
from domain.participants import Referrer, Who, fields_of
from locales import N_, gettext

#: How a form says that its words were looked at, and how a request of the API does.
FIELD: Final = "words_seen"
HEADER: Final = "words-seen"
CODE: Final = "words.shape"

#: Fields that are no words about the work: who somebody of the staff, a referrer or a candidate is and how they are
#: reached, where that is what is asked for; and what a page or a program put there.
NO_WORDS: Final = frozenset(
    {
        *("given_name", "family_name", "email", "phone", "spoken", "languages", "language"),
        *(one.name for declared in (Who, Referrer) for one in fields_of(declared)),
        *("answer", "content", "once", "cookie", "token", "online_url", "digest", "shown"),
        *("drawn", "scan", "file_name"),  # a signature, and a name of a file that is not kept
        *(FIELD, "seen"),
        *("word", "others", "mark"),  # what is to be taken out, which names somebody
    }
)
#: Where words are looked at while they are typed: it says what this says, and saves nothing.
_LOOKS: Final = "/words"
#: Whoever holds the link that a letter brought writes here without a sign-in.
_BY_LINK: Final = re.compile(r"/(?:refer|answer)/[^/]+")
#: A draft that its author alone reads is saved while they type; it is looked at when it is sent.
_SAVES_A_DRAFT: Final = re.compile(r"/(?:referrals(?:/[^/]+)?|refer/[^/]+|tasks/[^/]+/summary)")
#: Here people sign in, by what a browser or a directory made: no words about the work, and looked at by nobody.
_SIGNS_IN: Final = re.compile(r"/(?:sign-in|sign-out|door|auth)(?:/.*)?")
#: Ids, which a page put there: by chance, their letters may be written like a name.
_IDS: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})?)?")
#: No form of ours holds more letters than this. To look at more is work that only who is signed in may ask for; and
#: no field of words takes more than a quarter of it, so that what is longer is refused by its rule.
MOST_LETTERS: Final = 100_000
_IN_MEMORY: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024

#: What each shape is called where it is pointed at.
KINDS: Final[Mapping[Kind, str]] = {
    "name": N_("Looks like a name"),
    "telephone": N_("Looks like a telephone number"),
    "email": N_("Looks like an e-mail address"),
    "address": N_("Looks like a home address"),
    "birth_date": N_("Looks like a date of birth"),
}


class Passage(NamedTuple):
    """Words that were pointed at, and what they are written like."""

    words: str
    kind: str


@dataclass(frozen=True)
class Pointed:
    """A field whose words were pointed at, and each shape in them."""

    field: str
    text: str
    shapes: tuple[Shape, ...]

    @property
    def passages(self) -> list[Passage]:
        """What is pointed at, each with what it is written like."""
        return [Passage(self.text[one.at : one.end], gettext(KINDS[one.kind])) for one in self.shapes]


class Pointing:
    """Answers a request whose words have such a shape with these words, to be looked at; lets all others through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or point at its words."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        if not _writes(request):
            await self.app(scope, receive, send)
            return
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
            try:
                await _take(receive, body)
            except HTTPException as refused:
                await answer(request, refused.status_code)(scope, receive, send)
                return
            fields = await _fields_of(request, body)
            try:
                pointed = await _pointed_at(request, fields)
            except TooManyRequests as stopped:
                await (await slow_down(Request(scope, _again(body)), stopped))(scope, receive, send)
                return
            if pointed:
                await _answered(request, fields, pointed)(scope, receive, send)
                return
            await self.app(scope, _again(body), send)


def point(fields: Iterable[tuple[str, str]], known: Ours, *, year: int) -> list[Pointed]:
    """Each field of words in which something has such a shape, in their order."""
    found = []
    for name, text in fields:
        if _takes_words(name) and 0 < len(text) <= MOST_LETTERS // 4 and not _is_written_by_a_page(text):
            shapes = shapes_in(_IDS.sub(_blank, text), known, year=year)
            if shapes:
                found.append(Pointed(name, text, shapes))
    return found


def _takes_words(name: str) -> bool:
    """Whether a field, or the innermost of a path in a body, takes words about the work."""
    own = next((part for part in reversed(name.split(".")) if not part.isdigit()), name)
    return own not in NO_WORDS


def _is_written_by_a_page(text: str) -> bool:
    """Whether a value is an id, or a day or a moment as a field of one sends it."""
    return _DAY.fullmatch(text) is not None or _IDS.fullmatch(text) is not None


def _blank(found: re.Match[str]) -> str:
    """As many letters that mean nothing, so that what stands beside an id stays where it is."""
    return "_" * len(found[0])


# ------------------------------------------------------------------------------------------------------- the request


def _writes(request: Request) -> bool:
    """Whether this request may write: signed in, or by a link. All others are turned away, or sign in."""
    installation = installation_of(request)
    if request.url.path == _LOOKS or _SIGNS_IN.fullmatch(request.url.path):
        return False
    return bool(request.cookies.get(installation.cookie)) or _BY_LINK.fullmatch(request.url.path) is not None


async def _take(receive: Receive, body: Any) -> None:
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        body.write(message.get("body", b""))
        more = message.get("more_body", False)


def _again(body: Any) -> Receive:
    """The body as it came, once more."""
    body.seek(0)

    async def give() -> Message:
        part = body.read(_CHUNK)
        return {"type": "http.request", "body": part, "more_body": len(part) == _CHUNK}

    return give


async def _fields_of(request: Request, body: Any) -> list[tuple[str, str]]:
    """Every text that is sent, by its field: of a form, or of a body of the API. What cannot be read is no words."""
    body.seek(0)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            return parse_qsl(body.read().decode(), keep_blank_values=True)
        if kind == "multipart/form-data":
            return await _of_multipart(request, body)
        if wants_json(request):
            return list(_texts(json.loads(body.read() or b"null"), ""))
    except (ValueError, RecursionError, MultiPartException, KeyError):
        return []
    return []


async def _of_multipart(request: Request, body: Any) -> list[tuple[str, str]]:
    async def parts() -> Any:
        while part := body.read(_CHUNK):
            yield part

    form = await MultiPartParser(request.headers, parts()).parse()
    try:
        return [
            (name, (value.filename or "") if isinstance(value, UploadFile) else value)
            for name, value in form.multi_items()
        ]
    finally:
        await form.close()


def _texts(said: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(said, str):
        yield name, said
    elif isinstance(said, list):
        for place, one in enumerate(said):
            yield from _texts(one, f"{name}.{place}")
    elif isinstance(said, dict):
        for key, one in said.items():
            yield from _texts(one, f"{name}.{key}" if name else key)


async def _pointed_at(request: Request, fields: list[tuple[str, str]]) -> list[Pointed]:
    """What is pointed at. It counts as one request of the asker. Raises TooManyRequests."""
    if _is_looked_at(request, fields):
        return []
    installation, is_by_link = installation_of(request), _BY_LINK.fullmatch(request.url.path) is not None
    desks: anyio.CapacityLimiter = request.app.state.desks
    if sum(len(text) for _, text in fields) > MOST_LETTERS:
        async with desks:
            if (
                is_by_link
                or await run_in_threadpool(sign_in_by, installation, request.cookies[installation.cookie]) is None
            ):
                return []  # the route turns it away
    year = installation.clock().year
    pointed = await run_in_threadpool(point, fields, Ours(), year=year)
    if not pointed or is_by_link:
        return pointed
    # The staff's own names are no participant's: they are read where something was found, and it may be one of them.
    async with desks:
        known = await run_in_threadpool(_ours, installation, request.cookies[installation.cookie])
    if known is None:
        return []
    pointed = await run_in_threadpool(point, fields, known[1], year=year)
    if pointed:
        # What is let through is counted by its route.
        async with desks:
            await run_in_threadpool(installation.requests.hit, known[0], installation.clock(), installation.transaction)
    return pointed


def _is_looked_at(request: Request, fields: list[tuple[str, str]]) -> bool:
    if not any(text for _, text in fields):
        return True  # there is nothing to look at
    if wants_json(request):
        return request.headers.get(HEADER, "") == "yes"
    said = dict(fields)
    saves = said.get("do") == "save" and _SAVES_A_DRAFT.fullmatch(request.url.path) is not None
    return saves or said.get(FIELD) == "yes"


def _ours(installation: Installation, token: str) -> tuple[UUID, Ours] | None:
    """The asker, and the names of the staff and organizations of their program; None without a sign-in."""
    signed_in = sign_in_by(installation, token)
    if signed_in is None:
        return None
    with installation.of_program(signed_in.program_id) as session:
        return signed_in.person_id, Ours.of(ours(session))


# ------------------------------------------------------------------------------------------------------- the answer

#: What the fields are called that people write in most.
_LABELS: Final[Mapping[str, str]] = {
    "title_fr": N_("Title in French"),
    "title_en": N_("Title in English"),
    "text_fr": N_("Decision in French"),
    "text_en": N_("Decision in English"),
    "note_fr": N_("What was said, in French"),
    "note_en": N_("What was said, in English"),
    "said_fr": N_("What was said, in French"),
    "said_en": N_("What was said, in English"),
    "reason": N_("Reason"),
    "reasons": N_("Reasons for referral"),
    "late_reason": N_("Why it cannot wait"),
    "note": N_("Note"),
    "words": N_("In your words"),
    "place": N_("Place"),
    "circumstances": N_("What happened"),
    "information": N_("Which information"),
    "measures": N_("Measures"),
    "document": N_("Name of the file"),
}


def _answered(request: Request, fields: list[tuple[str, str]], pointed: list[Pointed]) -> Any:
    if wants_json(request):
        errors: list[Misfit] = [
            {"where": _place(one.field), "kind": shape.kind, "at": [shape.at, shape.end]}
            for one in pointed
            for shape in one.shapes
        ]
        return answer(request, 422, detail=gettext(SAID), code=CODE, errors=errors)
    at = {(one.field, one.text): one for one in pointed}
    is_multipart = request.headers.get("content-type", "").startswith("multipart/form-data")
    files = _FILES if is_multipart else frozenset[str]()
    shown = [
        {
            "name": name,
            "value": value,
            "pointed": at.get((name, value)),
            "label": gettext(_LABELS.get(name, N_("What you wrote"))),
            "is_file": name in files,
        }
        for name, value in fields
        if name != FIELD
    ]
    query = f"?{request.url.query}" if request.url.query else ""
    return render(
        request,
        "pointed.html",
        status=422,
        action=request.url.path + query,
        fields=shown,
        is_multipart=is_multipart,
        files=sorted(files & {name for name, _ in fields}),
        seen_field=FIELD,
    )


def _place(field: str) -> str:
    """Where it stands in a body, as far as the path is in words of ours: a key may be the asker's own, and a name."""
    within = (int(part) if _IN_A_LIST.fullmatch(part) else part for part in field.split("."))
    return ".".join(str(part) for part in ("body", *in_names_of_ours(within)))


#: A place in a list, which is in no body as long as a telephone number.
_IN_A_LIST: Final = re.compile(r"0|[1-9]\d{0,3}")
#: What is said to a program that sent them.
SAID: Final = N_(
    "Some of these words look like a name, a telephone number, an address or a date "
    "of birth. Participants are identified by a number: write the number instead, or "
    "send the same again with the header Words-Seen: yes."
)
#: The fields by which a document comes.
_FILES: Final = frozenset({"document", "file"})
