"""How refusals and errors are answered: a page for people, problem+json under /api/, and never what was sent in.

But for what people wrote in their own words in a form: a page gives that back to its writer, who would lose it.

Forbidden and absent are one answer: same status, same body.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from http import HTTPStatus
from itertools import takewhile
from typing import Final, NotRequired, TypedDict

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException

from api.access import denials
from api.access.request_rates import TooManyRequests
from api.views.sentences import sentence_of
from api.web.given import ActInput, words_of
from api.web.rendering import render
from domain.kernel import Refusal
from domain.participants import TOO_MANY
from locales import N_, current_language, say

_log = logging.getLogger("spheres.web")

PROBLEM: Final = "application/problem+json"

#: What a refusal's code means over HTTP, by its last word or, failing that, by its first. All else is a conflict.
_STATUS: Final = {
    "unknown": 404,
    "changed": 412,
    "too_long": 422,
    "too_large": 413,
    "too_many": 429,
    "missing": 422,
    "not_text": 422,
    "empty": 422,
    "unknown_kind": 422,
    "not_what_it_says": 422,
    "locked": 422,
    "macros": 422,
    "damaged": 422,
    "no_label": 422,
    "long_label": 422,
    "address": 422,
    "name": 422,
    "language": 422,
    "kinds": 422,
    "ends_first": 422,
    "out_of_reach": 422,
    "malformed": 422,
}

#: Of what does not fit in a request: whoever wrote more than that wrong finds the rest when these are put right.
_MOST_PLACES: Final = 100

_TITLES: Final = {
    400: N_("This request cannot be read."),
    401: N_("Sign in first."),
    403: N_("This request is not allowed."),
    404: N_("There is nothing here, or nothing that you may see."),
    405: N_("This cannot be done here."),
    409: N_("This cannot be done now."),
    412: N_("This changed meanwhile."),
    413: N_("This is too large: a file has 10 MB at most."),
    414: N_("This address is too long."),
    415: N_("This is not in the expected form."),
    421: N_("This program cannot be reached by that name."),
    422: N_("Something in this request is missing or not right."),
    428: N_("Say which version you saw."),
    429: N_("There were too many attempts from here. Wait a quarter of an hour, then try again; nothing is lost."),
    431: N_("Your browser sends too much with this request. Clear the data of this site, then try again."),
    500: N_("Something went wrong on our side. Nothing was saved; try again."),
    # It may be the answer to the commit that was lost: whether it was saved, nobody can say here.
    503: N_(
        "The program’s database does not answer for the moment. Try again shortly, and "
        "check first whether it was saved."
    ),
}


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal."""
    return _STATUS.get(refusal.code.rpartition(".")[2], 409)


def wants_json(request: Request) -> bool:
    """Whether the request is one of the API's."""
    return request.url.path.startswith("/api/")


class Misfit(TypedDict):
    """A place of a request that does not fit: what is wrong with it, and from where to where in its text."""

    where: str
    kind: str
    at: NotRequired[list[int]]


def answer(
    request: Request,
    status: int,
    *,
    detail: str = "",
    code: str = "",
    source: str = "",
    headers: dict[str, str] | None = None,
    errors: Sequence[Misfit] | None = None,
    kept: Sequence[str] = (),
) -> Response:
    """An error as the window shows it; a page with what was written, where it is `kept` for its writer."""
    title = say(current_language(), _TITLES.get(status, _TITLES[400]))
    if wants_json(request):
        body: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
        body["detail"] = detail or title
        body |= {name: value for name, value in (("code", code), ("source", source), ("errors", errors)) if value}
        return JSONResponse(body, status, headers, media_type=PROBLEM)
    was_sent = request.method != "GET"
    said = {"title": title, "detail": detail, "code": status, "words_kept": kept, "was_sent": was_sent}
    return render(request, "error.html", status=status, headers=headers, **said)


async def refused(request: Request, refusal: Exception) -> Response:
    """A rule said no: its sentence, its code, the guide's reason."""
    assert isinstance(refusal, Refusal)  # noqa: S101  # registered for it alone
    headers = None
    if refusal.code == TOO_MANY:
        headers = {"Retry-After": str(60 * int(str(refusal.facts["minutes"])))}
        try:
            await denials.stopped(request)
        except (OperationalError, NoConnection) as error:
            return await database_away(request, error)
    return answer(
        request,
        status_of(refusal),
        detail=sentence_of(refusal),
        code=refusal.code,
        source=refusal.source,
        headers=headers,
    )


async def not_found(request: Request, _: Exception) -> Response:
    """Not theirs to see, or not there: the same. Told in the record first: what cannot be told is not answered."""
    try:
        await denials.refused(request)
    except (OperationalError, NoConnection) as error:
        return await database_away(request, error)
    return answer(request, 404, kept=await _written(request))


async def _written(request: Request) -> list[str]:
    """What was written in the form of an act on a page, which may be someone else's since: its writer has it back.

    But not of a participant: no refusal holds what may name one.
    """
    act = getattr(request.scope.get("endpoint"), "__act__", None)
    if act is None or act.said is None or act.nominative or wants_json(request):
        return []
    form = await request.form()
    names = dict.fromkeys((*words_of(act.said), *_OF_ANY_TASK))
    return [text for name in names for text in form.getlist(name) if isinstance(text, str) and text.strip()]


#: The fields in which people write in their own words in the forms of tasks, whatever the act's shape calls them.
_OF_ANY_TASK: Final = ("words", "note")


