"""Those who sit on a committee: they answer its invitations, ask for items, and keep its dates in their calendars."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from simulation.cast import Nature
from simulation.people.agendas import TITLES
from simulation.people.dates_known import meetings_between
from simulation.visits import Visit, does

#: For how long what is theirs is known, in days, and who is invited to nothing looks again.
KNOWN: Final = 9
NOTHING: Final = 30
#: How often somebody answers a meeting that they see they have not answered.
ANSWERS: Final = {Nature.PROMPT: 0.7, Nature.SLOW: 0.2, Nature.CARELESS: 0.4, Nature.SLY: 0.4}


@does(chance=0.6)
def answer_invitations(me: Visit) -> None:
    """Look at one's meetings of the next weeks, and answer some that one did not answer."""
    if me.memory.get("invited_on", "") > me.today.isoformat():
        return
    asked = meetings_between(me, me.today, me.today + timedelta(days=24), mine=True, limit=6)
    lines = [line for line in asked if line["state"] == "planned"]
    me.memory["mine"] = [
        {"id": line["id"], "committee": line["committee"], "day": line["starts"][:10]} for line in lines
    ]
    wait = KNOWN if lines else NOTHING
    me.memory["invited_on"] = (me.today + timedelta(days=me.chance.randint(wait // 2, wait))).isoformat()
    for line in lines:
        unsure = line["answer"] == "tentative" and me.may(0.5)
        changes = line["answer"] and me.may(0.03)
        if (not line["answer"] and me.may(ANSWERS[me.me.nature])) or unsure or changes:
            _answer(me, line["id"])


def _answer(me: Visit, meeting: str) -> None:
    said = me.chance.choices(("accepted", "tentative", "declined"), weights=(80, 8, 12))[0]
    answer: dict[str, Any] = {"answer": said}
    if said == "declined" and me.may(0.7):
        shown = me.get(f"/meetings/{meeting}")
        if shown.is_done and shown["alternates"]:
            answer["alternate_id"] = me.chance.choice(shown["alternates"])
    me.put(f"/meetings/{meeting}/answer", answer)


@does(chance=0.08)
def ask_for_an_item(me: Visit) -> None:
    """Ask that one's committee talks about something, in one's own language or in both; or take that back."""
    asked: list[list[str]] = me.memory.setdefault("asked_items", [])
    mine = [one for one in me.memory.get("mine", []) if date.fromisoformat(one["day"]) >= me.today]
    if not mine:
        return
    if asked and me.may(0.2):
        _take_back(me, asked.pop(), mine)
        return
    meeting = mine[0]
    french, english = me.chance.choice(TITLES)
    said: dict[str, Any] = {"title_fr": french, "title_en": english if me.may(0.4) else ""}
    if me.may(0.2):
        said = {"title_en": english}
    if me.may(0.5):
        said["minutes"] = me.chance.choice((5, 10, 20))
    if me.may(0.3):
        said["purpose"] = me.chance.choice(("information", "discussion", "decision"))
    if me.may(0.6):
        shown = me.get(f"/meetings/{meeting['id']}")
        if shown.is_done and shown["agenda_frozen_at"] and shown["state"] == "planned":
            said |= {"meeting_id": meeting["id"], "late_reason": "Survenu cette semaine"}
    done = me.post(f"/committees/{meeting['committee']}/agenda-items", said)
    if done.is_done and done.body:
        asked.append([meeting["committee"], done["id"]])
        del asked[:-3]


def _take_back(me: Visit, item: list[str], mine: list[dict[str, Any]]) -> None:
    """Take back what one asked for, as the agenda of one's next meeting still shows it."""
    meeting = next((one["id"] for one in mine if one["committee"] == item[0]), None)
    if meeting is None:
        return
    shown = me.get(f"/meetings/{meeting}/agenda/items")
    kept = [*shown["items"], *shown["pool"], *shown["late"]] if shown.is_done else []
    if any(one["id"] == item[1] for one in kept):
        me.post(f"/meetings/{meeting}/agenda/items/{item[1]}/withdrawal")


@does(chance=0.03)
def read_papers(me: Visit) -> None:
    """Read the agenda of one's next meeting."""
    mine = me.memory.get("mine", [])
    if mine:
        me.get(f"/meetings/{mine[0]['id']}/agenda")
        versions = me.items(f"/meetings/{mine[0]['id']}/agenda/versions") if me.may(0.3) else []
        if versions and me.may(0.3):
            me.get(f"/meetings/{mine[0]['id']}/agenda/versions/{versions[0]['n']}/fr/docx")


@does(chance=0.005)
def keep_a_feed(me: Visit) -> None:
    """Make a private address for one's calendar, or end one."""
    if me.memory.get("has_feed") and me.may(0.5):
        feeds = me.items("/calendar-feeds")
        if feeds:
            me.post(f"/calendar-feeds/{me.chance.choice(feeds)['id']}/ending")
        me.memory["has_feed"] = len(feeds) > 1
        return
    if me.post("/calendar-feeds").is_done:
        me.memory["has_feed"] = True
