"""The cases that the Clinical Committee discusses (CM-C), one line a participant, by number alone. Reads only.

A line says how the follow-up stands, its last weeks, what waits, and whether its worker raises something; the words
stay sealed. It asks no permission: a window shows each line to those alone who may see the follow-up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Date, DateTime, bindparam
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, and_, or_

from domain.accompaniment import breaks
from domain.follow_ups import Followed, assigning, follow_ups, issues, lost, processes, strips, summaries
from domain.kernel import among, built, col, every, only, scalar, surely, tuples
from domain.terms import PRIMARY
from meetings import discussing
from models.consent import Consent
from models.discussion import CaseDiscussion, ProcessMark
from models.follow_up import Assignment, ContactAttempt, FollowUp
from models.meeting import Meeting
from models.participant import RiskAssessment

#: So long before its last day a consent is said to end.
ENDING_SOON: Final = timedelta(days=30)
#: The states in which no one accompanies the participant.
ENDED: Final = ("inactive", "completed")


class Awaited(NamedTuple):
    """What waits in a case ("consent_ends", "summary_due", "break_ends", "contact_lost"), and on or since which day."""

    kind: str
    day: date | None


@dataclass(frozen=True)
class CaseLine:
    """One case as the committee sees it. `row` has the number; `part` is its primary worker's, None where it has none.

    `strip` is of the last weeks, the present one last. `risk` is that at admission, "" before it was
    assessed. `raised` is what waits for a sitting, `said` what became of the case in this one.
    """

    row: Followed
    part: Assignment | None
    strip: strips.Strip
    risk: str
    awaits: tuple[Awaited, ...]
    raised: CaseDiscussion | None
    said: CaseDiscussion | None
    marks: Mapping[date, ProcessMark] = field(default_factory=dict)

    @property
    def brought(self) -> CaseDiscussion | None:
        """The row that holds what its worker raised, waiting or spoken of in this meeting; None where nothing was."""
        return next((one for one in (self.said, self.raised) if one is not None and one.raised_at is not None), None)

    @property
    def is_urgent(self) -> bool:
        """Whether it cannot wait: its worker says so, or contact is lost."""
        said = self.brought is not None and self.brought.urgent
        return said or any(one.kind == "contact_lost" for one in self.awaits)

    @property
    def weeks(self) -> list[date]:
        """The Mondays of its strip, the oldest first."""
        return [one.week for one in self.strip.weeks]

    @property
    def week(self) -> date:
        """The Monday of the present week."""
        return self.weeks[-1]


@dataclass(frozen=True)
class InactiveLine:
    """A participant without a worker now, or who came back since the committee last met; what changed since.

    `attempts` are those made since to reach them, and whether one did.
    """

    row: Followed
    changed: bool
    attempts: int
    reached: bool


def case_lines(session: Session, day: date, meeting_id: UUID | None = None) -> list[CaseLine]:
    """Every follow-up that goes on, the urgent first, then by number; with what became of it in a meeting."""
    rows = every(session, _GOING_ON)
    ids = [row.id for row in rows]
    parts = {part.follow_up_id: part for part in reversed(assigning.on_day(session, day)) if part.kind == PRIMARY}
    drawn = strips.strips_of(session, rows, day)
    marks = marks_by_week(session, ids, day)
    awaits = _awaited(session, rows, day)
    risks = dict(tuples(session, _RISKS, {"participants": [row.participant_id for row in rows]}))
    raised = issues.waiting(session, ids)
    said = discussing.discussed_in(session, meeting_id, ids) if meeting_id is not None else {}
    found = [
        CaseLine(
            row,
            parts.get(row.id),
            drawn[row.id],
            risks.get(row.participant_id, ""),
            tuple(awaits[row.id]),
            raised.get(row.id),
            said.get(row.id),
            marks[row.id],
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (not one.is_urgent, one.row.number))


def marks_by_week(session: Session, ids: Iterable[UUID], day: date) -> Mapping[UUID, Mapping[date, ProcessMark]]:
    """The processes that were marked in the weeks of a strip, by follow-up and week."""
    found: defaultdict[UUID, dict[date, ProcessMark]] = defaultdict(dict)
    for row in processes.marks_of(session, ids, since=strips.weeks_until(day, strips.SHOWN)[0]):
        found[row.follow_up_id][row.week] = row
    return found


def _awaited(session: Session, rows: Sequence[Followed], day: date) -> defaultdict[UUID, list[Awaited]]:
    """What waits, by follow-up: what is lost first."""
    found: defaultdict[UUID, list[Awaited]] = defaultdict(list)
    ids = [row.id for row in rows]
    for one in lost.losing(session, day, follow_up_ids=ids):
        if one.is_lost:
            found[one.follow_up_id].append(Awaited("contact_lost", one.since))
    asked = {"participants": [row.participant_id for row in rows], "last": day + ENDING_SOON}
    ending = dict(tuples(session, _ENDING, asked))
    pauses, due = breaks.open_breaks(session, ids), summaries.due(session)
    for row in rows:
        if row.participant_id in ending:
            found[row.id].append(Awaited("consent_ends", ending[row.participant_id]))
        if row.id in due:
            found[row.id].append(Awaited("summary_due", due[row.id]))
        if row.id in pauses:
            found[row.id].append(Awaited("break_ends", pauses[row.id].returns_on))
    return found


# --------------------------------------------------------------------------------------------------- how many minutes


def caseloads(session: Session, day: date) -> dict[UUID, tuple[int, int]]:
    """By organization, how many cases its workers have on a local day, and how many of them are urgent."""
    counts: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    for line in case_lines(session, day):
        if line.part is not None:
            of_place = counts[line.part.organization_id]
            of_place[0] += 1
            of_place[1] += line.is_urgent
    return {place: (cases, urgent) for place, (cases, urgent) in counts.items()}


# ---------------------------------------------------------------------------------------------------- who is inactive


def inactive_lines(session: Session, committee_id: UUID, before: Meeting) -> list[InactiveLine]:
    """The inactive participants, those of whom something changed since the last meeting first.

    With those who came back since. Since the last meeting that was held before this one; where none was, since ever.
    """
    last = scalar(
        session,
        only(Meeting.closed_at)
        .where(Meeting.committee_id == committee_id, Meeting.state == "held", col(Meeting.starts_at) < before.starts_at)
        .order_by(col(Meeting.starts_at).desc())
        .limit(1),
    )
    since = last or datetime.min.replace(tzinfo=before.starts_at.tzinfo)
    rows = every(session, _INACTIVE, {"since": since})
    tries: defaultdict[UUID, list[bool]] = defaultdict(list)
    for follow_up_id, reached in tuples(session, _TRIES, {"follow_ups": [row.id for row in rows], "since": since}):
        tries[follow_up_id].append(reached)
    found = [
        InactiveLine(row, row.state_at > since or bool(tries[row.id]), len(tries[row.id]), any(tries[row.id]))
        for row in rows
    ]
    return sorted(found, key=lambda one: (not one.changed, one.row.number))


_GOING_ON: Final = built(
    follow_ups().where(col(FollowUp.state).not_in(ENDED)).order_by(col(FollowUp.opened_on), col(FollowUp.id))
)
_SINCE: Final = bindparam("since", type_=DateTime(timezone=True))
_INACTIVE: Final = built(
    follow_ups().where(
        or_(
            FollowUp.state == "inactive",
            and_(FollowUp.state == "completed", col(FollowUp.state_at) > _SINCE),
            # Opened and active at once is new, and no news of who was inactive.
            and_(
                FollowUp.state == "active",
                col(FollowUp.active_at) > _SINCE,
                col(FollowUp.opened_at) < col(FollowUp.active_at),
            ),
        )
    )
)
_TRIES: Final = built(
    only(ContactAttempt.follow_up_id, ContactAttempt.reached).where(
        among(ContactAttempt.follow_up_id, "follow_ups"), col(ContactAttempt.recorded_at) > _SINCE
    )
)
_RISKS: Final = built(
    only(RiskAssessment.participant_id, RiskAssessment.level)
    .where(among(RiskAssessment.participant_id, "participants"), RiskAssessment.kind == "admission")
    .ext(distinct_on(col(RiskAssessment.participant_id)))
    .order_by(col(RiskAssessment.participant_id), col(RiskAssessment.assessed_at).desc(), col(RiskAssessment.n).desc())
)
_ENDING: Final = built(
    only(Consent.participant_id, surely(Consent.ends_on)).where(
        among(Consent.participant_id, "participants"),
        Consent.purpose == "program",
        col(Consent.withdrawn_on).is_(None),
        col(Consent.replaced_at).is_(None),
        col(Consent.ends_on) <= bindparam("last", type_=Date()),
    )
)
