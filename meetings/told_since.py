"""Meetings that people were told of, and that a restore lost or brought back otherwise: cancelled, or kept, by one act.

A calendar takes news with a SEQUENCE above the last alone. What was told stands in the ledger, and with each person's
invitation since the restore was found (`domain.restoring.holding`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session

from domain.kernel import Actor, Language, Refusal, changes, col, every, first, of, program, run, surely
from domain.mail import CalendarPart, Mailbox, notices
from domain.record import apart
from domain.restored import deciding
from locales import N_, say
from meetings import answers, calendar_files, invitations, schedule
from meetings.committees import committees
from meetings.entries import CalendarEntry
from meetings.held_news import Kept
from meetings.itip import CANCEL, Message
from meetings.shown_entries import Invitable, entry_of, paper_of
from meetings.told_news import ToldDate, ToldNews
from meetings.wording import when
from models.invitation import Invitation
from models.ledger import RestoredMatter
from models.meeting import Meeting, MeetingSeries
from models.program import Person
from models.written import as_json

#: The letter that takes a meeting out of a calendar.
LETTER: Final = "meeting_lost"
_TITLE: Final = N_("Meeting")
_REASON: Final = N_("Cancelled after the program was restored from a copy.")


@dataclass(frozen=True)
class ToldSince:
    """A meeting or a season that people were told of since the copy, under one UID.

    `people` are those whose calendar shows it, and `gone` those whose calendar no longer does. Each has the SEQUENCE of
    their last news. `row` is what is in the database now.
    """

    uid: str
    matters: tuple[RestoredMatter, ...]
    people: Mapping[UUID, int]
    gone: Mapping[UUID, int]
    row: Meeting | MeetingSeries | None

    @property
    def last(self) -> RestoredMatter:
        """The last news of it."""
        return self.matters[-1]

    @property
    def starts(self) -> datetime:
        """The local time of it, as it was told last."""
        return self.news.starts

    @property
    def news(self) -> ToldNews:
        """What was told last."""
        return ToldNews.of(self.last)

    @property
    def last_of(self) -> dict[UUID, ToldNews]:
        """What each person was told of it last."""
        return {one: news for news in map(ToldNews.of, self.matters) for one in news.people}

    def told_dates(self) -> list[tuple[frozenset[UUID], tuple[ToldDate, ...]]]:
        """The dates that people were told otherwise, as each was told them last: by who were told the same."""
        last: dict[UUID, dict[datetime, ToldDate]] = defaultdict(dict)
        for news in map(ToldNews.of, self.matters):
            dates = {one.original if self.is_season else self.starts: one for one in news.told_dates()}
            for person_id in news.people:
                last[person_id] |= dates
        alike: dict[tuple[ToldDate, ...], set[UUID]] = defaultdict(set)
        for person_id, dates in last.items():
            alike[tuple(sorted(dates.values()))].add(person_id)
        return [(frozenset(people), dates) for dates, people in alike.items()]

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it can be cancelled here. A season that stands is changed where seasons are."""
        return self.row is None or not self.is_season

    @property
    def is_season(self) -> bool:
        """Whether it is a season, and no meeting alone."""
        return self.last.subject_kind == "meeting_series"


def told_since(session: Session, matters: Iterable[RestoredMatter]) -> list[ToldSince]:
    """What people were told of, of these matters, by UID, in the order of the first news."""
    return [_of_one(session, ToldNews.of(found[0]).uid, found) for found in by_meeting(matters)]


def each_once(matters: Iterable[RestoredMatter]) -> list[RestoredMatter]:
    """These matters, in their order, and of a season or a meeting one alone: it is counted and decided as one."""
    seen: set[object] = set()
    found = []
    for one in matters:
        what = (ToldNews.of(one).uid, one.decision, one.decided_at) if one.kind == "meeting" else one.id
        if what not in seen:
            seen.add(what)
            found.append(one)
    return found


def by_meeting(matters: Iterable[RestoredMatter]) -> list[list[RestoredMatter]]:
    """Those of these matters that are of one UID, together, in the order of the first news."""
    by_uid: dict[str, list[RestoredMatter]] = {}
    for matter in matters:
        if matter.kind == "meeting":
            by_uid.setdefault(ToldNews.of(matter).uid, []).append(matter)
    return list(by_uid.values())


