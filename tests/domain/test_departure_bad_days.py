"""The bad days of departures: the only coordinator, a successor who leaves too, half done and called off."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from domain.access import sign_ins
from domain.accompaniment import states
from domain.agreements import agreements
from domain.casework import assigning as outside
from domain.casework import board, cases
from domain.casework.subjects import tenure_of
from domain.departure import (
    after_all,
    calling_off,
    current,
    departure_row,
    ending,
    gathering,
    hand_overs,
    hand_overs_in_bulk,
    hiring,
    offers,
    taking_up_again,
    unopened,
)
from domain.follow_ups import assigning
from domain.follow_ups.assigning import FIND_A_WORKER
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, every, of
from domain.loading.loading import load
from domain.people import absences, people
from domain.roles.roles import standing
from meetings.statements import posts
from models.access import BrowserSession
from models.agreement import AgreementRole
from models.base import table_of
from models.casework import Case, Link, Task
from models.program import Tenure
from tests.api.application import client_for
from tests.casework import open_onboarding
from tests.cast import AT, LOADING, TODAY, Arranged, Cast, edited
from tests.departing import (
    HOLDER,
    LAST_DAY,
    TASK,
    asked,
    come_back,
    in_hand,
    leave,
    left,
    lend,
    open_account,
    record_protocols,
    roles,
    seat_somebody,
    settle,
)
from tests.flows.support import carry_all, means_of
from tests.following import SECOND, WORKER, followed, in_force
from tests.refusing import refused

CASE, SIGN_IN, CREATED = table_of(Case), table_of(BrowserSession), table_of(AgreementRole)
TENURE = table_of(Tenure)


@pytest.fixture
def program(cast: Cast, arranged: Arranged[None]) -> Cast:
    arranged(cast, record_protocols)
    return cast


def _prepare_in_force(cast: Cast) -> None:
    record_protocols(cast)
    in_force(cast)


@pytest.fixture
def following(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The same, with every agreement in force, so that participants are followed."""
    arranged(cast, _prepare_in_force)
    return cast


def has_it(cast: Cast, task_id: UUID) -> tuple[list[str], bool]:
    """On whom a task falls today, and whether its role is vacant."""
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        (row,) = every(session, of(Task).where(Task.id == task_id))
        falls = board.who(standing(session, TODAY), row, board.chains(session, [row.owed_by_id]))
        assert falls is not None
        return [names[one.person_id] for one in falls.holders], falls.vacant


def test_when_the_only_coordinator_has_gone_the_hosts_manager_sees_to_it(program: Cast) -> None:
    by = program.actor("manager_ccsmtl")
    case_id = leave(program, "coordinator", "ccsmtl", last_day=TODAY, planned=False, by=by)
    (last,) = asked(program, case_id, "find_successor")
    assert has_it(program, last.id) == (["manager_ccsmtl"], False)
    (confirming,) = asked(program, case_id, "confirm_nothing_left")
    assert has_it(program, confirming.id) == (["manager_ccsmtl"], True)
    settle(program, last.id, to="manager_codim", by=by)
    with program.session() as session:
        assert [one.person_id for one in standing(session, TODAY).holding("coordinator")] == [
            program.people["manager_codim"]
        ]


def test_every_open_task_of_who_has_gone_has_a_live_holder_or_shows_as_vacant(program: Cast) -> None:
    """Trap 1: a person's end destroys no work."""
    open_onboarding(program)
    leave(program, "manager_em", "en-marge", last_day=TODAY, planned=False)
    with program.session() as session:
        now = standing(session, TODAY)
        rows = every(session, of(Task).where(Task.state == "open", col(Task.owed_by_id).is_not(None)))
        assert rows
        for row in rows:
            falls = board.who(now, row, board.chains(session, [row.owed_by_id]))
            assert falls is not None
            assert falls.holders
            assert all(one.person_id in now.live for one in falls.holders)


@pytest.mark.ci
def test_of_who_has_gone_things_are_still_settled_and_nothing_new_is_theirs(following: Cast) -> None:
    """Trap 3: the state of the leaver blocks neither what frees them nor lets them take anything on."""
    with following.session() as session:
        lend(session, following.people[WORKER], "SN-1")
        followed(session, following, "#2026-01", worker=SECOND)
    gone = leave(following, WORKER, "ccsmtl", last_day=TODAY, planned=False)
    (phone,) = asked(following, gone, "return_equipment")
    settle(following, phone.id, ended="returned", note="Fine")
    other = leave(following, SECOND, "codim")
    (task,) = asked(following, other, "hand_over_follow_ups")
    with refused("assignment.no_role"):
        settle(following, task.id, to=WORKER)


