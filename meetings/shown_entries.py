"""What a person's calendar shows of each season and meeting, from what the records say and what they were told last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session, or_

from domain.kernel import SHAPE, Language, also, col, every, local_day, of, only, replaced, same, surely
from domain.mail import LetterTemplates
from meetings.calendar_files import PublishedEntry
from meetings.committees import committees, title_of
from meetings.entries import CalendarEntry, EntryException
from meetings.invitees import invitees_of
from meetings.itip import changed
from meetings.local_times import local_of
from meetings.locking import original_of
from models.committee import Committee
from models.invitation import CalendarReader, Invitation
from models.meeting import Meeting, MeetingSeries
from models.written import from_json

_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True)
class Invitable:
    """What has one UID: a season with its meetings, or a meeting that stands alone."""

    uid: str
    committee: Committee
    zone: str
    meetings: tuple[Meeting, ...]
    series: MeetingSeries | None = None
    next: MeetingSeries | None = None
    """The season that goes on with this one's dates, at another hour."""

    @property
    def id(self) -> UUID:
        """The id of the season, or of the meeting."""
        return self.series.id if self.series is not None else self.meetings[0].id

    @property
    def standing(self) -> list[Meeting]:
        """The meetings that are not cancelled."""
        return [one for one in self.meetings if one.state != "cancelled"]

    @property
    def goes_on_with_another(self) -> bool:
        """Whether it is a season that goes on with the dates of another one, at another hour."""
        return self.series is not None and self.series.follows_id is not None

    @property
    def key(self) -> dict[str, UUID | None]:
        """By which column an invitation is for it."""
        if self.series is not None:
            return {"series_id": self.series.id, "meeting_id": None}
        return {"series_id": None, "meeting_id": self.meetings[0].id}


class LastTold(Invitation):
    """What a person was told last, with the dialect of their calendar."""

    model_config = SHAPE
    dialect: str | None = also(CalendarReader.dialect)


def paper_of(session: Session) -> LetterTemplates:
    """What the program's letters are written on."""
    found: LetterTemplates = session.info["letter_templates"]
    return found


def told_to(row: LastTold | None) -> CalendarEntry | None:
    """What a person was told last; None where it was nothing, or was taken back."""
    return from_json(CalendarEntry, row.told) if row is not None and row.told else None


def invitables(
    session: Session, wanted: Mapping[UUID, Committee], at: datetime, *, back: timedelta = timedelta(0)
) -> Iterator[Invitable]:
    """The seasons and meetings that are not over, of these committees; or were not so long `back`.

    A season whose last day is past goes on as long as a date of it that was moved is to come.
    """
    since = at - back
    to_come = only(Meeting.series_id).where(col(Meeting.series_id).is_not(None), col(Meeting.ends_at) > since)
    goes_on = or_(col(MeetingSeries.ends_on) >= local_day(session, since) - _WEEK, col(MeetingSeries.id).in_(to_come))
    theirs = of(MeetingSeries).where(col(MeetingSeries.committee_id).in_(wanted), goes_on)
    # What ends is told before what follows.
    in_order = theirs.order_by(col(MeetingSeries.starts_on), col(MeetingSeries.recorded_at), col(MeetingSeries.id))
    seasons = every(session, in_order)
    statement = of(Meeting).where(
        col(Meeting.committee_id).in_(wanted),
        or_(col(Meeting.series_id).in_([one.id for one in seasons]), col(Meeting.series_id).is_(None)),
        or_(col(Meeting.series_id).is_not(None), col(Meeting.ends_at) > since),
    )
    rows = every(session, statement.order_by(col(Meeting.original), col(Meeting.starts), col(Meeting.id)))
    of_season: dict[UUID | None, list[Meeting]] = defaultdict(list)
    for row in rows:
        of_season[row.series_id].append(row)
    following: dict[UUID | None, MeetingSeries] = {}
    for season in seasons:
        # Of several that go on with one, the first took its last dates: its hour was changed from an earlier day.
        following.setdefault(season.follows_id, season)
    for season in seasons:
        # One that another hour took every meeting of is in calendars still, until they are told.
        meetings, committee = tuple(of_season[season.id]), wanted[season.committee_id]
        yield Invitable(season.uid, committee, season.time_zone, meetings, season, following.get(season.id))
    for row in of_season[None]:
        yield Invitable(surely(row.uid), wanted[row.committee_id], row.time_zone, (row,))


def meetings_in(things: Iterable[Invitable]) -> list[Meeting]:
    """The meetings of all of these."""
    return [meeting for thing in things for meeting in thing.meetings]


def known_of(
    session: Session, things: Sequence[Invitable], person_id: UUID | None = None
) -> dict[str, dict[UUID, LastTold]]:
    """What each person was told last of each of these, by UID, with their calendar's dialect; or one person alone."""
    uid_of = {tuple(thing.key.values()): thing.uid for thing in things}
    statement = of(LastTold).outerjoin(
        CalendarReader, same(CalendarReader, Invitation) & (col(CalendarReader.person_id) == col(Invitation.person_id))
    )
    of_seasons = col(Invitation.series_id).in_([key[0] for key in uid_of if key[0]])
    of_meetings = col(Invitation.meeting_id).in_([key[1] for key in uid_of if key[1]])
    if person_id is not None:
        statement = statement.where(Invitation.person_id == person_id)
    rows = every(session, statement.where(or_(of_seasons, of_meetings)))
    found: dict[str, dict[UUID, LastTold]] = defaultdict(dict)
    for row in rows:
        found[uid_of[row.series_id, row.meeting_id]][row.person_id] = row
    return found


