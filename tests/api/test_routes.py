"""Every route and every command names the action that it asks, and every action is asked by some of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import typer
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

from adapters.database import make_engine
from api.access.permissions import OF_A_PART, TABLE, Action, Relation
from api.cli.commands import app as command_line
from domain.record.turned_away import table_for
from tests.api.application import app_on, nobody
from tests.cast import ROOT, Cast

#: The description of the API: the framework's own route, which is there on a machine of one's own alone.
UNASKED = {"/api/v1/openapi.json"}


def endpoints(app: FastAPI) -> Iterator[tuple[str, Callable[..., Any] | None]]:
    """Each route of the application, routers within routers included: its methods and path, and what answers it.

    A folder of files is answered by an application of its own.
    """
    for found in iter_route_contexts(app.routes):
        route = found.original_route
        path = found.path or getattr(route, "path", "")
        methods = " ".join(sorted(getattr(route, "methods", None) or ()))
        yield f"{methods} {path}".strip(), getattr(route, "endpoint", None) or getattr(route, "app", None)


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


def commands(app: typer.Typer, before: str = "spheres") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Each command of the command line, groups within groups included."""
    for command in app.registered_commands:
        assert command.callback is not None
        yield f"{before} {command.name or command.callback.__name__}", command.callback
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from commands(group.typer_instance, f"{before} {group.name}")


def test_every_command_names_the_action_that_it_asks() -> None:
    found = list(commands(command_line))
    assert len(found) > 15
    nameless = [name for name, command in found if not isinstance(getattr(command, "__asks__", None), Action)]
    assert nameless == [], "mark them with @asks, and ask the table"


def test_every_action_is_asked_by_a_route_or_a_command_and_allowed_to_someone(cast: Cast) -> None:
    asked = {getattr(endpoint, "__asks__", None) for _, endpoint in endpoints(app_on(cast.database))}
    asked |= {getattr(command, "__asks__", None) for _, command in commands(command_line)}
    assert set(Action) - asked == OF_A_PART
    assert all(TABLE[action] for action in Action)
    assert set(TABLE) == set(Action)


def required(function: Callable[..., Any]) -> set[str]:
    """The actions that stand in the code of an endpoint or a command: each as `Action.NAME`."""
    return set(re.findall(r"Action\.([A-Z_]+)", _code_of(function)))


def _code_of(function: Callable[..., Any]) -> str:
    """A function's own code, without its decorators."""
    source = inspect.getsource(inspect.unwrap(function))
    return source[source.index("def ") :]


def test_what_only_the_operator_may_do_is_asked_of_the_table_too() -> None:
    """Who sits at the terminal is a relation as any other: taken out of a row, the command is refused."""
    operators = [
        (name, command, asked)
        for name, command in commands(command_line)
        if TABLE[asked := _asked_by(command)] == {Relation.OPERATOR}
    ]
    assert len(operators) >= 7
    for name, command, asked in operators:
        assert required(command) == {asked.name}, name


@pytest.mark.ci
def test_what_is_asked_of_a_part_of_an_answer_is_asked_somewhere() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "api").rglob("*.py")))
    for action in OF_A_PART:
        assert f"allows(Action.{action.name}" in re.sub(r"\s+", "", code)


def test_every_id_in_a_path_is_that_of_a_thing_that_the_record_can_name(cast: Cast) -> None:
    """Else a refusal would be told without what it was of."""
    names = {name for where, _ in endpoints(app_on(cast.database)) for name in re.findall(r"{(\w+)_id}", where)}
    assert len(names) > 8
    nowhere = {name for name in names if table_for(name) is None}
    assert nowhere == set(), "say in domain/record/turned_away.py, under TABLES, in which table such a thing stands"


def _asked_by(function: Callable[..., Any]) -> Action:
    asked = getattr(function, "__asks__", None)
    assert isinstance(asked, Action)
    return asked


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
    assert client.get("/healthz").json() == {"ok": True, "demonstration": False}
    broken = nobody(replace(cast.database, engine=make_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")))
    assert broken.get("/healthz").status_code == 503
