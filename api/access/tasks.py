"""Which tasks an asker sees and does: those of a case that are shown to them, and those that are theirs.

In a case that is no participant's, such as a departure, a step about one is seen by who keeps their file, by who
oversees the case, and by who has it to do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, func, literal, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from api.access import questions
from api.access.cases import (
    CaseSight,
    SeenCase,
    TaskAsked,
    find_case,
    is_to_do,
    to_case,
    to_duty,
    to_owner,
    to_task,
    visible_cases,
)
from api.access.permissions import (
    Action,
    Asker,
    Forbidden,
    Given,
    Relation,
    allows,
    require,
    row_of,
    themselves,
    to_program,
)
from domain.casework import OWING, board, words
from domain.departure import OF_OFFERS
from domain.kernel import (
    Actor,
    Part,
    col,
    every,
    first,
    in_program,
    inside,
    joins,
    of,
    only,
    program_of,
    run,
    scalars,
    select,
)
from domain.roles import Link, line_is_open_to, task_is_open_to, who_barred
from domain.terms import PARTICIPANT, Circle, circles_of
from models.casework import Case, Evidence, Responsibility, Task
from models.outbox import Notice
from models.record import Event

T = TypeVar("T", bound=Task)
#: Who oversees a case: they see each of its steps, and of words about somebody none by that.
_OVERSEES: Final = frozenset({Relation.COORDINATOR, Relation.MANAGER_HERE, Relation.DIRECTOR_HERE})


def find_task(session: Session, asker: Asker, task_id: UUID) -> tuple[Task, SeenCase | None]:
    """A task of a case that the asker may see, or one of no case that is theirs, with its case. Raises Forbidden."""
    task = first(session, of(Task).where(Task.id == task_id, task_is_open_to(literal(asker.person_id, Uuid()))))
    if task is None:
        raise _as_if_there(session, asker, task_id)
    if task.case_id is not None:
        case = find_case(session, asker, task.case_id)
        if not shown_in(session, asker, case, [task]):
            raise Forbidden
        questions.note(Action.SEE_TASK)  # the case's answer is that of its tasks
        return task, case
    require(Action.SEE_TASK, to_task(session, asker, task, None))
    return task, None


def own_work(
    session: Session, asker: Asker, hats: board.Hats, *, most: int, after: UUID | None
) -> Part[board.TaskWithCase]:
    """`most` of the tasks that are now for the asker, the most pressing first: those after a task that they may see."""
    may_see = [] if after is None else [_seen_before(asker, hats)]
    return board.part_of_work(session, hats, *may_see, most=most, after=after)


def _seen_before(asker: Asker, hats: board.Hats) -> ColumnElement[bool]:
    """The condition on a task, done or not, that the asker sees its case, or that outside any it is or was theirs."""
    cases = only(Case.id).where(visible_cases(asker, hats))
    fell_to_them = or_(board.is_mine(hats), col(Task.owed_by_id).in_(hats.tasks))
    theirs = or_(fell_to_them, Task.done_by == asker.person_id, Task.settled_by == asker.person_id)
    open_to = task_is_open_to(literal(asker.person_id, Uuid()))
    return and_(open_to, or_(col(Task.case_id).in_(cases), and_(col(Task.case_id).is_(None), theirs)))


def actor_for(session: Session, asker: Asker, action: Action, task_id: UUID) -> Actor:
    """The actor under whom the asker does `action` to a task: `find_task`, `to_task` and `require` in one question.

    A person who sees the case only through another of its tasks is asked for more. Raises Forbidden.
    """
    asked = {"here": program_of(session), "task_id": task_id, "person": asker.person_id}
    row = run(session, _TASK_ASKED, asked).first()
    if row is None:
        raise _as_if_there(session, asker, task_id)
    found = TaskAsked(*row)
    given = to_duty(asker, found, found.links)
    if found.case_id is None:
        given = to_program(asker) | given
        require(Action.SEE_TASK, given)
    elif Relation.TAKES_PART in row_of(action) or not _sees_by_itself(asker, found, given):
        given = to_case(session, asker, find_case(session, asker, found.case_id)) | given
    else:
        given = to_owner(asker, found) | given
    by = require(action, given)
    if given.get(Relation.DID) is by:
        # What somebody did once gives them nothing of somebody whose file is closed to them since.
        find_task(session, asker, task_id)
    return by


def _as_if_there(session: Session, asker: Asker, absent_id: UUID) -> Forbidden:
    """The refusal of something that is not there, after the same questions as for what is there and is not theirs."""
    try:
        find_case(session, asker, absent_id)
    except Forbidden as refusal:
        return refusal
    return Forbidden()


def _sees_by_itself(asker: Asker, found: TaskAsked, duty: Given) -> bool:
    """Whether what is known of a task and its case is enough to see both: `visible_cases`, short of its other tasks."""
    has_part = Relation.DID in duty or is_to_do(found, duty)
    return asker.is_staff and CaseSight.of(asker).covers(found, asker.person_id, has_part=has_part)


def seen_of(session: Session, asker: Asker, tasks: Iterable[T]) -> list[T]:
    """Those of `tasks` that the asker may see, as `find_task` has it."""
    listed = list(tasks)
    hats = board.hats_of(session, asker.standing, asker.person_id)
    cases = only(Case.id).where(
        col(Case.id).in_({task.case_id for task in listed if task.case_id}), visible_cases(asker, hats)
    )
    seen = set(scalars(session, cases))
    apart = board.open_to(session, asker.person_id, [task.id for task in listed if not task.case_id])
    links, given = _chains_of(session, listed), to_program(asker)

    def is_theirs(task: Task) -> bool:
        return task.id in apart and allows(Action.SEE_TASK, given | to_duty(asker, task, links)) is not None

    return [task for task in listed if (task.case_id in seen if task.case_id else is_theirs(task))]


def shown_in(session: Session, asker: Asker, case: Case, tasks: Iterable[T]) -> list[T]:
    """The case's tasks that the asker may see when they see the case, as lists and pages show them.

    In other cases, as a departure, three see a step about a participant: the file's keepers, those who oversee the
    case, and the person who has to do it.
    """
    rows = list(tasks)
    if case.participant_id is not None or oversees(session, asker, case):
        return rows
    about = words.about(session, rows)
    closed = _closed(session, asker, [row for row in rows if row.id in about], about) if about else frozenset()
    return [row for row in rows if row.id not in closed]


def _closed(session: Session, asker: Asker, tasks: Sequence[Task], about: Mapping[UUID, UUID]) -> frozenset[UUID]:
    """Those of tasks that are about somebody whose file the asker does not keep, and not theirs to do."""
    links = _chains_of(session, tasks)
    keeps = {one for one, by in keeps_files(session, asker, set(about.values())).items() if by is not None}
    kept_from = [task for task in tasks if about[task.id] not in keeps]
    return frozenset(task.id for task in kept_from if not is_to_do(task, to_duty(asker, task, links)))


def _chains_of(session: Session, tasks: Iterable[Task]) -> dict[UUID, list[Link]]:
    """The chains by which tasks are owed and approved."""
    return board.chains(session, [chain for task in tasks for chain in (task.owed_by_id, task.approved_by_id)])


def oversees(session: Session, asker: Asker, case: Case) -> bool:
    """Whether the asker oversees a case: they see each of its steps."""
    return bool(to_case(session, asker, case).keys() & _OVERSEES)


def closed_to(session: Session, asker: Asker, task_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these tasks, of cases that are no participant's, that the asker is not shown (`shown_in`)."""
    if not task_ids or Relation.COORDINATOR in to_program(asker):
        return frozenset()
    tasks = every(
        session,
        of(Task)
        .join(Case, joins(Task.case_id, Case))
        .where(col(Task.id).in_(task_ids), col(Case.participant_id).is_(None)),
    )
    about = words.about(session, tasks)
    by_case: dict[UUID | None, list[Task]] = defaultdict(list)
    for task in tasks:
        if task.id in about:
            by_case[task.case_id].append(task)
    cases = every(session, of(Case).where(col(Case.id).in_(by_case))) if by_case else []
    shown = {task.id for case in cases for task in shown_in(session, asker, case, by_case[case.id])}
    return frozenset(about) - shown


