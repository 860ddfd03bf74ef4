"""On whom a duty falls, by what it is: deputies to whom it is open, approvers whom nothing bars, who begins in time."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.roles.roles import DayAbsence, DayTenures, HeldRole, Holder
from domain.roles.takers import NEAR_PARTICIPANTS, may_act_as, may_write_of_participants
from models.casework import Link
from tests.cast import TODAY

_ids = count(1)
HERE, HOST = UUID(int=901), UUID(int=902)


def held(role: str, place: UUID = HERE, *, who: int = 0, since: date = TODAY - timedelta(days=400)) -> HeldRole:
    person = who or next(_ids)
    return HeldRole(UUID(int=10_000 + next(_ids)), UUID(int=person), place, role, since, None, 1)


def away(
    person: HeldRole, deputy: HeldRole | None, kinds: tuple[str, ...] = ("tasks", "approvals", "seats")
) -> DayAbsence:
    last = TODAY + timedelta(days=5)
    return DayAbsence(UUID(int=next(_ids)), person.person_id, deputy and deputy.person_id, kinds, TODAY, last)


def at(role: str, place: UUID | str = HERE) -> Link:
    return Link(role, str(place))


def on(*tenures: HeldRole, absences: tuple[DayAbsence, ...] = ()) -> DayTenures:
    return DayTenures(
        TODAY, (one for one in tenures if one.starts_on <= TODAY), absences, (t for t in tenures if t.starts_on > TODAY)
    )


def names(holders: tuple[Holder, ...]) -> set[UUID]:
    return {one.person_id for one in holders}


# Who may act for whom.


def test_a_petty_cash_holder_who_was_named_a_managers_deputy_is_asked_nothing_of_hers() -> None:
    manager, cash, director = held("manager"), held("petty_cash_holder"), held("director")
    today = on(manager, cash, director, absences=(away(manager, cash),))
    falls = today.falls([at("manager"), at("director")])
    assert names(falls.holders) == {director.person_id}, "as if nobody had been named"
    assert falls.in_place
    assert today.acting_for(cash.person_id) == []


def test_a_second_representative_who_is_a_managers_deputy_acts() -> None:
    manager, second = held("manager"), held("second_representative")
    falls = on(manager, second, absences=(away(manager, second),)).falls([at("manager")])
    assert [(one.person_id, one.acting_for) for one in falls.holders] == [(second.person_id, manager.person_id)]


def test_a_deputy_is_fit_for_each_role_by_itself() -> None:
    """Who holds two roles is away: their deputy has what one of them owes, and not what the other does."""
    as_officer, deputy = held("administrative_officer"), held("it_contact")
    as_worker = held("youth_worker", who=as_officer.person_id.int)
    today = on(as_officer, as_worker, deputy, absences=(away(as_officer, deputy),))
    assert names(today.falls([at("administrative_officer")]).holders) == {deputy.person_id}
    assert today.falls([at("youth_worker")]).holders == ()


@pytest.mark.parametrize("role", sorted(NEAR_PARTICIPANTS - {"second_representative"}))
def test_nobody_acts_where_participants_are_written_of_who_may_not_know_of_them(role: str) -> None:
    for other in ("petty_cash_holder", "it_contact", "administrator", "administrative_officer", "researcher"):
        assert not may_act_as(role, {other}), other
        assert not may_write_of_participants({other})
    assert may_act_as(role, {role})


ROLES = st.sampled_from(
    [
        *("director", "manager", "youth_worker", "second_representative", "coordinator", "administrative_officer"),
        *("petty_cash_holder", "it_contact", "researcher", "privacy_officer", "a_role_of_the_programs_own"),
    ]
)


@given(role=ROLES, others=st.sets(ROLES, min_size=1, max_size=3))
def test_whatever_falls_to_a_deputy_is_open_to_a_role_that_they_hold(role: str, others: set[str]) -> None:
    absent, person = held(role), next(_ids)
    theirs = [held(other, who=person) for other in sorted(others)]
    today = on(absent, *theirs, absences=(away(absent, theirs[0]),))
    falls = today.falls([at(role)])
    acting = [one for one in falls.holders if one.acting_for]
    assert bool(acting) == may_act_as(role, others)
    assert bool(today.acting_for(theirs[0].person_id)) == bool(acting)


# Who approves.


def test_an_approval_goes_on_past_whoever_asked_to_the_director_and_then_to_the_hosts_manager() -> None:
    coordinator, director = held("coordinator", HOST), held("director")
    host = held("manager", HOST)
    chain = [at("manager"), at("coordinator", HOST), at("director"), at("manager", HOST)]
    falls = on(coordinator, director, host).falls(chain, kind="approvals", barred={coordinator.person_id})
    assert (names(falls.holders), falls.vacant) == ({director.person_id}, True)
    both = {coordinator.person_id, director.person_id}
    assert names(on(coordinator, director, host).falls(chain, kind="approvals", barred=both).holders) == {
        host.person_id
    }
    nobody = both | {host.person_id}
    assert on(coordinator, director, host).falls(chain, kind="approvals", barred=nobody).holders == ()


def test_a_manager_who_is_barred_is_no_vacancy() -> None:
    manager, director = held("manager"), held("director")
    falls = on(manager, director).falls([at("manager"), at("director")], kind="approvals", barred={manager.person_id})
    assert (names(falls.holders), falls.vacant, falls.in_place) == ({director.person_id}, False, True)


@given(barred=st.sets(st.integers(0, 3)))
def test_whoever_approves_is_barred_from_nothing_and_stands_before_every_other_who_could(barred: set[int]) -> None:
    people = [held("manager"), held("coordinator", HOST), held("director"), held("manager", HOST)]
    chain = [at("manager"), at("coordinator", HOST), at("director"), at("manager", HOST)]
    falls = on(*people).falls(chain, kind="approvals", barred={people[place].person_id for place in barred})
    free = [place for place in range(len(people)) if place not in barred]
    assert names(falls.holders) == ({people[free[0]].person_id} if free else set())


# Who begins later.


DAYS = st.integers(1, 60)


@given(begins=DAYS, due=st.none() | st.integers(-20, 80))
def test_what_is_due_by_the_first_day_waits_by_name_and_what_is_needed_before_falls_to_the_next(
    begins: int, due: int | None
) -> None:
    worker = held("youth_worker", since=TODAY + timedelta(days=begins))
    manager = held("manager")
    today = on(worker, manager)
    due_on = None if due is None else TODAY + timedelta(days=due)
    falls = today.falls_by([at("youth_worker"), at("manager")], due_on)
    if due is None or due >= begins:
        assert (falls.holders, [one.person_id for one in falls.waits_for]) == ((), [worker.person_id])
    else:
        assert (names(falls.holders), falls.waits_for, falls.in_place) == ({manager.person_id}, (), True)
    assert not falls.vacant, "somebody is to come"
    assert today.from_day(worker.person_id) == worker.starts_on


@given(begins=DAYS, due=st.none() | st.integers(-20, 80))
def test_what_nobody_else_has_waits_by_name_for_who_begins_though_it_is_due_before(
    begins: int, due: int | None
) -> None:
    later = held("manager", since=TODAY + timedelta(days=begins))
    today, chain = on(later, held("director", HOST)), [at("manager"), at("director")]
    due_on = None if due is None else TODAY + timedelta(days=due)
    for falls in (today.falls_by(chain, due_on), today.falls(chain, kind="approvals")):
        assert (falls.holders, [one.person_id for one in falls.waits_for]) == ((), [later.person_id])


def test_an_approval_waits_for_nobody_who_may_not_give_it() -> None:
    later = held("manager", since=TODAY + timedelta(days=9))
    falls = on(later).falls([at("manager")], kind="approvals", barred={later.person_id})
    assert (falls.holders, falls.waits_for, falls.vacant) == ((), (), True)


@pytest.mark.parametrize("manager_since", [-9, 9, 90])
def test_what_falls_where_another_role_is_held_waits_until_somebody_begins_in_that_one(manager_since: int) -> None:
    manager = held("manager", since=TODAY + timedelta(days=manager_since))
    cash = held("petty_cash_holder", since=TODAY + timedelta(days=30))
    chain = [at("manager", "having:petty_cash_holder")]
    (waits,) = on(manager, cash, held("manager", HOST)).falls(chain).waits_for
    assert waits == manager._replace(starts_on=max(cash.starts_on, manager.starts_on))
    assert on(manager, held("petty_cash_holder", HOST), cash).falls(chain).waits_for == ()


def test_a_role_that_somebody_holds_today_waits_for_nobody() -> None:
    now, later = held("manager"), held("manager", since=TODAY + timedelta(days=3))
    falls = on(now, later).falls_by([at("manager")], TODAY + timedelta(days=30))
    assert (names(falls.holders), falls.waits_for) == ({now.person_id}, ())


def test_whoever_begins_at_another_organization_is_waited_for_by_nothing_here() -> None:
    elsewhere = held("manager", HOST, since=TODAY + timedelta(days=3))
    falls = on(elsewhere).falls_by([at("manager")], None)
    assert (falls.holders, falls.waits_for, falls.vacant) == ((), (), True)


def test_who_is_to_begin_in_one_more_role_has_no_first_day_ahead() -> None:
    now = held("manager")
    later = held("director", who=now.person_id.int, since=TODAY + timedelta(days=3))
    assert on(now, later).from_day(now.person_id) is None
