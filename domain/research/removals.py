"""What recipients remove once a group left: each who may hold its rows is asked to confirm that they are removed.

Each time a group leaves, everyone who downloaded an export in which it was, and who receives the study, has a task of
their own. It falls to the research coordinator where they are away, or have no role in the research any more. Only the
person or the research coordinator confirms; who did is on record. What was confirmed covers no group that left later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import BY_ITS_ACT, assigning, complete_task
from domain.kernel import ENGINE, Actor, Refusal, both, col, every, local_day, of, only, same, scalars, surely, tuples
from domain.record import events, reads
from domain.research.studies import RECEIVE, REMOVE_ROWS, recipients
from domain.roles import Link, standing
from locales import N_
from models.casework import Responsibility, Task
from models.record import Event
from models.research import Study, StudyExport

COORDINATES: Final = "research_coordinator"
_SYSTEM: Final = Actor.system(ENGINE)
#: So many working days they have for it.
_WITHIN: Final = 10


@dataclass(frozen=True)
class Removal:
    """That a person was asked to remove the rows that left, and when it was confirmed, if it was."""

    id: UUID
    person_id: UUID
    asked_at: datetime
    confirmed_at: datetime | None
    confirmed_by: UUID | None


def ask(session: Session, export_ids: Collection[UUID], *, at: datetime) -> None:
    """Ask everyone who may hold rows of these exports, of which a group left now."""
    exports_of: dict[UUID, set[UUID]] = defaultdict(set)
    for one in every(session, of(StudyExport).where(col(StudyExport.id).in_(export_ids))):
        exports_of[one.study_id].add(one.id)
    going_on = of(Study).where(col(Study.id).in_(exports_of), col(Study.ended_at).is_(None))
    for study in every(session, going_on.order_by(col(Study.number))):
        named = {one.person_id for one in recipients(session, study.id)}
        for person_id in sorted(named | _downloaded(session, exports_of[study.id])):
            _ask_one(session, study, person_id, at=at)


def confirm(session: Session, study_id: UUID, removal_id: UUID, *, by: Actor, at: datetime) -> None:
    """Record that rows were removed: by who held them, or by the research coordinator, told by them.

    Raises Refusal: it is another's, was confirmed already, or there is none.
    """
    found = next((one for one in removals_of(session, study_id) if one.id == removal_id), None)
    if found is None:
        raise Refusal("removal.unknown", N_("Nothing of this study is to be removed by that line. Look again."))
    if by.person_id != found.person_id and by.role != COORDINATES:
        raise Refusal("removal.not_theirs", N_("Each person confirms what they removed themselves."))
    if found.confirmed_at is not None:
        raise Refusal("removal.confirmed", N_("That these rows were removed is confirmed already."))
    complete_task(session, removal_id, by=by, at=at, in_its_act=True)
    events.write(session, "study.removal_confirmed", "study", study_id, by=by, at=at, person=str(found.person_id))


def removals_of(session: Session, study_id: UUID) -> list[Removal]:
    """Who was asked to remove rows of a study, those that are not confirmed first, and the last asked first."""
    rows = tuples(
        session,
        only(Task.id, Responsibility.links, surely(Task.opened_at), Task.done_at, Task.done_by)
        .join(Responsibility, same(Responsibility, Task) & (col(Responsibility.id) == col(Task.declared_owed_by_id)))
        .where(Task.step == REMOVE_ROWS, Task.item == str(study_id), col(Task.state).in_(("open", "done")))
        .order_by(col(Task.done_at).desc().nulls_first(), col(Task.opened_at).desc(), col(Task.id)),
    )
    return [
        Removal(one, surely(links[0].person), asked, done_at, done_by) for one, links, asked, done_at, done_by in rows
    ]


def owed_by(session: Session, person_id: UUID) -> set[UUID]:
    """The studies of which a person was asked to remove rows, and has not confirmed it."""
    rows = tuples(
        session,
        only(Task.item, Responsibility.links)
        .join(Responsibility, same(Responsibility, Task) & (col(Responsibility.id) == col(Task.declared_owed_by_id)))
        .where(Task.step == REMOVE_ROWS, Task.state == "open"),
    )
    return {UUID(item) for item, links in rows if links[0].person == person_id}


def _downloaded(session: Session, export_ids: Collection[UUID]) -> set[UUID]:
    """Everyone who downloaded a file of these exports."""
    lines = only(Event.actor_id).where(
        Event.verb == reads.EXPORTED, Event.subject_kind == "study_export", col(Event.subject_id).in_(export_ids)
    )
    return {one for one in scalars(session, lines) if one is not None}


def _ask_one(session: Session, study: Study, person_id: UUID, *, at: datetime) -> None:
    today = local_day(session, at)
    held = {one.role for one in standing(session, today).roles_of(person_id)}
    role = next((one for one in RECEIVE if one in held), RECEIVE[0])
    title = both(
        N_("Study no. %(number)s: remove the rows listed since %(day)s, and confirm it"), number=study.number, day=today
    )
    assigning.assign_within(
        session,
        REMOVE_ROWS,
        str(study.id),
        title,
        # No deputy holds their files: while they are away, the research coordinator sees to it.
        [Link(role, person=person_id, alone=True), Link(COORDINATES)],
        within=_WITHIN,
        by=_SYSTEM,
        at=at,
        evidence=BY_ITS_ACT,
        sources=["FU-9"],
        at_once=True,
    )
