"""How the tests put agreements in force, and what they find of obligations afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select
from sqlmodel import Session

from domain.agreements import agreements, terminations, version_text
from domain.obligations.projection import keep
from models.agreement import Agreement, AgreementVersion
from models.base import table_of
from models.casework import Task
from models.committee import Committee, Seat
from models.meeting import Meeting
from models.minutes import Attendance
from models.obligation import ObligationFinding, ObligationPeriod
from tests.agreeing import last_version
from tests.cast import AT, TODAY, Cast
from tests.meetings.sitting import seat

_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_period = table_of(ObligationPeriod)
_finding = table_of(ObligationFinding)
_task = table_of(Task)
_committee = table_of(Committee)
_seat = table_of(Seat)
_meeting = table_of(Meeting)
_attendance = table_of(Attendance)

DIRECTORS = {
    "ccsmtl": "director_ccsmtl",
    "codim": "director_codim",
    "spvm": "director_spvm",
    "marie-vincent": "director_mv",
    "en-marge": "director_em",
    "anonyme": "director_la",
}
#: The day on which the tests' agreements begin: most of a year before today.
SIGNED_ON = date(2026, 1, 5)


def agreement_of(session: Session, cast: Cast, place: str) -> UUID:
    """The agreement of an organization."""
    found: UUID = session.scalars(
        select(_agreement.c.id).where(
            _agreement.c.program_id == cast.program_id, _agreement.c.organization_id == cast.organizations[place]
        )
    ).one()
    return found


def put_in_force(session: Session, cast: Cast, *places: str, since: date = SIGNED_ON) -> None:
    """Have the directors sign the drafted agreements of these organizations, or of all, and start them."""
    by = cast.actor("coordinator")
    for place in places or DIRECTORS:
        version = session.scalars(
            select(_version.c.id).where(
                _version.c.program_id == cast.program_id, _version.c.agreement_id == agreement_of(session, cast, place)
            )
        ).one()
        director = cast.people[DIRECTORS[place]]
        agreements.sign_version(session, version, director_id=director, signed_on=since, by=by, at=AT)
        agreements.start_version(session, version, starts_on=since, by=by, at=AT)


def follow_with(
    session: Session, cast: Cast, key: str, *, starts_on: date, place: str = "en-marge", like: str = "", **said: Any
) -> None:
    """End the version in force at an organization before a day, from which on another one has a clause as said.

    It is a new one beside one that it is `like`.
    """
    by, before, last = cast.actor("coordinator"), last_version(session, cast, place), starts_on - timedelta(days=1)
    at = min(AT, datetime.combine(last, AT.timetz()))
    content = version_text.content_of_version(session, before)
    obligations = {**content.obligations, key: content.obligations[like or key]._replace(key=key, **said)}
    changed = replace(content, obligations=obligations)
    after = agreements.draft_version(session, agreement_of(session, cast, place), changed, by=by, at=at)
    terminations.end_version(session, before, ends_on=last, by=by, at=at)
    director = cast.people[DIRECTORS[place]]
    agreements.send_version(session, after, by=by, at=at)
    agreements.sign_version(session, after, director_id=director, signed_on=at.date(), by=by, at=at)
    agreements.start_version(session, after, starts_on=starts_on, by=by, at=at)


def kept(session: Session, at: datetime = AT, **chosen: Any) -> int:
    """Judge everything anew."""
    return keep(session, at=at, **chosen)


def period(session: Session, cast: Cast, place: str, key: str) -> dict[str, Any]:
    """The newest period of an organization's obligation, as it stands, with what it was found by."""
    row = session.execute(
        select(_period, _finding.c.found)
        .join(_finding, (_finding.c.period_id == _period.c.id) & (_finding.c.n == _period.c.finding))
        .where(
            _period.c.program_id == cast.program_id,
            _period.c.agreement_id == agreement_of(session, cast, place),
            _period.c.key == key,
        )
        .order_by(_period.c.period_starts.desc())
        .limit(1)
    ).mappings()
    return dict(row.one())


def findings(session: Session, period_id: UUID) -> list[str]:
    """The states in which a period was found, in order."""
    return list(
        session.scalars(select(_finding.c.state).where(_finding.c.period_id == period_id).order_by(_finding.c.n))
    )


def tasks(session: Session, step: str) -> list[dict[str, Any]]:
    """The tasks that obligations asked for, in order of their day."""
    rows = session.execute(select(_task).where(_task.c.step == step).order_by(_task.c.due_on, _task.c.id)).mappings()
    return [dict(row) for row in rows]


def hold(
    session: Session,
    cast: Cast,
    day: date,
    filled: dict[str, str],
    *,
    quorate: bool | None = True,
    committee: str = "steering",
) -> UUID:
    """A meeting that was held, the Steering Committee's seats filled as said; nobody recorded the others.

    It had its quorum, unless said otherwise; None: nobody can tell.
    """
    meeting_id = uuid4()
    starts = datetime.combine(day, datetime(2026, 1, 1, 13, 0).time())  # noqa: DTZ001 - local
    committee_id = session.scalars(
        select(_committee.c.id).where(_committee.c.program_id == cast.program_id, _committee.c.key == committee)
    ).one()
    moment = datetime.combine(day, AT.timetz())
    session.execute(
        insert(_meeting).values(
            program_id=cast.program_id,
            id=meeting_id,
            committee_id=committee_id,
            uid=f"{meeting_id}@program.example",
            starts=starts,
            time_zone="America/Toronto",
            minutes=120,
            starts_at=moment,
            ends_at=moment.replace(hour=23),
            state="held",
            opened_at=moment,
            closed_at=moment.replace(hour=23),
            quorate=quorate,
            recorded_at=AT,
            version=1,
        )
    )
    for key, state in filled.items():
        record(session, cast, meeting_id, key, state)
    return meeting_id


def record(
    session: Session, cast: Cast, meeting_id: UUID, key: str, state: str, *, committee: str = "steering"
) -> None:
    """How one seat of the Steering Committee was filled, or of another whose seats sit there."""
    session.execute(
        insert(_attendance).values(
            program_id=cast.program_id,
            id=uuid4(),
            meeting_id=meeting_id,
            seat_id=seat(session, committee, key),
            state=state,
            person_id=cast.people["manager_em"] if state in ("present", "remote", "alternate") else None,
            recorded_at=AT,
            version=1,
        )
    )


assert SIGNED_ON < TODAY
