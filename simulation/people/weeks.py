"""The rows of the weeks: written whole or as one types, late, ten in a row, by two at once, and what cannot be."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from simulation.hands import Answer
from simulation.people.sly import never
from simulation.visits import Visit, does
from simulation.work_seen import caseload

_WHY_NONE: Final = ("not_scheduled", "no_news", "impossible", "withdrew", "other")
_OTHERWISE: Final = ("telephone", "text_message", "messenger", "email", "other")
_NEEDS: Final = ("emergency", "stability", "participation", "recovery", "relationship")
_SATISFIED: Final = ("dissatisfied", "somewhat_satisfied", "satisfied", "very_satisfied")
_ACTIVITIES: Final = ("medical", "recreational", "sports", "cultural", "social", "legal", "community", "clinical")
_PROCESSES: Final = ("relationship", "focus", "evocation", "planning")
_RISKS: Final = ("red", "yellow", "green", "none")
_WORDS: Final = ("Va mieux; parle de reprendre ses cours.", "A eu peur samedi.", "Cherche un logement.")
_A_WEEK: Final = timedelta(weeks=1)
#: So many weeks in a row somebody catches up on at most, and from how many on they call it that.
_IN_A_ROW: Final = 10
_BEHIND: Final = 3
#: So many minutes in one meeting are asked about before they are saved.
_VERY_LONG: Final = 400


def monday(me: Visit, weeks_ago: int = 0) -> date:
    """The Monday of this week, or of one that is over."""
    return me.today - timedelta(days=me.today.weekday()) - weeks_ago * _A_WEEK


def write_weeks(me: Visit, row: dict[str, Any]) -> None:
    """Write the row of last week, or late those of weeks before; some are never written."""
    noted: dict[str, str] = me.memory.setdefault("noted", {})
    last = monday(me, 1)
    upto = date.fromisoformat(noted.get(row["id"], row["opened_on"]))
    if noted.get(row["id"], "") >= last.isoformat() or last + timedelta(days=6) < upto or me.may(0.25):
        return
    behind = min((last - upto).days // 7, _IN_A_ROW - 1)
    noted[row["id"]] = last.isoformat()
    if me.may(0.04):
        return
    catches_up = behind >= _BEHIND and me.may(0.5)
    for weeks in reversed(range(1, behind + 2 if catches_up else 2)):
        write_week(me, row["id"], monday(me, weeks))


def write_week(me: Visit, follow_up_id: str, week: date) -> None:
    """Write the row of a week, whole or as one types; now and then over what another window shows otherwise."""
    here, said = f"/follow-ups/{follow_up_id}/notes/{week}", whole_row(me)
    if me.may(0.05):
        said["complete"] = False
        me.memory["noted"][follow_up_id] = ""
    if me.may(0.05):
        said["seen"] = me.chance.randint(0, 1)
    if me.may(0.2):
        _as_one_types(me, here, said)
        return
    done = me.put(here, said)
    if done.code == "minutes.long" and me.may(0.8):
        right = {"confirmed": True} if me.may(0.4) else {"minutes": _VERY_LONG // 10}
        me.put(here, said | right)


def whole_row(me: Visit) -> dict[str, Any]:
    """What is said of a week: seldom all that the workbook has, and now and then what cannot be."""
    met = me.chance.choices((0, 1, 2, 3), weights=(25, 50, 20, 5))[0]
    otherwise = me.chance.sample(_OTHERWISE, me.chance.choice((1, 2))) if me.may(0.4) else []
    said: dict[str, Any] = {"met": met, "minutes": met * me.chance.randint(20, 90), "communications": otherwise}
    if met and me.may(0.03):
        said |= {"met": 1, "minutes": _VERY_LONG}
    if not met and not otherwise:
        said["why_none"] = me.chance.choice(_WHY_NONE) if me.may(0.97) else None
        said["why_other"] = "Fugue." if said["why_none"] == "other" and me.may(0.9) else ""
    if met and me.may(0.7):
        said |= {"need": me.chance.choice(_NEEDS), "activity_type": me.chance.choice(_ACTIVITIES)}
        said |= {"main_activity": "Démarches", "worker_satisfaction": me.chance.choice(_SATISFIED)}
        said["participant_satisfaction"] = me.chance.choice(_SATISFIED) if me.may(0.8) else None
    if me.may(0.6):
        said["summary"] = me.chance.choice(_WORDS)
    if me.may(0.1):
        said |= {"other_information": "Change d’école.", "other_workers": "L’autre intervenante a appelé."}
    return said


def _as_one_types(me: Visit, here: str, said: dict[str, Any]) -> None:
    """Save what can be chosen first, and then the words, over the version that the page was given."""
    words = {name: value for name, value in said.items() if name in ("summary", "other_information", "other_workers")}
    first = me.put(here, {name: value for name, value in said.items() if name not in words} | {"complete": None})
    if first.is_done and words:
        me.put(here, words | {"seen": first["version"], "complete": True})


@does("youth_worker", chance=0.12)
def write_what_cannot_be(me: Visit) -> None:
    """Write a week that has not begun, one of long ago, or one of somebody whom one follows no more."""
    rows = [row["id"] for row in caseload(me)]
    if rows and me.may(0.6):
        which = me.chance.choice(rows)
        weeks = -1 if me.may(0.5) else me.chance.randint(11, 60)
        done = me.put(f"/follow-ups/{which}/notes/{monday(me, weeks)}", whole_row(me))
        never(me, done, "a week that has not begun, or of long ago, was written")
        return
    left = [one for one in me.memory.get("noted", {}) if one not in rows]
    if left:
        which = me.chance.choice(left)
        # Where it came back since the list was seen, or fell to one who acts for them, it is right.
        me.put(f"/follow-ups/{which}/notes/{monday(me, 1)}", whole_row(me))


@does("youth_worker", chance=0.1)
def rewrite_a_week(me: Visit) -> None:
    """Correct a week that is written: as the page shows it, or as another window showed it before."""
    rows = caseload(me)
    if not rows:
        return
    here = f"/follow-ups/{me.chance.choice(rows)['id']}"
    whole = me.get(here)
    if not whole.is_done or not whole["notes"]:
        return
    note = me.chance.choice(whole["notes"][:4])
    words = {"summary": me.chance.choice(_WORDS), "complete": None}
    path = f"{here}/notes/{note['week']}"
    stale = me.put(path, words | {"seen": note["version"] - 1})
    never(me, stale, "words were saved over a version that its writer had not seen")
    if note["written_by"] != str(me.me.id):
        never(me, me.put(path, words), "another person’s words were saved over by who says no version")
    me.put(path, words | {"seen": note["version"]})


# ------------------------------------------------------------------------------- what goes with the weeks of a case


@does("youth_worker", chance=0.25)
def prepare_the_committee(me: Visit) -> None:
    """Raise what the committee is to speak of, word it anew, take it back, and mark what the work was about."""
    rows = [row for row in caseload(me) if row["state"] == "active"]
    for row in me.chance.sample(rows, min(2, len(rows))):
        here = f"/follow-ups/{row['id']}"
        if me.may(0.6):
            words = me.chance.choice(_WORDS) if me.may(0.97) else ""
            raised = me.put(f"{here}/issue", {"words": words, "urgent": me.may(0.15)})
            if raised.is_done and me.may(0.15):
                me.post(f"{here}/issue/taking-back", {"version": 0} if me.may(0.1) else {})
        if me.may(0.5):
            _mark(me, here)


def _mark(me: Visit, here: str) -> Answer:
    chosen = me.chance.sample(_PROCESSES, me.chance.randint(0, 2))
    week = monday(me, me.chance.choice((0, 0, 1))) if me.may(0.95) else me.today + _A_WEEK
    return me.put(f"{here}/processes", {"week": week.isoformat(), "processes": chosen})


@does("youth_worker", chance=0.15)
def record_questionnaires(me: Visit) -> None:
    """Write down that a questionnaire of the research was filled in, at its time, too early, or not after all."""
    rows = caseload(me)
    if not rows:
        return
    here = f"/follow-ups/{me.chance.choice(rows)['id']}"
    whole = me.get(here)
    if not whole.is_done:
        return
    done = {one["n"]: one for one in whole["self_reports"] if one["done_on"]}
    n = 2 if 1 in done or me.may(0.05) else 1
    said: dict[str, Any] = {"done_on": me.today.isoformat(), "risk": me.chance.choice(_RISKS)}
    if n in done:
        said = {"done_on": None, "risk": None} if me.may(0.2) else said
        said["seen"] = done[n]["version"]
    me.put(f"{here}/self-reports/{n}", said)
