"""Years gone by, by SQL: the rows of a program copied as what was done with long ago, each some weeks further back.

What is open stays as it is: a program has as much in hand after ten years as after one. A copy has ids of its own, and
refers to the other copies of its number. Whoever it is about has left, and what was open in it is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Column, Date, DateTime, Table

import models.tables  # noqa: F401 - every table that a column may refer to
from models.agenda import AgendaItem, AgendaVersion
from models.base import table_of
from models.casework import Account, Case, Evidence, Lateness, Request, Task, TaskNeed
from models.committee import SeatHolder
from models.consent import Consent, Disclosure, ResearchConsent
from models.departure import Departure, FollowUpSummary, HandOver, Interview, Settlement
from models.equipment import Equipment, Loan
from models.follow_up import (
    Activity,
    ActivityPart,
    Assignment,
    ContactAttempt,
    FollowUp,
    FollowUpBreak,
    NoShow,
    WeeklyNote,
)
from models.invitation import Invitation, MeetingAnswer, StrayReply
from models.meeting import DraftedYear, Meeting, MeetingGuest, MeetingSeries
from models.minutes import Attendance, Decision, Endorsement, Minutes
from models.obligation import Acceptance, Attestation, ObligationDocument, ObligationFinding, ObligationPeriod
from models.outbox import Notice
from models.participant import CandidateWorker, FirstMeeting, Participant, RiskAssessment
from models.program import Absence, Person, Tenure
from models.record import Event, Incident, IncidentVersion
from models.redaction import Redaction
from models.referral import AdmissionDecision, CriterionFinding, Referral

#: The least that a copy is back, in weeks: nothing of the rows that are copied is further ahead.
LEAST_WEEKS: Final = 80
#: SQL for how far back copy `k` is; days of a week stay days of the week.
_BACK: Final[LiteralString] = "(back * interval '7 days')"


@dataclass(frozen=True)
class Past:
    """How a table's rows are copied: with each `every`th copy, and what is made otherwise, as SQL."""

    other: Mapping[str, LiteralString]
    every: int = 1


def _past(every: int = 1, **other: LiteralString) -> Past:
    return Past(other, every)


def _ended(column: LiteralString, at: LiteralString) -> LiteralString:
    return "coalesce(source." + column + ", source." + at + ") - " + _BACK


#: So many copies there are of what a person does, for one of a meeting, and for one of a period of an obligation.
_MEETINGS: Final = 2
_OBLIGATIONS: Final = 16

_SETTLED: Final[LiteralString] = (
    "case when source.state in ('planned', 'open', 'submitted') then 'done' else source.state end"
)
_ANOTHER_REF: Final[LiteralString] = (
    "'C-' || translate(upper(lpad(to_hex(k), 3, '0')), '01', 'GH') || right(source.candidate_ref, 3)"
)

