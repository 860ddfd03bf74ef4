"""Obligations as they are stored: each period's state and how it was found, proof and who accepted it, and waivers."""

from datetime import date, datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from models.base import (
    InProgram,
    at_most_one,
    found_by,
    in_order,
    is_digest,
    moment,
    never_twice,
    one_of,
    structure,
    to,
    together,
)

#: How an obligation stands in a period. It is computed from the records each time, so there are no moves.
PERIOD_STATES = (
    "not_yet",  # the period has not begun
    "nothing_recorded",  # silence: nothing on record says how it stands
    "on_track",  # something is on record, and nothing that lacks is near its last day
    "at_risk",  # one more miss, or a last day that is near
    "cannot_be_met",  # whatever comes
    "awaiting_record",  # the coordinator's to record; never the partner's miss
    "given",  # proof was given, and one who does not owe it has still to look at it
    "met",
    "missed",
    "no_occasion",  # nothing happened at which it could have been met or missed
    "waived",
)
ATTESTED_AS = ("held", "not_held")
#: The words on a proof. "kept" is one that was given, and counted, before proof was accepted by another.
LOOKED_AT_AS = ("accepted", "returned", "kept")
#: The kind of the agenda item by which a committee is asked to free a partner of a clause; its subject is the proposal.
WAIVER_ITEM = "waiver"


class ObligationPeriod(InProgram, table=True):
    """One obligation over one period, as it stands now.

    It is known by its agreement and clause, not by a version: one that goes on with the same clause goes on with the
    period. `starts_on` and `ends_on` are the days of the period on which the clause bound the partner, inclusive;
    `period_starts` and `period_ends` the whole period. A duty "at all times" has one period without an end.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "agreement_id", "key", "period_starts"),
        in_order(),
        CheckConstraint("period_ends is null or period_ends >= period_starts", name="period_in_order"),
        CheckConstraint(
            "starts_on >= period_starts and (period_ends is null or ends_on <= period_ends)", name="within_its_period"
        ),
        one_of("state", PERIOD_STATES),
        Index("ix_obligation_period_due", "program_id", "due_on"),
        # What ended lately, and what waits to be looked at, among all that ever ended.
        Index(
            "ix_obligation_period_goes_on",
            "program_id",
            text("(case when ends_on is null then 'infinity'::date else coalesce(due_on, ends_on) end)"),
        ),
        found_by("ix_obligation_period_given", "agreement_id", where="state = 'given'"),
    )

    agreement_id: UUID = to("agreement")
    key: str
    obligation_id: UUID = to("obligation", index=True)  # the text by which it is judged: that of the last day it binds
    period_starts: date
    period_ends: date | None = None
    starts_on: date
    ends_on: date | None = None
    due_on: date | None = None  # the last day for proof, with the days of grace
    state: str = PERIOD_STATES[0]
    finding: int = 0  # the number of the finding that says why
    # What somebody has to do for it: state in writing, record an attendance.
    task_id: UUID | None = to("task", default=None)
    evaluated_at: datetime = moment()
    version: int = 1


class FoundFact(TypedDict):
    """A fact that was looked at, as it is kept: what it is, of which day ("" for none), whether it counts, and why."""

    kind: str
    id: str
    on: str
    counts: bool
    why: str


class Found(TypedDict):
    """What was asked and reached, in numbers, and the facts behind it."""

    numbers: dict[str, int]
    facts: list[FoundFact]


class ObligationFinding(InProgram, table=True):
    """The finding on a period, and its facts. Written when that changes, never again: a correction is another."""

    __table_args__ = (
        UniqueConstraint("program_id", "period_id", "n"),
        one_of("state", PERIOD_STATES),
        CheckConstraint("n >= 1", name="n"),
    )

    period_id: UUID = to("obligation_period")
    n: int
    obligation_id: UUID = to("obligation")
    state: str
    on: date  # the local day as of which it was judged
    found: Found = structure()
    evaluated_at: datetime = moment()


class ObligationDocument(InProgram, table=True):
    """A document that an organization's obligation asks for: a report, a plan, a contract. Withdrawn, never deleted."""

    __table_args__ = (
        is_digest("sha256"),
        CheckConstraint("size > 0", name="size"),
        together("withdrawn", "withdrawn_at", "withdrawn_why"),
    )

    agreement_id: UUID = to("agreement", index=True)
    key: str  # of the obligation that it is for
    kind: str  # as its rule names it
    name: str  # the file's
    content_type: str
    size: int
    sha256: str
    effective_on: date  # the local day that it speaks of, and by which it counts
    added_at: datetime = moment()
    added_by: UUID | None = to("person", default=None)
    added_as: str = ""  # the role in which it was given; "" where that was not stored
    added_for: UUID | None = to("person", default=None)  # the absent person, where a deputy gave it
    withdrawn_at: datetime | None = moment(default=None)
    withdrawn_why: str | None = None
    version: int = 1


