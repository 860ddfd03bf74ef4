"""Consent to share decides at every door: giving, offering, taking over, naming a second, acting for a worker, reading.

One rule answers (`domain.terms.sharing`), and it is asked anew each time: what is taken back closes at once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from domain.accompaniment import consents, proposals, risks, workers
from domain.accompaniment.consent_forms import SignedForm
from domain.admissions import first_meetings, numbers
from domain.casework.tasks import complete_task
from domain.follow_ups import assigning
from domain.follow_ups.assigning import on_day
from domain.participants import locking
from domain.people.absences import record_absence
from tests import signing
from tests.api.application import client_for
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import SECOND, THIRD, WORKER, agreed, followed, known_as_somebody, left_without_consent, row_of
from tests.meetings.clinic import prepare_clinic
from tests.referring import refer, triaged
from tests.refusing import refused

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
FORM: Final = SignedForm(TODAY, TODAY, "self", TODAY, "fr", limits_stated=True, copy_given_on=TODAY)


def prepare_met_by_a_pair(cast: Cast) -> UUID:
    """A candidate whom two workers of two organizations are to meet, of whom no consent was asked yet."""
    prepare_clinic(cast)
    participant_id = triaged(cast, refer(cast, at=AT - 2 * HOUR), "forwarded", at=AT - 2 * HOUR)
    with cast.session() as session:
        workers.forward(
            session,
            participant_id,
            cast.people[WORKER],
            second_id=cast.people[SECOND],
            by=cast.actor("coordinator"),
            at=AT - 2 * HOUR,
        )
    return participant_id


@pytest.fixture
def met(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    return arranged(cast, prepare_met_by_a_pair)


def prepare_followed_by_a_pair(cast: Cast) -> UUID:
    """A participant who agreed to share with the second's organization; the follow-up."""
    with cast.session() as session:
        agreed(session, cast)
        found = followed(session, cast)
        participant_id = row_of(session, found)["participant_id"]
        known_as_somebody(session, participant_id)
        left_without_consent(session, participant_id)
        _sign(session, cast, participant_id)
        _sign(session, cast, participant_id, "codim")
        assigning.assign_worker(
            session, found, cast.people[SECOND], kind="second", by=cast.actor("coordinator"), at=AT - HOUR
        )
    return found


