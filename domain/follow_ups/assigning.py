"""Who accompanies a participant: assigning a worker, ending that, and finding one where there is none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import CompoundSelect, Date, bindparam, func, insert, tuple_, union_all
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.agreements import agreements
from domain.casework import BY_ITS_ACT, asking, assigning, complete_task
from domain.follow_ups import gate
from domain.follow_ups.locking import (
    LockedFollowUp,
    change_follow_up,
    lock_follow_up,
    refuse_unless_followed,
    write_follow_up_event,
)
from domain.kernel import (
    MATTER,
    Actor,
    Question,
    Refusal,
    among,
    as_said,
    built,
    changes,
    col,
    every,
    fact_of_matter,
    in_program,
    joins,
    last_day_of_matter,
    lasts,
    of,
    only,
    program_calendar,
    program_of,
    run,
    same,
    scalar,
    select,
    value_of,
)
from domain.mail import coordination_chain
from domain.participants import barred_workers
from domain.roles import DayTenures, HeldRole, Link, standing
from domain.terms import PRIMARY, ROLES, TO_ACCOMPANY, TO_TAKE_OVER, Circle, Shared, circle_of
from locales import N_, say
from models.casework import SETTLED, Case, Task
from models.departure import Departure
from models.follow_up import ASSIGNMENT_KINDS, Assignment, FollowUp
from models.program import Tenure

#: Whose last day is so near is leaving: a follow-up that begins now would change hands again before it has begun.
LEAVING: Final = timedelta(days=42)

#: The coordinator's task while an active follow-up has no worker, and how soon it is due.
FIND_A_WORKER: Final = "follow_up.assign"
DAYS_TO_ASSIGN: Final = 2
#: The coordinator's task where the second of a pair stays after all and could not be given their place again.
FIND_A_SECOND: Final = "follow_up.second"
#: What the committee asked the worker to come back on by a day: whoever takes over the follow-up owes it.
COME_BACK: Final = "committee.come_back"
_WORKER_WANTED: Final = N_("Find a worker for %(number)s")
_SECOND_WANTED: Final = N_("Second of the pair for %(number)s")


def assign_worker(
    session: Session,
    follow_up_id: UUID,
    person_id: UUID,
    *,
    kind: str = PRIMARY,
    instead_of: UUID | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> UUID:
    """Assign a follow-up to a worker from today on, as its primary worker or as the second of the pair; returns the id.

    Where another has that part, `instead_of` names the one who is replaced: of two who assign at once the second is
    told. Raises Refusal: inactive or completed; the part is another's; or the worker cannot be assigned one (`bar_to`):
    not in a role for it, absent, leaving, barred by the participant, not that far in their onboarding, of an
    organization whose agreement is not in force, or with which the participant does not agree to share.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at, seen=seen)
    if kind not in ASSIGNMENT_KINDS:
        raise Refusal("assignment.kind.malformed", N_("Say whether this is the primary worker or the second."))
    refuse_unless_followed(held)
    parts = on_day(session, held.day, follow_up_ids=[follow_up_id])
    has_it = {row.kind: row.person_id for row in parts}.get(kind)
    if has_it == person_id:
        raise Refusal("assignment.theirs_already", N_("This worker already has this part in the follow-up."))
    if has_it != instead_of:
        raise _taken()
    role = bar_to(session, held.participant_id, person_id, kind=kind, day=held.day)
    _make_room(session, held, parts, kind, person_id)
    assignment_id = _begin(session, held, role, kind)
    change_follow_up(session, held)
    write_follow_up_event(
        session,
        held,
        "follow_up.assigned",
        worker=str(person_id),
        organization=str(role.organization_id),
        kind=kind,
        instead_of=str(instead_of) if instead_of else None,
    )
    keep_vacancy(session, follow_up_id, by=by, at=at)
    if kind != PRIMARY:
        asking.answered(session, FIND_A_SECOND, follow_up_id, by=by, at=at)
    return assignment_id


def _make_room(session: Session, held: LockedFollowUp, parts: Iterable[Assignment], kind: str, person_id: UUID) -> None:
    """End the part that is given to a worker; who takes the other part leaves the one that they had."""
    for row in parts:
        if row.kind == kind or row.person_id == person_id:
            _end(session, held, row)


