"""Admissions: a worker meets a candidate, explains the consents and assesses the risk; the coordinator admits them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from simulation.hands import Answer
from simulation.people.consents import born, learn_birth, sign_also, sign_everything
from simulation.people.triage import pair_of
from simulation.visits import Visit, does
from simulation.work_seen import asked, file_of

_OF_WORKER: Final = ("make_contact", "first_meeting", "consent", "risk")


@does("youth_worker", "coordinator")
def meet_candidates(me: Visit) -> None:
    """Go on with those whom one is to meet, as one's work shows them. The coordinator leaves it to a worker."""
    for file, steps in _theirs(me):
        if "youth_worker" not in me.roles and me.may(0.97):
            continue
        if me.may(0.35):
            continue
        if "make_contact" in steps or "first_meeting" in steps:
            _meet(me, file)
        else:
            _prepare(me, file, steps)


def _theirs(me: Visit) -> Iterator[tuple[str, set[str]]]:
    """Whom one is to meet, each with the steps that are open now."""
    steps: dict[str, set[str]] = {}
    for task in me.work():
        if task["step"] in _OF_WORKER and task["state"] == "open" and task["case_id"]:
            steps.setdefault(task["case_id"], set()).add(task["step"])
    for case_id, open_now in steps.items():
        file = file_of(me, case_id)
        if file is not None:
            yield file, open_now


def _meet(me: Visit, file: str) -> None:
    here = f"/participants/{file}"
    asks_again: dict[str, date] = me.memory.setdefault("asks_again", {})
    if asks_again.get(file, me.today) > me.today and me.may(0.95):
        return
    born(me, file)
    if me.may(0.04):
        me.post(f"{here}/declining")
        return
    if me.may(0.03):
        me.post(f"{here}/barred", {"person_id": str(me.me.id)})
        return
    outcome = me.chance.choices(("commits", "thinks", "declines"), weights=(66, 24, 10))[0]
    said: dict[str, Any] = {
        "met_on": (me.today - timedelta(days=me.chance.randint(0, 2))).isoformat(),
        "way": "in_person" if me.may(0.8) else "remote",
        "outcome": outcome,
        "with_second": me.may(0.3),
    }
    if outcome == "thinks":
        asks_again[file] = me.today + timedelta(days=me.chance.randint(5, 21))
        said["back_on"] = asks_again[file].isoformat()
    if me.may(0.03):
        said["met_on"] = (me.today + timedelta(days=3)).isoformat()
    met = me.post(f"{here}/meetings", said)
    if met.code == "first_meeting.second":
        met = me.post(f"{here}/meetings", {**said, "with_second": False})
    if met.is_done and outcome == "commits" and me.may(0.4):
        sign_everything(me, file)


def _prepare(me: Visit, file: str, steps: set[str]) -> None:
    here = f"/participants/{file}"
    if me.may(0.02):
        me.post(f"{here}/recruiting")
    if "consent" in steps and me.may(0.8):
        sign_everything(me, file)
    if "risk" in steps and me.may(0.8):
        level = me.chance.choice(("red", "yellow", "green", "none"))
        me.post(f"{here}/risks", {"level": level, "why": "Un réseau la cherche." if me.may(0.9) else ""})


# ---------------------------------------------------------------------------------------------------- the coordinator


@does("coordinator")
def admit_who_is_ready(me: Visit) -> None:
    """Store what was signed, and give the number, where one's work asks for it."""
    done: set[str] = set()
    for task in asked(me, "store_consent", "number"):
        file = file_of(me, task["case_id"]) if task["case_id"] else None
        if file is None or file in done or task["state"] != "open" or me.may(0.3):
            continue
        done.add(file)
        shown = me.get(f"/participants/{file}")
        if shown.is_done:
            store(me, file, shown)
            _admit(me, file, shown)
    for task in asked(me, "consent.store"):
        shown = me.get(f"/participants/{task['item']}")
        if shown.is_done and me.may(0.7):
            store(me, task["item"], shown)


def store(me: Visit, file: str, shown: Answer) -> None:
    """Keep the signed forms that are not kept yet."""
    for one in shown["consent_forms"]:
        if one["stored_at"]:
            continue
        given = None if one["copy_given_on"] or me.may(0.05) else me.today.isoformat()
        me.post(f"/participants/{file}/consent-forms/{one['id']}/storing", {"copy_given_on": given})


def _admit(me: Visit, file: str, shown: Answer) -> None:
    here = f"/participants/{file}"
    ready = any(one["purpose"] == "program" and not one["withdrawn_on"] for one in shown["consents"]) and shown["risk"]
    if not ready and me.may(0.97):
        return
    if shown["never_with_others"] and shown["risk_to_others"] is None and me.may(0.9):
        return  # the committee assesses it first
    seen = shown["version"] if me.may(0.05) else None
    given = me.post(f"{here}/number", if_match="*" if seen is None else f'"{seen}"')
    if given.is_done:
        me.memory.setdefault("by_reference", {})[given["number"]] = file
    elif given.code == "admission.second_not_agreed" and shown["worker_id"]:
        if me.may(0.6):
            me.put(f"{here}/worker", {"worker_id": shown["worker_id"]})
        elif shown["second_id"]:
            place = _place_of(me, shown["second_id"])
            if place:
                sign_also(me, file, place, worker_id=shown["worker_id"])
        me.post(f"{here}/number")
    elif given.code == "admission.age_unknown":
        learn_birth(me, file)
        me.post(f"{here}/number")
    elif given.code in ("admission.age", "admission.recruiter_refused"):
        refuse_after_all(me, file, shown)


def _place_of(me: Visit, person_id: str) -> str:
    person = me.get(f"/people/{person_id}")
    return str(person["roles"][0]["organization_id"]) if person.is_done and person["roles"] else ""


@does("coordinator")
def find_whoever_is_missing(me: Visit) -> None:
    """Name another worker to a candidate who has none, and refuse whom the committee found too great a risk."""
    for task in asked(me, "admission.assign"):
        if me.may(0.7):
            named = pair_of(me, f"/participants/{task['item']}")
            if named:
                me.put(f"/participants/{task['item']}/worker", named)
    for task in asked(me, "recruiter.refuse"):
        shown = me.get(f"/participants/{task['item']}")
        if shown.is_done and me.may(0.8):
            refuse_after_all(me, task["item"], shown)


def refuse_after_all(me: Visit, file: str, shown: Answer) -> None:
    """Open the triage again, and say that the person is not admitted."""
    here = f"/participants/{file}"
    for referral in shown["referrals"][:1]:
        if referral["state"] == "triaged":
            me.post(f"{here}/triage/taking-back", {"referral_id": referral["id"]})
        said = {
            "referral_id": referral["id"],
            "result": "refused",
            "reason": "Hors des critères.",
            "offered": "Ailleurs.",
        }
        me.post(f"{here}/triage", said)
