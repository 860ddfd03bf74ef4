"""What a life from a seed is for: what is asked again gives the same, and six readers see one calendar."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from psycopg import sql
from sqlmodel import Session

from domain.declarations import read_program
from domain.kernel import col, every, of
from flows.timetable import ROUNDS
from meetings import feeds
from meetings.invitees import invited_to
from models.meeting import Meeting
from models.program import Person
from simulation import nights
from simulation.cast import found
from simulation.chance import Chance, drawn_from
from simulation.faults import Faults
from simulation.hands import Answer
from simulation.journal import replay
from simulation.life import Life
from simulation.people.procedures import change_one_as_then
from simulation.running import PROGRAM, Asked, live
from simulation.world import Server, World, world_of
from tests.conftest import Copies
from tests.meetings.readers.seen import Days
from tests.meetings.readers.together import Readers

BEGINS = date(2027, 3, 1)
#: What has the server's own numbers of transactions in it: the ledger, the seals, and the letters that tell of seals.
OF_THE_SERVER: Final = {"ledger_seen", "seal", "sent_head"}
#: So many kinds of acts, and of what the engine does, come in five months, each crashed at every commit of its own.
ENOUGH_ACTS: Final = 100
LISTS = ("/work", "/people", "/meetings", "/partners", "/cases", "/caseload", "/referrals", "/decisions")


@pytest.fixture(scope="module")
def server(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server(copies.urls, tmp_path_factory.mktemp("simulated"), names=f"lived_{os.getpid()}")


def lived_in(server: Server, seed: int, live_it: Callable[[Life], None]) -> tuple[str, dict[str, str]]:
    """A life of a seed, as it is lived: the digest of its record and letters, and of each table at the end."""
    file, chance = read_program(PROGRAM), Chance(seed)
    begins = Asked(seed, 1, begins=BEGINS).first_moment(file.value)
    with drawn_from(chance.stream("entropy")), world_of(server, seed, file, begins) as world:
        life = Life(world, found(world, workers=6), Faults((), chance.stream("faults")), lambda _: "nothing")
        live_it(life)
        return life.digest_of_record(), tables(world)


def tables(world: World) -> dict[str, str]:
    """The digest of the rows of each table, but for the numbers that the server gives transactions."""
    with world.reading() as admin:
        names = [row[0] for row in admin.execute("select relname from pg_stat_user_tables where schemaname = 'public'")]
        digests = {}
        for name in sorted(set(names) - OF_THE_SERVER):
            row = admin.execute(sql.SQL(_ROWS).format(sql.Identifier(name))).fetchone()
            digests[name] = row[0] if row else ""
        return digests


_ROWS: Final = """
select md5(coalesce(string_agg(row, '' order by row), ''))
from (select md5((to_jsonb(t) - array['xid', 'message'])::text) as row from {} t) as rows
"""


@pytest.mark.nightly
@pytest.mark.parametrize("days", [4, 10])
def test_what_was_asked_in_some_days_gives_the_same_state_when_it_is_asked_again(server: Server, days: int) -> None:
    asked: list[Life] = []

    def decide(life: Life) -> None:
        life.journal.keeps = True
        for n in range(days):
            life.live(BEGINS + timedelta(days=n))
        asked.append(life)

    as_decided = lived_in(server, 31, decide)
    as_asked = lived_in(server, 31, lambda life: replay(asked[0].journal, life, lambda one, _: change_one_as_then(one)))
    assert {name: one for name, one in as_asked[1].items() if one != as_decided[1][name]} == {}
    assert as_asked == as_decided


@pytest.mark.nightly
def test_six_readers_see_each_calendar_as_the_program_has_it(server: Server, readers: Readers) -> None:
    looks = (16, 40, 60, 80)
    seen: dict[int, list[tuple[bytes, list[tuple[datetime, datetime]]]]] = {}

    def look(life: Life) -> None:
        for n in range(1, max(looks) + 1):
            life.live(BEGINS + timedelta(days=n - 1))
            if n in looks:
                seen[n] = list(_calendars(life))

    lived_in(server, 32, look)
    for n, calendars in seen.items():
        assert len(calendars) > 5
        days = Days(BEGINS + timedelta(days=n + 1), BEGINS + timedelta(days=250))
        shown = readers.read([content for content, _ in calendars], days)
        for place, (_, mine) in enumerate(calendars):
            wanted = sorted(times for times in mine if days.since <= times[0].date() < days.until)
            for name, of_reader in shown.items():
                assert sorted((one.starts, one.ends) for one in of_reader[place]) == wanted, (n, name)


def _calendars(life: Life) -> Iterator[tuple[bytes, list[tuple[datetime, datetime]]]]:
    """The calendar of everybody who is invited to anything, and the times of what the program has for them."""
    with life.world.session() as session:
        meetings = every(session, of(Meeting).where(Meeting.state == "planned").order_by(col(Meeting.starts_at)))
        invited = {one.id: invited_to(session, one) for one in meetings}
        for person in every(session, of(Person).order_by(col(Person.sort_key))):
            mine = [(one.starts_at, one.ends_at) for one in meetings if person.id in invited[one.id]]
            if mine:
                yield _file_of(session, person, life), mine


def _file_of(session: Session, person: Person, life: Life) -> bytes:
    return feeds.calendar(session, person.id, "fr", at=life.world.clock())


@pytest.mark.nightly
def test_a_person_is_answered_alike_in_this_process_and_over_the_web(server: Server) -> None:
    def ask_both_ways(life: Life) -> None:
        for n in range(4):
            life.live(BEGINS + timedelta(days=n))
        for person_id in list(life.members)[:12]:
            cookie = life.desk.sign_in(person_id)
            for path in (
                "/work",
                "/people",
                "/meetings",
                "/partners",
                "/cases",
                "/caseload",
                "/referrals",
                "/decisions",
            ):
                here, there = life.desk.ask(person_id, "GET", path), life.desk.send(cookie, "GET", path)
                assert _alike(here) == _alike(there), path

    lived_in(server, 33, ask_both_ways)


def _alike(answer: Answer) -> tuple[int, object]:
    return answer.status, answer.body if answer.is_done else None


@pytest.mark.nightly
def test_a_process_ends_at_every_commit_that_it_comes_to_and_nothing_is_lost(server: Server) -> None:
    lives: list[Life] = []
    lived = live(server, Asked(41, 150, kinds=("crash",), begins=BEGINS), watch=lives.append)
    assert (lived.broken, lived.faults) == ([], [])
    crashing = lives[0].faults.crashing
    assert crashing is not None
    kinds = {one.what for one in crashing.crashed}
    assert len(kinds) > ENOUGH_ACTS
    assert {one.side for one in crashing.crashed} == {"before", "between", "after"}
    assert {f"round.{key}" for key, one in ROUNDS.items() if one.is_needed(lives[0].worker.means)} <= kinds


@pytest.mark.nightly
def test_two_who_act_on_one_thing_in_one_moment_break_nothing(server: Server) -> None:
    lives: list[Life] = []
    lived = live(server, Asked(42, 120, kinds=("races", "workers", "webs"), begins=BEGINS), watch=lives.append)
    assert (lived.broken, lived.faults) == ([], [])
    races = lives[0].faults.races
    assert races is not None
    assert len(races.pairs) > 40


@pytest.mark.nightly
def test_a_night_of_seeds_with_every_fault_holds_every_promise_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    minutes = float(os.environ.get("SPHERES_NIGHT_MINUTES", "12"))
    place = nights.PLACE if "SPHERES_NIGHT_MINUTES" in os.environ else tmp_path / "night.json"
    first = nights.night(place, minutes=minutes / 2, share=minutes / 4)
    assert first.failed == {}
    kept = nights.night(place, minutes=minutes / 2, share=minutes / 4)
    assert kept.failed == {}
    assert first.done.items() < kept.done.items()
    assert min(kept.done.values()) > 1
