"""People leave: most announce it, some are just gone, some stay after all, and some come back a year later."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from domain.roles import DayTenures, HeldRole, standing
from simulation.people.staff import colleagues, why, worked_day
from simulation.visits import Visit, does, fate

#: How often somebody's leaving begins in a day: they stay for two years on average, and youth workers for one.
LEAVES: Final = 1 / (2 * 365)
WORKER: Final = "youth_worker"
#: How often somebody who left long ago comes back in a day.
RETURNS: Final = 1 / 1500
LONG_AGO: Final = timedelta(days=200)
#: The roles of which another at the same organization has to stay: else nobody in the program could appoint anybody.
_NEEDED: Final = {"coordinator": "manager", "manager": "coordinator"}


@fate
def somebody_leaves(life: Any, day: date) -> None:
    """Somebody decides to leave, or is gone from one day to the next."""
    with life.world.session() as session:
        held = standing(session, day)
    often = {
        one: LEAVES * (1 + any(role.role == WORKER for role in held.roles_of(one)))
        for one in sorted(life.members, key=str)
    }
    chance = life.world.chance.stream("leaving", day)
    if chance.random() > sum(often.values()):
        return
    person_id = chance.choices(list(often), list(often.values()))[0]
    mine = held.roles_of(person_id)
    memory = life.memory[person_id]
    if not mine or "leaves" in memory or not _may_leave(held, mine[0], life):
        return
    role, place = mine[0].role, mine[0].organization_id
    how = chance.choices(("announced", "gone", "stays", "moves", "shortened"), (50, 15, 12, 11, 12))[0]
    last = day + timedelta(days=chance.randint(8, 60))
    memory["leaves"] = {"how": how, "last_day": last, "organization_id": str(place), "role": role}
    if how == "gone":
        memory["leaves"]["last_day"] = day
        memory["away"] = (day, date.max)
        memory["missed_on"] = day + timedelta(days=chance.randint(3, 12))
    elif how == "stays":
        memory["leaves"]["stays_on"] = day + timedelta(days=chance.randint(3, 40))


def _may_leave(held: DayTenures, mine: HeldRole, life: Any) -> bool:
    other = _NEEDED.get(mine.role)
    if other is None:
        return True
    place = mine.organization_id
    if mine.role == "manager" and not held.holding("coordinator", place):
        return bool(held.holding("coordinator"))
    stays = [one.person_id for one in held.holding(other, place)]
    return any("leaves" not in life.memory[one] for one in stays)


@fate
def somebody_is_missed(life: Any, day: date) -> None:
    """That somebody comes no more is noticed by whoever manages there, or by the coordinator."""
    for person_id in sorted(life.memory.of, key=str):
        memory = life.memory.of[person_id]
        if memory.get("missed_on", date.max) > day:
            continue
        del memory["missed_on"]
        leaves = memory["leaves"]
        chance = life.world.chance.stream("missed", day, person_id)
        whom = f"manager@{leaves['organization_id']}"
        if leaves["role"] == "manager" or (leaves["role"] != "coordinator" and chance.random() < 0.5):
            whom = "coordinator"
        _say(life, whom, "leaves", person_id, leaves)


def _say(life: Any, whom: str, topic: str, person_id: UUID, leaves: dict[str, Any], **more: Any) -> None:
    last = leaves["last_day"].isoformat()
    place, planned = leaves["organization_id"], leaves["how"] != "gone"
    life.told.said.tell(
        whom, topic, person_id=str(person_id), organization_id=place, last_day=last, planned=planned, **more
    )


@fate
def somebody_returns(life: Any, day: date) -> None:
    """Somebody who left long ago wants to come back, and calls the coordinator."""
    gone = [
        person_id
        for person_id in sorted(life.memory.of, key=str)
        if "leaves" in life.memory.of[person_id] and life.memory.of[person_id]["leaves"]["last_day"] < day - LONG_AGO
    ]
    chance = life.world.chance.stream("returning", day)
    if not gone or chance.random() > RETURNS * len(gone):
        return
    person_id = chance.choice(gone)
    with life.world.session() as session:
        held = standing(session, day)
    leaves = life.memory[person_id].pop("leaves")
    life.memory[person_id].pop("away", None)
    if not held.roles_of(person_id):
        _say(life, "coordinator", "returns", person_id, leaves, role=leaves["role"])


# ------------------------------------------------------------------------------------------------- what they do of it


@does()
def announce_that_one_leaves(me: Visit) -> None:
    """Tell the manager or the coordinator that one leaves, or say it in the program; or that one stays after all."""
    leaves = me.memory.get("leaves")
    if not leaves or leaves["last_day"] < me.today:
        return
    if "told" not in leaves:
        if me.may(0.6):
            _announce(me, leaves)
    elif leaves.get("stays_on", date.max) <= me.today:
        me.tell("coordinator", "stays", person_id=str(me.me.id), organization_id=leaves["organization_id"])
        del me.memory["leaves"]


def _announce(me: Visit, leaves: dict[str, Any]) -> None:
    leaves["told"] = me.today
    place, role = leaves["organization_id"], leaves["role"]
    said = {
        "person_id": str(me.me.id),
        "organization_id": place,
        "last_day": leaves["last_day"].isoformat(),
        "planned": True,
    }
    if me.may(0.35):
        opened = me.post("/departures", said)
        if opened.is_done:
            me.tell("coordinator", "departure", case_id=opened["case_id"], person_id=str(me.me.id))
            return
    whom = "coordinator" if role == "manager" or (role != "coordinator" and me.may(0.5)) else f"manager@{place}"
    me.tell(whom, "leaves", **said, moves=leaves["how"] == "moves", shortened=leaves["how"] == "shortened")


@does("coordinator", "manager")
def open_departures(me: Visit) -> None:
    """Open the departure of who said that they leave, or of who is gone."""
    for one in me.heard("leaves"):
        if me.may(0.15):
            me.note(**one)  # another day
        elif one["person_id"] != str(me.me.id):
            _open(me, one)


def _open(me: Visit, one: dict[str, Any]) -> None:
    said = {key: one[key] for key in ("person_id", "organization_id", "last_day", "planned")}
    if said["planned"] and me.may(0.35) and _end_role(me, said, date.fromisoformat(said["last_day"])):
        return
    opened = me.post("/departures", said)
    if opened.code == "departure.day_is_past":
        opened = me.post("/departures", said | {"last_day": me.today.isoformat()})
    if opened.code == "tenure.watched_over" and "manager" not in me.roles:
        me.tell(f"manager@{one['organization_id']}", **one)  # who watches over the coordination is theirs
    if not opened.is_done:
        return
    me.note("departure", case_id=opened["case_id"], person_id=one["person_id"])
    if one.get("moves"):
        me.tell("coordinator", "moves", **said)
    if one.get("shortened"):
        me.note("shortened", **said)


def _end_role(me: Visit, said: dict[str, Any], last: date) -> bool:
    """End a role on a last day, after a look at what that does; whether it was done."""
    person = me.get(f"/people/{said['person_id']}")
    roles = person["roles"] if person.is_done else []
    held = [role for role in roles if role["organization_id"] == said["organization_id"]]
    if not held:
        return False
    path, day = f"/tenures/{held[0]['tenure_id']}/ending", {"ends_on": last.isoformat()}
    if me.may(0.7):
        me.post(f"{path}/preview", day)
    return me.post(path, day).is_done


@does("coordinator", "manager")
def move_last_days(me: Visit) -> None:
    """Move the last day of somebody whose plans changed: sooner, or later."""
    for one in me.heard("shortened"):
        if me.may(0.7):
            me.note(**one)
            continue
        last = date.fromisoformat(one["last_day"]) + timedelta(days=me.chance.choice((-7, -3, 7, 21)))
        _end_role(me, one, max(last, me.today))


@does("coordinator")
def call_departures_off(me: Visit) -> None:
    """Cancel the departure of somebody who stays after all; now and then take it up again."""
    known: dict[str, str] = me.memory.setdefault("departing", {})
    for one in me.heard("departure"):
        known[one["person_id"]] = one["case_id"]
    for one in me.heard("stays"):
        case_id = known.get(one["person_id"]) or _find_departure(me, one["person_id"])
        if case_id is None:
            continue
        if me.post(f"/cases/{case_id}/cancellation", {"reason": why(me)}).is_done and me.may(0.15):
            me.post(f"/cases/{case_id}/reopening", {"reason": why(me)})


def _find_departure(me: Visit, person_id: str) -> str | None:
    rows = me.items("/cases", state="open", limit=50)
    return next((one["id"] for one in rows if one["protocol"] == "departure" and one["subject_id"] == person_id), None)


@does("coordinator")
def appoint_who_moves(me: Visit) -> None:
    """Appoint who changes to another organization, or comes back, from a day on."""
    for one in me.heard("moves"):
        role = next((who["roles"][0]["role"] for who in colleagues(me) if who["id"] == one["person_id"]), None)
        places = [held["organization_id"] for who in colleagues(me) for held in who["roles"] if held["role"] == role]
        others = [place for place in places if place != one["organization_id"]]
        if role and others:
            first = date.fromisoformat(one["last_day"]) + timedelta(days=me.chance.randint(1, 20))
            _appoint(me, one["person_id"], role, me.chance.choice(others), first)
    for one in me.heard("returns"):
        first = worked_day(me, me.chance.randint(3, 25))
        if one["role"] == "youth_worker" and me.may(0.5):
            me.post(
                "/cases",
                {
                    "protocol": "onboarding",
                    "subject_id": one["person_id"],
                    "organization_id": one["organization_id"],
                    "starts_on": first.isoformat(),
                },
            )
        else:
            _appoint(me, one["person_id"], one["role"], one["organization_id"], first)


def _appoint(me: Visit, person_id: str, role: str, place: str, first: date) -> None:
    said = {"role": role, "organization_id": place, "starts_on": first.isoformat()}
    if me.post(f"/people/{person_id}/tenures", said).is_done:
        me.note("came", person_id=person_id)
