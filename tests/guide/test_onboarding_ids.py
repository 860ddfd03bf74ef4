"""Every item of the guide's onboarding protocol is carried by a step, owed by a role and answered for."""

from pathlib import Path

import pytest

from domain.declarations.protocol import Protocol, WaivedBy
from domain.declared.guide_ids import GUIDE_IDS
from domain.declared.reading import load_declared

PROTOCOL = load_declared(Path(__file__).resolve().parents[2] / "flows" / "onboarding" / "protocol.yaml", Protocol).value
ITEMS = sorted(fact for fact in GUIDE_IDS if fact.startswith("ON-"))


def test_the_projects_own_copy_has_the_guides_twelve_and_fourteen_items() -> None:
    provided = {f"ON-P{n:02}" for n in range(1, 13)}
    done_once_joined = {f"ON-D{n:02}" for n in range(1, 15)}
    assert set(ITEMS) == provided | done_once_joined


@pytest.mark.parametrize("item", ITEMS)
def test_each_item_is_carried_by_a_required_step(item: str) -> None:
    carrying = [step for step in PROTOCOL.steps if item in step.source]
    assert carrying, GUIDE_IDS[item]
    assert any(step.required for step in carrying)


@pytest.mark.parametrize("step", PROTOCOL.steps, ids=lambda step: step.id)
def test_each_step_comes_from_the_onboarding_section_and_is_due_around_the_arrival(step: object) -> None:
    declared = PROTOCOL.by_id[str(getattr(step, "id", ""))]
    assert declared.source
    assert all(fact.startswith("ON-") for fact in declared.source)
    assert declared.due is not None
    assert declared.due.anchor == "arrival"


def test_the_coordinator_answers_for_all_of_it() -> None:
    assert PROTOCOL.roles[PROTOCOL.accountable].holds == "coordinator"
    named = {step.by for step in PROTOCOL.steps if step.by}
    named |= {step.approved_by.role for step in PROTOCOL.steps if step.approved_by}
    for role in named:
        assert "coordinator" in PROTOCOL.chain(role)


def test_each_who_has_a_part_does_it() -> None:
    doers = {PROTOCOL.roles[step.by].holds or "worker" for step in PROTOCOL.steps if step.by}
    assert doers >= {"worker", "manager", "it_contact", "petty_cash_holder", "coordinator"}


def test_the_workers_own_manager_approves_access_to_the_secure_network() -> None:
    approval = PROTOCOL.by_id["request_secure_access"].approved_by
    assert approval is not None
    approver = PROTOCOL.roles[approval.role]
    assert (approver.holds, approver.at) == ("manager", "employer")
    assert {"requester", "worker"} <= set(approval.not_same_as)
    assert "request_secure_access" in PROTOCOL.waits_for(PROTOCOL.by_id["open_secure_account"])


def test_the_petty_cash_holders_manager_approves_the_petty_cash() -> None:
    approval = PROTOCOL.by_id["request_petty_cash"].approved_by
    assert approval is not None
    approver = PROTOCOL.roles[approval.role]
    assert (approver.holds, approver.having) == ("manager", "petty_cash_holder")
    assert {"requester", "worker"} <= set(approval.not_same_as)


def test_nothing_that_opens_the_way_to_participants_may_be_waived() -> None:
    gate = PROTOCOL.gates["may_follow_participants"]
    assert not [name for name in gate.steps if isinstance(PROTOCOL.by_id[name].waive, WaivedBy)]
    carried = {fact for name in gate.steps for fact in PROTOCOL.by_id[name].source}
    # the program presented, access approved and open, notebook and guide received, the committee
    assert {"ON-D01", "ON-P06", "ON-D09", "ON-D02", "ON-P11", "ON-D06"} <= carried


def test_equipment_is_handed_over_by_serial_and_an_account_asks_for_no_secret() -> None:
    equipment = PROTOCOL.by_id["hand_over_equipment"]
    assert equipment.evidence == "serial"
    assert equipment.for_each is not None
    assert {item.id for item in equipment.for_each.list_ or ()} == {"computer", "phone"}
    account = PROTOCOL.by_id["open_secure_account"]
    assert (account.evidence, account.system) == ("account", "secure-network")
    for name in ("prepare_file_passwords", "hand_over_file_passwords"):
        assert PROTOCOL.by_id[name].evidence == "none", "that it was done is recorded, never the password"


def test_no_two_steps_are_called_alike_in_either_language() -> None:
    for language in ("fr", "en"):
        titles = [step.title.in_language(language) for step in PROTOCOL.steps]
        assert len(set(titles)) == len(titles)
