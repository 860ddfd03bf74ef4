"""Taking somebody on: whoever follows in a role is appointed and, where the role has a welcome, welcomed. Guide: DP-01.

A departure names somebody who is there already; a recruiting ends with whom it found. Either way the case that welcomes
them opens in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from domain.casework import assigning, cases, scheduling, tasks
from domain.casework.evidence import BY_ITS_ACT
from domain.casework.locking import Moved, hold
from domain.declared.reading import Bilingual
from domain.departure import interviews
from domain.holdings.roles import TENURE, called, tells_of
from domain.kernel import program_calendar
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import (
    col,
    every,
    first,
    in_program,
    inside,
    joins,
    of,
    only,
    run,
    same,
    scalar,
    scalars,
    select,
    surely,
)
from domain.kernel.scope import local_day
from domain.mail.notices import coordination_chain
from domain.people import people
from domain.record import events
from domain.roles.roles import never_began
from locales import N_, say, say_in_both
from models.casework import Case, Task
from models.departure import Settlement
from models.program import Tenure
from models.record import Event

#: By what somebody new is looked for, and its last step, which names them.
RECRUITING: Final = "recruiting"
NAMES_THEM: Final = "appoint_person"
#: The manager's task to recruit for a role whose turn comes after the recruiting under way, and how soon it is due.
AFTERWARDS: Final = "recruiting.afterwards"
DAYS_TO_RECRUIT: Final = 30
#: The manager's task to say who follows, where an appointment is taken back that no open case asks about any more.
ANEW: Final = "recruiting.anew"
DAYS_TO_NAME: Final = 5
#: Who begins in this role is welcomed by this protocol.
WELCOMED: Final[Mapping[str, str]] = {"youth_worker": "onboarding"}


@dataclass(frozen=True)
class Hired:
    """Who was taken on, what became of the step that named them, and the case that welcomes them, where one does."""

    person_id: UUID
    moved: Moved
    welcome_id: UUID | None


def hire(
    session: Session,
    task_id: UUID,
    *,
    applicant: int,
    role: str,
    starts_on: date,
    person_id: UUID | None = None,
    new: Mapping[str, Any] | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> Hired:
    """End a recruiting by naming whom it found: in which role, and from which local day on, inclusive.

    They are the `applicant` of this number, who passed the interviews of two (GV-8): somebody of the program, or new,
    and then `new` says what is written of them (`people.add_person`). They are appointed at the organization that
    recruits, unless they hold the role by then, and welcomed where the role has a welcome; a second naming finds both
    done. Raises Refusal: a step before it is left, an applicant who did not pass, nobody or two are given, oneself, or
    an appointment that cannot be.
    """
    held = hold(session, task_id, by=by, at=at, seen=seen)
    if held.task.step != NAMES_THEM or held.task.evidence != BY_ITS_ACT or held.case is None:
        raise Refusal("hiring.none", N_("This task is not for naming the person hired."))
    if (person_id is None) == (new is None):
        raise Refusal("person.missing", N_("Choose a person, or enter a new one: one of the two."))
    if by.is_one_of(person_id):
        raise Refusal("successor.oneself", N_("You cannot appoint yourself: ask someone else to name you."))
    # First, so that what is left of the procedure is said before anything about the person.
    moved = tasks.complete_task(session, task_id, by=by, at=at, in_its_act=True)
    interviews.refuse_unless_passes(session, held.case.id, applicant)
    place = surely(held.case.organization_id)
    hired = person_id if person_id is not None else people.add_person(session, **(new or {}), by=by, at=at)
    if moved.case_closed:
        _recruit_for_the_next(session, place, by=by, at=at)
    welcome_id = take_on(session, hired, role, place, starts_on=starts_on, recruited=True, by=by, at=at)
    events.write(
        session,
        "person.hired",
        "person",
        hired,
        by=by,
        at=at,
        case_id=held.case.id,
        applicant=applicant,
        role=role,
        organization=str(place),
        starts_on=starts_on.isoformat(),
    )
    return Hired(hired, moved, welcome_id)


def recruit_afterwards(session: Session, organization_id: UUID, role: Bilingual, *, by: Actor, at: datetime) -> None:
    """Have the manager recruit for a role once the recruiting that is open at the organization is over.

    It opens by itself when that one ends with somebody hired. One that was opened by hand and that nobody's departure
    asked for yet is for this role: then nothing is left for afterwards.
    """
    item = str(organization_id)
    opened_at = scalar(
        session,
        only(Case.opened_at)
        .where(Case.protocol == RECRUITING, Case.organization_id == organization_id, Case.state == "open")
        .with_for_update(),
    )
    asked_for = (
        only(Settlement.id)
        .join(Case, joins(Settlement.case_id, Case))
        .where(
            Case.organization_id == organization_id,
            Settlement.ended_as == "recruiting",
            col(Settlement.settled_at) >= opened_at,
        )
    )
    waited_for = only(Task.id).where(Task.step == AFTERWARDS, Task.item == item, col(Task.done_at) >= opened_at)
    if scalar(session, select(or_(asked_for.exists(), waited_for.exists()))):
        assigning.assign(
            session,
            AFTERWARDS,
            item,
            title_fr=say("fr", _AFTERWARDS, role=role.fr),
            title_en=say("en", _AFTERWARDS, role=role.en),
            chain=[{"role": "manager", "at": item}, *coordination_chain(session)],
            due_on=program_calendar.calendar_of(session).add_working_days(local_day(session, at), DAYS_TO_RECRUIT),
            by=by,
            at=at,
            sources=["DP-01"],
        )


_AFTERWARDS = N_("Recruit for one more role, once the recruiting under way is over: %(role)s")


def recruit_anew(session: Session, tenure: Tenure, *, by: Actor, at: datetime) -> None:
    """Ask the manager who follows, where an appointment was taken back just now that a closed case had come to.

    A recruiting that found them is over, and so is a departure that was closed since it named them: neither asks
    anybody. Not of who has been in the role since.
    """
    place = tenure.organization_id
    found = only(Event.n).where(
        Event.subject_id == tenure.person_id,
        Event.verb == "person.hired",
        inside(Event.facts)["role"].astext == tenure.role,
        inside(Event.facts)["organization"].astext == str(place),
    )
    left = aliased(Tenure, name="left_role")
    named = (
        only(Settlement.id)
        .join(Case, joins(Settlement.case_id, Case))
        .join(left, and_(in_program(left), left.id == Settlement.holding_id))
        .where(
            Settlement.kind == TENURE,
            Settlement.successor_id == tenure.person_id,
            left.role == tenure.role,
            left.organization_id == place,
            Case.state == "closed",
        )
    )
    held = select(Tenure.id).where(
        _held_there(tenure.person_id, tenure.role, place),
        or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) >= local_day(session, at)),
    )
    if scalar(session, select(and_(or_(found.exists(), named.exists()), ~held.exists()))):
        _ask_who_follows(session, tenure.id, by=by, at=at)


def recruit_once_cancelled(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the manager who follows in each role for which a departure had somebody be looked for, by this recruiting.

    It was cancelled. Not where somebody was given the role since.
    """
    left, given = aliased(Tenure, name="left_role"), aliased(Tenure, name="given")
    recruits, departs = aliased(Case, name="recruits"), aliased(Case, name="departs")
    follows = (
        select(given.id)
        .where(
            same(given, left),
            given.role == left.role,
            given.organization_id == left.organization_id,
            given.person_id != left.person_id,
            col(given.taken_back_at).is_(None),
            col(given.starts_on) > func.coalesce(col(left.ends_on), date.max),
        )
        .exists()
    )
    rows = scalars(
        session,
        only(left.id)
        .join(Settlement, joins(Settlement.holding_id, left))
        .join(departs, joins(Settlement.case_id, departs))
        .join(
            recruits,
            and_(
                same(recruits, departs),
                recruits.organization_id == departs.organization_id,
                col(recruits.opened_at) <= col(Settlement.settled_at),
            ),
        )
        .where(
            recruits.id == case_id,
            Settlement.kind == TENURE,
            Settlement.ended_as == RECRUITING,
            departs.state != "cancelled",
            ~follows,
        )
        .order_by(col(left.id)),
    )
    for tenure_id in rows.all():
        _ask_who_follows(session, tenure_id, by=by, at=at)


