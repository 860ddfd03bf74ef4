"""Running protocols: a case, its tasks, the owner of each, what each waits for, and the proof of what was done."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from models.base import InProgram, Table, days, found_by, moment, one_of, structure, structured, to, together, words
from models.lifecycles import ACT, CASE, TASK

#: The kinds of subject of a case.
SUBJECT_KINDS = ("worker", "member", "organization", "agreement_version", "program", "participant")
#: The columns in which two cases of one protocol differ.
SUBJECT_AND_PERIOD = ("subject_id", "organization_id", "agreement_version_id", "participant_id", "period")

#: The states in which a task no longer holds anything up.
SETTLED = ("done", "waived")
#: The states in which a task is owed.
LIVE = ("open", "submitted")

#: As SQL, what keeps a case from closing: the predicate of an index, which a query finds only by the same words.
UNSETTLED = "required and state not in ('done', 'waived', 'cancelled')"


class Link(NamedTuple):
    """One link of a chain: the holders of a role at a place, or one person under a role.

    `at` is an organization's id, `*` for anywhere in the program, or `having:ROLE` for the organizations where that
    role is held. While its person is away, an `alone` one passes over all deputies, and any over those it `passes`: the
    next link has the duty meanwhile. One that `approves` falls only to deputies who were given approvals.
    """

    role: str
    at: str = "*"
    person: UUID | None = None
    alone: bool = False
    passes: tuple[UUID, ...] = ()
    approves: bool = False


def read_links(kept: Iterable[Mapping[str, Any]]) -> list[Link]:
    """Links as they are stored: `{"role": …, "at": …}`, and the rest where it says something."""
    return [_read_link(**link) for link in kept]


def _read_link(
    role: str, at: str, person: str = "", passes: Iterable[str] = (), *, alone: bool = False, approves: bool = False
) -> Link:
    return Link(role, at, UUID(person) if person else None, alone, tuple(map(UUID, passes)), approves)


def written_links(links: Iterable[Link]) -> list[dict[str, object]]:
    """Links as they are stored. Chains are found by a digest of this."""
    return [
        {"role": role, "at": at}
        | ({"person": str(person)} if person else {})
        | {said: True for said, is_so in (("alone", alone), ("approves", approves)) if is_so}
        | ({"passes": [str(one) for one in passes]} if passes else {})
        for role, at, person, alone, passes, approves in links
    ]


class ProtocolVersion(InProgram, table=True):
    """One version of a protocol as it was declared. It never changes, since cases pin it by its digest."""

    __table_args__ = (UniqueConstraint("program_id", "key", "digest"),)

    key: str
    number: int
    digest: str
    title_fr: str
    title_en: str
    declared: dict[str, Any] = structure()
    source: str
    recorded_at: datetime = moment()


def _read_anchors(kept: Mapping[str, str]) -> dict[str, date]:
    return {name: date.fromisoformat(day) for name, day in kept.items()}


def _written_anchors(anchors: Mapping[str, date]) -> dict[str, str]:
    return {name: day.isoformat() for name, day in anchors.items()}


class Case(InProgram, table=True):
    """One running protocol: an onboarding, the renewal of an agreement, a quarter's report.

    Its subject is a person at an organization (a youth worker, or a member of its staff in all their roles), an
    organization, an agreement's version with its organization, a candidate or participant, or the program itself:
    `subject_kind` says which. `period` is the quarter or the year that it is for (2026-Q3, 2026), and empty where its
    protocol has none. Of what begins automatically there is one for each subject and period, ever.
    """

    __table_args__ = (
        one_of("state", CASE.states),
        one_of("subject_kind", SUBJECT_KINDS),
        CheckConstraint("(subject_kind in ('worker', 'member')) = (subject_id is not null)", name="about_a_person"),
        CheckConstraint(
            "(subject_kind = 'agreement_version') = (agreement_version_id is not null)", name="about_an_agreement"
        ),
        CheckConstraint("(subject_kind = 'participant') = (participant_id is not null)", name="about_a_participant"),
        CheckConstraint(
            "(subject_kind in ('program', 'participant')) = (organization_id is null)", name="about_the_program"
        ),
        CheckConstraint("period ~ '^([0-9]{4}(-Q[1-4])?)?$'", name="period"),
        CheckConstraint("(state = 'open') = (ended_at is null)", name="ended"),
        Index(
            "one_open_case",
            "program_id",
            "protocol",
            *SUBJECT_AND_PERIOD,
            unique=True,
            # One who returned leaves by another departure, while their first may still wait for a thing.
            postgresql_where=text("state = 'open' and not gathers"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "begun_once",
            "program_id",
            "protocol",
            *SUBJECT_AND_PERIOD,
            unique=True,
            postgresql_where=text("once"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_case_open", "program_id", "protocol", postgresql_where=text("state = 'open'")),
        Index("ix_case_opened", "program_id", "opened_at"),
        found_by("ix_case_ended", "protocol", "ended_at", where="state <> 'open'"),
    )

    protocol: str
    protocol_version_id: UUID = to("protocol_version")
    subject_kind: str = SUBJECT_KINDS[0]
    subject_id: UUID | None = to("person", default=None, index=True)  # the person
    organization_id: UUID | None = to("organization", default=None)
    agreement_version_id: UUID | None = to("agreement_version", default=None)
    participant_id: UUID | None = to("participant", default=None)
    period: str = ""
    once: bool = False  # its protocol begins automatically
    gathers: bool = False  # some of its steps are done for each thing that its subject has in hand
    anchors: dict[str, date] = structured(_read_anchors, _written_anchors, default_factory=dict)  # its named days
    state: str = CASE.initial
    opened_at: datetime = moment()
    opened_by: UUID | None = to("person", default=None)
    opened_as: str = ""
    ended_at: datetime | None = moment(default=None)
    ended_by: UUID | None = to("person", default=None)
    ended_reason: str = ""
    version: int = 1


class Responsibility(InProgram, table=True):
    """Who owes something, as a chain: the first link that is held on the day counts.

    There are few chains and many tasks: a person's list is found by chain.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "digest"),
        Index("ix_responsibility_links", "links", postgresql_using="gin", postgresql_ops={"links": "jsonb_path_ops"}),
    )

    digest: str
    links: list[Link] = structured(read_links, written_links, default_factory=list)


