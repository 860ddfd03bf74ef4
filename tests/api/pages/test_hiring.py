"""Naming who is hired, on its page and over JSON: who may, what is refused, and that the onboarding opens at once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.base import table_of
from models.program import Person
from tests.api.pages.looking import signed_in, text_of
from tests.cast import ARRIVAL, Cast
from tests.domain.test_hiring import NEW, PLACE, recruiting


def spoken_of(cast: Cast) -> list[str] | None:
    """What is written of who was hired."""
    with cast.session() as session:
        return session.scalar(select(table_of(Person).c.spoken).where(table_of(Person).c.family_name == "Grenat"))


def form(cast: Cast, **changed: str) -> dict[str, str]:
    place = f"youth_worker:{cast.organizations[PLACE]}"
    return {
        "form": "new",
        "seen": "*",
        **NEW,
        "applicant": "1",
        "place": place,
        "starts_on": ARRIVAL.isoformat(),
        **changed,
    }


@pytest.mark.ci
def test_the_manager_names_somebody_new_and_is_led_to_their_onboarding(cast: Cast) -> None:
    task_id = recruiting(cast)
    manager = signed_in(cast, "manager_codim")
    where = f"/tasks/{task_id}/hiring"
    assert where in manager.get(f"/tasks/{task_id}").text, "the step leads there"
    page = manager.get(where)
    seen = page.text.partition('name="seen" value="')[2].partition('"')[0]
    late = manager.post(where, data=form(cast, seen=seen, starts_on=""))
    assert late.status_code == 422
    assert "Jaspe" in late.text, "what was typed stays"
    assert manager.post(where, data=form(cast, seen=seen, applicant="2")).status_code == 409
    elsewhere = form(cast, seen=seen, place=f"youth_worker:{cast.organizations['anonyme']}")
    assert manager.post(where, data=elsewhere).status_code == 422
    assert manager.post(where, data=form(cast, seen=seen, form="known")).status_code == 422
    done = manager.post(where, data=form(cast, seen=seen, spoken="espagnol"), follow_redirects=True)
    assert done.status_code == 200
    assert "Jaspe Grenat" in text_of(done.text)
    assert "/cases/" in str(done.url)
    assert spoken_of(cast) == ["es"]
    assert manager.post(where, data=form(cast, seen=seen)).status_code in (404, 409, 412)


@pytest.mark.ci
def test_over_json_it_is_done_once_for_one_key_and_says_which_onboarding_opened(cast: Cast) -> None:
    task_id = recruiting(cast)
    coordinator = signed_in(cast, "coordinator")
    where = f"/api/v1/tasks/{task_id}/hiring"
    body = {"applicant": 1, "new": {**NEW, "spoken": ["es"]}, "role": "youth_worker", "starts_on": ARRIVAL.isoformat()}
    assert coordinator.post(where, json=body).status_code == 428
    assert coordinator.post(where, json=body, headers={"If-Match": '"0"'}).status_code == 412
    asked = {"If-Match": coordinator.get(f"/api/v1/tasks/{task_id}").headers["etag"], "Idempotency-Key": "one"}
    hired = coordinator.post(where, json=body, headers=asked)
    assert hired.status_code == 201
    assert spoken_of(cast) == ["es"]
    case = coordinator.get(f"/api/v1/cases/{hired.json()['onboarding_id']}").json()
    assert (case["protocol"], case["state"]) == ("onboarding", "open")
    again = coordinator.post(where, json=body, headers=asked)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert coordinator.post(where, json=body, headers={"If-Match": "*"}).status_code == 409


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("who", ["manager_em", "worker_codim", "director_codim", "officer", "police"])
def test_nobody_else_hires(cast: Cast, who: str) -> None:
    task_id = recruiting(cast)
    client = signed_in(cast, who)
    assert client.get(f"/tasks/{task_id}/hiring").status_code == 404
    assert client.post(f"/tasks/{task_id}/hiring", data=form(cast, seen="1")).status_code == 404
