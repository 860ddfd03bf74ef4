"""What happened in a meeting: who sat, what was decided and by how many, and the minutes of it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from models.base import InProgram, found_by, moment, one_of, to, together, words
from models.decision_kinds import KINDS, OTHER
from models.lifecycles import DECISION, ENDORSEMENT, MINUTES
from models.program import LANGUAGES
from models.written import kept_as

#: How a seat was filled. "unrecorded" is no absence: it waits for the secretary.
ATTENDED = ("unrecorded", "present", "remote", "alternate", "excused", "absent")
#: A partner's word on a decision; "" while it was asked and has said nothing, or withdrew its word.
ENDORSED_AS = ("", "endorsed", "objected")
#: How many of the partners an agreement lets suffice, instead of all.
MAJORITIES = ("more_than_half", "two_thirds", "three_quarters")
#: The states of `models.lifecycles.ENDORSEMENT` in which what rests on a decision counts.
COUNTING = ("not_asked", "endorsed", "earlier")


class Attendance(InProgram, table=True):
    """How one seat was filled at one meeting, and by which person. Corrected in place; the record keeps the former."""

    __table_args__ = (
        UniqueConstraint("program_id", "meeting_id", "seat_id"),
        one_of("state", ATTENDED),
        CheckConstraint(
            "(state in ('present', 'remote', 'alternate')) = (person_id is not null)", name="someone_who_sat"
        ),
        CheckConstraint("left_at is null or arrived_at is null or left_at >= arrived_at", name="in_order"),
    )

    meeting_id: UUID = to("meeting")
    seat_id: UUID = to("seat")
    state: str = ATTENDED[0]
    person_id: UUID | None = to("person", default=None)
    is_remote: bool = False  # of an alternate
    arrived_at: datetime | None = moment(default=None)
    left_at: datetime | None = moment(default=None)
    recorded_at: datetime = moment()
    recorded_by: UUID | None = to("person", default=None)
    version: int = 1


@dataclass(frozen=True, slots=True)
class QuorumStanding:
    """How a committee stood against its quorum at one moment: what is stamped on a decision, with no person in it.

    Counts are of voting seats and of the organizations that they belong to; what is needed is 0 where the rule does
    not ask for it. `missing_must` are keys of seats that had to be filled and were not. `present` and `left` are the
    seats, voting or not, that were filled at that moment and that had been before, as committee.key.
    """

    is_met: bool
    is_declared: bool
    seats_present: int
    seats_needed: int
    organizations_present: int
    organizations_needed: int
    missing_must: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class Decision(InProgram, table=True):
    """What a meeting decided, with the quorum of that instant, who owes it and until when.

    It returns on agendas until it is done or revoked by a decision.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "number"),
        one_of("state", DECISION.states),
        one_of("kind", tuple(KINDS), grows=True),
        CheckConstraint("(owner_role = '') = (task_id is null)", name="owed"),
        CheckConstraint("(owner_role = '') = (due_on is null)", name="due"),
        together("closed", "closed_at", "closed_as"),
        one_of("endorsement", ENDORSEMENT.states),
        CheckConstraint("needs_endorsement = (endorsement <> 'not_asked')", name="needs_endorsement"),
        CheckConstraint(
            "(endorsement in ('not_asked', 'endorsed', 'earlier'))"
            " = (counts_since is not null and suspended_at is null)",
            name="counts",
        ),
        CheckConstraint("suspended_at is null or counts_since is not null", name="suspended"),
        CheckConstraint("(wanted_by_id is null) = (wanted_at is null)", name="wanted"),
        CheckConstraint("not grants or (item_id is not null and settles_id is null)", name="grants"),
        CheckConstraint("settles_id is null or not needs_endorsement", name="settles"),
        one_of("added_in", ("", *LANGUAGES)),
        CheckConstraint("(added_in = '') = (added_at is null)", name="added"),
        Index("ix_decision_open", "program_id", "committee_id", postgresql_where=text("state = 'open'")),
        found_by("ix_decision_on_others", where="cardinality(takes_back) > 0 or settles_id is not null"),
    )

    committee_id: UUID = to("committee")
    meeting_id: UUID = to("meeting", index=True)
    item_id: UUID | None = to("agenda_item", default=None)
    number: str  # the committee's letters, the year and a count: CD-2027-014
    kind: str = OTHER.key
    text_fr: str
    text_en: str = ""
    added_in: str = ""  # the language of the text that was added later; "": none was
    added_at: datetime | None = moment(default=None)
    added_by: UUID | None = to("person", default=None)
    has_quorum: bool
    quorum: QuorumStanding = kept_as(QuorumStanding)  # what was counted at that instant
    owner_role: str = ""
    owner_organization_id: UUID | None = to("organization", default=None)  # empty: the holders of the role anywhere
    due_on: date | None = None
    task_id: UUID | None = to("task", default=None)
    needs_endorsement: bool = False  # GV-4
    why_not_management: str = ""  # why a decision of the committee that settles these is on something else
    endorsement: str = ENDORSEMENT.initial
    counts_since: datetime | None = moment(default=None)  # since when it counted for the first time
    suspended_at: datetime | None = moment(default=None)  # since when it is not in effect
    endorse_by: date | None = None  # the last local day on which partners are to say so; after it they are asked again
    asked_again_at: datetime | None = moment(default=None)
    wanted_by_id: UUID | None = to("organization", default=None)  # the partner that asked for it to be endorsed
    wanted_by_person: UUID | None = to("person", default=None)
    wanted_at: datetime | None = moment(default=None)
    wanted_why: str = ""
    grants: bool = False  # it is what the task of its item asks for, and does it; else it decides something beside it
    takes_back: list[str] = words()  # the numbers of the decisions that it says it revokes
    settles_id: UUID | None = to("decision", default=None)  # the decision whose objections this one settles
    state: str = DECISION.initial
    decided_at: datetime = moment()
    recorded_by: UUID | None = to("person", default=None)
    closed_at: datetime | None = moment(default=None)
    closed_as: str | None = None
    withdrawn_by_id: UUID | None = to("decision", default=None)
    version: int = 1


