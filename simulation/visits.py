"""A visit: somebody comes, sees what their pages show, and acts by it. What they may do is the program's to say."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.roles import HeldRole
from flows.engine import is_away
from simulation.cast import Member, Nature
from simulation.crashing import Crash
from simulation.hands import FAULT, Answer, Desk
from simulation.racing import Rival, race
from simulation.world import World

if TYPE_CHECKING:
    from simulation.life import Life

Behaviour = Callable[["Visit"], None]

#: How an act is told that came as a whole request.
OVER_THE_WEB: Final = " over the web"
#: How often a careless person sends something twice, and a stale page.
_TWICE: Final = 0.15
#: How often somebody sends again what the program ended in: each boundary is crashed at once.
_TRIES: Final = 12
#: Where somebody remembers at which local hours others wait for them: by the day, as their pages say both.
APPOINTMENTS: Final = "appointments"


@dataclass(frozen=True)
class Act:
    """Something that was asked of the program: by whom, when, and what came of it. Nothing of what was said."""

    at: datetime
    who: str
    role: str
    method: str
    path: str
    status: int
    code: str
    way: str

    def told(self, zone: Any) -> str:
        """The act in plain words."""
        came = f"{self.status} {self.code}".strip()
        return (
            f"{self.at.astimezone(zone):%H:%M} {self.who} ({self.role}) {self.method} {self.path} -> {came}{self.way}"
        )


@dataclass
class Memory:
    """What everybody remembers between visits, each for themselves; nobody reads another's."""

    of: dict[UUID, dict[str, Any]] = field(default_factory=dict)

    def __getitem__(self, person_id: UUID) -> dict[str, Any]:
        return self.of.setdefault(person_id, {})


@dataclass
class Said:
    """What people say to each other outside the program, as by telephone: kept until whoever it is for comes.

    It is for a person, by their id, or for whoever holds a role: "coordinator", or "manager@" and an organization's id.
    """

    waiting: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def tell(self, whom: str, topic: str, **what: Any) -> None:
        """Tell somebody something."""
        self.waiting.setdefault(whom, []).append({"topic": topic, **what})

    def hear(self, *names: str) -> list[dict[str, Any]]:
        """What was said to these, which now knows who came."""
        return [one for name in names for one in self.waiting.pop(name, [])]


@dataclass
class Told:
    """What was asked in a simulated program, for whoever looks at it afterwards."""

    today: list[Act] = field(default_factory=list)
    counts: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list, repr=False)
    acts: int = 0
    reads: int = 0
    said: Said = field(default_factory=Said)

    def note(self, act: Act, template: str) -> None:
        """Keep what was asked."""
        self.counts[act.method, template, act.status] += 1
        if act.code:
            self.codes[act.code] += 1
        if act.method == "GET":
            self.reads += 1
        else:
            self.acts += 1
            self.today.append(act)


