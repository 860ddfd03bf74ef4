"""The inventory: adding a thing, correcting its name, taking it out of use, and finding it again.

A thing is known by its kind and its serial number, however that is written: it is entered once. No one changes the
entry of a thing that they have in hand themselves.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, func
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from domain.kernel import (
    SHAPE,
    Actor,
    Order,
    Part,
    Refusal,
    add_row,
    also,
    col,
    every,
    first,
    hold_row,
    in_program,
    is_text,
    joins,
    of,
    only,
    program_of,
    rewrite,
    says_something,
    scalar,
    scalars,
    select,
    trimmed,
    tuples,
    value_of,
)
from domain.record import events
from locales import N_
from models.casework import ProtocolVersion
from models.equipment import Equipment, Loan
from models.lifecycles import EQUIPMENT, NoSuchMove
from models.program import Person

KIND: Final = "equipment"
LONGEST: Final = 120
LONGEST_REASON: Final = 1_000
_UNKNOWN: Final = N_("There is no such piece of equipment.")
_CHANGED: Final = N_("This was changed by someone else or in another window. Nothing was saved; look again.")


def serial_key(serial: str) -> str:
    """A serial number without spaces, marks and case: two writings of one number have one key. May be empty."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", serial).upper() if letter.isalnum())


def kinds(session: Session) -> dict[str, dict[str, str]]:
    """The kinds of equipment by key, with their words: those that a step hands over, and any that is in the inventory.

    The words are those of the protocol that was recorded last.
    """
    found: dict[str, dict[str, str]] = {}
    declared = scalars(
        session,
        only(ProtocolVersion.declared).order_by(
            col(ProtocolVersion.recorded_at), col(ProtocolVersion.number), col(ProtocolVersion.id)
        ),
    )
    for protocol in declared:
        for step in protocol["steps"]:
            if step.get("evidence") != "serial":
                continue
            items = (step.get("for_each") or {}).get("list")
            found |= {one["id"]: dict(one["title"]) for one in items or [step]}
    for kind in filter(None, scalars(session, _KINDS_THERE)):
        found.setdefault(kind, {"fr": kind, "en": kind})
    return {kind: {lang: said[:1].upper() + said[1:] for lang, said in words.items()} for kind, words in found.items()}


_least: Final = select(func.min(col(Equipment.kind)).label("kind")).where(in_program(Equipment))
_kinds: Final = _least.cte("kinds", recursive=True)
_next_kind: Final = _least.where(col(Equipment.kind) > _kinds.c.kind).scalar_subquery()
#: Each kind that is in the inventory: from one to the next by an index, and not thing by thing.
_KINDS_THERE: Final = select(_kinds.union_all(select(_next_kind).where(_kinds.c.kind.is_not(None))).c.kind)


def add(session: Session, kind: str, serial: str, *, label: str = "", by: Actor, at: datetime) -> UUID:
    """Enter a thing into the inventory, and return its id.

    Raises Refusal: no serial number, no such kind, or a thing of that kind and number is in the inventory already, lost
    or out of use ones included.
    """
    serial, label, key = _serial(serial), _label(label), serial_key(serial)
    if kind not in kinds(session):
        raise Refusal("equipment.kind.malformed", N_("Choose from the list."))
    _refuse_second(session, kind, key)
    row = Equipment(
        program_id=program_of(session),
        kind=kind,
        serial=serial,
        serial_key=key,
        label=label,
        added_at=at,
        added_by=by.person_id,
    )
    try:
        with session.begin_nested():
            add_row(session, row)
    except IntegrityError:
        raise _there_already() from None
    events.write(session, "equipment.added", KIND, row.id, by=by, at=at, serial=serial, kind=kind)
    return row.id


