"""What differs between two versions of an agreement, line by line, as people read it.

A line keeps both languages where its words are those of the agreement; the page or the answer makes a sentence of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from domain.agreements.version_text import Columns, Content
from domain.endorsement import majority_of

How = Literal["added", "left_out", "changed"]
Part = Literal["role", "obligation", "resource", "clause", "sharing", "notice", "endorsement", "oversight", "decisions"]

#: What of a role may change, by the word that a reader gets for it.
_OF_ROLE: Final = {"headcount": "headcount", "hours_a_week": "hours"}
#: The parts of an obligation that may change, by the reader's word for each.
_OF_OBLIGATION: Final = {
    "text_fr": "words",
    "text_en": "words",
    "owed_by": "owner",
    "period": "period",
    "check_kind": "check",
    "rule": "rule",
    "sources": "sources",
}


@dataclass(frozen=True)
class VersionChange:
    """One thing that changed. `key` is a role or a clause's number; `words` its text, by language, where there is one.

    `aspects` tell what of it changed: words, owner, period, check, rule, sources, headcount, hours. `before` and
    `after` are figures, where these say it.
    """

    part: Part
    how: How
    key: str
    words: Mapping[str, str] | None = None
    aspects: tuple[str, ...] = ()
    before: int | None = None
    after: int | None = None


def difference(old: Content, new: Content) -> tuple[VersionChange, ...]:
    """How `new` differs from `old`: notice, roles, duties, resources, clauses, sharing, judges, majority."""
    return tuple(_lines(old, new))


def _lines(old: Content, new: Content) -> Iterator[VersionChange]:
    if old.notice_days != new.notice_days:
        yield VersionChange("notice", "changed", "", before=old.notice_days, after=new.notice_days)
    yield from _parts("role", old.roles, new.roles, _OF_ROLE)
    yield from _parts("obligation", old.obligations, new.obligations, _OF_OBLIGATION)
    for part, read in _LISTED.items():
        yield from _listed(part, read(old), read(new))
    for part, name, aspect in _NAMED:
        yield from _named(part, old.terms.get(name) or {}, new.terms.get(name) or {}, aspect)
    enough, enough_now = (majority_of(one.terms) or None for one in (old, new))
    yield from _one("decisions", enough_now or enough or "", enough, enough_now, None, "majority")


def _listed(part: Part, old: Mapping[str, Columns], new: Mapping[str, Columns]) -> Iterator[VersionChange]:
    """What differs among named things: with the words of the new text, or of the old where it is left out."""
    for key in dict.fromkeys((*old, *new)):
        yield from _one(part, key, old.get(key), new.get(key), _words(new.get(key) or old[key]), "words")


def _named(part: Part, old: Mapping[str, str], new: Mapping[str, str], aspect: str) -> Iterator[VersionChange]:
    """What names a committee or a partner for something."""
    for key in sorted({*old, *new}):
        yield from _one(part, key, old.get(key), new.get(key), None, aspect)


def _parts(
    part: Part, old: Mapping[str, Columns], new: Mapping[str, Columns], aspects: Mapping[str, str]
) -> Iterator[VersionChange]:
    """What is kept in columns, by its key; `aspects` has the word for each column that may change."""
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        changed = {aspects[name] for name in aspects if before and after and before[name] != after[name]}
        in_order = [word for word in dict.fromkeys(aspects.values()) if word in changed]
        yield from _one(part, key, before, after, _texts(after or before or {}), *in_order)


def _one(
    part: Part, key: str, before: object, after: object, words: Mapping[str, str] | None, *aspects: str
) -> Iterator[VersionChange]:
    """The line of one thing, where it came, went or is another; `aspects` tell what of it changed."""
    if before is None and after is not None:
        yield VersionChange(part, "added", key, words)
    elif after is None and before is not None:
        yield VersionChange(part, "left_out", key, words)
    elif aspects and before != after:
        yield VersionChange(part, "changed", key, words, aspects)


def _resources(content: Content) -> dict[str, Columns]:
    """Resources by what they say: they have no name of their own, so a changed one is another."""
    return {f"{one['kind']}: {one['text']['fr']}": one for one in content.terms.get("resources") or ()}


def _clauses(content: Content) -> dict[str, Columns]:
    return {one["key"]: one for one in content.terms.get("clauses") or ()}


def _sharing(content: Content) -> dict[str, Columns]:
    terms = content.terms.get("information_sharing") or {}
    named = {
        f"{part}.{one['key']}": {name: text for name, text in one.items() if name != "key"}
        for part in ("purposes", "information", "bodies")
        for one in terms.get(part, ())
    }
    days = {name: {"fr": terms[name], "en": terms[name]} for name in ("starts_on", "ends_on") if terms.get(name)}
    return named | days | {f"safeguards.{one['fr']}": one for one in terms.get("safeguards", ())}


def _words(said: Columns) -> dict[str, str] | None:
    text = said.get("title") or said.get("text") or said
    return {"fr": text["fr"], "en": text["en"]} if "fr" in text and "en" in text else None


def _texts(columns: Columns) -> dict[str, str] | None:
    return {"fr": columns["text_fr"], "en": columns["text_en"]} if "text_fr" in columns else None


_LISTED: Final[Mapping[Part, Callable[[Content], Mapping[str, Columns]]]] = {
    "resource": _resources,
    "clause": _clauses,
    "sharing": _sharing,
}
#: What names a committee or a partner for something, where it stands in the terms, and the word for its change.
_NAMED: Final[tuple[tuple[Part, str, str], ...]] = (
    ("endorsement", "endorsed_by", "endorsement"),
    ("oversight", "oversight", "oversight"),
)
