"""Years gone by, by SQL: the rows of a program copied as what was done with long ago, each some weeks further back.

What is open stays as it is: a program has as much in hand after ten years as after one. A copy has ids of its own, and
refers to the other copies of its number. Those it is about have left, and what was open in it is closed. Of what is
told of a thing, every second copy is told of the same thing: its own page has a past, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Column, Date, DateTime, Table
from sqlmodel import Session

import models.tables  # noqa: F401 - every table that a column may refer to
from domain.kernel import every, of
from domain.record import incident_versions
from models.access import BrowserSession, Identity, Passkey
from models.agenda import AgendaItem, AgendaVersion
from models.base import table_of
from models.casework import Account, Case, Evidence, Lateness, Request, Task, TaskNeed
from models.committee import SeatHolder
from models.consent import Consent, ConsentForm, Disclosure, ResearchConsent
from models.departure import Departure, FollowUpSummary, HandOver, Interview, Settlement
from models.destruction import Destruction
from models.discussion import CaseDiscussion, ProcessMark
from models.engine import EngineRun, WakeUp
from models.equipment import Equipment, Loan
from models.follow_up import (
    Activity,
    ActivityPart,
    Assignment,
    ContactAttempt,
    FollowUp,
    FollowUpBreak,
    NoShow,
    SelfReport,
    WeeklyNote,
)
from models.invitation import CalendarFeed, Invitation, MeetingAnswer, StrayReply
from models.meeting import DraftedYear, Meeting, MeetingGuest, MeetingSeries
from models.minutes import Attendance, Decision, Endorsement, Minutes
from models.obligation import Acceptance, Attestation, ObligationDocument, ObligationFinding, ObligationPeriod
from models.outbox import Notice
from models.participant import Barred, CandidateWorker, FirstMeeting, Participant, RiskAssessment
from models.program import Absence, Person, Tenure
from models.record import Event, Incident, IncidentVersion
from models.redaction import Redaction
from models.referral import AdmissionDecision, CriterionFinding, Referral, ReferralLink

#: The least that a copy is back, in weeks: nothing of the rows that are copied is further ahead.
LEAST_WEEKS: Final = 80


@dataclass(frozen=True)
class Past:
    """How a table's rows are copied: with each `every`th copy, and which columns are made otherwise, as SQL.

    In it, `source` is the row that is copied, `k` the number of the copy, `back` how many weeks it is back, and
    `present` the moment from which they are counted.
    """

    other: Mapping[str, LiteralString]
    every: int = 1


def _past(every: int = 1, **other: LiteralString) -> Past:
    return Past(other, every)


def _back(moment: LiteralString) -> LiteralString:
    """A moment or a day, so far back: days of a week stay days of the week."""
    return f"({moment}) - back * interval '7 days'"


def _day(day: LiteralString) -> LiteralString:
    return f"({_back(day)})::date"


def _state(**after: LiteralString) -> LiteralString:
    """The state of a copy, by that of its source; any other stays."""
    return _by("state", **after)


def _by(column: LiteralString, **after: LiteralString) -> LiteralString:
    cases = " ".join(f"when '{before}' then '{then}'" for before, then in after.items())
    return f"case source.{column} {cases} else source.{column} end"


def _if(column: LiteralString, state: LiteralString, then: LiteralString, otherwise: LiteralString) -> LiteralString:
    return f"case source.{column} when '{state}' then {then} else {otherwise} end"


#: So far apart are the numbers of a thing's copies.
_APART: Final = 1000
#: So many copies there are of what a person does, for one of a meeting, and for one of a period of an obligation.
_OF_MEETINGS: Final = 2
_OF_OBLIGATIONS: Final = 16


def _same_every_second(column: LiteralString) -> LiteralString:
    """What a copy is about: with every second one the very thing that its source is about."""
    return f"case when k % 2 = 1 then source.{column} else md5(source.{column}::text || k)::uuid end"


#: But for an incident, which has a few versions and is closed.
_OF_EVENT: Final[LiteralString] = (
    "case when k % 2 = 1 and source.subject_kind <> 'incident' then source.subject_id"
    " else md5(source.subject_id::text || k)::uuid end"
)


def _digest(column: LiteralString) -> LiteralString:
    return f"md5(source.{column} || k) || md5(k || source.{column})"


_NUMBER: Final[LiteralString] = (
    f"split_part(source.number, '-', 1) || '-' || extract(year from {_back('source.decided_at')})::int"
    " || '-' || (1000 * k + split_part(source.number, '-', 3)::int)"
)


def _ref(column: LiteralString) -> LiteralString:
    """A reference of a candidate that no other copy has."""
    return "'C-' || " + " || ".join(
        f"translate(upper(lpad(to_hex({n}), 3, '0')), '01', 'GH')"
        for n in ("k", f"dense_rank() over (order by source.{column})")
    )


_WAS_DONE: Final[LiteralString] = "source.state in ('planned', 'open', 'submitted', 'done')"


def _years_ago(day: LiteralString) -> LiteralString:
    """A day of an obligation's period, so many whole years back: a clause has one period of a time."""
    return f"({day} - 7 * ({LEAST_WEEKS} + 53 * (k / {_OF_OBLIGATIONS})))::date"


