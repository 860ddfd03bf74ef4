"""The inventory: things are entered, corrected, lent, given back, lost and found."""

from __future__ import annotations

from typing import Any, Final

from simulation.people.evidence import add_thing
from simulation.people.staff import colleagues, note, why
from simulation.visits import Visit, does

#: What may be done with a thing, as it is: in somebody's hands, missing, there to lend, lost, or out of use.
_MOVES: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "in_hand": (("report_missing", 30), ("take_back", 40), ("correct", 30)),
    "missing": (("take_back", 50), ("give_up", 50)),
    "free": (("lend", 50), ("take_out_of_use", 20), ("correct", 25), ("add", 5)),
    "lost": (("find", 1),),
    "out_of_use": (("put_back", 1),),
}


@does("administrative_officer", "coordinator", chance=0.08)
def keep_the_inventory(me: Visit) -> None:
    """Look at the inventory, and do something with one thing of it."""
    things = me.items("/equipment", limit=60)
    if not things:
        _begin(me)
        return
    thing = me.chance.choice(things)
    me.memory.setdefault("kinds", {})[thing["kind"]] = thing["serial"]
    moves = _MOVES[_how(thing)]
    move = me.chance.choices([one for one, _ in moves], [often for _, often in moves])[0]
    _do(me, thing, move)


def _begin(me: Visit) -> None:
    for kind in sorted(me.memory.get("kinds", {})):
        add_thing(me, kind)


def _how(thing: dict[str, Any]) -> str:
    if thing["state"] != "in_use":
        return str(thing["state"])
    if thing["person_id"] is None:
        return "free"
    return "missing" if thing["missing_since"] else "in_hand"


def _do(me: Visit, thing: dict[str, Any], move: str) -> None:
    path = f"/equipment/{thing['id']}"
    if move == "add":
        add_thing(me, thing["kind"])
    elif move == "lend":
        staff = colleagues(me)
        if staff:
            me.post(f"{path}/loan", {"person_id": me.chance.choice(staff)["id"]})
    elif move == "correct":
        said = {"serial": thing["serial"].swapcase(), "label": "Corrigé" if me.may(0.5) else thing["label"]}
        me.put(path, said, if_match=f'"{thing["version"]}"' if me.may(0.8) else '"0"')
    else:
        words = note(me) if move == "take_back" else why(me)
        me.post(f"{path}/moves", {"move": move, "words": "" if me.may(0.05) else words})
