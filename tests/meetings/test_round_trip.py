"""The Clinical Committee and a candidate: whatever is done to the item, the committee decides, and nobody is forgotten.

An assessment of the risk decides nothing else; an item about somebody ends by what is decided of them alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlmodel import Session

from domain.accompaniment import recruiting, risks, workers
from domain.admissions import duplicates, first_meetings, triage
from domain.kernel.refusals import Refusal
from domain.participants import reading
from domain.participants.locking import hold_participant, step_of
from domain.participants.reasons import read_reasons
from flows import agenda_points
from meetings import (
    admissions,
    agenda_requests,
    agendas,
    assembling,
    decisions,
    freezing,
    recruiters,
    running,
    schedule,
)
from meetings.agenda_items import item_of, items_of
from models.agenda import ENDED, AgendaItem
from models.base import table_of
from models.participant import Participant
from tests.api.application import client_for
from tests.cast import AT, TODAY, Arranged, Cast
from tests.flows.support import carry_all, means_of, told
from tests.following import SECOND, WORKER, tasks_of
from tests.meetings.clinic import (
    NEXT_LOCAL,
    NOW,
    clinic_of,
    committee_of,
    on_the_agenda,
    prepare_clinic,
    prepare_on_the_table,
    tabled,
)
from tests.referring import ONDINE, look_at_everything, participant_of, refer, triaged
from tests.refusing import refused

HOUR: Final = timedelta(hours=1)
WEEK: Final = timedelta(days=7)
WHY: Final = {"profile": "Aucun", "involvement": "Forte", "benefits": "Petits", "risks": "Grands"}

_item = table_of(AgendaItem)
_participant = table_of(Participant)


@pytest.fixture
def clinic(cast: Cast, arranged: Arranged[None]) -> Cast:
    """Agreements in force, everyone seated, two clinics planned, and admissions carried."""
    arranged(cast, prepare_clinic)
    return cast


def _recruits_on_the_table(cast: Cast) -> tuple[UUID, UUID]:
    """A candidate who recruits, on whom the open clinic is about to decide: the participant and the item."""
    by = cast.actor("coordinator")
    referral_id = refer(cast, replace(ONDINE, recruiter=True), by=WORKER)
    with cast.session() as session:
        triage.find_criteria(session, referral_id, {"AD-C4": triage.Finding("met", "S’engage à cesser.")}, by=by, at=AT)
        look_at_everything(session, cast, referral_id)
        triage.triage(session, referral_id, "committee", by=by, at=AT)
        participant_id = participant_of(session, referral_id)
    return participant_id, tabled(cast, participant_id)


@pytest.fixture
def on_table(cast: Cast, arranged: Arranged[tuple[UUID, UUID]]) -> tuple[UUID, UUID]:
    """A candidate whom the open clinic is about to decide on: the participant and the item."""
    return arranged(cast, prepare_on_the_table)


def _prepare_recruits(cast: Cast) -> tuple[UUID, UUID]:
    prepare_clinic(cast)
    return _recruits_on_the_table(cast)


@pytest.fixture
def recruits(cast: Cast, arranged: Arranged[tuple[UUID, UUID]]) -> tuple[UUID, UUID]:
    """As `_recruits_on_the_table`."""
    return arranged(cast, _prepare_recruits)


def _state(session: Session, participant_id: UUID) -> str:
    found: str = session.scalars(select(_participant.c.state).where(_participant.c.id == participant_id)).one()
    return found


def _decides(session: Session, participant_id: UUID) -> str:
    """How the step stands by which the committee decides."""
    step = step_of(session, participant_id, workers.DECIDE)
    return step.state if step else ""


def _before_the_clinic(session: Session, participant_id: UUID) -> list[dict[str, Any]]:
    """The items about a candidate that the clinic has still to talk about, in the pool or on an agenda."""
    reference = session.scalar(select(_participant.c.candidate_ref).where(_participant.c.id == participant_id))
    rows = session.execute(
        select(_item).where(
            _item.c.kind == admissions.KIND,
            _item.c.subject == reference,
            _item.c.committee_id == committee_of(session, clinic_of(session)),
            _item.c.state.in_(["pool", "scheduled"]),
        )
    ).mappings()
    return [dict(row) for row in rows]


# What is assessed is not yet what is decided.


@pytest.mark.ci
@pytest.mark.parametrize("outcome", ["defer", "more"])
def test_once_the_risk_is_assessed_the_committee_still_defers_or_asks_for_more(
    cast: Cast, recruits: tuple[UUID, UUID], outcome: str
) -> None:
    by = cast.actor("coordinator")
    participant_id, item = recruits
    with cast.session() as session:
        recruiters.assess(session, participant_id, item, "risks_exceed", why=WHY, by=by, at=NOW)
        admissions.decide_admission(session, item, outcome, reason="Attendre.", by=by, at=NOW)
        assert item_of(session, item).outcome == "carried"
        running.close_meeting(session, clinic_of(session), carry_rest=True, by=by, at=NOW + HOUR)
        (back,) = _before_the_clinic(session, participant_id)
        assert (back["times_seen"], _decides(session, participant_id)) == (1, "open")


def test_once_the_risk_is_assessed_the_committee_still_refuses(cast: Cast, recruits: tuple[UUID, UUID]) -> None:
    by = cast.actor("coordinator")
    participant_id, item = recruits
    with cast.session() as session:
        recruiters.assess(session, participant_id, item, "risks_exceed", why=WHY, by=by, at=NOW)
        admissions.decide_admission(session, item, "refuse", reason="Risque", offered="CLSC", by=by, at=NOW)
        assert (item_of(session, item).outcome, _state(session, participant_id)) == ("decided", "refused")


def test_a_clinic_that_assessed_the_risk_and_came_no_further_is_closed_and_the_candidate_comes_back(
    cast: Cast, recruits: tuple[UUID, UUID]
) -> None:
    by = cast.actor("coordinator")
    participant_id, item = recruits
    with cast.session() as session:
        recruiters.assess(session, participant_id, item, "benefits_exceed", why=WHY, by=by, at=NOW)
        with refused("item.no_decision"):
            running.treat(session, item, "decided", by=by, at=NOW)
        running.close_meeting(session, clinic_of(session), carry_rest=True, by=by, at=NOW + HOUR)
        (back,) = _before_the_clinic(session, participant_id)
        assert (back["times_seen"], back["task_id"]) == (1, item_of(session, item).task_id)


def test_what_the_committee_was_asked_and_decided_says_neither_the_risk_nor_that_somebody_recruits(
    cast: Cast, recruits: tuple[UUID, UUID]
) -> None:
    by = cast.actor("coordinator")
    participant_id, item = recruits
    with cast.session() as session:
        recruiters.assess(session, participant_id, item, "benefits_exceed", why=WHY, by=by, at=NOW)
        (assessed,) = decisions.decisions_of(session, clinic_of(session))
    said = assessed.text_fr + assessed.text_en
    assert assessed.item_id == item
    assert not [word for word in ("ris", "recru", "AD-C4", "évalu", "assess") if word in said.lower()], said


# What was recorded by mistake is corrected while the committee still sits.


@pytest.mark.parametrize("first", ["defer", "more"])
@pytest.mark.parametrize("then", ["assign", "refuse", "defer", "more"])
def test_who_was_deferred_by_mistake_is_decided_on_in_the_same_meeting_and_both_stay_on_record(
    cast: Cast, on_table: tuple[UUID, UUID], first: str, then: str
) -> None:
    by, later = cast.actor("coordinator"), NOW + timedelta(minutes=1)
    participant_id, item = on_table
    with cast.session() as session:
        admissions.decide_admission(session, item, first, reason="Attendre.", by=by, at=NOW)
        running.treat(session, item, "", by=by, at=NOW)
        admissions.decide_admission(
            session, item, then, worker_id=cast.people[WORKER], reason="Autre", offered="CLSC", by=by, at=later
        )
        assert [one.outcome for one in admissions.decisions_about(session, participant_id)] == [first, then]
        assert _state(session, participant_id) == {"assign": "assigned", "refuse": "refused"}.get(then, "candidate")
        left = [task for task in tasks_of(session, workers.FIND_OUT) if task["state"] == "open"]
        assert len(left) == (then == "more")
        opened = read_reasons(session, participant_id, admission=True, risk=False, by=by, at=NOW, ground="role")
    assert [one.result for one in opened if one.of == "admission"] == [first, then]


@pytest.mark.parametrize("first", ["assign", "defer"])
def test_what_was_recorded_of_a_candidate_is_corrected_before_something_else_is(
    cast: Cast, on_table: tuple[UUID, UUID], first: str
) -> None:
    by = cast.actor("coordinator")
    participant_id, item = on_table
    with cast.session() as session:
        admissions.decide_admission(
            session, item, first, worker_id=cast.people[WORKER], reason="Attendre.", by=by, at=NOW
        )
        for outcome in ("defer", "more", "assign"):
            with refused("decision.item_settled"):
                admissions.decide_admission(
                    session, item, outcome, worker_id=cast.people[SECOND], reason="Autre", by=by, at=NOW
                )
    with cast.session() as session:
        assert [one.outcome for one in admissions.decisions_about(session, participant_id)] == [first]


# Nobody is let go of before the committee decides.


@pytest.mark.ci
@pytest.mark.parametrize("outcome", ["treated", "withdrawn", "referred"])
def test_a_candidate_is_treated_withdrawn_or_referred_by_nobody_before_the_committee_decides(
    cast: Cast, on_table: tuple[UUID, UUID], outcome: str
) -> None:
    by = cast.actor("coordinator")
    participant_id, item = on_table
    page = client_for(cast.database, cast.people["coordinator"], at=NOW)
    with cast.session() as session:
        here = clinic_of(session)
        other = running.add_item(session, here, title_fr="Horaire", reason="Sitôt dit", by=by, at=NOW)
    run = page.get(f"/meetings/{here}/run").text
    assert f'id="item-{item}-{outcome}"' not in run
    assert f'id="item-{item}-carried"' in run
    assert f'id="item-{other}-{outcome}"' in run, "what waits for nobody ends as ever"
    with cast.session() as session:
        with refused("item.kept_for_its_act"):
            running.treat(session, item, outcome, refer_to="steering" if outcome == "referred" else "", by=by, at=NOW)
        running.treat(session, item, "carried", by=by, at=NOW)
        running.treat(session, item, "", note_fr="Reprendre.", by=by, at=NOW)
        assert _decides(session, participant_id) == "open"


@pytest.mark.ci
def test_a_candidate_who_waits_for_the_committee_is_withdrawn_from_no_agenda(clinic: Cast) -> None:
    by = clinic.actor("coordinator")
    _, item = on_the_agenda(clinic, frozen=False)
    coordinator = client_for(clinic.database, clinic.people["coordinator"], at=AT)
    with clinic.session() as session:
        here = clinic_of(session)
        asked = agenda_requests.request(session, "clinical", title_fr="Horaire", title_en="Hours", by=by, at=AT)
        agendas.put_on(session, asked, here, by=by, at=AT)
    page = coordinator.get(f"/meetings/{here}/agenda").text
    assert f"/items/{asked}/withdrawal" in page
    assert f"/items/{item}/withdrawal" not in page
    with clinic.session() as session:
        with refused("item.kept_for_its_act"):
            agendas.withdraw_item(session, item, by=by, at=AT)
        agendas.take_off(session, item, by=by, at=AT)
        assert item_of(session, item).state == "pool", "another agenda takes it"


Done = Callable[[Session, dict[str, Any], Any], object]


def _ends_as(outcome: str) -> Done:
    """As a meeting could say before it was refused."""

    def act(session: Session, item: dict[str, Any], by: Any) -> None:
        running.treat(session, item["id"], outcome, refer_to="steering" if outcome == "referred" else "", by=by, at=NOW)

    return act


def _ended_before_it_was_refused(outcome: str) -> Done:
    """A row as it was written while this was allowed still."""

    def act(session: Session, item: dict[str, Any], by: Any) -> None:
        if outcome == "referred":
            agendas.refer(session, item["id"], "steering", by=by, at=NOW)
        session.execute(
            update(_item)
            .where(_item.c.id == item["id"])
            .values(
                state="settled",
                meeting_id=clinic_of(session),
                number=f"{item['number'] or 9}.{len(outcome)}",
                frozen_at=AT,
                outcome=outcome,
                settled_at=NOW,
                settled_as="coordinator",
                version=item["version"] + 1,
            )
        )

    return act


def _by_the_door(session: Session, item: dict[str, Any], by: Any) -> None:
    agendas.withdraw(session, "clinical", admissions.KIND, item["subject"], by=by, at=AT)


def _put_on(session: Session, item: dict[str, Any], by: Any) -> None:
    agendas.put_on(session, item["id"], clinic_of(session), by=by, at=AT)


#: What is done to the item of a candidate, one after the other, as the meeting goes on.
EVERYTHING: Final[tuple[tuple[str, Done], ...]] = (
    ("put on", _put_on),
    ("taken off", lambda session, item, by: agendas.take_off(session, item["id"], by=by, at=AT)),
    ("withdrawn for good", lambda session, item, by: agendas.withdraw_item(session, item["id"], by=by, at=AT)),
    ("withdrawn by the door", _by_the_door),
    ("put on again", _put_on),
    ("frozen", lambda session, _, by: freezing.freeze(session, clinic_of(session), by=by, at=AT)),
    ("withdrawn from the frozen agenda", _by_the_door),
    ("opened", lambda session, _, by: running.open_meeting(session, clinic_of(session), by=by, at=NOW)),
    *((outcome, _ends_as(outcome)) for outcome in ("treated", "withdrawn", "referred", "carried", "")),
    *((f"{outcome} before", _ended_before_it_was_refused(outcome)) for outcome in ("treated", "withdrawn", "referred")),
    (
        "closed",
        lambda session, _, by: running.close_meeting(session, clinic_of(session), carry_rest=True, by=by, at=NOW),
    ),
    (
        "on the next",
        lambda session, _, by: assembling.assemble(session, clinic_of(session, NEXT_LOCAL), by=by, at=NOW + HOUR),
    ),
    (
        "which is cancelled",
        lambda session, _, by: schedule.cancel_meeting(
            session, clinic_of(session, NEXT_LOCAL), reason="Tempête.", by=by, at=NOW + HOUR
        ),
    ),
)


@pytest.mark.ci
def test_whatever_is_done_to_the_item_of_a_candidate_an_agenda_or_the_pool_has_them_after_the_round(
    clinic: Cast,
) -> None:
    by = clinic.actor("coordinator")
    participant_id, _ = on_the_agenda(clinic, frozen=False)
    with clinic.session() as session:
        (item,) = _before_the_clinic(session, participant_id)
        agendas.take_off(session, item["id"], by=by, at=AT)
    put_back = 0
    for what, act in EVERYTHING:
        with clinic.session() as session:
            rows = _before_the_clinic(session, participant_id)
            last = rows[0] if rows else item
            with suppress(Refusal), session.begin_nested():
                act(session, last, by)
            item = last
        with clinic.session() as session:
            for case_id in agenda_points.forgotten(session):
                put_back += agenda_points.put_back(session, case_id, at=NOW)
            assert agenda_points.forgotten(session) == [], what
            assert _decides(session, participant_id) == "open", what
            found = _before_the_clinic(session, participant_id)
            carried = [row for row in items_of(session, clinic_of(session)) if row.outcome == "carried"]
            assert len(found) == 1 or carried, what
            assert all(row["task_id"] == item["task_id"] for row in found), what
    assert put_back == 5, "twice what was withdrawn, and once each that ended as it no longer can"


@pytest.mark.ci
def test_whoever_is_referred_again_while_the_old_item_stands_is_decided_on_by_the_new_referral(clinic: Cast) -> None:
    by = clinic.actor("coordinator")
    participant_id, item = on_the_agenda(clinic)
    with clinic.session() as session:
        first_meetings.decline(session, participant_id, by=by, at=AT)
    carry_all(means_of(clinic, lambda: AT))
    again = refer(clinic, by=WORKER)
    with clinic.session() as session:
        assert ENDED in {reason.code for reason in item_of(session, item).reasons}
        duplicates.join_referral(session, again, participant_id, reason="La même", by=by, at=AT)
    triaged(clinic, again)
    carry_all(means_of(clinic, lambda: AT))
    with clinic.session() as session:
        assert ENDED not in {reason.code for reason in item_of(session, item).reasons}, "it holds again"
        running.open_meeting(session, clinic_of(session), by=by, at=NOW)
        admissions.decide_admission(session, item, "assign", worker_id=clinic.people[WORKER], by=by, at=NOW)
        assert _decides(session, participant_id) == "done"


# An item that nothing is to be decided under any more.


def _declines_before_the_clinic(clinic: Cast) -> tuple[UUID, UUID]:
    """Whoever said no after the agenda went out, in a clinic that sits: the participant and the item as printed."""
    by = clinic.actor("coordinator")
    participant_id, item = on_the_agenda(clinic)
    with clinic.session() as session:
        first_meetings.decline(session, participant_id, by=by, at=AT)
    carry_all(means_of(clinic, lambda: AT))
    with clinic.session() as session:
        running.open_meeting(session, clinic_of(session), by=by, at=NOW)
    return participant_id, item


@pytest.mark.ci
def test_the_file_of_who_declined_before_the_clinic_sat_is_opened_by_nobody_who_sits_there(clinic: Cast) -> None:
    participant_id, _ = _declines_before_the_clinic(clinic)
    here = f"/participants/{participant_id}"
    for member in ("police", "specialist"):
        sits = client_for(clinic.database, clinic.people[member], at=NOW)
        assert sits.get(here).status_code == 404
        assert sits.post(f"{here}/identity").status_code == 404
        with clinic.session() as session:
            assert f'href="{here}"' not in sits.get(f"/meetings/{clinic_of(session)}").text
    assert client_for(clinic.database, clinic.people["coordinator"], at=NOW).get(here).status_code == 200


@pytest.mark.ci
def test_under_the_old_item_of_who_was_referred_again_nothing_is_decided_before_the_new_referral_is_before_it(
    clinic: Cast,
) -> None:
    by = clinic.actor("coordinator")
    participant_id, item = _declines_before_the_clinic(clinic)
    again = refer(clinic, by=WORKER)
    coordinator = client_for(clinic.database, clinic.people["coordinator"], at=NOW)

    def decide(outcome: str) -> None:
        with clinic.session() as session:
            admissions.decide_admission(
                session, item, outcome, worker_id=clinic.people[WORKER], reason="Non", offered="CLSC", by=by, at=NOW
            )

    with clinic.session() as session:
        duplicates.join_referral(session, again, participant_id, reason="La même", by=by, at=NOW)
    for outcome in ("assign", "refuse", "defer", "more"):
        with refused("admission.over"):
            decide(outcome)
    assert 'id="decision"' not in coordinator.get(f"/participants/{participant_id}").text
    triaged(clinic, again)
    with refused("admission.over"):
        decide("assign")
    carry_all(means_of(clinic, lambda: NOW))
    assert 'id="decision"' in coordinator.get(f"/participants/{participant_id}").text
    decide("assign")
    with clinic.session() as session:
        assert (_state(session, participant_id), _decides(session, participant_id)) == ("assigned", "done")


@pytest.mark.ci
def test_whoever_was_referred_again_and_is_triaged_again_is_not_decided_on_by_the_referral_of_before(
    clinic: Cast,
) -> None:
    by = clinic.actor("coordinator")
    participant_id, item = _declines_before_the_clinic(clinic)
    again = refer(clinic, by=WORKER)
    with clinic.session() as session:
        duplicates.join_referral(session, again, participant_id, reason="La même", by=by, at=NOW)
    triaged(clinic, again)
    carry_all(means_of(clinic, lambda: NOW))
    with clinic.session() as session:
        triage.take_back_triage(session, again, by=by, at=NOW)
        for outcome in ("assign", "defer"):
            with refused("triage.first"):
                admissions.decide_admission(
                    session, item, outcome, worker_id=clinic.people[WORKER], reason="Attendre", by=by, at=NOW
                )


@pytest.mark.ci
def test_who_was_given_to_a_worker_once_and_is_referred_again_is_not_offered_to_be_given_to_another(
    cast: Cast, on_table: tuple[UUID, UUID]
) -> None:
    by = cast.actor("coordinator")
    participant_id, item = on_table
    page = client_for(cast.database, cast.people["coordinator"], at=NOW)
    offered = 'id="name-another"'
    with cast.session() as session:
        admissions.decide_admission(session, item, "assign", worker_id=cast.people[WORKER], by=by, at=NOW)
    assert offered in page.get(f"/participants/{participant_id}").text
    with cast.session() as session:
        first_meetings.decline(session, participant_id, by=by, at=NOW)
    again = refer(cast, by=WORKER)
    with cast.session() as session:
        duplicates.join_referral(session, again, participant_id, reason="La même", by=by, at=NOW)
    triaged(cast, again)
    assert offered not in page.get(f"/participants/{participant_id}").text
    with cast.session() as session, refused("admission.not_given"):
        workers.name_another(session, participant_id, cast.people[SECOND], by=by, at=NOW)


@pytest.mark.ci
def test_under_the_old_item_of_who_went_straight_to_a_worker_too_great_a_risk_sends_nobody_and_asks_to_refuse(
    clinic: Cast,
) -> None:
    by = clinic.actor("coordinator")
    participant_id, item = on_the_agenda(clinic)
    with clinic.session() as session:
        (known,) = reading.referrals_of(session, participant_id)
        triage.take_back_triage(session, known.id, by=by, at=AT)
        triage.triage(session, known.id, "forwarded", reason="Urgent", by=by, at=AT)
        admissions.forward(session, participant_id, clinic.people[WORKER], by=by, at=AT)
    carry_all(means_of(clinic, lambda: AT))
    with clinic.session() as session:
        running.open_meeting(session, clinic_of(session), by=by, at=NOW)
        recruiters.find_recruiter(session, participant_id, by=by, at=NOW)
        assert recruiters.item_under_way(session, participant_id) == item
        recruiters.assess(session, participant_id, item, "risks_exceed", why=WHY, by=by, at=NOW)
        assert item_of(session, item).outcome == "decided", "nothing else is decided under it"
        assert workers.named(session, participant_id) is None
        assert _state(session, participant_id) == "candidate"
        assert [one["state"] for one in tasks_of(session, recruiting.REFUSE)] == ["open"]
        assert [one["state"] for one in tasks_of(session, workers.FIND_A_WORKER)] == []
    (line,) = told(clinic, "participant.nobody_sent")
    assert (line["subject_id"], line["facts"]["instead_of"]) == (participant_id, str(clinic.people[WORKER]))
    record = client_for(clinic.database, clinic.people["coordinator"], at=NOW).get("/activity?all=yes&lang=en")
    assert "no one is to meet them any more" in record.text


@pytest.mark.ci
def test_a_question_that_was_withdrawn_or_that_another_committee_has_is_not_the_one_that_the_clinic_answers(
    cast: Cast, on_table: tuple[UUID, UUID]
) -> None:
    by = cast.actor("coordinator")
    participant_id, item = on_table
    during = NOW + WEEK
    with cast.session() as session:
        admissions.decide_admission(session, item, "assign", worker_id=cast.people[SECOND], by=by, at=NOW)
        first_meetings.record_first_meeting(
            session,
            participant_id,
            met_on=TODAY + timedelta(days=2),
            way="remote",
            outcome="commits",
            by=cast.actor(SECOND),
            at=NOW,
        )
        running.close_meeting(session, clinic_of(session), carry_rest=True, by=by, at=NOW)
        recruiters.find_recruiter(session, participant_id, by=by, at=NOW)
        here = clinic_of(session, NEXT_LOCAL)
        assembling.assemble(session, here, by=by, at=NOW)
        (first,) = [row for row in items_of(session, here) if row.kind == recruiters.KIND]
        schedule.plan_meetings(session, "steering", [NEXT_LOCAL], by=by, at=NOW)
        elsewhere = agendas.refer(session, first.id, "steering", by=by, at=NOW)
        steering = session.scalar(
            text("select m.id from meeting m join committee c on c.id = m.committee_id where c.key = 'steering'")
        )
        agendas.put_on(session, elsewhere, steering, by=by, at=NOW)
        agendas.withdraw(session, "clinical", recruiters.KIND, first.subject, by=by, at=NOW)
        running.open_meeting(session, steering, by=by, at=during)
        assert recruiters.item_under_way(session, participant_id) is None, "another committee does not assess it"
        recruiters.keep_on_agendas(session, by=by, at=NOW)
        assembling.assemble(session, here, by=by, at=NOW)
        (again,) = [row for row in items_of(session, here) if row.kind == recruiters.KIND]
        running.open_meeting(session, here, by=by, at=during)
        assert recruiters.item_under_way(session, participant_id) == again.id != first.id
        for wrong in (first.id, elsewhere):
            with refused("risk.committee"):
                recruiters.assess(session, participant_id, wrong, "benefits_exceed", why=WHY, by=by, at=during)


# Two at once.


@contextmanager
def _meanwhile(cast: Cast, act: Callable[[Session], object]) -> Iterator[list[str]]:
    """Somebody does this in a transaction of their own, from the moment at which they wait for this one."""
    went: list[str] = []

    def run() -> None:
        try:
            with cast.session() as session:
                act(session)
            went.append("done")
        except Exception as error:  # noqa: BLE001 - a thread's error is shown by the assertion
            went.append(repr(error))

    worker = threading.Thread(target=run)
    worker.start()
    with cast.session() as watching:
        waits = text(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )
        until = time.monotonic() + 10
        while not watching.scalar(waits):
            assert time.monotonic() < until, "the other came through"
            watching.rollback()  # what it saw of the others is kept for a transaction
            time.sleep(0.01)
    try:
        yield went
    finally:
        worker.join(20)


@pytest.mark.parametrize("outcome", ["refuse", "defer"])
def test_who_decides_while_another_assesses_the_risk_waits_for_them_and_neither_is_thrown_out(
    cast: Cast, recruits: tuple[UUID, UUID], outcome: str
) -> None:
    by = cast.actor("coordinator")
    participant_id, item = recruits
    with cast.session() as session:
        hold_participant(session, participant_id)
        with _meanwhile(
            cast,
            lambda other: admissions.decide_admission(
                other, item, outcome, reason="Non", offered="CLSC", by=by, at=NOW
            ),
        ) as went:
            recruiters.assess(session, participant_id, item, "risks_exceed", why=WHY, by=by, at=NOW)
            session.commit()
    assert went == ["done"]
    with cast.session() as session:
        assert _state(session, participant_id) == ("refused" if outcome == "refuse" else "candidate")
        risk = risks.last(session, participant_id, "recruiter")
    assert risk is not None
    assert risk.level == "risks_exceed"
