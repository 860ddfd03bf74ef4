"""A candidate or participant by reference or number; who they are is one deliberate act away, and in the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access.cases import find_case
from api.access.participants import (
    Known,
    find_participant,
    ground_of,
    ground_of_facts,
    open_file,
    purposes_for,
    read_facts,
)
from api.access.permissions import Action, Forbidden, Given, Relation, allows, asks, require
from api.access.session import AtDesk, Desk
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page
from api.views.criteria import ASKED, NAMES
from api.views.follow_ups import WHY_PROPOSED, bars_of
from api.views.languages import names_of as names_of_languages
from api.views.states import STATES
from api.views.tasks import names_of
from domain.accompaniment import barring, consents, proposals, reviews, risks, withdrawals, workers
from domain.admissions import duplicates, first_meetings
from domain.kernel.rows import col, only, run, scalar
from domain.participants import destruction, disclosures, findings, rates, reading, what_is_destroyed
from domain.participants.ages import Age
from domain.participants.areas import areas
from domain.participants.consent_text import CURRENT
from domain.participants.identity import Identity
from domain.participants.locking import case_of
from domain.participants.reasons import Reason
from domain.participants.referral_fields import Kind, Referrer, Told, Who, fields_of
from domain.participants.referral_form import ReadReferral
from domain.record import turned_away
from domain.record.reads import Purpose
from domain.roles.roles import standing
from domain.terms.admission import BEING_ADMITTED
from domain.terms.sharing import circle_of
from locales import N_, current_language, gettext, show_day
from meetings import admissions, decisions, recruiters
from models.consent import Consent
from models.follow_up import FollowUp
from models.program import Organization
from models.referral import CRITERIA, Referral

router = framed_pages("/participants")

Seen = Annotated[int, Form()]

FOUND: Final[Mapping[str, tuple[str, str]]] = {
    "met": (N_("Met"), "full"),
    "not_met": (N_("Not met"), "stop"),
    "unknown": (N_("Not known"), "wait"),
}
RISKS: Final[Mapping[str, str]] = {
    "red": N_("Red: dangerous"),
    "yellow": N_("Yellow: worrisome"),
    "green": N_("Green: safe"),
    "none": N_("None: no commodification at admission, which is not “no risk”"),
}
RECRUITER: Final[Mapping[str, str]] = {
    "benefits_exceed": N_("The benefits exceed the risks to others"),
    "risks_exceed": N_("The risks to others exceed the benefits"),
}
PURPOSES: Final[Mapping[str, str]] = {
    Purpose.WHO_FOLLOWS: N_("To say whether I know the person, or who could meet them"),
    Purpose.HAND_OVER: N_("Handing over a follow-up"),
    Purpose.URGENT_HELP: N_("Urgent help"),
    Purpose.REQUEST_OF_PERSON: N_("The person asks for it"),
    Purpose.LEGAL_DUTY: N_("A legal duty"),
}
#: Why the destruction of a file is asked, and what became of that.
DESTRUCTION_GROUNDS: Final[Mapping[str, str]] = {
    "calendar": N_("The last day of its retention is over"),
    "person_asks": N_("The person asks for it"),
    "not_triaged": N_("The referral was never triaged, and had no result"),
    "by_mistake": N_("The file was created by mistake"),
    "law": N_("A law or a court asks for it"),
}
BECAME: Final[Mapping[str, tuple[str, str]]] = {
    "asked": (N_("Waits for another person"), "wait"),
    "confirmed": (N_("Destroyed"), "skip"),
    "refused": (N_("Refused: the file is kept"), "stop"),
    "withdrawn": (N_("Taken back"), "skip"),
    "lapsed": (N_("Lapsed: no answer in time"), "late"),
    "stopped": (N_("Stopped by a later event"), "stop"),
}
OUTCOMES: Final[Mapping[str, str]] = {
    "assign": N_("Assigned to a worker"),
    "defer": N_("Deferred"),
    "refuse": N_("Refused"),
    "more": N_("More information requested"),
}
#: Where a triage sent a referral.
TRIAGED: Final[Mapping[str, str]] = {
    "committee": N_("To the next Clinical Committee"),
    "forwarded": N_("Directly to a worker, as it cannot wait"),
    "refused": N_("Not continued"),
}
#: What was decided, by its kind and result, with what the kind is called; and what was written with it.
_DECIDED: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "triage": (N_("Triage"), TRIAGED),
    "admission": (N_("Decision"), OUTCOMES),
    "risk": (N_("Risk"), {**RISKS, **RECRUITER}),
    "kept_until": (N_("Kept until"), {}),
}
_WRITTEN: Final[Mapping[str, str]] = {
    "reason": N_("Why"),
    "why": N_("Why"),
    "offered": N_("What was offered instead"),
    "profile": N_("Delinquent profile"),
    "involvement": N_("Involvement in a criminal network"),
    "benefits": N_("Benefits"),
    "risks": N_("Risks to other participants"),
}
SAID: Final[Mapping[str, str]] = {
    "thinks": N_("Takes time to think"),
    "commits": N_("Commits"),
    "declines": N_("Declines"),
}
SIGNERS: Final[Mapping[str, str]] = {
    "self": N_("The person (from 14 on, alone)"),
    "parental_authority": N_("Who holds parental authority (under 14)"),
    "tutor": N_("The tutor"),
}
CONSENT_FOR: Final[Mapping[str, str]] = {
    "program": N_("The program"),
    "sharing": N_("Sharing with a partner"),
    "referral": N_("Referral to a partner"),
}
GROUNDS: Final[Mapping[str, str]] = {
    "ypa_38d": N_("Report to youth protection (Youth Protection Act, section 38(d))"),
    "ypa_39_1": N_("Report to youth protection (Youth Protection Act, section 39.1)"),
    "ypa_72_6": N_("Between bodies that protect the child (Youth Protection Act, section 72.6)"),
    "danger_to_life": N_("A life is in danger"),
    "court_order": N_("A court orders it"),
    "other_law": N_("Another law"),
}


@router.get("/{participant_id}", name="participant")
@asks(Action.SEE_PARTICIPANT)
def show_participant(desk: AtDesk, request: Request, participant_id: UUID) -> HTMLResponse:
    """What is known without opening anything: where they stand, what was found, decided, consented."""
    row, given = find_participant(desk.session, desk.asker, participant_id)
    return participant_page(desk, request, row, given)


@router.post("/{participant_id}/identity")
@asks(Action.READ_IDENTITY)
def read_identity(desk: AtDesk, request: Request, participant_id: UUID, purpose: Text = "") -> Response:
    """Who they are and what was referred, shown once, and told to the record with its purpose."""
    row, given = find_participant(desk.session, desk.asker, participant_id, Action.READ_IDENTITY)
    by = require(Action.READ_IDENTITY, given)
    shown: dict[str, Any] = {}

    def act() -> None:
        opened = open_file(
            desk.session, given, participant_id, purpose=purpose, language=desk.language, by=by, at=desk.at
        )
        shown.update(
            who=[_said_of(one) for one in (opened.who, *opened.who.also)],
            facts=opened.found,
            reasons=[_why(one) for one in opened.reasons],
        )
        shown["told"] = [_said_in(one) for one in opened.referrals]
        if Relation.COORDINATOR in given and row.state == "candidate":
            shown["duplicates"] = duplicates.possible_duplicates(desk.session, participant_id, by=by, at=desk.at)

    refusal = desk.attempt(act)
    if refusal is not None:
        if refusal.code == rates.TOO_MANY:  # what was refused is undone; that it was is kept
            turned_away.tell(
                desk.session,
                by=by,
                at=desk.at,
                action=Action.READ_IDENTITY.value,
                why="too_many",
                kind="participant",
                asked=participant_id,
            )
        return participant_page(desk, request, row, given, typed=Typed("identity", refusal, {"purpose": purpose}))
    return participant_page(desk, request, row, given, shown=shown)


@router.post("/{participant_id}/facts")
@asks(Action.READ_FACTS)
def read_what_was_referred(desk: AtDesk, request: Request, participant_id: UUID, purpose: Text = "") -> Response:
    """What was referred and found (AD-R2), without who they are, shown once, and told to the record."""
    row, given = find_participant(desk.session, desk.asker, participant_id, Action.READ_FACTS)
    by = require(Action.READ_FACTS, given)
    shown: dict[str, Any] = {}

    def act() -> None:
        facts = read_facts(
            desk.session, given, participant_id, purpose=purpose, language=desk.language, by=by, at=desk.at
        )
        shown.update(
            referred=facts,
            age=_age_in_words(facts.age),
            reached_by=[gettext(one.label) for one in fields_of(Who) if one.name in facts.reached_by],
            facts=facts.found,
            reasons=[_why(one) for one in facts.reasons],
            told=[_said_in(one) for one in facts.referrals],
        )

    refusal = desk.attempt(act)
    if refusal is not None:
        return participant_page(desk, request, row, given, typed=Typed("facts", refusal, {"purpose": purpose}))
    return participant_page(desk, request, row, given, shown=shown)


# ------------------------------------------------------------------------------------------------------------ below


def participant_page(
    desk: Desk,
    request: Request,
    row: Known,
    given: Given,
    *,
    typed: Typed | None = None,
    shown: Mapping[str, Any] | None = None,
) -> HTMLResponse:
    """A participant's page as the asker may see it; `shown` is what they opened with this request.

    `typed` is what came in with a form that was refused, and stays in it.
    """
    session, participant_id, typed = desk.session, row.id, typed or Typed()
    if typed.refusal is not None:
        row, _ = find_participant(session, desk.asker, participant_id)  # as it stands after what was refused was undone
    may = {action: allows(action, given) is not None for action in _ACTS}
    referrals = reading.referrals_of(session, participant_id)
    waiting = next((one for one in referrals if one.state == "received"), None)
    found = findings.findings_of(session, participant_id)
    named = workers.named(session, participant_id)
    item = admissions.item_under_way(session, row.candidate_ref)
    decided = admissions.decisions_about(session, participant_id)
    is_being_admitted = row.state in BEING_ADMITTED
    names_another = may[Action.DECIDE_ADMISSION] and is_being_admitted and workers.was_given(session, participant_id)
    decides = may[Action.DECIDE_ADMISSION] and item is not None
    choosing = (may[Action.TRIAGE] and waiting is not None) or decides or names_another
    offered = proposals.proposals(session, participant_id, at=desk.at) if choosing else []
    barred = barring.barred_of(session, participant_id) if may[Action.KEEP_ADMISSION] else []
    signed = consents.consents_of(session, participant_id) if may[Action.SEE_CONSENTS] else []
    could_sign = consents.workers_of(session, participant_id, desk.day) if may[Action.KEEP_ADMISSION] else []
    if Relation.ASSIGNED in given and desk.asker.person_id not in could_sign:
        could_sign = [desk.asker.person_id, *could_sign]
    met = first_meetings.meetings_of(session, participant_id)
    recruiter_risk = risks.to_others(session, participant_id) if row.recruiter else None
    staff = sorted({tenure.person_id for tenure in standing(session, desk.day).holding("youth_worker")}, key=str)
    people = {
        *(one.referred_by for one in referrals),
        *(one.found_by for one in found.values()),
        *(one.allowed_by for one in found.values()),
        *((named.worker_id, named.second_id) if named else ()),
        *(one.person_id for one in offered),
        *(one.person_id for one in barred),
        *(one.taken_by for one in decided),
        *(one.worker_id for one in signed),
        *could_sign,
        *(one.disclosed_by for one in disclosures.disclosures_of(session, participant_id)),
        *staff,
    }
    names = names_of(desk, people)
    place = {area.key: area.fr if desk.language == "fr" else area.en for area in areas(session)}
    return page(
        desk,
        request,
        "participant.html",
        refused=typed.refusal,
        typed=typed,
        correctable=_CORRECTABLE,
        one=row,
        known_as=row.number or row.candidate_ref,
        state=STATES[row.state],
        languages=names_of_languages(row.languages, desk.language),
        area=place.get(row.area, ""),
        may={action.value: allowed for action, allowed in may.items()},
        must_say_why=ground_of(given) == "purpose",
        must_say_why_of_facts=ground_of_facts(given) == "purpose",
        purposes=[(one.value, gettext(PURPOSES[one])) for one in purposes_for(given)],
        shown=shown or {},
        referrals=referrals,
        waiting=waiting,
        criteria=[
            (criterion, gettext(NAMES[criterion]), found.get(criterion))
            for criterion in CRITERIA
            if criterion != "AD-C4" or row.recruiter or criterion in found
        ],
        found_words=FOUND,
        findings=[(key, gettext(words)) for key, (words, _) in FOUND.items()],
        named=named,
        names_another=names_another,
        again=_to_triage_again(row, referrals) if may[Action.TRIAGE] else None,
        names=names,
        item=item,
        offered=[(one, _in_one_line(one, names, desk.language)) for one in offered],
        pair=[names[person] for person in proposals.proposed_pair(offered) or ()],
        choices=[(str(one.person_id), _in_one_line(one, names, desk.language)) for one in offered if one.possible],
        seconds=[
            (str(one.person_id), _in_one_line(one, names, desk.language)) for one in offered if one.possible_as_second
        ],
        decided=decided,
        outcomes=OUTCOMES,
        met=met,
        said=SAID,
        ways=[("in_person", gettext(N_("In person"))), ("remote", gettext(N_("At a distance")))],
        signed=signed,
        consent_for=CONSENT_FOR,
        consent_versions=[(str(n), str(n)) for n in range(CURRENT, 0, -1)],
        signers=SIGNERS,
        could_have_signed=[(str(one), names[one]) for one in could_sign],
        signs=str(desk.asker.person_id) if Relation.ASSIGNED in given else "",
        partners=_partners(desk),
        partner_names=dict(_partners(desk)),
        not_shared_with=_not_shared_with(desk, participant_id) if signed and may[Action.KEEP_ADMISSION] else [],
        disclosed=disclosures.disclosures_of(session, participant_id) if may[Action.KEEP_DISCLOSURES] else [],
        grounds=GROUNDS,
        is_due=row.retain_until is not None and row.retain_until < desk.day and not row.held,
        proof=proof_of(desk, participant_id) if may[Action.KEEP_RETENTION] and row.state == "destroyed" else None,
        is_followed=destruction.is_followed(session, participant_id),
        is_being_decided=destruction.is_being_decided(session, participant_id),
        asked=destruction.last_of(session, participant_id) if may[Action.KEEP_RETENTION] else None,
        became=BECAME,
        destruction_grounds=[
            (key, gettext(words))
            for key, words in DESTRUCTION_GROUNDS.items()
            if key != "not_triaged" or row.state == "candidate"
        ],
        risk=risks.last(session, participant_id, "admission"),
        recruiter_risk=recruiter_risk,
        risk_decision=_decision_of(desk, recruiter_risk),
        risk_item=recruiters.item_under_way(session, participant_id)
        if may[Action.DECIDE_ADMISSION] and row.recruiter
        else None,
        maybe_known=waiting is not None
        and may[Action.TRIAGE]
        and bool(duplicates.alike(session, [participant_id], reader=desk.asker.person_id)),
        asked_what_follows=withdrawals.asked(session, participant_id),
        asked_of_partners=withdrawals.asked_of_partners(session, participant_id),
        asked_to_review=reviews.asked(session, participant_id) if may[Action.KEEP_ADMISSION] else None,
        taking_back=_taking_back(typed, signed),
        follow_up_id=_follow_up_of(desk, participant_id),
        triaged=[(key, gettext(words)) for key, words in TRIAGED.items()],
        risk_words=RISKS,
        recruiter_words=RECRUITER,
        barred=barred,
        staff=[(str(person), names[person]) for person in staff if person in names],
        case_id=_case_of(desk, participant_id),
        today=desk.day,
    )


#: What of an identity may be corrected: first the birth date, or the age.
_CORRECTABLE: Final = sorted(fields_of(Who), key=lambda one: one.kind not in ("day", "age"))

_ACTS: Final = (
    Action.KEEP_DISCLOSURES,
    Action.KEEP_RETENTION,
    Action.READ_IDENTITY,
    Action.READ_FACTS,
    Action.SEE_ADMISSION,
    Action.SEE_RISK,
    Action.SEE_CONSENTS,
    Action.TRIAGE,
    Action.KEEP_ADMISSION,
    Action.DECIDE_ADMISSION,
)


@dataclass(frozen=True)
class ReferralShown:
    """What a referral says, each answer with what was asked; what every referral has to say stands first."""

    received_at: datetime
    lines: list[tuple[str, str]]


def _said_in(referral: ReadReferral) -> ReferralShown:
    told = sorted((one for one in fields_of(Told) if one.kind != "facts"), key=lambda one: not one.needed)
    lines = [(gettext(one.label), _said_so(one.kind, getattr(referral, one.name))) for one in told]
    lines += [(gettext(ASKED[criterion]), text) for criterion, text in referral.facts.items()]
    if referral.referrer_name:
        who = ", ".join(getattr(referral, one.name) for one in fields_of(Referrer))
        lines.append((gettext(N_("Referred by")), who))
    return ReferralShown(referral.received_at, lines)


def _said_of(who: Identity) -> list[tuple[str, str]]:
    """Who somebody is, as a file says it."""
    unknown, age_on = gettext(N_("Not known")), who.age_on and show_day(current_language(), who.age_on)
    return [
        (gettext(N_("Name")), who.name),
        (gettext(N_("Birth date")), show_day(current_language(), who.birth_date) if who.birth_date else unknown),
        (gettext(N_("Age as it was said")), f"{who.age} ({age_on})" if who.age is not None else "–"),
        *((gettext(one.label), getattr(who, one.name) or "–") for one in fields_of(Who) if one.reaches),
    ]


def _said_so(kind: Kind, answer: Any) -> str:
    if kind == "yes":
        return gettext(N_("Yes")) if answer else gettext(N_("No"))
    return answer or "–"


def _age_in_words(age: Age | None) -> str:
    if age is None:
        return gettext(N_("Not known"))
    if age.exact is not None:
        return str(age.exact)
    return gettext(N_("%(least)s or %(most)s")) % {"least": age.least, "most": age.most}


def _why(reason: Reason) -> tuple[str, datetime, list[tuple[str, str]]]:
    """What was decided, when, and each thing that was written with it, in the reader's words."""
    kind, results = _DECIDED[reason.of]
    if reason.of == "kept_until":
        became = show_day(current_language(), date.fromisoformat(reason.result))
    else:
        became = gettext(results[reason.result])
    return (
        f"{gettext(kind)} – {became}",
        reason.at,
        [(gettext(_WRITTEN[name]), text) for name, text in reason.fields.items()],
    )


