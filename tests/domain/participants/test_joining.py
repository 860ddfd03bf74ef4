"""One person joins files of the same person alone, and never has a stranger's file destroyed by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session

from domain.admissions import correcting, duplicates, triage
from domain.kernel.scope import local_day
from domain.participants import destruction_requests, holds, keeping_changes, retention, still_needed, weighing
from domain.participants.locking import hold_participant
from tests.api.application import client_for
from tests.cast import AT, Cast
from tests.destroying import DELAY, WHY, asked
from tests.referring import ONDINE, ROMARIN, declare_admission, look_at_everything, participant_of, refer
from tests.refusing import refused

DAY = timedelta(days=1)
SAME = "Ondine, sa mère le confirme"


@pytest.fixture
def two(cast: Cast) -> tuple[UUID, UUID, UUID]:
    """A referral that waits, its file, and the known file of the same person."""
    declare_admission(cast)
    known, again = refer(cast), refer(cast, by="worker_codim")
    with cast.session() as session:
        return again, participant_of(session, again), participant_of(session, known)


def _join(session: Session, cast: Cast, referral_id: UUID, to: UUID, *, reason: str = SAME, at: datetime = AT) -> None:
    duplicates.join_referral(session, referral_id, to, reason=reason, by=cast.actor("coordinator"), at=at)


def _is_gone(session: Session, participant_id: UUID) -> bool:
    state = session.execute(text("select state from participant where id = :id"), {"id": participant_id})
    return bool(state.scalar_one() == "destroyed")


# ------------------------------------------------------------------------------------------------------ whose it is


def test_no_file_is_joined_to_a_stranger_s_in_any_window(cast: Cast) -> None:
    declare_admission(cast)
    known, other = refer(cast), refer(cast, ROMARIN)
    with cast.session() as session:
        to, file = participant_of(session, known), participant_of(session, other)
        with refused("referral.not_alike"):
            _join(session, cast, other, to)
    client = client_for(cast.database, cast.people["coordinator"], at=AT)
    said = {"to": str(to), "reason": SAME}
    assert client.post(f"/participants/{file}/joining", data={**said, "referral": str(other)}).status_code != 303
    answer = client.post(f"/api/v1/participants/{file}/joining", json={**said, "referral_id": str(other)})
    assert (answer.status_code, answer.json()["code"]) == (409, "referral.not_alike")
    with cast.session() as session:
        assert not _is_gone(session, file)


def test_two_files_that_were_made_alike_by_hand_are_joined_once_others_could_look(cast: Cast) -> None:
    declare_admission(cast)
    known, other = refer(cast), refer(cast, ROMARIN)
    with cast.session() as session:
        to, file, by = participant_of(session, known), participant_of(session, other), cast.actor("coordinator")
        correcting.correct_identity(session, file, {"phone": ONDINE.phone}, by=by, at=AT)
        with refused("referral.corrected"):
            _join(session, cast, other, to, at=AT + DELAY - DAY)
        _join(session, cast, other, to, at=AT + DELAY)


def test_a_file_that_made_two_others_alike_does_not_have_one_of_them_joined_in_the_days_after(cast: Cast) -> None:
    """A third person is made up, with the name of one and the telephone of the other."""
    declare_admission(cast)
    known, other = refer(cast), refer(cast, ROMARIN)
    bridge = refer(cast, replace(ROMARIN, phone=ONDINE.phone))
    with cast.session() as session:
        to, file = participant_of(session, known), participant_of(session, other)
        with refused("referral.not_alike"):
            _join(session, cast, other, to)
        _join(session, cast, bridge, to)
        with refused("referral.corrected"):
            _join(session, cast, other, to, at=AT + DELAY - DAY)
        assert not _is_gone(session, file)
        _join(session, cast, other, to, at=AT + DELAY)


def test_a_birth_date_that_was_corrected_makes_nothing_alike(cast: Cast, two: tuple[UUID, UUID, UUID]) -> None:
    referral_id, joined, known = two
    with cast.session() as session:
        by, born = cast.actor("coordinator"), replace(ONDINE).birth_date
        assert born is not None
        correcting.correct_identity(session, joined, {"birth_date": born + DAY}, by=by, at=AT)
        _join(session, cast, referral_id, known)


# ------------------------------------------------------------------------------------------------------ why, and who


@pytest.mark.parametrize("empty", ["", " \n", "."])
def test_no_file_is_joined_without_saying_why(cast: Cast, two: tuple[UUID, UUID, UUID], empty: str) -> None:
    referral_id, joined, known = two
    with cast.session() as session:
        with refused("retention.reason.missing"):
            _join(session, cast, referral_id, known, reason=empty)
        assert not _is_gone(session, joined)


def test_who_confirms_the_destruction_reads_which_file_was_joined_to_it_by_whom_when_and_why(
    cast: Cast, two: tuple[UUID, UUID, UUID]
) -> None:
    referral_id, joined, known = two
    over, by = AT + 400 * DAY, cast.actor("coordinator")
    with cast.session() as session:
        _join(session, cast, referral_id, known)
        retention.count_what_was_missed(session, by=by, at=AT)
        asked(session, cast, known, at=over, ground="not_triaged")
        last = destruction_requests.last_of(session, known)
        assert last is not None
        day = local_day(session, over)
        (change,) = weighing.weigh(session, last, day, by=cast.actor("privacy_officer"), at=over).changes
        called = session.execute(text("select candidate_ref from participant where id = :id"), {"id": joined})
        assert (change.kind, change.file) == ("joined", called.scalar_one())
        assert (change.set_by, change.set_at, change.reason) == (by.person_id, AT, "[…], sa mère le confirme")
        told = session.execute(text("select facts from event where verb = 'participant.joined'")).scalar_one()
        assert told == {"to": str(known)}
    with cast.session() as session:
        kept = session.execute(text("select sealed from kept_until")).scalars().all()
        assert not any("mère".encode() in bytes(one) for one in kept)
    page = client_for(cast.database, cast.people["privacy_officer"], at=over).get(f"/participants/{known}/destruction")
    assert change.file in page.text
    assert "mère le confirme" in page.text


# --------------------------------------------------------------------------------------------------- what keeps a file


def test_a_file_whose_hold_was_released_is_joined_once_others_could_place_it_anew(
    cast: Cast, two: tuple[UUID, UUID, UUID]
) -> None:
    referral_id, joined, known = two
    by = cast.actor("coordinator")
    with cast.session() as session:
        holds.place_hold(session, joined, reason=WHY, by=by, at=AT)
        with refused("referral.not_joined"):
            _join(session, cast, referral_id, known)
        holds.release_hold(session, joined, reason=WHY, by=by, at=AT + DAY)
        with refused("referral.hold_released"):
            _join(session, cast, referral_id, known, at=AT + DELAY)
        _join(session, cast, referral_id, known, at=AT + DAY + DELAY)
        assert [one.kind for one in keeping_changes.changes_of(session, known)] == ["hold", "release", "joined"]


# --------------------------------------------------------------------------------------- a day that was set by hand


def test_a_longer_last_day_that_was_set_by_hand_outlives_a_new_referral_that_is_refused(cast: Cast) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    first = refer(cast)
    long = local_day_of(cast) + 9000 * DAY
    with cast.session() as session:
        known = participant_of(session, first)
        _refuse(session, cast, first, at=AT)
        retention.retain_until(session, known, long, reason="Témoin au procès", by=by, at=AT)
    again = refer(cast, at=AT + DAY)
    with cast.session() as session:
        _join(session, cast, again, known, at=AT + DAY)
        _refuse(session, cast, again, at=AT + DAY)
        _kept_until(session, known, long)


def test_a_longer_last_day_of_a_joined_file_is_that_of_the_file_that_stays(
    cast: Cast, two: tuple[UUID, UUID, UUID]
) -> None:
    referral_id, joined, known = two
    by, long = cast.actor("coordinator"), local_day_of(cast) + 9000 * DAY
    with cast.session() as session:
        retention.count_what_was_missed(session, by=by, at=AT)
        retention.retain_until(session, joined, long + DAY, reason="Une erreur", by=by, at=AT)
        retention.retain_until(session, joined, long, reason="Témoin au procès", by=by, at=AT + DAY)
        _join(session, cast, referral_id, known, at=AT + DAY)
        _kept_until(session, known, long)


def local_day_of(cast: Cast) -> date:
    """The tests' day."""
    with cast.session() as session:
        return local_day(session, AT)


def _refuse(session: Session, cast: Cast, referral_id: UUID, *, at: datetime) -> None:
    look_at_everything(session, cast, referral_id, at=at)
    by = cast.actor("coordinator")
    triage.triage(session, referral_id, "refused", reason="Non", offered="Autre", by=by, at=at)


def _kept_until(session: Session, file: UUID, day: date) -> None:
    held = hold_participant(session, file)
    assert held.retain_until == day
    assert still_needed.is_set_by_hand(session, held)
