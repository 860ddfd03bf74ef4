"""What an asker is to a person's request about their own data. A worker that the person barred sees none of it."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from api.access.cases import to_task
from api.access.permissions import Action, Asker, Forbidden, Given, Relation, require, themselves, to_program
from api.access.tasks import find_task
from domain.accompaniment import barring
from domain.kernel import Actor, first, of
from domain.rights import CORRECT
from models.casework import Task
from models.right import RightsRequest


def find_request(
    session: Session, asker: Asker, request_id: UUID, action: Action = Action.SEE_RIGHTS
) -> tuple[RightsRequest, Given]:
    """A request for an action, without what is sealed, and what the asker is to it. Raises Forbidden."""
    given = to_program(asker)
    require(action, given)  # whoever may not is asked nothing more: no time tells that there is one
    sealed = (RightsRequest.asked, RightsRequest.masks, RightsRequest.answer, RightsRequest.statement)
    row = first(session, of(RightsRequest, without=sealed).where(RightsRequest.id == request_id))
    if row is None:
        raise Forbidden
    if row.participant_id is not None and barring.is_barred(session, row.participant_id, asker.person_id):
        given = {Relation.BARRED: themselves(asker)}
        require(action, given)
    return row, given


def find_correction(session: Session, asker: Asker, task_id: UUID) -> tuple[Task, RightsRequest, Actor]:
    """The correction that an open task asks for, and as whom the asker, who has to make it, reads it.

    Raises Forbidden: no such task, it or the request is over, it is another's to do, or the person barred them.
    """
    task, case = find_task(session, asker, task_id)
    given = to_task(session, asker, task, case)
    if task.step != CORRECT or task.state != "open":
        raise Forbidden
    row = first(session, of(RightsRequest).where(RightsRequest.id == UUID(task.item)))
    if row is None or row.participant_id is None or row.ended_at is not None:
        raise Forbidden
    if barring.is_barred(session, row.participant_id, asker.person_id):
        given = {Relation.BARRED: themselves(asker)}
    return task, row, require(Action.READ_CORRECTION, given)
