"""What a member wrote in words like a name waits for the coordinator, known or not; the agenda leaves without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from domain.mail.notices import LetterTemplates
from flows import gatherings
from meetings import agenda_requests, schedule
from models.agenda import AgendaItem
from models.base import table_of
from models.meeting import Meeting
from models.outbox import Notice
from tests.cast import AT, Cast
from tests.flows import support
from tests.meetings.sitting import seat_everyone

_item, _meeting, _notice = table_of(AgendaItem), table_of(Meeting), table_of(Notice)

KNOWN, UNKNOWN = "Ondine Fougère-Lys", "Ondane Fougère-Lis"
FROZEN = datetime(2027, 1, 19, 18, 30, tzinfo=UTC)
LOCAL = datetime(2027, 1, 20, 13, 0)


@pytest.mark.ci
def test_an_agenda_leaves_on_its_hour_without_what_members_wrote_like_a_name(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper: LetterTemplates = replace(support.paper(), known=lambda _: (KNOWN,))
    monkeypatch.setattr(support, "paper", lambda: paper)
    with cast.session() as session:
        session.info["letter_templates"] = paper
        seat_everyone(session, cast)
        schedule.plan_meetings(session, "clinical", [LOCAL], by=cast.actor("coordinator"), at=AT)
        meeting = session.scalars(select(_meeting.c.id)).one()
        asked = {
            title: agenda_requests.request(
                session, "clinical", title_fr=title, title_en=title, by=cast.actor("police"), at=AT
            )
            for title in (f"Des nouvelles de {KNOWN}", f"Des nouvelles de {UNKNOWN}", "Les outils")
        }
    clock = support.Clock(FROZEN)
    means = support.means_of(cast, clock)
    gatherings.gather(means, cast.program_id, "test")
    with cast.session() as session:
        states = {
            row.title_fr: row.state for row in session.execute(select(_item).where(_item.c.id.in_(asked.values())))
        }
        templates = set(
            session.scalars(select(_notice.c.template).where(_notice.c.template.startswith("meeting_agenda")))
        )
    assert states == {
        f"Des nouvelles de {KNOWN}": "pool",
        f"Des nouvelles de {UNKNOWN}": "pool",
        "Les outils": "scheduled",
    }, "known or not, they wait"
    assert templates == {"meeting_agenda", "meeting_agenda_held"}
    with cast.session() as session:
        told = session.scalars(
            select(_notice.c.person_id).where(_notice.c.template == "meeting_agenda_held").distinct()
        ).all()
        frozen = session.scalar(select(_meeting.c.agenda_frozen_at).where(_meeting.c.id == meeting))
    assert told == [cast.people["coordinator"]], "and nobody else hears of it"
    assert frozen is not None
