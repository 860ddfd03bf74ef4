"""The routes under /api/v1: each takes what a person may do on a page, through the same verbs and the same table."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter

from api.answers import PROBLEM
from api.json import (
    agendas,
    agreements,
    cases,
    committees,
    decisions,
    departures,
    files,
    follow_ups,
    meetings,
    minutes,
    participants,
    partners,
    people,
    post,
    privacy,
    program,
    referrals,
    sittings,
    statements,
    strays,
    summaries,
    tasks,
)
from api.json.shapes import Problem

#: What any route may answer besides.
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "content": {PROBLEM: {}}, "description": why}
    for status, why in (
        (400, "It cannot be read, or asks to be taken for another method."),
        (401, "Nobody is signed in."),
        (403, "The request came from another site."),
        (404, "There is nothing here, or nothing that is yours to see."),
        (405, "This cannot be done here."),
        (409, "A rule refuses it now."),
        (412, "It changed since it was read."),
        (413, "It is too large."),
        (414, "The address is too long."),
        (421, "The program is not reached by that name."),
        (422, "It does not fit, or a rule wants more."),
        (428, "If-Match is missing."),
        (431, "The headers are too many, or too long."),
        (503, "The database does not answer."),
    )
}

PREFIX: Final = "/api/v1"

#: Each module's routes, under `PREFIX`.
ROUTERS: Final[tuple[APIRouter, ...]] = (
    program.router,
    cases.router,
    tasks.router,
    people.router,
    post.router,
    committees.router,
    meetings.router,
    strays.router,
    agendas.router,
    sittings.router,
    decisions.router,
    departures.router,
    summaries.router,
    minutes.router,
    statements.router,
    follow_ups.router,
    referrals.router,
    participants.router,
    files.router,
    agreements.router,
    partners.router,
    privacy.router,
)
