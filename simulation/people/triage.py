"""The triage: the coordinator reads what came, looks at each criterion, and says where the referral goes."""

from __future__ import annotations

from typing import Any, Final

from simulation.visits import Visit, does
from simulation.work_seen import asked

_CRITERIA: Final = ("AD-C0", "AD-C2", "AD-C3", "AD-C5")
_RECRUITS: Final = "AD-C4"
_SAID: Final = "Dit à la rencontre."
#: How many birth dates, names and telephones two files share that are of one person.
_ALIKE: Final = 3


@does("coordinator", chance=0.9)
def triage_what_came(me: Visit) -> None:
    """Look at what came, the longest waiting first, and triage some of it."""
    page = me.get("/referrals")
    if not page.is_done:
        return
    known: dict[str, str] = me.memory.setdefault("by_reference", {})
    for row in [*page["received"], *page["under_way"]]:
        known[row["candidate_ref"]] = row["participant_id"]
        if row["number"]:
            known[row["number"]] = row["participant_id"]
    for row in page["received"][:3]:
        if me.may(0.7):
            _look_at(me, row)
    for row in page["under_way"]:
        if row["state"] == "triaged" and me.may(0.004):
            me.post(f"/participants/{row['participant_id']}/triage/taking-back", {"referral_id": row["id"]})


def _look_at(me: Visit, row: dict[str, Any]) -> None:
    here = f"/participants/{row['participant_id']}"
    me.post(f"{here}/facts", {"purpose": ""})
    if me.may(0.3):
        me.post(f"{here}/identity", {"purpose": me.chance.choice(["", "who_follows", "urgent_help"])})
    if row["perhaps_known"] and _join(me, here, row):
        return
    if me.may(0.07):
        _correct(me, here)
    if me.may(0.08):
        wanted = me.chance.sample(["setting", "contact_note", "AD-C2", "AD-C5"], 2)
        me.post(f"{here}/questions", {"referral_id": row["id"], "missing": wanted}, if_match="*")
    if not row["recruiter"] and me.may(0.06):
        _send_at_once(me, here, row)
        return
    found = find_all(me, here, row["id"], recruits=row["recruiter"])
    if me.may(0.05):
        return  # they go on another day
    _decide(me, here, row, found)


def _correct(me: Visit, here: str) -> None:
    """Write down what was learned of them since, or a day that cannot be."""
    wrong = me.may(0.1)
    me.put(f"{here}/identity", {"birth_date": "2099-01-01"} if wrong else {"contact_note": "Le matin seulement"})


def _join(me: Visit, here: str, row: dict[str, Any]) -> bool:
    """Say that it is about somebody who is known, where it seems so; whether it was said."""
    alike = me.post(f"{here}/duplicates")
    if not alike.is_done:
        return False
    for one in alike.body:
        sure = one["same_birth"] and one["shared"] >= _ALIKE - 1
        if (sure or one["shared"] >= _ALIKE) and me.may(0.9):
            said = {"referral_id": row["id"], "to": one["participant_id"], "reason": "Même nom, même téléphone."}
            return me.post(f"{here}/joining", said).is_done
    return False


def find_all(me: Visit, here: str, referral_id: str, *, recruits: bool, sure: bool = False) -> dict[str, str]:
    """Say how each criterion is found, in one save; what the file then tells of each."""
    asked = (*_CRITERIA, *([_RECRUITS] if recruits else []))
    said = {one: _said_of(me, one, sure=sure) for one in asked}
    if me.may(0.02):
        said["AD-C0"] = {"finding": "met", "fact": ""}  # refused, and nothing of all is saved
    found = me.put(f"{here}/findings", {"referral_id": referral_id, "findings": said}, if_match="*")
    if not found.is_done:
        return {}
    return {one["criterion"]: str(one["finding"]) for one in found["criteria"]}


def _said_of(me: Visit, criterion: str, *, sure: bool) -> dict[str, Any]:
    finding = "met" if sure else me.chance.choices(("met", "unknown", "not_met"), weights=(91, 6, 3))[0]
    said: dict[str, Any] = {"finding": finding, "fact": "" if finding == "unknown" else _SAID}
    if criterion == "AD-C3" and finding != "met" and me.may(0.8):
        said |= {"admit_all_the_same": True, "why": "Elle est en danger."}
    return said


