"""Which decisions free a partner of a clause, by their own standing or by that of others: no partner frees itself.

A decision that falls lets stand what it takes back, and lets be objected again what it keeps; one that stands does the
reverse.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from domain.endorsement import FREED, OWES_AGAIN
from domain.kernel import (
    Actor,
    AnySelect,
    Question,
    Refusal,
    built,
    col,
    in_program,
    joins,
    local_day,
    only,
    run,
    select,
    value_of,
)
from domain.obligations import acts_among, waiving
from locales import N_
from models.minutes import Decision, Endorsement


def what_stands_by(session: Session, *, falls: Collection[UUID], stands: Collection[UUID] = ()) -> frozenset[UUID]:
    """The decisions that stand by the fall of some and the standing of others, however far that goes."""
    reached = _reached(session, {*falls, *stands})
    return frozenset(
        row.other for row in reached if (row.is_alike and row.one in stands) or (not row.is_alike and row.one in falls)
    )


def at_stake(session: Session, decision_ids: Collection[UUID]) -> dict[UUID, list[waiving.FreedBy]]:
    """The clauses of which a partner is freed by the standing of each of these decisions, or by its fall.

    `stake` of each is FREED or OWES_AGAIN, as the decision stands. Owed again is only what a waiver on record frees of,
    and not by what was put to the partners once its last day had passed.
    """
    if not decision_ids:
        return {}
    found: dict[UUID, list[waiving.FreedBy]] = {one: [] for one in decision_ids}
    # The same questions of one that is not there: whoever may not read it learns nothing by how long the answer takes.
    reached = _reached(session, found)
    freed = waiving.freed_by(session, {row.other for row in reached})
    # The local day on which each was put to the partners; where it was not, that of its meeting.
    asked_on = {row.id: local_day(session, row.at) for row in run(session, *_asked_when(found))}
    for row in reached:
        by_it = [one for one in freed if one.decision_id == row.other]
        found[row.one] += _at_stake(by_it, None if row.is_alike else asked_on[row.one])
    return found


def _at_stake(freed: Iterable[waiving.FreedBy], asked_on: date | None) -> list[waiving.FreedBy]:
    """What is freed by a decision; or, by one put to the partners on a day, what is owed again."""
    if asked_on is None:
        return [one._replace(stake=FREED) for one in freed]
    return [one._replace(stake=OWES_AGAIN) for one in freed if one.is_recorded and one.ends_on >= asked_on]


def asked_at_stake(decision_ids: Collection[UUID]) -> list[Question[Any]]:
    """What `at_stake` asks first."""
    return [Question(_REACHED, {"decisions": list(decision_ids)}), _asked_when(decision_ids)]


def _asked_when(decision_ids: Collection[UUID]) -> Question[Any]:
    return Question(_ASKED_ON, {"decisions": list(decision_ids)})


_DECISIONS: Final = bindparam("decisions", type_=ARRAY(Uuid()))
_ASKED_ON: Final = built(
    only(Decision.id, func.coalesce(func.min(col(Endorsement.said_at)), col(Decision.decided_at)).label("at"))
    .outerjoin(Endorsement, joins(Endorsement.decision_id, Decision))
    .where(col(Decision.id) == any_(_DECISIONS))
    .group_by(col(Decision.id), col(Decision.decided_at))
)


def stakes_of(freed: Iterable[waiving.FreedBy]) -> dict[UUID, str]:
    """What each partner has at stake in a decision, by its rows of `at_stake`; to owe again goes before being freed."""
    found: dict[UUID, str] = {}
    for row in freed:
        if found.get(row.organization_id) != OWES_AGAIN:
            found[row.organization_id] = row.stake
    return found


def owing_elsewhere(session: Session, decision_id: UUID, organization_id: UUID, *, at: datetime) -> frozenset[UUID]:
    """Who owes a clause that is at stake in a decision, or acts for who does: they speak for no other partner on it.

    For their own they may: by that nothing is freed.
    """
    freed = at_stake(session, [decision_id])[decision_id]
    return waiving.owing_freed(session, [one for one in freed if one.organization_id != organization_id], at=at)


def refuse_who_owes_elsewhere(
    session: Session, decision_id: UUID, organization_id: UUID, *, by: Actor, at: datetime
) -> None:
    """Refuse who owes a clause that is at stake in a decision to speak for another partner on it. Raises Refusal."""
    if acts_among(by, owing_elsewhere(session, decision_id, organization_id, at=at)):
        raise waiving.own()


def refuse_to_want(session: Session, decision_id: UUID, organization_id: UUID, *, by: Actor, at: datetime) -> None:
    """Refuse that a partner has its waiver stand again by asking that its end be endorsed. Raises Refusal."""
    refuse_who_owes_elsewhere(session, decision_id, organization_id, by=by, at=at)
    if stakes_of(at_stake(session, [decision_id])[decision_id]).get(organization_id) == OWES_AGAIN:
        raise Refusal(
            "endorsement.own_waiver",
            N_("This revokes a waiver of your organization: another partner must ask that it be endorsed."),
            source="GV-4",
        )


class _Reached(NamedTuple):
    one: UUID
    other: UUID
    is_alike: bool


def _reached(session: Session, decision_ids: Collection[UUID]) -> list[_Reached]:
    """The decisions that stand or fall with each of these; each is among its own.

    Asked by what each says, not by how each stands today: what is pending, or taken back twice, may turn with a word.
    """
    if not decision_ids:
        return []
    return [_Reached(*row) for row in run(session, _REACHED, {"decisions": list(decision_ids)})]


def _all_reached() -> AnySelect:
    reached = (
        select(
            value_of(col(Decision.id).label("one")),
            value_of(col(Decision.id).label("other")),
            value_of(true().label("is_alike")),
        )
        .where(in_program(Decision), col(Decision.id) == any_(_DECISIONS))
        .cte("reached", recursive=True)
    )
    says, gone = aliased(Decision, name="says"), aliased(Decision, name="gone")
    is_taken_back = col(gone.number) == any_(col(says.takes_back))
    says_something = or_(func.cardinality(col(says.takes_back)) > 0, col(says.settles_id).is_not(None))
    reached = reached.union(
        select(reached.c.one, gone.id, reached.c.is_alike != is_taken_back)
        .select_from(reached)
        .join(says, and_(in_program(says), says.id == reached.c.other, says_something))
        .join(gone, and_(in_program(gone), or_(is_taken_back, gone.id == says.settles_id)))
    )
    return select(reached.c.one, reached.c.other, reached.c.is_alike)


_REACHED: Final = built(_all_reached())
