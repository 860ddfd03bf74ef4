"""Seats are given to those who hold their roles, by the coordination or by a manager of the organization; and ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from simulation.visits import Visit, does

_SEATS_AT_ONCE: Final = 6
_SECOND: Final = "second_representative"

Seat = dict[str, Any]


@does("coordinator", "manager")
def fill_seats(me: Visit) -> None:
    """See which seats are vacant, or have no alternate, and give some of them; sooner again while some are left."""
    if me.memory.get("seats_on", "") > me.today.isoformat():
        return
    seats = list(_own_seats(me))
    lacking = [(seat, kind) for seat in seats for kind in _lacking(me, seat)]
    given = _give(me, lacking) if lacking else 0
    if me.may(0.06):
        _end_one(me, seats)
    wait = me.chance.randint(1, 3) if given else me.chance.randint(8, 25)
    me.memory["seats_on"] = (me.today + timedelta(days=wait)).isoformat()


def _own_seats(me: Visit) -> Iterator[Seat]:
    """The seats of each committee that are its own, and theirs to give: a manager's are those of the organization."""
    own = None if "coordinator" in me.roles else me.at("manager")
    for committee in me.items("/committees"):
        for seat in committee["seats"]:
            if seat["committee"] == committee["key"] and (own is None or seat["organization_id"] == str(own)):
                yield seat


def _lacking(me: Visit, seat: Seat) -> Iterator[str]:
    kinds = [one["kind"] for one in seat["holders"]]
    if seat["vacant"]:
        yield "principal"
    elif "alternate" not in kinds and me.may(0.3):
        yield "alternate"


def _give(me: Visit, lacking: list[tuple[Seat, str]]) -> int:
    """Give some of the seats that lack somebody; how many."""
    people = me.items("/people", limit=200)
    given = 0
    for seat, kind in lacking:
        if given == _SEATS_AT_ONCE:
            break
        roles = (seat["role"],) if kind == "principal" else (seat["role"], _SECOND)
        holders = {one["person_id"] for one in seat["holders"]}
        able = [one["id"] for one in people if one["id"] not in holders and _holds(one, seat, roles)]
        if able and me.may(0.8):
            given += _give_one(me, seat, me.chance.choice(able), kind)
    return given


def _give_one(me: Visit, seat: Seat, person: str, kind: str) -> int:
    starts = me.today + timedelta(days=me.chance.choice((0, 0, 0, 1, 7)))
    said = {"person_id": person, "kind": kind, "starts_on": starts.isoformat()}
    address = f"/committees/{seat['committee']}/seats/{seat['seat_id']}/holders"
    if me.may(0.15):
        me.post(address, said, preview=True)
    return int(me.post(address, said).is_done)


def _holds(person: dict[str, Any], seat: Seat, roles: tuple[str, ...]) -> bool:
    return any(one["role"] in roles and one["organization_id"] == seat["organization_id"] for one in person["roles"])


def _end_one(me: Visit, seats: list[Seat]) -> None:
    """End somebody's seat: an alternate's mostly, whom nobody needs any more, or a principal's to be given anew."""
    held = [(seat, one) for seat in seats for one in seat["holders"] if one["kind"] == "alternate" or me.may(0.1)]
    if not held:
        return
    seat, holder = me.chance.choice(held)
    last = me.today + timedelta(days=me.chance.choice((-1, 0, 5, 20)))
    said = {"person_id": holder["person_id"], "last_day": last.isoformat()}
    me.post(f"/committees/{seat['committee']}/seats/{seat['seat_id']}/ending", said)
