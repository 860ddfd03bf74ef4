"""What the acts on agendas, minutes and decisions are aimed at: each thing in the state in which the act is done."""

from __future__ import annotations

from typing import Any

from meetings import minutes, running
from tests.api.json.window import Asker
from tests.api.pages.gathered import END, hold
from tests.meetings.meeting_room import NEXT, NEXT_LOCAL, meeting


def agenda_act(coordinator: Asker, act: str, meeting_id: str) -> tuple[str, dict[str, Any]]:
    """The path of an act on the agenda of a planned meeting of the Clinical Committee, and the thing that it changes.

    `late` and `late-refusal` are of an agenda that is frozen; `restoring` of an item that was taken off.
    """
    here = f"/meetings/{meeting_id}/agenda"
    name = act.rpartition("/")[2]
    if name == "freezing":
        return f"{here}/freezing", coordinator.get(f"/meetings/{meeting_id}")
    if name == "restoring":
        coordinator.post(f"{here}/assembly")
        drawn = coordinator.get(f"{here}/items")["items"][0]
        coordinator.post(f"{here}/items/{drawn['id']}/removal", version="*")
        return f"{here}/items/{drawn['id']}/restoring", coordinator.get(f"{here}/items/{drawn['id']}")
    asked = {"title_fr": "Un point", "title_en": "An item"}
    if name.startswith("late"):
        coordinator.post(f"{here}/freezing", version="*")
    if name == "late-refusal":
        asked |= {"meeting_id": meeting_id, "late_reason": "Last night."}
    item_id = coordinator.post("/committees/clinical/agenda-items", asked)["id"]
    if name not in ("scheduling", "late", "late-refusal"):
        coordinator.post(f"{here}/items/{item_id}/scheduling", version="*")
    return act.partition(" ")[2].replace("{meeting_id}", meeting_id).replace("{item_id}", item_id), coordinator.get(
        f"{here}/items/{item_id}"
    )


def minutes_act(coordinator: Asker, act: str) -> tuple[Asker, str, dict[str, Any]]:
    """Who does this to the minutes of a meeting that was held, its path, and the minutes as they stand."""
    cast = coordinator.cast
    held, by = hold(cast), cast.actor("coordinator")
    at, body = END, act.rpartition("/")[2]
    if body in ("amendment", "approval"):
        with cast.session() as session:
            minutes.circulate(session, held.meeting_id, by=by, at=END)
    if body == "approval":
        at = NEXT
        with cast.session() as session:
            running.open_meeting(session, meeting(session, NEXT_LOCAL), by=by, at=NEXT)
    asker = Asker(cast, "coordinator", at=at)
    path = act.partition(" ")[2].replace("{meeting_id}", str(held.meeting_id)).replace("{number}", "3")
    thing = asker.get(f"/meetings/{held.meeting_id}/minutes") | {"meeting_id": str(held.meeting_id)}
    return asker, path, thing


def approving(coordinator: Asker) -> str:
    """The id of the meeting that approves those minutes."""
    with coordinator.cast.session() as session:
        return str(meeting(session, NEXT_LOCAL))


def later_one(coordinator: Asker) -> str:
    """The id of the last decision of the Steering Committee."""
    found: str = coordinator.get("/committees/steering/decisions?year=2027")[-1]["id"]
    return found


def decision_act(coordinator: Asker, act: str) -> tuple[Asker, str, dict[str, Any]]:
    """Who does this to a decision, its path, and the decision."""
    held = hold(coordinator.cast)
    asker = Asker(coordinator.cast, "coordinator", at=END)
    path = act.partition(" ")[2].replace("{decision_id}", str(held.budget))
    return asker, path, asker.get(f"/decisions/{held.budget}")