cases.when_cancelled(RECRUITING, together=lambda _session, _case_id: (), do=recruit_once_cancelled)


def _ask_who_follows(session: Session, tenure_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the manager who follows in a role, once: not where that is asked of this role there already."""
    row = first(session, of(Tenure).where(Tenure.id == tenure_id))
    assert row is not None  # noqa: S101 - it was read a moment ago
    post = f"{row.organization_id} {row.role}"
    asked = only(Task.id).where(Task.step == ANEW, Task.item == post, Task.state == "open")
    if scalar(session, asked.limit(1)) is not None:
        return
    title = called(session, tenure_id)
    assigning.assign(
        session,
        ANEW,
        post,
        title_fr=say("fr", _ANEW, role=title.fr),
        title_en=say("en", _ANEW, role=title.en),
        chain=[{"role": "manager", "at": str(row.organization_id)}, *coordination_chain(session)],
        due_on=program_calendar.calendar_of(session).add_working_days(local_day(session, at), DAYS_TO_NAME),
        by=by,
        at=at,
        sources=["DP-01"],
    )


_ANEW = N_("Name a successor, or recruit again: %(role)s")


def see_who_follows(session: Session, *, by: Actor, at: datetime) -> int:
    """Call off what the manager is asked by `ANEW` of a role that was given to somebody since; how many."""
    given = (
        only(Event.n)
        .join(Tenure, tells_of(Tenure, "tenure.started"))
        .where(
            col(Event.at) > col(Task.opened_at),
            cast(col(Tenure.organization_id), Text) + " " + col(Tenure.role) == col(Task.item),
            col(Tenure.taken_back_at).is_(None),
        )
        .exists()
    )
    asked = only(Task.id).where(Task.step == ANEW, Task.state == "open", given)
    tasks_ids = scalars(session, asked.order_by(col(Task.id))).all()
    for task_id in tasks_ids:
        assigning.call_off(session, task_id, by=by, at=at)
    return len(tasks_ids)


def welcome_who_was_given_anew(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Reopen what welcomed those whom a departure named, and whose appointment was taken back and given anew."""
    gone, again = aliased(Tenure, name="gone"), aliased(Tenure, name="again")
    rows = run(
        session,
        only(gone.person_id, gone.organization_id, gone.taken_back_at)
        .join(Settlement, and_(same(Settlement, gone), Settlement.kind == TENURE))
        .join(
            again,
            and_(
                same(again, gone),
                again.person_id == gone.person_id,
                again.role == gone.role,
                again.organization_id == gone.organization_id,
            ),
        )
        .where(
            Settlement.case_id == case_id,
            Settlement.successor_id == gone.person_id,
            col(gone.taken_back_at) >= col(Settlement.settled_at),
            col(again.taken_back_at).is_(None),
            or_(col(again.ends_on).is_(None), col(again.ends_on) >= local_day(session, at)),
        )
        .distinct(),
    )
    for row in rows.all():
        welcome_again(session, row.person_id, row.organization_id, ended_at=row.taken_back_at, by=by, at=at)


def _recruit_for_the_next(session: Session, organization_id: UUID, *, by: Actor, at: datetime) -> None:
    """Where a recruiting is over and another role waited for that: open the next one."""
    waits = scalar(
        session,
        only(Task.id)
        .where(Task.step == AFTERWARDS, col(Task.item) == str(organization_id), Task.state == "open")
        .order_by(col(Task.opened_at), col(Task.id))
        .limit(1),
    )
    if waits is not None:
        cases.open_case(session, RECRUITING, organization_id=organization_id, by=by, at=at)
        tasks.complete_task(session, waits, by=by, at=at)


def take_on(
    session: Session,
    person_id: UUID,
    role: str,
    organization_id: UUID,
    *,
    starts_on: date,
    recruited: bool,
    by: Actor,
    at: datetime,
) -> UUID | None:
    """Appoint somebody unless they hold the role then, and open the case that welcomes them; its id, or None.

    Whoever has been in the role for a while is welcome there already; one who was recruited is new, whenever they were
    appointed. Nobody is welcomed twice to one stay; what welcomed them to an earlier one is over. Raises Refusal.
    """
    held = first(
        session,
        select(Tenure)
        .where(
            _held_there(person_id, role, organization_id),
            or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) >= starts_on),
        )
        .order_by(col(Tenure.starts_on))
        .limit(1),
    )
    if held is None:
        people.appoint(
            session, person_id=person_id, role=role, organization_id=organization_id, starts_on=starts_on, by=by, at=at
        )
    welcome = WELCOMED.get(role)
    is_new = held is None or recruited or held.starts_on >= local_day(session, at)
    if welcome is None or not is_new:
        return None
    since = _there_since(session, person_id, role, organization_id, starts_on if held is None else held.starts_on)
    _end_welcomes_before(session, welcome, person_id, organization_id, since, by=by, at=at)
    before = _welcomed_by(session, welcome, person_id, organization_id, since, anew=held is None)
    if before is not None:
        return before
    return cases.open_case(session, welcome, subject_id=person_id, organization_id=organization_id, by=by, at=at)


