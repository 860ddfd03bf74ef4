"""Every kind of check says all that it has to, and nothing else of the product names one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from domain.declarations.checks import FACTS, KINDS, RULES, WHY, rule_of
from domain.declarations.checks.rule import CheckRule
from domain.declarations.program_agreements import Check

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = ("adapters", "api", "domain", "flows", "meetings")
CHECKS = ROOT / "domain" / "declarations" / "checks"
#: The modules of the kinds, which only the list of them imports.
MODULES = {rule.__module__ for rule in RULES}

#: A rule of each kind, as a program's file would say it.
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "attendance": {"committee": "steering", "at_most_absences": 1, "alternates": "no"},
    "tasks": {"protocols": ["onboarding"], "at_most_late": 1},
    "decisions": {"committees": ["steering"], "at_most_late": 1},
    "document": {"kind": "annual-report"},
    "attestation": {"statement": {"fr": "Fait.", "en": "Done."}, "by": "manager"},
    "count": {"of": "referrals", "at_least": 1},
}

each_kind = pytest.mark.parametrize("rule", [rule_of(key, rule) for key, rule in EXAMPLES.items()], ids=EXAMPLES)


def is_own(rule: CheckRule, name: str) -> bool:
    """Whether a kind says this itself, and does not leave it to the base of all kinds."""
    return any(name in vars(one) for one in type(rule).__mro__ if issubclass(one, CheckRule) and one is not CheckRule)


def test_the_grammar_has_a_field_for_each_kind_and_each_has_an_example() -> None:
    assert set(Check.model_fields) == set(KINDS) == set(EXAMPLES)
    assert len(RULES) == len(KINDS)


@each_kind
def test_a_kind_says_its_words_what_it_looks_at_and_how_it_judges(rule: CheckRule) -> None:
    for name in ("key", "words", "facts", "why", "touched_by", "found", "in_words"):
        assert is_own(rule, name), name
    assert rule.facts
    for language in ("fr", "en"):
        said = rule.in_words(language, {})
        assert said
        assert "%" not in said


@each_kind
def test_a_kind_that_asks_says_by_which_step_and_one_that_takes_proof_has_a_form(rule: CheckRule) -> None:
    assert bool(rule.asks_by) == is_own(rule, "asks")
    assert (rule.proof is not None) == is_own(rule, "form")
    assert (rule.proof == "statement") == (rule.stated() is not None)
    assert (rule.proof == "document") == bool(rule.document())
    form = rule.form(date(2026, 1, 1), date(2026, 12, 31), date(2026, 12, 31))
    assert form is None or (form.submit and all(one.label for one in form.fields))


def test_a_code_means_the_same_in_each_kind_and_a_key_is_one_kind_of_fact() -> None:
    for rule in RULES:
        assert {code: WHY[code] for code in rule.why} == dict(rule.why)
        assert all(FACTS[fact.key] is fact for fact in rule.facts)


def test_no_other_module_of_the_product_names_a_kind() -> None:
    """Whatever differs by kind is asked of the kind: else a new one would have to be added there as well."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for package in PRODUCT
        for path in sorted((ROOT / package).rglob("*.py"))
        if CHECKS not in path.parents
        for line, what in named_in(ast.parse(path.read_text()))
    ]
    for path in sorted((ROOT / "api" / "templates").rglob("*.html")):
        named = re.compile(rf"check_kind|rule\.key|\bkinds? in .*({'|'.join(KINDS)})\b")
        found += [f"{path.name}: {text}" for text in path.read_text().splitlines() if named.search(text)]
    assert found == []


def named_in(module: ast.Module) -> Iterator[tuple[int, str]]:
    """The lines of a module that import a kind, compare with its key, or list keys of kinds."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield node.lineno, f"imports {node.module}"
        if isinstance(node, ast.Compare) and "check_kind" in ast.unparse(node) and keys_in(ast.walk(node)):
            yield node.lineno, ast.unparse(node)
        if isinstance(node, ast.Dict | ast.Set | ast.Tuple | ast.List) and len(keys_in(parts_of(node))) > 1:
            yield node.lineno, ast.unparse(node)
        if isinstance(node, ast.keyword) and node.arg == "kinds" and keys_in(ast.walk(node.value)):
            yield node.value.lineno, ast.unparse(node)


def parts_of(node: ast.Dict | ast.Set | ast.Tuple | ast.List) -> Iterable[ast.AST | None]:
    """What a list holds, or the keys of a mapping."""
    return node.keys if isinstance(node, ast.Dict) else node.elts


def keys_in(nodes: Iterable[ast.AST | None]) -> set[str]:
    """The keys of kinds among these nodes."""
    return {one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)} & set(KINDS)
