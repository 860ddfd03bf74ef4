"""Carries departures forward: a loop of the worker, and never a round, since it closes access.

On the day after a last day, access and seats end within seconds of midnight. What reaches a leaver in the meantime
joins their departure. A role whose end was recorded in any way gets its departure opened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
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
from domain.kernel.actors import ENGINE, Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day
from domain.participants import referring
from flows.engine import Means
from flows.post import programs
from flows.summaries import ask_for_summaries
from meetings import invitations
from models.casework import Case
from models.ports import Accepted, Accounts

_log = logging.getLogger(__name__)

#: Doors are looked at so often, what is in hand less often: it also joins whenever a case is carried.
DOORS_SECONDS: Final = 2.0
HANDS_SECONDS: Final = 30.0

BY_ENGINE: Final = Actor.system(ENGINE)


def close_doors(means: Means) -> int:
    """End what is over since the last look, in every program; how many departures and forgotten accesses there were."""
    return sum(_each(means, _doors_of))


def look_at_hands(means: Means) -> int:
    """Open the departures that a date asks for, and make those under way ask for what arrived; how many things."""
    return sum(_each(means, _hands_of))


def follow(session: Session, case: Case, *, at: datetime) -> None:
    """Whenever a departure is carried: what arrived joins, and calendars are told of the seats that passed on."""
    if not case.gathers:
        return
    _gather(session, case.id, at)
    # Where the committee cannot be asked, the step that does so first says why.
    with suppress(Refusal), session.begin_nested():
        ask_for_summaries(session, case.id, by=BY_ENGINE, at=at)
    invitations.tell_all(session, at=at)


def _doors_of(means: Means, program_id: UUID) -> int:
    at = means.clock()
    with means.sessions(program_id) as session:
        elsewhere = current.to_move(session)
    moved = sum(_alone(means, program_id, partial(_follow, departure_id=one, at=at)) for one in elsewhere)
    with means.sessions(program_id) as session:
        over = current.due_to_end(session, at)
    found = moved + sum(_alone(means, program_id, partial(_end, departure_id=one, at=at)) for one in over)
    with means.sessions(program_id) as session:
        forgotten = ways_in.left_open(session, at)
    return found + sum(_alone(means, program_id, partial(_shut, person_id=one, at=at)) for one in forgotten)


def _follow(session: Session, departure_id: UUID, at: datetime) -> int:
    return int(current.follow_roles(session, departure_id, by=BY_ENGINE, at=at))


def _end(session: Session, departure_id: UUID, at: datetime) -> int:
    ended = ending.end_departure(session, departure_id, by=BY_ENGINE, at=at)
    if ended:
        invitations.tell_all(session, at=at)
    return int(ended)


def _shut(session: Session, person_id: UUID, at: datetime) -> int:
    ways_in.shut_out(session, person_id, by=BY_ENGINE, at=at)
    return 1


def _hands_of(means: Means, program_id: UUID) -> int:
    at = means.clock()
    with means.sessions(program_id) as session:
        found = [*unopened.left_behind(session, at), *unopened.due_to_open(session, at)]
        to_open = {(one.person_id, one.organization_id): one for one in found}.values()  # each once
        under_way = current.under_way(session)
    silent = _alone(means, program_id, partial(_lapse, at=at)) + _alone(means, program_id, partial(_finish, at=at))
    opened = sum(_alone(means, program_id, partial(_open, ends=one, at=at)) for one in to_open)
    joined = sum(_alone(means, program_id, partial(_gather, case_id=one, at=at)) for one in under_way)
    followed = _alone(means, program_id, partial(_see_who_follows, at=at))
    # Last, when it is known of each account whether its departure asks for it still.
    return silent + opened + joined + followed + _accounts_of(means, program_id, at)


def _see_who_follows(session: Session, at: datetime) -> int:
    return recruiting.see_who_follows(session, by=BY_ENGINE, at=at)


def _lapse(session: Session, at: datetime) -> int:
    return offers.lapse(session, at, by=BY_ENGINE)


def _finish(session: Session, at: datetime) -> int:
    return referring.ask_to_finish(session, by=BY_ENGINE, at=at)


def _accounts_of(means: Means, program_id: UUID, at: datetime) -> int:
    """Close and check accounts through the directory, where there is one; otherwise a person is asked.

    The directory is asked between transactions and never in one. What it cannot do stays a person's task.
    """
    count, system = 0, ""
    if means.accounts is not None:
        directory, system = means.accounts, means.accounts.system
        with means.sessions(program_id) as session:
            closing, looking = accounts.to_close(session, at, system), accounts.to_look_at(session, at, system)
        for asked in closing:
            if _closes(directory, asked.user_name):
                count += _alone(means, program_id, partial(_note_closed, task_id=asked.asking_id, at=at))
        for one in looking:
            state = directory.state(one.user_name)
            if state == "closed" or (state == "open" and _closes(directory, one.user_name)):
                note = partial(_note_looked_at, account_id=one.id, is_open=state == "open", at=at)
                count += _alone(means, program_id, note)
    return count + _alone(means, program_id, partial(_again, at=at, system=system))


def _closes(directory: Accounts, user_name: str) -> bool:
    """Whether an account is closed in the directory now, as the directory itself says afterwards."""
    if directory.state(user_name) == "absent":
        return False  # the name is written otherwise there: a person sees to it
    return isinstance(directory.close(user_name), Accepted) and directory.state(user_name) == "closed"


def _note_closed(session: Session, task_id: UUID, at: datetime) -> int:
    settling.settle_holding(session, task_id, ended_as="closed", by=BY_ENGINE, at=at)
    return 1


def _note_looked_at(session: Session, account_id: UUID, is_open: bool, at: datetime) -> int:
    accounts.looked_at(session, account_id, is_open=is_open, by=BY_ENGINE, at=at)
    return 1


def _again(session: Session, at: datetime, system: str) -> int:
    return accounts.look_again(session, at, by=BY_ENGINE, system=system)


def _gather(session: Session, case_id: UUID, at: datetime) -> int:
    found = gathering.gather(session, case_id, by=BY_ENGINE, at=at)
    if found:
        welcoming.welcome_who_was_given_anew(session, case_id, by=BY_ENGINE, at=at)
        asked_today.pass_over_whom_they_barred(session, by=BY_ENGINE, at=at)
    return found


def _open(session: Session, ends: unopened.Gone, at: datetime) -> int:
    departures.open_departure(
        session,
        person_id=ends.person_id,
        organization_id=ends.organization_id,
        last_day=ends.ends_on,
        planned=ends.ends_on >= local_day(session, at),
        by=BY_ENGINE,
        at=at,
    )
    return 1


def _each(means: Means, do: Callable[[Means, UUID], int]) -> list[int]:
    return [do(means, program_id) for program_id in programs(means)]


def _alone(means: Means, program_id: UUID, do: Callable[[Session], int]) -> int:
    """Do one thing in a transaction of its own: a failure holds up no other thing, and is tried again."""
    try:
        with means.sessions(program_id) as session:
            found = do(session)
            session.commit()
    except Refusal as refusal:
        _log.warning("a departure is not seen to", extra={"program": program_id, "code": refusal.code})
        return 0
    except IntegrityError:
        return 0  # another worker was first
    return found
