"""Building the agenda of a meeting; and, for members of the committee, asking for an item of it.

The keeper of the agenda sees the items to change, the pool, what came late and what was taken off. Freezing, and adding
something late, are asked twice: the first time the page shows which letters go out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access.agendas import (
    AgendaAccess,
    AgendaLetter,
    agenda_file,
    ask_for_item,
    digest_of,
    find_agenda,
    foreseen,
    keeper_of_item,
    refuse_over,
    send,
)
from api.access.permissions import Action, asks, require
from api.access.session import InContext, RequestContext
from api.acts.agendas import AGENDA, FREEZING, ITEM, LATE, AgendaSent, minutes_of, number_of
from api.acts.declaring import Act, On, Parts
from api.pages.act_routes import act_pages
from api.pages.forms import Text, Typed
from api.pages.frame import answered, framed_pages, page
from api.pages.idempotent_forms import AtOnce
from api.pages.previewed_acts import previewed_pages
from api.pages.previews import Click, Preview, in_two_clicks
from api.views.agendas import agenda_of
from api.web import downloads
from domain.kernel import Refusal
from locales import N_, gettext, ngettext, pick
from meetings import agendas, wording
from meetings.agenda_items import item_of
from meetings.committees import committees, title_of

router = framed_pages()

Seen = Annotated[int, Form()]
Edition = Annotated[Literal["fr", "en"], Query()]
Version = Annotated[int, Query(ge=1, le=10_000)]


@router.get("/meetings/{meeting_id}/agenda", name="agenda")
@asks(Action.ASK_FOR_ITEM)
def show_agenda(context: InContext, request: Request, meeting_id: UUID) -> HTMLResponse:
    """The agenda as it is built, or what the asker may ask of it."""
    return agenda_page(context, request, meeting_id, Typed())


@router.get("/meetings/{meeting_id}/agenda.pdf", name="agenda_pdf")
@asks(Action.SEE_MEETING)
def read_pdf(context: InContext, meeting_id: UUID, version: Version, edition: Edition = "fr") -> Response:
    """A version of the agenda that went out, as PDF, as the asker may read it."""
    return downloads.download(agenda_file(context, meeting_id, version, edition, "pdf"))


@router.get("/meetings/{meeting_id}/agenda.docx", name="agenda_docx")
@asks(Action.SEE_MEETING)
def read_docx(context: InContext, meeting_id: UUID, version: Version, edition: Edition = "fr") -> Response:
    """A version of the agenda that went out, as a Word document, as the asker may read it."""
    return downloads.download(agenda_file(context, meeting_id, version, edition, "docx"))


@router.post("/meetings/{meeting_id}/agenda/items")
@asks(Action.ASK_FOR_ITEM)
def ask(
    context: InContext,
    request: Request,
    meeting_id: UUID,
    once: AtOnce,
    title_fr: Text = "",
    title_en: Text = "",
    minutes: Text = "",
    purpose: Text = "",
    late_reason: Text = "",
) -> Response:
    """Ask for an item; late, with the reason, where the agenda is frozen."""
    found = find_agenda(context, meeting_id)
    by = require(Action.ASK_FOR_ITEM, found.given)

    def act() -> str:
        refuse_over(found.meeting)
        ask_for_item(
            context,
            found,
            title_fr=title_fr,
            title_en=title_en,
            minutes=minutes_of(minutes),
            purpose=purpose or None,
            late_reason=late_reason,
            by=by,
        )
        return f"/meetings/{meeting_id}/agenda#mine"

    said = {"title_fr": title_fr, "title_en": title_en, "minutes": minutes, "purpose": purpose}
    typed = Typed("ask", values={**said, "late_reason": late_reason})
    return answered(once.attempt(act), lambda why: agenda_page(context, request, meeting_id, typed.refused(why)))


@router.post("/meetings/{meeting_id}/agenda/items/{item_id}/place")
@asks(Action.KEEP_AGENDA)
def move(
    context: InContext, request: Request, meeting_id: UUID, item_id: UUID, seen: Seen, to: Text = "", place: Text = ""
) -> Response:
    """Move an item one up or one down, or to a place by its number."""
    found, by = keeper_of_item(context, meeting_id, item_id)

    def act() -> None:
        refuse_over(found.meeting)
        if to in ("up", "down"):
            agendas.shift(context.session, item_id, -1 if to == "up" else 1, by=by, at=context.at, seen=seen)
        else:
            agendas.move_to(context.session, item_id, place_of(place), by=by, at=context.at, seen=seen)

    outcome = context.attempt(act) or f"/meetings/{meeting_id}/agenda#item-{item_id}"
    typed = Typed(f"place-{item_id}", values={"place": place})
    return answered(outcome, lambda why: agenda_page(context, request, meeting_id, typed.refused(why)))


def place_of(text: str) -> int:
    """A place on an agenda, as a number field sends it. Raises Refusal."""
    refusal = Refusal("agenda.place.malformed", N_("Write the place as a whole number, from 1."))
    place = number_of(text, refusal)
    if place is None:
        raise refusal
    return place


def agenda_page(context: RequestContext, request: Request, meeting_id: UUID, typed: Typed) -> HTMLResponse:
    """The page of an agenda for those who may ask for an item; with `typed`, as a rule refused it. Raises Forbidden."""
    found = find_agenda(context, meeting_id)
    require(Action.ASK_FOR_ITEM, found.given)
    return page(context, request, "agenda.html", typed=typed, **agenda_of(context, found))


def _to_freeze(on: On[AgendaAccess], _: Act, __: Parts) -> Preview:
    """What the page before an agenda is frozen says of it."""
    return _before(on, gettext(N_("Freeze the agenda")), [])


def _to_add(on: On[AgendaAccess], _: Act, typed: Parts) -> Preview:
    """What the page before an item is added late says of it."""
    row = item_of(on.session, on.id)
    facts = [
        (gettext(N_("Item")), pick(on.context.language, {"fr": row.title_fr, "en": row.title_en})),
        (gettext(N_("Why it cannot wait")), typed["reason"] or row.late_reason),
    ]
    return _before(on, gettext(N_("Add an item late")), facts)


def _before(on: On[AgendaAccess], title: str, facts: list[tuple[str, str]]) -> Preview:
    meeting, language = on.row.meeting, on.context.language
    committee = title_of(committees(on.session)[meeting.committee_id], language)
    of_meeting = (gettext(N_("Meeting")), f"{committee}, {wording.when(language, meeting.starts)}")
    here = f"/meetings/{meeting.id}/agenda"
    return Preview(title, [of_meeting, *facts], back=here, done=f"{here}#documents")


def _in_two_clicks(
    context: RequestContext, request: Request, ask: Preview, change: Callable[[], AgendaSent]
) -> Response | Refusal:
    """Show which letters go out, then do it where that is still so."""

    def made() -> tuple[AgendaSent, list[AgendaLetter]]:
        sent = change()
        return sent, foreseen(context, sent.outgoing)

    outcome = in_two_clicks(
        Click.of(context, request, ask.shown),
        ask.fields,
        ask.leads_to,
        made,
        lambda made: digest_of(made[1]),
        lambda made: send(context, made[0].outgoing, made[0].occasion),
    )
    if isinstance(outcome, Response | Refusal):
        return outcome
    sent, letters = outcome
    number = ngettext("%(n)s item", "%(n)s items", sent.carried) % {"n": sent.carried}
    carried = [(gettext(N_("Left by meetings that were not closed")), number)] if sent.carried else []
    return page(
        context,
        request,
        "agenda_to_send.html",
        ask=ask,
        facts=[*ask.facts, *carried],
        letters=letters,
        widest=max((one.edition for one in letters), key=lambda edition: len(edition.items), default=None),
        digest=digest_of(letters),
        has_changed=bool(ask.shown),
        sending=sum(one.is_sent and one.has_address for one in letters),
        unreached=sum(one.is_sent and not one.has_address for one in letters),
    )


def _shown(on: On[AgendaAccess], request: Request, typed: Typed) -> Response:
    return agenda_page(on.context, request, on.row.meeting.id, typed)


act_pages(router, AGENDA, _shown)
act_pages(
    router,
    ITEM,
    _shown,
    after=lambda on, place: f"{AGENDA.path.format(**on.ids)}#{place.partition('#')[2]}",
    must_have_seen=True,
)
previewed_pages(router, FREEZING, _to_freeze, _shown, _in_two_clicks)
previewed_pages(router, LATE, _to_add, _shown, _in_two_clicks)
