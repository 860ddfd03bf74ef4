"""How long a file is kept: counted from its end, pushed off by a return and by a legal hold, asked about on the day."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlmodel import Session

from domain.accompaniment import recruiting, states
from domain.admissions import triage
from domain.declarations.program import RetentionTerm
from domain.kernel.sealing import unseal
from domain.participants import destruction, destruction_requests, holds, reading, retention, what_is_destroyed
from domain.participants.identity import IDENTITY
from domain.participants.referral_form import ReferralForm
from domain.participants.retention_terms import later
from flows import destroying
from flows import retention as keeping
from models.base import table_of
from models.participant import Participant
from models.program import Program
from tests.api.application import client_for
from tests.cast import AT, TODAY, Cast
from tests.destroying import DELAY, LAPSES, WHY, asked, destroyed
from tests.flows.support import means_of
from tests.following import agreed, followed, known_as_somebody, row_of, tasks_of
from tests.referring import ONDINE, ROMARIN, declare_admission, look_at_everything, participant_of, refer, triaged
from tests.refusing import refused

DAY = timedelta(days=1)
FIVE_YEARS = TODAY.replace(year=TODAY.year + 5)
THEN = AT.replace(year=AT.year + 5) + DAY

_participant = table_of(Participant)
_program = table_of(Program)


@pytest.fixture
def ended(cast: Cast) -> UUID:
    """Somebody whose follow-up is completed today, beside another who is followed."""
    with cast.session() as session:
        agreed(session, cast)
        followed(session, cast, "#2026-09")
        follow_up = followed(session, cast)
        participant_id: UUID = row_of(session, follow_up)["participant_id"]
        known_as_somebody(session, participant_id)
        states.complete(session, follow_up, participant_agrees=True, by=cast.actor("coordinator"), at=AT)
    return participant_id


def _until(session: Session, participant_id: UUID) -> date | None:
    found: date | None = session.scalar(select(_participant.c.retain_until).where(_participant.c.id == participant_id))
    return found


def _look(cast: Cast, days: int = 0) -> int:
    return keeping.look(means_of(cast, lambda: THEN + days * DAY), cast.program_id, "worker")


def _asked(cast: Cast) -> list[str]:
    with cast.session() as session:
        return [one["state"] for one in tasks_of(session, destruction.ASK)]


@pytest.mark.parametrize(
    ("day", "kept", "expected"),
    [
        (date(2026, 11, 26), RetentionTerm(years=5), date(2031, 11, 26)),
        (date(2024, 2, 29), RetentionTerm(years=1), date(2025, 2, 28)),
        (date(2024, 2, 29), RetentionTerm(years=4), date(2028, 2, 29)),
        (date(2026, 8, 31), RetentionTerm(months=6), date(2027, 2, 28)),
        (date(2026, 12, 31), RetentionTerm(years=1, months=12), date(2028, 12, 31)),
    ],
)
def test_years_and_months_end_on_a_day_that_there_is(day: date, kept: RetentionTerm, expected: date) -> None:
    assert later(day, kept) == expected


def test_it_is_counted_from_the_end_and_a_return_puts_it_off(cast: Cast, ended: UUID) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        assert _until(session, ended) == FIVE_YEARS
        follow_up = session.execute(text("select id from follow_up where participant_id = :id"), {"id": ended}).scalar()
        assert isinstance(follow_up, UUID)
        states.reactivate(session, follow_up, nobody_yet=True, by=by, at=AT + DAY)
        assert _until(session, ended) is None
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT + 2 * DAY)
        assert _until(session, ended) == FIVE_YEARS + 2 * DAY, "from the last end"


@pytest.mark.ci
def test_the_coordinator_is_asked_once_the_last_day_is_over_and_nothing_goes_by_itself(cast: Cast, ended: UUID) -> None:
    assert _look(cast, days=-1) == 0, "its last day is not over"
    assert _look(cast) == 1
    assert (_look(cast), _look(cast, days=1)) == (0, 0), "once"
    assert _asked(cast) == ["open"]
    coordinator = client_for(cast.database, cast.people["coordinator"], at=THEN)
    assert "Request the destruction of the file of #2026-01" in coordinator.get("/").text
    assert coordinator.post(f"/participants/{ended}/destruction", data={"ground": "calendar"}).status_code == 303
    assert _asked(cast) == ["done"]
    assert (_look(cast, days=1), _asked(cast)) == (0, ["done"]), "nobody is asked again while another is to answer"


def test_a_legal_hold_answers_the_question_and_its_release_asks_again(cast: Cast, ended: UUID) -> None:
    by = cast.actor("coordinator")
    _look(cast)
    with cast.session() as session:
        holds.place_hold(session, ended, reason=WHY, by=by, at=THEN)
    assert (_look(cast, days=1), _asked(cast)) == (0, ["done"])
    with cast.session() as session, refused("retention.hold"):
        asked(session, cast, ended, at=THEN + DAY)
    with cast.session() as session:
        holds.release_hold(session, ended, reason=WHY, by=by, at=THEN + DAY)
    assert (_look(cast, days=2), _asked(cast)) == (1, ["done", "open"])
    with cast.session() as session:
        retention.retain_until(session, ended, (THEN + 40 * DAY).date(), reason=WHY, by=by, at=THEN + 2 * DAY)
    assert (_look(cast, days=30), _asked(cast)) == (0, ["done", "done"]), "a later day says why it is kept"


def test_nothing_is_asked_any_more_about_a_file_that_is_destroyed(cast: Cast, ended: UUID) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        recruiting.find_recruiter(session, ended, by=by, at=AT)
        assert [one["state"] for one in tasks_of(session, recruiting.ASSESS)] == ["open"]
        destroyed(session, cast, ended, at=THEN)
        assert [one["state"] for one in tasks_of(session, recruiting.ASSESS)] == ["cancelled"]


def test_whoever_comes_back_meanwhile_is_asked_about_no_more(cast: Cast, ended: UUID) -> None:
    _look(cast)
    with cast.session() as session:
        follow_up = session.execute(text("select id from follow_up where participant_id = :id"), {"id": ended}).scalar()
        assert isinstance(follow_up, UUID)
        states.reactivate(session, follow_up, nobody_yet=True, by=cast.actor("coordinator"), at=THEN)
    assert (_look(cast, days=1), _asked(cast)) == (0, ["cancelled"])


def test_an_end_of_before_the_calendar_is_counted_from_its_own_day(cast: Cast, ended: UUID) -> None:
    with cast.session() as session:
        session.execute(update(_participant).where(_participant.c.id == ended).values(retain_until=None))
    assert _look(cast) == 1
    with cast.session() as session:
        assert _until(session, ended) == FIVE_YEARS


def _referred(cast: Cast, form: ReferralForm = ONDINE, *, taken_back: bool = False) -> UUID:
    """Somebody who was referred, and whom nobody triaged; or whose triage was taken back."""
    referral_id = refer(cast, form)
    if not taken_back:
        with cast.session() as session:
            return participant_of(session, referral_id)
    participant_id = triaged(cast, referral_id)
    with cast.session() as session:
        triage.take_back_triage(session, referral_id, by=cast.actor("coordinator"), at=AT)
    return participant_id


def _by_itself(cast: Cast) -> None:
    with cast.session() as session:
        session.execute(
            update(_program)
            .where(_program.c.id == cast.program_id)
            .values(retention={"destruction": "by_itself", "completed": {"years": 5}})
        )


def test_where_the_program_says_so_it_asks_by_itself_and_a_person_confirms(cast: Cast, ended: UUID) -> None:
    _by_itself(cast)
    with cast.session() as session:
        kept_elsewhere = session.execute(select(_participant.c.sealed).where(_participant.c.id == ended)).scalar_one()
        assert unseal(session, ended, IDENTITY, kept_elsewhere)["given_name"] == "Ondine"
    assert (_look(cast), _asked(cast), _look(cast, days=1)) == (1, [], 0)
    with cast.session() as session:
        assert [one["state"] for one in tasks_of(session, destruction.CONFIRM)] == ["open"]
        destruction.confirm(session, ended, by=cast.actor("privacy_officer"), at=THEN + DELAY)
    destroying.destroy(means_of(cast, lambda: THEN + DELAY))
    with cast.session() as session:
        proof = what_is_destroyed.proof_of(session, ended)
        assert proof is not None
        assert (proof.known_as, proof.asked_by_id, proof.asked_as, proof.kept_until) == (
            *("#2026-01", None, "rounds"),
            FIVE_YEARS,
        )
        assert (proof.by_id, proof.by_as) == (cast.people["privacy_officer"], "privacy_officer")
        assert proof.key_gone_at == THEN + DELAY
        with refused("keys.gone"):
            unseal(session, ended, IDENTITY, kept_elsewhere)


def test_where_the_last_day_was_set_by_hand_the_program_asks_nothing_by_itself_and_a_person_says_why(
    cast: Cast, ended: UUID
) -> None:
    _by_itself(cast)
    with cast.session() as session:
        day = FIVE_YEARS + 30 * DAY
        retention.retain_until(session, ended, day, reason=WHY, by=cast.actor("coordinator"), at=AT)
    assert (_look(cast, days=29), _asked(cast)) == (0, [])
    assert (_look(cast, days=30), _asked(cast)) == (1, ["open"])
    with cast.session() as session:
        assert destruction_requests.asked_of(session, ended) is None


def test_what_a_person_refused_the_program_asks_for_no_more_and_the_coordination_is_asked(
    cast: Cast, ended: UUID
) -> None:
    _by_itself(cast)
    assert _look(cast) == 1
    with cast.session() as session:
        destruction.refuse(session, ended, reason=WHY, by=cast.actor("privacy_officer"), at=THEN)
    assert (_look(cast, days=1), _asked(cast)) == (1, ["open"])
    assert (_look(cast, days=2), _asked(cast)) == (0, ["open"])


def test_what_nobody_answers_lapses_and_is_asked_anew(cast: Cast, ended: UUID) -> None:
    assert _look(cast) == 1
    with cast.session() as session:
        asked(session, cast, ended, at=THEN)
    assert (_look(cast, days=LAPSES.days), _asked(cast)) == (0, ["done"]), "its last day is one on which it counts"
    assert (_look(cast, days=LAPSES.days + 1), _asked(cast)) == (1, ["done", "open"])
    with cast.session() as session:
        assert [one["state"] for one in tasks_of(session, destruction.CONFIRM)] == ["cancelled"]
        with refused("destruction.over"):
            destruction.confirm(session, ended, by=cast.actor("privacy_officer"), at=THEN + LAPSES + 2 * DAY)


@pytest.mark.ci
def test_a_candidate_whom_nobody_ever_triaged_is_not_kept_for_ever(cast: Cast) -> None:
    declare_admission(cast)
    left, looked_at = _referred(cast), _referred(cast, ROMARIN, taken_back=True)
    a_year = AT + timedelta(days=365)
    assert keeping.look(means_of(cast, lambda: a_year), cast.program_id, "worker") == 0
    with cast.session() as session:
        assert (_until(session, left), _until(session, looked_at)) == (a_year.date(), None)
    assert keeping.look(means_of(cast, lambda: a_year + DAY), cast.program_id, "worker") == 1
    with cast.session() as session:
        asked(session, cast, left, at=a_year + DAY, ground="not_triaged")
        by, at = cast.actor("manager_ccsmtl"), a_year + DAY + DELAY
        with refused("destruction.cautions"):
            destruction.confirm(session, left, by=by, at=at)
        destruction.confirm(session, left, knowing={"untriaged"}, by=by, at=at)
        states = (
            "select p.state, r.state from participant p join referral r on r.participant_id = p.id where p.id = :id"
        )
        assert session.execute(text(states), {"id": left}).one() == ("destroyed", "destroyed")
        assert [row.participant_id for row in reading.to_triage(session)] == [looked_at]
        case = session.scalar(text('select state from "case" where participant_id = :id'), {"id": left})
        assert case == "cancelled", "nobody waits for a triage any more"


@pytest.mark.ci
def test_a_triage_that_comes_late_stops_what_is_asked(cast: Cast) -> None:
    declare_admission(cast)
    candidate, at = _referred(cast), AT + timedelta(days=367)
    keeping.look(means_of(cast, lambda: at), cast.program_id, "worker")
    with cast.session() as session:
        asked(session, cast, candidate, at=at, ground="not_triaged")
        referral_id = reading.to_triage(session)[0].id
        look_at_everything(session, cast, referral_id, at=at)
        triage.triage(session, referral_id, "committee", by=cast.actor("coordinator"), at=at)
        last = destruction_requests.last_of(session, candidate)
        assert last is not None
        assert (last.state, last.stopped_by, _until(session, candidate)) == ("stopped", "triaged", None)
        with refused("retention.being_admitted"):
            asked(session, cast, candidate, at=at)
