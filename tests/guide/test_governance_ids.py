"""Every committee of the guide, and every item of its governance, is carried by the program's file or a protocol."""

from __future__ import annotations

from typing import get_args

import pytest

from domain.declarations.program import EndorsementRules, Hosted, Joint, Secondment
from domain.declarations.program_check import read_program
from domain.declarations.protocol import Protocol
from domain.declared.guide_ids import GUIDE_IDS
from domain.declared.reading import load_declared
from tests.guide.refusals import ROOT, refused_by

PROGRAM = read_program(ROOT / "programs" / "greater-montreal.yaml").value
COMMITTEES = sorted(fact for fact in GUIDE_IDS if fact.startswith("CM-") and fact != "CM-2R")
#: Each procedure that governance asks for, as its steps cite it.
PROCEDURES = {"financial_report": "GV-6", "communication_plan": "GV-9", "recruiting": "GV-8", "renewal": "GV-4"}


def test_the_projects_own_copy_has_the_guides_committees_and_its_governance() -> None:
    assert set(COMMITTEES) == {"CM-S", "CM-C", "CM-J", "CM-E", "CM-A"}
    assert {fact for fact in GUIDE_IDS if fact.startswith("GV-")} == {f"GV-{n}" for n in range(1, 11)}


@pytest.mark.parametrize("fact", COMMITTEES)
def test_each_committee_is_declared_once_and_meets_as_often_as_the_guide_says(fact: str) -> None:
    (committee,) = [one for one in PROGRAM.committees.values() if one.source == fact]
    rhythm = committee.rhythm and (committee.rhythm.times, committee.rhythm.per)
    expected = {"CM-S": (4, "year"), "CM-C": (1, "week"), "CM-J": (2, "year"), "CM-E": (4, "year"), "CM-A": None}
    assert rhythm == expected[fact]


def test_the_joint_committee_is_steering_and_clinical_together_and_the_extended_one_widens_the_clinical() -> None:
    assert set(PROGRAM.committees["joint"].derived_from) == {"steering", "clinical"}
    assert set(PROGRAM.committees["extended"].derived_from) == {"clinical"}


def test_a_second_representative_can_sit_for_each_organization_on_both_committees() -> None:
    for key in ("steering", "clinical"):
        alternates = PROGRAM.committees[key].alternates
        assert alternates is not None
        assert (alternates.role, alternates.source) == ("second_representative", "CM-2R")


@pytest.mark.ci
def test_the_position_can_be_declared_in_each_of_the_three_ways_and_its_decisions_are_endorsed() -> None:
    ways = [get_args(way.model_fields["source"].annotation) for way in (Hosted, Secondment, Joint)]
    assert ways == [("GV-1",), ("GV-2",), ("GV-3",)]
    assert get_args(EndorsementRules.model_fields["source"].annotation) == ("GV-4",)
    assert "GV-4" in refused_by("meetings"), "a decision that lacks an endorsement says so"


@pytest.mark.parametrize(("protocol", "fact"), PROCEDURES.items())
def test_each_procedure_of_governance_is_a_protocol_whose_steps_cite_it(protocol: str, fact: str) -> None:
    declared = load_declared(ROOT / "flows" / protocol / "protocol.yaml", Protocol).value
    assert [step for step in declared.steps if fact in step.source and step.required], GUIDE_IDS[fact]


def test_reimbursements_and_petty_cash_are_owed_and_reported() -> None:
    report = load_declared(ROOT / "flows" / "financial_report" / "protocol.yaml", Protocol).value
    assert [step for step in report.steps if "GV-7" in step.source], GUIDE_IDS["GV-7"]
    assert PROGRAM.roles["petty_cash_holder"].single_holder
