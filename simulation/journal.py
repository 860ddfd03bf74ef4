"""Everything that was asked of a simulated program, in its order, so that the same can be asked of another one."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from simulation.hands import Desk
    from simulation.life import Life


#: The method of who asks for a page and not over JSON.
PAGE: Final = "PAGE"


@dataclass(frozen=True)
class Asked:
    """One request as it was sent: by a person in this process, or under the `cookie` of a sign-in."""

    at: datetime
    person_id: UUID | None
    cookie: str
    method: str
    path: str
    said: Any
    query: dict[str, Any]
    key: str


@dataclass(frozen=True)
class Did:
    """What the installation did by itself, by its name: a tick of the engine, or what follows a visit."""

    at: datetime
    what: str


@dataclass(frozen=True)
class SignedIn:
    """Somebody signed in over the web; or out, by the cookie that `ends`."""

    at: datetime
    person_id: UUID | None
    ends: str = ""


@dataclass
class Journal:
    """The requests and the doings of a simulated time, where they are kept."""

    lines: list[Asked | Did | SignedIn] = field(default_factory=list)
    keeps: bool = False

    def note(self, line: Asked | Did | SignedIn) -> None:
        """Keep one as it is now, where they are kept: who said it may go on with what they wrote."""
        if self.keeps:
            self.lines.append(deepcopy(line))


def replay(journal: Journal, life: Life, operate: Callable[[Life, str], None]) -> None:
    """Ask the same of another life, in the same order and at the same moments: nobody decides anything.

    A sign-in has the cookie that it had, since chance is the same.

    `operate` does what an operator did, by its name.
    """
    for line in journal.lines:
        life.world.clock.now = line.at
        if isinstance(line, Did):
            if not life.does(line.what):
                operate(life, line.what)
        elif isinstance(line, SignedIn):
            _sign_in_or_out(line, life.desk)
        else:
            _ask(line, life.desk)


def _sign_in_or_out(line: SignedIn, desk: Desk) -> None:
    if line.person_id is None:
        desk.sign_out(line.ends)
    else:
        desk.sign_in(line.person_id)


def _ask(line: Asked, desk: Desk) -> None:
    if line.method == PAGE:
        desk.file(line.cookie, line.path)
    elif line.person_id is None:
        desk.send(line.cookie, line.method, line.path, line.said, key=line.key, **line.query)
    else:
        desk.ask(line.person_id, line.method, line.path, line.said, key=line.key, **line.query)