class Task(InProgram, table=True):
    """What a role owes: one step of a case, or a duty of another kind where `case_id` is empty."""

    __table_args__ = (
        UniqueConstraint("program_id", "case_id", "step", "item"),
        one_of("state", TASK.states),
        one_of("act_state", ACT.states),
        together("done", "done_at", "done_as"),
        CheckConstraint("state <> 'done' or done_at is not null", name="done_has_its_moment"),
        CheckConstraint(
            "state <> 'submitted' or (done_at is not null and approved_by_id is not null)", name="submitted"
        ),
        CheckConstraint(
            "approved_by_id is null or settled_by is null or settled_by is distinct from done_by", name="not_own"
        ),
        CheckConstraint("(handed_back_at is null) = (handed_back_by is null)", name="handed_back"),
        CheckConstraint("(given_again_at is null) = (given_again_by is null)", name="given_again"),
        CheckConstraint("handed_back_at is null or given_again_at is null", name="handed_back_or_given_again"),
        found_by("ix_task_of_no_case", "item", where="case_id is null"),
        Index("ix_task_handed_back", "program_id", postgresql_where=text("handed_back_at is not null")),
        Index("ix_task_unsettled", "program_id", "case_id", postgresql_where=text(UNSETTLED)),
        Index("ix_task_owed", "program_id", "owed_by_id", postgresql_where=text("state in ('planned', 'open')")),
        Index("ix_task_to_approve", "program_id", "approved_by_id", postgresql_where=text("state = 'submitted'")),
        Index("ix_task_next_check", "program_id", "next_check", postgresql_where=text("next_check is not null")),
        Index("ix_task_done_by", "program_id", "done_by", postgresql_where=text("done_by is not null")),
        Index("ix_task_settled_by", "program_id", "settled_by", postgresql_where=text("settled_by is not null")),
        Index("ix_task_stuck", "program_id", postgresql_where=text("act_state = 'stuck'")),
        Index("ix_task_live", "program_id", "due_on", postgresql_where=text("state in ('open', 'submitted')")),
        Index("ix_task_acts", "program_id", "case_id", postgresql_where=text("act_state in ('wanted', 'undo_wanted')")),
    )

    case_id: UUID | None = to("case", default=None, index=True)
    step: str
    item: str = ""
    holding: str = ""  # the kind of what it settles, whose id is its item: domain.holdings
    position: int = 0
    stage: str = ""
    title_fr: str
    title_en: str
    sources: list[str] = words()
    clause: str = ""
    evidence: str = "none"
    system: str = ""  # on which an account is opened
    asks: list[dict[str, object]] = structure(default_factory=list)  # what is filled in as it is handed in, as declared
    required: bool = True

    owed_by_id: UUID | None = to("responsibility", default=None)
    declared_owed_by_id: UUID | None = to("responsibility", default=None)
    approved_by_id: UUID | None = to("responsibility", default=None)
    may_not_approve: list[Link] = structured(read_links, written_links, default_factory=list)  # the doer never may
    on_reject: str = ""  # the step that a rejection reopens, where it is not this one
    waived_by: list[str] = words()  # the roles that may waive it; empty: none

    state: str = TASK.initial
    due_on: date | None = None
    due_rule: dict[str, object] = structure()  # as declared, so that a moved anchor moves it
    ladder: list[date] = days()  # of its reminders
    ladder_to: list[str] = words()  # the recipient of each, for a duty outside any case that says so itself
    dates_hang: bool = False  # other steps' due dates hang on the day that this one is done
    opened_at: datetime | None = moment(default=None)
    rung: int = 0  # of the reminder ladder: each is used once
    next_check: date | None = None  # the only column that the rounds search by

    done_at: datetime | None = moment(default=None)
    done_by: UUID | None = to("person", default=None)  # empty where the engine did it
    done_as: str | None = None
    done_for: UUID | None = to("person", default=None)  # the absent person of the doer, a deputy
    note: str = ""
    settled_at: datetime | None = moment(default=None)  # approved or waived
    settled_by: UUID | None = to("person", default=None)
    settled_as: str = ""
    reason: str = ""  # of the last rejection or waiver
    handed_back_at: datetime | None = moment(default=None)
    handed_back_by: UUID | None = to("person", default=None)
    given_again_at: datetime | None = moment(default=None)  # to the role that owes it, after it was handed back
    given_again_by: UUID | None = to("person", default=None)

    action: str = ""
    undo: str = ""
    act_state: str = ACT.initial
    version: int = 1


