"""Accounts that leavers had: closed, by a person or by their directory, and looked at again a week later. Guide: DP-08.

Never a secret: an account is a system and a user name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, cast, or_, select, update
from sqlalchemy.types import Uuid
from sqlmodel import Session

from domain.casework import assigning
from domain.holdings import things
from domain.kernel import program_calendar
from domain.kernel.actors import Actor
from domain.kernel.scope import local_day, many, moments_of, program_of
from domain.record import events
from domain.roles.roles import never_began
from locales import N_, say
from models.base import table_of
from models.casework import Account, Task
from models.departure import Departure, Settlement
from models.program import Tenure

#: An account that was closed is looked at again after so many days.
LOOK_AGAIN: Final = timedelta(days=7)
#: The IT contact's tasks: to look again, and to find out why an account is open that was closed.
TO_LOOK: Final = "account.look_again"
OPEN_AGAIN: Final = "account.open_again"

_account = table_of(Account)
_task = table_of(Task)
_departure = table_of(Departure)
_settlement = table_of(Settlement)
_tenure = table_of(Tenure)


def close_account(session: Session, account_id: UUID, *, by: Actor, at: datetime) -> None:
    """Note that an account is closed, and have it looked at again a week later.

    What a person says its directory sees at once, where there is one. The system notes only what one has confirmed.
    """
    today = local_day(session, at)
    look_again_on = today + LOOK_AGAIN if by.person_id is None else today
    closed = session.execute(
        update(_account)
        .where(
            _account.c.program_id == program_of(session), _account.c.id == account_id, _account.c.closed_at.is_(None)
        )
        .values(closed_at=at, look_again_on=look_again_on)
        .returning(_account.c.person_id, _account.c.system)
    ).first()
    if closed is not None:
        events.write(session, "account.closed", "person", closed.person_id, by=by, at=at, system=closed.system)


def to_close(session: Session, at: datetime, system: str) -> list[dict[str, Any]]:
    """The accounts of a system that a departure asks to close and whose holder's last day is over; with its task.

    Not where its holder works there again: whether they still need it a person knows, and says.
    """
    return many(
        session,
        select(_account.c.id, _account.c.user_name, _task.c.id.label("task_id"))
        .join(_task, (_task.c.program_id == _account.c.program_id) & (_task.c.holding == things.ACCOUNT))
        .join(
            _departure,
            (_departure.c.program_id == _task.c.program_id) & (_departure.c.case_id == _task.c.case_id),
        )
        .where(
            _account.c.program_id == program_of(session),
            _account.c.system == system,
            _account.c.closed_at.is_(None),
            _task.c.state == "open",
            cast(_task.c.item, Uuid()) == _account.c.id,
            _departure.c.ended_at.is_not(None),
            ~_works_there(local_day(session, at)),
        )
        .order_by(_account.c.id),
    )


def to_look_at(session: Session, at: datetime, system: str) -> list[dict[str, Any]]:
    """The accounts of a system that are to be looked at: a week after they were closed, or once a person said so."""
    return many(
        session,
        select(_account.c.id, _account.c.user_name)
        .where(
            _account.c.program_id == program_of(session),
            _account.c.system == system,
            _account.c.look_again_on <= local_day(session, at),
            ~_is_of_who_is_there(),
            ~_was_settled_where(_works_there(local_day(session, at))),
            ~_is_in_use(),
        )
        .order_by(_account.c.id),
    )


def looked_at(session: Session, account_id: UUID, *, is_open: bool, by: Actor, at: datetime) -> None:
    """Note what the directory says of an account that was closed. Where it is open, the IT contact finds out why.

    One that is closed is looked at once more where it was not closed for a week yet.
    """
    mine = (_account.c.program_id == program_of(session), _account.c.id == account_id)
    row = session.execute(
        select(_account.c.person_id, _account.c.system, _account.c.closed_at)
        .where(*mine, _account.c.look_again_on.is_not(None))
        .with_for_update()
    ).first()
    if row is None:
        return  # somebody else looked meanwhile
    today = local_day(session, at)
    week_after = local_day(session, row.closed_at) + LOOK_AGAIN
    still_to_come = today + LOOK_AGAIN if is_open else week_after if week_after > today else None
    session.execute(update(_account).where(*mine).values(look_again_on=still_to_come))
    verb = "account.found_open" if is_open else "account.still_closed"
    events.write(session, verb, "person", row.person_id, by=by, at=at, system=row.system)
    if is_open:
        _ask(session, OPEN_AGAIN, _FIND_OUT, account_id, row.system, by=by, at=at)


def look_again(session: Session, at: datetime, *, by: Actor, system: str = "") -> int:
    """Have the IT contact see whether accounts that were closed a week ago are closed still; how many. Once each.

    Those of `system` have a directory, which looks by itself on the day; it is theirs where that could not be done.
    """
    today = local_day(session, at)
    since, _ = moments_of(session, today - LOOK_AGAIN + timedelta(days=1))
    rows = many(
        session,
        select(_account)
        .where(
            _account.c.program_id == program_of(session),
            _account.c.look_again_on <= today,
            _account.c.closed_at < since,
            ~_is_of_who_is_there(),
            ~_is_in_use(),
            or_(_account.c.system != system, _account.c.look_again_on < today),
        )
        .order_by(_account.c.id)
        .with_for_update(),
    )
    for row in rows:
        _ask(session, TO_LOOK, _LOOK_AGAIN, row["id"], row["system"], by=by, at=at)
        session.execute(
            update(_account)
            .where(_account.c.program_id == program_of(session), _account.c.id == row["id"])
            .values(look_again_on=None)
        )
    return len(rows)


def stay_open(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Have the accounts that a departure said are closed count as open again: it is called off, and they stay.

    Else no later departure would ask for them. One whose name somebody else has by now is left closed. Nobody looks
    again at any of them, or finds out why it is open.
    """
    here = program_of(session)
    said = select(_settlement.c.holding_id).where(
        _settlement.c.program_id == here,
        _settlement.c.case_id == case_id,
        _settlement.c.kind == things.ACCOUNT,
        _settlement.c.ended_as == "closed",
        _settlement.c.settled_at >= _account.c.closed_at,
    )
    rows = many(
        session,
        select(_account)
        .where(_account.c.program_id == here, _account.c.id.in_(said))
        .order_by(_account.c.id)
        .with_for_update(),
    )
    for row in rows:
        mine = (_account.c.program_id == here, _account.c.id == row["id"])
        session.execute(update(_account).where(*mine).values(look_again_on=None))
        reopened = session.execute(
            update(_account).where(*mine, ~_is_in_use()).values(closed_at=None).returning(_account.c.id)
        ).first()
        if reopened is not None:
            events.write(session, "account.stays_open", "person", row["person_id"], by=by, at=at, system=row["system"])
    asked = session.scalars(
        select(_task.c.id)
        .where(
            _task.c.program_id == here,
            _task.c.step.in_([TO_LOOK, OPEN_AGAIN]),
            _task.c.item.in_([str(row["id"]) for row in rows]),
            _task.c.state == "open",
        )
        .order_by(_task.c.id)
    )
    for task_id in asked.all():
        assigning.call_off(session, task_id, by=by, at=at)


