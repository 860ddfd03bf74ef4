"""Departures: what somebody leaves is asked for once each, nothing is lost, and nobody is done with a thing in hand."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.access import sign_ins
from domain.casework import acts, assigning, board, cases, tasks, versions
from domain.casework.locking import hold_case
from domain.declarations.checks.records import Records
from domain.declarations.checks.tasks import TasksRule
from domain.declarations.protocol import Protocol
from domain.declared.reading import load_declared_text
from domain.departure import (
    accounts,
    calling_off,
    current,
    departures,
    ending,
    gathering,
    recruiting,
    settling,
    successors,
)
from domain.kernel.actors import ENGINE, Actor
from domain.kernel.rows import col, every, of
from domain.obligations.clauses import owed
from domain.people import absences, people, seat_holders
from domain.roles.roles import standing
from flows.departing import look_at_hands
from meetings import feeds, schedule
from models.base import table_of
from models.casework import Case, Link, Task, read_links
from models.committee import SeatHolder
from models.departure import Departure, Settlement
from models.program import Absence, Person
from models.record import Event
from tests.api.application import client_for
from tests.casework import complete, open_onboarding, step, verbs
from tests.cast import AT, LOADING, TODAY, Cast, onboarding
from tests.departing import (
    CASE,
    HOLDER,
    LAST_DAY,
    TASK,
    asked,
    in_hand,
    leave,
    left,
    lend,
    open_account,
    record_protocols,
    roles,
    seat_somebody,
    settle,
    until_somebody_waits,
)
from tests.flows.support import means_of
from tests.following import agreed
from tests.meetings.agenda_application import FIRST, decided, meeting
from tests.meetings.sitting import give, seat_everyone
from tests.refusing import refused

AFTER = AT + timedelta(days=15)
SETTLEMENT, DEPARTURE, ABSENCE = table_of(Settlement), table_of(Departure), table_of(Absence)
PERSON, EVENT = table_of(Person), table_of(Event)


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    return cast


# Holdings.


def test_what_somebody_holds_is_computed_from_the_records(program: Cast) -> None:
    case_id = open_onboarding(program)
    with program.session() as session:
        lend(session, program.people["manager_em"], "SN-1")
        open_account(session, program.people["manager_em"], "p.obsidienne")
        seat_somebody(session, "steering", program.organizations["en-marge"], program.people["manager_em"])
        lend(session, program.people["manager_la"], "SN-2")
        absences.record_absence(
            session,
            person_id=program.people["worker_ccsmtl"],
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=30),
            deputy_id=program.people["manager_em"],
            by=program.actor("coordinator"),
            at=AT,
        )
    found = in_hand(program, "manager_em", "en-marge")
    assert [kind for kind, _ in found if kind != "task"] == ["tenure", "seat", "deputizing", "equipment", "account"]
    assert ("equipment", "Program cell phone, serial number SN-1") in found
    assert ("account", "Secure network, user name p.obsidienne") in found
    assert ("tenure", "Manager, En Marge 12-17") in found
    assert ("task", "Welcome the person in their organization and agree on supervision") in found
    assert not [words for _, words in found if "SN-2" in words], "another's"
    with program.session() as session:
        assert verbs(session, case_id)


def test_what_is_the_persons_own_stays_with_who_holds_something_elsewhere(program: Cast) -> None:
    with program.session() as session:
        lend(session, program.people["manager_two"], "SN-1")
    assert "equipment" not in dict(in_hand(program, "manager_two", "spvm"))
    assert "equipment" in dict(in_hand(program, "manager_two", None))


def test_a_decision_is_in_the_hands_of_whoever_is_to_carry_it_out(program: Cast) -> None:
    with program.session() as session:
        seat_everyone(session, program)
        by = program.actor("coordinator")
        schedule.plan_season(session, "clinical", first=FIRST, last=FIRST, hour=time(9, 30), by=by, at=AT)
        decided(session, program, meeting(session, FIRST), "CC-2026-900", due_on=TODAY + timedelta(days=9))
    decisions = [words for kind, words in in_hand(program, "coordinator", "ccsmtl") if kind == "decision"]
    assert [words.partition(":")[0] for words in decisions] == ["CC-2026-900"]
    assert "decision" not in dict(in_hand(program, "manager_em", "en-marge"))


def test_every_way_in_and_every_private_address_is_in_hand_until_it_ends(program: Cast) -> None:
    who = program.people["worker_codim"]
    with program.session() as session:
        for _ in range(2):
            sign_ins.begin(session, who, means="passkey", device="", at=AT)
        feeds.make(session, who, by=program.actor("worker_codim"), at=AT)
        sign_ins.begin(session, program.people["worker_ccsmtl"], means="passkey", device="", at=AT)
    open_doors = ["Sign-ins: 2", "Private calendar addresses: 1"]
    assert [words for kind, words in in_hand(program, "worker_codim", "codim") if kind == "access"] == open_doors
    leave(program, "worker_codim", "codim", planned=False, last_day=TODAY)
    assert "access" not in dict(in_hand(program, "worker_codim", "codim"))


# Opening.


def test_opening_a_departure_ends_the_roles_on_the_last_day_and_asks_for_each_thing(program: Cast) -> None:
    with program.session() as session:
        lend(session, program.people["worker_codim"], "SN-1")
        lend(session, program.people["worker_codim"], "SN-2")
        open_account(session, program.people["worker_codim"], "g.schist")
    case_id = leave(program, "worker_codim", "codim")
    assert roles(program, "worker_codim") == [("youth_worker", LAST_DAY)]
    assert [row.title_en for row in asked(program, case_id, "return_equipment")] == [
        "Take back the equipment: Program cell phone, serial number SN-1",
        "Take back the equipment: Program cell phone, serial number SN-2",
    ]
    assert len(asked(program, case_id, "hand_over_credentials")) == 1
    assert len(asked(program, case_id, "close_accounts")) == 1
    assert {row.state for row in asked(program, case_id, "return_equipment")} == {"open"}


@pytest.mark.parametrize(
    ("who", "place"),
    [("manager_em", "en-marge"), ("coordinator", "ccsmtl"), ("police", "spvm"), ("deputy", "en-marge")],
)
def test_anyone_leaves_by_the_same_protocol(program: Cast, who: str, place: str) -> None:
    case_id = leave(program, who, place)
    assert [row.state for row in asked(program, case_id, "find_successor")] == ["open"]


def test_a_planned_departure_has_its_last_day_today_at_the_soonest(program: Cast) -> None:
    with refused("departure.day_is_past"):
        leave(program, "worker_codim", "codim", last_day=TODAY - timedelta(days=1))
    assert roles(program, "worker_codim") == [("youth_worker", None)]


def test_who_has_gone_already_did_not_go_tomorrow(program: Cast) -> None:
    with refused("departure.day_to_come"):
        leave(program, "worker_codim", "codim", last_day=TODAY + timedelta(days=1), planned=False)


def test_nobody_leaves_where_they_hold_nothing_and_nobody_leaves_twice(program: Cast) -> None:
    with refused("departure.no_role"):
        leave(program, "worker_codim", "spvm")
    leave(program, "worker_codim", "codim")
    with refused("case.already_open"):
        leave(program, "worker_codim", "codim")


def test_a_departure_is_opened_by_its_own_door_alone(program: Cast) -> None:
    """A side path would skip what opening does: trap 4."""
    with program.session() as session, refused("departure.by_its_own_door"):
        cases.open_case(
            session,
            "departure",
            subject_id=program.people["worker_codim"],
            organization_id=program.organizations["codim"],
            by=program.actor("coordinator"),
            at=AT,
        )


def test_of_who_has_gone_already_everything_ends_at_once(program: Cast) -> None:
    case_id = leave(program, "worker_codim", "codim", last_day=TODAY, planned=False)
    assert roles(program, "worker_codim") == [("youth_worker", TODAY - timedelta(days=1))]
    with program.session() as session:
        found = every(session, of(Departure))
        assert [row.ended_at for row in found] == [AT]
        assert program.people["worker_codim"] not in standing(session, TODAY).live
        task = step(session, case_id, "return_material", "books")
        links = session.execute(
            text("select links from responsibility where id = :id"), {"id": task["owed_by_id"]}
        ).scalar_one()
        falls = standing(session, TODAY).falls(read_links(links))
        assert [one.person_id for one in falls.holders] == [program.people["manager_codim"]]


# What arrives in the meantime.


@pytest.mark.ci
def test_what_reaches_the_leaver_in_the_meantime_joins_and_nothing_is_asked_twice(program: Cast) -> None:
    case_id = leave(program, "worker_codim", "codim")
    assert asked(program, case_id, "return_equipment") == []
    with program.session() as session:
        lend(session, program.people["worker_codim"], "SN-9")
    for joined in (1, 0):
        with program.session() as session:
            found = gathering.gather(session, case_id, by=program.actor("coordinator"), at=AT)
        assert found == joined
    assert [row.state for row in asked(program, case_id, "return_equipment")] == ["open"]
    with program.session() as session:
        waiting = step(session, case_id, "confirm_nothing_left")
        assert waiting["state"] == "planned"


@pytest.mark.ci
def test_a_task_that_the_leaver_still_finishes_is_settled_by_itself(program: Cast) -> None:
    open_onboarding(program)
    case_id = leave(program, "manager_em", "en-marge")
    (one, *_) = [row for row in asked(program, case_id, "pass_on_tasks") if "Welcome" in row.title_en]
    with program.session() as session:
        tasks.complete_task(session, UUID(one.item), by=program.actor("manager_em"), at=AT)
    with program.session() as session:
        gathering.gather(session, case_id, by=program.actor("coordinator"), at=AT)
        kept = every(session, of(Settlement).where(Settlement.task_id == one.id))
    assert [row.ended_as for row in kept] == ["by_itself"]


@pytest.mark.ci
def test_what_was_out_of_the_leavers_hands_and_comes_back_into_them_is_asked_for_again(program: Cast) -> None:
    """An approval that they sent back, and that is handed in once more before their last day."""
    by, leaver = program.actor("coordinator"), program.actor("manager_em")
    onboarding_id = open_onboarding(program)
    complete(program, onboarding_id, "request_secure_access", by=by)
    case_id = leave(program, "manager_em", "en-marge")
    approval = dict(in_hand(program, "manager_em", "en-marge"))["approval"]

    def gathered() -> tuple[int, list[str]]:
        with program.session() as session:
            count = gathering.gather(session, case_id, by=LOADING, at=AT)
        return count, [row.state for row in asked(program, case_id, "pass_on_approvals")]

    (row,) = asked(program, case_id, "pass_on_approvals")
    with program.session() as session:
        tasks.reject_task(session, UUID(row.item), by=leaver, at=AT, reason="Say for which files")
    assert gathered() == (1, ["done"])
    complete(program, onboarding_id, "request_secure_access", by=by)
    assert approval in left(program, case_id)
    assert gathered() == (1, ["open"])
    assert gathered() == (0, ["open"])
    settle(program, row.id, to="deputy")
    assert gathered() == (0, ["done"])
    assert approval not in left(program, case_id)


# Settling.


@pytest.mark.ci
def test_a_task_that_was_passed_on_stays_the_successors_when_its_case_takes_a_new_version(program: Cast) -> None:
    onboarding_id = open_onboarding(program)
    case_id = leave(program, "manager_em", "en-marge")
    (one, *_) = asked(program, case_id, "pass_on_tasks")
    settle(program, one.id, to="deputy")
    newer = load_declared_text(onboarding().text.replace("\nversion: 2\n", "\nversion: 9\n"), "newer.yaml", Protocol)
    with program.session() as session:
        passed_on = UUID(one.item)
        before = session.execute(select(TASK.c.step, TASK.c.owed_by_id).where(TASK.c.id == passed_on)).one()
        kept = versions.record_protocol(session, newer, by=LOADING, at=AT)
        versions.take_version(session, onboarding_id, kept.id, by=program.actor("coordinator"), at=AT)
        after = step(session, onboarding_id, before.step)
        assert (after["owed_by_id"], after["declared_owed_by_id"]) == (before.owed_by_id, before.owed_by_id)


@pytest.mark.ci
def test_a_task_is_the_successors_from_the_moment_it_is_passed_on(program: Cast) -> None:
    open_onboarding(program)
    case_id = leave(program, "manager_em", "en-marge")
    (one, *_) = asked(program, case_id, "pass_on_tasks")
    settle(program, one.id, to="deputy")
    with program.session() as session:
        links = session.execute(
            text("select r.links from task t join responsibility r on r.id = t.owed_by_id where t.id = :id"),
            {"id": UUID(one.item)},
        ).scalar_one()
        falls = standing(session, TODAY).falls(read_links(links))
    assert [holder.person_id for holder in falls.holders] == [program.people["deputy"]]
    assert [row.state for row in asked(program, case_id, "pass_on_tasks") if row.id == one.id] == ["done"]


def test_a_step_that_settles_a_thing_is_not_done_by_saying_so(program: Cast) -> None:
    with program.session() as session:
        lend(session, program.people["worker_codim"], "SN-1")
    case_id = leave(program, "worker_codim", "codim")
    (one,) = asked(program, case_id, "return_equipment")
    with program.session() as session, refused("holding.not_settled"):
        tasks.complete_task(session, one.id, by=program.actor("officer"), at=AT)


@pytest.mark.ci
def test_a_seat_goes_to_the_successor_the_day_after_and_only_to_who_may_have_it(program: Cast) -> None:
    with program.session() as session:
        seat_somebody(session, "steering", program.organizations["en-marge"], program.people["manager_em"])
    case_id = leave(program, "manager_em", "en-marge")
    (one,) = asked(program, case_id, "pass_on_seats")
    with refused("successor.not_for_the_seat"):
        settle(program, one.id, to="manager_codim")
    settle(program, one.id, to="deputy")
    with program.session() as session:
        rows = session.execute(select(HOLDER.c.person_id, HOLDER.c.starts_on, HOLDER.c.ends_on)).all()
    held = {row.person_id: (row.starts_on, row.ends_on) for row in rows}
    assert held[program.people["manager_em"]][1] == LAST_DAY
    assert held[program.people["deputy"]] == (LAST_DAY + timedelta(days=1), None)


def test_a_seat_that_nobody_takes_passes_to_the_second_representative_meanwhile(program: Cast) -> None:
    with program.session() as session:
        seat_somebody(session, "steering", program.organizations["en-marge"], program.people["manager_em"])
    leave(program, "manager_em", "en-marge", last_day=TODAY, planned=False)
    with program.session() as session:
        rows = every(session, of(SeatHolder).where(SeatHolder.person_id == program.people["deputy"]))
    assert [(row.kind, row.starts_on) for row in rows] == [("alternate", TODAY)]


@pytest.mark.parametrize("follows", ["worker_em", "deputy"])
def test_the_second_representative_stands_in_until_whoever_follows_on_the_seat_begins(
    program: Cast, follows: str
) -> None:
    """CM-2R. Also where it is they who follow: until then they are the alternate."""
    from_then = LAST_DAY + timedelta(days=30)
    with program.session() as session:
        before = from_then - timedelta(days=1)
        held_id = give(session, program, "steering", "en-marge", "manager_em", until=before)
        give(session, program, "steering", "en-marge", follows, since=from_then)
    leave(program, "manager_em", "en-marge")
    with program.session() as session:
        (due,) = current.due_to_end(session, AFTER)
        ending.end_departure(session, due, by=LOADING, at=AFTER)
        rows = every(session, of(SeatHolder).where(SeatHolder.id != held_id).order_by(col(SeatHolder.starts_on)))
    assert all(row.withdrawn_at is None for row in rows)
    assert [(row.person_id, row.kind, row.starts_on, row.ends_on) for row in rows] == [
        (program.people["deputy"], "alternate", LAST_DAY + timedelta(days=1), before if follows == "deputy" else None),
        (program.people[follows], "principal", from_then, None),
    ]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("how", ["named", "stated", "given by itself"])
def test_the_seat_of_who_has_gone_is_asked_for_while_the_second_representative_stands_in_until_it_is_named_or_stated(
    program: Cast, how: str
) -> None:
    place = program.organizations["en-marge"]
    with program.session() as session:
        seat_id = seat_somebody(session, "steering", place, program.people["manager_em"])
    case_id = leave(program, "manager_em", "en-marge", last_day=TODAY - timedelta(days=9), planned=False)

    def state() -> str:
        with program.session() as session:
            gathering.gather(session, case_id, by=LOADING, at=AT)
        (one,) = asked(program, case_id, "pass_on_seats")
        assert (one.state == "open") == any("Steering" in thing for thing in left(program, case_id))
        found: str = one.state
        return found

    assert state() == "open"
    (one,) = asked(program, case_id, "pass_on_seats")
    if how == "named":
        settle(program, one.id, to="deputy")
    if how == "stated":
        settle(program, one.id, ended="left_vacant", note="Until the spring")
    if how == "given by itself":
        by, deputy = program.actor("coordinator"), program.people["deputy"]
        with program.session() as session:
            seat_holders.give_seat(session, seat_id, deputy, kind="principal", starts_on=TODAY, by=by, at=AT)
    assert state() == "done"


@pytest.mark.ci
@pytest.mark.parametrize(("to", "leaves_too"), [("deputy", False), ("deputy", True), (None, False)])
def test_whoever_stands_in_for_somebody_does_so_until_their_own_last_day_and_then_whom_they_handed_it_to(
    program: Cast, to: str | None, leaves_too: bool
) -> None:
    with program.session() as session:
        absence_id = absences.record_absence(
            session,
            person_id=program.people["worker_em"],
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=60),
            deputy_id=program.people["manager_em"],
            by=program.actor("coordinator"),
            at=AT,
        )
    case_id = leave(program, "manager_em", "en-marge")
    (task,) = asked(program, case_id, "pass_on_deputizing")
    settle(program, task.id, to=to, ended="" if to else "nobody_deputizes", note="" if to else "They are back soon")

    def acting() -> UUID | None:
        with program.session() as session:
            found: UUID | None = session.scalar(select(ABSENCE.c.deputy_id).where(ABSENCE.c.id == absence_id))
            return found

    assert acting() == program.people["manager_em"]
    if leaves_too:
        leave(program, "deputy", "en-marge", last_day=TODAY, planned=False)
    with program.session() as session:
        (due,) = current.due_to_end(session, AFTER)
        ending.end_departure(session, due, by=LOADING, at=AFTER)
    assert acting() == (program.people[to] if to and not leaves_too else None)


@pytest.mark.ci
def test_equipment_comes_back_with_its_condition_and_what_is_missing_stays_asked_for(program: Cast) -> None:
    with program.session() as session:
        lend(session, program.people["worker_codim"], "SN-1")
        lend(session, program.people["worker_codim"], "SN-2")
    case_id = leave(program, "worker_codim", "codim")
    back, gone = asked(program, case_id, "return_equipment")
    with refused("equipment.no_condition"):
        settle(program, back.id, ended="returned")
    with refused("equipment.not_by_the_leaver"):
        settle(program, back.id, ended="returned", note="fine", by=program.actor("worker_codim"))
    settle(program, back.id, ended="returned", note="A scratch on the screen")
    with refused("equipment.not_missing"):
        settle(program, gone.id, ended="lost", note="Never seen")
    with program.session() as session:
        settling.report_missing(session, gone.id, note="Not in the box", by=program.actor("officer"), at=AT)
    assert left(program, case_id) == ["Youth worker, CODIM", "Program cell phone, serial number SN-2"]
    settle(program, gone.id, ended="lost", note="Reported to the police")
    assert left(program, case_id) == ["Youth worker, CODIM"]


@pytest.mark.ci
def test_how_to_come_into_an_account_is_handed_over_unless_it_was_closed_elsewhere(program: Cast) -> None:
    with program.session() as session:
        ours, elsewhere = (open_account(session, program.people["worker_codim"], name) for name in ("a.one", "b.two"))
    case_id = leave(program, "worker_codim", "codim")
    closing = {row.item: row.id for row in asked(program, case_id, "close_accounts")}
    settle(program, closing[ours.hex], ended="closed")
    with program.session() as session:
        accounts.close_account(session, elsewhere, by=LOADING, at=AT)
        gathering.gather(session, case_id, by=LOADING, at=AT)
    states = {row.item: row.state for row in asked(program, case_id, "hand_over_credentials")}
    assert states == {ours.hex: "open", elsewhere.hex: "waived"}


@pytest.mark.ci
def test_nobody_takes_over_from_themselves_nor_hands_to_somebody_who_leaves_too(program: Cast) -> None:
    open_onboarding(program)
    one_case = leave(program, "manager_em", "en-marge")
    leave(program, "deputy", "en-marge")
    (one, *_) = asked(program, one_case, "pass_on_tasks")
    for who, code in (("manager_em", "successor.leaver"), ("deputy", "successor.leaves_too")):
        with refused(code):
            settle(program, one.id, to=who)
    with refused("holding.one_way"):
        settle(program, one.id)


@pytest.mark.ci
def test_who_follows_in_a_role_is_appointed_the_day_after_and_welcomed(program: Cast) -> None:
    case_id = leave(program, "worker_codim", "codim")
    (one,) = asked(program, case_id, "find_successor")
    settle(program, one.id, to="worker_ccsmtl")
    assert ("youth_worker", LAST_DAY) in roles(program, "worker_codim")
    with program.session() as session:
        opened = session.execute(
            text('select protocol, state from "case" where subject_id = :who'), {"who": program.people["worker_ccsmtl"]}
        ).all()
    assert [tuple(row) for row in opened] == [("onboarding", "open")]


def test_who_follows_in_a_role_holds_it_or_one_to_which_the_same_things_are_open(program: Cast) -> None:
    by = program.actor("manager_ccsmtl")
    case_id = leave(program, "coordinator", "ccsmtl", by=by)
    (one,) = asked(program, case_id, "find_successor")
    for who in ("officer", "worker_ccsmtl", "petty_cash_holder"):
        with refused("successor.not_for_the_role"):
            settle(program, one.id, to=who, by=by)
    with program.session() as session:
        (case,) = every(session, of(Case).where(Case.id == case_id))
        listed = set(successors.may_take_over(session, one, case, AT))
    assert program.people["manager_codim"] in listed
    assert not listed & {program.people[who] for who in ("officer", "worker_ccsmtl", "petty_cash_holder")}


def test_of_a_role_of_one_holder_who_follows_begins_later_where_it_is_prolonged_and_there_are_never_two(
    program: Cast,
) -> None:
    by = program.actor("manager_ccsmtl")
    case_id = leave(program, "coordinator", "ccsmtl", by=by)
    (one,) = asked(program, case_id, "find_successor")
    settle(program, one.id, to="manager_codim", by=by)
    with program.session() as session:
        (held,) = standing(session, TODAY).roles_of(program.people["coordinator"])
        with refused("tenure.one_holder"):
            people.end_tenure(session, held.id, ends_on=LAST_DAY + timedelta(days=10), by=by, at=AT)
    with program.session() as session:
        departures.end_role(session, held.id, ends_on=LAST_DAY + timedelta(days=10), by=by, at=AT)
        on = [standing(session, LAST_DAY + timedelta(days=days)).holding("coordinator") for days in (10, 11)]
    assert [[one.person_id for one in found] for found in on] == [
        [program.people["coordinator"]],
        [program.people["manager_codim"]],
    ]


@pytest.mark.ci
@pytest.mark.parametrize("by_hand", [False, True])
def test_looking_for_two_opens_one_recruiting_and_has_the_manager_recruit_for_the_other_afterwards(
    program: Cast, by_hand: bool
) -> None:
    """Also where the first one was opened by hand, before a departure asked for it."""
    place, by = program.organizations["en-marge"], program.actor("manager_em")
    if by_hand:
        with program.session() as session:
            cases.open_case(session, recruiting.RECRUITING, organization_id=place, by=by, at=AT)
    for who in ("worker_em", "deputy"):
        case_id = leave(program, who, "en-marge", last_day=TODAY + timedelta(days=30))
        (one,) = asked(program, case_id, "find_successor")
        settle(program, one.id, ended="recruiting")
    with program.session() as session:
        opened = session.scalars(text("select state from \"case\" where protocol = 'recruiting'")).all()
        (waits,) = every(session, of(Task).where(Task.step == recruiting.AFTERWARDS))
        falls = board.who(standing(session, TODAY), waits, board.chains(session, [waits.owed_by_id]))
        assert falls is not None
    assert opened == ["open"]
    assert (waits.state, [one.person_id for one in falls.holders]) == ("open", [by.person_id])
    assert waits.title_en.endswith("Second representative, En Marge 12-17")


# Closing.


@pytest.mark.ci
def test_a_departure_does_not_close_while_anything_is_in_hand_and_says_what(program: Cast) -> None:
    with program.session() as session:
        for number in range(1, 23):
            lend(session, program.people["worker_codim"], f"SN-{number}")
    case_id = leave(program, "worker_codim", "codim")
    with program.session() as session, refused("departure.in_hand") as raised:
        cases.close_case(session, case_id, by=program.actor("coordinator"), at=AT)
    holdings = raised.value.facts["holdings"]
    assert isinstance(holdings, Mapping)
    said = holdings["en"].split("; ")
    assert (sorted(said), len(said), raised.value.facts["count"]) == (sorted(left(program, case_id)), 23, 23)


@pytest.mark.parametrize("planned", [True, False])
def test_who_has_something_to_settle_is_told_of_a_departure_whoever_opens_it(program: Cast, planned: bool) -> None:
    """The manager, of who follows; the administrative officer, of the equipment."""
    with program.session() as session:
        lend(session, program.people["worker_codim"], "SN-1")
    by = program.actor("worker_codim" if planned else "coordinator")
    case_id = leave(program, "worker_codim", "codim", last_day=LAST_DAY if planned else TODAY, planned=planned, by=by)
    with program.session() as session:
        told = session.scalars(
            text("select person_id from notice where case_id = :case and template = 'case_opened'"), {"case": case_id}
        ).all()
    assert {program.people[name] for name in ("manager_codim", "officer", "it_contact")} <= set(told)
    assert len(told) == len(set(told)), "once each"
    assert (program.people["worker_codim"] in told, by.person_id in told) == (False, False)


def up_to_the_last_check(program: Cast) -> UUID:
    """A departure of which everything is done but the last check."""
    with program.session() as session:
        lend(session, program.people["worker_codim"], "SN-1")
        open_account(session, program.people["worker_codim"], "g.schist")
    case_id = leave(program, "worker_codim", "codim")
    settle(program, asked(program, case_id, "find_successor")[0].id, ended="not_replaced", note="The post ends")
    settle(program, asked(program, case_id, "return_equipment")[0].id, ended="returned", note="Fine")
    settle(program, asked(program, case_id, "close_accounts")[0].id, ended="closed")
    with program.session() as session:
        wanted = session.scalars(
            text("select id from task where case_id = :case and act_state = 'wanted' order by id"),
            params={"case": case_id},
        ).all()
        for acted in wanted:
            acts.record_act(session, acted, undone=False, by=Actor.system(ENGINE), at=AT)
    for name in ("return_material", "hand_over_credentials", "replace_shared_credentials"):
        for row in asked(program, case_id, name):
            with program.session() as session:
                tasks.complete_task(session, row.id, by=program.actor("coordinator"), at=AT)
    return case_id


@pytest.mark.ci
def test_the_last_check_waits_again_for_what_arrives_once_it_was_asked_for(program: Cast) -> None:
    case_id = up_to_the_last_check(program)
    with program.session() as session:
        lend(session, program.people["worker_codim"], "SN-2")
    with program.session() as session:
        assert gathering.gather(session, case_id, by=program.actor("coordinator"), at=AT) == 1
    assert [row.state for row in asked(program, case_id, "confirm_nothing_left")] == ["planned"]
    (_, found) = asked(program, case_id, "return_equipment")
    settle(program, found.id, ended="returned", note="Fine")
    assert [row.state for row in asked(program, case_id, "confirm_nothing_left")] == ["open"]


def owed_by(program: Cast, *chain: Link) -> UUID:
    """A task outside any case, which falls by this chain."""
    with program.session() as session:
        return assigning.assign(
            session, "something", "", title_fr="Chose", title_en="Thing", chain=chain, due_on=TODAY, by=LOADING, at=AT
        )


@pytest.mark.ci
def test_the_last_check_waits_again_for_what_is_theirs_only_until_another_begins(program: Cast) -> None:
    case_id, place = up_to_the_last_check(program), str(program.organizations["codim"])
    with program.session() as session:
        for held in standing(session, TODAY).holding("manager", program.organizations["codim"]):
            people.end_tenure(session, held.id, ends_on=TODAY - timedelta(days=1), by=LOADING, at=AT)
        people.appoint(
            session,
            person_id=program.people["researcher"],
            role="manager",
            organization_id=program.organizations["codim"],
            starts_on=TODAY + timedelta(days=20),
            by=LOADING,
            at=AT,
        )
    owed_by(program, Link("manager", place), Link("youth_worker", place), Link("coordinator"))
    with program.session() as session:
        gathering.gather(session, case_id, by=program.actor("coordinator"), at=AT)
    assert [row.state for row in asked(program, case_id, "confirm_nothing_left")] == ["planned"]


@pytest.mark.ci
def test_a_task_that_its_taker_hands_back_to_the_leaver_is_to_be_settled_again(program: Cast) -> None:
    place = str(program.organizations["codim"])
    owed = owed_by(program, Link("youth_worker", place), Link("coordinator"))
    case_id = leave(program, "worker_codim", "codim")

    def state() -> str:
        with program.session() as session:
            gathering.gather(session, case_id, by=program.actor("coordinator"), at=AT)
        (row,) = [one for one in asked(program, case_id, "pass_on_tasks") if one.item == owed.hex]
        return row.state

    (row,) = [one for one in asked(program, case_id, "pass_on_tasks") if one.item == owed.hex]
    settle(program, row.id, to="manager_codim")
    assert state() == "done"
    with program.session() as session:
        tasks.hand_back_task(session, owed, by=program.actor("manager_codim"), at=AT + timedelta(hours=1), reason="No")
    assert state() == "open"
    settle(program, row.id, to="manager_codim", at=AT + timedelta(hours=2))
    assert state() == "done"


@pytest.mark.ci
def test_from_opening_to_close_nothing_is_left_nor_what_arrives_once_it_is_opened_again(program: Cast) -> None:
    case_id = up_to_the_last_check(program)
    (last,) = asked(program, case_id, "confirm_nothing_left")
    assert last.state == "open"
    with program.session() as session, refused("departure.not_over"):
        tasks.complete_task(session, last.id, by=program.actor("coordinator"), at=AT)
    with program.session() as session:
        (due,) = current.due_to_end(session, AFTER)
        assert ending.end_departure(session, due, by=program.actor("coordinator"), at=AFTER)
        assert not ending.end_departure(session, due, by=program.actor("coordinator"), at=AFTER)
    with program.session() as session:
        moved = tasks.complete_task(session, last.id, by=program.actor("coordinator"), at=AFTER)
    assert moved.case_closed
    with program.session() as session:
        assert "departure.last_day_over" in verbs(session, case_id)
        by = program.actor("coordinator")
        cases.reopen_case(session, case_id, by=by, at=AFTER, reason="A phone was found")
        lend(session, program.people["worker_codim"], "SN-2")
    with program.session() as session, refused("departure.in_hand"):
        cases.close_case(session, case_id, by=by, at=AFTER)
    (_, found) = asked(program, case_id, "return_equipment")
    settle(program, found.id, ended="returned", note="Fine", at=AFTER)
    with program.session() as session:
        assert session.scalars(select(CASE.c.state).where(CASE.c.id == case_id)).one() == "closed"


@pytest.mark.ci
def test_what_was_done_keeps_the_name_of_who_did_it_after_they_have_gone(program: Cast) -> None:
    gone = program.people["manager_em"]
    case_id = open_onboarding(program)
    complete(program, case_id, "request_secure_access")
    with program.session() as session:
        task_id = step(session, case_id, "request_secure_access")["id"]
        tasks.approve_task(session, task_id, by=program.actor("manager_em"), at=AT)
    before = _by_whom(program, gone)
    assert before, "there is work of theirs, and a record of it"
    leave(program, "manager_em", "en-marge", last_day=TODAY, planned=False)
    after = AT + timedelta(days=2)
    look_at_hands(means_of(program, lambda: after))
    page = client_for(program.database, program.people["coordinator"], at=after).get(f"/cases/{case_id}").text
    assert before <= _by_whom(program, gone)
    with program.session() as session:
        name = " ".join(
            session.execute(select(PERSON.c.given_name, PERSON.c.family_name).where(PERSON.c.id == gone)).one()
        )
    assert name in page


def _by_whom(cast: Cast, person_id: UUID) -> set[tuple[str, UUID]]:
    """What the case rows and the record say that a person did: each column with the row's id."""
    found = set()
    with cast.session() as session:
        for table, column in ((TASK, "done_by"), (TASK, "settled_by"), (EVENT, "actor_id")):
            found |= {(column, row) for row in session.scalars(select(table.c.id).where(table.c[column] == person_id))}
    return found


