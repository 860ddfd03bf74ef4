"""Whoever referred somebody known hears of who makes contact (AD-R5), and never that the person was known."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.accompaniment import referred_again, workers
from domain.admissions import duplicates, first_meetings, triage
from domain.kernel.sealing import unseal
from models.base import table_of
from models.participant import Participant
from models.referral import Referral
from tests.api.application import client_for
from tests.cast import AT, Cast
from tests.destroying import destroyed
from tests.flows.support import carry_all, letters, means_of
from tests.following import WORKER, agreed, followed, known_as_somebody, row_of, tasks_of
from tests.referring import ONDINE, declare_admission, look_at_everything, participant_of, refer, triaged

_participant = table_of(Participant)
_referral = table_of(Referral)


@pytest.mark.ci
def test_of_somebody_followed_the_coordinator_alone_decides_what_whoever_referred_hears(cast: Cast) -> None:
    declare_admission(cast)
    with cast.session() as session:
        agreed(session, cast)
        known = row_of(session, followed(session, cast))["participant_id"]
        known_as_somebody(session, known)
    again = refer(cast, by="worker_codim")
    with cast.session() as session:
        duplicates.join_referral(session, again, known, reason="La même", by=cast.actor("coordinator"), at=AT)
        (task,) = tasks_of(session, referred_again.ANSWER)
    assert "#2026-01 was referred again (the referral of November 23, 2026): decide what" in task["title_en"]
    assert "without revealing that the person was known" in task["title_en"]
    coordinator = client_for(cast.database, cast.people["coordinator"])
    assert task["title_en"] in html.unescape(coordinator.get("/").text)
    for name in (WORKER, "worker_codim", "manager_codim"):
        client = client_for(cast.database, cast.people[name])
        assert client.get(f"/tasks/{task['id']}").status_code == 404, name
        assert task["title_en"] not in html.unescape(client.get("/").text), name
    done = coordinator.post(
        f"/tasks/{task['id']}/completion", data={"note": "Dit de vive voix.", "seen": task["version"]}
    )
    assert done.status_code == 409, "it is done by what they hear, and not by a tick"
    place = f"/referrals/{again}"
    assert "What who referred hears" in coordinator.get(place).text
    author = client_for(cast.database, cast.people["worker_codim"])
    assert "What who referred hears" not in author.get(place).text
    assert author.post(f"{place}/hearing", data={"hears": "nothing"}).status_code == 404
    said = coordinator.post(f"{place}/hearing", data={"hears": "not_admitted", "offers": ["health", "later"]})
    assert said.status_code == 303
    assert "Health or social services; To be referred again later" in author.get(place).text
    with cast.session() as session:
        assert [one["state"] for one in tasks_of(session, referred_again.ANSWER)] == ["done"]


@pytest.mark.ci
def test_whoever_referred_a_candidate_who_is_known_hears_of_the_worker_by_no_letter_of_its_own(cast: Cast) -> None:
    """It would come when the other's does, and name the reference of the other: the coordinator decides instead."""
    declare_admission(cast)
    by, first_author, author = cast.actor("coordinator"), WORKER, "worker_codim"
    with cast.session() as session:
        agreed(session, cast)
    first, again = refer(cast, by=first_author), refer(cast, by=author)
    with cast.session() as session:
        known = participant_of(session, first)
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=AT)
        (task,) = tasks_of(session, referred_again.ANSWER)
        reference = session.scalar(select(_participant.c.candidate_ref).where(_participant.c.id == known))
        assert (task["item"], task["state"]) == (str(again), "open")
        assert str(reference) in task["title_fr"]
    triaged(cast, first, "forwarded")
    with cast.session() as session:
        workers.forward(session, known, cast.people["without_mail"], by=by, at=AT)
    carry_all(means_of(cast, lambda: AT))
    assert [letter["person_id"] for letter in letters(cast, "worker_named")] == [cast.people[first_author]]


