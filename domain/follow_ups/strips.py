"""The strip of a follow-up's weeks: what each of its last weeks was, for lists, pages and papers alike (FU-7).

It tells no words and no name. A week in which no note was asked for is not one without a note: before the follow-up
began, on a break, while it was inactive, and after its end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar
from uuid import UUID

from sqlmodel import Session

from domain.follow_ups.notes import notes_of
from domain.follow_ups.strip_weeks import StripWeek, WeekKind, strip_week
from domain.follow_ups.weeks import WEEK, monday_of
from domain.kernel import among, built, col, every, of
from domain.terms import PRIMARY
from locales import N_
from models.follow_up import Assignment, FollowUp, FollowUpBreak, WeeklyNote

OfFollowUp = TypeVar("OfFollowUp", FollowUpBreak, Assignment)

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
    breaks = _by_follow_up(every(session, _BREAKS, {"follow_ups": ids}))
    again = [row.id for row in rows if row.active_since > max(row.opened_on, mondays[0])]
    parts = _by_follow_up(every(session, _PARTS, {"follow_ups": again}) if again else ())
    return {
        row.id: Strip(
            tuple(
                strip_week(row, week, written.get((row.id, week)), breaks[row.id], parts[row.id], day=day)
                for week in mondays
            )
        )
        for row in rows
    }


def _by_follow_up(rows: Iterable[OfFollowUp]) -> defaultdict[UUID, list[OfFollowUp]]:
    found: defaultdict[UUID, list[OfFollowUp]] = defaultdict(list)
    for row in rows:
        found[row.follow_up_id].append(row)
    return found


def weeks_until(day: date, weeks: int) -> list[date]:
    """The Mondays of the last weeks, the oldest first."""
    return [monday_of(day) - back * WEEK for back in reversed(range(weeks))]


_PARTS: Final = built(
    of(Assignment).where(
        among(Assignment.follow_up_id, "follow_ups"), Assignment.kind == PRIMARY, col(Assignment.withdrawn_at).is_(None)
    )
)
_BREAKS: Final = built(
    of(FollowUpBreak, without=(FollowUpBreak.terms,)).where(among(FollowUpBreak.follow_up_id, "follow_ups"))
)
