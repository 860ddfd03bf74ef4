"""What an asker is to the studies of the research, and finding those that they may see."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from api.access.meetings import to_committee
from api.access.permissions import (
    Action,
    Asker,
    Forbidden,
    Given,
    Relation,
    acting_as,
    is_allowed,
    require,
    themselves,
    to_program,
)
from domain.kernel import Actor, Part, surely
from domain.research import Removal, exports, removals, studies
from meetings.committees import membership
from meetings.statements import implementation
from models.research import Study, StudyExport


def to_studies(session: Session, asker: Asker) -> Given:
    """What the asker is to studies at large: DECLARED by a role that approves exports, RECEIVES by one of the research.

    Who receives one in particular is named in it.
    """
    given = to_program(asker)
    approver = next((hat for role in studies.rules_of(session).approved_by if (hat := _approving(asker, role))), None)
    if approver:
        given[Relation.DECLARED] = approver
    if any(held.role in studies.RECEIVE for held in asker.standing.roles_of(asker.person_id)):
        given[Relation.RECEIVES] = themselves(asker)
    return given


def to_measures(session: Session, asker: Asker) -> Given:
    """What the asker is to the measures: as to the studies; and SITS on the committee that they are put before."""
    given, joint = to_studies(session, asker), implementation.put_before(session)
    if joint is None or is_allowed(Action.SEE_MEASURES, given):
        return given
    return given | to_committee(asker, membership(session, joint.id, since=asker.day))


def to_list_of_studies(session: Session, asker: Asker) -> Given:
    """As `to_studies`; and that they still have rows to remove, of who is nothing else to any."""
    given = to_studies(session, asker)
    if not is_allowed(Action.SEE_STUDIES, given) and removals.owed_by(session, asker.person_id):
        given[Relation.OWES] = themselves(asker)
    return given


def to_study(session: Session, asker: Asker, study_id: UUID) -> Given:
    """What the asker is to one study: who is not named in it receives nothing of it."""
    given = to_studies(session, asker)
    if Relation.RECEIVES in given and not studies.receives(session, study_id, asker.person_id, asker.day):
        del given[Relation.RECEIVES]
    if Relation.RESEARCH not in given and study_id in removals.owed_by(session, asker.person_id):
        given[Relation.OWES] = themselves(asker)
    return given


def find_study(
    session: Session, asker: Asker, study_id: UUID, action: Action = Action.SEE_STUDIES
) -> tuple[Study, Given]:
    """A study for `action`, and what the asker is to it. Raises Forbidden, also where there is none."""
    given, row = to_study(session, asker, study_id), studies.find_study(session, study_id)
    require(Action.SEE_STUDIES, given)
    require(action, given)
    if row is None:
        raise Forbidden
    return row, given


def find_export(session: Session, asker: Asker, export_id: UUID, action: Action) -> tuple[StudyExport, Given]:
    """An export for `action`, and what the asker is to its study. Raises Forbidden, also where there is none."""
    row = exports.find_export(session, export_id)
    # Where there is none, the same is asked by its id: no study has it, and none is found.
    given = find_study(session, asker, row.study_id if row is not None else export_id, action)[1]
    return surely(row), given


def studies_seen_by(session: Session, asker: Asker, given: Given, *, most: int, after: UUID | None) -> Part[Study]:
    """A page of the studies: all of them, or those that the asker receives or has rows of to remove."""
    if sees_all_studies(given):
        return studies.studies(session, most=most, after=after)
    owed = removals.owed_by(session, asker.person_id)
    return studies.studies(session, most=most, after=after, of_person=asker.person_id, and_these=owed)


def sees_all_studies(given: Given) -> bool:
    """Whether the asker keeps the studies or approves their exports, and so sees all of them and of each."""
    return is_allowed(Action.KEEP_STUDIES, given) or is_allowed(Action.ANSWER_EXPORT, given)


def removals_for(session: Session, asker: Asker, study_id: UUID, given: Given) -> list[Removal]:
    """Who was asked to remove rows of a study, as far as the asker sees it: all, or of themselves alone."""
    found = removals.removals_of(session, study_id)
    return found if sees_all_studies(given) else [one for one in found if one.person_id == asker.person_id]


def _approving(asker: Asker, role: str) -> Actor | None:
    hat = asker.hat(role, kind="approvals")
    return acting_as(asker, hat) if hat else None