@dataclass
class Visit:
    """Somebody at work: as whom they came, and everything that they can see and do."""

    life: Life
    me: Member
    hats: tuple[HeldRole, ...]
    chance: random.Random
    memory: dict[str, Any]
    #: A sign-in's cookie, where they came over the web.
    cookie: str = ""
    _sent: int = 0

    @property
    def world(self) -> World:
        """Where they are: for what time it is, and what day."""
        return self.life.world

    @property
    def told(self) -> Told:
        """What was asked, for whoever looks at it afterwards."""
        return self.life.told

    @property
    def desk(self) -> Desk:
        """The web process that has this request."""
        return self.life.desk

    @property
    def today(self) -> date:
        """The local day."""
        return self.world.today

    @property
    def roles(self) -> frozenset[str]:
        """The roles that they hold today, for themselves or for somebody who is away."""
        return frozenset(one.role for one in self.hats)

    def at(self, role: str) -> UUID | None:
        """The organization at which they hold a role; None where they do not."""
        return next((one.organization_id for one in self.hats if one.role == role), None)

    def may(self, probability: float) -> bool:
        """Whether something happens that does so this often."""
        return self.chance.random() < probability

    def tell(self, whom: object, topic: str, **what: Any) -> None:
        """Tell somebody something, as by telephone: a person by their id, or whoever holds a role."""
        self.told.said.tell(str(whom), topic, **what)

    def heard(self, topic: str) -> list[dict[str, Any]]:
        """What they were told of this, or noted for later, and have not seen to yet."""
        mine: list[dict[str, Any]] = self.memory.setdefault("heard", [])
        names = [str(self.me.id)]
        for one in self.hats:
            names += [name for name in (one.role, f"{one.role}@{one.organization_id}") if name not in names]
        mine += self.told.said.hear(*names)
        self.memory["heard"] = [one for one in mine if one["topic"] != topic]
        return [one for one in mine if one["topic"] == topic]

    def note(self, topic: str, **what: Any) -> None:
        """Note something to be seen to at a later visit."""
        self.memory.setdefault("heard", []).append({"topic": topic, **what})

    def minutes_pass(self, most: int = 6) -> None:
        """Some time goes by between two acts."""
        self.world.clock.now += timedelta(minutes=self.chance.randint(1, most), seconds=self.chance.randint(0, 59))

    # ------------------------------------------------------------------------------------------------- what they ask

    def get(self, path: str, **query: Any) -> Answer:
        """See something. What is not theirs looks as what is not there."""
        return self._ask("GET", path, None, query)

    def items(self, path: str, key: str = "items", **query: Any) -> list[dict[str, Any]]:
        """The rows of a list; none where it is not theirs to see."""
        answer = self.get(path, **query)
        if not answer.is_done:
            return []
        rows = answer.body if isinstance(answer.body, list) else answer.body.get(key, [])
        return list(rows)

    def work(self) -> list[dict[str, Any]]:
        """What their first page shows as theirs to do and to approve, the most pressing first: read once a day."""
        seen = self.memory.get("work")
        if seen is None or seen[0] != self.today:
            seen = self.memory["work"] = (self.today, self.items("/work", limit=60))
        rows: list[dict[str, Any]] = seen[1]
        return rows

    def page(self, path: str) -> str:
        """A page as a browser has it, for what no list shows."""
        return self.file(path).decode()

    def file(self, path: str) -> bytes:
        """What a browser is given under an address, b"" where it is refused.

        Who did not come over the web signs in for it.
        """
        cookie = self.cookie or self.desk.sign_in(self.me.id)
        given = self.desk.file(cookie, path)
        if not self.cookie:
            self.desk.sign_out(cookie)
        return bytes(given.body) if given.is_done else b""

    def post(self, path: str, said: Any = None, **query: Any) -> Answer:
        """Do something."""
        return self.do("POST", path, said, **query)

    def put(self, path: str, said: Any = None, **query: Any) -> Answer:
        """Write something, or write it anew."""
        return self.do("PUT", path, said, **query)

    def do(self, method: str, path: str, said: Any = None, **query: Any) -> Answer:
        """Ask for a change. Who is careless may send it twice, as a double click does."""
        self.minutes_pass()
        self._sent += 1
        key = f"{self.me.id}-{self.world.clock.now.timestamp()}-{self._sent}"
        answer = self._ask(method, path, said, query, key)
        if self.me.nature is Nature.CARELESS and self.may(_TWICE):
            is_same = self.may(0.5)
            again = self._ask(method, path, said, query, key if is_same else f"{key}-again")
            if is_same and answer.is_anew and again.is_anew:
                self.told.faults.append(f"{method} {template_of(path)} was done twice under one key")
        return answer

    def _in_process(self, method: str, path: str, said: Any, query: dict[str, Any], key: str) -> Answer:
        """Ask in this process. Where that ends in the middle, they know of nothing, and send the same again."""
        faults, what = self.life.faults, f"{method} {template_of(path)}"
        changes = method != "GET"
        for _ in range(_TRIES):
            try:
                if changes and faults.races_now():
                    return self._racing(method, path, said, query, key)
                with faults.crashing.during(what) if faults.crashing is not None and changes else nullcontext():
                    return self.desk.ask(self.me.id, method, path, said, key=key, **query)
            except Crash:
                self.world.connect_anew()
            except Exception as fault:  # noqa: BLE001 - the program failed: that is what is looked for
                if faults.breaks_connections and is_away(fault):
                    self.world.connect_anew()
                    continue
                self.told.traces.append(f"{what}\n{''.join(traceback.format_exception(fault))}")
                return Answer(FAULT, code=f"error.{type(fault).__name__}")
        return Answer(FAULT, code="error.never_ended")

    def _racing(self, method: str, path: str, said: Any, query: dict[str, Any], key: str) -> Answer:
        """Ask while somebody else does something to the same thing."""
        races = self.life.faults.races
        rival = None if races is None else races.rival_of(method, template_of(path), path, self.me.id)

        def mine() -> Answer:
            return self.desk.ask(self.me.id, method, path, said, key=key, **query)

        if rival is None:
            return mine()
        desk, their_key = self.desk, f"{key}-beside"
        answer, theirs = race(
            self.world, mine, lambda: desk.ask(rival.person_id, rival.method, rival.path, rival.said, key=their_key)
        )
        who = self.life.member(rival.person_id).name
        way = " in the same moment"
        act = Act(self.world.clock.now, who, "", rival.method, rival.path, theirs.status, theirs.code, way)
        self.told.note(act, rival.template)
        return answer

    def _ask(self, method: str, path: str, said: Any, query: dict[str, Any], key: str = "") -> Answer:
        if self.cookie:
            seen = query.pop("if_match", "*")
            answer = self.desk.send(self.cookie, method, path, said, key=key, seen=seen, **query)
        else:
            answer = self._in_process(method, path, said, query, key)
        role = self.hats[0].role if self.hats else ""
        way = OVER_THE_WEB if self.cookie else ""
        self.told.note(
            Act(self.world.clock.now, self.me.name, role, method, path, answer.status, answer.code, way),
            template_of(path),
        )
        races = self.life.faults.races
        if races is not None and answer.is_done and method != "GET":
            races.note(Rival(self.me.id, method, template_of(path), path, said))
        self.told.faults.extend(self.life.overheard.shown(self.me.id, path, said, answer.shown))
        if answer.status >= FAULT:
            self.told.faults.append(f"{method} {template_of(path)} {answer.status} {answer.code}")
        return answer


