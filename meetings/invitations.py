"""Who a committee's meetings invite, and telling each of them what changed, in words and for their calendar.

What is sent is always the difference between what a person was told last (`Invitation.told`) and what the records say
now. So a change of dates, of a seat's holder, of an absence or of a guest needs no message of its own: those concerned
are found, others are not written to, and doing it again writes nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.kernel import Actor, col, in_program, local_day, only, program, program_of, run, select
from domain.mail import COORDINATION, CalendarPart, Mailbox, Unreached, notices
from domain.record import apart, events
from domain.roles import standing
from meetings import calendar_files, held_news, links
from meetings.calendar_files import NEEDS_ACTION, Partstat
from meetings.committees import Membership, committees
from meetings.entries import CalendarEntry
from meetings.held_news import Kept
from meetings.invitees import Invitees, invitees_of
from meetings.itip import CANCEL, Message, changed, differences, joined, remembered, sequences
from meetings.local_times import local_of
from meetings.locking import original_of
from meetings.shown_entries import Invitable, LastTold, entry_of, invitables, known_of, meetings_in, paper_of, told_to
from meetings.told_news import ToldNews
from meetings.wording import CONTINUED, MeetingNews, Papers, kind_of_papers, letter_of, papers_facts
from models.committee import Committee
from models.invitation import Invitation, MeetingAnswer
from models.meeting import Meeting
from models.program import Person
from models.written import as_json

_PARTSTATS: Final[Mapping[str, Partstat]] = {"accepted": "ACCEPTED", "tentative": "TENTATIVE", "declined": "DECLINED"}

BY_INVITATIONS: Final = Actor.system("invitations")

#: The kind of what a coordinator hears who gets no other letter of an act: whom it did not reach.
UNREACHED: Final = "unreached"

#: The thread of these letters: to each person they leave in the order in which they were written.
THREAD: Final = "meetings"


@dataclass(frozen=True, slots=True)
class PersonalNews:
    """One piece of news to one person: of what kind, of which date, and what their calendar is told.

    All that one act has for a person leaves in one letter. `kind` is that of `meetings.itip`, `wording.CONTINUED` for a
    season that goes on at another hour, or `UNREACHED`; `starts` the local time of the meeting that it is about, as it
    was moved, or of the first that changed of a season.
    `has_address` is false for a person without an address, which the coordinator sees.
    """

    person_id: UUID
    committee_id: UUID
    kind: str
    method: str
    starts: datetime
    has_address: bool = True


@dataclass(frozen=True)
class _Found:
    """What one person is to hear of one season or meeting: each message with its SEQUENCE and DTSTAMP.

    `dates` are the originals that are otherwise for them, `remembered` what their calendar is taken to hold then.
    `since_restore` says that `told` was told to them after the copy that was put back, and holds no more.
    """

    thing: Invitable
    person_id: UUID
    invitation_id: UUID
    numbered: tuple[tuple[Message, int, datetime], ...]
    told: CalendarEntry | None
    wanted: CalendarEntry | None
    dates: tuple[datetime, ...]
    remembered: CalendarEntry | None
    since_restore: bool = False

    @property
    def message(self) -> Message:
        """The one that is news to them; what is behind it is for their calendar alone."""
        return self.numbered[0][0]

    @property
    def facts(self) -> dict[str, events.Fact]:
        """What the record says of it."""
        kinds = [message.kind for message, _, _ in self.numbered]
        return {"person": str(self.person_id), "letters": 1, "kinds": [*kinds]}

    @property
    def meeting(self) -> Meeting | None:
        """The one meeting of which they hear; None where it is several of a season."""
        if self.thing.series is None:
            return self.thing.meetings[0]
        date = self.dates[0] if len(self.dates) == 1 else self.message.recurrence
        return next((one for one in self.thing.meetings if one.original == date), None)


@dataclass
class _Letters:
    """The letters of one act, as they are written.

    `unreached` are, for each who gets a letter, those without an address of whom it is to say so; `tokens` those of the
    letters' links, each with its invitation, by UID.
    """

    session: Session
    people: Mapping[UUID, Person]
    members: Mapping[UUID, Membership]
    unreached: dict[UUID, list[Unreached]]
    at: datetime
    tokens: dict[str, list[tuple[str, UUID]]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def to(
        cls,
        session: Session,
        hearing: Iterable[UUID],
        people: Mapping[UUID, Person],
        members: Mapping[UUID, Membership],
        at: datetime,
    ) -> _Letters:
        """Those to all who have an address; to the coordinators too, where one of the others has none."""
        reading = list(hearing)
        if any(people[one].email is None for one in reading):
            coordination = standing(session, local_day(session, at)).falls(COORDINATION).holders
            reading += [holder.person_id for holder in coordination]
        reached = [one for one in reading if people[one].email is not None]
        return cls(session, people, members, {one: [] for one in reached}, at)


def new_uid(session: Session) -> str:
    """The UID of a new season or meeting: opaque, at the domain that the program writes from."""
    return f"{uuid4()}@{paper_of(session).domain}"


def tell(
    session: Session, committee_id: UUID, *, papers: Mapping[UUID, Sequence[Papers]] | None = None, at: datetime
) -> tuple[PersonalNews, ...]:
    """Tell each person concerned what changed of a committee's meetings since they were last told.

    `papers` are those who have the agenda of a meeting that changed, without being expected there
    (`posting.papers_of`): they hear of it in the same letter, or in one of its own.
    """
    return tell_all(session, at=at, committee_ids=[committee_id], papers=papers or {})


def tell_all(
    session: Session,
    *,
    at: datetime,
    committee_ids: Iterable[UUID] | None = None,
    papers: Mapping[UUID, Sequence[Papers]] = MappingProxyType({}),
    kept: Kept | None = None,
) -> tuple[PersonalNews, ...]:
    """As `tell`, for several committees or for every one; nothing is written where nothing changed.

    What waits after a restore is told to no one, nor what follows from it; with `kept`, that alone is told.
    Takes the committees' invitations one transaction after another, so that two who tell at once tell once.
    """
    rows = committees(session)
    wanted = rows if committee_ids is None else {one: rows[one] for one in committee_ids}
    for committee_id in sorted(wanted):
        links.lock(session, committee_id)
    things = held_news.told_now(session, invitables(session, wanted, at), kept)
    invitees = invitees_of(session, meetings_in(things), wanted)
    people = {one.id: one for one in session.scalars(select(Person).where(in_program(Person)))}
    here = program(session)  # held, since a session reads again what nobody holds: else each letter reads it
    assert here.id == program_of(session)  # noqa: S101 - the session reads no other
    found = [*_changes(session, things, invitees, people, kept, at)]
    news: dict[UUID, list[_Found]] = defaultdict(list)
    for one in found:
        news[one.person_id].append(one)
    of_papers = {one: left for one, theirs in papers.items() if (left := _not_heard(theirs, news.get(one, ())))}
    letters = _Letters.to(session, {*news, *of_papers}, people, invitees.members, at)
    told = _write_all(letters, news, of_papers, next(iter(wanted.values()), None))
    for thing in things:
        _keep(letters, thing, found)
    return tuple(told)


def people_in(told: Sequence[PersonalNews]) -> int:
    """How many people hear of a change, those among them who have no address."""
    return len({one.person_id for one in told})


def letters_in(told: Sequence[PersonalNews]) -> int:
    """How many letters a change sends: one to each person who has an address, whatever it has for them."""
    return len({one.person_id for one in told if one.has_address})


# ------------------------------------------------------------------------------------------------------- what changed


def _changes(
    session: Session,
    things: Sequence[Invitable],
    invitees: Invitees,
    people: Mapping[UUID, Person],
    kept: Kept | None,
    at: datetime,
) -> Iterator[_Found]:
    """What each person is to hear of each season or meeting, those alone for whom something is otherwise."""
    known_of_all = known_of(session, things)
    copied = held_news.as_copied(session, meetings_in(things), invitees.members)
    heard = kept.people if kept is not None else ()
    for thing in things:
        known = known_of_all[thing.uid]
        told_of = {one: told_to(row) for one, row in known.items()}
        invited = held_news.as_far_as_decided(thing.standing, invitees, copied, told_of)
        wanted = _wanted(session, thing, known, invited, people, at)
        for person_id in {*known, *wanted}:
            found = _change(thing, person_id, known.get(person_id), wanted.get(person_id), at, person_id in heard)
            if found is not None:
                yield found


def _wanted(
    session: Session,
    thing: Invitable,
    known: Mapping[UUID, LastTold],
    invited: Mapping[UUID, Sequence[Meeting]],
    people: Mapping[UUID, Person],
    at: datetime,
) -> dict[UUID, CalendarEntry]:
    """What each person is to see of one season or meeting."""
    found: dict[UUID, CalendarEntry] = {}
    alike: dict[tuple[str, tuple[UUID, ...]], CalendarEntry | None] = {}  # who comes to the same meetings sees the same
    for person_id, meetings in invited.items():
        # Whoever is invited anew is invited to what is to come.
        row = known.get(person_id)
        is_new = row is None or not row.told
        shown = [one for one in meetings if one.starts_at > at] if is_new else meetings
        language = people[person_id].language
        same = (language, tuple(one.id for one in shown))
        if same not in alike:
            alike[same] = entry_of(session, thing, shown, language)  # type: ignore[arg-type]
        if (entry := alike[same]) is not None:
            found[person_id] = entry
    return found


def _change(
    thing: Invitable,
    person_id: UUID,
    row: LastTold | None,
    wanted: CalendarEntry | None,
    at: datetime,
    since_restore: bool,
) -> _Found | None:
    """What brings one person from what they were told to what is so, or None."""
    told, after = told_to(row), local_of(at, thing.zone)
    still_on = frozenset(one.original for one in thing.standing if one.original)
    messages = differences(
        told,
        wanted,
        dialect="unknown" if row is None else row.dialect or "unknown",
        after=after,
        is_off=_is_off(thing, told, at),
        still_on=still_on,
    )
    if not messages:
        return None
    of_letter = _as_answered(thing, joined(messages, told, wanted, after=after, still_on=still_on))
    if since_restore:
        of_letter = held_news.newer(of_letter)
    return _Found(
        thing,
        person_id,
        row.id if row is not None else uuid4(),
        _numbered(row, of_letter, at),
        told,
        wanted,
        dates=changed(told, wanted, after=after),
        remembered=remembered(told, wanted, messages),
        since_restore=since_restore,
    )


def _as_answered(thing: Invitable, messages: Sequence[Message]) -> tuple[Message, ...]:
    """Of a season that goes on at another hour, a date that keeps its own day keeps what was answered to it."""
    stays = thing.goes_on_with_another
    return tuple(replace(one, keeps_answers=True) if stays and one.kind == "invitation" else one for one in messages)


def _numbered(
    row: LastTold | None, messages: Sequence[Message], at: datetime
) -> tuple[tuple[Message, int, datetime], ...]:
    """Messages with the SEQUENCE and the DTSTAMP of each: always later than those that the person was sent before."""
    stamp = at.replace(microsecond=0)
    if row is not None and row.told_at is not None:
        stamp = max(stamp, row.told_at + _SECOND)
    numbers = sequences(row.sequence if row is not None else -1, messages)
    return tuple(
        (message, number, stamp + place * _SECOND)
        for place, (message, number) in enumerate(zip(messages, numbers, strict=True))
    )


_SECOND: Final = timedelta(seconds=1)


def _is_off(thing: Invitable, told: CalendarEntry | None, at: datetime) -> bool:
    """Whether of what a person was told is still to come, nothing takes place any more, for anybody."""
    had = None if told is None or thing.series is None else {one.original for one in told.occurrences()}
    ahead = (one for one in thing.meetings if one.starts_at > at and (had is None or one.original in had))
    return all(one.state == "cancelled" for one in ahead)


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


# ------------------------------------------------------------------------------------------------------------- telling


def _write_all(
    letters: _Letters,
    news: Mapping[UUID, Sequence[_Found]],
    papers: Mapping[UUID, Sequence[Papers]],
    committee: Committee | None,
) -> list[PersonalNews]:
    """Write to everyone who has news, or has papers of a meeting of the committee that changed; and what was told."""
    told: list[PersonalNews] = []
    # First those without an address: a coordinator who gets a letter reads of them in it, and not in one more.
    for person_id in sorted({*news, *papers}, key=lambda one: (one in letters.unreached, str(one))):
        person, beside = letters.people[person_id], papers.get(person_id, ())
        if person_id in news:
            told += _write(letters, person, news[person_id], beside)
        elif committee is not None:
            told.append(_write_papers(letters, person, committee, beside))
    for one, unreached in letters.unreached.items():
        if unreached and one not in news and one not in papers:
            first = next(each for each in told if letters.people[each.person_id].email is None)
            written = notices.tell_of_unreached(letters.session, one, unreached, at=letters.at)
            told.append(PersonalNews(one, first.committee_id, UNREACHED, "", first.starts, written))
    return told


def _write_papers(letters: _Letters, person: Person, committee: Committee, papers: Sequence[Papers]) -> PersonalNews:
    """Write to one who has the agenda of meetings that changed, and has no other news."""
    written = notices.write(
        letters.session,
        "meeting_papers",
        to=person.id,
        key=f"papers:{papers[0].meeting_id}:{letters.at.isoformat()}",
        facts=papers_facts(committee, papers, letters.unreached.get(person.id, ())),
        at=letters.at,
        thread=THREAD,
        instead=letters.unreached,
    )
    return PersonalNews(person.id, committee.id, kind_of_papers(papers), "", papers[0].starts, written)


def _write(
    letters: _Letters, person: Person, found: Sequence[_Found], papers: Sequence[Papers]
) -> Iterator[PersonalNews]:
    """Write one letter with all that a person is to hear, and the files for their calendar.

    `papers`: what changed of meetings whose agenda they have without being expected there.
    """
    ordered = sorted(found, key=lambda one: (one.message.method == CANCEL, not one.dates, one.dates[:1], one.thing.uid))
    news = [(one, _news(letters, one, begins_anew=begins_anew)) for one, begins_anew in _spoken_of(ordered)]
    files = tuple(_files(letters, person, ordered)) if person.email else ()
    unreached = letters.unreached.get(person.id, ())
    template, facts = letter_of([said for _, said in news], files=len(files), unreached=unreached, papers=papers)
    written = notices.write(
        letters.session,
        template,
        to=person.id,
        key=_key(ordered),
        facts=facts,
        at=letters.at,
        thread=THREAD,
        calendars=files,
        instead=letters.unreached,
    )
    for one, said in news:
        kind = CONTINUED if said.begins_anew else one.message.kind
        yield PersonalNews(person.id, one.thing.committee.id, kind, one.message.method, said.starts, written)
    if papers:
        yield PersonalNews(
            person.id, news[0][0].thing.committee.id, kind_of_papers(papers), "", papers[0].starts, written
        )


def _spoken_of(found: Sequence[_Found]) -> list[tuple[_Found, bool]]:
    """What a letter speaks of, and whether that goes on with a season that ended, of which it then says nothing."""
    ended = {one.thing.uid for one in found if _goes_on(one, found)}
    begun_anew = {one.thing.next.uid for one in found if one.thing.next is not None and one.thing.uid in ended}
    return [(one, one.thing.uid in begun_anew) for one in found if one.thing.uid not in ended]


def _news(letters: _Letters, one: _Found, *, begins_anew: bool) -> MeetingNews:
    """What a letter says of one season or meeting; with a link to answer it, where there is something to answer."""
    answer_path = ""
    if one.message.method != CANCEL:
        token = links.new_token()
        letters.tokens[one.thing.uid].append((token, one.invitation_id))
        answer_path = links.path(token)
    return MeetingNews(
        one.message,
        one.told,
        one.wanted,
        one.dates,
        one.thing.committee,
        is_season=one.thing.series is not None,
        after=local_of(letters.at, one.thing.zone),
        begins_anew=begins_anew,
        may_name=_may_name(letters.members[one.thing.committee.id], one),
        answer_path=answer_path,
        path=f"/meetings/{one.meeting.id}" if one.meeting is not None else "/meetings",
        since_restore=one.since_restore,
    )


def _may_name(members: Membership, found: _Found) -> bool:
    """Whether a person has a seat, at a meeting of which they hear, with an alternate who may come in their place."""
    days = {one.starts.date() for one in found.wanted.occurrences()} if found.wanted is not None else set()
    return any(members.instead_of(found.person_id, day) for day in days)


def _goes_on(one: _Found, found: Sequence[_Found]) -> bool:
    """Whether all that a season lost goes on in the one that follows it, of which the same letter tells.

    Its dates are then no news of their own: they are not off, they are at another hour.
    """
    following = one.thing.next
    if following is None or not any(other.thing.uid == following.uid for other in found):
        return False
    return all(original.date() >= following.starts_on for original in one.dates)


def _files(letters: _Letters, person: Person, found: Sequence[_Found]) -> Iterator[CalendarPart]:
    """The files for a person's calendar: what comes first, then what changes, then what goes.

    Who takes the first alone then sees a meeting twice rather than not at all.
    """
    assert person.email is not None  # noqa: S101 - who has no address has no calendar that mail reaches
    attendee = Mailbox(person.email, person.name)
    every = [(one.thing, *numbered) for one in found for numbered in one.numbered]
    in_order = sorted(every, key=lambda row: (row[1].method == CANCEL, row[1].kind != "invitation"))
    for thing, message, sequence, stamp in in_order:
        of_rule, of_dates = _answered(letters.session, thing, person.id, message, letters.at)
        yield calendar_files.part(
            message,
            organizer=paper_of(letters.session).sender,
            attendee=attendee,
            sequence=sequence,
            stamp=stamp,
            partstat=of_rule,
            of_dates=of_dates,
            language=person.language,
        )


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


def _answered(
    session: Session, thing: Invitable, person_id: UUID, message: Message, at: datetime
) -> tuple[Partstat, dict[datetime, Partstat]]:
    """The answers that the person's calendar is to show, for the whole and for single dates by their original time.

    News that do not ask anew keep what was answered. The rule of a season shows the answer that was given to each date
    to come that it tells; where they differ, it shows none.
    """
    if message.bumps and not message.keeps_answers:
        return NEEDS_ACTION, {}
    answers = _partstats(session, thing, person_id)
    if thing.series is None:
        return answers[thing.meetings[0].id], {}
    said = {original_of(one): answers[one.id] for one in thing.meetings}
    entry, now = message.entry, local_of(at, thing.zone)
    to_come = (one.original for one in entry.occurrences() if one.starts > now and one.original not in entry.moved)
    given = {said.get(one, NEEDS_ACTION) for one in to_come}
    return given.pop() if len(given) == 1 else NEEDS_ACTION, said


def _partstats(session: Session, thing: Invitable, person_id: UUID) -> dict[UUID, Partstat]:
    """What a person answered to each meeting, where the answer stands."""
    asked = only(MeetingAnswer.meeting_id, MeetingAnswer.answer).where(
        col(MeetingAnswer.meeting_id).in_([one.id for one in thing.meetings]),
        MeetingAnswer.person_id == person_id,
        col(MeetingAnswer.lapsed_at).is_(None),
    )
    answered = {meeting_id: _PARTSTATS[answer] for meeting_id, answer in run(session, asked)}
    return {one.id: answered.get(one.id, NEEDS_ACTION) for one in thing.meetings}


def _keep(letters: _Letters, thing: Invitable, everything: Sequence[_Found]) -> None:
    """Write what everyone knows now of one season or meeting: a statement for each kind of row, not for each person."""
    session, at = letters.session, letters.at
    found = [one for one in everything if one.thing is thing]
    if not found:
        return
    rows = [
        {
            "program_id": program_of(session),
            "id": one.invitation_id,
            **thing.key,
            "person_id": one.person_id,
            "told": as_json(one.remembered) if one.remembered is not None else {},
            "sequence": one.numbered[-1][1],
            "told_at": one.numbered[-1][2],
            "version": 1,
        }
        for one in found
    ]
    run(session, _REMEMBER, rows)
    if tokens := letters.tokens[thing.uid]:
        links.keep(session, tokens, until=thing.meetings[-1].ends_at, at=at)
    kind, about = ("meeting_series", thing.series) if thing.series is not None else ("meeting", thing.meetings[0])
    events.write_many(session, "meeting.told", kind, [(about.id, one.facts) for one in found], by=BY_INVITATIONS, at=at)
    _note_apart(session, kind, about.id, found, at)


def _note_apart(session: Session, kind: str, about: UUID, found: Sequence[_Found], at: datetime) -> None:
    """Note who was told what, so that after a restore they can be told what of it holds: by its UID and SEQUENCE."""
    alike: dict[ToldNews, list[UUID]] = defaultdict(list)
    for one in found:
        entry = one.remembered or one.told
        if entry is not None:
            news = ToldNews.told(entry, one.numbered[-1][1], one.dates, is_off=one.remembered is None)
            news = replace(news, elsewhere=_elsewhere(one))
            alike[news].append(one.person_id)
    for news, people in alike.items():
        apart.note(session, apart.TOLD, about, at=at, of=kind, **replace(news, people=tuple(people)).facts)


def _elsewhere(found: _Found) -> tuple[datetime, ...]:
    """The dates of which a person is told that they are at another place, or have another link."""
    if found.told is None or found.remembered is None:
        return ()
    is_season = found.thing.series is not None
    was, now = (
        {one.original if is_season else None: one.usual[1:] for one in each.occurrences()}
        for each in (found.told, found.remembered)
    )
    dates = [one for one, place in was.items() if now.get(one, place) != place]
    return tuple(one or found.remembered.starts for one in dates)


_ADDED: Final = insert(Invitation)
_REMEMBER: Final = _ADDED.on_conflict_do_update(
    index_elements=["program_id", "id"],
    set_={
        **{name: _ADDED.excluded[name] for name in ("told", "sequence", "told_at")},
        "version": col(Invitation.version) + 1,
    },
)
