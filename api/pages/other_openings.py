"""What else a case can be opened of by hand, sooner than by itself: procedures not about somebody who begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select

from api.access.permissions import Action, allows, to_program
from api.access.session import Desk
from api.web.readers import id_or_none
from domain.casework.scheduling import protocol_of
from domain.casework.subjects import Subject
from domain.declarations.protocol import Protocol
from domain.kernel import periods
from domain.kernel.refusals import Refusal
from domain.kernel.scope import many, program_of
from locales import N_, pick, say
from models.agreement import Agreement, AgreementVersion
from models.base import refers, table_of
from models.casework import Case, ProtocolVersion
from models.program import Organization, Tenure

_case = table_of(Case)
_protocol = table_of(ProtocolVersion)
_organization = table_of(Organization)
_tenure = table_of(Tenure)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)

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
        .where(_protocol.c.program_id == program_of(desk.session))
        .order_by(_protocol.c.key, _protocol.c.number, _protocol.c.recorded_at)
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
    asked = select(_case.c.organization_id, _case.c.agreement_version_id, _case.c.period).where(
        _case.c.program_id == program_of(desk.session), _case.c.protocol == key
    )
    rows = desk.session.execute(asked if once else asked.where(_case.c.state == "open"))
    return {(row[0], row[1], row[2]) for row in rows}


def _subjects(desk: Desk, protocol: Protocol) -> Iterator[tuple[Subject, str]]:
    here = program_of(desk.session)
    if protocol.subject.kind == "program":
        yield Subject(), ""
    elif protocol.subject.kind == "organization":
        rows = many(
            desk.session,
            select(_organization.c.id, _organization.c.short_name)
            .join(_tenure, refers(_tenure.c.organization_id, _organization))
            .where(
                _organization.c.program_id == here,
                _tenure.c.role == protocol.subject.having,
                or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= desk.day),
            )
            .distinct()
            .order_by(_organization.c.short_name),
        )
        for row in rows:
            yield Subject(organization_id=row["id"]), row["short_name"]
    else:
        rows = many(
            desk.session,
            select(_version.c.id, _version.c.n, _agreement.c.organization_id, _organization.c.short_name)
            .join(_agreement, refers(_version.c.agreement_id, _agreement))
            .join(_organization, refers(_agreement.c.organization_id, _organization))
            .where(
                _version.c.program_id == here,
                _version.c.state.in_(["in_force", "ended"]),
                or_(_version.c.ends_on.is_(None), _version.c.ends_on >= desk.day),
            )
            .order_by(_organization.c.short_name, _version.c.n),
        )
        for row in rows:
            subject = Subject(organization_id=row["organization_id"], agreement_version_id=row["id"])
            words = say(desk.language, _AGREEMENT, organization=row["short_name"], number=row["n"])
            yield subject, words
