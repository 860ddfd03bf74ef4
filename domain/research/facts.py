"""What is known of participants, as far as the research may ask: read at once for all of them, over some months."""

from __future__ import annotations

import calendar
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import (
    col,
    every,
    in_program,
    joins,
    local_day,
    of,
    only,
    run,
    select,
    surely,
    tuples,
    unseal,
    value_of,
)
from domain.participants import ParticipantIdentity
from domain.research.known import Known, SelfReported, month_of
from models.follow_up import Activity, ActivityPart, Assignment, FollowUp, SelfReport, WeeklyNote
from models.participant import FirstMeeting, Participant, RiskAssessment
from models.program import Organization
from models.referral import Referral

#: Where a file's identity is sealed: only age and gender are made of it, and no person reads it.
_IDENTITY: Final = "identity"
_ENDED: Final = ("inactive", "completed")


class Months(NamedTuple):
    """The months that an export covers, by the first day of the first and of the last."""

    first: date
    last: date

    @property
    def last_day(self) -> date:
        """The last day of the last month."""
        return self.last.replace(day=calendar.monthrange(self.last.year, self.last.month)[1])


@dataclass(frozen=True)
class _Notes:
    weeks: int = 0
    met: int = 0
    minutes: int = 0
    weeks_met: int = 0
    in_touch: int = 0
    why_none: Mapping[str, int] = field(default_factory=dict)
    said: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


_NO_NOTES: Final = _Notes()
#: The choices of a week's row of which each week has one at most.
_CHOICES: Final = ("need", "worker_satisfaction", "participant_satisfaction", "activity_type")


def known_of(
    session: Session, participants: Collection[UUID], months: Months, *, with_identity: bool = True
) -> dict[UUID, Known]:
    """What is known of these participants over the months: with age and gender, for which their file is opened.

    Raises Refusal where the keys cannot be used.
    """
    closed = () if with_identity else (Participant.sealed, Participant.names)
    people = every(session, of(Participant, without=closed).where(col(Participant.id).in_(participants)))
    follow_ups = {
        row.participant_id: row
        for row in every(session, of(FollowUp).where(col(FollowUp.participant_id).in_(participants)))
    }
    notes, activities = _notes(session, participants, months), _activities(session, participants, months)
    organizations, risks = _organizations(session, participants), _risks(session, participants)
    received, first_met = _received(session, participants), _first_met(session, participants)
    times = _times(session, participants, months)
    found = {}
    for person in people:
        follow_up, noted, came = follow_ups.get(person.id), notes.get(person.id, _NO_NOTES), received.get(person.id)
        who = _identity(session, person) if with_identity else None
        found[person.id] = Known(
            age=_age(person, who),
            gender=who.gender if who else "",
            area=person.area.replace("-", "_"),
            organization=organizations.get(person.id, "").replace("-", "_"),
            entered=_month(person.admitted_on),
            risk=risks.get(person.id, ""),
            state=follow_up.state if follow_up else "",
            months_followed=_months_followed(person, follow_up, months),
            days_to_admission=_days(came, person.admitted_on),
            intensity=follow_up.intensity if follow_up else "",
            weeks=noted.weeks,
            met=noted.met,
            minutes=noted.minutes,
            weeks_met=noted.weeks_met,
            weeks_in_touch=noted.in_touch,
            why_none=noted.why_none,
            said=noted.said,
            activities=activities.get(person.id, {}),
            days_to_first_meeting=_days(came, first_met.get(person.id)),
            times=times.get(person.id, {}),
        )
    return found


def _identity(session: Session, person: Participant) -> ParticipantIdentity | None:
    """Who a person is, where that is kept."""
    if person.sealed is None:
        return None
    return ParticipantIdentity.of_json(unseal(session, person.id, _IDENTITY, person.sealed))


def _age(person: Participant, who: ParticipantIdentity | None) -> int | None:
    """The age in years on the day of admission, where it can be told."""
    age = who.age_as_of(person.admitted_on) if who and person.admitted_on else None
    return age.least if age else None


def _days(first: date | None, last: date | None) -> int | None:
    return (last - first).days if first and last else None


def _month(day: date | None) -> int | None:
    return month_of(day.year, day.month) if day else None


def _months_followed(person: Participant, follow_up: FollowUp | None, months: Months) -> int | None:
    began, last = _month(person.admitted_on), months.last_day
    if follow_up is not None and follow_up.state in _ENDED:
        last = min(last, follow_up.state_since)
    return None if began is None else max(0, month_of(last.year, last.month) - began)


