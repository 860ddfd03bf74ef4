"""A departure that is opened by page, by JSON or by a date reached: always the same effects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.access import sign_ins
from domain.people import people
from flows.departing import look_at_hands
from models.access import BrowserSession
from models.base import table_of
from models.casework import Responsibility
from models.departure import Departure
from models.record import Event
from tests.api.application import client_for
from tests.api.json.window import Asker
from tests.cast import Arranged, Cast
from tests.conftest import Copies
from tests.departing import TASK, TENURE, come_back, leave, lend, open_account, record_protocols
from tests.flows.support import Clock, means_of
from tests.following import SECOND, WORKER, agreed, followed

SIGN_IN = table_of(BrowserSession)
_departure, _event, _responsibility = table_of(Departure), table_of(Event), table_of(Responsibility)

#: The day of the run, for every window.
NOW = datetime.now(UTC).replace(microsecond=0)
LAST_DAY: date = (NOW + timedelta(days=14)).date()
GONE: date = (NOW - timedelta(days=9)).date()
PLACE = "ccsmtl"


@pytest.fixture
def leaving(cast: Cast, arranged: Arranged[None]) -> Cast:
    """A youth worker who accompanies somebody and has a phone and an account; nobody said yet that they leave."""
    arranged(cast, prepare)
    return cast


def prepare(cast: Cast) -> None:
    record_protocols(cast)
    with cast.session() as session:
        agreed(session, cast)
        followed(session, cast, "#2026-01", second=SECOND)
        lend(session, cast.people[WORKER], "SN-1")
        open_account(session, cast.people[WORKER], "s.marbre")


def by_json(cast: Cast) -> None:
    shown = coordinator(cast).post("/departures", given(cast))
    assert {one["kind"] for one in shown["left"]} >= {"follow_up", "equipment", "account"}


def by_a_date_reached(cast: Cast) -> None:
    with cast.session() as session:
        tenure = session.execute(select(TENURE.c.id).where(TENURE.c.person_id == cast.people[WORKER])).scalar_one()
        people.end_tenure(session, tenure, ends_on=LAST_DAY, by=cast.actor("coordinator"), at=NOW)
    assert look_at_hands(means_of(cast, Clock(NOW))) == 1


def given(cast: Cast) -> dict[str, Any]:
    return {
        "person_id": str(cast.people[WORKER]),
        "organization_id": str(cast.organizations[PLACE]),
        "last_day": LAST_DAY.isoformat(),
        "planned": True,
    }


def coordinator(cast: Cast) -> Asker:
    return Asker(cast, "coordinator", at=NOW)


def effects(cast: Cast) -> dict[str, Any]:
    """What a departure changed, whoever asked for it: ends of roles, what is asked of whom by when, what is told."""
    with cast.session() as session:
        (departure,) = session.execute(select(_departure)).mappings()
        tasks = session.execute(
            select(TASK, _responsibility.c.digest)
            .outerjoin(_responsibility, _responsibility.c.id == TASK.c.owed_by_id)
            .where(TASK.c.case_id == departure["case_id"])
        ).mappings()
        told = session.execute(select(_event.c.verb).where(_event.c.case_id == departure["case_id"])).scalars()
        ends = session.execute(select(TENURE.c.ends_on).where(TENURE.c.person_id == cast.people[WORKER])).scalars()
        return {
            "departure": (departure["last_day"], departure["planned"], departure["ended_at"]),
            "ends": list(ends),
            "asked": sorted(
                (one["step"], one["holding"], one["title_en"], one["state"], str(one["due_on"]), one["digest"] or "")
                for one in tasks
            ),
            "told": set(told),  # whoever opened it needs no letter about it
        }


@pytest.fixture(scope="module")
def of_the_page(copies: Copies, cast_template: tuple[str, Cast]) -> dict[str, Any]:
    """What a departure opened from the page changed."""
    name, built = cast_template
    with copies.of(name) as database:
        cast = built.on(database)
        copies.arrange(database, prepare, lambda: prepare(cast))
        who = f"{cast.people[WORKER]}/{cast.organizations[PLACE]}"
        client = client_for(cast.database, cast.people["coordinator"], at=NOW)
        answer = client.post("/departures", data={"who": who, "last_day": LAST_DAY.isoformat()})
        assert answer.status_code == 303
        found = effects(cast)
    assert len(found["asked"]) > 15
    return found


@pytest.mark.ci
@pytest.mark.wide(3)
@pytest.mark.parametrize("open_it", [by_json, by_a_date_reached])
def test_by_whatever_window_a_departure_is_opened_its_effects_are_those_of_the_page(
    leaving: Cast, of_the_page: dict[str, Any], open_it: Callable[[Cast], None]
) -> None:
    open_it(leaving)
    assert effects(leaving) == of_the_page


def gone_by_page(cast: Cast) -> None:
    who = f"{cast.people[WORKER]}/{cast.organizations[PLACE]}"
    client = client_for(cast.database, cast.people["coordinator"], at=NOW)
    answer = client.post("/departures", data={"who": who, "last_day": GONE.isoformat(), "gone": "yes"})
    assert answer.status_code == 303


def gone_by_json(cast: Cast) -> None:
    coordinator(cast).post("/departures", {**given(cast), "last_day": GONE.isoformat(), "planned": False})


@pytest.mark.ci
@pytest.mark.wide(3)
@pytest.mark.parametrize("open_it", [gone_by_page, gone_by_json])
def test_of_who_has_gone_already_every_window_ends_at_once_what_lets_them_in_and_asks_for_what_they_had(
    leaving: Cast, open_it: Callable[[Cast], None]
) -> None:
    with leaving.session() as session:
        sign_ins.begin(session, leaving.people[WORKER], means="passkey", device="", at=NOW)
    open_it(leaving)
    with leaving.session() as session:
        still_in = SIGN_IN.c.person_id == leaving.people[WORKER], SIGN_IN.c.ended_at.is_(None)
        assert session.scalars(select(SIGN_IN.c.id).where(*still_in)).all() == []
    found = effects(leaving)
    last_day, planned, ended_at = found["departure"]
    assert (last_day, planned, ended_at is not None, found["ends"]) == (GONE, False, True, [GONE])
    still_asked = {kind for _, kind, _, state, *_ in found["asked"] if state == "open"}
    assert still_asked >= {"follow_up", "equipment", "account", "tenure"}
    assert {"departure.opened", "departure.last_day_over"} <= found["told"]


@pytest.mark.ci
def test_a_departure_asked_for_twice_under_one_key_is_opened_once_and_one_without_is_refused(leaving: Cast) -> None:
    asker = coordinator(leaving)
    first = asker.ask("POST", "/departures", given(leaving), key="one-departure")
    again = asker.ask("POST", "/departures", given(leaving), key="one-departure")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["location"] == first.headers["location"]
    assert asker.ask("POST", "/departures", given(leaving)).status_code == 409


def again_by_page(cast: Cast) -> None:
    """It is offered on their own page, and among the departures."""
    who = f"{cast.people[WORKER]}/{cast.organizations[PLACE]}"
    client = client_for(cast.database, cast.people["coordinator"], at=NOW)
    assert f"/departures?person={who}" in client.get(f"/people/{cast.people[WORKER]}").text
    assert f'<option value="{who}"' in client.get("/departures").text
    answer = client.post("/departures", data={"who": who, "last_day": LAST_DAY.isoformat()})
    assert answer.status_code == 303
    assert f"/departures?person={who}" not in client.get(f"/people/{cast.people[WORKER]}").text
    assert f'<option value="{who}"' not in client.get("/departures").text


def again_by_json(cast: Cast) -> None:
    coordinator(cast).post("/departures", given(cast))


def again_by_a_date_reached(cast: Cast) -> None:
    with cast.session() as session:
        tenure = TENURE.c.person_id == cast.people[WORKER], TENURE.c.ends_on.is_(None)
        tenure_id = session.execute(select(TENURE.c.id).where(*tenure)).scalar_one()
        people.end_tenure(session, tenure_id, ends_on=LAST_DAY, by=cast.actor("coordinator"), at=NOW)
    look_at_hands(means_of(cast, Clock(NOW)))


@pytest.mark.ci
@pytest.mark.wide(4)
@pytest.mark.parametrize("open_it", [again_by_page, again_by_json, again_by_a_date_reached])
def test_who_came_back_leaves_a_second_time_by_every_window_while_their_first_departure_is_open(
    cast: Cast, open_it: Callable[[Cast], None]
) -> None:
    record_protocols(cast)
    with cast.session() as session:
        lend(session, cast.people[WORKER], "SN-1", at=NOW - timedelta(days=30))
    first = leave(cast, WORKER, PLACE, last_day=GONE, planned=False, at=NOW - timedelta(days=8))
    come_back(cast, WORKER, PLACE, starts_on=GONE + timedelta(days=5), at=NOW - timedelta(days=8))
    with cast.session() as session:
        lend(session, cast.people[WORKER], "SN-2", at=NOW)
    open_it(cast)
    with cast.session() as session:
        opened = session.execute(select(_departure.c.case_id, _departure.c.last_day)).all()
        ((again, last_day),) = [row for row in opened if row.case_id != first]
        assert last_day == LAST_DAY
        wanted = TASK.c.step == "return_equipment", TASK.c.state == "open"
        found = session.execute(select(TASK.c.case_id, TASK.c.title_en).where(*wanted)).all()
    phones = {(row.case_id, row.title_en.rpartition(" ")[2]) for row in found}
    assert phones == {(first, "SN-1"), (again, "SN-1"), (again, "SN-2")}
