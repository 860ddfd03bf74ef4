"""Asking partners whether they endorse a decision, and recording what they say (GV-4).

A decision on management or coordination is pending until the partners endorsed it. Silence is asked again, then shown
to the committee; an objection suspends what rests on the decision until it is settled (`meetings.settling`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update
from sqlmodel import Session

from duties.actors import Actor
from duties.casework import asking, assigning
from duties.casework.scheduling import calendar_of
from duties.casework.tasks import BY_ITS_ACT, complete_task
from duties.endorsement import letters
from duties.endorsement.counting import counts_by
from duties.here import local_day, many, program_of
from duties.mail.notices import COORDINATION
from duties.record import events
from duties.refusals import Refusal
from duties.roles import Link, Standing, standing
from duties.said import says_something
from locales import N_, say
from meetings import objections
from meetings.decision_rows import change_decision, lock_decision
from meetings.endorsements import (
    ANSWER_FOR_IT,
    SPEAK_FOR_IT,
    Endorsed,
    barred_from,
    counting_word,
    declared,
    endorsements_of,
    is_about_a_participant,
    partners_on,
    speakers,
    was_settled,
    whom_it_concerns,
)
from meetings.resting import BY_ENDORSEMENT, carry_out, look_again, stop
from meetings.texts import checked_text
from models.base import table_of
from models.lifecycles import DECISION, ENDORSEMENT
from models.minutes import COUNTING, ENDORSED_AS, Decision, Endorsement

_decision = table_of(Decision)
_word = table_of(Endorsement)

#: The step of a partner's task to endorse a decision or to object to it; its item is the decision's id.
ENDORSE: Final = "decision.endorse"
_ASKED: Final = N_("Say whether your organization endorses decision %(number)s")
_ASKED_AGAIN: Final = N_("Asked again: say whether your organization endorses decision %(number)s")


def ask_partners(session: Session, decision_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the partners of a decision's day whether they endorse it, and have it wait for them.

    Where no agreement was in force nobody is asked, and it counts.
    """
    row = lock_decision(session, decision_id)
    asked = partners_on(session, local_day(session, row["decided_at"]))
    if asked:
        session.execute(
            insert(_word),
            [
                {
                    "program_id": program_of(session),
                    "id": uuid4(),
                    "decision_id": decision_id,
                    "organization_id": organization_id,
                    "said": "",
                    "said_at": at,
                    "said_as": "",
                    "reason": "",
                    "majority": majority,
                    "version": 0,
                }
                for organization_id, majority in asked.items()
            ],
        )
    due_on = calendar_of(session).add_working_days(local_day(session, at), declared(session).days)
    change_decision(session, row, endorse_by=due_on)
    for organization_id in asked:
        _open_task(session, row, organization_id, due_on, by=by, at=at)
    look_again(session, decision_id, at=at)


def ask_again(session: Session, day: date, *, at: datetime) -> int:
    """Ask the partners once more that said nothing by the last day of a decision; of how many decisions.

    Each person who speaks for one of them hears of all of it in one digest.
    """
    rows = many(
        session,
        select(_decision.c.id)
        .where(
            _decision.c.program_id == program_of(session),
            _decision.c.state != "withdrawn",
            _decision.c.endorsement == "pending",
            _decision.c.endorse_by < day,
            _decision.c.asked_again_at.is_(None),
        )
        .order_by(_decision.c.id),
    )
    until = calendar_of(session).add_working_days(day, declared(session).days_again)
    return sum(_ask_again(session, row["id"], until, at=at) for row in rows)


