"""Whom a committee's meetings invite, and telling each of them what changed, in words and for their calendar.

What is sent is always the difference between what a person was told last (`Invitation.told`) and what the records say
now. So a change of dates, of a seat's holder, of an absence or of a guest needs no message of its own: whoever is
concerned is found, nobody else is written to, and doing it again writes nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Date, cast
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, or_

from domain.kernel.actors import Actor
from domain.kernel.rows import SHAPE, also, col, every, in_program, joins, of, only, replaced, run, same, select, surely
from domain.kernel.scope import local_day, program, program_of
from domain.mail import notices
from domain.mail.envelopes import CalendarPart, Mailbox
from domain.mail.notices import COORDINATION, Language, Stationery, Unreached
from domain.record import events
from domain.roles.roles import standing
from locales import pick
from meetings import calendar_files, links
from meetings.committees import ALTERNATE, Membership, committees, memberships
from meetings.entries import Entry, Moved
from meetings.itip import CANCEL, Message, changed, differences, joined, remembered, sequences
from meetings.local_times import local_of
from meetings.locking import original_of
from meetings.wording import CONTINUED, News, Papers, kind_of_papers, letter_of, papers_facts
from models.committee import Committee, SeatHolder
from models.invitation import CalendarReader, Invitation, MeetingAnswer
from models.meeting import Meeting, MeetingGuest, MeetingSeries
from models.program import Person

_PARTSTATS: Final[Mapping[str, calendar_files.Partstat]] = {
    "accepted": "ACCEPTED",
    "tentative": "TENTATIVE",
    "declined": "DECLINED",
}

BY_INVITATIONS: Final = Actor.system("invitations")


#: The kind of what a coordinator hears who gets no other letter of an act: whom it did not reach.
UNREACHED: Final = "unreached"

#: The thread of these letters: to each person they leave in the order in which they were written.
THREAD: Final = "meetings"


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of news to one person: of what kind, of which date, and what their calendar is told.

    All that one act has for a person leaves in one letter. `kind` is that of `meetings.itip`, `wording.CONTINUED` for a
    season that goes on at another hour, or `UNREACHED`; `starts` the local time of the meeting that it is about, as it
    was moved, or of the first that changed of a season.
    `has_address` is false where there is nobody to write to, which the coordinator sees.
    """

    person_id: UUID
    committee_id: UUID
    kind: str
    method: str
    starts: datetime
    has_address: bool = True


@dataclass(frozen=True)
class _Thing:
    """What has one UID: a season with its meetings, or a meeting that stands alone."""

    uid: str
    committee: Committee
    zone: str
    meetings: tuple[Meeting, ...]
    series: MeetingSeries | None = None
    next: MeetingSeries | None = None
    """The season that goes on with this one's dates, at another hour."""

    @property
    def key(self) -> dict[str, UUID | None]:
        """By which column an invitation is for it."""
        if self.series is not None:
            return {"series_id": self.series.id, "meeting_id": None}
        return {"series_id": None, "meeting_id": self.meetings[0].id}


@dataclass(frozen=True)
class _Found:
    """What one person is to hear of one season or meeting: each message with its SEQUENCE and DTSTAMP.

    `dates` are the originals that are otherwise for them.
    """

    thing: _Thing
    invitation_id: UUID
    numbered: tuple[tuple[Message, int, datetime], ...]
    told: Entry | None
    wanted: Entry | None
    dates: tuple[datetime, ...]

    @property
    def message(self) -> Message:
        """The one that is news to them; what is behind it is for their calendar alone."""
        return self.numbered[0][0]


@dataclass
class _Kept:
    """What is to be written at once when everyone was told of a season or meeting: rows, links, lines of the record."""

    invitations: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[tuple[str, UUID]] = field(default_factory=list)
    lines: list[dict[str, events.Fact]] = field(default_factory=list)


