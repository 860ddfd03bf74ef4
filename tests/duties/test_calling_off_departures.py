"""A departure that is cancelled: the roles go on, or it is refused with what to do first; what was taken is theirs."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from duties.actors import Actor
from duties.casework import cases
from duties.departure import departures
from duties.here import many
from duties.roles import standing
from flows.departing import close_doors, look_at_hands
from models.base import table_of
from models.program import Tenure
from tests.casework import carry, case_row
from tests.cast import AT, LOADING, TODAY, Cast
from tests.departing import LAST_DAY, TASK, asked, come_back, leave, record_protocols, roles, settle
from tests.flows.support import Clock, means_of
from tests.refusing import refused

TENURE = table_of(Tenure)
LEAVER, PLACE, FOLLOWS = "manager_em", "en-marge", "deputy"
FIRST = LAST_DAY + timedelta(days=1)


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    return cast


def on(day: date) -> datetime:
    return AT + (day - TODAY)


def cancel(cast: Cast, case_id: UUID, *, by: Actor | None = None, at: datetime = AT) -> None:
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=by or cast.actor("coordinator"), at=at, reason="Elle reste.")


def end(cast: Cast, who: str, role: str, ends_on: date, *, at: datetime = AT) -> None:
    with cast.session() as session:
        held = (TENURE.c.person_id == cast.people[who], TENURE.c.role == role)
        tenure_id = session.scalars(select(TENURE.c.id).where(*held).order_by(TENURE.c.starts_on.desc())).first()
        departures.end_role(session, tenure_id, ends_on=ends_on, by=cast.actor("coordinator"), at=at)


def manages(cast: Cast, day: date) -> list[str]:
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        found = standing(session, day).holding("manager", cast.organizations[PLACE])
        return [names[one.person_id] for one in found]


def handed_on(cast: Cast) -> UUID:
    """The manager of En Marge leaves, and somebody is named to manage it from the day after."""
    case_id = leave(cast, LEAVER, PLACE)
    settle(cast, asked(cast, case_id, "find_successor")[0]["id"], to=FOLLOWS)
    return case_id


def looked_at(cast: Cast, at: datetime) -> list[str]:
    """What the departures are after the engine's looks, the oldest first."""
    means = means_of(cast, Clock(at))
    close_doors(means)
    look_at_hands(means)
    with cast.session() as session:
        return list(session.scalars(text("select state from \"case\" where protocol = 'departure' order by opened_at")))


@pytest.mark.parametrize(
    ("day", "by"),
    [
        (TODAY, "coordinator"),
        pytest.param(LAST_DAY, "coordinator", marks=pytest.mark.ci),
        pytest.param(FIRST, "manager_ccsmtl", marks=pytest.mark.ci),
        pytest.param(FIRST + timedelta(days=30), "coordinator", marks=pytest.mark.ci),
    ],
)
def test_a_departure_whose_role_another_is_to_hold_is_not_cancelled_on_any_day_and_it_is_said_what_to_do_first(
    program: Cast, day: date, by: str
) -> None:
    case_id = handed_on(program)
    looked_at(program, on(day))
    with refused("departure.role_taken") as why:
        cancel(program, case_id, by=program.actor(by), at=on(day))
    assert why.value.facts["role"]["en"] == "Manager, En Marge 12-17"
    assert why.value.facts["first_day"] == FIRST.isoformat()
    with program.session() as session:
        assert case_row(session, case_id)["state"] == "open", "and it goes on"
        assert not departures.is_called_off(session, case_id)
        assert many(session, select(TASK).where(TASK.c.step == departures.ROLE_TAKEN)) == []


