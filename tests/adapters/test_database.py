"""Sessions bound to a program, connections that outlive a restart, notifications and migrations."""

import contextlib
import threading
import time
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from adapters.database import Listener, listen, make_engine, migrate, program_session
from tests.conftest import Database, Sessions

SAID = text("select coalesce(current_setting('spheres.program_id', true), '')")


def test_every_transaction_of_a_program_session_says_its_program(session: Sessions) -> None:
    program = uuid4()
    with session(program) as ours:
        assert ours.execute(SAID).scalar_one() == str(program)
        ours.commit()
        assert ours.execute(SAID).scalar_one() == str(program)
        ours.rollback()
        assert ours.execute(SAID).scalar_one() == str(program)


def test_a_savepoint_that_is_rolled_back_keeps_the_program(session: Sessions) -> None:
    program = uuid4()
    with session(program) as ours:
        ours.execute(SAID)
        ours.begin_nested().rollback()
        assert ours.execute(SAID).scalar_one() == str(program)


def test_a_program_does_not_stay_on_the_connection_that_goes_back_to_the_pool(database: Database) -> None:
    engine = make_engine(database.url, pool_size=1)
    with program_session(engine, uuid4()) as ours:
        mine = ours.execute(text("select pg_backend_pid()")).scalar_one()
        ours.commit()
    with engine.connect() as next_one:
        assert next_one.execute(text("select pg_backend_pid()")).scalar_one() == mine
        assert next_one.execute(SAID).scalar_one() == ""
    engine.dispose()


def test_the_application_owns_nothing_and_no_policy_lets_it_pass(database: Database) -> None:
    with database.engine.connect() as connection:
        role = connection.execute(
            text(
                "select rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole from pg_roles where rolname = user"
            )
        ).one()
        owned = connection.execute(text("select count(*) from pg_class where relowner = user::regrole")).scalar_one()
    assert tuple(role) == ("spheres_app", False, False, False, False)
    assert owned == 0


def test_connections_speak_utc_and_break_off_long_statements(database: Database) -> None:
    with database.engine.connect() as connection:
        shown = [
            connection.execute(text(f"show {name}")).scalar_one()
            for name in ("timezone", "statement_timeout", "application_name")
        ]
    assert shown == ["UTC", "30s", "spheres"]


def test_settings_in_the_address_win_over_ours(database: Database) -> None:
    engine = make_engine(f"{database.url}&options=-c%20statement_timeout%3D5s")
    with engine.connect() as connection:
        assert connection.execute(text("show statement_timeout")).scalar_one() == "5s"
        assert connection.execute(text("show timezone")).scalar_one() == "UTC"
    engine.dispose()


def test_an_error_does_not_carry_the_parameters_of_its_statement(database: Database) -> None:
    with database.engine.connect() as connection, pytest.raises(DBAPIError) as refused:
        connection.execute(text("select 1/0 where :secret <> ''"), {"secret": "Zénobie Larivière"})
    assert "Larivière" not in str(refused.value)


def test_a_connection_that_died_unused_is_replaced_unseen(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.database.QUIET_SECONDS", 0.0)
    engine = make_engine(database.url)
    with engine.connect() as connection:
        lost = connection.execute(text("select pg_backend_pid()")).scalar_one()
    _end_backend(database, lost)
    with engine.connect() as connection:
        assert connection.execute(text("select pg_backend_pid()")).scalar_one() != lost
    engine.dispose()


def test_a_busy_connection_is_not_asked_whether_it_lives(database: Database) -> None:
    engine = make_engine(database.url)
    with engine.connect() as connection:
        lost = connection.execute(text("select pg_backend_pid()")).scalar_one()
    _end_backend(database, lost)
    with pytest.raises(DBAPIError) as told, engine.connect() as connection:
        connection.execute(text("select 1"))
    assert told.value.connection_invalidated
    engine.dispose()


def test_connections_opened_in_a_rush_are_closed_after_it_and_the_kept_ones_serve_again(database: Database) -> None:
    engine = make_engine(database.url, pool_size=2, in_a_rush=3, application_name="a rush")
    others = make_engine(database.url)
    held = text("select count(*) from pg_stat_activity where application_name = 'a rush'")
    with contextlib.ExitStack() as rush:
        for _ in range(5):
            rush.enter_context(engine.connect())
        with others.connect() as other:
            assert other.scalar(held) == 5
    with others.connect() as other:
        until = time.monotonic() + 10
        while other.scalar(held) != 2:  # the server takes leave of a connection in its own time
            assert time.monotonic() < until
            other.rollback()
    with engine.connect(), others.connect() as other:
        assert other.scalar(held) == 2
    engine.dispose()
    others.dispose()


def test_a_listener_hears_what_another_connection_says(database: Database) -> None:
    with listen(database.url, "spheres_wake", "spheres_post") as ears:
        assert ears.wait(5), "the first wait returns at once: something may have happened before it"
        assert not ears.wait(0.05)
        saying = threading.Timer(0.1, _notify, (database, "spheres_post"))
        saying.start()
        assert ears.wait(60)
        saying.join()  # it may be heard before its connection is back in the pool, which ends with the test


def test_a_listener_takes_a_new_connection_for_news(database: Database) -> None:
    with listen(database.url, "spheres_wake") as ears:
        ears.wait(5)
        _end_backend(database, _backend_of(ears))
        assert ears.wait(5), "what was said meanwhile may have been missed"
        assert not ears.wait(0.05)
        _notify(database, "spheres_wake")
        assert ears.wait(5)


def test_a_listener_waits_its_time_out_where_no_database_answers() -> None:
    ears = listen("postgresql+psycopg://nobody@/nothing?host=/nonexistent", "spheres_wake")
    begun = time.monotonic()
    assert not ears.wait(0.2)
    assert time.monotonic() - begun >= 0.2


@pytest.mark.ci
def test_migrating_twice_and_two_at_once_is_migrating_once(empty_database: Database) -> None:
    trouble: list[BaseException] = []

    def one() -> None:
        try:
            migrate(empty_database.owner_url)
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which shows it
            trouble.append(error)

    both = [threading.Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert trouble == []
    migrate(empty_database.owner_url)
    with empty_database.engine.connect() as connection:
        assert connection.execute(text("select count(*) from program")).scalar_one() == 0


def _end_backend(database: Database, pid: int) -> None:
    admin = make_engine(database.admin_url)
    with admin.connect() as connection:
        connection.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    admin.dispose()


def _backend_of(ears: Listener) -> int:
    assert ears._connection is not None
    return ears._connection.info.backend_pid


def _notify(database: Database, channel: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("select pg_notify(:channel, '')"), {"channel": channel})
