"""Carries departures forward: a loop of the worker, and never a round, since it closes access.

On the day after a last day, access and seats end within seconds of midnight. What reaches a leaver in the meantime
joins their departure. A role whose end was recorded in any way gets its departure opened.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import asked_today
from domain.departure import (
    accounts,
    current,
    departures,
    ending,
    gathering,
    offers,
    recruiting,
    settling,
    unopened,
    ways_in,
    welcoming,
)
from domain.kernel import ENGINE, Actor, Refusal, local_day
from domain.participants import referring
from flows.engine import Means
from flows.summaries import ask_for_summaries
from flows.troubles import DOORS, HANDS, in_each
from flows.turns import Turn
from meetings import invitations
from models.casework import Case
from models.ports import Accepted, Accounts

#: Doors are looked at so often, what is in hand less often: it also joins whenever a case is carried.
DOORS_SECONDS: Final = 2.0
HANDS_SECONDS: Final = 60.0

BY_ENGINE: Final = Actor.system(ENGINE)


def close_doors(means: Means) -> int:
    """End what is over since the last look, in every program; how many departures and forgotten accesses there were."""
    return _in_each(means, DOORS, _doors_of)


def look_at_hands(means: Means) -> int:
    """Open the departures that a date asks for, and make those under way ask for what arrived; how many things."""
    return _in_each(means, HANDS, _hands_of)


def follow(session: Session, case: Case, *, at: datetime) -> None:
    """Whenever a departure is carried: what arrived joins, and calendars are told of the seats that passed on."""
    if not case.gathers:
        return
    _gather(session, case.id, by=BY_ENGINE, at=at)
    # Where the committee cannot be asked, the step that does so first says why.
    with suppress(Refusal), session.begin_nested():
        ask_for_summaries(session, case.id, by=BY_ENGINE, at=at)
    invitations.tell_all(session, at=at)


def _in_each(means: Means, key: str, see_to: Callable[[Turn], int]) -> int:
    """Have a turn in every program. What fails of one thing holds up no other, is told, and is looked at again."""

    def have_a_turn(program_id: UUID) -> int:
        # Beaten: another worker was first.
        turn = Turn(means, program_id, key, means.clock(), by=BY_ENGINE, beaten=lambda _: True)
        found = see_to(turn)
        turn.fail()
        return found

    return in_each(means, key, have_a_turn)


def _doors_of(turn: Turn) -> int:
    at = turn.at
    if _finds_nothing(turn):
        return 0
    moved = turn.each(turn.look(current.to_move), current.follow_roles)
    found = moved + turn.each(turn.look(lambda session: current.due_to_end(session, at)), _end)
    return found + turn.each(turn.look(lambda session: ways_in.left_open(session, at)), _shut)


def _finds_nothing(turn: Turn) -> bool:
    """Whether one look at all doors finds nothing, as most do. Where it fails, each is looked at apart."""
    with suppress(Exception), turn.reading() as session:
        return not (
            current.to_move(session) or current.due_to_end(session, turn.at) or ways_in.left_open(session, turn.at)
        )
    return False


def _end(session: Session, departure_id: UUID, *, by: Actor, at: datetime) -> int:
    ended = ending.end_departure(session, departure_id, by=by, at=at)
    if ended:
        invitations.tell_all(session, at=at)
    return int(ended)


def _shut(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> int:
    ways_in.shut_out(session, person_id, by=by, at=at)
    return 1


def _hands_of(turn: Turn) -> int:
    at = turn.at
    found = [
        *turn.look(lambda session: unopened.left_behind(session, at)),
        *turn.look(lambda session: unopened.due_to_open(session, at)),
    ]
    to_open = {(one.person_id, one.organization_id): one for one in found}.values()  # each once
    under_way = turn.look(current.under_way)
    silent = turn.once(partial(offers.lapse, at=turn.at, by=turn.by)) + turn.act(referring.ask_to_finish)
    opened = turn.each(to_open, _open)
    joined = turn.each(under_way, _gather)
    followed = turn.act(recruiting.see_who_follows)
    # Last, when it is known of each account whether its departure asks for it still.
    return silent + opened + joined + followed + _accounts_of(turn)


def _accounts_of(turn: Turn) -> int:
    """Close and check accounts through the directory, where there is one; otherwise a person is asked.

    The directory is asked between transactions and never in one. What it cannot do stays a person's task.
    """
    directory, at = turn.means.accounts, turn.at
    if directory is None:
        return turn.once(partial(accounts.look_again, at=at, by=turn.by))
    with turn.reading() as session:
        closing = accounts.to_close(session, at, directory.system)
        looking = accounts.to_look_at(session, at, directory.system)
    # One after the other: what is noted of an account is noted before the directory is asked of the next.
    count = turn.each((one.asking_id for one in closing if _closes(directory, one.user_name)), _note_closed)
    for one in looking:
        state = directory.state(one.user_name)
        if state == "closed" or (state == "open" and _closes(directory, one.user_name)):
            note = partial(_note_looked_at, account_id=one.id, is_open=state == "open", by=turn.by, at=at)
            count += turn.once(note)
    return count + turn.once(partial(accounts.look_again, at=at, by=turn.by, system=directory.system))


def _closes(directory: Accounts, user_name: str) -> bool:
    """Whether an account is closed in the directory now, as the directory itself says afterwards."""
    if directory.state(user_name) == "absent":
        return False  # the name is written otherwise there: a person sees to it
    return isinstance(directory.close(user_name), Accepted) and directory.state(user_name) == "closed"


def _note_closed(session: Session, task_id: UUID, *, by: Actor, at: datetime) -> int:
    settling.settle_holding(session, task_id, ended_as="closed", by=by, at=at)
    return 1


def _note_looked_at(session: Session, *, account_id: UUID, is_open: bool, by: Actor, at: datetime) -> int:
    accounts.looked_at(session, account_id, is_open=is_open, by=by, at=at)
    return 1


def _gather(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> int:
    found = gathering.gather(session, case_id, by=by, at=at)
    if found:
        welcoming.welcome_who_was_given_anew(session, case_id, by=by, at=at)
        asked_today.pass_over_whom_they_barred(session, by=by, at=at)
    return found


def _open(session: Session, ends: unopened.Gone, *, by: Actor, at: datetime) -> int:
    departures.open_departure(
        session,
        person_id=ends.person_id,
        organization_id=ends.organization_id,
        last_day=ends.ends_on,
        planned=ends.ends_on >= local_day(session, at),
        by=by,
        at=at,
    )
    return 1
