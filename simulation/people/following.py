"""Follow-ups: the notes of the weeks, attempts, missed meetings, breaks, lost contact, the end, and after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simulation.hands import Answer
from simulation.people.consents import narrow, sign_again, standing
from simulation.people.weeks import write_weeks
from simulation.visits import Visit, does
from simulation.work_seen import caseload

_MEANS: Final = ("call", "message", "visit", "through_someone")
_STRATEGIES: Final = ("new_meeting", "another_place", "reminder_before", "less_often", "break", "attempts")
_REASONS: Final = ("withdrew", "no_longer_benefits", "needs_beyond_program", "other_purposes")
_GROUNDS: Final = ("ypa_38d", "ypa_39_1", "ypa_72_6", "danger_to_life", "court_order", "other_law")
#: The most attempts after contact was lost.
_TWO: Final = 2


@does("youth_worker")
def keep_follow_ups(me: Visit) -> None:
    """Write the notes that are not written, and go on with each as it happens."""
    for row in caseload(me):
        if row["state"] == "active":
            write_weeks(me, row)
        if row["id"] in me.memory.get("losing", {}):
            _try_again(me, row)
        elif me.may(0.15):
            _happens(me, row)


def _happens(me: Visit, row: dict[str, Any]) -> None:
    """Something happens with somebody: what, is theirs to say."""
    if row["state"] == "on_break":
        if me.may(0.5):
            _move(me, row, {"move": "resume"})
        return
    ways = (_attempt, _miss, _pause, _end, _lose, _look_back, _agree_anew, _disclose, _do_not_want)
    chosen = me.chance.choices(ways, weights=(22, 20, 5, 6, 2, 20, 8, 2, 1))[0]
    chosen(me, row)


def _attempt(me: Visit, row: dict[str, Any], *, reached: bool | None = None) -> Answer:
    said: dict[str, Any] = {"means": me.chance.choice(_MEANS), "reached": me.may(0.7) if reached is None else reached}
    if me.may(0.2):
        said["tried_on"] = (me.today - timedelta(days=me.chance.choice((1, 3, 40, -1)))).isoformat()
    return me.post(f"/follow-ups/{row['id']}/attempts", said)


def _miss(me: Visit, row: dict[str, Any]) -> None:
    """They did not come. What is agreed afterwards is written down at once, or on the next occasion."""
    day = me.today - timedelta(days=me.chance.randint(1, 4))
    hour = datetime(day.year, day.month, day.day, me.chance.randint(14, 22), 0, tzinfo=UTC)
    here = f"/follow-ups/{row['id']}/missed-meetings"
    minutes = 5 if me.may(0.05) else me.chance.randint(12, 30)
    missed = me.post(here, {"expected_at": hour.isoformat(), "waited_minutes": minutes})
    if not missed.is_done:
        return
    for one in missed["missed_meetings"]:
        if one["strategy"] is None and me.may(0.7):
            me.put(f"{here}/{one['id']}", {"strategy": me.chance.choice(_STRATEGIES)})


def _move(me: Visit, row: dict[str, Any], said: dict[str, Any]) -> None:
    seen = f'"{row["version"]}"' if me.may(0.05) else "*"
    moved = me.put(f"/follow-ups/{row['id']}/state", said, if_match=seen)
    me.memory.pop("caseload", None)
    if moved.is_done and said["move"] in ("complete", "deactivate"):
        mine = ("primary", str(me.me.id))
        if any((one["kind"], one["person_id"]) == mine for one in moved["workers"]) or me.may(0.1):
            me.memory.setdefault("ended", []).append(row["id"])


def _pause(me: Visit, row: dict[str, Any]) -> None:
    days = 300 if me.may(0.05) else me.chance.randint(7, 90)
    back = (me.today + timedelta(days=days)).isoformat()
    _move(me, row, {"move": "pause", "returns_on": back, "terms": "Elle appelle la première." if me.may(0.95) else ""})


def _end(me: Visit, row: dict[str, Any]) -> None:
    """It ends: they agree that it is done, or for one of the reasons."""
    said: dict[str, Any] = {"move": "complete", "participant_agrees": me.may(0.95)}
    if me.may(0.5):
        reason = "lost_contact" if me.may(0.05) else me.chance.choice(_REASONS)
        said = {"move": "deactivate", "reason": reason}
    _move(me, row, said)


def _lose(me: Visit, row: dict[str, Any]) -> None:
    me.memory.setdefault("losing", {})[row["id"]] = 0


def _try_again(me: Visit, row: dict[str, Any]) -> None:
    """Try twice, now and then once too often; then the follow-up becomes inactive, unless they answer."""
    losing: dict[str, int] = me.memory["losing"]
    if losing[row["id"]] < _TWO or me.may(0.1):
        answers = me.may(0.12)
        tried = _attempt(me, row, reached=answers)
        losing[row["id"]] += tried.is_done
        if answers or tried.status == 404 or row["state"] != "active":
            del losing[row["id"]]
        return
    del losing[row["id"]]
    _move(me, row, {"move": "deactivate", "reason": "lost_contact"})


def _look_back(me: Visit, row: dict[str, Any]) -> None:
    """Read what was written before, and what one who left wrote when they handed it over."""
    whole = me.get(f"/follow-ups/{row['id']}")
    if not whole.is_done:
        return
    for one in whole["notes"][:2]:
        if one["has_words"]:
            me.get(f"/follow-ups/{row['id']}/notes/{one['week']}")
    for one in whole["summaries"][:1]:
        me.get(f"/follow-ups/{row['id']}/summaries/{one['task_id']}")
    for one in whole["missed_meetings"]:
        if one["strategy"] is None:
            path = f"/follow-ups/{row['id']}/missed-meetings/{one['id']}"
            me.put(path, {"strategy": me.chance.choice(_STRATEGIES)})


def file_followed(me: Visit, follow_up_id: str) -> str | None:
    """The file of whom one follows."""
    known: dict[str, str] = me.memory.setdefault("file_followed", {})
    if follow_up_id not in known:
        whole = me.get(f"/follow-ups/{follow_up_id}")
        if not whole.is_done:
            return None
        known[follow_up_id] = whole["participant_id"]
    return known[follow_up_id]


def _agree_anew(me: Visit, row: dict[str, Any]) -> None:
    """They sign anew, or say that they want less of what they agreed to."""
    file = file_followed(me, row["id"])
    if file is None:
        return
    if standing(me, file) and me.may(0.35):
        narrow(me, file)
    else:
        sign_again(me, file)


def _disclose(me: Visit, row: dict[str, Any]) -> None:
    """Say something without consent, as the law allows, and read it again later."""
    file = file_followed(me, row["id"])
    if file is None:
        return
    said = {
        "ground": me.chance.choice(_GROUNDS),
        "to_whom": "La protection de la jeunesse",
        "what": "Le lieu et l’heure.",
        "disclosed_on": (me.today - timedelta(days=me.chance.choice((0, 1, 2, -2)))).isoformat(),
        "only_necessary": me.may(0.95),
    }
    told = me.post(f"/participants/{file}/disclosures", said)
    if told.is_done and me.may(0.5):
        me.post(f"/participants/{file}/disclosures/{told['disclosures'][0]['id']}/reading")


def _do_not_want(me: Visit, row: dict[str, Any]) -> None:
    """They do not want this worker any more; or it is found out that they recruit others."""
    file = file_followed(me, row["id"])
    if file is None:
        return
    if me.may(0.4):
        me.post(f"/participants/{file}/recruiting")
        return
    me.post(f"/participants/{file}/barred", {"person_id": str(me.me.id)})
    me.memory.pop("caseload", None)


@does("youth_worker", chance=0.15)
def take_up_again(me: Visit) -> None:
    """Somebody whose follow-up ended calls, and it goes on."""
    ended: list[str] = me.memory.get("ended", [])
    if ended and me.may(0.15):
        follow_up_id = ended.pop(me.chance.randrange(len(ended)))
        me.post(f"/follow-ups/{follow_up_id}/taking-up")
        me.memory.pop("caseload", None)