def _begin(session: Session, held: LockedFollowUp, role: HeldRole, kind: str) -> UUID:
    """Write that a worker has a part in a held follow-up from its day on, under one role of theirs. Raises Refusal."""
    assignment_id = uuid4()
    begun = insert(Assignment).values(
        program_id=program_of(session),
        id=assignment_id,
        follow_up_id=held.id,
        person_id=role.person_id,
        organization_id=role.organization_id,
        kind=kind,
        starts_on=held.day,
        assigned_at=held.at,
        assigned_by=held.by.person_id,
        assigned_as=held.by.role,
    )
    try:
        with session.begin_nested():
            run(session, begun)
    except IntegrityError:
        # A part that begins later stands in the way, which the rows of today do not show.
        raise _taken() from None
    return assignment_id


def _taken() -> Refusal:
    return Refusal(
        "assignment.taken",
        N_("Someone else was given this follow-up meanwhile, or left it. Nothing was saved; look at it again."),
    )


def give_again(session: Session, follow_up_id: UUID, person_id: UUID, *, kind: str, by: Actor, at: datetime) -> UUID:
    """Give a part that ended automatically back to a worker, by every rule of `assign`; its id. Raises Refusal
    likewise.

    The task that asked for a worker is cancelled.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    asked = _open_task(session, held.row.vacancy_task_id)
    if kind == PRIMARY and asked is not None:
        assigning.call_off(session, asked, by=by, at=at)
        change_follow_up(session, held, vacancy_task_id=None)
    return assign_worker(session, follow_up_id, person_id, kind=kind, by=by, at=at)


def ask_for_a_second(session: Session, follow_up_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the coordinator for a second of the pair, unless that is asked already. Assigning one completes the task.

    It can be completed without one too: not every participant is accompanied by two.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    asking.ask(
        session,
        FIND_A_SECOND,
        held.id,
        _SECOND_WANTED,
        chain=coordination_chain(session),
        working_days=DAYS_TO_ASSIGN,
        by=by,
        at=at,
        evidence="none",
        number=held.number,
    )


def end_part(
    session: Session, follow_up_id: UUID, person_id: UUID, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """End a worker's part in a follow-up after today; an active one without a primary worker is then a vacancy.

    Raises Refusal where they have no part.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at, seen=seen)
    mine = [row for row in on_day(session, held.day, follow_up_ids=[follow_up_id]) if row.person_id == person_id]
    if not mine:
        raise Refusal("assignment.unknown", N_("This worker has no part in this follow-up."))
    for row in mine:
        _end(session, held, row)
    change_follow_up(session, held)
    keep_vacancy(session, follow_up_id, by=by, at=at)