#: What a year leaves behind, a table at a time.
PAST: Final[Mapping[type[Any], Past]] = {
    Person: _past(
        key="'past-' || k || source.key",
        email="null",
        family_name="source.family_name || ' ' || k",
        sort_key="source.sort_key || ' ' || k",
    ),
    Tenure: _past(single_holder="false", ends_on=_day("coalesce(source.ends_on, source.starts_on)")),
    Absence: _past(),
    SeatHolder: _past(kind="'alternate'", ends_on=_day("source.starts_on")),
    Case: _past(
        state=_state(open="closed"), once="false", ended_at=_back("coalesce(source.ended_at, source.opened_at)")
    ),
    Task: _past(
        state=_state(planned="done", open="done", submitted="done"),
        next_check="null",
        opened_at=_back("coalesce(source.opened_at, present)"),
        done_at=_back(
            f"case when {_WAS_DONE} then coalesce(source.done_at, source.opened_at, present) else source.done_at end"
        ),
        done_as=f"case when {_WAS_DONE} then coalesce(source.done_as, 'coordinator') else source.done_as end",
        handed_back_at="null",
        handed_back_by="null",
        act_state=_by("act_state", wanted="done", stuck="done", undo_wanted="done"),
    ),
    TaskNeed: _past(),
    Request: _past(),
    Lateness: _past(),
    Evidence: _past(),
    Account: _past(closed_at=_back("coalesce(source.closed_at, source.opened_at)"), look_again_on="null"),
    Departure: _past(ended_at=_back("present")),
    Settlement: _past(),
    Interview: _past(),
    FollowUpSummary: _past(),
    HandOver: _past(state=_state(proposed="accepted"), answered_at=_back("present")),
    Participant: _past(
        candidate_ref=_ref("candidate_ref"),
        number="'#' || (1000 + k) || substr(source.number, 6)",
        state=_state(draft="declined", candidate="declined", assigned="declined", committed="declined"),
        held="false",
        retain_until="present::date + 365",
    ),
    CandidateWorker: _past(
        ended_at=_back("coalesce(source.ended_at, source.named_at)"),
        ended_as="coalesce(nullif(source.ended_as, ''), 'declined')",
    ),
    FirstMeeting: _past(),
    RiskAssessment: _past(),
    Referral: _past(
        state=_state(draft="abandoned", received="joined"),
        reference=_ref("reference"),
        link_id="md5(source.link_id::text || k)::uuid",
    ),
    CriterionFinding: _past(),
    AdmissionDecision: _past(),
    ConsentForm: _past(),
    Consent: _past(),
    ResearchConsent: _past(),
    Disclosure: _past(),
    FollowUp: _past(state="'completed'", inactive_reason="null", vacancy_task_id="null"),
    Assignment: _past(
        ends_on=_day("coalesce(source.ends_on, source.starts_on)"),
        ended_at=_back("coalesce(source.ended_at, source.assigned_at)"),
        ended_as="'coordinator'",
    ),
    FollowUpBreak: _past(
        ended_on=_day("coalesce(source.ended_on, source.starts_on)"),
        ended_at=_back("coalesce(source.ended_at, source.agreed_at)"),
    ),
    ContactAttempt: _past(follow_up_id=_same_every_second("follow_up_id")),
    NoShow: _past(),
    WeeklyNote: _past(
        is_complete="source.met > 0 or cardinality(source.communications) > 0 or source.why_none is not null"
    ),
    SelfReport: _past(),
    CaseDiscussion: _past(),
    ProcessMark: _past(),
    Activity: _past(),
    ActivityPart: _past(),
    Equipment: _past(
        serial="source.serial || '-' || k", serial_key="source.serial_key || k", state=_state(in_use="out_of_use")
    ),
    Loan: _past(returned_at=_back("coalesce(source.returned_at, source.lent_at)"), returned_by="null"),
    MeetingSeries: _past(_OF_MEETINGS, uid="source.uid || '-' || k"),
    Meeting: _past(
        _OF_MEETINGS,
        uid="source.uid || '-' || k",
        state=_state(planned="held", under_way="held"),
        opened_at=_back(_if("state", "cancelled", "source.opened_at", "source.starts_at")),
        closed_at=_back(_if("state", "cancelled", "null", "source.ends_at")),
        agenda_frozen_at=_back("source.starts_at"),
    ),
    MeetingGuest: _past(_OF_MEETINGS),
    DraftedYear: _past(
        _OF_MEETINGS, settled_at=_back("present"), settled_as="'dismissed'", year="source.year - back / 52"
    ),
    Invitation: _past(_OF_MEETINGS),
    MeetingAnswer: _past(_OF_MEETINGS),
    StrayReply: _past(
        _OF_MEETINGS, digest=_digest("digest"), outcome="'set_aside'", seen_at=_back("source.received_at")
    ),
    Attendance: _past(_OF_MEETINGS),
    AgendaItem: _past(
        _OF_MEETINGS,
        state=_state(pool="withdrawn", scheduled="settled"),
        settled_at=_back("coalesce(source.settled_at, source.asked_at)"),
        settled_as="coalesce(source.settled_as, 'coordinator')",
    ),
    AgendaVersion: _past(_OF_MEETINGS),
    Decision: _past(
        _OF_MEETINGS,
        number=_NUMBER,
        state=_state(open="done"),
        closed_at=_back(_if("state", "standing", "null", "coalesce(source.closed_at, source.decided_at)")),
        closed_as=_if("state", "standing", "null", "coalesce(source.closed_as, 'coordinator')"),
        endorsement=_by("endorsement", pending="endorsed", objected="endorsed"),
        counts_since=_back("case when source.needs_endorsement then source.decided_at else source.counts_since end"),
        suspended_at="null",
    ),
    Endorsement: _past(_OF_MEETINGS),
    Minutes: _past(
        _OF_MEETINGS,
        state="'approved'",
        circulations="greatest(source.circulations, 1)",
        circulated_at=_back("coalesce(source.circulated_at, present)"),
        approved_at=_back("coalesce(source.approved_at, present)"),
    ),
    ObligationPeriod: _past(
        _OF_OBLIGATIONS,
        period_starts=_years_ago("source.period_starts"),
        period_ends=_years_ago("coalesce(source.period_ends, source.ends_on, source.starts_on)"),
        starts_on=_years_ago("source.starts_on"),
        ends_on=_years_ago("coalesce(source.ends_on, source.starts_on)"),
        due_on=_years_ago("source.due_on"),
        state="case when source.state in ('met', 'missed', 'no_occasion', 'waived') then source.state else 'met' end",
    ),
    ObligationFinding: _past(_OF_OBLIGATIONS),
    ObligationDocument: _past(_OF_OBLIGATIONS),
    Attestation: _past(_OF_OBLIGATIONS),
    Acceptance: _past(_OF_OBLIGATIONS),
    Incident: _past(
        number=f"source.number + {_APART} * k",
        closed_at=_back("coalesce(source.closed_at, source.recorded_at)"),
        closed_by="source.recorded_by",
    ),
    IncidentVersion: _past(),
    Redaction: _past(
        _OF_OBLIGATIONS,
        state=_state(asked="taken_back"),
        words="null",
        settled_at=_back("coalesce(source.settled_at, source.asked_at)"),
    ),
    Notice: _past(
        key="source.key || ':' || k",
        state="'sent'",
        attempts="1",
        sent_at=_back("coalesce(source.sent_at, source.created_at)"),
        next_attempt_at="null",
        leased_until="null",
    ),
    # Its case and its subject are named without a reference, since anything may be the subject of a line.
    Event: _past(case_id=_same_every_second("case_id"), subject_id=_OF_EVENT),
    BrowserSession: _past(
        token_digest=_digest("token_digest"),
        person_id=_same_every_second("person_id"),
        ended_at=_back("coalesce(source.ended_at, source.seen_at)"),
        ended_as="'signed_out'",
    ),
    Identity: _past(
        object_id="md5(source.object_id::text || k)::uuid",
        ended_at=_back("coalesce(source.ended_at, source.linked_at)"),
    ),
    Passkey: _past(
        credential_id="source.credential_id || k", ended_at=_back("coalesce(source.ended_at, source.enrolled_at)")
    ),
    CalendarFeed: _past(
        token_digest=_digest("token_digest"), ended_at=_back("coalesce(source.ended_at, source.made_at)")
    ),
    ReferralLink: _past(token_digest=_digest("token_digest"), made_by="source.made_by"),
    Barred: _past(
        lifted_at=_back("coalesce(source.lifted_at, source.recorded_at)"),
        lifted_by="coalesce(source.lifted_by, source.recorded_by)",
    ),
    Destruction: _past(state=_state(asked="withdrawn"), ended_at=_back("coalesce(source.ended_at, source.asked_at)")),
    EngineRun: _past(),
    WakeUp: _past(have="source.want", leased_until="null", taken_at="null", attempts="0", trouble="''"),
}

