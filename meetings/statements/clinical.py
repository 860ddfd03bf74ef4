"""Which decisions are about participants: none is counted for those who fund, and no statement has the words of one."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlmodel import Session, or_

from domain.kernel import col, joins, only, scalars, select
from meetings.agenda_items import IS_ABOUT
from models.agenda import AgendaItem
from models.casework import Case, Task
from models.minutes import Decision
from models.participant import Participant
from models.referral import AdmissionDecision

_CLINICAL: Final = "clinical"


def clinical_decisions(session: Session) -> frozenset[UUID]:
    """The decisions of the clinical kind, and those on a participant whatever kind was chosen (ADR 0012).

    On a participant is what decided an admission, and what was taken on an item that goes by their number or reference,
    or that a case about them asked for. The recorder of a decision chooses the kind, and may be wrong.
    """
    by_name = select(Participant.id).where(IS_ABOUT).exists()
    decisions = (
        only(Decision.id)
        .outerjoin(AgendaItem, joins(Decision.item_id, AgendaItem))
        .outerjoin(Task, joins(AgendaItem.task_id, Task))
        .outerjoin(Case, joins(Task.case_id, Case))
    )
    admits = col(Decision.id).in_(only(AdmissionDecision.decision_id))
    is_one = or_(Decision.kind == _CLINICAL, col(Case.participant_id).is_not(None), by_name, admits)
    return frozenset(scalars(session, decisions.where(is_one)))
