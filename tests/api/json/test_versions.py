"""Two who change the same thing: the second is told, and nothing of the first is lost."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from domain.accompaniment import states
from tests.agreeing import PDF
from tests.api.json.gathered import (
    agenda_act,
    approving,
    candidate_act,
    candidate_now,
    draft_act,
    minutes_act,
    received,
    tabled,
)
from tests.api.json.test_onboarding import open_by_json
from tests.api.json.window import Asker, completion_of, operations
from tests.cast import ARRIVAL, AT, TODAY, Cast
from tests.declared import record
from tests.departing import asked, leave, lend
from tests.following import SECOND, WORKER, agreed, followed

#: What a director signed on paper.
SIGNED_FILE = {"name": "entente.pdf", "content": b64encode(PDF).decode()}
#: An entry of the register of incidents, but for the organization.
INCIDENT: dict[str, Any] = {
    "information": "Names and telephone numbers.",
    "circumstances": "A list was left in a meeting room.",
    "known_on": TODAY.isoformat(),
    "happened_from": TODAY.isoformat(),
    "happened_to": TODAY.isoformat(),
    "people_concerned": 3,
    "measures": "The list was destroyed.",
}
SOMEONE = "00000000-0000-4000-8000-000000000000"

#: What a referral says, whole.
REFERRAL: dict[str, Any] = {
    "given_name": "Ondine",
    "family_name": "Fougère-Lys",
    "birth_date": "2010-05-04",
    "phone": "514 555-0144",
    "languages": ["fr"],
    "area": "laval",
    "reasons": "Elle demande de l’aide.",
    "facts": {"AD-C0": "Elle le dit."},
}

#: Every act on something that two people may have before them, with a body that fits.
ACTS: dict[str, dict[str, Any] | None] = {
    "POST /cases/{case_id}/cancellation": {"reason": "No longer coming."},
    "POST /cases/{case_id}/reopening": {"reason": "Coming after all."},
    "POST /cases/{case_id}/closing": None,
    "PUT /cases/{case_id}/days/{anchor}": {"day": ARRIVAL.isoformat()},
    "PUT /cases/{case_id}/version": {"version_id": "00000000-0000-4000-8000-000000000000"},
    "PUT /people/{person_id}": {"given_name": "Jaspe", "family_name": "Onyx", "language": "en"},
    "POST /tenures/{tenure_id}/ending": {"ends_on": TODAY.isoformat()},
    "POST /tasks/{task_id}/completion": {
        "note": "",
        "evidence": [],
        "given": {"folders": ["participants"], "reason": "Le travail."},
    },
    "POST /tasks/{task_id}/approval": {"note": ""},
    "POST /tasks/{task_id}/rejection": {"reason": "Not yet."},
    "POST /tasks/{task_id}/undoing": {"reason": ""},
    "POST /tasks/{task_id}/waiver": {"reason": "Not needed."},
    "POST /tasks/{task_id}/handing-back": {"reason": "Away that day."},
    "POST /tasks/{task_id}/returning": {"reason": "It goes on."},
    "PUT /equipment/{equipment_id}": {"serial": "SN-9", "label": ""},
    "POST /equipment/{equipment_id}/moves": {"move": "take_out_of_use", "words": "Broken."},
    "POST /equipment/{equipment_id}/loan": {"person_id": "00000000-0000-4000-8000-000000000000"},
    "POST /follow-ups/{follow_up_id}/taking-up": None,
    "POST /tasks/{task_id}/settlement": {"ended_as": "returned", "note": "Fine."},
    "POST /tasks/{task_id}/missing": {"reason": "Not in the box."},
    "PUT /follow-ups/{follow_up_id}/state": {
        "move": "complete",
        "participant_agrees": True,
        "reason": "",
        "terms": "",
        "returns_on": ARRIVAL.isoformat(),
    },
    "PUT /follow-ups/{follow_up_id}/workers": {"person_id": SOMEONE, "kind": "primary", "instead_of": None},
    "PUT /privacy/incidents/{incident_id}": INCIDENT | {"organization_id": SOMEONE, "people_concerned": 4},
    "PUT /privacy/incidents/{incident_id}/assessment": {"serious_risk": True, "risk_reasons": "Strangers saw it."},
    "PUT /privacy/incidents/{incident_id}/telling": {"commission_told_on": TODAY.isoformat()},
    "POST /privacy/incidents/{incident_id}/closing": None,
    "POST /privacy/incidents/{incident_id}/reopening": None,
    "PUT /agreements/{agreement_id}/versions/{n}/text": {
        "notice_days": 60,
        "roles": [{"role": "director"}],
        "obligations": {},
    },
    "POST /agreements/{agreement_id}/versions/{n}/sending": None,
    "POST /agreements/{agreement_id}/versions/{n}/taking-back": None,
    "POST /agreements/{agreement_id}/versions/{n}/signature": {"has_read": True},
    "POST /agreements/{agreement_id}/versions/{n}/signatures": {"director_id": SOMEONE, "signed_on": TODAY.isoformat()},
    "POST /agreements/{agreement_id}/versions/{n}/signatures/taking-back": {
        "director_id": SOMEONE,
        "reason": "Another day.",
    },
    "POST /agreements/{agreement_id}/versions/{n}/start": {"starts_on": TODAY.isoformat(), "ends_on": "2028-12-31"},
    "POST /agreements/{agreement_id}/versions/{n}/ending": {
        "ends_on": "2028-12-31",
        "notice_on": TODAY.isoformat(),
        "shorter_agreed": False,
    },
    "PUT /meetings/{meeting_id}/time": {"starts": "2027-01-07T10:00"},
    "POST /meetings/{meeting_id}/cancellation": {"reason": "Snow."},
    "PUT /meetings/{meeting_id}/place": {"place": "Salle B"},
    "PUT /meetings/{meeting_id}/hour": {"hour": "13:00"},
    "POST /meetings/{meeting_id}/opening": None,
    "POST /meetings/{meeting_id}/putting-back": None,
    "POST /meetings/{meeting_id}/closing": {"carry_rest": True},
    "PUT /meetings/{meeting_id}/agenda/items/{item_id}": {
        "title_fr": "Un autre point",
        "title_en": "Another item",
        "minutes": 20,
        "purpose": "decision",
        "audience": "seats",
        "presenter_seat_id": None,
    },
    "PUT /meetings/{meeting_id}/agenda/items/{item_id}/place": {"place": 1},
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/scheduling": None,
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/removal": None,
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/restoring": None,
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/withdrawal": None,
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/late": {"reason": "Last night."},
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/late-refusal": None,
    "POST /meetings/{meeting_id}/agenda/freezing": None,
    "PUT /meetings/{meeting_id}/minutes/notes/{number}": {"said_fr": "Autrement dit.", "said_en": "Otherwise said."},
    "POST /meetings/{meeting_id}/minutes/refreshing": None,
    "POST /meetings/{meeting_id}/minutes/circulation": None,
    "POST /meetings/{meeting_id}/minutes/amendment": None,
    "POST /meetings/{meeting_id}/minutes/approval": {"meeting_id": SOMEONE},
    "PUT /meetings/{meeting_id}/outcomes/{item_id}": {"outcome": "treated", "note_fr": "Dit.", "note_en": "Said."},
    "PUT /referrals/{referral_id}": REFERRAL,
    "POST /referrals/{referral_id}/sending": REFERRAL,
    "POST /participants/{participant_id}/triage": {"referral_id": SOMEONE, "result": "committee"},
    "POST /participants/{participant_id}/triage/taking-back": {"referral_id": SOMEONE},
    "POST /participants/{participant_id}/decision": {"item_id": SOMEONE, "outcome": "assign", "worker_id": SOMEONE},
    "PUT /participants/{participant_id}/worker": {"worker_id": SOMEONE},
    "POST /participants/{participant_id}/number": None,
    "POST /participants/{participant_id}/recruiting": None,
    "PUT /participants/{participant_id}/identity": {"phone": "514-555-0144"},
}

#: Which stand in a world of their own, and are asked there without a version and with an older one: test_strays,
#: test_hiring and test_summaries.
IN_THEIR_OWN_TESTS = {
    "POST /decisions/{decision_id}/translation",  # tests/api/json/test_decisions.py
    "POST /meetings/{meeting_id}/decisions",  # of its item: tests/api/json/test_sittings.py
    "PUT /meetings/{meeting_id}/attendance",  # of its seat: there too
    "POST /strays/{stray_id}/setting-aside",
    "POST /strays/{stray_id}/answer",
    "POST /tasks/{task_id}/hiring",
    "PUT /tasks/{task_id}/summary",
    "POST /tasks/{task_id}/summary/completion",
}
#: Which are asked without a version and with an older one in the world of the matrix: tests/matrix/test_versions.py.
IN_THE_MATRIX = {
    *(f"POST /participants/{{participant_id}}/{act}" for act in ("consents", "consents/narrowing", "questions")),
    "PUT /participants/{participant_id}/findings",
    *(
        f"POST /privacy/rights/{{rights_request_id}}/{act}"
        for act in ("acceptance", "answer", "extension", "masks", "package", "refusal", "restriction", "withdrawal")
    ),
    "PUT /privacy/rights/{rights_request_id}/statement",
    "PUT /studies/{study_id}/ethics",
    "POST /studies/{study_id}/end",
    *(f"POST /study-exports/{{export_id}}/{act}" for act in ("approval", "refusal", "taking-back")),
    "PUT /meetings/{meeting_id}/cases/{follow_up_id}",
    "PUT /meetings/{meeting_id}/current/{item_id}",
}


@pytest.fixture
def coordinator(cast: Cast) -> Asker:
    return Asker(cast, "coordinator")


@pytest.fixture
def case(cast: Cast, coordinator: Asker) -> dict[str, Any]:
    return open_by_json(cast, coordinator)


def _task(asker: Asker, case: dict[str, Any], step: str) -> dict[str, Any]:
    tasks: list[dict[str, Any]] = asker.get(f"/cases/{case['id']}/tasks")
    return next(task for task in tasks if task["step"] == step)


def test_every_act_that_two_people_may_do_at_once_asks_for_the_version_that_was_seen() -> None:
    assert {str(one) for one in operations() if one.has("If-Match")} == set(ACTS) | IN_THEIR_OWN_TESTS | IN_THE_MATRIX


def _aimed(act: str, coordinator: Asker, case: dict[str, Any]) -> tuple[Asker, str, str, dict[str, Any]]:
    """An act on a thing on which the asker may do it: who asks, how, where, and the thing as it stands."""
    method, _, path = act.partition(" ")
    if path.startswith("/cases"):
        place = path.replace("{case_id}", case["id"]).replace("{anchor}", "arrival")
        if act.endswith("reopening"):
            reason = {"reason": "No longer coming."}
            case = coordinator.post(f"/cases/{case['id']}/cancellation", reason, version=case["version"])
        return coordinator, method, place, case
    if path.startswith("/people"):
        person = coordinator.get(f"/people/{case['subject_id']}")
        return coordinator, method, path.replace("{person_id}", person["id"]), person
    if path.startswith("/tenures"):
        (tenure,) = coordinator.get(f"/people/{coordinator.cast.people['worker_codim']}")["roles"]
        return coordinator, method, path.replace("{tenure_id}", tenure["tenure_id"]), tenure
    if path.startswith("/agreements"):
        return _version_of_agreement(coordinator, method, path)
    if path.startswith(("/meetings", "/decisions")):
        return _aimed_at_a_meeting(act, coordinator)
    if path.startswith(("/follow-ups", "/equipment")):
        return _aimed_at_what_is_followed_or_lent(act, coordinator)
    if path.startswith("/referrals"):
        place, draft = draft_act(coordinator, act, REFERRAL)
        return coordinator, method, place, draft
    if path.startswith("/participants"):
        asker, place, candidate = candidate_act(coordinator, act)
        return asker, method, place, candidate
    if path.startswith("/privacy"):
        officer, incident = _incident(coordinator, act)
        return officer, method, path.replace("{incident_id}", incident["id"]), incident
    if act.endswith(("settlement", "missing")):
        thing = _a_thing(coordinator)
        return coordinator, method, path.replace("{task_id}", thing["id"]), thing
    return _aimed_at_a_task(act, coordinator, case)


def _aimed_at_what_is_followed_or_lent(act: str, coordinator: Asker) -> tuple[Asker, str, str, dict[str, Any]]:
    """As `_aimed`, at a follow-up or at a thing of the inventory."""
    method, _, path = act.partition(" ")
    if path.startswith("/equipment"):
        thing = coordinator.post("/equipment", {"kind": "phone", "serial": "SN-1", "label": ""})
        return coordinator, method, path.replace("{equipment_id}", thing["id"]), thing
    ended = act.endswith("taking-up")
    asker, follow_up = an_ended_follow_up(coordinator) if ended else (coordinator, a_follow_up(coordinator))
    return asker, method, path.replace("{follow_up_id}", follow_up["id"]), follow_up


def _aimed_at_a_meeting(act: str, coordinator: Asker) -> tuple[Asker, str, str, dict[str, Any]]:
    """As `_aimed`, at a meeting, what is on its agenda, or its minutes."""
    method, _, path = act.partition(" ")
    if "/outcomes" in path:
        meeting_id, item = an_item(coordinator)
        place = path.replace("{meeting_id}", meeting_id).replace("{item_id}", item["id"])
        return coordinator, method, place, item
    if "/minutes/" in path:
        keeper, place, sheet = minutes_act(coordinator, act)
        return keeper, method, place, sheet
    if "/agenda/" in path:
        place, thing = agenda_act(coordinator, act, a_meeting(coordinator)["id"])
        return coordinator, method, place, thing
    is_today = act.endswith(("opening", "closing", "putting-back"))
    meeting = _meeting_of_today(coordinator, act) if is_today else a_meeting(coordinator)
    return coordinator, method, path.replace("{meeting_id}", meeting["id"]), meeting


def _aimed_at_a_task(act: str, coordinator: Asker, case: dict[str, Any]) -> tuple[Asker, str, str, dict[str, Any]]:
    """As `_aimed`, at a task in the state that the act asks for."""
    method, _, path = act.partition(" ")
    task = _task(coordinator, case, "request_secure_access")
    asker = coordinator
    if act.endswith(("approval", "rejection")):
        coordinator.complete(task)
        asker = Asker(coordinator.cast, "manager_em", app=coordinator.app)
    if act.endswith("undoing"):
        coordinator.complete(task)
    if act.endswith("waiver"):
        task = _task(coordinator, case, "request_petty_cash")
    if act.endswith(("handing-back", "returning")):
        task = _task(coordinator, case, "prepare_notebook_and_guide")
        officer = Asker(coordinator.cast, "officer", app=coordinator.app)
        if act.endswith("returning"):
            officer.act(task["id"], "handing-back", {"reason": "Away that day."})
        else:
            asker = officer
    task = coordinator.get(f"/tasks/{task['id']}")
    return asker, method, path.replace("{task_id}", task["id"]), task


def _a_thing(coordinator: Asker) -> dict[str, Any]:
    """The task that asks somebody who leaves for a telephone."""
    cast = coordinator.cast
    record(cast, "departure")
    with cast.session() as session:
        lend(session, cast.people["worker_codim"], "SN-1")
    case_id = leave(cast, "worker_codim", "codim")
    (asked_for,) = asked(cast, case_id, "return_equipment")
    found: dict[str, Any] = coordinator.get(f"/tasks/{asked_for.id}")
    return found


def _version_of_agreement(coordinator: Asker, method: str, path: str) -> tuple[Asker, str, str, dict[str, Any]]:
    """The first version of an agreement, in the state in which this act is done, and who does it."""
    place, name = an_agreement(coordinator), path.partition("{n}/")[2]
    director = Asker(coordinator.cast, "director_em", app=coordinator.app)
    signed = {"director_id": str(coordinator.cast.people["director_em"]), "signed_on": TODAY.isoformat()}
    carried: list[tuple[str, dict[str, Any] | None]] = []
    if name not in ("sending", "text"):
        carried.append(("sending", None))
    if name in ("start", "ending", "signatures/taking-back"):
        carried += [("signatures", signed), ("files", SIGNED_FILE)]
    if name == "ending":
        carried.append(("start", {"starts_on": TODAY.isoformat()}))
    for act, body in carried:
        assert coordinator.ask("POST", f"{place}/{act}", body, version=coordinator.get(place)["version"]).is_success
    return director if name == "signature" else coordinator, method, f"{place}/{name}", coordinator.get(place)


def an_agreement(coordinator: Asker) -> str:
    """Where the first version of an agreement is."""
    en_marge = str(coordinator.cast.organizations["en-marge"])
    found = next(one for one in coordinator.get("/agreements") if one["organization_id"] == en_marge)
    return f"/agreements/{found['id']}/versions/1"


def a_meeting(coordinator: Asker) -> dict[str, Any]:
    """A meeting of a season that stands."""
    season = {"first": "2027-01-06", "last": "2027-01-27", "hour": "09:30"}
    coordinator.post("/committees/clinical/seasons", season)
    found: dict[str, Any] = coordinator.get("/meetings?committee=clinical&to=2027-01-31")["items"][0]
    found.update(coordinator.get(f"/meetings/{found['id']}"))
    return found


def a_follow_up(coordinator: Asker) -> dict[str, Any]:
    """A follow-up that nobody accompanies yet, in a program whose agreements are in force."""
    cast = coordinator.cast
    with cast.session() as session:
        agreed(session, cast)
        made = followed(session, cast, worker=None)
    found: dict[str, Any] = coordinator.get(f"/follow-ups/{made}")
    return found


def an_ended_follow_up(coordinator: Asker) -> tuple[Asker, dict[str, Any]]:
    """The worker who had a follow-up until it ended, and may take it up again, and that follow-up."""
    cast = coordinator.cast
    with cast.session() as session:
        agreed(session, cast)
        made = followed(session, cast, worker=WORKER)
        states.deactivate(session, made, "withdrew", by=cast.actor(WORKER), at=AT)
    found: dict[str, Any] = coordinator.get(f"/follow-ups/{made}")
    return Asker(cast, WORKER, app=coordinator.app), found


def an_item(coordinator: Asker) -> tuple[str, dict[str, Any]]:
    """The id of a meeting under way, and an item that came up in it."""
    meeting_id = _meeting_of_today(coordinator, "closing")["id"]
    item = {"title_fr": "Un point", "title_en": "An item", "reason": "This morning."}
    return meeting_id, coordinator.post(f"/meetings/{meeting_id}/additions", item)


def _meeting_of_today(coordinator: Asker, act: str) -> dict[str, Any]:
    """A meeting that may be opened, put back, or closed."""
    coordinator.post("/committees/clinical/meetings", {"starts": [f"{TODAY.isoformat()}T10:30"]})
    (found,) = coordinator.get("/meetings?committee=clinical")["items"]
    if act.endswith(("closing", "putting-back")):
        assert coordinator.ask("POST", f"/meetings/{found['id']}/opening", version="*").status_code == 200
    shown: dict[str, Any] = coordinator.get(f"/meetings/{found['id']}")
    return shown


def _incident(coordinator: Asker, act: str) -> tuple[Asker, dict[str, Any]]:
    """The privacy officer, and an incident of theirs on which this act may be done."""
    officer = Asker(coordinator.cast, "privacy_officer", app=coordinator.app)
    incident = officer.post("/privacy/incidents", _body(coordinator, INCIDENT))
    place = f"/privacy/incidents/{incident['id']}"
    if act.endswith(("closing", "reopening")):
        officer.ask("PUT", f"{place}/assessment", {"serious_risk": False, "risk_reasons": "None saw it."}, version="*")
    if act.endswith("reopening"):
        assert officer.ask("POST", f"{place}/closing", None, version="*").status_code == 200
    return officer, officer.get(place)


def _body(coordinator: Asker, body: dict[str, Any] | None) -> dict[str, Any] | None:
    """The body of an act, with what is there in the place of what it names."""
    if body is not None and "referral_id" in body:
        return body | {"referral_id": received(coordinator)}
    if body is not None and "worker_id" in body:
        item = {"item_id": tabled(coordinator)} if "item_id" in body else {}
        return body | item | {"worker_id": str(coordinator.cast.people[SECOND])}
    if body is not None and "person_id" in body:
        return body | {"person_id": str(coordinator.cast.people[WORKER])}
    if body is not None and "meeting_id" in body:
        return body | {"meeting_id": approving(coordinator)}
    if body is not None and "director_id" in body:
        return body | {"director_id": str(coordinator.cast.people["director_em"])}
    if body is None or "information" not in body:
        return body
    return body | {"organization_id": str(coordinator.cast.organizations["codim"])}


@pytest.mark.ci
@pytest.mark.wide
@pytest.mark.parametrize("act", sorted(ACTS))
def test_an_act_without_a_version_is_told_to_say_which(coordinator: Asker, case: dict[str, Any], act: str) -> None:
    asker, method, path, thing = _aimed(act, coordinator, case)
    answer = asker.ask(method, path, _body(coordinator, ACTS[act]))
    assert answer.status_code == 428
    assert _now(coordinator, act, thing) == thing


@pytest.mark.ci
@pytest.mark.wide
@pytest.mark.parametrize("act", sorted(ACTS))
def test_an_act_on_what_was_changed_meanwhile_is_refused_and_changes_nothing(
    coordinator: Asker, case: dict[str, Any], act: str
) -> None:
    asker, method, path, thing = _aimed(act, coordinator, case)
    answer = asker.ask(method, path, _body(coordinator, ACTS[act]), version=thing["version"] - 1)
    kinds = {"cases": "case", "tasks": "task", "people": "person", "privacy": "incident", "meetings": "meeting"}
    kinds["tenures"] = "tenure"
    kinds["equipment"] = "equipment"
    kinds["follow-ups"] = "follow_up"
    kinds["agreements"] = "agreement"
    kinds["decisions"] = "decision"
    kinds["referrals"] = "referral"
    kinds["participants"] = "participant"
    kind = "agenda_item" if "/outcomes/" in path or "/items/" in path else kinds[path.split("/")[1]]
    kind = "minutes" if "/minutes/" in path else kind
    # What is triaged is a referral; what the committee decides, it decides on an item of its agenda.
    kind = "referral" if "/triage" in path else kind
    kind = "agenda_item" if path.startswith("/participants") and path.endswith("/decision") else kind
    assert (answer.status_code, answer.json()["code"]) == (412, f"{kind}.changed")
    assert _now(coordinator, act, thing) == thing


#: Which the case of the tests is not ready for; what answers with another, new thing; and what its author reads no more
#: once it is sent (test_admissions sends one).
ELSEWHERE = {
    "POST /referrals/{referral_id}/sending",
    "POST /cases/{case_id}/closing",
    "PUT /cases/{case_id}/version",
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/restoring",
}


@pytest.mark.ci
@pytest.mark.wide
@pytest.mark.parametrize("act", sorted(set(ACTS) - ELSEWHERE))
def test_the_same_act_with_the_version_of_now_is_done_and_says_the_next(
    coordinator: Asker, case: dict[str, Any], act: str
) -> None:
    """So that the refusals above are for the version's sake and for nothing else."""
    asker, method, path, thing = _aimed(act, coordinator, case)
    answer = asker.ask(method, path, _body(coordinator, ACTS[act]), version=thing["version"])
    assert answer.status_code == 200, answer.text
    now = _now(coordinator, act, thing)
    assert now["version"] > thing["version"]
    # What is done to a candidate answers with their file.
    assert answer.headers["etag"] == f'"{now.get("file", now)["version"]}"'


