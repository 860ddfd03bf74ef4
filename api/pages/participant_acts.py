"""The acts on a candidate's or participant's page: of the admission, and of what is kept beside it."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from api.access.participants import UnsealedFacts, find_participant, ground_of
from api.access.permissions import Action, Forbidden, asks, require
from api.access.session import InContext
from api.acts.admissions import PARTICIPANT
from api.acts.declaring import On
from api.acts.participant_files import KEPT
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages
from api.pages.participant import participant_page
from api.views.opened_files import OpenedNow, ShownDisclosure
from domain.participants import disclosures

router = framed_pages("/participants")


@router.post("/{participant_id}/disclosures/{disclosure_id}/reading")
@asks(Action.KEEP_DISCLOSURES)
def read_disclosure(context: InContext, request: Request, participant_id: UUID, disclosure_id: UUID) -> Response:
    """Show once to whom the disclosure was made, and what it said; the record is told."""
    row, given = find_participant(context.session, context.asker, participant_id, Action.KEEP_DISCLOSURES)
    by = require(Action.KEEP_DISCLOSURES, given)
    shown: list[OpenedNow] = []

    def act() -> None:
        told = disclosures.read_disclosure(
            context.session, participant_id, disclosure_id, by=by, at=context.at, ground=ground_of(given)
        )
        shown.append(OpenedNow(disclosure=ShownDisclosure(disclosure_id, **told)))

    typed = Typed("disclosure", context.attempt(act))
    return participant_page(context, request, row, given, typed=typed, shown=next(iter(shown), None))


def _shown(on: On[UnsealedFacts], request: Request, typed: Typed) -> Response:
    return participant_page(on.context, request, on.row, on.given, typed=typed)


def _after(on: On[UnsealedFacts], place: str) -> str:
    """The part of the page, or one's own work where the act took who did it off the file."""
    try:
        find_participant(on.session, on.context.asker, on.id)
    except Forbidden:
        return "/"
    return place


act_pages(router, PARTICIPANT, _shown, after=_after, must_have_seen=True)
act_pages(router, KEPT, _shown, after=_after)
