"""The worker sees people off: doors close in time and stay closed, a date opens a departure, and calendars are told."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from domain.access import sign_ins
from domain.casework import cases
from domain.departure import departure_row, unopened
from domain.loading.loading import load
from domain.people import people
from domain.roles.roles import standing
from flows.departing import DOORS_SECONDS, close_doors, look_at_hands
from flows.worker import Worker
from meetings import feeds
from models.access import BrowserSession
from models.base import table_of
from models.departure import Departure
from models.invitation import CalendarFeed
from models.program import Tenure
from tests.cast import AT, LOADING, TODAY, Cast, onboarding, without_spvm
from tests.departing import LAST_DAY, asked, leave, lend, open_account, record_protocols, roles, seat_somebody, settle
from tests.flows.support import Clock, carry_all, eventually, means_of, told, within

SIGN_IN, FEED, TENURE = table_of(BrowserSession), table_of(CalendarFeed), table_of(Tenure)
DEPARTURE = table_of(Departure)
LEAVER, PLACE = "worker_codim", "codim"


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    with cast.session() as session:
        sign_ins.begin(session, cast.people[LEAVER], means="passkey", device="", at=AT)
        feeds.make(session, cast.people[LEAVER], by=cast.actor(LEAVER), at=AT)
    return cast


def open_doors(cast: Cast) -> tuple[int, int]:
    """How many sign-ins and private addresses of the leaver are open."""
    with cast.session() as session:
        return (
            len(session.execute(select(SIGN_IN.c.id).where(SIGN_IN.c.ended_at.is_(None))).all()),
            len(session.execute(select(FEED.c.id).where(FEED.c.ended_at.is_(None))).all()),
        )


@pytest.mark.ci
def test_the_doors_of_a_planned_departure_close_at_the_end_of_the_last_day_and_no_sooner(program: Cast) -> None:
    clock = Clock()
    means = means_of(program, clock)
    leave(program, LEAVER, PLACE)
    assert (close_doors(means), open_doors(program)) == (0, (1, 1))
    # Five hours behind: the last day ends at 5:00 of the next in UTC.
    clock.now = AT.replace(hour=4, minute=59, second=59) + timedelta(days=15)
    assert (close_doors(means), open_doors(program)) == (0, (1, 1))
    clock.pass_by(seconds=1)
    assert (close_doors(means), open_doors(program)) == (1, (0, 0))
    assert close_doors(means) == 0, "a second look finds nothing"
    assert len(told(program, "departure.last_day_over")) == 1


@pytest.mark.ci
def test_a_worker_at_work_closes_the_doors_at_the_end_of_the_last_day(program: Cast) -> None:
    """It looks every two seconds, so that five are kept with what closing takes."""
    assert DOORS_SECONDS <= 2
    clock = Clock()
    leave(program, LEAVER, PLACE)
    clock.now = AT.replace(hour=4, minute=59, second=59) + timedelta(days=15)  # a second before midnight here

    def body(_: Worker) -> None:
        time.sleep(DOORS_SECONDS)
        assert open_doors(program) == (1, 1)
        clock.pass_by(seconds=1)
        eventually(lambda: open_doors(program) == (0, 0))

    within(program, means_of(program, clock), body)


@pytest.mark.ci
def test_of_who_has_gone_already_nothing_waits_for_the_worker(program: Cast) -> None:
    leave(program, LEAVER, PLACE, last_day=TODAY, planned=False)
    assert open_doors(program) == (0, 0)
    with program.session() as session:
        assert program.people[LEAVER] not in standing(session, TODAY).live


def test_who_holds_a_role_elsewhere_keeps_their_access(program: Cast) -> None:
    with program.session() as session:
        people.appoint(
            session,
            person_id=program.people[LEAVER],
            role="youth_worker",
            organization_id=program.organizations["anonyme"],
            starts_on=TODAY,
            by=program.actor("coordinator"),
            at=AT,
        )
    leave(program, LEAVER, PLACE, last_day=TODAY, planned=False)
    assert open_doors(program) == (1, 1)


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("days", [0, 10, 30])
def test_an_end_that_was_only_written_down_opens_the_departure_with_the_same_effects(program: Cast, days: int) -> None:
    means = means_of(program, Clock())
    with program.session() as session:
        lend(session, program.people[LEAVER], "SN-1")
        tenure = session.execute(select(TENURE.c.id).where(TENURE.c.person_id == program.people[LEAVER])).scalar_one()
        people.end_tenure(
            session, tenure, ends_on=TODAY + timedelta(days=days), by=program.actor("manager_codim"), at=AT
        )
    assert look_at_hands(means) == 1
    assert look_at_hands(means) == 0
    with program.session() as session:
        (case_id,) = session.scalars(text("select id from \"case\" where protocol = 'departure'"))
    assert [row.state for row in asked(program, case_id, "return_equipment")] == ["open"]
    assert [row.state for row in asked(program, case_id, "find_successor")] == ["open"]
    assert len(told(program, "departure.opened")) == 1


@pytest.mark.ci
def test_an_end_that_is_written_down_weeks_late_opens_the_departure_on_the_day_on_which_it_was(program: Cast) -> None:
    """And one that was corrected, of somebody who left long ago, opens none."""
    left_on, long_ago = TODAY - timedelta(days=30), TODAY - timedelta(days=200)
    by = program.actor("manager_codim")
    with program.session() as session:
        lend(session, program.people[LEAVER], "SN-1")
        session.execute(update(TENURE).where(TENURE.c.person_id == program.people["police"]).values(ends_on=long_ago))
        for who, day in ((LEAVER, left_on), ("police", long_ago - timedelta(days=1))):
            tenure = session.execute(select(TENURE.c.id).where(TENURE.c.person_id == program.people[who])).scalar_one()
            people.end_tenure(session, tenure, ends_on=day, by=by, at=AT)
    assert look_at_hands(means_of(program, Clock())) == 1
    with program.session() as session:
        (case_id,) = session.scalars(text("select id from \"case\" where protocol = 'departure'"))
        departure = departure_row.departure_of(session, case_id)
        assert departure is not None
        assert (departure.person_id, departure.last_day, departure.planned) == (program.people[LEAVER], left_on, False)
    assert [row.state for row in asked(program, case_id, "return_equipment")] == ["open"]
    assert open_doors(program) == (0, 0)


@pytest.mark.ci
def test_an_organization_that_a_loaded_file_no_longer_has_ends_the_roles_there_and_opens_their_departures(
    program: Cast,
) -> None:
    """The file is an import: what it ends has the same effects as what a person ends."""
    with program.session() as session:
        lend(session, program.people["police"], "SN-1")
        load(session, without_spvm(), [onboarding()], by=LOADING, at=AT)
    means = means_of(program, Clock())
    assert look_at_hands(means) > 0
    with program.session() as session:
        cases_of = text("select c.id from \"case\" c where c.protocol = 'departure' and c.subject_id = :id")
        (case_id,) = session.scalars(cases_of, {"id": program.people["police"]})
        assert program.people["police"] not in standing(session, TODAY + timedelta(days=1)).live
    assert [row.state for row in asked(program, case_id, "return_equipment")] == ["open"]


def test_a_role_that_goes_on_opens_no_departure(program: Cast) -> None:
    means = means_of(program, Clock())
    with program.session() as session:
        session.execute(
            update(TENURE)
            .where(TENURE.c.person_id == program.people["manager_two"], TENURE.c.role == "manager")
            .values(ends_on=TODAY + timedelta(days=40))
        )
    assert look_at_hands(means) == 0


@pytest.mark.ci
def test_a_departure_that_is_called_off_puts_the_roles_back_and_asks_for_nothing_more(program: Cast) -> None:
    means = means_of(program, Clock())
    case_id = leave(program, LEAVER, PLACE)
    carry_all(means)
    with program.session() as session:
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=AT, reason="Stays after all")
    carry_all(means)
    assert roles(program, LEAVER) == [("youth_worker", None)]
    assert look_at_hands(means) == 0
    with program.session() as session:
        cases.reopen_case(session, case_id, by=program.actor("coordinator"), at=AT, reason="Leaves all the same")
    carry_all(means)
    assert roles(program, LEAVER) == [("youth_worker", LAST_DAY)]


@pytest.mark.ci
def test_a_role_that_ends_though_its_departure_was_called_off_is_seen_to_once_the_notice_begins(program: Cast) -> None:
    """Its end was agreed on, and nobody prolonged it: whoever holds it leaves, with all that they have in hand."""
    clock = Clock()
    means = means_of(program, clock)
    ends_on = TODAY + unopened.NOTICE + timedelta(days=10)
    with program.session() as session:
        lend(session, program.people[LEAVER], "SN-1")
        (held,) = standing(session, TODAY).roles_of(program.people[LEAVER])
        people.end_tenure(session, held.id, ends_on=ends_on, by=program.actor("manager_codim"), at=AT)
    case_id = leave(program, LEAVER, PLACE, last_day=TODAY + timedelta(days=5))
    carry_all(means)
    with program.session() as session:
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=AT, reason="Stays after all")
    carry_all(means)

    def looked_at(days: int) -> list[Any]:
        clock.now = AT + timedelta(days=days)
        look_at_hands(means)
        with program.session() as session:
            asks = text("select id, state from \"case\" where protocol = 'departure' order by opened_at")
            return list(session.execute(asks).all())

    assert [[row.state for row in looked_at(days)] for days in (0, 9)] == [["cancelled"]] * 2
    found = looked_at(10)
    assert [row.state for row in found] == ["cancelled", "open"]
    assert [row.state for row in asked(program, found[1].id, "return_equipment")] == ["open"]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("days", [-10, 10])
def test_a_role_that_is_prolonged_or_shortened_takes_the_last_day_of_the_departure_along(
    program: Cast, days: int
) -> None:
    """By the person's own page, say: the doors close when the roles end, and neither before nor after."""
    clock, moved = Clock(), LAST_DAY + timedelta(days=days)
    means = means_of(program, clock)
    case_id = leave(program, LEAVER, PLACE)
    other = leave(program, "police", "spvm")
    with program.session() as session:
        (held,) = standing(session, TODAY).roles_of(program.people[LEAVER])
        people.end_tenure(session, held.id, ends_on=moved, by=program.actor("coordinator"), at=AT)
    assert (close_doors(means), close_doors(means)) == (1, 0)
    with program.session() as session:
        departure, untouched = (departure_row.departure_of(session, one) for one in (case_id, other))
        assert departure is not None
        assert untouched is not None
        assert (departure.last_day, untouched.last_day) == (moved, LAST_DAY)
    (material, *_) = asked(program, case_id, "return_material")
    assert material.due_on == moved
    clock.now = AT.replace(hour=4, minute=59, second=59) + timedelta(days=15 + days)
    close_doors(means)
    assert open_doors(program) == (1, 1)
    clock.pass_by(seconds=1)
    close_doors(means)
    assert open_doors(program) == (0, 0)


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("state", ["open", "closed"])
def test_a_role_that_is_prolonged_once_its_departure_was_over_is_seen_to_when_it_ends_after_all(
    program: Cast, state: str
) -> None:
    """By the same departure while its case is open, else by another."""
    clock = Clock()
    means = means_of(program, clock)
    case_id = leave(program, LEAVER, PLACE, last_day=TODAY, planned=False)
    with program.session() as session:
        session.execute(
            text('update "case" set state = :state, ended_at = :at where id = :id'),
            {"state": state, "at": AT if state == "closed" else None, "id": case_id},
        )
        tenure = session.execute(select(TENURE.c.id).where(TENURE.c.person_id == program.people[LEAVER])).scalar_one()
        people.end_tenure(session, tenure, ends_on=LAST_DAY, by=program.actor("coordinator"), at=AT)
        lend(session, program.people[LEAVER], "SN-1")
    for _ in range(2):
        close_doors(means)
        look_at_hands(means)

    def departures_now() -> list[tuple[date, bool]]:
        with program.session() as session:
            rows = session.execute(select(DEPARTURE).order_by(DEPARTURE.c.last_day))
            return [(row.last_day, row.ended_at is not None) for row in rows]

    before = [] if state == "open" else [(TODAY - timedelta(days=1), True)]
    assert departures_now() == [*before, (LAST_DAY, False)]
    clock.pass_by(days=15)
    close_doors(means)
    look_at_hands(means)
    assert departures_now() == [*before, (LAST_DAY, True)]
    with program.session() as session:
        asking = session.scalars(text("select state from task where step = 'return_equipment'")).all()
    assert asking == ["open"]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("days", [-5, 10])
