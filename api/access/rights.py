"""What an asker is to a person's request about their own data. A worker that the person barred sees none of it."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from api.access.permissions import Action, Asker, Forbidden, Given, Relation, require, themselves, to_program
from domain.accompaniment import barring
from domain.kernel import first, of
from models.right import RightsRequest


def find_request(
    session: Session, asker: Asker, request_id: UUID, action: Action = Action.SEE_RIGHTS
) -> tuple[RightsRequest, Given]:
    """A request for an action, without what is sealed, and what the asker is to it. Raises Forbidden."""
    sealed = (RightsRequest.asked, RightsRequest.masks, RightsRequest.answer, RightsRequest.statement)
    row = first(session, of(RightsRequest, without=sealed).where(RightsRequest.id == request_id))
    given = to_program(asker)
    if row is None:
        raise Forbidden
    if row.participant_id is not None and barring.is_barred(session, row.participant_id, asker.person_id):
        given = {Relation.BARRED: themselves(asker)}
    require(action, given)
    return row, given
