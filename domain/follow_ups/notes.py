"""The weekly note of a follow-up (FU-6): one row a week, written in half a minute, with its words sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Date, Insert, Update, bindparam, insert
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.casework import BY_ITS_ACT, assigning, complete_task
from domain.follow_ups.assigning import parts_of
from domain.follow_ups.locking import (
    KIND,
    Followed,
    LockedFollowUp,
    change_follow_up,
    lock_follow_up,
    write_follow_up_event,
)
from domain.follow_ups.owed import WEEKS_WRITTEN, WRITE, missing
from domain.follow_ups.week_row import Week, checked_week, opened_week, refuse_long, refuse_unfinished, sealed_week
from domain.follow_ups.weeks import monday_of, sunday_of
from domain.follow_ups.words import NOTE
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
    says_something,
    scalar,
    surely,
)
from domain.participants import Said
from domain.record import Ground, events, record_read
from domain.roles import Link
from domain.terms import PRIMARY
from locales import N_, say, show_day
from models.casework import SETTLED, Task
from models.follow_up import WeeklyNote

#: The note of a week may be written until so long after it, and begun from its Monday on.
LATEST: Final = timedelta(weeks=WEEKS_WRITTEN)
#: The states of a follow-up that nobody is owed a note of.
ENDED: Final = ("inactive", "completed")

_WRITE: Final = N_("Write the notes of the week of %(day)s")
_CHANGED: Final = N_("This note was changed by someone else or in another window. Nothing was saved; look again.")


#: What may be read of a note without being told of: everything but its words.
NoteLine = WeeklyNote


def amend_note(
    session: Session,
    follow_up_id: UUID,
    week: date,
    said: Said,
    *,
    seen: int | None = None,
    complete: bool | None = None,
    confirmed: bool = False,
    by: Actor,
    at: datetime,
) -> WeeklyNote:
    """Write some fields of a week's note, by their names in `Week`; what else is in it stays. Returns its row.

    It is saved as one types: words that were not sent stay sealed and unread. What is `complete` stays so
    unless it is said, and unless it no longer says enough. What another person wrote is written on by who saw it
    alone. What its writer sends again, as where the line dropped before the answer, is there already.

    `seen` is the version that the writer was looking at, 0 where there was none. `confirmed` says that a very long
    meeting is no slip. Where every note of the week is there, the worker's task is done. Raises Refusal: a week that
    has not begun, or is not this follow-up's, or is too long ago; what cannot be; or neither contact nor a reason in a
    note that is to be complete.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    refuse_week(held.row, week, day=held.day)
    before = note_of(session, held.id, week)
    if not _is_as_seen(before, seen, by):
        if before is None or not _is_sent_again(session, held, before, said, complete, by=by):
            raise Refusal("note.changed", _CHANGED)
        return before
    now = replace(_week_of(session, held, before), **said)
    was = before is not None and before.is_complete
    stays = complete if complete is not None else was and now.says_enough
    _write(session, held, week, before, now, unfinished=not stays, confirmed=confirmed)
    return surely(note_of(session, follow_up_id, week))  # it was written a moment ago


def _is_as_seen(note: NoteLine | None, seen: int | None, by: Actor) -> bool:
    """Whether a note, or none, is as its writer saw it. Who says no version saw what they wrote themselves alone."""
    if seen is None:
        return note is None or note.written_by == by.person_id
    return seen == (note.version if note is not None else 0)


def _is_sent_again(
    session: Session, held: LockedFollowUp, there: NoteLine, said: Said, complete: bool | None, *, by: Actor
) -> bool:
    """Whether all that is said stands in a note already, which the same person wrote."""
    now = _week_of(session, held, there)
    return there.written_by == by.person_id and replace(now, **said) == now and complete in (None, there.is_complete)


def _week_of(session: Session, held: LockedFollowUp, note: NoteLine | None) -> Week:
    """What a note says, for a rule that writes it anew: no person reads it. Raises Refusal."""
    if note is None:
        return Week()
    words = scalar(session, only(WeeklyNote.words).where(WeeklyNote.id == note.id)) if note.has_words else None
    return Week.of(note, opened_week(session, held.participant_id, note.id, words))


