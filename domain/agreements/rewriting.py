"""Rewriting a draft of an agreement: its notice, roles, words, clauses, resources, and what it shares.

How an obligation is checked is declared by the program's file and stays as it is. A draft may word it otherwise, leave
it out, or take it back from an earlier version of the same agreement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from domain.agreements.agreements import redraft_version
from domain.agreements.version_text import Columns, Content, content_of_version
from domain.declarations.program_agreements import AttestationRule
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, every, of, only, scalars
from domain.kernel.typed_words import checked
from locales import N_
from models.agreement import AgreementVersion
from models.committee import Committee
from models.program import Role

#: The parts of the terms of sharing that are chosen by key.
CHOSEN: Final = ("purposes", "information", "bodies")
RESOURCES: Final = ("human", "material", "financial", "structure", "service")

Words = Mapping[str, str]


@dataclass(frozen=True)
class Text:
    """A whole draft, as a person writes it.

    - `roles` have role, headcount and hours_a_week.
    - `obligations` are the words of each that stays, by its key.
    - `clauses` have key ("" for another one), title and text; `resources` have kind and text.
    - `sharing` has the chosen keys of each part, and the local days starts_on and ends_on, both inclusive, or None
      where nothing is shared.
    """

    notice_days: int
    roles: Sequence[Mapping[str, Any]]
    obligations: Mapping[str, Words]
    clauses: Sequence[Mapping[str, Any]] = ()
    resources: Sequence[Mapping[str, Any]] = ()
    sharing: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Offered:
    """What a draft may name: the program's roles, and what this version or an earlier one owed and shared."""

    roles: Mapping[str, Role]
    obligations: Mapping[str, Columns]
    sharing: Mapping[str, Any]


def offered(session: Session, version_id: UUID) -> Offered:
    """What a version of this agreement may contain. Raises Refusal where there is no such version."""
    its = only(AgreementVersion.agreement_id).where(AgreementVersion.id == version_id)
    ids = scalars(
        session,
        only(AgreementVersion.id)
        .where(col(AgreementVersion.agreement_id) == its.scalar_subquery())
        .order_by(col(AgreementVersion.n).desc()),
    ).all()
    # This version's own text comes first; what it lacks comes from the newest that has it.
    contents = [content_of_version(session, one) for one in (version_id, *(one for one in ids if one != version_id))]
    owed: dict[str, Columns] = {}
    sharing: dict[str, Any] = {}
    for content in contents:
        for key, columns in content.obligations.items():
            owed.setdefault(key, columns)
        terms = content.terms.get("information_sharing") or {}
        for part in ("purposes", "information"):
            sharing[part] = _more(sharing.get(part, []), terms.get(part, ()))
        for name in ("source", "safeguards"):
            if name in terms:
                sharing.setdefault(name, terms[name])
    committees = every(session, of(Committee).order_by(col(Committee.key)))
    sharing["bodies"] = [{"key": row.key, "fr": row.title_fr, "en": row.title_en} for row in committees]
    roles = every(session, of(Role).order_by(col(Role.key)))
    return Offered({row.key: row for row in roles}, dict(sorted(owed.items())), sharing)