def correct(
    session: Session, thing_id: UUID, *, serial: str, label: str, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Correct the serial number of a thing, or its name. Raises Refusal."""
    row = hold(session, thing_id, seen=seen)
    refuse_in_own_hands(session, row, by)
    serial, label, key = _serial(serial), _label(label), serial_key(serial)
    if key != row.serial_key or row.to_check:
        _refuse_second(session, row.kind, key, but=thing_id)
    try:
        with session.begin_nested():
            rewrite(session, Equipment, row.id, serial=serial, serial_key=key, label=label, to_check=False)
    except IntegrityError:
        raise _there_already() from None
    events.write(session, "equipment.corrected", KIND, thing_id, by=by, at=at, serial_before=row.serial, serial=serial)


def take_out_of_use(
    session: Session, thing_id: UUID, *, reason: str, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Record that a thing is not lent any more: it is broken, given away, or was entered by mistake.

    Raises Refusal, also while a person has it in hand.
    """
    row = hold(session, thing_id, seen=seen)
    reason = needed_reason(reason)
    state = _after(row, "take_out_of_use")
    if holder_of(session, thing_id) is not None:
        raise Refusal("equipment.in_hand", N_("Someone has it in hand: record its return first."))
    _to_state(session, row, state, reason, "equipment.out_of_use", by=by, at=at)


def put_back(session: Session, thing_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Record that a thing which was out of use can be lent again. Raises Refusal."""
    row = hold(session, thing_id, seen=seen)
    _to_state(session, row, _after(row, "put_back"), "", "equipment.put_back", by=by, at=at)


def find_again(
    session: Session, thing_id: UUID, *, reason: str, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Record that a thing which was given up as lost turned up, and how. It can be lent again. Raises Refusal."""
    row = hold(session, thing_id, seen=seen)
    reason = needed_reason(reason)
    _to_state(session, row, _after(row, "find"), reason, "equipment.found", by=by, at=at)


_loan, _ended = aliased(Loan), aliased(Loan)
_last: Final = (
    select(_ended.person_id)
    .where(joins(_ended.equipment_id, Equipment), col(_ended.returned_at).is_not(None), ~col(_ended.mistaken))
    .order_by(col(_ended.lent_at).desc(), col(_ended.id))
    .limit(1)
    .scalar_subquery()
)


class EquipmentInHand(Equipment):
    """A thing with its present holder and since when; `last_id` is its last holder, where no one has it now."""

    model_config = SHAPE
    person_id: UUID | None = also(_loan.person_id)
    lent_at: datetime | None = also(_loan.lent_at)
    missing_since: datetime | None = also(_loan.missing_since)
    last_id: UUID | None = also(value_of(_last))


#: A thing and the loan by which it is in a person's hands now.
_in_hand: Final = and_(joins(_loan.equipment_id, Equipment), col(_loan.returned_at).is_(None))
_BY_NUMBER: Final = Order(Equipment.kind, Equipment.serial_key, Equipment.id)
_THINGS: Final = of(EquipmentInHand).outerjoin(_loan, _in_hand)
#: Where a thing is, as one word.
_PLACE: Final[ColumnElement[str]] = case(
    (and_(col(_loan.person_id).is_not(None), col(_loan.missing_since).is_not(None)), "missing"),
    (col(_loan.person_id).is_not(None), "in_hand"),
    (col(Equipment.state) == "in_use", "available"),
    else_=col(Equipment.state),
)
IN_USE: Final = ("available", "in_hand", "missing")
PLACES: Final = (*IN_USE, "out_of_use", "lost")
_IN_USE: Final[ColumnElement[bool]] = col(Equipment.state) == "in_use"


def place_of(row: EquipmentInHand) -> str:
    """Where a thing is, as one of `PLACES`."""
    if row.person_id is not None:
        return "missing" if row.missing_since is not None else "in_hand"
    return "available" if row.state == "in_use" else row.state


def inventory(
    session: Session, *, place: str = "", part: str = "", most: int, after: UUID | None = None
) -> Part[EquipmentInHand]:
    """The things by kind and number: `most` after one of them, wherever it is now.

    Of those at one of `PLACES` alone, or those with this `part` in their number or their name.
    """
    asked = _THINGS.where(*_with(part), *_at(place))
    return _BY_NUMBER.part(session, asked, after=after, most=most)


def count_by_place(session: Session, *, part: str = "") -> dict[str, int]:
    """How many things that are in use there are at each place, of those with this `part` in their number or their name.

    What is out of use or lost only grows: nothing counts it.
    """
    place = _PLACE.label("place")
    counted = (
        select(value_of(place), value_of(func.count()))
        .select_from(Equipment)
        .outerjoin(_loan, _in_hand)
        .where(in_program(Equipment), *_with(part), _IN_USE)
        .group_by(place)
    )
    return dict.fromkeys(IN_USE, 0) | dict(tuples(session, counted))


def _at(place: str) -> list[ColumnElement[bool] | bool]:
    """The condition on a thing that it is at this place; none for all. What is in use is found by an index of that."""
    return [place == _PLACE, *([_IN_USE] if place in IN_USE else [])] if place else []


def thing(session: Session, thing_id: UUID) -> EquipmentInHand | None:
    """One thing; None where there is none."""
    return first(session, _THINGS.where(Equipment.id == thing_id))


def _with(part: str) -> list[ColumnElement[bool]]:
    """The condition on a thing that its number has this part, however it is written, or its name."""
    words = part.strip()
    if not words:
        return []
    key, named = serial_key(words), col(Equipment.label).icontains(words, autoescape=True)
    return [or_(col(Equipment.serial_key).contains(key, autoescape=True), named) if key else named]


_lent_to: Final = (
    select(Loan.person_id)
    .where(joins(Loan.equipment_id, Equipment), col(Loan.returned_at).is_(None))
    .limit(1)
    .scalar_subquery()
)


class Available(Equipment):
    """A thing with its present holder, if it has one."""

    model_config = SHAPE
    person_id: UUID | None = also(value_of(_lent_to))


def available(session: Session, kind: str, *, for_person: UUID | None = None) -> list[Available]:
    """The things of a kind that can be lent now, and those that a person has in hand already, by number."""
    return every(
        session,
        of(Available)
        .where(
            Equipment.kind == kind,
            Equipment.state == EQUIPMENT.initial,
            or_(_lent_to.is_(None), _lent_to == for_person),
        )
        .order_by(col(Equipment.serial_key), col(Equipment.id)),
    )


def by_serial(session: Session, kind: str, serial: str) -> Equipment | None:
    """The thing of a kind with this serial number, however it is written. An exact match goes before its key."""
    rows = every(
        session,
        of(Equipment)
        .where(Equipment.kind == kind, or_(Equipment.serial == serial, col(Equipment.serial_key) == serial_key(serial)))
        .order_by(col(Equipment.serial) != serial, col(Equipment.to_check), col(Equipment.id)),
    )
    return rows[0] if rows else None


class LoanOf(Loan):
    """A loan with the name of the person who has or had the thing."""

    model_config = SHAPE
    given_name: str = also(Person.given_name)
    family_name: str = also(Person.family_name)


def loans_of(session: Session, thing_id: UUID) -> list[LoanOf]:
    """The loans of a thing, present and past, the last first, each with the person's name."""
    return every(
        session,
        of(LoanOf)
        .join(Person, joins(Loan.person_id, Person))
        .where(Loan.equipment_id == thing_id)
        .order_by(col(Loan.lent_at).desc(), col(Loan.id)),
    )


# ------------------------------------------------------------------------------------ what lending stands on as well


def hold(session: Session, thing_id: UUID, *, seen: int | None = None) -> Equipment:
    """A thing, locked until the transaction ends. Raises Refusal: there is none, or not as it was `seen`."""
    return hold_row(session, Equipment, thing_id, seen, "equipment", _UNKNOWN, _CHANGED)


def holder_of(session: Session, thing_id: UUID) -> UUID | None:
    """The person who has a thing in hand now."""
    return scalar(session, only(Loan.person_id).where(Loan.equipment_id == thing_id, col(Loan.returned_at).is_(None)))


def refuse_in_own_hands(session: Session, row: Equipment, by: Actor) -> None:
    """Refuse that the person who has a thing in hand changes its entry."""
    if by.is_one_of(holder_of(session, row.id)):
        raise Refusal("equipment.in_own_hands", N_("You have it yourself: someone else must say what becomes of it."))


def lose(session: Session, row: Equipment, reason: str, *, by: Actor, at: datetime) -> None:
    """Mark a locked thing that no one has in hand as lost; the one who gives it up wrote why."""
    _change_state(session, row, _after(row, "lose"), reason, by=by, at=at)


def needed_reason(reason: str) -> str:
    """A reason that must be there, trimmed. Raises Refusal."""
    reason = trimmed(reason)
    if not says_something(reason):
        raise Refusal("reason.missing", N_("Say why, in a few words."))
    if len(reason) > LONGEST_REASON or not is_text(reason):
        raise Refusal(
            "note.too_long", N_("This note is longer than %(most)s characters. Shorten it."), most=LONGEST_REASON
        )
    return reason


def _to_state(session: Session, row: Equipment, state: str, reason: str, verb: str, *, by: Actor, at: datetime) -> None:
    _change_state(session, row, state, reason, by=by, at=at)
    events.write(session, verb, KIND, row.id, by=by, at=at)


def _change_state(session: Session, row: Equipment, state: str, reason: str, *, by: Actor, at: datetime) -> None:
    rewrite(
        session, Equipment, row.id, state=state, state_at=at, state_by=by.person_id, state_as=by.role, reason=reason
    )


def _after(row: Equipment, move: str) -> str:
    try:
        return EQUIPMENT.after(row.state, move)
    except NoSuchMove:
        why = _NOT_NOW[row.state]  # on its own line: a literal inside a Refusal is taken for a msgid
        raise Refusal("equipment.not_now", why) from None


def _refuse_second(session: Session, kind: str, key: str, *, but: UUID | None = None) -> None:
    others = only(Equipment.id).where(
        Equipment.kind == kind, Equipment.serial_key == key, col(Equipment.id).is_distinct_from(but)
    )
    if scalar(session, others.limit(1)) is not None:
        raise _there_already()


def _there_already() -> Refusal:
    return Refusal(
        "equipment.there_already",
        N_(
            "Equipment of this kind with this serial number is already in the inventory, "
            "perhaps written differently or out of use. Look for it there."
        ),
    )


def _serial(serial: str) -> str:
    serial = " ".join(serial.split())
    if not serial or not serial.isprintable() or not serial_key(serial):
        raise Refusal("serial.missing", N_("Give the serial number."))
    if len(serial) > LONGEST:
        raise Refusal("serial.too_long", N_("This is longer than %(most)s characters."), most=LONGEST)
    return serial


def _label(label: str) -> str:
    label = " ".join(label.split())
    if len(label) > LONGEST or not (label.isprintable() or not label):
        raise Refusal("label.too_long", N_("This is longer than %(most)s characters."), most=LONGEST)
    return label


_NOT_NOW: Final = {
    "in_use": N_("It is already in use."),
    "out_of_use": N_("It is out of use."),
    "lost": N_("It was declared lost. Mark it as found first."),
}
