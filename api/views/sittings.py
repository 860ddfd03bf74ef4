"""What the page shows on which a meeting is run: its seats, its items with their time, its decisions, what is left."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import partial
from typing import Final
from uuid import UUID

from api.access.session import RequestContext
from api.views.names import places_by_id, titles_of_roles
from locales import N_, pick
from meetings import answers, attendance, deciding, decisions, discussing, quorum, recruiters, running, waivers
from meetings.agenda_items import AskedTask, PresentedItem, asked_for, items_of, kept_for_their_act
from meetings.agenda_rules import OBJECTION, OF_ONE_MEETING, SILENCE
from meetings.attendance import UNRECORDED, Attended
from meetings.committees import Membership, committees, title_of
from meetings.decision_rows import RegisteredDecision
from meetings.documents.content import Both
from meetings.local_times import clock_of
from meetings.reasons import TOO_OFTEN, in_words, why_late
from models.agenda import CARRIED, STANDING_THREE_TIMES, THREE_TIMES
from models.committee import Committee
from models.meeting import Meeting
from models.minutes import QuorumStanding
from models.program import Person

#: How a seat is filled: the shape and the word that show it.
ATTENDED: Final[Mapping[str, tuple[str, str]]] = {
    "unrecorded": ("wait", N_("Not recorded")),
    "present": ("full", N_("On site")),
    "remote": ("full", N_("Remotely")),
    "alternate": ("full", N_("By an alternate")),
    "excused": ("skip", N_("Excused")),
    "absent": ("stop", N_("Absent")),
}

#: What became of an item.
OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    "treated": ("full", N_("Treated")),
    "decided": ("full", N_("Decided")),
    "carried": ("wait", N_("Carried over")),
    "referred": ("half", N_("Referred to another committee")),
    "withdrawn": ("skip", N_("Withdrawn")),
}


@dataclass(frozen=True)
class InvitationAnswer:
    """A person's answer to the invitation, and the alternate they named to come instead, if any."""

    answer: str
    alternate: Person | None


@dataclass(frozen=True)
class SittingSeat:
    """One seat of the meeting. Hours are local; `instead` are those who may sit in the principal's place.

    `said` has what its people answered to the invitation, by their id, where the answer stands.
    """

    of: Attended
    title: str
    people: tuple[Person, ...]
    who: Person | None
    arrived: time | None
    left: time | None
    instead: tuple[Person, ...]
    is_away: bool
    said: Mapping[UUID, InvitationAnswer]

    @property
    def id(self) -> UUID:
        """The seat's id."""
        return self.of.seat.id

    @property
    def is_recorded(self) -> bool:
        """Whether it was recorded how the seat was filled."""
        return self.of.state != UNRECORDED

    @property
    def sits(self) -> bool:
        """Whether a person sits there, or sat."""
        return self.of.state in quorum.SITTING


@dataclass(frozen=True)
class SittingItem:
    """One item. `used` are its minutes so far, None where they are not known; `decided` what was decided on it.

    `candidate` is the person it is about, where the committee decides on their own page; `is_kept`, whether it stays
    before the committee until that is done. `clause` is the period on whose page a waiver is decided. `asks` is the
    procedure's step that a decision on it may do, blank where there is none; `is_endorsed`, whether partners endorse
    the decision that does it.
    """

    row: PresentedItem
    number: str
    title: str
    section: str
    presenter: str
    points: tuple[str, ...]
    why: str
    why_late: str
    referred_to: str
    used: int | None
    is_current: bool
    decided: tuple[RegisteredDecision, ...]
    candidate: UUID | None = None
    is_kept: bool = False
    clause: UUID | None = None
    asks: str = ""
    is_endorsed: bool = False

    @property
    def about(self) -> str:
        """The id of the minutes' meeting, or of the decision, that the item is there for; "" for any other."""
        is_one = self.row.kind in ("minutes", "decision", OBJECTION, SILENCE)
        return str(self.row.subject).partition("@")[0] if is_one else ""

    @property
    def is_objection(self) -> bool:
        """Whether it is settled where the decision stands that is objected to, by a decision of its own."""
        return self.row.kind == OBJECTION

    @property
    def id(self) -> UUID:
        """The item's id."""
        return self.row.id

    @property
    def is_over(self) -> bool:
        """Whether it took longer than was planned for it."""
        return self.used is not None and bool(self.row.minutes) and self.used > self.row.minutes

    @property
    def was_seen_too_often(self) -> bool:
        """Whether so many meetings did not reach it that it asks for a decision or an end."""
        return self.row.times_seen >= TOO_OFTEN

    @property
    def is_standing(self) -> bool:
        """Whether a rule has it on every agenda anew, so that what is to be decided is the rule."""
        return self.row.kind in OF_ONE_MEETING


