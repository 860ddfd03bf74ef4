"""Everybody's own work: what their first page shows as theirs to do and to approve."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from simulation.cast import Nature
from simulation.people import departing, evidence, hiring
from simulation.people.staff import note, why
from simulation.visits import Visit, does

#: How often somebody does what they see that they have to do, by how they are.
EAGER: Final = {Nature.PROMPT: 0.7, Nature.SLOW: 0.25, Nature.CARELESS: 0.5, Nature.SLY: 0.45}
#: So many things at most are done in one visit.
MOST: Final = 7
#: What is due in more days than that is mostly left for later.
SOON: Final = 15
#: So many of their acts somebody remembers, to take one back.
REMEMBERED: Final = 6


#: What is said of a task that is not done by handing it in: a committee decides it, an act on its own page does, or
#: what it asks about is out of the leaver's hands and the program sees it soon.
_ELSEWHERE: Final = ("task.by_decision", "task.by_its_act", "decision.not_in_effect", "holding.not_settled")
#: For so long somebody leaves such a task alone.
LEFT_ALONE: Final = timedelta(days=20)


@does()
def do_ones_work(me: Visit) -> None:
    """Look at what is to do, and do some of it."""
    left = MOST
    for task in me.work():
        if left and _is_for_me(me, task) and me.may(_eagerness(me, task)):
            do_task(me, task)
            left -= 1


def _is_for_me(me: Visit, task: dict[str, Any]) -> bool:
    """Whether a task can be done from here: of what is done by an act on its own page, some acts are done here."""
    if me.memory.get("elsewhere", {}).get(task["id"], date.min) > me.today:
        return False
    return task["state"] == "submitted" or task["evidence"] != "act" or task["step"] in _BY_ACTS


def _eagerness(me: Visit, task: dict[str, Any]) -> float:
    often = EAGER[me.me.nature]
    if task["due_on"] is None or task["state"] == "submitted":
        return often
    days = (date.fromisoformat(task["due_on"]) - me.today).days
    return often * (0.25 if days > SOON else 1.0 if days > 0 else 1.3)


def _is_late(me: Visit, task: dict[str, Any]) -> bool:
    return task["due_on"] is not None and date.fromisoformat(task["due_on"]) < me.today


_BY_ACTS: Final = {"write_summary": departing.write_summary, "appoint_person": hiring.name_who_is_hired}


def do_task(me: Visit, task: dict[str, Any]) -> None:
    """Do what a task asks, or something else with it."""
    if me.may(0.05):
        me.get(f"/tasks/{task['id']}")
    if task["state"] == "submitted":
        answer_request(me, task)
    elif task["handed_back_at"] and "coordinator" in me.roles and me.may(0.7):
        me.post(f"/tasks/{task['id']}/returning", {"reason": why(me)})
    elif task["step"] in _BY_ACTS and task["evidence"] == "act":
        _BY_ACTS[task["step"]](me, task)
    elif me.may(0.02):
        me.post(f"/tasks/{task['id']}/handing-back", {"reason": why(me)})
    elif "coordinator" in me.roles and me.may(0.15 if _is_late(me, task) else 0.03):
        me.post(f"/tasks/{task['id']}/waiver", {"reason": why(me)})
    elif task["case_id"] and departing.is_of_a_thing(me, task):
        departing.settle(me, task)
    else:
        complete(me, task)


def complete(me: Visit, task: dict[str, Any]) -> None:
    """Hand a task in with what it asks for; now and then without, at first."""
    if task["evidence"] == "interviews":
        hiring.hold_interviews(me, task)
        return
    if task["evidence"] == "empty_hands" and departing.is_too_soon(me, task) and me.may(0.95):
        return
    path = f"/tasks/{task['id']}/completion"
    asks = task["asks"] or task["evidence"] != "none"
    if asks and me.may(0.04):
        me.post(path, {"note": "", "evidence": [], "given": {}})
    proofs = evidence.proofs(me, task)
    said = note(me) if task["evidence"] == "note" or me.may(0.15) else ""
    answer = me.post(path, {"note": said, "evidence": proofs, "given": evidence.filled_in(me, task["asks"])})
    if answer.code in _ELSEWHERE:
        me.memory.setdefault("elsewhere", {})[task["id"]] = me.today + LEFT_ALONE
    if not answer.is_done:
        return
    did = me.memory.setdefault("did", [])
    did.append(task["id"])
    del did[:-REMEMBERED]
    if answer.body and answer["state"] == "submitted" and me.me.nature is Nature.SLY and me.may(0.3):
        me.post(f"/tasks/{task['id']}/approval", {"note": ""})


def answer_request(me: Visit, task: dict[str, Any]) -> None:
    """Approve what was handed in, or send it back."""
    if me.may(0.08):
        me.post(f"/tasks/{task['id']}/rejection", {"reason": why(me)})
        return
    me.post(f"/tasks/{task['id']}/approval", {"note": note(me) if me.may(0.1) else ""})


@does(chance=0.04)
def undo_something(me: Visit) -> None:
    """Take back something that one did lately, as done by mistake."""
    did = me.memory.get("did", [])
    if did:
        me.post(f"/tasks/{did.pop()}/undoing", {"reason": why(me) if me.may(0.5) else ""})
