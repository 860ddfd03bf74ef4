"""What differs between two versions of an agreement, line by line, as people read it.

A line keeps both languages where its words are those of the agreement; the page or the answer makes a sentence of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from domain.agreements.version_text import Content
from domain.endorsement.partners import majority_of

How = Literal["added", "left_out", "changed"]
Part = Literal["role", "obligation", "resource", "clause", "sharing", "notice", "endorsement", "oversight", "decisions"]

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
class Line:
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


def difference(old: Content, new: Content) -> tuple[Line, ...]:
    """How `new` differs from `old`: notice, roles, duties, resources, clauses, sharing, judges, majority."""
    return tuple(_lines(old, new))


def _lines(old: Content, new: Content) -> Iterator[Line]:
    if old.notice_days != new.notice_days:
        yield Line("notice", "changed", "", before=old.notice_days, after=new.notice_days)
    for key in sorted({*old.roles, *new.roles}):
        before, after = old.roles.get(key), new.roles.get(key)
        aspects = [
            word
            for name, word in (("headcount", "headcount"), ("hours_a_week", "hours"))
            if before and after and _plain(before[name]) != _plain(after[name])
        ]
        yield from _one("role", key, before, after, None, aspects)
    for key in sorted({*old.obligations, *new.obligations}):
        before, after = old.obligations.get(key), new.obligations.get(key)
        said = after or before or {}
        words = {"fr": said["text_fr"], "en": said["text_en"]}
        aspects = list(
            dict.fromkeys(
                word for name, word in _OF_OBLIGATION.items() if before and after and before[name] != after[name]
            )
        )
        yield from _one("obligation", key, before, after, words, aspects)
    yield from _listed("resource", _resources(old), _resources(new))
    yield from _listed("clause", _clauses(old), _clauses(new))
    yield from _listed("sharing", _sharing(old), _sharing(new))
    endorsed, endorses = (one.terms.get("endorsed_by") or {} for one in (old, new))
    for key in sorted({*endorsed, *endorses}):
        changed = ["endorsement"] if endorsed.get(key) != endorses.get(key) else []
        yield from _one("endorsement", key, endorsed.get(key), endorses.get(key), None, changed)
    watched, watches = (one.terms.get("oversight") or {} for one in (old, new))
    for key in sorted({*watched, *watches}):
        changed = ["oversight"] if watched.get(key) != watches.get(key) else []
        yield from _one("oversight", key, watched.get(key), watches.get(key), None, changed)
    enough, enough_now = (majority_of(one.terms) or None for one in (old, new))
    if enough != enough_now:
        yield from _one("decisions", enough_now or enough or "", enough, enough_now, None, ["majority"])


def _one(part: Part, key: str, before: Any, after: Any, words: Any, aspects: list[str]) -> Iterator[Line]:
    if before is None:
        yield Line(part, "added", key, words)
    elif after is None:
        yield Line(part, "left_out", key, words)
    elif aspects:
        yield Line(part, "changed", key, words, tuple(aspects))


def _listed(part: Part, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Line]:
    """What differs among named things: with the words of the new text, or of the old where it is left out."""
    for key in (*old, *(one for one in new if one not in old)):
        before, after = old.get(key), new.get(key)
        aspects = ["words"] if before is not None and after is not None and before != after else []
        yield from _one(part, key, before, after, _words(after or before), aspects)


def _resources(content: Content) -> dict[str, Any]:
    """Resources by what they say: they have no name of their own, so a changed one is another."""
    return {f"{one['kind']}: {one['text']['fr']}": one for one in content.terms.get("resources") or ()}


def _clauses(content: Content) -> dict[str, Any]:
    return {one["key"]: one for one in content.terms.get("clauses") or ()}


def _sharing(content: Content) -> dict[str, Any]:
    terms = content.terms.get("information_sharing") or {}
    named = {
        f"{part}.{one['key']}": {name: text for name, text in one.items() if name != "key"}
        for part in ("purposes", "information", "bodies")
        for one in terms.get(part, ())
    }
    days = {name: {"fr": terms[name], "en": terms[name]} for name in ("starts_on", "ends_on") if terms.get(name)}
    return named | days | {f"safeguards.{one['fr']}": one for one in terms.get("safeguards", ())}


def _words(said: Mapping[str, Any] | None) -> dict[str, str] | None:
    if said is None:
        return None
    text = said.get("title") or said.get("text") or said
    return {"fr": text["fr"], "en": text["en"]} if "fr" in text and "en" in text else None


def _plain(value: Any) -> Any:
    """A number in a form that compares, whatever type the database or a file gives it."""
    return None if value is None else float(value)
