"""What somebody remembers of what they saw today: their work, and which file an admission is about."""

from __future__ import annotations

from typing import Any

from simulation.visits import Visit


def asked(me: Visit, *steps: str) -> list[dict[str, Any]]:
    """What somebody is asked today by one of these steps."""
    return [task for task in me.work() if task["step"] in steps]


def file_of(me: Visit, case_id: str) -> str | None:
    """The file that an admission is about, as the case shows it to its keepers."""
    known: dict[str, str] = me.memory.setdefault("file_of_case", {})
    if case_id not in known:
        case = me.get(f"/cases/{case_id}")
        if not case.is_done or not case["participant_id"]:
            return None
        known[case_id] = case["participant_id"]
    return known[case_id]
