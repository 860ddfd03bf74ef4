"""Planning an activity with participants: whoever also recruits others is never brought together with another (AD-C4).

The one door by which the program plans something with several participants. The condition lasts: it holds whatever the
state of the follow-up, and the database holds it too (`alone_in_theirs`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update
from sqlmodel import Session

from duties import events
from duties.actors import Actor
from duties.follow_ups.held import hold, refuse_unless_followed, tell
from duties.here import local_day, many, one, program_of
from duties.refusals import Refusal
from locales import N_
from models.base import refers, table_of
from models.follow_up import ACTIVITY_KINDS, Activity, ActivityPart, FollowUp
from models.participant import Participant

_activity = table_of(Activity)
_part = table_of(ActivityPart)
_follow_up = table_of(FollowUp)
_participant = table_of(Participant)

KIND: Final = "activity"


def plan_activity(
    session: Session, follow_up_ids: Sequence[UUID], *, held_on: date, kind: str, by: Actor, at: datetime
) -> UUID:
    """Plan an activity with these participants on a local day, today or to come; returns its id.

    Raises Refusal: nobody, somebody whom nobody follows now, a day that is over, or somebody of AD-C4 with others.
    """
    if by.person_id is None:
        msg = "a part of the system plans nothing with anybody"
        raise ValueError(msg)
    if kind not in ACTIVITY_KINDS:
        raise Refusal("activity.kind.malformed", N_("Choose one of the list."))
    if held_on < local_day(session, at):
        raise Refusal("day.malformed", N_("An activity is planned for today or a day to come."))
    wanted = sorted(set(follow_up_ids))
    if not wanted:
        raise Refusal("activity.nobody", N_("Say with whom the activity is."))
    # Held in the order of their ids, so that two who plan at once do not wait for each other.
    everyone = [hold(session, follow_up_id, by=by, at=at) for follow_up_id in wanted]
    for held in everyone:
        refuse_unless_followed(held)
    if len(everyone) > 1 and any(held.row["recruiter"] for held in everyone):
        raise Refusal(
            "activity.never_together",
            N_("One of them was admitted on the condition that no activity brings them together with others."),
            source="AD-C4",
        )
    here, activity_id = program_of(session), uuid4()
    session.execute(
        insert(_activity).values(
            program_id=here, id=activity_id, held_on=held_on, kind=kind, planned_by=by.person_id, planned_at=at
        )
    )
    session.execute(
        insert(_part),
        [
            {
                "program_id": here,
                "id": uuid4(),
                "activity_id": activity_id,
                "follow_up_id": held.id,
                "place": place,
                "alone": held.row["recruiter"],
            }
            for place, held in enumerate(everyone, start=1)
        ],
    )
    for held in everyone:
        tell(session, held, "follow_up.activity_planned", day=held_on.isoformat(), together=len(everyone))
    return activity_id


def call_off(session: Session, activity_id: UUID, *, by: Actor, at: datetime) -> None:
    """Call off an activity. Raises Refusal: there is none, or it was called off already."""
    here = program_of(session)
    row = one(
        session,
        select(_activity).where(_activity.c.program_id == here, _activity.c.id == activity_id).with_for_update(),
    )
    if row is None:
        raise Refusal("activity.unknown", N_("There is no such activity."))
    if row["called_off_at"] is not None:
        raise Refusal("activity.called_off", N_("This activity was called off already."))
    session.execute(
        update(_activity)
        .where(_activity.c.program_id == here, _activity.c.id == activity_id)
        .values(called_off_at=at, called_off_as=by.role)
    )
    lines: list[tuple[UUID, dict[str, events.Fact]]] = [
        (part, {"day": row["held_on"].isoformat()})
        for part in session.scalars(
            select(_part.c.follow_up_id).where(_part.c.program_id == here, _part.c.activity_id == activity_id)
        )
    ]
    events.write_many(session, "follow_up.activity_called_off", "follow_up", lines, by=by, at=at)


def planned(session: Session, follow_up_ids: Collection[UUID], since: date) -> list[dict[str, Any]]:
    """What is planned with any of these from a local day on, the nearest first, each with the numbers that take part.

    An activity has every number, also those that are not of `follow_up_ids`; what was called off is left out.
    """
    here = program_of(session)
    wanted = _part.c.follow_up_id.in_(list(follow_up_ids))
    theirs = select(_part.c.activity_id).where(_part.c.program_id == here, wanted)
    rows = many(
        session,
        select(_activity.c.id, _activity.c.held_on, _activity.c.kind, _participant.c.number, _part.c.alone)
        .join(_part, refers(_part.c.activity_id, _activity))
        .join(_follow_up, refers(_part.c.follow_up_id, _follow_up))
        .join(_participant, refers(_follow_up.c.participant_id, _participant))
        .where(
            _activity.c.program_id == here,
            _activity.c.id.in_(theirs),
            _activity.c.held_on >= since,
            _activity.c.called_off_at.is_(None),
        )
        .order_by(_activity.c.held_on, _activity.c.id, _part.c.place),
    )
    found: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        entry = found.setdefault(row["id"], {**row, "numbers": []})
        entry["numbers"].append(row["number"])
    return list(found.values())


def taking_part(session: Session, activity_id: UUID) -> list[UUID]:
    """The follow-ups of those with whom an activity is planned; none of one that there is not."""
    return list(
        session.scalars(
            select(_part.c.follow_up_id)
            .where(_part.c.program_id == program_of(session), _part.c.activity_id == activity_id)
            .order_by(_part.c.place)
        )
    )


def activities_of(session: Session, follow_up_id: UUID, since: date) -> list[dict[str, Any]]:
    """What is planned with a participant from a local day on, the nearest first; what was called off is left out."""
    return many(
        session,
        select(_activity.c.id, _activity.c.held_on, _activity.c.kind)
        .join(_part, refers(_part.c.activity_id, _activity))
        .where(
            _part.c.program_id == program_of(session),
            _part.c.follow_up_id == follow_up_id,
            _activity.c.held_on >= since,
            _activity.c.called_off_at.is_(None),
        )
        .order_by(_activity.c.held_on, _activity.c.id),
    )