def test_what_was_settled_for_the_day_after_the_last_one_goes_with_it(program: Cast, days: int) -> None:
    """The seat of who leaves, and who follows in the role, with the case that welcomes them."""
    moved, follows = LAST_DAY + timedelta(days=days), program.people["worker_ccsmtl"]
    with program.session() as session:
        seat_somebody(session, "clinical", program.organizations[PLACE], program.people[LEAVER])
    case_id = leave(program, LEAVER, PLACE)
    for step in ("find_successor", "pass_on_seats"):
        settle(program, asked(program, case_id, step)[0].id, to="worker_ccsmtl")
    with program.session() as session:
        (held,) = standing(session, TODAY).roles_of(program.people[LEAVER])
        people.end_tenure(session, held.id, ends_on=moved, by=program.actor("coordinator"), at=AT)
    close_doors(means_of(program, Clock()))
    with program.session() as session:
        sits = session.execute(text("select person_id, starts_on, ends_on from seat_holder order by starts_on")).all()
        begins = session.scalars(
            select(TENURE.c.starts_on).where(
                TENURE.c.person_id == follows, TENURE.c.organization_id == program.organizations[PLACE]
            )
        ).one()
        arrival = session.scalars(
            text("select anchors ->> 'arrival' from \"case\" where subject_id = :who"), {"who": follows}
        ).one()
    first = moved + timedelta(days=1)
    assert [(row.person_id, row.ends_on) for row in sits] == [(program.people[LEAVER], moved), (follows, None)]
    assert (sits[1].starts_on, begins, arrival) == (first, first, first.isoformat())


