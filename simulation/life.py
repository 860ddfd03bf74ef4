"""The days of a simulated program: who comes when, what the engine does, and what is looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from domain.roles import DayTenures, HeldRole, standing
from models.program import Person
from simulation.cast import Member, Nature, nature_of
from simulation.engine import SimulatedWorker
from simulation.hands import Desk
from simulation.promises import Broken, broken
from simulation.visits import Memory, Told, Visit, done_in, fates
from simulation.world import World

#: The local times at which the engine does what is due by time, on a day that is worked, and on any other.
TICKS: Final = ((0, 10), (6, 40), (8, 5), (16, 40))
TICKS_AT_REST: Final = ((0, 10), (8, 5))
#: When people come.
FIRST_HOUR: Final = 8 * 60 + 15
LAST_HOUR: Final = 16 * 60
#: One visit in so many is over the web, with a real sign-in.
OVER_THE_WEB: Final = 0.1
#: How often somebody comes on a working day, by the role that brings them most often, and by how they are.
COMES: Final = {
    "coordinator": 0.97,
    "youth_worker": 0.45,
    "administrative_officer": 0.3,
    "manager": 0.22,
    "it_contact": 0.25,
    "privacy_officer": 0.12,
    "petty_cash_holder": 0.2,
    "director": 0.06,
    "second_representative": 0.1,
    "police_representative": 0.08,
    "specialized_resource": 0.08,
    "research_coordinator": 0.05,
    "researcher": 0.02,
    "administrator": 0.05,
}
PACE: Final = {Nature.PROMPT: 1.25, Nature.SLOW: 0.5, Nature.CARELESS: 1.0, Nature.SLY: 1.0}
#: Who got a letter yesterday comes more often.
AFTER_A_LETTER: Final = 0.35


@dataclass
class DayLived:
    """A day as it was lived: how much was asked, and what does not hold after it."""

    day: date
    acts: list[Any]
    broken: list[Broken]
    digest: str


@dataclass
class Life:
    """A simulated program as it is lived, a day at a time."""

    world: World
    members: dict[UUID, Member]
    told: Told = field(default_factory=Told)
    memory: Memory = field(default_factory=Memory)
    looks_daily: bool = True
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _told_up_to: int = 0
    _letters_yesterday: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.worker: SimulatedWorker = SimulatedWorker(self.world)
        self.desk: Desk = self.world.desk()

    # ----------------------------------------------------------------------------------------------------- the days

    def live(self, day: date) -> DayLived:
        """Live through one day."""
        world = self.world
        self.told.today = []
        for befalls in fates():
            befalls(self, day)
        worked = world.calendar.seems_worked(day)
        ticks: list[tuple[datetime, UUID | None]] = [
            (world.moment(day, *tick), None) for tick in (TICKS if worked else TICKS_AT_REST)
        ]
        visits = list(self._visits(day)) if worked else []
        for at, visit in sorted([*ticks, *visits], key=lambda one: one[0]):
            world.clock.now = max(world.clock.now, at)
            world.tell_time()
            if visit is None:
                self.worker.tick()
            else:
                self._come(visit)
        self._letters_yesterday = frozenset(one.to for one in world.post.letters)
        world.post.letters.clear()
        return DayLived(day, self.told.today, list(self.look()), self._digest_of_record())

    def _visits(self, day: date) -> Iterator[tuple[datetime, UUID]]:
        with self.world.session() as session:
            held = standing(session, day)
        for person_id in sorted(held.live, key=str):
            member = self.member(person_id)
            chance = self.world.chance.stream("visit", day, person_id)
            if chance.random() < self._comes(member, held, person_id):
                minute = chance.randint(FIRST_HOUR, LAST_HOUR)
                yield self.world.moment(day, *divmod(minute, 60)), person_id

    def _comes(self, member: Member, held: DayTenures, person_id: UUID) -> float:
        first, last = self.memory[person_id].get("away", (date.max, date.max))
        if held.is_away(person_id) or first <= held.day <= last:
            return 0.0
        roles = [COMES.get(one.role, 0.05) for one in hats_of(held, person_id)]
        often = max(roles, default=0.0) * PACE[member.nature]
        return often + (AFTER_A_LETTER if member.email in self._letters_yesterday else 0.0)

    def member(self, person_id: UUID) -> Member:
        """Who somebody is; of who came later, how they are is drawn when they first come."""
        if person_id not in self.members:
            with self.world.session() as session:
                row = session.get_one(Person, (self.world.program_id, person_id))
            chance = self.world.chance.stream("nature", person_id)
            self.members[person_id] = Member(person_id, row.name, nature_of(chance), row.email)
        return self.members[person_id]

    def _come(self, person_id: UUID) -> None:
        world, day = self.world, self.world.today
        with world.session() as session:
            held = standing(session, day)
        if person_id not in held.live:
            return
        chance = world.chance.stream("acts", day, person_id)
        over = self.desk.signed_in(person_id) if chance.random() < OVER_THE_WEB else nullcontext("")
        with over as cookie:
            visit = Visit(
                world,
                self.desk,
                self.member(person_id),
                hats_of(held, person_id),
                chance,
                self.memory[person_id],
                self.told,
                cookie,
            )
            for behave in done_in(visit):
                behave(visit)
        self.worker.follow()

    # ---------------------------------------------------------------------------------------------- what is looked at

    def look(self) -> Iterator[Broken]:
        """What does not hold at the end of a day."""
        with self.world.session() as session:
            yield from broken(session, self.world.clock())

    def _digest_of_record(self) -> str:
        """The digest of the whole record up to now, and of every letter that came."""
        with self.world.reading() as admin:
            for row in admin.execute(_LINES, (self._told_up_to,)):
                self._told_up_to = row[0]
                self._digest.update(repr(row[1]).encode())
        return hashlib.sha256((self._digest.hexdigest() + self.world.post.digest()).encode()).hexdigest()


def hats_of(held: DayTenures, person_id: UUID) -> tuple[HeldRole, ...]:
    """The roles that somebody holds on a day, and those of the people for whom they act."""
    away = [absence.person_id for absence in held.acting_for(person_id)]
    return tuple(role for one in (person_id, *away) for role in held.roles_of(one))


_LINES: Final = """
select n, (to_jsonb(event) - 'xid' - 'recorded_at')::text from event where n > %s order by n
"""
