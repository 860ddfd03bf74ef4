"""What the engine does automatically in a departure: the last day, and the summaries for the Clinical Committee."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlmodel import Session

from domain.departure import calling_off, taking_up_again
from domain.kernel import Actor
from flows import summaries
from flows.engine import DueAction, StepAction


def keep_last_day(session: Session, act: DueAction, by: Actor, at: datetime) -> None:
    """End the roles that are left on the last day. Opening a departure did so; putting it in force again does."""
    taking_up_again.take_up_again(session, act.case_id, by=by, at=at)


def is_kept(session: Session, act: DueAction, at: datetime) -> bool:  # noqa: ARG001 - an action's shape
    """Whether the departure is in force."""
    return not taking_up_again.is_called_off(session, act.case_id)


def call_off(session: Session, act: DueAction, by: Actor, at: datetime) -> None:
    """Give the roles their former ends: the person stays."""
    calling_off.call_off(session, act.case_id, by=by, at=at)


def is_called_off(session: Session, act: DueAction, at: datetime) -> bool:  # noqa: ARG001 - an action's shape
    """Whether the departure was cancelled."""
    return taking_up_again.is_called_off(session, act.case_id)


def put_summaries_on_agenda(session: Session, act: DueAction, by: Actor, at: datetime) -> None:
    """Request that the Clinical Committee discuss each follow-up that is handed over, by number. Guide: DP-06."""
    summaries.ask_for_summaries(session, act.case_id, by=by, at=at)


def are_on_agenda(session: Session, act: DueAction, at: datetime) -> bool:  # noqa: ARG001 - an action's shape
    """Whether the committee was asked to discuss each of them."""
    return all(is_asked for _, is_asked in summaries.summaries_of(session, act.case_id))


ACTIONS: Final[Mapping[str, StepAction]] = {
    "keep_last_day": StepAction(keep_last_day, is_kept),
    "call_off_departure": StepAction(call_off, is_called_off),
    "put_summaries_on_agenda": StepAction(put_summaries_on_agenda, are_on_agenda),
}
"""What a step of this protocol may name as its action, or as its undo."""
