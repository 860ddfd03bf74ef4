"""Self-report questionnaires at times 1 and 2, of those who consent to research; and the derived information box."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.accompaniment import risks, states
from domain.follow_ups import information, self_reports
from domain.follow_ups.locking import Followed, follow_ups
from domain.follow_ups.self_reports import due_self_reports, record_self_report
from domain.kernel.rows import every
from domain.participants import research
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import WORKER, followed, in_force, known_as_somebody, row_of, told_of
from tests.refusing import refused

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


def _consents(session: Session, cast: Cast, follow_up: UUID) -> UUID:
    participant: UUID = row_of(session, follow_up)["participant_id"]
    by = cast.actor("research_coordinator")
    research.keep_research_consent(session, participant, TODAY, by=by, at=AT)
    return participant


def _due(session: Session, day: date) -> list[tuple[str, int, date, bool]]:
    return [(one.number, one.n, one.due_on, one.is_late(day)) for one in due_self_reports(session, day)]


def test_time_1_is_due_from_entry_on_and_time_2_some_months_later_of_those_alone_who_consent(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        followed(session, cast, "#2026-02")
        assert due_self_reports(session, TODAY) == []
        participant = _consents(session, cast, follow_up)
        last = TODAY + 8 * WEEK
        assert _due(session, TODAY) == [("#2026-01", 1, last, False)]
        assert _due(session, last + DAY) == [("#2026-01", 1, last, True)]
        record_self_report(session, follow_up, 1, done_on=TODAY + WEEK, risk="yellow", by=by, at=AT + WEEK)
        assert _due(session, TODAY + 20 * WEEK) == []
        again = date(2027, 5, 30)  # six months after 30 November
        assert _due(session, again) == [("#2026-01", 2, again + 8 * WEEK, False)]
        research.withdraw_research_consent(session, participant, by=cast.actor("research_coordinator"), at=AT + WEEK)
        assert due_self_reports(session, again) == []


def test_of_a_follow_up_that_ended_no_questionnaire_is_due_and_on_a_break_it_is(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        _consents(session, cast, follow_up)
        states.deactivate(session, follow_up, "withdrew", by=cast.actor(WORKER), at=AT + DAY)
        assert due_self_reports(session, TODAY + WEEK) == []


def test_a_questionnaire_is_recorded_corrected_and_taken_back_and_says_nothing_that_cannot_be(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        with refused("self_report.consent"):
            record_self_report(session, follow_up, 1, done_on=TODAY, risk="red", by=by, at=AT)
        _consents(session, cast, follow_up)
        for n, day, risk, code in (
            (3, TODAY, "red", "self_report.time"),
            (1, TODAY + DAY, "red", "day.malformed"),
            (1, TODAY - DAY, "red", "day.malformed"),
            (1, TODAY, None, "risk.level"),
            (1, TODAY, "benefits_exceed", "risk.level"),
            (2, TODAY, "red", "self_report.order"),
            (1, None, None, "day.missing"),
        ):
            with refused(code):
                record_self_report(session, follow_up, n, done_on=day, risk=risk, by=by, at=AT)
        assert record_self_report(session, follow_up, 1, done_on=TODAY, risk="red", by=by, at=AT, seen=0) == 1
        with refused("self_report.changed"):
            record_self_report(session, follow_up, 1, done_on=TODAY, risk="green", by=by, at=AT, seen=0)
        record_self_report(session, follow_up, 1, done_on=TODAY, risk="green", by=by, at=AT, seen=1)
        with refused("self_report.order"):
            record_self_report(session, follow_up, 2, done_on=TODAY, risk="red", by=by, at=AT)
        record_self_report(session, follow_up, 2, done_on=TODAY + WEEK, risk="none", by=by, at=AT + WEEK)
        with refused("self_report.order"):
            record_self_report(session, follow_up, 1, done_on=None, risk=None, by=by, at=AT + WEEK)
        with refused("self_report.order"):
            record_self_report(session, follow_up, 1, done_on=TODAY + WEEK, risk="red", by=by, at=AT + WEEK)
        record_self_report(session, follow_up, 2, done_on=None, risk="red", by=by, at=AT + WEEK)
        found = self_reports.self_reports_of(session, [follow_up])[follow_up]
        assert {n: (one.done_on, one.risk) for n, one in found.items()} == {1: (TODAY, "green"), 2: (None, None)}
        assert told_of(session, follow_up).count("follow_up.self_reported") == 4


def _row(session: Session) -> Followed:
    (row,) = every(session, follow_ups())
    return row


def test_the_information_box_is_derived_and_each_reading_of_it_is_on_record(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        participant: UUID = row_of(session, follow_up)["participant_id"]
        known_as_somebody(session, participant)
        risks.assess(session, participant, "admission", "red", why={"why": "Danger."}, by=by, at=AT)
        risks.assess(session, participant, "admission", "yellow", why={"why": "Mieux."}, by=by, at=AT)
        risks.assess(session, participant, "admission", "green", why={"why": "Bien."}, by=by, at=AT + 9 * WEEK)
        box = information.read_information(session, _row(session), ground="part", by=by, at=AT)
        assert box == information.InformationBox("#2026-01", TODAY.replace(day=1), date(2010, 5, 1), "woman", "yellow")
        assert told_of(session, participant)[-1] == "read"


def test_a_risk_that_was_assessed_after_the_admission_alone_stands_in_the_box(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        participant: UUID = row_of(session, follow_up)["participant_id"]
        assert information.risk_at_admission(session, participant, TODAY) is None
        risks.assess(session, participant, "admission", "none", why={"why": "Rien."}, by=by, at=AT + 2 * DAY)
        assert information.risk_at_admission(session, participant, TODAY) == "none"
