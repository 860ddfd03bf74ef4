"""Days on which something goes wrong: the database stops, a connection breaks, a disk is full, a day is a holiday."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from httpx2 import Response
from sqlalchemy import make_url, text

from adapters.addresses import conninfo_of
from adapters.database import make_engine, migrate
from adapters.postgres import EmbeddedPostgres
from tests.api.application import app_on
from tests.api.json.window import Asker
from tests.api.pages.looking import fields_of
from tests.cast import ARRIVAL, AT, TODAY, Cast, build_cast
from tests.conftest import Database, short_folder

KEY = "c0ffee-1"


@contextmanager
def own_server() -> Iterator[tuple[EmbeddedPostgres, Cast]]:
    """A server of this test's own, with the cast on it, since it is stopped or starved here."""
    folder = short_folder()
    server = EmbeddedPostgres(folder / "postgres", fast=True)
    try:
        server.start()
        urls = server.urls()
        migrate(urls.owner)
        engine = make_engine(urls.app)
        admin = make_url(urls.admin).set(database="spheres").render_as_string(hide_password=False)
        yield server, build_cast(Database(engine, urls.app, urls.owner, admin))
        engine.dispose()
    finally:
        server.stop()
        shutil.rmtree(folder)


@contextmanager
def superuser(cast: Cast) -> Iterator[psycopg.Connection[Any]]:
    """A connection that no policy binds, statement by statement."""
    with psycopg.connect(conninfo_of(cast.database.admin_url), autocommit=True) as connection:
        yield connection


def _open_case(cast: Cast, coordinator: Asker, worker: str = "worker_em", place: str = "en-marge", **more: str) -> Any:
    opened = {"protocol": "onboarding", "subject_id": str(cast.people[worker])}
    return coordinator.post("/cases", opened | {"organization_id": str(cast.organizations[place])} | more)


