"""Where an installation lives: a data folder is one installation's at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from api.cli.place import data_folder
from api.cli.spoken import Ending
from locales import speaking


def test_of_the_lock_of_a_data_folder_nothing_stays_and_it_is_held_by_one_alone(tmp_path: Path) -> None:
    for _ in range(2):
        with speaking("en"), data_folder(tmp_path):
            assert [one.name for one in tmp_path.iterdir()] == ["up.lock"]
            with pytest.raises(Ending, match="already runs"), data_folder(tmp_path):
                pass
            assert [one.name for one in tmp_path.iterdir()] == ["up.lock"], "who is refused takes no other's away"
        assert list(tmp_path.iterdir()) == []


def test_a_lock_that_was_removed_as_another_took_it_locks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, real, taken = tmp_path / "up.lock", fcntl.flock, list[int]()

    def removed_meanwhile(handle: int, how: int) -> None:
        real(handle, how)
        taken.append(os.fstat(handle).st_ino)
        if len(taken) == 1:
            lock.unlink()

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    with data_folder(tmp_path):
        assert len(taken) == 2
        assert lock.stat().st_ino == taken[-1]