#: What a year leaves behind, a table at a time.
PAST: Final[Mapping[type[Any], Past]] = {
    Person: _past(
        key="'past-' || k || source.key",
        email="null",
        family_name="source.family_name || ' ' || k",
        sort_key="source.sort_key || ' ' || k",
    ),
    Tenure: _past(single_holder="false", ends_on=_ended("ends_on", "starts_on")),
    Absence: _past(),
    SeatHolder: _past(
        kind="'alternate'",
        starts_on="(source.starts_on - " + _BACK + ")::date",
        ends_on="(source.starts_on - " + _BACK + ")::date",
    ),
    Case: _past(
        state="case source.state when 'open' then 'closed' else source.state end",
        once="false",
        ended_at=_ended("ended_at", "opened_at"),
    ),
    Task: _past(
        state=_SETTLED,
        next_check="null",
        opened_at="coalesce(source.opened_at, now()) - " + _BACK,
        done_at="case when source.state in ('planned', 'open', 'submitted', 'done') then coalesce(source.done_at, source.opened_at, now()) - "
        + _BACK
        + " else source.done_at - "
        + _BACK
        + " end",
        done_as="case when source.state in ('planned', 'open', 'submitted') then coalesce(source.done_as, 'coordinator') else source.done_as end",
        handed_back_at="null",
        handed_back_by="null",
        act_state="case when source.act_state in ('wanted', 'stuck', 'undo_wanted') then 'done' else source.act_state end",
    ),
    TaskNeed: _past(),
    Request: _past(),
    Lateness: _past(),
    Evidence: _past(),
    Account: _past(closed_at=_ended("closed_at", "opened_at"), look_again_on="null"),
    Departure: _past(ended_at="now() - " + _BACK),
    Settlement: _past(),
    Interview: _past(),
    FollowUpSummary: _past(),
    HandOver: _past(
        state="case source.state when 'proposed' then 'accepted' else source.state end", answered_at="now() - " + _BACK
    ),
    Participant: _past(
        candidate_ref=_ANOTHER_REF,
        number="'#' || (1000 + k) || substr(source.number, 6)",
        state="case when source.state in ('admitted', 'destroyed') then source.state else 'declined' end",
        held="false",
        retain_until="current_date + 365",
    ),
    CandidateWorker: _past(),
    FirstMeeting: _past(),
    RiskAssessment: _past(),
    Referral: _past(
        state="case source.state when 'draft' then 'abandoned' when 'received' then 'joined' else source.state end",
        link_id="md5(source.link_id::text || k)::uuid",
    ),
    CriterionFinding: _past(),
    AdmissionDecision: _past(),
    Consent: _past(),
    ResearchConsent: _past(),
    Disclosure: _past(),
    FollowUp: _past(
        state="'completed'",
        inactive_reason="null",
        vacancy_task_id="null",
        participant_id="md5(source.participant_id::text || k)::uuid",
    ),
    Assignment: _past(
        ends_on=_ended("ends_on", "starts_on"), ended_at=_ended("ended_at", "assigned_at"), ended_as="'coordinator'"
    ),
    FollowUpBreak: _past(ended_on=_ended("ended_on", "starts_on"), ended_at=_ended("ended_at", "agreed_at")),
    ContactAttempt: _past(),
    NoShow: _past(),
    WeeklyNote: _past(is_complete="source.met > 0 or source.reached or source.why_none is not null"),
    Activity: _past(),
    ActivityPart: _past(),
    Equipment: _past(serial="source.serial || '-' || k", serial_key="source.serial_key || k", state="'out_of_use'"),
    Loan: _past(returned_at=_ended("returned_at", "lent_at"), returned_by="null"),
    MeetingSeries: _past(_MEETINGS, uid="source.uid || '-' || k"),
    Meeting: _past(
        _MEETINGS,
        uid="source.uid || '-' || k",
        state="case when source.state in ('planned', 'under_way') then 'held' else source.state end",
        opened_at="case source.state when 'cancelled' then source.opened_at - "
        + _BACK
        + " else source.starts_at - "
        + _BACK
        + " end",
        closed_at="case source.state when 'cancelled' then null else source.ends_at - " + _BACK + " end",
        agenda_frozen_at="source.starts_at - " + _BACK,
    ),
    MeetingGuest: _past(_MEETINGS),
    DraftedYear: _past(
        _MEETINGS, settled_at="now() - " + _BACK, settled_as="'dismissed'", year="source.year - back / 52"
    ),
    Invitation: _past(_MEETINGS),
    MeetingAnswer: _past(_MEETINGS),
    StrayReply: _past(
        _MEETINGS,
        digest="md5(source.digest || k) || md5(k || source.digest)",
        outcome="'set_aside'",
        seen_at="source.received_at - " + _BACK,
    ),
    Attendance: _past(_MEETINGS),
    AgendaItem: _past(
        _MEETINGS,
        state="case source.state when 'pool' then 'withdrawn' when 'scheduled' then 'settled' else source.state end",
        settled_at="coalesce(source.settled_at, source.asked_at) - " + _BACK,
        settled_as="coalesce(source.settled_as, 'coordinator')",
    ),
    AgendaVersion: _past(_MEETINGS),
    Decision: _past(
        _MEETINGS,
        number="split_part(source.number, '-', 1) || '-' || extract(year from source.decided_at - " + _BACK + ")::int"
        " || '-' || (1000 * k + split_part(source.number, '-', 3)::int)",
        state="case source.state when 'open' then 'done' else source.state end",
        closed_at="case source.state when 'standing' then null else coalesce(source.closed_at, source.decided_at) - "
        + _BACK
        + " end",
        closed_as="case source.state when 'standing' then null else coalesce(source.closed_as, 'coordinator') end",
        endorsement="case source.endorsement when 'pending' then 'endorsed' else source.endorsement end",
        counts_since="case source.endorsement when 'pending' then source.decided_at - "
        + _BACK
        + " else source.counts_since - "
        + _BACK
        + " end",
        suspended_at="case source.endorsement when 'pending' then null else source.suspended_at - " + _BACK + " end",
    ),
    Endorsement: _past(_MEETINGS),
    Minutes: _past(
        _MEETINGS,
        state="'approved'",
        circulations="greatest(source.circulations, 1)",
        circulated_at="coalesce(source.circulated_at, now()) - " + _BACK,
        approved_at="coalesce(source.approved_at, now()) - " + _BACK,
    ),
    ObligationPeriod: _past(
        _OBLIGATIONS,
        state="case when source.state in ('met', 'missed', 'no_occasion', 'waived') then source.state else 'met' end",
    ),
    ObligationFinding: _past(_OBLIGATIONS),
    ObligationDocument: _past(_OBLIGATIONS),
    Attestation: _past(_OBLIGATIONS),
    Acceptance: _past(_OBLIGATIONS),
    Incident: _past(
        _OBLIGATIONS,
        number="source.number + 1000 * k",
        closed_at=_ended("closed_at", "recorded_at"),
        closed_by="source.recorded_by",
    ),
    IncidentVersion: _past(_OBLIGATIONS),
    Redaction: _past(_OBLIGATIONS, state="case source.state when 'asked' then 'declined' else source.state end"),
    Notice: _past(
        key="source.key || ':' || k",
        state="'sent'",
        attempts="1",
        sent_at=_ended("sent_at", "created_at"),
        next_attempt_at="null",
        leased_until="null",
    ),
    Event: _past(case_id="md5(source.case_id::text || k)::uuid", subject_id="md5(source.subject_id::text || k)::uuid"),
}


