"""The procedures change: four times in ten years an operator loads a changed file, as `spheres program load` does."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

from domain.declarations import ProgramFile, Protocol
from domain.declared import Declared, DeclaredErrors
from domain.kernel import LOADER, Actor
from domain.loading import loading
from flows.protocols import read_protocol
from simulation.journal import Did
from simulation.visits import fate

#: How often a day a procedure is changed.
CHANGES: Final = 4 / 3650

_VERSION: Final = re.compile(r"^version: (\d+)$", re.MULTILINE)
_DUE: Final = re.compile(r"(due: \{days: )([1-9]\d?)\b")
_FIRST_SOURCE: Final = re.compile(r"^    source: \[([A-Z]+[^,\]]*)", re.MULTILINE)
_ACCOUNTABLE: Final = re.compile(r"^accountable: (\w+)$", re.MULTILINE)
_STAGE: Final = re.compile(r"^    stage: (\w+)$", re.MULTILINE)


@fate
def a_procedure_is_changed(life: Any, day: date) -> None:
    """An operator loads a protocol whose file was changed, and tells the coordinator.

    It is the one thing that befalls a program and changes it: nobody in it can.
    """
    if life.world.chance.stream("procedure", day).random() < CHANGES:
        life.journal.note(Did(life.world.clock.now, "procedure"))
        change_one_as_then(life)


def change_one_as_then(life: Any) -> None:
    """Change the procedure that is changed on this day, in the way in which it is."""
    chance = life.world.chance.stream("procedure", life.world.today)
    chance.random()
    change_one(life, chance)


def change_one(life: Any, chance: random.Random) -> str:
    """Change one protocol, load it as an operator does, and say which."""
    world = life.world
    place = chance.randrange(len(world.protocols))
    before = world.protocols[place]
    protocols = [*world.protocols]
    protocols[place] = next_version(before, world.file.value, world.folder, chance)
    with world.session() as session:
        shown = loading.changes(session, world.file, protocols)
        session.rollback()
        loading.load(session, world.file, protocols, by=Actor.system(LOADER), at=world.clock(), shown=shown)
        session.commit()
    world.protocols = protocols
    key = before.value.protocol
    life.told.said.tell("coordinator", "procedure", key=key)
    return str(key)


def next_version(
    before: Declared[Protocol], program: ProgramFile, folder: Path, chance: random.Random
) -> Declared[Protocol]:
    """A protocol changed in a way that its check finds right; what it finds wrong is written otherwise."""
    path = folder / f"{before.value.protocol}-{before.value.version + 1}.yaml"
    while True:
        path.write_text(changed(before.text, chance), encoding="utf-8")
        with suppress(DeclaredErrors):
            return read_protocol(path, program)


def changed(text: str, chance: random.Random) -> str:
    """A protocol's text as its next version: one step is due on another day, or there is one more step."""
    found = _VERSION.search(text)
    number = int(found[1]) + 1 if found else 1
    text = _VERSION.sub(f"version: {number}", text, count=1)
    due = list(_DUE.finditer(text))
    if due and chance.random() < 0.5:
        one = chance.choice(due)
        return f"{text[: one.start()]}{one[1]}{int(one[2]) + 1}{text[one.end() :]}"
    return _one_more_step(text, number)


def _one_more_step(text: str, number: int) -> str:
    source, who, stages = _FIRST_SOURCE.search(text), _ACCOUNTABLE.search(text), _STAGE.findall(text)
    if source is None or who is None or not stages:
        return text
    step = f"""
  - id: look_again_{number}
    title: {{fr: Relire le dossier une fois, en: Read the case again once}}
    stage: {stages[-1]}
    source: [{source[1]}]
    by: {who[1]}
    waive: {{by: {who[1]}}}
"""
    for end in ("\ngates:\n", "\nremind:\n"):
        if end in text:
            return text.replace(end, f"{step}{end}", 1)
    return text
