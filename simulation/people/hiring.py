"""Recruiting: interviews by two, the choice, and naming who is hired."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from simulation.people.staff import at_place, colleagues, in_role, note, somebody_new, worked_day
from simulation.visits import Visit, does

#: Of so many applicants marks are written down.
APPLICANTS: Final = 3
#: For so long somebody waits for the marks of the other interviewer.
PATIENCE: Final = timedelta(days=12)


def marks(me: Visit, case_id: str, applicant: int) -> list[dict[str, Any]]:
    """Write down one's own marks of an applicant; how all of them stand then."""
    answer = me.post(
        f"/cases/{case_id}/interviews",
        {
            "applicant": applicant,
            "leadership": me.chance.randint(55, 95),
            "clinical": me.chance.randint(60, 98),
            "note": note(me),
        },
    )
    return list(answer.body) if answer.is_done else []


def hold_interviews(me: Visit, task: dict[str, Any]) -> None:
    """Interview applicants with somebody else, wait for their marks, and say that it is done once one passes."""
    case_id, asked = task["case_id"], me.memory.setdefault("interviewed", {})
    found = passing(me, case_id)
    if found:
        me.post(f"/tasks/{task['id']}/completion", {"note": note(me), "evidence": [], "given": {}})
        return
    until, last = asked.get(case_id, (me.today, 0))
    if found is None and until > me.today:
        return  # the other has not said yet
    if found is not None or not last:
        first, last = last + 1, last + (APPLICANTS if not last else 1)
        for applicant in range(first, last + 1):
            marks(me, case_id, applicant)
    me.memory.get("passing", {}).pop(case_id, None)
    asked[case_id] = (me.today + PATIENCE, last)
    me.tell(_second_interviewer(me, case_id), "interviews", case_id=case_id, last=last)


def passing(me: Visit, case_id: str) -> list[int] | None:
    """The applicants who pass, as the other interviewer told; None while they have not."""
    for one in me.heard("marks"):
        me.memory.setdefault("passing", {})[one["case_id"]] = one["passing"]
    found: list[int] | None = me.memory.get("passing", {}).get(case_id)
    return found


def _second_interviewer(me: Visit, case_id: str) -> str:
    """Whom somebody asks to interview with them: the coordinator, or else whoever directs where somebody is hired."""
    if "coordinator" not in me.roles and in_role(me, "coordinator"):
        return "coordinator"
    case = me.get(f"/cases/{case_id}")
    place = case["organization_id"] if case.is_done else me.at("manager")
    other = "director" if "manager" in me.roles else "manager"
    return f"{other}@{place}"


@does("coordinator", "manager", "director")
def interview_with_another(me: Visit) -> None:
    """Interview the applicants of a recruiting as the second one, and tell who passes."""
    for one in me.heard("interviews"):
        stand: list[dict[str, Any]] = []
        first = me.memory.setdefault("interviewed", {}).get(one["case_id"], (None, 0))[1]
        for applicant in range(first + 1, one["last"] + 1):
            stand = marks(me, one["case_id"], applicant) or stand
        me.memory["interviewed"][one["case_id"]] = (me.today, one["last"])
        case = me.get(f"/cases/{one['case_id']}")
        if case.is_done:
            found = [line["applicant"] for line in stand if line["passes"]]
            for whom in ("coordinator", f"manager@{case['organization_id']}"):
                me.tell(whom, "marks", case_id=one["case_id"], passing=found)


def name_who_is_hired(me: Visit, task: dict[str, Any]) -> None:
    """Name who is hired by a recruiting: mostly somebody new, with their first day."""
    case_id = task["case_id"]
    found = passing(me, case_id) or [1]
    case = me.get(f"/cases/{case_id}")
    if not case.is_done:
        return
    place = case["organization_id"]
    said: dict[str, Any] = {
        "applicant": me.chance.choice(found) if me.may(0.95) else 99,
        "role": _role_wanted(me, place),
        "starts_on": worked_day(me, me.chance.randint(5, 30)).isoformat(),
    }
    known = [one for one in colleagues(me) if not one["roles"]]
    if known and me.may(0.3):
        said["person_id"] = me.chance.choice(known)["id"]
    else:
        said["new"] = somebody_new(me)
    hired = me.post(f"/tasks/{task['id']}/hiring", said)
    if hired.is_done:
        me.note("came", person_id=hired["person_id"])


def _role_wanted(me: Visit, place: str) -> str:
    """The role for which there was a recruiting: the one that was told, or another that somebody has there."""
    wanted: list[str] = me.memory.get("wanted", {}).get(place, [])
    if wanted:
        return wanted.pop(0)
    held = [role["role"] for one in at_place(me, place) for role in one["roles"] if role["organization_id"] == place]
    return "youth_worker" if "youth_worker" in held or not held else me.chance.choice(held)
