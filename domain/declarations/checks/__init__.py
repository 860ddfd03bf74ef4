"""The kinds of check that an obligation may declare: each is one class, and whatever differs by kind asks it.

rule.py: what a kind has to say · the modules imported here: the kinds · judging.py: what a period is judged by, and
what is found · owed.py: a clause as it is owed · windows.py: over which days it binds · watch.py: what it means that
nothing is on record · records.py: what is read once for a program.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.declarations.checks.attendance import AttendanceRule
from domain.declarations.checks.attestation import AttestationRule
from domain.declarations.checks.count import CountRule
from domain.declarations.checks.decisions import DecisionsRule
from domain.declarations.checks.document import DocumentRule
from domain.declarations.checks.facts import KindOfFact
from domain.declarations.checks.rule import CheckRule
from domain.declarations.checks.tasks import TasksRule

#: Every kind of check, in the order in which the grammar names them.
RULES: Final[tuple[type[CheckRule], ...]] = (
    AttendanceRule,
    TasksRule,
    DecisionsRule,
    DocumentRule,
    AttestationRule,
    CountRule,
)

KINDS: Final[Mapping[str, type[CheckRule]]] = {rule.key: rule for rule in RULES}
#: What facts are about, by their keys.
FACTS: Final[Mapping[str, KindOfFact]] = {fact.key: fact for rule in RULES for fact in rule.facts}
#: Why a fact counts, or counts neither way, as a msgid by its code.
WHY: Final[Mapping[str, str]] = {code: words for rule in RULES for code, words in rule.why.items()}
#: The kinds that are proved by what people give, and those of them that are proved by documents.
GIVEN_BY_PEOPLE: Final = frozenset(rule.key for rule in RULES if rule.proof is not None)
BY_DOCUMENTS: Final = frozenset(rule.key for rule in RULES if rule.proof == "document")
#: Those that may lack what the coordinator has to record.
TO_BE_RECORDED: Final = frozenset(rule.key for rule in RULES if rule.awaits_secretary)
#: What the facts of a period add up to, as a msgid by the number that tells which: the first one that there is says it.
ADDED_UP: Final[Mapping[str, str]] = {number: words for rule in RULES for number, words in rule.adds_up.items()}


def rule_of(kind: str, rule: Mapping[str, object]) -> CheckRule:
    """A rule as it is kept, as it is judged by."""
    return KINDS[kind].model_validate(rule)
