"""Sending an agenda, or an addendum to it: to each who is invited, in their language, and as they may read it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day
from domain.mail import notices
from domain.mail.envelopes import Attachment
from domain.mail.notices import COORDINATION, Language
from domain.roles.roles import standing
from locales import N_, pick, say, say_n
from meetings.agenda_papers import Change, Replacing
from meetings.committees import ALTERNATE, committees, membership
from meetings.documents.content import AgendaContent, ItemLine
from meetings.documents.issuing import issue, refuse_names
from meetings.freezing import Outgoing
from meetings.invitees import invited_to
from meetings.locking import read_meeting
from meetings.wording import Papers, when
from models.committee import Committee
from models.meeting import Meeting

BY_AGENDAS: Final = Actor.system("agendas")

Occasion = Literal["circulated", "frozen", "addendum"]


def post(session: Session, outgoing: Outgoing, occasion: Occasion, *, addendum: int = 0, at: datetime) -> int:
    """Write the letters of an agenda, with the frozen one or the addendum as a PDF; how many were written.

    The same occasion of a meeting writes once. Whoever's language lacks a title is not sent half an edition.
    Raises Refusal where it names somebody who may not be named: then nobody is sent anything.
    """
    meeting = read_meeting(session, outgoing.meeting_id)
    committee = committees(session)[meeting.committee_id]
    # By the version too: what is frozen anew is sent anew. A draft has none, and goes out once for a day.
    key = f"agenda:{outgoing.meeting_id}:{occasion}:{outgoing.version}"
    if occasion == "circulated":
        key += f":{meeting.starts.date().isoformat()}"
    printed: dict[tuple[str, str], Attachment] = {}
    written = 0
    for content in outgoing.editions.values():
        refuse_names(session, content)  # the letters name the items too; here it is known which one it is
    for reader, content in outgoing.to_send():
        replaced = outgoing.replaces.get(reader.audience)
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
            key=key,
            facts=lambda language, reader=reader, content=content, replaced=replaced: (  # type: ignore[misc]
                _facts(language, content, committee, meeting, occasion)
                | _replaced(language, replaced, meeting)
                | {"is_kept_aware": reader.is_kept_aware}
            ),
            at=at,
            attachments=attachments,
        )
    return written


def papers_of(session: Session, before: Sequence[Meeting], *, at: datetime) -> dict[UUID, list[Papers]]:
    """What each who got the agenda of meetings without being invited is to hear: these are at another time, or off.

    `before` are rows of one committee as they were. One that was off before, or was over when it was called off, is no
    news. The second representatives of a seat are kept aware (CM-2R): none is to hold papers of a meeting that nobody
    holds.
    """
    found: dict[UUID, list[Papers]] = {}
    for was in before:
        now = read_meeting(session, was.id)
        is_off = now.state == "cancelled"
        if was.state == "cancelled" or (was.starts_at <= at if is_off else now.starts == was.starts):
            continue
        got = notices.written_to(session, f"agenda:{was.id}:")
        members, day = membership(session, was.committee_id), was.starts.date()
        aware = {one for seat in members.seats_on(day) for one in members.holders(seat.id, day, ALTERNATE)}
        is_void = is_off or any(
            sent is not None and still is None
            for sent, still in (
                (was.agenda_frozen_at, now.agenda_frozen_at),
                (was.agenda_circulated_at, now.agenda_circulated_at),
            )
        )
        papers = Papers(was.id, was.starts, None if is_off else now.starts, is_void)
        for person_id in got & aware - invited_to(session, now):
            found.setdefault(person_id, []).append(papers)
    return found


def tell_stuck(session: Session, meeting: Meeting, refusal: Refusal, *, at: datetime) -> int:
    """Tell the coordinator that an agenda could not be sent or frozen, and why.

    Once a local day for each thing that stands in its way: another item that lacks its translation is another thing,
    and what was mended and is broken again the day after is told again.
    """
    said = json.dumps([refusal.code, refusal.facts], sort_keys=True, default=str)
    obstacle = hashlib.sha256(said.encode()).hexdigest()[:16]
    committee = committees(session)[meeting.committee_id]

    def facts(language: Language) -> dict[str, Any]:
        return {
            "committee": pick(language, {"fr": committee.title_fr, "en": committee.title_en}),
            "when": when(language, meeting.starts),
            "why": say(language, refusal.sentence, **refusal.facts),
            "path": f"/meetings/{meeting.id}/agenda",
        }

    today = local_day(session, at)
    coordination = standing(session, today).falls(COORDINATION).holders
    return sum(
        notices.write(
            session,
            "meeting_agenda_stuck",
            to=one.person_id,
            key=f"stuck:{meeting.id}:{today.isoformat()}:{obstacle}",
            facts=facts,
            at=at,
        )
        for one in coordination
    )


def tell_held(session: Session, meeting: Meeting, held: Sequence[UUID], *, at: datetime) -> int:
    """Tell the coordinator that items wait in the pool whose words are to be looked at first, once of the same ones."""
    committee = committees(session)[meeting.committee_id]

    def facts(language: Language) -> dict[str, Any]:
        return {
            "committee": pick(language, {"fr": committee.title_fr, "en": committee.title_en}),
            "when": when(language, meeting.starts),
            "n": len(held),
            "path": f"/meetings/{meeting.id}/agenda",
        }

    which = hashlib.sha256(",".join(sorted(map(str, held))).encode()).hexdigest()[:16]
    coordination = standing(session, local_day(session, at)).falls(COORDINATION).holders
    return sum(
        notices.write(
            session, "meeting_agenda_held", to=one.person_id, key=f"held:{meeting.id}:{which}", facts=facts, at=at
        )
        for one in coordination
    )


def _facts(
    language: Language, content: AgendaContent, committee: Committee, meeting: Meeting, occasion: Occasion
) -> dict[str, Any]:
    return {
        "committee": pick(language, {"fr": committee.title_fr, "en": committee.title_en}),
        "when": when(language, meeting.starts),
        "is_frozen": occasion == "frozen",
        "is_addendum": occasion == "addendum",
        "lines": [{"text": _line(language, one)} for one in content.items],
        "path": f"/meetings/{meeting.id}",
    }


#: What became of an item since the agenda that is replaced, by `agenda_papers.Change.what`.
CHANGES: Final[Mapping[str, str]] = {
    "added": N_("New: %(number)s. %(title)s"),
    "gone": N_("No longer on it: %(title)s (it was number %(was)s)"),
    "renumbered": N_("Number %(number)s instead of %(was)s: %(title)s"),
    "reworded": N_("Reworded: %(number)s. %(title)s"),
}


def change_in_words(language: str, one: Change) -> str:
    """What became of one item, in "fr" or "en"."""
    return say(language, CHANGES[one.what], number=one.number, was=one.was, title=pick(language, one.title))


def _replaced(language: Language, replaced: Replacing | None, meeting: Meeting) -> dict[str, Any]:
    if replaced is None:
        return {"replaces": False, "was": "", "changes": []}
    return {
        "replaces": True,
        "was": when(language, replaced.was) if replaced.was != meeting.starts else "",
        "changes": [{"text": change_in_words(language, one)} for one in replaced.changes],
    }


def _line(language: Language, one: ItemLine) -> str:
    title = pick(language, {"fr": one.title.fr, "en": one.title.en})
    return f"{one.number}. {title} ({say_n(language, '%(n)s minute', '%(n)s minutes', one.minutes)})"


def _printed(
    session: Session, content: AgendaContent, committee: Committee, meeting: Meeting, language: str, addendum: int
) -> Attachment:
    return issue(
        session,
        content,
        language,
        kind="addendum" if addendum else "agenda",
        committee=committee.key,
        day=meeting.starts.date(),
        addendum=addendum,
    )
