"""One week of a follow-up's strip: what it was, as its note says, or else why there is none (FU-7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.follow_ups.notes import ENDED
from domain.follow_ups.weeks import sunday_of
from models.follow_up import Assignment, FollowUp, FollowUpBreak, WeeklyNote

WeekKind = Literal["met", "reached", "none", "missing", "now", "break", "apart", "before"]


@dataclass(frozen=True)
class StripWeek:
    """One week of a strip: its Monday, what it was, and why there was no contact, where its note says so."""

    week: date
    kind: WeekKind
    why: str = ""


def strip_week(
    row: FollowUp,
    week: date,
    note: WeeklyNote | None,
    breaks: Sequence[FollowUpBreak],
    parts: Sequence[Assignment],
    *,
    day: date,
) -> StripWeek:
    """What one week of a follow-up was: as its note says, else whether one was asked for.

    `parts` are those of its primary workers, of one that became active again: an ending ends them, a break does not.
    """
    if note is not None and (note.met or note.reached or note.why_none is not None):
        kind: WeekKind = "met" if note.met else "reached" if note.reached else "none"
        return StripWeek(week, kind, note.why_none or "")
    return StripWeek(week, _unwritten(row, week, breaks, parts, day))


def _unwritten(
    row: FollowUp, week: date, breaks: Sequence[FollowUpBreak], parts: Sequence[Assignment], day: date
) -> WeekKind:
    last = sunday_of(week)
    if last < row.opened_on:
        return "before"
    if _was_on_break(last, breaks):
        return "break"
    if _was_apart(row, last, parts):
        return "apart"
    return "now" if last >= day else "missing"


def _was_on_break(day: date, breaks: Sequence[FollowUpBreak]) -> bool:
    return any(one.starts_on <= day < (one.ended_on or date.max) for one in breaks)


def _was_apart(row: FollowUp, day: date, parts: Sequence[Assignment]) -> bool:
    """Whether it had ended by then, or had no worker before it became active again."""
    if row.state in ENDED and day >= row.state_since:
        return True
    had_worker = any(one.starts_on <= day <= (one.ends_on or date.max) for one in parts)
    return day < row.active_since and not had_worker
