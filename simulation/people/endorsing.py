"""The partners' word on what is decided on management: they endorse it, object, stay silent, or think better of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from simulation.cast import Nature
from simulation.visits import Visit, does

SPEAK: Final = ("director", "manager", "second_representative")
OBJECTIONS: Final = (
    "Nos équipes ne peuvent tenir ce délai.",
    "Ceci touche à notre entente.",
    "Nous demandons d’en reparler.",
)
#: How often somebody who sees that their organization is asked says something.
SPEAKS: Final = {Nature.PROMPT: 0.85, Nature.SLOW: 0.35, Nature.CARELESS: 0.6, Nature.SLY: 0.6}


@does(*SPEAK, chance=0.5)
def speak_for_a_partner(me: Visit) -> None:
    """See on what one's organization is asked, and say something of it."""
    if me.memory.get("endorses_on", "") > me.today.isoformat() or (_is_second(me) and not me.may(0.05)):
        return
    rows = me.items("/endorsements", limit=15)
    wait = me.chance.randint(1, 4) if rows else me.chance.randint(4, 12)
    me.memory["endorses_on"] = (me.today + timedelta(days=wait)).isoformat()
    for decision, word in list(_words(me, rows)):
        if decision["state"] != "withdrawn":
            _say(me, decision, word)


def _is_second(me: Visit) -> bool:
    """Whether they stand in for others, who answer first."""
    return not me.roles & {"director", "manager"}


def _words(me: Visit, rows: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    mine = {str(one.organization_id) for one in me.hats if one.role in SPEAK}
    for row in rows:
        for word in row["endorsements"]:
            if word["organization_id"] in mine:
                yield row, word


def _say(me: Visit, decision: dict[str, Any], word: dict[str, Any]) -> None:
    said: dict[str, Any] = {"decision_id": decision["id"], "organization_id": word["organization_id"]}
    said["seen"] = word["version"]
    if not word["said"]:
        if me.may(SPEAKS[me.me.nature]):
            objects = me.may(0.1)
            said |= {"said": "objected", "reason": _why(me)} if objects else {"said": "endorsed"}
            me.put("/endorsements", said)
    elif word["said"] == "objected" and not word["settled_by_id"]:
        if me.may(0.08):
            me.put("/endorsements", {**said, "said": me.chance.choice(("endorsed", "endorsed", ""))})
    elif me.may(0.01):
        other = {"said": "objected", "reason": _why(me)} if me.may(0.5) else {"said": ""}
        me.put("/endorsements", {**said, **other})


def _why(me: Visit) -> str:
    """Why they object; who is in a hurry forgets to say it."""
    return "" if me.me.nature is Nature.CARELESS and me.may(0.2) else me.chance.choice(OBJECTIONS)


@does("director", "manager", chance=0.05)
def want_to_be_asked(me: Visit) -> None:
    """Read what was decided, and ask to be asked on something that was recorded as another kind."""
    rows = me.items("/decisions", limit=15)
    able = [one for one in rows if not one["needs_endorsement"] and one["state"] in ("open", "standing")]
    if able and me.may(0.25):
        role = next(one for one in me.hats if one.role in ("director", "manager"))
        said = {"organization_id": str(role.organization_id), "reason": me.chance.choice(OBJECTIONS)}
        me.post(f"/decisions/{me.chance.choice(able)['id']}/wanted-endorsement", said)
