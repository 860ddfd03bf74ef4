"""Cases over JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import Uuid, func, literal
from sqlmodel import and_

from api.access.cases import NEWEST, find_case, visible_cases
from api.access.participants import find_participant
from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.access.tasks import lines_of_case, shown_in
from api.acts.cases import CASE, Row
from api.acts.declaring import On
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, etag
from api.json.shapes import (
    After,
    CaseGiven,
    CaseShown,
    CaseWhole,
    EventShown,
    GateShown,
    Limit,
    Page,
    TaskShown,
    VersionOfferShown,
)
from api.json.tasks import reads_notes, shown_tasks
from domain.casework import ROLE_OF_WORKER, board, cases, scheduling, subjects, versions
from domain.kernel import Order, col, every, in_program, of, program_of, scalar, select, surely
from domain.people import people
from domain.roles import task_is_open_to
from models.casework import SETTLED, Case, Task
from models.record import Event

router = api_routes("cases")

_LATEST: Final = Order(Event.n, newest_first=True)


@router.get("/cases")
@asks(Action.SEE_CASES)
def list_cases(
    context: InContext,
    state: Annotated[Literal["", "open", "closed", "cancelled"], Query()] = "",
    limit: Limit = 50,
    after: After = None,
) -> Page[CaseShown]:
    """The cases that the asker may see, the newest first. Those that are open are counted; the others only grow."""
    require(Action.SEE_CASES, to_program(context.asker))
    hats = board.hats_of(context.session, context.asker.standing, context.asker.person_id)
    seen = visible_cases(context.asker, hats)
    wanted = and_(in_program(Case), seen, *([Case.state == state] if state else []))
    total = scalar(context.session, select(func.count()).select_from(Case).where(wanted)) if state == "open" else None
    part = NEWEST.part(context.session, select(Case).where(wanted), seen, after=after, most=limit)
    return Page[CaseShown].of(part, lambda rows: _shown_cases(context, rows), limit, total)


@router.post("/cases", status_code=201)
@asks(Action.OPEN_CASE)
def open_case(body: CaseGiven, context: InContext, once: AtOnce, response: Response) -> CaseWhole:
    """Open a case; with `starts_on`, the person is appointed from that day first."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    place = body.organization_id
    by = require(Action.OPEN_CASE, to_program(context.asker, organizations=[place] if place else []))
    if body.starts_on is not None and body.subject_id is not None and place is not None:
        people.appoint(
            context.session,
            person_id=body.subject_id,
            role=ROLE_OF_WORKER,
            organization_id=place,
            starts_on=body.starts_on,
            by=by,
            at=context.at,
        )
    case_id = cases.open_case(
        context.session,
        body.protocol,
        subject_id=body.subject_id,
        organization_id=place,
        agreement_version_id=body.agreement_version_id,
        period=body.period,
        by=by,
        at=context.at,
    )
    once.done(response, 201, f"/api/v1/cases/{case_id}")
    return _one_case(context, case_id, response)


@router.get("/cases/{case_id}")
@asks(Action.SEE_CASE)
def get_case(case_id: UUID, context: InContext, response: Response) -> CaseWhole:
    """One case."""
    return _one_case(context, case_id, response)


@router.get("/cases/{case_id}/tasks")
@asks(Action.SEE_CASE)
def list_case_tasks(case_id: UUID, context: InContext) -> list[TaskShown]:
    """Every task of a case, in the protocol's order."""
    held = find_case(context.session, context.asker, case_id)
    rows = every(
        context.session,
        of(Task)
        .where(Task.case_id == case_id, task_is_open_to(literal(context.asker.person_id, Uuid())))
        .order_by(col(Task.position), col(Task.item)),
    )
    seen = shown_in(context.session, context.asker, held, rows)
    return shown_tasks(context, seen, with_notes=reads_notes(context, held))


@router.get("/cases/{case_id}/events")
@asks(Action.SEE_CASE)
def list_case_events(case_id: UUID, context: InContext, limit: Limit = 50, after: After = None) -> Page[EventShown]:
    """What happened in a case, the newest first."""
    wanted = lines_of_case(context.session, context.asker, find_case(context.session, context.asker, case_id))
    total = scalar(context.session, select(func.count()).select_from(Event).where(wanted)) or 0
    part = _LATEST.part(context.session, select(Event).where(wanted), wanted, after=after, most=limit)
    return Page[EventShown].of(part, EventShown.each, limit, total)


def _acted_on(on: On[Row], _: None, response: Response) -> CaseWhole:
    return _one_case(on.context, on.id, response)


act_resources(router, CASE, _acted_on)


def _one_case(context: RequestContext, case_id: UUID, response: Response) -> CaseWhole:
    # Read again after an act, and by the asker's own eyes.
    found = find_case(context.session, context.asker, case_id)
    response.headers["ETag"] = etag(found.version)
    row = context.session.get_one(Case, (program_of(context.session), case_id), populate_existing=True)
    offer = versions.newer_version(context.session, row, context.language)
    return CaseWhole.about(
        _shown_cases(context, [found])[0],
        participant_id=_file_of(context, row),
        follows=versions.pinned(context.session, found).number,
        offer=VersionOfferShown(version_id=offer.version.id, number=offer.version.number, changes=list(offer.changes))
        if offer
        else None,
    )


def _file_of(context: RequestContext, row: Case) -> UUID | None:
    """The file of the person that a case is about, where the asker may see it: what its steps ask is done there."""
    if row.participant_id is None:
        return None
    try:
        find_participant(context.session, context.asker, row.participant_id)
    except Forbidden:
        return None
    return row.participant_id


def _gates(context: RequestContext, rows: Sequence[Case]) -> dict[UUID, list[GateShown]]:
    """The gates of each case, with the steps that each still waits for."""
    left: dict[UUID, dict[str, None]] = {row.id: {} for row in rows}
    for one in every(
        context.session,
        of(Task).where(col(Task.case_id).in_(list(left)), col(Task.state).not_in(SETTLED)).order_by(col(Task.position)),
    ):
        left[surely(one.case_id)][one.step] = None
    found: dict[UUID, list[GateShown]] = {}
    for row in rows:
        protocol = scheduling.pinned_protocol(context.session, row.protocol_version_id)
        found[row.id] = [
            GateShown(
                key=key,
                title=gate.title.in_language(context.language),
                is_open=not (waits_for := [step for step in left[row.id] if step in gate.steps]),
                waits_for=waits_for,
            )
            for key, gate in protocol.gates.items()
        ]
    return found


def _shown_cases(context: RequestContext, rows: Sequence[Case]) -> list[CaseShown]:
    if not rows:
        return []
    ids = [row.id for row in rows]
    progress = board.progress(context.session, ids, context.day)
    said = subjects.in_words(context.session, ids, context.language)
    gates = _gates(context, rows)
    return [
        CaseShown.about(
            row,
            subject=said[row.id].subject,
            organization=said[row.id].organization,
            settled=progress[row.id].settled,
            required=progress[row.id].required,
            late=progress[row.id].late,
            gates=gates[row.id],
        )
        for row in rows
    ]
