"""What an asker is to a meeting that sits, and what of it they may see: asked at each door, and at each change.

One rule says what is told of a participant (`api.access.follow_ups`, `api.access.participants`); a sitting adds that
the asker sits in it now. What several people see is told of one reading of the rows: nothing here asks for each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from api.access.follow_ups import clinic_of, to_follow_up
from api.access.meetings import audience_for, find_meeting, to_committee
from api.access.participants import told_to
from api.access.permissions import Action, Asker, Forbidden, Given, Relation, is_allowed, require, themselves
from api.access.session import RequestContext
from domain.roles import Barring, barring_each
from domain.terms import CLINICAL, Circle, circles_of
from meetings import agenda_papers, attendance, decisions, recruiters
from meetings.agenda_items import PresentedItem, items_of
from meetings.attendance import FilledSeat
from meetings.caseloads import CaseLine, InactiveLine, case_lines, inactive_lines
from meetings.committees import Membership, committees
from meetings.decision_rows import RegisteredDecision
from models.meeting import Meeting

#: The states of a meeting in which people sit in it, or are about to.
OPEN_TO_SIT: frozenset[str] = frozenset({"planned", "under_way"})


def to_sitting(session: Session, asker: Asker, meeting: Meeting, members: Membership, given: Given) -> Given:
    """What the asker is to a meeting besides: whether they sit in it now."""
    rows = attendance.filled_on(session, members.committee_id, asker.day)
    return _seated(asker, meeting, members, rows, given)


def _seated(asker: Asker, meeting: Meeting, members: Membership, rows: Sequence[FilledSeat], given: Given) -> Given:
    if asker.is_staff and _sits(asker, meeting, members, rows):
        return given | {Relation.SITS_NOW: themselves(asker)}
    return given


def _sits(asker: Asker, meeting: Meeting, members: Membership, rows: Sequence[FilledSeat]) -> bool:
    """Whether the asker sits in a meeting under way, as recorded by now; or has a seat today and in one to come."""
    if meeting.state == "planned":
        day, seats = meeting.starts.date(), {seat.id for seat in members.seats_held(asker.person_id, asker.day)}
        return day >= asker.day and not seats.isdisjoint(attendance.holds_on(members, asker.person_id, day))
    return bool(attendance.sits_by(rows, members, asker.person_id, asker.day).get(meeting.id))


def may_sit(context: RequestContext, meeting: Meeting, members: Membership, given: Given) -> bool:
    """Whether the asker may follow a meeting as it sits, or is about to."""
    given = to_sitting(context.session, context.asker, meeting, members, given)
    return is_allowed(Action.SIT_IN, given) and meeting.state in OPEN_TO_SIT


def find_sitting(context: RequestContext, meeting_id: UUID) -> tuple[Meeting, Membership, Given]:
    """A meeting in which the asker sits, who sits on its committee, and what the asker is to it.

    One that is over is found by who may see it, and no longer sat in. Raises Forbidden, also where there is none.
    """
    meeting, members, given = find_meeting(context.session, context.asker, meeting_id)
    given = to_sitting(context.session, context.asker, meeting, members, given)
    if not is_allowed(Action.SIT_IN, given) and meeting.state in OPEN_TO_SIT:
        raise Forbidden
    return meeting, members, given


def read_open(context: RequestContext, meeting_id: UUID) -> SittingRead | None:
    """A meeting as it stands, for the asker who sits in it; None where it is over. Raises Forbidden."""
    meeting, members, _ = find_sitting(context, meeting_id)
    if meeting.state not in OPEN_TO_SIT:
        return None
    return read_sitting(context.session, meeting, members, [context.asker.person_id])


@dataclass(frozen=True)
class Sight:
    """What one person sees of a sitting. Equal sights show the same page in one language.

    `cases` are the follow-ups whose lines they see, `risks` those of which they are told the risk, `words` those of
    which they may read what is raised. `items` are the items that they read, `candidates` those about a person whose
    file is open to them while they sit. What names a participant who barred them is in none of them.
    """

    cases: frozenset[UUID]
    risks: frozenset[UUID]
    words: frozenset[UUID]
    inactive: frozenset[UUID]
    items: frozenset[UUID]
    candidates: frozenset[UUID]
    decisions: frozenset[UUID]
    runs: bool


@dataclass(frozen=True)
class SittingRead:
    """A meeting as it stands, read once for all who look at it."""

    session: Session
    meeting: Meeting
    members: Membership
    rows: Sequence[FilledSeat]
    items: Sequence[PresentedItem]
    lines: Sequence[CaseLine]
    inactive: Sequence[InactiveLine]
    candidates: Mapping[UUID, UUID]
    circles: Mapping[UUID, Circle]
    closed: Collection[UUID]
    barring: Mapping[UUID, Barring]
    decided: Sequence[RegisteredDecision]

    def given_to(self, asker: Asker) -> Given:
        """What the asker is to the meeting."""
        return _seated(asker, self.meeting, self.members, self.rows, to_committee(asker, self.members))

    def seen_by(self, asker: Asker) -> Sight:
        """What the asker sees of it. Raises Forbidden where they do not sit in it now."""
        given = self.given_to(asker)
        require(Action.SIT_IN, given)
        may = self._audiences(asker, given)
        seen, risks, words = self._allowed(asker)
        items = [one for one in self.items if one.audience in may and not self._bars(asker, _words(one))]
        return Sight(
            cases=frozenset(one.row.id for one in self.lines) & seen,
            risks=risks & seen,
            words=words & seen,
            inactive=frozenset(one.row.id for one in self.inactive) & seen,
            items=frozenset(one.id for one in items),
            candidates=frozenset(one.id for one in items if self._opens(asker, one, given)),
            decisions=frozenset(self._decisions(asker, may)),
            runs=is_allowed(Action.RUN_MEETING, given),
        )

    def _allowed(self, asker: Asker) -> Iterator[frozenset[UUID]]:
        """The follow-ups that the asker may see, those whose risk they are told, and those that they may read."""
        # Of a day to come the agenda is shown, and no case: how each stands is told on the day.
        is_to_come = self.meeting.starts.date() > asker.day and self.meeting.state == "planned"
        to_each = {one.row.id: self.to_case(asker, one) for one in ([] if is_to_come else self._all_lines)}
        for action in (Action.SEE_FOLLOW_UP, Action.SEE_RISK, Action.READ_FOLLOW_UP):
            yield frozenset(case for case, its in to_each.items() if is_allowed(action, its))

    def _audiences(self, asker: Asker, given: Given) -> tuple[str, ...]:
        """The audiences whose items the asker reads."""
        widest = audience_for(asker, self.members, given, self.meeting.starts.date(), self.closed)
        return agenda_papers.WIDEST[: agenda_papers.WIDEST.index(widest) + 1]

    def _decisions(self, asker: Asker, may: Collection[str]) -> Iterator[UUID]:
        for one in self.decided:
            if one.audience in may and not self._bars(asker, f"{one.text_fr} {one.text_en}"):
                yield one.id

    def _bars(self, asker: Asker, text: str) -> bool:
        """Whether a text names a participant who barred the asker."""
        return self.barring[asker.person_id].calls(text)

    @property
    def _all_lines(self) -> list[CaseLine | InactiveLine]:
        return [*self.lines, *self.inactive]

    def to_case(self, asker: Asker, line: CaseLine | InactiveLine) -> Given:
        """What the asker is to a case, by the one rule of follow-ups."""
        who = line.row.participant_id
        barred = {asker.person_id} if who in self.barring[asker.person_id].who else ()
        return to_follow_up(asker, barred=barred, clinic=self._clinic, circle=self.circles[who])

    @property
    def _clinic(self) -> Membership | None:
        return self.members if self.members.key == CLINICAL else clinic_of(self.session, self.meeting.starts.date())

    def _opens(self, asker: Asker, item: PresentedItem, given: Given) -> bool:
        """Whether the file of an item's candidate is open to the asker while they sit."""
        who = self.candidates.get(item.id)
        if who is None or who in self.barring[asker.person_id].who:
            return False
        if Relation.COORDINATOR in given:
            return True
        seats = attendance.sits_by(self.rows, self.members, asker.person_id, asker.day).get(self.meeting.id, ())
        places = {seat.organization_id for seat in seats if seat.voting}
        circle = self.circles[who]
        if asker.is_staff and circle.opens(asker.person_id, asker.standing):
            return True
        return Relation.CLINICAL in told_to(circle, places, is_admitted=False)


def _words(item: PresentedItem) -> str:
    """The words that may name a participant."""
    return f"{item.subject} {item.title_fr} {item.title_en}"


def read_sitting(session: Session, meeting: Meeting, members: Membership, people: Collection[UUID]) -> SittingRead:
    """A meeting as it stands, for these people. Cases are read where it is the Clinical Committee that sits."""
    day = meeting.starts.date()
    committee = committees(session)[meeting.committee_id]
    is_clinic = committee.key == CLINICAL
    lines = case_lines(session, day, meeting.id) if is_clinic else []
    inactive = inactive_lines(session, committee.id, meeting) if is_clinic else []
    candidates = recruiters.sat_on(session, meeting.id)
    followed = [*(one.row for one in lines), *(one.row for one in inactive)]
    about = {*(row.participant_id for row in followed), *candidates.values()}
    return SittingRead(
        session,
        meeting,
        members,
        attendance.filled_on(session, committee.id, day),
        items_of(session, meeting.id),
        lines,
        inactive,
        candidates,
        circles_of(session, about, day),
        agenda_papers.closed_to(session, members.key, day),
        barring_each(session, people),
        decisions.decisions_of(session, meeting.id),
    )
