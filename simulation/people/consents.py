"""Consents: a form explained and signed once, signed anew, narrowed and taken back line by line, as the person says."""

from __future__ import annotations

from base64 import b64encode
from datetime import date, timedelta
from typing import Any, Final

from simulation.hands import Answer
from simulation.signatures import signature
from simulation.visits import Visit, does
from simulation.work_seen import asked

#: At these ages somebody signs alone, and is of age.
_ALONE: Final = 14
_OF_AGE: Final = 18
#: The age that is taken for one that nobody knows.
_PERHAPS: Final = 16


def born(me: Visit, file: str) -> date | None:
    """When somebody was born, as one read it once on their file."""
    known: dict[str, date | None] = me.memory.setdefault("born", {})
    if file not in known:
        read = me.post(f"/participants/{file}/identity", {"purpose": ""})
        if not read.is_done:
            return None
        known[file] = date.fromisoformat(read["birth_date"]) if read["birth_date"] else None
    return known[file]


def learn_birth(me: Visit, file: str) -> None:
    """Find out when somebody was born, and write it down."""
    day = me.today - timedelta(days=_PERHAPS * 365 + me.chance.randint(20, 300))
    if me.put(f"/participants/{file}/identity", {"birth_date": day.isoformat()}).is_done:
        me.memory.setdefault("born", {})[file] = day


#: A signature on a screen, or scanned: some strokes of ink.
_PNG: Final = b64encode(signature()).decode("ascii")


def sign_everything(me: Visit, file: str) -> None:
    """Have the form signed: the program, mostly some partners, above all that of the second, and perhaps research."""
    shown = me.get(f"/participants/{file}")
    if not shown.is_done:
        return
    places = _partners(me)
    chosen = me.chance.sample(places, k=min(len(places), me.chance.randint(0, 2)))
    second = shown["second_id"]
    if second and me.may(0.95):
        person = me.get(f"/people/{second}")
        chosen += [role["organization_id"] for role in person["roles"]][:1] if person.is_done else []
    ticks = [_tick(me, place, "sharing" if me.may(0.93) else "referral") for place in dict.fromkeys(chosen)]
    _sign(me, file, ticks)


def sign_also(me: Visit, file: str, place: str, *, worker_id: str = "") -> Answer:
    """Have the form signed anew, with a partner besides all that stands."""
    return _sign(me, file, [*_standing(me, file), _tick(me, place)], worker_id=worker_id)


def sign_again(me: Visit, file: str) -> Answer:
    """Have the form signed anew, as it stands."""
    return _sign(me, file, _standing(me, file))


def _tick(me: Visit, place: str, purpose: str = "sharing") -> dict[str, Any]:
    ends_on = (me.today + timedelta(days=me.chance.randint(60, 500))).isoformat() if me.may(0.12) else None
    return {"organization_id": place, "purpose": purpose, "ends_on": ends_on}


def standing(me: Visit, file: str) -> list[dict[str, Any]]:
    """The lines of somebody that stand, as their page shows them."""
    shown = me.get(f"/participants/{file}")
    rows: list[dict[str, Any]] = shown["consents"] if shown.is_done else []
    today = me.today.isoformat()
    stand = [one for one in rows if not one["withdrawn_on"] and not one["replaced_at"]]
    return [one for one in stand if one["ends_on"] is None or one["ends_on"] >= today]


def _standing(me: Visit, file: str) -> list[dict[str, Any]]:
    names = ("organization_id", "purpose", "ends_on")
    return [{name: one[name] for name in names} for one in standing(me, file) if one["organization_id"]]