@dataclass(frozen=True)
class Pace:
    """How a meeting under way keeps its time, in minutes: until its end, and what the items that are left take."""

    now: time
    left: int
    planned: int

    @property
    def short(self) -> int:
        """By how many minutes what is left is longer than the time that is left."""
        return max(0, self.planned - max(0, self.left))


@dataclass(frozen=True)
class SittingPage:
    """A meeting that was opened, as its page shows it. `stood` is how the quorum stands now; once held, at its best."""

    stood: QuorumStanding
    quorum_words: str
    rule_words: str
    seats: tuple[SittingSeat, ...]
    items: tuple[SittingItem, ...]
    decided: tuple[RegisteredDecision, ...]
    pace: Pace | None
    has_spoken: bool
    heard: Collection[UUID]
    endorsements: Mapping[UUID, Both] = field(default_factory=dict)

    @property
    def untreated(self) -> tuple[SittingItem, ...]:
        """The items of which nothing is recorded yet, neither of a case in their turn."""
        return tuple(one for one in self.items if not one.row.outcome and one.id not in self.heard)

    @property
    def unrecorded(self) -> int:
        """How many seats wait to be recorded."""
        return sum(not one.is_recorded for one in self.seats)

    @property
    def has_anything(self) -> bool:
        """Whether something was recorded, so that it cannot be put back."""
        noted = any(one.row.outcome or one.row.note_fr or one.row.note_en for one in self.items)
        return bool(noted or self.decided or self.has_spoken or any(one.is_recorded for one in self.seats))


def sitting_of(
    context: RequestContext, meeting: Meeting, members: Membership, people: Mapping[UUID, Person]
) -> SittingPage:
    """A meeting that is under way or held."""
    session, meeting_id = context.session, meeting.id
    day = meeting.starts.date()
    is_live = meeting.state == "under_way"
    stood = (
        attendance.quorum_now(session, meeting_id, context.at) if is_live else attendance.fullest(session, meeting_id)
    )
    rule = quorum.rule_of(committees(session)[meeting.committee_id].quorum)
    seats = members.seats_on(day)
    decided = tuple(decisions.decisions_of(session, meeting_id))
    rows = items_of(session, meeting_id)
    used = running.minutes_used(meeting, rows, context.at)
    return SittingPage(
        stood=stood,
        quorum_words=quorum.in_words(stood, context.language, seats),
        rule_words=quorum.rule_in_words(rule, context.language, seats),
        seats=tuple(_seats(context, meeting, members, people)),
        items=tuple(_items(context, meeting, rows, used, decided)),
        decided=decided,
        pace=_pace(meeting, rows, context.at)
        if is_live and meeting.opened_at and meeting.opened_at <= meeting.ends_at
        else None,
        has_spoken=discussing.was_any_in(session, meeting_id),
        heard=discussing.turns_heard(session, meeting),
        endorsements=decisions.endorsements_in_words(session, decided),
    )


def owners_of(context: RequestContext) -> tuple[list[tuple[str, str]], list[tuple[UUID, str]]]:
    """Who may owe a decision: the program's roles, and its organizations; each with its name, in their order."""
    roles = sorted(titles_of_roles(context).items(), key=lambda one: one[1].casefold())
    return roles, [*places_by_id(context).items()]


