"""Activities with participants: planned with one's own or with those of several workers, moved, left and called off."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from simulation.visits import Visit, does
from simulation.work_seen import asked, caseload

_KINDS: Final = ("outing", "workshop", "meal", "errand", "other")
_PLACES: Final = ("Parc", "Maison des jeunes", "Café du coin", "Bibliothèque", "Aréna")


@does("youth_worker", chance=0.08)
def plan_with_ones_own(me: Visit) -> None:
    """Plan something with one or more of those whom one follows."""
    rows = [row["id"] for row in caseload(me) if row["state"] == "active" or me.may(0.05)]
    if rows:
        _plan(me, me.chance.sample(rows, k=min(len(rows), me.chance.choice((1, 1, 2, 3)))))


@does("coordinator", chance=0.04)
def plan_for_everyone(me: Visit) -> None:
    """Plan something with participants of several workers."""
    seen = me.memory.get("loads")
    rows = [row["id"] for row in seen[2] if row["state"] == "active"] if seen else []
    if rows:
        _plan(me, me.chance.sample(rows, k=min(len(rows), me.chance.randint(2, 6))))


def _whereabouts(me: Visit) -> dict[str, Any]:
    day = me.today + timedelta(days=-1 if me.may(0.03) else me.chance.randint(1, 20))
    return {
        "held_on": day.isoformat(),
        "begins": f"{me.chance.randint(10, 19):02}:{me.chance.choice((0, 15, 30)):02}",
        "minutes": me.chance.choice((60, 90, 120, 240)),
        "place": me.chance.choice(_PLACES),
    }


def _plan(me: Visit, follow_up_ids: list[str]) -> None:
    there = _whereabouts(me)
    said = {**there, "kind": me.chance.choice(_KINDS), "follow_up_ids": follow_up_ids}
    planned = me.post("/activities", said)
    if planned.code == "activity.never_together" and me.may(0.8):
        planned = me.post("/activities", {**said, "follow_up_ids": follow_up_ids[:1]})
    if planned.is_done:
        plans: list[dict[str, Any]] = me.memory.setdefault("outings", [])
        plans.append({"id": planned["id"], "held_on": there["held_on"], "who": follow_up_ids})


@does("youth_worker", "coordinator")
def change_plans(me: Visit) -> None:
    """Move what was planned, take somebody out of it, or call it off; what is over is forgotten."""
    plans = [one for one in me.memory.get("outings", ()) if date.fromisoformat(one["held_on"]) >= me.today]
    for plan in list(plans):
        if not me.may(0.1):
            continue
        here, does_what = f"/activities/{plan['id']}", me.chance.random()
        if does_what < 0.4:
            there = _whereabouts(me)
            if me.put(here, there).is_done:
                plan["held_on"] = there["held_on"]
        elif does_what < 0.7 and len(plan["who"]) > 1:
            me.do("DELETE", f"{here}/parts/{plan['who'].pop()}")
        else:
            me.do("DELETE", here)
            plans.remove(plan)
    if plans or "outings" in me.memory:
        me.memory["outings"] = plans
    if plans and me.may(0.05):
        me.get("/activities", limit=20)


@does("youth_worker", "coordinator")
def part_who_may_not_meet(me: Visit) -> None:
    """Call off what is not allowed any more, or take somebody out of it."""
    for task in asked(me, "activity.apart", "activity.apart_coordination"):
        if me.may(0.5):
            me.do("DELETE", f"/activities/{task['item']}")
