"""What becomes of a thing that somebody leaves behind: who takes it over, or how it ends. One settler a kind.

A settlement does what it says in the same transaction: the task falls on the successor, the seat is theirs from the
day after the last one, the equipment is back. Nobody can merely declare it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from domain.accompaniment import workers
from domain.casework import cases
from domain.casework.approving import bar_to_approval, people_of
from domain.casework.board import chains
from domain.casework.locking import Moved, change, hold
from domain.casework.tasks import needed_reason
from domain.departure import accounts, drafts, gathering, hand_overs, hiring, last_days, taking_tasks
from domain.equipment import lending
from domain.follow_ups import assigning
from domain.holdings import candidates, duty, notes, roles, seats, things
from domain.holdings.follow_ups import FOLLOW_UP
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, one, program_of
from domain.kernel.typed_words import trimmed
from domain.mail import notices
from domain.participants import referring
from domain.participants.locking import hold_participant
from domain.people import seat_holders
from domain.record import events
from domain.roles import takers
from domain.roles.roles import Link, Standing, responsibility, standing
from locales import N_
from models.base import refers, table_of
from models.casework import Task
from models.committee import Seat, SeatHolder
from models.departure import Departure
from models.equipment import Loan
from models.follow_up import Assignment
from models.meeting import MeetingGuest
from models.participant import CandidateWorker
from models.program import Absence, Tenure

_task = table_of(Task)
_tenure = table_of(Tenure)
_assignment = table_of(Assignment)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_guest = table_of(MeetingGuest)
_absence = table_of(Absence)
_loan = table_of(Loan)
_departure = table_of(Departure)
_named = table_of(CandidateWorker)

LONGEST_NOTE: Final = 1_000

_AUTHORS_ALONE: Final = N_(
    "Until the last day, %(day)s, is over, only its author can send this referral, "
    "delete it, or leave it to the coordinator. No one else reads it before."
)


@dataclass(frozen=True)
class Settling:
    """One thing being settled: its task and departure, who takes it over or how it ends, and who says so."""

    session: Session
    task: dict[str, Any]
    case: dict[str, Any]
    departure: dict[str, Any]
    successor_id: UUID | None
    ended_as: str
    note: str
    by: Actor
    at: datetime

    @property
    def holding_id(self) -> UUID:
        """The thing's id."""
        return UUID(self.task["item"])

    @property
    def leaver_id(self) -> UUID:
        """Who leaves it."""
        found: UUID = self.case["subject_id"]
        return found

    @property
    def after(self) -> date:
        """The first day on which the leaver is gone, or today where that is later."""
        first: date = self.departure["last_day"] + timedelta(days=1)
        return max(first, local_day(self.session, self.at))

    @property
    def here(self) -> UUID:
        """The program."""
        return program_of(self.session)


