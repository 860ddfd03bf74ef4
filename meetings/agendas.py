"""The items of a committee's agendas: the door by which any part of the program asks for one, and people's own edits.

`ask` and `withdraw` are that door, called in the caller's own transaction. `edit`, `move_to`, `put_on`, `take_off` and
`withdraw_item` are acts of people on single items. How a meeting's agenda comes to be as a whole
stands in `meetings.assembling`.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, Refusal, local_day
from locales import N_
from meetings.agenda_items import (
    SAID_AS_IT_IS,
    PresentedItem,
    as_it_is,
    change_item,
    end,
    is_asked,
    item_of,
    items_of,
    last_position,
    lock_item,
    move_item,
    not_on_one,
    open_item,
    open_row,
    put_last,
    refuse_other_committee,
    refuse_to_let_go,
    refuse_unless_open,
    set_positions,
    withdrawn_of,
    write_item_event,
)
from meetings.agenda_rules import OBJECTION, OF_ONE_MEETING, NewItem, item_by, needed_rule, presenter_of, rule_taking
from meetings.committees import committee_of, committees, membership
from meetings.locking import changed_meanwhile, lock_meeting
from meetings.reasons import worded
from meetings.texts import checked_line
from models.agenda import AUDIENCES, LATE_REQUEST, PURPOSES, REFERRED, TAKEN_OFF, AgendaItem, Fact, ItemReason, Reasons

_log = logging.getLogger(__name__)

LONGEST_SUBJECT: Final = 200
LONGEST_ITEM_MINUTES: Final = 600
AsIs = Literal["as_is"]
AS_IS: Final = "as_is"


# --------------------------------------------------------------------------------------------------------- the door


def takes(session: Session, committee_key: str, kind: str) -> bool:
    """Whether agendas of a committee take items of a kind; where not, the log says so, and the caller does without."""
    found = next((row for row in committees(session).values() if row.key == committee_key), None)
    if found is not None and rule_taking(found, kind) is not None:
        return True
    _log.warning("no agenda takes items of a kind", extra={"committee": committee_key, "kind": kind})
    return False


def ask(
    session: Session,
    committee_key: str,
    kind: str,
    subject: str,
    *,
    title_fr: str,
    title_en: str,
    reasons: Sequence[ItemReason],
    by: Actor,
    at: datetime,
    task_id: UUID | None = None,
    purpose: str | None = None,
) -> UUID:
    """Have a committee talk about `subject` at its next meeting, for these reasons, and return the item's id.

    `kind` is one that a rule of the committee's file takes ("admission", "handover"), and `subject` the number by which
    it circulates ("#2019-02", or a candidate's reference). While it is open, asking again adds the reasons that are
    new, takes the task that is given instead of the one before, and changes nothing else; once it is settled, a new
    item. What is not given is as the rule has it. Titles and reasons never hold a name.

    `task_id` is the task that a decision on the item completes, with the decision's number as its note, under whoever
    records the decision. One that asks for evidence too stays open. It is the caller's: withdrawing leaves it as it is.
    `withdraw` takes the item back; `decisions.taken_on` has what was decided about the subject, and when.

    A reason's code is the caller's own; its sentence is an N_() text whose facts are days, counts and numbers. Give a
    reason without `day` where the fact may change: two with other facts are two reasons. Raises Refusal: no such
    committee, or no rule of it takes the kind.
    """
    if not reasons:
        raise ValueError("an item is asked for with the reason why")
    committee = committee_of(session, committee_key)
    rule = needed_rule(committee, kind)
    presenter = presenter_of(rule, membership(session, committee.id), local_day(session, at))
    titles = checked_line(title_fr), checked_line(title_en)
    if not titles[0]:
        raise no_title()
    item = item_by(rule, kind, _checked_subject(subject), titles, presenter)
    asked = replace(as_asked(item, None, purpose, by), task_id=task_id, reasons=worded(reasons))
    return open_item(session, committee.id, asked, by=by, at=at)


def as_asked(item: NewItem, minutes: int | None, purpose: str | None, by: Actor) -> NewItem:
    """An item with what its asker says otherwise than its rule. Raises Refusal."""
    return replace(
        item,
        minutes=_checked_minutes(item.minutes if minutes is None else minutes),
        purpose=_one_of(purpose or item.purpose, PURPOSES),
        asked_by=by.person_id,
    )


def withdraw(
    session: Session,
    committee_key: str,
    kind: str,
    subject: str,
    *,
    by: Actor,
    at: datetime,
    task_id: UUID | None = None,
) -> bool:
    """Say that a committee need not talk about `subject` any more. Returns whether anything changed.

    With `task_id`, only where no other task asks for it: a person who is referred again waits on the new task. One on
    an agenda that is frozen stays there, as printed, and says since when the fact no longer holds.
    """
    committee = committee_of(session, committee_key)
    row = open_row(session, committee.id, kind, subject)
    if row is None or (task_id is not None and row.task_id not in (None, task_id)):
        return False
    return _leave_to(session, row, Reasons(), by=by, at=at)


def refer(session: Session, item_id: UUID, committee_key: str, *, by: Actor, at: datetime) -> UUID:
    """Put what an item is about in another committee's pool, saying who referred it; return the new item's id.

    The item itself is left as it is: what became of it is the meeting's own word. Raises Refusal.
    """
    row = item_of(session, item_id)
    origin = committees(session)[row.committee_id]
    target = committee_of(session, committee_key)
    if target.id == origin.id:
        raise Refusal("agenda.own_committee", N_("An item is referred to another committee."))
    facts: dict[str, Fact] = {
        "committee": {"fr": origin.title_fr, "en": origin.title_en},
        "day": local_day(session, at).isoformat(),
        "item": str(row.id),
    }
    kind, subject = _referred_as(row)
    item = replace(
        as_it_is(row),
        kind=kind,
        subject=subject,
        rule="",
        presenter_seat_id=None,
        times_seen=0,
        carried_from_id=row.id,
        asked_by=by.person_id,
        asked_at=at,
        reasons=Reasons([ItemReason(REFERRED, facts=facts)]),
    )
    return open_item(session, target.id, item, by=by, at=at, verb="agenda_item.referred")


def take_back_referral(session: Session, item_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Have the receiving committee drop what was referred, unless it has other reasons. Whether anything changed."""
    row = item_of(session, item_id)
    waiting = open_row(session, row.referred_to_id, *_referred_as(row)) if row.referred_to_id is not None else None
    if waiting is None:
        return False
    referred = REFERRED, str(item_id)
    left = Reasons(reason for reason in waiting.reasons if (reason.code, reason.facts.get("item")) != referred)
    return _leave_to(session, waiting, left, by=by, at=at)


# ------------------------------------------------------------------------------------------------------ what people do


def edit(
    session: Session,
    item_id: UUID,
    *,
    title_fr: str | None = None,
    title_en: str | None = None,
    minutes: int | None = None,
    purpose: str | None = None,
    audience: str | None = None,
    presenter: UUID | AsIs | None = AS_IS,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> int:
    """Change an item's words, minutes, purpose, audience or presenting seat, and return its version. Raises Refusal.

    What is changed by hand is kept when the agenda is assembled again. What says what partners object to, or which one
    it would free, is not changed.
    """
    row = _lock_to_change(session, item_id, seen)
    wanted = _checked_words(title_fr=title_fr, title_en=title_en, minutes=minutes, purpose=purpose, audience=audience)
    if presenter != AS_IS:
        _refuse_other_seat(session, row.committee_id, presenter)
        wanted["presenter_seat_id"] = presenter
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if SAID_AS_IT_IS.get(row.kind, frozenset()) & changed.keys():
        raise _said_as_it_is(row)
    if not changed:
        return row.version
    if not (changed.get("title_fr", row.title_fr) or changed.get("title_en", row.title_en)):
        raise no_title()
    version = change_item(session, row, **changed, reasons=row.reasons.with_edited(changed))
    write_item_event(session, "agenda_item.edited", row, by=by, at=at, columns=sorted(changed))
    return version


def move_to(session: Session, item_id: UUID, place: int, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Put an item in this place of its agenda, counted from 1; further than last is last. Raises Refusal.

    It stands under the heading of what follows it there; last, under the heading of what it follows.
    """
    row, others = _lock_among_others(session, item_id, seen)
    if place < 1:
        raise Refusal("agenda.place.missing", N_("The first place of an agenda is 1."))
    _place(session, row, others, min(place - 1, len(others)), by=by, at=at)


def shift(session: Session, item_id: UUID, by_places: int, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Move an item so many places down its agenda, or up where negative, no further than its end. Raises Refusal."""
    row, others = _lock_among_others(session, item_id, seen)
    now = sum(one.position < row.position for one in others)
    place = max(0, min(now + by_places, len(others)))
    if place != now:
        _place(session, row, others, place, by=by, at=at)


def put_on(
    session: Session, item_id: UUID, meeting_id: UUID, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Put an item of the pool last on the agenda of a meeting that is not frozen. Raises Refusal."""
    meeting = lock_meeting(session, meeting_id)
    refuse_unless_open(meeting)
    row = lock_item(session, item_id, seen=seen)
    refuse_other_committee(meeting, row.committee_id)
    off = TAKEN_OFF, str(meeting_id)
    left = Reasons(one for one in row.reasons.without(LATE_REQUEST) if (one.code, one.meeting) != off)
    put_last(session, row, meeting_id, late_reason="", reasons=left.with_edited(["position"]), by=by, at=at)


def take_off(session: Session, item_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Take an item off the agenda of a meeting, to which it does not come back by itself. Raises Refusal."""
    row = _lock_to_change(session, item_id, seen)
    if row.meeting_id is None:
        raise not_on_one()
    _refuse_objection(row)
    waits = is_asked(row) or (row.times_seen and row.kind not in OF_ONE_MEETING)
    move_item(session, row, "put_back" if waits else "withdraw", reasons=_off(row))
    write_item_event(session, "agenda_item.taken_off", row, by=by, at=at, meeting=str(row.meeting_id))


def off_of(session: Session, meeting_id: UUID) -> list[PresentedItem]:
    """What people took off the agenda of a meeting, was drawn by a rule, and waits nowhere: it can be put on again."""
    open_now = {row.key for row in items_of(session, meeting_id)}
    found = {
        row.key: row
        for row in withdrawn_of(session, meeting_id)
        if str(meeting_id) in row.reasons.taken_off and any(reason.rule for reason in row.reasons)
    }
    return [row for key, row in found.items() if key not in open_now]


def restore(session: Session, item_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> UUID:
    """Put what was taken off an agenda, and waits nowhere, last on it again; the new item's id. Raises Refusal."""
    was_not_off = Refusal("agenda.not_taken_off", N_("This item was not taken off an agenda."))
    meeting_id = item_of(session, item_id).meeting_id
    if meeting_id is None:
        raise was_not_off
    refuse_unless_open(lock_meeting(session, meeting_id))
    row = lock_item(session, item_id, seen=seen)
    if row.id not in {one.id for one in off_of(session, meeting_id)}:
        raise was_not_off
    if open_row(session, row.committee_id, row.kind, row.subject) is not None:
        raise Refusal("agenda.open_elsewhere", N_("The committee has this item open already."))
    reasons = row.reasons.without(TAKEN_OFF)
    change_item(session, row, reasons=reasons)  # it is off no more, also where the new item goes once its fact is over
    return open_item(
        session,
        row.committee_id,
        replace(as_it_is(row), reasons=reasons.with_edited(["position"])),
        meeting_id=meeting_id,
        position=1 + last_position(session, meeting_id),
        by=by,
        at=at,
        verb="agenda_item.put_on",
    )


def withdraw_item(session: Session, item_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Take back an item that was asked for: none that a rule draws, or whose task its act alone does."""
    row = _lock_to_change(session, item_id, seen)
    _refuse_objection(row)
    if not is_asked(row):
        raise Refusal(
            "agenda.drawn", N_("A rule of the committee puts this item here: take it off the agenda instead.")
        )
    refuse_to_let_go(session, row)
    # As of what is taken off: a rule that draws the same has it come back to no agenda from which people took it.
    move_item(session, row, "withdraw", reasons=row.reasons if row.meeting_id is None else _off(row))
    write_item_event(session, "agenda_item.withdrawn", row, by=by, at=at)


def _referred_as(row: PresentedItem) -> tuple[str, str]:
    """The kind and the subject under which another committee has what is referred to it.

    What each meeting of this one has anew is one matter there, which waits in the pool as anything that is asked for.
    """
    return (REFERRED, str(row.id)) if row.kind in OF_ONE_MEETING else row.key


def _off(row: AgendaItem) -> Reasons:
    """An item's reasons, and that people took it off the agenda on which it stands."""
    return Reasons((*row.reasons, ItemReason(TAKEN_OFF, facts={"meeting": str(row.meeting_id)})))


def _refuse_objection(row: AgendaItem) -> None:
    if row.kind == OBJECTION:
        raise Refusal(
            "agenda.objection_stays",
            N_("A partner’s objection stays on the agenda until it is settled or withdrawn."),
            source="GV-4",
        )


def _said_as_it_is(row: AgendaItem) -> Refusal:
    if row.kind == OBJECTION:
        return Refusal(
            "objection.item_stands",
            N_("This item states a partner’s objection: its title, its purpose and who may read it cannot be changed."),
            source="GV-4",
        )
    return Refusal(
        "waiver.title_stands", N_("This item states a waiver, its clause and its days: it cannot be changed.")
    )


def _leave_to(session: Session, row: AgendaItem, left: Reasons, *, by: Actor, at: datetime) -> bool:
    """Have an open item stand there for the reasons that are left, and withdraw it where none of them speaks for it."""
    gone = {reason.code for reason in row.reasons if reason not in left}
    if gone and left.speak_for_it:
        change_item(session, row, reasons=left)
        write_item_event(session, "agenda_item.reason_withdrawn", row, by=by, at=at, code=min(gone))
    elif gone:
        end(session, row, by=by, at=at)
    return bool(gone)


def _lock_to_change(session: Session, item_id: UUID, seen: int | None) -> AgendaItem:
    """An item and its meeting, locked in the order in which freezing locks them. Raises Refusal: it is too late."""
    meeting_id = item_of(session, item_id).meeting_id
    meeting = lock_meeting(session, meeting_id) if meeting_id is not None else None
    row = lock_item(session, item_id, seen=seen)
    if row.meeting_id != meeting_id:
        raise changed_meanwhile("agenda_item")
    if row.state not in ("pool", "scheduled"):
        raise Refusal("agenda.item_closed", N_("This item is settled or withdrawn."))
    if meeting is not None:
        refuse_unless_open(meeting)
    return row


def _lock_among_others(session: Session, item_id: UUID, seen: int | None) -> tuple[AgendaItem, list[PresentedItem]]:
    """An item that is to be moved, locked, and the others of its agenda in their order. Raises Refusal."""
    row = _lock_to_change(session, item_id, seen)
    if row.meeting_id is None:
        raise not_on_one()
    return row, [one for one in items_of(session, row.meeting_id) if one.id != item_id]


def _checked_words(**given: str | int | None) -> dict[str, object]:
    """What is to be said of an item by the columns that it is kept in, of what was given. Raises Refusal."""
    return {name: _CHECKED[name](value) for name, value in given.items() if value is not None}


def _refuse_other_seat(session: Session, committee_id: UUID, seat_id: object) -> None:
    if seat_id is not None and seat_id not in {seat.id for seat in membership(session, committee_id).seats}:
        raise Refusal("agenda.no_such_seat", N_("This committee has no such seat."))


def _place(
    session: Session, row: AgendaItem, others: list[PresentedItem], place: int, *, by: Actor, at: datetime
) -> None:
    """Have an item stand among the others of its agenda after so many of them."""
    neighbour = [*others[place:], *others[-1:], row][0]
    set_positions(session, [*others[:place], row, *others[place:]])
    section = {
        name: getattr(neighbour, name)
        for name in ("section_fr", "section_en")
        if getattr(neighbour, name) != getattr(row, name)
    }
    change_item(session, row, **section, reasons=row.reasons.with_edited(["position", *section]))
    write_item_event(session, "agenda_item.moved", row, by=by, at=at)


def _checked_subject(subject: str) -> str:
    broken = any(unicodedata.category(letter).startswith("C") for letter in subject)
    if not subject or len(subject) > LONGEST_SUBJECT or broken:
        raise ValueError("an item's subject is an id or a number, on one line")
    return subject


def _checked_minutes(minutes: int) -> int:
    if not 0 <= minutes <= LONGEST_ITEM_MINUTES:
        raise Refusal("agenda.minutes", N_("An item takes between 0 and %(most)s minutes."), most=LONGEST_ITEM_MINUTES)
    return minutes


def _one_of(value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise Refusal("agenda.unknown_word", N_("Choose one of: %(words)s."), words=", ".join(known))
    return value


def no_title() -> Refusal:
    """The refusal of an item without a title."""
    return Refusal("agenda.no_title", N_("Give the item a title."))


#: What checks each column that people change.
_CHECKED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "title_fr": checked_line,
    "title_en": checked_line,
    "minutes": _checked_minutes,
    "purpose": partial(_one_of, known=PURPOSES),
    "audience": partial(_one_of, known=AUDIENCES),
}