def see_off(session: Session, person_id: UUID, organization_id: UUID, *, by: Actor, at: datetime) -> None:
    """End what still welcomes somebody to a stay at an organization that is over by now.

    Where it is settled already that they come back, what welcomes them then begins in its place: whom nothing welcomes
    is held back from nobody.
    """
    for role, protocol in WELCOMED.items():
        again = scalar(
            session,
            select(Tenure.starts_on)
            .where(
                _held_there(person_id, role, organization_id),
                or_(col(Tenure.ends_on).is_(None), col(Tenure.ends_on) >= local_day(session, at)),
            )
            .order_by(col(Tenure.starts_on))
            .limit(1),
        )
        since = None if again is None else _there_since(session, person_id, role, organization_id, again)
        ended = _end_welcomes_before(session, protocol, person_id, organization_id, since, by=by, at=at)
        if ended and since is not None:
            # Nothing keeps an access from ending: where the agreement has lapsed they are given nobody anyway.
            with suppress(Refusal), session.begin_nested():
                cases.open_case(session, protocol, subject_id=person_id, organization_id=organization_id, by=by, at=at)


def welcome_again(
    session: Session, person_id: UUID, organization_id: UUID, *, ended_at: datetime, by: Actor, at: datetime
) -> None:
    """Somebody stays after all: reopen what welcomed them and ended with their stay, at that instant.

    Not where another case welcomes them meanwhile.
    """
    reason = say_in_both(_STAYS)
    for case in _welcomes(session, WELCOMED.values(), person_id, organization_id, states=["cancelled"]):
        if case.ended_at == ended_at:
            with suppress(Refusal), session.begin_nested():
                cases.reopen_case(session, case.id, by=by, at=at, reason=reason)


