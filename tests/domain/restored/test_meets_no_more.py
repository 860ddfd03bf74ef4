"""Who was to meet a candidate, or had written a draft, and was not any more: they read nothing until it is decided."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.accompaniment import workers
from domain.kernel import Refusal
from domain.participants import hold_participant, reading, referring
from domain.roles import who_barred
from tests.cast import AT
from tests.domain.restored.coming_back import LATER, NOW, CameBack
from tests.domain.restored.test_redacted import living_in
from tests.following import SECOND, THIRD, WORKER, agreed
from tests.referring import ONDINE, participant_of, refer, triaged
from tests.restored import Installed, installed

__all__ = ["installed"]

pytestmark = pytest.mark.ci


def met(house: Installed, ended: Any, *, second: str | None = None) -> CameBack[UUID]:
    """A candidate whom a worker was to meet as the copy was made, and not any more since."""
    cast = living_in(house)
    with house.session() as session:
        agreed(session, cast)
    referral_id = refer(cast)
    triaged(cast, referral_id, "forwarded")
    with house.session() as session:
        whose = participant_of(session, referral_id)
        with_them = house.person(second) if second else None
        by = house.actor("coordinator")
        workers.forward(session, whose, house.person(WORKER), second_id=with_them, by=by, at=AT)
    copy = house.copy()
    with house.session() as session:
        ended(session, whose)
    house.put_back(copy)
    house.start()
    return CameBack(house, whose)


def kept_away(back: CameBack[UUID]) -> set[str]:
    """Which of the workers read nothing of the candidate."""
    names = (WORKER, SECOND, THIRD)

    def asked(session: Session) -> set[str]:
        return {one for one in names if back.thing in who_barred(session, back.house.person(one))}

    found: set[str] = back.asked(asked)
    return found


def another(house: Installed) -> Any:
    def ended(session: Session, whose: UUID) -> None:
        by = house.actor("coordinator")
        workers.name_another(session, whose, house.person(SECOND), by=by, at=LATER)

    return ended


def test_a_worker_in_whose_place_another_was_named_reads_nothing_until_it_is_decided(installed: Installed) -> None:
    back = met(installed, another(installed))
    assert installed.rows("select number from epoch") == [{"number": 1}], "and the restore is found by it"
    assert kept_away(back) == {WORKER}
    back.undone("participant.meets_no_more", by="privacy_officer")
    assert kept_away(back) == set()


def test_done_again_no_one_is_named_and_the_coordinator_is_asked_to_find_one(installed: Installed) -> None:
    back = met(installed, another(installed))
    back.again("participant.meets_no_more", by="privacy_officer")
    assert back.waiting() == []
    assert back.asked(lambda session: workers.named(session, back.thing)) is None
    assert kept_away(back) == set(), "who is not named reads nothing without a bar"
    asked = installed.rows("select state from task where step = :step", step=workers.FIND_A_WORKER)
    assert [one["state"] for one in asked] == ["open"], "the coordinator is to find a worker"


def test_of_a_pair_the_second_alone_is_kept_away_and_goes_alone(installed: Installed) -> None:
    def ended(session: Session, whose: UUID) -> None:
        third, by = installed.person(THIRD), installed.actor("coordinator")
        workers.change_second(session, whose, third, by=by, at=LATER)

    back = met(installed, ended, second=SECOND)
    assert kept_away(back) == {SECOND}
    back.again("participant.meets_no_more", by="privacy_officer")
    row = back.asked(lambda session: workers.named(session, back.thing))
    assert (row.worker_id, row.second_id) == (installed.person(WORKER), None)


def test_both_of_a_pair_are_kept_away_where_no_one_was_to_be_sent(installed: Installed) -> None:
    def ended(session: Session, whose: UUID) -> None:
        held, by = hold_participant(session, whose), installed.actor("coordinator")
        workers.send_nobody(session, held, "triaged_again", by=by, at=LATER)

    back = met(installed, ended, second=SECOND)
    assert kept_away(back) == {WORKER, SECOND}
    assert [one.verb for one in back.waiting()] == ["participant.meets_no_more"] * 2


def test_who_stays_of_a_pair_is_not_noted_as_gone(installed: Installed) -> None:
    def ended(session: Session, whose: UUID) -> None:
        second, by = installed.person(WORKER), installed.actor("coordinator")
        workers.name_another(session, whose, installed.person(THIRD), second_id=second, by=by, at=LATER)

    back = met(installed, ended, second=SECOND)
    assert kept_away(back) == {SECOND}


@pytest.fixture
def draft(installed: Installed) -> CameBack[UUID]:
    """A draft that its author left to the coordination since the copy."""
    with installed.session() as session:
        draft_id = referring.begin_referral(session, ONDINE, by=installed.actor("worker_ccsmtl"), at=AT)
    copy = installed.copy()
    with installed.session() as session:
        referring.leave_draft(session, draft_id, by=installed.actor("worker_ccsmtl"), at=LATER)
    installed.put_back(copy)
    installed.start()
    return CameBack(installed, draft_id)


def reads(back: CameBack[UUID], name: str) -> bool:
    with back.house.session() as session:
        try:
            referring.draft_of(session, back.thing, by=back.house.actor(name), at=NOW)
        except Refusal:
            return False
    return True


def test_the_author_of_a_draft_that_was_left_reads_it_no_more_until_it_is_decided(draft: CameBack[UUID]) -> None:
    author = draft.house.person("worker_ccsmtl")

    def whose() -> tuple[Any, int]:
        listed = draft.asked(lambda session: len(reading.mine(session, author)))
        return draft.asked(lambda session: referring.whose_draft(session, draft.thing)), listed

    assert (reads(draft, "worker_ccsmtl"), reads(draft, "coordinator")) == (False, True)
    assert whose() == ("coordination", 0)
    draft.undone("referral.left", by="privacy_officer")
    assert (reads(draft, "worker_ccsmtl"), reads(draft, "coordinator")) == (True, False)
    assert whose() == (author, 1)


def test_a_draft_is_left_again_by_one_act(draft: CameBack[UUID]) -> None:
    draft.again("referral.left", by="privacy_officer")
    assert (reads(draft, "worker_ccsmtl"), reads(draft, "coordinator")) == (False, True)
    assert draft.house.rows("select left_at from referral") == [{"left_at": LATER}]