class Endorsement(InProgram, table=True):
    """A partner's word on a decision on management or coordination (GV-4). A later word replaces it; both stay.

    The first one of each partner says that it was asked, and on what terms its agreement was that day.
    """

    __table_args__ = (
        Index(
            "one_endorsement_counts",
            "program_id",
            "decision_id",
            "organization_id",
            unique=True,
            postgresql_where=text("superseded_at is null"),
        ),
        Index("ix_endorsement_decision", "program_id", "decision_id"),
        one_of("said", ENDORSED_AS),
        one_of("majority", ("", *MAJORITIES)),
        CheckConstraint("said <> 'objected' or reason <> ''", name="objects_with_a_reason"),
        CheckConstraint("settled_by_id is null or said = 'objected'", name="settled"),
    )

    decision_id: UUID = to("decision")
    organization_id: UUID = to("organization")
    said: str
    said_at: datetime = moment()
    said_by: UUID | None = to("person", default=None)
    said_as: str = ""
    said_for: UUID | None = to("person", default=None)  # the absent person, where a deputy said it
    reason: str = ""
    majority: str = ""  # what its agreement lets suffice; "": every partner
    settled_by_id: UUID | None = to("decision", default=None)  # the decision that settled this objection
    superseded_at: datetime | None = moment(default=None)
    version: int = 1


class Minutes(InProgram, table=True):
    """The minutes of a meeting: drafted from its agenda, approved by a later meeting, then left as they are.

    `sealed` is what they say, and what they said when they were last sent, for the `circulations`th time.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "meeting_id"),
        one_of("state", MINUTES.states),
        CheckConstraint("(state = 'approved') = (approved_at is not null)", name="approved"),
        CheckConstraint("state = 'draft' or circulated_at is not null", name="circulated"),
        CheckConstraint("(circulations = 0) = (circulated_at is null)", name="circulations"),
    )

    meeting_id: UUID = to("meeting")
    state: str = MINUTES.initial
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    circulations: int = 0
    digest: str = ""
    circulated_at: datetime | None = moment(default=None)
    approved_at: datetime | None = moment(default=None)
    approved_in_id: UUID | None = to("meeting", default=None)
    version: int = 1
