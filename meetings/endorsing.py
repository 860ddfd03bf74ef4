"""Asking partners whether they endorse a decision, and recording what they say (GV-4).

A decision on management or coordination is pending until the partners endorsed it. Silence is asked again, then shown
to the committee; an objection suspends what rests on the decision until it is settled (`meetings.settling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import insert, update
from sqlmodel import Session

from domain.endorsement import OWES_AGAIN, counts_by, letters
from domain.kernel import Actor, Refusal, add_row, calendar_of, col, every, local_day, of, only, run, scalars
from domain.record import Fact
from domain.roles import standing
from locales import N_
from meetings import asked_partners, freeing, objections, taking_back
from meetings.decision_rows import DecisionWithTask, change_decision, lock_decision, tell
from meetings.endorsements import (
    ANSWER_FOR_IT,
    SPEAK_FOR_IT,
    Endorsed,
    barred_from_endorsing,
    counting_word,
    declared,
    endorsements_of,
    is_about_a_participant,
    objecting,
    partners_on,
    speakers,
    was_settled,
    whom_it_concerns,
)
from meetings.locking import changed_meanwhile
from meetings.resting import BY_ENDORSEMENT, stop
from meetings.texts import checked_text, needed_text
from models.lifecycles import ENDORSEMENT
from models.meeting import Meeting
from models.minutes import ENDORSED_AS, Decision, Endorsement

_BARRED: Final = N_(
    "The coordinator, and the person who recorded a decision, answer for no partner on it: another person does."
)


def ask_partners(session: Session, decision_id: UUID, *, by: Actor, at: datetime, as_recorded: bool = False) -> None:
    """Ask the partners of a decision's day whether they endorse it, and have it wait for them.

    Where it is asked `as_recorded`, also those of today: a day that is written afterwards passes no partner over. A
    partner that would owe a clause again by it is not asked, and may object all the same. Where no partner is asked, it
    counts.
    """
    row = lock_decision(session, decision_id)
    asked = partners_on(session, local_day(session, at)) if as_recorded else {}
    asked |= partners_on(session, local_day(session, row.decided_at))
    if asked:
        words = [
            Endorsement(
                program_id=row.program_id,
                decision_id=decision_id,
                organization_id=organization_id,
                said="",
                said_at=at,
                majority=majority,
                version=0,
            )
            for organization_id, majority in asked.items()
        ]
        run(session, insert(Endorsement), [word.model_dump() for word in words])
    due_on = calendar_of(session).add_working_days(local_day(session, at), declared(session).days)
    change_decision(session, row, endorse_by=due_on)
    for one in endorsements_of(session, decision_id, at=at):
        if one.word.is_awaited:
            asked_partners.ask(session, row, one.organization_id, due_on, by=by, at=at)
    taking_back.follow_words(session, decision_id, at=at)


def ask_again(session: Session, day: date, *, at: datetime) -> int:
    """Ask the partners once more that said nothing by the last day of a decision; of how many decisions.

    Each person who speaks for one of them hears of all of it in one digest.
    """
    silent = of(Decision).where(
        Decision.state != "withdrawn",
        Decision.endorsement == "pending",
        col(Decision.endorse_by) < day,
        col(Decision.asked_again_at).is_(None),
    )
    rows = every(session, silent.order_by(col(Decision.id)))
    until = calendar_of(session).add_working_days(day, declared(session).days_again)
    return sum(_ask_again(session, row.id, until, at=at) for row in rows)


def _ask_again(session: Session, decision_id: UUID, until: date, *, at: datetime) -> bool:
    row = lock_decision(session, decision_id)
    if row.endorsement != "pending" or row.asked_again_at is not None:
        return False
    silent = [one for one in endorsements_of(session, decision_id, at=at) if one.word.is_awaited]
    change_decision(session, row, endorse_by=until, asked_again_at=at)
    for one in silent:
        # Anew, so that it falls on who speaks for the partner by now.
        asked_partners.call_off(session, decision_id, one.organization_id, by=BY_ENDORSEMENT, at=at)
        asked_partners.ask(session, row, one.organization_id, until, by=BY_ENDORSEMENT, at=at, again=True)
    facts: dict[str, Fact] = {"partners": len(silent), "until": until.isoformat()}
    tell(session, "decision.asked_again", row, by=BY_ENDORSEMENT, at=at, **facts)
    return True


def follow_agreements(session: Session, *, at: datetime) -> int:
    """Have decisions that wait for partners follow who is asked today; how many stand otherwise now.

    What a decision that counts says that it takes back, and that could not be when it came to count, it takes back now.
    """
    waiting = col(Decision.endorsement).in_(["pending", "objected", "earlier"])
    standing = only(Decision.id).where(Decision.state != "withdrawn", waiting)
    rows = scalars(session, standing.order_by(col(Decision.id))).all()
    owing = taking_back.owing(session)
    taking_back.hold(session, [*rows, *owing], at=at)
    changed = sum(taking_back.follow(session, decision_id, by=BY_ENDORSEMENT, at=at) for decision_id in owing)
    for decision_id in rows:
        said = endorsements_of(session, decision_id, at=at)
        for one in said:
            if not one.word.is_asked:
                asked_partners.call_off(session, decision_id, one.organization_id, by=BY_ENDORSEMENT, at=at)
        _ask_who_is_back(session, decision_id, said, at=at)
        changed += taking_back.follow_words(session, decision_id, at=at)
    return changed


def _ask_who_is_back(session: Session, decision_id: UUID, said: Iterable[Endorsed], *, at: datetime) -> None:
    """Ask the awaited partners that have no task to answer, since their agreement had been over in between."""
    row = lock_decision(session, decision_id)
    if row.endorsement not in ("pending", "objected"):
        return
    due_on = _due_again(session, row, at)
    for one in said:
        if one.word.is_awaited and not asked_partners.is_asked(session, decision_id, one.organization_id):
            asked_partners.ask(session, row, one.organization_id, due_on, by=BY_ENDORSEMENT, at=at)


def want_endorsement(
    session: Session,
    decision_id: UUID,
    organization_id: UUID,
    *,
    reason: str,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Have the partners asked about a decision of another kind, since a partner says that it is on management.

    From then on nothing that rests on it counts until they endorsed it; what rested on it before stays. Raises Refusal.
    """
    taking_back.hold(session, [decision_id], at=at)
    row = lock_decision(session, decision_id, seen=seen)
    if row.needs_endorsement or row.state == "withdrawn" or row.settles_id is not None:
        raise Refusal(
            "endorsement.not_to_be_asked",
            N_("The partners are already asked about this decision, or it has nothing to endorse."),
            source="GV-4",
        )
    if is_about_a_participant(session, decision_id):
        raise Refusal(
            "endorsement.about_a_participant",
            N_("The committee’s decisions on a candidate or a participant are not endorsed by the partners."),
        )
    if organization_id not in partners_on(session, local_day(session, row.decided_at)):
        raise _not_asked()
    if by.role not in ANSWER_FOR_IT or by.organization_id != organization_id:
        raise _not_theirs()
    freeing.refuse_to_want(session, decision_id, organization_id, by=by, at=at)
    reason = needed_text(reason)
    change_decision(
        session,
        row,
        needs_endorsement=True,
        endorsement=ENDORSEMENT.after(row.endorsement, "ask"),
        suspended_at=at,
        wanted_by_id=organization_id,
        wanted_by_person=by.person_id,
        wanted_at=at,
        wanted_why=reason,
    )
    tell(session, "decision.endorsement_wanted", row, by=by, at=at, organization=str(organization_id))
    stop(session, row, at=at)
    taking_back.take_nothing_back(session, decision_id, at=at)
    ask_partners(session, decision_id, by=by, at=at)


