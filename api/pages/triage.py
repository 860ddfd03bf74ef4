"""The triage on one page: who they are once, the facts beside each criterion, one save, and where the referral goes."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.participants import UnsealedFacts, find_participant
from api.access.permissions import Action, Forbidden, asks
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.triage import TRIAGE
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.pages.participant import area_of, participant_page, tell_too_many
from api.views import participant_words
from api.views.languages import names_of as names_of_languages
from api.views.participants import SeenFile, Workers, admission_of
from api.views.tasks import names_of
from api.views.triage import askable, triage_shown
from domain.participants import rates

router = framed_pages("/participants")


@router.get("/{participant_id}/triage", name="triage")
@asks(Action.TRIAGE)
def show_triage(context: InContext, request: Request, participant_id: UUID) -> HTMLResponse:
    """The criteria with the facts of the referral beside them, without the name until that is opened."""
    row, _ = find_participant(context.session, context.asker, participant_id, Action.TRIAGE)
    return _page(context, request, row, Typed())


def _page(context: RequestContext, request: Request, row: UnsealedFacts, typed: Typed) -> HTMLResponse:
    row, given = find_participant(context.session, context.asker, row.id, Action.TRIAGE)  # as it stands now
    seen, area = SeenFile(context, row, given), area_of(context, row.area)
    shown, admission = triage_shown(seen, area, typed.values if typed.form == "findings" else {}), admission_of(seen)
    names = names_of(context, shown.people | admission.people)
    return page(
        context,
        request,
        "triage.html",
        typed=typed,
        one=row,
        shown=shown,
        known_as=row.number or row.candidate_ref,
        languages=names_of_languages(row.languages, context.language),
        area=area,
        terms=participant_words,
        names=names,
        maybe_known=admission.maybe_known,
        askable=askable(),
        workers=Workers.of(admission.proposals, names, context.language),
    )


def _shown(on: On[UnsealedFacts], request: Request, typed: Typed) -> Response:
    """The page again with why it was refused; the file's own where there is nothing to triage any more."""
    if typed.refusal is not None and typed.refusal.code == rates.TOO_MANY:
        tell_too_many(on.context, on.id, on.by)
    try:
        return _page(on.context, request, on.row, typed)
    except Forbidden:
        return participant_page(on.context, request, on.row, on.given, typed=typed)


act_pages(router, TRIAGE, _shown, must_have_seen=True)
