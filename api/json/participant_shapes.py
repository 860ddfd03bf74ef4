"""What the routes of candidates and participants take and answer, and how a row becomes an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from fastapi import Response
from pydantic import AwareDatetime, Field, StringConstraints
from sqlmodel import Session

from api.access.participants import Facts, OpenedFile, UnsealedFacts, known
from api.access.session import RequestContext
from api.json.idempotent_requests import etag
from api.json.shapes import AwaitedShown, Shown, UndecidedWords, of_columns
from api.views.undecided import Undecided
from api.web.given import ActInput, PlainText
from api.web.referral_shapes import Fields, perhaps_shown, shown, with_fields
from domain.accompaniment import consent_forms, consents, proposals, reviews, risks, withdrawals, workers
from domain.admissions import duplicates, first_meetings, triage
from domain.participants import (
    Referrer,
    ToldField,
    Who,
    case_of,
    disclosures,
    fields_of,
    findings,
    reading,
    what_is_destroyed,
)
from meetings import admissions
from models.consent import Consent, ConsentForm
from models.participant import FirstMeeting, Participant
from models.referral import Referral

Words = Annotated[PlainText, StringConstraints(max_length=triage.LONGEST)]


class IdentityAsked(ActInput):
    """What one reads it for, where it lies outside one's own follow-ups."""

    purpose: Literal["", "who_follows", "hand_over", "urgent_help", "request_of_person", "legal_duty"] = ""


class FoundShown(Shown):
    """How a criterion was found last, without the sealed fact."""

    criterion: str
    finding: str
    on: date
    found_by: UUID
    allowed_by: UUID | None


class FactShown(Shown):
    """The fact behind a criterion, and why an exception was made."""

    criterion: str
    fact: str
    why: str


@of_columns(Referral, "state way result received_at triaged_at")
class ReferralOf(Shown):
    """A referral of the person, without what it says."""

    id: UUID
    version: int


class DecidedShown(Shown):
    """What was decided of a candidate. `item_id` is None of a direct forwarding."""

    outcome: str
    taken_at: AwareDatetime
    taken_by: UUID
    item_id: UUID | None
    decision_id: UUID | None


@of_columns(FirstMeeting, "met_on way outcome back_on worker_id second_id")
class FirstMeetingShown(Shown):
    """A meeting before admission."""


@of_columns(
    Consent,
    "form_id purpose organization_id text_version language signed_on signed_by worker_id agreed_until ends_on "
    "again_at_18 withdrawn_on replaced_at",
)
class ConsentShown(Shown):
    """A consent that was signed once."""

    id: UUID
    review_since: Annotated[
        AwareDatetime | None, Field(description="Since when it is to be looked at again with the person.")
    ]
    undecided: UndecidedWords


@of_columns(ConsentForm, "way text_digest copy_given_on stored_at")
class SignedFormShown(Shown):
    """A consent form that was signed once, without its signature."""

    id: UUID


class DisclosureShown(Shown):
    """A disclosure without consent, without what is sealed."""

    id: UUID
    ground: str
    disclosed_on: date
    disclosed_by: UUID


class DisclosureWords(Shown):
    """The receiver of a disclosure without consent, and what was said."""

    to_whom: str
    what: str


@of_columns(Participant, "candidate_ref number state languages area admitted_on retain_until held")
class ParticipantShown(Shown):
    """A candidate or participant by reference or number, and nothing nominative."""

    id: UUID
    never_with_others: Annotated[bool | None, Field(description="Null for whom the risk is not told.")]
    case_id: UUID | None
    worker_id: UUID | None
    second_id: UUID | None
    risk: str | None
    risk_to_others: str | None
    referrals: list[ReferralOf]
    criteria: list[FoundShown]
    decisions: list[DecidedShown]
    meetings: list[FirstMeetingShown]
    consents: list[ConsentShown]
    consent_forms: list[SignedFormShown]  # for who keeps the file
    what_follows_is_asked_of: list[str]  # after a consent that was taken back: the worker, the coordinator
    review_is_asked_of: list[str]  # of consents that somebody else signed, or that may not be theirs: the same two
    disclosures: list[DisclosureShown]
    version: int


class DestructionShown(Shown, what_is_destroyed.DestructionProof):
    """The proof that a file is destroyed. `line` is of the record; `key_gone_at` is null until it was seen gone."""

    before_two: Annotated[bool, Field(description="One person destroyed it, or the program, before it took two.")]


@with_fields(perhaps_shown(fields_of(ToldField)))
class ReferralWordsShown(Shown):
    """What a referral says of why the person was referred."""

    received_at: AwareDatetime


@with_fields(perhaps_shown(fields_of(Referrer)))
class ReferralWords(ReferralWordsShown):
    """What a referral says, with who referred."""


class DecisionReasonShown(Shown):
    """Why it was triaged, decided or assessed so: what was written, by the fields that say something."""

    of: str
    result: str
    at: AwareDatetime
    fields: dict[str, str]


def _said_of_them() -> Fields:
    """The fields of an identity, with the day on which an age was said beside the age."""
    who = shown(fields_of(Who))
    until = list(who).index("age") + 1
    first, rest = list(who.items())[:until], list(who.items())[until:]
    return {**dict(first), "age_on": (date | None, ...), **dict(rest)}


@with_fields(_said_of_them())
class SaidOfThem(Shown):
    """A person's identity, as one file says it: nominative."""


