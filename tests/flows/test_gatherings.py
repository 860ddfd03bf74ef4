"""The round of meetings: what changed is told, agendas go out and are frozen at their hours, and years are drafted."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from email.policy import SMTP
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlmodel import Session

from domain.people import people
from flows import gatherings
from flows.post import deliver
from meetings import agenda_requests, agendas, running, schedule, unclosed
from meetings.agenda_items import items_of, pool_of
from meetings.locking import read_meeting
from models.agenda import AgendaVersion
from models.base import table_of
from models.casework import Task
from models.committee import SeatHolder
from models.meeting import Meeting
from models.outbox import Notice
from models.program import Tenure
from tests.cast import AT, TODAY, Cast
from tests.flows.support import Clock, Mailbag, means_of
from tests.meetings.endorsed import decide, say, sitting_of_two_partners
from tests.meetings.meeting_room import MINUTE, NEXT_LOCAL, NOW, items, meeting
from tests.meetings.sitting import give, letters, seat, seat_everyone

_meeting = table_of(Meeting)
_notice = table_of(Notice)
_task = table_of(Task)
_tenure = table_of(Tenure)
_holder = table_of(SeatHolder)
_version = table_of(AgendaVersion)


def _planned(cast: Cast) -> None:
    with cast.session() as session:
        seat_everyone(session, cast)
        schedule.plan_season(
            session,
            "clinical",
            first=date(2026, 12, 2),
            last=date(2027, 6, 30),
            hour=time(9, 30),
            by=cast.actor("coordinator"),
            at=AT,
        )
        session.commit()


def _written(cast: Cast, template: str) -> int:
    with cast.session() as session:
        return int(session.scalar(select(func.count()).select_from(_notice).where(_notice.c.template == template)) or 0)


@pytest.mark.ci
def test_a_change_of_holder_reaches_the_calendars_with_the_next_round(cast: Cast) -> None:
    _planned(cast)
    clock, bag = Clock(), Mailbag()
    means = means_of(cast, clock, bag)
    gatherings.gather(means, cast.program_id, "test")
    with cast.session() as session:
        before = len(letters(session))
        session.execute(
            update(_holder)
            .where(_holder.c.seat_id == seat(session, "clinical", "spvm"))
            .values(ends_on=date(2026, 11, 30))
        )
        give(session, cast, "clinical", "spvm", "researcher", since=date(2026, 12, 14))
        session.commit()
    clock.pass_by(minutes=15)
    assert gatherings.gather(means, cast.program_id, "test") == 2
    clock.pass_by(minutes=15)
    assert gatherings.gather(means, cast.program_id, "test") == 0
    with cast.session() as session:
        assert len(letters(session)) == before + 2


def _words(message: bytes) -> str:
    body = message_from_bytes(message, policy=SMTP).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.mark.ci
def test_an_agenda_goes_out_and_is_frozen_once_each_at_its_declared_hour(cast: Cast) -> None:
    _planned(cast)
    clock = Clock()
    means = means_of(cast, clock, Mailbag())
    clock.now = datetime(2026, 11, 30, 14, 0, tzinfo=AT.tzinfo)  # 48 hours and a half before
    gatherings.gather(means, cast.program_id, "test")
    assert _written(cast, "meeting_agenda") == 0
    clock.pass_by(hours=1)
    gatherings.gather(means, cast.program_id, "test")
    circulated = _written(cast, "meeting_agenda")
    assert circulated == 7, "one for each who is invited and has an address, and each second representative"
    clock.now = datetime(2026, 12, 1, 15, 0, tzinfo=AT.tzinfo)
    gatherings.gather(means, cast.program_id, "test")
    assert _written(cast, "meeting_agenda") == 2 * circulated
    clock.pass_by(hours=3)
    gatherings.gather(means, cast.program_id, "test")
    assert _written(cast, "meeting_agenda") == 2 * circulated
    with cast.session() as session:
        (version,) = session.execute(select(_version)).all()
        assert version.kind == "agenda"
        row = session.execute(
            select(_notice)
            .where(_notice.c.template == "meeting_agenda", _notice.c.person_id == cast.people["police"])
            .order_by(_notice.c.n.desc())
        ).first()
    assert row is not None
    files = [part.get_filename() for part in message_from_bytes(row.message, policy=SMTP).iter_attachments()]
    assert "2026-12-02-comite-clinique-ordre-du-jour.pdf" in files, "named in the language of its reader"
    with cast.session() as session:
        rows = session.execute(select(_notice).where(_notice.c.template == "meeting_agenda").order_by(_notice.c.n))
        words = {one.person_id: _words(one.message) for one in rows}
    aware = "à titre de suppléant·e"
    assert aware in words[cast.people["deputy"]], "who is not expected reads that they are not"
    assert aware not in words[cast.people["police"]]


@pytest.mark.ci
def test_nobody_has_a_draft_and_the_agenda_in_the_same_minute(cast: Cast) -> None:
    _planned(cast)
    means = means_of(cast, clock := Clock(), Mailbag())
    clock.now = datetime(2026, 12, 1, 15, 0, tzinfo=AT.tzinfo)  # planned late, or the engine stood still
    gatherings.gather(means, cast.program_id, "test")
    assert _written(cast, "meeting_agenda") == 7, "one letter for each who has one"


@pytest.mark.nightly
def test_the_weekly_agendas_and_letters_go_on_after_31_december(cast: Cast) -> None:
    """What a week is owed is found by its days: a count of the weeks of a year begins anew at its end, and stops."""
    _planned(cast)
    means = means_of(cast, clock := Clock(), Mailbag())
    clock.now = datetime(2026, 12, 14, 15, 0, tzinfo=AT.tzinfo)
    while clock.now < datetime(2027, 1, 20, 15, 0, tzinfo=AT.tzinfo):
        gatherings.gather(means, cast.program_id, "test")
        clock.pass_by(hours=12)
    with cast.session() as session:
        frozen = session.scalars(
            select(_meeting.c.starts)
            .join(_version, _version.c.meeting_id == _meeting.c.id)
            .where(_meeting.c.starts_at >= datetime(2026, 12, 15, tzinfo=UTC))
            .order_by(_meeting.c.starts)
        ).all()
        sent = session.scalars(
            select(_notice.c.created_at).where(
                _notice.c.template == "meeting_agenda", _notice.c.person_id == cast.people["police"]
            )
        ).all()
    weeks = [date(2026, 12, 16) + timedelta(days=7 * n) for n in range(6)]
    assert [starts.date() for starts in frozen] == weeks
    assert {moment.date().isocalendar()[:2] for moment in sent} == {day.isocalendar()[:2] for day in weeks}


@pytest.mark.ci
def test_an_agenda_that_lacks_a_title_in_one_language_is_told_to_the_coordinator_once_and_frozen_when_it_has_it(
    cast: Cast,
) -> None:
    _planned(cast)
    clock = Clock()
    means = means_of(cast, clock, Mailbag())
    with cast.session() as session:
        item = agenda_requests.request(
            session, "clinical", title_fr="Salle du printemps", title_en="", by=cast.actor("coordinator"), at=AT
        )
        session.commit()
    clock.now = datetime(2026, 12, 1, 15, 0, tzinfo=AT.tzinfo)
    for _ in range(2):
        gatherings.gather(means, cast.program_id, "test")
        clock.pass_by(minutes=15)
    assert _written(cast, "meeting_agenda_stuck") == 1
    with cast.session() as session:
        assert session.scalar(select(func.count()).select_from(_version)) == 0
        agendas.edit(session, item, title_en="Spring room", by=cast.actor("coordinator"), at=clock.now)
        session.commit()
    gatherings.gather(means, cast.program_id, "test")
    with cast.session() as session:
        assert session.scalar(select(func.count()).select_from(_version)) == 1


@pytest.mark.ci
def test_another_obstacle_of_the_same_kind_is_told_too_and_one_that_lasts_the_next_day_again(cast: Cast) -> None:
    _planned(cast)
    clock = Clock()
    means = means_of(cast, clock, Mailbag())
    by = cast.actor("coordinator")
    with cast.session() as session:
        first = agenda_requests.request(session, "clinical", title_fr="Salle du printemps", title_en="", by=by, at=AT)
    clock.now = datetime(2026, 12, 1, 15, 0, tzinfo=AT.tzinfo)
    gatherings.gather(means, cast.program_id, "test")
    with cast.session() as session:
        agendas.edit(session, first, title_en="Spring room", by=by, at=clock.now)
        agenda_requests.request(session, "clinical", title_fr="Salle d’été", title_en="", by=by, at=clock.now)
    for written in (2, 2):
        clock.pass_by(minutes=15)
        gatherings.gather(means, cast.program_id, "test")
        assert _written(cast, "meeting_agenda_stuck") == written
    clock.now = datetime(2026, 12, 2, 13, 0, tzinfo=AT.tzinfo)  # the morning of the meeting
    gatherings.gather(means, cast.program_id, "test")
    assert _written(cast, "meeting_agenda_stuck") == 3


@pytest.mark.ci
def test_what_a_meeting_holds_that_nobody_closed_is_on_the_next_agenda_and_the_coordinator_is_asked_to_close_it(
    cast: Cast,
) -> None:
    _planned(cast)
    clock, by = Clock(), cast.actor("coordinator")
    means = means_of(cast, clock, Mailbag())
    with cast.session() as session:
        item = agenda_requests.request(session, "clinical", title_fr="Horaire", title_en="Schedule", by=by, at=AT)
    clock.now = datetime(2026, 12, 2, 13, 0, tzinfo=AT.tzinfo)  # the agenda is frozen; then nobody opens the meeting
    gatherings.gather(means, cast.program_id, "test")
    assert _to_close(cast) == []
    for day in (3, 4):
        clock.now = datetime(2026, 12, day, 13, 0, tzinfo=AT.tzinfo)
        gatherings.gather(means, cast.program_id, "test")
        assert _to_close(cast) == ["open"]
    clock.now = datetime(2026, 12, 7, 15, 0, tzinfo=AT.tzinfo)  # the next agenda goes out
    gatherings.gather(means, cast.program_id, "test")
    with cast.session() as session:
        here, following = _meeting_on(session, date(2026, 12, 2)), _meeting_on(session, date(2026, 12, 9))
        (after,) = [row for row in items_of(session, following) if row.title_en == "Schedule"]
        assert (after.carried_from_id, after.times_seen) == (item, 1)
    clock.pass_by(minutes=15)
    with cast.session() as session:
        # It took place after all, and somebody records so: what was treated there is on no other agenda.
        running.open_meeting(session, here, by=by, at=clock.now)
        running.put_back(session, here, by=by, at=clock.now)
        running.open_meeting(session, here, by=by, at=clock.now)
        running.treat(session, item, "treated", by=by, at=clock.now)
        assert "Schedule" not in [row.title_en for row in items_of(session, following)]
        running.treat(session, item, "carried", by=by, at=clock.now)
        running.close_meeting(session, here, carry_rest=True, by=by, at=clock.now)
        pool = pool_of(session, read_meeting(session, here).committee_id)
        assert [row.carried_from_id for row in pool if row.title_en == "Schedule"] == [item]
    assert _to_close(cast) == ["done"]


@pytest.mark.ci
def test_an_objection_comes_before_a_meeting_that_is_planned_earlier_by_the_next_round_and_nothing_after(
    cast: Cast,
) -> None:
    """Nobody assembles that agenda, and it is long before its hour."""
    sitting_of_two_partners(cast)
    clock, by, earlier = Clock(), cast.actor("coordinator"), NEXT_LOCAL - timedelta(days=14)
    means = means_of(cast, clock, Mailbag())
    with cast.session() as session:
        decision = decide(session, cast)
        running.close_meeting(session, meeting(session), carry_rest=True, by=by, at=NOW + MINUTE)
        say(session, cast, decision, "en-marge", "objected", at=NOW + 2 * MINUTE)
        schedule.plan_meetings(session, "steering", [earlier], by=by, at=NOW + 3 * MINUTE)

    def having_it() -> list[datetime]:
        with cast.session() as session:
            on = {local: items(session, local) for local in (earlier, NEXT_LOCAL)}
            return [local for local, rows in on.items() if any(row.kind == "objection" for row in rows)]

    assert having_it() == [NEXT_LOCAL]
    clock.now = NOW + timedelta(hours=1)
    gatherings.gather(means, cast.program_id, "test")
    assert having_it() == [earlier]
    clock.pass_by(minutes=15)
    assert gatherings.gather(means, cast.program_id, "test") == 0


def _to_close(cast: Cast) -> list[str]:
    """How the tasks to close a meeting stand."""
    with cast.session() as session:
        return list(session.scalars(select(_task.c.state).where(_task.c.step == unclosed.CLOSE)))


def _meeting_on(session: Session, day: date) -> UUID:
    starts = datetime.combine(day, time(9, 30))
    found: UUID = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == starts)).one()
    return found


@pytest.mark.ci
def test_a_seat_ends_with_its_role_by_the_round_and_the_calendars_hear_of_it(cast: Cast) -> None:
    with cast.session() as session:
        seat_everyone(session, cast)
        by = cast.actor("coordinator")
        schedule.plan_meetings(session, "steering", [datetime.combine(date(2027, 1, 20), time(13))], by=by, at=AT)
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["manager_la"])).one()
        people.appoint(
            session,
            person_id=cast.people["manager_la"],
            role="youth_worker",
            organization_id=cast.organizations["anonyme"],
            starts_on=TODAY,
            by=by,
            at=AT,
        )
        people.end_tenure(session, held, ends_on=date(2026, 12, 31), by=by, at=AT)
        before = len(letters(session))
    gatherings.gather(means_of(cast, Clock(), Mailbag()), cast.program_id, "test")
    with cast.session() as session:
        told = {one.person_id: one.template for one in letters(session)[before:]}
    assert told == {cast.people["manager_la"]: "meeting_no_longer", cast.people["second_deputy"]: "meeting_invitation"}


@pytest.mark.ci
def test_a_cancellation_never_overtakes_its_invitation(cast: Cast) -> None:
    """The first letter of a thread is held up, and those behind it wait, whoever else's letters leave meanwhile."""
    _planned(cast)
    clock, bag = Clock(), Mailbag()
    means = means_of(cast, clock, bag)
    with cast.session() as session:
        meeting = session.scalars(
            select(_meeting.c.id).where(_meeting.c.original == datetime(2026, 12, 9, 9, 30))  # noqa: DTZ001 - local, as the column has it
        ).one()
        schedule.cancel_meeting(session, meeting, reason="Tempête", by=cast.actor("coordinator"), at=AT)
        first = session.scalars(
            select(_notice.c.id).where(_notice.c.person_id == cast.people["police"]).order_by(_notice.c.n)
        ).first()
        tried = {"attempts": 1, "next_attempt_at": AT + timedelta(minutes=30)}
        session.execute(update(_notice).where(_notice.c.id == first).values(**tried))
        session.commit()
    deliver(means)
    assert not [to for to, _ in bag.sent if to.startswith("police@")]
    assert len([to for to, _ in bag.sent if to.startswith("worker.codim@")]) == 2
    clock.pass_by(minutes=31)
    deliver(means)
    theirs = [message for to, message in bag.sent if to.startswith("police@")]
    assert [b'method="CANCEL"' in one or b"method=CANCEL" in one for one in theirs] == [False, True]
