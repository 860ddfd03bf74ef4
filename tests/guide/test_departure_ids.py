"""Every item of the guide's departure protocol is carried by a step, owed by a role and answered for."""

from pathlib import Path

import pytest

from domain.declarations.protocol import Protocol
from domain.declared.guide_ids import GUIDE_IDS
from domain.declared.reading import load_declared

FLOWS = Path(__file__).resolve().parents[2] / "flows"
PROTOCOL = load_declared(FLOWS / "departure" / "protocol.yaml", Protocol).value
RECRUITING = load_declared(FLOWS / "recruiting" / "protocol.yaml", Protocol).value
ITEMS = sorted(fact for fact in GUIDE_IDS if fact.startswith("DP-"))


def test_the_projects_own_copy_has_the_guides_eight_items_and_the_two_it_suggests() -> None:
    assert set(ITEMS) == {f"DP-{n:02}" for n in range(1, 9)} | {"DP-03a", "DP-03b"}


@pytest.mark.parametrize("item", ITEMS)
def test_each_item_is_carried_by_a_required_step(item: str) -> None:
    assert [step for step in PROTOCOL.steps if item in step.source and step.required], GUIDE_IDS[item]


def test_what_concerns_a_participant_is_asked_for_each_follow_up() -> None:
    """DP-02 to DP-06: told, handed over, how, notes and summary, none of them once for all."""
    before_there_is_one = {"DP-03": "candidate", "DP-05": "note"}
    for item in ("DP-02", "DP-03", "DP-03a", "DP-03b", "DP-04", "DP-05"):
        over = [step.for_each.over if step.for_each else None for step in PROTOCOL.steps if item in step.source]
        assert "follow_up" in over
        assert set(over) <= {"follow_up", before_there_is_one.get(item)}


def test_hiring_has_its_criteria_posting_interviews_and_certificate() -> None:
    assert {fact for step in RECRUITING.steps for fact in step.source} == {"DP-01", "GV-8"}
    assert RECRUITING.by_id["hold_interviews"].evidence == "interviews"
    assert "see_police_certificate" in RECRUITING.waits_for(RECRUITING.by_id["appoint_person"])


def test_what_only_the_leaver_can_do_falls_to_their_manager_and_then_to_the_coordinator() -> None:
    assert PROTOCOL.chain("leaver")[:3] == ("leaver", "manager", "coordinator")


def test_the_last_check_waits_for_everything_else() -> None:
    last = PROTOCOL.by_id["confirm_nothing_left"]
    assert last.evidence == "empty_hands"
    assert set(PROTOCOL.waits_for(last)) == set(PROTOCOL.by_id) - {last.id}


def test_nothing_that_somebody_holds_is_waived() -> None:
    assert [step.id for step in PROTOCOL.steps if step.settles and step.waive != "never"] == []