def cancel(session: Session, matter_id: UUID, *, by: Actor, at: datetime) -> int:
    """Cancel it in the calendars of all who were told of it; how many. Where it is planned, the meeting is cancelled.

    Raises Refusal: decided, none of them, a season that stands.
    """
    told = _hold(session, matter_id, by=by)
    if not told.can_be_cancelled:
        raise Refusal(
            "restored.season", N_("This season is in the program: keep it, then change it on its committee’s page.")
        )
    deciding.settle(session, list(told.matters), "cancelled", by=by, at=at)
    reached: set[UUID] = set()
    if told.row is not None and getattr(told.row, "state", "") == "planned":
        reason = f"{say('fr', _REASON)} – {say('en', _REASON)}"
        _remember_what_was_told(session, told, told.row)  # who was told that it is off is not told again
        news = schedule.cancel_meeting(session, told.row.id, reason=reason, by=by, at=at)
        reached = {one.person_id for one in news if one.method == CANCEL}
    left = {one: sequence for one, sequence in told.people.items() if one not in reached}
    _take_out(session, told, left, at=at)
    return len(told.people)


def keep(session: Session, matter_id: UUID, *, by: Actor, at: datetime) -> int:
    """Keep it: where it is in the program, all are told anew how it stands; else calendars stay; how many were told.

    Raises Refusal: decided, or none of them.
    """
    told = _hold(session, matter_id, by=by)
    n = 0
    if told.row is not None:
        _ask_anew(session, told, at=at)
        _remember_what_was_told(session, told, told.row)
        kept = Kept(told.row.id, told.last_of.keys())
        news = invitations.tell_all(session, at=at, committee_ids=[told.row.committee_id], kept=kept)
        n = invitations.people_in(news)
    deciding.settle(session, list(told.matters), "kept", by=by, at=at)
    return n


def _hold(session: Session, matter_id: UUID, *, by: Actor) -> ToldSince:
    """All that waits of the same UID, locked. Raises Refusal."""
    matter = deciding.hold(session, matter_id, by=by)
    if matter.kind != "meeting":
        raise Refusal(
            "restored.not_a_meeting", N_("This is no meeting that people were told of: its line says how to decide it.")
        )
    waiting = of(RestoredMatter).where(RestoredMatter.kind == "meeting", col(RestoredMatter.decided_at).is_(None))
    alike = every(session, waiting.order_by(col(RestoredMatter.ledger_n)).with_for_update())
    (told,) = told_since(session, [one for one in alike if ToldNews.of(one).uid == ToldNews.of(matter).uid])
    return told


def _of_one(session: Session, uid: str, matters: Sequence[RestoredMatter]) -> ToldSince:
    in_order = sorted(matters, key=lambda one: one.ledger_n)
    shows: dict[UUID, tuple[int, bool]] = {}
    for matter in in_order:
        news = ToldNews.of(matter)
        shows |= dict.fromkeys(news.people, (news.sequence, news.off))
    return ToldSince(
        uid,
        tuple(in_order),
        {one: sequence for one, (sequence, is_off) in shows.items() if not is_off},
        {one: sequence for one, (sequence, is_off) in shows.items() if is_off},
        _row_of(session, in_order[-1]),
    )


def _row_of(session: Session, matter: RestoredMatter) -> Meeting | MeetingSeries | None:
    if matter.subject_kind == "meeting_series":
        return first(session, of(MeetingSeries).where(MeetingSeries.id == matter.subject_id))
    return first(session, of(Meeting).where(Meeting.id == matter.subject_id))


def _of_it(told: ToldSince) -> tuple[ColumnElement[bool], ...]:
    column = Invitation.series_id if told.is_season else Invitation.meeting_id
    return (col(column) == told.last.subject_id, col(Invitation.person_id).in_([*told.people, *told.gone]))


