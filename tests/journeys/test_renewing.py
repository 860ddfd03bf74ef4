"""An agreement from the day of its notice to the next version: by itself, through the committee, without a gap."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.agreements import signed_files
from domain.agreements.agreements import send_version, sign_version, version_in_force
from domain.agreements.succession import begin, renew
from domain.casework import tasks
from domain.casework.board import late_on
from domain.kernel.rows import every, of
from domain.obligations.projection import keep
from flows import beginnings
from meetings import assembling, attendance, deciding, running, schedule
from meetings.agenda_items import PresentedItem, items_of
from meetings.reasons import in_words
from models.base import table_of
from models.casework import Case, Task
from models.meeting import Meeting
from tests.agreeing import PDF, agreement_of, in_force
from tests.casework import case_row, complete, step
from tests.cast import AT, Cast
from tests.declared import record
from tests.flows.support import Clock, carry_all, means_of
from tests.meetings.sitting import seat, seat_everyone

_case = table_of(Case)
_meeting = table_of(Meeting)

DAY = timedelta(days=1)
LAST = date(2027, 6, 30)
#: Six in the morning of 1 April in Montréal: ninety days before the last one.
NOTICE = datetime(2027, 4, 1, 10, 0, tzinfo=UTC)
LOCAL = datetime(2027, 5, 12, 13, 0)  # noqa: DTZ001 - local
THERE = datetime(2027, 5, 12, 17, 5, tzinfo=UTC)
PRESENT = ("ccsmtl", "codim", "spvm", "en-marge", "anonyme", "marie-vincent")


def _item(cast: Cast, meeting_id: UUID) -> PresentedItem:
    with cast.session() as session:
        (found,) = [one for one in items_of(session, meeting_id) if one.kind == "agreement"]
    return found


@pytest.mark.nightly
def test_a_renewal_begins_by_itself_goes_through_the_joint_committee_and_leaves_no_day_without_one(  # noqa: PLR0915 - a whole year
    cast: Cast,
) -> None:
    by, clock = cast.actor("coordinator"), Clock(NOTICE)
    means = means_of(cast, clock)
    record(cast, "renewal")
    with cast.session() as session:
        seat_everyone(session, cast)
        first = in_force(session, cast, until=LAST)
        schedule.plan_meetings(session, "joint", [LOCAL], by=by, at=AT)
        meeting = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == LOCAL)).one()
        keep(session, at=NOTICE)

    # The notice is reached: the round opens the case, and the committee is asked once the year's record is there,
    # also while the partner's manager says nothing.
    assert beginnings.begin(means, cast.program_id, "test") == 1
    with cast.session() as session:
        case_id = session.scalars(select(_case.c.id).where(_case.c.protocol == "renewal")).one()
        assert case_row(session, case_id)["agreement_version_id"] == first
    carry_all(means)
    clock.pass_by(days=10)
    complete(cast, case_id, "gather_year_record", at=clock.now)
    carry_all(means)
    with cast.session() as session:
        assembling.assemble(session, meeting, by=by, at=clock.now)
    item = _item(cast, meeting)
    assert "En Marge 12-17" in item.title_fr
    said = in_words(item.reasons, "en")
    assert "The year up to April 11, 2027, periods of obligations: met " in said
    assert "missed or impossible to meet" in said

    # The Joint Committee sits, with a quorum, and what it decides completes the step.
    clock.now = THERE
    with cast.session() as session:
        running.open_meeting(session, meeting, by=by, at=THERE)
        for key in PRESENT:
            attendance.record(session, meeting, seat(session, "steering", key), "present", by=by, at=THERE)
        renewed: dict[str, Any] = {"text_fr": "On renouvelle, sans autre changement.", "grants": True}
        deciding.decide(session, meeting, item.id, **renewed, by=by, at=THERE)
    with cast.session() as session:
        assert step(session, case_id, "reevaluate_at_joint_committee")["state"] == "done"
        (review,) = every(session, of(Task).where(Task.case_id == case_id, Task.step == "review_by_manager"))
        assert late_on(review, LOCAL.date())
        tasks.waive_task(session, review.id, reason="Sans réponse depuis le préavis.", by=by, at=THERE)
    complete(cast, case_id, "review_by_director", by=cast.actor("director_em"), at=THERE)
    carry_all(means)

    # The new version, on its page. It is sent before anybody says that it was drafted: the step is done once it opens.
    with cast.session() as session:
        second = renew(session, agreement_of(session, cast), by=by, at=THERE)
        send_version(session, second, by=by, at=THERE)
    with cast.session() as session:
        assert step(session, case_id, "send_new_version")["state"] == "planned"
    complete(cast, case_id, "draft_new_version", at=THERE)
    carry_all(means)
    with cast.session() as session:
        assert step(session, case_id, "send_new_version")["state"] == "done"
        director = cast.people["director_em"]
        sign_version(session, second, director_id=director, signed_on=LOCAL.date(), by=by, at=THERE)
        signed_files.add(session, second, name="entente.pdf", content=PDF, by=by, at=THERE)
        begin(session, second, starts_on=LAST + DAY, by=by, at=THERE)
    with cast.session() as session:
        assert case_row(session, case_id)["state"] == "closed"
        held = {day: version_in_force(session, cast.organizations["en-marge"], day) for day in (LAST, LAST + DAY)}
        assert [one and one.id for one in held.values()] == [first, second]
    clock.now = NOTICE + 60 * DAY
    assert beginnings.begin(means, cast.program_id, "test") == 0  # once for the version, and the next has no last day
