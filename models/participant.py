"""People that the program supports or may support: known here by a reference or a number, and otherwise sealed.

No column of these tables holds anything nominative but the sealed ones: bytes under a data key of the person's own,
which is stored wrapped outside the database (`models.ports.Keys`). When the key is destroyed, they are noise in every
copy.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint

from models.base import InProgram, at_most_one, blob, found_by, moment, one_of, to, together, words
from models.lifecycles import PARTICIPANT

#: The form of a candidate's reference: drawn at random, so that it tells neither order nor time.
CANDIDATE_REF = "^C-[2-9A-HJ-NP-Z]{6}$"
#: The form of a participant's number (AD-R9): the year, and a count within it.
NUMBER = "^#[0-9]{4}-[0-9]{2,}$"

#: AD-R10, at admission. `none` is no commodification at that moment, which is not "no risk".
RISK_LEVELS = ("red", "yellow", "green", "none")
#: AD-C4, of someone who recruits others: whether what they would gain exceeds what the others would risk.
RECRUITER_LEVELS = ("benefits_exceed", "risks_exceed")
RISK_KINDS = ("admission", "recruiter")
MEETING_OUTCOMES = ("thinks", "commits", "declines")  # AD-R7
MEETING_WAYS = ("in_person", "remote")


class Participant(InProgram, table=True):
    """One person known to the program as a candidate or a participant.

    Until admission they have `candidate_ref` alone, from then on `number` as well, which circulates. What assignment
    needs and identifies no one is in the clear: languages, an area's code, whether they also recruit others (AD-C4).
    `marks` are blind: keyed digests of names and contacts, for the coordinator's search for duplicates alone.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "candidate_ref"),
        UniqueConstraint("program_id", "number"),
        one_of("state", PARTICIPANT.states),
        CheckConstraint(f"candidate_ref ~ '{CANDIDATE_REF}'", name="candidate_ref"),
        CheckConstraint(f"number ~ '{NUMBER}'", name="number"),
        CheckConstraint("state <> 'admitted' or number is not null", name="admitted_by_number"),
        CheckConstraint("number is null or state in ('admitted', 'destroyed')", name="number_of_the_admitted"),
        CheckConstraint("(state = 'destroyed') = (destroyed_at is not null)", name="destroyed"),
        CheckConstraint("destroyed_at is null or (sealed is null and names is null and not held)", name="nothing_left"),
        together("hold", "held_by", "held_at"),
        CheckConstraint("not held or held_at is not null", name="held"),
        Index("ix_participant_marks", "marks", postgresql_using="gin"),
        Index("ix_participant_state", "program_id", "state"),
        found_by("ix_participant_joined", where="joined_to_id is not null"),
        Index("ix_participant_retained", "program_id", "retain_until"),
    )

    candidate_ref: str
    number: str | None = None
    state: str = PARTICIPANT.initial
    sealed: bytes | None = blob()  # name, birth, contacts: one blob
    names: bytes | None = blob()  # sealed apart, for the gate of letters
    marks: list[str] = words()
    languages: list[str] = words()
    area: str = ""  # a code of the program's own areas; "" where it is none of them or not known
    recruiter: bool = False  # AD-C4: no activity ever brings them together with other participants
    admitted_on: date | None = None
    no_research_on: date | None = None  # they last said no to research while no consent to it was on file
    retain_until: date | None = None  # destroyed after this day, unless held
    held: bool = False  # a legal hold: nothing is destroyed while it lasts
    held_by: UUID | None = to("person", default=None)
    held_at: datetime | None = moment(default=None)
    joined_to_id: UUID | None = to(
        "participant", default=None
    )  # the same person's file, to which the referral was joined
    destroyed_at: datetime | None = moment(default=None)
    version: int = 1


