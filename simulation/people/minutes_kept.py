"""The minutes of a sitting: completed, sent, taken back to be corrected, and sent again; a later one approves them."""

from __future__ import annotations

from datetime import date
from typing import Any

from simulation.hands import Answer
from simulation.people.decided import translate_one
from simulation.people.sittings import NOTES
from simulation.visits import Visit, does


@does("coordinator", chance=0.5)
def keep_minutes(me: Visit) -> None:
    """Complete the minutes that are due, and send them, some days after the sitting."""
    due: list[dict[str, str]] = me.memory.get("minutes_due", [])
    if not due or not me.may(0.6):
        return
    one = due[0]
    if (me.today - date.fromisoformat(one["closed"])).days < 1 and me.may(0.7):
        return
    address = f"/meetings/{one['id']}/minutes"
    if me.may(0.5):
        _complete(me, address)
    if me.may(0.06):
        _correct_attendance(me, one["id"])
    if _send(me, one["id"]).is_done:
        due.remove(one)
        me.memory.setdefault("minutes_sent", {}).setdefault(one["committee"], []).append(one["id"])
    elif me.may(0.2):
        due.append(due.pop(0))


def _complete(me: Visit, address: str) -> None:
    """Write what was said of one or two items, in both languages."""
    shown = me.get(address)
    numbers = [item["line"]["number"] for item in shown["content"]["items"]] if shown.is_done else []
    for number in me.chance.sample(numbers, min(len(numbers), me.chance.randint(1, 2))):
        french, english = me.chance.choice(NOTES)
        me.put(f"{address}/notes/{number}", {"said_fr": french, "said_en": english})


def _send(me: Visit, meeting: str) -> Answer:
    """Send a draft, after a look at who gets it; where the attendance was corrected since, that comes in first."""
    address = f"/meetings/{meeting}/minutes"
    if me.may(0.3):
        me.post(f"{address}/circulation", preview=True)
    sent = me.post(f"{address}/circulation")
    if sent.code == "minutes.attendance_corrected":
        me.post(f"{address}/refreshing")
    elif sent.code == "minutes.untranslated":
        _translate(me, address)
    else:
        return sent
    return me.post(f"{address}/circulation")


def _translate(me: Visit, address: str) -> None:
    """Write what is said in one language alone in the other one too, and so what was decided."""
    shown = me.get(address)
    for item in shown["content"]["items"] if shown.is_done else ():
        if bool(item["said"]["fr"]) != bool(item["said"]["en"]):
            french, english = me.chance.choice(NOTES)
            number = item["line"]["number"]
            me.put(f"{address}/notes/{number}", {"said_fr": french, "said_en": english})
    while translate_one(me):
        pass


@does("coordinator", chance=0.06)
def correct_what_was_sent(me: Visit) -> None:
    """Somebody says that the minutes are wrong: take them back, correct them, and send them again."""
    sent = [meeting for meetings in me.memory.get("minutes_sent", {}).values() for meeting in meetings]
    if not sent:
        return
    meeting = me.chance.choice(sorted(sent))
    if me.may(0.5):
        _correct_attendance(me, meeting)
    if not me.post(f"/meetings/{meeting}/minutes/amendment").is_done:
        return
    _complete(me, f"/meetings/{meeting}/minutes")
    if me.may(0.9):
        _send(me, meeting)


def _correct_attendance(me: Visit, meeting: str) -> None:
    """Who was said to be absent was only excused, or the other way round."""
    address = f"/meetings/{meeting}/attendance"
    shown = me.get(address)
    seats: list[dict[str, Any]] = shown["seats"] if shown.is_done else []
    missed = [one for one in seats if one["state"] in ("absent", "excused")]
    if missed:
        seat = me.chance.choice(missed)
        state = "excused" if seat["state"] == "absent" else "absent"
        me.put(address, {"seat_id": seat["seat_id"], "state": state, "seen": seat["version"]})


@does("coordinator", chance=0.01)
def read_minutes(me: Visit) -> None:
    """Read minutes as they were sent, as a paper."""
    sent = [meeting for meetings in me.memory.get("minutes_sent", {}).values() for meeting in meetings]
    if sent:
        me.get(f"/meetings/{me.chance.choice(sorted(sent))}/minutes/files/fr/docx")