#: The tables that stay as they are: why no list has more of them after ten years.
STAYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("program", "organization", "committee", "seat", "role", "responsibility", "closure", "protocol_version"),
        "declared in the program's files: as many as people write down",
    ),
    **dict.fromkeys(
        (
            *("agreement", "agreement_version", "agreement_role", "obligation", "signature", "signed_file"),
            *("waiver", "waiver_proposal", "name_answer"),
        ),
        "of an agreement's text, which a partner signs anew every few years",
    ),
    **dict.fromkeys(
        ("beat", "engine_seat", "inbox_place", "round_mark", "ledger_seen", "calendar_reader"),
        "one row of each thing that runs, or of each who reads, or in no list",
    ),
    **dict.fromkeys(
        ("door", "rate_count", "sign_in_flow", "answered_request", "meeting_link", "sent_before", "sent_head", "seal"),
        "found by its key or its person, or the last row alone, and taken away when it is over",
    ),
    **dict.fromkeys(
        ("study", "study_recipient", "study_export", "research_group", "research_group_member", "study_row"),
        "of a study, of which there are a few in a program's life, and read whole on its page",
    ),
    **dict.fromkeys(
        ("rights_request", "rights_package", "note_import", "note_import_sheet"),
        "a few a year, each with a page of its own; what a workbook or a package says is kept for some days alone",
    ),
    **dict.fromkeys(("staff_research_consent",), "one a worker or manager, in a list by pages"),
    **dict.fromkeys(("number_given", "number_sequence"), "one row a series or a year, found by it"),
    **dict.fromkeys(
        ("epoch", "restoration", "restored_matter", "backup_run"),
        "of what an installation lived through, the last ones alone",
    ),
    **dict.fromkeys(
        ("data_key", "word_key", "task_words", "kept_until", "evidence_file", "obligation_file"),
        "found from the file, the task or the document that it belongs to",
    ),
}


