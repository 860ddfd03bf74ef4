"""The committees' secretary builds their agendas: drawn, changed, translated, sent out frozen, and added to late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from simulation.people.dates_known import Line, day_of, in_days
from simulation.visits import Visit, does

TITLES: Final = (
    ("Horaire de l’été", "Summer schedule"),
    ("Locaux et clés", "Rooms and keys"),
    ("Formation de l’automne", "Autumn training"),
    ("Délais de transport", "Transport delays"),
    ("Révision du dépliant", "Review of the leaflet"),
    ("Partage du calendrier", "Sharing the calendar"),
)

Kept = dict[str, Any]


@does("coordinator")
def tend_agendas(me: Visit) -> None:
    """Look at the agenda of a meeting that comes soon: most often just before it would be frozen."""
    soon = [line for line in in_days(me, 0, 4) if me.may(0.75 if _is_next(me, line) else 0.15)]
    later = [line for line in in_days(me, 5, 12) if me.may(0.05)]
    for line in (soon + later)[:2]:
        tend(me, line)


def _is_next(me: Visit, line: Line) -> bool:
    return day_of(line) <= me.today + timedelta(days=2)


def tend(me: Visit, line: Line) -> None:
    """See the items of one agenda, translate what lacks a language, and change something of it."""
    address = f"/meetings/{line['id']}/agenda"
    shown = me.get(f"{address}/items")
    if not shown.is_done:
        return
    kept: Kept = shown.body
    is_frozen = any(item["number"] for item in kept["items"])
    _translate(me, address, kept)
    if is_frozen:
        hear_late(me, address, kept)
        return
    if me.may(0.2):
        me.post(f"{address}/assembly")
    for _ in range(me.chance.randint(0, 2)):
        change = me.chance.choices(list(_CHANGES), weights=list(_CHANGES.values()))[0]
        change(me, address, kept)
    if _is_next(me, line) and me.may(0.3):
        _freeze(me, address)


def _translate(me: Visit, address: str, kept: Kept) -> None:
    """Write the titles that are missing, on the agenda and of what was asked for; some are left for another day."""
    for item in (*kept["items"], *kept["late"], *kept["pool"]):
        missing = [name for name in ("title_fr", "title_en") if not item[name]]
        if missing and me.may(0.9):
            said = {missing[0]: f"({item['title_fr'] or item['title_en']})"}
            me.put(f"{address}/items/{item['id']}", said)


def hear_late(me: Visit, address: str, kept: Kept) -> None:
    """Say yes or no to what was asked for late, and add what the pool has and cannot wait."""
    for item in kept["late"]:
        if me.may(0.7):
            me.post(f"{address}/items/{item['id']}/late", {"reason": ""}, preview=me.may(0.1))
        elif me.may(0.8):
            me.post(f"{address}/items/{item['id']}/late-refusal")
    if kept["pool"] and me.may(0.1):
        item = me.chance.choice(kept["pool"])
        me.post(f"{address}/items/{item['id']}/late", {"reason": "Ne peut attendre la prochaine rencontre"})


def _freeze(me: Visit, address: str) -> None:
    if me.may(0.4):
        me.post(f"{address}/freezing", preview=True)
    me.post(f"{address}/freezing")


def _edit(me: Visit, address: str, kept: Kept) -> None:
    if not kept["items"]:
        return
    item = me.chance.choice(kept["items"])
    said: dict[str, Any] = {"minutes": max(0, item["minutes"] + me.chance.choice((-5, 5, 10)))}
    if me.may(0.2):
        said["purpose"] = me.chance.choice(("information", "discussion", "decision"))
    if me.may(0.1):
        said["presenter_seat_id"] = None
    if me.may(0.1):
        said["audience"] = me.chance.choice(("invited", "seats", "partners"))
    me.put(f"{address}/items/{item['id']}", said, if_match=f'"{item["version"]}"')


def _move(me: Visit, address: str, kept: Kept) -> None:
    if kept["items"]:
        item = me.chance.choice(kept["items"])
        me.put(f"{address}/items/{item['id']}/place", {"place": me.chance.randint(1, len(kept["items"]) + 1)})


def _take_off(me: Visit, address: str, kept: Kept) -> None:
    drawn = [item for item in kept["items"] if item["purpose"] != "decision" or me.may(0.1)]
    if not drawn:
        return
    item = me.chance.choice(drawn)
    off = me.post(f"{address}/items/{item['id']}/removal")
    if off.is_done and me.may(0.3):  # on second thought
        again = "scheduling" if off["state"] == "pool" else "restoring"
        me.post(f"{address}/items/{item['id']}/{again}")


def _put_on(me: Visit, address: str, kept: Kept) -> None:
    if kept["pool"]:
        me.post(f"{address}/items/{me.chance.choice(kept['pool'])['id']}/scheduling")
    elif kept["off"]:
        me.post(f"{address}/items/{me.chance.choice(kept['off'])['id']}/restoring")


def _withdraw(me: Visit, address: str, kept: Kept) -> None:
    asked = [item for item in (*kept["items"], *kept["pool"]) if item["is_asked"] and item["purpose"] != "decision"]
    if asked:
        me.post(f"{address}/items/{me.chance.choice(asked)['id']}/withdrawal")


def _restore(me: Visit, address: str, kept: Kept) -> None:
    if kept["off"]:
        me.post(f"{address}/items/{me.chance.choice(kept['off'])['id']}/restoring")


_CHANGES: Final[dict[Callable[[Visit, str, Kept], None], int]] = {
    _edit: 35,
    _move: 20,
    _take_off: 15,
    _put_on: 15,
    _withdraw: 5,
    _restore: 10,
}