def _seats(
    context: RequestContext, meeting: Meeting, members: Membership, people: Mapping[UUID, Person]
) -> list[SittingSeat]:
    day, zone = meeting.starts.date(), meeting.time_zone
    instead = attendance.alternates_of(context.session, meeting.id)
    said = _said(context, meeting, people)
    return [
        SittingSeat(
            of=one,
            title=title_of(one.seat, context.language),
            people=tuple(people[person] for person in one.expected),
            who=people[one.person_id] if one.person_id else None,
            arrived=clock_of(one.arrived_at, zone) if one.arrived_at else None,
            left=clock_of(one.left_at, zone) if one.left_at else None,
            instead=tuple(people[person] for person in instead[one.seat.id]),
            is_away=any(members.away(person, day) for person in one.expected),
            said={person: said[person] for person in one.expected if person in said},
        )
        for one in attendance.attendance_of(context.session, meeting.id)
    ]


def _said(context: RequestContext, meeting: Meeting, people: Mapping[UUID, Person]) -> dict[UUID, InvitationAnswer]:
    """What was answered to the invitation, by person, where the answer stands."""
    return {
        row.person_id: InvitationAnswer(row.answer, people[row.alternate_id] if row.alternate_id else None)
        for row in answers.given(context.session, [meeting.id])
        if row.answer
    }


@dataclass(frozen=True)
class _Beside:
    """What is known of the items of a sitting beside their rows, by their ids."""

    used: Mapping[UUID, int]
    decided: Sequence[RegisteredDecision]
    current: UUID | None
    committees: Mapping[UUID, Committee]
    candidates: Mapping[UUID, UUID]
    clauses: Mapping[UUID, UUID]
    kept: Collection[UUID]
    asked: Mapping[UUID, AskedTask]


def _items(
    context: RequestContext,
    meeting: Meeting,
    rows: Sequence[PresentedItem],
    used: Mapping[UUID, int],
    decided: Sequence[RegisteredDecision],
) -> list[SittingItem]:
    current = running.current_of(rows) if meeting.state == "under_way" else None
    beside = _Beside(
        used,
        decided,
        current=current.id if current is not None else None,
        committees=committees(context.session),
        candidates=recruiters.sat_on(context.session, meeting.id),
        clauses=waivers.periods_on(context.session, meeting.id),
        kept=kept_for_their_act(context.session, rows),
        asked=asked_for(context.session, [row.id for row in rows]),
    )
    return [_item(row, place, beside, context.language) for place, row in enumerate(rows, start=1)]


def _item(row: PresentedItem, place: int, beside: _Beside, language: str) -> SittingItem:
    either = partial(_either, language)
    asked = beside.asked.get(row.id)
    return SittingItem(
        row=row,
        number=row.number or str(place),
        title=either(row.title_fr, row.title_en),
        section=either(row.section_fr, row.section_en),
        presenter=either(row.presenter_fr, row.presenter_en),
        points=tuple(pick(language, point) for point in row.points),
        why=in_words(row.reasons.without(CARRIED, THREE_TIMES, STANDING_THREE_TIMES), language),
        why_late=why_late(row.late_reason, language),
        referred_to=_referred_to(row, beside.committees, language),
        used=beside.used.get(row.id),
        is_current=row.id == beside.current,
        decided=tuple(one for one in beside.decided if one.item_id == row.id),
        candidate=beside.candidates.get(row.id),
        is_kept=row.id in beside.kept,
        clause=beside.clauses.get(row.id),
        asks=either(asked.title_fr, asked.title_en) if asked else "",
        is_endorsed=asked is not None and deciding.ENDORSED_SOURCE in asked.sources,
    )


def _either(language: str, fr: str | None, en: str | None) -> str:
    """In the reader's language; where there is none in it, in the other."""
    return pick(language, {"fr": fr or en or "", "en": en or fr or ""})


def _referred_to(row: PresentedItem, named: Mapping[UUID, Committee], language: str) -> str:
    return title_of(named[row.referred_to_id], language) if row.referred_to_id else ""


def _pace(meeting: Meeting, rows: Sequence[PresentedItem], at: datetime) -> Pace:
    return Pace(
        now=clock_of(at, meeting.time_zone),
        left=round((meeting.ends_at - at).total_seconds() / 60),
        planned=sum(row.minutes for row in rows if not row.outcome),
    )
