"""What is not the asker's and what is not there: one answer to the last byte, by the same questions to the database.

The same request is sent where the thing is, and in a world from which it was taken; so not even the id differs. Time
cannot be held to by a clock on a shared machine. That the two take the same statements in the same order can, for
whoever does not know that the thing is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import psycopg
import pytest
from httpx2 import Response
from psycopg import sql
from sqlalchemy import make_url

from adapters.addresses import conninfo_of
from domain.record.turned_away import table_for
from locales import LANGUAGES
from tests.conftest import Copies
from tests.matrix import grid
from tests.matrix.asked import Route
from tests.matrix.askers import KINDS, Kind
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.world import ELSEWHERE, PEOPLED, World

#: Where things are, which the hollow world has not.
_TAKEN: Final = PEOPLED

#: By which route's rows one tells who sees a thing: to whoever does, it is no secret that it is there. People, and what
#: they hold and when they are away, are seen by everyone in the program. Nobody sees another's sign-ins or passkeys.
_SEEN_BY: Final[Mapping[str, str]] = {
    "case_id": "GET /cases/{case_id}",
    "task_id": "GET /cases/{case_id}",
    "evidence_id": "GET /cases/{case_id}",
    "notice_id": "GET /post/{notice_id}",
    "person_id": "GET /people/{person_id}",
    "tenure_id": "GET /people/{person_id}",
    "absence_id": "GET /people/{person_id}",
    # Which agreements there are is no secret to those who work under them.
    "agreement_id": "GET /program/agreements/{agreement_id}",
    # Who sits on a committee stands on its page.
    "seat_id": "GET /committees/{key}",
    # What a committee decided stands in its register, which those who sit there read.
    "decision_id": "GET /decisions/{decision_id}",
    # When others meet is in everyone's calendar.
    "meeting_id": "GET /meetings",
    "guest_id": "GET /meetings",
    # A colleague whom a participant barred sees nothing by it: the page stays closed to them.
    "participant_id": "GET /participants/{participant_id}",
    # What is asked of a clause's proofs is asked of whoever reads the clause.
    "period_id": "GET /obligations/{period_id}",
    # A member of the Clinical Committee sees the follow-up. Its summary they read where they sit on it.
    "follow_up_id": "GET /follow-ups/{follow_up_id}",
    # Who receives from a study reads on its page which exports there are.
    "study_id": "GET /studies/{study_id}",
    "export_id": "GET /studies/{study_id}",
}


@pytest.fixture(scope="module")
def hollow(copies: Copies, the_world_template: tuple[str, World]) -> Iterator[Runner]:
    """Someone who asks in a world from which the things that paths name were taken."""
    template, made = the_world_template
    with copies.of(template) as database:
        with psycopg.connect(conninfo_of(database.admin_url), autocommit=True) as connection:
            connection.execute("set session_replication_role = replica")  # what refers to them stays behind
            for place in _TAKEN:
                _take_away(connection, made, place)
        name = make_url(database.url).database
        assert name is not None
        database.engine.dispose()
        asking = Runner(copies, name, made)
        yield asking
        asking.close()


#: Organizations stay: everyone in the program knows them, and everything hangs on them. So does whom a participant
#: barred: a colleague, who asks. And so does whom a route names in particular (`Sent.which`).
_STAYING: Final = (["organization"], ["participant", "person"])


def _take_away(connection: psycopg.Connection[Any], made: World, place: str) -> None:
    for name, value in made.things[place].items():
        kind, _, which = name.partition(":")
        if kind == "person_id" and which:
            continue  # who receives from a study, or takes part in research, asks as well: the study is taken
        table = table_for(kind.removesuffix("_id")) if kind.endswith("_id") else None
        if table is not None and table.name not in ("organization", "protocol_version"):
            connection.execute(sql.SQL("delete from {} where id = %s").format(sql.Identifier(table.name)), [value])


@pytest.mark.ci
def test_everything_that_a_path_names_can_be_taken_from_the_world(
    runner: Runner, hollow: Runner, routes: list[Route]
) -> None:
    """Else the comparison would be of a thing with itself."""
    for route in routes:
        for place in _TAKEN:
            named = runner.named(route, place) if len(route.places) > 1 else None
            stays = re.findall(r"{(\w+)_id}", route.path) in _STAYING or "person_id" in route.sent.which
            if named is not None and not stays:
                assert runner.is_there(route, place), route
                assert not hollow.is_there(route, place), route


#: What is asked of the asker's own work where something of it waits for approval, whichever thing they name.
_OF_ONES_OWN: Final = re.compile(r"task\.may_not_approve\b.*FROM task \s*WHERE .*responsibility\.links @> ", re.DOTALL)


@pytest.mark.nightly
def test_a_sample_of_every_route_answers_for_what_is_not_theirs_as_for_what_is_not_there(
    runner: Runner, hollow: Runner, routes: list[Route], run: Run[Any]
) -> None:
    cells = list(_sampled(routes))
    assert len(cells) >= 60 * 3
    run(_compare(runner, hollow, cells[::6]))


@pytest.mark.nightly
def test_a_fifth_of_all_that_is_denied_is_answered_as_what_is_not_there(
    runner: Runner, hollow: Runner, routes: list[Route], run: Run[Any]
) -> None:
    cells = [cell for route in routes for cell in _denied(route)][::5]
    assert len(cells) > 800
    run(_compare(runner, hollow, cells))


async def _compare(runner: Runner, hollow: Runner, cells: Iterable[tuple[Route, str, Kind]]) -> None:
    told: list[str] = []
    for route, place, kind in cells:
        for language in LANGUAGES:
            seen, asked = [], []
            for world in (runner, hollow):
                response = await world.send(route, kind, place, language=language)
                seen.append(_all_of(response))
                asked.append([one for one in world.statements if not _OF_ONES_OWN.search(one)])
                world.take_told()
            alike = asked[0] == asked[1] or _sees(route, place, kind)
            if seen[0][0] != 404 or seen[0] != seen[1] or not alike:
                differ = [(one, other) for one, other in zip(*asked, strict=False) if one != other][:1]
                told.append(f"{route} of {place} as {kind.column}: {seen[0][0]}, {seen[1][0]}, {differ}")
    assert told == []


_MANAGE: Final = frozenset({"othr", "mana", "away", "depu"})


def _sees(route: Route, place: str, kind: Kind) -> bool:
    """Whether the asker knows already that the thing is there, though not everything may be done to it."""
    # What a partner owes is asked about of whoever may have to look at its proof: any partner's manager.
    if route.path.removeprefix("/api/v1").startswith(("/obligations/", "/proofs/")) and kind.column in _MANAGE:
        return True
    # The first thing that the path names: what stands within a meeting is seen by whoever sees it in the calendar, and
    # a colleague whom a participant barred is no way to learn of the participant.
    seen_by = _SEEN_BY.get(re.findall(r"{(\w+_id)}", route.path)[0])
    known = grid.read()
    is_list = seen_by is not None and (seen_by, "–", kind.column) in known
    return seen_by is not None and known[seen_by, "–" if is_list else place, kind.column] == "200"


def _all_of(response: Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that an asker could tell two answers apart by, but the time they take."""
    return response.status_code, list(response.headers.multi_items()), response.content


