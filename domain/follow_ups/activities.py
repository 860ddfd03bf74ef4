"""Plans activities with participants: one who also recruits others is never brought together with another (AD-C4).

The program plans something with several participants only here. The condition lasts: it holds in any state of the
follow-up, and the database holds it too (`alone_in_theirs`). It looks at place and hour as well: two activities that
meet there bring their participants together (`meeting_places`). Where a participant is found to recruit after something
was planned, that is not allowed any more. Its planner and the coordinator are asked at once. It stays so until one of
them cancels it, moves it, or takes a participant out of it.

A place may be a person's home: it is sealed for each participant, under their own key.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, insert
from sqlmodel import Session, and_, or_

from domain.casework import asking
from domain.follow_ups.assigning import role_for
from domain.follow_ups.locking import LockedFollowUp, lock_follow_up, refuse_unless_followed, write_follow_up_event
from domain.follow_ups.meeting_places import (
    Placed,
    Whereabouts,
    also_there,
    checked_place,
    hold_all,
    where_is,
    whereabouts,
)
from domain.follow_ups.words import WHERE, opened, sealed
from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    also,
    changes,
    col,
    every,
    first,
    joins,
    local_day,
    of,
    only,
    program_of,
    run,
    scalar,
    scalars,
    surely,
    tuples,
)
from domain.mail import coordination_chain
from domain.record import events
from domain.roles import HeldRole, Link, standing
from domain.terms import PRIMARY
from locales import N_
from models.follow_up import ACTIVITY_KINDS, Activity, ActivityPart, FollowUp
from models.participant import Participant

KIND: Final = "follow_up"
#: What the planner of an activity is asked that is no longer allowed, and the coordinator beside them.
APART: Final = "activity.apart"
APART_COORDINATION: Final = "activity.apart_coordination"


def plan_activity(
    session: Session,
    follow_up_ids: Sequence[UUID],
    *,
    held_on: date,
    begins: time,
    minutes: int,
    place: str,
    kind: str,
    by: Actor,
    at: datetime,
) -> UUID:
    """Plan an activity with these participants, at a place, on a local day and hour, today or to come; returns its id.

    Raises Refusal: no participant; one without a current follow-up; a day that is over; one of AD-C4 with others, or at
    a place to which another activity brings others at that hour; or the keys cannot be used.
    """
    if by.person_id is None:
        msg = "a part of the system plans nothing with anybody"
        raise ValueError(msg)
    if kind not in ACTIVITY_KINDS:
        raise Refusal("activity.kind.malformed", N_("Choose from the list."))
    place = checked_place(place)
    there = _to_come(session, whereabouts(session, held_on, begins, minutes, place), at)
    wanted = sorted(set(follow_up_ids))
    if not wanted:
        raise Refusal("activity.nobody", N_("Choose the participants of the activity."))
    everyone, never = _hold_everyone(session, wanted, by=by, at=at)
    _refuse_meeting(session, there, wanted)
    here, activity_id = program_of(session), uuid4()
    run(
        session,
        insert(Activity).values(
            program_id=here, id=activity_id, kind=kind, planned_by=by.person_id, planned_at=at, **there.columns
        ),
    )
    run(
        session,
        insert(ActivityPart),
        [
            {
                "program_id": here,
                "id": part_id,
                "activity_id": activity_id,
                "follow_up_id": held.id,
                "place": nth,
                "alone": held.id in never,
                "sealed": sealed(session, held.participant_id, WHERE, part_id, place),
                "where_mark": there.mark,
            }
            for nth, (part_id, held) in enumerate(((uuid4(), held) for held in everyone), start=1)
        ],
    )
    for held in everyone:
        write_follow_up_event(
            session, held, "follow_up.activity_planned", day=held_on.isoformat(), together=len(everyone)
        )
    return activity_id


def _hold_everyone(
    session: Session, wanted: Sequence[UUID], *, by: Actor, at: datetime
) -> tuple[list[LockedFollowUp], frozenset[UUID]]:
    """Lock the follow-ups of an activity, and say which of them are never with others (AD-C4). Raises Refusal."""
    # Held in the order of their ids, so that two who plan at once do not wait for each other.
    everyone = [lock_follow_up(session, follow_up_id, by=by, at=at) for follow_up_id in wanted]
    for held in everyone:
        refuse_unless_followed(held)
    hold_all(session)
    # Asked again now that they are locked: one of them may have been found to recruit while this waited for the lock.
    never = _never_with_others(session, wanted)
    if len(everyone) > 1 and never:
        raise Refusal(
            "activity.never_together",
            N_("One of them was admitted on the condition that no activity brings them together with others."),
            source="AD-C4",
        )
    return everyone, never


def move_activity(
    session: Session,
    activity_id: UUID,
    *,
    held_on: date,
    begins: time,
    minutes: int,
    place: str,
    by: Actor,
    at: datetime,
) -> None:
    """Move an activity to another place, day or hour, or set those of an activity that has none.

    Raises Refusal, also where a participant of AD-C4 would meet others there.
    """
    place = checked_place(place)
    there = _to_come(session, whereabouts(session, held_on, begins, minutes, place), at)
    hold_all(session)
    row = _hold(session, activity_id)
    _refuse_meeting(session, there, taking_part(session, activity_id), but=activity_id)
    run(session, changes(Activity).where(Activity.id == activity_id).values(**there.columns))
    _keep_place(session, activity_id, there, place)
    lines: list[tuple[UUID, dict[str, events.Fact]]] = [
        (part, {"was": row.held_on.isoformat(), "day": held_on.isoformat()})
        for part in taking_part(session, activity_id)
    ]
    events.write_many(session, "follow_up.activity_moved", "follow_up", lines, by=by, at=at)
    _answer_those_allowed(session, by=by, at=at)


def call_off(session: Session, activity_id: UUID, *, by: Actor, at: datetime) -> None:
    """Cancel an activity. Raises Refusal: there is none, or it was cancelled already."""
    row = _hold(session, activity_id)
    run(session, changes(Activity).where(Activity.id == activity_id).values(called_off_at=at, called_off_as=by.role))
    lines: list[tuple[UUID, dict[str, events.Fact]]] = [
        (part, {"day": row.held_on.isoformat()})
        for part in scalars(session, only(ActivityPart.follow_up_id).where(ActivityPart.activity_id == activity_id))
    ]
    events.write_many(session, "follow_up.activity_called_off", "follow_up", lines, by=by, at=at)
    _answered(session, activity_id, by=by, at=at)
    _answer_those_allowed(session, by=by, at=at)


def take_out(session: Session, activity_id: UUID, follow_up_id: UUID, *, by: Actor, at: datetime) -> None:
    """Take a participant out of an activity that goes on with the others.

    Raises Refusal: there is no such activity, it was cancelled, they take no part in it, or no one would be left.
    """
    row = _hold(session, activity_id)
    there = taking_part(session, activity_id)
    if follow_up_id not in there:
        raise Refusal("activity.not_there", N_("This participant takes no part in this activity."))
    left = [one_ for one_ in there if one_ != follow_up_id]
    if not left:
        raise Refusal("activity.nobody_left", N_("No one would be left: cancel the activity."))
    run(
        session,
        changes(ActivityPart)
        .where(ActivityPart.activity_id == activity_id, ActivityPart.follow_up_id == follow_up_id)
        .values(taken_out_at=at, taken_out_as=by.role),
    )
    events.write(session, "follow_up.activity_left", KIND, follow_up_id, by=by, at=at, day=row.held_on.isoformat())
    never = _never_with_others(session, left)
    if len(left) == 1 and never:
        run(
            session,
            changes(ActivityPart)
            .where(ActivityPart.activity_id == activity_id, col(ActivityPart.follow_up_id).in_(left))
            .values(alone=True),
        )
    _answer_those_allowed(session, by=by, at=at)


def leave_all(session: Session, follow_up_id: UUID, *, by: Actor, at: datetime) -> None:
    """Take a participant whose follow-up ends out of later activities, and cancel those that were with them alone.

    What is planned with others goes on with them; what is of that very day may be over.
    """
    for row in _planned_with(session, follow_up_id, local_day(session, at) + timedelta(days=1)):
        if len(taking_part(session, row.id)) > 1:
            take_out(session, row.id, follow_up_id, by=by, at=at)
        else:
            call_off(session, row.id, by=by, at=at)


def ask_apart(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> int:
    """Ask about activities from today on that a participant found to recruit has with others; how many there are.

    Their planner and the coordinator are asked, each once (AD-C4).
    """
    day = local_day(session, at)
    follow_up_id = scalar(
        session,
        only(FollowUp.id)
        .where(FollowUp.participant_id == participant_id)
        .with_for_update(),  # a plan with them locks it, and sees this first or is seen here
    )
    if follow_up_id is None:
        return 0
    hold_all(session)
    rows = _planned_with(session, follow_up_id, day)
    together = [
        row for row in rows if _would_meet(session, where_is(row, row.where_mark), taking_part(session, row.id), row.id)
    ]
    today, coordination = standing(session, day), coordination_chain(session)
    for row in together:
        planner = role_for(today, row.planned_by, PRIMARY)
        links = [] if planner is None else [_link(planner, row.planned_by)]
        for step, chain in ((APART, [*links, *coordination]), (APART_COORDINATION, coordination)):
            if step == APART and not links:
                continue  # the coordinator planned it, or its planner has left: one is asked alone
            asking.ask(session, step, row.id, _APART, chain=chain, working_days=0, by=by, at=at, day=row.held_on)
    return len(together)


class _WithOne(Activity):
    """An activity as one participant takes part in it: `where_mark` is the mark of its place in their part."""

    model_config = SHAPE
    where_mark: str | None = also(ActivityPart.where_mark)


def _planned_with(session: Session, follow_up_id: UUID, since: date) -> list[_WithOne]:
    """The activities with a participant from a local day on, locked, the nearest first; no cancelled ones."""
    return every(
        session,
        of(_WithOne)
        .join(ActivityPart, joins(ActivityPart.activity_id, Activity))
        .where(
            ActivityPart.follow_up_id == follow_up_id,
            col(ActivityPart.taken_out_at).is_(None),
            col(Activity.held_on) >= since,
            col(Activity.called_off_at).is_(None),
        )
        .order_by(col(Activity.held_on), col(Activity.id))
        .with_for_update(of=Activity),
    )


def _hold(session: Session, activity_id: UUID) -> Activity:
    """A planned activity, locked. Raises Refusal: there is none, or it was cancelled."""
    row = first(session, of(Activity).where(Activity.id == activity_id).with_for_update())
    if row is None:
        raise Refusal("activity.unknown", N_("There is no such activity."))
    if row.called_off_at is not None:
        raise Refusal("activity.called_off", N_("This activity was already cancelled."))
    return row


def _to_come(session: Session, there: Whereabouts, at: datetime) -> Whereabouts:
    if there.held_on < local_day(session, at):
        raise Refusal("day.malformed", N_("An activity is planned for today or a future day."))
    return there


def _keep_place(session: Session, activity_id: UUID, there: Whereabouts, place: str) -> None:
    """Write an activity's place into each participant's part, sealed for them; not where the file is destroyed."""
    rows = tuples(
        session,
        only(ActivityPart.id, FollowUp.participant_id)
        .join(FollowUp, joins(ActivityPart.follow_up_id, FollowUp))
        .join(Participant, joins(FollowUp.participant_id, Participant))
        .where(
            ActivityPart.activity_id == activity_id,
            col(ActivityPart.taken_out_at).is_(None),
            col(Participant.destroyed_at).is_(None),
        ),
    )
    for part_id, participant_id in rows:
        run(
            session,
            changes(ActivityPart)
            .where(ActivityPart.id == part_id)
            .values(sealed=sealed(session, participant_id, WHERE, part_id, place), where_mark=there.mark),
        )


def _place_of(session: Session, participant_id: UUID, part_id: UUID, blob: bytes | None) -> str | None:
    """An activity's place, as one part has it; None where it was never said, or is destroyed. Raises Refusal."""
    if blob is None:
        return None
    try:
        return opened(session, participant_id, WHERE, part_id, blob)
    except Refusal as refusal:
        if refusal.code != "keys.gone":
            raise
        return None


