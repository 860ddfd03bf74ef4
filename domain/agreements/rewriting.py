"""Rewriting a draft of an agreement: its notice, roles, words, clauses, resources, and what it shares.

How an obligation is checked is declared by the program's file and stays as it is. A draft may word it otherwise, leave
it out, or take it back from an earlier version of the same agreement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Final, get_args
from uuid import UUID

from sqlmodel import Session

from domain.agreements.agreements import redraft_version
from domain.agreements.version_text import Content, DutyText, RoleText, content_of_version
from domain.declarations import rule_of
from domain.kernel import Actor, Refusal, checked, col, every, of, only, scalars
from locales import N_
from models.agreement import AgreementVersion, Clause, NamedWords, Resource, ResourceKind, Sharing
from models.committee import Committee
from models.program import Role
from models.stored import InBoth

#: The parts of the terms of sharing that are chosen by key.
CHOSEN: Final = ("purposes", "information", "bodies")
RESOURCES: Final[tuple[ResourceKind, ...]] = get_args(ResourceKind)


@dataclass(frozen=True)
class BilingualWords:
    """Words in both languages."""

    fr: str
    en: str

    def checked(self) -> InBoth:
        """They as they are kept. Raises Refusal where one language lacks."""
        said = InBoth(fr=checked(self.fr), en=checked(self.en))
        if not (said.fr and said.en):
            raise Refusal("agreement.words_missing", N_("Write it in French and in English: signatories read either."))
        return said


@dataclass(frozen=True)
class ClauseText:
    """A clause by its key in the draft, or "" for another one."""

    key: str
    title: BilingualWords
    text: BilingualWords


@dataclass(frozen=True)
class ResourceText:
    """What the organization brings."""

    kind: str
    text: BilingualWords


@dataclass(frozen=True)
class SharingText:
    """The chosen keys of each part of the terms of sharing, and the local days, both inclusive."""

    purposes: Sequence[str]
    information: Sequence[str]
    bodies: Sequence[str]
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True)
class Text:
    """A whole draft, as somebody writes it: `obligations` are the words of each that stays, by its key.

    `sharing` is None where nothing is shared.
    """

    notice_days: int
    roles: Sequence[RoleText]
    obligations: Mapping[str, BilingualWords]
    clauses: Sequence[ClauseText] = ()
    resources: Sequence[ResourceText] = ()
    sharing: SharingText | None = None


@dataclass(frozen=True)
class DraftChoices:
    """What a draft may name: the program's roles, and what this version or an earlier one owed and shared.

    `parts` are those of the terms of sharing that are chosen by key; `terms` are the terms, the ones that count first.
    """

    roles: Mapping[str, Role]
    obligations: Mapping[str, DutyText]
    parts: Mapping[str, list[NamedWords]]
    terms: Sequence[Sharing]


def offered(session: Session, version_id: UUID) -> DraftChoices:
    """What a version of this agreement may contain. Raises Refusal where there is no such version."""
    its = only(AgreementVersion.agreement_id).where(AgreementVersion.id == version_id)
    ids = scalars(
        session,
        only(AgreementVersion.id)
        .where(col(AgreementVersion.agreement_id) == its.scalar_subquery())
        .order_by(col(AgreementVersion.n).desc()),
    ).all()
    # This version's own text comes first; what it lacks comes from the newest that has it.
    contents = [content_of_version(session, one) for one in sorted(ids, key=lambda one: one != version_id)]
    owed: dict[str, DutyText] = {}
    for content in reversed(contents):
        owed |= content.obligations
    sharing = [one.terms.information_sharing for one in contents if one.terms.information_sharing]
    committees = every(session, of(Committee).order_by(col(Committee.key)))
    parts = {
        "purposes": _each_once(terms.purposes for terms in sharing),
        "information": _each_once(terms.information for terms in sharing),
        "bodies": [NamedWords(key=row.key, fr=row.title_fr, en=row.title_en) for row in committees],
    }
    roles = every(session, of(Role).order_by(col(Role.key)))
    return DraftChoices({row.key: row for row in roles}, dict(sorted(owed.items())), parts, sharing)


def _each_once(said: Iterable[Sequence[NamedWords]]) -> list[NamedWords]:
    """Each part of these once: of two with one key, the one that comes first."""
    named: dict[str, NamedWords] = {}
    for one in chain.from_iterable(said):
        named.setdefault(one.key, one)
    return list(named.values())


def rewrite(
    session: Session, version_id: UUID, *, text: Text, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Write this text into a draft. Raises Refusal: no draft, words missing, or one that it may not name or leave."""
    may, was = offered(session, version_id), content_of_version(session, version_id)
    roles = _roles(may, text.roles)
    owed = _owed(may, text.obligations, roles)
    terms = {
        "resources": _resources(was.terms.resources, text.resources),
        "clauses": _clauses(was.terms.clauses, text.clauses),
        "information_sharing": _sharing(may, text.sharing),
        "endorsed_by": {key: committee for key, committee in was.terms.endorsed_by.items() if key in owed},
    }
    content = Content(text.notice_days, roles, owed, was.terms.model_copy(update=terms))
    redraft_version(session, version_id, content, by=by, at=at, seen=seen)


