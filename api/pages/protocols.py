"""The procedures of the program, printed from the very files that drive the cases."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func

from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.pages.frame import framed_pages, page
from domain.casework import protocol_of
from domain.declarations import Step, clause_without_role
from domain.holdings import NAMES
from domain.kernel import col, in_program, only, run, select, value_of
from flows.printed import EVIDENCE, TOLD
from locales import pick, say
from models.casework import Case, ProtocolVersion

router = framed_pages()


@router.get("/protocols", name="protocols")
@asks(Action.SEE_PROTOCOL)
def list_protocols(context: InContext, request: Request) -> HTMLResponse:
    """Each protocol in its current version, with how many cases it has."""
    require(Action.SEE_PROTOCOL, to_program(context.asker))
    counts = {
        row.protocol: row
        for row in run(
            context.session,
            only(
                Case.protocol,
                value_of(func.count().label("cases")),
                value_of(func.count().filter(col(Case.state) == "open").label("open")),
            ).group_by(col(Case.protocol)),
        )
    }
    current = {version.key: version for version in reversed(_versions(context))}
    return page(
        context,
        request,
        "protocols.html",
        protocols=[(one, protocol_of(one), counts.get(key)) for key, one in sorted(current.items())],
        language=context.language,
    )


@router.get("/protocols/{key}", name="protocol")
@asks(Action.SEE_PROTOCOL)
def show_protocol(context: InContext, request: Request, key: str, version: UUID | None = None) -> HTMLResponse:
    """A procedure in full: who does what, when, with what proof, and what waits for what.

    `version` names an earlier one, which a case may still follow.
    """
    require(Action.SEE_PROTOCOL, to_program(context.asker))
    versions = [one for one in _versions(context) if one.key == key]
    shown = next((one for one in versions if version is None or one.id == version), None)
    if shown is None:
        raise Forbidden
    protocol, language = protocol_of(shown), context.language
    return page(
        context,
        request,
        "protocol.html",
        protocol=protocol,
        shown=shown,
        versions=versions,
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


def _versions(context: RequestContext) -> list[ProtocolVersion]:
    """Every version of every protocol, the current one of each first."""
    return list(
        context.session.scalars(
            select(ProtocolVersion)
            .where(in_program(ProtocolVersion))
            .order_by(
                col(ProtocolVersion.key), col(ProtocolVersion.number).desc(), col(ProtocolVersion.recorded_at).desc()
            )
        )
    )


def _things(step: Step, language: str) -> list[str]:
    """What a step is done for, one task each: the things that its protocol lists, or the kind that the person holds."""
    if step.for_each is None:
        return []
    if step.for_each.over:
        return [say(language, NAMES[step.for_each.over])]
    return [pick(language, item.title) for item in step.for_each.list_ or ()]
