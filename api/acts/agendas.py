"""What is done to an agenda: drawn anew, its items changed, put on, taken off and taken back; frozen, and added to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, StrictInt

from api.access.agendas import AgendaAccess, find_agenda, find_item, refuse_over
from api.access.permissions import Action
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.acts.meetings import Line
from api.web.given import ActInput, Short, on_form
from domain.kernel import Refusal
from locales import N_
from meetings import agenda_requests, agendas, assembling, freezing, posting
from meetings.assembling import Assembled
from meetings.freezing import Outgoing

_LONGEST_NUMBER: Final = 4


def minutes_of(text: str) -> int | None:
    """How long an item takes, as a number field sends it; None for an empty one. Raises Refusal."""
    said = N_("Write the minutes as a whole number with at most %(most)s figures, or leave the field empty.")
    return number_of(text, Refusal("agenda.minutes.malformed", said, most=_LONGEST_NUMBER))


def number_of(text: str, refusal: Refusal) -> int | None:
    """A whole number as a field sends it; None for an empty one. Raises the refusal."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise refusal
    return int(text)


def _find(context: RequestContext, _: Action, meeting_id: UUID) -> tuple[AgendaAccess, Relations]:
    found = find_agenda(context, meeting_id)
    return found, found.given


def _find_item(context: RequestContext, _: Action, meeting_id: UUID, item_id: UUID) -> tuple[AgendaAccess, Relations]:
    found, _row = find_item(context, meeting_id, item_id)
    return found, found.given


AGENDA: Final = ActSubject("/meetings/{meeting_id}/agenda", _find)
ITEM: Final = ActSubject("/meetings/{meeting_id}/agenda/items/{item_id}", _find_item)
FREEZING: Final = ActSubject(AGENDA.path, _find)
LATE: Final = ActSubject(ITEM.path, _find_item)


@AGENDA.act(Action.KEEP_AGENDA, "/assembly", form="assembly", place="items")
def assemble_agenda(on: On[AgendaAccess]) -> Assembled:
    """Draw a meeting's agenda anew by the committee's rules. What was changed by hand stays."""
    refuse_over(on.row.meeting)
    return assembling.draw_up(on.session, on.id, by=on.by, at=on.at)


class ItemEdited(ActInput):
    """What changes of an item: what is not given stays as it is. A null seat means that no seat brings it."""

    title_fr: Annotated[Short | None, on_form(str)] = None
    title_en: Annotated[Short | None, on_form(str)] = None
    minutes: Annotated[Annotated[StrictInt, Field(ge=0, le=600)] | None, on_form(minutes_of)] = None
    purpose: Literal["information", "discussion", "decision"] | None = None
    audience: Literal["invited", "seats", "partners"] | None = None
    presenter_seat_id: Annotated[UUID | None, on_form(name="presenter")] = None


@ITEM.act(Action.KEEP_AGENDA, form="edit-{item_id}", place="item-{item_id}", versioned=True, json="PUT")
def edit_item(on: On[AgendaAccess], said: ItemEdited) -> None:
    """Change an item's titles, length, purpose, audience or presenting seat."""
    refuse_over(on.row.meeting)
    agendas.edit(
        on.session,
        on.id,
        title_fr=said.title_fr,
        title_en=said.title_en,
        minutes=said.minutes,
        purpose=said.purpose,
        audience=said.audience,
        presenter=said.presenter_seat_id if "presenter_seat_id" in said.model_fields_set else agendas.AS_IS,
        by=on.by,
        at=on.at,
        seen=on.seen,
    )


@ITEM.act(Action.KEEP_AGENDA, "/scheduling", form="scheduling-{item_id}", place="item-{item_id}", versioned=True)
def put_item_on(on: On[AgendaAccess]) -> None:
    """Put an item of the pool last on an agenda that is not frozen."""
    refuse_over(on.row.meeting)
    agendas.put_on(on.session, on.id, on.ids["meeting_id"], by=on.by, at=on.at, seen=on.seen)


@ITEM.act(Action.KEEP_AGENDA, "/removal", form="removal-{item_id}", place="items", versioned=True)
def take_item_off(on: On[AgendaAccess]) -> None:
    """Take an item off an agenda, to which it does not come back by itself."""
    refuse_over(on.row.meeting)
    agendas.take_off(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@ITEM.act(Action.KEEP_AGENDA, "/restoring", form="restoring-{item_id}", place="items", versioned=True)
def restore_item(on: On[AgendaAccess]) -> UUID:
    """Put what was taken off, and waits nowhere, last on its agenda again: as a new item, which is the answer."""
    refuse_over(on.row.meeting)
    return agendas.restore(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@ITEM.act(Action.WITHDRAW_ITEM, "/withdrawal", form="withdrawal-{item_id}", place="items", versioned=True)
def withdraw_item(on: On[AgendaAccess]) -> None:
    """Take back an item that was asked for: the coordinator any, a member their own."""
    refuse_over(on.row.meeting)
    agendas.withdraw_item(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@ITEM.act(Action.KEEP_AGENDA, "/late-refusal", form="late-refusal-{item_id}", place="pool", versioned=True)
def decline_late_item(on: On[AgendaAccess]) -> None:
    """Leave what was asked for late to a later meeting."""
    refuse_over(on.row.meeting)
    agenda_requests.decline_late(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


# ------------------------------------------------------------------------------------------------------ what goes out


@dataclass(frozen=True)
class AgendaSent:
    """What goes out of an agenda, on which occasion, and how many items came from meetings that were never closed."""

    outgoing: Outgoing
    occasion: posting.Occasion
    carried: int = 0


@FREEZING.act(Action.KEEP_AGENDA, "/freezing", form="freezing", versioned=True)
def freeze_agenda(on: On[AgendaAccess]) -> AgendaSent:
    """Freeze the agenda under its numbers, and send it to everyone who is invited. The version is the meeting's."""
    refuse_over(on.row.meeting)
    carried = assembling.take_over(on.session, on.id, by=on.by, at=on.at)
    return AgendaSent(freezing.freeze(on.session, on.id, by=on.by, at=on.at, seen=on.seen), "frozen", len(carried))


class LateGiven(ActInput):
    """Why an item cannot wait; it may be left out where the one who asked for the item said so."""

    reason: Line = ""


@LATE.act(Action.KEEP_AGENDA, "/late", form="late-{item_id}", versioned=True)
def add_late_item(on: On[AgendaAccess], said: LateGiven) -> AgendaSent:
    """Add an item of the pool to the frozen agenda, as an addendum, with the reason, and send that."""
    meeting = on.row.meeting
    refuse_over(meeting)
    outgoing = freezing.add_late(on.session, meeting.id, on.id, reason=said.reason, by=on.by, at=on.at, seen=on.seen)
    return AgendaSent(outgoing, "addendum")
