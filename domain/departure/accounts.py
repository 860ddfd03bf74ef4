"""Accounts that leavers had: closed by a person or by their directory, and checked again a week later. Guide: DP-08.

Never a secret: an account is a system and a user name.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, cast
from sqlalchemy.orm import aliased
from sqlalchemy.types import Uuid
from sqlmodel import Session, or_

from domain.casework import assigning
from domain.departure.departure_row import of_its_case, same_place
from domain.holdings import things
from domain.kernel import (
    SHAPE,
    Actor,
    also,
    both,
    changes,
    col,
    every,
    first,
    joins,
    lasts,
    local_day,
    moments_of,
    of,
    only,
    run,
    same,
    scalar,
    scalars,
    select,
    surely,
)
from domain.mail import COORDINATION
from domain.record import events
from domain.roles import Link, never_began
from locales import N_
from models.casework import Account, Task
from models.departure import Departure, Settlement
from models.program import Tenure

#: A closed account is checked again after this many days.
LOOK_AGAIN: Final = timedelta(days=7)
#: The IT contact's tasks: to look again, and to find out why an account is open that was closed.
TO_LOOK: Final = "account.look_again"
OPEN_AGAIN: Final = "account.open_again"


def close_account(session: Session, account_id: UUID, *, by: Actor, at: datetime) -> None:
    """Note that an account is closed, and have it checked again a week later.

    A directory, where there is one, checks at once what a person says. The system itself notes only what one has
    confirmed.
    """
    today = local_day(session, at)
    look_again_on = today + LOOK_AGAIN if by.person_id is None else today
    closed = run(
        session,
        changes(Account)
        .where(Account.id == account_id, col(Account.closed_at).is_(None))
        .values(closed_at=at, look_again_on=look_again_on)
        .returning(col(Account.person_id), col(Account.system)),
    ).first()
    if closed is not None:
        events.write(session, "account.closed", "person", closed.person_id, by=by, at=at, system=closed.system)


class ToClose(Account):
    """An account with the step of a departure that asks to close it."""

    model_config = SHAPE
    asking_id: UUID = also(Task.id)


def to_close(session: Session, at: datetime, system: str) -> list[ToClose]:
    """The accounts of a system that a departure asks to close after the holder's last day, each with its task.

    Not where the holder works there again: then a person says whether they still need it.
    """
    return every(
        session,
        of(ToClose)
        .join(Task, same(Task, Account) & (col(Task.holding) == things.ACCOUNT))
        .join(Departure, of_its_case(Task))
        .where(
            Account.system == system,
            col(Account.closed_at).is_(None),
            Task.state == "open",
            cast(col(Task.item), Uuid()) == col(Account.id),
            col(Departure.ended_at).is_not(None),
            ~_works_there(local_day(session, at)),
        )
        .order_by(col(Account.id)),
    )


def to_look_at(session: Session, at: datetime, system: str) -> list[Account]:
    """The accounts of a system to check: a week after they were closed, or at once after a person said so."""
    return every(
        session,
        of(Account)
        .where(
            Account.system == system,
            col(Account.look_again_on) <= local_day(session, at),
            ~_is_of_who_is_there(),
            ~_was_settled_where(_works_there(local_day(session, at))),
            ~_is_in_use(),
        )
        .order_by(col(Account.id)),
    )


def looked_at(session: Session, account_id: UUID, *, is_open: bool, by: Actor, at: datetime) -> None:
    """Note what the directory says of an account that was closed.

    Where it is open, the IT contact finds out why. One found closed less than a week after is checked once more.
    """
    mine = of(Account).where(Account.id == account_id, col(Account.look_again_on).is_not(None))
    row = first(session, mine.with_for_update())
    if row is None:
        return  # it was checked meanwhile
    today = local_day(session, at)
    week_after = local_day(session, surely(row.closed_at)) + LOOK_AGAIN
    still_to_come = today + LOOK_AGAIN if is_open else week_after if week_after > today else None
    run(session, changes(Account).where(Account.id == account_id).values(look_again_on=still_to_come))
    verb = "account.found_open" if is_open else "account.still_closed"
    events.write(session, verb, "person", row.person_id, by=by, at=at, system=row.system)
    if is_open:
        _ask(session, OPEN_AGAIN, _FIND_OUT, account_id, row.system, by=by, at=at)


def look_again(session: Session, at: datetime, *, by: Actor, system: str = "") -> int:
    """Ask the IT contact to check that accounts closed a week ago are still closed; returns how many.

    Each is asked about once. A directory checks those of its `system` itself on the day; the IT contact gets those that
    it could not check.
    """
    today = local_day(session, at)
    since, _ = moments_of(session, today - LOOK_AGAIN + timedelta(days=1))
    rows = every(
        session,
        of(Account)
        .where(
            col(Account.look_again_on) <= today,
            col(Account.closed_at) < since,
            ~_is_of_who_is_there(),
            ~_is_in_use(),
            or_(Account.system != system, col(Account.look_again_on) < today),
        )
        .order_by(col(Account.id))
        .with_for_update(),
    )
    for row in rows:
        _ask(session, TO_LOOK, _LOOK_AGAIN, row.id, row.system, by=by, at=at)
        run(session, changes(Account).where(Account.id == row.id).values(look_again_on=None))
    return len(rows)


def stay_open(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Reopen the accounts that a departure recorded as closed, since it is cancelled and they stay.

    Otherwise no later departure would ask for them. One whose user name is an open account's by now stays closed. All
    the checks of them, and questions why one is open, end.
    """
    said = only(Settlement.holding_id).where(
        Settlement.case_id == case_id,
        Settlement.kind == things.ACCOUNT,
        Settlement.ended_as == "closed",
        col(Settlement.settled_at) >= col(Account.closed_at),
    )
    rows = every(session, of(Account).where(col(Account.id).in_(said)).order_by(col(Account.id)).with_for_update())
    for row in rows:
        this = changes(Account).where(Account.id == row.id)
        run(session, this.values(look_again_on=None))
        reopened = this.where(~_is_in_use()).values(closed_at=None).returning(col(Account.id))
        if scalar(session, reopened) is not None:
            events.write(session, "account.stays_open", "person", row.person_id, by=by, at=at, system=row.system)
    asked = scalars(
        session,
        only(Task.id)
        .where(
            col(Task.step).in_([TO_LOOK, OPEN_AGAIN]),
            col(Task.item).in_([str(row.id) for row in rows]),
            Task.state == "open",
        )
        .order_by(col(Task.id)),
    )
    for task_id in asked.all():
        assigning.call_off(session, task_id, by=by, at=at)


