"""The weekly note of a follow-up (FU-6): one row a week, written in half a minute, with its words sealed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Date, Insert, Update, bindparam, insert
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.casework import BY_ITS_ACT, assigning, complete_task
from domain.follow_ups import words
from domain.follow_ups.assigning import parts_of
from domain.follow_ups.locking import LockedFollowUp, change_follow_up, lock_follow_up, write_follow_up_event
from domain.follow_ups.owed import WRITE, missing
from domain.follow_ups.weeks import monday_of, sunday_of
from domain.follow_ups.words import NOTE, sealed
from domain.kernel import (
    Actor,
    Question,
    Refusal,
    among,
    built,
    changes,
    col,
    every,
    first,
    local_day,
    of,
    only,
    program_calendar,
    program_of,
    run,
)
from domain.roles import Link
from domain.terms import PRIMARY
from locales import N_, say, show_day
from models.casework import SETTLED, Task
from models.follow_up import WHY_NONE, WeeklyNote

#: The note of a week may be written until so long after it, and begun from its Monday on.
LATEST: Final = timedelta(weeks=8)
MOST_MEETINGS: Final = 21
MOST_MINUTES: Final = 6_000

_WRITE: Final = N_("Write the notes of the week of %(day)s")


#: What may be read of a note without being told of: everything but its words.
NoteLine = WeeklyNote


@dataclass(frozen=True)
class Week:
    """What a worker says of one week: met in person how often and long, reached otherwise, or why not; and words."""

    met: int = 0
    minutes: int = 0
    reached: bool = False
    why_none: str | None = None
    words: str = ""

    @property
    def says_enough(self) -> bool:
        """Whether it says that there was contact, or why there was none."""
        return self.met > 0 or self.reached or self.why_none is not None


def write_note(
    session: Session,
    follow_up_id: UUID,
    week: date,
    said: Week,
    *,
    unfinished: bool = False,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> int:
    """Write the note of the week that begins on the Monday `week`, or rewrite it; returns its version.

    `seen` is the version that the writer was looking at, 0 where there was none. `unfinished` leaves it for the worker
    to finish. Where every note of the week is there, the worker's task is done. Raises Refusal: a week that has not
    begun, or is not this follow-up's, or is too long ago; what cannot be; or neither contact nor a reason in a note
    that is to be complete.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    _refuse_week(week, held)
    _refuse_impossible(said)
    if not unfinished and not said.says_enough:
        raise Refusal(
            "note.missing",
            N_("Say that you met, that there was another contact, or why not. Or save the note as unfinished."),
            source="FU-6",
        )
    before = note_of(session, follow_up_id, week)
    note_id, version = (before.id, before.version) if before is not None else (uuid4(), 0)
    if seen not in (None, version):
        raise Refusal(
            "note.changed",
            N_("This note was changed by someone else or in another window. Nothing was saved; look again."),
        )
    written: Insert | Update = changes(WeeklyNote).where(WeeklyNote.id == note_id)
    if before is None:
        written = insert(WeeklyNote).values(
            program_id=program_of(session), id=note_id, follow_up_id=follow_up_id, week=week
        )
    words = said.words if said.words.strip() else ""
    run(
        session,
        written.values(
            met=said.met,
            minutes=said.minutes,
            reached=said.reached,
            why_none=said.why_none,
            words=sealed(session, held.participant_id, NOTE, note_id, words) if words else None,
            has_words=bool(words),
            is_complete=not unfinished,
            written_by=by.person_id,
            written_at=at,
            version=version + 1,
        ),
    )
    change_follow_up(session, held)
    write_follow_up_event(
        session,
        held,
        "follow_up.noted",
        week=week.isoformat(),
        complete=not unfinished,
        met=said.met,
        has_words=bool(words),
    )
    _settle_tasks(session, follow_up_id, week, by=by, at=at)
    return version + 1


#: Reads the words of a note, as `domain.follow_ups.words.read_words` does.
read_words: Final = partial(words.read_words, WeeklyNote.words, "weekly_note", NOTE)


def note_of(session: Session, follow_up_id: UUID, week: date) -> NoteLine | None:
    """The note of a week, or None. Its words stay sealed."""
    return first(session, _NOTES.where(WeeklyNote.follow_up_id == follow_up_id, WeeklyNote.week == week))


def notes_of(session: Session, follow_up_ids: Iterable[UUID], *, since: date | None = None) -> list[NoteLine]:
    """The notes of follow-ups, the newest week first, from the week of `since` on, without their words."""
    return every(session, *asked_of_notes(follow_up_ids, since=since))


