"""What partners signed: agreements, their versions, and the obligations that they create."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint
from sqlmodel import Field

from models.base import InProgram, at_most_one, moment, never_twice, one_of, structure, to, words
from models.lifecycles import AGREEMENT_VERSION
from models.stored import InBoth, JsonObject, Stored, stored


class NamedWords(InBoth):
    """Words in both languages that other parts name by their key."""

    key: str


class Clause(Stored):
    """A clause that creates no duty of its own."""

    key: str
    title: InBoth
    text: InBoth
    sources: list[str]


ResourceKind = Literal["human", "material", "financial", "structure", "service"]


class Resource(Stored):
    """What the organization brings."""

    kind: ResourceKind
    text: InBoth
    sources: list[str]


class Sharing(Stored):
    """What may be shared with the partner, why, in which committees, how it is protected, and on which local days.

    Without days it is shared as long as the agreement is in force. A text from before committees were named in it names
    none.
    """

    source: str
    purposes: list[NamedWords]
    information: list[NamedWords]
    bodies: list[NamedWords] | None = None
    safeguards: list[InBoth]
    starts_on: str | None = None  # ISO 8601, as it was signed
    ends_on: str | None = None

    def holds_on(self, day: date) -> bool:
        """Whether a local day is one of its days."""
        today = day.isoformat()
        return (self.starts_on or today) <= today <= (self.ends_on or today)

    @property
    def first_day(self) -> date | None:
        """The first local day on which it is shared, where that is named."""
        return date.fromisoformat(self.starts_on) if self.starts_on else None

    @property
    def last_day(self) -> date | None:
        """The last local day on which it is shared, where that is named."""
        return date.fromisoformat(self.ends_on) if self.ends_on else None


class Oversight(Stored):
    """The committee that waives clauses, and the partner whose manager accepts proof, where they are named."""

    waivers: str | None = None
    proof: str | None = None

    @property
    def named(self) -> dict[str, str]:
        """What it names, by what for."""
        return {key: one for key, one in (("waivers", self.waivers), ("proof", self.proof)) if one}


class MajorityClause(Stored):
    """Which majority of the partners suffices to endorse a decision."""

    majority: str


class AgreementTerms(Stored):
    """What a version says besides its roles and obligations. `endorsed_by`: a committee, by the duty that needs it."""

    title: InBoth
    resources: list[Resource] = Field(default_factory=list)
    clauses: list[Clause] = Field(default_factory=list)
    information_sharing: Sharing | None = None
    endorsed_by: dict[str, str] = Field(default_factory=dict)
    oversight: Oversight | None = None
    decisions: MajorityClause | None = None

    @property
    def majority(self) -> str:
        """The majority of the partners that suffices to endorse a decision; "" where all of them are needed."""
        return self.decisions.majority if self.decisions else ""


class Agreement(InProgram, table=True):
    """The partnership between the program and one organization, through all its versions."""

    __table_args__ = (UniqueConstraint("program_id", "organization_id"),)

    organization_id: UUID = to("organization")
    title_fr: str
    title_en: str


class AgreementVersion(InProgram, table=True):
    """One text of an agreement, from draft to end. No two are in force on one day; a signed one does not change."""

    __table_args__ = (
        UniqueConstraint("program_id", "agreement_id", "n"),
        one_of("state", AGREEMENT_VERSION.states),
        CheckConstraint("ends_on is null or starts_on is not null and ends_on >= starts_on", name="in_order"),
        CheckConstraint("state not in ('in_force', 'ended') or starts_on is not null", name="in_force_from_a_day"),
        CheckConstraint("state <> 'ended' or ends_on is not null", name="ended_on_a_day"),
        never_twice("one_in_force", "agreement_id", where="state in ('in_force', 'ended')"),
    )

    agreement_id: UUID = to("agreement", index=True)
    n: int
    state: str = AGREEMENT_VERSION.initial
    starts_on: date | None = None
    ends_on: date | None = None
    notice_days: int = 90
    terms: AgreementTerms = stored(AgreementTerms)
    digest: str = ""  # of what was declared: a signed version with another digest is a new version
    version: int = 1


class AgreementRole(InProgram, table=True):
    """A role that a version of an agreement creates at its organization."""

    __table_args__ = (
        UniqueConstraint("program_id", "agreement_version_id", "role"),
        CheckConstraint("headcount >= 1", name="headcount"),
    )

    agreement_version_id: UUID = to("agreement_version")
    role: str
    headcount: int = 1
    hours_a_week: float | None = None


class Obligation(InProgram, table=True):
    """A duty under a clause: who owes it, over which period, how it is checked and by which rule."""

    __table_args__ = (UniqueConstraint("program_id", "agreement_version_id", "key"),)

    agreement_version_id: UUID = to("agreement_version")
    key: str  # the clause, which is also the guide's id
    text_fr: str
    text_en: str
    owed_by: str  # a role, or "organization"
    period: str
    check_kind: str
    rule: JsonObject = structure()  # as its kind of check declares it (domain.declarations.rule_of)
    sources: list[str] = words()


class Signature(InProgram, table=True):
    """A director's signature under one version, given here or `on_paper`; one on paper is proved by its file.

    One that was recorded by mistake is taken back, with the reason. It stays, and counts for nothing from then on.
    """

    __table_args__ = (
        at_most_one("signed_once", "agreement_version_id", "person_id", where="taken_back_at is null"),
        CheckConstraint("taken_back_at is null or on_paper", name="taken_back_of_paper"),
    )

    agreement_version_id: UUID = to("agreement_version")
    organization_id: UUID = to("organization")
    person_id: UUID = to("person")
    signed_on: date
    on_paper: bool = False
    recorded_by: UUID | None = None
    recorded_at: datetime = moment()
    taken_back_at: datetime | None = moment(default=None)
    taken_back_reason: str = ""


class SignedFile(InProgram, table=True):
    """A signed version, as a file. Its bytes and their digest stay as they were added: another file is another row.

    `signature_id` is the signature that it carries; a file that was stored before the program asked has none.
    """

    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("size > 0", name="size"),
    )

    agreement_version_id: UUID = to("agreement_version", index=True)
    signature_id: UUID | None = to("signature", default=None)
    name: str
    content_type: str
    size: int
    sha256: str
    content: bytes = Field(sa_type=LargeBinary)
    added_by: UUID | None = to("person", default=None)
    added_at: datetime = moment()
