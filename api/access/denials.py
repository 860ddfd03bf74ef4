"""Telling the record who was turned away, from which action, before they are answered.

A signed-in person who is refused, and one whose sign-in no longer holds, get a line of the record
(`domain.record.turned_away`); a stranger gets a line of the log, which names the action and nothing of theirs.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any
from uuid import UUID

import anyio
from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from api.access import permissions
from api.access.permissions import themselves
from api.access.session import Installation, RequestContext, installation_of
from domain.access import IDLE, LONGEST
from domain.kernel import Actor, col, digest, run, select
from domain.record import turned_away
from models.access import BrowserSession

_log = logging.getLogger("spheres.web")


async def refused(request: Request) -> None:
    """Tell that what this request asks for is not the asker's, or is not there."""
    seated: RequestContext | None = getattr(request.state, "seated", None)
    if seated is None:
        _log_stranger(request, "not_theirs")
        return
    await _at_a_desk(
        request, _tell, installation_of(request), seated.program_id, themselves(seated.asker), request, seated.at
    )


async def stopped(request: Request) -> None:
    """Tell the record that a person opened as many files as they may, and asked for one more."""
    seated: RequestContext | None = getattr(request.state, "seated", None)
    if seated is not None:
        by = themselves(seated.asker)
        told = (installation_of(request), seated.program_id, by, request, seated.at, "too_many")
        await _at_a_desk(request, _tell, *told)


async def not_signed_in(request: Request) -> None:
    """Tell the record that a request had no sign-in, or that a known person's sign-in no longer holds."""
    installation = installation_of(request)
    token = request.cookies.get(installation.cookie, "")
    if token:
        await _at_a_desk(request, _tell_of_sign_in, installation, token, request)
    else:
        _log_stranger(request, "anonymous")


def action_of(request: Request) -> str:
    """The action that the request's route names; "" where no route was found."""
    action = permissions.action_of(request.scope.get("endpoint"))
    return action.value if action else ""


def asked_for(request: Request) -> tuple[str, UUID | None]:
    """The kind and id of the thing that a path names, the last of several; ("", None) where it names none."""
    named = [(name, value) for name, value in request.path_params.items() if name.endswith("_id")]
    if not named:
        return "", None
    name, value = named[-1]
    try:
        return name.removesuffix("_id"), UUID(str(value))
    except ValueError:
        return name.removesuffix("_id"), None


async def _at_a_desk(request: Request, tell: Any, *given: object) -> None:
    """As any other work of a request: no more at once than there are connections."""
    desks: anyio.CapacityLimiter = request.app.state.desks
    async with desks:
        await run_in_threadpool(tell, *given)


def _tell(
    installation: Installation,
    program_id: UUID,
    by: Actor,
    request: Request,
    at: datetime,
    why: turned_away.Why = "not_theirs",
) -> None:
    kind, asked = asked_for(request)
    with installation.transaction(program_id) as session:
        turned_away.tell(session, by=by, at=at, action=action_of(request), why=why, kind=kind, asked=asked)


def _tell_of_sign_in(installation: Installation, token: str, request: Request) -> None:
    at = installation.clock()
    with installation.before_a_program() as session:
        by_cookie = col(BrowserSession.token_digest) == digest(session, token)
        found = run(session, select(BrowserSession).where(by_cookie)).first()
    if found is None:
        _log_stranger(request, "anonymous")
        return
    why: turned_away.Why = "left"  # the sign-in holds: it is its person who holds nothing any more
    if found.ended_at is not None:
        why = "left" if found.ended_as == "left" else "ended"
    elif found.seen_at <= at - IDLE or found.signed_in_at <= at - LONGEST:
        why = "lapsed"
    _tell(installation, found.program_id, Actor(role="", person_id=found.person_id), request, at, why)


def _log_stranger(request: Request, why: str) -> None:
    _log.info("turned away", extra={"action": action_of(request), "why": why, "method": request.method})
