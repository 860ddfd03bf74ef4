"""A request that is sent twice is done once: its answer is given again, to the same person, for the same request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import text

from api.json.referrals import ReferralGiven
from tests.api.json.test_onboarding import open_by_json
from tests.api.json.window import Asker, completion_of, operations
from tests.cast import ARRIVAL, KEYS, Cast

KEY = "c0ffee-1"


@pytest.fixture
def coordinator(cast: Cast) -> Asker:
    return Asker(cast, "coordinator")


def _person(cast: Cast, given_name: str = "Jaspe") -> dict[str, str]:
    return {
        "given_name": given_name,
        "family_name": "Onyx",
        "organization_id": str(cast.organizations["en-marge"]),
        "role": "second_representative",
        "starts_on": ARRIVAL.isoformat(),
    }


def _count(cast: Cast, table: str, where: str = "true") -> int:
    with cast.session() as session:
        found: int = session.execute(text(f'select count(*) from "{table}" where {where}')).scalar_one()  # noqa: S608
        return found


def _gist(answer: Response) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("location")


def test_every_act_that_adds_something_takes_a_key() -> None:
    adding = {str(one) for one in operations() if one.method == "post" and "201" in one.described["responses"]}
    with_key = {str(one) for one in operations() if one.has("Idempotency-Key")}
    # But not what is sealed of a participant: nothing that its words could be guessed by is kept beside them.
    on_tasks = {
        name for one in operations() if (name := str(one)).startswith("POST /tasks/") and "/summary/" not in name
    }
    assert {"POST /cases", "POST /people"} < adding
    # Nor a workbook, which is looked at twice and saved once.
    assert "POST /caseload/imports" in adding - with_key
    adding -= {"POST /caseload/imports"}
    on_cases = {name for one in operations() if "/cases/{case_id}/" in (name := str(one)) and one.has("If-Match")}
    assert len(on_cases) == 5
    on_things = {name for one in operations() if "/equipment/{equipment_id}/" in (name := str(one))}
    assert with_key == adding | on_tasks | on_cases | on_things


def test_a_person_who_is_added_twice_under_one_key_is_there_once(cast: Cast, coordinator: Asker) -> None:
    before = _count(cast, "person")
    first = coordinator.ask("POST", "/people", _person(cast), key=KEY)
    second = coordinator.ask("POST", "/people", _person(cast), key=KEY)
    assert first.status_code == 201
    assert _gist(first) == _gist(second)
    assert (first.headers.get("idempotency-replayed"), second.headers.get("idempotency-replayed")) == (None, "true")
    assert coordinator.client.get(first.headers["location"]).json() == first.json()
    assert _count(cast, "person") == before + 1
    assert _count(cast, "event", "verb = 'person.added' and actor_id is not null") == 1


def test_without_a_key_two_requests_are_two_acts(cast: Cast, coordinator: Asker) -> None:
    before = _count(cast, "person")
    places = {coordinator.ask("POST", "/people", _person(cast)).headers["location"] for _ in range(2)}
    assert len(places) == 2
    assert _count(cast, "person") == before + 2


@pytest.mark.ci
def test_a_case_an_appointment_and_an_absence_are_each_made_once(cast: Cast, coordinator: Asker) -> None:
    person = cast.people["deputy"]
    place = str(cast.organizations["en-marge"])
    asked: list[tuple[str, dict[str, Any], str]] = [
        (
            "/cases",
            {"protocol": "onboarding", "subject_id": str(cast.people["worker_em"]), "organization_id": place},
            "case",
        ),
        (
            f"/people/{person}/tenures",
            {"role": "youth_worker", "organization_id": place, "starts_on": ARRIVAL.isoformat()},
            "tenure",
        ),
        (f"/people/{person}/absences", {"starts_on": ARRIVAL.isoformat(), "ends_on": ARRIVAL.isoformat()}, "absence"),
    ]
    for path, body, table in asked:
        before = _count(cast, table)
        first, second = (coordinator.ask("POST", path, body, key=KEY) for _ in range(2))
        assert first.status_code == 201, first.text
        assert _gist(first) == _gist(second)
        assert first.headers["location"]
        assert _count(cast, table) == before + 1, table


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    "act", ["completion", "approval", "rejection", "undoing", "waiver", "handing-back", "returning"]
)
def test_an_act_on_a_task_is_answered_again_even_where_it_ended_what_the_asker_was_to_it(
    cast: Cast, coordinator: Asker, act: str
) -> None:
    """Its version has moved on, and the task may have passed to another: the answer is the first one all the same."""
    case = open_by_json(cast, coordinator)
    tasks = {task["step"]: task for task in coordinator.get(f"/cases/{case['id']}/tasks")}
    asker, step = coordinator, "prepare_notebook_and_guide"
    body: dict[str, Any] = {"reason": "As we said."}
    if act == "completion":
        body = {}
    if act in ("approval", "rejection"):
        step = "request_secure_access"
        coordinator.complete(tasks[step])
        asker = Asker(cast, "manager_em", app=coordinator.app)
        body = {"note": ""} if act == "approval" else body
    if act in ("undoing", "handing-back", "returning"):
        asker = Asker(cast, "officer", app=coordinator.app)
    if act == "undoing":
        asker.complete(tasks[step])
    if act == "returning":
        asker.act(tasks[step]["id"], "handing-back", {"reason": "Away."})
        asker = coordinator
    if act == "waiver":
        step = "request_petty_cash"
    path = f"/tasks/{tasks[step]['id']}/{act}"
    seen = coordinator.ask("GET", f"/tasks/{tasks[step]['id']}").headers["etag"]
    first = asker.ask("POST", path, body, version=seen, key=KEY)
    written = _count(cast, "event")
    second = asker.ask("POST", path, body, version=seen, key=KEY)
    assert first.status_code == 200, first.text
    assert _gist(first) == _gist(second)
    assert second.headers["idempotency-replayed"] == "true"
    assert _count(cast, "event") == written


@pytest.mark.ci
def test_an_act_on_a_case_is_done_once_and_answered_again(cast: Cast, coordinator: Asker) -> None:
    """Whoever lost the answer learns that the act is done, and not that somebody changed the case meanwhile."""
    here = f"/cases/{open_by_json(cast, coordinator)['id']}"
    asked = (
        ("PUT", f"{here}/days/arrival", {"day": "2027-01-11"}, {"day": "2027-01-12"}),
        ("POST", f"{here}/cancellation", {"reason": "Not coming."}, {"reason": "Ill."}),
        ("POST", f"{here}/reopening", {"reason": "Coming."}, {"reason": "Well."}),
    )
    for method, path, body, another in asked:
        seen = coordinator.get(here)["version"]
        first = coordinator.ask(method, path, body, version=seen, key=KEY)
        assert first.status_code == 200, first.text
        written = _count(cast, "event")
        second = coordinator.ask(method, path, body, version=seen, key=KEY)
        assert _gist(first) == _gist(second)
        assert second.headers["idempotency-replayed"] == "true"
        other = coordinator.ask(method, path, another, version=seen, key=KEY)
        assert other.json()["code"] == "idempotency.other_request"
        assert _count(cast, "event") == written


def test_the_same_key_with_another_request_is_refused(cast: Cast, coordinator: Asker) -> None:
    coordinator.ask("POST", "/people", _person(cast), key=KEY)
    before = _count(cast, "person")
    other = coordinator.ask("POST", "/people", _person(cast, "Agate"), key=KEY)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.other_request")
    assert _count(cast, "person") == before


def test_the_same_request_written_in_another_order_is_the_same_request(cast: Cast, coordinator: Asker) -> None:
    body = _person(cast)
    first = coordinator.ask("POST", "/people", body, key=KEY)
    second = coordinator.ask("POST", "/people", dict(reversed(body.items())) | {"language": "fr"}, key=KEY)
    assert _gist(first) == _gist(second)
    assert second.headers["idempotency-replayed"] == "true"


def test_another_s_key_is_another_key(cast: Cast, coordinator: Asker) -> None:
    manager = Asker(cast, "manager_em", app=coordinator.app)
    mine = coordinator.ask("POST", "/people", _person(cast), key=KEY)
    theirs = manager.ask("POST", "/people", _person(cast, "Agate"), key=KEY)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.headers["location"] != theirs.headers["location"]
    other = Asker(cast.other, "coordinator", app=coordinator.app)
    over_there = other.ask("POST", "/people", _person(cast.other, "Opale"), key=KEY)
    assert over_there.status_code == 201
    assert "idempotency-replayed" not in over_there.headers


@pytest.mark.ci
def test_one_key_may_stand_for_one_request_on_each_route(cast: Cast, coordinator: Asker) -> None:
    case = open_by_json(cast, coordinator)
    tasks = {task["step"]: task for task in coordinator.get(f"/cases/{case['id']}/tasks")}
    for step in ("prepare_notebook_and_guide", "request_secure_access"):
        answer = coordinator.complete(tasks[step], key=KEY)
        assert answer.status_code == 200
        assert "idempotency-replayed" not in answer.headers


@pytest.mark.ci
def test_a_request_that_was_refused_may_be_sent_again_under_its_key(cast: Cast, coordinator: Asker) -> None:
    """Nothing was done under the key, so nothing is answered again: what stood in the way is mended, and it is done."""
    case = open_by_json(cast, coordinator)
    tasks = {task["step"]: task for task in coordinator.get(f"/cases/{case['id']}/tasks")}
    waiting = tasks["open_secure_account"]
    body = completion_of(waiting)
    path = f"/tasks/{waiting['id']}/completion"
    refused = coordinator.ask("POST", path, body, version="*", key=KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "task.blocked")
    coordinator.complete(tasks["request_secure_access"])
    Asker(cast, "manager_em", app=coordinator.app).act(tasks["request_secure_access"]["id"], "approval", {})
    done = coordinator.ask("POST", path, body, version="*", key=KEY)
    assert done.status_code == 200
    assert "idempotency-replayed" not in done.headers
    assert done.json()["state"] == "done"


@pytest.mark.ci
def test_one_who_may_not_do_it_gets_no_answer_by_guessing_a_key(cast: Cast, coordinator: Asker) -> None:
    case = open_by_json(cast, coordinator)
    task = next(
        one for one in coordinator.get(f"/cases/{case['id']}/tasks") if one["step"] == "prepare_notebook_and_guide"
    )
    path, body = f"/tasks/{task['id']}/completion", completion_of(task)
    assert coordinator.ask("POST", path, body, version="*", key=KEY).status_code == 200
    stranger = Asker(cast, "worker_codim", app=coordinator.app)
    for _ in range(2):
        assert stranger.ask("POST", path, body, version="*", key=KEY).status_code == 404
    assert _count(cast, "answered_request", f"person_id = '{cast.people['worker_codim']}'") == 0


def test_of_two_that_race_one_acts_and_both_get_its_answer(cast: Cast, coordinator: Asker) -> None:
    before = _count(cast, "person")
    answers = _at_once(
        6, lambda _: Asker(cast, "coordinator", app=coordinator.app).ask("POST", "/people", _person(cast), key=KEY)
    )
    assert {_gist(answer) for answer in answers} == {(201, answers[0].headers["location"])}
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert _count(cast, "person") == before + 1


def test_of_two_that_race_with_different_requests_one_acts_and_the_other_is_refused(
    cast: Cast, coordinator: Asker
) -> None:
    before = _count(cast, "person")
    answers = _at_once(
        4,
        lambda n: Asker(cast, "coordinator", app=coordinator.app).ask(
            "POST", "/people", _person(cast, f"Jaspe{n}"), key=KEY
        ),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert _count(cast, "person") == before + 1


@pytest.mark.ci
def test_of_many_who_complete_a_task_at_once_without_a_key_one_does(cast: Cast, coordinator: Asker) -> None:
    case = open_by_json(cast, coordinator)
    task = next(
        one for one in coordinator.get(f"/cases/{case['id']}/tasks") if one["step"] == "prepare_notebook_and_guide"
    )
    names = ["coordinator", "officer"] * 3
    answers = _at_once(
        6,
        lambda n: Asker(cast, names[n], app=coordinator.app).ask(
            "POST", f"/tasks/{task['id']}/completion", completion_of(task), version=task["version"]
        ),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]
    assert _count(cast, "event", f"verb = 'task.done' and subject_id = '{task['id']}'") == 1


@pytest.mark.parametrize("key", ["x" * 101, "two words", "clé", "tab\tbed"])
def test_a_key_that_is_none_is_refused_and_nothing_done(cast: Cast, coordinator: Asker, key: str) -> None:
    before = _count(cast, "person")
    answer = coordinator.client.post("/api/v1/people", json=_person(cast), headers={b"Idempotency-Key": key.encode()})
    assert answer.status_code == 422
    assert key not in answer.text
    assert _count(cast, "person") == before


def test_what_is_kept_of_an_answer_holds_nobody_s_words(cast: Cast, coordinator: Asker) -> None:
    coordinator.ask("POST", "/people", _person(cast, "Chrysoprase"), key=KEY)
    with cast.session() as session:
        kept = session.execute(text("select row_to_json(a)::text from answered_request a")).scalar_one()
    assert "Chrysoprase" not in kept
    assert '"status":201' in kept


def _at_once(n: int, ask: Callable[[int], Response]) -> list[Response]:
    """Ask `n` times at the same moment, and give the answers back in no particular order."""
    ready = threading.Barrier(n, timeout=30)
    answers: list[Response] = []

    def run(number: int) -> None:
        ready.wait()
        answers.append(ask(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert len(answers) == n
    return answers


def test_what_is_kept_of_a_request_tells_nobody_whom_it_names_by_trying_names(cast: Cast) -> None:
    """The database beside a list of names is not enough: the digest is made with a key that it does not hold."""
    worker = Asker(cast, "worker_codim")
    said = {"given_name": "Ondine", "family_name": "Fougère-Lys"}
    first, again = (worker.ask("POST", "/referrals", said, key=KEY) for _ in range(2))
    assert (first.status_code, again.headers.get("idempotency-replayed")) == (201, "true")
    assert worker.ask("POST", "/referrals", {**said, "given_name": "Ondin"}, key=KEY).status_code == 409
    with cast.session() as session:
        (kept,) = session.execute(text("select digest from answered_request")).scalars().all()
    whole = ReferralGiven.model_validate(said).model_dump_json()
    assert kept != sha256(whole.encode()).hexdigest()
    assert kept == KEYS.mark(f"{cast.program_id}|request|{whole}")
