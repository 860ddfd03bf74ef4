"""How the pages show a state: the word that says it, and its shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from locales import N_
from models.casework import Task

STATES: Final[Mapping[str, tuple[str, str]]] = {
    "planned": ("wait", N_("Later")),
    "open": ("empty", N_("To do")),
    "submitted": ("ask", N_("To approve")),
    "done": ("full", N_("Done")),
    "waived": ("skip", N_("Waived")),
    "cancelled": ("stop", N_("Cancelled")),
    "closed": ("full", N_("Closed")),
    "in_progress": ("half", N_("In progress")),
    "blocked": ("wait", N_("Waiting")),
    "rejected": ("stop", N_("Rejected")),
    "late": ("late", N_("Late")),
    "vacant": ("vacant", N_("Vacant")),
    "draft": ("wait", N_("Draft")),
    "sent": ("half", N_("Sent")),
    "signed": ("half", N_("Signed")),
    "in_force": ("full", N_("In force")),
    "agreement_sent": ("half", N_("Sent to be signed")),
    "agreement_signed": ("half", N_("Signed by all")),
    "agreement_to_begin": ("wait", N_("Begins later")),
    "agreement_ended": ("stop", N_("No longer in force")),
    "ended": ("stop", N_("Ended")),
    "queued": ("wait", N_("To be sent")),
    "failed": ("late", N_("Not delivered")),
    "none": ("wait", N_("Nothing to do")),
    "wanted": ("half", N_("Under way")),
    "stuck": ("late", N_("Stuck")),
    "undo_wanted": ("half", N_("Being undone")),
    "undone": ("skip", N_("Undone")),
    "under_way": ("half", N_("Under way now")),
    "held": ("full", N_("Held")),
    "pool": ("wait", N_("Waiting for a meeting")),
    "scheduled": ("empty", N_("On an agenda")),
    "settled": ("full", N_("Treated")),
    "withdrawn": ("skip", N_("Withdrawn")),
    "standing": ("full", N_("In effect")),
    "circulated": ("ask", N_("Circulated, to approve")),
    "approved": ("full", N_("Approved")),
    "received": ("empty", N_("Received")),
    "triaged": ("half", N_("Triage done")),
    "joined": ("skip", N_("Joined to another referral")),
    "abandoned": ("skip", N_("Abandoned")),
    "candidate": ("empty", N_("Candidate")),
    "assigned": ("half", N_("To be met")),
    "committed": ("ask", N_("Committed")),
    "admitted": ("full", N_("Participant")),
    "refused": ("stop", N_("Not admitted")),
    "declined": ("skip", N_("Declined")),
    "destroyed": ("skip", N_("Destroyed")),
    "active": ("half", N_("Active")),
    "on_break": ("wait", N_("On a break")),
    "inactive": ("skip", N_("Inactive")),
    "completed": ("full", N_("Completed")),
}
"""For each state of a lifecycle, the shape that shows it and the word that says it.

The shapes are phases of a sphere, so that a state is read without its colour: empty, half and full, dashed
while it waits, a diamond for a question put to someone, a triangle when late."""


def state_of_version(state: str, starts_on: date | None, ends_on: date | None, day: date) -> str:
    """The key of `STATES` for a version of an agreement on a local day: it is in force from its first day to its last.

    That both are settled changes its state at once, and may be long before.
    """
    if state in ("in_force", "ended"):
        if starts_on is not None and starts_on > day:
            return "agreement_to_begin"
        return "agreement_ended" if ends_on is not None and ends_on < day else "in_force"
    return {"sent": "agreement_sent", "signed": "agreement_signed"}.get(state, state)


def state_of_case(state: str) -> str:
    """The key of `STATES` for a case. One that is open is under way, where a task that is open is to be done."""
    return "in_progress" if state == "open" else state


def state_of_task(task: Task, *, is_late: bool) -> str:
    """The key of `STATES` for a task: what the program does or undoes by itself is told apart, and so is lateness."""
    if task.act_state in ("stuck", "undo_wanted"):
        return task.act_state
    if task.state == "open" and task.act_state == "wanted":
        return "wanted"
    if task.state == "open" and is_late:
        return "late"
    return task.state