def _tasks(asker: Asker, case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {task["step"]: task for task in asker.get(f"/cases/{case['id']}/tasks")}


def _until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


# The database stops in the middle of a request, and is started again.


@pytest.mark.nightly
def test_the_database_stops_in_mid_request_and_nothing_is_lost_or_done_twice() -> None:
    with own_server() as (server, cast):
        coordinator = Asker(cast, "coordinator")
        case = _open_case(cast, coordinator)
        task = _tasks(coordinator, case)["prepare_notebook_and_guide"]
        path, body = f"/tasks/{task['id']}/completion", {"note": "On the shelf."}

        def complete() -> Response:
            return coordinator.client.post(
                f"/api/v1{path}", json=body, headers={"If-Match": f'"{task["version"]}"', "Idempotency-Key": KEY}
            )

        answers: list[Response] = []
        with psycopg.connect(conninfo_of(cast.database.admin_url)) as holding, superuser(cast) as watching:
            # Someone holds the case, so that the request is in the middle of its transaction when the server goes.
            holding.execute('select 1 from "case" where id = %s for update', (case["id"],))
            asking = threading.Thread(target=lambda: answers.append(complete()))
            asking.start()
            waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and usename = 'spheres_app'"
            _until(lambda: watching.execute(waits).fetchone() == (1,), "the request does not reach the case")
            server.stop()
            asking.join(timeout=30)
            with suppress(psycopg.OperationalError):
                holding.rollback()
        (broken,) = answers
        assert broken.status_code == 503
        assert broken.headers["retry-after"] == "5"
        assert broken.headers["content-type"] == "application/problem+json"

        # While it is down, everyone is told so in their language, on a page as over JSON, and nobody is signed out.
        down = coordinator.client.get("/cases", headers={"Accept-Language": "fr"})
        assert down.status_code == 503
        assert 'lang="fr' in down.text
        assert coordinator.client.get("/healthz").status_code == 503

        server.start()
        done = complete()
        assert done.status_code == 200, done.text
        assert coordinator.get(f"/tasks/{task['id']}")["state"] == "done"
        assert complete().headers["idempotency-replayed"] == "true"
        with superuser(cast) as watching:
            told = watching.execute("select count(*) from event where verb = 'task.done'").fetchone()
        assert told == (1,)
        assert coordinator.client.get("/cases").status_code == 200


# The connection to the database breaks at the worst moment.


class Between:
    """A wire between the web and the database, which is cut at the commit of the transaction that is aimed at.

    `reaches`: the commit still gets to the server, and only its answer is lost.
    """

    def __init__(self, server: Path, folder: Path, *, reaches: bool) -> None:
        self.server = server
        self.reaches = reaches
        self.aimed_at = b""
        self.cut = 0
        self._lock = threading.Lock()
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(folder / ".s.PGSQL.5432"))
        self._door.listen()
        threading.Thread(target=self._let_in, daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._door.close()

    def _let_in(self) -> None:
        while True:
            try:
                web, _ = self._door.accept()
            except OSError:
                return
            database = socket.socket(socket.AF_UNIX)
            database.connect(str(self.server / ".s.PGSQL.5432"))
            wire = _Wire(web, database)
            threading.Thread(target=self._to_server, args=(wire,), daemon=True).start()
            threading.Thread(target=self._to_web, args=(wire,), daemon=True).start()

    def _to_server(self, wire: _Wire) -> None:
        with suppress(OSError):
            while data := wire.web.recv(65_536):
                with self._lock:
                    wire.is_aimed_at = wire.is_aimed_at or bool(self.aimed_at and self.aimed_at in data)
                    cutting = wire.is_aimed_at and b"COMMIT" in data
                    if cutting:
                        self.aimed_at = b""
                        self.cut += 1
                        wire.is_cut = True
                if cutting and not self.reaches:
                    break
                wire.database.sendall(data)
        if not wire.is_cut or not self.reaches:
            wire.close()

    def _to_web(self, wire: _Wire) -> None:
        with suppress(OSError):
            while data := wire.database.recv(65_536):
                if wire.is_cut:
                    break  # the server has done it, and says so to nobody
                wire.web.sendall(data)
        wire.close()


class _Wire:
    """One connection, with both of its ends."""

    def __init__(self, web: socket.socket, database: socket.socket) -> None:
        self.web = web
        self.database = database
        self.is_aimed_at = False
        self.is_cut = False

    def close(self) -> None:
        for end in (self.web, self.database):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def wired(cast: Cast, *, reaches: bool) -> Iterator[tuple[Between, Asker]]:
    """The coordinator at a web whose wire to the database can be cut."""
    folder = short_folder()
    url = make_url(cast.database.url)
    wire = Between(Path(str(url.query["host"])), folder, reaches=reaches)
    engine = make_engine(url.update_query_dict({"host": str(folder)}).render_as_string(hide_password=False))
    try:
        yield wire, Asker(cast, "coordinator", app=app_on(replace(cast.database, engine=engine)))
    finally:
        engine.dispose()
        wire.close()
        shutil.rmtree(folder)


REACHES = pytest.mark.parametrize("reaches", [True, False], ids=["the commit got through", "the commit got lost"])


@REACHES
def test_a_connection_that_breaks_at_the_commit_leaves_one_person_once_it_is_asked_again(
    cast: Cast, reaches: bool
) -> None:
    """Whoever asked cannot know what became of it. Under the same key they ask again, and it is done once."""
    with wired(cast, reaches=reaches) as (wire, asker):
        body = {
            "given_name": "Jaspe",
            "family_name": "Onyx",
            "organization_id": str(cast.organizations["en-marge"]),
            "role": "second_representative",
            "starts_on": ARRIVAL.isoformat(),
        }
        before = _people(cast)
        wire.aimed_at = b"INSERT INTO answered_request"

        def ask() -> Response:
            return asker.client.post("/api/v1/people", json=body, headers={"Idempotency-Key": KEY})

        broken = ask()
        assert wire.cut == 1
        assert broken.status_code == 503
        assert _people(cast) == before + reaches
        again = ask()
        assert again.status_code == 201
        assert again.headers.get("idempotency-replayed") == ("true" if reaches else None)
        assert asker.client.get(again.headers["location"]).json()["name"] == "Jaspe Onyx"
        assert _people(cast) == before + 1


@pytest.mark.ci
@REACHES
def test_a_form_whose_connection_breaks_at_the_commit_adds_one_person_once_it_is_sent_again(
    cast: Cast, reaches: bool
) -> None:
    """The browser sends the same form again, with the key that it was shown with."""
    with wired(cast, reaches=reaches) as (wire, asker):
        shown = fields_of(asker.client.get("/people/new").text, "/people")
        form = {name: values[0] for name, values in shown.items()} | {"given_name": "Jaspe", "family_name": "Onyx"}
        before = _people(cast)
        wire.aimed_at = b"INSERT INTO person"
        broken = asker.client.post("/people", data=form)
        assert (wire.cut, broken.status_code) == (1, 503)
        assert _people(cast) == before + reaches
        again = asker.client.post("/people", data=form, follow_redirects=False)
        assert again.status_code == 303
        assert "Jaspe Onyx" in asker.client.get(again.headers["location"]).text
        assert _people(cast) == before + 1


@pytest.mark.ci
def test_a_connection_that_breaks_between_two_requests_is_replaced_unseen(cast: Cast) -> None:
    asker = Asker(cast, "coordinator")
    assert asker.ask("GET", "/me").status_code == 200
    with superuser(cast) as admin:
        killed = admin.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'spheres_app'"
            " and datname = current_database()"
        ).fetchone()
        assert killed is not None
        assert killed[0] >= 1
        left = "select count(*) from pg_stat_activity where usename = 'spheres_app' and datname = current_database()"
        _until(lambda: admin.execute(left).fetchone() == (0,), "the connections stay")
    time.sleep(1.1)  # as long as a connection has to lie unused before it is asked whether it lives
    assert asker.ask("GET", "/me").status_code == 200


