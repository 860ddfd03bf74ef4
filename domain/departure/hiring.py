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

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_, select
from sqlmodel import Session

from domain.casework import assigning, cases, scheduling, tasks
from domain.casework.evidence import BY_ITS_ACT
from domain.casework.locking import Moved, hold
from domain.declared.reading import Bilingual
from domain.departure import interviews
from domain.holdings.roles import TENURE, called, tells_of
from domain.kernel import program_calendar
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, one, program_of
from domain.mail.notices import coordination_chain
from domain.people import people
from domain.record import events
from domain.roles.roles import never_began
from locales import N_, say, say_in_both
from models.base import refers, table_of
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

_tenure = table_of(Tenure)
_case = table_of(Case)
_event = table_of(Event)
_task = table_of(Task)
_settlement = table_of(Settlement)


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
    if held.task["step"] != NAMES_THEM or held.task["evidence"] != BY_ITS_ACT or held.case is None:
        raise Refusal("hiring.none", N_("This task is not for naming the person hired."))
    if (person_id is None) == (new is None):
        raise Refusal("person.missing", N_("Choose a person, or enter a new one: one of the two."))
    if by.is_one_of(person_id):
        raise Refusal("successor.oneself", N_("You cannot appoint yourself: ask someone else to name you."))
    # First, so that what is left of the procedure is said before anything about the person.
    moved = tasks.complete_task(session, task_id, by=by, at=at, in_its_act=True)
    interviews.refuse_unless_passes(session, held.case["id"], applicant)
    place: UUID = held.case["organization_id"]
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
        case_id=held.case["id"],
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
    here, item = program_of(session), str(organization_id)
    opened_at = session.scalar(
        select(_case.c.opened_at)
        .where(
            _case.c.program_id == here,
            _case.c.protocol == RECRUITING,
            _case.c.organization_id == organization_id,
            _case.c.state == "open",
        )
        .with_for_update()
    )
    asked_for = (
        select(_settlement.c.id)
        .join(_case, refers(_settlement.c.case_id, _case))
        .where(
            _settlement.c.program_id == here,
            _case.c.organization_id == organization_id,
            _settlement.c.ended_as == "recruiting",
            _settlement.c.settled_at >= opened_at,
        )
    )
    waited_for = select(_task.c.id).where(
        _task.c.program_id == here, _task.c.step == AFTERWARDS, _task.c.item == item, _task.c.done_at >= opened_at
    )
    if session.scalar(select(or_(asked_for.exists(), waited_for.exists()))):
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


