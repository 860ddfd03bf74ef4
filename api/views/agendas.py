"""An agenda as its page shows it: the items with what can be done to each, the pool, what came late, what went out."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from api.access.agendas import STILL_OPEN, Found, freezes_at, lacking, requests_of, versions_read
from api.access.meetings import audience_of
from api.access.permissions import Action, allows
from api.access.session import Desk
from api.views.meetings import STATES
from api.views.names import people_by_id
from domain.kernel.scope import local_day
from locales import N_, gettext, pick
from meetings import agenda_papers, agendas, posting, wording
from meetings.agenda_items import PresentedItem, is_asked, kept_for_their_act
from meetings.agenda_rules import REQUEST
from meetings.committees import committees, title_of
from meetings.documents.content import AgendaContent
from meetings.reasons import CARRIED, in_words, why_late, without
from models.agenda import AUDIENCES, PURPOSES

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


def agenda_of(desk: Desk, found: Found) -> dict[str, Any]:
    """Everything that the page of an agenda needs, for this reader."""
    meeting = found.meeting
    committee = committees(desk.session)[found.committee_id]
    day = meeting.starts.date()
    audience = audience_of(desk, found.members, found.given, day)
    content = agenda_papers.whole(desk.session, meeting.id, audience=audience)
    is_open = meeting.state in STILL_OPEN
    is_frozen = meeting.agenda_frozen_at is not None
    return {
        "meeting": meeting,
        "committee": committee,
        "title": title_of(committee, desk.language),
        "when": wording.when(desk.language, meeting.starts),
        "state": STATES[meeting.state],
        "content": content,
        "is_open": is_open,
        "is_frozen": is_frozen,
        "may_change": is_open and meeting.state == "planned" and not is_frozen,
        "keeps": allows(Action.KEEP_AGENDA, found.given) is not None,
        "mine": [_shown(desk, row) for row in requests_of(desk, found)] if is_open else [],
        "documents": documents_of(desk, meeting.id, audience),
        "purposes": [(name, gettext(PURPOSE_WORDS[name])) for name in PURPOSES],
        "purpose_words": PURPOSE_WORDS,
        "now": desk.at,
        "today": desk.day,
        **_kept(desk, found, content),
    }


def documents_of(desk: Desk, meeting_id: UUID, audience: str) -> list[dict[str, Any]]:
    """Every version of an agenda that went out, the last one first, with what it says otherwise than the one before."""
    found = []
    for version, content in versions_read(desk, meeting_id, audience):
        replacing = None
        if version.kind == "agenda":
            replacing = agenda_papers.replacing(desk.session, meeting_id, version.n, audience=audience)
        found.append(
            {
                "version": version,
                "items": len(content.items),
                "day": content.head.starts.date(),
                "changes": [
                    posting.change_in_words(desk.language, one) for one in (replacing.changes if replacing else ())
                ],
            }
        )
    return found


def _kept(desk: Desk, found: Found, content: AgendaContent) -> dict[str, Any]:
    """What only a keeper of the agenda sees."""
    meeting = found.meeting
    if allows(Action.KEEP_AGENDA, found.given) is None:
        return {}
    rows = agendas.items_of(desk.session, meeting.id)
    late = {row.id for row in agendas.late_requests(desk.session, meeting.id)}
    pool = agendas.pool_of(desk.session, found.committee_id)
    people = people_by_id(desk)
    kept = kept_for_their_act(desk.session, [*rows, *pool])
    missing = lacking(desk, meeting.id, rows)
    taken = sum(row.minutes for row in rows)
    return {
        "items": [_shown(desk, row, place=place, people=people, kept=kept) for place, row in enumerate(rows, start=1)],
        "pool": [_shown(desk, row, people=people, kept=kept) for row in pool if row.id not in late],
        "late": [_shown(desk, row, people=people) for row in pool if row.id in late],
        "off": [_shown(desk, row) for row in agendas.off_of(desk.session, meeting.id)],
        "taken": taken,
        "over": max(0, taken - meeting.minutes) or content.overrun_minutes,
        "missing": {language: [_place_of(rows, one) for one in ids] for language, ids in missing.items()},
        "freezes_at": freezes_at(desk, meeting),
        "audiences": [(name, gettext(AUDIENCE_WORDS[name])) for name in AUDIENCES],
        "audience_words": AUDIENCE_WORDS,
        "seats": [
            (seat.id, pick(desk.language, {"fr": seat.title_fr, "en": seat.title_en}))
            for seat in found.members.seats_on(meeting.starts.date())
        ],
    }


def _shown(
    desk: Desk,
    row: PresentedItem,
    *,
    place: int = 0,
    people: Mapping[UUID, Any] | None = None,
    kept: Container[UUID] = (),
) -> dict[str, Any]:
    """An item as a line: in the reader's language first, with the other beside it, and why it is there."""
    other = "en" if desk.language == "fr" else "fr"
    asked_by = (people or {}).get(row.asked_by) if row.kind == REQUEST and row.asked_by else None
    title, section = _in_both(row.title_fr, row.title_en), _in_both(row.section_fr, row.section_en)
    words, others = title[desk.language], title[other]
    return {
        "row": row,
        "place": place,
        "number": row.number or (str(place) if place else ""),
        "title": words or others,
        "lang": desk.language if words else other,
        "other": others if words and others != words else "",
        "other_lang": other,
        "lacks": [language for language, said in title.items() if not said],
        "section": section[desk.language] or section[other],
        "presenter": _in_both(row.presenter_fr, row.presenter_en)[desk.language],
        "why": in_words(without(row.reasons, CARRIED), desk.language),
        "why_late": why_late(row.late_reason, desk.language),
        "asked_by": asked_by.name if asked_by else "",
        "asked_on": local_day(desk.session, row.asked_at),
        "may_be_withdrawn": is_asked(row) and row.id not in kept,
    }


def _in_both(fr: str | None, en: str | None) -> dict[str, str]:
    return {"fr": fr or "", "en": en or ""}


def _place_of(rows: Sequence[PresentedItem], item_id: str) -> tuple[str, str]:
    """An item's id, and the number that it has or would get."""
    place, row = next((place, row) for place, row in enumerate(rows, start=1) if str(row.id) == item_id)
    return item_id, row.number or str(place)
