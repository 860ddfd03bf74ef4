"""What partners owe: people state and give it, in time, late or never, and look at what others gave."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from simulation.cast import Nature
from simulation.people.papers import no_paper, paper, words
from simulation.visits import Visit, does

#: How likely somebody does what is asked of them for their partner, in one visit, by how they are.
_HEED = {Nature.PROMPT: 0.5, Nature.SLOW: 0.2, Nature.CARELESS: 0.4, Nature.SLY: 0.35}
#: Of so many people, one heeds hardly any of it.
_SILENT = 0.08


@does()
def see_to_what_is_owed(me: Visit) -> None:
    """Do some of what one's first page asks of one for a partner."""
    if "heeds" not in me.memory:
        me.memory["heeds"] = 0.02 if me.may(_SILENT) else _HEED[me.me.nature]
    for task in me.work():
        do = _BY_STEP.get(task["step"])
        if do is not None and not _waits(me, task["item"]) and me.may(me.memory["heeds"]):
            do(me, task)


def _waits(me: Visit, item: str) -> bool:
    """Whether somebody left something for a later day."""
    until = me.memory.get("later", {}).get(item)
    return until is not None and me.today < until


def _leave(me: Visit, item: str, days: int) -> None:
    me.memory.setdefault("later", {})[item] = me.today + timedelta(days=days)


def _here(item: str) -> str:
    return f"/obligations/{item}"


# ----------------------------------------------------------------------------------------------- stating and giving


def state_in_writing(me: Visit, task: dict[str, Any]) -> None:
    """State that it was met; now and then that it was not, or that it was before one can know."""
    item = task["item"]
    said, note = ("held", "") if me.may(0.93) else ("not_held", words(me.chance))
    if me.may(0.02):
        said, note = "not_held", ""  # without saying why
    if me.may(0.02):
        said = "perhaps"
    answer = me.post(f"{_here(item)}/attestation", {"said": said, "note": note})
    if answer.code == "attestation.too_soon":
        _leave(me, item, _days_until_it_can_be_said(me, item))
    elif answer.is_done:
        _remember(me, item, answer.body["attestations"], "person_id", "said_at")
        if said == "not_held" and me.may(0.4):  # it was a mistake
            me.post(f"{_here(item)}/attestation", {"said": "held", "note": words(me.chance)})


def _days_until_it_can_be_said(me: Visit, item: str) -> int:
    """In how many days it can be stated that it was met, as its page lets one reckon: from its middle, or its end."""
    seen = me.get(_here(item))
    if not seen.is_done or not seen["ends_on"]:
        return me.chance.randint(10, 40)
    first, last = date.fromisoformat(seen["starts_on"]), date.fromisoformat(seen["ends_on"])
    day = last if seen["rule"].get("stated_from") == "end" else first + (last - first) / 2 + timedelta(days=1)
    return max((day - me.today).days, 1) + me.chance.randint(0, 12)


def give_document(me: Visit, task: dict[str, Any]) -> None:
    """Give a document that is asked for; now and then the wrong one, which is taken back and given again."""
    item = task["item"]
    said = {**(no_paper if me.may(0.04) else paper)(me.chance), "effective_on": str(_day_of_document(me))}
    answer = me.post(f"{_here(item)}/documents", said)
    if answer.is_done and me.may(0.2):
        me.post(f"{_here(item)}/documents", {**said, **paper(me.chance)})  # it has two parts
    if answer.status == 201 and answer.body:
        _remember(me, item, answer.body["documents"], "added_by", "added_at")
        if me.may(0.06):
            _take_back(me, item)
    elif answer.code:
        _leave(me, item, me.chance.randint(1, 4))


def _day_of_document(me: Visit) -> date:
    """Mostly a day of these weeks; now and then one of last year, or one that is still to come."""
    if me.may(0.03):
        return me.today + timedelta(days=me.chance.randint(1, 400))
    return me.today - timedelta(days=me.chance.randint(0, 400 if me.may(0.04) else 6))


