"""What the tests of the record share: sealing all that there is, checking it, and laying hands on it as a superuser."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import NullPool, create_engine, text
from sqlmodel import Session

from domain.record import events
from domain.record.seal_check import Report, check
from domain.record.seals import LastSeal, head_of, seal_next
from models.ports import SealKeys
from tests.cast import AT, LOADING, Cast
from tests.conftest import Database


def write_lines(cast: Cast, count: int = 1, verb: str = "person.updated") -> None:
    """Write so many lines in one transaction."""
    with cast.session() as session:
        for _ in range(count):
            events.write(session, verb, "person", uuid4(), by=LOADING, at=AT, changed=["phone"])


def seal_all(cast: Cast, keys: SealKeys, *, within_seconds: float = 30) -> None:
    """Seal until no line waits. A transaction elsewhere on the server may hold lines back for a moment."""
    until = time.monotonic() + within_seconds
    while True:
        with cast.session() as session:
            while seal_next(session, keys):
                session.commit()
        if looked_at(cast, keys).waiting == 0:
            return
        assert time.monotonic() < until, "lines wait for a seal although nothing holds them back"
        time.sleep(0.05)


def looked_at(cast: Cast, keys: SealKeys, *heads: LastSeal) -> Report:
    """What a check sees, at one moment."""
    with cast.session() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        return check(session, keys, heads=heads)


def head(cast: Cast) -> LastSeal:
    """The last seal."""
    with cast.session() as session:
        found = head_of(session)
    assert found is not None
    return found


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def tamper(database: Database, *statements: str, **facts: Any) -> Sequence[Any]:
    """What a superuser does to the database: no policy and no privilege binds them. The first column of the last."""
    engine = create_engine(database.admin_url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            done = None
            for statement in statements:
                done = connection.execute(text(statement), facts)
                assert done.rowcount != 0, f"this changed nothing: {statement}"
            return done.scalars().all() if done is not None and done.returns_rows else []
    finally:
        engine.dispose()


def lines_of(session: Session) -> list[int]:
    """The numbers of every line, in their order."""
    return list(session.scalars(text("select n from event order by n")))