@pytest.mark.ci
def test_what_somebody_who_has_gone_accompanied_is_given_to_another_or_completed_and_they_get_nothing_new(
    following: Cast,
) -> None:
    """Trap 3: their follow-ups wait for nothing that only they could do."""
    by = following.actor("coordinator")
    with following.session() as session:
        passed_on, completed = (followed(session, following, number) for number in ("#2026-01", "#2026-02"))
    gone = leave(following, WORKER, "ccsmtl", last_day=TODAY, planned=False)
    with following.session() as session:
        assigning.assign_worker(session, passed_on, following.people[SECOND], by=by, at=AT)
        states.complete(session, completed, participant_agrees=True, by=by, at=AT)
        gathering.gather(session, gone, by=LOADING, at=AT)
        parts = assigning.on_day(session, TODAY, follow_up_ids=[passed_on, completed])
        assert [row.person_id for row in parts if row.follow_up_id == passed_on] == [following.people[SECOND]]
        vacant = session.scalars(select(TASK.c.state).where(TASK.c.step == FIND_A_WORKER)).all()
        assert "open" not in vacant, "nobody is looked for any more"
    with following.session() as session, refused("assignment.no_role"):
        followed(session, following, "#2026-03", worker=WORKER)


@pytest.mark.ci
def test_who_was_offered_a_follow_up_and_leaves_meanwhile_cannot_accept_it(following: Cast) -> None:
    with following.session() as session:
        followed(session, following, "#2026-01", worker=WORKER, second=SECOND)
    case_id = leave(following, WORKER, "ccsmtl")
    (task,) = asked(following, case_id, "hand_over_follow_ups")
    settle(following, task.id, to=SECOND)
    with following.session() as session:
        (row,) = offers.offered_to(session, following.people[SECOND])
    leave(following, SECOND, "codim")
    with following.session() as session, refused("hand_over.answered"):
        hand_overs.accept(session, row.id, by=following.actor(SECOND), at=AT)
    assert [row.state for row in asked(following, case_id, "hand_over_follow_ups")] == ["open"]


@pytest.mark.ci
def test_two_who_leave_do_not_hand_over_to_each_other_and_their_lists_come_to_an_end(program: Cast) -> None:
    open_onboarding(program)
    one, other = leave(program, "manager_em", "en-marge"), leave(program, "coordinator", "ccsmtl")
    (task, *_) = asked(program, one, "pass_on_tasks")
    with refused("successor.leaves_too"):
        settle(program, task.id, to="coordinator")
    for _ in range(3):
        with program.session() as session:
            for case_id in (one, other):
                gathering.gather(session, case_id, by=LOADING, at=AT)
    with program.session() as session:
        assert gathering.gather(session, other, by=LOADING, at=AT) == 0
        assert gathering.gather(session, one, by=LOADING, at=AT) == 0


@pytest.mark.ci
def test_a_departure_called_off_when_half_of_it_is_done_keeps_what_was_done(program: Cast) -> None:
    with program.session() as session:
        lend(session, program.people["worker_codim"], "SN-1")
        lend(session, program.people["worker_codim"], "SN-2")
    case_id = leave(program, "worker_codim", "codim")
    first, _ = asked(program, case_id, "return_equipment")
    settle(program, first.id, ended="returned", note="Fine")
    with program.session() as session:
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=AT, reason="Stays")
        calling_off.call_off(session, case_id, by=LOADING, at=AT)
    assert roles(program, "worker_codim") == [("youth_worker", None)]
    assert [words for kind, words in in_hand(program, "worker_codim", "codim") if kind == "equipment"] == [
        "Program cell phone, serial number SN-2"
    ]
    assert {row.state for row in asked(program, case_id, "return_equipment")} == {"done", "cancelled"}


@pytest.mark.ci
def test_a_departure_called_off_of_who_goes_on_in_another_role_asks_who_holds_the_one_that_was_given_to_another(
    program: Cast,
) -> None:
    """By the case's own cancelling and the engine, which takes back what was done by itself."""
    by = program.actor("manager_ccsmtl")
    come_back(program, "coordinator", "ccsmtl", role="youth_worker", starts_on=TODAY - timedelta(days=30))
    case_id = leave(program, "coordinator", "ccsmtl", by=by)
    carry_all(means_of(program, lambda: AT))
    last = next(row for row in asked(program, case_id, "find_successor") if "Coordinator" in row.title_en)
    settle(program, last.id, to="manager_codim", by=by)
    with program.session() as session:
        cases.cancel_case(session, case_id, by=by, at=AT, reason="Elle reste.")
    carry_all(means_of(program, lambda: AT))
    with program.session() as session:
        assert taking_up_again.is_called_off(session, case_id)
        (task,) = every(session, of(Task).where(Task.step == calling_off.ROLE_TAKEN))
        assert (task.state, task.item) == ("open", str(case_id))
        kept = select(TASK.c.act_state).where(TASK.c.case_id == case_id, TASK.c.step == "keep_last_day")
        assert session.execute(kept).scalar_one() == "undone", "and not in trouble"
    assert "coordinator" in [role for role, _ in roles(program, "manager_codim")]


def test_without_a_coordinator_a_follow_up_without_a_worker_is_the_hosts_managers(following: Cast) -> None:
    with following.session() as session:
        followed(session, following, "#2026-01", worker=None)
        (task,) = every(session, of(Task).where(Task.step == FIND_A_WORKER))
    leave(following, "coordinator", "ccsmtl", last_day=TODAY, planned=False, by=following.actor("manager_ccsmtl"))
    assert has_it(following, task.id) == (["manager_ccsmtl"], True)


