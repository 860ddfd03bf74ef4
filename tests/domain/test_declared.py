"""Declared files: each mistake is told at its file, line and path, and nothing is guessed."""

from datetime import date, time
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from domain.declared.problems import DeclaredErrors, FileProblem, Wrong, nearest
from domain.declared.reading import Bilingual, Declared, GrammarPart, GuideId, Key, load_declared, load_declared_text


class Due(GrammarPart):
    days: int = Field(ge=0)
    after: Key | None = None


class Nobody(GrammarPart):
    by: Key


class Line(GrammarPart):
    id: Key
    title: Bilingual
    due: Due | None = None
    source: tuple[GuideId, ...] = ()
    waive: Literal["never"] | Nobody = "never"


class Page(GrammarPart):
    version: int
    first: date | None = None
    at: time | None = None
    optional: bool = False
    steps: tuple[Line, ...] = ()
    dues: dict[Key, Due] = Field(default_factory=dict)


GOOD = """\
version: 3
first: 2026-12-07
at: 13:30
steps:
  - id: sign
    title: {fr: no, en: yes}
    due: &soon {days: 2, after: arrival}
    source: [ON-D03]
  - id: greet
    title:
      fr: >
        Une ligne,
        puis une autre
      en: " One line "
    due: *soon
"""


def problems(text: str) -> list[FileProblem]:
    with pytest.raises(DeclaredErrors) as raised:
        load_declared_text(text, "page.yaml", Page)
    return raised.value.problems


def test_a_good_file_is_read_whole_and_every_part_has_its_line() -> None:
    declared = load_declared_text(GOOD, "page.yaml", Page)
    page = declared.value
    assert page.first == date(2026, 12, 7)
    assert page.at == time(13, 30)
    assert page.steps[0].due == page.steps[1].due
    assert page.steps[1].title == Bilingual(fr="Une ligne, puis une autre", en="One line")
    assert declared.line_of(("steps", 1, "title", "fr")) == 11
    assert declared.line_of(("steps", 1, "due")) == 15
    assert declared.line_of(("steps", 0, "waive", "by")) == 5, "what is not written is where it would stand"
    assert declared.line_of(()) == 1


def test_words_that_old_yaml_takes_for_something_else_stay_the_words_they_are() -> None:
    title = load_declared_text(GOOD, "page.yaml", Page).value.steps[0].title
    assert (title.fr, title.en) == ("no", "yes")


def test_the_digest_does_not_depend_on_the_line_ends_of_a_checkout(tmp_path: Path) -> None:
    unix, windows = tmp_path / "unix.yaml", tmp_path / "windows.yaml"
    unix.write_bytes(GOOD.encode())
    windows.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    read: list[Declared[Page]] = [load_declared(path, Page) for path in (unix, windows)]
    assert read[0].digest == read[1].digest
    assert read[0].text == read[1].text == GOOD
    assert load_declared_text(GOOD + "\n", "page.yaml", Page).digest != read[0].digest


WRONG = [
    ("version: 1\nstepz: []\n", 2, "stepz", "“stepz” has no meaning here. Did you mean “steps”?"),
    ("version: 1\nversion: 2\n", 2, "version", "stands here a second time; it is also at line 1"),
    ("steps: []\n", 1, "version", "“version” is missing"),
    ('version: "1"\n', 1, "version", "A whole number"),
    ("version: true\n", 1, "version", "A whole number"),
    ("version: 1.0\n", 1, "version", "A whole number"),
    ("version: 010\n", 1, "version", "A whole number"),
    ("version: 1\nfirst: 2026-02-30\n", 2, "first", "A day"),
    ("version: 1\nfirst: 20261207\n", 2, "first", "A day"),
    ("version: 1\nat: 25:00\n", 2, "at", "A time of day"),
    ("version: 1\noptional: no\n", 2, "optional", "true or false"),
    ("version: 1\nsteps: {id: a}\n", 2, "steps", "A list"),
    ("version: 1\nsteps: [a]\n", 2, "steps[0]", "Named values"),
    ("version: 1\nsteps:\n- id: a\n  title: {fr: x}\n", 4, "steps[0].title.en", "“en” is missing"),
    ("version: 1\nsteps:\n- id: a\n  title: {fr: '  ', en: x}\n", 4, "steps[0].title.fr", "empty"),
    ("version: 1\nsteps:\n- id: a\n  title: {fr: 12, en: x}\n", 4, "steps[0].title.fr", "put it in quotes"),
    ("version: 1\nsteps:\n- id: A\n  title: {fr: x, en: x}\n", 3, "steps[0].id", "A short name"),
    ("version: 1\ndues: {x: {days: -1}}\n", 2, "dues.x.days", "at least 0"),
    ("version: 1\ndues:\n  x: {days: 1, aftr: y}\n", 3, "dues.x.aftr", "Did you mean “after”?"),
    ("version: 1\ndues: {1 y: {days: 1}}\n", 2, "dues.1 y", "A short name"),
    ("version: 1\n<<: {steps: []}\n", 2, "<<", "has no meaning here"),
    ("version: 1\nfirst: !!timestamp 2026-12-07\n", 2, "first", "Tags"),
    ("version: !!python/object/apply:os.getcwd []\n", 1, "version", "Tags"),
    ("? [version]\n: 1\n", 1, "", "A key must be a single word"),
    ("version: 1\n---\nversion: 2\n", 2, "", "cannot be read as YAML"),
    ("version: [1\n", 2, "", "cannot be read as YAML"),
    ("", 1, "", "empty"),
    ("- 1\n", 1, "", "Named values"),
    ('version: 1\nsteps: ["a\\u0007b"]\n', 2, "steps[0]", "cannot be printed"),
    ('version: 1\nsteps: ["a\\u202eb"]\n', 2, "steps[0]", "cannot be printed"),
]


