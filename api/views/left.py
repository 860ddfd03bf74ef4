"""What a person leaves, line by line as the reader may see it: who has it next, and how it can be settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Uuid, literal
from sqlmodel import Session

from api.access.permissions import Asker
from api.access.tasks import closed_to, keeps_files, oversees
from api.views.follow_ups import BARS
from api.views.names import names_by_id, present_on
from domain.accompaniment import proposals
from domain.casework import board, case_title, words
from domain.departure import (
    departure_of,
    endings,
    gathering,
    is_authors_alone,
    offers,
    parts_left,
    settling,
    successors,
)
from domain.holdings import APPROVAL, EQUIPMENT, FOLLOW_UP, TASK, TENURE, Holding, role_of
from domain.kernel import col, every, joins, local_day, of, only, scalar, surely, tuples
from domain.roles import DayTenures, Link, calls_who_barred, standing, task_is_open_to
from locales import N_, say, show_day
from models.casework import Case, Task
from models.departure import HandOver


@dataclass(frozen=True)
class Left:
    """One thing that a leaver has in hand: its next holder, or the task that asks about it, and until when."""

    kind: str
    id: UUID
    title: str
    href: str
    next_ones: tuple[str, ...]  # who has it by themselves, once its holder is gone
    task: Task | None  # the step that asks about it, while it is open
    choices: tuple[tuple[str, str], ...] = ()  # how it can be settled: the form's value, and the words for it
    missing_since: datetime | None = None
    offer: LastOffer | None = None  # of a follow-up: the last one
    settled_by: tuple[str, ...] = ()  # on whom the task waits
    not_now: tuple[str, ...] = ()  # of a follow-up: who cannot be given it, with why
    nobody: str = ""  # why nobody can take it over by name, where it is of a kind that somebody could
    case_title: str = ""  # of a task or an approval of a case about no participant: which case, for whoever settles it


@dataclass(frozen=True)
class LastOffer:
    """The last time that a follow-up was offered: to whom, by when they answer, and what they said."""

    name: str
    state: str
    answer_by: date
    silent: bool
    way: str


def left_of(
    session: Session, case: Case, at: datetime, language: str, *, may_settle: bool, asker: Asker, own: bool = False
) -> list[Left]:
    """All that the leaver of a departure has in hand and is not settled, the kinds in their order.

    It leaves out what is about a participant who barred the reader, and steps that the reader is not shown
    (`closed_to`). `own` says that the reader is the leaver.
    """
    steps = every(session, of(Task).where(Task.case_id == case.id, Task.holding != "", Task.state == "open"))
    asking = {(row.holding, row.item): row for row in steps}
    found = _shown_in_hand(session, asker, case, at, asking)
    departure, today = departure_of(session, case.id), standing(session, local_day(session, at))
    reading = _Reading(
        session,
        case,
        at,
        language,
        may_settle=may_settle and case.state == "open",
        own=own,
        is_over=departure is not None and not is_authors_alone(session, departure, at),
        names=names_by_id(session, present_on(today)),
        today=today,
        links=board.chains(session, [row.owed_by_id for row in steps]),
        case_titles=_case_titles(session, [one.id for one in found if one.kind in (TASK, APPROVAL)], language),
        offered=offers.last_offers(session, case.id),
        agreed=parts_left.ways_agreed(session, case.id),
    )
    return [reading.line(one, asking.get((one.kind, one.item))) for one in found]


def keeps_back(session: Session, asker: Asker, case_id: UUID) -> bool:
    """Whether a departure still asks something that the asker is not shown, since a participant barred them."""
    found = only(Task.id).where(
        Task.case_id == case_id, Task.state == "open", ~task_is_open_to(literal(asker.person_id, Uuid()))
    )
    return scalar(session, found.limit(1)) is not None


def said_of(proposal: proposals.WorkerProposal, names: Mapping[UUID, str], language: str) -> str:
    """A worker to whom a follow-up can be offered, with what speaks for them and against. DP-03a, DP-03b."""
    return f"{names.get(proposal.person_id, '')} – {fit_in_words(proposal, language)}"


def fit_in_words(proposal: proposals.WorkerProposal, language: str) -> str:
    """What speaks for a worker to whom a follow-up can be offered, and against them."""
    reasons = [
        *([N_("has met the participant")] if proposal.met else []),
        N_("speaks the language") if proposal.speaks else N_("speaks another language"),
        *([N_("knows the person")] if proposal.knew and not proposal.met else []),
        N_("has time for it") if proposal.roomy else N_("more than there is time for"),
        *([N_("goes to the same area")] if proposal.nearby else []),
    ]
    percent = round(proposal.load.share_with(proposal.offered) * 100)
    return ", ".join(
        [*(say(language, one) for one in reasons), say(language, N_("%(percent)s %% taken"), percent=percent)]
    )


def _shown_in_hand(
    session: Session, asker: Asker, case: Case, at: datetime, asking: Mapping[tuple[str, str], Task]
) -> list[Holding]:
    """What the leaver has in hand and was not settled, as far as the reader is shown it. `asking` are the steps."""
    kept = calls_who_barred(session, asker.person_id)
    closed = closed_to(session, asker, [row.id for row in asking.values()])
    hidden = {thing for thing, task in asking.items() if task.id in closed}
    unsettled = gathering.unsettled(session, case, at)
    found = [one for one in unsettled if (one.kind, one.item) not in hidden and not kept(one.title.en)]
    if not oversees(session, asker, case):
        alone = [one for one in found if (one.kind, one.item) not in asking]
        found = _without(found, _unseen(session, asker, alone))
    return found


def _without(found: Sequence[Holding], unseen: Sequence[Holding]) -> list[Holding]:
    return [one for one in found if one not in unseen]


def _unseen(session: Session, asker: Asker, alone: Sequence[Holding]) -> list[Holding]:
    """Those of these things, which no step asks about, that call a participant whose file the reader does not keep."""
    calls = words.about(session, [words.OfTask(one.id, None, one.item, one.title.en) for one in alone])
    keeps = keeps_files(session, asker, set(calls.values()))
    return [one for one in alone if one.id in calls and keeps[calls[one.id]] is None]


@dataclass(frozen=True)
class _Choices:
    """How a thing can be settled: who takes it over or how it ends, who cannot have it, and why it has no takers."""

    ways: tuple[tuple[str, str], ...] = ()
    not_now: tuple[str, ...] = ()
    nobody: str = ""


@dataclass(frozen=True)
class _Reading:
    """What the lines of a departure are written from, read once for all of them."""

    session: Session
    case: Case
    at: datetime
    language: str
    may_settle: bool
    own: bool
    is_over: bool
    names: Mapping[UUID, str]
    today: DayTenures
    links: Mapping[UUID, list[Link]]
    case_titles: Mapping[UUID, str]
    offered: Mapping[UUID, HandOver]
    agreed: Mapping[str, str]

    def line(self, one: Holding, task: Task | None) -> Left:
        """The line of a thing, and what the step that asks about it says of it."""
        line = Left(
            one.kind,
            one.id,
            one.title.in_language(self.language),
            one.href,
            self._called(one.goes_to),
            task,
            case_title=self.case_titles.get(one.id, ""),
        )
        if task is None:
            return line
        choices = self._choices(one.kind, task) if self.may_settle else _Choices()
        falls = board.who(self.today, task, self.links)
        return replace(
            line,
            choices=choices.ways,
            not_now=choices.not_now,
            nobody=choices.nobody,
            missing_since=settling.missing_since(self.session, task) if one.kind == EQUIPMENT else None,
            offer=_offer(self.offered.get(task.id), self.names, self.agreed.get(one.item, "")),
            settled_by=self._called(holder.person_id for holder in falls.holders) if falls is not None else (),
        )

    def _called(self, people: Iterable[UUID]) -> tuple[str, ...]:
        return tuple(self.names[person] for person in people)

    def _choices(self, kind: str, task: Task) -> _Choices:
        thought_of = self._thought_of(task)
        takers = self._takers(task, thought_of)
        nobody = ""
        if not takers and endings.TAKEN_OVER[kind] and not thought_of:
            nobody = say(self.language, successors.why_nobody(self.session, task))
        ends = [(f"end:{end}", say(self.language, endings.ENDS[end])) for end in self._ends(kind, task)]
        if not takers and not ends:
            nobody = say(self.language, _NOBODY_BUT_ITS_AUTHOR)
        return _Choices((*takers, *ends), _not_now(thought_of, self.names, self.language), nobody)

    def _ends(self, kind: str, task: Task) -> tuple[str, ...]:
        """How the thing can end without a successor: not with its role, where the role would be left empty."""
        ends = endings.endings(kind, own=self.own, over=self.is_over)
        if "with_the_role" in ends and endings.would_be_nobodys(self.session, task, self.case, self.at):
            return tuple(end for end in ends if end != "with_the_role")
        return ends

    def _thought_of(self, task: Task) -> list[proposals.WorkerProposal]:
        """The workers to consider for a follow-up that is to be handed over; none for any other thing."""
        if task.holding != FOLLOW_UP:
            return []
        return parts_left.considered_for(self.session, task, surely(self.case.subject_id), self.at)

    def _takers(self, task: Task, thought_of: Sequence[proposals.WorkerProposal]) -> list[tuple[str, str]]:
        """Who can take a thing over, as choices: of a follow-up who fits best first, with why; else by name."""
        if task.holding == FOLLOW_UP:
            return [
                (f"to:{one.person_id}", said_of(one, self.names, self.language)) for one in thought_of if one.possible
            ]
        able = set(successors.may_take_over(self.session, task, self.case, self.at))
        there, begin = self._of_the_place(task)
        in_order = sorted(
            (person for person in self.names if person in able),
            key=lambda person: (person not in begin, person not in there),
        )
        return [
            (f"to:{person}", _said_of_taker(self.names[person], begin.get(person), self.language))
            for person in in_order
        ]

    def _of_the_place(self, task: Task) -> tuple[frozenset[UUID], dict[UUID, date]]:
        """Who holds a role at the organization of a role that is left, and who is to begin in that role, and when.

        A role most often goes to a person of the same organization: they come first, after those to begin in it.
        """
        if task.holding != TENURE:
            return frozenset(), {}
        place, role = surely(self.case.organization_id), role_of(self.session, UUID(task.item))
        there = frozenset(held.person_id for held in self.today.tenures if held.organization_id == place)
        return there, {held.person_id: held.starts_on for held in reversed(self.today.to_hold(role, place))}


def _case_titles(session: Session, task_ids: Sequence[UUID], language: str) -> dict[UUID, str]:
    """Of which case each of these tasks is, where it is about no participant: several are called the same."""
    case_of = dict(
        tuples(
            session,
            only(Task.id, surely(Task.case_id))
            .join(Case, joins(Task.case_id, Case))
            .where(col(Task.id).in_(task_ids), col(Case.participant_id).is_(None)),
        )
    )
    cases = every(session, of(Case).where(col(Case.id).in_(set(case_of.values()))))
    titles = {one.id: case_title(session, one, language) for one in cases}
    return {task_id: titles[case_id] for task_id, case_id in case_of.items()}


def _said_of_taker(name: str, begins_on: date | None, language: str) -> str:
    if begins_on is None:
        return say(language, _TO, name=name)
    return say(language, _TO_WHO_BEGINS, name=name, day=show_day(language, begins_on))


def _not_now(
    thought_of: Sequence[proposals.WorkerProposal], names: Mapping[UUID, str], language: str
) -> tuple[str, ...]:
    """Who cannot be given the follow-up that is asked about, with why: seen before anything is offered."""
    return tuple(
        f"{names.get(one.person_id, '')} ({', '.join(say(language, BARS[bar]) for bar in one.load.bars)})"
        for one in thought_of
        if not one.possible
    )


def _offer(row: HandOver | None, names: Mapping[UUID, str], way: str) -> LastOffer | None:
    if row is None:
        return LastOffer("", "", date.min, False, way) if way else None
    return LastOffer(names[row.to_id], row.state, row.answer_by, row.lapsed_at is not None, way or row.way)


_TO = N_("Goes to %(name)s")
_TO_WHO_BEGINS = N_("Goes to %(name)s, who begins there on %(day)s")
_NOBODY_BUT_ITS_AUTHOR = N_("Until the last day is over, only its author decides what becomes of it.")
