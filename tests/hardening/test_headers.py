"""The headers of every answer: each route, each way of refusing, and a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from httpx2 import Response
from starlette.routing import Mount

from api.access.session import Installation
from api.app import create_app
from api.web.headers import EVERYWHERE
from tests.api.application import ADDRESS, app_on, client_for, installation_of, nobody
from tests.cast import Cast

_TLS: Final = "https://spheres.example"


def over_tls(cast: Cast) -> TestClient:
    """A browser at an installation that is reached over https."""
    installation: Installation = replace(installation_of(cast.database), base_url=_TLS)
    return TestClient(create_app(installation), base_url=_TLS, follow_redirects=False, raise_server_exceptions=False)


def asked(client: TestClient) -> Iterator[tuple[str, Response]]:
    """Every route with every method of its own, asked with ids of nothing."""
    for found in iter_route_contexts(client.app.routes):  # type: ignore[attr-defined]  # the application's
        route = found.original_route
        path = str(found.path or getattr(route, "path", ""))
        if isinstance(route, Mount):
            path += "/app.css"
        path = re.sub(r"{[^}]*}", str(uuid4()), path)
        for method in sorted(getattr(route, "methods", None) or {"GET"}):
            yield f"{method} {path}", client.request(method, path)


def faults(answer: Response) -> list[str]:
    """What an answer's headers lack."""
    headers = answer.headers
    found = [name for name in EVERYWHERE if name not in headers]
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    if policy.get("default-src") != "'none'":
        found.append("default-src")
    if "sandbox" not in policy:
        if policy.get("frame-ancestors") != "'none'" or policy.get("base-uri") != "'none'":
            found.append("frames or base")
        if policy.get("form-action") not in ("'self'", "'none'"):
            found.append("form-action")
    if any(word in headers["content-security-policy"] for word in ("unsafe", "data:", "*", "http")):
        found.append("a loose policy")
    if headers["x-content-type-options"] != "nosniff":
        found.append("nosniff")
    if headers["referrer-policy"] not in ("same-origin", "no-referrer"):
        found.append("referrer")
    return found


@pytest.mark.parametrize("who", ["nobody", pytest.param("coordinator", marks=pytest.mark.ci)])
def test_every_route_answers_with_every_header(cast: Cast, who: str) -> None:
    client = nobody(cast.database) if who == "nobody" else client_for(cast.database, cast.people[who])
    seen: set[int] = set()
    for name, answer in asked(client):
        assert (name, faults(answer)) == (name, [])
        seen.add(answer.status_code)
        is_file = " /static/" in name
        assert (name, "no-store" in answer.headers["cache-control"]) == (name, not is_file)
    assert {200, 303, 404} <= seen  # answers, redirections and refusals were among them


def test_refusals_of_the_guard_and_of_the_framework_have_them(cast: Cast) -> None:
    client = nobody(cast.database)
    answers = {
        403: client.post("/sign-in", headers={"Sec-Fetch-Site": "cross-site"}),
        404: client.get("/nothing/here"),
        405: client.request("TRACE", "/sign-in"),
        413: client.post("/sign-in", headers={"Content-Length": "99999999"}),
        414: client.get("/sign-in?" + "a" * 9000),
        415: client.post("/sign-in", json={}),
        421: client.get("/sign-in", headers={"Host": "elsewhere.example"}),
        431: client.get("/sign-in", headers={"X-Much": "a" * 40_000}),
    }
    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    assert {status: faults(answer) for status, answer in answers.items()} == {status: [] for status in answers}


@pytest.mark.parametrize("path", ["/fault", "/api/v1/fault"])
def test_a_fault_of_ours_is_answered_with_them_and_tells_nothing(cast: Cast, path: str) -> None:
    app = app_on(cast.database)

    @app.get(path)
    def fail(word: str) -> None:
        raise RuntimeError(word)

    client = TestClient(app, base_url=ADDRESS, raise_server_exceptions=False)
    answer = client.get(path, params={"word": "hellebore"})
    assert (answer.status_code, faults(answer)) == (500, [])
    said = answer.text.replace("?word=hellebore", "")  # the link to the other language is the address itself
    assert "hellebore" not in said
    assert "Traceback" not in said
    assert "RuntimeError" not in said


@pytest.mark.parametrize("path", ["/fault", "/api/v1/fault"])
@pytest.mark.parametrize(
    ("asked", "language", "sentence"),
    [
        ({"headers": {"Accept-Language": "en-CA,fr;q=0.5"}}, "en-CA", "Something went wrong on our side."),
        ({"headers": {"Accept-Language": "fr"}}, "fr-CA", "Une erreur est survenue de notre côté."),
        ({"headers": {"Accept-Language": "fr", "Cookie": "lang=en"}}, "en-CA", "Something went wrong on our side."),
        ({"headers": {"Accept-Language": "en"}, "params": {"lang": "fr"}}, "fr-CA", "Une erreur est survenue"),
    ],
)
def test_a_fault_of_ours_is_told_in_the_readers_language(
    cast: Cast, path: str, asked: dict[str, Any], language: str, sentence: str
) -> None:
    app = app_on(cast.database)

    @app.get(path)
    def fail() -> None:
        raise RuntimeError

    client = TestClient(app, base_url=ADDRESS, raise_server_exceptions=False)
    answer = client.get(path, **asked)
    assert (answer.status_code, answer.headers["content-language"]) == (500, language)
    assert "Accept-Language, Cookie" in answer.headers["vary"]
    assert sentence in answer.text.replace("\u00a0", " ").replace("&nbsp;", " ")


def test_tls_is_asked_for_over_tls_alone_and_its_cookie_is_bound_to_the_host(cast: Cast) -> None:
    secure, plain = over_tls(cast), nobody(cast.database)
    for path in ("/sign-in", "/nothing", "/static/app.css", "/healthz"):
        assert "max-age=63072000" in secure.get(path).headers["strict-transport-security"]
        assert "strict-transport-security" not in plain.get(path).headers
    installation: Installation = secure.app.state.installation  # type: ignore[attr-defined]  # the application's
    assert installation.cookie == "__Host-spheres"
    given = secure.post("/sign-out", headers={"Origin": _TLS}).headers
    cookies = [cookie for cookie in given.get_list("set-cookie") if cookie.startswith("__Host-spheres=")]
    assert cookies
    for cookie in cookies:
        assert "secure" in cookie.lower()
        assert "path=/" in cookie.lower()
        assert "domain" not in cookie.lower()


def test_signing_out_clears_what_the_browser_kept(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    assert client.post("/sign-out").headers["clear-site-data"] == '"cache", "storage"'


def test_a_file_is_kept_where_its_address_names_its_contents(cast: Cast) -> None:
    client = nobody(cast.database)
    assert client.get("/static/app.css?v=1").headers["cache-control"] == "public, max-age=3600"
    assert client.get("/static/app.css").headers["cache-control"] == "public, no-cache"
    assert client.get("/static/nothing.css?v=1").headers["cache-control"] == "no-store"


def test_nothing_shows_the_description_in_a_page_of_elsewhere(cast: Cast) -> None:
    client = nobody(cast.database)
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404, 404, 404]
