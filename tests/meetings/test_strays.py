"""Mails that came as answers and were not taken: what is known of each, and what a deliberate act makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.kernel.rows import replaced
from meetings import answers, replies, schedule, unmatched_replies
from meetings.mail_replies import Reason, sender_of
from models.base import table_of
from models.invitation import MeetingAnswer, StrayReply
from models.meeting import Meeting
from models.record import Event
from tests.cast import AT, LOADING, Cast
from tests.meetings.replying import POLICE, plan_a_season, reply, season_uid
from tests.meetings.sitting import letters

_answer = table_of(MeetingAnswer)
_meeting = table_of(Meeting)
_event = table_of(Event)

LATER = AT + timedelta(hours=3)
FORGED = "mallory@elsewhere.example"
EM = "worker.em@en-marge.example"


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session in which a season of the Clinical Committee is planned."""
    with cast.session() as made:
        plan_a_season(made, cast)
        yield made


def _stray(session: Session, mail: bytes, *, at: datetime = AT) -> StrayReply:
    assert replies.receive(session, mail, at=at).stray
    return unmatched_replies.waiting(session, most=9).rows[0]


def _on(session: Session, day: datetime) -> UUID:
    meeting_id: UUID = session.scalars(select(_meeting.c.id).where(_meeting.c.original == day)).one()
    return meeting_id


NINTH, SIXTEENTH = datetime(2026, 12, 9, 9, 30), datetime(2026, 12, 16, 9, 30)


def test_a_forged_answer_is_kept_with_its_address_its_meeting_whose_it_claims_to_be_and_what(
    cast: Cast, session: Session
) -> None:
    kept = _stray(session, reply(season_uid(session), of=POLICE, sender=FORGED, partstat="DECLINED"))
    assert (kept.from_address, kept.reason, kept.claimed) == (FORGED, "from_differs", "declined")
    assert (kept.meeting_id, kept.person_id) == (_on(session, NINTH), cast.people["police"])
    assert (kept.outcome, kept.seen_at, kept.seen_by) == ("", None, None)


def test_of_five_megabytes_nothing_is_known_but_where_they_say_that_they_come_from(session: Session) -> None:
    kept = _stray(session, reply(season_uid(session), sender=FORGED) + b"x" * 5_000_000)
    assert (kept.reason, kept.from_address, kept.claimed, kept.meeting_id) == ("too_large", FORGED, "", None)


@pytest.mark.parametrize(
    "mail", [b"", b"\0\xff" * 99, b"From: a@b.example\r\nFrom: c@d.example\r\n\r\n", b"From: " + b"(" * 90_000]
)
def test_an_address_that_cannot_be_read_in_one_way_is_none(mail: bytes) -> None:
    assert sender_of(mail) == ""


def test_every_reason_has_its_words() -> None:
    assert unmatched_replies.REASONS.keys() == {*get_args(Reason), *get_args(replies.NotTaken)}


def test_setting_one_aside_changes_no_answer_and_says_who_and_when_and_is_done_once(
    cast: Cast, session: Session
) -> None:
    kept = _stray(session, reply(season_uid(session), sender=FORGED))
    by = cast.actor("coordinator")
    unmatched_replies.set_aside(session, kept.id, by=by, at=LATER, seen=1)
    (after,) = unmatched_replies.seen_to(session, most=9).rows
    assert (after.outcome, after.seen_by, after.seen_at) == ("set_aside", by.person_id, LATER)
    assert unmatched_replies.count(session) == 0
    assert unmatched_replies.count(session) == 0
    assert session.execute(select(_answer)).all() == []
    for again in (
        lambda: unmatched_replies.set_aside(session, kept.id, by=by, at=LATER),
        lambda: unmatched_replies.take(session, kept.id, cast.people["police"], "accepted", by=by, at=LATER),
    ):
        with pytest.raises(Refusal, match="settled"):
            again()


def test_taking_one_is_the_answer_of_whom_the_coordinator_says_and_an_older_mail_does_not_undo_it(
    cast: Cast, session: Session
) -> None:
    kept = _stray(session, reply(season_uid(session), sender="home@elsewhere.example"))
    by, ninth = cast.actor("coordinator"), _on(session, NINTH)
    assert (
        unmatched_replies.take(session, kept.id, cast.people["police"], "declined", meeting_id=ninth, by=by, at=LATER)
        == 1
    )
    row = session.execute(select(_answer)).one()
    assert (row.meeting_id, row.person_id, row.answer, row.by) == (ninth, cast.people["police"], "declined", "mail")
    assert unmatched_replies.seen_to(session, most=9).rows[0].outcome == "taken"
    older = reply(season_uid(session), stamp="20261123T150000Z")  # an hour after AT
    assert replies.receive(session, older, at=LATER).stray == "stale"
    assert session.execute(select(_answer.c.answer)).scalar_one() == "declined"


