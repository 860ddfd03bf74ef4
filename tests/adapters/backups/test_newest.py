"""Which copy of a folder is the newest, also where a clock was wrong when one of them was made."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyrage import x25519

from adapters.backups.faults import BackupError
from adapters.backups.manifest import MANIFEST, Content, HeadOf, Manifest, ServerOf, write_manifest
from adapters.backups.shelf import Shelf, newest_in

NOW = datetime(2026, 11, 30, 2, 30, tzinfo=UTC)
NIGHT = timedelta(days=1)
HERE = "https://spheres.example"
TO = x25519.Identity.generate().to_public()


def copy(folder: Path, taken_at: datetime, *, seal: int = 1, epoch: int = 0, installation: str = HERE) -> Path:
    made = folder / f"{taken_at:%Y%m%dT%H%M%SZ}-{seal}"
    made.mkdir()
    manifest = Manifest(
        id=made.name,
        installation=installation,
        version="1",
        schema="0101",
        taken_at=taken_at,
        server=ServerOf(160000, 16),
        zone="America/Toronto",
        heads={"greater-montreal": HeadOf(seal, "x")},
        ledger={"n": seal, "digest": "x", "epoch": epoch},
        base=None,
        files={},
    )
    write_manifest(made, manifest, Content({}, 0, 0), [TO])
    return made


def test_the_newest_of_this_installation_is_meant_and_a_copy_that_is_named_is_itself(tmp_path: Path) -> None:
    older, newer = copy(tmp_path, NOW - NIGHT, seal=1), copy(tmp_path, NOW, seal=2)
    copy(tmp_path, NOW + timedelta(hours=1), seal=9, installation="https://elsewhere.example")
    found = newest_in(tmp_path, HERE, NOW)
    assert (found.folder, found.ahead, found.holds_more) == (newer, (), None)
    assert newest_in(older, HERE, NOW).folder == older


def test_one_that_a_clock_dated_ahead_is_passed_over_and_named(tmp_path: Path) -> None:
    ahead = copy(tmp_path, NOW + 30 * NIGHT, seal=1)
    made = copy(tmp_path, NOW, seal=2)
    found = newest_in(tmp_path, HERE, NOW)
    assert (found.folder, found.ahead, found.holds_more) == (made, (ahead,), None)


def test_where_there_is_no_other_the_one_dated_ahead_is_taken(tmp_path: Path) -> None:
    ahead = copy(tmp_path, NOW + 30 * NIGHT)
    found = newest_in(tmp_path, HERE, NOW)
    assert (found.folder, found.ahead) == (ahead, ())


def test_one_that_was_made_later_by_a_clock_gone_back_is_named(tmp_path: Path) -> None:
    by_its_date = copy(tmp_path, NOW, seal=1)
    later = copy(tmp_path, NOW - NIGHT, seal=2)
    found = newest_in(tmp_path, HERE, NOW)
    assert (found.folder, found.holds_more) == (by_its_date, later)


def test_what_an_earlier_restore_went_back_over_holds_no_more(tmp_path: Path) -> None:
    copy(tmp_path, NOW - NIGHT, seal=9, epoch=0)
    restored = copy(tmp_path, NOW, seal=2, epoch=1)
    found = newest_in(tmp_path, HERE, NOW)
    assert (found.folder, found.holds_more) == (restored, None)


def test_where_there_is_none_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="There is no whole copy"):
        newest_in(tmp_path, HERE, NOW)


def hidden(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """A folder that the account which looks may not read."""
    exists, read = Path.exists, Path.read_bytes

    def refuse(one: Path) -> None:
        if one.parent == folder:
            raise PermissionError(13, "Permission denied", str(one))

    def exists_not(self: Path, **given: bool) -> bool:
        refuse(self)
        return exists(self, **given)

    def read_not(self: Path) -> bytes:
        refuse(self)
        return read(self)

    patch.setattr(Path, "exists", exists_not)
    patch.setattr(Path, "read_bytes", read_not)


def test_a_folder_of_the_disk_that_we_may_not_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = copy(tmp_path, NOW)
    (tmp_path / "lost+found").mkdir()
    hidden(monkeypatch, tmp_path / "lost+found")
    assert newest_in(tmp_path, HERE, NOW).folder == made
    assert Shelf(tmp_path, HERE).every_base() == []


def named(one: Path, at: datetime) -> Path:
    """A copy under the name that it gets as it is made."""
    return one.rename(one.parent / f"{at:%Y%m%dT%H%M%SZ}-0123abcd")


def test_a_copy_that_we_may_not_read_is_never_passed_over_for_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = copy(tmp_path, NOW - NIGHT)
    newer = named(copy(tmp_path, NOW), NOW)
    hidden(monkeypatch, newer)
    found = newest_in(tmp_path, HERE, NOW)
    assert (found.folder, [one.code for one in found.unread]) == (older, ["no_place"])


def test_a_newer_copy_of_which_nothing_but_its_name_is_left_is_named(tmp_path: Path) -> None:
    older = copy(tmp_path, NOW - NIGHT)
    left = tmp_path / f"{NOW:%Y%m%dT%H%M%SZ}-0123abcd"
    left.mkdir()
    found = newest_in(tmp_path, HERE, NOW)
    assert (found.folder, [str(left) in one.told_in("en") for one in found.unread]) == (older, [True])


def test_a_copy_that_cannot_be_read_and_is_older_than_the_one_taken_stands_in_no_way(tmp_path: Path) -> None:
    before = NOW - NIGHT
    (named(copy(tmp_path, before), before) / MANIFEST).unlink()
    newer = copy(tmp_path, NOW)
    found = newest_in(tmp_path, HERE, NOW)
    assert (found.folder, found.unread) == (newer, ())


def test_of_a_renamed_copy_that_cannot_be_read_it_is_not_known_that_it_is_older(tmp_path: Path) -> None:
    copy(tmp_path, NOW)
    renamed = copy(tmp_path, NOW - NIGHT).rename(tmp_path / "before the upgrade")
    (renamed / MANIFEST).write_text("{")
    assert [one.code for one in newest_in(tmp_path, HERE, NOW).unread] == ["damaged"]


def test_what_others_keep_beside_the_copies_stands_in_no_way(tmp_path: Path) -> None:
    """A newer version's copy of another address, and a folder of another program."""
    ours = copy(tmp_path, NOW - NIGHT)
    theirs = named(copy(tmp_path, NOW, installation="https://elsewhere.example"), NOW)
    told = json.loads((theirs / MANIFEST).read_text())
    (theirs / MANIFEST).write_text(json.dumps(told | {"layout": 2}))
    (tmp_path / "a program").mkdir()
    (tmp_path / "a program" / MANIFEST).write_text("{}")
    found = newest_in(tmp_path, HERE, NOW)
    assert (found.folder, found.unread) == (ours, ())
