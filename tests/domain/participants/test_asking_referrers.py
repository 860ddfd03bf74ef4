"""What was missing is asked of who referred; each of them sees where it stands, and never that the person was known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session

from domain.accompaniment import referred_again, workers
from domain.admissions import asking_referrers, duplicates, first_meetings, triage
from domain.casework import asking
from domain.kernel.actors import OUTSIDE, Actor
from domain.participants import ReferralForm, findings, links, reading, referring
from domain.participants.identity import identity_within
from domain.people import absences
from domain.roles import Link
from tests.api.application import client_for, nobody
from tests.cast import AT, Arranged, Cast
from tests.following import WORKER, agreed, tasks_of
from tests.referring import ONDINE, ROMARIN, declare_admission, look_at_everything, participant_of, refer, triaged
from tests.refusing import refused

_THIN = ReferralForm(given_name="Ondine", family_name="Fougère-Lys", age=16, phone="514 555-0144", reasons="Danger.")
_OUTSIDE = replace(ONDINE, referrer_name="Jonc Osier", referrer_contact="450 555-0101")


@pytest.fixture
def admitting(cast: Cast, arranged: Arranged[None]) -> Cast:
    """A program that carries admissions, its agreements in force."""

    def prepare(cast: Cast) -> None:
        declare_admission(cast)
        with cast.session() as session:
            agreed(session, cast)

    arranged(cast, prepare)
    return cast


def _ask(cast: Cast, referral_id: UUID, *wanted: str) -> None:
    with cast.session() as session:
        triage.ask_referrer(session, referral_id, wanted, by=cast.actor("coordinator"), at=AT)


def _falls_to(session: Session, task: Mapping[str, Any]) -> list[Link]:
    (found,) = [one for one in asking.open_ones(session, asking_referrers.ASKED) if one.id == task["id"]]
    return found.links


def _row(cast: Cast, referral_id: UUID) -> reading.OwnReferral:
    with cast.session() as session:
        found = reading.own(session, referral_id)
    assert found is not None
    return found


def test_the_answer_completes_the_referral_and_ends_the_task(admitting: Cast) -> None:
    referral_id = refer(admitting, _THIN)
    _ask(admitting, referral_id, "birth_date", "AD-C2", "reasons")
    assert _row(admitting, referral_id).asked == ["birth_date", "reasons", "AD-C2"]
    said = ReferralForm(birth_date=date(2010, 5, 4), reasons="Elle a rappelé.", facts={"AD-C2": "Vit à Laval."})
    with admitting.session() as session:
        (asked,) = tasks_of(session, asking_referrers.ASKED)
        assert _falls_to(session, asked)[0].person == admitting.people["worker_ccsmtl"]
        asking_referrers.answer(session, referral_id, said, by=admitting.actor("worker_ccsmtl"), at=AT)
        who = identity_within(session, participant_of(session, referral_id))
        assert (who.birth_date, who.phone, who.age) == (date(2010, 5, 4), "514 555-0144", None)
        assert [one["state"] for one in tasks_of(session, asking_referrers.ASKED)] == ["done"]
    assert _row(admitting, referral_id).asked == []
    page = client_for(admitting.database, admitting.people["coordinator"]).get(
        f"/participants/{_whom(admitting, referral_id)}/triage"
    )
    assert "Vit à Laval." in page.text
    assert "Danger.\nElle a rappelé." in page.text
    with admitting.session() as session, refused("referral.not_asked"):
        asking_referrers.answer(session, referral_id, said, by=admitting.actor("worker_ccsmtl"), at=AT)


def _whom(cast: Cast, referral_id: UUID) -> UUID:
    with cast.session() as session:
        return participant_of(session, referral_id)


def test_what_was_not_asked_is_not_taken_and_another_telephone_stands_beside_the_one_that_is_known(
    admitting: Cast,
) -> None:
    referral_id = refer(admitting)
    _ask(admitting, referral_id, "phone")
    said = ReferralForm(phone="438 555-0199", email="autre@courriel.example")
    with admitting.session() as session:
        asking_referrers.answer(session, referral_id, said, by=admitting.actor("worker_ccsmtl"), at=AT)
        who = identity_within(session, participant_of(session, referral_id))
    assert (who.phone, [one.phone for one in who.also]) == ("514 555-0144", ["438 555-0199"])
    assert "autre@courriel.example" not in {who.email, *(one.email for one in who.also)}


def test_the_birth_date_that_was_missing_is_found_by_the_next_save(admitting: Cast) -> None:
    referral_id = refer(admitting, replace(_THIN, age=11))
    with admitting.session() as session:
        look_at_everything(session, admitting, referral_id)
        assert findings.findings_of(session, participant_of(session, referral_id))["AD-C1"].finding == "not_met"
    _ask(admitting, referral_id, "birth_date")
    with admitting.session() as session:
        said = ReferralForm(birth_date=date(2013, 5, 4))
        asking_referrers.answer(session, referral_id, said, by=admitting.actor("worker_ccsmtl"), at=AT)
        look_at_everything(session, admitting, referral_id)
        assert findings.findings_of(session, participant_of(session, referral_id))["AD-C1"].finding == "met"


def test_who_came_by_a_link_answers_by_it_and_the_coordinator_is_asked_to_call_them(admitting: Cast) -> None:
    by = admitting.actor("coordinator")
    with admitting.session() as session:
        _, token = links.make_link(session, by=by, at=AT)
        referral_id = referring.refer_by_link(session, token, _OUTSIDE, by=Actor.system(OUTSIDE), at=AT)
    client = nobody(admitting.database)
    page = client.get(f"/refer/{token}")
    assert _row(admitting, referral_id).reference in page.text
    for secret in ("Ondine", "0144", "Épinettes", "Jonc", "santé"):
        assert secret not in page.text, "who has the link reads nothing of what was written"
    again = client.post(f"/refer/{token}", data={"do": "send", "given_name": "Autre"})
    assert again.status_code == 404, "it refers once"
    assert client.post(f"/refer/{token}", data={"do": "answer", "setting": "Foyer"}).status_code == 409
    _ask(admitting, referral_id, "setting", "AD-C5")
    with admitting.session() as session:
        (asked,) = tasks_of(session, asking_referrers.ASKED)
        assert _falls_to(session, asked)[0].role == "coordinator"
    board = client_for(admitting.database, admitting.people["coordinator"]).get("/referrals")
    assert "Asked of the referrer on" in board.text
    sent = client.post(
        f"/refer/{token}", data={"do": "answer", "setting": "Foyer", "fact": ["", "", "", "", "", "Oui"]}
    )
    assert sent.status_code == 303
    assert "nothing more is asked" in client.get(f"/refer/{token}").text
    assert _row(admitting, referral_id).asked == []
    assert client.post(f"/refer/{token}", data={"do": "answer", "setting": "Foyer"}).status_code == 409
    with admitting.session() as session:
        assert [one["state"] for one in tasks_of(session, asking_referrers.ASKED)] == ["done"]


def test_of_who_left_the_coordinator_has_the_question(admitting: Cast) -> None:
    referral_id = refer(admitting)
    with admitting.session() as session:
        session.execute(
            text("update tenure set ends_on = :day where person_id = :who"),
            {"day": AT.date() - timedelta(days=1), "who": admitting.people["worker_ccsmtl"]},
        )
    _ask(admitting, referral_id, "setting")
    with admitting.session() as session:
        (asked,) = tasks_of(session, asking_referrers.ASKED)
        assert _falls_to(session, asked)[0].role == "coordinator"


@pytest.mark.ci
def test_of_who_is_away_or_leaves_later_the_coordinator_has_the_question_and_no_deputy(admitting: Cast) -> None:
    author, deputy, coordinator = (admitting.people[one] for one in ("worker_ccsmtl", "worker_codim", "coordinator"))
    referral_id = refer(admitting)
    _ask(admitting, referral_id, "setting")
    with admitting.session() as session:
        (asked,) = tasks_of(session, asking_referrers.ASKED)
        absences.record_absence(
            session,
            person_id=author,
            starts_on=AT.date(),
            ends_on=AT.date() + timedelta(days=3),
            deputy_id=deputy,
            by=admitting.actor("coordinator"),
            at=AT,
        )
    title = asked["title_en"]
    assert title not in client_for(admitting.database, deputy).get("/").text, (
        "who deputizes opens no referral of theirs"
    )
    assert title in client_for(admitting.database, coordinator).get("/").text
    with admitting.session() as session:
        session.execute(
            text("update tenure set ends_on = :day where person_id = :who"),
            {"day": AT.date() - timedelta(days=1), "who": author},
        )
    assert client_for(admitting.database, deputy).get(f"/referrals/{referral_id}").status_code == 404
    heard = client_for(admitting.database, coordinator).post(
        f"/referrals/{referral_id}/answer", data={"setting": "Foyer"}
    )
    assert heard.status_code == 303
    with admitting.session() as session:
        assert [one["state"] for one in tasks_of(session, asking_referrers.ASKED)] == ["done"]


@pytest.mark.ci
def test_the_question_is_ended_by_its_answer_alone_and_a_window_from_before_asks_nothing_anew(admitting: Cast) -> None:
    referral_id = refer(admitting)
    _ask(admitting, referral_id, "setting")
    client = client_for(admitting.database, admitting.people["worker_ccsmtl"])
    with admitting.session() as session:
        (asked,) = tasks_of(session, asking_referrers.ASKED)
        seen = session.execute(text("select version from referral")).scalar_one()
    for act in ("completion", "waiver", "undoing"):
        said = {"note": "Fait.", "reason": "Fait.", "seen": asked["version"]}
        assert client.post(f"/tasks/{asked['id']}/{act}", data=said).is_client_error, act
    assert _row(admitting, referral_id).asked == ["setting"]
    answered = client.post(f"/referrals/{referral_id}/answer", data={"setting": "Foyer"})
    assert answered.status_code == 303
    stale = client_for(admitting.database, admitting.people["coordinator"]).post(
        f"/participants/{_whom(admitting, referral_id)}/questions",
        data={"referral": str(referral_id), "seen": str(seen), "missing": "phone"},
    )
    assert stale.status_code == 412
    with admitting.session() as session:
        (asked,) = tasks_of(session, asking_referrers.ASKED)
    undone = client.post(f"/tasks/{asked['id']}/undoing", data={"reason": "Non.", "seen": asked["version"]})
    assert undone.is_client_error
    assert _row(admitting, referral_id).asked == []


def test_nothing_is_asked_any_more_of_who_declined(admitting: Cast) -> None:
    referral_id = refer(admitting)
    _ask(admitting, referral_id, "setting")
    with admitting.session() as session:
        by = admitting.actor("coordinator")
        first_meetings.decline(session, participant_of(session, referral_id), by=by, at=AT)
        assert [one["state"] for one in tasks_of(session, asking_referrers.ASKED)] == ["cancelled"]
    assert (_row(admitting, referral_id).asked, _row(admitting, referral_id).stands) == ([], "not_admitted")


def test_nobody_else_sees_where_a_referral_stands(admitting: Cast) -> None:
    referral_id = refer(admitting)
    for name, status in (("worker_ccsmtl", 200), ("coordinator", 200), ("worker_codim", 404), ("manager_ccsmtl", 404)):
        there = client_for(admitting.database, admitting.people[name]).get(f"/referrals/{referral_id}")
        assert (name, there.status_code) == (name, status)
        assert "Ondine" not in there.text


def test_what_ended_for_one_who_referred_stays_so_where_another_refers_the_person_again(admitting: Cast) -> None:
    first = refer(admitting)
    with admitting.session() as session:
        by = admitting.actor("coordinator")
        triage.triage(session, first, "refused", reason="Non.", offered="Autre.", by=by, at=AT)
    later = AT + timedelta(days=30)
    second = refer(admitting, by="worker_codim", at=later)
    with admitting.session() as session:
        known = participant_of(session, first)
        duplicates.join_referral(session, second, known, reason="Même nom.", by=by, at=later)
    assert (_row(admitting, first).stands, _row(admitting, second).stands) == ("not_admitted", "received")
    triaged(admitting, second, at=later)
    assert (_row(admitting, first).stands, _row(admitting, second).stands) == ("not_admitted", "committee")


# What two referrals show, of which one is of a person who was known.


def _seen(cast: Cast, referral_id: UUID, client: object) -> tuple[str, str]:
    """What its author is shown of a referral, without what is drawn by chance."""
    own = _row(cast, referral_id)
    pages = [client.get(place) for place in (f"/referrals/{referral_id}", "/api/v1/referrals")]  # type: ignore[attr-defined]
    listed = next(one for one in pages[1].json()["mine"] if one["id"] == str(referral_id))
    shown = pages[0].text
    for chance in (own.reference, str(referral_id)):
        shown = shown.replace(chance, "·")
    return shown, str({**listed, "id": "", "reference": ""})


@pytest.mark.ci
def test_a_referral_of_a_known_person_is_like_any_other_at_each_step(admitting: Cast) -> None:
    """Known: a participant who is accompanied; unknown: a person who goes before the committee. Step by step alike."""
    by = admitting.actor("coordinator")
    known_before = refer(admitting, by="worker_codim")
    triaged(admitting, known_before, "forwarded")
    with admitting.session() as session:
        known = participant_of(session, known_before)
        workers.forward(session, known, admitting.people[WORKER], by=by, at=AT)
    of_known, of_new = refer(admitting), refer(admitting, ROMARIN)
    client = client_for(admitting.database, admitting.people["worker_ccsmtl"])

    def alike() -> None:
        assert _seen(admitting, of_known, client) == _seen(admitting, of_new, client)

    reference = _row(admitting, of_known).reference
    alike()
    for one in (of_known, of_new):
        _ask(admitting, one, "setting")
    alike()
    triaged(admitting, of_new)
    with admitting.session() as session:
        duplicates.join_referral(session, of_known, known, reason="Même nom.", by=by, at=AT)
    alike()
    assert _row(admitting, of_known).reference == reference, "nor does the reference change by which it is known"
    for one in (of_known, of_new):
        answered = client.post(f"/referrals/{one}/answer", data={"setting": "Foyer"})
        assert answered.status_code == 303, answered.text
    alike()
    with admitting.session() as session:
        new = participant_of(session, of_new)
        triage.take_back_triage(session, of_new, by=by, at=AT)
        triage.triage(session, of_new, "forwarded", reason="Danger", by=by, at=AT)
        workers.forward(session, new, admitting.people[WORKER], by=by, at=AT)
        referred_again.say_to_who_referred(
            session, of_known, "worker", worker_id=admitting.people[WORKER], by=by, at=AT
        )
    assert _row(admitting, of_new).stands == "worker"
    alike()
    with admitting.session() as session:
        for one in (known, new):
            first_meetings.decline(session, one, by=by, at=AT)
    alike()
    assert _row(admitting, of_known).stands == "not_admitted"


@pytest.mark.ci
def test_what_is_asked_is_taken_back_also_once_it_is_triaged_or_joined_and_who_referred_sees_it(
    admitting: Cast,
) -> None:
    """By the page, from the file, whatever became of the referral; their page says it, and their task is called off."""
    coordinator = client_for(admitting.database, admitting.people["coordinator"], at=AT)
    author = client_for(admitting.database, admitting.people["worker_ccsmtl"], at=AT)
    known, again = refer(admitting), refer(admitting)
    _ask(admitting, known, "setting")
    _ask(admitting, again, "setting")
    with admitting.session() as session:
        whom, by = participant_of(session, known), admitting.actor("coordinator")
        duplicates.join_referral(session, again, whom, reason="La même", by=by, at=AT)
    assert triaged(admitting, known) == whom
    page, gone = coordinator.get(f"/participants/{whom}").text, "It is no longer needed."
    for referral_id in (known, again):
        assert gone not in author.get(f"/referrals/{referral_id}").text
        (form,) = [
            one
            for one in re.findall(r"<form.*?</form>", page, re.DOTALL)
            if str(referral_id) in one and "/questions" in one
        ]
        sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        stale = coordinator.post(f"/participants/{whom}/questions", data={**sent, "seen": "0"})
        assert stale.status_code == 412, "somebody answered it in another window"
        said = coordinator.post(f"/participants/{whom}/questions", data=sent)
        assert (said.status_code, said.headers["location"]) == (303, f"/participants/{whom}#missing")
        assert gone in author.get(f"/referrals/{referral_id}").text
        late = author.post(f"/referrals/{referral_id}/answer", data={"setting": "Foyer"})
        assert (late.status_code, "what was asked is no longer needed" in late.text) == (409, True)
    with admitting.session() as session:
        assert {one["state"] for one in tasks_of(session, asking_referrers.ASKED)} == {"cancelled"}
    assert "/questions" not in coordinator.get(f"/participants/{whom}").text
    with admitting.session() as session, refused("referral.dealt_with"):
        triage.ask_referrer(session, known, ["setting"], by=by, at=AT)
