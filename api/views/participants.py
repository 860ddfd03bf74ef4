"""A candidate or participant as an asker sees the file, card by card; nothing here opens what is sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final
from uuid import UUID

from sqlmodel import Session

from api.access.cases import find_case
from api.access.participants import UnsealedFacts
from api.access.permissions import Action, Forbidden, Given, Relation, is_allowed
from api.access.session import RequestContext
from api.views.criteria import NAMES
from api.views.follow_ups import WHY_PROPOSED, bars_of
from api.views.participant_words import DESTRUCTION_GROUNDS, offered
from api.views.tasks import names_of
from domain.accompaniment import (
    WorkerProposal,
    barring,
    consent_forms,
    consents,
    proposals,
    proposed_pair,
    reviews,
    risks,
    withdrawals,
    workers,
)
from domain.admissions import duplicates, first_meetings, triage
from domain.casework import asking
from domain.kernel import col, only, run, scalar, surely
from domain.participants import (
    OF_RECRUITERS,
    CriterionFound,
    DestructionProof,
    DestructionRequest,
    case_of,
    criteria,
    destruction,
    destruction_requests,
    disclosures,
    findings,
    labels_of,
    reading,
    still_needed,
    what_is_destroyed,
)
from domain.roles import standing
from domain.terms import BEING_ADMITTED, circle_of
from locales import N_, gettext
from meetings import admissions, decisions, recruiters
from models.agenda import AgendaItem
from models.consent import Consent, ConsentForm, Disclosure
from models.destruction import BEFORE_ITS_DAY
from models.follow_up import FollowUp
from models.participant import Barred, CandidateWorker, FirstMeeting, RiskAssessment
from models.program import Organization
from models.referral import CRITERIA, AdmissionDecision, Referral

#: What the page offers or shows each by a permission of its own.
_ASKED: Final = (
    Action.KEEP_DISCLOSURES,
    Action.KEEP_RETENTION,
    Action.READ_IDENTITY,
    Action.READ_FACTS,
    Action.SEE_ADMISSION,
    Action.SEE_RISK,
    Action.SEE_CONSENTS,
    Action.TRIAGE,
    Action.KEEP_ADMISSION,
    Action.READ_SIGNED_FORM,
    Action.DECIDE_ADMISSION,
)


@dataclass(frozen=True)
class SeenFile:
    """A file, who looks at it, and what they are to it."""

    context: RequestContext
    row: UnsealedFacts
    given: Given

    @property
    def session(self) -> Session:
        """The transaction of the request."""
        return self.context.session

    @property
    def id(self) -> UUID:
        """The participant."""
        return self.row.id

    @cached_property
    def may(self) -> Mapping[str, bool]:
        """What the asker may, by the action."""
        return {action: is_allowed(action, self.given) for action in _ASKED}

    @property
    def accompanies(self) -> bool:
        """Whether the person is the asker's to accompany or to meet."""
        return Relation.ASSIGNED in self.given


# ---------------------------------------------------------------------------------------------------------- admission


@dataclass(frozen=True)
class Owed:
    """What is to be confirmed since the person went straight to a worker, in words, and by which day."""

    criteria: str
    due_on: date | None


def owed_of(seen: SeenFile) -> Owed | None:
    """What is owed of a person since they went straight to a worker; None where nothing is."""
    asked = asking.open_ones(seen.session, triage.OWED, seen.id)
    if not asked:
        return None
    owed = criteria.in_words(triage.to_confirm(seen.session, seen.row))
    return Owed(owed[seen.context.language], asked[0].due_on)


@dataclass(frozen=True)
class Admission:
    """Where an admission stands: `waiting` is the referral to triage, `again` the one that can be triaged again.

    Who wrote those that are `asked` is asked for what is missing. `proposals` are the workers of the day where one is
    to be chosen.
    """

    waiting: Referral | None
    again: Referral | None
    asked: list[Referral]
    maybe_known: bool
    owed: Owed | None
    found: Mapping[str, CriterionFound]
    criteria: list[tuple[str, str, CriterionFound | None]]
    named: CandidateWorker | None
    names_another: bool
    item: AgendaItem | None
    decided: list[AdmissionDecision]
    met: list[FirstMeeting]
    proposals: list[WorkerProposal]

    @property
    def people(self) -> set[UUID | None]:
        """Those who are named on its cards."""
        return {
            *((self.named.worker_id, self.named.second_id) if self.named else ()),
            *(person for one in self.found.values() for person in (one.found_by, one.allowed_by)),
            *(one.person_id for one in self.proposals),
        }


