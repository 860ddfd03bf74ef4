"""Numbers of the house: how large and how tangled the product's code is, each with a ceiling that it may not pass.

`python3 run.py house` prints them. `--check` fails where one is above its ceiling in tests/house/numbers.toml.
`--lower` brings the ceilings down to what is counted. They go up by hand alone, and the commit says why.
"""

from __future__ import annotations

import argparse
import ast
import keyword
import re
import statistics
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUMBERS = ROOT / "tests" / "house" / "numbers.toml"
PRODUCT = ("adapters", "api", "domain", "flows", "locales", "meetings", "models", "programs")

#: Lines of code that two places share before they count as a pair.
SHARED_LINES = 6
#: Of these lines, how many differ from each other: rows of a table and fields of a model are alike by nature.
DIFFERENT_LINES = 5
COMPLEX = 10
#: A ceiling is to be lowered where the count is this share below it.
LITTLE = 0.02

_UNTYPED = re.compile(r"(?:dict|Mapping|MutableMapping)\[str, Any\]")
#: What gives a match of a regular expression, or several.
_GIVES_MATCHES = {"match", "fullmatch", "search", "finditer"}
#: In brackets behind these stands a type.
_OF_TYPES = {"Literal", "list", "dict", "tuple", "type"}
_TABLE_OF = re.compile(r"(?m)^_?[a-z_]+ = table_of\(")
_STILTED = {"whoever", "whom", "somebody", "nobody", "whichever", "whomever"}
_STRING = re.compile(r"""[rbfRBF]{0,2}(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""")
_NUMBER = re.compile(r"\b\d[\w.]*")
_NAME = re.compile(r"\b[A-Za-z_]\w*")
#: Matches a string or the comment after it, so that a mark in a string begins none.
_COMMENT = re.compile(rf"(?P<string>{_STRING.pattern})|#.*")
_KEPT = {*keyword.kwlist, "v"}


@dataclass
class Source:
    """A file of the product, read and parsed once."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Its path in the checkout."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every part of its code."""
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self) -> list[tuple[str, list[ast.AST]]]:
        """Each function with its parts."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return [(node.name, list(ast.walk(node))) for node in self.nodes if isinstance(node, kinds)]

    @cached_property
    def code_lines(self) -> list[tuple[int, str]]:
        """Its lines of code with their numbers: no imports, docstrings, comments, blank lines or lone brackets."""
        left_out: set[int] = set()
        for node in self.nodes:
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if isinstance(node, ast.stmt) and (text or isinstance(node, (ast.Import, ast.ImportFrom))):
                left_out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        lines = enumerate(self.text.splitlines(), 1)
        kept = ((n, _COMMENT.sub(_its_string, line).strip()) for n, line in lines if n not in left_out)
        return [(n, line) for n, line in kept if _NAME.search(line) or _NUMBER.search(line)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the numbers; with --check, status 1 where one is above its ceiling."""
    parser = argparse.ArgumentParser(prog="run.py house", description="The numbers of the house.")
    parser.add_argument("--check", action="store_true", help="fail where a number is above its ceiling")
    parser.add_argument("--lower", action="store_true", help="bring the ceilings down to what is counted")
    parser.add_argument("--places", choices=("complexity", "strings", *READINGS), help="the places behind a number")
    asked = parser.parse_args(arguments)
    files = sources()
    if asked.places:
        _print_places(asked.places, files)
        return 0
    counted = numbers(files)
    ceilings = read_ceilings()
    if asked.lower:
        NUMBERS.write_text(lowered(NUMBERS.read_text("utf-8"), counted), "utf-8")
        ceilings = read_ceilings()
    if not asked.check:
        for name, value in counted.items():
            print(f"{name.replace('_', ' '):<34}{_told(value):>8}   at most {_told(ceilings.get(name, -1))}")
    worse, better = compare(counted, ceilings)
    for line in worse:
        print(f"worse: {line}")
    if better and not worse:
        print(f"better: {'; '.join(better)}. Lower the ceilings: python3 run.py house --lower")
    return 1 if asked.check and worse else 0


def sources() -> list[Source]:
    """Every Python file of the product but the migrations, and run.py."""
    paths = [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]
    read = [(path, path.read_text("utf-8")) for path in [*sorted(paths), ROOT / "run.py"]]
    return [Source(path, text, ast.parse(text)) for path, text in read]


