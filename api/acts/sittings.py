"""What is done to a meeting while it is held: opened, put back, closed; what becomes of its items, and what comes up.

Who fills a seat, and what is decided, each window says in a form of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import Field, StrictBool, StrictInt

from api.access.follow_ups import find_follow_up
from api.access.permissions import Action, Forbidden
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.acts.minutes import Row, find_kept
from api.web.given import ActInput, Day, Key, Said, Version, on_form, or_none
from api.web.readers import version_or_none
from domain.follow_ups import monday_of, processes
from domain.kernel import Refusal, local_day
from locales import N_
from meetings import attendance, discussing, running
from meetings.agenda_items import items_of

MEETING: Final = ActSubject("/meetings/{meeting_id}", find_kept)
SEATS: Final = ActSubject("/meetings/{meeting_id}", find_kept)
ITEMS: Final = ActSubject("/meetings/{meeting_id}", find_kept)
CASES: Final = ActSubject("/meetings/{meeting_id}", find_kept)

#: What is said of an item, and of a case, in the version that was seen; its part of the page comes back.
of_item: Final = partial(ITEMS.act, Action.RUN_MEETING, form="item-{item}", place="item-{item}", versioned=True)
of_case: Final = partial(CASES.act, Action.RUN_MEETING, form="case-{case}", place="case-{case}", versioned=True)

_LONGEST_ITEM: Final = 600


@MEETING.act(Action.RUN_MEETING, "/run/opening", form="opening", place="opening", versioned=True, json="POST /opening")
def open_meeting(on: On[Row]) -> None:
    """Begin a meeting, on its day or afterwards."""
    running.open_meeting(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


class ClosingGiven(ActInput):
    """With `carry_rest`, items of which nothing was said are carried over; without it they keep the meeting open."""

    carry_rest: Annotated[StrictBool, on_form("carried".__eq__, name="rest")] = False


@MEETING.act(Action.RUN_MEETING, "/run/closing", form="closing", place="closing", versioned=True, json="POST /closing")
def close_meeting(on: On[Row], said: ClosingGiven) -> None:
    """End a meeting: what it did not reach is carried over, and its minutes are drafted."""
    running.close_meeting(on.session, on.id, carry_rest=said.carry_rest, by=on.by, at=on.at, seen=on.seen)


@MEETING.act(
    Action.RUN_MEETING, "/run/putting-back", form="closing", place="closing", versioned=True, json="POST /putting-back"
)
def put_back(on: On[Row]) -> None:
    """Take back that a meeting was opened, while nothing is recorded in it."""
    running.put_back(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@SEATS.act(
    Action.RUN_MEETING, "/run/attendance/rest", form="attendance", place="attendance", json="POST /attendance/rest"
)
def record_rest(on: On[Row]) -> None:
    """Record as present every principal of whose seat nothing is recorded yet, and who did not answer otherwise.

    Again: nothing is left to record.
    """
    attendance.record_rest(on.session, on.id, by=on.by, at=on.at)


class OutcomeGiven(ActInput):
    """What becomes of an item: nothing yet while it is empty; `refer_to`, a committee's key, goes with "referred".

    A note that is not given stays as it is. What is decided is said by recording the decision.
    """

    outcome: Literal["", "treated", "decided", "carried", "referred", "withdrawn"]
    refer_to: Key = ""
    note_fr: Annotated[Said | None, on_form(str)] = None
    note_en: Annotated[Said | None, on_form(str)] = None

    @classmethod
    def from_form(cls, typed: Mapping[str, Any], context: RequestContext) -> Self:
        """What the form says; the committee that is chosen counts where the item is referred."""
        return super().from_form(typed if typed["outcome"] == "referred" else {**typed, "refer_to": ""}, context)


def _item_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Forbidden from None


@of_item("/run/outcome", json="PUT /outcomes/{item_id}")
def treat_item(on: On[Row], said: OutcomeGiven, item_id: Annotated[UUID, on_form(_item_of, name="item")]) -> UUID:
    """Say what becomes of an item of a meeting under way, or correct it."""
    _refuse_elsewhere(on, item_id)
    running.treat(
        on.session,
        item_id,
        said.outcome,
        note_fr=said.note_fr,
        note_en=said.note_en,
        refer_to=said.refer_to,
        by=on.by,
        at=on.at,
        seen=on.seen,
    )
    return item_id


@of_item("/run/current", json="PUT /current/{item_id}")
def take_up_item(on: On[Row], item_id: Annotated[UUID, on_form(_item_of, name="item")]) -> UUID:
    """Say that the meeting comes to an item now, whatever its place: everyone who sits sees it."""
    _refuse_elsewhere(on, item_id)
    running.take_up(on.session, item_id, by=on.by, at=on.at, seen=on.seen)
    return item_id


def _refuse_elsewhere(on: On[Row], item_id: UUID) -> None:
    """Raises Forbidden where an item is not on the agenda of the meeting."""
    if item_id not in {row.id for row in items_of(on.session, on.id)}:
        raise Forbidden


class CaseDiscussed(ActInput):
    """What becomes of a case, with a note; and what follows, by the day on which its worker comes back on it.

    Words that are not given stay as they were.

    The processes of motivational interviewing are those that the work of this week was about. They are marked where
    `marked` says in which version that was read, 0 where the week had no mark; without it they stay.
    """

    outcome: Literal["goes_on", "changes", "comes_back"]
    note: Annotated[Said | None, on_form(or_none)] = None
    follows: Annotated[Said | None, on_form(or_none)] = None
    due_on: Annotated[Day | None, on_form(name="due")] = None
    processes: list[Literal["relationship", "focus", "evocation", "planning"]] = Field(default_factory=list)
    marked: Annotated[Version, on_form(version_or_none)] = None


@of_case("/run/cases", json="PUT /cases/{follow_up_id}")
def discuss_case(
    on: On[Row], said: CaseDiscussed, follow_up_id: Annotated[UUID, on_form(_item_of, name="case")]
) -> UUID:
    """Record what the Clinical Committee says of a case while it sits, or correct it."""
    find_follow_up(on.session, on.context.asker, follow_up_id)
    told = discussing.Said(said.note, said.follows, said.due_on)
    discussing.discuss(on.session, on.id, follow_up_id, said.outcome, told, by=on.by, at=on.at, seen=on.seen)
    if said.marked is not None:
        processes.mark_processes(
            on.session,
            follow_up_id,
            monday_of(local_day(on.session, on.at)),
            said.processes,
            by=on.by,
            at=on.at,
            seen=said.marked,
        )
    return follow_up_id


def _minutes_of(text: str) -> int | None:
    """The minutes of an item, None for an empty field. Raises Refusal."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and int(text[:6]) <= _LONGEST_ITEM):
        raise Refusal("minutes.malformed", N_("An item takes between 0 and %(most)s minutes."), most=_LONGEST_ITEM)
    return int(text)


class AdditionGiven(ActInput):
    """What comes up in a meeting, with the reason why it is now. One title is enough: it then stands in both."""

    title_fr: Said = ""
    title_en: Said = ""
    minutes: Annotated[Annotated[StrictInt, Field(ge=0, le=600)] | None, on_form(_minutes_of)] = None
    reason: Said = ""


@ITEMS.act(Action.RUN_MEETING, "/run/items", form="add", place="add", once=True, json="POST /additions")
def add_item(on: On[Row], said: AdditionGiven) -> UUID:
    """Put on the agenda what comes up while the meeting is under way."""
    return running.add_item(on.session, on.id, **dict(said), by=on.by, at=on.at)
