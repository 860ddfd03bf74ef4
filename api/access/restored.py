"""Who decides what a restore left: matters of privacy their officer, others the coordination, and no one their own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from api.access.permissions import Action, Forbidden, Given, Relation, is_allowed, require, to_program
from api.access.session import RequestContext
from domain.access import KEEPS_OUT
from domain.kernel import Actor
from domain.restored import matters
from domain.roles import SEES_EVERY_CASE, Link, who_barred
from meetings.told_since import by_meeting
from models.ledger import RestoredMatter


def to_matter(
    context: RequestContext, matter: RestoredMatter, waiting: Sequence[RestoredMatter], unseen: Collection[UUID | None]
) -> Given:
    """What the asker is to a matter, as one who decides it; `waiting` is all that waits.

    Of a file that is `unseen`, as that of a participant who barred the asker, they decide nothing.
    Who answers for privacy decides what the coordination cannot: on a coordinator alone, or while there is none.
    """
    asker, about = context.asker, matters.concerned(matter)
    if _is_unseen(context, matter, unseen):
        return {}
    given = to_program(asker)
    if matter.kind in matters.FOR_PRIVACY:
        sides = frozenset({Relation.PRIVACY, Relation.STANDS_IN})
    else:
        kept_out = {one.person_id for one in waiting if one.kind in KEEPS_OUT}
        coordinators = {one.person_id for one in asker.standing.falls([Link(SEES_EVERY_CASE)]).holders}
        can = coordinators - about - kept_out
        sides = frozenset({Relation.COORDINATOR} if can else {Relation.COORDINATOR, Relation.PRIVACY})
    return {one: by for one, by in given.items() if one in sides and not {by.person_id, by.acting_for} & about}


def _is_unseen(context: RequestContext, matter: RestoredMatter, unseen: Collection[UUID | None]) -> bool:
    return bool(unseen) and matters.file_of(context.session, matter) in unseen


def find_matter(context: RequestContext, action: Action, matter_id: UUID) -> tuple[RestoredMatter, Actor]:
    """A matter that the asker may decide, also one that was decided. Raises Forbidden, also where there is none."""
    require(action, to_program(context.asker))
    matter = matters.find(context.session, matter_id)
    waiting, unseen = matters.waiting(context.session), unseen_by(context)  # the same is asked where there is none
    if matter is None:
        raise Forbidden
    return matter, require(action, to_matter(context, matter, waiting, unseen))


def theirs(
    context: RequestContext, rows: Sequence[RestoredMatter], waiting: Sequence[RestoredMatter]
) -> list[RestoredMatter]:
    """Those of these matters that the asker decides; `waiting` is all that waits.

    Raises Forbidden where they may not look at all.
    """
    require(Action.SEE_RESTORED, to_program(context.asker))
    unseen = unseen_by(context)
    mine = [one for one in rows if is_allowed(Action.DECIDE_RESTORED, to_matter(context, one, waiting, unseen))]
    return matters.each_once(mine)


class ToDecide(NamedTuple):
    """How many matters wait for a reader's own decision, each meeting once, and whether others wait for someone else.

    `looks` is whether the reader may look at them at all.
    """

    mine: int
    others: bool
    looks: bool


def to_decide(context: RequestContext) -> ToDecide:
    """How much waits after a restore, as the page of who looks counts it."""
    looks = is_allowed(Action.SEE_RESTORED, to_program(context.asker))
    waiting = matters.waiting(context.session) if matters.count_waiting(context.session) else []
    mine = theirs(context, waiting, waiting) if looks and waiting else []
    told = by_meeting(mine)
    n = sum(one.kind != "meeting" for one in mine) + len(told)
    return ToDecide(n, others=len(matters.each_once(waiting)) > len(mine), looks=looks)


def unseen_by(context: RequestContext) -> frozenset[UUID]:
    """The files of participants who barred the asker: nothing of them is told, and nothing counted."""
    return frozenset(who_barred(context.session, context.asker.person_id))
