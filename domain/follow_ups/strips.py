"""The strip of a follow-up's weeks: what each of its last weeks was, for lists, pages and papers alike (FU-7).

It tells no words and no name. A week in which no note was asked for is not one without a note: before the follow-up
began, on a break, while it was inactive, and after its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal
from uuid import UUID

from sqlmodel import Session

from domain.follow_ups.notes import ENDED, notes_of
from domain.follow_ups.weeks import WEEK, monday_of, sunday_of
from domain.kernel import among, built, every, of
from locales import N_
from models.follow_up import FollowUp, FollowUpBreak, WeeklyNote

WeekKind = Literal["met", "reached", "none", "missing", "now", "break", "apart", "before"]

#: What each kind of week is called, and the sign that stands for it where a paper has letters alone.
KINDS: Final[Mapping[WeekKind, tuple[str, str]]] = {
    "met": (N_("met"), "●"),
    "reached": (N_("other contact"), "◐"),
    "none": (N_("no contact"), "×"),
    "missing": (N_("no note"), "○"),
    "now": (N_("this week, not written yet"), "◌"),
    "break": (N_("on a break"), "–"),
    "apart": (N_("not active"), "–"),
    "before": (N_("before the follow-up"), "·"),
}
#: So many weeks are shown, the present one last.
SHOWN: Final = 8


@dataclass(frozen=True)
class StripWeek:
    """One week of a strip: its Monday, what it was, and why there was no contact, where its note says so."""

    week: date
    kind: WeekKind
    why: str = ""


@dataclass(frozen=True)
class Strip:
    """The last weeks of one follow-up, the oldest first."""

    weeks: tuple[StripWeek, ...]

    @property
    def signs(self) -> str:
        """The strip in signs, one a week."""
        return "".join(KINDS[one.kind][1] for one in self.weeks)

    @property
    def counts(self) -> dict[WeekKind, int]:
        """How many weeks there are of each kind, in the order of `KINDS`; none of before it began."""
        found = Counter(one.kind for one in self.weeks)
        return {kind: found[kind] for kind in KINDS if found[kind] and kind != "before"}


def strips_of(
    session: Session,
    rows: Collection[FollowUp],
    day: date,
    *,
    weeks: int = SHOWN,
    noted: Iterable[WeeklyNote] | None = None,
) -> dict[UUID, Strip]:
    """The strips of follow-ups on a local day, by their ids; `noted` are their notes, where they were read already."""
    mondays = weeks_until(day, weeks)
    ids = [row.id for row in rows]
    if not ids:
        return {}
    notes = noted if noted is not None else notes_of(session, ids, since=mondays[0])
    written = {(note.follow_up_id, note.week): note for note in notes}
    breaks: dict[UUID, list[FollowUpBreak]] = {row.id: [] for row in rows}
    for pause in every(session, _BREAKS, {"follow_ups": ids}):
        breaks[pause.follow_up_id].append(pause)
    return {
        row.id: Strip(
            tuple(strip_week(row, week, written.get((row.id, week)), breaks[row.id], day=day) for week in mondays)
        )
        for row in rows
    }


def weeks_until(day: date, weeks: int) -> list[date]:
    """The Mondays of the last weeks, the oldest first."""
    return [monday_of(day) - back * WEEK for back in reversed(range(weeks))]


def strip_week(
    row: FollowUp, week: date, note: WeeklyNote | None, breaks: Sequence[FollowUpBreak], *, day: date
) -> StripWeek:
    """What one week of a follow-up was: as its note says, else whether one was asked for."""
    if note is not None and (note.met or note.reached or note.why_none is not None):
        kind: WeekKind = "met" if note.met else "reached" if note.reached else "none"
        return StripWeek(week, kind, note.why_none or "")
    return StripWeek(week, _unwritten(row, week, breaks, day))


def _unwritten(row: FollowUp, week: date, breaks: Sequence[FollowUpBreak], day: date) -> WeekKind:
    last = sunday_of(week)
    if last < row.opened_on:
        return "before"
    if any(one.starts_on <= last and (one.ended_on is None or one.ended_on > last) for one in breaks):
        return "break"
    if last < row.active_since or (row.state in ENDED and last >= row.state_since):
        return "apart"
    return "now" if last >= day else "missing"


_BREAKS: Final = built(
    of(FollowUpBreak, without=(FollowUpBreak.terms,)).where(among(FollowUpBreak.follow_up_id, "follow_ups"))
)
