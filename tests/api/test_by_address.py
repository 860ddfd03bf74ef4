"""A request finds its route among those whose address begins as its own does, and no other answer than before."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from api.web.by_address import ByAddress


def application(*paths: str) -> FastAPI:
    """An application whose routes answer with their own address as it is written."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    router = APIRouter()
    for path in paths:
        router.add_api_route(path, lambda path=path: path, methods=["GET"])
    app.router.routes.extend(router.routes)
    app.router.middleware_stack = ByAddress(app.router)
    return app


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("/", "/"),
        ("/cases", "/cases"),
        ("/cases/new", "/cases/new"),
        ("/cases/7", "/cases/{case_id}"),
        ("/api/v1/cases/7", "/api/v1/cases/{case_id}"),
        ("/api/v1/work", "/api/v1/work"),
    ],
)
def test_a_request_finds_its_route_and_the_first_of_several_counts(asked: str, answered: str) -> None:
    paths = ("/", "/cases", "/cases/new", "/cases/{case_id}", "/api/v1/cases/{case_id}", "/api/v1/work")
    assert TestClient(application(*paths)).get(asked).json() == answered


def test_what_no_route_answers_is_answered_as_without() -> None:
    client = TestClient(application("/cases", "/cases/{case_id}"), follow_redirects=False)
    assert client.get("/nowhere").status_code == 404
    assert client.get("/cases/7/nowhere").status_code == 404
    assert client.get("/cases/").headers["location"] == "http://testserver/cases"
    assert client.post("/cases").status_code == 405


def test_a_route_whose_address_begins_with_no_word_is_found_after_those_before_it() -> None:
    client = TestClient(application("/cases", "/{anything}", "/{anything}/{more}"))
    assert client.get("/cases").json() == "/cases"
    assert client.get("/others").json() == "/{anything}"
    assert client.get("/cases/7").json() == "/{anything}/{more}"