def _is_of_who_is_there() -> ColumnElement[bool]:
    """The condition on an account that its holder's last day is not over, or that they stay after all.

    Whatever was said of it, no one takes it from them. What an earlier departure said no longer counts once a later one
    closed it.
    """
    return _was_settled_where(or_(col(Departure.ended_at).is_(None), col(Departure.called_off_at).is_not(None)))


def _is_in_use() -> ColumnElement[bool]:
    """The condition on a closed account that its user name is an open account's by now: it was opened anew."""
    anew = aliased(Account)
    return (
        select(anew.id)
        .where(
            same(anew, Account),
            anew.system == Account.system,
            anew.user_name == Account.user_name,
            col(anew.closed_at).is_(None),
        )
        .exists()
    )


def _works_there(today: date) -> ColumnElement[bool]:
    """The condition on a departure that its person holds a role there on a local day: they returned."""
    return (
        select(Tenure.id)
        .where(same_place(Tenure, Departure), col(Tenure.starts_on) <= today, lasts(Tenure, today), ~never_began())
        .exists()
    )


def _was_settled_where(departure: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition on an account that it was settled in a departure for which the given condition holds."""
    return (
        select(Settlement.id)
        .join(Departure, of_its_case(Settlement))
        .where(
            Settlement.kind == things.ACCOUNT,
            joins(Settlement.holding_id, Account),
            col(Settlement.settled_at) >= col(Account.closed_at),
            departure,
        )
        .exists()
    )


def _ask(session: Session, step: str, words: str, account_id: UUID, system: str, *, by: Actor, at: datetime) -> None:
    """Ask the IT contact about an account, within two working days."""
    title = both(words, system=things.SYSTEMS.get(system, system))
    chain = [Link("it_contact"), *COORDINATION]
    assigning.assign_within(session, step, str(account_id), title, chain, within=2, by=by, at=at)


_LOOK_AGAIN = N_("See whether an account that was closed a week ago is closed still (%(system)s)")
_FIND_OUT = N_("An account that was closed is open again: find out why (%(system)s). It was closed again.")
