"""What holds of the clinical work: weeks and cases, the research, requests about one’s own data, workbooks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from domain.admissions import OWED, triage
from domain.kernel import col, every, of, only, scalars
from domain.rights import ANSWER, requests
from models.casework import Task
from models.participant import Participant
from models.referral import Referral
from simulation.promises import found, promise

#: A week whose writings are counted by the record.
_WRITINGS = """
    select count(*) from event e where e.program_id = n.program_id and e.verb = 'follow_up.noted'
        and e.subject_kind = 'follow_up' and e.subject_id = n.follow_up_id and e.facts->>'week' = n.week::text
"""


@promise("Nobody’s words of a week are saved over without a version, and each version has its line.", stays=True)
def weeks_are_counted(session: Session, _: datetime) -> Iterator[str]:
    """A note whose version is not the number of its writings on record."""
    yield from found(
        session,
        f"select 'weekly_note', n.id from weekly_note n where n.program_id = :here and n.version <> ({_WRITINGS})",  # noqa: S608 - our own words
    )


@promise("What is said of a case is said while its sitting is under way, each time with its line.", stays=True)
def cases_are_spoken_of_in_their_sitting(session: Session, _: datetime) -> Iterator[str]:
    """A case that was recorded before its meeting opened or after it closed, or more or less often than on record."""
    yield from found(
        session,
        """
        select 'case_discussion', d.id from case_discussion d
        join meeting m on m.program_id = d.program_id and m.id = d.meeting_id
        where d.program_id = :here and (
            m.opened_at is null or d.recorded_at < m.opened_at or d.recorded_at > m.closed_at
            or d.version <> (
                select count(*) from event e where e.program_id = d.program_id and e.verb = 'follow_up.discussed'
                and e.subject_kind = 'follow_up' and e.subject_id = d.follow_up_id
                and e.facts->>'meeting' = d.meeting_id::text))
        """,
    )


@promise("An export holds only participants whose consent to research stood as it was made.", stays=True)
def exported_by_consent(session: Session, _: datetime) -> Iterator[str]:
    """Each row of somebody who had not consented by then, or had withdrawn. Of a destroyed file nothing is known."""
    yield from found(
        session,
        """
        select 'study_row', r.id from study_row r
        join study_export x on x.program_id = r.program_id and x.id = r.study_export_id
        join participant p on p.program_id = r.program_id and p.id = r.participant_id
        where r.program_id = :here and p.state <> 'destroyed' and not exists (
            select 1 from research_consent c where c.program_id = r.program_id and c.participant_id = r.participant_id
            and c.recorded_at <= x.made_at and (c.withdrawn_at is null or c.withdrawn_at >= x.made_at))
        """,
    )


@promise("No group of an export is smaller than its rule, and of none only a part is there.")
def groups_go_together(session: Session, _: datetime) -> Iterator[str]:
    """Each export that can be made again and has somebody of no group, a group too small, or a part of one."""
    yield from found(
        session,
        """
        select distinct 'study_export', x.id from study_export x
        join study s on s.program_id = x.program_id and s.id = x.study_id and s.ended_at is null
        join study_row r on r.program_id = x.program_id and r.study_export_id = x.id
        left join research_group_member m on m.program_id = r.program_id and m.participant_id = r.participant_id
        where x.program_id = :here and x.state = 'made' and (
            m.research_group_id is null
            or x.smallest_group > (
                select count(*) from research_group_member o
                where o.program_id = m.program_id and o.research_group_id = m.research_group_id)
            or exists (
                select 1 from research_group_member o
                where o.program_id = m.program_id and o.research_group_id = m.research_group_id and not exists (
                    select 1 from study_row r2 where r2.program_id = x.program_id and r2.study_export_id = x.id
                    and r2.participant_id = o.participant_id)))
        """,
    )


@promise("An export is made or refused by another person than who asked, under any role.", stays=True)
def exports_take_two(session: Session, _: datetime) -> Iterator[str]:
    """Each answer on record by one who asked, for whom it was asked, or who acts for either."""
    yield from found(
        session,
        """
        select 'study_export', answered.subject_id from event answered
        join event asked on asked.program_id = answered.program_id and asked.subject_id = answered.subject_id
            and asked.verb = 'study_export.asked'
        where answered.program_id = :here and answered.verb in ('study_export.made', 'study_export.refused')
            and array_remove(array[answered.actor_id, answered.actor_for], null)
                && array[asked.actor_id, asked.actor_for]
        """,
    )


@promise(
    "Nobody downloads an export but who was named as it was approved, in the ethics approval seen then.", stays=True
)
def exports_go_to_who_was_seen(session: Session, _: datetime) -> Iterator[str]:
    """Each export that somebody else downloaded, or on a later day."""
    yield from found(
        session,
        """
        select distinct 'study_export', x.id from study_export x
        join program p on p.id = x.program_id
        join event e on e.program_id = x.program_id and e.subject_id = x.id and e.verb = 'exported'
        where x.program_id = :here and (e.actor_id::text <> all (x.recipients)
            or (e.at at time zone p.time_zone)::date > x.ethics_ends_on)
        """,
    )


@promise("Who takes back their consent to research closes the exports that they are in.")
def withdrawals_close_exports(session: Session, _: datetime) -> Iterator[str]:
    """Each export that can still be made again, of somebody who consented when it was made and does so no more."""
    yield from found(
        session,
        """
        select distinct 'study_export', x.id from study_export x
        join study s on s.program_id = x.program_id and s.id = x.study_id and s.ended_at is null
        join study_row r on r.program_id = x.program_id and r.study_export_id = x.id
        join research_consent c on c.program_id = r.program_id and c.participant_id = r.participant_id
        where x.program_id = :here and x.state = 'made' and c.withdrawn_at > x.made_at
        """,
    )


@promise("Each request about own data is answered or extended by its day, or is seen as late by who answers.")
def requests_have_their_days(session: Session, _: datetime) -> Iterator[str]:
    """Each open one of which nobody is asked by its day, and each with more days than the law gives."""
    rule = requests.rights_of(session)
    yield from found(
        session,
        """
        select 'rights_request', r.id from rights_request r
        where r.program_id = :here and (
            r.due_on > r.received_on + cast(:days as int)
                + case when r.extended_on is null then 0 else cast(:more as int) end
            or (r.ended_at is null and not exists (
                select 1 from task t where t.program_id = r.program_id and t.step = :step and t.item = r.id::text
                and t.state in ('open', 'submitted') and t.due_on = r.due_on)))
        """,
        days=rule.answered_in_days,
        more=rule.extended_by_days,
        step=ANSWER,
    )


@promise("Who refers somebody who was known keeps a reference of their own, which is not that of the known file.")
def known_files_are_not_told(session: Session, _: datetime) -> Iterator[str]:
    """Each referral that was joined to a known file and goes by that file's reference."""
    yield from found(
        session,
        """
        select 'referral', r.id from referral r
        join participant p on p.program_id = r.program_id and p.id = r.participant_id
        where r.program_id = :here and r.state = 'joined' and r.reference = p.candidate_ref
        """,
    )


