"""Who works in the program, as a person who looks at the list of people knows it, and words that people use."""

from __future__ import annotations

from base64 import b64encode
from datetime import date, timedelta
from typing import Any, Final

from domain.roles import takers
from simulation.cast import new_name
from simulation.visits import Visit

#: For so many days somebody remembers who works in the program.
_REMEMBERED: Final = 4

REASONS: Final = (
    "Ce n’est pas à moi de le faire.",
    "Il manque une pièce au dossier.",
    "La personne est en congé cette semaine.",
    "Une erreur de ma part, je recommence.",
    "Rien de tel n’est nécessaire ici.",
    "Il faut d’abord en parler avec l’équipe.",
)
NOTES: Final = (
    "Fait comme convenu.",
    "Vu avec l’équipe ce matin.",
    "C’est en ordre.",
    "Fait par téléphone, la suite la semaine prochaine.",
    "Tout y est.",
)


def colleagues(me: Visit) -> list[dict[str, Any]]:
    """Everybody who holds a role today, as they remember it from the list of people of some days ago."""
    seen_on, rows = me.memory.get("staff", (date.min, []))
    if me.today - seen_on > timedelta(days=_REMEMBERED):
        rows = [one for one in me.items("/people", limit=200) if one["roles"] or one["roles_to_come"]]
        me.memory["staff"] = (me.today, rows)
    return list(rows)


def at_place(me: Visit, organization_id: object, *, but: object = None) -> list[dict[str, Any]]:
    """Those of them who hold a role at an organization."""
    place = str(organization_id)
    return [
        one
        for one in colleagues(me)
        if one["id"] != str(but) and any(role["organization_id"] == place for role in one["roles"])
    ]


def in_role(me: Visit, role: str, *, but: object = None) -> list[dict[str, Any]]:
    """Those of them who hold a role, anywhere."""
    return [
        one for one in colleagues(me) if one["id"] != str(but) and any(held["role"] == role for held in one["roles"])
    ]


def who_may_act_as(me: Visit, role: str, organization_id: object, *, but: object = None) -> list[dict[str, Any]]:
    """Those at an organization who may act in a role; where nobody may, whoever works there."""
    there = at_place(me, organization_id, but=but)
    able = [one for one in there if takers.may_act_as(role, [held["role"] for held in one["roles"]])]
    return able or there


def somebody_new(me: Visit) -> dict[str, Any]:
    """What is written of somebody who comes: nobody who exists, and most have an address."""
    given, family = new_name(me.chance, set())
    number = me.chance.randrange(10_000, 1_000_000)
    return {
        "given_name": given,
        "family_name": family,
        "email": f"person{number}@partner.example" if me.may(0.95) else "",
        "phone": f"438-555-01{number % 100:02}" if me.may(0.8) else "",
        "language": "fr" if me.may(0.8) else "en",
    }


def why(me: Visit) -> str:
    """A reason, in some words."""
    return me.chance.choice(REASONS)


def note(me: Visit) -> str:
    """A note, in some words."""
    return me.chance.choice(NOTES)


def worked_day(me: Visit, days: int) -> date:
    """The first day that seems worked, so many days from today or after that."""
    day = me.today + timedelta(days=days)
    while not me.world.calendar.seems_worked(day):
        day += timedelta(days=1)
    return day


def paper(me: Visit, name: str) -> dict[str, str]:
    """A document that is given as proof, in few bytes."""
    words = f"{name}, {me.today.isoformat()}, {me.chance.randrange(10_000)}"
    return {"kind": "document", "label": f"{name}.txt", "content": b64encode(words.encode()).decode()}