def numbers(files: Sequence[Source]) -> dict[str, float]:
    """Each number by its name in the list of ceilings."""
    whole = "\n".join(file.text for file in files)
    lines = sorted(len(file.text.splitlines()) for file in files)
    costs = [cost for _, cost in complexities(files)]
    html = [line for path in (ROOT / "api").rglob("*.html") for line in path.read_text("utf-8").splitlines()]
    outside = [file.text for file in files if not file.name.startswith("adapters/")]
    return {
        "lines": sum(lines),
        "module_lines_median": statistics.median(lines),
        "module_lines_p90": lines[int(len(lines) * 0.9)],
        "module_lines_max": lines[-1],
        "untyped_mappings": len(_UNTYPED.findall(whole)),
        "reads_by_string": sum(1 for file in files for _ in by_string(file)),
        "table_of_lines": len(_TABLE_OF.findall(whole)),
        "program_filters": whole.count("program_id =="),
        "functions_of_complexity_over_10": sum(cost > COMPLEX for cost in costs),
        "worst_complexity": max(costs),
        "functions_with_imports": _functions_with_imports(files),
        "stilted_words_in_1000": _stilted_words(files),
        "template_lines_over_140": sum(len(line) > 140 for line in html),
        "pairs_alike": len(pairs(files, alike)),
        "pairs_equal": len(pairs(files, READINGS["equal"])),
        "commits_outside_adapters": sum(text.count(".commit(") for text in outside),
        "writing_routes_by_hand": sum(
            line[:1] not in ("", "#")
            for line in (ROOT / "tests" / "api" / "by_hand.txt").read_text("utf-8").split("\n")
        ),
    }


def by_string(file: Source) -> Iterator[ast.Subscript]:
    """Each place where a value is read by a string in brackets, as `row["due_on"]`: of JSON, and no more of rows.

    A path into JSON is read once, however long it is. Nothing is read where a key is written or removed, nor where a
    type stands in brackets. A group of a regular expression is called by a name that the expression gives it.
    """
    reads = {id(node): node for node in file.nodes if isinstance(node, ast.Subscript) and _is_by_string(node)}
    for whole in list(reads.values()):
        part = whole.value
        while isinstance(part, ast.Subscript):
            reads.pop(id(part), None)
            part = part.value
    for node in file.nodes:
        for kind in filter(None, (getattr(node, "annotation", None), getattr(node, "returns", None))):
            for inner in ast.walk(kind):
                reads.pop(id(inner), None)
    for _, parts in file.functions:
        matches = {name for inner in parts for name in _matches_in(inner)}
        for inner in parts:
            if isinstance(inner, ast.Subscript) and _is_of(inner, matches):
                reads.pop(id(inner), None)
    yield from reads.values()


def _is_by_string(node: ast.Subscript) -> bool:
    is_named = isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
    return is_named and isinstance(node.ctx, ast.Load) and not _is_of(node, _OF_TYPES)


def _is_of(node: ast.Subscript, names: set[str]) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in names


def _matches_in(part: ast.AST) -> Iterator[str]:
    """The names that a part of a function gives to matches of regular expressions."""
    if isinstance(part, ast.arg) and part.annotation is not None and "Match[" in ast.unparse(part.annotation):
        yield part.arg
    targets = getattr(part, "targets", None) or [getattr(part, "target", None)]
    given = getattr(part, "iter", None) or getattr(part, "value", None)
    if isinstance(given, ast.expr) and any(_gives_a_match(call) for call in ast.walk(given)):
        yield from (name.id for name in targets if isinstance(name, ast.Name))


def _gives_a_match(call: ast.AST) -> bool:
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _GIVES_MATCHES


def read_ceilings() -> dict[str, float]:
    """What each number may be at most."""
    ceilings: dict[str, float] = tomllib.loads(NUMBERS.read_text("utf-8"))["at_most"]
    return ceilings


def compare(counted: dict[str, float], ceilings: dict[str, float]) -> tuple[list[str], list[str]]:
    """What is above its ceiling, and what is more than a little below it. A number without a ceiling is above it."""
    worse, better = [], []
    for name, value in counted.items():
        ceiling = ceilings.get(name, -1)
        if value > ceiling:
            worse.append(f"{name} is {_told(value)}, at most {_told(ceiling)}")
        elif ceiling - value > max(1, ceiling * LITTLE):
            better.append(f"{name} is {_told(value)}, at most {_told(ceiling)}")
    return worse, better