async def not_signed_in(request: Request, _: Exception) -> Response:
    """The answer to a request without a sign-in: a page leads to the sign-in, the API says so."""
    try:
        await denials.not_signed_in(request)
    except (OperationalError, NoConnection) as error:
        return await database_away(request, error)
    if wants_json(request):
        return answer(request, 401)
    return RedirectResponse(request.app.url_path_for("sign_in"), 303)


async def slow_down(request: Request, error: Exception) -> Response:
    """A signed-in person asked more than one may: until when, and all that they typed, to be sent again."""
    assert isinstance(error, TooManyRequests)  # noqa: S101  # registered for it alone
    minutes = -(-error.seconds // 60)
    detail = say(current_language(), _SLOW_DOWN, minutes=minutes)
    if wants_json(request) or request.method != "POST":
        return answer(request, 429, detail=detail, code="requests.too_many", headers=dict(error.headers or {}))
    form = await request.form()
    typed = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return render(
        request,
        "slow_down.html",
        status=429,
        headers=dict(error.headers or {}),
        detail=detail,
        again=request.url.path,
        typed=typed,
        had_files=len(typed) < len(form.multi_items()),
    )


_SLOW_DOWN: Final = N_(
    "You asked more of the program than one person may in a quarter of an hour. "
    "Continue in %(minutes)s min; nothing is lost."
)


async def http_error(request: Request, error: Exception) -> Response:
    """An error of the framework: no such route, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it alone
    headers = dict(error.headers) if error.headers else None
    return answer(request, error.status_code, headers=headers)


async def malformed(request: Request, error: Exception) -> Response:
    """A request that does not fit: where and why, never the value that was sent."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it alone
    # An id that is no id is an address with nothing behind it.
    found: list[tuple[tuple[int | str, ...], str]] = [(one["loc"], one["type"]) for one in error.errors()]
    if any(place[:1] == ("path",) for place, _ in found):
        return answer(request, 404)
    misfits: list[Misfit] = [{"where": _place(*one), "kind": one[1]} for one in found[:_MOST_PLACES]]
    named = "" if wants_json(request) else _named(place for place, _ in found)
    return answer(request, 422, errors=misfits, detail=named)


def _named(places: Iterable[tuple[int | str, ...]]) -> str:
    """What does not fit of a page's form or address, in words: where these are ours to say."""
    language = current_language()
    names = dict.fromkeys(say(language, _ON_PAGES.get(str(place[-1]), _HIDDEN)) for place in places)
    return say(language, N_("Missing, or not right: %(what)s."), what=", ".join(names))


_HIDDEN: Final = N_("a hidden field")
#: What of a page's forms and addresses the framework itself reads; fields in which people write are read by the acts.
_ON_PAGES: Final = {
    "seen": N_("the version of the page that the form was on – open the page again"),
    "q": N_("the words to search for, at most 200 characters"),
    "document": N_("the file"),
    "version": N_("the version in the address"),
    "edition": N_("the language in the address"),
    **dict.fromkeys(("month", "year", "first", "last"), N_("the day or the period in the address")),
    **dict.fromkeys(("committee", "protocol", "state"), N_("a choice of the filter")),
    **dict.fromkeys(("before", "start"), N_("the place in the list")),
}


def _place(found: tuple[int | str, ...], kind: str) -> str:
    """Where something does not fit, in names of ours: an unknown field, or a key, is the asker's own word."""
    head, *within = found[:-1] if kind == "extra_forbidden" else found
    if head == "body":
        within = [*in_names_of_ours(within)]
    return ".".join(str(part) for part in (head, *within))


def in_names_of_ours(within: Iterable[int | str]) -> Iterator[int | str]:
    """A path into a body, as far as it goes by places in lists and by fields that are ours."""
    return takewhile(lambda part: isinstance(part, int) or part in _fields(), within)


@cache
def _fields() -> frozenset[str]:
    """The name of every field of a body."""
    found, models = set[str](), [ActInput]
    while models:
        model = models.pop()
        found |= set(model.model_fields)
        models += model.__subclasses__()
    return frozenset(found)


async def database_away(request: Request, error: Exception) -> Response:
    """The database stopped, or has no connection left. It may be tried again, under its key where it had one."""
    _log.warning("the database does not answer", extra={"error": type(error).__name__})
    return answer(request, 503, headers={"Retry-After": "5"})


async def database_restored(request: Request, error: Exception) -> Response:
    """An older copy of the database was put back meanwhile: nothing of it is served before that was dealt with."""
    _log.error("the database was restored; see spheres ledger check", extra={"error": type(error).__name__})
    return answer(request, 503, headers={"Retry-After": "5"})


async def ledger_away(request: Request, error: Exception) -> Response:
    """What this would end has to stand in the ledger first, and it cannot be written: nothing was done."""
    _log.error("the ledger cannot be written", extra={"error": type(error).__name__})
    return await refused(
        request,
        Refusal(
            "ledger.unusable",
            N_(
                "This ends or closes something, which has to be written outside the database first, and that cannot "
                "be done now. Nothing was changed. Tell those who run the installation."
            ),
        ),
    )


async def fault(request: Request, error: Exception) -> Response:
    """A fault of ours. The log names its kind and place, and never its text, which may hold what was sent."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f"{at.tb_frame.f_globals.get('__name__')}:{at.tb_lineno}" if at else "nowhere"
    _log.error("fault", extra={"error": type(error).__name__, "place": place})
    return answer(request, 500)
