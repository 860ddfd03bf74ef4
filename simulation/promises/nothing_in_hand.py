"""Nobody leaves with anything in hand: departures, what is left of them, and on whom what waits falls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, text
from sqlmodel import Session, and_

from domain.casework import board, vacancies
from domain.departure import taking_tasks, unopened
from domain.follow_ups import FIND_A_SECOND, FIND_A_WORKER
from domain.kernel import SHAPE, also, col, every, local_day, of, program_of, run, same, scalar, surely
from domain.roles import DayTenures, Falls, Link, may_act_as, may_write_of_participants, standing
from models.casework import Responsibility, Task
from simulation.promises import promise, shared, since

#: A role as its row says it, left out where it was taken back or a departure ended it before its first day.
_HELD = """
    select t.person_id, t.organization_id, t.role, t.starts_on, t.ends_on from tenure t
    where t.program_id = :here and t.taken_back_at is null and not (t.starts_on = t.ends_on and exists (
        select 1 from departure d where d.program_id = t.program_id and d.person_id = t.person_id
        and d.organization_id = t.organization_id and d.last_day < t.starts_on and d.was_to_end ? t.id::text))
"""

#: What is in somebody's hands by name, whatever role they hold: each with the person, what it is, and its id.
_BY_NAME = """
    select person_id, 'loan' as what, id from loan where program_id = :here and returned_at is null
    union all select person_id, 'account', id from account where program_id = :here and closed_at is null
    union all select a.person_id, 'assignment', a.id from assignment a
        join follow_up f on f.program_id = a.program_id and f.id = a.follow_up_id
        where a.program_id = :here and a.withdrawn_at is null and a.ended_at is null and f.state <> 'completed'
        and (a.ends_on is null or a.ends_on >= :today)
    union all select worker_id, 'candidate', id from candidate_worker where program_id = :here and ended_at is null
    union all select second_id, 'candidate', id from candidate_worker
        where program_id = :here and ended_at is null and second_id is not null
    union all select referred_by, 'referral', id from referral
        where program_id = :here and state = 'draft' and left_at is null and referred_by is not null
    union all select person_id, 'seat_holder', id from seat_holder
        where program_id = :here and withdrawn_at is null and (ends_on is null or ends_on >= :today)
    union all select written_by, 'weekly_note', id from weekly_note where program_id = :here and not is_complete
    union all select deputy_id, 'absence', id from absence
        where program_id = :here and cancelled_at is null and ends_on >= :today and deputy_id is not null
    union all select to_id, 'hand_over', id from hand_over where program_id = :here and state = 'proposed'
