"""The declared acts over JSON: each a body that is given, and an answer that shows what became of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from fastapi import APIRouter, Response

from api.access.session import InContext
from api.acts.declaring import Act, ActSubject, On, endpoint_of, part
from api.json.described import PREFIX
from api.json.idempotent_requests import AtOnce, IfMatch, seen_version

Row = TypeVar("Row")

Answer = Callable[[On[Row], Any, Response], Any] | Callable[[On[Row], Any], Any]
"""What is answered after an act: from what it was done to, and what its function gave. Its return type is the shape."""


def act_resources(
    router: APIRouter,
    subject: ActSubject[Row],
    answer: Answer[Row] | None = None,
    *,
    found_at: Callable[[On[Row], Any], str] | None = None,
) -> None:
    """Put the acts of a subject under `PREFIX`. One of status 204 has no answer.

    What a request made that may be repeated is `found_at` an address, given what its function gave; or where it leads.
    """
    shape = inspect.signature(answer, eval_str=True).return_annotation if answer is not None else None
    for act in subject.acts:
        path = (PREFIX + subject.path + act.json_path).removeprefix(router.prefix)
        of_act = None if act.status == 204 else answer  # noqa: PLR2004  # No Content
        endpoint = _endpoint(subject, act, of_act, shape if of_act else None, found_at)
        router.add_api_route(path, endpoint, methods=[act.method], status_code=act.status)


def _endpoint(
    subject: ActSubject[Row],
    act: Act,
    answer: Answer[Row] | None,
    shape: Any,
    found_at: Callable[[On[Row], Any], str] | None,
) -> Callable[..., Any]:
    ids = dict(subject.parts())
    tell: Any = answer
    takes = len(inspect.signature(answer).parameters) if answer is not None else 0

    def reply(given: Mapping[str, Any]) -> Any:
        body, once, response = given.get("body"), given.get("once"), given["response"]
        if once is not None and (before := once.again(body)) is not None:
            return before
        on = subject.open(given["context"], act, {name: given[name] for name in ids})
        if act.versioned:
            on = replace(on, seen=seen_version(given["if_match"]))
        done = act.call(on, body, {name: given[name] for name in act.parts})
        if once is not None:
            place = found_at(on, done) if found_at is not None else subject.leads_to(act, on, done)
            once.done(response, act.status, PREFIX + place)
        return tell(*(on, done, response)[:takes]) if takes else None

    return endpoint_of(act, reply, parts_of(act, ids), shape)


def parts_of(act: Act, ids: Mapping[str, Any]) -> list[inspect.Parameter]:
    """What a request for an act gives: the parts of its address, its body, and how it may be sent twice."""
    return [
        *(part(name, kind) for name, kind in ids.items()),
        *(part(name, one.annotation) for name, one in act.parts.items()),
        *([part("body", act.said)] if act.said else []),
        part("context", InContext),
        *([part("once", AtOnce)] if act.once else []),
        part("response", Response),
        *([part("if_match", IfMatch, "")] if act.versioned else []),
    ]
