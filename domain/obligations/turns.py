"""Lets one transaction at a time write how a program's obligations stand."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import program_of, run, select


def take_turn(session: Session) -> None:
    """Wait until no other transaction judges the program's obligations. The turn ends with the transaction.

    It is taken before locking any row that the one whose turn it is may write. Otherwise a transaction that held such a
    row and waited for its turn would wait for one that waits for it.
    """
    run(session, select(func.pg_advisory_xact_lock(func.hashtextextended(f"obligations/{program_of(session)}", 0))))
