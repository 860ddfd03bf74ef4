"""Cases whose steps are done for each thing that a person has in hand: what comes into their hands joins the list.

Such a case asks for a thing until somebody says who has it or how it ends. Where the thing is out of their hands by
itself, as a task that they finished, its step is settled by itself, and asked again once it is back in them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Text, cast, func, insert
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, not_, or_

from domain.casework import cases, evidence, scheduling, versions, words
from domain.casework import locking as held_tasks
from domain.casework.anew import keep_missed
from domain.casework.lateness import is_this, keep_lateness
from domain.casework.locked_case import hold_case
from domain.casework.locking import Held, change, of_case, settle
from domain.casework.steps import columns_of, instance_of, tie
from domain.holdings.candidates import DRAFT
from domain.holdings.follow_ups import FOLLOW_UP
from domain.holdings.holding import Holding
from domain.holdings.in_hand import KINDS, holdings_of
from domain.holdings.roles import TENURE
from domain.holdings.seats import DEPUTIZING, SEAT
from domain.holdings.things import ACCOUNT
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import (
    col,
    every,
    first,
    in_program,
    joins,
    of,
    only,
    run,
    same,
    scalars,
    select,
    surely,
    tuples,
)
from domain.kernel.scope import local_day, program_of
from domain.record import events
from locales import N_
from models.casework import Case, Task
from models.committee import SeatHolder
from models.departure import Departure, Settlement
from models.follow_up import Assignment, FollowUp
from models.lifecycles import TASK
from models.program import LANGUAGES, Tenure
from models.record import Event

#: How a thing ended that nobody had to see to.
BY_ITSELF: Final = "by_itself"
#: The kinds that the person has until their last day, whoever is named to have them after it.
_ON_THE_LAST_DAY: Final = (TENURE, SEAT, DEPUTIZING)


def in_hand(session: Session, case: Case, at: datetime, *, kinds: Collection[str] = tuple(KINDS)) -> list[Holding]:
    """What the person of such a case has in hand: today, or on their last day once that is past."""
    departure = departure_of(session, case.id)
    if departure is None:
        return holdings_of(session, surely(case.subject_id), surely(case.organization_id), at, kinds=kinds)
    return holdings_of(
        session,
        departure.person_id,
        departure.organization_id,
        at,
        kinds=kinds,
        last_day=departure.last_day,
        known_on=local_day(session, case.opened_at),
        roles_left=_roles_left(session, departure),
    )


def _roles_left(session: Session, departure: Departure) -> frozenset[UUID]:
    """The roles that a departure is about, whenever they ended; without those settled in another that holds."""
    mine = [UUID(role) for role in departure.was_to_end]
    settled = scalars(
        session,
        only(Settlement.holding_id)
        .join(Departure, _of_its_departure())
        .where(
            Settlement.case_id != departure.case_id,
            Settlement.kind == TENURE,
            col(Settlement.holding_id).in_(mine),
            col(Departure.called_off_at).is_(None),
        ),
    )
    return frozenset(mine) - frozenset(settled)


def _of_its_departure() -> ColumnElement[bool]:
    return and_(same(Departure, Settlement), Departure.case_id == Settlement.case_id)


def left(session: Session, case: Case, at: datetime) -> list[Holding]:
    """What is in hand that neither goes to somebody by itself nor was settled by somebody in this case."""
    settled = settled_in(session, case.id)
    return [one for one in in_hand(session, case, at) if not one.goes_to and (one.kind, one.id) not in settled]


def settled_in(session: Session, case_id: UUID) -> set[tuple[str, UUID]]:
    """What somebody settled in a case, by kind and id. What only came to rest by itself counts as long as it rests.

    Nor does it count any more that somebody follows in a role where their appointment was taken back since.
    What was out of the person's hands at once, before the departure was called off, counts no more: whoever stayed may
    have it again. What is settled for the day after the last one holds when the departure is taken up again.
    """
    called_off = (
        select(func.max(col(Event.at)))
        .where(in_program(Event), Event.case_id == case_id, Event.verb == "departure.called_off")
        .scalar_subquery()
    )
    at_once = and_(
        col(Settlement.kind).not_in(_ON_THE_LAST_DAY),
        or_(col(Settlement.successor_id).is_not(None), col(Settlement.kind).in_([ACCOUNT, DRAFT])),
    )
    rows = tuples(
        session,
        only(Settlement.kind, Settlement.holding_id).where(
            Settlement.case_id == case_id,
            Settlement.ended_as != BY_ITSELF,
            or_(called_off.is_(None), col(Settlement.settled_at) > called_off, not_(at_once)),
            ~was_taken_back(),
        ),
    )
    return set(rows)


def was_taken_back() -> ColumnElement[bool]:
    """The condition on a settlement that it names who follows in a role or seat, and that they never will.

    Nobody follows then. Of a seat, where theirs was withdrawn and nobody else was given it. Of standing in for somebody
    who is away, where who was to have a role there to do it by has none.
    """
    left = aliased(Tenure, name="left_role")

    def theirs(held: Any, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        return (
            select(held.id)
            .where(
                same(held, left),
                held.person_id == Settlement.successor_id,
                held.role == left.role,
                held.organization_id == left.organization_id,
                *where,
            )
            .correlate(left, Settlement)
            .exists()
        )

    gone, there = aliased(Tenure, name="taken_back"), aliased(Tenure, name="still_there")
    role_taken_back = and_(
        Settlement.kind == TENURE,
        select(left.id)
        .where(
            joins(Settlement.holding_id, left),
            theirs(gone, col(gone.taken_back_at) >= col(Settlement.settled_at)),
            ~theirs(
                there,
                col(there.taken_back_at).is_(None),
                or_(col(there.ends_on).is_(None), col(there.ends_on) > col(left.ends_on)),
            ),
        )
        .exists(),
    )
    seat, given, has_it = (aliased(SeatHolder, name=name) for name in ("seat_left", "seat_given", "seat_held"))
    seat_taken_back = and_(
        Settlement.kind == SEAT,
        select(seat.id)
        .join(given, and_(same(given, seat), given.seat_id == seat.seat_id))
        .where(
            joins(Settlement.holding_id, seat),
            given.person_id == Settlement.successor_id,
            col(given.withdrawn_at) >= col(Settlement.settled_at),
            ~select(has_it.id)
            .where(
                same(has_it, seat),
                has_it.seat_id == seat.seat_id,
                has_it.kind == seat.kind,
                has_it.person_id != seat.person_id,
                col(has_it.withdrawn_at).is_(None),
                or_(col(has_it.ends_on).is_(None), col(has_it.ends_on) > col(seat.ends_on)),
            )
            .correlate(seat)
            .exists(),
        )
        .exists(),
    )
    at_the_place = aliased(Case, name="left_from")

    def at_their_place(held: Any, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        return (
            select(held.id)
            .join(at_the_place, and_(same(at_the_place, held), at_the_place.organization_id == held.organization_id))
            .where(joins(Settlement.case_id, at_the_place), held.person_id == Settlement.successor_id, *where)
            .correlate(Settlement)
            .exists()
        )

    was_to_be, holds = aliased(Tenure, name="was_to_be"), aliased(Tenure, name="holds")
    deputy_taken_back = and_(
        Settlement.kind == DEPUTIZING,
        at_their_place(was_to_be, col(was_to_be.taken_back_at) >= col(Settlement.settled_at)),
        ~at_their_place(
            holds,
            col(holds.taken_back_at).is_(None),
            or_(col(holds.ends_on).is_(None), col(holds.ends_on) > cast(col(Settlement.settled_at), Date)),
        ),
    )
    return or_(role_taken_back, seat_taken_back, deputy_taken_back)


def not_settled(session: Session, person_id: UUID, found: Collection[Holding]) -> list[Holding]:
    """Those of somebody's holdings of which nobody said, in any departure of theirs, that they stay unfinished.

    Whatever else was settled is out of their hands, or came back into them since.
    """
    said = set(
        scalars(
            session,
            only(Settlement.holding_id)
            .join(Case, joins(Settlement.case_id, Case))
            .where(Case.subject_id == person_id, Settlement.ended_as == "left_unfinished"),
        )
    )
    return [one_of for one_of in found if one_of.id not in said]


@cases.gather.owner
def gather(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> int:
    """Have an open case ask for everything that is in its person's hands now; how many steps joined or changed.

    Where somebody has a thing by their role once its holder is gone, nothing is asked: it goes to them by itself.
    """
    case = hold_case(session, case_id, seen=None)
    if case.state != "open" or not case.gathers:
        return 0
    protocol = scheduling.protocol_of(versions.pinned(session, case))
    over = {step.id: step.for_each.over for step in protocol.steps if step.for_each and step.for_each.over}
    found = in_hand(session, case, at, kinds=set(over.values()))
    asked = every(session, select(Task).where(of_case(case_id), col(Task.step).in_(over)))
    known = {(row.step, row.item) for row in asked}
    settled = settled_in(session, case_id)
    joining = {
        step.id: [
            one
            for one in found
            if one.kind == over[step.id]
            and not (step.settles and one.goes_to)
            and (step.id, one.item) not in known
            and (one.kind, one.id) not in settled
        ]
        for step in protocol.steps
        if step.id in over
    }
    count = sum(map(len, joining.values()))
    if count:
        row = session.get(Case, (program_of(session), case_id), populate_existing=True)
        assert row is not None  # noqa: S101 - it is held
        run(
            session,
            insert(Task),
            list(
                columns_of(
                    session,
                    row,
                    protocol,
                    lambda step: [instance_of(step, one.item, one.title) for one in joining.get(step.id, ())],
                )
            ),
        )
        tie(session, row, protocol)
        keep_missed(session, row, protocol)
        events.write(session, "holdings.joined", "case", case_id, by=by, at=at, case_id=case_id, count=count)
        held_tasks.open_ready(session, case, by=by, at=at)
    unsettled = [one for one in found if (one.kind, one.id) not in settled]
    return (
        count
        + _ask_again(session, asked, unsettled, by=by, at=at)
        + _settle_again(session, asked, settled, by=by, at=at)
        + _come_to_rest(session, asked, found, by=by, at=at)
        + _let_go(session, case_id, over, by=by, at=at)
    )


def _ask_again(session: Session, asked: list[Task], unsettled: list[Holding], *, by: Actor, at: datetime) -> int:
    """Open the steps anew whose thing was out of the person's hands by itself, and is back in them.

    As an approval that was sent back and handed in once more, or a task whose other holder has left too.
    """
    back = {(one.kind, one.item) for one in unsettled if not one.goes_to}
    count = 0
    for row in asked:
        if row.state != "done" or (row.holding, row.item) not in back:
            continue
        held = _held_anew(session, row, by=by, at=at)
        # In a departure that was opened again the last check may be done: it stays so, and this one is asked for.
        with suppress(Refusal):
            held_tasks.fall_back(session, held)
        change(session, held, state=TASK.after(held.task.state, "undo"), **held_tasks.to_do_again(session, held))
        held_tasks.tell(session, held, "holding.back", step=row.step, item=row.item, kind=row.holding)
        held_tasks.wake(session, held)
        count += 1
    return count


def _settle_again(
    session: Session, asked: list[Task], settled: set[tuple[str, UUID]], *, by: Actor, at: datetime
) -> int:
    """Have the steps be done again, as they were, whose thing is settled once more by what somebody had said of it.

    As where whoever follows in a role was given it anew, after their appointment was taken back by mistake.
    """
    count = 0
    for row in asked:
        if row.holding not in _ON_THE_LAST_DAY or row.state != "open":
            continue
        if (row.holding, UUID(row.item)) not in settled:
            continue
        said = first(
            session,
            of(Settlement)
            .where(Settlement.task_id == row.id, Settlement.ended_as != BY_ITSELF, ~was_taken_back())
            .order_by(col(Settlement.settled_at).desc())
            .limit(1),
        )
        if said is None:
            continue  # it was settled by another step, or another was given the seat
        held = _held_anew(session, row, by=by, at=at)
        keep_lateness(session, is_this(held.id), at=at)
        state = TASK.after(held.task.state, "complete")
        done = {"done_at": said.settled_at, "done_by": said.settled_by, "done_as": said.settled_as}
        change(session, held, state=state, **done, next_check=None)
        held_tasks.tell(
            session,
            held,
            "holding.settled",
            step=row.step,
            kind=row.holding,
            successor=str(said.successor_id) if said.successor_id else None,
            ended_as=said.ended_as,
        )
        settle(session, held, state)
        count += 1
    return count


def _come_to_rest(session: Session, asked: list[Task], found: list[Holding], *, by: Actor, at: datetime) -> int:
    """Settle the steps whose thing is out of the person's hands, or goes to somebody by itself meanwhile."""
    held = {(one.kind, one.item) for one in found if not one.goes_to}
    count = 0
    for row in asked:
        if not row.holding or row.state != "open" or (row.holding, row.item) in held:
            continue
        record(session, row, ended_as=BY_ITSELF, by=by, at=at)
        count += 1
    return count