@pytest.mark.ci
def test_what_was_offered_to_somebody_who_leaves_too_is_offered_anew_and_silence_is_in_the_receipt(
    following: Cast,
) -> None:
    with following.session() as session:
        followed(session, following, "#2026-01", worker=WORKER)
        followed(session, following, "#2026-02", worker=WORKER)
    case_id = leave(following, WORKER, "ccsmtl")
    first, second = asked(following, case_id, "hand_over_follow_ups")
    settle(following, first.id, to=SECOND)
    leave(following, SECOND, "codim")
    by, later = following.actor("coordinator"), AT + timedelta(days=10)
    with following.session() as session:
        assert offers.offered_to(session, following.people[SECOND]) == [], "taken back: they leave too"
        lines = hand_overs_in_bulk.propose_all(session, case_id, dry_run=True, by=by, at=AT)
        assert {line.task_id for line in lines} == {first.id, second.id}
        hand_overs.propose(session, second.id, following.people["worker_em"], by=by, at=AT + timedelta(days=14))
        assert offers.lapse(session, AT + timedelta(days=24), by=LOADING) == 1
        lines = hand_overs_in_bulk.propose_all(session, case_id, dry_run=True, by=by, at=later)
    assert {line.task_id: line.refused for line in lines}[second.id] == "hand_over.silent"


def test_who_left_comes_back_at_another_organization_and_leaves_that_one_too(program: Cast) -> None:
    leave(program, "worker_codim", "codim", last_day=TODAY, planned=False)
    with program.session() as session:
        people.appoint(
            session,
            person_id=program.people["worker_codim"],
            role="youth_worker",
            organization_id=program.organizations["anonyme"],
            starts_on=TODAY,
            by=program.actor("coordinator"),
            at=AT,
        )
        assert program.people["worker_codim"] in standing(session, TODAY).live
    case_id = leave(program, "worker_codim", "anonyme", last_day=TODAY + timedelta(days=20))
    assert len(asked(program, case_id, "find_successor")) == 1


BACK = TODAY + timedelta(days=20)
LATER = AT + timedelta(days=25)


def given_anew(cast: Cast, who: str, organization: str) -> None:
    """A phone, an account, a seat and a sign-in, some days after somebody came back."""
    person_id = cast.people[who]
    with cast.session() as session:
        lend(session, person_id, "SN-2", at=LATER)
        open_account(session, person_id, "anew", at=LATER)
        seat_somebody(session, "steering", cast.organizations[organization], person_id, starts_on=BACK)
        sign_ins.begin(session, person_id, means="passkey", device="", at=LATER)


@pytest.mark.ci
def test_what_somebody_is_given_once_they_are_back_is_no_part_of_the_departure_from_before(program: Cast) -> None:
    """It is over as soon as what they had before is settled."""
    with program.session() as session:
        lend(session, program.people["manager_em"], "SN-1")
    case_id = leave(program, "manager_em", "en-marge", last_day=TODAY, planned=False)
    come_back(program, "manager_em", "en-marge", starts_on=BACK, role="manager")
    given_anew(program, "manager_em", "en-marge")
    with program.session() as session:
        gathering.gather(session, case_id, by=LOADING, at=LATER)
    assert left(program, case_id, LATER) == ["Manager, En Marge 12-17", "Program cell phone, serial number SN-1"]
    assert [asked(program, case_id, step) for step in ("pass_on_seats", "close_accounts")] == [[], []]
    (phone,), (role,) = (asked(program, case_id, step) for step in ("return_equipment", "find_successor"))
    settle(program, phone.id, ended="returned", note="Fine", at=LATER)
    settle(program, role.id, ended="not_replaced", note="They are back", at=LATER)
    with program.session() as session:
        (case,) = every(session, of(Case).where(Case.id == case_id))
        gathering.refuse_unless_over(session, case, LATER)
        held = session.execute(
            select(HOLDER.c.withdrawn_at, HOLDER.c.ends_on).where(HOLDER.c.person_id == program.people["manager_em"])
        ).all()
        signed_in = SIGN_IN.c.person_id == program.people["manager_em"], SIGN_IN.c.ended_at.is_(None)
        assert len(session.scalars(select(SIGN_IN.c.id).where(*signed_in)).all()) == 1
    assert held == [(None, None)]


@pytest.mark.parametrize("taken", [False, True])
def test_who_stays_after_all_has_the_seat_again_that_the_departure_took_unless_another_was_given_it(
    program: Cast, *, taken: bool
) -> None:
    place, who, after = program.organizations["en-marge"], program.people["manager_em"], AT + timedelta(days=16)
    with program.session() as session:
        seat_somebody(session, "steering", place, who)
    case_id = leave(program, "manager_em", "en-marge")
    (seat,) = asked(program, case_id, "pass_on_seats")
    how: dict[str, Any] = {"to": "deputy"} if taken else {"ended": "left_vacant", "note": "Vacant"}
    settle(program, seat.id, **how)
    with program.session() as session:
        ending.end_departure(session, *current.due_to_end(session, after), by=LOADING, at=after)
    with program.session() as session:
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=after, reason="Elle reste.")
    today = TODAY + timedelta(days=16)
    with program.session() as session:
        sits = session.scalars(
            select(HOLDER.c.person_id).where(
                HOLDER.c.kind == "principal",
                HOLDER.c.withdrawn_at.is_(None),
                HOLDER.c.starts_on <= today,
                HOLDER.c.ends_on.is_(None) | (HOLDER.c.ends_on >= today),
                HOLDER.c.person_id.in_([who, program.people["deputy"]]),
            )
        ).all()
        found = after_all.after_all(session, case_id, after)
        assert found is not None
        others = found.seats
    assert sits == [program.people["deputy"] if taken else who]
    assert [one.holder_id for one in others] == ([program.people["deputy"]] if taken else [])
    page = client_for(program.database, program.people["coordinator"], at=after).get(f"/departures/{case_id}").text
    assert ("Not returned" in page) is taken