def asked_of_notes(follow_up_ids: Iterable[UUID], *, since: date | None = None) -> Question[SelectOfScalar[WeeklyNote]]:
    """What `notes_of` asks."""
    first_week = monday_of(since) if since is not None else date.min
    return Question(_SINCE, {"follow_ups": list(follow_up_ids), "first_week": first_week})


_NOTES: Final = of(WeeklyNote, without=(WeeklyNote.words,))
_SINCE: Final = built(
    _NOTES.where(
        among(WeeklyNote.follow_up_id, "follow_ups"), col(WeeklyNote.week) >= bindparam("first_week", type_=Date())
    ).order_by(col(WeeklyNote.week).desc())
)


def ask_for_notes(session: Session, *, by: Actor, at: datetime) -> int:
    """Open a task for each worker and week with missing notes, where there is none; returns how many were opened.

    It reminds by the same ladder as every task outside a case, in the digest of the day.
    """
    day = local_day(session, at)
    wanted = {(one_.person_id, one_.organization_id, one_.week): None for one_ in missing(session, day)}
    asked = {
        row.item
        for row in run(
            session,
            only(Task.item).where(
                Task.step == WRITE, col(Task.case_id).is_(None), col(Task.state).not_in(["done", "cancelled"])
            ),
        )
    }
    due = program_calendar.calendar_of(session).next_working_day(day)
    opened_now = 0
    for person_id, organization_id, week in wanted:
        item = _item(person_id, week)
        if item in asked:
            continue
        assigning.assign(
            session,
            WRITE,
            item,
            title_fr=say("fr", _WRITE, day=show_day("fr", week)),
            title_en=say("en", _WRITE, day=show_day("en", week)),
            chain=[Link("youth_worker", str(organization_id), person=person_id), Link("coordinator")],
            due_on=due,
            by=by,
            at=at,
            evidence=BY_ITS_ACT,
        )
        opened_now += 1
    return opened_now


def settle_notes(session: Session, *, by: Actor, at: datetime) -> int:
    """Cancel the tasks of notes that are no longer owed, as when a follow-up ended meanwhile; how many."""
    owed = {_item(one_.person_id, one_.week) for one_ in missing(session, local_day(session, at))}
    gone = [row for row in _open_tasks(session) if row.item not in owed]
    for row in gone:
        assigning.call_off(session, row.id, by=by, at=at)
    return len(gone)


def _settle_tasks(session: Session, follow_up_id: UUID, week: date, *, by: Actor, at: datetime) -> None:
    """Complete the task of the worker who owed notes of this week, where none is missing any more."""
    workers = {row.person_id for row in parts_of(session, follow_up_id) if row.kind == PRIMARY}
    items = {_item(person_id, week) for person_id in workers}
    tasks = [row for row in _open_tasks(session) if row.item in items]
    if not tasks:
        return
    owed = {_item(one_.person_id, one_.week) for one_ in missing(session, local_day(session, at), people=workers)}
    for row in tasks:
        if row.item not in owed:
            complete_task(session, row.id, by=by, at=at, in_its_act=True)


def _open_tasks(session: Session) -> list[Task]:
    return every(
        session,
        of(Task)
        .where(Task.step == WRITE, col(Task.case_id).is_(None), col(Task.state).not_in([*SETTLED, "cancelled"]))
        .order_by(col(Task.id)),
    )


def _item(person_id: UUID, week: date) -> str:
    return f"{week.isoformat()}/{person_id}"


def _refuse_week(week: date, held: LockedFollowUp) -> None:
    """Raises Refusal where a week is not one of a held follow-up of which a note may be written now."""
    if week != monday_of(week):
        raise Refusal("week.malformed", N_("A week is known by its Monday."))
    if week > held.day:
        raise Refusal("week.malformed", N_("This week has not begun."))
    if sunday_of(week) < held.row.opened_on:
        raise Refusal("week.malformed", N_("The follow-up had not begun in that week."))
    if held.day - sunday_of(week) > LATEST:
        raise Refusal("week.malformed", N_("That week is too long ago to be noted now."))


def _refuse_impossible(said: Week) -> None:
    """Raises Refusal where a week cannot have been so."""
    if not 0 <= said.met <= MOST_MEETINGS:
        raise Refusal(
            "met.malformed", N_("Say how many times you met in person, at most %(most)s."), most=MOST_MEETINGS
        )
    if not 0 <= said.minutes <= MOST_MINUTES or (said.minutes and not said.met):
        raise Refusal("minutes.malformed", N_("Say how many minutes the meetings in person lasted in all."))
    if said.why_none is not None and said.why_none not in WHY_NONE:
        raise Refusal("why_none.malformed", N_("Choose from the list."))
    if said.why_none is not None and said.met:
        raise Refusal("why_none.malformed", N_("You met, so no reason is needed: leave it empty."))
