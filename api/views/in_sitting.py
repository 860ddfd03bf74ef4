"""What a member sees of a meeting that sits, on their own device or on the wall: by number, and nothing sealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final, TypedDict
from uuid import UUID

from api.access.follow_ups import ground_of
from api.access.permissions import Action, Forbidden, require
from api.access.session import RequestContext
from api.access.sittings import Sight, SittingRead
from api.views.follow_ups import AWAITED, CASE_OUTCOMES, PROCESSES, REASONS, STRIP
from api.views.sittings import ATTENDED
from api.views.states import STATES
from domain.follow_ups import issues
from domain.kernel import Refusal, col, every, kept, surely
from domain.kernel import of as rows_of
from locales import N_, gettext, pick
from meetings import attendance, quorum, running
from meetings.agenda_items import PresentedItem
from meetings.agenda_rules import OBJECTION, REQUEST, SILENCE, TURN
from meetings.attendance import Attended
from meetings.caseloads import CaseLine, InactiveLine
from meetings.committees import title_of
from meetings.decision_rows import RegisteredDecision
from meetings.local_times import clock_of
from models.minutes import QuorumStanding
from models.obligation import WAIVER_ITEM
from models.program import Person

#: The risk at admission, as a shape and a word.
RISKS: Final[Mapping[str, tuple[str, str]]] = {
    "red": ("stop", N_("Red")),
    "yellow": ("half", N_("Yellow")),
    "green": ("full", N_("Green")),
    "none": ("empty", N_("No risk seen")),
}

#: The kinds of items whose title has words that people typed; and the columns of a title.
_TYPED: Final = frozenset({REQUEST, "decision", OBJECTION, SILENCE, WAIVER_ITEM})
_TITLES: Final = frozenset({"title_fr", "title_en"})


class CaseWords(TypedDict):
    """The words of cases, by their codes."""

    case_outcomes: Mapping[str, str]
    awaited: Mapping[str, str]
    processes: Mapping[str, str]
    states: Mapping[str, tuple[str, str]]
    reasons: Mapping[str, str]
    risks: Mapping[str, tuple[str, str]]
    drawn: Mapping[str, object]


CASE_WORDS: Final = CaseWords(
    case_outcomes=CASE_OUTCOMES,
    awaited=AWAITED,
    processes=PROCESSES,
    states=STATES,
    reasons=REASONS,
    risks=RISKS,
    drawn=STRIP,
)


@dataclass(frozen=True)
class SeatShown:
    """A seat, who fills it now, and the shape and word of how."""

    title: str
    who: str
    shape: str
    word: str


@dataclass(frozen=True)
class CasesOfWorker:
    """The cases of one worker, or those that wait for a worker."""

    name: str
    cases: tuple[CaseLine, ...]


@dataclass(frozen=True)
class ItemShown:
    """An item as a member sees it; `candidate` where that person's file is open to them."""

    row: PresentedItem
    number: str
    title: str
    is_current: bool
    used: int | None
    candidate: UUID | None
    workers: tuple[CasesOfWorker, ...]
    inactive: tuple[InactiveLine, ...]

    @property
    def is_as_printed(self) -> bool:
        """Whether its title went out with the agenda, where it was looked at for names, or is its rule's own."""
        if self.row.frozen_at is not None and not self.row.late:
            return True
        return bool(self.row.rule) and self.row.kind not in _TYPED and not self.row.reasons.edited & _TITLES

    @property
    def cases(self) -> int:
        """How many cases stand under it."""
        return sum(len(one.cases) for one in self.workers)


@dataclass(frozen=True)
class InSitting:
    """A meeting as one sight shows it."""

    stood: QuorumStanding | None
    quorum_words: str
    seats: tuple[SeatShown, ...]
    items: tuple[ItemShown, ...]
    decided: tuple[RegisteredDecision, ...]
    now: time
    minutes_left: int
    sight: Sight

    @property
    def current(self) -> ItemShown | None:
        """The item that the meeting is at."""
        return next((one for one in self.items if one.is_current), None)

    @property
    def is_current_hidden(self) -> bool:
        """Whether the meeting is at something that this reader does not see."""
        return self.current is None and self.stood is not None and any(not one.row.outcome for one in self.items)

    def may_read(self, case: CaseLine) -> bool:
        """Whether what is raised of a case may be read."""
        return case.brought is not None and case.row.id in self.sight.words

    @property
    def raised(self) -> int:
        """How many issues may be read under the item that the meeting is at."""
        of_it = () if self.current is None else self.current.workers
        return sum(self.may_read(case) for worker in of_it for case in worker.cases)


