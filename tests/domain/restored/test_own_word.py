"""Bars of a file that a restore placed, and what a participant says meanwhile: each keeps its own way out."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlmodel import Session

from domain.accompaniment import barring
from domain.follow_ups import assigning
from domain.kernel import Refusal
from tests.domain.restored.coming_back import LATER, NOW, CameBack, come_back, participant_of
from tests.following import WORKER, agreed, followed
from tests.restored import Installed, installed

__all__ = ["installed"]

pytestmark = pytest.mark.ci


def part_ended(house: Installed) -> tuple[CameBack[UUID], UUID]:
    """A worker's part had ended since the copy; and the participant."""

    def stood(session: Session) -> UUID:
        agreed(session, house.cast)
        return followed(session, house.cast, worker=WORKER)

    def ended(session: Session, follow_up_id: UUID) -> None:
        by = house.actor("coordinator")
        assigning.end_part(session, follow_up_id, house.person(WORKER), by=by, at=LATER)

    back = come_back(house, stood, ended)
    return back, back.asked(lambda session: participant_of(session, back.thing))


def bar(back: CameBack[UUID], whose: UUID) -> None:
    with back.house.session() as session:
        barring.bar(session, whose, back.house.person(WORKER), by=back.house.actor("coordinator"), at=NOW)


def lifting(back: CameBack[UUID], whose: UUID) -> str:
    """The code by which the bar is not lifted; "" where it is."""
    with back.house.session() as session:
        try:
            barring.lift(session, whose, back.house.person(WORKER), by=back.house.actor("coordinator"), at=NOW)
        except Refusal as refused:
            return refused.code
    return ""


def is_barred(back: CameBack[UUID], whose: UUID) -> bool:
    found: bool = back.asked(lambda session: barring.is_barred(session, whose, back.house.person(WORKER)))
    return found


def test_what_a_participant_says_after_the_restore_is_kept_whatever_is_decided(installed: Installed) -> None:
    back, whose = part_ended(installed)
    lines = len(installed.ledger.lines())
    bar(back, whose)
    assert [line["facts"] for line in back.record("participant.barred")] == [{"person": str(installed.person(WORKER))}]
    assert "participant.barred" in {line.note.more.get("verb") for line in installed.ledger.lines()[lines:]}
    assert installed.rows("select 1 from assignment where ended_at is null") == [], "their part ends as it always does"
    back.undone("follow_up.part_ended", by="privacy_officer")
    assert is_barred(back, whose)


def test_it_is_said_once_when_it_is_said_twice(installed: Installed) -> None:
    back, whose = part_ended(installed)
    bar(back, whose)
    bar(back, whose)
    assert len(back.record("participant.barred")) == 1


def test_no_ordinary_act_lifts_what_the_restore_placed_until_it_is_decided(installed: Installed) -> None:
    back, whose = part_ended(installed)
    assert lifting(back, whose) == "barred.undecided"
    bar(back, whose)
    assert lifting(back, whose) == "barred.undecided", "nor what was said since, under which that would open"
    assert is_barred(back, whose)
    back.undone("follow_up.part_ended", by="privacy_officer")
    assert lifting(back, whose) == ""
