"""What the JSON window takes and gives of agreements, partners and obligations."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from api.json.shapes import Shown
from api.web.given import ActInput, Day, Key, PlainText
from models.agreement import ResourceKind
from models.stored import JsonObject

# ------------------------------------------------------------------------------------------------------- agreements


class SignatureShown(Shown):
    """A director's signature under a version, given here or on paper on a local day."""

    id: UUID
    person_id: UUID
    signed_on: date
    on_paper: bool
    recorded_at: AwareDatetime
    recorded_by: UUID | None


class TakenBackSignatureShown(SignatureShown):
    """A signature that was recorded from paper by mistake: when, by which person and why it was taken back.

    `taken_back_reason` is empty for those who may not read the partner's signed files.
    """

    taken_back_at: AwareDatetime
    taken_back_by: UUID | None
    taken_back_reason: str


class SignedFileShown(Shown):
    """A signed file by its digest, with the signature that it carries. `is_as_added`: bytes, row and record agree.

    A file that was kept before the program asked whose signature it carries has none. It `is_withdrawn` with a
    signature that was taken back.
    """

    id: UUID
    signature_id: UUID | None
    name: str
    content_type: str
    size: int
    sha256: str
    added_at: AwareDatetime
    is_as_added: bool
    is_withdrawn: bool


class SignedFileGivenOut(SignedFileShown):
    """A signed file with its bytes."""

    content: Annotated[str, Field(description="base64")]


class VersionChangeShown(Shown):
    """One thing that a version says otherwise than the one before it."""

    part: str
    how: Literal["added", "left_out", "changed"]
    key: str
    words: dict[str, str] | None
    aspects: list[str]
    before: int | None
    after: int | None


class VersionListed(Shown):
    """A version of an agreement in a list."""

    id: UUID
    n: int
    state: str
    starts_on: date | None
    ends_on: date | None
    notice_days: int
    version: int


class AgreementShown(Shown):
    """An agreement with a partner, and its versions, the last one first."""

    id: UUID
    organization_id: UUID
    organization: str
    versions: list[VersionListed]


class AgreementVersionShown(VersionListed):
    """A version with what it says, who signed it, and whether text and files are as they were."""

    agreement_id: UUID
    digest: str
    text_stands: bool
    roles: list[JsonObject]
    obligations: list[JsonObject]
    terms: JsonObject
    signatures: list[SignatureShown]
    signatures_taken_back: list[TakenBackSignatureShown]
    files: list[SignedFileShown]
    changes: list[VersionChangeShown] | None


class StartGiven(ActInput):
    """The first day in force, the last one where it has one, and which role each becomes that it no longer creates."""

    starts_on: Day
    ends_on: Day | None = None
    becomes: Annotated[dict[Key, Key], Field(default_factory=dict)]


class SignedFileGiven(ActInput):
    """A scan of what was signed, with its digest where the sender wants it checked.

    `director_id` says whose signature it carries; it may be left out where one person alone signed.
    """

    name: PlainText
    director_id: UUID | None = None
    content: Annotated[str, Field(description="base64", max_length=15_000_000)]
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class RoleGiven(ActInput):
    """How many people a version promises for a role, and each one's hours."""

    role: Key
    headcount: Annotated[int, Field(ge=1, le=999)] = 1
    hours_a_week: Annotated[float, Field(gt=0, le=60)] | None = None


class WordsGiven(ActInput):
    """Words in both languages."""

    fr: PlainText
    en: PlainText


class ClauseGiven(ActInput):
    """A clause. `key` names the one of the draft that it rewrites; empty, it is another one."""

    key: Key = ""
    title: WordsGiven
    text: WordsGiven


class ResourceGiven(ActInput):
    """What the organization brings."""

    kind: ResourceKind
    text: WordsGiven


class SharingGiven(ActInput):
    """What is shared with the partner, by the keys of the terms; the days, both inclusive, where there are any."""

    purposes: list[Key]
    information: list[Key]
    bodies: list[Key]
    starts_on: Day | None = None
    ends_on: Day | None = None