def _send_at_once(me: Visit, here: str, row: dict[str, Any]) -> None:
    """Send somebody straight to a worker before anything is found: it is owed by the next committee."""
    said = {"referral_id": row["id"], "result": "forwarded", "reason": "Danger ce soir."} | pair_of(me, here)
    me.post(f"{here}/triage", said, if_match="*")


@does("coordinator")
def find_what_is_owed(me: Visit) -> None:
    """Confirm the criteria of those who went straight to a worker; who is not within them is triaged again."""
    for task in asked(me, "triage.owed"):
        here = f"/participants/{task['item']}"
        shown = me.get(here)
        if not shown.is_done or me.may(0.3):
            continue
        referral = next((one for one in shown["referrals"] if one["state"] == "triaged"), None)
        if referral is not None:
            recruits = bool(shown["never_with_others"])
            found = find_all(me, here, referral["id"], recruits=recruits, sure=me.may(0.9))
            if "not_met" in found.values() and me.may(0.8):
                me.post(f"{here}/triage/taking-back", {"referral_id": referral["id"]})


def _decide(me: Visit, here: str, row: dict[str, Any], found: dict[str, str]) -> None:
    said: dict[str, Any] = {"referral_id": row["id"], "result": "committee"}
    blocked = [one for one, finding in found.items() if finding == "not_met" and one != "AD-C3"]
    if blocked and me.may(0.9):
        said |= {"result": "refused", "reason": "Hors des critères.", "offered": "Une autre ressource."}
        said["offers"] = ["community"]
    elif not row["recruiter"] and me.may(0.12):
        said |= {"result": "forwarded", "reason": "Danger immédiat."} | pair_of(me, here)
    seen = row["version"] - 1 if me.may(0.03) else None  # as another window shows it
    done = me.post(f"{here}/triage", said, if_match="*" if seen is None else f'"{seen}"')
    if done.code in ("triage.not_met", "triage.not_known", "triage.precontemplation") and me.may(0.8):
        other = "committee" if done.code == "triage.not_known" else "refused"
        said |= {"result": other, "reason": "Hors des critères.", "offered": "Une écoute."}
        done = me.post(f"{here}/triage", said)
    if done.is_done and said["result"] == "refused":
        me.memory.setdefault("not_admitted", []).append(row["participant_id"])


def pair_of(me: Visit, here: str) -> dict[str, Any]:
    """Who is to follow somebody, and who with them, as the proposals say; sometimes one who may not."""
    rows = me.items(f"{here}/proposals")
    able = me.memory["workers"] = [one["person_id"] for one in rows if not one["bars"]]
    best = sorted((one for one in rows if one["place_in_pair"]), key=lambda one: one["place_in_pair"])
    chosen = [one["person_id"] for one in best] if best and me.may(0.8) else able[: 1 + me.may(0.6)]
    if rows and me.may(0.03):
        chosen = [me.chance.choice(rows)["person_id"]]
    if not chosen:
        return {}
    return {"worker_id": chosen[0], "second_id": chosen[1] if len(chosen) > 1 and me.may(0.8) else None}


@does("coordinator")
def say_what_they_hear(me: Visit) -> None:
    """Say what who referred a known person hears, some days after: a worker, a no, or nothing more."""
    for task in asked(me, "referral.answer"):
        if me.may(0.6):
            continue
        hears = me.chance.choices(("worker", "not_admitted", "nothing"), weights=(70, 15, 15))[0]
        said: dict[str, Any] = {"hears": hears, "offers": ["health"] if hears == "not_admitted" else []}
        if hears == "worker" and (able := me.memory.get("workers")):
            said["worker_id"] = me.chance.choice(able)
        me.post(f"/referrals/{task['item']}/hearing", said)


@does("coordinator")
def finish_what_others_left(me: Visit) -> None:
    """Throw a draft away whose author left, or send it as it is."""
    for task in asked(me, "referral.unfinished"):
        draft = me.get(f"/referrals/{task['item']}")
        if not draft.is_done:
            continue
        if me.may(0.6):
            me.do("DELETE", f"/referrals/{task['item']}")
            continue
        written = {name: said for name, said in draft.body.items() if name not in ("id", "state", "version")}
        me.post(f"/referrals/{task['item']}/sending", written)
