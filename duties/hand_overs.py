"""Handing follow-ups over: each offered to one worker, who accepts or refuses; silence goes to the coordinator.

People decide: fit (DP-03a) and having met already (DP-03b) only say who is shown first. Nothing moves before it is
accepted, and the participant is known by number alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update
from sqlmodel import Session

from duties import assigning as outside
from duties import events, gathering, notices, scheduling
from duties.actors import Actor
from duties.follow_ups import assigning, load
from duties.follow_ups.held import hold as hold_follow_up
from duties.held import Moved, hold
from duties.held_case import hold_case
from duties.here import local_day, many, one, program_of
from duties.holdings.follow_ups import FOLLOW_UP
from duties.refusals import Refusal
from duties.tasks import needed_reason
from locales import N_, say
from models.base import table_of
from models.casework import Task
from models.departure import WAYS, HandOver
from models.follow_up import Assignment

#: Whoever is offered a follow-up answers within so many working days.
DAYS_TO_ANSWER: Final = 3
#: The coordinator's task where nobody answered.
SILENT: Final = "hand_over.silent"

_hand_over = table_of(HandOver)
_assignment = table_of(Assignment)
_task = table_of(Task)


@dataclass(frozen=True)
class Line:
    """What a bulk proposal does with one follow-up: offered to somebody, or why not, as a refusal's code."""

    task_id: UUID
    title_fr: str
    title_en: str
    to_id: UUID | None
    refused: str = ""


def fit_for(session: Session, task: Mapping[str, Any], leaver_id: UUID, at: datetime) -> list[UUID]:
    """Who can be given the follow-up of a task: who accompanies it already first, then whoever has most room."""
    part = _part(session, task)
    if part is None:
        return []
    held = hold_follow_up(session, part["follow_up_id"], by=Actor(role=""), at=at)
    day = local_day(session, at)
    met = [
        row["person_id"]
        for row in assigning.on_day(session, day, follow_up_ids=[held.id])
        if row["person_id"] != leaver_id
    ]
    able = [one.person_id for one in load.loads(session, day, participant_id=held.participant_id) if not one.bars]
    return [*(one for one in met if one in able), *(one for one in able if one not in met and one != leaver_id)]