def _let_go(session: Session, case_id: UUID, over: Mapping[str, str], *, by: Actor, at: datetime) -> int:
    """Waive what was still to be done of a follow-up that ended meanwhile, or of an account that was closed elsewhere.

    Nobody takes it over any more: whoever cannot be reached is not told that their worker leaves, nothing is summed up
    of what is completed, and nobody hands over how to come into what is closed. Of a follow-up that is left vacant, no
    way of handing it over is agreed on with the participant: there is nobody to whom.
    """
    ended = (
        only(Assignment.id)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .where(col(FollowUp.state).in_(_ENDED), _as_item(col(Assignment.id)) == col(Task.item))
        .exists()
    )

    def settled(kind: str, ended_as: str) -> ColumnElement[bool]:
        return (
            only(Settlement.id)
            .where(
                Settlement.case_id == case_id,
                Settlement.kind == kind,
                Settlement.ended_as == ended_as,
                _as_item(col(Settlement.holding_id)) == col(Task.item),
            )
            .exists()
        )

    steps = {kind: [step for step, of in over.items() if of == kind] for kind in (FOLLOW_UP, ACCOUNT)}
    rows = every(
        session,
        select(Task)
        .where(
            of_case(case_id),
            Task.holding == "",
            col(Task.state).in_(TASK.open_to("waive")),
            or_(
                and_(col(Task.step).in_(steps[FOLLOW_UP]), ended),
                and_(col(Task.step).in_(steps[FOLLOW_UP]), Task.evidence == "way", settled(FOLLOW_UP, "left_vacant")),
                and_(col(Task.step).in_(steps[ACCOUNT]), settled(ACCOUNT, BY_ITSELF)),
            ),
        )
        .order_by(col(Task.position), col(Task.item)),
    )
    for waits in rows:
        # Anew: what one of them was holding up opened meanwhile.
        held = _held_anew(session, waits, by=by, at=at)
        state = TASK.after(held.task.state, "waive")
        keep_lateness(session, is_this(held.id), at=at)
        change(session, held, state=state, settled_at=at, settled_as=by.role, next_check=None)
        held_tasks.tell(session, held, "task.let_go", step=waits.step, item=waits.item)
        settle(session, held, state)
    return len(rows)


