"""What partners owe is true: nobody waives what they owe, and proof is accepted by somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlmodel import Session

from domain.kernel import program_of, run
from simulation.promises import promise, since

#: Who owes a clause on a local day: `person_id`, by agreement, clause and day, themselves or acting for one who does.
#: The coordinator's clauses are owed by each coordinator.
_OWES: Final = """
exists (
    select 1
    from obligation as owed
    join agreement_version as said
      on said.program_id = owed.program_id and said.id = owed.agreement_version_id
    join agreement as partner on partner.program_id = said.program_id and partner.id = said.agreement_id
    join tenure as held
      on held.program_id = owed.program_id
     and (owed.owed_by = 'organization' or held.role = owed.owed_by)
     and (owed.owed_by = 'coordinator' or held.organization_id = partner.organization_id)
     and held.starts_on <= {day} and (held.ends_on is null or held.ends_on >= {day})
    left join absence as gone
      on gone.program_id = held.program_id and gone.person_id = held.person_id and gone.cancelled_at is null
     and gone.starts_on <= {day} and gone.ends_on >= {day}
    where owed.program_id = :here and said.agreement_id = {agreement} and owed.key = {key}
      and {person} in (held.person_id, gone.deputy_id)
)
"""


def _owes(person: str, agreement: str, key: str, moment: str) -> str:
    day = f"(({moment}) at time zone program.time_zone)::date"
    return _OWES.format(person=person, agreement=agreement, key=key, day=day)


_OTHER_DECISION: Final = """
select waiver.id
from waiver
left join waiver_proposal as proposal
  on proposal.program_id = waiver.program_id and proposal.id = waiver.proposal_id
left join decision on decision.program_id = waiver.program_id and decision.id = waiver.decision_id
left join agenda_item as item on item.program_id = decision.program_id and item.id = decision.item_id
where waiver.program_id = :here and not waiver.from_before
  and not coalesce(
      proposal.agreement_id = waiver.agreement_id and proposal.key = waiver.key
      and waiver.starts_on >= proposal.starts_on and waiver.ends_on <= proposal.ends_on
      and item.kind = 'waiver' and item.subject = proposal.id::text
      and decision.committee_id = proposal.committee_id and decision.has_quorum,
      false
  )
order by waiver.id
"""

_OWN_WAIVER: Final = f"""
select waiver.id
from waiver
join program on program.id = waiver.program_id
join waiver_proposal as proposal on proposal.program_id = waiver.program_id and proposal.id = waiver.proposal_id
join decision on decision.program_id = waiver.program_id and decision.id = waiver.decision_id
cross join lateral (values
    (waiver.recorded_by, waiver.recorded_at), (waiver.recorded_for, waiver.recorded_at),
    (proposal.proposed_by, proposal.proposed_at), (proposal.proposed_for, proposal.proposed_at),
    (decision.recorded_by, decision.decided_at)
) as hand(person_id, at)
where waiver.program_id = :here and not waiver.from_before
  and {_owes("hand.person_id", "waiver.agreement_id", "waiver.key", "hand.at")}
order by waiver.id
"""  # noqa: S608 - its parts are this module's own

#: By what each decision says, what stands (1) and what falls (-1) as it counts, near or far.
_MOVES: Final = """
with recursive says as (
    select one.program_id, one.id as by_id, other.id as moved_id,
           case when other.number = any(one.takes_back) then -1 else 1 end as way
    from decision as one
    join decision as other
      on other.program_id = one.program_id
     and (other.number = any(one.takes_back) or other.id = one.settles_id)
),
moves as (
    select program_id, by_id, moved_id, way from says
    union
    select moves.program_id, moves.by_id, says.moved_id, moves.way * says.way
    from moves
    join says on says.program_id = moves.program_id and says.by_id = moves.moved_id
)
"""

_OWN_STAND: Final = f"""
{_MOVES}
select waiver.id
from waiver
join program on program.id = waiver.program_id
join decision on decision.program_id = waiver.program_id and decision.id = waiver.decision_id
join moves on moves.program_id = waiver.program_id and moves.moved_id = waiver.decision_id and moves.way = 1
join decision as later on later.program_id = waiver.program_id and later.id = moves.by_id
where waiver.program_id = :here and later.recorded_by is not null
  and decision.state <> 'withdrawn' and decision.endorsement in ('not_asked', 'endorsed', 'earlier')
  and later.state <> 'withdrawn' and later.endorsement in ('not_asked', 'endorsed', 'earlier')
  and {_owes("later.recorded_by", "waiver.agreement_id", "waiver.key", "later.decided_at")}
order by waiver.id
"""  # noqa: S608 - its parts are this module's own

#: Every word on a proof, with who gave the proof, for whom, and the clause that it is for.
_WORDS: Final = """
    select word.id, word.program_id, word.said, word.said_by, word.said_for, word.said_at,
           given.added_by as gave, given.added_for as gave_for, given.agreement_id, given.key
    from acceptance as word
    join obligation_document as given on given.program_id = word.program_id and given.id = word.document_id
    union all
    select word.id, word.program_id, word.said, word.said_by, word.said_for, word.said_at,
           stated.person_id, stated.acting_for, period.agreement_id, period.key
    from acceptance as word
    join attestation as stated on stated.program_id = word.program_id and stated.id = word.attestation_id
    join obligation_period as period on period.program_id = stated.program_id and period.id = stated.period_id
    union all
    select word.id, word.program_id, word.said, word.said_by, word.said_for, word.said_at,
           brought.added_by, task.done_for, null, null
    from acceptance as word
    join evidence as brought on brought.program_id = word.program_id and brought.id = word.evidence_id
    join task on task.program_id = brought.program_id and task.id = brought.task_id
