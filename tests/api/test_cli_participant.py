"""Files of participants at the terminal: which are due, destroying one by who is entitled, and the proof of it."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from duties.follow_ups import states
from duties.participants import retention
from tests.cast import AT, TODAY, Cast
from tests.following import WORKER, agreed, followed, row_of
from tests.terminal import Say, command

__all__ = ["command"]


@pytest.fixture
def over(cast: Cast) -> UUID:
    """A file whose last day is over, whenever this runs: the terminal goes by the real clock."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        agreed(session, cast)
        followed(session, cast, "#2026-09")
        follow_up = followed(session, cast)
        participant_id: UUID = row_of(session, follow_up)["participant_id"]
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT)
        retention.retain_until(session, participant_id, TODAY, by=by, at=AT)
    return participant_id


@pytest.mark.long
def test_a_file_is_destroyed_by_who_is_entitled_and_the_proof_is_printed(cast: Cast, command: Say, over: UUID) -> None:
    status, out, _ = command("participant", "due", "--as", "coordinator")
    assert (status, out.split()) == (0, [str(over), TODAY.isoformat(), "#2026-01"])
    for wrong in ("due", "destroy", "proof"):
        given = () if wrong == "due" else (str(over),)
        assert command("participant", wrong, *given, "--as", WORKER)[0] == 1, wrong
    status, _, err = command("participant", "proof", str(over), "--as", "coordinator")
    assert (status, "not destroyed" in err) == (1, True)
    status, out, _ = command("participant", "destroy", str(over), "--as", "coordinator")
    with cast.session() as session:
        line = session.scalar(text("select n from event where verb = 'participant.destroyed'"))
    assert status == 0
    assert "#2026-01: destroyed" in out
    assert f"Line {line} of the record." in out
    assert "ask for the proof again then" in out
    with cast.session() as session:
        retention.destroy_keys(session, at=AT)
    assert "Its key is gone since" in command("participant", "proof", str(over), "--as", "coordinator")[1]
    assert "No file’s last day is over." in command("participant", "due", "--as", "coordinator")[1]