def _denied(route: Route) -> Iterator[tuple[Route, str, Kind]]:
    """The cells in which someone is denied a thing that is there, in their program or in the other.

    Not the askers who were taken from the hollow world: two with their cases, and the guest of a meeting.
    """
    known = grid.read()
    if len(route.places) == 1 or "_id}" not in route.path:
        return
    for place in _TAKEN:
        for kind in KINDS:
            if kind.column == "coll" and "/hand-overs/" in route.path:
                continue  # what was offered to themselves is taken from the hollow world too
            if route.path == "/tasks/{task_id}/correction":
                continue  # a task of no case is asked of by other questions: only who has it knows its id
            if kind.column == "away" and "/decisions/" in route.path:
                continue  # so is a seat of theirs, by which they read a register: of another thing they are asked alike
            is_there = not kind.is_out and kind.column not in ("subj", "work", "reco")
            if is_there and known[str(route), place, kind.column] in ("404", "404r"):
                yield route, place, kind


def _sampled(routes: list[Route]) -> Iterator[tuple[Route, str, Kind]]:
    """Of each such route two cells, each time with other askers: of their own program's things, and of the other's."""
    for turn, route in enumerate(routes):
        cells = list(_denied(route))
        for others in (False, True):
            some = [cell for cell in cells if ((cell[1] == ELSEWHERE) != cell[2].elsewhere) == others]
            if some:
                yield some[turn * 7 % len(some)]
