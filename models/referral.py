"""How a person comes to the program: referrals, the links of outside professionals, findings, decisions."""

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from models.base import InProgram, Table, blob, is_digest, moment, one_of, to, together, words
from models.lifecycles import REFERRAL
from models.participant import CANDIDATE_REF

WAYS = ("page", "link")
CRITERIA = ("AD-C0", "AD-C1", "AD-C2", "AD-C3", "AD-C4", "AD-C5")
FINDINGS = ("met", "not_met", "unknown")
#: The results of triage: the committee decides (AD-R3), the coordinator forwards (AD-R4), or no.
TRIAGE_RESULTS = ("committee", "forwarded", "refused")
#: Where a referral stands, as its author hears it: nothing of it says whether the person was known.
STANDS = ("received", "committee", "worker", "not_admitted")
#: What can be said to its author to have been offered instead: of a closed list, as why and what exactly is sealed.
OFFERS = ("partner", "health", "youth_protection", "police", "community", "school", "helpline", "later")
#: The committee's decisions on a candidate.
ADMISSION_OUTCOMES = ("assign", "defer", "refuse", "more")


class Referral(InProgram, table=True):
    """One referral of a person (AD-R1, AD-R2), sealed from the moment it arrives.

    By a person of the program, on its pages, or by an outside professional, through a link. `sealed` holds the facts of
    AD-R2, the facts behind the criteria, and the outside professional's name and contact.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "link_id"),
        one_of("state", REFERRAL.states),
        one_of("way", WAYS),
        one_of("result", ("", *TRIAGE_RESULTS)),
        one_of("stands", STANDS),
        CheckConstraint(f"reference ~ '{CANDIDATE_REF}'", name="reference"),
        UniqueConstraint("program_id", "reference"),
        CheckConstraint("(asked_at is null) = (asked = '{}')", name="asked"),
        CheckConstraint(f"offered <@ array[{', '.join(repr(one) for one in OFFERS)}]", name="offered"),
        CheckConstraint("stands = 'not_admitted' or offered = '{}'", name="offered_instead"),
        CheckConstraint("(way = 'link') = (referred_by is null)", name="someone_referred"),
        CheckConstraint("(way = 'link') = (link_id is not null)", name="by_its_link"),
        CheckConstraint("left_at is null or way = 'page'", name="left_by_somebody"),
        CheckConstraint("state in ('draft', 'abandoned') or received_at is not null", name="received"),
        CheckConstraint("(state = 'triaged') = (result <> '')", name="has_its_result"),
        together("triaged", "triaged_at", "triaged_by"),
        Index("ix_referral_participant", "program_id", "participant_id"),
        Index("ix_referral_state", "program_id", "state"),
        Index("ix_referral_referred_by", "program_id", "referred_by"),
        Index("ix_referral_received", "program_id", "received_at"),
    )

    participant_id: UUID = to("participant")
    referred_by: UUID | None = to("person", default=None)
    organization_id: UUID | None = to("organization", default=None)  # of the person of the program who refers
    way: str
    link_id: UUID | None = to("referral_link", default=None)  # one referral by a link, ever
    state: str = REFERRAL.initial
    sealed: bytes | None = blob()
    begun_at: datetime = moment()
    saved_at: datetime = moment()
    received_at: datetime | None = moment(default=None)
    left_at: datetime | None = moment(default=None)  # its author left it unfinished: it is the coordination's since
    triaged_at: datetime | None = moment(default=None)
    triaged_by: UUID | None = to("person", default=None)
    result: str = ""
    result_sealed: bytes | None = blob()  # why, and what was offered instead
    reference: str  # by which its author knows it, for good: the one of the file that it began
    stands: str = STANDS[0]
    offered: list[str] = words()  # instead, as far as its author is told
    asked: list[str] = words()  # the fields and criteria that its author is asked for, and has not answered
    asked_at: datetime | None = moment(default=None)
    task_id: UUID | None = to("task", default=None)  # of the admission's case: the step that this one waits for
    version: int = 1


class ReferralLink(Table, table=True):
    """A link by which one outside professional refers one person, without account. Read before a program is known."""

    __table_args__ = (
        UniqueConstraint("program_id", "id"),
        is_digest("token_digest"),
        is_digest("browser_digest"),
        Index("ix_referral_link_made", "program_id", "made_at"),
    )

    token_digest: str = Field(primary_key=True)
    program_id: UUID = Field(foreign_key="program.id")
    id: UUID = Field(default_factory=uuid4)
    made_by: UUID = to("person")
    made_at: datetime = moment()
    expires_at: datetime = moment()
    #: Of the cookie of the browser in which it was begun: no other reads what is saved.
    browser_digest: str | None = None
    used_at: datetime | None = moment(default=None)
    ended_at: datetime | None = moment(default=None)  # withdrawn before it was used


class CriterionFinding(InProgram, table=True):
    """The finding on one criterion for one person (AD-C0 to AD-C5), and its fact. Written once: the next one counts.

    Where a person is admitted although a criterion is not met (AD-C3, precontemplation), `allowed_by` is who allowed
    it. The reason is in `sealed`, with the fact.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "participant_id", "criterion", "n"),
        one_of("criterion", CRITERIA),
        one_of("finding", FINDINGS),
        CheckConstraint("allowed_by is null or (criterion = 'AD-C3' and finding <> 'met')", name="allowed"),
    )

    participant_id: UUID = to("participant")
    referral_id: UUID = to("referral")
    criterion: str
    n: int
    finding: str
    sealed: bytes | None = blob()
    on: date  # the local day as of which it was found: an age is one on a day
    found_by: UUID = to("person")
    found_at: datetime = moment()
    allowed_by: UUID | None = to("person", default=None)


class AdmissionDecision(InProgram, table=True):
    """What became of a candidate at the committee, or by the coordinator's direct forwarding. Written once.

    The committee may correct, while it sits, what it recorded under an item: both stay, and the later one counts.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "participant_id", "n"),
        one_of("outcome", ADMISSION_OUTCOMES),
        CheckConstraint("(outcome = 'assign') = (candidate_worker_id is not null)", name="assigned"),
        CheckConstraint("item_id is not null or outcome = 'assign'", name="forwarded"),
        CheckConstraint("decision_id is null or item_id is not null", name="in_a_meeting"),
    )

    participant_id: UUID = to("participant")
    referral_id: UUID = to("referral")
    n: int
    outcome: str
    item_id: UUID | None = to("agenda_item", default=None)  # empty where the coordinator forwarded it (AD-R4)
    decision_id: UUID | None = to("decision", default=None)
    candidate_worker_id: UUID | None = to("candidate_worker", default=None)
    sealed: bytes | None = blob()  # why; what was offered instead; what is asked for
    taken_by: UUID = to("person")
    taken_as: str
    taken_at: datetime = moment()
