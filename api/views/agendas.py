"""An agenda as its page shows it: the items with what can be done to each, the pool, what came late, what went out."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from api.access.agendas import STILL_OPEN, AgendaAccess, freezes_at, lacking, requests_of, versions_read
from api.access.meetings import audience_of
from api.access.permissions import Action, is_allowed
from api.access.session import RequestContext
from api.views.meetings import STATES
from api.views.names import people_by_id
from domain.kernel import local_day
from locales import N_, gettext, pick
from meetings import agenda_papers, agenda_requests, agendas, posting, wording
from meetings.agenda_items import PresentedItem, is_asked, items_of, kept_for_their_act, pool_of
from meetings.agenda_papers import AgendaEdition
from meetings.agenda_rules import REQUEST
from meetings.committees import committees, title_of
from meetings.documents.content import AgendaContent
from meetings.reasons import in_words, why_late
from models.agenda import AUDIENCES, CARRIED, PURPOSES
from models.program import Person

#: What is expected of the committee on an item, and who may read it, as the forms and lists say it.
PURPOSE_WORDS: Final[Mapping[str, str]] = {
    "information": N_("Information"),
    "discussion": N_("Discussion"),
    "decision": N_("Decision"),
}
AUDIENCE_WORDS: Final[Mapping[str, str]] = {
    "invited": N_("Everyone who is invited"),
    "seats": N_("Those who hold a seat"),
    "partners": N_("The program’s partners"),
}


def agenda_of(context: RequestContext, found: AgendaAccess) -> dict[str, Any]:
    """Everything that the page of an agenda needs, for this reader."""
    meeting = found.meeting
    committee = committees(context.session)[found.committee_id]
    day = meeting.starts.date()
    audience = audience_of(context, found.members, found.given, day)
    content = agenda_papers.whole(context.session, meeting.id, audience=audience)
    is_open = meeting.state in STILL_OPEN
    is_frozen = meeting.agenda_frozen_at is not None
    keeps = is_allowed(Action.KEEP_AGENDA, found.given)
    return {
        "meeting": meeting,
        "committee": committee,
        "title": title_of(committee, context.language),
        "when": wording.when(context.language, meeting.starts),
        "state": STATES[meeting.state],
        "content": content,
        "is_open": is_open,
        "is_frozen": is_frozen,
        "may_change": is_open and meeting.state == "planned" and not is_frozen,
        "keeps": keeps,
        "mine": [_line(context, row) for row in requests_of(context, found)] if is_open else [],
        "documents": documents_of(context, meeting.id, audience),
        "purposes": [(name, gettext(PURPOSE_WORDS[name])) for name in PURPOSES],
        "purpose_words": PURPOSE_WORDS,
        "now": context.at,
        "today": context.day,
        **(_kept(context, found, content) if keeps else {}),
    }


@dataclass(frozen=True)
class SentAgenda:
    """A version of an agenda that went out, with what it says otherwise than the one before."""

    version: AgendaEdition
    items: int
    day: date
    changes: list[str]


def documents_of(context: RequestContext, meeting_id: UUID, audience: str) -> list[SentAgenda]:
    """Every version of an agenda that went out, the last one first."""
    return [
        SentAgenda(one, len(it.items), it.head.starts.date(), _changes_of(context, meeting_id, one, audience))
        for one, it in versions_read(context, meeting_id, audience)
    ]


def _changes_of(context: RequestContext, meeting_id: UUID, version: AgendaEdition, audience: str) -> list[str]:
    if version.kind != "agenda":
        return []
    replacing = agenda_papers.replacing(context.session, meeting_id, version.n, audience=audience)
    return [posting.change_in_words(context.language, one) for one in (replacing.changes if replacing else ())]


def _kept(context: RequestContext, found: AgendaAccess, content: AgendaContent) -> dict[str, Any]:
    """What only a keeper of the agenda sees."""
    meeting = found.meeting
    rows = items_of(context.session, meeting.id)
    late = agenda_requests.late_requests(context.session, meeting.id)
    pool = [row for row in pool_of(context.session, found.committee_id) if row not in late]
    people = _askers_of(context, [*rows, *pool, *late])
    kept = kept_for_their_act(context.session, [*rows, *pool, *late])
    missing = lacking(context, meeting.id, rows)
    taken = sum(row.minutes for row in rows)
    return {
        "items": [
            _line(context, row, place=place, people=people, kept=kept) for place, row in enumerate(rows, start=1)
        ],
        "pool": [_line(context, row, people=people, kept=kept) for row in pool],
        "late": [_line(context, row, people=people) for row in late],
        "off": [_line(context, row) for row in agendas.off_of(context.session, meeting.id)],
        "taken": taken,
        "over": max(0, taken - meeting.minutes) or content.overrun_minutes,
        "missing": {language: _places_of(rows, ids) for language, ids in missing.items()},
        "freezes_at": freezes_at(context, meeting),
        "audience_words": AUDIENCE_WORDS,
        **_choices(context, found),
    }


def _askers_of(context: RequestContext, rows: Iterable[PresentedItem]) -> Mapping[UUID, Person]:
    """The people who asked for these items."""
    return people_by_id(context, (row.asked_by for row in rows))


def _choices(context: RequestContext, found: AgendaAccess) -> dict[str, list[tuple[Any, str]]]:
    """Who may read an item, and which seat may present it, as the forms offer them."""
    seats = found.members.seats_on(found.meeting.starts.date())
    return {
        "audiences": [(name, gettext(AUDIENCE_WORDS[name])) for name in AUDIENCES],
        "seats": [(seat.id, pick(context.language, {"fr": seat.title_fr, "en": seat.title_en})) for seat in seats],
    }


@dataclass(frozen=True)
class Line:
    """An item as a line: in the reader's language first, with the `other` beside it, and why it is there.

    `title` is in the language `lang`; `lacks` are the languages without a title; `asked_by` is the name of a member.
    """

    row: PresentedItem
    place: int
    number: str
    title: str
    lang: str
    other: str
    other_lang: str
    lacks: list[str]
    section: str
    presenter: str
    why: str
    why_late: str
    asked_by: str
    asked_on: date
    may_be_withdrawn: bool


def _line(
    context: RequestContext,
    row: PresentedItem,
    *,
    place: int = 0,
    people: Mapping[UUID, Person] | None = None,
    kept: Container[UUID] = (),
) -> Line:
    titles = {"fr": row.title_fr, "en": row.title_en}
    title, lang, other, other_lang = _in_order(context.language, titles)
    return Line(
        row=row,
        place=place,
        number=row.number or str(place or ""),
        title=title,
        lang=lang,
        other=other,
        other_lang=other_lang,
        lacks=[language for language, said in titles.items() if not said],
        section=_in_order(context.language, {"fr": row.section_fr, "en": row.section_en})[0],
        presenter=pick(context.language, {"fr": row.presenter_fr or "", "en": row.presenter_en or ""}),
        why=in_words(row.reasons.without(CARRIED), context.language),
        why_late=why_late(row.late_reason, context.language),
        asked_by=_asked_by(row, people or {}),
        asked_on=local_day(context.session, row.asked_at),
        may_be_withdrawn=is_asked(row) and row.id not in kept,
    )


def _in_order(language: str, said: Mapping[str, str]) -> tuple[str, str, str, str]:
    """Words in the reader's language, else in the other one, and which it is; then the other ones where they differ."""
    other = "en" if language == "fr" else "fr"
    words, others = said[language], said[other]
    return words or others, language if words else other, others if words and others != words else "", other


def _asked_by(row: PresentedItem, people: Mapping[UUID, Person]) -> str:
    person = people.get(row.asked_by) if row.kind == REQUEST and row.asked_by else None
    return person.name if person else ""


def _places_of(rows: Sequence[PresentedItem], item_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Each of these items' id, with the number that it has or would get."""
    numbers = {str(row.id): row.number or str(place) for place, row in enumerate(rows, start=1)}
    return [(one, numbers[one]) for one in item_ids]
