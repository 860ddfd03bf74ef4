"""Words that are names: looked for in what is kept of a meeting, answered, and taken out of it by two people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access.agendas import keeper
from api.access.permissions import Action, Forbidden, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.redactions import REDACTION, find_redaction, to_answer
from api.pages.act_routes import act_pages
from api.pages.forms import Text, Typed
from api.pages.frame import answered, framed_pages, page, page_of_meeting, see_other
from api.pages.idempotent_forms import AtOnce
from api.views.meetings import heading_of
from api.views.tasks import names_of
from domain.kernel import Actor, Refusal, surely
from domain.mail import Hit, NameGate, name_answers
from domain.record import events
from domain.roles import Link
from locales import N_, gettext, say, show_day
from meetings import redacting
from meetings.locking import read_meeting
from meetings.meeting_words import texts_of
from models.meeting import Meeting
from models.redaction import Redaction

router = framed_pages()

Seen = Annotated[int, Form()]
Several = Annotated[list[str] | None, Form()]

#: What kind of words are taken out, as people say it.
KINDS: Final = {
    "name": N_("A name"),
    "telephone": N_("A telephone number"),
    "address": N_("An address"),
    "birth_date": N_("A date of birth"),
    "other": N_("Something else that identifies the person"),
}


# --------------------------------------------------------------------------------------------- the words of a meeting


@router.get("/meetings/{meeting_id}/words", name="meeting_words")
@asks(Action.LOOK_FOR_NAMES)
def show_words(context: InContext, request: Request, meeting_id: UUID) -> HTMLResponse:
    """Show the words of a meeting that name a person on file, or may."""
    found, by = _keeper(context, meeting_id)
    return _words_page(context, request, found, by, Typed())


@router.post("/meetings/{meeting_id}/words/answer")
@asks(Action.LOOK_FOR_NAMES)
def answer_words(context: InContext, request: Request, meeting_id: UUID, mark: Several = None) -> Response:
    """Say that words name no one on file."""
    found, by = _keeper(context, meeting_id)

    def act() -> None:
        for text, hit, one in _hits(context, meeting_id):
            if one in (mark or ()) and not hit.sure:
                name_answers.answer(context.session, text, [hit], by=by, at=context.at)

    refusal = context.attempt(act)
    if refusal is not None:
        return _words_page(context, request, found, by, Typed("answer", refusal))
    return see_other(f"/meetings/{meeting_id}/words")


@router.post("/meetings/{meeting_id}/redactions")
@asks(Action.ASK_REDACTION)
def ask_of_meeting(
    context: InContext,
    request: Request,
    meeting_id: UUID,
    once: AtOnce,
    word: Several = None,
    others: Text = "",
    kind: Text = "name",
) -> Response:
    """Ask that words are taken out of everything that is kept of a meeting."""
    found, _ = _keeper(context, meeting_id)
    by = require(Action.ASK_REDACTION, to_program(context.asker))
    words = [*(word or ()), *others.splitlines()]

    def act() -> str:
        made = redacting.ask(context.session, "meeting", meeting_id, words, taken_out=kind, by=by, at=context.at)
        return f"/redactions/{made}"

    typed = Typed("ask", values={"others": others, "kind": kind})
    return answered(once.attempt(act), lambda why: _words_page(context, request, found, by, typed.refused(why)))


@router.post("/privacy/incidents/{incident_id}/redactions")
@asks(Action.KEEP_INCIDENTS)
def ask_of_incident(
    context: InContext, incident_id: UUID, once: AtOnce, others: Text = "", kind: Text = "name"
) -> Response:
    """Ask that words are taken out of an incident, in every version of it."""
    by = require(Action.KEEP_INCIDENTS, to_program(context.asker))
    words = others.splitlines()

    def act() -> str:
        try:
            made = redacting.ask(context.session, "incident", incident_id, words, taken_out=kind, by=by, at=context.at)
        except Refusal as refusal:
            if refusal.code == "incident.unknown":
                raise Forbidden from None
            raise
        return f"/redactions/{made}"

    outcome = once.attempt(act)
    if isinstance(outcome, Refusal):
        raise outcome
    return see_other(outcome)


# ---------------------------------------------------------------------------------------------- what was asked for


@router.get("/redactions", name="redactions")
@asks(Action.SEE_REDACTIONS)
def list_redactions(context: InContext, request: Request) -> HTMLResponse:
    """The redactions that wait for an answer."""
    given = to_program(context.asker)
    require(Action.SEE_REDACTIONS, given)
    rows = redacting.waiting(context.session)
    return page(context, request, "redactions.html", rows=[_line(context, row) for row in rows])


@router.get("/redactions/{redaction_id}", name="redaction")
@asks(Action.SEE_REDACTIONS)
def show_redaction(context: InContext, request: Request, redaction_id: UUID) -> HTMLResponse:
    """One that was asked for: who asked, what would go, and what would be left."""
    return _redaction_page(context, request, find_redaction(context, redaction_id), Typed())


act_pages(
    router,
    REDACTION,
    lambda on, request, typed: _redaction_page(on.context, request, on.row, typed),
    must_have_seen=True,
)


# --------------------------------------------------------------------------------------------------------- helpers


def _keeper(context: RequestContext, meeting_id: UUID) -> tuple[Meeting, Actor]:
    found, _ = keeper(context, meeting_id)
    return found.meeting, require(Action.LOOK_FOR_NAMES, to_program(context.asker))


def _hits(context: RequestContext, meeting_id: UUID) -> list[tuple[str, Hit, str]]:
    """Each text of a meeting with words that are a name, or may be and have no answer yet; with the mark of each."""
    gate = NameGate.here(context.session)
    texts = dict.fromkeys(text for text, _ in texts_of(context.session, meeting_id))
    return [
        (text, hit, name_answers.mark_of(context.session, text, hit))
        for text in texts
        for hit in _hits_in(context, gate, text)
    ]


def _hits_in(context: RequestContext, gate: NameGate, text: str) -> list[Hit]:
    hits = gate.hits(text)
    whole = [hit.means for hit in hits if hit.sure]
    # Half of a name that stands there wholly is no question of its own.
    unanswered = {hit.means for hit in name_answers.unanswered(context.session, gate, text)}
    asked = {means for means in unanswered if not any(means in longer for longer in whole)}
    return [hit for hit in hits if hit.sure or hit.means in asked]


def _words_page(context: RequestContext, request: Request, meeting: Meeting, by: Actor, typed: Typed) -> HTMLResponse:
    hits = _hits(context, meeting.id)
    if hits:
        # Who looks here is told of somebody on file: the record says so, as of any reading of who they are.
        events.write(context.session, "names.searched", "meeting", meeting.id, by=by, at=context.at, n=len(hits))
    return page_of_meeting(
        context,
        request,
        "meeting_words.html",
        meeting,
        typed=typed,
        sure=[(hit, mark) for _, hit, mark in hits if hit.sure],
        asked=[(hit, mark) for _, hit, mark in hits if not hit.sure],
        kinds=[(kind, gettext(said)) for kind, said in KINDS.items()],
        redactions=[_line(context, row) for row in redacting.of_subject(context.session, "meeting", meeting.id)],
    )


def _redaction_page(context: RequestContext, request: Request, row: Redaction, typed: Typed) -> HTMLResponse:
    of, subject_id = redacting.of_what(row)
    words: list[str] = []
    places: list[redacting.RedactedText] = []
    if row.state == "asked":
        words = redacting.words_of(context.session, row)
        # The register is read by who keeps it: of an incident the coordinator sees the words alone.
        if of == "meeting" or is_allowed(Action.SEE_INCIDENTS, to_program(context.asker)):
            places = redacting.places_of(context.session, of, subject_id, words)
        by = require(Action.SEE_REDACTIONS, to_program(context.asker))
        events.write(context.session, "redaction.read", "redaction", row.id, by=by, at=context.at)
    return page(
        context,
        request,
        "redaction.html",
        line=_line(context, row),
        refused=typed.refusal,
        row=row,
        words=words,
        places=places,
        may_answer=is_allowed(Action.CONFIRM_REDACTION, to_answer(context, row)),
        is_mine=row.asked_by == context.asker.person_id,
        waits_for=_waits_for(context, redacting.answered_as(row), row.asked_by) if row.state == "asked" else [],
    )


def _waits_for(context: RequestContext, role: str, asked_by: UUID) -> list[str]:
    """Who answers, in words: until which day they are away, and who stands in; or from which day on they do."""
    today = context.asker.standing
    acting = _acting(context, role)
    there = [held for held in today.holding(role) if held.person_id != asked_by]
    coming = [] if there else [held for held in today.coming if held.role == role]
    names = names_of(context, {held.person_id for held in (*there, *coming)} | set(acting.values()))
    begin = [
        say(context.language, _FROM, name=names.get(held.person_id, ""), day=show_day(context.language, held.starts_on))
        for held in coming
    ]
    people = dict.fromkeys(held.person_id for held in there)
    return begin + [_in_words(context, names, one, acting.get(one), asked_by) for one in people]


def _acting(context: RequestContext, role: str) -> dict[UUID | None, UUID]:
    """Who acts in a role today, by whom they act for."""
    falls = context.asker.standing.falls([Link(role)])
    return {holder.acting_for: holder.person_id for holder in falls.holders}


def _in_words(
    context: RequestContext, names: Mapping[UUID, str], person_id: UUID, deputy: UUID | None, asked_by: UUID
) -> str:
    """One who answers; where they are away, until when, and who stands in for them unless that one asked."""
    name, today = names.get(person_id, ""), context.asker.standing
    if not today.is_away(person_id):
        return name
    until = show_day(context.language, today.absences[person_id].ends_on)
    if deputy is None or deputy == asked_by:
        return say(context.language, _ALONE if deputy is None else _ASKED, name=name, day=until)
    return say(context.language, _ACTS, name=names.get(deputy, ""), whom=name, day=until)


_ALONE = N_("%(name)s, away until %(day)s: no one stands in for them")
_ASKED = N_("%(name)s, away until %(day)s: their deputy asked for it, and cannot confirm it")
_ACTS = N_("%(name)s, for %(whom)s, who is away until %(day)s")
_FROM = N_("%(name)s, from %(day)s")


@dataclass(frozen=True)
class RedactionLine:
    """One that was asked for, in words: of what, what kind of words, where it stands, who asked and who answered."""

    id: UUID
    where: str
    kind: str
    said: str
    asked_by: str
    asked_at: datetime
    settled_by: str
    settled_at: datetime | None
    places: int


def _line(context: RequestContext, row: Redaction) -> RedactionLine:
    of, subject_id = redacting.of_what(row)
    names = names_of(context, {one for one in (row.asked_by, row.settled_by) if one})
    where = gettext(N_("An incident of the register"))
    if of == "meeting":
        heading = heading_of(context, read_meeting(context.session, subject_id))
        where = f"{heading['title']}, {heading['when']}"
    return RedactionLine(
        row.id,
        where,
        gettext(KINDS[row.taken_out]),
        gettext(STATES[row.state]),
        names.get(row.asked_by, ""),
        row.asked_at,
        names.get(surely(row.settled_by), ""),
        row.settled_at,
        row.places,
    )


#: Where it stands, as people say it.
STATES: Final = {
    "asked": N_("Waiting for another person to confirm it"),
    "done": N_("Redacted"),
    "declined": N_("The words stay"),
    "taken_back": N_("Request withdrawn"),
}
