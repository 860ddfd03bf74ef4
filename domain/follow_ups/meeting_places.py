"""Finds who comes to one place at one hour, to keep a participant apart from others (AD-C4).

Two activities at one place whose hours meet bring the participants of both together, by any planner. Of one planned
before hour and place were asked, nothing is known. A place may be a person's home. It is compared by a blind mark, and
its words are opened only for those who are shown it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import aliased
from sqlmodel import Session

from domain.follow_ups.words import WHERE
from domain.kernel import SHAPE, Refusal, also, col, joins, mark, only, program_of, run, select, tuples, value_of
from locales import N_
from models.follow_up import Activity, ActivityPart

SHORTEST: Final = 15
LONGEST: Final = 24 * 60
LONGEST_PLACE: Final = 120


@dataclass(frozen=True)
class Whereabouts:
    """When and where something is planned: a local day and hour, how many minutes, and the blind mark of the place."""

    held_on: date
    begins: time
    minutes: int
    mark: str

    @property
    def columns(self) -> dict[str, object]:
        """The time as the columns of an activity; the place is stored with each participant's part."""
        return {"held_on": self.held_on, "begins": self.begins, "minutes": self.minutes}

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Its beginning and end, in local time."""
        begins = datetime.combine(self.held_on, self.begins)
        return begins, begins + timedelta(minutes=self.minutes)


def checked_place(place: str) -> str:
    """A place as it is stored. Raises Refusal: no place that can be told from others, too long, or no text."""
    place = " ".join(place.split())
    if not place_key(place):
        raise Refusal("activity.place.missing", N_("Say where the activity is."))
    if len(place) > LONGEST_PLACE:
        raise Refusal("activity.place.too_long", N_("This is longer than %(most)s characters."), most=LONGEST_PLACE)
    if not place.isprintable():
        raise Refusal("words.not_text", N_("This holds characters that are not text."))
    return place


def whereabouts(session: Session, held_on: date, begins: time, minutes: int, place: str) -> Whereabouts:
    """When and where, in a form that compares. Raises Refusal: no such length, or the key of the marks is unusable."""
    if not SHORTEST <= minutes <= LONGEST:
        raise Refusal(
            "activity.minutes.malformed",
            N_("An activity lasts from %(shortest)s to %(longest)s minutes."),
            shortest=SHORTEST,
            longest=LONGEST,
        )
    return Whereabouts(
        held_on, begins.replace(second=0, microsecond=0), minutes, mark(session, WHERE, place_key(place))
    )


def place_key(place: str) -> str:
    """A place without accents, case, spaces and marks: two writings of one place have one key. May be empty."""
    plain = unicodedata.normalize("NFKD", place.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


def hold_all(session: Session) -> None:
    """Make all who plan, move, or find that a participant recruits wait for each other until each has committed.

    What they see of each other's places is then what is stored.
    """
    run(session, select(func.pg_advisory_xact_lock(func.hashtextextended(f"activities/{program_of(session)}", 0))))


def also_there(session: Session, there: Whereabouts | None, *, but: Collection[UUID] = ()) -> set[UUID]:
    """The follow-ups that other activities bring to a place at these hours. `but` are activities left out."""
    if there is None:
        return set()
    day = timedelta(days=1)
    rows = tuples(
        session,
        only(Activity.held_on, Activity.begins, Activity.minutes, ActivityPart.where_mark, ActivityPart.follow_up_id)
        .join(ActivityPart, joins(ActivityPart.activity_id, Activity))
        .where(
            col(Activity.id).not_in(list(but)),
            col(Activity.called_off_at).is_(None),
            ActivityPart.where_mark == there.mark,
            col(Activity.held_on).between(there.held_on - day, there.held_on + day),
            col(ActivityPart.taken_out_at).is_(None),
        ),
    )
    begins, ends = there.span
    found = set()
    for held_on, starts, minutes, where, follow_up_id in rows:
        other = _whereabouts(held_on, starts, minutes, where)
        if other is not None and other.span[0] < ends and begins < other.span[1]:
            found.add(follow_up_id)
    return found


def _where_marked() -> ColumnElement[str | None]:
    """The blind mark of an activity's place, as its participants' parts have it: a column beside the activity's."""
    part = aliased(ActivityPart)
    return (
        select(func.max(col(part.where_mark)))
        .where(joins(part.activity_id, Activity), col(part.taken_out_at).is_(None))
        .correlate(Activity)
        .scalar_subquery()
        .label("where_mark")
    )


class Placed(Activity):
    """An activity with the blind mark of where it is."""

    model_config = SHAPE
    where_mark: str | None = also(value_of(_where_marked()))


def where_is(row: Activity, where_mark: str | None) -> Whereabouts | None:
    """When and where an activity is, by its row and its mark; None where that is not known."""
    return _whereabouts(row.held_on, row.begins, row.minutes, where_mark)


def _whereabouts(held_on: date, begins: time | None, minutes: int | None, where: str | None) -> Whereabouts | None:
    return None if begins is None or minutes is None or where is None else Whereabouts(held_on, begins, minutes, where)
