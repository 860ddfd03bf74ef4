"""Whoever is turned away is in the record: from which action, of which thing; bounded, and with nothing typed."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update

from adapters.database import make_engine
from api.access.session import Installation
from domain.kernel.actors import Actor
from domain.record import turned_away
from domain.record.turned_away import LEFT_OUT, LISTED, REFUSED, tell_left_out
from flows.sweep import sweep
from meetings import feeds
from models.access import BrowserSession
from models.base import table_of
from models.record import Event
from tests.api.application import client_for, nobody
from tests.casework import open_onboarding, step
from tests.cast import AT, Cast
from tests.flows.support import Clock, means_of

_event = table_of(Event)
_sign_in = table_of(BrowserSession)


def lines(cast: Cast) -> list[dict[str, Any]]:
    """What the record has of refusals in this program, oldest first."""
    with cast.session() as session:
        rows = session.execute(
            select(_event).where(_event.c.verb.in_([REFUSED, LEFT_OUT])).order_by(_event.c.n)
        ).mappings()
        return [dict(row) for row in rows]


@pytest.fixture
def case_id(cast: Cast) -> UUID:
    return open_onboarding(cast)


@pytest.fixture
def police(cast: Cast) -> TestClient:
    """Someone to whom no case is shown."""
    return client_for(cast.database, cast.people["police"])


def later(client: TestClient, at: datetime) -> None:
    """Set the clock of the office that a browser asks."""
    app: Any = client.app
    installation: Installation = app.state.installation
    app.state.installation = replace(installation, clock=lambda: at)


def test_a_refusal_says_who_asked_for_what_of_which_thing(cast: Cast, police: TestClient, case_id: UUID) -> None:
    assert police.get(f"/cases/{case_id}?history=all").status_code == 404
    (line,) = lines(cast)
    assert (line["actor_id"], line["actor_as"]) == (cast.people["police"], "police_representative")
    # It is about the one who asked: no history of the case tells who tried to see it.
    assert (line["subject_kind"], line["subject_id"], line["case_id"]) == ("person", cast.people["police"], None)
    assert line["facts"] == {"action": "see_case", "why": "not_theirs", "kind": "case", "asked": str(case_id)}


def test_of_several_things_in_a_path_it_is_the_last_that_was_asked_for(cast: Cast, police: TestClient) -> None:
    person, tenure = cast.people["worker_em"], uuid4()
    assert police.post(f"/people/{person}/roles/{tenure}/end", data={"ends_on": "2026-12-01"}).status_code == 404
    (line,) = lines(cast)
    assert (line["facts"]["action"], line["facts"]["kind"], line["facts"]["asked"]) == ("end_tenure", "tenure", None)


def test_whoever_asks_for_anothers_own_as_theirs_is_refused_and_it_is_on_record(cast: Cast, police: TestClient) -> None:
    """A calendar address, a letter and a drafted year: each of another person, program or committee."""
    with cast.session() as session:
        who = cast.people["coordinator"]
        feeds.make(session, who, by=cast.actor("coordinator"), at=AT)
        (feed,) = feeds.feeds_of(session, who)
    for address in (f"/my-calendar/{feed.id}/end", f"/api/v1/calendar-feeds/{feed.id}/ending"):
        assert police.post(address).status_code == 404, address
    assert [(line["facts"]["action"], line["facts"]["asked"]) for line in lines(cast)] == [
        ("end_feed", str(feed.id))
    ] * 2
    with cast.session() as session:
        assert len(feeds.feeds_of(session, who)) == 1, "and it is open still"
    coordinator = client_for(cast.database, who)
    for address in (
        f"/api/v1/post/{uuid4()}/retry",
        f"/committees/steering/drafts/{uuid4()}/dismissal",
        f"/api/v1/committees/steering/drafts/{uuid4()}/dismissal",
    ):
        assert coordinator.post(address).status_code == 404, address
    assert [line["facts"]["action"] for line in lines(cast)[2:]] == ["resend_post", "plan_meetings", "plan_meetings"]


def test_an_id_that_is_not_this_programs_is_not_written_down(cast: Cast, police: TestClient) -> None:
    theirs = open_onboarding(cast.other)
    for asked in (theirs, uuid4()):
        assert police.get(f"/cases/{asked}").status_code == 404
        assert police.post(f"/api/v1/tasks/{asked}/completion", json={"note": "zq7canary"}).status_code == 404
    assert [line["facts"]["asked"] for line in lines(cast)] == [None] * 4
    assert lines(cast.other) == []
    with cast.session() as session:
        written = session.scalar(text("select string_agg(facts::text, ' ') from event"))
    assert written is not None
    assert "zq7canary" not in written
    assert str(theirs) not in written


def test_what_is_refused_by_an_act_is_undone_and_the_line_stays(cast: Cast, police: TestClient, case_id: UUID) -> None:
    with cast.session() as session:
        task = step(session, case_id, "request_secure_access")
    answer = police.post(f"/tasks/{task['id']}/completion", data={"seen": task["version"], "words": "Fait."})
    assert answer.status_code == 404
    with cast.session() as session:
        assert step(session, case_id, "request_secure_access")["version"] == task["version"]
    assert [line["facts"]["action"] for line in lines(cast)] == ["complete_task"]


def test_the_pages_of_activity_do_not_show_who_was_turned_away(cast: Cast, police: TestClient, case_id: UUID) -> None:
    """The coordinator reads what happened in the program; who tried to see what is the privacy officer's."""
    police.get(f"/cases/{case_id}")
    assert len(lines(cast)) == 1
    coordinator = client_for(cast.database, cast.people["coordinator"])
    for address in ("/activity?all=1", f"/activity?all=1&person={cast.people['police']}", "/api/v1/events?limit=200"):
        answer = coordinator.get(address)
        assert answer.status_code == 200
        assert "access.refused" not in answer.text
        assert "was refused" not in answer.text
    shown = coordinator.get("/api/v1/events?limit=200").json()
    assert shown["older"] is None