def lines_of_case(session: Session, asker: Asker, case: Case) -> ColumnElement[bool]:
    """The condition on a line of the record that it is of the case, and tells only of what the asker is shown.

    A step that they are not shown is left out with its proofs, and so is what was offered and written to others, of any
    follow-up.
    """
    mine = and_(in_program(Event), Event.case_id == case.id, line_is_open_to(literal(asker.person_id, Uuid())))
    ids = scalars(session, only(Task.id).where(Task.case_id == case.id)).all()
    closed = closed_to(session, asker, ids)
    if not closed:
        return mine
    beside = union_all(
        only(Evidence.id).where(col(Evidence.task_id).in_(closed)),
        only(Notice.id).where(
            Notice.case_id == case.id, Notice.person_id != asker.person_id, col(Notice.template).in_(OF_OFFERS)
        ),
    )
    to_others = and_(
        or_(
            col(Event.verb).startswith("hand_over", autoescape=True),
            func.coalesce(inside(Event.facts)["template"].astext, "").in_(OF_OFFERS),
        ),
        inside(Event.facts)["person"].astext.is_distinct_from(str(asker.person_id)),
    )
    return and_(mine, col(Event.subject_id).not_in([*closed, *scalars(session, beside)]), ~to_others)


def keeps_file(session: Session, asker: Asker, participant_id: UUID) -> Actor | None:
    """The actor who reads today what people write of a candidate or participant: a keeper of the file, or None.

    It checks consent and part (`domain.terms.sharing`). A person whom the participant barred is nothing to the file.
    """
    return keeps_files(session, asker, [participant_id])[participant_id]