@pytest.mark.ci
def test_a_departure_counts_for_what_the_partner_and_the_coordination_promised(program: Cast) -> None:
    """Found in time or late, its steps are the records of two clauses: managing one's worker, supporting managers."""
    case_id = leave(program, "worker_codim", "codim")
    clauses = {row.step: row.clause for row in asked(program, case_id, "find_successor")}
    clauses |= {row.step: row.clause for row in asked(program, case_id, "confirm_nothing_left")}
    assert clauses == {"find_successor": "AG-M4", "confirm_nothing_left": "GV-5.workers"}
    with program.session() as session:
        agreed(session, program)
        clause = next(
            next(iter(one.clauses.values()))
            for one in owed(session)
            if one.organization_id == program.organizations["codim"] and one.key.startswith("AG-M4")
        )
        assert isinstance(clause.rule, TasksRule)
        counted = clause.rule.steps(Records(session, AT), program.organizations["codim"], clause)
    (asked_for,) = asked(program, case_id, "find_successor")
    assert (str(asked_for.id), asked_for.due_on) in [(step.id, step.due_on) for step in counted]


def test_a_departure_is_called_off_while_its_last_day_is_moved_and_neither_is_turned_away(program: Cast) -> None:
    """Both hold the case before the departure: else each would wait for what the other has."""
    case_id = leave(program, "worker_codim", "codim")
    by = program.actor("coordinator")
    with program.session() as session:
        (departure,) = every(session, of(Departure).where(Departure.case_id == case_id))
        held = next(iter(standing(session, TODAY).roles_of(program.people["worker_codim"])))
        departures.end_role(session, held.id, ends_on=LAST_DAY - timedelta(days=2), by=by, at=AT)
    moved: list[bool | str] = []

    def move() -> None:
        try:
            with program.session() as session:
                moved.append(current.follow_roles(session, departure.id, by=Actor.system(ENGINE), at=AT))
        except Exception as error:  # noqa: BLE001 - a thread's error is shown by the assertion
            moved.append(repr(error))

    with program.session() as session:
        hold_case(session, case_id, seen=None)
        worker = threading.Thread(target=move)
        worker.start()
        until_somebody_waits(session)
        calling_off.call_off(session, case_id, by=by, at=AT)
    worker.join()
    assert moved == [False], "it was called off by then"
