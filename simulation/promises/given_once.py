"""Numbers are given once and follow each other; and who reads a file may read it that day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session, or_

from domain.kernel import col, inside, joins, local_day, only, scalar, surely, tuples
from domain.roles import standing
from domain.terms import circle_of
from models.consent import Consent
from models.follow_up import Assignment, FollowUp
from models.participant import Barred, CandidateWorker
from models.record import Event
from simulation.promises import found, promise, since

#: A year's numbers: each that was given, in whichever way, and those that a restore lost.
_COUNTS: Final = """
given as materialized (
    select split_part(substr(number, 2), '-', 1)::int as year, split_part(number, '-', 2)::int as n, id
    from participant where program_id = :here and number is not null
), paper as (
    select (facts->>'year')::int as year, max((facts->>'last')::int) as last from event
    where program_id = :here and verb = 'number.taken_over' group by 1
)"""


@promise("A participant's number is given once, and none is skipped to be given again.", stays=True)
def numbers_follow(session: Session, _: datetime) -> Iterator[str]:
    """A number beyond the last one of its year, one missing before it, or one that the record gives to two."""
    yield from found(
        session,
        f"""
        with {_COUNTS}
        select 'participant', given.id from given
        join number_sequence counted on counted.program_id = :here and counted.year = given.year
        where given.n > counted.last
        union all
        select 'number_sequence', counted.id from number_sequence counted
        cross join lateral generate_series(1, counted.last) as n
        where counted.program_id = :here
            and n > coalesce((select last from paper where paper.year = counted.year), 0)
            and not exists (select 1 from given where given.year = counted.year and given.n = n)
            and not exists (
                select 1 from number_given lost where lost.program_id = :here
                and lost.series = 'participant.' || counted.year and lost.lost @> to_jsonb(n))
        union all
        select 'participant', told.subject_id from event told
        where told.program_id = :here and told.verb in ('follow_up.opened', 'participant.admitted')
            and told.facts ? 'number' and exists (
                select 1 from participant other where other.program_id = told.program_id
                and other.number = told.facts->>'number' and other.id <> told.subject_id
                and not exists (
                    select 1 from follow_up theirs where theirs.program_id = other.program_id
                    and theirs.participant_id = other.id and theirs.id = told.subject_id))
        """,  # noqa: S608 - its parts are this module's own
    )


@promise("Decisions of a committee are numbered without a gap, each number once, whatever becomes of them.", stays=True)
def decisions_follow(session: Session, _: datetime) -> Iterator[str]:
    """A number that the record gives to two decisions, or after which one is missing that no restore lost."""
    yield from found(
        session,
        """
        with numbered as materialized (
            select id, number, (regexp_match(number, '^(.*-[0-9]{4})-'))[1] as series,
                (regexp_match(number, '-([0-9]+)$'))[1]::int as n
            from decision where program_id = :here)
        select 'decision', id from (
            select id, series, n - lag(n, 1, 0) over (partition by series order by n) as step from numbered) as steps
        where step <> 1 and not exists (
            select 1 from number_given lost where lost.program_id = :here
            and starts_with(lost.series, 'decision.' || right(steps.series, 4)))
        union all
        select 'decision', told.subject_id from event told
        join numbered on numbered.number = told.facts->>'number' and numbered.id <> told.subject_id
        where told.program_id = :here and told.verb = 'decision.made'
        """,
    )


@promise("Incidents are all entered and none is deleted: their register has no gap.", stays=True)
def incidents_follow(session: Session, _: datetime) -> Iterator[str]:
    """An incident before which a number is missing that no restore lost."""
    yield from found(
        session,
        """
        select 'incident', id from (
            select id, number - lag(number, 1, 0) over (order by number) as step
            from incident where program_id = :here) as steps
        where step <> 1 and not exists (
            select 1 from number_given lost where lost.program_id = :here and lost.series = 'incident')
        """,
    )


@promise("What a partner's people read of a participant needs the terms in force and the consent to share.")
def read_within_the_circle(session: Session, at: datetime) -> Iterator[str]:
    """A reading by one's part, that day, though the part was shut: by the terms, by the consent, or both."""
    rows = tuples(
        session,
        only(Event.n, Event.subject_id, surely(Event.actor_id), Event.at)
        .where(
            col(Event.verb).in_(["read", "exported"]),
            Event.subject_kind == "participant",
            inside(Event.facts)["ground"].astext == "part",
            col(Event.at) >= since(session, at),
        )
        .order_by(col(Event.n)),
    )
    known: dict[tuple[UUID, UUID, date], bool] = {}
    for n, participant_id, reader_id, read_at in rows:
        which = participant_id, reader_id, local_day(session, read_at)
        if which not in known:
            known[which] = _was_open(session, *which)
        # How it was at that moment is not known any more where it changed since.
        if not known[which] and not _changed_since(session, participant_id, read_at):
            yield f"event {n}"


def _was_open(session: Session, participant_id: UUID, reader_id: UUID, day: date) -> bool:
    """Whether a part that somebody had on a day, or stood in for, opened anything of the file."""
    return circle_of(session, participant_id, day).opens(reader_id, standing(session, day)) != ""


def _changed_since(session: Session, participant_id: UUID, moment: datetime) -> bool:
    """Whether a consent or a part in somebody's file ended after a moment, or a worker was barred from it."""
    asked = (
        only(Consent.id).where(
            Consent.participant_id == participant_id,
            or_(col(Consent.withdrawn_at) >= moment, col(Consent.replaced_at) >= moment),
        ),
        only(CandidateWorker.id).where(
            CandidateWorker.participant_id == participant_id, col(CandidateWorker.ended_at) >= moment
        ),
        only(Assignment.id)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .where(
            FollowUp.participant_id == participant_id,
            or_(col(Assignment.ended_at) >= moment, col(Assignment.withdrawn_at) >= moment),
        ),
        only(Barred.id).where(Barred.participant_id == participant_id, col(Barred.recorded_at) >= moment),
    )
    return any(scalar(session, one.limit(1)) is not None for one in asked)
