"""Acts are declared once: what a declaration may not leave open, and which routes still write by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, cast
from uuid import UUID

import pytest
from fastapi import Response
from fastapi.routing import APIRoute
from pydantic import Field

from api.access.permissions import Action, asks
from api.access.permissions import Given as Relations
from api.access.session import SAFE_METHODS, InContext, RequestContext
from api.acts.declaring import ActRouter, ActSubject, On
from api.json import routes as json_routes
from api.json.act_routes import act_resources
from api.pages import routes as page_routes
from api.web.given import NOT_ON_FORM, ActInput, Day, PlainText, form_of, on_form
from domain.kernel.refusals import Refusal
from tests.cast import ROOT

#: The routes that write and are no declared acts, a line each under the reason. The list only gets shorter.
BY_HAND = ROOT / "tests" / "api" / "by_hand.txt"


def _by_hand() -> set[str]:
    return {
        f"{method} {route.path}"
        for router in (*page_routes.routers(demonstration=True), *json_routes.ROUTERS)
        for route in router.routes
        if isinstance(route, APIRoute) and not hasattr(route.endpoint, "__act__")
        for method in (route.methods or set()) - SAFE_METHODS
    }


def test_no_further_route_writes_by_hand() -> None:
    reasons = BY_HAND.read_text(encoding="utf-8").split("\n\n")
    assert [one for one in reasons if not one.startswith("# ")] == []
    listed = [line for one in reasons for line in one.splitlines()[1:]]
    assert len(listed) == len(set(listed))
    assert sorted(_by_hand() - set(listed)) == [], "declare these in api/acts"
    assert sorted(set(listed) - _by_hand()) == [], f"these are declared, or gone: take them out of {BY_HAND.name}"


#: What is read of these forms asks nothing of the request.
NO_CONTEXT = cast("RequestContext", None)


def _find(context: RequestContext, action: Action, thing_id: UUID) -> tuple[Mapping[str, Any], Relations]:
    raise NotImplementedError(context, action, thing_id)


def _answer(on: On[Any], done: None, response: Response) -> None:
    raise NotImplementedError(on, done, response)


class SaidGiven(ActInput):
    """What a form and a body say."""

    on: Day
    until: Annotated[Day | None, on_form(name="last_day")] = None
    who: UUID | None = None
    words: PlainText = ""
    agrees: bool = False
    why: str | None = None
    also: Annotated[list[UUID], on_form(name="others")] = Field(default_factory=list)
    really: Annotated[bool, NOT_ON_FORM] = False


def _typed(others: Sequence[str] = (), **typed: str) -> dict[str, Any]:
    return {**{one.name: others if one.is_list else "" for one in form_of(SaidGiven).values()}, **typed}


def test_a_form_is_read_by_the_types_of_a_shape_and_says_the_same_as_a_body() -> None:
    thing = UUID(int=7)
    typed = _typed(on="2026-12-07", last_day="2026-12-08", who=str(thing), words=" Oui.", agrees="yes", why="autre")
    said = SaidGiven.from_form(typed, NO_CONTEXT)
    assert said == SaidGiven(
        on=date(2026, 12, 7), until=date(2026, 12, 8), who=thing, words=" Oui.", agrees=True, why="autre"
    )
    several = SaidGiven.from_form(_typed(on="2026-12-07", others=["", str(thing)]), NO_CONTEXT)
    assert several == SaidGiven(on=date(2026, 12, 7), also=[thing])
    assert SaidGiven.from_form(_typed(on="2026-12-07"), NO_CONTEXT) == SaidGiven(on=date(2026, 12, 7))


@pytest.mark.parametrize(("typed", "code"), [({}, "day.missing"), ({"on": "7"}, "day.malformed")])
def test_a_form_that_cannot_be_read_is_refused_by_its_code(typed: dict[str, str], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        SaidGiven.from_form(_typed(**typed), NO_CONTEXT)
    assert refused.value.code == code


def test_a_field_whose_type_does_not_say_how_a_form_gives_it_has_to_say_so() -> None:
    class Counted(ActInput):
        minutes: int

    with pytest.raises(TypeError, match=r"Counted\.minutes"):
        form_of(Counted)


def test_an_act_whose_address_has_other_parts_than_its_function_is_not_declared() -> None:
    subject = ActSubject("/things/{thing_id}", _find)
    with pytest.raises(TypeError, match="lend"):

        @subject.act(Action.KEEP_EQUIPMENT, "/loans/{loan_id}")
        def lend(on: On[Any]) -> None: ...

    with pytest.raises(TypeError, match="has no shape"):

        @subject.act(Action.KEEP_EQUIPMENT, "/loans")
        def lend_what(on: On[Any], said: str) -> None: ...

    assert subject.acts == []


def test_a_router_of_acts_takes_what_reads_and_what_is_declared_and_nothing_else() -> None:
    router = ActRouter(prefix="/api/v1")

    @router.get("/things")
    @asks(Action.SEE_EQUIPMENT)
    def read(context: InContext) -> None: ...

    with pytest.raises(TypeError, match="GET /api/v1/silent"):

        @router.get("/silent")
        def silent(context: InContext) -> None: ...

    with pytest.raises(TypeError, match="POST /api/v1/things"):

        @router.post("/things")
        @asks(Action.KEEP_EQUIPMENT)
        def by_hand(context: InContext) -> None: ...

    subject = ActSubject("/things/{thing_id}", _find)

    @subject.act(Action.KEEP_EQUIPMENT, "/loans", status=204)
    def lend(on: On[Any], said: SaidGiven) -> None: ...

    act_resources(router, subject, _answer)
    paths = [getattr(route, "path", "") for route in router.routes]
    assert paths == ["/api/v1/things", "/api/v1/things/{thing_id}/loans"]
