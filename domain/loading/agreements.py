"""What a load changes in the agreements: a signed one keeps its text, and the file becomes its next draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sqlmodel.sql.expression import SelectOfScalar

from domain.agreements import Content, agreements, renewals, terminations, version_text
from domain.declared import Bilingual
from domain.kernel import SHAPE, add_row, also, changes, col, every, joins, of, program_of, run, surely
from domain.loading.comparison import Comparison, Kind, LoadChange, LoadRun, LoadStep, new_changed_gone
from domain.terms import BEGUN
from locales import N_, Counted
from models.agreement import Agreement, AgreementRole, AgreementVersion, Obligation
from models.program import Organization

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


def differences(compared: Comparison) -> Iterator[LoadStep]:
    """New agreements, those with changes, line by line, and those that the file no longer has."""
    latest = _latest_versions(compared)
    for key in compared.file.agreements:
        content = version_text.content_of(compared.file, key)
        row = latest.get(key)
        if row is None:
            yield _new_agreement(compared, key, content)
        elif row.digest != content.digest or (row.state == "ended" and compared.is_back("agreements", key)):
            yield _redrafting(compared, key, row, content)
            yield from _rewordings(compared, key, row, content)
    for key, row in latest.items():
        if key not in compared.file.agreements and compared.before and key in compared.before.agreements:
            yield from _without_agreement(compared, key, row)


def _new_agreement(compared: Comparison, key: str, content: Content) -> LoadStep:
    said = N_("New agreement with %(organization)s, as a draft: %(roles)s and %(obligations)s.")
    facts = {
        "organization": compared.file.organizations[key].short_name,
        "roles": Counted("%(n)s role", "%(n)s roles", len(content.roles)),
        "obligations": Counted("%(n)s obligation", "%(n)s obligations", len(content.obligations)),
    }
    title = compared.file.agreements[key].title

    def write(act: LoadRun) -> None:
        agreement = Agreement(
            program_id=program_of(act.session),
            organization_id=compared.organization_ids[key],
            title_fr=title.fr,
            title_en=title.en,
        )
        add_row(act.session, agreement)
        agreements.draft_version(act.session, agreement.id, content, by=act.by, at=act.at)

    return LoadStep(LoadChange("added", "agreement", said, facts), write)


def _redrafting(compared: Comparison, key: str, row: _Version, content: Content) -> LoadStep:
    """Rewrite a draft, withdrawing one that was only sent; for anything else, draft the next version."""
    state, signed = row.state, bool(agreements.signatures_of(compared.session, row.id))
    rewritten = state in ("draft", "sent") and not signed
    number = row.n if rewritten else row.n + 1
    facts = {"organization": compared.file.organizations[key].short_name, "number": number}
    said = N_("Version %(number)d of the agreement with %(organization)s, a draft, is rewritten.")
    if not rewritten:
        said = N_("Version %(number)d of the agreement with %(organization)s is drafted; what is signed stays.")
    elif state == "sent":
        said = N_("Version %(number)d of the agreement with %(organization)s is returned to draft and rewritten.")
    title = compared.file.agreements[key].title

    def write(act: LoadRun) -> None:
        named = changes(Agreement).where(Agreement.id == row.agreement_id)
        run(act.session, named.values(title_fr=title.fr, title_en=title.en))
        if not rewritten:
            agreements.draft_version(act.session, row.agreement_id, content, by=act.by, at=act.at)
            return
        if state == "sent":
            agreements.withdraw_version(act.session, row.id, by=act.by, at=act.at)
        agreements.redraft_version(act.session, row.id, content, by=act.by, at=act.at)

    return LoadStep(LoadChange("changed", "agreement", said, facts), write)


def _rewordings(compared: Comparison, key: str, row: _Version, content: Content) -> Iterator[LoadStep]:
    """How a version differs from the last, line by line."""
    name = {"organization": compared.file.organizations[key].short_name}
    said_roles = of(AgreementRole).where(AgreementRole.agreement_version_id == row.id)
    roles = {one.role: one for one in every(compared.session, said_roles)}
    for kind, role in new_changed_gone(roles, content.roles):
        facts = {**name, "role": _role_title(compared, role)}
        yield LoadStep(LoadChange(kind, "agreement", _ROLE_OF_AGREEMENT[kind], facts))
    said_duties = of(Obligation).where(Obligation.agreement_version_id == row.id)
    duties = {one.key: one for one in every(compared.session, said_duties)}
    for kind, duty in new_changed_gone(duties, content.obligations):
        now = content.obligations.get(duty)
        text = now or duties[duty]
        facts = {**name, "duty": Bilingual(fr=text.text_fr, en=text.text_en).model_dump(), "clause": duty}
        yield LoadStep(LoadChange(kind, "obligation", _OBLIGATION[kind], facts))
    if row.terms != content.terms or row.notice_days != content.notice_days:
        said = N_(
            "%(organization)s: the title, notice, resources, clauses, sharing of information or majority changed."
        )
        yield LoadStep(LoadChange("changed", "agreement", said, name))


def _without_agreement(compared: Comparison, key: str, row: _Version) -> Iterator[LoadStep]:
    facts = {"organization": compared.organizations[key].short_name}
    versions = every(
        compared.session, _versions().where(Organization.key == key).order_by(col(AgreementVersion.starts_on))
    )
    begun = [version for version in versions if version.state in BEGUN]
    if not any(version.state == "in_force" for version in begun):
        said = N_("The file no longer has an agreement with %(organization)s; none was in force.")
        yield LoadStep(LoadChange("ended", "agreement", said, facts), None, row.agreement_id)
        return

    def write(act: LoadRun) -> None:
        for version in begun:
            _end_today(act, version)

    said = N_("The agreement with %(organization)s is no longer in the file, and ends today.")
    yield LoadStep(LoadChange("ended", "agreement", said, facts), write)


def _end_today(act: LoadRun, version: AgreementVersion) -> None:
    """End a version in force on the day of the load, and cancel one that was to begin later. None is prolonged."""
    if surely(version.starts_on) > act.day:
        terminations.call_off_version(act.session, version.id, last=act.day, by=act.by, at=act.at)
        return
    if version.state == "ended" and surely(version.ends_on) < act.day:
        return
    last = min(act.day, version.ends_on or act.day)
    terminations.end_version(act.session, version.id, ends_on=last, by=act.by, at=act.at)
    renewals.call_off(act.session, version.id, last=last, by=act.by, at=act.at)


def _latest_versions(compared: Comparison) -> dict[str, _Version]:
    """The version with the highest number of each organization's agreement, by the organization's key."""
    rows = every(compared.session, _versions().order_by(col(AgreementVersion.n)))
    return {row.organization: row for row in rows}


def _role_title(compared: Comparison, role: str) -> object:
    file = compared.file if role in compared.file.roles else compared.before
    titles = {key: one.title for key, one in file.roles.items()} if file else {}
    return titles.get(role) or role  # type: ignore[call-overload]  # a key that this file may not have


class _Version(AgreementVersion):
    """A version of an agreement, and the key of its organization."""

    model_config = SHAPE
    organization: str = also(Organization.key)


def _versions() -> SelectOfScalar[_Version]:
    return (
        of(_Version)
        .join(Agreement, agreements.of_agreement())
        .join(Organization, joins(Agreement.organization_id, Organization))
    )