def add(admin: psycopg.Connection[Any], program_id: UUID, copies: range, weeks: range, present: datetime) -> None:
    """Copy what the program had at first so many times, spread over these `weeks` before all that it had.

    A later call by the same connection goes on where the one before ended: what was copied is never copied again.
    """
    admin.execute("set session_replication_role = replica")  # references hold by construction
    admin.execute(
        "create temp table if not exists copied (k int primary key, back int not null, present timestamptz not null)"
    )
    admin.execute("truncate copied")
    admin.execute(
        "insert into copied select k, %s::int + (k - %s::int) * %s::int / %s::int, %s"
        " from generate_series(%s::int, %s::int) k",
        (LEAST_WEEKS + weeks.start, copies.start, len(weeks), len(copies), present, copies.start, copies.stop - 1),
    )
    for model, past in PAST.items():
        _copy(admin, program_id, table_of(model), past)


def open_copies(session: Session, copies: range, at: datetime) -> None:
    """Seal the words of these copies of incidents for their own places: those of their sources open nowhere else."""
    rows = {row.number: row for row in every(session, of(incident_versions.OpenedIncident))}
    for number, row in rows.items():
        k, source = divmod(number, _APART)
        if k not in copies:
            continue
        said = incident_versions.opened(session, rows[source])
        words = {name: getattr(said, name) for name in incident_versions.WORDS}
        sealed = incident_versions.seal_version(session, row.id, row.version, words, at=at)
        incident_versions.write_words(session, row.id, sealed)


