"""Who an asker may plan activities with, and which they may call off: those they follow; the coordinator, all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement

from api.access.follow_ups import caseload_of, find_follow_up
from api.access.permissions import Action, Forbidden, Given, Relation, is_allowed, require, to_program
from api.access.session import RequestContext
from domain.follow_ups import Followed, activities, follow_ups
from domain.kernel import Actor, col, every, first, of
from domain.roles import who_barred
from models.follow_up import FollowUp

#: The states of a follow-up in which something is planned with its participant.
GOING_ON: Final = ("active", "on_break")


def to_plan_with(context: RequestContext) -> list[Followed]:
    """The follow-ups that go on with whose participants the asker plans activities. Raises Forbidden."""
    return _of_theirs(context, col(FollowUp.state).in_(GOING_ON), lambda row: row.state in GOING_ON)


def planned_with(context: RequestContext) -> list[Followed]:
    """The follow-ups of the asker with which something is planned, in whatever state they are. Raises Forbidden."""
    planned = activities.with_plans(context.session, context.day)
    return _of_theirs(context, col(FollowUp.id).in_(planned), lambda row: row.id in planned)


def _of_theirs(
    context: RequestContext, wanted: ColumnElement[bool], is_wanted: Callable[[Followed], bool]
) -> list[Followed]:
    """Those of the asker's own follow-ups, or for the coordinator of all, that are wanted. Raises Forbidden."""
    given = to_program(context.asker)
    require(Action.PLAN_ACTIVITIES, given)
    if Relation.COORDINATOR not in given:
        return [row for row, _ in caseload_of(context.session, context.asker) if is_wanted(row)]
    rows = every(context.session, follow_ups().where(wanted).order_by(col(FollowUp.opened_on), col(FollowUp.id)))
    if all(is_allowed(action, given) for action in (Action.SEE_FOLLOW_UP, Action.KEEP_FOLLOW_UP)):
        # By their role, of everyone but who barred them: no need to ask of one after the other.
        kept_from = who_barred(context.session, context.asker.person_id)
        return [row for row in rows if row.participant_id not in kept_from]
    return [row for row in rows if _keeps(context, row.id)]


def planner(context: RequestContext, follow_up_ids: Iterable[UUID]) -> Actor:
    """The actor under whom the asker plans something with these. Raises Forbidden where one of them is not theirs."""
    by = require(Action.PLAN_ACTIVITIES, to_program(context.asker))
    for follow_up_id in follow_up_ids:
        _, given = find_follow_up(context.session, context.asker, follow_up_id)
        require(Action.KEEP_FOLLOW_UP, given)
    return by


def caller_off(context: RequestContext, activity_id: UUID) -> Actor:
    """The actor who calls an activity off: the asker keeps the follow-up of one who takes part. Raises Forbidden."""
    given: Given = {relation: by for relation, by in to_program(context.asker).items() if relation is Relation.STAFF}
    for follow_up_id in activities.taking_part(context.session, activity_id):
        with suppress(Forbidden):
            given |= find_follow_up(context.session, context.asker, follow_up_id)[1]
    return require(Action.CALL_OFF_ACTIVITY, given)


def taker_out(context: RequestContext, activity_id: UUID, follow_up_id: UUID) -> Actor:
    """Who takes a participant out of an activity: as `caller_off`, unless the participant barred the asker."""
    by = caller_off(context, activity_id)
    row = first(context.session, of(FollowUp).where(FollowUp.id == follow_up_id))
    if row is not None and row.participant_id in who_barred(context.session, context.asker.person_id):
        raise Forbidden
    return by


def _keeps(context: RequestContext, follow_up_id: UUID) -> bool:
    try:
        _, given = find_follow_up(context.session, context.asker, follow_up_id)
    except Forbidden:
        return False
    return is_allowed(Action.KEEP_FOLLOW_UP, given)
