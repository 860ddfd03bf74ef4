"""Whatever happens in whatever order, nobody leaves with anything in hand and nothing open is lost.

The machine of `tests.journeys.leaving` does it; its rules hold in the database after every step.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.cast import Cast
from tests.conftest import Copies
from tests.departing import record_protocols
from tests.following import agreed
from tests.journeys.leaving import machine_of
from tests.meetings.sitting import seat_everyone
from tests.referring import declare_admission


@pytest.mark.parametrize(
    ("walks", "steps"),
    [pytest.param(3, 15, id="a few", marks=pytest.mark.ci), pytest.param(30, 40, id="many", marks=pytest.mark.nightly)],
)
def test_no_order_of_departures_absences_returns_and_refusals_loses_anything(
    copies: Copies, cast_template: tuple[str, Cast], walks: int, steps: int
) -> None:
    name, built = cast_template
    kept: list[Any] = []

    def fresh() -> Cast:
        while kept:
            kept.pop().__exit__(None, None, None)
        copy = copies.of(name)
        cast = built.on(copy.__enter__())
        kept.append(copy)
        record_protocols(cast)
        declare_admission(cast)
        with cast.session() as session:
            agreed(session, cast)
            seat_everyone(session, cast)
        return cast

    try:
        run_state_machine_as_test(
            machine_of(fresh),
            settings=settings(
                max_examples=walks,
                stateful_step_count=steps,
                deadline=None,
                phases=[Phase.generate],  # a walk that fails is told step by step: making it shorter takes many more
                suppress_health_check=list(HealthCheck),
                derandomize=True,
            ),
        )
    finally:
        while kept:
            kept.pop().__exit__(None, None, None)
