"""How much each worker has in hand, and who to propose for a follow-up: by what is on record, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Date, bindparam, func
from sqlmodel import Session, and_

from domain.agreements import is_in_force, of_agreement
from domain.follow_ups import gate
from domain.follow_ups.assigning import asked_of_departing, departing, given_with, holds, leaves, roles_for
from domain.follow_ups.weeks import WEEK, monday_of
from domain.kernel import Question, among, ask_ahead, built, col, in_program, joins, only, run, same, select
from domain.participants import barred_workers
from domain.roles import DayTenures, HeldRole, standing
from domain.terms import PRIMARY, ROLES, SECOND, TO_ACCOMPANY, Withheld, asked_of_terms, circle_of, not_sharing
from models.agreement import Agreement, AgreementRole, AgreementVersion
from models.follow_up import Assignment, FollowUp, WeeklyNote
from models.participant import CandidateWorker

#: The weight of a follow-up in its worker's load, by how much it asks; the second of a pair has a third of it.
_REGULAR: Final = 1.0
WEIGHT: Final[Mapping[str, float]] = {"light": 0.5, "regular": _REGULAR, "intense": 2.0}
OF_THE_SECOND: Final = 1 / 3
#: From so many hours of agreement a week for each regular follow-up on, there is time for it. Below, it is too much.
HOURS_A_FOLLOW_UP: Final = 2.5
#: The weeks over which hours in person are counted.
WEEKS_COUNTED: Final = 4

#: Why a worker cannot be assigned a follow-up now, in the words of `assigning.bar_to`'s codes.
AWAY, LEAVING, BARRED = "away", "leaving", "barred"
ONBOARDING, NO_AGREEMENT = "onboarding", "no_agreement"
NOT_SHARED, NOT_AGREED = "not_shared", "not_agreed"


@dataclass(frozen=True, kw_only=True)
class InHand:
    """What one worker has in hand on a day, as it is told.

    - `hours` is what the agreement in force gives the role a week, None where it does not say.
    - `weight` is the total weight of the follow-ups, by how much they ask.
    - `to_meet` are the candidates assigned to them who have no number yet, alone or as the first of a pair.
    - `minutes_a_week` is what the notes of the last four weeks say was spent in person.
    - `bars` say why they cannot be given one now.
    """

    person_id: UUID
    organization_id: UUID
    hours: float | None
    primary: int
    second: int
    on_break: int
    to_meet: int
    weight: float
    minutes_a_week: int
    bars: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Load(InHand):
    """What one worker has in hand on a day, and what else is asked where one is to be chosen.

    - `expected` is what those `to_meet` will weigh, with those that they meet as the second.
    - `bars_as_second` say why they cannot be the second of a pair.
    - `waits_for` is what their onboarding waits for before they follow anyone.
    """

    expected: float = 0.0
    bars_as_second: tuple[str, ...] = ()
    waits_for: tuple[gate.Awaited, ...] = ()

    @property
    def share(self) -> float:
        """The share of the hours taken by follow-ups and candidates to meet: 1 is full. Without hours, as if few."""
        return self.share_with(0.0)

    def share_with(self, more: float) -> float:
        """The same share with follow-ups of this weight added."""
        return (self.weight + self.expected + more) * HOURS_A_FOLLOW_UP / (self.hours or _FEW_HOURS)

    def has_room_for(self, more: float) -> bool:
        """Whether there is time for follow-ups of this weight in addition. It warns, and refuses nothing."""
        return self.share_with(more) <= 1

    @property
    def is_overloaded(self) -> bool:
        """Whether another regular follow-up is more than there is time for. It warns, and refuses nothing."""
        return not self.has_room_for(_REGULAR)

    @property
    def can_be_given_one(self) -> bool:
        """Whether nothing bars this worker."""
        return not self.bars


_FEW_HOURS: Final = 28.0


def loads(session: Session, day: date, *, participant_id: UUID | None = None) -> list[Load]:
    """Every youth worker of the day with what they have in hand, the one with most room first.

    With `participant_id`, the bars include those of that participant, and organizations with which they do not agree to
    share. The worker who is to meet them counts only their other work, and those who cannot be assigned come last.
    """
    today = standing(session, day)
    workers = workers_of(today)
    ids = list(dict.fromkeys(held.person_id for held in workers))
    ask_ahead(
        session,
        asked_of_departing(ids),
        Question(_HOURS, {"day": day}),
        *asked_of_terms(day),
        Question(_IN_HAND, {"day": day, "workers": ids}),
        _asked_of_minutes(ids, day),
        Question(_TO_MEET),
        gate.asked_of_awaited(ids),
    )
    read = _Read(
        today=today,
        barred=barred_workers(session, participant_id) if participant_id is not None else frozenset(),
        leaving=departing(session, ids),
        hours=_hours(session, day),
        withheld=_withheld(session, workers, day, participant_id),
        in_hand=_in_hand(session, ids, day),
        minutes=_minutes(session, ids, day),
        to_meet=_to_meet(session, participant_id),
        awaited=gate.awaited(session, ids, today),
    )
    found: dict[UUID, Load] = {}
    for held in workers:
        load, before = read.load_of(held), found.get(held.person_id)
        # Of one who works at two organizations, where nothing bars them.
        if before is None or (load.can_be_given_one and not before.can_be_given_one):
            found[held.person_id] = load
    return sorted(found.values(), key=lambda one: (not one.can_be_given_one, one.share, str(one.person_id)))


@dataclass(frozen=True)
class _Read:
    """What was read of every worker of a day, to tell of each what they have in hand and what bars them."""

    today: DayTenures
    barred: frozenset[UUID]
    leaving: Mapping[tuple[UUID, UUID], date]
    hours: Mapping[UUID, float]
    withheld: Mapping[tuple[HeldRole, str], Withheld]
    in_hand: Mapping[UUID, list[tuple[str, str, str]]]
    minutes: Mapping[UUID, int]
    to_meet: Mapping[UUID, list[str]]
    awaited: Mapping[tuple[UUID, UUID], tuple[gate.Awaited, ...]]

    def load_of(self, held: HeldRole) -> Load:
        """What a worker has in hand, under one role of theirs."""
        person_id = held.person_id
        in_hand, to_meet = self.in_hand.get(person_id, []), self.to_meet.get(person_id, [])
        return Load(
            person_id=person_id,
            organization_id=held.organization_id,
            hours=self.hours.get(held.organization_id) or None,
            primary=sum(kind == PRIMARY for kind, _, _ in in_hand),
            second=sum(kind == SECOND for kind, _, _ in in_hand),
            on_break=sum(state == "on_break" for _, state, _ in in_hand),
            weight=weight_of(in_hand),
            minutes_a_week=self.minutes.get(person_id, 0),
            to_meet=to_meet.count(PRIMARY),
            expected=weight_of((kind, "active", "regular") for kind in to_meet),
            bars=self._bars(held, PRIMARY),
            bars_as_second=self._bars(held, SECOND),
            waits_for=self.awaited.get((person_id, held.organization_id), ()),
        )

    def _bars(self, held: HeldRole, kind: str) -> tuple[str, ...]:
        """Why a worker cannot be given a part of a kind."""
        has_agreement = held.organization_id in self.hours
        bars = {
            AWAY: self.today.is_away(held.person_id),
            LEAVING: leaves(held, self.today.day, self.leaving),
            BARRED: held.person_id in self.barred,
            ONBOARDING: bool(self.awaited.get((held.person_id, held.organization_id))),
            NO_AGREEMENT: not has_agreement,
        }
        withheld = _WITHHELD[self.withheld[held, kind]] if has_agreement else ()
        return (*(bar for bar, holds in bars.items() if holds), *withheld)


_WITHHELD: Final[Mapping[Withheld, tuple[str, ...]]] = {"": (), "terms": (NOT_SHARED,), "consent": (NOT_AGREED,)}


def _withheld(
    session: Session, workers: Iterable[HeldRole], day: date, participant_id: UUID | None
) -> dict[tuple[HeldRole, str], Withheld]:
    """Why a participant is not given to each worker, as each of a pair; without one, as the agreements' terms say."""
    both = [(held, kind) for held in workers for kind in (PRIMARY, SECOND)]
    if participant_id is None:
        closed = not_sharing(session, day, TO_ACCOMPANY)
        return {(held, kind): "terms" if held.organization_id in closed else "" for held, kind in both}
    circle = circle_of(session, participant_id, day)
    return {
        (held, kind): circle.withholds_from(held.organization_id, given_with(circle, held, kind), kind=kind)
        for held, kind in both
    }


