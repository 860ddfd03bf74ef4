"""What is done to cases as a whole: opened, moved, cancelled, reopened, closed, and taken to a new version."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from simulation.people.staff import why
from simulation.visits import Visit, does

#: A leaver's last day is moved with their role, and no day that follows from what was done is moved at all.
NOT_MOVED: Final = (
    "last_day",
    "opened",
    "posted",
    "interviewed",
    "endorsed",
    "year_start",
    "year_end",
    "quarter_end",
    "notice",
)


@does("coordinator", chance=0.12)
def look_at_cases(me: Visit) -> None:
    """Look at what is under way, and put some of it right."""
    rows = me.items("/cases", state="open", limit=25)
    for case in me.chance.sample(rows, min(2, len(rows))):
        _put_right(me, case)


def _put_right(me: Visit, case: dict[str, Any]) -> None:
    what, path = me.chance.random(), f"/cases/{case['id']}"
    movable = [key for key, day in case["anchors"].items() if day >= me.today.isoformat() and key not in NOT_MOVED]
    if what < 0.4 and movable:
        key = me.chance.choice(sorted(movable))
        day = date.fromisoformat(case["anchors"][key]) + timedelta(days=me.chance.choice((-3, 1, 2, 7, 14)))
        me.put(f"{path}/days/{key}", {"day": max(day, me.today).isoformat()})
    elif what < 0.5 and case["protocol"] not in ("admission", "departure"):
        if me.post(f"{path}/cancellation", {"reason": why(me)}).is_done and me.may(0.8):
            me.note("cancelled", case_id=case["id"])
    elif what < 0.6:
        me.post(f"{path}/closing")
    elif what < 0.8:
        _waive_some(me, me.items(f"{path}/tasks"))
    else:
        me.get(f"{path}/events", limit=20)


def _waive_some(me: Visit, tasks: list[dict[str, Any]]) -> None:
    """Waive what is not needed in this case, or is long late; of most steps no procedure lets one."""
    for task in tasks:
        is_late = task["due_on"] is not None and task["due_on"] < me.today.isoformat()
        if task["state"] in ("planned", "open", "submitted") and me.may(0.25 if is_late else 0.04):
            me.post(f"/tasks/{task['id']}/waiver", {"reason": why(me)})


@does("coordinator")
def reopen_what_was_cancelled(me: Visit) -> None:
    """Open again, a while later, what was cancelled by mistake."""
    for one in me.heard("cancelled"):
        if me.may(0.5):
            me.note(**one)
        else:
            me.post(f"/cases/{one['case_id']}/reopening", {"reason": why(me)})


@does("coordinator", chance=0.004)
def reopen_an_old_case(me: Visit) -> None:
    """Open a closed case again, to correct what it says, and close it once that is done."""
    rows = me.items("/cases", state="closed", limit=10)
    if not rows:
        return
    path = f"/cases/{me.chance.choice(rows)['id']}"
    if me.post(f"{path}/reopening", {"reason": why(me)}).is_done and me.may(0.7):
        me.post(f"{path}/closing")


@does("coordinator")
def take_new_versions(me: Visit) -> None:
    """Take the cases of a procedure that was changed to its new version, each after a look at what that changes."""
    for one in me.heard("procedure"):
        for case in me.items("/cases", state="open", limit=50):
            if case["protocol"] == one["key"] and me.may(0.8):
                _take_version(me, case["id"])


def _take_version(me: Visit, case_id: str) -> None:
    case = me.get(f"/cases/{case_id}")
    if case.is_done and case["offer"]:
        me.put(f"/cases/{case_id}/version", {"version_id": case["offer"]["version_id"]})


@does("coordinator", chance=0.006)
def open_by_hand(me: Visit) -> None:
    """Open by hand a case that begins by itself, for a quarter or a year: mostly it is there already."""
    protocols = [one for one in me.items("/protocols") if one["starts"]]
    if not protocols:
        return
    protocol = me.chance.choice(protocols)
    each = protocol["starts"].get("each")
    year = me.today.year + me.chance.choice((-1, 0, 0, 1))
    said: dict[str, Any] = {"protocol": protocol["key"]}
    if each:
        said["period"] = str(year) if each == "calendar_year" else f"{year}-Q{me.chance.randint(1, 4)}"
    if protocol["subject_kind"] == "organization":
        said["organization_id"] = str(me.at("coordinator"))
    if protocol["subject_kind"] in ("organization", "program"):
        me.post("/cases", said)
