"""What is done to the dates of a committee, to its guests and to who sits on it. Each is looked at before it is sent.

`api.pages.previewed_acts` and `api.json.previewed_acts` make the routes: what they show first is what the act would
write. What a page plans from its ticks, and another hour for a season, each window says in a form of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, Self, cast
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StringConstraints, WithJsonSchema

from api.access.meetings import find_committee, find_seat
from api.access.people import find_person
from api.access.permissions import Action, to_program
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.acts.minutes import Row, find_kept
from api.web.given import ActInput, Day, PlainText, ReasonGiven, on_form
from api.web.readers import chosen, day_of, hour_of, minutes_or_none
from domain.kernel import Actor, Refusal
from locales import N_
from meetings import drafting, schedule, seating
from meetings.invitations import PersonalNews
from models.committee import Committee, Seat


def _local(value: object) -> object:
    """A local time is written YYYY-MM-DDTHH:MM: pydantic alone would read a number as a moment of 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and re.fullmatch(_LOCAL, value)):
        return value
    raise ValueError("use YYYY-MM-DDTHH:MM")


def _on_a_minute(value: datetime) -> datetime:
    if value.tzinfo is not None:
        raise ValueError("a local time has no zone")
    if value.second:
        raise ValueError("a meeting begins on a minute")
    return value


_LOCAL: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
#: A local time as it is shown. What JSON Schema calls "date-time" always has its offset.
Local = Annotated[datetime, WithJsonSchema({"type": "string", "pattern": _LOCAL})]
LocalTime = Annotated[Local, BeforeValidator(_local), AfterValidator(_on_a_minute)]
Hour = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Line = Annotated[PlainText, StringConstraints(max_length=500)]
Minutes = Annotated[StrictInt, Field(ge=15, le=600)]
Key = Annotated[str, Path(max_length=61)]


def _starts(typed: Mapping[str, Any]) -> datetime:
    """The day and the hour of a form. Raises Refusal."""
    return datetime.combine(day_of(typed["day"]), hour_of(typed["hour"]))


_person = on_form(chosen("person.missing", N_("Choose a person.")), name="person")


# -------------------------------------------------------------------------------------------------- one meeting's dates

DATES: Final = ActSubject("/meetings/{meeting_id}", find_kept)
GUESTS: Final = ActSubject("/meetings/{meeting_id}", find_kept)


class TimeGiven(ActInput):
    """Another local time, and another length where it changes."""

    #: What the form has: a day and an hour, where JSON has one local time.
    typed: ClassVar = ("day", "hour", "minutes", "reason")

    starts: LocalTime
    minutes: Minutes | None = None
    reason: Line = ""

    @classmethod
    def from_form(cls, typed: Mapping[str, Any], context: RequestContext) -> Self:  # noqa: ARG003 - as every shape's
        """What the form says."""
        starts, length = _starts(typed), minutes_or_none(typed["minutes"])
        return cast("Self", cls.model_construct(starts=starts, minutes=length, reason=typed["reason"]))


@DATES.act(Action.PLAN_MEETINGS, "/time", form="time", versioned=True, json="PUT")
def move_meeting(on: On[Row], said: TimeGiven) -> tuple[PersonalNews, ...]:
    """Have a meeting at another time."""
    return schedule.move_meeting(
        on.session, on.id, said.starts, minutes=said.minutes, reason=said.reason, by=on.by, at=on.at, seen=on.seen
    )


@DATES.act(Action.PLAN_MEETINGS, "/cancellation", form="cancellation", versioned=True)
def cancel_meeting(on: On[Row], said: ReasonGiven) -> tuple[PersonalNews, ...]:
    """Cancel a meeting; what was on its agenda waits for another."""
    return schedule.cancel_meeting(on.session, on.id, reason=said.reason, by=on.by, at=on.at, seen=on.seen)


class PlaceGiven(ActInput):
    """Another place; with `following`, for every later meeting of its season too."""

    place: Line
    online_url: Line = ""
    following: StrictBool = False


@DATES.act(Action.PLAN_MEETINGS, "/place", form="place", versioned=True, json="PUT")
def change_place(on: On[Row], said: PlaceGiven) -> tuple[PersonalNews, ...]:
    """Have a meeting elsewhere, alone or with every later one of its season."""
    return schedule.change_place(on.session, on.id, **dict(said), by=on.by, at=on.at, seen=on.seen)


class GuestGiven(ActInput):
    """Someone without a seat who is invited to one meeting."""

    person_id: Annotated[UUID, _person]


@GUESTS.act(Action.PLAN_MEETINGS, "/guests", form="guests", once=True)
def invite_guest(on: On[Row], said: GuestGiven) -> tuple[PersonalNews, ...]:
    """Invite someone without a seat to one meeting."""
    return schedule.invite_guest(on.session, on.id, find_person(on.session, said.person_id), by=on.by, at=on.at)


@GUESTS.act(Action.PLAN_MEETINGS, "/guests/{guest_id}/withdrawal", form="guests/{guest_id}/withdrawal")
def withdraw_guest(on: On[Row], guest_id: UUID) -> tuple[PersonalNews, ...]:
    """Take a guest's invitation back."""
    return schedule.withdraw_guest(on.session, on.id, find_person(on.session, guest_id), by=on.by, at=on.at)


# ------------------------------------------------------------------------------------------------- a committee's dates


def _find_committee(context: RequestContext, _: Action, key: Key) -> tuple[Committee, Relations]:
    return find_committee(context, key), to_program(context.asker)


SEASONS: Final = ActSubject("/committees/{key}", _find_committee)
MEETINGS: Final = ActSubject("/committees/{key}", _find_committee)


