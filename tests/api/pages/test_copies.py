"""What the board says of copies: nothing while they are made, and what is wrong in people's words else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from models.backups import BACKUP_CODES, BACKUP_MADE, BackupRun
from models.base import table_of
from tests.api.pages.test_board import board_of
from tests.cast import AT, Cast

NOT_MADE = "The last backup failed or is late"


def ran(cast: Cast, code: str = "", *, kind: str = "backup", days_ago: int = 0) -> None:
    ended = AT - timedelta(days=days_ago, hours=1)
    row = BackupRun(kind=kind, started_at=ended, ended_at=ended, code=code, next_by=ended + timedelta(days=1))
    with cast.session() as session:
        session.execute(insert(table_of(BackupRun)).values(row.model_dump()))


def test_while_copies_are_made_the_board_says_nothing_of_them(cast: Cast) -> None:
    assert NOT_MADE not in board_of(cast)
    ran(cast)
    assert NOT_MADE not in board_of(cast)


@pytest.mark.parametrize("code", [code for code in BACKUP_CODES if code not in BACKUP_MADE])
def test_a_copy_that_failed_stands_on_the_board_with_the_day_of_the_last_good_one(cast: Cast, code: str) -> None:
    ran(cast, days_ago=2)
    ran(cast, code)
    page = board_of(cast)
    assert NOT_MADE in page
    assert "The last good one is of" in page
    assert code == "failed" or f">{code}" not in page


def test_a_copy_that_was_not_made_stands_there_too(cast: Cast) -> None:
    ran(cast, days_ago=3)
    page = board_of(cast)
    assert NOT_MADE in page
    assert "The one that was due has not been made." in page


def test_where_keys_are_lost_the_board_says_that_copies_are_made_and_lack_them(cast: Cast) -> None:
    ran(cast, "keys_missing")
    page = board_of(cast)
    assert "Keys are missing from the backup" in page
    assert "An older copy may hold them" in page
    assert "Nothing is lost" not in page
    assert NOT_MADE not in page


def test_of_an_old_last_copy_it_is_said_that_it_keeps_the_keys_past_their_days(cast: Cast) -> None:
    ran(cast, days_ago=36)
    ran(cast, "disk_full")
    assert "longer than their days" in board_of(cast)


def test_a_trial_that_failed_is_told_as_such(cast: Cast) -> None:
    ran(cast)
    ran(cast, "damaged", kind="drill")
    page = board_of(cast)
    assert "The last trial of the backup failed or is late" in page
    assert "There has not been a good trial yet." in page
    assert NOT_MADE not in page


def test_a_schedule_before_the_first_copy_by_hand_stands_there_with_what_is_missing(cast: Cast) -> None:
    ran(cast, "no_place")
    page = board_of(cast)
    assert NOT_MADE in page
    assert "or the first copy was not made in it by hand" in page
    assert "There has not been a good one yet." in page