class DataKey(InProgram, table=True):
    """That a person has a data key, and whether it still exists. The key itself is never here.

    `id` is the participant's own: the store outside the database knows the key by it.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "participant_id"),
        CheckConstraint("gone_at is null or destroyed_at is not null", name="gone"),
    )

    participant_id: UUID = to("participant")
    made_at: datetime = moment()
    destroyed_at: datetime | None = moment(default=None)
    gone_at: datetime | None = moment(default=None)  # when the store was seen not to have it any more


class NumberSequence(InProgram, table=True):
    """The last number given in a year. Its row is locked meanwhile: none is skipped or given twice."""

    __table_args__ = (
        UniqueConstraint("program_id", "year"),
        CheckConstraint("year between 2000 and 2199", name="year"),
        CheckConstraint("last >= 1", name="last"),
    )

    year: int
    last: int = 1


class Barred(InProgram, table=True):
    """A worker barred by the participant from their file: at once, in assignment too, and without a reason."""

    __table_args__ = (
        together("lifted", "lifted_at", "lifted_by"),
        at_most_one("barred_once", "participant_id", "person_id", where="lifted_at is null"),
        found_by("ix_barred_person", "person_id", where="lifted_at is null"),
    )

    participant_id: UUID = to("participant")
    person_id: UUID = to("person")
    recorded_by: UUID | None = to("person", default=None)  # empty of one that a restore placed, until it is decided
    recorded_at: datetime = moment()
    lifted_at: datetime | None = moment(default=None)
    lifted_by: UUID | None = None


class CandidateWorker(InProgram, table=True):
    """The worker who meets a candidate, and the second of the pair (AD-R3, AD-R6): from decision to admission."""

    __table_args__ = (
        CheckConstraint("second_id is null or second_id <> worker_id", name="not_own_second"),
        at_most_one("one_worker_a_candidate", "participant_id", where="ended_at is null"),
        Index("ix_candidate_worker_participant", "program_id", "participant_id"),
        found_by("ix_candidate_worker_worker", "worker_id", where="ended_at is null"),
        found_by("ix_candidate_worker_second", "second_id", where="ended_at is null"),
    )

    participant_id: UUID = to("participant")
    worker_id: UUID = to("person")
    organization_id: UUID = to("organization")
    second_id: UUID | None = to("person", default=None)
    named_at: datetime = moment()
    ended_at: datetime | None = moment(default=None)
    ended_as: str = ""  # admitted, replaced, refused, declined, barred, left, triaged_again
    version: int = 1


class FirstMeeting(InProgram, table=True):
    """One meeting of a candidate and the worker before admission (AD-R6), and what the candidate said (AD-R7)."""

    __table_args__ = (
        UniqueConstraint("program_id", "participant_id", "n"),
        one_of("way", MEETING_WAYS),
        one_of("outcome", MEETING_OUTCOMES),
    )

    participant_id: UUID = to("participant")
    n: int
    worker_id: UUID = to("person")
    second_id: UUID | None = to("person", default=None)  # who was there as the pair
    met_on: date
    way: str
    outcome: str
    back_on: date | None = None  # of someone who thinks: the day on which they are asked again
    recorded_by: UUID = to("person")
    recorded_at: datetime = moment()


class RiskAssessment(InProgram, table=True):
    """The risk to the participant (AD-R10), or, apart, to others from one who recruits (AD-C4)."""

    __table_args__ = (
        UniqueConstraint("program_id", "participant_id", "kind", "n"),
        one_of("kind", RISK_KINDS),
        CheckConstraint(
            f"level in ({', '.join(repr(level) for level in RISK_LEVELS)}) or kind <> 'admission'", name="at_admission"
        ),
        CheckConstraint(
            f"level in ({', '.join(repr(level) for level in RECRUITER_LEVELS)}) or kind <> 'recruiter'",
            name="of_a_recruiter",
        ),
    )

    participant_id: UUID = to("participant")
    kind: str
    n: int
    level: str
    sealed: bytes | None = blob()  # profile, involvement, benefits, risks
    assessed_by: UUID = to("person")
    assessed_as: str
    assessed_at: datetime = moment()
    decision_id: UUID | None = to("decision", default=None)
