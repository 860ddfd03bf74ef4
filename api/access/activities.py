"""With whom an asker plans activities, and which they may call off: those whom they follow; the coordinator anyone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import select

from api.access.follow_ups import caseload_of, find_follow_up, may
from api.access.permissions import Action, Forbidden, Given, Relation, require, to_program
from api.access.session import Desk
from domain.follow_ups import activities
from domain.follow_ups.locking import follow_ups
from domain.kernel.actors import Actor
from domain.kernel.scope import many, one, program_of
from domain.roles.sight import who_barred
from models.base import table_of
from models.follow_up import FollowUp
from models.lifecycles import FOLLOW_UP

_follow_up = table_of(FollowUp)


def whom_to_plan_with(desk: Desk, states: Collection[str] = FOLLOW_UP.states) -> list[dict[str, Any]]:
    """The follow-ups in these states with whose participants the asker plans activities. Raises Forbidden."""
    given = to_program(desk.asker)
    require(Action.PLAN_ACTIVITIES, given)
    if Relation.COORDINATOR not in given:
        return [row for row in caseload_of(desk.session, desk.asker) if row["state"] in states]
    rows = many(
        desk.session,
        follow_ups()
        .where(_follow_up.c.program_id == program_of(desk.session), _follow_up.c.state.in_(states))
        .order_by(_follow_up.c.opened_on, _follow_up.c.id),
    )
    return [row for row in rows if _keeps(desk, row["id"])]


def planner(desk: Desk, follow_up_ids: Iterable[UUID]) -> Actor:
    """As whom the asker plans something with these. Raises Forbidden where one of them is not theirs."""
    by = require(Action.PLAN_ACTIVITIES, to_program(desk.asker))
    for follow_up_id in follow_up_ids:
        _, given = find_follow_up(desk.session, desk.asker, follow_up_id)
        require(Action.KEEP_FOLLOW_UP, given)
    return by


def caller_off(desk: Desk, activity_id: UUID) -> Actor:
    """As whom the asker calls an activity off: they keep the follow-up of one who takes part. Raises Forbidden."""
    given: Given = {relation: by for relation, by in to_program(desk.asker).items() if relation is Relation.STAFF}
    for follow_up_id in activities.taking_part(desk.session, activity_id):
        with suppress(Forbidden):
            given |= find_follow_up(desk.session, desk.asker, follow_up_id)[1]
    return require(Action.CALL_OFF_ACTIVITY, given)


def taker_out(desk: Desk, activity_id: UUID, follow_up_id: UUID) -> Actor:
    """As whom the asker takes a participant out of an activity: as `caller_off`, of whom has not barred them."""
    by = caller_off(desk, activity_id)
    row = one(
        desk.session,
        select(_follow_up.c.participant_id).where(
            _follow_up.c.program_id == program_of(desk.session), _follow_up.c.id == follow_up_id
        ),
    )
    if row is not None and row["participant_id"] in who_barred(desk.session, desk.asker.person_id):
        raise Forbidden
    return by


def _keeps(desk: Desk, follow_up_id: UUID) -> bool:
    try:
        _, given = find_follow_up(desk.session, desk.asker, follow_up_id)
    except Forbidden:
        return False
    return may(Action.KEEP_FOLLOW_UP, given)