def weight_of(in_hand: Iterable[tuple[str, str, str]]) -> float:
    """The total weight of follow-ups, each as (part, state, how much it asks): a break asks nothing."""
    return sum(
        WEIGHT[intensity] * (1 if kind == PRIMARY else OF_THE_SECOND)
        for kind, state, intensity in in_hand
        if state == "active"
    )


def workers_of(today: DayTenures) -> list[HeldRole]:
    """Those who may have a follow-up on the day, absent ones included: each of their roles that allows it."""
    people = dict.fromkeys(held.person_id for role in ROLES[PRIMARY] for held in today.holding(role))
    return [held for person_id in people for held in roles_for(today, person_id, PRIMARY)]


def _hours(session: Session, day: date) -> dict[UUID, float]:
    """The hours a week of a youth worker by each agreement in force, 0 where it says none."""
    return {place: float(hours or 0) for place, hours in run(session, _HOURS, {"day": day})}


_HOURS: Final = built(
    select(Agreement.organization_id, AgreementRole.hours_a_week)
    .select_from(AgreementVersion)
    .join(Agreement, of_agreement())
    .outerjoin(
        AgreementRole,
        and_(
            same(AgreementRole, AgreementVersion),
            AgreementRole.agreement_version_id == AgreementVersion.id,
            AgreementRole.role == ROLES[PRIMARY][0],
        ),
    )
    .where(in_program(AgreementVersion), is_in_force(bindparam("day", type_=Date())))
)


