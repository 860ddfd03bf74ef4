"""The onboarding protocol fits the program that runs it, and its author's examples hold."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.declarations.program_check import read_program
from domain.declarations.protocol import Protocol
from domain.declarations.protocol_check import Around, check_protocol
from domain.declared.problems import DeclaredErrors
from domain.declared.reading import Declared, load_declared
from tests.protocol_states import TaskKey, check_examples, gate_waits_for, initial_states, is_complete, opened_by

ROOT = Path(__file__).resolve().parents[2]
ONBOARDING = ROOT / "flows" / "onboarding"
ACTIONS = {"enrol_on_clinical_committee", "withdraw_from_clinical_committee", "send_contact_lists"}
PROTOCOL = load_declared(ONBOARDING / "protocol.yaml", Protocol).value


def checked(actions: set[str] = ACTIONS) -> Declared[Protocol]:
    program = read_program(ROOT / "programs" / "greater-montreal.yaml").value
    return check_protocol(load_declared(ONBOARDING / "protocol.yaml", Protocol), Around.of_program(program, actions))


def test_the_protocol_fits_the_program_of_greater_montreal() -> None:
    assert checked().value == PROTOCOL


def test_an_action_that_the_engine_does_not_have_is_refused() -> None:
    with pytest.raises(DeclaredErrors) as raised:
        checked(ACTIONS - {"send_contact_lists"})
    assert "send_contact_lists" in str(raised.value)


def test_the_authors_examples_hold() -> None:
    assert len(check_examples(ONBOARDING / "examples.yaml", PROTOCOL).value.examples) >= 10


def test_the_authors_examples_would_notice_a_missing_wait() -> None:
    steps = [
        step.model_copy(update={"needs": ()}) if step.id == "open_secure_account" else step for step in PROTOCOL.steps
    ]
    loose = Protocol.model_validate(PROTOCOL.model_copy(update={"steps": tuple(steps)}).model_dump(by_alias=True))
    with pytest.raises(DeclaredErrors) as raised:
        check_examples(ONBOARDING / "examples.yaml", loose)
    assert "open_secure_account" in str(raised.value)


@pytest.mark.ci
@given(st.data())
def test_from_opening_to_close_the_onboarding_never_stands_still(data: st.DataObject) -> None:
    """In whatever order people work, something is open until all is done, and the gate opens once, for good."""
    states: dict[TaskKey, str] = initial_states(PROTOCOL)
    was_open = False
    while not is_complete(PROTOCOL, states):
        for key in opened_by(PROTOCOL, states):
            states[key] = "open"
        able = sorted(key for key, state in states.items() if state == "open")
        assert able, "the case stands still"
        states[data.draw(st.sampled_from(able))] = "done"
        now_open = not gate_waits_for(PROTOCOL, "may_follow_participants", states)
        assert now_open or not was_open
        was_open = now_open
    assert was_open
    assert set(states.values()) == {"done"}
