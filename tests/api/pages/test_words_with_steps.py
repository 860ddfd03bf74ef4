"""Words with a step about a participant: read by who keeps the file that day, sealed under their key, everywhere."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from domain.accompaniment import consents
from domain.casework import tasks, words
from domain.departure import hand_overs, offers
from domain.follow_ups import summaries
from domain.follow_ups.summaries import Summary
from domain.kernel.rows import every, of
from domain.rights import who_read
from models.base import table_of
from models.casework import Task, TaskWords
from models.departure import HandOver
from models.follow_up import FollowUp
from models.participant import Participant
from models.program import Person
from models.record import Event
from simulation.promises import names
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, TODAY, Arranged, Cast
from tests.departing import asked, leave, record_protocols
from tests.following import SECOND, WORKER, consented, followed
from tests.meetings.clinic import prepare_clinic
from tests.meetings.test_redacting import everything_kept

_task = table_of(Task)
_words = table_of(TaskWords)
_follow_up = table_of(FollowUp)
_event = table_of(Event)

SAID = "CANARIDEP elle dit avoir peur de son ancien copain"


@pytest.fixture
def program(cast: Cast, arranged: Arranged[None]) -> Cast:
    arranged(cast, prepare_clinic)
    record_protocols(cast)
    return cast


def leaving(cast: Cast, *partners: str) -> tuple[UUID, UUID]:
    """A worker who leaves with one follow-up, in a pair with somebody of another partner: it, and the case."""
    with cast.session() as session:
        follow_up = followed(session, cast, second=SECOND)
        if partners:
            consented(session, cast, follow_up, *partners)
    return follow_up, leave(cast, WORKER, "ccsmtl")


def noted(cast: Cast, case_id: UUID, step: str = "tell_participant") -> UUID:
    (task,) = asked(cast, case_id, step)
    task_id = UUID(str(task.id))
    sent = {"seen": task.version, "words": SAID}
    assert signed_in(cast, WORKER).post(f"/tasks/{task_id}/completion", data=sent).status_code == 303
    return task_id


@pytest.mark.ci
def test_a_note_with_a_step_about_a_participant_is_read_by_who_keeps_the_file_and_stands_sealed(program: Cast) -> None:
    _, case_id = leaving(program)
    task_id = noted(program, case_id)
    assert "CANARIDEP" not in everything_kept(program)
    for who in (WORKER, "coordinator"):
        client = signed_in(program, who)
        assert "CANARIDEP" in client.get(f"/tasks/{task_id}").text
        assert client.get(f"/api/v1/tasks/{task_id}").json()["note"] == SAID
        for place in (f"/departures/{case_id}", f"/api/v1/cases/{case_id}/tasks"):
            assert "CANARIDEP" not in client.get(place).text, "a list says that there are words, and opens none"
        assert f"/tasks/{task_id}" in client.get(f"/departures/{case_id}").text
    with program.session() as session:
        read = session.scalars(select(_event.c.facts).where(_event.c.verb == "read")).all()
        number = session.execute(select(table_of(Participant).c.number)).scalar_one()
        told = who_read.readings_of(session, number)
    assert [one["what"] for one in read].count("task_words") == 4, "each reading is on record"
    assert sum(one.said["times"] for one in told if one.said["what"] == "task_words") == 4, "and told to the person"
    for who in ("manager_ccsmtl", "it_contact", "officer", "manager_em"):
        client = signed_in(program, who)
        for place in (
            f"/tasks/{task_id}",
            f"/api/v1/tasks/{task_id}",
            f"/departures/{case_id}",
            f"/api/v1/cases/{case_id}/tasks",
            "/handed-over",
            "/activity",
        ):
            assert "CANARIDEP" not in client.get(place).text


@pytest.mark.ci
def test_it_equipment_and_office_see_no_step_about_a_participant_that_is_not_theirs_to_do(program: Cast) -> None:
    _, case_id = leaving(program)
    task_id = noted(program, case_id)
    (step,) = asked(program, case_id, "hand_over_follow_ups")
    with program.session() as session:
        hand_overs.propose(session, step.id, program.people["without_mail"], by=program.actor("coordinator"), at=AT)
        (offer,) = offers.offered_to(session, program.people["without_mail"])
        hand_overs.refuse(session, offer.id, reason=SAID, by=program.actor("without_mail"), at=AT)
        session.execute(update(_task).where(_task.c.case_id == case_id).values(due_on=TODAY - timedelta(days=9)))
    for who in ("it_contact", "officer"):
        client = signed_in(program, who)
        assert client.get(f"/tasks/{task_id}").status_code == 404
        assert client.get(f"/api/v1/tasks/{task_id}").status_code == 404
        for place in (f"/departures/{case_id}", f"/departures/{case_id}?history=all", f"/cases/{case_id}", "/board"):
            assert "#2026-01" not in client.get(place).text, place
        told = text_of(client.get(f"/departures/{case_id}?history=all").text)
        assert not re.search("[Ff]ollow-up was offered|take a follow-up over|: a follow-up", told)
        for place in (f"/cases/{case_id}/tasks", f"/cases/{case_id}/events?limit=200", f"/departures/{case_id}"):
            rows = client.get(f"/api/v1{place}")
            closed = ("#2026-01", str(task_id), '"hand_over.', '"offered"')
            assert rows.status_code != 200 or not [one for one in closed if one in rows.text], place
    manager = signed_in(program, "manager_ccsmtl")
    assert "#2026-01" in manager.get(f"/departures/{case_id}?history=all").text
    assert "A follow-up was offered" in text_of(manager.get(f"/departures/{case_id}?history=all").text)
    assert "#2026-01" in manager.get(f"/api/v1/departures/{case_id}").text
    assert str(task_id) in manager.get(f"/api/v1/cases/{case_id}/events?limit=200").text


@pytest.mark.ci
def test_words_go_with_the_key_of_the_participant_and_what_was_clear_before_is_sealed(program: Cast) -> None:
    follow_up, case_id = leaving(program)
    task_id = noted(program, case_id)
    with program.session() as session:
        row = session.execute(select(_words)).one()
        participant = session.scalars(select(_follow_up.c.participant_id).where(_follow_up.c.id == follow_up)).one()
        assert (row.task_id, row.participant_id) == (task_id, participant)
        session.execute(update(_words).values(sealed=None))
        session.execute(update(_task).where(_task.c.id == task_id).values(note=SAID, reason="Encore CANARIDEP"))
    with program.session() as session:
        assert list(names.with_steps(session, AT)) == [f"task {task_id}"], "the promise finds it"
    officer = signed_in(program, "officer")
    assert "CANARIDEP" not in officer.get(f"/departures/{case_id}").text, "nor before they are sealed"
    with program.session() as session:
        assert words.seal_what_is_clear(session) == 1
        assert words.seal_what_is_clear(session) == 0
        assert list(names.with_steps(session, AT)) == []
    assert "CANARIDEP" not in everything_kept(program)
    with program.session() as session:
        (task,) = every(session, of(Task).where(Task.id == task_id))
        assert words.opened(session, task) == {"note": SAID, "reason": "Encore CANARIDEP"}
        words.destroy(session, participant)
        assert words.opened(session, task) == {"note": "", "reason": ""}


@pytest.mark.ci
def test_words_of_handing_back_and_of_refusing_a_hand_over_are_sealed_too(program: Cast) -> None:
    _, case_id = leaving(program)
    (task,) = asked(program, case_id, "tell_participant")
    with program.session() as session:
        tasks.hand_back_task(session, task.id, by=program.actor(WORKER), at=AT, reason=SAID)
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    with program.session() as session:
        to, about = program.people["without_mail"], "CANARIDEP se sent suivie"
        hand_overs.propose(session, task.id, to, note=about, by=program.actor("coordinator"), at=AT)
    with program.session() as session:
        by, said = program.actor("without_mail"), f"{SAID}, je lui ressemble"
        (offer,) = offers.offered_to(session, program.people["without_mail"])
        hand_overs.refuse(session, offer.id, reason=said, by=by, at=AT + timedelta(hours=1))
        assert session.scalars(select(table_of(HandOver).c.reason)).all() == [""]
    assert "CANARIDEP" not in everything_kept(program)
    page = text_of(signed_in(program, "coordinator").get(f"/tasks/{task.id}").text)
    with program.session() as session:
        names_of = {one.id: one.name for one in session.scalars(select(Person))}
    to_name, by_name = names_of[to], names_of[program.people["coordinator"]]
    assert re.search(f"With the offer to {to_name}, {by_name} · [^·]* {about}", page)
    assert re.search(f"Refused by {to_name} · [^·]* {said}", page)
    shown = signed_in(program, "coordinator").get(f"/api/v1/tasks/{task.id}").json()
    assert [(one["what"], one["words"], one["by"], one["to"]) for one in shown["beside"]] == [
        ("offered", about, str(program.people["coordinator"]), str(to)),
        ("refused", said, str(to), str(to)),
    ]
    for who in ("it_contact", "officer", "manager_ccsmtl"):
        assert "CANARIDEP" not in signed_in(program, who).get(f"/departures/{case_id}").text


@pytest.mark.ci
def test_after_a_withdrawal_what_somebody_wrote_is_closed_to_them_with_the_summary(program: Cast) -> None:
    """The second of a pair leaves, did her steps, wrote the summary; then the participant leaves her partner out."""
    with program.session() as session:
        follow_up = followed(session, program, second=SECOND)
        signed = consented(session, program, follow_up, "codim", "ccsmtl")
    case_id = leave(program, SECOND, "codim")
    (written,) = asked(program, case_id, summaries.WRITTEN)
    (told,) = asked(program, case_id, "tell_participant")
    with program.session() as session:
        by = program.actor(SECOND)
        tasks.complete_task(session, told.id, by=by, at=AT, note=SAID)
        summaries.complete_summary(session, written.id, Summary("Chez sa tante", "L’école"), by=by, at=AT)
    second = signed_in(program, SECOND)
    assert second.get(f"/tasks/{told.id}").status_code == 200
    with program.session() as session:
        consents.withdraw(session, signed[1], by=program.actor(WORKER), at=AT)
    for place in (f"/tasks/{told.id}", f"/api/v1/tasks/{told.id}", f"/tasks/{written.id}/summary/taking-back"):
        assert second.get(place).status_code == 404, place
    back = {"reason": "Une coquille"}
    assert second.post(f"/api/v1/tasks/{written.id}/summary/taking-back", json=back).status_code == 404
    assert second.post(f"/tasks/{written.id}/summary/taking-back", data=back).status_code == 404
    assert second.get(f"/tasks/{written.id}/summary").status_code == 404
    shown = {row["step"] for row in second.get(f"/api/v1/cases/{case_id}/tasks").json()}
    assert "tell_participant" not in shown, "done, and nothing of it is left to do"


@pytest.mark.ci
def test_a_summary_that_falls_to_a_manager_s_deputy_is_closed_to_them_once_their_partner_is_left_out(
    program: Cast,
) -> None:
    """Whoever goes on with it in place of who has gone writes for a partner with which the participant shares."""
    with program.session() as session:
        follow_up = followed(session, program, second=SECOND)
        _, with_codim, _ = consented(session, program, follow_up, "codim", "ccsmtl")
    case_id = leave(program, SECOND, "codim", last_day=TODAY, planned=False)
    (task,) = asked(program, case_id, summaries.WRITTEN)
    place = f"/tasks/{task.id}/summary"
    manager, coordinator = signed_in(program, "manager_codim"), signed_in(program, "coordinator")
    said = {"seen": "0", "situation": "Elle habite chez sa tante.", "steps": "", "do": "save"}
    assert coordinator.post(place, data=said).status_code == 200
    assert "tante" in manager.get(place).text
    assert place in manager.get(f"/tasks/{task.id}").text
    assert "do not have access" not in manager.get(f"/tasks/{task.id}").text
    with program.session() as session:
        consents.withdraw(session, with_codim, by=program.actor(WORKER), at=AT)
    assert manager.get(place).status_code == 404
    assert manager.get(f"/api/v1{place}").status_code == 404
    assert (
        manager.put(f"/api/v1{place}", json={"situation": "x", "steps": "x"}, headers={"If-Match": '"1"'}).status_code
        == 404
    )
    for page in (f"/tasks/{task.id}", "/", f"/departures/{case_id}"):
        shown = manager.get(page)
        assert shown.status_code == 200, "it is theirs to hand back"
        assert place not in shown.text
    assert "You do not have access to the participant’s file. You may hand the step back" in text_of(
        manager.get(f"/tasks/{task.id}").text
    )
    assert "tante" in coordinator.get(place).text


@pytest.mark.ci
def test_words_of_a_step_that_was_handed_back_go_to_who_has_it_then_while_their_partner_is_told(program: Cast) -> None:
    with program.session() as session:
        follow_up = followed(session, program, second=SECOND)
        _, with_codim, _ = consented(session, program, follow_up, "codim", "ccsmtl")
    case_id = leave(program, SECOND, "codim")
    (task,) = asked(program, case_id, "tell_participant")
    with program.session() as session:
        tasks.hand_back_task(session, task.id, by=program.actor(SECOND), at=AT, reason=SAID)
    place, manager = f"/tasks/{task.id}", signed_in(program, "manager_codim")
    assert "CANARIDEP" in manager.get(place).text
    assert manager.get(f"/api/v1{place}").json()["reason"] == SAID
    assert "CANARIDEP" not in manager.get(f"/departures/{case_id}").text, "a list opens none"
    assert "read:" not in manager.get(place).text, "a reading is no news of the step"
    with program.session() as session:
        read = session.scalars(select(_event.c.facts).where(_event.c.verb == "read")).all()
        assert [one["what"] for one in read].count("task_words") == 3
        consents.withdraw(session, with_codim, by=program.actor(WORKER), at=AT)
    assert "CANARIDEP" not in manager.get(place).text
    assert "ask the coordinator" in manager.get(place).text
    assert manager.get(f"/api/v1{place}").json()["reason"] is None
    (task,) = asked(program, case_id, "tell_participant")
    manager.post(f"{place}/completion", data={"seen": task.version, "words": "CANARIDEP dit"})
    after = text_of(manager.get(place).text)
    assert "A text about the participant is kept with it; those who keep the file read it." in after
    assert "CANARIDEP" not in after


@pytest.mark.ci
def test_words_with_which_a_follow_up_is_offered_are_read_by_who_takes_it_over(program: Cast) -> None:
    _, case_id = leaving(program)
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    taker, place = program.people["without_mail"], f"/tasks/{task.id}"
    sent = {"seen": task.version, "how": f"to:{taker}", "note": SAID}
    assert signed_in(program, "coordinator").post(f"{place}/settlement", data=sent).status_code == 303
    client = signed_in(program, "without_mail")
    assert "CANARIDEP" not in everything_kept(program)
    assert "CANARIDEP" not in client.get("/handed-over").text + client.get(place).text
    with program.session() as session:
        (offer,) = offers.offered_to(session, taker)
        hand_overs.accept(session, offer.id, by=program.actor("without_mail"), at=AT)
    assert place in client.get("/handed-over").text
    assert "CANARIDEP" in client.get(place).text
