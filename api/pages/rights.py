"""The privacy officer's desk: what people ask about their own data, by when, what they are given and were answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, Forbidden, Given, asks, is_allowed, require, to_program
from api.access.rights import find_correction, find_request
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.rights import REQUEST, RIGHTS, FileSought
from api.pages.act_routes import act_pages
from api.pages.choices import names_to_choose
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page
from api.views.participant_words import offered
from api.views.person_papers import paper_of
from api.views.rights_letters import letter_of
from api.views.rights_words import ASKED_BY, CONTESTED, GROUNDS, HANDED_OVER, KINDS, STATES, VERIFIED_BY
from api.views.tasks import names_of
from api.web import downloads
from domain.files import spreadsheets
from domain.kernel import local_day, surely
from domain.mail import Attachment
from domain.participants import known_as
from domain.rights import done_first, finding, packages, requests
from domain.roles import who_barred
from meetings.documents import issuing, person_data
from meetings.documents.person_paper import PersonPaper
from models.right import WITH_A_PACKAGE, RightsRequest

router = framed_pages("/privacy/rights", of_acts=True)
#: What is no act: each reads, and is read on its page alone.
readings = framed_pages()

_JSON: Final = "application/json"
#: The codes of a request in words, as its pages and lists say them.
_WORDS: Final[Mapping[str, Mapping[str, str] | Mapping[str, tuple[str, str]]]] = {
    "kinds": KINDS,
    "states": STATES,
    "asked_by": ASKED_BY,
    "verified_by": VERIFIED_BY,
    "grounds": GROUNDS,
    "handed_over": HANDED_OVER,
    "contested": CONTESTED,
}


@router.get("", name="rights")
@asks(Action.SEE_RIGHTS)
def list_requests(context: InContext, request: Request) -> HTMLResponse:
    """What waits for an answer, what is due first first; and what was answered."""
    require(Action.SEE_RIGHTS, to_program(context.asker))
    rows = requests.requests_of(context.session, without=who_barred(context.session, context.asker.person_id))
    return page(
        context,
        request,
        "rights.html",
        open_ones=[row for row in rows if row.ended_at is None],
        ended=[row for row in rows if row.ended_at is not None],
        today=context.day,
        sees_readings=is_allowed(Action.SEE_PRIVACY, to_program(context.asker)),
        said=_WORDS,
    )


@router.get("/new", name="new_rights_request")
@asks(Action.KEEP_RIGHTS)
def new_request(context: InContext, request: Request) -> HTMLResponse:
    """The form in which a request is taken down."""
    require(Action.KEEP_RIGHTS, to_program(context.asker))
    return _new_page(context, request, Typed())


@readings.post("/privacy/rights/file", name="rights_file")
@asks(Action.FIND_FILE)
def find_file(
    context: InContext, request: Request, given_name: Text = "", family_name: Text = "", birth_date: Text = ""
) -> HTMLResponse:
    """The form with the number of who lost it, by their whole name and birth date. Each search is on record."""
    by, found = require(Action.FIND_FILE, to_program(context.asker)), list[str]()

    def look() -> None:
        typed = {"given_name": given_name, "family_name": family_name, "birth_date": birth_date}
        said = FileSought.from_form(typed, context).said()
        found.extend(finding.find_files(context.session, said, by=by, at=context.at))

    refusal = context.attempt(look)
    # What was typed is not shown again: it names somebody.
    typed = Typed("find", refusal, {"file": next(iter(found), "")})
    return _new_page(context, request, typed, found=None if refusal else found)


@router.get("/{rights_request_id}", name="rights_request")
@asks(Action.SEE_RIGHTS)
def show_request(context: InContext, request: Request, rights_request_id: UUID) -> HTMLResponse:
    """One request: who asks, by when it is answered, and what became of it."""
    row, given = find_request(context.session, context.asker, rights_request_id)
    return _request_page(context, request, row, given, Typed())


@router.get("/{rights_request_id}/package", name="rights_package")
@asks(Action.PREPARE_PACKAGE)
def show_package(context: InContext, request: Request, rights_request_id: UUID) -> HTMLResponse:
    """What would be given, with what is masked and what is pointed at. Each look is on record."""
    row, given = find_request(context.session, context.asker, rights_request_id, Action.PREPARE_PACKAGE)
    return _package_page(context, request, row, given, Typed())


@router.get("/{rights_request_id}/package.pdf", name="rights_package_pdf")
@asks(Action.PREPARE_PACKAGE)
def download_pdf(context: InContext, rights_request_id: UUID) -> Response:
    """The package on paper, in the person's language. Each opening is on record."""
    paper = _opened(context, rights_request_id)
    return downloads.download(issuing.give(paper, paper.language))


@router.get("/{rights_request_id}/package.json", name="rights_package_json")
@asks(Action.PREPARE_PACKAGE)
def download_json(context: InContext, rights_request_id: UUID) -> Response:
    """The package as data that another system can read. Each opening is on record."""
    paper = _opened(context, rights_request_id)
    return downloads.download(Attachment(_called(paper, "json"), _JSON, person_data.as_json(paper)))


@router.get("/{rights_request_id}/package.csv", name="rights_package_csv")
@asks(Action.PREPARE_PACKAGE)
def download_csv(context: InContext, rights_request_id: UUID) -> Response:
    """The package as a table that a spreadsheet can read, in words. Each opening is on record."""
    paper = _opened(context, rights_request_id)
    return downloads.download(Attachment(_called(paper, "csv"), spreadsheets.TEXT_CSV, person_data.as_csv(paper)))


