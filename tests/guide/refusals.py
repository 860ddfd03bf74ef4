"""Which of the guide's facts a rule of the program refuses by, as its refusals cite them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def refused_by(folder: str) -> frozenset[str]:
    """The ids that refusals raised in a folder give as their source."""
    found = set()
    for file in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal":
                found |= {
                    str(given.value.value)
                    for given in node.keywords
                    if given.arg == "source" and isinstance(given.value, ast.Constant)
                }
    return frozenset(found)
