"""Obligations are judged by the day's round, by the engine where it carries a case, and by whatever touches them."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from domain.casework.tasks import complete_task
from domain.obligations.triggers import TOUCHES, judge_touched
from domain.participants import referring
from domain.record import events
from flows import obligations
from flows.reminders import remind
from flows.rounds import ROUNDS
from meetings import attendance
from meetings.locking import read_meeting
from tests.api.pages.looking import send, signed_in, task_of
from tests.api.pages.test_history import verbs
from tests.casework import open_onboarding, steps
from tests.cast import AT, TODAY, Cast
from tests.domain.obligations.signed import findings, hold, kept, period, put_in_force
from tests.flows.support import Clock, means_of
from tests.flows.test_reminders import at, digests_of
from tests.meetings.sitting import seat, seat_everyone
from tests.referring import ONDINE

DAY = timedelta(days=1)


def stands(cast: Cast, place: str, key: str) -> str:
    with cast.session() as session:
        return str(period(session, cast, place, key)["state"])


@pytest.fixture
def owing(cast: Cast) -> Cast:
    """Every agreement in force and every seat held, judged once."""
    with cast.session() as session:
        seat_everyone(session, cast)
        put_in_force(session, cast)
        kept(session)
    return cast


@pytest.mark.ci
def test_the_round_judges_each_day_once_and_also_what_was_missed(cast: Cast) -> None:
    with cast.session() as session:
        put_in_force(session, cast)
    clock = Clock(AT)
    means = means_of(cast, clock)
    assert obligations.judge(means, cast.program_id, "worker") > 0
    assert obligations.judge(means, cast.program_id, "prefect") == 0
    clock.pass_by(days=60)  # the worker was down over New Year
    assert obligations.judge(means, cast.program_id, "worker") > 0
    with cast.session() as session:
        assert period(session, cast, "codim", "AG-M1")["period_starts"] == date(TODAY.year + 1, 1, 1)
    assert ROUNDS["obligations"] is obligations.judge


@pytest.mark.ci
def test_the_round_tells_the_quorum_of_what_was_held_before_anybody_kept_it(owing: Cast) -> None:
    """What can be told of it from its attendance counts from then on; what cannot is still to be recorded."""
    there = ("coordination", "ccsmtl", "codim", "spvm", "marie-vincent", "anonyme")
    with owing.session() as session:
        told = hold(
            session, owing, date(2026, 5, 12), {**dict.fromkeys(there, "present"), "en-marge": "absent"}, quorate=None
        )
        untold = hold(session, owing, date(2026, 8, 11), {"en-marge": "present", "codim": "absent"}, quorate=None)
    assert obligations.judge(means_of(owing, Clock(AT)), owing.program_id, "worker") > 0
    assert stands(owing, "en-marge", "AG-M1") == "at_risk"
    assert stands(owing, "codim", "AG-M1") == "awaiting_record"
    with owing.session() as session:
        assert [read_meeting(session, one).quorate for one in (told, untold)] == [True, None]


@pytest.mark.ci
def test_every_verb_that_touches_an_obligation_is_one_that_is_written() -> None:
    assert set(TOUCHES) - verbs() == {events.CLAUSE_SERVED}


@pytest.mark.ci
def test_an_attendance_is_judged_in_the_transaction_that_records_it(owing: Cast) -> None:
    with owing.session() as session:
        meeting = hold(session, owing, date(2026, 11, 10), {})
        judge_touched(session, at=AT)
    for state in ("absent", "present"):
        with owing.session() as session:
            mine = seat(session, "steering", "en-marge")
            person = owing.people["manager_em"] if state == "present" else None
            by = owing.actor("coordinator")
            attendance.record(session, meeting, mine, state, person_id=person, by=by, at=AT)
            judge_touched(session, at=AT)
    with owing.session() as session:
        found = period(session, owing, "en-marge", "AG-M1")
        assert [fact["why"] for fact in found["found"]["facts"] if fact["kind"] == "meeting"] == ["present"]
        assert len(findings(session, found["id"])) >= 3  # the correction is another finding, and both are kept


@pytest.mark.ci
def test_a_role_that_is_given_on_a_page_is_counted_when_the_page_has_answered(owing: Cast) -> None:
    assert stands(owing, "codim", "AG-X2") == "missed"
    for name in ("worker_ccsmtl", "police"):
        place = f"second_representative:{owing.organizations['codim']}"
        answer = signed_in(owing, "coordinator").post(
            f"/people/{owing.people[name]}/roles", data={"place": place, "starts_on": TODAY.isoformat()}
        )
        assert answer.status_code in (200, 303)
    assert stands(owing, "codim", "AG-X2") in ("on_track", "met")


def in_time(cast: Cast, place: str, key: str) -> int:
    """How many steps that serve a clause were done in time, by the finding that stands."""
    with cast.session() as session:
        return int(period(session, cast, place, key)["found"]["numbers"].get("in_time", 0))


@pytest.mark.ci
def test_a_task_that_serves_a_clause_is_judged_when_the_page_has_answered_and_again_when_it_is_undone(
    owing: Cast,
) -> None:
    case_id: UUID = open_onboarding(owing)
    context = signed_in(owing, "coordinator")
    assert in_time(owing, "ccsmtl", "GV-5.workers") == 0
    assert send(context, task_of(owing, case_id, "plan_coaching"), "completion").status_code == 303
    assert in_time(owing, "ccsmtl", "GV-5.workers") == 1  # no engine ran
    assert send(context, task_of(owing, case_id, "plan_coaching"), "undoing", words="Trop tôt").status_code == 303
    assert in_time(owing, "ccsmtl", "GV-5.workers") == 0


@pytest.mark.ci
def test_a_task_that_serves_no_clause_has_nothing_judged(owing: Cast) -> None:
    case_id: UUID = open_onboarding(owing)
    with owing.session() as session:
        judge_touched(session, at=AT)  # what the opening itself touched
        open_ = [row for row in steps(session, case_id).values() if row["state"] == "open"]
        without = next(row for row in open_ if not row["clause"] and not row["dates_hang"])
        complete_task(session, without["id"], by=owing.actor("coordinator"), at=AT)
        assert not any(line.verb in TOUCHES for line in events.take_written(session))


@pytest.mark.ci
def test_a_referral_is_counted_for_whose_people_referred_when_the_page_has_answered(owing: Cast) -> None:
    assert stands(owing, "en-marge", "AG-P1") == "at_risk"  # none yet, and weeks are left
    with owing.session() as session:
        begun = referring.begin_referral(session, ONDINE, by=owing.actor("manager_em"), at=AT)
        judge_touched(session, at=AT)
    assert stands(owing, "en-marge", "AG-P1") == "at_risk"  # a draft is no referral
    with owing.session() as session:
        referring.send_referral(session, begun, ONDINE, by=owing.actor("manager_em"), at=AT)
        judge_touched(session, at=AT)
    assert stands(owing, "en-marge", "AG-P1") == "met"
    assert stands(owing, "anonyme", "AG-P1") == "at_risk"
    with owing.session() as session:
        found = period(session, owing, "en-marge", "AG-P1")["found"]
    assert found == {
        "numbers": {"counted": 1, "wanted": 1},
        "facts": [{"kind": "count", "id": "referrals", "on": "", "counts": True, "why": "1"}],
    }


@pytest.mark.ci
def test_what_lacks_is_a_line_in_the_one_letter_a_day_of_who_owes_it_then_of_their_director_then_of_the_coordinator(
    cast: Cast,
) -> None:
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
    clock = Clock(AT)
    means = means_of(cast, clock)
    named = "Faire connaître le programme"
    heard: dict[date, set[str]] = {}
    # Sixty, twenty and five working days before 31 December; and between, once the new quarter was asked for.
    days = (date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 2), date(2026, 11, 26), date(2026, 12, 17))
    for day in days:
        clock.now = at(day, 5, 45)
        obligations.judge(means, cast.program_id, "worker")
        clock.now = at(day)
        remind(means, cast.program_id, "worker")
        written = digests_of(cast, day)
        assert all(len(mine) == 1 for mine in written.values()), "one letter a person a day"
        heard[day] = {who for who, (text,) in written.items() if named in text}
    first, _, between, second, third = heard.values()
    assert (first, between) == ({"manager_em"}, set())
    assert (second, third) == ({"manager_em", "director_em"}, {"manager_em", "director_em", "coordinator"})
    (text,) = digests_of(cast, date(2026, 11, 26))["director_em"]
    assert "Encore dû en vertu d’une entente" in text
    assert "/obligations/" in text
