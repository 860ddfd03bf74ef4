"""Obligations as they stand, read for pages, agendas and statements: what is stored, never judged here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, Self, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Date, case, cast, func, literal_column
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.declarations import DOCUMENT, STATEMENT, STEP, WORD, Fact, grouped, stands_of
from domain.kernel import SHAPE, also, col, every, joins, lasts, of, replaced, value_of
from domain.obligations import proofs
from domain.obligations.wording import STATES
from models.agreement import Agreement, Obligation
from models.casework import Evidence
from models.obligation import Attestation, Found, ObligationDocument, ObligationFinding, ObligationPeriod
from models.program import Organization, Person
from models.stored import JsonObject

#: The condition on a finding that it is a period's present one.
PRESENT: Final = and_(
    joins(ObligationFinding.period_id, ObligationPeriod), ObligationFinding.n == ObligationPeriod.finding
)

_looker = aliased(Person, name="looker")
_FOR_EVER: Final = cast(literal_column("'infinity'"), Date)


P = TypeVar("P", bound=ObligationPeriod)


class _Given(SQLModel):
    """The giver of a proof, and the word on it: by which person, when and in which words."""

    given_name: str | None = also(Person.given_name)
    family_name: str | None = also(Person.family_name)
    looked_at_as: str = also(value_of(func.coalesce(col(WORD.said), "")))
    looked_at_by: UUID | None = also(WORD.said_by)
    looked_at: datetime | None = also(WORD.said_at)
    looked_at_reason: str = also(value_of(func.coalesce(col(WORD.reason), "")))
    looker_given_name: str | None = also(_looker.given_name)
    looker_family_name: str | None = also(_looker.family_name)


class GivenDocument(_Given, ObligationDocument):
    """A document that was given for a clause, with its giver and the word on it."""

    model_config = SHAPE


class StatementGiven(_Given, Attestation):
    """A statement about a period, with its author and the word on it."""

    model_config = SHAPE


class StepDocument(_Given, Evidence):
    """The document of a procedure's step, with its giver and the word on it."""

    model_config = SHAPE


class Hands(NamedTuple):
    """Who gave a proof and when, and who accepted or returned it."""

    given_at: datetime
    given_name: str | None
    family_name: str | None
    looked_at_as: str
    looked_at: datetime | None
    looker_given_name: str | None
    looker_family_name: str | None

    @classmethod
    def of(cls, proof: _Given, given_at: datetime) -> Self:
        """The hands of a proof as it is read here."""
        return cls(given_at, *(getattr(proof, name) for name in cls._fields[1:]))


class PeriodRead(ObligationPeriod):
    """A period with its clause, its partner, and its present finding."""

    model_config = SHAPE

    found: Found = also(ObligationFinding.found)
    found_on: date = also(ObligationFinding.on)
    organization_id: UUID = also(Agreement.organization_id)
    short_name: str = also(Organization.short_name)
    organization_key: str = also(Organization.key)
    text_fr: str = also(Obligation.text_fr)
    text_en: str = also(Obligation.text_en)
    owed_by: str = also(Obligation.owed_by)
    check_kind: str = also(Obligation.check_kind)
    rule: JsonObject = also(Obligation.rule)
    sources: list[str] = also(Obligation.sources)
    how_often: str = also(Obligation.period)


#: The worst first: how a state ranks where something has to be done about it.
WORST_FIRST: Final = tuple(STATES)
#: How long after its last day for proof a miss is discussed: a committee that meets twice a year, and not quite every
#: six months, meets within it.
TALKED_ABOUT: Final = timedelta(days=240)
#: Whatever else ended longer ago, its days for proof counted, is history.
LATELY: Final = timedelta(days=120)


