"""Tells at once of a pattern in how a person reads files, by a letter that names the reader and no participant.

The privacy officer is told. Where they are the reader, deputize for the reader, or there is none, the director of the
coordination's host is told, then a manager there, then the coordination: never the reader. For one reader a letter is
sent once an hour at most; what comes meanwhile is told then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import (
    ROUNDS,
    SHAPE,
    Actor,
    Language,
    also,
    calendar_of,
    col,
    every,
    hosts_of,
    joins,
    lasts,
    local_day,
    of,
    only,
    program,
    run,
    same,
    scalars,
    surely,
)
from domain.mail import notices
from domain.participants.patterns import LOOKS_BACK, Distance, Habit, Look, Pattern, patterns_in
from domain.participants.rates import rates_of
from domain.participants.still_needed import ENDED
from domain.record import EXPORTED, READ, REFUSED, events, files_of
from domain.roles import DayTenures, Holder, Link, standing
from domain.terms import BEING_ADMITTED
from locales import N_, say
from models.agenda import AgendaItem
from models.follow_up import Assignment, FollowUp
from models.meeting import Meeting
from models.participant import Participant
from models.record import Event

#: A letter about one reader goes out so often at most.
ONCE_IN: Final = timedelta(hours=1)
#: A look further back than what is looked at is due: of a reading that was committed late, and while the hour runs.
OVERLAP: Final = timedelta(minutes=75)
#: The time over which a person's working hours are learned.
HABIT: Final = timedelta(days=90)
#: A meeting so long before or ahead has its agenda read, and a follow-up that ended so lately is still spoken of.
AGENDA: Final = timedelta(days=7)
ENDED_LATELY: Final = timedelta(days=30)

TOLD: Final = "reading.pattern"
LETTER: Final = "reading_pattern"
BY_ROUNDS: Final = Actor.system(ROUNDS)

#: What is not of a participant's file, or is read by those who answer for privacy.
_NOT_OF_A_FILE: Final = ("document", "letter", "incidents", "destruction")
#: Why a person was turned away, where they opened as many files as they may.
STOPPED: Final = "too_many"


def watch(session: Session, *, since: datetime | None, at: datetime) -> int:
    """Write the letters about every pattern that arose after `since`, the last look; returns how many letters.

    Running it again changes nothing.
    """
    begins = at - OVERLAP if since is None else min(at - OVERLAP, since - OVERLAP)
    lines = _lines(session, begins - LOOKS_BACK, at)
    lately = {surely(line.actor_id) for line in lines if line.at > begins}
    stopped = _stopped(session, begins, at)
    heard = _heard_of(session, at)
    written = 0
    for reader in sorted(lately | stopped.keys()):
        heard_at = heard.get(reader)
        if heard_at is not None and heard_at > at - ONCE_IN:
            continue
        theirs = [line for line in lines if line.actor_id == reader]
        found = _patterns_of(session, reader, theirs, since=begins, heard_at=heard_at, at=at)
        found += _stopped_since(stopped.get(reader, ()), heard_at, at)
        if found:
            written += _tell(session, reader, found, at=at)
    return written


def _stopped_since(moments: Sequence[datetime], heard_at: datetime | None, at: datetime) -> list[Pattern]:
    """That somebody was refused files, as often as it was after what was told of them last."""
    after = [moment for moment in moments if heard_at is None or moment > heard_at]
    return [Pattern("stopped", len(after), at - min(after))] if after else []


def _patterns_of(
    session: Session, reader: UUID, lines: Sequence[Event], *, since: datetime, heard_at: datetime | None, at: datetime
) -> list[Pattern]:
    if not lines:
        return []
    looks = looks_of(session, reader, lines, at=at)
    roles = {line.actor_as for line in lines}
    # Under several hats, the one that may most: a coordinator who reads as a member of a committee is still one.
    rate = max((rates_of(session).rate_of(role) for role in roles), key=lambda one: one.an_hour)
    return patterns_in(looks, rate, cache(lambda: habit_of(session, reader, at=at)), since=since, heard_at=heard_at)


def looks_of(session: Session, reader: UUID, lines: Sequence[Event], *, at: datetime) -> list[Look]:
    """The readings of files in a person's lines of the record, each with its distance from their work, in order."""
    zone = ZoneInfo(program(session).time_zone)
    files = files_of(session, {line.subject_id for line in lines})
    distances = _Distances(session, reader, set(files.values()), at=at)
    works = calendar_of(session).seems_worked
    return [
        Look(there, files[line.subject_id], distances.of(files[line.subject_id], line), works(there.date()))
        for line in lines
        if line.subject_id in files
        for there in [line.at.astimezone(zone)]
    ]


