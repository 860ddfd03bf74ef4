"""Who accepts the proof of a clause, who may not, and the task that asks them to look at it.

The coordinator accepts it. What the coordination owes or gave itself is accepted by the manager of another partner that
the agreement names. No one accepts what they gave, owe, or gave as another's deputy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.casework import asking, assigning
from domain.declarations import COORDINATOR, GIVEN, STATEMENT, Fact, clause_without_role, facts_of
from domain.kernel import (
    SHAPE,
    Actor,
    Span,
    also,
    col,
    every,
    first,
    in_program,
    inside,
    joins,
    local_day,
    only,
    program,
    run,
    same,
    scalar,
    scalars,
    select,
    surely,
    value_of,
)
from domain.mail import COORDINATION
from domain.obligations.owing import on_day, up_to, who_owes
from domain.obligations.proofs import givers
from domain.obligations.reading import PRESENT, PeriodRead, periods_as
from domain.roles import DayTenures, Falls, Link, deputies_of, standing
from locales import N_
from models.agreement import Agreement, AgreementVersion, Obligation
from models.casework import Responsibility, Task
from models.obligation import ObligationFinding, ObligationPeriod
from models.program import Organization

#: The steps of the tasks to look at what was given, and to give again what was returned; their item is the period's id.
ACCEPT: Final = "obligation.accept"
GIVE_AGAIN: Final = "obligation.give_again"
#: In how many working days it is looked at, or given again. The guide sets none: lateness is shown and blocks nothing.
DAYS_TO_ACCEPT: Final = 10
DAYS_TO_GIVE_AGAIN: Final = 10

MANAGER: Final = "manager"
#: Those who give a partner's documents, besides the coordinator.
_MAY_GIVE: Final = (MANAGER, "director")
#: A period that waits for nothing more: no one is asked to give again what was returned.
_WAITS_FOR_NOTHING: Final = frozenset({"met", "waived", "no_occasion", GIVEN})

_ASKED: Final = N_("Review the proof of %(organization)s for %(clause)s: accept it, or return it with a note")


class PeriodJudged(PeriodRead):
    """A period with what its proof is judged by; `accepted_at` is the partner that the agreement names to accept it."""

    model_config = SHAPE

    accepted_at: str | None = also(value_of(inside(AgreementVersion.terms)["oversight"]["proof"].astext))


def _periods() -> SelectOfScalar[PeriodJudged]:
    return periods_as(PeriodJudged).join(AgreementVersion, joins(Obligation.agreement_version_id, AgreementVersion))


def period_judged(session: Session, period_id: UUID) -> PeriodJudged | None:
    """One period with what its proof is judged by; None where there is none."""
    return first(session, _periods().where(ObligationPeriod.id == period_id))


def periods_of(session: Session, proof_id: UUID) -> list[PeriodJudged]:
    """The periods for which a proof was looked at and may count, each as `period_judged` has it."""
    rows = every(session, _periods().where(col(ObligationFinding.found).contains({"facts": [{"id": str(proof_id)}]})))
    elsewhere = (str(proof_id), "other_period")
    return [row for row in rows if not any((fact.id, fact.why) == elsewhere for fact in facts_of(row.found))]


def waiting(row: PeriodJudged) -> list[Fact]:
    """The facts of a period that wait to be looked at."""
    return [fact for fact in facts_of(row.found) if fact.why == GIVEN]


def barred(session: Session, row: PeriodJudged, facts: Iterable[Fact], day: date) -> frozenset[UUID]:
    """The people who may not accept these proofs of a period: those who owe it, gave them, or act for one of these.

    Those who owed it on a day of the period count, and those who owe it on the local day.
    """
    days = [Span(row.starts_on, row.ends_on), on_day(day)]
    gave = givers(session, facts)
    return (
        who_owes(session, row.owed_by, row.organization_id, days, acting=up_to(day))
        | gave
        | deputies_of(session, gave, [on_day(day)])
    )


def falls_on(session: Session, row: PeriodJudged, today: DayTenures) -> Falls:
    """Those who are to look at what waits of a period on a day: the ones asked, or those it was handed back to."""
    handed: list[Link] | None = scalar(
        session,
        select(Responsibility.links)
        .join(Task, same(Task, Responsibility) & (col(Task.owed_by_id) == col(Responsibility.id)))
        .where(
            in_program(Task),
            Task.step == ACCEPT,
            col(Task.item) == str(row.id),
            Task.state == "open",
            col(Task.handed_back_at).is_not(None),
        )
        .limit(1),
    )
    return today.falls(chain_of(session, row, today) if handed is None else handed)


def chain_of(session: Session, row: PeriodJudged, day: DayTenures) -> list[Link]:
    """The chain that looks at what waits of a period: the coordinator, and behind them managers of other partners.

    A link is left out where all who hold it today are barred; a vacant one stays, for its next holder.
    """
    out = barred(session, row, waiting(row), day.day)
    links = [*COORDINATION, *_managers_elsewhere(session, row)]
    able = [link for link in links if _has_somebody_else(day, link, out)]
    return able or links


def _managers_elsewhere(session: Session, row: PeriodJudged) -> list[Link]:
    """The managers of the other partners: of the one that the agreement names first, of the coordination's own last."""
    rows = run(
        session,
        only(Organization.id, Organization.key)
        .join(Agreement, joins(Agreement.organization_id, Organization))
        .where(Organization.id != row.organization_id)
        .order_by(col(Organization.short_name)),
    ).all()
    hosts = program(session).coordination.organizations
    in_order = sorted(rows, key=lambda one: (one.key != row.accepted_at, str(one.id) in hosts))  # by name else
    return [Link(MANAGER, str(one.id)) for one in in_order]


