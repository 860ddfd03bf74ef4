"""What was told of a meeting beside its agenda and its minutes: invitations, and the places of the season it is of.

An invitation of a season is one for all its dates, so that words go from the whole of it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session, or_

from domain.kernel import changes, col, every, of, only, run, scalars, surely
from domain.mail import texts_of
from meetings.invitations import key_of_one, key_of_several
from meetings.locking import parts_of_season
from models.invitation import Invitation
from models.meeting import Meeting, MeetingSeries
from models.outbox import Notice

#: What a person was told last (`Entry.to_json`), as it is kept.
Told = dict[str, Any]

#: What of an invitation people wrote.
_WORDS: Final = ("place", "title", "description")
#: What stands for a place that was told and out of which words were taken: none is written like it.
_TAKEN_OUT: Final = "…"


def texts(session: Session, meeting: Meeting) -> Iterator[str]:
    """What was told of a meeting, and of the season that it is of, once. Of letters nothing: they are not shown."""
    found = dict.fromkeys(
        (*(season.place for season in _seasons(session, meeting)), *_places(session, meeting).values())
    )
    for row in _invitations(session, meeting):
        found |= dict.fromkeys(_said(row.told))
    yield from (text for text in found if text.strip())


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
    rows = run(
        session,
        only(Notice.id, Notice.message).where(
            col(Notice.created_at) >= min(thing.recorded_at for thing in things),
            col(Notice.key).regexp_match(key_of_several()),
        ),
    )
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
            statement = changes(MeetingSeries).where(MeetingSeries.id == season.id)
            run(session, statement.values(place=taken_out(season.place), version=col(MeetingSeries.version) + 1))
    for row in _invitations(session, meeting):
        left = _redacted(row.told, taken_out)
        if left != row.told:
            run(
                session,
                changes(Invitation)
                .where(Invitation.id == row.id)
                .values(told=left, version=col(Invitation.version) + 1),
            )


def _redacted(told: Told, taken_out: Callable[[str], str]) -> Told:
    left = {
        name: _TAKEN_OUT if name == "place" and _holds(text, taken_out) else _without(text, taken_out)
        for name, text in told.items()
        if name in _WORDS
    }
    moved = {
        original: {**how, "place": _TAKEN_OUT} if _holds(how["place"], taken_out) else how
        for original, how in told.get("moved", {}).items()
    }
    return {**told, **left, **({"moved": moved} if moved else {})}


def _without(text: str, taken_out: Callable[[str], str]) -> str:
    return taken_out(text) if _holds(text, taken_out) else text


def _holds(text: str, taken_out: Callable[[str], str]) -> bool:
    return bool(text) and taken_out(text) != unicodedata.normalize("NFC", text)


def _said(told: Told) -> Iterator[str]:
    yield from (told[name] for name in _WORDS if told.get(name))
    yield from (how["place"] for how in told.get("moved", {}).values())


def _invitations(session: Session, meeting: Meeting) -> list[Invitation]:
    seasons = parts_of_season(session, meeting)
    mine = or_(Invitation.meeting_id == meeting.id, col(Invitation.series_id).in_(seasons))
    return every(session, of(Invitation).where(mine).order_by(col(Invitation.id)))


def _seasons(session: Session, meeting: Meeting) -> list[MeetingSeries]:
    """The season that a meeting is of, with those that it goes on or that go on with it at another hour; none alone."""
    parts = parts_of_season(session, meeting)
    statement = of(MeetingSeries).where(col(MeetingSeries.id).in_(parts))
    return every(session, statement.order_by(col(MeetingSeries.recorded_at), col(MeetingSeries.id)))


def _places(session: Session, meeting: Meeting) -> dict[UUID, str]:
    """The places of the meetings of the same season, by their ids."""
    parts = parts_of_season(session, meeting)
    rows = run(
        session, only(Meeting.id, Meeting.place).where(col(Meeting.series_id).in_(parts)).order_by(col(Meeting.id))
    )
    return {row.id: row.place for row in rows}