@pytest.mark.ci
def test_a_departure_carried_takes_in_what_arrived(program: Cast) -> None:
    means = means_of(program, Clock())
    case_id = leave(program, LEAVER, PLACE)
    carry_all(means)
    with program.session() as session:
        lend(session, program.people[LEAVER], "SN-7")
    assert look_at_hands(means) == 1
    assert len(asked(program, case_id, "return_equipment")) == 1


def test_a_forgotten_private_address_of_who_left_long_ago_is_closed(program: Cast) -> None:
    """Whichever way somebody came to hold nothing, their calendar address ends."""
    with program.session() as session:
        session.execute(
            update(TENURE)
            .where(TENURE.c.person_id == program.people[LEAVER])
            .values(ends_on=TODAY - timedelta(days=90), starts_on=TODAY - timedelta(days=400))
        )
    assert close_doors(means_of(program, Clock())) == 1
    assert open_doors(program)[1] == 0


@pytest.mark.ci
def test_an_account_that_was_closed_is_looked_at_again_a_week_later_and_once(program: Cast) -> None:
    clock = Clock()
    means = means_of(program, clock)
    with program.session() as session:
        open_account(session, program.people[LEAVER], "g.schist")
    case_id = leave(program, LEAVER, PLACE, last_day=TODAY, planned=False)
    settle(program, asked(program, case_id, "close_accounts")[0].id, ended="closed")

    def looked_at() -> int:
        look_at_hands(means)
        with program.session() as session:
            return int(
                session.execute(text("select count(*) from task where step = 'account.look_again'")).scalar_one()
            )

    assert looked_at() == 0
    clock.pass_by(days=7)
    assert (looked_at(), looked_at()) == (1, 1)
