"""What holds of files that end, of who reads them, and of the letters: destruction takes two, insiders are heard of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from domain.kernel import local_day, program, program_of, run
from domain.mail import without_numbers
from domain.participants import DAY, HOUR, rates_of
from simulation.promises import found, promise


@promise("No file is destroyed that two people did not agree to destroy.", stays=True)
def destroyed_by_two(session: Session, _: datetime) -> Iterator[str]:
    """Of every file that is destroyed, another than who asked confirmed it; drafts and joined files end otherwise."""
    yield from found(
        session,
        """
        select 'participant', p.id from participant p
        where p.program_id = :here and p.state = 'destroyed' and p.joined_to_id is null
            and exists (select 1 from referral r where r.program_id = p.program_id and r.participant_id = p.id
                and r.state not in ('draft', 'abandoned'))
            and not exists (select 1 from destruction d where d.program_id = p.program_id and d.participant_id = p.id
                and d.state = 'confirmed')
        union all
        select 'destruction', d.id from destruction d
        where d.program_id = :here and d.state = 'confirmed' and not d.before_two and (
            d.ended_by is null or d.ended_by = any(array[d.asked_by, d.asked_for])
            or d.ended_for = any(array[d.asked_by, d.asked_for])
            or not exists (select 1 from participant p where p.program_id = d.program_id and p.id = d.participant_id
                and p.state = 'destroyed'))
        """,
    )


@promise("Nobody confirms the destruction of a file before its delay is over, or after it lapsed.", stays=True)
def confirmed_in_time(session: Session, _: datetime) -> Iterator[str]:
    """By the local day of the confirmation."""
    yield from found(
        session,
        """
        select 'destruction', id from destruction
        where program_id = :here and state = 'confirmed' and not before_two
            and (ended_at at time zone :zone)::date not between confirm_from and lapses_on
        """,
        zone=program(session).time_zone,
    )


@promise("Destruction is confirmed by the privacy officer or a manager.", stays=True)
def confirmed_by_who_answers(session: Session, _: datetime) -> Iterator[str]:
    """By the hat under which it was."""
    yield from found(
        session,
        """
        select 'destruction', id from destruction
        where program_id = :here and state = 'confirmed' and not before_two
            and ended_as not in ('privacy_officer', 'manager')
        """,
    )


@promise("Nobody is asked to confirm the destruction of a file that is held, followed, being admitted or kept.")
def asked_of_what_is_over(session: Session, at: datetime) -> Iterator[str]:
    """What comes between stops what is asked, in the same transaction."""
    yield from found(
        session,
        """
        select 'destruction', d.id from destruction d
        join participant p on p.program_id = d.program_id and p.id = d.participant_id
        where d.program_id = :here and d.state = 'asked' and (
            p.held or p.retain_until is null
            or (p.retain_until >= :today and (p.state = 'candidate' or d.ground in ('calendar', 'not_triaged')))
            or p.state not in ('candidate', 'refused', 'declined', 'admitted')
            or exists (select 1 from follow_up f where f.program_id = p.program_id and f.participant_id = p.id
                and f.state not in ('inactive', 'completed'))
            or (p.state = 'candidate' and exists (select 1 from referral r where r.program_id = p.program_id
                and r.participant_id = p.id and r.state = 'triaged')))
        """,
        today=local_day(session, at),
    )


@promise("What says who somebody was is gone from a file that is destroyed, and its key is to go with it.")
def nothing_left(session: Session, _: datetime) -> Iterator[str]:
    """The row says that the key is to go; that the store has none is the worker's, within a minute."""
    yield from found(
        session,
        """
        select 'participant', p.id from participant p
        left join data_key k on k.program_id = p.program_id and k.participant_id = p.id
        where p.program_id = :here and p.state = 'destroyed'
            and (p.sealed is not null or p.names is not null or cardinality(p.marks) > 0 or k.destroyed_at is null)
        """,
    )


@promise("A last day that somebody set by hand has its reason.", stays=True)
def set_with_a_reason(session: Session, _: datetime) -> Iterator[str]:
    """Each line of the record that says so has the words beside it, sealed; so have a hold and its release."""
    yield from found(
        session,
        """
        select 'event', e.id from event e
        where e.program_id = :here and e.verb in ('retention.moved', 'retention.held', 'retention.released')
            and not exists (
                select 1 from kept_until k where k.program_id = e.program_id and k.participant_id = e.subject_id
                    and k.set_at = e.at and k.day is not distinct from (e.facts->>'day')::date)
        """,
    )


@promise("Nobody opened more files in the last hour than their role may.")
def read_within_the_rate(session: Session, at: datetime) -> Iterator[str]:
    """By the highest rate of the roles under which somebody read in that hour."""
    rates = rates_of(session)
    rows = run(
        session,
        text("""
        select actor_id, array_agg(distinct actor_as) as roles, count(distinct subject_id) as files from event
        where program_id = :here and verb = 'read' and facts->>'what' = 'identity' and at > :since and at <= :at
        group by actor_id
        """),
        {"here": program_of(session), "since": at - HOUR, "at": at},
    )
    for row in rows:
        if row.files > max(rates.rate_of(role).an_hour for role in row.roles):
            yield f"person {row.actor_id}"


@promise(
    "About one reader a letter of unusual readings goes out once an hour at most, and never to the reader.", stays=True
)
def heard_of_once_an_hour(session: Session, _: datetime) -> Iterator[str]:
    """By the record of what was told, and whom the letters went to."""
    yield from found(
        session,
        """
        select 'event', e.id from event e join event o on o.program_id = e.program_id and o.verb = e.verb
            and o.subject_id = e.subject_id and o.n < e.n and o.at > e.at - interval '1 hour'
        where e.program_id = :here and e.verb = 'reading.pattern'
        union all
        select 'notice', n.id from notice n
        where n.program_id = :here and n.template = 'reading_pattern'
            and split_part(n.key, ':', 2) = n.person_id::text
        """,
    )


@promise("The subject of no letter calls anybody or anything by reference or number.")
def subjects_call_nobody(session: Session, at: datetime) -> Iterator[str]:
    """Of the letters of the last day: what one of before said in its subject, it said."""
    rows = run(
        session,
        text("select id, subject from notice where program_id = :here and created_at > :since and created_at <= :at"),
        {"here": program_of(session), "since": at - DAY, "at": at},
    )
    for row in rows:
        if without_numbers(row.subject) != row.subject:
            yield f"notice {row.id}"
