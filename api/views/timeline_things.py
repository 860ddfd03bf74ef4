"""What the things are called that lines of the record are about, read at once for all of a kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import case as chosen
from sqlmodel import and_

from api.access.session import RequestContext
from api.views import (
    timeline_follow_ups,
    timeline_meetings,
    timeline_obligations,
    timeline_participants,
    timeline_research,
)
from api.views.timeline_readings import Reading, reading
from domain.kernel import AnySelect, run
from locales import N_, gettext, show_day
from models.agreement import Agreement, AgreementVersion
from models.casework import Evidence, ProtocolVersion, Task
from models.committee import Committee, Seat
from models.equipment import Equipment
from models.program import Organization, Role

#: How a participant wants to be handed over, where that is the proof of a step.
HANDING_OVER: Final[Mapping[str, str]] = {
    "call": N_("a call from the new worker"),
    "meeting": N_("a meeting with both"),
}


def _evidence_read(context: RequestContext, ids: set[UUID]) -> AnySelect:
    """A proof is called by its step, and by its own label; in words where it is a choice."""
    shown = [(and_(Evidence.kind == "way", Evidence.label == key), gettext(said)) for key, said in HANDING_OVER.items()]
    label = chosen(*shown, else_=Evidence.label)
    return reading(Evidence, Task, label, by=[(Evidence.task_id, Task)])(context, ids)


#: How the words for each kind of thing are read: the id, then what is said, its parts in order.
_TO_ORGANIZATION: Final = (Agreement.organization_id, Organization)
READINGS: Final[Mapping[str, Reading]] = {
    "task": reading(Task, Task),
    "protocol": reading(ProtocolVersion, ProtocolVersion),
    "role": reading(Role, Role),
    "committee": reading(Committee, Committee),
    "evidence": _evidence_read,
    "seat": reading(Seat, Committee, Seat, by=[(Seat.committee_id, Committee)]),
    "equipment": reading(Equipment, Equipment.serial),
    "organization": reading(Organization, Organization.short_name),
    "agreement": reading(Agreement, Organization.short_name, by=[_TO_ORGANIZATION]),
    "agreement_version": reading(
        AgreementVersion, Organization.short_name, by=[(AgreementVersion.agreement_id, Agreement), _TO_ORGANIZATION]
    ),
    **timeline_meetings.READINGS,
    **timeline_participants.READINGS,
    **timeline_obligations.READINGS,
    **timeline_follow_ups.READINGS,
    **timeline_research.READINGS,
}


def called(
    context: RequestContext, by_kind: Mapping[str, set[UUID]], roles: Mapping[str, str], *, with_notes: bool = True
) -> dict[UUID, str]:
    """What these things are called, by id, given their kinds; those that are not here any more are left out."""
    found: dict[UUID, str] = {}
    for kind, ids in by_kind.items():
        asked = READINGS.get(kind)
        if asked is not None:
            said = slice(None) if with_notes or kind != "evidence" else slice(1)  # the task, and no label
            for row_id, *parts in run(context.session, asked(context, ids)):
                found[row_id] = " – ".join(_part(context, kind, part, roles) for part in parts[said])
    return found


def _part(context: RequestContext, kind: str, value: Any, roles: Mapping[str, str]) -> str:
    if isinstance(value, date):
        return show_day(context.language, value)
    if kind == "agenda_item":
        return timeline_meetings.item_in_words(str(value))
    if kind in timeline_obligations.READINGS:
        return timeline_obligations.clause_in_words(str(value), roles)
    return str(value)