def test_a_seat_that_begins_with_a_return_agreed_before_outlives_the_last_day(program: Cast) -> None:
    """And nobody is asked to whom it passes; the one that they have until then ends."""
    place, who, first = program.organizations["en-marge"], program.people["manager_em"], LAST_DAY + timedelta(days=60)
    with program.session() as session:
        seat_somebody(session, "steering", place, who)
    case_id = leave(program, "manager_em", "en-marge")
    come_back(program, "manager_em", "en-marge", starts_on=first, role="manager")
    settle(program, asked(program, case_id, "pass_on_seats")[0].id, ended="left_vacant", note="Until they are back")
    after = AT + timedelta(days=15)
    with program.session() as session:
        seat_somebody(session, "steering", place, who, starts_on=first)
        ending.end_departure(session, *current.due_to_end(session, after), by=LOADING, at=after)
        gathering.gather(session, case_id, by=LOADING, at=after)
        rows = session.execute(
            select(HOLDER.c.starts_on, HOLDER.c.ends_on, HOLDER.c.withdrawn_at)
            .where(HOLDER.c.person_id == who)
            .order_by(HOLDER.c.starts_on)
        ).all()
    assert rows == [(TODAY - timedelta(days=300), LAST_DAY, None), (first, None, None)]
    assert [row.state for row in asked(program, case_id, "pass_on_seats")] == ["done"], "nothing is asked of the new"


def test_a_seat_given_from_a_return_on_outlives_the_last_day_though_the_one_of_before_still_runs(program: Cast) -> None:
    """The one of before has those days too, until their departure ends it."""
    place, who, first = program.organizations["en-marge"], program.people["manager_em"], LAST_DAY + timedelta(days=60)
    with program.session() as session:
        seat_somebody(session, "steering", place, who)
    leave(program, "manager_em", "en-marge")
    come_back(program, "manager_em", "en-marge", starts_on=first, role="manager")
    after = AT + timedelta(days=15)
    with program.session() as session:
        seat_id = seat_somebody(session, "steering", place, who, starts_on=first)
        seat_somebody(session, "steering", place, who, starts_on=first)
        ending.end_departure(session, *current.due_to_end(session, after), by=LOADING, at=after)
        rows = session.execute(
            select(HOLDER.c.starts_on, HOLDER.c.ends_on, HOLDER.c.withdrawn_at)
            .where(HOLDER.c.person_id == who, HOLDER.c.seat_id == seat_id)
            .order_by(HOLDER.c.starts_on)
        ).all()
    assert rows == [(TODAY - timedelta(days=300), LAST_DAY, None), (first, None, None)], "given twice, it is there once"


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("planned", [True, False])
def test_who_came_back_leaves_a_second_time_while_their_first_departure_still_waits_for_a_thing(
    program: Cast, planned: bool
) -> None:
    with program.session() as session:
        lend(session, program.people["manager_em"], "SN-1")
    first = leave(program, "manager_em", "en-marge", last_day=TODAY, planned=False)
    come_back(program, "manager_em", "en-marge", starts_on=BACK, role="manager")
    given_anew(program, "manager_em", "en-marge")
    last_day = LATER.date() + timedelta(days=5 if planned else 0)
    again = leave(program, "manager_em", "en-marge", last_day=last_day, planned=planned, at=LATER)
    for planned_again in (True, False):
        with refused("case.already_open"):
            leave(program, "manager_em", "en-marge", last_day=LATER.date(), planned=planned_again, at=LATER)
    after = LATER + timedelta(days=6)
    with program.session() as session:
        for due in current.due_to_end(session, after):
            ending.end_departure(session, due, by=LOADING, at=after)
        gathering.gather(session, first, by=LOADING, at=after)
        still_in = SIGN_IN.c.person_id == program.people["manager_em"], SIGN_IN.c.ended_at.is_(None)
        assert session.scalars(select(SIGN_IN.c.id).where(*still_in)).all() == []
        assert unopened.due_to_open(session, after) == current.to_move(session) == []
        assert program.people["manager_em"] not in standing(session, after.date()).live
    assert left(program, first, after) == ["Manager, En Marge 12-17", "Program cell phone, serial number SN-1"]
    both = [f"Program cell phone, serial number SN-{n}" for n in (1, 2)]
    assert set(left(program, again, after)) >= {"Manager, En Marge 12-17", "Secure network, user name anew", *both}
    assert len(asked(program, again, "pass_on_seats")) == 1
    (phone,) = asked(program, first, "return_equipment")
    settle(program, phone.id, ended="returned", note="Fine", at=after)
    assert both[0] not in left(program, again, after), "it is returned once"


