"""One agreement as people read it: the roles it creates, who owes what, its resources and who signed it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.agreements import find_agreement, versions_of
from api.access.permissions import Action, Forbidden, allows, asks
from api.access.session import AtDesk, Desk
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.views.names import titles_of_roles
from domain.agreements.agreements import directors_on, roles_left
from domain.agreements.difference import Line, difference
from domain.agreements.signed_files import files_of, text_stands
from domain.agreements.succession import may_be_rewritten
from domain.agreements.terminations import called_off_from, notice_given_on
from domain.agreements.version_text import content_of_version
from domain.declarations.program_agreements import clause_without_role
from domain.endorsement.partners import majority_of
from domain.kernel.rows import SHAPE, also, col, every, joins, of, only, tuples
from locales import N_, Counted, current_language, say, say_n, show_list
from meetings.committees import committees
from meetings.decision_words import MAJORITIES
from models.agreement import AgreementRole, AgreementVersion, Obligation, Signature
from models.program import Organization, Person

router = framed_pages()

PERIODS: Final[Mapping[str, str]] = {
    "calendar_year": N_("each calendar year"),
    "agreement_year": N_("each year of the agreement"),
    "quarter": N_("each quarter"),
    "month": N_("each month"),
    "once": N_("once"),
    "continuous": N_("at all times"),
}
CHECKS: Final[Mapping[str, str]] = {
    "attendance": N_("by attendance"),
    "tasks": N_("by completed tasks"),
    "document": N_("by a document"),
    "attestation": N_("by attestation"),
    "count": N_("by a count"),
}
RESOURCES: Final[Mapping[str, str]] = {
    "human": N_("People"),
    "material": N_("Equipment and premises"),
    "financial": N_("Money"),
    "structure": N_("Structure"),
    "service": N_("Services"),
}


@router.get("/program/agreements/{agreement_id}", name="agreement")
@asks(Action.SEE_PROGRAM)
def show_agreement(desk: AtDesk, request: Request, agreement_id: UUID, n: int | None = None) -> HTMLResponse:
    """One agreement: the roles it creates, who owes what, and its other clauses. `n` names an earlier version."""
    return agreement_page(desk, request, agreement_id, n, Typed())


def agreement_page(desk: Desk, request: Request, agreement_id: UUID, n: int | None, typed: Typed) -> HTMLResponse:
    """The page of one version, the last without `n`; with `typed`, as a rule refused what was sent."""
    found, given = find_agreement(desk, agreement_id)
    versions = versions_of(desk, agreement_id)
    shown = next((version for version in versions if n is None or version.n == n), None)
    if shown is None:
        raise Forbidden
    titles = titles_of_roles(desk)
    created = every(
        desk.session,
        of(AgreementRole).where(AgreementRole.agreement_version_id == shown.id).order_by(col(AgreementRole.role)),
    )
    may_keep = allows(Action.KEEP_AGREEMENTS, given) is not None
    signatures = _signatures(desk, shown.id)
    directors = directors_on(desk.session, found.organization_id, desk.day)
    text_is_right = text_stands(desk.session, shown.id)
    may_sign = (
        shown.state == "sent"
        and desk.asker.person_id in directors
        and all(one.person_id != desk.asker.person_id for one in signatures)
        and allows(Action.SIGN_AGREEMENT, given) is not None
    )
    return page(
        desk,
        request,
        "agreement.html",
        refused=typed.refusal,
        typed=typed,
        agreement=found,
        organization=found.organization_fr if desk.language == "fr" else found.organization_en,
        shown=shown,
        versions=versions,
        roles=[(titles.get(row.role, row.role), row) for row in created],
        obligations=_obligations(desk, shown.id, titles),
        signatures=signatures,
        signers=[(str(one.person_id), f"{one.given_name} {one.family_name}") for one in signatures],
        terms=shown.terms,
        sharing_days=_sharing_days(shown.terms),
        majority=MAJORITIES.get(majority_of(shown.terms), ""),
        resources=_resources(shown.terms),
        oversight=_oversight(desk, shown.terms),
        changes=_changes(desk, versions, shown, titles),
        text_is_right=text_is_right,
        notice_on=notice_given_on(desk.session, shown.id),
        called_off=called_off_from(desk.session, shown.id) if shown.state == "signed" else None,
        files=[
            (file, next((one for one in signatures if one.id == file.signature_id), None))
            for file in files_of(desk.session, shown.id)
        ],
        may_read_files=allows(Action.READ_SIGNED_FILE, given) is not None,
        may_add_files=bool(signatures) and allows(Action.ADD_SIGNED_FILE, given) is not None,
        may_keep=may_keep,
        may_sign=may_sign,
        may_renew=may_keep and not any(may_be_rewritten(desk.session, one) for one in versions),
        left_roles=_left_roles(desk, shown, titles) if may_keep and shown.state == "signed" else [],
        created_roles=[(row.role, titles.get(row.role, row.role)) for row in created],
        directors=_named(desk, directors - {one.person_id for one in signatures}) if may_keep else [],
        day=desk.day,
    )


def _oversight(desk: Desk, terms: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Who judges what the agreement obliges to, where it names them: the words, and the committee or the partner."""
    named = terms.get("oversight") or {}
    names = _titles_of_committees(desk) | dict(tuples(desk.session, only(Organization.key, Organization.short_name)))
    return [
        (say(desk.language, words).capitalize(), names.get(named[key], named[key]))
        for key, words in OVERSIGHT.items()
        if key in named
    ]


