"""Which decisions are about participants: none is counted for those who fund, and no statement has the words of one."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlmodel import Session

from domain.kernel.scope import program_of
from meetings.agenda_items import IS_ABOUT
from models.agenda import AgendaItem
from models.base import refers, table_of
from models.casework import Case, Task
from models.minutes import Decision
from models.participant import Participant
from models.referral import AdmissionDecision

_decision = table_of(Decision)
_item = table_of(AgendaItem)
_task = table_of(Task)
_case = table_of(Case)
_participant = table_of(Participant)
_admission = table_of(AdmissionDecision)

_CLINICAL: Final = "clinical"


def clinical_decisions(session: Session) -> frozenset[UUID]:
    """The decisions of the clinical kind, and those on a participant whatever kind was chosen (ADR 0012).

    On a participant is what decided an admission, and what was taken on an item that goes by their number or reference,
    or that a case about them asked for. The kind is chosen by whoever records a decision, and may be wrong.
    """
    here = program_of(session)
    by_name = select(_participant.c.id).where(IS_ABOUT).exists()
    found = session.scalars(
        select(_decision.c.id)
        .outerjoin(_item, refers(_decision.c.item_id, _item))
        .outerjoin(_task, refers(_item.c.task_id, _task))
        .outerjoin(_case, refers(_task.c.case_id, _case))
        .where(
            _decision.c.program_id == here,
            or_(
                _decision.c.kind == _CLINICAL,
                _case.c.participant_id.is_not(None),
                by_name,
                _decision.c.id.in_(select(_admission.c.decision_id).where(_admission.c.program_id == here)),
            ),
        )
    )
    return frozenset(found)
