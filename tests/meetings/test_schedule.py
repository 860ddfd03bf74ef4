"""Planning, moving and cancelling meetings, and who is told what of it: nobody whom it does not concern."""

from __future__ import annotations

import threading
import time as clocks
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.kernel.rows import surely
from domain.people import absences
from meetings import answers, attendance, invitations, running, schedule
from meetings.committees import committee_of
from meetings.invitations import PersonalNews
from meetings.locking import read_meeting
from models.base import table_of
from models.committee import Committee, SeatHolder
from models.invitation import CalendarReader
from models.meeting import Meeting, MeetingSeries
from tests.cast import AT, Cast
from tests.meetings.sitting import Sent, give, letters, seat, seat_everyone

_meeting = table_of(Meeting)
_series = table_of(MeetingSeries)
_committee = table_of(Committee)
_holder = table_of(SeatHolder)

FIRST = date(2026, 12, 2)  # a Wednesday
LAST = date(2027, 4, 28)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session in which everyone sits."""
    with cast.session() as made:
        seat_everyone(made, cast)
        yield made


def _season(session: Session, cast: Cast) -> tuple[PersonalNews, ...]:
    return schedule.plan_season(
        session,
        "clinical",
        first=FIRST,
        last=LAST,
        hour=time(9, 30),
        without={date(2026, 12, 23): "Congé des fêtes", date(2026, 12, 30): "Congé des fêtes"},
        by=cast.actor("coordinator"),
        at=AT,
    )


def _on(session: Session, day: date) -> UUID:
    found: UUID = session.scalars(
        select(_meeting.c.id).where(
            _meeting.c.program_id == session.info["program_id"],
            _meeting.c.original == datetime.combine(day, time(9, 30)),
        )
    ).one()
    return found


def _of(session: Session, day: date) -> UUID:
    """The meeting that is held on that day, wherever it was moved from."""
    found: UUID = session.scalars(
        select(_meeting.c.id).where(
            _meeting.c.program_id == session.info["program_id"],
            _meeting.c.starts >= datetime.combine(day, time.min),
            _meeting.c.starts < datetime.combine(day + timedelta(days=1), time.min),
        )
    ).one()
    return found


def _plain(subject: str) -> str:
    return subject.replace("\N{NO-BREAK SPACE}", " ")


def _events(calendar: Any) -> list[Any]:
    return list(calendar.walk("VEVENT"))


def _names(cast: Cast, told: tuple[PersonalNews, ...]) -> Counter[tuple[str, str]]:
    name = {person: key for key, person in cast.people.items()}
    return Counter((name[one.person_id], one.kind) for one in told)


def test_a_season_invites_everyone_who_sits_each_once_and_those_without_address_are_known(
    cast: Cast, session: Session
) -> None:
    told = _season(session, cast)
    assert _names(cast, told) == Counter(
        (who, "invitation")
        for who in ("coordinator", "worker_ccsmtl", "worker_codim", "police", "worker_em", "without_mail")
    )
    assert [one.has_address for one in told].count(False) == 1
    sent = letters(session)
    assert len(sent) == 5
    master = sent[0].events[0]
    assert master["rrule"]["UNTIL"] == [datetime(2027, 4, 28, 13, 30, tzinfo=master["rrule"]["UNTIL"][0].tzinfo)]
    assert len(master["exdate"].dts if not isinstance(master["exdate"], list) else master["exdate"]) == 2
    assert master["attendee"] == f"mailto:{_address(cast, sent[0].person_id)}"
    rules = [one for zone in sent[0].calendar.walk("VTIMEZONE") for one in zone.subcomponents]
    assert [("rrule" in one, "rdate" in one) for one in rules] == [(True, False)] * 2
    assert "23 décembre 2026" in next(one for one in sent if one.person_id == cast.people["police"]).text
    assert "December 23, 2026" in next(one for one in sent if one.person_id == cast.people["worker_codim"]).text


def test_telling_again_writes_nothing(cast: Cast, session: Session) -> None:
    _season(session, cast)
    before = len(letters(session))
    assert invitations.tell_all(session, at=AT + timedelta(hours=1)) == ()
    assert len(letters(session)) == before


@pytest.mark.ci
def test_a_moved_date_tells_each_of_that_date_alone_and_twice_with_a_higher_sequence(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    before = len(letters(session))
    meeting = _on(session, date(2026, 12, 9))
    by = cast.actor("coordinator")
    told = schedule.move_meeting(session, meeting, datetime(2026, 12, 10, 10, 0), by=by, at=AT)
    assert {one.kind for one in told} == {"moved"}
    again = schedule.move_meeting(session, meeting, datetime(2026, 12, 11, 10, 0), by=by, at=AT + timedelta(minutes=5))
    assert len(again) == len(told)
    ours = [one for one in letters(session)[before:] if one.person_id == cast.people["police"]]
    assert [len(one.events) for one in ours] == [1, 1]
    first, second = (one.events[0] for one in ours)
    assert first["recurrence-id"].dt.replace(tzinfo=None) == datetime(2026, 12, 9, 9, 30)
    assert second["recurrence-id"].dt == first["recurrence-id"].dt
    assert second["sequence"] > first["sequence"] > 0
    assert second["dtstamp"].dt > first["dtstamp"].dt
    assert second["dtstart"].dt.replace(tzinfo=None) == datetime(2026, 12, 11, 10, 0)
    off = schedule.cancel_meeting(session, meeting, reason="Tempête", by=by, at=AT + timedelta(minutes=10))
    assert {one.starts for one in (*again, *off)} == {datetime(2026, 12, 11, 10, 0)}, "what is shown before the letters"


@pytest.mark.parametrize("to", [datetime(2026, 12, 16, 14, 0), datetime(2026, 12, 17, 9, 30)])
def test_a_date_is_not_moved_to_its_neighbours_day_nor_past_it(cast: Cast, session: Session, to: datetime) -> None:
    _season(session, cast)
    with pytest.raises(Refusal) as refused:
        schedule.move_meeting(session, _on(session, date(2026, 12, 9)), to, by=cast.actor("coordinator"), at=AT)
    assert refused.value.code == "meeting.crosses_neighbour"


def test_a_date_is_not_moved_onto_another_meeting_of_its_committee_that_stands_alone(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "clinical", [datetime(2026, 12, 10, 13, 0)], by=by, at=AT)
    weekly = _on(session, date(2026, 12, 9))
    with pytest.raises(Refusal) as refused, session.begin_nested():
        schedule.move_meeting(session, weekly, datetime(2026, 12, 10, 9, 30), by=by, at=AT)
    assert refused.value.code == "meeting.same_day"
    assert schedule.move_meeting(session, weekly, datetime(2026, 12, 11, 9, 30), by=by, at=AT)


def test_a_season_is_not_planned_over_a_meeting_that_stands_alone_but_where_it_leaves_that_day_out(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(
        session, "clinical", [datetime(2026, 12, 16, 13, 0), datetime(2026, 12, 23, 13, 0)], by=by, at=AT
    )
    with pytest.raises(Refusal) as refused, session.begin_nested():
        _season(session, cast)
    assert (refused.value.code, refused.value.facts["day"]) == ("meeting.same_day", "2026-12-16")
    schedule.cancel_meeting(session, _of(session, date(2026, 12, 16)), reason="Tempête", by=by, at=AT)
    assert _season(session, cast), "on the 23rd the season has none"


@pytest.mark.ci
def test_a_cancelled_date_is_one_cancellation_each_with_status_and_its_own_date(cast: Cast, session: Session) -> None:
    _season(session, cast)
    before = len(letters(session))
    schedule.cancel_meeting(
        session, _on(session, date(2026, 12, 16)), reason="Tempête", by=cast.actor("coordinator"), at=AT
    )
    sent = letters(session)[before:]
    assert len(sent) == 5
    for one in sent:
        (event,) = one.events
        assert (one.method, str(event["status"])) == ("CANCEL", "CANCELLED")
        assert event["recurrence-id"].dt.replace(tzinfo=None) == datetime(2026, 12, 16, 9, 30)
        assert "Tempête" not in one.text
    (to_police,) = (one for one in sent if one.person_id == cast.people["police"])
    assert "16 décembre 2026" in to_police.subject
    assert "16 décembre 2026" in to_police.text


def test_a_change_of_holder_tells_the_one_who_leaves_and_the_one_who_comes_and_nobody_else(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    before = len(letters(session))
    session.execute(
        update(_holder).where(_holder.c.seat_id == seat(session, "clinical", "spvm")).values(ends_on=date(2026, 11, 30))
    )
    give(session, cast, "clinical", "spvm", "researcher", since=date(2026, 12, 14))
    told = invitations.tell_all(session, at=AT)
    assert _names(cast, told) == Counter({("police", "removed"): 1, ("researcher", "invitation"): 1})
    gone, come = sorted(letters(session)[before:], key=lambda one: one.method)
    assert "status" not in gone.events[0]
    assert come.events[0]["dtstart"].dt.replace(tzinfo=None) == datetime(2026, 12, 16, 9, 30)
    assert come.subject.startswith("Invitation")


def test_an_alternate_is_invited_for_the_weeks_in_which_the_principal_is_away(cast: Cast, session: Session) -> None:
    _season(session, cast)
    absences.record_absence(
        session,
        person_id=cast.people["worker_em"],
        starts_on=date(2027, 1, 4),
        ends_on=date(2027, 1, 17),
        deputy_id=None,
        by=cast.actor("coordinator"),
        at=AT,
    )
    told = invitations.tell_all(session, at=AT)
    assert _names(cast, told) == Counter({("deputy", "invitation"): 1})
    event = letters(session)[-1].events[0]
    assert event["dtstart"].dt.replace(tzinfo=None) == datetime(2027, 1, 6, 9, 30)
    assert event["rrule"]["UNTIL"][0].date() == date(2027, 1, 13)


def test_whoever_is_named_to_sit_for_an_absent_principal_is_invited_instead_of_the_alternates(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    absences.record_absence(
        session,
        person_id=cast.people["worker_em"],
        starts_on=date(2027, 1, 4),
        ends_on=date(2027, 1, 17),
        deputy_id=cast.people["manager_em"],
        by=cast.actor("coordinator"),
        at=AT,
    )
    told = invitations.tell_all(session, at=AT)
    assert _names(cast, told) == Counter({("manager_em", "invitation"): 1})


def test_whoever_cannot_come_names_an_alternate_who_is_invited_and_told_when_it_changes(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    meeting = _on(session, date(2026, 12, 9))
    worker, deputy = cast.people["worker_em"], cast.people["deputy"]
    by = cast.actor("worker_em")
    told = answers.answer(session, meeting, worker, "declined", means="page", alternate_id=deputy, by=by, at=AT)
    assert _names(cast, told) == Counter({("deputy", "invitation"): 1})
    told = answers.answer(session, meeting, worker, "accepted", means="page", by=by, at=AT + timedelta(minutes=1))
    assert _names(cast, told) == Counter({("deputy", "removed"): 1})
    with pytest.raises(Refusal) as refused:
        answers.answer(
            session, meeting, worker, "declined", means="page", alternate_id=cast.people["police"], by=by, at=AT
        )
    assert refused.value.code == "answer.alternate"


@pytest.mark.ci
def test_a_new_hour_from_a_day_on_ends_the_season_and_begins_another(cast: Cast, session: Session) -> None:
    _season(session, cast)
    by = cast.actor("coordinator")
    schedule.move_meeting(session, _on(session, date(2027, 2, 3)), datetime(2027, 2, 4, 13, 0), by=by, at=AT)
    schedule.cancel_meeting(session, _on(session, date(2027, 3, 3)), reason="Relâche", by=by, at=AT)
    before = len(letters(session))
    (series,) = session.scalars(select(_series.c.id).where(_series.c.program_id == cast.program_id)).all()
    told = schedule.change_hour(session, series, since=date(2027, 1, 6), hour=time(14, 0), by=by, at=AT)
    assert {kind for _, kind in _names(cast, told)} == {"continued"}
    (ours,) = (one for one in letters(session)[before:] if one.person_id == cast.people["police"])
    assert _plain(ours.subject) == "Nouvel horaire : Comité clinique, à partir du mercredi 6 janvier 2027 à 14 h"
    assert "n’est plus valide" not in ours.text
    begun, ended, gone = (_events(one) for one in ours.calendars)
    assert ended[0]["rrule"]["UNTIL"][0].date() < date(2027, 1, 6)
    assert gone[0]["status"] == "CANCELLED", "a calendar may keep the date that was moved by itself"
    assert begun[0]["uid"] != ended[0]["uid"] == gone[0]["uid"]
    assert begun[0]["dtstart"].dt.replace(tzinfo=None) == datetime(2027, 1, 6, 14, 0)
    moved = begun[1]
    assert moved["recurrence-id"].dt.replace(tzinfo=None) == datetime(2027, 2, 3, 14, 0)
    assert moved["dtstart"].dt.replace(tzinfo=None) == datetime(2027, 2, 4, 13, 0)


@pytest.mark.ci
def test_who_came_before_the_hour_changed_stays_recorded_at_the_meetings_to_which_they_came(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    by, during = cast.actor("coordinator"), datetime(2026, 12, 9, 15, 0, tzinfo=UTC)
    past = _on(session, date(2026, 12, 9))
    running.open_meeting(session, past, by=by, at=during)
    attendance.record_rest(session, past, by=by, at=during)
    recorded, stood = attendance.attendance_of(session, past), read_meeting(session, past)
    assert {one.state for one in recorded if one.person_id} == {"present"}
    later = _on(session, date(2027, 1, 13))
    schedule.change_hour(
        session,
        surely(stood.series_id),
        since=date(2027, 1, 6),
        hour=time(14, 0),
        by=by,
        at=during + timedelta(hours=2),
    )
    assert attendance.attendance_of(session, past) == recorded
    assert read_meeting(session, past) == stood
    moved = read_meeting(session, later)
    assert (moved.starts, moved.original) == (datetime(2027, 1, 13, 14, 0), datetime(2027, 1, 13, 14, 0))
    assert moved.series_id != stood.series_id


@pytest.mark.ci
def test_a_new_hour_from_the_first_day_on_takes_the_old_season_from_every_calendar(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    before = len(letters(session))
    (series,) = session.scalars(select(_series.c.id).where(_series.c.program_id == cast.program_id)).all()
    later = AT + timedelta(hours=1)
    told = schedule.change_hour(session, series, since=FIRST, hour=time(14, 0), by=cast.actor("coordinator"), at=later)
    assert set(_names(cast, told).values()) == {1}
    assert {kind for _, kind in _names(cast, told)} == {"continued"}
    (ours,) = (one for one in letters(session)[before:] if one.person_id == cast.people["police"])
    begun, ended = (_events(one)[0] for one in ours.calendars)
    assert (begun["status"], ended["status"]) == ("CONFIRMED", "CANCELLED")
    assert begun["uid"] != ended["uid"]
    assert (ours.template, "nouvel horaire" in ours.text) == ("meeting_hour", True)
    assert "apporte 2 fichiers" in ours.text


@pytest.mark.ci
def test_a_meeting_that_was_opened_before_its_hour_stays_at_it_when_the_hour_changes(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    by, early = cast.actor("coordinator"), datetime(2026, 12, 9, 14, 0, tzinfo=UTC)  # half an hour before
    here, after = _on(session, date(2026, 12, 9)), _on(session, date(2026, 12, 16))
    running.open_meeting(session, here, by=by, at=early)
    stood = read_meeting(session, here)
    schedule.change_hour(
        session,
        surely(stood.series_id),
        since=date(2026, 12, 9),
        hour=time(14, 0),
        by=by,
        at=early + timedelta(minutes=5),
    )
    assert read_meeting(session, here) == stood
    assert read_meeting(session, after).starts == datetime(2026, 12, 16, 14, 0)


@pytest.mark.ci
def test_a_last_date_that_was_moved_past_the_end_of_its_season_is_still_told_of(cast: Cast, session: Session) -> None:
    _season(session, cast)
    by, last = cast.actor("coordinator"), _on(session, LAST)
    schedule.move_meeting(session, last, datetime.combine(LAST + timedelta(days=20), time(9, 30)), by=by, at=AT)
    later = datetime.combine(LAST + timedelta(days=10), time(14), tzinfo=UTC)
    told = schedule.cancel_meeting(session, last, reason="Tempête", by=by, at=later)
    assert set(_names(cast, told)) == {
        (who, "cancelled")
        for who in ("coordinator", "worker_ccsmtl", "worker_codim", "police", "worker_em", "without_mail")
    }


@pytest.mark.ci
@pytest.mark.parametrize("since", [date(2026, 12, 9), date(2026, 12, 16)], ids=["its hour", "that of a later one"])
def test_of_two_who_change_a_season_at_once_neither_waits_for_the_other_for_ever(cast: Cast, since: date) -> None:
    """Whoever changes several meetings of a season holds it first; else each would hold what the other needs."""
    with cast.session() as setting:
        seat_everyone(setting, cast)
        _season(setting, cast)
        here, changed = _on(setting, date(2026, 12, 9)), _on(setting, since)
        series = read_meeting(setting, here).series_id
    by, told = cast.actor("coordinator"), list[str]()

    def elsewhere() -> None:
        with cast.session() as mine:
            try:
                schedule.change_place(mine, here, place="Salle B", following=True, by=by, at=AT)
            except Refusal as refused:
                told.append(refused.code)

    with cast.session() as other, cast.session() as watching:
        other.execute(select(_series.c.id).where(_series.c.id == series).with_for_update())
        thread = threading.Thread(target=elsewhere)
        thread.start()
        waits = text(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        until = clocks.monotonic() + 10
        while not watching.scalar(waits) and clocks.monotonic() < until:
            watching.rollback()
            clocks.sleep(0.01)
        schedule.change_hour(other, surely(series), since=since, hour=time(14, 0), by=by, at=AT)
        other.commit()
        thread.join(20)
    assert told == ["meeting.changed"]
    with cast.session() as session:
        assert read_meeting(session, changed).starts == datetime.combine(since, time(14, 0))
        places = select(_meeting.c.place).where(_meeting.c.series_id.is_not(None))
        assert "Salle B" not in session.scalars(places).all(), "none, rather than some of them"


@pytest.mark.ci
def test_of_two_who_give_a_committee_the_same_day_at_once_the_second_hears_of_the_first(cast: Cast) -> None:
    """One plans a meeting on the day to which the other moves one, before either knows of the other."""
    day = datetime(2026, 12, 9, 13, 0)
    with cast.session() as setting:
        seat_everyone(setting, cast)
        by = cast.actor("coordinator")
        schedule.plan_meetings(setting, "steering", [datetime(2026, 12, 2, 13, 0)], by=by, at=AT)
        here = setting.scalars(select(_meeting.c.id).where(_meeting.c.program_id == cast.program_id)).one()
    told = list[str]()

    def move() -> None:
        with cast.session() as mine:
            try:
                schedule.move_meeting(mine, here, day, by=by, at=AT)
                mine.commit()
            except Refusal as refused:
                told.append(refused.code)

    with cast.session() as other, cast.session() as watching:
        schedule.plan_meetings(other, "steering", [day], by=by, at=AT)
        thread = threading.Thread(target=move)
        thread.start()
        waits = text("select count(*) from pg_locks where not granted and locktype = 'advisory'")
        until = clocks.monotonic() + 10
        while thread.is_alive() and not watching.scalar(waits) and clocks.monotonic() < until:
            watching.rollback()
            clocks.sleep(0.01)
        other.commit()
        thread.join(20)
    assert told == ["meeting.same_day"]


@pytest.mark.ci
def test_a_season_that_is_left_with_one_date_is_told_as_that_date(cast: Cast, session: Session) -> None:
    _season(session, cast)
    before = len(letters(session))
    (series,) = session.scalars(select(_series.c.id).where(_series.c.program_id == cast.program_id)).all()
    second = FIRST + timedelta(days=7)
    schedule.change_hour(session, series, since=second, hour=time(14, 0), by=cast.actor("coordinator"), at=AT)
    (ours,) = (one for one in letters(session)[before:] if one.person_id == cast.people["police"])
    assert "chaque mercredi à 14 h, du 9 décembre 2026 au 28 avril 2027" in " ".join(ours.text.split())
    assert "2 décembre 2026" not in ours.text, "nothing is said of the date that did not change"
    left = _events(ours.calendars[1])[0]
    assert left["rrule"]["UNTIL"][0].date() == FIRST


@pytest.mark.ci
def test_a_date_that_was_moved_before_the_hour_changed_is_not_said_to_be_cancelled(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    by = cast.actor("coordinator")
    schedule.move_meeting(session, _on(session, date(2027, 2, 3)), datetime(2027, 2, 4, 13, 0), by=by, at=AT)
    schedule.move_meeting(session, _on(session, date(2027, 2, 17)), datetime(2027, 2, 18, 13, 0), by=by, at=AT)
    before = len(letters(session))
    (series,) = session.scalars(select(_series.c.id).where(_series.c.program_id == cast.program_id)).all()
    told = schedule.change_hour(session, series, since=date(2027, 1, 6), hour=time(14, 0), by=by, at=AT)
    assert {kind for _, kind in _names(cast, told)} == {"continued"}
    (ours,) = (one for one in letters(session)[before:] if one.person_id == cast.people["police"])
    gone = [_events(one)[0] for one in ours.calendars[2:]]
    assert [one["status"] for one in gone] == ["CANCELLED"] * 2
    said = " ".join(ours.text.split())
    assert "annulée" not in said
    assert "Au lieu du 3 février 2027 : jeudi 4 février 2027 à 13 h" in said
    # One that is cancelled in the new season too is cancelled, and said to be.
    schedule.cancel_meeting(session, _of(session, date(2027, 2, 18)), reason="Relâche", by=by, at=AT)
    assert letters(session)[-1].template == "meeting_cancelled"


@pytest.mark.ci
def test_an_answer_lapses_when_its_meeting_gets_another_time_and_counts_when_given_again(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    by, meeting, other = cast.actor("coordinator"), _on(session, date(2027, 1, 6)), _on(session, date(2027, 1, 13))
    one = cast.people["police"]
    for which in (meeting, other):
        answers.answer(session, which, one, "accepted", means="page", by=cast.actor("police"), at=AT)
    schedule.move_meeting(session, meeting, datetime(2027, 1, 7, 9, 30), reason="Tempête", by=by, at=AT)
    said = {row.meeting_id: (row.answer, row.lapsed) for row in answers.given(session, [meeting, other])}
    assert said == {meeting: ("", "accepted"), other: ("accepted", "")}
    schedule.change_place(session, meeting, place="Salle B", by=by, at=AT)
    answers.answer(session, meeting, one, "tentative", means="page", by=cast.actor("police"), at=AT)
    schedule.change_place(session, meeting, place="Salle C", by=by, at=AT)
    assert [(row.answer, row.lapsed) for row in answers.given(session, [meeting])] == [("tentative", "")]


@pytest.mark.ci
def test_whom_someone_named_to_come_still_comes_to_the_moved_meeting_until_they_answer_anew(
    cast: Cast, session: Session
) -> None:
    _season(session, cast)
    worker, by, meeting = cast.people["worker_em"], cast.actor("worker_em"), _on(session, date(2026, 12, 9))
    answers.answer(session, meeting, worker, "declined", means="page", alternate_id=cast.people["deputy"], by=by, at=AT)
    told = schedule.move_meeting(session, meeting, datetime(2026, 12, 10, 9, 30), by=cast.actor("coordinator"), at=AT)
    assert _names(cast, told)["deputy", "moved"] == 1
    told = answers.answer(session, meeting, worker, "accepted", means="page", by=by, at=AT)
    assert _names(cast, told) == Counter({("deputy", "removed"): 1})


def test_one_who_sits_on_both_gets_one_invitation_to_the_joint_committee(cast: Cast, session: Session) -> None:
    told = schedule.plan_meetings(session, "joint", [datetime(2027, 1, 20, 13, 0)], by=cast.actor("coordinator"), at=AT)
    assert set(_names(cast, told).values()) == {1}
    assert _names(cast, told)["manager_two", "invitation"] == 1


@pytest.mark.ci
def test_a_preview_says_what_would_be_sent_and_nothing_of_it_stays(cast: Cast, session: Session) -> None:
    _season(session, cast)
    before, meeting, by = len(letters(session)), _on(session, date(2026, 12, 9)), cast.actor("coordinator")
    seen = schedule.preview(session, lambda: schedule.cancel_meeting(session, meeting, reason="Tempête", by=by, at=AT))
    assert len(letters(session)) == before
    assert read_meeting(session, meeting).state == "planned"
    assert schedule.cancel_meeting(session, meeting, reason="Tempête", by=by, at=AT) == seen


@pytest.mark.ci
def test_a_change_of_place_asks_nobody_to_answer_again(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "steering", [datetime(2027, 1, 20, 13, 0)], by=by, at=AT)
    before = letters(session)
    meeting = session.scalars(
        select(_meeting.c.id).where(_meeting.c.program_id == cast.program_id, _meeting.c.series_id.is_(None))
    ).one()
    answers.answer(
        session, meeting, cast.people["manager_em"], "accepted", means="page", by=cast.actor("manager_em"), at=AT
    )
    told = schedule.change_place(session, meeting, place="En Marge 12-17", by=by, at=AT + timedelta(hours=1))
    assert {one.kind for one in told} == {"details"}
    after = letters(session)[len(before) :]
    assert {int(one.events[0]["sequence"]) for one in after} == {0}
    said = {one.person_id: str(one.events[0]["attendee"].params["PARTSTAT"]) for one in after}
    assert said.pop(cast.people["manager_em"]) == "ACCEPTED"
    assert set(said.values()) == {"NEEDS-ACTION"}


@pytest.mark.ci
def test_four_dates_of_a_committee_are_four_meetings_that_pass_each_other_and_go_one_by_one(
    cast: Cast, session: Session
) -> None:
    by, who = cast.actor("coordinator"), cast.people["manager_em"]

    def told(since: int) -> list[Sent]:
        return [one for one in letters(session)[since:] if one.person_id == who]

    days = [datetime(2026, 12, 15, 13, 30), *(datetime(2027, month, 16, 13, 30) for month in (2, 6, 9))]
    schedule.plan_meetings(session, "steering", days, by=by, at=AT)
    (planned,) = told(0)
    assert (
        planned.subject.replace("\N{NO-BREAK SPACE}", " ")
        == "Invitation : Comité directeur, 15 décembre 2026 et 3 autres dates"
    )
    first, *_, last = every = [_events(one)[0] for one in planned.calendars]
    assert len({str(one["uid"]) for one in every}) == 4
    assert planned.text.count("/answer/") == 4
    before = len(letters(session))
    across = datetime(2027, 3, 2, 13, 30)  # past the second
    schedule.move_meeting(session, _of(session, days[0].date()), across, by=by, at=AT + timedelta(hours=1))
    schedule.cancel_meeting(session, _of(session, days[3].date()), reason="Quorum", by=by, at=AT + timedelta(hours=2))
    moved, off = told(before)
    assert [(one.method, str(one.events[0]["uid"])) for one in (moved, off)] == [
        ("REQUEST", str(first["uid"])),
        ("CANCEL", str(last["uid"])),
    ]
    assert (
        moved.subject.replace("\N{NO-BREAK SPACE}", " ")
        == "Changement : Comité directeur, mardi 2 mars 2027 à 13 h 30 au lieu du 15 décembre 2026"
    )
    assert "16 septembre 2027" in off.subject
    assert moved.events[0]["dtstart"].dt.replace(tzinfo=None) == across
    assert [int(one["sequence"]) for one in (first, moved.events[0], off.events[0])] == [0, 1, 1]
    assert str(off.events[0]["status"]) == "CANCELLED"
    for event in (*every, *moved.events, *off.events):
        assert not {"rrule", "rdate", "exdate", "recurrence-id"} & {name.lower() for name in event}


def _shown_answers(sent: Sent) -> dict[datetime | None, str]:
    """As what a letter's file shows its reader's answer: to the rule under None, and to each date by its original."""
    return {
        one["recurrence-id"].dt.replace(tzinfo=None) if "recurrence-id" in one else None: str(
            one["attendee"].params["PARTSTAT"]
        )
        for one in sent.events
    }


@pytest.mark.ci
@pytest.mark.parametrize("calendar", ["unknown", "replace"])
def test_another_room_on_one_date_of_a_season_keeps_what_was_answered_to_it(
    cast: Cast, session: Session, calendar: str
) -> None:
    _season(session, cast)
    by, who = cast.actor("coordinator"), cast.people["police"]
    session.add(CalendarReader(program_id=cast.program_id, id=uuid4(), person_id=who, dialect=calendar))
    meeting = _on(session, date(2026, 12, 9))
    answers.answer(session, meeting, who, "accepted", means="link", by=cast.actor("police"), at=AT)
    before = letters(session)
    schedule.change_place(session, meeting, place="Salle B", by=by, at=AT + timedelta(hours=1))
    mine, *others = sorted(letters(session)[len(before) :], key=lambda one: one.person_id != who)
    ninth = datetime(2026, 12, 9, 9, 30)
    assert {int(one.events[0]["sequence"]) for one in (mine, *others)} == {0}
    assert _shown_answers(mine)[ninth] == "ACCEPTED"
    assert _shown_answers(mine).get(None, "NEEDS-ACTION") == "NEEDS-ACTION", "the other dates were not answered"
    assert [_shown_answers(one) for one in others] == [{ninth: "NEEDS-ACTION"}] * 4


def test_a_season_in_another_room_keeps_an_answer_that_was_given_to_all_of_it(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    schedule.plan_season(session, "clinical", first=FIRST, last=date(2026, 12, 16), hour=time(9, 30), by=by, at=AT)
    ids = session.scalars(select(_meeting.c.id).where(_meeting.c.state == "planned").order_by(_meeting.c.starts)).all()
    for name, answered in (("police", ids), ("worker_em", ids[1:])):
        for one in answered:
            answers.answer(session, one, cast.people[name], "accepted", means="link", by=cast.actor(name), at=AT)
    before = letters(session)
    schedule.change_place(session, ids[0], place="Salle Z", following=True, by=by, at=AT + timedelta(hours=1))
    shown = {one.person_id: _shown_answers(one) for one in letters(session)[len(before) :]}
    assert shown[cast.people["police"]] == {None: "ACCEPTED"}
    assert shown[cast.people["worker_em"]] == {None: "NEEDS-ACTION"}, "one date waits for its answer"


def test_a_guest_is_invited_to_one_meeting_and_taken_back(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "steering", [datetime(2027, 1, 20, 13, 0)], by=by, at=AT)
    meeting = session.scalars(
        select(_meeting.c.id).where(_meeting.c.program_id == cast.program_id, _meeting.c.series_id.is_(None))
    ).one()
    guest = cast.people["researcher"]
    assert _names(cast, schedule.invite_guest(session, meeting, guest, by=by, at=AT)) == Counter(
        {("researcher", "invitation"): 1}
    )
    with pytest.raises(Refusal):
        schedule.invite_guest(session, meeting, guest, by=by, at=AT)
    assert _names(cast, schedule.withdraw_guest(session, meeting, guest, by=by, at=AT)) == Counter(
        {("researcher", "removed"): 1}
    )


def test_a_guest_of_one_date_of_a_season_is_told_that_it_is_cancelled(cast: Cast, session: Session) -> None:
    _season(session, cast)
    by, meeting = cast.actor("coordinator"), _on(session, date(2026, 12, 9))
    schedule.invite_guest(session, meeting, cast.people["researcher"], by=by, at=AT)
    told = schedule.cancel_meeting(session, meeting, reason="Tempête", by=by, at=AT)
    assert _names(cast, told)["researcher", "cancelled"] == 1


@pytest.mark.parametrize(
    ("starts", "code"),
    [(datetime(2026, 11, 20, 13, 0), "meeting.past"), (datetime(2027, 3, 14, 2, 30), "meeting.no_such_time")],
)
def test_a_time_that_is_past_or_that_the_clocks_skip_is_refused(
    cast: Cast, session: Session, starts: datetime, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        schedule.plan_meetings(session, "steering", [starts], by=cast.actor("coordinator"), at=AT)
    assert refused.value.code == code


def test_two_seasons_of_a_committee_do_not_overlap(cast: Cast, session: Session) -> None:
    _season(session, cast)
    with pytest.raises(Refusal) as refused:
        _season(session, cast)
    assert refused.value.code == "season.overlaps"


def _address(cast: Cast, person_id: UUID) -> str:
    name = next(key for key, one in cast.people.items() if one == person_id)
    return f"{name.replace('_', '.')}@{cast.members[name].host}"


def test_a_committee_that_the_program_has_not_is_refused(session: Session) -> None:
    with pytest.raises(Refusal):
        committee_of(session, "advisory")