@pytest.mark.ci
def test_no_more_than_so_many_are_listed_in_a_minute_and_the_rest_is_counted(cast: Cast, police: TestClient) -> None:
    for _ in range(LISTED + 7):
        assert police.get(f"/cases/{uuid4()}").status_code == 404
    assert [line["verb"] for line in lines(cast)] == [REFUSED] * LISTED
    # The next one, in another minute, tells first how many were left out.
    later(police, AT + timedelta(minutes=3))
    police.get(f"/cases/{uuid4()}")
    told = lines(cast)[LISTED:]
    assert [line["verb"] for line in told] == [LEFT_OUT, REFUSED]
    assert told[0]["facts"] == {"minute": "2026-11-23T14:00+00:00", "left_out": 7}
    assert told[0]["subject_id"] == cast.people["police"]


@pytest.mark.ci
def test_what_was_left_out_is_told_once_by_whoever_looks_first(cast: Cast, police: TestClient) -> None:
    for _ in range(LISTED + 1):
        police.get(f"/cases/{uuid4()}")
    told = []
    for minutes in (0, 1, 2):
        with cast.session() as session:
            told.append(tell_left_out(session, at=AT + timedelta(minutes=minutes)))
    assert told == [0, 1, 0]
    assert [line["facts"]["left_out"] for line in lines(cast) if line["verb"] == LEFT_OUT] == [1]


@pytest.mark.ci
def test_one_persons_refusals_leave_room_for_anothers(cast: Cast, police: TestClient) -> None:
    for _ in range(LISTED + 3):
        police.get(f"/cases/{uuid4()}")
    client_for(cast.database, cast.people["worker_codim"]).get(f"/cases/{uuid4()}")
    assert [line["actor_id"] for line in lines(cast)][-1] == cast.people["worker_codim"]