def lowered(text: str, counted: dict[str, float]) -> str:
    """The list of ceilings with each one that is above what was counted brought down to it; its comments stay."""

    def lower(line: re.Match[str]) -> str:
        count = counted.get(line["name"], float("inf"))
        return line[0] if count >= float(line["ceiling"]) else f"{line['name']} = {_told(count)}"

    return re.sub(r"(?m)^(?P<name>\w+) = (?P<ceiling>[\d.]+)$", lower, text)


def _told(number: float) -> str:
    return str(round(number, 1)).removesuffix(".0")


def complexities(files: Iterable[Source]) -> Iterator[tuple[str, int]]:
    """Each function with one more than its branches, conditional expressions, comprehensions and operators."""
    for file in files:
        for name, parts in file.functions:
            yield f"{file.name}:{name}", 1 + sum(map(_branches, parts))


def _branches(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    one = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.Assert, ast.match_case)
    return int(isinstance(node, one))


def _functions_with_imports(files: Iterable[Source]) -> int:
    functions = (parts for file in files for _, parts in file.functions)
    return sum(any(isinstance(part, (ast.Import, ast.ImportFrom)) for part in parts) for parts in functions)


def _stilted_words(files: Iterable[Source]) -> float:
    """Of a thousand words of docstrings, how many are of those that plain English does without."""
    words = [
        word.lower()
        for file in files
        for node in file.nodes
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        for word in re.findall(r"[A-Za-z’']+", ast.get_docstring(node) or "")
    ]
    return round(1000 * sum(word in _STILTED for word in words) / max(1, len(words)), 1)


# --------------------------------------------------------------------------------------------- places that are alike


def _its_string(found: re.Match[str]) -> str:
    return found["string"] or ""


@cache
def alike(line: str) -> str:
    """A line of code without its names and values."""
    bare = _NUMBER.sub("v", _STRING.sub("v", line))
    return _NAME.sub(lambda name: name[0] if name[0] in _KEPT else "n", bare)


def pairs(files: Iterable[Source], reading: Callable[[str], str]) -> list[tuple[str, str, int]]:
    """Each two places that share six lines or more as `reading` reads them, and how many lines these are."""
    texts = {file.name: [(n, reading(line)) for n, line in file.code_lines] for file in files}
    windows: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for name, lines in texts.items():
        said = [line for _, line in lines]
        for start in range(len(lines) - SHARED_LINES + 1):
            windows[tuple(said[start : start + SHARED_LINES])].append((name, start))
    telling = (places for window, places in windows.items() if len(places) > 1 and len({*window}) >= DIFFERENT_LINES)
    starts = {pair for places in telling for pair in combinations(places, 2) if not _overlap(*pair)}
    found = []
    for (one, at), (other, there) in sorted(starts):
        if ((one, at - 1), (other, there - 1)) not in starts:
            shared = SHARED_LINES
            while ((one, at + shared - SHARED_LINES + 1), (other, there + shared - SHARED_LINES + 1)) in starts:
                shared += 1
            found.append((f"{one}:{texts[one][at][0]}", f"{other}:{texts[other][there][0]}", shared))
    return found


def _overlap(one: tuple[str, int], other: tuple[str, int]) -> bool:
    return one[0] == other[0] and abs(one[1] - other[1]) < SHARED_LINES


def _print_places(number: str, files: Sequence[Source]) -> None:
    if number == "complexity":
        for name, cost in sorted(complexities(files), key=lambda one: -one[1]):
            if cost > COMPLEX:
                print(f"{cost:>4} {name}")
        return
    if number == "strings":
        for file in files:
            for read in by_string(file):
                print(f"{file.name}:{read.lineno} {ast.unparse(read)}")
        return
    for one, other, shared in sorted(pairs(files, READINGS[number]), key=lambda pair: -pair[2]):
        print(f"{shared:>4} {one} {other}")


READINGS: dict[str, Callable[[str], str]] = {"alike": alike, "equal": str.strip}

if __name__ == "__main__":
    sys.exit(main())
