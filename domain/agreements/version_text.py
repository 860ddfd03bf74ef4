"""The text of a version of an agreement: its roles, obligations and terms, from the program's file or from its rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlalchemy import insert
from sqlmodel import Session

from domain.declarations import DeclaredDuty, ProgramFile
from domain.kernel import Refusal, col, every, first, of, program_of, run
from locales import N_
from models.agreement import AgreementRole, AgreementTerms, AgreementVersion, Obligation
from models.base import InProgram
from models.stored import JsonObject


class RoleText(NamedTuple):
    """How many people are promised for a role, and each one's hours."""

    role: str
    headcount: int = 1
    hours_a_week: float | None = None


class DutyText(NamedTuple):
    """What is owed under a clause, by which role or by the organization, and how that is checked."""

    key: str
    owed_by: str
    text_fr: str
    text_en: str
    period: str
    check_kind: str
    rule: JsonObject
    sources: list[str]


T = TypeVar("T", RoleText, DutyText)


@dataclass(frozen=True)
class Content:
    """The text of a version: `roles` by role and `obligations` by clause, in order, and `terms`, which is the rest.

    The terms have lists where order matters, since the database keeps no order of keys.
    """

    notice_days: int
    roles: Mapping[str, RoleText]
    obligations: Mapping[str, DutyText]
    terms: AgreementTerms

    @property
    def digest(self) -> str:
        """The SHA-256 of everything that the version says."""
        parts = ({key: part._asdict() for key, part in named.items()} for named in (self.roles, self.obligations))
        said = [self.notice_days, *parts, self.terms.as_stored()]
        return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def content_of(file: ProgramFile, organization: str) -> Content:
    """The agreement that the file declares for an organization, its groups written out. Raises KeyError where it has
    none.
    """
    agreement = file.agreements[organization]
    owed = file.obligations_of(organization)
    said = {"oversight": agreement.oversight, "decisions": agreement.decisions}
    return Content(
        notice_days=agreement.notice_days,
        roles={
            role: RoleText(role, created.headcount, created.hours_a_week) for role, created in agreement.roles.items()
        },
        obligations={one.key: _text_of(one) for one in owed},
        terms=AgreementTerms.model_validate(
            {
                "title": agreement.title.model_dump(),
                "resources": [resource.model_dump(mode="json") for resource in agreement.resources],
                "clauses": _listed(file.clauses_of(organization)),
                "information_sharing": _sharing(file, agreement.information_sharing),
                "endorsed_by": {one.key: one.obligation.endorsed_by for one in owed if one.obligation.endorsed_by},
                # Left out where it is not said: a text that was signed before it could be said reads the same.
                **{name: part.model_dump(mode="json", exclude_none=True) for name, part in said.items() if part},
            }
        ),
    )


def _sharing(file: ProgramFile, name: str | None) -> JsonObject | None:
    """The terms of sharing of this name, its committees by their titles; None where nothing is shared."""
    if not name:
        return None
    sharing = file.sharing_terms[name]
    days = sharing.model_dump(mode="json", include={"source", "starts_on", "ends_on"})
    return {
        **days,
        "purposes": _listed(sharing.purposes),
        "information": _listed(sharing.information),
        "bodies": _listed({key: file.committees[key].title for key in sharing.bodies}),
        "safeguards": [text.model_dump() for text in sharing.safeguards],
    }


def _listed(parts: Mapping[str, BaseModel]) -> list[JsonObject]:
    """Parts under names as a list, since the database keeps no order of keys."""
    return [{"key": key, **part.model_dump(mode="json")} for key, part in parts.items()]


def content_of_version(session: Session, version_id: UUID) -> Content:
    """The text of a version, read from its rows: its digest is the version's own unless these were changed behind it.

    Roles and obligations come by their keys. Raises Refusal: no such version.
    """
    row = first(session, of(AgreementVersion).where(AgreementVersion.id == version_id))
    if row is None:
        raise Refusal("agreement.unknown", N_("There is no such agreement."))
    roles = of(AgreementRole).where(AgreementRole.agreement_version_id == version_id)
    duties = of(Obligation).where(Obligation.agreement_version_id == version_id)
    return Content(
        notice_days=row.notice_days,
        roles={one.role: _said(RoleText, one) for one in every(session, roles.order_by(col(AgreementRole.role)))},
        obligations={one.key: _said(DutyText, one) for one in every(session, duties.order_by(col(Obligation.key)))},
        terms=row.terms,
    )


def _said(shape: type[T], row: InProgram) -> T:
    """What a row says as a part of the text."""
    return shape(*(getattr(row, name) for name in shape._fields))


def _text_of(owed: DeclaredDuty) -> DutyText:
    obligation = owed.obligation
    return DutyText(
        key=owed.key,
        text_fr=obligation.text.fr,
        text_en=obligation.text.en,
        owed_by=owed.owner,
        period=obligation.period,
        check_kind=obligation.check.kind,
        rule=obligation.check.rule.model_dump(mode="json", exclude_none=True),
        sources=list(dict.fromkeys(owed.sources)),
    )


def write_parts(session: Session, version_id: UUID, content: Content) -> None:
    """Write the roles and obligations of a version as their rows."""
    for table, parts in ((AgreementRole, content.roles), (Obligation, content.obligations)):
        rows = [
            {"program_id": program_of(session), "id": uuid4(), "agreement_version_id": version_id, **part._asdict()}
            for part in parts.values()
        ]
        if rows:
            run(session, insert(table), rows)
