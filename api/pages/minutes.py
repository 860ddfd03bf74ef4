"""The minutes of a meeting: read by its members once they were sent, kept by the secretary until they are approved."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.meetings import find_meeting
from api.access.minutes import MinutesRead, find_minutes, minutes_file
from api.access.permissions import Action, asks
from api.access.session import InContext, RequestContext
from api.acts.declaring import Act, On, Parts
from api.acts.minutes import CIRCULATION, MINUTES
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.pages.previewed_acts import previewed_pages
from api.pages.previews import Preview
from api.views.sittings import ATTENDED, OUTCOMES
from api.web import downloads
from locales import LANGUAGES, N_, gettext
from meetings import minutes, wording
from meetings.committees import committees, title_of
from meetings.decisions import decisions_of
from meetings.documents.content import MinutesContent, untranslated
from meetings.minutes_posting import lacking
from models.meeting import Meeting
from models.minutes import Minutes

router = framed_pages()


@router.get("/meetings/{meeting_id}/minutes", name="minutes")
@asks(Action.SEE_MEETING)
def show_minutes(context: InContext, request: Request, meeting_id: UUID) -> HTMLResponse:
    """The minutes of a meeting, as the reader may read them."""
    return minutes_page(context, request, meeting_id, Typed())


@router.get("/meetings/{meeting_id}/minutes/{language}.{form}", name="minutes_paper")
@asks(Action.SEE_MEETING)
def download_minutes(
    context: InContext, meeting_id: UUID, language: downloads.Language, form: downloads.Form
) -> Response:
    """The minutes as a file, in one language."""
    return downloads.download(minutes_file(context, meeting_id, language, form))


# ------------------------------------------------------------------------------------------------- what the page shows


def minutes_page(context: RequestContext, request: Request, meeting_id: UUID, typed: Typed) -> HTMLResponse:
    """The page of a meeting's minutes; with `typed`, as a rule refused what was sent. Raises Forbidden."""
    sheet = find_minutes(context, meeting_id)
    committee = committees(context.session)[sheet.meeting.committee_id]
    row, content = sheet.row, sheet.content
    return page(
        context,
        request,
        "minutes.html",
        typed=typed,
        meeting=sheet.meeting,
        committee=committee,
        title=title_of(committee, context.language),
        when=wording.when(context.language, sheet.meeting.starts),
        keeps=sheet.keeps,
        minutes=row,
        corrected=sheet.corrected,
        attendance_corrected=minutes.corrected_attendance(context.session, row) if row and sheet.keeps else (),
        content=content,
        languages=_languages(content),
        lacking=lacking(content) if content is not None else {},
        decisions={one.number: one.id for one in decisions_of(context.session, meeting_id)} if content else {},
        attended=ATTENDED,
        outcomes=OUTCOMES,
        is_intact=row is not None and minutes.is_intact(row),
        approving=_approving(context, sheet) if row is not None else [],
        approved_in=_approved_in(context, row) if row is not None else "",
    )


def _languages(content: MinutesContent | None) -> list[str]:
    """The languages in which the minutes are whole."""
    return [one for one in LANGUAGES if content is not None and not untranslated(content, one)]


def _approving(context: RequestContext, sheet: MinutesRead) -> list[tuple[UUID, str]]:
    """The later meetings of the committee that may have approved them, as choices, the first one first."""
    if not sheet.keeps or sheet.row is None or sheet.row.state != "circulated":
        return []
    return [
        (one.id, wording.when(context.language, one.starts))
        for one in minutes.approving(context.session, sheet.meeting)
    ]


def _approved_in(context: RequestContext, row: Minutes) -> str:
    if row.approved_in_id is None:
        return ""
    later, _, _ = find_meeting(context.session, context.asker, row.approved_in_id)
    return wording.when(context.language, later.starts)


def _facts(context: RequestContext, sheet: MinutesRead) -> list[tuple[str, str]]:
    committee = committees(context.session)[sheet.meeting.committee_id]
    of = f"{title_of(committee, context.language)}, {wording.when(context.language, sheet.meeting.starts)}"
    found = [(gettext(N_("Minutes of the meeting")), of)]
    if sheet.content is not None:
        lacks = lacking(sheet.content)
        sentences = {
            "fr": N_("Incomplete in French: %(numbers)s. French readers get them in English."),
            "en": N_("Incomplete in English: %(numbers)s. English readers get them in French."),
        }
        found += [
            (gettext(N_("Language")), gettext(sentences[language]) % {"numbers": ", ".join(lacks[language])})
            for language in LANGUAGES
            if language in lacks
        ]
    return found


# ---------------------------------------------------------------------------------------------------- what the forms do


def _to_send(on: On[Meeting], _: Act, __: Parts) -> Preview:
    """What the page before the minutes are sent says of them."""
    return Preview(
        title=gettext(N_("Send the minutes")),
        facts=_facts(on.context, find_minutes(on.context, on.id)),
        back=f"/meetings/{on.id}/minutes",
        nothing=N_("Nothing has changed in them since they were sent."),
    )


def _shown(on: On[Meeting], request: Request, typed: Typed) -> Response:
    return minutes_page(on.context, request, on.id, typed)


previewed_pages(router, CIRCULATION, _to_send, _shown)
act_pages(router, MINUTES, _shown, must_have_seen=True)
