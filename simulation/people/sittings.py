"""A committee sits: its secretary opens it, says who is there, goes through the items, and closes it.

They come at its hour, as their pages showed it. A sitting that was forgotten is recorded on a later day.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from simulation.hands import Answer
from simulation.people.agendas import hear_late
from simulation.people.dates_known import BACK, Line, day_of, forget_dates, known_dates, meetings_between, moment_of
from simulation.people.decided import decide_something
from simulation.visits import Visit, does, tabled

#: How long before its hour a meeting is opened at most, by somebody who is there already.
EARLY: Final = timedelta(minutes=20)
NOTES: Final = (
    ("Discuté; la coordination fait le suivi.", "Discussed; the coordination follows up."),
    ("Reporté faute d’information.", "Left for want of information."),
    ("Tour de table, sans suite.", "Round of the table, nothing follows."),
    ("Une liste sera envoyée.", "A list will be sent."),
)
NEXT_STEPS: Final = ("Envoyer le résumé.", "Confirmer la salle.", "Joindre les partenaires absents.")

Seats = dict[str, dict[str, Any]]


@does("coordinator", first=True)
def keep_sittings(me: Visit) -> None:
    """Keep the sittings of this hour, and record those that nobody closed."""
    for line in list(known_dates(me)):
        if line["state"] not in ("planned", "under_way") or moment_of(line) - EARLY > me.world.clock.now:
            continue
        is_late = day_of(line) < me.today
        if me.may(0.3 if is_late else 0.03):  # forgotten, or put off
            continue
        _keep(me, line)
        forget_dates(me)


def _keep(me: Visit, line: Line) -> None:
    shown = me.get(f"/meetings/{line['id']}")
    if not shown.is_done or shown["state"] not in ("planned", "under_way"):
        return
    meeting: dict[str, Any] = shown.body
    if meeting["state"] == "planned":
        if not _open(me, meeting):
            return
        is_quorate = _call_the_roll(me, meeting)
    else:
        is_quorate = _is_quorate(me.get(f"/meetings/{line['id']}/attendance"))
    _look_at_agenda(me, meeting)
    _approve_last_minutes(me, meeting)
    for at in tabled():
        at(me, meeting)
    _go_through(me, meeting, is_quorate=is_quorate)
    if me.may(0.12):
        _add(me, meeting)
    if me.may(0.03):  # they all leave, and nobody closes it
        return
    _close(me, meeting)


def _open(me: Visit, meeting: dict[str, Any]) -> bool:
    opened = me.post(f"/meetings/{meeting['id']}/opening")
    if not opened.is_done:
        return False
    if me.may(0.03):  # the wrong one, or nobody is there yet
        me.post(f"/meetings/{meeting['id']}/putting-back")
        opened = me.post(f"/meetings/{meeting['id']}/opening")
    meeting.update(state="under_way", version=opened.body["version"] if opened.is_done else meeting["version"])
    return opened.is_done


# ------------------------------------------------------------------------------------------------------- who is there


def _comes_by(me: Visit, committee: str, year: int) -> float:
    """How readily people come to a committee in a year, as whoever keeps it sees: to a few, hardly anybody comes."""
    drawn = me.world.chance.stream("comes", committee, year).random()
    return 0.3 if drawn < 0.12 else 0.8 + 0.15 * drawn


def _is_quorate(attended: Answer) -> bool:
    return attended.is_done and bool(attended["quorum"]["is_met"])


def _call_the_roll(me: Visit, meeting: dict[str, Any]) -> bool:
    """Say of each seat that is not simply filled how it is, and of the rest that they are there; whether enough are."""
    address = f"/meetings/{meeting['id']}/attendance"
    attended = me.get(address)
    seats: Seats = {one["seat_id"]: one for one in attended["seats"]} if attended.is_done else {}
    readily = _comes_by(me, meeting["committee"], day_of(meeting).year)
    answers = {one["seat_id"]: one for one in meeting["invited"] if one["seat_id"] and one["answer"]}
    expected = {one["seat_id"] for one in meeting["invited"]}
    for seat_id, seat in seats.items():
        said = _seat(me, answers.get(seat_id), readily) if seat_id in expected else None
        if said is not None:
            me.put(address, {"seat_id": seat_id, "seen": seat["version"], **said})
    rest = me.post(f"{address}/rest")
    if rest.is_done:
        attended = rest
        _come_and_go(me, meeting, address, attended["seats"])
    return _is_quorate(attended)


def _seat(me: Visit, answer: dict[str, Any] | None, readily: float) -> dict[str, Any] | None:
    """How one seat is filled, where it is worth a word of its own."""
    if answer is not None and answer["answer"] == "declined":
        if answer["alternate_id"] and me.may(0.85):
            return {"state": "alternate", "person_id": answer["alternate_id"], "is_remote": me.may(0.2)}
        return {"state": "excused"} if me.may(0.8) else None
    if not me.may(readily if answer is None else (readily + 1) / 2):
        return {"state": "absent" if me.may(0.6) else "excused"}
    return {"state": "remote"} if me.may(0.15) else None


def _come_and_go(me: Visit, meeting: dict[str, Any], address: str, seats: list[dict[str, Any]]) -> None:
    """Somebody comes later, or leaves before the end: their hour is written to their seat."""
    there = [one for one in seats if one["state"] in ("present", "remote")]
    if not there or not me.may(0.2):
        return
    seat = me.chance.choice(there)
    said = {"seat_id": seat["seat_id"], "state": seat["state"], "person_id": seat["person_id"], "seen": seat["version"]}
    begins, now = moment_of(meeting), me.world.clock.now
    came = begins + timedelta(minutes=me.chance.choice((5, 15, 30)))
    left = now - timedelta(minutes=1)
    if came < now < moment_of(meeting, "ends_at") and me.may(0.6):
        said["arrived_at"] = came.isoformat()
    elif begins < left < moment_of(meeting, "ends_at"):
        said["left_at"] = left.isoformat()
    me.put(address, said)


# --------------------------------------------------------------------------------------------------------- the items


def _look_at_agenda(me: Visit, meeting: dict[str, Any]) -> None:
    """Read the agenda that lies on the table: the meeting has its items from here on. What came late is heard first."""
    address = f"/meetings/{meeting['id']}/agenda"
    shown = me.get(f"{address}/items")
    meeting["on_agenda"] = shown["items"] if shown.is_done else []
    if shown.is_done and shown["late"]:
        hear_late(me, address, shown.body)


def _go_through(me: Visit, meeting: dict[str, Any], *, is_quorate: bool) -> None:
    """Treat the items one by one, and decide on a few; what the hour does not reach is left."""
    treated = me.items(f"/meetings/{meeting['id']}/outcomes")
    left = [one for one in treated if not one["outcome"]]
    if not left:
        return
    known = {one["id"]: one for one in meeting["on_agenda"]}
    reach = len(left) if me.may(0.7) else me.chance.randint(1, len(left))
    for item in left[:reach]:
        on_agenda = known.get(item["id"], {})
        is_of_an_act = on_agenda.get("is_asked") and on_agenda.get("purpose") == "decision"
        if me.may(0.12 if is_quorate else 0.03) and decide_something(me, meeting, item, on_agenda):
            continue
        if not is_of_an_act or me.may(0.1):
            _treat(me, meeting, item)


def _treat(me: Visit, meeting: dict[str, Any], item: dict[str, Any]) -> None:
    outcome = me.chance.choices(("treated", "carried", "withdrawn", "referred"), weights=(84, 11, 2, 3))[0]
    said: dict[str, Any] = {"outcome": outcome}
    if outcome == "referred":
        others = sorted({one["committee"] for one in known_dates(me)} - {meeting["committee"]})
        said = {"outcome": "referred", "refer_to": me.chance.choice(others)} if others else {"outcome": "treated"}
    if me.may(0.4):
        said["note_fr"], said["note_en"] = me.chance.choice(NOTES)
        if me.may(0.2):
            said.pop("note_en")
    address = f"/meetings/{meeting['id']}/outcomes/{item['id']}"
    done = me.put(address, said)
    if not done.is_done and said["outcome"] != "carried":
        me.put(address, {"outcome": "carried"})
    elif done.is_done and me.may(0.03):  # it was not so
        me.put(address, {"outcome": me.chance.choice(("", "treated", "carried"))})


def _add(me: Visit, meeting: dict[str, Any]) -> None:
    """Something comes up that nobody had on the agenda."""
    said = {"title_fr": "Question du moment", "reason": "Soulevée en rencontre", "minutes": 5}
    added = me.post(f"/meetings/{meeting['id']}/additions", said)
    if added.is_done and isinstance(added.body, dict) and me.may(0.9):
        _treat(me, meeting, added.body)


# ----------------------------------------------------------------------------------------------- minutes and the close


def _approve_last_minutes(me: Visit, meeting: dict[str, Any]) -> None:
    """Approve the minutes that were sent since the committee sat last; who did not send them looks for them."""
    sent: dict[str, list[str]] = me.memory.setdefault("minutes_sent", {})
    if meeting["committee"] not in sent and me.may(0.1):
        sent[meeting["committee"]] = _held_before(me, meeting)
    for earlier in sent.get(meeting["committee"], [])[:3]:
        if me.may(0.85):
            me.post(f"/meetings/{earlier}/minutes/approval", {"meeting_id": meeting["id"]})
            sent[meeting["committee"]].remove(earlier)


def _held_before(me: Visit, meeting: dict[str, Any]) -> list[str]:
    since, until = me.today - 12 * BACK, day_of(meeting) - timedelta(days=1)
    rows = meetings_between(me, since, until, committee=meeting["committee"], limit=40)
    return [one["id"] for one in rows if one["state"] == "held"][-1:]


def _close(me: Visit, meeting: dict[str, Any]) -> None:
    address = f"/meetings/{meeting['id']}/closing"
    closed = me.post(address, {"carry_rest": me.may(0.85)})
    if not closed.is_done:
        closed = me.post(address, {"carry_rest": True})
    if closed.is_done:
        due: list[dict[str, str]] = me.memory.setdefault("minutes_due", [])
        due.append({"id": meeting["id"], "committee": meeting["committee"], "closed": me.today.isoformat()})