def _would_meet(
    session: Session, there: Whereabouts | None, with_whom: Collection[UUID], but: UUID | None = None
) -> bool:
    """Whether a participant of AD-C4 would be with another: in the activity itself, or by what else is there then."""
    everyone = {*with_whom, *also_there(session, there, but=[but] if but else [])}
    return len(everyone) > 1 and bool(_never_with_others(session, everyone))


def _refuse_meeting(
    session: Session, there: Whereabouts, with_whom: Collection[UUID], *, but: UUID | None = None
) -> None:
    # It does not say which participant: one of this activity, or of the other.
    if _would_meet(session, there, with_whom, but):
        raise Refusal(
            "activity.never_at_one_place",
            N_(
                "Another activity brings others there at that hour, and they may not meet. Choose another place or "
                "another hour."
            ),
            source="AD-C4",
        )


def _answer_those_allowed(session: Session, *, by: Actor, at: datetime) -> None:
    """Close the questions about activities that are allowed by now, after they or what they met with changed."""
    asked = {UUID(row.item) for step in (APART, APART_COORDINATION) for row in asking.open_ones(session, step)}
    for row in every(session, of(Placed).where(col(Activity.id).in_(asked))):
        there = taking_part(session, row.id)
        if row.called_off_at is not None or not _would_meet(session, where_is(row, row.where_mark), there, row.id):
            _answered(session, row.id, by=by, at=at)