def propose(
    session: Session,
    task_id: UUID,
    to_id: UUID,
    *,
    way: str = WAYS[0],
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> Moved:
    """Offer a follow-up to a worker, who has some working days to answer. One that was offered before is withdrawn.

    Raises Refusal: not the step of a follow-up, or a worker who cannot be given it.
    """
    held = hold(session, task_id, by=by, at=at, seen=seen)
    if held.case is None or held.task["holding"] != FOLLOW_UP or held.task["state"] != "open":
        raise Refusal("hand_over.nothing", N_("There is no follow-up to hand over here, or it is settled."))
    if way not in WAYS:
        raise Refusal("hand_over.way", N_("A hand-over happens by a call or in a meeting."), source="DP-04")
    part = _part(session, held.task)
    if part is None:
        raise Refusal("hand_over.nothing", N_("There is no follow-up to hand over here, or it is settled."))
    if to_id == part["person_id"]:
        raise Refusal("successor.leaver", N_("Nobody takes over what they leave themselves."))
    follow_up = hold_follow_up(session, part["follow_up_id"], by=by, at=at)
    assigning.bar_to(session, follow_up.participant_id, to_id, kind=part["kind"], day=local_day(session, at))
    before = _open_one(session, task_id)
    if before is not None and before["to_id"] == to_id:
        return Moved(task_id, "open", held.case_id)
    if before is not None:
        _answer(session, before, "withdrawn", by=by, at=at)
    answer_by = scheduling.calendar_of(session).add_working_days(local_day(session, at), DAYS_TO_ANSWER)
    hand_over_id = uuid4()
    session.execute(
        insert(_hand_over).values(
            **HandOver(
                program_id=program_of(session),
                id=hand_over_id,
                case_id=held.case["id"],
                task_id=task_id,
                follow_up_id=part["follow_up_id"],
                from_id=part["person_id"],
                to_id=to_id,
                way=way,
                proposed_at=at,
                proposed_by=by.person_id,
                answer_by=answer_by,
            ).model_dump()
        )
    )
    _tell(session, "hand_over.proposed", {"id": hand_over_id, "case_id": held.case["id"]}, by, at, person=str(to_id))
    notices.passed_on(session, {**held.task, "id": hand_over_id}, to_id, by=by, at=at)
    return Moved(task_id, "open", held.case_id)


def propose_all(session: Session, case_id: UUID, *, dry_run: bool, by: Actor, at: datetime) -> list[Line]:
    """Offer every follow-up that nobody was offered yet to whoever fits it best; one line each, none left out.

    A dry run does the same and takes it back, so that what it says is what happens. What is refused for one holds up
    no other. A second run has nothing to offer.
    """
    hold_case(session, case_id, seen=None)
    rows = many(
        session,
        select(_task)
        .where(
            _task.c.program_id == program_of(session),
            _task.c.case_id == case_id,
            _task.c.holding == FOLLOW_UP,
            _task.c.state == "open",
        )
        .order_by(_task.c.title_en, _task.c.id),
    )
    whole = session.begin_nested()
    lines = [_propose_one(session, row, by, at) for row in rows if _open_one(session, row["id"]) is None]
    if dry_run:
        whole.rollback()
    else:
        whole.commit()
        events.write(
            session,
            "hand_overs.proposed",
            "case",
            case_id,
            by=by,
            at=at,
            case_id=case_id,
            offered=sum(1 for line in lines if not line.refused),
            refused=sum(1 for line in lines if line.refused),
        )
    return lines


def _propose_one(session: Session, task: Mapping[str, Any], by: Actor, at: datetime) -> Line:
    titles = task["title_fr"], task["title_en"]
    part = _part(session, task)
    fit = fit_for(session, task, part["person_id"], at) if part else []
    if not fit:
        return Line(task["id"], *titles, None, "hand_over.nobody_fits")
    try:
        with session.begin_nested():
            propose(session, task["id"], fit[0], by=by, at=at)
    except Refusal as refusal:
        return Line(task["id"], *titles, None, refusal.code)
    return Line(task["id"], *titles, fit[0])


def accept(session: Session, hand_over_id: UUID, *, by: Actor, at: datetime) -> Moved:
    """Take the follow-up over, from now on. Only who was offered it does. Raises Refusal."""
    offered = _hold(session, hand_over_id, by)
    task = hold(session, offered["task_id"], by=by, at=at, seen=None).task
    part = _part(session, task)
    if part is None or task["state"] != "open":
        raise Refusal("hand_over.over", N_("This follow-up is in other hands meanwhile."))
    assigning.assign(
        session,
        part["follow_up_id"],
        offered["to_id"],
        kind=part["kind"],
        instead_of=part["person_id"],
        by=by,
        at=at,
    )
    _answer(session, offered, "accepted", by=by, at=at)
    return gathering.record(session, task, successor_id=offered["to_id"], by=by, at=at)


def refuse(session: Session, hand_over_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Say, with the reason, that one does not take a follow-up over. It stays with who leaves, to be offered anew."""
    offered = _hold(session, hand_over_id, by)
    _answer(session, offered, "refused", by=by, at=at, reason=needed_reason(reason))


def lapse(session: Session, at: datetime, *, by: Actor) -> int:
    """Tell the coordinator, once each, of the offers whose day passed in silence; how many. They still stand."""
    today = local_day(session, at)
    rows = many(
        session,
        select(_hand_over)
        .where(
            _hand_over.c.program_id == program_of(session),
            _hand_over.c.state == "proposed",
            _hand_over.c.lapsed_at.is_(None),
            _hand_over.c.answer_by < today,
        )
        .order_by(_hand_over.c.id)
        .with_for_update(),
    )
    for row in rows:
        task = one(session, select(_task).where(_task.c.id == row["task_id"], _task.c.program_id == row["program_id"]))
        assert task is not None  # noqa: S101 - it is referred to
        words = {lang: say(lang, _NOBODY_ANSWERED, what=task[f"title_{lang}"]) for lang in ("fr", "en")}
        outside.assign(
            session,
            SILENT,
            str(row["id"]),
            title_fr=words["fr"],
            title_en=words["en"],
            chain=[{"role": "coordinator", "at": "*"}],
            due_on=scheduling.calendar_of(session).add_working_days(today, 1),
            by=by,
            at=at,
        )
        session.execute(
            update(_hand_over)
            .where(_hand_over.c.program_id == row["program_id"], _hand_over.c.id == row["id"])
            .values(lapsed_at=at, version=_hand_over.c.version + 1)
        )
        _tell(session, "hand_over.silent", row, by, at, person=str(row["to_id"]))
    return len(rows)


_NOBODY_ANSWERED = N_("No answer: %(what)s")


def offered_to(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """What waits for somebody's answer, the most pressing first, with the words of the step."""
    return many(
        session,
        select(_hand_over, _task.c.title_fr, _task.c.title_en)
        .join(_task, (_task.c.program_id == _hand_over.c.program_id) & (_task.c.id == _hand_over.c.task_id))
        .where(
            _hand_over.c.program_id == program_of(session),
            _hand_over.c.to_id == person_id,
            _hand_over.c.state == "proposed",
        )
        .order_by(_hand_over.c.answer_by, _hand_over.c.id),
    )


def _part(session: Session, task: Mapping[str, Any]) -> dict[str, Any] | None:
    """The leaver's part in the follow-up that a task asks about, while it goes on."""
    if task["holding"] != FOLLOW_UP:
        return None
    return one(
        session,
        select(_assignment).where(
            _assignment.c.program_id == program_of(session),
            _assignment.c.id == UUID(task["item"]),
            _assignment.c.withdrawn_at.is_(None),
            _assignment.c.ended_at.is_(None),
        ),
    )


def _open_one(session: Session, task_id: UUID) -> dict[str, Any] | None:
    return one(
        session,
        select(_hand_over).where(
            _hand_over.c.program_id == program_of(session),
            _hand_over.c.task_id == task_id,
            _hand_over.c.state == "proposed",
        ),
    )


def _hold(session: Session, hand_over_id: UUID, by: Actor) -> dict[str, Any]:
    row = one(
        session,
        select(_hand_over)
        .where(_hand_over.c.program_id == program_of(session), _hand_over.c.id == hand_over_id)
        .with_for_update(),
    )
    if row is None or not by.is_one_of(row["to_id"]):
        raise Refusal("hand_over.unknown", N_("Nothing of that name was offered to you."))
    if row["state"] != "proposed":
        raise Refusal("hand_over.answered", N_("This was answered already, or offered to somebody else meanwhile."))
    return row


def _answer(session: Session, row: Mapping[str, Any], state: str, *, by: Actor, at: datetime, reason: str = "") -> None:
    session.execute(
        update(_hand_over)
        .where(_hand_over.c.program_id == program_of(session), _hand_over.c.id == row["id"])
        .values(state=state, answered_at=at, reason=reason, version=_hand_over.c.version + 1)
    )
    _tell(session, _TOLD[state], row, by, at, person=str(row["to_id"]))


_TOLD: Final[Mapping[str, str]] = {
    "accepted": "hand_over.accepted",
    "refused": "hand_over.refused",
    "withdrawn": "hand_over.withdrawn",
}


def _tell(session: Session, verb: str, row: Mapping[str, Any], by: Actor, at: datetime, *, person: str) -> None:
    events.write(session, verb, "case", row["case_id"], by=by, at=at, case_id=row["case_id"], person=person)
