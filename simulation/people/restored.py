"""What a restore left to decide: whoever decides looks through it, thing by thing."""

from __future__ import annotations

from typing import Any

from simulation.visits import Visit, does

#: So many things are decided in one sitting.
MOST = 15


@does("coordinator", "privacy_officer")
def decide_what_a_restore_left(me: Visit) -> None:
    """Do again what had ended, leave some undone with a reason, note what is so already, and keep or cancel meetings.

    It is looked at by whoever heard that the installation was restored: a letter says so, and the board as well.
    """
    if not me.life.was_restored:
        return
    for matter in me.items("/restored", limit=MOST):
        _decide(me, matter)


def _decide(me: Visit, matter: dict[str, Any]) -> None:
    here, can = f"/restored/{matter['id']}", matter["can"]
    if not can:
        me.post(f"{here}/{'keeping' if me.may(0.8) else 'cancellation'}")
    elif can == "again" and me.may(0.85):
        me.post(f"{here}/again")
    elif can == "again":
        me.post(f"{here}/undone", {"reason": "Ce n’est plus vrai : la personne est revenue."})
    else:
        me.post(f"{here}/noted")
