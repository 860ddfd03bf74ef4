"""What a participant agreed to, with which partner, for what, until when; and disclosures without their consent."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text

from models.base import InProgram, at_most_one, blob, is_digest, moment, one_of, to, together

#: What a consent is for. `program` is the follow-up itself; the others are asked apart, each with its partner.
CONSENT_PURPOSES = ("program", "sharing", "referral")
#: Who signs: the person alone from 14 on; before, the holder of parental authority; a tutor where one is named.
SIGNED_BY = ("self", "parental_authority", "tutor")
#: On what ground the law lets something be said without consent (AD-R12).
DISCLOSURE_GROUNDS = ("ypa_38d", "ypa_39_1", "ypa_72_6", "danger_to_life", "court_order", "other_law")


class Consent(InProgram, table=True):
    """One consent: to one purpose, with one partner or with the program as a whole, under one version of the text.

    It is explained first and signed after, by the participant and the worker; a copy is given; the coordinator stores
    it (AD-R8). It ends by its day, or is withdrawn, as easily as it was given and without a reason (AD-R11).
    """

    __table_args__ = (
        one_of("purpose", CONSENT_PURPOSES),
        one_of("signed_by", SIGNED_BY),
        one_of("language", ("fr", "en")),
        is_digest("text_digest"),
        CheckConstraint("signed_on >= explained_on", name="explained_first"),
        CheckConstraint("worker_signed_on >= explained_on", name="worker_after"),
        CheckConstraint("limits_stated", name="limits_stated"),
        CheckConstraint("copy_given_on is null or copy_given_on >= signed_on", name="copy_after"),
        CheckConstraint("ends_on is null or ends_on >= signed_on", name="in_order"),
        CheckConstraint("(purpose = 'program') = (organization_id is null)", name="with_a_partner"),
        together("stored", "stored_at", "stored_by"),
        together("withdrawn", "withdrawn_on", "withdrawn_at", "withdrawn_recorded_by"),
        Index(
            "one_consent_stands",
            "program_id",
            "participant_id",
            "purpose",
            "organization_id",
            unique=True,
            postgresql_where=text("withdrawn_on is null and replaced_at is null"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    participant_id: UUID = to("participant", index=True)
    purpose: str
    organization_id: UUID | None = to("organization", default=None)
    text_key: str
    text_version: int
    text_digest: str  # of the text with the line that was agreed to; in the first version, which has none, of the text
    language: str
    explained_on: date
    limits_stated: bool = True  # the limits of confidentiality and the duty to report were said (AD-R8)
    signed_on: date
    signed_by: str
    worker_id: UUID = to("person")
    worker_signed_on: date
    copy_given_on: date | None = None
    ends_on: date | None = None
    again_at_18: bool = False  # the form says that it is reviewed at 18
    review_since: datetime | None = moment(default=None)  # since when it is to be reviewed with the person
    stored_at: datetime | None = moment(default=None)
    stored_by: UUID | None = to("person", default=None)
    withdrawn_on: date | None = None
    withdrawn_at: datetime | None = moment(default=None)
    withdrawn_recorded_by: UUID | None = to("person", default=None)
    replaced_at: datetime | None = moment(default=None)  # by a later one for the same purpose and partner
    recorded_at: datetime = moment()
    version: int = 1


class ResearchConsent(InProgram, table=True):
    """Consent to research (FU-9): asked apart, kept by the research coordinator, and no condition of anything else."""

    __table_args__ = (
        together("research_withdrawn", "withdrawn_on", "withdrawn_at"),
        at_most_one("one_research_consent_stands", "participant_id", where="withdrawn_on is null"),
        Index("ix_research_consent_recorded", "program_id", "recorded_at", "id"),
    )

    participant_id: UUID = to("participant")
    signed_on: date
    kept_by: UUID = to("person")
    recorded_at: datetime = moment()
    withdrawn_on: date | None = None
    withdrawn_at: datetime | None = moment(default=None)


class Disclosure(InProgram, table=True):
    """A disclosure made without consent, because the law asks or allows it (AD-R12). Written once."""

    __table_args__ = (one_of("ground", DISCLOSURE_GROUNDS), CheckConstraint("only_necessary", name="only_necessary"))

    participant_id: UUID = to("participant", index=True)
    ground: str
    disclosed_on: date
    disclosed_by: UUID = to("person")
    sealed: bytes | None = blob()  # recipient and content
    only_necessary: bool = True  # the recorder states that nothing else was said
    recorded_by: UUID = to("person")
    recorded_at: datetime = moment()