def test_of_many_at_once_each_is_counted(cast: Cast) -> None:
    """In several processes alike: the count is the database's."""
    by, each = Actor("police_representative", cast.people["police"]), 4

    def tell(_: int) -> None:
        for _ in range(each):
            with cast.session() as session:
                turned_away.tell(session, by=by, at=AT, action="see_case", why="not_theirs", kind="case", asked=uuid4())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, range(8)))
    assert len(lines(cast)) == LISTED
    with cast.session() as session:
        tell_left_out(session, at=AT + timedelta(minutes=1))
    assert [line["facts"]["left_out"] for line in lines(cast)[LISTED:]] == [8 * each - LISTED]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"seen_at": AT - timedelta(minutes=31)}, "lapsed"),
        ({"ended_at": AT, "ended_as": "ended_elsewhere"}, "ended"),
        ({"ended_at": AT, "ended_as": "left"}, "left"),
    ],
)
def test_whose_sign_in_no_longer_holds_is_known_and_told(
    cast: Cast, police: TestClient, changed: dict[str, Any], why: str
) -> None:
    with cast.session() as session:
        session.execute(update(_sign_in).where(_sign_in.c.person_id == cast.people["police"]).values(**changed))
    assert police.get("/cases").headers["location"] == "/sign-in"
    assert police.get("/api/v1/me").status_code == 401
    told = lines(cast)
    assert [line["facts"]["why"] for line in told] == [why, why]
    assert [line["facts"]["action"] for line in told] == ["see_cases", "see_my_work"]
    assert {line["actor_id"] for line in told} == {cast.people["police"]}


def test_a_sign_in_of_yesterday_that_was_never_idle_has_lapsed(cast: Cast, police: TestClient) -> None:
    at = AT + timedelta(hours=11)
    with cast.session() as session:
        session.execute(
            update(_sign_in)
            .where(_sign_in.c.person_id == cast.people["police"])
            .values(seen_at=at - timedelta(minutes=2))
        )
    later(police, at)
    assert police.get("/api/v1/me").status_code == 401
    assert [line["facts"]["why"] for line in lines(cast)] == ["lapsed"]


def test_a_stranger_is_in_the_log_and_not_in_the_record(
    cast: Cast, caplog: pytest.LogCaptureFixture, case_id: UUID
) -> None:
    stranger = nobody(cast.database)
    stranger.cookies.set("spheres", "zq7canary")
    with caplog.at_level(logging.INFO, logger="spheres.web"):
        assert stranger.get(f"/cases/{case_id}").status_code == 303
    assert lines(cast) == []
    (line,) = [record for record in caplog.records if record.getMessage() == "turned away"]
    assert (line.__dict__["action"], line.__dict__["why"]) == ("see_case", "anonymous")
    assert "zq7canary" not in caplog.text
    assert str(case_id) not in caplog.text


def test_a_refusal_that_cannot_be_told_is_not_answered(cast: Cast, police: TestClient, case_id: UUID) -> None:
    """Nobody learns by a 404 what the record does not hold."""
    app: Any = police.app
    installation: Installation = app.state.installation
    away = make_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")

    class _LosesIt(Installation):
        def of_program(self, program_id: UUID) -> Any:
            return replace(installation, engine=away).of_program(program_id)

    app.state.installation = _LosesIt(**installation.__dict__)
    assert police.get(f"/cases/{case_id}").status_code == 503
    assert lines(cast) == []


@pytest.mark.ci
def test_the_sweep_tells_what_was_left_out_of_those_who_ask_no_more(cast: Cast, police: TestClient) -> None:
    for _ in range(LISTED + 2):
        police.get(f"/cases/{uuid4()}")
    clock = Clock(AT + timedelta(hours=2))
    for _ in range(2):
        clock.pass_by(minutes=15)
        sweep(means_of(cast, clock), cast.program_id, "worker")
    assert [line["facts"]["left_out"] for line in lines(cast) if line["verb"] == LEFT_OUT] == [2]