@router.get("/{rights_request_id}/letter.pdf", name="rights_letter")
@asks(Action.PREPARE_PACKAGE)
def download_letter(context: InContext, rights_request_id: UUID) -> Response:
    """The letter of a request as it stands: received, longer, answered or refused. Each opening is on record."""
    row, given = find_request(context.session, context.asker, rights_request_id, Action.PREPARE_PACKAGE)
    by = require(Action.PREPARE_PACKAGE, given)
    words = requests.read_words(context.session, row.id, by=by, at=context.at)
    called = known_as(context.session, row.participant_id) if row.participant_id else ""
    letter = letter_of(context.session, row, words, known_as=called, today=context.day)
    if letter is None:
        raise Forbidden
    return downloads.download(issuing.give(letter, letter.language))


def _called(paper: PersonPaper, kind: Literal["json", "csv"]) -> str:
    return issuing.name_given(paper.on, paper.number, paper.language, kind)


def _opened(context: RequestContext, request_id: UUID) -> PersonPaper:
    """The package of a request, opened and noted on record, as of the day on which it was made. Raises Forbidden."""
    row, given = find_request(context.session, context.asker, request_id, Action.PREPARE_PACKAGE)
    by = require(Action.PREPARE_PACKAGE, given)
    package, pieces = packages.opened(context.session, row.id, by=by, at=context.at)
    called, on = known_as(context.session, package.participant_id), local_day(context.session, package.made_at)
    return paper_of(context.session, row, pieces, known_as=called, on=on)


@readings.get("/tasks/{task_id}/correction", name="correction")
@asks(Action.READ_CORRECTION)
def show_correction(context: InContext, request: Request, task_id: UUID) -> HTMLResponse:
    """What is to be corrected, in the person's words, for who has to do it. Each reading is on record."""
    task, row, by = find_correction(context.session, context.asker, task_id)
    asked = requests.read_asked(context.session, row, by=by, at=context.at)
    return page(
        context,
        request,
        "correction.html",
        task=task,
        row=row,
        asked=asked,
        known_as=known_as(context.session, surely(row.participant_id)),
    )


def _new_page(
    context: RequestContext, request: Request, typed: Typed, *, found: list[str] | None = None
) -> HTMLResponse:
    return page(
        context,
        request,
        "new_rights_request.html",
        typed=typed,
        kinds=offered(KINDS),
        asked_by=offered(ASKED_BY),
        verified_by=offered(VERIFIED_BY),
        people=names_to_choose(context),
        today=context.day,
        days=requests.rights_of(context.session).answered_in_days,
        finds=is_allowed(Action.FIND_FILE, to_program(context.asker)),
        found=found,
    )


def _request_page(
    context: RequestContext, request: Request, row: RightsRequest, given: Given, typed: Typed
) -> HTMLResponse:
    by = require(Action.SEE_RIGHTS, given)
    prepares = is_allowed(Action.PREPARE_PACKAGE, given)
    reads = prepares and row.participant_id is not None  # of a person who is not on file, no word is kept
    return page(
        context,
        request,
        "rights_request.html",
        typed=typed,
        row=row,
        words_in=requests.read_words(context.session, row.id, by=by, at=context.at) if reads else {},
        is_open=row.state in requests.OPEN,
        known_as=known_as(context.session, row.participant_id) if row.participant_id else "",
        has_package=row.kind in WITH_A_PACKAGE and row.participant_id is not None,
        package=packages.standing(context.session, row.id),
        prepares=prepares,
        kept_away=done_first.is_kept_away(context.session, row),
        names=names_of(context, {row.person_id, row.recorded_by, row.ended_by}),
        more_days=requests.rights_of(context.session).extended_by_days,
        handed=offered(HANDED_OVER),
        refusals=offered(GROUNDS),
        parts=offered(CONTESTED),
        today=context.day,
        said=_WORDS,
    )


def _package_page(
    context: RequestContext, request: Request, row: RightsRequest, given: Given, typed: Typed
) -> HTMLResponse:
    by = require(Action.PREPARE_PACKAGE, given)
    prepared = packages.prepare(context.session, row.id, by=by, at=context.at)
    called, on = known_as(context.session, prepared.whose), context.day
    return page(
        context,
        request,
        "rights_package.html",
        typed=typed,
        row=row,
        prepared=prepared,
        paper=paper_of(context.session, row, prepared.pieces, known_as=called, on=on),
        masked=prepared.masks
        if row.state == "preparing"
        else [one.words for one in prepared.pointed if one.why != "capital"],
        said=_WORDS,
    )


def _shown(on: On[RightsRequest], request: Request, typed: Typed) -> Response:
    action = Action.PREPARE_PACKAGE if typed.form in ("mask", "make") else Action.SEE_RIGHTS
    row, given = find_request(on.session, on.context.asker, on.id, action)
    shown = _package_page if action is Action.PREPARE_PACKAGE else _request_page
    return shown(on.context, request, row, given, typed)


act_pages(router, RIGHTS, lambda on, request, typed: _new_page(on.context, request, typed))
act_pages(router, REQUEST, _shown, must_have_seen=True)
