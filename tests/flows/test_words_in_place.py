"""Letters and digests say a step to whoever has it in somebody's place in the words that are meant for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.casework import tasks
from tests.casework import complete, open_onboarding, step
from tests.cast import ARRIVAL, Cast
from tests.flows.support import Clock, body, carry_all, letters, means_of
from tests.flows.test_reminders import digests_of, morning

ARRIVED = datetime(2026, 12, 7, 18, 0, tzinfo=UTC)
TO_THEM = "Confirmer que vous avez reçu le carnet et le guide"
IN_THEIR_PLACE = "Confirmer que la personne a reçu le carnet et le guide"


@pytest.mark.ci
def test_who_has_a_step_that_was_handed_back_reads_that_another_received_it(cast: Cast) -> None:
    clock = Clock(ARRIVED)
    means = means_of(cast, clock)
    case_id = open_onboarding(cast)
    for name in ("prepare_notebook_and_guide", "hand_over_notebook_and_guide"):
        complete(cast, case_id, name, at=ARRIVED)
    carry_all(means)
    morning(cast, means, clock, ARRIVAL + timedelta(days=1))
    (theirs,) = digests_of(cast)["worker_em"]
    assert TO_THEM in theirs
    assert IN_THEIR_PLACE not in theirs
    with cast.session() as session:
        task = step(session, case_id, "confirm_notebook_and_guide")
        by = cast.actor("worker_em")
        tasks.hand_back_task(session, task["id"], by=by, at=clock.now, reason="Je ne trouve plus le carnet.")
    (letter,) = letters(cast, "task_handed_back")
    assert letter["person_id"] == cast.people["manager_em"]
    assert IN_THEIR_PLACE in body(letter)
    assert TO_THEM not in body(letter)
    carry_all(means)
    morning(cast, means, clock, ARRIVAL + timedelta(days=3))
    found = digests_of(cast, ARRIVAL + timedelta(days=3))["manager_em"]
    assert any(IN_THEIR_PLACE in text for text in found)
    assert all(TO_THEM not in text for text in found)
