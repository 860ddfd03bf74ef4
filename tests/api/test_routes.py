"""Every route names the action that it asks, and every action is asked by some route."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

from adapters.database import make_engine
from api.permissions import TABLE, Action
from tests.api.desk import app_on, nobody
from tests.cast import Cast

#: Files that hold no one's data, and the description of the API; both are the framework's own routes.
UNASKED = {"/static", "/api/v1/openapi.json"}


def endpoints(app: FastAPI) -> Iterator[tuple[str, Callable[..., Any] | None]]:
    """Each route of the application, routers within routers included: its methods and path, and what answers it."""
    for found in iter_route_contexts(app.routes):
        route = found.original_route
        path = found.path or getattr(route, "path", "")
        methods = " ".join(sorted(getattr(route, "methods", None) or ()))
        yield f"{methods} {path}".strip(), getattr(route, "endpoint", None)


def unmarked(app: FastAPI) -> list[str]:
    return [
        where
        for where, endpoint in endpoints(app)
        if where.rpartition(" ")[2] not in UNASKED and not isinstance(getattr(endpoint, "__asks__", None), Action)
    ]


@pytest.mark.parametrize("demonstration", [True, False])
def test_every_route_names_the_action_that_it_asks(cast: Cast, demonstration: bool) -> None:
    app = app_on(cast.database, demonstration=demonstration)
    assert len(list(endpoints(app))) > 60  # the routers within the routers are seen too
    assert unmarked(app) == []


def test_a_route_without_an_action_is_found_however_deep_it_is(cast: Cast) -> None:
    app = app_on(cast.database)
    inner, outer = APIRouter(), APIRouter()

    @inner.get("/deep")
    def deep() -> None: ...

    outer.include_router(inner)
    app.include_router(outer)
    assert unmarked(app) == ["GET /deep"]


def test_every_action_is_asked_by_a_route_and_allowed_to_someone(cast: Cast) -> None:
    asked = {getattr(endpoint, "__asks__", None) for _, endpoint in endpoints(app_on(cast.database))}
    assert set(Action) - asked == set()
    assert all(TABLE[action] for action in Action)


def test_no_two_routes_answer_the_same_request(cast: Cast) -> None:
    app = app_on(cast.database, demonstration=True)
    found = [where for where, _ in endpoints(app)]
    assert len(found) == len(set(found))


def test_only_the_demonstration_has_the_style_guide(cast: Cast) -> None:
    assert nobody(cast.database, demonstration=True).get("/style-guide").status_code == 200
    assert nobody(cast.database).get("/style-guide").status_code == 404


def test_the_pages_of_someone_signed_in_lead_anyone_else_to_the_sign_in(cast: Cast) -> None:
    client = nobody(cast.database)
    for place in ("/", "/cases", "/board", "/people", "/program", "/protocols", "/post", "/activity"):
        answer = client.get(place)
        assert (place, answer.status_code, answer.headers.get("location")) == (place, 303, "/sign-in")


def test_health_asks_the_database(cast: Cast) -> None:
    client = nobody(cast.database)
    assert client.get("/healthz").json() == {"ok": True}
    broken = nobody(replace(cast.database, engine=make_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")))
    assert broken.get("/healthz").status_code == 503
