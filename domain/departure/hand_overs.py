"""Handing follow-ups over: each is offered to one worker, who accepts or refuses; silence goes to the coordinator.

People decide: fit (DP-03a) and having met already (DP-03b) only say who is shown first. Nothing moves before it is
accepted, and the participant is known by number alone. It is done as the participant wants (DP-04).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Text, Uuid, bindparam, cast, insert, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.accompaniment import barring, proposals, withdrawals
from domain.casework import assigning as outside
from domain.casework import scheduling, versions, wakeups, words
from domain.casework.locked_case import hold_case, hold_cases
from domain.casework.locking import Moved, hold
from domain.casework.tasks import needed_reason
from domain.declarations.protocol import ANSWER_WITHIN
from domain.departure import gathering, hand_over_letters
from domain.follow_ups import assigning
from domain.follow_ups.locking import hold as hold_follow_up
from domain.holdings.follow_ups import FOLLOW_UP, without_a_follower
from domain.kernel import program_calendar
from domain.kernel.actors import Actor
from domain.kernel.asking import Question, built
from domain.kernel.refusals import Refusal
from domain.kernel.rows import (
    SHAPE,
    also,
    changes,
    col,
    every,
    first,
    joins,
    of,
    only,
    replaced,
    run,
    same,
    scalar,
    scalars,
    select,
    tuples,
)
from domain.kernel.scope import local_day, program_of
from domain.mail import notices
from domain.record import events
from domain.roles.roles import standing
from domain.terms.days import TO_ACCOMPANY
from domain.terms.parts import PRIMARY
from domain.terms.sharing import circle_of
from locales import N_, say
from models.casework import Case, Evidence, Task
from models.departure import WAYS, HandOver
from models.follow_up import Assignment, FollowUp
from models.lifecycles import TASK
from models.participant import Barred

#: The coordinator's task about an offer without an answer.
SILENT: Final = "hand_over.silent"


def considered_for(session: Session, task: Task, leaver_id: UUID, at: datetime) -> list[proposals.Proposal]:
    """The workers to consider for the follow-up of a task, the best fit first, those who cannot have it last.

    The place of the second of a pair is not for the primary worker, whose own place it would leave empty.
    """
    part = part_of(session, task)
    if part is None:
        return []
    row = first(
        session,
        of(FollowUp).where(FollowUp.id == part.follow_up_id),
    )
    assert row is not None  # noqa: S101 - it is referred to
    offered = proposals.proposals(session, row.participant_id, at=at, asks=row.intensity)
    not_for = {leaver_id, *_primary_beside(session, part, local_day(session, at))}
    return [one_of for one_of in offered if one_of.person_id not in not_for]


def fit_for(session: Session, task: Task, leaver_id: UUID, at: datetime) -> list[proposals.Proposal]:
    """Those who can be assigned a task's follow-up, with what speaks for each, the best fit first. DP-03a, DP-03b."""
    return [one_of for one_of in considered_for(session, task, leaver_id, at) if one_of.possible]


def ways_agreed(session: Session, case_id: UUID) -> dict[str, str]:
    """How each participant wants the hand-over of a departure's follow-ups, where that is agreed; by the item. DP-04"""
    rows = tuples(
        session,
        only(Task.item, Evidence.label)
        .join(Evidence, joins(Evidence.task_id, Task))
        .where(
            Task.case_id == case_id,
            Task.evidence == "way",
            Evidence.kind == "way",
            col(Evidence.withdrawn_at).is_(None),
        )
        .order_by(col(Evidence.added_at)),
    )
    return dict(rows)


