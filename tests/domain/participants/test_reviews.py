"""A consent that was given for a child is looked at again from 14 on, with the young person and nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlmodel import Session

from domain.accompaniment import consents, reviews, states
from domain.accompaniment.consent_forms import SignedForm
from domain.accompaniment.reviews import REVIEW, REVIEWED
from domain.accompaniment.withdrawals import StillAsked
from domain.admissions import correcting
from domain.casework.tasks import complete_task
from domain.follow_ups import assigning
from domain.kernel.actors import Actor
from domain.participants.ages import years
from domain.participants.identity import ParticipantIdentity, sealed_identity
from flows import contacts
from models.base import table_of
from models.consent import Consent
from models.outbox import Notice
from models.participant import Participant
from tests import signing
from tests.api.application import client_for
from tests.cast import AT, TODAY, Arranged, Cast
from tests.flows.support import means_of
from tests.following import SECOND, WORKER, agreed, followed, left_without_consent, row_of, tasks_of, told_of
from tests.refusing import refused

_participant = table_of(Participant)
_notice = table_of(Notice)

DAY: Final = timedelta(days=1)
#: The 14th birthday of a child who is 13 on the tests' day, ten days later.
BIRTHDAY: Final = TODAY + timedelta(days=10)
BORN: Final = BIRTHDAY.replace(year=BIRTHDAY.year - 14)
BY_A_PARENT: Final = SignedForm(
    TODAY, TODAY, "parental_authority", TODAY, "fr", limits_stated=True, copy_given_on=TODAY
)
BOTH: Final = StillAsked(worker=True, coordinator=True)


def prepare_child(cast: Cast) -> UUID:
    """A child of 13 who is followed, and for whom nothing is signed yet; the follow-up."""
    with cast.session() as session:
        agreed(session, cast)
        found = followed(session, cast)
        participant_id = row_of(session, found)["participant_id"]
        left_without_consent(session, participant_id)
        columns = sealed_identity(
            session, participant_id, ParticipantIdentity("Ondine", "Fougère-Lys", birth_date=BORN)
        )
        session.execute(update(_participant).where(_participant.c.id == participant_id).values(**columns))
    return found


@pytest.fixture
def child(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    return arranged(cast, prepare_child)


def whose(cast: Cast, follow_up: UUID) -> UUID:
    with cast.session() as session:
        found: UUID = row_of(session, follow_up)["participant_id"]
    return found


def sign(
    cast: Cast,
    participant_id: UUID,
    partner: str = "",
    *,
    form: SignedForm = BY_A_PARENT,
    on: date = TODAY,
    at: datetime = AT,
    **said: Any,
) -> UUID:
    days = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on", "copy_given_on"), on)
    with cast.session() as session:
        return signing.sign(
            session,
            participant_id,
            "sharing" if partner else "program",
            replace(form, **{**days, **said}),
            organization_id=cast.organizations[partner] if partner else None,
            by=cast.actor(WORKER),
            at=at,
        )


def by_the_round(cast: Cast, days: int) -> None:
    contacts.look(means_of(cast, lambda: AT + days * DAY), cast.program_id, "worker")


def born(cast: Cast, participant_id: UUID, day: date, *, at: datetime = AT) -> None:
    with cast.session() as session:
        correcting.correct_identity(session, participant_id, {"birth_date": day}, by=cast.actor(WORKER), at=at)


def asked(cast: Cast, participant_id: UUID) -> StillAsked | None:
    with cast.session() as session:
        return reviews.asked(session, participant_id)


def states_of(session: Session, *steps: str) -> list[str]:
    return [one["state"] for step in steps for one in tasks_of(session, step)]


def test_on_the_14th_birthday_the_worker_and_the_coordinator_are_asked_and_nobody_is_written_to(
    cast: Cast, child: UUID
) -> None:
    participant_id = whose(cast, child)
    sign(cast, participant_id)
    sign(cast, participant_id, "codim")
    by_the_round(cast, 9)
    assert asked(cast, participant_id) is None, "the day before"
    with cast.session() as session:
        written_before = set(session.scalars(select(_notice.c.id)))
    by_the_round(cast, 10)
    assert asked(cast, participant_id) == BOTH
    by_the_round(cast, 11)
    with cast.session() as session:
        for step in (REVIEW, REVIEWED):
            (task,) = tasks_of(session, step)
            assert all("#2026-01" in task[f"title_{language}"] for language in ("fr", "en"))
            assert "Ondine" not in task["title_fr"] + task["title_en"]
        assert consents.stands(session, participant_id, "program", BIRTHDAY), "it holds until it is looked at"
        written = session.scalars(select(_notice.c.template).where(_notice.c.id.not_in(written_before)))
        assert set(written) <= {"daily_digest"}
        assert told_of(session, participant_id).count("consent.to_review") == 1


@pytest.mark.ci
def test_it_ends_once_the_form_is_signed_by_the_young_person_and_by_nothing_else(cast: Cast, child: UUID) -> None:
    participant_id, later = whose(cast, child), AT + 10 * DAY
    sign(cast, participant_id)
    sign(cast, participant_id, "codim")
    sign(cast, participant_id, "spvm")
    by_the_round(cast, 10)
    with cast.session() as session:
        for step, name in ((REVIEW, WORKER), (REVIEWED, "coordinator")):
            (task,) = tasks_of(session, step)
            with refused("task.by_its_act"):
                complete_task(session, task["id"], by=cast.actor(name), at=later)
        with refused("consent.review_due"):
            reviews.leave_as_signed(session, participant_id, by=cast.actor("coordinator"), at=later)
    # A parent's signature that is dated back is looked at again as the one before.
    sign(cast, participant_id, at=later)
    with cast.session() as session:
        with_spvm = signing.standing(session, participant_id, "sharing", cast.organizations["spvm"])
        consents.withdraw(session, with_spvm, by=cast.actor(WORKER), at=later)
    assert asked(cast, participant_id) == BOTH, "the others are still a parent's"
    sign(cast, participant_id, form=replace(BY_A_PARENT, signed_by="self"), on=BIRTHDAY, at=later)
    with cast.session() as session:
        assert reviews.asked(session, participant_id) is None
        assert set(states_of(session, REVIEW, REVIEWED)) == {"done"}
        standing = consents.standing_of(session, participant_id, BIRTHDAY)
        assert {(one.signed_by, one.signed_on) for one in standing} == {("self", BIRTHDAY)}, "one signature for all"


def test_a_corrected_birth_date_that_makes_her_14_on_the_day_of_signature_asks_at_once_and_back_takes_nothing_away(
    cast: Cast, child: UUID
) -> None:
    participant_id, by = whose(cast, child), cast.actor("coordinator")
    sign(cast, participant_id)
    fourteen = TODAY.replace(year=TODAY.year - 14)
    born(cast, participant_id, fourteen + DAY)
    assert asked(cast, participant_id) is None, "she is 14 tomorrow"
    born(cast, participant_id, fourteen)
    assert asked(cast, participant_id) == BOTH, "she was 14 on the day of signature"
    born(cast, participant_id, BORN)
    assert asked(cast, participant_id) == BOTH, "a date that is written back takes no question back by itself"
    with cast.session() as session:
        reviews.leave_as_signed(session, participant_id, by=by, at=AT)
        with refused("consent.no_review"):
            reviews.leave_as_signed(session, participant_id, by=by, at=AT)
    assert asked(cast, participant_id) is None
    born(cast, participant_id, fourteen)
    assert asked(cast, participant_id) == BOTH, "and forth again, it is asked again"
    with cast.session() as session:
        assert len(tasks_of(session, REVIEW)) == 2


def test_a_corrected_birth_date_that_makes_her_too_young_to_have_signed_alone_asks_too(cast: Cast, child: UUID) -> None:
    participant_id = whose(cast, child)
    born(cast, participant_id, TODAY.replace(year=TODAY.year - 15))
    sign(cast, participant_id, form=replace(BY_A_PARENT, signed_by="self"))
    assert asked(cast, participant_id) is None
    born(cast, participant_id, BORN)
    assert asked(cast, participant_id) == BOTH


@pytest.mark.ci
def test_a_consent_is_looked_at_again_at_18_where_its_form_says_so(cast: Cast, child: UUID) -> None:
    participant_id, of_age = whose(cast, child), BIRTHDAY.replace(year=BIRTHDAY.year)
    born(cast, participant_id, of_age.replace(year=of_age.year - 18))
    alone = replace(BY_A_PARENT, signed_by="self")
    sign(cast, participant_id, form=alone)
    by_the_round(cast, 10)
    assert asked(cast, participant_id) is None, "this form says nothing of it"
    sign(cast, participant_id, "codim", form=alone, again_at_18=True)
    by_the_round(cast, 11)
    assert asked(cast, participant_id) == BOTH
    sign(cast, participant_id, "codim", form=alone, on=of_age, again_at_18=True, at=AT + 11 * DAY)
    assert asked(cast, participant_id) is None


@pytest.mark.ci
def test_the_question_waits_while_nobody_is_followed_and_comes_back_with_the_follow_up(cast: Cast, child: UUID) -> None:
    participant_id, later = whose(cast, child), AT + 10 * DAY
    sign(cast, participant_id)
    by_the_round(cast, 10)
    with cast.session() as session:
        states.deactivate(session, child, "withdrew", by=cast.actor(WORKER), at=later)
        assert reviews.asked(session, participant_id) is None
    by_the_round(cast, 11)
    assert asked(cast, participant_id) is None
    with cast.session() as session:
        states.reactivate(session, child, nobody_yet=True, by=cast.actor("coordinator"), at=AT + 12 * DAY)
        assert reviews.asked(session, participant_id) == StillAsked(worker=False, coordinator=True)


@pytest.mark.ci
def test_whoever_has_the_participant_now_looks_at_it(cast: Cast, child: UUID) -> None:
    participant_id = whose(cast, child)
    sign(cast, participant_id)
    sign(cast, participant_id, "codim")
    by_the_round(cast, 10)
    with cast.session() as session:
        _hand_to(session, cast, child, by=cast.actor("coordinator"), at=AT + 10 * DAY)
    by_the_round(cast, 11)
    with cast.session() as session:
        assert states_of(session, REVIEW) == ["cancelled", "open"]
        assert states_of(session, REVIEWED) == ["open"]


@pytest.mark.ci
def test_the_page_says_what_is_to_be_looked_at_and_only_the_coordinator_leaves_it_as_it_was_signed(
    cast: Cast, child: UUID
) -> None:
    participant_id = whose(cast, child)
    sign(cast, participant_id)
    born(cast, participant_id, TODAY.replace(year=TODAY.year - 14))
    worker, coordinator = (client_for(cast.database, cast.people[name], at=AT) for name in (WORKER, "coordinator"))
    here = f"/participants/{participant_id}"
    page = worker.get(here).text
    assert "Consents to review with the person" in page
    assert f'action="{here}/consents/review"' not in page
    assert f'action="{here}/consents/review"' in coordinator.get(here).text
    assert f"{here}#consent" in worker.get("/").text
    assert worker.post(f"{here}/consents/review").status_code == 404
    assert coordinator.post(f"{here}/consents/review").status_code == 409, "she is 14 by what is known"
    assert coordinator.get(f"/api/v1{here}").json()["review_is_asked_of"] == ["worker", "coordinator"]
    born(cast, participant_id, BORN)
    assert coordinator.post(f"{here}/consents/review").status_code == 303
    assert coordinator.get(f"/api/v1{here}").json()["review_is_asked_of"] == []
    born(cast, participant_id, TODAY.replace(year=TODAY.year - 14))
    born(cast, participant_id, BORN)
    answer = coordinator.post(f"/api/v1{here}/consents/review")
    assert (answer.status_code, answer.json()["review_is_asked_of"]) == (200, [])


def _hand_to(session: Session, cast: Cast, follow_up: UUID, *, by: Actor, at: datetime) -> None:
    assigning.assign_worker(session, follow_up, cast.people[SECOND], instead_of=cast.people[WORKER], by=by, at=at)


def _consent(signed_on: date, by: str, *, again_at_18: bool = False) -> Consent:
    return cast("Consent", SimpleNamespace(signed_on=signed_on, signed_by=by, again_at_18=again_at_18))


_DAYS: Final = st.dates(date(2000, 1, 1), date(2040, 12, 31))


@given(_DAYS, st.integers(0, 30 * 366), st.integers(0, 10 * 366))
def test_a_consent_for_a_child_is_due_from_the_14th_birthday_on_and_on_no_day_before(
    born_on: date, then: int, since: int
) -> None:
    signed_on = born_on + timedelta(days=then)
    day = signed_on + timedelta(days=since)
    who = ParticipantIdentity("A", "B", birth_date=born_on)
    assert reviews.is_due(_consent(signed_on, "parental_authority"), who, day) == (years(born_on, day) >= 14)
    due_at_18 = years(born_on, signed_on) < 18 <= years(born_on, day)
    if years(born_on, signed_on) >= 14:
        assert not reviews.is_due(_consent(signed_on, "self"), who, day)
        assert reviews.is_due(_consent(signed_on, "self", again_at_18=True), who, day) == due_at_18
    if years(born_on, signed_on) >= 18:
        assert not reviews.is_due(_consent(signed_on, "tutor", again_at_18=True), who, day)


def test_somebody_born_on_29_february_is_14_on_the_first_of_march_where_there_is_no_29th() -> None:
    who, consent = (
        ParticipantIdentity("A", "B", birth_date=date(2012, 2, 29)),
        _consent(date(2025, 6, 1), "parental_authority"),
    )
    assert not reviews.is_due(consent, who, date(2026, 2, 28))
    assert reviews.is_due(consent, who, date(2026, 3, 1))
    leap = ParticipantIdentity("A", "B", birth_date=date(2010, 2, 28))
    assert reviews.is_due(_consent(date(2023, 6, 1), "parental_authority"), leap, date(2024, 2, 28))


def test_an_age_without_a_birth_date_is_asked_about_from_the_day_on_which_it_may_be_14() -> None:
    who = ParticipantIdentity("A", "B", age=12, age_on=date(2026, 1, 10))
    consent = _consent(date(2026, 1, 10), "parental_authority")
    assert not reviews.is_due(consent, who, date(2027, 1, 9))
    assert reviews.is_due(consent, who, date(2027, 1, 11))
