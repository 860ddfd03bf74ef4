"""Freeing a partner of a clause: it is proposed, decided while the committee sits, and recorded by the decision."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from simulation.people.papers import words
from simulation.visits import Visit, at_table, does

#: In how many sittings somebody tries to have decided what they asked for.
_TRIES = 5
#: States of a period of which somebody asks to be freed.
_IN_TROUBLE = ("at_risk", "missed", "nothing_recorded")


@does("coordinator", "manager", chance=0.03)
def ask_to_free(me: Visit) -> None:
    """Ask the committee to free a partner of a clause that it does not meet, or whose proof one looked at."""
    item = me.memory.pop("to_free", None) or _in_trouble(me)
    if item is None:
        return
    first = me.today + timedelta(days=me.chance.randint(-20, 40))
    last = first + timedelta(days=me.chance.randint(20, 150) if me.may(0.95) else -3)
    said = {"starts_on": str(first), "ends_on": str(last), "reason": "" if me.may(0.05) else words(me.chance)}
    answer = me.post(f"/obligations/{item}/waiver-proposals", said)
    if answer.is_done and answer.body:
        asked = answer["proposals"][0]
        me.memory.setdefault("asked_to_free", {})[asked["id"]] = {"of": item, "at": asked["committee"], "tries": 0}


def _in_trouble(me: Visit) -> str | None:
    """A clause that a partner does not meet, by the pages of those whom one sees."""
    partners = me.items("/partners")
    if not partners:
        return None
    place = me.chance.choice(partners)["organization_id"]
    owed = [one["id"] for one in me.items(f"/partners/{place}", "obligations") if one["state"] in _IN_TROUBLE]
    return str(me.chance.choice(owed)) if owed else None


@at_table
def decide_what_was_asked(me: Visit, meeting: dict[str, Any]) -> None:
    """Record that the committee frees a partner as one asked it; of what does not come on its table, nothing comes."""
    for asked, what in list(me.memory.get("asked_to_free", {}).items()):
        if what["at"] != meeting.get("committee") or me.may(0.2):
            continue
        what["tries"] += 1
        is_done = me.post(f"/obligations/{what['of']}/waiver-proposals/{asked}/decision").is_done
        if is_done:
            me.memory.setdefault("freed", {})[asked] = what["of"]
        if is_done or what["tries"] == _TRIES:
            del me.memory["asked_to_free"][asked]


@does("coordinator", "manager", chance=0.25)
def record_what_was_decided(me: Visit) -> None:
    """Record the waiver by a decision that counts; now and then for other days than the committee decided on."""
    for asked, item in list(me.memory.get("freed", {}).items()):
        seen = me.get(f"/obligations/{item}")
        mine = next((one for one in seen["proposals"] if one["id"] == asked), None) if seen.is_done else None
        if mine is None:
            del me.memory["freed"][asked]
            continue
        if not mine["counts"] and me.may(0.95):
            continue
        last = date.fromisoformat(mine["ends_on"]) + timedelta(days=30 if me.may(0.05) else 0)
        said = {
            "starts_on": mine["starts_on"],
            "ends_on": str(last),
            "decision_id": mine["decision_id"],
            "reason": words(me.chance),
        }
        if me.post(f"/obligations/{item}/waivers", said).is_done:
            del me.memory["freed"][asked]


@does("coordinator", chance=0.05)
def release_counts(me: Visit) -> None:
    """Look at the program's counts of a period that is over, and release them, once and for good."""
    for period in me.items("/statements", limit=6):
        if period["released_at"] is not None or not me.may(0.5):
            continue
        seen = me.get(f"/statements/{period['period']}")
        if seen.is_done and seen["released_at"] is None:
            digest = "0" * 64 if me.may(0.03) else seen["digest"]
            me.post(f"/statements/{period['period']}/release", {"digest": digest})
        return
