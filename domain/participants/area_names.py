"""The parts of the region that a program serves, each with a key made of its French name."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from domain.kernel import program
from domain.people import folded
from models.stored import InBoth


@dataclass(frozen=True)
class Area:
    """A part of the region: its key, and its name in both languages."""

    key: str
    fr: str
    en: str


def areas(session: Session) -> tuple[Area, ...]:
    """The program's areas, in the order of its file."""
    named = map(InBoth.read, program(session).area)
    return tuple(Area("-".join(folded(one.fr).split()), one.fr, one.en) for one in named)
