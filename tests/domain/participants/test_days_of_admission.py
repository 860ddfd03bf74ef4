"""No fact of an admission stands before its referral was received, whoever writes it, by whichever door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.admissions import duplicates, first_meetings, triage
from domain.kernel import Refusal, of, only
from domain.participants import findings_of
from models.consent import Consent
from models.participant import FirstMeeting
from models.referral import Referral
from tests import signing
from tests.api.application import client_for
from tests.cast import AT, TODAY, Arranged, Cast
from tests.domain.participants.test_consent_decides import FORM, prepare_met_by_a_pair
from tests.following import WORKER
from tests.referring import declare_admission, look_at_everything, participant_of, refer
from tests.refusing import refused

DAY = timedelta(days=1)


@pytest.fixture
def met(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    return arranged(cast, prepare_met_by_a_pair)


#: What gives the cast and the file to a property, which takes no fixtures.
_AGAIN: list[Callable[[], tuple[Cast, UUID]]] = []


@pytest.fixture(autouse=True)
def _for_properties(request: pytest.FixtureRequest) -> Any:
    if "met" in request.fixturenames:
        _AGAIN[:] = [lambda: (request.getfixturevalue("cast"), request.getfixturevalue("met"))]
    yield
    _AGAIN.clear()


@pytest.mark.usefixtures("met")
@settings(max_examples=15, deadline=None)
@given(
    later=st.integers(0, 40),
    days=st.lists(st.tuples(st.sampled_from(["thinks", "commits", "signs"]), st.integers(-400, 45)), max_size=5),
)
def test_no_fact_of_an_admission_stands_before_the_referral_was_received(
    later: int, days: list[tuple[str, int]]
) -> None:
    """Whatever is written, in whatever order and however long after: what was refused left nothing behind."""
    cast, participant_id = _AGAIN[0]()
    by, at = cast.actor(WORKER), AT + later * DAY
    with cast.session() as session:
        for what, ago in days:
            day = TODAY + timedelta(days=ago)
            try:
                with session.begin_nested():
                    if what == "signs":
                        form = replace(FORM, explained_on=day, signed_on=max(day, TODAY), worker_id=cast.people[WORKER])
                        form = replace(form, worker_signed_on=form.signed_on, copy_given_on=None)
                        signing.sign(session, participant_id, "program", form, by=by, at=at)
                    else:
                        first_meetings.record_first_meeting(
                            session, participant_id, met_on=day, way="remote", outcome=what, by=by, at=at
                        )
            except Refusal:
                continue
            assert TODAY <= day <= TODAY + later * DAY
        written: list[date] = [
            *session.scalars(only(FirstMeeting.met_on)),
            *session.scalars(only(Consent.explained_on).where(Consent.participant_id == participant_id)),
        ]
        assert all(day >= TODAY for day in written), "the day on which the referral was received"
        session.rollback()


def test_a_first_meeting_before_the_referral_is_refused_in_words_by_the_page_and_by_json(cast: Cast, met: UUID) -> None:
    worker = client_for(cast.database, cast.people[WORKER], at=AT)
    said = {"met_on": (TODAY - DAY).isoformat(), "way": "remote", "outcome": "commits"}
    page = worker.post(f"/participants/{met}/meetings", data={**said, "once": "a-key-of-this-form-1"})
    assert (page.status_code, "nothing of this admission was on an earlier day" in page.text) == (409, True)
    by_json = worker.post(
        f"/api/v1/participants/{met}/meetings", json=said, headers={"Idempotency-Key": "a-key-of-this-form-2"}
    )
    assert (by_json.status_code, by_json.json()["code"]) == (409, "referral.before")


def test_where_an_earlier_referral_is_joined_after_they_declined_its_own_criteria_are_found_anew(cast: Cast) -> None:
    """What was found in the admission that ended does not count for it, though that one's referral came later."""
    declare_admission(cast)
    by = cast.actor("coordinator")
    early, known = refer(cast, by="worker_codim", at=AT - 9 * DAY), refer(cast, at=AT - 5 * DAY)
    with cast.session() as session:
        look_at_everything(session, cast, known, at=AT - 4 * DAY)
        triage.triage(session, known, "committee", by=by, at=AT - 4 * DAY)
        participant_id = participant_of(session, known)
        first_meetings.decline(session, participant_id, by=by, at=AT - 3 * DAY)
        duplicates.join_referral(session, early, participant_id, reason="La même", by=by, at=AT)
        assert findings_of(session, participant_id) == {}
        with refused("triage.not_looked_at"):
            triage.triage(session, early, "committee", by=by, at=AT)
        look_at_everything(session, cast, early)
        triage.triage(session, early, "committee", by=by, at=AT)
        assert {one.on for one in findings_of(session, participant_id).values()} == {TODAY}
        (row,) = session.scalars(of(Referral).where(Referral.id == early))
    again = client_for(cast.database, cast.people["coordinator"], at=AT).get(f"/participants/{participant_id}").text
    assert f'name="referral" value="{row.id}"' in again, "it is this one that is triaged again"


def test_the_consent_form_does_not_open_before_the_person_committed_and_says_what_is_missing(
    cast: Cast, met: UUID
) -> None:
    worker = client_for(cast.database, cast.people[WORKER], at=AT)
    place = f"/participants/{met}/consents/form"
    page = worker.get(place)
    assert "First, record the meeting at which they do." in page.text
    assert 'name="signed_on"' not in page.text
    assert "/consents/form" not in page.text, "no link leads there"
    with cast.session() as session:
        first_meetings.record_first_meeting(
            session, met, met_on=TODAY, way="remote", outcome="commits", by=cast.actor(WORKER), at=AT
        )
    assert 'name="signed_on"' in worker.get(place).text