_STAYS = N_("This person stays after all: their onboarding continues.")


def welcoming(session: Session, person_id: UUID, organization_id: UUID) -> list[UUID]:
    """The open cases that welcome somebody at an organization."""
    found = _welcomes(session, WELCOMED.values(), person_id, organization_id, states=["open"])
    return [case.id for case in found]


def welcomed(session: Session, person_id: UUID, organization_id: UUID) -> list[UUID]:
    """The cases that welcome somebody at an organization or did, whatever became of them."""
    states = ["open", "closed", "cancelled"]
    found = _welcomes(session, WELCOMED.values(), person_id, organization_id, states=states)
    return [case.id for case in found]


def first_day_of(session: Session, case: Case) -> str | None:
    """The name of a welcoming case's day that is the first of the role; None where its protocol has none."""
    anchors = scheduling.pinned_protocol(session, case.protocol_version_id).anchors
    return next((name for name, declared in anchors.items() if declared.from_ == "worker.starts_on"), None)


def _held_there(person_id: UUID, role: str, organization_id: UUID) -> ColumnElement[bool]:
    """The condition on a role that somebody holds, held or is to hold it at an organization."""
    return and_(
        in_program(Tenure),
        Tenure.person_id == person_id,
        Tenure.role == role,
        Tenure.organization_id == organization_id,
        ~never_began(),
    )


def _there_since(session: Session, person_id: UUID, role: str, organization_id: UUID, day: date) -> date:
    """The first day of somebody's stay in a role that `day` is one of: terms without a day between them are one."""
    terms = every(
        session,
        select(Tenure)
        .where(_held_there(person_id, role, organization_id), col(Tenure.starts_on) <= day)
        .order_by(col(Tenure.starts_on).desc()),
    )
    since = day
    for term in terms:
        if term.ends_on is not None and term.ends_on < since - timedelta(days=1):
            break
        since = min(since, term.starts_on)
    return since


def _end_welcomes_before(
    session: Session,
    protocol: str,
    person_id: UUID,
    organization_id: UUID,
    since: date | None,
    *,
    by: Actor,
    at: datetime,
) -> bool:
    """Cancel what still welcomes somebody to a stay before the one that began on a day, or to any; whether there was.

    The reason says so in both languages.
    """
    over = [
        case
        for case in _welcomes(session, [protocol], person_id, organization_id, states=["open"])
        if since is None or not _is_of_stay(session, case, since)
    ]
    reason = say_in_both(_STAY_OVER)
    for case in over:
        cases.cancel_case(session, case.id, by=by, at=at, reason=reason)
    return bool(over)


_STAY_OVER = N_("This person’s time in the role is over. If they come back, a new onboarding begins.")


def _welcomed_by(
    session: Session, protocol: str, person_id: UUID, organization_id: UUID, since: date, *, anew: bool
) -> UUID | None:
    """The case that welcomes somebody to their stay there, or did; of one who begins `anew`, only while it is open."""
    states = ["open"] if anew else ["open", "closed"]
    found = _welcomes(session, [protocol], person_id, organization_id, states=states)
    return next((case.id for case in found if _is_of_stay(session, case, since)), None)


def _welcomes(
    session: Session, protocols: Collection[str], person_id: UUID, organization_id: UUID, *, states: list[str]
) -> list[Case]:
    """The cases in these states that welcome somebody there, or did, the latest first."""
    return every(
        session,
        of(Case)
        .where(
            col(Case.protocol).in_(list(protocols)),
            Case.subject_id == person_id,
            Case.organization_id == organization_id,
            col(Case.state).in_(states),
        )
        .order_by(col(Case.opened_at).desc()),
    )


def _is_of_stay(session: Session, case: Case, since: date) -> bool:
    """Whether a case welcomes somebody to the stay that began on a day, and not to an earlier one."""
    name = first_day_of(session, case)
    return name is None or name not in case.anchors or date.fromisoformat(case.anchors[name]) >= since
