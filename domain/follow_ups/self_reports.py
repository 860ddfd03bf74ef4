"""The self-report questionnaires of the research, at times 1 and 2: done, on which day, and the risk then (FU-6, ER-3).

They are asked of those alone whose consent to research stands. When they are due is the program's file to say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Insert, Update, insert
from sqlmodel import Session

from domain.declarations import RetentionTerm, SelfReports
from domain.follow_ups.locking import Followed, LockedFollowUp, follow_ups, lock_follow_up, write_follow_up_event
from domain.kernel import Actor, Refusal, among, built, changes, every, first, of, program, program_of, run
from domain.participants import research, retention_terms
from locales import N_
from models.follow_up import SelfReport
from models.participant import RISK_LEVELS

TIMES: Final = (1, 2)


@dataclass(frozen=True)
class DueSelfReport:
    """A questionnaire that is due: by number and time, from which day on, and by which day at the latest."""

    follow_up_id: UUID
    number: str
    n: int
    from_on: date
    due_on: date

    def is_late(self, day: date) -> bool:
        """Whether its last day has passed."""
        return day > self.due_on


def self_reports_of(session: Session, follow_up_ids: Iterable[UUID]) -> dict[UUID, dict[int, SelfReport]]:
    """What is on record of follow-ups, by their ids and the times."""
    found: dict[UUID, dict[int, SelfReport]] = {one: {} for one in follow_up_ids}
    for row in every(session, _REPORTS, {"follow_ups": list(found)}):
        found[row.follow_up_id][row.n] = row
    return found


def due_self_reports(
    session: Session, day: date, *, among_rows: Collection[Followed] | None = None
) -> list[DueSelfReport]:
    """The questionnaires that are due on a local day, the first to be late first; among these follow-ups, or all.

    Of those who are followed now, also on a break, and whose consent to research stands. Time 2 comes after time 1.
    """
    rows = _asked_of(session, every(session, follow_ups()) if among_rows is None else among_rows)
    if not rows:
        return []
    reports, rule = self_reports_of(session, [row.id for row in rows]), rule_of(session)
    due = (next_due(row, reports[row.id], rule) for row in rows)
    return sorted(
        (one for one in due if one is not None and one.from_on <= day), key=lambda one: (one.due_on, one.number)
    )


def _asked_of(session: Session, rows: Collection[Followed]) -> list[Followed]:
    """Those of these follow-ups of whose participants questionnaires are asked now."""
    going_on = [row for row in rows if row.state in ("active", "on_break")]
    consenting = research.consents_to_research(session) if going_on else frozenset()
    return [row for row in going_on if row.participant_id in consenting]


def done_of(session: Session, participant_ids: Collection[UUID]) -> dict[UUID, dict[int, date]]:
    """The days on which questionnaires were filled in, by participants and times: nothing of the risk."""
    of_whom = {row.id: row.participant_id for row in every(session, follow_ups())}
    found: dict[UUID, dict[int, date]] = {}
    for follow_up_id, reports in self_reports_of(session, of_whom).items():
        days = {n: row.done_on for n, row in sorted(reports.items()) if row.done_on is not None}
        if days and of_whom[follow_up_id] in participant_ids:
            found[of_whom[follow_up_id]] = days
    return found


def next_due(row: Followed, reports: dict[int, SelfReport], rule: SelfReports) -> DueSelfReport | None:
    """The next questionnaire of a follow-up by the program's rule, whether or not its day has come; None after both."""
    if not _is_done(reports.get(1)):
        return DueSelfReport(
            row.id, row.number, 1, row.opened_on, row.opened_on + timedelta(weeks=rule.first_within_weeks)
        )
    if not _is_done(reports.get(2)):
        done_on = reports[1].done_on
        assert done_on is not None  # noqa: S101 - it is done
        begins = retention_terms.later(done_on, RetentionTerm(months=rule.second_after_months))
        return DueSelfReport(row.id, row.number, 2, begins, begins + timedelta(weeks=rule.second_within_weeks))
    return None


def record_self_report(
    session: Session,
    follow_up_id: UUID,
    n: int,
    *,
    done_on: date | None,
    risk: str | None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> int:
    """Record that the questionnaire of a time was filled in on a day, with the risk as it is assessed then.

    Without a day it was not done after all. Returns the version; `seen` is the one that was looked at, 0 where there
    was none. Raises Refusal: no such time, no consent to research that stands, a day that cannot be, or no level.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    before = first(session, of(SelfReport).where(SelfReport.follow_up_id == follow_up_id, SelfReport.n == n))
    version = before.version if before is not None else 0
    if seen not in (None, version):
        raise Refusal(
            "self_report.changed",
            N_("This was changed by someone else or in another window. Nothing was saved; look again."),
        )
    if n not in TIMES:
        raise Refusal("self_report.time", N_("A questionnaire is filled in at time 1 or 2."), source="FU-6")
    if done_on is None:
        _refuse_to_take_back(session, held, n, before)
    else:
        _refuse(session, held, n, done_on, risk)
    report_id = before.id if before is not None else uuid4()
    written: Insert | Update = changes(SelfReport).where(SelfReport.id == report_id)
    if before is None:
        written = insert(SelfReport).values(
            program_id=program_of(session), id=report_id, follow_up_id=follow_up_id, n=n
        )
    run(
        session,
        written.values(
            done_on=done_on,
            risk=risk if done_on is not None else None,
            recorded_by=by.person_id,
            recorded_at=at,
            version=version + 1,
        ),
    )
    write_follow_up_event(
        session, held, "follow_up.self_reported", n=n, day=done_on.isoformat() if done_on is not None else ""
    )
    return version + 1


def rule_of(session: Session) -> SelfReports:
    """When the questionnaires are due, as the program's file was loaded last; the grammar's own where it is silent."""
    return SelfReports.model_validate(program(session).self_reports)


def _refuse(session: Session, held: LockedFollowUp, n: int, done_on: date, risk: str | None) -> None:
    if held.participant_id not in research.consents_to_research(session):
        raise Refusal(
            "self_report.consent",
            N_("This participant has not consented to research: no questionnaire is asked of them."),
            source="FU-9",
        )
    if not held.row.opened_on <= done_on <= held.day:
        raise Refusal("day.malformed", N_("Enter a day from the beginning of the follow-up on, and none to come."))
    if risk not in RISK_LEVELS:
        raise Refusal("risk.level", N_("Choose one of the levels offered."), source="AD-R10")
    days = {n_: row.done_on for n_, row in self_reports_of(session, [held.id])[held.id].items()} | {n: done_on}
    first_on, second_on = days.get(1), days.get(2)
    if first_on is None or (second_on is not None and second_on <= first_on):
        raise Refusal("self_report.order", N_("Time 2 comes after time 1, on a later day."), source="FU-6")


def _refuse_to_take_back(session: Session, held: LockedFollowUp, n: int, before: SelfReport | None) -> None:
    if not _is_done(before):
        raise Refusal("day.missing", N_("Enter a day."))
    if n == 1 and _is_done(self_reports_of(session, [held.id])[held.id].get(2)):
        raise Refusal("self_report.order", N_("Time 2 comes after time 1, on a later day."), source="FU-6")


def _is_done(row: SelfReport | None) -> bool:
    return row is not None and row.done_on is not None


_REPORTS: Final = built(of(SelfReport).where(among(SelfReport.follow_up_id, "follow_ups")))