def _ask_again(session: Session, decision_id: UUID, until: date, *, at: datetime) -> bool:
    row = lock_decision(session, decision_id)
    if row["endorsement"] != "pending" or row["asked_again_at"] is not None:
        return False
    silent = [one for one in endorsements_of(session, decision_id, at=at) if one.word.is_awaited]
    change_decision(session, row, endorse_by=until, asked_again_at=at)
    for one_of_them in silent:
        # Anew, so that it falls on who speaks for the partner by now.
        _call_off_task(session, decision_id, one_of_them.organization_id, by=BY_ENDORSEMENT, at=at)
        _open_task(session, row, one_of_them.organization_id, until, by=BY_ENDORSEMENT, at=at, again=True)
    events.write(
        session,
        "decision.asked_again",
        "decision",
        decision_id,
        by=BY_ENDORSEMENT,
        at=at,
        number=row["number"],
        partners=len(silent),
        until=until.isoformat(),
    )
    return True


def follow_agreements(session: Session, *, at: datetime) -> int:
    """Have decisions that wait for partners follow who is a partner today; how many stand otherwise now."""
    rows = session.scalars(
        select(_decision.c.id)
        .where(
            _decision.c.program_id == program_of(session),
            _decision.c.state != "withdrawn",
            _decision.c.endorsement.in_(["pending", "objected", "earlier"]),
        )
        .order_by(_decision.c.id)
    ).all()
    changed = 0
    for decision_id in rows:
        gone = [
            one_of_them.organization_id
            for one_of_them in endorsements_of(session, decision_id, at=at)
            if not one_of_them.is_partner
        ]
        for organization_id in gone:
            _call_off_task(session, decision_id, organization_id, by=BY_ENDORSEMENT, at=at)
        changed += look_again(session, decision_id, at=at)
    return changed


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

    From then on nothing that rests on it counts until they endorsed it; what rested on it before stays. Raises Refusal:
    they are asked already, it is withdrawn or settles an objection, it is about a participant, the organization was no
    partner on its day, who asks does not answer for it, or there is no reason.
    """
    row = lock_decision(session, decision_id, seen=seen)
    if row["needs_endorsement"] or row["state"] == "withdrawn" or row["settles_id"] is not None:
        raise Refusal(
            "endorsement.not_to_be_asked",
            N_("The partners are asked about this decision already, or there is nothing in it to endorse."),
            source="GV-4",
        )
    if is_about_a_participant(session, decision_id):
        raise Refusal(
            "endorsement.about_a_participant",
            N_("What the committee decides of a candidate or a participant is not for the partners to endorse."),
        )
    if organization_id not in partners_on(session, local_day(session, row["decided_at"])):
        raise _not_asked()
    if by.role not in ANSWER_FOR_IT or by.organization_id != organization_id:
        raise _not_theirs()
    reason = checked_text(reason)
    if not says_something(reason):
        raise Refusal("reason.missing", N_("Say why, in a few words."))
    change_decision(
        session,
        row,
        needs_endorsement=True,
        endorsement=ENDORSEMENT.after(row["endorsement"], "ask"),
        suspended_at=at,
        wanted_by_id=organization_id,
        wanted_by_person=by.person_id,
        wanted_at=at,
        wanted_why=reason,
    )
    events.write(
        session,
        "decision.endorsement_wanted",
        "decision",
        decision_id,
        by=by,
        at=at,
        number=row["number"],
        organization=str(organization_id),
    )
    stop(session, row, at=at)
    take_nothing_back(session, decision_id, at=at)
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

    `said` is "endorsed" or "objected", and an objection has its reason: it suspends what rests on the decision, however
    late it comes, and everyone whom it concerns is told. `seen` is the version of the partner's last word. Raises
    Refusal: the decision is none to endorse or is withdrawn, the partner is not asked or not any more, the objection
    was settled, who says it recorded the decision or coordinates, or somebody else speaks for the partner.
    """
    meetings = objections.hold_next_meetings(session, at) if said == "objected" else ()
    row, before = _held(session, decision_id, organization_id, seen=seen, by=by, at=at)
    if said not in ENDORSED_AS or not said:
        raise Refusal("endorsement.unknown", N_("A partner endorses a decision, or objects to it."))
    if said == "objected" and was_settled(session, decision_id, organization_id):
        raise Refusal(
            "objection.settled",
            N_("The committee settled this objection. Ask for the matter to come back on its agenda."),
            source="GV-4",
        )
    reason = checked_text(reason)
    if said == "objected" and not reason:
        raise Refusal("reason.missing", N_("Say why, in a few words."))
    _write_word(session, row, before, said, reason, by=by, at=at)
    _answer_task(session, decision_id, organization_id, by=by, at=at)
    if before.said == "objected" and said == "endorsed":
        _call_off_item(session, decision_id, by=by, at=at)
    verb = "decision.objected" if said == "objected" else "decision.endorsed"
    events.write(
        session,
        verb,
        "decision",
        decision_id,
        by=by,
        at=at,
        number=row["number"],
        organization=str(organization_id),
        before=before.said,
    )
    look_again(session, decision_id, at=at, objected_now=said == "objected")
    if said == "objected":
        objections.bring_before_committee(session, decision_id, meetings, at=at)
        counts = counts_by(lock_decision(session, decision_id))
        if not counts:
            take_nothing_back(session, decision_id, at=at)
        people = whom_it_concerns(session, decision_id, at)
        letters.objected(session, row, organization_id, people, counts=counts, by=by, at=at)
    elif before.said == "objected":
        letters.settled(session, row, whom_it_concerns(session, decision_id, at), by=by, at=at)