@pytest.mark.ci
@pytest.mark.parametrize("day", [TODAY, LAST_DAY, FIRST + timedelta(days=30)])
def test_once_the_others_appointment_is_ended_the_cancelling_gives_the_role_again_from_the_day_after(
    program: Cast, day: date
) -> None:
    """The advice can be followed, however often it is opened and cancelled again; and no departure opens by itself."""
    case_id = handed_on(program)
    carry(program, case_id)
    looked_at(program, on(day))
    last = max(FIRST, day)
    end(program, FOLLOWS, "manager", last, at=on(day))
    again = last + timedelta(days=1)
    for hours in (1, 3):
        at = on(day) + timedelta(hours=hours)
        cancel(program, case_id, at=at)
        carry(program, case_id, at=at)
        assert [manages(program, one) for one in (LAST_DAY, last, again)] == [[LEAVER], [FOLLOWS], [LEAVER]]
        states = looked_at(program, at)
        assert states[0] == "cancelled"
        with program.session() as session:
            assert departures.due_to_open(session, at, program.people[LEAVER]) == []
            kept = select(TASK.c.act_state).where(TASK.c.case_id == case_id, TASK.c.step == "keep_last_day")
            assert session.execute(kept).scalar_one() == "undone"
            assert many(session, select(TASK).where(TASK.c.step == departures.ROLE_TAKEN)) == []
        if hours == 1:
            with program.session() as session:
                cases.reopen_case(
                    session, case_id, by=program.actor("coordinator"), at=at + timedelta(hours=1), reason="Leaves"
                )
                departures.take_up_again(session, case_id, by=LOADING, at=at + timedelta(hours=1))
            assert manages(program, again) == [], "they leave after all"


@pytest.mark.ci
def test_once_the_others_first_day_is_moved_behind_an_agreed_end_the_departure_is_cancelled(program: Cast) -> None:
    agreed_end = LAST_DAY + timedelta(days=60)
    end(program, LEAVER, "manager", agreed_end)
    case_id = handed_on(program)
    with refused("departure.role_taken"):
        cancel(program, case_id)
    end(program, LEAVER, "manager", agreed_end)
    cancel(program, case_id)
    assert ("manager", agreed_end) in roles(program, LEAVER)
    assert manages(program, agreed_end + timedelta(days=1)) == [FOLLOWS]
    assert looked_at(program, AT + timedelta(hours=1)) == ["cancelled"]


@pytest.mark.ci
@pytest.mark.parametrize("other_ends", [None, LAST_DAY - timedelta(days=2)])
def test_of_several_roles_one_that_goes_on_lets_it_be_cancelled_and_one_that_ends_before_does_not(
    program: Cast, other_ends: date | None
) -> None:
    come_back(program, LEAVER, PLACE, role="second_representative", starts_on=TODAY - timedelta(days=30))
    if other_ends:
        end(program, LEAVER, "second_representative", other_ends)
    case_id = leave(program, LEAVER, PLACE)
    of_manager = next(row for row in asked(program, case_id, "find_successor") if "Manager" in row["title_en"])
    settle(program, of_manager["id"], to=FOLLOWS)
    if other_ends:
        with refused("departure.role_taken"):
            cancel(program, case_id)
        return
    cancel(program, case_id)
    assert roles(program, LEAVER) == [("manager", LAST_DAY), ("second_representative", None)]
    with program.session() as session:
        (task,) = many(session, select(TASK).where(TASK.c.step == departures.ROLE_TAKEN))
    assert (task["state"], task["item"]) == ("open", str(case_id))
    for days in (0, 15, 60):
        assert looked_at(program, AT + timedelta(days=days, hours=1)) == ["cancelled"], "none opens by itself"


@pytest.mark.ci
def test_who_was_given_the_role_again_meanwhile_stays_in_it_and_nobody_asks_who_holds_it(program: Cast) -> None:
    case_id = leave(program, LEAVER, PLACE)
    come_back(program, LEAVER, PLACE, role="manager", starts_on=FIRST)
    cancel(program, case_id)
    assert [manages(program, day) for day in (LAST_DAY, FIRST)] == [[LEAVER], [LEAVER]]
    with program.session() as session:
        assert many(session, select(TASK).where(TASK.c.step == departures.ROLE_TAKEN)) == []
    assert looked_at(program, AT + timedelta(hours=1)) == ["cancelled"]
