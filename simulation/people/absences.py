"""People are away: they plan it, or fall ill; somebody stands in for them, or nobody does."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from domain.roles import standing
from simulation.people.staff import at_place, in_role, who_may_act_as
from simulation.visits import Visit, does, fate

#: How often a day somebody plans days away, and falls ill: about twice, and once, a year.
PLANS: Final = 2 / 365
FALLS_ILL: Final = 1 / 365
#: For so many days at least a coordinator is away who takes a whole month.
MONTH: Final = 26
KINDS: Final = ("tasks", "approvals", "seats")


@fate
def somebody_plans_days_away(life: Any, day: date) -> None:
    """Somebody books days away, some weeks ahead."""
    chance = life.world.chance.stream("away", day)
    if chance.random() > PLANS * len(life.members):
        return
    memory = life.memory[chance.choice(sorted(life.members, key=str))]
    if "away" in memory and memory["away"][1] >= day:
        return
    first = day + timedelta(days=chance.randint(3, 45))
    length = chance.choices((chance.randint(0, 4), chance.randint(5, 20), chance.randint(MONTH, 35)), (55, 35, 10))[0]
    memory["plans"] = (first, first + timedelta(days=length))


@fate
def somebody_falls_ill(life: Any, day: date) -> None:
    """Somebody is ill from today, and mostly calls in; some are back sooner than was said."""
    chance = life.world.chance.stream("ill", day)
    if chance.random() > FALLS_ILL * len(life.members):
        return
    person_id = chance.choice(sorted(life.members, key=str))
    memory = life.memory[person_id]
    if "away" in memory and memory["away"][1] >= day:
        return
    with life.world.session() as session:
        roles = standing(session, day).roles_of(person_id)
    if not roles:
        return
    last = day + timedelta(days=chance.choices((chance.randint(0, 4), chance.randint(5, 40)), (80, 20))[0])
    memory["away"] = (day, last)
    if chance.random() < 0.7:
        said = last + timedelta(days=chance.choice((0, 0, 0, 3, 10)))
        whom = f"manager@{roles[0].organization_id}"
        if roles[0].role == "manager" or chance.random() < 0.4:
            whom = "coordinator"
        place, role = str(roles[0].organization_id), roles[0].role
        spans = {"first": day.isoformat(), "last": said.isoformat(), "organization_id": place, "role": role}
        life.told.said.tell(whom, "ill", person_id=str(person_id), **spans)
        if said > last:
            memory["back_on"] = last + timedelta(days=1)


@fate
def somebody_is_back(life: Any, day: date) -> None:
    """Somebody is back sooner than is written down, and calls the coordinator to say so."""
    for person_id in sorted(life.memory.of, key=str):
        if life.memory.of[person_id].get("back_on", date.max) <= day:
            del life.memory.of[person_id]["back_on"]
            life.told.said.tell("coordinator", "back", person_id=str(person_id))


@does()
def record_days_away(me: Visit) -> None:
    """Write down days away that one planned, and who stands in; some forget it and just do not come."""
    plans = me.memory.get("plans")
    if plans is None or me.may(0.3):
        return
    first, last = me.memory.pop("plans")
    first = max(first, me.today + timedelta(days=1))
    if last < first or not me.hats:
        return
    me.memory["away"] = (first, last)
    if me.may(0.15):
        return
    deputy = _deputy(me, me.hats[0].role, me.hats[0].organization_id, me.me.id)
    record(me, str(me.me.id), first, last, deputy)
    if me.may(0.06):
        me.memory["back_on"] = first + timedelta(days=max(1, (last - first).days // 2))
        me.memory["away"] = (first, me.memory["back_on"] - timedelta(days=1))


def _deputy(me: Visit, role: str, place: object, person_id: object) -> str | None:
    """Who stands in, as somebody would choose: mostly one who may, at the same organization."""
    if me.may(0.25):
        return None
    able = who_may_act_as(me, role, place, but=person_id) or in_role(me, role, but=person_id)
    if me.may(0.05):
        able = at_place(me, place) or able
    return str(me.chance.choice(able)["id"]) if able else None


def record(me: Visit, person_id: str, first: date, last: date, deputy: str | None) -> None:
    """Record an absence; where the deputy cannot be, once more with nobody."""
    path = f"/people/{person_id}/absences"
    said: dict[str, Any] = {"starts_on": first.isoformat(), "ends_on": last.isoformat(), "deputy_id": deputy}
    if deputy and me.may(0.2):
        said["kinds"] = me.chance.sample(KINDS, me.chance.randint(1, 2))
    if me.may(0.03):
        said |= {"starts_on": said["ends_on"], "ends_on": said["starts_on"]}
    answer = me.post(path, said)
    if answer.code in ("absence.unfit_deputy", "absence.deputy_away", "absence.own_deputy", "absence.ends_first"):
        me.post(path, {"starts_on": first.isoformat(), "ends_on": last.isoformat()})


@does("coordinator", "manager")
def record_who_is_ill(me: Visit) -> None:
    """Record the absence of somebody who called in."""
    for one in me.heard("ill"):
        if me.may(0.1):
            me.note(**one)
            continue
        deputy = _deputy(me, one["role"], one["organization_id"], one["person_id"])
        first = date.fromisoformat(one["first"])
        record(me, one["person_id"], first, date.fromisoformat(one["last"]), deputy)


@does("coordinator")
def call_absences_off(me: Visit) -> None:
    """Call off the absence of somebody who is back sooner."""
    for one in me.heard("back"):
        person = me.get(f"/people/{one['person_id']}")
        for absence in person["absences"][:1] if person.is_done else ():
            me.do("DELETE", f"/absences/{absence['id']}")


@does(chance=0.02)
def shorten_days_away(me: Visit) -> None:
    """Take days away that one planned back, or write them down anew with others."""
    if me.memory.get("away", (date.min, date.min))[0] <= me.today:
        return
    person = me.get(f"/people/{me.me.id}")
    coming = [one for one in person["absences"] if one["starts_on"] > me.today.isoformat()] if person.is_done else []
    if not coming:
        return
    if not me.do("DELETE", f"/absences/{coming[0]['id']}").is_done:
        return
    first, last = me.memory.pop("away")
    if me.may(0.6):
        me.memory["plans"] = (first, first + timedelta(days=(last - first).days // 2))