def part_with(session: Session, participant_id: UUID, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """End every part that a worker has, or is to have, in a participant's follow-up, since the participant bars them.

    An active follow-up without a worker from now on becomes a vacancy in the same transaction. Does nothing where they
    have no part.
    """
    parts = run(
        session,
        only(Assignment.id, Assignment.follow_up_id)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .where(
            FollowUp.participant_id == participant_id,
            Assignment.person_id == person_id,
            col(Assignment.withdrawn_at).is_(None),
        ),
    ).all()
    ids = {part.id for part in parts}
    for follow_up_id in sorted({part.follow_up_id for part in parts}):
        end_parts(session, follow_up_id, ids, by=by, at=at)


def end_parts(session: Session, follow_up_id: UUID, ids: Collection[UUID], *, by: Actor, at: datetime) -> None:
    """End those of these parts of a follow-up that are current or to come; one that ended stays as it is.

    An active follow-up without a worker from now on becomes a vacancy in the same transaction.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    # Read after it is locked: another may have ended them meanwhile.
    left = [
        row
        for row in parts_of(session, follow_up_id)
        if row.id in ids and (row.ends_on is None or row.ends_on >= held.day)
    ]
    for row in left:
        _end(session, held, row)
    if left:
        change_follow_up(session, held)
        keep_vacancy(session, follow_up_id, by=by, at=at)


def end_all(session: Session, follow_up_id: UUID, *, by: Actor, at: datetime) -> None:
    """End every worker's part in a follow-up that is over."""
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    for row in on_day(session, held.day, follow_up_ids=[follow_up_id]):
        _end(session, held, row)
    asking.no_more(session, FIND_A_SECOND, follow_up_id, by=by, at=at)


def bar_to(session: Session, participant_id: UUID, person_id: UUID, *, kind: str, day: date) -> HeldRole:
    """The role by which a worker can be assigned a follow-up on a local day. Raises Refusal where there is none.

    A worker with such a role at two organizations gets the one that nothing bars. The refusal tells no one why a
    participant barred a worker, nor since when. A worker of an organization that does not accompany the participant yet
    is assigned only where they agreed to share with it.
    """
    today = standing(session, day)
    roles = roles_for(today, person_id, kind)
    if not roles:
        coming = next((one for one in today.coming if one.person_id == person_id and one.role in ROLES[kind]), None)
        if coming is not None:
            raise Refusal(
                "assignment.not_yet",
                N_("This person is a youth worker of the program from %(day)s on: until then, choose another."),
                day=coming.starts_on.isoformat(),
            )
        raise Refusal("assignment.no_role", N_("This person is not a youth worker of the program today."))
    if today.is_away(person_id):
        raise Refusal("assignment.away", N_("This worker is absent today: choose one who can meet the participant."))
    refusals = []
    for held in roles:
        try:
            _bar_under(session, participant_id, held, today, kind)
        except Refusal as refusal:
            refusals.append(refusal)
        else:
            return held
    raise refusals[0]


def _bar_under(session: Session, participant_id: UUID, held: HeldRole, today: DayTenures, kind: str) -> None:
    """Refuse where a worker cannot be assigned a follow-up by this role of theirs. Raises Refusal."""
    person_id, day = held.person_id, today.day
    if is_leaving(session, held, day):
        raise Refusal("assignment.leaving", N_("This worker is leaving: choose one who stays for the participant."))
    if person_id in barred_workers(session, participant_id):
        raise Refusal("assignment.barred", N_("The participant has barred this worker from their file."))
    waits_for = gate.awaited(session, [person_id], today).get((person_id, held.organization_id))
    if waits_for:
        raise Refusal(
            "assignment.onboarding",
            N_(
                "This worker’s onboarding is not far enough for them to follow participants. Still to be done first: "
                "%(steps)s."
            ),
            source="ON-D01",
            steps={language: gate.listed(waits_for, language) for language in ("fr", "en")},
        )
    if agreements.version_in_force(session, held.organization_id, day) is None:
        raise Refusal(
            "assignment.no_agreement",
            N_(
                "The agreement of this worker’s organization is not in force today: no "
                "participant can be assigned to it."
            ),
            source="AG-IS",
        )
    circle = circle_of(session, participant_id, day)
    withheld = circle.withholds_from(held.organization_id, given_with(circle, held, kind), kind=kind)
    if withheld == "terms":
        raise Refusal(
            "assignment.not_shared",
            N_(
                "The agreement of this worker’s organization does not allow it to know who a "
                "participant is for a follow-up."
            ),
            source="AG-IS",
        )
    if withheld == "consent":
        raise Refusal(
            "assignment.not_agreed",
            N_(
                "The participant has not agreed to sharing with this worker’s organization. Ask "
                "for that consent first, or choose someone from another organization."
            ),
            source="AD-R11",
        )


def given_with(circle: Circle, held: HeldRole, kind: str = PRIMARY) -> Shared:
    """What is shared with a worker's organization: that of a hand-over, where another accompanies the participant."""
    is_handed_over = kind == PRIMARY and circle.homes and held.organization_id not in circle.homes
    return TO_TAKE_OVER if is_handed_over else TO_ACCOMPANY


def role_for(today: DayTenures, person_id: UUID, kind: str) -> HeldRole | None:
    """The role that lets a person have this part in a follow-up on the day: a youth worker's before another."""
    return next(iter(roles_for(today, person_id, kind)), None)


def roles_for(today: DayTenures, person_id: UUID, kind: str) -> list[HeldRole]:
    """Every such role of a person on the day, a youth worker's before another; organizations in a fixed order."""
    mine = [held for held in today.roles_of(person_id) if held.role in ROLES[kind]]
    return sorted(mine, key=lambda held: (ROLES[kind].index(held.role), str(held.organization_id)))


def is_leaving(session: Session, held: HeldRole, day: date) -> bool:
    """Whether a person's last day in a role is near, or a departure under way ends it."""
    return leaves(held, day, departing(session, [held.person_id]))


def leaves(held: HeldRole, day: date, leaving: Mapping[tuple[UUID, UUID], date]) -> bool:
    """As `is_leaving`, where the departures under way are known, as `departing` gives them.

    A departure says nothing of a role elsewhere, nor of one to which the person returned after its last day.
    """
    if held.ends_on is not None and held.ends_on - day <= LEAVING:
        return True
    last_day = leaving.get((held.person_id, held.organization_id))
    return last_day is not None and held.starts_on <= last_day


def departing(session: Session, people: Iterable[UUID]) -> Mapping[tuple[UUID, UUID], date]:
    """The organizations that those of `people` with a departure under way leave, each with their last day there."""
    rows = run(session, *asked_of_departing(people))
    return {(row.person_id, row.organization_id): row.last_day for row in rows}


def asked_of_departing(people: Iterable[UUID]) -> Question[CompoundSelect[UUID, UUID, date]]:
    """What `departing` asks."""
    return Question(_DEPARTING, {"leaving": list(people)})


#: Also those whose departure a restore lost, until it is decided.
_DEPARTING: Final = built(
    union_all(
        only(Departure.person_id, Departure.organization_id, Departure.last_day)
        .join(Case, joins(Departure.case_id, Case))
        .where(among(Departure.person_id, "leaving"), Case.state == "open"),
        only(Tenure.person_id, Tenure.organization_id, value_of(last_day_of_matter()))
        .join(MATTER, same(MATTER, Tenure) & (col(MATTER.person_id) == col(Tenure.person_id)))
        .where(
            among(Tenure.person_id, "leaving"),
            MATTER.kind == "departure",
            col(MATTER.decided_at).is_(None),
            func.coalesce(fact_of_matter("organization"), as_said(Tenure.organization_id))
            == as_said(Tenure.organization_id),
        ),
    )
)


def holds(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """The condition on `assignment` that it has the local `day`."""
    return and_(col(Assignment.withdrawn_at).is_(None), col(Assignment.starts_on) <= day, lasts(Assignment, day))


def on_day(
    session: Session, day: date, *, follow_up_ids: Iterable[UUID] | None = None, people: Iterable[UUID] | None = None
) -> list[Assignment]:
    """The parts that workers have in follow-ups on a local day, primary ones first."""
    return every(session, *asked_on_day(day, follow_up_ids=follow_up_ids, people=people))


def asked_on_day(
    day: date, *, follow_up_ids: Iterable[UUID] | None = None, people: Iterable[UUID] | None = None
) -> Question[SelectOfScalar[Assignment]]:
    """What `on_day` asks."""
    values: dict[str, object] = {"day": day}
    if follow_up_ids is not None:
        values["follow_ups"] = list(follow_up_ids)
    if people is not None:
        values["workers"] = list(people)
    return Question(_on_day("follow_ups" in values, "workers" in values), values)


@cache
def _on_day(of_follow_ups: bool, of_people: bool) -> SelectOfScalar[Assignment]:
    narrowed = [
        *([among(Assignment.follow_up_id, "follow_ups")] if of_follow_ups else []),
        *([among(Assignment.person_id, "workers")] if of_people else []),
    ]
    return built(
        of(Assignment)
        .where(holds(bindparam("day", type_=Date())), *narrowed)
        .order_by(col(Assignment.kind), col(Assignment.starts_on), col(Assignment.id))
    )


def parts_of(session: Session, follow_up_id: UUID) -> list[Assignment]:
    """Every part in a follow-up, the newest first, without those that were withdrawn."""
    return every(
        session,
        of(Assignment)
        .where(Assignment.follow_up_id == follow_up_id, col(Assignment.withdrawn_at).is_(None))
        .order_by(col(Assignment.starts_on).desc(), col(Assignment.kind), col(Assignment.id)),
    )


def had_it_last(session: Session, follow_up_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """By follow-up, the last primary worker, where there is none now."""
    rows = every(session, _HAD, {"follow_ups": list(follow_up_ids)})
    last = {row.follow_up_id: row for row in rows}
    return {follow_up_id: row.person_id for follow_up_id, row in last.items() if row.ended_at is not None}


_had, _later = aliased(Assignment), aliased(Assignment)


def had_last(person: ColumnElement[UUID]) -> SelectOfScalar[UUID]:
    """The follow-ups without a primary worker now whose last one was this person, as `had_it_last` finds them."""
    after = (
        select(_later.id)
        .where(
            same(_later, _had),
            _later.follow_up_id == _had.follow_up_id,
            _later.kind == PRIMARY,
            or_(
                col(_later.ended_at).is_(None),
                tuple_(col(_later.ended_at), col(_later.id)) > tuple_(col(_had.ended_at), col(_had.id)),
            ),
        )
        .correlate(_had)
        .exists()
    )
    mine = (in_program(_had), _had.person_id == person, _had.kind == PRIMARY, col(_had.ended_at).is_not(None))
    return select(_had.follow_up_id).where(*mine, ~after)


_HAD: Final = built(
    of(Assignment)
    .where(among(Assignment.follow_up_id, "follow_ups"), Assignment.kind == PRIMARY)
    .order_by(col(Assignment.ended_at).asc().nulls_last(), col(Assignment.id))
)


def is_vacant(session: Session, held: LockedFollowUp, today: DayTenures) -> bool:
    """Whether a follow-up is active without a primary worker in the program on the day."""
    if held.row.state != "active":
        return False
    primaries = [row for row in on_day(session, held.day, follow_up_ids=[held.id]) if row.kind == PRIMARY]
    return not any(role_for(today, row.person_id, PRIMARY) for row in primaries)


def keep_vacancy(session: Session, follow_up_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Ask the coordinator to find a worker while an active follow-up has none; the task is done when there is one.

    What the committee asked of its worker falls on the worker of today. Returns whether it is vacant. Repeating it
    changes nothing.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    chain = worker_chain(session, held)
    for row in asking.open_ones(session, COME_BACK, follow_up_id):
        if row.links[0].person != chain[0].person:
            assigning.fall_on(session, row.id, chain, by=by, at=at)
    vacant = is_vacant(session, held, standing(session, held.day))
    open_task = _open_task(session, held.row.vacancy_task_id)
    if vacant and open_task is None:
        due = program_calendar.calendar_of(session).add_working_days(held.day, DAYS_TO_ASSIGN)
        task_id = assigning.assign(
            session,
            FIND_A_WORKER,
            str(held.id),
            title_fr=say("fr", _WORKER_WANTED, number=held.number),
            title_en=say("en", _WORKER_WANTED, number=held.number),
            chain=coordination_chain(session),
            due_on=due,
            by=by,
            at=at,
            evidence=BY_ITS_ACT,
        )
        change_follow_up(session, held, vacancy_task_id=task_id)
        write_follow_up_event(session, held, "follow_up.vacant")
    elif not vacant and open_task is not None:
        if held.row.state == "active":
            complete_task(session, open_task, by=by, at=at, in_its_act=True)
        else:
            assigning.call_off(session, open_task, by=by, at=at)
        change_follow_up(session, held, vacancy_task_id=None)
    return vacant


def worker_chain(session: Session, held: LockedFollowUp) -> list[Link]:
    """The primary worker whom a follow-up has on the day, if any, and then the coordination."""
    parts = [part for part in on_day(session, held.day, follow_up_ids=[held.id]) if part.kind == PRIMARY]
    theirs = [Link("youth_worker", str(part.organization_id), person=part.person_id) for part in parts]
    return [*theirs, *coordination_chain(session)]


def _open_task(session: Session, task_id: UUID | None) -> UUID | None:
    if task_id is None:
        return None
    return scalar(session, only(Task.id).where(Task.id == task_id, col(Task.state).not_in([*SETTLED, "cancelled"])))


def _end(session: Session, held: LockedFollowUp, row: Assignment) -> None:
    """End a part: its last day was yesterday, so that the next worker has today. One that began today is withdrawn."""
    yesterday = held.day - timedelta(days=1)
    values = {"withdrawn_at": held.at} if row.starts_on > yesterday else {"ends_on": yesterday}
    run(
        session,
        changes(Assignment)
        .where(Assignment.id == row.id)
        .values(ended_at=held.at, ended_by=held.by.person_id, ended_as=held.by.role, **values),
    )
    write_follow_up_event(
        session,
        held,
        "follow_up.part_ended",
        worker=str(row.person_id),
        organization=str(row.organization_id),
        kind=row.kind,
    )
