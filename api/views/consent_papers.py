"""The papers of one person's consent as every window gives them: the copy, what holds now, and what was signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from api.access.participants import ground_of
from api.access.permissions import Action, Forbidden, require
from api.access.session import RequestContext
from api.views.consent_lines import program_title
from api.views.participants import SeenFile, partner_names
from api.views.tasks import names_of
from domain.accompaniment import consent_forms, consents
from domain.kernel import Actor, Refusal
from domain.mail import Attachment
from domain.participants import CURRENT, RESEARCH, ConsentText, text_of
from meetings.documents.consent_papers import SignedCopy, StandingLine, confirmation, signed_copy
from meetings.documents.issuing import issue_paper
from models.consent import Consent, ConsentForm

_ENDINGS: Final[Mapping[str, str]] = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


def text_in(version: int, language: str) -> ConsentText:
    """A version of the text in a language that somebody chose. Raises Forbidden where there is none."""
    try:
        return text_of(version, language)
    except Refusal:
        raise Forbidden from None


def confirmation_file(seen: SeenFile, language: str) -> Attachment:
    """What holds today and what has ended, in the language that they signed in unless one is named. Raises Forbidden.

    Raises Refusal where a text of it names somebody who may not be named.
    """
    context = seen.context
    rows = [one for one in consents.consents_of(seen.session, seen.id) if one.replaced_at is None]
    if not rows:
        raise Forbidden
    said = text_in(CURRENT, language or rows[0].language)
    names = dict(partner_names(seen.session))
    # As on the form: what all rests on comes first, then the partners by name.
    rows.sort(key=lambda one: (one.purpose != "program", _partner(one, names)))
    lines = [_standing(said, one, names, context) for one in rows]
    paper = confirmation(said.language, lines, context.day, program=program_title(context, said.language))
    return issue_paper(seen.session, paper, "consent-confirmation", context.day)


def copy_file(seen: SeenFile, form_id: UUID) -> Attachment:
    """The copy of a form, in the language that was signed; where it opens the drawing, that is told to the record.

    Raises Forbidden: a form that is none of theirs. Raises Refusal as `confirmation_file`.
    """
    context, session = seen.context, seen.session
    form = _form(context, seen.id, form_id)
    drawing = b""
    if form.way == "drawn":
        by, ground = require(Action.KEEP_ADMISSION, seen.given), ground_of(seen.given)
        drawing = consent_forms.read_signature(session, seen.id, form_id, ground=ground, by=by, at=context.at).content
    rows = consent_forms.lines_of(session, seen.id, form_id)
    names, program = dict(partner_names(session)), rows[0]
    text = text_in(program.text_version, program.language)
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
    return issue_paper(session, paper, "consent-copy", program.signed_on)


def signed_file(context: RequestContext, participant_id: UUID, form_id: UUID, *, by: Actor) -> Attachment:
    """The scan or the drawing as it was signed; told to the record. Raises Forbidden: a form that is none of theirs."""
    session = context.session
    _form(context, participant_id, form_id)
    read = consent_forms.read_signature(session, participant_id, form_id, ground="role", by=by, at=context.at)
    signed_on = consent_forms.lines_of(session, participant_id, form_id)[0].signed_on
    ending = _ENDINGS.get(read.content_type, "bin")
    return Attachment(f"{signed_on.isoformat()}-consent-form.{ending}", read.content_type, read.content)


def _form(context: RequestContext, participant_id: UUID, form_id: UUID) -> ConsentForm:
    """A form of the person. Raises Forbidden where it is none of theirs."""
    form = consent_forms.form_of(context.session, participant_id, form_id)
    if form is None:
        raise Forbidden
    return form


def _standing(text: ConsentText, row: Consent, names: Mapping[UUID, str], context: RequestContext) -> StandingLine:
    stopped = row.withdrawn_on or (row.ends_on if row.ends_on and row.ends_on < context.day else None)
    return StandingLine(text.line(row.purpose, _partner(row, names), row.ends_on), row.signed_on, stopped)


def _partner(row: Consent, names: Mapping[UUID, str]) -> str:
    return names.get(row.organization_id, "") if row.organization_id else ""
