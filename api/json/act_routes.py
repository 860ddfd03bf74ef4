"""The declared acts over JSON: each a body that is given, and an answer that shows what became of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fastapi import APIRouter, Response

from api.access.session import InContext
from api.acts.declaring import Act, ActSubject, On, Parts, Sent, endpoint_of, part
from api.json.described import PREFIX
from api.json.idempotent_requests import AtOnce, IdempotentRequest, IfMatch, seen_version
from api.web.given import ActInput

Row = TypeVar("Row")

Answer = Callable[[On[Row], Any, Response], Any] | Callable[[On[Row], Any], Any]
"""What is answered after an act: from what it was done to, and what its function gave. Its return type is the shape."""


@dataclass(frozen=True)
class BodySent(Sent):
    """A body as it was sent, by its key, in the version that was seen, or to be looked at before."""

    response: Response
    body: ActInput | None = None
    once: IdempotentRequest | None = None
    if_match: str = ""
    preview: bool = False


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
    for act in subject.acts:
        of_act = None if act.status == 204 else answer  # noqa: PLR2004  # No Content
        endpoint = endpoint_of(act, _reply(subject, act, of_act, found_at), parts_of(subject, act), shape_of(of_act))
        router.add_api_route(address_of(router, subject, act), endpoint, methods=[act.method], status_code=act.status)


def _reply(
    subject: ActSubject[Row], act: Act, answer: Answer[Row] | None, found_at: Callable[[On[Row], Any], str] | None
) -> Callable[[Parts], Any]:
    tell: Any = answer
    takes = len(inspect.signature(answer).parameters) if answer is not None else 0

    def reply(given: Parts) -> Any:
        sent = BodySent.of(given)
        if sent.once is not None and (before := sent.once.again(sent.body)) is not None:
            return before
        on = opened(subject, act, sent)
        done = call(act, on, sent)
        if sent.once is not None:
            place = found_at(on, done) if found_at is not None else subject.leads_to(act, on, done)
            sent.once.done(sent.response, act.status, PREFIX + place)
        return tell(*(on, done, sent.response)[:takes]) if takes else None

    return reply


def address_of(router: APIRouter, subject: ActSubject[Row], act: Act) -> str:
    """The address of an act, below its router's."""
    return (PREFIX + subject.path + act.json_path).removeprefix(router.prefix)


def shape_of(answer: Callable[..., Any] | None) -> Any:
    """The shape of what is answered; None where nothing is."""
    return inspect.signature(answer, eval_str=True).return_annotation if answer is not None else None


def opened(subject: ActSubject[Row], act: Act, sent: BodySent) -> On[Row]:
    """The thing, as it was found for who asks, and the version of it that they saw. Raises Forbidden."""
    on = subject.open(act, sent.context, sent.parts)
    return replace(on, seen=seen_version(sent.if_match)) if act.versioned else on


def call(act: Act, on: On[Row], sent: BodySent) -> Any:
    """Do an act with what a request gives. Raises Refusal."""
    return act.call(on, sent.body, {name: sent.parts[name] for name in act.parts})


def parts_of(subject: ActSubject[Row], act: Act) -> list[inspect.Parameter]:
    """What a request for an act gives: the parts of its address, its body, and how it may be sent twice."""
    return [
        *(part(name, one.annotation) for name, one in (subject.parts | act.parts).items()),
        *([part("body", act.said)] if act.said else []),
        part("context", InContext),
        *([part("once", AtOnce)] if act.once else []),
        part("response", Response),
        *([part("if_match", IfMatch, "")] if act.versioned else []),
    ]
