"""The consent form of one person: signed once on its page, narrowed by a word on another, and its papers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import File, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from api.access.participants import UnsealedFacts, find_participant, ground_of
from api.access.permissions import Action, Forbidden, asks, require
from api.access.session import InContext, RequestContext
from api.acts.consents import LINES, SENT, SIGNING, TICKS
from api.acts.consents import FormSent as SentForm
from api.acts.declaring import On, Parts, part
from api.pages.act_routes import ActForm, FormSent, Texts, act_pages
from api.pages.files import read_sent
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page
from api.views import participant_words
from api.views.consent_lines import form_to_sign, lines_that_stand, people_of, program_title
from api.views.participants import SeenFile, partner_names
from api.views.tasks import names_of
from api.views.ticked_lines import TickedLines
from api.web.downloads import download
from domain.accompaniment import consent_forms, consents
from domain.kernel import Refusal
from domain.mail import Attachment
from domain.participants import CURRENT, RESEARCH, ConsentText, languages_of, parts_of, text_of
from meetings.documents.consent_papers import SignedCopy, StandingLine, confirmation, signed_copy
from meetings.documents.issuing import issue_paper
from models.consent import Consent, ConsentForm

router = framed_pages("/participants")

_ENDINGS: Final[Mapping[str, str]] = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


class _LinesForm(ActForm[UnsealedFacts]):
    """A form whose lines are ticked one by one."""

    def opened(self, sent: FormSent) -> tuple[On[UnsealedFacts], Parts]:
        """The file, and what was typed, with the lines."""
        on, typed = super().opened(sent)
        lines = TickedLines(*(sent.parts[name] or [] for name in _LINES))
        return on, {**typed, LINES: lines}

    def parts(self) -> list[inspect.Parameter]:
        """What the form sends."""
        return [*super().parts(), *(part(name, Texts, None) for name in _LINES)]


#: The lines of a form, those that are ticked, and the last day beside each.
_LINES: Final = ("line", "ticked", "until")


class _SigningForm(_LinesForm):
    """The form that is signed: it brings the drawing, or the scan of a paper."""

    def opened(self, sent: FormSent) -> tuple[On[UnsealedFacts], Parts]:
        """The file, what was typed, and what was signed."""
        on, typed = super().opened(sent)
        document: UploadFile | None = sent.parts.get("scan")
        scan = read_sent(document) if document is not None and document.filename else None
        drawn, program = (str(sent.parts[name]) for name in ("drawn", "program"))
        return on, {**typed, SENT: SentForm(typed[LINES], program, drawn, scan)}

    def parts(self) -> list[inspect.Parameter]:
        """What the form sends."""
        texts = (part(name, Text, "") for name in ("drawn", "program"))
        return [*super().parts(), *texts, part("scan", Annotated[UploadFile | None, File()], None)]


@router.get("/{participant_id}/consents/form", name="consent_signing")
@asks(Action.KEEP_ADMISSION)
def show_signing(context: InContext, request: Request, participant_id: UUID, text: str = "") -> HTMLResponse:
    """The form in one language, to explain and sign: the reader's, unless `text` names another."""
    return _signing_page(_seen(context, participant_id), request, Typed("sign", values={"text": text} if text else {}))


def _seen(context: RequestContext, participant_id: UUID) -> SeenFile:
    """The file of a person whose consents the asker keeps. Raises Forbidden."""
    return SeenFile(context, *find_participant(context.session, context.asker, participant_id, Action.KEEP_ADMISSION))


def _signing_page(seen: SeenFile, request: Request, typed: Typed) -> HTMLResponse:
    text = _text(CURRENT, str(typed.get("sign", "text") or seen.context.language))
    sent = typed.get("sign", SENT, None)
    form = form_to_sign(seen, text, sent.lines if sent else None)
    names = names_of(seen.context, {*form.workers})
    return _page(
        seen,
        request,
        "consent_signing.html",
        typed,
        form=form,
        agrees=sent is not None and sent.program == "yes",
        parts=parts_of(text.text)[1],
        versions=[(str(n), str(n)) for n in range(CURRENT, 0, -1)],
        workers=[(str(one), names[one]) for one in form.workers],
    )


@router.get("/{participant_id}/consents", name="consent_ticks")
@asks(Action.KEEP_ADMISSION)
def show_ticks(context: InContext, request: Request, participant_id: UUID) -> HTMLResponse:
    """What the person agrees to now, line by line, each to be left ticked or not."""
    return _ticks_page(_seen(context, participant_id), request, Typed())


def _ticks_page(seen: SeenFile, request: Request, typed: Typed) -> HTMLResponse:
    lines = lines_that_stand(seen, typed.get("narrow", LINES, None))
    return _page(
        seen,
        request,
        "consent_ticks.html",
        typed,
        lines=lines,
        ended=[one for one in consents.consents_of(seen.session, seen.id) if one.withdrawn_on],
        partner_names=dict(partner_names(seen.session)),
        names=names_of(seen.context, {*people_of(lines)}),
    )


