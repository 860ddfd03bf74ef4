"""The pages of the project lead where they say: every link to a file, and every path that is named as code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bench import house
from bench.house import ROOT

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md")
    for path in ROOT.glob(pattern)
    # Printed from the sources, which have tests of their own.
    if path.name not in {"protocols.md", "lifecycles.md"}
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*\.(?:py|yaml|toml|md|txt|html|sql))(?:: \w+)?`")
#: A decision tells of the day on which it was taken; all other pages tell of today.
OF_TODAY = [page for page in PAGES if "adr" not in page.parts]


def links(text: str) -> list[str]:
    """Where a page's links lead, outside its blocks of code."""
    return _LINK.findall(re.sub(r"(?ms)^```.*?^```", "", text))


def anchors(page: Path) -> set[str]:
    """The headings of a page, as addresses name them."""
    heads = re.findall(r"(?m)^#+ (.+)$", page.read_text("utf-8"))
    return {re.sub(r"[^\w\s-]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_what_is_there(page: Path) -> None:
    lost = []
    for link in links(page.read_text("utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", OF_TODAY, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    named = [path for path in _PATH.findall(page.read_text("utf-8")) if (ROOT / path.split("/")[0]).is_dir()]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_page_of_docs_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        if page.is_dir():
            waiting += page.glob("*.md")
        elif page.suffix == ".md":
            for link in links(page.read_text("utf-8")):
                target = (page.parent / link.partition("#")[0]).resolve()
                if "://" not in link and target.exists():
                    waiting.append(target)
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []


def test_every_name_of_the_code_in_the_glossary_is_there() -> None:
    text = "\n".join(source.text for source in house.sources())
    said = [line.split(" | ")[2] for line in (ROOT / "docs/glossary.md").read_text("utf-8").splitlines() if "`" in line]
    names = {name.split(".")[-1] for column in said for name in re.findall(r"`([\w.]+)`", column)}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", text)] == []


#: What is quoted and is no word of a page: an example of what people type.
NO_WORD_OF_A_PAGE = {"Jessica's phone"}


def test_every_word_of_a_page_that_the_guide_quotes_is_on_a_page() -> None:
    with (ROOT / "locales" / "fr" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file)
    said = {part for message in catalogue for text in (message.id, message.string) for part in _forms(text)}
    quoted = {
        (page.name, words)
        for page in (ROOT / "docs" / "guide").glob("*.md")
        for words in re.findall(r'"([A-ZÉÀ][^"]*)"', page.read_text("utf-8"))
    }
    assert {(page, words) for page, words in quoted if words not in said | NO_WORD_OF_A_PAGE} == set()


def _forms(text: str | Sequence[str] | None) -> Sequence[str]:
    """A message of the catalogue in each of its numbers."""
    return (text,) if isinstance(text, str) else tuple(text or ())