def _write(
    session: Session,
    held: LockedFollowUp,
    week: date,
    before: NoteLine | None,
    said: Week,
    *,
    unfinished: bool,
    confirmed: bool,
) -> None:
    said = checked_week(said)
    was_complete = before is not None and before.is_complete
    if not unfinished:
        refuse_unfinished(said)
    if not confirmed and not _is_known(said, before):
        refuse_long(said)
    note_id, version = (before.id, before.version) if before is not None else (uuid4(), 0)
    written: Insert | Update = changes(WeeklyNote).where(WeeklyNote.id == note_id)
    if before is None:
        written = insert(WeeklyNote).values(program_id=program_of(session), id=note_id, follow_up_id=held.id, week=week)
    stands = _Stands(complete=not unfinished, by=surely(held.by.person_id), at=held.at)
    run(session, written.values(**_columns(session, held, note_id, said, stands), version=version + 1))
    if _tells_otherwise(said, before, unfinished=unfinished):
        change_follow_up(session, held)
    write_follow_up_event(session, held, "follow_up.noted", **_told(week, said, complete=not unfinished))
    if not unfinished and not was_complete:
        _settle_tasks(session, held.id, [week], by=held.by, at=held.at)


class _Stands(NamedTuple):
    """How a note stands: whether it is complete, who wrote what is in it, and when."""

    complete: bool
    by: UUID
    at: datetime


def _columns(session: Session, held: LockedFollowUp, note_id: UUID, said: Week, stands: _Stands) -> Said:
    """A week as the columns of its note, with its words sealed. Raises Refusal."""
    return {
        **said.columns(),
        "words": sealed_week(session, held.participant_id, note_id, said),
        "has_words": bool(said.words),
        "is_complete": stands.complete,
        "written_by": stands.by,
        "written_at": stands.at,
    }


def _told(week: date, said: Week, *, complete: bool) -> dict[str, events.Fact]:
    """What the record is told of a note."""
    return {"week": week.isoformat(), "complete": complete, "met": said.met, "has_words": bool(said.words)}


def _is_known(said: Week, before: NoteLine | None) -> bool:
    """Whether the meetings are as they stood, so that nothing is asked about them again."""
    return before is not None and (said.met, said.minutes) == (before.met, before.minutes)


def _tells_otherwise(said: Week, before: NoteLine | None, *, unfinished: bool) -> bool:
    """Whether who looks at the follow-up would judge anew: words saved as they are typed change nothing of contact."""
    if before is None:
        return True
    was = (before.met, before.communications, before.why_none, before.is_complete)
    return (said.met, list(said.communications), said.why_none, not unfinished) != was


def standing_weeks(session: Session, row: Followed) -> dict[date, tuple[NoteLine, Week]]:
    """What the notes of a follow-up say, by their weeks, for a rule or for a file that notes its reading by itself.

    No person reads it here. Raises Refusal.
    """
    notes = every(session, of(WeeklyNote).where(WeeklyNote.follow_up_id == row.id).order_by(col(WeeklyNote.week)))
    return {
        note.week: (note, Week.of(note, opened_week(session, row.participant_id, note.id, note.words)))
        for note in notes
    }


class TakenOver(NamedTuple):
    """A week that is taken over from a workbook, and the version that stood when that was looked at, 0 for none."""

    week: date
    said: Week
    seen: int


class StoodBefore(NamedTuple):
    """What stood before a week was taken over, None where nothing did; and the version that it has since."""

    week: date
    version: int
    said: Week | None
    complete: bool
    by: UUID
    at: datetime


def take_over(session: Session, held: LockedFollowUp, rows: Sequence[TakenOver]) -> list[StoodBefore]:
    """Write weeks of a workbook at once, however late and however long, and say what stood before each.

    One that says enough is complete, the others are unfinished. Raises Refusal where one is no week of the follow-up,
    cannot have been, or was changed since it was looked at: then none is written.
    """
    standing = standing_weeks(session, held.row)
    here = {"program_id": program_of(session), "follow_up_id": held.id}
    by, added, stood_before, complete = surely(held.by.person_id), [], [], {}
    for week, given, seen in rows:
        refuse_week(held.row, week, day=held.day, however_late=True)
        said = checked_week(given)
        before, stood = standing.get(week, (None, None))
        version = before.version if before is not None else 0
        if seen != version:
            raise _changed_since(held, week)
        complete[week] = _is_finished(said)
        note_id = before.id if before is not None else uuid4()
        values = _columns(session, held, note_id, said, _Stands(complete[week], by, held.at))
        if before is None:
            added.append({**here, "id": note_id, "week": week, **values, "version": 1})
            stood_before.append(StoodBefore(week, 1, None, complete=False, by=by, at=held.at))
        else:
            changed = changes(WeeklyNote).where(WeeklyNote.id == note_id)
            run(session, changed.values(**values, version=version + 1))
            stood_before.append(
                StoodBefore(week, version + 1, stood, before.is_complete, before.written_by, before.written_at)
            )
    if added:
        run(session, insert(WeeklyNote), added)
    _tell_of(session, held, [_told(row.week, row.said, complete=complete[row.week]) for row in rows])
    _settle_tasks(session, held.id, [week for week, is_so in complete.items() if is_so], by=held.by, at=held.at)
    return stood_before


