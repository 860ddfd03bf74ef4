"""Finds the subject of a case when it opens, and says it in words, for every kind of subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, bindparam
from sqlmodel import Session, and_
from sqlmodel.sql.expression import SelectOfScalar

from domain.declarations import Protocol
from domain.kernel import (
    SHAPE,
    Question,
    Refusal,
    also,
    built,
    col,
    every,
    first,
    joins,
    kept_by_id,
    of,
    only,
    periods,
    program,
    program_of,
    run,
    scalar,
    select,
)
from domain.roles import lock_person, never_began
from domain.terms import PartnerVersion
from locales import N_, say
from models.agreement import Agreement, AgreementVersion
from models.casework import SUBJECT_AND_PERIOD, Case, ProtocolVersion
from models.participant import Participant
from models.program import Organization, Person, Program, Tenure

#: The role that the case's person holds there.
ROLE_OF_WORKER: Final = "youth_worker"


@dataclass(frozen=True)
class CaseSubject:
    """What a case is to be about, as its columns say it: the ids that its kind wants, and the period, if it has one."""

    subject_id: UUID | None = None
    organization_id: UUID | None = None
    agreement_version_id: UUID | None = None
    period: str = ""
    participant_id: UUID | None = None


@dataclass(frozen=True)
class FoundSubject:
    """A subject that was found: what a case says of it, and its days by the names that anchors use."""

    about: CaseSubject
    days: Mapping[str, date | None]


def hold_subject(session: Session, protocol: Protocol, asked: CaseSubject) -> FoundSubject:
    """The subject of a case that is about to open, locked so that of two who open at once the second is told.

    Raises Refusal: no such thing, one of another kind than the protocol's, or not the period that it wants.
    """
    found = _HOLDING[protocol.subject.kind](session, protocol, asked)
    each = protocol.starts.each if protocol.starts else None
    if each is None:
        if asked.period:
            raise Refusal("case.no_period", N_("A case of this protocol is for no period."))
        return found
    if not periods.is_of(asked.period, each):
        raise Refusal("case.period_missing", _WHICH_PERIOD[each])
    span = periods.period(asked.period)
    assert span is not None  # noqa: S101 - it is one of that length
    days = {"period.starts_on": span.starts_on, "period.ends_on": span.ends_on}
    return FoundSubject(replace(found.about, period=asked.period), {**found.days, **days})


def same_subject(about: Case | CaseSubject, case: type[Case] = Case) -> ColumnElement[bool]:
    """The condition on a case, or an alias of it, that it has the subject and period of another one, or one to be."""
    same = ((col(getattr(case, name)), getattr(about, name)) for name in SUBJECT_AND_PERIOD)
    return and_(*(column.is_(None) if value is None else column == value for column, value in same))


def notice_day(version: AgreementVersion) -> date | None:
    """The local day from which the notice that an agreement's version asks for runs to its last day."""
    return version.ends_on - timedelta(days=version.notice_days) if version.ends_on else None


# ----------------------------------------------------------------------------------------------------------- holding


def _hold_worker(session: Session, protocol: Protocol, asked: CaseSubject) -> FoundSubject:  # noqa: ARG001 - as its kin
    person_id = lock_person(session, asked.subject_id).id
    tenure = tenure_of(session, person_id, asked.organization_id)
    return FoundSubject(
        CaseSubject(person_id, asked.organization_id),
        {"worker.starts_on": tenure.starts_on, "worker.ends_on": tenure.ends_on},
    )


def _hold_member(session: Session, protocol: Protocol, asked: CaseSubject) -> FoundSubject:  # noqa: ARG001 - as its kin
    lock_person(session, asked.subject_id)
    last = run(
        session,
        only(Tenure.ends_on)
        .where(Tenure.person_id == asked.subject_id, Tenure.organization_id == asked.organization_id)
        .order_by(col(Tenure.ends_on).desc().nulls_first())
        .limit(1),
    ).first()
    if last is None:
        raise Refusal("departure.no_role", N_("This person holds no role at this organization."))
    return FoundSubject(CaseSubject(asked.subject_id, asked.organization_id), {"member.ends_on": last.ends_on})


def _hold_organization(session: Session, protocol: Protocol, asked: CaseSubject) -> FoundSubject:
    _refuse_person(asked)
    if asked.organization_id is None or not scalar(
        session, only(Organization.id).where(Organization.id == asked.organization_id).with_for_update(key_share=True)
    ):
        raise Refusal("organization.unknown", N_("There is no such organization."))
    if not scalar(
        session,
        only(Tenure.id)
        .where(Tenure.organization_id == asked.organization_id, Tenure.role == protocol.subject.having)
        .limit(1),
    ):
        raise Refusal("case.not_concerned", N_("No one there holds the role that this protocol is for."))
    return FoundSubject(CaseSubject(organization_id=asked.organization_id), {})


def _hold_agreement(session: Session, protocol: Protocol, asked: CaseSubject) -> FoundSubject:  # noqa: ARG001 - as its kin
    _refuse_person(asked)
    held = first(
        session,
        of(PartnerVersion)
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .where(AgreementVersion.id == asked.agreement_version_id)
        .with_for_update(of=AgreementVersion, key_share=True),
    )
    if held is None or asked.organization_id not in (None, held.organization_id):
        raise Refusal("agreement.unknown", N_("There is no such agreement."))
    days = {
        "agreement.starts_on": held.starts_on,
        "agreement.ends_on": held.ends_on,
        "agreement.notice_on": notice_day(held),
    }
    return FoundSubject(CaseSubject(agreement_version_id=held.id, organization_id=held.organization_id), days)


