"""Consents: explained and signed by purpose and partner, signed anew, narrowed and taken back, as the person says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from simulation.hands import Answer
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


def sign_everything(me: Visit, file: str) -> None:
    """Have the consent to the program signed, and those to share with partners, mostly that of the second."""
    signed = sign(me, file, "program")
    if not signed.is_done:
        return
    places = _partners(me)
    chosen = me.chance.sample(places, k=min(len(places), me.chance.randint(0, 2)))
    second = signed["second_id"]
    if second and me.may(0.95):
        person = me.get(f"/people/{second}")
        chosen += [role["organization_id"] for role in person["roles"]][:1] if person.is_done else []
    for place in dict.fromkeys(chosen):
        sign(me, file, "sharing" if me.may(0.93) else "referral", place)


def sign(me: Visit, file: str, purpose: str, place: str = "", *, worker_id: str = "") -> Answer:
    """Record a signed form, by whom the age allows it; where that is not known, it is found out."""
    said: dict[str, Any] = {
        "purpose": purpose,
        "explained_on": (me.today - timedelta(days=me.chance.randint(0, 6))).isoformat(),
        "signed_on": me.today.isoformat(),
        "worker_signed_on": me.today.isoformat(),
        "signed_by": _signer(me, file),
        "language": "fr" if me.may(0.8) else "en",
        "limits_stated": me.may(0.99),
        "copy_given_on": me.today.isoformat() if me.may(0.7) else None,
        "again_at_18": me.may(0.2),
    }
    if place:
        said["organization_id"] = place
    if worker_id:
        said["worker_id"] = worker_id
    if me.may(0.12):
        said["ends_on"] = (me.today + timedelta(days=me.chance.randint(60, 500))).isoformat()
    path = f"/participants/{file}/consents"
    done = me.post(path, said)
    if done.code in ("consent.age_unknown", "consent.own", "consent.too_young", "consent.limits"):
        if done.code == "consent.age_unknown":
            learn_birth(me, file)
        done = me.post(path, {**said, "signed_by": _signer(me, file, errs=0.0), "limits_stated": True})
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
    shown = me.get(here)
    if not shown.is_done:
        return
    for one in shown["consents"]:
        if one["review_since"] is None or one["withdrawn_on"] or one["replaced_at"]:
            continue
        if me.may(0.9):
            sign(me, file, one["purpose"], one["organization_id"] or "")
        else:
            take_back(me, file, one["id"])


def _go_on(me: Visit, file: str) -> None:
    if me.may(0.5):
        me.post(f"/participants/{file}/consents/going-on")
    elif "youth_worker" in me.roles:
        sign(me, file, "program")


def take_back(me: Visit, file: str, consent_id: str) -> None:
    """Record that somebody takes a consent back, mostly once it was read to them what follows."""
    path = f"/participants/{file}/consents/{consent_id}/withdrawal"
    if me.may(0.4):
        me.post(path, {"really": False})
    me.post(path, {"really": True})
