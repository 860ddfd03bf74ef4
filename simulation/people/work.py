"""Everybody's own work: what their first page shows as theirs to do and to approve."""

from __future__ import annotations

from typing import Any

from simulation.visits import Visit, does


@does()
def do_ones_work(me: Visit) -> None:
    """Look at what is to do, and do some of it."""
    for task in me.work():
        # What is done by an act of its own is refused here: few try.
        if me.may(0.5 if task["evidence"] != "act" or task["state"] == "submitted" else 0.01):
            do_task(me, task)


def do_task(me: Visit, task: dict[str, Any]) -> None:
    """Do what a task asks, as far as anybody can by the task alone."""
    if task["state"] == "submitted":
        me.post(f"/tasks/{task['id']}/approval", {"note": ""})
        return
    me.post(f"/tasks/{task['id']}/completion", {"note": "", "evidence": [], "given": {}})
