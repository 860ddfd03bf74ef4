"""Each promise about consent finds in the rows what breaks it, and nothing where the program did as it says."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from domain.accompaniment import consents
from domain.follow_ups import assigning
from domain.participants.identity import open_identity
from domain.record.reads import Purpose
from models.base import table_of
from models.casework import Task
from models.consent import Consent, ConsentForm
from models.follow_up import Assignment
from simulation.promises import consented
from tests import signing
from tests.cast import AT, TODAY, Arranged, Cast
from tests.domain.participants.test_reviews import by_the_round, prepare_child, whose
from tests.domain.participants.test_reviews import sign as sign_for_child
from tests.following import SECOND, WORKER, left_without_consent, row_of

_consent, _task, _assignment = table_of(Consent), table_of(Task), table_of(Assignment)
_form = table_of(ConsentForm)
DAY: Final = timedelta(days=1)


@pytest.fixture
def child(cast: Cast, arranged: Arranged[UUID]) -> UUID:
    return arranged(cast, prepare_child)


@pytest.fixture
def pair(cast: Cast, child: UUID) -> UUID:
    """A child whom a second accompanies with a consent; the follow-up."""
    participant_id = whose(cast, child)
    sign_for_child(cast, participant_id, at=AT - timedelta(hours=1))
    sign_for_child(cast, participant_id, "codim", at=AT - timedelta(hours=1))
    with cast.session() as session:
        assigning.assign_worker(session, child, cast.people[SECOND], kind="second", by=cast.actor("coordinator"), at=AT)
    return child


def _forget(session: Session, participant_id: UUID) -> None:
    """As if nobody had agreed to anything about a partner, and nobody was asked anything."""
    session.execute(
        update(_consent)
        .where(_consent.c.participant_id == participant_id, _consent.c.purpose == "sharing")
        .values(replaced_at=AT - timedelta(minutes=5))
    )
    session.execute(
        update(_task).where(_task.c.item == str(participant_id)).values(opened_at=AT + 5 * DAY, state="cancelled")
    )


def test_a_second_without_a_consent_is_found(cast: Cast, pair: UUID) -> None:
    with cast.session() as session:
        assert list(consented.seconds_come_with_a_consent(session, AT)) == []
        _forget(session, row_of(session, pair)["participant_id"])
        (found,) = consented.seconds_come_with_a_consent(session, AT)
        assert found.startswith("assignment ")


@pytest.mark.usefixtures("pair")
def test_a_second_who_goes_on_after_the_last_day_of_the_consent_is_found_after_the_round(cast: Cast) -> None:
    with cast.session() as session:
        ends = update(_consent).where(_consent.c.purpose == "sharing", _consent.c.replaced_at.is_(None))
        session.execute(ends.values(ends_on=TODAY))
        assert list(consented.seconds_come_with_a_consent(session, AT + DAY)) == []
        assert list(consented.seconds_come_with_a_consent(session, AT + 2 * DAY)) != []
    by_the_round(cast, 1)
    with cast.session() as session:
        assert list(consented.seconds_come_with_a_consent(session, AT + 2 * DAY)) == []


def test_a_second_whose_first_left_is_found_after_the_round(cast: Cast, pair: UUID) -> None:
    with cast.session() as session:
        parts = (_assignment.c.follow_up_id == pair, _assignment.c.ended_at.is_(None))
        home = session.scalar(select(_assignment.c.organization_id).where(*parts, _assignment.c.kind == "primary"))
        session.execute(update(_assignment).where(*parts, _assignment.c.kind == "second").values(organization_id=home))
        assigning.end_part(session, pair, cast.people[WORKER], by=cast.actor("coordinator"), at=AT)
        assert list(consented.seconds_come_with_a_consent(session, AT + timedelta(hours=8))) == []
        assert list(consented.seconds_come_with_a_consent(session, AT + 2 * DAY)) != []


def test_a_withdrawal_of_which_nobody_was_asked_is_found(cast: Cast, pair: UUID) -> None:
    with cast.session() as session:
        participant_id = row_of(session, pair)["participant_id"]
        (row,) = [
            one
            for one in consents.consents_of(session, participant_id)
            if one.organization_id == cast.organizations["codim"] and one.replaced_at is None
        ]
        consents.withdraw(session, row.id, by=cast.actor("coordinator"), at=AT)
        assert list(consented.withdrawals_are_asked_about(session, AT)) == []
        _forget(session, participant_id)
        assert list(consented.withdrawals_are_asked_about(session, AT)) == [f"consent {row.id}"]


def test_a_consent_to_look_at_again_of_which_nobody_is_asked_or_nobody_knows_is_found(cast: Cast, child: UUID) -> None:
    participant_id, later = whose(cast, child), AT + 12 * DAY
    consent_id = sign_for_child(cast, participant_id)
    with cast.session() as session:
        assert list(consented.reviews_are_found(session, AT)) == []
        assert list(consented.reviews_are_found(session, later)) == [f"consent {consent_id}"], "no round ran"
    by_the_round(cast, 10)
    with cast.session() as session:
        assert list(consented.reviews_are_found(session, later)) == []
        assert list(consented.reviews_are_asked_about(session, later)) == []
        _forget(session, participant_id)
        assert list(consented.reviews_are_asked_about(session, later)) == [f"consent {consent_id}"]


def test_a_consent_that_comes_back_without_a_signature_is_found(cast: Cast, pair: UUID) -> None:
    with cast.session() as session:
        participant_id = row_of(session, pair)["participant_id"]
        left_without_consent(session, participant_id)
        here = consented.nothing_comes_back_without_a_signature
        with_codim = signing.standing(session, participant_id, "sharing", cast.organizations["codim"])
        consents.withdraw(session, with_codim, by=cast.actor("coordinator"), at=AT + DAY)
        later = AT + 2 * DAY
    sign_for_child(cast, participant_id, "codim", on=TODAY + DAY, at=later)
    with cast.session() as session:
        assert list(here(session, later)) == []
        anew = signing.standing(session, participant_id, "sharing", cast.organizations["codim"])
        of_before = {"explained_on": TODAY, "signed_on": TODAY}
        session.execute(update(_consent).where(_consent.c.id == anew).values(of_before))
        assert list(here(session, later)) == [f"consent {anew}"], "by a paper that is older than the withdrawal"
        session.execute(update(_consent).where(_consent.c.id == anew).values(replaced_at=later))
        session.execute(update(_form).where(_form.c.sealed.is_not(None)).values(sealed=None))
        assert list(here(session, later)) != [], "by a form that nobody signed"


def test_a_name_that_somebody_read_by_a_part_which_they_do_not_have_is_found(cast: Cast, pair: UUID) -> None:
    with cast.session() as session:
        participant_id = row_of(session, pair)["participant_id"]
        for name in (WORKER, SECOND):
            open_identity(session, participant_id, by=cast.actor(name), at=AT, ground="part")
        open_identity(
            session, participant_id, by=cast.actor("police"), at=AT, ground="purpose", purpose=Purpose.URGENT_HELP
        )
        assert list(consented.names_are_read_by_part_or_purpose(session, AT)) == []
        open_identity(session, participant_id, by=cast.actor("police"), at=AT, ground="part")
        assert len(list(consented.names_are_read_by_part_or_purpose(session, AT))) == 1
