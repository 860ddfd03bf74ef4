"""A candidate who signed already and has to be met by somebody else: after a bar, or referred again after a no."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.accompaniment import barring, consents, proposals, risks, withdrawals, workers
from domain.accompaniment.consent_forms import SignedForm
from domain.admissions import duplicates, first_meetings, numbers
from domain.casework import wakeups
from meetings import admissions
from meetings.agenda_items import items_of
from models.agenda import ENDED
from models.base import table_of
from models.casework import Case
from tests import signing
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import AT, TODAY, Arranged, Cast
from tests.flows.support import carry_all, means_of
from tests.following import SECOND, THIRD, WORKER
from tests.meetings.clinic import NOW, clinic_of, prepare_clinic, tabled
from tests.referring import refer, triaged
from tests.refusing import refused

HOUR: Final = timedelta(hours=1)
#: When the candidate says yes and signs, an hour before they are referred again.
THEN: Final = AT - HOUR
FORM: Final = SignedForm(TODAY, TODAY, "self", TODAY, "fr", limits_stated=True)

_case = table_of(Case)


def prepare_signed(cast: Cast) -> UUID:
    """Have the clinic prepared, and a candidate who was given straight to a worker, committed and signed."""
    prepare_clinic(cast)
    participant_id = triaged(cast, refer(cast, at=THEN - HOUR), "forwarded", at=THEN - HOUR)
    with cast.session() as session:
        workers.forward(session, participant_id, cast.people[WORKER], by=cast.actor("coordinator"), at=THEN)
    _sign_with(cast, participant_id, WORKER)
    return participant_id


@pytest.fixture
def signed(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    """A candidate who signed the program's form, and said nothing yet of the partners."""
    return arranged(cast, prepare_signed)


def _sign_with(cast: Cast, participant_id: UUID, worker: str, *, at: datetime = THEN) -> None:
    by = cast.actor(worker)
    with cast.session() as session:
        first_meetings.record_first_meeting(
            session, participant_id, met_on=TODAY, way="remote", outcome="commits", by=by, at=at
        )
        signing.sign(session, participant_id, "program", FORM, by=by, at=at)


def _share(cast: Cast, participant_id: UUID, place: str, *, at: datetime = THEN) -> UUID:
    with cast.session() as session:
        return signing.sign(
            session,
            participant_id,
            "sharing",
            replace(FORM, worker_id=cast.people[WORKER]),
            organization_id=cast.organizations[place],
            by=cast.actor("coordinator"),
            at=at,
        )


def _bar(cast: Cast, participant_id: UUID) -> None:
    with cast.session() as session:
        barring.bar(session, participant_id, cast.people[WORKER], by=cast.actor("coordinator"), at=THEN)


def _name(cast: Cast, participant_id: UUID, worker: str) -> None:
    with cast.session() as session:
        workers.name_another(session, participant_id, cast.people[worker], by=cast.actor("coordinator"), at=THEN)


def _number(cast: Cast, participant_id: UUID, worker: str, *, at: datetime = THEN) -> str:
    with cast.session() as session:
        risks.assess(session, participant_id, "admission", "green", why={}, by=cast.actor(worker), at=at)
        return numbers.admit(session, participant_id, by=cast.actor("coordinator"), at=at)


