"""What an asker is to a case and to a task, and which cases they see.

Lists use the same relations as conditions in SQL, so that what a list shows and what a page opens are one answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, ColumnElement, Uuid, any_, bindparam, false, literal, union_all
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from api.access.permissions import (
    Action,
    Asker,
    Forbidden,
    Given,
    Relation,
    acting_as,
    organizations_for,
    row_of,
    themselves,
    to_program,
)
from domain.casework import TaskOwing, board, falls_for_approval, links_allowed
from domain.kernel import (
    SHAPE,
    Order,
    also,
    col,
    first,
    in_program,
    joins,
    of,
    only,
    program_of,
    run,
    scalar,
    select,
    value_of,
)
from domain.roles import Link, case_is_open_to
from domain.terms import circle_of
from models.casework import LIVE, Case, Task

#: How lists of cases are read: the newest first.
NEWEST: Final = Order(Case.opened_at, Case.id, newest_first=True)


@dataclass(frozen=True)
class TaskAsked(TaskOwing):
    """What permission asks of a task, its case and its chains."""

    settled_by: UUID | None
    waived_by: list[str]
    case_id: UUID | None
    organization_id: UUID | None
    subject_id: UUID | None
    owed_by: list[Link] | None
    approved_by: list[Link] | None

    @property
    def links(self) -> dict[UUID, list[Link]]:
        """Its chains by their ids."""
        both = ((self.owed_by_id, self.owed_by), (self.approved_by_id, self.approved_by))
        return {chain: links for chain, links in both if chain is not None and links is not None}


def to_case(session: Session, asker: Asker, case: Case) -> Given:
    """What the asker is to a case. One that `find_case` gave says itself whether they take part in it."""
    given = to_owner(asker, case)
    known: bool | None = getattr(case, "takes_part", None)
    if _takes_part(session, asker, case.id) if known is None else known:
        given[Relation.TAKES_PART if _reads_of(session, asker, case) else Relation.TOOK_PART] = themselves(asker)
    return given


def _reads_of(session: Session, asker: Asker, case: Case) -> bool:
    """Whether a reader of participants' files may read what people wrote in a case.

    In a candidate's or participant's case, the file is open to the reader, or a step there is theirs under their own
    role. Having done a step once, or acting for a worker, opens no words about a participant.
    """
    whose = case.participant_id
    if whose is None or circle_of(session, whose, asker.day).opens(asker.person_id, asker.standing):
        return True
    hats = board.hats_of(session, asker.standing, asker.person_id)
    own, alone = ([one for one, hat in held.items() if hat.acting_for is None] for held in (hats.tasks, hats.alone))
    waits = only(Task.id).where(
        Task.case_id == case.id,
        or_(and_(col(Task.state).in_(["planned", "open"]), col(Task.owed_by_id).in_(own)), col(Task.id).in_(alone)),
    )
    return scalar(session, waits.limit(1)) is not None


def may_end(session: Session, asker: Asker, case: Case, act: Literal["cancel", "reopen"]) -> Given:
    """As `to_case`, with DECLARED where the asker holds one of the roles that the protocol names for this act."""
    given = to_case(session, asker, case)
    for link in links_allowed(session, case, act):
        holder = asker.standing.falls([link]).on(asker.person_id)
        if holder:
            given[Relation.DECLARED] = acting_as(asker, holder)
            break
    return given


def to_task(session: Session, asker: Asker, task: Task, case: Case | None) -> Given:
    """What the asker is to a task."""
    given = to_case(session, asker, case) if case is not None else to_program(asker)
    links = board.chains(session, [task.owed_by_id, task.approved_by_id])
    return given | to_duty(asker, task, links)


def to_duty(asker: Asker, task: Task | TaskAsked, links: Mapping[UUID, list[Link]]) -> Given:
    """What the asker is to a task as a duty: whether they owe it, approve it, did it, or may waive it.

    `links` are the chains of the task. Asks the database nothing, so that lists can ask it for each line.
    """
    given: Given = {}
    if task.owed_by_id:
        holder = asker.standing.falls_by(links[task.owed_by_id], task.due_on).on(asker.person_id)
        if holder:
            given[Relation.OWES] = acting_as(asker, holder)
    if task.approved_by_id:
        # Whoever is barred from it is told so by the verb; it then falls to the next of the chain as well.
        chain = links[task.approved_by_id]
        holder = asker.standing.falls(chain, kind="approvals").on(asker.person_id)
        holder = holder or falls_for_approval(asker.standing, task, chain).on(asker.person_id)
        if holder:
            given[Relation.APPROVES] = acting_as(asker, holder)
    if asker.person_id in (task.done_by, task.settled_by) and asker.person_id is not None:
        given[Relation.DID] = themselves(asker)
    for role in task.waived_by:
        holder = asker.hat(role)
        if holder:
            given[Relation.MAY_WAIVE] = acting_as(asker, holder)
            break
    return given


def is_to_do(task: Task | TaskAsked, duty: Given) -> bool:
    """Whether somebody has a task to do now who is so much to it: it is theirs to do, or waits for their approval."""
    if task.state == "submitted":
        return Relation.APPROVES in duty
    return Relation.OWES in duty and task.state in ("planned", "open")


@dataclass(frozen=True)
class CaseSight:
    """Which cases a row of the table lets the asker see: everyone's, those of some organizations, their own, those of
    their part."""

    everything: bool
    organizations: list[UUID]
    own: bool
    part: bool

    @classmethod
    def of(cls, asker: Asker, action: Action = Action.SEE_CASE) -> CaseSight:
        """By the table's row for `action`, which holds relations to the program, to an organization, or to a case."""
        wanted = row_of(action)
        return cls(
            everything=bool(wanted & to_program(asker).keys()),
            organizations=organizations_for(asker, action),
            own=Relation.SUBJECT in wanted,
            part=Relation.TAKES_PART in wanted,
        )

    def covers(self, case: Case | TaskAsked, person_id: UUID, *, has_part: bool) -> bool:
        """Whether it shows a case of that organization and subject to a person who takes part in it, or does not."""
        if self.everything or case.organization_id in self.organizations:
            return True
        return (self.own and case.subject_id == person_id) or (self.part and has_part)


