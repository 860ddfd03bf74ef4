"""The research: studies, exports that one asks for and another approves, their files, and who of staff consents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from simulation.people.sly import never
from simulation.people.staff import in_role
from simulation.visits import Visit, does

#: So many studies go on at once, about.
_AT_ONCE: Final = 2
_FILES: Final = ("data.csv", "codebook.csv", "redcap.csv", "workbook.xlsx")
_OF_RESEARCH: Final = ("researcher", "research_coordinator")
_INTERVIEWED: Final = ("youth_worker", "manager")


@does("research_coordinator")
def keep_studies(me: Visit) -> None:
    """Open a study, name who receives it, ask for what is known by now, and end one that is done."""
    studies = [one for one in me.items("/studies", limit=10) if one["ended_at"] is None]
    if len(studies) < _AT_ONCE and me.may(0.3):
        _open(me)
    for study in studies:
        _go_on(me, study)


def _open(me: Visit) -> None:
    fields = [one["key"] for one in me.items("/research-fields")]
    if not fields:
        return
    months = me.chance.randint(0, 10), me.chance.randint(2, 12)
    said = {
        "title_fr": "Ce qui aide",
        "title_en": "What helps",
        "purpose_fr": "Décrire les suivis.",
        "purpose_en": "Describe the follow-ups.",
        "ethics_body": "Comité d’éthique",
        "ethics_reference": f"CER-{me.chance.randint(100, 999)}",
        "ethics_ends_on": (me.today + timedelta(days=-1 if me.may(0.05) else me.chance.randint(20, 400))).isoformat(),
        "first_month": (me.today - timedelta(days=30 * months[0])).isoformat(),
        "last_month": (me.today + timedelta(days=30 * months[1])).isoformat(),
        "fields": me.chance.sample(fields, min(len(fields), me.chance.randint(2, 8))),
    }
    opened = me.post("/studies", said)
    if opened.is_done and me.may(0.9):
        _name(me, opened["id"])


def _name(me: Visit, study_id: str) -> None:
    whom = _people(me, *_OF_RESEARCH) if me.may(0.95) else _people(me, *_INTERVIEWED)
    if whom:
        me.post(f"/studies/{study_id}/recipients", {"person_id": me.chance.choice(whom)})


def _people(me: Visit, *roles: str) -> list[str]:
    return [one["id"] for role in roles for one in in_role(me, role)]


def _go_on(me: Visit, study: dict[str, Any]) -> None:
    here, seen = f"/studies/{study['id']}", f'"{study["version"]}"'
    if study["ethics_ends_on"] < (me.today + timedelta(days=30)).isoformat() and me.may(0.4):
        day = (me.today + timedelta(days=me.chance.choice((-3, 200, 365)))).isoformat()
        me.put(f"{here}/ethics", {"ethics_reference": "CER-renouvelé", "ethics_ends_on": day}, if_match=seen)
    elif me.may(0.4):
        _ask(me, here)
    elif me.may(0.1):
        _name(me, study["id"])
    elif me.may(0.02):
        me.post(f"{here}/end", if_match=seen)


def _ask(me: Visit, here: str) -> None:
    """Ask for an export; sometimes they take it back, or try to approve it themselves."""
    asked = me.post(f"{here}/exports")
    if not asked.is_done:
        return
    export = next((one for one in asked["exports"] if one["state"] == "asked"), None)
    if export is None:
        return
    if me.may(0.1):
        never(me, me.post(f"/study-exports/{export['id']}/approval"), "who asked for an export approved it")
    elif me.may(0.08):
        me.post(f"/study-exports/{export['id']}/taking-back")


@does("privacy_officer", chance=0.8)
def answer_exports(me: Visit) -> None:
    """Read what an export would hold, and approve or refuse it; now and then what was asked anew meanwhile."""
    for study in me.items("/studies", limit=5):
        if study["ended_at"] is not None or me.may(0.3):
            continue
        shown = me.get(f"/studies/{study['id']}")
        waits = [one for one in shown["exports"] if one["state"] == "asked"] if shown.is_done else []
        for one in waits:
            answer = "refusal" if me.may(0.12) else "approval"
            seen = one["version"] + (me.may(0.03))
            me.post(f"/study-exports/{one['id']}/{answer}", if_match=f'"{seen}"')


@does("researcher", "research_coordinator", chance=0.6)
def receive_exports(me: Visit) -> None:
    """Have a file of an export, if one is named in its study and it can still be made; look at what is to remove."""
    for study in me.items("/studies", limit=3):
        shown = me.get(f"/studies/{study['id']}")
        made = [one for one in shown["exports"] if one["state"] in ("made", "closed")] if shown.is_done else []
        if made and me.may(0.6):
            which = made[0] if me.may(0.7) else me.chance.choice(made)
            me.get(f"/study-exports/{which['id']}/{me.chance.choice(('fr', 'en'))}/{me.chance.choice(_FILES)}")


@does("research_coordinator", chance=0.7)
def keep_consents_of_staff(me: Visit) -> None:
    """Write down that somebody of the staff signed, or takes it back; of who is not asked, it is refused."""
    if me.may(0.6):
        people = _people(me, *_INTERVIEWED)
        if people:
            day = (me.today - timedelta(days=me.chance.randint(-1, 10))).isoformat()
            me.post("/staff-research-consents", {"person_id": me.chance.choice(people), "signed_on": day})
        return
    stand = [one for one in me.items("/staff-research-consents", limit=20) if one["withdrawn_on"] is None]
    if stand and me.may(0.5):
        me.post(f"/staff-research-consents/{me.chance.choice(stand)['person_id']}/withdrawal")
