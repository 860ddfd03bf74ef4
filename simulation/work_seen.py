"""What somebody remembers of what they saw: their work of today, their caseload, which file an admission is about."""

from __future__ import annotations

from typing import Any, Final

from simulation.visits import Visit

#: How often a worker looks at the whole list of those whom they follow, in days.
_LOOKS: Final = 5


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


def caseload(me: Visit) -> list[dict[str, Any]]:
    """Those whom one follows, as one saw them some days ago at most."""
    seen = me.memory.get("caseload")
    if seen is None or (me.today - seen[0]).days >= _LOOKS:
        seen = me.memory["caseload"] = (me.today, me.items("/caseload", "follow_ups", limit=30))
    rows: list[dict[str, Any]] = seen[1]
    return rows
