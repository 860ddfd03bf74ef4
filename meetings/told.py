"""What was told of a meeting beside its agenda and its minutes: invitations, and the places of the season it is of.

An invitation of a season is one for all its dates, so that words go from the whole of it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlmodel import Session, or_

from domain.kernel import col, every, of, only, rewrite, run, scalars, surely, tuples
from domain.mail import texts_of
from meetings.entries import CalendarEntry
from meetings.invitations import key_of_one, key_of_several
from meetings.locking import parts_of_season
from models.invitation import Invitation
from models.meeting import Meeting, MeetingSeries
from models.outbox import Notice
from models.written import as_json, from_json

#: What stands for a place that was told and out of which words were taken: none is written like it.
_TAKEN_OUT: Final = "…"


def texts(session: Session, meeting: Meeting) -> Iterator[str]:
    """What was told of a meeting, and of the season that it is of, once. Of letters nothing: they are not shown."""
    places = [season.place for season in _seasons(session, meeting)]
    places += _places(session, meeting).values()
    said = [text for _, told in _invitations(session, meeting) for text in (told.place, told.title, told.description)]
    moved = [how.place for _, told in _invitations(session, meeting) for how in told.moved.values()]
    yield from (text for text in dict.fromkeys([*places, *said, *moved]) if text.strip())


def letters_hold(session: Session, meetings: Sequence[Meeting], taken_out: Callable[[str], str]) -> bool:
    """Whether a letter about these meetings holds words that are taken out."""
    rows = run(session, only(Notice.subject, Notice.message).where(col(Notice.id).in_(letters_of(session, meetings))))
    return any(_holds(text, taken_out) for row in rows for text in (row.subject, *texts_of(row.message)))


def letters_of(session: Session, meetings: Sequence[Meeting]) -> list[UUID]:
    """The letters about meetings: kept under the id of one, or that brought one, or its season, for a calendar."""
    things = _things(session, meetings)
    uids = [surely(thing.uid) for thing in things]
    of_one = or_(*(col(Notice.key).startswith(key_of_one(uid), autoescape=True) for uid in uids))
    ids = scalars(session, only(Notice.id).where(of_one)).all()
    # Of several things at once the key tells none: the file for the calendar does.
    since = col(Notice.created_at) >= min(thing.recorded_at for thing in things)
    several = only(Notice.id, Notice.message).where(since, col(Notice.key).regexp_match(key_of_several()))
    rows = run(session, several)
    of_several = [row.id for row in rows if any(uid in text for text in texts_of(row.message) for uid in uids)]
    return [*dict.fromkeys([*kept_under(session, meetings), *ids, *of_several])]


def _things(session: Session, meetings: Sequence[Meeting]) -> list[Meeting | MeetingSeries]:
    """What meetings are known by in calendars: the parts of their seasons, and those that stand alone."""
    of_seasons = {meeting.series_id: meeting for meeting in meetings if meeting.series_id is not None}
    seasons = {row.id: row for meeting in of_seasons.values() for row in _seasons(session, meeting)}
    return [*seasons.values(), *(meeting for meeting in meetings if meeting.series_id is None)]


def kept_under(session: Session, meetings: Sequence[Meeting]) -> list[UUID]:
    """The letters that are kept under the ids of meetings, as those that brought their papers."""
    of_them = or_(*(col(Notice.key).like(f"%{meeting.id}%") for meeting in meetings))
    return list(scalars(session, only(Notice.id).where(of_them)))


def of_the_season(session: Session, meeting: Meeting, taken_out: Callable[[str], str]) -> list[UUID]:
    """The meetings of the same season whose place holds words that are taken out."""
    return [one_of_them for one_of_them, place in _places(session, meeting).items() if _holds(place, taken_out)]


def redact(session: Session, meeting: Meeting, taken_out: Callable[[str], str]) -> None:
    """Take words out of the season's place, and out of what was told of it.

    The told place is changed too, so that its readers are told again what is left of it.
    """
    for season in _seasons(session, meeting):
        if _holds(season.place, taken_out):
            rewrite(session, MeetingSeries, season.id, place=taken_out(season.place))
    for invitation_id, told in _invitations(session, meeting):
        left = _redacted(told, taken_out)
        if left != told:
            rewrite(session, Invitation, invitation_id, told=as_json(left))


def _redacted(told: CalendarEntry, taken_out: Callable[[str], str]) -> CalendarEntry:
    def place(said: str) -> str:
        return _TAKEN_OUT if _holds(said, taken_out) else said

    moved = {original: replace(how, place=place(how.place)) for original, how in told.moved.items()}
    title, description = (taken_out(one) if _holds(one, taken_out) else one for one in (told.title, told.description))
    return replace(told, place=place(told.place), title=title, description=description, moved=moved)


def _holds(text: str, taken_out: Callable[[str], str]) -> bool:
    return bool(text) and taken_out(text) != unicodedata.normalize("NFC", text)


def _invitations(session: Session, meeting: Meeting) -> list[tuple[UUID, CalendarEntry]]:
    """The invitations to a meeting or to its season that tell anything, and what each told."""
    seasons = parts_of_season(session, meeting)
    mine = or_(Invitation.meeting_id == meeting.id, col(Invitation.series_id).in_(seasons))
    rows = every(session, of(Invitation).where(mine).order_by(col(Invitation.id)))
    return [(row.id, from_json(CalendarEntry, row.told)) for row in rows if row.told]


def _seasons(session: Session, meeting: Meeting) -> list[MeetingSeries]:
    """The season that a meeting is of, with those that it goes on or that go on with it at another hour; none alone."""
    parts = of(MeetingSeries).where(col(MeetingSeries.id).in_(parts_of_season(session, meeting)))
    return every(session, parts.order_by(col(MeetingSeries.recorded_at), col(MeetingSeries.id)))


def _places(session: Session, meeting: Meeting) -> dict[UUID, str]:
    """The places of the meetings of the same season, by their ids."""
    of_season = col(Meeting.series_id).in_(parts_of_season(session, meeting))
    return dict(tuples(session, only(Meeting.id, Meeting.place).where(of_season).order_by(col(Meeting.id))))
