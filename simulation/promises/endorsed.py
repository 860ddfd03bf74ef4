"""What the pages promise of decisions that the partners endorse (GV-4), each found in the rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, text
from sqlmodel import Session

from domain.kernel import local_day, program_of, run
from simulation.promises import promise, since

#: Silence is asked again on the first working day after the last one: a week covers any holidays that are declared.
_PATIENCE: Final = timedelta(days=21)
#: The round that brings an objection elsewhere comes within so long.
_A_ROUND: Final = timedelta(days=1)

#: A partner on a day: its agreement is in force.
_IS_PARTNER: Final = """
exists (
    select 1 from agreement join agreement_version on agreement_version.program_id = agreement.program_id
        and agreement_version.agreement_id = agreement.id
    where agreement.program_id = word.program_id and agreement.organization_id = word.organization_id
        and agreement_version.state in ('in_force', 'ended') and agreement_version.starts_on <= {day}
        and (agreement_version.ends_on is null or agreement_version.ends_on >= {day})
)"""
_WORDS: Final = """
from endorsement word join decision on decision.program_id = word.program_id and decision.id = word.decision_id
join program on program.id = word.program_id
where word.program_id = :here and word.superseded_at is null and decision.state <> 'withdrawn'
"""
_ASKED: Final = """
select 1 from task
join responsibility on responsibility.program_id = task.program_id and responsibility.id = task.declared_owed_by_id
where task.program_id = word.program_id and task.step = 'decision.endorse' and task.state = 'open'
    and task.item = decision.id::text and exists (
        select 1 from jsonb_array_elements(responsibility.links) link
        where link->>'at' = word.organization_id::text and link->>'person' is null)
