"""What is done in a departure: everything in the leaver's hands gets a taker or an end, and offers are answered."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any, Final

from simulation.people.staff import at_place, colleagues, in_role, note, somebody_new, who_may_act_as, why
from simulation.visits import Visit, does

#: What a step asks about is named by an id in so many letters.
_ID: Final = 32
#: How each kind of thing is mostly settled: by somebody who takes it over ("to"), or by how it ends, and how often.
WAYS: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "tenure": (("recruiting", 45), ("to", 35), ("not_replaced", 20)),
    "task": (("with_the_role", 82), ("to", 8), ("left_vacant", 10)),
    "approval": (("with_the_role", 82), ("to", 8), ("left_vacant", 10)),
    "decision": (("with_the_role", 82), ("to", 8), ("left_vacant", 10)),
    "signature": (("with_the_role", 1),),
    "seat": (("to", 65), ("left_vacant", 35)),
    "guest": (("not_invited", 1),),
    "deputizing": (("nobody_deputizes", 50), ("to", 50)),
    "equipment": (("returned", 85), ("missing", 15)),
    "account": (("closed", 1),),
    "note": (("left_unfinished", 1),),
    "candidate": (("to", 80), ("left_vacant", 20)),
    "referral": (("with_the_role", 80), ("left_vacant", 20)),
    "draft": (("to_the_coordinator", 70), ("thrown_away", 30)),
}


def departure_of(me: Visit, case_id: str) -> dict[str, Any]:
    """A departure as its page shows it today; nothing where the case is none."""
    seen: dict[str, Any] = me.memory.setdefault("departures", {})
    if seen.get("day") != me.today:
        seen.clear()
        seen["day"] = me.today
    if case_id not in seen:
        answer = me.get(f"/departures/{case_id}")
        seen[case_id] = answer.body if answer.is_done else {}
    return dict(seen[case_id])


def _line(me: Visit, task: dict[str, Any]) -> dict[str, Any] | None:
    left = departure_of(me, task["case_id"]).get("left", [])
    return next((one for one in left if one["task_id"] == task["id"]), None)


def is_of_a_thing(me: Visit, task: dict[str, Any]) -> bool:
    """Whether a task asks what becomes of a thing in a leaver's hands."""
    if len(task["item"]) != _ID or task["evidence"] != "none" or not task["case_id"]:
        return False
    return _line(me, task) is not None


def is_too_soon(me: Visit, task: dict[str, Any]) -> bool:
    """Whether a leaver is still there, or has something in hand, as somebody sees who is to confirm that nothing is."""
    departure = departure_of(me, task["case_id"])
    return bool(departure) and (departure["last_day"] >= me.today.isoformat() or bool(departure["left"]))


def settle(me: Visit, task: dict[str, Any]) -> None:
    """Say who takes over what a task asks about, or how it ends."""
    line = _line(me, task)
    if line is None:
        return
    if line["kind"] == "follow_up":
        hand_over(me, task)
        return
    ways = WAYS.get(line["kind"], (("left_vacant", 1),))
    way = me.chance.choices([one for one, _ in ways], [often for _, often in ways])[0]
    if line["missing_since"]:
        way = "lost" if me.may(0.6) else "returned"
    if way == "missing":
        me.post(f"/tasks/{task['id']}/missing", {"reason": why(me)})
    elif way == "to":
        _to_somebody(me, task, line)
    else:
        _ends(me, task, line, way)


def _ends(me: Visit, task: dict[str, Any], line: dict[str, Any], way: str) -> None:
    answer = me.post(f"/tasks/{task['id']}/settlement", {"ended_as": way, "note": note(me)})
    if answer.is_done and way == "recruiting":
        _want(me, departure_of(me, task["case_id"]))
    elif answer.code in ("holding.nobody_in_line", "draft.unread"):
        other = "left_vacant" if way == "with_the_role" else "to_the_coordinator"
        me.post(f"/tasks/{task['id']}/settlement", {"ended_as": other, "note": f"{note(me)} {line['kind']}"})


def _want(me: Visit, departure: dict[str, Any]) -> None:
    """Remember for which roles somebody is looked for."""
    place = departure["organization_id"]
    leaver = next((one for one in colleagues(me) if one["id"] == departure["person_id"]), None)
    roles = [role["role"] for role in leaver["roles"] if role["organization_id"] == place] if leaver else []
    me.memory.setdefault("wanted", {}).setdefault(place, []).extend(roles[:1])


def _to_somebody(me: Visit, task: dict[str, Any], line: dict[str, Any]) -> None:
    departure = departure_of(me, task["case_id"])
    place, leaver = departure["organization_id"], departure["person_id"]
    meets = line["kind"] == "candidate"
    able = in_role(me, "youth_worker", but=leaver) if meets else _who_follows(me, place, leaver)
    if line["kind"] == "tenure" and me.may(0.5):
        successor = _somebody_new(me, departure)
    else:
        successor = me.chance.choice(able)["id"] if able else None
    if successor is None:
        _ends(me, task, line, _otherwise(line["kind"]))
        return
    answer = me.post(f"/tasks/{task['id']}/settlement", {"successor_id": successor, "note": note(me)})
    if not answer.is_done and me.may(0.7):
        _ends(me, task, line, _otherwise(line["kind"]))


