"""Who sees a case by a role, who answers for privacy, and who is kept from the file of a participant.

Asked by the windows' table, by lists, and by letters that lead there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, Uuid, bindparam, cast, func, literal
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import Question, built, col, inside, joins, only, run, same, scalars, select
from domain.roles.roles import DayTenures, Holder
from models.base import InProgram
from models.casework import Case, Link, Task
from models.follow_up import FollowUp
from models.outbox import Notice
from models.participant import Barred, Participant
from models.record import Event
from models.referral import Referral

# Under a name of its own, so that a statement may have the case of its own rows beside it.
_of_theirs = aliased(Case)

#: The role whose holder sees every case of the program.
SEES_EVERY_CASE: Final = "coordinator"
#: The roles whose holders see the cases of the organization at which they hold them.
SEE_CASES_OF_THEIRS: Final = frozenset({"manager", "director"})

#: The chain for what the person in charge of the protection of personal information does: else the coordinator.
FOR_PRIVACY: Final[list[Link]] = [Link("privacy_officer"), Link("coordinator")]


def answers_for_privacy(today: DayTenures, person_id: UUID) -> Holder | None:
    """The role in which a person answers for privacy on that day: the officer always, beside a deputy where away."""
    own = (held for held in today.tenures_of(FOR_PRIVACY[0]) if held.person_id == person_id)
    officer = next((Holder(held.person_id, held.role, held.organization_id) for held in own), None)
    return officer or today.falls(FOR_PRIVACY).on(person_id)


def sees_by_role(today: DayTenures, person_id: UUID, organization_id: UUID | None) -> bool:
    """Whether a person sees, on that day, a case of this organization by a role of theirs or of a person they replace.

    A duty outside any case is of no organization.
    """
    links = [Link(SEES_EVERY_CASE)]
    if organization_id is not None:
        links += [Link(role, str(organization_id)) for role in SEE_CASES_OF_THEIRS]
    return any(today.falls([link]).on(person_id) is not None for link in links)


def who_barred(session: Session, person_id: UUID) -> frozenset[UUID]:
    """The candidates and participants who barred this person from their file: no list shows them to the person."""
    return frozenset(scalars(session, *asked_of_who_barred(person_id)))


def asked_of_who_barred(person_id: UUID) -> Question[SelectOfScalar[UUID]]:
    """What `who_barred` asks."""
    return Question(_WHO_BARRED, {"person": person_id})


_WHO_BARRED: Final = built(
    only(Barred.participant_id).where(
        col(Barred.person_id) == bindparam("person", type_=Uuid()), col(Barred.lifted_at).is_(None)
    )
)


@dataclass(frozen=True)
class Barring:
    """Who barred a person from their file, and whether a text names any of them by number or reference."""

    who: frozenset[UUID]
    calls: Callable[[str], bool]


def barring_each(session: Session, people: Collection[UUID]) -> dict[UUID, Barring]:
    """As `who_barred` and `calls_who_barred`, of several people at once."""
    barred: dict[UUID, set[UUID]] = {one: set() for one in people}
    names: dict[UUID, list[str | None]] = {one: [] for one in people}
    rows = run(
        session,
        only(Barred.person_id, Barred.participant_id, Participant.number, Participant.candidate_ref)
        .join(Participant, joins(Barred.participant_id, Participant))
        .where(col(Barred.person_id).in_(people), col(Barred.lifted_at).is_(None)),
    )
    for person_id, participant_id, *called in rows:
        barred[person_id].add(participant_id)
        names[person_id] += called
    return {one: Barring(frozenset(barred[one]), _calls(names[one])) for one in people}


def calls_who_barred(session: Session, person_id: UUID) -> Callable[[str], bool]:
    """Whether a text names, by number or reference, anyone who barred this person from their file."""
    names = run(
        session,
        only(Participant.number, Participant.candidate_ref).where(
            col(Participant.id).in_(who_barred(session, person_id))
        ),
    )
    return _calls(name for row in names for name in row)


def _calls(names: Iterable[str | None]) -> Callable[[str], bool]:
    """Whether a text has any of these numbers and references."""
    wanted = [re.escape(name) for name in names if name]
    if not wanted:
        return lambda _: False
    found = re.compile(f"(?:{'|'.join(wanted)}){_NAME_ENDS}")
    return lambda text: found.search(text) is not None


def case_is_open_to(person: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition on a case that its participant has not barred this person from their file."""
    return ~_barring(person, Case, col(Barred.participant_id) == col(Case.participant_id))


