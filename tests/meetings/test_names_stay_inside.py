"""No letter about a meeting names a participant: what would have sent it is refused whole, and says where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.mail.notices import LetterTemplates
from flows import gatherings
from meetings import agenda_requests, agendas, schedule
from models.base import table_of
from models.meeting import Meeting
from models.outbox import Notice
from tests.cast import AT, Cast
from tests.flows import support
from tests.meetings.documents.test_issuing import NAME, know
from tests.meetings.sitting import letters, seat_everyone

_meeting = table_of(Meeting)
_notice = table_of(Notice)

#: Two days before the meeting, when its agenda goes out; one day before, when it is frozen.
CIRCULATED = datetime(2027, 1, 18, 18, 30, tzinfo=UTC)
FROZEN = datetime(2027, 1, 19, 18, 30, tzinfo=UTC)
LOCAL = datetime(2027, 1, 20, 13, 0)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session in which everyone sits, with a meeting of the Clinical Committee, and somebody is known."""
    with cast.session() as made:
        seat_everyone(made, cast)
        schedule.plan_meetings(made, "clinical", [LOCAL], by=cast.actor("coordinator"), at=AT)
        know(made, NAME)
        yield made


def test_a_place_that_names_somebody_changes_nothing_and_invites_nobody(session: Session, cast: Cast) -> None:
    by, before = cast.actor("coordinator"), len(letters(session))
    meeting_id = session.scalars(select(_meeting.c.id)).one()
    for place in (f"Chez {NAME}", f"12, rue Desruisseaux, demander eloise_{NAME}"):
        with pytest.raises(Refusal, match=r"document\.names"), session.begin_nested():
            schedule.change_place(session, meeting_id, place=place, online_url="", by=by, at=AT)
    assert len(letters(session)) == before
    assert session.scalar(select(_meeting.c.place)) == ""


@pytest.mark.ci
@pytest.mark.parametrize("moment", [CIRCULATED, FROZEN])
def test_an_agenda_that_names_somebody_stays_until_it_is_put_right_and_the_coordinator_is_told_where(
    cast: Cast, session: Session, moment: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = cast.actor("coordinator")
    item = agenda_requests.request(
        session, "clinical", title_fr=f"Des nouvelles de {NAME}", title_en="News", by=by, at=AT
    )
    session.commit()
    paper: LetterTemplates = replace(support.paper(), known=lambda _: (NAME,))
    monkeypatch.setattr(support, "paper", lambda: paper)
    clock = support.Clock(moment)
    means = support.means_of(cast, clock)
    for _ in range(2):
        gatherings.gather(means, cast.program_id, "test")
        clock.pass_by(minutes=15)
    told = _sent(session)
    assert [template for template, _ in told] == ["meeting_agenda_stuck"]
    assert "Le titre du point" in told[0][1]
    assert "Desruisseaux" not in told[0][1]
    agendas.edit(session, item, title_fr="Des nouvelles de #2019-02", by=by, at=clock.now)
    session.commit()
    gatherings.gather(means, cast.program_id, "test")
    assert {template for template, _ in _sent(session)[1:]} == {"meeting_agenda"}


def _sent(session: Session) -> list[tuple[str, str]]:
    """The letters about agendas: template, and all that they say."""
    rows = session.execute(
        select(_notice.c.template, _notice.c.subject, _notice.c.message)
        .where(_notice.c.template.startswith("meeting_agenda"))
        .order_by(_notice.c.n)
    )
    found = []
    for row in rows:
        body = message_from_bytes(row.message, _class=EmailMessage, policy=SMTP).get_body(("plain",))
        assert body is not None
        found.append((row.template, f"{row.subject}\n{body.get_content()}"))
    return found
