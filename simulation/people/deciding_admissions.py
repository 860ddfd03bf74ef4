"""The Clinical Committee decides of each candidate on its agenda, and of the risk of who recruits others."""

from __future__ import annotations

from typing import Any, Final

from simulation.people.triage import pair_of
from simulation.visits import Visit, at_table

_WEIGHED: Final = {
    "profile": "Peu d’antécédents.",
    "involvement": "Un réseau, quelques mois.",
    "benefits": "Elle s’en éloigne.",
    "risks": "Deux amies.",
}


@at_table
def decide_of_people(me: Visit, meeting: dict[str, Any]) -> None:
    """Decide under each item that is about somebody, by the reference or number that its title says."""
    if not me.at("coordinator"):
        return
    for item in me.items(f"/meetings/{meeting['id']}/agenda/items"):
        file = _whom(me, item["title_fr"] + " " + item["title_en"])
        if file is not None and me.may(0.95):
            _decide(me, file, item["id"])


def _whom(me: Visit, title: str) -> str | None:
    known: dict[str, str] = me.memory.get("by_reference", {})
    return next((known[word] for word in title.replace(":", " ").replace("#", " #").split() if word in known), None)


def _decide(me: Visit, file: str, item_id: str) -> None:
    here = f"/participants/{file}"
    shown = me.get(here)
    if not shown.is_done:
        return
    if shown["never_with_others"] and shown["risk_to_others"] is None and me.may(0.95):
        level = "benefits_exceed" if me.may(0.75) else "risks_exceed"
        me.post(f"{here}/risks", {"kind": "recruiter", "level": level, "item_id": item_id, **_WEIGHED})
        if shown["number"] or (level == "risks_exceed" and me.may(0.5)):
            return
    if shown["state"] != "candidate":
        return  # they were given to a worker before: the committee hears of it
    outcome = me.chance.choices(("assign", "defer", "more", "refuse"), weights=(80, 7, 6, 7))[0]
    said: dict[str, Any] = {"item_id": item_id, "outcome": outcome}
    if outcome == "assign":
        said |= pair_of(me, here)
    elif me.may(0.95):
        said["reason"] = "Il faut en savoir plus."
    if outcome == "refuse":
        said["offered"] = "Un suivi dans son école."
    done = me.post(f"{here}/decision", said)
    if done.code == "admission.recruiter_refused":
        said |= {"outcome": "refuse", "reason": "Trop de risques.", "offered": "Ailleurs."}
        done = me.post(f"{here}/decision", said)
    if done.is_done and said["outcome"] == "refuse":
        me.memory.setdefault("not_admitted", []).append(file)
