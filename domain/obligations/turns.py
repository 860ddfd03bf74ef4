"""Whose turn it is to write down how a program's obligations stand: one transaction's at a time."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel.rows import run, select
from domain.kernel.scope import program_of


def take_turn(session: Session) -> None:
    """Wait until no other transaction judges the program's obligations. The turn ends with the transaction.

    It is taken before a row is locked that whoever has the turn may write: who held one, and waited for their turn
    only then, would wait for somebody who waits for them.
    """
    run(session, select(func.pg_advisory_xact_lock(func.hashtextextended(f"obligations/{program_of(session)}", 0))))
