"""Where Prefect's server runs: written by the worker beside it, read by the workers of other machines."""

from __future__ import annotations

import socket
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from sqlmodel import Session

from domain.kernel import first, of, put_row
from models.engine import EngineSeat

#: There is one.
_SEAT: Final = "engine"
#: What each machine calls itself: no other is reached by it.
_ITSELF: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def machine() -> str:
    """What this machine is called."""
    return socket.gethostname()


def hold(session: Session, address: str, *, at: datetime) -> None:
    """Say that the server runs on this machine, and how the others reach it."""
    seat = first(session, of(EngineSeat).where(EngineSeat.seat == _SEAT))
    is_held_on = seat is not None and (seat.machine, seat.address) == (machine(), address)
    since = seat.since if seat is not None and is_held_on else at
    put_row(session, EngineSeat(seat=_SEAT, address=address, machine=machine(), since=since, beat_at=at))


def machine_of(session: Session) -> str:
    """The machine on which the server runs, as it was said last; "" where that is not known."""
    seat = first(session, of(EngineSeat).where(EngineSeat.seat == _SEAT))
    return seat.machine if seat is not None else ""


def address_elsewhere(session: Session, *, ours: str = "") -> str:
    """How the server of another machine is reached, "" where none is known by an address that leads there.

    `ours` is how this machine's own is known to the others: where that one is meant, there is none elsewhere.
    """
    seat = first(session, of(EngineSeat).where(EngineSeat.seat == _SEAT))
    if seat is None or urlsplit(seat.address).hostname in _ITSELF:
        return ""
    return "" if (seat.machine, seat.address) == (machine(), ours) else seat.address