def template_of(path: str) -> str:
    """A path without what it is about."""
    return "/".join("{}" if len(part) == 36 or part[:1].isdigit() else part for part in path.split("/"))


@dataclass(frozen=True)
class _Does:
    roles: frozenset[str]
    chance: float
    do: Behaviour
    name: str
    first: bool


_DONE: Final[dict[str, _Does]] = {}


def does(*roles: str, chance: float = 1.0, first: bool = False) -> Callable[[Behaviour], Behaviour]:
    """Register what somebody in one of these roles does at this part of their visits; of no role: everybody.

    What is done `first` comes before all else: others wait for them at that hour.
    """

    def register(behaviour: Behaviour) -> Behaviour:
        name = f"{behaviour.__module__.rpartition('.')[2]}.{behaviour.__name__}"
        if name in _DONE:
            msg = f"there is a behaviour {name} already"
            raise ValueError(msg)
        _DONE[name] = _Does(frozenset(roles), chance, behaviour, name, first)
        return behaviour

    return register


#: What whoever keeps a sitting does while it is under way, with the meeting as its page shows it.
AtTable = Callable[["Visit", dict[str, Any]], None]
_AT_TABLE: Final[dict[str, AtTable]] = {}


def at_table(behaviour: AtTable) -> AtTable:
    """Register what is done while a committee sits: it is called between the opening and the closing of the sitting."""
    _AT_TABLE[f"{behaviour.__module__}.{behaviour.__name__}"] = behaviour
    return behaviour


def tabled() -> list[AtTable]:
    """Everything that is done while a committee sits, in the order of the names."""
    _read()
    return [_AT_TABLE[name] for name in sorted(_AT_TABLE)]


#: What befalls people, whom nobody asked: it is drawn once a day, and reaches others as they would hear of it.
Fate = Callable[[Any, date], None]
_FATES: Final[dict[str, Fate]] = {}


def fate(befalls: Fate) -> Fate:
    """Register what may befall people on a day: it is given the `simulation.life.Life` and the local day.

    It changes nothing in the program. It puts what somebody knows into their `memory`.
    """
    _FATES[f"{befalls.__module__}.{befalls.__name__}"] = befalls
    return befalls


def fates() -> list[Fate]:
    """Everything that may befall people, in the order of the names."""
    _read()
    return [_FATES[name] for name in sorted(_FATES)]


def behaviours() -> list[_Does]:
    """Every behaviour, in the order of their names."""
    _read()
    return [_DONE[name] for name in sorted(_DONE)]


@cache
def _read() -> None:
    package = import_module("simulation.people")
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        import_module(module.name)


def done_in(visit: Visit) -> Iterator[Behaviour]:
    """What somebody does in one visit, in an order of their own."""
    mine = [one for one in behaviours() if not one.roles or one.roles & visit.roles]
    visit.chance.shuffle(mine)
    mine.sort(key=lambda one: not one.first)
    for one in mine:
        if visit.may(one.chance):
            yield one.do
