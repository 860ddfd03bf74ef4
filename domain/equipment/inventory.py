"""The inventory: adding a thing, correcting what it is called, taking it out of use, and finding it again.

A thing is known by its kind and its serial number, however that is written: it is entered once. Nobody changes what
stands of a thing that they have in hand themselves.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import many, one, program_of
from domain.kernel.typed_words import says_something, trimmed
from domain.record import events
from locales import N_
from models.base import refers, table_of
from models.casework import ProtocolVersion
from models.equipment import Equipment, Loan
from models.lifecycles import EQUIPMENT, NoSuchMove
from models.program import Person

KIND: Final = "equipment"
LONGEST: Final = 120
LONGEST_REASON: Final = 1_000

_equipment = table_of(Equipment)
_loan = table_of(Loan)
_person = table_of(Person)
_protocol = table_of(ProtocolVersion)


def serial_key(serial: str) -> str:
    """A serial number without spaces, marks and case: two writings of one number have one key. May be empty."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", serial).upper() if letter.isalnum())


def kinds(session: Session) -> dict[str, dict[str, str]]:
    """The kinds of equipment by key, with their words: those that a step hands over, and any that is in the inventory.

    The words are those of the protocol that was recorded last.
    """
    found: dict[str, dict[str, str]] = {}
    declared = session.scalars(
        select(_protocol.c.declared)
        .where(_protocol.c.program_id == program_of(session))
        .order_by(_protocol.c.recorded_at, _protocol.c.number, _protocol.c.id)
    )
    for protocol in declared:
        for step in protocol["steps"]:
            if step.get("evidence") != "serial":
                continue
            items = (step.get("for_each") or {}).get("list")
            found |= {one["id"]: dict(one["title"]) for one in items or [{"id": step["id"], "title": step["title"]}]}
    present = session.scalars(
        select(_equipment.c.kind).where(_equipment.c.program_id == program_of(session)).distinct()
    )
    for kind in present:
        found.setdefault(kind, {"fr": kind, "en": kind})
    return {kind: {lang: said[:1].upper() + said[1:] for lang, said in words.items()} for kind, words in found.items()}


def add(session: Session, kind: str, serial: str, *, label: str = "", by: Actor, at: datetime) -> UUID:
    """Enter a thing into the inventory, and return its id.

    Raises Refusal: no serial number, no such kind, or a thing of that kind and number is in the inventory already, lost
    or out of use ones included.
    """
    serial, label, key = _serial(serial), _label(label), serial_key(serial)
    if kind not in kinds(session):
        raise Refusal("equipment.kind.malformed", N_("Choose from the list."))
    _refuse_second(session, kind, key)
    thing_id = uuid4()
    row = Equipment(
        program_id=program_of(session),
        id=thing_id,
        kind=kind,
        serial=serial,
        serial_key=key,
        label=label,
        added_at=at,
        added_by=by.person_id,
    )
    try:
        with session.begin_nested():
            session.execute(insert(_equipment).values(**row.model_dump()))
    except IntegrityError:
        raise _there_already() from None
    events.write(session, "equipment.added", KIND, thing_id, by=by, at=at, serial=serial, kind=kind)
    return thing_id


