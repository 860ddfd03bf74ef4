"""Who a candidate is, opened for a sitting of work: for one sign-in, for half an hour, with one line of the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from domain.admissions import first_meetings, triage
from domain.participants.opened import OPEN_FOR
from tests.api.application import client_for
from tests.cast import AT, Arranged, Cast
from tests.following import agreed
from tests.referring import ONDINE, ROMARIN, declare_admission, participant_of, refer, triaged

_MINUTE = timedelta(minutes=1)


@pytest.fixture
def there(cast: Cast, arranged: Arranged[None]) -> Cast:
    """A program that carries admissions, its agreements in force."""

    def prepare(cast: Cast) -> None:
        declare_admission(cast)
        with cast.session() as session:
            agreed(session, cast)

    arranged(cast, prepare)
    return cast


class _At:
    """A browser of the coordinator, of one sign-in, at any moment."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.cookies: Any = None

    def at(self, moment: datetime) -> TestClient:
        client = client_for(self.cast.database, self.cast.people["coordinator"], at=moment)
        if self.cookies is None:
            self.cookies = client.cookies
        client.cookies = self.cookies
        return client


def _whom(cast: Cast, referral_id: UUID) -> UUID:
    with cast.session() as session:
        return participant_of(session, referral_id)


def _lines(cast: Cast, what: str) -> int:
    with cast.session() as session:
        counted = text("select count(*) from event where verb = 'read' and facts->>'what' = :what")
        return int(session.execute(counted, {"what": what}).scalar_one())


def _shows(client: TestClient, participant_id: UUID, place: str = "triage") -> bool:
    page = client.get(f"/participants/{participant_id}/{place}".rstrip("/"))
    assert page.status_code == 200
    assert "no-store" in page.headers["cache-control"]
    return "Fougère-Lys" in page.text


@pytest.mark.ci
def test_it_shows_for_half_an_hour_however_often_the_page_is_loaded_with_one_line_of_the_record(there: Cast) -> None:
    participant_id = _whom(there, refer(there))
    browser = _At(there)
    assert not _shows(browser.at(AT), participant_id)
    assert browser.at(AT).post(f"/participants/{participant_id}/triage/opening").status_code == 303
    for minutes in (0, 10, 20, 29):
        assert _shows(browser.at(AT + minutes * _MINUTE), participant_id), minutes
    assert _lines(there, "identity") == 1
    assert not _shows(browser.at(AT + OPEN_FOR), participant_id), "however much it was looked at meanwhile"
    assert browser.at(AT + OPEN_FOR).post(f"/participants/{participant_id}/triage/opening").status_code == 303
    assert _shows(browser.at(AT + OPEN_FOR + _MINUTE), participant_id)
    assert _lines(there, "identity") == 2, "who goes on looking is told of again"


@pytest.mark.ci
def test_another_sign_in_of_the_same_person_does_not_inherit_it_nor_does_any_other_page(there: Cast) -> None:
    participant_id = _whom(there, refer(there))
    browser, other = _At(there), _At(there)
    browser.at(AT).post(f"/participants/{participant_id}/triage/opening")
    assert _shows(browser.at(AT), participant_id)
    assert not _shows(other.at(AT), participant_id)
    assert not _shows(browser.at(AT), participant_id, ""), "the file itself opens by its own act"
    for place in (f"/participants/{participant_id}", "/referrals", "/participants"):
        assert "Fougère" not in browser.at(AT).get(f"/api/v1{place}").text, place
    browser.at(AT).post("/sign-out")
    assert browser.at(AT).get(f"/participants/{participant_id}/triage").status_code != 200
    assert not _shows(_At(there).at(AT), participant_id)


@pytest.mark.ci
def test_json_opens_it_with_the_same_line_and_answers_without_the_name(there: Cast) -> None:
    participant_id = _whom(there, refer(there))
    browser = _At(there)
    said = browser.at(AT).post(f"/api/v1/participants/{participant_id}/triage/opening")
    assert said.is_success
    assert "Fougère" not in said.text
    assert _shows(browser.at(AT), participant_id)
    assert _lines(there, "identity") == 1


@pytest.mark.ci
def test_another_candidate_closes_the_one_before(there: Cast) -> None:
    first, second = _whom(there, refer(there)), _whom(there, refer(there, ROMARIN))
    browser = _At(there)
    for each in (first, second):
        browser.at(AT).post(f"/participants/{each}/triage/opening")
    assert not _shows(browser.at(AT), first)
    assert "Tilleul" in browser.at(AT).get(f"/participants/{second}/triage").text


@pytest.mark.ci
def test_where_it_goes_closes_it_for_good_also_where_it_is_triaged_again(there: Cast) -> None:
    referral_id = refer(there)
    participant_id = _whom(there, referral_id)
    browser = _At(there)
    browser.at(AT).post(f"/participants/{participant_id}/triage/opening")
    triaged(there, referral_id)
    with there.session() as session:
        triage.take_back_triage(session, referral_id, by=there.actor("coordinator"), at=AT)
    assert not _shows(browser.at(AT + _MINUTE), participant_id)
    browser.at(AT).post(f"/participants/{participant_id}/triage/opening")
    with there.session() as session:
        first_meetings.decline(session, participant_id, by=there.actor("coordinator"), at=AT)
        shown = session.execute(text("select count(*) from browser_session where shows is not null")).scalar_one()
    assert shown == 0


@pytest.mark.ci
def test_a_refused_act_on_the_page_shows_it_no_longer_than_the_half_hour(there: Cast) -> None:
    referral_id = refer(there)
    participant_id = _whom(there, referral_id)
    browser = _At(there)
    browser.at(AT).post(f"/participants/{participant_id}/triage/opening")
    wrong = {"referral": str(referral_id), "seen": "1", "result": "refused"}
    for moment, shows in ((AT + 20 * _MINUTE, True), (AT + OPEN_FOR, False)):
        page = browser.at(moment).post(f"/participants/{participant_id}/triage", data=wrong)
        assert page.is_client_error
        assert ("Fougère-Lys" in page.text) is shows
    assert _lines(there, "identity") == 1


@pytest.mark.ci
def test_who_is_alike_is_told_of_once_for_the_sitting_and_who_comes_meanwhile_too(there: Cast) -> None:
    known = _whom(there, refer(there, by="worker_codim"))
    participant_id = _whom(there, refer(there))
    browser = _At(there)
    browser.at(AT).post(f"/participants/{participant_id}/triage/opening")
    for minutes in (0, 5, 9):
        assert str(known) in browser.at(AT + minutes * _MINUTE).get(f"/participants/{participant_id}/triage").text
    assert _lines(there, "duplicates") == 2, "one of each of the two files"
    later = _whom(there, refer(there, replace(ONDINE, given_name="Ondine-Lys"), by="worker_codim"))
    for minutes in (10, 11):
        assert str(later) in browser.at(AT + minutes * _MINUTE).get(f"/participants/{participant_id}/triage").text
    assert _lines(there, "duplicates") == 3
    browser.at(AT + OPEN_FOR).post(f"/participants/{participant_id}/triage/opening")
    browser.at(AT + OPEN_FOR).get(f"/participants/{participant_id}/triage")
    assert _lines(there, "duplicates") == 6