class ObligationFile(InProgram, table=True):
    """The bytes of such a document, apart from its row so that lists never read them."""

    __table_args__ = (to("obligation_document", "id"),)

    content: bytes = Field(sa_type=LargeBinary)


class Attestation(InProgram, table=True):
    """What the holder of a role states in writing about one period. A later one replaces it; both are kept."""

    __table_args__ = (
        one_of("said", ATTESTED_AS),
        at_most_one("one_attestation_stands", "period_id", where="superseded_at is null"),
    )

    period_id: UUID = to("obligation_period")
    person_id: UUID = to("person")
    role: str  # as which they state it
    acting_for: UUID | None = to("person", default=None)  # the absent person, where a deputy states it
    said: str
    to_be_accepted: bool  # its author says that it held, and owes it or is of the partner that does
    note: str = ""
    said_at: datetime = moment()
    superseded_at: datetime | None = moment(default=None)


class Acceptance(InProgram, table=True):
    """The word on a proof by a person who neither gave nor owes it: accepted, or returned with words.

    The proof is a document given for a clause, an attestation, or the document of a procedure's step. A later word
    replaces the one before; both are kept. A proof that counted before anyone was asked has no word.
    """

    __table_args__ = (
        one_of("said", LOOKED_AT_AS),
        CheckConstraint("num_nonnulls(document_id, attestation_id, evidence_id) = 1", name="of_one_proof"),
        CheckConstraint("(said = 'kept') = (said_by is null)", name="by_somebody"),
        CheckConstraint("said <> 'returned' or reason <> ''", name="returned_with_words"),
        *(
            at_most_one(f"one_word_stands_of_{proof}", f"{proof}_id", where="superseded_at is null")
            for proof in ("document", "attestation", "evidence")
        ),
    )

    document_id: UUID | None = to("obligation_document", default=None)
    attestation_id: UUID | None = to("attestation", default=None)
    evidence_id: UUID | None = to("evidence", default=None)
    said: str
    reason: str = ""
    said_by: UUID | None = to("person", default=None)
    said_as: str = ""
    said_for: UUID | None = to("person", default=None)
    said_at: datetime = moment()
    superseded_at: datetime | None = moment(default=None)


class WaiverProposal(InProgram, table=True):
    """The proposal that a committee waive one clause for one partner, from a day to a day. Written once.

    The item of its agenda is of the kind `WAIVER_ITEM` and has the proposal's id as its subject. The decision on that
    item frees the partner, and nothing else does.
    """

    __table_args__ = (
        in_order(),
        CheckConstraint("reason <> ''", name="with_a_reason"),
        Index("ix_waiver_proposal_clause", "program_id", "agreement_id", "key"),
    )

    agreement_id: UUID = to("agreement")
    key: str
    committee_id: UUID = to("committee")
    starts_on: date
    ends_on: date
    reason: str
    proposed_by: UUID = to("person")
    proposed_as: str
    proposed_for: UUID | None = to("person", default=None)
    proposed_at: datetime = moment()


class Waiver(InProgram, table=True):
    """Days on which a clause is waived for a partner, by a decision. What happens on them counts neither way.

    Where its decision was revoked, it frees until the day before that, and keeps its own days. It is set aside when
    another is for some of these days. One from before waivers were proposed has no proposal.
    """

    __table_args__ = (
        in_order(),
        CheckConstraint("from_before or proposal_id is not null", name="proposed"),
        never_twice("one_waiver_a_day", "agreement_id", "key", where="set_aside_at is null"),
    )

    agreement_id: UUID = to("agreement")
    key: str
    starts_on: date
    ends_on: date
    decision_id: UUID = to("decision")
    proposal_id: UUID | None = to("waiver_proposal", default=None)
    from_before: bool = False
    reason: str
    recorded_by: UUID | None = to("person", default=None)
    recorded_as: str = ""
    recorded_for: UUID | None = to("person", default=None)
    recorded_at: datetime = moment()
    set_aside_at: datetime | None = moment(default=None)
    version: int = 1
