"""What the Clinical Committee hears of a candidate: who sits reads what the referral says while they sit, only then.

AD-R2 is read without the name, on the candidate's page and over JSON alike; the name opens for a stated purpose. Each
reading is in the record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlmodel import Session

from domain.accompaniment import barring
from domain.people import absences
from meetings import agendas, attendance, running, schedule
from meetings.agenda_items import item_of, pool_of
from models.base import table_of
from models.meeting import Meeting
from models.record import Event
from models.referral import Referral
from tests.api.application import client_for
from tests.cast import AT, Arranged, Cast
from tests.flows.support import carry_all, means_of
from tests.following import WORKER
from tests.meetings.clinic import (
    LOCAL,
    NOW,
    clinic_of,
    committee_of,
    on_the_agenda,
    on_the_table,
    prepare_clinic,
    prepare_on_the_table,
)
from tests.meetings.sitting import seat
from tests.raw_rows import many
from tests.referring import ONDINE, ROMARIN, refer, triaged

MEMBER: Final = "worker_codim"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: When a clinic of the morning is still open, and one of the afternoon may be.
NOON = NOW + timedelta(hours=2)
#: What AD-R2 collects, as ONDINE's referral says it; and what tells who she is, and how to reach her.
SAID: Final = (
    "Foyer de groupe",
    "Placement volontaire",
    "par son enseignante",
    "sortir d’une situation",
    "Elle parle de sa santé",
)
WHO: Final = ("Ondine", "Fougère", "514 555-0144", "ondine@", "Épinettes", "21 h", "2010")
FOR: Final = {"purpose": "who_follows"}

_event = table_of(Event)
_meeting = table_of(Meeting)
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
    """How each door to a candidate answers: the page, what was referred, and who it is; and these over JSON."""
    here = f"/participants/{participant_id}"
    return [
        client.get(here).status_code,
        client.post(f"{here}/facts").status_code,
        client.post(f"{here}/identity", data=FOR).status_code,
        client.get(f"/api/v1{here}").status_code,
        client.post(f"/api/v1{here}/facts", json={}).status_code,
        client.post(f"/api/v1{here}/identity", json=FOR).status_code,
    ]


ALL, NONE = [200] * 6, [404] * 6


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
    assert not [word for word in (*SAID, *WHO) if word in page.text], "nothing is opened by looking"
    assert _read(clinic) == []
    shown = member.post(f"{here}/facts")
    assert [word for word in SAID if word not in shown.text] == []
    assert [word for word in WHO if word in shown.text] == [], "and who it is stays closed"
    assert "Age today" in shown.text
    first = _read(clinic)
    assert ("referral", referral_id, "own_part", "part") in first
    assert ("findings", participant_id, "own_part", "part") in first
    assert {line[2:] for line in first} == {("own_part", "part")}, "their part, whatever role they hold"
    assert "identity" not in {line[0] for line in first}
    answer = member.post(f"/api/v1{here}/facts", json={})
    assert answer.status_code == 200
    (told,) = answer.json()["referrals"]
    assert (told["setting"], told["legal_care"]) == ("Foyer de groupe", "Placement volontaire")
    assert (answer.json()["age_least"], answer.json()["reached_by"]) == (
        16,
        ["phone", "email", "address", "contact_note"],
    )
    assert [word for word in WHO if word in answer.text] == []
    assert _read(clinic) == first * 2, "a reading is a line, each time"

    for nothing in ("", " ", "x", "hand"):
        for answered in (
            member.post(f"{here}/identity", data={"purpose": nothing}),
            member.post(f"/api/v1{here}/identity", json={"purpose": nothing}),
        ):
            assert answered.status_code in (409, 422), nothing
            assert [word for word in WHO if word in answered.text] == []
    assert _read(clinic) == first * 2
    assert [word for word in WHO if word not in member.post(f"{here}/identity", data=FOR).text] == []
    assert ("identity", participant_id, "who_follows", "purpose") in _read(clinic)
    assert member.post(f"/api/v1{here}/identity", json=FOR).json()["given_name"] == "Ondine"

    with clinic.session() as session:
        running.close_meeting(session, clinic_of(session), carry_rest=True, by=by, at=NOW + HOUR)
    before, later = _read(clinic), _member(clinic, at=NOW + HOUR)
    assert _answers(later, participant_id) == NONE
    assert later.post(f"{here}/identity", data={"purpose": "urgent_help"}).status_code == 404, "for no purpose either"
    assert _read(clinic) == before


@pytest.mark.ci
def test_a_name_that_slipped_into_the_words_of_the_referral_is_left_out_for_who_sits(clinic: Cast) -> None:
    slipped = replace(
        ONDINE,
        reasons="ONDINE fougere lys (née le 4 mai 2010) dort chez une amie; texto au 514.555.0144.",
        setting="Foyer du 12 rue des Épinettes, demander Ondine",
        facts={"AD-C0": "Mme Fougère-Lys le dit."},
    )
    participant_id, _ = on_the_table(clinic, slipped)
    member, here = _member(clinic), f"/participants/{participant_id}"
    for answer in (member.post(f"{here}/facts"), member.post(f"/api/v1{here}/facts", json={})):
        assert "dort chez une amie" in answer.text
        said = answer.text.casefold()
        assert [one for one in ("ondine", "foug", "lys", "555.0144", "mai 2010", "pinettes") if one in said] == []


@pytest.mark.ci
def test_neither_the_agenda_nor_a_decision_nor_an_address_tells_a_member_who_a_candidate_is(
    cast: Cast, on_table: tuple[UUID, UUID]
) -> None:
    participant_id, _ = on_table
    with cast.session() as session:
        meeting = clinic_of(session)
    for name in (MEMBER, "police", "deputy", "coordinator"):
        client = _member(cast, name)
        doors = [f"/meetings/{meeting}{part}" for part in ("", "/agenda", "/minutes", "/run")]
        doors += [f"/participants/{participant_id}", "/caseload", "/cases", "/decisions", "/referrals", "/"]
        doors += [f"/api/v1{door}" for door in (*doors[:2], doors[4])]
        for door in doors:
            answer = client.get(door)
            assert [word for word in WHO if word in answer.text] == [], (name, door)
            assert "ondine" not in str(answer.url).casefold()


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
    absences.record_absence(
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


@pytest.mark.ci
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


@pytest.mark.ci
def test_a_candidate_who_was_withdrawn_from_the_agenda_is_nobody_s_to_read(clinic: Cast) -> None:
    participant_id, item = on_the_agenda(clinic, frozen=False)
    by = clinic.actor("coordinator")
    with clinic.session() as session:
        agendas.withdraw(session, "clinical", "admission", item_of(session, item).subject, by=by, at=AT)
        running.open_meeting(session, clinic_of(session), by=by, at=NOW)
    assert _answers(_member(clinic), participant_id) == NONE


@pytest.mark.ci
def test_of_two_clinics_of_a_day_each_is_read_by_who_sits_in_it(clinic: Cast) -> None:
    by, afternoon = clinic.actor("coordinator"), LOCAL + 4 * HOUR
    first, _ = on_the_agenda(clinic)
    second = triaged(clinic, refer(clinic, ROMARIN, by=WORKER))
    carry_all(means_of(clinic, lambda: AT))
    with clinic.session() as session:
        schedule.plan_meetings(session, "clinical", [afternoon + DAY], by=by, at=AT)
        # As one that was planned before a committee met once a day.
        earlier = {name: _meeting.c[name] - DAY for name in ("starts", "starts_at", "ends_at")}
        session.execute(update(_meeting).where(_meeting.c.starts == afternoon + DAY).values(earlier))
        (morning, later) = clinic_of(session), clinic_of(session, afternoon)
        (item,) = pool_of(session, committee_of(session, later))
        agendas.put_on(session, item.id, later, by=by, at=AT)
        sat = seat(session, "clinical", "codim")
        for meeting, state in ((morning, "absent"), (later, "present")):
            running.open_meeting(session, meeting, by=by, at=NOON)
            attendance.record(session, meeting, sat, state, by=by, at=NOON)
    member = _member(clinic, at=NOON)
    assert _answers(member, first) == NONE, "they were not there in the morning"
    assert _answers(member, second) == ALL
    with clinic.session() as session:
        attendance.record(session, morning, sat, "present", by=by, at=NOON)
        attendance.record(session, later, sat, "absent", by=by, at=NOON)
    assert _answers(member, first) == ALL
    assert _answers(member, second) == NONE


@pytest.mark.ci
def test_a_clinic_that_nobody_closed_sits_on_nobody_the_next_day(cast: Cast, on_table: tuple[UUID, UUID]) -> None:
    participant_id, _ = on_table
    assert _answers(_member(cast), participant_id) == ALL
    assert _answers(_member(cast, at=NOW + DAY), participant_id) == NONE