class TextGiven(ActInput):
    """A whole draft. `obligations` are the words of each that stays, by its key; their rules stay as they are."""

    notice_days: Annotated[int, Field(ge=0, le=3650)]
    roles: list[RoleGiven]
    obligations: dict[Annotated[str, Field(max_length=61)], WordsGiven]
    clauses: Annotated[list[ClauseGiven], Field(default_factory=list)]
    resources: Annotated[list[ResourceGiven], Field(default_factory=list)]
    sharing: SharingGiven | None = None


# ------------------------------------------------------------------------------------------ partners and obligations


class PartnerListed(Shown):
    """A partner, and how many periods of its obligations stand in each state."""

    organization_id: UUID
    short_name: str
    agreement_id: UUID
    states: dict[str, int]


class PeriodListed(Shown):
    """One obligation in one period. `key` is its clause, with the role that owes it where several do."""

    id: UUID
    agreement_id: UUID
    organization_id: UUID
    key: str
    text_fr: str
    text_en: str
    owed_by: str
    check_kind: str
    starts_on: date
    ends_on: date | None
    due_on: date | None
    state: str
    evaluated_at: AwareDatetime


class PartnerShown(Shown):
    """A partner with its obligations: those that are open, or ended lately."""

    organization_id: UUID
    short_name: str
    agreement_id: UUID
    obligations: list[PeriodListed]


class FindingShown(Shown):
    """How a period was found to stand, and by what. The last one stands; the earlier ones are kept."""

    n: int
    state: str
    on: date
    found: JsonObject
    evaluated_at: AwareDatetime


class LookedAt(Shown):
    """A proof, and what was said of it by a person who neither gave nor owes it.

    `looked_at_as` is "accepted", "returned", "kept" for one from before proof was looked at, or empty so far.
    `looked_at_reason` is empty for those who may not read it.
    """

    looked_at_as: str
    looked_at_by: UUID | None
    looked_at: AwareDatetime | None
    looked_at_reason: str


class AttestationShown(LookedAt):
    """What was stated in writing. `note` is empty for those who may not read it.

    `to_be_accepted` says that it counts once another person accepted it.
    """

    id: UUID
    person_id: UUID
    role: str
    acting_for: UUID | None
    said: str
    to_be_accepted: bool
    note: str
    said_at: AwareDatetime
    superseded_at: AwareDatetime | None


class DocumentShown(LookedAt):
    """A document given for a clause, without its bytes, and who gave it, in which role and for which partner."""

    id: UUID
    name: str
    content_type: str
    size: int
    sha256: str
    effective_on: date
    added_at: AwareDatetime
    added_by: UUID | None
    added_as: str
    added_for: UUID | None
    withdrawn_at: AwareDatetime | None


class WaiverShown(Shown):
    """The days on which a decision frees the partner of a clause. `reason` is empty for those who may not read it."""

    starts_on: date
    ends_on: date
    decision_id: UUID
    proposal_id: UUID | None
    recorded_by: UUID | None
    recorded_at: AwareDatetime
    reason: str


class StepDocumentShown(LookedAt):
    """A document that a step of a procedure brought. It is looked at by the id of its step, `task_id`."""

    id: UUID
    task_id: UUID
    label: str
    added_at: AwareDatetime
    added_by: UUID | None


class WaiverProposalShown(Shown):
    """That a committee is asked to free the partner of the clause. `reason` is empty for those who may not read it.

    `counts` says whether what it decided counts, so that the waiver may be recorded and holds.
    """

    id: UUID
    starts_on: date
    ends_on: date
    committee: str
    reason: str
    proposed_by: UUID
    proposed_at: AwareDatetime
    item_state: str | None
    outcome: str | None
    decision_id: UUID | None
    decision: str | None
    counts: bool


class PeriodShown(PeriodListed):
    """One period with all that says how it stands."""

    rule: JsonObject
    findings: list[FindingShown]
    attestations: list[AttestationShown]
    documents: list[DocumentShown]
    step_documents: list[StepDocumentShown]
    waivers: list[WaiverShown]
    proposals: list[WaiverProposalShown]


class DocumentGiven(ActInput):
    """A document, with the day that it speaks of."""

    name: PlainText
    content: Annotated[str, Field(description="base64", max_length=15_000_000)]
    effective_on: Day