def _answered(session: Session, activity_id: UUID, *, by: Actor, at: datetime) -> None:
    for step in (APART, APART_COORDINATION):
        asking.answered(session, step, activity_id, by=by, at=at)


def _link(role: HeldRole, person_id: UUID) -> Link:
    return Link(role.role, str(role.organization_id), person=person_id)


def _never_with_others(session: Session, follow_up_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these follow-ups with participants who recruit others."""
    return frozenset(
        scalars(
            session,
            only(FollowUp.id)
            .join(Participant, joins(FollowUp.participant_id, Participant))
            .where(col(FollowUp.id).in_(list(follow_up_ids)), col(Participant.recruiter)),
        )
    )


_APART: Final = N_("The activity of %(day)s is not allowed: remove a participant from it, or cancel it")


class _Part(Placed):
    """An activity with one who takes part in it, and its place as their part has it, sealed."""

    model_config = SHAPE
    part_id: UUID = also(ActivityPart.id)
    sealed: bytes | None = also(ActivityPart.sealed)
    participant_id: UUID = also(Participant.id)
    number: str = surely(Participant.number)
    recruiter: bool = also(Participant.recruiter)
    alone: bool = also(ActivityPart.alone)
    follow_up_id: UUID = also(ActivityPart.follow_up_id)


@dataclass(frozen=True)
class PlannedActivity:
    """An activity with those who take part in it: `parts` are their follow-ups, numbers, and whether they recruit."""

    id: UUID
    held_on: date
    begins: time | None
    minutes: int | None
    kind: str
    alone: bool
    place: str | None
    numbers: list[str]
    parts: list[tuple[UUID, str, bool]]
    is_allowed: bool


def with_plans(session: Session, since: date) -> frozenset[UUID]:
    """The follow-ups with which something is planned from a local day on, or of which a plan is to be settled."""
    parts = only(ActivityPart.follow_up_id).join(Activity, joins(ActivityPart.activity_id, Activity))
    return frozenset(scalars(session, parts.where(_is_planned(session, since))))


def _is_planned(session: Session, since: date) -> ColumnElement[bool]:
    """The condition on an activity and a part in it that it is still to come, or has an open question."""
    asked = {UUID(row.item) for step in (APART, APART_COORDINATION) for row in asking.open_ones(session, step)}
    return and_(
        or_(col(Activity.held_on) >= since, col(Activity.id).in_(asked)),
        col(Activity.called_off_at).is_(None),
        col(ActivityPart.taken_out_at).is_(None),
    )


def planned(
    session: Session, follow_up_ids: Collection[UUID], since: date, *, kept_from: Collection[UUID] = ()
) -> list[PlannedActivity]:
    """The activities with any of these follow-ups from a local day on, the nearest first, each with its participants.

    An activity has everyone's `numbers`, also those outside `follow_up_ids`, without the participants that the reader
    is `kept_from`; cancelled ones are left out. Its `place` is opened with the key of one of these. It is None where
    that was not said, or where none of them has a key any more. Raises Refusal where keys cannot be used. `is_allowed`
    is whether AD-C4 allows it; an activity with an open question stays listed after its day.
    """
    wanted = col(ActivityPart.follow_up_id).in_(list(follow_up_ids))
    theirs = only(ActivityPart.activity_id).where(wanted)
    rows = every(
        session,
        of(_Part)
        .join(ActivityPart, joins(ActivityPart.activity_id, Activity))
        .join(FollowUp, joins(ActivityPart.follow_up_id, FollowUp))
        .join(Participant, joins(FollowUp.participant_id, Participant))
        .where(col(Activity.id).in_(theirs), _is_planned(session, since))
        .order_by(
            col(Activity.held_on), col(Activity.begins).asc().nulls_first(), col(Activity.id), col(ActivityPart.place)
        ),
    )
    return [_planned(session, list(parts), kept_from) for _, parts in groupby(rows, key=lambda row: row.id)]


def _planned(session: Session, parts: Sequence[_Part], kept_from: Collection[UUID]) -> PlannedActivity:
    """An activity as it is planned with everyone who takes part, as it is shown to one who is kept from some."""
    row, shown = parts[0], [part for part in parts if part.participant_id not in kept_from]
    places = (_place_of(session, part.participant_id, part.part_id, part.sealed) for part in shown)
    with_whom = [part.follow_up_id for part in parts]
    return PlannedActivity(
        row.id,
        row.held_on,
        row.begins,
        row.minutes,
        row.kind,
        row.alone,
        place=next((place for place in places if place is not None), None),
        numbers=[part.number for part in shown],
        parts=[(part.follow_up_id, part.number, part.recruiter) for part in shown],
        is_allowed=not _would_meet(session, where_is(row, row.where_mark), with_whom, row.id),
    )


def taking_part(session: Session, activity_id: UUID) -> list[UUID]:
    """The follow-ups of an activity's participants, without those who were taken out of it."""
    return list(
        scalars(
            session,
            only(ActivityPart.follow_up_id)
            .where(ActivityPart.activity_id == activity_id, col(ActivityPart.taken_out_at).is_(None))
            .order_by(col(ActivityPart.place)),
        )
    )