def in_sitting(read: SittingRead, sight: Sight, language: str, at: datetime) -> InSitting:
    """A meeting as it stands, as this sight shows it."""
    meeting, session = read.meeting, read.session
    # Of one reading, what is the same for everybody is asked once.
    stood, attended, names = kept(session, (in_sitting, meeting.id), lambda: _told_of_all(read, at))
    seats = read.members.seats_on(meeting.starts.date())
    return InSitting(
        stood=stood,
        quorum_words=quorum.in_words(stood, language, seats) if stood is not None else "",
        seats=tuple(_seat(one, names, language) for one in attended),
        items=tuple(_items(read, sight, names, language, at)),
        decided=tuple(one for one in reversed(read.decided) if one.id in sight.decisions),
        now=clock_of(at, meeting.time_zone),
        minutes_left=round((meeting.ends_at - at).total_seconds() / 60),
        sight=sight,
    )


@dataclass(frozen=True)
class Raised:
    """What a worker raises of a case, opened for who sits."""

    case: CaseLine
    words: str


def opened_under(context: RequestContext, read: SittingRead | None, item_id: UUID) -> list[Raised]:
    """What workers raise of the cases under an item, of those that the asker may read: each reading is on record.

    Raises Refusal where the meeting does not sit, as one that is over; and Forbidden where there is no such item.
    """
    if read is None or read.meeting.state != "under_way":
        raise Refusal("sitting.not_open", N_("What workers raise is read while the meeting sits."), source="CM-C")
    shown = in_sitting(read, read.seen_by(context.asker), context.language, context.at)
    under = next((one for one in shown.items if one.row.id == item_id), None)
    if under is None:
        raise Forbidden
    found = []
    for case in (case for worker in under.workers for case in worker.cases if shown.may_read(case)):
        given = read.to_case(context.asker, case)
        by = require(Action.READ_FOLLOW_UP, given)
        words = issues.read_issue(
            context.session,
            surely(case.brought),
            case.row.participant_id,
            ground=ground_of(given),
            by=by,
            at=context.at,
        )
        found.append(Raised(case, words))
    return found


def _told_of_all(
    read: SittingRead, at: datetime
) -> tuple[QuorumStanding | None, tuple[Attended, ...], dict[UUID, str]]:
    """The quorum, who fills which seat, and the names that are shown."""
    session, meeting = read.session, read.meeting
    if meeting.state != "under_way":
        return None, (), _names(read, ())
    attended = attendance.attendance_of(session, meeting.id)
    return attendance.quorum_now(session, meeting.id, at), attended, _names(read, attended)


def _names(read: SittingRead, attended: Sequence[Attended]) -> dict[UUID, str]:
    wanted = {one.part.person_id for one in read.lines if one.part is not None}
    wanted |= {person for one in attended for person in (one.person_id, *one.expected) if person is not None}
    rows = every(read.session, rows_of(Person).where(col(Person.id).in_(sorted(wanted))))
    return {row.id: row.name for row in rows}


def _seat(one: Attended, names: Mapping[UUID, str], language: str) -> SeatShown:
    shape, word = ATTENDED[one.state]
    who = names.get(one.person_id, "") if one.person_id else ", ".join(names[person] for person in one.expected)
    if one.left_at is not None:
        shape, word = "skip", N_("Left")
    return SeatShown(title_of(one.seat, language), who, shape, gettext(word))


def _items(
    read: SittingRead, sight: Sight, names: Mapping[UUID, str], language: str, at: datetime
) -> Iterator[ItemShown]:
    current = running.current_of(read.items) if read.meeting.state == "under_way" else None
    used = running.minutes_used(read.meeting, read.items, at)
    last_turn = next((row.id for row in reversed(read.items) if row.kind == TURN), None)
    for place, row in enumerate(read.items, start=1):
        if row.id in sight.items:
            yield ItemShown(
                row,
                row.number or str(place),
                _either(language, row.title_fr, row.title_en),
                is_current=current is not None and row.id == current.id,
                used=used.get(row.id),
                candidate=read.candidates.get(row.id) if row.id in sight.candidates else None,
                workers=_workers(read, sight, row, names, is_last=row.id == last_turn),
                inactive=_inactive(read, sight) if row.lists == "inactive" else (),
            )


def _inactive(read: SittingRead, sight: Sight) -> tuple[InactiveLine, ...]:
    return tuple(one for one in read.inactive if one.row.id in sight.inactive)


def _workers(
    read: SittingRead, sight: Sight, row: PresentedItem, names: Mapping[UUID, str], *, is_last: bool
) -> tuple[CasesOfWorker, ...]:
    """The cases under a turn: those of its seat's organization; under the last one, also those without a worker."""
    if row.kind != TURN:
        return ()
    places = {seat.organization_id for seat in read.members.seats if seat.id == row.presenter_seat_id}
    found: dict[str, list[CaseLine]] = {}
    for line in read.lines:
        is_here = is_last if line.part is None else line.part.organization_id in places
        if is_here and line.row.id in sight.cases:
            found.setdefault(names[line.part.person_id] if line.part is not None else "", []).append(line)
    return tuple(CasesOfWorker(name, tuple(found[name])) for name in sorted(found, key=lambda one: (not one, one)))


def _either(language: str, fr: str, en: str) -> str:
    return pick(language, {"fr": fr or en, "en": en or fr})
