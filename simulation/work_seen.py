"""What somebody remembers of what they saw today: their work, and which file an admission is about."""

from __future__ import annotations

from typing import Any

from simulation.visits import Visit


def work_seen(me: Visit, limit: int = 60) -> list[dict[str, Any]]:
    """What is now for somebody to do, as they saw it today; it is read once a day."""
    seen = me.memory.get("work_seen")
    if seen is None or seen[0] != me.today:
        seen = me.memory["work_seen"] = (me.today, me.items("/work", limit=limit))
    rows: list[dict[str, Any]] = seen[1]
    return rows


def asked(me: Visit, *steps: str) -> list[dict[str, Any]]:
    """What somebody is asked today by one of these steps."""
    return [task for task in work_seen(me) if task["step"] in steps]


def file_of(me: Visit, case_id: str) -> str | None:
    """The file that an admission is about, as the case shows it to its keepers."""
    known: dict[str, str] = me.memory.setdefault("file_of_case", {})
    if case_id not in known:
        case = me.get(f"/cases/{case_id}")
        if not case.is_done or not case["participant_id"]:
            return None
        known[case_id] = case["participant_id"]
    return known[case_id]
