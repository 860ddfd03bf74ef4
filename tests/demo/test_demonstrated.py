"""The demonstration, on whatever day it is loaded: its meetings, candidates, follow-ups and who leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, make_url, select
from sqlmodel import Session

from adapters.database import program_session
from api.access.permissions import Asker
from api.access.sittings import read_sitting
from demo.loading import Demonstration
from demo.people import coordinator
from domain.accompaniment import breaks, risks
from domain.departure import gathering, offers
from domain.follow_ups import assigning, imported_books, load, lost, owed
from domain.kernel.rows import every, of
from domain.kernel.scope import local_day
from domain.participants.reasons import read_reasons
from domain.roles import standing
from domain.terms.sharing import circle_of
from flows import departing
from flows.rounds import ROUNDS, run_round
from meetings import attendance, caseloads, decisions, running
from meetings.agenda_items import items_of
from meetings.agenda_rules import TURN
from meetings.committees import committees, membership
from meetings.locking import read_meeting
from models.agenda import AgendaItem
from models.base import table_of
from models.casework import Case, Task
from models.departure import Departure
from models.follow_up import FollowUp, NoteImport, WeeklyNote
from models.invitation import MeetingAnswer
from models.meeting import Meeting
from models.minutes import Minutes
from models.obligation import ObligationFinding, ObligationPeriod
from models.participant import Participant
from models.program import Organization
from models.referral import Referral
from simulation.promises import broken
from tests.cast import KEYS, Cast, letter_templates
from tests.conftest import Copies, Database
from tests.fakes.seal_keys import FakeSealKeys
from tests.flows.support import carry_all, means_of
from tests.sealing import seal_all

_meeting = table_of(Meeting)
_answer = table_of(MeetingAnswer)
_item = table_of(AgendaItem)
_minutes = table_of(Minutes)
_period = table_of(ObligationPeriod)
_finding = table_of(ObligationFinding)
_follow_up = table_of(FollowUp)
_note = table_of(WeeklyNote)
_task = table_of(Task)
_case = table_of(Case)
_referral = table_of(Referral)
_departure = table_of(Departure)
_organization = table_of(Organization)
_participant = table_of(Participant)

pytestmark = pytest.mark.ci


@dataclass(frozen=True)
class Loaded:
    """The demonstration as it was loaded at a moment."""

    program_id: UUID
    database: Database
    at: datetime


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(datetime(2026, 11, 25, 14, 0, tzinfo=UTC), marks=pytest.mark.nightly),
        pytest.param(datetime(2026, 12, 25, 14, 0, tzinfo=UTC), marks=pytest.mark.nightly),  # a holiday among others
        datetime(2027, 1, 4, 14, 0, tzinfo=UTC),  # after two weeks of holidays
        # After midnight in UTC, a Tuesday evening here.
        pytest.param(datetime(2027, 3, 17, 3, 30, tzinfo=UTC), marks=pytest.mark.nightly),
    ],
    ids=lambda at: f"{at:%m-%d}",
)
def loaded(request: pytest.FixtureRequest, copies: Copies, template: str) -> Iterator[Loaded]:
    """Loading takes seconds, so that the tests of a day share it; each only reads."""
    with copies.of(template) as database:
        program_id = Demonstration(database.engine, letter_templates(), at=request.param, keys=KEYS).load()
        yield Loaded(program_id, database, request.param)


@pytest.fixture
def session(loaded: Loaded) -> Iterator[Session]:
    with program_session(loaded.database.engine, loaded.program_id) as made:
        yield made


@pytest.fixture
def today(loaded: Loaded, session: Session) -> date:
    return local_day(session, loaded.at)


def test_a_season_is_under_way_with_a_moved_and_a_cancelled_date_and_people_have_answered(
    loaded: Loaded, session: Session
) -> None:
    at = loaded.at
    clinical = _meetings(loaded, session, "clinical")
    assert min(row.starts_at for row in clinical) < at < max(row.starts_at for row in clinical)
    moved = [row for row in clinical if row.original and row.starts.date() != row.original.date()]
    assert [row.reason for row in moved] == ["Salle prise ce jour-là"]
    assert any(row.state == "cancelled" and row.cancelled_at < at and row.starts_at > at for row in clinical)
    assert 2 <= len([row for row in _meetings(loaded, session, "steering") if row.starts_at > at]) <= 4
    said = session.execute(
        select(_answer.c.answer, func.count()).where(_answer.c.program_id == loaded.program_id).group_by("answer")
    ).all()
    assert {one for one, _count in said} == {"accepted", "tentative", "declined"}
    assert session.scalar(
        select(func.count())
        .select_from(_item)
        .where(_item.c.program_id == loaded.program_id, _item.c.meeting_id.is_not(None))
    )


def test_whenever_it_is_loaded_the_clinical_committee_sits_with_cases_and_who_sits_follows_it(
    loaded: Loaded, session: Session, today: date
) -> None:
    session.info.update(keys=KEYS)
    (here,) = [row for row in _meetings(loaded, session, "clinical") if row.state == "under_way"]
    assert (here.starts.date(), here.opened_at) == (today, loaded.at)
    cases = caseloads.case_lines(session, today, here.id)
    assert len(cases) >= 5
    assert [one.brought.urgent for one in cases if one.brought] == [True, False]
    assert sum(bool(one.marks) for one in cases) == 2
    current = running.current_of(items_of(session, here.id))
    assert current is not None
    assert current.kind == TURN
    attended = attendance.attendance_of(session, here.id)
    assert {"present", "remote"} <= {one.state for one in attended}
    members = membership(session, here.committee_id, since=today)
    everybody = {one.person_id for one in attended if one.person_id}
    rights = standing(session, today)
    read = read_sitting(session, read_meeting(session, here.id), members, everybody)
    seen = [read.seen_by(Asker(person, rights)) for person in everybody]
    assert max(len(one.cases) for one in seen) == len(cases)


def test_meetings_that_are_over_were_held_their_minutes_approved_but_the_last_and_decisions_taken_with_quorum(
    loaded: Loaded, session: Session, today: date
) -> None:
    clinical = _meetings(loaded, session, "clinical")
    held = [row for row in clinical if row.starts_at < loaded.at and row.state != "cancelled"]
    assert {row.state for row in held if row.starts.date() < today} == {"held"}
    kept = session.execute(
        select(_minutes.c.state)
        .join(_meeting, _meeting.c.id == _minutes.c.meeting_id)
        .where(_minutes.c.program_id == loaded.program_id, _meeting.c.committee_id == held[0].committee_id)
        .order_by(_meeting.c.starts)
    ).scalars()
    *before, last = kept
    assert set(before) == {"approved"}
    assert last == "circulated"
    register = decisions.registers(session, [held[0].committee_id], held[0].starts.year)
    assert {"done", "standing"} <= {row.state for row in register}
    assert all(row.has_quorum for row in register)


def test_the_steering_committee_met_and_what_partners_owe_it_is_told_by_who_came(
    loaded: Loaded, session: Session
) -> None:
    (held,) = [row for row in _meetings(loaded, session, "steering") if row.starts_at < loaded.at]
    came = [one.state for one in attendance.attendance_of(session, held.id) if one.expected and one.seat.voting]
    assert (held.state, came.count("absent"), came.count("alternate")) == ("held", 1, 1)
    found = session.execute(
        select(_finding.c.state, func.count())
        .join(_period, _period.c.id == _finding.c.period_id)
        .where(_period.c.program_id == loaded.program_id, _period.c.key == "AG-M1")
        .group_by(_finding.c.state)
    ).all()
    assert "at_risk" in {state for state, _count in found}


def test_candidates_are_at_several_points_of_their_way(session: Session) -> None:
    states = session.execute(
        select(_referral.c.state, _referral.c.result).order_by(_referral.c.state, _referral.c.result)
    )
    assert [tuple(row) for row in states if row.state != "joined"][-4:] == [
        ("draft", ""),
        ("received", ""),
        ("triaged", "committee"),
        ("triaged", "refused"),
    ]
    assert session.scalar(select(func.count()).where(_case.c.subject_kind == "participant")) == 3


def test_one_is_refused_with_what_was_offered_and_of_one_who_recruits_the_committee_assessed_the_risk(
    session: Session, loaded: Loaded
) -> None:
    session.info["keys"] = KEYS
    (refused,) = session.scalars(select(_participant.c.id).where(_participant.c.state == "refused"))
    (recruits,) = session.scalars(select(_participant.c.id).where(_participant.c.recruiter))
    written = {
        (one.of, one.result): set(one.fields)
        for whom in (refused, recruits)
        for one in read_reasons(
            session, whom, admission=True, risk=True, by=coordinator(session, loaded.at), at=loaded.at, ground="role"
        )
    }
    assert written == {
        ("triage", "refused"): {"reason", "offered"},
        ("risk", "benefits_exceed"): {"profile", "involvement", "benefits", "risks"},
    }
    risk = risks.last(session, recruits, "recruiter")
    assert risk is not None
    assert risk.decision_id is not None
    assert decisions.decision_of(session, risk.decision_id).has_quorum


def test_every_state_and_every_trouble_of_follow_ups_is_there_to_be_seen(
    loaded: Loaded, session: Session, today: date
) -> None:
    states = session.execute(select(_follow_up.c.state)).scalars()
    assert sorted(states) == ["active"] * 5 + ["inactive", "on_break"]
    found = lost.losing(session, today)
    assert {one.number[-2:] for one in found if one.is_lost} >= {"03"}
    assert breaks.due_to_return(session, today) == []
    vacant = session.scalars(
        select(_task.c.state).where(_task.c.step == assigning.FIND_A_WORKER, _task.c.program_id == loaded.program_id)
    )
    assert list(vacant) in ([], ["open"])  # the round of the day asks where the demonstration's own days did not
    written = session.execute(select(_note.c.has_words, _note.c.is_complete)).all()
    assert len(written) > 25
    assert all(row.is_complete for row in written)
    assert any(row.has_words for row in written)
    assert owed.missing(session, today)
    assert any(one.primary for one in load.loads(session, today))


def test_of_two_workbooks_one_was_saved_and_one_waits_with_rows_of_each_kind(session: Session) -> None:
    saved, waits = sorted(every(session, of(NoteImport)), key=lambda row: row.saved_at is None)
    assert saved.saved_at is not None
    assert waits.saved_at is None
    book = imported_books.book_of(session, waits.id)
    assert book is not None
    assert {"new", "changed", "fault"} <= set(book.counts)


def test_somebody_is_leaving_of_whose_follow_ups_one_is_in_other_hands_and_one_waits_for_an_answer(
    loaded: Loaded, session: Session, today: date
) -> None:
    departures = select(_departure.c.case_id, _departure.c.person_id, _departure.c.last_day)
    gone, leaving = session.execute(departures.order_by(_departure.c.last_day)).all()
    assert gone.last_day < today < leaving.last_day
    (of_who_left,) = every(session, of(Case).where(Case.id == gone.case_id))
    assert "follow_up" in {one.kind for one in gathering.left(session, of_who_left, loaded.at)}
    asked = list(offers.last_offers(session, leaving.case_id).values())
    assert sorted(one.state for one in asked) == ["accepted", "proposed"]
    waits = next(one for one in asked if one.state == "proposed")
    assert (waits.way, waits.answer_by >= today) == ("meeting", True)
    assert [one.id for one in offers.offered_to(session, waits.to_id)] == [waits.id]
    (case,) = every(session, of(Case).where(Case.id == leaving.case_id))
    left = {one.kind for one in gathering.left(session, case, loaded.at)}
    assert {"follow_up", "equipment", "account", "seat"} <= left


def test_each_participant_shares_with_every_partner_but_one_who_left_one_out(session: Session, today: date) -> None:
    partners = session.execute(select(_organization.c.id, _organization.c.key).where(_organization.c.kind != "outside"))
    keys = {row.id: row.key for row in partners}
    left_out = {}
    for row in session.execute(
        select(_participant.c.id, _participant.c.number).where(_participant.c.number.is_not(None))
    ):
        circle = circle_of(session, row.id, today)
        left_out[row.number[-2:]] = [key for place, key in keys.items() if not circle.agrees_to(place)]
        # Whoever accompanies them does so by their consent: none was given where it is withheld.
        assert circle.homes <= {place for place in keys if circle.agrees_to(place)}
    assert len(left_out) == 7
    assert {number: keys for number, keys in left_out.items() if keys} == {"02": ["anonyme"]}


def test_every_promise_holds_as_it_was_loaded(loaded: Loaded, session: Session) -> None:
    session.info.update(keys=KEYS)
    assert broken(session, loaded.at) == []
    assert broken(session, loaded.at, passing=True) == []


def test_every_promise_holds_once_the_engine_did_its_rounds_for_some_days(loaded: Loaded, copies: Copies) -> None:
    """In a copy, since the tests of a day share what was loaded."""
    loaded.database.engine.dispose()  # nobody is signed in to what is copied
    with copies.of(str(make_url(loaded.database.url).database)) as database:
        program, seal_keys, moments = Cast(database, loaded.program_id, {}, {}, {}), FakeSealKeys(), [loaded.at]
        means = means_of(program, lambda: moments[-1], seal_keys=seal_keys)
        for _ in range(3):
            for key in ROUNDS:
                run_round(means, key, "worker")
            departing.close_doors(means)
            departing.look_at_hands(means)
            carry_all(means)
            seal_all(program, seal_keys)
            with program.session() as session:
                session.info.update(seal_keys=seal_keys)
                assert broken(session, moments[-1]) == []
            moments.append(moments[-1] + timedelta(days=1))


def _meetings(loaded: Loaded, session: Session, committee: str) -> list[Any]:
    key = {row.key: one for one, row in committees(session).items()}[committee]
    rows = session.execute(
        select(_meeting)
        .where(_meeting.c.program_id == loaded.program_id, _meeting.c.committee_id == key)
        .order_by(_meeting.c.starts)
    )
    return list(rows)
