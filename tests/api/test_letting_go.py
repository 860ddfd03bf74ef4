"""What a copy made elsewhere leaves alone, and what goes on a machine where none is made any more."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.archive import Archive
from adapters.backups.manifest import BASE, MANIFEST, PEOPLE_KEYS
from adapters.backups.shelf import Shelf
from adapters.backups.taking import Taken
from adapters.postgres import DatabaseUrls
from adapters.settings import Settings
from api.cli import backing_up, scheduled
from tests.adapters.backups.test_letting_go import HERE, TO, copied, file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of an installation with a place for copies, an archive, and no time for copies."""
    for name in ("data", "to", "usb", "archive"):
        (tmp_path / name).mkdir()
    return Settings.from_env(
        {
            "SPHERES_DATA": str(tmp_path / "data"),
            "SPHERES_BACKUP_TO": str(tmp_path / "to"),
            "SPHERES_BACKUP_KEY": str(TO),
            "SPHERES_ARCHIVE": str(tmp_path / "archive"),
            "SPHERES_BASE_URL": HERE,
        }
    )


@pytest.fixture
def back_up_to(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a copy with a base of now in a folder, as `spheres backup FOLDER` does once the server is reached."""
    monkeypatch.setattr(backing_up, "_base", lambda *_: (lambda *_: None, "777"))
    monkeypatch.setattr(backing_up, "refuse_lost_archive", lambda *_: None)

    def take(_: object, shelf: Shelf, __: object, **___: object) -> Taken:
        return Taken(copied(shelf.folder, 0, base=("777", 690)).name, 1, 1)

    monkeypatch.setattr(backing_up, "take", take)
    urls = DatabaseUrls(owner="", app="", prefect="", admin="")

    def run(folder: Path) -> None:
        made = backing_up._Run(settings, folder, TO, by_schedule=False)  # without a server
        backing_up._made(made, urls, datetime.now(UTC))  # the same

    return run


@pytest.fixture
def archive(settings: Settings) -> Archive:
    """Seven hundred files, and a copy a hundred files in that leads over the rest."""
    found, to = settings.backups.archived, settings.backups.to
    assert found is not None
    assert to is not None
    found.of_server("777").mkdir()
    for number in range(701):
        (found.of_server("777") / f"{file(number)}.age").write_bytes(b"w")
    copied(to, 6, base=("777", 100))
    return found


def test_a_copy_made_elsewhere_takes_nothing_from_the_archive(
    archive: Archive, back_up_to: Any, tmp_path: Path
) -> None:
    back_up_to(tmp_path / "usb")
    assert len(list(archive.of_server("777").iterdir())) == 701
    back_up_to(tmp_path / "to")
    assert min(one.stem for one in archive.of_server("777").iterdir()) == file(100)


def test_where_a_copy_is_not_read_the_archive_is_left_and_that_is_told(
    archive: Archive, back_up_to: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (spoilt,) = (one for one in (tmp_path / "to").iterdir() if (one / BASE).exists())
    (spoilt / MANIFEST).write_bytes(b"{")
    back_up_to(tmp_path / "to")
    assert len(list(archive.of_server("777").iterdir())) == 701
    assert "manifest.json" in capsys.readouterr().err


def test_without_a_time_for_copies_old_keys_go_each_day_all_the_same(settings: Settings, tmp_path: Path) -> None:
    old, newest = copied(tmp_path / "to", 40), copied(tmp_path / "to", 36)
    assert scheduled._all_that_is_due(settings)  # what the process does
    assert [(one / PEOPLE_KEYS).exists() for one in (old, newest)] == [False, True]
