"""Those who want around a rule: what they try, and what must come of it. Who is in a hurry tries it too, now and then.

An attempt that the program lets through is told as a fault: somebody did what the guide says that nobody does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from domain.roles import standing
from simulation.cast import Nature
from simulation.hands import Answer
from simulation.people import evidence
from simulation.people.papers import paper, words
from simulation.visits import Visit, does, fate

#: How likely somebody tries one thing in one visit.
_TRIES: Final = {Nature.SLY: 0.45, Nature.CARELESS: 0.02, Nature.SLOW: 0.01, Nature.PROMPT: 0.01}
_NOT_SIGNED_IN: Final = 401
_ATTEMPTS: Final[list[Callable[[Visit], None]]] = []


def attempt(tries: Callable[[Visit], None]) -> Callable[[Visit], None]:
    """Register something that somebody tries."""
    _ATTEMPTS.append(tries)
    return tries


@does()
def want_around_a_rule(me: Visit) -> None:
    """Try one thing that is not to be."""
    if me.may(_TRIES[me.me.nature]):
        me.chance.choice(_ATTEMPTS)(me)


def never(me: Visit, answer: Answer, happened: str) -> Answer:
    """Tell as a fault what was let through and is not to be; a failure of the program is told already."""
    if answer.status < 400:
        me.told.faults.append(f"{happened} ({me.world.clock.now:%Y-%m-%d})")
    return answer


def _leads(me: Visit) -> bool:
    """Whether one is of the coordination or manages somewhere: what others may not, these may for their people."""
    return bool(me.roles & {"coordinator", "manager"})


def _mine(me: Visit) -> str:
    return f"/people/{me.me.id}"


def _somewhere(me: Visit) -> UUID:
    """An id that is nobody's, as who guesses writes one."""
    return UUID(int=me.chance.getrandbits(128), version=4)


# ------------------------------------------------------------------------------------------ both sides of one's own


@attempt
def approve_ones_own(me: Visit) -> None:
    """Hand in what another approves, and approve it oneself at once, under whatever role."""
    for task in me.work():
        if task["needs_approval"] and task["state"] == "open":
            said = {
                "note": words(me.chance),
                "evidence": evidence.proofs(me, task),
                "given": evidence.filled_in(me, task["asks"]),
            }
            if me.post(f"/tasks/{task['id']}/completion", said).is_done:
                answer = me.post(f"/tasks/{task['id']}/approval", {"note": ""})
                never(me, answer, "a person approved their own step")
                return
    for task_id in me.memory.get("did", []):
        me.post(f"/tasks/{task_id}/approval", {"note": ""})  # where another handed it in since, it is right


@attempt
def accept_what_one_gave(me: Visit) -> None:
    """Accept the proof that one gave oneself."""
    gave = me.memory.get("gave")
    if gave:
        item, proof = me.chance.choice(gave)
        answer = me.post(f"/obligations/{item}/acceptance", {"proof_id": proof})
        never(me, answer, "a person accepted the proof that they gave")


@attempt
def free_oneself(me: Visit) -> None:
    """Ask that one be freed of a clause that one owes, as the page of one's own partner shows it."""
    here = {str(one.organization_id) for one in me.hats}
    place = me.chance.choice(sorted(here))
    roles = {one.role for one in me.hats if str(one.organization_id) == place} | (me.roles & {"coordinator"})
    for owed in me.items(f"/partners/{place}", "obligations"):
        if owed["owed_by"] in roles | {"organization"}:
            days = {"starts_on": str(me.today), "ends_on": str(me.today + timedelta(days=90))}
            answer = me.post(f"/obligations/{owed['id']}/waiver-proposals", {**days, "reason": words(me.chance)})
            never(me, answer, "a person asked to be freed of what they owe")
            return


@attempt
def confirm_what_one_asked(me: Visit) -> None:
    """Confirm the destruction that one asked for."""
    for asked in me.items("/destructions"):
        if asked["asked_by"] == str(me.me.id):
            said = {"seen": asked["id"], "knowing": []}
            answer = me.post(f"/participants/{asked['participant_id']}/destruction/confirmation", said)
            never(me, answer, "a person confirmed the destruction that they asked for")
            return