def take_back(
    session: Session,
    decision_id: UUID,
    organization_id: UUID,
    *,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Take back what a partner said of a decision: it has said nothing then, and is asked again.

    An objection is withdrawn so. An endorsement is taken back only while the decision is pending: once it counts, a
    partner objects to it with a reason. Raises Refusal: as `endorse`, nothing said, settled, or it counts by now.
    """
    row, before = _held(session, decision_id, organization_id, seen=seen, by=by, at=at)
    if not before.said or before.settled_by_id is not None:
        raise Refusal("endorsement.nothing_said", N_("There is nothing to take back here."))
    if before.said == "endorsed" and counts_by(row):
        raise Refusal(
            "endorsement.binds",
            N_("This decision counts by what your organization said. To change that, object to it and say why."),
            source="GV-4",
        )
    _write_word(session, row, before, "", "", by=by, at=at)
    events.write(
        session,
        "decision.word_taken_back",
        "decision",
        decision_id,
        by=by,
        at=at,
        number=row["number"],
        organization=str(organization_id),
        before=before.said,
    )
    if before.said == "objected":
        look_again(session, decision_id, at=at)
        _call_off_item(session, decision_id, by=by, at=at)
    after = lock_decision(session, decision_id)
    if after["endorsement"] != "endorsed":
        soonest = calendar_of(session).add_working_days(local_day(session, at), declared(session).days_again)
        due_on = max(row["endorse_by"] or soonest, soonest)
        _open_task(session, row, organization_id, due_on, by=by, at=at)
    if before.said == "objected":
        letters.settled(session, after, whom_it_concerns(session, decision_id, at), by=by, at=at)


def settle_objections(session: Session, decision_id: UUID, settled_by: UUID, *, by: Actor, at: datetime) -> int:
    """Have the objections that stand against a decision be settled by another; how many did."""
    row = lock_decision(session, decision_id)
    against = [one for one in endorsements_of(session, decision_id, at=at) if one.word.objects]
    for one_of_them in against:
        session.execute(
            update(_word)
            .where(counting_word(session, decision_id, one_of_them.organization_id))
            .values(settled_by_id=settled_by)
        )
    look_again(session, decision_id, at=at)
    letters.settled(session, row, whom_it_concerns(session, decision_id, at), by=by, at=at)
    return len(against)


def _call_off_item(session: Session, decision_id: UUID, *, by: Actor, at: datetime) -> None:
    if not any(one.word.objects for one in endorsements_of(session, decision_id, at=at)):
        objections.is_over(session, decision_id, by=by, at=at)


def unsettle(
    session: Session,
    decision_id: UUID,
    settled_by: UUID,
    meetings: Sequence[Mapping[str, Any]],
    *,
    by: Actor,
    at: datetime,
) -> None:
    """Have objections stand again that a decision settled which was taken back: before the committee, as at first.

    `meetings` are as `objections.hold_next_meetings` gave them, before the decision was held.
    """
    session.execute(
        update(_word)
        .where(
            _word.c.program_id == program_of(session),
            _word.c.decision_id == decision_id,
            _word.c.settled_by_id == settled_by,
            _word.c.superseded_at.is_(None),
        )
        .values(settled_by_id=None)
    )
    look_again(session, decision_id, at=at)
    row = lock_decision(session, decision_id)
    if row["endorsement"] != "objected" or row["state"] == "withdrawn":
        return
    take_nothing_back(session, decision_id, at=at)
    objections.bring_before_committee(session, decision_id, meetings, at=at)
    people = whom_it_concerns(session, decision_id, at)
    for one in endorsements_of(session, decision_id, at=at):
        if one.word.objects:
            letters.objected(session, row, one.organization_id, people, counts=False, by=by, at=at)


def take_nothing_back(session: Session, decision_id: UUID, *, at: datetime) -> int:
    """Have what a decision took back stand again, since it counts no more itself; how many do.

    Each is as it was: pending, objected or counting, owed or not, and what it did for a procedure is done again.
    """
    rows = session.scalars(
        select(_decision.c.id)
        .where(_decision.c.program_id == program_of(session), _decision.c.withdrawn_by_id == decision_id)
        .order_by(_decision.c.id)
    ).all()
    for taken_back in rows:
        _stand_again(session, lock_decision(session, taken_back), at=at)
    return len(rows)


def _stand_again(session: Session, row: Mapping[str, Any], *, at: datetime) -> None:
    move = "owe_again" if row["owner_role"] else "stand_again"
    state = DECISION.after(row["state"], move)
    change_decision(session, row, state=state, closed_at=None, closed_as=None, withdrawn_by_id=None)
    number = row["number"]
    events.write(session, "decision.stands_again", "decision", row["id"], by=BY_ENDORSEMENT, at=at, number=number)
    if row["task_id"] is not None:
        assigning.restore(session, row["task_id"], by=BY_ENDORSEMENT, at=at)
    if row["endorsement"] in COUNTING:
        carry_out(session, row, at=at)
        return
    due_on = calendar_of(session).add_working_days(local_day(session, at), declared(session).days_again)
    for one in endorsements_of(session, row["id"], at=at):
        if one.word.is_awaited:
            _open_task(session, row, one.organization_id, due_on, by=BY_ENDORSEMENT, at=at)
    look_again(session, row["id"], at=at)


def _held(
    session: Session, decision_id: UUID, organization_id: UUID, *, seen: int | None, by: Actor, at: datetime
) -> tuple[dict[str, Any], Endorsed]:
    """The held decision and the partner's word before, for who may speak for it. Raises Refusal."""
    row = lock_decision(session, decision_id)
    if not row["needs_endorsement"] or row["state"] == "withdrawn":
        raise Refusal("decision.not_endorsed", N_("This decision is not one that the partners endorse."), source="GV-4")
    before = {one.organization_id: one for one in endorsements_of(session, decision_id, at=at)}.get(organization_id)
    if before is None:
        raise _not_asked()
    if seen is not None and seen != before.version:
        raise Refusal(
            "decision.changed",
            N_("This decision was changed by someone else or in another window. Nothing was saved; look again."),
        )
    if not before.is_partner and before.said != "objected":
        raise Refusal(
            "endorsement.no_partner", N_("The agreement of this organization is no longer in force."), source="GV-4"
        )
    _refuse_speaker(session, row, organization_id, by, at)
    return row, before


def _refuse_speaker(session: Session, row: Mapping[str, Any], organization_id: UUID, by: Actor, at: datetime) -> None:
    """Refuse who may not speak for a partner, under whichever hat. Raises Refusal."""
    if by.role not in SPEAK_FOR_IT or by.organization_id != organization_id:
        raise _not_theirs()
    today = standing(session, local_day(session, at))
    barred = barred_from(today, row)
    if by.person_id in barred:
        raise Refusal(
            "endorsement.own",
            N_(
                "Who recorded a decision, or coordinates the program, speaks for no partner on it: another person does."
            ),
            source="GV-4",
        )
    if by.role not in ANSWER_FOR_IT and speakers(today, organization_id, ANSWER_FOR_IT) - barred:
        raise Refusal(
            "endorsement.manager_first",
            N_(
                "The manager or the director says it while one of them is there; where neither is, the second "
                "representative does."
            ),
            source="CM-2R",
        )


def _write_word(
    session: Session, row: Mapping[str, Any], before: Endorsed, said: str, reason: str, *, by: Actor, at: datetime
) -> None:
    session.execute(
        update(_word).where(counting_word(session, row["id"], before.organization_id)).values(superseded_at=at)
    )
    session.execute(
        insert(_word).values(
            program_id=program_of(session),
            id=uuid4(),
            decision_id=row["id"],
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
    )


def _open_task(
    session: Session,
    row: Mapping[str, Any],
    organization_id: UUID,
    due_on: date,
    *,
    by: Actor,
    at: datetime,
    again: bool = False,
) -> None:
    """Have a partner say whether it endorses a decision: its manager, else its director, else who represents it.

    Who may not say so, since they recorded it, is passed over. Where nobody can, the coordinator has it as vacant.
    """
    today = standing(session, local_day(session, at))
    barred = barred_from(today, row)
    title = _ASKED_AGAIN if again else _ASKED
    assigning.assign(
        session,
        ENDORSE,
        str(row["id"]),
        title_fr=say("fr", title, number=row["number"]),
        title_en=say("en", title, number=row["number"]),
        chain=[*_who_says_it(today, organization_id, barred), *COORDINATION],
        due_on=due_on,
        by=by,
        at=at,
        evidence=BY_ITS_ACT,
        sources=["GV-4"],
        at_once=True,
    )


def _who_says_it(today: Standing, organization_id: UUID, barred: Collection[UUID]) -> list[Link]:
    links: list[Link] = [{"role": role, "at": str(organization_id)} for role in SPEAK_FOR_IT]
    found = []
    for link in links:
        people = {holder.person_id for holder in today.falls([link]).holders}
        if not people or people - set(barred):
            found.append(link)
    return found or links[:1]


def _tasks_of(session: Session, decision_id: UUID, organization_id: UUID) -> list[UUID]:
    return [
        task["id"]
        for task in asking.open_ones(session, ENDORSE, decision_id)
        if any(_is_of(link, organization_id) for link in task["links"])
    ]


def _is_of(link: Link, organization_id: UUID) -> bool:
    """Whether a link is that of who speaks for a partner. By name it is somebody's who took the task over."""
    return "person" not in link and link["role"] in SPEAK_FOR_IT and link["at"] == str(organization_id)


def _answer_task(session: Session, decision_id: UUID, organization_id: UUID, *, by: Actor, at: datetime) -> None:
    for task_id in _tasks_of(session, decision_id, organization_id):
        complete_task(session, task_id, by=by, at=at, in_its_act=True)


def _call_off_task(session: Session, decision_id: UUID, organization_id: UUID, *, by: Actor, at: datetime) -> None:
    for task_id in _tasks_of(session, decision_id, organization_id):
        assigning.call_off(session, task_id, by=by, at=at)


def _not_asked() -> Refusal:
    return Refusal(
        "endorsement.not_asked", N_("This organization had no agreement in force on that day."), source="GV-4"
    )


def _not_theirs() -> Refusal:
    return Refusal(
        "endorsement.not_theirs", N_("Somebody else speaks for this organization: its manager or its director.")
    )