def entry_of(session: Session, thing: Invitable, shown: Sequence[Meeting], language: Language) -> CalendarEntry | None:
    """What a person's calendar shows of a season or a meeting, where they come to the meetings `shown`."""
    if not shown:
        return None
    paper = paper_of(session)
    first, season = shown[0], thing.series
    usual = season or first
    url = f"{paper.base_url}/meetings" if season else f"{paper.base_url}/meetings/{first.id}"
    off, moved = _exceptions(thing, season, shown) if season else (frozenset(), {})
    return CalendarEntry(
        uid=thing.uid,
        zone=thing.zone,
        starts=original_of(first) if season else first.starts,
        minutes=usual.minutes,
        last_on=original_of(shown[-1]).date() if season else None,
        cancelled=off,
        moved=moved,
        title=title_of(thing.committee, language),
        description=url,
        place=usual.place,
        online_url=usual.online_url,
        url=url,
    )


def _exceptions(
    thing: Invitable, season: MeetingSeries, shown: Sequence[Meeting]
) -> tuple[frozenset[datetime], dict[datetime, EntryException]]:
    """The dates between the first and the last to which a person does not come, and those that are not as usual."""
    comes = {original_of(one): one for one in shown}
    first, last = min(comes), max(comes)
    dates = (original_of(one) for one in thing.meetings)
    off = frozenset(one for one in dates if one not in comes and first <= one <= last)
    as_held = {
        original: EntryException(one.starts, one.minutes, one.place, one.online_url) for original, one in comes.items()
    }
    return off, {
        original: how
        for original, how in as_held.items()
        if how != EntryException(original, season.minutes, season.place, season.online_url)
    }


def shown_to(
    session: Session, person_id: UUID, language: Language, *, at: datetime, back: timedelta
) -> tuple[PublishedEntry, ...]:
    """What a person's own calendar shows, under the UIDs of their invitations: what is to come, and `back` before.

    Each is as they were told it last, where nothing to come is otherwise since. A meeting that was cancelled stays as
    cancelled for as long as one that was held, where they had been told of it; a cancelled date of a season is taken
    out of it. What others meet without them is not there.
    """
    rows = committees(session)
    things = list(invitables(session, rows, at, back=back))
    invitees = invitees_of(session, meetings_in(things), rows)
    known = known_of(session, things, person_id)
    found = []
    for thing in things:
        theirs = [one for one in thing.meetings if person_id in invitees.of(one)]
        found.append(_published(session, thing, theirs, known[thing.uid].get(person_id), language, at))
    return tuple(one for one in found if one is not None)


def _published(
    session: Session,
    thing: Invitable,
    theirs: Sequence[Meeting],
    row: LastTold | None,
    language: Language,
    at: datetime,
) -> PublishedEntry | None:
    entry = entry_of(session, thing, _standing(theirs, row, at), language)
    is_off = entry is None and row is not None and row.told_at is not None
    if is_off:
        entry = _called_off(session, thing, theirs, language)
    elif entry is not None:
        entry = _as_told(entry, told_to(row), after=local_of(at, thing.zone))
    if entry is None:
        return None
    sequence, changed_at = (0, None) if row is None else (row.sequence, row.told_at)
    return PublishedEntry(entry, sequence, changed_at or max(one.recorded_at for one in theirs), is_off=is_off)


def _standing(theirs: Sequence[Meeting], row: LastTold | None, at: datetime) -> list[Meeting]:
    """Those of a person's meetings that stand; none where all was taken back, with the dates that were held."""
    stands = [one for one in theirs if one.state != "cancelled"]
    was_taken_back = row is not None and row.told_at is not None and not row.told
    return [] if was_taken_back and all(one.starts_at <= at for one in stands) else stands


def _as_told(entry: CalendarEntry, told: CalendarEntry | None, *, after: datetime) -> CalendarEntry:
    """An entry in the very form of their invitation, whose SEQUENCE it has, where nothing changed but its words."""
    if told is None or changed(told, entry, after=after):
        return entry
    return replace(told, title=entry.title, description=entry.description, url=entry.url)


def _called_off(
    session: Session, thing: Invitable, theirs: Sequence[Meeting], language: Language
) -> CalendarEntry | None:
    """The cancelled meetings of a person, where they were told of them and none of theirs takes place any more.

    Nothing was moved of what nobody meets at: calendars know it by its original times.
    """
    off = [_as_planned(thing, one) for one in theirs if one.state == "cancelled"]
    entry = entry_of(session, thing, off, language)
    return entry and replace(entry, online_url="")  # nobody is to wait behind a link


def _as_planned(thing: Invitable, meeting: Meeting) -> Meeting:
    if thing.series is None:
        return meeting
    usual = thing.series
    return replaced(
        meeting, starts=meeting.original, minutes=usual.minutes, place=usual.place, online_url=usual.online_url
    )
