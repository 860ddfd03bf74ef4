"""What cannot wait goes straight to a worker (AD-R4), and no report of it to the Clinical Committee is lost."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.accompaniment import proposals, workers
from meetings import admissions, agenda_papers, assembling, freezing, running, schedule
from meetings.agenda_items import items_of, pool_of
from meetings.committees import committee_of
from models.base import table_of
from models.participant import Participant
from tests.api.application import client_for
from tests.cast import AT, Cast
from tests.flows.support import letters
from tests.following import SECOND, WORKER, agreed, followed, tasks_of
from tests.meetings.clinic import LOCAL, NEXT_LOCAL, NOW, clinic_of
from tests.meetings.sitting import seat_everyone
from tests.referring import ONDINE, ROMARIN, declare_admission, refer, triaged

_participant = table_of(Participant)


@pytest.fixture
def there(cast: Cast) -> Cast:
    """Agreements in force and admissions carried; no clinic is planned."""
    declare_admission(cast)
    with cast.session() as session:
        agreed(session, cast)
    return cast


def _forwarded(cast: Cast) -> tuple[UUID, str]:
    """A candidate who was given straight to a worker, and their reference."""
    participant_id = triaged(cast, refer(cast, by=WORKER), "forwarded")
    with cast.session() as session:
        admissions.forward(session, participant_id, cast.people[SECOND], by=cast.actor("coordinator"), at=AT)
    with cast.session() as session:
        reference = session.scalar(select(_participant.c.candidate_ref).where(_participant.c.id == participant_id))
        assert reference is not None
        named = workers.named(session, participant_id)
    assert named is not None
    assert named.worker_id == cast.people[SECOND], "whoever cannot wait has a worker all the same"
    return participant_id, reference


def _asked(cast: Cast) -> list[dict[str, Any]]:
    with cast.session() as session:
        return tasks_of(session, admissions.REPORT)


@pytest.mark.ci
def test_while_no_clinic_is_planned_the_coordinator_is_asked_and_the_item_comes_on_the_first_one_that_is(
    there: Cast,
) -> None:
    participant_id, reference = _forwarded(there)
    (task,) = _asked(there)
    assert (task["item"], task["state"]) == (str(participant_id), "open")
    assert reference in task["title_fr"]
    page = client_for(there.database, there.people["coordinator"]).get("/").text
    assert f"Inform the Clinical Committee that {reference} was assigned directly to a worker" in page
    assert "Ondine" not in page + task["title_fr"] + task["title_en"]
    by = there.actor("coordinator")
    with there.session() as session:
        schedule.plan_meetings(session, "clinical", [LOCAL], by=by, at=AT)
        here = clinic_of(session)
        assembling.assemble(session, here, by=by, at=AT)
        (item,) = [row for row in items_of(session, here) if row.kind == "forwarded"]
        assert item.subject == reference
        running.open_meeting(session, here, by=by, at=NOW)
        running.treat(session, item.id, "carried", by=by, at=NOW)
    assert [task["state"] for task in _asked(there)] == ["open"], "it did not hear of it yet"
    with there.session() as session:
        running.treat(session, item.id, "treated", by=by, at=NOW)
    assert [task["state"] for task in _asked(there)] == ["done"], "it heard, and nobody has to see to it"


@pytest.mark.ci
def test_where_the_clinic_s_agendas_take_no_report_the_coordinator_is_asked_in_the_same_transaction(
    there: Cast,
) -> None:
    by = there.actor("coordinator")
    with there.session() as session:
        schedule.plan_meetings(session, "clinical", [LOCAL], by=by, at=AT)
        session.execute(text("update committee set agenda = '{}' where key = 'clinical'"))
    participant_id = triaged(there, refer(there, by=WORKER), "forwarded")
    with there.session() as session:
        admissions.forward(session, participant_id, there.people[SECOND], by=by, at=AT)
        session.rollback()
    assert _asked(there) == [], "nobody is asked of what did not happen"
    with there.session() as session:
        admissions.forward(session, participant_id, there.people[SECOND], by=by, at=AT)
    with there.session() as session:
        assert pool_of(session, committee_of(session, "clinical").id) == []
    assert [task["state"] for task in _asked(there)] == ["open"]


@pytest.mark.ci
def test_the_next_clinic_whose_agenda_went_out_hears_of_it_by_an_addendum_and_not_only_the_one_after(
    there: Cast,
) -> None:
    by = there.actor("coordinator")
    with there.session() as session:
        seat_everyone(session, there)
        schedule.plan_meetings(session, "clinical", [LOCAL, NEXT_LOCAL], by=by, at=AT)
        here = clinic_of(session)
        assembling.assemble(session, here, by=by, at=AT)
        freezing.freeze(session, here, by=by, at=AT)
    _, reference = _forwarded(there)
    assert _asked(there) == []
    with there.session() as session:
        (item,) = [row for row in items_of(session, here) if row.kind == "forwarded"]
    assert (item.subject, item.late) == (reference, True)
    letter = next(one for one in letters(there, "meeting_agenda") if one["person_id"] == there.people["police"])
    assert reference in letter["message"].decode("utf-8", errors="replace")
    with there.session() as session:
        whole = agenda_papers.content(session, here, addendum=1)
    french, english = "Cela ne pouvait attendre le comité.", "It could not wait for the committee."
    assert (whole.items[0].late_reason.fr, whole.items[0].late_reason.en) == (french, english)
    seen = client_for(there.database, there.people["coordinator"])
    for language, said, other in (("fr", french, english), ("en", english, french)):
        page = html.unescape(seen.get(f"/meetings/{here}/agenda", headers={"Accept-Language": language}).text)
        assert said in page, language
        assert other not in page, language


@pytest.mark.ci
def test_a_clinic_that_sits_without_an_agenda_that_went_out_hears_of_it_by_the_coordinator(there: Cast) -> None:
    by = there.actor("coordinator")
    with there.session() as session:
        schedule.plan_meetings(session, "clinical", [LOCAL, NEXT_LOCAL], by=by, at=AT)
        running.open_meeting(session, clinic_of(session), by=by, at=NOW)
    participant_id = triaged(there, refer(there, by=WORKER), "forwarded")
    with there.session() as session:
        admissions.forward(session, participant_id, there.people[SECOND], by=by, at=NOW)
    (task,) = _asked(there)
    assert task["state"] == "open"
    with there.session() as session:
        (item,) = pool_of(session, committee_of(session, "clinical").id)
        assert (item.kind, item.task_id) == ("forwarded", task["id"]), "the one after has it in any case"


def test_where_the_next_clinic_reports_it_nobody_is_asked(there: Cast) -> None:
    dates = [LOCAL, LOCAL + timedelta(days=7)]
    with there.session() as session:
        schedule.plan_meetings(session, "clinical", dates, by=there.actor("coordinator"), at=AT)
    _, reference = _forwarded(there)
    assert _asked(there) == []
    with there.session() as session:
        pool = pool_of(session, committee_of(session, "clinical").id)
    assert [row.subject for row in pool if row.kind == "forwarded"] == [reference]


@pytest.mark.ci
def test_whoever_is_given_several_at_one_sitting_is_said_to_have_no_room_before_any_has_a_number(there: Cast) -> None:
    """28 hours a week are eleven follow-ups: with ten, the first candidate is the last for whom there is time."""
    by = there.actor("coordinator")
    first, second = (triaged(there, refer(there, form, by=WORKER), "forwarded") for form in (ONDINE, ROMARIN))

    def proposed(participant_id: UUID) -> proposals.WorkerProposal:
        with there.session() as session:
            offered = proposals.proposals(session, participant_id, at=AT)
        return next(one for one in offered if one.person_id == there.people[SECOND])

    with there.session() as session:
        for count in range(1, 11):
            followed(session, there, f"#2026-{count:02}", worker=SECOND)
    assert "no_room" not in proposed(second).reasons
    with there.session() as session:
        admissions.forward(session, first, there.people[SECOND], by=by, at=AT)
    assert "no_room" in proposed(second).reasons
    assert (proposed(second).load.to_meet, proposed(second).load.is_overloaded) == (1, True)
    caseload = client_for(there.database, there.people["coordinator"]).get("/caseload").text
    assert "1 to meet" in caseload, "which says why it is full"
    assert "no_room" not in proposed(first).reasons, "who has this candidate already has no second one"
    with there.session() as session:
        workers.name_worker(session, first, there.people[WORKER], second_id=there.people[SECOND], by=by, at=AT)
    load = proposed(second).load
    assert load.to_meet == 0
    assert load.expected == pytest.approx(1 / 3), "as the second of a pair"
