"""A letter that the mail server took is sent, whatever becomes of the ledger and of the database right after it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session

from adapters import closing
from adapters.ledger import FileLedger
from flows.engine import Means
from flows.post import LEASE, deliver
from models.ports import LEDGER_NOTES, NoLedger
from tests.cast import AT
from tests.domain.restoring.test_done_again import Crash, letter
from tests.domain.restoring.test_put_back import end_access
from tests.restored import Installed, installed

__all__ = ["installed"]


def deliver_after(house: Installed, waited: timedelta) -> None:
    means = Means(house.means.sessions, house.means.open_sessions, lambda: AT + waited, house.mailbag)
    deliver(means)


def states(house: Installed) -> list[str]:
    return [row["state"] for row in house.rows("select state from notice order by n")]


def test_with_a_ledger_that_cannot_be_written_no_letter_leaves_and_each_leaves_once_after_it(
    installed: Installed,
) -> None:
    letter(installed, "first")
    letter(installed, "second")
    aside = installed.ledger.path.with_name("aside")
    installed.ledger.path.rename(aside)
    installed.engine.dispose()
    for minutes in (0, 6, 12, 18):
        deliver_after(installed, timedelta(minutes=minutes))
    assert (installed.mailbag.sent, states(installed)) == ([], ["queued", "queued"])
    aside.rename(installed.ledger.path)
    deliver_after(installed, timedelta(minutes=19))
    assert (len(installed.mailbag.sent), states(installed)) == (2, ["sent", "sent"])


def test_with_the_disk_of_the_ledger_full_no_letter_leaves(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter(installed, "news")
    real = os.fstatvfs
    monkeypatch.setattr(os, "fstatvfs", lambda handle: os.statvfs_result([*real(handle)[:4], 0, *real(handle)[5:]]))
    deliver(installed.means)
    assert (installed.mailbag.sent, states(installed)) == ([], ["queued"])
    monkeypatch.undo()
    deliver(installed.means)
    assert (len(installed.mailbag.sent), states(installed)) == (1, ["sent"])


def test_a_letter_that_was_taken_as_the_disk_of_the_ledger_filled_up_is_not_sent_again(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter(installed, "news")
    with monkeypatch.context() as full:
        full.setattr(FileLedger, "append", _refuses)
        for minutes in (0, 6, 12, 18):
            deliver_after(installed, timedelta(minutes=minutes))
    assert (len(installed.mailbag.sent), states(installed)) == (1, ["queued"])
    deliver_after(installed, timedelta(minutes=19))
    assert (len(installed.mailbag.sent), states(installed)) == (1, ["sent"])
    assert [line.note.kind for line in installed.ledger.lines()][1:] == ["sent"]


def _refuses(*_: object, **__: object) -> None:
    raise NoLedger("%(place)s cannot be used (%(error)s)", place="", error=errno.errorcode[errno.ENOSPC])


@contextmanager
def dying_after_the_line() -> Iterator[None]:
    """The process dies after the line of a letter is on the disk, and before the database knows it."""

    def die(session: Session) -> None:
        if any(note.kind == "sent" for note in session.info.get(LEDGER_NOTES, ())):
            closing._write_to_the_ledger(session)
            raise Crash

    event.listen(Session, "before_commit", die, insert=True)
    try:
        with pytest.raises(Crash):
            yield
    finally:
        event.remove(Session, "before_commit", die)


@pytest.mark.parametrize("next_one", ["starts", "runs on", "ends another access"])
def test_a_letter_whose_line_was_written_in_a_crash_is_not_sent_again(installed: Installed, next_one: str) -> None:
    letter(installed, "news")
    with dying_after_the_line():
        deliver(installed.means)
    if next_one == "starts":
        installed.start()
        assert states(installed) == ["sent"]
    elif next_one == "ends another access":  # and so voids what was never done
        end_access(installed, "manager_la")
    deliver_after(installed, LEASE * 2)
    assert (len(installed.mailbag.sent), states(installed)) == (1, ["sent"])
    installed.start()
    assert installed.rows("select 1 from epoch") == []


def test_a_letter_whose_line_was_written_in_a_crash_is_not_sent_again_after_a_restore(installed: Installed) -> None:
    letter(installed, "news")
    copy = installed.copy()
    with dying_after_the_line():
        deliver(installed.means)
    installed.start()
    end_access(installed, "manager_la")
    installed.put_back(copy)
    installed.start()
    assert states(installed) == ["sent"]
    deliver_after(installed, LEASE * 2)
    assert not letter(installed, "news")
    assert len(installed.mailbag.sent) == 1
