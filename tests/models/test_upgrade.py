"""An upgrade with live cases: a database that the release before worked in goes on under this one, and loses nothing.

`upgrade/the_spine.copy.gz` holds its rows, table by table as COPY writes them: two programs of fictitious people on
Friday 20 November 2026, put there by that release's own verbs at revision 0001. Being what a release left, it does
not change. In it an onboarding waits for two approvals and for an engine that died with the case in hand, one is
half done, one is cancelled, and the other program has one too; letters wait, one was sent, one was refused for now;
four browsers are signed in, of which one signed out and one is of someone who has left since; and one agreement has
two versions that were ended by hand, without days, beside the one in force.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import NullPool, create_engine, text

from adapters.database import migrate
from domain.casework import tasks
from domain.record import seal_check, seals
from flows.post import deliver
from models.tables import metadata
from tests.api.desk import nobody
from tests.casework import approve, case_row, complete, step, verbs
from tests.cast import AT, MEMBERS, OTHERS, TODAY, Cast
from tests.conftest import Copies, Database
from tests.fakes.seal_keys import FakeSealKeys
from tests.flows.support import Clock, Mailbag, carry_all, means_of
from tests.models.catalogue import catalogue
from tests.models.conftest import as_superuser
from tests.models.releases import LEFT, cast_of, columns_of, differing, left_by, rows_of
from tests.sealing import codes, looked_at, seal_all

ROWS: Final = LEFT / "the_spine.copy.gz"
ROOT: Final = Path(__file__).resolve().parents[2]

WAITING: Final = UUID("d9641bee-43a2-48ca-ab8e-627a49a2aa6e")
"""The onboarding at En Marge: two approvals are asked for, and a worker died with it in hand."""
FAR_ON: Final = UUID("9b5ebc62-eceb-44c8-9f33-a38b281a2e9e")
"""The one at CODIM: access open, equipment lent."""
CANCELLED: Final = UUID("6eeb6920-5ade-4d81-af6e-e1d080c1d71a")
OF_THE_OTHER: Final = UUID("15e7bba1-56d6-4260-8e77-c2b987baf55d")

#: What the cookies of four browsers held.
SIGNED_IN: Final = "the-coordinator-s-own-browser"
SIGNED_IN_THERE: Final = "the-other-coordinator-s-own-browser"
SIGNED_OUT: Final = "the-manager-s-own-browser"
OF_A_LEAVER: Final = "the-leaver-s-own-browser"


@pytest.fixture(scope="module")
def left_behind(copies: Copies) -> Iterator[str]:
    """The name of a database as the release before left it, which nobody is signed in to."""
    with left_by(copies, "0001", ROWS) as name:
        yield name


@pytest.fixture
def upgraded(before: Database) -> Cast:
    """The two programs after the upgrade."""
    migrate(before.owner_url)
    near, far = (cast_of(before, key, members) for key, members in (("near-shore", MEMBERS), ("far-shore", OTHERS)))
    return Cast(before, near.program_id, near.organizations, near.people, MEMBERS, second=far)


# What stood stays.


def test_the_database_before_the_upgrade_is_one_of_the_release_before(before: Database, fresh: set[str]) -> None:
    """Else the tests below would upgrade nothing."""
    with as_superuser(before) as connection:
        assert connection.execute(text("select version_num from alembic_version")).scalars().all() == ["0001"]
        assert catalogue(connection) != fresh
        states = dict(tuple(row) for row in connection.execute(text("select state, count(*) from task group by 1")))
        letters = dict(tuple(row) for row in connection.execute(text("select state, count(*) from notice group by 1")))
        wanted = connection.execute(text("select count(*) from wake_up where want > have")).scalar_one()
    assert states["submitted"] >= 3
    assert states["open"] > 20
    assert states["done"] > 5
    assert letters["queued"] > 10
    assert letters["sent"] == 1
    assert wanted == 4


def test_an_upgraded_database_is_the_one_that_the_models_describe(upgraded: Cast, fresh: set[str]) -> None:
    with as_superuser(upgraded.database) as connection:
        assert catalogue(connection) == fresh


@pytest.mark.ci
def test_an_upgrade_keeps_every_row_as_the_release_before_wrote_it(before: Database) -> None:
    """Every value of every column, but the days of what was ended without any."""
    stood = rows_of(before)
    with as_superuser(before) as connection:
        columns = columns_of(connection)
    migrate(before.owner_url)
    stands = rows_of(before, columns=columns)
    assert stood.keys() == stands.keys() == columns.keys()
    assert sum(map(len, stood.values())) > 600
    changed = {name for name in stood if stood[name] != stands[name]}
    assert changed == {"agreement_version"}
    lost, found = differing(stood["agreement_version"], stands["agreement_version"])
    assert [row["state"] for row in lost] == ["ended", "ended"]
    for was, now in zip(lost, found, strict=True):
        days = {"starts_on": now["starts_on"], "ends_on": now["ends_on"], "version": was["version"] + 1}
        assert now == was | days
        assert now["starts_on"] == now["ends_on"] is not None


def test_what_was_ended_without_days_is_past_and_never_in_force_beside_another(upgraded: Cast) -> None:
    with upgraded.session() as session:
        rows = session.execute(
            text(
                "select n, state, starts_on, ends_on from agreement_version where agreement_id = "
                " (select agreement_id from agreement_version where state = 'in_force') order by n"
            )
        ).all()
    assert rows == [
        (1, "in_force", TODAY, None),
        (2, "ended", TODAY - timedelta(days=2), TODAY - timedelta(days=2)),
        (3, "ended", TODAY - timedelta(days=1), TODAY - timedelta(days=1)),
    ]


# People and the engine go on.


def test_what_waited_for_an_approval_is_approved_and_the_next_steps_open(upgraded: Cast) -> None:
    with upgraded.session() as session:
        assert step(session, WAITING, "request_secure_access")["state"] == "submitted"
        assert step(session, WAITING, "open_secure_account")["state"] == "planned"
        assert step(session, WAITING, "plan_coaching")["note"] == "Trois rencontres."
    approve(upgraded, WAITING, "request_secure_access", by=upgraded.actor("manager_em"))
    approve(upgraded, WAITING, "request_petty_cash", by=upgraded.actor("manager_la"))
    complete(upgraded, WAITING, "open_secure_account", by=upgraded.actor("it_contact"))
    with upgraded.session() as session:
        assert step(session, WAITING, "open_secure_account")["state"] == "done"
        assert step(session, WAITING, "prepare_file_passwords")["state"] == "open"
    complete(upgraded.other, OF_THE_OTHER, "plan_training")


@pytest.mark.ci
def test_a_step_done_before_the_upgrade_is_undone_after_it(upgraded: Cast) -> None:
    with upgraded.session() as session:
        asked = step(session, WAITING, "plan_coaching")
        tasks.undo_task(session, asked["id"], by=upgraded.actor("coordinator"), at=AT, reason="Une erreur.")
        assert step(session, WAITING, "plan_coaching")["state"] == "open"
        kept = session.execute(
            text("select f.content from evidence e join evidence_file f on f.id = e.id where e.task_id = :task"),
            {"task": asked["id"]},
        ).scalar_one()
    assert kept == "Première rencontre le lundi.".encode()


@pytest.mark.ci
def test_the_engine_carries_what_it_had_in_hand_and_then_rests(upgraded: Cast) -> None:
    means = means_of(upgraded, Clock())
    carried = carry_all(means)
    assert {one.outcome for one in carried} <= {"waiting", "cancelled"}
    assert len(carried) == 4
    with as_superuser(upgraded.database) as connection:
        assert connection.execute(text("select count(*) from wake_up where want > have")).scalar_one() == 0
        assert connection.execute(text("select count(*) from wake_up where trouble <> ''")).scalar_one() == 0
    approve(upgraded, WAITING, "request_secure_access", by=upgraded.actor("manager_em"))
    assert [one.outcome for one in carry_all(means)] == ["waiting"]
    with upgraded.session() as session:
        assert case_row(session, CANCELLED)["state"] == "cancelled"


@pytest.mark.ci
def test_letters_that_waited_go_out_as_they_were_written_and_none_goes_twice(upgraded: Cast) -> None:
    with as_superuser(upgraded.database) as connection:
        waiting = connection.execute(
            text("select to_address, message from notice where state = 'queued' order by program_id, n")
        ).all()
    bag = Mailbag()
    means = means_of(upgraded, Clock(), bag)
    deliver(means)
    deliver(means)
    assert sorted(bag.sent) == sorted((row.to_address, bytes(row.message)) for row in waiting)
    with as_superuser(upgraded.database) as connection:
        states = connection.execute(text("select distinct state from notice")).scalars().all()
    assert states == ["sent"]


@pytest.mark.ci
def test_who_was_signed_in_still_is_and_who_signed_out_or_left_is_asked_to_sign_in(upgraded: Cast) -> None:
    def asking(cookie: str) -> int:
        client = nobody(upgraded.database)
        client.cookies.set("spheres", cookie)
        with client:
            return client.get("/").status_code

    assert [asking(SIGNED_IN), asking(SIGNED_IN_THERE)] == [200, 200]
    assert [asking(SIGNED_OUT), asking(OF_A_LEAVER), asking("never-given")] == [303, 303, 303]


@pytest.mark.ci
def test_the_record_goes_on_after_its_last_line_and_comes_under_seals_whole(
    upgraded: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the release before wrote is sealed first, in its order, however many seals that takes."""
    monkeypatch.setattr(seals, "LINES_AT_A_TIME", 50)
    monkeypatch.setattr(seal_check, "LINES_AT_A_TIME", 50)
    with as_superuser(upgraded.database) as connection:
        last, lines = connection.execute(
            text("select max(n), count(*) filter (where program_id = :here) from event"), {"here": upgraded.program_id}
        ).one()
    assert lines > 100
    told = _verbs(upgraded, WAITING)
    approve(upgraded, WAITING, "request_secure_access", by=upgraded.actor("manager_em"))
    assert _verbs(upgraded, WAITING)[: len(told)] == told
    assert "task.approved" in _verbs(upgraded, WAITING)[len(told) :]
    with as_superuser(upgraded.database) as connection:
        first_new = connection.execute(text("select min(n) from event where n > :last"), {"last": last}).scalar_one()
    assert first_new == last + 1
    keys = FakeSealKeys()
    seal_all(upgraded, keys)
    seal_all(upgraded.other, keys)
    report = looked_at(upgraded, keys)
    assert codes(report) == []
    assert report.waiting == 0
    assert report.lines > lines
    assert report.seals > 2
    assert codes(looked_at(upgraded.other, keys)) == []


