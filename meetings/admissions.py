"""Admissions at the Clinical Committee: what it decides of a candidate, in the transaction of the minutes' record.

The step `decide` of the admission asks for the item, under the candidate's reference. What is decided is recorded as a
decision and completes that step: the worker is named, or the candidate refused. A candidate who is deferred, or of whom
more is asked, comes back to the next meeting with the item's age. A direct forwarding is reported to the next meeting
by an item of its own.

A verb that changes a candidate's decision locks the candidate before the meeting, the case and the item. Joining a
referral and assessing a risk keep the same order, so two at once wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.accompaniment import workers
from domain.admissions import owe_findings, refuse
from domain.casework import asking
from domain.kernel import (
    Actor,
    Refusal,
    col,
    every,
    first,
    joins,
    local_day,
    of,
    only,
    says_why,
    scalar,
    surely,
    trimmed,
    tuples,
)
from domain.mail import coordination_chain
from domain.participants import criteria, hold_participant
from locales import LANGUAGES, N_, say
from meetings import agendas, deciding, freezing, posting, running
from meetings.agenda_items import FORWARDED, STILL_HOLDS, TALKED_ABOUT, item_of, not_on_one
from meetings.locking import lock_meeting
from meetings.reasons import COULD_NOT_WAIT
from models.agenda import AgendaItem, ItemReason
from models.casework import Case, Task
from models.committee import Committee
from models.decision_kinds import CLINICAL
from models.meeting import Meeting
from models.participant import CandidateWorker, Participant
from models.program import Organization, Person
from models.referral import ADMISSION_OUTCOMES, AdmissionDecision, Referral

COMMITTEE: Final = "clinical"
KIND: Final = "admission"
#: The coordinator's task where the next meeting does not report a direct forwarding by itself, and how soon it is due,
#: in working days.
REPORT: Final = "admission.report"
DAYS_TO_REPORT: Final = 5


def candidate_of(session: Session, item_id: UUID) -> UUID:
    """The person that an item of an admission is about. Raises Refusal where it is about none."""
    found = _candidates(session, col(AgendaItem.id) == item_id).get(item_id)
    if found is None:
        raise no_candidate()
    return found


def refuse_other(session: Session, participant_id: UUID, item_id: UUID) -> None:
    """Refuse an item that is not about the admission of this person. Raises Refusal."""
    if candidate_of(session, item_id) != participant_id:
        raise no_candidate()


def no_candidate() -> Refusal:
    """The refusal of an item on which the committee decides of no person, or of another one."""
    return Refusal("admission.no_candidate", N_("This item is not about an admission."))


def candidates_on(session: Session, meeting_id: UUID) -> dict[UUID, UUID]:
    """The candidate of each admission item on a meeting's agenda, by the item."""
    return _candidates(session, col(AgendaItem.meeting_id) == meeting_id)


def _candidates(session: Session, condition: ColumnElement[bool]) -> dict[UUID, UUID]:
    about = (
        only(AgendaItem.id, surely(Case.participant_id))
        .join(Task, joins(AgendaItem.task_id, Task))
        .join(Case, joins(Task.case_id, Case))
    )
    return dict(tuples(session, about.where(condition, AgendaItem.kind == KIND, col(Case.participant_id).is_not(None))))


def items_under_way(*kinds: str) -> SelectOfScalar[AgendaItem]:
    """The items of these kinds on which the Clinical Committee sits now, and of which nothing was decided."""
    return (
        of(AgendaItem)
        .join(Meeting, joins(AgendaItem.meeting_id, Meeting))
        .join(Committee, joins(Meeting.committee_id, Committee))
        .where(
            col(AgendaItem.kind).in_(kinds),
            col(AgendaItem.state).in_(TALKED_ABOUT),
            AgendaItem.outcome == "",
            Meeting.state == "under_way",
            Committee.key == COMMITTEE,
        )
    )


def item_under_way(session: Session, reference: str) -> AgendaItem | None:
    """The item on which the Clinical Committee sits now and has still to decide of a candidate, whose fact holds."""
    mine = (col(AgendaItem.subject) == reference, STILL_HOLDS)
    return first(session, items_under_way(KIND).where(*mine).limit(1))


