"""What the engine does by time it does once, and what is on record stays as it was written, with who and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from domain.kernel import only, program, tuples
from domain.record import seal_check
from flows import timetable
from flows.marks import AHEAD
from models.engine import RoundMark
from models.ports import SealKeys
from simulation.promises import found, promise

_A_DAY: Final = timedelta(days=1)


@promise("No round is marked as done ahead of the clock.")
def no_mark_is_ahead(session: Session, at: datetime) -> Iterator[str]:
    """A mark of a moment that is still to come."""
    marks = tuples(session, only(RoundMark.key, RoundMark.done_up_to))
    yield from (f"round_mark {key}" for key, done in marks if done is not None and done > at + AHEAD)


@promise("Each round is done within a day of when it was due, or people are told that it fails.")
def no_round_is_behind(session: Session, at: datetime) -> Iterator[str]:
    """A round that was done before, is late by its patience and a day, and is in no trouble that is noted."""
    marks = tuples(session, only(RoundMark.key, RoundMark.done_up_to, RoundMark.trouble))
    for key, done, trouble in marks:
        if key not in timetable.ROUNDS or done is None or trouble:
            continue
        if timetable.late_by(session, key, at, done) > timetable.ROUNDS[key].patience + _A_DAY:
            yield f"round_mark {key}"


@promise("Each rung of a ladder is used once: nobody is reminded twice by the same.", stays=True)
def rungs_are_used_once(session: Session, _: datetime) -> Iterator[str]:
    """A task that was reminded twice on one local day, or again by a rung that nothing had given back meanwhile.

    A step about a participant begins its ladder anew where another day was agreed with them, which is on their file.
    """
    yield from found(
        session,
        """
        select 'task', subject_id from (
            select subject_id, n, at, facts, lag(n) over tasks as before_n, lag(at) over tasks as before_at,
                lag(facts) over tasks as before, case_id
            from event where program_id = :here and verb = 'task.reminded'
            window tasks as (partition by subject_id order by n)
        ) as told
        where (at at time zone :zone)::date = (before_at at time zone :zone)::date
            or ((facts->>'rung')::int <= (before->>'rung')::int and facts->>'state' = before->>'state' and not exists (
                select 1 from event meanwhile where meanwhile.program_id = :here and meanwhile.n > before_n
                    and meanwhile.n < told.n and meanwhile.verb <> 'task.reminded'
                    and (meanwhile.subject_id = told.subject_id or meanwhile.case_id = told.case_id
                        or meanwhile.subject_id = (
                            select participant_id from "case" where program_id = :here and id = told.case_id))))
        """,
        zone=program(session).time_zone,
    )


@promise("The record is as it was sealed: no line was changed, removed or put in.", stays=True)
def the_record_is_sound(session: Session, _: datetime) -> Iterator[str]:
    """Each thing that a check against the seals finds, by its code. Looks at nothing where no seal keys are given."""
    keys: SealKeys | None = session.info.get("seal_keys")
    if keys is not None:
        yield from (f"record {one.code}" for one in seal_check.check(session, keys).findings)


@promise("What is over says since when, and the record says by whom.")
def ended_by_somebody(session: Session, _: datetime) -> Iterator[str]:
    """A case that ended, a task that was settled, or a loan that was returned, without the moment or its line."""
    yield from found(
        session,
        """
        select 'case', ended.id from "case" ended
        where ended.program_id = :here and ended.state <> 'open' and (
            (ended.state = 'cancelled' and ended.ended_reason = '') or not exists (
                select 1 from event line where line.program_id = ended.program_id and line.subject_id = ended.id
                and line.verb in ('case.closed', 'case.cancelled') and line.at = ended.ended_at))
        union all
        select 'task', settled.id from task settled
        where settled.program_id = :here and settled.state = 'waived'
            and (settled.settled_at is null or settled.settled_as = '')
        union all
        select 'task', done.id from task done
        where done.program_id = :here and done.state = 'done' and done.done_as is null
        union all
        select 'loan', back.id from loan back
        where back.program_id = :here and back.returned_at is not null and back.returned_at < back.lent_at
        union all
        select 'departure', off.id from departure off
        where off.program_id = :here and off.called_off_at is not null and not exists (
            select 1 from event line where line.program_id = off.program_id and line.case_id = off.case_id
            and line.at >= off.called_off_at)
        """,
    )