def _as_item(thing_id: ColumnElement[UUID]) -> ColumnElement[str]:
    """A thing's id as the item of the steps that are done for it."""
    return func.replace(cast(thing_id, Text), "-", "")


#: A follow-up that stands so has nobody who accompanies the participant, and nobody to follow them.
_ENDED: Final = ("inactive", "completed")


def record(
    session: Session,
    task: Task,
    *,
    by: Actor,
    at: datetime,
    successor_id: UUID | None = None,
    ended_as: str = "",
    note: str = "",
) -> held_tasks.Moved:
    """Write down what became of a thing, and settle the step that asks for it. The case is held."""
    held = _held_anew(session, task, by=by, at=at)
    is_about_somebody = bool(words.about(session, [task]))
    run(
        session,
        insert(Settlement).values(
            **Settlement(
                program_id=program_of(session),
                case_id=surely(task.case_id),
                task_id=task.id,
                kind=task.holding,
                holding_id=UUID(task.item),
                successor_id=successor_id,
                ended_as=ended_as,
                note="" if is_about_somebody else note,  # it stands with the task then, sealed
                settled_at=at,
                settled_by=by.person_id,
                settled_as=by.role,
            ).model_dump()
        ),
    )
    state = TASK.after(held.task.state, "complete")
    change(
        session,
        held,
        state=state,
        done_at=at,
        done_by=by.person_id,
        done_as=by.role,
        done_for=by.acting_for,
        note=note,
        next_check=None,
    )
    held_tasks.tell(
        session,
        held,
        "holding.settled",
        step=task.step,
        kind=task.holding,
        successor=str(successor_id) if successor_id else None,
        ended_as=ended_as,
    )
    return settle(session, held, state)