def new_uid(session: Session) -> str:
    """The UID of a new season or meeting: opaque, at the domain that the program writes from."""
    paper: Stationery = session.info["stationery"]
    return f"{uuid4()}@{paper.domain}"


def invited_to(session: Session, meeting: Meeting) -> frozenset[UUID]:
    """Everyone whom one meeting invites now: by their seats, as a named alternate, or as a guest."""
    members = memberships(session, [meeting.committee_id])[meeting.committee_id]
    extra = others(session, [meeting.id])
    return frozenset({*members.invited(meeting.starts.date()), *extra[meeting.id]})


def tell(
    session: Session, committee_id: UUID, *, papers: Mapping[UUID, Sequence[Papers]] | None = None, at: datetime
) -> tuple[Told, ...]:
    """Tell everyone whom it concerns what changed of a committee's meetings since they were last told.

    `papers` are those who have the agenda of a meeting that changed, without being expected there
    (`posting.papers_of`): they hear of it in the same letter, or in one of its own.
    """
    return _tell(session, [committee_id], papers or {}, at)


def tell_all(session: Session, *, at: datetime, committee_ids: Iterable[UUID] | None = None) -> tuple[Told, ...]:
    """As `tell`, for several committees or for every one; nothing is written where nothing changed.

    Takes the committees' invitations one transaction after another, so that two who tell at once tell once.
    """
    return _tell(session, committee_ids, {}, at)


def _tell(
    session: Session, committee_ids: Iterable[UUID] | None, papers: Mapping[UUID, Sequence[Papers]], at: datetime
) -> tuple[Told, ...]:
    rows = committees(session)
    wanted = rows if committee_ids is None else {one: rows[one] for one in committee_ids}
    for committee_id in sorted(wanted):
        links.lock(session, committee_id)
    things = list(_things(session, wanted, at))
    members = memberships(session, wanted)
    extra = others(session, [meeting.id for thing in things for meeting in thing.meetings])
    known = _known(session, things)
    people = _people(session)
    told: list[Told] = []
    here = program(session)  # held, since a session reads again what nobody holds: else each letter reads it
    assert here.id == program_of(session)  # noqa: S101 - the session reads no other
    wanted_of = {
        thing.uid: _wanted(session, thing, members[thing.committee.id], extra, known[thing.uid], people, at)
        for thing in things
    }
    kept = {thing.uid: _Kept() for thing in things}
    news: dict[UUID, list[_Found]] = defaultdict(list)
    for thing in things:
        before, now = known[thing.uid], wanted_of[thing.uid]
        for person_id in {*before, *now}:
            found = _find(thing, person_id, before.get(person_id), now.get(person_id), kept[thing.uid], at)
            if found is not None:
                news[person_id].append(found)
    held = {one: left for one, theirs in papers.items() if (left := _not_heard(theirs, news.get(one, ())))}
    hearing = {*news, *held}
    # First those without an address: a coordinator who gets a letter reads of them in it, and not in one more.
    coordinators = _coordinators(session, people, at) if any(people[one].email is None for one in hearing) else []
    unreached: dict[UUID, list[Unreached]] = {
        one: [] for one in (*hearing, *coordinators) if people[one].email is not None
    }
    for person_id in sorted(hearing, key=lambda one: (one in unreached, str(one))):
        person, beside = people[person_id], held.get(person_id, ())
        if person_id in news:
            told += _write(session, person, news[person_id], members, kept, unreached, beside, at)
        else:
            told.append(_write_papers(session, person, next(iter(wanted.values())), beside, unreached, at))
    for one in coordinators:
        if one not in hearing and unreached.get(one):
            first = next(each for each in told if people[each.person_id].email is None)
            written = notices.tell_of_unreached(session, one, unreached[one], at=at)
            told.append(Told(one, first.committee_id, UNREACHED, "", first.starts, written))
    for thing in things:
        _keep(session, thing, kept[thing.uid], at)
    return tuple(told)


