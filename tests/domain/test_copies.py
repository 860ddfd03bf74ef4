"""The state of the copies: what is late or failed is told, with the last good one, whatever a clock did."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from sqlalchemy import insert

from adapters.time_of_day import last_at
from domain.casework.copies import GRACE, CopySchedule, RunsOfKind, copies_state, is_due
from models.backups import BackupRun
from models.base import table_of
from tests.cast import AT, Cast

NIGHT = timedelta(days=1)


def ran(
    cast: Cast, kind: str = "backup", code: str = "", ago: timedelta = NIGHT, next_in: timedelta | None = NIGHT
) -> None:
    ended = AT - ago
    row = BackupRun(
        kind=kind, started_at=ended, ended_at=ended, code=code, next_by=None if next_in is None else ended + next_in
    )
    with cast.session() as session:
        session.execute(insert(table_of(BackupRun)).values(row.model_dump()))


def state(cast: Cast, kind: str = "backup", schedule: CopySchedule | None = None) -> RunsOfKind | None:
    with cast.session() as session:
        return next((one for one in copies_state(session, AT, schedule) if one.kind == kind), None)


def is_late(cast: Cast, kind: str = "backup", *, tries: bool = False, since: timedelta | None = None) -> bool:
    """Whether a kind is late where a copy is asked for at half past two, each day."""
    watched = None if since is None else AT - since
    found = state(cast, kind, CopySchedule(lambda by: last_at(time(2, 30), by), tries, watched))
    return found is not None and found.is_late


def test_where_no_copy_was_ever_made_nothing_is_told(cast: Cast) -> None:
    assert state(cast) is None


def test_a_good_copy_of_this_night_is_told_and_needs_nobody(cast: Cast) -> None:
    ran(cast, next_in=NIGHT + GRACE)
    assert state(cast) == RunsOfKind("backup", AT - NIGHT, "", is_late=False)


def test_a_copy_that_failed_is_told_beside_the_last_good_one(cast: Cast) -> None:
    ran(cast, ago=3 * NIGHT)
    ran(cast, code="disk_full", ago=timedelta(hours=1))
    found = state(cast)
    assert found is not None
    assert (found.last_good, found.code, found.wants_attention) == (AT - 3 * NIGHT, "disk_full", True)


def test_a_night_without_any_run_is_late(cast: Cast) -> None:
    ran(cast, ago=2 * NIGHT)
    found = state(cast)
    assert found is not None
    assert found.is_late


def test_without_a_schedule_none_is_late(cast: Cast) -> None:
    ran(cast, ago=40 * NIGHT, next_in=None)
    found = state(cast)
    assert found is not None
    assert not found.wants_attention


def test_a_copy_made_by_hand_does_not_hide_the_nights_that_are_missed_after_it(cast: Cast) -> None:
    ran(cast, ago=41 * NIGHT, next_in=NIGHT)
    ran(cast, ago=40 * NIGHT, next_in=None)
    assert is_late(cast)
    ran(cast, ago=timedelta(hours=1), next_in=None)
    assert not is_late(cast), "it is a good one, and of this day"


def test_a_schedule_whose_first_run_never_ends_is_late(cast: Cast) -> None:
    assert is_late(cast)
    assert is_late(cast, since=GRACE + timedelta(minutes=1))
    assert not is_late(cast, since=GRACE - timedelta(minutes=1)), "it has as long as any other"


def test_a_copy_that_lacks_keys_was_made_and_is_told(cast: Cast) -> None:
    ran(cast, code="keys_missing", ago=timedelta(hours=1))
    found = state(cast)
    assert not is_late(cast)
    assert found is not None
    assert (found.code, found.wants_attention) == ("keys_missing", True)
    with cast.session() as session:
        assert not is_due(session, "backup", since=AT - timedelta(hours=8), at=AT), "another would lack them too"


def test_a_weekly_trial_is_late_a_day_after_its_week_also_where_the_first_never_ended(cast: Cast) -> None:
    ran(cast, ago=timedelta(hours=1))
    assert not is_late(cast, "drill", tries=True)
    ran(cast, ago=2 * NIGHT)
    assert is_late(cast, "drill", tries=True)
    assert not is_late(cast, "drill"), "none is asked for"
    ran(cast, kind="drill", ago=9 * NIGHT)
    assert is_late(cast, "drill", tries=True)
    ran(cast, kind="drill", ago=7 * NIGHT)
    assert not is_late(cast, "drill", tries=True)


def test_a_trial_is_told_apart_from_a_copy(cast: Cast) -> None:
    ran(cast, next_in=2 * NIGHT)
    ran(cast, kind="drill", code="damaged")
    drills, copies = state(cast, "drill"), state(cast)
    assert drills is not None
    assert copies is not None
    assert (drills.wants_attention, copies.wants_attention) == (True, False)


def test_a_run_that_a_wrong_clock_noted_a_year_ahead_hides_nothing(cast: Cast) -> None:
    ran(cast, ago=3 * NIGHT)
    ran(cast, ago=-365 * NIGHT)
    found = state(cast)
    assert found is not None
    assert (found.last_good, found.is_late) == (AT - 3 * NIGHT, True)


@pytest.mark.parametrize(
    ("ago", "code", "due"),
    [
        (timedelta(hours=1), "", False),
        (timedelta(hours=1), "failed", True),
        (timedelta(hours=9), "", True),
        (-2 * NIGHT, "", True),  # the clock went back since
    ],
)
def test_a_copy_is_due_until_one_ended_well_since_its_hour(cast: Cast, ago: timedelta, code: str, *, due: bool) -> None:
    ran(cast, ago=ago, code=code)
    with cast.session() as session:
        assert is_due(session, "backup", since=AT - timedelta(hours=8), at=AT) is due
