"""On whom things fall: each task has somebody or a vacancy that people see, and nobody settles what is their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.casework import vacancies
from domain.follow_ups import FIND_A_WORKER
from domain.kernel import local_day
from simulation.promises import found, promise, shared, since
from simulation.promises.nothing_in_hand import live_tasks, todays_roles, vacant_places

#: Nobody's own: what is seen by a reader whom no participant barred.
_ANYBODY = UUID(int=0)


@promise("What is open or handed in falls to somebody, or people see whom it waits for.")
def has_somebody(session: Session, at: datetime) -> Iterable[str]:
    """A task that falls to nobody, and is listed neither under a vacant role nor as waiting for one who is there.

    Whoever holds the role may be away, may begin soon, or be barred from approving: the task says so, and for whom.
    """
    today = shared(session, todays_roles, at)
    alone = [
        task
        for task, falls in shared(session, live_tasks, at)
        if not falls.holders and not falls.waits_for and all(today.has_nobody(link) for link in task.links)
    ]
    if alone:
        vacant = shared(session, vacant_places, at)
        listed = vacancies.falling(session, today, vacant, reader=_ANYBODY)
        seen = {falling.id for tasks in listed.values() for falling in tasks}
        yield from (f"task {task.id}" for task in alone if task.id not in seen)


@promise("No two open tasks ask one role for the same thing of the same item.")
def asked_by_one_task(session: Session, _: datetime) -> Iterator[str]:
    """A task beside an older one of the same step, item and owner, in the same case or outside any."""
    yield from found(
        session,
        """
        select 'task', id from (
            select id, row_number() over (
                partition by case_id, step, item, declared_owed_by_id, owed_by_id order by opened_at, id) as place
            from task
            where program_id = :here and state in ('open', 'submitted') and (item <> '' or case_id is not null)
        ) as asked where place > 1
        union all
        select 'task', t.id from task t where t.program_id = :here and t.state in ('open', 'submitted')
            and t.holding <> '' and exists (
                select 1 from task o where o.program_id = t.program_id and o.state in ('open', 'submitted')
                and o.holding = t.holding and o.item = t.item and o.step = t.step and o.id < t.id)
        """,
    )


@promise("Nobody approves their own request, under any role, nor for whom they act.", stays=True)
def approved_by_another(session: Session, _: datetime) -> Iterator[str]:
    """An approval, in the record or on the task, by one who handed it in, for whom it was, or who acts for either."""
    yield from found(
        session,
        """
        select 'task', approved.subject_id from event approved
        cross join lateral (
            select asked.actor_id, asked.actor_for from event asked
            where asked.program_id = approved.program_id and asked.subject_id = approved.subject_id
                and asked.verb = 'task.submitted' and asked.n < approved.n order by asked.n desc limit 1) as own
        where approved.program_id = :here and approved.verb in ('task.approved', 'task.rejected')
            and array[approved.actor_id, approved.actor_for] && array_remove(array[own.actor_id, own.actor_for], null)
        union
        select 'task', id from task
        where program_id = :here and state = 'done' and approved_by_id is not null and settled_by in (done_by, done_for)
        """,
    )


@promise("A worker is looked for a follow-up as long as nobody accompanies it, and no longer.")
def looked_for_no_longer(session: Session, at: datetime) -> Iterator[str]:
    """An open task to find a worker, of a follow-up that has one from today on without a last day, or that ended."""
    yield from found(
        session,
        """
        select 'task', task.id from task join follow_up on follow_up.program_id = task.program_id
            and follow_up.id::text = task.item
        where task.program_id = :here and task.step = :step and task.state in ('open', 'submitted')
            and (follow_up.state in ('inactive', 'completed') or exists (
                select 1 from assignment where assignment.program_id = follow_up.program_id
                and assignment.follow_up_id = follow_up.id and assignment.kind = 'primary'
                and assignment.withdrawn_at is null and assignment.starts_on <= :today and assignment.ends_on is null))
        """,
        step=FIND_A_WORKER,
        today=local_day(session, at),
    )


@promise("Whom a participant barred accompanies them no more, and is not to meet them.")
def barred_ones_are_out(session: Session, at: datetime) -> Iterator[str]:
    """A part that goes on after today, a candidate to meet, or an offer, of one who is barred from the file."""
    yield from found(
        session,
        """
        select 'assignment', assignment.id from barred
        join follow_up on follow_up.program_id = barred.program_id and follow_up.participant_id = barred.participant_id
        join assignment on assignment.program_id = follow_up.program_id and assignment.follow_up_id = follow_up.id
            and assignment.person_id = barred.person_id
        where barred.program_id = :here and barred.lifted_at is null and assignment.withdrawn_at is null
            and follow_up.state <> 'completed' and (assignment.ends_on is null or assignment.ends_on > :today)
        union all
        select 'candidate_worker', meets.id from barred
        join candidate_worker meets on meets.program_id = barred.program_id
            and meets.participant_id = barred.participant_id and barred.person_id in (meets.worker_id, meets.second_id)
        where barred.program_id = :here and barred.lifted_at is null and meets.ended_at is null
        union all
        select 'hand_over', offer.id from barred
        join follow_up on follow_up.program_id = barred.program_id and follow_up.participant_id = barred.participant_id
        join hand_over offer on offer.program_id = follow_up.program_id and offer.follow_up_id = follow_up.id
            and offer.to_id = barred.person_id and offer.state = 'proposed'
        where barred.program_id = :here and barred.lifted_at is null
        """,
        today=local_day(session, at),
    )


@promise("After two further attempts without an answer, no third is made.")
def no_third_attempt(session: Session, at: datetime) -> Iterator[str]:
    """A third attempt in a row that reached nobody, since the follow-up became active."""
    yield from found(
        session,
        """
        select 'contact_attempt', id from (
            select attempt.id, attempt.recorded_at, attempt.reached or lag(attempt.reached) over tries
                or lag(attempt.reached, 2) over tries as answered
            from contact_attempt attempt join follow_up on follow_up.program_id = attempt.program_id
                and follow_up.id = attempt.follow_up_id
            where attempt.program_id = :here and attempt.recorded_at >= follow_up.active_at
                and follow_up.state = 'active'
            window tries as (
                partition by attempt.follow_up_id order by attempt.tried_on, attempt.recorded_at, attempt.id)
        ) as tried where not answered and recorded_at >= :since
            and not exists (
                select 1 from contact_attempt this join weekly_note note on note.program_id = this.program_id
                    and note.follow_up_id = this.follow_up_id and (note.met > 0 or note.reached)
                where this.program_id = :here and this.id = tried.id
                    and note.week between this.tried_on - 35 and this.tried_on)
        """,
        since=since(session, at),
    )


@promise("Nobody is admitted without a consent to the program, signed by then.", stays=True)
def admitted_with_a_consent(session: Session, _: datetime) -> Iterator[str]:
    """Who has a number and a day of admission, and signed no consent to the program until that day."""
    yield from found(
        session,
        """
        select 'participant', participant.id from participant
        where participant.program_id = :here and participant.number is not null and participant.admitted_on is not null
            and not exists (
                select 1 from consent where consent.program_id = participant.program_id
                and consent.participant_id = participant.id and consent.purpose = 'program'
                and consent.signed_on <= participant.admitted_on)
        """,
    )


@promise("No one gives themselves the role of who answers for privacy.", stays=True)
def not_by_themselves(session: Session, _: datetime) -> Iterator[str]:
    """An appointment as privacy officer that its own person entered, or that was entered on their behalf."""
    yield from found(
        session,
        """
        select 'person', subject_id from event
        where program_id = :here and verb = 'tenure.started' and facts->>'role' = 'privacy_officer'
            and subject_id in (actor_id, actor_for)
        """,
    )


@promise("The coordination does not settle who answers for privacy, nor whether they are away.", stays=True)
def watched_by_another(session: Session, _: datetime) -> Iterator[str]:
    """An absence of the privacy officer, or the end of their role, that the coordinator put down for another."""
    yield from found(
        session,
        """
        select 'event', line.n from event line
        left join absence on absence.program_id = line.program_id and absence.id::text = line.facts->>'absence'
        where line.program_id = :here and line.actor_as = 'coordinator' and line.actor_id <> line.subject_id and (
            (line.verb = 'tenure.ended' and line.facts->>'role' = 'privacy_officer')
            or (line.verb in ('absence.recorded', 'absence.cancelled') and line.subject_kind = 'person' and exists (
                select 1 from tenure held where held.program_id = line.program_id and held.person_id = line.subject_id
                and held.role = 'privacy_officer' and held.taken_back_at is null
                and held.starts_on <= coalesce((line.facts->>'ends_on')::date, absence.ends_on)
                and coalesce(held.ends_on, 'infinity')
                    >= coalesce((line.facts->>'starts_on')::date, absence.starts_on))))
        """,
    )


@promise("A follow-up is never given to a worker of an organization whose agreement is not in force.")
def given_under_an_agreement(session: Session, at: datetime) -> Iterator[str]:
    """A part that begins on a day on which no version of its organization's agreement is in force."""
    yield from found(
        session,
        """
        select 'assignment', part.id from assignment part
        where part.program_id = :here and part.assigned_at >= :since and part.withdrawn_at is null and not exists (
            select 1 from agreement join agreement_version version on version.program_id = agreement.program_id
                and version.agreement_id = agreement.id
            where agreement.program_id = part.program_id and agreement.organization_id = part.organization_id
                and version.state in ('in_force', 'ended') and version.starts_on <= part.starts_on
                and coalesce(version.ends_on, 'infinity') >= part.starts_on)
        """,
        since=since(session, at),
    )
