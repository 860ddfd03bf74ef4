"""The declared acts on the pages: each a form, which is shown again with what was typed where a rule refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Form, Request, Response

from api.access.session import AtDesk
from api.acts.declaring import Act, On, Subject, endpoint_of, part
from api.pages.forms import Text, Typed
from api.pages.frame import see_other
from api.pages.idempotent_forms import AtOnce
from api.web.given import form_of
from domain.kernel.refusals import Refusal

Row = TypeVar("Row")

Seen = Annotated[int | None, Form()]
MustHaveSeen = Annotated[int, Form()]
Texts = Annotated[list[str] | None, Form()]

Shown = Callable[[On[Row], Request, Typed], Response]
"""The page that has the form, with what was typed."""
After = Callable[[On[Row], str], str]
"""Where the asker comes back to after an act, given where it leads: it may have taken the thing from them."""


def act_pages(
    router: APIRouter,
    subject: Subject[Row],
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
    subject: Subject[Row], act: Act, shown: Shown[Row], after: After[Row] | None, must_have_seen: bool
) -> Callable[..., Any]:
    ids = dict(subject.parts())
    read = act.on_form()
    asked = [*read.values(), *(form_of(act.said).values() if act.said else ())]
    lists = {one.name for one in asked if one.is_list}
    fields = {one.name: one.otherwise for one in asked}

    def read_part(name: str, given: Mapping[str, Any]) -> Any:
        one = read.get(name)
        return given[name] if one is None or one.read is None else one.read(given[one.name])

    def answer(given: Mapping[str, Any]) -> Response:
        desk, once = given["desk"], given.get("once")
        on = subject.open(desk, act, {name: given[name] for name in ids})
        on = replace(on, seen=given.get("seen"))
        typed = {name: given[name] or [] if name in lists else given[name] for name in fields}
        place = ""

        def act_on() -> str:
            nonlocal place
            said = act.said.from_form(typed, desk) if act.said else None
            parts = {name: read_part(name, given) for name in act.parts}
            done = act.call(on, said, parts)
            place = subject.leads_to(act, on, done)
            if act.leads is None:
                place = f"{place}#{act.place.format(**given)}" if act.place else place
                place = after(on, place) if after else place
            return place

        done = once.attempt(act_on) if once is not None else desk.attempt(act_on) or place
        if isinstance(done, Refusal):
            return shown(on, given["request"], Typed(act.form_of(typed, given), done, typed))
        return see_other(done)

    parts = [
        part("desk", AtDesk),
        part("request", Request),
        *(part(name, kind) for name, kind in ids.items()),
        *(part(name, one.annotation) for name, one in act.parts.items() if name not in read),
        *([part("once", AtOnce)] if act.once and fields else []),  # a button alone sends nothing
        *([part("seen", MustHaveSeen) if must_have_seen else part("seen", Seen, None)] if act.versioned else []),
        *(part(name, Text, otherwise) for name, otherwise in fields.items() if name not in lists),
        *(part(name, Texts, None) for name in lists),
    ]
    return endpoint_of(act, answer, parts, Response)