@pytest.mark.parametrize(("text", "line", "path", "sentence"), WRONG)
def test_a_wrong_file_is_told_at_its_line_and_path(text: str, line: int, path: str, sentence: str) -> None:
    (problem,) = problems(text)
    assert (problem.file, problem.line, problem.path) == ("page.yaml", line, path)
    assert sentence in problem.in_language("en")
    assert str(problem).startswith(f"page.yaml:{line}: {path}")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines() -> None:
    text = "first: soon\nversion: x\nsteps:\n- id: a\n  title: {fr: x}\n  source: [ON-D03, ON-D99]\n"
    found = problems(text)
    assert [(p.line, p.path) for p in found] == [
        (1, "first"),
        (2, "version"),
        (5, "steps[0].title.en"),
        (6, "steps[0].source[1]"),
    ]
    with pytest.raises(DeclaredErrors) as raised:
        load_declared_text(text, "page.yaml", Page)
    assert str(raised.value).splitlines() == [str(problem) for problem in found]


def test_a_source_that_the_guide_does_not_have_is_named() -> None:
    (problem,) = problems("version: 1\nsteps:\n- {id: a, title: {fr: x, en: x}, source: [ON-P99]}\n")
    assert problem.facts["id"] == "ON-P99"


def test_of_several_forms_the_one_that_was_meant_complains() -> None:
    start = "version: 1\nsteps:\n- id: a\n  title: {fr: x, en: x}\n  waive: "
    (misspelt,) = problems(start + "nevr\n")
    assert misspelt.sentence == "One of these is expected here: %(expected)s."
    keys = problems(start + "{bye: coordinator}\n")
    assert {(p.path, p.facts.get("nearest")) for p in keys} == {
        ("steps[0].waive.by", None),
        ("steps[0].waive.bye", "by"),
    }


def test_aliases_that_multiply_are_stopped_and_told_once() -> None:
    ten = ", ".join(["*{0}"] * 10)
    layers = ["a0: &a0 [1]"] + [f"a{n}: &a{n} [{ten.format(f'a{n - 1}')}]" for n in range(1, 9)]
    found = problems("version: 1\n" + "\n".join(layers) + "\n")
    assert [p.sentence for p in found] == ["This file holds too much: too many values, or parts within parts."]


def test_an_alias_to_what_it_stands_in_is_stopped() -> None:
    (problem,) = problems("version: 1\nsteps: &x [*x]\n")
    assert problem.line == 2


@pytest.mark.parametrize("nested", ["[" * 500 + "]" * 500, "[" * 200_000, "- " * 100_000 + "a"])
def test_parts_within_parts_without_end_are_refused_and_do_not_break_the_reader(nested: str) -> None:
    assert len(problems(nested)) == 1


def test_a_file_that_is_too_large_is_not_read() -> None:
    (problem,) = problems("version: 1 # " + "x" * 1_000_000)
    assert problem.sentence == "This file is too large."


def test_a_file_that_is_absent_or_no_text_is_told_as_a_problem_too(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("version: 1\nfirst: été\n".encode("latin-1"))
    for path, line, sentence in (
        (tmp_path / "absent.yaml", 1, "This file cannot be opened."),
        (tmp_path, 1, "This file cannot be opened."),
        (latin, 2, "This file is not UTF-8 text."),
    ):
        with pytest.raises(DeclaredErrors) as raised:
            load_declared(path, Page)
        (problem,) = raised.value.problems
        assert (problem.line, problem.sentence) == (line, sentence)


def test_a_rejected_value_is_not_repeated_unless_it_is_a_plain_name() -> None:
    (problem,) = problems("version: 1\n'<script>alert(1)</script>': 1\n")
    assert problem.in_language("en") == "“…” has no meaning here."


def test_what_was_declared_cannot_be_changed() -> None:
    page = load_declared_text(GOOD, "page.yaml", Page).value
    with pytest.raises(ValueError, match="frozen"):
        page.version = 4  # type: ignore[misc]


def test_a_language_that_is_not_spoken_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="fr and en"):
        Bilingual(fr="a", en="b").in_language("fr_CA")


def test_a_validator_says_where_below_its_value_the_mistake_is() -> None:
    class Pair(GrammarPart):
        fewest: int
        most: int

        def model_post_init(self, _context: object) -> None:
            if self.most < self.fewest:
                sentence = "The most is less than the fewest (%(fewest)d)."
                raise Wrong(sentence, at=("most",), fewest=self.fewest)

    with pytest.raises(DeclaredErrors) as raised:
        load_declared_text("fewest: 3\nmost: 2\n", "pair.yaml", Pair)
    assert str(raised.value) == "pair.yaml:2: most: The most is less than the fewest (3)."


@given(typo=st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20), line=st.integers(0, 3))
def test_any_key_that_is_not_known_is_refused_at_its_line(typo: str, line: int) -> None:
    known = {"id", "title", "due", "source", "waive"}
    if typo in known:
        typo += "_x"
    keys = ["id: a", "title: {fr: x, en: x}", "due: {days: 1}"]
    keys.insert(line, f"{typo}: 1")
    (problem,) = problems("version: 1\nsteps:\n- " + "\n  ".join(keys) + "\n")
    assert (problem.line, problem.path) == (3 + line, f"steps[0].{typo}")
    assert problem.facts.get("nearest", "") == nearest(typo, sorted(known))


@pytest.mark.ci
@given(st.text(max_size=200))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    with pytest.raises(DeclaredErrors) as raised:
        load_declared_text(text + "\nstray: 1", "page.yaml", Page)
    assert all(str(problem).startswith("page.yaml:") for problem in raised.value.problems)
