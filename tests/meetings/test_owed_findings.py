"""Who cannot wait goes straight to a worker in one act; what was not found by then is owed, whatever befalls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.accompaniment import barring, workers
from domain.admissions import correcting, triage
from meetings import schedule
from meetings.agenda_items import pool_of
from meetings.reasons import in_words
from tests.api.application import client_for
from tests.cast import AT, Arranged, Cast
from tests.following import SECOND, WORKER, tasks_of
from tests.meetings.clinic import clinic_of, committee_of, prepare_clinic
from tests.referring import ONDINE, look_at_everything, participant_of, refer
from tests.refusing import refused


@pytest.fixture
def clinic(cast: Cast, arranged: Arranged[None]) -> Cast:
    """Agreements in force, everyone seated, two clinics planned, and admissions carried."""
    arranged(cast, prepare_clinic)
    return cast


def _sent_at_once(cast: Cast, form: Any = ONDINE) -> tuple[UUID, UUID]:
    """Somebody sent straight to a worker in one act, nothing of whom was found: the referral and the person."""
    referral_id = refer(cast, form, by=WORKER)
    with cast.session() as session:
        participant_id = participant_of(session, referral_id)
        seen = str(session.execute(text("select version from referral")).scalar_one())
    said = {"referral": str(referral_id), "seen": seen, "result": "forwarded", "reason": "Danger ce soir"}
    said["worker"] = str(cast.people[SECOND])
    coordinator = client_for(cast.database, cast.people["coordinator"], at=AT)
    answer = coordinator.post(f"/participants/{participant_id}/triage", data=said)
    assert answer.status_code == 303, answer.text
    return referral_id, participant_id


def _owed(cast: Cast) -> Mapping[str, Any]:
    with cast.session() as session:
        (found,) = tasks_of(session, triage.OWED)
    return found


def test_the_findings_are_owed_by_the_day_of_the_next_committee_which_hears_what_is_to_be_confirmed(
    clinic: Cast,
) -> None:
    _sent_at_once(clinic)
    with clinic.session() as session:
        here = clinic_of(session)
        day: date = session.execute(
            text("select (starts_at at time zone 'America/Toronto')::date from meeting where id = :id"), {"id": here}
        ).scalar_one()
        pool = [row for row in pool_of(session, committee_of(session, here)) if row.kind == "forwarded"]
        told = in_words(pool[0].reasons, "en")
    assert (
        "Still to be confirmed on that day: "
        "Sexual exploitation; 12 to 24 years old; Area served; Recognizes harms; Voluntary." in told
    )
    assert (_owed(clinic)["state"], _owed(clinic)["due_on"]) == ("open", day)


@pytest.mark.ci
def test_what_is_owed_outlives_a_meeting_that_is_cancelled_and_a_worker_who_is_gone(clinic: Cast) -> None:
    referral_id, participant_id = _sent_at_once(clinic)
    by = clinic.actor("coordinator")
    with clinic.session() as session:
        here = clinic_of(session)
        schedule.cancel_meeting(session, here, reason="Tempête", by=by, at=AT)
        barring.bar(session, participant_id, clinic.people[SECOND], by=by, at=AT)
        assert workers.named(session, participant_id) is None
    assert _owed(clinic)["state"] == "open"
    with clinic.session() as session:
        pool = pool_of(session, committee_of(session, here))
        assert [row.kind for row in pool if row.kind == "forwarded"], "the next committee that sits hears of it"
        workers.name_another(session, participant_id, clinic.people[WORKER], by=by, at=AT)
        with refused("triage.owed"):
            triage.refuse_owed(session, participant_id)
        look_at_everything(session, clinic, referral_id)
        triage.refuse_owed(session, participant_id)
    assert _owed(clinic)["state"] == "done"


@pytest.mark.ci
def test_one_criterion_that_is_not_met_keeps_the_number_and_the_task(clinic: Cast) -> None:
    referral_id, participant_id = _sent_at_once(clinic)
    by = clinic.actor("coordinator")
    with clinic.session() as session:
        triage.find_criteria(session, referral_id, {"AD-C5": triage.Finding("not_met", "Forcée.")}, by=by, at=AT)
        rest = {one: triage.Finding("met", "Dit.") for one in ("AD-C0", "AD-C2", "AD-C3")}
        triage.find_criteria(session, referral_id, rest, by=by, at=AT)
        with refused("triage.owed"):
            triage.refuse_owed(session, participant_id)
        triage.take_back_triage(session, referral_id, by=by, at=AT)
        triage.triage(session, referral_id, "refused", reason="Forcée.", offered="Autre.", by=by, at=AT)
    assert _owed(clinic)["state"] == "cancelled"


@pytest.mark.ci
def test_an_age_that_is_not_known_is_owed_until_the_birth_date_is(clinic: Cast) -> None:
    referral_id, participant_id = _sent_at_once(clinic, replace(ONDINE, birth_date=None, age=24))
    by = clinic.actor("coordinator")
    later = AT + timedelta(days=2)
    with clinic.session() as session:
        look_at_everything(session, clinic, referral_id, at=later)
    assert _owed(clinic)["state"] == "open"
    with clinic.session() as session:
        changes = {"birth_date": date(2004, 5, 4)}
        correcting.correct_identity(session, participant_id, changes, by=by, at=later)
    assert _owed(clinic)["state"] == "done"


def test_nobody_is_sent_at_once_for_a_reason_that_says_nothing(clinic: Cast) -> None:
    referral_id, by = refer(clinic), clinic.actor("coordinator")
    for reason in ("", "x", "xxx"):
        with clinic.session() as session, refused("triage.forwarding"):
            triage.triage(session, referral_id, "forwarded", reason=reason, by=by, at=AT)
        with clinic.session() as session, refused("triage.refusal"):
            triage.triage(session, referral_id, "refused", reason="Hors du territoire", offered=reason, by=by, at=AT)


def test_who_recruits_is_not_sent_at_once(clinic: Cast) -> None:
    referral_id = refer(clinic, replace(ONDINE, recruiter=True))
    with clinic.session() as session, refused("triage.recruiter"):
        by = clinic.actor("coordinator")
        triage.triage(session, referral_id, "forwarded", reason="Danger", by=by, at=AT)