@attempt
def sign_for_another(me: Visit) -> None:
    """Sign an agreement that is not for oneself to sign."""
    for agreement in me.items("/agreements"):
        mine = me.at("director") and str(me.at("director")) == agreement["organization_id"]
        newest = agreement["versions"][0] if agreement["versions"] else None
        if newest and not mine:
            here = f"/agreements/{agreement['id']}/versions/{newest['n']}/signature"
            answer = me.post(here, {"has_read": True}, if_match=f'"{newest["version"]}"')
            never(me, answer, "somebody signed who does not direct the partner")
            return


@attempt
def settle_as_anybody(me: Visit) -> None:
    """Settle what is objected to a decision, as if one kept the committee's minutes."""
    decisions = [] if _leads(me) else me.items("/decisions", limit=3)
    if decisions:
        said = {"meeting_id": str(_somewhere(me)), "settled_as": "kept", "text_fr": words(me.chance)}
        answer = me.post(f"/decisions/{decisions[0]['id']}/settlement", said)
        never(me, answer, "somebody settled an objection who does not keep the minutes")


# --------------------------------------------------------------------------------------------- what one gives oneself


@attempt
def appoint_oneself(me: Visit) -> None:
    """Give oneself a role that signs, approves or watches."""
    role = me.chance.choice(["director", "manager", "privacy_officer", "second_representative", "coordinator"])
    if role == "coordinator" and _leads(me):
        return
    said = {"role": role, "organization_id": str(me.hats[0].organization_id), "starts_on": str(me.today)}
    never(me, me.post(f"{_mine(me)}/tenures", said), "a person gave themselves a role that signs or watches")


@attempt
def take_a_seat(me: Visit) -> None:
    """Give oneself a seat of a committee."""
    if _leads(me):
        return
    committees = me.items("/committees")
    seats = me.chance.choice(committees)["seats"] if committees else []
    if seats:
        seat = me.chance.choice(seats)
        said = {"person_id": str(me.me.id), "kind": "principal", "starts_on": str(me.today)}
        answer = me.post(f"/committees/{seat['committee']}/seats/{seat['seat_id']}/holders", said)
        never(me, answer, "a person gave themselves a seat")


@attempt
def end_ones_role(me: Visit) -> None:
    """End one's own role at once, whatever one owes, or that of a colleague."""
    seen = me.get(_mine(me))
    if not _leads(me) and seen.is_done and seen["roles"]:
        tenure = seen["roles"][0]["tenure_id"]
        answer = me.post(f"/tenures/{tenure}/ending", {"ends_on": str(me.today)})
        never(me, answer, "a person ended their own role, who leads nobody")


@attempt
def case_about_oneself(me: Visit) -> None:
    """Open a case about oneself, or have one's own departure be none."""
    if _leads(me):
        return
    about = {"subject_id": str(me.me.id), "organization_id": str(me.hats[0].organization_id)}
    answer = me.post("/cases", {"protocol": me.chance.choice(["onboarding", "departure"]), **about})
    never(me, answer, "a person opened a case about themselves")
    for case in me.items("/cases", state="open", limit=5):
        if case["subject_id"] == str(me.me.id) and case["protocol"] == "departure":
            answer = me.post(f"/cases/{case['id']}/cancellation", {"reason": words(me.chance)})
            never(me, answer, "a person cancelled their own departure, who leads nobody")


@attempt
def leave_in_the_past(me: Visit) -> None:
    """Have left already, though one is here, or on a day that is past."""
    day = me.today - timedelta(days=me.chance.randint(1, 400))
    said = {"person_id": str(me.me.id), "organization_id": str(me.hats[0].organization_id), "last_day": str(day)}
    answer = me.post("/departures", {**said, "planned": me.may(0.5)})
    never(me, answer, "a person who is here left on a day that is past")


@attempt
def stay_longer(me: Visit) -> None:
    """Prolong one's own role, as one who leads."""
    seen = me.get(_mine(me))
    ends = [one for one in seen["roles"] if one["ends_on"]] if seen.is_done else []
    if ends:
        day = date.fromisoformat(ends[0]["ends_on"]) + timedelta(days=100)
        answer = me.post(f"/tenures/{ends[0]['tenure_id']}/ending", {"ends_on": str(day)})
        never(me, answer, "a person prolonged their own role")


