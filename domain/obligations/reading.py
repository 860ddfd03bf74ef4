"""Obligations as they stand, read for pages, agendas and statements: what is kept, never judged here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, func, or_, select
from sqlmodel import Session

from domain.kernel.scope import many, program_of
from models.agreement import Agreement, Obligation
from models.base import refers, table_of
from models.casework import Evidence
from models.obligation import Acceptance, Attestation, ObligationDocument, ObligationFinding, ObligationPeriod
from models.program import Organization, Person

_period = table_of(ObligationPeriod)
_finding = table_of(ObligationFinding)
_agreement = table_of(Agreement)
_obligation = table_of(Obligation)
_organization = table_of(Organization)
_document = table_of(ObligationDocument)
_attestation = table_of(Attestation)
_person = table_of(Person)
_evidence = table_of(Evidence)

#: What somebody said of a proof, as `stands_of` joins it.
WORD: Final = table_of(Acceptance).alias("word")
_looker = _person.alias("looker")
_SAID_OF_IT: Final = (
    func.coalesce(WORD.c.said, "").label("looked_at_as"),
    WORD.c.said_by.label("looked_at_by"),
    WORD.c.said_at.label("looked_at"),
    func.coalesce(WORD.c.reason, "").label("looked_at_reason"),
    _looker.c.given_name.label("looker_given_name"),
    _looker.c.family_name.label("looker_family_name"),
)

#: The worst first: how a state ranks where something has to be done about it.
WORST_FIRST: Final = (
    "cannot_be_met",
    "missed",
    "at_risk",
    "awaiting_record",
    "given",
    "nothing_recorded",
    "on_track",
    "not_yet",
    "met",
    "waived",
    "no_occasion",
)
#: What was missed is talked about until so long after its last day for proof: a committee that meets twice a year, and
#: not quite every six months, meets within it.
TALKED_ABOUT: Final = timedelta(days=240)
#: Whatever else ended longer ago, its days for proof counted, is history.
LATELY: Final = timedelta(days=120)

_OF_PERIOD: Final = (
    select(
        _period,
        _finding.c.found,
        _finding.c.on.label("found_on"),
        _agreement.c.organization_id,
        _organization.c.short_name,
        _organization.c.key.label("organization_key"),
        *(_obligation.c[name] for name in ("text_fr", "text_en", "owed_by", "check_kind", "rule", "sources")),
        _obligation.c.period.label("how_often"),
    )
    .join(_agreement, refers(_period.c.agreement_id, _agreement))
    .join(_organization, refers(_agreement.c.organization_id, _organization))
    .join(_obligation, refers(_period.c.obligation_id, _obligation))
    .join(
        _finding,
        and_(
            _finding.c.program_id == _period.c.program_id,
            _finding.c.period_id == _period.c.id,
            _finding.c.n == _period.c.finding,
        ),
    )
)


def periods(
    session: Session,
    *,
    organization_ids: Collection[UUID] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> list[dict[str, Any]]:
    """Periods with their clause and the finding that stands, of these organizations or of all.

    `since` and `until` choose those that share a day with the time between them. In the order of the partners' names,
    then of the clauses, then of the days.
    """
    return _rows(
        session,
        *([_agreement.c.organization_id.in_(list(organization_ids))] if organization_ids is not None else []),
        *([or_(_period.c.ends_on.is_(None), _period.c.ends_on >= since)] if since is not None else []),
        *([_period.c.starts_on <= until] if until is not None else []),
    )


def lately(session: Session, on: date, *, organization_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """The periods of these organizations that are open on the local day `on` or ended lately, as `periods` has them.

    A period with days of grace ends with them; what was missed stays for as long as committees talk about it, and what
    was given until somebody looked at it.
    """
    return _rows(
        session,
        _agreement.c.organization_id.in_(list(organization_ids)),
        _period.c.starts_on <= on,
        or_(
            _goes_on_after(on - LATELY),
            and_(_period.c.state == "missed", _goes_on_after(on - TALKED_ABOUT)),
            _period.c.state == "given",
        ),
    )


def as_of(session: Session, rows: Sequence[Mapping[str, Any]], day: date) -> list[dict[str, Any]]:
    """Periods as they had been found by the local `day`, where they go on after it; the others as they stand.

    A period that ended by then keeps its last finding, since proof may come in the days of grace. One that was found
    for the first time later stands as it was found then.
    """
    later = [row["id"] for row in rows if row["ends_on"] is None or row["ends_on"] > day]
    found: dict[UUID, dict[str, Any]] = {}
    for one in many(
        session,
        select(_finding)
        .where(_finding.c.program_id == program_of(session), _finding.c.period_id.in_(later))
        .order_by(_finding.c.n),
    ):
        if one["on"] <= day or one["period_id"] not in found:
            found[one["period_id"]] = one
    return [
        {**row, "state": now["state"], "found": now["found"], "found_on": now["on"]}
        if (now := found.get(row["id"])) is not None
        else dict(row)
        for row in rows
    ]


def period(session: Session, period_id: UUID) -> dict[str, Any] | None:
    """One period, as `periods` has it; None where there is none."""
    return next(iter(_rows(session, _period.c.id == period_id)), None)


def at_risk(session: Session, on: date) -> list[dict[str, Any]]:
    """What is at risk, cannot be met any more, or was missed lately, as it stands; by partner, the worst first.

    Lately counts from the last day for proof: with days of grace a period is missed only once they are over.
    """
    rows = _rows(
        session,
        or_(
            _period.c.state.in_(["at_risk", "cannot_be_met"]),
            and_(_period.c.state == "missed", _goes_on_after(on - TALKED_ABOUT)),
        ),
    )
    return sorted(rows, key=lambda row: (row["short_name"], WORST_FIRST.index(row["state"]), row["key"]))


def findings_of(session: Session, period_id: UUID) -> list[dict[str, Any]]:
    """How a period was found to stand, the newest first."""
    return many(
        session,
        select(_finding)
        .where(_finding.c.program_id == program_of(session), _finding.c.period_id == period_id)
        .order_by(_finding.c.n.desc()),
    )


def documents_of(session: Session, agreement_id: UUID, key: str) -> list[dict[str, Any]]:
    """The documents given for a clause, those taken back included, by the day that they speak of; never their bytes.

    What somebody said of each stands beside it, as `looked_at_as`: "" while nobody looked at it, or one of
    `models.obligation.LOOKED_AT_AS`; with who, when and the words.
    """
    return many(
        session,
        select(_document, _person.c.given_name, _person.c.family_name, *_SAID_OF_IT)
        .outerjoin(_person, refers(_document.c.added_by, _person))
        .outerjoin(WORD, stands_of(WORD.c.document_id, _document))
        .outerjoin(_looker, refers(WORD.c.said_by, _looker))
        .where(
            _document.c.program_id == program_of(session),
            _document.c.agreement_id == agreement_id,
            _document.c.key == key,
        )
        .order_by(_document.c.effective_on.desc(), _document.c.added_at.desc()),
    )


def attestations_of(session: Session, period_id: UUID) -> list[dict[str, Any]]:
    """What was stated of a period, the newest first; the one without `superseded_at` stands.

    With what was said of each, as `documents_of` has it.
    """
    return many(
        session,
        select(_attestation, _person.c.given_name, _person.c.family_name, *_SAID_OF_IT)
        .join(_person, refers(_attestation.c.person_id, _person))
        .outerjoin(WORD, stands_of(WORD.c.attestation_id, _attestation))
        .outerjoin(_looker, refers(WORD.c.said_by, _looker))
        .where(_attestation.c.program_id == program_of(session), _attestation.c.period_id == period_id)
        .order_by(_attestation.c.said_at.desc(), _attestation.c.superseded_at.desc().nulls_first()),
    )


def documents_of_steps(session: Session, task_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """The documents of these steps of procedures, those taken back left out, with what was said of each."""
    return many(
        session,
        select(
            *(_evidence.c[name] for name in ("id", "task_id", "label", "added_at", "added_by")),
            _person.c.given_name,
            _person.c.family_name,
            *_SAID_OF_IT,
        )
        .outerjoin(_person, refers(_evidence.c.added_by, _person))
        .outerjoin(WORD, stands_of(WORD.c.evidence_id, _evidence))
        .outerjoin(_looker, refers(WORD.c.said_by, _looker))
        .where(
            _evidence.c.program_id == program_of(session),
            _evidence.c.task_id.in_(list(task_ids)),
            _evidence.c.kind == "document",
            _evidence.c.withdrawn_at.is_(None),
        )
        .order_by(_evidence.c.added_at, _evidence.c.id),
    )


def hands_of(session: Session, facts: Collection[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Who gave each proof among these facts, and who accepted or returned it, by the fact's id.

    Each has the columns that `documents_of` has of that, and when it was given as `given_at`.
    """
    ids: dict[str, list[UUID]] = {"document": [], "attestation": [], "task": []}
    for fact in facts:
        if fact["kind"] in ids:
            ids[fact["kind"]].append(UUID(fact["id"]))
    here, found = program_of(session), dict[str, dict[str, Any]]()
    for table, given_by, given_at, proof in (
        (_document, _document.c.added_by, _document.c.added_at, WORD.c.document_id),
        (_attestation, _attestation.c.person_id, _attestation.c.said_at, WORD.c.attestation_id),
    ):
        wanted = ids["document" if table is _document else "attestation"]
        if not wanted:
            continue
        rows = many(
            session,
            select(table.c.id, given_at.label("given_at"), _person.c.given_name, _person.c.family_name, *_SAID_OF_IT)
            .outerjoin(_person, refers(given_by, _person))
            .outerjoin(WORD, stands_of(proof, table))
            .outerjoin(_looker, refers(WORD.c.said_by, _looker))
            .where(table.c.program_id == here, table.c.id.in_(wanted)),
        )
        found |= {str(row["id"]): row for row in rows}
    steps = documents_of_steps(session, ids["task"]) if ids["task"] else []
    return found | {str(row["task_id"]): {**row, "given_at": row["added_at"]} for row in steps}


def stands_of(proof: ColumnElement[Any], table: Table) -> ColumnElement[bool]:
    """The join from a proof to the word that stands of it."""
    return and_(WORD.c.program_id == table.c.program_id, proof == table.c.id, WORD.c.superseded_at.is_(None))


def _goes_on_after(day: date) -> ColumnElement[bool]:
    """The condition that a period has a day for proof on a local day or later; one without an end always has."""
    return or_(_period.c.ends_on.is_(None), func.coalesce(_period.c.due_on, _period.c.ends_on) >= day)


def _rows(session: Session, *conditions: ColumnElement[bool]) -> list[dict[str, Any]]:
    return many(
        session,
        _OF_PERIOD.where(_period.c.program_id == program_of(session), *conditions).order_by(
            _organization.c.short_name, _period.c.key, _period.c.starts_on
        ),
    )
