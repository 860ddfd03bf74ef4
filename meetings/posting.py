"""Sending an agenda, or an addendum to it: to each who is invited, in their language, and as they may read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from sqlmodel import Session

from duties import notices
from duties.actors import Actor
from duties.envelopes import Attachment
from duties.here import local_day
from duties.notices import COORDINATION, Language
from duties.refusals import Refusal
from duties.roles import standing
from locales import pick, say, say_n
from meetings.committees import committees
from meetings.documents.content import AgendaContent, ItemLine
from meetings.documents.issuing import issue, refuse_names
from meetings.freezing import Outgoing
from meetings.holding import read_meeting
from meetings.wording import when

BY_AGENDAS: Final = Actor.system("agendas")

Occasion = Literal["circulated", "frozen", "addendum"]


def post(session: Session, outgoing: Outgoing, occasion: Occasion, *, addendum: int = 0, at: datetime) -> int:
    """Write the letters of an agenda, with the frozen one or the addendum as a PDF; how many were written.

    The same occasion of a meeting writes once. Whoever's language lacks a title is not sent half an edition.
    Raises Refusal where it names somebody who may not be named: then nobody is sent anything.
    """
    meeting = read_meeting(session, outgoing.meeting_id)
    committee = committees(session)[meeting["committee_id"]]
    printed: dict[tuple[str, str], Attachment] = {}
    written = 0
    for content in outgoing.editions.values():
        refuse_names(session, content)  # the letters name the items too; here it is known which one it is
    for reader, content in outgoing.to_send():
        attachments: tuple[Attachment, ...] = ()
        if occasion != "circulated":
            edition = (reader.audience, reader.language)
            if edition not in printed:
                printed[edition] = _printed(session, content, committee, meeting, reader.language, addendum)
            attachments = (printed[edition],)
        written += notices.write(
            session,
            "meeting_agenda",
            to=reader.person_id,
            key=f"agenda:{outgoing.meeting_id}:{occasion}:{addendum}",
            facts=lambda language, content=content: _facts(  # type: ignore[misc]
                language, content, committee, meeting, occasion
            ),
            at=at,
            attachments=attachments,
        )
    return written


def tell_stuck(session: Session, meeting: Mapping[str, Any], refusal: Refusal, *, at: datetime) -> int:
    """Tell the coordinator, once for each rule that refuses it, that an agenda could not be sent or frozen, and why."""
    committee = committees(session)[meeting["committee_id"]]

    def facts(language: Language) -> dict[str, Any]:
        return {
            "committee": pick(language, {"fr": committee["title_fr"], "en": committee["title_en"]}),
            "when": when(language, meeting["starts"]),
            "why": say(language, refusal.sentence, **refusal.facts),
            "path": f"/meetings/{meeting['id']}",
        }

    coordination = standing(session, local_day(session, at)).falls(COORDINATION).holders
    return sum(
        notices.write(
            session,
            "meeting_agenda_stuck",
            to=one.person_id,
            key=f"stuck:{meeting['id']}:{refusal.code}",
            facts=facts,
            at=at,
        )
        for one in coordination
    )


def _facts(
    language: Language,
    content: AgendaContent,
    committee: Mapping[str, Any],
    meeting: Mapping[str, Any],
    occasion: Occasion,
) -> dict[str, Any]:
    return {
        "committee": pick(language, {"fr": committee["title_fr"], "en": committee["title_en"]}),
        "when": when(language, meeting["starts"]),
        "is_frozen": occasion == "frozen",
        "is_addendum": occasion == "addendum",
        "lines": [{"text": _line(language, one)} for one in content.items],
        "path": f"/meetings/{meeting['id']}",
    }


def _line(language: Language, one: ItemLine) -> str:
    title = pick(language, {"fr": one.title.fr, "en": one.title.en})
    return f"{one.number}. {title} ({say_n(language, '%(n)s minute', '%(n)s minutes', one.minutes)})"


def _printed(
    session: Session,
    content: AgendaContent,
    committee: Mapping[str, Any],
    meeting: Mapping[str, Any],
    language: str,
    addendum: int,
) -> Attachment:
    return issue(
        session,
        content,
        language,
        kind="addendum" if addendum else "agenda",
        committee=committee["key"],
        day=meeting["starts"].date(),
        addendum=addendum,
    )