def _changed_since(held: LockedFollowUp, week: date) -> Refusal:
    return Refusal(
        "import.changed",
        N_("%(number)s, week of %(week)s: this note was changed meanwhile. Nothing was saved; look again."),
        number=held.number,
        week=week,
    )


def _is_finished(said: Week) -> bool:
    """Whether a note that says this may be complete."""
    return said.says_enough and (said.why_none != "other" or says_something(said.why_other))


def put_back(session: Session, held: LockedFollowUp, rows: Sequence[StoodBefore]) -> set[date]:
    """Write again what stood before weeks were taken over; returns the weeks of those that were changed since.

    These stay as they are. A week of which nothing stood is left without a word, and unfinished.
    """
    stands = {note.week: note for note in every(session, _NOTES.where(WeeklyNote.follow_up_id == held.id))}
    stays = {one.week for one in rows if stands[one.week].version != one.version}
    goes_back = [one for one in rows if one.week not in stays]
    for one in goes_back:
        note_id, said = stands[one.week].id, one.said or Week()
        values = _columns(session, held, note_id, said, _Stands(one.complete, one.by, one.at))
        changed = changes(WeeklyNote).where(WeeklyNote.id == note_id)
        run(session, changed.values(**values, version=one.version + 1))
    _tell_of(session, held, [_told(one.week, one.said or Week(), complete=one.complete) for one in goes_back])
    return stays


def _tell_of(session: Session, held: LockedFollowUp, told: Sequence[dict[str, events.Fact]]) -> None:
    """Tell the record of several notes of a follow-up, and have who looks at it judge anew."""
    if told:
        change_follow_up(session, held)
        lines = [(held.id, {"number": held.number, **facts}) for facts in told]
        events.write_many(session, "follow_up.noted", KIND, lines, by=held.by, at=held.at)


def read_words(
    session: Session, note_id: UUID, participant_id: UUID, *, ground: Ground, by: Actor, at: datetime
) -> dict[str, str]:
    """Read the words of a note by their fields, and note it on record in the same transaction. Raises Refusal."""
    record_read(session, "weekly_note", note_id, what=NOTE, ground=ground, by=by, at=at)
    words = scalar(session, only(WeeklyNote.words).where(WeeklyNote.id == note_id))
    return opened_week(session, participant_id, note_id, words)


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


def _settle_tasks(session: Session, follow_up_id: UUID, weeks: Collection[date], *, by: Actor, at: datetime) -> None:
    """Complete the tasks of the worker who owed notes of these weeks, where none is missing any more."""
    workers = {row.person_id for row in parts_of(session, follow_up_id) if row.kind == PRIMARY}
    items = {_item(*one) for one in product(workers, weeks)}
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


def refuse_week(row: Followed, week: date, *, day: date, however_late: bool = False) -> None:
    """Raises Refusal where a week is not one of a follow-up of which a note may be written on a local day."""
    if week != monday_of(week):
        raise Refusal("week.malformed", N_("A week is known by its Monday."))
    refused = not_now(week, day)
    if refused is not None and not (however_late and week <= day):
        raise refused
    if sunday_of(week) < row.opened_on:
        raise Refusal("week.malformed", N_("The follow-up had not begun in that week."))
    if row.state in ENDED and week > row.state_since:
        raise Refusal("week.malformed", N_("The follow-up had ended by that week."), source="FU-1")


def not_now(week: date, day: date) -> Refusal | None:
    """Why no note of a week may be written on a local day, of whomever: it is to come, or too long ago."""
    if week > day:
        return Refusal("week.malformed", N_("This week has not begun."))
    if day - sunday_of(week) > LATEST:
        return Refusal("week.malformed", N_("That week is too long ago to be noted now."))
    return None