def _otherwise(kind: str) -> str:
    """How a thing ends where nobody takes it over."""
    return next(way for way, _ in reversed(WAYS[kind]) if way != "to")


def _who_follows(me: Visit, place: str, leaver: str) -> list[dict[str, Any]]:
    gone = next((one for one in colleagues(me) if one["id"] == leaver), None)
    roles = [role["role"] for role in gone["roles"]] if gone else []
    return who_may_act_as(me, roles[0], place, but=leaver) if roles else at_place(me, place, but=leaver)


def _somebody_new(me: Visit, departure: dict[str, Any]) -> str | None:
    """Add somebody new who begins in the leaver's role when they are gone; nobody, where it is not theirs to do."""
    place = departure["organization_id"]
    gone = next((one for one in colleagues(me) if one["id"] == departure["person_id"]), None)
    held = [role for role in gone["roles"] if role["organization_id"] == place] if gone else []
    if not held:
        return None
    first = max(departure["last_day"], me.today.isoformat())
    said = somebody_new(me) | {"organization_id": place, "role": held[0]["role"], "starts_on": _after(first)}
    answer = me.post("/people", said)
    if not answer.is_done:
        return None
    me.note("came", person_id=answer["id"])
    return str(answer["id"])


def _after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


# ------------------------------------------------------------------------------------------------------- follow-ups


def hand_over(me: Visit, task: dict[str, Any]) -> None:
    """Offer the follow-ups of a leaver: all at once after a look, then one by one, and at last leave one vacant."""
    case_id = task["case_id"]
    tried: dict[str, int] = me.memory.setdefault("offered", {})
    tries = tried[case_id] = tried.get(case_id, 0) + 1
    if tries == 1 or me.may(0.3):
        if me.may(0.8):
            me.post(f"/departures/{case_id}/offers", {"dry_run": True})
        lines = me.post(f"/departures/{case_id}/offers", {"dry_run": False})
        for line in lines.body if lines.is_done else ():
            if line["to_id"] and not line["refused"]:
                me.tell(line["to_id"], "offered", case_id=case_id)
    elif task["late"] and me.may(0.5):
        me.post(f"/tasks/{task['id']}/settlement", {"ended_as": "left_vacant", "note": why(me)})
    else:
        _offer_one(me, task)


def _offer_one(me: Visit, task: dict[str, Any]) -> None:
    leaver = departure_of(me, task["case_id"]).get("person_id")
    workers = in_role(me, "youth_worker", but=leaver)
    if not workers:
        return
    worker = me.chance.choice(workers)["id"]
    said = {"successor_id": worker, "note": note(me)}
    if me.post(f"/tasks/{task['id']}/settlement", said).is_done:
        me.tell(worker, "offered", case_id=task["case_id"])


_OFFER: Final = re.compile(r'"/hand-overs/([0-9a-f-]{36})/acceptance"')


@does("youth_worker", "specialized_resource", "coordinator")
def answer_offers(me: Visit) -> None:
    """Accept the follow-ups that one was offered, or refuse them. Only the page tells which: one signs in for it."""
    offers = me.heard("offered")
    if not offers:
        return
    if me.may(0.25):
        me.note("offered")  # later
        return
    for offer in sorted(set(_OFFER.findall(me.page("/handed-over")))):
        if me.may(0.8):
            me.post(f"/hand-overs/{offer}/acceptance")
        elif me.may(0.7):
            me.post(f"/hand-overs/{offer}/refusal", {"reason": why(me)})


# --------------------------------------------------------------------------------------------------------- summaries


def write_summary(me: Visit, task: dict[str, Any]) -> None:
    """Write the summary of a follow-up as one goes, and say at last that it is complete."""
    path = f"/tasks/{task['id']}/summary"
    before = me.get(path)
    if not before.is_done:
        return
    said = {"situation": before["situation"] or "La situation est stable.", "steps": before["steps"]}
    if not said["steps"] and me.may(0.5):
        me.put(path, said)
        return
    said["steps"] = said["steps"] or "Inscription à un atelier, deux rencontres."
    if me.may(0.05):
        said["situation"] = ""
    if me.post(f"{path}/completion", said).is_done:
        me.memory["summary"] = task["id"]


@does("youth_worker", "coordinator", chance=0.1)
def correct_summary(me: Visit) -> None:
    """Take back that a summary is complete, to correct it."""
    task_id = me.memory.pop("summary", None)
    if task_id and me.may(0.5):
        me.post(f"/tasks/{task_id}/summary/taking-back", {"reason": why(me)})
