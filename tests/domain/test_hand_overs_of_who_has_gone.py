"""Follow-ups of somebody who has gone: each stays in the list until a successor accepts it. Guide: DP-03."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from domain.access import sign_ins
from domain.accompaniment import breaks, states
from domain.departure import current, ending, gathering, hand_overs, hand_overs_in_bulk, offers
from domain.follow_ups import assigning
from domain.follow_ups.assigning import FIND_A_WORKER
from domain.roles.roles import standing
from models.access import BrowserSession
from models.base import table_of
from models.follow_up import Assignment
from tests.cast import AT, LOADING, TODAY, Cast
from tests.departing import LAST_DAY, TASK, asked, leave, left, record_protocols, settle
from tests.following import SECOND, THIRD, WORKER, agreed, followed, parts
from tests.refusing import refused

SIGN_IN, ASSIGNMENT = table_of(BrowserSession), table_of(Assignment)
IT = "Follow-up of #2026-01"


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    with cast.session() as session:
        agreed(session, cast)
    return cast


def follow(cast: Cast, *, worker: str = WORKER, second: str | None = None) -> UUID:
    with cast.session() as session:
        return followed(session, cast, worker=worker, second=second, at=AT - timedelta(days=60))


def gone(cast: Cast, who: str = WORKER, organization: str = "ccsmtl", *, days: int = 9) -> UUID:
    """The departure of somebody whose last day was some days ago, of which the worker has taken its look."""
    case_id = leave(cast, who, organization, last_day=TODAY - timedelta(days=days), planned=False)
    gather(cast, case_id)
    return case_id


def gather(cast: Cast, case_id: UUID, at: datetime = AT) -> None:
    with cast.session() as session:
        gathering.gather(session, case_id, by=LOADING, at=at)


def holders(cast: Cast, follow_up_id: UUID, day: date = TODAY) -> dict[str, str]:
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        rows = assigning.on_day(session, day, follow_up_ids=[follow_up_id])
        return {row.kind: names[row.person_id] for row in rows}


def accept(cast: Cast, who: str, at: datetime = AT) -> None:
    with cast.session() as session:
        (row,) = offers.offered_to(session, cast.people[who])
        hand_overs.accept(session, row.id, by=cast.actor(who), at=at)


def vacancies(cast: Cast) -> list[str]:
    with cast.session() as session:
        return list(session.scalars(select(TASK.c.state).where(TASK.c.step == FIND_A_WORKER)))


def hand_over(cast: Cast, case_id: UUID) -> tuple[UUID, str]:
    (task,) = asked(cast, case_id, "hand_over_follow_ups")
    return task.id, task.state


@pytest.mark.parametrize(("days", "how"), [(0, "in the bulk"), (9, "on its own")])
@pytest.mark.ci
def test_of_who_has_gone_a_follow_up_is_vacant_at_once_and_stays_asked_for_until_its_successor_accepts_it(
    program: Cast, days: int, how: str
) -> None:
    follow_up = follow(program, second=SECOND)
    with program.session() as session:
        sign_ins.begin(session, program.people[WORKER], means="passkey", device="", at=AT)
    case_id = gone(program, days=days)
    with program.session() as session:
        ended = session.scalars(select(SIGN_IN.c.ended_at).where(SIGN_IN.c.person_id == program.people[WORKER])).all()
    assert (ended, holders(program, follow_up)) == ([AT], {"second": SECOND}), "their access and their part end at once"
    task_id, state = hand_over(program, case_id)
    assert (state, vacancies(program)) == ("open", ["open"])
    assert IT in left(program, case_id)
    if how == "on its own":
        settle(program, task_id, to=SECOND)
    else:
        with program.session() as session:
            by = program.actor("coordinator")
            (line,) = hand_overs_in_bulk.propose_all(session, case_id, dry_run=False, by=by, at=AT)
        assert (line.to_id, line.refused) == (program.people[SECOND], "")
    gather(program, case_id)
    assert IT in left(program, case_id), "nothing moves before it is accepted"
    accept(program, SECOND)
    gather(program, case_id)
    assert holders(program, follow_up) == {"primary": SECOND}
    assert (hand_over(program, case_id)[1], vacancies(program)) == ("done", ["done"])
    assert IT not in left(program, case_id)


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("planned", [True, False])
def test_of_a_follow_up_on_a_break_it_is_asked_for_too_until_somebody_accepts_it(program: Cast, planned: bool) -> None:
    """The participant comes back to somebody."""
    follow_up, by = follow(program), program.actor("coordinator")
    with program.session() as session:
        back = TODAY + timedelta(days=60)
        breaks.take_break(session, follow_up, returns_on=back, terms="J’appelle.", by=by, at=AT)
    case_id = leave(program, WORKER, "ccsmtl", planned=planned, last_day=LAST_DAY if planned else TODAY)
    after = AT + timedelta(days=15) if planned else AT
    with program.session() as session:
        for due in current.due_to_end(session, after):
            ending.end_departure(session, due, by=LOADING, at=after)
    gather(program, case_id, after)
    assert holders(program, follow_up, after.date()) == {}
    task_id, state = hand_over(program, case_id)
    assert state == "open"
    assert IT in left(program, case_id, after)
    settle(program, task_id, to=SECOND, at=after)
    accept(program, SECOND, after)
    assert holders(program, follow_up, after.date()) == {"primary": SECOND}
    assert IT not in left(program, case_id, after)


@pytest.mark.ci
def test_of_who_goes_on_the_day_on_which_they_took_the_others_place_one_place_is_asked_for(program: Cast) -> None:
    follow(program, second=SECOND)
    settle(program, hand_over(program, leave(program, WORKER, "ccsmtl"))[0], to=SECOND)
    accept(program, SECOND)
    case_id = gone(program, SECOND, "codim", days=0)
    assert [row.title_en.partition(": ")[2] for row in asked(program, case_id, "hand_over_follow_ups")] == [IT]
    assert [one for one in left(program, case_id) if one.startswith(IT)] == [IT]


@pytest.mark.ci
def test_a_part_that_was_to_begin_later_is_taken_back_and_holds_up_the_departure_of_nobody(program: Cast) -> None:
    follow_up, begins = follow(program), TODAY + timedelta(days=3)
    with program.session() as session:
        session.execute(update(ASSIGNMENT).where(ASSIGNMENT.c.follow_up_id == follow_up).values(starts_on=begins))
    gone(program)
    assert holders(program, follow_up, begins) == {}
    assert vacancies(program) == ["open"]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("how", ["given on its page", "left vacant", "inactive", "completed"])
def test_it_is_asked_for_no_more_once_somebody_has_it_its_end_is_stated_or_nobody_is_followed(
    program: Cast, how: str
) -> None:
    follow_up, by = follow(program), program.actor("coordinator")
    case_id = gone(program)
    task_id, _ = hand_over(program, case_id)
    if how == "left vacant":
        settle(program, task_id, ended="left_vacant", note="Nobody has room before the holidays")
    with program.session() as session:
        if how == "given on its page":
            assigning.assign_worker(session, follow_up, program.people[SECOND], by=by, at=AT)
        if how == "inactive":
            states.deactivate(session, follow_up, "withdrew", by=by, at=AT)
        if how == "completed":
            states.complete(session, follow_up, participant_agrees=True, by=by, at=AT)
    gather(program, case_id)
    assert hand_over(program, case_id) == (task_id, "done")
    assert IT not in left(program, case_id)
    if how == "inactive":
        with program.session() as session:
            states.reactivate(session, follow_up, nobody_yet=True, by=by, at=AT)
        gather(program, case_id)
        assert hand_over(program, case_id) == (task_id, "open"), "they are followed again, and by nobody"


@pytest.mark.ci
def test_what_was_offered_before_the_last_day_is_still_accepted_when_its_end_is_recorded_days_late(
    program: Cast,
) -> None:
    follow_up = follow(program)
    case_id, late = leave(program, WORKER, "ccsmtl"), AT + timedelta(days=14 + 9)
    settle(program, hand_over(program, case_id)[0], to=SECOND)
    with program.session() as session:
        (due,) = current.due_to_end(session, late)
        ending.end_departure(session, due, by=LOADING, at=late)
    gather(program, case_id, late)
    assert hand_over(program, case_id)[1] == "open"
    accept(program, SECOND, late)
    assert holders(program, follow_up, LAST_DAY + timedelta(days=9)) == {"primary": SECOND}
    with program.session() as session:
        days = [ends_on for _, who, _, ends_on in parts(session, follow_up) if who == program.people[WORKER]]
        assert standing(session, LAST_DAY + timedelta(days=1)).roles_of(program.people[WORKER]) == []
    assert days == [LAST_DAY + timedelta(days=8)]


@pytest.mark.ci
def test_the_place_of_the_second_is_handed_over_to_somebody_else_than_the_primary_worker(program: Cast) -> None:
    """They have met the participant, and are shown first otherwise: their own place would be left empty. DP-03b"""
    follow_up = follow(program, second=SECOND)
    case_id = leave(program, SECOND, "codim")
    task_id, _ = hand_over(program, case_id)
    with refused("successor.primary"):
        settle(program, task_id, to=WORKER)
    with program.session() as session:
        lines = hand_overs_in_bulk.propose_all(session, case_id, dry_run=False, by=program.actor("coordinator"), at=AT)
    assert [line.to_id for line in lines] == [program.people[THIRD]]
    accept(program, THIRD)
    assert holders(program, follow_up) == {"primary": WORKER, "second": THIRD}
    assert vacancies(program) == []


@pytest.mark.ci
def test_whoever_became_the_primary_worker_since_they_were_offered_the_seconds_place_keeps_the_one_they_have(
    program: Cast,
) -> None:
    follow_up = follow(program, second=SECOND)
    case_id = leave(program, SECOND, "codim")
    settle(program, hand_over(program, case_id)[0], to=THIRD)
    with program.session() as session:
        worker = program.people[WORKER]
        by = program.actor("coordinator")
        assigning.assign_worker(session, follow_up, program.people[THIRD], instead_of=worker, by=by, at=AT)
    with refused("successor.primary"):
        accept(program, THIRD)
    assert holders(program, follow_up) == {"primary": THIRD, "second": SECOND}
