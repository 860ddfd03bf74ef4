"""Promises are found by themselves, told by their sentence, and looked at as a whole or as far as they may pass by."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlmodel import Session

from simulation import promises
from simulation.promises import Broken, broken, promise

AT = datetime(2027, 1, 4, 14, 0, tzinfo=UTC)
#: Every module is imported by this, before a test puts other promises in their place.
ALL = promises.promises()


def test_a_promise_that_does_not_hold_is_told_by_its_sentence_and_by_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "_PROMISES", {})
    promise("Nobody owes themselves.")(lambda _session, _at: ["task 1", "task 2"])
    promise("Every case has steps.")(lambda _session, _at: [])
    found = [one for one in broken(Session(), AT) if one.sentence == "Nobody owes themselves."]
    assert found == [Broken("Nobody owes themselves.", "task 1"), Broken("Nobody owes themselves.", "task 2")]


def test_what_stays_is_left_out_where_the_passing_ones_alone_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "_PROMISES", {})
    promise("No letter goes twice.", stays=True)(lambda _session, _at: ["notice 1"])
    promise("Every task has a holder.")(lambda session, at: [f"task since {promises.since(session, at).year}"])
    assert [one.where for one in broken(Session(), AT)] == ["task since 2000", "notice 1"]
    assert [one.where for one in broken(Session(), AT, passing=True)] == ["task since 2026"]


def test_what_several_read_alike_is_read_once_in_a_pass_and_forgotten_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "_PROMISES", {})
    reads: list[datetime] = []

    def reading(_session: Session, at: datetime) -> int:
        reads.append(at)
        return len(reads)

    for sentence in ("It is one thing.", "It is another."):
        promise(sentence)(lambda session, at: [f"reading {promises.shared(session, reading, at)}"])
    session = Session()
    assert [one.where for one in broken(session, AT)] == ["reading 1", "reading 1"]
    assert [one.where for one in broken(session, AT)] == ["reading 2", "reading 2"]
    assert promises.shared(session, reading, AT) == 3, "a check that is looked at alone reads for itself"


def test_two_promises_with_one_sentence_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "_PROMISES", {})
    promise("It holds.")(lambda _session, _at: [])
    with pytest.raises(ValueError, match="It holds"):
        promise("It holds.")(lambda _session, _at: [])
