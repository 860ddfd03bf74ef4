"""Every protocol of the program stands by the examples that its author keeps beside it."""

from __future__ import annotations

import pytest

from duties.declared_problems import DeclaredErrors
from duties.planning import check_examples
from duties.protocol import Protocol
from flows.protocols import PROTOCOLS, read_protocol


@pytest.mark.parametrize("key", sorted(PROTOCOLS))
def test_a_protocol_does_what_its_examples_say(key: str) -> None:
    bound = PROTOCOLS[key]
    assert check_examples(bound.examples, read_protocol(bound.file).value).value.examples


@pytest.mark.parametrize("key", ["departure", "recruiting"])
def test_an_example_of_a_protocol_that_lost_its_order_is_found_out(key: str) -> None:
    bound = PROTOCOLS[key]
    protocol = read_protocol(bound.file).value
    steps = tuple(step.model_copy(update={"needs": ()}) for step in protocol.steps)
    loose = Protocol.model_validate(protocol.model_copy(update={"steps": steps}).model_dump(by_alias=True))
    with pytest.raises(DeclaredErrors):
        check_examples(bound.examples, loose)
