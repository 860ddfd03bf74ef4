"""What the numbers of the ledger and of the database say of each other: a restore, a crash, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.restoring.judging import EPOCH, OPENED, Disagrees, Fate, Place, Standing, judge, told_of
from models.ports import VOID, LedgerLine, LedgerNote

AT = datetime(2026, 11, 30, tzinfo=UTC)
HERE = Place("7300000000000000001", 16384)
ELSEWHERE = Place("7300000000000000002", 16384)
ANOTHER = Place("7300000000000000001", 16999)


def line(n: int, kind: str = "ended", *, xid: int = 0, epoch: int = 0, **more: object) -> LedgerLine:
    note = LedgerNote(kind, AT, more=more)  # type: ignore[arg-type]
    return LedgerLine(n, note, xid, epoch, f"{n:064x}")


def opened(n: int = 1, place: Place = HERE) -> LedgerLine:
    return replace(line(n, OPENED), note=LedgerNote(OPENED, AT, more=told_of(place)))


def standing(seen: Sequence[LedgerLine], place: Place = HERE, *, epoch: int = 0, is_empty: bool = False) -> Standing:
    return Standing(place, {one.n: one.digest for one in seen}, epoch, is_empty)


LINES = [opened(), line(2, xid=10), line(3, xid=11), line(4, xid=12)]


def test_a_new_installation_has_neither() -> None:
    assert judge([], standing([], is_empty=True), {}).kind == "new"


def test_a_start_that_was_cut_off_after_its_first_line_is_new_still() -> None:
    assert judge([opened()], standing([], is_empty=True), {}).kind == "new"


def test_an_installation_from_before_there_was_a_ledger_begins_one() -> None:
    assert judge([], standing([]), {}).kind == "new"


def test_a_database_that_knows_every_line_is_the_same() -> None:
    assert judge(LINES, standing(LINES), {}).kind == "same"


def test_a_database_that_was_moved_whole_to_another_server_lost_nothing() -> None:
    assert judge(LINES, standing(LINES, ELSEWHERE), {}).kind == "moved"


@pytest.mark.parametrize("place", [HERE, ELSEWHERE, ANOTHER])
@pytest.mark.parametrize("fate", ["committed", ""])
def test_a_line_that_it_does_not_know_and_that_was_done_is_lost(place: Place, fate: Fate) -> None:
    verdict = judge(LINES, standing(LINES[:2], place), {11: fate, 12: fate})
    assert (verdict.kind, verdict.lost, verdict.undone) == ("restored", tuple(LINES[2:]), ())


def test_a_line_of_a_transaction_that_was_never_done_is_of_a_crash() -> None:
    verdict = judge(LINES, standing(LINES[:3]), {12: "aborted"})
    assert (verdict.kind, verdict.undone) == ("crashed", (LINES[3],))


def test_on_another_server_no_number_of_a_transaction_says_that_it_was_never_done() -> None:
    for place in (ELSEWHERE, ANOTHER):
        assert judge(LINES, standing(LINES[:3], place), {12: "aborted"}).kind == "restored"


def test_what_crashed_before_the_copy_was_made_is_not_lost_with_a_restore() -> None:
    verdict = judge(LINES, standing(LINES[:1]), {10: "aborted", 11: "committed", 12: "committed"})
    assert (verdict.lost, verdict.undone) == (tuple(LINES[2:]), (LINES[1],))


def test_a_line_without_its_row_in_the_middle_is_lost_too() -> None:
    assert judge(LINES, standing([LINES[0], LINES[2], LINES[3]]), {10: "committed"}).lost == (LINES[1],)


def test_a_voided_line_is_missed_by_no_one() -> None:
    lines = [*LINES, line(5, VOID, lines=["4"])]
    assert judge(lines, standing(LINES[:3]), {}).kind == "same"


def test_what_another_machine_is_doing_just_now_is_waited_for() -> None:
    assert judge(LINES, standing(LINES[:3]), {12: "in progress"}).kind == "waits"


def test_an_epoch_that_the_database_does_not_know_is_a_restore_that_was_cut_off() -> None:
    lines = [*LINES, line(5, EPOCH, epoch=1)]
    assert judge(lines, standing(LINES), {}).lost == (lines[4],)
    assert judge(lines, standing(lines), {}).kind == "restored"
    assert judge(lines, standing(lines, epoch=1), {}).kind == "same"


def test_moments_say_nothing_a_clock_may_go_back() -> None:
    turned = [replace(one, note=replace(one.note, at=AT - timedelta(days=one.n))) for one in LINES]
    assert judge(turned, standing(turned), {}).kind == "same"
    assert judge(turned, standing(turned[:2]), {11: "committed", 12: "committed"}).lost == tuple(turned[2:])


@pytest.mark.parametrize(
    ("lines", "seen", "why", "at"),
    [
        ([], LINES, "missing", 4),
        (LINES[:3], LINES, "shorter", 3),
        ([*LINES[:2], replace(LINES[2], digest="f" * 64), LINES[3]], LINES, "different", 3),
    ],
)
def test_a_ledger_that_is_not_the_database_s_stops_the_start(
    lines: list[LedgerLine], seen: list[LedgerLine], why: str, at: int
) -> None:
    with pytest.raises(Disagrees) as told:
        judge(lines, standing(seen), {})
    assert (told.value.why, told.value.line) == (why, at)


def test_an_empty_database_beside_a_ledger_that_was_written_to_stops_the_start() -> None:
    with pytest.raises(Disagrees) as told:
        judge(LINES, standing([], is_empty=True), {})
    assert told.value.why == "fresh"


def test_a_copy_from_before_there_was_a_ledger_lost_all_of_it() -> None:
    assert judge(LINES, standing([]), {}).lost == tuple(LINES)


@given(
    ends=st.lists(st.sampled_from(["committed", "aborted"]), max_size=30),
    copied=st.integers(min_value=0, max_value=30),
    place=st.sampled_from([HERE, ELSEWHERE, ANOTHER]),
)
def test_whatever_was_done_after_a_copy_is_lost_and_what_was_never_done_is_not(
    ends: list[Fate], copied: int, place: Place
) -> None:
    """Put back on the same server, exactly what was done since is lost; elsewhere no less than that."""
    lines = [opened(), *(line(n, xid=n) for n in range(2, 2 + len(ends)))]
    fates: dict[int, Fate] = dict(enumerate(ends, start=2))
    committed = [one for one in lines if fates.get(one.n, "committed") == "committed"]
    seen = [one for one in committed if one.n <= max(copied, 1)]
    verdict = judge(lines, standing(seen, place), fates)
    done_since = {one.n for one in committed} - {one.n for one in seen}
    lost = {one.n for one in verdict.lost}
    assert done_since <= lost
    if place == HERE:
        assert lost == done_since
        assert {one.n for one in verdict.undone} == {n for n, fate in fates.items() if fate == "aborted"}
    assert (verdict.kind == "restored") == bool(lost)
