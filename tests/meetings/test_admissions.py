"""Admission all the way: triaged, on the clinic's agenda, decided there, met, consented, numbered, followed."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlmodel import Session

from domain.accompaniment import barring, consents, proposals, recruiting, risks, workers
from domain.accompaniment.consent_forms import SignedForm
from domain.admissions import duplicates, first_meetings, numbers, triage
from domain.casework import scheduling, tasks, versions
from domain.declarations.protocol import Protocol
from domain.declared.reading import load_declared_text
from domain.kernel.refusals import Refusal
from domain.kernel.rows import surely
from domain.loading.loading import load
from domain.participants import disclosures, reading, research
from domain.participants.locking import step_of
from domain.participants.reasons import read_reasons
from domain.participants.referral_form import ReferralForm
from meetings import admissions, assembling, deciding, decisions, freezing, recruiters, running
from meetings.agenda_items import item_of, items_of, pool_of
from meetings.reasons import in_words
from models.base import table_of
from models.casework import Case, Responsibility, Task
from models.follow_up import Assignment, FollowUp
from models.meeting import Meeting
from models.participant import Participant
from tests import signing
from tests.api.application import client_for
from tests.casework import open_onboarding
from tests.cast import AT, LOADING, TODAY, Arranged, Cast, edited, onboarding, program_file
from tests.flows.support import body, carry_all, letters, means_of, told
from tests.following import followed, plan, row_of, tasks_of
from tests.meetings.clinic import (
    NEXT_LOCAL,
    NOW,
    clinic_of,
    committee_of,
    on_the_table,
    prepare_clinic,
    prepare_on_the_table,
    tabled,
)
from tests.referring import ONDINE, ROMARIN, admission, look_at_everything, participant_of, refer, triaged
from tests.refusing import refused

DAY: Final = timedelta(days=1)
LATER: Final = NOW + DAY

_participant = table_of(Participant)
_meeting = table_of(Meeting)
_task = table_of(Task)
_case = table_of(Case)
_chain = table_of(Responsibility)
_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)

WORKER, SECOND = "worker_ccsmtl", "worker_codim"


@pytest.fixture
def clinic(cast: Cast, arranged: Arranged[None]) -> Cast:
    """Agreements in force, everyone seated, two clinics planned, and admissions carried."""
    arranged(cast, prepare_clinic)
    return cast


@pytest.fixture
def on_table(cast: Cast, arranged: Arranged[tuple[UUID, UUID]]) -> tuple[UUID, UUID]:
    """A candidate whom the open clinic is about to decide on: the participant and the item."""
    return arranged(cast, prepare_on_the_table)


def _row(session: Session, participant_id: UUID) -> Any:
    return session.execute(select(_participant).where(_participant.c.id == participant_id)).one()


def _steps(session: Session, participant_id: UUID) -> Mapping[str, str]:
    rows = session.execute(
        text('select t.step, t.state from task t join "case" c on c.id = t.case_id where c.participant_id = :id'),
        {"id": participant_id},
    )
    return {row.step: row.state for row in rows}


def _signed(**more: Any) -> SignedForm:
    plain: dict[str, Any] = {
        "explained_on": TODAY + timedelta(days=3),
        "signed_on": TODAY + timedelta(days=3),
        "signed_by": "self",
        "worker_signed_on": TODAY + timedelta(days=3),
        "language": "fr",
        "limits_stated": True,
    }
    return SignedForm(**{**plain, **more})


def _committed(cast: Cast, form: ReferralForm = ONDINE) -> UUID:
    """A candidate whom the clinic gave to a worker, who met them and heard yes."""
    participant_id, item = on_the_table(cast, form)
    with cast.session() as session:
        admissions.decide_admission(
            session,
            item,
            "assign",
            worker_id=cast.people[WORKER],
            second_id=cast.people[SECOND],
            by=cast.actor("coordinator"),
            at=NOW,
        )
    with cast.session() as session:
        first_meetings.record_first_meeting(
            session,
            participant_id,
            met_on=TODAY + timedelta(days=3),
            way="in_person",
            outcome="commits",
            with_second=True,
            by=cast.actor(WORKER),
            at=LATER,
        )
    return participant_id


def _prepare_committed(cast: Cast) -> UUID:
    prepare_clinic(cast)
    return _committed(cast)


@pytest.fixture
def committed(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    """As `_committed`."""
    return arranged(cast, _prepare_committed)


def _ready(cast: Cast, form: ReferralForm = ONDINE) -> UUID:
    """A candidate who can get a number."""
    participant_id = _committed(cast, form)
    with cast.session() as session:
        sign = partial(signing.sign, session, participant_id, by=cast.actor(WORKER), at=LATER)
        sign("program", _signed())
        sign("sharing", _signed(), organization_id=cast.organizations["codim"])  # of the second of the pair
        risks.assess(session, participant_id, "admission", "yellow", why={}, by=cast.actor(WORKER), at=LATER)
    return participant_id


def _prepare_ready(cast: Cast) -> UUID:
    prepare_clinic(cast)
    return _ready(cast)


@pytest.fixture
def ready(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    """As `_ready`."""
    return arranged(cast, _prepare_ready)


# The committee round trip.


def test_what_the_clinic_decides_names_the_worker_and_does_the_step_in_one_transaction(
    cast: Cast, on_table: tuple[UUID, UUID]
) -> None:
    participant_id, item = on_table
    with cast.session() as session:
        admissions.decide_admission(
            session,
            item,
            "assign",
            worker_id=cast.people[WORKER],
            second_id=cast.people[SECOND],
            by=cast.actor("coordinator"),
            at=NOW,
        )
        session.rollback()
    with cast.session() as session:
        assert _row(session, participant_id).state == "candidate"
        assert _steps(session, participant_id)["decide"] == "open"
        assert surely(step_of(session, participant_id, "decide")).due_on, "nobody waits for a committee without a day"
        admissions.decide_admission(
            session,
            item,
            "assign",
            worker_id=cast.people[WORKER],
            second_id=cast.people[SECOND],
            by=cast.actor("coordinator"),
            at=NOW,
        )
    with cast.session() as session:
        steps = _steps(session, participant_id)
        named = workers.named(session, participant_id)
        said = session.execute(text("select text_fr from decision")).scalar_one()
    assert named is not None
    assert (named.worker_id, named.second_id) == (cast.people[WORKER], cast.people[SECOND])
    assert (steps["decide"], steps["make_contact"], steps["first_meeting"]) == ("done", "open", "planned")
    assert "Silex Marbre" in said
    assert "Ondine" not in said


def test_the_worker_s_steps_are_the_worker_s_and_nobody_else_s(cast: Cast, on_table: tuple[UUID, UUID]) -> None:
    participant_id, item = on_table
    with cast.session() as session:
        admissions.decide_admission(
            session, item, "assign", worker_id=cast.people[WORKER], by=cast.actor("coordinator"), at=NOW
        )
    with cast.session() as session:
        links = session.execute(
            text(
                "select r.links from task t join responsibility r on r.id = t.owed_by_id"
                " join \"case\" c on c.id = t.case_id where c.participant_id = :id and t.step = 'make_contact'"
            ),
            {"id": participant_id},
        ).scalar_one()
    assert links[0]["person"] == str(cast.people[WORKER])
    assert links[1]["role"] == "coordinator"


def test_a_new_version_of_the_admission_leaves_the_worker_s_steps_to_the_worker_who_was_named(
    cast: Cast, on_table: tuple[UUID, UUID]
) -> None:
    participant_id, item = on_table
    with cast.session() as session:
        by = cast.actor("coordinator")
        admissions.decide_admission(session, item, "assign", worker_id=cast.people[WORKER], by=by, at=NOW)
        newer = load_declared_text(admission().text.replace("version: 2", "version: 3"), "newer.yaml", Protocol)
        kept = versions.record_protocol(session, newer, by=LOADING, at=NOW)
        case_id = session.execute(
            text('select id from "case" where participant_id = :id'), {"id": participant_id}
        ).scalar_one()
        versions.take_version(session, case_id, kept.id, by=by, at=NOW)
    with cast.session() as session:
        for step in ("make_contact", "consent"):
            assert _owed_to(session, participant_id, step) == ["youth_worker", "coordinator"]
        chains = session.execute(
            text("select links from responsibility r join task t on t.owed_by_id = r.id where t.step = 'make_contact'")
        ).scalars()
        assert [links[0]["person"] for links in chains] == [str(cast.people[WORKER])]


def test_whoever_referred_gets_the_worker_s_contact_and_no_name(cast: Cast, on_table: tuple[UUID, UUID]) -> None:
    _, item = on_table
    with cast.session() as session:
        admissions.decide_admission(
            session, item, "assign", worker_id=cast.people[SECOND], by=cast.actor("coordinator"), at=NOW
        )
    carry_all(means_of(cast, lambda: NOW))
    (letter,) = letters(cast, "worker_named")
    assert letter["person_id"] == cast.people[WORKER]
    shown = letter["message"].decode("utf-8", errors="replace")
    assert "Garnet" in shown
    assert "Ondine" not in shown


@pytest.mark.ci
@pytest.mark.parametrize("outcome", ["defer", "more"])
def test_who_is_deferred_comes_back_with_the_age_of_the_item(clinic: Cast, outcome: str) -> None:
    by = clinic.actor("coordinator")
    participant_id, item = on_the_table(clinic)
    with clinic.session() as session:
        with pytest.raises(Refusal, match=r"reason\.missing"):
            admissions.decide_admission(session, item, outcome, by=by, at=NOW)
        admissions.decide_admission(session, item, outcome, reason="Attendre l’évaluation.", by=by, at=NOW)
    with clinic.session() as session:
        here = clinic_of(session)
        for other in items_of(session, here):
            if not other.outcome:
                running.treat(session, other.id, "treated", by=by, at=NOW)
        running.close_meeting(session, here, by=by, at=NOW + timedelta(hours=1))
    with clinic.session() as session:
        reference = _row(session, participant_id).candidate_ref
        back = [
            row
            for row in (
                *pool_of(session, committee_of(session, here)),
                *items_of(session, clinic_of(session, NEXT_LOCAL)),
            )
            if row.subject == reference
        ]
        assert len(back) == 1
        assert back[0].times_seen == 1
        assert back[0].task_id is not None
        assert _steps(session, participant_id)["decide"] == "open"
        asked = session.scalar(select(_task.c.id).where(_task.c.step == workers.FIND_OUT))
    assert (asked is not None) == (outcome == "more")


@pytest.mark.ci
def test_who_is_refused_has_a_reason_an_offer_and_no_open_admission(clinic: Cast) -> None:
    by = clinic.actor("coordinator")
    participant_id, item = on_the_table(clinic)
    with clinic.session() as session:
        with pytest.raises(Refusal, match=r"triage\.refusal"):
            admissions.decide_admission(session, item, "refuse", reason="Non", by=by, at=NOW)
        admissions.decide_admission(session, item, "refuse", reason="Besoins autres", offered="CLSC", by=by, at=NOW)
    with clinic.session() as session:
        assert _row(session, participant_id).state == "refused"
        assert _steps(session, participant_id)["decide"] == "done"
        state = session.execute(
            text('select state from "case" where participant_id = :id'), {"id": participant_id}
        ).scalar_one()
    assert state == "cancelled"


@pytest.mark.ci
def test_of_someone_who_recruits_the_risk_to_others_comes_first(clinic: Cast) -> None:
    by = clinic.actor("coordinator")
    referral_id = refer(clinic, replace(ONDINE, recruiter=True), by=WORKER)
    with clinic.session() as session:
        triage.find_criteria(session, referral_id, {"AD-C4": triage.Finding("met", "S’engage à cesser.")}, by=by, at=AT)
    with clinic.session() as session:
        look_at_everything(session, clinic, referral_id)
        triage.triage(session, referral_id, "committee", by=by, at=AT)
        participant_id = participant_of(session, referral_id)
    item = tabled(clinic, participant_id)

    def assign() -> None:
        with clinic.session() as session:
            admissions.decide_admission(session, item, "assign", worker_id=clinic.people[WORKER], by=by, at=NOW)

    why = {"profile": "Aucun", "involvement": "Faible", "benefits": "Grands", "risks": "Moindres"}
    with pytest.raises(Refusal, match=r"admission\.recruiter_risk"):
        assign()
    with clinic.session() as session:
        assess = partial(recruiters.assess, session, participant_id, item, by=by, at=NOW)
        with pytest.raises(Refusal, match=r"risk\.recruiter"):
            assess("benefits_exceed", why={"profile": "x"})
        assess("risks_exceed", why=why)
        with refused("risk.committee"):
            risks.assess(session, participant_id, "recruiter", "benefits_exceed", why=why, by=by, at=NOW)
    with pytest.raises(Refusal, match=r"admission\.recruiter_refused"):
        assign()
    with clinic.session() as session:
        recruiters.assess(session, participant_id, item, "benefits_exceed", why=why, by=by, at=NOW)
        assert item_of(session, item).outcome == "", "the committee has still to say who follows up"
        assert _steps(session, participant_id)["decide"] == "open"
    assign()
    with clinic.session() as session:
        row = _row(session, participant_id)
        first, second, admitted = decisions.decisions_of(session, clinic_of(session))
        assert (first.item_id, second.item_id, admitted.item_id) == (item,) * 3
        assert all("the file" in one.text_en and "benefits" not in one.text_en for one in (first, second))
        risk = risks.last(session, participant_id, "recruiter")
    assert (row.state, row.recruiter) == ("assigned", True)
    assert risk is not None
    assert (risk.level, risk.decision_id) == ("benefits_exceed", second.id)
    with clinic.session() as session, refused("risk.committee"):
        recruiters.assess(session, participant_id, item, "risks_exceed", why=why, by=by, at=NOW)


@pytest.mark.ci
def test_who_was_found_not_to_commit_to_stop_is_given_to_nobody_once_it_is_known_that_they_recruit(
    clinic: Cast,
) -> None:
    by = clinic.actor("coordinator")
    referral_id = refer(clinic, by=WORKER)
    with clinic.session() as session:
        triage.find_criteria(session, referral_id, {"AD-C4": triage.Finding("not_met", "N’admet rien.")}, by=by, at=AT)
        # As of before the program took this finding to say that they recruit.
        session.execute(update(_participant).values(recruiter=False))
    participant_id = triaged(clinic, referral_id)
    item = tabled(clinic, participant_id)
    why = {"profile": "Aucun", "involvement": "Faible", "benefits": "Grands", "risks": "Moindres"}
    with clinic.session() as session:
        recruiters.find_recruiter(session, participant_id, by=by, at=NOW)
        recruiters.assess(session, participant_id, item, "benefits_exceed", why=why, by=by, at=NOW)
        with refused("triage.not_met"):
            admissions.decide_admission(session, item, "assign", worker_id=clinic.people[WORKER], by=by, at=NOW)


@pytest.mark.ci
def test_who_is_found_to_recruit_once_followed_comes_before_the_next_clinic_which_assesses_the_risk(
    clinic: Cast,
) -> None:
    by, worker = clinic.actor("coordinator"), clinic.actor(WORKER)
    with clinic.session() as session:
        parts = [followed(session, clinic, number) for number in ("#2026-01", "#2026-02")]
        participant_id = session.scalar(select(_participant.c.id).where(_participant.c.number == "#2026-01"))
        assert participant_id is not None
        recruiters.find_recruiter(session, participant_id, by=worker, at=AT)
        with refused("activity.never_together"):
            plan(session, parts, held_on=TODAY, kind="meal", by=worker, at=AT)
        here = clinic_of(session)
        assert recruiters.keep_on_agendas(session, by=by, at=AT) == 0, "it is there at once"
        (waits,) = pool_of(session, committee_of(session, here))
        assert (waits.kind, waits.subject, waits.audience) == (recruiters.KIND, "#2026-01", "seats")
        said = " ".join(
            title + in_words(waits.reasons, language)
            for language, title in (("fr", waits.title_fr), ("en", waits.title_en))
        )
        assert not [word for word in ("recru", "risk", "risque") if word in said.lower()], (
            "who is not told does not learn"
        )
        assembling.assemble(session, here, by=by, at=AT)
        freezing.freeze(session, here, by=by, at=AT)
        assert recruiters.item_under_way(session, participant_id) is None, "the committee does not sit yet"
        running.open_meeting(session, here, by=by, at=NOW)
        with refused("decision.on_its_page"):
            deciding.decide(session, here, waits.id, text_fr="Faible.", by=by, at=NOW)
    sits = client_for(clinic.database, clinic.people["coordinator"], at=NOW)
    page = f"/participants/{participant_id}"
    assert f'href="{page}#risk"' in sits.get(f"/meetings/{here}/run").text
    assert f'value="{waits.id}"' in sits.get(page).text
    why = {"profile": "Aucun", "involvement": "Forte", "benefits": "Grands", "risks_to_others": "Moindres"}
    sent = {"kind": "recruiter", "item": str(waits.id), "level": "benefits_exceed", **why}
    other = client_for(clinic.database, clinic.people[WORKER], at=NOW)
    assert other.post(f"{page}/risk", data=sent).status_code == 404
    assert sits.post(f"{page}/risk", data=sent).is_redirect
    with clinic.session() as session:
        (decided,) = decisions.decisions_of(session, here)
        assert (decided.item_id, decided.kind) == (waits.id, "clinical")
        assert item_of(session, waits.id).outcome == "decided"
        assert [one["state"] for one in tasks_of(session, recruiting.ASSESS)] == ["done"]
        assert recruiters.keep_on_agendas(session, by=by, at=NOW) == 0
    assert decided.number in sits.get(page).text
    assert sits.post(f"{page}/risk", data=sent).status_code == 409, "the committee has decided of this item"


def test_a_risk_waits_in_a_program_whose_file_has_no_place_for_it_until_a_newer_one_is_loaded(clinic: Cast) -> None:
    by = clinic.actor("coordinator")
    older = edited(("kinds: [admission, recruiter, handover]", "kinds: [admission, handover]"))
    with clinic.session() as session:
        load(session, older, [onboarding()], by=LOADING, at=AT)
        participant_id = row_of(session, followed(session, clinic, "#2026-01"))["participant_id"]
        recruiters.find_recruiter(session, participant_id, by=by, at=AT)
        assert recruiters.keep_on_agendas(session, by=by, at=AT) == 0
        assert [one["state"] for one in tasks_of(session, recruiting.ASSESS)] == ["open"]
        load(session, program_file(), [onboarding()], by=LOADING, at=AT)
        assert recruiters.keep_on_agendas(session, by=by, at=AT) == 1
        (waits,) = pool_of(session, committee_of(session, clinic_of(session)))
        assert (waits.kind, waits.subject) == (recruiters.KIND, "#2026-01")


@pytest.mark.ci
def test_what_cannot_wait_goes_straight_to_a_worker_and_the_next_clinic_hears_of_it(clinic: Cast) -> None:
    by = clinic.actor("coordinator")
    participant_id = triaged(clinic, refer(clinic, by=WORKER), "forwarded")
    with clinic.session() as session:
        admissions.forward(session, participant_id, clinic.people[SECOND], by=by, at=AT)
    carry_all(means_of(clinic, lambda: AT))
    with clinic.session() as session:
        steps = _steps(session, participant_id)
        assert (steps["decide"], steps["make_contact"]) == ("waived", "open")
        assert surely(step_of(session, participant_id, "make_contact")).due_on == TODAY + timedelta(days=7), "by a day"
        reference = _row(session, participant_id).candidate_ref
        pool = pool_of(session, committee_of(session, clinic_of(session)))
        assert [(row.kind, row.subject, row.task_id) for row in pool] == [("forwarded", reference, None)]
        (letter,) = letters(clinic, "sent_at_once")
        assert letter["person_id"] == clinic.people[SECOND], "and is told before the committee meets"
        assert reference in body(letter)
        here = clinic_of(session)
        assembling.assemble(session, here, by=by, at=AT)
        (item,) = [row for row in items_of(session, here) if row.kind == "forwarded"]
        assert reference in item.title_fr
        assert reference in item.title_en
        freezing.freeze(session, here, by=by, at=AT)
        running.open_meeting(session, here, by=by, at=NOW)
        running.treat(session, item.id, "treated", by=by, at=NOW)
        assert [row for row in pool_of(session, committee_of(session, here)) if row.kind == "forwarded"] == []


# Whom one may name.


@pytest.mark.ci
def test_nobody_is_named_who_is_barred_and_one_who_is_barred_later_is_taken_away(clinic: Cast) -> None:
    by = clinic.actor("coordinator")
    participant_id, item = on_the_table(clinic)
    with clinic.session() as session:
        barring.bar(session, participant_id, clinic.people[WORKER], by=by, at=NOW)
        barring.bar(session, participant_id, clinic.people[WORKER], by=by, at=NOW)
        offered = {one.person_id: one.possible for one in proposals.proposals(session, participant_id, at=NOW)}
        assert (offered[clinic.people[WORKER]], offered[clinic.people[SECOND]]) == (False, True)
        with pytest.raises(Refusal, match=r"assignment\.barred"):
            admissions.decide_admission(session, item, "assign", worker_id=clinic.people[WORKER], by=by, at=NOW)
    with clinic.session() as session:
        admissions.decide_admission(session, item, "assign", worker_id=clinic.people[SECOND], by=by, at=NOW)
        barring.bar(session, participant_id, clinic.people[SECOND], by=by, at=NOW)
        assert workers.named(session, participant_id) is None
        assert _row(session, participant_id).state == "candidate"


@pytest.mark.ci
def test_nobody_is_named_who_is_being_welcomed_neither_by_the_committee_nor_by_the_coordinator(clinic: Cast) -> None:
    by = clinic.actor("coordinator")
    participant_id, item = on_the_table(clinic)
    waiting = triaged(clinic, refer(clinic, ROMARIN, by=WORKER), "forwarded")
    open_onboarding(clinic, SECOND, "codim")
    with clinic.session() as session:
        shown = {one.person_id: one for one in proposals.proposals(session, participant_id, at=NOW)}
        assert shown[clinic.people[SECOND]].load.bars == ("onboarding",)
        for worker, second in ((WORKER, clinic.people[SECOND]), (SECOND, None)):
            with refused("assignment.onboarding"):
                admissions.decide_admission(
                    session, item, "assign", worker_id=clinic.people[worker], second_id=second, by=by, at=NOW
                )
        with refused("assignment.onboarding"):
            admissions.forward(session, waiting, clinic.people[SECOND], by=by, at=NOW)
        assert workers.named(session, participant_id) is None
        assert _row(session, participant_id).state == "candidate"
    with clinic.session() as session:
        admissions.decide_admission(session, item, "assign", worker_id=clinic.people[WORKER], by=by, at=NOW)
        with refused("assignment.onboarding"):
            workers.change_second(session, participant_id, clinic.people[SECOND], by=by, at=NOW)
        with refused("assignment.onboarding"):
            workers.name_another(session, participant_id, clinic.people[SECOND], by=by, at=NOW)


def test_whoever_speaks_the_language_and_knows_the_person_is_proposed_first(clinic: Cast) -> None:
    participant_id = triaged(clinic, refer(clinic, replace(ONDINE, languages=("en",)), by=SECOND))
    with clinic.session() as session:
        first = proposals.proposals(session, participant_id, at=AT)[0]
    assert first.person_id == clinic.people[SECOND]
    assert {"knew", "language"} <= set(first.reasons)
    assert first.possible


@pytest.mark.ci
def test_it_is_what_a_worker_speaks_that_counts_and_the_language_of_the_letters_where_nobody_said_it(
    clinic: Cast,
) -> None:
    participant_id = triaged(clinic, refer(clinic, replace(ONDINE, languages=("es",)), by="manager_ccsmtl"))

    def speaking() -> list[UUID]:
        with clinic.session() as session:
            return [one.person_id for one in proposals.proposals(session, participant_id, at=AT) if one.speaks]

    assert speaking() == []
    client = client_for(clinic.database, clinic.people["coordinator"])
    here = f"/people/{clinic.people[WORKER]}"
    details = {"given_name": "Silex", "family_name": "Marbre", "email": "", "phone": "", "language": "fr"}
    wrong = client.post(here, data={**details, "seen": "1", "spoken": "espagnol, klingonais"})
    assert "one of them is not known by this name" in wrong.text
    assert "espagnol, klingonais" in wrong.text, "what was typed is still there"
    typed = {**details, "seen": "1", "spoken": "espagnol, English"}
    assert client.post(here, data=typed, follow_redirects=False).status_code == 303
    assert "Spanish, English" in client.get(here).text
    assert speaking() == [clinic.people[WORKER]]
    with clinic.session() as session:
        session.execute(update(_participant).values(languages=["en"]))
    assert set(speaking()) == {clinic.people[WORKER], clinic.people[SECOND]}, "whose letters are in English"
    with clinic.session() as session:
        session.execute(update(_participant).values(languages=["fr"]))
    assert clinic.people[WORKER] not in speaking(), "who is written to in French, and said to speak two others"


def test_a_second_is_proposed_for_the_pair_from_another_organization_and_never_one_who_cannot(clinic: Cast) -> None:
    participant_id = triaged(clinic, refer(clinic))
    with clinic.session() as session:
        offered = proposals.proposals(session, participant_id, at=AT)
        pair = proposals.proposed_pair(offered)
        assert pair is not None
        by_person = {each.person_id: each for each in offered}
        first, second = (by_person[person] for person in pair)
        assert first == next(each for each in offered if each.possible)
        assert second.load.organization_id != first.load.organization_id
        barring.bar(session, participant_id, second.person_id, by=clinic.actor("coordinator"), at=AT)
        now = proposals.proposed_pair(proposals.proposals(session, participant_id, at=AT))
        assert now is None or second.person_id not in now


@pytest.mark.ci
def test_who_goes_to_the_area_already_is_proposed_before_who_does_not_and_it_says_why(clinic: Cast) -> None:
    spoken = replace(ONDINE, languages=("es",), area="laval")
    participant_id = triaged(clinic, refer(clinic, spoken, by="manager_ccsmtl"))
    with clinic.session() as session:
        followed(session, clinic, worker=SECOND)
        session.execute(text("update participant set area = 'montreal' where number is not null"))
        first = proposals.proposals(session, participant_id, at=AT)[0]
        assert first.person_id != clinic.people[SECOND], "who has somebody already comes after who has nobody"
        session.execute(text("update participant set area = 'laval' where number is not null"))
        first = proposals.proposals(session, participant_id, at=AT)[0]
        assert (first.person_id, first.reasons) == (clinic.people[SECOND], ("area",))


# The first meeting, the consent, the number.


def test_who_takes_time_to_think_stays_a_candidate_of_the_same_worker(cast: Cast, on_table: tuple[UUID, UUID]) -> None:
    participant_id, item = on_table
    by = cast.actor(WORKER)
    with cast.session() as session:
        with pytest.raises(Refusal, match=r"first_meeting\.state"):
            first_meetings.record_first_meeting(
                session, participant_id, met_on=TODAY, way="remote", outcome="thinks", by=by, at=NOW
            )
        admissions.decide_admission(
            session, item, "assign", worker_id=cast.people[WORKER], by=cast.actor("coordinator"), at=NOW
        )
        first_meetings.record_first_meeting(
            session,
            participant_id,
            met_on=TODAY,
            way="remote",
            outcome="thinks",
            back_on=TODAY + timedelta(days=9),
            by=by,
            at=NOW,
        )
        steps = _steps(session, participant_id)
        assert _row(session, participant_id).state == "assigned"
        assert (steps["make_contact"], steps["first_meeting"]) == ("done", "open")
        first_meetings.record_first_meeting(
            session, participant_id, met_on=TODAY, way="remote", outcome="declines", by=by, at=LATER
        )
        row = _row(session, participant_id)
    assert (row.state, row.retain_until is not None) == ("declined", True)


def test_who_takes_time_to_think_is_asked_again_on_that_day_and_not_before_by_whoever_is_named_then(
    cast: Cast, on_table: tuple[UUID, UUID]
) -> None:
    participant_id, item = on_table
    coordinator, back_on = cast.actor("coordinator"), TODAY + timedelta(days=40)  # a Saturday
    monday = back_on + timedelta(days=2)
    with cast.session() as session:
        admissions.decide_admission(session, item, "assign", worker_id=cast.people[WORKER], by=coordinator, at=NOW)
        first_meetings.record_first_meeting(
            session,
            participant_id,
            met_on=TODAY,
            way="remote",
            outcome="thinks",
            back_on=back_on,
            by=cast.actor(WORKER),
            at=NOW,
        )
        row = _first_meeting(session, participant_id)
        assert (row.due_on, row.rung, row.next_check) == (monday, 0, monday)
        workers.name_another(session, participant_id, cast.people[SECOND], by=coordinator, at=LATER)
        scheduling.follow_calendar(session, by=coordinator, at=LATER)
        row = _first_meeting(session, participant_id)
        assert (row.due_on, row.next_check) == (monday, monday)
        assert row.links[0].person == cast.people[SECOND]


def _first_meeting(session: Session, participant_id: UUID) -> Any:
    return session.execute(
        select(_task.c.due_on, _task.c.rung, _task.c.next_check, _chain.c.links)
        .join(_case, (_case.c.program_id == _task.c.program_id) & (_case.c.id == _task.c.case_id))
        .join(_chain, (_chain.c.program_id == _task.c.program_id) & (_chain.c.id == _task.c.owed_by_id))
        .where(_case.c.participant_id == participant_id, _task.c.step == "first_meeting")
    ).one()


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("born", "signed_by", "code"),
    [
        (13, "self", "consent.too_young"),
        (13, "parental_authority", ""),
        (14, "parental_authority", "consent.own"),
        (14, "self", ""),
        (17, "tutor", "consent.own"),
        (18, "tutor", ""),
    ],
)
def test_who_may_sign_is_asked_of_the_age_on_the_day(clinic: Cast, born: int, signed_by: str, code: str) -> None:
    form = replace(ONDINE, birth_date=TODAY.replace(year=TODAY.year - born))
    participant_id = _committed(clinic, form)
    with clinic.session() as session:
        if code:
            with pytest.raises(Refusal) as refused:
                signing.sign(
                    session, participant_id, "program", _signed(signed_by=signed_by), by=clinic.actor(WORKER), at=LATER
                )
            assert refused.value.code == code
        else:
            signing.sign(
                session, participant_id, "program", _signed(signed_by=signed_by), by=clinic.actor(WORKER), at=LATER
            )
            assert consents.stands(session, participant_id, "program", TODAY + timedelta(days=3))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"explained_on": TODAY + timedelta(days=4)}, "consent.days"),
        ({"signed_on": TODAY + timedelta(days=30), "worker_signed_on": TODAY + timedelta(days=30)}, "consent.days"),
        ({"limits_stated": False}, "consent.limits"),
        ({"ends_on": TODAY}, "consent.ends"),
        ({"language": "la"}, "consent.no_text"),
    ],
)
def test_a_consent_that_was_not_given_rightly_is_not_recorded(
    cast: Cast, committed: UUID, more: dict[str, Any], code: str
) -> None:
    participant_id = committed
    with cast.session() as session, pytest.raises(Refusal) as refused:
        signing.sign(session, participant_id, "program", _signed(**more), by=cast.actor(WORKER), at=LATER)
    assert refused.value.code == code


@pytest.mark.ci
def test_sharing_is_consented_partner_by_partner_and_withdrawn_at_a_word(cast: Cast, ready: UUID) -> None:
    participant_id = ready
    spvm, anonyme = cast.organizations["spvm"], cast.organizations["anonyme"]
    day = TODAY + timedelta(days=3)
    with cast.session() as session:
        consent_id = signing.sign(
            session, participant_id, "sharing", _signed(), organization_id=spvm, by=cast.actor(WORKER), at=LATER
        )
        assert consents.stands(session, participant_id, "sharing", day, organization_id=spvm)
        assert not consents.stands(session, participant_id, "sharing", day, organization_id=anonyme)
        consents.withdraw(session, consent_id, by=cast.actor(WORKER), at=LATER)
        assert not consents.stands(session, participant_id, "sharing", day, organization_id=spvm)
        assert consents.stands(session, participant_id, "program", day)
        with pytest.raises(Refusal, match=r"consent\.withdrawn"):
            consents.withdraw(session, consent_id, by=cast.actor(WORKER), at=LATER)


def test_a_consent_that_ends_on_a_day_stands_until_then(cast: Cast, committed: UUID) -> None:
    participant_id = committed
    last = TODAY + timedelta(days=40)
    with cast.session() as session:
        signing.sign(session, participant_id, "program", _signed(ends_on=last), by=cast.actor(WORKER), at=LATER)
        assert consents.stands(session, participant_id, "program", last)
        assert not consents.stands(session, participant_id, "program", last + timedelta(days=1))


@pytest.mark.ci
def test_a_second_admission_asks_for_a_consent_and_a_risk_of_its_own(clinic: Cast) -> None:
    """Those of the first one, which the person declined in the end, do not stand for it."""
    by, worker = clinic.actor("coordinator"), clinic.actor(WORKER)
    participant_id = _ready(clinic)
    place = clinic.organizations["ccsmtl"]
    with clinic.session() as session:
        signing.sign(session, participant_id, "sharing", _signed(), organization_id=place, by=worker, at=LATER)
        first_meetings.decline(session, participant_id, by=by, at=LATER)
    carry_all(means_of(clinic, lambda: LATER))
    again = refer(clinic, by=WORKER, at=LATER)
    with clinic.session() as session:
        duplicates.join_referral(session, again, participant_id, reason="La même", by=by, at=LATER)
    triaged(clinic, again, "forwarded", at=LATER)
    with clinic.session() as session:
        admissions.forward(session, participant_id, clinic.people[WORKER], by=by, at=LATER)
    carry_all(means_of(clinic, lambda: LATER))
    with clinic.session() as session:
        first_meetings.record_first_meeting(
            session, participant_id, met_on=TODAY + 3 * DAY, way="remote", outcome="commits", by=worker, at=LATER
        )
        assert consents.stands(session, participant_id, "program", TODAY + timedelta(days=3)), "of the first admission"
        with refused("admission.no_consent"):
            numbers.admit(session, participant_id, by=by, at=LATER + 3 * DAY)
        signing.sign(session, participant_id, "program", _signed(), by=worker, at=LATER + 3 * DAY)
        with refused("admission.no_risk"):
            numbers.admit(session, participant_id, by=by, at=LATER + 3 * DAY)
        risks.assess(session, participant_id, "admission", "green", why={}, by=worker, at=LATER + 3 * DAY)
        assert numbers.admit(session, participant_id, by=by, at=LATER + 3 * DAY) == "#2026-01"


@pytest.mark.ci
def test_of_two_forms_it_is_the_one_in_force_that_is_asked_for_and_the_other_may_be_stored_too(
    cast: Cast, ready: UUID
) -> None:
    participant_id = ready
    place, by = cast.organizations["codim"], cast.actor("coordinator")
    with cast.session() as session:
        first_signed = signing.standing(session, participant_id, "program")
        later, worker = LATER + timedelta(minutes=1), cast.actor(WORKER)
        sharing = signing.sign(
            session, participant_id, "sharing", _signed(), organization_id=place, by=worker, at=later
        )
        signing.store(session, first_signed, copy_given_on=LATER.date(), by=by, at=later)
        assert _steps(session, participant_id)["store_consent"] == "open"
        signing.store(session, sharing, copy_given_on=LATER.date(), by=by, at=later)
        assert _steps(session, participant_id)["store_consent"] == "done"
        assert tasks_of(session, consents.STORE) == [], "the step asks for it"


def test_who_bars_the_second_of_a_pair_keeps_the_first(cast: Cast, committed: UUID) -> None:
    participant_id = committed
    with cast.session() as session:
        barring.bar(session, participant_id, cast.people[SECOND], by=cast.actor("coordinator"), at=LATER)
        now = workers.named(session, participant_id)
        assert now is not None
        assert (now.worker_id, now.second_id) == (cast.people[WORKER], None)
        assert _row(session, participant_id).state == "committed"


@pytest.mark.ci
def test_a_candidate_who_is_found_to_recruit_is_said_to_on_their_page_and_assessed_before_anybody_meets_them(
    clinic: Cast,
) -> None:
    participant_id = triaged(clinic, refer(clinic, by=WORKER), "forwarded")
    client = client_for(clinic.database, clinic.people["coordinator"], at=AT)
    here = f"/participants/{participant_id}"
    page = client.get(here).text
    assert f'action="{here}/recruiting"' in page
    with clinic.session() as session:
        seen = _row(session, participant_id).version
    assert client.post(f"{here}/recruiting", data={"seen": str(seen)}).is_redirect
    assert f'action="{here}/recruiting"' not in client.get(here).text
    with clinic.session() as session, refused("admission.recruiter_risk"):
        worker = clinic.people[WORKER]
        admissions.forward(session, participant_id, worker, by=clinic.actor("coordinator"), at=AT)


@pytest.mark.ci
def test_admission_gives_a_number_opens_the_follow_up_and_does_the_last_step(cast: Cast, ready: UUID) -> None:
    participant_id = ready
    with cast.session() as session:
        number = numbers.admit(session, participant_id, by=cast.actor("coordinator"), at=LATER)
    with cast.session() as session:
        row = _row(session, participant_id)
        parts = session.execute(
            select(_assignment.c.kind, _assignment.c.person_id)
            .join(_follow_up, _follow_up.c.id == _assignment.c.follow_up_id)
            .where(_follow_up.c.participant_id == participant_id)
        ).all()
        steps = _steps(session, participant_id)
    assert (row.state, row.number) == ("admitted", number) == ("admitted", "#2026-01")
    assert {tuple(part) for part in parts} == {("primary", cast.people[WORKER]), ("second", cast.people[SECOND])}
    assert (steps["number"], steps["store_consent"]) == ("done", "open")


def test_nobody_gets_a_number_without_a_consent_that_stands_nor_without_the_risk(cast: Cast, committed: UUID) -> None:
    participant_id = committed
    by = cast.actor("coordinator")
    with cast.session() as session:
        with pytest.raises(Refusal, match=r"admission\.no_consent"):
            numbers.admit(session, participant_id, by=by, at=LATER)
        consent_id = signing.sign(session, participant_id, "program", _signed(), by=cast.actor(WORKER), at=LATER)
        with pytest.raises(Refusal, match=r"admission\.no_risk"):
            numbers.admit(session, participant_id, by=by, at=LATER)
        risks.assess(session, participant_id, "admission", "none", why={}, by=cast.actor(WORKER), at=LATER)
        consents.withdraw(session, consent_id, by=by, at=LATER)
        with pytest.raises(Refusal, match=r"admission\.no_consent"):
            numbers.admit(session, participant_id, by=by, at=LATER)


def test_who_is_found_to_recruit_after_the_decision_gets_no_number_before_the_risk_to_others_is_assessed(
    cast: Cast, ready: UUID
) -> None:
    participant_id = ready
    by = cast.actor("coordinator")
    why = {"profile": "Aucun", "involvement": "Forte", "benefits": "Petits", "risks": "Grands"}
    during = datetime(2026, 12, 2, 14, 40, tzinfo=UTC)
    with cast.session() as session:
        running.close_meeting(session, clinic_of(session), carry_rest=True, by=by, at=LATER)
        recruiters.find_recruiter(session, participant_id, by=cast.actor(WORKER), at=LATER)
        here = clinic_of(session, NEXT_LOCAL)
        assembling.assemble(session, here, by=by, at=LATER)
        (item,) = [row for row in items_of(session, here) if row.kind == recruiters.KIND]
        running.open_meeting(session, here, by=by, at=during)
        for act in (
            lambda: numbers.admit(session, participant_id, by=by, at=during),
            lambda: workers.name_another(session, participant_id, cast.people[SECOND], by=by, at=during),
        ):
            with refused("admission.recruiter_risk"):
                act()
        recruiters.assess(session, participant_id, item.id, "risks_exceed", why=why, by=by, at=during)
        with refused("admission.recruiter_refused"):
            workers.name_another(session, participant_id, cast.people[SECOND], by=by, at=during)


@pytest.mark.ci
def test_whose_risk_to_others_is_found_too_great_before_they_are_admitted_is_met_by_nobody_and_refused(
    cast: Cast, ready: UUID
) -> None:
    participant_id = ready
    by = cast.actor("coordinator")
    during = datetime(2026, 12, 2, 14, 40, tzinfo=UTC)
    why = {"profile": "Aucun", "involvement": "Forte", "benefits": "Petits", "risks": "Grands"}
    with cast.session() as session:
        running.close_meeting(session, clinic_of(session), carry_rest=True, by=by, at=LATER)
        recruiters.find_recruiter(session, participant_id, by=cast.actor(WORKER), at=LATER)
        here = clinic_of(session, NEXT_LOCAL)
        assembling.assemble(session, here, by=by, at=LATER)
        (item,) = [row for row in items_of(session, here) if row.kind == recruiters.KIND]
        running.open_meeting(session, here, by=by, at=during)
        recruiters.assess(session, participant_id, item.id, "risks_exceed", why=why, by=by, at=during)
    coordinator = client_for(cast.database, cast.people["coordinator"], at=during)
    with cast.session() as session:
        assert _row(session, participant_id).state == "candidate"
        assert workers.named(session, participant_id) is None
        assert [one["state"] for one in tasks_of(session, recruiting.REFUSE)] == ["open"]
        assert [one["state"] for one in tasks_of(session, workers.FIND_A_WORKER)] == []
        assert f"/participants/{participant_id}#again" in coordinator.get("/?lang=en").text
        (known,) = reading.referrals_of(session, participant_id)
        triage.take_back_triage(session, known.id, by=by, at=during)
        triage.triage(session, known.id, "refused", reason="Risque", offered="Ailleurs", by=by, at=during)
        assert _row(session, participant_id).state == "refused"
        assert [one["state"] for one in tasks_of(session, recruiting.REFUSE)] == ["done"]


@pytest.mark.ci
def test_members_of_the_clinic_see_whose_risk_it_assesses_while_it_sits(cast: Cast, committed: UUID) -> None:
    participant_id = committed
    by = cast.actor("coordinator")
    during = datetime(2026, 12, 2, 14, 40, tzinfo=UTC)
    police = client_for(cast.database, cast.people["police"], at=during)
    with cast.session() as session:
        running.close_meeting(session, clinic_of(session), carry_rest=True, by=by, at=LATER)
        recruiters.find_recruiter(session, participant_id, by=by, at=LATER)
        here = clinic_of(session, NEXT_LOCAL)
        assembling.assemble(session, here, by=by, at=LATER)
    page = f"/participants/{participant_id}"
    assert police.get(page).status_code == 404
    with cast.session() as session:
        running.open_meeting(session, here, by=by, at=during)
    assert f'href="{page}"' in police.get(f"/meetings/{here}").text
    assert police.get(page).status_code == 200
    steps = re.compile('href="(/cases/[0-9a-f-]{36})"')
    assert steps.search(police.get(page).text) is None, "they see the file, and not its case"
    coordinator = client_for(cast.database, cast.people["coordinator"], at=during)
    led = steps.search(coordinator.get(page).text)
    assert led is not None
    assert coordinator.get(led[1]).status_code == 200


def test_from_a_step_of_an_admission_the_worker_is_led_to_whom_it_is_about(cast: Cast, committed: UUID) -> None:
    worker = client_for(cast.database, cast.people[WORKER], at=LATER)
    with cast.session() as session:
        step = step_of(session, committed, "consent")
    assert step is not None
    page = worker.get(f"/tasks/{step.id}").text
    assert f'<a href="/participants/{committed}">' in page


@pytest.mark.ci
def test_a_risk_that_the_clinic_did_not_assess_comes_back(clinic: Cast) -> None:
    by = clinic.actor("coordinator")
    participant_id = _ready(clinic)
    with clinic.session() as session:
        here = clinic_of(session)
        running.close_meeting(session, here, carry_rest=True, by=by, at=NOW + timedelta(hours=1))
        recruiters.find_recruiter(session, participant_id, by=by, at=LATER)
        next_one = clinic_of(session, NEXT_LOCAL)
        assembling.assemble(session, next_one, by=by, at=LATER)
        (item,) = [row for row in items_of(session, next_one) if row.kind == recruiters.KIND]
        during = datetime(2026, 12, 2, 14, 40, tzinfo=UTC)
        running.open_meeting(session, next_one, by=by, at=during)
        with refused("item.kept_for_its_act"):
            running.treat(session, item.id, "treated", by=by, at=during)
        running.treat(session, item.id, "carried", by=by, at=during)
        running.close_meeting(session, next_one, carry_rest=True, by=by, at=during)
        recruiters.keep_on_agendas(session, by=by, at=during + DAY)
        back = [row for row in pool_of(session, committee_of(session, here)) if row.kind == recruiters.KIND]
        assert [row.task_id for row in back] == [item.task_id]
        first_meetings.decline(session, participant_id, by=by, at=during + DAY)
        recruiters.keep_on_agendas(session, by=by, at=during + 2 * DAY)
        assert not [row for row in pool_of(session, committee_of(session, here)) if row.kind == recruiters.KIND], (
            "who declined is assessed no more"
        )


@pytest.mark.ci
def test_whoever_turns_25_before_the_day_of_admission_is_not_admitted(clinic: Cast) -> None:
    born = TODAY.replace(year=TODAY.year - 25) + timedelta(days=40)
    participant_id = _ready(clinic, replace(ONDINE, birth_date=born))
    by = clinic.actor("coordinator")
    birthday = LATER + (born.replace(year=born.year + 25) - LATER.date())
    with clinic.session() as session:
        with pytest.raises(Refusal, match=r"admission\.age"):
            numbers.admit(session, participant_id, by=by, at=birthday)
        assert numbers.admit(session, participant_id, by=by, at=birthday - timedelta(days=1))


@pytest.mark.ci
def test_who_is_found_not_to_be_admissible_once_a_worker_is_named_is_refused_with_what_was_offered(
    clinic: Cast,
) -> None:
    born = TODAY.replace(year=TODAY.year - 25) + timedelta(days=40)
    participant_id = _ready(clinic, replace(ONDINE, birth_date=born))
    by, later = clinic.actor("coordinator"), NOW + timedelta(days=60)
    coordinator = client_for(clinic.database, clinic.people["coordinator"], at=later)
    worker = client_for(clinic.database, clinic.people[WORKER], at=later)
    here = f"/participants/{participant_id}"
    assert worker.get(here).status_code == 200
    with clinic.session() as session:
        (known,) = reading.referrals_of(session, participant_id)
    page = coordinator.get(f"{here}?lang=en").text
    assert "no one is to meet the person until" in page
    sent = {"referral": str(known.id), "seen": str(known.version)}
    assert worker.post(f"{here}/triage/taking-back", data=sent).status_code == 404
    assert coordinator.post(f"{here}/triage/taking-back", data=sent).status_code == 303
    assert worker.get(here).status_code == 404
    with clinic.session() as session:
        assert (_row(session, participant_id).state, workers.named(session, participant_id)) == ("candidate", None)
        assert _owed_to(session, participant_id, "number") == ["coordinator"]
        triage.find_age(session, known.id, by=by, at=later)
        with refused("triage.not_met"):
            triage.triage(session, known.id, "committee", by=by, at=later)
        triage.triage(session, known.id, "refused", reason="A 25 ans", offered="CLSC", by=by, at=later)
        assert _row(session, participant_id).state == "refused"
        opened = read_reasons(session, participant_id, admission=True, risk=False, by=by, at=later, ground="role")
    assert {"reason": "A 25 ans", "offered": "CLSC"} in [one.fields for one in opened]
    assert [line["facts"]["instead_of"] for line in told(clinic, "participant.nobody_sent")] == [
        str(clinic.people[WORKER])
    ]


@pytest.mark.ci
def test_of_whoever_was_given_to_a_worker_no_criterion_is_found_anew_unless_nobody_meets_them_any_more(
    clinic: Cast,
) -> None:
    """So the number asks of none but the age: whoever can get one was found to meet what nobody is admitted without."""
    participant_id = _ready(clinic)
    by = clinic.actor("coordinator")
    again = refer(clinic, by=SECOND, at=LATER)
    with clinic.session() as session:
        (known,) = reading.referrals_of(session, participant_id)
        duplicates.join_referral(session, again, participant_id, reason="La même", by=by, at=LATER)
        for referral_id in (known.id, again):
            for criterion in ("AD-C0", "AD-C2", "AD-C3", "AD-C4", "AD-C5"):
                with refused("referral.dealt_with"):
                    triage.find_criteria(
                        session, referral_id, {criterion: triage.Finding("not_met", "Dit.")}, by=by, at=LATER
                    )
        triage.take_back_triage(session, known.id, by=by, at=LATER)
        triage.find_criteria(session, known.id, {"AD-C5": triage.Finding("not_met", "Contrainte.")}, by=by, at=LATER)
        with refused("participant.state"):
            numbers.admit(session, participant_id, by=by, at=LATER)
        with refused("admission.not_given"):
            workers.name_another(session, participant_id, clinic.people[WORKER], by=by, at=LATER)
        for result in ("committee", "forwarded"):
            with refused("triage.not_met"):
                triage.triage(session, known.id, result, reason="Urgent", by=by, at=LATER)


@pytest.mark.ci
def test_that_one_referral_could_not_wait_forwards_nobody_on_the_next(clinic: Cast) -> None:
    by = clinic.actor("coordinator")
    participant_id = triaged(clinic, refer(clinic), "forwarded")
    with clinic.session() as session:
        admissions.forward(session, participant_id, clinic.people[WORKER], by=by, at=AT)
        first_meetings.decline(session, participant_id, by=by, at=AT)
    again = refer(clinic, by=WORKER, at=LATER)
    with clinic.session() as session:
        duplicates.join_referral(session, again, participant_id, reason="La même", by=by, at=LATER)
        with refused("triage.not_forwarded"):
            admissions.forward(session, participant_id, clinic.people[WORKER], by=by, at=LATER)


@pytest.mark.parametrize("result", ["committee", "forwarded"])
def test_who_is_triaged_again_once_a_worker_was_named_and_goes_on_is_given_to_a_worker_again(
    cast: Cast, committed: UUID, result: str
) -> None:
    participant_id, by = committed, cast.actor("coordinator")
    with cast.session() as session:
        (known,) = reading.referrals_of(session, participant_id)
        triage.take_back_triage(session, known.id, by=by, at=LATER)
        assert workers.named(session, participant_id) is None
        assert _open_of(session, workers.FIND_A_WORKER) == [], "first it is said where the referral goes"
        triage.triage(session, known.id, result, reason="Urgent", by=by, at=LATER)
        if result == "committee":
            (asked,) = _open_of(session, workers.FIND_A_WORKER)
            assert asked["item"] == str(participant_id), "the committee gave them to a worker already"
            workers.name_another(session, participant_id, cast.people[SECOND], by=by, at=LATER)
        else:
            admissions.forward(session, participant_id, cast.people[SECOND], by=by, at=LATER)
        named = workers.named(session, participant_id)
        assert named is not None
        assert named.worker_id == cast.people[SECOND]
        assert _row(session, participant_id).state == "assigned"
        assert _open_of(session, workers.FIND_A_WORKER) == []


def test_a_consent_that_is_withdrawn_while_the_clinic_sits_stops_the_number_at_once(cast: Cast, ready: UUID) -> None:
    participant_id = ready
    coordinator, worker = cast.actor("coordinator"), cast.actor(WORKER)
    during = datetime(2026, 12, 2, 14, 40, tzinfo=UTC)
    with cast.session() as session:
        here = clinic_of(session, NEXT_LOCAL)
        running.open_meeting(session, here, by=coordinator, at=during)
        (consent,) = [row for row in consents.standing_of(session, participant_id, TODAY) if row.purpose == "program"]
        consents.withdraw(session, consent.id, by=worker, at=during)
        with refused("admission.no_consent"):
            numbers.admit(session, participant_id, by=coordinator, at=during)
        assert session.scalar(text("select count(*) from number_sequence")) == 0, "and no number is lost"
        assert _row(session, participant_id).state == "committed"


def test_two_numbers_asked_at_the_same_instant_are_two_and_none_is_skipped(cast: Cast) -> None:
    """A transaction that is not kept takes no number; whoever waits behind it gets the one it would have had."""
    given: list[str] = []
    start = threading.Barrier(4)

    def ask(keep: bool) -> None:
        start.wait(10)
        with cast.session() as session:
            number = numbers._next(session, 2026)
            if keep:
                given.append(number)
            else:
                session.rollback()

    threads = [threading.Thread(target=ask, args=(keep,)) for keep in (True, True, False, True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(given) == ["#2026-01", "#2026-02", "#2026-03"]
    with cast.session() as session:
        assert numbers._next(session, 2027) == "#2027-01"
        later = [numbers._next(session, 2027) for _ in range(99)]
    assert later[-1] == "#2027-100"


def test_research_is_consented_apart_and_changes_nothing_else(cast: Cast, ready: UUID) -> None:
    participant_id = ready
    keeper = cast.actor("research_coordinator")
    with cast.session() as session:
        with pytest.raises(Refusal, match=r"research\.admitted"):
            research.keep_research_consent(session, participant_id, TODAY, by=keeper, at=LATER)
        numbers.admit(session, participant_id, by=cast.actor("coordinator"), at=LATER)
        research.keep_research_consent(session, participant_id, TODAY, by=keeper, at=LATER)
        assert research.research_consent(session, participant_id) is not None
        research.withdraw_research_consent(session, participant_id, by=keeper, at=LATER)
        assert research.research_consent(session, participant_id) is None
        assert consents.stands(session, participant_id, "program", TODAY + timedelta(days=3))


def test_a_disclosure_says_its_ground_to_whom_and_that_it_was_only_what_was_necessary(cast: Cast, ready: UUID) -> None:
    participant_id = ready
    told: dict[str, Any] = {
        "to_whom": "DPJ",
        "what": "Le lieu où elle se trouvait.",
        "disclosed_on": TODAY,
        "by": cast.actor(WORKER),
        "at": LATER,
    }
    with cast.session() as session:
        with pytest.raises(Refusal, match=r"disclosure\.only"):
            disclosures.disclose(session, participant_id, "ypa_39_1", only_necessary=False, **told)
        with pytest.raises(Refusal, match=r"disclosure\.ground"):
            disclosures.disclose(session, participant_id, "gossip", only_necessary=True, **told)
        disclosures.disclose(session, participant_id, "ypa_39_1", only_necessary=True, **told)
        (row,) = disclosures.disclosures_of(session, participant_id)
    assert row.ground == "ypa_39_1"
    assert row.sealed is None


@pytest.mark.parametrize("verb", ["complete", "waive", "undo"])
def test_a_step_of_an_act_is_ticked_waived_and_taken_back_by_nobody(cast: Cast, committed: UUID, verb: str) -> None:
    participant_id = committed
    by = cast.actor("coordinator")
    wanted = {"complete": ("consent", "risk"), "waive": ("decide",), "undo": ("triage", "decide", "first_meeting")}
    with cast.session() as session:
        for step in wanted[verb]:
            task_id = surely(step_of(session, participant_id, step)).id
            before = _steps(session, participant_id)[step]
            with refused("task.by_its_act"):
                if verb == "complete":
                    tasks.complete_task(session, task_id, by=by, at=LATER, note="C’est fait.")
                elif verb == "waive":
                    tasks.waive_task(session, task_id, by=by, at=LATER, reason="Pas besoin.")
                else:
                    tasks.undo_task(session, task_id, by=by, at=LATER)
            assert _steps(session, participant_id)[step] == before


def test_a_plain_decision_of_the_clinic_admits_nobody(cast: Cast, on_table: tuple[UUID, UUID]) -> None:
    participant_id, item = on_table
    by = cast.actor("coordinator")
    with cast.session() as session:
        with refused("decision.on_its_page"):
            deciding.decide(session, clinic_of(session), item, text_fr="Admise.", by=by, at=NOW)
        assert _steps(session, participant_id)["decide"] == "open"


def test_a_barred_worker_leaves_a_vacancy_that_the_coordinator_sees_and_fills(cast: Cast, committed: UUID) -> None:
    participant_id = committed
    by = cast.actor("coordinator")
    with cast.session() as session:
        barring.bar(session, participant_id, cast.people[WORKER], by=by, at=LATER)
        assert workers.named(session, participant_id) is None
        (task,) = _open_of(session, workers.FIND_A_WORKER)
        assert task["item"] == str(participant_id)
        assert "Ondine" not in task["title_fr"] + task["title_en"]
        assert _owed_to(session, participant_id, "consent") == ["coordinator"], "nothing waits for whoever is barred"
        with refused("task.by_its_act"):
            tasks.complete_task(session, task["id"], by=by, at=LATER)
        with refused("assignment.barred"):
            workers.name_another(session, participant_id, cast.people[WORKER], by=by, at=LATER)
        workers.name_another(session, participant_id, cast.people[SECOND], by=by, at=LATER)
        assert _open_of(session, workers.FIND_A_WORKER) == []
        assert _owed_to(session, participant_id, "consent") == ["youth_worker", "coordinator"]
        assert _row(session, participant_id).state == "assigned", "the new worker meets them first"


def test_a_candidate_who_goes_no_further_needs_no_worker(cast: Cast, committed: UUID) -> None:
    participant_id = committed
    by = cast.actor("coordinator")
    with cast.session() as session:
        barring.bar(session, participant_id, cast.people[WORKER], by=by, at=LATER)
        first_meetings.decline(session, participant_id, by=by, at=LATER)
        assert _open_of(session, workers.FIND_A_WORKER) == []


def test_nobody_is_named_over_the_clinic_s_head(cast: Cast, on_table: tuple[UUID, UUID]) -> None:
    participant_id, _ = on_table
    with cast.session() as session, refused("admission.not_given"):
        workers.name_another(session, participant_id, cast.people[WORKER], by=cast.actor("coordinator"), at=NOW)


def _open_of(session: Session, step: str) -> list[Any]:
    rows = session.execute(select(_task).where(_task.c.step == step, _task.c.state == "open")).mappings()
    return [dict(row) for row in rows]


def _owed_to(session: Session, participant_id: UUID, step: str) -> list[str]:
    links: list[dict[str, str]] = session.scalar(
        text(
            'select r.links from task t join "case" c on c.id = t.case_id'
            " join responsibility r on r.id = t.owed_by_id where c.participant_id = :id and t.step = :step"
        ),
        {"id": participant_id, "step": step},
    )
    return [link["role"] for link in links]


@pytest.mark.ci
def test_the_clinic_s_page_leads_to_the_candidate_and_the_decision_back_to_the_meeting(
    cast: Cast, on_table: tuple[UUID, UUID]
) -> None:
    participant_id, item = on_table
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    member = client_for(cast.database, cast.people[WORKER], at=NOW)
    with cast.session() as session:
        meeting = clinic_of(session)
        version = next(row.version for row in items_of(session, meeting) if row.id == item)
    here = f"/participants/{participant_id}"
    running_page = coordinator.get(f"/meetings/{meeting}/run").text
    assert f'href="{here}#decision"' in running_page
    assert f'id="decide-{item}"' not in running_page, "a plain decision would name nobody"
    assert f'href="{here}"' in member.get(f"/meetings/{meeting}").text, "who sits may see the candidate meanwhile"
    assert "Ondine" not in running_page + member.get(f"/meetings/{meeting}").text
    decided = {"item": str(item), "outcome": "assign", "worker": str(cast.people[SECOND])}
    assert coordinator.post(f"{here}/decision", data={**decided, "seen": str(version - 1)}).status_code == 412
    answer = coordinator.post(f"{here}/decision", data={**decided, "seen": str(version)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/meetings/{meeting}/run#item-{item}")


@pytest.mark.ci
def test_the_decision_is_recorded_at_the_window_with_its_line_by_who_runs_the_meeting_alone(
    cast: Cast, on_table: tuple[UUID, UUID]
) -> None:
    participant_id, item = on_table
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    member = client_for(cast.database, cast.people[WORKER], at=NOW)
    here = f"/api/v1/participants/{participant_id}/decision"
    decided = {"item_id": str(item), "outcome": "assign", "worker_id": str(cast.people[SECOND])}
    assert member.post(here, json=decided, headers={"If-Match": "*"}).status_code == 404
    with cast.session() as session:
        version = next(row.version for row in items_of(session, clinic_of(session)) if row.id == item)
    assert coordinator.post(here, json=decided, headers={"If-Match": f'"{version - 1}"'}).status_code == 412
    answer = coordinator.post(here, json=decided, headers={"If-Match": f'"{version}"'})
    assert (answer.status_code, answer.json()["state"]) == (200, "assigned")
    with cast.session() as session:
        told = session.execute(text("select actor_as, verb from event where subject_id = :id"), {"id": participant_id})
        assert ("coordinator", "admission.decided") in {(row.actor_as, row.verb) for row in told}
