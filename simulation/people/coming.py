"""People come: vacancies are seen to, people are added and invited, welcomed, and written down anew."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from domain.roles import standing
from simulation.people.staff import at_place, colleagues, somebody_new, worked_day
from simulation.visits import Visit, does, fate

#: A vacancy that was seen to is looked at again after so many days.
SEEN_TO: Final = timedelta(days=75)
LATER: Final = timedelta(days=14)
#: Whoever begins in it is welcomed by a case of its own.
WELCOMED: Final = "youth_worker"
#: How often a partner wants one more of them, in a day.
WANTED: Final = 1 / 45
WANTED_AT_FIRST: Final = 0.5
A_WEEK: Final = 7


@does("coordinator", "administrative_officer", chance=0.3)
def see_to_vacancies(me: Visit) -> None:
    """Look at what is vacant, and see to some of it."""
    seen: dict[str, date] = me.memory.setdefault("seen_to", {})
    most = 2
    for empty in me.items("/vacancies"):
        key = f"{empty['role']}@{empty['organization_id']}"
        if empty["kind"] != "role" or seen.get(key, date.min) > me.today or not most:
            continue
        most -= 1
        seen[key] = me.today + (LATER if me.may(0.2) else SEEN_TO)
        _see_to(me, empty["role"], empty["organization_id"])


def _see_to(me: Visit, role: str, place: str) -> None:
    manager = any(
        held["role"] == "manager" for one in at_place(me, place) for held in one["roles"] if role != "manager"
    )
    if manager and (me.may(0.6) or "coordinator" not in me.roles or role == "privacy_officer"):
        me.tell(f"manager@{place}", "vacant", role=role)
    elif "coordinator" in me.roles:
        add_somebody(me, role, place, recruits=not manager and role == WELCOMED)


@fate
def one_more_is_wanted(life: Any, day: date) -> None:
    """A partner wants one more youth worker: in the first week somewhere, and later about as often as some leave."""
    chance = life.world.chance.stream("wanted", day)
    if chance.random() > (WANTED_AT_FIRST if life.days_lived < A_WEEK else WANTED):
        return
    with life.world.session() as session:
        employers = {str(one.organization_id) for one in standing(session, day).holding(WELCOMED)}
    if employers:
        life.told.said.tell(f"manager@{chance.choice(sorted(employers))}", "vacant", role=WELCOMED)


@does("manager", "coordinator")
def fill_a_vacancy(me: Visit) -> None:
    """Find somebody for what was said to be vacant: recruit, or add somebody at once."""
    for one in me.heard("vacant"):
        place = me.at("manager") or me.at("coordinator")
        if me.may(0.2):
            me.note(**one)
        elif place is not None:
            add_somebody(me, one["role"], str(place), recruits=me.may(0.4))


def add_somebody(me: Visit, role: str, place: str, *, recruits: bool) -> None:
    """Recruit for a role, or add somebody who begins in it, or give it to somebody who is there already."""
    if recruits:
        opened = me.post("/cases", {"protocol": "recruiting", "organization_id": place})
        if opened.is_done:
            me.memory.setdefault("wanted", {}).setdefault(place, []).append(role)
            return
    starts = worked_day(me, me.chance.randint(0, 30))
    there = at_place(me, place)
    if role in ("second_representative", "petty_cash_holder", "it_contact") and there and me.may(0.3):
        whom = me.chance.choice(there)["id"]
        said = {"role": role, "organization_id": place, "starts_on": starts.isoformat()}
        if me.may(0.2):
            said["ends_on"] = (starts + timedelta(days=me.chance.randint(60, 400))).isoformat()
        me.post(f"/people/{whom}/tenures", said)
        return
    said = somebody_new(me) | {"organization_id": place, "role": role, "starts_on": starts.isoformat()}
    if me.may(0.05):
        said["starts_on"] = (me.today - timedelta(days=me.chance.randint(1, 10))).isoformat()
    answer = me.post("/people", said)
    if answer.code == "tenure.late" or (not answer.is_done and said["starts_on"] < me.today.isoformat()):
        answer = me.post("/people", said | {"late_seen": True})
    if answer.is_done:
        me.note("came", person_id=answer["id"])


@does("coordinator", "manager")
def welcome(me: Visit) -> None:
    """Open the case that welcomes who was added, where their role has one, and keep in mind to invite them."""
    for one in me.heard("came"):
        if me.may(0.2):
            me.note(**one)
            continue
        me.memory.pop("staff", None)  # there is somebody new
        person = me.get(f"/people/{one['person_id']}")
        if not person.is_done:
            continue
        first = min((role["starts_on"] for role in [*person["roles"], *person["roles_to_come"]]), default="")
        me.note("invite", person_id=one["person_id"], first=first)
        for role in [*person["roles"], *person["roles_to_come"]]:
            if role["role"] == WELCOMED and me.may(0.95):
                said = {"protocol": "onboarding", "subject_id": one["person_id"]}
                me.post("/cases", said | {"organization_id": role["organization_id"]})
                break


@does("coordinator", "manager")
def invite(me: Visit) -> None:
    """Invite who was added, once they begin; who cannot leaves it to the coordinator."""
    for one in me.heard("invite"):
        if one["first"] > me.today.isoformat() and me.may(0.97):
            me.note(**one)
        elif not me.post(f"/people/{one['person_id']}/invitation").is_done and "coordinator" not in me.roles:
            me.tell("coordinator", **one)


@does(chance=0.006)
def correct_ones_entry(me: Visit) -> None:
    """Write down one's new telephone, name or language."""
    _write_anew(me, str(me.me.id))


@does("coordinator", "manager", chance=0.02)
def correct_an_entry(me: Visit) -> None:
    """Write down another's details anew, invite them again, or end their access where a telephone was lost."""
    staff = colleagues(me)
    if not staff:
        return
    person_id = me.chance.choice(staff)["id"]
    what = me.chance.random()
    if what < 0.5:
        _write_anew(me, person_id)
        return
    if what > 0.8 and person_id != str(me.me.id):
        me.do("DELETE", f"/people/{person_id}/access")
    me.post(f"/people/{person_id}/invitation")


def _write_anew(me: Visit, person_id: str) -> None:
    person = me.get(f"/people/{person_id}")
    if not person.is_done:
        return
    given, _, family = person["name"].partition(" ")
    said: dict[str, Any] = {
        "given_name": given,
        "family_name": f"{family}-Nord" if me.may(0.1) and len(family) < 30 else family or given,
        "email": person["email"] or "",
        "phone": f"514-555-01{me.chance.randint(0, 99):02}",
        "language": person["language"] if me.may(0.9) else me.chance.choice(("fr", "en")),
    }
    if me.may(0.2):
        said["email"] = f"person{me.chance.randrange(10_000, 1_000_000)}@moved.example"
    if me.may(0.2):
        said["calendar"] = me.chance.choice(("unknown", "merge", "replace"))
    seen = f'"{person["version"]}"' if me.may(0.7) else "*"
    me.put(f"/people/{person_id}", said, if_match=seen)