def settle_holding(
    session: Session,
    task_id: UUID,
    *,
    successor_id: UUID | None = None,
    ended_as: str = "",
    note: str = "",
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> Moved:
    """Settle the thing that a task asks about: a successor takes it over, or it ends as the kind lets it.

    Raises Refusal: settled already, neither or both given, a successor who is not there to take it, an ending that
    such a thing does not have.
    """
    held = hold(session, task_id, by=by, at=at, seen=seen)
    if not held.task["holding"] or held.case is None:
        raise Refusal("holding.none", N_("This task settles nothing that a person has in hand."))
    if held.case["state"] != "open" or held.task["state"] != "open":
        raise Refusal("holding.settled", N_("This is already settled, or its case is no longer open."))
    departure = gathering.departure_of(session, held.case["id"])
    if departure is None:
        raise Refusal("holding.none", N_("This task settles nothing that a person has in hand."))
    kind = held.task["holding"]
    if (successor_id is None) == (not ended_as):
        raise Refusal("holding.one_way", N_("Say who takes this over, or how it ends: one of the two."))
    note = _checked(note)
    if ended_as and ended_as not in ENDINGS[kind]:
        raise Refusal("holding.no_such_end", N_("This cannot end that way."))
    if kind == candidates.DRAFT:
        _refuse_of_draft(session, departure, ended_as, by=by, at=at)
    if successor_id is not None and not TAKEN_OVER[kind]:
        raise Refusal("holding.nobody_takes_it", N_("This cannot be taken over: say how it ends."))
    if ended_as in _WITH_A_REASON:
        note = needed_reason(note)
    if kind == FOLLOW_UP and successor_id is not None:
        # Nothing moves before whoever is to accompany the participant accepts.
        return hand_overs.propose(session, task_id, successor_id, note=note, by=by, at=at)
    one_thing = Settling(session, held.task, held.case, departure, successor_id, ended_as, note, by, at)
    if successor_id is not None:
        _refuse_unfit(one_thing, successor_id)
    _SETTLERS[kind](one_thing)
    moved = gathering.record(session, held.task, successor_id=successor_id, ended_as=ended_as, note=note, by=by, at=at)
    if successor_id is not None:
        _tell(one_thing, successor_id)
    return moved


def report_missing(
    session: Session, task_id: UUID, *, note: str, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Note that a piece of equipment is not there. It stays asked for, until it is back or given up. Raises Refusal."""
    held = hold(session, task_id, by=by, at=at, seen=seen)
    if held.task["holding"] != things.EQUIPMENT or held.task["state"] != "open":
        raise Refusal("equipment.not_asked_for", N_("Only equipment that is still asked for can be reported missing."))
    thing_id = _thing_of(session, held.task)
    if thing_id is not None:
        lending.report_missing(session, thing_id, note=note, by=by, at=at, case_id=held.case_id)
    change(session, held)


def _thing_of(session: Session, task: Mapping[str, Any]) -> UUID | None:
    """The piece of equipment that a task asks for, while it is in hand: the item of the task is the loan."""
    found: UUID | None = session.scalar(
        select(_loan.c.equipment_id).where(
            _loan.c.program_id == program_of(session),
            _loan.c.id == UUID(task["item"]),
            _loan.c.returned_at.is_(None),
        )
    )
    return found


def missing_since(session: Session, task: Mapping[str, Any]) -> datetime | None:
    """Since when the equipment that a task asks for is known not to be there."""
    found: datetime | None = session.scalar(
        select(_loan.c.missing_since).where(_loan.c.program_id == program_of(session), _loan.c.id == UUID(task["item"]))
    )
    return found


def may_take_over(session: Session, task: Mapping[str, Any], case: Mapping[str, Any], at: datetime) -> list[UUID]:
    """Who could take over what a task asks about, for a form: those who hold what it needs and do not leave."""
    departure = gathering.departure_of(session, case["id"])
    if departure is None or not TAKEN_OVER.get(task["holding"], False):
        return []
    if task["holding"] == FOLLOW_UP:
        return [one_of.person_id for one_of in hand_overs.fit_for(session, task, case["subject_id"], at)]
    if task["holding"] == candidates.CANDIDATE:
        return _for_candidate(session, UUID(task["item"]), case["subject_id"], at)
    after = max(departure["last_day"] + timedelta(days=1), local_day(session, at))
    fit = _fit(session, task["holding"], UUID(task["item"]), after, at)
    able = fit - _leaving_by(session, after) - {case["subject_id"]}
    if task["holding"] == duty.APPROVAL:
        able -= _barred_from_approving(session, UUID(task["item"]), able, after)
    return sorted(able, key=str)


def why_nobody(session: Session, task: Mapping[str, Any]) -> str:
    """Why nobody is offered to take a thing over by name, for a form that lists none; a message's id."""
    if task["holding"] in _APPROVED_OR_OWED and taking_tasks.is_of_the_role_alone(
        session, UUID(task["item"]), approval=task["holding"] == duty.APPROVAL
    ):
        return _OF_THE_ROLE
    return _NOBODY_FIT


_OF_THE_ROLE: Final = N_(
    "Only a holder of the role that owes this may do it, and no one else holds it "
    "then. It stays with the role until someone does."
)
_NOBODY_FIT: Final = N_("No one else has access to this then: say how it ends.")


def _fit(session: Session, kind: str, holding_id: UUID, day: date, at: datetime) -> set[UUID]:
    """Who may have a thing of a kind from a day on, by what it is: what the form lists, and the verb asks."""
    then = standing(session, day)
    if kind == seats.SEAT:
        return _for_seat(session, holding_id, then)
    if kind == seats.DEPUTIZING:
        return _for_absent(session, holding_id, then)
    if kind in _APPROVED_OR_OWED:
        today = local_day(session, at)
        return set(taking_tasks.takers_of(session, holding_id, then, today, approval=kind == duty.APPROVAL))
    if kind == roles.TENURE:
        return _for_role(session, holding_id, then)
    return {held.person_id for held in then.tenures}


# ------------------------------------------------------------------------------------------------------- each its way


def _settle_task(one_thing: Settling, column: str = "owed_by_id") -> None:
    session = one_thing.session
    row = one(
        session,
        select(_task).where(_task.c.program_id == one_thing.here, _task.c.id == one_thing.holding_id).with_for_update(),
    )
    if row is None or row["state"] not in ("open", "submitted"):
        return  # it came to rest meanwhile
    chain = chains(session, [row[column]])[row[column]]
    if one_thing.successor_id is None:
        _refuse_untrue_end(one_thing, chain, "approvals" if column == "approved_by_id" else "tasks")
        return
    if column == "approved_by_id":
        successor = Actor(role="", person_id=one_thing.successor_id)
        bar = bar_to_approval(row, successor, lambda link: _people_of(one_thing, link))
        if bar is not None:
            raise Refusal("holding.own_request", N_("This person did it, or may not approve it: name someone else."))
    link = _link_of(one_thing, one_thing.successor_id, approval=column == "approved_by_id")
    others = [other for other in chain if other.get("person") != str(one_thing.leaver_id)]
    values: dict[str, Any] = {column: responsibility(session, [link, *others])}
    if column == "owed_by_id":
        values["declared_owed_by_id"] = values[column]
    session.execute(
        update(_task)
        .where(_task.c.program_id == one_thing.here, _task.c.id == row["id"], _task.c.version == row["version"])
        .values(**values, version=_task.c.version + 1)
    )
    events.write(
        session,
        "task.passed_on",
        "task",
        row["id"],
        by=one_thing.by,
        at=one_thing.at,
        case_id=row["case_id"],
        step=row["step"],
        item=row["item"],
        person=str(one_thing.successor_id),
        role=chain[0]["role"],
        place=chain[0]["at"],
    )


def _settle_approval(one_thing: Settling) -> None:
    _settle_task(one_thing, "approved_by_id")


def _settle_signature(one_thing: Settling) -> None:
    """Whoever directs then signs: there is nothing to move."""


def _settle_seat(one_thing: Settling) -> None:
    session = one_thing.session
    row = one(
        session,
        select(_holder)
        .where(_holder.c.program_id == one_thing.here, _holder.c.id == one_thing.holding_id)
        .with_for_update(),
    )
    if row is None:
        return
    last_day = one_thing.departure["last_day"]
    seat_holders.end_seat(session, row, last_day, by=one_thing.by, at=one_thing.at)
    if one_thing.successor_id is not None:
        seat_holders.give_seat(
            session,
            row["seat_id"],
            one_thing.successor_id,
            kind=row["kind"],
            starts_on=one_thing.after,
            by=one_thing.by,
            at=one_thing.at,
            case_id=one_thing.case["id"],
        )


def _settle_guest(one_thing: Settling) -> None:
    session = one_thing.session
    row = session.execute(
        update(_guest)
        .where(
            _guest.c.program_id == one_thing.here,
            _guest.c.id == one_thing.holding_id,
            _guest.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=one_thing.at, withdrawn_by=one_thing.by.role)
        .returning(_guest.c.meeting_id)
    ).first()
    if row is None:
        return
    events.write(
        session,
        "guest.withdrawn",
        "meeting",
        row.meeting_id,
        by=one_thing.by,
        at=one_thing.at,
        person=str(one_thing.leaver_id),
    )


def _settle_deputizing(one_thing: Settling) -> None:
    """Somebody acts in the leaver's place, or nobody, once the last day is over: until then the leaver does."""
    session = one_thing.session
    row = one(
        session,
        select(_absence)
        .where(_absence.c.program_id == one_thing.here, _absence.c.id == one_thing.holding_id)
        .with_for_update(),
    )
    if row is None:
        return
    if one_thing.successor_id == row["person_id"]:
        raise Refusal("absence.own_deputy", N_("A person cannot be their own deputy."))
    if one_thing.departure["ended_at"] is not None:
        last_days.change_deputy(
            session, row["id"], one_thing.leaver_id, one_thing.successor_id, by=one_thing.by, at=one_thing.at
        )


def _settle_equipment(one_thing: Settling) -> None:
    """It is back in the inventory, with its condition; or it is given up, once it was reported missing (DP-07)."""
    thing_id = _thing_of(one_thing.session, one_thing.task)
    if thing_id is None:
        return  # it was taken back meanwhile, on the page of the inventory
    session, by, at, case_id = one_thing.session, one_thing.by, one_thing.at, one_thing.case["id"]
    if one_thing.ended_as == "lost":
        lending.give_up(session, thing_id, reason=one_thing.note, by=by, at=at, case_id=case_id)
    else:
        lending.take_back(session, thing_id, condition=one_thing.note, by=by, at=at, case_id=case_id)


def _settle_account(one_thing: Settling) -> None:
    accounts.close_account(one_thing.session, one_thing.holding_id, by=one_thing.by, at=one_thing.at)


def _settle_tenure(one_thing: Settling) -> None:
    """Somebody follows in the role, from the day after its own last one; or is looked for; or nobody is to. DP-01."""
    session = one_thing.session
    tenure = one(
        session, select(_tenure).where(_tenure.c.program_id == one_thing.here, _tenure.c.id == one_thing.holding_id)
    )
    if tenure is None:
        return
    if one_thing.successor_id is None:
        if one_thing.ended_as == "recruiting":
            _look_for_somebody(one_thing)
        return
    _refuse_own_successor(one_thing)
    ends_on = tenure["ends_on"] or one_thing.departure["last_day"]
    hiring.take_on(
        session,
        one_thing.successor_id,
        tenure["role"],
        tenure["organization_id"],
        starts_on=max(ends_on + timedelta(days=1), local_day(session, one_thing.at)),
        recruited=False,
        by=one_thing.by,
        at=one_thing.at,
    )


def _look_for_somebody(one_thing: Settling) -> None:
    """Open the recruiting at the organization. Where one is open for another place, this one's turn comes after it."""
    session, place = one_thing.session, one_thing.case["organization_id"]
    try:
        cases.open_case(session, hiring.RECRUITING, organization_id=place, by=one_thing.by, at=one_thing.at)
    except Refusal as refusal:
        if refusal.code != "case.already_open":
            raise
        role = roles.called(session, one_thing.holding_id)
        hiring.recruit_afterwards(session, place, role, by=one_thing.by, at=one_thing.at)


def _settle_follow_up(one_thing: Settling) -> None:
    """It is left vacant, with the reason: the coordinator has it as a vacancy from now on."""
    session = one_thing.session
    part = one(
        session,
        select(_assignment).where(
            _assignment.c.program_id == one_thing.here,
            _assignment.c.id == one_thing.holding_id,
            _assignment.c.ended_at.is_(None),
        ),
    )
    if part is not None:
        assigning.end_part(session, part["follow_up_id"], part["person_id"], by=one_thing.by, at=one_thing.at)
    hand_overs.withdraw_one(session, one_thing.task["id"], by=one_thing.by, at=one_thing.at)


def _settle_note(one_thing: Settling) -> None:
    """It stays as it is, with the reason: nobody owes it any more. What was written of it is kept."""


def _settle_candidate(one_thing: Settling) -> None:
    """Somebody else meets the candidate, or nobody is named any more and the coordinator has them. Guide: AD-R3."""
    session, by, at = one_thing.session, one_thing.by, one_thing.at
    row = one(
        session,
        select(_named).where(
            _named.c.program_id == one_thing.here, _named.c.id == one_thing.holding_id, _named.c.ended_at.is_(None)
        ),
    )
    if row is None:
        return  # somebody else was named meanwhile, or the candidate goes no further
    participant_id, successor_id = row["participant_id"], one_thing.successor_id
    if row["second_id"] == one_thing.leaver_id:
        workers.change_second(session, participant_id, successor_id, by=by, at=at)
    elif successor_id is None:
        workers.take_back(session, hold_participant(session, participant_id), "left", by=by, at=at)
        events.write(session, "participant.worker_left", "participant", participant_id, by=by, at=at)
    else:
        second = None if row["second_id"] == successor_id else row["second_id"]
        workers.name_worker(session, participant_id, successor_id, second_id=second, by=by, at=at)


def _settle_draft(one_thing: Settling) -> None:
    """The coordinator goes on with it, whoever that is; or who may read it throws it away. Nobody else has it ever."""
    session, by, at = one_thing.session, one_thing.by, one_thing.at
    if one_thing.ended_as == "thrown_away":
        referring.throw_draft_away(session, one_thing.holding_id, by=by, at=at)
    else:
        referring.leave_draft(session, one_thing.holding_id, by=by, at=at)


_SETTLERS: Final[Mapping[str, Callable[[Settling], None]]] = {
    FOLLOW_UP: _settle_follow_up,
    roles.TENURE: _settle_tenure,
    roles.SIGNATURE: _settle_signature,
    duty.TASK: _settle_task,
    duty.APPROVAL: _settle_approval,
    duty.DECISION: _settle_task,
    seats.SEAT: _settle_seat,
    seats.GUEST: _settle_guest,
    seats.DEPUTIZING: _settle_deputizing,
    things.EQUIPMENT: _settle_equipment,
    things.ACCOUNT: _settle_account,
    notes.NOTE: _settle_note,
    candidates.CANDIDATE: _settle_candidate,
    candidates.REFERRAL: _settle_task,
    candidates.DRAFT: _settle_draft,
}

#: How each kind of thing can end that nobody takes over.
ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    FOLLOW_UP: ("left_vacant",),
    roles.TENURE: ("recruiting", "not_replaced"),
    roles.SIGNATURE: ("with_the_role",),
    duty.TASK: ("with_the_role", "left_vacant"),
    duty.APPROVAL: ("with_the_role", "left_vacant"),
    duty.DECISION: ("with_the_role", "left_vacant"),
    seats.SEAT: ("left_vacant",),
    seats.GUEST: ("not_invited",),
    seats.DEPUTIZING: ("nobody_deputizes",),
    things.EQUIPMENT: ("returned", "lost"),
    things.ACCOUNT: ("closed",),
    notes.NOTE: ("left_unfinished",),
    candidates.CANDIDATE: ("left_vacant",),
    candidates.REFERRAL: ("with_the_role", "left_vacant"),
    candidates.DRAFT: ("to_the_coordinator", "thrown_away"),
}

#: What the leaver alone may say of their own: nobody else knows what would be lost.
_OF_THE_LEAVER: Final = ("thrown_away",)


def endings(kind: str, *, own: bool, over: bool) -> tuple[str, ...]:
    """How a thing of a kind can end that nobody takes over, as the leaver may say it, or another.

    `over` says that the last day is: before, its author alone says what becomes of a draft.
    """
    if kind == candidates.DRAFT and not own and not over:
        return ()
    return tuple(end for end in ENDINGS[kind] if own or end not in _OF_THE_LEAVER)


def would_be_nobodys(session: Session, task: Mapping[str, Any], case: Mapping[str, Any], at: datetime) -> bool:
    """Whether what a task asks about would be nobody's if it stayed with its role: then it does not end so."""
    departure = gathering.departure_of(session, case["id"])
    if departure is None or task["holding"] not in _APPROVED_OR_OWED:
        return False
    this = (_task.c.program_id == program_of(session), _task.c.id == UUID(task["item"]))
    row = one(session, select(_task).where(*this))
    if row is None:
        return False
    column, kind = ("approved_by_id", "approvals") if task["holding"] == duty.APPROVAL else ("owed_by_id", "tasks")
    then = standing(session, max(departure["last_day"] + timedelta(days=1), local_day(session, at)))
    chain = chains(session, [row[column]])[row[column]]
    return not _has_somebody_in_line(then, chain, kind, case["subject_id"])


def _has_somebody_in_line(then: Standing, chain: list[Link], kind: str, leaver_id: UUID) -> bool:
    return any(holder.person_id != leaver_id for holder in then.falls(chain, kind=kind).holders)


#: Whether somebody can take a thing of the kind over.
TAKEN_OVER: Final[Mapping[str, bool]] = {
    kind: kind not in (roles.SIGNATURE, seats.GUEST, things.EQUIPMENT, things.ACCOUNT, notes.NOTE, candidates.DRAFT)
    for kind in ENDINGS
}

#: An ending in words, as a choice.
ENDS: Final[Mapping[str, str]] = {
    "with_the_role": N_("Stays with the role, for the next in line"),
    "left_vacant": N_("Vacant for now"),
    "nobody_deputizes": N_("No deputy any more"),
    "not_invited": N_("The invitation is withdrawn"),
    "returned": N_("Returned"),
    "lost": N_("Declared lost: it does not come back"),
    "closed": N_("Closed"),
    "recruiting": N_("Start recruiting"),
    "not_replaced": N_("No successor"),
    "by_itself": N_("No longer in their hands, automatically"),
    "left_unfinished": N_("Stays unfinished: not enough is known to complete it"),
    "thrown_away": N_("Deleted: what was written is destroyed"),
    "to_the_coordinator": N_("Goes to the coordinator, unfinished"),
}

#: The kinds that are tasks, to do or to approve: who takes one over is asked of the task itself.
_APPROVED_OR_OWED: Final = (duty.TASK, duty.APPROVAL, duty.DECISION, candidates.REFERRAL)

_WITH_A_REASON: Final = (
    "left_vacant",
    "lost",
    "not_replaced",
    "nobody_deputizes",
    "left_unfinished",
    "thrown_away",
)


# ---------------------------------------------------------------------------------------------------------- refusing


def _refuse_unfit(one_thing: Settling, successor_id: UUID) -> None:
    """Refuse a successor who is the leaver, holds nothing then, leaves too, or cannot have such a thing."""
    session = one_thing.session
    if successor_id == one_thing.leaver_id:
        raise Refusal("successor.leaver", N_("You cannot take over what you leave yourself."))
    kind = one_thing.task["holding"]
    if successor_id in _leaving_by(session, one_thing.after):
        raise Refusal("successor.leaves_too", N_("This person leaves too: name someone who stays."))
    then = standing(session, one_thing.after)
    if kind == roles.TENURE and successor_id not in then.live and then.from_day(successor_id) is None:
        _refuse_newcomer(one_thing)
        return
    if kind != roles.TENURE and successor_id not in then.live:
        raise Refusal("successor.not_there", N_("This person holds no role then: name someone who does."))
    if successor_id not in _fit(session, kind, one_thing.holding_id, one_thing.after, one_thing.at):
        code, sentence, source = _NOT_FOR[kind]
        raise Refusal(code, sentence, source=source)


def _refuse_newcomer(one_thing: Settling) -> None:
    """Refuse that somebody gives a role to who holds none, and who does not appoint to it. Raises Refusal.

    Nothing says of them what is open to them: it is theirs by the appointment alone.
    """
    by, place = one_thing.by, one_thing.case["organization_id"]
    if by.is_system or by.role == "coordinator" or (by.role == "manager" and by.organization_id == place):
        return
    raise Refusal(
        "successor.not_appointed",
        N_("This person holds no role yet: the coordinator, or a manager of the organization, appoints them."),
        source="AG-X2",
    )


def _refuse_of_draft(session: Session, departure: Mapping[str, Any], ended_as: str, *, by: Actor, at: datetime) -> None:
    """Refuse that anybody but its author says what becomes of a draft before the last day is over, or destroys it."""
    if by.is_one_of(departure["person_id"]):
        return
    if ended_as in _OF_THE_LEAVER:
        raise Refusal(
            "draft.unread",
            N_(
                "Only its author can delete what was written about a young person. Leave it to "
                "the coordinator, who reads it and decides."
            ),
            source="AD-R1",
        )
    if ended_as and drafts.is_authors_alone(session, departure, at):
        raise Refusal("draft.authors", _AUTHORS_ALONE, source="AD-R1", day=departure["last_day"].isoformat())


def _refuse_own_successor(one_thing: Settling) -> None:
    if one_thing.by.is_one_of(one_thing.successor_id):
        raise Refusal("successor.oneself", N_("You cannot appoint yourself: ask someone else to name you."))


def _refuse_untrue_end(one_thing: Settling, chain: list[Link], kind: str) -> None:
    """Refuse to say that a duty stays with its role where nobody would have it."""
    gone = standing(one_thing.session, one_thing.after)
    if one_thing.ended_as == "with_the_role" and not _has_somebody_in_line(gone, chain, kind, one_thing.leaver_id):
        raise Refusal(
            "holding.nobody_in_line", N_("No one is next in line for this: name someone, or leave it vacant.")
        )


def _leaving_by(session: Session, day: date) -> set[UUID]:
    """Whose departure is under way, and who holds nothing on a day that goes on."""
    then = standing(session, day)
    leaving = session.scalars(
        select(_departure.c.person_id).where(
            _departure.c.program_id == program_of(session),
            _departure.c.called_off_at.is_(None),
            _departure.c.ended_at.is_(None),
        )
    )
    # Whoever leaves later would hand it on again: it is handed over once, to somebody who stays.
    return {person for person in leaving if all(held.ends_on is not None for held in then.roles_of(person))}


#: What whoever cannot have a thing of a kind is told: a code, a sentence, and the guide's reason.
_NOT_FOR: Final[Mapping[str, tuple[str, str, str]]] = {
    roles.TENURE: (
        "successor.not_for_the_role",
        N_(
            "A successor holds the same role, or one with the same access. If someone takes "
            "up other work, appoint them to it first, on their own page."
        ),
        "AG-X2",
    ),
    seats.SEAT: (
        "successor.not_for_the_seat",
        N_("A seat is for the holder of its role at its organization, or for its second representative."),
        "CM-2R",
    ),
    candidates.REFERRAL: (
        "successor.not_for_triage",
        N_("Only a coordinator triages: name the person who coordinates then."),
        "AD-R1",
    ),
    seats.DEPUTIZING: (
        "absence.unfit_deputy",
        N_(
            "This person may not act for them: a deputy holds the same role on these days, or one with the same access."
        ),
        "AG-X2",
    ),
    **dict.fromkeys(
        (duty.TASK, duty.APPROVAL, duty.DECISION),
        (
            "successor.not_for_this",
            N_(
                "This needs the role that owes it, at the same organization, or one with the "
                "same access. Name someone who can do it, or say how it ends."
            ),
            "",
        ),
    ),
}


def _for_role(session: Session, tenure_id: UUID, then: Standing) -> set[UUID]:
    """Who may follow in a role, of those who hold one on the day or are to hold one."""
    role = session.scalar(
        select(_tenure.c.role).where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure_id)
    )
    held: dict[UUID, set[str]] = defaultdict(set)
    for tenure in (*then.tenures, *then.coming):
        held[tenure.person_id].add(tenure.role)
    return {person for person, theirs in held.items() if role is not None and takers.may_act_as(role, theirs)}


