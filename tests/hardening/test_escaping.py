"""What was typed is never markup: every template of the pages escapes, and none says otherwise."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from jinja2 import nodes

from api.web.rendering import TEMPLATES, environment

_PAGES = TEMPLATES.parent


@pytest.mark.parametrize("name", sorted(path.name for path in TEMPLATES.glob("*.html")))
def test_no_template_trusts_what_it_is_given(name: str) -> None:
    tree = environment().parse((TEMPLATES / name).read_text(encoding="utf-8"), name)
    trusting = [
        found.lineno
        for found in tree.find_all((nodes.Filter, nodes.ScopedEvalContextModifier, nodes.MarkSafe))
        if not isinstance(found, nodes.Filter) or found.name == "safe"
    ]
    assert trusting == []


def test_each_output_is_escaped() -> None:
    page = environment().from_string("{{ a }}|{{ a | begun }}|{{ words(a) }}|{% trans %}{{ a }}{% endtrans %}")
    written = page.render(a="<script>'\"&")
    assert written == "|".join(["&lt;script&gt;&#39;&#34;&amp;"] * 4)


def test_no_code_of_the_windows_calls_words_markup() -> None:
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(Path(_PAGES).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Markup"
    ]
    assert found == []
