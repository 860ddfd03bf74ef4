"""Keeps obligations true: judges each period by the records, and writes its state and facts when they change.

`keep` may run at any time, and any number of times: by the round each day, and in the transaction of whatever touches
an obligation. What did not change is not written. People are asked for what is missing (`asking`), and the coordinator
for an attendance that was not recorded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, insert
from sqlmodel import Session

from domain.casework import assigning
from domain.casework.evidence import BY_ITS_ACT
from domain.casework.tasks import complete_task
from domain.declarations.program_agreements import AttendanceRule, AttestationRule, CountRule, DocumentRule, TasksRule
from domain.kernel.actors import Actor
from domain.kernel.rows import SHAPE, also, changes, col, every, joins, of, only, run, same
from domain.kernel.scope import program_of
from domain.kernel.spans import Span
from domain.obligations import asking, evaluation, to_accept
from domain.obligations.asking import BY_OBLIGATIONS, Judged
from domain.obligations.clauses import Clause, Owed, checked_by, is_anything_owed, owed
from domain.obligations.evaluation import LOST, Found, Step
from domain.obligations.facts import COORDINATOR, Records
from domain.obligations.silence import Silence
from domain.obligations.turns import take_turn
from domain.obligations.windows import Touched, Window
from domain.record import events
from locales import N_, say, show_day
from models.casework import SETTLED, Task
from models.committee import Committee
from models.meeting import Meeting
from models.obligation import ObligationFinding, ObligationPeriod

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
    records, what_changed = Records(session, at), cache(touched)
    held = _held(session, chosen)
    kept = _Kept(session, records, at)
    unrecorded: set[str] = set()
    judged: list[Judged] = []
    for one in owed(session, organization_ids=organization_ids, kinds=chosen):  # once it is ours to judge
        mine, bound = held.get((one.agreement_id, one.key), {}), set()
        for window in one.windows(records.on):
            bound.add(window.period.starts_on)
            clause = one.clause_of(window)
            if chosen is not None and clause.kind not in chosen:
                continue
            row = mine.get(window.period.starts_on)
            if (
                row is not None
                and _is_long_over(window, records.on)
                and not what_changed().reaches(window, _facts_of(row))
            ):
                unrecorded.update(_facts_of(row, "awaited"))  # it is still the coordinator's to record
                continue
            found = judge(records, one, window, clause, row)
            unrecorded.update(found.missing)
            period_id = kept.take(one, window, clause, row, found)
            judged.append(Judged(one, window, clause, period_id, row.task_id if row is not None else None, found))
        for starts_on, row in mine.items():
            if starts_on not in bound:
                kept.let_go(row)
    changed = kept.write()
    asking.ask(session, records, judged, by=by, at=at)
    asking.let_go(session, kept.let_go_of, at=at)
    if chosen is None or chosen & {"attestation", "document"}:
        to_accept.ask(session, by=BY_OBLIGATIONS, at=at, whole=organization_ids is None and chosen is None)
    if chosen is None or "attendance" in chosen:
        _ask_for_records(session, unrecorded, whole=organization_ids is None, records=records, by=by, at=at)
    return changed


def _is_long_over(window: Window, on: date) -> bool:
    return window.ends_on is not None and window.ends_on < on - LOOKS_BACK


def _facts_of(row: _Stood, why: str | None = None) -> Iterator[str]:
    """The ids of the facts by which a period was last judged: all, or those with the code `why`."""
    return (fact["id"] for fact in row.found["facts"] if why in (None, fact["why"]))


class _Stood(ObligationPeriod):
    """A period as it is stored, with its present finding."""

    model_config = SHAPE

    found: dict[str, Any] = also(ObligationFinding.found)


@dataclass(frozen=True)
class _Asked:
    """One window of an obligation, to be judged by its last text or, with `rule_on`, by the text of each day."""

    records: Records
    one: Owed
    window: Window
    clause: Clause
    period_id: UUID | None
    silence: Silence
    was_late: tuple[Step, ...] = ()
    rule_on: Callable[[date], Any] | None = None

    @property
    def rule(self) -> Any:
        """The last text's rule: of the kind by which the judge was chosen."""
        return self.clause.rule

    @property
    def waived(self) -> list[Span]:
        """The days on which the clause is waived for the partner."""
        return self.records.waived(self.one.agreement_id, self.one.key)


def judge(records: Records, one: Owed, window: Window, clause: Clause, before: _Stood | None = None) -> Found:
    """Judge one window of an obligation by the records; `before` is its row, with its last finding.

    By its last text. Where that says that it is lost, and another text bound the partner before, each fact is judged by
    the text of its own day. What was allowed on the day on which it happened loses nothing afterwards.
    """
    silence = records.silence(one, window, clause)
    period_id = before.id if before is not None else None
    asked = _Asked(records, one, window, clause, period_id, silence, tuple(_was_late(before, clause)))
    found = _JUDGES[type(clause.rule)](asked)
    rule_on = one.rule_on(window) if found.state in LOST else None
    if rule_on is None:
        return found
    milder = _JUDGES[type(clause.rule)](replace(asked, rule_on=rule_on))
    return found if milder.state in LOST else milder


def _was_late(before: _Stood | None, clause: Clause) -> Iterator[Step]:
    """The steps that the same text found late before: they stay so, whatever became of them or of the calendar.

    Where that was a mistake, a decision waives the clause for the partner on those days.
    """
    if before is not None and before.obligation_id == clause.id:
        for fact in before.found["facts"]:
            if (fact["kind"], fact["why"]) == ("task", "late"):
                yield Step(fact["id"], date.fromisoformat(fact["on"]), late_until=date.max)


