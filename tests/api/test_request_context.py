"""The context of a request: what it asks of the database first, what it keeps, and how many there are."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, event, select, update

from api.access.session import DESKS, IDLE
from models.access import BrowserSession
from models.base import table_of
from models.casework import Case
from models.program import Program
from tests.api.application import ADDRESS, app_on, client_for, nobody, token_for
from tests.casework import open_onboarding, steps
from tests.cast import AT, Cast

_session = table_of(BrowserSession)
_case = table_of(Case)

SOON = timedelta(minutes=2)


@pytest.fixture
def case_id(cast: Cast) -> UUID:
    """An onboarding that has just begun."""
    return open_onboarding(cast)


@contextmanager
def _listening(engine: Engine, what: str, heard: list[str]) -> Iterator[None]:
    def hear(*given: object) -> None:
        heard.append(str(given[2]))

    event.listen(engine, what, hear)
    try:
        yield
    finally:
        event.remove(engine, what, hear)


def _open_tasks(cast: Cast, case_id: UUID) -> list[UUID]:
    with cast.session() as session:
        rows = steps(session, case_id).values()
        return [row["id"] for row in rows if row["state"] == "open" and not row["action"] and not row["asks"]]


def _complete(task_id: UUID) -> tuple[str, dict[str, str], dict[str, str]]:
    return f"/api/v1/tasks/{task_id}/completion", {"note": "Done."}, {"If-Match": "*", "Origin": ADDRESS}


def _seen_at(cast: Cast) -> object:
    with cast.session() as session:
        return session.scalar(select(_session.c.seen_at).where(_session.c.person_id == cast.people["coordinator"]))


def test_who_asks_and_what_they_hold_are_two_statements_whatever_is_asked_then(cast: Cast, case_id: UUID) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    with cast.session() as session:
        task_id = steps(session, case_id)[("plan_coaching", "")]["id"]
    path, body, headers = _complete(task_id)
    said: list[str] = []
    with _listening(cast.database.engine, "before_cursor_execute", said):
        assert client.post(path, json=body, headers=headers).status_code == 200
    assert "browser_session" in said[0]
    assert "set_config" in said[0]
    assert "tenure" in said[1]
    assert "absence" in said[1]
    # May they, then the act itself: its case and its task held, the change, what it opens, the record, the wake-up.
    assert len(said) <= 12, "\n".join(said)
    assert sum("browser_session" in one for one in said) == 1
    assert sum("tenure" in one for one in said) == 1
    assert sum("responsibility" in one for one in said) <= 1


def test_without_a_cookie_the_database_is_not_asked(cast: Cast) -> None:
    said: list[str] = []
    with _listening(cast.database.engine, "before_cursor_execute", said):
        assert nobody(cast.database).get("/api/v1/work").status_code == 401
    assert said == []


def test_one_who_asks_only_for_what_is_refused_was_seen_all_the_same(cast: Cast) -> None:
    token = token_for(cast.database, cast.people["coordinator"])
    late = AT + IDLE - SOON
    client = nobody(cast.database, at=late)
    client.cookies.set("spheres", token)
    assert client.get(f"/cases/{cast.program_id}").status_code == 404
    assert _seen_at(cast) == late
    later = nobody(cast.database, at=late + IDLE - SOON)
    later.cookies.set("spheres", token)
    assert later.get("/api/v1/work").status_code == 200


def test_after_a_refusal_undid_what_a_form_did_its_page_shows_the_program_again(cast: Cast, case_id: UUID) -> None:
    client = nobody(cast.database, at=AT + SOON)
    client.cookies.set("spheres", token_for(cast.database, cast.people["coordinator"]))
    with cast.session() as session:
        task = steps(session, case_id)[("plan_coaching", "")]
    # The sight of the sign-in is written first, so that the page is of the third transaction of one session.
    answer = client.post(
        f"/tasks/{task['id']}/completion",
        data={"seen": str(task["version"] + 5), "words": "Two meetings a week.", "back": "task"},
        headers={"Origin": ADDRESS},
    )
    assert answer.status_code == 412
    assert "Two meetings a week." in answer.text
    assert "Émeraude Quartz" in answer.text
    assert _seen_at(cast) == AT + SOON


@pytest.mark.ci
def test_no_more_work_at_once_than_there_are_desks_and_all_are_answered(cast: Cast, case_id: UUID) -> None:
    app = app_on(cast.database)
    cookie = token_for(cast.database, cast.people["coordinator"])
    tasks = _open_tasks(cast, case_id)
    assert tasks
    many = DESKS * 3
    pool = cast.database.engine.pool
    most: list[int] = []
    held = threading.Event()
    healthy: list[int] = []

    def hold_the_case() -> None:
        """So that whoever wants to change it waits for their turn."""
        with cast.session() as session:
            session.execute(select(_case.c.id).where(_case.c.id == case_id).with_for_update())
            held.set()
            deadline = time.monotonic() + 20
            while pool.checkedout() < DESKS + 1 and time.monotonic() < deadline:  # type: ignore[attr-defined]
                time.sleep(0.01)
            time.sleep(0.5)
            most.append(pool.checkedout() - 1)  # type: ignore[attr-defined]
            # A request that needs no context does not wait for one.
            healthy.append(nobody(cast.database).get("/healthz").status_code)

    async def ask() -> list[int]:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS, cookies={"spheres": cookie}) as client:
            path, body, headers = _complete(tasks[0])
            posts = [client.post(path, json=body, headers=headers) for _ in range(many)]
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    holder = threading.Thread(target=hold_the_case)
    holder.start()
    assert held.wait(20)
    statuses = asyncio.run(ask())
    holder.join()
    assert most == [DESKS]
    assert healthy == [200]
    assert len(statuses) == many
    # One did it, and the others are told that it is done.
    assert sorted(set(statuses)) == [200, 409]
    assert statuses.count(200) == 1


def test_moments_are_shown_in_the_zone_of_the_programs_own_region(cast: Cast, case_id: UUID) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    assert "9:00 a.m." in client.get(f"/cases/{case_id}", headers={"Accept-Language": "en"}).text
    with cast.session() as session:
        session.execute(update(table_of(Program)).values(time_zone="America/Halifax"))
        session.commit()
    page = client.get(f"/cases/{case_id}", headers={"Accept-Language": "en"}).text
    assert "10:00 a.m." in page
    assert "9:00 a.m." not in page