def shown_to(
    session: Session, person_id: UUID, language: Language, *, at: datetime, back: timedelta
) -> tuple[calendar_files.Published, ...]:
    """What a person's own calendar shows, under the UIDs of their invitations: what is to come, and `back` before.

    Each is as they were told it last, where nothing to come is otherwise since. A meeting that was cancelled stays as
    cancelled for as long as one that was held, where they had been told of it; a cancelled date of a season is taken
    out of it. What others meet without them is not there.
    """
    rows = committees(session)
    things = list(_things(session, rows, at, back=back))
    members = memberships(session, rows)
    extra = others(session, [meeting.id for thing in things for meeting in thing.meetings])
    known = _known(session, things, person_id)
    found = (
        _shown_of(
            session,
            thing,
            [
                one
                for one in thing.meetings
                if person_id in members[thing.committee.id].invited(one.starts.date()) or person_id in extra[one.id]
            ],
            known[thing.uid].get(person_id),
            language,
            at,
        )
        for thing in things
    )
    return tuple(one for one in found if one is not None)


def people_in(told: Sequence[Told]) -> int:
    """How many people hear of a change, those among them who have no address."""
    return len({one.person_id for one in told})


def letters_in(told: Sequence[Told]) -> int:
    """How many letters a change sends: one to each person who has an address, whatever it has for them."""
    return len({one.person_id for one in told if one.has_address})


# --------------------------------------------------------------------------------------------------- what is to be seen


def entry_of(session: Session, thing: _Thing, shown: Sequence[Meeting], language: Language) -> Entry | None:
    """What a person's calendar shows of a season or a meeting, where they come to the meetings `shown`."""
    if not shown:
        return None
    paper: Stationery = session.info["stationery"]
    title = pick(language, {"fr": thing.committee.title_fr, "en": thing.committee.title_en})
    first = shown[0]
    if thing.series is None:
        url = f"{paper.base_url}/meetings/{first.id}"
        return Entry(
            uid=thing.uid,
            zone=thing.zone,
            starts=first.starts,
            minutes=first.minutes,
            title=title,
            description=url,
            place=first.place,
            online_url=first.online_url,
            url=url,
        )
    usual = thing.series
    ids = {meeting.id for meeting in shown}
    begins, ends = original_of(first), original_of(shown[-1])
    within = [one for one in thing.meetings if begins <= original_of(one) <= ends]
    url = f"{paper.base_url}/meetings"
    return Entry(
        uid=thing.uid,
        zone=thing.zone,
        starts=begins,
        minutes=usual.minutes,
        last_on=ends.date(),
        cancelled=frozenset(original_of(one) for one in within if one.id not in ids),
        moved={
            original_of(one): Moved(one.starts, one.minutes, one.place, one.online_url)
            for one in shown
            if (one.starts, one.minutes, one.place, one.online_url)
            != (one.original, usual.minutes, usual.place, usual.online_url)
        },
        title=title,
        description=url,
        place=usual.place,
        online_url=usual.online_url,
        url=url,
    )


def _shown_of(
    session: Session, thing: _Thing, theirs: Sequence[Meeting], row: Known | None, language: Language, at: datetime
) -> calendar_files.Published | None:
    stands = [one for one in theirs if one.state != "cancelled"]
    was_told = row is not None and row.told_at is not None
    told = Entry.from_json(row.told) if row is not None and row.told else None
    if was_told and told is None and all(one.starts_at <= at for one in stands):
        stands = []  # it was taken back as a whole, with the dates that were held
    entry = entry_of(session, thing, stands, language)
    is_off = entry is None and was_told
    if is_off:
        # Nothing was moved of what nobody meets at: calendars know it by its original times.
        off = [replaced(one, **_as_planned(thing, one)) for one in theirs if one.state == "cancelled"]
        entry = entry_of(session, thing, off, language)
        entry = entry and replace(entry, online_url="")  # nobody is to wait behind a link
    elif entry is not None and told is not None and not changed(told, entry, after=local_of(at, thing.zone)):
        # In the very form of their invitation, whose SEQUENCE this has; its words are those of today.
        entry = replace(told, title=entry.title, description=entry.description, url=entry.url)
    if entry is None:
        return None
    changed_at = row.told_at if row is not None else None
    return calendar_files.Published(
        entry,
        row.sequence if row is not None else 0,
        changed_at or max(one.recorded_at for one in theirs),
        is_off=is_off,
    )