def _remember_what_was_told(session: Session, told: ToldSince, row: Meeting | MeetingSeries) -> None:
    """Have the database remember what each was told of it last, as the ledger has it, in the words of the program."""
    column = Invitation.series_id if told.is_season else Invitation.meeting_id
    thing = _invitable(session, row)
    elsewhere = {one for news in map(ToldNews.of, told.matters) for one in news.elsewhere}
    for person in every(session, of(Person).where(col(Person.id).in_(told.last_of)).order_by(col(Person.id))):
        language: Language = person.language  # type: ignore[assignment]
        known, news = entry_of(session, thing, thing.meetings, language), told.last_of[person.id]
        entry = as_json(news.entry(known, elsewhere)) if known is not None and not news.off else {}
        theirs = changes(Invitation).where(col(column) == row.id, Invitation.person_id == person.id)
        run(session, theirs.values(told=entry, version=col(Invitation.version) + 1))


def _invitable(session: Session, row: Meeting | MeetingSeries) -> Invitable:
    season = first(session, of(MeetingSeries).where(MeetingSeries.id == row.id))
    which = Meeting.series_id if season is not None else Meeting.id
    meetings = every(session, of(Meeting).where(col(which) == row.id).order_by(col(Meeting.original)))
    return Invitable(surely(row.uid), committees(session)[row.committee_id], row.time_zone, tuple(meetings), season)


def _ask_anew(session: Session, told: ToldSince, *, at: datetime) -> None:
    """Have answers to what was moved count no longer: they were given before that, or to what does not hold."""
    moved = {one.original: one.starts for _, dates in told.told_dates() for one in dates if one.starts is not None}
    column, which = (Meeting.series_id, told.last.subject_id) if told.is_season else (Meeting.id, told.last.subject_id)
    planned = every(session, of(Meeting).where(col(column) == which, Meeting.state == "planned"))
    other = [one.id for one in planned if moved.get(one.original or told.starts, one.starts) != one.starts]
    answers.lapse(session, other, at=at)


def _take_out(session: Session, told: ToldSince, people: Mapping[UUID, int], *, at: datetime) -> None:
    """Take it out of these people's calendars, by a CANCEL above what each was told last."""
    known = every(session, of(Person).where(col(Person.id).in_(people)).order_by(col(Person.id)))
    for person in known:
        _send(session, told, person, people[person.id] + 1, at=at)
    if not known:
        return
    highest = max(people[one.id] for one in known) + 1
    mine = [one.id for one in known]
    run(
        session,
        changes(Invitation)
        .where(*_of_it(told), col(Invitation.person_id).in_(mine))
        .values(told={}, sequence=highest, told_at=at, version=col(Invitation.version) + 1),
    )
    news = told.news
    apart.note(
        session,
        apart.TOLD,
        told.last.subject_id,
        at=at,
        of=told.last.subject_kind,
        uid=told.uid,
        sequence=highest,
        starts=news.starts.isoformat(),
        minutes=news.minutes,
        last_on=news.last_on,
        off=True,
        people=[str(one) for one in mine],
    )


def _send(session: Session, told: ToldSince, person: Person, sequence: int, *, at: datetime) -> None:
    paper, news = paper_of(session), told.news
    entry = CalendarEntry(
        uid=f"{told.uid}@{paper.domain}",
        zone=program(session).time_zone,
        starts=told.starts,
        minutes=news.minutes,
        last_on=date.fromisoformat(news.last_on) if news.last_on else None,
        title=say(person.language, _TITLE),
    )
    files: tuple[CalendarPart, ...] = ()
    if person.email is not None:
        files = (
            calendar_files.part(
                Message(CANCEL, "cancelled", entry, is_off=True),
                organizer=paper.sender,
                attendee=Mailbox(person.email, person.name),
                sequence=sequence,
                stamp=at.replace(microsecond=0),
                language=person.language,
            ),
        )
    notices.write(
        session,
        LETTER,
        to=person.id,
        key=f"{invitations.key_of_one(entry.uid)}{sequence}:lost",
        facts=lambda language: {"when": when(language, told.starts), "path": "/meetings"},
        at=at,
        thread=invitations.THREAD,
        calendars=files,
    )