def _in_hand(session: Session, people: Sequence[UUID], day: date) -> dict[UUID, list[tuple[str, str, str]]]:
    """Each worker's follow-ups of the day: their part, its state, and how much it asks."""
    found: dict[UUID, list[tuple[str, str, str]]] = {}
    for person_id, kind, state, intensity in run(session, _IN_HAND, {"day": day, "workers": list(people)}):
        found.setdefault(person_id, []).append((kind, state, intensity))
    return found


_IN_HAND: Final = built(
    only(Assignment.person_id, Assignment.kind, FollowUp.state, FollowUp.intensity)
    .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
    .where(
        holds(bindparam("day", type_=Date())),
        among(Assignment.person_id, "workers"),
        col(FollowUp.state).in_(("active", "on_break")),
    )
    .order_by(col(Assignment.kind), col(Assignment.starts_on), col(Assignment.id))
)


def _to_meet(session: Session, without: UUID | None) -> dict[UUID, list[str]]:
    """The parts of each worker with candidates without a number, leaving one out: what they will ask is not known."""
    rows = [row for row in run(session, _TO_MEET, {}) if row.participant_id != without]
    found: dict[UUID, list[str]] = {}
    for row in rows:
        found.setdefault(row.worker_id, []).append(PRIMARY)
        if row.second_id is not None:
            found.setdefault(row.second_id, []).append(SECOND)
    return found


def _minutes(session: Session, people: Sequence[UUID], day: date) -> dict[UUID, int]:
    """The average minutes in person a week of each worker, over the last complete weeks."""
    rows = run(session, *_asked_of_minutes(people, day))
    return {row.written_by: round(row.minutes / WEEKS_COUNTED) for row in rows}


def _asked_of_minutes(people: Sequence[UUID], day: date) -> Question[Any]:
    first = monday_of(day) - timedelta(weeks=WEEKS_COUNTED)
    return Question(_MINUTES, {"writers": list(people), "from_week": first, "to_week": first + WEEKS_COUNTED * WEEK})


_MINUTES: Final = built(
    only(WeeklyNote.written_by, func.sum(col(WeeklyNote.minutes)).label("minutes"))
    .where(
        among(WeeklyNote.written_by, "writers"),
        col(WeeklyNote.week) >= bindparam("from_week", type_=Date()),
        col(WeeklyNote.week) < bindparam("to_week", type_=Date()),
    )
    .group_by(col(WeeklyNote.written_by))
)
_TO_MEET: Final = built(
    only(CandidateWorker.worker_id, CandidateWorker.second_id, CandidateWorker.participant_id).where(
        col(CandidateWorker.ended_at).is_(None)
    )
)
