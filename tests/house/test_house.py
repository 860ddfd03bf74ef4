"""How the numbers of the house are counted, and when one is too high."""

from __future__ import annotations

import ast
import tomllib

import pytest

from bench import house
from bench.house import Source

PLACE = """
def {verb}(session, row):
    {row} = find(session, row, "{verb}")
    if {row} is None:
        raise NotFound("{verb}")
    {row}.state = 1
    return {row}
"""


def source(name: str, text: str) -> Source:
    return Source(house.ROOT / name, text, ast.parse(text))


def test_two_places_that_differ_in_names_and_values_alone_are_a_pair() -> None:
    one, other = (
        source("a.py", PLACE.format(verb="give", row="given")),
        source("b.py", PLACE.format(verb="take", row="t")),
    )
    assert house.pairs([one, other], house.alike) == [("a.py:2", "b.py:2", 6)]
    assert house.pairs([one, other], house.READINGS["equal"]) == []


def test_a_place_that_was_copied_is_a_pair_to_the_letter_once_however_long_it_is() -> None:
    text = PLACE.format(verb="give", row="given") + "\n\nX = 1\nY = [2]\nZ = (3,)\n"
    assert house.pairs([source("a.py", text), source("b.py", text)], house.READINGS["equal"]) == [
        ("a.py:2", "b.py:2", 9)
    ]


@pytest.mark.parametrize("changed", ["    {row} == find", "    {row}[0] = find", "    {row} = find.it"])
def test_another_operator_is_another_line(changed: str) -> None:
    other = PLACE.replace("    {row} = find", changed)
    files = [source("a.py", PLACE.format(verb="a", row="b")), source("b.py", other.format(verb="a", row="b"))]
    assert house.pairs(files, house.alike) == []


def test_imports_words_and_rows_of_a_table_make_no_pair() -> None:
    table = "X = {\n" + "".join(f'    "{n}": {n},\n' for n in range(20)) + "}\n"
    words = '"""One.\n\nTwo.\nThree.\nFour.\nFive.\nSix.\n"""\nimport a\nimport b.c\nfrom d import e\n# f\n# g\n# h\n'
    assert house.pairs([source("a.py", words + table), source("b.py", words + table)], house.alike) == []


def test_complexity_counts_each_way_that_a_function_may_take() -> None:
    text = "def f(x):\n    if x and y or z:\n        return [a for a in x if a]\n    return 1 if x else 2\n"
    assert list(house.complexities([source("a.py", text)])) == [("a.py:f", 1 + 1 + 2 + 2 + 1)]


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("return row['due_on'] or facts[\"state\"]", 2),
        ("return f'{row[\"due_on\"]}'", 1),
        ("return facts['day']['start'], facts['gates'][name]['steps']", 2),
        ("facts['day'] = 1; del facts['state']", 0),
        ("kind: Literal['a', 'b'] = find('c'); return cast(Literal['d'], kind)", 0),
        ("found = _DAY.fullmatch(text) if text else None; return found['year']", 0),
        ("return [one['name'] for one in _NAMES.finditer(text)]", 0),
        ("return (found := _DAY.match(text)) and found['year'], other['year']", 1),
    ],
)
def test_a_reading_by_a_string_is_of_a_value_and_of_no_type_nor_of_a_match(line: str, read: int) -> None:
    text = "def f(text: str, whole: Literal['a']) -> Literal['b']:\n    " + line + "\n"
    assert len(list(house.by_string(source("a.py", text)))) == read


def test_a_number_above_its_ceiling_is_worse_and_one_far_below_it_is_to_be_lowered() -> None:
    ceilings = {"lines": 1000.0, "pairs": 100.0, "commits": 60.0}
    assert house.compare({"lines": 1001, "pairs": 99, "commits": 58}, ceilings) == (
        ["lines is 1001, at most 1000"],
        ["commits is 58, at most 60"],
    )
    assert house.compare({"new": 0}, ceilings)[0] == ["new is 0, at most -1"], "each number has a ceiling"


def test_lowering_brings_ceilings_down_and_never_up_and_keeps_the_words() -> None:
    text = "# Why.\n[at_most]\nlines = 1000\nwords = 12.2\n# Places.\npairs = 10\n"
    assert house.lowered(text, {"lines": 100000, "words": 1.5, "pairs": 7}) == (
        "# Why.\n[at_most]\nlines = 1000\nwords = 1.5\n# Places.\npairs = 7\n"
    )


def test_every_ceiling_is_of_a_number_that_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "pairs", lambda *_: [])
    assert set(house.numbers([source("run.py", "def f(): ...\n")])) == set(house.read_ceilings())


def test_every_folder_of_the_product_is_counted() -> None:
    project = tomllib.loads((house.ROOT / "pyproject.toml").read_text("utf-8"))
    assert set(house.PRODUCT) == set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
