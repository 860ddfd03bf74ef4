"""The coordinator sees every caseload: who has room, who follows whom, and which follow-ups have nobody."""

from __future__ import annotations

from typing import Any

from simulation.visits import Visit, does
from simulation.work_seen import asked


def _loads(me: Visit) -> list[dict[str, Any]]:
    """What each worker has in hand, as one saw it some days ago at most; who has most room first."""
    seen = me.memory.get("loads")
    if seen is None or (me.today - seen[0]).days > 3:
        page = me.get("/caseload", limit=50)
        if not page.is_done:
            return []
        rows = sorted(page["loads"], key=lambda one: (one["weight"] + one["to_meet"], one["person_id"]))
        seen = me.memory["loads"] = (me.today, rows, page["follow_ups"])
    loads: list[dict[str, Any]] = seen[1]
    return loads


@does("coordinator")
def find_workers(me: Visit) -> None:
    """Give each follow-up that has nobody to a worker, and a second to who lost theirs."""
    for task in asked(me, "follow_up.assign", "follow_up.second"):
        if me.may(0.7):
            kind = "primary" if task["step"] == "follow_up.assign" else "second"
            give(me, task["item"], kind, None)


def give(me: Visit, follow_up_id: str, kind: str, instead_of: str | None) -> None:
    """Give a part to the one who has most room; where the person did not agree to that, to the next."""
    free = [one["person_id"] for one in _loads(me) if not one["bars"] and one["person_id"] != instead_of]
    for person_id in free[:4]:
        said = {"person_id": person_id, "kind": kind, "instead_of": instead_of}
        given = me.put(f"/follow-ups/{follow_up_id}/workers", said)
        if given.is_done or given.code == "assignment.taken":
            return


@does("coordinator", chance=0.12)
def look_over_caseloads(me: Visit) -> None:
    """Have another worker follow somebody, or a second; take up again what ended; look at how long people wait."""
    _loads(me)
    rows = me.memory["loads"][2] if "loads" in me.memory else []
    if rows and me.may(0.5):
        _change(me, me.chance.choice(rows)["id"])
    if me.may(0.3):
        me.get("/referrals/funnel")
    if me.may(0.15):
        _take_up(me)


def _change(me: Visit, follow_up_id: str) -> None:
    whole = me.get(f"/follow-ups/{follow_up_id}")
    if not whole.is_done:
        return
    has = {one["kind"]: one["person_id"] for one in whole["workers"] if one["ends_on"] is None}
    kind = "second" if me.may(0.6) else "primary"
    stale = me.may(0.05)
    give(me, follow_up_id, kind, None if stale else has.get(kind))
    me.memory.pop("loads", None)


def _take_up(me: Visit) -> None:
    """Take up again, with nobody yet or with somebody, what ended some time ago."""
    rows = me.items("/caseload", "follow_ups", limit=30, ended=True)
    ended = [row for row in rows if row["state"] in ("inactive", "completed")]
    if not ended:
        return
    row = me.chance.choice(ended)
    said: dict[str, Any] = {"move": "reactivate", "nobody_yet": True}
    free = [one["person_id"] for one in _loads(me) if not one["bars"]]
    if free and me.may(0.6):
        said = {"move": "reactivate", "worker_id": free[0]}
    me.put(f"/follow-ups/{row['id']}/state", said)
