"""Keeps obligations true: judges each period by the records, and writes its state and facts when they change.

`keep` may run at any time, and any number of times: by the round each day, and in the transaction of whatever touches
an obligation. What did not change is not written. People are asked for what is missing (`asking`), and the coordinator
for an attendance that was not recorded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, insert, true
from sqlmodel import Session

from domain.casework import BY_ITS_ACT, assigning, complete_task
from domain.declarations import (
    COORDINATOR,
    GIVEN_BY_PEOPLE,
    KINDS,
    LOST,
    TO_BE_RECORDED,
    OwedClause,
    PeriodFinding,
    PeriodOwed,
    Records,
    Touched,
    VersionClause,
    Window,
    facts_of,
    grouped,
)
from domain.kernel import SHAPE, Actor, Span, also, changes, col, every, joins, of, only, program_of, run
from domain.obligations import asking, to_accept
from domain.obligations.asking import BY_OBLIGATIONS, Judged
from domain.obligations.clauses import checked_by, is_anything_owed, owed, waivers
from domain.obligations.reading import PRESENT
from domain.obligations.turns import take_turn
from domain.record import events
from domain.roles import Link
from locales import N_, say, show_day
from models.casework import SETTLED, Task
from models.committee import Committee
from models.meeting import Meeting
from models.obligation import Found, ObligationFinding, ObligationPeriod

#: The step of the task that asks the coordinator for what was not recorded.
RECORD: Final = "obligation.record"

#: A period that ended longer ago is judged again only where something of it is touched.
LOOKS_BACK: Final = timedelta(days=400)
#: The coordinator records an attendance within this many days of being asked.
DAYS_TO_RECORD: Final = 5


def keep(
    session: Session,
    *,
    organization_ids: Iterable[UUID] | None = None,
    kinds: Iterable[str] | None = None,
    touched: Callable[[], Touched] = Touched,
    by: Actor = BY_OBLIGATIONS,
    at: datetime,
) -> int:
    """Judge the obligations anew, of these organizations and kinds of check or of all; returns how many changed.

    A period that has been over for longer than `LOOKS_BACK` keeps its finding, unless `touched` reaches it: a
    correction counts however late it comes. `touched` is called once there is such a period. `by` is on record for a
    task that this completes: the one who recorded what it asked for. One transaction keeps a program's obligations at a
    time; a second one waits.
    """
    chosen = frozenset(kinds) if kinds is not None else None
    if not is_anything_owed(session):
        return 0  # no agreement was ever in force: nothing is locked, and nothing else is read
    take_turn(session)
    judging = _Judging(session, Records(session, at), chosen, cache(touched), at)
    for one in owed(session, organization_ids=organization_ids, kinds=chosen):  # once it is ours to judge
        judging.take(one)
    changed = judging.kept.write()
    asking.ask(session, judging.records, judging.judged, by=by, at=at)
    asking.let_go(session, judging.kept.let_go_of, at=at)
    whole, asked = organization_ids is None, frozenset(KINDS) if chosen is None else chosen
    if asked & GIVEN_BY_PEOPLE:
        to_accept.ask(session, by=BY_OBLIGATIONS, at=at, whole=whole and chosen is None)
    if asked & TO_BE_RECORDED:
        _ask_for_records(session, judging.unrecorded, whole=whole, records=judging.records, by=by, at=at)
    return changed


class _Judging:
    """One round of judging: what is kept of each period, and what was found of those that are judged anew."""

    def __init__(
        self,
        session: Session,
        records: Records,
        chosen: frozenset[str] | None,
        what_changed: Callable[[], Touched],
        at: datetime,
    ) -> None:
        self.records = records
        self.kept = _Kept(session, records, at)
        self.unrecorded: set[str] = set()
        self.judged: list[Judged] = []
        self._chosen, self._what_changed = chosen, what_changed
        self._stood = _periods_kept(session, chosen)

    @cached_property
    def _waived(self) -> Mapping[tuple[UUID, str], list[Span]]:
        """The days on which each partner is freed of each clause."""
        rows = grouped(waivers(self.records.session), lambda row: (row.agreement_id, row.key))
        days = {place: [Span(row.starts_on, row.ends_on) for row in several] for place, several in rows.items()}
        return defaultdict(list, days)

    def take(self, one: OwedClause) -> None:
        """Judge the windows of an obligation, and let go of the periods that bind nobody any more."""
        mine = self._stood.get((one.agreement_id, one.key), {})
        windows = one.windows(self.records.on)
        for window in windows:
            clause = one.clause_of(window)
            if self._chosen is None or clause.kind in self._chosen:
                self._judge(one, window, clause, mine.get(window.period.starts_on))
        bound = {window.period.starts_on for window in windows}
        for starts_on, row in mine.items():
            if starts_on not in bound:
                self.kept.let_go(row)

    def _judge(self, one: OwedClause, window: Window, clause: VersionClause, row: _Stood | None) -> None:
        if row is not None and self._stays(window, row):
            self.unrecorded.update(_facts_of(row, "awaited"))  # it is still the coordinator's to record
            return
        waived = self._waived[one.agreement_id, one.key]
        period_id = row.id if row is not None else None
        period = PeriodOwed(self.records, one, window, clause, waived, period_id, tuple(_was_late(row, clause)))
        found = judge(period)
        self.unrecorded.update(found.missing)
        kept_id = self.kept.take(period, row, found)
        self.judged.append(Judged(period, kept_id, row.task_id if row is not None else None, found))

    def _stays(self, window: Window, row: _Stood) -> bool:
        """Whether a period is over for so long that it stays as it was found, since nothing of it was touched."""
        is_long_over = window.ends_on is not None and window.ends_on < self.records.on - LOOKS_BACK
        return is_long_over and not self._what_changed().reaches(window, _facts_of(row))


def _facts_of(row: _Stood, why: str | None = None) -> Iterator[str]:
    """The ids of the facts by which a period was last judged: all, or those with the code `why`."""
    return (fact.id for fact in facts_of(row.found) if why in (None, fact.why))


class _Stood(ObligationPeriod):
    """A period as it is stored, with its present finding."""

    model_config = SHAPE

    found: Found = also(ObligationFinding.found)


def judge(period: PeriodOwed) -> PeriodFinding:
    """How one window of an obligation stands by the records.

    By its last text; where that says that it is lost, and another text bound the partner before, by the text of each
    fact's own day: what was allowed on the day on which it happened loses nothing afterwards.
    """
    found = period.clause.rule.found(period)
    rule_on = period.one.rule_on(period.window) if found.state in LOST else None
    if rule_on is None:
        return found
    milder = period.clause.rule.found(replace(period, rule_on=rule_on))
    return found if milder.state in LOST else milder


def _was_late(before: _Stood | None, clause: VersionClause) -> Iterator[tuple[str, date]]:
    """The steps that the same text found late before: they stay so, whatever became of them or of the calendar.

    Where that was a mistake, a decision waives the clause for the partner on those days.
    """
    if before is not None and before.obligation_id == clause.id:
        for fact in facts_of(before.found):
            if fact.why == "late" and fact.on is not None:
                yield fact.id, fact.on


def _periods_kept(session: Session, kinds: frozenset[str] | None) -> dict[tuple[UUID, str], dict[date, _Stood]]:
    """Each clause's periods as they are stored, by their first day."""
    rows = every(
        session,
        of(_Stood)
        .outerjoin(ObligationFinding, PRESENT)
        .where(true() if kinds is None else col(ObligationPeriod.key).in_(checked_by(kinds))),
    )
    found: dict[tuple[UUID, str], dict[date, _Stood]] = defaultdict(dict)
    for row in rows:
        found[row.agreement_id, row.key][row.period_starts] = row
    return found


