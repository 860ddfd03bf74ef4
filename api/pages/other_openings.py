"""The other cases that can be opened by hand, sooner than by themselves: procedures about no new person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlmodel import or_

from api.access.permissions import Action, allows, to_program
from api.access.session import Desk
from api.web.readers import id_or_none
from domain.casework.scheduling import protocol_of
from domain.casework.subjects import Subject
from domain.declarations.protocol import Protocol
from domain.kernel import periods
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, in_program, joins, only, run, select, tuples
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


def choices(desk: Desk) -> list[tuple[str, str]]:
    """What the reader may open a case of and that never had one: the form's value, and the words for it."""
    found: list[tuple[str, str]] = []
    for key, protocol in _protocols(desk).items():
        known = _had(desk, key, once=protocol.starts is not None)
        title = pick(desk.language, protocol.title)
        for subject, words in _subjects(desk, protocol):
            for period in _periods(desk, protocol):
                if (subject.organization_id, subject.agreement_version_id, period) in known:
                    continue
                place = subject.organization_id
                if allows(Action.OPEN_CASE, to_program(desk.asker, organizations=[place] if place else [])) is None:
                    continue
                value = f"{key}/{place or ''}/{subject.agreement_version_id or ''}/{period}"
                found.append((value, say(desk.language, _NAMED, protocol=title, subject=_about(desk, words, period))))
    return found


def chosen(value: str) -> tuple[str, Subject]:
    """The protocol's key and the subject that a form's value stands for. Raises Refusal where it is none."""
    parts = value.split("/")
    if len(parts) != _PARTS or not parts[0]:
        raise Refusal("case.nothing_chosen", N_("Choose the procedure."))
    key, place, version, period = parts
    ids: list[UUID | None] = [id_or_none(place), id_or_none(version)]
    return key, Subject(organization_id=ids[0], agreement_version_id=ids[1], period=period)


def _about(desk: Desk, words: str, period: str) -> str:
    if not period:
        return words
    said = periods.in_words(period, desk.language)
    return say(desk.language, _FOR, subject=words, period=said) if words else said


def _protocols(desk: Desk) -> dict[str, Protocol]:
    """The program’s protocols in their current versions; those about a person have doors of their own."""
    rows = desk.session.scalars(
        select(ProtocolVersion)
        .where(in_program(ProtocolVersion))
        .order_by(col(ProtocolVersion.key), col(ProtocolVersion.number), col(ProtocolVersion.recorded_at))
    )
    read = {row.key: row for row in rows}
    found = {key: protocol_of(row) for key, row in read.items()}
    return {key: protocol for key, protocol in found.items() if protocol.subject.kind in _OPENED_HERE}


def _periods(desk: Desk, protocol: Protocol) -> list[str]:
    each = protocol.starts.each if protocol.starts else None
    if each is None:
        return [""]
    around = _AROUND[each]
    return [one.key for one in periods.overlapping(each, desk.day - around, desk.day + around)]


def _had(desk: Desk, key: str, *, once: bool) -> set[tuple[UUID | None, UUID | None, str]]:
    asked = only(Case.organization_id, Case.agreement_version_id, Case.period).where(Case.protocol == key)
    rows = run(desk.session, asked if once else asked.where(Case.state == "open"))
    return {(row[0], row[1], row[2]) for row in rows}


def _subjects(desk: Desk, protocol: Protocol) -> Iterator[tuple[Subject, str]]:
    if protocol.subject.kind == "program":
        yield Subject(), ""
    elif protocol.subject.kind == "organization":
        for organization_id, name in tuples(
            desk.session,
            only(Organization.id, Organization.short_name)
            .join(Tenure, joins(Tenure.organization_id, Organization))
            .where(
                Tenure.role == protocol.subject.having,
                or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) >= desk.day),
            )
            .distinct()
            .order_by(col(Organization.short_name)),
        ):
            yield Subject(organization_id=organization_id), name
    else:
        for version_id, n, organization_id, name in tuples(
            desk.session,
            only(AgreementVersion.id, AgreementVersion.n, Agreement.organization_id, Organization.short_name)
            .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
            .join(Organization, joins(Agreement.organization_id, Organization))
            .where(
                col(AgreementVersion.state).in_(["in_force", "ended"]),
                or_(col(AgreementVersion.ends_on).is_(None), col(AgreementVersion.ends_on) >= desk.day),
            )
            .order_by(col(Organization.short_name), col(AgreementVersion.n)),
        ):
            subject = Subject(organization_id=organization_id, agreement_version_id=version_id)
            yield subject, say(desk.language, _AGREEMENT, organization=name, number=n)
