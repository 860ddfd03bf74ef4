"""Handing follow-ups over: each is offered to one worker, who accepts or refuses; silence goes to the coordinator.

People decide: fit (DP-03a) and having met already (DP-03b) only say who is shown first. Nothing moves before it is
accepted, and the participant is known by number alone. It is done as the participant wants (DP-04).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.casework import LockedTask, TaskOutcome, hold_case, lock_task, needed_reason, scheduling, words
from domain.declarations import ANSWER_WITHIN
from domain.departure import hand_over_letters
from domain.departure.asking_steps import record
from domain.departure.offers import answer, take_back, task_of, tell
from domain.departure.parts_left import part_of, refuse_primary, ways_agreed
from domain.follow_ups import assigning
from domain.follow_ups import lock_follow_up as hold_follow_up
from domain.kernel import Actor, Refusal, add_row, every, first, local_day, of, program_calendar, program_of, replaced
from locales import N_
from models.casework import Case
from models.departure import WAYS, HandOver
from models.follow_up import Assignment


def propose(
    session: Session,
    task_id: UUID,
    to_id: UUID,
    *,
    way: str = "",
    note: str = "",
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> TaskOutcome:
    """Offer a follow-up to a worker, who has the working days to answer that the protocol declares.

    An earlier offer of it is withdrawn. It is done in the `way` given here, else as agreed with the participant, now or
    later. A `note` is about the participant: those who keep the file read it with the step, and the successor once they
    take over. Raises Refusal: not the step of a follow-up, or a worker who cannot be assigned it.
    """
    held = lock_task(session, task_id, by=by, at=at, seen=seen)
    case, part = _handed_over(session, held)
    if way not in ("", *WAYS):
        raise Refusal("hand_over.way", N_("A hand-over happens by a call or in a meeting."), source="DP-04")
    if to_id == part.person_id:
        raise Refusal("successor.leaver", N_("You cannot take over what you leave yourself."))
    follow_up = hold_follow_up(session, part.follow_up_id, by=by, at=at)
    refuse_primary(session, part, to_id, at)
    today = local_day(session, at)
    assigning.bar_to(session, follow_up.participant_id, to_id, kind=part.kind, day=today)
    for before in _open_ones(session, part):
        if before.task_id == task_id and before.to_id == to_id:
            words.keep_beside(session, held.task, words.offer(before.id), note)
            return TaskOutcome(task_id, "open", held.case_id)
        take_back(session, before, by=by, at=at)
    within = _days_to_answer(session, case, held.task.step)
    answer_by = program_calendar.calendar_of(session).add_working_days(today, within)
    offer = HandOver(
        program_id=program_of(session),
        id=uuid4(),
        case_id=case.id,
        task_id=task_id,
        follow_up_id=part.follow_up_id,
        from_id=part.person_id,
        to_id=to_id,
        way=way or ways_agreed(session, case.id).get(held.task.item, ""),
        proposed_at=at,
        proposed_by=by.person_id,
        answer_by=answer_by,
    )
    add_row(session, offer)
    words.keep_beside(session, held.task, words.offer(offer.id), note)
    tell(session, offer, "hand_over.proposed", by=by, at=at)
    hand_over_letters.offered(session, held.task, offer.id, to_id, answer_by=answer_by, by=by, at=at)
    return TaskOutcome(task_id, "open", held.case_id)


def _handed_over(session: Session, held: LockedTask) -> tuple[Case, Assignment]:
    """The open case by which a follow-up is handed over at a held step, and the leaver's part in it. Raises Refusal."""
    is_open = held.case is not None and held.case.state == held.task.state == "open"
    part = part_of(session, held.task) if is_open else None
    if held.case is None or part is None:
        raise Refusal("hand_over.nothing", N_("There is no follow-up to hand over here, or it is settled."))
    return held.case, part


def accept(session: Session, hand_over_id: UUID, *, by: Actor, at: datetime) -> TaskOutcome:
    """Take the follow-up over, from now on. Only the worker who was offered it does. Raises Refusal."""
    offered = _hold(session, hand_over_id, by)
    task = lock_task(session, offered.task_id, by=by, at=at, seen=None).task
    part = part_of(session, task)
    if part is None or task.state != "open":
        raise Refusal("hand_over.over", N_("This follow-up was given to someone else meanwhile."))
    refuse_primary(session, part, offered.to_id, at)
    assigning.assign_worker(
        session,
        part.follow_up_id,
        offered.to_id,
        kind=part.kind,
        instead_of=part.person_id if part.ended_at is None else None,
        by=by,
        at=at,
    )
    agreed = ways_agreed(session, offered.case_id).get(task.item, offered.way)
    answer(session, replaced(offered, way=agreed), "accepted", by=by, at=at)
    return record(session, task, successor_id=offered.to_id, by=by, at=at)


def refuse(session: Session, hand_over_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Refuse a follow-up, with the reason. It stays with the leaver, to be offered anew.

    The one who is to hand it over is told at once.
    """
    offered = _hold(session, hand_over_id, by)
    task = task_of(session, offered)
    # Why a worker does not accompany a participant is about the participant as well.
    kept = words.keep_beside(session, task, words.refusal(hand_over_id), needed_reason(reason))
    answer(session, offered, "refused", by=by, at=at, reason=kept)
    hand_over_letters.offer_refused(session, task, offered, by=by, at=at)


def _days_to_answer(session: Session, case: Case, step: str) -> int:
    """The working days within which an offered follow-up is to be answered, as the case's own protocol declares."""
    declared = scheduling.pinned_protocol(session, case.protocol_version_id).by_id[step].for_each
    assert declared is not None  # noqa: S101 - a step that settles a holding is done for each
    return declared.answer_within or ANSWER_WITHIN


def _open_ones(session: Session, part: Assignment) -> list[HandOver]:
    """The unanswered offer of a person's part in a follow-up, of any of their departures."""
    return every(
        session,
        of(HandOver).where(
            HandOver.follow_up_id == part.follow_up_id, HandOver.from_id == part.person_id, HandOver.state == "proposed"
        ),
    )


def _hold(session: Session, hand_over_id: UUID, by: Actor) -> HandOver:
    """An offer with its case, both locked. The case comes first, as in making an offer: else the two wait for ever."""
    asked = of(HandOver).where(HandOver.id == hand_over_id)
    found = first(session, asked)
    if found is None or not by.is_one_of(found.to_id):
        raise Refusal("hand_over.unknown", N_("Nothing of that name was offered to you."))
    hold_case(session, found.case_id, seen=None)
    row = first(session, asked.with_for_update())
    assert row is not None  # noqa: S101 - it was read, and none is deleted
    if row.state != "proposed":
        raise Refusal("hand_over.answered", N_("This was already answered, or offered to someone else meanwhile."))
    return row
