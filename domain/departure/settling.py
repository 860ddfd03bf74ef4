"""What becomes of a thing that somebody leaves behind: who takes it over, or how it ends. One settler a kind.

A settlement does what it says in the same transaction: the task falls on the successor, the seat is theirs from the
day after the last one, the equipment is back. Nobody can merely declare it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import workers
from domain.casework import cases
from domain.casework.approving import bar_to_approval, people_of
from domain.casework.board import chains
from domain.casework.locking import Moved, change, hold
from domain.casework.tasks import needed_reason
from domain.departure import accounts, drafts, gathering, hand_over_letters, hand_overs, hiring, last_days, taking_tasks
from domain.departure.endings import ENDINGS, OF_THE_LEAVER, TAKEN_OVER, has_somebody_in_line
from domain.departure.successors import leaving_by, who_fits
from domain.equipment import lending
from domain.follow_ups import assigning
from domain.holdings import candidates, duty, notes, roles, seats, things
from domain.holdings.follow_ups import FOLLOW_UP
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import changes, col, first, of, only, run, scalar, surely
from domain.kernel.scope import local_day, program_of
from domain.kernel.typed_words import trimmed
from domain.participants import referring
from domain.participants.locking import hold_participant
from domain.people import seat_holders
from domain.record import events
from domain.roles.roles import Link, responsibility, standing
from locales import N_
from models.casework import Case, Task
from models.committee import SeatHolder
from models.departure import Departure
from models.equipment import Loan
from models.follow_up import Assignment
from models.meeting import MeetingGuest
from models.participant import CandidateWorker
from models.program import Absence, Tenure

LONGEST_NOTE: Final = 1_000

_AUTHORS_ALONE: Final = N_(
    "Until the last day, %(day)s, is over, only its author can send this referral, "
    "delete it, or leave it to the coordinator. No one else reads it before."
)


@dataclass(frozen=True)
class Settling:
    """One thing being settled: its task and departure, who takes it over or how it ends, and who says so."""

    session: Session
    task: Task
    case: Case
    departure: Departure
    successor_id: UUID | None
    ended_as: str
    note: str
    by: Actor
    at: datetime

    @property
    def holding_id(self) -> UUID:
        """The thing's id."""
        return UUID(self.task.item)

    @property
    def leaver_id(self) -> UUID:
        """Who leaves it."""
        return self.departure.person_id

    @property
    def after(self) -> date:
        """The first day on which the leaver is gone, or today where that is later."""
        first: date = self.departure.last_day + timedelta(days=1)
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
    if not held.task.holding or held.case is None:
        raise Refusal("holding.none", N_("This task settles nothing that a person has in hand."))
    if held.case.state != "open" or held.task.state != "open":
        raise Refusal("holding.settled", N_("This is already settled, or its case is no longer open."))
    departure = gathering.departure_of(session, held.case.id)
    if departure is None:
        raise Refusal("holding.none", N_("This task settles nothing that a person has in hand."))
    kind = held.task.holding
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
    if held.task.holding != things.EQUIPMENT or held.task.state != "open":
        raise Refusal("equipment.not_asked_for", N_("Only equipment that is still asked for can be reported missing."))
    thing_id = _thing_of(session, held.task)
    if thing_id is not None:
        lending.report_missing(session, thing_id, note=note, by=by, at=at, case_id=held.case_id)
    change(session, held)


def _thing_of(session: Session, task: Task) -> UUID | None:
    """The piece of equipment that a task asks for, while it is in hand: the item of the task is the loan."""
    return scalar(
        session, only(Loan.equipment_id).where(col(Loan.id) == UUID(task.item), col(Loan.returned_at).is_(None))
    )


def missing_since(session: Session, task: Task) -> datetime | None:
    """Since when the equipment that a task asks for is known not to be there."""
    return scalar(session, only(Loan.missing_since).where(col(Loan.id) == UUID(task.item)))


# ------------------------------------------------------------------------------------------------------- each its way


def _settle_task(one_thing: Settling, *, approval: bool = False) -> None:
    session = one_thing.session
    row = first(session, of(Task).where(Task.id == one_thing.holding_id).with_for_update())
    if row is None or row.state not in ("open", "submitted"):
        return  # it came to rest meanwhile
    chain_id = row.approved_by_id if approval else row.owed_by_id
    chain = chains(session, [chain_id])[surely(chain_id)]
    if one_thing.successor_id is None:
        _refuse_untrue_end(one_thing, chain, "approvals" if approval else "tasks")
        return
    if approval:
        successor = Actor(role="", person_id=one_thing.successor_id)
        bar = bar_to_approval(row, successor, lambda link: _people_of(one_thing, link))
        if bar is not None:
            raise Refusal("holding.own_request", N_("This person did it, or may not approve it: name someone else."))
    link = _link_of(one_thing, one_thing.successor_id, approval=approval)
    others = [other for other in chain if other.get("person") != str(one_thing.leaver_id)]
    now = responsibility(session, [link, *others])
    values = {"approved_by_id": now} if approval else {"owed_by_id": now, "declared_owed_by_id": now}
    run(
        session,
        changes(Task)
        .where(Task.id == row.id, Task.version == row.version)
        .values(**values, version=col(Task.version) + 1),
    )
    events.write(
        session,
        "task.passed_on",
        "task",
        row.id,
        by=one_thing.by,
        at=one_thing.at,
        case_id=row.case_id,
        step=row.step,
        item=row.item,
        person=str(one_thing.successor_id),
        role=chain[0]["role"],
        place=chain[0]["at"],
    )


