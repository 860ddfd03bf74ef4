"""What is set about copies: each wrong value is a sentence that names the variable, and keys are kept for weeks."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from adapters.backups.keeping import Keeping
from adapters.environment import SettingsError
from adapters.settings import Settings

KEY = "age1f7jjmrz2wz357z4ly8fqs7p8ycj32nhaut33jyys0pe0lcv3338s8cvxkn"
SET = {"SPHERES_BACKUP_TO": "/mnt/copies", "SPHERES_BACKUP_KEY": KEY}


def test_with_nothing_set_a_copy_is_made_by_hand_and_kept_by_the_declared_rule() -> None:
    found = Settings.from_env({}).backups
    assert (found.to, found.key, found.at, found.archive, found.drill_key_file) == (None, "", None, None, None)
    assert found.keeping == Keeping(7, 5, 12, 35)


def test_what_is_set_is_read() -> None:
    found = Settings.from_env(
        SET
        | {
            "SPHERES_BACKUP_AT": "2:30",
            "SPHERES_BACKUP_KEEP": "14, 8, 0",
            "SPHERES_BACKUP_KEYS_DAYS": "21",
            "SPHERES_ARCHIVE": "/mnt/archive",
        }
    ).backups
    assert (found.to, found.key, found.at) == (Path("/mnt/copies"), KEY, time(2, 30))
    assert found.keeping == Keeping(14, 8, 0, 21)
    assert found.archive == Path("/mnt/archive")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("SPHERES_BACKUP_TO", "copies"),
        ("SPHERES_BACKUP_KEY", KEY[:-1]),
        ("SPHERES_BACKUP_KEY", "AGE-SECRET-KEY-1" + "Q" * 58),
        ("SPHERES_BACKUP_AT", "24:00"),
        ("SPHERES_BACKUP_AT", "at night"),
        ("SPHERES_BACKUP_KEEP", "0,5,12"),
        ("SPHERES_BACKUP_KEEP", "8,5"),
        ("SPHERES_PGBACKREST", "--config=/x"),
        ("SPHERES_BACKUP_KEYS_DAYS", "36"),
        ("SPHERES_BACKUP_KEYS_DAYS", "0"),
        ("SPHERES_BACKUP_KEYS_DAYS", "three weeks"),
    ],
)
def test_a_wrong_value_is_told_by_its_variable_and_never_shown(name: str, given: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(SET | {name: given})
    assert refused.value.told_in("en").startswith(f"{name} ")
    assert given not in refused.value.told_in("fr")


@pytest.mark.parametrize("name", ["SPHERES_BACKUP_AT", "SPHERES_ARCHIVE", "SPHERES_DRILL_KEY_FILE"])
def test_a_schedule_needs_to_know_where_to_and_for_which_key(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: "02:30" if name.endswith("AT") else "/mnt/x"})
