"""People's requests about their own data over JSON: what is asked and by when, without a word that was written."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.permissions import Action, asks, require, to_program
from api.access.rights import find_request
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.rights import REQUEST, RIGHTS
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import etag
from api.json.shapes import Shown, of_columns
from domain.rights import requests
from domain.roles import who_barred
from models.right import RightsRequest

router = api_routes("privacy", prefix="/privacy/rights", of_acts=True)


@of_columns(
    RightsRequest,
    "id number kind state received_on due_on extended_on asked_by verified_by verified_on language person_id ground "
    "answered_on handed_over contested recorded_by recorded_at ended_by ended_at version",
)
class RightsRequestShown(Shown):
    """A request as the register holds it. What was written with it is read on its page alone."""


@router.get("")
@asks(Action.SEE_RIGHTS)
def get_requests(context: InContext) -> list[RightsRequestShown]:
    """Every request, those that wait for an answer first."""
    require(Action.SEE_RIGHTS, to_program(context.asker))
    barred = who_barred(context.session, context.asker.person_id)
    return RightsRequestShown.each(requests.requests_of(context.session, without=barred))


@router.get("/{rights_request_id}")
@asks(Action.SEE_RIGHTS)
def get_request(rights_request_id: UUID, context: InContext, response: Response) -> RightsRequestShown:
    """One request."""
    return _one(context, rights_request_id, response)


def _one(context: RequestContext, rights_request_id: UUID, response: Response) -> RightsRequestShown:
    row, _ = find_request(context.session, context.asker, rights_request_id)
    response.headers["ETag"] = etag(row.version)
    return RightsRequestShown.about(row)


def _received(on: On[None], rights_request_id: UUID, response: Response) -> RightsRequestShown:
    return _one(on.context, rights_request_id, response)


def _acted_on(on: On[RightsRequest], _: UUID | None, response: Response) -> RightsRequestShown:
    return _one(on.context, on.id, response)


act_resources(router, RIGHTS, _received)
act_resources(router, REQUEST, _acted_on)
