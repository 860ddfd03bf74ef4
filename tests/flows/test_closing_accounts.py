"""Accounts of who left, closed by their directory: verified when closed and looked at again a week later. DP-08."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.casework import cases, tasks
from domain.casework.proofs import GivenProof
from flows.departing import close_doors, look_at_hands
from flows.engine import Means
from models.base import table_of
from models.casework import Account
from models.ports import Accepted, AccountState, Later, Outcome, Refused
from tests.casework import approve, complete, open_onboarding, step
from tests.cast import AT, TODAY, Cast
from tests.departing import asked, come_back, leave, open_account, record_protocols, settle
from tests.flows.support import Clock, carry_all, means_of, told

ACCOUNT = table_of(Account)
LEAVER, PLACE, NAME = "worker_codim", "codim", "g.schist"


@dataclass
class LocalDirectory:
    """A directory of one system in memory: honest, unless a test has it forget, fail or open again."""

    states: dict[str, AccountState] = field(default_factory=lambda: {NAME: "open"})
    system: str = "secure-network"
    forgets: bool = False
    fails: Later | Refused | None = None
    closed: list[str] = field(default_factory=list)

    def close(self, user_name: str) -> Outcome:
        if self.fails is not None:
            return self.fails
        self.closed.append(user_name)
        if not self.forgets and user_name in self.states:
            self.states[user_name] = "closed"
        return Accepted()

    def state(self, user_name: str) -> AccountState | Later | Refused:
        return self.fails or self.states.get(user_name, "absent")


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    with cast.session() as session:
        open_account(session, cast.people[LEAVER], NAME)
    return cast


@pytest.fixture
def directory() -> LocalDirectory:
    return LocalDirectory()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def means(program: Cast, clock: Clock, directory: LocalDirectory) -> Means:
    return replace(means_of(program, clock), accounts=directory)


def gone(cast: Cast) -> UUID:
    return leave(cast, LEAVER, PLACE, last_day=TODAY, planned=False)


def closing(cast: Cast, case_id: UUID) -> list[str]:
    return [row.state for row in asked(cast, case_id, "close_accounts")]


def people_asked(cast: Cast) -> list[str]:
    with cast.session() as session:
        return list(session.scalars(text("select step from task where step like 'account.%' order by opened_at")))


@pytest.mark.ci
def test_an_account_is_closed_by_its_directory_and_its_step_done_once_that_is_verified(
    program: Cast, means: Means, directory: LocalDirectory
) -> None:
    case_id = gone(program)
    look_at_hands(means)
    assert directory.states == {NAME: "closed"}
    assert closing(program, case_id) == ["done"]
    look_at_hands(means)
    assert directory.closed == [NAME], "once"
    assert len(told(program, "account.closed")) == 1


@pytest.mark.ci
def test_nothing_is_closed_before_the_last_day_is_over(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock
) -> None:
    case_id = leave(program, LEAVER, PLACE)
    look_at_hands(means)
    assert (directory.states, closing(program, case_id)) == ({NAME: "open"}, ["open"])
    clock.pass_by(days=15)
    close_doors(means)
    look_at_hands(means)
    assert (directory.states, closing(program, case_id)) == ({NAME: "closed"}, ["done"])


@pytest.mark.parametrize("true", [True, False])
@pytest.mark.ci
def test_what_a_person_says_is_closed_the_directory_sees_at_once_and_a_week_later(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock, true: bool
) -> None:
    case_id = gone(program)
    settle(program, asked(program, case_id, "close_accounts")[0].id, ended="closed")
    directory.states[NAME] = "closed" if true else "open"
    for _ in range(2):
        look_at_hands(means)
    assert directory.states == {NAME: "closed"}
    assert (len(told(program, "account.found_open")), people_asked(program)) == (
        (0, []) if true else (1, ["account.open_again"])
    )
    clock.pass_by(days=7)
    for _ in range(2):
        look_at_hands(means)
    assert len(told(program, "account.still_closed")) == (2 if true else 1)


@pytest.mark.ci
def test_an_account_that_a_person_said_is_closed_is_taken_from_nobody_before_their_last_day_is_over(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock
) -> None:
    case_id = leave(program, LEAVER, PLACE)
    settle(program, asked(program, case_id, "close_accounts")[0].id, ended="closed")
    for days in (0, 7, 7):
        clock.pass_by(days=days)
        look_at_hands(means)
    assert directory.states == {NAME: "open"}
    assert people_asked(program) == []
    clock.pass_by(days=1)
    close_doors(means)
    look_at_hands(means)
    assert directory.states == {NAME: "closed"}
    assert people_asked(program) == ["account.open_again"]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("how", ["forgets", "absent", "away", "no leave"])
def test_what_the_directory_does_not_do_stays_the_it_contacts(
    program: Cast, means: Means, directory: LocalDirectory, how: str
) -> None:
    directory.forgets = how == "forgets"
    directory.states = {} if how == "absent" else directory.states
    failing: dict[str, Later | Refused] = {"away": Later("connect"), "no leave": Refused(permanent=False, code="403")}
    directory.fails = failing.get(how)
    case_id = gone(program)
    look_at_hands(means)
    assert closing(program, case_id) == ["open"]
    with program.session() as session:
        assert session.execute(select(ACCOUNT.c.closed_at)).scalar_one() is None


@pytest.mark.ci
def test_an_account_of_another_system_is_a_persons_to_close(program: Cast, means: Means) -> None:
    with program.session() as session:
        session.execute(text("update account set system = 'door-badges'"))
    case_id = gone(program)
    look_at_hands(means)
    assert closing(program, case_id) == ["open"]


@pytest.mark.ci
def test_a_week_later_the_directory_says_whether_it_is_closed_still_and_nobody_is_asked(
    program: Cast, means: Means, clock: Clock
) -> None:
    gone(program)
    look_at_hands(means)
    clock.pass_by(days=6)
    look_at_hands(means)
    assert told(program, "account.still_closed") == []
    clock.pass_by(days=1)
    for _ in range(2):
        look_at_hands(means)
    assert len(told(program, "account.still_closed")) == 1
    assert people_asked(program) == []


@pytest.mark.ci
def test_one_that_is_open_again_is_closed_anew_and_somebody_finds_out_why(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock
) -> None:
    gone(program)
    look_at_hands(means)
    directory.states[NAME] = "open"
    clock.pass_by(days=7)
    for _ in range(2):
        look_at_hands(means)
    assert directory.states == {NAME: "closed"}
    assert len(told(program, "account.found_open")) == 1
    assert people_asked(program) == ["account.open_again"]
    clock.pass_by(days=7)
    look_at_hands(means)
    assert len(told(program, "account.still_closed")) == 1, "and it is looked at once more after another week"


@pytest.mark.ci
def test_where_the_directory_is_away_on_the_day_a_person_looks_on_the_next(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock
) -> None:
    gone(program)
    look_at_hands(means)
    directory.fails = Later("connect")
    clock.pass_by(days=7)
    look_at_hands(means)
    assert people_asked(program) == []
    clock.pass_by(days=1)
    look_at_hands(means)
    assert people_asked(program) == ["account.look_again"]


def called_off(cast: Cast, means: Means, case_id: UUID) -> None:
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=means.clock(), reason="Stays after all")
    carry_all(means)


@pytest.mark.ci
def test_an_account_said_closed_in_a_departure_that_was_called_off_is_asked_for_and_looked_at_in_the_one_that_holds(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock
) -> None:
    first = leave(program, LEAVER, PLACE)
    carry_all(means)
    settle(program, asked(program, first, "close_accounts")[0].id, ended="closed")
    called_off(program, means, first)
    clock.pass_by(days=30)
    look_at_hands(means)
    assert directory.states == {NAME: "open"}, "they work on with it"
    second = leave(program, LEAVER, PLACE, last_day=TODAY + timedelta(days=31), at=clock.now)
    assert closing(program, second) == ["open"]
    clock.pass_by(days=2)
    close_doors(means)
    look_at_hands(means)
    assert (directory.states, closing(program, second)) == ({NAME: "closed"}, ["done"])
    clock.pass_by(days=7)
    look_at_hands(means)
    assert len(told(program, "account.still_closed")) == 1


@pytest.mark.ci
def test_without_a_directory_the_it_contact_looks_a_week_after_the_departure_that_holds(
    program: Cast, clock: Clock
) -> None:
    means = means_of(program, clock)
    first = leave(program, LEAVER, PLACE)
    carry_all(means)
    settle(program, asked(program, first, "close_accounts")[0].id, ended="closed")
    called_off(program, means, first)
    clock.pass_by(days=1)
    second = leave(program, LEAVER, PLACE, last_day=TODAY, planned=False, at=clock.now)
    settle(program, asked(program, second, "close_accounts")[0].id, ended="closed", at=clock.now)
    clock.pass_by(days=8)
    look_at_hands(means)
    assert people_asked(program) == ["account.look_again"]


@pytest.mark.ci
def test_a_name_that_another_has_by_now_stays_theirs_when_a_departure_is_called_off(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock
) -> None:
    case_id = leave(program, LEAVER, PLACE)
    carry_all(means)
    settle(program, asked(program, case_id, "close_accounts")[0].id, ended="closed")
    with program.session() as session:
        open_account(session, program.people["officer"], NAME)
    called_off(program, means, case_id)
    clock.pass_by(days=30)
    look_at_hands(means)
    assert directory.states == {NAME: "open"}
    with program.session() as session:
        having = session.scalars(select(ACCOUNT.c.person_id).where(ACCOUNT.c.closed_at.is_(None))).all()
    assert having == [program.people["officer"]]


@pytest.mark.ci
def test_who_stays_after_all_is_not_asked_after_by_the_it_contact_any_more(program: Cast, clock: Clock) -> None:
    means = means_of(program, clock)
    case_id = gone(program)
    carry_all(means)
    settle(program, asked(program, case_id, "close_accounts")[0].id, ended="closed")
    clock.pass_by(days=8)
    look_at_hands(means)
    assert people_asked(program) == ["account.look_again"]
    called_off(program, means, case_id)
    with program.session() as session:
        assert session.scalars(text("select state from task where step like 'account.%'")).all() == ["cancelled"]
        assert session.execute(select(ACCOUNT.c.closed_at, ACCOUNT.c.look_again_on)).all() == [(None, None)]
    assert len(told(program, "account.stays_open")) == 1


@pytest.mark.parametrize("anew", ["before they are back", "once they are back", ""])
@pytest.mark.ci
def test_the_account_of_who_came_back_is_closed_by_no_directory(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock, anew: str
) -> None:
    """Also the one that they had before, where it was not closed on the day: a person knows whether they need it."""
    if not anew:
        directory.fails = Later("connect")
    case_id = gone(program)
    look_at_hands(means)
    directory.fails = None
    clock.pass_by(days=1)
    if anew == "before they are back":
        with program.session() as session:
            open_account(session, program.people[LEAVER], "g.schist-2", at=clock.now)
    come_back(program, LEAVER, PLACE, starts_on=TODAY + timedelta(days=2))
    clock.pass_by(days=1)
    if anew == "once they are back":
        with program.session() as session:
            open_account(session, program.people[LEAVER], "g.schist-2", at=clock.now)
    directory.states |= {"g.schist-2": "open"} if anew else {}
    for _ in range(2):
        look_at_hands(means)
    clock.pass_by(days=10)
    look_at_hands(means)
    assert directory.states == ({NAME: "closed", "g.schist-2": "open"} if anew else {NAME: "open"})
    assert closing(program, case_id) == (["done"] if anew else ["open"])
    if not anew:
        settle(program, asked(program, case_id, "close_accounts")[0].id, ended="closed", at=clock.now)
        for _ in range(2):
            clock.pass_by(days=1)
            look_at_hands(means)
        assert directory.states == {NAME: "open"}


@pytest.mark.ci
def test_an_account_that_was_opened_anew_under_its_old_name_is_not_closed_when_the_old_one_is_looked_at_again(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock
) -> None:
    gone(program)
    look_at_hands(means)
    directory.states[NAME] = "open"
    with program.session() as session:
        open_account(session, program.people["worker_ccsmtl"], NAME, at=clock.now)
    for _ in range(2):
        clock.pass_by(days=7)
        look_at_hands(means)
    assert directory.states == {NAME: "open"}
    assert people_asked(program) == []


def shown_at(cast: Cast, place: str, manager: str, at: datetime = AT) -> None:
    """The onboarding at an organization names the account that they have."""
    case_id = open_onboarding(cast, LEAVER, place, at=at)
    complete(cast, case_id, "request_secure_access", at=at)
    approve(cast, case_id, "request_secure_access", by=cast.actor(manager), at=at)
    with cast.session() as session:
        task_id = step(session, case_id, "open_secure_account")["id"]
        by, proof = cast.actor("it_contact"), GivenProof("account", NAME)
        tasks.complete_task(session, task_id, by=by, at=at, evidence=[proof])


@pytest.mark.ci
def test_an_account_that_serves_at_two_organizations_is_closed_when_the_last_of_them_is_left(
    program: Cast, means: Means, directory: LocalDirectory
) -> None:
    come_back(program, LEAVER, "anonyme", starts_on=TODAY)
    shown_at(program, PLACE, "manager_codim")
    shown_at(program, "anonyme", "manager_la")
    first = gone(program)
    look_at_hands(means)
    assert (directory.states, closing(program, first)) == ({NAME: "open"}, [])
    last = leave(program, LEAVER, "anonyme", last_day=TODAY, planned=False)
    look_at_hands(means)
    assert (directory.states, closing(program, last)) == ({NAME: "closed"}, ["done"])


@pytest.mark.ci
def test_an_account_that_the_other_organization_names_while_they_leave_is_asked_for_no_more(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock
) -> None:
    come_back(program, LEAVER, "anonyme", starts_on=TODAY)
    shown_at(program, PLACE, "manager_codim")
    case_id = leave(program, LEAVER, PLACE)
    assert closing(program, case_id) == ["open"]
    clock.pass_by(days=15)
    shown_at(program, "anonyme", "manager_la", clock.now)
    close_doors(means)
    look_at_hands(means)
    assert (directory.states, closing(program, case_id)) == ({NAME: "open"}, ["done"])


@pytest.mark.ci
def test_an_account_that_was_never_closed_serves_again_once_they_are_back(
    program: Cast, means: Means, directory: LocalDirectory, clock: Clock
) -> None:
    directory.fails = Later("connect")
    case_id = gone(program)
    clock.pass_by(days=3)
    come_back(program, LEAVER, PLACE, starts_on=TODAY + timedelta(days=5), at=clock.now)
    shown_at(program, PLACE, "manager_codim", clock.now)
    directory.fails = None
    look_at_hands(means)
    assert (directory.states, closing(program, case_id)) == ({NAME: "open"}, ["done"])
