"""Sealing as it goes on, and the round of the heads: when it is due, and that twice is once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flows import rounds, sealing
from models.ports import NoSealKey
from tests.cast import Cast
from tests.fakes.seal_keys import FakeSealKeys
from tests.flows.support import Clock, letters, means_of
from tests.sealing import codes, looked_at, seal_all, write_lines

#: Monday 23 November 2026, 16:30 in Montréal.
HALF_PAST_FOUR = datetime(2026, 11, 23, 21, 30, tzinfo=UTC)


@pytest.mark.ci
def test_every_program_is_sealed_however_many_lines_wait(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.record.seals.LINES_AT_A_TIME", 7)
    monkeypatch.setattr("domain.record.seal_check.LINES_AT_A_TIME", 7)
    keys = FakeSealKeys()
    means = means_of(cast, Clock(), seal_keys=keys)
    write_lines(cast, 20)
    sealing.seal(means)
    for each in (cast, cast.other):
        seal_all(each, keys)
        assert codes(looked_at(each, keys)) == []
        assert looked_at(each, keys).seals > 2


def test_without_keys_lines_wait(cast: Cast) -> None:
    assert sealing.seal(means_of(cast, Clock())) == 0
    assert looked_at(cast, FakeSealKeys()).waiting > 0


def test_a_key_that_is_missing_is_told_and_nothing_is_half_sealed(cast: Cast) -> None:
    class NoKeys(FakeSealKeys):
        def current(self) -> str:
            raise NoSealKey("the file is missing")

    with pytest.raises(NoSealKey):
        sealing.seal(means_of(cast, Clock(), seal_keys=NoKeys()))
    assert looked_at(cast, FakeSealKeys()).seals == 0


def test_the_head_goes_out_once_on_a_working_day_in_the_afternoon(cast: Cast) -> None:
    seal_all(cast, FakeSealKeys())
    clock = Clock(HALF_PAST_FOUR - timedelta(minutes=1))
    means = means_of(cast, clock)
    assert sealing.mail_heads(means, cast.program_id, "worker") == 0
    clock.pass_by(minutes=1)
    assert [sealing.mail_heads(means, cast.program_id, by) for by in ("prefect", "worker")] == [1, 0]
    clock.pass_by(days=5)  # a Saturday
    assert sealing.mail_heads(means, cast.program_id, "worker") == 0
    clock.pass_by(days=2)
    assert sealing.mail_heads(means, cast.program_id, "worker") == 1
    assert len(letters(cast, "record_head")) == 2


def test_a_head_that_nobody_mailed_is_overdue(cast: Cast) -> None:
    clock = Clock(HALF_PAST_FOUR + timedelta(minutes=10))
    means = means_of(cast, clock)
    assert not rounds.is_overdue(means, sealing.mail_heads.key)
    clock.pass_by(minutes=10)
    assert rounds.is_overdue(means, sealing.mail_heads.key)
    rounds.run_round(means, sealing.mail_heads.key, "worker")
    assert not rounds.is_overdue(means, sealing.mail_heads.key)
