"""A database in another place than the ledger says is a copy of it, unless a person says that it moved."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from api.cli import ledger as at_the_terminal
from api.cli.spoken import Ending
from domain.restoring import Disagrees
from locales import speaking
from tests.databases import in_database
from tests.domain.restoring.test_done_again import told_of_restores
from tests.domain.restoring.test_put_back import end_access, is_open, matters, sign_in
from tests.restored import Installed, installed

__all__ = ["installed"]


@pytest.fixture
def settings(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of who runs the installation."""
    monkeypatch.setenv("SPHERES_DATA", str(installed.settings.data))
    monkeypatch.setenv("DATABASE_URL", in_database(installed.copies.urls.app, installed.name))
    monkeypatch.setenv("DATABASE_OWNER_URL", installed.owner_url)


def said(*words: str) -> tuple[int, str]:
    with speaking("en"):
        done = CliRunner().invoke(at_the_terminal.app, list(words))
    return done.exit_code, done.output


def say_moved() -> tuple[int, str]:
    return said("moved")


def test_a_copy_of_which_nothing_closed_is_missing_is_a_restore_all_the_same(installed: Installed) -> None:
    """What closes nothing leaves no line: a consent, a risk, a candidate who was taken in."""
    token = sign_in(installed, "manager_em")
    installed.put_back(installed.copy())
    with pytest.raises(Disagrees) as told:
        is_open(installed, token)
    assert told.value.why == "moved"
    installed.start()
    assert installed.rows("select number, lines from epoch") == [{"number": 1, "lines": 0}]
    assert not is_open(installed, token)
    assert len(told_of_restores(installed)) == 1
    assert matters(installed) == []
    installed.start()
    assert installed.rows("select number from epoch") == [{"number": 1}]


@pytest.mark.usefixtures("settings")
def test_a_database_of_which_a_person_says_that_it_was_moved_goes_on_with_all_that_is_open(
    installed: Installed,
) -> None:
    token = sign_in(installed, "manager_em")
    installed.put_back(installed.copy())
    assert say_moved()[0] == 0
    assert is_open(installed, token)
    installed.start()
    end_access(installed, "manager_em")
    installed.start()
    assert installed.rows("select number from epoch") == []
    assert "there is nothing to say" in say_moved()[1]


@pytest.mark.usefixtures("settings")
def test_nobody_can_say_that_a_copy_was_moved_in_which_something_is_missing(installed: Installed) -> None:
    copy = installed.copy()
    end_access(installed, "manager_em")
    installed.put_back(copy)
    lines = installed.ledger.lines()
    status, _ = say_moved()
    assert status != 0
    assert installed.ledger.lines() == lines
    installed.start()
    assert installed.rows("select number from epoch") == [{"number": 1}]


@pytest.mark.usefixtures("settings")
def test_checking_the_ledger_says_that_a_restore_is_yet_to_be_dealt_with(installed: Installed) -> None:
    assert said("check")[0] == 0
    copy = installed.copy()
    end_access(installed, "manager_em")
    for place in (installed.copy(), copy):
        installed.put_back(place)
        assert said("check")[0] == 1
    installed.start()
    assert said("check")[0] == 0


@pytest.mark.usefixtures("settings")
def test_a_command_says_in_words_that_a_restore_is_yet_to_be_dealt_with(installed: Installed) -> None:
    copy = installed.copy()
    end_access(installed, "manager_em")
    installed.put_back(copy)
    with speaking("en"):
        refused = CliRunner().invoke(at_the_terminal.app, ["let-in", "a@ccsmtl.example", "--reason", "Nobody else"])
    assert isinstance(refused.exception, Ending)
    assert "run: spheres migrate" in str(refused.exception)