class _Kept:
    """What is written after everything is judged: three statements, however many periods changed."""

    def __init__(self, session: Session, records: Records, at: datetime) -> None:
        self._session, self._records, self._at = session, records, at
        self._new: list[dict[str, object]] = []
        self._changed: list[dict[str, object]] = []
        self._findings: list[dict[str, object]] = []
        self._lines: list[tuple[UUID, dict[str, events.Fact]]] = []
        self.let_go_of: list[UUID] = []  # tasks of periods that no longer bind anyone

    def take(self, period: PeriodOwed, row: _Stood | None, found: PeriodFinding) -> UUID:
        """Keep how a window was judged, where that changed; returns the id of its period."""
        one, window, clause = period.one, period.window, period.clause
        now = {
            "obligation_id": clause.id,
            "starts_on": window.starts_on,
            "ends_on": window.ends_on,
            "period_ends": window.period.ends_on,  # moves where a version with another period comes on record late
            "due_on": found.due_on,
            "state": found.state,
        }
        if row is not None:
            if row.found != found.as_json() or any(getattr(row, name) != value for name, value in now.items()):
                self._change(row, clause.id, now, found)
            return row.id
        period_id = uuid4()
        self._new.append(
            {
                "program_id": program_of(self._session),
                "id": period_id,
                "agreement_id": one.agreement_id,
                "key": one.key,
                "period_starts": window.period.starts_on,
                "finding": 1,
                "evaluated_at": self._at,
                "version": 1,
                **now,
            }
        )
        self._find(period_id, 1, clause.id, found)
        self._lines.append((period_id, {"clause": one.key, "before": "", "state": found.state}))
        return period_id

    def let_go(self, row: _Stood) -> None:
        """Release a period that no longer binds anyone: its agreement's end was recorded after the period had begun."""
        if row.task_id is not None:
            self.let_go_of.append(row.task_id)
        if row.state == "no_occasion":
            return
        stays = {
            "obligation_id": row.obligation_id,
            "starts_on": row.starts_on,
            "ends_on": row.ends_on,
            "period_ends": row.period_ends,
        }
        gone = {**stays, "due_on": None, "state": "no_occasion"}
        self._change(row, row.obligation_id, gone, PeriodFinding("no_occasion"))

    def _change(self, row: _Stood, clause_id: UUID, now: Mapping[str, object], found: PeriodFinding) -> None:
        n = row.finding + 1
        self._changed.append(
            {"of_period": row.id, "finding": n, "evaluated_at": self._at, "version": row.version + 1, **now}
        )
        self._find(row.id, n, clause_id, found)
        if row.state != found.state:
            self._lines.append((row.id, {"clause": row.key, "before": row.state, "state": found.state}))

    def _find(self, period_id: UUID, n: int, obligation_id: UUID, found: PeriodFinding) -> None:
        self._findings.append(
            {
                "program_id": program_of(self._session),
                "id": uuid4(),
                "period_id": period_id,
                "n": n,
                "obligation_id": obligation_id,
                "state": found.state,
                "on": self._records.on,
                "found": found.as_json(),
                "evaluated_at": self._at,
            }
        )

    def write(self) -> int:
        """Write the changes; returns how many periods changed."""
        if self._new:
            run(self._session, insert(ObligationPeriod), self._new)
        if self._changed:
            self._session.connection().execute(
                changes(ObligationPeriod).where(col(ObligationPeriod.id) == bindparam("of_period")), self._changed
            )
        if self._findings:
            run(self._session, insert(ObligationFinding), self._findings)
        if self._lines:
            events.write_many(
                self._session, "obligation.found", "obligation_period", self._lines, by=BY_OBLIGATIONS, at=self._at
            )
        return len(self._lines)