def _referred_again(cast: Cast, participant_id: UUID) -> UUID:
    """The candidate says no, is referred again, and the clinic is about to decide; the item."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        first_meetings.decline(session, participant_id, by=by, at=AT)
    again = refer(cast, by=WORKER)
    with cast.session() as session:
        duplicates.join_referral(session, again, participant_id, reason="La même", by=by, at=AT)
    triaged(cast, again)
    return tabled(cast, participant_id)


@pytest.mark.ci
def test_who_signed_and_bars_the_worker_is_given_to_another_organization_which_leads_to_the_number(
    cast: Cast, signed: UUID
) -> None:
    _bar(cast, signed)
    with cast.session() as session:
        offered = {one.person_id: one.load.bars for one in proposals.proposals(session, signed, at=THEN)}
    assert offered[cast.people[SECOND]] == (), "what is shown beside the name is what the act does"
    _name(cast, signed, SECOND)
    with cast.session() as session, refused("assignment.not_agreed"):
        workers.change_second(session, signed, cast.people[THIRD], by=cast.actor("coordinator"), at=THEN)
    _share(cast, signed, "anonyme")
    with cast.session() as session:
        workers.change_second(session, signed, cast.people[THIRD], by=cast.actor("coordinator"), at=THEN)
    _sign_with(cast, signed, SECOND)
    assert _number(cast, signed, SECOND) == "#2026-01"


def test_whom_the_candidate_left_out_meets_them_only_once_they_agree_to_it(cast: Cast, signed: UUID) -> None:
    _share(cast, signed, "anonyme")
    _bar(cast, signed)
    with refused("assignment.not_agreed"):
        _name(cast, signed, SECOND)
    _share(cast, signed, "codim")
    _name(cast, signed, SECOND)


def test_with_whom_sharing_was_taken_back_meets_them_no_more(cast: Cast, signed: UUID) -> None:
    with_codim = _share(cast, signed, "codim")
    _bar(cast, signed)
    with cast.session() as session:
        consents.withdraw(session, with_codim, by=cast.actor("coordinator"), at=THEN)
    with refused("assignment.not_agreed"):
        _name(cast, signed, SECOND)


def test_who_takes_the_consent_to_the_program_back_is_met_by_nobody_new_before_it_is_signed_anew(
    cast: Cast, signed: UUID
) -> None:
    by = cast.actor("coordinator")
    _bar(cast, signed)
    with cast.session() as session:
        (row,) = consents.consents_of(session, signed)
        consents.withdraw(session, row.id, by=by, at=THEN)
        assert withdrawals.asked(session, signed) == withdrawals.StillAsked(worker=False, coordinator=True)
    with refused("assignment.not_agreed"):
        _name(cast, signed, SECOND)
    with cast.session() as session:
        signing.sign(session, signed, "program", replace(FORM, worker_id=cast.people[WORKER]), by=by, at=THEN)
        assert withdrawals.asked(session, signed) is None
    _name(cast, signed, SECOND)


@pytest.mark.ci
def test_the_page_of_a_candidate_who_signed_takes_another_consent_and_leaves_what_is_withdrawn_to_be_said(
    cast: Cast, signed: UUID
) -> None:
    _bar(cast, signed)
    client = client_for(cast.database, cast.people["coordinator"], at=THEN)
    here = f"/participants/{signed}"
    page = client.get(here).text
    assert f'href="{here}/consents"' in page, "to withdraw or narrow"
    assert "see nothing of this candidate in the Clinical Committee" in text_of(page)
    tick, worker = f"sharing:{cast.organizations['codim']}", str(cast.people[SECOND])
    assert signing.on_page(client, signed, tick, worker=worker).status_code == 303
    page = text_of(client.get(here).text)
    assert "Sharing with a partner – CODIM" in page


@pytest.mark.ci
def test_what_the_admission_of_before_still_does_takes_nobody_off_the_agenda(cast: Cast, signed: UUID) -> None:
    item = _referred_again(cast, signed)
    with cast.session() as session:
        before = session.scalars(
            select(_case.c.id).where(_case.c.program_id == cast.program_id, _case.c.participant_id == signed)
        ).all()
        assert len(before) > 1
        for case_id in before:
            wakeups.wake(session, case_id, at=AT)
    carry_all(means_of(cast, lambda: AT))
    with cast.session() as session:
        (row,) = [row for row in items_of(session, clinic_of(session)) if row.id == item]
    assert ENDED not in {reason.code for reason in row.reasons}


@pytest.mark.ci
def test_the_clinic_hears_and_assigns_who_signed_declined_and_was_referred_again(cast: Cast, signed: UUID) -> None:
    item = _referred_again(cast, signed)
    for name in ("police", SECOND):
        client = client_for(cast.database, cast.people[name], at=NOW)
        assert client.get(f"/participants/{signed}").status_code == 200, name
    with cast.session() as session:
        admissions.decide_admission(
            session, item, "assign", worker_id=cast.people[SECOND], by=cast.actor("coordinator"), at=NOW
        )
    _sign_with(cast, signed, SECOND, at=NOW)
    police = client_for(cast.database, cast.people["police"], at=NOW)
    assert police.get(f"/participants/{signed}").status_code == 404, "from this admission's signature on"
    assert _number(cast, signed, SECOND, at=NOW) == "#2026-01"


@pytest.mark.ci
def test_of_who_was_referred_again_the_clinic_hears_only_as_far_as_they_said_before_with_whom(
    cast: Cast, signed: UUID
) -> None:
    _share(cast, signed, "codim")
    _referred_again(cast, signed)
    for name, status in (("police", 404), (SECOND, 200)):
        client = client_for(cast.database, cast.people[name], at=NOW)
        assert client.get(f"/participants/{signed}").status_code == status, name
