"""How a file ends: kept longer, held by the law, and destroyed by two; and consents to research, by number alone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from simulation.visits import Visit, does
from simulation.work_seen import asked

_WHY: Final = "Un juge le demande."
_ENDED: Final = ("refused", "declined", "admitted")
#: A number is two figures at least.
_NUMBER: Final = "#{year}-{n:02}"


@does("coordinator")
def end_files(me: Visit) -> None:
    """Have a file destroyed whose last day is over, or say why it is kept."""
    for task in asked(me, "retention.destroy"):
        file, does_what = task["item"], me.chance.random()
        if does_what < 0.4:
            _ask_to_destroy(me, file, "calendar", "")
        elif does_what < 0.45:
            day = (me.today + timedelta(days=me.chance.choice((-10, 200, 400)))).isoformat()
            me.put(f"/participants/{file}/retention", {"day": day, "reason": "Une recherche est en cours."})
        elif does_what < 0.48:
            _hold(me, file)


def _ask_to_destroy(me: Visit, file: str, ground: str, reason: str) -> None:
    done = me.post(f"/participants/{file}/destruction", {"ground": ground, "reason": reason})
    if done.code == "destruction.untriaged":
        done = me.post(f"/participants/{file}/destruction", {"ground": "not_triaged", "reason": "Jamais triée."})
    elif done.code == "destruction.reason.missing":
        done = me.post(f"/participants/{file}/destruction", {"ground": ground, "reason": "Son jour est passé."})
    if done.is_done:
        me.memory.setdefault("to_destroy", []).append(file)


def _hold(me: Visit, file: str) -> None:
    if me.put(f"/participants/{file}/hold", {"reason": _WHY if me.may(0.95) else ""}).is_done:
        me.memory.setdefault("held", []).append(file)


@does("coordinator", chance=0.2)
def tend_files(me: Visit) -> None:
    """Hold a file and let go of it, set another last day, take a request back, and look at what became of one."""
    known = list(dict.fromkeys(me.memory.get("by_reference", {}).values()))
    held: list[str] = me.memory.setdefault("held", [])
    to_destroy: list[str] = me.memory.setdefault("to_destroy", [])
    ended: list[str] = me.memory.get("not_admitted", [])
    if known and me.may(0.4):
        _tend(me, me.chance.choice(ended if ended and me.may(0.6) else known))
    if held and me.may(0.25):
        file = held.pop(0)
        if not me.post(f"/participants/{file}/hold/release", {"reason": "L’affaire est close."}).is_done:
            held.append(file)
    if to_destroy and me.may(0.3):
        file = me.chance.choice(to_destroy)
        if me.may(0.15):
            to_destroy.remove(file)
            me.post(f"/participants/{file}/destruction/withdrawal")
        elif me.get(f"/participants/{file}/destruction").is_done:
            to_destroy.remove(file)
    if me.may(0.2):
        _bar(me, known)


def _tend(me: Visit, file: str) -> None:
    shown = me.get(f"/participants/{file}")
    if not shown.is_done:
        return
    does_what = me.chance.random()
    if does_what < 0.3:
        _hold(me, file)
    elif does_what < 0.5:
        day = (me.today + timedelta(days=me.chance.choice((100, 3000)))).isoformat()
        me.put(f"/participants/{file}/retention", {"day": day, "reason": _WHY})
    elif shown["state"] in _ENDED and me.may(0.4):
        ground = me.chance.choice(("person_asks", "by_mistake", "law", "calendar"))
        _ask_to_destroy(me, file, ground, "La personne le demande.")


def _bar(me: Visit, known: list[str]) -> None:
    """Somebody calls: they do not want one of their workers, or let them near again."""
    barred: list[list[str]] = me.memory.setdefault("barred", [])
    if barred and me.may(0.5):
        file, person_id = barred.pop(0)
        me.do("DELETE", f"/participants/{file}/barred/{person_id}")
    elif known:
        file = me.chance.choice(known)
        shown = me.get(f"/participants/{file}")
        whom = (shown["second_id"] or shown["worker_id"]) if shown.is_done else None
        if whom and me.post(f"/participants/{file}/barred", {"person_id": whom}).is_done:
            barred.append([file, whom])


@does("privacy_officer", "manager", chance=0.5)
def weigh_destructions(me: Visit) -> None:
    """Read what is to be destroyed and why, and confirm or refuse it."""
    for row in me.items("/destructions")[:3]:
        if row["confirm_from"] > me.today.isoformat() and me.may(0.9):
            continue
        if me.may(0.4):
            _weigh(me, row["participant_id"])


def _weigh(me: Visit, file: str) -> None:
    read = me.get(f"/participants/{file}/destruction-request")
    if not read.is_done:
        return
    here = f"/participants/{file}/destruction"
    if me.may(0.12):
        me.post(f"{here}/refusal", {"seen": read["id"], "reason": "Une demande est en cours." if me.may(0.9) else ""})
        return
    knowing = [one["key"] for one in read["cautions"]]
    me.post(f"{here}/confirmation", {"seen": read["id"], "knowing": knowing if me.may(0.9) else []})


# ----------------------------------------------------------------------------------------------------------- research


@does("research_coordinator")
def keep_research_consents(me: Visit) -> None:
    """Write down the signed forms that came, by the number on each, and those that were taken back."""
    upto: dict[int, int] = me.memory.setdefault("research", {})
    for _ in range(4):
        n = upto.get(me.today.year, 0) + 1
        if not me.may(0.45):
            continue
        signed = me.today - timedelta(days=me.chance.randint(-1, 20))
        kept = _keep(me, _NUMBER.format(year=me.today.year, n=n), signed)
        if kept == "research.number":
            return
        upto[me.today.year] = n
    for row in me.items("/research-consents", limit=20):
        if row["kept_at"] is None and row["withdrawn_on"] is None and me.may(0.7):
            me.post(f"/research-consents/{row['participant_id']}/keeping")
    if me.may(0.3):
        _take_back(me)


def _keep(me: Visit, number: str, signed: date) -> str:
    kept = me.post("/research-consents", {"number": number, "signed_on": signed.isoformat()})
    return kept.code


def _take_back(me: Visit) -> None:
    rows: list[dict[str, Any]] = me.items("/research-consents", limit=20)
    standing = [row for row in rows if row["withdrawn_on"] is None]
    if standing and me.may(0.4):
        me.post(f"/research-consents/{me.chance.choice(standing)['participant_id']}/withdrawal")
