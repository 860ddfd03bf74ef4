"""Who sat is recorded by seat; a correction keeps both, and what nobody recorded is no absence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.people import absences
from meetings import answers, attendance, running
from meetings.attendance import Attended
from meetings.schedule import plan_meetings
from models.base import table_of
from models.minutes import Attendance
from tests.cast import AT, SINCE, Cast
from tests.meetings.meeting_room import LOCAL, MINUTE, NEXT, NOW, PRESENT, events_of, meeting, opened, session, sit
from tests.meetings.sitting import give, seat

__all__ = ["session"]

_attendance = table_of(Attendance)


def _seated(session: Session, key: str) -> Attended:
    where = seat(session, "steering", key)
    return next(one for one in attendance.attendance_of(session, meeting(session)) if one.seat.id == where)


def test_a_principal_is_present_and_is_meant_where_nobody_is_named(session: Session, cast: Cast) -> None:
    opened(session, cast)
    assert sit(session, cast, "codim") == 2
    one = _seated(session, "codim")
    assert (one.state, one.person_id) == ("present", cast.people["manager_codim"])
    assert one.recorded_by == cast.people["coordinator"]
    with pytest.raises(Refusal) as refused:
        sit(session, cast, "codim", "remote", person_id=cast.people["manager_em"])
    assert refused.value.code == "attendance.not_principal"


def test_attendance_is_not_recorded_before_the_meeting_is_opened(session: Session, cast: Cast) -> None:
    with pytest.raises(Refusal) as refused:
        sit(session, cast, "codim")
    assert refused.value.code == "attendance.not_begun"
    assert {one.state for one in attendance.attendance_of(session, meeting(session))} == {"unrecorded"}


def test_an_alternate_sits_in_the_principals_place_from_elsewhere(session: Session, cast: Cast) -> None:
    opened(session, cast)
    sit(session, cast, "en-marge", "alternate", is_remote=True)
    one = _seated(session, "en-marge")
    assert (one.state, one.person_id, one.is_remote) == ("alternate", cast.people["deputy"], True)
    assert one.expected == (cast.people["manager_em"],)


def test_who_holds_the_declared_alternates_role_there_sits_without_being_named_before(
    session: Session, cast: Cast
) -> None:
    opened(session, cast)
    sit(session, cast, "anonyme", "alternate", person_id=cast.people["second_deputy"])
    assert _seated(session, "anonyme").person_id == cast.people["second_deputy"]
    for stranger in ("deputy", "director_la", "manager_codim", "manager_la"):
        with pytest.raises(Refusal) as refused:
            sit(session, cast, "anonyme", "alternate", person_id=cast.people[stranger])
        assert refused.value.code == "attendance.not_alternate"


def test_whom_an_absent_principal_named_sits_for_them(session: Session, cast: Cast) -> None:
    absences.record_absence(
        session,
        person_id=cast.people["manager_codim"],
        deputy_id=cast.people["director_codim"],
        kinds=["seats"],
        starts_on=NOW.date(),
        ends_on=NOW.date(),
        by=cast.actor("coordinator"),
        at=AT,
    )
    opened(session, cast)
    sit(session, cast, "codim", "alternate", person_id=cast.people["director_codim"])
    assert _seated(session, "codim").state == "alternate"


def test_an_alternate_who_is_a_principal_elsewhere_fills_one_seat_and_not_two(session: Session, cast: Cast) -> None:
    give(session, cast, "steering", "anonyme", "manager_em", "alternate")
    opened(session, cast, "en-marge")
    with pytest.raises(Refusal) as refused:
        sit(session, cast, "anonyme", "alternate", person_id=cast.people["manager_em"])
    assert refused.value.code == "attendance.sits_already"
    sit(session, cast, "en-marge", "alternate", person_id=cast.people["deputy"])
    sit(session, cast, "anonyme", "alternate", person_id=cast.people["manager_em"])
    with pytest.raises(Refusal) as refused:
        sit(session, cast, "en-marge", "present")
    assert refused.value.code == "attendance.sits_already"


def test_who_holds_two_seats_as_principal_fills_both(session: Session, cast: Cast) -> None:
    opened(session, cast, "spvm", "marie-vincent")
    assert _seated(session, "spvm").person_id == _seated(session, "marie-vincent").person_id


def test_a_seat_with_two_principals_is_refused_by_the_database(session: Session, cast: Cast) -> None:
    with pytest.raises(IntegrityError, match="one_principal"), session.begin_nested():
        give(session, cast, "steering", "codim", "manager_em", since=SINCE + timedelta(days=30))


def test_what_nobody_recorded_stays_unrecorded_and_counts_for_no_quorum(session: Session, cast: Cast) -> None:
    here = opened(session, cast, "ccsmtl", "codim")
    sit(session, cast, "spvm", "excused")
    sit(session, cast, "anonyme", "absent")
    running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW)
    assert _seated(session, "en-marge").state == "unrecorded"
    stood = attendance.quorum_now(session, here, NOW)
    assert (stood.is_met, stood.seats_present, stood.seats_needed) == (False, 2, 4)


def test_the_quorum_follows_who_comes_and_who_leaves(session: Session, cast: Cast) -> None:
    here = opened(session, cast, "ccsmtl", "codim", "spvm")
    sit(session, cast, "anonyme", "present", arrived_at=NOW + 10 * MINUTE, left_at=NOW + 40 * MINUTE)
    met = [attendance.quorum_now(session, here, NOW + n * MINUTE).is_met for n in (9, 10, 39, 40)]
    assert met == [False, True, True, False]
    assert attendance.fullest(session, here).is_met
    with pytest.raises(Refusal) as refused:
        sit(session, cast, "anonyme", "present", arrived_at=NOW + MINUTE, left_at=NOW)
    assert refused.value.code == "attendance.in_order"
    with pytest.raises(Refusal) as refused:
        sit(session, cast, "anonyme", "present", arrived_at=NOW, left_at=NOW)
    assert refused.value.code == "attendance.in_order", "one who leaves as they arrive was not there"


def test_an_hour_of_attendance_lies_within_the_meeting_and_the_refusal_says_between_which_hours(
    session: Session, cast: Cast
) -> None:
    here = opened(session, cast, *PRESENT)
    years, begins = timedelta(days=365 * 4), NOW - 5 * MINUTE - attendance.GRACE

    def refused(at: datetime, **hours: Any) -> Refusal:
        with pytest.raises(Refusal) as told:
            sit(session, cast, "codim", at=at, **hours)
        assert told.value.code == "attendance.when"
        return told.value

    for wrong in (NOW + years, NOW - years, NOW + 2 * MINUTE, begins - MINUTE):
        refused(NOW + MINUTE, arrived_at=wrong)
        refused(NOW + MINUTE, left_at=wrong)
    told = refused(NOW + MINUTE, arrived_at=begins - MINUTE)
    first, last = (str(told.facts[bound]) for bound in ("first", "last"))
    assert "at 12:55" in first
    assert "at 1:06" in last
    sit(session, cast, "codim", at=NOW + MINUTE, arrived_at=begins, left_at=NOW + MINUTE)
    # Corrected long afterwards, the hours are still those of the meeting, and it is over once it is closed.
    running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW + 10 * MINUTE)
    refused(NOW + years, left_at=NOW + 11 * MINUTE)
    refused(NOW + years, arrived_at=NOW + 70 * MINUTE, left_at=NOW + 80 * MINUTE)
    sit(session, cast, "codim", at=NOW + years, left_at=NOW + 10 * MINUTE)
    for state in ("excused", "absent", "unrecorded"):
        with pytest.raises(Refusal) as unfilled:
            sit(session, cast, "codim", state, arrived_at=NOW, at=NOW + years)
        assert unfilled.value.code == "attendance.no_hours"


def test_a_meeting_that_is_opened_early_begins_then_and_who_comes_a_moment_before_was_there(
    session: Session, cast: Cast
) -> None:
    by, here, early = cast.actor("coordinator"), meeting(session), NOW - 23 * MINUTE + timedelta(seconds=40)
    running.open_meeting(session, here, by=by, at=early)
    for key in PRESENT:
        sit(session, cast, key, arrived_at=early - 4 * MINUTE, left_at=early + 2 * MINUTE, at=early + 2 * MINUTE)
    running.close_meeting(session, here, carry_rest=True, by=by, at=early + 3 * MINUTE)
    assert attendance.had_quorum(session, here)
    for key in PRESENT:
        sit(session, cast, key, arrived_at=early - 4 * MINUTE, left_at=early - 2 * MINUTE, at=NOW)
    assert attendance.had_quorum(session, here) is False, "they left before it began"


def test_hours_kept_from_before_that_lie_outside_the_meeting_make_no_quorum(session: Session, cast: Cast) -> None:
    here = opened(session, cast, *PRESENT)
    running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW + 10 * MINUTE)
    for hours in ((-60, -30), (30, 50)):
        arrived, left = (NOW + n * MINUTE for n in hours)
        session.execute(
            update(_attendance)
            .where(_attendance.c.meeting_id == here, _attendance.c.state == "present")
            .values(arrived_at=arrived, left_at=left)
        )
        assert not attendance.fullest(session, here).is_met
        assert not attendance.quorum_now(session, here, NOW).is_met


def test_a_meeting_that_is_held_before_its_hour_had_the_quorum_that_it_had_then(session: Session, cast: Cast) -> None:
    by, here, early = cast.actor("coordinator"), meeting(session), NOW - 45 * MINUTE
    running.open_meeting(session, here, by=by, at=early)
    for key in PRESENT:
        sit(session, cast, key, left_at=NOW - 10 * MINUTE)
    running.close_meeting(session, here, carry_rest=True, by=by, at=NOW - 10 * MINUTE)
    assert attendance.fullest(session, here).seats_present == len(PRESENT)
    assert attendance.had_quorum(session, here)


def test_a_correction_keeps_both_in_the_record_also_after_the_meeting(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    here = opened(session, cast, *PRESENT)
    running.close_meeting(session, here, carry_rest=True, by=by, at=NOW + 90 * MINUTE)
    sit(session, cast, "codim", "absent", at=NEXT)
    assert (_seated(session, "codim").state, _seated(session, "codim").person_id) == ("absent", None)
    verb, facts = events_of(session, here)[-1]
    assert verb == "attendance.corrected"
    assert (facts["before"], facts["after"], facts["held"]) == ("present", "absent", True)
    assert (facts["person_before"], facts["person"]) == (str(cast.people["manager_codim"]), None)


def test_of_two_who_record_a_seat_the_second_is_told(session: Session, cast: Cast) -> None:
    opened(session, cast)
    sit(session, cast, "codim", "present", seen=1)
    with pytest.raises(Refusal) as refused:
        sit(session, cast, "codim", "absent", seen=1)
    assert refused.value.code == "attendance.changed"
    assert _seated(session, "codim").state == "present"


def test_a_seat_of_another_committee_is_refused(session: Session, cast: Cast) -> None:
    here = opened(session, cast)
    with pytest.raises(Refusal) as refused:
        attendance.record(
            session, here, seat(session, "clinical", "codim"), "present", by=cast.actor("coordinator"), at=NOW
        )
    assert refused.value.code == "attendance.no_such_seat"
    with pytest.raises(Refusal):
        sit(session, cast, "codim", "asleep")
    with pytest.raises(Refusal):
        sit(session, cast, "codim", "absent", person_id=cast.people["manager_codim"])


def test_a_derived_committee_counts_the_seats_that_it_takes_from_others(session: Session, cast: Cast) -> None:
    by = cast.actor("coordinator")
    local = LOCAL + timedelta(days=7)
    plan_meetings(session, "joint", [local], by=by, at=AT)
    here = opened(session, cast, local=local, at=NOW + timedelta(days=7))
    for committee in ("steering", "clinical"):
        attendance.record(session, here, seat(session, committee, "codim"), "present", by=by, at=NOW)
    stood = attendance.quorum_now(session, here, NOW + timedelta(days=7))
    assert (stood.seats_present, stood.organizations_present) == (2, 1)
    assert set(stood.present) == {"steering.codim", "clinical.codim"}


def test_the_rest_is_recorded_as_present_but_for_the_vacant_the_absent_and_who_sits_for_another(
    session: Session, cast: Cast
) -> None:
    by = cast.actor("coordinator")
    absences.record_absence(
        session,
        person_id=cast.people["manager_codim"],
        deputy_id=None,
        kinds=["seats"],
        starts_on=NOW.date(),
        ends_on=NOW.date(),
        by=by,
        at=AT,
    )
    give(session, cast, "steering", "anonyme", "manager_em", "alternate")
    here = opened(session, cast)
    sit(session, cast, "anonyme", "alternate", person_id=cast.people["manager_em"])
    sit(session, cast, "spvm", "excused")
    recorded = attendance.record_rest(session, here, by=by, at=NOW)
    states = {one.seat.key: one.state for one in attendance.attendance_of(session, here)}
    assert states.pop("codim") == "unrecorded"
    assert states.pop("en-marge") == "unrecorded"
    assert (states.pop("anonyme"), states.pop("spvm")) == ("alternate", "excused")
    assert list(states.values()).count("present") == recorded > 0
    assert attendance.record_rest(session, here, by=by, at=NOW) == 0


def test_who_answered_that_they_do_not_come_is_not_recorded_with_the_rest_while_the_answer_stands(
    session: Session, cast: Cast
) -> None:
    for name, seat_of in (("manager_codim", "codim"), ("manager_em", "en-marge")):
        answers.answer(
            session, meeting(session), cast.people[name], answers.DECLINED, means="link", by=cast.actor(name), at=AT
        )
        assert _seated(session, seat_of).expected == (cast.people[name],)
    answers.answer(
        session,
        meeting(session),
        cast.people["manager_em"],
        answers.TENTATIVE,
        means="link",
        by=cast.actor("manager_em"),
        at=AT + MINUTE,
    )
    here = opened(session, cast)
    attendance.record_rest(session, here, by=cast.actor("coordinator"), at=NOW)
    assert _seated(session, "codim").state == "unrecorded"
    assert _seated(session, "en-marge").state == "present"
    answers.lapse(session, [here], at=NOW)
    attendance.record_rest(session, here, by=cast.actor("coordinator"), at=NOW)
    assert _seated(session, "codim").state == "present"


@pytest.mark.ci
def test_who_may_sit_for_a_principal_is_whom_the_record_of_attendance_takes(session: Session, cast: Cast) -> None:
    here = opened(session, cast)
    offered = attendance.alternates_of(session, here)
    key = {one.seat.id: one.seat.key for one in attendance.attendance_of(session, here)}
    by_key = {key[seat_id]: set(found) for seat_id, found in offered.items()}
    assert by_key["anonyme"] == {cast.people["second_deputy"]}
    assert cast.people["deputy"] in by_key["en-marge"]
    for person in set(cast.people.values()) - by_key["anonyme"]:
        with pytest.raises(Refusal):
            sit(session, cast, "anonyme", "alternate", person_id=person)
