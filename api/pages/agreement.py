"""One agreement as people read it: the roles it creates, who owes what, its resources and who signed it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.agreements import WithOrganization, find_agreement, versions_of
from api.access.permissions import Action, Forbidden, Given, allows, asks
from api.access.session import InContext, RequestContext
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.views.names import titles_of_roles
from domain.agreements import (
    VersionChange,
    VersionFile,
    called_off_from,
    content_of_version,
    difference,
    directors_on,
    files_of,
    may_be_rewritten,
    notice_given,
    roles_left,
    text_stands,
    unsigning,
)
from domain.declarations import KINDS, clause_without_role, grouped, rule_of
from domain.kernel import SHAPE, also, col, every, joins, of, only, surely, tuples
from locales import N_, pick, say, show_list, typeset
from meetings.committees import committees, title_of
from meetings.decision_words import MAJORITIES
from models.agreement import (
    AgreementRole,
    AgreementTerms,
    AgreementVersion,
    Obligation,
    Resource,
    ResourceKind,
    Signature,
)
from models.program import Organization, Person

router = framed_pages()

Shown = dict[str, Any]
"""A part of what the page shows, by the names of its template."""

PERIODS: Final[Mapping[str, str]] = {
    "calendar_year": N_("each calendar year"),
    "agreement_year": N_("each year of the agreement"),
    "quarter": N_("each quarter"),
    "month": N_("each month"),
    "once": N_("once"),
    "continuous": N_("at all times"),
}
RESOURCES: Final[Mapping[ResourceKind, str]] = {
    "human": N_("People"),
    "material": N_("Equipment and premises"),
    "financial": N_("Money"),
    "structure": N_("Structure"),
    "service": N_("Services"),
}


#: Which side gave notice, where that was said.
SIDES: Final[Mapping[str, str]] = {"partner": N_("The partner gave notice"), "program": N_("The program gave notice")}


@router.get("/program/agreements/{agreement_id}", name="agreement")
@asks(Action.SEE_PROGRAM)
def show_agreement(context: InContext, request: Request, agreement_id: UUID, n: int | None = None) -> HTMLResponse:
    """One agreement: the roles it creates, who owes what, and its other clauses. `n` names an earlier version."""
    return agreement_page(context, request, agreement_id, n, Typed())


def agreement_page(
    context: RequestContext, request: Request, agreement_id: UUID, n: int | None, typed: Typed
) -> HTMLResponse:
    """The page of one version, the last without `n`; with `typed`, as a rule refused what was sent."""
    found, given = find_agreement(context, agreement_id)
    versions = versions_of(context, agreement_id)
    shown = next((version for version in versions if n is None or version.n == n), None)
    if shown is None:
        raise Forbidden
    titles = titles_of_roles(context)
    may_keep = allows(Action.KEEP_AGREEMENTS, given) is not None
    ever = _signatures(context, shown.id)
    return page(
        context,
        request,
        "agreement.html",
        typed=typed,
        agreement=found,
        organization=found.organization_fr if context.language == "fr" else found.organization_en,
        shown=shown,
        versions=versions,
        obligations=_obligations(context, shown.id, titles),
        periods=PERIODS,
        sides=SIDES,
        changes=_changes(context, versions, shown, titles),
        **_terms(context, shown.terms),
        **_roles(context, shown, titles, may_keep=may_keep),
        **_signing(context, found, shown, ever, given, may_keep=may_keep),
        **_files(context, shown, ever, given),
        notice=notice_given(context.session, shown.id),
        called_off=called_off_from(context.session, shown.id) if shown.state == "signed" else None,
        to_begin=_to_begin_after(versions, shown, context.day),
        may_keep=may_keep,
        may_renew=may_keep and not any(may_be_rewritten(context.session, one) for one in versions),
        day=context.day,
    )


def _to_begin_after(
    versions: Sequence[AgreementVersion], shown: AgreementVersion, today: date
) -> list[AgreementVersion]:
    """The versions that are set to begin after this one and today, in order: an end with notice cancels that."""
    after = max(today, shown.starts_on or today)
    begun = [one for one in versions if one.state in ("in_force", "ended") and one.starts_on is not None]
    return [one for one in reversed(begun) if surely(one.starts_on) > after]


def _terms(context: RequestContext, terms: AgreementTerms) -> Shown:
    """What the version says besides roles and obligations."""
    return {
        "terms": terms,
        "majority": MAJORITIES.get(terms.majority, ""),
        "resources": _resources(terms),
        "oversight": _oversight(context, terms),
    }


def _roles(context: RequestContext, shown: AgreementVersion, titles: Mapping[str, str], *, may_keep: bool) -> Shown:
    """The roles that the version creates and, before it begins, those that people hold and it no longer creates."""
    is_to_begin = may_keep and shown.state == "signed"
    left = [one.role for one in roles_left(context.session, shown.id, context.day)] if is_to_begin else []
    created = every(
        context.session,
        of(AgreementRole).where(AgreementRole.agreement_version_id == shown.id).order_by(col(AgreementRole.role)),
    )
    return {
        "roles": [(titles.get(row.role, row.role), row) for row in created],
        "created_roles": [(row.role, titles.get(row.role, row.role)) for row in created],
        "left_roles": sorted({(role, titles.get(role, role)) for role in left}),
    }


def _signing(
    context: RequestContext,
    agreement: WithOrganization,
    shown: AgreementVersion,
    ever: Sequence[SignatureLine],
    given: Given,
    *,
    may_keep: bool,
) -> Shown:
    """Who signed, who may still, what was taken back, and whether the text is as it was signed."""
    signatures = [one for one in ever if one.taken_back_at is None]
    directors = directors_on(context.session, agreement.organization_id, context.day)
    lacking = directors - {one.person_id for one in signatures}
    is_asked = shown.state == "sent" and context.asker.person_id in lacking
    return {
        "signatures": signatures,
        "clerks": _clerks(context, ever),
        "taken_back": [one for one in ever if one.taken_back_at is not None],
        "signers": _choices(signatures),
        "text_is_right": text_stands(context.session, shown.id),
        "may_sign": is_asked and allows(Action.SIGN_AGREEMENT, given) is not None,
        "directors": _named(context, lacking) if may_keep else [],
        "from_paper": _from_paper(shown, signatures) if may_keep else [],
    }


def _clerks(context: RequestContext, ever: Sequence[SignatureLine]) -> dict[str, str]:
    """The names of those who recorded a signature from paper, or took one back."""
    clerks = {one.recorded_by for one in ever if one.on_paper} | {one.taken_back_by for one in ever}
    return dict(_named(context, known)) if (known := clerks - {None}) else {}


def _from_paper(shown: AgreementVersion, signatures: Sequence[SignatureLine]) -> list[tuple[str, str]]:
    """Those whose signature was recorded from paper, while it may still be taken back."""
    if shown.state not in ("draft", "sent", "signed"):
        return []
    return _choices([one for one in signatures if one.on_paper])


def _choices(signatures: Sequence[SignatureLine]) -> list[tuple[str, str]]:
    """Those who signed, as a form offers them."""
    return [(str(one.person_id), f"{one.given_name} {one.family_name}") for one in signatures]


class AttachedFile(NamedTuple):
    """A file of the version, by which person it was attached, and the signature that it was attached for."""

    file: VersionFile
    added_by: str
    signed: SignatureLine | None


def _files(context: RequestContext, shown: AgreementVersion, ever: Sequence[SignatureLine], given: Given) -> Shown:
    """The files of the version, each with the signature that it was attached for, also one that was taken back."""
    by_id = {one.id: one for one in ever}
    files = files_of(context.session, shown.id)
    names = dict(_named(context, {one.added_by for one in files if one.added_by})) if files else {}
    return {
        "files": [
            AttachedFile(
                file, names.get(str(file.added_by), ""), by_id.get(file.signature_id) if file.signature_id else None
            )
            for file in files
        ],
        "may_read_files": allows(Action.READ_SIGNED_FILE, given) is not None,
        "may_add_files": any(one.taken_back_at is None for one in ever)
        and allows(Action.ADD_SIGNED_FILE, given) is not None,
    }


def _oversight(context: RequestContext, terms: AgreementTerms) -> list[tuple[str, str]]:
    """Who judges what the agreement obliges to, where it names them: the words, and the committee or the partner."""
    named = terms.oversight.named if terms.oversight else {}
    names = _titles_of_committees(context) | dict(
        tuples(context.session, only(Organization.key, Organization.short_name))
    )
    return [
        (say(context.language, words).capitalize(), names.get(named[key], named[key]))
        for key, words in OVERSIGHT.items()
        if key in named
    ]


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


def change_in_words(line: VersionChange, language: str, titles: Mapping[str, str]) -> str:
    """One line of what a version says otherwise, as a sentence. `titles` are those of the roles."""
    if line.part == "notice":
        return say(language, N_("Notice, in days: %(after)s; it was %(before)s"), before=line.before, after=line.after)
    sentence = HOW[line.part, line.how]
    key, _, owner = line.key.partition(":")
    what = pick(language, line.words) if line.words else titles.get(line.key, line.key)
    if line.part == "oversight":
        what = say(language, OVERSIGHT[line.key])
    elif line.part == "decisions":
        what = say(language, MAJORITIES[line.key])
    if owner:
        what = f"{what} ({titles.get(owner, owner)})"
    aspects = show_list(language, [say(language, ASPECTS[one]) for one in line.aspects])
    return say(language, sentence, key=key, what=what, aspects=aspects)


def _changes(
    context: RequestContext, versions: Sequence[AgreementVersion], shown: AgreementVersion, titles: Mapping[str, str]
) -> list[str] | None:
    """What the version says otherwise than the one before it, in words; None where there is none before it."""
    before = next((one for one in versions if one.n < shown.n), None)
    if before is None:
        return None
    lines = difference(content_of_version(context.session, before.id), content_of_version(context.session, shown.id))
    return [change_in_words(line, context.language, titles) for line in lines]


def _named(context: RequestContext, people: Collection[UUID | None]) -> list[tuple[str, str]]:
    rows = every(context.session, of(Person).where(col(Person.id).in_(list(people))).order_by(col(Person.sort_key)))
    return [(str(row.id), f"{row.given_name} {row.family_name}") for row in rows]


def _titles_of_committees(context: RequestContext) -> dict[str, str]:
    return {row.key: title_of(row, context.language) for row in committees(context.session).values()}


class OwedLine(NamedTuple):
    """What is owed under a clause, in words."""

    row: Obligation
    clause: str
    text: str
    check_words: str
    rule_words: str


def _obligations(
    context: RequestContext, version_id: UUID, titles: Mapping[str, str]
) -> list[tuple[str, list[OwedLine]]]:
    """What is owed, by whom: the organization first, then each role."""
    names = {**titles, **_titles_of_committees(context)}
    by_owner: dict[str, list[OwedLine]] = defaultdict(list)
    for row in every(
        context.session,
        of(Obligation).where(Obligation.agreement_version_id == version_id).order_by(col(Obligation.key)),
    ):
        by_owner[row.owed_by].append(
            OwedLine(
                row,
                clause=clause_without_role(row.key),
                text=typeset(context.language, row.text_fr if context.language == "fr" else row.text_en),
                check_words=KINDS[row.check_kind].words,
                rule_words=rule_of(row.check_kind, row.rule).in_words(context.language, names),
            )
        )
    owners = sorted(by_owner, key=lambda owner: (owner != "organization", titles.get(owner, owner)))
    return [(titles.get(owner, ""), by_owner[owner]) for owner in owners]


class SignatureLine(Signature):
    """A signature with who gave it, and for which organization."""

    model_config = SHAPE

    given_name: str = also(Person.given_name)
    family_name: str = also(Person.family_name)
    short_name: str = also(Organization.short_name)
    taken_back_by: UUID | None = also(unsigning.TAKEN_BACK_BY)


def _signatures(context: RequestContext, version_id: UUID) -> list[SignatureLine]:
    """Every signature of a version, also those that were taken back."""
    return every(
        context.session,
        of(SignatureLine)
        .join(Person, joins(Signature.person_id, Person))
        .join(Organization, joins(Signature.organization_id, Organization))
        .where(Signature.agreement_version_id == version_id)
        .order_by(col(Signature.signed_on), col(Organization.short_name)),
    )


def _resources(terms: AgreementTerms) -> list[tuple[str, list[Resource]]]:
    """What the organization brings, by kind."""
    by_kind = grouped(terms.resources, lambda one: one.kind)
    return [(words, by_kind[kind]) for kind, words in RESOURCES.items() if kind in by_kind]