# The upgrade itself.


@pytest.mark.ci
def test_of_two_processes_that_upgrade_at_once_one_does_and_the_other_finds_it_done(
    before: Database, fresh: set[str]
) -> None:
    """As the supervisor and an operator's command do, each a process of its own, held back until both have begun."""
    stood = rows_of(before)
    environment = {**os.environ, "OWNER": before.owner_url, "PYTHONPATH": str(ROOT)}
    program = "import os; from adapters.database import migrate; migrate(os.environ['OWNER'])"
    with as_superuser(before) as holding:
        holding.execute(text("lock table alembic_version in access exclusive mode"))
        both = [
            subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE, cwd=ROOT)
            for _ in range(2)
        ]
        _until_waiting(before, 2)
    said = [one.communicate(timeout=120)[1].decode() for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    with as_superuser(before) as connection:
        assert catalogue(connection) == fresh
        assert len(connection.execute(text("select version_num from alembic_version")).all()) == 1
    # What counted as proof is said to be kept, once, by the upgrade itself.
    assert {name: len(rows) for name, rows in rows_of(before).items()} == {
        name: len(stood.get(name, [])) for name in metadata.tables
    } | {"acceptance": 1}


@pytest.mark.ci
def test_an_upgrade_waits_for_an_act_that_is_under_way_and_the_act_is_kept(before: Database, fresh: set[str]) -> None:
    """The web of the release before still runs: its transaction ends, then the tables change."""
    with before.engine.connect() as acting:
        program_id = acting.execute(text("select id from program where key = 'near-shore'")).scalar_one()
        acting.execute(text("select set_config('spheres.program_id', :id, true)"), {"id": str(program_id)})
        acting.execute(
            text(
                "insert into event (program_id, id, at, actor_as, verb, subject_kind, subject_id, facts)"
                " values (:here, gen_random_uuid(), now(), 'engine', 'case.woken', 'case', :case, '{}')"
            ),
            {"here": program_id, "case": WAITING},
        )
        upgrade = threading.Thread(target=migrate, args=(before.owner_url,))
        upgrade.start()
        _until_waiting(before, 1)
        acting.commit()
    upgrade.join(timeout=60)
    assert not upgrade.is_alive()
    with as_superuser(before) as connection:
        assert catalogue(connection) == fresh
        kept = connection.execute(text("select xid from event where verb = 'case.woken'")).scalars().all()
    assert len(kept) == 1


@pytest.mark.ci
def test_an_upgrade_that_fails_leaves_the_release_before_as_it_was_and_is_tried_again(
    before: Database, fresh: set[str]
) -> None:
    """A table of someone's own is in the way of the last statements; nothing of the first ones stays."""
    stood = rows_of(before)
    with as_superuser(before) as connection:
        was = catalogue(connection)
    engine = create_engine(before.owner_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("create table passkey (x int)"))
    with pytest.raises(Exception, match="passkey"):
        migrate(before.owner_url)
    with engine.begin() as connection:
        connection.execute(text("drop table passkey"))
    engine.dispose()
    with as_superuser(before) as connection:
        assert catalogue(connection) == was
        assert connection.execute(text("select version_num from alembic_version")).scalars().all() == ["0001"]
    assert rows_of(before) == stood
    migrate(before.owner_url)
    with as_superuser(before) as connection:
        assert catalogue(connection) == fresh


# How it is put together.


def _verbs(cast: Cast, case_id: UUID) -> list[str]:
    with cast.session() as session:
        return verbs(session, case_id)


def _until_waiting(database: Database, many: int) -> None:
    """Return once so many processes wait in this database for what another holds."""
    waiting = text(
        "select count(distinct l.pid) from pg_locks l join pg_database d on d.oid = l.database"
        " where not l.granted and d.datname = current_database()"
    )
    with as_superuser(database) as looking:
        for _ in range(600):
            if looking.execute(waiting).scalar_one() >= many:
                return
            time.sleep(0.1)
    pytest.fail(f"fewer than {many} waited within a minute")
