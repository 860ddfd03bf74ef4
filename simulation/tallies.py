"""What is counted in the database of a simulated program once a week, by a statement that takes little at any age.

Each part gives rows of one form: of what, which, in which month, in which state, how many. What stands now is found by
the indexes of what is open. What happened is read from the record and the letters, from where the last reading ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg


class Tally(NamedTuple):
    """A row as it is counted."""

    of: str
    which: str
    month: str
    state: str
    n: float


@dataclass(frozen=True)
class Asked:
    """Of which program, up to which moment, and since when what happened is new."""

    program: UUID
    zone: str
    day: date
    at: datetime
    since: datetime
    line: int
    months_from: date


#: What goes on at the end of a day.
_STANDS: Final = (
    """select 'hold', o.key || '/' || t.role || '/' || t.person_id, '', '', 1
    from tenure t join organization o on o.program_id = t.program_id and o.id = t.organization_id
    where t.program_id = %(program)s and t.starts_on <= %(day)s and coalesce(t.ends_on, 'infinity') >= %(day)s
    and t.taken_back_at is null""",
    """select 'away', '', '', '', count(*) from absence
    where program_id = %(program)s and cancelled_at is null and ends_on >= %(day)s and starts_on <= %(day)s""",
    """select 'seat', c.key, '', '', count(*)
    from seat s join committee c on c.program_id = s.program_id and c.id = s.committee_id
    where s.program_id = %(program)s and coalesce(s.starts_on, '-infinity') <= %(day)s
    and coalesce(s.ends_on, 'infinity') >= %(day)s and not exists (
        select from seat_holder h where h.program_id = s.program_id and h.seat_id = s.id and h.withdrawn_at is null
        and h.starts_on <= %(day)s and coalesce(h.ends_on, 'infinity') >= %(day)s
    ) group by 2""",
    """select 'follow_up', state, '', '', count(*) from follow_up where program_id = %(program)s group by 2""",
    # An array, whose rows are looked up once whatever the planner knows of the tables.
    """select 'vacancy', '', '', '', count(*) from follow_up
    where program_id = %(program)s and state = 'active' and id <> all(array(
        select follow_up_id from assignment
        where program_id = %(program)s and kind = 'primary' and withdrawn_at is null and starts_on <= %(day)s
        and coalesce(ends_on, 'infinity') >= %(day)s
    ))""",
    """select 'participant', state, '', '', count(*) from participant where program_id = %(program)s group by 2""",
    """select 'held', '', '', '', count(*) from participant where program_id = %(program)s and held""",
    """select 'waiting', '', '', '', percentile_cont(0.5) within group (order by %(day)s - r.since)
    from participant p cross join lateral (
        select (max(received_at) at time zone %(zone)s)::date as since from referral
        where program_id = p.program_id and participant_id = p.id
    ) r where p.program_id = %(program)s and p.state in ('candidate', 'assigned', 'committed')""",
    """select 'task', case when due_on < %(day)s then 'late' else 'in time' end, '', '', count(*) from task
    where program_id = %(program)s and state in ('open', 'submitted') group by 2""",
    """select 'days late', '', '', '', percentile_cont(0.5) within group (order by %(day)s - due_on) from task
    where program_id = %(program)s and state in ('open', 'submitted') and due_on < %(day)s""",
    """select 'obligation', state, '', '', count(*) from obligation_period
    where program_id = %(program)s and starts_on <= %(day)s
    and (case when ends_on is null then 'infinity'::date else coalesce(due_on, ends_on) end) >= %(day)s group by 2""",
    """select 'case', protocol, '', '', count(*) from "case" where program_id = %(program)s and state = 'open'
    group by 2""",
)
#: What happened since the last reading.
_HAPPENED: Final = (
    """select 'verb', verb, '', '', count(*) from event where program_id = %(program)s and n > %(line)s group by 2""",
    # The newest, whichever was read last: after a restore they count from an earlier one on.
    """select 'line', '', '', '', max(n) from event where program_id = %(program)s""",
    """select 'letter', template, '', '', count(*) from notice
    where program_id = %(program)s and sent_at > %(since)s and sent_at <= %(at)s group by 2""",
    """select 'unsent', state, '', '', count(*) from notice
    where program_id = %(program)s and state in ('queued', 'failed') group by 2""",
    """select 'run', outcome, '', '', count(*) from engine_run
    where program_id = %(program)s and ended_at > %(since)s and ended_at <= %(at)s group by 2""",
)
#: What may still change for some weeks after its day, told anew by month each time.
_BY_MONTH: Final = (
    """select 'sitting', c.key, to_char(m.starts, 'YYYY-MM'),
    case when m.state = 'held' and not m.quorate then 'without_quorum' else m.state end, count(*)
    from meeting m join committee c on c.program_id = m.program_id and c.id = m.committee_id
    where m.program_id = %(program)s and m.starts >= %(months_from)s and m.starts_at <= %(at)s group by 2, 3, 4""",
    """select 'decision', c.key, to_char(m.starts, 'YYYY-MM'), '', sum(d.taken)
    from meeting m join committee c on c.program_id = m.program_id and c.id = m.committee_id
    cross join lateral (
        select count(*) as taken from decision where program_id = m.program_id and meeting_id = m.id
    ) d where m.program_id = %(program)s and m.starts >= %(months_from)s and m.starts_at <= %(at)s group by 2, 3""",
    """select 'seat_filled', c.key, to_char(m.starts, 'YYYY-MM'), a.state, count(*)
    from meeting m join committee c on c.program_id = m.program_id and c.id = m.committee_id
    join attendance a on a.program_id = m.program_id and a.meeting_id = m.id
    where m.program_id = %(program)s and m.starts >= %(months_from)s and m.starts_at <= %(at)s
    and m.state = 'held' group by 2, 3, 4""",
    """select 'period', '', to_char(coalesce(due_on, ends_on), 'YYYY-MM'), state, count(*) from obligation_period
    where program_id = %(program)s
    and (case when ends_on is null then 'infinity'::date else coalesce(due_on, ends_on) end) >= %(months_from)s
    and (case when ends_on is null then 'infinity'::date else coalesce(due_on, ends_on) end) < %(day)s group by 3, 4""",
)
_ALL: Final = "\nunion all\n".join((*_STANDS, *_HAPPENED, *_BY_MONTH))


def tallies(reading: psycopg.Connection[Any], asked: Asked) -> Iterator[Tally]:
    """Count everything, in one statement."""
    for of, which, month, state, n in reading.execute(_ALL.encode(), vars(asked)):
        if n is not None:
            yield Tally(of, which, month, state, float(n))


def by_which(rows: list[Tally], of: str) -> Counter[str]:
    """How many of each, of one thing."""
    return Counter({row.which: int(row.n) for row in rows if row.of == of})


def only(rows: list[Tally], of: str) -> float | None:
    """The one number of a thing; None where there is none."""
    return next((row.n for row in rows if row.of == of), None)
