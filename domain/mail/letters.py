"""Letters: a template and its facts become a subject, a text and a page of the same words.

One source a language: `NAME.fr.txt` and `NAME.en.txt`, whose first line is `Subject: …` and whose rest is plain
paragraphs, `# headings` and `- lists`. The HTML alternative is made from the same text, so the two cannot differ.

A letter leaves the walls of the program. So its facts are declared titles, staff names, roles, days and counts. They
are never a participant's identity, and never what a person typed freely (a reason, a note). The letter says where that
can be read, and the page there asks who is reading.

A subject is read on a locked telephone, over a shoulder and by every server on the way. So it holds no reference or
number, even where its facts do: the body does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, meta, pass_context
from jinja2.runtime import Context

from domain.kernel import Language
from locales import show_day, typeset
from models.participant import CANDIDATE_REF, NUMBER

#: The letters that any protocol may write. A protocol's own stand in its own folder.
COMMON = Path(__file__).parent / "letter_templates"

#: A fact longer than this is cut with an ellipsis: its place is a page, not a letter.
LONGEST_FACT = 500
LONGEST_SUBJECT = 180

_TEMPLATE = re.compile(r"[a-z][a-z0-9_]{0,60}")
_BASE_URL = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?(/[a-z0-9-]+)*")
# The segments of a path: our own words, and ids that tell nothing. No number, no query, no upper case; but for a door
# and an answer, whose token is the point of its letter, and for which version of an agreement is meant.
_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SEGMENT = rf"[a-z]+(-[a-z]+)*|{_ID}"
_VERSION = rf"/program/agreements/{_ID}\?n=[1-9][0-9]{{0,3}}"
_PATH = re.compile(rf"/|/(door|answer)/[A-Za-z0-9_-]{{43}}|{_VERSION}|(/({_SEGMENT}))+")

# Marks around what the facts put into a text, so that a fact is never read as a heading, a list or a link. They are
# private-use characters, which `_plain` takes out of every fact.
_FACT, _FACT_END, _LINK, _LINK_TO, _LINK_END = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
#: The full stop behind a fact that ends with one, as an hour before noon does in English: "9:30 a.m.".
_STOPS = re.compile(rf"(?<=\.){_FACT_END}\.(?!\.)")
_LINK_FOUND = re.compile(f"{_LINK}([^{_LINK_TO}]*){_LINK_TO}([^{_LINK_END}]*){_LINK_END}")
_FACT_MARKS = str.maketrans("", "", _FACT + _FACT_END)

_JOINERS = "\u200c\u200d"  # inside emoji and some scripts; all other invisible format characters go
_NO_BREAK_SPACES = "\u00a0\u202f"

#: How a participant is called: their number, or the reference of a candidate.
_CALLED = re.compile(rf"{NUMBER.strip('^$')}|\b{CANDIDATE_REF.strip('^$')}\b")
#: What a subject must not hold: these, and any word of five figures or more, such as a decision's or a serial number.
_DESIGNATES = re.compile(rf"{_CALLED.pattern}|[^\s«»“”()]*(?:\d[^\s\d«»“”()]*){{5,}}")
_LEFT_OUT = "…"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter in one language, ready to be put in its envelope by `domain.mail.envelopes.mime`.

    `calls` are the numbers and references of participants that its subject leaves out.
    """

    subject: str
    text: str
    html: str
    calls: tuple[str, ...] = ()


