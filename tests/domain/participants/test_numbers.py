"""The number (AD-R9), asked for by several at the same instant through the act that gives it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.accompaniment import risks, workers
from domain.accompaniment.consent_forms import SignedForm
from domain.admissions import correcting, duplicates, first_meetings, numbers
from domain.casework import cases
from domain.kernel.refusals import Refusal
from domain.participants.identity import identity_within
from domain.participants.locking import case_of
from models.base import table_of
from models.participant import NumberSequence, Participant
from tests import signing
from tests.api.application import client_for
from tests.cast import AT, TODAY, Cast
from tests.following import WORKER, agreed
from tests.referring import ONDINE, ROMARIN, declare_admission, refer, triaged
from tests.refusing import refused

_participant = table_of(Participant)
_sequence = table_of(NumberSequence)
_SIGNED = SignedForm(TODAY, TODAY, "self", TODAY, "fr", limits_stated=True)


def _go_through(cast: Cast, participant_id: UUID) -> None:
    """Whoever was forwarded is met, consents, and lacks the number alone."""
    by, worker = cast.actor("coordinator"), cast.actor(WORKER)
    with cast.session() as session:
        workers.forward(session, participant_id, cast.people[WORKER], by=by, at=AT)
        first_meetings.record_first_meeting(
            session, participant_id, met_on=TODAY, way="remote", outcome="commits", by=worker, at=AT
        )
        signing.sign(session, participant_id, "program", _SIGNED, by=worker, at=AT)
        risks.assess(session, participant_id, "admission", "green", why={}, by=worker, at=AT)


@pytest.mark.ci
def test_of_those_who_ask_for_a_number_at_once_each_person_has_one_and_none_is_skipped(cast: Cast) -> None:
    """Also where two ask for the same person: the second is told, and takes no number."""
    declare_admission(cast)
    with cast.session() as session:
        agreed(session, cast)
    by = cast.actor("coordinator")
    ready = [triaged(cast, refer(cast, form), "forwarded") for form in (ONDINE, ROMARIN)]
    for one in ready:
        _go_through(cast, one)
    given: list[str] = []
    told: list[str] = []
    start = threading.Barrier(3)

    def ask(participant_id: UUID) -> None:
        start.wait(10)
        try:
            with cast.session() as session:
                number = numbers.admit(session, participant_id, by=by, at=AT)
        except Refusal as refusal:
            told.append(refusal.code)
        else:
            given.append(number)

    threads = [threading.Thread(target=ask, args=(one,)) for one in (ready[0], ready[0], ready[1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (sorted(given), told) == (["#2026-01", "#2026-02"], ["participant.state"])
    with cast.session() as session:
        assert sorted(session.scalars(select(_participant.c.number)).all()) == sorted(given)
        assert session.execute(select(_sequence.c.last)).scalar_one() == 2


@pytest.mark.ci
def test_the_admission_that_a_no_ended_is_not_reopened_for_somebody_who_was_admitted_by_another_since(
    cast: Cast,
) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    known = triaged(cast, refer(cast), "forwarded")
    with cast.session() as session:
        agreed(session, cast)
        ended = case_of(session, known)
        first_meetings.decline(session, known, by=by, at=AT)
    again = refer(cast)
    with cast.session() as session:
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=AT)
    _go_through(cast, triaged(cast, again, "forwarded"))
    with cast.session() as session:
        numbers.admit(session, known, by=by, at=AT)
    with cast.session() as session, refused("case.admission_is_over"):
        assert ended is not None
        cases.reopen_case(session, ended, by=by, at=AT, reason="Par erreur.")


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(("aged", "of_age"), [(24, True), (25, False)])
def test_of_whom_only_an_age_is_known_the_number_waits_until_it_is_said_on_that_day(
    cast: Cast, aged: int, *, of_age: bool
) -> None:
    """Who was 24 on the day of the referral is 24 or 25 on the next (AD-C1)."""
    declare_admission(cast)
    by, tomorrow = cast.actor("coordinator"), AT + timedelta(days=1)
    with cast.session() as session:
        agreed(session, cast)
    participant_id = triaged(cast, refer(cast, replace(ONDINE, birth_date=None, age=24)), "forwarded")
    _go_through(cast, participant_id)
    with cast.session() as session, refused("admission.age_unknown"):
        numbers.admit(session, participant_id, by=by, at=tomorrow)
    with cast.session() as session:
        seen = session.scalar(select(_participant.c.version).where(_participant.c.id == participant_id))
    client = client_for(cast.database, cast.people["coordinator"], at=tomorrow)
    here = f"/participants/{participant_id}"
    assert 'name="age"' in client.get(here).text, "where the refusal sends"
    typed = {"seen": str(seen), "age": str(aged)}
    assert client.post(f"{here}/corrections", data=typed, follow_redirects=False).status_code == 303
    with cast.session() as session:
        if of_age:
            assert numbers.admit(session, participant_id, by=by, at=tomorrow) == "#2026-01"
        else:
            with refused("admission.age"):
                numbers.admit(session, participant_id, by=by, at=tomorrow)
        born = TODAY.replace(year=TODAY.year - 24)
        correcting.correct_identity(session, participant_id, {"birth_date": born}, by=by, at=tomorrow)
        with refused("identity.age"):
            correcting.correct_identity(session, participant_id, {"age": 25}, by=by, at=tomorrow)
        assert identity_within(session, participant_id).age is None
