"""Procedures are carried as their files declare them, and what is due by time is done or people see that it is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from domain.kernel import local_day, program
from flows import obligations, reminders, sweep
from simulation.promises import found, promise, since

#: As SQL, that something that a task needs is not settled.
_IS_HELD_UP = """
exists (
    select 1 from task_need need join task needed on needed.program_id = need.program_id and needed.id = need.needs_id
    where need.program_id = task.program_id and need.task_id = task.id
        and needed.state not in ('done', 'waived', 'cancelled'))"""


@promise("A case closes by itself once nothing that it requires is left, and not before.")
def cases_close(session: Session, at: datetime) -> Iterator[str]:
    """A closed case of which something required is unsettled, or an open one of which nothing is, nor asked for.

    One that was opened again waits for whoever opened it.
    """
    yield from found(
        session,
        """
        with left_over as materialized (
            select case_id, bool_or(act_state in ('wanted', 'undo_wanted')) as is_asked,
                bool_or(required and state not in ('done', 'waived', 'cancelled')) as is_left
            from task where program_id = :here and case_id in (
                select id from "case" where program_id = :here and (state = 'open' or ended_at >= :since))
            group by case_id)
        select 'case', id from "case" join left_over on left_over.case_id = id
        where program_id = :here and (
            (state = 'closed' and is_left)
            or (state = 'open' and not is_left and not is_asked and not exists (
                select 1 from event where event.program_id = :here and event.subject_id = "case".id
                    and event.verb = 'case.reopened')))
        """,
        since=since(session, at),
    )


@promise("Nothing is asked of anyone in a case that is over.")
def nothing_is_asked_of_what_is_over(session: Session, _: datetime) -> Iterator[str]:
    """A task that is open or handed in, of a case that was closed or cancelled."""
    yield from found(
        session,
        """
        select 'task', task.id from task
        join "case" on "case".program_id = task.program_id and "case".id = task.case_id
        where task.program_id = :here and task.state in ('open', 'submitted') and "case".state <> 'open'
        """,
    )


@promise("A step waits for what it needs, and no longer.")
def steps_wait(session: Session, _: datetime) -> Iterator[str]:
    """A step of an open case that is asked for though something that it needs is unsettled, or is not once it is."""
    yield from found(
        session,
        f"""
        with going_on as materialized (select id from "case" where program_id = :here and state = 'open')
        select 'task', task.id from task join going_on on going_on.id = task.case_id
        where task.program_id = :here and task.state in ('planned', 'open', 'submitted')
            and (task.state <> 'planned') = ({_IS_HELD_UP})
        """,  # noqa: S608 - its parts are this module's own
    )


@promise("What the engine is to carry is carried within a day, or people see what holds it up.")
def cases_are_carried(session: Session, _: datetime) -> Iterator[str]:
    """A case that waits for the engine since more than a day in which it was at work, and is in no trouble."""
    yield from found(
        session,
        """
        select 'case', wakes.case_id from wake_up wakes
        join round_mark mark on mark.program_id = wakes.program_id and mark.key = :round
        where wakes.program_id = :here and wakes.want > wakes.have and wakes.trouble = ''
            and mark.done_up_to > greatest(wakes.wanted_at, wakes.not_before) + interval '1 day'
        """,
        round=sweep.sweep.key,
    )


@promise("No reminder is forgotten: once a day's letters are written, each day of a ladder before it was used.")
def ladders_are_climbed(session: Session, _: datetime) -> Iterator[str]:
    """A task whose next reminder was due on a day before the last one of which reminders were written.

    Days that were set anew since then, by the case, the task or one on which days hang, are written the next morning.
    """
    yield from found(
        session,
        """
        select 'task', task.id from task join round_mark mark on mark.program_id = task.program_id and mark.key = :round
        where task.program_id = :here and task.state in ('open', 'submitted')
            and task.next_check < (mark.done_up_to at time zone :zone)::date
            and greatest(task.opened_at, task.done_at) < mark.done_up_to and not exists (
                select 1 from event left join task of_days on of_days.program_id = event.program_id
                    and of_days.id = event.subject_id and of_days.dates_hang
                where event.program_id = task.program_id and event.case_id = task.case_id
                and event.at >= mark.done_up_to
                and (event.subject_id in (task.id, task.case_id) or of_days.id is not null))
        """,
        round=reminders.KEY,
        zone=program(session).time_zone,
    )


@promise("Each clause of an agreement in force is judged: it has a period of the day.")
def clauses_are_judged(session: Session, at: datetime) -> Iterator[str]:
    """A clause that binds on the day up to which clauses were judged, and has no period that this is a day of."""
    yield from found(
        session,
        """
        select 'obligation', clause.id from obligation clause
        join agreement_version version on version.program_id = clause.program_id
            and version.id = clause.agreement_version_id
        join round_mark mark on mark.program_id = clause.program_id and mark.key = :round
        cross join lateral (select least((mark.done_up_to at time zone :zone)::date, :today) as day) as judged
        where clause.program_id = :here and version.state in ('in_force', 'ended') and version.starts_on < judged.day
            and coalesce(version.ends_on, 'infinity') >= judged.day and not exists (
                select 1 from obligation_period period where period.program_id = clause.program_id
                and period.agreement_id = version.agreement_id and period.key = clause.key
                and period.starts_on <= judged.day and coalesce(period.ends_on, 'infinity') >= judged.day)
        """,
        round=obligations.judge.key,
        zone=program(session).time_zone,
        today=local_day(session, at),
    )


@promise("What a clause counts is the number of the facts behind it.", stays=True)
def counts_add_up(session: Session, _: datetime) -> Iterator[str]:
    """A finding whose number of misses, of what was in time or of what was held is not that of its facts."""
    yield from found(
        session,
        """
        select 'obligation_finding', finding.id from obligation_finding finding
        join obligation on obligation.program_id = finding.program_id and obligation.id = finding.obligation_id
        cross join lateral (
            select count(*) filter (where fact->>'why' = 'late') as late,
                count(*) filter (where fact->>'why' = 'in_time') as in_time,
                count(*) filter (where (fact->>'counts')::boolean) as counted
            from jsonb_array_elements(finding.found->'facts') as fact) as facts
        where finding.program_id = :here and finding.found->'numbers' <> '{}' and (
            (obligation.check_kind = 'tasks' and (
                (finding.found->'numbers'->>'late')::int <> facts.late
                or (finding.found->'numbers'->>'in_time')::int <> facts.in_time))
            or (obligation.check_kind = 'attendance' and (
                (finding.found->'numbers'->>'held')::int <> facts.counted
                or (finding.found->'numbers'->>'sat')::int + (finding.found->'numbers'->>'absences')::int
                    <> (finding.found->'numbers'->>'held')::int)))
        """,
    )


@promise("What organizations carry of the coordination position adds up to the whole of it.")
def shares_add_up(session: Session, _: datetime) -> Iterator[str]:
    """A program that declares shares of its coordination, or of who pays for it, that add up to another sum."""
    yield from found(
        session,
        """
        select 'program', program.id from program
        cross join lateral jsonb_each(program.coordination) as structure(name, position)
        cross join lateral (values ('shares'), ('funders')) as of(part)
        cross join lateral (
            select sum((share->>'percent')::int) as percents
            from jsonb_array_elements(coalesce(nullif(position->part, 'null'), '[]')) as share) as carried
        where program.id = :here and jsonb_typeof(position) = 'object' and carried.percents <> 100
        """,
    )
