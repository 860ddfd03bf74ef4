"""The window's description of itself: served, whole, and true of what the window does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes with Prefect, without types

from api.json.described import PREFIX as UNDER
from api.web.given import ActInput
from tests.api.application import app_on
from tests.api.json.window import PREFIX, Asker, description, operations
from tests.cast import Cast

REFUSALS = {"400", "401", "403", "404", "405", "409", "412", "413", "414", "421", "422", "428", "429", "431", "503"}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


@pytest.mark.ci
def test_the_description_is_given_on_this_machine_alone_and_no_page_shows_it(cast: Cast) -> None:
    pages = ("/docs", "/redoc", "/openapi.json")
    for base_url in ("http://localhost:8400", "http://127.0.0.1:8400"):
        here = TestClient(app_on(cast.database, base_url=base_url), base_url=base_url, follow_redirects=False)
        answer = here.get(f"{PREFIX}/openapi.json")
        assert answer.status_code == 200
        assert answer.json() == description()
        assert answer.json()["openapi"].startswith("3.1")
        assert [here.get(page).status_code for page in pages] == [404, 404, 404]
    for base_url in ("https://spheres.example", "http://localhost.example"):
        client = TestClient(app_on(cast.database, base_url=base_url), base_url=base_url, follow_redirects=False)
        for method in ("GET", "HEAD"):
            assert client.request(method, f"{PREFIX}/openapi.json").status_code == 404
        assert [client.get(page).status_code for page in pages] == [404, 404, 404]


def test_every_reference_of_the_description_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in description()["components"]["schemas"]}
    named = set(_references(description()))
    assert len(named) > 15
    assert named <= known
    assert known - named == set()


@pytest.mark.parametrize("name", sorted(description()["components"]["schemas"]))
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(description()["components"]["schemas"][name])


def test_every_operation_has_a_name_of_its_own_a_sentence_and_its_answers() -> None:
    asked = operations()
    assert len(asked) >= 30
    assert len({one.described["operationId"] for one in asked}) == len(asked)
    for one in asked:
        assert one.described["description"].endswith("."), one
        answers = set(one.described["responses"])
        assert answers > REFUSALS, one
        # What may be previewed adds something, or answers what it would add.
        success = max(answers - REFUSALS)
        assert answers - REFUSALS == ({"200", "201"} if one.has("preview") and success == "201" else {success})
        assert success in ("200", "201", "204")
        declared = {place["name"] for place in one.described.get("parameters", ()) if place["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", one.path)), one


def test_every_route_of_the_window_is_described_and_nothing_of_the_pages_is() -> None:
    described = {one.path for one in operations()}
    assert all(path.startswith(PREFIX) for path in described)
    assert len(described) > 20
    assert UNDER == PREFIX


def test_a_body_is_refused_where_it_holds_what_is_not_known() -> None:
    """A misspelled field is told, and not passed over."""
    bodies = {
        one.described["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for one in operations()
        if one.takes_body
    }
    kinds = [ActInput]
    for kind in kinds:  # it grows while it is read
        kinds += kind.__subclasses__()
    known = {kind.__name__ for kind in kinds} | {
        f"{kind.__module__}.{kind.__name__}".replace(".", "__") for kind in kinds
    }
    assert known >= bodies
    for name in bodies:
        assert description()["components"]["schemas"][name]["additionalProperties"] is False


def test_the_description_of_a_key_says_what_a_repetition_is_answered() -> None:
    for one in operations():
        for place in one.described.get("parameters", ()):
            if place["name"] == "idempotency-key":
                assert "Idempotency-Replayed" in place["description"]
                assert "no body" in place["description"]


def test_every_list_that_has_a_limit_is_followed_in_one_of_two_ways_and_its_answer_says_how() -> None:
    """By `next` as `after`; or where it grows for ever and is not counted, by `older` as `before`."""
    ways = []
    for operation in operations():
        names = {part["name"] for part in operation.described.get("parameters", ())}
        if operation.method == "get" and "limit" in names:
            answer = operation.described["responses"]["200"]["content"]["application/json"]["schema"]
            told = description()["components"]["schemas"][answer["$ref"].rpartition("/")[2]]["properties"].keys()
            ways.append("after" if "after" in names else "before")
            assert {"after": {"limit", "total", "next"}, "before": {"limit", "older"}}[ways[-1]] <= told, operation.path
    assert ways.count("after") > 14
    assert ways.count("before") > 2


def test_the_most_that_a_list_may_be_asked_for_is_no_fault(cast: Cast) -> None:
    asker = Asker(cast, "coordinator")
    bounds = {
        operation.path: {
            part["name"]: part["schema"]["maximum"]
            for part in operation.described.get("parameters", ())
            if part["name"] == "limit"
        }
        for operation in operations()
        if operation.method == "get" and "{" not in operation.path
    }
    asked = {path: asker.client.get(path, params=most).status_code for path, most in bounds.items() if most}
    assert list(asked.values()).count(200) > 8
    assert set(asked.values()) <= {200, 404}
