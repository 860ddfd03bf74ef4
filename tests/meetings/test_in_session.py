"""What the Clinical Committee hears of a candidate: who sits reads what the referral says while they sit, only then.

AD-R2 is read on the candidate's page and over JSON alike; each reading is in the record.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlmodel import Session

from duties import people
from duties.here import many
from duties.participants import barring
from meetings import agendas, attendance, running, schedule
from meetings.agenda_items import item_of
from models.base import table_of
from models.record import Event
from models.referral import Referral
from tests.api.desk import client_for
from tests.cast import AT, Arranged, Cast
from tests.flows.support import carry_all, means_of
from tests.following import WORKER
from tests.meetings.clinic import (
    LOCAL,
    NOW,
    clinic_of,
    committee_of,
    on_the_agenda,
    prepare_clinic,
    prepare_on_the_table,
)
from tests.meetings.sitting import seat
from tests.referring import ROMARIN, refer, triaged

MEMBER: Final = "worker_codim"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: What AD-R2 collects, as ONDINE's referral says it.
SAID: Final = ("514 555-0144", "Foyer de groupe", "Placement volontaire", "sortir d’une situation", "2010")

_event = table_of(Event)
_referral = table_of(Referral)


@pytest.fixture
def clinic(cast: Cast, arranged: Arranged[None]) -> Cast:
    """Agreements in force, everyone seated, two clinics planned, and admissions carried."""
    arranged(cast, prepare_clinic)
    return cast


@pytest.fixture
def on_table(cast: Cast, arranged: Arranged[tuple[UUID, UUID]]) -> tuple[UUID, UUID]:
    """A candidate whom the open clinic is about to decide on: the participant and the item."""
    return arranged(cast, prepare_on_the_table)


def _member(cast: Cast, name: str = MEMBER, *, at: datetime = NOW) -> TestClient:
    return client_for(cast.database, cast.people[name], at=at)


def _answers(client: TestClient, participant_id: UUID) -> list[int]:
    """How each door to a candidate answers: the page, what was referred on it, and both over JSON."""
    here = f"/participants/{participant_id}"
    return [
        client.get(here).status_code,
        client.post(f"{here}/identity").status_code,
        client.get(f"/api/v1{here}").status_code,
        client.post(f"/api/v1{here}/identity", json={}).status_code,
    ]


ALL, NONE = [200] * 4, [404] * 4


def _read(cast: Cast, name: str = MEMBER) -> list[tuple[str, UUID, str, str]]:
    """What the record says that somebody read: what, of which subject, what for, and on what ground."""
    with cast.session() as session:
        lines = many(
            session,
            select(_event.c.subject_id, _event.c.facts)
            .where(_event.c.verb == "read", _event.c.actor_id == cast.people[name])
            .order_by(_event.c.n),
        )
    return [(one["facts"]["what"], one["subject_id"], one["facts"]["purpose"], one["facts"]["ground"]) for one in lines]


@pytest.mark.ci
def test_who_sits_reads_what_the_referral_says_while_the_clinic_sits_and_each_reading_is_in_the_record(
    clinic: Cast,
) -> None:
    participant_id, _ = on_the_agenda(clinic)
    by, member = clinic.actor("coordinator"), _member(clinic)
    assert _answers(member, participant_id) == NONE, "on the agenda, and nobody sits yet"
    with clinic.session() as session:
        referral_id = session.scalar(select(_referral.c.id).where(_referral.c.participant_id == participant_id))
        running.open_meeting(session, clinic_of(session), by=by, at=NOW)

    here = f"/participants/{participant_id}"
    page = member.get(here)
    assert page.status_code == 200
    assert not [word for word in (*SAID, "Ondine") if word in page.text], "nothing is opened by looking"
    assert _read(clinic) == []
    shown = member.post(f"{here}/identity")
    assert [word for word in SAID if word not in shown.text] == []
    of_one = [
        ("identity", participant_id, "own_part", "part"),
        ("referral", referral_id, "own_part", "part"),
    ]
    first = _read(clinic)
    assert [line for line in first if line[0] in ("identity", "referral")] == of_one
    assert ("findings", participant_id, "own_part", "part") in first
    assert {line[2:] for line in first} == {("own_part", "part")}, "their part, whatever role they hold"
    answer = member.post(f"/api/v1{here}/identity", json={})
    assert answer.status_code == 200
    (told,) = answer.json()["referrals"]
    assert (told["setting"], told["legal_care"]) == ("Foyer de groupe", "Placement volontaire")
    assert _read(clinic) == first * 2, "a reading is a line, each time"

    with clinic.session() as session:
        running.close_meeting(session, clinic_of(session), carry_rest=True, by=by, at=NOW + HOUR)
    later = _member(clinic, at=NOW + HOUR)
    assert _answers(later, participant_id) == NONE
    assert later.post(f"{here}/identity", data={"purpose": "urgent_help"}).status_code == 404, "for no purpose either"
    assert _read(clinic) == first * 2


def _recorded(state: str, *, left: bool = False) -> Callable[[Session, Cast, UUID, UUID], object]:
    def act(session: Session, cast: Cast, _: UUID, __: UUID) -> None:
        attendance.record(
            session,
            clinic_of(session),
            seat(session, "clinical", "codim"),
            state,
            left_at=NOW if left else None,
            by=cast.actor("coordinator"),
            at=NOW,
        )

    return act


def _away(session: Session, cast: Cast, _: UUID, __: UUID) -> None:
    people.record_absence(
        session,
        person_id=cast.people[MEMBER],
        deputy_id=None,
        starts_on=NOW.date(),
        ends_on=NOW.date(),
        by=cast.actor("coordinator"),
        at=AT,
    )


def _barred(session: Session, cast: Cast, participant_id: UUID, _: UUID) -> None:
    barring.bar(session, participant_id, cast.people[MEMBER], by=cast.actor("coordinator"), at=NOW)


@pytest.mark.ci
@pytest.mark.wide(3)
@pytest.mark.parametrize(
    "how",
    [_recorded("absent"), _recorded("excused"), _recorded("present", left=True), _away, _barred],
    ids=["absent", "excused", "gone again", "away that day", "barred by the person"],
)
def test_a_member_who_does_not_sit_there_or_is_barred_reads_nothing_while_the_others_do(
    cast: Cast, on_table: tuple[UUID, UUID], how: Callable[[Session, Cast, UUID, UUID], object]
) -> None:
    participant_id, item = on_table
    assert _answers(_member(cast), participant_id) == ALL
    with cast.session() as session:
        how(session, cast, participant_id, item)
    before = _read(cast)
    assert _answers(_member(cast), participant_id) == NONE
    assert _read(cast) == before
    assert _answers(_member(cast, "police"), participant_id) == ALL


def test_who_is_away_and_comes_after_all_reads_once_that_is_recorded(cast: Cast, on_table: tuple[UUID, UUID]) -> None:
    participant_id, item = on_table
    with cast.session() as session:
        _away(session, cast, participant_id, item)
        _recorded("present")(session, cast, participant_id, item)
    assert _answers(_member(cast), participant_id) == ALL


@pytest.mark.ci
def test_of_a_principal_and_their_alternate_the_one_who_sits_reads(cast: Cast, on_table: tuple[UUID, UUID]) -> None:
    participant_id, _ = on_table
    with cast.session() as session:
        attendance.record(
            session,
            clinic_of(session),
            seat(session, "clinical", "anonyme"),
            "alternate",
            person_id=cast.people["second_deputy"],
            by=cast.actor("coordinator"),
            at=NOW,
        )
    assert _answers(_member(cast, "second_deputy"), participant_id) == ALL
    assert _answers(_member(cast, "without_mail"), participant_id) == NONE


@pytest.mark.parametrize("name", ["specialist", "manager_codim", "researcher", "administrator"])
def test_who_holds_no_seat_of_the_clinic_reads_nothing_while_it_sits(
    cast: Cast, on_table: tuple[UUID, UUID], name: str
) -> None:
    participant_id, _ = on_table
    assert _answers(_member(cast, name), participant_id) == NONE


def test_a_candidate_who_was_withdrawn_from_the_agenda_is_nobody_s_to_read(clinic: Cast) -> None:
    participant_id, item = on_the_agenda(clinic, frozen=False)
    by = clinic.actor("coordinator")
    with clinic.session() as session:
        agendas.withdraw(session, "clinical", "admission", item_of(session, item)["subject"], by=by, at=AT)
        running.open_meeting(session, clinic_of(session), by=by, at=NOW)
    assert _answers(_member(clinic), participant_id) == NONE


@pytest.mark.ci
def test_of_two_clinics_of_a_day_each_is_read_by_who_sits_in_it(clinic: Cast) -> None:
    by, afternoon = clinic.actor("coordinator"), LOCAL + 4 * HOUR
    first, _ = on_the_agenda(clinic)
    second = triaged(clinic, refer(clinic, ROMARIN, by=WORKER))
    carry_all(means_of(clinic, lambda: AT))
    with clinic.session() as session:
        day = LOCAL.date()
        schedule.plan_season(session, "clinical", first=day, last=day, hour=afternoon.time(), by=by, at=AT)
        (morning, later) = clinic_of(session), clinic_of(session, afternoon)
        (item,) = agendas.pool_of(session, committee_of(session, later))
        agendas.put_on(session, item["id"], later, by=by, at=AT)
        sat = seat(session, "clinical", "codim")
        for meeting, state in ((morning, "absent"), (later, "present")):
            running.open_meeting(session, meeting, by=by, at=NOW)
            attendance.record(session, meeting, sat, state, by=by, at=NOW)
    member = _member(clinic)
    assert _answers(member, first) == NONE, "they were not there in the morning"
    assert _answers(member, second) == ALL
    with clinic.session() as session:
        attendance.record(session, morning, sat, "present", by=by, at=NOW)
        attendance.record(session, later, sat, "absent", by=by, at=NOW)
    assert _answers(member, first) == ALL
    assert _answers(member, second) == NONE


def test_a_clinic_that_nobody_closed_sits_on_nobody_the_next_day(cast: Cast, on_table: tuple[UUID, UUID]) -> None:
    participant_id, _ = on_table
    assert _answers(_member(cast), participant_id) == ALL
    assert _answers(_member(cast, at=NOW + DAY), participant_id) == NONE
