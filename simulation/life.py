"""The days of a simulated program: who comes when, what the engine does, and what is looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from domain.roles import DayTenures, HeldRole, standing
from models.program import Person
from simulation.cast import Member, Nature, nature_of
from simulation.engine import SimulatedWorker
from simulation.faults import Faults
from simulation.hands import Desk, NothingShown
from simulation.journal import Did, Journal
from simulation.overheard import Overheard
from simulation.promises import Broken, Looking, broken
from simulation.visits import APPOINTMENTS, Act, Memory, Told, Visit, done_in, fates
from simulation.world import World

#: What is looked at after a day: nothing, what may pass by unnoticed, or every promise.
Looks = Literal["nothing", "passing", "all"]
#: The local times at which the engine does what is due by time: everything in the morning, and on some days again in
#: the evening, when else only what has its own hour is done. What it does at each moment of a quiet night would change
#: nothing; doors close just after midnight.
DOORS: Final = (0, 10)
MORNING: Final = (8, 5)
EVENING: Final = (16, 40)
WHOLE_EVENINGS: Final = (0, 3)
_SATURDAY: Final = 5
#: When people come.
FIRST_HOUR: Final = 8 * 60 + 15
LAST_HOUR: Final = 16 * 60
#: One visit in so many is over the web, with a real sign-in.
OVER_THE_WEB: Final = 0.1
#: How often somebody comes on a working day, by the role that brings them most often, and by how they are.
COMES: Final = {
    "coordinator": 0.9,
    "youth_worker": 0.24,
    "administrative_officer": 0.2,
    "manager": 0.14,
    "it_contact": 0.12,
    "privacy_officer": 0.1,
    "petty_cash_holder": 0.08,
    "director": 0.05,
    "second_representative": 0.06,
    "police_representative": 0.06,
    "specialized_resource": 0.05,
    "research_coordinator": 0.04,
    "researcher": 0.02,
    "administrator": 0.04,
}
PACE: Final = {Nature.PROMPT: 1.25, Nature.SLOW: 0.5, Nature.CARELESS: 1.0, Nature.SLY: 1.0}
#: The whole record is compared with its seals once in so many months, in the first week: it reads every line.
SEALS_EACH: Final = 3
A_WEEK: Final = 7
#: Who got a letter yesterday comes more often.
AFTER_A_LETTER: Final = 0.15


@dataclass
class DayLived:
    """A day as it was lived: what was done in it, what does not hold after it, and the digest of all up to then."""

    day: date
    acts: list[Act]
    broken: list[Broken]
    digest: str
    is_last: bool = False


@dataclass
class Life:
    """A simulated program as it is lived, a day at a time. `looks_at` says what is looked at after a day."""

    world: World
    members: dict[UUID, Member]
    faults: Faults
    looks_at: Callable[[date], Looks] = lambda _: "passing"
    #: How many young people become participants in a year, about: a few more are referred.
    participants_a_year: int = 60
    #: Who stands around each look at a promise.
    looking: Looking | None = None
    told: Told = field(default_factory=Told)
    memory: Memory = field(default_factory=Memory)
    journal: Journal = field(default_factory=Journal)
    #: The installation was put back as it was before, once at least, and people know it.
    was_restored: bool = False
    days_lived: int = 0
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _told_up_to: int = 0
    _letters_yesterday: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        crashing = self.faults.crashing
        self.overheard = Overheard(self.world)
        many = [1, 2] if "workers" in self.faults.kinds else [1]
        breaks = self.faults.breaks_connections
        self.workers = [SimulatedWorker(self.world, f"worker-{n}", crashing, breaks=breaks) for n in many]
        self.desks = [self.world.desk(self.journal) for _ in range(2 if "webs" in self.faults.kinds else 1)]

    @property
    def worker(self) -> SimulatedWorker:
        """The worker that has it this time."""
        return self.workers[self.faults.is_two("workers") and len(self.workers) - 1]

    @property
    def desk(self) -> Desk:
        """The web process that has it this time."""
        return self.desks[self.faults.is_two("webs") and len(self.desks) - 1]

    # ----------------------------------------------------------------------------------------------------- the days

    def live(self, day: date, *, is_last: bool = False, is_quiet: bool = False) -> DayLived:
        """Live through one day. On the last one everything is looked at, and on a quiet one nothing goes wrong."""
        world = self.world
        world.clock.now = max(world.clock.now, world.moment(day, 0, 1))
        self.told.today = []
        self.faults.begin_day(self, day, is_quiet=is_quiet)
        for befalls in fates():
            befalls(self, day)
        worked = world.calendar.seems_worked(day)
        comes: list[tuple[datetime, UUID | str]] = [(world.moment(day, *DOORS), "doors")]
        comes.append((world.moment(day, *MORNING), "tick"))
        if worked:
            comes.append((world.moment(day, *EVENING), "tick" if day.weekday() in WHOLE_EVENINGS else "rounds"))
            comes += self._visits(day)
        for at, what in sorted(comes, key=lambda one: one[0]):
            world.clock.now = max(world.clock.now, at)
            self._does("time")
            if isinstance(what, UUID):
                self._come(what, at)
            elif not self.faults.engine_is_away:
                self._does(what)
        self._letters_yesterday = frozenset(one.to for one in world.post.letters)
        may_come_twice = bool({"crash", "mail", "restore"} & set(self.faults.kinds))
        for letter in world.post.letters:
            self.told.faults.extend(self.overheard.sent(letter, may_come_twice=may_come_twice))
        world.post.letters.clear()
        self.days_lived += 1
        for worker in self.workers:
            self.told.faults.extend(worker.failed)
            self.told.traces.extend(worker.traces)
            worker.failed, worker.traces = [], []
        looks = "all" if is_last else self.looks_at(day)
        broke = list(self.look(day, looks))
        ends = is_last or bool(broke or self.told.faults)
        return DayLived(day, self.told.today, broke, self.digest_of_record(), is_last=ends)

    def _does(self, what: str) -> None:
        """Have the installation do something by itself, and keep that it did."""
        self.journal.note(Did(self.world.clock.now, what))
        self.does(what)

    def does(self, what: str) -> bool:
        """Do what the installation does by itself, by its name; whether there is such a thing."""
        known = {
            "time": self.world.tell_time,
            "doors": self.worker.close_doors,
            "tick": self.worker.tick,
            "rounds": self.worker.do_daily_rounds,
            "follow": self.worker.follow,
        }
        if what in known:
            known[what]()
        return what in known

    def restore(self) -> bool:
        """Put the database back as it was when it was last copied, and start again. Then make another copy.

        What lies outside the database stays: the ledger, the keys, and the letters that are in people's hands. False
        where there was no copy yet.
        """
        is_put_back = self.world.put_copy_back()
        if is_put_back:
            self.world.connect_anew()
            self._told_up_to = min(self._told_up_to, self.world.last_line())
            self.was_restored = self.world.start() == "restored" or self.was_restored
            for worker in self.workers:
                worker.forget()
        self.world.keep_copy()
        return is_put_back

    def _visits(self, day: date) -> Iterator[tuple[datetime, UUID]]:
        with self.world.session() as session:
            held = standing(session, day)
        for person_id in sorted(held.live, key=str):
            member = self.member(person_id)
            chance = self.world.chance.stream("visit", day, person_id)
            hours = self.memory[person_id].get(APPOINTMENTS, {}).get(day.isoformat(), ())
            if hours and not held.is_away(person_id):
                yield from ((self.world.moment(day, *map(int, hour.split(":"))), person_id) for hour in hours)
            elif chance.random() < self._comes(member, held, person_id):
                minute = chance.randint(FIRST_HOUR, LAST_HOUR)
                yield self.world.moment(day, *divmod(minute, 60)), person_id

    def _comes(self, member: Member, held: DayTenures, person_id: UUID) -> float:
        first, last = self.memory[person_id].get("away", (date.max, date.max))
        if held.is_away(person_id) or first <= held.day <= last:
            return 0.0
        roles = [COMES.get(one.role, 0.04) for one in hats_of(held, person_id)]
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

    def _come(self, person_id: UUID, at: datetime) -> None:
        world, day = self.world, self.world.today
        with world.session() as session:
            held = standing(session, day)
        if person_id not in held.live:
            return
        chance = world.chance.stream("acts", at.isoformat(), person_id)
        with self._at_a_desk(person_id, over_the_web=chance.random() < OVER_THE_WEB) as cookie:
            visit = Visit(
                self, self.member(person_id), hats_of(held, person_id), chance, self.memory[person_id], cookie
            )
            for behave in done_in(visit):
                with suppress(NothingShown):  # they go on another day with what they see then
                    behave(visit)
        if not self.faults.engine_is_away:
            self._does("follow")

    @contextmanager
    def _at_a_desk(self, person_id: UUID, *, over_the_web: bool) -> Iterator[str]:
        """The cookie of a sign-in over the web; "" of who asks in this process."""
        cookie = self.desk.sign_in(person_id) if over_the_web else ""
        yield cookie
        if cookie:
            self.desk.sign_out(cookie)

    # ---------------------------------------------------------------------------------------------- what is looked at

    def look(self, day: date, looks: Looks) -> Iterator[Broken]:
        """What does not hold at the end of a day. Where only tomorrow's rounds see to it, it is looked at tomorrow."""
        if looks == "passing" and not (self.world.calendar.seems_worked(day) or day.weekday() == _SATURDAY):
            return  # nobody was there, and what the rounds do is looked at on the next day
        if self.faults.is_unsettled or looks == "nothing":
            return
        with self.world.session() as session:
            if looks == "all" and day.month % SEALS_EACH == 0 and day.day <= A_WEEK:
                session.info["seal_keys"] = self.world.seal_key
            yield from broken(session, self.world.clock(), passing=looks == "passing", looking=self.looking)

    def digest_of_record(self) -> str:
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