"""

_LEFT_WITH_SOMETHING = text(
    f"""
    with held as ({_HELD}), in_hand as ({_BY_NAME})
    select i.what, i.id from in_hand i
    where exists (select 1 from held h where h.person_id = i.person_id)
    and not exists (select 1 from held h where h.person_id = i.person_id
        and (h.ends_on is null or h.ends_on >= :today))
    and not exists (select 1 from "case" c where c.program_id = :here and c.subject_id = i.person_id
        and c.gathers and c.state = 'open')
    and not exists (select 1 from settlement s where s.program_id = :here and s.holding_id = i.id and s.ended_as <> ''
        and i.what in ('weekly_note', 'absence'))
    order by 1, 2
    """  # noqa: S608 - of constants alone
)

_STAYED_WITHOUT_A_ROLE = text(
    f"""
    with held as ({_HELD})
    select d.id from departure d join "case" c on c.program_id = d.program_id and c.id = d.case_id
    where d.program_id = :here and d.called_off_at is not null and c.state = 'cancelled'
    and not exists (select 1 from held h where h.person_id = d.person_id and h.organization_id = d.organization_id
        and (h.ends_on is null or h.ends_on > (d.called_off_at at time zone :zone)::date + :notice))
    and not exists (select 1 from departure n join "case" o on o.program_id = n.program_id and o.id = n.case_id
        where n.program_id = d.program_id and n.person_id = d.person_id and n.organization_id = d.organization_id
        and o.opened_at > d.called_off_at)
    order by 1
    """  # noqa: S608 - of constants alone
)

_CANCELLED_AND_GOES_ON = text(
    """
    select d.id from departure d join "case" c on c.program_id = d.program_id and c.id = d.case_id
    where d.program_id = :here and c.state = 'cancelled' and d.called_off_at is null order by 1
    """
)

_OWN_CANCELLING = text(
    """
    select id from "case" where program_id = :here and gathers and state = 'cancelled' and ended_by = subject_id
    order by 1
    """
)

_ASKED_OF_WHO_LEFT = text(
    """
    select r.id from referral r where r.program_id = :here and r.state = 'draft' and r.left_at is not null
    and not exists (select 1 from task t
        join responsibility o on o.program_id = t.program_id and o.id = t.owed_by_id
        where t.program_id = r.program_id and t.step = 'referral.unfinished'
        and t.item = r.id::text and t.state = 'open' and o.links->0->>'role' = 'coordinator')
    order by 1
    """
)

_KEPT_FROM_WHO_STAYED = text(
    """
    select r.id from referral r
    join settlement s on s.program_id = r.program_id and s.kind = 'draft' and s.holding_id = r.id
    join departure d on d.program_id = s.program_id and d.case_id = s.case_id and d.person_id = r.referred_by
    where r.program_id = :here and r.state = 'draft' and r.left_at < d.called_off_at
    and exists (select 1 from tenure t where t.program_id = d.program_id and t.person_id = d.person_id
        and t.starts_on <= (d.called_off_at at time zone :zone)::date
        and (t.ends_on is null or t.ends_on >= (d.called_off_at at time zone :zone)::date))
    order by 1
    """
)

_PASSED_ON = text(
    """
    with by_name as materialized (
        select t.id, t.program_id, o.links->0->>'person' as person from task t
        join responsibility o on o.program_id = t.program_id
            and o.id = case t.state when 'submitted' then t.approved_by_id else t.owed_by_id end
        where t.program_id = :here and t.state in ('open', 'submitted') and o.links->0 ? 'person')
    select t.id, e.facts->>'person' as person, e.facts->>'role' as role, e.facts->>'place' as place
    from by_name t join event e on e.program_id = t.program_id and e.subject_id = t.id
    where e.verb = 'task.passed_on' and e.facts ? 'role' and t.person = e.facts->>'person'
    order by t.id
    """
)


_FOLLOWS_IN_A_ROLE = text(
    """
    select s.id, left_role.role, array(
        select theirs.role from tenure theirs where theirs.program_id = s.program_id
        and theirs.person_id = s.successor_id and not exists (
            select 1 from event e where e.program_id = s.program_id and e.verb = 'tenure.started'
            and e.subject_id = s.successor_id and e.at = s.settled_at and e.facts->>'role' = theirs.role
            and e.facts->>'organization' = left_role.organization_id::text
            and theirs.organization_id = left_role.organization_id)) as held
    from settlement s join tenure left_role on left_role.program_id = s.program_id and left_role.id = s.holding_id
    where s.program_id = :here and s.kind = 'tenure' and s.successor_id is not null and s.settled_at >= :since
    order by s.id
    """
)

_ENTERED_LATE = text(
    """
    with record as (select (min(at) at time zone :zone)::date as began from event where program_id = :here)
    select e.subject_id as id from event e, record
    where e.program_id = :here and e.verb = 'tenure.started' and e.actor_as <> 'loader'
    and greatest((e.facts->>'starts_on')::date, record.began) < (e.at at time zone :zone)::date
    and exists (select 1 from tenure t where t.program_id = e.program_id and t.person_id = e.subject_id
        and t.role = e.facts->>'role' and t.organization_id::text = e.facts->>'organization'
        and t.starts_on <= (e.facts->>'starts_on')::date)
    and not exists (select 1 from tenure t, unnest(t.entered_late) as kept
        where t.program_id = e.program_id and t.person_id = e.subject_id
        and t.role = e.facts->>'role' and t.organization_id::text = e.facts->>'organization'
        and split_part(kept, '/', 1)::date <= greatest((e.facts->>'starts_on')::date, record.began))
    order by 1
    """
)

_TAKEN_AND_NOBODYS = text(
    """
    select h.id from departure d join seat_holder h on h.program_id = d.program_id and h.person_id = d.person_id
    join seat on seat.program_id = h.program_id and seat.id = h.seat_id and seat.organization_id = d.organization_id
    where d.program_id = :here and d.called_off_at is not null and h.kind = 'principal' and h.withdrawn_at is null
    and h.ends_on = d.last_day
    and (
        select e.facts->>'ends_on' = d.last_day::text and e.at < d.called_off_at
            and coalesce((e.facts->>'was')::date >= (d.called_off_at at time zone :zone)::date, true)
        from event e where e.program_id = h.program_id and e.verb = 'seat.left' and e.subject_id = h.seat_id
        and e.facts->>'person' = h.person_id::text order by e.n desc limit 1)
    and not exists (select 1 from seat_holder other where other.program_id = h.program_id
        and other.seat_id = h.seat_id and other.id <> h.id and other.kind = 'principal'
        and (other.ends_on is null or other.ends_on > d.last_day))
    order by 1
    """
)

_PART_OF_NOBODY = text(
    """
    select a.id from departure d join assignment a on a.program_id = d.program_id and a.person_id = d.person_id
        and a.organization_id = d.organization_id
    join follow_up f on f.program_id = a.program_id and f.id = a.follow_up_id
    where d.program_id = :here and d.called_off_at is not null and f.state in ('active', 'on_break')
    and f.state_at < d.called_off_at and a.ended_at <= d.called_off_at
    and exists (select 1 from event e where e.program_id = d.program_id and e.case_id = d.case_id
        and e.verb = 'departure.last_day_over' and e.at = a.ended_at)
    and not exists (select 1 from assignment since where since.program_id = a.program_id
        and since.follow_up_id = a.follow_up_id and since.id <> a.id and since.assigned_at >= a.ended_at
        and (since.kind = a.kind or since.person_id = a.person_id))
    and not (a.kind = 'primary' and f.state = 'on_break')
    and not exists (select 1 from task t where t.program_id = a.program_id and t.item = a.follow_up_id::text
        and t.step = case a.kind when 'primary' then :find_worker else :find_second end
        and t.state <> 'cancelled' and t.opened_at >= a.ended_at)
    order by 1
    """
)


def _rows(session: Session, statement: Any, at: datetime, **more: Any) -> Sequence[Row[*tuple[Any, ...]]]:
    here = {"here": program_of(session), "today": local_day(session, at)}
    asked = {name: value for name, value in {**here, **more}.items() if f":{name}" in statement.text}
    return run(session, statement.bindparams(**asked)).all()


@promise("Whoever holds no role any more and has something in hand by name has an open departure.")
def _nobody_left_with_something(session: Session, at: datetime) -> Iterable[str]:
    return [f"{row.what} {row.id}" for row in _rows(session, _LEFT_WITH_SOMETHING, at)]


@promise("Whose departure was called off held a role there beyond the notice, or leaves by another departure.")
def _nobody_stayed_outside(session: Session, at: datetime) -> Iterable[str]:
    rows = _rows(session, _STAYED_WITHOUT_A_ROLE, at, zone=_zone(session), notice=unopened.NOTICE.days)
    return [f"departure {row.id}" for row in rows]


@promise("A departure whose case was cancelled is called off with it.")
def _cancelled_is_called_off(session: Session, at: datetime) -> Iterable[str]:
    return [f"departure {row.id}" for row in _rows(session, _CANCELLED_AND_GOES_ON, at)]


@promise("Nobody cancelled their own departure.")
def _nobody_cancelled_their_own(session: Session, at: datetime) -> Iterable[str]:
    return [f"case {row.id}" for row in _rows(session, _OWN_CANCELLING, at)]


@promise("A referral that somebody who left had begun is asked of whoever coordinates until it is sent or destroyed.")
def _what_was_begun_is_asked(session: Session, at: datetime) -> Iterable[str]:
    return [f"referral {row.id}" for row in _rows(session, _ASKED_OF_WHO_LEFT, at)]


@promise("A draft of a referral is its author's again where their departure was called off.")
def _drafts_are_given_back(session: Session, at: datetime) -> Iterable[str]:
    return [f"referral {row.id}" for row in _rows(session, _KEPT_FROM_WHO_STAYED, at, zone=_zone(session))]


@promise("A task that somebody took over from who leaves can be done by them.")
def _what_was_taken_can_be_done(session: Session, at: datetime) -> Iterable[str]:
    """As far as the rows tell by now: they hold a role that may do it. Of a worker, whose file it is changes by day."""
    today = shared(session, todays_roles, at)
    for row in _rows(session, _PASSED_ON, at):
        person = UUID(row.person)
        held = {one.role for one in today.roles_of(person)}
        task = taking_tasks.read(session, row.id)
        if not held or task is None:
            continue  # it falls to the next of its chain
        chain = [Link(row.role, row.place)]
        wanted = taking_tasks.wanted_of(session, task, chain, approval=task.state == "submitted")
        assert wanted is not None  # noqa: S101 - the chain has a link
        by_role = any(one.person_id == person for link in wanted.links for one in today.tenures_of(link))
        if not by_role and not (wanted.files and may_act_as(wanted.role, held)):
            yield f"task {row.id}"


@promise("Who follows in a role held it, or one to which the same things are open, before somebody named them.")
def _followers_are_fit(session: Session, at: datetime) -> Iterable[str]:
    rows = _rows(session, _FOLLOWS_IN_A_ROLE, at, since=since(session, at))
    return [f"settlement {row.id}" for row in rows if not may_act_as(row.role, row.held)]


@promise("Days in a role that were over when somebody entered them are kept as entered late.", stays=True)
def _late_entries_are_kept(session: Session, at: datetime) -> Iterable[str]:
    rows = _rows(session, _ENTERED_LATE, at, zone=_zone(session))
    return [f"person {row.id}" for row in rows]


@promise("A seat that a departure took is theirs again who stays after all, or another's.")
def _seats_are_given_back(session: Session, at: datetime) -> Iterable[str]:
    return [f"seat_holder {row.id}" for row in _rows(session, _TAKEN_AND_NOBODYS, at, zone=_zone(session))]


@promise("A part in a follow-up that a departure ended is theirs again who stays, another's, or is asked for.")
def _parts_are_given_back(session: Session, at: datetime) -> Iterable[str]:
    rows = _rows(session, _PART_OF_NOBODY, at, find_worker=FIND_A_WORKER, find_second=FIND_A_SECOND)
    return [f"assignment {row.id}" for row in rows]


@promise("What falls to somebody for who is away is open to a role that they hold.")
def _deputies_are_fit(session: Session, at: datetime) -> Iterable[str]:
    today = shared(session, todays_roles, at)
    for task, falls in shared(session, live_tasks, at):
        for holder in falls.holders:
            held = {one.role for one in today.roles_of(holder.person_id)}
            if holder.acting_for is not None and not may_act_as(holder.role, held):
                yield f"task {task.id}"


@promise("A note of a participant is asked of nobody to whom what is written of participants is not open.")
def _notes_are_asked_of_who_may_write(session: Session, at: datetime) -> Iterable[str]:
    today = shared(session, todays_roles, at)
    for task, falls in shared(session, live_tasks, at):
        if task.step not in ("follow_up.note", "complete_notes", "finish_note", "write_summary"):
            continue
        for holder in falls.holders:
            if not may_write_of_participants({one.role for one in today.roles_of(holder.person_id)}):
                yield f"task {task.id}"


@promise("No approval waits on nobody while the chain that may give it has somebody who is not barred.")
def _approvals_go_on(session: Session, at: datetime) -> Iterable[str]:
    today = shared(session, todays_roles, at)
    for task, falls in shared(session, live_tasks, at):
        if task.state != "submitted" or falls.holders:
            continue
        barred = {task.done_by, task.done_for}
        for link in task.may_not_approve:
            barred |= {held.person_id for held in today.tenures_of(link)}
        for link in task.links:
            there = [held.person_id for held in today.tenures_of(link) if not today.is_away(held.person_id)]
            if set(there) - barred:
                yield f"task {task.id}"
                break


@promise("What is due once somebody begins waits for them, and falls to nobody else before.")
def _steps_wait_by_name(session: Session, at: datetime) -> Iterable[str]:
    today = shared(session, todays_roles, at)
    for task, falls in shared(session, live_tasks, at):
        if task.state != "open" or not task.links:
            continue
        first = task.links[0]
        if today.tenures_of(first):
            continue
        begins = [
            held.starts_on
            for held in today.coming
            if held.role == first.role
            and first.at in ("*", str(held.organization_id))
            and first.person in (None, held.person_id)
        ]
        if begins and (task.due_on is None or min(begins) <= task.due_on) and falls.holders:
            yield f"task {task.id}"


@promise("An appointment is taken back before it begins, and ends before it.", stays=True)
def _taken_back_before_it_begins(session: Session, at: datetime) -> Iterable[str]:
    found = text(
        "select id from tenure where program_id = :here and taken_back_at is not null"
        " and ((taken_back_at at time zone :zone)::date >= starts_on or ends_on >= starts_on)"
    )
    return [f"tenure {row.id}" for row in _rows(session, found, at, zone=_zone(session))]


@promise("A role for which somebody is appointed from a later day on is not vacant.")
def _to_come_is_not_vacant(session: Session, at: datetime) -> Iterable[str]:
    today = shared(session, todays_roles, at)
    vacant = {(one.role, one.organization_id) for one in shared(session, vacant_places, at) if one.kind == "role"}
    for held in today.coming:
        place = (held.role, held.organization_id)
        wanted = [one for one in today.coming if (one.role, one.organization_id) == place]
        if (
            place in vacant
            and not today.holding(*place)
            and len({one.person_id for one in wanted}) >= _wanted(session, *place)
        ):
            yield f"tenure {held.id}"


class _Live(Task):
    """A task that waits on somebody, with its chain."""

    model_config = SHAPE
    links: list[Link] = also(Responsibility.links)


def todays_roles(session: Session, at: datetime) -> DayTenures:
    """Who holds which role on the day of a moment."""
    return standing(session, local_day(session, at))


def vacant_places(session: Session, at: datetime) -> list[vacancies.Vacancy]:
    """The roles and seats that are vacant on the day of a moment."""
    return vacancies.find(session, shared(session, todays_roles, at))


def live_tasks(session: Session, at: datetime) -> list[tuple[_Live, Falls]]:
    """Every task that waits on somebody, and on whom it falls."""
    today = shared(session, todays_roles, at)
    owner = case((col(Task.state) == "submitted", col(Task.approved_by_id)), else_=col(Task.owed_by_id))
    rows = every(
        session,
        of(_Live)
        .join(Responsibility, and_(same(Responsibility, Task), Responsibility.id == owner))
        .where(col(Task.state).in_(["open", "submitted"]))
        .order_by(col(Task.id)),
    )
    chains = {surely(row.approved_by_id if row.state == "submitted" else row.owed_by_id): row.links for row in rows}
    return [(row, board.who_has(today, row, chains)) for row in rows]


def _wanted(session: Session, role: str, organization_id: Any) -> int:
    """How many people agreements promise for a role at an organization, at most."""
    found = scalar(
        session,
        text(
            "select max(r.headcount) from agreement_role r"
            " join agreement_version v on v.program_id = r.program_id and v.id = r.agreement_version_id"
            " join agreement a on a.program_id = v.program_id and a.id = v.agreement_id"
            " where r.program_id = :here and r.role = :role and a.organization_id = :place"
        ),
        {"here": program_of(session), "role": role, "place": organization_id},
    )
    return found or 1


def _zone(session: Session) -> str:
    found: str = scalar(session, text("select time_zone from program where id = :here"), {"here": program_of(session)})
    return found