def visible_cases(asker: Asker, hats: board.Hats) -> ColumnElement[bool]:
    """The condition on `case` that the asker may see it: `Action.SEE_CASE` of the table, as SQL.

    That of a participant who barred the asker is nothing to them, whatever else they are.
    """
    if not asker.is_staff:
        return false()
    sight, is_open = CaseSight.of(asker), case_is_open_to(literal(asker.person_id, Uuid()))
    if sight.everything:
        return is_open
    own: SelectOfScalar[Any] = only(Case.id).where(Case.subject_id == asker.person_id)
    # Found by their ids, each way by its own index: asked of each case in turn, it looks at all that there ever were.
    theirs = [*([own] if sight.own else []), *(_with_part(asker.person_id, hats) if sight.part else [])]
    ways = [col(Case.id).in_(union_all(*theirs))] if theirs else []
    if sight.organizations:
        ways.append(col(Case.organization_id).in_(sight.organizations))
    return and_(is_open, or_(false(), *ways))


def find_case(session: Session, asker: Asker, case_id: UUID) -> SeenCase:
    """A case that the asker may see, and whether they take part in it. Raises Forbidden, also where there is none.

    One question either way: the time that it takes does not tell the two apart.
    """
    if not asker.is_staff:
        raise Forbidden
    sight = CaseSight.of(asker)
    asked = {"oversees": sight.everything, "managed": sight.organizations, "own": sight.own, "partakes": sight.part}
    row = first(session, _CASE_SEEN, {**_part_asked(session, asker, case_id), **asked})
    if row is None:
        raise Forbidden
    return row


def to_owner(asker: Asker, case: Case | TaskAsked) -> Given:
    """What the asker is to the organization and to the subject of a case.

    A case of the program or of a participant is of no organization: the manager of one is nothing to it.
    """
    given = to_program(asker, organizations=[] if case.organization_id is None else [case.organization_id])
    if case.subject_id == asker.person_id:
        given[Relation.SUBJECT] = themselves(asker)
    return given


def _takes_part(session: Session, asker: Asker, case_id: UUID) -> bool:
    return bool(run(session, _TAKES_PART, _part_asked(session, asker, case_id)).scalar())


def _part_asked(session: Session, asker: Asker, case_id: UUID) -> dict[str, Any]:
    """What the statements ask who find out whether the asker takes part in a case."""
    hats = board.hats_of(session, asker.standing, asker.person_id)
    return {
        "here": program_of(session),
        "case_id": case_id,
        "person": asker.person_id,
        "tasks": list(hats.tasks),
        "alone": list(hats.alone),
    }


def _with_part(person_id: UUID, hats: board.Hats) -> Iterator[SelectOfScalar[UUID | None]]:
    """The cases in which a person takes part, as `_has_part` says of one: each way by its own index.

    Asked of each case in turn, it would look at every task that there ever was.
    """
    tasks, alone = literal(list(hats.tasks), board.CHAINS), literal(list(hats.alone), board.CHAINS)
    ways = (
        and_(col(Task.state).in_(["planned", "open"]), col(Task.owed_by_id) == any_(tasks)),
        and_(col(Task.state).in_(LIVE), col(Task.id) == any_(alone)),
        col(Task.done_by) == person_id,
        col(Task.settled_by) == person_id,
    )
    return (only(Task.case_id).where(col(Task.case_id).is_not(None), way) for way in ways)


def _has_part(person: ColumnElement[Any], tasks: ColumnElement[Any], alone: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition on a case that a person takes part in it, whose the duties are of these chains or single tasks."""
    return (
        select(Task.id)
        .where(
            joins(Task.case_id, Case),
            or_(
                board.is_for(tasks, alone),
                Task.done_by == person,
                Task.settled_by == person,
                and_(Task.state == "planned", col(Task.owed_by_id) == any_(tasks)),
            ),
        )
        .exists()
    )


# What permission asks of one case, built once, its values named as in the functions above.
_here = bindparam("here", type_=Uuid())
_person = bindparam("person", type_=Uuid())
_part = _has_part(_person, bindparam("tasks", type_=board.CHAINS), bindparam("alone", type_=board.CHAINS))
_case_id = bindparam("case_id", type_=Uuid())


class SeenCase(Case):
    """A case that the asker may see, and whether they take part in it."""

    model_config = SHAPE
    takes_part: bool = also(value_of(_part))


_TAKES_PART: Final = select(_part).select_from(Case).where(in_program(Case), col(Case.id) == _case_id)
#: `visible_cases`, of one case.
_CASE_SEEN: Final = of(SeenCase).where(
    col(Case.id) == _case_id,
    case_is_open_to(_person),
    or_(
        bindparam("oversees", type_=Boolean()),
        col(Case.organization_id) == any_(bindparam("managed", type_=ARRAY(Uuid()))),
        and_(bindparam("own", type_=Boolean()), Case.subject_id == _person),
        and_(bindparam("partakes", type_=Boolean()), _part),
    ),
)