def admission_of(seen: SeenFile) -> Admission:
    """Where the admission of somebody stands."""
    session, row = seen.session, seen.row
    waiting, again, asked = _referrals_of(seen)
    item = admissions.item_under_way(session, row.candidate_ref) if seen.may[Action.DECIDE_ADMISSION] else None
    names_another = _names_another(seen)
    found = findings.findings_of(session, row.id)
    chooses = waiting or item or names_another
    return Admission(
        waiting=waiting,
        again=again,
        asked=asked,
        maybe_known=bool(waiting and duplicates.alike(session, [row.id], reader=seen.context.asker.person_id)),
        owed=owed_of(seen),
        found=found,
        criteria=_criteria(row, found),
        named=workers.named(session, row.id),
        names_another=names_another,
        item=item,
        decided=admissions.decisions_about(session, row.id),
        met=first_meetings.meetings_of(session, row.id),
        proposals=proposals.proposals(session, row.id, at=seen.context.at) if chooses else [],
    )


def _criteria(row: UnsealedFacts, found: Mapping[str, CriterionFound]) -> list[tuple[str, str, CriterionFound | None]]:
    """The criteria by their names, each as it was found; that of those who recruit others only where it is of them."""
    asked = [one for one in CRITERIA if one != OF_RECRUITERS or row.recruiter or one in found]
    return [(criterion, gettext(NAMES[criterion]), found.get(criterion)) for criterion in asked]


def _referrals_of(seen: SeenFile) -> tuple[Referral | None, Referral | None, list[Referral]]:
    """For who triages: the referral that waits, the one that can be triaged again, and those that are asked about."""
    if not seen.may[Action.TRIAGE]:
        return None, None, []
    referrals = reading.referrals_of(seen.session, seen.id)
    waiting = next((one for one in referrals if one.state == "received"), None)
    again = None if waiting else _to_triage_again(seen.row, referrals)
    return waiting, again, [one for one in referrals if one.asked_at]


def _names_another(seen: SeenFile) -> bool:
    """Whether the asker may name another worker than the one who was given the person, or none by now."""
    if not seen.may[Action.DECIDE_ADMISSION] or seen.row.state not in BEING_ADMITTED:
        return False
    return workers.was_given(seen.session, seen.id)


def _to_triage_again(row: UnsealedFacts, referrals: Sequence[Referral]) -> Referral | None:
    """The referral that can be triaged again: the candidate has no number yet, and it was not refused."""
    triaged = [one for one in referrals if one.state == "triaged"]
    last = max(triaged, key=lambda one: surely(one.triaged_at), default=None)
    if row.state not in BEING_ADMITTED or last is None or last.result == "refused":
        return None
    return last


@dataclass(frozen=True)
class Workers:
    """The workers of whom one is chosen, each in a line: all of them, who might be a pair, and what one may choose."""

    lines: list[tuple[WorkerProposal, str]]
    pair: list[str]
    choices: list[tuple[str, str]]
    seconds: list[tuple[str, str]]

    @classmethod
    def of(cls, offered: Sequence[WorkerProposal], names: Mapping[UUID, str], language: str) -> Workers:
        """Those who are proposed, who fits best first."""
        lines = [(one, _in_one_line(one, names, language)) for one in offered]
        return cls(
            lines=lines,
            pair=[names[person] for person in proposed_pair(offered) or ()],
            choices=[(str(one.person_id), line) for one, line in lines if one.possible],
            seconds=[(str(one.person_id), line) for one, line in lines if one.possible_as_second],
        )


def _in_one_line(proposal: WorkerProposal, names: Mapping[UUID, str], language: str) -> str:
    """A worker with what speaks for and against."""
    load = proposal.load
    name = names.get(proposal.person_id, "")
    if load.bars:
        return f"{name} – {', '.join(bars_of(load, language))}"
    told = [gettext(N_("%(count)s followed")) % {"count": load.primary}]
    if load.hours:
        told.append(gettext(N_("%(hours)s h a week")) % {"hours": f"{load.hours:g}"})
    if load.to_meet:
        told.append(gettext(N_("%(count)s to meet")) % {"count": load.to_meet})
    told += [gettext(WHY_PROPOSED[reason]) for reason in proposal.reasons]
    return f"{name} – {', '.join(told)}"


