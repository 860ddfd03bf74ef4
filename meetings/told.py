"""What was told of a meeting beside its agenda and its minutes: invitations, and the places of the season it is of.

An invitation of a season is one for all its dates, so that words go from the whole of it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlmodel import Session

from domain.kernel.scope import many, program_of
from domain.mail.envelopes import texts_of
from meetings.invitations import key_of_one, key_of_several
from meetings.locking import parts_of_season
from models.base import table_of
from models.invitation import Invitation
from models.meeting import Meeting, MeetingSeries
from models.outbox import Notice

_invitation = table_of(Invitation)
_meeting = table_of(Meeting)
_series = table_of(MeetingSeries)
_notice = table_of(Notice)

#: What of an invitation people wrote.
_WORDS: Final = ("place", "title", "description")
#: What stands for a place that was told and out of which words were taken: none is written like it.
_TAKEN_OUT: Final = "…"


def texts(session: Session, meeting: Mapping[str, Any]) -> Iterator[str]:
    """What was told of a meeting, and of the season that it is of, once. Of letters nothing: they are not shown."""
    found = dict.fromkeys(
        (*(season["place"] for season in _seasons(session, meeting)), *_places(session, meeting).values())
    )
    for row in _invitations(session, meeting):
        found |= dict.fromkeys(_said(row["told"]))
    yield from (text for text in found if text.strip())


def letters_hold(session: Session, meetings: Sequence[Mapping[str, Any]], taken_out: Callable[[str], str]) -> bool:
    """Whether a letter about these meetings holds words that are taken out."""
    rows = session.execute(
        select(_notice.c.subject, _notice.c.message).where(
            _notice.c.program_id == program_of(session), _notice.c.id.in_(letters_of(session, meetings))
        )
    )
    return any(_holds(text, taken_out) for row in rows for text in (row.subject, *texts_of(row.message)))


def letters_of(session: Session, meetings: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """The letters about meetings: kept under the id of one, or that brought one, or its season, for a calendar."""
    here = program_of(session)
    alone = [meeting for meeting in meetings if meeting["series_id"] is None]
    of_seasons = {meeting["series_id"]: meeting for meeting in meetings if meeting["series_id"] is not None}
    seasons = {row["id"]: row for meeting in of_seasons.values() for row in _seasons(session, meeting)}
    things: Sequence[Mapping[str, Any]] = [*seasons.values(), *alone]
    of_one = or_(*(_notice.c.key.startswith(key_of_one(thing["uid"]), autoescape=True) for thing in things))
    ids = list(session.scalars(select(_notice.c.id).where(_notice.c.program_id == here, of_one)))
    # Of several things at once the key tells none: the file for the calendar does.
    rows = session.execute(
        select(_notice.c.id, _notice.c.message).where(
            _notice.c.program_id == here,
            _notice.c.created_at >= min(thing["recorded_at"] for thing in things),
            _notice.c.key.regexp_match(key_of_several()),
        )
    )
    uids = [thing["uid"] for thing in things]
    of_several = [row.id for row in rows if any(uid in text for text in texts_of(row.message) for uid in uids)]
    return [*dict.fromkeys([*kept_under(session, meetings), *ids, *of_several])]


def kept_under(session: Session, meetings: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """The letters that are kept under the ids of meetings, as those that brought their papers."""
    of_them = or_(*(_notice.c.key.like(f"%{meeting['id']}%") for meeting in meetings))
    return list(session.scalars(select(_notice.c.id).where(_notice.c.program_id == program_of(session), of_them)))


def of_the_season(session: Session, meeting: Mapping[str, Any], taken_out: Callable[[str], str]) -> list[UUID]:
    """The meetings of the same season whose place holds words that are taken out."""
    return [one_of_them for one_of_them, place in _places(session, meeting).items() if _holds(place, taken_out)]


def redact(session: Session, meeting: Mapping[str, Any], taken_out: Callable[[str], str]) -> None:
    """Take words out of the season's place, and out of what was told of it.

    What was told is left with another place, so that whoever was told is told again what is left of it.
    """
    here = program_of(session)
    for season in _seasons(session, meeting):
        if _holds(season["place"], taken_out):
            session.execute(
                update(_series)
                .where(_series.c.program_id == here, _series.c.id == season["id"])
                .values(place=taken_out(season["place"]), version=_series.c.version + 1)
            )
    for row in _invitations(session, meeting):
        left = _redacted(row["told"], taken_out)
        if left != row["told"]:
            session.execute(
                update(_invitation)
                .where(_invitation.c.program_id == here, _invitation.c.id == row["id"])
                .values(told=left, version=_invitation.c.version + 1)
            )


def _redacted(told: Mapping[str, Any], taken_out: Callable[[str], str]) -> dict[str, Any]:
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


def _said(told: Mapping[str, Any]) -> Iterator[str]:
    yield from (told[name] for name in _WORDS if told.get(name))
    yield from (how["place"] for how in told.get("moved", {}).values())


def _invitations(session: Session, meeting: Mapping[str, Any]) -> list[dict[str, Any]]:
    seasons = parts_of_season(session, meeting)
    mine = or_(_invitation.c.meeting_id == meeting["id"], _invitation.c.series_id.in_(seasons))
    return many(
        session,
        select(_invitation.c.id, _invitation.c.told)
        .where(_invitation.c.program_id == program_of(session), mine)
        .order_by(_invitation.c.id),
    )


def _seasons(session: Session, meeting: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The season that a meeting is of, with those that it goes on or that go on with it at another hour; none alone."""
    parts = parts_of_season(session, meeting)
    return many(
        session,
        select(_series)
        .where(_series.c.program_id == program_of(session), _series.c.id.in_(parts))
        .order_by(_series.c.recorded_at, _series.c.id),
    )


def _places(session: Session, meeting: Mapping[str, Any]) -> dict[UUID, str]:
    """The places of the meetings of the same season, by their ids."""
    parts = parts_of_season(session, meeting)
    rows = session.execute(
        select(_meeting.c.id, _meeting.c.place)
        .where(_meeting.c.program_id == program_of(session), _meeting.c.series_id.in_(parts))
        .order_by(_meeting.c.id)
    )
    return {row.id: row.place for row in rows}