def habit_of(session: Session, reader: UUID, *, at: datetime) -> Habit:
    """When a person works, by all that they did in the last months; what they did today does not count yet."""
    zone = ZoneInfo(program(session).time_zone)
    moments = scalars(
        session,
        only(Event.at).where(
            Event.actor_id == reader, col(Event.at) > at - HABIT, col(Event.at) <= at - timedelta(days=1)
        ),
    )
    local = [moment.astimezone(zone) for moment in moments]
    return Habit.of(local, calendar_of(session).seems_worked)


class _File(Participant):
    """A file, with the state of its follow-up, where there is one."""

    model_config = SHAPE
    follow_up: str | None = also(FollowUp.state)
    since: date | None = also(FollowUp.state_since)


class _Distances:
    """How far files are from a reader's work, each asked of the database once."""

    def __init__(self, session: Session, reader: UUID, files: Collection[UUID], *, at: datetime) -> None:
        day = local_day(session, at)
        followed = same(FollowUp, Participant) & (col(FollowUp.participant_id) == col(Participant.id))
        unread = (Participant.sealed, Participant.names, Participant.marks)
        rows = every(
            session, of(_File, without=unread).outerjoin(FollowUp, followed).where(col(Participant.id).in_(files))
        )
        self._files = {row.id: row for row in rows}
        self._over = {row.id for row in rows if _is_over(row, day)}
        called = {name: row.id for row in rows for name in (row.number, row.candidate_ref) if name}
        subjects = scalars(
            session,
            only(AgendaItem.subject)
            .join(Meeting, joins(AgendaItem.meeting_id, Meeting))
            .where(
                col(AgendaItem.subject).in_(called),
                col(AgendaItem.state).in_(["scheduled", "settled"]),
                col(Meeting.starts_at) > at - AGENDA,
                col(Meeting.starts_at) < at + AGENDA,
            ),
        )
        self._on_agendas = {called[subject] for subject in subjects}
        places = {tenure.organization_id for tenure in standing(session, day).roles_of(reader)}
        self._of_their_organization = set(
            scalars(
                session,
                only(FollowUp.participant_id)
                .join(Assignment, joins(Assignment.follow_up_id, FollowUp))
                .where(
                    col(FollowUp.participant_id).in_(files),
                    col(Assignment.organization_id).in_(places),
                    col(Assignment.withdrawn_at).is_(None),
                    lasts(Assignment, day - ENDED_LATELY),
                ),
            )
        )

    def of(self, file: UUID, line: Event) -> Distance:
        """The distance of a file, as it was read in a line of the record."""
        ground, row = line.facts.get("ground"), self._files.get(file)
        if ground == "part" or file in self._on_agendas:
            return "near"
        if row is None or file in self._over:
            return "far"
        if ground == "role":
            return "near" if row.state in BEING_ADMITTED else "usual"
        return "usual" if file in self._of_their_organization else "far"


def _is_over(row: _File, day: date) -> bool:
    """Whether nothing goes on in a file: it was not admitted, or its follow-up ended a while ago."""
    if row.since is None:
        return row.state not in BEING_ADMITTED
    return row.follow_up in ENDED and row.since < day - ENDED_LATELY


