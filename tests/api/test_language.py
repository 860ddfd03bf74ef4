"""Which language a page speaks, how it says so, and how a choice is remembered."""

from typing import Annotated

import pytest
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.web.language import LanguageMiddleware, address_in, choose
from locales import current_language


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.add_middleware(LanguageMiddleware)

    @app.get("/page")
    def page() -> HTMLResponse:
        return HTMLResponse(current_language(), headers={"Vary": "X-Part"})

    @app.get("/letter")
    async def letter() -> PlainTextResponse:
        return PlainTextResponse("Dear", headers={"Content-Language": "en"})

    @app.get("/static/app.css")
    def style() -> PlainTextResponse:
        return PlainTextResponse("body{}", media_type="text/css")

    @app.post("/page")
    def posted(lang: Annotated[str, Form()] = "") -> PlainTextResponse:
        return PlainTextResponse(f"{current_language()} {lang}")

    @app.get("/other")
    def other(request: Request) -> PlainTextResponse:
        return PlainTextResponse(address_in("en", request.scope))

    return TestClient(app)


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "lang"),
    [
        ("en", "fr", "fr-CA", "en"),
        (None, "en", "fr-CA", "en"),
        (None, None, "en-CA,en;q=0.9,fr;q=0.8", "en"),
        (None, None, "fr-CA,en;q=0.9", "fr"),
        (None, None, "en;q=0.2, fr;q=0.7", "fr"),
        (None, None, "EN-us", "en"),
        (None, None, "es, de;q=0.9, en;q=0.1", "en"),
        (None, None, "en;q=0", "fr"),
        (None, None, "en;q=nan", "fr"),
        (None, None, "en;q=7", "fr"),
        (None, None, "en;level=1", "fr"),
        (None, None, "iu", "fr"),
        (None, None, "*", "fr"),
        (None, None, "", "fr"),
        ("de", "es", "en", "en"),
        ("", "FR", "en", "en"),
    ],
)
def test_a_wish_goes_before_a_habit_and_a_habit_before_the_browser(
    asked: str | None, remembered: str | None, accepted: str, lang: str
) -> None:
    assert choose(asked=asked, remembered=remembered, accepted=accepted) == lang


@pytest.mark.ci
@given(st.text(max_size=80), st.text(max_size=20), st.text(max_size=20))
def test_no_header_whatever_it_holds_leaves_a_page_without_a_language(
    accepted: str, asked: str, remembered: str
) -> None:
    assert choose(asked=asked, remembered=remembered, accepted=accepted) in ("fr", "en")


def test_a_page_says_its_language_and_what_it_depends_on(client: TestClient) -> None:
    answer = client.get("/page", headers={"Accept-Language": "en-CA"})
    assert answer.text == "en"
    assert answer.headers["content-language"] == "en-CA"
    assert answer.headers["vary"] == "X-Part, Accept-Language, Cookie"
    assert "set-cookie" not in answer.headers


def test_what_is_written_in_one_language_alone_keeps_saying_so(client: TestClient) -> None:
    assert client.get("/letter").headers["content-language"] == "en"


def test_a_choice_is_remembered_until_another_is_made(client: TestClient) -> None:
    chosen = client.get("/page?lang=en", headers={"Accept-Language": "fr"})
    assert chosen.headers["set-cookie"] == "lang=en; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"
    assert client.get("/page", headers={"Accept-Language": "fr"}).text == "en"
    assert client.get("/page?lang=fr").text == "fr"
    assert client.get("/page", headers={"Accept-Language": "en"}).text == "fr"


def test_over_https_the_choice_travels_over_https_alone(client: TestClient) -> None:
    secure = TestClient(client.app, base_url="https://testserver")
    assert secure.get("/page?lang=en").headers["set-cookie"].endswith("; Secure")


def test_an_unknown_language_is_passed_over_and_not_remembered(client: TestClient) -> None:
    answer = client.get("/page?lang=%0d%0aSet-Cookie:x=1", headers={"Accept-Language": "en"})
    assert (answer.text, "set-cookie" in answer.headers) == ("en", False)


def test_a_broken_cookie_header_does_not_stop_a_page(client: TestClient) -> None:
    assert client.get("/page", headers={"Cookie": 'lang="en; \x01=;;;', "Accept-Language": "fr"}).text == "fr"


def test_a_form_field_called_lang_is_no_choice_of_language(client: TestClient) -> None:
    answer = client.post("/page", data={"lang": "en"}, headers={"Accept-Language": "fr"})
    assert answer.text == "fr en"
    assert "set-cookie" not in answer.headers


def test_a_style_sheet_has_no_language(client: TestClient) -> None:
    answer = client.get("/static/app.css?lang=en")
    assert "content-language" not in answer.headers
    assert "set-cookie" not in answer.headers


def test_the_switch_keeps_the_page_and_its_filters(client: TestClient) -> None:
    said = client.get("/other?late=&who=No%C3%ABl+%26+co&lang=fr&who=b").text
    assert said == "?late=&who=No%C3%ABl+%26+co&who=b&lang=en"
    assert client.get("/other").text == "?lang=en"