def _hold_program(session: Session, protocol: Protocol, asked: CaseSubject) -> FoundSubject:  # noqa: ARG001 - as its kin
    _refuse_person(asked)
    _refuse_organization(asked)
    # Whatever else is written in the program meanwhile refers to this row, and does not wait.
    run(session, select(Program.id).where(col(Program.id) == program_of(session)).with_for_update(key_share=True))
    return FoundSubject(CaseSubject(), {})


def _hold_participant(session: Session, protocol: Protocol, asked: CaseSubject) -> FoundSubject:  # noqa: ARG001 - as its kin
    _refuse_person(asked)
    _refuse_organization(asked)
    if asked.participant_id is None or not scalar(
        session,
        only(Participant.id)
        .where(Participant.id == asked.participant_id, col(Participant.state).not_in(["draft", "destroyed"]))
        .with_for_update(key_share=True),
    ):
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    return FoundSubject(CaseSubject(participant_id=asked.participant_id), {})


_HOLDING: Final = {
    "participant": _hold_participant,
    "worker": _hold_worker,
    "member": _hold_member,
    "organization": _hold_organization,
    "agreement_version": _hold_agreement,
    "program": _hold_program,
}


def _refuse_person(asked: CaseSubject) -> None:
    if asked.subject_id is not None:
        raise Refusal("case.not_of_a_person", N_("A case of this protocol is not about a person."))


def _refuse_organization(asked: CaseSubject) -> None:
    if asked.organization_id is not None:
        raise Refusal("case.of_no_organization", N_("A case of this protocol belongs to the program as a whole."))


_WHICH_PERIOD: Final = {
    "quarter": N_("Say the quarter that this case is for, such as 2026-Q3."),
    "calendar_year": N_("Say the year that this case is for, such as 2026."),
}


def tenure_of(session: Session, person_id: UUID, organization_id: UUID | None) -> Tenure:
    """The person's latest tenure of the youth worker's role at an organization. Raises Refusal where there is none."""
    found = first(
        session,
        of(Tenure)
        .where(
            Tenure.person_id == person_id,
            Tenure.organization_id == organization_id,
            Tenure.role == ROLE_OF_WORKER,
            ~never_began(),
        )
        .order_by(col(Tenure.starts_on).desc())
        .limit(1),
    )
    if found is None:
        raise Refusal(
            "case.no_tenure", N_("This person does not hold the role at this organization. Appoint them first.")
        )
    return found


# ------------------------------------------------------------------------------------------------------------- words


@dataclass(frozen=True)
class SubjectInWords:
    """Whom or what a case is about, in one language.

    `subject` is the person, the organization's short name, the version of its agreement, a number or a candidate's
    reference, or the program; with the period, where there is one. `organization` is "" for a case of the program or of
    a participant; `href` the subject's own page, or "". `protocol` is the title of its protocol, `state` its own.
    """

    kind: str
    subject: str
    organization: str
    href: str
    protocol: str
    state: str


class _Named(Case):
    """A case with what names its subject."""

    model_config = SHAPE
    given_name: str | None = also(Person.given_name)
    family_name: str | None = also(Person.family_name)
    short_name: str | None = also(Organization.short_name)
    candidate_ref: str | None = also(Participant.candidate_ref)
    number: str | None = also(Participant.number)
    agreement_id: UUID | None = also(Agreement.id)
    n: int | None = also(AgreementVersion.n)
    protocol_fr: str = also(ProtocolVersion.title_fr)
    protocol_en: str = also(ProtocolVersion.title_en)


_NAMED: Final = built(
    of(_Named)
    .join(ProtocolVersion, joins(Case.protocol_version_id, ProtocolVersion))
    .outerjoin(Person, joins(Case.subject_id, Person))
    .outerjoin(Organization, joins(Case.organization_id, Organization))
    .outerjoin(Participant, joins(Case.participant_id, Participant))
    .outerjoin(AgreementVersion, joins(Case.agreement_version_id, AgreementVersion))
    .outerjoin(Agreement, joins(AgreementVersion.agreement_id, Agreement))
    .where(col(Case.id) == any_(bindparam("cases", type_=ARRAY(Uuid()))))
)


def asked_of_words(ids: Iterable[UUID]) -> Question[SelectOfScalar[_Named]]:
    """What `in_words` asks."""
    return Question(_NAMED, {"cases": sorted(set(ids))})


def in_words(session: Session, ids: Iterable[UUID], language: str) -> dict[UUID, SubjectInWords]:
    """The subject of each of these cases in words. The database is asked once for all of them."""

    def read(wanted: list[UUID]) -> dict[UUID, _Named]:
        return {row.id: row for row in every(session, *asked_of_words(wanted))}

    rows = kept_by_id(session, in_words, ids, read).values()
    title = {"fr": program(session).title_fr, "en": program(session).title_en}.get(language, "") if rows else ""
    return {row.id: _worded(row, title, language) for row in rows}


def _worded(row: _Named, program_title: str, language: str) -> SubjectInWords:
    kind, place = row.subject_kind, row.short_name or ""
    subject, href = place, ""
    if kind in ("worker", "member"):
        subject, href = f"{row.given_name} {row.family_name}".strip(), f"/people/{row.subject_id}"
    elif kind == "agreement_version":
        subject = say(language, N_("%(organization)s, agreement version %(number)s"), organization=place, number=row.n)
        href = f"/program/agreements/{row.agreement_id}"
    elif kind == "program":
        subject = program_title
    elif kind == "participant":
        subject, href = row.number or row.candidate_ref or "", f"/participants/{row.participant_id}"
    if row.period:
        subject = say(language, _FOR, subject=subject, period=periods.in_words(row.period, language))
    return SubjectInWords(
        kind, subject, place, href, row.protocol_fr if language == "fr" else row.protocol_en, row.state
    )


_FOR = N_("%(subject)s, %(period)s")
