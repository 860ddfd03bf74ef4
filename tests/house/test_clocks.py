"""Who writes into the record goes by the database's clock: another machine's would date an act on another day.

So the places that ask this machine's own clock are counted, and each is of what lies on the machine itself.
"""

from __future__ import annotations

import ast

import pytest

from bench import house

#: What asks this machine's clock, and of what.
OF_THE_MACHINE = {
    "adapters/backups/bases.py": "when a copy of the files ended",
    "adapters/clock.py": "until the database answers",
    "adapters/closing.py": "the ledger beside the database, which has gone",
    "adapters/graph.py": "how long a key of another service holds",
    "adapters/ledger.py": "the name of a ledger that is put aside",
    "api/access/session.py": "what the application is given in its place",
    "api/cli/backing_up.py": "when a copy began and ended",
    "api/cli/bringing_back.py": "which copies are of today",
    "api/cli/by_clock.py": "when a copy is due",
    "api/cli/checkup/clock.py": "how far it is from the database's",
    "api/cli/checkup/mail.py": "how long a key of another service holds",
    "api/cli/doctor.py": "when it was looked at",
    "api/cli/ledgers.py": "the name of a ledger's copy",
    "api/cli/letting_go.py": "how old files are",
    "api/cli/mail.py": "the date of a mail that tries the way",
    "api/cli/record.py": "how old files of keys are",
    "api/cli/scheduled.py": "when a copy is due",
    "api/pages/routes.py": "a page of examples",
    "run.py": "how far a day of tests is from now",
    "flows/pool.py": "what Prefect has scheduled, which goes by its own",
}
ASKED = {"now", "utcnow", "today", "time"}


def _asks(call: ast.AST) -> bool:
    """Whether that is `datetime.now(…)`, `date.today()`, `time.time()` or one of their like."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    of = call.func.value
    return call.func.attr in ASKED and isinstance(of, ast.Name) and of.id in {"datetime", "date", "time", "clock"}


@pytest.mark.parametrize("line", ["datetime.now(UTC)", "date.today()", "time.time()", "f(lambda: datetime.utcnow())"])
def test_a_call_of_this_machines_clock_is_found(line: str) -> None:
    assert any(_asks(node) for node in ast.walk(ast.parse(line)))


def test_this_machines_clock_is_asked_by_these_alone() -> None:
    trees = {str(one.path.relative_to(house.ROOT)): one.tree for one in house.sources()}
    for path in (house.ROOT / "demo").rglob("*.py"):
        trees[str(path.relative_to(house.ROOT))] = ast.parse(path.read_text("utf-8"))
    found = {name for name, tree in trees.items() if any(_asks(node) for node in ast.walk(tree))}
    assert found == set(OF_THE_MACHINE)
