"""The other cases that can be opened by hand, sooner than by themselves: procedures about no new person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from api.access.permissions import Action, is_allowed, to_program
from api.access.session import RequestContext
from api.web.readers import id_or_none
from domain.casework import CaseSubject, protocol_of
from domain.declarations import Protocol
from domain.kernel import Refusal, col, in_program, joins, lasts, only, periods, run, select, tuples
from locales import N_, pick, say
from models.agreement import Agreement, AgreementVersion
from models.casework import Case, ProtocolVersion
from models.program import Organization, Tenure

_PARTS: Final = 4
#: What a case that is opened here may be about.
_OPENED_HERE: Final = ("program", "organization", "agreement_version")
_NAMED = N_("%(protocol)s – %(subject)s")
_AGREEMENT = N_("%(organization)s, agreement version %(number)s")
_FOR = N_("%(subject)s, %(period)s")

#: How far around today a quarter or a year is offered.
_AROUND: Final = {"quarter": timedelta(days=92), "calendar_year": timedelta(days=183)}


def choices(context: RequestContext) -> list[tuple[str, str]]:
    """What the reader may open a case of and that never had one: the form's value, and the words for it."""
    found: list[tuple[str, str]] = []
    for key, protocol in _protocols(context).items():
        subjects, each = list(_subjects(context, protocol)), _periods(context, protocol)
        known = _had(context, key, [subject for subject, _ in subjects], each, once=protocol.starts is not None)
        title = pick(context.language, protocol.title)
        for subject, words in subjects:
            for period in each:
                if (subject.organization_id, subject.agreement_version_id, period) in known:
                    continue
                place = subject.organization_id
                if not is_allowed(Action.OPEN_CASE, to_program(context.asker, organizations=[place] if place else [])):
                    continue
                value = f"{key}/{place or ''}/{subject.agreement_version_id or ''}/{period}"
                found.append(
                    (value, say(context.language, _NAMED, protocol=title, subject=_about(context, words, period)))
                )
    return found


def chosen(value: str) -> tuple[str, CaseSubject]:
    """The protocol's key and the subject that a form's value stands for. Raises Refusal where it is none."""
    parts = value.split("/")
    if len(parts) != _PARTS or not parts[0]:
        raise Refusal("case.nothing_chosen", N_("Choose the procedure."))
    key, place, version, period = parts
    ids: list[UUID | None] = [id_or_none(place), id_or_none(version)]
    return key, CaseSubject(organization_id=ids[0], agreement_version_id=ids[1], period=period)


def _about(context: RequestContext, words: str, period: str) -> str:
    if not period:
        return words
    said = periods.in_words(period, context.language)
    return say(context.language, _FOR, subject=words, period=said) if words else said


def _protocols(context: RequestContext) -> dict[str, Protocol]:
    """The program’s protocols in their current versions; those about a person have doors of their own."""
    rows = context.session.scalars(
        select(ProtocolVersion)
        .where(in_program(ProtocolVersion))
        .order_by(col(ProtocolVersion.key), col(ProtocolVersion.number), col(ProtocolVersion.recorded_at))
    )
    read = {row.key: row for row in rows}
    found = {key: protocol_of(row) for key, row in read.items()}
    return {key: protocol for key, protocol in found.items() if protocol.subject.kind in _OPENED_HERE}


def _periods(context: RequestContext, protocol: Protocol) -> list[str]:
    each = protocol.starts.each if protocol.starts else None
    if each is None:
        return [""]
    around = _AROUND[each]
    return [one.key for one in periods.overlapping(each, context.day - around, context.day + around)]


def _had(
    context: RequestContext, key: str, subjects: Sequence[CaseSubject], each: Sequence[str], *, once: bool
) -> set[tuple[UUID | None, UUID | None, str]]:
    """Which of these subjects and periods have a case, or ever had one where there is only `once` one."""
    asked = only(Case.organization_id, Case.agreement_version_id, Case.period).where(
        Case.protocol == key, col(Case.period).in_(each)
    )
    asked = asked.distinct()
    versions = [one.agreement_version_id for one in subjects if one.agreement_version_id is not None]
    if versions:
        asked = asked.where(col(Case.agreement_version_id).in_(versions))
    rows = run(context.session, asked if once else asked.where(Case.state == "open"))
    return {(row[0], row[1], row[2]) for row in rows}


def _subjects(context: RequestContext, protocol: Protocol) -> Iterator[tuple[CaseSubject, str]]:
    if protocol.subject.kind == "program":
        yield CaseSubject(), ""
    elif protocol.subject.kind == "organization":
        for organization_id, name in tuples(
            context.session,
            only(Organization.id, Organization.short_name)
            .join(Tenure, joins(Tenure.organization_id, Organization))
            .where(Tenure.role == protocol.subject.having, lasts(Tenure, context.day))
            .distinct()
            .order_by(col(Organization.short_name)),
        ):
            yield CaseSubject(organization_id=organization_id), name
    else:
        for version_id, n, organization_id, name in tuples(
            context.session,
            only(AgreementVersion.id, AgreementVersion.n, Agreement.organization_id, Organization.short_name)
            .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
            .join(Organization, joins(Agreement.organization_id, Organization))
            .where(col(AgreementVersion.state).in_(["in_force", "ended"]), lasts(AgreementVersion, context.day))
            .order_by(col(Organization.short_name), col(AgreementVersion.n)),
        ):
            subject = CaseSubject(organization_id=organization_id, agreement_version_id=version_id)
            yield subject, say(context.language, _AGREEMENT, organization=name, number=n)
