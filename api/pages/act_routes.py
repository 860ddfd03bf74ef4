"""The declared acts on the pages: each a form, which is shown again with what was typed where a rule refuses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Form, Request, Response

from api.access.session import InContext, RequestContext
from api.acts.declaring import Act, ActSubject, On, endpoint_of, part
from api.pages.forms import Text, Typed
from api.pages.frame import see_other
from api.pages.idempotent_forms import AtOnce
from api.web.given import form_of
from domain.kernel import Refusal

Row = TypeVar("Row")

Seen = Annotated[int | None, Form()]
MustHaveSeen = Annotated[int, Form()]
Texts = Annotated[list[str] | None, Form()]

#: What a request gives, by the names of an endpoint's parts.
Parts = Mapping[str, Any]
Shown = Callable[[On[Row], Request, Typed], Response]
"""The page that has the form, with what was typed."""
After = Callable[[On[Row], str], str]
"""Where the asker comes back to after an act, given where it leads: it may have taken the thing from them."""


def act_pages(
    router: APIRouter,
    subject: ActSubject[Row],
    shown: Shown[Row],
    *,
    after: After[Row] | None = None,
    must_have_seen: bool = False,
    under: str = "",
) -> None:
    """Put the acts of a subject on the pages. Each leads where its declaration says, else `after` may say otherwise.

    `must_have_seen` where a form without the version that was seen is not taken; `under` where the pages stand under
    another page's address.
    """
    for act in subject.acts:
        path = (under + subject.path + act.path).removeprefix(router.prefix)
        router.add_api_route(path, _endpoint(subject, act, shown, after, must_have_seen), methods=["POST"])


def _endpoint(
    subject: ActSubject[Row], act: Act, shown: Shown[Row], after: After[Row] | None, must_have_seen: bool
) -> Callable[..., Any]:
    form = _ActForm(subject, act, shown, after, must_have_seen)
    return endpoint_of(act, form.answer, form.parts(), Response)


class _ActForm(Generic[Row]):
    """One act as a form: what it asks for, how that is read, and where the act leads."""

    def __init__(
        self, subject: ActSubject[Row], act: Act, shown: Shown[Row], after: After[Row] | None, must_have_seen: bool
    ) -> None:
        self.subject, self.act, self.shown, self.after = subject, act, shown, after
        self.must_have_seen = must_have_seen
        self.ids = dict(subject.parts())
        self.reads = act.on_form()
        asked = [*self.reads.values(), *(form_of(act.said).values() if act.said else ())]
        self.lists = {one.name for one in asked if one.is_list}
        self.fields = {one.name: one.otherwise for one in asked}

    def answer(self, given: Parts) -> Response:
        """Do the act and lead on; where a rule refuses, the page again with what was typed."""
        on = self.subject.open(given["context"], self.act, {name: given[name] for name in self.ids})
        on = replace(on, seen=given.get("seen"))
        typed = {name: given[name] or [] if name in self.lists else given[name] for name in self.fields}
        attempt = given["once"].attempt if "once" in given else partial(_attempt, given["context"])
        done = attempt(lambda: self._do(on, given, typed))
        if isinstance(done, Refusal):
            return self.shown(on, given["request"], Typed(self.act.form_of(typed, given), done, typed))
        return see_other(done)

    def _do(self, on: On[Row], given: Parts, typed: Parts) -> str:
        """Do the act; the address to which it leads. Raises Refusal."""
        act = self.act
        said = act.said.from_form(typed, on.context) if act.said else None
        done = act.call(on, said, {name: self._part(name, given) for name in act.parts})
        place = self.subject.leads_to(act, on, done)
        if act.leads is not None:
            return place
        place = f"{place}#{act.place.format(**given)}" if act.place else place
        return self.after(on, place) if self.after else place

    def _part(self, name: str, given: Parts) -> Any:
        one = self.reads.get(name)
        return given[name] if one is None or one.read is None else one.read(given[one.name])

    def parts(self) -> list[inspect.Parameter]:
        """What the route takes: what it works with, the parts of its address, and the fields."""
        act = self.act
        seen = part("seen", MustHaveSeen) if self.must_have_seen else part("seen", Seen, None)
        return [
            part("context", InContext),
            part("request", Request),
            *(part(name, kind) for name, kind in self.ids.items()),
            *(part(name, one.annotation) for name, one in act.parts.items() if name not in self.reads),
            *([part("once", AtOnce)] if act.once and self.fields else []),  # a button alone sends nothing
            *([seen] if act.versioned else []),
            *(part(name, Text, otherwise) for name, otherwise in self.fields.items() if name not in self.lists),
            *(part(name, Texts, None) for name in self.lists),
        ]


def _attempt(context: RequestContext, act: Callable[[], str]) -> str | Refusal:
    """Do an act that may be repeated as it is: where it leads, or why not."""
    places: list[str] = []
    return context.attempt(lambda: places.append(act())) or places[0]