def add(admin: psycopg.Connection[Any], program_id: UUID, copies: range, weeks: int) -> None:
    """Copy what the program had at first so many times, spread over so many weeks, without checks of references.

    A later call goes on where the one before ended: what was copied is never copied again.
    """
    admin.execute("set session_replication_role = replica")
    admin.execute("create temp table if not exists copied (k int primary key, back int not null)")
    admin.execute("truncate copied")
    admin.execute(
        "insert into copied select k, %s::int + (k - %s::int) * %s::int / %s::int from generate_series(%s::int, %s::int) k",
        (LEAST_WEEKS, copies.start, weeks, len(copies), copies.start, copies.stop - 1),
    )
    for model, past in PAST.items():
        _copy(admin, program_id, table_of(model), past)


def _first(admin, program_id, table):
    """Of the rows of a table, those that were not copied: the first time, all."""


def _copy(admin: psycopg.Connection[Any], program_id: UUID, table: Table, past: Past) -> None:
    kept = sql.Identifier(f"begun_{table.name}")
    name = sql.Identifier(table.name)
    if admin.execute("select to_regclass(%s)", (f"pg_temp.begun_{table.name}",)).fetchone() == (None,):
        admin.execute(
            sql.SQL("create temp table {} as select * from {} where program_id = {}").format(kept, name, program_id)
        )
    columns = list(_written(table))
    admin.execute(
        sql.SQL("insert into {} ({}) select {} from {} source cross join copied where k % {} = 0").format(
            name,
            sql.SQL(", ").join(sql.Identifier(one.name) for one in columns),
            sql.SQL(", ").join(_value(one, past) for one in columns),
            kept,
            past.every,
        )
    )


def _written(table: Table) -> Iterator[Column[Any]]:
    """The columns that a copy gives: what the database makes by itself, a number or a transaction, is made anew."""
    return (one for one in table.columns if one.computed is None and one.identity is None and one.name != "xid")


def _value(column: Column[Any], past: Past) -> sql.Composable:
    if column.name in past.other:
        return sql.SQL(past.other[column.name])
    source = sql.Identifier("source", column.name)
    if column.name == "id" or _refers_to_a_copy(column, past.every):
        return sql.SQL("md5({}::text || k)::uuid").format(source)
    if isinstance(column.type, Date):
        return sql.SQL("({} - " + _BACK + ")::date").format(source)
    if isinstance(column.type, DateTime):
        return sql.SQL("{} - " + _BACK).format(source)
    return source


def _refers_to_a_copy(column: Column[Any], every: int) -> bool:
    """Whether what a column refers to is copied with each copy of its row."""
    names = {table_of(model).name: past.every for model, past in PAST.items()}
    referred = {
        key.referred_table.name
        for key in column.table.foreign_key_constraints
        for one in key.elements
        if one.parent is column and column.name != "program_id"
    }
    return any(every % names[one] == 0 for one in referred if one in names)
