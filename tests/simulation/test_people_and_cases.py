"""What the simulated people of departures, absences and cases rest on, without a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.declarations import read_program
from flows.protocols import PROTOCOLS, read_protocol
from simulation.chance import Chance
from simulation.people.procedures import next_version
from simulation.visits import Said

PROGRAM = read_program(Path("programs/greater-montreal.yaml")).value


@pytest.mark.parametrize("key", PROTOCOLS)
def test_every_change_of_a_procedure_is_a_right_file_of_the_next_version(key: str, tmp_path: Path) -> None:
    before = read_protocol(PROTOCOLS[key].file)
    for seed in range(6):
        after = next_version(before, PROGRAM, tmp_path, Chance(seed).stream("procedure"))
        assert after.value.version == before.value.version + 1
        assert after.digest != before.digest
        before = after


def test_what_is_said_to_a_role_is_heard_once_by_whoever_comes_in_it() -> None:
    said = Said()
    said.tell("coordinator", "leaves", person_id="1")
    said.tell("somebody", "offered")
    assert said.hear("manager") == []
    assert said.hear("coordinator", "manager") == [{"topic": "leaves", "person_id": "1"}]
    assert said.hear("coordinator") == []
