"""Which language a page speaks: the one asked for, else the one chosen before, else the browser's, else French."""

from __future__ import annotations

from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from locales import DEFAULT_LANGUAGE, LANGUAGES, is_language, speaking

COOKIE: Final = "lang"
PARAMETER: Final = "lang"
_YEAR_SECONDS: Final = 365 * 24 * 3600


def choose(*, asked: str | None, remembered: str | None, accepted: str) -> str:
    """The language of an answer: "fr" or "en".

    `asked` is the address's own ?lang=, `remembered` the cookie, `accepted` the Accept-Language header. What
    names no language of the program is passed over, never an error.
    """
    for wish in (asked, remembered):
        if is_language(wish):
            return wish
    return _best(accepted)


def address_in(lang: str, scope: Scope) -> str:
    """The address of the page asked for, in the other language: same path, same filters."""
    query = scope.get("query_string", b"").decode("latin-1")
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != PARAMETER]
    # Relative to the page itself, so that a proxy's prefix and a path's odd letters stay as they came.
    return "?" + urlencode([*kept, (PARAMETER, lang)])


class LanguageMiddleware:
    """Sets the language for all that answers a request, says it in the headers, and remembers a choice.

    `silent_under` are the paths of files that have no language: style sheets and icons.
    """

    def __init__(self, app: ASGIApp, *, silent_under: Sequence[str] = ("/static/",)) -> None:
        self.app = app
        self.silent_under = tuple(silent_under)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request in its language."""
        if scope["type"] != "http" or scope["path"].startswith(self.silent_under):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))).get(PARAMETER)
        lang = choose(
            asked=asked, remembered=_cookie(headers.get("cookie", "")), accepted=headers.get("accept-language", "")
        )

        async def send_with_language(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.setdefault("Content-Language", LANGUAGES[lang].replace("_", "-"))
                answer.add_vary_header("Accept-Language, Cookie")
                if is_language(asked):
                    answer.append("Set-Cookie", _remember(lang, secure=scope.get("scheme") == "https"))
            await send(message)

        with speaking(lang):
            await self.app(scope, receive, send_with_language)


def _best(accepted: str) -> str:
    """The first of the program's languages in the order of the browser's wishes; French if it has none."""
    wishes: list[tuple[float, str]] = []
    for part in accepted.split(","):
        tag, _, parameter = part.partition(";")
        weight = _weight(parameter)
        lang = tag.strip().split("-")[0].lower()
        if weight > 0 and is_language(lang):
            wishes.append((-weight, lang))
    # Sorted by weight alone: among equals the one named first stands.
    return min(wishes, key=lambda wish: wish[0])[1] if wishes else DEFAULT_LANGUAGE


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip().lower() == "q" and 0.0 <= weight <= 1.0 else 0.0


def _cookie(header: str) -> str | None:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def _remember(lang: str, *, secure: bool) -> str:
    end = "; Secure" if secure else ""
    return f"{COOKIE}={lang}; Path=/; Max-Age={_YEAR_SECONDS}; SameSite=Lax; HttpOnly{end}"
