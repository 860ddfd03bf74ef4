"""What goes with time: the participants' keys after their days, in every copy, and no file of the archive too early."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyrage import x25519

from adapters.archive import Archive
from adapters.backups.bases import tidy_archive
from adapters.backups.faults import BackupError
from adapters.backups.keeping import Keeping
from adapters.backups.keys_out import take_out_keys
from adapters.backups.manifest import (
    BASE,
    DATABASE,
    MANIFEST,
    PEOPLE_KEYS,
    BaseOf,
    Content,
    Manifest,
    ServerOf,
    write_manifest,
)
from adapters.backups.sealed import Sealed
from adapters.backups.shelf import Shelf

HERE, BEFORE = "https://spheres.example", "http://localhost:8400"
NOW = datetime.now(UTC)  # as the disk of this machine tells when a file was written
TO = x25519.Identity.generate().to_public()


@pytest.fixture
def to(tmp_path: Path) -> Path:
    folder = tmp_path / "to"
    folder.mkdir()
    return folder


def copied(to: Path, days_ago: float, *, of: str = HERE, base: tuple[str, int] | None = None, missing: int = 0) -> Path:
    """A copy as it lies there, made so many days ago at an address, of so much of a server's files."""
    at, shelf = NOW - timedelta(days=days_ago), Shelf(to, of)
    with shelf.new(at) as making:
        for name in (DATABASE, PEOPLE_KEYS, *([BASE] if base else [])):
            (making / name).write_bytes(b"x")
        based = BaseOf(base[0], file(base[1]), at) if base else None
        server, name = ServerOf(160000, 16), shelf.name_of(making)
        told = Manifest(
            name, of, "1", "0101", at, server, "America/Toronto", {}, None, based, {"a": Sealed(1, "x")}, missing
        )
        write_manifest(making, told, Content({}, 0, 0), [TO])
    return to / name


def file(number: int) -> str:
    return f"0000000100000000{number:08X}"


def keys_in(*copies: Path) -> list[bool]:
    return [(one / PEOPLE_KEYS).exists() for one in copies]


def take_out(to: Path) -> int:
    return take_out_keys(to, HERE, Keeping(), NOW)


def test_keys_go_after_their_days_though_no_copy_is_made_any_more(to: Path) -> None:
    old, young = copied(to, 40), copied(to, 34)
    assert take_out(to) == 1
    assert keys_in(old, young) == [False, True]
    assert (old / DATABASE).exists(), "the rest of the copy stays"
    assert take_out(to) == 0


def test_the_newest_copy_keeps_its_keys_however_old_it_is(to: Path) -> None:
    old, newest = copied(to, 90), copied(to, 60)
    take_out(to)
    assert keys_in(old, newest) == [False, True]


def test_keys_go_from_the_copies_of_another_address_too_once_there_is_one_of_this(to: Path) -> None:
    older, newer = copied(to, 400, of=BEFORE), copied(to, 90, of=BEFORE)
    take_out(to)
    assert keys_in(older, newer) == [False, True], "that of before is all there is"
    now = copied(to, 0)
    take_out(to)
    assert keys_in(older, newer, now) == [False, False, True]


def test_keys_go_from_what_a_killed_process_left_and_from_a_copy_that_is_not_read(to: Path) -> None:
    copied(to, 0)
    left, spoilt = to / ".unfinished-01234567-x", copied(to, 50)
    left.mkdir()
    (left / PEOPLE_KEYS).write_bytes(b"x")
    (spoilt / MANIFEST).write_bytes(b"{")
    assert (take_out(to), keys_in(left, spoilt)) == (0, [True, True]), "they may be at work, or of today"
    long_ago = (NOW - timedelta(days=36)).timestamp()
    for one in (left, spoilt):
        os.utime(one / PEOPLE_KEYS, (long_ago, long_ago))
    take_out(to)
    assert keys_in(left, spoilt) == [False, False]


def test_a_copy_that_a_wrong_clock_dated_ahead_does_not_keep_the_keys_of_the_newest_from_staying(to: Path) -> None:
    newest, ahead = copied(to, 40), copied(to, -300)
    take_out(to)
    assert keys_in(newest, ahead) == [True, True]


def test_with_the_disk_full_what_is_no_longer_kept_goes_before_a_copy_is_tried(to: Path) -> None:
    nights = [copied(to, days) for days in range(20)]
    shelf = Shelf(to, HERE)
    assert len(shelf.make_room(Keeping(2, 0, 0), NOW)) == 18
    assert [one.exists() for one in nights[:3]] == [True, True, False]
    copied(to, -30)
    assert shelf.make_room(Keeping(1, 0, 0), NOW) == (), "by a clock that went back nothing is removed"


def test_of_a_day_the_copy_that_lacks_nothing_is_kept_beside_the_newest(to: Path) -> None:
    whole = copied(to, 0.004)
    lacking, newest = copied(to, 0.002, missing=1), copied(to, 0.001, missing=1)
    gone = Shelf(to, HERE).tidy(Keeping(), newest=newest.name, now=NOW)
    assert (gone, whole.exists(), lacking.exists(), newest.exists()) == ((lacking.name,), True, False, True)


# ---------------------------------------------------------------------------------------------------- the archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Seven hundred files of one server, and one of another."""
    made = Archive(tmp_path / "archive", str(TO))
    for system, numbers in (("777", range(701)), ("555", range(1))):
        made.of_server(system).mkdir(parents=True)
        for number in numbers:
            (made.of_server(system) / f"{file(number)}.age").write_bytes(b"w")
    return made


@pytest.fixture
def tidy(archive: Archive, to: Path) -> Callable[..., int]:
    return lambda now=NOW: tidy_archive(archive, Shelf(to, HERE).every_base(), system="777", keeping=Keeping(), now=now)


def first_of(archive: Archive) -> str:
    return min(one.stem for one in archive.of_server("777").iterdir())


def test_the_archive_keeps_all_to_which_a_copy_of_any_address_leads(
    archive: Archive, to: Path, tidy: Callable[..., int]
) -> None:
    copied(to, 6, of=BEFORE, base=("777", 100))
    copied(to, 0, base=("777", 690))
    assert (tidy(), first_of(archive)) == (100, file(100))


def test_where_a_copy_with_files_of_a_server_is_not_read_it_is_not_known_what_may_go(to: Path) -> None:
    spoilt = copied(to, 6, base=("777", 100))
    (spoilt / MANIFEST).write_bytes(b"{")
    (to / "lost+found").mkdir()
    with pytest.raises(BackupError):
        Shelf(to, HERE).every_base()
    (spoilt / BASE).unlink()
    assert Shelf(to, HERE).every_base() == []


def test_the_files_of_another_server_stay_with_its_last_copy_and_for_35_days(
    archive: Archive, to: Path, tidy: Callable[..., int]
) -> None:
    other = copied(to, 6, base=("555", 0))
    archive.keys_of("555").mkdir(parents=True)
    later = NOW + timedelta(days=36)
    assert (tidy(later), archive.of_server("555").exists()) == (0, True)
    (other / BASE).unlink()
    assert (tidy(), archive.of_server("555").exists()) == (0, True), "a neighbour may still write there"
    assert (tidy(later), archive.of_server("555").exists(), archive.keys_of("555").exists()) == (1, False, False)
    assert first_of(archive) == file(0), "of the server that runs nothing goes before it has a copy"