def _settle_approval(one_thing: Settling) -> None:
    _settle_task(one_thing, approval=True)


def _settle_signature(one_thing: Settling) -> None:
    """Whoever directs then signs: there is nothing to move."""


def _settle_seat(one_thing: Settling) -> None:
    session = one_thing.session
    row = first(session, of(SeatHolder).where(SeatHolder.id == one_thing.holding_id).with_for_update())
    if row is None:
        return
    last_day = one_thing.departure.last_day
    seat_holders.end_seat(session, row, last_day, by=one_thing.by, at=one_thing.at)
    if one_thing.successor_id is not None:
        seat_holders.give_seat(
            session,
            row.seat_id,
            one_thing.successor_id,
            kind=row.kind,
            starts_on=one_thing.after,
            by=one_thing.by,
            at=one_thing.at,
            case_id=one_thing.case.id,
        )


def _settle_guest(one_thing: Settling) -> None:
    session = one_thing.session
    meeting_id = scalar(
        session,
        changes(MeetingGuest)
        .where(MeetingGuest.id == one_thing.holding_id, col(MeetingGuest.withdrawn_at).is_(None))
        .values(withdrawn_at=one_thing.at, withdrawn_by=one_thing.by.role)
        .returning(col(MeetingGuest.meeting_id)),
    )
    if meeting_id is None:
        return
    events.write(
        session,
        "guest.withdrawn",
        "meeting",
        meeting_id,
        by=one_thing.by,
        at=one_thing.at,
        person=str(one_thing.leaver_id),
    )


def _settle_deputizing(one_thing: Settling) -> None:
    """Somebody acts in the leaver's place, or nobody, once the last day is over: until then the leaver does."""
    session = one_thing.session
    row = first(session, of(Absence).where(Absence.id == one_thing.holding_id).with_for_update())
    if row is None:
        return
    if one_thing.successor_id == row.person_id:
        raise Refusal("absence.own_deputy", N_("A person cannot be their own deputy."))
    if one_thing.departure.ended_at is not None:
        last_days.change_deputy(
            session, row.id, one_thing.leaver_id, one_thing.successor_id, by=one_thing.by, at=one_thing.at
        )


def _settle_equipment(one_thing: Settling) -> None:
    """It is back in the inventory, with its condition; or it is given up, once it was reported missing (DP-07)."""
    thing_id = _thing_of(one_thing.session, one_thing.task)
    if thing_id is None:
        return  # it was taken back meanwhile, on the page of the inventory
    session, by, at, case_id = one_thing.session, one_thing.by, one_thing.at, one_thing.case.id
    if one_thing.ended_as == "lost":
        lending.give_up(session, thing_id, reason=one_thing.note, by=by, at=at, case_id=case_id)
    else:
        lending.take_back(session, thing_id, condition=one_thing.note, by=by, at=at, case_id=case_id)


def _settle_account(one_thing: Settling) -> None:
    accounts.close_account(one_thing.session, one_thing.holding_id, by=one_thing.by, at=one_thing.at)


def _settle_tenure(one_thing: Settling) -> None:
    """Somebody follows in the role, from the day after its own last one; or is looked for; or nobody is to. DP-01."""
    session = one_thing.session
    tenure = first(session, of(Tenure).where(Tenure.id == one_thing.holding_id))
    if tenure is None:
        return
    if one_thing.successor_id is None:
        if one_thing.ended_as == "recruiting":
            _look_for_somebody(one_thing)
        return
    _refuse_own_successor(one_thing)
    ends_on = tenure.ends_on or one_thing.departure.last_day
    hiring.take_on(
        session,
        one_thing.successor_id,
        tenure.role,
        tenure.organization_id,
        starts_on=max(ends_on + timedelta(days=1), local_day(session, one_thing.at)),
        recruited=False,
        by=one_thing.by,
        at=one_thing.at,
    )


