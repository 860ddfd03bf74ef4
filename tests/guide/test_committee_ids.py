"""Everything that the guide gives each committee to talk about is on its agendas by rule, meeting after meeting."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from domain.declarations.program_check import read_program
from domain.declared.guide_ids import GUIDE_IDS

PROGRAM = read_program(Path(__file__).resolve().parents[2] / "programs" / "greater-montreal.yaml").value
COMMITTEES = {committee.source: committee for committee in PROGRAM.committees.values()}

#: What each committee is for, by the key of the rule that brings it on every agenda, and how that rule draws it.
FOR: Final[Mapping[str, Mapping[str, str]]] = {
    "CM-S": dict.fromkeys(("agreements", "activities", "coordination", "resources"), "standing"),
    "CM-C": {"discussions": "turn", "admissions": "asked", "inactive": "standing", "research": "standing"},
    "CM-J": dict.fromkeys(("successes", "agreements", "research", "adjustments"), "standing"),
    "CM-E": dict.fromkeys(("services", "visibility", "practice"), "standing"),
    "CM-A": {},  # recommended, and not established: what it is for is still to be set
}


def test_every_committee_of_the_guide_is_one_of_the_program_and_held_to_what_it_is_for() -> None:
    of_committees = {fact for fact in GUIDE_IDS if fact.startswith("CM-")} - {"CM-2R"}
    assert set(COMMITTEES) == set(FOR) == of_committees
    assert {fact for fact, committee in COMMITTEES.items() if not committee.established} == {"CM-A"}


@pytest.mark.parametrize(("fact", "rule"), [(fact, rule) for fact, rules in FOR.items() for rule in rules])
def test_what_the_guide_gives_a_committee_is_drawn_by_a_rule_of_it(fact: str, rule: str) -> None:
    agenda = COMMITTEES[fact].agenda
    assert agenda is not None
    assert rule in agenda.rules, f"{GUIDE_IDS[fact]} does not talk about it any more"
    declared = agenda.rules[rule]
    assert declared.source == FOR[fact][rule]
    # What is asked for is about somebody, and cites what the guide says of that.
    assert fact in declared.sources or declared.source == "asked"


@pytest.mark.parametrize("fact", FOR)
def test_nothing_stands_on_every_agenda_in_a_committees_name_that_the_guide_does_not_give_it(fact: str) -> None:
    agenda = COMMITTEES[fact].agenda
    standing = {key for key, rule in agenda.rules.items() if rule.source in ("standing", "turn")} if agenda else set()
    assert standing == {key for key, source in FOR[fact].items() if source in ("standing", "turn")}


def test_the_clinical_committee_goes_through_the_four_processes_and_decides_on_admissions_and_hand_overs() -> None:
    agenda = COMMITTEES["CM-C"].agenda
    assert agenda is not None
    processes = [point.en.partition(":")[0] for point in agenda.rules["discussions"].points]
    assert processes == ["Relationship", "Focus", "Evocation", "Planning"]
    assert agenda.rules["discussions"].role == "youth_worker", "of each worker in turn"
    assert {"admission", "handover"} <= set(agenda.rules["admissions"].kinds)