def _notes(session: Session, participants: Collection[UUID], months: Months) -> dict[UUID, _Notes]:
    """The complete weekly notes of the months: numbers and choices, and none of their words."""
    asked = (
        only(FollowUp.participant_id, *(getattr(WeeklyNote, one) for one in ("communications", *_NUMBERS, *_CHOICES)))
        .join(WeeklyNote, joins(WeeklyNote.follow_up_id, FollowUp))
        .where(
            col(FollowUp.participant_id).in_(participants),
            col(WeeklyNote.is_complete),
            col(WeeklyNote.week) >= months.first,
            col(WeeklyNote.week) <= months.last_day,
        )
    )
    of_each: dict[UUID, list[Any]] = defaultdict(list)
    for row in run(session, asked):
        of_each[row.participant_id].append(row)
    return {participant_id: _counted(weeks) for participant_id, weeks in of_each.items()}


_NUMBERS: Final = ("met", "minutes", "reached", "why_none")


def _counted(weeks: Sequence[Any]) -> _Notes:
    """What the rows of some weeks say together."""
    return _Notes(
        weeks=len(weeks),
        met=sum(week.met for week in weeks),
        minutes=sum(week.minutes for week in weeks),
        weeks_met=sum(week.met > 0 for week in weeks),
        in_touch=sum(week.met > 0 or week.reached for week in weeks),
        why_none=Counter(week.why_none for week in weeks if week.why_none),
        said=_said(weeks),
    )


def _said(weeks: Sequence[Any]) -> dict[str, Counter[str]]:
    """How many of some weeks say each word, by its column."""
    said = {column: Counter(word for week in weeks if (word := getattr(week, column))) for column in _CHOICES}
    return said | {"communications": Counter(kind for week in weeks for kind in set(week.communications))}


def _times(session: Session, participants: Collection[UUID], months: Months) -> dict[UUID, dict[int, SelfReported]]:
    """The self-reports that were done by the end of the months, by their time."""
    rows = tuples(
        session,
        only(FollowUp.participant_id, SelfReport.n, SelfReport.done_on, SelfReport.risk)
        .join(SelfReport, joins(SelfReport.follow_up_id, FollowUp))
        .where(col(FollowUp.participant_id).in_(participants), col(SelfReport.done_on) <= months.last_day),
    )
    found: dict[UUID, dict[int, SelfReported]] = defaultdict(dict)
    for participant_id, n, done_on, risk in rows:
        found[participant_id][n] = SelfReported(month_of(surely(done_on).year, surely(done_on).month), surely(risk))
    return found


def _activities(session: Session, participants: Collection[UUID], months: Months) -> dict[UUID, Counter[str]]:
    planned = (
        only(FollowUp.participant_id, Activity.kind)
        .join(ActivityPart, joins(ActivityPart.follow_up_id, FollowUp))
        .join(Activity, joins(ActivityPart.activity_id, Activity))
        .where(
            col(FollowUp.participant_id).in_(participants),
            col(ActivityPart.taken_out_at).is_(None),
            col(Activity.called_off_at).is_(None),
            col(Activity.held_on) >= months.first,
            col(Activity.held_on) <= months.last_day,
        )
    )
    found: dict[UUID, Counter[str]] = defaultdict(Counter)
    for participant_id, kind in tuples(session, planned):
        found[participant_id][kind] += 1
    return found


def _organizations(session: Session, participants: Collection[UUID]) -> dict[UUID, str]:
    """The organization of the first primary worker of each, by its key."""
    rows = tuples(
        session,
        only(FollowUp.participant_id, Organization.key)
        .join(Assignment, joins(Assignment.follow_up_id, FollowUp))
        .join(Organization, joins(Assignment.organization_id, Organization))
        .where(
            col(FollowUp.participant_id).in_(participants),
            Assignment.kind == "primary",
            col(Assignment.withdrawn_at).is_(None),
        )
        .order_by(col(Assignment.starts_on).desc(), col(Assignment.assigned_at).desc()),
    )
    return dict(rows)  # the first of them is read last


def _risks(session: Session, participants: Collection[UUID]) -> dict[UUID, str]:
    rows = tuples(
        session,
        only(RiskAssessment.participant_id, RiskAssessment.level)
        .where(col(RiskAssessment.participant_id).in_(participants), RiskAssessment.kind == "admission")
        .order_by(col(RiskAssessment.n)),
    )
    return dict(rows)


def _received(session: Session, participants: Collection[UUID]) -> dict[UUID, date]:
    """The local day on which the first referral of each was received."""
    first: Any = func.min(col(Referral.received_at))
    asked = select(Referral.participant_id, value_of(first)).where(
        in_program(Referral), col(Referral.participant_id).in_(participants), col(Referral.received_at).is_not(None)
    )
    rows = run(session, asked.group_by(col(Referral.participant_id))).all()
    return {row[0]: local_day(session, row[1]) for row in rows}


def _first_met(session: Session, participants: Collection[UUID]) -> dict[UUID, date]:
    """The day on which each met a worker first, before the admission (AD-R6)."""
    asked = (
        only(FirstMeeting.participant_id, FirstMeeting.met_on)
        .where(col(FirstMeeting.participant_id).in_(participants))
        .order_by(col(FirstMeeting.n).desc())
    )
    return dict(tuples(session, asked))  # the first of them is read last
