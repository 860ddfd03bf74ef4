"""The consent form of one person: signed once on its page, narrowed by a word on another, and its papers."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import File, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from api.access.participants import UnsealedFacts, find_participant
from api.access.permissions import Action, asks, require
from api.access.session import InContext, RequestContext
from api.acts.consents import LINES, SENT, SIGNING, TICKS
from api.acts.consents import FormSent as SentForm
from api.acts.declaring import On, Parts, part
from api.pages.act_routes import ActForm, FormSent, Texts, act_pages
from api.pages.files import read_sent
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page
from api.pages.participant import participant_page
from api.views import participant_words
from api.views.consent_lines import form_to_sign, lines_that_stand, people_of
from api.views.consent_papers import confirmation_file, copy_file, signed_file, text_in
from api.views.participants import SeenFile, partner_names
from api.views.tasks import names_of
from api.views.ticked_lines import TickedLines
from api.web.downloads import download
from domain.accompaniment import consent_forms, consents
from domain.participants import CURRENT, languages_of, parts_of

router = framed_pages("/participants")


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
    """The form in one language, to explain and sign: the reader's, unless `text` names another.

    Before the person committed there is nothing to sign: the file says what is missing.
    """
    seen = _seen(context, participant_id)
    too_early = context.attempt(lambda: consent_forms.refuse_too_early(context.session, seen.id, seen.row.state))
    if too_early is not None:
        return participant_page(context, request, seen.row, seen.given, typed=Typed("sign", too_early))
    return _signing_page(seen, request, Typed("sign", values={"text": text} if text else {}))


def _seen(context: RequestContext, participant_id: UUID) -> SeenFile:
    """The file of a person whose consents the asker keeps. Raises Forbidden."""
    return SeenFile(context, *find_participant(context.session, context.asker, participant_id, Action.KEEP_ADMISSION))


def _signing_page(seen: SeenFile, request: Request, typed: Typed) -> HTMLResponse:
    text = text_in(CURRENT, str(typed.get("sign", "text") or seen.context.language))
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
    return download(confirmation_file(_seen(context, participant_id), text))


@router.get("/{participant_id}/consent-forms/{form_id}/copy", name="consent_copy")
@asks(Action.KEEP_ADMISSION)
def give_copy(context: InContext, participant_id: UUID, form_id: UUID) -> Response:
    """The copy for the person, in the language that was signed, with the drawn signature."""
    return download(copy_file(_seen(context, participant_id), form_id))


@router.get("/{participant_id}/consent-forms/{form_id}/signed", name="consent_signed")
@asks(Action.READ_SIGNED_FORM)
def read_signed(context: InContext, participant_id: UUID, form_id: UUID) -> Response:
    """The scan or the drawing as it was signed, for the coordinator, who stores it; told to the record."""
    _, given = find_participant(context.session, context.asker, participant_id, Action.READ_SIGNED_FORM)
    return download(signed_file(context, participant_id, form_id, by=require(Action.READ_SIGNED_FORM, given)))


def _signing_again(on: On[UnsealedFacts], request: Request, typed: Typed) -> Response:
    return _signing_page(SeenFile(on.context, on.row, on.given), request, typed)


def _ticks_again(on: On[UnsealedFacts], request: Request, typed: Typed) -> Response:
    return _ticks_page(SeenFile(on.context, on.row, on.given), request, typed)


act_pages(router, SIGNING, _signing_again, must_have_seen=True, as_form=_SigningForm)
act_pages(router, TICKS, _ticks_again, must_have_seen=True, as_form=_LinesForm)