# ----------------------------------------------------------------------------------------------------------- consents


@dataclass(frozen=True)
class Consents:
    """What somebody consented to, the forms that they signed, and what is asked of it."""

    signed: list[Consent]
    forms: list[ConsentForm]
    asked_what_follows: withdrawals.StillAsked | None
    asked_of_partners: withdrawals.StillAsked | None
    asked_to_review: withdrawals.StillAsked | None
    partners: list[tuple[UUID, str]]
    not_shared_with: list[str]

    @property
    def partner_names(self) -> Mapping[UUID, str]:
        """What each partner is called in short."""
        return dict(self.partners)

    def language_of(self, consent: Consent) -> str:
        """The language of the text that was signed, by its own name."""
        return labels_of(consent.language).name

    @property
    def lines(self) -> list[Consent]:
        """What stands or was withdrawn, and not what a later form says anew."""
        names = self.partner_names
        rows = [one for one in self.signed if one.replaced_at is None]
        return sorted(rows, key=lambda one: (one.purpose != "program", names.get(one.organization_id or one.id, "")))

    def of_form(self, form_id: UUID) -> Consent:
        """The consent to the program that a form gave: its text, language and days are those of the form."""
        return next(one for one in self.signed if one.form_id == form_id and one.purpose == "program")

    @property
    def people(self) -> set[UUID | None]:
        """Those who are named on its card."""
        return {one.worker_id for one in self.signed}


def consents_of(seen: SeenFile) -> Consents | None:
    """What somebody consented to, for who may see it."""
    if not seen.may[Action.SEE_CONSENTS]:
        return None
    session, keeps = seen.session, seen.may[Action.KEEP_ADMISSION]
    signed = consents.consents_of(session, seen.id)
    partners = partner_names(session)
    return Consents(
        signed=signed,
        forms=consent_forms.forms_of(session, seen.id) if keeps else [],
        asked_what_follows=withdrawals.asked(session, seen.id),
        asked_of_partners=withdrawals.asked_of_partners(session, seen.id),
        asked_to_review=reviews.asked(session, seen.id) if keeps else None,
        partners=partners,
        not_shared_with=_not_shared_with(seen, partners) if signed and keeps else [],
    )


def partner_names(session: Session) -> list[tuple[UUID, str]]:
    """Every partner by name, whether or not its agreement is in force."""
    rows = run(
        session,
        only(Organization.id, Organization.short_name)
        .where(Organization.kind != "outside")
        .order_by(col(Organization.short_name)),
    )
    return [(row.id, row.short_name) for row in rows]


def _not_shared_with(seen: SeenFile, partners: Iterable[tuple[UUID, str]]) -> list[str]:
    """The partners that see nothing of the participant today, because consent to that was not given, or ended.

    The organization whose worker accompanies them is none of these, whatever was signed.
    """
    circle = circle_of(seen.session, seen.id, seen.context.day)
    return [name for place, name in partners if place not in circle.homes and not circle.agrees_to(place)]


# --------------------------------------------------------------------------------------------------------------- risk


@dataclass(frozen=True)
class Risk:
    """How dangerous it is for the person, and, of one who recruits, for others: with the decision, and the item."""

    at_admission: RiskAssessment | None
    to_others: RiskAssessment | None
    decision: str
    item: UUID | None


def risk_of(seen: SeenFile) -> Risk | None:
    """The risk of somebody, for who may see it."""
    if not seen.may[Action.SEE_RISK]:
        return None
    session, recruits = seen.session, seen.row.recruiter
    to_others = risks.to_others(session, seen.id) if recruits else None
    by_decision = to_others.decision_id if to_others else None
    decides = recruits and seen.may[Action.DECIDE_ADMISSION]
    return Risk(
        at_admission=risks.last(session, seen.id, "admission"),
        to_others=to_others,
        decision=decisions.decision_of(session, by_decision).number if by_decision else "",
        item=recruiters.item_under_way(session, seen.id) if decides else None,
    )


# ---------------------------------------------------------------------------------------------------------- retention


@dataclass(frozen=True)
class ShownProof:
    """The proof that a file is destroyed, with the names of who asked for it and who confirmed it."""

    of: DestructionProof
    by: str
    asked_by: str


