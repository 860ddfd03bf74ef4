"""The summary of a follow-up on its pages and over JSON: who writes it, who reads it when, and by number alone."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from domain.departure import hand_overs, offers
from domain.follow_ups import summaries
from domain.follow_ups.summaries import Summary
from meetings import agendas, attendance, freezing, running
from meetings.agenda_items import items_of, pool_of
from models.base import table_of
from models.record import Event
from tests.api.application import client_for
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, TODAY, Arranged, Cast
from tests.departing import LAST_DAY, asked, leave, record_protocols, settle
from tests.flows.support import carry_all, means_of
from tests.following import SECOND, WORKER, bar, consented, followed
from tests.meetings.clinic import NOW, clinic_of, committee_of, prepare_clinic
from tests.meetings.sitting import seat

EVENT = table_of(Event)
SAID = {"situation": "Elle habite chez sa <b>tante</b>.", "steps": "Elle a appelé l’école."}


@pytest.fixture
def program(cast: Cast, arranged: Arranged[None]) -> Cast:
    arranged(cast, prepare_clinic)
    record_protocols(cast)
    return cast


def left(cast: Cast, *, planned: bool = True) -> tuple[UUID, UUID, UUID]:
    """Somebody who leaves with one follow-up: it, the case, and the task that asks for the summary."""
    with cast.session() as session:
        follow_up = followed(session, cast, second=SECOND)
    case_id = leave(cast, WORKER, "ccsmtl", last_day=LAST_DAY if planned else TODAY, planned=planned)
    (task,) = asked(cast, case_id, summaries.WRITTEN)
    return follow_up, case_id, task.id


def readings(cast: Cast) -> list[tuple[UUID, str]]:
    with cast.session() as session:
        rows = session.execute(
            select(EVENT.c.actor_id, EVENT.c.facts).where(EVENT.c.verb == "read").order_by(EVENT.c.n)
        ).all()
        return [(row.actor_id, row.facts["ground"]) for row in rows if row.facts["what"] == "follow_up_summary"]


@pytest.mark.ci
def test_the_leaver_writes_it_on_a_page_of_its_own_and_completes_it_there(program: Cast) -> None:
    follow_up, case_id, task_id = left(program)
    worker = signed_in(program, WORKER)
    assert f"/tasks/{task_id}/summary" in worker.get(f"/tasks/{task_id}").text, "the step leads there"
    assert f"/tasks/{task_id}/summary" in worker.get(f"/departures/{case_id}").text
    place = f"/tasks/{task_id}/summary"
    assert "#2026-01" in worker.get(place).text
    saved = worker.post(place, data={"seen": "0", "situation": SAID["situation"], "do": "save"})
    assert saved.status_code == 200
    assert 'name="seen" value="1"' in saved.text
    assert readings(program) == [], "saving reads nothing"
    assert "chez sa &lt;b&gt;tante&lt;/b&gt;" in worker.get(place).text
    assert readings(program) == [(program.people[WORKER], "part")]
    half = worker.post(place, data={"seen": "1", "situation": SAID["situation"], "do": "complete"})
    assert half.status_code == 422
    assert "steps that the participant has taken" in text_of(half.text)
    whole = {"seen": "1", **SAID, "do": "complete"}
    done = worker.post(place, data=whole)
    assert (done.status_code, done.headers["location"]) == (303, f"/departures/{case_id}#task-{task_id}")
    assert worker.post(place, data=whole).status_code == 303, "the second click of a double click"
    shown = text_of(worker.get(f"/departures/{case_id}").text)
    assert "tante" not in shown
    assert worker.get(place).status_code == 404, "a complete one is read, and no longer written"
    assert "tante" in worker.get(f"/follow-ups/{follow_up}/summaries/{task_id}").text


@pytest.mark.ci
@pytest.mark.wide(3)
@pytest.mark.parametrize("who", ["manager_ccsmtl", SECOND, "police", "director_ccsmtl", "researcher", "officer"])
def test_nobody_else_writes_it_nor_learns_of_it_while_the_leaver_does(program: Cast, who: str) -> None:
    _, _, task_id = left(program)
    client = signed_in(program, who)
    for place in ("summary", "summary/taking-back"):
        assert client.get(f"/tasks/{task_id}/{place}").status_code == 404
    assert client.post(f"/tasks/{task_id}/summary", data={"seen": "0", **SAID}).status_code == 404
    assert client.put(f"/api/v1/tasks/{task_id}/summary", json=SAID, headers={"If-Match": '"0"'}).status_code == 404
    assert readings(program) == []


@pytest.mark.ci
def test_of_one_who_has_gone_the_manager_goes_on_with_it_and_never_reads_it_once_complete(program: Cast) -> None:
    follow_up, _, task_id = left(program)
    signed_in(program, WORKER).post(f"/tasks/{task_id}/summary", data={"seen": "0", **SAID, "do": "save"})
    with program.session() as session:
        bar(session, program, follow_up, program.people["manager_two"])
    later = AT.replace(month=12, day=9)  # after the last day
    manager = client_for(program.database, program.people["manager_ccsmtl"], at=later)
    assert "chez sa" in manager.get(f"/tasks/{task_id}/summary").text
    done = manager.post(f"/tasks/{task_id}/summary", data={"seen": "1", **SAID, "do": "complete"})
    assert done.status_code == 303
    assert manager.get(f"/tasks/{task_id}/summary").status_code == 404
    assert manager.get(f"/follow-ups/{follow_up}/summaries/{task_id}").status_code == 404
    assert "chez sa" not in manager.get(f"/tasks/{task_id}/summary/taking-back").text


@pytest.mark.ci
def test_a_manager_whom_the_participant_barred_neither_reads_nor_writes_it(program: Cast) -> None:
    follow_up, _, task_id = left(program, planned=False)
    with program.session() as session:
        bar(session, program, follow_up, program.people["manager_ccsmtl"])
    manager = signed_in(program, "manager_ccsmtl")
    assert manager.get(f"/tasks/{task_id}/summary").status_code == 404
    assert manager.post(f"/tasks/{task_id}/summary", data={"seen": "0", **SAID}).status_code == 404
    assert signed_in(program, "coordinator").get(f"/tasks/{task_id}/summary").status_code == 200


@pytest.mark.ci
def test_the_successor_reads_it_once_the_follow_up_is_theirs_and_the_leaver_no_longer(program: Cast) -> None:
    follow_up, case_id, task_id = left(program)
    with program.session() as session:
        said = Summary(SAID["situation"], SAID["steps"])
        summaries.complete_summary(session, task_id, said, by=program.actor(WORKER), at=AT)
    place = f"/follow-ups/{follow_up}/summaries/{task_id}"
    successor, worker = signed_in(program, "without_mail"), signed_in(program, WORKER)
    assert successor.get(place).status_code == 404
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to="without_mail")
    assert successor.get(place).status_code == 404, "what is only offered is not read"
    with program.session() as session:
        (offer,) = offers.offered_to(session, program.people["without_mail"])
        hand_overs.accept(session, offer.id, by=program.actor("without_mail"), at=AT)
    assert "Elle a appelé" in successor.get(place).text
    assert place in successor.get(f"/follow-ups/{follow_up}").text
    assert successor.get(f"/api/v1{place}").json()["situation"] == SAID["situation"]
    assert worker.get(place).status_code == 404
    assert [who for who, _ in readings(program)] == [program.people["without_mail"]] * 2
    privacy = text_of(signed_in(program, "privacy_officer").get("/privacy").text)
    assert "Summary of a follow-up that is handed over" in privacy


@pytest.mark.ci
def test_who_sits_on_the_committee_reads_it_while_it_sits_on_it_and_at_no_other_time(program: Cast) -> None:
    follow_up, _, task_id = left(program)
    with program.session() as session:
        said = Summary(SAID["situation"], SAID["steps"])
        summaries.complete_summary(session, task_id, said, by=program.actor(WORKER), at=AT)
    carry_all(means_of(program, lambda: AT))
    place, by = f"/follow-ups/{follow_up}/summaries/{task_id}", program.actor("coordinator")
    with program.session() as session:
        here = clinic_of(session)
        pool = pool_of(session, committee_of(session, here))
        (item,) = [row for row in pool if row.kind == summaries.ON_AGENDA]
        assert (item.subject, "tante" in item.title_fr) == ("#2026-01", False)
        agendas.put_on(session, item.id, here, by=by, at=AT)
        freezing.freeze(session, here, by=by, at=AT)
    police = client_for(program.database, program.people["police"], at=NOW)
    assert police.get(place).status_code == 404, "it does not sit yet"
    assert "reads it during the meeting" in text_of(police.get(f"/follow-ups/{follow_up}").text)
    with program.session() as session:
        running.open_meeting(session, here, by=by, at=NOW)
    assert place in police.get(f"/meetings/{here}").text
    assert "Elle a appelé" in police.get(place).text
    assert readings(program) == [(program.people["police"], "part")]
    with program.session() as session:  # a first consent, which leaves the police out
        consented(session, program, follow_up, "codim")
    assert police.get(place).status_code == 404
    with program.session() as session:
        consented(session, program, follow_up, "spvm")
    assert police.get(place).status_code == 200
    for state, status in (("absent", 404), ("present", 200)):
        with program.session() as session:
            attendance.record(session, here, seat(session, "clinical", "spvm"), state, by=by, at=NOW)
        assert police.get(place).status_code == status
    for who in ("researcher", "director_spvm", "manager_ccsmtl"):
        assert client_for(program.database, program.people[who], at=NOW).get(place).status_code == 404
    with program.session() as session:
        for row in items_of(session, here):
            if not row.outcome:
                running.treat(session, row.id, "treated", by=by, at=NOW)
        running.close_meeting(session, here, by=by, at=NOW)
    assert police.get(place).status_code == 404, "it sits no longer"


@pytest.mark.ci
def test_it_is_written_completed_and_taken_back_over_json(program: Cast) -> None:
    follow_up, _, task_id = left(program)
    worker = signed_in(program, WORKER)
    place = f"/api/v1/tasks/{task_id}/summary"
    first = worker.get(place)
    assert (first.json()["situation"], first.headers["etag"]) == ("", '"0"')
    assert worker.put(place, json=SAID).status_code == 428
    saved = worker.put(place, json=SAID, headers={"If-Match": '"0"'})
    assert (saved.json(), saved.headers["etag"]) == ({"version": 1}, '"1"')
    assert worker.put(place, json=SAID, headers={"If-Match": '"0"'}).status_code == 412
    assert worker.get(f"/api/v1/follow-ups/{follow_up}").json()["summaries"] == []
    assert worker.post(f"{place}/completion", json=SAID).status_code == 428
    assert worker.post(f"{place}/completion", json=SAID, headers={"If-Match": '"0"'}).status_code == 412
    done = worker.post(f"{place}/completion", json=SAID, headers={"If-Match": '"1"'})
    assert done.json()["state"] == "done"
    (listed,) = worker.get(f"/api/v1/follow-ups/{follow_up}").json()["summaries"]
    assert listed["task_id"] == str(task_id)
    assert worker.post(f"{place}/taking-back", json={"reason": "Une erreur"}).json()["state"] == "open"
    assert worker.get(place).json()["steps"] == SAID["steps"]
    page = worker.post(f"/tasks/{task_id}/summary", data={"seen": "2", **SAID, "do": "complete"})
    assert page.status_code == 303
    back = worker.post(f"/tasks/{task_id}/summary/taking-back", data={"reason": ""})
    assert back.status_code == 422
    assert worker.post(f"/tasks/{task_id}/summary/taking-back", data={"reason": "Encore"}).status_code == 303
