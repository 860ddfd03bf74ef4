"""The papers that simulated people give: the program takes each, and none of those that are no papers."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

import pytest

from domain.casework.proofs import checked_document
from domain.kernel import Refusal
from simulation.chance import Chance
from simulation.people.papers import no_paper, paper, scan


@pytest.mark.parametrize("write", [paper, scan])
def test_papers_are_taken(write: Callable[[random.Random], dict[str, str]]) -> None:
    for seed in range(40):
        given = write(Chance(seed).stream("papers"))
        assert checked_document(given["name"], base64.b64decode(given["content"])).sha256


def test_what_is_no_paper_is_refused() -> None:
    for seed in range(40):
        given = no_paper(Chance(seed).stream("papers"))
        with pytest.raises((Refusal, ValueError)):
            checked_document(given["name"], base64.b64decode(given["content"], validate=True))
