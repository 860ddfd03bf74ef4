"""Where the engine is: the worker beside it says so, and those of other machines go there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from flows import seats
from models.base import table_of
from models.engine import EngineSeat
from tests.cast import AT, Cast
from tests.raw_rows import many

HERE, THERE = "http://10.0.0.5:8401/api", "https://two.spheres.example:8443/api"


def held(cast: Cast, address: str, minutes: int) -> None:
    with cast.session() as session:
        seats.hold(session, address, at=AT + timedelta(minutes=minutes))


def elsewhere(cast: Cast) -> str:
    with cast.session() as session:
        return seats.address_elsewhere(session)


def seat(cast: Cast) -> dict[str, object]:
    with cast.session() as session:
        (row,) = many(session, select(table_of(EngineSeat)))
        return row


def test_there_is_one_seat_held_since_the_moment_at_which_it_was_taken(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert elsewhere(cast) == ""
    held(cast, HERE, 0)
    held(cast, HERE, 5)
    assert seat(cast)["since"] == AT
    assert seat(cast)["beat_at"] == AT + timedelta(minutes=5)
    assert elsewhere(cast) == HERE
    held(cast, THERE, 6)
    assert seat(cast)["since"] == AT + timedelta(minutes=6), "another address is another seat"
    monkeypatch.setattr(seats, "machine", lambda: "another")
    held(cast, THERE, 7)
    assert seat(cast)["since"] == AT + timedelta(minutes=7), "and so is another machine"
    assert elsewhere(cast) == THERE


@pytest.mark.parametrize("address", ["http://127.0.0.1:8401/api", "http://localhost:8401/api", "http://[::1]:8401/api"])
def test_what_a_machine_calls_itself_leads_no_other_there(cast: Cast, address: str) -> None:
    """It would ask its own machine, and tell its word to whatever listens there."""
    held(cast, address, 0)
    assert elsewhere(cast) == ""


def test_the_machine_that_has_the_server_does_not_ask_it_again_by_the_address_that_the_others_use(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it does not answer, that is one question more to something that hangs."""
    held(cast, HERE, 0)
    with cast.session() as session:
        assert seats.address_elsewhere(session, ours=HERE) == ""
        assert seats.address_elsewhere(session, ours=THERE) == HERE, "another worker of this machine has it"
        monkeypatch.setattr(seats, "machine", lambda: "another")
        assert seats.address_elsewhere(session, ours=HERE) == HERE, "a name that leads to whichever machine has it"
