"""With the last role access ends by itself; and each letter leaves once, in its turn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from domain.kernel import local_day, program
from simulation.promises import found, promise

#: The doors are looked at each two seconds; this leaves room for a worker that was away.
_HAD_ITS_TIME: Final = timedelta(hours=1)
#: A letter that nothing holds up leaves within seconds.
_LONG: Final = timedelta(days=2)

#: Who held a role once, and holds none today nor later, since longer ago than the doors need.
_OUTSIDE: Final = """
outside as materialized (
    select person_id from tenure where program_id = :here and taken_back_at is null
    group by person_id
    having max(coalesce(ends_on, 'infinity'::date)) < :seen_to and coalesce(max(ended_at) < :then, true)
)"""


@promise("With the last role, access ends by itself: sign-ins, passkeys, accounts, calendar addresses and links.")
def doors_are_closed(session: Session, at: datetime) -> Iterator[str]:
    """What lets one in, or read, who holds nothing any more since an hour."""
    yield from found(
        session,
        f"""
        with {_OUTSIDE}
        select 'browser_session', way.id from browser_session way join outside using (person_id)
            where way.program_id = :here and way.ended_at is null
        union all select 'passkey', way.id from passkey way join outside using (person_id)
            where way.program_id = :here and way.ended_at is null
        union all select 'identity', way.person_id from identity way join outside using (person_id)
            where way.program_id = :here and way.ended_at is null
        union all select 'calendar_feed', way.id from calendar_feed way join outside using (person_id)
            where way.program_id = :here and way.ended_at is null
        union all select 'door', way.person_id from door way join outside using (person_id)
            where way.program_id = :here and way.used_at is null and way.expires_at > :at
        union all select 'invitation', invitation.id from meeting_link way
            join invitation on invitation.program_id = way.program_id and invitation.id = way.invitation_id
            join outside using (person_id)
            where way.program_id = :here and way.ended_at is null and way.expires_at > :at
        """,  # noqa: S608 - its parts are this module's own
        seen_to=local_day(session, at - _HAD_ITS_TIME),
        then=at - _HAD_ITS_TIME,
        at=at,
    )


@promise("No letter is left behind: what waits was tried, or nothing that was written later has left.")
def none_is_left_behind(session: Session, at: datetime) -> Iterator[str]:
    """A letter that nobody tried to send in two days, though later ones left."""
    yield from found(
        session,
        """
        select 'notice', waits.id from notice waits
        where waits.program_id = :here and waits.state = 'queued' and waits.attempts = 0 and waits.created_at < :then
            and waits.created_at + interval '1 day' < (
                select max(later.created_at) from notice later where later.program_id = :here and later.state = 'sent')
        """,
        then=at - _LONG,
    )


@promise("Letters of one thread leave to a person in the order in which they were written.", stays=True)
def threads_are_in_order(session: Session, _: datetime) -> Iterator[str]:
    """A letter that left before one of the same thread and person that was written earlier, and was tried once."""
    yield from found(
        session,
        """
        select 'notice', id from (
            select id, attempts, sent_at, max(sent_at) over (
                partition by person_id, thread order by n rows between unbounded preceding and 1 preceding) as before
            from notice where program_id = :here and thread <> '' and sent_at is not null and attempts <= 1
        ) as sent where sent_at < before
        """,
    )


@promise("One letter a day at most tells a person how their day stands.", stays=True)
def one_digest_a_day(session: Session, _: datetime) -> Iterator[str]:
    """A second digest to one person on a local day."""
    yield from found(
        session,
        """
        select 'notice', id from (
            select id, row_number() over (
                partition by person_id, (created_at at time zone :zone)::date order by n) as place
            from notice where program_id = :here and template = 'daily_digest'
        ) as digest where place > 1
        """,
        zone=program(session).time_zone,
    )


@promise("Each letter goes to one person at one address, and is written once for its cause.", stays=True)
def one_recipient(session: Session, _: datetime) -> Iterator[str]:
    """A letter to several addresses or to none, or beside another of the same words to the same person and moment."""
    yield from found(
        session,
        """
        select 'notice', id from notice where program_id = :here and to_address !~ '^[^@,;[:space:]]+@[^@,;[:space:]]+$'
        union all
        select 'notice', id from (
            select id, row_number() over (
                partition by person_id, template, created_at, case_id, md5(subject), length(message), key order by n
            ) as place
            from notice where program_id = :here
        ) as written where place > 1
        """,
    )


@promise("No agenda, no minutes and no daily letter go to one who has left.", stays=True)
def none_to_who_left(session: Session, _: datetime) -> Iterator[str]:
    """Such a letter, written to one whose last role had ended days before, as its end was known by then."""
    yield from found(
        session,
        """
        select 'notice', letter.id from notice letter
        where letter.program_id = :here and letter.template in ('meeting_agenda', 'meeting_minutes', 'daily_digest')
            and (
                select max(coalesce(held.ends_on, 'infinity')) from tenure held
                where held.program_id = letter.program_id and held.person_id = letter.person_id
                    and held.taken_back_at is null
                    and (held.ended_at is null or held.ended_at < letter.created_at - interval '1 day')
            ) < (letter.created_at at time zone :zone)::date - 2
            and not exists (
                select 1 from tenure later where later.program_id = letter.program_id
                and later.person_id = letter.person_id and later.ended_at >= letter.created_at - interval '1 day')
        """,
        zone=program(session).time_zone,
    )


@promise("Nobody named themselves as who follows in a role.", stays=True)
def named_by_another(session: Session, _: datetime) -> Iterator[str]:
    """A role of a leaver's that somebody took over by their own word."""
    yield from found(
        session,
        """
        select 'settlement', id from settlement
        where program_id = :here and kind = 'tenure' and successor_id is not null and settled_by = successor_id
        """,
    )


@promise("Who left a partner has no seat of it any more.")
def no_seat_of_who_left(session: Session, at: datetime) -> Iterator[str]:
    """A seat of an organization, of somebody whose departure from it is over and who holds no role there again."""
    yield from found(
        session,
        """
        select 'seat_holder', held.id from departure gone
        join seat on seat.program_id = :here and seat.organization_id = gone.organization_id
        join seat_holder held on held.program_id = :here and held.seat_id = seat.id and held.person_id = gone.person_id
        where gone.program_id = :here and gone.ended_at is not null and gone.called_off_at is null
            and held.withdrawn_at is null and held.starts_on <= :day and coalesce(held.ends_on, 'infinity') >= :day
            and not exists (
                select 1 from tenure where tenure.program_id = :here and tenure.person_id = gone.person_id
                and tenure.organization_id = gone.organization_id and tenure.taken_back_at is null
                and coalesce(tenure.ends_on, 'infinity') >= :day)
        """,
        day=local_day(session, at),
    )


@promise("An account of a leaver's is closed by the word of who saw to it.")
def accounts_are_closed_by_a_word(session: Session, _: datetime) -> Iterator[str]:
    """A closed account of which no settlement says how it ended."""
    yield from found(
        session,
        """
        select 'account', account.id from account
        where account.program_id = :here and account.closed_at is not null and not exists (
            select 1 from settlement where settlement.program_id = :here and settlement.kind = 'account'
            and settlement.holding_id = account.id)
        """,
    )
