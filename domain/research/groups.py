"""The groups in which participants go, as the database has them: who is in one, who waits, and how one leaves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import (
    ENGINE,
    Actor,
    add_rows,
    changes,
    col,
    joins,
    only,
    program_of,
    run,
    scalar,
    scalars,
    select,
    tuples,
)
from domain.participants import forgotten, research
from domain.record import events
from domain.research import removals
from domain.research.facts import Months, known_of
from domain.research.grouping import groups
from models.consent import ResearchConsent
from models.lifecycles import STUDY_EXPORT
from models.participant import Participant
from models.research import ResearchGroup, ResearchGroupMember, StudyExport, StudyRow

_SYSTEM: Final = Actor.system(ENGINE)


def hold_research(session: Session) -> None:
    """Let one transaction at a time make an export, or take a person out of what was made."""
    run(session, select(func.pg_advisory_xact_lock(func.hashtextextended(f"research/{program_of(session)}", 0))))


def whole_groups(session: Session) -> list[list[UUID]]:
    """The groups that have not left, each with its participants: of all of them the consent to research stands."""
    rows = tuples(
        session,
        only(ResearchGroupMember.research_group_id, ResearchGroupMember.participant_id)
        .join(ResearchGroup, joins(ResearchGroupMember.research_group_id, ResearchGroup))
        .where(col(ResearchGroup.left_at).is_(None))
        .order_by(col(ResearchGroupMember.participant_id)),
    )
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for group_id, participant_id in rows:
        found[group_id].append(participant_id)
    consenting = set(scalars(session, only(ResearchConsent.participant_id).where(*research.stands())))
    return [members for _, members in sorted(found.items()) if consenting.issuperset(members)]


def waiting(session: Session) -> list[UUID]:
    """Those whose consent stands and who were never in a group, by their opaque ids."""
    never = ~only(ResearchGroupMember.id).where(col(ResearchGroupMember.participant_id) == Participant.id).exists()
    rows = (
        only(Participant.id)
        .join(ResearchConsent, joins(ResearchConsent.participant_id, Participant))
        .where(Participant.state == "admitted", *research.stands(), never)
        .order_by(col(Participant.id))
    )
    return list(scalars(session, rows))


def make_groups(session: Session, smallest: int, months: Months, *, at: datetime) -> None:
    """Put those who wait into groups, where they are enough. The caller holds the research."""
    those = waiting(session)
    if len(those) < smallest:
        return
    known = known_of(session, those, months)
    here, found = program_of(session), groups([known[one] for one in those], smallest)
    made = [ResearchGroup(program_id=here, id=uuid4(), made_at=at) for _ in found]
    members = [
        ResearchGroupMember(program_id=here, id=uuid4(), research_group_id=group.id, participant_id=those[place])
        for group, places in zip(made, found, strict=True)
        for place in places
    ]
    add_rows(session, made)
    add_rows(session, members)


def leave(session: Session, participant_id: UUID, because: str, *, at: datetime) -> None:
    """Have the whole group of a participant leave: its rows are emptied in every export, and those exports are closed.

    Of one alone that left, a person who has the export before and the one after would find the row.
    """
    hold_research(session)
    group_id = scalar(
        session,
        only(ResearchGroupMember.research_group_id)
        .join(ResearchGroup, joins(ResearchGroupMember.research_group_id, ResearchGroup))
        .where(ResearchGroupMember.participant_id == participant_id, col(ResearchGroup.left_at).is_(None)),
    )
    if group_id is None:
        return
    run(session, changes(ResearchGroup).where(ResearchGroup.id == group_id).values(left_at=at, left_because=because))
    members = list(
        scalars(
            session, only(ResearchGroupMember.participant_id).where(ResearchGroupMember.research_group_id == group_id)
        )
    )
    emptied = changes(StudyRow).where(col(StudyRow.participant_id).in_(members), col(StudyRow.sealed).is_not(None))
    exports = set(scalars(session, emptied.values(sealed=None).returning(col(StudyRow.study_export_id))))
    _close(session, exports, at=at)
    removals.ask(session, exports, at=at)


def members_left(session: Session, exports: Collection[UUID]) -> Mapping[UUID, datetime]:
    """The participants of some exports whose group left, and when."""
    left = (
        only(StudyRow.participant_id, ResearchGroup.left_at)
        .join(ResearchGroupMember, col(ResearchGroupMember.participant_id) == col(StudyRow.participant_id))
        .join(ResearchGroup, joins(ResearchGroupMember.research_group_id, ResearchGroup))
        .where(col(StudyRow.study_export_id).in_(exports), col(ResearchGroup.left_at).is_not(None))
    )
    return {participant_id: left_at for participant_id, left_at in tuples(session, left) if left_at}


def _close(session: Session, exports: Iterable[UUID], *, at: datetime) -> None:
    closed = scalars(
        session,
        changes(StudyExport)
        .where(col(StudyExport.id).in_(exports), StudyExport.state == "made")
        .values(state=STUDY_EXPORT.after("made", "close"), closed_at=at, version=col(StudyExport.version) + 1)
        .returning(col(StudyExport.id)),
    ).all()
    for export_id in sorted(closed):
        events.write(session, "study_export.closed", "study_export", export_id, by=_SYSTEM, at=at)


@forgotten.owner
def _leave_with_the_file(session: Session, participant_id: UUID, *, at: datetime) -> None:
    """A file is destroyed: what exports say of that person is noise already, and their group leaves."""
    leave(session, participant_id, "destroyed", at=at)


@research.left_research.owner
def _leave_with_the_consent(session: Session, participant_id: UUID, *, at: datetime) -> None:
    """A consent to research was withdrawn: the whole group of that person leaves."""
    leave(session, participant_id, "withdrawn", at=at)