def periods(
    session: Session,
    *,
    organization_ids: Collection[UUID] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> list[PeriodRead]:
    """Periods with their clause and present finding, of these organizations or of all.

    `since` and `until` choose those that share a day with the time between them. In the order of the partners' names,
    then of the clauses, then of the days.
    """
    conditions: list[ColumnElement[bool]] = []
    if organization_ids is not None:
        conditions.append(col(Agreement.organization_id).in_(list(organization_ids)))
    if since is not None:
        conditions.append(lasts(ObligationPeriod, since))
    if until is not None:
        conditions.append(col(ObligationPeriod.starts_on) <= until)
    return _rows(session, *conditions)


def lately(session: Session, on: date, *, organization_ids: Collection[UUID]) -> list[PeriodRead]:
    """The periods of these organizations that are open on the local day `on` or ended lately, as `periods` has them.

    A period with days of grace ends with them. One that was missed stays for as long as committees talk about it, and
    one with given proof until that was looked at.
    """
    return _rows(
        session,
        col(Agreement.organization_id).in_(list(organization_ids)),
        col(ObligationPeriod.starts_on) <= on,
        or_(
            _goes_on_after(on - LATELY),
            and_(ObligationPeriod.state == "missed", _goes_on_after(on - TALKED_ABOUT)),
            ObligationPeriod.state == "given",
        ),
    )


def as_of(session: Session, rows: Sequence[PeriodRead], day: date) -> list[PeriodRead]:
    """Periods as they had been judged by the local `day`, where they go on after it; the others as they stand.

    A period that ended by then has its last finding, since proof may come in the days of grace. One that was first
    judged later has that first finding.
    """
    later = [row.id for row in rows if row.ends_on is None or row.ends_on > day]
    found: dict[UUID, ObligationFinding] = {}
    for one in every(
        session,
        of(ObligationFinding).where(col(ObligationFinding.period_id).in_(later)).order_by(col(ObligationFinding.n)),
    ):
        if one.on <= day or one.period_id not in found:
            found[one.period_id] = one
    return [
        replaced(row, state=now.state, found=now.found, found_on=now.on)
        if (now := found.get(row.id)) is not None
        else row
        for row in rows
    ]


def period(session: Session, period_id: UUID) -> PeriodRead | None:
    """One period, as `periods` has it; None where there is none."""
    return next(iter(_rows(session, col(ObligationPeriod.id) == period_id)), None)


def at_risk(session: Session, on: date) -> list[PeriodRead]:
    """What is at risk, cannot be met any more, or was missed lately, as it stands; by partner, the worst first.

    Lately counts from the last day for proof: with days of grace a period is missed only after they are over.
    """
    rows = _rows(
        session,
        or_(
            col(ObligationPeriod.state).in_(["at_risk", "cannot_be_met"]),
            and_(ObligationPeriod.state == "missed", _goes_on_after(on - TALKED_ABOUT)),
        ),
    )
    return sorted(rows, key=lambda row: (row.short_name, WORST_FIRST.index(row.state), row.key))


def findings_of(session: Session, period_id: UUID) -> list[ObligationFinding]:
    """The findings on a period, the newest first."""
    return every(
        session,
        of(ObligationFinding).where(ObligationFinding.period_id == period_id).order_by(col(ObligationFinding.n).desc()),
    )


def documents_of(session: Session, agreement_id: UUID, key: str) -> list[GivenDocument]:
    """The documents given for a clause, withdrawn ones included, by the day that they speak of; never their bytes.

    The word on each is `looked_at_as`: "" while it was not looked at, or one of `models.obligation.LOOKED_AT_AS`; with
    the person, the time and the words.
    """
    return every(
        session,
        _documents()
        .where(ObligationDocument.agreement_id == agreement_id, ObligationDocument.key == key)
        .order_by(col(ObligationDocument.effective_on).desc(), col(ObligationDocument.added_at).desc()),
    )


def attestations_of(session: Session, period_id: UUID) -> list[StatementGiven]:
    """The statements about a period, the newest first; the one without `superseded_at` stands.

    With the word on each, as `documents_of` has it.
    """
    return every(
        session,
        _stated()
        .where(Attestation.period_id == period_id)
        .order_by(col(Attestation.said_at).desc(), col(Attestation.superseded_at).desc().nulls_first()),
    )


def documents_of_steps(session: Session, task_ids: Collection[UUID]) -> list[StepDocument]:
    """The documents of these steps of procedures, without withdrawn ones, with the word on each."""
    return every(
        session,
        of(StepDocument)
        .outerjoin(Person, joins(Evidence.added_by, Person))
        .outerjoin(WORD, stands_of(col(WORD.evidence_id), Evidence))
        .outerjoin(_looker, joins(WORD.said_by, _looker))
        .where(*proofs.documents_of_steps(task_ids))
        .order_by(col(Evidence.added_at), col(Evidence.id)),
    )


def hands_of(session: Session, facts: Collection[Fact]) -> dict[str, Hands]:
    """Who gave each proof among these facts, and who accepted or returned it, by the fact's id."""
    ids = grouped(facts, lambda fact: fact.kind)
    papers, said, tasks = ([UUID(fact.id) for fact in ids[kind.key]] for kind in (DOCUMENT, STATEMENT, STEP))
    documents = every(session, _documents().where(col(ObligationDocument.id).in_(papers))) if papers else []
    stated = every(session, _stated().where(col(Attestation.id).in_(said))) if said else []
    steps = documents_of_steps(session, tasks) if tasks else []
    return {
        **{str(row.id): Hands.of(row, row.added_at) for row in documents},
        **{str(row.id): Hands.of(row, row.said_at) for row in stated},
        **{str(row.task_id): Hands.of(row, row.added_at) for row in steps},
    }


def _documents() -> SelectOfScalar[GivenDocument]:
    return (
        of(GivenDocument)
        .outerjoin(Person, joins(ObligationDocument.added_by, Person))
        .outerjoin(WORD, stands_of(col(WORD.document_id), ObligationDocument))
        .outerjoin(_looker, joins(WORD.said_by, _looker))
    )


def _stated() -> SelectOfScalar[StatementGiven]:
    return (
        of(StatementGiven)
        .join(Person, joins(Attestation.person_id, Person))
        .outerjoin(WORD, stands_of(col(WORD.attestation_id), Attestation))
        .outerjoin(_looker, joins(WORD.said_by, _looker))
    )


def _goes_on_after(day: date) -> ColumnElement[bool]:
    """The condition that a period has a day for proof on a local day or later; one without an end always has."""
    ends_on = col(ObligationPeriod.ends_on)
    return case((ends_on.is_(None), _FOR_EVER), else_=func.coalesce(col(ObligationPeriod.due_on), ends_on)) >= day


def periods_as(shape: type[P]) -> SelectOfScalar[P]:
    """Periods, each with its partner, its clause and the finding that stands, as a shape has them."""
    return (
        of(shape)
        .join(Agreement, joins(ObligationPeriod.agreement_id, Agreement))
        .join(Organization, joins(Agreement.organization_id, Organization))
        .join(Obligation, joins(ObligationPeriod.obligation_id, Obligation))
        .join(ObligationFinding, PRESENT)
    )


def _rows(session: Session, *conditions: ColumnElement[bool]) -> list[PeriodRead]:
    in_order = (col(Organization.short_name), col(ObligationPeriod.key), col(ObligationPeriod.starts_on))
    return every(session, periods_as(PeriodRead).where(*conditions).order_by(*in_order))
