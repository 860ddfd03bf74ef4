"""Past meetings that were never closed: the coordinator is asked to close them, as the committees' secretary.

Until then they hold what was on their agenda. So that none of it is forgotten, the next agenda that goes out has it
(`meetings.carrying.carry_from_unclosed`).
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import asking
from domain.kernel import Actor, col, every, local_day, of
from domain.mail import coordination_chain
from locales import N_
from meetings.committees import committees
from models.meeting import Meeting

#: The step of the coordinator's task; its item is the meeting.
CLOSE: Final = "meeting.close"
#: In how many working days a meeting is to be closed, from the day on which that is asked.
DAYS_TO_CLOSE: Final = 2
#: One that was over longer ago, before anybody asked, is history.
LOOKS_BACK: Final = timedelta(days=35)


def unclosed(session: Session, at: datetime, *, committee_id: UUID | None = None) -> list[Meeting]:
    """The meetings, of one committee or of all, whose local day is over and that were neither closed nor cancelled.

    The first one first.
    """
    today = datetime.combine(local_day(session, at), time.min)
    past = of(Meeting).where(col(Meeting.state).in_(["planned", "under_way"]), col(Meeting.starts) < today)
    if committee_id is not None:
        past = past.where(Meeting.committee_id == committee_id)
    return every(session, past.order_by(col(Meeting.starts_at), col(Meeting.id)))


def ask_to_close(session: Session, *, by: Actor, at: datetime) -> int:
    """Ask the coordinator to close each meeting that was not closed, once each; how many are asked for anew."""
    known = {task.item for task in asking.open_ones(session, CLOSE)}
    wanted = [row for row in unclosed(session, at) if row.starts_at >= at - LOOKS_BACK and str(row.id) not in known]
    if not wanted:
        return 0
    titles, chain = committees(session), coordination_chain(session)
    for row in wanted:
        committee = titles[row.committee_id]
        asking.ask(
            session,
            CLOSE,
            row.id,
            N_("Close the meeting of %(day)s, or cancel it: %(committee)s"),
            chain=chain,
            working_days=DAYS_TO_CLOSE,
            by=by,
            at=at,
            day=row.starts.date(),
            committee={"fr": committee.title_fr, "en": committee.title_en},
        )
    return len(wanted)


def is_closed(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> None:
    """A meeting was closed: the task to close it is done."""
    asking.answered(session, CLOSE, meeting_id, by=by, at=at)


def need_not_close(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> None:
    """A meeting was cancelled, or is held another day: the task to close it for the day that it had is dropped."""
    asking.no_more(session, CLOSE, meeting_id, by=by, at=at)