def _for_absent(session: Session, absence_id: UUID, then: Standing) -> set[UUID]:
    """Who may act for whoever an absence is of, in some role that they hold."""
    absent = session.scalar(
        select(_absence.c.person_id).where(_absence.c.program_id == program_of(session), _absence.c.id == absence_id)
    )
    wanted = {held.role for held in then.roles_of(absent)} if absent else set()
    return {
        person
        for person in then.live
        if person != absent and (not wanted or any(then.may_act_as(person, role) for role in wanted))
    }


def _barred_from_approving(session: Session, task_id: UUID, people: Collection[UUID], day: date) -> set[UUID]:
    """Those of these people who did what is to be approved, or whom the protocol bars from it: none is offered it."""
    row = one(session, select(_task).where(_task.c.program_id == program_of(session), _task.c.id == task_id))
    then = standing(session, day)
    return {
        person
        for person in people
        if row is not None
        and bar_to_approval(row, Actor(role="", person_id=person), lambda link: people_of(then, link)) is not None
    }


def _for_seat(session: Session, holding_id: UUID, then: Standing) -> set[UUID]:
    seat = one(
        session,
        select(_seat.c.role, _seat.c.organization_id)
        .join(_holder, refers(_holder.c.seat_id, _seat))
        .where(_holder.c.program_id == program_of(session), _holder.c.id == holding_id),
    )
    if seat is None:
        return set()
    return {
        held.person_id
        for role in (seat["role"], seat_holders.SECOND)
        for held in then.holding(role, seat["organization_id"])
    }


