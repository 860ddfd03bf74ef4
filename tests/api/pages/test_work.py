"""My work: what is to do and to approve, for oneself or for someone absent, and what is done from the list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.pages import work
from domain.agreements import agreements
from domain.casework.watch import SILENT_AFTER
from domain.people.absences import record_absence
from domain.people.people import end_tenure
from models.base import table_of
from models.program import Tenure
from tests.agreeing import last_version, second_director
from tests.api.application import ADDRESS, app_on, client_for, nobody, token_for
from tests.api.pages.looking import row_of, send, signed_in, task_of, text_of
from tests.casework import complete, open_onboarding
from tests.cast import ARRIVAL, AT, TODAY, Cast

_tenure = table_of(Tenure)


def absent(cast: Cast, name: str, deputy: str, **given: object) -> None:
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people[name],
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=4),
            deputy_id=cast.people[deputy],
            by=cast.actor("coordinator"),
            at=AT,
            **given,  # type: ignore[arg-type]
        )


@pytest.mark.ci
def test_a_director_sees_on_their_first_page_what_waits_for_their_signature(cast: Cast) -> None:
    """It is no task: where no renewal asks for it, the letter alone would say so."""
    waits = "An agreement waits for your signature"
    with cast.session() as session:
        second_director(session, cast)
        version = last_version(session, cast)
        assert waits not in text_of(signed_in(cast, "director_em").get("/").text)
        agreements.send_version(session, version, by=cast.actor("coordinator"), at=AT)
    for name, is_asked in (("director_em", True), ("deputy", True), ("director_codim", False), ("coordinator", False)):
        assert (waits in text_of(signed_in(cast, name).get("/").text)) == is_asked, name
    home = text_of(signed_in(cast, "director_em").get("/").text)
    assert "En Marge 12-17, version 1." in home
    assert "All is done for today" not in home
    with cast.session() as session:
        agreements.sign_here(session, version, has_read=True, by=cast.actor("director_em"), at=AT)
    assert waits not in text_of(signed_in(cast, "director_em").get("/").text)
    assert waits in text_of(signed_in(cast, "deputy").get("/").text)


def test_nobody_signed_in_is_led_to_the_sign_in(cast: Cast) -> None:
    answer = nobody(cast.database).get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_the_day_is_written_as_its_language_writes_it_at_the_head_of_a_page(cast: Cast) -> None:
    someone = signed_in(cast, "police")
    assert "Monday, November 23, 2026" in text_of(someone.get("/?lang=en").text)
    assert "Lundi 23 novembre 2026" in text_of(someone.get("/?lang=fr").text)


def test_nothing_to_do_is_said_kindly(cast: Cast) -> None:
    open_onboarding(cast)
    page = text_of(signed_in(cast, "police").get("/").text)
    assert "All is done for today" in page
    assert "Open a case" not in page
    assert "vacant" not in page


def test_each_sees_what_falls_to_them_and_nothing_else(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    officer = text_of(signed_in(cast, "officer").get("/").text)
    assert "Prepare the My Stratosphere notebook and the support guide" in officer
    assert "Ask for access to the secure network" not in officer
    assert "Émeraude Quartz" in officer
    mine = signed_in(cast, "coordinator").get("/").text
    assert f'id="task-{task_of(cast, case_id, "request_secure_access")["id"]}"' in mine
    assert f'id="task-{task_of(cast, case_id, "prepare_notebook_and_guide")["id"]}"' not in mine


@pytest.mark.ci
def test_a_task_is_done_from_the_list_and_leaves_it(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    officer = signed_in(cast, "officer")
    task = task_of(cast, case_id, "prepare_notebook_and_guide")
    found = row_of(officer.get("/").text, task["id"])
    assert f'action="/tasks/{task["id"]}/completion"' in found
    assert 'name="back" value="work"' in found
    assert send(officer, task, "completion", back="work").headers["location"] == "/"
    assert f"task-{task['id']}" not in officer.get("/").text


@pytest.mark.ci
def test_what_waits_for_an_approval_stands_apart_and_is_approved_there(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    manager = signed_in(cast, "manager_em")
    page = manager.get("/").text
    assert 'id="approve-title"' in page
    task = task_of(cast, case_id, "request_secure_access")
    assert "Done by Agate Améthyste (Coordinator)" in text_of(row_of(page, task["id"]))
    assert send(manager, task, "approval", back="work").status_code == 303
    assert 'id="approve-title"' not in manager.get("/").text


@pytest.mark.ci
def test_a_deputy_sees_for_whom_they_act_and_does_it_in_their_name(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    absent(cast, "officer", "deputy")
    deputy = signed_in(cast, "deputy")
    page = deputy.get("/").text
    assert "Acting for Béryl Calcaire" in text_of(page)
    assert "until November 27, 2026" in text_of(page)
    assert text_of(signed_in(cast, "officer").get("/").text).count("Prepare the My Stratosphere") == 0
    task = task_of(cast, case_id, "prepare_notebook_and_guide")
    assert send(deputy, task, "completion", back="work").status_code == 303
    told = text_of(signed_in(cast, "coordinator").get(f"/tasks/{task['id']}").text)
    assert "Soufre Tungstène (Administrative officer), acting for Béryl Calcaire" in told


def test_a_deputy_for_tasks_alone_is_not_asked_to_approve(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    absent(cast, "manager_em", "deputy", kinds=["tasks"])
    assert "secure network" not in text_of(signed_in(cast, "deputy").get("/").text)


def test_what_is_late_comes_first_and_is_counted(cast: Cast) -> None:
    open_onboarding(cast)
    late = client_for(cast.database, cast.people["officer"], at=AT + timedelta(days=12))
    page = text_of(late.get("/").text)
    assert page.index("Late") < page.index("Prepare the My Stratosphere")
    assert "days late" in page


@pytest.mark.ci
def test_the_coordinator_sees_what_is_vacant_and_late_in_the_program_and_others_do_not(cast: Cast) -> None:
    open_onboarding(cast)
    with cast.session() as session:
        tenure = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["it_contact"])).one()
        end_tenure(session, tenure, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)
    for name, sees in (("coordinator", True), ("manager_em", False), ("officer", True)):
        page = text_of(signed_in(cast, name).get("/").text)
        assert ("vacant roles and seats" in page) is sees
        assert ("The engine needs attention" in page) is sees  # no worker runs in the tests


def test_an_engine_that_started_with_the_web_is_given_time_to_show_itself(cast: Cast) -> None:
    app = app_on(cast.database)
    app.state.installation = replace(app.state.installation, opened_at=AT)
    browser = TestClient(app, base_url=ADDRESS, headers={"Accept-Language": "en"})
    browser.cookies.set("spheres", token_for(cast.database, cast.people["coordinator"]))
    assert "The engine needs attention" not in text_of(browser.get("/").text)
    app.state.installation = replace(app.state.installation, clock=lambda: AT + SILENT_AFTER + timedelta(seconds=1))
    assert "The engine needs attention" in text_of(browser.get("/").text)


def test_a_worker_sees_how_far_their_own_onboarding_is(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "plan_coaching")
    arrived = AT.replace(month=ARRIVAL.month, day=ARRIVAL.day)
    page = client_for(cast.database, cast.people["worker_em"], at=arrived).get("/").text
    own = text_of(page[page.index('id="own"') :])
    assert "Youth worker onboarding" in own
    assert "1 of 28" in own


def test_whoever_has_not_begun_yet_is_not_let_in(cast: Cast) -> None:
    open_onboarding(cast)
    assert signed_in(cast, "worker_em").get("/").headers["location"] == "/sign-in"


@pytest.mark.ci
def test_more_than_a_page_is_paged_and_nothing_left_out(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "A_PAGE", 4)
    open_onboarding(cast)
    mine = signed_in(cast, "coordinator")
    seen: list[UUID] = []
    address, pages = "/", 0
    while address:
        page = mine.get(address).text
        found = [
            UUID(part[:36]) for part in page.split('<li class="task ')[1:] for part in [part.split('id="task-')[1]]
        ]
        assert 0 < len(found) <= 4
        seen += found
        pages += 1
        address = page.partition('rel="next" href="')[2].partition('"')[0]
    assert pages > 1
    assert len(seen) == len(set(seen)) > 4


@pytest.mark.ci
def test_only_the_part_that_the_script_asks_for_is_sent_after_a_form(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    officer = signed_in(cast, "officer")
    part = officer.get("/", headers={"X-Part": "work"}).text
    assert part.lstrip().startswith('<div id="work"')
    assert 'data-say="' in part
    task = task_of(cast, case_id, "prepare_notebook_and_guide")
    refused = officer.post(
        f"/tasks/{task['id']}/handing-back",
        data={"seen": task["version"], "back": "work", "words": ""},
        headers={"X-Part": "work"},
    )
    assert refused.status_code == 422
    assert 'data-say="Say why, in a few words."' in refused.text


def test_the_page_is_whole_in_french(cast: Cast) -> None:
    open_onboarding(cast)
    page = signed_in(cast, "coordinator").get("/", headers={"Accept-Language": "fr"}).text
    assert '<html lang="fr-CA"' in page
    for french in ("Mon travail", "À faire", "Terminer", "à approuver", "Lundi 23 novembre 2026"):
        assert french in text_of(page)
    for english in ("My work", "To do", "Complete", "to approve"):
        assert english not in text_of(page)
