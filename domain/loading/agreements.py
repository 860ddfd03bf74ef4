"""What a load changes of the agreements: a signed one keeps its text, and the file becomes its next draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Table, insert, select, update

from domain.agreements import agreements, renewals, terminations, version_text
from domain.agreements.version_text import Content
from domain.kernel.scope import many, program_of
from domain.loading.comparison import Act, Change, Comparison, Kind, Row, Step, new_changed_gone, words
from domain.terms.agreed_roles import BEGUN
from locales import N_, Counted
from models.agreement import Agreement, AgreementRole, AgreementVersion, Obligation
from models.base import refers, table_of
from models.program import Organization

_organization = table_of(Organization)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_created = table_of(AgreementRole)
_obligation = table_of(Obligation)

_ROLE_OF_AGREEMENT: Final[Mapping[Kind, str]] = {
    "added": N_("%(organization)s: its agreement creates the role “%(role)s”."),
    "changed": N_("%(organization)s: how many hold the role “%(role)s”, or for how many hours, changed."),
    "ended": N_("%(organization)s: its agreement no longer creates the role “%(role)s”."),
}
_OBLIGATION: Final[Mapping[Kind, str]] = {
    "added": N_("%(organization)s: new obligation %(clause)s, “%(duty)s”"),
    "changed": N_("%(organization)s: the obligation %(clause)s, or how it is checked, changed: “%(duty)s”"),
    "ended": N_("%(organization)s: no longer an obligation, %(clause)s, “%(duty)s”"),
}


def differences(compared: Comparison) -> Iterator[Step]:
    """New agreements, those that say something else, line by line, and those that the file no longer has."""
    latest = _latest_versions(compared)
    for key in compared.file.agreements:
        content = version_text.content_of(compared.file, key)
        row = latest.get(key)
        if row is None:
            yield _new_agreement(compared, key, content)
        elif row["digest"] != content.digest or (row["state"] == "ended" and compared.is_back("agreements", key)):
            yield _redrafting(compared, key, row, content)
            yield from _rewordings(compared, key, row, content)
    for key, row in latest.items():
        if key not in compared.file.agreements and compared.before and key in compared.before.agreements:
            yield from _without_agreement(compared, key, row)


def _new_agreement(compared: Comparison, key: str, content: Content) -> Step:
    said = N_("New agreement with %(organization)s, as a draft: %(roles)s and %(obligations)s.")
    facts = {
        "organization": compared.file.organizations[key].short_name,
        "roles": Counted("%(n)s role", "%(n)s roles", len(content.roles)),
        "obligations": Counted("%(n)s obligation", "%(n)s obligations", len(content.obligations)),
    }
    agreement_id, title = uuid4(), compared.file.agreements[key].title
    columns = {"organization_id": compared.organization_ids[key], "title_fr": title.fr, "title_en": title.en}

    def write(act: Act) -> None:
        act.session.execute(insert(_agreement).values(program_id=program_of(act.session), id=agreement_id, **columns))
        agreements.draft_version(act.session, agreement_id, content, by=act.by, at=act.at)

    return Step(Change("added", "agreement", said, facts), write)


def _redrafting(compared: Comparison, key: str, row: Row, content: Content) -> Step:
    """A draft is rewritten, one that was only sent taken back first; anything else gets a next version."""
    state, facts = row["state"], {"organization": compared.file.organizations[key].short_name, "number": row["n"]}
    signed = bool(agreements.signatures_of(compared.session, row["id"]))
    rewritten = state in ("draft", "sent") and not signed
    said = N_("Version %(number)d of the agreement with %(organization)s, a draft, is rewritten.")
    if not rewritten:
        facts["number"] += 1
        said = N_("Version %(number)d of the agreement with %(organization)s is drafted; what is signed stays.")
    elif state == "sent":
        said = N_("Version %(number)d of the agreement with %(organization)s is returned to draft and rewritten.")
    title = compared.file.agreements[key].title

    def write(act: Act) -> None:
        where = (_agreement.c.program_id == compared.here, _agreement.c.id == row["agreement_id"])
        named = update(_agreement).where(*where).values(title_fr=title.fr, title_en=title.en)
        act.session.execute(named)
        if not rewritten:
            agreements.draft_version(act.session, row["agreement_id"], content, by=act.by, at=act.at)
            return
        if state == "sent":
            agreements.withdraw_version(act.session, row["id"], by=act.by, at=act.at)
        agreements.redraft_version(act.session, row["id"], content, by=act.by, at=act.at)

    return Step(Change("changed", "agreement", said, facts), write)


def _rewordings(compared: Comparison, key: str, row: Row, content: Content) -> Iterator[Step]:
    """What a version says otherwise than the last, line by line."""
    name = {"organization": compared.file.organizations[key].short_name}
    roles = _parts(compared, _created, "role", row["id"])
    for kind, role in new_changed_gone(roles, content.roles):
        facts = {**name, "role": _role_title(compared, role)}
        yield Step(Change(kind, "agreement", _ROLE_OF_AGREEMENT[kind], facts))
    duties = _parts(compared, _obligation, "key", row["id"])
    for kind, duty in new_changed_gone(duties, content.obligations):
        wording = content.obligations.get(duty) or duties[duty]
        facts = {**name, "duty": words(wording, "text"), "clause": duty}
        yield Step(Change(kind, "obligation", _OBLIGATION[kind], facts))
    if row["terms"] != content.terms or row["notice_days"] != content.notice_days:
        said = N_(
            "%(organization)s: the title, notice, resources, clauses, sharing of information or majority changed."
        )
        yield Step(Change("changed", "agreement", said, name))


def _without_agreement(compared: Comparison, key: str, row: Row) -> Iterator[Step]:
    facts = {"organization": compared.organizations[key]["short_name"]}
    versions = many(
        compared.session, _versions(compared.here).where(_organization.c.key == key).order_by(_version.c.starts_on)
    )
    begun = [version for version in versions if version["state"] in BEGUN]
    if not any(version["state"] == "in_force" for version in begun):
        said = N_("The file no longer has an agreement with %(organization)s; none was in force.")
        yield Step(Change("ended", "agreement", said, facts), None, row["agreement_id"])
        return

    def write(act: Act) -> None:
        for version in begun:
            _end_today(act, version)

    said = N_("The agreement with %(organization)s is no longer in the file, and ends today.")
    yield Step(Change("ended", "agreement", said, facts), write)


def _end_today(act: Act, version: Row) -> None:
    """A version in force ends on the day of the load, and one that was to begin later does not. None is prolonged."""
    if version["starts_on"] > act.day:
        terminations.call_off_version(act.session, version["id"], last=act.day, by=act.by, at=act.at)
        return
    if version["state"] == "ended" and version["ends_on"] < act.day:
        return
    last = min(act.day, version["ends_on"] or act.day)
    terminations.end_version(act.session, version["id"], ends_on=last, by=act.by, at=act.at)
    renewals.call_off(act.session, version["id"], last=last, by=act.by, at=act.at)


def _latest_versions(compared: Comparison) -> dict[str, Row]:
    """The version with the highest number of each organization's agreement, by the organization's key."""
    rows = many(compared.session, _versions(compared.here).order_by(_version.c.n))
    return {row["organization"]: row for row in rows}


def _parts(compared: Comparison, table: Table, name: str, version_id: UUID) -> dict[str, Row]:
    rows = many(
        compared.session,
        select(table).where(table.c.program_id == compared.here, table.c.agreement_version_id == version_id),
    )
    return {row[name]: row for row in rows}


def _role_title(compared: Comparison, role: str) -> object:
    file = compared.file if role in compared.file.roles else compared.before
    titles = {key: one.title for key, one in file.roles.items()} if file else {}
    return titles.get(role) or role  # type: ignore[call-overload]  # a key that this file may not have


def _versions(program_id: UUID) -> Any:
    """Every version of every agreement, each with its organization's key."""
    return (
        select(_version, _organization.c.key.label("organization"))
        .join(_agreement, agreements.of_agreement())
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(_version.c.program_id == program_id)
    )
