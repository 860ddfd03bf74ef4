"""What an asker is to a follow-up, and finding the ones that they may see."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Uuid, all_, any_, bindparam, func
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from api.access.permissions import (
    Action,
    Asker,
    Forbidden,
    Given,
    Relation,
    allows,
    is_allowed,
    require,
    themselves,
    to_program,
)
from api.access.session import RequestContext
from domain.accompaniment import breaks, states
from domain.follow_ups import Followed, NoteLine, assigning, follow_ups, information, issues, notes
from domain.kernel import (
    Actor,
    Order,
    Part,
    Question,
    Refusal,
    built,
    col,
    every,
    first,
    in_program,
    joins,
    scalar,
    select,
)
from domain.participants import barred_workers
from domain.record import Ground
from domain.rights import Statement, statements
from domain.roles import takers, who_barred
from domain.terms import CLINICAL, PARTICIPANT, PRIMARY, Circle, circle_of, circles_of, other_than
from locales import N_
from meetings import attendance, discussing
from meetings.committees import Membership, committee_of, membership
from models.discussion import CaseDiscussion
from models.follow_up import Assignment, FollowUp
from models.participant import Participant


def to_follow_up(asker: Asker, *, barred: Collection[UUID], clinic: Membership | None, circle: Circle) -> Given:
    """What the asker is to the follow-up of a participant. A person whom the participant barred is nothing to it."""
    if asker.person_id in barred:
        return {Relation.BARRED: themselves(asker)}
    given = to_program(asker)
    if asker.is_staff and circle.opens(asker.person_id, asker.standing) == "file":
        given[Relation.ASSIGNED] = given.get(Relation.FOLLOWS) or themselves(asker)
    told = {shared for place in sits_for(clinic, asker) for shared in _TOLD if not circle.withholds(place, shared)}
    if PARTICIPANT in told:
        given |= {_TOLD[shared]: themselves(asker) for shared in told}
    return given


def acts_for(asker: Asker) -> set[UUID]:
    """The people whose duties towards participants the asker has that day, besides their own.

    None where no role of the asker opens what is written of a participant, even while they act for others.
    """
    if not takers.may_write_of_participants({held.role for held in asker.standing.roles_of(asker.person_id)}):
        return set()
    return {away.person_id for away in asker.standing.acting_for(asker.person_id) if "tasks" in away.kinds}


#: What a member of the committee is told of a follow-up, each where an organization for which they sit is told it.
_TOLD: Final = {PARTICIPANT: Relation.CLINICAL, other_than(PARTICIPANT, "risk"): Relation.TOLD_RISK}


def sits_for(clinic: Membership | None, asker: Asker) -> frozenset[UUID]:
    """The organizations for which the asker holds a seat that votes, for a role of theirs today."""
    if clinic is None or not asker.is_staff:
        return frozenset()
    return frozenset(seat.organization_id for seat in clinic.seats_held(asker.person_id, asker.day) if seat.voting)


def sits_today(session: Session, clinic: Membership | None, asker: Asker) -> dict[UUID, frozenset[UUID]]:
    """By each clinic that sits today, the organizations for which the asker sits in it, on seats that vote.

    Who is absent sits for none.
    """
    if clinic is None or not asker.is_staff:
        return {}
    return {
        meeting_id: frozenset(seat.organization_id for seat in seats if seat.voting)
        for meeting_id, seats in attendance.sits_on(session, clinic, asker.person_id, asker.day).items()
    }


def sits_in(session: Session, asker: Asker) -> set[UUID]:
    """The clinics under way today in which the asker sits now, on a seat that votes."""
    sits = sits_today(session, clinic_of(session, asker.day), asker)
    return {meeting_id for meeting_id, places in sits.items() if places}


def unless_sitting(given: Given) -> Given:
    """What the asker is to a follow-up where no seat of theirs counts: what is open to members while they sit."""
    return {relation: actor for relation, actor in given.items() if relation is not Relation.CLINICAL}


def heard_by(session: Session, asker: Asker, given: Given, spoken: Collection[CaseDiscussion]) -> set[UUID | None]:
    """The meetings of which the asker may read what was said of a case: to who only sits, those that sit now."""
    meetings = {one.meeting_id for one in spoken}
    if is_allowed(Action.READ_SAID, unless_sitting(given)):
        return meetings
    return meetings & sits_in(session, asker) if meetings and is_allowed(Action.READ_SAID, given) else set()


def clinic_of(session: Session, day: date) -> Membership | None:
    """Who sits on the Clinical Committee from a day on; None in a program without one."""
    try:
        return membership(session, committee_of(session, CLINICAL).id, since=day)
    except Refusal:
        return None


def sees_every_one(asker: Asker) -> bool:
    """Whether the asker's role shows them every follow-up: their caseload is then the whole program's."""
    return allows(Action.SEE_FOLLOW_UP, to_program(asker)) is not None


def every_one(session: Session, asker: Asker) -> list[Followed]:
    """Every follow-up of the program that goes on, the oldest first, for a reader of all of them.

    None of a participant who barred them.
    """
    return _not_barred(session, asker, every(session, *ASKED_OF_EVERY_ONE))


def _not_barred(session: Session, asker: Asker, rows: list[Followed]) -> list[Followed]:
    """Those of participants who did not bar the asker."""
    kept_from = who_barred(session, asker.person_id)
    return [row for row in rows if row.participant_id not in kept_from]


#: The states in which no one accompanies the participant.
ENDED: Final = ("inactive", "completed")
_OLDEST: Final = Order(FollowUp.opened_on, FollowUp.id)
_BY_AGE: Final = follow_ups().order_by(col(FollowUp.opened_on), col(FollowUp.id))
#: What `every_one` asks, but for who barred the asker.
ASKED_OF_EVERY_ONE: Final = Question(built(_BY_AGE.where(col(FollowUp.state).not_in(ENDED))))
_THESE: Final = built(_BY_AGE.where(col(FollowUp.id) == any_(bindparam("follow_ups", type_=ARRAY(Uuid())))))


def find_follow_up(session: Session, asker: Asker, follow_up_id: UUID) -> tuple[Followed, Given]:
    """A follow-up that the asker may see, with its participant's number, and what they are to it.

    Raises Forbidden, also where there is none, after the same questions.
    """
    row = first(session, follow_ups().where(FollowUp.id == follow_up_id))
    participant_id = row.participant_id if row is not None else uuid4()
    barred = barred_workers(session, participant_id)
    clinic = clinic_of(session, asker.day)
    circle = circle_of(session, participant_id, asker.day)
    if row is None:
        raise Forbidden
    given = to_follow_up(asker, barred=barred, clinic=clinic, circle=circle)
    require(Action.SEE_FOLLOW_UP, given)
    return row, given


def find_ended(session: Session, asker: Asker, follow_up_id: UUID) -> tuple[Followed, Given]:
    """A follow-up that ended and that the asker may take up again, and what they are to it.

    Raises Forbidden, also where there is none or it goes on.
    """
    row = first(session, follow_ups().where(FollowUp.id == follow_up_id, Participant.state != "destroyed"))
    had_it = assigning.had_it_last(session, [follow_up_id]).get(follow_up_id)
    barred = barred_workers(session, row.participant_id if row is not None else uuid4())
    if row is None or row.state not in ENDED or asker.person_id in barred:
        raise Forbidden
    given = to_program(asker)
    if had_it == asker.person_id and Relation.FOLLOWS in given:
        given[Relation.HAD_IT] = given[Relation.FOLLOWS]
    require(Action.TAKE_UP_AGAIN, given)
    return row, given


_LAST_ENDED: Final = Order(FollowUp.state_since, FollowUp.id, newest_first=True)
#: The follow-ups whose last worker this person was, until they ended.
_THEIRS: Final = (
    Participant.state != "destroyed",
    col(FollowUp.id).in_(assigning.had_last(bindparam("person", type_=Uuid()))),
    col(FollowUp.participant_id) != all_(bindparam("barred", type_=ARRAY(Uuid()))),
)
_ENDED: Final = built(_LAST_ENDED.of(follow_ups().where(col(FollowUp.state).in_(ENDED), *_THEIRS)))


def ended_of(session: Session, asker: Asker, *, most: int, after: UUID | None = None) -> Part[Followed]:
    """The follow-ups that ended and that the asker had until then, the last that ended first: `most` after one of them.

    None of a participant who barred them.
    """
    if Relation.FOLLOWS not in to_program(asker):
        return Part((), "")
    given = {"person": asker.person_id, "barred": list(who_barred(session, asker.person_id))}
    return _LAST_ENDED.part_of(
        session, _ENDED, joins(FollowUp.participant_id, Participant), *_THEIRS, after=after, most=most, values=given
    )


def part_of_every_one(
    session: Session, asker: Asker, *, ended: bool, most: int, after: UUID | None
) -> tuple[Part[Followed], int]:
    """As `every_one`, `most` after one of them, wherever it is now; and how many there are in all.

    With those that `ended`, or without.
    """
    theirs = col(FollowUp.participant_id).not_in(who_barred(session, asker.person_id))
    asked = (in_program(FollowUp), theirs, *([] if ended else [col(FollowUp.state).not_in(ENDED)]))
    part = _OLDEST.part(session, follow_ups().where(*asked), theirs, after=after, most=most)
    return part, scalar(session, select(func.count()).select_from(FollowUp).where(*asked)) or 0


def caseload_of(session: Session, asker: Asker) -> list[tuple[Followed, str]]:
    """The follow-ups on the asker's own page: those that they have today, or have for a person who is absent.

    Each with its part: primary or second. It leaves out a participant who barred the asker, and one whose file that
    part, or acting for the absent person, does not open (`domain.terms.sharing`).
    """
    parts = every(session, *asked_of_caseload(asker))
    kinds: dict[UUID, str] = {}
    for part in parts:
        kinds.setdefault(part.follow_up_id, part.kind)
    rows = _not_barred(session, asker, every(session, _THESE, {"follow_ups": list(kinds)}) if kinds else [])
    theirs = {part.follow_up_id for part in parts if (part.person_id, part.kind) == (asker.person_id, PRIMARY)}
    opened = _opened(session, asker, {row.participant_id for row in rows if row.id not in theirs})
    return [(row, kinds[row.id]) for row in rows if row.id in theirs or row.participant_id in opened]


def _opened(session: Session, asker: Asker, participants: Collection[UUID]) -> set[UUID]:
    """Those of these participants whose file is opened to the asker."""
    circles = circles_of(session, participants, asker.day)
    return {of for of, circle in circles.items() if circle.opens(asker.person_id, asker.standing) == "file"}


def read_note(
    session: Session, asker: Asker, follow_up_id: UUID, week: date, *, at: datetime
) -> tuple[Followed, NoteLine, dict[str, str]]:
    """A follow-up, the note of a week and its words: opened, and told to the record. Raises Forbidden, and Refusal."""
    row, given = find_follow_up(session, asker, follow_up_id)
    by = require(Action.READ_FOLLOW_UP, given)
    note = notes.note_of(session, follow_up_id, week)
    if note is None:
        raise Forbidden
    return row, note, notes.read_words(session, note.id, row.participant_id, ground=ground_of(given), by=by, at=at)


def read_information(
    session: Session, asker: Asker, follow_up_id: UUID, *, at: datetime
) -> tuple[Followed, Given, information.InformationBox]:
    """A follow-up, what the asker is to it, and its information box: told to the record. Raises Forbidden, Refusal."""
    row, given = find_follow_up(session, asker, follow_up_id)
    by = require(Action.READ_FOLLOW_UP, given)
    return row, given, information.read_information(session, row, ground=ground_of(given), by=by, at=at)


def read_issue(
    session: Session, asker: Asker, follow_up_id: UUID, *, at: datetime
) -> tuple[Followed, CaseDiscussion, str]:
    """A follow-up, and what is raised of it for the next sitting: opened for who follows, and told to the record.

    Raises Forbidden, also where nothing is raised; and Refusal.
    """
    row, given = find_follow_up(session, asker, follow_up_id)
    by = require(Action.RAISE_ISSUE, given)
    raised = issues.waiting(session, [follow_up_id]).get(follow_up_id)
    if raised is None:
        raise Forbidden
    return row, raised, issues.read_issue(session, raised, row.participant_id, ground=ground_of(given), by=by, at=at)


def read_said(
    session: Session, asker: Asker, follow_up_id: UUID, meeting_id: UUID, *, at: datetime
) -> tuple[Followed, CaseDiscussion, discussing.Said]:
    """A follow-up, and what the Clinical Committee said of it in a meeting: opened, and told to the record.

    Raises Forbidden, also where that meeting said nothing of it; and Refusal.
    """
    row, given = find_follow_up(session, asker, follow_up_id)
    if meeting_id not in sits_in(session, asker):
        given = unless_sitting(given)
    by = require(Action.READ_SAID, given)
    spoken = discussing.discussed_in(session, meeting_id, [follow_up_id]).get(follow_up_id)
    if spoken is None:
        raise Forbidden
    return row, spoken, discussing.read_said(session, spoken, row.participant_id, ground=ground_of(given), by=by, at=at)


def said_beside(session: Session, asker: Asker, follow_up_id: UUID, *, at: datetime) -> list[Statement]:
    """What the participant says of a follow-up that was not corrected as they asked. Raises Forbidden, and Refusal."""
    row, given = find_follow_up(session, asker, follow_up_id)
    by, part = require(Action.READ_FOLLOW_UP, given), frozenset({"follow_up"})
    return statements.read(session, row.participant_id, part, by=by, at=at, ground=ground_of(given))


def asked_of_caseload(asker: Asker) -> Question[SelectOfScalar[Assignment]]:
    """What `caseload_of` asks first."""
    return assigning.asked_on_day(asker.day, people=[asker.person_id, *sorted(acts_for(asker))])


def ground_of(given: Mapping[Relation, Any]) -> Ground:
    """On what ground the asker reads what people wrote of a follow-up: it is theirs, they oversee it, or they sit."""
    if Relation.ASSIGNED in given:
        return "part"
    return "role" if Relation.COORDINATOR in given else "committee"


def move_to(
    context: RequestContext,
    follow_up_id: UUID,
    move: str,
    *,
    reason: str = "",
    returns_on: date | None = None,
    terms: str = "",
    agrees: bool = False,
    worker_id: UUID | None = None,
    nobody_yet: bool = False,
    by: Actor,
    seen: int | None,
) -> None:
    """Do one of the moves of a follow-up that people may make. Raises Refusal."""
    session, at = context.session, context.at
    if move != "reactivate" and (worker_id is not None or nobody_yet):
        raise Refusal("worker.not_now", N_("Choose the worker when you resume the follow-up."))
    if move == "pause":
        if returns_on is None:
            raise Refusal("day.missing", N_("Enter a day."))
        breaks.take_break(session, follow_up_id, returns_on=returns_on, terms=terms, by=by, at=at, seen=seen)
    elif move == "resume":
        breaks.come_back(session, follow_up_id, by=by, at=at, seen=seen)
    elif move == "deactivate":
        states.deactivate(session, follow_up_id, reason, by=by, at=at, seen=seen)
    elif move == "complete":
        states.complete(session, follow_up_id, participant_agrees=agrees, by=by, at=at, seen=seen)
    elif move == "reactivate":
        states.reactivate(session, follow_up_id, worker_id=worker_id, nobody_yet=nobody_yet, by=by, at=at, seen=seen)
    else:
        raise Refusal("move.malformed", N_("Choose from the list."))