def _page(seen: SeenFile, request: Request, name: str, typed: Typed, **shown: Any) -> HTMLResponse:
    """A page about the consents of one person, with what was typed."""
    shown |= {"one": seen.row, "known_as": seen.row.number or seen.row.candidate_ref, "languages": languages_of()}
    return page(seen.context, request, name, typed=typed, terms=participant_words, today=seen.context.day, **shown)


@router.get("/{participant_id}/consents/confirmation", name="consent_confirmation")
@asks(Action.KEEP_ADMISSION)
def give_confirmation(context: InContext, participant_id: UUID, text: str = "") -> Response:
    """What holds today and what has ended, on paper for the person: in the language that they signed in."""
    _seen(context, participant_id)
    rows = [one for one in consents.consents_of(context.session, participant_id) if one.replaced_at is None]
    if not rows:
        raise Forbidden
    said = _text(CURRENT, text or rows[0].language)
    names = dict(partner_names(context.session))
    lines = [_standing(said, one, names, context) for one in rows]
    paper = confirmation(said.language, lines, context.day, program=program_title(context, said.language))
    return download(issue_paper(context.session, paper, "consent-confirmation", context.day))


@router.get("/{participant_id}/consent-forms/{form_id}/copy", name="consent_copy")
@asks(Action.KEEP_ADMISSION)
def give_copy(context: InContext, participant_id: UUID, form_id: UUID) -> Response:
    """The copy for the person, in the language that was signed, with the drawn signature."""
    seen, session = _seen(context, participant_id), context.session
    form = _form(context, participant_id, form_id)
    drawing = b""
    if form.way == "drawn":
        by = require(Action.KEEP_ADMISSION, seen.given)
        ground = ground_of(seen.given)
        read = consent_forms.read_signature(session, participant_id, form_id, ground=ground, by=by, at=context.at)
        drawing = read.content
    rows = consent_forms.lines_of(session, participant_id, form_id)
    names, program = dict(partner_names(session)), rows[0]
    text = _text(program.text_version, program.language)
    copy = SignedCopy(
        ticked=[text.line(one.purpose, _partner(one, names), one.agreed_until) for one in rows],
        research=text.line(RESEARCH, "", None) if text.asks_research else "",
        agrees_to_research=consent_forms.ticked_research(session, form_id),
        explained_on=program.explained_on,
        signed_on=program.signed_on,
        signed_by=program.signed_by,
        worker=names_of(context, {program.worker_id})[program.worker_id],
        drawing=drawing,
    )
    paper = signed_copy(text, copy, program=program_title(context, text.language))
    return download(issue_paper(session, paper, "consent-copy", program.signed_on))


@router.get("/{participant_id}/consent-forms/{form_id}/signed", name="consent_signed")
@asks(Action.READ_SIGNED_FORM)
def read_signed(context: InContext, participant_id: UUID, form_id: UUID) -> Response:
    """The scan or the drawing as it was signed, for the coordinator, who stores it; told to the record."""
    _, given = find_participant(context.session, context.asker, participant_id, Action.READ_SIGNED_FORM)
    by, session = require(Action.READ_SIGNED_FORM, given), context.session
    _form(context, participant_id, form_id)
    read = consent_forms.read_signature(session, participant_id, form_id, ground="role", by=by, at=context.at)
    signed_on = consent_forms.lines_of(session, participant_id, form_id)[0].signed_on
    ending = _ENDINGS.get(read.content_type, "bin")
    return download(Attachment(f"{signed_on.isoformat()}-consent-form.{ending}", read.content_type, read.content))


def _form(context: RequestContext, participant_id: UUID, form_id: UUID) -> ConsentForm:
    """A form of the person. Raises Forbidden where it is none of theirs."""
    form = consent_forms.form_of(context.session, participant_id, form_id)
    if form is None:
        raise Forbidden
    return form


def _text(version: int, language: str) -> ConsentText:
    try:
        return text_of(version, language)
    except Refusal:
        raise Forbidden from None


def _standing(text: ConsentText, row: Consent, names: Mapping[UUID, str], context: RequestContext) -> StandingLine:
    stopped = row.withdrawn_on or (row.ends_on if row.ends_on and row.ends_on < context.day else None)
    return StandingLine(text.line(row.purpose, _partner(row, names), row.ends_on), row.signed_on, stopped)


def _partner(row: Consent, names: Mapping[UUID, str]) -> str:
    return names.get(row.organization_id, "") if row.organization_id else ""


def _signing_again(on: On[UnsealedFacts], request: Request, typed: Typed) -> Response:
    return _signing_page(SeenFile(on.context, on.row, on.given), request, typed)


def _ticks_again(on: On[UnsealedFacts], request: Request, typed: Typed) -> Response:
    return _ticks_page(SeenFile(on.context, on.row, on.given), request, typed)


act_pages(router, SIGNING, _signing_again, must_have_seen=True, as_form=_SigningForm)
act_pages(router, TICKS, _ticks_again, must_have_seen=True, as_form=_LinesForm)