def _now(coordinator: Asker, act: str, thing: dict[str, Any]) -> Any:
    if "/participants/" in act:
        return candidate_now(coordinator, act, thing["file"]["id"], thing["meeting_id"])
    if act.startswith("POST /tenures"):
        (tenure,) = coordinator.get(f"/people/{coordinator.cast.people['worker_codim']}")["roles"]
        return tenure
    if "/privacy/" in act:
        officer = Asker(coordinator.cast, "privacy_officer", app=coordinator.app)
        return officer.get(f"/privacy/incidents/{thing['id']}")
    if "/outcomes" in act:
        (meeting,) = coordinator.get("/meetings?committee=clinical")["items"]
        items = coordinator.get(f"/meetings/{meeting['id']}/outcomes")
        # How long it is talked about goes on by itself.
        return next(one for one in items if one["id"] == thing["id"]) | {"minutes_used": thing["minutes_used"]}
    if "/minutes/" in act:
        return coordinator.get(f"/meetings/{thing['meeting_id']}/minutes") | {"meeting_id": thing["meeting_id"]}
    if "/agenda/items/" in act:
        return coordinator.get(f"{_agenda_of(coordinator)}/items/{thing['id']}")
    if "/agreements/" in act:
        return coordinator.get(f"/agreements/{thing['agreement_id']}/versions/{thing['n']}")
    return coordinator.get(f"/{act.split('/')[1]}/{thing['id']}")


