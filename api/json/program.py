"""The program over JSON: who asks, its protocols, its vacancies and its record."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from sqlalchemy import Uuid, literal
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import and_

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext
from api.json.described import api_routes
from api.json.people import shown_roles
from api.json.shapes import EventShown, Latest, Limit, MeShown, ProtocolShown, VacancyShown
from domain.casework import vacancies
from domain.kernel import col, every, in_program, of, select
from domain.record import FOR_PRIVACY
from domain.roles import line_is_open_to
from models.casework import ProtocolVersion
from models.record import Event

router = api_routes("program")


@router.get("/me")
@asks(Action.SEE_MY_WORK)
def me(context: InContext) -> MeShown:
    """Who is asking."""
    require(Action.SEE_MY_WORK, to_program(context.asker))
    return MeShown(
        id=context.asker.person_id,
        name=context.person.name,
        program=context.program.key,
        day=context.day,
        roles=shown_roles(context.asker.standing.roles_of(context.asker.person_id)),
        acting_for=[absence.person_id for absence in context.asker.standing.acting_for(context.asker.person_id)],
    )


@router.get("/protocols")
@asks(Action.SEE_PROTOCOL)
def list_protocols(context: InContext) -> list[ProtocolShown]:
    """The program's protocols, each in its current version."""
    require(Action.SEE_PROTOCOL, to_program(context.asker))
    rows = every(
        context.session,
        of(ProtocolVersion)
        .ext(distinct_on(col(ProtocolVersion.key)))
        .order_by(
            col(ProtocolVersion.key), col(ProtocolVersion.number).desc(), col(ProtocolVersion.recorded_at).desc()
        ),
    )
    return [
        ProtocolShown.about(
            row,
            title=row.title_fr if context.language == "fr" else row.title_en,
            subject_kind=row.declared["subject"]["kind"],
            starts=row.declared.get("starts"),
        )
        for row in rows
    ]


@router.get("/vacancies")
@asks(Action.SEE_BOARD)
def list_vacancies(context: InContext) -> list[VacancyShown]:
    """Every vacant role and seat of today."""
    require(Action.SEE_BOARD, to_program(context.asker))
    french = context.language == "fr"
    return [
        VacancyShown.about(empty, title=empty.title_fr if french else empty.title_en)
        for empty in vacancies.find(context.session, context.asker.standing)
    ]


@router.get("/events")
@asks(Action.SEE_ACTIVITY)
def list_events(
    context: InContext,
    limit: Limit = 50,
    before: Annotated[int, Query(ge=1, le=2**62, description="Lines older than this number.")] = 2**62,
) -> Latest[EventShown]:
    """The record of the program, the newest first. Ask for the next part with `older` as `before`."""
    require(Action.SEE_ACTIVITY, to_program(context.asker))
    mine = and_(
        in_program(Event),
        col(Event.verb).not_in(sorted(FOR_PRIVACY)),
        line_is_open_to(literal(context.asker.person_id, Uuid())),
    )
    rows = every(
        context.session,
        select(Event).where(and_(mine, col(Event.n) < before)).order_by(col(Event.n).desc()).limit(limit + 1),
    )
    return Latest.of(rows, EventShown.each, limit)
