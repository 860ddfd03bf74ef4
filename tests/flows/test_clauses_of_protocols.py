"""What a protocol's step says that it serves is a clause that an agreement has, and that something counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.declarations.checks.document import DocumentRule
from domain.declarations.checks.tasks import TasksRule
from domain.declarations.program import ProgramFile
from domain.declarations.program_agreements import DeclaredDuty, clause_without_role
from domain.declarations.protocol import Protocol, Step
from domain.declared.problems import DeclaredErrors
from flows.protocols import PROTOCOLS, declared_protocols, read_protocol
from tests.cast import program_file

EVERY = [one.value for one in declared_protocols(program_file().value)]
OWED = [one for place in program_file().value.agreements for one in program_file().value.obligations_of(place)]
SERVING = [
    pytest.param(protocol, step, id=f"{protocol.protocol}-{step.id}")
    for protocol in EVERY
    for step in protocol.steps
    if step.clause
]


def counts(owed: DeclaredDuty, protocol: Protocol, step: Step) -> bool:
    """Whether an obligation looks at a step: late or in time, or for the document that its procedure brings."""
    if step.clause not in (owed.key, clause_without_role(owed.key)):
        return False
    rule = owed.obligation.check.rule
    if isinstance(rule, TasksRule):
        return protocol.protocol in rule.protocols and step.due is not None
    together = [other for other in protocol.steps if other.clause == step.clause]
    return isinstance(rule, DocumentRule) and any(other.evidence == "document" for other in together)


@pytest.mark.parametrize(("protocol", "step"), SERVING)
def test_each_clause_that_a_step_names_is_counted_by_an_obligation(protocol: Protocol, step: Step) -> None:
    assert any(counts(owed, protocol, step) for owed in OWED), step.clause


def test_what_each_of_several_roles_owes_is_a_clause_of_its_own_where_an_agreement_creates_the_role() -> None:
    keys = program_file().value.clause_keys()
    assert {"AG-X1", "AG-X1:manager", "AG-X1:youth_worker", "AG-X1:police_representative", "AG-M4"} <= keys
    assert not keys & {"AG-X1:director", "AG-X1:research_coordinator", "AG-M4:manager"}


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ("AG-X1:petty_cash_holder", "No agreement has the clause “AG-X1:petty_cash_holder”."),
        ("AG-X1:youth_wroker", "Did you mean “AG-X1:youth_worker”?"),
        ("AG-M4:manager", "No agreement has the clause “AG-M4:manager”."),
    ],
)
def test_a_clause_with_a_role_that_no_agreement_has_it_for_is_refused_with_file_line_and_path(
    tmp_path: Path, clause: str, said: str
) -> None:
    lines = PROTOCOLS["compassion_fatigue"].file.read_text("utf-8").splitlines()
    line = next(n for n, text in enumerate(lines, start=1) if text.endswith("clause: AG-X1:youth_worker"))
    file = tmp_path / "training.yaml"
    file.write_text("\n".join(lines).replace("AG-X1:youth_worker", clause), "utf-8")
    with pytest.raises(DeclaredErrors) as refused:
        read_protocol(file, program_file().value)
    (problem,) = refused.value.problems
    assert (problem.line, problem.path) == (line, "steps[2].clause")
    assert said in str(refused.value)
    assert f"training.yaml:{line}" in str(refused.value)


def test_a_clause_of_a_group_that_no_agreement_takes_is_no_agreements() -> None:
    declared = program_file().value
    without = {key: one.model_copy(update={"obligations": ()}) for key, one in declared.agreements.items()}
    bare: ProgramFile = declared.model_copy(update={"agreements": without})
    assert "AG-M4" in declared.clause_keys()
    assert "AG-M4" not in bare.clause_keys()
    assert "GV-5.workers" in bare.clause_keys()
