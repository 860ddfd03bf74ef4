"""What is done to activities with participants: planned, moved, called off, and a participant taken out."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Final, Literal, TypedDict
from uuid import UUID

from pydantic import Field, StringConstraints

from api.access.activities import caller_off, planner, taker_out
from api.access.permissions import Action
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On, asks_itself
from api.web.given import ActInput, Day, PlainText, on_form
from api.web.readers import hour_of
from domain.follow_ups import PlannedActivity, activities
from domain.kernel import Actor, Refusal
from locales import N_


def _find(context: RequestContext, _: Action, activity_id: UUID) -> tuple[None, Actor]:
    return None, caller_off(context, activity_id)


def _find_part(context: RequestContext, _: Action, activity_id: UUID, follow_up_id: UUID) -> tuple[None, Actor]:
    return None, taker_out(context, activity_id, follow_up_id)


PLAN: Final = ActSubject("/activities", asks_itself)
ACTIVITY: Final = ActSubject("/activities/{activity_id}", _find)
PART: Final = ActSubject("/activities/{activity_id}/parts/{follow_up_id}", _find_part, nominative=True)

#: A local hour, as HH:MM.
HOUR: Final = r"^([01]\d|2[0-3]):[0-5]\d$"


def _minutes_of(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal()):
        raise Refusal("activity.minutes.malformed", N_("Write how many minutes it lasts, in figures."))
    return int(text[:6])  # more than a day has: the verb says how long an activity may be


class Whereabouts(TypedDict):
    """When and where an activity is, as the verbs take it."""

    held_on: date
    begins: time
    minutes: int
    place: str


class ActivityMoved(ActInput):
    """When and where an activity is: a local day and hour, how many minutes, and the place."""

    held_on: Day
    begins: Annotated[
        Annotated[str, StringConstraints(pattern=HOUR)], on_form(lambda text: hour_of(text).isoformat("minutes"))
    ]
    minutes: Annotated[int, Field(ge=1, le=10_000), on_form(_minutes_of)]
    place: PlainText

    def whereabouts(self) -> Whereabouts:
        """When and where, as the verbs take it."""
        begins = time.fromisoformat(self.begins)
        return {"held_on": self.held_on, "begins": begins, "minutes": self.minutes, "place": self.place}


class ActivityGiven(ActivityMoved):
    """An activity to plan with participants whom the asker follows."""

    kind: Literal["outing", "workshop", "meal", "errand", "other"]
    follow_up_ids: Annotated[list[UUID], Field(min_length=1, max_length=100), on_form(name="follow_up")]


@PLAN.act(Action.PLAN_ACTIVITIES, form="plan", once=True)
def plan_activity(on: On[None], said: ActivityGiven) -> PlannedActivity:
    """Plan an activity. A participant who also recruits is never brought together with another (AD-C4)."""
    by, together = planner(on.context, said.follow_up_ids), said.follow_up_ids
    planned = activities.plan_activity(on.session, together, kind=said.kind, by=by, at=on.at, **said.whereabouts())
    return next(one for one in activities.planned(on.session, together, on.context.day) if one.id == planned)


@ACTIVITY.act(Action.CALL_OFF_ACTIVITY, "/moving", form="move-{activity_id}", json="PUT /", status=204)
def move_activity(on: On[None], said: ActivityMoved) -> None:
    """Move an activity to another place, day or hour: by those who may call it off."""
    activities.move_activity(on.session, on.id, by=on.by, at=on.at, **said.whereabouts())


@ACTIVITY.act(Action.CALL_OFF_ACTIVITY, "/calling-off", form="off", json="DELETE /", status=204)
def call_off_activity(on: On[None]) -> None:
    """Call an activity off: by a worker who follows one of those who take part, or by the coordinator."""
    activities.call_off(on.session, on.id, by=on.by, at=on.at)


@PART.act(Action.CALL_OFF_ACTIVITY, "/leaving", form="out", json="DELETE /", status=204)
def take_out(on: On[None]) -> None:
    """Take a participant out of an activity that goes on with the others."""
    activities.take_out(on.session, on.ids["activity_id"], on.id, by=on.by, at=on.at)