def _has_somebody_else(day: DayTenures, link: Link, out: Collection[UUID]) -> bool:
    holders = day.falls([link]).holders
    return not holders or any(holder.person_id not in out and holder.acting_for not in out for holder in holders)


# ------------------------------------------------------------------------------------------------------ what is asked


def ask(session: Session, *, by: Actor, at: datetime, whole: bool) -> None:
    """Ask for a look at what waits, once a period; and cancel the question where nothing waits.

    With `whole`, a question moves to others where those who had it may not answer, or another may by now.
    """
    rows = every(
        session,
        _periods()
        .where(col(ObligationFinding.found).contains({"facts": [{"why": GIVEN}]}))
        .order_by(col(ObligationPeriod.due_on), col(ObligationPeriod.key), col(ObligationPeriod.id)),
    )
    waits, asked = {row.id for row in rows}, {UUID(one.item): one for one in asking.open_ones(session, ACCEPT)}
    for period_id in sorted(asked.keys() - waits):
        asking.no_more(session, ACCEPT, period_id, by=by, at=at)
    # Those of which nobody is asked yet come first.
    to_ask = sorted((row for row in rows if whole or row.id not in asked), key=lambda row: row.id in asked)
    today = standing(session, local_day(session, at)) if to_ask else None
    for row in to_ask:
        _ask_to_look(session, row, asked.get(row.id), surely(today), by=by, at=at)
    _ask_no_more_to_give(session, by=by, at=at)


def _ask_to_look(
    session: Session, row: PeriodJudged, asked: asking.AskingTask | None, today: DayTenures, *, by: Actor, at: datetime
) -> None:
    chain = chain_of(session, row, today)
    if asked is not None:
        if asked.links == chain:
            return
        asking.no_more(session, ACCEPT, row.id, by=by, at=at)
    asking.ask(
        session,
        ACCEPT,
        row.id,
        _ASKED,
        chain=chain,
        working_days=DAYS_TO_ACCEPT,
        by=by,
        at=at,
        organization=row.short_name,
        clause=clause_without_role(row.key),
    )


def _ask_no_more_to_give(session: Session, *, by: Actor, at: datetime) -> None:
    """End the tasks to give again what is not wanted any more."""
    tasks = asking.open_ones(session, GIVE_AGAIN)
    if not tasks:
        return
    settled = scalars(
        session,
        only(ObligationPeriod.id)
        .join(ObligationFinding, PRESENT)
        .where(
            col(ObligationPeriod.id).in_([UUID(task.item) for task in tasks]),
            # What was returned and then withdrawn is asked for as if nothing had been given.
            or_(
                col(ObligationPeriod.state).in_(_WAITS_FOR_NOTHING),
                ~col(ObligationFinding.found).contains({"facts": [{"why": "returned"}]}),
            ),
        ),
    ).all()
    for task in tasks:
        if UUID(task.item) in settled:
            assigning.call_off(session, task.id, by=by, at=at)


def who_gives(fact: Fact, role: str, organization_id: UUID) -> Sequence[Link]:
    """On whom it falls to give again what was given under this hat: its role, and behind it who may give it as well.

    Nobody states in another's place. A document that another role brought, as by a step of a procedure, is given again
    by the partner's manager.
    """
    here, is_stated = str(organization_id), fact.kind == STATEMENT.key
    if role == COORDINATOR:
        first: list[Link] = [*COORDINATION]
    else:
        first = [Link(role, here)] if is_stated or role in _MAY_GIVE else []
    behind: list[Link] = [] if is_stated else [Link(one, here) for one in _MAY_GIVE]
    return [*first, *(link for link in [*behind, *COORDINATION] if link not in first)]
