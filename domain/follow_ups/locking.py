"""A follow-up locked for the length of a transaction: how it is found, locked, changed and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    also,
    changes,
    first,
    in_program,
    joins,
    local_day,
    of,
    run,
    select,
    surely,
)
from domain.record import events
from locales import N_
from models.follow_up import FollowUp
from models.lifecycles import FOLLOW_UP, NoSuchMove
from models.participant import Participant

KIND: Final = "follow_up"


class Followed(FollowUp):
    """A follow-up with what circulates of its participant: the number, and whether they also recruit others."""

    model_config = SHAPE
    number: str = surely(Participant.number)
    recruiter: bool = also(Participant.recruiter)
    languages: list[str] = also(Participant.languages)


@dataclass
class LockedFollowUp:
    """A follow-up that no one else changes until the transaction ends; `row` holds its participant's number too."""

    row: Followed
    by: Actor
    at: datetime
    day: date

    @property
    def id(self) -> UUID:
        """The follow-up's id."""
        return self.row.id

    @property
    def number(self) -> str:
        """The participant's number, as it circulates."""
        return self.row.number

    @property
    def participant_id(self) -> UUID:
        """The participant followed."""
        return self.row.participant_id


def follow_ups() -> SelectOfScalar[Followed]:
    """Follow-ups of the program, with what circulates of their participants."""
    return of(Followed).join(Participant, joins(FollowUp.participant_id, Participant))


def lock_follow_up(
    session: Session, follow_up_id: UUID, *, by: Actor, at: datetime, seen: int | None = None
) -> LockedFollowUp:
    """Lock a follow-up and read it. Raises Refusal: there is none, or it is not the version `seen` any more."""
    row = first(session, follow_ups().where(FollowUp.id == follow_up_id).with_for_update(of=FollowUp))
    if row is None:
        raise Refusal("follow_up.unknown", N_("There is no such follow-up."))
    if seen is not None and row.version != seen:
        raise changed_meanwhile()
    return LockedFollowUp(row, by, at, local_day(session, at))


def lock_participant_of(session: Session, follow_up_id: UUID) -> None:
    """Lock the participant of a follow-up before it: all who change both lock them in this order.

    Does nothing where there is none: `hold` refuses it then.
    """
    run(
        session,
        select(Participant.id)
        .join(FollowUp, joins(FollowUp.participant_id, Participant))
        .where(in_program(FollowUp), FollowUp.id == follow_up_id)
        .with_for_update(of=Participant),
    )


def changed_meanwhile() -> Refusal:
    """The refusal of a change by a person who looked at an older version of a follow-up."""
    return Refusal(
        "follow_up.changed",
        N_("This follow-up was changed by someone else or in another window. Nothing was saved; look again."),
    )


def change_follow_up(session: Session, held: LockedFollowUp, **values: Any) -> None:
    """Write columns of the locked follow-up, and raise its version."""
    values["version"] = held.row.version + 1
    run(session, changes(FollowUp).where(FollowUp.id == held.id).values(**values))
    held.row = cast("Any", held.row)._replace(**values)


def move(
    session: Session, held: LockedFollowUp, name: str, verb: str, *, reason: str | None = None, **facts: Any
) -> None:
    """Change a follow-up's state, with who, when and why, and write its line of the record. Nothing else changes it.

    Raises Refusal where the table of moves does not allow it.
    """
    state = held.row.state
    try:
        after = FOLLOW_UP.after(state, name)
    except NoSuchMove:
        raise Refusal(f"follow_up.{state}", _NOT_FROM[state], source="FU-1") from None
    change_follow_up(
        session,
        held,
        state=after,
        state_since=held.day,
        state_at=held.at,
        state_by=held.by.person_id,
        state_as=held.by.role,
        inactive_reason=reason if after == "inactive" else None,
        **({"active_since": held.day, "active_at": held.at} if after == "active" else {}),
    )
    write_follow_up_event(session, held, verb, **({"reason": reason} if reason else {}), **facts)


def write_follow_up_event(session: Session, held: LockedFollowUp, verb: str, **facts: Any) -> None:
    """Write the event of what was done to the locked follow-up: its number and codes, never words that people typed."""
    events.write(session, verb, KIND, held.id, by=held.by, at=held.at, number=held.number, **facts)


def refuse_unless_followed(held: LockedFollowUp) -> None:
    """Refuse what makes sense only while a worker may accompany the participant. Raises Refusal."""
    state = held.row.state
    if state in ("inactive", "completed"):
        raise Refusal(f"follow_up.{state}", _NOT_FROM[state], source="FU-1")


_NOT_FROM: Final = {
    "active": N_("This follow-up is already active."),
    "on_break": N_("This follow-up is on a break. It comes back on its day, or before it if the participant does."),
    "inactive": N_("This follow-up is inactive. Resume it first: this is possible at any time."),
    "completed": N_("This follow-up is completed. Resume it first: this is possible at any time."),
}
