"""What a step asks for: things of the inventory, accounts, documents, and what is filled in."""

from __future__ import annotations

from typing import Any

from simulation.people.staff import note, paper
from simulation.visits import Visit


def filled_in(me: Visit, asks: list[dict[str, Any]]) -> dict[str, str | list[str]]:
    """What somebody fills in of what a step asks."""
    found: dict[str, str | list[str]] = {}
    for part in asks:
        if part["required"] or me.may(0.6):
            found[part["id"]] = _filled_in(me, part)
    return found


def _filled_in(me: Visit, part: dict[str, Any]) -> str | list[str]:
    if part["kind"] == "amount":
        return _amount(me, part["at_most"] or 100)
    if part["kind"] == "words":
        return note(me)
    ids = [one["id"] for one in part["choices"]]
    if part["kind"] == "one":
        return str(me.chance.choice(ids))
    return me.chance.sample(ids, me.chance.randint(1, len(ids)))


def _amount(me: Visit, at_most: int) -> str:
    if me.may(0.03):
        return str(at_most + me.chance.randint(1, 500))
    cents = f"{me.chance.choice(('.', ','))}{me.chance.randint(0, 99):02}" if me.may(0.4) else ""
    return f"{me.chance.randint(max(1, at_most // 10), max(1, at_most - 1))}{cents}"


def proofs(me: Visit, task: dict[str, Any]) -> list[dict[str, str]]:
    """What somebody gives as proof of a task, as its evidence asks; a document may go with any step."""
    kind = task["evidence"]
    if kind == "serial":
        return [{"kind": "serial", "label": serial_to_lend(me, task["item"] or task["step"])}]
    if kind == "account":
        return [{"kind": "account", "label": f"usager-{me.chance.randrange(100_000)}"}]
    if kind == "way":
        return [{"kind": "way", "label": me.chance.choice(("call", "meeting"))}]
    if kind == "document":
        return [paper(me, "piece") for _ in range(1 + me.may(0.15))]
    return [paper(me, "au-cas-ou")] if me.may(0.03) else []


def serial_to_lend(me: Visit, kind: str) -> str:
    """The serial number of a thing of a kind that can be lent: one of the inventory, or one entered just now."""
    free = [
        one
        for one in me.items("/equipment", limit=100)
        if one["kind"] == kind and one["state"] == "in_use" and one["person_id"] is None
    ]
    if free and me.may(0.9):
        return str(me.chance.choice(free)["serial"])
    return add_thing(me, kind)


def add_thing(me: Visit, kind: str) -> str:
    """Enter a thing into the inventory, and say its serial number."""
    serial = f"{kind[:2].upper()}-{me.chance.randrange(1_000_000):06}"
    me.memory.setdefault("kinds", {})[kind] = serial
    me.post("/equipment", {"kind": kind, "serial": serial, "label": "Du programme" if me.may(0.3) else ""})
    return serial