"""
#: The local day on which a decision was put to the partners.
_ASKED_ON: Final = """
(coalesce((select min(first.said_at) from endorsement first where first.program_id = decision.program_id
    and first.decision_id = decision.id), decision.decided_at) at time zone program.time_zone)::date"""
#: A partner by whom a decision lets stand, as it stands or falls itself, what frees it of a clause: `alike` or not.
#: What it owes again is what a waiver on record frees it of, whose last day is none before `since`.
_STAKE: Final = """
exists (
    with recursive reached as (
        select decision.id as id, true as alike
        union
        select gone.id, reached.alike <> (gone.number = any(says.takes_back)) from reached
        join decision says on says.program_id = word.program_id and says.id = reached.id
        join decision gone on gone.program_id = word.program_id
            and (gone.number = any(says.takes_back) or gone.id = says.settles_id)
    )
    select 1 from reached
    join decision freeing on freeing.program_id = word.program_id and freeing.id = reached.id
    join agreement freed on freed.program_id = word.program_id and freed.organization_id = word.organization_id
    where {alike} and (
        exists (select 1 from waiver where waiver.program_id = freed.program_id and waiver.agreement_id = freed.id
            and waiver.decision_id = freeing.id and waiver.ends_on >= {since})
        or {of_proposals} and exists (select 1 from waiver_proposal proposal
            join agenda_item item on item.program_id = proposal.program_id
            and item.kind = 'waiver' and item.subject = proposal.id::text
            where proposal.program_id = freed.program_id and proposal.agreement_id = freed.id
            and item.id = freeing.item_id))
)"""
_FREED: Final = _STAKE.format(alike="reached.alike", since="'-infinity'::date", of_proposals="true")
_OWES_AGAIN: Final = _STAKE.format(alike="not reached.alike", since=_ASKED_ON, of_proposals="false")
#: The one partner that a decision leaves out so; what takes back the waivers of several is asked of each.
_LEFT_OUT: Final = f"""
({_OWES_AGAIN} and 1 = (
    select count(*) from endorsement word where word.program_id = decision.program_id
        and word.decision_id = decision.id and word.superseded_at is null and {_OWES_AGAIN}
))"""  # noqa: S608 - its parts are this module's own
_SO_MANY: Final = {"more_than_half": (1, 2, False), "two_thirds": (2, 3, True), "three_quarters": (3, 4, True)}


@promise("A decision that the partners endorse counts for nothing while one of them that it needs is silent.")
def silent_ones(session: Session, _: datetime) -> Iterator[str]:
    """Endorsed, though a partner of the day on which it began to count, bound by no majority, had said nothing.

    But for one whose waiver it takes back while that has days to come, which is not asked.
    """
    counted_on = "(decision.counts_since at time zone program.time_zone)::date"
    yield from _ids(
        session,
        f"""select distinct decision.id {_WORDS}
        and decision.endorsement = 'endorsed' and word.said = '' and word.majority = ''
        and {_IS_PARTNER.format(day=counted_on)} and not {_LEFT_OUT}""",
    )


@promise("A decision counts for nothing while a partner objects to it and nobody settled that.")
def objected_ones(session: Session, _: datetime) -> Iterator[str]:
    """Counting or pending, though a partner objects that no majority outvotes.

    Of one that was taken before endorsements bound, an objection of then stops nothing; nor does one of a partner whose
    waiver the decision takes back.
    """
    yield from _ids(
        session,
        f"""select distinct decision.id {_WORDS} and decision.endorsement in ('endorsed', 'pending')
        and word.said = 'objected' and word.settled_by_id is null and word.majority = '' and not {_LEFT_OUT}""",
    )


@promise("No partner stops or delays by its own word what takes its waiver back.")
def stopped_by_who_owes(session: Session, _: datetime) -> Iterator[str]:
    """Pending or objected to, though every other partner endorsed it, or asked about by the one that it concerns."""
    yield from _ids(
        session,
        f"""select distinct decision.id {_WORDS}
        and (decision.endorsement in ('pending', 'objected') or decision.wanted_by_id = word.organization_id)
        and {_LEFT_OUT} and (
            decision.wanted_by_id = word.organization_id
            or decision.endorsement in ('pending', 'objected') and not exists (
                select 1 from endorsement other where other.program_id = word.program_id
                    and other.decision_id = word.decision_id and other.superseded_at is null
                    and other.organization_id <> word.organization_id
                    and (other.said = '' or other.said = 'objected' and other.settled_by_id is null)))""",  # noqa: S608 - its parts are this module's own
    )


@promise("A majority endorses a decision only where the agreements of that day let it, and it is one.")
def majorities(session: Session, at: datetime) -> Iterator[str]:
    """Endorsed with fewer words than the strictest of its agreements asks for, of its partners then and of those now.

    What counts goes on counting, whoever leaves. Of the words of a partner that is freed of a clause by it none counts.
    """
    counted_on = "(decision.counts_since at time zone program.time_zone)::date"
    is_one = _IS_PARTNER.format(day=":today")
    rows = _rows(
        session,
        f"""select decision.id, array_agg(distinct word.majority) filter (where word.majority <> '') as named,
        count(*) filter (where word.said = 'endorsed' and not {_FREED}) as endorsed,
        count(*) filter (where not {_FREED}) as asked,
        count(*) filter (where word.said = 'endorsed' and not {_FREED} and {is_one}) as endorsed_now,
        count(*) filter (where not {_FREED} and {is_one}) as asked_now
        {_WORDS} and decision.endorsement = 'endorsed' and decision.counts_since >= :since
        and word.settled_by_id is null and not {_LEFT_OUT}
        and {_IS_PARTNER.format(day=counted_on)}
        group by decision.id having bool_or(word.majority <> '')""",
        today=local_day(session, at),
        since=since(session, at),
    )
    for row in rows:
        of_then, of_now = (row.endorsed, row.asked), (row.endorsed_now, row.asked_now)
        if any(_is_too_few(name, *of_then) and _is_too_few(name, *of_now) for name in row.named):
            yield f"decision {row.id}"


def _is_too_few(majority: str, endorsed: int, asked: int) -> bool:
    part, of, may_equal = _SO_MANY[majority]
    reached, needed = endorsed * of, asked * part
    return reached < needed or (asked > 0 and reached == needed and not may_equal)


@promise("Nobody owes anything by a decision that does not count.")
def owed_for_nothing(session: Session, _: datetime) -> Iterator[str]:
    """The task that a decision opened is open, though the decision is pending or objected to."""
    yield from _ids(
        session,
        """select decision.id from decision
        join task on task.program_id = decision.program_id and task.id = decision.task_id
        where decision.program_id = :here and decision.endorsement in ('pending', 'objected')
        and decision.state <> 'withdrawn' and task.state in ('open', 'submitted')""",
    )


@promise("No partner is freed of a clause by a decision that never counted.")
def freed_for_nothing(session: Session, _: datetime) -> Iterator[str]:
    """A period is waived, and each waiver of its clause rests on a decision that never counted."""
    yield from _ids(
        session,
        """select period.id from obligation_period period where period.program_id = :here and period.state = 'waived'
        and not exists (
            select 1 from waiver
            join decision on decision.program_id = waiver.program_id and decision.id = waiver.decision_id
            where waiver.program_id = period.program_id and waiver.agreement_id = period.agreement_id
                and waiver.key = period.key and decision.counts_since is not null)""",
        "obligation_period",
    )


@promise("Who recorded a decision speaks for no partner on it.", stays=True)
def their_own(session: Session, _: datetime) -> Iterator[str]:
    """A word by the person who recorded the decision, under whichever hat."""
    yield from _ids(
        session,
        """select word.id from endorsement word join decision on decision.program_id = word.program_id
            and decision.id = word.decision_id
        where word.program_id = :here and word.said <> '' and word.said_by = decision.recorded_by""",
        "endorsement",
    )


@promise("An objection is settled by a decision of its own, taken with a quorum and not taken back.")
def settled_otherwise(session: Session, _: datetime) -> Iterator[str]:
    """An objection that a decision settles which is about something else, had no quorum, or was withdrawn."""
    yield from _ids(
        session,
        """select word.id from endorsement word join decision settles on settles.program_id = word.program_id
            and settles.id = word.settled_by_id
        where word.program_id = :here and word.superseded_at is null and (
            settles.settles_id is distinct from word.decision_id or not settles.has_quorum
            or settles.state = 'withdrawn'
        )""",
        "endorsement",
    )


@promise("What settled an objection settles it as long as it stands.")
def settled_no_more(session: Session, _: datetime) -> Iterator[str]:
    """An objection that a decision stands against which was taken after it, to settle what was objected then.

    What one before that had settled then, and does no more, is not the later one's.
    """
    yield from _ids(
        session,
        f"""select distinct word.id {_WORDS} and word.said = 'objected' and word.settled_by_id is null
        and exists (
            select 1 from decision settles where settles.program_id = word.program_id
                and settles.settles_id = word.decision_id and settles.state <> 'withdrawn'
                and settles.decided_at > word.said_at
                and not exists (
                    select 1 from decision before where before.program_id = word.program_id
                        and before.settles_id = word.decision_id and before.state = 'withdrawn'
                        and before.decided_at between word.said_at and settles.decided_at
                        and before.closed_at > settles.decided_at))""",  # noqa: S608 - its parts are this module's own
        "endorsement",
    )


@promise("A decision is taken back by a later one alone that says so, had its quorum and counts.")
def taken_back_by_less(session: Session, _: datetime) -> Iterator[str]:
    """Taken back by one that does not say so, counts no more, had no quorum, or that the partners did not endorse."""
    yield from _ids(
        session,
        """select gone.id from decision gone join decision later on later.program_id = gone.program_id
            and later.id = gone.withdrawn_by_id
        where gone.program_id = :here and gone.state = 'withdrawn' and (
            not gone.number = any(later.takes_back) or later.state = 'withdrawn' or not later.has_quorum
            or later.endorsement not in ('not_asked', 'endorsed', 'earlier')
            or (gone.needs_endorsement and not later.needs_endorsement and later.settles_id is distinct from gone.id)
        )""",
    )


@promise("A decision that counts has taken back what it says that it takes back.")
def not_taken_back(session: Session, at: datetime) -> Iterator[str]:
    """It holds still, nothing is in the way, and it is not that what it asks for was undone lately."""
    yield from _ids(
        session,
        """select distinct later.id from decision later
        join decision gone on gone.program_id = later.program_id and gone.number = any(later.takes_back)
        join program on program.id = later.program_id
        join committee above on above.program_id = later.program_id and above.id = later.committee_id
        left join task on task.program_id = gone.program_id and task.id = gone.task_id
        where later.program_id = :here and later.state <> 'withdrawn' and later.has_quorum
            and later.endorsement in ('not_asked', 'endorsed', 'earlier') and gone.state <> 'withdrawn'
            and (later.settles_id = gone.id or (later.settles_id is null and gone.endorsement <> 'objected'
                and (later.needs_endorsement or not gone.needs_endorsement)))
            and later.decided_at >= gone.decided_at and later.number <> gone.number
            and (later.committee_id = gone.committee_id and (later.decided_at > gone.decided_at
                    or length(later.number) > length(gone.number) or later.number > gone.number)
                or later.decided_at > gone.decided_at and (gone.kind <> 'clinical' or gone.needs_endorsement)
                    and above.key = program.coordination->'decisions'->>'committee')
            and not (gone.state = 'open' and task.state in ('done', 'waived'))
            and not exists (select 1 from event where event.program_id = task.program_id
                and event.subject_id = task.id and event.verb = 'task.undone' and event.at > :then)""",
        then=at - _PATIENCE,
    )


@promise("What a committee decides and the partners endorse is done by a decision that says so and counts.")
def done_by_another(session: Session, _: datetime) -> Iterator[str]:
    """A step of a procedure that the partners endorse is done, and no decision that counts says that it does it."""
    yield from _ids(
        session,
        """select distinct task.id from task join agenda_item item on item.program_id = task.program_id
            and item.task_id = task.id
        where task.program_id = :here and task.state = 'done' and 'GV-4' = any(task.sources)
        and not exists (
            select 1 from decision join agenda_item its on its.program_id = decision.program_id
                and its.id = decision.item_id
            where decision.program_id = task.program_id and its.task_id = task.id and decision.grants
                and decision.state <> 'withdrawn' and decision.endorsement in ('not_asked', 'endorsed', 'earlier'))""",
        "task",
    )


@promise("Each partner that is awaited has a task to say whether it endorses a decision.")
def not_asked(session: Session, at: datetime) -> Iterator[str]:
    """A partner is silent on a pending decision, and no open task asks it."""
    yield from _ids(
        session,
        f"""select word.id {_WORDS} and decision.endorsement in ('pending', 'objected') and word.said = ''
        and {_IS_PARTNER.format(day=":today")} and not {_LEFT_OUT}
        and not exists ({_ASKED})""",
        "endorsement",
        today=local_day(session, at),
    )


@promise("Silence is asked again once the last day for it is past.")
def not_asked_again(session: Session, at: datetime) -> Iterator[str]:
    """A decision that is pending long after its last day, of which no partner was asked again.

    But for one that is pending anew, since an objection was taken back: the round comes yet.
    """
    yield from _ids(
        session,
        """select id from decision where program_id = :here and endorsement = 'pending' and state <> 'withdrawn'
        and asked_again_at is null and endorse_by < :then and not exists (
            select 1 from endorsement word where word.program_id = :here and word.decision_id = decision.id
                and word.said_at >= :lately)""",
        then=local_day(session, at) - _PATIENCE,
        lately=at - _PATIENCE,
    )


@promise("An agenda of the committee that settles objections, made after one, has it.")
def not_on_agenda(session: Session, at: datetime) -> Iterator[str]:
    """A frozen agenda of the committee is without an objection that stood before it was frozen, and stands still.

    But for one that an earlier meeting has, which is to come, sits, or was over so lately that the round comes yet.
    """
    yield from _ids(
        session,
        """with objected as materialized (
            select word.id, word.said_at, word.decision_id from endorsement word
            join decision on decision.program_id = word.program_id and decision.id = word.decision_id
            where word.program_id = :here and word.superseded_at is null and word.said = 'objected'
                and word.settled_by_id is null and decision.state <> 'withdrawn'),
        held as materialized (
            select objected.id, objected.decision_id, meeting.program_id, meeting.committee_id,
                meeting.id as meeting_id, meeting.starts_at
            from objected join program on program.id = :here
            join committee on committee.program_id = program.id
                and committee.key = program.coordination->'decisions'->>'committee'
            join meeting on meeting.program_id = committee.program_id and meeting.committee_id = committee.id
                and meeting.state <> 'cancelled' and meeting.agenda_frozen_at > objected.said_at)
        select distinct held.id from held
        where not exists (
                select 1 from agenda_item item where item.program_id = held.program_id
                    and item.meeting_id = held.meeting_id and item.kind = 'objection'
                    and item.subject = held.decision_id::text)
            and not exists (
                select 1 from agenda_item item join meeting earlier on earlier.program_id = item.program_id
                    and earlier.id = item.meeting_id
                where item.program_id = held.program_id and item.kind = 'objection'
                    and item.subject = held.decision_id::text and item.state in ('scheduled', 'settled')
                    and earlier.committee_id = held.committee_id and earlier.starts_at < held.starts_at
                    and earlier.state in ('planned', 'under_way') and earlier.ends_at > :then)""",
        "endorsement",
        then=at - _A_ROUND,
    )


def _ids(session: Session, asked: str, kind: str = "decision", **values: Any) -> Iterator[str]:
    for row in _rows(session, asked, **values):
        yield f"{kind} {row.id}"


def _rows(session: Session, asked: str, **values: Any) -> Sequence[Row[*tuple[Any, ...]]]:
    return run(session, text(asked), {"here": program_of(session), **values}).all()
