"""What a participant signed and agreed to, with which partner, until when; and disclosures without their consent."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text

from models.base import InProgram, at_most_one, blob, is_digest, moment, one_of, to, together

#: What a consent is for. `program` is the follow-up itself; the others are asked apart, each with its partner.
CONSENT_PURPOSES = ("program", "sharing", "referral")
#: Who signs: the person alone from 14 on; before, the holder of parental authority; a tutor where one is named.
SIGNED_BY = ("self", "parental_authority", "tutor")
#: How a form was signed: drawn on a screen, or on paper, of which the scan is kept.
SIGNED_WAYS = ("drawn", "paper")
#: On what ground the law lets something be said without consent (AD-R12).
DISCLOSURE_GROUNDS = ("ypa_38d", "ypa_39_1", "ypa_72_6", "danger_to_life", "court_order", "other_law")


class ConsentForm(InProgram, table=True):
    """One consent form, signed once for all that is ticked on it (AD-R8). Each line of it is a `Consent`.

    The signature, or the scan of the paper, is sealed under the participant's key. The participant gets a copy, and the
    coordinator stores the form. Its text, language and days are those of its consents.
    """

    __table_args__ = (
        one_of("way", SIGNED_WAYS),
        is_digest("text_digest"),
        together("stored", "stored_at", "stored_by"),
    )

    participant_id: UUID = to("participant", index=True)
    way: str
    text_digest: str  # of the text with every line that was ticked
    sealed: bytes | None = blob()  # the drawn signature, or the scan
    copy_given_on: date | None = None
    stored_at: datetime | None = moment(default=None)
    stored_by: UUID | None = to("person", default=None)
    recorded_by: UUID = to("person")
    recorded_at: datetime = moment()


class Consent(InProgram, table=True):
    """One consent: to one purpose, with one partner or with the program as a whole, under one version of the text.

    It is a line of a form that was explained first and signed after, by the participant and the worker (AD-R8). It ends
    by its day, or is withdrawn, as easily as it was given and without a reason (AD-R11).
    """

    __table_args__ = (
        one_of("purpose", CONSENT_PURPOSES),
        one_of("signed_by", SIGNED_BY),
        CheckConstraint("language ~ '^[a-z]{2,3}$'", name="language"),
        is_digest("text_digest"),
        CheckConstraint("signed_on >= explained_on", name="explained_first"),
        CheckConstraint("worker_signed_on >= explained_on", name="worker_after"),
        CheckConstraint("limits_stated", name="limits_stated"),
        CheckConstraint("ends_on is null or ends_on >= signed_on", name="in_order"),
        CheckConstraint("agreed_until is null or coalesce(ends_on <= agreed_until, false)", name="never_widened"),
        CheckConstraint("(purpose = 'program') = (organization_id is null)", name="with_a_partner"),
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
    form_id: UUID = to("consent_form", index=True)
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
    agreed_until: date | None = None  # the last day that was signed
    ends_on: date | None = None  # the last day now, where the person has since made it earlier
    again_at_18: bool = False  # the form says that it is reviewed at 18
    review_since: datetime | None = moment(default=None)  # since when it is to be reviewed with the person
    withdrawn_on: date | None = None
    withdrawn_at: datetime | None = moment(default=None)
    withdrawn_recorded_by: UUID | None = to("person", default=None)
    replaced_at: datetime | None = moment(default=None)  # by a later one for the same purpose and partner
    recorded_at: datetime = moment()
    version: int = 1


class ResearchConsent(InProgram, table=True):
    """Consent to research (FU-9): asked apart, kept by the research coordinator, and no condition of anything else.

    One that was ticked on the consent form waits until the research coordinator keeps it. The signature stays with the
    form: research learns a number and a day, and not who signed.
    """

    __table_args__ = (
        together("kept", "kept_by", "kept_at"),
        CheckConstraint("kept_by is not null or form_id is not null", name="from_somewhere"),
        together("research_withdrawn", "withdrawn_on", "withdrawn_at"),
        at_most_one("one_research_consent_stands", "participant_id", where="withdrawn_on is null"),
        Index("ix_research_consent_recorded", "program_id", "recorded_at", "id"),
    )

    participant_id: UUID = to("participant")
    form_id: UUID | None = to("consent_form", default=None)
    signed_on: date
    kept_by: UUID | None = to("person", default=None)
    kept_at: datetime | None = moment(default=None)
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