def keeps_files(session: Session, asker: Asker, participant_ids: Collection[UUID]) -> dict[UUID, Actor | None]:
    """As `keeps_file`, of several participants: the database is asked once for all of them."""
    barred_by = who_barred(session, asker.person_id)
    wanted = [one for one in participant_ids if one not in barred_by] if asker.is_staff else []
    circles = circles_of(session, wanted, asker.day) if wanted else {}
    found: dict[UUID, Actor | None] = {}
    for one in participant_ids:
        given = to_program(asker)
        if one in circles and circles[one].opens(asker.person_id, asker.standing) == "file":
            given[Relation.ASSIGNED] = given.get(Relation.FOLLOWS) or themselves(asker)
        found[one] = None if one in barred_by else allows(Action.KEEP_FOLLOW_UP, given)
    return found


def is_told_in_place(asker: Asker, circle: Circle, owes: Actor | None) -> bool:
    """Whether a person who owes a step in place of its holder may know what is written with it of a participant.

    They owe it for an organization with which the participant shares; a deputy belongs to such an organization too.
    """
    their_own = [held.organization_id for held in asker.standing.roles_of(asker.person_id)]
    return (
        owes is not None
        and _is_told(circle, owes.organization_id)
        and any(_is_told(circle, place) for place in their_own)
    )


def _is_told(circle: Circle, organization_id: UUID | None) -> bool:
    """Whether what is known of the participant is shared with an organization, or is within it already."""
    if organization_id is None:
        return False
    return organization_id in circle.homes or not circle.withholds(organization_id, PARTICIPANT)


# What permission asks of one task, built once.
_owed, _approved = aliased(Responsibility), aliased(Responsibility)
_TASK_ASKED: Final = (
    select(
        *OWING,
        Task.settled_by,
        Task.waived_by,
        Task.case_id,
        Case.organization_id,
        Case.subject_id,
        _owed.links,
        _approved.links,
    )
    .outerjoin(Case, joins(Task.case_id, Case))
    .outerjoin(_owed, joins(Task.owed_by_id, _owed))
    .outerjoin(_approved, joins(Task.approved_by_id, _approved))
    .where(
        in_program(Task),
        col(Task.id) == bindparam("task_id", type_=Uuid()),
        task_is_open_to(bindparam("person", type_=Uuid())),
    )
)
