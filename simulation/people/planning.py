"""The committees' secretary plans their dates: seasons of those that meet weekly, the year of the others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final

from simulation.people.dates_known import Line, day_of, forget_dates, in_days, known_dates, meetings_between
from simulation.visits import Visit, does

#: A committee whose last date is nearer than this gets its next ones; from sooner on, it is looked at more often.
NEAR: Final = timedelta(days=45)
FAR: Final = 400
WEEKS: Final = (20, 45)
PLACES: Final = ("Salle A", "Salle B, 2e étage", "Grande salle", "En ligne")
REASONS: Final = ("Conflit d’horaire", "Salle prise", "Tempête", "Trop d’absences")


@does("coordinator")
def plan_dates(me: Visit) -> None:
    """See which committees run out of dates, every week or so, and plan the next ones for one or two of them."""
    due = me.memory.get("plans_on", "")
    if due > me.today.isoformat():
        return
    lasts = _last_dates(me)
    wanted = [one for one in me.items("/committees") if one["rhythm"] and _runs_out(me, lasts.get(one["key"]))]
    for committee in wanted[:2]:
        if me.may(0.85):
            _plan(me, committee, lasts.get(committee["key"]))
            forget_dates(me)
    wait = 1 if wanted else me.chance.randint(5, 12)
    me.memory["plans_on"] = (me.today + timedelta(days=wait)).isoformat()


def _last_dates(me: Visit) -> dict[str, date]:
    rows = meetings_between(me, me.today, me.today + timedelta(days=FAR), limit=200)
    return {row["committee"]: day_of(row) for row in rows if row["state"] != "cancelled"}


def _runs_out(me: Visit, last: date | None) -> bool:
    return last is None or last < me.today + NEAR


def _plan(me: Visit, committee: dict[str, Any], last: date | None) -> None:
    """Plan from the year that was drafted, where one waits; else by what is proposed."""
    key = committee["key"]
    if last is not None:
        drafts = me.items(f"/committees/{key}/drafts")
        if drafts and me.may(0.9):
            _plan_dates(me, committee, drafts[0]["dates"], draft_id=drafts[0]["id"])
            return
        if drafts:
            me.post(f"/committees/{key}/drafts/{drafts[0]['id']}/dismissal")
    first = max(last or me.today, me.today) + timedelta(days=me.chance.choice((1, 2, 5)))
    asked = {"first": first.isoformat()}
    if committee["rhythm"]["per"] == "week":
        asked["last"] = (first + timedelta(weeks=me.chance.randint(*WEEKS))).isoformat()
    _plan_dates(me, committee, me.items(f"/committees/{key}/proposals", **asked))


def _plan_dates(me: Visit, committee: dict[str, Any], dates: list[dict[str, Any]], draft_id: str | None = None) -> None:
    if not dates:
        return
    said: dict[str, Any] = {"place": me.chance.choice(PLACES), "draft_id": draft_id}
    if me.may(0.3):
        said["online_url"] = "https://meet.example/room"
    if committee["rhythm"]["per"] == "week":
        asked = f"/committees/{committee['key']}/seasons", {**said, **_season(me, dates)}
    else:
        meet = [one["starts"] for one in dates if one["decision"] != "skip"]
        asked = f"/committees/{committee['key']}/meetings", {**said, "starts": meet, "minutes": dates[0]["minutes"]}
    if me.may(0.4):
        me.post(*asked, preview=True)
    me.post(*asked)


def _season(me: Visit, dates: list[dict[str, Any]]) -> dict[str, Any]:
    """A season as it is proposed; now and then a week is left out that the rhythm has."""
    hour = dates[0]["starts"][11:16]
    if dates[0]["decision"] == "shifted":
        hour = next((one["starts"][11:16] for one in dates if one["decision"] == "meet"), hour)
    without, instead = [], []
    for one in dates:
        if one["decision"] == "skip" or me.may(0.02):
            why = one["reasons"][0]["sentence"] if one["reasons"] else "Relâche"
            without.append({"day": one["original"], "reason": why})
        elif one["decision"] == "shifted":
            instead.append({"day": one["original"], "starts": one["starts"]})
    return {
        "first": dates[0]["original"],
        "last": dates[-1]["original"],
        "hour": hour,
        "minutes": dates[0]["minutes"],
        "without": without,
        "instead": instead,
    }


# ------------------------------------------------------------------------------------------------------ what changes


@does("coordinator", chance=0.1)
def change_dates(me: Visit) -> None:
    """Move a meeting, cancel it, or have it elsewhere or at another hour."""
    lines = in_days(me, 2, 25)
    if not lines:
        return
    line = me.chance.choice(lines)
    change = me.chance.choices((_move, _cancel, _elsewhere, _change_hour), weights=(40, 20, 25, 15))[0]
    change(me, line)
    forget_dates(me)


def _move(me: Visit, line: Line) -> None:
    starts = datetime.fromisoformat(line["starts"]) + timedelta(days=me.chance.choice((-1, 0, 1, 1, 2)))
    hour = me.chance.choice((starts.hour, 9, 13, 14))
    said: dict[str, Any] = {"starts": starts.replace(hour=hour).isoformat()[:16], "reason": _reason(me)}
    if me.may(0.2):
        said["minutes"] = max(15, line["minutes"] + me.chance.choice((-30, 30)))
    if me.may(0.5):
        seen = me.put(f"/meetings/{line['id']}/time", said, preview=True)
        if not seen.is_done or me.may(0.1):  # they think better of it
            return
    me.put(f"/meetings/{line['id']}/time", said, if_match=f'"{line["version"]}"' if me.may(0.5) else "*")


def _cancel(me: Visit, line: Line) -> None:
    if me.may(0.3):
        me.post(f"/meetings/{line['id']}/cancellation", {"reason": _reason(me)}, preview=True)
    me.post(f"/meetings/{line['id']}/cancellation", {"reason": _reason(me)})


def _elsewhere(me: Visit, line: Line) -> None:
    said = {"place": me.chance.choice(PLACES), "following": me.may(0.2)}
    me.put(f"/meetings/{line['id']}/place", said)


def _change_hour(me: Visit, line: Line) -> None:
    shown = me.get(f"/meetings/{line['id']}")
    if not shown.is_done or not shown["season"]:
        _elsewhere(me, line)
        return
    said: dict[str, Any] = {"hour": me.chance.choice(("09:00", "09:15", "09:30", "10:00", "13:00"))}
    if me.may(0.3):
        said["minutes"] = max(15, line["minutes"] + me.chance.choice((-15, 15)))
    me.put(f"/meetings/{line['id']}/hour", said, preview=True)
    if me.may(0.7):
        me.put(f"/meetings/{line['id']}/hour", said)


def _reason(me: Visit) -> str:
    return me.chance.choice(REASONS) if me.may(0.9) else ""


# -------------------------------------------------------------------------------------------------------------- guests


@does("coordinator", chance=0.06)
def look_after_guests(me: Visit) -> None:
    """Invite somebody without a seat to one meeting, or take that back."""
    guests: list[list[str]] = me.memory.setdefault("guests", [])
    if guests and me.may(0.35):
        meeting, person = guests.pop()
        me.post(f"/meetings/{meeting}/guests/{person}/withdrawal")
        return
    lines = in_days(me, 1, 21)
    people = [one["id"] for one in _people(me)]
    if not lines or not people:
        return
    meeting, person = me.chance.choice(lines)["id"], me.chance.choice(people)
    if me.post(f"/meetings/{meeting}/guests", {"person_id": person}).is_done:
        guests.append([meeting, person])
        del guests[:-5]


def _people(me: Visit) -> Iterable[dict[str, Any]]:
    return [one for one in me.items("/people", q=me.chance.choice("aeiou"), limit=20) if one["roles"]]


@does("coordinator", chance=0.008)
def plan_one_more(me: Visit) -> None:
    """Plan a meeting beside the rhythm, at short notice."""
    committees = sorted({line["committee"] for line in known_dates(me)})
    if not committees:
        return
    day = me.today + timedelta(days=me.chance.randint(3, 12))
    hour = me.chance.choice(("08:30", "13:15", "15:00"))
    said = {"starts": [f"{day.isoformat()}T{hour}"], "minutes": me.chance.choice((45, 60)), "place": PLACES[0]}
    me.post(f"/committees/{me.chance.choice(committees)}/meetings", said)
    forget_dates(me)
