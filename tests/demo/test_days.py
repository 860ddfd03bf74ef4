"""The demonstration is really loaded, on the days on which it is likeliest to fail; and what a failure leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, cast

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import event, func, select, update
from sqlmodel import Session

from adapters.database import make_engine, open_session, program_session
from api.cli.ready import forget_unfinished_demonstration
from api.cli.spoken import Ending
from demo.loading import Demonstration
from domain.kernel.actors import LOADER, Actor
from domain.kernel.refusals import Refusal
from domain.people import absences
from models.base import table_of
from models.casework import Case
from models.meeting import Meeting
from models.outbox import Notice
from models.participant import Participant
from models.program import Person, Program
from models.record import Event
from tests.api.application import nobody
from tests.cast import KEYS, letter_templates
from tests.conftest import Database

_program = table_of(Program)
_event = table_of(Event)
_person = table_of(Person)
_meeting = table_of(Meeting)

KEYED: Final = {"Idempotency-Key": "an-absence", "Origin": "http://testserver"}
#: How often a browser asks while the year is written.
ASKED: Final = 7

#: Beside the day of this run, on which a test below loads it: the hour after the one that is not there; the Saturday on
#: which it once failed; a day that few years have; the first of a year, and half an hour into one.
DAYS = {
    "a Sunday of a clock change": datetime(2027, 3, 14, 7, 30, tzinfo=UTC),
    "the day of its weekly meeting": datetime(2026, 12, 2, 23, tzinfo=UTC),
    "a Saturday": datetime(2026, 11, 28, 17, tzinfo=UTC),
    "29 February": datetime(2028, 2, 29, 17, tzinfo=UTC),
    "Saturday 1 January": datetime(2028, 1, 1, 17, tzinfo=UTC),
    "1 January": datetime(2027, 1, 1, 5, 30, tzinfo=UTC),
}


@pytest.mark.parametrize("at", [pytest.param(at, id=name, marks=pytest.mark.nightly) for name, at in DAYS.items()])
def test_people_and_their_year_are_loaded_on(at: datetime, database: Database) -> None:
    loaded = Demonstration(database.engine, letter_templates(), at=at, keys=KEYS)
    program_id = loaded.load()
    with program_session(database.engine, program_id) as session:
        program = session.get(Program, program_id)
        assert program is not None
        assert program.is_demonstration
        assert program.year_written_at == at
        assert _count(session, Person) == 36
        assert _count(session, Case) > 5
        assert _count(session, Participant) == 11
        assert session.scalar(select(func.count()).where(_meeting.c.state == "under_way")) == 1, "a committee sits"
        assert session.scalar(select(func.max(_event.c.at)).where(_event.c.program_id == program_id)) <= at


@pytest.fixture
def with_people(database: Database) -> Iterator[tuple[Demonstration, Session]]:
    """The demonstration's people, without the year behind them, and a session in which one can look."""
    loaded = Demonstration(database.engine, letter_templates(), at=datetime.now(UTC), keys=KEYS)
    with program_session(database.engine, loaded.load_people()) as session:
        yield loaded, session


def test_its_people_are_there_whole_before_the_year_behind_them(with_people: tuple[Demonstration, Session]) -> None:
    _, session = with_people
    program = session.get(Program, session.info["program_id"])
    assert program is not None
    assert (program.is_demonstration, program.year_written_at) == (True, None)
    assert _count(session, Person) == 36
    assert _count(session, Case) == 0