def _for_candidate(session: Session, named_id: UUID, leaver_id: UUID, at: datetime) -> list[UUID]:
    """Who can meet a candidate instead of the leaver, who fits best first."""
    row = one(session, select(_named).where(_named.c.program_id == program_of(session), _named.c.id == named_id))
    if row is None:
        return []
    able = workers.proposals(session, row["participant_id"], at=at)
    taken = {leaver_id} | ({row["worker_id"]} if row["second_id"] == leaver_id else set())
    return [one_of.person_id for one_of in able if one_of.possible and one_of.person_id not in taken]


def _link_of(one_thing: Settling, successor_id: UUID, *, approval: bool) -> Link:
    """The successor under the role by which they may have the task."""
    then, today = standing(one_thing.session, one_thing.after), local_day(one_thing.session, one_thing.at)
    able = taking_tasks.takers_of(one_thing.session, one_thing.holding_id, then, today, approval=approval)
    held = able[successor_id]
    return {"person": str(successor_id), "role": held.role, "at": str(held.organization_id)}


def _people_of(one_thing: Settling, link: Link) -> list[UUID]:
    return people_of(standing(one_thing.session, one_thing.after), link)


def _checked(note: str) -> str:
    note = trimmed(note)
    if len(note) > LONGEST_NOTE or "\x00" in note:
        raise Refusal(
            "note.too_long", N_("This note is longer than %(most)s characters. Shorten it."), most=LONGEST_NOTE
        )
    return note


def _tell(one_thing: Settling, successor_id: UUID) -> None:
    """Write to whoever takes something over, unless they said so themselves."""
    if one_thing.by.is_one_of(successor_id):
        return
    notices.passed_on(one_thing.session, one_thing.task, successor_id, by=one_thing.by, at=one_thing.at)