def recruit_anew(session: Session, tenure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Ask the manager who follows, where an appointment was taken back just now that a closed case had come to.

    A recruiting that found them is over, and so is a departure that was closed since it named them: neither asks
    anybody. Not of who has been in the role since.
    """
    here, place = program_of(session), tenure["organization_id"]
    found = select(_event.c.n).where(
        _event.c.program_id == here,
        _event.c.subject_id == tenure["person_id"],
        _event.c.verb == "person.hired",
        _event.c.facts["role"].astext == tenure["role"],
        _event.c.facts["organization"].astext == str(place),
    )
    left = _tenure.alias("left_role")
    named = (
        select(_settlement.c.id)
        .join(_case, refers(_settlement.c.case_id, _case))
        .join(left, and_(left.c.program_id == here, left.c.id == _settlement.c.holding_id))
        .where(
            _settlement.c.program_id == here,
            _settlement.c.kind == TENURE,
            _settlement.c.successor_id == tenure["person_id"],
            left.c.role == tenure["role"],
            left.c.organization_id == place,
            _case.c.state == "closed",
        )
    )
    held = select(_tenure.c.id).where(
        _held_there(session, tenure["person_id"], tenure["role"], place),
        or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= local_day(session, at)),
    )
    if session.scalar(select(and_(or_(found.exists(), named.exists()), ~held.exists()))):
        _ask_who_follows(session, tenure["id"], by=by, at=at)


def recruit_once_cancelled(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the manager who follows in each role for which a departure had somebody be looked for, by this recruiting.

    It was cancelled. Not where somebody was given the role since.
    """
    here = program_of(session)
    left, given = _tenure.alias("left_role"), _tenure.alias("given")
    recruits, departs = _case.alias("recruits"), _case.alias("departs")
    follows = (
        select(given.c.id)
        .where(
            given.c.program_id == left.c.program_id,
            given.c.role == left.c.role,
            given.c.organization_id == left.c.organization_id,
            given.c.person_id != left.c.person_id,
            given.c.taken_back_at.is_(None),
            given.c.starts_on > func.coalesce(left.c.ends_on, date.max),
        )
        .exists()
    )
    rows = session.scalars(
        select(left.c.id)
        .join(_settlement, and_(_settlement.c.program_id == left.c.program_id, _settlement.c.holding_id == left.c.id))
        .join(departs, refers(_settlement.c.case_id, departs))
        .join(
            recruits,
            and_(
                recruits.c.program_id == departs.c.program_id,
                recruits.c.organization_id == departs.c.organization_id,
                recruits.c.opened_at <= _settlement.c.settled_at,
            ),
        )
        .where(
            left.c.program_id == here,
            recruits.c.id == case_id,
            _settlement.c.kind == TENURE,
            _settlement.c.ended_as == RECRUITING,
            departs.c.state != "cancelled",
            ~follows,
        )
        .order_by(left.c.id)
    )
    for tenure_id in rows.all():
        _ask_who_follows(session, tenure_id, by=by, at=at)


cases.when_cancelled(RECRUITING, together=lambda _session, _case_id: (), do=recruit_once_cancelled)


def _ask_who_follows(session: Session, tenure_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the manager who follows in a role, once: not where that is asked of this role there already."""
    here = program_of(session)
    row = one(session, select(_tenure).where(_tenure.c.program_id == here, _tenure.c.id == tenure_id))
    assert row is not None  # noqa: S101 - it was read a moment ago
    post = f"{row['organization_id']} {row['role']}"
    asked = select(_task.c.id).where(
        _task.c.program_id == here, _task.c.step == ANEW, _task.c.item == post, _task.c.state == "open"
    )
    if session.scalar(asked.limit(1)) is not None:
        return
    title = called(session, tenure_id)
    assigning.assign(
        session,
        ANEW,
        post,
        title_fr=say("fr", _ANEW, role=title.fr),
        title_en=say("en", _ANEW, role=title.en),
        chain=[{"role": "manager", "at": str(row["organization_id"])}, *coordination_chain(session)],
        due_on=program_calendar.calendar_of(session).add_working_days(local_day(session, at), DAYS_TO_NAME),
        by=by,
        at=at,
        sources=["DP-01"],
    )


_ANEW = N_("Name a successor, or recruit again: %(role)s")


def see_who_follows(session: Session, *, by: Actor, at: datetime) -> int:
    """Call off what the manager is asked by `ANEW` of a role that was given to somebody since; how many."""
    here = program_of(session)
    given = (
        select(_event.c.n)
        .join(_tenure, tells_of(_tenure, "tenure.started"))
        .where(
            _event.c.program_id == here,
            _event.c.at > _task.c.opened_at,
            cast(_tenure.c.organization_id, Text) + " " + _tenure.c.role == _task.c.item,
            _tenure.c.taken_back_at.is_(None),
        )
        .exists()
    )
    asked = select(_task.c.id).where(_task.c.program_id == here, _task.c.step == ANEW, _task.c.state == "open", given)
    tasks_ids = session.scalars(asked.order_by(_task.c.id)).all()
    for task_id in tasks_ids:
        assigning.call_off(session, task_id, by=by, at=at)
    return len(tasks_ids)


def welcome_who_was_given_anew(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Reopen what welcomed those whom a departure named, and whose appointment was taken back and given anew."""
    here = program_of(session)
    gone, again = _tenure.alias("gone"), _tenure.alias("again")
    rows = session.execute(
        select(gone.c.person_id, gone.c.organization_id, gone.c.taken_back_at)
        .join(_settlement, and_(_settlement.c.program_id == gone.c.program_id, _settlement.c.kind == TENURE))
        .join(
            again,
            and_(
                again.c.program_id == gone.c.program_id,
                again.c.person_id == gone.c.person_id,
                again.c.role == gone.c.role,
                again.c.organization_id == gone.c.organization_id,
            ),
        )
        .where(
            gone.c.program_id == here,
            _settlement.c.case_id == case_id,
            _settlement.c.successor_id == gone.c.person_id,
            gone.c.taken_back_at >= _settlement.c.settled_at,
            again.c.taken_back_at.is_(None),
            or_(again.c.ends_on.is_(None), again.c.ends_on >= local_day(session, at)),
        )
        .distinct()
    )
    for row in rows.all():
        welcome_again(session, row.person_id, row.organization_id, ended_at=row.taken_back_at, by=by, at=at)


def _recruit_for_the_next(session: Session, organization_id: UUID, *, by: Actor, at: datetime) -> None:
    """Where a recruiting is over and another role waited for that: open the next one."""
    waits = session.scalar(
        select(_task.c.id)
        .where(
            _task.c.program_id == program_of(session),
            _task.c.step == AFTERWARDS,
            _task.c.item == str(organization_id),
            _task.c.state == "open",
        )
        .order_by(_task.c.opened_at, _task.c.id)
        .limit(1)
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
    held = one(
        session,
        select(_tenure.c.starts_on)
        .where(
            _held_there(session, person_id, role, organization_id),
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= starts_on),
        )
        .order_by(_tenure.c.starts_on)
        .limit(1),
    )
    if held is None:
        people.appoint(
            session,
            person_id=person_id,
            role=role,
            organization_id=organization_id,
            starts_on=starts_on,
            by=by,
            at=at,
        )
    welcome = WELCOMED.get(role)
    is_new = held is None or recruited or held["starts_on"] >= local_day(session, at)
    if welcome is None or not is_new:
        return None
    since = _there_since(session, person_id, role, organization_id, starts_on if held is None else held["starts_on"])
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
        again = session.scalar(
            select(_tenure.c.starts_on)
            .where(
                _held_there(session, person_id, role, organization_id),
                or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= local_day(session, at)),
            )
            .order_by(_tenure.c.starts_on)
            .limit(1)
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
        if case["ended_at"] == ended_at:
            with suppress(Refusal), session.begin_nested():
                cases.reopen_case(session, case["id"], by=by, at=at, reason=reason)


_STAYS = N_("This person stays after all: their onboarding continues.")


def welcoming(session: Session, person_id: UUID, organization_id: UUID) -> list[UUID]:
    """The open cases that welcome somebody at an organization."""
    found = _welcomes(session, WELCOMED.values(), person_id, organization_id, states=["open"])
    return [case["id"] for case in found]


def welcomed(session: Session, person_id: UUID, organization_id: UUID) -> list[UUID]:
    """The cases that welcome somebody at an organization or did, whatever became of them."""
    states = ["open", "closed", "cancelled"]
    found = _welcomes(session, WELCOMED.values(), person_id, organization_id, states=states)
    return [case["id"] for case in found]


def first_day_of(session: Session, case: Mapping[str, Any]) -> str | None:
    """The name of a welcoming case's day that is the first of the role; None where its protocol has none."""
    anchors = scheduling.pinned_protocol(session, case["protocol_version_id"]).anchors
    return next((name for name, declared in anchors.items() if declared.from_ == "worker.starts_on"), None)


def _held_there(session: Session, person_id: UUID, role: str, organization_id: UUID) -> ColumnElement[bool]:
    """The condition on a role that somebody holds, held or is to hold it at an organization."""
    return and_(
        _tenure.c.program_id == program_of(session),
        _tenure.c.person_id == person_id,
        _tenure.c.role == role,
        _tenure.c.organization_id == organization_id,
        ~never_began(),
    )


def _there_since(session: Session, person_id: UUID, role: str, organization_id: UUID, day: date) -> date:
    """The first day of somebody's stay in a role that `day` is one of: terms without a day between them are one."""
    terms = many(
        session,
        select(_tenure.c.starts_on, _tenure.c.ends_on)
        .where(_held_there(session, person_id, role, organization_id), _tenure.c.starts_on <= day)
        .order_by(_tenure.c.starts_on.desc()),
    )
    since = day
    for term in terms:
        if term["ends_on"] is not None and term["ends_on"] < since - timedelta(days=1):
            break
        since = min(since, term["starts_on"])
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
        cases.cancel_case(session, case["id"], by=by, at=at, reason=reason)
    return bool(over)


_STAY_OVER = N_("This person’s time in the role is over. If they come back, a new onboarding begins.")


def _welcomed_by(
    session: Session, protocol: str, person_id: UUID, organization_id: UUID, since: date, *, anew: bool
) -> UUID | None:
    """The case that welcomes somebody to their stay there, or did; of one who begins `anew`, only while it is open."""
    states = ["open"] if anew else ["open", "closed"]
    found = _welcomes(session, [protocol], person_id, organization_id, states=states)
    return next((case["id"] for case in found if _is_of_stay(session, case, since)), None)


def _welcomes(
    session: Session, protocols: Collection[str], person_id: UUID, organization_id: UUID, *, states: list[str]
) -> list[dict[str, Any]]:
    """The cases in these states that welcome somebody there, or did, the latest first."""
    return many(
        session,
        select(_case)
        .where(
            _case.c.program_id == program_of(session),
            _case.c.protocol.in_(list(protocols)),
            _case.c.subject_id == person_id,
            _case.c.organization_id == organization_id,
            _case.c.state.in_(states),
        )
        .order_by(_case.c.opened_at.desc()),
    )


def _is_of_stay(session: Session, case: Mapping[str, Any], since: date) -> bool:
    """Whether a case welcomes somebody to the stay that began on a day, and not to an earlier one."""
    name = first_day_of(session, case)
    return name is None or name not in case["anchors"] or date.fromisoformat(case["anchors"][name]) >= since
