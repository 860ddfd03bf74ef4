"""Sending an agenda, or an addendum to it: to each who is invited, in their language, and as they may read it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, Language, Refusal, local_day
from domain.mail import COORDINATION, Attachment, notices
from domain.roles import standing
from locales import N_, pick, say, say_n
from meetings.agenda_papers import AgendaChange, Reader, Replacing
from meetings.committees import ALTERNATE, committees, membership, title_of
from meetings.documents.content import AgendaContent, AgendaLine, as_json
from meetings.documents.issuing import issue, refuse_names
from meetings.freezing import Outgoing
from meetings.invitees import invited_to
from meetings.locking import read_meeting
from meetings.wording import Papers, when
from models.committee import Committee
from models.meeting import Meeting

BY_AGENDAS: Final = Actor.system("agendas")

Occasion = Literal["circulated", "frozen", "addendum"]


def post(session: Session, outgoing: Outgoing, occasion: Occasion, *, at: datetime) -> int:
    """Write the letters of an agenda, with the frozen one or the addendum as a PDF; how many were written.

    The same occasion of a meeting writes once. A reader whose language lacks a title is not sent half an edition.
    Raises Refusal where it holds a name that may not go out: then nothing is sent.
    """
    meeting = read_meeting(session, outgoing.meeting_id)
    committee = committees(session)[meeting.committee_id]
    # By the version too: what is frozen anew is sent anew. A draft has none, and goes out once for a day.
    # And by what it says: an older copy of the database counts versions once more.
    key = f"agenda:{outgoing.meeting_id}:{occasion}:{outgoing.version}:"
    key += meeting.starts.date().isoformat() if occasion == "circulated" else _digest(_said_in(outgoing))
    for content in outgoing.editions.values():
        refuse_names(session, content)  # the letters name the items too; here it is known which one it is
    printed: dict[tuple[str, str], Attachment] = {}
    written = 0
    for reader, content in outgoing.to_send():
        edition = (reader.audience, reader.language)
        if occasion != "circulated" and edition not in printed:
            printed[edition] = issue(session, content, reader.language, committee=committee.key)
        written += notices.write(
            session,
            "meeting_agenda",
            to=reader.person_id,
            key=key,
            facts=_facts(content, committee, meeting, occasion, outgoing.replaces.get(reader.audience), reader),
            at=at,
            attachments=(printed[edition],) if edition in printed else (),
        )
    return written


def papers_of(session: Session, before: Sequence[Meeting], *, at: datetime) -> dict[UUID, list[Papers]]:
    """What each uninvited holder of meetings' agendas is to hear: these are at another time, or off.

    `before` are rows of one committee as they were. One that was off before, or was over when it was called off, is no
    news. The second representatives of a seat are kept aware (CM-2R): none is to keep papers of a meeting that does not
    take place.
    """
    found: dict[UUID, list[Papers]] = defaultdict(list)
    for was in before:
        now = read_meeting(session, was.id)
        if _is_news(was, now, at):
            got = notices.written_to(session, f"agenda:{was.id}:")
            members, day = membership(session, was.committee_id), was.starts.date()
            aware = {one for seat in members.seats_on(day) for one in members.holders(seat.id, day, ALTERNATE)}
            starts = None if now.state == "cancelled" else now.starts
            for person_id in got & aware - invited_to(session, now):
                found[person_id].append(Papers(was.id, was.starts, starts, starts is None or _was_taken_back(was, now)))
    return found


def _is_news(was: Meeting, now: Meeting, at: datetime) -> bool:
    if was.state == "cancelled":
        return False
    return was.starts_at > at if now.state == "cancelled" else now.starts != was.starts


def _was_taken_back(was: Meeting, now: Meeting) -> bool:
    """Whether what went out of an agenda no longer holds: it was frozen, or circulated, and is so no more."""
    is_thawed = was.agenda_frozen_at is not None and now.agenda_frozen_at is None
    return is_thawed or (was.agenda_circulated_at is not None and now.agenda_circulated_at is None)


def tell_stuck(session: Session, meeting: Meeting, refusal: Refusal, *, at: datetime) -> int:
    """Tell the coordinator that an agenda could not be sent or frozen, and why.

    Once a local day for each thing that stands in its way: another item that lacks its translation is another thing,
    and what was mended and is broken again the day after is told again.
    """
    obstacle = json.dumps([refusal.code, refusal.facts], sort_keys=True, default=str)
    return _tell_coordination(
        session,
        meeting,
        "meeting_agenda_stuck",
        f"stuck:{meeting.id}:{local_day(session, at).isoformat()}:{_digest(obstacle)}",
        lambda language: {"why": say(language, refusal.sentence, **refusal.facts)},
        at,
    )


def tell_held(session: Session, meeting: Meeting, held: Sequence[UUID], *, at: datetime) -> int:
    """Tell the coordinator that items wait in the pool whose words are to be looked at first, once of the same ones."""
    key = f"held:{meeting.id}:{_digest(','.join(sorted(map(str, held))))}"
    return _tell_coordination(session, meeting, "meeting_agenda_held", key, lambda _: {"n": len(held)}, at)


def _tell_coordination(
    session: Session, meeting: Meeting, template: str, key: str, more: notices.Facts, at: datetime
) -> int:
    """Write to each coordinator about the agenda of a meeting."""
    committee = committees(session)[meeting.committee_id]

    def facts(language: Language) -> Mapping[str, object]:
        return {
            "committee": title_of(committee, language),
            "when": when(language, meeting.starts),
            "path": f"/meetings/{meeting.id}/agenda",
            **more(language),
        }

    coordination = standing(session, local_day(session, at)).falls(COORDINATION).holders
    return sum(notices.write(session, template, to=one.person_id, key=key, facts=facts, at=at) for one in coordination)


def _said_in(outgoing: Outgoing) -> str:
    return json.dumps({audience: as_json(one) for audience, one in outgoing.editions.items()}, sort_keys=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _facts(
    content: AgendaContent,
    committee: Committee,
    meeting: Meeting,
    occasion: Occasion,
    replaced: Replacing | None,
    reader: Reader,
) -> notices.Facts:
    def facts(language: Language) -> Mapping[str, object]:
        return {
            "committee": title_of(committee, language),
            "when": when(language, meeting.starts),
            "is_frozen": occasion == "frozen",
            "is_addendum": occasion == "addendum",
            "lines": [{"text": _line(language, one)} for one in content.items],
            "path": f"/meetings/{meeting.id}",
            "replaces": replaced is not None,
            "was": when(language, replaced.was) if replaced and replaced.was != meeting.starts else "",
            "changes": [{"text": change_in_words(language, one)} for one in (replaced.changes if replaced else ())],
            "is_kept_aware": reader.is_kept_aware,
        }

    return facts


#: What became of an item since the agenda that is replaced, by `agenda_papers.Change.what`.
CHANGES: Final[Mapping[str, str]] = {
    "added": N_("New: %(number)s. %(title)s"),
    "gone": N_("No longer on it: %(title)s (it was number %(was)s)"),
    "renumbered": N_("Number %(number)s instead of %(was)s: %(title)s"),
    "reworded": N_("Reworded: %(number)s. %(title)s"),
}


def change_in_words(language: str, one: AgendaChange) -> str:
    """What became of one item, in "fr" or "en"."""
    return say(language, CHANGES[one.what], number=one.number, was=one.was, title=pick(language, one.title))


def _line(language: Language, one: AgendaLine) -> str:
    return (
        f"{one.number}. {pick(language, one.title)} ({say_n(language, '%(n)s minute', '%(n)s minutes', one.minutes)})"
    )
