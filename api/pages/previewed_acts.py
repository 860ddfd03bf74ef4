"""The declared acts that are looked at before: a form, then the page of who will be told what, then the act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response

from api.access.session import InContext
from api.acts.declaring import Act, ActSubject, On, endpoint_of, part
from api.pages.act_routes import MustHaveSeen, Shown
from api.pages.forms import Text, Typed
from api.pages.previews import Preview, previewed
from api.web.given import form_of
from domain.kernel import Refusal
from meetings.invitations import PersonalNews

Row = TypeVar("Row")

Asked = Callable[[On[Row], Act, Mapping[str, str]], Preview]
"""What the page before an act says of it, by what was typed. Where it is sent, and what with, is known already."""


def previewed_pages(router: APIRouter, subject: ActSubject[Row], asked: Asked[Row], shown: Shown[Row]) -> None:
    """Put the acts of a subject on the pages; `shown` has their forms, with what was typed where a rule refuses."""
    for act in subject.acts:
        path = (subject.path + act.path).removeprefix(router.prefix)
        router.add_api_route(path, _endpoint(subject, act, asked, shown), methods=["POST"])


def _endpoint(subject: ActSubject[Row], act: Act, asked: Asked[Row], shown: Shown[Row]) -> Callable[..., Any]:
    ids = dict(subject.parts())
    fields = getattr(act.said, "typed", None) or [one.name for one in form_of(act.said).values()] if act.said else []

    def answer(given: Mapping[str, Any]) -> Response:
        context, request = given["context"], given["request"]
        on = replace(subject.open(context, act, {name: given[name] for name in ids}), seen=given.get("seen"))
        typed = {name: given[name] for name in fields}

        def change() -> tuple[PersonalNews, ...]:
            said = act.said.from_form(typed, context) if act.said else None
            done: tuple[PersonalNews, ...] = act.call(on, said, {name: given[name] for name in act.parts})
            return done

        sent = [*typed.items(), *([("seen", str(on.seen))] if act.versioned else [])]
        ask = replace(asked(on, act, typed), action=request.url.path, fields=sent, shown=given["shown"])
        outcome = previewed(context, request, ask, change)
        if isinstance(outcome, Refusal):
            return shown(on, request, Typed(act.form_of(typed, given), outcome, typed))
        return outcome

    parts = [
        part("context", InContext),
        part("request", Request),
        *(part(name, kind) for name, kind in ids.items()),
        *(part(name, one.annotation) for name, one in act.parts.items()),
        *([part("seen", MustHaveSeen)] if act.versioned else []),
        *(part(name, Text, "") for name in fields),
        part("shown", Text, ""),
    ]
    return endpoint_of(act, answer, parts, Response)