@pytest.fixture
def pair(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    return arranged(cast, prepare_followed_by_a_pair)


def _sign(
    session: Session, cast: Cast, participant_id: UUID, partner: str = "", *, at: datetime = AT - HOUR, **said: Any
) -> UUID:
    return signing.sign(
        session,
        participant_id,
        "sharing" if partner else "program",
        replace(FORM, worker_id=cast.people[WORKER], **said),
        organization_id=cast.organizations[partner] if partner else None,
        by=cast.actor("coordinator"),
        at=at,
    )


def _take_back(session: Session, cast: Cast, participant_id: UUID, partner: str = "") -> None:
    place = cast.organizations[partner] if partner else None
    (row,) = [
        one
        for one in consents.consents_of(session, participant_id)
        if one.organization_id == place and not one.withdrawn_on and not one.replaced_at
    ]
    consents.withdraw(session, row.id, by=cast.actor("coordinator"), at=AT)


def _commits(session: Session, cast: Cast, participant_id: UUID) -> None:
    first_meetings.record_first_meeting(
        session, participant_id, met_on=TODAY, way="remote", outcome="commits", by=cast.actor(WORKER), at=AT - HOUR
    )


def _reads(client: TestClient, participant_id: UUID) -> list[int]:
    """How the doors to somebody answer: their page, who they are, and both over JSON."""
    here = f"/participants/{participant_id}"
    return [
        client.get(here).status_code,
        client.post(f"{here}/identity", data={"purpose": "urgent_help"}).status_code,
        client.get(f"/api/v1{here}").status_code,
        client.post(f"/api/v1{here}/identity", json={"purpose": "urgent_help"}).status_code,
    ]


@pytest.mark.ci
def test_the_second_of_a_pair_does_not_read_who_they_meet_before_the_person_agreed_to_it(cast: Cast, met: UUID) -> None:
    second = client_for(cast.database, cast.people[SECOND], at=AT)
    assert _reads(second, met) == [200, 404, 200, 404], "the reference, and nothing nominative"
    assert _reads(client_for(cast.database, cast.people[WORKER], at=AT), met) == [200] * 4
    with cast.session() as session:
        _commits(session, cast, met)
        _sign(session, cast, met)
    assert _reads(second, met) == [404] * 4, "from the first signature on, what was not agreed to is withheld"
    with cast.session() as session:
        _sign(session, cast, met, "codim")
    assert _reads(second, met) == [200] * 4


def test_nobody_is_named_as_the_second_for_a_partner_that_the_person_did_not_agree_to(cast: Cast, met: UUID) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        _commits(session, cast, met)
        _sign(session, cast, met)
        for named in (SECOND, THIRD):
            with refused("assignment.not_agreed"):
                workers.change_second(session, met, cast.people[named], by=by, at=AT)
        with refused("assignment.not_agreed"):
            workers.name_another(session, met, cast.people[WORKER], second_id=cast.people[THIRD], by=by, at=AT)
        _sign(session, cast, met, "anonyme")
        workers.change_second(session, met, cast.people[THIRD], by=by, at=AT)


def test_nobody_is_admitted_with_a_second_of_a_partner_that_the_person_did_not_agree_to(cast: Cast, met: UUID) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        _commits(session, cast, met)
        _sign(session, cast, met)
        risks.assess(session, met, "admission", "green", why={}, by=cast.actor(WORKER), at=AT)
        with refused("admission.second_not_agreed"):
            numbers.admit(session, met, by=by, at=AT)
        workers.change_second(session, met, None, by=by, at=AT)
        numbers.admit(session, met, by=by, at=AT)


@pytest.mark.ci
@pytest.mark.parametrize("which", ["codim", ""], ids=["sharing", "program"])
def test_what_is_taken_back_closes_the_file_to_the_second_at_the_next_request(
    cast: Cast, pair: UUID, which: str
) -> None:
    second = client_for(cast.database, cast.people[SECOND], at=AT)
    with cast.session() as session:
        participant_id = row_of(session, pair)["participant_id"]
    assert _reads(second, participant_id) == [200] * 4
    assert second.get(f"/follow-ups/{pair}").status_code == 200
    with cast.session() as session:
        _take_back(session, cast, participant_id, which)
    assert _reads(second, participant_id) == [404] * 4
    for door in (f"/follow-ups/{pair}", f"/api/v1/follow-ups/{pair}", f"/follow-ups/{pair}/notes/2026-11-16"):
        assert second.get(door).status_code == 404, door
    assert "#2026-01" not in second.get("/caseload").text
    assert second.get("/api/v1/caseload").json()["follow_ups"] == []
    assert _reads(client_for(cast.database, cast.people[WORKER], at=AT), participant_id) == [200] * 4


@pytest.mark.ci
def test_a_consent_that_ends_by_its_day_closes_the_file_to_the_second_too(cast: Cast, pair: UUID) -> None:
    with cast.session() as session:
        participant_id = row_of(session, pair)["participant_id"]
        _sign(session, cast, participant_id, "codim", at=AT, ends_on=TODAY)
    assert _reads(client_for(cast.database, cast.people[SECOND], at=AT), participant_id) == [200] * 4
    assert _reads(client_for(cast.database, cast.people[SECOND], at=AT + DAY), participant_id) == [404] * 4


@pytest.mark.ci
def test_a_second_of_the_workers_own_organization_asks_no_consent_more(cast: Cast, pair: UUID) -> None:
    with cast.session() as session:
        participant_id = row_of(session, pair)["participant_id"]
        # The second becomes the worker, and a colleague of theirs would be within the organization.
        assigning.assign_worker(
            session, pair, cast.people[SECOND], instead_of=cast.people[WORKER], by=cast.actor("coordinator"), at=AT
        )
        _take_back(session, cast, participant_id, "codim")
    assert _reads(client_for(cast.database, cast.people[SECOND], at=AT), participant_id) == [200] * 4


def test_having_been_the_second_lets_nobody_be_given_the_follow_up_after_a_withdrawal(cast: Cast, pair: UUID) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        participant_id = row_of(session, pair)["participant_id"]
        _take_back(session, cast, participant_id, "codim")
        with refused("assignment.not_agreed"):
            assigning.assign_worker(session, pair, cast.people[SECOND], instead_of=cast.people[WORKER], by=by, at=AT)
        bars = {one.person_id: one.load.bars for one in proposals.proposals(session, participant_id, at=AT)}
        assert bars[cast.people[SECOND]] == ("not_agreed",), "said beside the name, before the click"


@pytest.mark.ci
def test_acting_for_a_second_opens_nothing_that_is_not_open_to_both(cast: Cast, pair: UUID) -> None:
    with cast.session() as session:
        participant_id = row_of(session, pair)["participant_id"]
        record_absence(
            session,
            person_id=cast.people[SECOND],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=cast.people[THIRD],
            kinds=["tasks"],
            by=cast.actor(SECOND),
            at=AT,
        )
    acting = client_for(cast.database, cast.people[THIRD], at=AT)
    assert _reads(acting, participant_id) == [404] * 4, "nobody agreed to share with the deputy's organization"
    with cast.session() as session:
        _sign(session, cast, participant_id, "anonyme", at=AT)
    assert _reads(acting, participant_id) == [200] * 4
    with cast.session() as session:
        _take_back(session, cast, participant_id, "codim")
    assert _reads(acting, participant_id) == [404] * 4, "nor has the second anything to pass on"
    with cast.session() as session:
        assert [part.kind for part in on_day(session, TODAY, follow_up_ids=[pair])] == ["primary"]


@pytest.mark.ci
def test_who_had_a_step_of_the_admission_reads_none_of_its_words_once_the_person_is_no_longer_theirs(
    cast: Cast, met: UUID
) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        step = locking.step_of(session, met, "make_contact")
        assert step is not None
        complete_task(session, step.id, by=cast.actor(WORKER), at=AT, note="Elle dort chez sa tante.")
        case_id = locking.case_of(session, met)
    worker = client_for(cast.database, cast.people[WORKER], at=AT)
    doors = (f"/cases/{case_id}", f"/tasks/{step.id}", f"/api/v1/tasks/{step.id}")
    assert "chez sa tante" in "".join(worker.get(door).text for door in doors)
    with cast.session() as session:
        workers.name_another(session, met, cast.people[THIRD], by=by, at=AT)
    for door in doors:
        answer = worker.get(door)
        assert answer.status_code == 200, "that they did it stands"
        assert "chez sa tante" not in answer.text, door