def _is_of_who_is_there() -> ColumnElement[bool]:
    """The condition on an account that its holder's last day is not over, or that they stay after all.

    Whatever was said of it, nobody takes it from them. What an earlier departure said counts no more once a later one
    closed it.
    """
    return _was_settled_where(or_(_departure.c.ended_at.is_(None), _departure.c.called_off_at.is_not(None)))


def _is_in_use() -> ColumnElement[bool]:
    """The condition on an account that was closed that its name is an open one's by now: it was opened anew."""
    anew = _account.alias()
    return (
        select(anew.c.id)
        .where(
            anew.c.program_id == _account.c.program_id,
            anew.c.system == _account.c.system,
            anew.c.user_name == _account.c.user_name,
            anew.c.closed_at.is_(None),
        )
        .exists()
    )


def _works_there(today: date) -> ColumnElement[bool]:
    """The condition on a departure that its person holds a role there on a local day: they came back."""
    return (
        select(_tenure.c.id)
        .where(
            _tenure.c.program_id == _departure.c.program_id,
            _tenure.c.person_id == _departure.c.person_id,
            _tenure.c.organization_id == _departure.c.organization_id,
            _tenure.c.starts_on <= today,
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= today),
            ~never_began(),
        )
        .exists()
    )


def _was_settled_where(departure: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition on an account that it was settled in a departure of which a condition holds."""
    return (
        select(_settlement.c.id)
        .join(
            _departure,
            (_departure.c.program_id == _settlement.c.program_id) & (_departure.c.case_id == _settlement.c.case_id),
        )
        .where(
            _settlement.c.program_id == _account.c.program_id,
            _settlement.c.kind == things.ACCOUNT,
            _settlement.c.holding_id == _account.c.id,
            _settlement.c.settled_at >= _account.c.closed_at,
            departure,
        )
        .exists()
    )


def _ask(session: Session, step: str, words: str, account_id: UUID, system: str, *, by: Actor, at: datetime) -> None:
    called: Mapping[str, str] = things.SYSTEMS.get(system, {})
    assigning.assign(
        session,
        step,
        str(account_id),
        title_fr=say("fr", words, system=called.get("fr", system)),
        title_en=say("en", words, system=called.get("en", system)),
        chain=[{"role": "it_contact", "at": "*"}, {"role": "coordinator", "at": "*"}],
        due_on=program_calendar.calendar_of(session).add_working_days(local_day(session, at), 2),
        by=by,
        at=at,
    )


_LOOK_AGAIN = N_("See whether an account that was closed a week ago is closed still (%(system)s)")
_FIND_OUT = N_("An account that was closed is open again: find out why (%(system)s). It was closed again.")