@attempt
def be_away_oddly(me: Visit) -> None:
    """Be away until a day before the first, with oneself as deputy, or with nobody who is known."""
    first = me.today + timedelta(days=me.chance.randint(20, 60))
    last, deputy = me.chance.choice(
        [(first - timedelta(days=1), None), (first, str(me.me.id)), (first, str(_somewhere(me)))]
    )
    said = {"starts_on": str(first), "ends_on": str(last), "deputy_id": deputy}
    never(me, me.post(f"{_mine(me)}/absences", said), "an odd absence was recorded")


@attempt
def send_the_watch_away(me: Visit) -> None:
    """Say that the privacy officer is away, as the coordination, and that one stands in."""
    if "coordinator" not in me.roles or me.roles & {"manager", "privacy_officer"}:
        return
    for person in me.items("/people", limit=60):
        if any(one["role"] == "privacy_officer" for one in person["roles"]) and person["id"] != str(me.me.id):
            days = {"starts_on": str(me.today), "ends_on": str(me.today + timedelta(days=30))}
            answer = me.post(f"/people/{person['id']}/absences", {**days, "deputy_id": str(me.me.id)})
            never(me, answer, "the coordination said that the privacy officer is away")
            return


# ----------------------------------------------------------------------------------------------- what is not theirs


@attempt
def read_a_neighbour(me: Visit) -> None:
    """Open the page of another partner, its year and what it owes."""
    mine = {str(one.organization_id) for one in me.hats}
    others = [one for one in me.items("/agreements") if one["organization_id"] not in mine]
    if others and "coordinator" not in me.roles:
        place = me.chance.choice(others)["organization_id"]
        never(me, me.get(f"/partners/{place}"), "a person read the page of another partner")
        never(me, me.get(f"/partners/{place}/statements"), "a person read the years of another partner")


@attempt
def read_the_watch(me: Visit) -> None:
    """Look at who read what, at the register of incidents, at the counts or the engine, without being who may."""
    others = {
        "/privacy/readings": {"privacy_officer"},
        "/privacy/unusual-readings": {"privacy_officer"},
        "/privacy/incidents": {"privacy_officer", "coordinator"},
        "/statements": {"coordinator"},
        "/engine": {"administrator"},
        "/strays": {"coordinator"},
        "/destructions": {"coordinator", "privacy_officer", "manager"},
    }
    path = me.chance.choice(sorted(others))
    # A director stands in for the privacy officer where one is away: who may is then not told by a role alone.
    if not me.roles & (others[path] | {"director"}):
        answer = me.get(path)
        if answer.is_done and not (isinstance(answer.body, list) and not answer.body):
            never(me, answer, f"a person without the role read {path}")


@attempt
def guess(me: Visit) -> None:
    """Guess the address of something."""
    kind = me.chance.choice(["obligations", "tasks", "participants", "cases", "decisions", "signed-files", "meetings"])
    never(me, me.get(f"/{kind}/{_somewhere(me)}"), f"a guessed address among {kind} was answered")


@attempt
def shut_out_another(me: Visit) -> None:
    """End the access of somebody else."""
    if me.roles & {"coordinator", "administrator"}:
        return
    people = [one for one in me.items("/people", limit=5) if one["id"] != str(me.me.id)]
    if people:
        answer = me.do("DELETE", f"/people/{me.chance.choice(people)['id']}/access")
        never(me, answer, "a person shut another out")


@attempt
def release_what_is_not_ones_own(me: Visit) -> None:
    """Release the program's counts, or send its mail again."""
    if "coordinator" not in me.roles:
        answer = me.post(f"/statements/{me.today.year - 1}/release", {"digest": "0" * 64})
        never(me, answer, "a person without the role released the counts")
    if not me.roles & {"coordinator", "administrative_officer"}:
        never(me, me.post("/post/retry"), "a person without the role sent letters again")


# ------------------------------------------------------------------------------------- days, versions and odd bodies