def rewrite(
    session: Session, version_id: UUID, *, text: Text, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Write this text into a draft. Raises Refusal: no draft, words missing, or one that it may not name or leave."""
    may, was = offered(session, version_id), content_of_version(session, version_id)
    roles = _roles(may, text.roles)
    owed = _owed(may, text.obligations, roles)
    endorsed: Mapping[str, str] = was.terms.get("endorsed_by") or {}
    content = Content(
        notice_days=text.notice_days,
        roles=roles,
        obligations=owed,
        terms={
            **was.terms,
            "resources": _resources(was.terms.get("resources") or (), text.resources),
            "clauses": _clauses(was.terms.get("clauses") or (), text.clauses),
            "information_sharing": _sharing(may, text.sharing),
            "endorsed_by": {key: committee for key, committee in endorsed.items() if key in owed},
        },
    )
    redraft_version(session, version_id, content, by=by, at=at, seen=seen)


def _roles(may: Offered, given: Sequence[Mapping[str, Any]]) -> dict[str, Columns]:
    if not given:
        raise Refusal("agreement.no_role", N_("An agreement creates one role at least."))
    found: dict[str, Columns] = {}
    for one in given:
        role = may.roles.get(one["role"])
        if role is None or one["role"] in found:
            raise Refusal("role.malformed", N_("Name roles of the program, each once."))
        if role.single_holder and one["headcount"] > 1:
            raise Refusal("role.one_holder", N_("One of these roles has only one holder at a time."))
        found[one["role"]] = {name: one[name] for name in ("role", "headcount", "hours_a_week")}
    return found


def _owed(may: Offered, given: Mapping[str, Words], roles: Mapping[str, Columns]) -> dict[str, Columns]:
    found: dict[str, Columns] = {}
    for key, words in given.items():
        columns = may.obligations.get(key)
        if columns is None:
            raise Refusal("obligation.malformed", N_("A new obligation is declared in the program’s file first."))
        if columns["owed_by"] != "organization" and columns["owed_by"] not in roles:
            raise Refusal(
                "agreement.owed_by_nobody",
                N_("“%(key)s” is owed by a role that this version does not create: keep the role, or leave it out."),
                key=key,
            )
        rule = columns["rule"]
        if columns["check_kind"] == "attestation" and not AttestationRule.model_validate(rule).has_somebody(roles):
            raise Refusal(
                "agreement.stated_by_nobody",
                N_(
                    "“%(key)s” is attested in writing by a role that this version does not create: “%(role)s”. Keep "
                    "the role, leave it out, or have the program’s file say who attests it."
                ),
                key=key,
                role={"fr": may.roles[rule["by"]].title_fr, "en": may.roles[rule["by"]].title_en},
            )
        said = _words(words)
        found[key] = {**columns, "text_fr": said["fr"], "text_en": said["en"]}
    return found


def _resources(was: Iterable[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    sources = {(one["kind"], one["text"]["fr"]): one["sources"] for one in was}
    found: list[dict[str, Any]] = []
    for one in given:
        if one["kind"] not in RESOURCES:
            raise Refusal("resource.malformed", N_("Choose from the list."))
        text = _words(one["text"])
        found.append({"kind": one["kind"], "text": text, "sources": sources.get((one["kind"], text["fr"]), [])})
    return found


def _clauses(was: Iterable[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    known = {one["key"]: one for one in was}
    taken: set[str] = set(known)
    found: list[dict[str, Any]] = []
    for one in given:
        key = one["key"] or next(name for n in range(1, 1000) if (name := f"own-{n}") not in taken)
        if (one["key"] and one["key"] not in known) or any(key == other["key"] for other in found):
            raise Refusal("clause.malformed", N_("There is no such clause in this draft."))
        taken.add(key)
        sources = known.get(key, {}).get("sources", [])
        found.append({"key": key, "title": _words(one["title"]), "text": _words(one["text"]), "sources": sources})
    return found


def _sharing(may: Offered, given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    chosen = {}
    for part in CHOSEN:
        there = {one["key"]: one for one in may.sharing.get(part, ())}
        if not given[part] or not set(given[part]) <= set(there):
            raise Refusal(
                "sharing.malformed",
                N_("Say for what, which information and in which committees: one of each at least."),
                source="AG-IS",
            )
        chosen[part] = [one for key, one in there.items() if key in given[part]]
    first, last = given.get("starts_on"), given.get("ends_on")
    if first is not None and last is not None and last < first:
        raise Refusal("sharing.in_order", N_("The last day comes before the first."))
    return {
        "source": may.sharing["source"],
        **chosen,
        "safeguards": may.sharing["safeguards"],
        "starts_on": _iso(first),
        "ends_on": _iso(last),
    }


def _words(given: Words) -> dict[str, str]:
    said = {language: checked(given[language]) for language in ("fr", "en")}
    if not all(said.values()):
        raise Refusal("agreement.words_missing", N_("Write it in French and in English: signatories read either."))
    return said


def _more(there: list[dict[str, Any]], others: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    known = {one["key"] for one in there}
    return [*there, *(dict(one) for one in others if one["key"] not in known)]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