def decide_admission(
    session: Session,
    item_id: UUID,
    outcome: str,
    *,
    reason: str = "",
    worker_id: UUID | None = None,
    second_id: UUID | None = None,
    offered: str = "",
    offers: Sequence[str] = (),
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> UUID:
    """Record what the committee decides of a candidate while it sits, and do it; returns the record's id.

    assign: to a worker, and a second for the pair (AD-R3, AD-R6). refuse: with the reason and what was offered instead,
    of which who referred is told `offers`. defer and more: the item comes back; more is asked of the coordinator as a
    task. Reasons are sealed: the decision
    that circulates says the reference, what, and who. A candidate whose risks exceed the benefits is not assigned
    (AD-C4). Where a deferral recorded by mistake was taken off the item, what is recorded then counts. Raises Refusal.
    """
    item_of(session, item_id)
    participant_id = candidate_of(session, item_id)
    reason, offered = _checked_words(outcome, reason, offered)
    participant = hold_participant(session, participant_id)
    item = _undecided(session, item_id)  # as whoever held the candidate before left it
    referral_id = _referral_of(session, participant_id)
    decision_id: UUID | None = None
    named_id: UUID | None = None
    if outcome == "assign":
        if worker_id is None:
            raise Refusal("admission.whom", N_("Say who follows up."), source="AD-R3")
        named_id = workers.name_worker(session, participant_id, worker_id, second_id=second_id, by=by, at=at)
        decision_id = _decide(session, item, participant, _assigned(session, named_id), by=by, at=at, seen=seen)
    elif outcome == "refuse":
        decision_id = _decide(session, item, participant, {"fr": "", "en": ""}, by=by, at=at, seen=seen)
        refuse(session, participant, offers=offers, by=by, at=at)
    else:
        running.treat(session, item_id, "carried", by=by, at=at, seen=seen)
        if outcome == "more":
            workers.ask_to_find_out(session, participant_id, by=by, at=at)
        else:
            _ask_no_more(session, participant_id, item_id, by=by, at=at)
    return workers.record_decision(
        session,
        participant_id,
        referral_id,
        outcome,
        told={"reason": reason, "offered": offered},
        by=by,
        at=at,
        item_id=item_id,
        decision_id=decision_id,
        candidate_worker_id=named_id,
    )


def _checked_words(outcome: str, reason: str, offered: str) -> tuple[str, str]:
    """Why the committee decides so, and what is offered instead, as far as the outcome needs them. Raises Refusal."""
    if outcome not in ADMISSION_OUTCOMES:
        raise Refusal("admission.outcome", N_("Choose one of the decisions that the committee can take."))
    reason, offered = trimmed(reason), trimmed(offered)
    if outcome == "refuse" and not (says_why(reason) and says_why(offered)):
        raise Refusal("triage.refusal", N_("A refusal needs a reason, and what was offered instead."))
    if outcome in ("defer", "more") and not says_why(reason):
        raise Refusal("reason.missing", N_("Say why, in a few words."))
    return reason, offered


def _undecided(session: Session, item_id: UUID) -> AgendaItem:
    """The item of an admission on which the committee has still to decide. Raises Refusal."""
    item = item_of(session, item_id)
    if item.outcome:
        raise Refusal("decision.item_settled", N_("Another outcome was recorded for this item: correct that first."))
    if item.reasons.is_over:
        raise Refusal("admission.over", N_("The reason for this item no longer applies: no decision is taken on it."))
    return item


def decisions_about(session: Session, participant_id: UUID) -> list[AdmissionDecision]:
    """What was decided of a candidate, without what is sealed, the first first."""
    return every(
        session,
        of(AdmissionDecision, without=(AdmissionDecision.sealed,))
        .where(AdmissionDecision.participant_id == participant_id)
        .order_by(col(AdmissionDecision.n)),
    )


def forward(
    session: Session,
    participant_id: UUID,
    worker_id: UUID | None,
    *,
    second_id: UUID | None = None,
    by: Actor,
    at: datetime,
) -> UUID:
    """Give a candidate straight to a worker (AD-R4), and report it to the next Clinical Committee; the naming's id.

    The criteria that are to be confirmed are owed by that meeting's day (`domain.admissions.owe_findings`). The report
    is an item of its agendas, by the candidate's reference; on a frozen agenda, an addendum. Where no coming
    meeting hears of it, the worker is named all the same, since the candidate cannot wait, and the coordinator has a
    task until one does: no report is lost. Raises Refusal.
    """
    if worker_id is None:
        raise Refusal("admission.whom.missing", N_("Say who follows up."), source="AD-R4")
    reference = hold_participant(session, participant_id).candidate_ref
    meeting = _next_meeting(session, at)
    named_id = workers.forward(session, participant_id, worker_id, second_id=second_id, by=by, at=at)
    due_on = local_day(session, meeting.starts_at) if meeting else None
    owed = owe_findings(session, participant_id, due_on=due_on, by=by, at=at)
    item_id = _put_on_agenda(session, reference, owed=owed, by=by, at=at)
    if not (item_id and meeting and _hears(session, meeting, item_id, by=by, at=at)):
        task_id = asking.ask(
            session,
            REPORT,
            participant_id,
            _REPORT,
            chain=coordination_chain(session),
            working_days=DAYS_TO_REPORT,
            by=by,
            at=at,
            evidence="none",
            reference=reference,
        )
        if item_id and task_id:
            _put_on_agenda(session, reference, owed=owed, task_id=task_id, by=by, at=at)
    return named_id


_FORWARDED = N_("Assigned directly to a worker: %(reference)s")
_STILL_TO_CONFIRM: Final = N_("Still to be confirmed on that day: %(criteria)s.")
_REPORT: Final = N_("Inform the Clinical Committee that %(reference)s was assigned directly to a worker")


# ------------------------------------------------------------------------------------------------------------ below


def _put_on_agenda(
    session: Session, reference: str, *, owed: Sequence[str], task_id: UUID | None = None, by: Actor, at: datetime
) -> UUID | None:
    """Have the committee's next agenda report a direct forwarding; None where its agendas take no such item at all."""
    if not agendas.takes(session, COMMITTEE, FORWARDED):
        return None
    return agendas.ask(
        session,
        COMMITTEE,
        FORWARDED,
        reference,
        title_fr=say("fr", _FORWARDED, reference=reference),
        title_en=say("en", _FORWARDED, reference=reference),
        reasons=[
            ItemReason(
                "forwarded",
                N_("The coordinator assigned it directly to a worker on %(day)s, as it could not wait."),
                {"day": local_day(session, at).isoformat()},
            ),
            *([ItemReason("owed", _STILL_TO_CONFIRM, {"criteria": criteria.in_words(owed)})] if owed else []),
        ],
        by=by,
        at=at,
        task_id=task_id,
    )


def _next_meeting(session: Session, at: datetime) -> Meeting | None:
    """The committee's meeting that sits now, or is the next to, locked before any item of it; None: none is planned."""
    to_come = (
        only(Meeting.id)
        .join(Committee, joins(Meeting.committee_id, Committee))
        .where(Committee.key == COMMITTEE, col(Meeting.state).in_(["planned", "under_way"]), col(Meeting.ends_at) > at)
    )
    found = scalar(session, to_come.order_by(col(Meeting.starts_at), col(Meeting.id)).limit(1))
    return lock_meeting(session, found) if found else None


def _hears(session: Session, meeting: Meeting, item_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Whether a meeting hears of an item: by an addendum, where its agenda is frozen and everyone can be sent one."""
    if meeting.agenda_frozen_at is None:
        # What waits comes on it by itself while its agenda is made; what sits without one takes nothing from the pool.
        return meeting.state == "planned"
    if item_of(session, item_id).meeting_id == meeting.id:
        return True
    try:
        with session.begin_nested():
            addendum = freezing.add_late(session, meeting.id, item_id, reason=COULD_NOT_WAIT, by=by, at=at)
            posting.post(session, addendum, "addendum", at=at)
    except Refusal:
        return False
    return True


def _ask_no_more(session: Session, participant_id: UUID, item_id: UUID, *, by: Actor, at: datetime) -> None:
    """Call off what was asked for under this item and was corrected; what an earlier meeting asked is asked still."""
    before = decisions_about(session, participant_id)
    if before and (before[-1].item_id, before[-1].outcome) == (item_id, "more"):
        asked = asking.open_ones(session, workers.FIND_OUT, participant_id)
        if asked and asked[0].opened_at >= before[-1].taken_at:
            asking.no_more(session, workers.FIND_OUT, participant_id, by=by, at=at)


def _referral_of(session: Session, participant_id: UUID) -> UUID:
    """The triaged referral on which the committee decides. Raises Refusal: it, or a later one, has to be triaged."""
    triaged = only(Referral.id).where(Referral.participant_id == participant_id, Referral.state == "triaged")
    found = scalar(session, triaged.order_by(col(Referral.triaged_at).desc()).limit(1))
    if found is None or workers.has_one_to_triage(session, participant_id):
        raise Refusal("triage.first", N_("The referral is being triaged again: the committee waits for that."))
    return found


def _assigned(session: Session, named_id: UUID) -> dict[str, str]:
    """Who follows up, as the decision says it: staff by their names."""
    named = surely(first(session, of(CandidateWorker).where(CandidateWorker.id == named_id)))
    pair = of(Person).where(col(Person.id).in_([named.worker_id, named.second_id]))
    people = {one.id: one.name for one in every(session, pair)}
    place = scalar(session, only(Organization.short_name).where(Organization.id == named.organization_id))
    who = f"{people[named.worker_id]} ({place})"
    if named.second_id is None:
        return {"fr": who, "en": who}
    return {language: say(language, _PAIR, worker=who, second=people[named.second_id]) for language in LANGUAGES}


_PAIR = N_("%(worker)s, with %(second)s")
_ADMITTED = N_("%(reference)s: admission agreed in principle; %(who)s makes contact.")
_REFUSED = N_("%(reference)s: not admitted; something else was offered.")


def _decide(
    session: Session,
    item: AgendaItem,
    participant: Participant,
    who: dict[str, str],
    *,
    by: Actor,
    at: datetime,
    seen: int | None,
) -> UUID:
    sentence, reference = (_ADMITTED if any(who.values()) else _REFUSED), participant.candidate_ref
    words = {language: say(language, sentence, reference=reference, who=who[language]) for language in LANGUAGES}
    return decide_on_page(session, item, words, by=by, at=at, seen=seen)


def decide_on_page(
    session: Session,
    item: AgendaItem,
    words: Mapping[str, str],
    *,
    settles: bool = True,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> UUID:
    """Record what the committee decides of a person under an item, by an act on their page. Raises Refusal."""
    if item.meeting_id is None:
        raise not_on_one()
    return deciding.decide(
        session,
        item.meeting_id,
        item.id,
        text_fr=words["fr"],
        text_en=words["en"],
        kind=CLINICAL.key,
        in_its_act=True,
        settles=settles,
        by=by,
        at=at,
        seen=seen,
    )
