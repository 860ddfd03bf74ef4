"""The ledger's file: what stands in it stays, what was cut off is removed, and what was changed is told."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.keys import FileSealKeys, make_seal_key, rotate_seal_key
from adapters.ledger import NAME, FileLedger, make_ledger
from models.ports import LedgerFact, LedgerNote, NoLedger, OtherEpoch, Ran
from tests.fakes.seal_keys import FakeSealKeys

AT = datetime(2026, 11, 30, 13, 20, tzinfo=UTC)


def note(kind: str = "ended", **more: LedgerFact) -> LedgerNote:
    return LedgerNote(kind, AT, uuid4(), uuid4(), more)


@pytest.fixture
def ledger(tmp_path: Path) -> FileLedger:
    make_ledger(tmp_path / "ledger")
    return FileLedger(tmp_path / "ledger", FakeSealKeys())


def again(ledger: FileLedger) -> FileLedger:
    """The same file, read by a process that knows nothing of it yet."""
    return FileLedger(ledger.path.parent, FakeSealKeys())


def test_what_is_written_is_read_again_in_its_order_and_each_line_has_a_number(ledger: FileLedger) -> None:
    notes = [note(verb="access.ended", of="person"), note("sent", key="ab" * 32), note("destroyed")]
    written = [*ledger.append(notes[:2], ran=Ran(7, "1.2.00000001")), *ledger.append(notes[2:], ran=Ran(8), epoch=1)]
    read = again(ledger).lines()
    assert [(line.n, line.note, line.xid, line.epoch) for line in read] == [
        (1, notes[0], 7, 0),
        (2, notes[1], 7, 0),
        (3, notes[2], 8, 1),
    ]
    assert list(read) == written
    assert again(ledger).last() == read[-1]


def test_a_line_goes_on_in_the_epoch_of_the_one_before(ledger: FileLedger) -> None:
    ledger.append([note()], epoch=3)
    assert again(ledger).append([note()])[0].epoch == 3


def test_the_file_and_its_folder_are_their_owner_s_alone(ledger: FileLedger) -> None:
    assert ledger.path.stat().st_mode & 0o777 == 0o600
    assert ledger.path.parent.stat().st_mode & 0o777 == 0o700


def test_of_two_who_make_it_one_does_and_what_stands_in_it_stays(ledger: FileLedger) -> None:
    line = ledger.append([note()])[0]
    assert not make_ledger(ledger.path.parent)
    assert again(ledger).last() == line


@pytest.mark.parametrize(
    "text", ["Agate Onyx", "agate@ccsmtl.example", "Agate", "O'Neill", "514 555-0100", "a" * 81, "é", "10, rue du Port"]
)
def test_it_takes_no_name_no_address_and_no_text(ledger: FileLedger, text: str) -> None:
    for one in (note(word=text), note(several=[str(uuid4()), text]), replace(note(), kind=text)):
        with pytest.raises(ValueError, match="never a text"):
            ledger.append([note(), one])
    assert again(ledger).last() is None


@given(cut=st.integers(min_value=1, max_value=1000))
def test_a_line_that_a_crash_cut_anywhere_is_removed_and_the_next_one_follows_the_one_before(cut: int) -> None:
    with TemporaryDirectory() as folder:
        make_ledger(Path(folder))
        ledger = FileLedger(Path(folder), FakeSealKeys())
        first = ledger.append([note()])[0]
        whole = ledger.path.stat().st_size
        ledger.append([note()])
        length = ledger.path.stat().st_size - whole
        os.truncate(ledger.path, whole + cut % length)
        for reads in (again(ledger), again(ledger)):
            assert reads.last() == first
            assert reads.lines() == [first]
        second = again(ledger).append([note()])[0]
        assert again(ledger).lines() == [first, second]


def test_a_changed_line_is_told_with_the_last_one_that_is_right(ledger: FileLedger) -> None:
    ledger.append([note(verb="access.ended") for _ in range(5)])
    kept = ledger.path.read_text(encoding="ascii").splitlines()
    for at in range(5):
        told = json.loads(kept[at])
        told["id"] = str(uuid4())
        _write(ledger, [*kept[:at], json.dumps(told, separators=(",", ":")), *kept[at + 1 :]])
        with pytest.raises(NoLedger, match=f"after line {at}:"):
            again(ledger).lines()


def test_a_line_that_is_missing_in_the_middle_or_stands_elsewhere_is_told(ledger: FileLedger) -> None:
    ledger.append([note() for _ in range(5)])
    kept = ledger.path.read_text(encoding="ascii").splitlines()
    for lines in (kept[1:], kept[:2] + kept[3:], [kept[1], kept[0], *kept[2:]], [*kept, kept[4]], ["", *kept]):
        _write(ledger, lines)
        with pytest.raises(NoLedger, match="changed after line"):
            again(ledger).lines()


def test_a_line_of_another_key_is_told_and_one_of_a_key_that_is_gone(tmp_path: Path) -> None:
    make_ledger(tmp_path)
    FileLedger(tmp_path, FakeSealKeys({"first": b"a" * 32})).append([note()])
    with pytest.raises(NoLedger, match="changed after line 0"):
        FileLedger(tmp_path, FakeSealKeys({"first": b"b" * 32})).last()
    with pytest.raises(NoLedger, match="signed with a key that is not here"):
        FileLedger(tmp_path, FakeSealKeys({"second": b"a" * 32})).last()


def test_a_key_that_is_rotated_signs_the_next_lines_and_those_before_are_still_read(tmp_path: Path) -> None:
    make_seal_key(tmp_path / "seal.json")
    make_ledger(tmp_path)
    ledger = FileLedger(tmp_path, FileSealKeys(tmp_path / "seal.json"))
    ledger.append([note()])
    rotate_seal_key(tmp_path / "seal.json")
    ledger.append([note()])
    assert len(FileLedger(tmp_path, FileSealKeys(tmp_path / "seal.json")).lines()) == 2


def test_without_the_file_or_without_the_seal_keys_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(NoLedger, match="missing"):
        FileLedger(tmp_path, FakeSealKeys()).append([note()])
    make_ledger(tmp_path)
    with pytest.raises(NoLedger, match=r"seal\.json is missing"):
        FileLedger(tmp_path, FileSealKeys(tmp_path / "seal.json")).append([note()])
    assert FileLedger(tmp_path, FakeSealKeys()).last() is None


@pytest.mark.parametrize("at", [0, 1, 37])
def test_on_a_full_disk_nothing_of_the_lines_stays(
    ledger: FileLedger, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    before = ledger.append([note()])
    write = os.write

    def full(handle: int, content: bytes) -> int:
        if at and len(content) > at:
            write(handle, content[:at])
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(NoLedger, match="cannot be used"):
            ledger.append([note(), note()])
    assert ledger.path.read_bytes().count(b"\n") == 1
    assert ledger.path.read_bytes().endswith(b"\n")
    after = ledger.append([note()])
    assert again(ledger).lines() == [*before, *after]


def test_a_line_is_on_the_disk_before_it_is_told_of(ledger: FileLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    _spy(monkeypatch, "write", lambda: done.append("write"))
    _spy(monkeypatch, "fsync", lambda: done.append("fsync"))
    ledger.append([note(), note()])
    assert done == ["write", "fsync"]


def test_a_line_that_does_not_reach_the_disk_is_refused_and_removed(
    ledger: FileLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "the disk")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(NoLedger):
            ledger.append([note()])
    assert again(ledger).last() is None


def test_an_older_copy_that_is_put_back_while_the_program_runs_is_told(ledger: FileLedger) -> None:
    ledger.append([note()])
    older = ledger.path.read_bytes()
    ledger.append([note()])
    copy = ledger.path.with_name("copy")
    copy.write_bytes(older)
    copy.replace(ledger.path)
    with pytest.raises(NoLedger, match="ends before line 2"):
        ledger.append([note()])


def test_many_who_write_at_once_each_get_a_number_of_their_own(ledger: FileLedger) -> None:
    def write() -> None:
        mine = again(ledger)
        for _ in range(20):
            mine.append([note(), note()])

    threads = [threading.Thread(target=write) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [line.n for line in again(ledger).lines()] == list(range(1, 161))


@pytest.mark.ci
def test_processes_that_write_at_once_do_not_mix_their_lines(ledger: FileLedger) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_fifty, args=(str(ledger.path.parent),)) for _ in range(3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert [one.exitcode for one in writers] == [0, 0, 0]
    assert [line.n for line in again(ledger).lines()] == list(range(1, 151))


def test_who_sleeps_as_it_writes_holds_up_no_reader_and_no_writer_for_ever_and_what_is_taken_back_was_not_known(
    ledger: FileLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.ledger._READ_SECONDS", 0.05)
    monkeypatch.setattr("adapters.ledger._WRITE_SECONDS", 0.1)
    (first,) = ledger.append([note()])
    other, refused = again(ledger), []
    asleep, wakes = threading.Event(), threading.Event()

    def sleep(_: int) -> None:
        asleep.set()
        wakes.wait(60)
        raise OSError(errno.EIO, "the disk")

    def write() -> None:
        with pytest.raises(NoLedger) as told:
            ledger.append([note(), note()])
        refused.append(told.value)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", sleep)
        sleeper = threading.Thread(target=write)
        sleeper.start()
        assert asleep.wait(60)
        assert [line.n for line in other.lines()] == [1, 2, 3], "they may yet be told of"
        assert [line.n for line in other.since(2)] == [2, 3]
        for act in (lambda: other.append([note()]), other.refuse_unwritable):
            with pytest.raises(NoLedger, match="does not let it go"):
                act()
        wakes.set()
        sleeper.join()
    assert (len(refused), other.last()) == (1, first)
    assert [line.n for line in other.append([note()])] == [2]
    assert [line.n for line in again(ledger).lines()] == [1, 2]


def _write_fifty(folder: str) -> None:
    ledger = FileLedger(Path(folder), FakeSealKeys())
    for _ in range(50):
        ledger.append([LedgerNote("ended", AT, None, None, {})])


def test_only_what_others_wrote_since_is_read_before_a_line_is_written(
    ledger: FileLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append([note() for _ in range(200)])
    again(ledger).append([note()])
    read: list[int] = []
    pread = os.pread

    def counted(handle: int, length: int, begins: int) -> bytes:
        read.append(length)
        return pread(handle, length, begins)

    monkeypatch.setattr(os, "pread", counted)
    assert ledger.append([note()])[0].n == 202
    assert sum(read) < 1000


def test_its_last_line_is_found_also_where_it_is_longer_than_what_is_read_at_once(ledger: FileLedger) -> None:
    people: list[str] = [str(UUID(int=n)) for n in range(3000)]
    ledger.append([note("told", people=people), note("told", people=people)])
    assert again(ledger).last() == again(ledger).lines()[-1]


def test_one_that_was_put_aside_is_kept_and_the_next_goes_on_after_the_number_that_was_seen(ledger: FileLedger) -> None:
    ledger.append([note()])
    before = ledger.path.read_bytes()
    ledger.begin_anew([note()], after=12, epoch=4, at=AT)
    first, second = again(ledger).lines()
    assert (first.n, first.epoch, first.note.kind) == (13, 4, "accepted")
    assert (second.n, second.epoch) == (14, 4)
    (kept,) = ledger.path.parent.glob(f"{NAME}.*.aside")
    assert kept.read_bytes() == before
    assert [line.n for line in (*again(ledger).lines(), *ledger.append([note()]))] == [13, 14, 15]


def _write(ledger: FileLedger, lines: list[str]) -> None:
    ledger.path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _spy(monkeypatch: pytest.MonkeyPatch, name: str, tell: Callable[[], None]) -> None:
    real = getattr(os, name)

    def spied(*args: object) -> object:
        tell()
        return real(*args)

    monkeypatch.setattr(os, name, spied)


def test_a_line_says_of_which_transaction_of_which_server_it_is(ledger: FileLedger) -> None:
    ledger.append([note()], ran=Ran(7, "7300000000000000001.16384.00000002"))
    (line,) = again(ledger).lines()
    assert (line.xid, line.server) == (7, "7300000000000000001.16384.00000002")


@pytest.mark.parametrize("count", [3, 400])
def test_the_lines_since_a_number_are_read_from_the_end_and_each_is_checked(ledger: FileLedger, count: int) -> None:
    lines = list(ledger.append([note() for _ in range(count)]))
    for first in (1, 2, count - 1, count):
        assert again(ledger).since(first) == lines[first - 1 :]
        assert ledger.since(first) == lines[first - 1 :]
    assert again(ledger).since(0) == lines
    assert again(ledger).since(count + 1) == []
    content = ledger.path.read_bytes()
    at = content.index(b"ended", content.index(f'"n":{count - 1},'.encode()))
    ledger.path.write_bytes(content[:at] + b"ENDED" + content[at + 5 :])
    with pytest.raises(NoLedger, match="changed after line"):
        again(ledger).since(count - 1)


def test_nothing_is_written_in_another_epoch_than_the_one_that_was_agreed_on(ledger: FileLedger) -> None:
    ledger.append([note()], within=0)
    ledger.append([note()], epoch=1)
    with pytest.raises(OtherEpoch):
        ledger.append([note()], within=0)
    assert len(ledger.append([note()], within=1)) == 1
    assert [line.n for line in again(ledger).lines()] == [1, 2, 3]


def test_a_ledger_without_room_for_a_line_or_that_is_missing_says_that_it_cannot_be_written(
    ledger: FileLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.refuse_unwritable()
    real = os.fstatvfs
    with monkeypatch.context() as full:
        full.setattr(os, "fstatvfs", lambda handle: os.statvfs_result([*real(handle)[:4], 0, *real(handle)[5:]]))
        with pytest.raises(NoLedger, match="cannot be used"):
            ledger.refuse_unwritable()
    ledger.path.unlink()
    with pytest.raises(NoLedger, match="missing"):
        ledger.refuse_unwritable()
