"""Asks the Clinical Committee to discuss the follow-ups that a departure hands over, after they are summed up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import cast
from sqlalchemy.types import Uuid
from sqlmodel import Session, and_, or_

from domain.follow_ups import ON_AGENDA, WRITTEN
from domain.kernel import Actor, col, in_program, joins, local_day, only, same, select, surely, tuples, value_of
from domain.terms import CLINICAL
from locales import N_, say
from meetings import agendas
from meetings.agenda_items import STILL_HOLDS
from models.agenda import AgendaItem, ItemReason
from models.casework import Task
from models.follow_up import Assignment, FollowUp
from models.participant import Participant
from models.record import Event

_TITLE = N_("%(number)s: hand-over, status of the follow-up")
_WHY = N_("The worker is leaving; the summary was ready on %(day)s.")


def ask_for_summaries(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Put each summary that was written in a departure on the agenda, once: later ones among them.

    One about which the committee was asked since, or which it had as an item then, is left as it is, whatever became of
    it.
    """
    for number, is_asked in summaries_of(session, case_id):
        if is_asked:
            continue
        agendas.ask(
            session,
            CLINICAL,
            ON_AGENDA,
            number,
            title_fr=say("fr", _TITLE, number=number),
            title_en=say("en", _TITLE, number=number),
            reasons=[ItemReason("departure", _WHY, {"day": local_day(session, at).isoformat()})],
            by=by,
            at=at,
        )


def summaries_of(session: Session, case_id: UUID) -> Sequence[tuple[str, bool]]:
    """The participants whose summary was written in a case, by number, and whether the committee is asked about it.

    It was asked since, or still has an earlier item about them, or had one when the summary was written. It reads the
    summary as it then stands, and a correction puts nothing before it twice.
    """
    withdrawn = (
        select(Event.id)
        .where(
            joins(Event.subject_id, AgendaItem),
            Event.verb == "agenda_item.withdrawn",
            col(Event.at) >= col(Task.done_at),
        )
        .exists()
    )
    asked = (
        only(AgendaItem.id)
        .where(
            AgendaItem.kind == ON_AGENDA,
            AgendaItem.subject == Participant.number,
            or_(
                col(AgendaItem.asked_at) >= col(Task.done_at),
                # An item whose fact is over, as printed on a frozen agenda, has to hold again.
                and_(col(AgendaItem.state).in_(["pool", "scheduled"]), STILL_HOLDS),
                col(AgendaItem.settled_at) >= col(Task.done_at),
                and_(AgendaItem.state == "withdrawn", withdrawn),
            ),
        )
        .exists()
    )
    return tuples(
        session,
        select(surely(Participant.number), value_of(asked))
        .select_from(Task)
        .join(Assignment, same(Assignment, Task) & (col(Assignment.id) == cast(col(Task.item), Uuid())))
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .join(Participant, joins(FollowUp.participant_id, Participant))
        .where(in_program(Task), Task.case_id == case_id, Task.step == WRITTEN, Task.state == "done")
        .order_by(col(Participant.number)),
    )
