"""Files of participants at the terminal: which are due, having one destroyed by two, and the proof of it."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from domain.accompaniment import barring, states
from domain.participants import retention
from tests.cast import AT, KEYS, TODAY, Cast
from tests.departing import leave, record_protocols
from tests.following import WORKER, agreed, bar, followed, known_as_somebody, row_of
from tests.terminal import Say, command

__all__ = ["command"]


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal opens what the tests sealed."""
    monkeypatch.setattr("api.cli.terminal.keys_of", lambda _: KEYS)


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
        known_as_somebody(session, participant_id)
        retention.retain_until(session, participant_id, TODAY, reason="Son souhait", by=by, at=AT)
    return participant_id


@pytest.mark.ci
def test_a_file_is_destroyed_by_two_and_the_proof_is_printed(cast: Cast, command: Say, over: UUID) -> None:
    status, out, _ = command("participant", "due", "--as", "coordinator")
    assert (status, out.split()) == (0, [str(over), TODAY.isoformat(), "#2026-01"])
    for wrong in (("due",), ("ask", str(over)), ("asked",), ("why", str(over)), ("proof", str(over))):
        assert command("participant", *wrong, "--as", WORKER)[0] == 1, wrong
    assert command("participant", "ask", str(over), "--ground", "law", "--as", "coordinator")[0] == 1, "say why"
    told = command(
        "participant", "ask", str(over), "--ground", "law", "--reason", "Ondine le veut", "--as", "coordinator"
    )
    assert (told[0], "Another person can confirm it" in told[1]) == (0, True)
    assert "No file’s last day is over." in command("participant", "due", "--as", "coordinator")[1]
    assert str(over) in command("participant", "asked", "--as", "privacy_officer")[1]
    why = command("participant", "why", str(over), "--as", "privacy_officer")[1]
    assert ("#2026-01: request" in why, "Ondine" in why, "le veut" in why) == (True, False, True)
    with cast.session() as session:
        request = session.execute(text("select id from destruction")).scalar_one()
    answer = (str(over), "--request", str(request))
    assert command("participant", "confirm", *answer, "--as", "coordinator")[0] == 1
    status, _, err = command("participant", "confirm", *answer, "--as", "privacy_officer")
    assert (status, "This can be confirmed from" in err) == (1, True)
    with cast.session() as session:
        session.execute(text("update destruction set confirm_from = :day, lapses_on = '2200-01-01'"), {"day": TODAY})
    assert command("participant", "proof", str(over), "--as", "coordinator")[0] == 1
    status, out, _ = command("participant", "confirm", *answer, "--as", "privacy_officer")
    with cast.session() as session:
        line = session.scalar(text("select n from event where verb = 'participant.destroyed'"))
    assert status == 0
    assert f"Asked by {cast.members['coordinator'].name}, confirmed by {cast.members['privacy_officer'].name}" in out
    assert f"Line {line} of the record." in out
    assert "ask for the proof again then" in out
    with cast.session() as session:
        retention.destroy_keys(session, at=AT)
    assert "Its key is gone since" in command("participant", "proof", str(over), "--as", "coordinator")[1]


@pytest.mark.ci
def test_what_is_asked_is_refused_or_taken_back_at_the_terminal(cast: Cast, command: Say, over: UUID) -> None:
    assert command("participant", "ask", str(over), "--as", "coordinator")[0] == 0
    with cast.session() as session:
        request = str(session.execute(text("select id from destruction")).scalar_one())
    told = command(
        *("participant", "refuse", str(over), "--request", request, "--reason", "Un juge", "--as", "privacy_officer")
    )
    assert (told[0], "the file is kept" in told[1]) == (0, True)
    assert "Un juge" in command("participant", "why", str(over), "--as", "coordinator")[1]
    assert command("participant", "ask", str(over), "--as", "coordinator")[0] == 0
    assert command("participant", "withdraw", str(over), "--as", "coordinator")[0] == 0
    assert "No destruction waits" in command("participant", "asked", "--as", "manager_ccsmtl")[1]


def test_whom_a_participant_barred_is_not_told_that_the_file_is_due(cast: Cast, command: Say, over: UUID) -> None:
    with cast.session() as session:
        barring.bar(session, over, cast.people["coordinator"], by=cast.actor(WORKER), at=AT)
    assert command("participant", "due", "--as", "coordinator")[:2] == (0, "No file’s last day is over.\n")
    assert command("participant", "ask", str(over), "--as", "coordinator")[0] == 1


@pytest.mark.ci
def test_the_steps_of_a_departure_that_call_somebody_are_kept_from_whom_they_barred(cast: Cast, command: Say) -> None:
    record_protocols(cast)
    with cast.session() as session:
        agreed(session, cast)
        follow_ups = [followed(session, cast, number) for number in ("#2026-01", "#2026-02")]
    case_id = leave(cast, WORKER, "ccsmtl")
    shown = command("case", "show", str(case_id), "--as", "coordinator")[1]
    assert "#2026-01" in shown
    with cast.session() as session:
        bar(session, cast, follow_ups[0], cast.people["coordinator"])
    shown = command("case", "show", str(case_id), "--as", "coordinator")[1]
    assert ("#2026-01" in shown, "#2026-02" in shown) == (False, True)
