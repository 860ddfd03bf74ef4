"""The procedures of the program, printed from the very files that drive the cases."""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import distinct_on

from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import InContext
from api.pages.frame import framed_pages, page
from domain.casework import protocol_of
from domain.declarations import Step, clause_without_role
from domain.holdings import NAMES
from domain.kernel import col, every, first, of, only, run, tuples, value_of
from flows.printed import EVIDENCE, TOLD
from locales import pick, say
from models.casework import Case, ProtocolVersion

router = framed_pages()


@router.get("/protocols", name="protocols")
@asks(Action.SEE_PROTOCOL)
def list_protocols(context: InContext, request: Request) -> HTMLResponse:
    """Each protocol in its current version, with how many of its cases are open."""
    require(Action.SEE_PROTOCOL, to_program(context.asker))
    counted = only(Case.protocol, value_of(func.count())).where(Case.state == "open").group_by(col(Case.protocol))
    open_cases = dict(tuples(context.session, counted))
    current = every(context.session, of(ProtocolVersion).ext(distinct_on(_key)).order_by(_key, *_NEWEST_FIRST))
    return page(
        context,
        request,
        "protocols.html",
        protocols=[(one, protocol_of(one), open_cases.get(one.key, 0)) for one in current],
        language=context.language,
    )


@router.get("/protocols/{key}", name="protocol")
@asks(Action.SEE_PROTOCOL)
def show_protocol(context: InContext, request: Request, key: str, version: UUID | None = None) -> HTMLResponse:
    """A procedure in full: who does what, when, with what proof, and what waits for what.

    `version` names an earlier one, which a case may still follow.
    """
    require(Action.SEE_PROTOCOL, to_program(context.asker))
    of_key = of(ProtocolVersion).where(ProtocolVersion.key == key).order_by(*_NEWEST_FIRST)
    asked = of_key if version is None else of_key.where(ProtocolVersion.id == version)
    shown = first(context.session, asked.limit(1))
    if shown is None:
        raise Forbidden
    protocol, language = protocol_of(shown), context.language
    return page(
        context,
        request,
        "protocol.html",
        protocol=protocol,
        shown=shown,
        versions=run(
            context.session,
            only(ProtocolVersion.id, ProtocolVersion.number).where(_key == key).order_by(*_NEWEST_FIRST),
        ).all(),
        roles={name: pick(language, role.title) for name, role in protocol.roles.items()},
        numbers={key: number for number, key in enumerate(protocol.by_id, 1)},
        when=partial(protocol.due_in_words, language=language),
        things=partial(_things, language=language),
        evidence=EVIDENCE,
        clause_of=clause_without_role,
        subject=protocol.subject_in_words(language),
        starts=protocol.starts_in_words(language),
        ladder=[(rung.after_working_days, TOLD[rung.to]) for rung in protocol.remind],
        sources=sorted(protocol.sources()),
    )


_key: Final = col(ProtocolVersion.key)
_NEWEST_FIRST: Final = (col(ProtocolVersion.number).desc(), col(ProtocolVersion.recorded_at).desc())


def _things(step: Step, language: str) -> list[str]:
    """What a step is done for, one task each: the things that its protocol lists, or the kind that the person holds."""
    if step.for_each is None:
        return []
    if step.for_each.over:
        return [say(language, NAMES[step.for_each.over])]
    return [pick(language, item.title) for item in step.for_each.list_ or ()]
