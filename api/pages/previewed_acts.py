"""The declared acts that are looked at before: a form, then the page of who will be told what, then the act."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response

from api.access.session import RequestContext
from api.acts.declaring import Act, ActSubject, On, Parts, endpoint_of, part
from api.pages.act_routes import ActForm, FormSent, Shown
from api.pages.forms import Text
from api.pages.previews import Preview, previewed
from domain.kernel import Refusal

Row = TypeVar("Row")

Asked = Callable[[On[Row], Act, Parts], Preview]
"""What the page before an act says of it, by what was typed. Where it is sent, and what with, is known already."""
InTwoClicks = Callable[[RequestContext, Request, Preview, Callable[[], Any]], Response | Refusal]
"""Shows what a change tells, then makes it where the asker saw that."""


def previewed_pages(
    router: APIRouter,
    subject: ActSubject[Row],
    asked: Asked[Row],
    shown: Shown[Row],
    in_two_clicks: InTwoClicks = previewed,
) -> None:
    """Put the acts of a subject on the pages; `shown` has their forms, with what was typed where a rule refuses."""
    for act in subject.acts:
        form = _PreviewedForm(subject, act, shown, asked, in_two_clicks)
        path = (subject.path + act.path).removeprefix(router.prefix)
        router.add_api_route(path, endpoint_of(act, form.answer, form.parts(), Response), methods=["POST"])


class _PreviewedForm(ActForm[Row]):
    """An act that the page before it says, and does on the second click."""

    def __init__(
        self, subject: ActSubject[Row], act: Act, shown: Shown[Row], asked: Asked[Row], in_two_clicks: InTwoClicks
    ) -> None:
        # The page before has a key of its own.
        super().__init__(subject, replace(act, once=False), shown, must_have_seen=True)
        self.asked, self.in_two_clicks = asked, in_two_clicks

    def answer(self, given: Parts) -> Response:
        """Show what it tells, then do it; where a rule refuses, the page of its form with what was typed."""
        form = FormSent.of(given)
        on, typed = self.opened(form)
        sent = [*typed.items(), *([("seen", str(on.seen))] if self.act.versioned else [])]
        ask = self.asked(on, self.act, typed)
        ask = replace(ask, action=form.request.url.path, fields=sent, shown=form.shown)
        outcome = self.in_two_clicks(on.context, form.request, ask, lambda: self.do(on, given, typed))
        return self.again(on, form, typed, outcome) if isinstance(outcome, Refusal) else outcome

    def parts(self) -> list[inspect.Parameter]:
        """What the route takes, with what the page before showed."""
        return [*super().parts(), part("shown", Text, "")]