def correct(
    session: Session, thing_id: UUID, *, serial: str, label: str, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Correct the serial number of a thing, or what it is called. Raises Refusal."""
    row = hold(session, thing_id, seen=seen)
    refuse_in_own_hands(session, row, by)
    serial, label, key = _serial(serial), _label(label), serial_key(serial)
    if key != row["serial_key"] or row["to_check"]:
        _refuse_second(session, row["kind"], key, but=thing_id)
    try:
        with session.begin_nested():
            change(session, row, serial=serial, serial_key=key, label=label, to_check=False)
    except IntegrityError:
        raise _there_already() from None
    events.write(
        session, "equipment.corrected", KIND, thing_id, by=by, at=at, serial_before=row["serial"], serial=serial
    )


def take_out_of_use(
    session: Session, thing_id: UUID, *, reason: str, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Say that a thing is not lent any more: it is broken, given away, or was entered by mistake.

    Raises Refusal, also while somebody has it in hand.
    """
    row = hold(session, thing_id, seen=seen)
    reason = needed_reason(reason)
    state = _move(row, "take_out_of_use")
    if holder_of(session, thing_id) is not None:
        raise Refusal("equipment.in_hand", N_("Someone has it in hand: record its return first."))
    _to_state(session, row, state, reason, "equipment.out_of_use", by=by, at=at)


def put_back(session: Session, thing_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Say that a thing which was out of use can be lent again. Raises Refusal."""
    row = hold(session, thing_id, seen=seen)
    _to_state(session, row, _move(row, "put_back"), "", "equipment.put_back", by=by, at=at)


def find_again(
    session: Session, thing_id: UUID, *, reason: str, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Say that a thing which was given up as lost turned up, and how. It can be lent again. Raises Refusal."""
    row = hold(session, thing_id, seen=seen)
    reason = needed_reason(reason)
    _to_state(session, row, _move(row, "find"), reason, "equipment.found", by=by, at=at)


def inventory(session: Session) -> list[dict[str, Any]]:
    """Every thing, by kind and number, each with its `person_id` and `lent_at` where it is in hand.

    `last_id` is who had it in hand last, where nobody has it now.
    """
    loan = _loan.alias()
    ended = _loan.alias()
    last = (
        select(ended.c.person_id)
        .where(
            ended.c.program_id == _equipment.c.program_id,
            ended.c.equipment_id == _equipment.c.id,
            ended.c.returned_at.is_not(None),
            ~ended.c.mistaken,
        )
        .order_by(ended.c.lent_at.desc(), ended.c.id)
        .limit(1)
        .scalar_subquery()
    )
    return many(
        session,
        select(
            _equipment,
            loan.c.person_id,
            loan.c.lent_at,
            loan.c.missing_since,
            loan.c.id.label("loan_id"),
            last.label("last_id"),
        )
        .outerjoin(
            loan,
            and_(
                loan.c.program_id == _equipment.c.program_id,
                loan.c.equipment_id == _equipment.c.id,
                loan.c.returned_at.is_(None),
            ),
        )
        .where(_equipment.c.program_id == program_of(session))
        .order_by(_equipment.c.kind, _equipment.c.serial_key, _equipment.c.id),
    )


def available(session: Session, kind: str, *, for_person: UUID | None = None) -> list[dict[str, Any]]:
    """The things of a kind that can be lent now, and those that a person has in hand already, by number."""
    lent = (
        select(_loan.c.person_id)
        .where(
            _loan.c.program_id == _equipment.c.program_id,
            _loan.c.equipment_id == _equipment.c.id,
            _loan.c.returned_at.is_(None),
        )
        .limit(1)
        .scalar_subquery()
    )
    return many(
        session,
        select(_equipment.c.id, _equipment.c.kind, _equipment.c.serial, _equipment.c.label, lent.label("person_id"))
        .where(
            _equipment.c.program_id == program_of(session),
            _equipment.c.kind == kind,
            _equipment.c.state == EQUIPMENT.initial,
            or_(lent.is_(None), lent == for_person),
        )
        .order_by(_equipment.c.serial_key, _equipment.c.id),
    )


def by_serial(session: Session, kind: str, serial: str) -> dict[str, Any] | None:
    """The thing of a kind that has this serial number, in whichever writing. As it is written goes before its key."""
    rows = many(
        session,
        select(_equipment)
        .where(
            _equipment.c.program_id == program_of(session),
            _equipment.c.kind == kind,
            or_(_equipment.c.serial == serial, _equipment.c.serial_key == serial_key(serial)),
        )
        .order_by(_equipment.c.serial != serial, _equipment.c.to_check, _equipment.c.id),
    )
    return rows[0] if rows else None


def loans_of(session: Session, thing_id: UUID) -> list[dict[str, Any]]:
    """In whose hands a thing is and was, the last first, each with their name."""
    return many(
        session,
        select(_loan, _person.c.given_name, _person.c.family_name)
        .join(_person, refers(_loan.c.person_id, _person))
        .where(_loan.c.program_id == program_of(session), _loan.c.equipment_id == thing_id)
        .order_by(_loan.c.lent_at.desc(), _loan.c.id),
    )


# ------------------------------------------------------------------------------------ what lending stands on as well


def hold(session: Session, thing_id: UUID, *, seen: int | None = None) -> dict[str, Any]:
    """A thing, locked until the transaction ends. Raises Refusal: there is none, or not as it was `seen`."""
    row = one(
        session,
        select(_equipment)
        .where(_equipment.c.program_id == program_of(session), _equipment.c.id == thing_id)
        .with_for_update(),
    )
    if row is None:
        raise Refusal("equipment.unknown", N_("There is no such piece of equipment."))
    if seen is not None and seen != row["version"]:
        raise Refusal(
            "equipment.changed",
            N_("This was changed by someone else or in another window. Nothing was saved; look again."),
        )
    return row


def change(session: Session, row: dict[str, Any], **values: Any) -> None:
    """Write columns of a held thing, and count its version up."""
    session.execute(
        update(_equipment)
        .where(_equipment.c.program_id == program_of(session), _equipment.c.id == row["id"])
        .values(**values, version=_equipment.c.version + 1)
    )


def holder_of(session: Session, thing_id: UUID) -> UUID | None:
    """In whose hands a thing is now."""
    found: UUID | None = session.scalar(
        select(_loan.c.person_id).where(
            _loan.c.program_id == program_of(session),
            _loan.c.equipment_id == thing_id,
            _loan.c.returned_at.is_(None),
        )
    )
    return found


def refuse_in_own_hands(session: Session, row: Mapping[str, Any], by: Actor) -> None:
    """Refuse to whoever has a thing in hand to change what stands of it."""
    if by.is_one_of(holder_of(session, row["id"])):
        raise Refusal("equipment.in_own_hands", N_("You have it yourself: someone else must say what becomes of it."))


def lose(session: Session, row: dict[str, Any], reason: str, *, by: Actor, at: datetime) -> None:
    """Have a held thing that nobody has in hand any more stand as lost; who gives it up wrote why."""
    change(session, row, state=_move(row, "lose"), state_at=at, state_by=by.person_id, state_as=by.role, reason=reason)


def needed_reason(reason: str) -> str:
    """A reason that must be there, trimmed. Raises Refusal."""
    reason = trimmed(reason)
    if not says_something(reason):
        raise Refusal("reason.missing", N_("Say why, in a few words."))
    if len(reason) > LONGEST_REASON or "\x00" in reason:
        raise Refusal(
            "note.too_long", N_("This note is longer than %(most)s characters. Shorten it."), most=LONGEST_REASON
        )
    return reason


def _to_state(
    session: Session, row: dict[str, Any], state: str, reason: str, verb: str, *, by: Actor, at: datetime
) -> None:
    change(session, row, state=state, state_at=at, state_by=by.person_id, state_as=by.role, reason=reason)
    events.write(session, verb, KIND, row["id"], by=by, at=at)


def _move(row: Mapping[str, Any], move: str) -> str:
    try:
        return EQUIPMENT.after(row["state"], move)
    except NoSuchMove:
        why = _NOT_NOW[row["state"]]  # on its own line: a literal inside a Refusal is taken for a msgid
        raise Refusal("equipment.not_now", why) from None


def _refuse_second(session: Session, kind: str, key: str, *, but: UUID | None = None) -> None:
    found = session.scalar(
        select(_equipment.c.id)
        .where(
            _equipment.c.program_id == program_of(session),
            _equipment.c.kind == kind,
            _equipment.c.serial_key == key,
            _equipment.c.id.is_distinct_from(but),
        )
        .limit(1)
    )
    if found is not None:
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
