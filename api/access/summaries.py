"""What an asker is to the summary of a follow-up that is handed over, and finding the ones that they may see (DP-06).

The person who owes the step of the departure writes it. Once complete, it is read by the participant's workers
and the coordinator. The Clinical Committee's members read it on the day on which they sit on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from uuid import UUID

from sqlmodel import Session

from api.access.cases import to_task
from api.access.follow_ups import find_follow_up, sits_in, unless_sitting
from api.access.permissions import Action, Asker, Forbidden, Given, Relation, require, themselves
from api.access.tasks import find_task, is_told_in_place
from domain.follow_ups import SummaryStep, summaries
from domain.kernel import Actor, col, joins, only, scalar, scalars
from domain.participants import barred_workers
from domain.record import Ground
from domain.roles import who_barred
from domain.terms import circle_of
from meetings.agenda_items import TALKED_ABOUT
from models.agenda import AgendaItem
from models.casework import Case
from models.follow_up import FollowUp
from models.meeting import Meeting
from models.participant import Participant


def find_to_write(
    session: Session, asker: Asker, task_id: UUID, action: Action = Action.WRITE_SUMMARY
) -> tuple[SummaryStep, Actor, Ground]:
    """The summary that a step asks for, the actor who does `action` to it, and the ground on which they read it.

    A complete one is no longer written, only taken back. Raises Forbidden, also where there is none.
    """
    task, case = find_task(session, asker, task_id)
    given = to_task(session, asker, task, case)
    row = summaries.asked_by(session, task_id)
    if row is None or (task.state == "open") != (action is Action.WRITE_SUMMARY):
        raise Forbidden
    given = _within_file(session, asker, row.participant_id, given)
    return row, require(action, given), "part" if given.keys() & {Relation.OWES, Relation.DID} else "role"


def _within_file(session: Session, asker: Asker, participant_id: UUID, given: Given) -> Given:
    """Of what the asker is to the step, what the file leaves them today: consent and part decide, whatever they did.

    Who owes the step by a role, in place of who has gone, does for an organization with which the participant shares;
    a deputy is of such a one themselves too. Who did it takes it back as long as it would fall to them again.
    """
    if asker.person_id in barred_workers(session, participant_id):
        return {Relation.BARRED: themselves(asker)}
    circle = circle_of(session, participant_id, asker.day)
    if Relation.COORDINATOR in given or (asker.is_staff and circle.opens(asker.person_id, asker.standing) == "file"):
        return given
    if is_told_in_place(asker, circle, given.get(Relation.OWES)):
        return given
    return {relation: actor for relation, actor in given.items() if relation not in (Relation.OWES, Relation.DID)}


def summaries_in(session: Session, asker: Asker, case: Case) -> list[tuple[SummaryStep, str]]:
    """What a departure asks to have summed up, each with what the asker may do: "write", "take_back", or "".

    None of a participant who barred the asker.
    """
    found = []
    kept_from = who_barred(session, asker.person_id)
    for row in summaries.summaries_in(session, case.id):
        if row.participant_id in kept_from:
            continue
        action = _NOW.get(row.state if case.state == "open" else "")
        may = ""
        if action is not None:
            with suppress(Forbidden):
                find_to_write(session, asker, row.task_id, action)
                may = _WORDS[action]
        found.append((row, may))
    return found


_NOW: Final[Mapping[str, Action]] = {"open": Action.WRITE_SUMMARY, "done": Action.TAKE_SUMMARY_BACK}
_WORDS: Final[Mapping[Action, str]] = {Action.WRITE_SUMMARY: "write", Action.TAKE_SUMMARY_BACK: "take_back"}


def find_to_read(session: Session, asker: Asker, follow_up_id: UUID, task_id: UUID) -> tuple[SummaryStep, Given]:
    """A complete summary of a follow-up, and what the asker is to it. Raises Forbidden, also where there is none."""
    row, given = find_follow_up(session, asker, follow_up_id)
    given = as_reader(session, asker, row.number, given)
    require(Action.READ_SUMMARY, given)
    found = next((one for one in summaries.summaries_of(session, follow_up_id) if one.task_id == task_id), None)
    if found is None:
        raise Forbidden
    return found, given


def on_the_table(session: Session, asker: Asker, meeting: Meeting) -> list[SummaryStep]:
    """The summaries that a meeting under way talks about and the asker may read, the last one of each, by number."""
    if meeting.state != "under_way":
        return []
    talked_about = only(AgendaItem.subject).where(
        AgendaItem.meeting_id == meeting.id,
        AgendaItem.kind == summaries.ON_AGENDA,
        col(AgendaItem.state).in_(TALKED_ABOUT),
    )
    follow_ups = scalars(
        session,
        only(FollowUp.id)
        .join(Participant, joins(FollowUp.participant_id, Participant))
        .where(col(Participant.number).in_(talked_about))
        .order_by(col(Participant.number)),
    )
    found = []
    for follow_up_id in follow_ups.all():
        for row in summaries.summaries_of(session, follow_up_id)[:1]:
            with suppress(Forbidden):
                found.append(find_to_read(session, asker, follow_up_id, row.task_id)[0])
    return found


def as_reader(session: Session, asker: Asker, number: str, given: Given) -> Given:
    """What the asker is to the summaries of a follow-up: a member of the committee is nothing unless they sit on it."""
    if Relation.CLINICAL in given and not _sits_on(session, asker, number):
        return unless_sitting(given)
    return given


def ground_of(given: Given) -> Ground:
    """On what ground one is read: the follow-up is theirs, or the committee sits on it; else they oversee it."""
    return "role" if Relation.COORDINATOR in given and Relation.ASSIGNED not in given else "part"


def _sits_on(session: Session, asker: Asker, number: str) -> bool:
    """Whether the asker sits in a clinic of today that has the summary of this participant on its agenda."""
    sits = sits_in(session, asker)
    if not sits:
        return False
    return (
        scalar(
            session,
            only(AgendaItem.id)
            .where(
                AgendaItem.kind == summaries.ON_AGENDA,
                AgendaItem.subject == number,
                col(AgendaItem.state).in_(TALKED_ABOUT),
                col(AgendaItem.meeting_id).in_(sits),
            )
            .limit(1),
        )
        is not None
    )
