"""Answers that calendars send by mail: bound to whoever was invited, or kept as strays with their reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from meetings import answers, invitations, replies, schedule, unmatched_replies
from meetings.committees import committee_of
from meetings.locking import read_meeting
from models.base import table_of
from models.committee import SeatHolder
from models.invitation import MeetingAnswer
from models.meeting import Meeting
from models.program import Person
from tests.cast import AT, Cast
from tests.meetings.replying import POLICE, SABRE, WHEN, mail_of, plan_a_season, reply, season_uid
from tests.meetings.sitting import letters

_answer = table_of(MeetingAnswer)
_meeting = table_of(Meeting)
_person = table_of(Person)
_holder = table_of(SeatHolder)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session in which a season of the Clinical Committee is planned."""
    with cast.session() as made:
        plan_a_season(made, cast)
        yield made


def _answers(session: Session) -> list[tuple[str, str]]:
    rows = session.execute(
        select(_answer.c.answer, _answer.c.by).where(_answer.c.program_id == session.info["program_id"])
    )
    return [(row.answer, row.by) for row in rows]


def test_an_answer_to_one_date_is_that_persons_to_that_date(cast: Cast, session: Session) -> None:
    received = replies.receive(
        session, reply(season_uid(session), of="Police@SPVM.example"), at=AT + timedelta(hours=1)
    )
    assert received == replies.Received(1)
    row = session.execute(select(_answer)).one()
    assert (row.person_id, row.answer, row.by) == (cast.people["police"], "accepted", "mail")
    assert read_meeting(session, row.meeting_id).original == datetime(2026, 12, 9, 9, 30)


def test_an_answer_to_the_whole_season_is_one_to_each_meeting_to_come(session: Session) -> None:
    received = replies.receive(session, reply(season_uid(session), recurrence="", partstat="TENTATIVE"), at=AT)
    assert received.answered == 18
    assert set(_answers(session)) == {("tentative", "mail")}


@pytest.mark.parametrize("recurrence", [":20261209T143000Z", ";TZID=Eastern Standard Time:20261209T093000", f":{WHEN}"])
def test_a_date_is_known_in_whatever_zone_a_calendar_writes_it(session: Session, recurrence: str) -> None:
    assert replies.receive(session, reply(season_uid(session), recurrence=recurrence), at=AT).answered == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"of": "stranger@elsewhere.example", "sender": "stranger@elsewhere.example"}, "not_invited"),
        ({"sender": "somebody@spvm.example"}, "from_differs"),
        ({"partstat": "DELEGATED"}, "delegated"),
        ({"recurrence": ";TZID=America/Toronto:20261210T093000"}, "no_such_date"),
        ({"headers": (("Auto-Submitted", "auto-replied"),)}, "auto_reply"),
        ({"headers": (("Authentication-Results", "dmarc=fail action=none header.from=spvm.example"),)}, "failed_check"),
    ],
)
def test_what_cannot_be_bound_is_a_stray_and_changes_nothing(
    cast: Cast, session: Session, change: dict[str, str], reason: str
) -> None:
    mail = reply(season_uid(session), **change)  # type: ignore[arg-type]
    before = len(letters(session))
    assert replies.receive(session, mail, at=AT) == replies.Received(stray=reason)
    assert replies.receive(session, mail, at=AT + timedelta(hours=1)) == replies.Received(stray=reason)
    assert _answers(session) == []
    (kept,) = unmatched_replies.waiting(session, most=9).rows
    assert kept.reason == reason
    assert len(letters(session)) == before, "a reply invites nobody, least of all whom it brings along"
    unmatched_replies.set_aside(session, kept.id, by=cast.actor("coordinator"), at=AT)
    assert unmatched_replies.count(session) == 0


def test_an_answer_for_another_persons_seat_is_not_taken(session: Session) -> None:
    other = "worker.ccsmtl@ccsmtl.example"
    received = replies.receive(session, reply(season_uid(session), of=other, sender=POLICE), at=AT)
    assert received.stray in ("from_differs", "for_another")
    assert _answers(session) == []


def test_an_answer_that_was_written_before_a_newer_one_is_stale(session: Session) -> None:
    uid = season_uid(session)
    assert replies.receive(session, reply(uid, stamp="20261123T160000Z"), at=AT).answered == 1
    late = replies.receive(session, reply(uid, stamp="20261123T150000Z", partstat="DECLINED"), at=AT)
    assert late == replies.Received(stray="stale")
    assert _answers(session) == [("accepted", "mail")]


EM = "worker.em@en-marge.example"


def _declined_by_link(cast: Cast, session: Session, at: datetime) -> UUID:
    """A worker cannot come on the 9th, and names their deputy by the link."""
    (meeting,) = session.scalars(select(_meeting.c.id).where(_meeting.c.original == datetime(2026, 12, 9, 9, 30)))
    who, instead = cast.people["worker_em"], cast.people["deputy"]
    answers.answer(
        session, meeting, who, "declined", means="link", alternate_id=instead, by=cast.actor("worker_em"), at=at
    )
    return instead


def test_a_mail_that_was_written_before_an_answer_by_link_does_not_undo_it(cast: Cast, session: Session) -> None:
    instead = _declined_by_link(cast, session, AT + timedelta(hours=2))
    older = reply(season_uid(session), of=EM, sender=EM, stamp="20261123T150000Z")  # an hour after AT
    assert replies.receive(session, older, at=AT + timedelta(hours=3)).stray == "stale"
    row = session.execute(select(_answer)).one()
    assert (row.answer, row.by, row.alternate_id) == ("declined", "link", instead)