def task_is_open_to(person: ColumnElement[Any]) -> ColumnElement[bool]:
    """As `case_is_open_to`, on a task: by its case; or outside any, by the file that it asks about.

    Or by a participant named in its words, as in the tasks that hand over what a leaver has in hand.
    """
    in_the_case = _of_the_case(col(Task.case_id))
    asks = and_(col(Task.case_id).is_(None), _in_the_file(func.left(col(Task.item), _AN_ID)))
    return ~_barring(person, Task, or_(in_the_case, asks, _calls_them(col(Task.title_en))))


def line_is_open_to(person: ColumnElement[Any]) -> ColumnElement[bool]:
    """As `case_is_open_to`, on a line of the record."""
    in_the_case = _of_the_case(col(Event.case_id))
    of_a_task = (
        select(Task.id)
        .where(
            same(Task, Barred),
            Task.id == Event.subject_id,
            or_(_in_the_file(func.left(col(Task.item), _AN_ID)), _calls_them(col(Task.title_en))),
        )
        .correlate(Barred, Event)
        .exists()
    )
    about = or_(in_the_case, _in_the_file(cast(col(Event.subject_id), Text)), of_a_task)
    return ~_barring(person, Event, about)


def letter_is_open_to(person: ColumnElement[Any]) -> ColumnElement[bool]:
    """As `case_is_open_to`, on a letter: of their case, or that was written about them by their number or reference."""
    about = or_(_of_the_case(col(Notice.case_id)), _is_about_them())
    return ~_barring(person, Notice, about)


#: How long an id is, as the item of a task begins with it.
_AN_ID: Final = literal(36)
#: No further figure may follow a number in a text: else #2026-01 would be found in #2026-011.
_NAME_ENDS: Final = "(?![0-9])"


def _barring(person: ColumnElement[Any], what: type[InProgram], about: ColumnElement[bool]) -> ColumnElement[bool]:
    """That a participant for which `about` holds has barred this person, of what is asked of `what`."""
    return (
        select(Barred.id)
        .where(same(Barred, what), Barred.person_id == person, col(Barred.lifted_at).is_(None), about)
        .exists()
    )


def _of_the_case(case_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """That a case is about a participant who barred the person."""
    return (
        select(_of_theirs.id)
        .where(same(_of_theirs, Barred), _of_theirs.id == case_id, _of_theirs.participant_id == Barred.participant_id)
        .correlate(Barred, case_id.table)  # of what is asked two statements further out
        .exists()
    )


def _calls_them(words: ColumnElement[Any]) -> ColumnElement[bool]:
    """That a text names a participant who barred the person, by their number, or by their reference as a candidate."""
    return (
        select(Participant.id)
        .where(joins(Barred.participant_id, Participant), called_in(words))
        .correlate(Barred, words.table)
        .exists()
    )


def called_in(words: str | ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition on a participant that a text names them by their number, or by their reference as a candidate."""
    text = literal(words) if isinstance(words, str) else words
    names = (col(Participant.number), col(Participant.candidate_ref))
    return or_(*(func.regexp_like(text, name + _NAME_ENDS) for name in names))


def _is_about_them() -> ColumnElement[bool]:
    """That a letter was written about a participant who barred the person: its subject leaves the number out."""
    names = cast(array([col(Participant.number), col(Participant.candidate_ref)]), ARRAY(Text))
    return (
        select(Participant.id)
        .where(joins(Barred.participant_id, Participant), inside(Notice.calls).overlap(names))
        .correlate(Barred, Notice)
        .exists()
    )


def _in_the_file(thing: ColumnElement[Any]) -> ColumnElement[bool]:
    """That an id, as text, is of a participant who barred the person, or of a follow-up, referral or case of theirs."""
    return or_(
        thing == cast(col(Barred.participant_id), Text),
        *(
            thing.in_(
                select(cast(col(table.id), Text))
                .where(same(table, Barred), table.participant_id == Barred.participant_id)
                .correlate(Barred)
            )
            for table in (FollowUp, Referral, _of_theirs)
        ),
    )
