"""What people ask about their own data: passed on by their workers, and seen to by who answers for privacy."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from simulation.hands import Answer
from simulation.visits import Visit, does
from simulation.work_seen import caseload

_KINDS: Final = ("access", "portability", "who_read", "correction", "restriction", "complaint")
_GROUNDS: Final = ("health", "third_person", "not_entitled", "secret", "accurate")
_HANDED: Final = ("in_person", "sealed_envelope", "own_medium", "read_together")
_SHOWN: Final = ("known_to_worker", "card_shown", "by_lawyer")
_PARTS: Final = ("identity", "referral", "risk", "follow_up")
_PACKAGE: Final = ("access", "portability", "who_read")
_DIGEST: Final = re.compile(r'name="digest" value="([0-9a-f]{64})"')


@does("youth_worker", chance=0.12)
def pass_on_a_request(me: Visit) -> None:
    """Somebody whom one follows asks about what is kept of them: the privacy officer hears of it."""
    rows = caseload(me)
    if rows and me.may(0.3):
        row = me.chance.choice(rows)
        kind = me.chance.choices(_KINDS, weights=(40, 10, 15, 20, 8, 7))[0]
        me.tell("privacy_officer", "right", kind=kind, file=row["number"], worker=str(me.me.id))


@does("privacy_officer")
def take_down_requests(me: Visit) -> None:
    """Take down what was heard; now and then of who is not on file, or by a number that is none."""
    for one in me.heard("right"):
        _receive(me, one["kind"], one["file"], one["worker"])
    if me.may(0.03):
        _receive(me, "access", "" if me.may(0.6) else "#1999-01", None)


def _receive(me: Visit, kind: str, file: str, worker: str | None) -> None:
    day = (me.today - timedelta(days=me.chance.choice((-1, 0, 0, 0, 1, 4)))).isoformat()
    said = {
        "kind": kind,
        "file": file,
        "received_on": day,
        "asked_by": "self",
        "verified_by": me.chance.choice(_SHOWN),
        "verified_on": day,
        "language": "fr" if me.may(0.8) else "en",
        "person_id": worker if kind == "restriction" else None,
        "asked": "Ce n’est pas ce que j’ai dit." if me.may(0.95) else "",
    }
    done = me.post("/privacy/rights", said)
    if done.code == "rights.asked_by":
        me.post("/privacy/rights", said | {"asked_by": "parental_authority"})


@does("privacy_officer", chance=0.8)
def see_to_requests(me: Visit) -> None:
    """Take what is due first a step further. One who is slow lets a day go by, and then it is late."""
    waiting = [one for one in me.items("/privacy/rights") if one["state"] in ("received", "preparing")]
    for one in waiting[:4]:
        if me.may(0.5):
            _go_on(me, one)


def _go_on(me: Visit, one: dict[str, Any]) -> None:
    here, seen = f"/privacy/rights/{one['id']}", f'"{one["version"]}"'
    if one["extended_on"] is None and me.may(0.06):
        me.post(f"{here}/extension", {"notice_on": me.today.isoformat()}, if_match=seen)
    elif me.may(0.05):
        me.post(f"{here}/withdrawal", if_match=seen)
    elif me.may(0.15):
        _refuse(me, here, seen)
    elif one["state"] == "received" and one["kind"] == "correction":
        me.post(f"{here}/acceptance", if_match=seen)
    elif one["state"] == "received" and one["kind"] == "restriction":
        me.post(f"{here}/restriction", if_match=seen)
    elif one["kind"] in _PACKAGE:
        if _make_package(me, here) or me.may(0.05):
            _answer(me, here)
    else:
        _answer(me, here)


def _make_package(me: Visit, here: str) -> bool:
    """Look at what the person is given, mask in it, look again, and make it; whether it was made."""
    if not me.post(f"{here}/masks", {"others": "Foyer de groupe" if me.may(0.5) else "une amie"}).is_done:
        return False
    found = _DIGEST.search(me.page(f"{here}/package"))
    made = found is not None and me.post(f"{here}/package", {"digest": found[1]}).is_done
    if made and me.may(0.6):
        me.file(f"{here}/package.{me.chance.choice(('json', 'json', 'pdf'))}")
    return made


def _said(me: Visit) -> dict[str, Any]:
    day = me.today + timedelta(days=1 if me.may(0.03) else 0)
    words = "Remis avec explications." if me.may(0.9) else ""
    return {"answered_on": day.isoformat(), "handed_over": me.chance.choice(_HANDED), "words": words}


def _answer(me: Visit, here: str) -> Answer:
    return me.post(f"{here}/answer", _said(me), if_match="*")


def _refuse(me: Visit, here: str, seen: str) -> None:
    said = _said(me) | {"ground": me.chance.choice(_GROUNDS), "in_part": me.may(0.3)}
    refused = me.post(f"{here}/refusal", said, if_match=seen)
    if refused.is_done and me.may(0.5):
        words = {"part": me.chance.choice(_PARTS), "words": "Je ne suis pas d’accord."}
        me.put(f"{here}/statement", words, if_match="*")