def _left_roles(desk: Desk, shown: AgreementVersion, titles: Mapping[str, str]) -> list[tuple[str, str]]:
    """The roles that people hold today or will hold, and that this version no longer creates."""
    return sorted({(one.role, titles.get(one.role, one.role)) for one in roles_left(desk.session, shown.id, desk.day)})


def _sharing_days(terms: Mapping[str, Any]) -> dict[str, date]:
    """The first and the last local day of the terms of sharing, where they name any."""
    sharing = terms.get("information_sharing") or {}
    return {name: date.fromisoformat(sharing[name]) for name in ("starts_on", "ends_on") if sharing.get(name)}


def in_words(kind: str, rule: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The rule of an obligation, as people read it. `names` gives committees and roles their titles."""
    language = current_language()

    def listed(keys: list[str]) -> str:
        return show_list(language, [names.get(key, key) for key in keys])

    if kind == "attendance":
        return "; ".join(_attendance_in_words(language, rule, names))
    if kind == "tasks":
        return say_n(
            language,
            "at most %(n)s task more than %(days)s late",
            "at most %(n)s tasks more than %(days)s late",
            rule["at_most_late"],
            days=Counted("%(n)s working day", "%(n)s working days", rule.get("late_after_working_days", 0)),
        )
    if kind == "document":
        return say_n(language, "%(n)s document", "%(n)s documents", rule.get("at_least", 1))
    if kind == "attestation":
        return say(
            language,
            N_("attested in writing by: %(role)s"),
            role=names.get(rule["by"], rule["by"]),
        )
    return _count_in_words(language, rule, listed)


def _attendance_in_words(language: str, rule: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    yield say_n(
        language,
        "at most %(n)s absence from: %(committee)s",
        "at most %(n)s absences from: %(committee)s",
        rule["at_most_absences"],
        committee=names.get(rule["committee"], rule["committee"]),
    )
    if rule.get("alternates") == "no":
        yield say(language, N_("an alternate does not count"))
    elif rule.get("alternates") == "cap":
        yield say_n(
            language,
            "by an alternate at most %(n)s time",
            "by an alternate at most %(n)s times",
            rule["at_most_by_alternates"],
        )
    if rule.get("without_quorum") == "counts_for_who_came":
        yield say(language, N_("a meeting without a quorum counts for those who came"))


def _count_in_words(language: str, rule: Mapping[str, Any], listed: Any) -> str:
    n = rule.get("at_least", rule.get("at_most", 0))
    if rule["of"] == "referrals":
        return say_n(language, "at least %(n)s referral", "at least %(n)s referrals", n)
    if rule["of"] == "alternates":
        return say_n(
            language,
            "at least %(n)s alternate for each: %(committees)s",
            "at least %(n)s alternates for each: %(committees)s",
            n,
            committees=listed(rule["committees"]),
        )
    return say_n(
        language,
        "vacant for at most %(n)s working day: %(roles)s",
        "vacant for at most %(n)s working days: %(roles)s",
        n,
        roles=listed(rule["roles"]),
    )


HOW: Final[Mapping[tuple[str, str], str]] = {
    ("role", "added"): N_("New role: %(what)s"),
    ("role", "left_out"): N_("No longer creates the role: %(what)s"),
    ("role", "changed"): N_("Role changed: %(what)s (%(aspects)s)"),
    ("obligation", "added"): N_("New obligation, %(key)s: %(what)s"),
    ("obligation", "left_out"): N_("No longer owed, %(key)s: %(what)s"),
    ("obligation", "changed"): N_("Obligation changed, %(key)s: %(what)s (%(aspects)s)"),
    ("resource", "added"): N_("New resource: %(what)s"),
    ("resource", "left_out"): N_("Resource removed: %(what)s"),
    ("resource", "changed"): N_("Resource changed: %(what)s"),
    ("clause", "added"): N_("New clause: %(what)s"),
    ("clause", "left_out"): N_("Clause left out: %(what)s"),
    ("clause", "changed"): N_("Clause reworded: %(what)s"),
    ("sharing", "added"): N_("New in the terms of sharing: %(what)s"),
    ("sharing", "left_out"): N_("No longer in the terms of sharing: %(what)s"),
    ("sharing", "changed"): N_("Terms of sharing reworded: %(what)s"),
    ("endorsement", "added"): N_("Now endorsed by a committee: %(key)s"),
    ("endorsement", "left_out"): N_("No longer endorsed by a committee: %(key)s"),
    ("endorsement", "changed"): N_("Endorsed by another committee: %(key)s"),
    ("oversight", "added"): N_("Now named in the agreement: %(what)s"),
    ("oversight", "left_out"): N_("No longer named in the agreement: %(what)s"),
    ("oversight", "changed"): N_("Another one is named: %(what)s"),
    ("decisions", "added"): N_("To endorse a decision, not every partner is required any more: %(what)s"),
    ("decisions", "left_out"): N_("To endorse a decision, every partner is required again; before, %(what)s"),
    ("decisions", "changed"): N_("To endorse a decision, another majority: %(what)s"),
}
ASPECTS: Final[Mapping[str, str]] = {
    "words": N_("the words"),
    "owner": N_("who owes it"),
    "period": N_("how often"),
    "check": N_("how it is checked"),
    "rule": N_("the rule"),
    "sources": N_("where it comes from"),
    "headcount": N_("how many people"),
    "hours": N_("hours a week"),
    "endorsement": N_("who endorses it"),
    "majority": N_("which majority"),
    "oversight": N_("who assesses it"),
}
#: What an agreement names of who judges what is owed.
OVERSIGHT: Final[Mapping[str, str]] = {
    "waivers": N_("the committee that grants waivers"),
    "proof": N_("the partner whose manager accepts the proof of the coordinator’s obligations"),
}


def change_in_words(line: Line, language: str, titles: Mapping[str, str]) -> str:
    """One line of what a version says otherwise, as a sentence. `titles` are those of the roles."""
    if line.part == "notice":
        return say(language, N_("Notice, in days: %(after)s; it was %(before)s"), before=line.before, after=line.after)
    sentence = HOW[line.part, line.how]
    key, _, owner = line.key.partition(":")
    what = line.words[language] if line.words else titles.get(line.key, line.key)
    if line.part == "oversight":
        what = say(language, OVERSIGHT[line.key])
    elif line.part == "decisions":
        what = say(language, MAJORITIES[line.key])
    if owner:
        what = f"{what} ({titles.get(owner, owner)})"
    aspects = show_list(language, [say(language, ASPECTS[one]) for one in line.aspects])
    return say(language, sentence, key=key, what=what, aspects=aspects)


def _changes(
    desk: Desk, versions: Sequence[AgreementVersion], shown: AgreementVersion, titles: Mapping[str, str]
) -> list[str] | None:
    """What the version says otherwise than the one before it, in words; None where there is none before it."""
    before = next((one for one in versions if one.n < shown.n), None)
    if before is None:
        return None
    lines = difference(content_of_version(desk.session, before.id), content_of_version(desk.session, shown.id))
    return [change_in_words(line, desk.language, titles) for line in lines]


def _named(desk: Desk, people: Collection[UUID]) -> list[tuple[str, str]]:
    rows = every(
        desk.session,
        of(Person).where(col(Person.id).in_(list(people))).order_by(col(Person.sort_key)),
    )
    return [(str(row.id), f"{row.given_name} {row.family_name}") for row in rows]


def _titles_of_committees(desk: Desk) -> dict[str, str]:
    rows = committees(desk.session).values()
    return {row.key: row.title_fr if desk.language == "fr" else row.title_en for row in rows}


@dataclass(frozen=True)
class OwedLine:
    """What is owed under a clause, in words."""

    clause: str
    text: str
    sources: list[str]
    period_words: str
    check_words: str
    rule_words: str


def _obligations(desk: Desk, version_id: UUID, titles: Mapping[str, str]) -> list[tuple[str, list[OwedLine]]]:
    """What is owed, by whom: the organization first, then each role."""
    names = {**titles, **_titles_of_committees(desk)}
    by_owner: dict[str, list[OwedLine]] = defaultdict(list)
    for row in every(
        desk.session,
        of(Obligation).where(Obligation.agreement_version_id == version_id).order_by(col(Obligation.key)),
    ):
        by_owner[row.owed_by].append(
            OwedLine(
                clause=clause_without_role(row.key),
                text=row.text_fr if desk.language == "fr" else row.text_en,
                sources=row.sources,
                period_words=PERIODS[row.period],
                check_words=CHECKS[row.check_kind],
                rule_words=in_words(row.check_kind, row.rule, names),
            )
        )
    owners = sorted(by_owner, key=lambda owner: (owner != "organization", titles.get(owner, owner)))
    return [(titles.get(owner, ""), by_owner[owner]) for owner in owners]


class Signed(Signature):
    """A signature with who gave it, and for which organization."""

    model_config = SHAPE

    given_name: str = also(Person.given_name)
    family_name: str = also(Person.family_name)
    short_name: str = also(Organization.short_name)


def _signatures(desk: Desk, version_id: UUID) -> list[Signed]:
    return every(
        desk.session,
        of(Signed)
        .join(Person, joins(Signature.person_id, Person))
        .join(Organization, joins(Signature.organization_id, Organization))
        .where(Signature.agreement_version_id == version_id)
        .order_by(col(Signature.signed_on), col(Organization.short_name)),
    )


def _resources(terms: Mapping[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """What the organization brings, by kind."""
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in terms.get("resources", ()):
        by_kind[resource["kind"]].append(resource)
    return [(RESOURCES[kind], by_kind[kind]) for kind in RESOURCES if kind in by_kind]