def _look_for_somebody(one_thing: Settling) -> None:
    """Open the recruiting at the organization. Where one is open for another place, this one's turn comes after it."""
    session, place = one_thing.session, one_thing.departure.organization_id
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
    part = first(
        session, of(Assignment).where(Assignment.id == one_thing.holding_id, col(Assignment.ended_at).is_(None))
    )
    if part is not None:
        assigning.end_part(session, part.follow_up_id, part.person_id, by=one_thing.by, at=one_thing.at)
    hand_overs.withdraw_one(session, one_thing.task.id, by=one_thing.by, at=one_thing.at)


def _settle_note(one_thing: Settling) -> None:
    """It stays as it is, with the reason: nobody owes it any more. What was written of it is kept."""


def _settle_candidate(one_thing: Settling) -> None:
    """Somebody else meets the candidate, or nobody is named any more and the coordinator has them. Guide: AD-R3."""
    session, by, at = one_thing.session, one_thing.by, one_thing.at
    row = first(
        session,
        of(CandidateWorker).where(CandidateWorker.id == one_thing.holding_id, col(CandidateWorker.ended_at).is_(None)),
    )
    if row is None:
        return  # somebody else was named meanwhile, or the candidate goes no further
    participant_id, successor_id = row.participant_id, one_thing.successor_id
    if row.second_id == one_thing.leaver_id:
        workers.change_second(session, participant_id, successor_id, by=by, at=at)
    elif successor_id is None:
        workers.take_back(session, hold_participant(session, participant_id), "left", by=by, at=at)
        events.write(session, "participant.worker_left", "participant", participant_id, by=by, at=at)
    else:
        second = None if row.second_id == successor_id else row.second_id
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


_WITH_A_REASON: Final = ("left_vacant", "lost", "not_replaced", "nobody_deputizes", "left_unfinished", "thrown_away")


# ---------------------------------------------------------------------------------------------------------- refusing


def _refuse_unfit(one_thing: Settling, successor_id: UUID) -> None:
    """Refuse a successor who is the leaver, holds nothing then, leaves too, or cannot have such a thing."""
    session = one_thing.session
    if successor_id == one_thing.leaver_id:
        raise Refusal("successor.leaver", N_("You cannot take over what you leave yourself."))
    kind = one_thing.task.holding
    if successor_id in leaving_by(session, one_thing.after):
        raise Refusal("successor.leaves_too", N_("This person leaves too: name someone who stays."))
    then = standing(session, one_thing.after)
    if kind == roles.TENURE and successor_id not in then.live and then.from_day(successor_id) is None:
        _refuse_newcomer(one_thing)
        return
    if kind != roles.TENURE and successor_id not in then.live:
        raise Refusal("successor.not_there", N_("This person holds no role then: name someone who does."))
    if successor_id not in who_fits(session, kind, one_thing.holding_id, one_thing.after, one_thing.at):
        code, sentence, source = _NOT_FOR[kind]
        raise Refusal(code, sentence, source=source)


def _refuse_newcomer(one_thing: Settling) -> None:
    """Refuse that somebody gives a role to who holds none, and who does not appoint to it. Raises Refusal.

    Nothing says of them what is open to them: it is theirs by the appointment alone.
    """
    by, place = one_thing.by, one_thing.departure.organization_id
    if by.is_system or by.role == "coordinator" or (by.role == "manager" and by.organization_id == place):
        return
    raise Refusal(
        "successor.not_appointed",
        N_("This person holds no role yet: the coordinator, or a manager of the organization, appoints them."),
        source="AG-X2",
    )


def _refuse_of_draft(session: Session, departure: Departure, ended_as: str, *, by: Actor, at: datetime) -> None:
    """Refuse that anybody but its author says what becomes of a draft before the last day is over, or destroys it."""
    if by.is_one_of(departure.person_id):
        return
    if ended_as in OF_THE_LEAVER:
        raise Refusal(
            "draft.unread",
            N_(
                "Only its author can delete what was written about a young person. Leave it to "
                "the coordinator, who reads it and decides."
            ),
            source="AD-R1",
        )
    if ended_as and drafts.is_authors_alone(session, departure, at):
        raise Refusal("draft.authors", _AUTHORS_ALONE, source="AD-R1", day=departure.last_day.isoformat())


def _refuse_own_successor(one_thing: Settling) -> None:
    if one_thing.by.is_one_of(one_thing.successor_id):
        raise Refusal("successor.oneself", N_("You cannot appoint yourself: ask someone else to name you."))


def _refuse_untrue_end(one_thing: Settling, chain: list[Link], kind: str) -> None:
    """Refuse to say that a duty stays with its role where nobody would have it."""
    gone = standing(one_thing.session, one_thing.after)
    if one_thing.ended_as == "with_the_role" and not has_somebody_in_line(gone, chain, kind, one_thing.leaver_id):
        raise Refusal(
            "holding.nobody_in_line", N_("No one is next in line for this: name someone, or leave it vacant.")
        )


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
    hand_over_letters.passed_on(one_thing.session, one_thing.task, successor_id, by=one_thing.by, at=one_thing.at)