class TaskWords(InProgram, table=True):
    """What people wrote with a task that is about a candidate or participant, sealed under that person's key.

    The task's own `note` and `reason` are empty then. Nothing is sealed here where all that was written was removed.
    """

    __table_args__ = (UniqueConstraint("program_id", "task_id"),)

    task_id: UUID = to("task")
    participant_id: UUID = to("participant", index=True)
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    version: int = 1


class Request(InProgram, table=True):
    """What a person filled in when they handed a task in: the folders, the amount, the reason that are asked for.

    Written once: a changed request is another one, and the newest is what is approved. `asked` is what the step asked,
    as declared then; `given` has a value for each part of it by its id. `digest` is of both, and is in the record.
    """

    __table_args__ = (UniqueConstraint("program_id", "task_id", "n"), CheckConstraint("n >= 1", name="n"))

    task_id: UUID = to("task")
    n: int  # the how many-th that was handed in for the task
    asked: list[dict[str, object]] = structure(default_factory=list)
    given: dict[str, str | list[str]] = structure()
    digest: str
    handed_in_at: datetime = moment()
    handed_in_by: UUID | None = to("person", default=None)


class Lateness(InProgram, table=True):
    """A due day of a step that had passed undone when the step was cancelled, waived or given another day.

    `until` is the last local day on which it was not done by that due day. It never changes: what was late stays late.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "task_id", "due_on", "until"),
        CheckConstraint("until > due_on", name="late"),
    )

    task_id: UUID = to("task")
    clause: str = ""  # that the step served then
    due_on: date
    until: date
    recorded_at: datetime = moment()


class TaskNeed(Table, table=True):
    """One task waits for another of the same case."""

    __table_args__ = (
        Index("ix_task_need_needs", "program_id", "needs_id"),
        CheckConstraint("task_id <> needs_id", name="not_itself"),
    )

    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    task_id: UUID = to("task", primary_key=True)
    needs_id: UUID = to("task", primary_key=True)


class Evidence(InProgram, table=True):
    """Proof that a task was done: a document, a serial number, an account's user name, or what was agreed on.

    Withdrawn, never deleted.
    """

    __table_args__ = (
        one_of("kind", ("document", "serial", "account", "way")),
        CheckConstraint("equipment_id is null or kind = 'serial'", name="equipment_by_its_serial"),
        together("withdrawn", "withdrawn_at", "withdrawn_why"),
    )

    task_id: UUID = to("task", index=True)
    kind: str
    label: str = ""  # a serial number, a user name, a file's name, or the word of a list; never a secret
    equipment_id: UUID | None = to("equipment", default=None)  # the piece of equipment that was handed over
    content_type: str = ""
    size: int = 0
    sha256: str = ""
    added_at: datetime = moment()
    added_by: UUID | None = to("person", default=None)
    withdrawn_at: datetime | None = moment(default=None)
    withdrawn_why: str | None = None


class EvidenceFile(InProgram, table=True):
    """The bytes of a document, apart from its row so that lists never read them."""

    __table_args__ = (to("evidence", "id"),)

    content: bytes = Field(sa_type=LargeBinary)


class Account(InProgram, table=True):
    """An account opened for a person on a system of the program. It never holds a secret."""

    __table_args__ = (
        Index(
            "one_open_account",
            "program_id",
            "system",
            "user_name",
            unique=True,
            postgresql_where=text("closed_at is null"),
        ),
        Index(
            "ix_account_look_again", "program_id", "look_again_on", postgresql_where=text("look_again_on is not null")
        ),
    )

    person_id: UUID = to("person", index=True)
    task_id: UUID | None = to("task", default=None)
    system: str
    user_name: str
    opened_at: datetime = moment()
    closed_at: datetime | None = moment(default=None)
    look_again_on: date | None = None  # when it is seen whether it is closed still