def proof_of(context: RequestContext, participant_id: UUID) -> ShownProof | None:
    """The proof that a file is destroyed; None where it is not."""
    found = what_is_destroyed.proof_of(context.session, participant_id)
    if found is None:
        return None
    names = names_of(context, (found.by_id, found.asked_by_id))
    by, asked_by = (names[one] if one else "" for one in (found.by_id, found.asked_by_id))
    return ShownProof(found, by, asked_by)


@dataclass(frozen=True)
class RetentionShown:
    """How long a file is kept, and what is asked of its destruction."""

    is_due: bool
    is_followed: bool
    can_be_asked: bool  # that the file be destroyed
    asked: DestructionRequest | None
    grounds: list[tuple[str, str]]
    proof: ShownProof | None

    @property
    def by_calendar(self) -> str:
        """The ground of the calendar, "" where it is not one to choose."""
        return destruction.BY_CALENDAR if destruction.BY_CALENDAR in dict(self.grounds) else ""


def retention_of(seen: SeenFile) -> RetentionShown | None:
    """How long a file is kept, for who keeps that."""
    if not seen.may[Action.KEEP_RETENTION]:
        return None
    session, row = seen.session, seen.row
    is_due = row.retain_until is not None and row.retain_until < seen.context.day and not row.held
    grounds = [one for one in offered(DESTRUCTION_GROUNDS) if one[0] in _grounds(row, is_due)]
    is_followed = still_needed.is_followed(session, row.id)
    return RetentionShown(
        is_due=is_due,
        is_followed=is_followed,
        can_be_asked=bool(grounds) and not is_followed and _is_over(session, row),
        asked=destruction_requests.last_of(session, row.id),
        grounds=grounds,
        proof=proof_of(seen.context, row.id) if row.state == "destroyed" else None,
    )


def _grounds(row: UnsealedFacts, is_due: bool) -> Collection[str]:
    """The grounds on which the destruction of a file can be asked: fewer before its last day is over."""
    if row.held or row.retain_until is None:
        return ()
    if row.state == "candidate":
        return {*BEFORE_ITS_DAY, "not_triaged"} if is_due else ()
    return {*BEFORE_ITS_DAY, destruction.BY_CALENDAR} if is_due else BEFORE_ITS_DAY


def _is_over(session: Session, row: UnsealedFacts) -> bool:
    """Whether somebody was admitted, went no further, or is a candidate of whom nothing is being decided."""
    if row.state == "candidate":
        return not still_needed.is_being_decided(session, row.id)
    return row.state in ("refused", "declined", "admitted")


# ------------------------------------------------------------------------------------------------------------- people


@dataclass(frozen=True)
class Apart:
    """What was disclosed without consent, whom the person barred, and the youth workers whom they could bar."""

    disclosed: list[Disclosure]
    barred: list[Barred]
    staff: list[UUID]

    @property
    def people(self) -> set[UUID | None]:
        """Those who are named there."""
        return {*(one.disclosed_by for one in self.disclosed), *(one.person_id for one in self.barred), *self.staff}

    def named(self, names: Mapping[UUID, str]) -> list[tuple[str, str]]:
        """The youth workers, as a form offers them."""
        return [(str(person), names[person]) for person in self.staff if person in names]


def apart_of(seen: SeenFile) -> Apart:
    """What is kept apart of a file, each for who keeps it."""
    session, today = seen.session, standing(seen.session, seen.context.day)
    return Apart(
        disclosed=disclosures.disclosures_of(session, seen.id) if seen.may[Action.KEEP_DISCLOSURES] else [],
        barred=barring.barred_of(session, seen.id) if seen.may[Action.KEEP_ADMISSION] else [],
        staff=sorted({one.person_id for one in today.holding("youth_worker")}, key=str),
    )


# -------------------------------------------------------------------------------------------------------------- links


def case_seen(seen: SeenFile) -> UUID | None:
    """The open case of the admission, for those who may see it: a member of the clinic sees the file alone."""
    case_id = case_of(seen.session, seen.id)
    if case_id is None:
        return None
    try:
        find_case(seen.session, seen.context.asker, case_id)
    except Forbidden:
        return None
    return case_id


def follow_up_of(session: Session, participant_id: UUID) -> UUID | None:
    """The follow-up of a participant; None before admission."""
    return scalar(session, only(FollowUp.id).where(FollowUp.participant_id == participant_id))
