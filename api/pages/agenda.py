"""Building the agenda of a meeting; and, for members of the committee, asking for an item of it.

The keeper of the agenda sees the items to change, the pool, what came late and what was taken off. Freezing, and adding
something late, are asked twice: the first time the page shows which letters go out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access.agendas import (
    AgendaAccess,
    agenda_file,
    ask_for_item,
    changed,
    digest_of,
    find_agenda,
    find_item,
    keeper,
    keeper_of_item,
    refuse_over,
    send,
)
from api.access.permissions import Action, asks, require
from api.access.session import InContext, RequestContext
from api.acts.agendas import AGENDA, ITEM, minutes_of, number_of
from api.pages.act_routes import act_pages
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.pages.previews import Click, in_two_clicks
from api.views.agendas import agenda_of
from api.web import downloads
from domain.kernel import Refusal
from locales import N_, gettext, ngettext, pick
from meetings import agendas, assembling, freezing, posting, wording
from meetings.committees import committees, title_of
from meetings.freezing import Outgoing

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
    title_fr: Text = "",
    title_en: Text = "",
    minutes: Text = "",
    purpose: Text = "",
    late_reason: Text = "",
) -> Response:
    """Ask for an item; late, with the reason, where the agenda is frozen."""
    found = find_agenda(context, meeting_id)
    by = require(Action.ASK_FOR_ITEM, found.given)

    def act() -> UUID:
        return ask_for_item(
            context,
            found,
            title_fr=title_fr,
            title_en=title_en,
            minutes=minutes_of(minutes),
            purpose=purpose or None,
            late_reason=late_reason,
            by=by,
        )

    typed = {"title_fr": title_fr, "title_en": title_en, "minutes": minutes, "purpose": purpose}
    return _done(context, request, found, "ask", act, {**typed, "late_reason": late_reason}, back="mine")


@router.post("/meetings/{meeting_id}/agenda/items/{item_id}/place")
@asks(Action.KEEP_AGENDA)
def move(
    context: InContext, request: Request, meeting_id: UUID, item_id: UUID, seen: Seen, to: Text = "", place: Text = ""
) -> Response:
    """Move an item one up or one down, or to a place by its number."""
    found, by = keeper_of_item(context, meeting_id, item_id)

    def act() -> None:
        if to in ("up", "down"):
            agendas.shift(context.session, item_id, -1 if to == "up" else 1, by=by, at=context.at, seen=seen)
        else:
            agendas.move_to(context.session, item_id, place_of(place), by=by, at=context.at, seen=seen)

    return _done(context, request, found, f"place-{item_id}", act, {"place": place}, back=f"item-{item_id}")


@router.post("/meetings/{meeting_id}/agenda/items/{item_id}/late")
@asks(Action.KEEP_AGENDA)
def add_late(
    context: InContext,
    request: Request,
    meeting_id: UUID,
    item_id: UUID,
    seen: Seen,
    reason: Text = "",
    shown: Text = "",
) -> Response:
    """Add an item to the frozen agenda, as an addendum, with the reason."""
    found, row = find_item(context, meeting_id, item_id)
    by = require(Action.KEEP_AGENDA, found.given)

    def change() -> Outgoing:
        return freezing.add_late(context.session, meeting_id, item_id, reason=reason, by=by, at=context.at, seen=seen)

    facts = [
        (gettext(N_("Item")), pick(context.language, {"fr": row.title_fr, "en": row.title_en})),
        (gettext(N_("Why it cannot wait")), reason or row.late_reason),
    ]
    fields = [("seen", str(seen)), ("reason", reason)]
    ask = _Ask(gettext(N_("Add an item late")), facts, f"items/{item_id}/late", fields, shown, "addendum")
    return _twice(context, request, found, f"late-{item_id}", ask, change, {"reason": reason})


@router.post("/meetings/{meeting_id}/agenda/freezing")
@asks(Action.KEEP_AGENDA)
def freeze(context: InContext, request: Request, meeting_id: UUID, seen: Seen, shown: Text = "") -> Response:
    """Freeze the agenda now, and send it to everyone who is invited."""
    found, by = keeper(context, meeting_id)

    facts: list[tuple[str, str]] = []

    def change() -> Outgoing:
        carried = assembling.take_over(context.session, meeting_id, by=by, at=context.at)
        outgoing = freezing.freeze(context.session, meeting_id, by=by, at=context.at, seen=seen)
        number = ngettext("%(n)s item", "%(n)s items", len(carried)) % {"n": len(carried)}
        facts[:] = [(gettext(N_("Left by meetings that were not closed")), number)] if carried else []
        return outgoing

    ask = _Ask(gettext(N_("Freeze the agenda")), facts, "freezing", [("seen", str(seen))], shown, "frozen")
    return _twice(context, request, found, "freezing", ask, change, {})


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


@dataclass(frozen=True)
class _Ask:
    """What is about to go out, as the page before it says it; `form` is the end of the address that it is sent to."""

    title: str
    facts: Sequence[tuple[str, str]]
    form: str
    fields: Sequence[tuple[str, str]]
    shown: str
    occasion: posting.Occasion


def _done(
    context: RequestContext,
    request: Request,
    found: AgendaAccess,
    form: str,
    act: Callable[[], object],
    typed: Mapping[str, str] | None = None,
    *,
    back: str,
) -> Response:
    """Do it and go back to the part `back` of the page; or the page again, with what was typed, where refused."""

    def do() -> None:
        refuse_over(found.meeting)
        act()

    meeting_id = found.meeting.id
    refusal = context.attempt(do)
    if refusal is None:
        return see_other(f"/meetings/{meeting_id}/agenda#{back}")
    return agenda_page(context, request, meeting_id, Typed(form, refusal, dict(typed or {})))


def _twice(
    context: RequestContext,
    request: Request,
    found: AgendaAccess,
    form: str,
    ask: _Ask,
    change: Callable[[], Outgoing],
    typed: Mapping[str, str],
) -> Response:
    """Show which letters go out, then do it where that is still so; or the page again where a rule refuses."""
    meeting = found.meeting
    here = f"/meetings/{meeting.id}/agenda"
    made = in_two_clicks(
        Click.of(context, request, ask.shown),
        ask.fields,
        f"{here}#documents",
        lambda: changed(context, found, change),
        lambda made: digest_of(made[1]),
        lambda made: send(context, made[0], ask.occasion),
    )
    if isinstance(made, Refusal):
        return agenda_page(context, request, meeting.id, Typed(form, made, dict(typed)))
    if isinstance(made, Response):
        return made
    _, letters = made
    title = title_of(committees(context.session)[meeting.committee_id], context.language)
    return page(
        context,
        request,
        "agenda_to_send.html",
        ask=ask,
        facts=[(gettext(N_("Meeting")), f"{title}, {wording.when(context.language, meeting.starts)}"), *ask.facts],
        action=f"{here}/{ask.form}",
        back=here,
        letters=letters,
        widest=max((one.edition for one in letters), key=lambda edition: len(edition.items), default=None),
        digest=digest_of(letters),
        has_changed=bool(ask.shown),
        sending=sum(one.is_sent and one.has_address for one in letters),
        unreached=sum(one.is_sent and not one.has_address for one in letters),
    )


act_pages(router, AGENDA, lambda on, request, typed: agenda_page(on.context, request, on.id, typed))
act_pages(
    router,
    ITEM,
    lambda on, request, typed: agenda_page(on.context, request, on.ids["meeting_id"], typed),
    after=lambda on, place: f"{AGENDA.path.format(**on.ids)}#{place.partition('#')[2]}",
    must_have_seen=True,
)