# ------------------------------------------------------------------------------------------------- what nobody recorded


_ATTENDANCE: Final = N_("Record attendance: %(committee)s, %(day)s")


def _ask_for_records(
    session: Session, unrecorded: set[str], *, whole: bool, records: Records, by: Actor, at: datetime
) -> None:
    """Ask the coordinator to record what is missing, once a meeting; where it is there now, their task is done.

    `whole` says that every organization was judged: only then is a meeting known to miss nothing.
    """
    rows = every(session, of(Task).where(Task.step == RECORD, col(Task.case_id).is_(None)))
    known = {row.item: row for row in rows if row.state not in (*SETTLED, "cancelled")}
    if whole:
        for item in sorted(set(known) - unrecorded):
            complete_task(session, known[item].id, by=by, at=at, in_its_act=True)
    meetings = run(
        session,
        only(Meeting.id, Meeting.starts, Committee.title_fr, Committee.title_en)
        .join(Committee, joins(Meeting.committee_id, Committee))
        .where(col(Meeting.id).in_([UUID(one) for one in unrecorded - set(known)]))
        .order_by(col(Meeting.starts)),
    ).all()
    for meeting in meetings:
        day = meeting.starts.date()
        assigning.assign(
            session,
            RECORD,
            str(meeting.id),
            title_fr=say("fr", _ATTENDANCE, committee=meeting.title_fr, day=show_day("fr", day)),
            title_en=say("en", _ATTENDANCE, committee=meeting.title_en, day=show_day("en", day)),
            chain=[Link(COORDINATOR)],
            due_on=records.calendar.add_working_days(records.on, DAYS_TO_RECORD),
            by=BY_OBLIGATIONS,
            at=at,
            evidence=BY_ITS_ACT,
        )