def _people(cast: Cast) -> int:
    with cast.session() as session:
        found: int = session.execute(text("select count(*) from person")).scalar_one()
        return found


# The disk is full.


@contextmanager
def _small_disk(size_mb: int) -> Iterator[Path]:
    """A disk of a few megabytes. Mounting one is root's alone."""
    folder = short_folder()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0755", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_refuses_a_document_whole_and_takes_it_once_there_is_room() -> None:
    """The documents lie on a disk of their own that is full: nothing of the request stays, and people work on."""
    with _small_disk(48) as disk, own_server() as (server, cast):
        space, ballast = disk / "space", disk / "ballast"
        space.mkdir(mode=0o700)
        owner = server._cluster.path.stat()
        os.chown(space, owner.st_uid, owner.st_gid)
        with superuser(cast) as admin:
            admin.execute(f"create tablespace small location '{space}'")
            admin.execute("alter table evidence_file set tablespace small")
        ballast.write_bytes(bytes(42 << 20))

        coordinator = Asker(cast, "coordinator")
        case = _open_case(cast, coordinator)
        tasks = _tasks(coordinator, case)
        task = tasks["prepare_notebook_and_guide"]
        document = base64.b64encode(base64.b64encode(os.urandom(5 << 20))).decode()  # a text that nothing makes smaller
        proof = {"kind": "document", "label": "receipt.txt", "content": document}
        asked = {"note": "", "evidence": [proof]}
        headers = {"If-Match": "*", "Idempotency-Key": KEY}
        path = f"/api/v1/tasks/{task['id']}/completion"

        full = coordinator.client.post(path, json=asked, headers=headers)
        assert full.status_code == 503
        assert coordinator.get(f"/tasks/{task['id']}") == task
        assert _kept(cast) == (0, 0, 0)
        # What needs no room for a document is done as ever.
        assert coordinator.complete(tasks["plan_coaching"]).json()["state"] == "done"

        ballast.unlink()
        done = coordinator.client.post(path, json=asked, headers=headers)
        assert done.status_code == 200, done.text
        assert "idempotency-replayed" not in done.headers
        assert _kept(cast) == (1, 1, 1)


def _kept(cast: Cast) -> tuple[int, int, int]:
    with superuser(cast) as admin:
        rows = admin.execute(
            "select (select count(*) from evidence), (select count(*) from evidence_file),"
            " (select count(*) from event where verb = 'evidence.added')"
        ).fetchone()
    assert rows is not None
    return rows[0], rows[1], rows[2]


# Days and people that are not as usual.


@pytest.mark.ci
def test_someone_who_arrives_on_saint_jean_baptiste_day_is_awaited_on_the_days_around_it(cast: Cast) -> None:
    """24 June is a holiday in Québec, a Thursday in 2027: what prepares it comes before, what follows after."""
    arrival = date(2027, 6, 24)
    at = datetime(2027, 5, 25, 14, 0, tzinfo=UTC)
    coordinator = Asker(cast, "coordinator", at=at)
    case = _open_case(cast, coordinator, "deputy", starts_on=arrival.isoformat())
    assert case["anchors"] == {"arrival": "2027-06-24"}
    due = {step: date.fromisoformat(task["due_on"]) for step, task in _tasks(coordinator, case).items()}
    assert arrival not in due.values()
    assert all(day.weekday() < 5 for day in due.values())
    # Ten working days before, counted from the Wednesday back; on the day itself: the day after; then five more.
    assert due["request_secure_access"] == date(2027, 6, 10)
    assert due["introduce_program"] == date(2027, 6, 25)
    assert due["hand_over_notebook_and_guide"] == date(2027, 6, 25)
    assert due["confirm_notebook_and_guide"] == date(2027, 6, 28)
    assert due["hand_over_cards_and_tools"] == date(2027, 7, 2)  # past Canada Day


@pytest.mark.ci
def test_a_step_that_was_due_before_the_case_was_opened_is_asked_for_today_and_is_not_late(cast: Cast) -> None:
    """The worker arrives tomorrow: what should have been ready ten days ago is due today, and late tomorrow."""
    tomorrow = TODAY + timedelta(days=1)
    coordinator = Asker(cast, "coordinator")
    case = _open_case(cast, coordinator, "deputy", starts_on=tomorrow.isoformat())
    tasks = _tasks(coordinator, case)
    assert tasks["request_secure_access"]["due_on"] == TODAY.isoformat()
    assert min(task["due_on"] for task in tasks.values() if task["due_on"]) == TODAY.isoformat()
    assert case["late"] == 0
    assert not any(task["late"] for task in tasks.values())
    next_day = Asker(cast, "coordinator", at=AT + timedelta(days=1))
    assert next_day.get(f"/cases/{case['id']}")["late"] > 0
    # Late is shown, and blocks nothing.
    assert next_day.complete(tasks["request_secure_access"]).json()["state"] == "submitted"