def endorse(
    session: Session,
    decision_id: UUID,
    organization_id: UUID,
    said: str,
    *,
    reason: str = "",
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Record that a partner endorses a decision on management, or objects to it; its last word counts (GV-4).

    `said` is "endorsed" or "objected". An objection has its reason: however late, it suspends what rests on the
    decision, and everyone concerned is told. That of a partner whose waiver the decision takes back suspends nothing,
    and is put before the committee as any other. `seen` is the version of the partner's last word. Raises Refusal, also
    for a speaker who recorded the decision, coordinates, owes such a clause elsewhere, or does not speak for it.
    """
    is_objection = said == "objected"
    meetings = objections.hold_next_meetings(session, at) if is_objection else ()
    taking_back.hold(session, [decision_id], at=at)
    row, before = _held(session, decision_id, organization_id, seen=seen, by=by, at=at)
    if said not in ENDORSED_AS or not said:
        raise Refusal("endorsement.unknown", N_("A partner endorses a decision, or objects to it."))
    reason = _checked_objection(session, before, decision_id, reason) if is_objection else checked_text(reason)
    _write_word(session, row, before, said, reason, by=by, at=at)
    asked_partners.answered(session, decision_id, organization_id, by=by, at=at)
    is_withdrawn = before.said == "objected" and not is_objection
    if is_withdrawn:
        _call_off_item(session, decision_id, by=by, at=at)
    facts: dict[str, Fact] = {"organization": str(organization_id), "before": before.said}
    verb = "decision.objected" if is_objection else "decision.endorsed"
    tell(session, verb, row, by=by, at=at, **facts)
    taking_back.follow_words(session, decision_id, at=at, objected_now=is_objection)
    if is_objection:
        _bring_objection(session, row, before, meetings, by=by, at=at)
    elif is_withdrawn:
        letters.settled(session, row, whom_it_concerns(session, decision_id, at), by=by, at=at)


def _checked_objection(session: Session, partner: Endorsed, decision_id: UUID, reason: str) -> str:
    """Why a partner objects. Raises Refusal: the committee settled that, or there is no reason."""
    if was_settled(session, decision_id, partner.organization_id):
        raise Refusal(
            "objection.settled",
            N_("The committee settled this objection. Ask for the matter to come back on its agenda."),
            source="GV-4",
        )
    return needed_text(reason)


def _bring_objection(
    session: Session, row: Decision, partner: Endorsed, meetings: Sequence[Meeting], *, by: Actor, at: datetime
) -> None:
    """Put what a partner objects before the committee, and tell everyone whom it concerns."""
    objections.bring_before_committee(session, row.id, meetings, at=at)
    counts = counts_by(lock_decision(session, row.id))
    people, is_own = whom_it_concerns(session, row.id, at), partner.stake == OWES_AGAIN
    letters.objected(session, row, partner.organization_id, people, counts=counts, own_waiver=is_own, by=by, at=at)


def take_back(
    session: Session, decision_id: UUID, organization_id: UUID, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Take back what a partner said of a decision: it has said nothing then, and is asked again.

    An objection is withdrawn so. An endorsement is taken back only while the decision is pending: once it counts, a
    partner objects to it with a reason. Raises Refusal: as `endorse`, nothing said, settled, or it counts by now.
    """
    taking_back.hold(session, [decision_id], at=at)
    row, before = _held(session, decision_id, organization_id, seen=seen, by=by, at=at)
    if not before.said or before.settled_by_id is not None:
        raise Refusal("endorsement.nothing_said", N_("There is nothing to withdraw here."))
    if before.said == "endorsed" and counts_by(row):
        raise Refusal(
            "endorsement.binds",
            N_("This decision is in effect by your organization’s answer. To change that, object to it and say why."),
            source="GV-4",
        )
    _write_word(session, row, before, "", "", by=by, at=at)
    facts: dict[str, Fact] = {"organization": str(organization_id), "before": before.said}
    tell(session, "decision.word_taken_back", row, by=by, at=at, **facts)
    if before.said == "objected":
        taking_back.follow_words(session, decision_id, at=at)
        _call_off_item(session, decision_id, by=by, at=at)
    after = lock_decision(session, decision_id)
    if before.stake != OWES_AGAIN and after.endorsement != "endorsed" and after.state != "withdrawn":
        asked_partners.ask(session, row, organization_id, _due_again(session, row, at), by=by, at=at)
    if before.said == "objected":
        letters.settled(session, after, whom_it_concerns(session, decision_id, at), by=by, at=at)


def _due_again(session: Session, row: Decision, at: datetime) -> date:
    """The day by which a partner is to answer that is asked in between: that of the others, or some days from now."""
    soonest = calendar_of(session).add_working_days(local_day(session, at), declared(session).days_again)
    return max(row.endorse_by or soonest, soonest)


def settle_objections(
    session: Session, decision_id: UUID, settled_by: UUID, against: Iterable[Endorsed], *, by: Actor, at: datetime
) -> None:
    """Have these objections, which stand against a decision, be settled by another. Its kin is held."""
    row = lock_decision(session, decision_id)
    for one in against:
        word = counting_word(decision_id, one.organization_id)
        run(session, update(Endorsement).where(word).values(settled_by_id=settled_by))
    taking_back.follow_words(session, decision_id, at=at)
    # A later agenda has it too, where the sitting that settled it was recorded afterwards.
    _call_off_item(session, decision_id, by=by, at=at)
    letters.settled(session, row, whom_it_concerns(session, decision_id, at), by=by, at=at)


def _call_off_item(session: Session, decision_id: UUID, *, by: Actor, at: datetime) -> None:
    holds = lock_decision(session, decision_id).state != "withdrawn"
    if not (holds and objecting(session, decision_id, at=at)):
        objections.is_over(session, decision_id, by=by, at=at)


def _held(
    session: Session, decision_id: UUID, organization_id: UUID, *, seen: int | None, by: Actor, at: datetime
) -> tuple[DecisionWithTask, Endorsed]:
    """The held decision and the partner's word before, for who may speak for it. Raises Refusal."""
    row = lock_decision(session, decision_id)
    if not row.needs_endorsement or row.state == "withdrawn":
        raise Refusal("decision.not_endorsed", N_("The partners do not endorse this decision."), source="GV-4")
    before = {one.organization_id: one for one in endorsements_of(session, decision_id, at=at)}.get(organization_id)
    if before is None:
        raise _not_asked()
    if seen is not None and seen != before.version:
        raise changed_meanwhile("decision")
    if not before.is_partner and before.said != "objected":
        raise Refusal(
            "endorsement.no_partner", N_("The agreement of this organization is no longer in force."), source="GV-4"
        )
    _refuse_speaker(session, row, organization_id, by, at)
    return row, before


def _refuse_speaker(session: Session, row: Decision, organization_id: UUID, by: Actor, at: datetime) -> None:
    """Refuse a person who may not speak for a partner, in any role. Raises Refusal."""
    if by.role not in SPEAK_FOR_IT or by.organization_id != organization_id:
        raise _not_theirs()
    today = standing(session, local_day(session, at))
    freeing.refuse_who_owes_elsewhere(session, row.id, organization_id, by=by, at=at)
    barred = barred_from_endorsing(session, today, row, organization_id, at=at)
    if by.person_id in barred:
        raise Refusal("endorsement.own", _BARRED, source="GV-4")
    if by.role not in ANSWER_FOR_IT and speakers(today, organization_id, ANSWER_FOR_IT) - barred:
        raise Refusal(
            "endorsement.manager_first",
            N_("The manager or the director answers. The second representative does so only if neither is there."),
            source="CM-2R",
        )


def _write_word(
    session: Session, row: Decision, before: Endorsed, said: str, reason: str, *, by: Actor, at: datetime
) -> None:
    run(session, update(Endorsement).where(counting_word(row.id, before.organization_id)).values(superseded_at=at))
    word = Endorsement(
        program_id=row.program_id,
        decision_id=row.id,
        organization_id=before.organization_id,
        said=said,
        said_at=at,
        said_by=by.person_id,
        said_as=by.role,
        said_for=by.acting_for,
        reason=reason,
        majority=before.majority,
        version=before.version + 1,
    )
    add_row(session, word)


def _not_asked() -> Refusal:
    return Refusal(
        "endorsement.not_asked", N_("This organization had no agreement in force on that day."), source="GV-4"
    )


def _not_theirs() -> Refusal:
    return Refusal(
        "endorsement.not_theirs", N_("Someone else answers for this organization: its manager or its director.")
    )