def _as_planned(thing: _Thing, meeting: Meeting) -> dict[str, Any]:
    if thing.series is None:
        return {}
    usual = thing.series
    return {"starts": meeting.original, "minutes": usual.minutes, "place": usual.place, "online_url": usual.online_url}


def _wanted(
    session: Session,
    thing: _Thing,
    members: Membership,
    extra: Mapping[UUID, frozenset[UUID]],
    before: Mapping[UUID, Known],
    people: Mapping[UUID, Person],
    at: datetime,
) -> dict[UUID, Entry]:
    """What each person is to see of one season or meeting."""
    shown: dict[UUID, list[Meeting]] = defaultdict(list)
    for meeting in thing.meetings:
        if meeting.state == "cancelled":
            continue
        for person_id in {*members.invited(meeting.starts.date()), *extra[meeting.id]}:
            shown[person_id].append(meeting)
    found: dict[UUID, Entry] = {}
    alike: dict[tuple[str, tuple[UUID, ...]], Entry | None] = {}  # who comes to the same meetings sees the same
    for person_id, meetings in shown.items():
        row = before.get(person_id)
        if row is None or not row.told:
            # Whoever is invited anew is invited to what is to come.
            meetings = [one for one in meetings if one.starts_at > at]  # noqa: PLW2901
        language = people[person_id].language
        same = (language, tuple(one.id for one in meetings))
        if same not in alike:
            alike[same] = entry_of(session, thing, meetings, language)  # type: ignore[arg-type]
        entry = alike[same]
        if entry is not None:
            found[person_id] = entry
    return found


def _things(
    session: Session, wanted: Mapping[UUID, Committee], at: datetime, *, back: timedelta = timedelta(0)
) -> Iterator[_Thing]:
    """The seasons and meetings that are not over, of these committees; or were not so long `back`.

    A season whose last day is past goes on as long as a date of it that was moved is to come.
    """
    since = at - back
    today = local_day(session, since)
    to_come = only(Meeting.series_id).where(col(Meeting.series_id).is_not(None), col(Meeting.ends_at) > since)
    seasons = every(
        session,
        of(MeetingSeries)
        .where(
            col(MeetingSeries.committee_id).in_(wanted),
            or_(col(MeetingSeries.ends_on) >= today - _WEEK, col(MeetingSeries.id).in_(to_come)),
        )
        .order_by(
            col(MeetingSeries.starts_on), col(MeetingSeries.recorded_at), col(MeetingSeries.id)
        ),  # what ends is told before what follows
    )
    rows = every(
        session,
        of(Meeting)
        .where(
            col(Meeting.committee_id).in_(wanted),
            or_(col(Meeting.series_id).in_([one.id for one in seasons]), col(Meeting.series_id).is_(None)),
            or_(col(Meeting.series_id).is_not(None), col(Meeting.ends_at) > since),
        )
        .order_by(col(Meeting.original), col(Meeting.starts), col(Meeting.id)),
    )
    of_season: dict[UUID, list[Meeting]] = defaultdict(list)
    for row in rows:
        if row.series_id is not None:
            of_season[row.series_id].append(row)
    following: dict[UUID | None, MeetingSeries] = {}
    for season in seasons:
        # Of several that go on with one, the first took its last dates: its hour was changed from an earlier day.
        following.setdefault(season.follows_id, season)
    for season in seasons:
        # One that another hour took every meeting of is in calendars still, until they are told.
        yield _Thing(
            season.uid,
            wanted[season.committee_id],
            season.time_zone,
            tuple(of_season[season.id]),
            season,
            following.get(season.id),
        )
    for row in rows:
        if row.series_id is None:
            yield _Thing(surely(row.uid), wanted[row.committee_id], row.time_zone, (row,))


