"""The procedures of the program, printed from the very files that drive the cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func

from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.pages.frame import framed_pages, page
from domain.casework import protocol_of
from domain.declarations import Protocol, Step, clause_without_role
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
    shown: list[dict[str, Any]] = []
    for version in _versions(context):
        if version.key not in {one["key"] for one in shown}:
            protocol = protocol_of(version)
            found = counts.get(version.key)
            shown.append(
                {
                    "key": version.key,
                    "title": pick(context.language, protocol.title),
                    "source": pick(context.language, protocol.source),
                    "starts": protocol.starts_in_words(context.language),
                    "number": version.number,
                    "steps": len(protocol.steps),
                    "stages": len(protocol.stages),
                    "open": found.open if found else 0,
                    "cases": found.cases if found else 0,
                }
            )
    return page(context, request, "protocols.html", protocols=shown)


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
    protocol = protocol_of(shown)
    return page(
        context,
        request,
        "protocol.html",
        protocol=protocol,
        shown=shown,
        versions=versions,
        is_current=shown.id == versions[0].id,
        stages=_stages(protocol, context.language),
        gates=[
            {
                "key": name,
                "title": pick(context.language, gate.title),
                "source": gate.source,
                "steps": [_reference(protocol, step, context.language) for step in gate.steps],
            }
            for name, gate in protocol.gates.items()
        ],
        subject=protocol.subject_in_words(context.language),
        starts=protocol.starts_in_words(context.language),
        ladder=[(rung.after_working_days, TOLD[rung.to]) for rung in protocol.remind],
        may_cancel=[_role(protocol, role, context.language) for role in protocol.cancel.by],
        may_reopen=[_role(protocol, role, context.language) for role in protocol.reopen.by],
        accountable=_role(protocol, protocol.accountable, context.language),
        roles=[
            {
                "title": pick(context.language, role.title),
                "then": [_role(protocol, name, context.language) for name in protocol.chain(name)[1:]],
            }
            for name, role in protocol.roles.items()
        ],
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


def _stages(protocol: Protocol, language: str) -> list[dict[str, Any]]:
    return [
        {
            "key": stage.id,
            "title": pick(language, stage.title),
            "steps": [_step(protocol, step, language) for step in protocol.steps if step.stage == stage.id],
        }
        for stage in protocol.stages
    ]


def _step(protocol: Protocol, step: Step, language: str) -> dict[str, Any]:
    """One line of the procedure, in words."""
    gates = [name for name in step.needs if name in protocol.gates]
    return {
        "key": step.id,
        "number": _number(protocol, step.id),
        "title": pick(language, step.title),
        "help": pick(language, step.help) if step.help else "",
        "who": _role(protocol, step.by, language) if step.by else "",
        "when": protocol.due_in_words(step, language),
        "approver": _role(protocol, step.approved_by.role, language) if step.approved_by else "",
        "agenda": step.agenda is not None,
        "evidence": EVIDENCE.get(step.evidence, ""),
        "items": _things(step, language),
        "waits_for": [_reference(protocol, name, language) for name in step.needs if name not in protocol.gates],
        "gates": [pick(language, protocol.gates[name].title) for name in gates],
        "waiver": _role(protocol, step.waive.by, language) if step.waive != "never" else "",
        "required": step.required,
        "sources": step.source,
        "clause": clause_without_role(step.clause or ""),
    }


def _reference(protocol: Protocol, key: str, language: str) -> dict[str, Any]:
    return {"key": key, "number": _number(protocol, key), "title": pick(language, protocol.by_id[key].title)}


def _number(protocol: Protocol, key: str) -> int:
    """A step's place in the procedure, counted from 1, by which people speak of it."""
    return list(protocol.by_id).index(key) + 1


def _role(protocol: Protocol, name: str, language: str) -> str:
    return pick(language, protocol.roles[name].title)


def _things(step: Step, language: str) -> list[str]:
    """What a step is done for, one task each: the things that its protocol lists, or the kind that the person holds."""
    if step.for_each is None:
        return []
    if step.for_each.over:
        return [say(language, NAMES[step.for_each.over])]
    return [pick(language, item.title) for item in step.for_each.list_ or ()]