def _sign(me: Visit, file: str, ticks: list[dict[str, Any]], *, worker_id: str = "") -> Answer:
    """Record a signed form, by whom the age allows it; where that is not known, it is found out."""
    drawn = not worker_id and "youth_worker" in me.roles and me.may(0.6)
    said: dict[str, Any] = {
        "explained_on": (me.today - timedelta(days=me.chance.randint(0, 6))).isoformat(),
        "signed_on": me.today.isoformat(),
        "worker_signed_on": me.today.isoformat(),
        "signed_by": _signer(me, file),
        "language": "fr" if me.may(0.8) else "en",
        "limits_stated": me.may(0.99),
        "copy_given_on": me.today.isoformat() if me.may(0.7) else None,
        "again_at_18": me.may(0.2),
        "partners": ticks,
        "research": me.may(0.4),
        "signature": {"way": "drawn" if drawn else "paper", "file_name": "" if drawn else "scan.png", "content": _PNG},
    }
    if worker_id:
        said["worker_id"] = worker_id
    if me.may(0.12):
        said["ends_on"] = (me.today + timedelta(days=me.chance.randint(60, 500))).isoformat()
    path = f"/participants/{file}/consents"
    done = me.post(path, said, if_match="*")
    if done.code in ("consent.age_unknown", "consent.own", "consent.too_young", "consent.limits"):
        if done.code == "consent.age_unknown":
            learn_birth(me, file)
        done = me.post(path, {**said, "signed_by": _signer(me, file, errs=0.0), "limits_stated": True}, if_match="*")
    return done


def _signer(me: Visit, file: str, errs: float = 0.03) -> str:
    day = born(me, file)
    age = _PERHAPS if day is None else (me.today - day).days // 365.25
    if me.may(errs):
        return me.chance.choice(("self", "parental_authority", "tutor"))
    if age < _ALONE:
        return "parental_authority" if me.may(0.9) else "tutor"
    return "tutor" if age >= _OF_AGE and me.may(0.04) else "self"


def _partners(me: Visit) -> list[str]:
    """The partners whose people sit on committees, as one saw them some months ago at most."""
    seen = me.memory.get("partners")
    if seen is None or (me.today - seen[0]).days > 150:
        seats = [seat for row in me.items("/committees") for seat in row["seats"]]
        seen = me.memory["partners"] = (me.today, list(dict.fromkeys(seat["organization_id"] for seat in seats)))
    places: list[str] = seen[1]
    return places


# ------------------------------------------------------------------------------------------ what is looked at again


@does("youth_worker", "coordinator")
def look_at_consents_again(me: Visit) -> None:
    """Speak with somebody whose consents are to be looked at again, or who took one back."""
    for task in asked(me, "consent.review", "consent.reviewed"):
        if me.may(0.3):
            _review(me, task["item"], coordinates=task["step"] == "consent.reviewed")
    for task in asked(me, "consent.speak", "consent.follows"):
        if me.may(0.4):
            _go_on(me, task["item"])


def _review(me: Visit, file: str, *, coordinates: bool) -> None:
    here = f"/participants/{file}"
    if coordinates:
        if me.may(0.4):
            me.post(f"{here}/consents/review")
        return
    due = [one for one in standing(me, file) if one["review_since"] is not None]
    if due and me.may(0.9):
        sign_again(me, file)
    elif due:
        take_back(me, file, {one["id"] for one in due})


def _go_on(me: Visit, file: str) -> None:
    if me.may(0.5):
        me.post(f"/participants/{file}/consents/going-on")
    elif "youth_worker" in me.roles:
        sign_again(me, file)


def narrow(me: Visit, file: str) -> None:
    """Record that somebody no longer wants one line, or wants it to end some weeks from now."""
    stand = standing(me, file)
    if not stand:
        return
    which = me.chance.choice(stand)["id"]
    if me.may(0.6):
        take_back(me, file, {which})
        return
    # Sometimes a day that is over, which is refused.
    day = (me.today + timedelta(days=me.chance.randint(-2, 40))).isoformat()
    _leave(me, file, {one["id"]: day if one["id"] == which else one["ends_on"] for one in stand})


def take_back(me: Visit, file: str, gone: set[str]) -> None:
    """Record that somebody takes back these lines, and perhaps what they said to research."""
    _leave(me, file, {one["id"]: one["ends_on"] for one in standing(me, file) if one["id"] not in gone})


def _leave(me: Visit, file: str, kept: dict[str, str | None]) -> None:
    lines = [{"consent_id": one, "ends_on": ends_on} for one, ends_on in kept.items()]
    said = {"kept": lines, "no_research": me.may(0.2)}
    me.post(f"/participants/{file}/consents/narrowing", said, if_match="*")