class IdentityShown(SaidOfThem):
    """A person's identity, and what was referred: nominative. `also` is as joined files said it."""

    also: list[SaidOfThem]
    referrals: list[ReferralWords]
    facts: list[FactShown]
    reasons: list[DecisionReasonShown]

    @classmethod
    def of(cls, opened: OpenedFile) -> IdentityShown:
        """Of what was opened."""
        return cls.about(
            opened.who, referrals=opened.referrals, facts=list(opened.found.values()), reasons=opened.reasons
        )


class FactsShown(Shown):
    """What was referred and found, without who they are. No text names the person; `[…]` stands where one did.

    `age_least` and `age_most` are one where the age can be told. `reached_by` says which ways there are to reach them.
    """

    age_least: int | None
    age_most: int | None
    reached_by: list[str]
    referrals: list[ReferralWordsShown]
    facts: list[FactShown]
    reasons: list[DecisionReasonShown]

    @classmethod
    def of(cls, read: Facts) -> FactsShown:
        """Of what was read."""
        return cls.about(
            read,
            age_least=read.age.least if read.age else None,
            age_most=read.age.most if read.age else None,
            facts=list(read.found.values()),
        )


class DuplicateShown(Shown, duplicates.Duplicate):
    """A person on file who may be the same."""

    name: Annotated[str, Field(description="A number or a candidate's reference, never a name.")]


class WorkerProposalShown(Shown):
    """A worker who may be named: what speaks for them, and what bars them."""

    person_id: UUID
    organization_id: UUID
    hours: float | None
    primary: int
    weight: float
    waiting: int
    is_overloaded: bool
    bars: list[str]
    waits_for: list[AwaitedShown]
    reasons: list[str]
    place_in_pair: int | None  # 1 who might meet the person, 2 who with them (AD-R6)


@dataclass(frozen=True)
class MayKnow:
    """What the asker is told of a person on file, besides where they stand: the rest is left out of the answer."""

    admission: bool = True
    risk: bool = True
    consents: bool = True
    reviews: bool = True  # since when a consent is the person's own to give, which tells when they were born
    disclosures: bool = True


def shown_participant(
    context: RequestContext, participant_id: UUID, response: Response, *, told: MayKnow = MayKnow()
) -> ParticipantShown:
    """A file as it stands now, also for a person whose own act ended what they were to it."""
    session = context.session
    row = known(session, participant_id)
    assert row is not None  # noqa: S101 - found before
    response.headers["ETag"] = etag(row.version)
    named = workers.named(session, participant_id)
    worker_id, second_id = (named.worker_id, named.second_id) if named else (None, None)
    at_admission, to_others = _risks(session, row) if told.risk else (None, None)

    def each(shape: type[_Shape], read: Callable[[Session, UUID], Iterable[Any]], *, may: bool) -> list[_Shape]:
        return shape.each(read(session, participant_id) if may else ())

    def asked(*questions: Callable[[Session, UUID], withdrawals.StillAsked | None], may: bool) -> list[str]:
        return _asked_of(*(question(session, participant_id) for question in questions)) if may else []

    return ParticipantShown.about(
        row,
        never_with_others=row.recruiter if told.risk else None,
        case_id=case_of(session, participant_id),
        worker_id=worker_id,
        second_id=second_id,
        risk=at_admission,
        risk_to_others=to_others,
        referrals=each(ReferralOf, reading.referrals_of, may=told.admission),
        criteria=each(FoundShown, lambda *file: findings.findings_of(*file).values(), may=told.admission),
        decisions=each(DecidedShown, admissions.decisions_about, may=told.admission),
        meetings=each(FirstMeetingShown, first_meetings.meetings_of, may=told.admission),
        consents=_consents(context, participant_id, with_review=told.reviews) if told.consents else [],
        consent_forms=each(SignedFormShown, consent_forms.forms_of, may=told.consents and told.reviews),
        what_follows_is_asked_of=asked(withdrawals.asked, withdrawals.asked_of_partners, may=told.consents),
        review_is_asked_of=asked(reviews.asked, may=told.reviews),
        disclosures=each(DisclosureShown, disclosures.disclosures_of, may=told.disclosures),
    )


def _risks(session: Session, row: UnsealedFacts) -> tuple[str | None, str | None]:
    """How the risk was assessed last: at admission, and, of one who recruits others, to them."""
    at_admission = risks.last(session, row.id, "admission")
    to_others = risks.to_others(session, row.id) if row.recruiter else None
    return at_admission.level if at_admission else None, to_others.level if to_others else None


def _consents(context: RequestContext, participant_id: UUID, *, with_review: bool) -> list[ConsentShown]:
    """The consents; without a review, not since when each is the person's own to give."""
    waits = Undecided(context)
    return [
        ConsentShown.about(
            one, review_since=one.review_since if with_review else None, undecided=waits.words_of(waits.of_consent(one))
        )
        for one in consents.consents_of(context.session, participant_id)
    ]


def _asked_of(*asked: withdrawals.StillAsked | None) -> list[str]:
    """Who is asked by one of these, each once."""
    found = (who for one in asked if one is not None for who, is_asked in asdict(one).items() if is_asked)
    return list(dict.fromkeys(found))


_Shape = TypeVar("_Shape", bound=Shown)


def shown_proposals(context: RequestContext, participant_id: UUID) -> list[WorkerProposalShown]:
    """The workers of the day, the best fit first, and which two might meet the person as a pair."""
    offered = proposals.proposals(context.session, participant_id, at=context.at)
    pair = proposals.proposed_pair(offered) or ()
    return [
        WorkerProposalShown.about(
            each.load,
            waiting=each.load.to_meet,
            waits_for=AwaitedShown.in_language(each.load.waits_for, context.language),
            reasons=each.reasons,
            place_in_pair=pair.index(each.person_id) + 1 if each.person_id in pair else None,
        )
        for each in offered
    ]
