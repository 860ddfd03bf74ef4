"""Someone with bad intent: follows every link, sends every form, and holds each answer to what is promised of any."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, quote_from_bytes, urljoin, urlsplit

import httpx2
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from httpx2 import Response
from starlette.routing import Mount, compile_path

from locales import LANGUAGES
from tests.api.application import ADDRESS
from tests.hardening.pages import MARK, Form, Page, foreign
from tests.hardening.test_headers import faults
from tests.matrix.askers import Kind, cookie_of

#: How a program that fails shows itself.
OF_A_FAULT: Final = re.compile(r"Traceback|\.py[\", ]|sqlalchemy|psycopg|pydantic|starlette|jinja2", re.IGNORECASE)

Fields = Sequence[tuple[str, str]]

_FORM: Final = "application/x-www-form-urlencoded"
_BOUNDARY: Final = "zq7boundary"

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Found:
    """A form, and the page on which it stands."""

    address: str
    form: Form
    action: str

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        """Forms of one key differ in whose things they are about, and in nothing else."""
        names = tuple(sorted({one.name for one in self.form.fields}))
        return self.form.method, _ID.sub("*", urlsplit(self.action).path), names


#: A file has no language; a letter's link and a calendar's address speak that of the person whose they are.
_OF_NO_LANGUAGE_ASKED: Final = frozenset(
    {"GET /static/{file}", "GET /answer/{token}", "POST /answer/{token}", "GET /calendar/{token}.ics"}
)


@dataclass
class Crawler:
    """One kind of asker in a browser, who speaks one language."""

    app: FastAPI
    kind: Kind
    language: str
    reached: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    marked: int = 0
    """How many pages showed hostile words, as words."""

    def __post_init__(self) -> None:
        # What a fault answers is looked at, and is not raised here.
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app, raise_app_exceptions=False), base_url=ADDRESS
        )
        self._routes = list(_routes(self.app))

    async def ask(
        self, method: str, address: str, *, content: bytes = b"", content_type: str = "", also: Fields = ()
    ) -> Response:
        """Ask once, as a browser would, and hold the answer."""
        headers = {"Accept-Language": self.language, "Sec-Fetch-Site": "same-origin", "Origin": ADDRESS, **dict(also)}
        if cookie := cookie_of(self.kind):
            headers["Cookie"] = f"spheres={cookie}"
        if content_type:
            headers["Content-Type"] = content_type
        answer = await self._client.request(method, address, headers=headers, content=content)
        self._client.cookies.clear()  # each asks with what is theirs alone
        self.reached |= {name for name in [self.route_of(method, address)] if name}
        self.statuses[answer.status_code] += 1
        self._hold(f"{method} {address[:300]} with {content[:600]!r} as {self.kind.column}", address, answer)
        return answer

    async def page(self, address: str) -> Page | None:
        """The page at an address, through whatever leads there; None where there is another thing, or none."""
        for _ in range(5):
            answer = await self.ask("GET", address)
            if answer.status_code not in (302, 303, 307):
                return page_of(address, answer)
            address = urljoin(address, answer.headers["location"])
        return None

    async def send(self, found: Found, fields: Fields) -> Response:
        """Send a form with these fields."""
        if found.form.method == "GET":
            # No client writes an address of any length.
            query = encoded([(name, value[:3_000]) for name, value in fields]).decode()
            return await self.ask("GET", f"{found.action.partition('?')[0]}?{query}")
        if found.form.is_multipart:
            files = {one.name for one in found.form.fields if one.kind == "file"}
            content_type = f"multipart/form-data; boundary={_BOUNDARY}"
            return await self.ask("POST", found.action, content=parts(fields, files), content_type=content_type)
        return await self.ask("POST", found.action, content=encoded(fields), content_type=_FORM)

    async def walk(self, starts: Iterable[str], *, most: int, pages: int | None = None) -> list[Found]:
        """Follow every link from `starts` on, or the first `pages` of them. The forms there, one a key.

        Of each route, and of each of its views, at most so many addresses are asked that show nothing new: neither a
        form, nor a way to a route. So a thing in a rare state is not left out behind many in the usual one.
        """
        waiting = deque(urljoin(ADDRESS, start) for start in starts)
        asked = set(waiting)
        ways: set[str] = set()
        visits: Counter[str] = Counter()
        forms: dict[tuple[str, str, tuple[str, ...]], Found] = {}
        while waiting and (pages is None or visits.total() < pages):
            address = waiting.popleft()
            route = self._view_of(address)
            if visits[route] >= most:
                continue
            visits[route] += 1
            page = await self.page(address)
            if page is None:
                continue
            stood = len(forms) + len(ways)
            for found in forms_of(page):
                forms.setdefault(found.key, found)
            for link in (link.partition("#")[0] for link in page.links):
                if link.startswith(ADDRESS) and link not in asked:
                    ways |= {self._view_of(link)}
                    asked.add(link)
                    waiting.append(link)
            if len(forms) + len(ways) > stood:
                visits[route] -= 1
        return list(forms.values())

    def _view_of(self, address: str) -> str:
        """The route of an address with what its query names: an earlier version of a thing is another page of it."""
        query = {name for name, _ in parse_qsl(urlsplit(address).query)}
        return f"{self.route_of('GET', address) or address} {sorted(query)}"

    def route_of(self, method: str, address: str) -> str | None:
        """The route of the application that answers at an address, as `tests.matrix.asked.Route` writes it."""
        path = urlsplit(address).path
        names = (name for methods, regex, name in self._routes if method in methods and regex.match(path))
        return next((f"{method} {name}" for name in names), None)

    def _hold(self, where: str, address: str, answer: Response) -> None:
        where = f"{where}: {answer.status_code}"
        assert answer.status_code < 500, where
        assert faults(answer) == [], where
        said = [*answer.headers.multi_items()]
        assert not any(MARK in name.lower() or (name == "set-cookie" and MARK in value) for name, value in said), where
        if "location" in answer.headers:
            assert re.match(r"/(?![/\\])", answer.headers["location"]), f"{where} leads to {answer.headers['location']}"
        if self.route_of("GET", address) in _OF_NO_LANGUAGE_ASKED:
            return
        language = dict(parse_qsl(urlsplit(address).query)).get("lang", "")
        language = language if language in LANGUAGES else self.language
        tag = LANGUAGES[language].replace("_", "-")
        assert answer.headers["content-language"] == tag, where
        page = page_of(address, answer)
        if page is None:
            return
        assert page.amiss == [], f"{where}: {page.amiss}"
        assert page.language == tag, where
        assert (words := list(foreign(page, language))) == [], f"{where}: {words}"
        said_here = " ".join(page.said)
        assert not OF_A_FAULT.search(said_here), where
        self.marked += MARK in said_here


def forms_of(page: Page) -> Iterator[Found]:
    """The forms of a page, each once for every address to which its buttons send it."""
    for form in page.forms:
        for action in (form.action, *form.also):
            yield Found(page.address, form, action)


def page_of(address: str, answer: Response) -> Page | None:
    """The page that an answer is, if it is one."""
    if answer.headers.get("content-type", "").startswith("text/html"):
        return _read(address, answer.text)
    return None


@lru_cache(maxsize=4)
def _read(address: str, text: str) -> Page:
    """A page, read once though it is held and then walked on from."""
    return Page(address, text)


def encoded(fields: Fields) -> bytes:
    """Fields as a browser writes them, halves of characters too, which Python's own would refuse."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in fields).encode()


def _quoted(text: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")


def parts(fields: Fields, files: Iterable[str]) -> bytes:
    """A form of several parts; a field among `files` becomes a file of that name, whose bytes say the same."""
    written = b""
    for name, value in fields:
        raw = value.encode("utf-8", "surrogatepass")
        # As browsers write a name: it cannot end the line, nor its own quotation marks.
        safe = raw.replace(b"\r", b"%0D").replace(b"\n", b"%0A").replace(b'"', b"%22")
        written += b"--" + _BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="' + name.encode() + b'"'
        if name in files:
            written += b'; filename="' + safe + b'"\r\nContent-Type: application/pdf'
        written += b"\r\n\r\n" + raw + b"\r\n"
    return written + b"--" + _BOUNDARY.encode() + b"--\r\n"


def _routes(app: FastAPI) -> Iterator[tuple[set[str], re.Pattern[str], str]]:
    for found in iter_route_contexts(app.routes):
        route = found.original_route
        path = str(found.path or getattr(route, "path", ""))
        if isinstance(route, Mount):
            yield {"GET"}, re.compile(f"{path}/"), f"{path}/{{file}}"
        else:
            yield set(getattr(route, "methods", None) or ()), compile_path(path)[0], path