def _found_at(on: On[Committee], _: object) -> str:
    return f"/meetings?committee={on.row.key}"


class SeasonGiven(ActInput):
    """A weekly meeting on the weekday of `first`, up to `last`; but for the days `without`, and those had `instead`."""

    first: Day
    last: Day
    hour: Hour
    minutes: Minutes | None = None
    place: Line = ""
    online_url: Line = ""
    without: Annotated[tuple[WithoutGiven, ...], Field(max_length=60)] = ()
    instead: Annotated[tuple[InsteadGiven, ...], Field(max_length=60)] = ()
    draft_id: UUID | None = None


class WithoutGiven(ActInput):
    """A day of the season on which there is no meeting, and why."""

    day: Day
    reason: Line


class InsteadGiven(ActInput):
    """A day of the season whose meeting is held at another local time."""

    day: Day
    starts: LocalTime


SeasonGiven.model_rebuild()


@SEASONS.act(Action.PLAN_MEETINGS, "/seasons", once=True, leads=_found_at)
def plan_season(on: On[Committee], said: SeasonGiven) -> tuple[PersonalNews, ...]:
    """Plan a season of weekly meetings, and invite everyone to it; with `draft_id`, from a year that was drafted."""
    length = _length(on, said.minutes)
    _plan_from(on, said.draft_id)
    return schedule.plan_season(
        on.session,
        on.row.key,
        first=said.first,
        last=said.last,
        hour=time.fromisoformat(said.hour),
        minutes=length,
        place=said.place,
        online_url=said.online_url,
        without={one.day: one.reason for one in said.without},
        instead={one.day: one.starts for one in said.instead},
        by=on.by,
        at=on.at,
    )


class MeetingsGiven(ActInput):
    """Meetings that stand alone, at these local times."""

    #: What the form has, of one meeting.
    typed: ClassVar = ("day", "hour", "minutes", "place", "online_url")

    starts: Annotated[list[LocalTime], Field(min_length=1, max_length=60)]
    minutes: Minutes | None = None
    place: Line = ""
    online_url: Line = ""
    draft_id: UUID | None = None

    @classmethod
    def from_form(cls, typed: Mapping[str, Any], context: RequestContext) -> Self:  # noqa: ARG003 - as every shape's
        """What the form says."""
        length, where = minutes_or_none(typed["minutes"]), {name: typed[name] for name in ("place", "online_url")}
        return cast("Self", cls.model_construct(starts=[_starts(typed)], minutes=length, **where))


@MEETINGS.act(Action.PLAN_MEETINGS, "/meetings", form="add", once=True, leads=_found_at)
def plan_meetings(on: On[Committee], said: MeetingsGiven) -> tuple[PersonalNews, ...]:
    """Plan meetings that stand alone, and invite everyone to them; with `draft_id`, from a year that was drafted."""
    length = _length(on, said.minutes)
    _plan_from(on, said.draft_id)
    where = {"place": said.place, "online_url": said.online_url}
    return schedule.plan_meetings(on.session, on.row.key, said.starts, minutes=length, **where, by=on.by, at=on.at)


def _length(on: On[Committee], minutes: int | None) -> int:
    """How long a meeting lasts: as asked for, else as the committee's do. Raises Refusal where neither is known."""
    length = minutes or on.row.minutes
    if length is None:
        raise Refusal("minutes.missing", N_("Say how long the meeting lasts."))
    return length


def _plan_from(on: On[Committee], draft_id: UUID | None) -> None:
    """Where dates come from a year that was drafted, that is planned now. Raises Refusal where it waits no more."""
    if draft_id is not None:
        drafting.settle(on.session, draft_id, drafting.PLANNED, by=on.by, at=on.at)


# ------------------------------------------------------------------------------------------------------------ who sits


class SeatAskedFor(NamedTuple):
    """A seat, and the committee as one of whose seats it was asked for."""

    committee: Committee
    seat: Seat


def _find_seat(context: RequestContext, _: Action, key: Key, seat_id: UUID) -> tuple[SeatAskedFor, Actor]:
    committee = find_committee(context, key)
    seat, by = find_seat(context, committee, seat_id)
    return SeatAskedFor(committee, seat), by


SEAT: Final = ActSubject("/committees/{key}/seats/{seat_id}", _find_seat)


class SeatGiven(ActInput):
    """Who holds a seat from a day on, and as what; a new principal takes the place of the one of that day."""

    person_id: Annotated[UUID, _person]
    kind: Literal["principal", "alternate"]
    starts_on: Annotated[Day, on_form(name="day")]


@SEAT.act(Action.KEEP_SEATS, "/holders", form="holders-{seat_id}")
def give_seat(on: On[SeatAskedFor], said: SeatGiven) -> tuple[PersonalNews, ...]:
    """Give a seat from a day on to a person of its organization. A person who holds it so already changes nothing."""
    who = find_person(on.session, said.person_id)
    return seating.give_seat(
        on.session, on.row.committee.id, on.id, who, kind=said.kind, starts_on=said.starts_on, by=on.by, at=on.at
    )


class SeatEnded(ActInput):
    """Who sits no longer after a day."""

    person_id: Annotated[UUID, _person]
    last_day: Annotated[Day, on_form(name="day")]


@SEAT.act(Action.KEEP_SEATS, "/ending", form="ending-{seat_id}")
def end_seat(on: On[SeatAskedFor], said: SeatEnded) -> tuple[PersonalNews, ...]:
    """End a person's hold of a seat on its last day."""
    who = find_person(on.session, said.person_id)
    return seating.end_seat(on.session, on.row.committee.id, on.id, who, last_day=said.last_day, by=on.by, at=on.at)