def _taking_back(typed: Typed, signed: Sequence[Consent]) -> UUID | None:
    """The consent about which the page asks whether it is really taken back; None where it asks about none."""
    return next((one.id for one in signed if typed.form == f"take-back-{one.id}"), None)


def _to_triage_again(row: Known, referrals: list[Referral]) -> Referral | None:
    """The referral that can be triaged again: the candidate has no number yet, and it was not refused."""
    last = referrals[0] if referrals else None
    if row.state not in BEING_ADMITTED or last is None or last.state != "triaged" or last.result == "refused":
        return None
    return last


def _case_of(desk: Desk, participant_id: UUID) -> UUID | None:
    """The open case of the admission, for those who may see it: a member of the clinic sees the file alone."""
    case_id = case_of(desk.session, participant_id)
    if case_id is None:
        return None
    try:
        find_case(desk.session, desk.asker, case_id)
    except Forbidden:
        return None
    return case_id


def _in_one_line(proposal: proposals.Proposal, names: Mapping[UUID, str], language: str) -> str:
    """A worker with what speaks for and against, in one line."""
    load = proposal.load
    parts = [names.get(proposal.person_id, "")]
    if load.bars:
        parts.append(", ".join(bars_of(load, language)))
        return " – ".join(parts)
    told = [gettext(N_("%(count)s followed")) % {"count": load.primary}]
    if load.hours:
        told.append(gettext(N_("%(hours)s h a week")) % {"hours": f"{load.hours:g}"})
    if load.to_meet:
        told.append(gettext(N_("%(count)s to meet")) % {"count": load.to_meet})
    told += [gettext(WHY_PROPOSED[reason]) for reason in proposal.reasons]
    return " – ".join([*parts, ", ".join(told)])


