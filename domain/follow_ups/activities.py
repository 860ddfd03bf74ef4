"""Planning an activity with participants: whoever also recruits others is never brought together with another (AD-C4).

The one door by which the program plans something with several participants. The condition lasts: it holds whatever the
state of the follow-up, and the database holds it too (`alone_in_theirs`). It looks at the place and the hour as well:
two activities that meet there bring together whom they are with (`meeting_places`). Where it is found of somebody after
something was planned, that is not allowed any more: whoever planned it and the coordinator are asked at once, and it
stays so until somebody calls it off, moves it, or takes a participant out of it.

A place may be somebody's home: it is sealed once for each who takes part, under their own key.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Select, insert, or_, select, update
from sqlmodel import Session

from domain.casework import asking
from domain.follow_ups.assigning import role_for
from domain.follow_ups.locking import hold, refuse_unless_followed, tell
from domain.follow_ups.meeting_places import (
    Whereabouts,
    also_there,
    checked_place,
    hold_all,
    where_is,
    where_marked,
    whereabouts,
)
from domain.follow_ups.words import WHERE, opened, sealed
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, one, program_of
from domain.mail.notices import coordination_chain
from domain.record import events
from domain.roles.roles import HeldRole, Link, standing
from domain.terms.parts import PRIMARY
from locales import N_
from models.base import refers, table_of
from models.follow_up import ACTIVITY_KINDS, Activity, ActivityPart, FollowUp
from models.participant import Participant

_activity = table_of(Activity)
_part = table_of(ActivityPart)
_follow_up = table_of(FollowUp)
_participant = table_of(Participant)

KIND: Final = "follow_up"
#: What whoever planned an activity is asked that is not allowed any more, and the coordinator beside them.
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

    Raises Refusal: nobody, somebody whom nobody follows now, a day that is over, somebody of AD-C4 with others, or at
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
    # Held in the order of their ids, so that two who plan at once do not wait for each other.
    everyone = [hold(session, follow_up_id, by=by, at=at) for follow_up_id in wanted]
    for held in everyone:
        refuse_unless_followed(held)
    hold_all(session)
    # Asked again now that they are held: it may have been found of one of them while this waited for the lock.
    never = _never_with_others(session, wanted)
    if len(everyone) > 1 and never:
        raise Refusal(
            "activity.never_together",
            N_("One of them was admitted on the condition that no activity brings them together with others."),
            source="AD-C4",
        )
    _refuse_meeting(session, there, wanted)
    here, activity_id = program_of(session), uuid4()
    session.execute(
        insert(_activity).values(
            program_id=here, id=activity_id, kind=kind, planned_by=by.person_id, planned_at=at, **there.columns
        )
    )
    session.execute(
        insert(_part),
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
        tell(session, held, "follow_up.activity_planned", day=held_on.isoformat(), together=len(everyone))
    return activity_id


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
    """Have an activity be at another place, day or hour, or say when and where one is of which that was never said.

    Raises Refusal, also where somebody of AD-C4 would meet others there.
    """
    place = checked_place(place)
    there = _to_come(session, whereabouts(session, held_on, begins, minutes, place), at)
    hold_all(session)
    row = _hold(session, activity_id)
    _refuse_meeting(session, there, taking_part(session, activity_id), but=activity_id)
    session.execute(
        update(_activity)
        .where(_activity.c.program_id == program_of(session), _activity.c.id == activity_id)
        .values(**there.columns)
    )
    _keep_place(session, activity_id, there, place)
    lines: list[tuple[UUID, dict[str, events.Fact]]] = [
        (part, {"was": row["held_on"].isoformat(), "day": held_on.isoformat()})
        for part in taking_part(session, activity_id)
    ]
    events.write_many(session, "follow_up.activity_moved", "follow_up", lines, by=by, at=at)
    _answer_those_allowed(session, by=by, at=at)


def call_off(session: Session, activity_id: UUID, *, by: Actor, at: datetime) -> None:
    """Call off an activity. Raises Refusal: there is none, or it was called off already."""
    here, row = program_of(session), _hold(session, activity_id)
    session.execute(
        update(_activity)
        .where(_activity.c.program_id == here, _activity.c.id == activity_id)
        .values(called_off_at=at, called_off_as=by.role)
    )
    lines: list[tuple[UUID, dict[str, events.Fact]]] = [
        (part, {"day": row["held_on"].isoformat()})
        for part in session.scalars(
            select(_part.c.follow_up_id).where(_part.c.program_id == here, _part.c.activity_id == activity_id)
        )
    ]
    events.write_many(session, "follow_up.activity_called_off", "follow_up", lines, by=by, at=at)
    _answered(session, activity_id, by=by, at=at)
    _answer_those_allowed(session, by=by, at=at)


def take_out(session: Session, activity_id: UUID, follow_up_id: UUID, *, by: Actor, at: datetime) -> None:
    """Take a participant out of an activity that goes on with the others.

    Raises Refusal: there is no such activity, it was called off, they take no part in it, or nobody would be left.
    """
    here, row = program_of(session), _hold(session, activity_id)
    there = taking_part(session, activity_id)
    if follow_up_id not in there:
        raise Refusal("activity.not_there", N_("This participant takes no part in this activity."))
    left = [one_ for one_ in there if one_ != follow_up_id]
    if not left:
        raise Refusal("activity.nobody_left", N_("No one would be left: cancel the activity."))
    session.execute(
        update(_part)
        .where(_part.c.program_id == here, _part.c.activity_id == activity_id, _part.c.follow_up_id == follow_up_id)
        .values(taken_out_at=at, taken_out_as=by.role)
    )
    events.write(session, "follow_up.activity_left", KIND, follow_up_id, by=by, at=at, day=row["held_on"].isoformat())
    never = _never_with_others(session, left)
    if len(left) == 1 and never:
        session.execute(
            update(_part)
            .where(_part.c.program_id == here, _part.c.activity_id == activity_id, _part.c.follow_up_id.in_(left))
            .values(alone=True)
        )
    _answer_those_allowed(session, by=by, at=at)


def leave_all(session: Session, follow_up_id: UUID, *, by: Actor, at: datetime) -> None:
    """Take somebody whose follow-up ends out of what is planned after that day, and call off what was with them alone.

    What is planned with others goes on with them; what is of that very day may be over.
    """
    for row in _planned_with(session, follow_up_id, local_day(session, at) + timedelta(days=1)):
        if len(taking_part(session, row["id"])) > 1:
            take_out(session, row["id"], follow_up_id, by=by, at=at)
        else:
            call_off(session, row["id"], by=by, at=at)


def ask_apart(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> int:
    """Ask about what is planned with somebody, found to recruit, and others from today on; how many there are.

    Whoever planned it and the coordinator are asked, each once (AD-C4).
    """
    here, day = program_of(session), local_day(session, at)
    follow_up_id = session.scalar(
        select(_follow_up.c.id)
        .where(_follow_up.c.program_id == here, _follow_up.c.participant_id == participant_id)
        .with_for_update()  # whoever plans with them holds it, and sees it first or is seen here
    )
    if follow_up_id is None:
        return 0
    hold_all(session)
    rows = _planned_with(session, follow_up_id, day)
    together = [row for row in rows if _would_meet(session, where_is(row), taking_part(session, row["id"]), row["id"])]
    today, coordination = standing(session, day), coordination_chain(session)
    for row in together:
        planner = role_for(today, row["planned_by"], PRIMARY)
        links = [] if planner is None else [_link(planner, row["planned_by"])]
        for step, chain in ((APART, [*links, *coordination]), (APART_COORDINATION, coordination)):
            if step == APART and not links:
                continue  # the coordinator planned it, or whoever did has left: one is asked alone
            asking.ask(
                session,
                step,
                row["id"],
                _APART,
                chain=chain,
                working_days=0,
                by=by,
                at=at,
                day=row["held_on"],
            )
    return len(together)


def _planned_with(session: Session, follow_up_id: UUID, since: date) -> list[dict[str, Any]]:
    """What is planned with somebody from a local day on, held, the nearest first."""
    return many(session, _of_one(session, follow_up_id, since).with_for_update(of=_activity))


def _of_one(session: Session, follow_up_id: UUID, since: date) -> Select[Any]:
    """What is planned with a participant from a local day on, the nearest first; what was called off is left out."""
    return (
        select(
            *(_activity.c[name] for name in ("id", "held_on", "begins", "minutes", "kind", "planned_by")),
            _part.c.where_mark,
        )
        .join(_part, refers(_part.c.activity_id, _activity))
        .where(
            _activity.c.program_id == program_of(session),
            _part.c.follow_up_id == follow_up_id,
            _part.c.taken_out_at.is_(None),
            _activity.c.held_on >= since,
            _activity.c.called_off_at.is_(None),
        )
        .order_by(_activity.c.held_on, _activity.c.id)
    )


def _hold(session: Session, activity_id: UUID) -> dict[str, Any]:
    """An activity that is planned, held. Raises Refusal: there is none, or it was called off."""
    row = one(
        session,
        select(_activity)
        .where(_activity.c.program_id == program_of(session), _activity.c.id == activity_id)
        .with_for_update(),
    )
    if row is None:
        raise Refusal("activity.unknown", N_("There is no such activity."))
    if row["called_off_at"] is not None:
        raise Refusal("activity.called_off", N_("This activity was already cancelled."))
    return row


def _to_come(session: Session, there: Whereabouts, at: datetime) -> Whereabouts:
    if there.held_on < local_day(session, at):
        raise Refusal("day.malformed", N_("An activity is planned for today or a future day."))
    return there


def _keep_place(session: Session, activity_id: UUID, there: Whereabouts, place: str) -> None:
    """Say where an activity is with each who takes part, sealed for them; with whose file is destroyed nothing."""
    here = program_of(session)
    rows = many(
        session,
        select(_part.c.id, _follow_up.c.participant_id)
        .join(_follow_up, refers(_part.c.follow_up_id, _follow_up))
        .join(_participant, refers(_follow_up.c.participant_id, _participant))
        .where(
            _part.c.program_id == here,
            _part.c.activity_id == activity_id,
            _part.c.taken_out_at.is_(None),
            _participant.c.destroyed_at.is_(None),
        ),
    )
    for row in rows:
        session.execute(
            update(_part)
            .where(_part.c.program_id == here, _part.c.id == row["id"])
            .values(sealed=sealed(session, row["participant_id"], WHERE, row["id"], place), where_mark=there.mark)
        )


def _place_of(session: Session, participant_id: UUID, part_id: UUID, blob: bytes | None) -> str | None:
    """Where an activity is, as one part says it; None where that was never said, or is destroyed. Raises Refusal."""
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
    """Whether somebody of AD-C4 would be with another: in the activity itself, or by what else is there then."""
    everyone = {*with_whom, *also_there(session, there, but=[but] if but else [])}
    return len(everyone) > 1 and bool(_never_with_others(session, everyone))


def _refuse_meeting(
    session: Session, there: Whereabouts, with_whom: Collection[UUID], *, but: UUID | None = None
) -> None:
    # It does not say of whom: somebody of this activity, or of the other.
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
    """Whoever was asked about an activity that is allowed by now has seen to it, by it or by what it met with."""
    asked = {UUID(row["item"]) for step in (APART, APART_COORDINATION) for row in asking.open_ones(session, step)}
    rows = many(
        session,
        select(_activity, where_marked()).where(
            _activity.c.program_id == program_of(session), _activity.c.id.in_(asked)
        ),
    )
    for row in rows:
        there = taking_part(session, row["id"])
        if row["called_off_at"] is not None or not _would_meet(session, where_is(row), there, row["id"]):
            _answered(session, row["id"], by=by, at=at)


def _answered(session: Session, activity_id: UUID, *, by: Actor, at: datetime) -> None:
    for step in (APART, APART_COORDINATION):
        asking.answered(session, step, activity_id, by=by, at=at)


def _link(role: HeldRole, person_id: UUID) -> Link:
    return {"role": role.role, "at": str(role.organization_id), "person": str(person_id)}


def _never_with_others(session: Session, follow_up_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these who recruit others."""
    return frozenset(
        session.scalars(
            select(_follow_up.c.id)
            .join(_participant, refers(_follow_up.c.participant_id, _participant))
            .where(
                _follow_up.c.program_id == program_of(session),
                _follow_up.c.id.in_(list(follow_up_ids)),
                _participant.c.recruiter,
            )
        )
    )


