"""What a committee decides while it sits: on an item or on none, owed by a role, or to be endorsed by the partners."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from simulation.people.dates_known import day_of, moment_of
from simulation.visits import Visit, at_table, does

TEXTS: Final = (
    ("Réserver la salle pour la saison.", "Book the room for the season."),
    ("Réviser le calendrier des rencontres.", "Review the calendar of meetings."),
    ("Rencontrer le partenaire d’ici un mois.", "Meet the partner within a month."),
    ("Préparer un bilan pour la prochaine rencontre.", "Prepare a report for the next meeting."),
    ("Ajouter une heure de supervision par mois.", "Add an hour of supervision each month."),
    ("Mettre à jour la procédure d’urgence.", "Update the emergency procedure."),
)
KINDS: Final = ("other", "management", "clinical")
#: How a decision's number looks, by which an item names it.
_NUMBER: Final = re.compile(r"\b[A-Z]+-\d{4}-\d+\b")

Meeting = dict[str, Any]


def decide_something(me: Visit, meeting: Meeting, item: dict[str, Any], on_agenda: dict[str, Any]) -> bool:
    """Decide on an item; whether that was done."""
    said = _decision(me, meeting)
    said |= {"item_id": item["id"], "seen": item["version"]}
    if on_agenda.get("is_asked") and on_agenda.get("purpose") == "decision":
        said["grants"] = me.may(0.5)
    return _record(me, meeting, said)


@at_table
def decide_beside_the_agenda(me: Visit, meeting: Meeting) -> None:
    """Decide something that stands on no agenda, or take back what the committee decided before."""
    if me.may(0.08):
        _record(me, meeting, _decision(me, meeting))
    if me.may(0.05):
        _take_back(me, meeting)


def _decision(me: Visit, meeting: Meeting) -> dict[str, Any]:
    french, english = me.chance.choice(TEXTS)
    kind = me.chance.choices(KINDS, weights=(60, 25, 15))[0]
    said: dict[str, Any] = {"kind": kind, "text_fr": french, "text_en": english if me.may(0.7) else ""}
    if kind != "management" and me.may(0.5):
        said["why_not_management"] = "Ne touche pas la gestion"
    if me.may(0.55):
        said |= _owed(me, meeting)
    if day_of(meeting) != me.today:
        said["decided_at"] = (moment_of(meeting) + timedelta(minutes=me.chance.randint(10, 60))).isoformat()
    return said


def _owed(me: Visit, meeting: Meeting) -> dict[str, Any]:
    """By whom a decision is carried out, and by which day: a role that the committee's own page has."""
    seats = _seats_of(me, meeting["committee"])
    if not seats:
        return {}
    role, organization = me.chance.choice(seats)
    due = max(me.today, day_of(meeting)) + timedelta(days=me.chance.choice((7, 14, 30, 60)))
    said = {"owner_role": role, "due_on": due.isoformat()}
    return said | ({"owner_organization_id": organization} if me.may(0.7) else {})


def _seats_of(me: Visit, committee: str) -> list[list[str]]:
    known: dict[str, list[list[str]]] = me.memory.setdefault("seats_of", {})
    if committee not in known:
        shown = me.get(f"/committees/{committee}")
        seats = shown["seats"] if shown.is_done else []
        known[committee] = [[one["role"], one["organization_id"]] for one in seats]
    return known[committee]


def _record(me: Visit, meeting: Meeting, said: dict[str, Any]) -> bool:
    done = me.post(f"/meetings/{meeting['id']}/decisions", said, if_match="*")
    if done.is_done and isinstance(done.body, dict) and not done["text_en"]:
        me.memory.setdefault("untranslated", []).append(done["id"])
    return done.is_done


def _take_back(me: Visit, meeting: Meeting) -> None:
    """Take back a decision of this committee that is still in effect."""
    rows = me.items("/decisions", committee=meeting["committee"], limit=20)
    able = [one for one in rows if one["state"] in ("open", "standing") and one["endorsement"] != "objected"]
    if not able:
        return
    earlier = me.chance.choice(able)
    kind = "management" if earlier["needs_endorsement"] else earlier["kind"]
    said = {**_decision(me, meeting), "kind": kind, "takes_back": [earlier["number"]]}
    _record(me, meeting, said)


@at_table
def settle_objections(me: Visit, meeting: Meeting) -> None:
    """Settle what partners object to, where it stands on this agenda: keep the decision, or take it back."""
    titles = [f"{one['title_fr']} {one['title_en']}" for one in meeting["on_agenda"] if one["purpose"] == "decision"]
    if not any(_NUMBER.search(title) for title in titles):
        return
    for row in me.items("/decisions", open=True, limit=40):
        is_objected = row["endorsement"] == "objected" and any(row["number"] in title for title in titles)
        if is_objected and me.may(0.85):
            _settle(me, meeting, row)


def _settle(me: Visit, meeting: Meeting, decision: dict[str, Any]) -> None:
    french, english = me.chance.choice(TEXTS)
    said: dict[str, Any] = {"meeting_id": meeting["id"], "text_fr": french, "text_en": english}
    said["settled_as"] = "kept" if me.may(0.6) else "taken_back"
    if day_of(meeting) != me.today:
        said["decided_at"] = (moment_of(meeting) + timedelta(minutes=45)).isoformat()
    me.post(f"/decisions/{decision['id']}/settlement", said)


@does("coordinator", chance=0.15)
def translate_decisions(me: Visit) -> None:
    """Write a decision in the language that its meeting left out."""
    translate_one(me)


def translate_one(me: Visit) -> bool:
    """Write one of the decisions in English that have no English words; whether there was one."""
    left: list[str] = me.memory.get("untranslated", [])
    if left:
        said = {"language": "en", "text": me.chance.choice(TEXTS)[1]}
        me.post(f"/decisions/{left.pop(0)}/translation", said)
        return True
    return False


@does("coordinator", chance=0.02)
def read_the_register(me: Visit) -> None:
    """Read what is open of all that was decided; now and then the year of one committee, as a paper."""
    rows = me.items("/decisions", open=True, limit=20)
    committees = sorted(me.memory.get("seats_of", {}))
    if rows and committees and me.may(0.3):
        register = f"/committees/{me.chance.choice(committees)}/decisions"
        me.get(register, limit=10)
        if me.may(0.3):
            me.get(f"{register}/{me.today.year}/fr/docx")