@promise("Of who went straight to a worker, what is still to be found is owed, and has a day to be seen by.")
def urgent_ones_are_owed(session: Session, _: datetime) -> Iterator[str]:
    """Each candidate who was sent straight to a worker, lacks a finding, and of whom nobody is asked."""
    asked = set(
        scalars(session, only(Task.item).where(Task.step == OWED, Task.state == "open", col(Task.due_on).is_not(None)))
    )
    sent = only(Referral.participant_id).where(Referral.state == "triaged", Referral.result == "forwarded")
    rows = of(Participant).where(
        col(Participant.id).in_(sent), col(Participant.state).in_(["candidate", "assigned", "committed"])
    )
    for one in every(session, rows.order_by(col(Participant.id))):
        if str(one.id) not in asked and triage.still_owed(session, one):
            yield f"participant {one.id}"


@promise("A workbook that was taken back leaves each row as it was before, or says that it stays.", stays=True)
def workbooks_taken_back_leave_nothing(session: Session, _: datetime) -> Iterator[str]:
    """Each week that a workbook wrote, does not say to stay, and that stands as the workbook wrote it."""
    yield from found(
        session,
        """
        select 'weekly_note', n.id from note_import i
        join note_import_sheet s on s.program_id = i.program_id and s.note_import_id = i.id
        cross join lateral jsonb_array_elements(s.lines) line
        join weekly_note n on n.program_id = s.program_id and n.follow_up_id = s.follow_up_id
            and n.week::text = line->>'week'
        where i.program_id = :here and i.taken_back_at is not null and line->>'kind' in ('new', 'changed')
            and not coalesce((line->>'stays')::boolean, false) and n.written_at < i.taken_back_at and (
                line->>'stays' is null
                or (line->>'kind' = 'changed' and n.written_at >= i.saved_at)
                or (line->>'kind' = 'new' and (n.met > 0 or n.has_words or n.is_complete)))
        """,
    )
