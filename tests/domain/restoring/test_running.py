"""Processes that run on while a copy of the database is put back under them, and those that are started alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from adapters import closing
from adapters.backups import dumps
from adapters.database import make_engine, program_session
from api.cli import joined
from api.cli.spoken import Ending
from domain.access import invitations, sign_ins
from domain.restoring import Disagrees, finding, refuse_another_epoch
from locales import speaking
from models.ledger import SERVER
from models.ports import EPOCH, NoLedger, OtherEpoch
from tests.cast import AT
from tests.databases import in_database
from tests.domain.restoring.test_done_again import LATER, Crash, _crash_before_commit, _end, letter
from tests.domain.restoring.test_put_back import end_access, is_open, matters, sign_in
from tests.restored import Installed, installed

__all__ = ["installed"]

T = TypeVar("T")


@contextmanager
def web_of(house: Installed) -> Iterator[Engine]:
    """A process that runs on, whatever happens to the database."""
    url = in_database(house.copies.urls.app, house.name)
    engine = make_engine(url, ledger=house.ledger, agree=refuse_another_epoch)
    try:
        yield engine
    finally:
        engine.dispose()


def by(engine: Engine, house: Installed, act: Callable[[Session], T]) -> T:
    """An act of a process. A connection that is gone is replaced, as the next request has it."""
    for _ in range(5):
        try:
            with program_session(engine, house.cast.program_id) as session:
                done = act(session)
                session.commit()
                return done
        except OperationalError:
            continue
    raise AssertionError


def let_in(house: Installed, name: str) -> Callable[[Session], str]:
    return lambda session: sign_ins.begin(session, house.person(name), means="demonstration", device="", at=LATER)


def who_is_in(house: Installed, name: str) -> Callable[[Session], int]:
    return lambda session: len(sign_ins.open_sign_ins(session, house.person(name), at=AT))


def out(house: Installed, name: str) -> Callable[[Session], None]:
    return lambda session: invitations.end_access(session, house.person(name), by=house.actor("coordinator"), at=LATER)


def forget_the_last_line(house: Installed) -> None:
    """As a copy that is put back table by table, under connections that live on."""
    house.rows("delete from ledger_seen where n = (select max(n) from ledger_seen) returning n")


def test_a_process_that_runs_on_serves_nothing_of_a_copy_until_it_was_dealt_with(installed: Installed) -> None:
    sign_in(installed, "manager_em")
    copy = installed.copy()
    with web_of(installed) as web:
        by(web, installed, out(installed, "manager_em"))
        assert by(web, installed, who_is_in(installed, "manager_em")) == 0
        installed.put_back(copy)
        lines = installed.ledger.lines()
        for act in (who_is_in(installed, "manager_em"), let_in(installed, "manager_em"), out(installed, "manager_la")):
            with pytest.raises(Disagrees):
                by(web, installed, act)
        assert installed.ledger.lines() == lines
        installed.start()
        with pytest.raises(sign_ins.NotLetIn):
            by(web, installed, let_in(installed, "manager_em"))
        by(web, installed, out(installed, "manager_la"))
    assert installed.ledger.lines()[-1].epoch == 1


def test_a_process_serves_nothing_while_a_copy_is_brought_back_into_its_database_by_another_machine(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_of(installed) as web:
        assert by(web, installed, who_is_in(installed, "manager_em")) == 0
        dumps.mark(installed.owner_url)
        lines = installed.ledger.lines()
        with pytest.raises(Disagrees, match="restoring"):
            by(web, installed, out(installed, "manager_la"))
        monkeypatch.setattr(closing, "AGREES_ANEW_SECONDS", 0.0)
        with pytest.raises(Disagrees, match="restoring"):
            by(web, installed, who_is_in(installed, "manager_em"))
        with speaking("en"), pytest.raises(Ending, match="A restore is at work"):
            installed.start()
        assert installed.ledger.lines() == lines
        dumps.unmark(installed.owner_url)
        assert by(web, installed, who_is_in(installed, "manager_em")) == 0


def test_a_copy_that_is_put_back_under_open_connections_is_known_before_anything_ends(installed: Installed) -> None:
    with web_of(installed) as web:
        by(web, installed, out(installed, "manager_em"))
        lines = installed.ledger.lines()
        forget_the_last_line(installed)
        with pytest.raises(Disagrees):
            by(web, installed, out(installed, "manager_la"))
        assert installed.ledger.lines() == lines
        with pytest.raises(Disagrees):
            by(web, installed, who_is_in(installed, "manager_em"))


def test_a_copy_that_is_put_back_under_open_connections_is_known_after_a_while_to_who_reads(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_of(installed) as web:
        by(web, installed, out(installed, "manager_em"))
        forget_the_last_line(installed)
        monkeypatch.setattr(closing, "AGREES_ANEW_SECONDS", 0.0)
        with pytest.raises(Disagrees):
            by(web, installed, who_is_in(installed, "manager_em"))


def test_once_another_machine_dealt_with_a_restore_a_process_that_ran_on_works_in_the_new_epoch(
    installed: Installed,
) -> None:
    with web_of(installed) as web:
        assert by(web, installed, lambda session: session.info[EPOCH]) == 0
        web.dispose()  # of its connections alone
        copy = installed.copy()
        end_access(installed, "manager_la")
        installed.put_back(copy)
        installed.start()
        token = by(web, installed, let_in(installed, "manager_em"))
        assert by(web, installed, lambda session: session.info[EPOCH]) == 1
    assert is_open(installed, token), "what one machine let in, the other knows"


def test_an_act_that_was_begun_before_a_restore_was_dealt_with_ends_nothing_after_it(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_of(installed) as web, program_session(web, installed.cast.program_id) as session:
        _end(installed, "manager_em")(session)
        monkeypatch.setattr(closing, "_agreed", lambda *_: 1)
        with pytest.raises(OtherEpoch):
            session.commit()
    assert len(installed.ledger.lines()) == 1


def test_a_letter_that_was_sent_before_a_restore_is_not_written_by_a_process_that_ran_on(installed: Installed) -> None:
    copy = installed.copy()
    assert letter(installed, "once")
    from flows.post import deliver  # noqa: PLC0415

    deliver(installed.means)
    with web_of(installed) as web:
        by(web, installed, who_is_in(installed, "manager_em"))
        installed.put_back(copy)
        installed.start()
        installed._engine = web
        by(web, installed, who_is_in(installed, "manager_em"))
        assert not letter(installed, "once")
        installed.stop()


def test_a_lost_connection_is_no_restore(installed: Installed) -> None:
    with web_of(installed) as web:
        by(web, installed, out(installed, "manager_em"))
        lines = installed.ledger.lines()
        installed.copies.admin.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = %s", (installed.name,)
        )
        assert by(web, installed, who_is_in(installed, "manager_em")) == 0
        assert installed.ledger.lines() == lines
    installed.start()
    assert installed.rows("select 1 from epoch") == []


def test_what_another_process_is_just_doing_is_no_restore(installed: Installed) -> None:
    """Its line is written and its row is not yet there, and no later transaction has ended."""
    with installed._session() as session:
        _end(installed, "manager_em")(session)
        closing._write_to_the_ledger(session)
        with web_of(installed) as web:
            by(web, installed, let_in(installed, "manager_la"))
            by(web, installed, out(installed, "privacy_officer"))
        with installed.as_owner() as owner:
            never = {"pause": lambda _: session.commit()}
            assert finding.look(owner, installed.ledger, **never).verdict.kind == "same"  # it was waited for
    installed.start()
    assert (installed.rows("select 1 from epoch"), matters(installed)) == ([], [])


def test_with_the_ledger_gone_what_closes_nothing_goes_on_in_a_process_that_runs(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "AGREES_ANEW_SECONDS", 0.0)
    with web_of(installed) as web:
        by(web, installed, out(installed, "manager_la"))
        installed.ledger.path.rename(installed.ledger.path.with_name("aside"))
        token = by(web, installed, let_in(installed, "manager_em"))
        assert by(web, installed, who_is_in(installed, "manager_em")) == 1
        with pytest.raises(NoLedger):
            by(web, installed, out(installed, "manager_em"))
        forget_the_last_line(installed)
        with pytest.raises(NoLedger):
            by(web, installed, who_is_in(installed, "manager_em"))
    assert token


def test_a_commit_that_failed_as_the_database_failed_over_is_voided_and_is_no_restore(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody was told that it was done, and the server that was promoted knows nothing of it."""
    with monkeypatch.context() as elsewhere, installed._session() as session:
        elsewhere.setattr(closing, "SERVER", f"regexp_replace({SERVER}, '[0-9A-F]+$', '0000000A')")
        _end(installed, "manager_em")(session)
        event.listen(session, "before_commit", _die)
        with pytest.raises(Crash):
            session.commit()
    end_access(installed, "manager_la")
    installed.start()
    assert (installed.rows("select 1 from epoch"), matters(installed)) == ([], [])


