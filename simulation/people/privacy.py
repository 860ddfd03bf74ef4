"""Who answers for privacy: the register of incidents and who read what; and the mail that goes out and comes in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from domain.roles import standing
from simulation.people.papers import words
from simulation.visits import Visit, does, fate

#: How likely something happens to personal information on one day.
_HAPPENS = 0.02


@fate
def something_happens(life: Any, day: date) -> None:
    """Something happens to what is kept of people, and those who answer for it hear of it."""
    chance = life.world.chance.stream("incident", day)
    if chance.random() >= _HAPPENS:
        return
    with life.world.session() as session:
        held = standing(session, day)
    for person_id in sorted(held.live, key=str):
        if any(one.role in ("privacy_officer", "coordinator") for one in held.roles_of(person_id)):
            life.memory[person_id].setdefault("incidents_heard", []).append(words(chance, 10))


@does("privacy_officer", "coordinator", chance=0.8)
def enter_what_was_heard(me: Visit) -> None:
    """Enter an incident that one heard of; who does not keep the register forgets it after one refusal."""
    heard: list[str] = me.memory.get("incidents_heard", [])
    if not heard or ("privacy_officer" not in me.roles and not me.may(0.2)):
        return
    said = _entry(me, heard.pop())
    me.post("/privacy/incidents", said)


def _entry(me: Visit, what: str) -> dict[str, Any]:
    """What is known so far: seldom all of it, and now and then a day that cannot be."""
    known = me.today - timedelta(days=me.chance.randint(0, 3)) if me.may(0.95) else me.today + timedelta(days=2)
    happened = known - timedelta(days=me.chance.randint(0, 20)) if me.may(0.95) else known + timedelta(days=1)
    return {
        "organization_id": str(me.chance.choice(me.hats).organization_id),
        "information": words(me.chance),
        "circumstances": what,
        "known_on": str(known),
        "happened_from": str(happened) if me.may(0.7) else None,
        "people_concerned": me.chance.randint(1, 9) if me.may(0.5) else None,
        "measures": words(me.chance) if me.may(0.4) else "",
    }


@does("privacy_officer", "coordinator", chance=0.5)
def keep_register(me: Visit) -> None:
    """Take an incident of the register a step further. The coordination has it while nobody answers for privacy."""
    if "privacy_officer" not in me.roles and not me.may(0.05):
        return
    for incident in me.items("/privacy/incidents", limit=8):
        if me.may(0.5):
            _go_on(me, incident)


def _go_on(me: Visit, incident: dict[str, Any]) -> None:
    here, seen = f"/privacy/incidents/{incident['id']}", f'"{incident["version"]}"'
    if incident["closed_at"]:
        if me.may(0.03):
            me.post(f"{here}/reopening", if_match=seen)
    elif not incident["measures"] or me.may(0.05):
        me.put(here, _completed(me, incident), if_match=seen)
    elif incident["serious_risk"] is None or me.may(0.03):
        reasons = "" if me.may(0.05) else words(me.chance)
        me.put(f"{here}/assessment", {"serious_risk": me.may(0.4), "risk_reasons": reasons}, if_match=seen)
    elif incident["serious_risk"] and not (incident["commission_told_on"] and incident["people_told_on"]):
        me.put(f"{here}/telling", _told(me, incident), if_match=seen)
    elif me.may(0.6):
        me.post(f"{here}/closing", if_match=seen if me.may(0.95) else '"1"')


def _completed(me: Visit, incident: dict[str, Any]) -> dict[str, Any]:
    """What is known by now; seldom, since when it is known moves, with the reason or without it."""
    said = {name: incident[name] for name in _entry(me, "")} | {
        "measures": incident["measures"] or words(me.chance),
        "people_concerned": incident["people_concerned"] or me.chance.randint(1, 40),
    }
    if me.may(0.1):
        day = date.fromisoformat(incident["known_on"]) - timedelta(days=1)
        said |= {"known_on": str(day), "happened_from": None}
        said |= {"known_on_reason": words(me.chance)} if me.may(0.7) else {}
    return said


def _told(me: Visit, incident: dict[str, Any]) -> dict[str, Any]:
    """Who was told by now: the commission first, then the people or the public; seldom on a day that cannot be."""
    day = str(me.today + timedelta(days=1 if me.may(0.04) else 0))
    if not incident["commission_told_on"]:
        return {"commission_told_on": day}
    if me.may(0.2):
        return {"public_notice": words(me.chance), "people_told_on": day}
    if me.may(0.05):
        return {"commission_told_on": None}  # what stands is not removed
    return {"people_told_on": day}


@does("privacy_officer", chance=0.5)
def see_who_read(me: Visit) -> None:
    """Look at what stands out of what was read, and at who read it; at the latest readings and refusals."""
    for one in me.items("/privacy/unusual-readings")[:2]:
        reader = one["line"]["actor_id"]
        if reader and me.may(0.5):
            me.get("/privacy/readings", by=reader, limit=20)
    path = me.chance.choice(["/privacy/readings", "/privacy/refusals"])
    lines = me.items(path, limit=20)
    if lines and me.may(0.3):
        me.get(path, on=str(me.today - timedelta(days=me.chance.randint(0, 20))), limit=20)


@does("coordinator", "administrative_officer", chance=0.06)
def see_to_outgoing_mail(me: Visit) -> None:
    """Look at the letters that were given up, read one, and have them sent once more."""
    failed = me.items("/post", state="failed", limit=5)
    for letter in failed:
        me.get(f"/post/{letter['id']}")
        if me.may(0.5):
            me.post(f"/post/{letter['id']}/retry")
    if me.may(0.3 if failed else 0.02):
        me.post("/post/retry")
    if not failed and me.may(0.1):
        sent = me.items("/post", limit=3)
        if sent:
            me.get(f"/post/{sent[0]['id']}")
            me.post(f"/post/{sent[0]['id']}/retry")  # it was not given up


@does("coordinator", chance=0.06)
def see_to_answers_by_mail(me: Visit) -> None:
    """Look at mails that came as answers and were not taken: leave them, or take one as somebody's answer."""
    for mail in me.items("/strays", limit=5):
        here, seen = f"/strays/{mail['id']}", f'"{mail["version"]}"'
        if mail["person_id"] and mail["claimed"] in ("accepted", "tentative", "declined") and me.may(0.5):
            said = {"person_id": mail["person_id"], "answer": mail["claimed"], "meeting_id": mail["meeting_id"]}
            me.post(f"{here}/answer", said, if_match=seen)
        elif me.may(0.5):
            me.post(f"{here}/setting-aside", if_match=seen)