def test_the_leaver_does_not_say_themselves_that_they_have_gone(program: Cast) -> None:
    with refused("departure.gone_and_here"):
        leave(program, "worker_codim", "codim", last_day=TODAY, planned=False, by=program.actor("worker_codim"))


@pytest.mark.parametrize("planned", [True, False])
def test_nobodys_last_day_is_later_than_the_last_day_of_all_their_roles(program: Cast, planned: bool) -> None:
    """Planned for longer than they hold anything, or opened by hand some days after they left."""
    ends_on = TODAY + timedelta(days=4 if planned else -4)
    with program.session() as session:
        (held,) = standing(session, TODAY).roles_of(program.people["worker_codim"])
        people.end_tenure(session, held.id, ends_on=ends_on, by=program.actor("coordinator"), at=AT)
    case_id = leave(program, "worker_codim", "codim", last_day=LAST_DAY if planned else TODAY, planned=planned)
    with program.session() as session:
        departure = departure_row.departure_of(session, case_id)
    assert departure is not None
    assert departure.last_day == ends_on


@pytest.mark.ci
def test_whoever_has_gone_already_never_takes_up_the_role_that_they_were_to_hold_later(program: Cast) -> None:
    """It is asked who takes it up instead; and whoever stays after all has it as before."""
    first = TODAY + timedelta(days=9)
    given_another_role(program, starts_on=first)
    with refused("departure.role_to_come"):
        leave(program, "manager_codim", "codim", last_day=TODAY)
    who = program.people["manager_codim"]
    with program.session() as session:
        sign_ins.begin(session, who, means="passkey", device="", at=AT)
    case_id = leave(program, "manager_codim", "codim", last_day=TODAY, planned=False)
    with program.session() as session:
        assert session.scalars(select(SIGN_IN.c.ended_at).where(SIGN_IN.c.person_id == who)).all() == [AT]
        assert all(who not in standing(session, first + timedelta(days=days)).live for days in (-1, 0, 1))
        departure = departure_row.departure_of(session, case_id)
        assert departure is not None
        assert (departure.last_day, departure.ended_at) == (TODAY - timedelta(days=1), AT)
        assert current.to_move(session) == unopened.due_to_open(session, AT) == []
    asking = asked(program, case_id, "find_successor")
    assert [row.title_en.partition(": ")[2] for row in asking] == ["Manager, CODIM", "Youth worker, CODIM"]
    settle(program, asking[1].id, to="manager_em")
    assert ("youth_worker", None) in roles(program, "manager_em")
    with program.session() as session:
        calling_off.call_off(session, case_id, by=LOADING, at=AT)
        assert {one.role for one in standing(session, first).roles_of(who)} == {"manager", "youth_worker"}


def test_whoever_leaves_and_is_to_come_back_keeps_the_role_to_which_they_do_whichever_was_written_first(
    program: Cast,
) -> None:
    """Where what they hold is over before: else the day may be wrong, and somebody is asked."""
    last_day, first = TODAY + timedelta(days=9), TODAY + timedelta(days=40)
    by, who = program.actor("coordinator"), program.people["manager_codim"]
    with program.session() as session:
        (held,) = standing(session, TODAY).roles_of(who)
        people.end_tenure(session, held.id, ends_on=last_day, by=by, at=AT)
    come_back(program, "manager_codim", "codim", starts_on=first, role="manager")
    with refused("departure.role_to_come"):
        leave(program, "manager_codim", "codim", last_day=last_day - timedelta(days=1))
    case_id = leave(program, "manager_codim", "codim", last_day=last_day + timedelta(days=3))
    after = AT + timedelta(days=10)
    with program.session() as session:
        departure = departure_row.departure_of(session, case_id)
        assert departure is not None
        assert departure.last_day == last_day, "when the last of what they hold is over"
        assert current.due_to_end(session, after) == [departure.id]
        ending.end_departure(session, departure.id, by=LOADING, at=after)
        assert current.to_move(session) == unopened.due_to_open(session, after) == []
        assert [one.role for one in standing(session, first).roles_of(who)] == ["manager"]
        assert standing(session, first - timedelta(days=1)).roles_of(who) == []
    (asking,) = asked(program, case_id, "find_successor")
    assert asking.state == "open"


@pytest.mark.parametrize(("role_from", "planned"), [(0, False), (3, False), (3, True)])
def test_whoever_was_to_begin_and_does_not_come_is_let_in_on_no_day(
    program: Cast, role_from: int, planned: bool
) -> None:
    """Who holds nothing yet there, or since this morning: gone already, or saying so before their first day."""
    with program.session() as session:
        people.appoint(
            session,
            person_id=program.people["specialist"],
            role="youth_worker",
            organization_id=program.organizations["anonyme"],
            starts_on=TODAY + timedelta(days=role_from),
            by=program.actor("coordinator"),
            at=AT,
        )
    case_id = leave(program, "specialist", "anonyme", last_day=TODAY, planned=planned)
    with program.session() as session:
        for days in (0, role_from, role_from + 1):
            held = standing(session, TODAY + timedelta(days=days)).roles_of(program.people["specialist"])
            assert [one.role for one in held] == ["specialized_resource"]
    assert len(asked(program, case_id, "find_successor")) == 1