@pytest.mark.ci
def test_whoever_referred_somebody_who_is_a_candidate_again_is_told_as_anybody_is(cast: Cast) -> None:
    declare_admission(cast)
    by, author, later = cast.actor("coordinator"), "worker_codim", AT + timedelta(days=1)
    with cast.session() as session:
        agreed(session, cast)
    first = refer(cast, by=WORKER)
    with cast.session() as session:
        look_at_everything(session, cast, first)
        triage.triage(session, first, "refused", reason="Non", offered="Autre", by=by, at=AT)
        known = participant_of(session, first)
    again = refer(cast, by=author, at=later)
    with cast.session() as session:
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=later)
        assert tasks_of(session, referred_again.ANSWER) == []
    triaged(cast, again, "forwarded", at=later)
    with cast.session() as session:
        workers.forward(session, known, cast.people["without_mail"], by=by, at=later)
    carry_all(means_of(cast, lambda: later))
    assert [letter["person_id"] for letter in letters(cast, "worker_named")] == [cast.people[author]]


@pytest.mark.ci
def test_what_was_referred_goes_along_however_often_a_file_is_joined_to_another(cast: Cast) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    with cast.session() as session:
        agreed(session, cast)
    said = ["Fugue", "Dettes", "Logement", "Menaces"]
    refused, *others = [refer(cast, replace(ONDINE, reasons=one)) for one in said]
    with cast.session() as session:
        look_at_everything(session, cast, refused)
        triage.triage(session, refused, "refused", reason="Non", offered="Autre", by=by, at=AT)
        to_refused, to_known, known = (participant_of(session, one) for one in (refused, others[1], others[2]))
        duplicates.join_referral(session, others[0], to_refused, reason="La même", by=by, at=AT)
        duplicates.join_referral(session, others[0], to_known, reason="La même", by=by, at=AT)
        duplicates.join_referral(session, others[1], known, reason="La même", by=by, at=AT)
        rows = session.execute(select(_referral).where(_referral.c.participant_id == known)).all()
        told = [unseal(session, known, f"referral/{row.id}", row.sealed)["reasons"] for row in rows]
    assert sorted(told) == sorted(said)
    assert {row.state for row in rows if row.id != others[2]} == {"joined"}


@pytest.mark.ci
def test_whoever_wrote_a_second_referral_is_not_forgotten_while_the_first_is_not_answered(cast: Cast) -> None:
    by, later = cast.actor("coordinator"), AT + timedelta(days=1)
    with cast.session() as session:
        agreed(session, cast)
        known = row_of(session, followed(session, cast))["participant_id"]
        known_as_somebody(session, known)
    first, second = refer(cast, by="worker_codim"), refer(cast, by="without_mail", at=later)
    with cast.session() as session:
        for referral_id in (first, second):
            duplicates.join_referral(session, referral_id, known, reason="La même", by=by, at=later)
        asked = tasks_of(session, referred_again.ANSWER)
    assert {task["item"] for task in asked} == {str(first), str(second)}
    assert {task["state"] for task in asked} == {"open"}
    assert sorted("November 23" in task["title_en"] for task in asked) == [False, True], "which of the two is said"


@pytest.mark.ci
def test_whoever_referred_a_file_that_is_joined_to_yet_another_is_asked_about_by_the_one_that_stays(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        agreed(session, cast)
        known = row_of(session, followed(session, cast))["participant_id"]
        known_as_somebody(session, known)
    first, second = refer(cast, by="worker_codim"), refer(cast, by="without_mail")
    with cast.session() as session:
        duplicates.join_referral(session, second, participant_of(session, first), reason="La même", by=by, at=AT)
        duplicates.join_referral(session, first, known, reason="La même", by=by, at=AT)
        asked = [task for task in tasks_of(session, referred_again.ANSWER) if task["state"] == "open"]
    assert {task["item"] for task in asked} == {str(first), str(second)}
    assert all(task["title_en"].startswith("#2026-01 ") for task in asked), "the other reference is nobody’s any more"


def test_nobody_is_asked_what_to_say_of_somebody_whose_file_is_destroyed(cast: Cast) -> None:
    declare_admission(cast)
    by, kept = cast.actor("coordinator"), timedelta(days=366)
    first, again = refer(cast, by=WORKER), refer(cast, by="worker_codim")
    with cast.session() as session:
        known = participant_of(session, first)
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=AT)
        first_meetings.decline(session, known, by=by, at=AT)
        destroyed(session, cast, known, at=AT + kept)
        assert [task["state"] for task in tasks_of(session, referred_again.ANSWER)] == ["cancelled"]