def _remember(me: Visit, item: str, given: list[dict[str, Any]], by: str, at: str) -> None:
    """Keep the id of what one gave last oneself, as the page names it."""
    mine = [one for one in given if one[by] == str(me.me.id)]
    if mine:
        gave: list[tuple[str, str]] = me.memory.setdefault("gave", [])
        gave.append((item, max(mine, key=lambda one: str(one[at]))["id"]))
        del gave[:-12]


def _take_back(me: Visit, item: str) -> None:
    """Take back the document that one just gave, and give it again another day."""
    place, document = me.memory["gave"][-1]
    if place == item:
        reason = "" if me.may(0.1) else words(me.chance)
        me.post(f"{_here(item)}/documents/{document}/withdrawal", {"reason": reason})


def give_again(me: Visit, task: dict[str, Any]) -> None:
    """Give what was returned once more, as its page says what that was."""
    seen = me.get(_here(task["item"]))
    if seen.is_done:
        (state_in_writing if seen["check_kind"] == "attestation" else give_document)(me, task)


# -------------------------------------------------------------------------------------------- what others gave


def look_at_proof(me: Visit, task: dict[str, Any]) -> None:
    """Accept what others gave, or return it with words; now and then what was accepted by mistake."""
    item = task["item"]
    seen = me.get(_here(item))
    if not seen.is_done:
        return
    given = [
        *((one["id"], one) for one in seen["documents"] if one["withdrawn_at"] is None),
        *((one["id"], one) for one in seen["attestations"] if one["to_be_accepted"] and not one["superseded_at"]),
        *((one["task_id"], one) for one in seen["step_documents"]),
    ]
    returns = 0.7 if me.may(0.15) else 0.06  # who finds one wanting looks harder at the next
    for proof_id, one in given:
        if one["looked_at_as"]:
            continue
        if me.may(returns):
            me.post(f"{_here(item)}/return", {"proof_id": proof_id, "reason": "" if me.may(0.1) else words(me.chance)})
        elif me.post(f"{_here(item)}/acceptance", {"proof_id": proof_id}).is_done and me.may(0.04):
            me.post(f"{_here(item)}/return", {"proof_id": proof_id, "reason": words(me.chance)})
    if me.may(0.04):
        me.memory["to_free"] = item  # it can be asked that they be freed of it


def cannot(me: Visit, task: dict[str, Any]) -> None:
    """Leave what no page of one's own does: seldom, hand it back with the reason."""
    if me.may(0.02):
        me.post(f"/tasks/{task['id']}/handing-back", {"reason": words(me.chance)})
    _leave(me, task["item"], me.chance.randint(5, 30))


_BY_STEP = {
    "obligation.attest": state_in_writing,
    "obligation.give": give_document,
    "obligation.give_again": give_again,
    "obligation.accept": look_at_proof,
    "obligation.sit": cannot,
    "obligation.see_to": cannot,
    "obligation.record": cannot,
}


# ---------------------------------------------------------------------------------------------- what partners see


@does(chance=0.03)
def look_at_partners(me: Visit) -> None:
    """See how one's partner stands, one of its clauses, and now and then its year."""
    partners = me.items("/partners")
    if not partners:
        return
    place = me.chance.choice(partners)["organization_id"]
    owed = me.items(f"/partners/{place}", "obligations")
    if owed:
        seen = me.get(_here(me.chance.choice(owed)["id"]))
        if seen.is_done and seen["documents"] and me.may(0.2):
            _withdraw_old(me, seen.body)
    if me.may(0.3):
        years = me.items(f"/partners/{place}/statements")
        if years:
            me.get(f"/partners/{place}/statements/{years[0]}")


def _withdraw_old(me: Visit, seen: dict[str, Any]) -> None:
    """Take back a document that somebody gave for one's partner, where one may."""
    document = me.chance.choice(seen["documents"])
    if document["added_by"] == str(me.me.id):
        me.post(f"{_here(seen['id'])}/documents/{document['id']}/withdrawal", {"reason": words(me.chance)})
