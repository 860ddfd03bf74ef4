"""The printed procedures are those of the files, in both languages and whole."""

from __future__ import annotations

import re

import pytest

from domain.declarations.protocol import Protocol
from flows.printed import PAGE, printed, procedure
from flows.protocols import PROTOCOLS, read_protocol
from locales import LANGUAGES

EACH = pytest.mark.parametrize(
    ("key", "language"), [(key, language) for key in sorted(PROTOCOLS) for language in LANGUAGES]
)


def _protocol(key: str) -> Protocol:
    return read_protocol(PROTOCOLS[key].file).value


def test_the_printed_page_is_the_one_of_today() -> None:
    """Where this fails: `python -m flows.printed`, and look at what changed."""
    assert PAGE.read_text(encoding="utf-8") == printed()


@EACH
def test_every_step_stands_once_under_its_number_with_its_doer_and_its_ground(key: str, language: str) -> None:
    protocol = _protocol(key)
    lines = procedure(protocol, language).splitlines()
    for number, step in enumerate(protocol.steps, start=1):
        heads = [place for place, line in enumerate(lines) if line.startswith(f"{number}. **")]
        assert len(heads) == 1
        assert step.title.in_language(language) in lines[heads[0]]
        facts = lines[heads[0] + 1].strip().split(" · ")
        assert set(step.source) <= set(facts)
        if step.by:
            assert facts[0] == protocol.roles[step.by].title.in_language(language)
        if step.due:
            assert protocol.due_in_words(step, language) in facts


@EACH
def test_gates_roles_and_reminders_are_printed_too(key: str, language: str) -> None:
    protocol = _protocol(key)
    text = procedure(protocol, language)
    for gate in protocol.gates.values():
        assert f"**{gate.title.in_language(language)}**" in text
    for role in protocol.roles.values():
        assert f"\n- {role.title.in_language(language)}" in text
    headings = len(re.findall(r"^### ", text, re.MULTILINE))
    assert headings == len(protocol.stages) + bool(protocol.gates) + 1 + bool(protocol.remind)


@EACH
def test_nothing_of_the_other_language_is_left_in_one_s_own(key: str, language: str) -> None:
    """A msgid without French would show in English here."""
    other = "en" if language == "fr" else "fr"
    protocol = _protocol(key)
    text = procedure(protocol, language)
    for step in protocol.steps:
        assert f"**{step.title.in_language(other)}**" not in text
    said = {
        "approved by": any(step.approved_by for step in protocol.steps),
        "after it was due": bool(protocol.remind),
        "Reminders": bool(protocol.remind),
        "if vacant": any(role.else_ for role in protocol.roles.values()),
        "done by the program": any(step.action for step in protocol.steps),
    }
    assert {english for english in said if english in text} == {
        english for english, is_declared in said.items() if is_declared and language == "en"
    }


def test_a_change_of_the_file_changes_the_print() -> None:
    protocol = _protocol("onboarding")
    moved = protocol.model_copy(update={"steps": (protocol.steps[1], protocol.steps[0], *protocol.steps[2:])})
    assert procedure(moved, "fr") != procedure(protocol, "fr")
