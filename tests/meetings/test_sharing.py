"""What circulates among partners is read by those whose agreement lets them: on the meeting's day, by its terms."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from meetings import agenda_papers, schedule
from meetings.committees import committee_of
from models.base import table_of
from models.meeting import Meeting
from tests.agreeing import in_force
from tests.cast import AT, Cast
from tests.meetings.sitting import give

_meeting = table_of(Meeting)
DAY_BEFORE, SAME_DAY = date(2026, 12, 8), date(2026, 12, 9)


def planned(session: Session, cast: Cast) -> UUID:
    give(session, cast, "clinical", "codim", "worker_codim")
    give(session, cast, "clinical", "en-marge", "worker_ccsmtl")
    schedule.plan_meetings(session, "extended", [datetime(2026, 12, 9, 9, 30)], by=cast.actor("coordinator"), at=AT)
    found: UUID = session.scalars(
        select(_meeting.c.id).where(_meeting.c.committee_id == committee_of(session, "extended").id)
    ).one()
    return found


def read_as(session: Session, cast: Cast, meeting_id: UUID) -> dict[str, str]:
    found = {reader.person_id: reader.audience for reader in agenda_papers.readers_of(session, meeting_id)}
    return {name: found[cast.people[name]] for name in ("worker_codim", "worker_ccsmtl")}


def test_a_partner_whose_agreement_lapsed_before_the_meeting_reads_what_is_for_the_seats(cast: Cast) -> None:
    with cast.session() as session:
        here = planned(session, cast)
        assert set(read_as(session, cast, here).values()) == {"partners"}
        in_force(session, cast, until=DAY_BEFORE)
        assert read_as(session, cast, here) == {"worker_codim": "partners", "worker_ccsmtl": "seats"}


def test_on_the_last_day_of_its_agreement_a_partner_reads_everything(cast: Cast) -> None:
    with cast.session() as session:
        here = planned(session, cast)
        in_force(session, cast, until=SAME_DAY)
        assert set(read_as(session, cast, here).values()) == {"partners"}
