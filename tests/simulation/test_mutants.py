"""The mutants of the simulation: each takes one guard away, and changes nothing else; at night each is noticed."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from simulation import mutants
from simulation.mutants import PLAIN, ROOT, Found, Mutant, Outcome, Search, seeds_of, table

EVERY = mutants.mutants()
#: Those that were noticed in the first weeks of the first seed that was tried.
EARLY = (
    "approved_unseen",
    "doors_left_open",
    "own_proof",
    "proof_not_looked_at",
    "quorum_not_looked_at",
    "rung_not_used_up",
    "seals_not_chained",
    "second_representatives_left_out",
    "sequence_not_raised",
    "silence_is_fine",
    "told_again",
    "words_in_the_clear",
)
EARLY_DAYS = 60
#: So many of them are told by the database, and not by a promise, at most.
_BY_DATABASE = 6


def test_there_are_thirty_each_with_a_name_of_its_own() -> None:
    assert len(EVERY) == 30
    assert sum(one.by_database for one in EVERY.values()) <= _BY_DATABASE
    assert all(one.guard.endswith(".") and one.noticed_by.endswith(".") for one in EVERY.values())


@pytest.mark.parametrize("mutant", EVERY.values(), ids=EVERY)
def test_each_is_another_program_that_compiles(mutant: Mutant) -> None:
    before, after = (ROOT / mutant.module).read_text(), mutant.source()
    assert ast.dump(ast.parse(before)) != ast.dump(ast.parse(after))
    compile(after, mutant.module, "exec")


def test_a_text_that_stands_not_once_is_no_mutant() -> None:
    one = next(iter(EVERY.values()))
    for was in ("no such text anywhere", "import"):
        with pytest.raises(ValueError, match="times in"):
            Mutant(one.name, "", one.module, (was,), ("",), "").source()


_IMPORTS = """
import sys
from simulation import mutants

name = sys.argv[1]
mutant = mutants.mutants()[name]
mutants.apply(mutant)
import importlib
changed = importlib.import_module(mutant.dotted)
beside = importlib.import_module("domain.kernel.spans")
assert type(changed.__loader__).__name__ == "_Without", changed.__loader__
assert type(beside.__loader__).__name__ != "_Without"
try:
    mutants.apply(mutant)
except RuntimeError:
    print(changed.Judging.lost.__code__.co_consts)
"""


def _in_a_process(source: str, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", source, *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_only_that_module_is_another_one() -> None:
    said = _in_a_process(_IMPORTS, "never_lost")
    assert "at_risk" in said
    assert "cannot_be_met" not in said
    on_disk = (ROOT / EVERY["never_lost"].module).read_text()
    assert '"cannot_be_met"' in on_disk


def test_one_is_found_in_the_first_seed_in_which_only_it_fails() -> None:
    asked: list[tuple[str, int]] = []

    def lives(name: str, seed: int, days: int) -> Outcome:
        asked.append((name, seed))
        if seed == 1:
            return Outcome(days)
        if seed == 2:  # where the product fails as well
            return Outcome(3, ["something else does not hold"])
        return Outcome(9, ["It is noticed."]) if name != PLAIN else Outcome(days)

    mutant = next(iter(EVERY.values()))
    found = Search([1, 2, 3, 4], 365, lives).find(mutant)
    assert (found.by, found.seed, found.day) == ("It is noticed.", 3, 9)
    assert asked == [(mutant.name, 1), (mutant.name, 2), (PLAIN, 2), (mutant.name, 3), (PLAIN, 3)]
    assert not Search([1, 2], 365, lives).find(mutant).by


def test_the_table_says_how_many() -> None:
    first, second, *_ = EVERY.values()
    said = table([Found(first, "A sentence.", 5, 40, 12.0), Found(second)])
    assert said.splitlines()[-1] == "1 of 2"
    assert "NOTHING" in said


def test_the_seeds_of_a_commit_are_the_same_each_time() -> None:
    assert seeds_of("abc", 3) == seeds_of("abc", 4)[:3]
    assert seeds_of("abc", 3) != seeds_of("abd", 3)


@pytest.mark.nightly
@pytest.mark.parametrize("name", EARLY)
def test_a_guard_that_people_try_each_week_is_missed_within_two_months(name: str) -> None:
    """All thirty, in twenty seeds of a year, are a day's work: `python -m simulation.mutants` looks for them."""
    found = Search(seeds_of("the mutants of a night", 3), EARLY_DAYS, mutants.in_a_process).find(EVERY[name])
    assert found.by