class Letters:
    """The letters of some folders; the first folder that has a template wins.

    The folders and their templates are part of the program as installed; no page changes them.
    """

    def __init__(self, folders: Sequence[Path] = (COMMON,)) -> None:
        self._folders = tuple(folders)
        # Autoescape stays off because a template makes plain text; `_page` escapes everything when it makes HTML.
        self._environment = Environment(  # noqa: S701
            loader=FileSystemLoader(self._folders),
            undefined=StrictUndefined,
            finalize=_finalized,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(link=_link, count=_count)
        self._environment.filters["day"] = _day

    def names(self) -> list[str]:
        """The templates there are, in order; those that begin with an underscore are parts of others."""
        files = (file for folder in self._folders for file in folder.glob("[a-z]*.fr.txt"))
        return sorted({file.name.removesuffix(".fr.txt") for file in files})

    def facts_of(self, template: str, language: Language) -> set[str]:
        """The names of the facts that `template` uses, in the parts that it includes as well."""
        found: set[str] = set()
        waiting = [_file(template, language)]
        while waiting:
            source = self._source(waiting.pop())
            parsed = self._environment.parse(source)
            found |= meta.find_undeclared_variables(parsed)
            if "link(" in source:
                found.add("base_url")
            waiting += [part for part in meta.find_referenced_templates(parsed) if part]
        return found - set(self._environment.globals) - {"language"}

    def render(self, template: str, *, language: Language, facts: Mapping[str, object]) -> Letter:
        """The letter `template` in `language`.

        A fact is a text, a number, or a date shown by the filter `day`; lists of mappings for repeated lines. Always
        among them: `name` (the person greeted), `program` (its title) and `base_url`, under which every link of
        the letter stands. Links go to our own pages, by opaque ids.
        Raises jinja2.TemplateNotFound, jinja2.UndefinedError where a fact is missing, TypeError where a
        fact is of another kind, and ValueError where a link is not one of ours.
        """
        parsed = self._environment.get_template(_file(template, language))
        marked = _typeset(language, parsed.render({**facts, "language": language}))
        first, _, body = marked.strip().partition("\n")
        if not first.startswith("Subject: "):
            msg = f"{template}: the first line of a letter is its subject"
            raise ValueError(msg)
        whole = _plain(_words(first.removeprefix("Subject: ")))
        subject = _cut(without_numbers(whole), LONGEST_SUBJECT)
        blocks = list(_blocks(body))
        return Letter(subject, _text(blocks), _page(blocks, subject, language), tuple(called_in(whole)))

    def _source(self, file: str) -> str:
        loader = self._environment.loader
        assert loader is not None  # noqa: S101  # given in __init__
        source, _, _ = loader.get_source(self._environment, file)
        return source


def called_in(text: str) -> list[str]:
    """The numbers and references of participants that a text holds, each once, in order."""
    return sorted(set(_CALLED.findall(text)))


def without_numbers(text: str) -> str:
    """`text` with an ellipsis in place of every number or reference that names a participant or candidate."""
    return _DESIGNATES.sub(_LEFT_OUT, text)


def _file(template: str, language: Language) -> str:
    if not _TEMPLATE.fullmatch(template):
        msg = "a template's name is one word"
        raise ValueError(msg)
    return f"{template}.{language}.txt"


class _Marked(str):
    """Text that a function of ours made, marks included, which `_finalized` leaves alone."""

    __slots__ = ()


def _finalized(value: object) -> str:
    """What stands between {{ and }}, cleaned and marked as a fact. A date needs its filter, None its `if`."""
    if isinstance(value, _Marked):
        return value
    if isinstance(value, StrictUndefined):
        return str(value)  # raises UndefinedError with the name of the fact
    if isinstance(value, bool) or not isinstance(value, str | int):
        msg = "a fact is shown as a text or a number"
        raise TypeError(msg)
    return f"{_FACT}{_shown(str(value))}{_FACT_END}"


def _shown(value: str) -> str:
    """`value` as a letter shows it. What is far too long is cut before it is looked at."""
    return _cut(_plain(value[: 4 * LONGEST_FACT]), LONGEST_FACT)


def _plain(value: str) -> str:
    """`value` on one line, without control, invisible, private or unpaired characters."""
    kept = []
    for character in unicodedata.normalize("NFC", value):
        if character in _NO_BREAK_SPACES or character in _JOINERS:
            kept.append(character)
        elif character.isspace():
            kept.append(" ")
        elif unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs"):
            kept.append(character)
    return re.sub(" +", " ", "".join(kept)).strip()


def _cut(value: str, longest: int) -> str:
    return value if len(value) <= longest else value[: longest - 1].rstrip() + "…"


@pass_context
def _link(context: Context, label: str, path: str) -> _Marked:
    """A link to one of our own pages. Raises ValueError for any other address."""
    base = str(context["base_url"]).removesuffix("/")
    if not (_BASE_URL.fullmatch(base) and _PATH.fullmatch(path)):
        msg = "a letter links only to the program's own pages, by opaque ids"
        raise ValueError(msg)
    return _Marked(f"{_LINK}{_shown(label)}{_LINK_TO}{base}{path}{_LINK_END}")


@pass_context
def _count(context: Context, n: int, one: str, many: str) -> str:
    """A number and its noun: "3 tasks". French counts 0 as one, English as many."""
    french = context["language"] == "fr"
    noun = one if n == 1 or (n == 0 and french) else many
    return f"{n}\N{NO-BREAK SPACE}{noun}" if french else f"{n} {noun}"


@pass_context
def _day(context: Context, day: date) -> str:
    """A local day in the letter's language, such as "3 mars 2027"."""
    return show_day(context["language"], day)


def _typeset(language: Language, text: str) -> str:
    return typeset(language, _STOPS.sub(_FACT_END, text))


@dataclass(frozen=True, slots=True)
class _Block:
    kind: Literal["heading", "paragraph", "list"]
    lines: list[str]


def _blocks(body: str) -> Iterator[_Block]:
    """The paragraphs, headings and lists of a marked text. A wrapped line continues the one before it."""
    for chunk in re.split(r"\n[ \t]*\n", body):
        blocks: list[_Block] = []
        for line in filter(str.strip, chunk.splitlines()):
            if line.startswith("# "):
                blocks.append(_Block("heading", [line[2:].strip()]))
            elif line.startswith("- "):
                if not blocks or blocks[-1].kind != "list":
                    blocks.append(_Block("list", []))
                blocks[-1].lines.append(line[2:].strip())
            elif blocks and (blocks[-1].kind == "paragraph" or line.startswith("  ")):
                blocks[-1].lines[-1] += " " + line.strip()
            else:
                blocks.append(_Block("paragraph", [line.strip()]))
        yield from blocks


def _text(blocks: Sequence[_Block]) -> str:
    return "\n\n".join(_TEXT[block.kind](block.lines) for block in blocks) + "\n"


def _text_line(line: str, indent: str = "") -> str:
    """The words, then each address on a line of its own, where every mail reader finds it."""
    return "\n".join([_words(line), *(indent + found[2] for found in _LINK_FOUND.finditer(line))])


def _text_heading(lines: list[str]) -> str:
    words = _words(lines[0])
    return f"{words}\n{'-' * len(words)}"


_TEXT: Mapping[str, Callable[[list[str]], str]] = {
    "heading": _text_heading,
    "paragraph": lambda lines: _text_line(lines[0]),
    "list": lambda lines: "\n".join(f"- {_text_line(line, '  ')}" for line in lines),
}


def _words(marked: str) -> str:
    """A marked line as a reader sees it: links by their label, marks gone."""
    return _LINK_FOUND.sub(r"\1", marked).translate(_FACT_MARKS)


_PAGE = """\
<!doctype html>
<html lang="{language}-CA">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{subject}</title></head>
<body style="font-family: system-ui, 'Segoe UI', Arial, sans-serif; font-size: 16px; line-height: 1.5;">
<div style="max-width: 36em;">
{body}
</div>
</body>
</html>
"""


def _page(blocks: Sequence[_Block], subject: str, language: Language) -> str:
    body = "\n".join(_HTML[block.kind](block.lines) for block in blocks)
    return _PAGE.format(language=language, subject=escape(subject), body=body)


def _html_line(line: str) -> str:
    """One line with everything escaped but the links that the template asked for."""
    done, at = [], 0
    for found in _LINK_FOUND.finditer(line):
        done.append(escape(_words(line[at : found.start()])))
        done.append(f'<a href="{escape(found[2])}">{escape(found[1].translate(_FACT_MARKS))}</a>')
        at = found.end()
    return "".join([*done, escape(_words(line[at:]))])


_HTML: Mapping[str, Callable[[list[str]], str]] = {
    "heading": lambda lines: f'<h2 style="font-size: 1.1em;">{_html_line(lines[0])}</h2>',
    "paragraph": lambda lines: f"<p>{_html_line(lines[0])}</p>",
    "list": lambda lines: "<ul>\n" + "\n".join(f"<li>{_html_line(line)}</li>" for line in lines) + "\n</ul>",
}
