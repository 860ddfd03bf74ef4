"""Whoever referred somebody hears of the worker who makes contact (AD-R5): of the one who is named, and of the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.accompaniment import barring, workers
from domain.casework import tasks
from domain.kernel.actors import OUTSIDE, Actor
from domain.participants import links, referring
from flows.admission.actions import TELL
from tests.cast import AT, Arranged, Cast
from tests.flows.support import body, carry_all, letters, means_of
from tests.following import SECOND, THIRD, WORKER, agreed, tasks_of
from tests.referring import ONDINE, declare_admission, refer, triaged

DAY: Final = timedelta(days=1)
_OUTSIDE: Final = replace(ONDINE, referrer_name="Jonc Osier", referrer_contact="450 555-0101")


def _prepare(cast: Cast) -> None:
    declare_admission(cast)
    with cast.session() as session:
        agreed(session, cast)


@pytest.fixture
def admitting(cast: Cast, arranged: Arranged[None]) -> Cast:
    """A program that carries admissions, its agreements in force."""
    arranged(cast, _prepare)
    return cast


def _given(cast: Cast, referral_id: UUID, worker: str) -> UUID:
    """A candidate who could not wait, given to a worker; whom the referral is about."""
    participant_id = triaged(cast, referral_id, "forwarded")
    with cast.session() as session:
        workers.forward(session, participant_id, cast.people[worker], by=cast.actor("coordinator"), at=AT)
    return participant_id


def _barred(cast: Cast, participant_id: UUID, worker: str, at: datetime) -> None:
    with cast.session() as session:
        barring.bar(session, participant_id, cast.people[worker], by=cast.actor("coordinator"), at=at)


def _named(cast: Cast, participant_id: UUID, worker: str, at: datetime) -> None:
    with cast.session() as session:
        workers.name_another(session, participant_id, cast.people[worker], by=cast.actor("coordinator"), at=at)


def _carried(cast: Cast, at: datetime) -> None:
    carry_all(means_of(cast, lambda: at))


def _written(cast: Cast) -> list[str]:
    """What the letters to whoever referred say, the first first."""
    return [body(letter) for letter in letters(cast, "worker_named")]


def _asked(cast: Cast) -> list[dict[str, Any]]:
    """What the coordinator is asked to tell whoever referred, the first first."""
    with cast.session() as session:
        return sorted(tasks_of(session, TELL), key=lambda task: task["opened_at"])


@pytest.mark.ci
def test_whoever_referred_is_written_anew_when_somebody_else_is_named(admitting: Cast) -> None:
    participant_id = _given(admitting, refer(admitting, by=WORKER), SECOND)
    _carried(admitting, AT)
    assert len(_written(admitting)) == 1
    _barred(admitting, participant_id, SECOND, AT + DAY)
    _carried(admitting, AT + DAY)
    assert len(_written(admitting)) == 1, "nobody is named: nobody has to be told of anybody"
    _named(admitting, participant_id, THIRD, AT + 2 * DAY)
    for days in (2, 3):  # the second time nothing changes
        _carried(admitting, AT + days * DAY)
    first, then = _written(admitting)
    assert "Garnet" in first
    assert "Garnet" not in then
    assert ["Ceci remplace" in text for text in (first, then)] == [False, True]


@pytest.mark.ci
def test_whoever_referred_hears_nothing_when_the_same_worker_goes_with_another_as_a_pair(admitting: Cast) -> None:
    by = admitting.actor("coordinator")
    participant_id = _given(admitting, refer(admitting, by=WORKER), SECOND)
    _carried(admitting, AT)
    with admitting.session() as session:
        pair = (admitting.people[SECOND], admitting.people[THIRD])
        workers.name_another(session, participant_id, pair[0], second_id=pair[1], by=by, at=AT + DAY)
    _carried(admitting, AT + DAY)
    assert len(_written(admitting)) == 1


@pytest.mark.ci
def test_whoever_was_named_and_is_not_any_more_is_told_to_nobody(admitting: Cast) -> None:
    participant_id = _given(admitting, refer(admitting, by=WORKER), SECOND)
    _barred(admitting, participant_id, SECOND, AT)
    _carried(admitting, AT)
    assert _written(admitting) == []
    _named(admitting, participant_id, THIRD, AT + DAY)
    _carried(admitting, AT + DAY)
    (only,) = _written(admitting)
    assert "Garnet" not in only
    assert "Ceci remplace" not in only, "they had heard of nobody"


@pytest.mark.ci
def test_the_coordinator_tells_whoever_referred_by_a_link_anew_when_somebody_else_is_named(admitting: Cast) -> None:
    by = admitting.actor("coordinator")
    with admitting.session() as session:
        _, token = links.make_link(session, by=by, at=AT)
        referral_id = referring.refer_by_link(session, token, _OUTSIDE, by=Actor.system(OUTSIDE), at=AT)
    participant_id = _given(admitting, referral_id, WORKER)
    _carried(admitting, AT)
    _named(admitting, participant_id, SECOND, AT + DAY)
    _carried(admitting, AT + DAY)
    (told,) = _asked(admitting)
    assert told["state"] == "open", "who is asked already, and did not do it yet, is not asked twice"
    with admitting.session() as session:
        tasks.complete_task(session, told["id"], by=by, at=AT + DAY)
    _named(admitting, participant_id, THIRD, AT + 2 * DAY)
    for days in (2, 3):
        _carried(admitting, AT + days * DAY)
    assert [task["state"] for task in _asked(admitting)] == ["done", "open"]
    assert "someone else" in _asked(admitting)[1]["title_en"]
