"""Two thousand automatic acts while Prefect, or all of the engine, is away: none is lost, and none is done twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from domain.casework import complete_task, open_case, undo_task, wakeups
from domain.people import add_person, appoint
from models.base import table_of
from models.committee import SeatHolder
from models.outbox import Notice
from models.record import Event
from tests.casework import step
from tests.cast import LOADING, SINCE, Cast
from tests.flows.prefect_server import PrefectServer, prefect_server
from tests.flows.support import eventually
from tests.flows.test_worker import all_quiet, is_worked, process, runs

__all__ = ["prefect_server"]

ACTS = 2_000
#: Of each completion: the engine enrols the worker on the committee, and sends them the contact lists.
ACTS_EACH = 2
A_WHILE_SECONDS = 1_800

_event, _holder, _notice = table_of(Event), table_of(SeatHolder), table_of(Notice)


def now() -> datetime:
    return datetime.now(UTC)


def newcomers(cast: Cast, many: int) -> list[UUID]:
    """The onboarding of so many youth workers, by their cases."""
    place, opened = cast.organizations["en-marge"], []
    for n in range(many):
        with cast.session() as session:
            person_id = add_person(
                session,
                key=f"newcomer-{n}",
                given_name="Ardoise",
                family_name=f"Nouvelle {n}",
                email=f"newcomer.{n}@en-marge.example",
                language="fr",
                by=LOADING,
                at=now(),
            )
            appoint(
                session,
                person_id=person_id,
                role="youth_worker",
                organization_id=place,
                starts_on=SINCE,
                by=LOADING,
                at=now(),
            )
            by = cast.actor("coordinator")
            opened.append(
                open_case(session, "onboarding", subject_id=person_id, organization_id=place, by=by, at=now())
            )
    return opened


def introduce(cast: Cast, cases: Sequence[UUID]) -> None:
    """A person's step in each of these, after which the engine has its own to do."""
    for case_id in cases:
        with cast.session() as session:
            task = step(session, case_id, "introduce_program")["id"]
            complete_task(session, task, by=cast.actor("coordinator"), at=now())


def take_back(cast: Cast, cases: Sequence[UUID]) -> None:
    for case_id in cases:
        with cast.session() as session:
            task = step(session, case_id, "introduce_program")["id"]
            undo_task(session, task, by=cast.actor("coordinator"), at=now(), reason="Pas encore")


def count(cast: Cast, column: Any, *where: Any) -> int:
    with cast.session() as session:
        return session.scalar(select(func.count()).select_from(column.table).where(*where)) or 0


def done(cast: Cast) -> int:
    """How many automatic acts were done, or undone."""
    return count(cast, _event.c.id, _event.c.verb.in_(("act.done", "act.undone")))


def most_seats_of_one(cast: Cast) -> int:
    with cast.session() as session:
        of_each = select(func.count()).where(_holder.c.withdrawn_at.is_(None)).group_by(_holder.c.person_id)
        return max(session.scalars(of_each).all(), default=0)


def quiet(cast: Cast) -> None:
    eventually(lambda: all_quiet(cast), within=A_WHILE_SECONDS)


@contextmanager
def away(server: PrefectServer) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()


def nothing_is_under_way(server: PrefectServer) -> bool:
    return server.rows("select 1 from flow_run where state_type in ('RUNNING', 'PENDING', 'CANCELLING')") == []


def is_carried_by_prefect(cast: Cast, case_id: UUID) -> bool:
    with cast.session() as session:
        wakeups.wake(session, case_id, at=now())
    quiet(cast)
    return runs(cast, case_id)[-1].flow_run_id is not None


@pytest.mark.nightly
def test_two_thousand_acts_with_prefect_down_are_done_as_they_come_and_nothing_is_left_for_it(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with process(cast, tmp_path, prefect=prefect_server):
        eventually(lambda: is_worked(prefect_server, cast))
        with away(prefect_server):
            cases = newcomers(cast, ACTS // 8)
            while done(cast) < ACTS:
                introduce(cast, cases)
                quiet(cast)
                take_back(cast, cases)
                quiet(cast)
            introduce(cast, cases)
            quiet(cast)
            assert count(cast, _holder.c.id, _holder.c.withdrawn_at.is_(None)) >= len(cases)
        eventually(lambda: is_carried_by_prefect(cast, cases[0]))
        eventually(lambda: nothing_is_under_way(prefect_server))
    assert most_seats_of_one(cast) == 1


@pytest.mark.nightly
def test_two_thousand_acts_that_came_while_worker_and_prefect_were_down_are_all_done_once_both_are_back(
    cast: Cast, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    with away(prefect_server):
        cases = newcomers(cast, ACTS // ACTS_EACH)
        introduce(cast, cases)
        assert done(cast) == 0
    with process(cast, tmp_path, prefect=prefect_server):
        quiet(cast)
        eventually(lambda: nothing_is_under_way(prefect_server))
    assert done(cast) == ACTS
    assert most_seats_of_one(cast) == 1
    assert count(cast, _notice.c.id, _notice.c.template == "contact_lists") == len(cases)
    assert all(task_is_done(cast, case_id) for case_id in cases)


def task_is_done(cast: Cast, case_id: UUID) -> bool:
    with cast.session() as session:
        return bool(step(session, case_id, "send_contact_lists")["state"] == "done")