@attempt
def another_day(me: Visit) -> None:
    """Give a document of a day to come, or of one that is none."""
    owed = next((one for one in me.work() if one["step"] == "obligation.give"), None)
    if owed is not None:
        leap = me.today.year + (1 if me.today.year % 4 == 3 else 0)
        none = f"{leap + 1 if leap % 4 == 0 else leap}-02-29"
        days = [none, str(me.today + timedelta(days=1)), str(date(me.today.year + 10, 1, 1)), "tomorrow", ""]
        said = {**paper(me.chance), "effective_on": me.chance.choice(days)}
        answer = me.post(f"/obligations/{owed['item']}/documents", said)
        never(me, answer, f"a document of the day {said['effective_on']!r} was taken")


@attempt
def stale_details(me: Visit) -> None:
    """Write one's own details over by what one saw long ago."""
    seen = me.get(_mine(me))
    if not seen.is_done:
        return
    before, now = me.memory.get("my_version"), seen["version"]
    me.memory["my_version"] = now
    given, _, family = me.me.name.rpartition(" ")
    said = {"given_name": given, "family_name": family, "email": seen["email"] or "", "language": seen["language"]}
    if before is not None and before < now:
        never(me, me.put(_mine(me), said, if_match=f'"{before}"'), "a person wrote over what changed meanwhile")
    else:
        me.put(_mine(me), {**said, "phone": f"514-555-01{me.chance.randint(0, 99):02}"}, if_match=f'"{now}"')


@attempt
def a_neighbours_address(me: Visit) -> None:
    """Have one's letters go to a colleague's address for some minutes; it opens nothing of theirs."""
    seen = me.get(_mine(me))
    others = [one for one in me.items("/people", limit=20) if one["email"] and one["id"] != str(me.me.id)]
    if not seen.is_done or not seen["email"] or not others:
        return
    given, _, family = me.me.name.rpartition(" ")
    said = {"given_name": given, "family_name": family, "language": seen["language"]}
    if me.put(_mine(me), {**said, "email": me.chance.choice(others)["email"]}).is_done:
        me.put(_mine(me), {**said, "email": seen["email"]})


@attempt
def odd_bodies(me: Visit) -> None:
    """Send what fits no shape: too long, of another kind, with more than is asked, or of no text at all."""
    task = next((one for one in me.work()), None)
    if task is None:
        return
    here = f"/tasks/{task['id']}/completion"
    bodies: list[Any] = [
        None,
        [],
        {"note": ["held"]},
        {"note": "", "approved": True},
        {"note": "", "evidence": [{"kind": "secret", "label": "x"}]},
        {"note": "", "evidence": [{"kind": "document", "label": "x" * 600, "content": ""}]},
        {"note": "", "given": {"x" * 200: "y"}},
        {"note": "", "evidence": [{}] * 21},
        {"note": "\x00", "evidence": 3},
    ]
    never(me, me.post(here, me.chance.choice(bodies)), "a body that fits no shape was taken")


# -------------------------------------------------------------------------------------------------- one's old way in


@attempt
def stay_signed_in(me: Visit) -> None:
    """Sign in without ever signing out, and keep that for the day on which one has left."""
    if "old_way_in" not in me.memory:
        me.memory["old_way_in"] = me.desk.sign_in(me.me.id)
    elif me.cookie and "ended_way_in" not in me.memory:
        me.memory["ended_way_in"] = me.cookie


@does(chance=0.2)
def come_by_an_ended_way(me: Visit) -> None:
    """Come once more under a sign-in that one ended."""
    ended = me.memory.get("ended_way_in")
    if ended and ended != me.cookie:
        if me.desk.send(ended, "GET", "/work").status != _NOT_SIGNED_IN:
            me.told.faults.append("an ended sign-in was not told that nobody is signed in")
        del me.memory["ended_way_in"]


@fate
def come_after_leaving(life: Any, _day: date) -> None:
    """Who left comes once more by a sign-in that they never ended."""
    kept = [one for one in life.members if "old_way_in" in life.memory[one]]
    if not kept:
        return
    # The clock still stands at the evening before: whoever held nothing then is out.
    with life.world.session() as session:
        held = standing(session, life.world.today)
    for person_id in sorted(kept, key=str):
        if person_id not in held.live:
            answer = life.desk.send(life.memory[person_id].pop("old_way_in"), "GET", "/work")
            if answer.status != _NOT_SIGNED_IN:
                life.told.faults.append(f"who left came by an old sign-in: {answer.status}")