_WEEK: Final = timedelta(days=7)


def others(session: Session, meeting_ids: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Who comes to each meeting without being called by a seat: guests, and alternates named by who cannot come.

    An alternate comes as long as both have the seat on the day of the meeting: who has left it by then, or was named by
    somebody who has, comes no more.
    """
    found: dict[UUID, set[UUID]] = {one: set() for one in meeting_ids}
    guests = run(
        session,
        only(MeetingGuest.meeting_id, MeetingGuest.person_id).where(
            col(MeetingGuest.withdrawn_at).is_(None), col(MeetingGuest.meeting_id).in_(meeting_ids)
        ),
    )
    named = run(
        session,
        only(MeetingAnswer.meeting_id, MeetingAnswer.alternate_id)
        .join(Meeting, joins(MeetingAnswer.meeting_id, Meeting))
        .where(
            col(MeetingAnswer.alternate_id).is_not(None),
            col(MeetingAnswer.meeting_id).in_(meeting_ids),
            _has_the_seat(col(MeetingAnswer.person_id)),
            _has_the_seat(col(MeetingAnswer.alternate_id), ALTERNATE),
        ),
    )
    for meeting_id, person_id in (*guests, *named):
        found[meeting_id].add(person_id)
    return {one: frozenset(people) for one, people in found.items()}


def _has_the_seat(person: ColumnElement[Any], *kinds: str) -> ColumnElement[bool]:
    """The condition on an answer, beside its meeting, that a person has its seat on that day, as one of these."""
    day = cast(col(Meeting.starts), Date)
    return (
        select(SeatHolder.id)
        .where(
            same(SeatHolder, MeetingAnswer),
            SeatHolder.seat_id == MeetingAnswer.seat_id,
            SeatHolder.person_id == person,
            col(SeatHolder.withdrawn_at).is_(None),
            col(SeatHolder.starts_on) <= day,
            or_(col(SeatHolder.ends_on).is_(None), col(SeatHolder.ends_on) >= day),
            *([col(SeatHolder.kind).in_(kinds)] if kinds else []),
        )
        .exists()
    )


class Known(Invitation):
    """What a person was told last, with the dialect of their calendar."""

    model_config = SHAPE
    dialect: str | None = also(CalendarReader.dialect)


def _known(session: Session, things: Sequence[_Thing], person_id: UUID | None = None) -> dict[str, dict[UUID, Known]]:
    """What each person was told last of each of these, by UID, with their calendar's dialect; or one person alone."""
    uid_of = {tuple(thing.key.values()): thing.uid for thing in things}
    rows = every(
        session,
        of(Known)
        .outerjoin(
            CalendarReader,
            same(CalendarReader, Invitation) & (col(CalendarReader.person_id) == col(Invitation.person_id)),
        )
        .where(
            or_(
                col(Invitation.series_id).in_([key[0] for key in uid_of if key[0]]),
                col(Invitation.meeting_id).in_([key[1] for key in uid_of if key[1]]),
            ),
            *([] if person_id is None else [col(Invitation.person_id) == person_id]),
        ),
    )
    found: dict[str, dict[UUID, Known]] = defaultdict(dict)
    for row in rows:
        found[uid_of[row.series_id, row.meeting_id]][row.person_id] = row
    return found


def _people(session: Session) -> dict[UUID, Person]:
    return {one.id: one for one in session.scalars(select(Person).where(in_program(Person)))}


# ------------------------------------------------------------------------------------------------------------- telling


def _find(
    thing: _Thing, person_id: UUID, row: Known | None, wanted: Entry | None, kept: _Kept, at: datetime
) -> _Found | None:
    """What brings one person from what they were told to what is so, or None. What they know then is in `kept`."""
    told = Entry.from_json(row.told) if row is not None and row.told else None
    after = local_of(at, thing.zone)
    still_on = frozenset(one.original for one in thing.meetings if one.original and one.state != "cancelled")
    found = differences(
        told,
        wanted,
        dialect=(row.dialect if row is not None else None) or "unknown",
        after=after,
        is_off=_is_off(thing, told, at),
        still_on=still_on,
    )
    if not found:
        return None
    messages = joined(found, told, wanted, after=after, still_on=still_on)
    if thing.series is not None and thing.series.follows_id is not None:
        # Of a season that goes on at another hour, a date that keeps its own day keeps what was answered to it.
        messages = tuple(replace(one, keeps_answers=True) if one.kind == "invitation" else one for one in messages)
    invitation_id = row.id if row is not None else uuid4()
    stamp = at.replace(microsecond=0)
    if row and row.told_at:
        stamp = max(stamp, row.told_at + timedelta(seconds=1))
    numbers = sequences(row.sequence if row is not None else -1, messages)
    numbered = tuple(
        (message, number, stamp + timedelta(seconds=place))
        for place, (message, number) in enumerate(zip(messages, numbers, strict=True))
    )
    holds = remembered(told, wanted, found)
    kept.invitations.append(
        {
            "id": invitation_id,
            "person_id": person_id,
            "told": holds.to_json() if holds is not None else {},
            "sequence": numbered[-1][1],
            "told_at": numbered[-1][2],
        }
    )
    kept.lines.append({"person": str(person_id), "letters": 1, "kinds": [message.kind for message in messages]})
    return _Found(thing, invitation_id, numbered, told, wanted, changed(told, wanted, after=after))


def _coordinators(session: Session, people: Mapping[UUID, Person], at: datetime) -> list[UUID]:
    """Who answers for the program today and can be written to."""
    holders = standing(session, local_day(session, at)).falls(COORDINATION).holders
    return [one for one in dict.fromkeys(each.person_id for each in holders) if people[one].email is not None]


def _not_heard(papers: Sequence[Papers], news: Sequence[_Found]) -> list[Papers]:
    """What remains to be said to one person of the meetings whose agenda they have, beside their other news.

    That a meeting is off, they may hear as one who was expected.
    """
    heard = {
        meeting.id
        for one in news
        for meeting in one.thing.meetings
        if one.thing.series is None or meeting.original in one.dates
    }
    return [one for one in papers if one.now is not None or one.meeting_id not in heard]


def _write_papers(
    session: Session,
    person: Person,
    committee: Committee,
    papers: Sequence[Papers],
    unreached: Mapping[UUID, list[Unreached]],
    at: datetime,
) -> Told:
    """Write to one who has the agenda of meetings that changed, and has no other news."""
    written = notices.write(
        session,
        "meeting_papers",
        to=person.id,
        key=f"papers:{papers[0].meeting_id}:{at.isoformat()}",
        facts=papers_facts(committee, papers, unreached.get(person.id, ())),
        at=at,
        thread=THREAD,
        instead=unreached,
    )
    return Told(person.id, committee.id, kind_of_papers(papers), "", papers[0].starts, written)


def _write(
    session: Session,
    person: Person,
    found: Sequence[_Found],
    members: Mapping[UUID, Membership],
    kept: Mapping[str, _Kept],
    unreached: Mapping[UUID, list[Unreached]],
    papers: Sequence[Papers],
    at: datetime,
) -> Iterator[Told]:
    """Write one letter with all that a person is to hear, and the files for their calendar.

    `unreached` are, for each who gets a letter, those without an address of whom it is to say so; `papers`, what
    changed of meetings whose agenda they have without being expected there.
    """
    ordered = sorted(found, key=lambda one: (one.message.method == CANCEL, not one.dates, one.dates[:1], one.thing.uid))
    ended = {one.thing.uid for one in ordered if _goes_on(one, ordered)}
    spoken = [one for one in ordered if one.thing.uid not in ended]
    before = {one.thing.next.uid for one in ordered if one.thing.next is not None and one.thing.uid in ended}
    news = []
    for one in spoken:
        answer_path = ""
        if one.message.method != CANCEL:
            token = links.new_token()
            kept[one.thing.uid].tokens.append((token, one.invitation_id))
            answer_path = links.path(token)
        meeting = _about(one)
        news.append(
            News(
                one.message,
                one.told,
                one.wanted,
                one.dates,
                one.thing.committee,
                is_season=one.thing.series is not None,
                after=local_of(at, one.thing.zone),
                begins_anew=one.thing.uid in before,
                may_name=_may_name(members[one.thing.committee.id], person.id, one),
                answer_path=answer_path,
                path=f"/meetings/{meeting.id}" if meeting is not None else "/meetings",
            )
        )
    files = tuple(_files(session, person, ordered, at)) if person.email else ()
    template, facts = letter_of(news, files=len(files), unreached=unreached.get(person.id, ()), papers=papers)
    written = notices.write(
        session,
        template,
        to=person.id,
        key=_key(ordered),
        facts=facts,
        at=at,
        thread=THREAD,
        calendars=files,
        instead=unreached,
    )
    for one, said in zip(spoken, news, strict=True):
        kind = CONTINUED if said.begins_anew else one.message.kind
        yield Told(person.id, one.thing.committee.id, kind, one.message.method, said.starts, written)
    if papers:
        committee = spoken[0].thing.committee
        yield Told(person.id, committee.id, kind_of_papers(papers), "", papers[0].starts, written)


def _may_name(members: Membership, person_id: UUID, found: _Found) -> bool:
    """Whether a person has a seat, at a meeting of which they hear, with an alternate who may come in their place."""
    days = {one.starts.date() for one in found.wanted.occurrences()} if found.wanted is not None else set()
    seats = ((day, members.seat_of(person_id, day)) for day in days)
    return any({*members.holders(seat.id, day, ALTERNATE)} - {person_id} for day, seat in seats if seat is not None)


def _goes_on(one: _Found, found: Sequence[_Found]) -> bool:
    """Whether all that a season lost goes on in the one that follows it, of which the same letter tells.

    Its dates are then no news of their own: they are not off, they are at another hour.
    """
    following = one.thing.next
    if following is None or not any(other.thing.uid == following.uid for other in found):
        return False
    return all(original.date() >= following.starts_on for original in one.dates)


def _files(session: Session, person: Person, found: Sequence[_Found], at: datetime) -> Iterator[CalendarPart]:
    """The files for a person's calendar: what comes first, then what changes, then what goes.

    Who takes the first alone then sees a meeting twice rather than not at all.
    """
    paper: Stationery = session.info["stationery"]
    assert person.email is not None  # noqa: S101 - who has no address has no calendar that mail reaches
    attendee = Mailbox(person.email, person.name)
    every = [(one, *numbered) for one in found for numbered in one.numbered]
    for one, message, sequence, stamp in sorted(every, key=lambda row: _place_of(row[1])):
        of_rule, of_dates = _answered(session, one.thing, person.id, message, at)
        yield calendar_files.part(
            message,
            organizer=paper.sender,
            attendee=attendee,
            sequence=sequence,
            stamp=stamp,
            partstat=of_rule,
            of_dates=of_dates,
            language=person.language,
        )


def _place_of(message: Message) -> tuple[bool, bool]:
    return message.method == CANCEL, message.kind != "invitation"


def _key(found: Sequence[_Found]) -> str:
    """The key of a letter: the same news to a person are written once."""
    lines = [
        f"{one.thing.uid}:{sequence}:{stamp.isoformat()}:{message.recurrence or ''}"
        for one in found
        for message, sequence, stamp in one.numbered
    ]
    if len(lines) == 1:
        return f"{_KEY}{lines[0]}"
    return f"{_KEY}{hashlib.sha256(chr(10).join(sorted(lines)).encode()).hexdigest()}"


_KEY: Final = "calendar:"


def key_of_one(uid: str) -> str:
    """How the key of a letter begins that brings news of one season or meeting alone."""
    return f"{_KEY}{uid}:"


def key_of_several() -> str:
    """The pattern of the key of a letter that brings several news: it tells of what they are by its files alone."""
    return f"^{_KEY}[0-9a-f]{{64}}:"


def _is_off(thing: _Thing, told: Entry | None, at: datetime) -> bool:
    """Whether of what a person was told is still to come, nothing takes place any more, for anybody."""
    had = None if told is None or thing.series is None else {one.original for one in told.occurrences()}
    ahead = (one for one in thing.meetings if one.starts_at > at and (had is None or one.original in had))
    return all(one.state == "cancelled" for one in ahead)


def _answered(
    session: Session, thing: _Thing, person_id: UUID, message: Message, at: datetime
) -> tuple[calendar_files.Partstat, dict[datetime, calendar_files.Partstat]]:
    """What the person's calendar is to show as their answer, and to single dates of a season, by their original time.

    News that ask nobody anew keep what was answered. To the rule of a season the answer is the one that was given to
    each date to come that it tells; where they differ, it can say none.
    """
    if message.bumps and not message.keeps_answers:
        return calendar_files.NEEDS_ACTION, {}
    rows = run(
        session,
        only(MeetingAnswer.meeting_id, MeetingAnswer.answer).where(
            col(MeetingAnswer.meeting_id).in_([one.id for one in thing.meetings]),
            MeetingAnswer.person_id == person_id,
            col(MeetingAnswer.lapsed_at).is_(None),
        ),
    )
    answered = {meeting_id: _PARTSTATS[answer] for meeting_id, answer in rows}
    if thing.series is None:
        return answered.get(thing.meetings[0].id, calendar_files.NEEDS_ACTION), {}
    said = {original_of(one): answered.get(one.id, calendar_files.NEEDS_ACTION) for one in thing.meetings}
    entry, now = message.entry, local_of(at, thing.zone)
    to_come = {one.original for one in entry.occurrences() if one.starts > now and one.original not in entry.moved}
    given = {said.get(one, calendar_files.NEEDS_ACTION) for one in to_come}
    of_rule = given.pop() if len(given) == 1 else calendar_files.NEEDS_ACTION
    return of_rule, said


def _about(found: _Found) -> Meeting | None:
    """The one meeting of which a person hears; None where it is several of a season."""
    if found.thing.series is None:
        return found.thing.meetings[0]
    date = found.dates[0] if len(found.dates) == 1 else found.message.recurrence
    return next((one for one in found.thing.meetings if one.original == date), None)


def _keep(session: Session, thing: _Thing, kept: _Kept, at: datetime) -> None:
    """Write what everyone knows now of one season or meeting: a statement for each kind of row, not for each person."""
    if not kept.invitations:
        return
    here = program_of(session)
    session.connection().execute(
        _REMEMBER, [{"program_id": here, "version": 1, **thing.key, **row} for row in kept.invitations]
    )
    if kept.tokens:
        links.keep(session, kept.tokens, until=thing.meetings[-1].ends_at, at=at)
    kind, about = ("meeting_series", thing.series) if thing.series is not None else ("meeting", thing.meetings[0])
    events.write_many(
        session, "meeting.told", kind, [(about.id, facts) for facts in kept.lines], by=BY_INVITATIONS, at=at
    )


_ADDED: Final = insert(Invitation)
_REMEMBER: Final = _ADDED.on_conflict_do_update(
    index_elements=["program_id", "id"],
    set_={
        **{name: _ADDED.excluded[name] for name in ("told", "sequence", "told_at")},
        "version": col(Invitation.version) + 1,
    },
)
