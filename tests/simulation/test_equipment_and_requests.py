"""Each promise of equipment, requests, follow-ups and activities is broken in the rows on purpose, and found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta

import pytest
from sqlalchemy import text, update
from sqlmodel import Session

from domain.equipment import inventory, lending
from models.base import table_of
from models.equipment import Equipment
from models.follow_up import Activity
from models.participant import Participant
from simulation.promises import broken, promises
from simulation.promises import equipment_and_requests as these
from tests.casework import approve, complete, open_onboarding
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import WORKER, followed, in_force, plan

_equipment, _activity, _participant = table_of(Equipment), table_of(Activity), table_of(Participant)


@pytest.fixture
def lived(cast: Cast, arranged: Arranged[None]) -> Cast:
    """A telephone in hand, one that can be lent, a request that is approved, two who are followed, and two plans."""
    arranged(cast, _live)
    return cast


def _live(cast: Cast) -> None:
    in_force(cast)
    officer, worker = cast.actor("officer"), cast.actor(WORKER)
    with cast.session() as session:
        first = inventory.add(session, "phone", "SN-1", by=officer, at=AT)
        inventory.add(session, "phone", "SN-2", by=officer, at=AT)
        lending.lend(session, first, cast.people[WORKER], by=officer, at=AT)
        for number, hour in (("#2026-01", 9), ("#2026-02", 14)):
            who = followed(session, cast, number)
            plan(session, [who], held_on=TODAY + timedelta(days=1), begins=time(hour), place="Parc", by=worker)
    case_id = open_onboarding(cast)
    complete(cast, case_id, "prepare_equipment", item="computer")
    complete(cast, case_id, "hand_over_equipment", item="computer")
    complete(cast, case_id, "request_petty_cash")
    approve(cast, case_id, "request_petty_cash", by=cast.actor("manager_la"))


def _lost_in_hand(session: Session) -> None:
    session.execute(update(_equipment).where(_equipment.c.serial == "SN-1").values(state="out_of_use"))


def _lost_without_a_word(session: Session) -> None:
    session.execute(update(_equipment).where(_equipment.c.serial == "SN-2").values(state="lost"))


def _twice(session: Session) -> None:
    session.execute(update(_equipment).where(_equipment.c.serial == "SN-2").values(serial="sn 1"))


def _from_nowhere(session: Session) -> None:
    session.execute(text("update evidence set equipment_id = null where kind = 'serial'"))


def _approved_otherwise(session: Session) -> None:
    session.execute(
        text(
            "insert into request (program_id, id, task_id, n, asked, given, digest, handed_in_at)"
            " select program_id, gen_random_uuid(), task_id, n + 1, asked, '{\"amount\": \"9.00\"}', 'other', now()"
            " from request"
        )
    )


def _together(session: Session) -> None:
    session.execute(update(_participant).where(_participant.c.number == "#2026-01").values(recruiter=True))
    session.execute(update(_activity).values(begins=time(9)))


def _vacant(session: Session) -> None:
    session.execute(
        text(
            "update assignment set withdrawn_at = now(), ended_at = now(), ended_as = 'coordinator'"
            " where id = (select id from assignment order by id limit 1)"
        )
    )


BREAKS: dict[str, Callable[[Session], None]] = {
    "What is lost or out of use is in nobody's hands.": _lost_in_hand,
    "What is lost was reported missing in somebody's hands, and given up by somebody else.": _lost_without_a_word,
    "No two things of a kind have one number, in whichever writing, but those that wait to be checked.": _twice,
    "Equipment that a step hands over is a thing of the inventory.": _from_nowhere,
    "What is approved is what was filled in, and the record has its digest.": _approved_otherwise,
    "Nobody who recruits others is where others are at that hour, or somebody is asked about it.": _together,
    "An active follow-up that nobody accompanies is somebody's to give to a worker.": _vacant,
}


def test_every_promise_of_this_module_is_broken_here() -> None:
    mine = {one.sentence for one in promises() if one.look.__module__ == these.__name__}
    assert mine == BREAKS.keys()


@pytest.mark.parametrize("sentence", sorted(BREAKS))
def test_a_promise_that_is_broken_in_the_rows_is_found(lived: Cast, sentence: str) -> None:
    with lived.session() as session:
        before = [one.sentence for one in broken(session, AT) if one.sentence in BREAKS]
        assert before == []
        BREAKS[sentence](session)
        session.flush()
        assert {one.sentence for one in broken(session, AT) if one.sentence in BREAKS} == {sentence}
        session.rollback()
