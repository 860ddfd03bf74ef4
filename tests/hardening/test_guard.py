"""What the guard lets through, and what it refuses before anything is read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.app import create_app
from api.web.guard import FROM_ELSEWHERE, LARGEST_BODY, MOST_VALUES
from models.access import RateCount
from models.base import table_of
from tests.api.application import client_for, installation_of, nobody
from tests.cast import Cast

_count = table_of(RateCount)

_TLS: Final = "https://spheres.example"
_LETTER: Final = {"address": "manager.em@en-marge.example"}


def at(cast: Cast, base_url: str) -> TestClient:
    """A browser at an installation with this address."""
    installation = replace(installation_of(cast.database), base_url=base_url)
    return TestClient(create_app(installation), base_url=base_url, follow_redirects=False)


_WHENCE: Final[list[tuple[dict[str, str], bool]]] = [
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Origin": _TLS}, True),
    ({}, True),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": _TLS}, False),
    ({"Sec-Fetch-Site": ""}, False),
    ({"Origin": "https://elsewhere.example"}, False),
    ({"Origin": "https://spheres.example.elsewhere.example"}, False),
    ({"Origin": "http://spheres.example"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": "https://["}, False),
    ({"Origin": ""}, False),
]


def test_an_unsafe_request_comes_from_a_page_of_ours(cast: Cast) -> None:
    client = at(cast, _TLS)
    for headers, is_let_in in _WHENCE:
        for method in ("POST", "PUT", "DELETE", "PATCH", "MADEUP"):
            answer = client.request(method, "/sign-in/letter", data=_LETTER, headers=headers)
            assert (method, headers, answer.status_code != 403) == (method, headers, is_let_in)


#: How a browser asks for something on behalf of a page of another site, and whether it is by a link that was followed.
_ASKED_FROM_ELSEWHERE: Final[list[tuple[str, str, bool]]] = [
    ("navigate", "document", True),
    ("navigate", "iframe", False),
    ("navigate", "object", False),
    ("no-cors", "image", False),
    ("no-cors", "document", False),
    ("cors", "empty", False),
    ("no-cors", "script", False),
    ("no-cors", "empty", False),
]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_leads_here_by_a_link_and_loads_nothing_of_ours_into_itself(cast: Cast, site: str) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    read = f"/people/{cast.people['worker_codim']}"
    for mode, into, is_let_in in _ASKED_FROM_ELSEWHERE:
        headers = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": into}
        answer = client.get(read, headers={"Sec-Fetch-Site": site, **headers})
        assert (mode, into, answer.status_code) == (mode, into, 200 if is_let_in else 403)
        # Whatever a page of ours or its reader asks for is let in.
        for own in ("same-origin", "none"):
            assert client.get(read, headers={"Sec-Fetch-Site": own, **headers}).status_code == 200


def test_pages_of_another_site_do_not_use_up_the_tries_of_those_who_look_at_them(cast: Cast) -> None:
    client = nobody(cast.database)
    for mode, into, is_let_in in _ASKED_FROM_ELSEWHERE:
        if not is_let_in:
            headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": into}
            assert client.get("/sign-in/entra", headers=headers).status_code == 403
            assert client.post(FROM_ELSEWHERE, data={"state": "a"}, headers=headers).status_code == 403
    with cast.session() as session:
        assert session.scalars(select(_count.c.tries)).all() == []
    client.post(FROM_ELSEWHERE, data={"state": "a"}, headers={"Sec-Fetch-Site": "cross-site"})
    with cast.session() as session:
        assert session.scalars(select(_count.c.tries)).all() == [1]


_CALLED: Final[list[tuple[str, str, bool]]] = [
    (_TLS, "spheres.example", True),
    (_TLS, "SPHERES.example:8443", True),
    (_TLS, "elsewhere.example", False),
    (_TLS, "spheres.example.elsewhere.example", False),
    (_TLS, "elsewhere.example@spheres.example", False),
    (_TLS, "spheres.example/elsewhere", False),
    (_TLS, "localhost", False),
    (_TLS, "[::1", False),
    (_TLS, "", False),
    ("http://localhost:8400", "127.0.0.1:8400", True),
    ("http://localhost:8400", "[::1]:9000", True),
    ("http://localhost:8400", "rebound.example:8400", False),
]


def test_only_a_name_of_ours_is_answered(cast: Cast) -> None:
    browsers = {base_url: at(cast, base_url) for base_url, _, _ in _CALLED}
    for base_url, host, is_ours in _CALLED:
        answer = browsers[base_url].get("/sign-in", headers={"Host": host})
        assert (base_url, host, answer.status_code) == (base_url, host, 200 if is_ours else 421)
        # Whoever watches over the process asks by a number.
        assert browsers[base_url].get("/healthz", headers={"Host": host}).status_code == 200


def test_a_request_cannot_ask_to_be_taken_for_another_method(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    address = f"/api/v1/people/{cast.people['worker_codim']}/access"
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert client.post(address, headers={name: "DELETE"}).status_code == 400
        assert client.get(address, headers={name: "DELETE"}).status_code == 405
    assert client.post(f"{address}?_method=DELETE").status_code == 405


def test_an_address_with_a_nul_is_refused_before_anything_is_sought_by_it(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    for address in ("/cases?q=a%00", "/cases?protocol=%00", "/protocols/a%00", "/api/v1/cases?state=%00", "/%00"):
        assert client.get(address).status_code == 400
    assert client.get("/cases?q=a%2500").status_code == 200


def test_what_is_no_form_is_not_taken_for_one(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    for kind in ("application/json", "text/plain", "text/xml", "", "application/octet-stream"):
        answer = client.post("/people", content=b'{"given_name": "Jaspe"}', headers={"Content-Type": kind})
        assert (kind, answer.status_code) == (kind, 415)


def test_a_form_is_not_taken_for_json(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    assert client.post("/api/v1/people", data={"given_name": "Jaspe"}).status_code == 422


def test_a_body_is_too_large_before_any_of_it_is_read(cast: Cast) -> None:
    client = nobody(cast.database)
    for length in (str(LARGEST_BODY + 1), "9" * 40):
        headers = {"Content-Length": length, "Content-Type": "application/x-www-form-urlencoded"}
        assert client.post("/sign-in", headers=headers).status_code == 413


def test_a_body_of_no_stated_length_is_read_no_further_than_any_of_ours_goes(cast: Cast) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while taken < 2 * LARGEST_BODY:
            taken += 1 << 20
            yield b"a" * (1 << 20)

    headers = {"Content-Type": "multipart/form-data; boundary=a"}
    answer = nobody(cast.database).post("/sign-in/letter", content=endless(), headers=headers)
    assert answer.status_code in (400, 413)


def test_a_form_of_a_great_many_fields_is_refused(cast: Cast) -> None:
    body = "&".join(f"a{n}=" for n in range(1001))
    answer = nobody(cast.database).post(
        "/sign-in/letter", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 400


def test_a_hundred_and_one_headers_are_too_many(cast: Cast) -> None:
    headers = {f"X-Header-{n}": "a" for n in range(101)}
    assert nobody(cast.database).get("/sign-in", headers=headers).status_code == 431


@pytest.mark.ci
def test_the_api_is_given_no_more_values_than_it_takes_and_names_a_hundred_that_are_wrong(cast: Cast) -> None:
    """Each of a million unknown fields would be complained of, for half a minute, while nobody else is answered."""
    client = client_for(cast.database, cast.people["coordinator"])
    for many in ("{" + ",".join(f'"k{n}":1' for n in range(700_000)) + "}", "[" + "1," * 5_000_000 + "1]"):
        begun = time.process_time()
        assert client.post("/api/v1/people", content=many).status_code == 413
        assert time.process_time() - begun < 5
    some = client.post("/api/v1/people", json={f"k{n}": 1 for n in range(MOST_VALUES // 2)})
    assert (some.status_code, len(some.json()["errors"])) == (422, 100)
    # A document stands in base64, which has no comma.
    document = client.post("/api/v1/people", json={"content": "QUJD" * (2 << 20)})
    assert document.status_code == 422
