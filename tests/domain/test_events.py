"""What was written in a transaction, for what follows from it: nothing of what was undone."""

from __future__ import annotations

from contextlib import suppress

from sqlmodel import Session

from domain.record import events
from tests.cast import AT, Cast


def _write(session: Session, cast: Cast, verb: str) -> None:
    events.write(session, verb, "person", cast.people["worker_codim"], by=cast.actor("coordinator"), at=AT)


def _written(session: Session) -> list[str]:
    return [line.verb for line in events.take_written(session)]


def test_what_a_savepoint_takes_back_was_not_written(cast: Cast) -> None:
    with cast.session() as session:
        _write(session, cast, "tenure.started")
        with session.begin_nested() as first:
            _write(session, cast, "case.opened")
            with session.begin_nested():
                _write(session, cast, "seat.given")
            first.rollback()
        with session.begin_nested():
            _write(session, cast, "tenure.ended")
        with suppress(LookupError), session.begin_nested():
            _write(session, cast, "meeting.moved")
            raise LookupError
        assert _written(session) == ["tenure.started", "tenure.ended"]
        assert _written(session) == []


def test_what_is_undone_wholly_was_not_written_and_the_next_is(cast: Cast) -> None:
    with cast.session() as session:
        _write(session, cast, "case.opened")
        session.rollback()
        assert _written(session) == []
        _write(session, cast, "tenure.started")
        session.commit()
        assert _written(session) == ["tenure.started"]
