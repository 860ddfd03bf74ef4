"""The morning's round asks partners again that said nothing, and the digest tells each person once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlmodel import Session

from flows import endorsements, reminders
from flows.rounds import ROUNDS
from tests.cast import Cast
from tests.flows.support import Clock, body, letters, means_of
from tests.meetings.endorsed import asked_of, decide, say, session

__all__ = ["session"]


@pytest.mark.ci
def test_who_is_silent_on_two_decisions_gets_one_letter_of_both_on_the_day_after_the_last(
    session: Session, cast: Cast
) -> None:
    first = decide(session, cast)
    second = decide(session, cast, text_fr="Encore.")
    say(session, cast, first, "codim", "endorsed")
    say(session, cast, second, "codim", "endorsed")
    session.commit()
    clock = Clock(datetime(2027, 2, 3, 12, 30, tzinfo=UTC))
    means = means_of(cast, clock)
    assert endorsements.ask(means, cast.program_id, "worker") == 0, "the last day is not over"
    clock.pass_by(days=1)
    assert endorsements.ask(means, cast.program_id, "worker") == 2
    assert endorsements.ask(means, cast.program_id, "prefect") == 0, "once a day"
    clock.pass_by(minutes=30)
    reminders.remind(means, cast.program_id, "worker")
    mine = [one for one in letters(cast, "daily_digest") if one["person_id"] == cast.people["manager_em"]]
    assert len(mine) == 1
    assert body(mine[0]).count("Demandé de nouveau") == 2
    assert "hors de tout dossier" not in body(mine[0]), "a letter says nothing where there is nothing to say"
    clock.pass_by(hours=1)
    reminders.remind(means, cast.program_id, "worker")
    assert len([one for one in letters(cast, "daily_digest") if one["person_id"] == cast.people["manager_em"]]) == 1
    assert ROUNDS["endorsements"] is endorsements.ask
    with cast.session() as later:
        assert len(asked_of(later, first)) == 1