def _copy(admin: psycopg.Connection[Any], program_id: UUID, table: Table, past: Past) -> None:
    name, begun = sql.Identifier(table.name), sql.Identifier(f"begun_{table.name}")
    admin.execute(
        sql.SQL("create temp table if not exists {} as select * from {} where program_id = {}").format(
            begun, name, program_id
        )
    )
    columns = list(_written(table))
    admin.execute(
        sql.SQL("insert into {} ({}) select {} from {} source cross join copied where k % {} = 0 order by k").format(
            name,
            sql.SQL(", ").join(sql.Identifier(one.name) for one in columns),
            sql.SQL(", ").join(_value(one, past) for one in columns),
            begun,
            past.every,
        )
    )


def _written(table: Table) -> Iterator[Column[Any]]:
    """The columns that a copy gives: what the database makes by itself, a number or a transaction, is made anew."""
    return (one for one in table.columns if one.computed is None and one.identity is None and one.name != "xid")


def _value(column: Column[Any], past: Past) -> sql.Composable:
    if column.name in past.other:
        return sql.SQL(past.other[column.name])
    if column.name == "id" or _refers_to_a_copy(column, past.every):
        return sql.SQL("md5({}::text || k)::uuid").format(sql.Identifier("source", column.name))
    if isinstance(column.type, (Date, DateTime)):
        back = sql.SQL(_back("{}")).format(sql.Identifier("source", column.name))
        return sql.SQL("({})::date").format(back) if isinstance(column.type, Date) else back
    return sql.Identifier("source", column.name)


def _refers_to_a_copy(column: Column[Any], every: int) -> bool:
    """Whether what a column refers to is copied with each copy of its row."""
    how_often = {table_of(model).name: past.every for model, past in PAST.items()}
    referred = {
        key.referred_table.name
        for key in column.table.foreign_key_constraints
        for one in key.elements
        if one.parent is column and column.name != "program_id"
    }
    return any(every % how_often[one] == 0 for one in referred if one in how_often)
