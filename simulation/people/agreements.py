"""Agreements: the coordination drafts, sends and begins them, directors sign, and now and then one ends.

Every few years each partner has another version. It begins with a last day, before which its renewal opens by itself.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from simulation.hands import Answer
from simulation.people.papers import scan, words
from simulation.visits import Visit, does

#: Years for which a version is signed.
_YEARS = (1, 2, 2, 3, 3, 4)
#: How likely the coordination thinks of another version in one look at the list, of an agreement without a last day.
_RENEWS = 0.05
#: How likely one side gives notice of an agreement, in one look at the list.
_LEAVES = 0.002


def _of(agreement: dict[str, Any], version: dict[str, Any]) -> str:
    return f"/agreements/{agreement['id']}/versions/{version['n']}"


def _seen(me: Visit, version: dict[str, Any]) -> str:
    """The version that was read, as one names it; now and then an older one."""
    number = version["version"]
    return f'"{number - 1 if number > 1 and me.may(0.02) else number}"'


@does("coordinator", chance=0.2)
def keep_agreements(me: Visit) -> None:
    """See how far the agreements are, and take some of them a step further."""
    for agreement in me.items("/agreements"):
        versions = agreement["versions"]
        step = _STEPS.get(versions[0]["state"]) if versions else None
        if step is not None:
            step(me, agreement, versions)


# ---------------------------------------------------------------------------------------------------- the next version


def think_of_another(me: Visit, agreement: dict[str, Any], versions: list[dict[str, Any]]) -> None:
    """Draft another version of one in force, where its last day comes or long after it began; or end it."""
    newest = versions[0]
    last = newest["ends_on"] and date.fromisoformat(newest["ends_on"])
    is_near = last and last <= me.today + timedelta(days=newest["notice_days"])
    if me.may(0.3 if is_near else 0 if last else _RENEWS):
        me.post(f"/agreements/{agreement['id']}/versions")
    elif me.may(_LEAVES):
        give_notice(me, agreement, newest)


def give_notice(me: Visit, agreement: dict[str, Any], version: dict[str, Any]) -> None:
    """End an agreement with the notice that one side gave; some settle on a shorter one, and some count wrongly."""
    given_on = me.today - timedelta(days=me.chance.randint(0, 4))
    shorter = me.may(0.4)
    days = me.chance.randint(10, 40) if shorter or me.may(0.2) else version["notice_days"] + me.chance.randint(0, 20)
    me.post(
        f"{_of(agreement, version)}/ending",
        {
            "ends_on": str(given_on + timedelta(days=days)),
            "notice_on": str(given_on),
            "shorter_agreed": shorter,
            "given_by": me.chance.choice(["partner", "program", ""]),
        },
        if_match=_seen(me, version),
    )


def come_again(me: Visit, agreement: dict[str, Any], _versions: list[dict[str, Any]]) -> None:
    """Draft the next version of one that ended, or that is to end: the partner stays, or comes again."""
    if me.may(0.3):
        me.post(f"/agreements/{agreement['id']}/versions")


def write_draft(me: Visit, agreement: dict[str, Any], versions: list[dict[str, Any]]) -> None:
    """Write a draft anew, or send it to the directors; some send what they have not looked at."""
    here = _of(agreement, versions[0])
    if me.may(0.35):
        seen = me.get(here)
        if seen.is_done:
            me.put(f"{here}/text", _another_text(me, seen.body), if_match=_seen(me, seen.body))
    elif me.may(0.5):
        me.post(f"{here}/sending", if_match=_seen(me, versions[0]))


def _another_text(me: Visit, version: dict[str, Any]) -> dict[str, Any]:
    """The text as it stands, with a clause, the notice or what is shared written otherwise."""
    terms = version["terms"]
    owed = {one["key"]: {"fr": one["text_fr"], "en": one["text_en"]} for one in version["obligations"]}
    clauses = [{"key": one["key"], "title": one["title"], "text": one["text"]} for one in terms.get("clauses", [])]
    text: dict[str, Any] = {
        "notice_days": version["notice_days"],
        "roles": version["roles"],
        "obligations": owed,
        "clauses": clauses,
        "resources": [{"kind": one["kind"], "text": one["text"]} for one in terms.get("resources", [])],
        "sharing": _shared(terms.get("information_sharing")),
    }
    me.chance.choice([_other_notice, _other_clause, _other_words, _less_shared, _words_missing])(me, text)
    return text


def _shared(terms: dict[str, Any] | None) -> dict[str, Any] | None:
    if not terms:
        return None
    keys = {part: [one["key"] for one in terms.get(part, [])] for part in ("purposes", "information", "bodies")}
    return {**keys, "starts_on": terms.get("starts_on"), "ends_on": terms.get("ends_on")}


def _other_notice(me: Visit, text: dict[str, Any]) -> None:
    text["notice_days"] = me.chance.choice([60, 90, 120, 180, 5000])


def _other_clause(me: Visit, text: dict[str, Any]) -> None:
    if text["clauses"] and me.may(0.5):
        text["clauses"].pop(me.chance.randrange(len(text["clauses"])))
    said = {"fr": words(me.chance, 12), "en": words(me.chance, 12)}
    text["clauses"].append({"key": "", "title": {"fr": said["fr"][:30], "en": said["en"][:30]}, "text": said})


def _other_words(me: Visit, text: dict[str, Any]) -> None:
    """Word one of the obligations otherwise."""
    key = me.chance.choice(sorted(text["obligations"]))
    text["obligations"][key] = {"fr": words(me.chance, 12), "en": words(me.chance, 12)}


def _less_shared(me: Visit, text: dict[str, Any]) -> None:
    """Share less of participants: until a day, one kind of information less, or seldom nothing any more."""
    sharing = text["sharing"]
    if sharing is None:
        return
    if me.may(0.15):
        text["sharing"] = None
    elif len(sharing["information"]) > 1 and me.may(0.5):
        sharing["information"].pop(me.chance.randrange(len(sharing["information"])))
    else:
        sharing["ends_on"] = str(me.today + timedelta(days=me.chance.randint(200, 900)))


def _words_missing(me: Visit, text: dict[str, Any]) -> None:
    """Forget one language of one obligation."""
    key = me.chance.choice(sorted(text["obligations"]))
    text["obligations"][key] = {**text["obligations"][key], "en": ""}


# ------------------------------------------------------------------------------------------------------ its signatures


def wait_for_signatures(me: Visit, agreement: dict[str, Any], versions: list[dict[str, Any]]) -> None:
    """Wait for the directors: now and then take the version back, or record who signed on paper."""
    here = _of(agreement, versions[0])
    if me.may(0.04):
        me.post(f"{here}/taking-back", if_match=_seen(me, versions[0]))
    elif me.may(0.2):
        director = director_of(me, agreement["organization_id"])
        if director:
            _record_paper(me, here, versions[0], director)


def director_of(me: Visit, organization_id: str) -> str | None:
    """Who directs an organization, as the list of people shows it; it is looked up again after some weeks."""
    kept: dict[str, str] = me.memory.get("directors", {})
    if me.memory.get("directors_until", me.today) <= me.today:
        kept = {}
        after: str | None = ""
        while after is not None:
            answer = me.get("/people", limit=100, **({"after": after} if after else {}))
            if not answer.is_done:
                break
            for person in answer["items"]:
                kept |= {one["organization_id"]: person["id"] for one in person["roles"] if one["role"] == "director"}
            after = answer["next"]
        me.memory["directors"], me.memory["directors_until"] = kept, me.today + timedelta(days=30)
    return kept.get(organization_id)


def _record_paper(me: Visit, here: str, version: dict[str, Any], director: str) -> None:
    """Record a signature on paper; now and then of a day to come, or by mistake, which is taken back."""
    day = me.today + timedelta(days=3 if me.may(0.05) else 0)
    signed = {"director_id": director, "signed_on": str(day)}
    answer = me.post(f"{here}/signatures", signed, if_match=_seen(me, version))
    if not _is_shown(answer):
        return
    if me.may(0.2):
        back = {"director_id": director, "reason": "" if me.may(0.1) else words(me.chance)}
        me.post(f"{here}/signatures/taking-back", back, if_match=_seen(me, answer.body))
    elif me.may(0.85):
        me.post(f"{here}/files", {**scan(me.chance), "director_id": director})


def _is_shown(answer: Answer) -> bool:
    return answer.is_done and bool(answer.body)


@does("director", chance=0.6)
def sign_as_director(me: Visit) -> None:
    """Sign what was sent to one's organization; some forget to say that they read it, and some let it lie."""
    mine = str(me.at("director"))
    for agreement in me.items("/agreements"):
        newest = agreement["versions"][0] if agreement["versions"] else None
        if newest is None or agreement["organization_id"] != mine or newest["state"] != "sent" or me.may(0.3):
            continue
        here = _of(agreement, newest)
        seen = me.get(here)
        if seen.is_done:
            me.post(f"{here}/signature", {"has_read": me.may(0.95)}, if_match=_seen(me, seen.body))
        if me.may(0.1):
            me.post(f"{here}/files", scan(me.chance))