def _roles(may: DraftChoices, given: Sequence[RoleText]) -> dict[str, RoleText]:
    if not given:
        raise Refusal("agreement.no_role", N_("An agreement creates one role at least."))
    found: dict[str, RoleText] = {}
    for one in given:
        role = may.roles.get(one.role)
        if role is None or one.role in found:
            raise Refusal("role.malformed", N_("Name roles of the program, each once."))
        if role.single_holder and one.headcount > 1:
            raise Refusal("role.one_holder", N_("One of these roles has only one holder at a time."))
        found[one.role] = one
    return found


def _owed(may: DraftChoices, given: Mapping[str, BilingualWords], roles: Mapping[str, RoleText]) -> dict[str, DutyText]:
    found: dict[str, DutyText] = {}
    for key, words in given.items():
        duty = may.obligations.get(key)
        if duty is None:
            raise Refusal("obligation.malformed", N_("A new obligation is declared in the program’s file first."))
        _refuse_without_role(may, duty, roles)
        said = words.checked()
        found[key] = duty._replace(text_fr=said.fr, text_en=said.en)
    return found


def _refuse_without_role(may: DraftChoices, owed: DutyText, roles: Mapping[str, RoleText]) -> None:
    """Refuse an obligation that no role would owe, or none state, without a role that is left out. Raises Refusal."""
    key, owner = owed.key, owed.owed_by
    if owner != "organization" and owner not in roles:
        raise Refusal(
            "agreement.owed_by_nobody",
            N_("“%(key)s” is owed by a role that this version does not create: keep the role, or leave it out."),
            key=key,
        )
    stated = rule_of(owed.check_kind, owed.rule).stated()
    if stated is not None and not stated.has_somebody(roles):
        raise Refusal(
            "agreement.stated_by_nobody",
            N_(
                "“%(key)s” is attested in writing by a role that this version does not create: “%(role)s”. Keep "
                "the role, leave it out, or have the program’s file say who attests it."
            ),
            key=key,
            role={"fr": may.roles[stated.by].title_fr, "en": may.roles[stated.by].title_en},
        )


def _resources(was: Iterable[Resource], given: Sequence[ResourceText]) -> list[Resource]:
    sources = {(one.kind, one.text.fr): one.sources for one in was}
    found: list[Resource] = []
    for one in given:
        kind = next((known for known in RESOURCES if known == one.kind), None)
        if kind is None:
            raise Refusal("resource.malformed", N_("Choose from the list."))
        text = one.text.checked()
        found.append(Resource(kind=kind, text=text, sources=sources.get((kind, text.fr), [])))
    return found


def _clauses(was: Iterable[Clause], given: Sequence[ClauseText]) -> list[Clause]:
    sources = {one.key: one.sources for one in was}
    found: dict[str, Clause] = {}
    for one in given:
        key = one.key or next(name for n in range(1, 1000) if (name := f"own-{n}") not in {*sources, *found})
        if (one.key and one.key not in sources) or key in found:
            raise Refusal("clause.malformed", N_("There is no such clause in this draft."))
        title, text = one.title.checked(), one.text.checked()
        found[key] = Clause(key=key, title=title, text=text, sources=sources.get(key, []))
    return list(found.values())


def _sharing(may: DraftChoices, given: SharingText | None) -> Sharing | None:
    if given is None:
        return None
    chosen = {part: _chosen(may.parts[part], getattr(given, part)) for part in CHOSEN}
    first, last = given.starts_on, given.ends_on
    if first is not None and last is not None and last < first:
        raise Refusal("sharing.in_order", N_("The last day comes before the first."))
    return Sharing(
        source=may.terms[0].source,
        safeguards=may.terms[0].safeguards,
        starts_on=first.isoformat() if first else None,
        ends_on=last.isoformat() if last else None,
        **chosen,
    )


def _chosen(offered: Iterable[NamedWords], keys: Sequence[str]) -> list[NamedWords]:
    """Those of what is offered that were chosen by their keys. Raises Refusal: none, or one that is not offered."""
    there = {one.key: one for one in offered}
    if not keys or not set(keys) <= set(there):
        raise Refusal(
            "sharing.malformed",
            N_("Say for what, which information and in which committees: one of each at least."),
            source="AG-IS",
        )
    return [one for key, one in there.items() if key in keys]