def propose(
    session: Session,
    task_id: UUID,
    to_id: UUID,
    *,
    way: str = "",
    note: str = "",
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> Moved:
    """Offer a follow-up to a worker, who has the working days to answer that the protocol declares.

    An earlier offer of it is withdrawn. It is done in the `way` given here, else as agreed with the participant, now or
    later. A `note` is about the participant: those who keep the file read it with the step, and the successor once they
    take over. Raises Refusal: not the step of a follow-up, or a worker who cannot be assigned it.
    """
    held = hold(session, task_id, by=by, at=at, seen=seen)
    if held.case is None or held.case.state != "open":
        raise _nothing()
    if held.task.state != "open" or held.task.holding != FOLLOW_UP:
        raise _nothing()
    if way not in ("", *WAYS):
        raise Refusal("hand_over.way", N_("A hand-over happens by a call or in a meeting."), source="DP-04")
    part = part_of(session, held.task)
    if part is None:
        raise _nothing()
    if to_id == part.person_id:
        raise Refusal("successor.leaver", N_("You cannot take over what you leave yourself."))
    follow_up = hold_follow_up(session, part.follow_up_id, by=by, at=at)
    _refuse_primary(session, part, to_id, at)
    assigning.bar_to(session, follow_up.participant_id, to_id, kind=part.kind, day=local_day(session, at))
    for before in _open_ones(session, part):
        if before.task_id == task_id and before.to_id == to_id:
            words.keep_beside(session, held.task, words.offer(before.id), note)
            return Moved(task_id, "open", held.case_id)
        _take_back(session, before, by=by, at=at)
    within = _days_to_answer(session, held.case, held.task.step)
    answer_by = program_calendar.calendar_of(session).add_working_days(local_day(session, at), within)
    offer = HandOver(
        program_id=program_of(session),
        id=uuid4(),
        case_id=held.case.id,
        task_id=task_id,
        follow_up_id=part.follow_up_id,
        from_id=part.person_id,
        to_id=to_id,
        way=way or ways_agreed(session, held.case.id).get(held.task.item, ""),
        proposed_at=at,
        proposed_by=by.person_id,
        answer_by=answer_by,
    )
    run(session, insert(HandOver).values(**offer.model_dump()))
    words.keep_beside(session, held.task, words.offer(offer.id), note)
    _tell(session, "hand_over.proposed", offer, by, at, person=str(to_id))
    hand_over_letters.offered(session, held.task, offer.id, to_id, answer_by=answer_by, by=by, at=at)
    return Moved(task_id, "open", held.case_id)


def accept(session: Session, hand_over_id: UUID, *, by: Actor, at: datetime) -> Moved:
    """Take the follow-up over, from now on. Only the worker who was offered it does. Raises Refusal."""
    offered = _hold(session, hand_over_id, by)
    task = hold(session, offered.task_id, by=by, at=at, seen=None).task
    part = part_of(session, task)
    if part is None or task.state != "open":
        raise Refusal("hand_over.over", N_("This follow-up was given to someone else meanwhile."))
    _refuse_primary(session, part, offered.to_id, at)
    assigning.assign(
        session,
        part.follow_up_id,
        offered.to_id,
        kind=part.kind,
        instead_of=part.person_id if part.ended_at is None else None,
        by=by,
        at=at,
    )
    agreed = ways_agreed(session, offered.case_id).get(task.item, offered.way)
    _answer(session, replaced(offered, way=agreed), "accepted", by=by, at=at)
    return gathering.record(session, task, successor_id=offered.to_id, by=by, at=at)


def refuse(session: Session, hand_over_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Refuse a follow-up, with the reason. It stays with the leaver, to be offered anew.

    The one who is to hand it over is told at once.
    """
    offered = _hold(session, hand_over_id, by)
    task = _task_of(session, offered)
    # Why a worker does not accompany a participant is about the participant as well.
    kept = words.keep_beside(session, task, words.refusal(hand_over_id), needed_reason(reason))
    _answer(session, offered, "refused", by=by, at=at, reason=kept)
    hand_over_letters.offer_refused(session, task, offered, by=by, at=at)


def lapse(session: Session, at: datetime, *, by: Actor) -> int:
    """Tell the coordinator, once each, of the offers whose day passed in silence; how many. They still stand.

    The question ends for an offer that was answered or withdrawn since, or whose follow-up was settled otherwise. Where
    such an offer has no answer, it is withdrawn.
    """
    today = local_day(session, at)
    _take_back_what_is_over(session, by=by, at=at)
    for task_id in _silence_that_is_over(session):
        outside.call_off(session, task_id, by=by, at=at)
    rows = every(
        session,
        of(HandOver)
        .where(
            HandOver.state == "proposed",
            col(HandOver.lapsed_at).is_(None),
            col(HandOver.answer_by) < today,
            _still_asked(),
        )
        .order_by(col(HandOver.id))
        .with_for_update(),
    )
    for row in rows:
        task = _task_of(session, row)
        outside.assign(
            session,
            SILENT,
            str(row.id),
            title_fr=say("fr", _NOBODY_ANSWERED, what=task.title_fr),
            title_en=say("en", _NOBODY_ANSWERED, what=task.title_en),
            chain=notices.coordination_chain(session),
            due_on=program_calendar.calendar_of(session).add_working_days(today, 1),
            by=by,
            at=at,
        )
        run(
            session,
            update(HandOver)
            .where(col(HandOver.program_id) == row.program_id, col(HandOver.id) == row.id)
            .values(lapsed_at=at, version=col(HandOver.version) + 1),
        )
        _tell(session, "hand_over.silent", row, by, at, person=str(row.to_id))
    return len(rows)


def _take_back_what_is_over(session: Session, *, by: Actor, at: datetime) -> None:
    """Withdraw offers of follow-ups that another has meanwhile, that have no worker any more, or that are barred."""
    over = ~_still_asked()
    # The cases first, as in making or answering an offer.
    hold_cases(session, _cases_of_unanswered(session, over))
    for row in unanswered(session, over):
        _take_back(session, row, by=by, at=at)


def _silence_that_is_over(session: Session) -> list[UUID]:
    """The coordinator's open tasks about offers that no longer wait for an answer."""
    return list(
        scalars(
            session,
            only(Task.id)
            .join(
                HandOver,
                and_(same(HandOver, Task), cast(col(HandOver.id), Text) == col(Task.item)),
            )
            .where(
                Task.step == SILENT,
                col(Task.state).in_(TASK.open_to("cancel")),
                or_(HandOver.state != "proposed", ~_still_asked()),
            )
            .order_by(col(Task.id)),
        )
    )


_NOBODY_ANSWERED = N_("No answer: %(what)s")


class Offered(HandOver):
    """An offer with the words of the step that makes it."""

    model_config = SHAPE
    title_fr: str = also(Task.title_fr)
    title_en: str = also(Task.title_en)
    item: str = also(Task.item)


def offered_to(session: Session, person_id: UUID) -> list[Offered]:
    """The offers that wait for a person's answer, the most pressing first, each in the way agreed on."""
    rows = every(session, *asked_of_offers(person_id))
    agreed = {case_id: ways_agreed(session, case_id) for case_id in {row.case_id for row in rows}}
    return [replaced(row, way=agreed[row.case_id].get(row.item, row.way)) for row in rows]


def asked_of_offers(person_id: UUID) -> Question[SelectOfScalar[Offered]]:
    """What `offered_to` asks first."""
    return Question(_OFFERED, {"person": person_id})


def last_offers(session: Session, case_id: UUID) -> dict[UUID, HandOver]:
    """The last offer of each follow-up that a departure hands over, by task: to which worker, by when, how answered."""
    rows = every(
        session,
        of(HandOver)
        .where(HandOver.case_id == case_id)
        .order_by(col(HandOver.proposed_at), col(HandOver.answered_at).asc().nulls_last()),
    )
    return {row.task_id: row for row in rows}


def taken_over(session: Session, follow_up_id: UUID) -> list[HandOver]:
    """The accepted hand-overs of a follow-up, the newest first: by which worker, to which, how and when."""
    return every(
        session,
        of(HandOver)
        .where(
            HandOver.follow_up_id == follow_up_id,
            HandOver.state == "accepted",
        )
        .order_by(col(HandOver.answered_at).desc(), col(HandOver.id)),
    )


def withdraw_all(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> int:
    """Withdraw a departure's unanswered offers, as where it is cancelled; returns how many.

    The workers who had them are told. The caller has the case locked.
    """
    rows = unanswered(session, col(HandOver.case_id) == case_id)
    for row in rows:
        _take_back(session, row, by=by, at=at)
    return len(rows)


def withdraw_one(session: Session, task_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw the offer of one follow-up that is settled otherwise. The caller has its case locked."""
    for row in unanswered(session, col(HandOver.task_id) == task_id):
        _take_back(session, row, by=by, at=at)


def offering_to(session: Session, person_id: UUID) -> list[UUID]:
    """The cases of the departures that offered this person a follow-up without an answer yet."""
    return _cases_of_unanswered(session, col(HandOver.to_id) == person_id)


def withdraw_from(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> int:
    """Withdraw the offers to a person who leaves themselves, so that they are made anew; returns how many."""
    return _withdraw(session, col(HandOver.to_id) == person_id, by=by, at=at)


@barring.withdraw_offers.owner
def withdraw_barred(session: Session, participant_id: UUID, person_id: UUID, *, by: Actor, at: datetime) -> int:
    """Withdraw the offers of a participant's follow-up to a person who is barred; returns how many.

    The person is not written to: from that moment on they find nothing of the participant. It is offered anew.
    """
    theirs = and_(
        HandOver.to_id == person_id,
        col(HandOver.follow_up_id).in_(only(FollowUp.id).where(FollowUp.participant_id == participant_id)),
    )
    # The cases first, as in making or answering an offer.
    hold_cases(session, _cases_of_unanswered(session, theirs))
    return _withdraw(session, theirs, by=by, at=at)


@withdrawals.withdraw_offers.owner
def withdraw_left_out(session: Session, participant_id: UUID, follow_up_id: UUID, *, by: Actor, at: datetime) -> int:
    """Withdraw a follow-up's offers where its participant does not share with the worker's organization; how many.

    They are told that nothing is left to answer. It is offered anew.
    """
    circle = circle_of(session, participant_id, local_day(session, at))
    today = standing(session, local_day(session, at))
    which = col(HandOver.follow_up_id) == follow_up_id
    hold_cases(session, _cases_of_unanswered(session, which))
    found = 0
    for row in unanswered(session, which):
        part = part_of(session, _task_of(session, row))
        kind = PRIMARY if part is None else part.kind
        places = [held.organization_id for held in assigning.roles_for(today, row.to_id, kind)]
        if not any(circle.withholds_from(place, TO_ACCOMPANY, kind=kind) != "consent" for place in places):
            _take_back(session, row, by=by, at=at)
            found += 1
    return found


def _withdraw(session: Session, which: ColumnElement[bool], *, by: Actor, at: datetime) -> int:
    """Withdraw, without a letter, the unanswered offers for which `which` holds; returns how many."""
    rows = unanswered(session, which)
    for row in rows:
        _answer(session, row, "withdrawn", by=by, at=at)
    for case_id in sorted({row.case_id for row in rows}):
        wakeups.wake(session, case_id, at=at)
    return len(rows)


def _cases_of_unanswered(session: Session, which: ColumnElement[bool]) -> list[UUID]:
    """The cases of the departures that made the offers of `unanswered`; nothing is locked."""
    asked = only(HandOver.case_id).where(which, HandOver.state == "proposed")
    return list(scalars(session, asked.distinct()))


def unanswered(session: Session, which: ColumnElement[bool]) -> list[HandOver]:
    """The unanswered offers for which `which` holds, locked."""
    return every(
        session,
        of(HandOver).where(which, HandOver.state == "proposed").order_by(col(HandOver.id)).with_for_update(),
    )


def _take_back(session: Session, row: HandOver, *, by: Actor, at: datetime) -> None:
    """Withdraw a locked offer, and tell its worker that no answer is needed any more, unless they are barred."""
    _answer(session, row, "withdrawn", by=by, at=at)
    if scalar(session, select(_is_barred()).where(HandOver.program_id == row.program_id, HandOver.id == row.id)):
        return
    hand_over_letters.offer_taken_back(session, _task_of(session, row), row, by=by, at=at)


def _task_of(session: Session, offer: HandOver) -> Task:
    """The step of a departure that hands over what was offered."""
    found = first(session, of(Task).where(Task.id == offer.task_id))
    assert found is not None  # noqa: S101 - it is referred to
    return found


def _nothing() -> Refusal:
    return Refusal("hand_over.nothing", N_("There is no follow-up to hand over here, or it is settled."))


def _days_to_answer(session: Session, case: Case, step: str) -> int:
    """The working days within which an offered follow-up is to be answered, as the case's own protocol declares."""
    declared = scheduling.protocol_of(versions.pinned(session, case)).by_id[step].for_each
    assert declared is not None  # noqa: S101 - a step that settles a holding is done for each
    return declared.answer_within or ANSWER_WITHIN


def _still_asked() -> Any:
    """The condition on an offer that its follow-up is still to be handed over, to that worker: not settled otherwise.

    It fails where the participant barred them since: they are told nothing more of it.
    """
    asks = aliased(Task)  # beside the task whose words are read with the offer
    to_hand_over = select(asks.id).where(joins(HandOver.task_id, asks), asks.state == "open").exists()
    return and_(to_hand_over, ~_is_barred())


def _is_barred() -> ColumnElement[bool]:
    """The condition on an offer that its worker is barred by the participant."""
    return (
        select(Barred.id)
        .join(
            FollowUp,
            and_(
                same(FollowUp, Barred),
                FollowUp.participant_id == Barred.participant_id,
            ),
        )
        .where(
            same(Barred, HandOver),
            Barred.person_id == HandOver.to_id,
            col(Barred.lifted_at).is_(None),
            FollowUp.id == HandOver.follow_up_id,
        )
        .correlate(HandOver)
        .exists()
    )


def part_of(session: Session, task: Task) -> Assignment | None:
    """The leaver's part in the follow-up that a task asks about, while it goes on or no one has its place."""
    if task.holding != FOLLOW_UP:
        return None
    return first(
        session,
        of(Assignment).where(
            col(Assignment.id) == UUID(task.item),
            or_(col(Assignment.ended_at).is_(None), without_a_follower()),
        ),
    )


def _primary_beside(session: Session, part: Assignment, day: date) -> set[UUID]:
    """The follow-up's primary worker on a local day, where the part is the second's; else none."""
    beside = assigning.on_day(session, day, follow_up_ids=[part.follow_up_id])
    return {row.person_id for row in beside if row.kind == PRIMARY != part.kind}


def _refuse_primary(session: Session, part: Assignment, to_id: UUID, at: datetime) -> None:
    if to_id in _primary_beside(session, part, local_day(session, at)):
        raise Refusal(
            "successor.primary",
            N_(
                "This person is already the primary worker of this follow-up. Choose someone "
                "else as the second, or leave it vacant with the reason."
            ),
            source="DP-03b",
        )


def _open_ones(session: Session, part: Assignment) -> list[HandOver]:
    """The unanswered offer of a person's part in a follow-up, of any of their departures."""
    return every(
        session,
        of(HandOver).where(
            HandOver.follow_up_id == part.follow_up_id,
            HandOver.from_id == part.person_id,
            HandOver.state == "proposed",
        ),
    )


def _hold(session: Session, hand_over_id: UUID, by: Actor) -> HandOver:
    """An offer with its case, both locked. The case comes first, as in making an offer: else the two wait for ever."""
    asked = of(HandOver).where(HandOver.id == hand_over_id)
    found = first(session, asked)
    if found is None or not by.is_one_of(found.to_id):
        raise Refusal("hand_over.unknown", N_("Nothing of that name was offered to you."))
    hold_case(session, found.case_id, seen=None)
    row = first(session, asked.with_for_update())
    assert row is not None  # noqa: S101 - it was read, and none is deleted
    if row.state != "proposed":
        raise Refusal("hand_over.answered", N_("This was already answered, or offered to someone else meanwhile."))
    return row


def _answer(session: Session, row: HandOver, state: str, *, by: Actor, at: datetime, reason: str = "") -> None:
    run(
        session,
        changes(HandOver)
        .where(HandOver.id == row.id)
        .values(state=state, way=row.way, answered_at=at, reason=reason, version=col(HandOver.version) + 1),
    )
    _tell(session, _TOLD[state], row, by, at, person=str(row.to_id))


_TOLD: Final[Mapping[str, str]] = {
    "accepted": "hand_over.accepted",
    "refused": "hand_over.refused",
    "withdrawn": "hand_over.withdrawn",
}


def _tell(session: Session, verb: str, row: HandOver, by: Actor, at: datetime, *, person: str) -> None:
    events.write(session, verb, "case", row.case_id, by=by, at=at, case_id=row.case_id, person=person)


_OFFERED: Final = built(
    of(Offered)
    .join(Task, joins(HandOver.task_id, Task))
    .where(
        col(HandOver.to_id) == bindparam("person", type_=Uuid()),
        HandOver.state == "proposed",
        _still_asked(),
    )
    .order_by(col(HandOver.answer_by), col(Task.title_en), col(HandOver.id))
)
