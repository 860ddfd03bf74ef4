"""What differs between two versions of an agreement, line by line, as people read it.

A line keeps both languages where its words are those of the agreement; the page or the answer makes a sentence of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from domain.agreements.version_text import Content, DutyText, RoleText
from models.agreement import AgreementTerms
from models.stored import InBoth

How = Literal["added", "left_out", "changed"]
Part = Literal["role", "obligation", "resource", "clause", "sharing", "notice", "endorsement", "oversight", "decisions"]

#: A part of the terms by its name, with the words that a reader gets for it, and all that it says.
Said = dict[str, tuple[InBoth, object]]

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
        yield from _said(part, read(old.terms), read(new.terms))
    for part, named in _NAMED.items():
        before, after = named(old.terms), named(new.terms)
        for key in sorted({*before, *after}):
            yield from _one(part, key, before.get(key), after.get(key), None, part)
    enough, enough_now = old.terms.majority or None, new.terms.majority or None
    yield from _one("decisions", enough_now or enough or "", enough, enough_now, None, "majority")


def _said(part: Part, old: Said, new: Said) -> Iterator[VersionChange]:
    """Parts of the terms: with the words of the new text, or of the old where it is left out."""
    for key in dict.fromkeys((*old, *new)):
        words, _ = new.get(key) or old[key]
        yield from _one(part, key, old.get(key), new.get(key), {"fr": words.fr, "en": words.en}, "words")


def _parts(
    part: Part,
    old: Mapping[str, RoleText] | Mapping[str, DutyText],
    new: Mapping[str, RoleText] | Mapping[str, DutyText],
    aspects: Mapping[str, str],
) -> Iterator[VersionChange]:
    """Roles or obligations, by their key; `aspects` has the word for each thing of them that may change."""
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        changed = {word for name, word in aspects.items() if getattr(before, name, None) != getattr(after, name, None)}
        in_order = [word for word in dict.fromkeys(aspects.values()) if word in changed]
        one = after or before
        words = {"fr": one.text_fr, "en": one.text_en} if isinstance(one, DutyText) else None
        yield from _one(part, key, before, after, words, *in_order)


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


def _resources(terms: AgreementTerms) -> Said:
    """Resources by what they say: they have no name of their own, so a changed one is another."""
    return {f"{one.kind}: {one.text.fr}": (one.text, one) for one in terms.resources}


def _clauses(terms: AgreementTerms) -> Said:
    return {one.key: (one.title, one) for one in terms.clauses}


def _sharing(terms: AgreementTerms) -> Said:
    sharing = terms.information_sharing
    if sharing is None:
        return {}
    parts = {"purposes": sharing.purposes, "information": sharing.information, "bodies": sharing.bodies or ()}
    days = {"starts_on": sharing.starts_on, "ends_on": sharing.ends_on}
    return {
        **{f"{part}.{one.key}": (one, one) for part, named in parts.items() for one in named},
        **{name: (InBoth(fr=day, en=day), day) for name, day in days.items() if day},
        **{f"safeguards.{one.fr}": (one, one) for one in sharing.safeguards},
    }


_LISTED: Final[Mapping[Part, Callable[[AgreementTerms], Said]]] = {
    "resource": _resources,
    "clause": _clauses,
    "sharing": _sharing,
}
#: What names a committee or a partner for something.
_NAMED: Final[Mapping[Literal["endorsement", "oversight"], Callable[[AgreementTerms], Mapping[str, str]]]] = {
    "endorsement": lambda terms: terms.endorsed_by,
    "oversight": lambda terms: terms.oversight.named if terms.oversight else {},
}