"""

_OWN_WORD: Final = f"""
select word.id
from ({_WORDS}) as word
join program on program.id = word.program_id
cross join lateral (values (word.said_by), (word.said_for)) as looks(person_id)
where word.program_id = :here and word.said <> 'kept' and looks.person_id is not null
  and (
      looks.person_id in (word.gave, word.gave_for)
      or {_owes("looks.person_id", "word.agreement_id", "word.key", "word.said_at")}
  )
order by word.id
"""  # noqa: S608 - its parts are this module's own

#: The periods that go on or ended lately, those in which a proof waits, and those that were judged since.
_LATELY: Final = """
    select * from obligation_period
    where program_id = :here and (
        (case when ends_on is null then 'infinity'::date else coalesce(due_on, ends_on) end) >= cast(:since as date)
        or state = 'given' or evaluated_at >= :since)
"""

#: Each proof that a period counts now, by what it is.
_COUNTED: Final = f"""
    select period.id, period.program_id, fact->>'kind' as kind, (fact->>'id')::uuid as proof_id, stands.endorsed
    from ({_LATELY}) as period
    join obligation_finding as finding
      on finding.program_id = period.program_id and finding.period_id = period.id and finding.n = period.finding
    join obligation on obligation.program_id = period.program_id and obligation.id = period.obligation_id
    join agreement_version as version
      on version.program_id = obligation.program_id and version.id = obligation.agreement_version_id
    cross join lateral jsonb_array_elements(finding.found->'facts') as fact
    cross join lateral (select version.terms->'endorsed_by'->>period.key is not null as endorsed) as stands
    where obligation.check_kind in ('document', 'attestation')
      and fact->>'kind' in ('document', 'attestation', 'task') and (fact->>'counts')::boolean
      and fact->>'why' <> 'not_held'
"""  # noqa: S608 - its parts are this module's own

_NOBODYS_WORD: Final = f"""
with accepted as materialized (
    select coalesce(word.document_id, word.attestation_id, brought.task_id) as proof_id
    from acceptance as word
    left join evidence as brought on brought.program_id = word.program_id and brought.id = word.evidence_id
    where word.program_id = :here and word.superseded_at is null and word.said in ('accepted', 'kept')
      and num_nonnulls(word.document_id, word.attestation_id, brought.task_id) = 1
    union
    select id from attestation where program_id = :here and not to_be_accepted
)
select counted.id
from ({_COUNTED}) as counted
where counted.proof_id not in (select proof_id from accepted)
  and not (counted.kind = 'task' and counted.endorsed)
order by counted.id
"""  # noqa: S608 - its parts are this module's own

_NOBODYS_TASK: Final = f"""
select period.id
from ({_LATELY}) as period
join obligation_finding as finding
  on finding.program_id = period.program_id and finding.period_id = period.id and finding.n = period.finding
where period.program_id = :here and finding.found @> '{{"facts": [{{"why": "given"}}]}}'
  and not exists (
      select 1
      from task
      where task.program_id = period.program_id and task.step = 'obligation.accept' and task.state = 'open'
        and task.item = period.id::text
  )
order by period.id
"""  # noqa: S608 - its parts are this module's own


@promise("A waiver rests on a decision on that clause and that partner, of the committee asked, taken with a quorum.")
def _rests_on_its_own_decision(session: Session, _at: datetime) -> Iterator[str]:
    yield from _found(session, "waiver", _OTHER_DECISION)


@promise("Nobody who owes a clause, or acts for one who does, has a hand in its waiver.", stays=True)
def _nobody_waives_what_they_owe(session: Session, _at: datetime) -> Iterator[str]:
    yield from _found(session, "waiver", _OWN_WAIVER)


@promise("No waiver stands again by a decision that was recorded by who owes its clause.")
def _nobody_has_their_waiver_stand(session: Session, _at: datetime) -> Iterator[str]:
    yield from _found(session, "waiver", _OWN_STAND)


@promise("Nobody accepts or returns a proof that they gave, owe, or gave for somebody.", stays=True)
def _accepted_by_somebody_else(session: Session, _at: datetime) -> Iterator[str]:
    yield from _found(session, "acceptance", _OWN_WORD)


@promise("No proof counts before somebody accepted it, but for the word of one who owes nothing of it.")
def _counts_once_accepted(session: Session, at: datetime) -> Iterator[str]:
    yield from _found(session, "obligation_period", _NOBODYS_WORD, since=since(session, at))


@promise("What waits to be looked at is a task of somebody.")
def _waits_on_somebody(session: Session, at: datetime) -> Iterator[str]:
    yield from _found(session, "obligation_period", _NOBODYS_TASK, since=since(session, at))


def _found(session: Session, kind: str, statement: str, **values: object) -> Iterator[str]:
    rows = run(session, text(statement), {"here": program_of(session), **values}).scalars()
    yield from dict.fromkeys(f"{kind} {one}" for one in rows)