def test_a_role_of_one_holder_that_never_began_keeps_nobody_else_from_it(program: Cast) -> None:
    first = TODAY + timedelta(days=9)
    with program.session() as session:
        (held,) = standing(session, TODAY).roles_of(program.people["manager_codim"])
        people.end_tenure(session, held.id, ends_on=first - timedelta(days=1), by=program.actor("coordinator"), at=AT)
    come_back(program, "specialist", "codim", starts_on=first, role="manager")
    case_id = leave(program, "specialist", "codim", last_day=TODAY, planned=False)
    come_back(program, "deputy", "codim", starts_on=first, role="manager")

    def managers(session: Session) -> list[UUID]:
        found = standing(session, first).holding("manager", program.organizations["codim"])
        return [one.person_id for one in found]

    with program.session() as session:
        assert managers(session) == [program.people["deputy"]]
        calling_off.call_off(session, case_id, by=LOADING, at=AT)
        assert managers(session) == [program.people["deputy"]], "a person sees who holds it; on no day do two"


def test_whoever_stays_after_all_holds_a_role_of_one_holder_alone_again(program: Cast) -> None:
    first = TODAY + timedelta(days=9)
    with program.session() as session:
        (held,) = standing(session, TODAY).roles_of(program.people["manager_codim"])
        people.end_tenure(session, held.id, ends_on=TODAY + timedelta(days=5), by=program.actor("coordinator"), at=AT)
    come_back(program, "specialist", "codim", starts_on=first, role="manager")
    case_id = leave(program, "specialist", "codim", last_day=TODAY, planned=False)
    given = come_back(program, "deputy", "codim", starts_on=first - timedelta(days=2), role="manager")
    with program.session() as session:
        by = program.actor("coordinator")
        people.end_tenure(session, given, ends_on=first - timedelta(days=1), by=by, at=AT)
        calling_off.call_off(session, case_id, by=LOADING, at=AT)
    with refused("tenure.one_holder"):
        come_back(program, "deputy", "codim", starts_on=first, role="manager")


@pytest.mark.ci
@pytest.mark.parametrize("days_later", [0, -3])
def test_whoever_did_not_come_and_is_appointed_again_for_that_day_holds_the_role_on_it(
    following: Cast, days_later: int
) -> None:
    first = TODAY + timedelta(days=9)
    again = first + timedelta(days=days_later)
    come_back(following, "specialist", "anonyme", starts_on=first, role="youth_worker")
    case_id = leave(following, "specialist", "anonyme", last_day=TODAY, planned=False)
    who, place = following.people["specialist"], following.organizations["anonyme"]
    with following.session() as session:
        with refused("case.no_tenure"):
            tenure_of(session, who, place)
        welcome = hiring.take_on(
            session,
            who,
            "youth_worker",
            place,
            starts_on=again,
            recruited=True,
            by=following.actor("coordinator"),
            at=AT,
        )
        assert welcome is not None
        for day in (again, first, first + timedelta(days=30)):
            assert "youth_worker" in {one.role for one in standing(session, day).roles_of(who)}
        gathering.gather(session, case_id, by=LOADING, at=AT)
        calling_off.call_off(session, case_id, by=LOADING, at=AT)
        assert tenure_of(session, who, place).starts_on == again
    assert [row.state for row in asked(following, case_id, "find_successor")] == ["done"], "nobody follows in it"


def test_a_role_that_never_began_is_nobodys_where_the_agreement_counts_who_holds_it(following: Cast) -> None:
    first = TODAY + timedelta(days=9)
    place = following.organizations["en-marge"]
    with following.session() as session:
        (held,) = standing(session, TODAY).roles_of(following.people["director_em"])
        people.end_tenure(session, held.id, ends_on=TODAY, by=following.actor("coordinator"), at=AT)
    come_back(following, "specialist", "en-marge", starts_on=first, role="director")
    leave(following, "specialist", "en-marge", last_day=TODAY, planned=False)
    with following.session() as session:
        assert agreements.directors_on(session, place, first) == set()
        assert posts.director_on(session, place, first, {following.people["specialist"]: "Nacre Étain"}) == ""
        version = agreements.version_in_force(session, place, TODAY)
        assert version is not None
        created = (CREATED.c.agreement_version_id == version.id, CREATED.c.role == "director")
        session.execute(update(CREATED).where(*created).values(role="it_contact"))
        left_over = agreements.roles_left(session, version.id, first)
        assert following.people["specialist"] not in {row.person_id for row in left_over}


@pytest.mark.ci
def test_a_role_that_never_began_keeps_a_program_from_giving_it_one_holder_at_a_time_no_more(program: Cast) -> None:
    first = TODAY + timedelta(days=9)
    come_back(program, "specialist", "en-marge", starts_on=first, role="second_representative")
    title = "en: Second representative}}"
    alone = edited((title, title.replace("}}", "}, single_holder: true}")))
    with program.session() as session, pytest.raises(Refusal, match=r"role\.several_hold"):
        load(session, alone, [], by=LOADING, at=AT)
    leave(program, "specialist", "en-marge", last_day=TODAY, planned=False)
    with program.session() as session:
        load(session, alone, [], by=LOADING, at=AT)
        held = select(TENURE.c.person_id).where(TENURE.c.role == "second_representative", ~TENURE.c.single_holder)
        assert session.scalars(held).all() == [program.people["specialist"]]