def _die(_: Session) -> None:
    raise Crash


@pytest.mark.parametrize("is_put_aside", [True, False])
def test_a_process_that_is_started_alone_looks_behind_lines_that_need_no_row(
    installed: Installed, *, is_put_aside: bool
) -> None:
    """The last line is of a crash, or voids that: the one before it was lost with the restore."""
    token = sign_in(installed, "manager_em")
    copy = installed.copy()
    end_access(installed, "manager_em")
    _crash_before_commit(installed, _end(installed, "manager_la"))
    if is_put_aside:
        installed.start()
    installed.put_back(copy)
    with pytest.raises(Disagrees):
        is_open(installed, token)
    with pytest.raises(Disagrees):
        sign_in(installed, "manager_em")


def test_what_a_transaction_of_one_moment_sees_is_not_compared(installed: Installed) -> None:
    """A check of the record sees the rows of one moment, and the ledger goes on."""
    with installed.engine.connect():
        pass
    with web_of(installed) as web, program_session(web, installed.cast.program_id) as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        session.execute(text("select 1"))
        end_access(installed, "manager_em")
        session.execute(text("select 1"))


def test_a_machine_that_joins_waits_until_another_has_dealt_with_a_restore(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = replace(
        installed.settings, database_url=in_database(installed.copies.urls.app, installed.name), demo=False
    )
    waited: list[float] = []

    def another_starts(seconds: float) -> None:
        waited.append(seconds)
        installed.start()

    monkeypatch.setattr("api.cli.joined.time.sleep", another_starts)
    joined.wait_for_the_tables(settings)
    assert waited == []
    copy = installed.copy()
    end_access(installed, "manager_em")
    installed.put_back(copy)
    capsys.readouterr()
    with speaking("en"):
        joined.wait_for_the_tables(settings)
    assert waited == [joined._LOOK_SECONDS]
    assert "This database was restored from a copy" in capsys.readouterr().err


def test_a_failed_commit_whose_number_is_yet_to_come_here_is_not_called_undone(installed: Installed) -> None:
    """Of a data folder that was copied back under a process that runs on."""
    with web_of(installed) as web:
        by(web, installed, out(installed, "manager_em"))
        unsettled, line = closing._APART[web].unsettled, installed.ledger.lines()[-1]
        unsettled[99] = replace(line, n=99, xid=line.xid + 10**9)
        by(web, installed, out(installed, "manager_la"))
        assert list(unsettled) == [99]
    assert "void" not in [one.note.kind for one in installed.ledger.lines()]
