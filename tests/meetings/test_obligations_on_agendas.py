"""What partners owe comes on the Steering and Joint Committees' agendas once it is at risk, and goes once it is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from meetings import assembling, attendance, schedule
from meetings.agenda_items import PresentedItem, items_of
from meetings.reasons import in_words
from models.base import table_of
from models.meeting import Meeting
from tests.cast import AT, Cast
from tests.domain.obligations.signed import hold, kept, put_in_force
from tests.meetings.sitting import seat, seat_everyone

_meeting = table_of(Meeting)
MAY = date(2026, 5, 12)
NEXT = datetime(2026, 12, 9, 13, 0)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session in which every agreement is in force, and one partner's seat stayed empty in May."""
    with cast.session() as made:
        seat_everyone(made, cast)
        put_in_force(made, cast)
        filled = dict.fromkeys(("ccsmtl", "codim", "spvm", "marie-vincent", "anonyme"), "present")
        hold(made, cast, MAY, {**filled, "en-marge": "absent"})
        kept(made, kinds=("attendance",))
        yield made


def _of_en_marge(session: Session, cast: Cast, meeting_id: UUID) -> list[PresentedItem]:
    return [
        one
        for one in items_of(session, meeting_id)
        if (one.kind, one.subject) == ("obligation", str(cast.organizations["en-marge"]))
    ]


@pytest.mark.parametrize("committee", ["steering", "joint"])
def test_a_partner_with_something_at_risk_is_one_item_that_says_which_clauses(
    cast: Cast, session: Session, committee: str
) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, committee, [NEXT], by=by, at=AT)
    meeting = session.scalars(select(_meeting.c.id).where(_meeting.c.state == "planned")).one()
    assembling.assemble(session, meeting, by=by, at=AT)
    ours = _of_en_marge(session, cast, meeting)
    assert [one.title_en for one in ours] == ["Obligations at risk: En Marge 12-17"]
    said = in_words(ours[0].reasons, "en")
    assert "AG-M1, period up to December 31, 2026: at risk." in said


@pytest.mark.ci
def test_it_says_so_once_it_cannot_be_met_any_more(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "steering", [NEXT], by=by, at=AT)
    meeting = session.scalars(select(_meeting.c.id).where(_meeting.c.state == "planned")).one()
    assembling.assemble(session, meeting, by=by, at=AT)
    hold(session, cast, date(2026, 8, 11), {"en-marge": "absent"})
    kept(session)
    assembling.assemble(session, meeting, by=by, at=AT)
    (ours,) = _of_en_marge(session, cast, meeting)
    assert "AG-M1, period up to December 31, 2026: can no longer be met." in in_words(ours.reasons, "en")


@pytest.mark.ci
def test_what_was_missed_after_its_days_of_grace_comes_before_the_next_meeting_of_half_a_year(
    cast: Cast, session: Session
) -> None:
    """The report of 2026 may come until the end of March: it is missed from April on, and the year is long over."""
    by, april = cast.actor("coordinator"), datetime(2027, 4, 2, 15, 0, tzinfo=UTC)
    kept(session, april)
    days = (datetime(2027, 9, 14, 13, 0), datetime(2028, 1, 18, 13, 0))
    schedule.plan_meetings(session, "joint", list(days), by=by, at=april)
    told = []
    for day in days:
        meeting = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == day)).one()
        assembling.assemble(session, meeting, by=by, at=april)
        items = [one for one in items_of(session, meeting) if one.subject == str(cast.organizations["ccsmtl"])]
        said = [in_words(one.reasons, "en") for one in items]
        told.append(any("GV-6.report, period up to December 31, 2026: not met." in one for one in said))
    assert told == [True, False]


def test_it_goes_once_nothing_is_at_risk_any_more(cast: Cast, session: Session) -> None:
    """The secretary had taken somebody for absent who was there: the correction takes the item off."""
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "steering", [NEXT], by=by, at=AT)
    meeting = session.scalars(select(_meeting.c.id).where(_meeting.c.state == "planned")).one()
    assembling.assemble(session, meeting, by=by, at=AT)
    assert len(_of_en_marge(session, cast, meeting)) == 1
    held = session.scalars(select(_meeting.c.id).where(_meeting.c.state == "held")).one()
    attendance.record(session, held, seat(session, "steering", "en-marge"), "present", by=by, at=AT)
    kept(session, kinds=("attendance",))
    assembling.assemble(session, meeting, by=by, at=AT)
    assert _of_en_marge(session, cast, meeting) == []