def given_another_role(cast: Cast, *, starts_on: date, at: datetime = AT) -> None:
    """The manager of CODIM is to accompany participants there too."""
    with cast.session() as session:
        people.appoint(
            session,
            person_id=cast.people["manager_codim"],
            role="youth_worker",
            organization_id=cast.organizations["codim"],
            starts_on=starts_on,
            by=cast.actor("coordinator"),
            at=at,
        )


def test_whoever_leaves_is_given_no_role_there_that_would_outlast_their_departure(program: Cast) -> None:
    leave(program, "manager_codim", "codim", last_day=TODAY + timedelta(days=9))
    for days in (0, 9):
        with refused("tenure.leaves_meanwhile"):
            given_another_role(program, starts_on=TODAY + timedelta(days=days))
    given_another_role(program, starts_on=TODAY + timedelta(days=10))


@pytest.mark.ci
def test_of_a_role_that_ends_before_the_last_day_it_is_asked_all_the_same_who_follows(program: Cast) -> None:
    given_another_role(program, starts_on=TODAY)
    case_id = leave(program, "manager_codim", "codim")
    with program.session() as session:
        held = {one.role: one.id for one in standing(session, TODAY).roles_of(program.people["manager_codim"])}
        sooner, by = TODAY + timedelta(days=3), program.actor("coordinator")
        people.end_tenure(session, held["youth_worker"], ends_on=sooner, by=by, at=AT)
        gathering.gather(session, case_id, by=LOADING, at=AT + timedelta(days=5))
    _, asking = asked(program, case_id, "find_successor")
    assert asking.state == "open"
    assert "Youth worker, CODIM" in left(program, case_id, AT + timedelta(days=5))
    settle(program, asking.id, to="manager_em")
    with program.session() as session:
        days = [standing(session, sooner + timedelta(days=one)).holding("youth_worker") for one in (0, 1)]
    follows = program.people["manager_em"]
    assert [follows in [held.person_id for held in found] for found in days] == [False, True]


@pytest.mark.ci
def test_a_role_given_to_somebody_who_was_to_stay_ends_once_they_leave_after_all(program: Cast) -> None:
    last_day, by = TODAY + timedelta(days=9), program.actor("coordinator")
    case_id = leave(program, "manager_codim", "codim", last_day=last_day)
    with program.session() as session:
        cases.cancel_case(session, case_id, by=by, at=AT, reason="Stays")
        calling_off.call_off(session, case_id, by=LOADING, at=AT)
    given_another_role(program, starts_on=TODAY)
    with program.session() as session:
        taking_up_again.take_up_again(session, case_id, by=by, at=AT)
    assert roles(program, "manager_codim") == [("manager", last_day), ("youth_worker", last_day)]
    with program.session() as session:
        calling_off.call_off(session, case_id, by=LOADING, at=AT)
    assert roles(program, "manager_codim") == [("manager", None), ("youth_worker", None)]


@pytest.mark.ci
def test_what_was_given_while_they_were_to_stay_ends_too_where_they_have_gone_after_all(program: Cast) -> None:
    case_id = leave(program, "manager_codim", "codim", last_day=TODAY, planned=False)
    with program.session() as session:
        calling_off.call_off(session, case_id, by=LOADING, at=AT)
    given_another_role(program, starts_on=TODAY + timedelta(days=3), at=AT)
    with program.session() as session:
        taking_up_again.take_up_again(session, case_id, by=program.actor("coordinator"), at=AT + timedelta(days=5))
    ended = dict(roles(program, "manager_codim"))
    assert ended["youth_worker"] == ended["manager"] == TODAY + timedelta(days=4)


@pytest.mark.ci
def test_whoever_is_on_holiday_until_their_last_day_leaves_all_the_same_what_a_deputy_does_meanwhile(
    program: Cast,
) -> None:
    """A deputy has it until they are back, which they will not be."""
    case_id = open_onboarding(program)
    there = leave(program, "manager_em", "en-marge")
    before = [kind for kind, _ in in_hand(program, "manager_em", "en-marge")]
    assert "task" in before
    with program.session() as session:
        absences.record_absence(
            session,
            person_id=program.people["manager_em"],
            starts_on=TODAY,
            ends_on=LAST_DAY,
            deputy_id=program.people["deputy"],
            by=program.actor("coordinator"),
            at=AT,
        )
    assert [kind for kind, _ in in_hand(program, "manager_em", "en-marge")] == before
    carry_all(means_of(program, lambda: AT))
    with program.session() as session:
        rows = every(session, of(Task).where(Task.case_id == there, Task.holding != ""))
    assert case_id != there
    assert {row.state for row in rows if row.holding in ("task", "approval")} == {"open"}