def _by_attendance(asked: _Asked) -> Found:
    sittings = asked.records.sittings(asked.one.organization_id, asked.rule, asked.clause.owed_by)
    return evaluation.attendance(
        asked.window, asked.waived, asked.rule, sittings, asked.records.on, asked.rule_on, silence=asked.silence
    )


def _by_tasks(asked: _Asked) -> Found:
    records = asked.records
    # The coordinator's duties are owed to every partner.
    where = None if asked.clause.owed_by == COORDINATOR else asked.one.organization_id
    steps = records.steps(where, asked.clause, asked.rule, asked.rule_on)
    return evaluation.tasks(
        asked.window,
        asked.waived,
        asked.rule,
        [*steps, *asked.was_late],
        records.calendar,
        records.on,
        asked.rule_on,
        silence=asked.silence,
    )


def _by_documents(asked: _Asked) -> Found:
    papers = asked.records.papers(asked.one, asked.clause)
    return evaluation.documents(asked.window, asked.waived, asked.rule, papers, asked.records.on, silence=asked.silence)


def _by_attestation(asked: _Asked) -> Found:
    return evaluation.attested(
        asked.window,
        asked.waived,
        asked.rule,
        asked.records.said(asked.period_id),
        asked.records.on,
        is_secretarys=asked.rule.by == COORDINATOR and asked.clause.owed_by != COORDINATOR,
        silence=asked.silence,
    )


def _by_count(asked: _Asked) -> Found:
    records = asked.records
    return evaluation.counted(
        asked.window,
        asked.waived,
        asked.rule,
        records.counts(asked.one, asked.window, asked.rule, asked.rule_on),
        records.on,
        silence=asked.silence,
        is_on_record=records.is_counted(asked.one, asked.window, asked.rule),
    )


_JUDGES: Final[Mapping[type, Callable[[_Asked], Found]]] = {
    AttendanceRule: _by_attendance,
    TasksRule: _by_tasks,
    DocumentRule: _by_documents,
    AttestationRule: _by_attestation,
    CountRule: _by_count,
}


def _held(session: Session, kinds: frozenset[str] | None) -> dict[tuple[UUID, str], dict[date, _Stood]]:
    """Each clause's periods as they are stored, by their first day."""
    rows = every(
        session,
        of(_Stood)
        .outerjoin(
            ObligationFinding,
            same(ObligationFinding, ObligationPeriod)
            & (col(ObligationFinding.period_id) == col(ObligationPeriod.id))
            & (col(ObligationFinding.n) == col(ObligationPeriod.finding)),
        )
        .where(
            *([col(ObligationPeriod.key).in_(checked_by(kinds))] if kinds is not None else []),
        ),
    )
    found: dict[tuple[UUID, str], dict[date, _Stood]] = defaultdict(dict)
    for row in rows:
        found[row.agreement_id, row.key][row.period_starts] = row
    return found


class _Kept:
    """What is written after everything is judged: three statements, however many periods changed."""

    def __init__(self, session: Session, records: Records, at: datetime) -> None:
        self._session, self._records, self._at = session, records, at
        self._new: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []
        self._findings: list[dict[str, Any]] = []
        self._lines: list[tuple[UUID, dict[str, events.Fact]]] = []
        self.let_go_of: list[UUID] = []  # tasks of periods that no longer bind anyone

    def take(self, one: Owed, window: Window, clause: Clause, row: _Stood | None, found: Found) -> UUID:
        """Keep how a window was judged, where that changed; returns the id of its period."""
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
                self._change(row, now, found)
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
        self._change(row, {**stays, "due_on": None, "state": "no_occasion"}, Found("no_occasion"))

    def _change(self, row: _Stood, now: Mapping[str, Any], found: Found) -> None:
        n = row.finding + 1
        self._changed.append(
            {"of_period": row.id, "finding": n, "evaluated_at": self._at, "version": row.version + 1, **now}
        )
        self._find(row.id, n, now["obligation_id"], found)
        if row.state != found.state:
            self._lines.append((row.id, {"clause": row.key, "before": row.state, "state": found.state}))

    def _find(self, period_id: UUID, n: int, obligation_id: UUID, found: Found) -> None:
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
                changes(ObligationPeriod).where(col(ObligationPeriod.id) == bindparam("of_period")),
                self._changed,
            )
        if self._findings:
            run(self._session, insert(ObligationFinding), self._findings)
        if self._lines:
            events.write_many(
                self._session, "obligation.found", "obligation_period", self._lines, by=BY_OBLIGATIONS, at=self._at
            )
        return len(self._lines)


# ------------------------------------------------------------------------------------------------- what nobody recorded


def _ask_for_records(
    session: Session, unrecorded: set[str], *, whole: bool, records: Records, by: Actor, at: datetime
) -> None:
    """Ask the coordinator to record what is missing, once a meeting; where it is there now, their task is done.

    `whole` says that every organization was judged: only then is a meeting known to miss nothing.
    """
    rows = every(
        session,
        of(Task).where(Task.step == RECORD, col(Task.case_id).is_(None)),
    )
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
        titles = {"fr": meeting.title_fr, "en": meeting.title_en}
        words = {
            language: say(
                language,
                N_("Record attendance: %(committee)s, %(day)s"),
                committee=titles[language],
                day=show_day(language, meeting.starts.date()),
            )
            for language in titles
        }
        assigning.assign(
            session,
            RECORD,
            str(meeting.id),
            title_fr=words["fr"],
            title_en=words["en"],
            chain=[{"role": COORDINATOR, "at": "*"}],
            due_on=records.calendar.add_working_days(records.on, DAYS_TO_RECORD),
            by=BY_OBLIGATIONS,
            at=at,
            evidence=BY_ITS_ACT,
        )