_APART: Final = N_("The activity of %(day)s is not allowed: remove a participant from it, or cancel it")


def planned(
    session: Session, follow_up_ids: Collection[UUID], since: date, *, kept_from: Collection[UUID] = ()
) -> list[dict[str, Any]]:
    """What is planned with any of these from a local day on, the nearest first, each with those who take part.

    An activity has everyone's `numbers`, also those that are not of `follow_up_ids`, but for the participants that the
    reader is `kept_from`; what was called off is left out. Its `place` is opened with the key of one of these; it is
    None where that was not said, or where none of them has a key any more. Raises Refusal where keys cannot be used.
    `is_allowed` is whether it brings nobody together who may not be (AD-C4); one about which somebody is still asked
    stays here after its day.
    """
    here = program_of(session)
    wanted = _part.c.follow_up_id.in_(list(follow_up_ids))
    theirs = select(_part.c.activity_id).where(_part.c.program_id == here, wanted)
    asked = {UUID(row["item"]) for step in (APART, APART_COORDINATION) for row in asking.open_ones(session, step)}
    rows = many(
        session,
        select(
            *(_activity.c[name] for name in ("id", "held_on", "begins", "minutes", "kind")),
            where_marked(),
            _part.c.id.label("part_id"),
            _part.c.sealed,
            _participant.c.id.label("participant_id"),
            _participant.c.number,
            _participant.c.recruiter,
            _part.c.alone,
            _part.c.follow_up_id,
        )
        .join(_part, refers(_part.c.activity_id, _activity))
        .join(_follow_up, refers(_part.c.follow_up_id, _follow_up))
        .join(_participant, refers(_follow_up.c.participant_id, _participant))
        .where(
            _activity.c.program_id == here,
            _activity.c.id.in_(theirs),
            or_(_activity.c.held_on >= since, _activity.c.id.in_(asked)),
            _activity.c.called_off_at.is_(None),
            _part.c.taken_out_at.is_(None),
        )
        .order_by(_activity.c.held_on, _activity.c.begins.asc().nulls_first(), _activity.c.id, _part.c.place),
    )
    found: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        blob, part_id = row.pop("sealed"), row.pop("part_id")
        entry = found.setdefault(row["id"], {**row, "place": None, "numbers": [], "parts": [], "with_whom": []})
        entry["with_whom"].append(row["follow_up_id"])
        if row["participant_id"] not in kept_from:
            entry["numbers"].append(row["number"])
            entry["parts"].append((row["follow_up_id"], row["number"], row["recruiter"]))
            if entry["place"] is None:
                entry["place"] = _place_of(session, row["participant_id"], part_id, blob)
    for entry in found.values():
        entry["is_allowed"] = not _would_meet(session, where_is(entry), entry.pop("with_whom"), entry["id"])
    return list(found.values())


def taking_part(session: Session, activity_id: UUID) -> list[UUID]:
    """The follow-ups of those with whom an activity is planned; whoever was taken out of it is none of them."""
    return list(
        session.scalars(
            select(_part.c.follow_up_id)
            .where(
                _part.c.program_id == program_of(session),
                _part.c.activity_id == activity_id,
                _part.c.taken_out_at.is_(None),
            )
            .order_by(_part.c.place)
        )
    )


def activities_of(session: Session, follow_up_id: UUID, since: date) -> list[dict[str, Any]]:
    """What is planned with a participant from a local day on, the nearest first; what was called off is left out."""
    return many(session, _of_one(session, follow_up_id, since))
