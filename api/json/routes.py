"""The routes under /api/v1: each takes what a person may do on a page, through the same verbs and the same table."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.json import (
    agendas,
    agreements,
    cases,
    committees,
    decisions,
    departures,
    destructions,
    engine,
    equipment,
    files,
    follow_ups,
    meetings,
    minutes,
    outgoing_mail,
    participants,
    partners,
    people,
    privacy,
    program,
    referrals,
    research,
    restored,
    rights,
    sittings,
    statements,
    summaries,
    tasks,
    unmatched_replies,
    weeks,
    workbooks,
)

#: Each module's routes.
ROUTERS: Final[tuple[APIRouter, ...]] = (
    program.router,
    cases.router,
    tasks.router,
    people.router,
    outgoing_mail.router,
    engine.router,
    committees.router,
    meetings.router,
    unmatched_replies.router,
    agendas.router,
    sittings.router,
    decisions.router,
    departures.router,
    equipment.router,
    summaries.router,
    minutes.router,
    statements.router,
    follow_ups.router,
    weeks.router,
    workbooks.router,
    referrals.router,
    participants.router,
    destructions.router,
    rights.router,
    restored.router,
    files.router,
    research.router,
    agreements.router,
    partners.router,
    privacy.router,
)
