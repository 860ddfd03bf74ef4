"""The worker as a process of its own, in which the enrolment or a round does what a test needs: by SCENARIO and FILE.

dawdle: waits while FILE is there, inside the act's own transaction, and says so in FILE.here.
quote: fails with an error that quotes a person.
round: has a sweep of three parts, of which each waits while FILE is there, and says so in FILE.here and then FILE.done.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from domain.kernel.actors import Actor
from flows import by_prefect, pool, protocols, rounds, turns, worker
from flows.engine import BoundProtocol, DueAction, StepAction
from flows.onboarding import actions
from flows.turns import Round

#: What must never reach Prefect.
CANARY = "Émeraude Quartz du 12 rue des Canaris"


def _dawdle(file: Path) -> StepAction:
    def enrol(session: Session, act: DueAction, by: Actor, at: datetime) -> None:
        actions.enrol_on_clinical_committee(session, act, by, at)
        file.with_suffix(".here").touch()
        while file.exists():
            time.sleep(0.01)

    return StepAction(enrol, actions.is_enrolled)


def _quote(_: Path) -> StepAction:
    def enrol(_session: Session, _act: DueAction, _by: Actor, _at: datetime) -> None:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise ValueError(f"no seat for {CANARY}") from error

    return StepAction(enrol, actions.is_enrolled)


def _in_three_parts(file: Path) -> Round:
    def part(_: Session, number: int, *, by: Actor, at: datetime) -> int:
        assert by == turns.BY_ROUNDS, at
        file.with_suffix(".here").touch()
        while file.exists():
            time.sleep(0.01)
        with file.with_suffix(".done").open("a", encoding="ascii") as done:
            done.write(str(number))
        return 1

    return replace(rounds.ROUNDS["sweep"], whole=None, parts=lambda turn: turn.each(range(3), part))


def _with(action: StepAction) -> BoundProtocol:
    bound = protocols.PROTOCOLS["onboarding"]
    return BoundProtocol(bound.key, bound.file, {**bound.actions, "enrol_on_clinical_committee": action}, bound.letters)


if __name__ == "__main__":
    scenario, file = sys.argv[1], Path(sys.argv[2])
    # On a busy machine too Prefect is to begin what it is given here.
    by_prefect.PLACE_SECONDS, by_prefect.BEGIN_SECONDS = 30.0, 30.0  # type: ignore[misc]
    # And what it looks at each minute it looks at soon.
    by_prefect.TEND_SECONDS, pool.CANCELLED_LOOK_SECONDS, pool.LOOK_SECONDS = 1.0, 1.0, 1.0  # type: ignore[misc]
    scenarios = {"dawdle": _dawdle, "quote": _quote}
    if scenario in scenarios:
        protocols.PROTOCOLS = {"onboarding": _with(scenarios[scenario](file))}  # type: ignore[misc]  # a test's own
    if scenario == "round":
        rounds.ROUNDS["sweep"] = _in_three_parts(file)  # type: ignore[index]  # a test's own
        worker.OVERDUE_LOOK_SECONDS = 3600.0  # type: ignore[misc]  # it is Prefect's to begin
    sys.exit(worker.run())
