"""Referrals: young people come to somebody's notice, who writes of them, sends it, mends it, or gives it up."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from domain.roles import DayTenures, standing
from simulation.life import Life, hats_of
from simulation.visits import Visit, does, fate
from simulation.work_seen import asked
from simulation.young_people import Said, as_written, young_person

#: What befell the whole program stands in the memory of nobody.
_NOBODY: Final = UUID(int=0)
#: How many are referred for each who becomes a participant, and on how many days a year somebody is.
_REFERRED: Final = 1.35
_DAYS: Final = 250
#: One referral in so many is about somebody who was referred before, of the last ones.
_AGAIN: Final = 0.08
_LAST: Final = 30
#: How often somebody hears of a young person, by their role.
_HEAR: Final = {
    "youth_worker": 5.0,
    "police_representative": 6.0,
    "specialized_resource": 5.0,
    "manager": 1.5,
    "coordinator": 2.0,
}


@fate
def young_people_come(life: Life, day: date) -> None:
    """Somebody of the program comes to know of a young person."""
    if not life.world.calendar.seems_worked(day):
        return
    chance = life.world.chance.stream("young people", day)
    rate = life.participants_a_year * _REFERRED / _DAYS
    count = int(rate) + (chance.random() < rate % 1)
    if not count:
        return
    with life.world.session() as session:
        held = standing(session, day)
    came: list[date] = life.memory[_NOBODY].setdefault("came", [])
    for _ in range(count):
        if came and chance.random() < _AGAIN:
            place = chance.randint(max(0, len(came) - _LAST), len(came) - 1)
        else:
            place = len(came)
            came.append(day)
        who = _who_hears(held, chance.random())
        if who is not None:
            person = young_person(life.world.chance.stream("young person", place), came[place])
            life.memory[who].setdefault("to_refer", []).append(person)


def _who_hears(held: DayTenures, drawn: float) -> UUID | None:
    people = [one for one in sorted(held.live, key=str) if not held.is_away(one)]
    weights = [max((_HEAR.get(hat.role, 0.4) for hat in hats_of(held, one)), default=0.4) for one in people]
    left = drawn * sum(weights)
    for who, weight in zip(people, weights, strict=True):
        left -= weight
        if left <= 0:
            return who
    return None


@does()
def refer(me: Visit) -> None:
    """Write of whoever one heard of, and go on with what one left unfinished."""
    for draft in list(me.memory.get("drafts", ())):
        if me.may(0.6):
            _go_on(me, draft)
    if me.memory.get("to_refer") and me.may(0.75):
        _begin(me, me.memory["to_refer"].pop(0))


def _begin(me: Visit, person: Said) -> None:
    written = as_written(me.chance, person, me.today)
    whole = me.may(0.5)
    first = written if whole else {"given_name": written["given_name"], "reasons": written["reasons"]}
    begun = me.post("/referrals", first)
    if not begun.is_done:
        me.memory["to_refer"].insert(0, person | {"area": ""})
        return
    draft = {"id": begun["id"], "version": begun["version"], "written": written, "person": person}
    me.memory.setdefault("drafts", []).append(draft)
    if not whole or me.may(0.2):
        _save(me, draft)
    if me.may(0.8):
        _send(me, draft)


def _go_on(me: Visit, draft: dict[str, Any]) -> None:
    if me.may(0.06):
        me.do("DELETE", f"/referrals/{draft['id']}")
        me.memory["drafts"].remove(draft)
        return
    if me.may(0.3):
        me.get(f"/referrals/{draft['id']}")
    _send(me, draft)


def _save(me: Visit, draft: dict[str, Any]) -> None:
    stale = me.may(0.05)
    seen = draft["version"] - 1 if stale else draft["version"]
    saved = me.put(f"/referrals/{draft['id']}", draft["written"], if_match=f'"{seen}"')
    if saved.is_done:
        draft["version"] = saved["version"]


def _send(me: Visit, draft: dict[str, Any]) -> None:
    """Send it, and mend what the form asks for where it is refused."""
    path = f"/referrals/{draft['id']}/sending"
    sent = me.post(path, draft["written"])
    if not sent.is_done and sent.code.startswith("referral.") and me.may(0.7):
        draft["written"] = draft["person"]
        sent = me.post(path, draft["written"])
    # What was sent twice, or is not theirs any more, is no draft of theirs.
    if sent.is_done or sent.status in (404, 409):
        me.memory["drafts"].remove(draft)


@does()
def complete_what_is_missing(me: Visit) -> None:
    """Answer what the coordinator asks of a referral of one's own, or, for who has left, what they heard of them."""
    for task in asked(me, "referral.asked"):
        if me.may(0.6):
            said = {"setting": "Foyer de groupe", "area": "", "facts": {"AD-C2": "Vit à Laval.", "AD-C5": "Elle veut."}}
            me.post(f"/referrals/{task['item']}/answer", said | {"contact_note": "Le soir"})


@does("coordinator", chance=0.06)
def invite_an_outsider(me: Visit) -> None:
    """Make a link for somebody outside, and take one back that nobody used."""
    links: list[str] = me.memory.setdefault("links", [])
    if links and me.may(0.5):
        me.do("DELETE", f"/referral-links/{links.pop(0)}")
        return
    made = me.post("/referral-links")
    if made.is_done:
        links.append(made["id"])
