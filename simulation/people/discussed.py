"""The cases before the Clinical Committee: what is said of each while it sits, and who goes on once it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from domain.terms import CLINICAL
from simulation.hands import Answer
from simulation.people.sly import never
from simulation.visits import Visit, at_table, does

_NOTES: Final = ("Le lien tient.", "À revoir avec la DPJ.", "La sécurité d’abord.")
_PROCESSES: Final = ("relationship", "focus", "evocation", "planning")
#: So many cases a sitting comes to at most: the others wait for the next.
_MOST: Final = 8


@at_table
def speak_of_cases(me: Visit, meeting: dict[str, Any]) -> None:
    """Say what becomes of each case, those that cannot wait first; what the hour does not reach is left."""
    if meeting["committee"] != CLINICAL:
        return
    cases = me.items(f"/meetings/{meeting['id']}/cases")
    cases.sort(key=lambda one: (not one["urgent"], not one["raised"], one["number"]))
    for case in cases[:_MOST]:
        if case["raised"] or me.may(0.5):
            said = _say(me, meeting, case)
            if said.is_done and me.may(0.08):  # it was not so; they say it over what they saw, or over what was before
                seen = case["version"] if me.may(0.3) else said["version"]
                _say(me, meeting, case | {"version": seen, "marked": said["marked"]})
    if cases:
        me.memory["spoken"] = (meeting["id"], me.chance.choice(cases))


def _say(me: Visit, meeting: dict[str, Any], case: dict[str, Any]) -> Answer:
    outcome = me.chance.choices(("goes_on", "changes", "comes_back"), weights=(60, 25, 15))[0]
    said: dict[str, Any] = {"outcome": outcome}
    if me.may(0.6):
        said["note"] = me.chance.choice(_NOTES)
    if outcome != "goes_on" and me.may(0.8):
        said["follows"] = "Appeler la travailleuse sociale."
        said["due_on"] = (me.today + timedelta(days=me.chance.choice((-1, 2, 7, 14)))).isoformat()
    if me.may(0.5):
        said |= {"processes": me.chance.sample(_PROCESSES, me.chance.randint(0, 2)), "marked": case["marked"]}
    path = f"/meetings/{meeting['id']}/cases/{case['follow_up_id']}"
    return me.put(path, said, if_match=f'"{case["version"]}"')


@does("coordinator", chance=0.15)
def go_on_after_the_close(me: Visit) -> None:
    """Say something of a case of a sitting that was closed, and read what was raised there."""
    meeting_id, case = me.memory.get("spoken", ("", {}))
    shown = me.get(f"/meetings/{meeting_id}") if meeting_id else None
    if shown is None or not shown.is_done or shown["state"] != "held":
        return
    done = me.put(f"/meetings/{meeting_id}/cases/{case['follow_up_id']}", {"outcome": "changes", "note": "Après coup."})
    never(me, done, "something was said of a case in a sitting that was over")