def falls_to(cast: Cast, role: str, place: str, *, at: datetime) -> UUID:
    """A new task of whoever holds a role there, as a committee's decision opens one."""
    with cast.session() as session:
        return outside.assign(
            session,
            "decision",
            "CD-2026-001",
            title_fr="Décision",
            title_en="Decision",
            chain=[Link(role, str(cast.organizations[place]))],
            due_on=TODAY + timedelta(days=60),
            by=cast.actor("coordinator"),
            at=at,
        )


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("follows", ["deputy", "manager_em", ""])
def test_once_the_last_day_is_over_a_new_task_of_the_role_is_the_successors_and_asked_of_no_leaver(
    program: Cast, follows: str
) -> None:
    """Also where they come back to it themselves; where nobody follows yet, the list has it until somebody does."""
    case_id = leave(program, "manager_em", "en-marge")
    before = falls_to(program, "manager", "en-marge", at=AT)
    (role,) = asked(program, case_id, "find_successor")
    if follows == "deputy":
        settle(program, role.id, to=follows)
    gone = AT + timedelta(days=20)
    with program.session() as session:
        gathering.gather(session, case_id, by=LOADING, at=AT)
        (due,) = current.due_to_end(session, gone)
        ending.end_departure(session, due, by=LOADING, at=gone)
        if follows == "manager_em":
            people.appoint(
                session,
                person_id=program.people[follows],
                role="manager",
                organization_id=program.organizations["en-marge"],
                starts_on=gone.date(),
                by=program.actor("coordinator"),
                at=gone,
            )
    since = falls_to(program, "manager", "en-marge", at=gone)
    with program.session() as session:
        gathering.gather(session, case_id, by=LOADING, at=gone)
    states = {row.item: row.state for row in asked(program, case_id, "pass_on_tasks")}
    assert states.get(before.hex) == ("done" if follows else "open"), "what was left to the role goes to them too"
    assert states.get(since.hex) == (None if follows else "open")
    assert ("Decision" in left(program, case_id, gone)) is not bool(follows)


def called_off(cast: Cast, case_id: UUID, *, at: datetime) -> None:
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("manager_ccsmtl"), at=at, reason="Stays")


def taken_up_again(cast: Cast, case_id: UUID, *, at: datetime) -> None:
    with cast.session() as session:
        cases.reopen_case(session, case_id, by=cast.actor("coordinator"), at=at, reason="Leaves all the same")
        taking_up_again.take_up_again(session, case_id, by=LOADING, at=at)
        gathering.gather(session, case_id, by=LOADING, at=at)


@pytest.mark.ci
def test_what_came_back_to_who_stayed_is_asked_for_anew_when_their_departure_is_taken_up_again(program: Cast) -> None:
    task_id = falls_to(program, "coordinator", "ccsmtl", at=AT)
    by = program.actor("manager_ccsmtl")
    case_id = leave(program, "coordinator", "ccsmtl", by=by)

    def asking() -> Task:
        (row,) = [row for row in asked(program, case_id, "pass_on_tasks") if row.item == task_id.hex]
        return row

    def found(at: datetime) -> tuple[str, bool]:
        return asking().state, "Decision" in left(program, case_id, at)

    hours = [AT + timedelta(hours=n) for n in range(5)]
    settle(program, asking().id, to="director_ccsmtl", by=by, at=hours[0])
    called_off(program, case_id, at=hours[1])
    leave(program, "director_ccsmtl", "ccsmtl", last_day=TODAY, planned=False, by=by, at=hours[2])
    taken_up_again(program, case_id, at=hours[3])
    assert found(hours[3]) == ("open", True), "it came back to them when whoever had it left"
    settle(program, asking().id, to="manager_ccsmtl", by=by, at=hours[4])
    with program.session() as session:
        gathering.gather(session, case_id, by=LOADING, at=hours[4])
    assert found(hours[4]) == ("done", False)


@pytest.mark.ci
def test_what_was_settled_and_did_not_come_back_is_not_asked_for_anew(program: Cast) -> None:
    """Who follows in the role, and who deputizes after the last day: both are settled for that day, and hold."""
    with program.session() as session:
        absences.record_absence(
            session,
            person_id=program.people["worker_em"],
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=60),
            deputy_id=program.people["manager_em"],
            by=program.actor("coordinator"),
            at=AT,
        )
        seat_somebody(session, "steering", program.organizations["en-marge"], program.people["manager_em"])
    # They go on in this role: else it is not cancelled while somebody else is appointed to theirs.
    come_back(program, "manager_em", "en-marge", role="second_representative", starts_on=TODAY - timedelta(days=9))
    case_id = leave(program, "manager_em", "en-marge")
    steps = ("find_successor", "pass_on_deputizing", "pass_on_seats")
    settled = {step: asked(program, case_id, step)[0].id for step in steps}
    for task_id in settled.values():
        settle(program, task_id, to="deputy")
    called_off(program, case_id, at=AT + timedelta(hours=1))
    taken_up_again(program, case_id, at=AT + timedelta(hours=2))
    rows = [row for step in steps for row in asked(program, case_id, step) if row.id == settled[step]]
    assert [row.state for row in rows] == ["done"] * 3


@pytest.mark.ci
def test_an_account_that_stayed_open_is_asked_for_anew(program: Cast) -> None:
    with program.session() as session:
        open_account(session, program.people["worker_codim"], "g.schist")
    case_id = leave(program, "worker_codim", "codim")
    settle(program, asked(program, case_id, "close_accounts")[0].id, ended="closed")
    called_off(program, case_id, at=AT + timedelta(hours=1))
    taken_up_again(program, case_id, at=AT + timedelta(hours=2))
    assert [row.state for row in asked(program, case_id, "close_accounts")] == ["open"]
