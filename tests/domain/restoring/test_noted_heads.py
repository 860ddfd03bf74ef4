"""How far the record came is in the ledger within minutes, so that an older copy is known though nothing ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from domain.restoring import heads
from flows.apart import AWAY_AFTER, note_heads_for_the_worker
from flows.engine import Means
from tests.cast import AT
from tests.domain.restoring.test_done_again import LATER, candidate
from tests.restored import Installed, installed

__all__ = ["installed"]


def noted(house: Installed) -> list[object]:
    """The lines of the record that the ledger knows the database had come to."""
    return [line.note.more["line"] for line in house.ledger.lines() if line.note.kind == "head"]


def note(house: Installed, after: timedelta = timedelta()) -> bool:
    with house.session() as session:
        return heads.note_head(session, at=LATER + after)


def means_at(house: Installed, at: datetime) -> Means:
    return replace(house.means, clock=lambda: at)


def grown_to(house: Installed) -> object:
    return house.rows("select max(n) as n from event")[0]["n"]


def test_the_ledger_knows_how_far_the_record_came_also_where_nothing_of_it_was_sealed(installed: Installed) -> None:
    candidate(installed)
    assert note(installed)
    assert noted(installed) == [grown_to(installed)]
    assert not note(installed, heads.EVERY * 2), "nothing was done since"
    candidate(installed)
    assert not note(installed, heads.EVERY / 2), "that was done lately"
    assert note(installed, heads.EVERY * 2)
    assert noted(installed)[-1] == grown_to(installed)


def test_while_there_is_no_worker_the_web_notes_it_and_else_leaves_it_to_the_worker(installed: Installed) -> None:
    candidate(installed)
    installed.rows(
        "insert into beat (process, at, prefect_up, machine) values ('w', :at, false, '') returning 1", at=AT
    )
    soon, later = means_at(installed, AT + AWAY_AFTER), means_at(installed, AT + AWAY_AFTER * 2)
    assert (note_heads_for_the_worker(soon), noted(installed)) == (0, [])
    assert note_heads_for_the_worker(later) == 1
    assert noted(installed) == [grown_to(installed)]


def test_an_older_copy_is_known_by_what_was_done_though_nothing_had_ended(installed: Installed) -> None:
    copy = installed.copy()
    candidate(installed)
    note(installed)
    installed.put_back(copy)
    installed.start()
    assert installed.rows("select number, lines from epoch") == [{"number": 1, "lines": 1}]
