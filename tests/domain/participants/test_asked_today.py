"""A deputy whom a participant barred has nothing to do about them, by whichever case: it falls to the next in line."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.accompaniment import barring
from domain.casework import board
from domain.kernel.rows import every, of
from domain.people import absences
from domain.roles.roles import standing
from flows import contacts
from models.base import table_of
from models.casework import Task
from tests.api.application import client_for
from tests.cast import AT, TODAY, Arranged, Cast
from tests.departing import asked, come_back, leave, record_protocols
from tests.flows.support import means_of
from tests.following import THIRD, WORKER, followed, row_of
from tests.meetings.clinic import prepare_clinic

DAY = timedelta(days=1)
_task = table_of(Task)


@pytest.fixture
def program(cast: Cast, arranged: Arranged[None]) -> Cast:
    arranged(cast, prepare_clinic)
    record_protocols(cast)
    return cast


def _has_it(cast: Cast, task_id: UUID, day: int) -> set[UUID]:
    with cast.session() as session:
        (row,) = every(session, of(Task).where(Task.id == task_id))
        falls = board.who(standing(session, TODAY + day * DAY), row, board.chains(session, [row.owed_by_id]))
    return {one.person_id for one in falls.holders} if falls is not None else set()


@pytest.mark.ci
@pytest.mark.parametrize(("first", "roles"), [(0, 1), (1, 1), (0, 2)], ids=["of today", "of tomorrow", "two roles"])
def test_a_step_of_a_departure_passes_a_deputy_over_whom_the_participant_barred(
    program: Cast, first: int, roles: int
) -> None:
    """At once where they are barred while they act, in whichever role; else in the morning from which on they would."""
    by, deputy = program.actor("coordinator"), program.people[THIRD]
    if roles > 1:
        come_back(program, WORKER, "ccsmtl", starts_on=TODAY, role="second_representative")
    with program.session() as session:
        participant_id = row_of(session, followed(session, program))["participant_id"]
        followed(session, program, "#2026-02")
    case_id = leave(program, WORKER, "ccsmtl")
    step, other = asked(program, case_id, "tell_participant")
    with program.session() as session:
        absences.record_absence(
            session,
            person_id=program.people[WORKER],
            starts_on=TODAY + first * DAY,
            ends_on=TODAY + 2 * DAY,
            deputy_id=deputy,
            by=by,
            at=AT,
        )
        barring.bar(session, participant_id, deputy, by=by, at=AT)
    if first:
        assert _has_it(program, step.id, 0) == {program.people[WORKER]}
        contacts.look(means_of(program, lambda: AT + DAY), program.program_id, "worker")
    assert deputy not in _has_it(program, step.id, first)
    assert _has_it(program, step.id, first)
    assert _has_it(program, other.id, first) == {deputy}, "what is about somebody else stays theirs"
    at = AT + first * DAY
    for who in _has_it(program, step.id, first):
        assert str(step.id) in client_for(program.database, who, at=at).get("/").text
    assert _has_it(program, step.id, 3) == {program.people[WORKER]}


@pytest.mark.ci
def test_a_deputy_who_is_let_near_a_file_again_has_its_steps_and_another_deputy_had_them_meanwhile(
    program: Cast,
) -> None:
    """Who is passed over is the one who is barred, for as long as that is so, and not whoever acts one day."""
    by, worker, deputy = program.actor("coordinator"), program.people[WORKER], program.people[THIRD]
    other_deputy = program.people["manager_ccsmtl"]

    def away_with(session: Session, who: UUID) -> UUID:
        return absences.record_absence(
            session, person_id=worker, starts_on=TODAY, ends_on=TODAY + 2 * DAY, deputy_id=who, by=by, at=AT
        )

    with program.session() as session:
        participant_id = row_of(session, followed(session, program))["participant_id"]
    step = asked(program, leave(program, WORKER, "ccsmtl"), "tell_participant")[0]
    with program.session() as session:
        absence = away_with(session, deputy)
        barring.bar(session, participant_id, deputy, by=by, at=AT)
    assert deputy not in _has_it(program, step.id, 0)
    with program.session() as session:
        barring.lift(session, participant_id, deputy, by=by, at=AT)
    assert _has_it(program, step.id, 0) == {deputy}
    with program.session() as session:
        barring.bar(session, participant_id, deputy, by=by, at=AT)
        absences.cancel_absence(session, absence, by=by, at=AT)
    assert _has_it(program, step.id, 0) == {worker}
    with program.session() as session:
        away_with(session, other_deputy)
    assert _has_it(program, step.id, 0) == {other_deputy}
