"""Which pages there are: the routers of the page modules, those that need someone signed in inside their frame."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import text

from api.access.permissions import Action, asks
from api.access.session import installation_of
from api.pages import (
    activities,
    activity,
    agenda,
    agreement,
    agreement_acts,
    agreement_text,
    answering,
    board,
    case,
    caseload,
    cases,
    committees,
    consent_form,
    consents,
    decisions,
    demo_sign_in,
    departures,
    destructions,
    doors,
    engine,
    entra,
    equipment,
    feeds,
    follow_up,
    hiring,
    in_sitting,
    incidents,
    interviews,
    measures,
    meeting,
    meetings,
    minutes,
    my_access,
    obligations,
    opening,
    outgoing_mail,
    participant,
    participant_acts,
    partners,
    people,
    person,
    planning,
    privacy,
    program,
    protocols,
    redactions,
    referrals,
    referring_by_link,
    research_consents,
    restored,
    rights,
    seating,
    sign_in,
    sitting,
    staff_research_consents,
    statements,
    studies,
    summaries,
    tasks,
    triage,
    unmatched_replies,
    weeks,
    words,
    work,
    workbooks,
)
from api.web.rendering import render
from domain.kernel import run
from locales import ZONE

#: The pages of someone signed in, each module's `router`.
_FRAMED: tuple[APIRouter, ...] = (
    work.router,
    cases.router,
    opening.router,
    case.router,
    departures.router,
    summaries.router,
    tasks.router,
    meetings.router,
    meeting.router,
    agenda.router,
    sitting.router,
    in_sitting.router,
    committees.router,
    seating.router,
    unmatched_replies.router,
    planning.router,
    minutes.router,
    decisions.router,
    agreement_acts.router,
    agreement_text.router,
    partners.router,
    obligations.router,
    statements.router,
    caseload.router,
    follow_up.router,
    weeks.router,
    workbooks.router,
    board.router,
    people.router,
    person.router,
    program.router,
    agreement.router,
    protocols.router,
    outgoing_mail.router,
    engine.router,
    activity.router,
    privacy.router,
    incidents.router,
    rights.router,
    rights.readings,
    interviews.router,
    hiring.router,
    referrals.router,
    participant.router,
    participant_acts.router,
    consents.router,
    triage.router,
    destructions.router,
    consent_form.router,
    research_consents.router,
    staff_research_consents.router,
    studies.router,
    measures.router,
    activities.router,
    equipment.router,
    my_access.router,
    words.router,
    redactions.router,
    restored.router,
)

_health = APIRouter(include_in_schema=False)
_style_guide = APIRouter(include_in_schema=False)

#: The pages that stand alone, without the frame of someone signed in.
_ALONE: tuple[APIRouter, ...] = (
    _health,
    sign_in.router,
    demo_sign_in.router,
    doors.router,
    entra.router,
    answering.router,
    referring_by_link.router,
    feeds.router,
)


def routers(*, demonstration: bool) -> tuple[APIRouter, ...]:
    """Every page of the program; in the demonstration, the style guide too."""
    return (*_ALONE, *_FRAMED, *((_style_guide,) if demonstration else ()))


@_health.get("/healthz", name="health")
@asks(Action.LOOK)
def health(request: Request) -> JSONResponse:
    """Whether this process serves and its database answers, and whether as a demonstration; 503 where it does not."""
    installation = installation_of(request)
    with installation.before_a_program() as session:
        run(session, text("select 1"))
    return JSONResponse({"ok": True, "demonstration": installation.demonstration})


@_style_guide.get("/style-guide", name="style_guide")
@asks(Action.LOOK)
def style_guide(request: Request) -> HTMLResponse:
    """Every component of the pages once, with fictitious people."""
    now = datetime.now(UTC)
    return render(request, "style_guide.html", today=now.astimezone(ZONE).date(), now=now)
