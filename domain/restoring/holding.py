"""What a restore closes by rows of its own, until it is decided: bars of files, and numbers of calendars' news.

Other matters are asked where their rules are asked (`domain.kernel.undecided`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import TextClause, text
from sqlmodel import Session

from domain.kernel import run


def hold_back(session: Session) -> None:
    """Close what waits for a decision, in every program. In a session of the owner; doing it again changes nothing."""
    bars = (_BAR_WHO_WAS_BARRED, _BAR_WHOSE_PART_ENDED, _BAR_WHO_MEETS_NO_MORE)
    for statement in (*bars, *map(_number, ("meeting", "meeting_series"))):
        run(session, statement)


_BARS: Final = "insert into barred (program_id, id, participant_id, person_id, recorded_at)"
_OPEN: Final = "m.decided_at is null"

#: Whom a participant barred since may have their file again: not before it is decided.
_BAR_WHO_WAS_BARRED: Final = text(
    f"""{_BARS}
    select m.program_id, gen_random_uuid(), f.id, p.id, m.at from restored_matter m
    join participant f on f.program_id = m.program_id and f.id = m.subject_id and f.state <> 'destroyed'
    join person p on p.program_id = m.program_id and p.id = m.person_id
    where m.verb = 'participant.barred' and {_OPEN}
    on conflict do nothing"""  # noqa: S608  # of constants alone
)
#: Nor does one whose part in a follow-up had ended read it.
_BAR_WHOSE_PART_ENDED: Final = text(
    f"""{_BARS}
    select m.program_id, gen_random_uuid(), u.participant_id, a.person_id, m.at from restored_matter m
    join follow_up u on u.program_id = m.program_id and u.id = m.subject_id
    join assignment a on a.program_id = u.program_id and a.follow_up_id = u.id
        and a.person_id = (m.facts ->> 'worker')::uuid and a.ended_at is null and a.withdrawn_at is null
    where m.verb = 'follow_up.part_ended' and {_OPEN}
    on conflict do nothing"""  # noqa: S608  # of constants alone
)
#: Nor does one who was to meet a candidate, alone or as second, and was not any more.
_BAR_WHO_MEETS_NO_MORE: Final = text(
    f"""{_BARS}
    select m.program_id, gen_random_uuid(), c.participant_id, p.id, m.at from restored_matter m
    join candidate_worker c on c.program_id = m.program_id and c.participant_id = m.subject_id and c.ended_at is null
    join person p on p.program_id = c.program_id and p.id in (c.worker_id, c.second_id)
        and p.id = (m.facts ->> 'worker')::uuid
    where m.verb = 'participant.meets_no_more' and {_OPEN}
    on conflict do nothing"""  # noqa: S608  # of constants alone
)


def _number(kind: str) -> TextClause:
    """Have the next news of a meeting or a season have a higher SEQUENCE than what calendars were told since."""
    key = "series_id" if kind == "meeting_series" else "meeting_id"
    return text(
        f"""insert into invitation (program_id, id, {key}, person_id, told, sequence, told_at, version)
        select m.program_id, gen_random_uuid(), t.id, p.id, '{{}}', max((m.facts ->> 'sequence')::int), max(m.at), 1
        from restored_matter m
        join {kind} t on t.program_id = m.program_id and t.id = m.subject_id
        join person p on p.program_id = m.program_id and m.facts -> 'people' ? p.id::text
        where m.kind = 'meeting' and m.subject_kind = '{kind}' and {_OPEN}
        group by m.program_id, t.id, p.id
        on conflict (program_id, {key}, person_id) do update
        set sequence = greatest(invitation.sequence, excluded.sequence),
            told_at = greatest(invitation.told_at, excluded.told_at)"""  # noqa: S608  # of constants alone
    )