def _agenda_of(coordinator: Asker) -> str:
    """The agenda of the season's first meeting."""
    lines = coordinator.get("/meetings?committee=clinical&to=2027-01-31")["items"]
    return f"/meetings/{lines[0]['id']}/agenda"


def test_of_two_who_complete_the_same_task_the_second_is_told_and_the_first_stands(
    cast: Cast, coordinator: Asker, case: dict[str, Any]
) -> None:
    task = _task(coordinator, case, "prepare_notebook_and_guide")
    officer = Asker(cast, "officer", app=coordinator.app)
    seen = officer.ask("GET", f"/tasks/{task['id']}").headers["etag"]
    first = coordinator.act(task["id"], "completion", completion_of(task) | {"note": "On the shelf."})
    second = officer.ask(
        "POST", f"/tasks/{task['id']}/completion", completion_of(task) | {"note": "In the cupboard."}, version=seen
    )
    assert (first.status_code, second.status_code) == (200, 412)
    shown = coordinator.get(f"/tasks/{task['id']}")
    assert (shown["state"], shown["note"]) == ("done", "On the shelf.")
    # Whoever says that any version will do is still told that there is nothing left to do.
    anyway = officer.ask("POST", f"/tasks/{task['id']}/completion", completion_of(task), version="*")
    assert (anyway.status_code, anyway.json()["code"]) == (409, "task.not_open")


@pytest.mark.wide(8)
@pytest.mark.parametrize("written", ["3", 'W/"3"', '"3", "4"', '"-1"', '"1e3"', '"٣"', '"9999999999"', "abc"])
def test_a_version_that_is_none_is_refused(coordinator: Asker, case: dict[str, Any], written: str) -> None:
    task = _task(coordinator, case, "prepare_notebook_and_guide")
    answer = coordinator.client.post(
        f"/api/v1/tasks/{task['id']}/completion", json=completion_of(task), headers={b"If-Match": written.encode()}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "header.if-match"
    assert written not in answer.text
    assert coordinator.get(f"/tasks/{task['id']}")["state"] == "open"