def test_a_case_opened_on_a_saturday_for_someone_already_there_asks_for_everything_from_monday_on(cast: Cast) -> None:
    at = datetime(2026, 11, 28, 15, 0, tzinfo=UTC)
    coordinator = Asker(cast, "coordinator", at=at)
    case = _open_case(cast, coordinator, "worker_ccsmtl", "ccsmtl")
    tasks = _tasks(coordinator, case)
    assert {task["due_on"] for task in tasks.values() if task["due_on"]} == {"2026-11-30"}
    assert case["late"] == 0


@pytest.mark.ci
def test_someone_without_an_address_gets_no_letter_and_the_coordinator_is_told(cast: Cast) -> None:
    coordinator = Asker(cast, "coordinator")
    case = _open_case(cast, coordinator, "without_mail", "anonyme")
    with cast.session() as session:
        letters = session.execute(
            text("select person_id, template, to_address from notice where case_id = :case"), {"case": case["id"]}
        ).all()
    assert cast.people["without_mail"] not in {letter.person_id for letter in letters}
    told = [letter for letter in letters if letter.template == "no_address"]
    assert [letter.person_id for letter in told] == [cast.people["coordinator"]]
    assert all("@" in letter.to_address for letter in letters)
    # Their onboarding is not held up, and once an address is known the next letter goes to it.
    person = f"/people/{cast.people['without_mail']}"
    shown = coordinator.get(person)
    assert shown["email"] is None
    named = {"given_name": "Gypse", "family_name": "Ardoise", "language": "fr", "email": "gypse@anonyme.example"}
    changed = coordinator.ask("PUT", person, named, version=shown["version"])
    assert changed.json()["email"] == "gypse@anonyme.example"
    coordinator.post(f"/cases/{case['id']}/cancellation", {"reason": "Another day."}, version="*")
    _open_case(cast, coordinator, "without_mail", "anonyme")
    with cast.session() as session:
        address = text("select count(*) from notice where person_id = :id and to_address = 'gypse@anonyme.example'")
        assert session.execute(address, {"id": cast.people["without_mail"]}).scalar_one() >= 1


@pytest.mark.ci
def test_one_person_who_holds_the_same_role_at_two_organizations_is_onboarded_at_each(cast: Cast) -> None:
    """Two cases, side by side: what is done in one is not done in the other, and each falls to its own manager."""
    coordinator = Asker(cast, "coordinator")
    worker = cast.people["worker_em"]
    cases = {
        "en-marge": _open_case(cast, coordinator),
        "codim": _open_case(cast, coordinator, place="codim", starts_on=ARRIVAL.isoformat()),
    }
    again = coordinator.ask(
        "POST",
        "/cases",
        {"protocol": "onboarding", "subject_id": str(worker), "organization_id": str(cast.organizations["codim"])},
    )
    assert (again.status_code, again.json()["code"]) == (409, "case.already_open")

    later = Asker(cast, "coordinator", at=AT + (ARRIVAL - TODAY))
    held = later.get(f"/people/{worker}")["roles"]
    assert [role["role"] for role in held] == ["youth_worker", "youth_worker"]
    managers = {}
    for place, case in cases.items():
        tasks = _tasks(later, case)
        assert later.complete(tasks["request_secure_access"]).json()["state"] == "submitted"
        (waits,) = later.get(f"/tasks/{tasks['request_secure_access']['id']}")["waits_on"]
        managers[place] = waits["person_id"]
    assert managers == {"en-marge": str(cast.people["manager_em"]), "codim": str(cast.people["manager_codim"])}

    # One of the two ends: there, what the worker owed is the manager's now, and at the other nothing changed.
    ending = next(role for role in held if role["organization_id"] == str(cast.organizations["codim"]))
    later.post(f"/tenures/{ending['tenure_id']}/ending", {"ends_on": ARRIVAL.isoformat()}, version=ending["version"])
    after = Asker(cast, "coordinator", at=AT + (ARRIVAL - TODAY) + timedelta(days=1))
    owed = {}
    for place, case in cases.items():
        (first, *_) = _tasks(after, case)["confirm_notebook_and_guide"]["waits_on"]
        owed[place] = first["person_id"]
    assert owed == {"en-marge": str(worker), "codim": str(cast.people["manager_codim"])}