@pytest.mark.nightly
def test_a_year_that_cannot_be_written_leaves_nothing_of_itself_and_a_later_start_writes_it_on_this_very_day(
    with_people: tuple[Demonstration, Session], database: Database
) -> None:
    loaded, session = with_people
    program_id, before = session.info["program_id"], _rows(session)
    session.rollback()  # nothing is held open meanwhile

    def refuse(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("INSERT INTO follow_up"):  # months of the year are written by then
            raise Refusal("disk.full", "There is no room.")

    event.listen(database.engine, "before_cursor_execute", refuse)
    with pytest.raises(Refusal):
        loaded.write_year(program_id)
    event.remove(database.engine, "before_cursor_execute", refuse)
    assert _rows(session) == before
    session.rollback()

    loaded.write_year(program_id)
    loaded.write_year(program_id)  # once more changes nothing
    assert session.scalar(select(_program.c.year_written_at)) == loaded.at
    assert _count(session, Case) > 5


@pytest.mark.ci
def test_an_unfinished_demonstration_in_which_one_has_acted_is_begun_anew_and_a_whole_or_real_program_is_let_be(
    with_people: tuple[Demonstration, Session], database: Database
) -> None:
    loaded, session = with_people
    first, day = session.info["program_id"], loaded.today
    worker = session.scalars(select(_person.c.id).where(_person.c.key == "noe")).one()
    absences.record_absence(
        session, person_id=worker, deputy_id=None, starts_on=day, ends_on=day, by=Actor.system(LOADER), at=loaded.at
    )
    session.commit()
    _forget(database)
    again = loaded.load_people()
    assert again != first

    with program_session(database.engine, again) as whole:
        for told in ({"year_written_at": loaded.at}, {"year_written_at": None, "is_demonstration": False}):
            whole.execute(update(_program).values(**told))
            whole.commit()
            with suppress(Ending):  # of a real program it is said that nothing is loaded beside it
                _forget(database)
            assert _count(whole, Person) == 36
            whole.rollback()


def _forget(database: Database) -> None:
    engine = make_engine(database.owner_url, pool_size=1)
    try:
        with open_session(engine) as owner:
            forget_unfinished_demonstration(owner)
            owner.commit()
    finally:
        engine.dispose()


@pytest.mark.nightly
def test_while_the_year_is_written_people_come_in_and_look_around_and_nothing_is_done_yet(
    with_people: tuple[Demonstration, Session], database: Database
) -> None:
    """The year is one long transaction: what it holds must not hold up who signs in, nor be built on by them."""
    loaded, session = with_people
    browser, seen = nobody(database, demonstration=True, at=loaded.at), list[httpx2.Response]()
    app = cast("FastAPI", browser.app)
    app.state.installation = replace(app.state.installation, is_being_written=lambda: len(seen) < ASKED)
    coordinator = session.scalars(select(_person.c.id).where(_person.c.key == "solene")).one()
    entering = {"program": str(session.info["program_id"]), "person": str(coordinator)}
    absence = {"starts_on": "2026-12-21", "ends_on": "2026-12-22"}

    session.rollback()  # nothing is held open meanwhile

    def meanwhile(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("INSERT INTO follow_up") and not seen:
            seen.append(browser.get("/sign-in"))
            seen.append(browser.post("/sign-in", data=entering))
            seen.append(browser.get("/people"))
            seen.append(browser.get("/", headers={"Accept-Language": "en"}))
            seen.append(browser.get("/board", headers={"Accept-Language": "en"}))
            seen.append(browser.post(f"/api/v1/people/{coordinator}/absences", json=absence, headers=KEYED))
            seen.append(browser.post("/sign-out"))
            raise Refusal("seen.enough", "The rest of the year is not needed here.")

    event.listen(database.engine, "before_cursor_execute", meanwhile)
    with pytest.raises(Refusal):
        loaded.write_year(session.info["program_id"])
    event.remove(database.engine, "before_cursor_execute", meanwhile)

    first, entered, people, work, board, refused, left = seen
    assert "Their past year is still being written" in first.text
    assert "Solène Grand’Ourse" in first.text
    assert (entered.status_code, left.status_code) == (303, 303)
    assert "Their past year is still being written" in people.text
    assert "Your tasks will appear here." in work.text
    for said in ("All is done for today", "The engine needs attention", "The engine does not answer"):
        assert said not in work.text + board.text, "nothing was done yet, and the engine begins once the year is there"
    assert refused.status_code == 409
    assert refused.json()["code"] == "demonstration.being_written"

    assert "Their past year could not be written" in browser.get("/sign-in").text


def _count(session: Session, model: type) -> int:
    table = table_of(model)
    return session.scalar(select(func.count()).select_from(table)) or 0


def _rows(session: Session) -> dict[str, int]:
    return {one.__name__: _count(session, one) for one in (Person, Case, Notice, Participant, Event)}
