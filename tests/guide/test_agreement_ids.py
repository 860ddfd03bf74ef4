"""Every duty of the guide’s agreements and governance is carried by the program’s file, owed and checked."""

from pathlib import Path

import pytest

from domain.declarations.program_check import read_program
from domain.declared.guide_ids import GUIDE_IDS

PROGRAM = read_program(Path(__file__).resolve().parents[2] / "programs" / "greater-montreal.yaml").value
OWED = {place: PROGRAM.obligations_of(place) for place in PROGRAM.agreements}
EVERY = [one for owed in OWED.values() for one in owed]

#: What the guide says that each owes; each of partners, of its director, its manager, its workers, and all of them.
OF_PARTNERS = sorted(fact for fact in GUIDE_IDS if fact.startswith(("AG-P", "AG-D", "AG-M", "AG-W", "AG-X")))
OF_COORDINATION = ("GV-5", "GV-6", "GV-9", "GV-10")
OWNER_OF = {"AG-P": "organization", "AG-D": "director", "AG-M": "manager", "AG-W": "youth_worker"}


def fact_of(key: str) -> str:
    return key.partition(":")[0].partition(".")[0]


def test_the_projects_own_copy_has_the_guides_duties() -> None:
    expected = {f"AG-P{n}" for n in range(1, 8)} | {"AG-D1", "AG-D2"} | {f"AG-M{n}" for n in range(1, 6)}
    expected |= {f"AG-W{n}" for n in range(1, 6)} | {f"AG-X{n}" for n in range(1, 4)}
    assert set(OF_PARTNERS) == expected


@pytest.mark.parametrize("fact", [*OF_PARTNERS, *OF_COORDINATION])
def test_each_duty_is_an_obligation_with_a_check_in_both_languages(fact: str) -> None:
    carrying = [one for one in EVERY if fact_of(one.key) == fact or fact in one.sources]
    assert carrying, GUIDE_IDS[fact]
    for one in carrying:
        assert one.obligation.text.fr != one.obligation.text.en
        assert one.obligation.check.rule is not None


@pytest.mark.parametrize("fact", OF_PARTNERS)
def test_each_duty_is_owed_by_the_one_whom_the_guide_names(fact: str) -> None:
    owners = {one.owner for one in EVERY if fact_of(one.key) == fact}
    assert OWNER_OF.get(fact[:4]) in (None, *owners)


@pytest.mark.parametrize("place", sorted(OWED))
def test_every_partner_owes_what_partners_directors_and_managers_owe(place: str) -> None:
    facts = {fact_of(one.key) for one in OWED[place]}
    assert facts >= {fact for fact in OF_PARTNERS if fact.startswith(("AG-P", "AG-D", "AG-M"))}
    if "youth_worker" in PROGRAM.agreements[place].roles:
        assert facts >= {fact for fact in OF_PARTNERS if fact.startswith("AG-W")}


def test_what_the_coordinator_owes_is_in_the_agreement_of_the_host_alone() -> None:
    host = PROGRAM.coordination.hosted.host if PROGRAM.coordination.hosted else ""
    for place, owed in OWED.items():
        facts = {fact_of(one.key) for one in owed}
        assert bool(facts & set(OF_COORDINATION)) == (place == host)
    assert {fact_of(one.key) for one in OWED[host]} >= set(OF_COORDINATION)


def test_the_advisory_committee_is_recommended_and_not_yet_set_up() -> None:
    advisory = PROGRAM.committees["advisory"]
    assert advisory.source == "CM-A"
    assert not advisory.established


def test_the_shared_information_has_its_purposes_fields_and_safeguards() -> None:
    for agreement in PROGRAM.agreements.values():
        terms = PROGRAM.sharing_terms[agreement.information_sharing or ""]
        assert terms.source == "AG-IS"
        assert terms.purposes
        assert terms.information
        assert terms.safeguards