def _decision_of(desk: Desk, risk: risks.Assessed | None) -> str:
    """The number of the decision by which the committee assessed a risk; "" for one that was not yet asked of it."""
    if risk is None or risk.decision_id is None:
        return ""
    return decisions.decision_of(desk.session, risk.decision_id).number


def _not_shared_with(desk: Desk, participant_id: UUID) -> list[str]:
    """The partners that see nothing of the participant today, because consent to that was not given, or ended."""
    circle = circle_of(desk.session, participant_id, desk.day)
    return [name for place, name in _partners(desk) if not circle.agrees_to(place)]


def proof_of(desk: Desk, participant_id: UUID) -> dict[str, Any] | None:
    """The proof that a file is destroyed, with the names of who asked for it and who confirmed it."""
    found = what_is_destroyed.proof_of(desk.session, participant_id)
    if found is None:
        return None
    by, asked_by = (
        names_of(desk, [person_id])[person_id] if person_id else "" for person_id in (found.by_id, found.asked_by_id)
    )
    return {"of": found, "by": by, "asked_by": asked_by}


def _follow_up_of(desk: Desk, participant_id: UUID) -> UUID | None:
    return scalar(desk.session, only(FollowUp.id).where(FollowUp.participant_id == participant_id))


def _partners(desk: Desk) -> list[tuple[UUID, str]]:
    rows = run(
        desk.session,
        only(Organization.id, Organization.short_name)
        .where(Organization.kind != "outside")
        .order_by(col(Organization.short_name)),
    )
    return [(row.id, row.short_name) for row in rows]