def _lines(session: Session, since: datetime, to: datetime) -> list[Event]:
    return every(
        session,
        of(Event)
        .where(
            col(Event.verb).in_([READ, EXPORTED]),
            col(Event.at) > since,
            col(Event.at) <= to,
            col(Event.actor_id).is_not(None),
            events.fact("what").not_in(_NOT_OF_A_FILE),
        )
        .order_by(col(Event.at), col(Event.n)),
    )


def _stopped(session: Session, since: datetime, to: datetime) -> dict[UUID, list[datetime]]:
    """When each person was refused a file because they had opened as many as they may."""
    rows = run(
        session,
        only(Event.actor_id, Event.at)
        .where(Event.verb == REFUSED, events.fact("why") == STOPPED, col(Event.at) > since, col(Event.at) <= to)
        .order_by(col(Event.at)),
    )
    found: dict[UUID, list[datetime]] = {}
    for row in rows:
        found.setdefault(row.actor_id, []).append(row.at)
    return found


def _heard_of(session: Session, at: datetime) -> dict[UUID, datetime]:
    """The last time that a letter told of each reader. A time to come is of a clock that was put back, and is none."""
    rows = run(
        session,
        only(Event.subject_id, func.max(col(Event.at)).label("last"))
        .where(Event.verb == TOLD, col(Event.at) > at - LOOKS_BACK, col(Event.at) <= at)
        .group_by(col(Event.subject_id)),
    )
    return {row.subject_id: row.last for row in rows}


# ------------------------------------------------------------------------------------------------------ the letter


def who_hears(session: Session, about: Collection[UUID], today: DayTenures) -> list[Holder]:
    """Those told about people: the privacy officer or, where that is one of them, the next who answers for them."""
    for link in _chain(session):
        holders = [
            holder
            for holder in today.falls([link]).holders
            if holder.person_id not in about and holder.acting_for not in about
        ]
        if holders:
            return holders
    return []


def _chain(session: Session) -> list[Link]:
    return [
        Link("privacy_officer"),
        *(Link(role, str(place)) for role in ("director", "manager") for place in hosts_of(session)),
        Link("coordinator"),
    ]


_WORDS: Final = {
    "many": N_("many files in a short time: %(files)s within %(minutes)s min"),
    "steady": N_("many files little by little: %(files)s within %(hours)s h"),
    "hours": N_("at hours that are unusual for this person: %(files)s within %(minutes)s min"),
    "far": N_("files far from their work: %(files)s within %(hours)s h"),
    "stopped": N_("as many files as the role may open, and more were refused: %(files)s"),
}


def _tell(session: Session, reader: UUID, patterns: Sequence[Pattern], *, at: datetime) -> int:
    """Write the letter about a reader, and note on record that it was written. How many letters."""
    today = standing(session, local_day(session, at))
    hear = who_hears(session, {reader}, today)
    written = sum(
        notices.write(
            session,
            LETTER,
            to=person_id,
            key=f"{LETTER}:{reader}:{at.isoformat()}",
            facts=_facts(session, reader, patterns, holder, at),
            at=at,
        )
        for person_id, holder in {holder.person_id: holder for holder in hear}.items()
    )
    kinds: list[str] = [pattern.kind for pattern in patterns]
    events.write(session, TOLD, "person", reader, by=BY_ROUNDS, at=at, kinds=kinds, letters=written)
    return written


def _facts(session: Session, reader: UUID, patterns: Sequence[Pattern], holder: Holder, at: datetime) -> notices.Facts:
    there = at.astimezone(ZoneInfo(program(session).time_zone))
    answers = holder.role == "privacy_officer"
    name = notices.name_of(session, Actor("", reader), "fr")

    def facts(language: Language) -> Mapping[str, object]:
        said = [
            {
                "words": say(
                    language,
                    _WORDS[pattern.kind],
                    files=pattern.files,
                    minutes=int(pattern.within.total_seconds() // 60),
                    hours=int(pattern.within.total_seconds() // 3600),
                )
            }
            for pattern in patterns
        ]
        return {
            "reader": name,
            "patterns": said,
            "day": there.date(),
            "clock": f"{there:%H:%M}",
            "answers": answers,
            "path": "/privacy" if answers else "/",
        }

    return facts