# ------------------------------------------------------------------------------------------------------- its first day


def begin(me: Visit, agreement: dict[str, Any], versions: list[dict[str, Any]]) -> None:
    """Have a signed version begin: after the last day of the one before, with a last day of its own."""
    version = versions[0]
    here = _of(agreement, version)
    if me.may(0.4):
        return
    starts_on = _first_day(me, versions[1:])
    years = me.chance.choice(_YEARS)
    said = {
        "starts_on": str(starts_on),
        "ends_on": None if me.may(0.1) else str(starts_on + timedelta(days=365 * years - 1)),
    }
    answer = me.post(f"{here}/start", said, if_match=_seen(me, version))
    if answer.code == "agreement.unfiled":
        _add_missing_files(me, agreement, here)


def _first_day(me: Visit, before: list[dict[str, Any]]) -> date:
    """The day after the last one of the version before, or some day soon; now and then one that is past."""
    last = max((one["ends_on"] or one["starts_on"] for one in before if one["starts_on"]), default=None)
    if me.may(0.04):
        return me.today - timedelta(days=me.chance.randint(1, 30))
    if last and date.fromisoformat(last) >= me.today:
        return date.fromisoformat(last) + timedelta(days=1)
    return me.today + timedelta(days=me.chance.choice([0, 0, 1, 7, 30]))


def _add_missing_files(me: Visit, agreement: dict[str, Any], here: str) -> None:
    """Give the files of signatures on paper that have none."""
    seen = me.get(here)
    if not seen.is_done:
        return
    carried = {one["signature_id"] for one in seen["files"]}
    for one in seen["signatures"]:
        if one["on_paper"] and one["id"] not in carried:
            me.post(
                f"/agreements/{agreement['id']}/versions/{seen['n']}/files",
                {**scan(me.chance), "director_id": one["person_id"]},
            )


_STEPS = {
    "draft": write_draft,
    "sent": wait_for_signatures,
    "signed": begin,
    "in_force": think_of_another,
    "ended": come_again,
}


# --------------------------------------------------------------------------------------------------------- its readers


@does(chance=0.01)
def read_an_agreement(me: Visit) -> None:
    """Read what one's own organization signed, and the file of it where one may."""
    mine = {str(one.organization_id) for one in me.hats}
    for agreement in me.items("/agreements"):
        if agreement["organization_id"] not in mine or not agreement["versions"]:
            continue
        seen = me.get(_of(agreement, me.chance.choice(agreement["versions"])))
        if seen.is_done and seen["files"]:
            me.get(f"/signed-files/{me.chance.choice(seen['files'])['id']}")
