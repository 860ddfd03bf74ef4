"""Recruiting: interviews by two, the choice, and naming who is hired."""

from __future__ import annotations

from typing import Any

from simulation.people.staff import at_place, colleagues, note, somebody_new, worked_day
from simulation.visits import Visit, does

#: Of so many applicants marks are written down.
APPLICANTS = 3


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
    """Interview the applicants with somebody else, and say that it is done once one of them passes."""
    case_id, held = task["case_id"], me.memory.setdefault("interviewed", {})
    stand: list[dict[str, Any]] = []
    new = held.get(case_id, 0) == 0
    first = 1 if new else held[case_id] + 1
    passing = [] if new else held_marks(me, case_id)
    if not passing:
        for applicant in range(first, first + (APPLICANTS if new else 1)):
            stand = marks(me, case_id, applicant)
            held[case_id] = applicant
        me.tell(_second_interviewer(me), "interviews", case_id=case_id, first=first, last=held[case_id])
        passing = [one["applicant"] for one in stand if one["passes"]]
    if passing:
        me.post(f"/tasks/{task['id']}/completion", {"note": note(me), "evidence": [], "given": {}})


def held_marks(me: Visit, case_id: str) -> list[int]:
    """The applicants who pass, as the other interviewer told."""
    for one in me.heard("marks"):
        me.memory.setdefault("passing", {})[one["case_id"]] = one["passing"]
    return list(me.memory.get("passing", {}).get(case_id, []))


def _second_interviewer(me: Visit) -> str:
    """Whom somebody asks to interview with them: the coordinator, or of the coordinator another who manages."""
    return "manager" if "coordinator" in me.roles else "coordinator"


@does("coordinator", "manager")
def interview_with_another(me: Visit) -> None:
    """Interview the applicants of a recruiting as the second one, and tell who passes."""
    for one in me.heard("interviews"):
        stand: list[dict[str, Any]] = []
        for applicant in range(one["first"], one["last"] + 1):
            stand = marks(me, one["case_id"], applicant) or stand
        passing = [line["applicant"] for line in stand if line["passes"]]
        me.note("marks", case_id=one["case_id"], passing=passing)
        case = me.get(f"/cases/{one['case_id']}")
        if case.is_done:
            me.tell(f"manager@{case['organization_id']}", "marks", case_id=one["case_id"], passing=passing)


def name_who_is_hired(me: Visit, task: dict[str, Any]) -> None:
    """Name who is hired by a recruiting: mostly somebody new, with their first day."""
    case_id = task["case_id"]
    passing = held_marks(me, case_id) or [1]
    case = me.get(f"/cases/{case_id}")
    if not case.is_done:
        return
    place = case["organization_id"]
    said: dict[str, Any] = {
        "applicant": me.chance.choice(passing) if me.may(0.95) else 99,
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
