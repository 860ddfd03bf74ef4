"""Every protocol of the program stands by the examples that its author keeps beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from domain.declarations.protocol import Protocol
from domain.declared.problems import DeclaredErrors
from flows.protocols import PROTOCOLS, protocols_in, read_protocol
from tests.protocol_states import check_examples


@pytest.mark.parametrize("key", sorted(PROTOCOLS))
def test_a_protocol_does_what_its_examples_say(key: str) -> None:
    bound = PROTOCOLS[key]
    assert check_examples(bound.examples, read_protocol(bound.file).value).value.examples


def test_a_folder_with_a_file_is_a_protocol_and_nothing_else_names_it(tmp_path: Path) -> None:
    shutil.copytree(PROTOCOLS["compassion_fatigue"].file.parent, tmp_path / "peer_support")
    for file in (tmp_path / "peer_support").iterdir():
        text = file.read_text("utf-8")
        file.write_text(text.replace("protocol: compassion_fatigue", "protocol: peer_support"), "utf-8")
    (tmp_path / "notes").mkdir()
    (bound,) = protocols_in(tmp_path).values()
    protocol = read_protocol(bound.file).value
    assert bound.key == protocol.protocol == "peer_support"
    assert check_examples(bound.examples, protocol).value.examples


def test_every_protocol_is_called_as_its_folder() -> None:
    assert {key: read_protocol(bound.file).value.protocol for key, bound in PROTOCOLS.items()} == {
        key: key for key in PROTOCOLS
    }
    assert list(PROTOCOLS)[:3] == ["onboarding", "admission", "departure"]


@pytest.mark.parametrize("key", ["departure", "recruiting"])
def test_an_example_of_a_protocol_that_lost_its_order_is_found_out(key: str) -> None:
    bound = PROTOCOLS[key]
    protocol = read_protocol(bound.file).value
    steps = tuple(step.model_copy(update={"needs": ()}) for step in protocol.steps)
    loose = Protocol.model_validate(protocol.model_copy(update={"steps": steps}).model_dump(by_alias=True))
    with pytest.raises(DeclaredErrors):
        check_examples(bound.examples, loose)