def test_a_mail_that_declines_once_more_leaves_whoever_was_named_to_come(cast: Cast, session: Session) -> None:
    instead = _declined_by_link(cast, session, AT)
    before = len(letters(session))
    again = reply(season_uid(session), of=EM, sender=EM, partstat="DECLINED", stamp="20261123T150000Z")
    assert replies.receive(session, again, at=AT + timedelta(hours=2)).answered == 1
    assert session.execute(select(_answer.c.alternate_id)).scalar_one() == instead
    assert len(letters(session)) == before


def test_a_yes_to_the_day_before_a_meeting_was_moved_is_none_to_the_new_one(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "steering", [datetime(2027, 1, 12, 13, 30)], by=by, at=AT)
    (meeting,) = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == datetime(2027, 1, 12, 13, 30)))
    uid = session.execute(select(_meeting.c.uid).where(_meeting.c.id == meeting)).scalar_one()
    schedule.move_meeting(session, meeting, datetime(2027, 1, 13, 13, 30), by=by, at=AT + timedelta(hours=1))
    manager = "manager.em@en-marge.example"
    late = reply(uid, of=manager, sender=manager, recurrence="", sequence=0, stamp="20261123T170000Z")
    assert replies.receive(session, late, at=AT + timedelta(hours=4)).stray == "stale"
    new = reply(uid, of=manager, sender=manager, recurrence="", sequence=1, stamp="20261123T170000Z")
    assert replies.receive(session, new, at=AT + timedelta(hours=4)).answered == 1


def _shares_the_mailbox(cast: Cast, session: Session) -> UUID:
    """The second worker's address is that of the police's mailbox too: who else has it."""
    other = cast.people["worker_em"]
    session.execute(update(_person).where(_person.c.id == other).values(email=POLICE.upper()))
    return other


def test_an_answer_from_a_mailbox_of_two_who_are_invited_is_nobodys_until_the_coordinator_says_whose(
    cast: Cast, session: Session
) -> None:
    other, by = _shares_the_mailbox(cast, session), cast.actor("coordinator")
    assert replies.receive(session, reply(season_uid(session)), at=AT).stray == "ambiguous"
    assert _answers(session) == []
    (kept,) = unmatched_replies.waiting(session, most=9).rows
    assert (kept.person_id, kept.claimed) == (None, "accepted")
    assert unmatched_replies.take(session, kept.id, other, "accepted", meeting_id=kept.meeting_id, by=by, at=AT) == 1
    assert session.execute(select(_answer.c.person_id)).scalar_one() == other


def test_who_is_not_invited_any_more_does_not_hold_up_who_has_their_mailbox_now(cast: Cast, session: Session) -> None:
    other = _shares_the_mailbox(cast, session)
    session.execute(update(_holder).where(_holder.c.person_id == other).values(ends_on=date(2026, 11, 30)))
    invitations.tell(session, committee_of(session, "clinical").id, at=AT)
    assert replies.receive(session, reply(season_uid(session)), at=AT + timedelta(hours=1)).answered == 1
    assert session.execute(select(_answer.c.person_id)).scalar_one() == cast.people["police"]


def _moved_by_a_day(cast: Cast, session: Session) -> UUID:
    """The meeting of 9 December is held on the 10th: told two hours after AT. Its id."""
    ninth = datetime(2026, 12, 9, 9, 30)
    meeting: UUID = session.scalars(select(_meeting.c.id).where(_meeting.c.original == ninth)).one()
    schedule.move_meeting(
        session, meeting, datetime(2026, 12, 10, 9, 30), by=cast.actor("coordinator"), at=AT + timedelta(hours=2)
    )
    return meeting


def test_a_yes_to_a_date_of_a_season_written_before_it_was_moved_is_none_to_the_new_day(
    cast: Cast, session: Session
) -> None:
    _moved_by_a_day(cast, session)
    late = reply(season_uid(session), sequence=0, stamp="20261123T155959Z")  # a second before the move was told
    assert replies.receive(session, late, at=AT + timedelta(hours=3)).stray == "stale"
    assert _answers(session) == []


def test_sabre_that_answers_a_moved_date_with_the_sequence_of_the_whole_season_is_understood(
    cast: Cast, session: Session
) -> None:
    meeting = _moved_by_a_day(cast, session)
    calendar = (
        SABRE.replace("6f7c2a@spheres.example", season_uid(session))
        .replace("Anne.Roy@example.org", POLICE)
        .replace("20261118T133000", WHEN)
        .replace("SEQUENCE:1", "SEQUENCE:0")
        .replace("DTSTAMP:20261103T140509Z", "DTSTAMP:20261123T170000Z")
    )
    assert replies.receive(session, mail_of(calendar), at=AT + timedelta(hours=3)).answered == 1
    row = session.execute(select(_answer)).one()
    assert (row.meeting_id, row.person_id, row.answer) == (meeting, cast.people["police"], "tentative")


def test_a_meeting_of_nobody_here_and_five_megabytes_are_strays(session: Session) -> None:
    assert replies.receive(session, reply("nothing@elsewhere.example"), at=AT).stray == "unknown_meeting"
    assert replies.receive(session, reply(season_uid(session)) + b"x" * 5_000_000, at=AT).stray == "too_large"
    assert not replies.knows(session, reply("nothing@elsewhere.example"))
    assert replies.knows(session, reply(season_uid(session)))