@pytest.mark.ci
def test_one_about_the_whole_season_is_taken_for_each_meeting_to_come_or_for_one(cast: Cast, session: Session) -> None:
    whole = reply(season_uid(session), of=EM, sender="em@elsewhere.example", recurrence="", partstat="ACCEPTED")
    kept = _stray(session, whole)
    assert kept.meeting_id is None
    by, who = cast.actor("coordinator"), cast.people["worker_em"]
    # Whoever they named to come instead on one day still comes, where the answer to that day stays no.
    deputy, own = cast.people["deputy"], cast.actor("worker_em")
    ninth = _on(session, NINTH)
    answers.answer(session, ninth, who, "declined", means="link", alternate_id=deputy, by=own, at=AT)
    before = len(letters(session))
    taken = unmatched_replies.take(session, kept.id, who, "declined", by=by, at=LATER)
    assert taken == len(session.execute(select(_answer)).all()) == 18
    assert session.scalars(select(_answer.c.alternate_id).where(_answer.c.alternate_id.is_not(None))).all() == [deputy]
    assert len(letters(session)) == before, "nobody else is told, and nobody is invited"


@pytest.mark.parametrize(
    ("who", "when", "said", "code"),
    [
        ("research_coordinator", NINTH, "accepted", "answer.not_invited"),
        ("police", SIXTEENTH, "delegated", "stray.answer.missing"),
        ("police", None, "accepted", "stray.meeting.missing"),
        ("police", "another committee's", "accepted", "stray.other_meeting"),
    ],
)
def test_one_is_taken_for_nobody_who_is_not_invited_and_for_no_other_meeting(
    cast: Cast, session: Session, who: str, when: datetime | str | None, said: str, code: str
) -> None:
    kept = _stray(session, reply(season_uid(session), sender=FORGED))
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "steering", [datetime(2027, 1, 12, 13, 30)], by=by, at=AT)
    steering = session.scalars(select(_meeting.c.id).where(_meeting.c.series_id.is_(None))).one()
    meeting = steering if isinstance(when, str) else None if when is None else _on(session, when)
    with pytest.raises(Refusal) as refused:
        unmatched_replies.take(session, kept.id, cast.people[who], said, meeting_id=meeting, by=by, at=LATER)
    assert refused.value.code == code
    assert unmatched_replies.count(session) == 1
    assert session.execute(select(_answer)).all() == []


def test_where_a_mail_came_from_is_forgotten_after_half_a_year_whatever_became_of_it_and_the_rest_stays(
    cast: Cast, session: Session
) -> None:
    waits = _stray(session, reply(season_uid(session), of=POLICE, sender=FORGED))
    aside = _stray(
        session, reply(season_uid(session), sender=FORGED, partstat="DECLINED"), at=AT + timedelta(seconds=1)
    )
    new = _stray(session, reply(season_uid(session), sender="home@elsewhere.example"), at=AT + timedelta(days=1))
    unmatched_replies.set_aside(session, aside.id, by=cast.actor("coordinator"), at=LATER)
    assert unmatched_replies.forget_addresses(session, by=LOADING, at=AT + unmatched_replies.ADDRESS_KEPT) == 0
    after = AT + unmatched_replies.ADDRESS_KEPT + timedelta(hours=1)
    assert [unmatched_replies.forget_addresses(session, by=LOADING, at=after) for _ in range(2)] == [2, 0]
    rows = {
        one.id: one
        for one in (*unmatched_replies.waiting(session, most=9).rows, *unmatched_replies.seen_to(session, most=9).rows)
    }
    assert rows[waits.id] == replaced(waits, from_address="")
    assert rows[aside.id].from_address == ""
    assert rows[new.id] == new
    told = session.scalars(select(_event.c.subject_id).where(_event.c.verb == "reply.address_forgotten")).all()
    assert sorted(told) == sorted([waits.id, aside.id]), "and each is on record, once"


def test_what_somebody_else_saw_to_meanwhile_is_said(cast: Cast, session: Session) -> None:
    kept = _stray(session, reply(season_uid(session), sender=FORGED))
    with pytest.raises(Refusal, match="changed"):
        unmatched_replies.set_aside(session, kept.id, by=cast.actor("coordinator"), at=LATER, seen=2)
