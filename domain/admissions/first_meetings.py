"""The first meeting (AD-R6, AD-R7): held in person or not, alone or as a pair, and what the candidate said."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.accompaniment import workers
from domain.admissions.triage import end_admission
from domain.casework import scheduling
from domain.kernel import Actor, Refusal, add_row, col, every, local_day, next_number, of, program_of
from domain.participants import (
    change_participant,
    finish_step,
    hold_participant,
    participant_state_after,
    refuse_before_referral,
    step_of,
)
from domain.record import events
from locales import N_
from models.participant import MEETING_OUTCOMES, MEETING_WAYS, FirstMeeting


def record_first_meeting(
    session: Session,
    participant_id: UUID,
    *,
    met_on: date,
    way: str,
    outcome: str,
    with_second: bool = False,
    back_on: date | None = None,
    by: Actor,
    at: datetime,
) -> UUID:
    """Record one meeting before admission and what came of it; returns its id.

    A candidate who takes time to think is asked again on `back_on`, and stays with this worker. The step is due on that
    day, for the worker named by then. One who commits goes on to the consent. One who declines goes no further, and may
    be referred again. Raises Refusal: no one is named to meet them, a day to come or before the referral, or a state
    that does not allow it.
    """
    held = hold_participant(session, participant_id)
    named = workers.named(session, participant_id)
    if held.state != "assigned" or named is None:
        raise Refusal(
            "first_meeting.state", N_("A first meeting needs a worker who was named to hold it."), source="AD-R6"
        )
    _refuse_impossible(met_on, way, outcome, back_on, today=local_day(session, at))
    refuse_before_referral(session, participant_id, met_on)
    if with_second and named.second_id is None:
        raise Refusal("first_meeting.second", N_("No second worker is named for this candidate."), source="AD-R6")
    row = FirstMeeting(
        program_id=program_of(session),
        id=uuid4(),
        participant_id=participant_id,
        n=next_number(session, FirstMeeting.n, FirstMeeting.participant_id == participant_id),
        worker_id=named.worker_id,
        second_id=named.second_id if with_second else None,
        met_on=met_on,
        way=way,
        outcome=outcome,
        back_on=back_on,
        recorded_by=by.person_id,  # type: ignore[arg-type]  # a person
        recorded_at=at,
    )
    add_row(session, row)
    events.write(session, "first_meeting.held", "participant", participant_id, by=by, at=at, outcome=outcome, way=way)
    finish_step(session, participant_id, "make_contact", by=by, at=at)
    step = step_of(session, participant_id, "first_meeting")
    if back_on is not None and step is not None:
        scheduling.agree_on_day(session, step.id, back_on, at=at)
    if outcome == "commits":
        change_participant(session, held, state=participant_state_after(held, "commit"))
        finish_step(session, participant_id, "first_meeting", by=by, at=at)
    elif outcome == "declines":
        decline(session, participant_id, by=by, at=at)
    return row.id


def _refuse_impossible(met_on: date, way: str, outcome: str, back_on: date | None, *, today: date) -> None:
    """Raises Refusal where a meeting cannot have been so."""
    if way not in MEETING_WAYS or outcome not in MEETING_OUTCOMES:
        raise Refusal("first_meeting.outcome", N_("Say how you met, and what the person said."), source="AD-R7")
    if met_on > today:
        raise Refusal("first_meeting.when", N_("A meeting is recorded once it has taken place."))
    if back_on is not None and (outcome != "thinks" or back_on < met_on):
        raise Refusal("first_meeting.back", N_("A day to ask again is only for a person who takes time to think."))


def decline(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Record that a candidate declines, at a meeting or before one, without blame (AD-C5, AD-R7). Raises Refusal."""
    held = hold_participant(session, participant_id)
    end_admission(session, held, "decline", by=by, at=at)
    workers.end(session, participant_id, "declined", at=at)
    events.write(session, "participant.declined", "participant", participant_id, by=by, at=at)


def meetings_of(session: Session, participant_id: UUID) -> list[FirstMeeting]:
    """The meetings before admission, in their order."""
    return every(
        session, of(FirstMeeting).where(FirstMeeting.participant_id == participant_id).order_by(col(FirstMeeting.n))
    )
