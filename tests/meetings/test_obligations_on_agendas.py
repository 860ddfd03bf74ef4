"""What partners owe comes on the Steering and Joint Committees' agendas once it is at risk, and goes once it is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import pytest
from sqlalchemy import select
from sqlmodel import Session

from meetings import assembling, schedule
from meetings.agenda_items import items_of
from meetings.reasons import in_words
from models.base import table_of
from models.meeting import Meeting
from tests.cast import AT, Cast
from tests.duties.obligations.signed import hold, kept, put_in_force
from tests.meetings.sitting import seat_everyone

_meeting = table_of(Meeting)
NEXT = datetime(2026, 12, 9, 13, 0)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session in which every agreement is in force, and one partner's seat stayed empty in May."""
    with cast.session() as made:
        seat_everyone(made, cast)
        put_in_force(made, cast)
        filled = dict.fromkeys(("ccsmtl", "codim", "spvm", "marie-vincent", "anonyme"), "present")
        hold(made, cast, date(2026, 5, 12), {**filled, "en-marge": "absent"})
        kept(made)
        yield made


@pytest.mark.parametrize("committee", ["steering", "joint"])
def test_a_partner_with_something_at_risk_is_one_item_that_says_which_clauses(
    cast: Cast, session: Session, committee: str
) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, committee, [NEXT], by=by, at=AT)
    meeting = session.scalars(select(_meeting.c.id).where(_meeting.c.state == "planned")).one()
    assembling.assemble(session, meeting, by=by, at=AT)
    found = [one for one in items_of(session, meeting) if one["kind"] == "obligation"]
    ours = [one for one in found if one["subject"] == str(cast.organizations["en-marge"])]
    assert [one["title_en"] for one in ours] == ["Obligations at risk: En Marge 12-17"]
    said = in_words(ours[0]["reasons"], "en")
    assert "AG-M1, period up to December 31, 2026: at risk." in said


def test_it_goes_once_nothing_is_at_risk_any_more(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "steering", [NEXT], by=by, at=AT)
    meeting = session.scalars(select(_meeting.c.id).where(_meeting.c.state == "planned")).one()
    assembling.assemble(session, meeting, by=by, at=AT)
    hold(session, cast, date(2026, 8, 11), {"en-marge": "absent"})
    kept(session)
    assembling.assemble(session, meeting, by=by, at=AT)
    (ours,) = [one for one in items_of(session, meeting) if one["subject"] == str(cast.organizations["en-marge"])]
    assert "AG-M1, period up to December 31, 2026: cannot be met any more." in in_words(ours["reasons"], "en")