def _held_anew(session: Session, task: Task, *, by: Actor, at: datetime) -> Held:
    """A task of a held case as it stands by now: what was settled before it may have changed it."""
    fresh = first(session, of(Task).where(Task.id == task.id))
    assert fresh is not None  # noqa: S101 - it was read under the case's lock
    return Held(fresh, hold_case(session, surely(task.case_id), seen=None), at, by)


@evidence.judges("empty_hands")
def refuse_unless_over(session: Session, case: Case, at: datetime) -> None:
    """Refuse to call a departure over before its last day is, or while anything is in hand; the refusal lists it."""
    departure = departure_of(session, case.id)
    if departure is not None and departure.called_off_at is None and departure.ended_at is None:
        raise Refusal(
            "departure.not_over",
            N_("The last day is %(day)s: a departure is over once it is past and access has ended."),
            day=departure.last_day.isoformat(),
        )
    refuse_while_in_hand(session, case, at)


@cases.refuse_while_in_hand.owner
def refuse_while_in_hand(session: Session, case: Case, at: datetime) -> None:
    """Refuse while somebody who leaves has anything in hand that nobody took over and whose end nobody stated."""
    still = left(session, case, at)
    if still:
        raise Refusal(
            "departure.in_hand",
            N_("A departure does not close while anything is in hand: %(count)s left. %(holdings)s."),
            source="DP-03",
            count=len(still),
            holdings={language: "; ".join(one.title.in_language(language) for one in still) for language in LANGUAGES},
        )


def departure_of(session: Session, case_id: UUID) -> Departure | None:
    """The departure that a case sees to, if it is one."""
    return first(session, of(Departure).where(Departure.case_id == case_id))
