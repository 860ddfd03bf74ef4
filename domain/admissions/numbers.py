"""The participant's number (AD-R9): one sequence a year, without gaps or doubles under races; and admission by it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.accompaniment import consents, risks, workers
from domain.admissions.triage import refuse_owed
from domain.follow_ups import open_follow_up
from domain.kernel import Actor, Refusal, changes, col, first, local_day, of, program_of, run
from domain.participants import (
    change_participant,
    finish_step,
    hold_participant,
    identity_within,
    participant_state_after,
    research,
    step_of,
)
from domain.record import apart, events
from domain.terms import circle_of
from locales import N_
from models.participant import CandidateWorker, NumberSequence

#: The steps that the number waits for, so that the case and the file cannot tell different things.
STEP: Final = "number"


def admit(session: Session, participant_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> str:
    """Admit a person who committed and consented: give the year's next number, open the follow-up, return the number.

    All in one transaction: a number that is not used is not taken. Raises Refusal: not committed; the consent is not
    signed or was withdrawn; the risk is not assessed; the worker cannot follow them (any more); the person does not
    agree to share with the second's organization; or on this day they are not of the program's age (AD-C1), or it is
    not known whether they are, whatever it was when they were referred.

    The other criteria are not asked again, but for those that are owed since the person went straight to a worker: no
    number is given before. Else none is found anew before the referral is triaged again, and from then on no one is
    named to meet the person (`triage.take_back_triage`), so that they are in no state that leads here.
    """
    held = hold_participant(session, participant_id, seen=seen)
    state = participant_state_after(held, "admit")
    today = local_day(session, at)
    # A consent of an earlier admission, which the person declined in the end, does not stand for this one.
    if not consents.stands(session, participant_id, "program", today) or _is_open(session, participant_id, "consent"):
        raise Refusal(
            "admission.no_consent",
            N_("A number is given only once the consent is signed, and if it was not withdrawn."),
            source="AD-R8",
        )
    if risks.last(session, participant_id, "admission") is None or _is_open(session, participant_id, "risk"):
        raise Refusal("admission.no_risk", N_("Assess the risk at admission first."), source="AD-R10")
    risks.refuse_danger(session, held)
    refuse_owed(session, participant_id)
    age = identity_within(session, participant_id).age_as_of(today)
    of_age = "unknown" if age is None else age.within_program()
    if of_age == "not_met":
        raise Refusal(
            "admission.age",
            N_("The person is not within the program’s age range today, and the day of admission counts."),
            source="AD-C1",
        )
    if of_age == "unknown":
        raise Refusal(
            "admission.age_unknown",
            N_(
                "It is not known whether the person is within the program’s age range today. Correct their identity "
                "first: the birth date or, if it is unknown, their age today."
            ),
            source="AD-C1",
        )
    named = workers.named(session, participant_id)
    if named is None:
        raise Refusal("admission.no_worker", N_("No worker is named yet to follow this person."), source="AD-R3")
    _refuse_second(session, participant_id, named, today)
    number = _next(session, today.year)
    change_participant(session, held, state=state, number=number, admitted_on=today, retain_until=None)
    events.write(session, "participant.admitted", "participant", participant_id, by=by, at=at, number=number)
    last = int(number.rpartition("-")[2])
    apart.note_number(session, participant_id, apart.Given(f"participant.{today.year}", last), at=at)
    open_follow_up(session, participant_id, worker=named.worker_id, second=named.second_id, by=by, at=at)
    workers.end(session, participant_id, "admitted", at=at)
    research.hand_over_research(session, participant_id, by=by, at=at)
    finish_step(session, participant_id, STEP, by=by, at=at)
    return number


def _refuse_second(session: Session, participant_id: UUID, named: CandidateWorker, today: date) -> None:
    """Refuse a second of the pair where the person did not agree to share with their organization. Raises Refusal."""
    circle = circle_of(session, participant_id, today)
    shut = any(part.person_id == named.second_id and circle.is_shut_to(part) for part in circle.parts)
    if shut:
        raise Refusal(
            "admission.second_not_agreed",
            N_(
                "The person has not agreed to sharing with the organization of the second of the pair. Ask for that "
                "consent first, or name someone else, or no one, as the second."
            ),
            source="AD-R11",
        )


def _is_open(session: Session, participant_id: UUID, step: str) -> bool:
    """Whether a step of the present admission is not done in it."""
    task = step_of(session, participant_id, step)
    return task is not None and task.state in ("planned", "open")


def _next(session: Session, year: int) -> str:
    """The next number of a year. Its row is locked until the transaction ends: another who asks waits for it.

    It follows the last one that was ever given, also where a restore lost that.
    """
    here, lost = program_of(session), apart.last_given(session, f"participant.{year}")
    run(
        session,
        insert(NumberSequence)
        .values(program_id=here, id=uuid4(), year=year, last=lost + 1)
        .on_conflict_do_update(
            index_elements=["program_id", "year"], set_={"last": func.greatest(col(NumberSequence.last), lost) + 1}
        ),
    )
    row = first(session, of(NumberSequence).where(NumberSequence.year == year))
    assert row is not None  # noqa: S101 - written above
    return f"#{year}-{row.last:02d}"


def take_over(session: Session, year: int, last: int, *, by: Actor, at: datetime) -> None:
    """Go on after a number that was given on paper before. Raises Refusal where later ones were given here."""
    here = program_of(session)
    run(
        session,
        insert(NumberSequence)
        .values(program_id=here, id=uuid4(), year=year, last=last)
        .on_conflict_do_nothing(index_elements=["program_id", "year"]),
    )
    moved_on = run(
        session,
        changes(NumberSequence)
        .where(NumberSequence.year == year, col(NumberSequence.last) <= last)
        .values(last=last)
        .returning(col(NumberSequence.id)),
    ).scalar()
    if moved_on is None:
        raise Refusal("number.further", N_("Later numbers of this year were given here already."))
    events.write(session, "number.taken_over", "program", here, by=by, at=at, year=year, last=last)
