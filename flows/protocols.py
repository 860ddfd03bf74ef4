"""Which protocols the program has: for each, its declared file, the actions of the engine, and its letters.

Each folder beside this file that holds a `protocol.yaml` is one, under the folder's name. A protocol without actions is
its file alone: nothing here names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import domain.joined  # noqa: F401 - every process reads the protocols, and needs every room that registers
from domain.declarations import Around, ProgramFile, Protocol, check_protocol
from domain.declared import Declared, load_declared
from flows.admission import actions as admission
from flows.departure import actions as departure
from flows.engine import BoundProtocol, StepAction
from flows.onboarding import actions as onboarding
from meetings.texts import LETTERS

#: What the engine does in the protocols that name actions, in the order in which people go through them.
_ACTIONS: Final[Mapping[str, Mapping[str, StepAction]]] = {
    "onboarding": onboarding.ACTIONS,
    "admission": admission.ACTIONS,
    "departure": departure.ACTIONS,
}


def protocols_in(folder: Path) -> dict[str, BoundProtocol]:
    """The protocols that a folder's folders hold, by their names: those with actions first, then by the alphabet."""
    found = sorted(file.parent for file in folder.glob("*/protocol.yaml"))
    first = list(_ACTIONS)
    return {
        here.name: BoundProtocol(
            here.name,
            file=here / "protocol.yaml",
            actions=_ACTIONS.get(here.name, {}),
            letters=here / "letters" if (here / "letters").is_dir() else None,
        )
        for here in sorted(found, key=lambda one: first.index(one.name) if one.name in first else len(first))
    }


PROTOCOLS: Final[Mapping[str, BoundProtocol]] = protocols_in(Path(__file__).parent)
"""The protocols by their keys, in the order in which they are read."""


def action(key: str, name: str) -> StepAction | None:
    """The action that a step of a protocol names; None where the engine has none of that name (any more)."""
    bound = PROTOCOLS.get(key)
    return None if bound is None else bound.actions.get(name)


def letter_folders() -> Sequence[Path]:
    """Where the meetings and the protocols keep their own letters, for `domain.mail.notices.stationery_for`."""
    return [LETTERS, *(bound.letters for bound in PROTOCOLS.values() if bound.letters is not None)]


def read_protocol(path: Path, program: ProgramFile | None = None) -> Declared[Protocol]:
    """A protocol's file, checked against the actions of the engine and, where it is given, against a program.

    Without a program, the roles, clauses and committees that it names are taken as they are. Raises DeclaredErrors.
    """
    declared = load_declared(path, Protocol)
    bound = PROTOCOLS.get(declared.value.protocol)
    actions = set(bound.actions) if bound else set()
    around = Around.of_program(program, actions) if program else Around.of_itself(declared.value, actions)
    return check_protocol(declared, around)


def declared_protocols(program: ProgramFile) -> list[Declared[Protocol]]:
    """Every protocol, read from its file and checked against a program. Raises DeclaredErrors."""
    return [read_protocol(bound.file, program) for bound in PROTOCOLS.values()]
